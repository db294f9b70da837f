%% SPDX-License-Identifier: Apache-2.0
%% Records what real OTP nodes say to each other.
%%
%%   recorder:main(PEERS_SH, DIR, NAME, RELEASES)     RELEASES: "27 27 27", for a, b, c
%%
%% This VM is the nodes' epmd: every port that it gives out is its own, so each connection passes
%% through it. Bytes are noted before they are passed on, so the order of the notes is one in which
%% things can have happened. What the scenario has a node do goes by a hidden connection, which
%% nobody counts and which is not noted.
%%
%% A recording is a header of text lines, an empty line, and notes:
%%   milliseconds:32 kind:8 connection:8 size:32 bytes
%%   kind  A  what a node is told: "a register n p1 random_exit_name"
%%         O  a connection: "a b", the first one dialled
%%         D  bytes of who dialled; B  bytes of the other one
%%         C  it ends: D or B has closed it, X the scenario
-module(recorder).
-export([main/4, actor/0]).

-define(COOKIE, "recorded").
-define(CTL, "ctl").

main(Peers, Dir, Name, Releases) ->
    process_flag(trap_exit, true),
    register(recorder, self()),
    {ok, [[Given]]} = init:get_argument(epmd_port),
    Port = list_to_integer(Given),
    Epmd = listen(Port),
    ets:new(ports, [named_table, public]),
    ets:new(marks, [named_table, public]),
    ets:insert(marks, [{start, now_ms()}, {last, now_ms()}, {conns, 0}]),
    spawn_link(fun() -> accept_epmd(Epmd) end),
    Book = spawn_link(fun() -> book([]) end),
    register(book, Book),
    {ok, _} = net_kernel:start(['ctl@127.0.0.1', longnames]),
    erlang:set_cookie(node(), list_to_atom(?COOKIE)),
    Nodes = lists:zip(["a", "b", "c"], string:tokens(Releases, " ")),
    Used = lists:sublist(Nodes, count(Name)),
    [start(Peers, Port, Node, has_pg(Name)) || Node <- Used],
    scenario(Name),
    quiet(1500),
    Book ! {write, self(), Dir, Name, Used},
    receive written -> ok end,
    logger:set_primary_config(level, none),
    [rpc:cast(full(N), erlang, halt, []) || {N, _} <- Used],
    timer:sleep(300),
    halt(0).

now_ms() -> erlang:monotonic_time(millisecond).
full(N) -> list_to_atom(N ++ "@127.0.0.1").

%% ---- nodes ---------------------------------------------------------------------------------------

%% The scope that kernel starts crashes before 26 when one of 29 discovers it, again after each restart,
%% and the node goes with it.
has_pg("mixed") -> "false";
has_pg(_) -> "true".

start(Peers, Port, {Name, Release}, HasPg) ->
    Args = ["run", Release, "erl", "-noshell", "-name", Name ++ "@127.0.0.1", "-setcookie", ?COOKIE,
            "-start_epmd", "false", "-kernel", "start_pg", HasPg],
    open_port({spawn_executable, Peers},
              [{args, Args}, {env, [{"ERL_EPMD_PORT", integer_to_list(Port)}]}, stderr_to_stdout]),
    await(full(Name), 200).

await(Node, 0) -> exit({not_up, Node});
await(Node, N) ->
    case net_kernel:connect_node(Node) andalso rpc:call(Node, erlang, whereis, [rex]) of
        Pid when is_pid(Pid) ->
            %% No release loads what any other one has compiled.
            {ok, _, Code} = rpc:call(Node, compile, file, [source(), [binary]]),
            {module, _} = rpc:call(Node, code, load_binary, [?MODULE, "recorder", Code]);
        _ -> timer:sleep(50), await(Node, N - 1)
    end.

source() -> proplists:get_value(source, ?MODULE:module_info(compile)).

quiet(Ms) ->
    [{_, Last}] = ets:lookup(marks, last),
    case Last + Ms - now_ms() of
        Left when Left > 0 -> timer:sleep(Left), quiet(Ms);
        _ -> ok
    end.

%% ---- the scenarios -------------------------------------------------------------------------------

count("connect") -> 2;
count("names") -> 2;
count("conflict") -> 2;
count("locks") -> 2;
count("groups") -> 2;
count(_) -> 3.

scenario("connect") ->
    act("b connect a"), settle(),
    act("b ping a"), act("a erpc_nodes b"), settle(),
    act("a disconnect b"), settle();
scenario("names") ->
    act("a connect b"), settle(),
    act("a spawn p1"), act("b spawn p2"), act("b spawn p3"),
    act("a register one p1 random_exit_name"), settle(),
    act("b register two p2 random_notify_name"), settle(),
    act("b register one p3 random_exit_name"), settle(),
    act("b reregister one p3 notify_all_name"), settle(),
    act("a unregister two"), settle(),
    act("b kill p3"), settle();
