%% SPDX-License-Identifier: Apache-2.0
%% A C node as a supervised child: {flitch_node, Options} in Elixir, flitch_node:child_spec(Options)
%% in Erlang.
%%
%%  - init starts the program, waits for its READY and connects: when the supervisor goes on to the
%%    next child, the node can be called.
%%  - Then two things are watched: the program (its exit status) and the connection (nodedown). The
%%    end of the program ends this process with the program's reason: {signal, sigsegv}, {exit,
%%    config}, normal. The supervisor's policy does the rest.
%%  - terminate asks the program to end, then kills it, within the shutdown time of the options.
%%  - One that is killed itself leaves its program to the end of its stdin; the next one waits for
%%    that end, since both have one name.
%%
%% A node keeps its name over restarts, since atoms are never freed; its creation, which epmd counts
%% up, tells the pids of one life from those of the next.
%%
%% With instances > 1 the child is a supervisor of as many nodes, and pick/1 takes them in turn.
-module(flitch_node).
-behaviour(gen_server).

-export([child_spec/1, start_link/1, pick/1, nodes/1, await/2, info/1, be_a_node/1]).
-export([start_instance/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, format_status/1]).

%% How long after a nodedown the exit status may come that explains it.
-define(EXPLAINED_MS, 1000).
-define(RECONNECT_MS, 1000).
-define(NO_NODE, <<"this VM has no name: start it with --name or --sname, or call flitch_node:be_a_node/1 first">>).

-spec child_spec(flitch_options:options() | [{atom(), term()}]) -> supervisor:child_spec().
child_spec(Given) ->
    #{name := Name, shutdown := Shutdown, instances := N} = flitch_options:read(Given),
    #{id => Name, start => {?MODULE, start_link, [Given]}, restart => permanent,
      shutdown => if N =:= 1 -> Shutdown; true -> infinity end,
      type => if N =:= 1 -> worker; true -> supervisor end,
      modules => [?MODULE]}.

%% Returns when the node, or each of them, serves and is connected.
-spec start_link(flitch_options:options() | [{atom(), term()}]) -> {ok, pid()} | {error, term()}.
start_link(Given) ->
    case flitch_options:read(Given) of
        _ when node() =:= nonode@nohost -> {error, {not_distributed, ?NO_NODE}};
        #{name := Name, instances := 1} = Options ->
            gen_server:start_link({local, Name}, ?MODULE, {Options, 1}, []);
        Options -> flitch_pool:start_link(Options)
    end.

-spec start_instance(map(), pos_integer(), node()) -> {ok, pid()} | {error, term()}.
start_instance(Options, Index, _Node) -> gen_server:start_link(?MODULE, {Options, Index}, []).

%% A node that is up: of several the next one. Ends the caller with {nodedown, Name} where none is.
-spec pick(atom()) -> node().
pick(Name) ->
    case flitch_nodes:pick(Name) of
        {ok, Node} -> Node;
        error -> exit({nodedown, Name})
    end.

%% All names, whether up or not.
-spec nodes(atom()) -> [node()].
nodes(Name) -> flitch_nodes:all(Name).

%% Waits until one is up, after a restart say.
-spec await(atom(), timeout()) -> ok | {error, timeout}.
await(Name, Timeout) -> flitch_await:wait(Name, Timeout).

%% Of each instance that runs: its node, the program's pid, port and version, whether it is up.
-spec info(atom()) -> [#{node := node(), os_pid := pos_integer(), up := boolean(), port := inet:port_number(),
                         vsn := binary()}].
info(Name) ->
    case flitch_pool:members(Name) of
        not_a_pool -> [gen_server:call(Name, info)];
        Pids -> [gen_server:call(Pid, info) || Pid <- Pids]
    end.

%% Makes this VM a node, where it is none: for development and tests, as releases are nodes from the
%% start. Name is a long one; epmd is started where none runs.
-spec be_a_node(node()) -> ok | {error, term()}.
be_a_node(_) when node() =/= nonode@nohost -> ok;
be_a_node(Name) ->
    _ = [os:cmd("'" ++ Epmd ++ "' -daemon") || Epmd <- [os:find_executable("epmd")], Epmd =/= false],
    case net_kernel:start([Name, longnames]) of
        {ok, _} -> ok;
        Error -> Error
    end.

%% ---- gen_server ----------------------------------------------------------------------------------

