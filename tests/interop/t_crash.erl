%% SPDX-License-Identifier: Apache-2.0
%% A server that crashes is a report: in its node's log, and at the logger of its group leader's node.
-module(t_crash).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1, line/2]).

%% A handler of logger: events go to the test.
log(#{msg := Msg, meta := Meta} = Event, #{config := #{to := To}}) ->
    To ! {logged, Event, text(Msg, Meta)}.

text({report, Report}, #{report_cb := Word}) when is_function(Word, 2) ->
    lists:flatten(Word(Report, #{depth => unlimited, chars_limit => unlimited, single_line => true}));
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

%% ---- events of C processes that are led from here ----

text_of_a_process_led_from_here_test(#{node := Node}) ->
    with_handler(fun() ->
        Pid = led_probe(Node),
        ok = do(Pid, {log, <<"all is said">>}),
        #{level := warning, msg := {string, <<"all is said">>}, meta := Meta} = event_of(Pid),
        #{pid := Pid, gl := Leader, mfa := {probe, do_log, 0}, file := File, line := Line,
          time := Time} = Meta,
        Leader = group_leader(),
        "probe.c" = filename:basename(File),
        true = is_integer(Line),
        true = abs(Time - erlang:system_time(microsecond)) < 600 * 1000000
    end).

report_and_metadata_of_a_process_led_from_here_test(#{node := Node}) ->
    with_handler(fun() ->
        Pid = led_probe(Node),
        ok = do(Pid, {log_metadata, #{request => 7, from => process}}),
        ok = do(Pid, {log_report, {#{order => 5}, #{from => event}}}),
        #{level := error, msg := {report, #{order := 5}}, meta := Meta} = event_of(Pid),
        #{request := 7, from := event, pid := Pid} = Meta,
        ok = do(Pid, {log_debug, {#{order => 6}, #{}}}), % its node allows no such level
        ok = do(Pid, {log_report, {[{order, 7}], #{}}}),
        #{level := error, msg := {report, [{order, 7}]}} = event_of(Pid)
    end).

process_led_from_its_own_node_logs_there_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    with_handler(fun() ->
        ok = do(probe(Node), {log, <<"said at home">>}),
        true = has(line(C, "said at home"), "<4>"),
        Pid = led_probe(Node),
        ok = do(Pid, {log, <<"said to both">>}),
        #{msg := {string, <<"said to both">>}} = event_of(Pid),
        true = has(line(C, "said to both"), "<4>")
    end).

crash_is_told_as_gen_servers_and_proc_libs_is_test(#{node := Node}) ->
    with_handler(fun() ->
        Pid = led_probe(Node),
        [First, Second] = crash_of(Pid),
        {ok, Own} = gen_server:start(?MODULE, state, []),
        [FirstOwn, SecondOwn] = crash_of(Own),
        same(FirstOwn, First),
        same(SecondOwn, Second)
    end).

%% A server of this node, for comparison.
init(State) -> {ok, State}.
handle_call(_, _, State) -> {noreply, State}.
handle_cast(_, State) -> {noreply, State}.

%% gen_server:stop is a system message for both.
crash_of(Pid) ->
    ok = gen_server:stop(Pid, the_end, infinity),
    [event_of(Pid), event_of(Pid)].

%% Level, domain, label, tags and keys of the report are those of a BEAM's process.
same(#{level := Level, msg := {report, #{label := Label} = Own}, meta := OwnMeta},
     #{level := Level, msg := {report, #{label := Label} = Report}, meta := Meta}) ->
    Domain = maps:get(domain, OwnMeta),
    Domain = maps:get(domain, Meta),
    #{error_logger := #{tag := Tag} = OwnTags} = OwnMeta,
    #{error_logger := #{tag := Tag} = Tags} = Meta,
    true = maps:get(type, OwnTags, none) =:= maps:get(type, Tags, none),
    [] = maps:keys(Own) -- maps:keys(Report),
    same_info(Own, Report).

same_info(#{report := [Own, _]}, #{report := [Info, []]}) ->
    %% A label is told where there is one: before OTP 27 nobody knows what it is.
    [] = ([Key || {Key, _} <- Own] -- [Key || {Key, _} <- Info]) -- [process_label];
same_info(_, _) -> ok.

function_that_fails_is_told_as_a_beams_test(#{node := Node}) ->
    with_handler(fun() ->
        Pid = spawn(Node, erlang, binary_to_atom, [1, 2]),
        #{level := error, msg := {Format, [Pid, Node, {_, Stack}]}, meta := Meta} = event_of(Pid),
        true = is_list(Stack),
        Own = spawn(erlang, binary_to_atom, [1, 2]),
        #{level := error, msg := {Format, [Own, _, {_, _}]}, meta := OwnMeta} = event_of(Own),
        true = maps:get(error_logger, Meta) =:= maps:get(error_logger, OwnMeta)
    end).

unexpected_message_is_told_test(#{node := Node}) ->
    with_handler(fun() ->
        Pid = rpc:call(Node, erlang, whereis, [counter]),
        true = group_leader(group_leader(), Pid),
        eventually_led_from_here(Node, Pid),
        Pid ! {what, is, this},
        #{level := error, msg := Msg, meta := Meta} = event_of(Pid),
        true = has(text(Msg, Meta), "counter received unexpected message: {what,is,this}")
    end).

led_probe(Node) ->
    Pid = probe(Node),
    true = group_leader(group_leader(), Pid),
    eventually_led_from_here(Node, Pid),
    Pid.

with_handler(Fun) ->
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => debug, config => #{to => self()}}),
    try Fun() after logger:remove_handler(?MODULE) end.

%% The next event of that process.
event_of(Pid) ->
    receive {logged, #{meta := #{pid := Pid}} = Event, _} -> Event
    after 60000 -> exit({nothing_logged, process_info(self(), messages)})
    end.

%% What a handler of logger here has of the end of a probe that is led from here.
logged_end(Node, Reason) ->
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => error, config => #{to => self()}}),
    Pid = probe(Node),
    Pid = do(Pid, self),
    true = group_leader(group_leader(), Pid),
    eventually_led_from_here(Node, Pid),
    ok = gen_server:cast(Pid, {stop, Reason}),
    Text = receive {logged, #{level := error}, T} -> T after 60000 -> exit(nothing_logged) end,
    ok = logger:remove_handler(?MODULE),
    Text.

eventually_led_from_here(Node, Pid) ->
    fixture:eventually(fun() ->
        {group_leader, group_leader()} =:= rpc:call(Node, erlang, process_info, [Pid, group_leader])
    end).
