%% SPDX-License-Identifier: Apache-2.0
%% The load that a BEAM node makes: each figure is taken at every peer in turn, over and over, and
%% each value is a line "figure peer value".
%%
%%     -run bench_drive main MS ROUNDS beam=n1@127.0.0.1 ei=n2@127.0.0.1 ...
-module(bench_drive).
-export([main/1]).

main([Ms, Rounds | Peers]) ->
    Time = list_to_integer(Ms),
    Targets = [target(P) || P <- Peers],
    _ = [warm_up(T) || {_, T} <- Targets],
    _ = [figure(F, P, T, Time)
         || _ <- lists:seq(1, list_to_integer(Rounds)),
            F <- figures(os:getenv("FIGURES", "")),
            {P, T} <- Targets],
    halt(0).

%% FIGURES="echo_64k echo_1m" in the environment takes these alone.
figures("") -> [one_caller, callers_50, callers_500, casts, echo_64k, echo_1m];
figures(Words) -> [list_to_atom(W) || W <- string:lexemes(Words, " ")].

target(Text) ->
    [Peer, Node] = string:split(Text, "="),
    {Peer, {echo, list_to_atom(Node)}}.

warm_up({_, Node} = Target) ->
    true = net_kernel:hidden_connect_node(Node),
    _ = [hello = gen_server:call(Target, hello) || _ <- lists:seq(1, 1000)],
    ok.

%% In a process of its own, so that none inherits another's garbage.
figure(Figure, Peer, Target, Time) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({done, take(Figure, Target, Time)}) end),
    receive
        {'DOWN', Ref, process, Pid, {done, Values}} ->
            _ = [io:format("~s ~s ~.2f~n", [Name, Peer, float(V)]) || {Name, V} <- Values];
        {'DOWN', Ref, process, Pid, Why} ->
            io:format(standard_error, "bench: ~s at ~s: ~tp~n", [Figure, Peer, Why])
    end.

take(one_caller, Target, Time) ->
    Taken = list_to_tuple(lists:sort(latencies(Target, now_us() + Time * 1000, []))),
    N = tuple_size(Taken),
    [{"call_p50", element(N div 2 + 1, Taken) / 1000},
     {"call_p99", element(N * 99 div 100 + 1, Taken) / 1000}];
take(callers_50, Target, Time) -> [{"callers_50", callers(50, Target, Time)}];
take(callers_500, Target, Time) -> [{"callers_500", callers(500, Target, Time)}];
take(casts, Target, Time) ->
    Start = now_us(),
    N = casts(Target, Start + Time * 1000, 0),
    [{"beam_casts", N * 1.0e6 / (now_us() - Start)}];
take(echo_64k, Target, Time) -> [{"echo_64k", echoes(65536, Target, Time)}];
take(echo_1m, Target, Time) -> [{"echo_1m", echoes(1048576, Target, Time)}].

now_us() -> erlang:monotonic_time(microsecond).
now_ns() -> erlang:monotonic_time(nanosecond).

latencies(Target, End, Taken) ->
    Start = now_ns(),
    _ = gen_server:call(Target, {add, 41, 1}),
    case now_ns() of
        Now when Now div 1000 >= End -> Taken;
        Now -> latencies(Target, End, [Now - Start | Taken])
    end.

callers(Count, Target, Time) ->
    Self = self(),
    Start = now_us(),
    End = Start + Time * 1000,
    Pids = [spawn_link(fun() -> Self ! {self(), caller(Target, End, 0)} end)
            || _ <- lists:seq(1, Count)],
    Sum = lists:sum([receive {Pid, N} -> N end || Pid <- Pids]),
    Sum * 1.0e6 / (now_us() - Start).

caller(Target, End, N) ->
    _ = gen_server:call(Target, {add, 41, 1}, infinity),
    case N rem 16 =:= 0 andalso now_us() >= End of
        true -> N + 1;
        false -> caller(Target, End, N + 1)
    end.

%% A call behind each batch: what counts has been handled.
casts(Target, End, N) ->
    Batch = 10000,
    _ = [gen_server:cast(Target, {tick, I}) || I <- lists:seq(1, Batch)],
    _ = gen_server:call(Target, sync, infinity),
    case now_us() >= End of
        true -> N + Batch;
        false -> casts(Target, End, N + Batch)
    end.

%% Megabytes a second, one way.
echoes(Size, Target, Time) ->
    Binary = binary:copy(<<"0123456789abcdef">>, Size div 16),
    Start = now_us(),
    N = echoes_until(Target, Binary, Start + Time * 1000, 0),
    N * Size / (now_us() - Start).

echoes_until(Target, Binary, End, N) ->
    Binary = gen_server:call(Target, Binary, infinity),
    case now_us() >= End of
        true -> N + 1;
        false -> echoes_until(Target, Binary, End, N + 1)
    end.
