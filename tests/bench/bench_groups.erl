%% SPDX-License-Identifier: Apache-2.0
%% What process groups cost: nodes of both kinds are started, join, and learn from each other, peer
%% after peer, round after round. Each value is a line "figure peer value".
%%
%%     -run bench_groups main MS ROUNDS FLITCH MODULE
%%
%% This node is hidden and in no group; it asks by rpc.
-module(bench_groups).
-export([main/1, node_main/1, members/1, joins/3, fill/2, flood/3]).

-define(GROUPS, 10000).
-define(SYNCS, 2000).
-define(SYNCS_S, 5).

main([Ms, Rounds, Flitch, Module]) ->
    put(flitch, Flitch),
    put(module, Module),
    N = list_to_integer(Rounds),
    [begin
         [joins_figure(K, list_to_integer(Ms)) || K <- [beam, flitch]],
         [learn_figures("learn_1m", 100, K, K, K) || K <- [beam, flitch]],
         [learn_figures("learn_beam", 10, K, beam, K) || K <- [beam, flitch]],
         [learn_figures("teach_beam", 10, K, K, beam) || K <- [beam, flitch]],
         [flood_figure(K) || K <- [beam, flitch]]
     end || _ <- lists:seq(1, N)],
    halt(0).

show(Figure, Peer, Value) -> io:format("~s ~s ~.3f~n", [Figure, Peer, float(Value)]).

%% ---- nodes ------------------------------------------------------------------------------------

%% {Node, Port, Os pid}: ends with its input.
start(Kind) ->
    Name = lists:concat([Kind, "_", erlang:unique_integer([positive]), "@127.0.0.1"]),
    {Program, Args} = command(Kind, Name),
    Port = open_port({spawn_executable, Program}, [{args, Args}, {line, 1000}, exit_status]),
    ready(Port),
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    Node = list_to_atom(Name),
    true = net_kernel:hidden_connect_node(Node),
    {Kind, Node, Port, Pid}.

command(beam, Name) ->
    {os:find_executable("erl"),
     ["-noinput", "-boot", "start_clean", "-name", Name, "-setcookie", atom_to_list(erlang:get_cookie()),
      "-kernel", "start_pg", "true", "prevent_overlapping_partitions", "false",
      "-pa", filename:dirname(code:which(?MODULE)), "-run", "bench_groups", "node_main", "x"]};
command(flitch, Name) ->
    {get(flitch), ["run", "--parent-stdin", "--name", Name, "--set", "dist.epmd=on", "--set",
                   "global.prevent_overlapping_partitions=off", "--load", get(module)]}.

node_main(_) ->
    io:put_chars("READY\n"),
    receive never -> ok end.

ready(Port) ->
    receive
        {Port, {data, {_, "READY" ++ _}}} -> ok;
        {Port, {exit_status, Code}} -> exit({node_ended, Code});
        {Port, _} -> ready(Port)
    after 30000 -> exit(node_not_ready)
    end.

stop({_, Node, Port, Pid}) ->
    true = erlang:monitor_node(Node, true),
    [] = os:cmd(lists:concat(["kill -9 ", Pid])),
    receive {nodedown, Node} -> ok end,
    catch port_close(Port),
    ok.

%% ---- in the nodes -----------------------------------------------------------------------------

members(Count) -> [spawn(fun() -> receive never -> ok end end) || _ <- lists:seq(1, Count)].

members({beam, Node, _, _}, Count) -> rpc:call(Node, ?MODULE, members, [Count]);
members({flitch, Node, _, _}, Count) ->
    gen_server:call({joiner, Node}, {members, Count}, infinity).

%% Joins a second; the leaves after each pass do not count.
joins(Pids, Groups, Ms) -> joins(Pids, Groups, Ms * 1000, 0, 0).

joins(_, _, Wanted, Spent, Count) when Spent >= Wanted -> Count * 1.0e6 / Spent;
joins(Pids, Groups, Wanted, Spent, Count) ->
    Start = erlang:monotonic_time(microsecond),
    _ = [ok = pg:join({group, G}, P) || G <- lists:seq(1, Groups), P <- Pids],
    Us = erlang:monotonic_time(microsecond) - Start,
    _ = [ok = pg:leave({group, G}, P) || G <- lists:seq(1, Groups), P <- Pids],
    joins(Pids, Groups, Wanted, Spent + Us, Count + Groups * length(Pids)).

