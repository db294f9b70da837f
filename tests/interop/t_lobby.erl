%% SPDX-License-Identifier: Apache-2.0
%% Registries of a C node from Erlang: examples/lobby.c, and Elixir's Registry by rpc.
-module(t_lobby).
-export([rooms_are_found_by_any_name_test/1, what_is_said_is_heard_on_its_floor_test/1,
         end_of_a_room_frees_its_name_test/1, badrpc_of_an_unknown_registry_names_it_test/1]).

lobby(#{build := Build} = Config) ->
    #{node := Node} = fixture:c_node(Config, ["--load", Build ++ "/examples/lobby.so"]),
    Node.

ask(Node, Request) -> gen_server:call({lobby, Node}, Request).

lookup(Node, Name) -> rpc:call(Node, 'Elixir.Registry', lookup, [rooms, {room, Name}]).

rooms_are_found_by_any_name_test(Config) ->
    Node = lobby(Config),
    Names = [blue, "blue", <<"blue">>, {blue, 1}, #{blue => 1}, 1, 1.0, self()],
    Pids = [begin {ok, Pid} = ask(Node, {open, Name, 1}), Pid end || Name <- Names],
    [[{Pid, nil}] = lookup(Node, Name) || {Name, Pid} <- lists:zip(Names, Pids)],
    [{error, taken} = ask(Node, {open, Name, 1}) || Name <- Names],
    8 = rpc:call(Node, 'Elixir.Registry', count, [rooms]).

what_is_said_is_heard_on_its_floor_test(Config) ->
    Node = lobby(Config),
    {ok, _} = ask(Node, {open, a, 1}),
    {ok, _} = ask(Node, {open, b, 2}),
    ok = ask(Node, {say, 1, "hello"}),
    ok = ask(Node, {say, 3, "nobody there"}),
    1 = ask(Node, {heard, a}),
    0 = ask(Node, {heard, b}),
    nobody = ask(Node, {heard, c}).

end_of_a_room_frees_its_name_test(Config) ->
    Node = lobby(Config),
    {ok, Pid} = ask(Node, {open, a, 1}),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    killed = fixture:down(Ref),
    [] = lookup(Node, a),
    nobody = ask(Node, {heard, a}),
    {ok, _} = ask(Node, {open, a, 1}).

badrpc_of_an_unknown_registry_names_it_test(Config) ->
    {badrpc, {'EXIT', {#{'__struct__' := 'Elixir.ArgumentError', message := Text}, _}}} =
        rpc:call(lobby(Config), 'Elixir.Registry', lookup, [none, a]),
    <<"unknown registry: :none">> = Text.
