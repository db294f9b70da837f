%% SPDX-License-Identifier: Apache-2.0
%% A distribution peer of bare sockets: what goes out is what a case says, byte by byte.
-module(hostile_wire).
-export([port_of/1, open/1, send_name/3, send_raw_name/2, hs_send/2, hs_recv/1, digest/2,
         connect/1, connect/2, connect/3, flags/0, flag/1, frame/1, frame/2, send/2, ctl/1, ctl/2,
         plain/2, first/4, next/3, enc/1, pid/1, pid/3, ref/1, ref/2, closed/1, closed/2, name/0,
         register_name/2, recv_frame/2, drain/1, served/3, pour/3]).

%% Only a case that fails waits that long.
-define(TIMEOUT, 30000).

%% ---- epmd ---------------------------------------------------------------------------------------

port_of(Alive) ->
    {port, Port, _} = erl_epmd:port_please(Alive, {127, 0, 0, 1}),
    Port.

%% A name in epmd for as long as the socket that is returned stays open.
register_name(Alive, Port) ->
    {ok, Epmd} = gen_tcp:connect({127, 0, 0, 1}, list_to_integer(os:getenv("ERL_EPMD_PORT")),
                                 [binary, {active, false}]),
    Name = list_to_binary(Alive),
    Body = <<120, Port:16, 72, 0, 6:16, 6:16, (byte_size(Name)):16, Name/binary, 0:16>>,
    ok = gen_tcp:send(Epmd, [<<(byte_size(Body)):16>>, Body]),
    {ok, <<118, 0, _:32>>} = gen_tcp:recv(Epmd, 6, ?TIMEOUT),
    Epmd.

%% ---- before the cookie --------------------------------------------------------------------------

open(Port) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port,
                                   [binary, {active, false}, {nodelay, true},
                                    {send_timeout, ?TIMEOUT}]),
    Socket.

flags() -> 16#d07df7fbd.
%% What a case may want to leave out.
flag(fragments) -> 16#800000;
flag(header) -> 16#2000;
flag(name_me) -> 16#200000000;
%% The bit that stands for all of OTP 25 has to go with it.
flag(utf8) -> 16#4010000.

name() ->
    "x" ++ integer_to_list(erlang:unique_integer([positive])) ++ "@127.0.0.1".

hs_send(Socket, Body) ->
    _ = gen_tcp:send(Socket, [<<(iolist_size(Body)):16>>, Body]),
    ok.

hs_recv(Socket) ->
    case gen_tcp:recv(Socket, 2, ?TIMEOUT) of
        {ok, <<Size:16>>} -> gen_tcp:recv(Socket, Size, ?TIMEOUT);
        Error -> Error
    end.

send_name(Socket, Name, Flags) ->
    send_raw_name(Socket, <<Flags:64, 17:32, (length(Name)):16, (list_to_binary(Name))/binary>>).

send_raw_name(Socket, Rest) ->
    hs_send(Socket, [78, Rest]).

digest(Cookie, Challenge) ->
    erlang:md5([atom_to_list(Cookie), integer_to_list(Challenge)]).

%% ---- with the cookie ----------------------------------------------------------------------------

connect(Config) -> connect(Config, name()).
connect(Config, Name) -> connect(Config, Name, flags()).

