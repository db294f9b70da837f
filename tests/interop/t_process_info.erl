%% SPDX-License-Identifier: Apache-2.0
%% process_info, system_info, memory and statistics of a C node, with OTP's shapes.
-module(t_process_info).
-export([default_items_test/1, single_items_test/1, observers_items_test/1, iex_items_test/1,
         links_and_monitors_test/1, dead_and_foreign_test/1, registered_name_test/1,
         translate_initial_call_test/1, system_info_test/1, memory_test/1, statistics_test/1,
         group_leader_of_spawned_test/1]).

pid(Node) -> rpc:call(Node, erlang, whereis, [counter]).

info(Node, Items) -> rpc:call(Node, erlang, process_info, [pid(Node), Items]).

default_items_test(#{node := Node}) ->
    Info = rpc:call(Node, erlang, process_info, [pid(Node)]),
    Keys = [K || {K, _} <- Info],
    Ours = [K || {K, _} <- process_info(whereis(kernel_sup))],
    Expected = [K || K <- Ours, K =/= error_handler, K =/= suspending],
    [] = Expected -- Keys,
    [registered_name, current_function, initial_call | _] = Keys.

single_items_test(#{node := Node}) ->
    {registered_name, counter} = info(Node, registered_name),
    {status, waiting} = info(Node, status),
    {message_queue_len, 0} = info(Node, message_queue_len),
    {trap_exit, false} = info(Node, trap_exit),
    {initial_call, {proc_lib, init_p, 5}} = info(Node, initial_call),
    {current_function, {M, F, A}} = info(Node, current_function),
    true = is_atom(M) andalso is_atom(F) andalso is_integer(A),
    {memory, Bytes} = info(Node, memory),
    true = is_integer(Bytes) andalso Bytes > 0,
    {dictionary, Dictionary} = info(Node, dictionary),
    {_, {_, init, 1}} = lists:keyfind('$initial_call', 1, Dictionary),
    {_, Ancestors} = lists:keyfind('$ancestors', 1, Dictionary),
    true = is_list(Ancestors),
    {messages, []} = info(Node, messages),
    {badrpc, {'EXIT', {badarg, _}}} = info(Node, nonsense),
    {badrpc, {'EXIT', {badarg, _}}} = info(Node, [status, nonsense]),
    [] = info(Node, []).

observers_items_test(#{node := Node}) ->
    Items = [binary, catchlevel, current_function, error_handler, garbage_collection, group_leader,
             heap_size, initial_call, last_calls, links, memory, message_queue_len, monitored_by,
             monitors, priority, reductions, registered_name, sequential_trace_token, stack_size,
             status, suspending, total_heap_size, trace, trap_exit],
    Info = info(Node, Items),
    Items = [K || {K, _} <- Info].

iex_items_test(#{node := Node}) ->
    Items = [initial_call, dictionary, registered_name, current_function, status, message_queue_len,
             trap_exit, priority, group_leader, reductions, links, monitors, memory,
             total_heap_size, heap_size, stack_size, current_stacktrace],
    Items = [K || {K, _} <- info(Node, Items)].

links_and_monitors_test(#{node := Node}) ->
    Pid = rpc:call(Node, erlang, whereis, [echo]),
    Ref = monitor(process, Pid),
    {monitored_by, By} = rpc:call(Node, erlang, process_info, [Pid, monitored_by]),
    true = lists:member(self(), By),
    true = demonitor(Ref),
    link(Pid),
    {links, Links} = rpc:call(Node, erlang, process_info, [Pid, links]),
    true = lists:member(self(), Links),
    unlink(Pid),
    {links, Later} = rpc:call(Node, erlang, process_info, [Pid, links]),
    false = lists:member(self(), Later).

dead_and_foreign_test(#{node := Node}) ->
    {Pid, Ref} = spawn_monitor(Node, erlang, node, []),
    receive {'DOWN', Ref, process, Pid, normal} -> ok after 60000 -> exit(no_down) end,
    undefined = rpc:call(Node, erlang, process_info, [Pid]),
    undefined = rpc:call(Node, erlang, process_info, [Pid, status]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, erlang, process_info, [self()]).

registered_name_test(#{node := Node}) ->
    %% The process that serves this very call has no name.
    Self = rpc:call(Node, erlang, self, []),
    true = is_pid(Self),
    {group_leader, Leader} = info(Node, group_leader),
    Node = node(Leader).

translate_initial_call_test(#{node := Node}) ->
    {M, init, 1} = rpc:call(Node, proc_lib, translate_initial_call, [pid(Node)]),
    true = is_atom(M).

system_info_test(#{node := Node}) ->
    Get = fun(Item) -> rpc:call(Node, erlang, system_info, [Item]) end,
    true = list_to_integer(Get(otp_release)) >= 23,
    8 = Get(wordsize),
    8 = Get({wordsize, external}),
    true = is_list(Get(system_version)),
    true = is_list(Get(system_architecture)),
    Creation = Get(creation),
    true = is_integer(Creation),
    [true = is_integer(Get(K))
     || K <- [process_count, process_limit, port_count, port_limit, schedulers, schedulers_online,
              logical_processors]],
    true = Get(process_count) =< Get(process_limit),
    {badrpc, {'EXIT', {badarg, _}}} = Get(nonsense).

memory_test(#{node := Node}) ->
    Memory = rpc:call(Node, erlang, memory, []),
    Keys = lists:sort([K || {K, _} <- erlang:memory()] -- [maximum]),
    Keys = lists:sort([K || {K, _} <- Memory] -- [maximum]),
    {total, Total} = lists:keyfind(total, 1, Memory),
    {processes, Processes} = lists:keyfind(processes, 1, Memory),
    {system, System} = lists:keyfind(system, 1, Memory),
    Total = Processes + System,
    true = rpc:call(Node, erlang, memory, [total]) > 0,
    [{total, _}, {ets, _}] = rpc:call(Node, erlang, memory, [[total, ets]]).

statistics_test(#{node := Node}) ->
    Get = fun(Item) -> rpc:call(Node, erlang, statistics, [Item]) end,
    [{true, true} = {is_integer(element(1, Get(K))), is_integer(element(2, Get(K)))}
     || K <- [wall_clock, runtime, reductions]],
    {{input, In}, {output, Out}} = Get(io),
    true = is_integer(In) andalso is_integer(Out) andalso In > 0 andalso Out > 0,
    true = is_integer(Get(run_queue)),
    true = is_integer(Get(total_run_queue_lengths)),
    {badrpc, {'EXIT', {badarg, _}}} = Get(nonsense).

group_leader_of_spawned_test(#{node := Node}) ->
    Leader = group_leader(),
    Leader = rpc:call(Node, erlang, group_leader, []).
