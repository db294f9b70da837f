%% SPDX-License-Identifier: Apache-2.0
%% An Erlang node that plays c1, for FL_PEER=beam: what the interop suites expect of the C node is
%% so checked against OTP. counter and echo are those of examples/.
-module(reference).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    Self = self(),
    %% The boot process ends when the supervisor does; it is not linked to `-s`.
    spawn(fun() ->
        {ok, _} = gen_server:start({local, counter}, ?MODULE, counter, []),
        {ok, _} = gen_server:start({local, echo}, ?MODULE, echo, []),
        Self ! started
    end),
    receive started -> ok end,
    io:format("READY node=~s port=0 pid=~s vsn=otp~n", [node(), os:getpid()]).

init(counter) -> {ok, 0};
init(echo) -> {ok, echo}.

handle_call(Request, _From, echo) -> {reply, Request, echo};
handle_call(get, _From, Total) -> {reply, Total, Total};
handle_call({add, By}, _From, Total) when is_integer(By) -> {reply, Total + By, Total + By};
handle_call({echo, Term}, _From, Total) -> {reply, Term, Total};
handle_call(Request, _From, Total) -> {stop, {bad_call, Request}, Total}.

handle_cast(_Message, echo) -> {noreply, echo};
handle_cast(reset, _Total) -> {noreply, 0};
handle_cast(Message, Total) -> {stop, {bad_cast, Message}, Total}.

handle_info(_Message, State) -> {noreply, State}.
