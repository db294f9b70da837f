%% SPDX-License-Identifier: Apache-2.0
%% Needs OTP 25.
%% One script, two state machines: one of C (tests/interop/servers/machine.c), one of this VM's own
%% gen_statem, which is this module. Each event has what is to be done in it, {do, [Op]}; the answers
%% and the log of which event was handled in which state are compared.
-module(t_statem).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).

-define(LIMIT_MS, 60000).

%% ---- the twin ---------------------------------------------------------------------------------

-if(?OTP_RELEASE >= 29).
-compile(nowarn_deprecated_catch).
-endif.

callback_mode() ->
    case get(enters) of
        true -> [handle_event_function, state_enter];
        _ -> handle_event_function
    end.

init({Enters, ignore}) -> put(enters, Enters), ignore;
init({Enters, {fail, Reason}}) -> put(enters, Enters), {stop, Reason};
init({Enters, {do, Ops}}) ->
    put(enters, Enters),
    {Next, _, Actions} = act_all(Ops, internal, a, {keep, [], []}),
    {ok, next(Next, a), data, [A || A <- Actions]};
init({Enters, _}) -> put(enters, Enters), {ok, a, data}.

handle_event({call, From}, log, _, Data) ->
    Log = lists:reverse(case get(log) of undefined -> []; L -> L end),
    put(log, []),
    {keep_state, Data, [{reply, From, Log}]};
handle_event(info, {'EXIT', _, _}, _, _) -> keep_state_and_data;
handle_event(enter, Previous, State, _) ->
    note(State, enter, Previous),
    Ops = case get(on_enter) of undefined -> []; O -> O end,
    result(act_all(Ops, enter, State, {keep, [], []}), State);
handle_event(Type, {do, Ops} = Content, State, _) ->
    note(State, Type, Content),
    result(act_all(Ops, Type, State, {keep, [], []}), State);
handle_event(Type, Content, State, _) ->
    note(State, Type, Content),
    keep_state_and_data.

terminate(Reason, State, _) -> catch machine_ends ! {ended, State, Reason}.

note(State, {call, _}, Content) -> note(State, call, Content);
note(State, Type, Content) ->
    put(log, [{State, Type, Content} | case get(log) of undefined -> []; L -> L end]).

next({next, State}, _) -> State;
next(_, State) -> State.

result({{stop, Reason}, _, Actions}, _) ->
    {stop_and_reply, Reason, [A || {reply, _, _} = A <- Actions]};
result({{next, State}, _, Actions}, _) -> {next_state, State, data, Actions};
result({repeat, _, Actions}, _) -> {repeat_state_and_data, Actions};
result({keep, _, Actions}, _) -> {keep_state_and_data, Actions}.

act_all(Ops, Type, State, Acc) -> lists:foldl(fun(Op, A) -> act(Op, Type, State, A) end, Acc, Ops).

act(_, _, _, {{stop, _}, _, _} = Acc) -> Acc;
act({'when', State, Ops}, Type, State, Acc) -> act_all(Ops, Type, State, Acc);
act({'when', _, _}, _, _, Acc) -> Acc;
act({reply, Answer}, {call, From}, _, {N, X, A}) -> {N, X, A ++ [{reply, From, Answer}]};
act({reply_saved, Answer}, _, _, {N, X, A}) -> {N, X, A ++ [{reply, get(saved), Answer}]};
act(save, {call, From}, _, Acc) -> put(saved, From), Acc;
act({next_state, State}, _, _, {_, X, A}) -> {{next, State}, X, A};
act(repeat_state, _, _, {_, X, A}) -> {repeat, X, A};
act({on_enter, Ops}, _, _, Acc) -> put(on_enter, Ops), Acc;
act({stop, Reason}, _, _, {_, X, A}) -> {{stop, Reason}, X, A};
act({Type, {in, Ms}, Content, Options}, _, _, {N, X, A}) ->
    {N, X, A ++ [{Type, erlang:monotonic_time(millisecond) + Ms, Content, Options}]};
act({How, other}, _, _, {N, X, A}) -> {N, X, A ++ [{How, other_module()}]};
act(Action, _, _, {N, X, A}) -> {N, X, A ++ [Action]}.

