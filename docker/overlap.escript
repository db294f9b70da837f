#!/usr/bin/env escript
%% SPDX-License-Identifier: Apache-2.0
%% Four nodes of OTP and no other: three links are lost, two of them come back by themselves, all see each
%% other, and with prevent_overlapping_partitions off one node lacks a global name for good.
%%
%%     docker/overlap.escript false    b lacks the name of c
%%     docker/overlap.escript true     nobody lacks a name of a node that it sees
%%
%% b loses c, while a keeps both. d, which has c alone, meets a: what a has not known before is told to b,
%% with a list of all whom d knows. c is on that list, its name is nothing new to a; so b takes c for a
%% member without its name, and says so to c. In the lab it is the lost links that do this.
-mode(compile).

-define(REST_MS, 10000).

main([Prevent]) when Prevent =:= "true"; Prevent =:= "false" ->
    {ok, _} = net_kernel:start(['overlap', shortnames]),
    Nodes = [A, B, C, D] = [start(Name, Prevent) || Name <- ["a", "b", "c", "d"]],
    [true = rpc:call(N, net_kernel, connect_node, [M]) || N <- Nodes, M <- Nodes, N < M],
    [ok = rpc:call(N, global, sync, []) || N <- Nodes],
    [yes = rpc:call(N, global, register_name, [short(N), rpc:call(N, erlang, whereis, [init])]) || N <- Nodes],
    tell("at first", Nodes),
    [rpc:call(N, erlang, disconnect_node, [M]) || {N, M} <- [{B, C}, {D, A}, {D, B}]],
    timer:sleep(1000),
    tell("b-c, d-a, d-b lost", Nodes),
    true = rpc:call(A, net_kernel, connect_node, [D]),
    timer:sleep(?REST_MS),
    tell("a-d connected", Nodes),
    halt();
main(_) ->
    io:format("usage: overlap.escript true|false~n"),
    halt(64).

%% They end with this one, whose standard input they have.
start(Name, Prevent) ->
    Args = ["-kernel", "prevent_overlapping_partitions", Prevent],
    {ok, _, Node} = peer:start(#{name => Name, connection => standard_io, args => Args}),
    true = net_kernel:hidden_connect_node(Node),
    Node.

short(Node) -> list_to_atom(hd(string:split(atom_to_list(Node), "@"))).

tell(When, Nodes) ->
    io:format("~s:~n", [When]),
    [io:format("  ~s sees ~-8w has the names ~w~n", [short(N), seen(N), names(N)]) || N <- Nodes].

seen(Node) -> lists:sort([short(N) || N <- rpc:call(Node, erlang, nodes, [])]).
names(Node) -> lists:sort(rpc:call(Node, global, registered_names, [])).
