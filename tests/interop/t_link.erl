%% SPDX-License-Identifier: Apache-2.0
%% Links and exit signals from either side.
-module(t_link).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, probe/2, do/2, told/2, down/1, no_message/0]).

%% A process here, linked to nobody, that tells its 'EXIT's to this one.
trapping() ->
    Self = self(),
    spawn(fun() -> process_flag(trap_exit, true), relay(Self) end).

relay(To) ->
    receive
        {run, Fun} -> To ! {ran, self(), Fun()};
        Message -> To ! {got, self(), Message}
    end,
    relay(To).

run(Pid, Fun) ->
    Pid ! {run, Fun},
    receive {ran, Pid, Value} -> Value after 60000 -> exit(did_not_run) end.

got(Pid) ->
    receive {got, Pid, Message} -> Message after 60000 -> exit(nothing_came) end.

c_server_ends_test(#{node := Node}) ->
    [begin
         Pid = probe(Node),
         Mine = trapping(),
         true = run(Mine, fun() -> link(Pid) end),
         ok = gen_server:cast(Pid, {stop, Reason}),
         {'EXIT', Pid, Reason} = got(Mine)
     end || Reason <- [normal, shutdown, {shutdown, x}, {a, "reason", <<0:80000>>}]].

c_server_takes_its_link_with_it_test(#{node := Node}) ->
    Pid = probe(Node),
    {Other, Ref} = spawn_monitor(fun() -> link(Pid), receive never -> ok end end),
    fixture:eventually(fun() -> {links, [Pid]} =:= process_info(Other, links) end),
    exit(Pid, kill),
    killed = down(Ref).

process_here_takes_the_c_server_with_it_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    {_, Mine} = spawn_monitor(fun() -> link(Pid), do(Pid, self), exit({the, end_of, "it"}) end),
    {the, end_of, "it"} = down(Mine),
    {the, end_of, "it"} = down(Ref).

normal_end_here_leaves_the_c_server_test(#{node := Node}) ->
    Pid = probe(Node),
    {_, Mine} = spawn_monitor(fun() -> link(Pid), do(Pid, self) end),
    normal = down(Mine),
    Pid = do(Pid, self).

trapping_c_server_is_told_test(#{node := Node}) ->
    Pid = probe(Node, [trap]),
    {One, _} = spawn_monitor(fun() -> link(Pid), do(Pid, self), exit(oops) end),
    {'EXIT', One, oops} = told(Pid, info),
    {Two, _} = spawn_monitor(fun() -> link(Pid), do(Pid, self) end),
    {'EXIT', Two, normal} = told(Pid, info),
    Pid = do(Pid, self).

link_to_the_dead_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:stop(Pid),
    Mine = trapping(),
    true = run(Mine, fun() -> link(Pid) end),
    {'EXIT', Pid, noproc} = got(Mine).

unlinked_is_left_alone_test(#{node := Node}) ->
    Pid = probe(Node),
    Mine = trapping(),
    true = run(Mine, fun() -> link(Pid), link(Pid), unlink(Pid) end),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    killed = down(Ref),
    {links, []} = run(Mine, fun() -> process_info(self(), links) end),
    no_message().

link_and_unlink_often_test(#{node := Node}) ->
    Pid = probe(Node, [trap]),
    Mine = trapping(),
    true = run(Mine, fun() ->
        fixture:repeat(2000, fun() -> link(Pid), unlink(Pid) end),
        link(Pid)
    end),
    ok = do(Pid, {unlink, Mine}),
    ok = do(Pid, {link, Mine}),
    fixture:repeat(500, fun() -> do(Pid, {unlink, Mine}), do(Pid, {link, Mine}) end),
    exit(Mine, kill),
    {'EXIT', Mine, killed} = told(Pid, info),
    Pid = do(Pid, self),
    no_message().


%% ---- links by the C server --------------------------------------------------------------------

c_server_links_test(#{node := Node}) ->
    Pid = probe(Node),
    Mine = trapping(),
    ok = do(Pid, {link, Mine}),
    {links, [Pid]} = run(Mine, fun() -> process_info(self(), links) end),
    ok = gen_server:cast(Pid, {stop, {gone, 1}}),
    {'EXIT', Pid, {gone, 1}} = got(Mine).

c_server_links_to_the_dead_test(#{node := Node}) ->
    Pid = probe(Node, [trap]),
    {Gone, Ref} = spawn_monitor(fun() -> ok end),
    normal = down(Ref),
    ok = do(Pid, {link, Gone}),
    {'EXIT', Gone, noproc} = told(Pid, info),
    Other = probe(Node),
    Watch = monitor(process, Other),
    ok = do(Other, {link, Gone}),
    noproc = down(Watch).

c_server_unlinks_test(#{node := Node}) ->
    Pid = probe(Node),
    {Mine, Ref} = spawn_monitor(fun() -> receive {finish, R} -> exit(R) end end),
    ok = do(Pid, {link, Mine}),
    ok = do(Pid, {unlink, Mine}),
    Mine ! {finish, oops},
    oops = down(Ref),
    Pid = do(Pid, self).

c_servers_linked_to_each_other_test(#{node := Node}) ->
    One = probe(Node),
    {ok, Two} = gen_server:call(One, {start_link, [{watch, self()}]}),
    Ref = monitor(process, Two),
    exit(One, bad),
    bad = down(Ref).

%% ---- exit/2 -----------------------------------------------------------------------------------

kill_test(#{node := Node}) ->
    Pid = probe(Node, [trap]),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    killed = down(Ref),
    no_message().

exit_with_a_reason_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    exit(Pid, {any, <<"reason">>}),
    {any, <<"reason">>} = down(Ref).

exit_normal_is_ignored_test(#{node := Node}) ->
    Pid = probe(Node),
    exit(Pid, normal),
    Pid = do(Pid, self).

exit_is_trapped_test(#{node := Node}) ->
    Pid = probe(Node, [trap]),
    Self = self(),
    [begin
         exit(Pid, Reason),
         {'EXIT', Self, Reason} = told(Pid, info)
     end || Reason <- [normal, oops, {a, "tuple"}, killed, <<0:8000000>>]],
    ok = do(Pid, {trap, false}),
    Ref = monitor(process, Pid),
    exit(Pid, oops),
    oops = down(Ref).

exit_of_the_dead_is_silent_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:stop(Pid),
    true = exit(Pid, kill),
    pong = net_adm:ping(Node).

c_server_sends_exits_test(#{node := Node}) ->
    Pid = probe(Node),
    Mine = trapping(),
    ok = do(Pid, {exit, Mine, {from, "c"}}),
    {'EXIT', Pid, {from, "c"}} = got(Mine),
    ok = do(Pid, {exit, Mine, normal}),
    {'EXIT', Pid, normal} = got(Mine),
    Ref = monitor(process, Mine),
    ok = do(Pid, {exit, Mine, kill}),
    killed = down(Ref).

c_server_exits_itself_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    {killed, _} = fixture:exit_of(fun() -> do(Pid, {exit, Pid, kill}) end),
    killed = down(Ref),
    Trapping = probe(Node, [trap]),
    ok = do(Trapping, {exit, Trapping, oops}),
    {'EXIT', Trapping, oops} = told(Trapping, info).
