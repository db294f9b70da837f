%% SPDX-License-Identifier: Apache-2.0
%% A server that the cluster has once (examples/singleton.c), called as any global name by Erlang:
%% it is found, it moves with and without its state, and no call is answered twice.
-module(t_singleton).
-export([one_of_three_runs_it_test/1, next_one_starts_when_it_ends_test/1,
         next_one_starts_when_its_node_is_killed_test/1, state_moves_on_demand_test/1,
         state_moves_when_its_node_stops_test/1, large_state_moves_test/1,
         refused_moves_leave_it_where_it_is_test/1, guard_says_what_it_knows_test/1,
         strange_words_do_no_harm_test/1, nobody_speaks_for_another_test/1,
         copied_state_survives_a_kill_test/1]).

-import(fixture, [eventually/1]).

%% ---- a cluster --------------------------------------------------------------------------------

cluster(Config) ->
    {Handles, Nodes} = cluster(Config, "/examples/singleton.so", tally_guard),
    eventually(fun() -> holder(Nodes) =/= none end),
    {Handles, Nodes}.

cluster(#{build := Build} = Config, File, Guard) ->
    case whereis(pg) of
        undefined -> {ok, _} = pg:start_link();
        _ -> ok
    end,
    Load = ["--visible", "--load", Build ++ File],
    Handles = [fixture:c_node(Config, fixture:unique(P), Load) || P <- [a, b, c]],
    Nodes = [N || #{node := N} <- Handles],
    [pong = net_adm:ping(N) || N <- Nodes],
    [true = rpc:call(N, net_kernel, connect_node, [M]) || N <- Nodes, M <- Nodes, N < M],
    eventually(fun() -> [N || N <- Nodes, length(maps:get(candidates, status(Guard, N))) =/= 3] =:= [] end),
    eventually(fun() -> [N || N <- Nodes, maps:get(holder, status(Guard, N)) =:= undefined] =:= [] end),
    ok = global:sync(),
    {Handles, Nodes}.

status(Guard, Node) -> gen_server:call({Guard, Node}, status).
status(Node) -> gen_server:call({tally_guard, Node}, status).

%% The node that all say runs it, when global says so, too.
holder(Nodes) ->
    Said = lists:usort([maps:get(holder, status(N)) || N <- Nodes]),
    case {Said, global:whereis_name(tally)} of
        {[Pid], Pid} when is_pid(Pid) -> node(Pid);
        _ -> none
    end.

holds(Nodes, Unlike) ->
    eventually(fun() -> not lists:member(holder(Nodes), [none, Unlike]) end),
    holder(Nodes).

add(N) -> gen_server:call({global, tally}, {add, N}).

one_holding(Nodes) -> [holding] = [S || S <- [maps:get(state, status(N)) || N <- Nodes], S =/= standby].

%% ---- tests ------------------------------------------------------------------------------------

one_of_three_runs_it_test(Config) ->
    {_, Nodes} = cluster(Config),
    {1, Epoch} = add(1),
    {3, Epoch} = add(2),
    true = Epoch bsr 16 >= 1,
    one_holding(Nodes),
    [Epoch] = lists:usort([maps:get(epoch, status(N)) || N <- Nodes]),
    [0, 1, 2] = lists:sort([maps:get(rank, status(N)) || N <- Nodes]),
    %% whose turn is the first
    {_, First} = lists:min([{erlang:phash2({tally, N}, 1 bsl 32), N} || N <- Nodes]),
    0 = maps:get(rank, status(First)).

next_one_starts_when_it_ends_test(Config) ->
    {_, Nodes} = cluster(Config),
    {5, Before} = add(5),
    lists:foldl(fun(_, Old) ->
        Pid = global:whereis_name(tally),
        exit(Pid, kill),
        eventually(fun() -> New = global:whereis_name(tally), is_pid(New) andalso New =/= Pid end),
        {1, Epoch} = add(1),
        true = Epoch bsr 16 > Old bsr 16,
        _ = holds(Nodes, none),
        one_holding(Nodes),
        Epoch
    end, Before, [1, 2, 3]).

next_one_starts_when_its_node_is_killed_test(Config) ->
    {Handles, Nodes} = cluster(Config),
    {1, Before} = add(1),
    Node = holder(Nodes),
    [Handle] = [H || #{node := N} = H <- Handles, N =:= Node],
    ok = fixture:signal(Handle, "-KILL"),
    Left = Nodes -- [Node],
    _ = holds(Left, Node),
    {1, After} = add(1),
    true = After bsr 16 > Before bsr 16,
    one_holding(Left).

state_moves_on_demand_test(Config) ->
    {_, Nodes} = cluster(Config),
    {40, _} = add(40),
    Self = self(),
    Callers = [spawn_link(fun() -> call_until_told(Self, 0) end) || _ <- lists:seq(1, 8)],
    Epochs = lists:foldl(fun(_, Seen) ->
        From = holder(Nodes),
        [To | _] = Nodes -- [From],
        %% one that has just been given away may still pass calls on
        eventually(fun() -> ok =:= gen_server:call({tally_guard, From}, {move, To}) end),
        To = holds(Nodes, From),
        {_, Epoch} = add(0),
        [Epoch | Seen]
    end, [], [1, 2, 3, 4]),
    Epochs = lists:reverse(lists:usort(Epochs)),
    [C ! stop || C <- Callers],
    Added = lists:sum([receive {C, N, none} -> N end || C <- Callers]),
    %% each call was answered once, by one that had all that came before
    Total = 40 + Added,
    Total = gen_server:call({global, tally}, get),
    true = Added > 0.

call_until_told(Parent, N) ->
    receive stop -> Parent ! {self(), N, none}
    after 0 ->
        try add(1) of {_, _} -> call_until_told(Parent, N + 1)
        catch exit:Reason -> Parent ! {self(), N, Reason}
        end
    end.

state_moves_when_its_node_stops_test(Config) ->
    {Handles, Nodes} = cluster(Config),
    {7, _} = add(7),
    Node = holder(Nodes),
    [Handle] = [H || #{node := N} = H <- Handles, N =:= Node],
    ok = fixture:signal(Handle, "-TERM"),
    0 = fixture:ended(Handle),
    _ = holds(Nodes -- [Node], Node),
    7 = gen_server:call({global, tally}, get).

%% Several pieces, and more than the credit.
large_state_moves_test(Config) ->
    {_, Nodes} = cluster(Config, "/tests/servers/svc.so", svc_guard),
    Bytes = crypto:strong_rand_bytes(9000000),
    ok = gen_server:call({global, svc}, {put, Bytes}),
    From = node(global:whereis_name(svc)),
    [To | _] = Nodes -- [From],
    ok = gen_server:call({svc_guard, From}, {move, To}, 60000),
    eventually(fun() -> P = global:whereis_name(svc), is_pid(P) andalso node(P) =:= To end),
    true = Bytes =:= gen_server:call({global, svc}, get, 60000).

refused_moves_leave_it_where_it_is_test(Config) ->
    {_, Nodes} = cluster(Config),
    {9, Epoch} = add(9),
    From = holder(Nodes),
    [Other | _] = Nodes -- [From],
    {error, not_here} = gen_server:call({tally_guard, Other}, {move, From}),
    {error, no_candidate} = gen_server:call({tally_guard, From}, {move, node()}),
    {error, no_candidate} = gen_server:call({tally_guard, From}, {move, From}),
    {error, bad_request} = gen_server:call({tally_guard, From}, move),
    From = holder(Nodes),
    {9, Epoch} = add(0).

guard_says_what_it_knows_test(Config) ->
    {_, Nodes} = cluster(Config),
    #{state := holding, holder := Pid, margin_ms := 0, may_start := true, takeovers := 1} =
        status(holder(Nodes)),
    Pid = global:whereis_name(tally),
    3 = length(pg:get_members({flitch_singleton, tally})),
    [] = Nodes -- [node(P) || P <- pg:get_members({flitch_singleton, tally})].

%% What a guard is told by somebody who is none.
strange_words_do_no_harm_test(Config) ->
    {_, Nodes} = cluster(Config),
    {4, Epoch} = add(4),
    Id = make_ref(),
    Words = [
        {fl, 1, state, #{from => self(), epoch => 0, seen => (1 bsl 64) - 1}},
        {fl, 1, claim, #{from => self(), epoch => (1 bsl 64) - 1, seen => 0}},
        {fl, 1, grant, #{from => self(), epoch => -1, seen => 1 bsl 70}},
        {fl, 1, released, #{from => self(), epoch => 0, seen => 0}},
        {fl, 1, nonsense, #{from => self()}}, {fl, 1, state, not_a_map}, {fl, 2, state, #{}},
        {fl, 1, handoff_begin, #{from => self(), id => Id, epoch => 1, vsn => 0, size => 1 bsl 60}},
        {fl, 1, handoff_chunk, #{from => self(), id => Id, offset => 0, crc => 0, bytes => <<"x">>}},
        {fl, 1, handoff_credit, #{from => self(), id => Id, upto => 1 bsl 40}},
        {fl, 1, handoff_ready, #{from => self(), id => Id, epoch => 9, server => self()}},
        {fl, 1, handoff_commit, #{from => self(), id => Id}}, hello, []],
    [gen_server:cast({tally_guard, N}, W) || N <- Nodes, W <- Words],
    [{tally_guard, N} ! W || N <- Nodes, W <- [{Id, ok}, {'EXIT', self(), x}, {Id, join, g, [self()]}, x]],
    [#{candidates := [_, _, _]} = status(N) || N <- Nodes],
    {4, Epoch} = add(0),
    Pid = global:whereis_name(tally),
    exit(Pid, kill),
    eventually(fun() -> New = global:whereis_name(tally), is_pid(New) andalso New =/= Pid end),
    {1, After} = add(1),
    true = After > Epoch.

%% Words of one candidate, sent by a node that is none.
nobody_speaks_for_another_test(Config) ->
    {_, Nodes} = cluster(Config),
    {4, Epoch} = add(4),
    Holder = holder(Nodes),
    Pid = global:whereis_name(tally),
    [Guard] = [G || G <- pg:get_members({flitch_singleton, tally}), node(G) =:= Holder],
    Others = Nodes -- [Holder],
    [begin
         gen_server:cast({tally_guard, N}, {fl, 1, released, #{from => Guard, epoch => Epoch, seen => Epoch}}),
         {tally_guard, N} ! {'DOWN', make_ref(), process, Pid, normal},
         #{holder := Pid, state := standby} = status(N)
     end || N <- Others],
    %% the same word from its own node is believed, as who asks there sees
    [Other | _] = Others,
    ok = rpc:call(Holder, gen_server, cast,
                  [{tally_guard, Other}, {fl, 1, released, #{from => Guard, epoch => Epoch, seen => Epoch}}]),
    eventually(fun() -> maps:get(holder, status(Other)) =:= Pid end),
    {4, After} = add(0),
    true = After >= Epoch.

%% What the server had copied to the others when its node was killed.
copied_state_survives_a_kill_test(Config) ->
    {Handles, Nodes} = cluster(Config, "/tests/servers/svc.so", svc_guard),
    Bytes = crypto:strong_rand_bytes(100000),
    ok = gen_server:call({global, svc}, {copy, <<"earlier">>}),
    ok = gen_server:call({global, svc}, {copy, Bytes}),
    ok = gen_server:call({global, svc}, {put, <<"not copied">>}),
    Old = node(global:whereis_name(svc)),
    [Handle] = [H || #{node := N} = H <- Handles, N =:= Old],
    eventually(fun() -> [N || N <- Nodes, maps:get(replica_ms, status(svc_guard, N)) =:= -1] =:= [] end),
    ok = fixture:signal(Handle, "-KILL"),
    eventually(fun() -> P = global:whereis_name(svc), is_pid(P) andalso node(P) =/= Old end),
    true = Bytes =:= gen_server:call({global, svc}, get).
