%% SPDX-License-Identifier: Apache-2.0
%% Well-formed, and meant ill: messages that only the runtime should send, calls of odd shapes,
%% and exit signals at the node's own processes.
-module(hostile_forged).
-export([cases/0]).
-import(hostile_wire, [connect/2, send/2, ctl/1, ctl/2, enc/1, frame/2, pid/1, pid/3, ref/1, ref/2,
                       name/0]).

-define(OURS, [user, logger, logger_proxy, net_kernel, rex, telemetry_handler_table,
               flitch_services, flitch_sup]).

cases() ->
    [{"system messages of any kind leave the node's services", fun system_messages/1},
     {"forged exits from parents leave the node's services", fun forged_exits/1},
     {"exit(Pid, kill) at the node's own processes leaves its services", fun kill_by_signal/1},
     {"erlang:exit(Pid, kill), run there, leaves its services", fun kill_by_call/1},
     {"calls with odd tags are survived", fun odd_calls/1},
     {"messages of the node's own kind are survived", fun own_messages/1},
     {"io requests of any kind are survived", fun io_requests/1},
     {"log events of any kind are survived", fun log_events/1},
     {"log lines cannot be forged", fun log_forging/1},
     {"spawn requests of any kind are answered or refused", fun spawns/1},
     {"answers to nothing are survived", fun answers/1},
     {"no native function makes the node send what a peer cannot take", fun relayed/1},
     {"requests to start services again do not gather", fun start_again/1}].

