%% SPDX-License-Identifier: Apache-2.0
%% What a BEAM node meets at a C node that a partition policy has paused, while both are connected:
%% calls, casts, monitors, spawns, names and groups; and that all is as before when it goes on.
%%
%% Two C nodes follow require_all over this VM and themselves. One of them is killed: the other one
%% pauses. It is started again: the other one goes on.
-module(t_gates).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1, down/1, exit_of/1]).
-import(mesh, [told/2]).

%% ---- a cluster of three -----------------------------------------------------------------------

-record(town, {config, node, other, flags, victim, namer, counter}).

open(Config) -> open(Config, []).

open(#{build := Build} = Config, More) ->
    Node = fixture:unique(p),
    Other = fixture:unique(q),
    Members = lists:join(",", [atom_to_list(N) || N <- [Node, Other, node()]]),
    Flags = ["--load", Build ++ "/examples/calc.so", "--load", Build ++ "/tests/servers/grouped.so",
             "--set", lists:concat(["partition.members=", lists:append(Members)]),
             "--set", "partition.policy=require_all", "--set", "partition.stable_after=200ms",
             "--set", "heal.stable_after=300ms", "--set", "global.prevent_overlapping_partitions=off"],
    _ = fixture:c_node(Config, Node, Flags ++ lists:append([["--set", M] || M <- More])),
    case whereis(pg) of
        undefined -> {ok, _} = pg:start_link();
        _ -> ok
    end,
    Town = #town{config = Config, node = Node, other = Other, flags = Flags,
                 victim = fixture:c_node(Config, Other, Flags)},
    [true = net_kernel:connect_node(N) || N <- [Node, Other]],
    is_state(Town, serving),
    Counter = rpc:call(Node, erlang, whereis, [counter]),
    {ok, Namer} = gen_server:call({namer, Node}, {start, self()}),
    ok = gen_server:call(Namer, {do, {register, kept}}),
    eventually(fun() -> global:whereis_name(kept) =:= Namer end),
    eventually(fun() -> in_group(Node) =:= 1 end),
    Town#town{counter = Counter, namer = Namer}.

