%% SPDX-License-Identifier: Apache-2.0
%% What a real node says to a C node, one connection a scene, so that each can be told apart. In what
%% OTP 23 understands.
-module(talker).
-export([main/1, scenes/0]).

-define(C, 'c1@127.0.0.1').

main(_) ->
    lists:foreach(fun run/1, scenes()),
    io:format("done~n"),
    receive after infinity -> ok end.

run({Name, Scene}) ->
    {Pid, Ref} = spawn_monitor(fun() -> Scene(), ok end),
    receive
        {'DOWN', Ref, process, Pid, normal} -> ok;
        {'DOWN', Ref, process, Pid, Reason} -> io:format("~p: ~p~n", [Name, Reason])
    after 10000 ->
        io:format("~p: no end~n", [Name])
    end,
    %% A round trip, so that what came before has passed.
    _ = net_adm:ping(?C),
    _ = rpc:call(?C, erlang, node, []),
    _ = erlang:disconnect_node(?C).

scenes() ->
    [{ping, fun() -> pong = net_adm:ping(?C) end},
     {calls, fun calls/0},
     {rpc, fun remote_calls/0},
     {monitors, fun monitors/0},
     {links, fun links/0},
     {spawns, fun spawns/0},
     {large, fun() -> gen_server:call({echo, ?C}, {large, binary:copy(<<0>>, 70000)}) end},
     {kinds, fun() -> lists:foreach(fun(T) -> gen_server:call({echo, ?C}, T) end, kinds()) end},
     {traced, fun traced/0},
     {system, fun system/0},
     {output, fun output/0}].

calls() ->
    _ = gen_server:call({counter, ?C}, {add, 5}),
    ok = gen_server:cast({counter, ?C}, reset),
    {counter, ?C} ! {some, info},
    Pid = rpc:call(?C, erlang, whereis, [counter]),
    Pid ! hello,
    _ = gen_server:call(Pid, get),
    _ = (catch gen_server:call(Pid, unknown_request, 500)).

remote_calls() ->
    _ = rpc:call(?C, erlang, system_info, [otp_release]),
    _ = rpc:call(?C, no, such, [a, <<"b">>, 3.5]),
    rpc:cast(?C, erlang, node, []),
    _ = (catch erpc:call(?C, erlang, registered, [])),
    _ = (catch erpc:call(?C, erlang, error, [{some, reason}])),
    _ = (catch erpc:cast(?C, erlang, node, [])),
    _ = rpc:multicall([?C], erlang, process_info, [self()]),
    _ = (catch rpc:call(?C, erlang, memory, [], 2000)).

monitors() ->
    Named = monitor(process, {counter, ?C}),
    Absent = monitor(process, {nobody_is_here, ?C}),
    receive {'DOWN', Absent, _, _, _} -> ok end,
    Pid = rpc:call(?C, erlang, whereis, [echo]),
    Ref = monitor(process, Pid),
    demonitor(Ref, [flush]),
    demonitor(Named, [flush]).

links() ->
    process_flag(trap_exit, true),
    Pid = rpc:call(?C, erlang, whereis, [echo]),
    link(Pid),
    unlink(Pid),
    link(Pid),
    exit(Pid, {shutdown, test}),
    receive {'EXIT', Pid, _} -> ok after 2000 -> ok end,
    %% One of ours that ends while it is linked.
    Other = rpc:call(?C, erlang, whereis, [counter]),
    {P, R} = spawn_monitor(fun() -> link(Other), exit({done, [1, 2]}) end),
    receive {'DOWN', R, process, P, _} -> ok end.

spawns() ->
    process_flag(trap_exit, true),
    R1 = spawn_request(?C, erlang, node, [], [monitor]),
    receive {spawn_reply, R1, _, _} -> ok after 2000 -> ok end,
    R2 = spawn_request(?C, erlang, exit, [{a, reason}], [monitor, link]),
    receive {spawn_reply, R2, _, _} -> ok after 2000 -> ok end,
    receive {'EXIT', _, _} -> ok after 1000 -> ok end,
    R3 = spawn_request(?C, no, such, [#{k => v}], [{reply_tag, tag}, monitor]),
    receive {tag, R3, _, _} -> ok after 2000 -> ok end,
    _ = spawn_request(?C, erlang, node, [], [no_such_option]),
    ok.

kinds() ->
    [0, 255, -1, 1 bsl 31, -(1 bsl 63), 1 bsl 64, 1 bsl 3000, 1.5, -0.0, 1.0e300,
     a, 'with space', list_to_atom([228, 246]), list_to_atom([8364]), true, '',
     "text", [8364, $a], [], [a | b], lists:seq(1, 40), [[[[deep]]]],
     <<>>, <<"binary">>, <<1, 2, 3:4>>, {}, {a, {b, {c}}}, list_to_tuple(lists:seq(1, 260)),
     #{}, #{a => 1, "b" => #{c => [d]}, 1 => 2, 1.0 => 3}, maps:from_list([{N, N} || N <- lists:seq(1, 40)]),
     self(), make_ref(), hd(erlang:ports()), fun erlang:node/0, fun() -> local end,
     {'EXIT', {badarg, [{m, f, 1, [{file, "f.erl"}, {line, 3}]}]}}].

traced() ->
    seq_trace:set_token(label, 17),
    {counter, ?C} ! traced,
    _ = (catch gen_server:call({counter, ?C}, {add, 1}, 1000)),
    Ref = monitor(process, {echo, ?C}),
    demonitor(Ref),
    exit(rpc:call(?C, erlang, whereis, [echo]), normal),
    seq_trace:set_token([]).

system() ->
    _ = (catch sys:get_state({counter, ?C}, 1000)),
    _ = (catch sys:get_status({echo, ?C}, 1000)),
    ok = sys:suspend({counter, ?C}, 1000),
    {counter, ?C} ! kept,
    ok = sys:resume({counter, ?C}, 1000),
    _ = (catch supervisor:which_children({flitch_sup, ?C})),
    _ = rpc:call(?C, sys, get_state, [echo]),
    _ = rpc:call(?C, erlang, process_info, [self(), [links, memory]]).

output() ->
    {user, ?C} ! {io_request, self(), make_ref(), {put_chars, unicode, io_lib, format, ["~p~n", [[a, "b"]]]}},
    receive {io_reply, _, _} -> ok after 2000 -> ok end,
    _ = (catch io:format({user, ?C}, "~ts ~w~n", ["text", #{}])),
    {logger, ?C} ! {log, error, "~p", [x], #{time => 1, gl => group_leader(), pid => self()}},
    ok.
