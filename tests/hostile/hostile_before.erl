%% SPDX-License-Identifier: Apache-2.0
%% Before the cookie was shown.
-module(hostile_before).
-export([cases/0]).
-import(hostile_wire, [open/1, hs_send/2, hs_recv/1, send_name/3, send_raw_name/2, closed/1,
                       closed/2, flags/0, flag/1, name/0, digest/2]).

cases() ->
    [{"random bytes are closed", talk(crypto:strong_rand_bytes(64))},
     {"a request of HTTP is closed", talk(<<"GET / HTTP/1.1\r\nHost: x\r\n\r\n">>)},
     {"a TLS hello is closed", talk(<<22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0:512>>)},
     {"a length of 64 KiB is refused before its bytes come", talk(<<16#ffff:16, 78>>)},
     {"a length of 2 GiB is refused", talk(<<16#7fffffff:32, 78, 0:64>>)},
     {"an empty message is closed", talk(<<0:16>>)},
     {"a message of one byte is closed", talk(<<1:16, 78>>)},
     {"a name cut off in its flags is closed", talk(<<8:16, 78, 0:56>>)},
     {"a name shorter than it says is closed", talk(<<20:16, 78, 0:64, 0:32, 99:16, "a@b", 0:16>>)},
     {"silence ends at the set-up time", slow(fun(_) -> ok end)},
     {"half a message ends at the set-up time",
      slow(fun(S) -> gen_tcp:send(S, <<28:16, 78, 0:64>>) end)},
     {"a trickle ends at the set-up time", fun trickle/1},
     {"a version of long ago is closed", talk(<<12:16, 110, 1:16, 0:32, "a@b.c">>)},
     {"missing flags are named", fun missing_flags/1},
     {"a wrong digest is closed without a word", fun wrong_digest/1},
     {"the node's own name is refused", named("c1@127.0.0.1", <<"snok">>)},
     {"a name with a blank is refused", named("a b@127.0.0.1", <<"snok">>)},
     {"a name with a line feed is refused", named("a\nb@127.0.0.1", <<"snok">>)},
     {"a name with an escape is refused", named("a\e[2Jb@127.0.0.1", <<"snok">>)},
     {"a name with NUL is refused", named([$a, 0, $@, $h], any)},
     {"a name of no host is closed", named("a", closed)},
     {"a name of an empty host is closed", named("a@", closed)},
     {"a name of an empty alive is closed", named("@h", closed)},
     {"a name of two hosts is closed", named("a@b@c", closed)},
     {"a name of 1500 characters is refused", named(lists:duplicate(1500, $a) ++ "@h", any)},
     {"a message past 2 KiB is closed", named(lists:duplicate(3000, $a) ++ "@h", closed)},
     {"an answer to no question is closed", after_name(<<"strue">>)},
     {"an ack in place of a reply is closed", after_name(<<97, 0:128>>)},
     {"a reply cut off is closed", after_name(<<114, 1:32, 0:64>>)},
     {"a reply with bytes behind it is closed", after_name(<<114, 1:32, 0:128, 0>>)},
     {"frames in place of a reply are closed",
      fun(C) -> before_reply(C, hostile_wire:ctl({6, self(), '', echo}, hello)) end},
     {"our own challenge from the same connection is no proof", fun own_challenge/1},
     {"our own challenge, answered by the node when it dials, is no proof", fun reflected/1},
     {"a challenge of another node is refused when the node dials", fun wrong_name_dialled/1},
     {"silence of a dialled node ends at the set-up time", fun silent_dialled/1},
     {"handshakes of one address are limited", fun too_many/1},
     {"silent connections keep no honest peer out", fun silent_crowd/1},
     {"a name that many claim is free for its holder", fun claimed_name/1}].

%% Says something, and must be closed, with a line that tells the port it came from.
talk(Bytes) ->
    fun(C = #{port := Port}) ->
        Socket = open(Port),
        {ok, {_, From}} = inet:sockname(Socket),
        _ = gen_tcp:send(Socket, Bytes),
        ends(C, Socket, From, 30000)
    end.

ends(C, Socket, From, Ms) ->
    case closed(Socket, Ms) of
        true -> hostile:logged(C, ["127.0.0.1:" ++ integer_to_list(From)]);
        false -> not_closed
    end.

slow(Fun) ->
    fun(C = #{port := Port}) ->
        Socket = open(Port),
        {ok, {_, From}} = inet:sockname(Socket),
        _ = Fun(Socket),
        ends(C, Socket, From, 30000)
    end.

%% A byte at a time: the step's time runs from its beginning, not from the last byte.
trickle(C = #{port := Port}) ->
    Socket = open(Port),
    {ok, {_, From}} = inet:sockname(Socket),
    Start = erlang:monotonic_time(millisecond),
    drip(Socket, binary:bin_to_list(<<1000:16, 78, 0:8000>>)),
    Took = erlang:monotonic_time(millisecond) - Start,
    case Took < 20000 of
        true -> ends(C, Socket, From, 30000);
        false -> {still_open_after_ms, Took}
    end.

drip(_, []) -> ok;
drip(Socket, [Byte | More]) ->
    case gen_tcp:send(Socket, [Byte]) of
        ok ->
            case gen_tcp:recv(Socket, 0, 50) of
                {error, timeout} -> drip(Socket, More);
                _ -> ok
            end;
        _ -> ok
    end.

missing_flags(C = #{port := Port}) ->
    Socket = open(Port),
    send_name(Socket, "noflags@127.0.0.1", flags() band bnot flag(utf8)),
    {ok, <<"snot_allowed">>} = hs_recv(Socket),
    true = closed(Socket),
    hostile:logged(C, ["noflags@127.0.0.1", "UTF8_ATOMS"]).

wrong_digest(C = #{port := Port}) ->
    Socket = open(Port),
    Name = name(),
    send_name(Socket, Name, flags()),
    {ok, <<"sok">>} = hs_recv(Socket),
    {ok, <<78, _:64, Challenge:32, _/binary>>} = hs_recv(Socket),
    hs_send(Socket, [<<114, 1:32>>, digest(wrong_cookie_entirely, Challenge)]),
    {error, closed} = gen_tcp:recv(Socket, 0, 30000),
    hostile:logged(C, [Name, "cookie"]).

named(Name, Expected) ->
    fun(C = #{port := Port}) ->
        Socket = open(Port),
        {ok, {_, From}} = inet:sockname(Socket),
        send_name(Socket, Name, flags()),
        Answer = hs_recv(Socket),
        Fits = case {Expected, Answer} of
                   {any, _} -> true;
                   {closed, {error, _}} -> true;
                   {Expected, {ok, Expected}} -> true;
                   _ -> false
               end,
        case Fits of
            true -> ends(C, Socket, From, 30000);
            false -> {answered, Answer}
        end
    end.

before_reply(C = #{port := Port}, Bytes) ->
    Socket = open(Port),
    {ok, {_, From}} = inet:sockname(Socket),
    send_name(Socket, name(), flags()),
    {ok, <<"sok">>} = hs_recv(Socket),
    {ok, <<78, _/binary>>} = hs_recv(Socket),
    _ = gen_tcp:send(Socket, Bytes),
    ends(C, Socket, From, 30000).

after_name(Body) ->
    fun(C) -> before_reply(C, [<<(byte_size(Body)):16>>, Body]) end.

own_challenge(C = #{port := Port}) ->
    Socket = open(Port),
    {ok, {_, From}} = inet:sockname(Socket),
    send_name(Socket, name(), flags()),
    {ok, <<"sok">>} = hs_recv(Socket),
    {ok, <<78, _:64, Challenge:32, _/binary>>} = hs_recv(Socket),
    hs_send(Socket, [<<114, Challenge:32>>, crypto:strong_rand_bytes(16)]),
    ends(C, Socket, From, 30000).

%% ---- the node dials us --------------------------------------------------------------------------

%% Lets the node dial a name of ours; Fun gets the socket on which its name message has been read.
dialled(#{node := Node}, Fun) ->
    Alive = "e" ++ integer_to_list(erlang:unique_integer([positive])),
    {ok, Listen} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listen),
    Epmd = hostile_wire:register_name(Alive, Port),
    Name = Alive ++ "@127.0.0.1",
    Asked = erpc:send_request(Node, net_kernel, connect_node, [list_to_atom(Name)]),
    {ok, Socket} = gen_tcp:accept(Listen, 30000),
    {ok, <<78, _/binary>>} = hs_recv(Socket),
    Result = Fun(Socket, Name),
    Connected = erpc:receive_response(Asked, 60000),
    gen_tcp:close(Socket),
    gen_tcp:close(Listen),
    gen_tcp:close(Epmd),
    {Result, Connected, Name}.

challenge(Socket, Name, Challenge) ->
    hs_send(Socket, <<"sok">>),
    hs_send(Socket, <<78, (flags()):64, Challenge:32, 17:32, (length(Name)):16,
                      (list_to_binary(Name))/binary>>).

%% Two connections: the challenge that the node gave on the first is put to it on the second, and
%% its answer there would be the proof for the first.
reflected(C = #{port := Port}) ->
    First = open(Port),
    send_name(First, name(), flags()),
    {ok, <<"sok">>} = hs_recv(First),
    {ok, <<78, _:64, Challenge:32, _/binary>>} = hs_recv(First),
    {Answer, false, Name} = dialled(C, fun(Second, Own) ->
        challenge(Second, Own, Challenge),
        hs_recv(Second)
    end),
    case Answer of
        {error, closed} -> hostile:logged(C, [Name]);
        {ok, <<114, _/binary>>} -> the_node_answered_its_own_challenge
    end.

wrong_name_dialled(C) ->
    {Answer, false, Name} = dialled(C, fun(Socket, _) ->
        challenge(Socket, "somebody.else@127.0.0.1", 99),
        hs_recv(Socket)
    end),
    case Answer of
        {error, closed} -> hostile:logged(C, [Name]);
        Other -> {answered, Other}
    end.

silent_dialled(C) ->
    {Closed, false, Name} = dialled(C, fun(Socket, _) -> closed(Socket, 30000) end),
    case Closed of
        true -> hostile:logged(C, [Name]);
        false -> not_closed
    end.

%% Eight may wait at once; the ninth takes the place of the oldest, and room comes back with time.
too_many(C = #{port := Port}) ->
    timer:sleep(1000),
    Sockets = [open(Port) || _ <- lists:seq(1, 10)],
    {Two, Eight} = lists:split(2, Sockets),
    Closed = [S || S <- Two, closed(S)],
    Open = [S || S <- Eight, not closed(S, 0)],
    Later = [S || S <- Eight, closed(S)],
    case {length(Closed), length(Open) > 0, length(Later)} of
        {2, true, 8} ->
            Logged = hostile:logged(C, ["given up for a newer one"]),
            timer:sleep(1000), % they used up the lines that the log takes in a second
            Logged;
        Other -> {made_room_and_waiting_and_closed_later, Other}
    end.

silent_crowd(C = #{port := Port}) ->
    Sockets = [open(Port) || _ <- lists:seq(1, 20)],
    Honest = hostile_wire:connect(C),
    [gen_tcp:close(S) || S <- [Honest | Sockets]],
    timer:sleep(1000),
    ok.

claimed_name(C = #{port := Port}) ->
    Name = name(),
    Liars = [begin
                 Socket = open(Port),
                 send_name(Socket, Name, flags()),
                 {ok, <<"sok">>} = hs_recv(Socket),
                 Socket
             end || _ <- lists:seq(1, 6)],
    Honest = hostile_wire:connect(C, Name),
    true = lists:all(fun(S) -> closed(S) end, Liars),
    gen_tcp:close(Honest),
    timer:sleep(1000),
    hostile:logged(C, [Name, "more than one says to be that node"]).
