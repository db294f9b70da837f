%% SPDX-License-Identifier: Apache-2.0
%% rpc, erpc, spawn and rex as every release asks for them: values, throws, errors, exits, undef,
%% timeouts. What does not depend on flitch's own choices also holds for an Erlang peer.
-module(t_rpc).
-export([rpc_returns_values_test/1, rpc_of_unknown_function_is_undef_test/1,
         rpc_bad_argument_is_badarg_test/1, rpc_outcomes_test/1, rpc_timeout_test/1,
         rpc_cast_test/1, rpc_multicall_test/1, rpc_async_test/1, block_call_test/1,
         many_rpcs_at_once_test/1, large_arguments_test/1, small_integer_arguments_test/1,
         erpc_returns_values_test/1, erpc_outcomes_test/1, erpc_timeout_test/1, erpc_cast_test/1, functions_of_a_module_test/1,
         erpc_of_a_fun_is_a_clear_error_test/1, erpc_of_an_external_fun_runs_test/1,
         rpc_to_a_third_node_comes_back_test/1,
         spawn_of_a_fun_ends_at_once_test/1, spawn_link_and_monitor_test/1,
         spawn_of_unknown_function_test/1, spawn_bad_option_test/1,
         spawned_process_is_killed_test/1,
         rex_call_by_message_test/1, rex_features_test/1, sbcast_test/1, abcast_test/1,
         gen_server_call_through_rpc_test/1, nodes_and_names_test/1, exit_by_rpc_test/1,
         ping_and_connect_test/1, remote_shell_is_refused_test/1,
         remote_shell_is_told_why_test/1, asks_for_a_shell/1, code_is_not_there_test/1,
         stop_is_off_test/1, node_goes_on_after_all_that_test/1, user_takes_output_test/1,
         group_leader_output_test/1, logger_proxy_takes_events_test/1, rex_cannot_be_killed_test/1]).

is_beam(Node) -> rpc:call(Node, erlang, system_info, [machine]) =:= "BEAM".

%% ---- rpc ----------------------------------------------------------------------------------------

