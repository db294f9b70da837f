%% SPDX-License-Identifier: Apache-2.0
%% Process groups of two BEAM nodes, which may be of two releases, and two C nodes: through the life
%% of members, scopes and nodes all have the same members of every group, nothing is left over,
%% no scope of OTP logs an error, and those in C have heard nothing odd.
-module(t_pg_mesh).
-export([joins_and_leaves_test/1, ends_of_members_test/1, ends_of_nodes_test/1, scope_restarts_test/1,
         late_joiners_test/1, cut_links_heal_test/1, many_changes_at_once_test/1]).
-export([log/2]).

-import(fixture, [eventually/1]).

%% ---- the cluster ------------------------------------------------------------------------------

cluster(Config) ->
    Self = self(),
    _ = logger:remove_handler(?MODULE), % of a test that failed
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => error, config => #{to => Self}}),
    _ = scope(),
    B = mesh:b_node(Config, b),
    Cs = [mesh:c_node(Config, c, ["--visible"]) || _ <- [1, 2]],
    meet([B | Cs]),
    start(B),
    [B | Cs].

%% By way of another node, while there is no connection that would do.
on(Node, M, F, A) ->
    case get({by_way_of, Node}) of
        undefined -> mesh:on(Node, M, F, A);
        Other -> mesh:on(Other, rpc, call, [Node, M, F, A])
    end.

