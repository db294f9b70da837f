%% SPDX-License-Identifier: Apache-2.0
%% Rows of the scenario table as data: a cluster, and steps that are taken in turn.
%%
%%     rows:run(#{row => 1, c => [[1, 3], [1, 3, 5]],
%%                steps => [{split, [1, 2], [3, 4, 5]}, {become, [{1, paused}, {3, degraded}]},
%%                          {refuses, 1}, heal, all_serve]})
%%
%% Each list of `c` is a run: these of the nodes are C nodes with a partition policy, the others OTP
%% 25 and 27 in turn, which have none. A step that names a node which is no C node in that run is
%% left out. `n` nodes (5); `pop`: the OTP nodes cut others off as they do by default (false);
%% `mode`: what C nodes make of that ("off"); `members`: given as a list (true), or seen.
%%
%% How long it took until a side decided, and until all served again, is printed for each run.
-module(rows).
-export([run/1, start/2, state/1, counter/2, all_serve/1, take/2]).

-define(BECOMES_MS, 90000).
-define(WHOLE_MS, 150000).

run(#{c := Runs} = Row) -> [one(Row, C) || C <- Runs], ok.

one(Row, C) ->
    Cluster = start(Row, C),
    Times = take(maps:get(steps, Row), Cluster),
    io:format("   row ~b, C nodes ~w of ~b: ~s~n",
              [maps:get(row, Row), C, maps:get(n, Row, 5), string:join(Times, ", ")]),
    splits:clean().

%% ---- the cluster ------------------------------------------------------------------------------

start(Row, C) ->
    N = maps:get(n, Row, 5),
    Ns = lists:seq(1, N),
    Ns = splits:cluster([spec(I, Row, C) || I <- Ns]),
    [connect(I, Ns) || I <- Ns],
    Cluster = #{all => Ns, c => C, otp => Ns -- C, since => none},
    all_serve(Cluster),
    Cluster.

%% Those that were met by a C node's own means are connected already.
connect(I, Ns) ->
    splits:is_c(I) orelse [splits:call(I, net_kernel, connect_node, [splits:name(J)]) || J <- Ns, J > I].

spec(I, Row, C) ->
    case lists:member(I, C) of
        true -> {c, [{flags, c_flags(Row)}, {load, [os:getenv("FL_BUILD") ++ "/examples/counter.so"]}
                     | joins(I, Row)]};
        false -> {otp, lists:nth(1 + I rem 2, [25, 27]), [{flags, otp_flags(maps:get(pop, Row, false))}]}
    end.

c_flags(Row) ->
    Names = string:join([atom_to_list(splits:name(N)) || N <- lists:seq(1, maps:get(n, Row, 5))], ","),
    Members = case maps:get(members, Row, true) of
                  true -> ["--set", "partition.members=" ++ Names];
                  false -> ["--set", "partition.policy=keep_majority"]
              end,
    Members ++ ["--set", "global.prevent_overlapping_partitions=" ++ maps:get(mode, Row, "off"),
                "--set", "self.suspend_gap=5s"] ++ maps:get(flags, Row, []).

joins(I, #{members := false} = Row) -> [{join, lists:seq(1, maps:get(n, Row, 5)) -- [I]}];
joins(_, _) -> [].

otp_flags(true) -> [];
otp_flags(false) -> ["-kernel", "prevent_overlapping_partitions", "false"].

state(N) -> value(N, state).
value(N, Key) -> maps:get(Key, splits:call(N, flitch_partition, status, [])).

%% Who of the others asks: an OTP node, or another C node's eye.
asker(#{otp := [N | _]}, _) -> N;
asker(#{c := C}, To) -> hd(C -- [To]).

%% What somebody on node From gets from the counter of a C node.
counter(From, To) ->
    Name = case splits:is_c(From) of true -> splits:eye_name(From); false -> splits:name(From) end,
    case splits:call_at(From, rpc, call, [Name, gen_server, call, [{counter, splits:name(To)}, get]]) of
        {badrpc, {'EXIT', {Reason, {gen_server, call, _}}}} -> Reason;
        Value -> Value
    end.

all_serve(#{c := C} = Cluster) ->
    splits:eventually(?WHOLE_MS, fun() -> [N || N <- C, state(N) =/= serving] =:= [] end),
    [splits:eventually(10000, fun() -> counter(asker(Cluster, N), N) =:= 0 end) || N <- C],
    ok.

%% ---- steps ------------------------------------------------------------------------------------

%% Returns what is to be told of times.
take(Steps, Cluster) ->
    {_, Times} = lists:foldl(fun step/2, {Cluster, []}, Steps),
    lists:reverse(Times).

step(Step, {#{c := C} = Cluster, Times}) ->
    case only(Step, C) of
        none -> {Cluster, Times};
        Left ->
            try act(Left, Cluster) of
                now -> {Cluster#{since => splits:now_ms()}, Times};
                {told, Text} -> {Cluster, [told(Text, Cluster) | Times]};
                _ -> {Cluster, Times}
            catch
                Class:Reason -> exit({Class, Reason, at, Step, states, states(C)})
            end
    end.

states(C) -> [{N, catch splits:call(N, flitch_partition, status, [])} || N <- C].

told(Text, #{since := Since}) ->
    lists:flatten(io_lib:format("~s after ~.1f s", [Text, (splits:now_ms() - Since) / 1000])).

only({become, States}, C) -> some({become, [S || {N, _} = S <- States, lists:member(N, C)]});
only({stay, S, States}, C) -> some({stay, S, [T || {N, _} = T <- States, lists:member(N, C)]});
only({Of, N} = Step, C) when Of =:= refuses; Of =:= answers -> keep(lists:member(N, C), Step);
only({count, N, _, _} = Step, C) -> keep(lists:member(N, C), Step);
only(Step, _) -> Step.

some({become, []}) -> none;
some({stay, _, []}) -> none;
some(Step) -> Step.

keep(true, Step) -> Step;
keep(false, _) -> none.

act({split, As, Bs}, _) -> splits:split(As, Bs), now;
act({cut, A, B}, _) -> splits:cut(A, B), now;
act({one_way, A, B}, _) -> splits:cut_one_way(A, B), now;
act(heal, _) -> splits:heal(), now;
act({kill, Ns}, _) -> [splits:kill(N) || N <- Ns], now;
act({start, Ns}, #{all := All}) -> [begin splits:start(N), connect(N, All) end || N <- Ns], now;
act({freeze, N}, _) -> splits:freeze(N), now;
act({thaw, N}, _) -> splits:thaw(N), now;
act({disconnect, A, B}, _) -> splits:call(A, erlang, disconnect_node, [splits:name(B)]), now;
act({wait_s, S}, _) -> wait(S);
act({become, States}, _) -> become(States), {told, "decided"};
act({stay, S, States}, _) -> stay(States, splits:now_ms() + 1000 * S);
act({refuses, N}, Cluster) -> noproc = counter(near(Cluster, N), N);
act({answers, N}, Cluster) -> 0 = counter(near(Cluster, N), N);
act({count, N, Key, {at_least, Least}}, _) -> true = value(N, Key) >= Least orelse exit({Key, value(N, Key)});
act({count, N, Key, Value}, _) -> Value = value(N, Key);
act(all_serve, Cluster) -> all_serve(Cluster), {told, "whole"};
act(Fun, Cluster) when is_function(Fun, 1) -> Fun(Cluster).

%% Who still reaches that node: its own eye always does.
near(#{otp := Otp}, N) ->
    case [M || M <- Otp, lists:member(splits:name(M), splits:visible(N))] of
        [M | _] -> M;
        [] -> N
    end.

wait(S) -> receive after round(1000 * S) -> ok end.

become(States) ->
    splits:eventually(?BECOMES_MS, fun() -> [S || {N, _} = S <- States, {N, state(N)} =/= S] =:= [] end).

%% Each state is a state or a list of those that are allowed.
stay(States, End) ->
    [lists:member(state(N), allowed(S)) orelse exit({left, N, S, state(N)}) || {N, S} <- States],
    splits:now_ms() > End orelse begin wait(0.3), stay(States, End) end.

allowed(S) when is_list(S) -> S;
allowed(S) -> [S].
