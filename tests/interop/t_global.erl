%% SPDX-License-Identifier: Apache-2.0
%% global: names and locks of a cluster of C nodes and BEAM nodes, how it grows, and how it comes
%% apart. This VM is one of its nodes.
-module(t_global).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1, unique/1]).

%% ---- a cluster --------------------------------------------------------------------------------

c_node(Config, Prefix) -> c_node(Config, Prefix, []).

c_node(Config, Prefix, Flags) ->
    Handle = fixture:c_node(Config, unique(Prefix), Flags),
    Handle#{kind => c}.

%% Of the release that the suite mixes with, where there is one.
b_node(Config, Prefix) ->
    Handle = fixture:other_node(Config, unique(Prefix)),
    Handle#{kind => beam}.

join(#{node := Node}) -> true = net_kernel:connect_node(Node).

names(Handles) -> lists:sort([node() | [Node || #{node := Node} <- Handles]]).

on(Node, M, F, A) when Node =:= node() -> apply(M, F, A);
on(Node, M, F, A) ->
    case rpc:call(Node, M, F, A) of
        {badrpc, Reason} -> exit({on, Node, M, F, Reason});
        Value -> Value
    end.

%% Everybody sees everybody, and the names of all are in sync.
meshed(Handles) -> meshed(Handles, 10000).

meshed(Handles, LimitMs) ->
    All = names(Handles),
    Start = now_ms(),
    eventually(fun() -> [N || N <- All, sees(N) =/= All] =:= [] end),
    [ok = sync(N) || N <- All],
    Took = now_ms() - Start,
    Took < LimitMs orelse exit({slow, Took}),
    [begin
         Again = now_ms(),
         ok = sync(N),
         now_ms() - Again < 1000 orelse exit({slow_sync, N, now_ms() - Again})
     end || N <- All],
    All.

sees(Node) -> [N || N <- lists:sort([Node | on(Node, erlang, nodes, [])]), not is_bystander(N)].

%% The node that run.sh keeps for all suites, and its like.
is_bystander(Node) -> lists:member(Node, get_bystanders()).

get_bystanders() ->
    case get(bystanders) of
        undefined -> [];
        Nodes -> Nodes
    end.

sync(Node) -> on(Node, global, sync, []).

now_ms() -> erlang:monotonic_time(millisecond).

%% Leaves every node but those that run.sh keeps, so that a test begins alone.
alone(#{node := C1}) ->
    _ = [erlang:disconnect_node(N) || N <- nodes()],
    eventually(fun() -> nodes() =:= [] end),
    put(bystanders, [C1]),
    ok.

namer(#{node := Node}) ->
    {ok, Pid} = gen_server:call({namer, Node}, {start, self()}),
    Pid.

do(Namer, Op) -> gen_server:call(Namer, {do, Op}, 60000).

whereis_on(All, Name) -> lists:usort([on(N, global, whereis_name, [Name]) || N <- All]).

told(Namer, Slot) ->
    receive {Slot, Namer, What} -> What
    after 60000 -> exit({nothing_told, Slot, process_info(self(), messages)})
    end.

%% A process of a BEAM node, this one or another.
waiter() -> waiter(node()).

waiter(Node) when Node =:= node() -> spawn(?MODULE, wait, [self()]);
waiter(Node) ->
    {module, _} = rpc:call(Node, code, load_binary, code_of()),
    spawn(Node, ?MODULE, wait, [self()]).

code_of() ->
    {Module, Binary, File} = code:get_object_code(?MODULE),
    [Module, File, Binary].

wait(Owner) -> wait(Owner, monitor(process, Owner)).

wait(Owner, Watch) ->
    receive
        {'DOWN', Watch, process, Owner, _} -> exit(normal);
        {apply, From, M, F, A} -> From ! {applied, self(), apply(M, F, A)};
        What -> Owner ! {told, self(), What}
    end,
    wait(Owner, Watch).

do_in(Pid, M, F, A) ->
    Pid ! {apply, self(), M, F, A},
    receive {applied, Pid, Value} -> Value
    after 60000 -> exit({not_applied, M, F})
    end.

%% ---- names ------------------------------------------------------------------------------------

names_of_each_are_seen_on_all_test(Config) ->
    alone(Config),
    C1 = c_node(Config, a),
    join(C1),
    C2 = c_node(Config, z),
    true = on(maps:get(node, C1), net_kernel, connect_node, [maps:get(node, C2)]),
    B = b_node(Config, m),
    true = on(maps:get(node, B), net_kernel, connect_node, [maps:get(node, C2)]),
    All = meshed([C1, C2, B]),
    [N1, N2] = [namer(C) || C <- [C1, C2]],
    ok = do(N1, {register, {one, [1, "text", <<"bin">>]}}),
    ok = do(N2, {register, two}),
    Mine = waiter(),
    yes = global:register_name({three, 3.0}, Mine),
    Theirs = waiter(maps:get(node, B)),
    yes = on(maps:get(node, B), global, register_name, [four, Theirs]),
    [N1] = whereis_on(All, {one, [1, "text", <<"bin">>]}),
    [N2] = whereis_on(All, two),
    [Mine] = whereis_on(All, {three, 3.0}),
    [Theirs] = whereis_on(All, four),
    Names = lists:sort([{one, [1, "text", <<"bin">>]}, two, {three, 3.0}, four]),
    [Names = lists:sort(on(N, global, registered_names, [])) || N <- All],
    {echo, hello} = gen_server:call({global, two}, hello),
    {error, taken} = do(N1, {register, two}),
    no = global:register_name(two, waiter()),
    ok = do(N1, {unregister, {one, [1, "text", <<"bin">>]}}),
    [undefined] = whereis_on(All, {one, [1, "text", <<"bin">>]}),
    ok = do(N1, {re_register, two}),
    [N1] = whereis_on(All, two),
    exit(N1, kill),
    eventually(fun() -> whereis_on(All, two) =:= [undefined] end),
    exit(Mine, kill),
    eventually(fun() -> whereis_on(All, {three, 3.0}) =:= [undefined] end),
    fixture:signal(B, "-KILL"),
    Left = All -- [maps:get(node, B)],
    eventually(fun() -> whereis_on(Left, four) =:= [undefined] end),
    ok.

a_killed_c_node_takes_its_names_along_test(Config) ->
    alone(Config),
    C1 = c_node(Config, a),
    C2 = c_node(Config, z),
    join(C1),
    join(C2),
    _ = meshed([C1, C2]),
    Namer = namer(C1),
    ok = do(Namer, {register, gone}),
    Namer = global:whereis_name(gone),
    fixture:signal(C1, "-KILL"),
    eventually(fun() -> whereis_on(names([C2]), gone) =:= [undefined] end),
    yes = global:register_name(gone, waiter()),
    ok.

names_known_before_the_join_are_known_after_it_test(Config) ->
    alone(Config),
    B = b_node(Config, m),
    join(B),
    _ = meshed([B]),
    Mine = waiter(),
    yes = global:register_name(before, Mine),
    C = c_node(Config, z),
    join(C),
    All = meshed([B, C]),
    [Mine] = whereis_on(All, before),
    ok.

of_many_that_want_a_name_one_gets_it_test(Config) ->
    alone(Config),
    Cs = [c_node(Config, a), c_node(Config, z)],
    [join(C) || C <- Cs],
    All = meshed(Cs),
    Namers = [namer(C) || C <- Cs, _ <- lists:seq(1, 5)],
    Self = self(),
    [spawn_link(fun() -> Self ! {got, N, do(N, {register, wanted})} end) || N <- Namers],
    Results = [receive {got, N, R} -> R after 60000 -> exit(no_answer) end || N <- Namers],
    1 = length([R || R <- Results, R =:= ok]),
    [Holder] = whereis_on(All, wanted),
    true = lists:member(Holder, Namers),
    ok.

c_reaches_names_of_others_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    Namer = namer(C),
    Mine = waiter(),
    yes = global:register_name(mine, Mine),
    ok = do(Namer, {send, mine, hello}),
    hello = told(Mine, told),
    ok = do(Namer, {cast, mine, hello}),
    {'$gen_cast', hello} = told(Mine, told),
    {error, noproc} = do(Namer, {call, nobody, hello}),
    ok = do(Namer, {send, nobody, hello}),
    ok = do(Namer, {cast, nobody, hello}),
    Ref = do(Namer, {monitor, mine}),
    exit(Mine, boom),
    {'DOWN', Ref, process, Mine, boom} = told(Namer, told),
    None = do(Namer, {monitor, nobody}),
    {'DOWN', None, process, _, noproc} = told(Namer, told),
    Request = do(Namer, {register_request, asked}),
    {Request, yes} = told(Namer, told),
    Namer = global:whereis_name(asked),
    ok.

c_calls_a_server_by_its_global_name_test(Config) ->
    alone(Config),
    Cs = [C1, C2] = [c_node(Config, a), c_node(Config, z)],
    [join(C) || C <- Cs],
    _ = meshed(Cs),
    [N1, N2] = [namer(C1), namer(C2)],
    ok = do(N2, {register, {far, 1}}),
    {ok, {echo, hello}} = do(N1, {call, {far, 1}, hello}),
    ok.

a_server_starts_under_a_global_name_test(Config) ->
    alone(Config),
    Cs = [C1, C2] = [c_node(Config, a), c_node(Config, z)],
    [join(C) || C <- Cs],
    All = meshed(Cs),
    {ok, Pid} = gen_server:call({namer, maps:get(node, C1)}, {start, self(), "{room, 7}"}),
    [Pid] = whereis_on(All, {room, 7}),
    {error, taken} = gen_server:call({namer, maps:get(node, C2)}, {start, self(), "{room, 7}"}),
    ok.

%% ---- two halves that meet ---------------------------------------------------------------------

%% Both have the name; then they meet. What then happened to the C node's process and to this one's.
clash(Config, Prefix, CMethod, BMethod) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, Prefix),
    join(C),
    Namer = namer(C),
    true = erlang:disconnect_node(Node),
    eventually(fun() -> nodes() =:= [] end),
    Mine = waiter(),
    yes = global:register_name(clash, Mine, BMethod),
    %% by a hidden connection, which is none for global
    Hidden = hidden_call(Config, Node, gen_server, call, [Namer, {do, {register, clash, CMethod}}]),
    ok = Hidden,
    join(C),
    _ = meshed([C]),
    {Namer, Mine, [node(), Node]}.

%% As a node that is hidden: one of its own, for this call alone.
hidden_call(Config, Node, M, F, A) ->
    Handle = fixture:beam_apply(Config, ["-hidden", "-connect_all", "false"],
                                {?MODULE, connect_and_apply, [Node, M, F, A]}),
    fixture:result(Handle).

connect_and_apply(Node, M, F, A) ->
    true = net_kernel:connect_node(Node),
    apply(M, F, A).

dies(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, Reason} -> lists:member(Reason, [killed, noproc])
    after 60000 -> false
    end.

lives(Pid) -> on(node(Pid), erlang, is_process_alive, [Pid]).

default_keeps_the_lesser_node_s_when_c_is_less_test(Config) ->
    {Namer, Mine, All} = clash(Config, a, random_exit, fun global:random_exit_name/3),
    true = dies(Mine),
    true = lives(Namer),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end).

default_keeps_the_lesser_node_s_when_c_is_greater_test(Config) ->
    {Namer, Mine, All} = clash(Config, z, random_exit, fun global:random_exit_name/3),
    true = dies(Namer),
    true = lives(Mine),
    eventually(fun() -> whereis_on(All, clash) =:= [Mine] end).

notify_tells_this_one_when_c_is_less_test(Config) ->
    {Namer, Mine, All} = clash(Config, a, random_notify, fun global:random_notify_name/3),
    {global_name_conflict, clash} = told(Mine, told),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end),
    true = lives(Mine) andalso lives(Namer),
    ok.

notify_tells_c_when_it_is_greater_test(Config) ->
    {Namer, Mine, All} = clash(Config, z, random_notify, fun global:random_notify_name/3),
    clash = told(Namer, conflict),
    eventually(fun() -> whereis_on(All, clash) =:= [Mine] end),
    true = lives(Mine) andalso lives(Namer),
    ok.

notify_all_tells_both_and_frees_the_name(Config, Prefix) ->
    {Namer, Mine, All} = clash(Config, Prefix, notify_all, fun global:notify_all_name/3),
    clash = told(Namer, conflict),
    {global_name_conflict, clash, Namer} = told(Mine, told),
    eventually(fun() -> whereis_on(All, clash) =:= [undefined] end),
    true = lives(Mine) andalso lives(Namer),
    ok.

notify_all_tells_both_when_c_is_less_test(Config) ->
    notify_all_tells_both_and_frees_the_name(Config, a).

notify_all_tells_both_when_c_is_greater_test(Config) ->
    notify_all_tells_both_and_frees_the_name(Config, z).

c_resolves_by_its_own_function_test(Config) ->
    {Namer, Mine, All} = clash(Config, a, keep_theirs, fun global:random_exit_name/3),
    eventually(fun() -> whereis_on(All, clash) =:= [Mine] end),
    true = lives(Mine) andalso lives(Namer),
    ok.

c_is_asked_to_resolve_for_its_own_process_test(Config) ->
    Default = fun global:random_exit_name/3,
    Pid = fixture:probe(maps:get(node, Config)),
    Other = waiter(),
    Node = maps:get(node, Config),
    Pid = rpc:call(Node, global, resolve_it, [fun global:random_notify_name/3, n, Pid, Pid]),
    none = rpc:call(Node, global, resolve_it, [fun global:notify_all_name/3, n, Other, Other]),
    {global_name_conflict, n, Other} = told(Other, told),
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, global, resolve_it, [fun lists:append/1, n, Pid,
                                                                         Other]),
    Lesser = hd(lists:sort([Node, node()])),
    Winner = rpc:call(Node, global, resolve_it, [Default, n, Pid, Other]),
    Lesser = node(Winner),
    ok.

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

%% Tells a node to connect to another, without this node being connected with it.
on_hidden(Config, #{node := From}, To) ->
    hidden_call(Config, From, rpc, call, [From, net_kernel, connect_node, [To]]).

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

%% ---- locks ------------------------------------------------------------------------------------

locks_are_exclusive_between_c_and_beam_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    Namer = namer(C),
    ok = do(Namer, {lock, {r, Namer}, 0}),
    false = global:set_lock({r, self()}, [node() | nodes()], 0),
    ok = do(Namer, {unlock, {r, Namer}}),
    true = global:set_lock({r, self()}, [node() | nodes()], 0),
    {error, busy} = do(Namer, {lock, {r, Namer}, 0}),
    true = global:del_lock({r, self()}),
    ok = do(Namer, {lock, {r, Namer}, 0}),
    ok.

a_lock_goes_with_its_holder_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    Namer = namer(C),
    ok = do(Namer, {lock, {r, Namer}, 0}),
    false = global:set_lock({r, self()}, [node() | nodes()], 0),
    exit(Namer, kill),
    eventually(fun() -> global:set_lock({r, self()}, [node() | nodes()], 0) end),
    true = global:del_lock({r, self()}),
    Holder = waiter(),
    true = do_in(Holder, global, set_lock, [{r, Holder}]),
    Other = namer(C),
    {error, busy} = do(Other, {lock, {r, Other}, 0}),
    exit(Holder, kill),
    ok = do(Other, {lock, {r, Other}, 20}),
    ok.

a_lock_goes_with_the_node_of_its_holder_test(Config) ->
    alone(Config),
    C1 = c_node(Config, a),
    C2 = c_node(Config, z),
    [join(C) || C <- [C1, C2]],
    _ = meshed([C1, C2]),
    Namer = namer(C1),
    ok = do(Namer, {lock, {r, Namer}, 0}),
    fixture:signal(C1, "-KILL"),
    Other = namer(C2),
    ok = do(Other, {lock, {r, Other}, 20}),
    ok.

trans_holds_the_lock_and_gives_it_back_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    _ = meshed([C]),
    Namer = namer(C),
    Self = self(),
    Request = spawn(fun() -> Self ! {trans, do(Namer, {trans, {r, Namer}, Self})} end),
    receive
        {'$gen_call', From, inside} ->
            false = global:set_lock({r, Request}, [node() | nodes()], 0),
            gen_server:reply(From, ok)
    end,
    receive {trans, ok} -> ok end,
    true = global:set_lock({r, self()}, [node() | nodes()], 0),
    ok.

a_holder_that_dies_in_trans_stops_nobody_test(Config) ->
    alone(Config),
    Cs = [C | _] = [c_node(Config, a), c_node(Config, z)],
    [join(N) || N <- Cs],
    All = meshed(Cs),
    Self = self(),
    Holder = spawn(fun() ->
        global:trans({global, self()}, fun() -> Self ! held, receive never -> ok end end)
    end),
    receive held -> ok end,
    Namer = namer(C),
    Asker = spawn(fun() -> Self ! {registered, do(Namer, {register, later})} end),
    receive {registered, _} -> exit(registered_under_a_lock) after 500 -> ok end,
    exit(Holder, kill),
    receive {registered, ok} -> ok after 60000 -> exit({still_locked, Asker}) end,
    [Namer] = whereis_on(All, later),
    ok.

%% ---- leaving and coming back ------------------------------------------------------------------

disconnect_leaves_all_in_one_stroke_test(Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, c),
    B = b_node(Config, m),
    [join(N) || N <- [C, B]],
    _ = meshed([C, B]),
    Caller = hidden_call(Config, Node, rpc, call, [Node, global, disconnect, []]),
    true = is_list(Caller),
    eventually(fun() -> not lists:member(Node, nodes()) end),
    _ = meshed([B]),
    [] = [N || N <- on(maps:get(node, B), erlang, nodes, []), N =:= Node],
    join(C),
    _ = meshed([C, B]),
    ok.

a_c_node_that_stops_takes_nobody_along_test(Config) ->
    alone(Config),
    C1 = #{node := Node} = c_node(Config, a),
    C2 = c_node(Config, z),
    B = b_node(Config, m),
    [join(N) || N <- [C1, C2, B]],
    _ = meshed([C1, C2, B]),
    fixture:signal(C1, "-TERM"),
    0 = fixture:ended(C1),
    eventually(fun() -> not lists:member(Node, nodes()) end),
    _ = meshed([C2, B]),
    ok.

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

%% ---- programs written with erl_interface ------------------------------------------------------

%% As ei_global_register does it: by rex, for a process of a node that has no global.
names_of_ei_programs_test(Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, c),
    join(C),
    All = meshed([C]),
    Pid = waiter(),
    {rex, Node} ! {self(), {call, global, register_name_external, [ei, Pid, {global, cnode}], user}},
    receive {rex, yes} -> ok after 60000 -> exit(no_answer) end,
    [Pid] = whereis_on(All, ei),
    {rex, Node} ! {self(), {call, global, whereis_name, [ei], user}},
    receive {rex, Pid} -> ok after 60000 -> exit(no_answer) end,
    {rex, Node} ! {self(), {call, global, unregister_name_external, [ei], user}},
    receive {rex, ok} -> ok after 60000 -> exit(no_answer) end,
    [undefined] = whereis_on(All, ei),
    yes = global:register_name_external(ei_here, Pid),
    [Pid] = whereis_on(All, ei_here),
    exit(Pid, kill),
    eventually(fun() -> whereis_on(All, ei_here) =:= [undefined] end),
    ok.

further_nodes_are_of_the_release_asked_for_test(Config) ->
    #{node := Node} = b_node(Config, m),
    Release = case os:getenv("FL_OTHER") of
        Other when Other =:= false; Other =:= "" -> erlang:system_info(otp_release);
        Other -> Other
    end,
    Release = on(Node, erlang, system_info, [otp_release]),
    ok.

the_setting_of_c_nodes_can_be_asked_test(#{node := Node}) ->
    {ok, guest} = rpc:call(Node, application, get_env, [kernel, prevent_overlapping_partitions]),
    undefined = rpc:call(Node, application, get_env, [kernel, other]),
    ok.
