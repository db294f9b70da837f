%% SPDX-License-Identifier: Apache-2.0
%% Clusters whose nodes have a network each, and what splits them. A suite exports *_test/0; each
%% test gets namespaces and nodes of its own.
%%
%%     [1, 2, 3] = splits:cluster([{otp, 25, []}, {otp, 27, []}, {c, []}])    n1@10.77.0.1, ...
%%     splits:cut(1, 3), splits:cut_one_way(1, 2), splits:heal()
%%     splits:call(3, erlang, nodes, [])
%%
%% Nodes are called by their number. A call to an OTP node goes by its standard input, one to a C
%% node by a hidden Erlang node beside it: nothing crosses the network that is cut.
%%
%% Options of a node: {flags, [String]} of its program, {tick_s, S} (8); for C nodes {join, [N]} and
%% {load, [File]}; for OTP nodes {eval, {M, F, A}}, applied when it has started.
-module(splits).
-export([main/1, clean/0, cluster/1, add/2, start/1, stop/1, kill/1, freeze/1, thaw/1, name/1, names/1]).
-export([call/4, call/5, call_at/4, eye_name/1, is_c/1, os_pid/1, log/1, visible/1, is_logged/2]).
-export([cut/2, cut_one_way/2, split/2, heal/0, eventually/1, eventually/2, now_ms/0]).

-define(CALL_MS, 30000).
-define(TEST_MS, 480000).

%% ---- running a suite --------------------------------------------------------------------------

main([Suite | _]) ->
    Module = list_to_atom(Suite),
    {module, Module} = code:ensure_loaded(Module),
    ?MODULE = ets:new(?MODULE, [named_table, public]),
    splits_net:hub(),
    Tests = [F || {F, 0} <- lists:sort(Module:module_info(exports)),
                  lists:suffix("_test", atom_to_list(F))],
    Results = [run(Module, F) || F <- Tests],
    Failed = length([R || R <- Results, R =/= ok]),
    io:format("COUNTS ~b ~b~n", [length(Results) - Failed, Failed]),
    halt(0).

run(Module, Test) ->
    Start = now_ms(),
    {Pid, Monitor} = spawn_monitor(fun() -> exit({result, caught(Module, Test)}) end),
    Result = receive
        {'DOWN', Monitor, process, Pid, {result, R}} -> R;
        {'DOWN', Monitor, process, Pid, Reason} -> {exited, Reason}
    after ?TEST_MS ->
        exit(Pid, kill),
        {no_end_within_ms, ?TEST_MS}
    end,
    tell(Module, Test, Result, now_ms() - Start),
    clean(),
    Result.

caught(Module, Test) ->
    try Module:Test() of
        _ -> ok
    catch
        Class:Reason:Stack -> {Class, Reason, Stack}
    end.

tell(Module, Test, ok, Ms) -> io:format("ok - ~s:~s (~b ms)~n", [Module, Test, Ms]);
tell(Module, Test, Why, _) ->
    io:format("FAIL - ~s:~s: ~0tP~n", [Module, Test, Why, 80]),
    [io:format("    n~b: ~s~n", [N, L]) || {{node, N}, K} <- lists:sort(ets:tab2list(?MODULE)),
                                           L <- last(20, splits_node:log(K))].

last(N, List) -> lists:nthtail(max(0, length(List) - N), List).

clean() ->
    [splits_node:close(K) || {{Kind, _}, K} <- ets:tab2list(?MODULE), Kind =:= node orelse Kind =:= eye],
    ets:delete_all_objects(?MODULE),
    splits_net:unplug_all().

now_ms() -> erlang:monotonic_time(millisecond).

%% True within the limit, asked again and again; returns what was true.
eventually(Fun) -> eventually(?CALL_MS, Fun).

eventually(LimitMs, Fun) -> eventually_until(now_ms() + LimitMs, Fun).

eventually_until(End, Fun) ->
    case {Fun(), now_ms() > End} of
        {false, true} -> exit({never_true, Fun});
        {false, false} ->
            receive after 50 -> eventually_until(End, Fun) end;
        {Value, _} -> Value
    end.

%% ---- nodes ------------------------------------------------------------------------------------

name(N) -> list_to_atom(lists:concat([splits_net:space(N), "@", splits_net:address(N)])).
names(Ns) -> lists:sort([name(N) || N <- Ns]).

cluster(Specs) ->
    Ns = lists:seq(1, length(Specs)),
    [splits_net:plug(N) || N <- Ns],
    [ets:insert(?MODULE, {{spec, N}, Spec}) || {N, Spec} <- lists:zip(Ns, Specs)],
    Starts = [spawn_monitor(fun() -> start(N) end) || N <- Ns],
    [receive
         {'DOWN', Ref, process, Pid, normal} -> ok;
         {'DOWN', Ref, process, Pid, Reason} -> exit(Reason)
     end || {Pid, Ref} <- Starts],
    Ns.

