%% SPDX-License-Identifier: Apache-2.0
%% Partition policies of C nodes among OTP nodes: which side serves.
-module(s_partition_sides).
-export([row_3_two_and_two_test/0, row_4_one_and_one_test/0, row_6_last_is_cut_off_test/0]).
-export([row_10_first_crashes_test/0, row_12_one_direction_test/0, row_14_one_link_of_three_test/0]).
-export([row_15_disconnected_by_hand_test/0, row_16_guest_loses_a_link_test/0]).

%% The lowest name decides.
row_3_two_and_two_test() ->
    rows:run(#{row => 3, n => 4, c => [[1, 3], [2, 4]], steps => [
        {split, [1, 2], [3, 4]},
        {become, [{1, degraded}, {2, degraded}, {3, paused}, {4, paused}]},
        {answers, 1}, {answers, 2}, {refuses, 3}, {refuses, 4},
        heal, all_serve]}).

row_4_one_and_one_test() ->
    rows:run(#{row => 4, n => 2, c => [[1, 2]], steps => [
        {split, [1], [2]},
        {become, [{1, degraded}, {2, paused}]},
        {answers, 1}, {refuses, 2},
        heal, all_serve]}).

row_6_last_is_cut_off_test() ->
    rows:run(#{row => 6, c => [[1, 5], [1, 3, 5]], steps => [
        {split, [1, 2, 3, 4], [5]},
        {become, [{1, degraded}, {3, degraded}, {5, paused}]},
        {answers, 1}, {answers, 3}, {refuses, 5},
        heal, all_serve]}).

row_10_first_crashes_test() ->
    rows:run(#{row => 10, c => [[1, 3], [1, 3, 5]], steps => [
        {kill, [1]},
        {become, [{3, degraded}, {5, degraded}]},
        {answers, 3}, {answers, 5},
        {start, [1]}, all_serve,
        {count, 3, pauses, 0}, {count, 5, pauses, 0}]}).

%% The detector closes its connection; the other end learns it by its own ticks.
row_12_one_direction_test() ->
    rows:run(#{row => 12, c => [[1, 2], [1, 2, 4]], steps => [
        {one_way, 1, 2},
        {become, [{1, degraded}, {2, paused}]},
        {answers, 1}, {refuses, 2}, {answers, 4}, {stay, 1, [{4, serving}]},
        heal, all_serve]}).

row_14_one_link_of_three_test() ->
    rows:run(#{row => 14, n => 3, c => [[1, 2], [1, 2, 3]], steps => [
        {cut, 1, 2},
        {become, [{1, degraded}, {2, paused}]},
        {answers, 1}, {refuses, 2}, {answers, 3},
        heal, all_serve]}).

%% OTP nodes then cut off others, both ends of the link among them. C nodes with a list of members
%% come back by themselves; those whom nobody cut off serve all the time.
row_15_disconnected_by_hand_test() ->
    rows:run(#{row => 15, c => [[1, 3], [1, 3, 5]], pop => true, mode => "otp", steps => [
        {disconnect, 2, 1},
        {stay, 12, [{3, [serving, suspect, degraded]}, {5, [serving, suspect, degraded]}]},
        fun meet_again/1, all_serve,
        {count, 3, pauses, 0}, {count, 5, pauses, 0}]}).

row_16_guest_loses_a_link_test() ->
    rows:run(#{row => 16, c => [[1, 3], [1, 3, 5]], pop => true, mode => "guest", steps => [
        {cut, 1, 2},
        {become, [{1, paused}]},
        {stay, 1, [{3, [serving, suspect, degraded]}, {5, [serving, suspect, degraded]}]},
        heal, fun meet_again/1, all_serve,
        {count, 3, pauses, 0}, {count, 5, pauses, 0}]}).

%% OTP nodes do not come back by themselves.
meet_again(#{all := All, otp := Otp}) ->
    [splits:call(N, net_kernel, connect_node, [splits:name(M)]) || N <- Otp, M <- All, M =/= N].