%% Another callback module: as this one, but that its notes say so, and it has enter calls.
other_module() ->
    Name = t_statem_other,
    case code:is_loaded(Name) of
        {file, _} -> Name;
        false ->
            Forms = [{attribute, 1, module, Name},
                     {attribute, 1, export, [{callback_mode, 0}, {handle_event, 4}, {terminate, 3}]},
                     {function, 1, callback_mode, 0,
                      [{clause, 1, [], [], [{cons, 1, {atom, 1, handle_event_function},
                                             {cons, 1, {atom, 1, state_enter}, {nil, 1}}}]}]},
                     delegate(handle_event, other_event, ['T', 'C', 'S', 'D']),
                     delegate(terminate, terminate, ['R', 'S', 'D'])],
            {ok, Name, Binary} = compile:forms(Forms),
            {module, Name} = code:load_binary(Name, "none", Binary),
            Name
    end.

delegate(Name, To, Names) ->
    Vars = [{var, 1, N} || N <- Names],
    {function, 1, Name, length(Names),
     [{clause, 1, Vars, [], [{call, 1, {remote, 1, {atom, 1, ?MODULE}, {atom, 1, To}}, Vars}]}]}.

other_event({call, _} = Type, log, State, Data) -> handle_event(Type, log, State, Data);
other_event(Type, Content, State, Data) ->
    put(log, [other | case get(log) of undefined -> []; L -> L end]),
    handle_event(Type, Content, State, Data).

%% ---- the two targets --------------------------------------------------------------------------

alike(Config, Script) -> alike(Config, false, none, Script).

