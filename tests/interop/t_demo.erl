%% SPDX-License-Identifier: Apache-2.0
%% `flitch demo` ticks each step off, however fast they are typed.
-module(t_demo).
-export([steps_typed_at_once_test/1, steps_typed_one_by_one_test/1,
         death_without_a_monitor_leaves_that_step_open_test/1, hidden_node_is_seen_by_its_call_test/1]).
-import(fixture, [line/2, down/1]).

demo(#{flitch := Flitch, cookie_file := File}) ->
    Name = fixture:unique(demo),
    C = fixture:start(Name, Flitch, ["demo", "--parent-stdin", "--name", atom_to_list(Name),
                                       "--cookie-file", File]),
    _ = line(C, "Ctrl-C ends the demo"),
    C.

%% The next steps that it ticks off are these.
ticked(C, Steps) ->
    [begin
         Mark = list_to_binary("[x] " ++ integer_to_list(Step)),
         Line = line(C, "[x]"),
         {Step, {_, _}} = {Step, binary:match(Line, Mark)}
     end || Step <- Steps],
    ok.

kill(#{node := Node}) -> exit(erpc:call(Node, erlang, whereis, [counter]), kill).

restarted(#{node := Node}) ->
    fixture:eventually(fun() -> is_pid(rpc:call(Node, erlang, whereis, [counter])) end),
    0 = gen_server:call({counter, Node}, get).

steps_typed_at_once_test(Config) ->
    #{node := Node} = C = demo(Config),
    true = net_kernel:connect_node(Node),
    5 = gen_server:call({counter, Node}, {add, 5}),
    Ref = monitor(process, {counter, Node}),
    kill(C),
    killed = down(Ref),
    restarted(C),
    ticked(C, [1, 2, 3, 4, 5]),
    _ = line(C, "That was all").

steps_typed_one_by_one_test(Config) ->
    #{node := Node} = C = demo(Config),
    true = net_kernel:connect_node(Node),
    ticked(C, [1]),
    5 = gen_server:call({counter, Node}, {add, 5}),
    ticked(C, [2]),
    Ref = monitor(process, {counter, Node}),
    ticked(C, [3]),
    kill(C),
    killed = down(Ref),
    ticked(C, [4]),
    restarted(C),
    ticked(C, [5]).

death_without_a_monitor_leaves_that_step_open_test(Config) ->
    #{node := Node} = C = demo(Config),
    true = net_kernel:connect_node(Node),
    kill(C),
    ticked(C, [1, 4]).

hidden_node_is_seen_by_its_call_test(Config) ->
    #{node := Node} = C = demo(Config),
    true = net_kernel:hidden_connect_node(Node),
    5 = gen_server:call({counter, Node}, {add, 5}),
    ticked(C, [1, 2]).