start(#{kind := beam, node := Node}) -> {ok, _} = on(Node, pg, start, [pg]).

%% Of this VM, where nothing of an earlier test is to be found.
scope() ->
    stop_here(whereis(pg)),
    {ok, Pid} = pg:start(pg),
    Pid.

stop_here(undefined) -> ok;
stop_here(Pid) ->
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

all(Handles) -> [node() | [N || #{node := N} <- Handles]].

%% Every two are connected, whoever has to dial.
meet(Handles) ->
    All = all(Handles),
    eventually(fun() ->
        Missing = [{X, Y} || X <- All, Y <- All, X < Y, not lists:member(Y, on(X, erlang, nodes, []))],
        _ = [on(X, net_kernel, connect_node, [Y]) || {X, Y} <- Missing],
        Missing =:= [] orelse Missing
    end).

%% All groups with their sorted members, as a node sees them.
view(Node) ->
    lists:sort([{G, lists:sort(on(Node, pg, get_members, [G]))} || G <- on(Node, pg, which_groups, [])]).

%% What each node says of its own, put together.
truth(Nodes) ->
    Own = [{G, P} || N <- Nodes, G <- on(N, pg, which_groups, []),
                     P <- on(N, pg, get_local_members, [G])],
    lists:sort([{G, lists:sort([P || {H, P} <- Own, H =:= G])} || G <- lists:usort([G || {G, _} <- Own])]).

%% So many memberships in all.
agree(Handles, Count) ->
    All = all(Handles),
    eventually(fun() ->
        Truth = truth(All),
        Odd = [{N, V} || N <- All, V <- [view(N)], V =/= Truth],
        Members = lists:sum([length(Ps) || {_, Ps} <- Truth]),
        (Odd =:= [] andalso (Count =:= any orelse Members =:= Count)) orelse {Members, Odd, Truth}
    end).

member(#{kind := c, node := Node}) -> fixture:probe(Node);
member(#{node := Node}) -> spawn(Node, timer, sleep, [infinity]).

me() -> #{kind => beam, node => node()}.

join(#{node := Node}, Group, Pids) -> ok = on(Node, pg, join, [Group, Pids]).
leave(#{node := Node}, Group, Pids) -> on(Node, pg, leave, [Group, Pids]).

%% ---- what must not have happened --------------------------------------------------------------

log(#{msg := Message, meta := Meta}, #{config := #{to := To}}) -> To ! {logged, Message, Meta}, ok.

clean(Handles) ->
    ok = logger:remove_handler(?MODULE),
    receive {logged, Message, Meta} -> exit({logged_here, Message, Meta}) after 0 -> ok end,
    [quiet(H) || H <- Handles],
    ok.

quiet(#{kind := beam, node := Node} = Handle) ->
    Bad = [L || L <- fixture:lines(Handle),
                Word <- [<<"ERROR">>, <<"CRASH">>, <<"terminating">>, <<"badkey">>, <<"clause">>],
                binary:match(L, Word) =/= nomatch],
    {Node, []} = {Node, Bad};
quiet(#{node := Node}) ->
    State = case sys:get_state({pg, Node}) of
        {ok, S} -> S; % before OTP 26.1
        S -> S
    end,
    Odd = [{K, N} || {K, N} <- maps:to_list(maps:with([refused, foreign, missing], State)), N =/= 0],
    {Node, []} = {Node, Odd}.

%% ---- tests ------------------------------------------------------------------------------------

joins_and_leaves_test(Config) ->
    Others = cluster(Config),
    Pairs = [{H, member(H), member(H)} || H <- [me() | Others]],
    [join(H, g, A) || {H, A, _} <- Pairs],
    [join(H, g, [A, B]) || {H, A, B} <- Pairs],
    [join(H, {own, node(A)}, [A, A, B]) || {H, A, B} <- Pairs],
    agree(Others, 24),
    [ok = leave(H, g, A) || {H, A, _} <- Pairs],
    [not_joined = leave(H, nobodys, A) || {H, A, _} <- Pairs],
    agree(Others, 20),
    [ok = leave(H, {own, node(A)}, [A, B, A]) || {H, A, B} <- Pairs],
    agree(Others, 8),
    [ok = leave(H, g, [B, A]) || {H, A, B} <- Pairs],
    agree(Others, 0),
    clean(Others).

ends_of_members_test(Config) ->
    Others = cluster(Config),
    Pairs = [{H, member(H), member(H)} || H <- [me() | Others]],
    [join(H, G, Pids) || {H, A, B} <- Pairs, {G, Pids} <- [{x, [A, B, A]}, {y, A}, {"z", [A]}, {x, A}]],
    agree(Others, 24),
    [exit(A, kill) || {_, A, _} <- Pairs],
    agree(Others, 4),
    [exit(B, kill) || {_, _, B} <- Pairs],
    agree(Others, 0),
    clean(Others).

ends_of_nodes_test(Config) ->
    Others = [B, C1, C2] = cluster(Config),
    [join(H, G, [member(H), member(H)]) || H <- [me() | Others], G <- [x, {node, 1}]],
    agree(Others, 16),
    ok = fixture:signal(C1, "-KILL"),
    agree([B, C2], 12),
    quiet(B),
    ok = fixture:signal(B, "-KILL"),
    agree([C2], 8),
    ok = fixture:signal(C2, "-TERM"),
    agree([], 4),
    clean([]).

scope_restarts_test(Config) ->
    Others = cluster(Config),
    All = [me() | Others],
    [join(H, g, [member(H), member(H)]) || H <- All],
    agree(Others, 8),
    [begin
         restart(H),
         agree(Others, 6),
         P = member(H),
         join(H, g, [P, P]),
         agree(Others, 8)
     end || H <- All],
    clean(Others).

restart(#{node := Node}) when Node =:= node() -> scope();
restart(#{kind := beam, node := Node} = B) ->
    Pid = on(Node, erlang, whereis, [pg]),
    true = exit(Pid, kill),
    eventually(fun() -> on(Node, erlang, whereis, [pg]) =:= undefined end),
    start(B);
restart(#{node := Node} = C) ->
    P = member(C),
    ok = fixture:do(P, {pg_stop, pg}),
    eventually(fun() -> on(Node, erlang, whereis, [pg]) =:= undefined end),
    ok = fixture:do(P, {pg_start, pg}).

late_joiners_test(Config) ->
    Early = cluster(Config),
    [join(H, {room, N}, member(H)) || H <- [me() | Early], N <- lists:seq(1, 50)],
    agree(Early, 200),
    B = mesh:b_node(Config, l),
    C = mesh:c_node(Config, k, ["--visible", "--join", atom_to_list(maps:get(node, hd(Early)))]),
    Others = Early ++ [B, C],
    meet(Others),
    join(C, {room, 1}, member(C)),
    agree(Early ++ [C], 201),
    start(B), % when all are connected already
    join(B, {room, 2}, member(B)),
    agree(Others, 202),
    clean(Others).

%% Each of the two BEAM nodes loses one of the two C nodes, and goes on; it may be connected anew at
%% any time.
cut_links_heal_test(Config) ->
    Others = [#{node := Nb}, #{node := N1}, #{node := N2}] = cluster(Config),
    Pairs = [{H, member(H), member(H)} || H <- [me() | Others]],
    [join(H, g, [A, B]) || {H, A, B} <- Pairs],
    agree(Others, 8),
    [begin
         [ok = on(N, global, sync, []) || N <- all(Others)],
         put({by_way_of, N1}, Nb),
         true = erlang:disconnect_node(N1),
         true = on(Nb, erlang, disconnect_node, [N2]),
         [ok = leave(H, g, A) || {H, A, _} <- Pairs],
         [join(H, {meanwhile, Round}, [B, B]) || {H, _, B} <- Pairs],
         erase({by_way_of, N1}),
         meet(Others),
         agree(Others, 4 + 8 * Round),
         [join(H, g, A) || {H, A, _} <- Pairs]
     end || Round <- [1, 2, 3]],
    agree(Others, 8 + 24),
    clean(Others).

%% On all four at once, while links come and go.
many_changes_at_once_test(Config) ->
    Others = [_, #{node := N1}, #{node := N2}] = cluster(Config),
    Members = [{H, [member(H) || _ <- lists:seq(1, 8)]} || H <- [me() | Others]],
    Workers = [spawn_monitor(fun() -> churn(H, Pids, 40) end) || {H, Pids} <- Members],
    [begin
         erlang:disconnect_node(N),
         meet(Others)
     end || N <- [N1, N2, N1]],
    [receive {'DOWN', Ref, process, Pid, Why} -> normal = Why end || {Pid, Ref} <- Workers],
    meet(Others),
    [join(H, last, hd(Pids)) || {H, Pids} <- Members],
    agree(Others, any),
    [exit(P, kill) || {_, Pids} <- Members, P <- tl(Pids)],
    [leave_all(H, {g, G}, hd(Pids)) || {H, Pids} <- Members, G <- lists:seq(0, 6)],
    agree(Others, 4),
    clean(Others).

%% What is asked while the link is down may be done or not.
churn(_, _, 0) -> ok;
churn(#{node := Node} = H, [P | Pids], N) ->
    Do = fun(F, G, Who) -> rpc:call(Node, pg, F, [{g, G rem 7}, Who]) end,
    _ = Do(join, N, [P, hd(Pids), P]),
    _ = Do(join, N + 1, P),
    _ = Do(leave, N, [P, hd(Pids)]),
    churn(H, Pids ++ [P], N - 1).

leave_all(H, Group, Pid) ->
    case leave(H, Group, Pid) of
        ok -> leave_all(H, Group, Pid);
        not_joined -> ok
    end.