%% `Enters`: with state enter calls. `Args`: what is done in init.
alike(#{node := Node}, Enters, Args, Script) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false -> same(Script, play(beam(Enters, Args), Script), play(c(Node, Enters, Args), Script))
    end.

beam(Enters, Args) ->
    ok = logger:set_primary_config(level, none), %% ends are what this is about
    plain_start(gen_statem:start(?MODULE, {Enters, Args}, [])).

c(Node, Enters, Args) ->
    Module = case Enters of true -> machine_enter; false -> machine end,
    Spec = {{Module, start_link, [Args]}, temporary, 5000, worker, [Module]},
    plain_start(gen_server:call({machines, Node}, {start_child, Spec})).

plain_start({ok, Pid}) -> Pid;
plain_start(Other) -> {none, Other}.

same(_, Same, Same) -> ok;
same([Op | _], [A | _], [B | _]) when A =/= B -> exit({differs, Op, {otp, A}, {c, B}});
same([_ | Script], [_ | As], [_ | Bs]) -> same(Script, As, Bs).

play({none, Why}, _) -> [Why];
play(Pid, Script) ->
    Answers = [op(Pid, Op) || Op <- Script],
    catch gen_statem:stop(Pid),
    Answers.

op(Pid, {call, Ops}) -> call(Pid, {do, Ops});
op(Pid, {ask, Key, Ops}) -> %% its answer comes with {answer, Key}
    Self = self(),
    spawn(fun() -> Self ! {Key, call(Pid, {do, Ops})} end),
    eventually(fun() -> asked(Pid, Ops) end);
op(_, {answer, Key}) ->
    receive {Key, Answer} -> Answer
    after ?LIMIT_MS -> exit({no_answer, Key})
    end;
op(Pid, {cast, Ops}) -> gen_statem:cast(Pid, {do, Ops});
op(Pid, {cast_term, Term}) -> gen_statem:cast(Pid, Term);
op(Pid, {info, Ops}) -> Pid ! {do, Ops}, sent;
op(Pid, {info_term, Term}) -> Pid ! Term, sent;
op(Pid, log) -> gen_statem:call(Pid, log, ?LIMIT_MS);
%% Until that many events were handled: timeouts come when they come.
op(Pid, {log, Count}) ->
    put(seen, []),
    eventually(fun() ->
        put(seen, get(seen) ++ gen_statem:call(Pid, log, ?LIMIT_MS)),
        length(get(seen)) >= Count
    end),
    get(seen);
%% Until a timer that began later and takes longer has fired.
op(_, {pass, Ms}) ->
    Timer = erlang:start_timer(Ms, self(), passed),
    receive {timeout, Timer, passed} -> passed end;
op(Pid, state) -> sys:get_state(Pid);
op(Pid, {last, Op}) -> %% it ends with this
    Ref = monitor(process, Pid),
    Answer = op(Pid, Op),
    {Answer, reason(fixture:down(Ref))};
op(Pid, stop) -> gen_statem:stop(Pid);
op(Pid, {stop, Reason}) -> {ended, reason(catch gen_statem:stop(Pid, Reason, ?LIMIT_MS))};
op(Pid, suspend) -> sys:suspend(Pid);
op(Pid, resume) -> sys:resume(Pid);
op(Pid, {sys_log, What}) -> sys:log(Pid, What);
op(Pid, events) ->
    {ok, Events} = sys:log(Pid, get),
    [event(E) || E <- Events];
op(Pid, {send_request, Ops}) -> wait(gen_statem:send_request(Pid, {do, Ops}));
op(Pid, modules) -> %% by their order: which they are differs
    {status, Pid, _, [_, _, _, _, [_, {data, Data}, _]]} = sys:get_status(Pid),
    {_, Modules} = lists:keyfind("Modules", 1, Data),
    [lists:member(M, [other, t_statem_other]) || M <- Modules];
op(Pid, status) ->
    {status, Pid, {module, gen_statem}, [_, Running, _, Debug, Misc]} = sys:get_status(Pid),
    [{header, Header}, {data, Data}, {data, State}] = Misc,
    {Running, Debug, lists:sublist(Header, 25), [shown(D) || D <- Data], State}.

wait(Request) ->
    case gen_statem:receive_response(Request, ?LIMIT_MS) of
        {reply, Reply} -> {reply, Reply};
        Other -> Other
    end.

shown({"Parent", _}) -> parent;
shown({"Modules", [_]}) -> modules;
shown({"Time-outs", {N, List}}) -> {timeouts, N, lists:sort(List)};
shown({"Postponed", List}) -> {postponed, [content(E) || E <- List]};
shown(Other) -> Other.

content({{call, {Pid, _}}, Content}) when is_pid(Pid) -> {call, Content};
content(Other) -> Other.

%% What differs is that a caller is another one.
event({out, Reply, {Pid, _}}) when is_pid(Pid) -> {out, Reply};
event({How, Event, State}) when is_tuple(Event) -> {How, content(Event), State};
event({How, Event, State, Next}) -> {How, content(Event), State, Next};
event(Other) -> Other.

call(Pid, Request) ->
    try gen_statem:call(Pid, Request, ?LIMIT_MS)
    catch exit:{Reason, {gen_statem, call, _}} -> {exit, reason(Reason)};
          exit:Reason -> {exit, reason(Reason)}
    end.

reason({{Reason, _}, {sys, terminate, _}}) -> Reason;
reason({Reason, Stack}) when is_list(Stack) -> Reason;
reason(Reason) -> Reason.

%% The request has come: it was handled, and may have been postponed.
asked(Pid, _) -> _ = sys:get_state(Pid), true.

%% ---- state changes ----------------------------------------------------------------------------

initial_state_and_data_test(Config) ->
    alike(Config, [state, log]).

keep_state_test(Config) ->
    alike(Config, [{call, [{reply, 1}]}, {cast, []}, {info, []}, state, log]).

next_state_test(Config) ->
    alike(Config, [{call, [{next_state, b}, {reply, ok}]}, state, {cast, [{next_state, a}]}, state, log]).

state_that_is_any_term_test(Config) ->
    alike(Config, [{call, [{next_state, {c, "x", 1.5}}, {reply, ok}]}, state,
                   {call, [{next_state, #{k => v}}, {reply, ok}]}, state, log]).

next_state_to_the_same_state_keeps_it_test(Config) ->
    alike(Config, true, none, [{call, [{next_state, a}, {reply, ok}]}, log]).

init_chooses_the_state_test(Config) ->
    alike(Config, false, {do, [{next_state, b}]}, [state, log]).

init_stops_test(Config) ->
    alike(Config, false, {fail, {why, 1}}, [state]).

init_ignores_test(Config) ->
    alike(Config, false, ignore, [state]).

init_with_actions_test(Config) ->
    alike(Config, false, {do, [{next_state, b}, {next_event, internal, first},
                               {next_event, cast, second}, {state_timeout, 0, third}]},
          [{log, 3}, state]).

%% ---- other modules ----------------------------------------------------------------------------

change_callback_module_test(Config) ->
    alike(Config, [{call, [{change_callback_module, other}, {reply, ok}]}, {cast, []},
                   {call, [{next_state, b}, {reply, ok}]}, state, log, modules]).

changed_module_makes_the_enter_call_test(Config) ->
    alike(Config, [{call, [{change_callback_module, other}, {next_state, b}, {reply, ok}]}, log]).

module_of_before_makes_no_enter_call_test(Config) ->
    alike(Config, [{call, [{push_callback_module, other}, {reply, ok}]},
                   {call, [pop_callback_module, {next_state, b}, {reply, ok}]}, log, modules]).

push_and_pop_callback_module_test(Config) ->
    alike(Config, [{call, [{push_callback_module, other}, {reply, ok}]}, modules, {cast, []},
                   {call, [{push_callback_module, other}, {reply, ok}]}, modules,
                   {call, [pop_callback_module, {reply, ok}]}, modules, {cast, []},
                   {call, [pop_callback_module, {reply, ok}]}, modules, {cast, []}, log]).

change_callback_module_keeps_what_is_below_test(Config) ->
    alike(Config, [{call, [{push_callback_module, other}, {change_callback_module, other},
                           {reply, ok}]}, modules,
                   {call, [pop_callback_module, {reply, ok}]}, modules, {cast, []}, log]).

module_changes_in_init_test(Config) ->
    alike(Config, false, {do, [{push_callback_module, other}]},
          [{cast, []}, modules, {call, [pop_callback_module, {reply, ok}]}, {cast, []}, log]).

postponed_event_is_handled_by_the_changed_module_test(Config) ->
    alike(Config, [{cast, [{'when', a, [postpone]}]},
                   {call, [{change_callback_module, other}, {next_state, b}, {reply, ok}]}, log]).

module_that_is_changed_to_stops_test(Config) ->
    alike(Config, [{call, [{change_callback_module, other}, {reply, ok}]}, {stop, why}]).

%% ---- absolute times ---------------------------------------------------------------------------

absolute_state_timeout_test(Config) ->
    alike(Config, [{call, [{state_timeout, {in, 20}, x, [{abs, true}]}, {reply, ok}]}, {log, 2}]).

absolute_event_timeout_is_ended_by_an_event_test(Config) ->
    alike(Config, [{call, [{timeout, {in, 30}, x, [{abs, true}]}, {reply, ok}]}, {cast, []},
                   {pass, 60}, log]).

absolute_generic_timeout_test(Config) ->
    alike(Config, [{call, [{{timeout, n}, {in, 20}, x, [{abs, true}]}, {reply, ok}]}, {log, 2}]).

%% Over by little: a BEAM has no time before its own start.
absolute_time_that_is_over_fires_test(Config) ->
    alike(Config, [{call, [{state_timeout, {in, -1}, x, [{abs, true}]}, {reply, ok}]}, {log, 2}]).

%% One of 0 ms goes before all that waits; an absolute one is a timer, whatever its time.
absolute_time_that_is_over_is_no_timeout_of_zero_test(Config) ->
    alike(Config, [suspend, {cast, [{state_timeout, {in, -1}, x, [{abs, true}]},
                                    {{timeout, n}, 0, y}]}, {cast, []}, resume, {log, 4}]).

absolute_timeout_is_ended_by_infinity_test(Config) ->
    alike(Config, [{call, [{{timeout, n}, {in, 20}, x, [{abs, true}]}, {reply, ok}]},
                   {call, [{{timeout, n}, infinity, x}, {reply, ok}]}, {pass, 40}, log]).

absolute_timeout_is_updated_test(Config) ->
    alike(Config, [{call, [{{timeout, n}, {in, 30}, x, [{abs, true}]}, {reply, ok}]},
                   {call, [{{timeout, n}, update, y}, {reply, ok}]}, {log, 3}]).

%% ---- state enter calls ------------------------------------------------------------------------

enter_call_of_the_initial_state_test(Config) ->
    alike(Config, true, none, [log]).

enter_call_at_a_change_test(Config) ->
    alike(Config, true, none, [{call, [{next_state, b}, {reply, ok}]}, log]).

no_enter_call_without_state_enter_test(Config) ->
    alike(Config, [{call, [{next_state, b}, {reply, ok}]}, log]).

repeat_state_enters_again_test(Config) ->
    alike(Config, true, none, [{call, [repeat_state, {reply, ok}]}, log, state]).

repeat_state_without_enter_calls_test(Config) ->
    alike(Config, [{call, [repeat_state, {reply, ok}]}, log]).

repeat_state_keeps_postponed_events_test(Config) ->
    alike(Config, true, none,
          [{cast, [{'when', a, [postpone]}]}, {call, [repeat_state, {reply, ok}]}, log,
           {call, [{next_state, b}, {reply, ok}]}, log]).

enter_call_starts_timeouts_test(Config) ->
    alike(Config, true, none,
          [{call, [{on_enter, [{'when', b, [{state_timeout, 0, entered}]}]}, {reply, ok}]},
           {call, [{next_state, b}, {reply, ok}]}, {log, 5}]).

enter_call_replies_test(Config) ->
    alike(Config, true, none,
          [{call, [{on_enter, [{'when', b, [{reply_saved, from_enter}]}]}, {reply, ok}]},
           {call, [save, {next_state, b}]}, log]).

enter_call_stops_test(Config) ->
    alike(Config, true, none,
          [{call, [{on_enter, [{'when', b, [{stop, in_enter}]}]}, {reply, ok}]},
           {last, {call, [{next_state, b}]}}]).

%% ---- postponed events -------------------------------------------------------------------------

postponed_event_waits_for_a_change_test(Config) ->
    alike(Config, [{cast, [{'when', a, [postpone]}]}, log, {call, [{reply, ok}]}, log,
                   {call, [{next_state, b}, {reply, ok}]}, log]).

postponed_events_keep_their_order_test(Config) ->
    alike(Config,
          [{cast, [{'when', a, [postpone]}, {'when', b, [{next_event, internal, N}]}]}
           || N <- lists:seq(1, 5)] ++ [{call, [{next_state, b}, {reply, ok}]}, log]).

postponed_again_in_the_next_state_test(Config) ->
    alike(Config,
          [{cast, [{'when', a, [postpone]}, {'when', b, [postpone]}]},
           {cast, [{'when', a, [postpone]}, {'when', b, [{next_state, c}]}]},
           {call, [{next_state, b}, {reply, ok}]}, log, state]).

postponed_call_is_answered_later_test(Config) ->
    alike(Config, [{ask, one, [{'when', a, [postpone]}, {'when', b, [{reply, {late, 1}}]}]},
                   {call, [{next_state, b}, {reply, ok}]}, {answer, one}]).

postponed_info_test(Config) ->
    alike(Config, [{info, [{'when', a, [postpone]}]}, {call, [{next_state, b}, {reply, ok}]}, log]).

postponed_internal_event_test(Config) ->
    alike(Config, [{call, [{next_event, internal, {do, [{'when', a, [postpone]}]}}, {reply, ok}]},
                   log, {call, [{next_state, b}, {reply, ok}]}, log]).

postponed_timeout_comes_again_as_it_was_test(Config) ->
    alike(Config, [{call, [{state_timeout, 0, {do, [{'when', a, [postpone]}]}}, {reply, ok}]},
                   {log, 2}, {call, [{next_state, b}, {reply, ok}]}, log]).

event_that_is_postponed_and_changes_the_state_test(Config) ->
    alike(Config, [{cast, [{'when', a, [postpone, {next_state, b}]}]}, log, state]).

postponed_before_what_waits_test(Config) ->
    alike(Config, [{cast, [{'when', a, [postpone]}]}, suspend, {cast, [{next_state, b}]},
                   {cast_term, waits}, resume, log]).

%% ---- inserted events --------------------------------------------------------------------------

next_events_keep_their_order_test(Config) ->
    alike(Config, [{call, [{next_event, internal, N} || N <- [1, 2, 3]] ++ [{reply, ok}]}, log]).

next_event_of_each_type_test(Config) ->
    alike(Config, [{call, [{next_event, T, x} || T <- [internal, cast, info, timeout, state_timeout]]
                    ++ [{reply, ok}]}, log]).

next_event_before_what_waits_test(Config) ->
    alike(Config, [suspend, {cast, [{next_event, internal, inserted}]}, {cast_term, waits}, resume, log]).

next_event_before_postponed_ones_test(Config) ->
    alike(Config, [{cast, [{'when', a, [postpone]}]},
                   {call, [{next_state, b}, {next_event, internal, inserted}, {reply, ok}]}, log]).

nested_next_events_test(Config) ->
    alike(Config, [{call, [{next_event, internal, {do, [{next_event, internal, inner}]}},
                           {next_event, internal, last}, {reply, ok}]}, log]).

next_event_is_handled_in_the_new_state_test(Config) ->
    alike(Config, [{call, [{next_event, cast, x}, {next_state, b}, {reply, ok}]}, log]).

%% ---- timeouts ---------------------------------------------------------------------------------

state_timeout_test(Config) ->
    alike(Config, [{call, [{state_timeout, 5, content}, {reply, ok}]}, {log, 2}]).

state_timeout_ends_with_the_state_test(Config) ->
    alike(Config, [{call, [{state_timeout, 500, never}, {{timeout, t}, 1000, after_it}, {reply, ok}]},
                   {call, [{next_state, b}, {reply, ok}]}, {log, 3}]).

state_timeout_of_a_change_belongs_to_the_new_state_test(Config) ->
    alike(Config, [{call, [{next_state, b}, {state_timeout, 5, x}, {reply, ok}]}, {log, 2}]).

state_timeout_lives_through_events_test(Config) ->
    alike(Config, [{call, [{state_timeout, 300, x}, {reply, ok}]}, {cast_term, e}, {log, 3}]).

state_timeout_ends_by_infinity_test(Config) ->
    alike(Config, [{call, [{state_timeout, 500, never}, {reply, ok}]},
                   {call, [{state_timeout, infinity, x}, {{timeout, t}, 1000, y}, {reply, ok}]}, {log, 3}]).

state_timeout_starts_anew_test(Config) ->
    alike(Config, [{call, [{state_timeout, 60000, old}, {reply, ok}]},
                   {call, [{state_timeout, 5, new}, {reply, ok}]}, {log, 3}, status]).

last_timeout_of_a_kind_counts_test(Config) ->
    alike(Config, [{call, [{state_timeout, 1, first}, {state_timeout, 5, second}, {reply, ok}]}, {log, 2}]).

timeout_update_test(Config) ->
    alike(Config, [{call, [{state_timeout, 500, old}, {reply, ok}]},
                   {call, [{state_timeout, update, new}, {reply, ok}]}, {log, 3}]).

timeout_update_of_none_fires_at_once_test(Config) ->
    alike(Config, [{call, [{state_timeout, update, new}, {reply, ok}]}, {log, 2}]).

timeout_of_zero_before_messages_test(Config) ->
    alike(Config, [suspend, {cast, [{state_timeout, 0, zero}]}, {cast_term, waits}, resume, {log, 3}]).

timeouts_of_zero_keep_their_order_test(Config) ->
    alike(Config, [{call, [{{timeout, x}, 0, 1}, {state_timeout, 0, 2}, {{timeout, y}, 0, 3}, {reply, ok}]},
                   {log, 4}]).

timeout_of_zero_after_inserted_events_test(Config) ->
    alike(Config, [{call, [{state_timeout, 0, zero}, {next_event, internal, inserted}, {reply, ok}]},
                   {log, 3}]).

event_timeout_test(Config) ->
    alike(Config, [{cast, [{timeout, 500, idle}]}, {info, [{state_timeout, 1, s}, {timeout, 0, i}]}, {log, 4}]).

event_timeout_ends_by_any_event_test(Config) ->
    alike(Config, [suspend, {cast, [{timeout, 20, never}]}, {cast_term, event}, resume,
                   {call, [{{timeout, t}, 50, last}, {reply, ok}]}, {log, 4}]).

event_timeout_of_zero_ends_by_an_inserted_event_test(Config) ->
    alike(Config, [{call, [{timeout, 0, never}, {next_event, internal, x}, {reply, ok}]}, log]).

generic_timeout_test(Config) ->
    alike(Config, [{call, [{{timeout, {a, name}}, 5, content}, {reply, ok}]}, {log, 2}]).

generic_timeouts_run_side_by_side_test(Config) ->
    alike(Config, [{call, [{{timeout, slow}, 60, s}, {{timeout, fast}, 5, f}, {reply, ok}]}, {log, 3}]).

generic_timeout_lives_through_changes_test(Config) ->
    alike(Config, [{call, [{{timeout, t}, 300, x}, {reply, ok}]}, {call, [{next_state, b}, {reply, ok}]}, {log, 3}]).

generic_timeout_ends_by_infinity_test(Config) ->
    alike(Config, [{call, [{{timeout, t}, 500, never}, {reply, ok}]},
                   {call, [{{timeout, t}, infinity, x}, {{timeout, u}, 1000, y}, {reply, ok}]}, {log, 3}]).

timeout_message_of_nobody_is_an_info_test(Config) ->
    alike(Config, [{info_term, {timeout, not_a_ref, state_timeout}}, log]).

%% ---- calls ------------------------------------------------------------------------------------

reply_from_a_later_event_test(Config) ->
    alike(Config, [{ask, one, [save]}, {cast, [{reply_saved, {now, 2}}]}, {answer, one}]).

call_that_ends_the_machine_test(Config) ->
    alike(Config, [{last, {call, [{stop, {why, 1}}]}}]).

call_that_is_answered_before_the_end_test(Config) ->
    alike(Config, [{last, {call, [{reply, bye}, {stop, normal}]}}]).

waiting_calls_end_with_the_machine_test(Config) ->
    alike(Config, [{ask, one, [save]}, {ask, two, [postpone]}, {last, {cast, [{stop, done}]}},
                   {answer, one}, {answer, two}]).

send_request_test(Config) ->
    alike(Config, [{send_request, [{reply, {a, 1}}]}]).

%% ---- ends -------------------------------------------------------------------------------------

stop_test(Config) -> alike(Config, [{last, stop}]).

stop_with_a_reason_test(Config) ->
    alike(Config, [{last, {stop, shutdown}}]).

terminate_gets_reason_and_state_test(Config) ->
    case fixture:is_beam(maps:get(node, Config)) of
        true -> ok;
        false -> alike(Config, [{call, [{next_state, b}, {reply, ok}]}, {last, {cast, [{stop, {r, 1}}]}}])
    end.

%% ---- sys --------------------------------------------------------------------------------------

status_test(Config) ->
    alike(Config, [status, {call, [{next_state, b}, {reply, ok}]}, status]).

status_with_timeouts_and_postponed_events_test(Config) ->
    alike(Config, [{call, [{state_timeout, 60000, s}, {{timeout, g}, 60000, t}, {reply, ok}]},
                   {cast, [postpone]}, {info, [postpone]}, {ask, one, [postpone]}, status]).

suspended_machine_handles_nothing_test(Config) ->
    alike(Config, [suspend, {cast_term, waits}, state, status, resume, log]).

timeout_waits_while_it_is_suspended_test(Config) ->
    alike(Config, [{call, [{state_timeout, 200, x}, {reply, ok}]}, suspend, {cast_term, y}, {pass, 400}, state, resume, {log, 3}]).

sys_log_test(Config) ->
    alike(Config, [{sys_log, true}, {call, [{reply, 1}]}, {cast, [{next_state, b}]},
                   {info, [postpone]}, {cast, [{next_event, internal, i}, {state_timeout, 60000, t}]},
                   state, events, {sys_log, false}, events]).

sys_log_with_enter_calls_test(Config) ->
    case maps:get(release, Config) >= 25 of
        true -> alike(Config, true, none, [{sys_log, true}, {call, [{next_state, b}, {reply, 1}]}, events]);
        false -> ok
    end.

change_code_test(Config) ->
    alike(Config, [suspend, state, resume, {call, [{reply, ok}]}]).

%% ---- examples/door.c --------------------------------------------------------------------------

example_test(#{build := Build} = Config) ->
    case fixture:is_beam(maps:get(node, Config)) of
        true -> ok;
        false -> door(fixture:c_node(Config, ["--load", Build ++ "/examples/door.so"]))
    end.

door(#{node := Node}) ->
    Door = {door, Node},
    locked = gen_statem:call(Door, state),
    Push = fun(N) -> ok = gen_statem:cast(Door, {button, N}) end,
    lists:foreach(Push, [1, 2, 4, 1, 2, 3]),
    locked = gen_statem:call(Door, state),
    {locked, _} = sys:get_state(Door),
    Self = self(),
    spawn(fun() -> Self ! {early, gen_statem:call(Door, lock)} end),
    eventually(fun() ->
        {status, _, _, [_, _, _, _, [_, {data, Data} | _]]} = sys:get_status(Door),
        1 =:= length(proplists:get_value("Postponed", Data))
    end),
    Push(4),
    ok = receive {early, Answer} -> Answer after ?LIMIT_MS -> exit(no_answer) end,
    locked = gen_statem:call(Door, state),
    lists:foreach(Push, [1, 2, 3, 4]),
    open = gen_statem:call(Door, state),
    ok = gen_statem:call(Door, lock),
    locked = gen_statem:call(Door, state).
