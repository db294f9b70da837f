%% SPDX-License-Identifier: Apache-2.0
%% global: names that both halves of a cluster have when they meet. The halves have lost each other
%% without prevent_overlapping_partitions having a part in it: they never met before, or are two.
-module(t_global_clash).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).
-import(mesh, [c_node/2, b_node/2, join/1, meshed/1, alone/1, namer/1, do/2, whereis_on/2]).
-import(mesh, [told/2, waiter/0, hidden_call/5, dies/1, lives/1, keeper/1, kept/1]).

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

%% What the loser has goes to the winner, of C or of Erlang.
state_of_c_comes_to_this_one_test(Config) ->
    {Namer, Mine, _} = clash(Config, z, random_notify, fun global:random_notify_name/3),
    clash = told(Namer, conflict),
    {global_name_merge, clash, Namer, {state_of, Namer}} = told(Mine, told),
    Namer ! {global_name_merged, clash, Mine},
    {global_name_merged, clash, Mine} = told(Namer, told),
    true = lives(Namer),
    ok.

state_of_this_one_is_merged_by_c_test(Config) ->
    {Namer, Mine, All} = clash(Config, a, random_notify, fun global:random_notify_name/3),
    {global_name_conflict, clash} = told(Mine, told),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end),
    global:whereis_name(clash) ! {global_name_merge, clash, Mine, #{mine => [1, 2, 3]}},
    {clash, Mine, #{mine := [1, 2, 3]}} = told(Namer, merged),
    {global_name_merged, clash, Namer} = told(Mine, told),
    ok.

%% Nobody knows how long a process of a BEAM node has had its name: the lesser node's stays.
oldest_of_c_and_erlang_is_the_lesser_test(Config) ->
    {Namer, Mine, All} = clash(Config, a, keep_oldest, fun global:random_exit_name/3),
    {global_name_conflict, clash} = told(Mine, told),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end),
    true = lives(Mine) andalso lives(Namer),
    ok.

%% Two C nodes that this one sees; the name was first on the greater one.
oldest_of_two_c_nodes_stays_test(Config) ->
    alone(Config),
    Cs = [#{node := Less}, #{node := More}] = [c_node(Config, a), c_node(Config, z)],
    [Old, Young] = [hidden_call(Config, N, ?MODULE, namer_there, [N, clash, keep_oldest])
                    || N <- [More, Less]],
    true = hidden_call(Config, More, rpc, call, [More, net_kernel, connect_node, [Less]]),
    [join(C) || C <- Cs],
    All = meshed(Cs),
    eventually(fun() -> whereis_on(All, clash) =:= [Old] end),
    true = lives(Old) andalso lives(Young),
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


%% ---- halves of more than one node -------------------------------------------------------------

%% This VM and a C node on the one side, a BEAM node whose name is greater than this one's on the
%% other: this one settles it, by asking the C node, whose process it is that has the name here.
clash_of_three(Config, Prefix, CMethod) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, Prefix),
    join(C),
    Namer = namer(C),
    ok = do(Namer, {register, clash, CMethod}),
    B = #{node := Far} = b_node(Config, y),
    true = node() < Far,
    Default = fun global:random_exit_name/3,
    Theirs = hidden_call(Config, Far, ?MODULE, register_there, [Far, clash, Default]),
    join(B),
    _ = meshed([C, B]),
    {Namer, Theirs, lists:sort([node(), Node, Far])}.

%% By a node that is hidden.
register_there(Node, Name, Method) ->
    Keeper = keeper(Node),
    yes = rpc:call(Node, global, register_name, [Name, Keeper, Method]),
    Keeper.

beam_has_c_settle_when_c_is_less_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, a, random_exit),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end),
    true = dies(Theirs) andalso lives(Namer),
    ok.

beam_has_c_settle_when_c_is_greater_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, z, random_exit),
    eventually(fun() -> whereis_on(All, clash) =:= [Theirs] end),
    true = dies(Namer) andalso lives(Theirs),
    ok.

beam_has_c_tell_the_loser_when_c_is_less_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, a, random_notify),
    eventually(fun() -> whereis_on(All, clash) =:= [Namer] end),
    eventually(fun() -> kept(Theirs) =:= [{global_name_conflict, clash}] end),
    true = lives(Namer) andalso lives(Theirs),
    ok.

beam_has_c_tell_the_loser_when_c_is_greater_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, z, random_notify),
    eventually(fun() -> whereis_on(All, clash) =:= [Theirs] end),
    clash = told(Namer, conflict),
    true = lives(Namer) andalso lives(Theirs),
    ok.

beam_has_c_tell_both_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, z, notify_all),
    eventually(fun() -> whereis_on(All, clash) =:= [undefined] end),
    clash = told(Namer, conflict),
    eventually(fun() -> kept(Theirs) =:= [{global_name_conflict, clash, Namer}] end),
    true = lives(Namer) andalso lives(Theirs),
    ok.

beam_has_c_settle_by_its_own_function_test(Config) ->
    {Namer, Theirs, All} = clash_of_three(Config, a, keep_theirs),
    eventually(fun() -> whereis_on(All, clash) =:= [Theirs] end),
    true = lives(Namer) andalso lives(Theirs),
    ok.

%% A C node settles it for a process of a BEAM node of its side, by that one's method.
c_has_a_beam_settle_test(Config) ->
    alone(Config),
    C = #{node := Node} = c_node(Config, a),
    B = #{node := Far} = b_node(Config, y),
    Other = c_node(Config, z),
    #{node := Last} = Other,
    {Theirs, Namer} = hidden_call(Config, Node, ?MODULE, two_meet_one, [Node, Far, Last]),
    join(Other),
    _ = meshed([C, B, Other]),
    true = lives(Namer) andalso lives(Theirs),
    eventually(fun() -> whereis_on([Node, Far, Last, node()], clash) =:= [Theirs] end),
    ok.

two_meet_one(Less, Far, Last) ->
    true = rpc:call(Less, net_kernel, connect_node, [Far]),
    ok = rpc:call(Less, global, sync, []),
    Theirs = register_there(Far, clash, fun global:random_notify_name/3),
    Namer = namer_there(Last, clash),
    true = rpc:call(Less, net_kernel, connect_node, [Last]),
    eventually(fun() ->
        lists:usort([rpc:call(N, global, whereis_name, [clash]) || N <- [Less, Far, Last]]) =:= [Theirs]
    end),
    {Theirs, Namer}.

namer_there(Node, Name) -> namer_there(Node, Name, random_exit).

namer_there(Node, Name, Method) ->
    {ok, Pid} = gen_server:call({namer, Node}, {start, self()}),
    ok = gen_server:call(Pid, {do, {register, Name, Method}}),
    Pid.

%% Two C nodes that never met; the one with the smaller name settles it.
c_nodes_settle_it_among_themselves_test(Config) ->
    alone(Config),
    Cs = [#{node := Less}, #{node := More}] = [c_node(Config, a), c_node(Config, z)],
    [N1, N2] = [hidden_call(Config, N, ?MODULE, namer_there, [N, clash]) || N <- [Less, More]],
    true = hidden_call(Config, More, rpc, call, [More, net_kernel, connect_node, [Less]]),
    [join(C) || C <- Cs],
    All = meshed(Cs),
    eventually(fun() -> whereis_on(All, clash) =:= [N1] end),
    true = lives(N1),
    true = dies(N2),
    ok.
