%% SPDX-License-Identifier: Apache-2.0
%% ets of OTP's and dets, for comparison with tables.c.
-module(bench_tables).
-export([main/1]).

-define(ROWS, 1000000).

main([MsText]) ->
    Ms = list_to_integer(MsText),
    T = ets:new(bench, [public, {read_concurrency, true}, {write_concurrency, true}]),
    Start = cpu_us(),
    insert(T, ?ROWS - 1),
    show("table_insert", ?ROWS * 1.0e6 / (cpu_us() - Start)),
    LookupStart = cpu_us(),
    Count = rate(T, 1, false, Ms) * Ms / 1000,
    Lookups = Count * 1.0e6 / (cpu_us() - LookupStart),
    show("table_lookup", Lookups),
    show("table_many", Lookups), % ets has no lookup of many keys
    One = rate(T, 1, true, Ms),
    show("table_scale", rate(T, 2, true, Ms) / One),
    show("table_counter", counter(T, Ms)),
    {ok, D} = dets:open_file(bench, [{file, "bench." ++ os:getpid() ++ ".dets"}]),
    show("durable_1", durable(D, Ms)),
    ok = dets:close(D),
    ok = file:delete("bench." ++ os:getpid() ++ ".dets"),
    halt(0).

insert(_, -1) -> ok;
insert(T, N) -> ets:insert(T, {N, N}), insert(T, N - 1).

rate(T, Readers, Written, Ms) ->
    Self = self(),
    Writer = [spawn_link(fun() -> write(T, 99) end) || Written],
    Pids = [spawn_link(fun() -> Self ! {self(), read(T, I * 7919 + 1, now_us() + Ms * 1000, 0)} end)
            || I <- lists:seq(1, Readers)],
    Sum = lists:sum([receive {Pid, N} -> N end || Pid <- Pids]),
    [begin unlink(W), exit(W, kill) end || W <- Writer],
    Sum * 1000 / Ms.

read(T, Dice, Until, N) ->
    Next = chunk(T, Dice, 64),
    case N band 1023 =:= 0 andalso now_us() > Until of
        true -> N;
        false -> read(T, Next, Until, N + 64)
    end.

chunk(_, Dice, 0) -> Dice;
chunk(T, Dice, N) ->
    [{_, _}] = ets:lookup(T, (Dice bsr 8) rem ?ROWS),
    chunk(T, next(Dice), N - 1).

write(T, Dice) -> ets:insert(T, {(Dice bsr 8) rem ?ROWS, 1}), write(T, next(Dice)).

next(Dice) -> (Dice * 1103515245 + 12345) band 16#ffffffff.

counter(T, Ms) ->
    ets:insert(T, {n, 0}),
    {Start, Until} = {cpu_us(), now_us() + Ms * 1000},
    count(T, Until, 0) * 1.0e6 / (cpu_us() - Start).

count(T, Until, N) ->
    ets:update_counter(T, n, 1),
    case N band 1023 =:= 0 andalso now_us() > Until of
        true -> N;
        false -> count(T, Until, N + 1)
    end.

%% Each write on the disk before the next.
durable(D, Ms) ->
    Start = now_us(),
    store(D, Start + Ms * 1000, 0) * 1.0e6 / (now_us() - Start).

store(D, Until, N) ->
    ok = dets:insert(D, {N rem 10000, 1}),
    ok = dets:sync(D),
    case now_us() > Until of
        true -> N + 1;
        false -> store(D, Until, N + 1)
    end.

%% Of the whole VM, which does nothing else; its schedulers do not spin.
cpu_us() -> element(1, statistics(runtime)) * 1000.

now_us() -> erlang:monotonic_time(microsecond).

show(Figure, Value) -> io:format("~s ~.2f~n", [Figure, float(Value)]).
