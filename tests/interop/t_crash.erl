%% SPDX-License-Identifier: Apache-2.0
%% A server that crashes is a report: in its node's log, and at the logger of its group leader's node.
-module(t_crash).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1, line/2]).

%% A handler of logger: events go to the test.
log(#{level := Level, msg := Msg}, #{config := #{to := To}}) -> To ! {logged, Level, text(Msg)}.

text({string, String}) -> lists:flatten(io_lib:format("~ts", [String]));
text({report, Report}) -> lists:flatten(io_lib:format("~tp", [Report]));
text({Format, Args}) -> lists:flatten(io_lib:format(Format, Args)).

has(Text, Part) -> string:find(Text, Part) =/= nomatch.

report_in_the_nodes_log_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    Pid = probe(Node),
    ok = do(Pid, {register, crashing}),
    ok = gen_server:cast(Pid, {stop, {the_reason, "of it", <<"all">>}}),
    Line = line(C, "** Generic server"),
    [true = has(Line, Part) || Part <- ["crashing terminating", "Last message in was {stop,",
                                        "Reason for termination == {the_reason,\"of it\""]].

ordinary_ends_are_no_reports_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    [ok = gen_server:cast(probe(Node), {stop, Reason})
     || Reason <- [normal, shutdown, {shutdown, "quietly"}]],
    ok = gen_server:cast(probe(Node), {stop, loudly}),
    First = line(C, "** Generic server"),
    true = has(First, "== loudly").

misuse_is_named_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    _ = fixture:exit_of(fun() -> gen_server:call(probe(Node), unanswered) end),
    true = has(line(C, "** Generic server"), "{api_misuse,{no_reply,unanswered}}").

report_at_the_group_leaders_node_test(#{node := Node}) ->
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => error, config => #{to => self()}}),
    Pid = probe(Node),
    Pid = do(Pid, self),
    true = group_leader(group_leader(), Pid),
    eventually_led_from_here(Node, Pid),
    ok = gen_server:cast(Pid, {stop, {crash_with, <<"a reason">>}}),
    Text = receive {logged, error, T} -> T after 5000 -> exit(nothing_logged) end,
    ok = logger:remove_handler(?MODULE),
    [true = has(Text, Part) || Part <- ["Generic server", "terminating", "Last message in was",
                                        "{crash_with,<<\"a reason\">>}"]].

eventually_led_from_here(Node, Pid) ->
    fixture:eventually(fun() ->
        {group_leader, group_leader()} =:= rpc:call(Node, erlang, process_info, [Pid, group_leader])
    end).
