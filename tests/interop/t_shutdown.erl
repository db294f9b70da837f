%% SPDX-License-Identifier: Apache-2.0
%% SIGTERM: servers end as OTP's supervisor ends them, the last started first, while the node goes on.
-module(t_shutdown).
-compile([export_all, nowarn_export_all]).
-import(fixture, [do/2, told/2, down/1, exit_of/1, eventually/1]).

%% A node with the servers of Files, in this order; the probe traps exits and tells this process.
node_with(#{build := Build} = Config, Files, Flags) ->
    Load = lists:append([["--load", Build ++ File] || File <- Files]),
    C = fixture:c_program(Config, fixture:unique(c), Load ++ Flags),
    _ = fixture:line(C, "READY node="),
    #{node := Node} = C,
    pong = net_adm:ping(Node),
    Pid = rpc:call(Node, erlang, whereis, [probe]),
    ok = do(Pid, {watch, self()}),
    {C, Pid}.

counter() -> "/examples/counter.so".
echo() -> "/examples/echo.so".
probe_file() -> "/tests/servers/probe.so".

stop(C) ->
    ok = fixture:signal(C, "-TERM"),
    _ = fixture:line(C, "is leaving"),
    ok.

call_in_progress_is_answered_and_terminate_runs_test(Config) ->
    {C, Pid} = node_with(Config, [counter(), echo(), probe_file()], []),
    #{node := Node} = C,
    ok = do(Pid, {trap, true}),
    true = erlang:monitor_node(Node, true),
    {Ref, _} = Call = fixture:blocked(Config, Pid),
    Other = spawn_call({echo, Node}, first),
    {answer, first} = down(Other),
    ok = stop(C),
    %% those that are not asked yet serve as ever
    7 = gen_server:call({counter, Node}, {add, 7}),
    {hello} = gen_server:call({echo, Node}, {hello}),
    true = lists:member(Node, nodes(connected)),
    ok = fixture:unblock(Call),
    {answer, ok} = down(Ref),
    shutdown = told(Pid, terminate),
    receive {nodedown, Node} -> ok after 60000 -> exit(no_nodedown) end,
    0 = fixture:ended(C).

spawn_call(Server, Request) ->
    {_, Ref} = spawn_monitor(fun() -> exit({answer, gen_server:call(Server, Request)}) end),
    Ref.

servers_that_have_ended_are_noproc_test(Config) ->
    {C, Pid} = node_with(Config, [probe_file(), counter()], []),
    #{node := Node} = C,
    ok = do(Pid, {trap, true}),
    Watch = monitor(process, {counter, Node}),
    {Ref, _} = Call = fixture:blocked(Config, Pid),
    ok = stop(C),
    shutdown = down(Watch),
    {noproc, _} = exit_of(fun() -> gen_server:call({counter, Node}, get) end),
    true = lists:member(Node, nodes(connected)),
    ok = fixture:unblock(Call),
    {answer, ok} = down(Ref),
    shutdown = told(Pid, terminate),
    0 = fixture:ended(C).

server_that_does_not_trap_ends_at_once_test(Config) ->
    {C, Pid} = node_with(Config, [counter(), probe_file()], []),
    {Ref, _} = Call = fixture:blocked(Config, Pid),
    Watch = monitor(process, Pid),
    ok = stop(C),
    shutdown = down(Watch),
    {shutdown, _} = down(Ref),
    ok = fixture:unblock(Call),
    0 = fixture:ended(C),
    ok = fixture:no_message().

%% Longer than the 5 s that it has: it is killed, and the one that was started before it has its turn.
server_that_overstays_is_killed_test(Config) ->
    {C, Pid} = node_with(Config, [counter(), probe_file()], ["--set", "node.shutdown_time=60s"]),
    #{node := Node} = C,
    ok = do(Pid, {trap, true}),
    {Ref, _} = Call = fixture:blocked(Config, Pid),
    Watch = monitor(process, {counter, Node}),
    Start = erlang:monotonic_time(millisecond),
    ok = stop(C),
    {killed, _} = down(Ref),
    true = erlang:monotonic_time(millisecond) - Start >= 4900,
    _ = down(Watch),
    _ = fixture:line(C, "Context: shutdown_error. Reason: killed. Offender: id=probe"),
    ok = fixture:unblock(Call),
    0 = fixture:ended(C).

%% Far more than a socket takes at once, said by the last server before its end.
large_answer_goes_out_test(Config) ->
    {C, Pid} = node_with(Config, [probe_file()], []),
    #{node := Node} = C,
    ok = do(Pid, {trap, true}),
    {Ref, _} = Call = fixture:blocked(Config, Pid),
    Large = binary:copy(<<"0123456789">>, 3000000),
    Asked = spawn_call(Pid, {stop, normal, Large}),
    eventually(fun() ->
        {message_queue_len, 1} =:= rpc:call(Node, erlang, process_info, [Pid, message_queue_len])
    end),
    ok = stop(C),
    ok = fixture:unblock(Call),
    {answer, ok} = down(Ref),
    {answer, Large} = down(Asked),
    normal = told(Pid, terminate),
    0 = fixture:ended(C).

-define(BLOCK_MS, 3500).

%% Longer than either side would bear without a sign of life of the other, less than a server has.
ticks_go_out_meanwhile_test(Config) ->
    Beam = fixture:beam_apply(Config, ["-kernel", "net_ticktime", "2"], {?MODULE, ticked, [Config]}),
    ok = fixture:result(Beam).

ticked(Config) ->
    {C, Pid} = node_with(Config, [probe_file()], ["--set", "dist.ticktime=2"]),
    #{node := Node} = C,
    ok = do(Pid, {trap, true}),
    true = erlang:monitor_node(Node, true),
    {_, Ref} = spawn_monitor(fun() -> exit({answer, do(Pid, {block, ?BLOCK_MS})}) end),
    eventually(fun() ->
        {status, running} =:= rpc:call(Node, erlang, process_info, [Pid, status])
    end),
    ok = stop(C),
    {answer, ok} = down(Ref),
    shutdown = told(Pid, terminate),
    0 = fixture:ended(C),
    ok.
