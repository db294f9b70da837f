%% SPDX-License-Identifier: Apache-2.0
%% Constant calls of a node to the server `counter` of another one, and how long each took. Keeps to
%% what OTP 23 understands.
-module(steady).
-export([calls/3]).

%% From that many processes, one call behind the other with a millisecond between them.
%% #{times := #{Microseconds => Calls}, failed := Calls, downs := N}; times to two digits.
calls(Node, Callers, Ms) ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    End = erlang:monotonic_time(millisecond) + Ms,
    Self = self(),
    Pids = [spawn_link(fun() -> Self ! {self(), call(Node, End, #{}, 0)} end)
            || _ <- lists:seq(1, Callers)],
    Results = [receive {Pid, Result} -> Result end || Pid <- Pids],
    ok = net_kernel:monitor_nodes(false, [{node_type, all}]),
    #{times => lists:foldl(fun({Times, _}, All) -> sum(Times, All) end, #{}, Results),
      failed => lists:sum([Failed || {_, Failed} <- Results]),
      downs => downs(Node, 0)}.

call(Node, End, Times, Failed) ->
    Start = erlang:monotonic_time(microsecond),
    Result = (catch gen_server:call({counter, Node}, get)),
    Us = two_digits(erlang:monotonic_time(microsecond) - Start),
    receive after 1 -> ok end,
    case erlang:monotonic_time(millisecond) < End of
        false -> {Times, Failed};
        true when is_integer(Result) ->
            call(Node, End, maps:update_with(Us, fun(N) -> N + 1 end, 1, Times), Failed);
        true -> call(Node, End, Times, Failed + 1)
    end.

two_digits(Us) when Us < 100 -> Us;
two_digits(Us) -> two_digits(Us div 10) * 10.

sum(A, B) ->
    maps:fold(fun(K, N, Sum) -> maps:update_with(K, fun(M) -> M + N end, N, Sum) end, B, A).

downs(Node, N) ->
    receive
        {nodedown, Node, _} -> downs(Node, N + 1);
        {Up, _, _} when Up =:= nodeup; Up =:= nodedown -> downs(Node, N)
    after 0 -> N
    end.
