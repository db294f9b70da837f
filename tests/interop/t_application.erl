%% SPDX-License-Identifier: Apache-2.0
%% The application of a configuration file: its children in one tree with the node's own, started in
%% order, ended in the opposite one, and steered by OTP's supervisor functions.
-module(t_application).
-export([children_are_in_the_tree_of_the_node_test/1, children_have_arguments_and_options_test/1,
         nested_supervisors_follow_their_strategy_test/1, what_children_name_is_not_started_twice_test/1,
         children_end_in_the_opposite_order_test/1, child_that_does_not_start_ends_the_start_test/1,
         unknown_behaviour_is_told_with_its_line_test/1, unknown_key_is_told_with_its_line_test/1]).
-import(fixture, [eventually/1]).

-define(LIMIT_MS, 60000).

with(#{node := Node} = Config, Children, Fun) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false -> Fun(fixture:c_node(Config, flags(Config, Children)))
    end.

flags(#{work := Work, build := Build}, Children) ->
    File = filename:join(Work, atom_to_list(fixture:unique(conf)) ++ ".conf"),
    ok = file:write_file(File, ["children = (\n", Children, "\n);\n"]),
    ["--config", File, "--load", Build ++ "/examples/tree.so"].

shop() ->
    "{ behaviour = \"counter\"; id = \"first\"; name = \"first\"; },\n"
    "{ id = \"store\"; name = \"store\"; strategy = \"rest_for_one\"; intensity = 5; period = 60;\n"
    "  children = (\n"
    "    { behaviour = \"stock\"; id = \"{stock, 1}\"; name = \"my_stock\"; args = \"7\"; restart = \"transient\"; shutdown = 1000; },\n"
    "    { behaviour = \"echo\"; name = \"my_orders\"; shutdown = \"brutal_kill\"; },\n"
    "    { id = \"inner\"; strategy = \"one_for_all\"; children = ({ behaviour = \"counter\"; id = \"deep\"; }); }\n"
    "  ); },\n"
    "{ behaviour = \"counter\"; id = \"\\\"last\\\"\"; name = \"last\"; restart = \"temporary\"; }".

children_are_in_the_tree_of_the_node_test(Config) ->
    with(Config, shop(), fun(#{node := Node}) ->
        All = supervisor:which_children({flitch_sup, Node}),
        [last, store, first] = [plain(Id) || {Id, _, _, _} <- All, lists:member(plain(Id), [first, store, last])],
        {flitch_services, _, supervisor, _} = lists:keyfind(flitch_services, 1, All),
        {store, Store, supervisor, [store]} = lists:keyfind(store, 1, All),
        [{inner, Inner, supervisor, [inner]}, {echo, _, worker, [echo]}, {{stock, 1}, Stock, worker, [stock]}] =
            supervisor:which_children(Store),
        [{deep, Deep, worker, [counter]}] = supervisor:which_children(Inner),
        5 = gen_server:call(Deep, {add, 5}),
        Stock = rpc:call(Node, erlang, whereis, [my_stock])
    end).

plain("last") -> last;
plain(Id) -> Id.

children_have_arguments_and_options_test(Config) ->
    with(Config, shop(), fun(#{node := Node}) ->
        {ok, 7} = gen_server:call({my_stock, Node}, {take, 0}),
        {ok, #{restart := transient, shutdown := 1000}} = supervisor:get_childspec({store, Node}, {stock, 1}),
        {ok, #{restart := permanent, shutdown := brutal_kill}} = supervisor:get_childspec({store, Node}, echo),
        {ok, #{restart := temporary}} = supervisor:get_childspec({flitch_sup, Node}, "last"),
        {state, _, rest_for_one, _, _, 5, 60, _, _, _, _, _} = sys:get_state({store, Node})
    end).

nested_supervisors_follow_their_strategy_test(Config) ->
    with(Config, shop(), fun(#{node := Node}) ->
        Pids = fun() -> [P || {_, P, _, _} <- supervisor:which_children({store, Node}), is_pid(P)] end,
        Before = Pids(),
        exit(rpc:call(Node, erlang, whereis, [my_stock]), kill),
        eventually(fun() -> length(Pids()) =:= 3 andalso Pids() -- Before =:= Pids() end),
        {ok, 7} = gen_server:call({my_stock, Node}, {take, 0})
    end).

what_children_name_is_not_started_twice_test(Config) ->
    with(Config, shop(), fun(#{node := Node}) ->
        undefined = rpc:call(Node, erlang, whereis, [counter]),
        undefined = rpc:call(Node, erlang, whereis, [echo]),
        true = is_pid(rpc:call(Node, erlang, whereis, [shop])) %% of tree.so, which nobody names
    end).

children_end_in_the_opposite_order_test(Config) ->
    with(Config, shop(), fun(#{node := Node} = Handle) ->
        Names = [first, my_stock, my_orders, last],
        Refs = [{monitor(process, {N, Node}), N} || N <- Names],
        0 = gen_server:call({first, Node}, get), %% the monitors are there
        fixture:signal(Handle, "-TERM"),
        Ends = [receive {'DOWN', R, process, _, Why} -> {_, N} = lists:keyfind(R, 1, Refs), {N, Why}
                after ?LIMIT_MS -> exit(no_down) end || _ <- Names],
        [{last, _}, {my_orders, _}, {my_stock, _}, {first, _}] = Ends
    end).

failed(#{node := Node} = Config, Children, Text) ->
    case fixture:is_beam(Node) of
        true -> ok;
        false ->
            #{build := Build} = Config,
            Flags = ["--load", Build ++ "/examples/counter.so" | flags(Config, Children)],
            Handle = fixture:c_program(Config, fixture:unique(c), Flags),
            Line = fixture:line(Handle, "FAILED "),
            {match, _} = re:run(Line, Text)
    end.

child_that_does_not_start_ends_the_start_test(Config) ->
    failed(Config, "{ behaviour = \"stock\"; args = \"no_number\"; }", "conf:2.*badarg").

unknown_behaviour_is_told_with_its_line_test(Config) ->
    failed(Config, "{ behaviour = \"counter\"; },\n{ behaviour = \"no_such\"; }", "code=78 .*conf:3.*no_such").

unknown_key_is_told_with_its_line_test(Config) ->
    failed(Config, "{ behaviour = \"counter\"; restrt = \"permanent\"; }", "code=78 .*conf:2.*restrt.*restart").
