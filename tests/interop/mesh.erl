%% SPDX-License-Identifier: Apache-2.0
%% Clusters of C nodes and BEAM nodes, for the suites about global: this VM is one of their nodes.
-module(mesh).
-export([c_node/2, c_node/3, b_node/2, join/1, names/1, on/4, meshed/1, sees/1, sync/1, now_ms/0]).
-export([alone/1, namer/1, do/2, whereis_on/2, told/2, waiter/0, waiter/1, wait/1, do_in/4]).
-export([hidden_call/5, connect_and_apply/4, on_hidden/3, dies/1, lives/1]).
-export([keeper/1, keep/1, kept/1, watcher/1, watch/1]).
-import(fixture, [eventually/1, unique/1]).

-define(LIMIT_MS, 60000).

%% ---- nodes ------------------------------------------------------------------------------------

c_node(Config, Prefix) -> c_node(Config, Prefix, []).

c_node(Config, Prefix, Flags) ->
    Handle = fixture:c_node(Config, unique(Prefix), Flags),
    Handle#{kind => c}.

%% Of the release that the suite mixes with, where there is one.
b_node(Config, Prefix) ->
    Handle = fixture:other_node(Config, unique(Prefix)),
    Handle#{kind => beam}.

join(#{node := Node}) -> true = net_kernel:connect_node(Node).

names(Handles) -> lists:sort([node() | [Node || #{node := Node} <- Handles]]).

on(Node, M, F, A) when Node =:= node() -> apply(M, F, A);
on(Node, M, F, A) ->
    case rpc:call(Node, M, F, A) of
        {badrpc, Reason} -> exit({on, Node, M, F, Reason});
        Value -> Value
    end.

%% Everybody sees everybody, and the names of all are in sync.
meshed(Handles) ->
    All = names(Handles),
    eventually(fun() -> [N || N <- All, sees(N) =/= All] =:= [] end),
    [ok = sync(N) || N <- All],
    All.

sees(Node) -> [N || N <- lists:sort([Node | on(Node, erlang, nodes, [])]), not is_bystander(N)].

%% The node that run.sh keeps for all suites, and its like.
is_bystander(Node) -> lists:member(Node, get_bystanders()).

get_bystanders() ->
    case get(bystanders) of
        undefined -> [];
        Nodes -> Nodes
    end.

sync(Node) -> on(Node, global, sync, []).

now_ms() -> erlang:monotonic_time(millisecond).

%% Leaves every node but those that run.sh keeps, so that a test begins alone.
alone(#{node := C1}) ->
    _ = [erlang:disconnect_node(N) || N <- nodes()],
    eventually(fun() -> nodes() =:= [] end),
    put(bystanders, [C1]),
    ok.

namer(#{node := Node}) ->
    {ok, Pid} = gen_server:call({namer, Node}, {start, self()}),
    Pid.

do(Namer, Op) -> gen_server:call(Namer, {do, Op}, 2 * ?LIMIT_MS).

whereis_on(All, Name) -> lists:usort([on(N, global, whereis_name, [Name]) || N <- All]).

told(Namer, Slot) ->
    receive {Slot, Namer, What} -> What
    after ?LIMIT_MS -> exit({nothing_told, Slot, process_info(self(), messages)})
    end.

%% A process of a BEAM node, this one or another.
waiter() -> waiter(node()).

waiter(Node) when Node =:= node() -> spawn(?MODULE, wait, [self()]);
waiter(Node) ->
    load(Node),
    spawn(Node, ?MODULE, wait, [self()]).

%% Once: loading it again and again ends those that run it.
load(Node) ->
    {Module, Binary, File} = code:get_object_code(?MODULE),
    rpc:call(Node, erlang, module_loaded, [Module]) orelse
        ({module, Module} = rpc:call(Node, code, load_binary, [Module, File, Binary])).

wait(Owner) -> wait(Owner, monitor(process, Owner)).

wait(Owner, Watch) ->
    receive
        {'DOWN', Watch, process, Owner, _} -> exit(normal);
        {apply, From, M, F, A} -> From ! {applied, self(), apply(M, F, A)};
        What -> Owner ! {told, self(), What}
    end,
    wait(Owner, Watch).

do_in(Pid, M, F, A) ->
    Pid ! {apply, self(), M, F, A},
    receive {applied, Pid, Value} -> Value
    after ?LIMIT_MS -> exit({not_applied, M, F})
    end.

%% ---- by a node that is none for global --------------------------------------------------------

%% As a node that is hidden: one of its own, for this call alone.
hidden_call(Config, Node, M, F, A) ->
    Handle = fixture:beam_apply(Config, ["-hidden", "-connect_all", "false"],
                                {?MODULE, connect_and_apply, [Node, M, F, A]}),
    fixture:result(Handle).

connect_and_apply(Node, M, F, A) ->
    true = net_kernel:connect_node(Node),
    apply(M, F, A).

%% Tells a node to connect to another, without this node being connected with it.
on_hidden(Config, #{node := From}, To) ->
    hidden_call(Config, From, rpc, call, [From, net_kernel, connect_node, [To]]).

dies(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, Reason} -> lists:member(Reason, [killed, noproc])
    after ?LIMIT_MS -> false
    end.

lives(Pid) -> on(node(Pid), erlang, is_process_alive, [Pid]).

%% ---- processes that nobody owns ---------------------------------------------------------------

%% A process of a BEAM node that keeps what it is sent. It can be made from a node that then goes.
keeper(Node) ->
    load(Node),
    spawn(Node, ?MODULE, keep, [[]]).

keep(Messages) ->
    receive
        {kept, From} -> From ! {kept, self(), Messages}, keep(Messages);
        Message -> keep(Messages ++ [Message])
    end.

kept(Keeper) ->
    Keeper ! {kept, self()},
    receive {kept, Keeper, Messages} -> Messages
    after ?LIMIT_MS -> exit(no_messages)
    end.

%% A keeper that is told which nodes come and go, visible ones.
watcher(Node) ->
    load(Node),
    Watcher = spawn(Node, ?MODULE, watch, [self()]),
    receive {watching, Watcher} -> Watcher
    after ?LIMIT_MS -> exit(no_watcher)
    end.

watch(From) ->
    ok = net_kernel:monitor_nodes(true),
    From ! {watching, self()},
    keep([]).
