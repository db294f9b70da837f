%% SPDX-License-Identifier: Apache-2.0
%% Connections from either side, and what both sides see when one of them vanishes.
-module(t_connection).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, told/2, down/1, exit_of/1, eventually/1, line/2, signal/2]).

watching(Node) ->
    true = erlang:monitor_node(Node, true),
    ok.

nodedown(Node) ->
    receive {nodedown, Node} -> ok after 60000 -> exit({no_nodedown, Node}) end.

connected(#{node := Beam} = Handle, Node) ->
    eventually(fun() -> lists:member(Node, fixture:peer_call(Handle, erlang, nodes, [connected])) end),
    Beam.

%% ---- either side ------------------------------------------------------------------------------

beam_dials_test(Config) ->
    #{node := Node} = C = fixture:c_node(Config, []),
    false = lists:member(Node, nodes(connected)),
    pong = net_adm:ping(Node),
    true = lists:member(Node, nodes()),
    _ = line(C, "nodeup " ++ atom_to_list(node())).

hidden_node_is_not_in_nodes_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--hidden"]),
    pong = net_adm:ping(Node),
    true = lists:member(Node, nodes(hidden)),
    false = lists:member(Node, nodes()).

c_node_joins_test(Config) ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    #{node := Node} = fixture:c_node(Config, ["--join", atom_to_list(node())]),
    receive {nodeup, Node, _} -> ok after 60000 -> exit(no_nodeup) end,
    x = gen_server:call({echo, Node}, x).

c_node_joins_a_node_that_comes_later_test(Config) ->
    Name = fixture:unique(later),
    #{node := Node} = fixture:c_node(Config, ["--join", atom_to_list(Name)]),
    Beam = fixture:beam_node(Config, Name, []),
    _ = connected(Beam, Node),
    x = fixture:peer_call(Beam, gen_server, call, [{echo, Node}, x]).

%% Nobody asked for the connection but the server's own call.
c_server_calls_a_node_on_demand_test(#{node := Node} = Config) ->
    #{node := Beam} = fixture:beam_node(Config, []),
    Pid = probe(Node),
    {ok, Files} = do(Pid, {call, {file_server_2, Beam}, {list_dir, "/"}, 60000}),
    ok = element(1, Files).

c_server_sends_and_monitors_on_demand_test(#{node := Node} = Config) ->
    Beam = fixture:beam_node(Config, []),
    #{node := Name} = Beam,
    Pid = probe(Node),
    ok = do(Pid, {send, {init, Name}, hello}),
    Ref = do(Pid, {monitor, {nobody, Name}}),
    {'DOWN', Ref, process, {nobody, Name}, noproc} = told(Pid, info),
    _ = connected(Beam, Node).

two_c_nodes_test(#{node := Node} = Config) ->
    #{node := Other} = fixture:c_node(Config, []),
    Pid = probe(Node),
    {ok, <<"x">>} = do(Pid, {call, {echo, Other}, <<"x">>, 60000}),
    Bin = binary:copy(<<"0123456789">>, 500000),
    {ok, Bin} = do(Pid, {call, {echo, Other}, Bin, 60000}),
    Ref = do(Pid, {monitor, {probe, Other}}),
    {ok, {ok, There}} = do(Pid, {call, {probe, Other}, {start, [{watch, self()}]}, 60000}),
    ok = do(There, {link, Pid}),
    Mine = monitor(process, Pid),
    Pid = do(Pid, self),
    exit(There, kill),
    killed = down(Mine),
    true = is_reference(Ref).

%% Both dial at the same time, again and again: one connection comes of it, and messages arrive.
%% Hidden: where a visible node is disconnected, `global` expels it from everybody.
simultaneous_connects_test(Config) ->
    C = fixture:c_node(Config, ["--hidden"]),
    Beam = fixture:beam_node(Config, []),
    #{node := Node} = C,
    #{node := Name} = Beam,
    Pid = probe(Node),
    [begin
         _ = fixture:peer_call(Beam, erlang, disconnect_node, [Node]),
         eventually(fun() ->
             not lists:member(Node, fixture:peer_call(Beam, erlang, nodes, [connected]))
         end),
         ok = gen_server:cast(Pid, {do, {call, {net_kernel, Name}, {is_auth, Node}, 60000}}),
         x = fixture:peer_call(Beam, gen_server, call, [{echo, Node}, x, 60000]),
         {ok, yes} = do(Pid, {call, {net_kernel, Name}, {is_auth, Node}, 60000})
     end || _ <- lists:seq(1, 50)].

disconnected_node_is_not_dialled_at_once_test(Config) ->
    #{node := Node} = fixture:c_node(Config, []),
    pong = net_adm:ping(Node),
    Pid = probe(Node),
    ok = global:sync(),
    true = erlang:disconnect_node(Node),
    {error, false} = {error, lists:member(Node, nodes(connected))},
    Pid = do(Pid, self),
    true = lists:member(Node, nodes(connected)).

%% As with net_kernel:monitor_nodes/1: of visible nodes alone.
node_events_reach_servers_test(Config) ->
    #{node := Node} = fixture:c_node(Config, []),
    #{node := Hidden} = fixture:c_node(Config, ["--hidden"]),
    Pid = probe(Node),
    Quiet = probe(Hidden),
    #{node := Name} = Beam = fixture:beam_node(Config, []),
    {ok, yes} = do(Pid, {call, {net_kernel, Name}, {is_auth, Node}, 60000}),
    {ok, yes} = do(Quiet, {call, {net_kernel, Name}, {is_auth, Hidden}, 60000}),
    ok = told_of(Pid, node_up, Name),
    ok = told_of(Quiet, node_up, Name), % a hidden node's servers learn of visible peers, too
    ok = signal(Beam, "-KILL"),
    ok = told_of(Pid, node_down, Name),
    ok = told_of(Quiet, node_down, Name).

%% Among other nodes of the mesh.
told_of(Probe, Slot, Name) ->
    case told(Probe, Slot) of
        Name -> ok;
        _ -> told_of(Probe, Slot, Name)
    end.

%% ---- the C node vanishes ----------------------------------------------------------------------

killed_c_node_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    Pid = probe(Node),
    ok = watching(Node),
    Monitor = monitor(process, Pid),
    Named = monitor(process, {echo, Node}),
    {Linked, Link} = spawn_monitor(fun() -> link(Pid), receive never -> ok end end),
    Waiting = gen_server:send_request(Pid, later),
    eventually(fun() -> {links, [Pid]} =:= process_info(Linked, links) end),
    [true] = do(Pid, alive),
    ok = signal(C, "-KILL"),
    noconnection = down(Monitor),
    noconnection = down(Named),
    noconnection = down(Link),
    {error, {noconnection, Pid}} = gen_server:wait_response(Waiting, 60000),
    ok = nodedown(Node),
    {{nodedown, Node}, _} = exit_of(fun() -> gen_server:call(Pid, x) end).

terminated_c_node_leaves_at_once_test(Config) ->
    C = fixture:c_node(Config, []),
    #{node := Node} = C,
    Monitor = monitor(process, probe(Node)),
    ok = watching(Node),
    ok = signal(C, "-TERM"),
    Reason = down(Monitor),
    true = lists:member(Reason, [noconnection, shutdown]),
    ok = nodedown(Node),
    0 = fixture:ended(C).

stopped_c_node_is_missed_after_the_tick_time_test(Config) ->
    #{node := Node} = C = fixture:c_node(Config, ["--set", "dist.ticktime=4"]),
    Beam = fixture:beam_apply(Config, ["-kernel", "net_ticktime", "4"], {?MODULE, miss, [Node]}),
    _ = line(Beam, "CONNECTED"),
    ok = signal(C, "-STOP"),
    _ = line(Beam, "MISSED"),
    ok = signal(C, "-CONT"),
    {net_tick_timeout, x} = fixture:result(Beam).

%% Runs on the further BEAM node.
miss(Node) ->
    ok = net_kernel:monitor_nodes(true, [nodedown_reason, {node_type, all}]),
    pong = net_adm:ping(Node),
    io:put_chars("CONNECTED\n"),
    Info = receive {nodedown, Node, I} -> I end,
    io:put_chars("MISSED\n"),
    eventually(fun() -> pong =:= net_adm:ping(Node) end),
    {proplists:get_value(nodedown_reason, Info), gen_server:call({echo, Node}, x)}.

comes_back_with_a_new_creation_test(Config) ->
    Name = fixture:unique(again),
    First = fixture:c_node(Config, Name, []),
    Old = probe(Name),
    Echo = rpc:call(Name, erlang, whereis, [echo]),
    OldRef = do(Old, make_ref),
    ok = watching(Name),
    ok = signal(First, "-KILL"),
    _ = fixture:ended(First),
    ok = nodedown(Name),
    _ = fixture:c_node(Config, Name, []),
    x = gen_server:call({echo, Name}, x),
    NewEcho = rpc:call(Name, erlang, whereis, [echo]),
    true = Echo =/= NewEcho,
    true = pid_numbers(Echo) =:= pid_numbers(NewEcho),
    {noproc, _} = exit_of(fun() -> gen_server:call(Echo, x, 60000) end),
    noproc = down(monitor(process, Old)),
    noproc = down(monitor(process, Echo)),
    Echo ! {'$gen_call', {self(), never}, x},
    exit(Echo, kill),
    x = gen_server:call(NewEcho, x),
    false = OldRef =:= do(probe(Name), make_ref),
    fixture:no_message().

%% Their numbers on their node, without its creation.
pid_numbers(Pid) ->
    [_, Id, Serial] = string:lexemes(pid_to_list(Pid), "<.>"),
    {Id, Serial}.

%% ---- the BEAM vanishes ------------------------------------------------------------------------

%% A process of that BEAM that does nothing.
idle(#{node := Name}) -> spawn(Name, ?MODULE, idle_loop, []).

idle_loop() -> receive never -> ok end.

killed_beam_node_test(#{node := Node} = Config) ->
    #{node := Name} = Beam = fixture:beam_node(Config, []),
    Idle = idle(Beam),
    Pid = fixture:probe(Node, [trap]),
    Ref = do(Pid, {monitor, Idle}),
    ByName = do(Pid, {monitor, {init, Name}}),
    ok = do(Pid, {link, Idle}),
    Waiting = gen_server:send_request(probe(Node), {do, {call, Idle, x, 60000}}),
    eventually(fun() ->
        {_, Messages} = rpc:call(Name, erlang, process_info, [Idle, message_queue_len]),
        Messages =:= 1
    end),
    ok = signal(Beam, "-KILL"),
    {reply, {exit, noconnection}} = gen_server:wait_response(Waiting, 60000),
    Got = lists:sort([told(Pid, info) || _ <- [1, 2, 3]]),
    Got = lists:sort([{'DOWN', Ref, process, Idle, noconnection},
                      {'DOWN', ByName, process, {init, Name}, noconnection},
                      {'EXIT', Idle, noconnection}]).

beam_caller_that_vanishes_is_no_longer_alive_test(#{node := Node} = Config) ->
    #{node := Name} = Beam = fixture:beam_node(Config, []),
    Pid = probe(Node),
    _ = spawn(Name, gen_server, call, [Pid, later, infinity]),
    eventually(fun() -> do(Pid, alive) =:= [true] end),
    ok = signal(Beam, "-KILL"),
    eventually(fun() -> do(Pid, alive) =:= [false] end).

stopped_beam_node_is_missed_test(Config) ->
    Ticks = ["-kernel", "net_ticktime", "4"],
    #{node := Name} = Beam = fixture:beam_node(Config, Ticks),
    C = fixture:c_node(Config, ["--set", "dist.ticktime=4", "--join", atom_to_list(Name)]),
    _ = line(C, "nodeup " ++ atom_to_list(Name)),
    ok = signal(Beam, "-STOP"),
    Line = line(C, "nodedown " ++ atom_to_list(Name)),
    true = binary:match(Line, <<"net_tick_timeout">>) =/= nomatch,
    ok = signal(Beam, "-CONT"),
    _ = line(C, "nodeup " ++ atom_to_list(Name)).

%% A connection that says nothing for long stays up by its ticks.
quiet_connection_stays_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--set", "dist.ticktime=4"]),
    Beam = fixture:beam_apply(Config, ["-kernel", "net_ticktime", "4"], {?MODULE, stay, [Node]}),
    {quiet, x} = fixture:result(Beam).

%% Runs on the further BEAM node.
stay(Node) ->
    pong = net_adm:ping(Node),
    true = erlang:monitor_node(Node, true),
    Seen = receive {nodedown, Node} -> nodedown after 12000 -> quiet end,
    {Seen, gen_server:call({echo, Node}, x)}.

beam_that_comes_back_is_another_test(#{node := Node} = Config) ->
    Name = fixture:unique(again),
    First = fixture:beam_node(Config, Name, []),
    Old = idle(First),
    Pid = probe(Node),
    One = do(Pid, {monitor, Old}),
    ok = watching(Name),
    ok = signal(First, "-KILL"),
    {'DOWN', One, process, Old, noconnection} = told(Pid, info),
    _ = fixture:ended(First),
    ok = nodedown(Name),
    _ = fixture:beam_node(Config, Name, []),
    {ok, yes} = do(Pid, {call, {net_kernel, Name}, {is_auth, Node}, 60000}),
    Two = do(Pid, {monitor, Old}),
    {'DOWN', Two, process, Old, Reason} = told(Pid, info),
    true = lists:member(Reason, [noproc, noconnection]),
    {exit, _} = do(Pid, {call, Old, x, 60000}).