%% One more, of any number that is free.
add(N, Spec) ->
    ets:member(?MODULE, {spec, N}) orelse splits_net:plug(N),
    ets:insert(?MODULE, {{spec, N}, Spec}),
    start(N).

value(Key) ->
    [{Key, Value}] = ets:lookup(?MODULE, Key),
    Value.

start(N) ->
    Spec = value({spec, N}),
    Keeper = start_as(N, Spec),
    ets:insert(?MODULE, {{node, N}, Keeper}),
    is_c(N) andalso not ets:member(?MODULE, {eye, N}) andalso start_eye(N),
    ok.

start_as(N, {otp, Release, Options}) ->
    Flags = ["-kernel", "net_ticktime", tick(Options) | proplists:get_value(flags, Options, [])],
    splits_node:agent(N, Release, atom_to_list(name(N)), Flags);
start_as(N, {c, Options}) ->
    Tick = "dist.ticktime=" ++ tick(Options),
    Joins = [["--join", atom_to_list(name(M))] || M <- proplists:get_value(join, Options, [])],
    Loads = [["--load", F] || F <- proplists:get_value(load, Options, [])],
    Flags = proplists:get_value(flags, Options, []),
    splits_node:c(N, atom_to_list(name(N)), ["--set", Tick] ++ lists:append(Joins ++ Loads) ++ Flags).

tick(Options) -> integer_to_list(proplists:get_value(tick_s, Options, 8)).

%% Beside a C node: hidden, connected with nobody else, and with the tick time of that node, which
%% gives it up otherwise when nobody is asked for some seconds.
start_eye(N) ->
    {c, Options} = value({spec, N}),
    Release = list_to_integer(os:getenv("FL_HOST_RELEASE")),
    Name = atom_to_list(eye_name(N)),
    Flags = ["-hidden", "-connect_all", "false", "-kernel", "net_ticktime", tick(Options)],
    ets:insert(?MODULE, {{eye, N}, splits_node:agent(N, Release, Name, Flags)}).

is_c(N) -> element(1, value({spec, N})) =:= c.

call(N, M, F, A) -> call(N, M, F, A, ?CALL_MS).

call(N, M, F, A, LimitMs) ->
    case is_c(N) of
        true -> value_of(splits_node:call(value({eye, N}), rpc, call, [name(N), M, F, A], LimitMs));
        false -> splits_node:call(value({node, N}), M, F, A, LimitMs)
    end.

value_of({badrpc, Reason}) -> exit({badrpc, Reason});
value_of(Value) -> Value.

%% In the node itself; for a C node, in the Erlang node beside it.
call_at(N, M, F, A) ->
    Kind = case is_c(N) of true -> eye; false -> node end,
    splits_node:call(value({Kind, N}), M, F, A, ?CALL_MS).

eye_name(N) -> list_to_atom(lists:concat(["eye", N, "@", splits_net:address(N)])).

log(N) -> splits_node:log(value({node, N})).

is_logged(N, Text) -> lists:any(fun(L) -> binary:match(L, Text) =/= nomatch end, log(N)).

%% The visible nodes that it is connected to, sorted; without the eyes.
visible(N) -> lists:sort(call(N, erlang, nodes, [])).

%% By an order: init:stop/0, SIGTERM.
stop(N) ->
    case is_c(N) of
        true -> signal(N, "-TERM");
        false -> call(N, init, stop, [])
    end,
    splits_node:ended(value({node, N})).

kill(N) ->
    signal(N, "-KILL"),
    splits_node:ended(value({node, N})).

freeze(N) -> signal(N, "-STOP").
thaw(N) -> signal(N, "-CONT").

signal(N, Signal) ->
    [] = os:cmd(lists:concat(["kill ", Signal, " ", os_pid(N)])),
    ok.

%% The keeper's own child is the node: ip and peers.sh have become it.
os_pid(N) -> splits_node:os_pid(value({node, N})).

%% ---- splits -----------------------------------------------------------------------------------

cut_one_way(A, B) ->
    true = ets:insert(?MODULE, {{cut, A, B}, true}),
    splits_net:cut_one_way(A, B).

cut(A, B) ->
    cut_one_way(A, B),
    cut_one_way(B, A).

%% All links between a node of the one list and a node of the other.
split(As, Bs) -> [cut(A, B) || A <- As, B <- Bs].

heal() ->
    [begin
         ets:delete(?MODULE, {cut, A, B}),
         splits_net:mend(A, B)
     end || {{cut, A, B}, true} <- ets:tab2list(?MODULE)],
    ok.
