%% SPDX-License-Identifier: Apache-2.0
%% Process groups shared with C nodes: the words of OTP's pg on both sides, over visible connections.
-module(t_pg).
-export([members_meet_test/1, join_and_leave_reach_the_others_test/1, names_are_any_term_test/1,
         death_of_a_member_test/1, end_of_a_node_test/1, killed_node_test/1,
         late_scope_is_discovered_test/1, scope_restart_on_the_beam_test/1,
         scope_restart_on_the_c_node_test/1, node_that_comes_back_test/1,
         disconnect_and_heal_test/1, hidden_node_stays_outside_test/1, rpc_answers_as_otp_test/1,
         rpc_raises_what_otp_does_test/1,
         scopes_are_apart_test/1, watchers_are_told_test/1, remote_watchers_are_told_test/1,
         garbage_is_refused_test/1, c_nodes_among_themselves_test/1,
         behaviour_joins_its_groups_test/1, large_sync_both_ways_test/1,
         scope_watchers_are_told_test/1, beam_watchers_are_told_of_c_members_test/1,
         each_release_is_spoken_to_in_its_words_test/1,
         stopping_node_leaves_in_one_message_test/1]).
-export([scope/1, join/3, leave/3, die/1, idle/0, joined/2]).

-import(fixture, [eventually/1, signal/2, do/2, told/2]).

%% ---- helpers ----------------------------------------------------------------------------------

c(Config) -> c(Config, []).
c(Config, Flags) -> fixture:c_node(Config, ["--visible" | Flags]).

%% A scope of this VM, fresh for each test: it ends with the test's process.
scope(Name) ->
    case whereis(Name) of
        undefined -> ok;
        Old ->
            Ref = monitor(process, Old),
            exit(Old, kill),
            receive {'DOWN', Ref, process, _, _} -> ok end
    end,
    {ok, Pid} = pg:start_link(Name),
    Pid.

idle() -> spawn_link(fun() -> receive stop -> ok end end).

on(Node, F, A) -> rpc:call(Node, pg, F, A).

join(Scope, Group, Pids) -> pg:join(Scope, Group, Pids).
leave(Scope, Group, Pids) -> pg:leave(Scope, Group, Pids).
die(Pid) -> exit(Pid, kill).
joined(Scope, Group) -> lists:sort(pg:get_members(Scope, Group)).

%% The same members everywhere, and so they stay.
agree(Nodes, Group, Pids) ->
    Sorted = lists:sort(Pids),
    [eventually(fun() ->
         case lists:sort(on(N, get_members, [pg, Group])) of
             Sorted -> true;
             Other -> {N, Group, Other, Sorted}
         end
     end) || N <- Nodes],
    ok.

members_on(Node, Count) -> [fixture:probe(Node) || _ <- lists:seq(1, Count)].

meet(Node) -> pong = net_adm:ping(Node).

%% ---- tests ------------------------------------------------------------------------------------

members_meet_test(Config) ->
    _ = scope(pg),
    Mine = idle(),
    ok = pg:join(g, Mine),
    #{node := Node} = c(Config),
    meet(Node),
    agree([node(), Node], g, [Mine]),
    [His] = members_on(Node, 1),
    ok = on(Node, join, [g, His]),
    agree([node(), Node], g, [Mine, His]),
    [His] = on(Node, get_local_members, [g]),
    [Mine] = pg:get_local_members(g).

join_and_leave_reach_the_others_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [A, B] = members_on(Node, 2),
    Mine = idle(),
    ok = on(Node, join, [g, A]),
    ok = on(Node, join, [g, [A, B]]),
    ok = pg:join(g, [Mine, Mine]),
    agree([node(), Node], g, [A, A, B, Mine, Mine]),
    ok = on(Node, leave, [g, A]),
    ok = pg:leave(g, Mine),
    agree([node(), Node], g, [A, B, Mine]),
    ok = on(Node, leave, [g, [B, A, B]]),
    not_joined = on(Node, leave, [g, A]),
    not_joined = on(Node, leave, [nobodys, A]),
    ok = pg:leave(g, Mine),
    agree([node(), Node], g, []),
    [] = on(Node, which_groups, []),
    [] = pg:which_groups().

