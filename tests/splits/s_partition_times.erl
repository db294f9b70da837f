%% SPDX-License-Identifier: Apache-2.0
%% Partition policies of C nodes among OTP nodes: what comes and goes, and newcomers.
-module(s_partition_times).
-export([row_18_flapping_below_the_tick_time_test/0, row_19_flapping_by_resets_test/0]).
-export([row_20_heals_before_the_decision_test/0, row_22_second_loss_on_the_way_back_test/0]).
-export([row_28_newcomer_on_the_small_side_test/0, row_29_visitors_are_not_counted_test/0]).
-export([row_31_starved_member_test/0, row_33_same_name_on_both_sides_test/0]).
-export([row_36_rolling_restart_test/0]).

row_18_flapping_below_the_tick_time_test() ->
    Off = {split, [1, 2], [3, 4, 5]},
    rows:run(#{row => 18, c => [[1, 3], [1, 3, 5]], steps => [
        Off, {wait_s, 3}, heal, {wait_s, 3}, Off, {wait_s, 3}, heal, {wait_s, 3},
        Off, {wait_s, 3}, heal, {stay, 12, [{1, serving}, {3, serving}, {5, serving}]},
        {count, 1, partitions, 0}, {count, 3, partitions, 0}, {count, 5, partitions, 0}, all_serve]}).

%% Each end misses another member all the time, so it is never whole; the link between them closes
%% and opens. Neither finds calm, and both pause: not before 1.75 times the stable time of 7 s.
row_19_flapping_by_resets_test() ->
    rows:run(#{row => 19, c => [[1, 3], [1, 3, 5]], steps => [
        {cut, 1, 2}, {cut, 3, 4},
        fun(_) -> flap(1, 3), now end,
        {become, [{1, paused}, {3, paused}]},
        heal, all_serve]}).

flap(A, B) ->
    splits:eventually(30000, fun() -> rows:state(A) =:= suspect andalso rows:state(B) =:= suspect end),
    Start = splits:now_ms(),
    flap_until(A, B, Start + 25000),
    [true = paused_after(N) >= 12000 orelse exit({paused_too_early, N, paused_after(N)}) || N <- [A, B]].

flap_until(A, B, End) ->
    splits:call(A, net_kernel, connect_node, [splits:name(B)]),
    receive after 1500 -> ok end,
    splits:call(A, erlang, disconnect_node, [splits:name(B)]),
    receive after 1500 -> ok end,
    Paused = [rows:state(N) =:= paused orelse rows:state(N) =:= pausing || N <- [A, B]],
    case Paused of
        [true, true] -> ok;
        _ -> splits:now_ms() < End orelse exit({not_paused, Paused}), flap_until(A, B, End)
    end.

%% From the first loss to the decision to pause, as the node's own record tells it.
paused_after(N) ->
    Records = splits:call(N, flitch_partition, explain, []),
    [R | _] = [R || #{to := pausing} = R <- Records],
    maps:get(at, R) - maps:get(first_loss, R).

row_20_heals_before_the_decision_test() ->
    rows:run(#{row => 20, c => [[1, 3], [1, 3, 5]], steps => [
        {split, [1, 2], [3, 4, 5]},
        {become, [{1, suspect}]},
        heal, all_serve,
        {count, 1, pauses, 0}, {count, 1, false_suspicions, {at_least, 1}}, {count, 3, pauses, 0}]}).

%% It is connected again, and has not yet been so for long enough when the network breaks again.
row_22_second_loss_on_the_way_back_test() ->
    Split = {split, [1, 2], [3, 4, 5]},
    rows:run(#{row => 22, c => [[1, 3], [1, 3, 5]], steps => [
        Split, {become, [{1, paused}, {3, degraded}, {5, degraded}]}, {refuses, 1},
        heal, fun(_) -> splits:eventually(60000, fun() -> length(splits:visible(1)) >= 3 end) end,
        Split, {wait_s, 12}, {become, [{1, paused}, {3, degraded}, {5, degraded}]},
        {refuses, 1}, {answers, 3}, {answers, 5},
        heal, all_serve]}).

