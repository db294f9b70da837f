%% SPDX-License-Identifier: Apache-2.0
%% Authenticated, and then frames, fragments, headers and control messages that are broken.
-module(hostile_frames).
-export([cases/0, broken/1, harmless/1]).
-import(hostile_wire, [connect/1, connect/3, send/2, frame/1, ctl/1, ctl/2, first/4, next/3, enc/1,
                       pid/1, pid/3, ref/1, closed/1, closed/2, flags/0, flag/1, name/0]).

-define(TO_ECHO, {6, hostile_wire:pid("x@127.0.0.1"), '', echo}).

cases() -> frames() ++ fragments() ++ headers() ++ controls() ++ fine().

%% What Fun(Name) makes costs its connection, with a line that names the peer.
broken(Fun) ->
    fun(C) ->
        Name = name(),
        Socket = hostile_wire:connect(C, Name),
        send(Socket, Fun(Name)),
        case closed(Socket) of
            true -> hostile:logged(C, ["disconnected from " ++ Name]);
            false -> not_closed
        end
    end.

%% What is odd but legal, or about the dead: the connection stays, and serves a call.
harmless(Fun) ->
    fun(C) ->
        Name = name(),
        Socket = hostile_wire:connect(C, Name),
        send(Socket, Fun(Name)),
        Reply = call(Socket, Name),
        gen_tcp:close(Socket),
        hostile:same(answered, Reply)
    end.

call(Socket, Name) ->
    Marker = crypto:strong_rand_bytes(12),
    send(Socket, ctl({6, pid(Name), '', echo},
                     {'$gen_call', {pid(Name), ref(Name)}, Marker})),
    wait_for(Socket, Marker).

wait_for(Socket, Marker) ->
    case hostile_wire:recv_frame(Socket, 30000) of
        {ok, Frame} ->
            case binary:match(Frame, Marker) of
                nomatch -> wait_for(Socket, Marker);
                _ -> answered
            end;
        Error -> Error
    end.

one(Frame) -> broken(fun(_) -> Frame end).
control(Fun) -> broken(fun(Name) -> ctl(Fun(Name)) end).

