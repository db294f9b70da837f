%% SPDX-License-Identifier: Apache-2.0
%% Five nodes, two of them in C, that lose packets: who is left together. Nodes 1 and 5 are C nodes,
%% the least and the greatest name; 2, 3, 4 are OTP 25, 27, 25, with
%% prevent_overlapping_partitions as it is by default: on.
-module(s_global).
-export([otp_mode_clean_split_test/0, otp_mode_one_link_test/0, otp_mode_one_way_test/0]).
-export([otp_mode_flapping_test/0, otp_mode_leave_in_one_stroke_test/0]).
-export([guest_mode_clean_split_test/0, guest_mode_link_to_otp_test/0]).
-export([guest_mode_one_way_from_c_test/0, guest_mode_one_way_to_c_test/0]).
-export([guest_mode_link_between_c_nodes_test/0, guest_mode_flapping_test/0]).
-export([guest_mode_frozen_c_node_test/0, guest_mode_killed_c_node_test/0]).
-export([names_are_whole_again_after_a_split_test/0]).

-define(ALL, [1, 2, 3, 4, 5]).
%% A tick time of 8 s is 10 s at the longest; then POP's messages.
-define(DETECTED_MS, 30000).
%% Nothing more may happen for as long as it takes to notice what else there is.
-define(QUIET_MS, 11000).

%% ---- the cluster ------------------------------------------------------------------------------

five(Mode) ->
    C = {c, [{flags, ["--set", "global.prevent_overlapping_partitions=" ++ Mode]}]},
    ?ALL = splits:cluster([C, {otp, 25, []}, {otp, 27, []}, {otp, 25, []}, C]),
    [true = splits:call(2, net_kernel, connect_node, [splits:name(N)]) || N <- [1, 3, 4, 5]],
    splits:eventually(fun() -> groups() =:= [?ALL] end),
    [ok = splits:call(N, global, sync, []) || N <- ?ALL],
    ok.

%% Sets of nodes that see exactly each other; {torn, Views} while there is none such.
groups() -> groups(?ALL).

groups(Nodes) ->
    Views = [{N, lists:sort([M || M <- ?ALL, M =/= N, lists:member(splits:name(M), splits:visible(N))]
                            ++ [N])} || N <- Nodes],
    Sets = lists:usort([V || {_, V} <- Views]),
    case lists:sort(lists:append(Sets)) =:= lists:sort(Nodes) of
        true -> Sets;
        false -> {torn, Views}
    end.

become(Expected) ->
    splits:eventually(?DETECTED_MS, fun() -> lists:member(groups(), Expected) end),
    Groups = groups(),
    receive after ?QUIET_MS -> ok end,
    true = lists:member(groups(), Expected) orelse exit({then, groups(), before, Groups}).

together(Nodes) ->
    All = splits:names(Nodes),
    [begin
         Seen = [M || M <- [splits:name(N) | splits:visible(N)], lists:member(M, All)],
         All = lists:sort(Seen)
     end || N <- Nodes],
    true.

%% As long as it takes for a node to be lost and for the word to go round.
stay(Nodes, Ms) -> stay_until(Nodes, splits:now_ms() + Ms).

stay_until(Nodes, End) ->
    together(Nodes),
    splits:now_ms() > End orelse begin
        receive after 300 -> ok end,
        stay_until(Nodes, End)
    end.

apart(A, B) ->
    not lists:member(splits:name(B), splits:visible(A)) andalso
        not lists:member(splits:name(A), splits:visible(B)).

flap(A, B) ->
    [begin
         splits:cut(A, B),
         receive after 3000 -> ok end,
         splits:heal(),
         receive after 3000 -> ok end
     end || _ <- [1, 2, 3]],
    [?ALL] = groups().

%% ---- as OTP -----------------------------------------------------------------------------------

otp_mode_clean_split_test() ->
    five("otp"),
    splits:split([1, 2], [3, 4, 5]),
    become([[[1, 2], [3, 4, 5]]]).

%% Whoever notices first may stay; the other three do.
otp_mode_one_link_test() ->
    five("otp"),
    splits:cut(1, 2),
    become([lists:sort(G) || G <- [[[1], [2], [3, 4, 5]], [[2], [1, 3, 4, 5]], [[1], [2, 3, 4, 5]]]]).

otp_mode_one_way_test() ->
    five("otp"),
    splits:cut_one_way(1, 2),
    become([lists:sort(G) || G <- [[[1], [2], [3, 4, 5]], [[2], [1, 3, 4, 5]], [[1], [2, 3, 4, 5]]]]).

otp_mode_flapping_test() ->
    five("otp"),
    flap(1, 2).

otp_mode_leave_in_one_stroke_test() ->
    five("otp"),
    Left = splits:call(1, global, disconnect, []),
    4 = length(Left),
    become([[[1], [2, 3, 4, 5]]]).

%% ---- as a guest -------------------------------------------------------------------------------

guest_mode_clean_split_test() ->
    five("guest"),
    splits:split([1, 2], [3, 4, 5]),
    become([[[1, 2], [3, 4, 5]]]).

guest_mode_link_to_otp_test() ->
    five("guest"),
    splits:cut(1, 3),
    stay([2, 3, 4, 5], ?DETECTED_MS),
    true = apart(1, 3).

guest_mode_one_way_from_c_test() ->
    five("guest"),
    splits:cut_one_way(1, 3),
    stay([2, 3, 4, 5], ?DETECTED_MS),
    true = apart(1, 3).

guest_mode_one_way_to_c_test() ->
    five("guest"),
    splits:cut_one_way(3, 5),
    stay([1, 2, 3, 4], ?DETECTED_MS),
    true = apart(3, 5).

%% The greater one goes, at the word of the lesser.
guest_mode_link_between_c_nodes_test() ->
    five("guest"),
    splits:cut(1, 5),
    stay([1, 2, 3, 4], ?DETECTED_MS),
    become([[[1, 2, 3, 4], [5]]]).

guest_mode_flapping_test() ->
    five("guest"),
    flap(1, 3).

guest_mode_frozen_c_node_test() ->
    five("guest"),
    splits:freeze(1),
    stay([2, 3, 4, 5], ?DETECTED_MS),
    splits:thaw(1),
    stay([2, 3, 4, 5], ?QUIET_MS).

guest_mode_killed_c_node_test() ->
    five("guest"),
    splits:kill(5),
    stay([1, 2, 3, 4], ?QUIET_MS).

%% ---- names ------------------------------------------------------------------------------------

names_are_whole_again_after_a_split_test() ->
    five("guest"),
    Pid = splits:call(3, erlang, whereis, [init]),
    yes = splits:call(3, global, register_name, [before, Pid]),
    splits:split([1, 2], [3, 4, 5]),
    become([[[1, 2], [3, 4, 5]]]),
    [undefined = splits:call(N, global, whereis_name, [before]) || N <- [1, 2]],
    Other = splits:call(2, erlang, whereis, [init]),
    yes = splits:call(1, global, register_name, [meanwhile, Other]),
    splits:heal(),
    [splits:call(2, net_kernel, connect_node, [splits:name(N)]) || N <- [3, 4, 5]],
    splits:eventually(60000, fun() -> groups() =:= [?ALL] end),
    [ok = splits:call(N, global, sync, []) || N <- ?ALL],
    [Pid] = lists:usort([splits:call(N, global, whereis_name, [before]) || N <- ?ALL]),
    [Other] = lists:usort([splits:call(N, global, whereis_name, [meanwhile]) || N <- ?ALL]),
    ok.
