%% SPDX-License-Identifier: Apache-2.0
%% A member of the cluster that says to global_name_server what no global says. Whatever it fills or
%% burdens, the name server stays the same process, and honest calls are served meanwhile.
-module(hostile_global).
-export([cases/0, slowest_ms/1, server/1, locker/1]).
-import(hostile_wire, [connect/1, connect/2, send/2, ctl/2, pid/1, pid/3, ref/2, name/0, pour/3]).

slowest_ms(_) -> 1500.

cases() ->
    [{"names that a careless hash takes for one", fun colliding_names/1},
     {"holders that a careless hash takes for one", fun colliding_pids/1},
     {"locks by the 65536", fun many_locks/1},
     {"one lock that thousands hold", fun many_holders/1},
     {"findings with as many external names", fun external_names/1},
     {"nodes that are announced and never come", fun never_come/1},
     {"a sync with hundred thousand nodes that are none", fun long_sync/1},
     {"new nodes by the thousand", fun many_new_nodes/1},
     {"names of 60 KB without end", fun large_names/1},
     {"pids of nowhere that hold names and locks", fun odd_pids/1},
     {"shapes that nobody sends", fun odd_shapes/1},
     {"locks, names and farewells in the name of another node", fun borrowed_names/1},
     {"reports of lost links without end", fun lost_links/1},
     {"the names of before are gone with their processes", fun clean/1}].