connect(#{port := Port, cookie := Cookie}, Name, Flags) ->
    Socket = open(Port),
    send_name(Socket, Name, Flags),
    {ok, <<"s", Status/binary>>} = hs_recv(Socket),
    case Status of
        <<"alive">> -> hs_send(Socket, <<"strue">>);
        _ -> ok
    end,
    {ok, <<78, _:64, Challenge:32, _/binary>>} = hs_recv(Socket),
    hs_send(Socket, [<<114, 4711:32>>, digest(Cookie, Challenge)]),
    {ok, <<97, Proof:16/binary>>} = hs_recv(Socket),
    Proof = digest(Cookie, 4711),
    Socket.

enc(Term) ->
    <<131, Bytes/binary>> = term_to_binary(Term),
    Bytes.

%% A frame of any bytes; one with a header without atoms.
frame(Bytes) ->
    [<<(iolist_size(Bytes)):32>>, Bytes].
frame(header, Bytes) ->
    frame([<<131, 68, 0>>, Bytes]).

ctl(Control) -> frame(header, enc(Control)).
ctl(Control, Payload) -> frame(header, [enc(Control), enc(Payload)]).

%% For a connection without headers.
plain(Control, Payload) ->
    frame([112, 131, enc(Control), 131, enc(Payload)]).

first(Seq, Number, Control, Bytes) ->
    frame([<<131, 69, Seq:64, Number:64, 0>>, enc(Control), Bytes]).
next(Seq, Number, Bytes) ->
    frame([<<131, 70, Seq:64, Number:64>>, Bytes]).

send(Socket, Bytes) ->
    _ = gen_tcp:send(Socket, Bytes),
    ok.

pid(Node) -> pid(Node, 1, 17).
pid(Node, Id, Creation) ->
    Size = length(Node),
    binary_to_term(<<131, 88, 118, Size:16, (list_to_binary(Node))/binary, Id:32, 0:32,
                     Creation:32>>).

ref(Node) -> ref(Node, erlang:unique_integer([positive])).
ref(Node, N) ->
    binary_to_term(<<131, 90, 3:16, 118, (length(Node)):16, (list_to_binary(Node))/binary, 17:32,
                     (N band 16#3ffff):32, (N bsr 18):32, 0:32>>).

%% Whether the other side closes, whatever it says before.
closed(Socket) -> closed(Socket, ?TIMEOUT).
closed(Socket, Ms) ->
    Until = erlang:monotonic_time(millisecond) + Ms,
    closed_until(Socket, Until).

closed_until(Socket, Until) ->
    case gen_tcp:recv(Socket, 0, max(0, Until - erlang:monotonic_time(millisecond))) of
        {ok, _} -> closed_until(Socket, Until);
        {error, timeout} -> false;
        {error, _} -> true
    end.

recv_frame(Socket, Ms) ->
    case gen_tcp:recv(Socket, 4, Ms) of
        {ok, <<0:32>>} -> recv_frame(Socket, Ms);
        {ok, <<Size:32>>} -> gen_tcp:recv(Socket, Size, Ms);
        Error -> Error
    end.

%% Reads on for ever, so that a flood is stopped by no full buffer.
drain(Socket) ->
    Marker = crypto:strong_rand_bytes(12),
    Parent = self(),
    Reader = spawn(fun() -> receive go -> drain_loop(Socket, Parent, Marker, <<>>) end end),
    ok = gen_tcp:controlling_process(Socket, Reader),
    Reader ! go,
    {Reader, Marker}.

drain_loop(Socket, Parent, Marker, Before) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Bytes} ->
            All = <<Before/binary, Bytes/binary>>,
            case binary:match(All, Marker) of
                nomatch -> ok;
                _ -> Parent ! {self(), served}
            end,
            Size = min(byte_size(All), 16),
            drain_loop(Socket, Parent, Marker, binary:part(All, byte_size(All), -Size));
        {error, Why} ->
            Parent ! {self(), Why}
    end.

%% Make(1) to Make(Count), some at a time.
pour(Socket, Make, Count) ->
    [send(Socket, [Make(I) || I <- lists:seq(From, min(From + 999, Count))])
     || From <- lists:seq(1, Count, 1000)],
    ok.

%% Whether the connection that is drained is there still, and all that went before was taken.
served(Socket, Peer, {Reader, Marker}) ->
    send(Socket, ctl({6, pid(Peer), '', echo}, {'$gen_call', {pid(Peer), ref(Peer)}, Marker})),
    receive
        {Reader, served} -> ok;
        {Reader, Why} -> {connection_ended, Why}
    after 60000 -> no_answer_on_the_connection
    end.
