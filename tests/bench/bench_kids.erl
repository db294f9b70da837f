%% SPDX-License-Identifier: Apache-2.0
%% Dynamic children of a supervisor of OTP's, for comparison with nursery.c.
-module(bench_kids).
-behaviour(supervisor).
-export([main/1, start_link/1, init/1]).

init(supervisor) ->
    Kid = #{id => kid, start => {?MODULE, start_link, []}, restart => temporary},
    {ok, {#{strategy => simple_one_for_one}, [Kid]}}.

start_link(_) -> gen_server:start_link(bench_peer, [], []).

main([Count]) ->
    process_flag(trap_exit, true),
    N = list_to_integer(Count),
    {ok, Pool} = supervisor:start_link(?MODULE, supervisor),
    Start = now_us(),
    start(Pool, N div 10),
    First = now_us(),
    start(Pool, N div 10 * 8),
    Tenth = now_us(),
    start(Pool, N div 10),
    Stop = now_us(),
    exit(Pool, shutdown),
    receive {'EXIT', Pool, shutdown} -> ok end,
    End = now_us(),
    show("kids_start", N * 1.0e6 / (Stop - Start)),
    show("kids_linear", (Stop - Tenth) / (First - Start)),
    show("kids_stop", N * 1.0e6 / (End - Stop)),
    halt(0).

start(_, 0) -> ok;
start(Pool, N) ->
    {ok, _} = supervisor:start_child(Pool, [kid]),
    start(Pool, N - 1).

now_us() -> erlang:monotonic_time(microsecond).

show(Figure, Value) -> io:format("~s ~.2f~n", [Figure, float(Value)]).
