%% SPDX-License-Identifier: Apache-2.0
%% Monitors from either side, by pid and by name.
-module(t_monitor).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, told/2, down/1, no_message/0]).

by_pid_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    ok = gen_server:cast(Pid, {stop, {some, "reason", [1, 2.5]}}),
    receive
        {'DOWN', Ref, process, Pid, {some, "reason", [1, 2.5]}} -> ok
    after 60000 -> exit(no_down)
    end.

by_name_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {register, monitored}),
    Ref = monitor(process, {monitored, Node}),
    exit(Pid, kill),
    receive
        {'DOWN', Ref, process, {monitored, Node}, killed} -> ok
    after 60000 -> exit(no_down)
    end,
    Again = monitor(process, {monitored, Node}),
    noproc = down(Again).

unknown_name_is_noproc_at_once_test(#{node := Node}) ->
    [begin
         Ref = monitor(process, {Name, Node}),
         receive
             {'DOWN', Ref, process, {Name, Node}, noproc} -> ok
         after 60000 -> exit({no_down, Name})
         end
     end || Name <- [nobody, 'Elixir.No.Body', list_to_atom(lists:duplicate(255, $n)),
                     list_to_atom(lists:duplicate(255, 16#20ac))]].

dead_pid_is_noproc_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:stop(Pid),
    noproc = down(monitor(process, Pid)).

name_taken_by_another_process_test(#{node := Node}) ->
    One = probe(Node),
    Two = probe(Node),
    ok = do(One, {register, shared}),
    Ref = monitor(process, {shared, Node}),
    ok = do(One, {unregister, shared}),
    ok = do(Two, {register, shared}),
    ok = gen_server:stop(Two),
    One = do(One, self),
    receive {'DOWN', Ref, _, _, _} = Down -> exit({wrong_down, Down}) after 0 -> ok end,
    ok = gen_server:stop(One),
    normal = down(Ref).

demonitored_is_silent_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    Other = monitor(process, Pid),
    true = demonitor(Ref),
    ok = gen_server:stop(Pid),
    normal = down(Other),
    normal = told(Pid, terminate),
    no_message().

many_of_one_process_test(#{node := Node}) ->
    Pid = probe(Node),
    Refs = [monitor(process, Pid) || _ <- lists:seq(1, 1000)],
    [true = demonitor(Ref, [flush]) || Ref <- Refs, Ref < lists:nth(500, Refs)],
    exit(Pid, kill),
    [killed = down(Ref) || Ref <- Refs, Ref >= lists:nth(500, Refs)],
    no_message().

large_reason_test(#{node := Node}) ->
    Reason = {large, binary:copy(<<"0123456789">>, 200000), lists:seq(1, 1000)},
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    exit(Pid, Reason),
    Reason = down(Ref).

%% ---- of processes here, by a C server ---------------------------------------------------------

c_server_monitors_a_pid_test(#{node := Node}) ->
    Pid = probe(Node),
    {Target, Mine} = spawn_monitor(fun() -> receive {finish, Reason} -> exit(Reason) end end),
    Ref = do(Pid, {monitor, Target}),
    true = is_reference(Ref),
    Target ! {finish, {with, #{a => "map"}}},
    {with, _} = down(Mine),
    {'DOWN', Ref, process, Target, {with, #{a := "map"}}} = told(Pid, info).

c_server_monitors_a_name_test(#{node := Node}) ->
    Pid = probe(Node),
    Target = spawn(fun() -> receive finish -> ok end end),
    register(monitored_here, Target),
    Ref = do(Pid, {monitor, {monitored_here, node()}}),
    Target ! finish,
    Name = {monitored_here, node()},
    {'DOWN', Ref, process, Name, normal} = told(Pid, info).

c_server_monitors_nobody_test(#{node := Node}) ->
    Pid = probe(Node),
    {Gone, Mine} = spawn_monitor(fun() -> ok end),
    _ = down(Mine),
    One = do(Pid, {monitor, Gone}),
    {'DOWN', One, process, Gone, noproc} = told(Pid, info),
    Name = {nobody_is_here, node()},
    Two = do(Pid, {monitor, Name}),
    {'DOWN', Two, process, Name, noproc} = told(Pid, info),
    Here = do(Pid, {monitor, nobody_there}),
    {'DOWN', Here, process, {nobody_there, Node}, noproc} = told(Pid, info),
    Far = do(Pid, {monitor, {nobody, 'nobody@127.0.0.1'}}),
    {'DOWN', Far, process, {nobody, 'nobody@127.0.0.1'}, noconnection} = told(Pid, info).

c_server_demonitors_test(#{node := Node}) ->
    Pid = probe(Node),
    {Target, Mine} = spawn_monitor(fun() -> receive finish -> ok end end),
    Ref = do(Pid, {monitor, Target}),
    {monitored_by, By} = process_info(Target, monitored_by),
    true = lists:member(Pid, By),
    ok = do(Pid, {demonitor, Ref}),
    fixture:eventually(fun() ->
        {monitored_by, Now} = process_info(Target, monitored_by),
        not lists:member(Pid, Now)
    end),
    Target ! finish,
    normal = down(Mine),
    Pid = do(Pid, self),
    no_message().

c_server_monitors_its_like_test(#{node := Node}) ->
    Pid = probe(Node),
    Other = probe(Node),
    Ref = do(Pid, {monitor, Other}),
    exit(Other, kill),
    {'DOWN', Ref, process, Other, killed} = told(Pid, info).

monitor_of_the_monitoring_server_ends_with_it_test(#{node := Node}) ->
    Pid = probe(Node),
    Target = spawn_link(fun() -> receive finish -> ok end end),
    _ = do(Pid, {monitor, Target}),
    exit(Pid, kill),
    fixture:eventually(fun() -> {monitored_by, []} =:= process_info(Target, monitored_by) end),
    Target ! finish.