%% Everything a node answers for, asked by the honest peer.
served(#{node := Node}) ->
    Ask = fun(F) -> try F() catch _:_ -> failed end end,
    Checks = fun() ->
        pong =:= net_adm:ping(Node)
            andalso Node =:= Ask(fun() -> rpc:call(Node, erlang, node, [], 10000) end)
            andalso Node =:= Ask(fun() -> erpc:call(Node, erlang, node, [], 10000) end)
            andalso x =:= Ask(fun() -> gen_server:call({counter, Node}, {echo, x}, 10000) end)
            andalso x =:= Ask(fun() -> gen_server:call({echo, Node}, x, 10000) end)
    end,
    case hostile:until(Checks, 60000) of
        true -> ok;
        false -> {not_served, [{ping, net_adm:ping(Node)},
                               {rpc, rpc:call(Node, erlang, node, [], 10000)},
                               {registered, erpc:call(Node, erlang, registered, [])}]}
    end.

pid_of(#{node := Node}, Name) -> erpc:call(Node, erlang, whereis, [Name]).

%% Sends to each of the names what Fun(Name, PidOfPeer) gives, over a connection of its own.
to_all(C, Names, Fun) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    [send(Socket, ctl({6, pid(Peer), '', Name}, M)) || Name <- Names, M <- Fun(Name, Peer)],
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    served(C).

%% counter and echo may be ended by their owner's right, and come back; the intensity of their
%% supervisor is not what is tried here.
system_messages(C) ->
    to_all(C, ?OURS, fun(_, Peer) ->
        [{system, {pid(Peer), ref(Peer)}, R}
         || R <- [get_state, get_status, {debug, {trace, true}}, {replace_state, fun(S) -> S end},
                  {change_code, a, b, c}, {terminate, bye}, {terminate, normal}, what, 1 bsl 200]] ++
        [{system, x, get_state}, {system, {pid(Peer), x}, suspend},
         {system, {pid(Peer), ref(Peer)}, resume}]
    end).

forged_exits(C = #{node := Node}) ->
    Parents = [pid_of(C, flitch_services), pid_of(C, flitch_sup), pid_of(C, rex), self()],
    _ = Node,
    to_all(C, ?OURS, fun(_, Peer) ->
        [{'EXIT', P, R} || P <- [pid(Peer) | Parents], R <- [kill, shutdown, {a, b}]] ++
        [{'EXIT', x, y}, {'EXIT', 1}]
    end).

kill_by_signal(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    [send(Socket, [ctl({8, pid(Peer), P, R}), ctl({26, pid(Peer), P}, R), ctl({1, pid(Peer), P}),
                   ctl({3, pid(Peer), P, R}), ctl({24, pid(Peer), P}, R)])
     || N <- ?OURS, P <- [pid_of(C, N)], R <- [kill, shutdown, normal]],
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    served(C).

kill_by_call(C = #{node := Node}) ->
    [erpc:call(Node, erlang, exit, [pid_of(C, N), R]) || N <- ?OURS, R <- [shutdown, kill],
                                                        is_pid(pid_of(C, N))],
    served(C).

odd_calls(C) ->
    R = fun(Peer) -> ref(Peer) end,
    to_all(C, [echo, net_kernel, rex, user], fun(_, Peer) ->
        Tags = [x, [], [alias | R(Peer)], [[alias | R(Peer)] | R(Peer)], {R(Peer), Peer}, {},
                [alias, R(Peer)], [alias | x], [[alias | x] | y], 1 bsl 500, #{a => 1},
                R("third@127.0.0.1"), [alias | R("c1@127.0.0.1")], self(),
                lists:duplicate(50000, a), <<0:800000>>],
        [{'$gen_call', {P, T}, ask} || T <- Tags,
                                       P <- [pid(Peer), pid("gone@127.0.0.1"),
                                             pid("c1@127.0.0.1"), pid("c1@127.0.0.1", 1, 4)]] ++
        [{'$gen_call', P, ask} || P <- [x, {}, {pid(Peer)}, {pid(Peer), a, b}, {x, y}, []]] ++
        [{'$gen_call', {pid(Peer), T}} || T <- Tags] ++ [{'$gen_call'}, '$gen_call']
    end).

own_messages(C) ->
    to_all(C, ?OURS, fun(_, Peer) ->
        [{'$gen_cast', x}, {'$gen_cast', {bad, cast}}, {'$gen_call', {pid(Peer), ref(Peer)}, x},
         {'$gen_call', {pid(Peer), ref(Peer)}, {bad, call}}] ++
        [{'$flitch', stop}, {flitch, x}, {nodeup, x}, {nodedown, x}, {'DOWN', ref(Peer), process,
         pid(Peer), x}, {'DOWN', x, y, z, a}, {ref(Peer), x}, {ref("c1@127.0.0.1"), x},
         {fl, 1, leaving, #{}}, timeout, {timeout, ref(Peer), x}, <<>>, [], #{}]
    end).

io_requests(C) ->
    Deep = fun Deep(0) -> []; Deep(N) -> [Deep(N - 1)] end,
    Requests =
        [{put_chars, unicode, lists:duplicate(100000, $x)}, {put_chars, latin1, <<255, 254>>},
         {put_chars, unicode, <<255, 254>>}, {put_chars, unicode, [-1]},
         {put_chars, unicode, [16#110000]}, {put_chars, unicode, Deep(50000)},
         {put_chars, unicode, io_lib, format, ["~w~n", [x]]},
         {put_chars, unicode, io_lib, format, ["~999999999w", [x]]},
         {put_chars, unicode, io_lib, format, ["~*c", [999999999, $x]]},
         {put_chars, unicode, io_lib, format, ["~-999999999.999999999.*s", [$x, "a"]]},
         {put_chars, unicode, io_lib, format, ["~", []]},
         {put_chars, unicode, io_lib, format, ["~w", []]},
         {put_chars, unicode, io_lib, format, ["~99999999999999999999w", [x]]},
         {put_chars, unicode, io_lib, format, [lists:duplicate(50000, $~), []]},
         {put_chars, unicode, io_lib, format, ["~w", [1 bsl 100000]]},
         {put_chars, unicode, io_lib, format, ["~.36b~36.36.x~e~f~g", [1, 2, 3.0, 4.0, 5.0]]},
         {put_chars, unicode, io_lib, format, ["~p", [Deep(50000)]]},
         {put_chars, unicode, io_lib, format, x}, {put_chars, unicode, os, cmd, ["id"]},
         {put_chars, unicode, erlang, halt, []}, {requests, Deep(1000)},
         {requests, lists:duplicate(10000, getopts)}, {requests, [{requests, [{requests, x}]}]},
         {get_line, unicode, "> "}, {setopts, [binary]}, getopts, x, {}, 1 bsl 300],
    to_all(C, [user], fun(_, Peer) ->
        [{io_request, From, As, R} || R <- Requests,
                                      {From, As} <- [{pid(Peer), ref(Peer)}, {x, y},
                                                     {pid("gone@127.0.0.1"), 1}]]
    end).

log_events(C) ->
    to_all(C, [logger, logger_proxy], fun(_, Peer) ->
        [{log, L, F, A, M} || L <- [error, x, 1], F <- ["~p ~p", "~", x], A <- [[], [1, 2], x],
                              M <- [#{pid => pid(Peer)}, #{}, x]] ++
        [{log, error, R, M} || R <- [#{}, #{format => "~p", args => x}, x], M <- [#{}, x]] ++
        [{log}, {log, a}, {'$gen_call', {pid(Peer), ref(Peer)}, {add_handler, x}}]
    end).

%% Whatever text a peer brings into a line, it stays within that line.
log_forging(C = #{log := Log}) ->
    Mark = "forged" ++ integer_to_list(erlang:unique_integer([positive])),
    Text = "a\n" ++ Mark ++ " line\r\n" ++ Mark ++ "\e[2J" ++ [0, 127],
    ok = to_all(C, [echo, user, logger], fun(_, Peer) ->
        [list_to_binary(Text), list_to_atom(Text), Text, {'EXIT', pid(Peer), Text},
         {log, error, Text, [], #{}}, {log, error, #{x => list_to_binary(Text)}, #{}},
         {io_request, pid(Peer), 1, {put_chars, unicode, list_to_binary(Text)}}]
    end),
    {ok, Bytes} = file:read_file(Log),
    Lines = [L || L <- binary:split(Bytes, <<"\n">>, [global]), string:prefix(L, Mark) =/= nomatch],
    Escapes = binary:matches(Bytes, [<<27>>, <<0>>]),
    %% `user` and the logger write each line of a peer's text, after words of their own.
    hostile:same({[], []}, {Lines, Escapes}).

spawns(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    P = pid(Peer),
    MFAs = [{erlang, node, 0}, {erlang, halt, 0}, {os, cmd, 1}, {erpc, execute_call, 4},
            {erpc, execute_cast, 3}, {erpc, execute_call, 255}, {'', '', 0},
            {list_to_atom(lists:duplicate(255, $m)), f, 0}, {init, stop, 0}, {erlang, apply, 3}],
    Args = [[], [x], x, [ref(Peer), erlang, node, []], [erlang, node, []], "abc",
            [ref(Peer), erlang, exit, [kill]], [[[[]]]], lists:duplicate(255, 1),
            [ref(Peer), erpc, execute_call, [1, erpc, execute_call, [2, erlang, node, []]]]],
    [send(Socket, ctl({29, ref(Node), From, Leader, M, O}, A))
     || M <- MFAs, A <- Args, O <- [[], [link, monitor]],
        {Node, From, Leader} <- [{Peer, P, P}, {"third@127.0.0.1", pid("third@127.0.0.1"),
                                                pid("c1@127.0.0.1")}]],
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    served(C).

answers(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    Ours = [pid_of(C, N) || N <- ?OURS] ++ [pid("c1@127.0.0.1", 0, 0)],
    [send(Socket, [ctl({28, pid(Peer), O, ref("c1@127.0.0.1", I)}, x),
                   ctl({21, echo, O, ref(Peer), x}), ctl({36, I, pid(Peer), O}),
                   ctl({35, I, pid(Peer), O}), ctl({31, ref("c1@127.0.0.1", I), O, 3, pid(Peer)}),
                   ctl({31, ref("c1@127.0.0.1", I), O, 0, badopt}),
                   ctl({33, pid(Peer), ref("c1@127.0.0.1", I)}, {x, y}),
                   ctl({37, 4 + 16, pid(Peer), ref("c1@127.0.0.1", I)}, kill),
                   ctl({37, 8 + 16, pid(Peer), echo_not_here}, kill),
                   ctl({7, pid("nobody@127.0.0.1"), O})])
     || O <- Ours, I <- lists:seq(1, 200)],
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    served(C).

%% What a peer asks for reaches others by the node: it must be well-formed whatever it was. The
%% honest peer's own process gets what arrives; to a process of that name nothing may come at all.
relayed(C = #{node := Node}) ->
    Me = node(),
    Sink = spawn(fun() -> process_flag(trap_exit, true), sink() end),
    register(hostile_sink, Sink),
    Long = list_to_atom(lists:duplicate(255, 16#1f600)),
    Odd = [{'', Me}, {Long, Me}, {undefined, Me}, {nobody, Me}, {hostile_sink, Me}, {'', 'c1@127.0.0.1'},
           {rex, ''}, {'', ''}, '', pid(""), pid("", 0, 0), pid(atom_to_list(Me), 16#ffffffff, 1),
           pid(atom_to_list(Me), 0, 0), pid("noat"), pid("nonode@nohost", 1, 0), ref(""), make_ref(),
           ref(atom_to_list(Me)), Sink],
    Raw = [{raw, B} || B <- impossible(Me)],
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    Calls = [{M, F, A} || {M, F, A} <- [{gen_server, call, [x, 50]}, {gen_server, cast, [x]},
                                        {sys, get_state, [50]}, {erlang, send, [x]},
                                        {erlang, exit, [x]}, {erlang, process_info, [links]},
                                        {net_adm, ping, []}, {supervisor, which_children, []}]],
    [ask(Socket, Peer, M, F, [O | A]) || O <- Odd ++ Raw, {M, F, A} <- Calls],
    %% As a part of what is sent on.
    [ask(Socket, Peer, M, F, [{hostile_sink, Me}, {x, O}])
     || O <- Odd ++ Raw, {M, F} <- [{gen_server, cast}, {erlang, send}]],
    [ask(Socket, Peer, erlang, exit, [Sink, {x, O}]) || O <- Raw],
    %% As those who ask: answers go to the honest peer.
    [send(Socket, frame(header, [enc({6, pid(Peer), '', Name}), tuple([enc('$gen_call'),
                                 tuple([From, Tag]), enc({echo, x})])]))
     || Name <- [counter, echo, net_kernel, rex, user], From <- [enc(Sink) | impossible(Me)],
        Tag <- [enc(x)] ++ [[108, <<1:32>>, enc(alias), T] || T <- impossible(Me)]],
    ok = hostile_wire:served(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    [catch erpc:call(Node, M, F, [O | A], 100) || O <- Odd, {M, F, A} <- Calls],
    exit(Sink, kill),
    case lists:member(Node, nodes(connected)) of
        true -> served(C);
        false -> the_honest_peer_cut_the_node_off
    end.

sink() -> receive _ -> sink() end.

%% Identifiers that bear the node's name and are none that it can have made, as it would see at once.
impossible(Node) ->
    Ours = term_to_binary(self()),
    Creation = binary:part(Ours, byte_size(Ours), -4),
    Atom = enc(Node),
    [[88, Atom, <<16#10000000:32, 0:32>>, Creation], [88, Atom, <<-1:64>>, Creation],
     [90, <<0:16>>, Atom, Creation], [90, <<3:16>>, Atom, Creation, <<16#40000:32, 1:64>>],
     [90, <<5:16>>, Atom, Creation, <<-1:160>>], [120, Atom, <<-1:64>>, Creation]].

tuple(Parts) -> [104, length(Parts), Parts].

%% A cast to rex, whose arguments may be {raw, Bytes}.
ask(Socket, Peer, M, F, Args) ->
    Encoded = [108, <<(length(Args)):32>>, [encode(A) || A <- Args], 106],
    Cast = tuple([enc('$gen_cast'), tuple([enc(cast), enc(M), enc(F), Encoded, enc(pid(Peer))])]),
    send(Socket, frame(header, [enc({6, pid(Peer), '', rex}), Cast])).

encode({raw, Bytes}) -> Bytes;
encode({x, O}) -> tuple([enc(x), encode(O)]);
encode(Term) -> enc(Term).

%% What the keeper of the services tells itself must not be believed when others say it.
start_again(C = #{log := Log}) ->
    ok = to_all(C, [flitch_services], fun(_, _) -> [{again, I rem 5} || I <- lists:seq(1, 2000)] end),
    timer:sleep(1500),
    {ok, Before} = file:read_file(Log),
    timer:sleep(1500),
    {ok, After} = file:read_file(Log),
    Lines = length(binary:matches(After, <<"started again">>)) -
            length(binary:matches(Before, <<"started again">>)),
    case Lines < 20 of
        true -> served(C);
        false -> {lines_in_1500_ms, Lines}
    end.