scenario("conflict") ->
    [act(N ++ " spawn " ++ P) || {N, P} <- [{"a", "p1"}, {"a", "p2"}, {"a", "p3"}, {"a", "p4"},
                                           {"b", "q1"}, {"b", "q2"}, {"b", "q3"}, {"b", "q4"}]],
    [act("a register " ++ C ++ " p" ++ I ++ " " ++ M) || {C, I, M} <- clashes()],
    [act("b register " ++ C ++ " q" ++ I ++ " " ++ M) || {C, I, M} <- clashes()],
    settle(), act("b connect a"), settle(), act("a kill p2"), settle();
scenario("locks") ->
    act("b connect a"), settle(),
    act("a spawn p1"), act("b spawn p2"),
    act("a lock r one p1"), settle(), act("b lock r two p2"), settle(),
    act("a unlock r one p1"), settle(), act("b lock r two p2"), settle(),
    act("b kill p2"), settle();
scenario("third") ->
    act("a spawn p1"), act("c spawn p3"),
    act("a register one p1 random_exit_name"), act("c register three p3 random_notify_name"),
    act("a connect b"), settle(), act("c connect b"), settle(), settle();
scenario("groups") ->
    act("a spawn p1"), act("b spawn p2"), act("a join g p1"), act("b join g p2"),
    act("b connect a"), settle(),
    act("a join g p1"), act("a join h p1"), settle(),
    act("b join h p2"), settle(), act("b leave h p2"), settle(),
    act("a leave g p1"), settle(), act("a kill p1"), settle();
scenario("lost") ->
    act("a spawn p1"), act("a connect b"), settle(), act("c connect b"), settle(), settle(),
    act("a register one p1 random_exit_name"), settle(),
    book ! {cut, self(), "b", "c"}, receive cut -> ok end, settle();
scenario("mixed") ->
    scenario("third").

clashes() -> [{"n1", "1", "random_exit_name"}, {"n2", "2", "random_notify_name"},
              {"n3", "3", "notify_all_name"}, {"n4", "4", "default"}].

settle() -> quiet(3500).

%% Noted first: it is the cause of what follows.
act(Text) ->
    [Node, Verb | Args] = string:tokens(Text, " "),
    book ! {note, self(), $A, 0, Text},
    receive noted -> ok end,
    do(full(Node), Verb, Args).

pid(P) -> [{_, Pid}] = ets:lookup(marks, P), Pid.

do(N, "connect", [To]) -> rpc:call(N, net_kernel, connect_node, [full(To)]);
do(N, "disconnect", [To]) -> rpc:call(N, erlang, disconnect_node, [full(To)]);
do(N, "ping", [To]) -> pong = rpc:call(N, net_adm, ping, [full(To)]);
do(N, "erpc_nodes", [To]) -> rpc:call(N, erpc, call, [full(To), erlang, nodes, []]);
do(N, "spawn", [P]) -> ets:insert(marks, {P, spawn(N, ?MODULE, actor, [])});
do(_, "kill", [P]) -> exit(pid(P), kill);
do(N, "register", [G, P, "default"]) -> rpc:call(N, global, register_name, [list_to_atom(G), pid(P)]);
do(N, "register", [G, P, F]) -> rpc:call(N, global, register_name, [list_to_atom(G), pid(P), method(F)]);
do(N, "reregister", [G, P, F]) ->
    rpc:call(N, global, re_register_name, [list_to_atom(G), pid(P), method(F)]);
do(N, "unregister", [G]) -> rpc:call(N, global, unregister_name, [list_to_atom(G)]);
do(N, "lock", [R, Q, P]) ->
    Nodes = [N | rpc:call(N, erlang, nodes, [])],
    by(P, set_lock, [{list_to_atom(R), list_to_atom(Q)}, Nodes, 0]);
do(N, "unlock", [R, Q, P]) ->
    Nodes = [N | rpc:call(N, erlang, nodes, [])],
    by(P, del_lock, [{list_to_atom(R), list_to_atom(Q)}, Nodes]);
do(N, "join", [G, P]) -> ok = rpc:call(N, pg, join, [list_to_atom(G), pid(P)]);
do(N, "leave", [G, P]) -> ok = rpc:call(N, pg, leave, [list_to_atom(G), pid(P)]).

%% A lock is its holder's: the process itself has to take it.
by(P, F, Args) ->
    pid(P) ! {do, self(), F, Args},
    receive {done, Result} -> Result end.

actor() ->
    receive
        {do, From, F, Args} -> From ! {done, apply(global, F, Args)};
        _ -> ok
    end,
    actor().

method(F) -> erlang:make_fun(global, list_to_atom(F), 3).

%% ---- epmd ----------------------------------------------------------------------------------------

listen(Port) ->
    {ok, S} = gen_tcp:listen(Port, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {reuseaddr, true},
                                    {nodelay, true}, {backlog, 20}]),
    S.

accept_epmd(L) ->
    {ok, S} = gen_tcp:accept(L),
    spawn(fun() -> receive go -> epmd(S) end end) ! go,
    accept_epmd(L).

