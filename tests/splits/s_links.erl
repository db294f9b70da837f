%% SPDX-License-Identifier: Apache-2.0
%% Connections under loss: who notices, when, and who comes back by itself.
-module(s_links).
-export([loss_is_noticed_by_both_and_healed_by_the_joiner_test/0]).
-export([loss_shorter_than_the_tick_time_is_nothing_test/0, one_direction_is_enough_test/0]).

hidden(N) -> lists:sort(splits:call(N, erlang, nodes, [hidden])).

joined() ->
    splits:cluster([{otp, 25, []}, {c, [{join, [1]}, {flags, ["--hidden"]}]}]),
    splits:eventually(fun() -> knows(1, 2) andalso knows(2, 1) end).

knows(N, M) -> lists:member(splits:name(M), hidden(N)).

loss_is_noticed_by_both_and_healed_by_the_joiner_test() ->
    joined(),
    Start = splits:now_ms(),
    splits:cut(1, 2),
    splits:eventually(fun() -> not knows(2, 1) end),
    true = splits:now_ms() - Start < 11000,
    splits:eventually(fun() -> not knows(1, 2) end),
    splits:heal(),
    splits:eventually(60000, fun() -> knows(1, 2) andalso knows(2, 1) end).

one_direction_is_enough_test() ->
    joined(),
    splits:cut_one_way(1, 2),
    splits:eventually(fun() -> not knows(2, 1) end),
    splits:heal(),
    splits:eventually(60000, fun() -> knows(1, 2) andalso knows(2, 1) end).

%% Three seconds without a packet, twice: nobody goes down.
loss_shorter_than_the_tick_time_is_nothing_test() ->
    joined(),
    ok = splits:call(1, net_kernel, monitor_nodes, [true, [{node_type, all}]]),
    [begin
         splits:cut(1, 2),
         receive after 3000 -> ok end,
         splits:heal(),
         pong = splits:call(1, net_adm, ping, [splits:name(2)])
     end || _ <- [1, 2]],
    false = splits:is_logged(2, <<"lost">>),
    true = knows(1, 2) andalso knows(2, 1).
