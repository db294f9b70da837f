%% SPDX-License-Identifier: Apache-2.0
%% Who may ask a C node for what, by the name of the node that asks: functions, requests of sys, exits.
-module(t_access).
-export([nobody_stops_loads_or_runs_a_shell_by_default_test/1, rule_of_a_node_is_its_own_test/1,
         strict_leaves_what_membership_needs_test/1, sys_words_are_as_sys_names_them_test/1,
         rpc_is_no_way_around_test/1, node_that_is_not_allowed_is_refused_test/1,
         rules_are_read_anew_test/1]).
-import(fixture, [eventually/1, line/2]).

conf(#{work := Work}, Text) ->
    File = filename:join(Work, lists:concat(["access_", erlang:unique_integer([positive]), ".conf"])),
    ok = file:write_file(File, Text),
    File.

%% Rules for the name before the @ of this VM and of all others.
rules(Mine, Others) ->
    [Alive, _] = string:split(atom_to_list(node()), "@"),
    ["access = ({ nodes = \"", Alive, "@*\"; ", Mine, " }, { nodes = \"*\"; ", Others, " });\n"].

c(Config, Text) -> fixture:c_node(Config, ["--visible", "--config", conf(Config, Text)]).

rpc(Node, M, F, A) -> rpc:call(Node, M, F, A, 20000).

error_of(Fun) ->
    try {no_error, Fun()} catch error:Reason -> Reason end.

%% ---- tests ------------------------------------------------------------------------------------

nobody_stops_loads_or_runs_a_shell_by_default_test(#{node := Node}) ->
    [{badrpc, {'EXIT', {{notsup, _}, _}}} = rpc(Node, M, F, A)
     || {M, F, A} <- [{erlang, halt, []}, {erlang, halt, [1]}, {erlang, halt, [1, []]}, {init, stop, []},
                      {init, stop, [1]}, {init, restart, []}, {'Elixir.System', halt, []},
                      {'Elixir.System', stop, [0]}]],
    [{badrpc, {'EXIT', {undef, _}}} = rpc(Node, M, F, A)
     || {M, F, A} <- [{os, cmd, ["touch /tmp/no"]}, {erlang, open_port, [{spawn, "sh"}, []]},
                      {file, read_file, ["/etc/passwd"]}, {file, write_file, ["/tmp/no", ""]},
                      {erl_eval, exprs, [[], []]}, {code, load_abs, ["x"]},
                      {code, purge, [lists]}, {erlang, load_nif, ["x", 0]},
                      {erlang, set_cookie, [node(), x]}, {erlang, get_cookie, []},
                      {os, getenv, []}, {os, putenv, ["A", "b"]}]],
    {error, notsup} = rpc(Node, code, load_binary, [lists, "lists.beam", <<>>]),
    Pid = spawn(Node, erlang, halt, []),
    Ref = monitor(process, Pid),
    _ = fixture:down(Ref),
    {notsup, _} = error_of(fun() ->
        try erpc(Node, init, stop, []) catch error:{exception, Why, _} -> error(Why) end
    end),
    pong = net_adm:ping(Node),
    true = is_pid(rpc(Node, erlang, whereis, [counter])).

%% There is no erpc before OTP 23, where it has other errors.
erpc(Node, M, F, A) -> erpc:call(Node, M, F, A, 20000).

rule_of_a_node_is_its_own_test(Config) ->
    #{node := Node} = C = c(Config, rules("allow = [\"init:stop/0\"];", "rpc = \"strict\"; sys = [];")),
    #{node := BeamNode} = fixture:beam_node(Config, []),
    Ask = fun(M, F, A) -> rpc(BeamNode, rpc, call, [Node, M, F, A]) end,
    {badrpc, {'EXIT', {undef, _}}} = Ask(init, stop, []),
    {badrpc, {'EXIT', {undef, _}}} = Ask(erlang, memory, []),
    Node = Ask(erlang, node, []),
    _ = line(C, "erlang:memory/0 was refused to " ++ atom_to_list(BeamNode)),
    {badrpc, {'EXIT', {{notsup, _}, _}}} =
        rpc(BeamNode, sys, get_state, [{counter, Node}]),
    Sup = {flitch_sup, Node},
    {error, {notsup, _}} = rpc(BeamNode, supervisor, which_children, [Sup]),
    {error, {notsup, _}} = rpc(BeamNode, supervisor, terminate_child, [Sup, counter]),
    {counter, Counter, worker, _} = lists:keyfind(counter, 1, supervisor:which_children(Sup)),
    Counter = rpc(Node, erlang, whereis, [counter]),
    true = is_list(rpc(Node, erlang, memory, [])),
    _ = sys:get_state({counter, Node}),
    ok = rpc(Node, init, stop, []).

strict_leaves_what_membership_needs_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--visible", "--set", "rpc.profile=strict"]),
    pong = net_adm:ping(Node),
    Node = rpc(Node, erlang, node, []),
    ok = global:sync(),
    yes = global:register_name({strict, Node}, self()),
    eventually(fun() -> lists:member(Node, nodes()) end),
    {badrpc, {'EXIT', {undef, _}}} = rpc(Node, erlang, processes, []),
    5 = gen_server:call({counter, Node}, {add, 5}),
    {notsup, _} = error_of(fun() -> sys:get_state({counter, Node}) end),
    global:unregister_name({strict, Node}).

sys_words_are_as_sys_names_them_test(Config) ->
    #{node := Node} = C = c(Config, rules("sys = [\"get_state\", \"suspend\", \"resume\"];", "")),
    Server = {counter, Node},
    #{total := 0} = sys:get_state(Server),
    ok = sys:suspend(Server),
    ok = sys:resume(Server),
    {error, {notsup, Text}} = sys:get_status(Server),
    <<"get_status is not open to this caller's node", _/binary>> = Text,
    {error, {notsup, _}} = sys:statistics(Server, true),
    {error, {notsup, _}} = sys:terminate(Server, normal),
    {error, {notsup, _}} = sys:change_code(Server, counter, 1, []),
    {notsup, _} = error_of(fun() -> sys:replace_state(Server, fun(S) -> S end) end),
    Pid = rpc(Node, erlang, whereis, [counter]),
    exit(Pid, kill),
    group_leader(self(), Pid),
    0 = gen_server:call(Server, get),
    Pid = rpc(Node, erlang, whereis, [counter]),
    _ = line(C, "exit was refused to " ++ atom_to_list(node())).

%% What a function sends for its caller is the caller's.
rpc_is_no_way_around_test(Config) ->
    #{node := Node} = c(Config, rules("sys = [\"get_state\"];", "")),
    Pid = rpc(Node, erlang, whereis, [counter]),
    [{badrpc, {'EXIT', {{notsup, _}, _}}} = rpc(Node, M, F, A)
     || {M, F, A} <- [{sys, terminate, [counter, normal]}, {gen_server, stop, [counter]},
                      {gen_server, stop, [Pid, normal, 1000]}, {erlang, exit, [Pid, kill]},
                      {'Elixir.Process', exit, [Pid, kill]},
                      {global, random_exit_name, [none, Pid, Pid]}]],
    {error, {notsup, _}} = rpc(Node, sys, suspend, [counter]),
    System = {system, {self(), make_ref()}, {terminate, normal}},
    System = rpc(Node, erlang, send, [Pid, System]),
    yes = rpc(Node, global, register_name, [{access, Node}, Pid]),
    Pid = rpc(Node, global, send, [{access, Node}, System]),
    abcast = gen_server:abcast([Node], counter, reset),
    ok = rpc(Node, gen_server, cast, [Pid, reset]),
    0 = gen_server:call(Pid, get),
    #{total := 0} = rpc(Node, sys, get_state, [counter]).

node_that_is_not_allowed_is_refused_test(Config) ->
    C = fixture:c_node(Config, ["--visible", "--set", "dist.allow=somebody@*"]),
    pang = net_adm:ping(maps:get(node, C)),
    _ = line(C, "the list of allowed nodes does not have it").

rules_are_read_anew_test(Config) ->
    File = conf(Config, rules("sys = [];", "")),
    C = #{node := Node} = fixture:c_node(Config, ["--visible", "--config", File]),
    {notsup, _} = error_of(fun() -> sys:get_state({counter, Node}) end),
    ok = file:write_file(File, rules("sys = [\"get_state\"];", "")),
    fixture:signal(C, "-HUP"),
    _ = line(C, "SIGHUP received: log level"),
    #{total := 0} = sys:get_state({counter, Node}),
    ok = file:write_file(File, ["dist = { allow = [\"somebody@*\"]; };\n", rules("", "")]),
    ok = rpc(Node, flitch, reload, []),
    true = lists:member(Node, nodes()), % who is there stays
    true = erlang:disconnect_node(Node),
    pang = net_adm:ping(Node),
    ok = file:write_file(File, "nonsense"),
    fixture:signal(C, "-HUP"),
    _ = line(C, "SIGHUP received: nothing changed").
