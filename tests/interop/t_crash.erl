%% SPDX-License-Identifier: Apache-2.0
%% A server that crashes is a report: in its node's log, and at the logger of its group leader's node.
-module(t_crash).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1, line/2]).

%% A handler of logger: events go to the test.
log(#{level := Level, msg := Msg, meta := Meta}, #{config := #{to := To}}) ->
    To ! {logged, Level, text(Msg, Meta)}.

text({string, String}, _) -> lists:flatten(io_lib:format("~ts", [String]));
text({report, Report}, #{report_cb := Word}) -> text(Word(Report), #{});
text({report, Report}, _) -> lists:flatten(io_lib:format("~tp", [Report]));
text({Format, Args}, _) -> lists:flatten(io_lib:format(Format, Args)).

has(Text, Part) -> string:find(Text, Part) =/= nomatch.

report_in_the_nodes_log_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    Pid = probe(Node),
    ok = do(Pid, {register, crashing}),
    ok = gen_server:cast(Pid, {stop, {the_reason, "of it", <<"all">>}}),
    Line = line(C, "** Generic server"),
    [true = has(Line, Part) || Part <- ["crashing terminating", "Last message in was {'$gen_cast',{stop,",
                                        "When Server state == {opaque,",
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

state_is_what_format_status_shows_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    5 = gen_server:call({counter, Node}, {add, 5}),
    ok = gen_server:cast({counter, Node}, what),
    true = has(line(C, "** Generic server"), "When Server state == #{total => 5}").

supervisor_reports_name_both_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    ok = gen_server:cast({counter, Node}, what),
    Line = line(C, "Supervisor: "),
    [true = has(Line, Part) || Part <- ["{local,flitch_sup}", "Context: child_terminated",
                                        "Reason: {bad_cast,what}", "id=counter,pid=<"]].

report_at_the_group_leaders_node_test(#{node := Node}) ->
    Text = logged_end(Node, {crash_with, <<"a reason">>}),
    [true = has(Text, Part) || Part <- ["Generic server", "terminating", "Last message in was",
                                        "When Server state", "{opaque,", "{crash_with,",
                                        "a reason"]].

large_terms_are_not_sent_to_the_logger_test(#{node := Node}) ->
    Text = logged_end(Node, {crash_with, binary:copy(<<"x">>, 100000)}),
    true = has(Text, "{too_large,1000"),
    false = has(Text, "xxx").

%% What a handler of logger here has of the end of a probe that is led from here.
logged_end(Node, Reason) ->
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => error, config => #{to => self()}}),
    Pid = probe(Node),
    Pid = do(Pid, self),
    true = group_leader(group_leader(), Pid),
    eventually_led_from_here(Node, Pid),
    ok = gen_server:cast(Pid, {stop, Reason}),
    Text = receive {logged, error, T} -> T after 60000 -> exit(nothing_logged) end,
    ok = logger:remove_handler(?MODULE),
    Text.

eventually_led_from_here(Node, Pid) ->
    fixture:eventually(fun() ->
        {group_leader, group_leader()} =:= rpc:call(Node, erlang, process_info, [Pid, group_leader])
    end).
