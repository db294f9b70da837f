%% SPDX-License-Identifier: Apache-2.0
%% Calls to a C server: every client function of OTP, and every way in which a server may answer.
-module(t_call).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, told/2, down/1, exit_of/1, no_message/0, eventually/1]).

call_by_name_and_pid_test(#{node := Node}) ->
    Pid = probe(Node),
    Pid = do(Pid, self),
    {a, term} = gen_server:call({echo, Node}, {a, term}),
    {a, term} = gen_server:call({echo, Node}, {a, term}, infinity).

caller_is_known_test(#{node := Node}) ->
    Self = self(),
    Self = gen_server:call(probe(Node), who, infinity).

timed_out_call_leaves_nothing_behind_test(#{node := Node, release := Release}) ->
    Pid = probe(Node),
    {timeout, {gen_server, call, [Pid, later, 50]}} =
        exit_of(fun() -> gen_server:call(Pid, later, 50) end),
    ok = gen_server:cast(Pid, {answer, late}),
    Pid = do(Pid, self),
    %% Without aliases, as before OTP 24, a late answer is a message to whoever asked.
    case Release of
        23 -> receive {Ref, late} when is_reference(Ref) -> ok end;
        _ -> ok
    end,
    no_message().

deferred_reply_test(#{node := Node}) ->
    Pid = probe(Node),
    Asked = spawn_call(Pid, later),
    eventually(fun() -> length(do(Pid, alive)) =:= 1 end),
    ok = gen_server:cast(Pid, {answer, {at, last}}),
    {at, last} = down(Asked).

deferred_replies_in_any_number_test(#{node := Node}) ->
    Pid = probe(Node),
    Asked = [spawn_call(Pid, later) || _ <- lists:seq(1, 10)],
    eventually(fun() -> length(do(Pid, alive)) =:= 10 end),
    [gen_server:cast(Pid, {answer, I}) || I <- lists:seq(1, 10)],
    Answers = [down(Ref) || Ref <- Asked],
    true = lists:seq(1, 10) =:= lists:sort(Answers).

reply_from_a_task_test(#{node := Node}) ->
    Pid = probe(Node),
    from_done = gen_server:call(Pid, {offload, 10}),
    from_the_pool = gen_server:call(Pid, {offload_answer, 10}),
    Pid = do(Pid, self).

server_serves_while_its_task_runs_test(#{node := Node}) ->
    Pid = probe(Node),
    Asked = spawn_call(Pid, {offload, 300}),
    eventually(fun() -> do(Pid, self) =:= Pid end),
    from_done = down(Asked).

second_reply_is_refused_test(#{node := Node}) ->
    Pid = probe(Node),
    once = gen_server:call(Pid, twice),
    Pid = do(Pid, self),
    no_message().

unanswered_call_ends_the_server_test(#{node := Node}) ->
    Pid = probe(Node),
    {Reason, {gen_server, call, _}} = exit_of(fun() -> gen_server:call(Pid, unanswered) end),
    {api_misuse, {no_reply, unanswered}} = Reason.

unknown_call_ends_the_server_test(#{node := Node}) ->
    Pid = probe(Node),
    {{bad_call, {what, 1}}, _} = exit_of(fun() -> gen_server:call(Pid, {what, 1}) end),
    {noproc, _} = exit_of(fun() -> gen_server:call(Pid, {what, 1}) end).

stop_without_reply_gives_the_caller_the_reason_test(#{node := Node}) ->
    Pid = probe(Node),
    {{because, "of", <<"that">>}, _} =
        exit_of(fun() -> gen_server:call(Pid, {stop, {because, "of", <<"that">>}}) end),
    {because, "of", <<"that">>} = told(Pid, terminate).

stop_with_reply_answers_first_test(#{node := Node}) ->
    Pid = probe(Node),
    Ref = monitor(process, Pid),
    bye = gen_server:call(Pid, {stop, shutdown, bye}),
    shutdown = down(Ref).

killed_while_called_test(#{node := Node}) ->
    Pid = probe(Node),
    Asked = spawn_call(Pid, later),
    eventually(fun() -> length(do(Pid, alive)) =:= 1 end),
    exit(Pid, kill),
    {killed, _} = down(Asked).

killed_while_its_handler_blocks_test(#{node := Node}) ->
    Pid = probe(Node),
    Asked = spawn_call(Pid, {do, {block, 500}}),
    exit(Pid, kill),
    case down(Asked) of
        {killed, _} -> ok;
        {noproc, _} -> ok
    end,
    {noproc, _} = exit_of(fun() -> gen_server:call(Pid, who) end).

multi_call_test(#{node := Node}) ->
    fixture:repeat(20, fun() ->
        {[{Node, x}], []} = gen_server:multi_call([Node], echo, x),
        {[{Node, x}], []} = gen_server:multi_call([Node], echo, x, 60000)
    end),
    {[], [Node]} = gen_server:multi_call([Node], nobody_here, x, 60000),
    {[], [Node]} = gen_server:multi_call([Node], nobody_here, x),
    no_message().

multi_call_with_nodes_that_are_not_there_test(#{node := Node}) ->
    {[{Node, x}], ['nobody@127.0.0.1']} =
        gen_server:multi_call([Node, 'nobody@127.0.0.1'], echo, x, 60000).

multi_call_that_times_out_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {register, slow}),
    {[], [Node]} = gen_server:multi_call([Node], slow, later, 50),
    ok = gen_server:cast(Pid, {answer, late}),
    Pid = do(Pid, self),
    no_message().

send_request_test(#{node := Node}) ->
    Pid = probe(Node),
    Ids = [gen_server:send_request({echo, Node}, {n, I}) || I <- lists:seq(1, 100)],
    [{reply, {n, I}} = gen_server:wait_response(Id, 60000)
     || {I, Id} <- lists:zip(lists:seq(1, 100), Ids)],
    Slow = gen_server:send_request(Pid, later),
    timeout = gen_server:wait_response(Slow, 20),
    ok = gen_server:cast(Pid, {answer, now}),
    {reply, now} = gen_server:wait_response(Slow, 60000),
    Ended = gen_server:send_request(Pid, {stop, {the, reason}}),
    {error, {{the, reason}, Pid}} = gen_server:wait_response(Ended, 60000).

receive_response_test(#{release := 23}) -> ok;
receive_response_test(#{node := Node}) ->
    Id = gen_server:send_request({echo, Node}, hello),
    {reply, hello} = gen_server:receive_response(Id, 60000),
    Pid = probe(Node),
    Late = gen_server:send_request(Pid, later),
    timeout = gen_server:receive_response(Late, 20),
    ok = gen_server:cast(Pid, {answer, late}),
    Pid = do(Pid, self),
    no_message().

check_response_test(#{node := Node}) ->
    Id = gen_server:send_request({echo, Node}, hello),
    receive Message -> {reply, hello} = gen_server:check_response(Message, Id)
    after 60000 -> exit(no_response)
    end.

statem_and_event_clients_test(#{node := Node}) ->
    x = gen_statem:call({echo, Node}, x),
    x = gen_statem:call({echo, Node}, x, 60000),
    x = gen_statem:call({echo, Node}, x, {clean_timeout, 60000}),
    x = gen_statem:call({echo, Node}, x, {dirty_timeout, 60000}),
    ok = gen_statem:cast({echo, Node}, x).

plain_tags_of_any_shape_test(#{node := Node}) ->
    Tags = [make_ref(), an_atom, {a, [tuple]}, [improper | tail], <<"binary">>, 17,
            lists:duplicate(2000, deep), #{map => 1}],
    [begin
         {echo, Node} ! {'$gen_call', {self(), Tag}, hello},
         receive {Tag, hello} -> ok after 60000 -> exit({no_reply, Tag}) end
     end || Tag <- Tags].

reply_to_somebody_else_test(#{node := Node}) ->
    Self = self(),
    spawn(fun() -> {echo, Node} ! {'$gen_call', {Self, tag}, {from, another}} end),
    receive {tag, {from, another}} -> ok after 60000 -> exit(no_reply) end.

many_callers_test(#{node := Node}) ->
    Pid = probe(Node),
    Numbers = lists:seq(1, 50),
    Refs = [element(2, spawn_monitor(fun() ->
                [{true, N} = gen_server:call(Pid, {number, N}, infinity) || N <- Numbers]
            end)) || _ <- lists:seq(1, 16)],
    [normal = down(Ref) || Ref <- Refs],
    {800, 0} = do(Pid, numbers).

continue_runs_before_the_next_message_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:call(Pid, {continue, with_this}),
    Pid = do(Pid, self),
    with_this = receive {continue, Pid, What} -> What after 0 -> none end.

continue_from_init_test(#{node := Node}) ->
    Pid = fixture:probe(Node, [{continue, at_once}]),
    at_once = told(Pid, continue).

idle_timeout_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:call(Pid, {timeout, 20}),
    [] = told(Pid, timeout),
    ok = gen_server:call(Pid, {timeout, 1000000}),
    Pid = do(Pid, self),
    no_message().

stop_client_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = gen_server:stop(Pid),
    normal = told(Pid, terminate),
    Other = probe(Node),
    ok = do(Other, {register, to_be_stopped}),
    ok = gen_server:stop({to_be_stopped, Node}, {shutdown, now}, 60000),
    {shutdown, now} = told(Other, terminate),
    noproc = exit_of(fun() -> gen_server:stop({to_be_stopped, Node}) end),
    Third = probe(Node),
    ok = gen_statem:stop(Third).

sys_messages_test(#{node := Node}) ->
    Pid = probe(Node),
    #{total := _} = sys:get_state({counter, Node}),
    {status, Pid, {module, _}, [Dictionary, running, _, _, Misc]} = sys:get_status(Pid),
    {dictionary, Dictionary} = rpc:call(Node, erlang, process_info, [Pid, dictionary]),
    {header, Header} = lists:keyfind(header, 1, Misc),
    true = is_list(lists:flatten(Header)),
    ok = sys:suspend(Pid),
    {status, Pid, _, [_, suspended | _]} = sys:get_status(Pid),
    {timeout, _} = exit_of(fun() -> gen_server:call(Pid, who, 50) end),
    ok = sys:resume(Pid),
    Pid = do(Pid, self),
    ok = sys:terminate(Pid, shutdown),
    shutdown = told(Pid, terminate).

sys_debug_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = sys:trace(Pid, true),
    ok = sys:log(Pid, true),
    {ok, []} = sys:log(Pid, get),
    ok = sys:log(Pid, false),
    {ok, no_statistics} = sys:statistics(Pid, get),
    ok = sys:statistics(Pid, true),
    Pid = do(Pid, self),
    {ok, Figures} = sys:statistics(Pid, get),
    {start_time, {{_, _, _}, {_, _, _}}} = lists:keyfind(start_time, 1, Figures),
    {current_time, {{_, _, _}, {_, _, _}}} = lists:keyfind(current_time, 1, Figures),
    {reductions, _} = lists:keyfind(reductions, 1, Figures),
    {messages_in, 1} = lists:keyfind(messages_in, 1, Figures),
    {messages_out, 1} = lists:keyfind(messages_out, 1, Figures),
    ok = sys:no_debug(Pid),
    {ok, no_statistics} = sys:statistics(Pid, get),
    {error, open_file} = sys:log_to_file(Pid, "/nonexistent/file"),
    {callback_failed, {gen_server, system_replace_state}, {error, {notsup, _}}} =
        try sys:replace_state(Pid, fun(S) -> S end) of New -> {no_error, New}
        catch error:Reason -> Reason
        end,
    Pid = do(Pid, self).

calls_wait_while_suspended_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = sys:suspend(Pid),
    Asked = spawn_call(Pid, {number, 1}),
    Id = gen_server:send_request(Pid, {do, self}),
    timeout = gen_server:wait_response(Id, 50),
    ok = sys:resume(Pid),
    {reply, Pid} = gen_server:wait_response(Id, 60000),
    {true, 1} = down(Asked).

caller_that_gives_up_is_noticed_test(#{node := Node}) ->
    Pid = probe(Node),
    Id = gen_server:send_request(Pid, later),
    [true] = do(Pid, alive),
    {timeout, _} = exit_of(fun() -> gen_server:call(Pid, later, 20) end),
    eventually(fun() -> do(Pid, alive) =:= [true, false] end),
    {Caller, Ref} = spawn_monitor(fun() -> gen_server:call(Pid, later, infinity) end),
    eventually(fun() -> do(Pid, alive) =:= [true, false, true] end),
    exit(Caller, kill),
    killed = down(Ref),
    eventually(fun() -> do(Pid, alive) =:= [true, false, false] end),
    gen_server:cast(Pid, {answer, yes}),
    {reply, yes} = gen_server:wait_response(Id, 60000).

task_is_told_that_its_caller_gave_up_test(#{node := Node}) ->
    Pid = probe(Node),
    {timeout, _} = exit_of(fun() -> gen_server:call(Pid, until_given_up, 30) end),
    yes = told(Pid, given_up).

%% The answer, or the reason of the exit, is the reason of the 'DOWN'.
spawn_call(Pid, Request) ->
    {_, Ref} = spawn_monitor(fun() ->
        exit(try gen_server:call(Pid, Request, 60000) catch exit:Reason -> Reason end)
    end),
    Ref.
