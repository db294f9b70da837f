%% SPDX-License-Identifier: Apache-2.0
%% global: names and locks of a cluster of C nodes and BEAM nodes, this VM one of them, with
%% prevent_overlapping_partitions as it is by default.
-module(t_global).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).
-import(mesh, [c_node/2, b_node/2, join/1, names/1, on/4, meshed/1, alone/1, namer/1, do/2]).
-import(mesh, [whereis_on/2, told/2, waiter/0, waiter/1, do_in/4]).

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

a_name_is_any_term_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    All = meshed([C]),
    Namer = namer(C),
    [begin
         ok = do(Namer, {register, Name}),
         [Namer] = whereis_on(All, Name),
         {echo, hello} = gen_server:call({global, Name}, hello),
         [[Name]] = lists:usort([on(N, global, registered_names, []) || N <- All]),
         [Name] = do(Namer, names),
         ok = do(Namer, {unregister, Name}),
         [undefined] = whereis_on(All, Name),
         yes = global:register_name(Name, self()),
         true = self() =:= do(Namer, {whereis, Name}),
         {error, taken} = do(Namer, {register, Name}),
         ok = global:unregister_name(Name),
         undefined = do(Namer, {whereis, Name})
     end || Name <- terms()],
    ok.

terms() ->
    Big = 1 bsl 200,
    ['', a, '\x{e4}\x{6f22}', 'with space', 0, -1, 255, 256, Big, -Big, 0.5, -1.0e300, <<>>, <<"b">>,
     <<5:3>>, [], "text", [$a | b], [1, 2, 300], [[], [[]]], {}, {a}, {a, {b, [c, <<"d">>]}}, self(),
     make_ref(), #{}, #{a => 1, {b} => [2], 3 => #{}}, maps:from_list([{N, {N}} || N <- lists:seq(1, 100)]),
     fun lists:append/1, list_to_tuple(lists:seq(1, 300)), lists:duplicate(2000, x)].

%% 1 and 1.0, a list and a tuple, an atom and its text are others.
names_are_compared_as_terms_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    join(C),
    All = meshed([C]),
    Names = [1, 1.0, '1', "1", <<"1">>, [1], {1}, [[1]], {[1]}, #{1 => 1}, #{1.0 => 1}],
    Holders = [{Name, namer(C)} || Name <- Names],
    [ok = do(Holder, {register, Name}) || {Name, Holder} <- Holders],
    [[Holder] = whereis_on(All, Name) || {Name, Holder} <- Holders],
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
    Asked = do(Namer, {request, mine, hello}),
    {'$gen_call', From, hello} = told(Mine, told),
    gen_server:reply(From, answer),
    {Asked, answer} = told(Namer, told),
    Unheard = do(Namer, {request, nobody, hello}),
    {'DOWN', Unheard, process, _, noproc} = told(Namer, told),
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

a_lock_goes_with_the_node_of_its_beam_holder_test(Config) ->
    alone(Config),
    C = c_node(Config, c),
    B = #{node := Far} = b_node(Config, m),
    [join(N) || N <- [C, B]],
    _ = meshed([C, B]),
    Holder = waiter(Far),
    true = do_in(Holder, global, set_lock, [{r, Holder}]),
    Namer = namer(C),
    {error, busy} = do(Namer, {lock, {r, Namer}, 0}),
    fixture:signal(B, "-KILL"),
    ok = do(Namer, {lock, {r, Namer}, 20}),
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

%% A program that was written with it and knows nothing else.
names_of_real_ei_programs_test(#{cookie := Cookie, flitch := Flitch} = Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, c),
    B = b_node(Config, m),
    [join(N) || N <- [C, B]],
    All = meshed([C, B]),
    yes = global:register_name(mine, waiter()),
    Program = filename:dirname(Flitch) ++ "/ei_named",
    Ei = fixture:unique(e),
    Alive = hd(string:lexemes(atom_to_list(Ei), "@")),
    Start = fun() ->
        Handle = fixture:start(Ei, Program, [Alive, atom_to_list(Cookie), atom_to_list(Node), "of_ei",
                                             "mine"]),
        <<"REGISTERED 0">> = fixture:line(Handle, "REGISTERED"),
        Where = iolist_to_binary(["WHEREIS 0 ", atom_to_list(node())]),
        Where = fixture:line(Handle, "WHEREIS"),
        <<"NAMES 2">> = fixture:line(Handle, "NAMES"),
        Handle
    end,
    %% asked of the node that it speaks through: whether others keep it depends on their reaching it
    First = Start(),
    Pid = on(Node, global, whereis_name, [of_ei]),
    Ei = node(Pid),
    Pid = on(Node, global, send, [of_ei, unregister]),
    <<"UNREGISTERED 0">> = fixture:line(First, "UNREGISTERED"),
    eventually(fun() -> whereis_on(All, of_ei) =:= [undefined] end),
    fixture:signal(First, "-KILL"),
    _ = fixture:ended(First),
    Second = Start(),
    Again = on(Node, global, whereis_name, [of_ei]),
    Ei = node(Again),
    fixture:signal(Second, "-KILL"),
    eventually(fun() -> whereis_on(All, of_ei) =:= [undefined] end),
    ok.

further_nodes_are_of_the_release_asked_for_test(Config) ->
    #{node := Node} = b_node(Config, m),
    Release = case os:getenv("FL_OTHER") of
        Other when Other =:= false; Other =:= "" -> erlang:system_info(otp_release);
        Other -> Other
    end,
    Release = on(Node, erlang, system_info, [otp_release]),
    ok.

