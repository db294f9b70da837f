%% SPDX-License-Identifier: Apache-2.0
%% global: how a cluster of C nodes and BEAM nodes grows and how nodes leave it, with
%% prevent_overlapping_partitions as it is by default and otherwise. This VM is one of the nodes.
-module(t_global_mesh).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).
-import(mesh, [c_node/2, c_node/3, b_node/2, join/1, names/1, on/4, meshed/1, sync/1]).
-import(mesh, [now_ms/0, alone/1, namer/1, do/2, whereis_on/2, waiter/0, hidden_call/5]).
-import(mesh, [on_hidden/3, kept/1, watcher/1]).

%% ---- how the mesh grows -----------------------------------------------------------------------

c_in_the_middle_brings_two_together_test(Config) ->
    alone(Config),
    C = #{node := Middle} = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    B = #{node := Peer} = b_node(Config, m),
    true = on_hidden(Config, B, Middle),
    All = meshed([C, B]),
    true = lists:member(Peer, nodes()),
    Mine = waiter(),
    yes = global:register_name(from_here, Mine),
    [Mine] = whereis_on(All, from_here),
    ok.

c_at_the_end_of_a_chain_meets_all_test(Config) ->
    alone(Config),
    B = #{node := Peer} = b_node(Config, m),
    join(B),
    _ = meshed([B]),
    C = c_node(Config, c, ["--join", atom_to_list(Peer)]),
    _ = meshed([B, C]),
    ok.

two_c_nodes_join_by_one_and_all_are_meshed_test(Config) ->
    alone(Config),
    B = #{node := Peer} = b_node(Config, m),
    C1 = #{node := First} = c_node(Config, a, ["--join", atom_to_list(Peer)]),
    C2 = #{node := Second} = c_node(Config, z, ["--join", atom_to_list(First)]),
    true = net_kernel:connect_node(Second),
    All = meshed([B, C1, C2]),
    N1 = namer(C1),
    ok = do(N1, {register, everywhere}),
    [N1] = whereis_on(All, everywhere),
    ok.

c_that_joins_two_brings_them_together_test(Config) ->
    alone(Config),
    B = #{node := Peer} = b_node(Config, m),
    C = c_node(Config, c, ["--join", atom_to_list(Peer), "--join", atom_to_list(node())]),
    All = meshed([B, C]),
    Namer = namer(C),
    ok = do(Namer, {register, everywhere}),
    [Namer] = whereis_on(All, everywhere),
    ok.

%% Five nodes know each other by one join of each with another.
a_chain_of_five_becomes_a_mesh_test(Config) ->
    alone(Config),
    B1 = #{node := P1} = b_node(Config, m),
    C1 = #{node := P2} = c_node(Config, a, ["--join", atom_to_list(P1)]),
    B2 = #{node := P3} = b_node(Config, b),
    true = on_hidden(Config, B2, P2),
    C2 = #{node := P4} = c_node(Config, z, ["--join", atom_to_list(P3)]),
    true = net_kernel:connect_node(P4),
    All = meshed([B1, C1, B2, C2]),
    5 = length(All),
    ok.

%% ---- how long it takes ------------------------------------------------------------------------

%% The best of some: what is slow by itself is slow each time, a busy machine now and then.
a_join_is_in_sync_soon_and_sync_is_fast_then_test(Config) ->
    alone(Config),
    Old = [C, B] = [c_node(Config, a), b_node(Config, m)],
    [join(N) || N <- Old],
    _ = meshed(Old),
    fast_enough(5, fun() -> joined_and_synced(Config, [C, B]) end).

joined_and_synced(Config, Old) ->
    C = #{node := Node} = c_node(Config, z),
    Start = now_ms(),
    join(C),
    All = meshed([C | Old]),
    JoinMs = now_ms() - Start,
    SyncMs = lists:max([sync_ms(N) || N <- All]),
    fixture:signal(C, "-TERM"),
    0 = fixture:ended(C),
    eventually(fun() -> [N || N <- All, N =/= Node, lists:member(Node, on(N, erlang, nodes, []))] =:= [] end),
    {JoinMs < 10000 andalso SyncMs < 1000, {JoinMs, SyncMs}}.

sync_ms(Node) ->
    Start = now_ms(),
    ok = sync(Node),
    now_ms() - Start.

fast_enough(Tries, Fun) -> fast_enough(Tries, Fun, []).

fast_enough(0, _, Times) -> exit({slow, Times});
fast_enough(Tries, Fun, Times) ->
    case Fun() of
        {true, _} -> ok;
        {false, Ms} -> fast_enough(Tries - 1, Fun, [Ms | Times])
    end.

%% ---- leaving and coming back ------------------------------------------------------------------