names_are_any_term_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    Mine = idle(),
    [His] = members_on(Node, 1),
    Names = [a, 'Elixir.A.B', "list", [], <<"bin">>, <<1:3>>, 1, -1, 1 bsl 70, 1.5, {a, "b", [c | d]},
             #{a => 1, "b" => #{}}, maps:from_list([{{k, I}, I} || I <- lists:seq(1, 40)]), self(),
             make_ref(), fun lists:map/2, lists:duplicate(300, $x), [300, $x | "yz"]],
    [ok = pg:join(N, Mine) || N <- Names],
    [ok = on(Node, join, [N, His]) || N <- Names],
    [agree([node(), Node], N, [Mine, His]) || N <- Names],
    Sorted = lists:sort(Names),
    Sorted = lists:sort(on(Node, which_groups, [])),
    [ok = pg:leave(N, Mine) || N <- Names],
    [ok = on(Node, leave, [N, His]) || N <- Names],
    [agree([node(), Node], N, []) || N <- Names].

death_of_a_member_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [A, B] = members_on(Node, 2),
    process_flag(trap_exit, true),
    Mine = idle(),
    ok = on(Node, join, [x, [A, B]]),
    ok = on(Node, join, [y, A]),
    ok = on(Node, join, [x, A]),
    ok = pg:join(x, Mine),
    ok = pg:join(y, [Mine, Mine]),
    agree([node(), Node], x, [A, A, B, Mine]),
    exit(A, kill),
    agree([node(), Node], x, [B, Mine]),
    agree([node(), Node], y, [Mine, Mine]),
    exit(Mine, kill),
    agree([node(), Node], x, [B]),
    agree([node(), Node], y, []),
    [x] = pg:which_groups().

end_of_a_node_test(Config) ->
    _ = scope(pg),
    #{node := Node} = C = c(Config),
    meet(Node),
    Mine = idle(),
    ok = pg:join(g, Mine),
    ok = on(Node, join, [g, members_on(Node, 3)]),
    eventually(fun() -> length(pg:get_members(g)) =:= 4 end),
    ok = signal(C, "-TERM"),
    0 = fixture:ended(C),
    agree([node()], g, [Mine]).

killed_node_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    Name = fixture:unique(killed),
    Beam = fixture:beam_node(Config, Name, []),
    meet(Node),
    _ = fixture:peer_call(Beam, net_kernel, connect_node, [Node]),
    {ok, _} = fixture:peer_call(Beam, pg, start, [pg]),
    Far = spawn(Name, fun() -> receive never -> ok end end),
    ok = fixture:peer_call(Beam, ?MODULE, join, [pg, g, [Far, Far]]),
    agree([Node], g, [Far, Far]),
    ok = signal(Beam, "-KILL"),
    agree([Node], g, []).

late_scope_is_discovered_test(Config) ->
    #{node := Node} = c(Config),
    meet(Node),
    [His] = members_on(Node, 1),
    {ok, _} = on(Node, start, [late]),
    {error, {already_started, _}} = on(Node, start, [late]),
    ok = on(Node, join, [late, g, His]),
    _ = scope(late),
    eventually(fun() -> pg:get_members(late, g) =:= [His] end),
    Mine = idle(),
    ok = pg:join(late, g, Mine),
    eventually(fun() -> lists:sort(on(Node, get_members, [late, g])) =:= lists:sort([His, Mine]) end).