rpc_returns_values_test(#{node := Node}) ->
    Node = rpc:call(Node, erlang, node, []),
    undefined = rpc:call(Node, erlang, whereis, [nobody_has_this_name]),
    true = is_pid(rpc:call(Node, erlang, whereis, [counter])),
    {Node, Pid} = {node(rpc:call(Node, erlang, whereis, [rex])),
                   rpc:call(Node, erlang, whereis, [rex])},
    true = rpc:call(Node, erlang, is_process_alive, [Pid]),
    Node = rpc:call(Node, erlang, apply, [erlang, node, []]),
    Node = rpc:block_call(Node, erlang, node, []).

rpc_of_unknown_function_is_undef_test(#{node := Node}) ->
    {badrpc, {'EXIT', {undef, [{no_module, no_function, [1, a], []} | _]}}} =
        rpc:call(Node, no_module, no_function, [1, a]),
    {badrpc, {'EXIT', {undef, [{erlang, whereis, [1, 2, 3], []} | _]}}} =
        rpc:call(Node, erlang, whereis, [1, 2, 3]).

rpc_bad_argument_is_badarg_test(#{node := Node}) ->
    {badrpc, {'EXIT', {badarg, [{erlang, whereis, ["x"], _} | _]}}} =
        rpc:call(Node, erlang, whereis, ["x"]),
    {badrpc, {'EXIT', {badarg, [{erlang, is_process_alive, [_], _} | _]}}} =
        rpc:call(Node, erlang, is_process_alive, [self()]).

rpc_outcomes_test(#{node := Node}) ->
    {thrown, 1} = rpc:call(Node, erlang, throw, [{thrown, 1}]),
    {badrpc, {'EXIT', gone}} = rpc:call(Node, erlang, exit, [gone]),
    {badrpc, {'EXIT', {wrong, [_ | _]}}} = rpc:call(Node, erlang, error, [wrong]),
    {badrpc, nodedown} = rpc:call('nobody@127.0.0.1', erlang, node, []).

rpc_timeout_test(#{node := Node}) ->
    ok = sys:suspend({counter, Node}),
    {badrpc, timeout} = rpc:call(Node, gen_server, call, [counter, get, infinity], 100),
    ok = sys:resume({counter, Node}),
    N = rpc:call(Node, gen_server, call, [counter, get], 60000),
    true = is_integer(N).

rpc_cast_test(#{node := Node}) ->
    true = rpc:cast(Node, erlang, send, [self(), {cast, 1}]),
    receive {cast, 1} -> ok after 60000 -> exit(no_cast) end,
    rpc:eval_everywhere([Node], erlang, send, [self(), {cast, 2}]),
    receive {cast, 2} -> ok after 60000 -> exit(no_cast) end.

rpc_multicall_test(#{node := Node}) ->
    Me = node(),
    {[Me, Node], ['nobody@127.0.0.1']} =
        rpc:multicall([Me, Node, 'nobody@127.0.0.1'], erlang, node, []).

rpc_async_test(#{node := Node}) ->
    Keys = [{N, rpc:async_call(Node, gen_server, call, [{echo, Node}, N])} || N <- lists:seq(1, 50)],
    [N = rpc:yield(Key) || {N, Key} <- lists:reverse(Keys)].

block_call_test(#{node := Node}) ->
    [N = rpc:block_call(Node, gen_server, call, [echo, N]) || N <- lists:seq(1, 20)],
    {badrpc, {'EXIT', {undef, _}}} = rpc:block_call(Node, no_module, f, []).

many_rpcs_at_once_test(#{node := Node}) ->
    Self = self(),
    [spawn_link(fun() ->
         [N = rpc:call(Node, gen_server, call, [echo, N]) || N <- lists:seq(1, 100)],
         Self ! done
     end) || _ <- lists:seq(1, 50)],
    [receive done -> ok after 60000 -> exit(slow) end || _ <- lists:seq(1, 50)].

large_arguments_test(#{node := Node}) ->
    Term = {binary:copy(<<"0123456789">>, 300000), lists:seq(1, 1000)},
    Term = rpc:call(Node, gen_server, call, [echo, Term]).

small_integer_arguments_test(#{node := Node}) ->
    {badrpc, {'EXIT', {undef, [{m, f, [1, 2], []} | _]}}} = rpc:call(Node, m, f, [1, 2]),
    {badrpc, {'EXIT', {undef, [{m, f, [], []} | _]}}} = rpc:call(Node, m, f, []).

%% ---- erpc ---------------------------------------------------------------------------------------

caught(F) ->
    try {value, F()} catch Class:Reason -> {Class, Reason} end.

erpc_returns_values_test(#{node := Node}) ->
    Node = erpc:call(Node, erlang, node, []),
    [N = erpc:call(Node, gen_server, call, [echo, N]) || N <- lists:seq(1, 20)],
    [{ok, Node}] = erpc:multicall([Node], erlang, node, []).

erpc_outcomes_test(#{node := Node}) ->
    {throw, x} = caught(fun() -> erpc:call(Node, erlang, throw, [x]) end),
    {exit, {exception, x}} = caught(fun() -> erpc:call(Node, erlang, exit, [x]) end),
    {error, {exception, x, [_ | _]}} = caught(fun() -> erpc:call(Node, erlang, error, [x]) end),
    {error, {exception, undef, [{m, f, [1], []} | _]}} =
        caught(fun() -> erpc:call(Node, m, f, [1]) end),
    {error, {exception, badarg, [{erlang, whereis, [1], _} | _]}} =
        caught(fun() -> erpc:call(Node, erlang, whereis, [1]) end),
    {error, {erpc, noconnection}} =
        caught(fun() -> erpc:call('nobody@127.0.0.1', erlang, node, []) end).

%% examples/calc.c, by each way that runs functions.
functions_of_a_module_test(#{node := Node}) ->
    case is_beam(Node) of
        true -> ok;
        false -> functions_of_a_module(Node)
    end.

functions_of_a_module(Node) ->
    6 = rpc:call(Node, calc, sum, [[1, 2, 3]]),
    0 = erpc:call(Node, calc, sum, [[]]),
    Long = lists:seq(-10, 1000),
    Sum = lists:sum(Long),
    Sum = erpc:call(Node, calc, sum, [Long]),
    Sum = erpc:receive_response(erpc:send_request(Node, calc, sum, [Long])),
    {badrpc, {'EXIT', {badarg, [{calc, sum, [[a]], _} | _]}}} = rpc:call(Node, calc, sum, [[a]]),
    {error, {exception, badarg, [{calc, sum, [[1 | 2]], _} | _]}} =
        caught(fun() -> erpc:call(Node, calc, sum, [[1 | 2]]) end),
    {error, {exception, undef, [{calc, sum, [1, 2], _} | _]}} =
        caught(fun() -> erpc:call(Node, calc, sum, [1, 2]) end),
    true = erpc:call(Node, erlang, function_exported, [calc, sum, 1]).

erpc_timeout_test(#{node := Node}) ->
    ok = sys:suspend({echo, Node}),
    {error, {erpc, timeout}} =
        caught(fun() -> erpc:call(Node, gen_server, call, [echo, 1, infinity], 100) end),
    ok = sys:resume({echo, Node}).

erpc_cast_test(#{node := Node}) ->
    ok = erpc:cast(Node, erlang, send, [self(), cast]),
    receive cast -> ok after 60000 -> exit(no_cast) end,
    ok = erpc:multicast([Node], erlang, send, [self(), multicast]),
    receive multicast -> ok after 60000 -> exit(no_cast) end.

erpc_of_a_fun_is_a_clear_error_test(#{node := Node}) ->
    Start = erlang:monotonic_time(millisecond),
    Result = caught(fun() -> erpc:call(Node, fun() -> 1 end) end),
    case is_beam(Node) of
        true -> ok;
        false ->
            {error, {exception, {cannot_run_erlang_code, Text}, [_ | _]}} = Result,
            true = is_binary(Text)
    end,
    true = erlang:monotonic_time(millisecond) - Start < 30000.

erpc_of_an_external_fun_runs_test(#{node := Node}) ->
    Node = erpc:call(Node, fun erlang:node/0).

rpc_to_a_third_node_comes_back_test(#{node := Node}) ->
    Me = node(),
    Me = rpc:call(Node, rpc, call, [Me, erlang, node, []]),
    Node = rpc:call(Node, rpc, call, [Node, erlang, node, []]),
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, rpc, call, [Me, m, f, []]).

%% ---- spawn --------------------------------------------------------------------------------------

down(Pid, Ref) ->
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason after 60000 -> exit(no_down) end.

spawn_of_a_fun_ends_at_once_test(#{node := Node}) ->
    {Pid, Ref} = spawn_monitor(Node, fun() -> ok end),
    Node = node(Pid),
    Reason = down(Pid, Ref),
    case is_beam(Node) of
        true -> ok;
        false -> {{cannot_run_erlang_code, _}, [{erlang, apply, [_, []], []}]} = Reason
    end.

spawn_link_and_monitor_test(#{node := Node}) ->
    process_flag(trap_exit, true),
    Linked = spawn_link(Node, erlang, exit, [bye]),
    receive {'EXIT', Linked, bye} -> ok after 60000 -> exit(no_exit) end,
    {Pid, Ref} = spawn_monitor(Node, erlang, node, []),
    normal = down(Pid, Ref),
    {Both, BothRef} = spawn_opt(Node, erlang, exit, [both], [link, monitor, {priority, high}]),
    both = down(Both, BothRef),
    receive {'EXIT', Both, both} -> ok after 60000 -> exit(no_exit) end,
    {Thrown, ThrownRef} = spawn_monitor(Node, erlang, throw, [ball]),
    {{nocatch, ball}, [_ | _]} = down(Thrown, ThrownRef),
    OfProcLib = proc_lib:spawn_link(Node, erlang, exit, [{shutdown, bye}]),
    receive {'EXIT', OfProcLib, {shutdown, bye}} -> ok after 60000 -> exit(no_exit) end,
    process_flag(trap_exit, false).

spawn_of_unknown_function_test(#{node := Node}) ->
    {Pid, Ref} = spawn_monitor(Node, no_module, f, [1, 2]),
    {undef, [{no_module, f, [1, 2], []} | _]} = down(Pid, Ref).

spawn_bad_option_test(#{node := Node}) ->
    {error, badarg} = caught(fun() -> spawn_opt(Node, erlang, node, [], [nonsense]) end),
    Node = rpc:call(Node, erlang, node, []).

spawned_process_is_killed_test(#{node := Node}) ->
    ok = sys:suspend({echo, Node}),
    {Pid, Ref} = spawn_monitor(Node, gen_server, call, [echo, x, infinity]),
    true = rpc:call(Node, erlang, is_process_alive, [Pid]),
    exit(Pid, kill),
    killed = down(Pid, Ref),
    false = rpc:call(Node, erlang, is_process_alive, [Pid]),
    ok = sys:resume({echo, Node}).

%% ---- rex ----------------------------------------------------------------------------------------

%% What ei_rpc and erl_call send.
rex_call_by_message_test(#{node := Node}) ->
    {rex, Node} ! {self(), {call, erlang, node, [], group_leader()}},
    receive {rex, Node} -> ok after 60000 -> exit(no_answer) end,
    {rex, Node} ! {self(), {call, no_module, f, [], user}},
    receive {rex, {badrpc, {'EXIT', {undef, _}}}} -> ok after 60000 -> exit(no_answer) end.

rex_features_test(#{node := Node}) ->
    {rex, Node} ! {self(), features_request},
    receive {features_reply, Node, Features} -> true = lists:member(erpc, Features)
    after 60000 -> exit(no_answer) end.

sbcast_test(#{node := Node}) ->
    {[Node], []} = rpc:sbcast([Node], echo, hello),
    {[], [Node]} = rpc:sbcast([Node], nobody_has_this_name, hello).

abcast_test(#{node := Node}) ->
    abcast = rpc:abcast([Node], echo, hello).

%% The node's own processes are nobody's to end: a peer's exit signal is ignored.
rex_cannot_be_killed_test(#{node := Node}) ->
    case is_beam(Node) of
        true -> ok; % there the whole node would end
        false ->
            Rex = rpc:call(Node, erlang, whereis, [rex]),
            true = exit(Rex, kill),
            _ = rpc:call(Node, erlang, exit, [Rex, kill]),
            Rex = rpc:call(Node, erlang, whereis, [rex]),
            Node = rpc:block_call(Node, erlang, node, [])
    end.

%% ---- through the node ---------------------------------------------------------------------------

gen_server_call_through_rpc_test(#{node := Node}) ->
    Counter = rpc:call(Node, erlang, whereis, [counter]),
    N = rpc:call(Node, gen_server, call, [Counter, get]),
    N = rpc:call(Node, gen_server, call, [{counter, Node}, get, 1000]),
    ok = rpc:call(Node, gen_server, cast, [counter, reset]),
    0 = rpc:call(Node, gen_server, call, [counter, get]),
    {badrpc, {'EXIT', {noproc, {gen_server, call, [nobody_has_this_name, get]}}}} =
        rpc:call(Node, gen_server, call, [nobody_has_this_name, get]),
    {badrpc, {'EXIT', {{nodedown, 'nobody@127.0.0.1'}, {gen_server, call, _}}}} =
        rpc:call(Node, gen_server, call, [{x, 'nobody@127.0.0.1'}, get]),
    ok = rpc:call(Node, gen_server, cast, [{echo, 'nobody@127.0.0.1'}, x]).

nodes_and_names_test(#{node := Node}) ->
    Connected = rpc:call(Node, erlang, nodes, [connected]),
    true = lists:member(node(), Connected),
    [Node] = rpc:call(Node, erlang, nodes, [this]),
    true = is_list(rpc:call(Node, erlang, nodes, [])),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, erlang, nodes, [nonsense]),
    Registered = rpc:call(Node, erlang, registered, []),
    [true = lists:member(Name, Registered) || Name <- [rex, net_kernel, user, counter, echo]],
    Pids = rpc:call(Node, erlang, processes, []),
    true = lists:member(rpc:call(Node, erlang, whereis, [echo]), Pids).

exit_by_rpc_test(#{node := Node}) ->
    Victim = spawn(fun() -> receive stop -> ok end end),
    Ref = monitor(process, Victim),
    true = rpc:call(Node, erlang, exit, [Victim, {ended, by_rpc}]),
    {ended, by_rpc} = down(Victim, Ref).

ping_and_connect_test(#{node := Node}) ->
    Me = node(),
    true = rpc:call(Node, net_kernel, connect_node, [Me]),
    false = rpc:call(Node, net_kernel, connect_node, ['nobody@127.0.0.1']),
    pong = rpc:call(Node, net_adm, ping, [Me]),
    pang = rpc:call(Node, net_adm, ping, ['nobody@127.0.0.1']),
    true = is_integer(rpc:call(Node, net_kernel, get_net_ticktime, [])),
    yes = gen_server:call({net_kernel, Node}, {is_auth, Me}).

remote_shell_is_refused_test(#{node := Node}) ->
    case is_beam(Node) of
        true -> ok;
        false ->
            {error, nofile} = rpc:call(Node, code, ensure_loaded, [shell]),
            {Pid, Ref} = spawn_monitor(Node, shell, start, []),
            {{cannot_run_erlang_code, _}, _} = down(Pid, Ref)
    end.

%% `erl -remsh` shows no reason of its own: its `user` is told, as is the log of the C node.
remote_shell_is_told_why_test(#{node := Node} = Config) ->
    case is_beam(Node) of
        true -> ok;
        false -> remote_shell_is_told_why(Config)
    end.

remote_shell_is_told_why(Config) ->
    #{node := Name} = C = fixture:c_node(Config, []),
    #{node := Beam} = B = fixture:beam_node(Config, []),
    pong = net_adm:ping(Beam),
    true = fixture:peer_call(B, ?MODULE, asks_for_a_shell, [Name]),
    _ = fixture:line(B, "this is a C node (flitch)"),
    _ = fixture:line(C, "asks for a shell here, and gets none").

asks_for_a_shell(Name) ->
    group_leader(whereis(user), self()),
    {badrpc, {'EXIT', {{cannot_run_erlang_code, _}, _}}} = rpc:call(Name, shell, start, []),
    true.

code_is_not_there_test(#{node := Node}) ->
    case is_beam(Node) of
        true -> ok;
        false ->
            false = rpc:call(Node, code, is_loaded, [lists]),
            non_existing = rpc:call(Node, code, which, [lists]),
            {error, _} = rpc:call(Node, code, load_binary, [m, "m.beam", <<>>]),
            [{flitch, _, _} | _] = rpc:call(Node, application, which_applications, [])
    end,
    {started, started} = rpc:call(Node, init, get_status, []).

stop_is_off_test(#{node := Node}) ->
    case is_beam(Node) of
        true -> ok;
        false ->
            {badrpc, {'EXIT', {{notsup, _}, _}}} = rpc:call(Node, init, stop, []),
            {badrpc, {'EXIT', {{notsup, _}, _}}} = rpc:call(Node, erlang, halt, [1]),
            {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, os, cmd, ["id"])
    end.

node_goes_on_after_all_that_test(#{node := Node}) ->
    pong = net_adm:ping(Node).

%% ---- output -------------------------------------------------------------------------------------

user_takes_output_test(#{node := Node}) ->
    User = rpc:call(Node, erlang, whereis, [user]),
    ok = io:format(User, "~s of ~p~n", ["output", node()]),
    ok = io:put_chars(User, [<<"bytes ">>, 8364, "\n"]),
    ok = io:write(User, {a, "term"}),
    ok = io:nl(User),
    ok = io:setopts(User, [{encoding, unicode}]),
    ok = io:setopts(User, [binary, {encoding, latin1}]),
    Options = io:getopts(User),
    true = proplists:get_value(binary, Options),
    latin1 = proplists:get_value(encoding, Options),
    ok = io:setopts(User, [list, {encoding, unicode}]),
    {error, enotsup} = io:setopts(User, [{nonsense, 1}]),
    [{error, enotsup}, {error, enotsup}] = [io:columns(User), io:rows(User)],
    case is_beam(Node) of
        true -> ok;
        false ->
            [eof, eof, eof] = [io:get_line(User, "> "), io:get_chars(User, "", 3),
                               io:fread(User, "", "~d")],
            {error, enotsup} = io:get_password(User)
    end.

%% A process here whose group leader is there.
group_leader_output_test(#{node := Node}) ->
    User = rpc:call(Node, erlang, whereis, [user]),
    {Pid, Ref} = spawn_monitor(fun() ->
        group_leader(User, self()),
        ok = io:format("~p has its leader elsewhere~n", [self()]),
        exit(done)
    end),
    done = down(Pid, Ref).

logger_proxy_takes_events_test(#{node := Node}) ->
    {logger_proxy, Node} ! {log, error, "an ~p of ~s", [event, "a test"],
                            #{pid => self(), gl => group_leader(), time => 0}},
    {logger_proxy, Node} ! {log, info, #{report => [1, 2]}, #{}},
    pong = net_adm:ping(Node).
