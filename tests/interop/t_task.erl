%% SPDX-License-Identifier: Apache-2.0
%% Tasks of C (tests/interop/servers/jobs.c): started, awaited and ended by a server of C, looked at
%% from Erlang. Named after the behaviour of Elixir's Task that each shows.
-module(t_task).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).

-define(LIMIT_MS, 60000).

server(#{node := Node} = Config) ->
    case fixture:is_beam(Node) of
        true -> throw(skip);
        false ->
            _ = Config,
            Spec = {{jobs, start_link, [[]]}, temporary, 5000, worker, [jobs]},
            {ok, Pid} = gen_server:call({job_servers, Node}, {start_child, Spec}),
            Pid
    end.

%% Runs Fun with a server of this test's own, unless a BEAM plays the C node.
with(Config, Fun) ->
    try server(Config) of
        Pid -> Fun(Pid)
    catch
        throw:skip -> ok
    end.

ask(Pid, Request) -> gen_server:call(Pid, Request, ?LIMIT_MS).

%% ---- async and await --------------------------------------------------------------------------

await_gives_the_result_test(C) ->
    with(C, fun(S) -> {ok, {a, [1, 2.5, <<"b">>]}} = ask(S, {await, {value, {a, [1, 2.5, <<"b">>]}}, 5000}) end).

await_gives_the_reason_of_a_failure_test(C) ->
    with(C, fun(S) -> ok = ask(S, trap), {exit, {bad, 1}} = ask(S, {await, {raise, exit, {bad, 1}}, 5000}) end).

error_has_a_stack_in_its_reason_test(C) ->
    with(C, fun(S) -> ok = ask(S, trap), {exit, {oops, []}} = ask(S, {await, {raise, error, oops}, 5000}) end).

throw_is_nocatch_test(C) ->
    with(C, fun(S) -> ok = ask(S, trap), {exit, {{nocatch, x}, []}} = ask(S, {await, {raise, throw, x}, 5000}) end).

await_that_times_out_ends_the_task_test(C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        {error, timeout} = ask(S, {await, hang, 1}),
        eventually(fun() -> ask(S, stopped) > Before end)
    end).

failure_of_a_linked_task_ends_its_owner_test(C) ->
    with(C, fun(S) ->
        Ref = monitor(process, S),
        {boom, _} = fixture:exit_of(fun() -> ask(S, {await, {raise, exit, boom}, 5000}) end),
        boom = fixture:down(Ref)
    end).

owner_that_traps_exits_lives_test(C) ->
    with(C, fun(S) ->
        ok = ask(S, trap),
        {exit, boom} = ask(S, {await, {raise, exit, boom}, 5000}),
        {ok, 1} = ask(S, {await, {value, 1}, 5000})
    end).

task_ends_with_its_owner_test(C) ->
    with(C, fun(S) ->
        Pid = ask(S, {leave, hang}),
        Ref = monitor(process, Pid),
        exit(S, kill),
        killed = fixture:down(Ref)
    end).

work_is_cancelled_when_its_owner_ends_test(#{node := Node} = C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        _ = ask(S, {leave, hang}),
        exit(S, kill),
        Other = server(C),
        eventually(fun() -> ask(Other, stopped) > Before end),
        Node = node(Other)
    end).

killed_task_is_told_as_killed_test(C) ->
    with(C, fun(S) ->
        ok = ask(S, trap),
        Pid = ask(S, {leave, hang}),
        exit(Pid, kill),
        receive {seen, {'DOWN', _, process, Pid, killed}} -> ok after ?LIMIT_MS -> exit(no_down) end
    end).

result_that_nobody_awaits_is_a_message_test(C) ->
    with(C, fun(S) ->
        _ = ask(S, {leave, {value, late}}),
        receive {seen, {Ref, late}} when is_reference(Ref) -> ok after ?LIMIT_MS -> exit(no_result) end
    end).

task_is_a_process_that_tools_know_test(#{node := Node} = C) ->
    with(C, fun(S) ->
        Pid = ask(S, {leave, hang}),
        true = rpc:call(Node, erlang, is_process_alive, [Pid]),
        {links, Links} = rpc:call(Node, erlang, process_info, [Pid, links]),
        true = lists:member(S, Links),
        {dictionary, Dictionary} = rpc:call(Node, erlang, process_info, [Pid, dictionary]),
        [S | _] = proplists:get_value('$ancestors', Dictionary),
        exit(S, kill)
    end).

await_many_test(C) ->
    with(C, fun(S) -> {ok, [1, 2, 3]} = ask(S, {await_many, [{value, 1}, {value, 2}, {value, 3}], 5000}) end).

await_many_of_none_test(C) ->
    with(C, fun(S) -> {ok, []} = ask(S, {await_many, [], 5000}) end).

await_many_has_one_time_for_all_test(C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        {error, timeout} = ask(S, {await_many, [{value, 1}, hang, hang], 20}),
        eventually(fun() -> ask(S, stopped) >= Before + 2 end)
    end).

await_many_ends_with_the_first_failure_test(C) ->
    with(C, fun(S) ->
        ok = ask(S, trap),
        {error, exit} = ask(S, {await_many, [{raise, exit, x}, hang], 60000})
    end).

yield_leaves_the_task_running_test(C) ->
    with(C, fun(S) -> {timeout, ok, through, enoent} = ask(S, yield) end).

shutdown_of_a_task_that_runs_test(C) ->
    with(C, fun(S) -> {exit, shutdown} = ask(S, {shutdown, hang, 5000}) end).

brutal_kill_of_a_task_test(C) ->
    with(C, fun(S) -> {exit, killed} = ask(S, {shutdown, hang, brutal_kill}) end).

%% ---- Task.Supervisor from C -------------------------------------------------------------------

async_nolink_test(C) ->
    with(C, fun(S) -> {ok, 7} = ask(S, {nolink, tasks, {value, 7}}) end).

async_nolink_that_fails_leaves_its_owner_test(C) ->
    with(C, fun(S) ->
        {exit, boom} = ask(S, {nolink, tasks, {raise, exit, boom}}),
        {ok, 1} = ask(S, {nolink, tasks, {value, 1}})
    end).

start_child_is_a_child_of_the_supervisor_test(#{node := Node} = C) ->
    with(C, fun(S) ->
        {ok, Pid} = ask(S, {start_child, tasks, hang}),
        {undefined, Pid, worker, ['Elixir.Task.Supervised']} =
            lists:keyfind(Pid, 2, supervisor:which_children({tasks, Node})),
        Ref = monitor(process, Pid),
        ok = supervisor:terminate_child({tasks, Node}, Pid),
        shutdown = fixture:down(Ref),
        false = lists:keyfind(Pid, 2, supervisor:which_children({tasks, Node}))
    end).

start_child_outlives_who_asked_for_it_test(#{node := Node} = C) ->
    with(C, fun(S) ->
        {ok, Pid} = ask(S, {start_child, tasks, hang}),
        Ref = monitor(process, S),
        exit(S, kill),
        killed = fixture:down(Ref),
        true = rpc:call(Node, erlang, is_process_alive, [Pid]),
        ok = supervisor:terminate_child({tasks, Node}, Pid)
    end).

max_children_is_a_limit_test(#{node := Node} = C) ->
    with(C, fun(S) ->
        {ok, Pid} = ask(S, {start_child, few_tasks, hang}),
        {error, limit} = ask(S, {start_child, few_tasks, {value, 1}}),
        {error, limit} = ask(S, {nolink, few_tasks, {value, 1}}),
        ok = supervisor:terminate_child({few_tasks, Node}, Pid),
        {ok, 1} = ask(S, {nolink, few_tasks, {value, 1}})
    end).

supervisor_of_servers_takes_no_tasks_test(C) ->
    with(C, fun(S) -> {error, einval} = ask(S, {nolink, job_servers, {value, 1}}) end).

%% ---- async_stream -----------------------------------------------------------------------------

stream_gives_results_in_order_test(C) ->
    with(C, fun(S) ->
        Wanted = [{ok, N} || N <- lists:seq(1, 100)],
        {ok, Wanted} = ask(S, {stream, [{value, N} || N <- lists:seq(1, 100)], [{max, 7}]})
    end).

stream_of_nothing_test(C) -> with(C, fun(S) -> {ok, []} = ask(S, {stream, [], []}) end).

ordered_stream_waits_for_the_first_test(C) ->
    with(C, fun(S) ->
        _ = ask(S, {open, 0}),
        Self = self(),
        spawn(fun() -> Self ! {got, ask(S, {stream, [{gate, 1, slow}, {value, fast}], [{max, 2}]})} end),
        Opener = server(C),
        _ = ask(Opener, {open, 1}),
        receive {got, {ok, [{ok, slow}, {ok, fast}]}} -> ok after ?LIMIT_MS -> exit(no_answer) end
    end).

unordered_stream_gives_what_comes_test(C) ->
    with(C, fun(S) ->
        {busy, [{ok, fast}]} =
            ask(S, {stream, [hang, {value, fast}], [{max, 2}, {unordered, true}, {stop_after, 1}]})
    end).

max_concurrency_bounds_what_runs_test(C) ->
    with(C, fun(S) ->
        %% with one at a time the second piece never begins while the first one hangs
        {timeout, []} = ask(S, {stream, [hang, {value, 1}], [{max, 1}, {timeout, 20}]})
    end).

late_task_ends_the_stream_test(C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        {timeout, [{ok, 1}]} = ask(S, {stream, [{value, 1}, hang, hang], [{max, 3}, {timeout, 50}]}),
        eventually(fun() -> ask(S, stopped) >= Before + 2 end)
    end).

late_task_is_killed_and_the_stream_goes_on_test(C) ->
    with(C, fun(S) ->
        {ok, [{ok, 1}, {exit, timeout}, {ok, 2}]} =
            ask(S, {stream, [{value, 1}, hang, {value, 2}], [{max, 1}, {timeout, 200}, {kill, true}]})
    end).

failed_task_is_an_exit_in_the_stream_test(C) ->
    with(C, fun(S) ->
        {ok, [{exit, boom}, {ok, 2}]} = ask(S, {stream, [{raise, exit, boom}, {value, 2}], [{max, 1}]})
    end).

stream_that_ends_early_ends_its_tasks_test(C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        {busy, [{ok, 1}]} = ask(S, {stream, [{value, 1}, hang, hang], [{max, 3}, {stop_after, 1}]}),
        eventually(fun() -> ask(S, stopped) >= Before + 2 end)
    end).

tasks_of_a_stream_end_with_its_owner_test(C) ->
    with(C, fun(S) ->
        Before = ask(S, stopped),
        spawn(fun() -> fixture:exit_of(fun() -> ask(S, {stream, [hang, hang, hang], [{max, 3}, {timeout, infinity}]}) end) end),
        #{node := Node} = C,
        eventually(fun() -> count_tasks_of(Node, S) =:= 3 end),
        exit(S, kill),
        Other = server(C),
        eventually(fun() -> ask(Other, stopped) >= Before + 3 end)
    end).

count_tasks_of(Node, Owner) ->
    length([P || P <- rpc:call(Node, erlang, processes, []),
                 {monitors, Ms} <- [rpc:call(Node, erlang, process_info, [P, monitors])],
                 lists:member({process, Owner}, Ms)]).

%% ---- examples ---------------------------------------------------------------------------------

example_test(#{build := Build} = Config) ->
    case fixture:is_beam(maps:get(node, Config)) of
        true -> ok;
        false ->
            #{node := Node} = fixture:c_node(Config, ["--load", Build ++ "/examples/primes.so"]),
            {168, 303} = gen_server:call({primes, Node}, {1000, 2000}, ?LIMIT_MS),
            168 = rpc:call(Node, primes, count, [1000])
    end.

agent_example_test(#{build := Build} = Config) ->
    case fixture:is_beam(maps:get(node, Config)) of
        true -> ok;
        false ->
            #{node := Node} = fixture:c_node(Config, ["--load", Build ++ "/examples/totals.so"]),
            Agent = {totals, Node},
            ok = gen_server:call(Agent, {update, {totals, add, [5]}}),
            5 = gen_server:call(Agent, {get, {'Elixir.Function', identity, []}}),
            2 = gen_server:call(Agent, {get_and_update, {totals, take, [2]}}),
            {ok, 7} = gen_server:call({till, Node}, 4)
    end.
