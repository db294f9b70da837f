%% SPDX-License-Identifier: Apache-2.0
%% What nobody's scope of process groups says, to the scope of the node: from a real node, and from a
%% visible peer that plays a scope. Groups stay what they were, and what came is counted.
-module(hostile_groups).
-export([cases/0, slowest_ms/1]).
-import(hostile_wire, [connect/2, send/2, ctl/2, pid/3, name/0]).

-define(SCOPE_ID, 9).
-define(CREATION, 17). % of hostile_wire's peers

%% Messages of a megabyte are read while the honest peer calls.
slowest_ms(_) -> 1500.

cases() ->
    [{"any terms, from a real node", fun any_terms/1},
     {"nearly right messages of a peer", fun nearly_right/1},
     {"members of other nodes and lives", fun foreigners/1},
     {"words of a stranger", fun stranger/1},
     {"scopes by the thousand of one node", fun many_scopes/1},
     {"10000 groups, said, taken back and said again", fun large_syncs/1},
     {"a list of 40000 members, and as many leaves", fun long_lists/1},
     {"100000 joins are gone with their peer", fun joins/1}].

%% ---- the node's side --------------------------------------------------------------------------

state(#{node := Node}) ->
    case sys:get_state({pg, Node}, 20000) of
        {ok, State} -> State; % before OTP 26.1
        State -> State
    end.

%% Counters that grew, by how much; `changed` when there is another group, member or peer.
difference(Before, After) ->
    Books = [groups, members, local, peers, watches],
    case maps:with(Books, Before) =:= maps:with(Books, After) of
        true ->
            maps:from_list([{K, maps:get(K, After) - maps:get(K, Before)}
                            || K <- [refused, unknown, foreign, missing],
                               maps:get(K, After) =/= maps:get(K, Before)]);
        false -> {changed, Before, After}
    end.

%% ---- a peer that plays a scope ----------------------------------------------------------------

%% Says all of it, waits until it has been taken, looks, and goes. How the books are meanwhile and
%% afterwards: {Meanwhile, Afterwards}.
peer(C, Make) ->
    Peer = name(),
    Socket = connect(C, Peer),
    Reader = hostile_wire:drain(Socket),
    Before = state(C),
    [send(Socket, say(Peer, Message)) || Message <- Make(Peer)],
    ok = hostile_wire:served(Socket, Peer, Reader),
    Meanwhile = state(C),
    gen_tcp:close(Socket),
    Books = fun(S) -> maps:with([groups, members, peers], S) end,
    Gone = fun() -> Books(state(C)) =:= Books(Before) end,
    {Before, Meanwhile, hostile:until(Gone, 20000)}.

say(Peer, {cast, Message}) -> say(Peer, {'$gen_cast', Message});
say(Peer, Message) -> ctl({6, scope(Peer), '', pg}, Message).

scope(Peer) -> pid(Peer, ?SCOPE_ID, ?CREATION).
member(Peer, N) -> pid(Peer, 100 + N, ?CREATION).

%% ---- cases ------------------------------------------------------------------------------------

%% {Ref, _} is an answer that comes too late: those are dropped before they are looked at.
any_terms(C = #{node := Node}) ->
    Before = state(C),
    Pids = [self(), whereis(init) | erpc:call(Node, erlang, processes, [])],
    Terms = [T || _ <- lists:seq(1, 3000), T <- [hostile_natives:term(Pids, 3)], not is_answer(T)],
    [{pg, Node} ! T || T <- Terms],
    [gen_server:cast({pg, Node}, T) || T <- Terms],
    Calls = [T || T <- lists:sublist(Terms, 300)],
    [{error, notsup} = gen_server:call({pg, Node}, {odd, T}, 20000) || T <- Calls],
    hostile:same(#{refused => 2 * length(Terms) + length(Calls)}, difference(Before, state(C))).

is_answer({Ref, _}) -> is_reference(Ref);
is_answer(_) -> false.

nearly_right(C) ->
    Wrong = fun(Peer) ->
        P = scope(Peer),
        M = member(Peer, 1),
        [{cast, {sync, P, [{g, [M]}, {g, M}]}}, {cast, {sync, P, [{g, [M]} | M]}},
         {cast, {sync, P, [[g, [M]]]}}, {cast, {sync, P, [{g, [M], []}]}}, {cast, {sync, P, #{g => [M]}}},
         {cast, {sync, P, "groups"}}, {cast, {sync, P}}, {cast, {local_data, P, 1, [{g, [M]}]}},
         {cast, {local_data, P, 1, #{g => M}}}, {cast, {local_data, P, #{}}}, {cast, {join, P, g, M}},
         {sync, P, []}, {join, P, g, [M | M]}, {join, P, g, [M, g]}, {join, Peer, g, M},
         {join, P, binary:copy(<<"g">>, 900000), [g]}, {leave, P, M, g}, {leave, P, M, [g | g]},
         {leave, P, "abc", [g]}, {update, P, [{g, [M], M}]}, {update, P, [{g, [M]}]},
         {update, P, #{}}, {discover, g}, {discover, P, 1, 1}, {'DOWN', 1, process, P, x}]
    end,
    {Before, After, true} = peer(C, fun(Peer) -> [{discover, scope(Peer)} | Wrong(Peer)] end),
    #{peers := One, groups := Groups, members := Members} = Before,
    Peers = One + 1,
    #{peers := Peers, groups := Groups, members := Members} = After,
    hostile:same(length(Wrong("x@h")), maps:get(refused, After) - maps:get(refused, Before)).

foreigners(C = #{node := Node}) ->
    {Before, After, true} = peer(C, fun(Peer) ->
        P = scope(Peer),
        Others = [self(), pid(Peer, 5, ?CREATION + 1), pid("gone@127.0.0.1", 5, 1),
                  rpc:call(Node, erlang, whereis, [echo])],
        [{discover, P}, {join, P, g, Others}, {join, P, g, hd(Others)}, {cast, {sync, P, [{g, Others}]}},
         {update, P, [{g, Others, []}]}, {leave, P, Others, [g]}]
    end),
    0 = maps:get(members, After) - maps:get(members, Before),
    hostile:same(4 + 1 + 4 + 4 + 4, maps:get(foreign, After) - maps:get(foreign, Before)).

stranger(C) ->
    {Before, After, true} = peer(C, fun(Peer) ->
        P = scope(Peer),
        M = member(Peer, 1),
        Nobody = pid("gone@127.0.0.1", 5, 1),
        [{join, P, g, M}, {leave, P, M, [g]}, {update, P, [{g, [M], []}]}, {discover, Nobody},
         {discover, pid(Peer, ?SCOPE_ID, ?CREATION + 1)}, {cast, {sync, Nobody, [{g, [Nobody]}]}}]
    end),
    %% Two speak for another node than the connection's.
    hostile:same(#{unknown => 4, refused => 2}, difference(Before, After)).

many_scopes(C) ->
    {#{peers := Before}, #{peers := After}, true} = peer(C, fun(Peer) ->
        [M || I <- lists:seq(1, 5000), P <- [pid(Peer, I, ?CREATION)],
              M <- [{discover, P}, {cast, {sync, P, [{g, [P]}]}}]]
    end),
    hostile:same(4, After - Before).

large_syncs(C) ->
    Count = 10000,
    {#{members := Before}, #{members := After}, true} = peer(C, fun(Peer) ->
        Sync = fun(M, Groups) -> {cast, {sync, scope(Peer), [{G, [M]} || G <- Groups]}} end,
        All = lists:seq(1, Count),
        [{discover, scope(Peer)}, Sync(member(Peer, 1), All), Sync(member(Peer, 1), []),
         Sync(member(Peer, 1), All), Sync(member(Peer, 2), lists:reverse(All)),
         Sync(member(Peer, 3), All ++ All)]
    end),
    hostile:same(Count, After - Before).

long_lists(C) ->
    Count = 20000,
    {#{members := Before, missing := Missing}, #{members := After, missing := More}, true} =
        peer(C, fun(Peer) ->
            P = scope(Peer),
            Members = [member(Peer, N) || N <- lists:seq(1, Count)],
            [{discover, P}, {join, P, g, Members}, {join, P, g, lists:reverse(Members)},
             {leave, P, Members, [g, h]}, {leave, P, Members ++ [member(Peer, 0)], [g]},
             {leave, P, Members, [g]}, {join, P, h, Members}]
        end),
    hostile:same({Count, 2 * Count + 1}, {After - Before, More - Missing}).

joins(C) ->
    Count = 100000,
    {#{members := Before}, #{members := After}, true} = peer(C, fun(Peer) ->
        [{discover, scope(Peer)} | [{join, scope(Peer), {g, N}, member(Peer, 1)} || N <- lists:seq(1, Count)]]
    end),
    hostile:same(Count, After - Before).
