%% SPDX-License-Identifier: Apache-2.0
%% gen_server's and sys's behaviour, case by case: one script, two servers, one of C
%% (tests/interop/servers/scripted.c), one of this VM's own OTP, which is this module.
-module(t_genserver_otp).
-compile([export_all, nowarn_export_all]).
-if(?OTP_RELEASE >= 29).
-compile(nowarn_deprecated_catch).
-endif.
-import(fixture, [eventually/1]).

-define(LIMIT_MS, 60000).

%% ---- the twin ---------------------------------------------------------------------------------

%% What is asked in a handler: {What comes next, replies are sent at once}.
init(ignore) -> ignore;
init({fail, Reason}) -> {stop, Reason};
init(Args) ->
    case act_all(Args, none) of
        {stop, Reason} -> {stop, Reason};
        none -> {ok, false};
        Next -> {ok, false, Next}
    end.

handle_call(log, _, Shown) ->
    Log = lists:reverse(case get(log) of undefined -> []; L -> L end),
    put(log, []),
    {reply, Log, Shown};
handle_call(Request, From, Shown) -> note(call, Request), next(act_all(Request, From), Shown).
handle_cast(Message, Shown) -> note(cast, Message), next(act_all(Message, none), Shown).
handle_info({'EXIT', _, Reason}, Shown) -> note(exit, Reason), {noreply, Shown};
handle_info(Message, Shown) -> note(info, Message), next(act_all(Message, none), Shown).
handle_continue(What, Shown) -> note(continue, What), next(act_all(What, none), Shown).
terminate(Reason, _) -> catch otp_witness ! {terminated, Reason}.
code_change(bad, _, _) -> {error, cannot};
code_change(_, _, _) -> {ok, true}.

note(Kind, Content) -> put(log, [{Kind, Content} | case get(log) of undefined -> []; L -> L end]).

next(none, Shown) -> {noreply, Shown};
next({stop, Reason}, Shown) -> {stop, Reason, Shown};
next(Next, Shown) -> {noreply, Shown, Next}.

act_all({do, Ops}, From) -> lists:foldl(fun(Op, Next) -> act(Op, From, Next) end, none, Ops);
act_all(_, _) -> none.

act(_, _, {stop, _} = Stop) -> Stop;
act({reply, Answer}, From, Next) -> gen_server:reply(From, Answer), Next;
act({reply_saved, Answer}, _, Next) -> gen_server:reply(get(saved), Answer), Next;
act(save, From, Next) -> put(saved, From), Next;
act({stop, Reason}, _, _) -> {stop, Reason};
act({timeout, Ms}, _, _) -> Ms;
act({continue, What}, _, _) -> {continue, What};
act(hibernate, _, _) -> hibernate;
act(trap_exit, _, Next) -> process_flag(trap_exit, true), Next;
act({label, _}, _, Next) -> Next;
act({send_self, Message}, _, Next) -> self() ! Message, Next.

%% ---- the two targets --------------------------------------------------------------------------

alike(Config, Script) -> alike(Config, [], Script).