disconnect_leaves_all_in_one_stroke_test(Config) ->
    leaves(Config, fun(#{node := Node}, Others) ->
        Left = hidden_call(Config, Node, rpc, call, [Node, global, disconnect, []]),
        Others = lists:sort(Left)
    end).

disconnect_in_c_leaves_all_in_one_stroke_test(Config) ->
    leaves(Config, fun(#{node := Node}, Others) ->
        Left = hidden_call(Config, Node, ?MODULE, disconnect_there, [Node]),
        Others = lists:sort(Left)
    end).

disconnect_there(Node) ->
    {ok, Namer} = gen_server:call({namer, Node}, {start, self()}),
    gen_server:call(Namer, {do, disconnect}).

a_c_node_that_is_told_to_stop_leaves_in_one_stroke_test(Config) ->
    leaves(Config, fun(C, _) ->
        fixture:signal(C, "-TERM"),
        0 = fixture:ended(C)
    end).

a_c_node_that_is_killed_takes_nobody_along_test(Config) ->
    leaves(Config, fun(C, _) -> fixture:signal(C, "-KILL") end).

%% In each mode, from two BEAM nodes, another C node and this one, which notice nothing else.
leaves(Config, Leave) -> [leaves(Config, Leave, Mode) || Mode <- ["guest", "otp", "off"]].

leaves(Config, Leave, Mode) ->
    alone(Config),
    Set = ["--set", "global.prevent_overlapping_partitions=" ++ Mode],
    C = #{node := Node} = c_node(Config, a, Set),
    Others = [c_node(Config, z, Set), b_node(Config, m), b_node(Config, b)],
    [join(N) || N <- [C | Others]],
    _ = meshed([C | Others]),
    Beams = [node() | [N || #{kind := beam, node := N} <- Others]],
    Watchers = [watcher(N) || N <- Beams],
    Leave(C, names(Others)),
    eventually(fun() -> [N || N <- names(Others), lists:member(Node, on(N, erlang, nodes, []))] =:= [] end),
    word_goes_round(names(Others)),
    All = meshed(Others),
    All = names(Others),
    [[{nodedown, Node}] = kept(Watcher) || Watcher <- Watchers],
    [exit(Watcher, kill) || Watcher <- Watchers],
    ok.

%% Whatever the name servers have to tell each other about who is lost has been told, and obeyed.
word_goes_round(Nodes) ->
    [[_ = on(N, gen_server, call, [{global_name_server, M}, get_known]) || N <- Nodes, M <- Nodes]
     || _ <- [1, 2, 3]].

a_c_node_that_left_can_come_back_test(Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, c),
    B = b_node(Config, m),
    [join(N) || N <- [C, B]],
    _ = meshed([C, B]),
    _ = hidden_call(Config, Node, rpc, call, [Node, global, disconnect, []]),
    eventually(fun() -> not lists:member(Node, nodes()) end),
    _ = meshed([B]),
    join(C),
    All = meshed([C, B]),
    ok = do(namer(C), {register, again}),
    [Pid] = whereis_on(All, again),
    Node = node(Pid),
    ok.

%% ---- another setting of prevent_overlapping_partitions ----------------------------------------

the_setting_of_c_nodes_can_be_asked_test(#{node := Node}) ->
    {ok, guest} = rpc:call(Node, application, get_env, [kernel, prevent_overlapping_partitions]),
    undefined = rpc:call(Node, application, get_env, [kernel, other]),
    ok.

c_that_is_on_tells_of_a_node_that_is_off_test(Config) ->
    [told_of_a_node_that_is_off(Config, Mode) || Mode <- ["guest", "otp"], knows_the_setting()].

told_of_a_node_that_is_off(Config, Mode) ->
    alone(Config),
    C = c_node(Config, c, ["--set", "global.prevent_overlapping_partitions=" ++ Mode]),
    join(C),
    _ = meshed([C]),
    Off = fixture:beam_node(Config, fixture:unique(m), ["-kernel", "prevent_overlapping_partitions", "false"]),
    join(Off),
    Line = fixture:line(C, "must be the same on all nodes"),
    %% this VM, which is on, came first: it is not the one
    is_told(Line, ["<4>prevent_overlapping_partitions is off at ", atom_to_list(maps:get(node, Off)),
                   " and on here"]).

c_that_is_off_tells_of_a_node_that_is_on_test(Config) ->
    [begin
         alone(Config),
         C = c_node(Config, c, ["--set", "global.prevent_overlapping_partitions=off"]),
         join(C),
         is_told(fixture:line(C, "must be the same on all nodes"),
                 ["<4>prevent_overlapping_partitions is on at ", atom_to_list(node()),
                  " and off here"])
     end || knows_the_setting()].

c_nodes_of_other_settings_tell_of_each_other_test(Config) ->
    alone(Config),
    On = #{node := Less} = c_node(Config, a),
    Off = c_node(Config, z, ["--set", "global.prevent_overlapping_partitions=off", "--join", atom_to_list(Less)]),
    is_told(fixture:line(On, "must be the same on all nodes"), ["off at", "on here"]),
    is_told(fixture:line(Off, "must be the same on all nodes"), ["on at", "off here"]).

is_told(Line, Parts) -> [{_, _} = binary:match(Line, list_to_binary(Part)) || Part <- Parts].

%% Earlier ones have none.
knows_the_setting() -> list_to_integer(erlang:system_info(otp_release)) >= 25.

%% ---- what a peer may send ---------------------------------------------------------------------

garbage_to_the_name_server_changes_nothing_test(Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    Server = rpc:call(Node, erlang, whereis, [global_name_server]),
    [{global_name_server, Node} ! Garbage || Garbage <- [a, {}, [], {'DOWN', make_ref(), process,
        self(), a}, {init_connect_ack, node(), 1, 2}, {cancel_connect, x, y}, {make_ref(), true},
        {remove_connection, nobody@nowhere}, {lost_connection, a, b, c, d}]],
    [gen_server:cast({global_name_server, Node}, Garbage) || Garbage <- [a, {init_connect, 1, 2, 3},
        {exchange, node(), [a | b], [], 1}, {resolved, node(), a, b, c, d, e},
        {new_nodes, node(), [{insert, a}, b], [], [], []}, {lock_set, self(), true, [], 7}]],
    {error, unknown_call} = gen_server:call({global_name_server, Node}, nonsense),
    exit(Server, kill),
    8 = gen_server:call({global_name_server, Node}, get_protocol_version),
    Server = rpc:call(Node, erlang, whereis, [global_name_server]),
    All = meshed([C]),
    ok = do(namer(C), {register, again}),
    [_] = whereis_on(All, again),
    ok.

