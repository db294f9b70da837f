%% SPDX-License-Identifier: Apache-2.0
%% Which nodes there are under a name, and which of them are up: read by each call, without a process
%% in between. A name's entry is written once and stays, so that no restart makes the VM collect.
-module(flitch_nodes).
-export([add/2, up/2, down/2, program/3, program/2, pick/1, all/1]).

%% Slot 1 counts the picks. Of node I, slot 2 I is 1 while it is up, slot 2 I + 1 has the pid of its
%% program, 0 once that has ended.
-define(PICKS, 1).
-define(UP(Index), (2 * Index)).
-define(PROGRAM(Index), (2 * Index + 1)).

add(Name, Nodes) ->
    Tuple = list_to_tuple(Nodes),
    case entry(Name) of
        {Tuple, _} -> ok;
        _ ->
            Marks = atomics:new(2 * length(Nodes) + 1, []),
            persistent_term:put({?MODULE, Name}, {Tuple, Marks})
    end.

up(Name, Index) ->
    put(Name, ?UP(Index), 1),
    flitch_await:is_up(Name).

down(Name, Index) -> put(Name, ?UP(Index), 0).

%% Outlives the process that started it: the next one knows what a killed one has left behind.
program(Name, Index, OsPid) -> put(Name, ?PROGRAM(Index), OsPid).

program(Name, Index) ->
    {_, Marks} = entry(Name),
    atomics:get(Marks, ?PROGRAM(Index)).

put(Name, Slot, Value) ->
    {_, Marks} = entry(Name),
    atomics:put(Marks, Slot, Value).

-spec all(atom()) -> [node()].
all(Name) ->
    case entry(Name) of
        {Nodes, _} -> tuple_to_list(Nodes);
        none -> []
    end.

%% The next one in turn that is up.
-spec pick(atom()) -> {ok, node()} | error.
pick(Name) ->
    case entry(Name) of
        none -> error;
        {Nodes, Marks} ->
            First = atomics:add_get(Marks, ?PICKS, 1),
            pick(Nodes, Marks, First, tuple_size(Nodes))
    end.

pick(_, _, _, 0) -> error;
pick(Nodes, Marks, At, Left) ->
    Index = abs(At rem tuple_size(Nodes)) + 1,
    case atomics:get(Marks, ?UP(Index)) of
        1 -> {ok, element(Index, Nodes)};
        0 -> pick(Nodes, Marks, At + 1, Left - 1)
    end.

entry(Name) -> persistent_term:get({?MODULE, Name}, none).
