%% SPDX-License-Identifier: Apache-2.0
%% A flitch_node under a supervisor: how it starts, what ends it, what is left afterwards.
%%
%% FL_FLITCH is the binary, FL_BUILD what was built with it; this VM is a node. Each program writes its pid into a file of the test, so that a test can tell whether
%% it is gone.
-module(flitch_node_tests).
-include_lib("eunit/include/eunit.hrl").
-export([init/1, log/2]).

-define(LIMIT_MS, 30000).
-define(RESTARTS, 200).
%% Short, to notice soon what is frozen; long enough for a busy machine.
-define(TICKTIME_S, 8).
-define(TEST(Name), {timeout, 120, {atom_to_list(Name), fun() -> with_folder(fun Name/1) end}}).

all_test_() ->
    [?TEST(it_serves_when_start_link_returns), ?TEST(ready_that_never_comes_is_waited_for_no_longer),
     ?TEST(an_end_right_after_ready_is_the_reason), ?TEST(a_failed_start_says_why),
     ?TEST(another_cookie_connects_not), ?TEST(the_cookie_is_in_no_argument),
     ?TEST(signals_and_exit_codes_are_reasons), ?TEST(a_frozen_program_is_killed_and_started_anew),
     ?TEST(a_killed_vm_leaves_no_program), ?TEST(a_killed_launcher_is_followed_by_the_next),
     ?TEST(who_waits_is_told), ?TEST(restarts_leave_no_atom_and_no_name),
     ?TEST(a_name_is_taken_by_one), ?TEST(a_late_reply_is_dropped),
     ?TEST(stopping_ends_the_program_first), ?TEST(a_program_that_does_not_end_is_killed_in_time),
     ?TEST(lines_come_with_their_level), ?TEST(a_pool_takes_turns),
     ?TEST(a_lost_connection_restarts_it), ?TEST(or_is_made_anew), ?TEST(or_a_fun_decides),
     ?TEST(events_go_to_telemetry), ?TEST(wrong_options_are_named), ?TEST(files_of_priv_are_found),
     ?TEST(without_a_name_nothing_starts)].

%% ---- starting ----------------------------------------------------------------------------------

