%% SPDX-License-Identifier: Apache-2.0
%% Which nodes there are under a name, and which of them are up: read by each call, without a process
%% in between. A name's entry is written once and stays, so that no restart makes the VM collect.
-module(flitch_nodes).
-export([add/2, up/2, down/2, pick/1, all/1, await/2]).

%% Slot 1 counts the picks; slot I + 1 is 1 while node I is up.
-define(PICKS, 1).
-define(SLOT(Index), (Index + 1)).

add(Name, Nodes) ->
    Tuple = list_to_tuple(Nodes),
    case entry(Name) of
        {Tuple, _} -> ok;
        _ ->
            Marks = atomics:new(length(Nodes) + 1, []),
            persistent_term:put({?MODULE, Name}, {Tuple, Marks})
    end.

up(Name, Index) -> mark(Name, Index, 1).

down(Name, Index) -> mark(Name, Index, 0).

mark(Name, Index, Value) ->
    {_, Marks} = entry(Name),
    atomics:put(Marks, ?SLOT(Index), Value).

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
    case atomics:get(Marks, ?SLOT(Index)) of
        1 -> {ok, element(Index, Nodes)};
        0 -> pick(Nodes, Marks, At + 1, Left - 1)
    end.

%% Looks every 10 ms: while its node starts anew there may be no process under the name to ask.
-spec await(atom(), timeout()) -> ok | {error, timeout}.
await(Name, infinity) -> await_until(Name, infinity);
await(Name, Ms) -> await_until(Name, erlang:monotonic_time(millisecond) + Ms).

await_until(Name, Deadline) ->
    case pick(Name) of
        {ok, _} -> ok;
        error ->
            case left(Deadline) of
                0 -> {error, timeout};
                Ms -> receive after min(Ms, 10) -> await_until(Name, Deadline) end
            end
    end.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

entry(Name) -> persistent_term:get({?MODULE, Name}, none).
