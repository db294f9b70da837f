%% SPDX-License-Identifier: Apache-2.0
%% Pools, events and parts for resilience of a C node, from Erlang: examples/printers.c, orders.c and
%% gateway.c. The client of poolboy is not installed: its calls are made here as it makes them
%% (poolboy 1.5.2).
-module(t_parts).
-export([pool_lends_waits_and_takes_back_test/1, pool_gives_full_without_blocking_test/1,
         pool_takes_back_from_one_that_ends_test/1, pool_replaces_a_worker_that_ends_test/1,
         pool_cancel_waiting_leaves_the_line_test/1, pool_line_is_bounded_test/1,
         pool_shows_workers_and_monitors_test/1, pool_stop_ends_its_workers_test/1,
         pool_of_the_example_prints_test/1, pool_refuses_what_it_does_not_know_test/1,
         events_reach_a_process_of_this_node_test/1, events_are_detached_test/1,
         end_of_a_subscriber_takes_its_handler_test/1,
         events_of_the_node_itself_test/1, events_of_calls_test/1, handlers_are_listed_test/1,
         execute_reaches_handlers_in_c_test/1, bad_event_names_are_badarg_test/1,
         breaker_opens_and_closes_again_test/1, rate_is_limited_test/1, bulkhead_is_full_test/1]).
-import(fixture, [down/1]).

