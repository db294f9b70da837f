%% SPDX-License-Identifier: Apache-2.0
%% Every native function, called with random arguments. The table is read from the sources, so that
%% a new function is tried as soon as it is there.
-module(hostile_natives).
-export([cases/0, slowest_ms/1, term/2]).

-define(WORKERS, 30).

%% Functions that list all processes or end servers run among the calls.
slowest_ms(_) -> 1500.

cases() ->
    [{"every native function survives random arguments", fun random/1},
     {"every native function survives arguments of a wrong number", fun wrong_arity/1}].

exports(#{source := Source}) ->
    Files = filelib:wildcard(filename:join(Source, "{node,dist,pg,cluster}/*.c")),
    lists:usort([X || F <- Files, X <- exports_in(F)]).

exports_in(File) ->
    {ok, Bytes} = file:read_file(File),
    case re:run(Bytes, "\\{\"([A-Za-z_.]+)\", \"([a-z_?!]+)\", ([0-9]+), [a-z]",
                [global, {capture, all_but_first, list}]) of
        {match, All} -> [{list_to_atom(M), list_to_atom(F), list_to_integer(A)} || [M, F, A] <- All];
        nomatch -> []
    end.

%% What stops the node or its servers by right is not tried.
is_tame({init, _, _}) -> false;
is_tame({_, terminate, _}) -> false;
is_tame({_, stop, _}) -> false;
is_tame({_, terminate_child, _}) -> false;
is_tame({_, disconnect_node, _}) -> false;
is_tame({_, disconnect, _}) -> false;
is_tame({_, suspend, _}) -> false;
is_tame({_, exit, 2}) -> false;
is_tame(_) -> true.

%% Calls of each function.
rounds() -> list_to_integer(os:getenv("FL_ROUNDS", "60")).

random(C = #{node := Node}) ->
    Exports = [X || X <- exports(C), is_tame(X)],
    case length(Exports) of
        N when N < 40 -> {too_few_functions_found, N};
        _ -> run(C, [{M, F, A} || {M, F, A} <- Exports, _ <- lists:seq(1, rounds())], Node)
    end.

wrong_arity(C = #{node := Node}) ->
    run(C, [{M, F, B} || X = {M, F, A} <- exports(C), is_tame(X),
                         B <- lists:seq(0, 6), B =/= A, is_tame({M, F, B})], Node).

run(C, Calls, Node) ->
    Servers = [erpc:call(Node, erlang, whereis, [N]) || N <- [counter, echo]],
    Pids = erpc:call(Node, erlang, processes, []) -- Servers,
    Parent = self(),
    Parts = split(shuffle(Calls), ?WORKERS),
    ok = logger:set_primary_config(level, none), % the node reports each bad call to its caller's node
    Workers = [spawn_monitor(fun() -> worker(C, Node, Pids, Part, Parent) end) || Part <- Parts],
    [receive {'DOWN', M, process, P, _} -> ok end || {P, M} <- Workers],
    pong = net_adm:ping(Node),
    Node = rpc:call(Node, erlang, node, []),
    ok.

shuffle(List) ->
    [X || {_, X} <- lists:sort([{rand:uniform(), X} || X <- List])].

split(List, Count) ->
    [[X || {I, X} <- lists:enumerate(List), I rem Count =:= N] || N <- lists:seq(0, Count - 1)].

%% What the node says to the terminal of its callers goes nowhere.
sink() ->
    receive {io_request, From, As, _} -> From ! {io_reply, As, ok} end,
    sink().

worker(_, Node, Pids, Part, _) ->
    true = group_leader(spawn_link(fun sink/0), self()),
    [call(Node, M, F, [term(Pids, 3) || _ <- lists:seq(1, A)]) || {M, F, A} <- Part].

call(Node, M, F, Args) ->
    case rand:uniform(3) of
        1 -> rpc:cast(Node, M, F, Args);
        _ -> catch erpc:call(Node, M, F, Args, 100)
    end.

%% A random term of so many levels.
term(Pids, 0) -> leaf(Pids);
term(Pids, Depth) ->
    case rand:uniform(14) of
        1 -> list_to_tuple(terms(Pids, Depth));
        2 -> terms(Pids, Depth);
        3 -> [leaf(Pids) | term(Pids, Depth - 1)];
        4 -> maps:from_list([{leaf(Pids), T} || T <- terms(Pids, Depth)]);
        5 -> [pick(names())];
        6 -> {pick(names()), pick([node(), 'c1@127.0.0.1', 'gone@127.0.0.1', x])};
        7 -> [{pick(names()), leaf(Pids)}];
        _ -> leaf(Pids)
    end.

terms(Pids, Depth) -> [term(Pids, Depth - 1) || _ <- lists:seq(1, rand:uniform(5) - 1)].

leaf(Pids) ->
    case rand:uniform(16) of
        1 -> pick(names());
        2 -> pick(names());
        3 -> pick(Pids);
        4 -> pick(Pids);
        5 -> self();
        6 -> hostile_wire:pid("gone@127.0.0.1");
        7 -> make_ref();
        8 -> hostile_wire:ref("c1@127.0.0.1");
        9 -> rand:uniform(1000) - 500;
        10 -> rand:uniform(1 bsl 80) - (1 bsl 79);
        11 -> rand:normal() * 1.0e10;
        12 -> crypto:strong_rand_bytes(rand:uniform(40) - 1);
        13 -> <<1:(rand:uniform(7))>>;
        14 -> fun erlang:node/0;
        15 -> "text";
        16 -> []
    end.

%% No servers among them: calls of theirs are made elsewhere, and a bad call ends a server.
names() ->
    [rex, user, net_kernel, undefined, infinity, nodes, known, visible, hidden, this, connected,
     messages, links, monitors, memory, status, registered_name, dictionary, current_function,
     all, total, processes, system, run_queue, wall_clock, reductions, io, scheduler_usage, version,
     otp_release, system_version, process_count, ok, error, badarg, kernel, stdlib, flitch, '',
     nonode@nohost, node()].

pick(List) -> lists:nth(rand:uniform(length(List)), List).
