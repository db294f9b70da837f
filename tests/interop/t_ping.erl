%% SPDX-License-Identifier: Apache-2.0
%% The first contact: the node answers a ping, the example servers answer calls and casts.
-module(t_ping).
-export([ping_is_answered_test/1, unknown_node_is_pang_test/1, counter_adds_test/1,
         counter_resets_test/1, echo_returns_its_request_test/1, unknown_name_is_noproc_test/1]).

ping_is_answered_test(#{node := Node}) ->
    pong = net_adm:ping(Node),
    true = lists:member(Node, nodes(connected)).

unknown_node_is_pang_test(_) ->
    pang = net_adm:ping('nobody@127.0.0.1').

counter_adds_test(#{node := Node}) ->
    Counter = {counter, Node},
    Before = gen_server:call(Counter, get),
    After = gen_server:call(Counter, {add, 5}),
    5 = After - Before,
    After = gen_server:call(Counter, get).

counter_resets_test(#{node := Node}) ->
    Counter = {counter, Node},
    _ = gen_server:call(Counter, {add, 7}),
    ok = gen_server:cast(Counter, reset),
    0 = gen_server:call(Counter, get).

echo_returns_its_request_test(#{node := Node}) ->
    Terms = [ok, 1, -1, 1 bsl 70, 1.5, <<"bytes">>, "text", [], {}, #{a => [1]}, self(), make_ref()],
    [begin
         T = gen_server:call({counter, Node}, {echo, T}),
         T = gen_server:call({echo, Node}, T)
     end || T <- Terms].

unknown_name_is_noproc_test(#{node := Node}) ->
    {noproc, _} = try gen_server:call({nobody, Node}, get) catch exit:Reason -> Reason end.