node_with(#{build := Build} = Config, Example) ->
    #{node := Node} = fixture:c_node(Config, ["--load", Build ++ "/examples/" ++ Example ++ ".so"]),
    Node.

%% ---- poolboy's client -------------------------------------------------------------------------

checkout(Pool, Block, Timeout) ->
    CRef = make_ref(),
    try gen_server:call(Pool, {checkout, CRef, Block}, Timeout)
    catch
        Class:Reason ->
            gen_server:cast(Pool, {cancel_waiting, CRef}),
            erlang:raise(Class, Reason, [])
    end.

checkin(Pool, Worker) -> gen_server:cast(Pool, {checkin, Worker}).

status(Pool) -> gen_server:call(Pool, status).

pool(Config) -> {printers, node_with(Config, "printers")}.

%% A process that has a worker until it is told to end.
borrower(Pool) ->
    Me = self(),
    Pid = spawn(fun() ->
        Me ! {self(), checkout(Pool, true, 60000)},
        receive stop -> ok end
    end),
    Pid.

has(Pid) -> receive {Pid, Worker} -> Worker after 60000 -> exit(no_worker) end.

pool_lends_waits_and_takes_back_test(Config) ->
    Pool = pool(Config),
    {ready, 2, 0, 0} = status(Pool),
    A = checkout(Pool, true, 5000),
    {ready, 1, 0, 1} = status(Pool),
    B = checkout(Pool, true, 5000),
    {overflow, 0, 0, 2} = status(Pool),
    C = checkout(Pool, true, 5000),
    {full, 0, 1, 3} = status(Pool),
    3 = length(lists:usort([A, B, C])),
    D = borrower(Pool),
    fixture:eventually(fun() -> 1 =:= gen_server:call(Pool, waiting) end),
    checkin(Pool, B),
    B = has(D),
    {full, 0, 1, 3} = status(Pool),
    D ! stop,
    fixture:eventually(fun() -> {overflow, 0, 0, 2} =:= status(Pool) end),
    [checkin(Pool, W) || W <- [A, C]],
    {ready, 2, 0, 0} = status(Pool).

pool_gives_full_without_blocking_test(Config) ->
    Pool = pool(Config),
    [checkout(Pool, true, 5000) || _ <- [1, 2, 3]],
    full = checkout(Pool, false, 5000).

pool_takes_back_from_one_that_ends_test(Config) ->
    Pool = pool(Config),
    A = borrower(Pool),
    _ = has(A),
    {ready, 1, 0, 1} = status(Pool),
    exit(A, kill),
    fixture:eventually(fun() -> {ready, 2, 0, 0} =:= status(Pool) end).

pool_replaces_a_worker_that_ends_test(Config) ->
    Pool = pool(Config),
    A = checkout(Pool, true, 5000),
    exit(A, kill),
    fixture:eventually(fun() -> {ready, 2, 0, 0} =:= status(Pool) end),
    [B | _] = gen_server:call(Pool, get_avail_workers),
    exit(B, kill),
    fixture:eventually(fun() ->
        Workers = gen_server:call(Pool, get_avail_workers),
        length(Workers) =:= 2 andalso not lists:member(B, Workers)
    end).

pool_cancel_waiting_leaves_the_line_test(Config) ->
    Pool = pool(Config),
    [A | _] = [checkout(Pool, true, 5000) || _ <- [1, 2, 3]],
    {timeout, _} = fixture:exit_of(fun() -> checkout(Pool, true, 20) end),
    fixture:eventually(fun() -> 0 =:= gen_server:call(Pool, waiting) end),
    checkin(Pool, A),
    {overflow, 0, 0, 2} = status(Pool).

pool_line_is_bounded_test(Config) ->
    Pool = pool(Config),
    [checkout(Pool, true, 5000) || _ <- [1, 2, 3]],
    _ = [borrower(Pool) || _ <- [1, 2, 3, 4]],
    fixture:eventually(fun() -> 4 =:= gen_server:call(Pool, waiting) end),
    full = checkout(Pool, true, 5000).

pool_shows_workers_and_monitors_test(Config) ->
    Pool = pool(Config),
    A = checkout(Pool, true, 5000),
    [{A, Ref}] = gen_server:call(Pool, get_all_monitors),
    true = is_reference(Ref),
    [B] = gen_server:call(Pool, get_avail_workers),
    [{undefined, _, worker, [printer]}, {undefined, _, worker, [printer]}] = All =
        gen_server:call(Pool, get_all_workers),
    true = lists:sort([A, B]) =:= lists:sort([Pid || {_, Pid, _, _} <- All]).

pool_stop_ends_its_workers_test(Config) ->
    Pool = pool(Config),
    A = checkout(Pool, true, 5000),
    Ref = monitor(process, A),
    ok = gen_server:call(Pool, stop),
    shutdown = down(Ref).

pool_of_the_example_prints_test(Config) ->
    Node = node_with(Config, "printers"),
    [{ok, Pid, 1}, {ok, Pid, 2}] =
        [gen_server:call({desk, Node}, {print, "text"}) || _ <- [1, 2]],
    fixture:eventually(fun() -> {ready, 2, 0, 0} =:= status({printers, Node}) end),
    [checkout({printers, Node}, true, 5000) || _ <- [1, 2, 3]],
    busy = gen_server:call({desk, Node}, {print, "text"}).

pool_refuses_what_it_does_not_know_test(Config) ->
    Pool = pool(Config),
    {error, invalid_message} = gen_server:call(Pool, what),
    {error, invalid_message} = gen_server:call(Pool, {checkout, make_ref(), 1}),
    gen_server:cast(Pool, what),
    gen_server:cast(Pool, {checkin, self()}),
    gen_server:cast(Pool, {cancel_waiting, make_ref()}),
    {error, invalid_message} =
        gen_server:call(Pool, {checkout, binary:copy(<<1>>, 5000), true}),
    {ready, 2, 0, 0} = status(Pool).

%% ---- events -----------------------------------------------------------------------------------

attach(Node, Names) -> rpc:call(Node, telemetry_test, attach_event_handlers, [self(), Names]).

event(Name, Ref) ->
    receive {Name, Ref, Measurements, Metadata} -> {Measurements, Metadata}
    after 60000 -> exit({no_event, Name, process_info(self(), messages)})
    end.

events_reach_a_process_of_this_node_test(Config) ->
    Node = node_with(Config, "orders"),
    Ref = attach(Node, [[shop, order, start], [shop, order, stop], [shop, order, exception]]),
    ok = gen_server:call({orders, Node}, {order, book, 7}),
    {#{monotonic_time := _, system_time := _}, #{item := book, telemetry_span_context := S}} =
        event([shop, order, start], Ref),
    {#{duration := D}, #{item := book, price := 7, telemetry_span_context := S}} =
        event([shop, order, stop], Ref),
    true = is_integer(D) andalso D >= 0,
    {error, einval} = gen_server:call({orders, Node}, {order, book, -1}),
    {#{duration := _}, #{kind := error, reason := einval, stacktrace := []}} =
        event([shop, order, exception], Ref),
    {1, 7} = gen_server:call({totals, Node}, get).

events_are_detached_test(Config) ->
    Node = node_with(Config, "orders"),
    Ref = attach(Node, [[shop, order, stop]]),
    ok = rpc:call(Node, telemetry, detach, [Ref]),
    {error, not_found} = rpc:call(Node, telemetry, detach, [Ref]),
    ok = gen_server:call({orders, Node}, {order, book, 7}),
    {1, 7} = gen_server:call({totals, Node}, get),
    fixture:no_message().

%% A handler is one of at most 1,024, so who has gone must not keep one.
end_of_a_subscriber_takes_its_handler_test(Config) ->
    Node = node_with(Config, "orders"),
    Me = self(),
    {Pid, Mon} = spawn_monitor(fun() ->
        Me ! {attached, attach(Node, [[a, b]])},
        receive stop -> ok end
    end),
    Ref = receive {attached, R} -> R end,
    Own = attach(Node, [[a, b]]),
    [Ref, Own] = [Id || #{id := Id} <- rpc:call(Node, telemetry, list_handlers, [[a]])],
    Pid ! stop,
    normal = fixture:down(Mon),
    fixture:eventually(fun() ->
        [Own] =:= [Id || #{id := Id} <- rpc:call(Node, telemetry, list_handlers, [[a]])]
    end),
    %% and one that is dead already
    Dead = rpc:call(Node, telemetry_test, attach_event_handlers, [Pid, [[a, b]]]),
    true = is_reference(Dead),
    fixture:eventually(fun() ->
        [Own] =:= [Id || #{id := Id} <- rpc:call(Node, telemetry, list_handlers, [[a]])]
    end).

events_of_the_node_itself_test(Config) ->
    Node = node_with(Config, "orders"),
    Ref = attach(Node, [[flitch, process, exit], [flitch, supervisor, child, start]]),
    Old = rpc:call(Node, erlang, whereis, [orders]),
    exit(Old, kill),
    {#{system_time := _}, #{behaviour := orders, name := orders, reason := killed}} =
        exit_event(Old, Ref),
    {_, #{supervisor := {local, flitch_sup}, id := orders, pid := New}} =
        event([flitch, supervisor, child, start], Ref),
    true = is_pid(New) andalso New =/= Old.

%% Workers of rpc end, too.
exit_event(Pid, Ref) ->
    case event([flitch, process, exit], Ref) of
        {_, #{pid := Pid}} = Event -> Event;
        _ -> exit_event(Pid, Ref)
    end.

events_of_calls_test(Config) ->
    Node = node_with(Config, "orders"),
    Ref = attach(Node, [[flitch, call, stop], [flitch, call, exception]]),
    Me = self(),
    ok = gen_server:call({orders, Node}, {order, book, 7}),
    {#{duration := _}, #{behaviour := orders, caller := Me}} = call_of(orders, Ref),
    _ = (catch gen_server:call({orders, Node}, odd)),
    {_, #{behaviour := orders, reason := {bad_call, odd}}} = event([flitch, call, exception], Ref).

call_of(Behaviour, Ref) ->
    case event([flitch, call, stop], Ref) of
        {_, #{behaviour := Behaviour}} = Event -> Event;
        _ -> call_of(Behaviour, Ref)
    end.

handlers_are_listed_test(Config) ->
    Node = node_with(Config, "orders"),
    Ref = attach(Node, [[a, b], [c]]),
    Me = self(),
    [#{id := Ref, event_name := [a, b], config := #{dest_pid := Me, ref := Ref}}] =
        rpc:call(Node, telemetry, list_handlers, [[a]]),
    [] = rpc:call(Node, telemetry, list_handlers, [[b]]),
    3 = length(rpc:call(Node, telemetry, list_handlers, [[]])).

execute_reaches_handlers_in_c_test(Config) ->
    Node = node_with(Config, "orders"),
    ok = rpc:call(Node, telemetry, execute, [[shop, order, stop], #{duration => 1}, #{price => 5}]),
    ok = rpc:call(Node, telemetry, execute, [[nobody], #{}]),
    {1, 5} = gen_server:call({totals, Node}, get).

bad_event_names_are_badarg_test(Config) ->
    Node = node_with(Config, "orders"),
    [{badrpc, {'EXIT', {badarg, _}}} = attach(Node, [Name]) || Name <- [a, [], [1], "text"]],
    {badrpc, {'EXIT', {function_clause, _}}} =
        rpc:call(Node, telemetry, execute, [not_a_list, #{}, #{}]).

%% ---- resilience -------------------------------------------------------------------------------

ask(Node, Request) -> gen_server:call({gateway, Node}, Request, 60000).

%% The bank is a process of this node with a proxy of that name there.
state(Node) -> sys:get_state({gateway, Node}).

breaker_opens_and_closes_again_test(Config) ->
    Node = node_with(Config, "gateway"),
    #{state := closed, failures := 0} = state(Node),
    [{error, failed} = ask(Node, pay) || _ <- [1, 2, 3]],
    #{state := open, opened := 1} = state(Node),
    {error, open} = ask(Node, pay),
    fixture:eventually(fun() -> ask(Node, pay) =:= {error, failed} end),
    #{state := open, opened := 2} = state(Node).

rate_is_limited_test(Config) ->
    Node = node_with(Config, "gateway"),
    Answers = [ask(Node, pay) || _ <- lists:seq(1, 200)],
    true = lists:member({error, too_many}, Answers),
    [{error, failed}, {error, failed}, {error, failed}, {error, open} | _] = Answers.

%% counter is loaded there; the gateway asks `bank`, whose name a probe takes.
bulkhead_is_full_test(Config) ->
    Node = node_with(Config, "gateway"),
    Bank = fixture:probe(Node, [{name, bank}]),
    {Ref, File} = fixture:blocked(Config, Bank),
    Me = self(),
    _ = spawn_link(fun() -> Me ! {answer, ask(Node, {do, self})} end),
    fixture:eventually(fun() -> #{passed := P} = state(Node), P =:= 1 end),
    {error, full} = ask(Node, {do, self}),
    fixture:unblock({Ref, File}),
    receive {answer, Answer} -> Bank = Answer after 60000 -> exit(no_answer) end.
