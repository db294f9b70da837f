%% SPDX-License-Identifier: Apache-2.0
%% A handler that blocks for three tick times: the node stays connected and serves others quickly.
-module(t_blocking).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2]).

-define(TICK_TIME_S, 4).
%% What a call may take while another handler of its node blocks; on a machine that is busy with other
%% things, this many times what it takes at a node where nothing blocks, asked in turn with it.
-define(P99_LIMIT_US, 5000).
-define(P99_TIMES, 3).

node_stays_connected_and_quick_test(Config) ->
    Time = integer_to_list(?TICK_TIME_S),
    [Node, Idle] = [maps:get(node, fixture:c_node(Config, ["--set", "dist.ticktime=" ++ Time]))
                    || _ <- [1, 2]],
    Ms = 3 * ?TICK_TIME_S * 1000,
    Flags = ["-kernel", "net_ticktime", Time],
    Beam = fixture:beam_apply(Config, Flags, {?MODULE, measure, [Node, Idle, Ms]}),
    {Count, [P50, P99, Max], [_, IdleP99, IdleMax], []} = fixture:result(Beam),
    io:format("   ~b calls while a handler blocked for ~b ms: p50 ~b us, p99 ~b us, max ~b us; "
              "beside it p99 ~b us, max ~b us~n", [Count, Ms, P50, P99, Max, IdleP99, IdleMax]),
    true = Count >= 1000,
    P99 < max(?P99_LIMIT_US, ?P99_TIMES * IdleP99) orelse exit({too_slow, P99, IdleP99}).

%% Runs on the further BEAM node: how many calls, their times at both nodes, and the nodedowns.
measure(Node, Idle, Ms) ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    Pid = probe(Node),
    _ = [gen_server:call({echo, N}, x) || _ <- lists:seq(1, 1000), N <- [Node, Idle]],
    ok = flush(),
    Id = gen_server:send_request(Pid, {do, {block, Ms}}),
    Times = calls(Node, Idle, Id, []),
    ok = net_kernel:monitor_nodes(false, [{node_type, all}]),
    {Here, There} = lists:unzip(Times),
    {length(Times), percentiles(Here), percentiles(There),
     [Down || {nodedown, _, _} = Down <- messages()]}.

percentiles(Times) ->
    Sorted = lists:sort(Times),
    [lists:nth(max(1, length(Sorted) * P div 100), Sorted) || P <- [50, 99, 100]].

flush() -> receive _ -> flush() after 0 -> ok end.

messages() -> receive Message -> [Message | messages()] after 0 -> [] end.

calls(Node, Idle, Id, Times) ->
    [{Us, x}, {IdleUs, x}] = [timer:tc(gen_server, call, [{echo, N}, x, infinity])
                              || N <- [Node, Idle]],
    case gen_server:wait_response(Id, 0) of
        timeout -> calls(Node, Idle, Id, [{Us, IdleUs} | Times]);
        {reply, ok} -> Times
    end.

many_blocking_handlers_test(#{node := Node} = Config) ->
    Blocked = [fixture:blocked(Config, probe(Node)) || _ <- lists:seq(1, 20)],
    {Us, _} = timer:tc(fun() -> [x = gen_server:call({echo, Node}, x) || _ <- lists:seq(1, 100)] end),
    io:format("   100 calls beside 20 handlers that block: ~b us~n", [Us]),
    [ok = fixture:unblock(B) || B <- Blocked],
    [{answer, ok} = fixture:down(Ref) || {Ref, _} <- Blocked].

%% What a blocking handler does once it is back: order and replies as ever.
blocked_server_goes_on_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:cast(Pid, {do, {block, 200}}),
    [ok = gen_server:cast(Pid, {number, self(), N, x}) || N <- lists:seq(1, 1000)],
    {1000, 0} = do(Pid, numbers).

blocking_between_sends_keeps_their_order_test(#{node := Node}) ->
    Pid = probe(Node),
    [begin
         ok = gen_server:cast(Pid, {do, {send, self(), {one, N}}}),
         ok = gen_server:cast(Pid, {do, {block, 5}}),
         ok = gen_server:cast(Pid, {do, {send, self(), {two, N}}})
     end || N <- lists:seq(1, 50)],
    [receive {Which, N} -> ok after 60000 -> exit(missing) end
     || N <- lists:seq(1, 50), Which <- [one, two]],
    fixture:no_message().

%% Nobody waits for the end of the handler to learn of the process's.
killed_while_blocking_test(#{node := Node} = Config) ->
    Pid = probe(Node),
    ok = do(Pid, {register, blocked}),
    Call = {Asked, _} = fixture:blocked(Config, Pid),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    killed = fixture:down(Ref),
    {killed, _} = fixture:down(Asked),
    undefined = rpc:call(Node, erlang, whereis, [blocked]),
    ok = fixture:unblock(Call).

task_blocks_nobody_test(#{node := Node}) ->
    Pid = probe(Node),
    Self = self(),
    Caller = spawn(fun() ->
        Pid ! {'$gen_call', {self(), monitor(process, Pid)}, until_given_up},
        Self ! asked,
        receive never -> ok end
    end),
    receive asked -> ok end,
    [Pid = do(Pid, self) || _ <- lists:seq(1, 100)],
    fixture:no_message(), % the task runs still
    exit(Caller, kill),
    yes = fixture:told(Pid, given_up).