scope_restart_on_the_beam_test(Config) ->
    process_flag(trap_exit, true),
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [His] = members_on(Node, 1),
    Mine = idle(),
    ok = pg:join(g, Mine),
    ok = on(Node, join, [g, His]),
    agree([node(), Node], g, [Mine, His]),
    _ = scope(pg), % members of this node are forgotten with it
    agree([node(), Node], g, [His]),
    ok = pg:join(g, Mine),
    agree([node(), Node], g, [Mine, His]).

scope_restart_on_the_c_node_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [His] = members_on(Node, 1),
    Mine = idle(),
    ok = pg:join(g, Mine),
    ok = on(Node, join, [g, His]),
    agree([node(), Node], g, [Mine, His]),
    ok = do(His, {pg_stop, pg}),
    eventually(fun() -> pg:get_members(g) =:= [Mine] end),
    ok = do(His, {pg_start, pg}),
    agree([node(), Node], g, [Mine]),
    ok = on(Node, join, [g, His]),
    agree([node(), Node], g, [Mine, His]).

node_that_comes_back_test(Config) ->
    _ = scope(pg),
    Name = fixture:unique(again),
    First = fixture:c_node(Config, Name, ["--visible"]),
    meet(Name),
    Mine = idle(),
    ok = pg:join(g, Mine),
    ok = on(Name, join, [g, members_on(Name, 2)]),
    eventually(fun() -> length(pg:get_members(g)) =:= 3 end),
    ok = signal(First, "-KILL"),
    _ = fixture:ended(First),
    agree([node()], g, [Mine]),
    _ = fixture:c_node(Config, Name, ["--visible"]),
    meet(Name),
    [His] = members_on(Name, 1),
    ok = on(Name, join, [g, His]),
    agree([node(), Name], g, [Mine, His]).

disconnect_and_heal_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    Mine = idle(),
    [A, B] = members_on(Node, 2),
    ok = pg:join(g, Mine),
    ok = on(Node, join, [g, [A, B]]),
    agree([node(), Node], g, [Mine, A, B]),
    Rounds = [begin
         ok = global:sync(), % before OTP 25 a meeting that is cut short costs the next connection
         true = erlang:disconnect_node(Node),
         agree([node()], {round, N}, []),
         ok = pg:join({round, N}, Mine),
         ok = pg:leave(g, Mine),
         ok = pg:join(g, Mine),
         meet(Node),
         ok = on(Node, join, [{round, N}, A]),
         agree([node(), Node], g, [Mine, A, B]),
         agree([node(), Node], {round, N}, [Mine, A])
     end || N <- lists:seq(1, 20)],
    20 = length(Rounds).

hidden_node_stays_outside_test(Config) ->
    _ = scope(pg),
    #{node := Hidden} = fixture:c_node(Config, ["--hidden"]),
    meet(Hidden),
    Mine = idle(),
    ok = pg:join(secret, Mine),
    [His] = members_on(Hidden, 1),
    ok = on(Hidden, join, [secret, His]),
    [His] = on(Hidden, get_members, [secret]),
    {pg, Hidden} ! {discover, whereis(pg)}, % nor when it is asked
    gen_server:cast({pg, Hidden}, {sync, whereis(pg), [{secret, [Mine]}]}),
    [His] = on(Hidden, get_members, [secret]),
    [Mine] = pg:get_members(secret).