init({#{name := Name} = Given, Index}) ->
    process_flag(trap_exit, true),
    Node = lists:nth(Index, flitch_options:node_names(Given)),
    Options = with_cookie(Given#{node => Node, index => Index}),
    maps:get(instances, Given) > 1 orelse flitch_nodes:add(Name, [Node]),
    flitch_nodes:down(Name, Index),
    ok = net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]),
    set_cookie(Options),
    ok = flitch_program:clear(Options),
    case flitch_program:start(Options, Node) of
        {ok, Program} -> connect(#{options => Options, index => Index, node => Node, program => Program});
        {error, Reason} -> {stop, Reason}
    end.

%% A supervisor's reports show the options: a cookie that is not this VM's own is better a fun.
with_cookie(#{cookie := Fun} = Options) when is_function(Fun) -> Options#{cookie := Fun()};
with_cookie(Options) -> Options.

set_cookie(#{cookie := undefined}) -> ok;
set_cookie(#{cookie := Cookie, node := Node}) when is_atom(Cookie) -> erlang:set_cookie(Node, Cookie);
set_cookie(#{cookie := Cookie, node := Node}) ->
    erlang:set_cookie(Node, list_to_atom(flitch_program:text(Cookie))).

connect(#{node := Node, program := Program, options := Options} = State) ->
    case net_kernel:connect_node(Node) of
        true -> {ok, up(State)};
        _ ->
            %% It may have ended meanwhile; then that is the reason.
            case flitch_program:await_exit(Program, Options, 100) of
                running ->
                    _ = flitch_program:stop(Program, Options, maps:get(shutdown, Options)),
                    {stop, {cannot_connect, Node}};
                Reason -> {stop, {ended, Reason}}
            end
    end.

handle_call(info, _, #{program := Program, node := Node, status := Status} = State) ->
    #{os_pid := OsPid, dist_port := Port, vsn := Vsn} = Program,
    {reply, #{node => Node, os_pid => OsPid, port => Port, vsn => Vsn, up => Status =:= up}, State};
handle_call(_, _, State) -> {reply, {error, bad_call}, State}.

handle_cast(_, State) -> {noreply, State}.

handle_info({Port, {data, {_, Line}}}, #{program := #{port := Port}} = State) ->
    flitch_program:log(maps:get(options, State), maps:get(node, State), Line),
    {noreply, State};
handle_info({Port, {exit_status, Status}}, #{program := #{port := Port}} = State) ->
    {stop, flitch_program:ended(maps:get(options, State), Status), maps:remove(program, State)};
handle_info({nodedown, Node, Info}, #{node := Node, status := up} = State) ->
    %% Of a life before this one, or overtaken by the next connection.
    case lists:member(Node, erlang:nodes(connected)) of
        true -> {noreply, State};
        false -> {noreply, lost(Info, State)}
    end;
handle_info({nodeup, Node, _}, #{node := Node, status := reconnecting} = State) ->
    {noreply, up(State)};
handle_info({lost, Reason}, State) -> {stop, {nodedown, Reason}, State};
handle_info(reconnect, #{status := reconnecting, node := Node} = State) ->
    %% It may take as long as net_setuptime, and tells of success by nodeup.
    _ = spawn(net_kernel, connect_node, [Node]),
    _ = erlang:send_after(?RECONNECT_MS, self(), reconnect),
    {noreply, State};
handle_info({'EXIT', Port, _}, #{program := #{port := Port}} = State) -> {noreply, State};
handle_info({'EXIT', Pid, Reason}, State) when is_pid(Pid), Reason =/= normal -> {stop, Reason, State};
handle_info(_, State) -> {noreply, State}.

terminate(Reason, #{options := Options, node := Node} = State) ->
    down(State, Reason),
    _ = case State of
        #{program := Program, status := lost} -> flitch_program:kill(Program, Options);
        #{program := Program} ->
            flitch_program:stop(Program, Options, maps:get(shutdown, Options));
        #{} -> ok
    end,
    _ = erlang:disconnect_node(Node),
    ok.

%% Crash reports show the state: neither the cookie nor what the environment may hold.
format_status(Status) ->
    maps:map(fun(state, #{options := Options} = State) ->
                     State#{options := maps:without([cookie, env], Options)};
                (_, Value) -> Value
             end, Status).

%% ---- up and down ---------------------------------------------------------------------------------

up(#{options := #{name := Name}, index := Index, node := Node} = State) ->
    flitch_nodes:up(Name, Index),
    flitch_events:emit([flitch, node, up], #{system_time => erlang:system_time()},
                       #{name => Name, node => Node}),
    State#{status => up}.

down(#{options := #{name := Name}, index := Index, node := Node, status := up}, Reason) ->
    flitch_nodes:down(Name, Index),
    flitch_events:emit([flitch, node, down], #{system_time => erlang:system_time()},
                       #{name => Name, node => Node, reason => Reason});
down(_, _) -> ok.

lost(Info, #{options := #{on_nodedown := Policy}, node := Node} = State) ->
    Reason = proplists:get_value(nodedown_reason, Info, unknown),
    down(State, {nodedown, Reason}),
    case decide(Policy, Node, Reason) of
        reconnect ->
            self() ! reconnect,
            State#{status => reconnecting};
        restart ->
            _ = erlang:send_after(?EXPLAINED_MS, self(), {lost, Reason}),
            State#{status => lost}
    end.

decide(Policy, _, _) when is_atom(Policy) -> Policy;
decide(Policy, Node, Reason) ->
    case Policy(Node, Reason) of
        reconnect -> reconnect;
        _ -> restart
    end.
