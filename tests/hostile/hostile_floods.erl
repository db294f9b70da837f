%% SPDX-License-Identifier: Apache-2.0
%% Much of everything: tables that a peer fills, work that it causes, output that it never reads.
-module(hostile_floods).
-export([cases/0, slowest_ms/1]).
-import(hostile_wire, [connect/1, connect/2, connect/3, send/2, ctl/1, ctl/2, pid/1, pid/3, ref/2,
                       name/0, flags/0, flag/1, pour/3]).

-define(MANY, 100000).

slowest_ms(_) -> 1500.

cases() ->
    [{"monitors by the 100000 are gone with their peer", flood(fun(P, I) ->
          ctl({19, pid(P), echo, ref(P, I)}) end)},
     {"monitors with references of invented nodes", flood(fun(P, I) ->
          ctl({19, pid(P), echo, ref("r" ++ integer_to_list(I) ++ "@h", I)}) end)},
     {"links by the 100000 are gone with their peer", flood(fun(P, I) ->
          ctl({1, pid(P, I, 17), pid("c1@127.0.0.1", 1, 4)}) end)},
     {"links with a server that lives", fun links/1},
     {"unlinks and their acknowledgements", flood(fun(P, I) ->
          [ctl({35, I, pid(P, I, 17), pid("c1@127.0.0.1", 3, 4)}),
           ctl({36, I, pid(P, I, 17), pid("c1@127.0.0.1", 3, 4)})] end)},
     {"spawn requests", flood(fun(P, I) ->
          ctl({29, ref(P, I), pid(P), pid(P), {erlang, node, 0}, [link, monitor]}, []) end)},
     {"spawn requests with leaders at invented nodes", flood(fun(P, I) ->
          ctl({29, ref(P, I), pid(P), pid("l" ++ integer_to_list(I) ++ "@h"), {erlang, node, 0}, []},
              []) end)},
     {"messages to aliases that never were", flood(fun(P, I) ->
          ctl({33, pid(P), ref("c1@127.0.0.1", I)}, x) end)},
     {"atoms that nobody knows", flood(fun(P, I) ->
          ctl({6, pid(P), '', echo}, list_to_binary("atom" ++ integer_to_list(I))) end)},
     {"calls that rex never answers in time", fun rex_calls/1},
     {"casts to a suspended server", fun suspended/1},
     {"processes of invented nodes that call", fun invented_callers/1},
     {"an honest node that is new gets in after all that", fun new_peer/1},
     {"connections that come and go", fun come_and_go/1},
     {"names given to nodes without one", fun given_names/1},
     {"a peer that never reads is cut off, and memory stays bounded", fun never_reads/1},
     {"a peer that reads slowly delays nobody", fun slow_reader/1},
     {"an honest node gets in at the end", fun new_peer/1}].

flood(Make) ->
    fun(C) ->
        Peer = name(),
        Socket = connect(C, Peer),
        Reader = hostile_wire:drain(Socket),
        pour(Socket, fun(I) -> Make(Peer, I) end, ?MANY),
        ok = hostile_wire:served(Socket, Peer, Reader),
        gen_tcp:close(Socket),
        marker(C)
    end.