%% A node of its own, which shares groups with nobody.
rpc_answers_as_otp_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--hidden"]),
    meet(Node),
    [His] = members_on(Node, 1),
    [] = on(Node, get_members, [nowhere, g]),
    {badrpc, {'EXIT', {badarg, _}}} = on(Node, which_groups, [nowhere]),
    {badrpc, {'EXIT', {noproc, {gen_server, call, _}}}} = on(Node, join, [nowhere, g, His]),
    Mine = self(),
    {badrpc, {'EXIT', {{nolocal, Mine}, _}}} = on(Node, join, [g, Mine]),
    {badrpc, {'EXIT', {{nolocal, x}, _}}} = on(Node, join, [g, [His, x]]),
    [] = on(Node, get_members, [g]),
    ok = on(Node, join, [g, []]),
    [] = on(Node, which_groups, []),
    {Ref, []} = on(Node, monitor, [g]),
    true = is_reference(Ref),
    {_, #{}} = on(Node, monitor_scope, []),
    false = on(Node, demonitor, [Ref]). % its owner is gone

%% The same questions to this VM and to the C node, each with members of its own and of the other's.
rpc_raises_what_otp_does_test(Config) ->
    _ = scope(pg),
    #{node := Node} = fixture:c_node(Config, ["--hidden"]),
    meet(Node),
    [His] = members_on(Node, 1),
    Mine = idle(),
    Otp = [asked(node(), Q, [{Mine, own}, {His, other}]) || Q <- questions(Mine, His)],
    C = [asked(Node, Q, [{His, own}, {Mine, other}]) || Q <- questions(His, Mine)],
    [{Q, Expected} = {Q, Got} || {Q, Expected, Got} <- lists:zip3(questions(own, other), Otp, C),
                                 not (is_29() andalso is_quiet_29(Q))],
    ok.

questions(Own, Other) ->
    [{F, [S, g, X]} || S <- [pg, nowhere], F <- [join, leave],
                       X <- [Other, [Other], [Own, Other, x], [Own, x, Other], [Own | Other], x, 1, "x"]] ++
    [{F, [nowhere, g, X]} || F <- [join, leave], X <- [Own, [Own], []]] ++
    [{leave, [g, Own]}, {leave, [g, []]}, {join, [g, []]}, {leave, [g, [Own, Own]]}, {join, [g, Own]},
     {leave, [g, [Own, Own]]}, {leave, [g, Own]}] ++
    [{F, [S, g]} || F <- [get_members, get_local_members], S <- [nowhere, 1, "pg"]] ++
    [{which_groups, [S]} || S <- [nowhere, 1, "pg"]] ++
    [{F, [1]} || F <- [start, start_link]].

asked(Node, {F, A}, Names) ->
    try {value, erpc:call(Node, pg, F, A)}
    catch
        error:{exception, Reason, _} -> {error, named(Reason, Names)};
        exit:{exception, {noproc, {gen_server, call, [Scope, Request, infinity]}}} ->
            {noproc, Scope, word(named(Request, Names))}
    end.

is_29() -> list_to_integer(erlang:system_info(otp_release)) >= 29.

%% There whoever leaves what does not run is told that it was not in.
is_quiet_29({leave, [nowhere, _, Pids]}) -> Pids =:= own orelse Pids =:= [own] orelse Pids =:= [];
is_quiet_29(_) -> false.

%% And the scope is asked in words of its own.
word(Request) ->
    case is_29() of
        true -> request;
        false -> Request
    end.

named(Pid, Names) when is_pid(Pid) -> proplists:get_value(Pid, Names);
named([H | T], Names) -> [named(H, Names) | named(T, Names)];
named(T, Names) when is_tuple(T) -> list_to_tuple(named(tuple_to_list(T), Names));
named(T, _) -> T.

scopes_are_apart_test(Config) ->
    _ = scope(one),
    _ = scope(two),
    #{node := Node} = c(Config, ["--set", "pg.scopes=one,two,three"]),
    meet(Node),
    [His] = members_on(Node, 1),
    Mine = idle(),
    ok = on(Node, join, [one, g, His]),
    ok = on(Node, join, [three, g, His]),
    ok = pg:join(two, g, Mine),
    eventually(fun() -> [His] =:= pg:get_members(one, g) end),
    eventually(fun() -> [Mine] =:= on(Node, get_members, [two, g]) end),
    [His] = on(Node, get_members, [one, g]),
    [] = pg:get_members(three, g).

%% A server in C is told of what happens on the BEAM.
watchers_are_told_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    Mine = idle(),
    Watcher = fixture:probe(Node),
    {Ref, []} = do(Watcher, {pg_monitor, pg, g}),
    ok = pg:join(g, [Mine, Mine]),
    {Ref, join, g, [Mine, Mine]} = told(Watcher, info),
    ok = on(Node, join, [g, Watcher]),
    {Ref, join, g, [Watcher]} = told(Watcher, info),
    ok = pg:leave(g, Mine),
    {Ref, leave, g, [Mine]} = told(Watcher, info),
    ok = do(Watcher, {pg_demonitor, pg, Ref}),
    ok = pg:leave(g, Mine),
    agree([node(), Node], g, [Watcher]),
    fixture:no_message().

%% A process elsewhere asks the scope itself, in the words of both.
remote_watchers_are_told_test(Config) ->
    #{node := Node} = c(Config),
    [His] = members_on(Node, 1),
    {A, All} = gen_server:call({pg, Node}, monitor),
    0 = map_size(All),
    {B, []} = gen_server:call({pg, Node}, {subscribe, {group, h}}),
    ok = gen_server:call({pg, Node}, {join_local, g, His}),
    ok = gen_server:call({pg, Node}, {update, [{h, [His, His], []}]}),
    receive {A, join, g, [His]} -> ok end,
    receive {A, join, h, [His, His]} -> ok end,
    receive {B, join, h, [His, His]} -> ok end,
    ok = gen_server:call({pg, Node}, {update, [{h, [], [His]}]}),
    receive {A, leave, h, [His]} -> ok end,
    receive {B, leave, h, [His]} -> ok end,
    ok = gen_server:call({pg, Node}, {demonitor, A}),
    false = gen_server:call({pg, Node}, {demonitor, A}),
    ok = gen_server:call({pg, Node}, {unsubscribe, B}),
    not_joined = gen_server:call({pg, Node}, {leave_local, g, [fixture:probe(Node)]}),
    fixture:no_message().

scope_watchers_are_told_test(Config) ->
    process_flag(trap_exit, true),
    Pg = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    Mine = idle(),
    [His] = members_on(Node, 1),
    ok = pg:join(before, Mine),
    ok = on(Node, join, [before, His]),
    agree([node(), Node], before, [Mine, His]),
    Watcher = fixture:probe(Node),
    {Ref, #{before := Before} = All} = do(Watcher, {pg_monitor_scope, pg}),
    {1, 2} = {map_size(All), length(Before)},
    ok = pg:join("any", Mine),
    {Ref, join, "any", [Mine]} = told(Watcher, info),
    exit(His, kill),
    {Ref, leave, before, [His]} = told(Watcher, info),
    exit(Pg, kill), % what it knew leaves with it
    receive {'EXIT', Pg, killed} -> ok end,
    Left = lists:sort([told(Watcher, info), told(Watcher, info)]),
    Left = lists:sort([{Ref, leave, before, [Mine]}, {Ref, leave, "any", [Mine]}]),
    ok = do(Watcher, {pg_demonitor, pg, Ref}),
    {error, enoent} = do(Watcher, {pg_demonitor, pg, Ref}),
    _ = scope(pg),
    ok = pg:join(g, Mine),
    agree([Node], g, [Mine]),
    fixture:no_message().

%% pg:monitor/1 is there from OTP 25.1 on.
beam_watchers_are_told_of_c_members_test(Config) ->
    _ = scope(pg),
    case erlang:function_exported(pg, monitor, 1) of
        true -> beam_watchers(Config);
        false -> ok
    end.

beam_watchers(Config) ->
    #{node := Node} = c(Config),
    meet(Node),
    [A, B] = members_on(Node, 2),
    {OfGroup, []} = pg:monitor(g),
    {OfScope, None} = pg:monitor_scope(),
    0 = map_size(None),
    Both = fun(Event, Pids) ->
        [receive {Ref, Event, g, Pids} -> ok
         after 60000 -> exit({not_told, Event, Pids, process_info(self(), messages)})
         end || Ref <- [OfGroup, OfScope]]
    end,
    ok = on(Node, join, [g, A]),
    Both(join, [A]),
    ok = on(Node, join, [g, [B]]),
    Both(join, [B]),
    ok = on(Node, leave, [g, A]),
    Both(leave, [A]),
    exit(B, kill),
    Both(leave, [B]),
    fixture:no_message().

%% What the scope of this VM is sent by processes of Node until Done says so of a message.
heard_until(Done, Heard) ->
    receive
        {trace, _, 'receive', Message} ->
            case Done(Message) of
                true -> lists:reverse(Heard);
                false -> heard_until(Done, [Message | Heard])
            end
    after 60000 -> exit({not_heard, lists:reverse(Heard)})
    end.

%% OTP 29 says that it takes updates, and gets them.
each_release_is_spoken_to_in_its_words_test(Config) ->
    Pg = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [His] = members_on(Node, 1),
    ok = on(Node, join, [first, His]),
    agree([node()], first, [His]),
    1 = erlang:trace(Pg, true, ['receive']),
    ok = on(Node, join, [g, His]),
    ok = on(Node, leave, [g, His]),
    exit(His, kill),
    IsLast = fun({leave, _, P, _}) -> P =:= His; ({update, _, [{first, [], [P]}]}) -> P =:= His;
                (_) -> false end,
    Heard = [M || M <- heard_until(fun(M) -> IsLast(M) andalso not about_g(M) end, []), about_g(M)],
    case list_to_integer(erlang:system_info(otp_release)) of
        R when R >= 29 -> [{update, _, [{g, [His], []}]}, {update, _, [{g, [], [His]}]}] = Heard;
        _ -> [{join, _, g, His}, {leave, _, His, [g]}] = Heard
    end,
    1 = erlang:trace(Pg, false, ['receive']).

about_g({join, _, g, _}) -> true;
about_g({leave, _, _, [g]}) -> true;
about_g({update, _, [{g, _, _}]}) -> true;
about_g(_) -> false.

%% Two hundred memberships go at once, while the connection is still up.
stopping_node_leaves_in_one_message_test(Config) ->
    Pg = scope(pg),
    #{node := Node} = C = c(Config),
    meet(Node),
    Members = members_on(Node, 10),
    [ok = on(Node, join, [{g, N}, Members]) || N <- lists:seq(1, 20)],
    eventually(fun() -> 20 =:= length([G || G <- pg:which_groups(), length(pg:get_members(G)) =:= 10]) end),
    1 = erlang:trace(Pg, true, ['receive']),
    ok = signal(C, "-TERM"),
    Heard = heard_until(fun({nodedown, N}) -> N =:= Node; (_) -> false end, []),
    {Leaves, [_ | _]} = lists:partition(fun(M) -> not is_down(M) end, Heard),
    case Leaves of
        [{'$gen_cast', {sync, _, []}}] -> ok;
        [{'$gen_cast', {local_data, _, 1, Map}}] -> 0 = map_size(Map)
    end,
    [] = pg:which_groups().

is_down(Message) -> is_tuple(Message) andalso tuple_size(Message) =:= 5.

garbage_is_refused_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    meet(Node),
    [His] = members_on(Node, 1),
    Mine = idle(),
    ok = on(Node, join, [g, His]),
    ok = pg:join(g, Mine),
    agree([node(), Node], g, [Mine, His]),
    Pg = whereis(pg),
    Self = self(),
    Huge = lists:seq(1, 200000),
    Infos = [x, 1, [], {}, #{}, <<>>, {discover}, {discover, x}, {join, Pg, g}, {join, Pg, g, x},
             {join, Pg, g, [Mine | x]}, {join, Pg, g, Huge}, {leave, Pg, x, [g]}, {leave, Pg, Mine, g},
             {leave, Pg, Huge, [g]}, {update, Pg, [{g, x, []}]}, {update, Pg, Huge}, {nodeup, Node},
             {sync, Pg, []},
             % in the name of another node, or of its own runtime
             {discover, His}, {'DOWN', make_ref(), process, His, noproc},
             {'DOWN', make_ref(), process, Pg, noproc}],
    Casts = [x, {sync, Pg}, {sync, Pg, x}, {sync, Pg, [x]}, {sync, Pg, [{g, [x]}]},
             {sync, Pg, [{g, [Mine | x]}]}, {sync, Pg, Huge}, {local_data, Pg, 1, []}],
    Unknown = [{join, Self, g, Self}, {leave, Self, Mine, [g]},
               {update, Self, [{g, [Self], []}]}],
    #{refused := Refused, unknown := Before} = state(Node),
    [{pg, Node} ! I || I <- Infos ++ Unknown],
    [gen_server:cast({pg, Node}, Cast) || Cast <- Casts],
    {error, notsup} = gen_server:call({pg, Node}, {what, is, this}),
    {pg, Node} ! {join, Pg, g, [His, Self, list_to_pid("<0.1.0>")]}, % one of them is of another node
    #{refused := After, unknown := UnknownAfter, foreign := 1} = state(Node),
    After = Refused + length(Infos) + length(Casts) + 1,
    UnknownAfter = Before + length(Unknown),
    {pg, Node} ! {leave, Pg, [Self, list_to_pid("<0.1.0>")], [g, nobodys]},
    agree([node(), Node], g, [Mine, His]),
    [g] = on(Node, which_groups, []).

state(Node) ->
    case sys:get_state({pg, Node}) of
        {ok, State} -> State; % before OTP 26.1
        State -> State
    end.

c_nodes_among_themselves_test(Config) ->
    Cs = [#{node := First} | _] = [c(Config) || _ <- lists:seq(1, 4)],
    Nodes = [N || #{node := N} <- Cs],
    [rpc:call(A, net_kernel, connect_node, [B]) || A <- Nodes, B <- Nodes],
    Pids = [begin [P] = members_on(N, 1), ok = on(N, join, [g, [P, P]]), P end || N <- Nodes],
    agree(Nodes, g, Pids ++ Pids),
    [exit(P, kill) || P <- tl(Pids)],
    agree(Nodes, g, [hd(Pids), hd(Pids)]),
    true = lists:member(g, on(First, which_groups, [])).

behaviour_joins_its_groups_test(#{build := Build} = Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config, ["--load", Build ++ "/tests/servers/grouped.so"]),
    meet(Node),
    eventually(fun() -> length(pg:get_members({servers, 1})) =:= 1 end),
    [Pid] = pg:get_members({servers, 1}),
    [Pid] = pg:get_members("grouped"),
    Pid = rpc:call(Node, erlang, whereis, [grouped]),
    exit(Pid, kill),
    eventually(fun() ->
        case pg:get_members({servers, 1}) of
            [New] when New =/= Pid -> true;
            Other -> Other
        end
    end).

%% More than a fragment, in both directions.
large_sync_both_ways_test(Config) ->
    _ = scope(pg),
    #{node := Node} = c(Config),
    Mine = idle(),
    [His] = members_on(Node, 1),
    Count = 5000,
    [ok = pg:join({mine, N}, Mine) || N <- lists:seq(1, Count)],
    ok = gen_server:call({pg, Node}, {update, [{{his, N}, [His], []} || N <- lists:seq(1, Count)]}),
    ok = global:sync(),
    true = erlang:disconnect_node(Node),
    meet(Node),
    eventually(fun() -> length(pg:which_groups()) =:= 2 * Count end),
    eventually(fun() -> length(on(Node, which_groups, [])) =:= 2 * Count end),
    exit(His, kill),
    eventually(fun() -> length(pg:which_groups()) =:= Count end).
