%% SPDX-License-Identifier: Apache-2.0
%% Calls of servers and functions of the node, or of the next of the nodes, that a flitch_node runs.
%%
%% They are gen_server:call, gen_server:cast and erpc:call of OTP: an answer that comes after the
%% timeout is dropped, never left in the caller's mailbox. Each ends the caller with {nodedown, Name}
%% when no node is up.
-module(flitch).
-export([call/3, call/4, cast/3, apply/4, apply/5]).

-define(TIMEOUT_MS, 5000).

-spec call(Name :: atom(), Server :: atom(), Request :: term()) -> term().
call(Name, Server, Request) -> call(Name, Server, Request, ?TIMEOUT_MS).

-spec call(Name :: atom(), Server :: atom(), Request :: term(), timeout()) -> term().
call(Name, Server, Request, Timeout) ->
    Node = flitch_node:pick(Name),
    flitch_events:span([flitch, call], #{name => Name, node => Node, server => Server},
                       fun() -> gen_server:call({Server, Node}, Request, Timeout) end).

-spec cast(Name :: atom(), Server :: atom(), Message :: term()) -> ok.
cast(Name, Server, Message) -> gen_server:cast({Server, flitch_node:pick(Name)}, Message).

%% An exported function of the node, by erpc.
-spec apply(Name :: atom(), module(), atom(), [term()]) -> term().
apply(Name, Module, Function, Args) -> apply(Name, Module, Function, Args, ?TIMEOUT_MS).

-spec apply(Name :: atom(), module(), atom(), [term()], timeout()) -> term().
apply(Name, Module, Function, Args, Timeout) ->
    Node = flitch_node:pick(Name),
    flitch_events:span([flitch, call], #{name => Name, node => Node, server => Module},
                       fun() -> erpc:call(Node, Module, Function, Args, Timeout) end).
