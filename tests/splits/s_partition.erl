%% SPDX-License-Identifier: Apache-2.0
%% Partition policies of C nodes among OTP nodes, which follow none. Rows are those of the scenario
%% table; these four are tried with every change, those of s_partition_* by `make splits`.
-module(s_partition).
-export([row_1_two_and_three_test/0, row_5_first_is_cut_off_test/0]).
-export([row_13_one_broken_link_test/0, row_30_stopped_and_continued_test/0]).

row_1_two_and_three_test() ->
    rows:run(#{row => 1, c => [[1, 3], [1, 3, 5]], steps => [
        {split, [1, 2], [3, 4, 5]},
        {become, [{1, paused}, {3, degraded}, {5, degraded}]},
        {refuses, 1}, {answers, 3}, {answers, 5},
        heal, all_serve]}).

row_5_first_is_cut_off_test() ->
    rows:run(#{row => 5, c => [[1, 3], [1, 3, 5]], steps => [
        {split, [1], [2, 3, 4, 5]},
        {become, [{1, paused}, {3, degraded}, {5, degraded}]},
        {refuses, 1}, {answers, 3}, {answers, 5},
        heal, all_serve]}).

%% 1 and 2 see each other no more, everybody else sees both: the lower name stays.
row_13_one_broken_link_test() ->
    rows:run(#{row => 13, c => [[1, 2], [1, 2, 5]], steps => [
        {cut, 1, 2},
        {become, [{1, degraded}, {2, paused}]},
        {refuses, 2}, {answers, 1}, {answers, 5}, {stay, 1, [{5, serving}]},
        heal, all_serve]}).

%% It refuses before it answers anything, and serves again when it has heard of all.
row_30_stopped_and_continued_test() ->
    rows:run(#{row => 30, c => [[1, 3], [1, 3, 5]], steps => [
        {freeze, 1},
        {become, [{3, degraded}, {5, degraded}]},
        {thaw, 1}, all_serve,
        {count, 1, suspend_gaps, 1}, {count, 3, pauses, 0}, {count, 5, pauses, 0}]}).