alike(#{node := Node}, Args, Script) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false ->
            ok = logger:set_primary_config(level, none), %% ends are what this is about
            same(Script, play(gen_server:start(?MODULE, Args, []), Script),
                 play(c(Node, Args), Script))
    end.

c(Node, Args) ->
    Spec = {{scripted, start_link, [Args]}, temporary, 5000, worker, [scripted]},
    gen_server:call({scripts, Node}, {start_child, Spec}).

same(_, Same, Same) -> ok;
same([Op | _], [A | _], [B | _]) when A =/= B -> exit({differs, Op, {otp, A}, {c, B}});
same([_ | Script], [_ | As], [_ | Bs]) -> same(Script, As, Bs).

play({ok, Pid}, Script) ->
    Answers = [op(Pid, Op) || Op <- Script],
    catch gen_server:stop(Pid),
    Answers;
play(Other, Script) -> [Other || _ <- Script].

op(Pid, {call, Ops}) -> call(Pid, {do, Ops});
op(Pid, {call_ms, Ms, Ops}) ->
    try gen_server:call(Pid, {do, Ops}, Ms) catch exit:{R, {gen_server, call, _}} -> {exit, R} end;
op(Pid, {ask, Key, Ops}) ->
    Self = self(),
    spawn(fun() -> Self ! {Key, call(Pid, {do, Ops})} end),
    eventually(fun() -> _ = sys:get_state(Pid), true end);
op(_, {answer, Key}) ->
    receive {Key, Answer} -> Answer after ?LIMIT_MS -> exit({no_answer, Key}) end;
op(Pid, {cast, Ops}) -> gen_server:cast(Pid, {do, Ops});
op(Pid, {info, Ops}) -> Pid ! {do, Ops}, sent;
op(Pid, {send, Message}) -> Pid ! Message, sent;
op(Pid, {cast_term, Message}) -> gen_server:cast(Pid, Message);
op(Pid, log) -> gen_server:call(Pid, log, ?LIMIT_MS);
%% Until sys has logged that many events: a call would end an idle timeout, sys does not.
op(Pid, {events, Count}) ->
    eventually(fun() -> {ok, Events} = sys:log(Pid, get), length(Events) >= Count end),
    events;
op(Pid, {last, Op}) ->
    Ref = monitor(process, Pid),
    Answer = op(Pid, Op),
    {Answer, reason(fixture:down(Ref))};
op(Pid, {stop, Reason}) -> reason(catch gen_server:stop(Pid, Reason, ?LIMIT_MS));
op(Pid, {exit, Reason}) -> exit(Pid, Reason);
op(Pid, {sys, F}) -> sys:F(Pid);
op(Pid, {sys, F, Args}) -> sys_answer(catch apply(sys, F, [Pid | Args]));
op(Pid, {raw, Request}) -> raw(Pid, Request);
op(Pid, status) ->
    {status, Pid, {module, gen_server}, [Dictionary, Running, _, Debug, Misc]} = sys:get_status(Pid),
    [{header, Header}, {data, Data}, {data, _}] = Misc,
    {Running, Debug, lists:sublist(Header, 26), [K || {K, _} <- Data],
     lists:sort([K || {K, _} <- Dictionary, K =/= log, K =/= saved, K =/= '$process_label'])};
op(Pid, statistics) ->
    {ok, List} = sys:statistics(Pid, get),
    case List of
        no_statistics -> none;
        _ -> {[K || {K, _} <- List], proplists:get_value(messages_in, List)}
    end;
op(Pid, send_request) ->
    Request = gen_server:send_request(Pid, {do, [{reply, {got, 1}}]}),
    gen_server:receive_response(Request, ?LIMIT_MS).

raw(Pid, Request) ->
    Ref = make_ref(),
    Pid ! {system, {self(), Ref}, Request},
    receive {Ref, Answer} -> Answer after ?LIMIT_MS -> exit(no_answer) end.

sys_answer({'EXIT', {{callback_failed, _, {Class, Reason}}, _}}) -> {callback_failed, Class, Reason};
sys_answer({'EXIT', {{callback_failed, _, {Class, Reason, _}}, _}}) -> {callback_failed, Class, Reason};
sys_answer(Answer) -> Answer.

call(Pid, Request) ->
    try gen_server:call(Pid, Request, ?LIMIT_MS)
    catch exit:{Reason, {gen_server, call, _}} -> {exit, reason(Reason)}
    end.

reason({'EXIT', Reason}) -> reason(Reason);
reason({{Reason, _}, {sys, terminate, _}}) -> Reason;
reason({Reason, {sys, terminate, _}}) -> Reason;
reason({Reason, Stack}) when is_list(Stack) -> Reason;
reason(Reason) -> Reason.

%% ---- calls, casts, infos ----------------------------------------------------------------------

call_is_answered_test(C) -> alike(C, [{call, [{reply, {a, 1}}]}, log]).
cast_is_handled_test(C) -> alike(C, [{cast, []}, log]).
info_is_handled_test(C) -> alike(C, [{info, []}, {send, any_term}, {send, [1, 2]}, log]).
messages_keep_their_order_test(C) ->
    alike(C, [{cast_term, 1}, {send, 2}, {call, [{reply, 3}]}, {cast_term, 4}, log]).
reply_later_test(C) -> alike(C, [{ask, k, [save]}, {cast, [{reply_saved, late}]}, {answer, k}]).
reply_before_stop_test(C) -> alike(C, [{last, {call, [{reply, bye}, {stop, normal}]}}]).
stop_without_reply_is_the_callers_exit_test(C) -> alike(C, [{last, {call, [{stop, {why, 1}}]}}]).
stop_normal_without_reply_test(C) -> alike(C, [{last, {call, [{stop, normal}]}}]).
call_times_out_test(C) -> alike(C, [{call_ms, 1, [save]}, {call, [{reply, alive}]}]).
late_reply_to_a_timed_out_call_is_dropped_test(C) ->
    alike(C, [{call_ms, 1, [save]}, {call, [{reply_saved, late}, {reply, now}]}]).
waiting_callers_exit_with_the_server_test(C) ->
    alike(C, [{ask, k, [save]}, {last, {cast, [{stop, done}]}}, {answer, k}]).
send_request_test(C) ->
    case maps:get(release, C) >= 24 of true -> alike(C, [send_request]); false -> ok end.

%% ---- init -------------------------------------------------------------------------------------

init_ignores_test(#{node := Node} = C) ->
    case fixture:is_beam(Node) of true -> ok; false -> ignore = c(Node, ignore), ignore(C) end.
ignore(_) -> ignore = gen_server:start(?MODULE, ignore, []), ok.
init_stops_test(C) -> alike(C, {fail, {why, 1}}, [none]).
init_continues_test(C) -> alike(C, {do, [{continue, first}]}, [{cast_term, second}, log]).

%% ---- continue, timeout, hibernate -------------------------------------------------------------

continue_comes_before_messages_test(C) ->
    alike(C, [{sys, suspend}, {cast, [{continue, now}]}, {cast_term, waits}, {sys, resume}, log]).
continue_continues_test(C) ->
    alike(C, [{cast, [{continue, {do, [{continue, second}]}}]}, log]).
continue_stops_test(C) -> alike(C, [{last, {cast, [{continue, {do, [{stop, in_continue}]}}]}}]).
idle_timeout_test(C) ->
    alike(C, [{sys, log, [true]}, {cast, [{timeout, 1}]}, {events, 4}, log]).
message_that_waits_ends_the_timeout_of_zero_test(C) ->
    alike(C, [{sys, suspend}, {cast, [{timeout, 0}]}, {cast_term, waits}, {sys, resume}, log]).
message_ends_the_idle_timeout_test(C) ->
    alike(C, [{cast, [{timeout, 60000}]}, {cast_term, message}, log]).
hibernate_test(C) -> alike(C, [{cast, [hibernate]}, {call, [{reply, awake}]}, log]).

%% ---- ends -------------------------------------------------------------------------------------

stop_is_normal_test(C) -> alike(C, [{last, {stop, normal}}]).
stop_with_a_reason_test(C) -> alike(C, [{last, {stop, shutdown}}]).
stop_with_a_term_test(C) -> alike(C, [{last, {stop, {shutdown, {a, 1}}}}]).
cast_that_stops_test(C) -> alike(C, [{last, {cast, [{stop, {r, "x"}}]}}]).
info_that_stops_test(C) -> alike(C, [{last, {info, [{stop, shutdown}]}}]).
exit_signal_ends_it_test(C) -> alike(C, [{last, {exit, because}}]).
exit_normal_does_not_test(C) -> alike(C, [{exit, normal}, {call, [{reply, alive}]}]).
kill_is_killed_test(C) -> alike(C, [{last, {exit, kill}}]).
kill_cannot_be_trapped_test(C) ->
    alike(C, [{call, [trap_exit, {reply, ok}]}, {last, {exit, kill}}]).
trapped_exit_is_a_message_test(C) ->
    alike(C, [{call, [trap_exit, {reply, ok}]}, {exit, because}, {exit, normal}, log]).

%% ---- sys --------------------------------------------------------------------------------------

get_status_test(C) -> alike(C, [status]).
get_status_of_a_suspended_one_test(C) -> alike(C, [{sys, suspend}, status, {sys, resume}, status]).
suspend_twice_and_resume_test(C) ->
    alike(C, [{sys, suspend}, {sys, suspend}, {cast_term, waits}, {sys, resume}, log]).
suspended_server_answers_sys_test(C) ->
    alike(C, [{sys, suspend}, status, {sys, statistics, [true]}, {sys, resume}]).
suspended_server_can_be_stopped_test(C) -> alike(C, [{sys, suspend}, {last, {stop, shutdown}}]).
change_code_test(C) ->
    alike(C, [{sys, suspend}, {sys, change_code, [t_genserver_otp, old, []]}, {sys, resume},
              {call, [{reply, ok}]}]).
change_code_that_fails_test(C) ->
    alike(C, [{sys, suspend}, {sys, change_code, [t_genserver_otp, bad, []]}, {sys, resume},
              {call, [{reply, ok}]}]).
change_code_of_a_running_server_test(C) ->
    alike(C, [{raw, {change_code, m, old, []}}]).
unknown_system_message_test(C) -> alike(C, [{raw, what}, {raw, {a, b}}]).
unknown_debug_request_test(C) -> alike(C, [{raw, {debug, what}}]).
statistics_test(C) ->
    alike(C, [statistics, {sys, statistics, [true]}, {call, [{reply, 1}]}, {cast_term, x}, log,
              statistics, {sys, statistics, [false]}, statistics]).
log_is_empty_at_first_test(C) -> alike(C, [{sys, log, [get]}, {sys, log, [true]}, {sys, log, [get]}]).
no_debug_ends_all_test(C) ->
    alike(C, [{sys, log, [true]}, {sys, trace, [false]}, {sys, statistics, [true]}, {sys, no_debug},
              {cast_term, x}, {sys, log, [get]}, statistics]).
terminate_request_test(C) -> alike(C, [{last, {raw, {terminate, {by, sys}}}}]).

%% What the C server shows is a term of its own choice; the twin's is its state.
get_state_is_what_it_shows_test(#{node := Node}) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false ->
            {ok, Pid} = c(Node, []),
            {shown, false} = sys:get_state(Pid),
            {shown, true} = sys:replace_state(Pid, fun otp_fun:turn/1),
            {shown, true} = sys:get_state(Pid),
            {'EXIT', _} = (catch sys:replace_state(Pid, fun otp_fun:fail/1)),
            {'EXIT', _} = (catch sys:replace_state(Pid, fun(S) -> S end)),
            {'EXIT', _} = (catch sys:replace_state(Pid, fun otp_fun:no_such/1)),
            {shown, true} = sys:get_state(Pid)
    end.

%% ---- proc_lib ---------------------------------------------------------------------------------

initial_call_and_ancestors_test(#{node := Node}) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false ->
            {ok, Pid} = c(Node, []),
            {dictionary, D} = rpc:call(Node, erlang, process_info, [Pid, dictionary]),
            {scripted, init, 1} = proplists:get_value('$initial_call', D),
            [scripts, flitch_sup] = proplists:get_value('$ancestors', D),
            {scripted, init, 1} = rpc:call(Node, proc_lib, translate_initial_call, [Pid])
    end.

label_of_a_process_test(#{node := Node}) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false ->
            {ok, Pid} = c(Node, []),
            undefined = rpc:call(Node, proc_lib, get_label, [Pid]),
            ok = gen_server:call(Pid, {do, [{label, {worker, 7}}, {reply, ok}]}),
            {worker, 7} = rpc:call(Node, proc_lib, get_label, [Pid]),
            {dictionary, D} = rpc:call(Node, erlang, process_info, [Pid, dictionary]),
            {worker, 7} = proplists:get_value('$process_label', D)
    end.