server(#{node := Node}) -> erpc:call(Node, erlang, whereis, [global_name_server], 60000).

%% Pours Count of what Make(Peer, I) says, has it all taken, and looks whether the server is the same.
attack(C, Count, Make) ->
    Server = server(C),
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    lock(C, Socket, Peer),
    pour(Socket, fun(I) -> Make(Peer, I) end, Count),
    Taken = taken(Socket, Peer, Reader),
    gen_tcp:close(Socket),
    case {Taken, server(C)} of
        {ok, Server} -> ok;
        Other -> {server, Server, became, Other}
    end.

%% Names are taken of who holds the lock, and that is given to who meets the node's locker.
lock(C, Socket, Peer) ->
    send(Socket, call(Peer, 0, {set_lock, {global, [locker(C)]}})).

locker(#{node := Node}) ->
    Call = fun(F, Args) -> erpc:call(Node, erlang, F, Args, 20000) end,
    Initial = fun(Pid) ->
        case Call(process_info, [Pid, dictionary]) of
            {dictionary, All} -> proplists:get_value('$initial_call', All);
            undefined -> ended % who answers this is in the list, too
        end
    end,
    [Locker] = [Pid || Pid <- Call(processes, []), {global_locker, init, 1} =:= Initial(Pid)],
    Locker.

%% All that was said to the name server before is done.
taken(Socket, Peer, Reader = {Pid, Marker}) ->
    send(Socket, call(Peer, 0, {whereis_marker, Marker})),
    ok = hostile_wire:served(Socket, Peer, Reader),
    send(Socket, info(Peer, {whereis, Marker, {pid(Peer), Marker}})),
    receive
        {Pid, served} -> ok;
        {Pid, Why} -> {connection_ended, Why}
    after 120000 -> the_name_server_is_stuck
    end.

call(Peer, I, Request) ->
    ctl({6, pid(Peer), '', global_name_server}, {'$gen_call', {pid(Peer), ref(Peer, I)}, Request}).
cast(Peer, Message) -> info(Peer, {'$gen_cast', Message}).
info(Peer, Message) -> ctl({6, pid(Peer), '', global_name_server}, Message).

method() -> fun global:random_exit_name/3.

register(Peer, I, Name) -> register(Peer, I, Name, pid(Peer)).
register(Peer, I, Name, Pid) -> call(Peer, I, {register, Name, Pid, method()}).

colliding_names(C) ->
    Of = fun(Peer, I) ->
        N = I div 6,
        case I rem 6 of
            0 -> N * 1.0;
            1 -> {#{}, N};
            2 -> (1 bsl 100) + N;
            3 -> pid(Peer, 1, N + 1);
            4 -> #{a => N};
            5 -> ref("r" ++ integer_to_list(N), 1)
        end
    end,
    attack(C, 60000, fun(Peer, I) -> register(Peer, I, Of(Peer, I)) end).

colliding_pids(C) ->
    attack(C, 40000, fun(Peer, I) ->
        register(Peer, I, {held, I}, pid(Peer, (1 bsl 26) - 31 * I, I)) end).

many_locks(C) ->
    attack(C, 80000, fun(Peer, I) -> call(Peer, I, {set_lock, {{lock, I}, Peer}}) end).

many_holders(C) ->
    attack(C, 80000, fun(Peer, I) ->
        ctl({6, pid(Peer), '', global_name_server},
            {'$gen_call', {pid(Peer, I, 17), ref(Peer, I)}, {set_lock, {one, for_all}}}) end).

external_names(C) ->
    attack(C, 4, fun(Peer, _) ->
        P = pid(Peer),
        Numbers = lists:seq(1, 6000),
        cast(Peer, {new_nodes, list_to_atom(Peer), [{insert, {N, P, x}} || N <- Numbers],
                    [{-N, P, x} || N <- Numbers], [], []}) end).

init(Node) ->
    {init_connect, {8, 1}, list_to_atom(Node), {locker, no_longer_a_pid, [], pid(Node)}}.

%% A node that comes afterwards is met all the same.
never_come(C) ->
    Of = fun(_, I) -> "never" ++ integer_to_list(I) ++ "@127.0.0.1" end,
    case attack(C, 5000, fun(Peer, I) -> cast(Peer, init(Of(Peer, I))) end) of
        ok -> is_met(C);
        Other -> Other
    end.

is_met(C) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Met = hears(Socket, <<"init_connect">>),
    gen_tcp:close(Socket),
    Met.

hears(Socket, Text) ->
    case hostile_wire:recv_frame(Socket, 60000) of
        {ok, Frame} ->
            case binary:match(Frame, Text) of
                nomatch -> hears(Socket, Text);
                _ -> ok
            end;
        Other -> {never_heard, Text, Other}
    end.

numbered(Prefix, Count) ->
    [list_to_atom(Prefix ++ integer_to_list(I)) || I <- lists:seq(1, Count)].

long_sync(C) ->
    Nodes = numbered("s", 80000),
    attack(C, 20, fun(Peer, I) -> call(Peer, I, {sync, Nodes}) end).

many_new_nodes(C) ->
    Few = [{list_to_atom("nn" ++ integer_to_list(I) ++ "@127.0.0.1"), 8} || I <- lists:seq(1, 1000)],
    Nodes = [{N, 8} || N <- numbered("nn", 20000)],
    Say = fun(List) ->
        fun(Peer, _) -> cast(Peer, {new_nodes, list_to_atom(Peer), [], [], List, []}) end
    end,
    Again = fun() -> attack(C, 1, Say(Nodes)) end,
    case hostile:logged(C, ["global: a message of", "4096 nodes"], Again) of
        ok -> attack(C, 5, Say(Few));
        Other -> Other
    end.

os_bytes(#{os_pid := Pid}) ->
    {ok, Bytes} = file:read_file("/proc/" ++ Pid ++ "/statm"),
    [_, Resident | _] = string:lexemes(binary_to_list(Bytes), " "),
    list_to_integer(Resident) * 4096.

%% What is beyond the limit is not kept; a node that comes is told what there is.
large_names(C) ->
    Before = os_bytes(C),
    Name = binary:copy(<<"n">>, 60000),
    Server = server(C),
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    lock(C, Socket, Peer),
    pour(Socket, fun(I) -> register(Peer, I, [I | Name]) end, 6000),
    Taken = taken(Socket, Peer, Reader),
    Grown = (os_bytes(C) - Before) div (1 bsl 20),
    Met = is_met(C),
    Again = fun() -> send(Socket, register(Peer, 0, [0 | Name])) end,
    Warned = hostile:logged(C, ["global: a name for a process of " ++ Peer, "limits"], Again),
    gen_tcp:close(Socket),
    Limit = case C of #{san := ""} -> 400; _ -> 1600 end,
    case {Taken, Met, Warned, server(C)} of
        {ok, ok, ok, Server} when Grown < Limit -> ok;
        Other -> {grown_by_mb, Grown, Server, became, Other}
    end.

odd_pids(C) ->
    Names = ["", "nohost", "@", "a@", "@b", "c1@127.0.0.1", "nonode@nohost",
             lists:duplicate(255, $a), lists:duplicate(250, $a) ++ "@h"],
    attack(C, 200, fun(Peer, I) ->
        Pid = pid(lists:nth(I rem length(Names) + 1, Names), I, I rem 4),
        [register(Peer, I, {odd, I}, Pid),
         call(Peer, I, {register_ext, {ext, I}, Pid, method(), node(Pid)}),
         ctl({6, pid(Peer), '', global_name_server},
             {'$gen_call', {Pid, ref(Peer, I)}, {set_lock, {{odd, I}, x}}}),
         cast(Peer, {init_connect, {8, 1}, node(Pid), {locker, x, [], Pid}}),
         cast(Peer, {in_sync, node(Pid), true}),
         info(Peer, {whereis, {odd, I}, {Pid, x}}),
         info(Peer, {lost_connection, node(Pid), x, I, node(Pid)}),
         cast(Peer, {new_nodes, node(Pid), [{insert, {{new, I}, Pid, x}}], [{{new, I}, Pid, ''}],
                     [node(Pid), {node(Pid), I}], [{vsn, 8}, {lock, {global, Pid}}]})] end).

%% Who said in_sync and asks to be left is left: remove_connection is for odd nodes alone.
odd_shapes(C) ->
    Odd = [[], x, [a | b], [[] | 1], #{}, {}, -1, 1 bsl 80, 1.5, <<>>, <<1:3>>, "text",
           [{insert, x}, {delete}, {insert, {a, b, c}}, {insert, {a, b}} | tail]],
    Heads = [{init_connect, 4}, {init_connect_ack, 4}, {cancel_connect, 3}, {lock_set, 4},
             {lock_set, 5}, {exchange, 5}, {exchange_ops, 5}, {resolved, 7}, {new_nodes, 6},
             {in_sync, 3}, {async_del_name, 3}, {async_del_lock, 3}, {lost_connection, 5},
             {whereis, 3}, {set_lock, 2}, {del_lock, 2}, {register, 4},
             {register_ext, 5}, {unregister, 2}, {sync, 2}, {registrar, 2}, {nodeup, 3},
             {nodedown, 3}, {'DOWN', 5}, {'EXIT', 3}, {prepare_shutdown, 3}, {delete_external, 4}],
    attack(C, 400, fun(Peer, _) ->
        [info(Peer, {remove_connection, O}) || O <- Odd] ++
        [begin
             Message = list_to_tuple([Head | [pick(Peer, Odd) || _ <- lists:seq(2, Arity)]]),
             [info(Peer, Message), cast(Peer, Message), call(Peer, 1, Message)]
         end || {Head, Arity} <- Heads] end).

pick(Peer, Odd) ->
    case rand:uniform(4) of
        1 -> list_to_atom(Peer);
        2 -> pid(Peer);
        3 -> rand:uniform(9);
        4 -> lists:nth(rand:uniform(length(Odd)), Odd)
    end.

%% The other is the honest one that runs this.
borrowed_names(C = #{node := Node}) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    Ask = fun(I, Request) ->
        ctl({6, pid(Peer), '', global_name_server}, {'$gen_call', {self(), ref(Peer, I)}, Request})
    end,
    Say = fun() ->
        send(Socket, [Ask(1, {set_lock, {borrowed, x}}), Ask(2, {set_lock, {global, [locker(C)]}}),
                      Ask(3, {register, borrowed, self(), method()}),
                      info(Peer, {remove_connection, node()}),
                      cast(Peer, {in_sync, node(), true}),
                      cast(Peer, {lock_set, self(), true, []}),
                      info(Peer, {cancel_connect, node(), 1}),
                      cast(Peer, {new_nodes, node(), [{insert, {borrowed, pid(Peer), x}}], [], [], []})])
    end,
    Said = hostile:logged(C, [Peer, "in the name of another node"], Say),
    Taken = taken(Socket, Peer, Reader),
    Got = {erpc:call(Node, global, set_lock, [{borrowed, y}, [Node], 0], 20000),
           erpc:call(Node, global, whereis_name, [borrowed], 20000),
           lists:member(node(), erpc:call(Node, erlang, nodes, [connected], 20000))},
    erpc:call(Node, global, del_lock, [{borrowed, y}, [Node]], 20000),
    gen_tcp:close(Socket),
    case {Said, Taken, Got} of
        {ok, ok, {true, undefined, true}} -> ok;
        Other -> Other
    end.

lost_links(C) ->
    attack(C, 60000, fun(Peer, I) ->
        A = list_to_atom("lost" ++ integer_to_list(I rem 200)),
        B = list_to_atom("lost" ++ integer_to_list(I div 200)),
        info(Peer, {lost_connection, A, I, I, B}) end).

%% Names of processes that live were given by other suites.
clean(#{node := Node}) ->
    Call = fun(F, A) -> erpc:call(Node, global, F, A, 60000) end,
    Lives = fun(Pid) -> is_pid(Pid) andalso lists:member(node(Pid), [Node | nodes(connected)]) end,
    Left = fun() -> [N || N <- Call(registered_names, []), not Lives(Call(whereis_name, [N]))] end,
    case hostile:until(fun() -> Left() =:= [] end, 60000) of
        true -> ok;
        false -> {left, lists:sublist(Left(), 10)}
    end.