epmd(S) ->
    {ok, <<Size:16>>} = gen_tcp:recv(S, 2),
    {ok, Request} = gen_tcp:recv(S, Size),
    answer(S, Request).

answer(S, <<120, Port:16, _:8, _:8, _:16, _:16, Size:16, Name:Size/binary, _/binary>>) ->
    Own = listen(0),
    {ok, Shown} = inet:port(Own),
    ets:insert(ports, {Name, Shown}),
    spawn(fun() -> accept_dist(Own, Name, Port) end),
    gen_tcp:send(S, <<118, 0, (1700000000 + Port):32>>),
    gen_tcp:recv(S, 1);
answer(S, <<122, Name/binary>>) ->
    case ets:lookup(ports, Name) of
        [{_, Port}] ->
            gen_tcp:send(S, <<119, 0, Port:16, 77, 0, 6:16, 5:16, (byte_size(Name)):16, Name/binary,
                              0:16>>);
        [] ->
            gen_tcp:send(S, <<119, 1>>)
    end,
    gen_tcp:close(S).

%% ---- the relay -----------------------------------------------------------------------------------

accept_dist(L, Name, Port) ->
    {ok, From} = gen_tcp:accept(L),
    Pid = spawn(fun() -> receive go -> relay(From, Name, Port) end end),
    ok = gen_tcp:controlling_process(From, Pid),
    Pid ! go,
    accept_dist(L, Name, Port).

relay(From, Name, Port) ->
    {ok, To} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    {ok, <<Size:16>>} = gen_tcp:recv(From, 2),
    {ok, First} = gen_tcp:recv(From, Size),
    <<$N, _:64, _:32, Length:16, Full:Length/binary, _/binary>> = First,
    Dialler = hd(string:tokens(binary_to_list(Full), "@")),
    Acceptor = binary_to_list(Name),
    Id = case Dialler =:= ?CTL orelse Acceptor =:= ?CTL of
             true -> none;
             false -> ets:update_counter(marks, conns, 1)
         end,
    note($O, Id, Dialler ++ " " ++ Acceptor, self()),
    note($D, Id, [<<Size:16>>, First], self()),
    gen_tcp:send(To, [<<Size:16>>, First]),
    inet:setopts(From, [{active, true}]),
    inet:setopts(To, [{active, true}]),
    pass(Id, From, To).

pass(Id, From, To) ->
    receive
        {tcp, From, Data} -> note($D, Id, Data, self()), gen_tcp:send(To, Data), pass(Id, From, To);
        {tcp, To, Data} -> note($B, Id, Data, self()), gen_tcp:send(From, Data), pass(Id, From, To);
        {tcp_closed, From} -> note($C, Id, "D", self()), gen_tcp:close(To);
        {tcp_closed, To} -> note($C, Id, "B", self()), gen_tcp:close(From);
        cut -> note($C, Id, "X", self()), gen_tcp:close(From), gen_tcp:close(To);
        _ -> pass(Id, From, To)
    end.

note(_, none, _, _) -> ok;
note(Kind, Id, Data, Self) ->
    book ! {note, Self, Kind, Id, Data},
    receive noted -> ok end.

%% ---- the book ------------------------------------------------------------------------------------

book(Notes) ->
    receive
        {note, From, Kind, Id, Data} ->
            ets:insert(marks, {last, now_ms()}),
            Note = {now_ms(), Kind, Id, iolist_to_binary(Data), From},
            From ! noted,
            book([Note | Notes]);
        {cut, From, A, B} ->
            ets:insert(marks, {last, now_ms()}),
            [Pid ! cut || {_, $O, _, Text, Pid} <- Notes,
                          lists:sort(string:tokens(binary_to_list(Text), " ")) =:= [A, B]],
            From ! cut,
            book(Notes);
        {write, From, Dir, Name, Nodes} ->
            write(Dir, Name, Nodes, lists:reverse(Notes)),
            From ! written
    end.

write(Dir, Name, Nodes, Notes) ->
    [{_, Start}] = ets:lookup(marks, start),
    [{_, Newest} | _] = lists:reverse(lists:keysort(2, Nodes)),
    Header = ["flitch recording 1\n", "scenario ", Name, "\n", "cookie ", ?COOKIE, "\n",
              [["node ", N, " ", R, " ",
                integer_to_list(rpc:call(full(N), erlang, system_info, [creation])), "\n"]
               || {N, R} <- Nodes], "\n"],
    Body = [<<(T - Start):32, Kind:8, Id:8, (byte_size(D)):32, D/binary>>
            || {T, Kind, Id, D, _} <- Notes],
    Prefix = case lists:usort([R || {_, R} <- Nodes]) of [_] -> Newest; _ -> "mixed" end,
    ok = file:write_file(filename:join(Dir, Prefix ++ "-" ++ Name ++ ".bin"), [Header, Body]).
