%% SPDX-License-Identifier: Apache-2.0
%% Process groups through the life of a cluster: members that come and go, nodes and scopes that end
%% and come back, splits by loss of packets. Afterwards every node has the same members of every
%% group, nothing is left over, and no scope of OTP has crashed.
-module(s_pg).
-export([otp_25_test/0, otp_27_test/0, otp_29_test/0, otp_25_and_27_test/0, otp_27_and_29_test/0,
         one_way_loss_test/0]).

-import(splits, [call/4, name/1, eventually/2]).

%% Without this OTP cuts further nodes off when some links are lost, which is not what is tried here.
-define(FLAGS, ["-kernel", "prevent_overlapping_partitions", "false"]).

otp_25_test() -> life([25, 25]).
otp_27_test() -> life([27, 27]).
otp_29_test() -> life([29, 29]).
otp_25_and_27_test() -> life([25, 27]).
otp_27_and_29_test() -> life([27, 29]).

%% Two OTP nodes 1 and 2, two C nodes 3 and 4.
life(Releases) ->
    Ns = cluster(Releases),
    members_come_and_go(Ns),
    scopes_restart(Ns),
    two_halves(Ns),
    a_node_ends_and_another_comes_late(Ns),
    [no_crash(N) || N <- [1, 2]].

one_way_loss_test() ->
    Ns = cluster([25, 27]),
    Pids = [{N, member(N)} || N <- Ns],
    [ok = pg(N, join, [g, P]) || {N, P} <- Pids],
    agree(Ns),
    splits:cut_one_way(1, 3),
    splits:cut_one_way(4, 2),
    eventually(60000, fun() -> not knows(3, 1) andalso not knows(2, 4) end),
    [{_, P1}, _, {_, P3}, _] = Pids,
    ok = pg(1, join, [g, P1]),
    ok = pg(3, leave, [g, P3]),
    ok = pg(3, join, [h, P3]),
    splits:heal(),
    meet(Ns),
    agree(Ns),
    [P3] = pg(1, get_members, [h]),
    [no_crash(N) || N <- [1, 2]].

%% ---- the cluster ------------------------------------------------------------------------------

cluster(Releases) ->
    Probe = os:getenv("FL_BUILD") ++ "/tests/servers/probe.so",
    C = {c, [{load, [Probe]}, {flags, ["--visible", "--set", "global.prevent_overlapping_partitions=off"]}]},
    Ns = splits:cluster([{otp, R, [{flags, ?FLAGS}]} || R <- Releases] ++ [C, C]),
    [{ok, _} = call(N, pg, start, [pg]) || N <- [1, 2]],
    meet(Ns),
    Ns.

is_c(N) -> N > 2.

knows(N, M) -> lists:member(name(M), splits:visible(N)).

%% Every two nodes are connected, whoever has to dial.
meet(Ns) ->
    eventually(90000, fun() ->
        [_ = catch call(A, net_kernel, connect_node, [name(B)]) || A <- Ns, B <- Ns, A < B,
                                                                   not knows(A, B)],
        lists:all(fun({A, B}) -> knows(A, B) end, [{A, B} || A <- Ns, B <- Ns, A =/= B])
    end).

pg(N, F, A) -> call(N, pg, F, A).

member(N) ->
    case is_c(N) of
        true ->
            {ok, Pid} = call(N, gen_server, call, [probe, {start, []}]),
            Pid;
        false -> call(N, erlang, spawn, [timer, sleep, [infinity]])
    end.

kill(N, Pid) -> true = call(N, erlang, exit, [Pid, kill]).

%% All groups with their sorted members, as a node sees them.
view(N) -> lists:sort([{G, lists:sort(pg(N, get_members, [G]))} || G <- pg(N, which_groups, [])]).

%% What each node has by itself, put together: nothing less, and nothing left over.
truth(Ns) ->
    Own = [{G, P} || N <- Ns, G <- pg(N, which_groups, []), P <- pg(N, get_local_members, [G])],
    lists:sort([{G, lists:sort([P || {H, P} <- Own, H =:= G])}
                || G <- lists:usort([G || {G, _} <- Own])]).

