%% SPDX-License-Identifier: Apache-2.0
%% Servers that --load started are supervised: they come back under their names, up to an intensity.
-module(t_supervisor).
-compile([export_all, nowarn_export_all]).
-import(fixture, [do/2, down/1, exit_of/1, eventually/1]).

%% A C node of its own, so that restarts do not add up.
fresh(Config) -> fixture:c_node(Config, []).

pid_of(Node, Name) -> rpc:call(Node, erlang, whereis, [Name]).

back(Node, Name, Old) ->
    eventually(fun() ->
        New = pid_of(Node, Name),
        is_pid(New) andalso New =/= Old
    end),
    pid_of(Node, Name).

killed_server_comes_back_test(Config) ->
    #{node := Node} = fresh(Config),
    5 = gen_server:call({counter, Node}, {add, 5}),
    Old = pid_of(Node, counter),
    Ref = monitor(process, {counter, Node}),
    exit(Old, kill),
    killed = down(Ref),
    New = back(Node, counter, Old),
    0 = gen_server:call(New, get),
    {noproc, _} = exit_of(fun() -> gen_server:call(Old, get) end).

crashed_and_stopped_servers_come_back_test(Config) ->
    #{node := Node} = C = fresh(Config),
    One = pid_of(Node, counter),
    {{bad_call, what}, _} = exit_of(fun() -> gen_server:call({counter, Node}, what) end),
    Two = back(Node, counter, One),
    _ = fixture:line(C, "child_terminated"),
    ok = gen_server:stop({counter, Node}),
    _ = back(Node, counter, Two),
    0 = gen_server:call({counter, Node}, get).

others_are_left_alone_test(Config) ->
    #{node := Node} = fresh(Config),
    Echo = pid_of(Node, echo),
    Old = pid_of(Node, counter),
    exit(Old, kill),
    _ = back(Node, counter, Old),
    Echo = pid_of(Node, echo).

%% One more than the intensity (3 in 5 s) ends the supervisor; the node says so.
intensity_is_limited_test(Config) ->
    #{node := Node} = C = fresh(Config),
    Kill = fun(_, Old) -> exit(Old, kill), back(Node, counter, Old) end,
    Last = lists:foldl(Kill, pid_of(Node, counter), [1, 2, 3]),
    exit(Last, kill),
    _ = fixture:line(C, "reached_max_restart_intensity").

children_are_shown_test(#{node := Node}) ->
    Counter = pid_of(Node, counter),
    {links, Links} = rpc:call(Node, erlang, process_info, [Counter, links]),
    [Supervisor] = [Pid || Pid <- Links, node(Pid) =:= Node],
    Children = supervisor:which_children(Supervisor),
    {counter, Counter, worker, [counter]} = lists:keyfind(counter, 1, Children),
    {echo, _, worker, [echo]} = lists:keyfind(echo, 1, Children),
    Count = length(Children),
    Supervisors = length([S || {_, _, supervisor, _} = S <- Children]),
    Workers = Count - Supervisors,
    [{specs, Count}, {active, Count}, {supervisors, Supervisors}, {workers, Workers}] =
        supervisor:count_children(Supervisor).

%% What keeps the node itself going is in the same tree, and nobody's to end.
own_services_are_in_the_tree_test(#{node := Node}) ->
    Children = supervisor:which_children({flitch_sup, Node}),
    {_, Services, supervisor, _} = lists:keyfind(flitch_services, 1, Children),
    Rex = pid_of(Node, rex),
    {rex, Rex, worker, _} = lists:keyfind(rex, 1, supervisor:which_children(Services)),
    {_, Groups, supervisor, _} = lists:keyfind(flitch_pg, 1, Children),
    [_ | _] = supervisor:which_children(Groups),
    {error, not_allowed} = supervisor:terminate_child({flitch_sup, Node}, flitch_services),
    {error, not_allowed} = supervisor:terminate_child(Services, rex),
    Rex = pid_of(Node, rex).
