%% SPDX-License-Identifier: Apache-2.0
%% A C server as a client of BEAM processes: calls, casts, sends, requests, aliases, timers, names.
-module(t_outgoing).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, told/2, down/1, no_message/0]).
-behaviour(gen_server).

%% ---- a server here ----------------------------------------------------------------------------

server() ->
    {ok, Pid} = gen_server:start(?MODULE, self(), []),
    Pid.

server(Name) ->
    {ok, Pid} = gen_server:start({local, Name}, ?MODULE, self(), []),
    Pid.

init(Test) -> {ok, Test}.

handle_call({answer, Term}, _From, Test) -> {reply, Term, Test};
handle_call(from, From, Test) -> {reply, is_tuple(From), Test};
handle_call(never, From, Test) -> Test ! {asked, From}, {noreply, Test};
handle_call({stop, Reason}, _From, Test) -> {stop, Reason, Test};
handle_call({call_back, Pid, Request}, _From, Test) ->
    {reply, gen_server:call(Pid, Request), Test}.

handle_cast(Message, Test) -> Test ! {cast, Message}, {noreply, Test}.

handle_info(Message, Test) -> Test ! {info, Message}, {noreply, Test}.

%% ---- calls ------------------------------------------------------------------------------------

call_test(#{node := Node}) ->
    Pid = probe(Node),
    Server = server(),
    [{ok, Term} = do(Pid, {call, Server, {answer, Term}, 60000})
     || Term <- [ok, {a, "term"}, <<0:80000>>, #{}, [1 | 2]]],
    {ok, true} = do(Pid, {call, Server, from, 60000}).

call_by_name_test(#{node := Node}) ->
    Pid = probe(Node),
    Server = server(called_by_name),
    {ok, yes} = do(Pid, {call, {called_by_name, node()}, {answer, yes}, 60000}),
    ok = gen_server:stop(Server),
    {exit, noproc} = do(Pid, {call, {called_by_name, node()}, {answer, yes}, 60000}).

call_of_a_server_that_ends_test(#{node := Node}) ->
    ok = logger:set_primary_config(level, none), %% these reports are no news
    Pid = probe(Node),
    {exit, {the, "reason"}} = do(Pid, {call, server(), {stop, {the, "reason"}}, 60000}),
    {exit, normal} = do(Pid, {call, server(), {stop, normal}, 60000}).

call_of_the_dead_test(#{node := Node}) ->
    Server = server(),
    ok = gen_server:stop(Server),
    {exit, noproc} = do(probe(Node), {call, Server, x, 60000}).

call_that_times_out_test(#{node := Node}) ->
    Pid = probe(Node),
    {error, timeout} = do(Pid, {call, server(), never, 30}),
    receive {asked, From} -> gen_server:reply(From, late) after 60000 -> exit(not_asked) end,
    {ok, next} = do(Pid, {call, server(), {answer, next}, 60000}),
    Pid = do(Pid, self),
    no_message().

call_of_a_node_that_is_not_there_test(#{node := Node}) ->
    {exit, Reason} = do(probe(Node), {call, {x, 'nobody@127.0.0.1'}, x, 60000}),
    true = Reason =:= noconnection orelse Reason =:= {nodedown, 'nobody@127.0.0.1'}.

call_of_its_like_test(#{node := Node}) ->
    Pid = probe(Node),
    Other = probe(Node),
    {ok, Other} = do(Pid, {call, Other, {do, self}, 60000}),
    {ok, {echoed}} = do(Pid, {call, echo, {echoed}, 60000}),
    {exit, noproc} = do(Pid, {call, nobody_here, x, 60000}),
    {exit, oops} = do(Pid, {call, Other, {stop, oops}, 60000}),
    {error, timeout} = do(Pid, {call, probe(Node), later, 20}).

%% While it waits, others are served; what comes to it waits.
call_that_waits_delays_nobody_test(#{node := Node}) ->
    Pid = probe(Node),
    Id = gen_server:send_request(Pid, {do, {call, server(), never, 60000}}),
    From = receive {asked, F} -> F after 60000 -> exit(not_asked) end,
    fixture:repeat(1000, fun() -> x = gen_server:call({echo, Node}, x) end),
    Waiting = gen_server:send_request(Pid, {do, self}),
    timeout = gen_server:wait_response(Waiting, 20),
    gen_server:reply(From, {at, last}),
    {reply, {ok, {at, last}}} = gen_server:wait_response(Id, 60000),
    {reply, Pid} = gen_server:wait_response(Waiting, 60000).

many_calls_that_wait_test(#{node := Node}) ->
    Server = server(),
    Ids = [gen_server:send_request(probe(Node), {do, {call, Server, never, 60000}})
           || _ <- lists:seq(1, 50)],
    Froms = [receive {asked, From} -> From after 60000 -> exit(not_asked) end || _ <- Ids],
    x = gen_server:call({echo, Node}, x),
    [gen_server:reply(From, done) || From <- Froms],
    [{reply, {ok, done}} = gen_server:wait_response(Id, 60000) || Id <- Ids].

%% Those who find no thread left are told so: the node itself never waits.
more_calls_than_threads_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--set", "limits.threads=4"]),
    Server = server(),
    Ids = [gen_server:send_request(probe(Node), {do, {call, Server, never, 60000}})
           || _ <- lists:seq(1, 20)],
    fixture:repeat(100, fun() -> x = gen_server:call({echo, Node}, x) end),
    {Waiting, Froms} = refused_or_asked(Ids, []),
    true = length(Waiting) < length(Ids) andalso Waiting =/= [],
    [gen_server:reply(From, done) || From <- Froms],
    [{reply, {ok, done}} = gen_server:wait_response(Id, 60000) || Id <- Waiting].

%% Until each of them has either been refused or reached the server here: {those, who asked here}.
refused_or_asked(Waiting, Froms) when length(Waiting) =:= length(Froms) -> {Waiting, Froms};
refused_or_asked(Waiting, Froms) ->
    receive
        {asked, From} -> refused_or_asked(Waiting, [From | Froms]);
        Message ->
            Is = fun(Id) -> {reply, {error, limit}} =:= gen_server:check_response(Message, Id) end,
            case lists:filter(Is, Waiting) of
                [Refused] -> refused_or_asked(lists:delete(Refused, Waiting), Froms);
                [] -> exit({unexpected, Message, length(Waiting), length(Froms)})
            end
    after 60000 -> exit({neither, length(Waiting), length(Froms)})
    end.

call_back_while_called_test(#{node := Node}) ->
    Pid = probe(Node),
    Other = probe(Node),
    {ok, Other} = do(Pid, {call, server(), {call_back, Other, {do, self}}, 60000}).

killed_while_it_calls_test(#{node := Node}) ->
    Pid = probe(Node),
    Id = gen_server:send_request(Pid, {do, {call, server(), never, 60000}}),
    receive {asked, _} -> ok after 60000 -> exit(not_asked) end,
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    killed = down(Ref),
    {error, {killed, _}} = gen_server:wait_response(Id, 60000),
    x = gen_server:call({echo, Node}, x).

request_test(#{node := Node}) ->
    ok = logger:set_primary_config(level, none),
    Pid = probe(Node),
    One = do(Pid, {request, server(), {answer, {x, 1}}}),
    {One, {x, 1}} = told(Pid, info),
    Server = server(),
    Two = do(Pid, {request, Server, {stop, oops}}),
    {'DOWN', Two, process, Server, oops} = told(Pid, info),
    Three = do(Pid, {request, {nobody_is_here, node()}, x}),
    {'DOWN', Three, process, _, noproc} = told(Pid, info).

%% ---- casts and messages -----------------------------------------------------------------------

cast_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {cast, server(), {a, "cast"}}),
    receive {cast, {a, "cast"}} -> ok after 60000 -> exit(no_cast) end,
    Server = server(cast_by_name),
    ok = do(Pid, {cast, {cast_by_name, node()}, b}),
    receive {cast, b} -> ok after 60000 -> exit(no_cast) end,
    gen_server:stop(Server),
    ok = do(Pid, {cast, {cast_by_name, node()}, c}),
    no_message().

send_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {send, self(), {hello, Pid}}),
    receive {hello, Pid} -> ok after 60000 -> exit(no_message) end,
    register(sent_by_name, self()),
    ok = do(Pid, {send, {sent_by_name, node()}, <<"by name">>}),
    receive <<"by name">> -> ok after 60000 -> exit(no_message) end,
    ok = do(Pid, {send, {nobody_is_here, node()}, x}),
    ok = do(Pid, {send, Pid, to_itself}),
    to_itself = told(Pid, info).

alias_of_a_beam_process_test(#{release := 23}) -> ok;
alias_of_a_beam_process_test(#{node := Node}) ->
    Pid = probe(Node),
    Alias = apply(erlang, alias, []),
    ok = do(Pid, {send, Alias, by_alias}),
    receive by_alias -> ok after 60000 -> exit(no_message) end,
    true = apply(erlang, unalias, [Alias]),
    ok = do(Pid, {send, Alias, too_late}),
    Pid = do(Pid, self),
    no_message().

alias_of_a_c_server_test(#{release := 23}) -> ok;
alias_of_a_c_server_test(#{node := Node}) ->
    Pid = probe(Node),
    Alias = do(Pid, alias),
    Alias ! {by, alias},
    {by, alias} = told(Pid, info),
    ok = do(Pid, {unalias, Alias}),
    Alias ! too_late,
    Pid = do(Pid, self),
    no_message().

timer_test(#{node := Node}) ->
    Pid = probe(Node),
    _ = do(Pid, {send_after, 10, Pid, {fired, 1}}),
    {fired, 1} = told(Pid, info),
    Timer = do(Pid, {send_after, 100000, Pid, never}),
    ok = do(Pid, {cancel, Timer}),
    {error, enoent} = do(Pid, {cancel, Timer}).

names_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {register, a_name}),
    Pid = do({a_name, Node}, self),
    Pid = do(Pid, {whereis, a_name}),
    {error, taken} = do(probe(Node), {register, a_name}),
    {error, taken} = do(Pid, {register, another_name}),
    ok = do(Pid, {unregister, a_name}),
    undefined = do(Pid, {whereis, a_name}),
    ok = do(Pid, {register, another_name}),
    ok = gen_server:stop(Pid),
    undefined = do(probe(Node), {whereis, another_name}).

start_outcomes_test(#{node := Node}) ->
    {error, exit} = gen_server:call({probe, Node}, {start, [{stop, because}]}),
    {error, enoent} = gen_server:call({probe, Node}, {start, [ignore]}),
    {ok, Pid} = gen_server:call({probe, Node}, {start, [{name, started}]}),
    Pid = do({started, Node}, self),
    {error, exit} = gen_server:call({probe, Node}, {start, [{name, started}]}),
    ok = gen_server:stop(Pid).