%% It has not been there for a stable time with a majority.
row_28_newcomer_on_the_small_side_test() ->
    rows:run(#{row => 28, c => [[1, 3], [1, 3, 5]], members => false, steps => [
        {wait_s, 20},
        {split, [1, 2], [3, 4, 5]},
        {become, [{1, suspect}]},
        fun(_) ->
            splits:add(6, {otp, 27, [{flags, ["-kernel", "prevent_overlapping_partitions", "false"]}]}),
            splits:split([6], [3, 4, 5]),
            [true = splits:call(6, net_kernel, connect_node, [splits:name(N)]) || N <- [1, 2]]
        end,
        {become, [{1, paused}, {3, degraded}, {5, degraded}]},
        {refuses, 1}, {answers, 3}, {answers, 5},
        heal, all_serve]}).

row_29_visitors_are_not_counted_test() ->
    rows:run(#{row => 29, c => [[1, 3], [1, 3, 5]], steps => [
        fun(_) ->
            [begin
                 splits:add(6, {otp, 25, [{flags, Flags}]}),
                 [pong = splits:call(6, net_adm, ping, [splits:name(N)]) || N <- [1, 3]],
                 splits:kill(6)
             end || Flags <- [["-hidden"], ["-hidden", "-connect_all", "false"]]],
            now
        end,
        {stay, 10, [{1, serving}, {3, serving}, {5, serving}]},
        {count, 1, partitions, 0}, {count, 1, members, 5}, {count, 3, partitions, 0}, all_serve]}).

%% It gets no time for 20 s; the others drop it, and that is all that they drop.
row_31_starved_member_test() ->
    rows:run(#{row => 31, c => [[1, 3], [1, 3, 5]], steps => [
        {freeze, 1}, {wait_s, 20},
        {stay, 1, [{3, [suspect, degraded]}, {5, [suspect, degraded]}]},
        {thaw, 1}, all_serve,
        {count, 3, pauses, 0}, {count, 5, pauses, 0}, {count, 1, suspend_gaps, {at_least, 1}}]}).

%% The side that paused had given its name back: there is nothing to resolve, nobody is killed.
row_33_same_name_on_both_sides_test() ->
    rows:run(#{row => 33, c => [[1, 3], [1, 3, 5]], steps => [
        fun(_) ->
            Pid = splits:call(1, erlang, whereis, [counter]),
            yes = splits:call(1, global, register_name, [svc, Pid]),
            splits:eventually(fun() -> splits:call(4, global, whereis_name, [svc]) =:= Pid end)
        end,
        {split, [1, 2], [3, 4, 5]},
        {become, [{1, paused}, {3, degraded}, {5, degraded}]},
        fun(_) ->
            splits:eventually(fun() -> splits:call(4, global, whereis_name, [svc]) =:= undefined end),
            yes = splits:call(4, global, register_name, [svc, splits:call(4, erlang, whereis, [init])])
        end,
        heal, all_serve,
        fun(_) ->
            Pid = splits:call(4, erlang, whereis, [init]),
            splits:eventually(fun() -> [Pid] =:= lists:usort([splits:call(N, global, whereis_name, [svc])
                                                              || N <- [1, 2, 3, 4, 5]]) end),
            true = is_pid(splits:call(1, erlang, whereis, [counter]))
        end]}).

%% One after the other, as an update does it; each is whole again before the next one goes.
row_36_rolling_restart_test() ->
    Turn = fun(N) ->
        fun(#{c := C, all := All} = Cluster) ->
            splits:stop(N),
            rows:take([{start, [N]}], Cluster),
            splits:eventually(60000, fun() -> [M || M <- All, length(splits:visible(M)) < length(All) - 1] =:= [] end),
            rows:all_serve(Cluster),
            [0 = maps:get(pauses, splits:call(M, flitch_partition, status, [])) || M <- C],
            now
        end
    end,
    rows:run(#{row => 36, c => [[1, 3], [1, 3, 5]], pop => true, mode => "guest",
               steps => [fun(_) -> now end, Turn(1), Turn(2), Turn(3), Turn(4), Turn(5), all_serve]}).