agree(Ns) ->
    eventually(30000, fun() ->
        Truth = truth(Ns),
        Truth =/= [] andalso lists:all(fun(N) -> view(N) =:= Truth end, Ns)
    end).

no_crash(N) ->
    Bad = [L || L <- splits:log(N),
                Word <- [<<"CRASH">>, <<"crash">>, <<"terminating">>, <<"badkey">>, <<"function_clause">>],
                binary:match(L, Word) =/= nomatch],
    {N, []} = {N, Bad}.

%% ---- what happens -----------------------------------------------------------------------------

members_come_and_go(Ns) ->
    Pids = [{N, member(N), member(N)} || N <- Ns],
    [ok = pg(N, join, [g, A]) || {N, A, _} <- Pids],
    [ok = pg(N, join, [g, [A, B]]) || {N, A, B} <- Pids],
    [ok = pg(N, join, [{own, N}, [A, A, B]]) || {N, A, B} <- Pids],
    agree(Ns),
    12 = length(pg(4, get_members, [g])),
    [ok = pg(N, leave, [{own, N}, A]) || {N, A, _} <- Pids],
    [not_joined = pg(N, leave, [nobodys, A]) || {N, A, _} <- Pids],
    agree(Ns),
    [kill(N, A) || {N, A, _} <- Pids],
    eventually(30000, fun() -> length(pg(1, get_members, [g])) =:= 4 end),
    agree(Ns).

%% The members of that node are forgotten by all, and those of the others learnt again.
scopes_restart(Ns) ->
    [begin
         restart(N),
         ok = pg(N, join, [{again, N}, [member(N), member(N)]]),
         agree(Ns)
     end || N <- Ns].

restart(N) ->
    case is_c(N) of
        true ->
            ok = call(N, gen_server, call, [probe, {do, {pg_stop, pg}}]),
            eventually(30000, fun() -> undefined =:= call(N, erlang, whereis, [pg]) end),
            ok = call(N, gen_server, call, [probe, {do, {pg_start, pg}}]);
        false ->
            Pid = call(N, erlang, whereis, [pg]),
            true = call(N, erlang, exit, [Pid, kill]),
            eventually(30000, fun() -> undefined =:= call(N, erlang, whereis, [pg]) end),
            {ok, _} = call(N, pg, start, [pg])
    end.

%% An OTP and a C node on each side, which go on by themselves.
two_halves(Ns) ->
    Pids = [{N, member(N), member(N)} || N <- Ns],
    [ok = pg(N, join, [split, [A, B]]) || {N, A, B} <- Pids],
    agree(Ns),
    splits:split([1, 3], [2, 4]),
    eventually(60000, fun() -> not knows(1, 2) andalso not knows(4, 1) andalso not knows(3, 4)
                                   andalso not knows(2, 3) end),
    agree([1, 3]),
    agree([2, 4]),
    [4 = length(pg(N, get_members, [split])) || N <- Ns],
    [ok = pg(N, leave, [split, A]) || {N, A, _} <- Pids],
    [ok = pg(N, join, [{meanwhile, N}, A]) || {N, A, _} <- Pids],
    [kill(N, B) || {N, _, B} <- Pids, N rem 2 =:= 1],
    eventually(30000, fun() -> pg(1, get_members, [split]) =:= [] end),
    splits:heal(),
    meet(Ns),
    agree(Ns),
    2 = length(pg(1, get_members, [split])).

a_node_ends_and_another_comes_late(Ns) ->
    _ = splits:kill(4),
    eventually(30000, fun() -> not knows(1, 4) andalso not knows(2, 4) andalso not knows(3, 4) end),
    agree(Ns -- [4]),
    splits:kill(2),
    agree([1, 3]),
    ok = splits:start(4),
    ok = splits:start(2),
    ok = pg(1, join, [late, member(1)]),
    meet(Ns),
    ok = pg(4, join, [late, member(4)]),
    {ok, _} = call(2, pg, start, [pg]),
    ok = pg(2, join, [late, member(2)]),
    agree(Ns),
    3 = length(pg(3, get_members, [late])).