status(#town{node = Node}, Key) -> maps:get(Key, rpc:call(Node, flitch_partition, status, [])).

is_state(Town, State) -> eventually(fun() -> status(Town, state) =:= State end).

refused(Town, Gate) -> maps:get(Gate, status(Town, refused)).

in_group(Node) -> length([P || P <- pg:get_members("grouped"), node(P) =:= Node]).

pause(#town{victim = Victim} = Town) ->
    ok = fixture:signal(Victim, "-KILL"),
    is_state(Town, paused),
    Town.

go_on(#town{config = Config, other = Other, flags = Flags} = Town) ->
    _ = fixture:c_node(Config, Other, Flags),
    true = net_kernel:connect_node(Other),
    is_state(Town, serving).

%% ---- calls ------------------------------------------------------------------------------------

calls_find_no_process_test(Config) ->
    #town{node = Node, counter = Pid} = Town = pause(open(Config)),
    {noproc, {gen_server, call, _}} = exit_of(fun() -> gen_server:call({counter, Node}, get) end),
    {noproc, {gen_server, call, _}} = exit_of(fun() -> gen_server:call(Pid, get) end),
    {[], [Node]} = gen_server:multi_call([Node], counter, get, 5000),
    noproc = down(erlang:monitor(process, Pid)),
    noproc = down(erlang:monitor(process, {counter, Node})),
    %% the process lives, as who asks the node sees
    true = rpc:call(Node, erlang, is_process_alive, [Pid]),
    Pid = rpc:call(Node, erlang, whereis, [counter]),
    3 = refused(Town, call),
    go_on(Town),
    0 = gen_server:call({counter, Node}, get),
    0 = gen_server:call(Pid, get).

monitors_and_links_of_before_stay_test(Config) ->
    #town{node = Node, counter = Pid} = Town = open(Config),
    Ref = erlang:monitor(process, Pid),
    true = link(Pid),
    pause(Town),
    {noproc, _} = exit_of(fun() -> gen_server:call(Pid, get) end),
    go_on(Town),
    ok = fixture:no_message(),
    process_flag(trap_exit, true),
    true = rpc:call(Node, erlang, exit, [Pid, kill]),
    killed = down(Ref),
    receive {'EXIT', Pid, killed} -> ok end.

casts_are_dropped_test(Config) ->
    #town{node = Node} = Town = open(Config),
    4 = gen_server:call({counter, Node}, {add, 4}),
    pause(Town),
    ok = gen_server:cast({counter, Node}, reset),
    eventually(fun() -> refused(Town, cast) =:= 1 end),
    go_on(Town),
    4 = gen_server:call({counter, Node}, get),
    ok = gen_server:cast({counter, Node}, reset),
    eventually(fun() -> gen_server:call({counter, Node}, get) =:= 0 end).

plain_messages_pass_test(Config) ->
    #town{namer = Namer} = pause(open(Config)),
    Namer ! {hello, self()},
    {hello, _} = told(Namer, told).

answer_is_what_is_configured_test(Config) ->
    #town{node = Node} = pause(open(Config, ["partition.pause_reply={error, paused}"])),
    {error, paused} = gen_server:call({counter, Node}, get).

call_may_wait_for_the_end_of_the_pause_test(Config) ->
    #town{node = Node} = Town = pause(open(Config, ["partition.pause_reply=hold(60000)"])),
    {_, Ref} = spawn_monitor(fun() -> exit({answer, gen_server:call({counter, Node}, get, 60000)}) end),
    go_on(Town),
    {answer, 0} = down(Ref).

open_gates_let_calls_and_casts_through_test(Config) ->
    #town{node = Node, counter = Pid} =
        pause(open(Config, ["partition.allow_call_during_partition=true",
                            "partition.allow_cast_during_partition=true"])),
    7 = gen_server:call({counter, Node}, {add, 7}),
    7 = gen_server:call(Pid, get),
    ok = gen_server:cast(Pid, reset),
    eventually(fun() -> gen_server:call(Pid, get) =:= 0 end).

%% ---- functions --------------------------------------------------------------------------------

functions_of_the_program_are_not_there_test(Config) ->
    #town{node = Node} = Town = open(Config),
    6 = rpc:call(Node, calc, sum, [[1, 2, 3]]),
    pause(Town),
    {badrpc, {'EXIT', {Why, _}}} = rpc:call(Node, calc, sum, [[1, 2, 3]]),
    {Class, Reason} = try erpc:call(Node, calc, sum, [[1, 2, 3]]) catch C:R -> {C, R} end,
    error = Class,
    {exception, Why, _} = Reason,
    {_, Ref} = spawn_monitor(Node, calc, sum, [[1, 2, 3]]),
    {Why, _} = down(Ref),
    {notsup, Text} = Why,
    true = nomatch =/= string:find(Text, "pauses"),
    3 = refused(Town, spawn),
    %% what it takes to look into a node stays
    Node = rpc:call(Node, erlang, node, []),
    true = is_list(erpc:call(Node, erlang, registered, [])),
    go_on(Town),
    6 = erpc:call(Node, calc, sum, [[1, 2, 3]]).

open_gate_lets_functions_run_test(Config) ->
    #town{node = Node} = pause(open(Config, ["partition.allow_spawn_during_partition=true"])),
    6 = erpc:call(Node, calc, sum, [[1, 2, 3]]).

%% ---- names ------------------------------------------------------------------------------------

names_are_free_meanwhile_test(Config) ->
    #town{namer = Namer} = Town = open(Config),
    pause(Town),
    eventually(fun() -> global:whereis_name(kept) =:= undefined end),
    {error, busy} = rpc_do(Town, {register, more}),
    undefined = global:whereis_name(more),
    true = refused(Town, register) >= 1,
    go_on(Town),
    eventually(fun() -> global:whereis_name(kept) =:= Namer end).

name_that_somebody_took_stays_his_test(Config) ->
    #town{namer = Namer} = Town = open(Config),
    pause(Town),
    eventually(fun() -> global:whereis_name(kept) =:= undefined end),
    yes = global:register_name(kept, self()),
    go_on(Town),
    kept = told(Namer, conflict),
    Self = self(),
    Self = global:whereis_name(kept),
    true = rpc:call(node(Namer), erlang, is_process_alive, [Namer]),
    _ = global:unregister_name(kept).

open_gate_keeps_names_and_takes_more_test(Config) ->
    #town{namer = Namer} = Town = pause(open(Config, ["partition.allow_register_during_partition=true"])),
    Namer = global:whereis_name(kept),
    {ok, Other} = rpc_start(Town),
    ok = rpc_do_at(Town, Other, {register, more}),
    eventually(fun() -> global:whereis_name(more) =:= Other end),
    %% it stays, though other nodes' monitors meet the fence
    go_on(Town),
    Other = global:whereis_name(more).

%% As a process of the paused node would: by a function of it, since calls meet the fence.
rpc_do(#town{namer = Namer} = Town, Op) -> rpc_do_at(Town, Namer, Op).
rpc_do_at(#town{node = Node}, Namer, Op) -> rpc:call(Node, gen_server, call, [Namer, {do, Op}]).
rpc_start(#town{node = Node}) -> rpc:call(Node, gen_server, call, [namer, {start, self()}]).

%% ---- groups -----------------------------------------------------------------------------------

groups_are_left_meanwhile_test(Config) ->
    #town{node = Node, counter = Pid} = Town = open(Config),
    pause(Town),
    eventually(fun() -> in_group(Node) =:= 0 end),
    ok = rpc:call(Node, pg, join, ["late", Pid]),
    1 = refused(Town, join),
    [] = pg:get_members("late"),
    go_on(Town),
    eventually(fun() -> in_group(Node) =:= 1 end),
    eventually(fun() -> pg:get_members("late") =:= [Pid] end).

open_gate_keeps_groups_test(Config) ->
    #town{node = Node, counter = Pid} =
        Town = pause(open(Config, ["partition.allow_join_during_partition=true"])),
    1 = in_group(Node),
    ok = rpc:call(Node, pg, join, ["late", Pid]),
    eventually(fun() -> pg:get_members("late") =:= [Pid] end),
    0 = refused(Town, join).
