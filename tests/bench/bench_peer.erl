%% SPDX-License-Identifier: Apache-2.0
%% The BEAM's side of each comparison: the echo server, and what its own processes cost.
-module(bench_peer).
-behaviour(gen_server).
-export([echo/1, inside/1, memory/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init(_) -> {ok, 0}.
handle_call(stop, _, State) -> {stop, normal, ok, State};
handle_call(Request, _, State) -> {reply, Request, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info(_, State) -> {noreply, State}.

%% A node that serves `echo` until it is killed.
echo(_) ->
    {ok, _} = gen_server:start({local, echo}, ?MODULE, [], []),
    io:put_chars("READY\n"),
    receive never -> ok end.

%% Messages, calls and processes inside one node.
inside([Ms]) ->
    Time = list_to_integer(Ms),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    show("local_call", rate(Time, fun(N) -> calls(Server, N) end, 1000)),
    show("local_send", rate(Time, fun sends/1, 20000)),
    show("spawn_exit", rate(Time, fun spawns/1, 1000)),
    halt(0).

show(Figure, Value) -> io:format("~s ~.1f~n", [Figure, float(Value)]).

%% How often a second, in portions of N.
rate(Time, Do, N) ->
    Do(N),
    Start = erlang:monotonic_time(microsecond),
    rate(Do, N, Start, Start + Time * 1000, 0).

rate(Do, N, Start, End, Count) ->
    Do(N),
    case erlang:monotonic_time(microsecond) of
        Now when Now >= End -> (Count + N) * 1.0e6 / (Now - Start);
        _ -> rate(Do, N, Start, End, Count + N)
    end.

calls(_, 0) -> ok;
calls(Server, N) -> gen_server:call(Server, x), calls(Server, N - 1).

%% One sender, one receiver that counts.
sends(N) ->
    Self = self(),
    Sink = spawn_link(fun() -> sink(N), Self ! done end),
    _ = [Sink ! {tick, I} || I <- lists:seq(1, N)],
    receive done -> ok end.

sink(0) -> ok;
sink(N) -> receive {tick, _} -> sink(N - 1) end.

spawns(0) -> ok;
spawns(N) ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, normal} -> spawns(N - 1) end.

%% Resident bytes a server, from First servers to First + More.
memory([First, More]) ->
    start_many(list_to_integer(First)),
    Before = resident(),
    start_many(list_to_integer(More)),
    show("idle_server", (resident() - Before) / list_to_integer(More)),
    halt(0).

start_many(0) -> ok;
start_many(N) -> {ok, _} = gen_server:start(?MODULE, [], []), start_many(N - 1).

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Text, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.
