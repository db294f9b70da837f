%% SPDX-License-Identifier: Apache-2.0
%% A member that meets the node's global as none does: odd versions, the right words in no order, the
%% methods of conflicts called with what they are not for. Afterwards the name server and the locker
%% are the same, names of others are where they were, and the lock of the cluster is free.
-module(hostile_joins).
-export([cases/0, slowest_ms/1]).
-import(hostile_wire, [connect/3, send/2, plain/2, pid/1, ref/1, name/0]).

-define(VICTIM, {hostile_joins, victim}).

slowest_ms(_) -> 1500.

cases() ->
    [{"versions that there are not", guarded(fun versions/1)},
     {"the words of a join in no order", guarded(fun no_order/1)},
     {"a member that knows itself", guarded(fun knows_itself/1)},
     {"two partitions that are promised and never come", guarded(fun half_a_join/1)},
     {"resolve_it with what is no conflict", guarded(fun resolve_it/1)},
     {"what a real erl sends to the name server", guarded(fun real_garbage/1)}].

%% ---- what must be as before ---------------------------------------------------------------------

guarded(Case) ->
    fun(C = #{node := Node}) ->
        Echo = at(Node, erlang, whereis, [echo]),
        Before = {hostile_global:server(C), hostile_global:locker(C)},
        Given = at(Node, global, re_register_name, [?VICTIM, Echo]),
        Result = Case(C),
        After = {hostile_global:server(C), hostile_global:locker(C)},
        Found = at(Node, global, whereis_name, [?VICTIM]),
        case {Given, Result, After, Found, lock_is_free(Node, Echo)} of
            {yes, ok, Before, Echo, true} -> ok;
            Other -> {were, Before, Echo, are, Other}
        end
    end.

at(Node, M, F, Args) -> erpc:call(Node, M, F, Args, 60000).

%% A name can be given as long as somebody can have the lock.
lock_is_free(Node, Pid) ->
    Name = {hostile_joins, erlang:unique_integer()},
    yes =:= at(Node, global, re_register_name, [Name, Pid]) andalso
        ok =:= at(Node, global, unregister_name, [Name]).

%% ---- a member -----------------------------------------------------------------------------------

%% Without headers, so that what comes can be read: the tag and the locker that the node speaks of.
meet(C) ->
    Peer = name(),
    Odd = hostile_wire:flag(header) bor hostile_wire:flag(fragments),
    Socket = connect(C, Peer, hostile_wire:flags() band bnot Odd),
    {Tag, Locker} = heard(Socket),
    #{peer => Peer, atom => list_to_atom(Peer), socket => Socket, tag => Tag, locker => Locker}.

heard(Socket) ->
    {ok, Frame} = hostile_wire:recv_frame(Socket, 60000),
    case payload(Frame) of
        {'$gen_cast', {init_connect, {8, Tag}, _, {locker, _, _, Locker}}} -> {Tag, Locker};
        _ -> heard(Socket)
    end.

payload(<<112, Bytes/binary>>) ->
    {_, Used} = binary_to_term(Bytes, [used]),
    case Bytes of
        <<_:Used/binary>> -> none;
        <<_:Used/binary, Payload/binary>> -> binary_to_term(Payload)
    end.

say(#{socket := Socket, peer := Peer}, Server, Message) ->
    send(Socket, plain({6, pid(Peer), '', Server}, Message)).

call(M = #{peer := Peer}, Server, Request) ->
    say(M, Server, {'$gen_call', {pid(Peer), ref(Peer)}, Request}).

%% All that was said is done, or the connection was worth no more.
leave(M = #{socket := Socket, peer := Peer}) ->
    say(M, global_name_server, {whereis, none_has_it, {pid(Peer), all_is_taken}}),
    Result = ended(Socket),
    gen_tcp:close(Socket),
    Result.

ended(Socket) ->
    case hostile_wire:recv_frame(Socket, 60000) of
        {ok, Frame} ->
            case binary:match(Frame, <<"all_is_taken">>) of
                nomatch -> ended(Socket);
                _ -> ok
            end;
        {error, timeout} -> the_name_server_is_stuck;
        {error, _} -> ok
    end.

all_ok(Results) ->
    case [R || R <- Results, R =/= ok] of
        [] -> ok;
        [First | _] -> First
    end.

init(#{peer := Peer, atom := Atom}, Vsn, Tag) ->
    {'$gen_cast', {init_connect, {Vsn, Tag}, Atom, {locker, no_longer_a_pid, [], pid(Peer)}}}.

%% ---- cases --------------------------------------------------------------------------------------

versions(C) ->
    Odd = [0, 1, 4, 5, 6, 7, 9, 255, -1, 1 bsl 31, 1 bsl 32, 1 bsl 63, 1 bsl 64, 8.0, x, []],
    all_ok([begin
                M = meet(C),
                [say(M, global_name_server, init(M, Vsn, T)) || T <- [1, 1, -1, 1 bsl 70, y]],
                leave(M)
            end || Vsn <- Odd]).

method() -> fun global:random_exit_name/3.

words(#{peer := Peer, atom := Atom, tag := First, locker := Locker}) ->
    P = pid(Peer),
    Tag = First + rand:uniform(3) - 1, % a session that begins anew has the next one
    Ops = [{insert, {{junk, rand:uniform(9)}, P, method()}}, {delete, {junk, 1}}, {insert, x} | tail],
    Nodes = [{never@nowhere, 8}, {Atom, 8}, {x, y, z}, also@nowhere],
    [{cast, {init_connect, {8, 7}, Atom, {locker, no_longer_a_pid, [], P}}},
     {info, {init_connect_ack, Atom, Tag, 7}},
     {info, {init_connect_ack, Atom, 7, Tag}},
     {info, {cancel_connect, Atom, Tag}},
     {cast, {lock_set, P, true, [], Tag}},
     {cast, {lock_set, P, true, [], Tag}},
     {cast, {lock_set, P, false, [], Tag}},
     {cast, {lock_set, Locker, true, [], Tag}},
     {cast, {lock_set, pid("stranger@127.0.0.1"), true, [], Tag}},
     {info, {lock_set, P, true, []}},
     {cast, {exchange, Atom, [{{junk, 2}, P, method()}, {x}, y | tail], [], Tag}},
     {cast, {resolved, Atom, Ops, Nodes, unused, [{{junk, 3}, P, Atom}, z], Tag}},
     {cast, {new_nodes, Atom, Ops, [], Nodes, [{vsn, 8}, {lock, {global, [P, Locker]}}]}},
     {cast, {in_sync, Atom, true}},
     {cast, {in_sync, 'stranger@127.0.0.1', true}},
     {call, {set_lock, {global, lists:sort([P, Locker])}}},
     {call, {del_lock, {global, lists:sort([P, Locker])}}},
     {call, {register, {junk, 4}, P, method()}},
     {call, {register_ext, {junk, 5}, P, method(), Atom}},
     {info, {lost_connection, Atom, 1, rand:uniform(5), never@nowhere}},
     {info, {lost_connection, never@nowhere, 1, rand:uniform(5), Atom}}].

speak(M, {cast, Word}) -> say(M, global_name_server, {'$gen_cast', Word});
speak(M, {info, Word}) -> say(M, global_name_server, Word);
speak(M, {call, Word}) -> call(M, global_name_server, Word).

shuffled(List) -> [X || {_, X} <- lists:sort([{rand:uniform(), X} || X <- List])].

no_order(C) ->
    all_ok([begin
                M = meet(C),
                [speak(M, Word) || _ <- [1, 2, 3], Word <- shuffled(words(M))],
                leave(M)
            end || _ <- lists:seq(1, 100)]).

%% A join as it should be, but for who is among those that it brings.
knows_itself(C = #{node := Node}) ->
    M = #{peer := Peer, atom := Atom, tag := Tag} = meet(C),
    say(M, global_name_server, init(M, 8, 7)),
    speak(M, {cast, {lock_set, pid(Peer), true, [], Tag}}),
    granted(M),
    speak(M, {cast, {exchange, Atom, [], [], Tag}}),
    speak(M, {cast, {resolved, Atom, [], [{Atom, 8}, {Node, 8}, {Atom, 8}], unused, [], Tag}}),
    Joined = hostile:until(fun() -> lists:member(Atom, known(C)) end, 20000),
    Left = leave(M),
    hostile:same({true, ok}, {Joined, Left}).

known(#{node := Node}) -> gen_server:call({global_name_server, Node}, get_known, 60000).

%% The node's locker has asked for the lock here, too, and says that it has it.
granted(M = #{peer := Peer, socket := Socket}) ->
    {ok, Frame} = hostile_wire:recv_frame(Socket, 60000),
    case payload(Frame) of
        {'$gen_call', {From, Ref}, {set_lock, _}} ->
            send(Socket, plain({2, '', From}, {Ref, true})),
            granted(M);
        {'$gen_cast', {lock_set, _, true, [], 7}} -> Peer;
        _ -> granted(M)
    end.

%% Each has the lock of the cluster promised, and is gone.
half_a_join(C) ->
    all_ok([begin
                M = #{peer := Peer, locker := Locker, tag := Tag} = meet(C),
                say(M, global_name_server, init(M, 8, 7)),
                call(M, global_name_server, {set_lock, {global, lists:sort([pid(Peer), Locker])}}),
                [speak(M, {cast, {lock_set, pid(Peer), true, [], Tag}}) || Step > 1],
                [speak(M, {cast, {exchange, list_to_atom(Peer), [], [], Tag}}) || Step > 2],
                leave(M)
            end || _ <- lists:seq(1, 10), Step <- [1, 2, 3]]).

%% Its own processes are what a node has that no peer may end.
resolve_it(C) ->
    Own = [hostile_global:server(C), hostile_global:locker(C)],
    M = #{peer := Peer} = meet(C),
    Pids = [pid(Peer), pid("nobody@nowhere"), x, 1 | Own],
    Methods = [fun global:random_exit_name/3, fun global:random_notify_name/3,
               fun global:notify_all_name/3, fun global:nothing/3, fun erlang:halt/0,
               fun lists:map/2, x, {global, random_exit_name}, [], none],
    [ask_rex(M, [Method, Name, P1, P2])
     || Method <- Methods, Name <- [n, lists:seq(1, 1000), #{}, <<0:80000>>], P1 <- Pids, P2 <- Pids],
    [ask_rex(M, Args) || Args <- [[], x, [method()], [method(), n, x | y], lists:seq(1, 300),
                                  [method(), n, pid(Peer), pid(Peer), pid(Peer)]]],
    leave(M).

ask_rex(M = #{peer := Peer}, Args) ->
    Ref = ref(Peer),
    Request = {call, global, resolve_it, Args, pid(Peer)},
    say(M, rex, {'$gen_call', {pid(Peer), Ref}, Request}),
    answered(M, Ref).

%% Who asks this way is always answered, or it is not known what has been done.
answered(M = #{socket := Socket}, Ref) ->
    {ok, Frame} = hostile_wire:recv_frame(Socket, 60000),
    case payload(Frame) of
        {Ref, Answer} -> Answer;
        _ -> answered(M, Ref)
    end.

deep(0) -> [];
deep(N) -> [deep(N - 1)].

real_garbage(#{node := Node}) ->
    Self = self(),
    Odd = [x, [], {}, #{}, 1.5, <<>>, <<5:3>>, fun() -> Self end, make_ref(), Self, [a | b],
           lists:seq(1, 200000), binary:copy(<<"b">>, 500000), deep(250), {'$gen_call', x, y},
           {'$gen_call', {Self, make_ref()}, {set_lock, x}}, {'$gen_cast', x}, {'$gen_call', Self},
           {system, {Self, make_ref()}, x}, {'EXIT', Self, kill}, {'EXIT', x, y}, {nodeup, node()},
           {nodedown, Node}, {nodedown, node(), x}, {'DOWN', make_ref(), process, Self, x},
           {make_ref(), true}, {'$flitch_dialled'}, '$flitch_dialled', timeout,
           {'$gen_cast', {init_connect, {8, 1}, node(), {locker, x, [], Self}}},
           {'$gen_cast', {in_sync, Node, true}}, {'$gen_cast', {in_sync, node(), true}},
           {'$gen_cast', {exchange, Node, lists:seq(1, 5000), [], 1}},
           {'$gen_cast', {resolved, Node, [], [{Node, 8}], [], [], 1}},
           {'$gen_cast', {new_nodes, Node, [{delete, ?VICTIM}], [], [{Node, 8}], []}},
           {'$gen_cast', {new_nodes, node(), [{delete, ?VICTIM}], [], [], []}},
           {remove_connection, Node}, {lost_connection, Node, 1, 1, node()}],
    [erlang:send({Server, Node}, Term)
     || _ <- lists:seq(1, 20), Term <- Odd, Server <- [global_name_server, global_locker]],
    hostile:same(Node, at(Node, erlang, node, [])).
