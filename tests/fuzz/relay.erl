%% SPDX-License-Identifier: Apache-2.0
%% Passes bytes on between a port here and one there, and keeps what passed:
%%
%%     -run relay main DIR NAME PORT TAG:LISTEN:TARGET...
%%
%% DIR/TAG.N.a is what the N-th one who connected said, DIR/TAG.N.b what was answered. NAME is
%% registered with epmd under PORT, so that whoever looks it up comes by here. Runs until it is ended.
-module(relay).
-export([main/1]).

main([Dir, Name, Port | Specs]) ->
    lists:foreach(fun(Spec) -> listen(Dir, string:tokens(Spec, ":")) end, Specs),
    {ok, _} = erl_epmd:start_link(),
    {ok, _} = erl_epmd:register_node(Name, list_to_integer(Port)),
    io:format("ready~n"),
    receive after infinity -> ok end.

listen(Dir, [Tag, Listen, Target]) ->
    Options = [binary, {active, false}, {reuseaddr, true}, {nodelay, true}, {ip, {127, 0, 0, 1}}],
    {ok, Socket} = gen_tcp:listen(list_to_integer(Listen), Options),
    Base = filename:join(Dir, Tag),
    spawn_link(fun() -> accept(Socket, Base, list_to_integer(Target), 1) end).

accept(Listener, Base, Target, N) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    File = Base ++ "." ++ integer_to_list(N),
    spawn(fun() -> relay(Socket, File, Target) end),
    accept(Listener, Base, Target, N + 1).

relay(Socket, File, Target) ->
    case gen_tcp:connect({127, 0, 0, 1}, Target, [binary, {active, false}, {nodelay, true}]) of
        {ok, Other} ->
            spawn(fun() -> pump(Socket, Other, File ++ ".a") end),
            pump(Other, Socket, File ++ ".b");
        {error, _} ->
            gen_tcp:close(Socket)
    end.

pump(From, To, File) ->
    case gen_tcp:recv(From, 0) of
        {ok, Bytes} ->
            ok = file:write_file(File, Bytes, [append]),
            _ = gen_tcp:send(To, Bytes),
            pump(From, To, File);
        {error, _} ->
            gen_tcp:shutdown(To, write)
    end.
