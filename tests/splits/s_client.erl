%% SPDX-License-Identifier: Apache-2.0
%% What callers on BEAM nodes see of a split and its end: Elixir clients on both sides call a
%% singleton by its global name, and members of a group, all the time. Each call ends once, and
%% nobody is answered by the old server after anybody was answered by the new one.
-module(s_client).
-export([client_through_split_and_heal_test/0, client_through_kill_and_move_test/0]).

-define(CLIENTS, [2, 4]).

cluster() ->
    Load = os:getenv("FL_BUILD") ++ "/tests/servers/svc.so",
    Cluster = rows:start(#{flags => ["--load", Load]}, [1, 3, 5]),
    [{ok, _} = splits:call(N, pg, start, [pg]) || N <- ?CLIENTS],
    [true = splits:call(N, code, add_path, [elixir_path()]) || N <- ?CLIENTS],
    splits:eventually(60000, fun() -> [N || N <- ?CLIENTS, holder(N) =:= none
                                            orelse length(splits:call(N, pg, get_members, [svc])) < 3] =:= [] end),
    Cluster.

elixir_path() ->
    Out = os:cmd("elixir -e 'IO.write(:code.lib_dir(:elixir))'"),
    Out ++ "/ebin".

%% The number of the node that global names.
holder(From) ->
    case splits:call(From, global, whereis_name, [svc]) of
        undefined -> none;
        Pid -> hd([N || N <- [1, 3, 5], splits:name(N) =:= node(Pid)])
    end.

start_clients() ->
    put(start, erlang:system_time(millisecond)),
    [ok = splits:call(N, 'Elixir.Client', start, []) || N <- ?CLIENTS].

mark(What) -> put(marks, [{erlang:system_time(millisecond), What} | marks()]).

marks() ->
    case get(marks) of
        undefined -> [];
        Marks -> Marks
    end.

wait(Ms) -> receive after Ms -> ok end.

client_through_split_and_heal_test() ->
    Cluster = cluster(),
    Old = holder(2),
    Others = [3, 4, 5, 1] -- [Old],
    start_clients(),
    wait(3000),
    mark("split"),
    splits:split([Old, 2], Others),
    splits:eventually(90000, fun() -> rows:state(Old) =:= paused end),
    mark("small side has paused"),
    splits:eventually(120000, fun() -> holder(4) =/= none end),
    mark("new server has the name"),
    wait(3000),
    mark("heal"),
    splits:heal(),
    rows:all_serve(Cluster),
    splits:eventually(60000, fun() -> holder(2) =/= none end),
    mark("whole"),
    wait(3000),
    Seen = seen(),
    once_each(Seen),
    2 = one_at_a_time(Seen),
    [{answer, _, _} = last_outcome(S) || S <- Seen].

%% Its node is killed without a word from it, which costs the margin; then it is moved by hand, which
%% costs nothing.
client_through_kill_and_move_test() ->
    _ = cluster(),
    Old = holder(4),
    start_clients(),
    wait(2000),
    mark("node is killed"),
    splits:kill(Old),
    splits:eventually(120000, fun() -> not lists:member(holder(4), [none, Old]) end),
    mark("new server has the name"),
    wait(2000),
    From = holder(4),
    [To | _] = [1, 3, 5] -- [Old, From],
    ok = splits:call(4, gen_server, call, [{svc_guard, splits:name(From)}, {move, splits:name(To)}, 60000]),
    mark("moved by hand"),
    splits:eventually(30000, fun() -> holder(4) =:= To end),
    wait(2000),
    Seen = seen(),
    once_each(Seen),
    3 = one_at_a_time(Seen),
    [{answer, _, _} = last_outcome(S) || S <- Seen].

%% ---- what was seen ----------------------------------------------------------------------------

seen() ->
    Seen = [{N, S} || N <- ?CLIENTS, S <- splits:call(N, 'Elixir.Client', stop, [])],
    [timeline(N, S) || {N, S} <- Seen],
    Seen.

last_outcome({_, {_, _, _, Records}}) -> element(2, lists:last(Records)).

%% As many ends as calls, and nothing came to nobody.
once_each(Seen) -> [{Calls, 0} = {length(Records), Strays} || {_, {_, Calls, Strays, Records}} <- Seen].

%% The epochs that answered {global, svc}, on both sides: how many. Of two the greater one begins
%% when the lesser has ended.
one_at_a_time(Seen) ->
    Answers = [{Epoch, At} || {_, {Kind, _, _, Records}} <- Seen, Kind =/= member,
                              {At, {answer, _, Epoch}} <- Records],
    Epochs = lists:usort([E || {E, _} <- Answers]),
    Spans = [{lists:min(Ats), lists:max(Ats)} || E <- Epochs, Ats <- [[At || {F, At} <- Answers, F =:= E]]],
    [true = End =< Begin || {{_, End}, {Begin, _}} <- lists:zip(lists:droplast(Spans), tl(Spans))],
    length(Epochs).

%% Outcomes that follow each other are one line, with what the test did between them.
timeline(N, {Kind, Calls, _, Records}) ->
    io:format("   client on n~b, ~s, ~b calls:~n", [N, who(Kind), Calls]),
    Lines = runs([{At, plain(Kind, Outcome)} || {At, Outcome} <- Records]) ++ [{At, {mark, What}} || {At, What} <- marks()],
    [line(L) || L <- lists:keysort(1, Lines)].

who(global) -> "GenServer.call({:global, :svc}, ..)";
who(member) -> "GenServer.call(a member of :svc, ..)";
who(bare) -> "{:global, :svc} asked without an alias".

%% Which of the members it was says little: they are picked at random.
plain(member, {answer, _, _}) -> {answer, 'a member', 0};
plain(_, Outcome) -> Outcome.

runs(Records) -> lists:reverse(lists:foldl(fun run/2, [], Records)).

run({At, Outcome}, [{From, {Outcome, _, Count}} | Runs]) -> [{From, {Outcome, At, Count + 1}} | Runs];
run({At, Outcome}, Runs) -> [{At, {Outcome, At, 1}} | Runs].

line({At, {mark, What}}) -> io:format("   ~8.1fs  ---- ~s~n", [at(At), What]);
line({At, {Outcome, End, Count}}) ->
    io:format("   ~8.1fs  to ~.1fs  ~5b x ~s~n", [at(At), at(End), Count, text(Outcome)]).

text({answer, Node, 0}) -> io_lib:format("answered by ~s", [Node]);
text({answer, Node, Epoch}) -> io_lib:format("answered by ~s, take-over ~b", [Node, Epoch bsr 16]);
text({exit, Reason}) -> io_lib:format("exit ~0p", [Reason]).

at(Ms) -> (Ms - get(start)) / 1000.
