%% SPDX-License-Identifier: Apache-2.0
%% Several nodes of one kind: a supervisor with one flitch_node an instance, one_for_one.
-module(flitch_pool).
-behaviour(supervisor).

-export([start_link/1, members/1, init/1]).

-spec start_link(map()) -> {ok, pid()} | {error, term()}.
start_link(#{name := Name} = Options) -> supervisor:start_link({local, Name}, ?MODULE, Options).

%% The processes of its instances; not_a_pool where Name is a single node, or nothing.
-spec members(atom()) -> [pid()] | not_a_pool.
members(Name) ->
    case flitch_nodes:all(Name) of
        [_, _ | _] ->
            [Pid || {_, Pid, _, _} <- lists:sort(supervisor:which_children(Name)), is_pid(Pid)];
        _ -> not_a_pool
    end.

init(#{name := Name, intensity := Intensity, period := Period, shutdown := Shutdown} = Options) ->
    Nodes = flitch_options:node_names(Options),
    flitch_nodes:add(Name, Nodes),
    Indexed = lists:zip(lists:seq(1, length(Nodes)), Nodes),
    {ok, {#{strategy => one_for_one, intensity => Intensity, period => Period},
          [#{id => Index, start => {flitch_node, start_instance, [Options, Index, Node]},
             restart => permanent, shutdown => Shutdown, type => worker, modules => [flitch_node]}
           || {Index, Node} <- Indexed]}}.
