%% SPDX-License-Identifier: Apache-2.0
%% Namespaces n1, n2, ... on one bridge, 10.77.0.1, .2, ..., and the loss of packets between them.
%%
%% A packet is lost by sending it to an Ethernet address that nobody has: silently, in one direction,
%% as a broken switch does it, and without a packet filter.
-module(splits_net).
-export([hub/0, plug/1, crowd/2, unplug_all/0, address/1, space/1, cut_one_way/2, mend/2]).

-define(NOWHERE, "02:00:00:00:00:99").

hub() -> sh("ip link add br0 type bridge && ip link set br0 up").

address(N) -> lists:concat(["10.77.0.", N]).
space(N) -> lists:concat(["n", N]).

plug(N) ->
    S = space(N),
    sh(["ip netns add ", S, " && ip link add v", S, " type veth peer name e0 netns ", S,
        " && ip link set v", S, " master br0 up && ip -n ", S, " link set lo up && ip -n ", S,
        " addr add ", address(N), "/24 dev e0 && ip -n ", S, " link set e0 up"]).

%% A namespace with all addresses of 10.78.0.0/16, which those nodes find there.
crowd(N, Nodes) ->
    plug(N),
    sh(["ip -n ", space(N), " route add local 10.78.0.0/16 dev lo"]),
    [sh(["ip -n ", space(M), " route add 10.78.0.0/16 via ", address(N)]) || M <- Nodes],
    ok.

%% With whatever runs in them. A namespace goes some time after its name, its link at once.
unplug_all() ->
    Spaces = [hd(string:lexemes(L, " ")) || L <- string:lexemes(os:cmd("ip netns list"), "\n")],
    [os:cmd(["ip netns pids ", S, " | xargs -r kill -9; ip link del v", S, "; ip netns del ", S]) || S <- Spaces],
    ok.

%% Packets from A to B.
cut_one_way(A, B) ->
    sh(["ip -n ", space(A), " neigh replace ", address(B), " lladdr " ?NOWHERE
        " dev e0 nud permanent"]).

mend(A, B) -> sh(["ip -n ", space(A), " neigh del ", address(B), " dev e0"]).

sh(Command) ->
    case os:cmd(lists:flatten(["(", Command, ") 2>&1; echo =$?"])) of
        "=0\n" -> ok;
        Text -> exit({command_failed, lists:flatten(Command), Text})
    end.