fill(Pids, Groups) -> _ = [ok = pg:join({group, G}, Pids) || G <- lists:seq(1, Groups)], ok.

fill({beam, Node, _, _}, Pids, Groups) -> ok = rpc:call(Node, ?MODULE, fill, [Pids, Groups]);
fill({flitch, Node, _, _}, Pids, Groups) ->
    [ok = gen_server:call({pg, Node}, {join_local, {group, G}, Pids}, infinity)
     || G <- lists:seq(1, Groups)],
    ok.

%% ---- joins ------------------------------------------------------------------------------------

joins_figure(Kind, Ms) ->
    Handle = start(Kind),
    Pids = members(Handle, 10),
    show("pg_joins", Kind, joins_of(Handle, Pids, Ms)),
    stop(Handle).

joins_of({beam, Node, _, _}, Pids, Ms) -> rpc:call(Node, ?MODULE, joins, [Pids, 1000, Ms]);
joins_of({flitch, Node, _, _}, Pids, Ms) ->
    gen_server:call({joiner, Node}, {joins, Pids, 1000, Ms}, infinity).

%% ---- learning ---------------------------------------------------------------------------------

%% Seconds from the connection to the last membership, and what a learner holds for it.
learn_figures(Figure, PerGroup, As, From, To) ->
    Holder = {_, HolderNode, _, _} = start(From),
    fill(Holder, members(Holder, PerGroup), ?GROUPS),
    Learner = {_, Node, _, Pid} = start(To),
    0 = known(Learner),
    Before = resident(Pid),
    Start = erlang:monotonic_time(microsecond),
    true = rpc:call(Node, net_kernel, connect_node, [HolderNode]),
    await(Learner, ?GROUPS * PerGroup),
    show(Figure ++ "_s", As, (erlang:monotonic_time(microsecond) - Start) / 1.0e6),
    show(Figure ++ "_mb", As, (resident(Pid) - Before) / 1048576),
    stop(Learner),
    stop(Holder).

await(Learner, Count) ->
    case known(Learner) of
        Count -> ok;
        _ -> receive after 2 -> await(Learner, Count) end
    end.

%% Memberships. A BEAM's table is full when its last group is there: its members come with it.
known({beam, Node, _, _}) ->
    case rpc:call(Node, ets, info, [pg, size]) of
        0 -> 0;
        Size -> Size * length(rpc:call(Node, pg, get_members, [{group, 1}]))
    end;
known({flitch, Node, _, _}) -> maps:get(members, state(Node)).

state(Node) ->
    case sys:get_state({pg, Node}, infinity) of
        {ok, State} -> State; % before OTP 26.1
        State -> State
    end.

resident(Pid) ->
    {ok, Text} = file:read_file(lists:concat(["/proc/", Pid, "/statm"])),
    [_, Pages | _] = binary:split(Text, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.

%% ---- a flood of syncs -------------------------------------------------------------------------

%% A neighbour says all its 10,000 groups 2,000 times in five seconds: how long after the last one
%% the scope has done with them.
flood_figure(Kind) ->
    Handle = {_, Node, _, _} = start(Kind),
    Sender = start(beam),
    Ms = rpc:call(element(2, Sender), ?MODULE, flood, [Node, ?SYNCS, ?SYNCS_S]),
    show("pg_flood_ms", Kind, Ms),
    stop(Sender),
    stop(Handle).

%% Plays a scope of its node, whose first group changes from sync to sync. Milliseconds by which
%% the last one was done too late.
flood(Node, Count, Seconds) ->
    true = net_kernel:connect_node(Node),
    Pids = {self(), spawn(fun() -> receive never -> ok end end)},
    Scope = {pg, Node},
    Scope ! {discover, self()},
    Rest = [{{group, G}, [self()]} || G <- lists:seq(2, ?GROUPS)],
    Start = erlang:monotonic_time(microsecond),
    EachUs = Seconds * 1000000 div Count,
    [begin
         wait_until(Start + N * EachUs),
         gen_server:cast(Scope, {sync, self(), [{{group, 1}, [element(N rem 2 + 1, Pids)]} | Rest]})
     end || N <- lists:seq(1, Count)],
    _ = sys:get_state(Scope, infinity),
    (erlang:monotonic_time(microsecond) - Start - Seconds * 1000000) / 1000.

wait_until(Due) ->
    case (Due - erlang:monotonic_time(microsecond)) div 1000 of
        Ms when Ms > 0 -> receive after Ms -> ok end;
        _ -> ok
    end.