frames() ->
    [{"a frame of 4 GiB is refused before it comes", one(<<16#ffffffff:32>>)},
     {"a frame of 2 GiB is refused before it comes", one(<<16#7fffffff:32, 131, 68>>)},
     {"a frame past limits.frame is refused", one(<<(2 bsl 20):32, 131, 68>>)},
     {"112 in the world of headers", one(frame([112, 131, enc(?TO_ECHO), 131, enc(a)]))},
     {"131 before a term in the world of headers",
      one(frame([<<131, 68, 0>>, 131, enc(?TO_ECHO), 131, enc(a)]))},
     {"an unknown header", one(frame(<<131, 71, 0>>))},
     {"a header alone", one(frame(<<131, 68>>))},
     {"one byte", one(frame(<<0>>))},
     {"no version", one(frame([<<68, 0>>, enc(?TO_ECHO), enc(a)]))},
     {"a header frame in the world of 112", fun(C) -> other_world(C) end},
     {"frames end in the midst of a control message", one(frame(<<131, 68, 0, 104, 3, 97>>))}].

other_world(C) ->
    Name = name(),
    Socket = connect(C, Name, flags() band bnot (flag(header) bor flag(fragments))),
    send(Socket, ctl(?TO_ECHO, a)),
    case closed(Socket) of
        true -> hostile:logged(C, ["disconnected from " ++ Name]);
        false -> not_closed
    end.

fragments() ->
    [{"a later fragment of no message", one(next(7, 1, <<"x">>))},
     {"sequence 0", one(first(0, 2, ?TO_ECHO, <<"x">>))},
     {"fragment 0", one(first(7, 0, ?TO_ECHO, <<"x">>))},
     {"fragments in wrong order",
      one([first(7, 3, ?TO_ECHO, <<109, 0, 0, 0, 9>>), next(7, 1, <<"x">>)])},
     {"the same fragment twice",
      one([first(7, 3, ?TO_ECHO, <<109>>), next(7, 2, <<"x">>), next(7, 2, <<"x">>)])},
     {"a sequence that is opened twice",
      one([first(7, 3, ?TO_ECHO, <<109>>), first(7, 3, ?TO_ECHO, <<109>>)])},
     {"a control message that is cut", one(frame(<<131, 69, 7:64, 2:64, 0, 104, 4, 97>>))},
     {"a fragment's header that is cut", one(frame(<<131, 69, 7:64, 2:32>>))},
     {"a later fragment's header that is cut", one(frame(<<131, 70, 7:64>>))},
     {"fragments past limits.fragment_bytes",
      one([first(7, 1 bsl 60, ?TO_ECHO, <<109, 255, 255, 255, 255>>),
           [next(7, N, binary:copy(<<0>>, 65536)) || N <- down(1 bsl 60, 20)]])},
     {"more open messages than limits.fragments",
      one([first(N, 2, ?TO_ECHO, <<109>>) || N <- lists:seq(1, 4097)])},
     {"a fragmented payload that is no term",
      one([first(7, 2, ?TO_ECHO, <<109, 0, 0, 1, 0>>), next(7, 1, <<"short">>)])},
     {"fragments that were not agreed", fun not_agreed/1}].

down(From, Count) -> lists:seq(From - 1, From - Count, -1).

not_agreed(C) ->
    Name = name(),
    Socket = connect(C, Name, flags() band bnot flag(fragments)),
    send(Socket, first(7, 1, ?TO_ECHO, enc(a))),
    case closed(Socket) of
        true -> hostile:logged(C, ["disconnected from " ++ Name]);
        false -> not_closed
    end.

header(Count, Bytes) -> one(frame([<<131, 68, Count>>, Bytes])).

headers() ->
    [{"a cached atom that was never set", header(1, [<<0, 5>>, enc(?TO_ECHO), enc(a)])},
     {"a header whose flags are cut", header(255, <<0, 0, 0>>)},
     {"a header whose entries are cut", header(3, <<16#88, 16#08, 0, 1, "a">>)},
     {"an atom that is cut", header(1, <<8, 0, 200, "abc">>)},
     {"a long atom that is cut", header(1, <<16#18, 0, 255, 255, "abc">>)},
     {"an atom of no UTF-8", header(1, [<<8, 0, 2, 255, 254>>, enc(?TO_ECHO), enc(a)])},
     {"an atom of a surrogate", header(1, [<<8, 0, 3, 16#ed, 16#a0, 16#80>>, enc(?TO_ECHO), enc(a)])},
     {"an atom of 256 characters",
      header(1, [<<16#18, 0, 256:16>>, binary:copy(<<"a">>, 256), enc(?TO_ECHO), enc(a)])},
     {"an atom of 60000 bytes",
      header(1, [<<16#18, 0, 60000:16>>, binary:copy(<<"a">>, 60000), enc(?TO_ECHO), enc(a)])},
     {"a reference past the header's atoms",
      header(1, [<<8, 0, 1, "a">>, enc(?TO_ECHO), <<82, 1>>])},
     {"a reference without a header's atoms", header(0, [enc(?TO_ECHO), <<82, 0>>])}].

controls() ->
    [{"no control message", one(frame(<<131, 68, 0>>))},
     {"a control message that is no tuple", control(fun(_) -> [1, 2] end)},
     {"an empty tuple", control(fun(_) -> {} end)},
     {"an op that is no number", control(fun(_) -> {send, a, b} end)},
     {"an op that is negative", control(fun(_) -> {-1, a, b} end)},
     {"an op of many digits", control(fun(_) -> {1 bsl 200, a, b} end)},
     {"op 0", control(fun(_) -> {0} end)},
     {"op 5", control(fun(_) -> {5} end)},
     {"op 9", control(fun(_) -> {9, a} end)},
     {"op 38", control(fun(_) -> {38, a} end)},
     {"op 200", control(fun(_) -> {200, a} end)},
     {"a tuple of arity 2^31", one(frame(<<131, 68, 0, 105, 16#80000000:32, 97, 6>>))},
     {"a link of one", control(fun(N) -> {1, pid(N)} end)},
     {"a link of three", control(fun(N) -> {1, pid(N), pid("c1@127.0.0.1"), x} end)},
     {"a link from an atom", control(fun(_) -> {1, a, pid("c1@127.0.0.1")} end)},
     {"a link from a third node", control(fun(_) -> {1, pid("y@h"), pid("c1@127.0.0.1")} end)},
     {"an exit from a third node",
      control(fun(_) -> {3, pid("y@h"), pid("c1@127.0.0.1"), bye} end)},
     {"an unlink from a third node",
      control(fun(_) -> {35, 1, pid("y@h"), pid("c1@127.0.0.1")} end)},
     {"an unlink with id 0", control(fun(N) -> {35, 0, pid(N), pid("c1@127.0.0.1")} end)},
     {"an unlink whose id is an atom", control(fun(N) -> {35, a, pid(N), pid("c1@127.0.0.1")} end)},
     {"an unlink whose id has 20 bytes",
      control(fun(N) -> {35, 1 bsl 159, pid(N), pid("c1@127.0.0.1")} end)},
     {"a monitor without a reference", control(fun(N) -> {19, pid(N), echo, a} end)},
     {"a monitor of a number", control(fun(N) -> {19, pid(N), 17, ref(N)} end)},
     {"a monitor by an atom", control(fun(N) -> {19, me, echo, ref(N)} end)},
     {"a DOWN without a payload", control(fun(N) -> {28, pid(N), pid("c1@127.0.0.1"), ref(N)} end)},
     {"a message without a payload", control(fun(_) -> ?TO_ECHO end)},
     {"a message to a number", broken(fun(N) -> ctl({22, pid(N), 5}, a) end)},
     {"a message to the name of a number", broken(fun(N) -> ctl({6, pid(N), '', 5}, a) end)},
     {"an alias that is a pid", broken(fun(N) -> ctl({33, pid(N), pid(N)}, a) end)},
     {"spawn options that are no list",
      broken(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {a, b, 0}, x}, []) end)},
     {"spawn options with a tail",
      broken(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {a, b, 0}, [link | x]}, []) end)},
     {"a spawn of no function",
      broken(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {a, b}, []}, []) end)},
     {"a spawn of arity 2^32",
      broken(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {a, b, 1 bsl 32}, []}, []) end)},
     {"a spawn reply without a result", control(fun(N) -> {31, ref(N), pid(N), 0} end)},
     {"op 37 to an alias and a name",
      broken(fun(N) -> ctl({37, 12, pid(N), ref(N)}, a) end)},
     {"op 37 with flags of an atom", broken(fun(N) -> ctl({37, x, pid(N), echo}, a) end)},
     {"op 37 without its token", broken(fun(N) -> ctl({37, 10, pid(N), echo}, a) end)}].

fine() ->
    Ours = fun() -> pid("c1@127.0.0.1", 16#fffffff, 99) end,
    [{"ticks are taken", harmless(fun(_) -> binary:copy(<<0:32>>, 10000) end)},
     {"signals for the dead are taken",
      harmless(fun(N) ->
          [ctl({1, pid(N), Ours()}), ctl({19, pid(N), Ours(), ref(N)}),
           ctl({3, pid(N), Ours(), kill}), ctl({8, pid(N), Ours(), kill}),
           ctl({24, pid(N), Ours()}, kill), ctl({26, pid(N), Ours()}, kill),
           ctl({35, 1, pid(N), Ours()}), ctl({36, 1, pid(N), Ours()}), ctl({4, pid(N), Ours()}),
           ctl({20, pid(N), Ours(), ref(N)}), ctl({7, pid(N), Ours()}),
           ctl({22, pid(N), Ours()}, hi), ctl({33, pid(N), ref("c1@127.0.0.1")}, hi),
           ctl({31, ref("c1@127.0.0.1"), Ours(), 3, pid(N)}),
           ctl({21, pid(N), Ours(), ref("c1@127.0.0.1"), noproc})]
      end)},
     {"signals for processes of other nodes are taken",
      harmless(fun(N) ->
          Third = pid("third@127.0.0.1"),
          [ctl({1, pid(N), Third}), ctl({19, pid(N), Third, ref(N)}), ctl({22, pid(N), Third}, hi),
           ctl({3, pid(N), Third, kill}), ctl({8, pid(N), Third, kill}),
           ctl({35, 9, pid(N), Third}), ctl({7, Third, Third})]
      end)},
     {"an unknown name, and the empty one, are taken",
      harmless(fun(N) ->
          [ctl({6, pid(N), '', nobody_here}, x), ctl({6, pid(N), '', ''}, x),
           ctl({19, pid(N), '', ref(N)})]
      end)},
     {"an unlink id of 64 bits is taken",
      harmless(fun(N) -> ctl({35, 16#ffffffffffffffff, pid(N), Ours()}) end)},
     {"a monitor that is set twice is taken",
      harmless(fun(N) ->
          R = ref(N),
          [ctl({19, pid(N), echo, R}), ctl({19, pid(N), counter, R}), ctl({20, pid(N), echo, R}),
           ctl({20, pid(N), echo, R})]
      end)},
     {"a spawn with an unknown option is answered",
      harmless(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {a, b, 0}, [{x, y}, 5]}, []) end)},
     {"a spawn with arguments that are no list is answered",
      harmless(fun(N) -> ctl({29, ref(N), pid(N), pid(N), {erlang, node, 0}, [monitor]}, x) end)},
     {"a spawn with options of 1 MB is answered",
      harmless(fun(N) ->
          Many = lists:duplicate(20000, {priority, low}),
          ctl({29, ref(N), pid(N), pid(N), {erlang, node, 0}, Many}, [])
      end)},
     {"messages that never end cost nobody else",
      fun(C) ->
          S = connect(C),
          send(S, [first(7, 1 bsl 60, ?TO_ECHO, <<109, 0, 16, 0, 0>>), <<900000:32, 131, 68, 0>>]),
          timer:sleep(200),
          gen_tcp:close(S),
          ok
      end}].
