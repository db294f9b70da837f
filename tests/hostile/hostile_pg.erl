%% SPDX-License-Identifier: Apache-2.0
%% Much of everything for the scope `pg`. Whatever a peer fills or burdens, the scope stays the same
%% process, honest calls are served meanwhile, and memory has an end.
-module(hostile_pg).
-export([cases/0, slowest_ms/1]).
-import(hostile_wire, [connect/2, send/2, ctl/2, pid/1, pid/3, ref/2, name/0, pour/3]).

slowest_ms(_) -> 5000.

cases() ->
    [{"groups that a careless hash takes for one", fun colliding_groups/1},
     {"groups with names of 900 KB", fun large_names/1},
     {"watches of groups with names of 900 KB", fun large_watches/1},
     {"watches of the whole scope by the 100000", fun many_watches/1},
     {"thousands of pids that leave thousands of groups in one message", fun leave_product/1},
     {"discovers without end", fun discovers/1},
     {"discovers, joins and leaves in the name of another peer", fun forged_discovers/1},
     {"a process that is in two groups thousands of times", fun leave_local/1},
     {"the groups of before are gone with their node", fun clean/1}].

server(#{node := Node}) -> erpc:call(Node, erlang, whereis, [pg], 20000).

attack(C, Count, Make) ->
    attack(C, Count, Make, fun() -> ok end).

attack(C, Count, Make, Look) ->
    Server = server(C),
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    send(Socket, info(Peer, {discover, pid(Peer)})),
    pour(Socket, fun(I) -> Make(Peer, I) end, Count),
    Taken = taken(Socket, Peer, Reader),
    Looked = Look(),
    gen_tcp:close(Socket),
    case {Taken, Looked, server(C)} of
        {ok, ok, Server} -> ok;
        Other -> {server, Server, became, Other}
    end.

%% All that was said to the scope before is done.
taken(Socket, Peer, Reader = {Pid, Marker}) ->
    ok = hostile_wire:served(Socket, Peer, Reader),
    send(Socket, ctl({6, pid(Peer), '', pg},
                     {'$gen_call', {pid(Peer), Marker}, {leave_local, none, []}})),
    receive
        {Pid, served} -> ok;
        {Pid, Why} -> {connection_ended, Why}
    after 40000 -> the_scope_is_stuck
    end.

call(Peer, I, Request) ->
    ctl({6, pid(Peer), '', pg}, {'$gen_call', {pid(Peer), ref(Peer, I)}, Request}).
info(Peer, Message) -> ctl({6, pid(Peer), '', pg}, Message).

colliding_groups(C) ->
    Of = fun(Peer, I) ->
        N = I div 4,
        case I rem 4 of
            0 -> {#{}, pid(Peer, 1, N + 1)};
            1 -> pid(Peer, 1, N + 1);
            2 -> #{a => ref(Peer, 1), b => pid("n" ++ integer_to_list(N), 1, 1)};
            3 -> ref("r" ++ integer_to_list(N), 1)
        end
    end,
    attack(C, 60000, fun(Peer, I) -> info(Peer, {join, pid(Peer), Of(Peer, I), pid(Peer)}) end).

os_bytes(#{os_pid := Pid}) ->
    {ok, Bytes} = file:read_file("/proc/" ++ Pid ++ "/statm"),
    [_, Resident | _] = string:lexemes(binary_to_list(Bytes), " "),
    list_to_integer(Resident) * 4096.

-define(LARGE, 900000).

%% More than the scope has room for: it grows to its limit and no further.
grows(C, Make) ->
    Before = os_bytes(C),
    Name = binary:copy(<<"n">>, ?LARGE),
    Limit = case C of #{san := ""} -> 450; _ -> 1800 end,
    Look = fun() ->
        case (os_bytes(C) - Before) div (1 bsl 20) of
            Grown when Grown < Limit -> ok;
            Grown -> {grown_by_mb, Grown}
        end
    end,
    attack(C, 700, fun(Peer, I) -> Make(Peer, I, <<I:32, Name/binary>>) end, Look).

large_names(C) ->
    grows(C, fun(Peer, _, Name) -> info(Peer, {join, pid(Peer), Name, pid(Peer)}) end).

large_watches(C) ->
    grows(C, fun(Peer, I, Name) -> call(Peer, I, {monitor, Name}) end).

%% Each change is told to all of them while the others wait.
many_watches(C = #{node := Node}) ->
    Echo = erpc:call(Node, erlang, whereis, [echo]),
    Join = fun() ->
        [ok = erpc:call(Node, pg, F, [watched, Echo], 20000)
         || _ <- lists:seq(1, 20), F <- [join, leave]],
        ok
    end,
    attack(C, 100000, fun(Peer, I) -> call(Peer, I, monitor) end, Join).

leave_product(C) ->
    attack(C, 4, fun(Peer, _) ->
        Pids = lists:duplicate(10000, pid(Peer)),
        info(Peer, {leave, pid(Peer), Pids, lists:seq(1, 100000)}) end).

discovers(C) ->
    attack(C, 100000, fun(Peer, _) -> info(Peer, {discover, pid(Peer)}) end).

%% The answers go to another peer, which reads nothing: it must not lose its connection for that.
%% A scope has an answer for every discover; here for 5,000 members. Only who asks can be asked for.
forged_discovers(C = #{node := Node}) ->
    Echo = erpc:call(Node, erlang, whereis, [echo]),
    ok = erpc:call(Node, pg, join, [many, lists:duplicate(5000, Echo)], 20000),
    Victim = name(),
    Other = connect(C, Victim),
    Member = pid(Victim, 9, 17),
    send(Other, [info(Victim, {discover, pid(Victim)}), info(Victim, {join, pid(Victim), mine, Member})]),
    Joined = hostile:until(fun() -> members(Node, mine) =:= [Member] end, 20000),
    Result = attack(C, 3000, fun(_, _) -> [info(Victim, {discover, pid(Victim)}),
                                           info(Victim, {leave, pid(Victim), Member, [mine]}),
                                           info(Victim, {join, pid(Victim), mine, pid(Victim, 8, 17)})] end),
    Left = members(Node, mine),
    Nodes = erpc:call(Node, erlang, nodes, [connected], 20000),
    gen_tcp:close(Other),
    ok = erpc:call(Node, pg, leave, [many, lists:duplicate(5000, Echo)], 20000),
    case {Joined, Left, lists:member(list_to_atom(Victim), Nodes)} of
        {true, [Member], true} -> Result;
        Else -> {joined, members_and_connected, Else}
    end.

members(Node, Group) -> erpc:call(Node, pg, get_members, [Group], 20000).

leave_local(#{node := Node}) ->
    Echo = erpc:call(Node, erlang, whereis, [echo]),
    Many = lists:duplicate(25000, Echo),
    [ok = erpc:call(Node, pg, F, [G, Many], 50000)
     || {F, G} <- [{join, first}, {join, second}, {leave, first}, {leave, second}]],
    ok.

%% Members of nodes that are there may have been made by others.
clean(#{node := Node}) ->
    Call = fun(F, A) -> erpc:call(Node, pg, F, A, 60000) end,
    Left = fun() ->
        Near = [Node | erpc:call(Node, erlang, nodes, [connected], 60000)],
        [G || G <- Call(which_groups, []), P <- Call(get_members, [G]),
              not lists:member(node(P), Near)]
    end,
    case hostile:until(fun() -> Left() =:= [] end, 60000) of
        true -> ok;
        false -> {left, lists:sublist(Left(), 10)}
    end.