%% The node has come through what was sent before, and serves.
marker(#{node := Node}) ->
    hostile:same(Node, rpc:call(Node, erlang, node, [], 60000)).

os_bytes(#{os_pid := Pid}) ->
    {ok, Bytes} = file:read_file("/proc/" ++ Pid ++ "/statm"),
    [_, Resident | _] = string:lexemes(binary_to_list(Bytes), " "),
    list_to_integer(Resident) * 4096.

links(C = #{node := Node}) ->
    Peer = name(),
    Echo = rpc:call(Node, erlang, whereis, [echo]),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    pour(Socket, fun(I) -> ctl({1, pid(Peer, I, 17), Echo}) end, ?MANY),
    pour(Socket, fun(I) -> ctl({35, I, pid(Peer, I, 17), Echo}) end, ?MANY),
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    hostile:same(Echo, rpc:call(Node, erlang, whereis, [echo])).

%% Each waits for a process that never answers: the worker's, rex's and the peer's share of tables.
rex_calls(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    pour(Socket, fun(I) ->
        ctl({6, pid(Peer), '', rex},
            {'$gen_call', {pid(Peer), ref(Peer, I)}, {call, erlang, node, [], pid(Peer)}}) end, 20000),
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    marker(C).

%% Nothing may be looked at twice for each message that arrives meanwhile.
suspended(C = #{node := Node}) ->
    ok = rpc:call(Node, sys, suspend, [counter]),
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    Cast = ctl({6, pid(Peer), '', counter}, {'$gen_cast', reset}),
    pour(Socket, fun(_) -> Cast end, 200000),
    [send(Socket, Cast) || _ <- lists:seq(1, 3000), erlang:yield()],
    ok = hostile_wire:served(Socket, Peer, Reader),
    ok = rpc:call(Node, sys, resume, [counter]),
    gen_tcp:close(Socket),
    hostile:same(x, gen_server:call({counter, Node}, {echo, x}, 60000)).

invented_callers(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    pour(Socket, fun(I) ->
        N = "i" ++ integer_to_list(I) ++ "@127.0.0.1",
        ctl({6, pid(Peer), '', echo}, {'$gen_call', {pid(N), ref(N, I)}, hello}) end, ?MANY),
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    marker(C).

new_peer(C) ->
    timer:sleep(1000),
    Peer = name(),
    Socket = connect(C, Peer),
    Marker = <<"new peer's marker">>,
    send(Socket, ctl({6, pid(Peer), '', echo}, {'$gen_call', {pid(Peer), ref(Peer, 1)}, Marker})),
    ok = frame_with(Socket, Marker),
    gen_tcp:close(Socket),
    ok.

%% After what a visible node says by itself.
frame_with(Socket, Marker) ->
    {ok, Frame} = hostile_wire:recv_frame(Socket, 30000),
    case binary:match(Frame, Marker) of
        nomatch -> frame_with(Socket, Marker);
        {_, _} -> ok
    end.

%% As fast as the node lets them.
come_and_go(C) ->
    Until = erlang:monotonic_time(millisecond) + 2000,
    comes_and_goes(C, Until, 0).

comes_and_goes(C, Until, Count) ->
    case erlang:monotonic_time(millisecond) < Until of
        true ->
            _ = try gen_tcp:close(connect(C)) catch _:_ -> refused end,
            comes_and_goes(C, Until, Count + 1);
        false when Count > 3 -> marker(C);
        false -> {too_few, Count}
    end.

given_names(C = #{port := Port}) ->
    timer:sleep(1000),
    [begin
         Socket = hostile_wire:open(Port),
         Host = "h" ++ integer_to_list(I) ++ ".example",
         hostile_wire:send_name(Socket, Host, flags() bor flag(name_me)),
         {ok, <<"snamed:", _/binary>>} = hostile_wire:hs_recv(Socket),
         gen_tcp:close(Socket)
     end || I <- lists:seq(1, 8)],
    marker(C).

%% It asks for 64 KiB again and again and never reads an answer.
never_reads(C) ->
    Before = os_bytes(C),
    Peer = name(),
    Socket = connect(C, Peer),
    Big = binary:copy(<<"x">>, 65536),
    Ask = ctl({6, pid(Peer), '', echo}, {'$gen_call', {pid(Peer), ref(Peer, 1)}, Big}),
    Sent = ask_on(Socket, Ask, 0, 4000),
    Grown = (os_bytes(C) - Before) div (1 bsl 20),
    case Sent < 4000 andalso Grown < limit(C) of
        true -> hostile:logged(C, ["disconnected from " ++ Peer, "dist.out_hard"]);
        false -> {sent, Sent, grown_by_mb, Grown}
    end.

limit(#{san := ""}) -> 96;
limit(_) -> 600.

ask_on(_, _, Max, Max) -> Max;
ask_on(Socket, Ask, Count, Max) ->
    case gen_tcp:send(Socket, Ask) of
        ok -> ask_on(Socket, Ask, Count + 1, Max);
        {error, _} -> Count
    end.

slow_reader(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Big = binary:copy(<<"x">>, 65536),
    Ask = ctl({6, pid(Peer), '', echo}, {'$gen_call', {pid(Peer), ref(Peer, 1)}, Big}),
    [send(Socket, Ask) || _ <- lists:seq(1, 40)],
    [gen_tcp:recv(Socket, 20000, 1000) || _ <- lists:seq(1, 60), timer:sleep(10) =:= ok],
    gen_tcp:close(Socket),
    marker(C).
