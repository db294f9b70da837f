%% SPDX-License-Identifier: Apache-2.0
%% Partition policies of C nodes among OTP nodes, which follow none: two C nodes on one side or the
%% other, and on each side a BEAM that calls them. Rows are those of the scenario table.
-module(s_partition).
-export([row_1_two_and_three_test/0, row_5_first_is_cut_off_test/0]).
-export([row_13_one_broken_link_test/0, row_30_stopped_and_continued_test/0]).

%% 1, 3 and 5 are C nodes; none of the five accuses another.
joined() ->
    Names = string:join([atom_to_list(splits:name(N)) || N <- lists:seq(1, 5)], ","),
    C = ["--set", "partition.members=" ++ Names,
         "--set", "global.prevent_overlapping_partitions=off",
         "--set", "self.suspend_gap=5s"],
    Otp = ["-kernel", "prevent_overlapping_partitions", "false"],
    Load = {load, [os:getenv("FL_BUILD") ++ "/examples/counter.so"]},
    splits:cluster([{c, [{flags, C}, Load]}, {otp, 25, [{flags, Otp}]}, {c, [{flags, C}, Load]},
                    {otp, 27, [{flags, Otp}]}, {c, [{flags, C}, Load]}]),
    pong = splits:call(2, net_adm, ping, [splits:name(4)]),
    all_serve().

all_serve() ->
    splits:eventually(120000, fun() -> [state(N) || N <- [1, 3, 5]] =:= [serving, serving, serving] end),
    [0 = counter(From, To) || From <- [2, 4], To <- [1, 3, 5]],
    ok.

state(N) -> maps:get(state, splits:call(N, flitch_partition, status, [])).
becomes(N, State) -> splits:eventually(90000, fun() -> state(N) =:= State end).

%% What a BEAM gets from the counter of a C node.
counter(From, To) ->
    case splits:call(From, rpc, call, [splits:name(From), gen_server, call,
                                       [{counter, splits:name(To)}, get]]) of
        {badrpc, {'EXIT', {Reason, {gen_server, call, _}}}} -> Reason;
        Value -> Value
    end.

row_1_two_and_three_test() ->
    joined(),
    splits:split([1, 2], [3, 4, 5]),
    becomes(1, paused),
    becomes(3, degraded),
    becomes(5, degraded),
    noproc = counter(2, 1),
    [0, 0] = [counter(4, N) || N <- [3, 5]],
    splits:heal(),
    all_serve().

row_5_first_is_cut_off_test() ->
    joined(),
    splits:split([1], [2, 3, 4, 5]),
    becomes(1, paused),
    becomes(3, degraded),
    [0, 0] = [counter(2, N) || N <- [3, 5]],
    splits:heal(),
    all_serve().

%% 1 and 3 see each other no more, everybody else sees both: the lower name stays.
row_13_one_broken_link_test() ->
    joined(),
    splits:cut(1, 3),
    becomes(3, paused),
    becomes(1, degraded),
    noproc = counter(4, 3),
    0 = counter(4, 1),
    serving = state(5),
    splits:heal(),
    all_serve().

%% It refuses before it answers anything, and serves again when it has heard of all.
row_30_stopped_and_continued_test() ->
    joined(),
    splits:freeze(1),
    becomes(3, degraded),
    splits:thaw(1),
    all_serve(),
    1 = maps:get(suspend_gaps, splits:call(1, flitch_partition, status, [])),
    0 = maps:get(pauses, splits:call(3, flitch_partition, status, [])).
