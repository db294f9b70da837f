%% SPDX-License-Identifier: Apache-2.0
%% sys:log, sys:trace and sys:change_code: what they show of a server in C and of its twin in Erlang,
%% which is this module, is the same term for term.
-module(t_sys).
-behaviour(gen_server).
-export([log_is_that_of_an_erlang_server_test/1, change_code_is_that_of_an_erlang_server_test/1,
         server_without_code_change_keeps_its_state_test/1, trace_goes_to_the_log_of_the_node_test/1,
         crash_report_names_log_and_client_test/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, code_change/3]).

%% ---- the twin -----------------------------------------------------------------------------------

init(Total) -> {ok, {Total, none}}.

handle_call({add, N}, _, {Total, F}) -> {reply, Total + N, {Total + N, F}};
handle_call(get, _, {Total, _} = S) -> {reply, Total, S};
handle_call(later, From, {Total, _}) -> self() ! answer, {noreply, {Total, From}}.

handle_cast(idle, S) -> {noreply, S, 1};
handle_cast(continue, S) -> {noreply, S, {continue, more}};
handle_cast(_, {_, F}) -> {noreply, {0, F}}.

handle_info(answer, {Total, From}) -> gen_server:reply(From, Total), {noreply, {Total, none}};
handle_info(_, S) -> {noreply, S}.

handle_continue(_, S) -> {noreply, S}.

code_change(bad, _, _) -> {error, nope};
code_change(_, {Total, F}, _) -> {ok, {Total + 1000, F}}.

%% ---- both ---------------------------------------------------------------------------------------

c_node(#{build := Build} = Config) ->
    fixture:c_node(Config, ["--load", Build ++ "/tests/servers/changed.so"]).

%% What Fun shows of the server in C, once it is what it shows of the twin.
same(Config, Fun) ->
    {ok, Twin} = gen_server:start(?MODULE, 0, []),
    #{node := Node} = c_node(Config),
    pong = net_adm:ping(Node),
    Wanted = Fun(Twin),
    Wanted = Fun({changed, Node}).

%% Waits until N events are there: an idle timeout comes when it comes.
events(Server, N) ->
    fixture:eventually(fun() -> {ok, E} = sys:log(Server, get), length(E) >= N end),
    {ok, Events} = sys:log(Server, get),
    [event(E) || E <- Events].

event({in, {'$gen_call', {Pid, _}, Request}}) when Pid =:= self() -> {in_call, Request};
event({out, Reply, {Pid, _}, State}) when Pid =:= self() -> {out, Reply, total(State)};
event({noreply, State}) -> {noreply, total(State)};
event(Other) -> Other.

total({Total, _}) -> Total;
total(Total) -> Total.

log_is_that_of_an_erlang_server_test(Config) -> same(Config, fun logged/1).

logged(S) ->
    {ok, []} = sys:log(S, get),
    ok = sys:log(S, {true, 100}),
    {ok, []} = sys:log(S, get),
    5 = gen_server:call(S, {add, 5}),
    5 = gen_server:call(S, later),
    ok = gen_server:cast(S, reset),
    ok = gen_server:cast(S, continue),
    S ! hello,
    First = events(S, 13),
    ok = gen_server:cast(S, idle),
    Idle = events(S, 17),
    ok = sys:log(S, print),
    ok = sys:log(S, {true, 3}),
    Kept = events(S, 17),
    ok = sys:log(S, false),
    {ok, []} = sys:log(S, get),
    ok = sys:log(S, true),
    _ = [gen_server:call(S, {add, N}) || N <- lists:seq(1, 20)],
    Ten = events(S, 10),
    {status, _, {module, gen_server}, [_, running, _, _, Misc]} = sys:get_status(S),
    [_, {data, Data} | _] = Misc,
    {_, Shown} = lists:keyfind("Logged events", 1, Data),
    Ten = [event(E) || E <- Shown],
    ok = sys:no_debug(S),
    {ok, []} = sys:log(S, get),
    Odd = [sys:log(S, What) || What <- [{true, 0}, {true, a}, perhaps, true]],
    ok = sys:no_debug(S),
    [First, Idle, Kept, Ten, Odd, sys:trace(S, true), sys:trace(S, false)].

change_code_is_that_of_an_erlang_server_test(Config) -> same(Config, fun changed/1).

changed(S) ->
    Change = fun(Vsn) -> sys:change_code(S, ?MODULE, Vsn, extra) end,
    {error, {unknown_system_msg, {change_code, ?MODULE, 1, extra}}} = Change(1),
    7 = gen_server:call(S, {add, 7}),
    ok = sys:suspend(S),
    Call = gen_server:send_request(S, get),
    Answers = [Change(1), Change(bad), Change(undefined), Change({down, 2})],
    ok = sys:resume(S),
    {reply, Total} = gen_server:wait_response(Call, 20000),
    [Answers, Total, gen_server:call(S, get)].

server_without_code_change_keeps_its_state_test(#{node := Node}) ->
    S = {counter, Node},
    Total = gen_server:call(S, {add, 3}),
    ok = sys:suspend(S),
    ok = sys:change_code(S, counter, 1, []),
    ok = sys:resume(S),
    Total = gen_server:call(S, get).

trace_goes_to_the_log_of_the_node_test(Config) ->
    #{node := Node} = C = c_node(Config),
    S = {changed, Node},
    pong = net_adm:ping(Node),
    ok = sys:trace(S, true),
    {status, _, _, [_, _, _, [{trace, true}], _]} = sys:get_status(S),
    5 = gen_server:call(S, {add, 5}),
    ok = gen_server:cast(S, continue),
    ok = sys:trace(S, false),
    0 = gen_server:call(S, {add, -5}),
    _ = fixture:line(C, "*DBG* changed got call {add,5} from <"),
    _ = fixture:line(C, "*DBG* changed sent 5 to <"),
    _ = fixture:line(C, "*DBG* changed got cast continue"),
    _ = fixture:line(C, "*DBG* changed new state 5"),
    _ = fixture:line(C, "*DBG* changed dbg  {continue,more}").

crash_report_names_log_and_client_test(Config) ->
    #{node := Node} = C = c_node(Config),
    S = {changed, Node},
    pong = net_adm:ping(Node),
    ok = sys:log(S, true),
    {{bad_call, what}, _} = fixture:exit_of(fun() -> gen_server:call(S, what) end),
    Line = fixture:line(C, "Generic server changed terminating"),
    true = has(Line, "** Log == [{in,{'$gen_call',{<"),
    true = has(Line, "is remote on node " ++ atom_to_list(node())).

has(Line, Text) -> binary:match(Line, list_to_binary(Text)) =/= nomatch.
