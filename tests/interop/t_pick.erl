%% SPDX-License-Identifier: Apache-2.0
%% Members picked from a group by a C node and by Erlang: by key both find the same one.
-module(t_pick).
-export([owner_by_key_is_the_same_in_both_test/1, few_keys_move_when_a_member_goes_test/1,
         local_members_come_first_test/1, random_pick_reaches_every_member_test/1,
         empty_group_has_nobody_test/1]).

-import(fixture, [eventually/1, do/2]).

%% Two C nodes and this one, with three members each in group g; a probe to ask.
cluster(Config) ->
    case whereis(pg) of
        undefined -> {ok, _} = pg:start_link();
        _ -> ok
    end,
    #{node := A} = fixture:c_node(Config, ["--visible"]),
    #{node := B} = fixture:c_node(Config, ["--visible", "--join", atom_to_list(A)]),
    [pong = net_adm:ping(N) || N <- [A, B]],
    true = rpc:call(B, net_kernel, connect_node, [A]),
    ok = pg:join(g, [spawn_link(fun() -> receive stop -> ok end end) || _ <- [1, 2, 3]]),
    [ok = rpc:call(N, pg, join, [g, [fixture:probe(N) || _ <- [1, 2, 3]]]) || N <- [A, B]],
    [eventually(fun() -> length(rpc:call(N, pg, get_members, [g])) =:= 9 end)
     || N <- [node(), A, B]],
    {A, B, fixture:probe(A), fixture:probe(B)}.

keys(Count) ->
    [a, "list", <<"bin">>, {t, 1}, 1.5, #{k => v}, self(), make_ref()] ++ lists:seq(1, Count).

owner_by_key_is_the_same_in_both_test(Config) ->
    {A, B, AskA, AskB} = cluster(Config),
    Owners = [begin
         {ok, Owner} = do(AskA, {pick_by_key, Key, g}),
         {ok, Owner} = do(AskB, {pick_by_key, Key, g}),
         Owner = flitch_pick:by_key(Key, g),
         node(Owner)
     end || Key <- keys(1000)],
    [true = length([N || N <- Owners, N =:= Node]) > 200 || Node <- [A, B, node()]].

few_keys_move_when_a_member_goes_test(Config) ->
    {_, _, Ask, _} = cluster(Config),
    Keys = keys(500),
    Before = [{Key, flitch_pick:by_key(Key, g)} || Key <- Keys],
    [{_, Gone} | _] = [Pair || {_, Pid} = Pair <- Before, node(Pid) =/= node()],
    exit(Gone, kill),
    eventually(fun() -> length(pg:get_members(g)) =:= 8 end),
    [{ok, Pid} = do(Ask, {pick_by_key, Key, g}) || {Key, Pid} <- Before, Pid =/= Gone,
                                                   node(Pid) =/= node(Gone)],
    [true = flitch_pick:by_key(Key, g) =/= Gone || {Key, Pid} <- Before, Pid =:= Gone].

local_members_come_first_test(Config) ->
    {A, _, Ask, _} = cluster(Config),
    [{ok, A} = picked_node(do(Ask, {pick_local, g})) || _ <- lists:seq(1, 50)],
    [ok = rpc:call(A, pg, leave, [g, P]) || P <- rpc:call(A, pg, get_local_members, [g])],
    {ok, Other} = do(Ask, {pick_local, g}),
    true = node(Other) =/= A.

picked_node({ok, Pid}) -> {ok, node(Pid)}.

random_pick_reaches_every_member_test(Config) ->
    {_, _, Ask, _} = cluster(Config),
    Picked = [begin {ok, Pid} = do(Ask, {pick_random, g}), Pid end || _ <- lists:seq(1, 500)],
    9 = length(lists:usort(Picked)).

empty_group_has_nobody_test(#{node := Node}) ->
    Ask = fixture:probe(Node),
    [{error, enoent} = do(Ask, Op)
     || Op <- [{pick_by_key, k, nobodys}, {pick_local, nobodys}, {pick_random, nobodys}]],
    none = flitch_pick:owner(k, []).