it_serves_when_start_link_returns(Dir) ->
    with(#{}, Dir, fun(Name) ->
        ?assertEqual(5, flitch:call(Name, counter, {add, 5})),
        ok = flitch:cast(Name, counter, reset),
        ?assertEqual(0, flitch:call(Name, counter, get, 5000)),
        ?assertEqual(6, flitch:apply(Name, calc, sum, [[1, 2, 3]])),
        [Node] = flitch_node:nodes(Name),
        ?assert(lists:member(Node, nodes())),
        ?assertMatch([#{node := Node, up := true, vsn := <<_/binary>>}], flitch_node:info(Name)),
        ?assertMatch({match, _}, re:run(atom_to_list(Node), "^served-.*@127\\.0\\.0\\.1$"))
    end, served).

ready_that_never_comes_is_waited_for_no_longer(Dir) ->
    Exe = script(Dir, "exec tail -f /dev/null"),
    ?assertEqual({error, {not_ready_within, 300}},
                 start(#{name => silent, exe => Exe, start_timeout => 300})),
    gone(Dir).

an_end_right_after_ready_is_the_reason(Dir) ->
    [Node] = flitch_options:node_names(flitch_options:read(#{name => brief, exe => "x"})),
    Exe = script(Dir, io_lib:format("echo READY node=~s port=1 pid=$$ vsn=0\nexit 3", [Node])),
    ?assertEqual({error, {ended, {exit, 3}}}, start(#{name => brief, exe => Exe})),
    ?assertMatch({error, {ended, {exit, temporary}}},
                 start(#{name => brief, exe => script(Dir, "exit 75")})),
    ?assertMatch({error, {ready_line_of_another, _}},
                 start(#{name => brief, exe => script(Dir, "echo READY node=x@y port=1 vsn=0; read x")})),
    gone(Dir).

a_failed_start_says_why(Dir) ->
    {error, {failed, {exit, config}, Text}} =
        start((options(failing, Dir))#{load => ["/nowhere.so"]}),
    ?assertMatch({match, _}, re:run(Text, "cannot load /nowhere.so")),
    ?assertMatch({error, {failed, {exit, usage}, _}},
                 start((options(failing, Dir))#{args => ["--nonsense"]})),
    ?assertMatch({error, {cannot_execute, {"/nowhere", enoent}}},
                 start(#{name => failing, exe => "/nowhere"})),
    gone(Dir).

another_cookie_connects_not(Dir) ->
    Options = options(stranger, Dir),
    ?assertMatch({error, {cannot_connect, _}},
                 start(Options#{env => [{"FLITCH_COOKIE", "not the cookie of this node"}]})),
    gone(Dir),
    %% One that both are told is right, whatever this VM's own is.
    with(#{cookie => fun() -> <<"another_cookie_for_this_one">> end}, Dir, fun(Name) ->
        ?assertEqual(0, flitch:call(Name, counter, get))
    end, confidant).

the_cookie_is_in_no_argument(Dir) ->
    with(#{}, Dir, fun(Name) ->
        {ok, Line} = file:read_file("/proc/" ++ os_pid(Name) ++ "/cmdline"),
        ?assertNotEqual(nomatch, binary:match(Line, <<"--parent-stdin">>)),
        ?assertEqual(nomatch, binary:match(Line, atom_to_binary(erlang:get_cookie(), utf8)))
    end).

%% ---- ends --------------------------------------------------------------------------------------

signals_and_exit_codes_are_reasons(Dir) ->
    [begin
         {ok, Pid} = start(options(mortal, Dir)),
         First = creation(mortal),
         Ref = monitor(process, Pid),
         signal(mortal, Signal),
         ?assertEqual({Signal, Reason}, {Signal, down(Ref)}),
         ?assertExit({nodedown, mortal}, flitch:call(mortal, counter, get)),
         {ok, Again} = start(options(mortal, Dir)),
         ?assert(creation(mortal) =/= First),
         ok = gen_server:stop(Again)
     end || {Signal, Reason} <- [{"KILL", {signal, sigkill}}, {"SEGV", {signal, sigsegv}},
                                 {"ABRT", {signal, sigabrt}}, {"TERM", normal}]],
    gone(Dir).

%% It is seen to be gone by the ticks, and does not heed SIGTERM.
a_frozen_program_is_killed_and_started_anew(Dir) ->
    Usual = net_kernel:get_net_ticktime(),
    _ = net_kernel:set_net_ticktime(?TICKTIME_S, 0),
    eventually(fun() -> net_kernel:get_net_ticktime() =:= ?TICKTIME_S end),
    with(#{}, Dir, fun(Name) ->
        First = os_pid(Name),
        signal(Name, "STOP"),
        lost(Name),
        ok = flitch_node:await(Name, ?LIMIT_MS),
        ?assert(os_pid(Name) =/= First),
        ?assertNot(is_alive(First)),
        ?assertEqual(1, flitch:call(Name, counter, {add, 1}))
    end),
    net_kernel:set_net_ticktime(Usual, 0).

a_killed_vm_leaves_no_program(Dir) ->
    Eval = "{ok, _} = flitch_node:start_link(" ++ flat(options(orphan, Dir)) ++
        "), io:format(\"SERVES~n\"), receive after infinity -> ok end.",
    {Port, OsPid} = vm(["-name", "eunit_vm@127.0.0.1", "-setcookie", atom_to_list(erlang:get_cookie())],
                       Eval),
    said(Port, <<"SERVES">>),
    [Program] = pids(Dir),
    ?assert(is_alive(Program)),
    [] = os:cmd(lists:concat(["kill -KILL ", OsPid])),
    gone(Dir).

%% Its program cannot be stopped by anybody, and has the name until it ends.
a_killed_launcher_is_followed_by_the_next(Dir) ->
    [with(#{shutdown => 1500}, Dir, fun(Name) ->
        Pid = whereis(Name),
        [#{os_pid := First}] = flitch_node:info(Name),
        Freeze andalso signal(Name, "STOP"),
        Ref = monitor(process, Pid),
        true = exit(Pid, kill),
        ?assertEqual(killed, down(Ref)),
        eventually(fun() -> not lists:member(whereis(Name), [undefined, Pid]) end),
        Next = sys:get_state(Name, ?LIMIT_MS), % answers when it has started
        ?assertNotMatch(#{program := #{os_pid := First}}, Next),
        ?assertNot(is_alive(integer_to_list(First))),
        ?assertEqual(1, flitch:call(Name, counter, {add, 1}))
    end, list_to_atom("bereft_" ++ atom_to_list(Freeze))) || Freeze <- [false, true]].

who_waits_is_told(Dir) ->
    ?assertEqual({error, timeout}, flitch_node:await(patient, 0)),
    ?assertEqual({error, timeout}, flitch_node:await(patient, 50)),
    Self = self(),
    Waits = fun() -> Self ! {told, self(), flitch_node:await(patient, infinity)} end,
    Pids = [spawn(Waits) || _ <- lists:seq(1, 3)],
    Gone = spawn(Waits),
    eventually(fun() -> maps:size(sys:get_state(flitch_await)) =:= 4 end),
    exit(Gone, kill),
    {ok, Pid} = start(options(patient, Dir)),
    ?assertEqual([ok, ok, ok], [receive {told, P, Answer} -> Answer after ?LIMIT_MS -> late end || P <- Pids]),
    ?assertEqual(#{}, sys:get_state(flitch_await)),
    ?assertEqual(ok, flitch_node:await(patient, 0)),
    ok = gen_server:stop(Pid),
    ?assertEqual({error, timeout}, flitch_node:await(patient, 10)).

%% The supervisor restarts it each time; its name goes with it.
restarts_leave_no_atom_and_no_name(Dir) ->
    with(#{}, Dir, fun(Name) ->
        [restart(Name) || _ <- lists:seq(1, 5)],
        Atoms = erlang:system_info(atom_count),
        Creations = [begin restart(Name), creation(Name) end || _ <- lists:seq(1, ?RESTARTS)],
        ?assertEqual(Atoms, erlang:system_info(atom_count)),
        ?assertEqual([], [{A, B} || {A, B} <- lists:zip(lists:droplast(Creations), tl(Creations)), A =:= B]),
        [Node] = flitch_node:nodes(Name),
        ?assertEqual([alive(Node)], [N || N <- epmd_names(), lists:prefix("tenacious", N)])
    end, tenacious),
    ?assertEqual([], [N || N <- epmd_names(), lists:prefix("tenacious", N)]),
    ?assertEqual(?RESTARTS + 6, length(pids(Dir))).

a_name_is_taken_by_one(Dir) ->
    Options = (options(first, Dir))#{node => <<"the_one@127.0.0.1">>},
    {ok, Pid} = start(Options),
    {error, {failed, {exit, unavailable}, Text}} = start(Options#{name => second}),
    ?assertNotEqual(nomatch, binary:match(Text, <<"the_one">>)),
    ?assertEqual(0, flitch:call(first, counter, get)),
    ?assertExit({nodedown, second}, flitch:call(second, counter, get)),
    ok = gen_server:stop(Pid),
    gone(Dir).

a_late_reply_is_dropped(Dir) ->
    with(#{}, Dir, fun(Name) ->
        Gate = filename:join(Dir, "gate"),
        [Node] = flitch_node:nodes(Name),
        {ok, Probe} = gen_server:call({probe, Node}, {start, []}),
        ?assertExit({timeout, _}, gen_server:call(Probe, {do, {block_until, Gate}}, 100)),
        ok = file:write_file(Gate, ""),
        %% The answer to the first was sent before that to the second.
        _ = gen_server:call(Probe, {do, get}, ?LIMIT_MS),
        {messages, Messages} = process_info(self(), messages),
        ?assertEqual([], [M || M <- Messages, element(1, M) =/= 'EXIT'])
    end).

stopping_ends_the_program_first(Dir) ->
    {ok, Pid} = start(options(polite, Dir)),
    OsPid = os_pid(polite),
    ok = gen_server:stop(Pid),
    ?assertNot(is_alive(OsPid)),
    ?assertNot(lists:any(fun(N) -> lists:prefix("polite", N) end, epmd_names())).

a_program_that_does_not_end_is_killed_in_time(Dir) ->
    {ok, Pid} = start((options(stubborn, Dir))#{shutdown => 1500}),
    OsPid = os_pid(stubborn),
    signal(stubborn, "STOP"),
    Start = erlang:monotonic_time(millisecond),
    ok = gen_server:stop(Pid),
    ?assert(erlang:monotonic_time(millisecond) - Start >= 1000),
    ?assertNot(is_alive(OsPid)).

%% ---- while it runs -----------------------------------------------------------------------------

lines_come_with_their_level(Dir) ->
    Self = self(),
    Log = fun(Level, Line) -> Self ! {logged, Level, Line} end,
    with(#{log => Log}, Dir, fun(Name) ->
        [Node] = flitch_node:nodes(Name),
        %% What a server cannot handle ends it with an error in the log.
        ?assertExit(_, gen_server:call({counter, Node}, nonsense)),
        receive {logged, error, Line} -> ?assert(is_binary(Line))
        after ?LIMIT_MS -> exit(nothing_logged)
        end
    end),
    Own = fun(Level, Line) -> Self ! {said, Level, Line} end,
    Said = script(Dir, "echo '<4>a warning'; echo plain; printf '\\377\\n'; exit 0"),
    {error, {ended, normal}} = start(#{name => talker, exe => Said, log => Own}),
    ?assertEqual([{warning, <<"a warning">>}, {info, <<"plain">>}, {info, <<"ÿ"/utf8>>}],
                 [receive {said, Level, Text} -> {Level, Text} end || _ <- lists:seq(1, 3)]),
    %% By default they go to logger.
    ok = logger:add_handler(?MODULE, ?MODULE, #{config => Self}),
    {error, {ended, normal}} = start(#{name => talker, exe => Said}),
    ok = logger:remove_handler(?MODULE),
    receive
        {event, #{level := warning, msg := {"~ts", [<<"a warning">>]},
                  meta := #{domain := [flitch], flitch := talker, flitch_node := _}}} -> ok
    after 0 -> exit(not_in_logger)
    end.

log(Event, #{config := Pid}) -> Pid ! {event, Event}.

a_pool_takes_turns(Dir) ->
    with(#{instances => 3}, Dir, fun(Name) ->
        Nodes = flitch_node:nodes(Name),
        ?assertEqual(3, length(lists:usort(Nodes))),
        Six = [flitch_node:pick(Name) || _ <- lists:seq(1, 6)],
        ?assertEqual(lists:sort(Nodes ++ Nodes), lists:sort(Six)),
        %% One that is down is passed over, and comes back.
        [#{node := Lost, os_pid := OsPid} | _] = flitch_node:info(Name),
        ok = net_kernel:monitor_nodes(true),
        os:cmd("kill -STOP " ++ integer_to_list(OsPid)),
        true = erlang:disconnect_node(Lost),
        receive {nodedown, Lost} -> ok after ?LIMIT_MS -> exit(no_nodedown) end,
        flitch_node:info(Name),
        ?assertNot(lists:member(Lost, [flitch_node:pick(Name) || _ <- lists:seq(1, 6)])),
        ?assertEqual(6, length([flitch:call(Name, counter, get) || _ <- lists:seq(1, 6)])),
        receive {nodeup, Lost} -> ok after ?LIMIT_MS -> exit(no_nodeup) end,
        ok = net_kernel:monitor_nodes(false),
        eventually(fun() -> lists:member(Lost, [flitch_node:pick(Name) || _ <- lists:seq(1, 6)]) end)
    end).

a_lost_connection_restarts_it(Dir) ->
    {ok, Pid} = start(options(lossy, Dir)),
    Ref = monitor(process, Pid),
    signal(lossy, "STOP"), % it cannot connect anew, nor end
    true = erlang:disconnect_node(hd(flitch_node:nodes(lossy))),
    ?assertEqual({nodedown, disconnect}, down(Ref)),
    gone(Dir).

or_is_made_anew(Dir) ->
    with(#{on_nodedown => reconnect}, Dir, fun(Name) ->
        Same = os_pid(Name),
        ?assertEqual(7, flitch:call(Name, counter, {add, 7})),
        true = erlang:disconnect_node(hd(flitch_node:nodes(Name))),
        eventually(fun() -> lists:member(hd(flitch_node:nodes(Name)), nodes()) end),
        eventually(fun() -> flitch_node:await(Name, 0) =:= ok end),
        ?assertEqual(7, flitch:call(Name, counter, get)),
        ?assertEqual(Same, os_pid(Name))
    end).

or_a_fun_decides(Dir) ->
    Self = self(),
    Decide = fun(Node, Reason) -> Self ! {asked, Node, Reason}, restart end,
    {ok, Pid} = start((options(asking, Dir))#{on_nodedown => Decide}),
    Ref = monitor(process, Pid),
    [Node] = flitch_node:nodes(asking),
    signal(asking, "STOP"),
    true = erlang:disconnect_node(Node),
    ?assertEqual({nodedown, disconnect}, down(Ref)),
    receive {asked, Node, disconnect} -> ok after 0 -> exit(not_asked) end.

%% The library is no dependency: a module of its name that tells this process.
events_go_to_telemetry(Dir) ->
    true = register(telemetry_test, self()),
    Lines = ["-module(telemetry).", "-export([execute/3]).",
             "execute(E, M, D) -> telemetry_test ! {event, E, M, D}, ok."],
    {ok, telemetry, Code} = compile:forms([form(L) || L <- Lines], []),
    {module, telemetry} = code:load_binary(telemetry, "telemetry.erl", Code),
    try
        {ok, Pid} = start(options(heard, Dir)),
        0 = flitch:call(heard, counter, get),
        ?assertExit(_, flitch:call(heard, nobody, get)),
        ok = gen_server:stop(Pid),
        [Node] = flitch_node:nodes(heard),
        ?assertMatch([{event, [flitch, node, up], #{system_time := _}, #{name := heard, node := Node}},
                      {event, [flitch, call, start], #{monotonic_time := _}, #{server := counter}},
                      {event, [flitch, call, stop], #{duration := _}, #{node := Node}},
                      {event, [flitch, call, start], _, #{server := nobody}},
                      {event, [flitch, call, exception], #{duration := _}, #{kind := exit, reason := _}},
                      {event, [flitch, node, down], _, #{reason := normal}}],
                     [receive {event, _, _, _} = E -> E after ?LIMIT_MS -> nothing end
                      || _ <- lists:seq(1, 6)])
    after
        unregister(telemetry_test),
        code:delete(telemetry),
        code:purge(telemetry)
    end.

form(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.

%% ---- options -----------------------------------------------------------------------------------

wrong_options_are_named(_) ->
    [?assertError({bad_option, Key, <<_/binary>>}, flitch_node:child_spec(Options))
     || {Key, Options} <- [{name, #{exe => "x"}}, {name, #{name => "text", exe => "x"}},
                           {exe, #{name => a}}, {nonsense, [{name, a}, {exe, "x"}, {nonsense, 1}]},
                           {shutdown, #{name => a, exe => "x", shutdown => 10}},
                           {instances, #{name => a, exe => "x", instances => 0}},
                           {node, #{name => a, exe => "x", instances => 2, node => b}},
                           {env, #{name => a, exe => "x", env => ["A=1"]}},
                           {load, #{name => a, load => "x.so"}},
                           {cookie, #{name => a, exe => "x", cookie => c, cookie_file => "f"}},
                           {on_nodedown, #{name => a, exe => "x", on_nodedown => panic}}]],
    ?assertMatch(#{id := a, type := worker, restart := permanent, shutdown := 7000},
                 flitch_node:child_spec([{name, a}, {exe, <<"x">>}])),
    ?assertMatch(#{type := supervisor, shutdown := infinity},
                 flitch_node:child_spec(#{name => a, exe => <<"x">>, instances => 2})).

files_of_priv_are_found(Dir) ->
    Priv = filename:join([Dir, "privy-1", "priv"]),
    Ebin = filename:join([Dir, "privy-1", "ebin"]),
    [ok = filelib:ensure_dir(filename:join(D, "x")) || D <- [Priv, Ebin]],
    {ok, _} = file:copy(built("examples/counter.so"), filename:join(Priv, "counter.so")),
    true = code:add_patha(Ebin),
    with(#{load => [{priv, privy, "counter.so"}]}, Dir, fun(Name) ->
        ?assertEqual(0, flitch:call(Name, counter, get))
    end),
    true = code:del_path(Ebin),
    ?assertMatch({error, {no_priv_dir, privy}},
                 start((options(privy, Dir))#{load => [{priv, privy, "counter.so"}]})).

without_a_name_nothing_starts(Dir) ->
    {Port, _} = vm([], "{error, {Why, Text}} = flitch_node:start_link(" ++ flat(options(mute, Dir)) ++ "),"
                       "io:format(\"~0p ~0p~n\", [Why, is_binary(Text)]), halt()."),
    said(Port, <<"not_distributed true">>),
    ?assertEqual([], pids(Dir)),
    {Second, _} = vm([], "ok = flitch_node:be_a_node('eunit_late@127.0.0.1'), ok = flitch_node:be_a_node(again),"
                         "io:format(\"~0p~n\", [node()]), halt()."),
    said(Second, <<"'eunit_late@127.0.0.1'">>).

%% ---- what they share ---------------------------------------------------------------------------

%% In a process of its own, so that nothing of one test comes to the next.
with_folder(Fun) ->
    {Pid, Ref} = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        Dir = string:trim(os:cmd("mktemp -d")),
        exit(try Fun(Dir), passed
             catch Class:Reason:Stack -> {Class, Reason, Stack}
             after os:cmd("rm -rf " ++ Dir)
             end)
    end),
    receive
        {'DOWN', Ref, process, Pid, passed} -> ok;
        {'DOWN', Ref, process, Pid, {Class, Reason, Stack}} -> erlang:raise(Class, Reason, Stack)
    end.

options(Name, Dir) ->
    #{name => Name, exe => script(Dir, "exec '" ++ os:getenv("FL_FLITCH") ++ "' \"$@\""),
      start_timeout => ?LIMIT_MS,
      load => [built("examples/counter.so"), built("examples/calc.so"), built("tests/servers/probe.so")],
      log => none}.

built(File) -> filename:join(os:getenv("FL_BUILD"), File).

%% A program that writes down its pid.
script(Dir, Text) ->
    File = filename:join(Dir, lists:concat(["program_", erlang:unique_integer([positive])])),
    ok = file:write_file(File, ["#!/bin/sh\necho $$ >>", filename:join(Dir, "pids"), "\n", Text, "\n"]),
    ok = file:change_mode(File, 8#755),
    File.

pids(Dir) ->
    case file:read_file(filename:join(Dir, "pids")) of
        {ok, Text} -> string:lexemes(binary_to_list(Text), "\n");
        {error, enoent} -> []
    end.

%% A program that is not its child is waited for by tail.
gone(Dir) ->
    [?assertEqual("0\n", os:cmd("timeout 30 tail -s 0.02 --pid=" ++ P ++ " -f /dev/null; echo $?"))
     || P <- pids(Dir)].

%% A zombie is no program any more, whoever its parent may be.
is_alive(OsPid) ->
    case file:read_file("/proc/" ++ OsPid ++ "/stat") of
        {ok, Text} -> re:run(Text, "\\) Z ") =:= nomatch;
        {error, _} -> false
    end.

start(Options) ->
    Result = flitch_node:start_link(Options),
    _ = [unlink(Pid) || {ok, Pid} <- [Result]],
    Result.

%% Under a supervisor, whose end is waited for.
with(More, Dir, Fun) -> with(More, Dir, Fun, tested).

with(More, Dir, Fun, Name) ->
    {ok, Sup} = supervisor:start_link(?MODULE, maps:merge(options(Name, Dir), More)),
    unlink(Sup),
    Ref = monitor(process, Sup),
    try Fun(Name)
    after
        exit(Sup, shutdown),
        down(Ref)
    end,
    gone(Dir).

init(Options) ->
    {ok, {#{intensity => 10 * ?RESTARTS, period => 1}, [flitch_node:child_spec(Options)]}}.

restart(Name) ->
    Ref = monitor(process, Name),
    signal(Name, "KILL"),
    {signal, sigkill} = down(Ref),
    ok = flitch_node:await(Name, ?LIMIT_MS).

lost(Name) -> down(monitor(process, Name)).

down(Ref) ->
    receive {'DOWN', Ref, process, _, Reason} -> Reason
    after ?LIMIT_MS -> exit(no_down)
    end.

os_pid(Name) ->
    [#{os_pid := OsPid}] = flitch_node:info(Name),
    integer_to_list(OsPid).

signal(Name, Signal) ->
    [] = os:cmd("kill -" ++ Signal ++ " " ++ os_pid(Name)).

%% The last 32 bits of a pid.
creation(Name) ->
    [Node] = flitch_node:nodes(Name),
    Pid = term_to_binary(rpc:call(Node, erlang, whereis, [counter])),
    binary:decode_unsigned(binary:part(Pid, byte_size(Pid), -4)).

alive(Node) -> hd(string:split(atom_to_list(Node), "@")).

epmd_names() ->
    {ok, Names} = erl_epmd:names({127, 0, 0, 1}),
    [N || {N, _} <- Names].

%% A further VM that evaluates a text.
vm(Flags, Eval) ->
    Ebin = filename:dirname(code:which(flitch_node)),
    Port = open_port({spawn_executable, os:find_executable("erl")},
                     [{args, Flags ++ ["-noinput", "-pa", Ebin, "-eval", Eval]}, {line, 4096}, binary,
                      exit_status]),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    {Port, OsPid}.

said(Port, Line) ->
    receive
        {Port, {data, {_, Line}}} -> ok;
        {Port, {data, _}} -> said(Port, Line);
        {Port, {exit_status, Status}} -> exit({vm_ended, Status})
    after ?LIMIT_MS -> exit({not_said, Line})
    end.

flat(Term) -> lists:flatten(io_lib:format("~0p", [Term])).

eventually(Fun) -> eventually(Fun, erlang:monotonic_time(millisecond) + ?LIMIT_MS).

eventually(Fun, Deadline) ->
    Fun() =:= true orelse begin
        ?assert(erlang:monotonic_time(millisecond) < Deadline),
        receive after 20 -> eventually(Fun, Deadline) end
    end.
