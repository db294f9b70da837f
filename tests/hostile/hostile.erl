%% SPDX-License-Identifier: Apache-2.0
%% Plays a hostile peer against a running node. Each case opens connections of its own and says what
%% must become of them; whatever it does, the witness goes on to be served, and the node lives.
%%
%% A case is {Name, Fun}; Fun takes the configuration (node, port, cookie, log) and returns ok or a
%% reason. A suite exports cases/0, and may export slowest_ms/1: how long an honest call may take
%% meanwhile on a machine that has nothing else to do: the longer the node's threads wait for a
%% processor, the more. A second node, which nobody attacks, is asked as often: what its calls take is
%% the machine's doing, and an honest call may take that, times ?TIMES, on top.
-module(hostile).
-export([main/1, logged/2, logged/3, until/2, same/2]).

-define(SLOWEST_MS, 500).
-define(TIMES, 3).

main(Names) ->
    Node = list_to_atom(os:getenv("FL_NODE")),
    [Alive, _] = string:split(atom_to_list(Node), "@"),
    Config = #{node => Node, port => hostile_wire:port_of(Alive), cookie => erlang:get_cookie(),
               log => os:getenv("FL_LOG"), source => os:getenv("FL_SOURCE"),
               os_pid => os:getenv("FL_NODE_PID"), san => os:getenv("SAN", "")},
    Witnesses = [hostile_witness:start(N) || N <- [Node, list_to_atom(os:getenv("FL_CALM"))],
                                             net_kernel:connect_node(N)],
    2 = length(Witnesses),
    Results = [run(M, C, Config, Witnesses) || M <- suites(Names), C <- M:cases()],
    Failed = length([R || R <- Results, R =/= ok]),
    io:format("COUNTS ~b ~b~n", [length(Results) - Failed, Failed]),
    halt(min(Failed, 1)).

suites(["all"]) ->
    [hostile_before, hostile_frames, hostile_terms, hostile_forged, hostile_groups,
     hostile_natives, hostile_tables, hostile_global, hostile_joins, hostile_pg,
     hostile_floods];
suites(Names) ->
    [list_to_atom("hostile_" ++ N) || N <- Names].

run(Module, {Name, Fun}, Config, Witnesses) ->
    _ = [hostile_witness:reset(W) || W <- Witnesses],
    Before = times(Config),
    Said = filelib:file_size(maps:get(log, Config)),
    Start = erlang:monotonic_time(millisecond),
    Result = case guarded(fun() -> Fun(Config) end) of
                 ok -> check(slowest_ms(Module, Name), Before, Config, Witnesses);
                 Reason -> Reason
             end,
    Ms = erlang:monotonic_time(millisecond) - Start,
    case Result of
        ok -> io:format("ok - ~s: ~s (~b ms)~n", [Module, Name, Ms]);
        _ ->
            io:format("FAIL - ~s: ~s (~b ms): ~0tp~n", [Module, Name, Ms, Result]),
            said_since(Said, Config)
    end,
    Result.

%% The last lines that the node wrote since its log had this size.
said_since(Size, #{log := Log}) ->
    {ok, <<_:Size/binary, New/binary>>} = file:read_file(Log),
    Lines = binary:split(New, <<"\n">>, [global, trim_all]),
    [io:format("    c1: ~.300s~n", [L]) || L <- lists:nthtail(max(0, length(Lines) - 20), Lines)].

guarded(Fun) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({result, caught(Fun)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {result, Result}} -> Result;
        {'DOWN', Monitor, process, Pid, Reason} -> {exited, Reason}
    after 180000 ->
        Where = erlang:process_info(Pid, current_stacktrace),
        exit(Pid, kill),
        {no_end_within_180_s, Where}
    end.

caught(Fun) ->
    try Fun() catch Class:Reason:Stack -> {Class, Reason, lists:sublist(Stack, 3)} end.

check(SlowestMs, Before, #{node := Node, san := San} = Config, Witnesses) ->
    [{Count, Slowest, Failed}, {_, Calm, _}] = [hostile_witness:report(W) || W <- Witnesses],
    Stretch = stretch(Before, times(Config)),
    Limit = SlowestMs * Stretch * case San of "" -> 1; _ -> 10 end + ?TIMES * Calm,
    Alive = lists:member(Node, nodes(connected)),
    if
        not Alive -> the_honest_peer_was_cut_off;
        Failed =/= [] -> {honest_calls_failed, Failed};
        Count > 0, Slowest > Limit -> {honest_call_took_ms, Slowest, and_at_a_calm_node, Calm, stretched_by, Stretch};
        true -> ok
    end.

%% How much longer than it ran the node was about to run.
stretch({Ran, Waited}, {RanLater, WaitedLater}) ->
    1 + (WaitedLater - Waited) / max(1, RanLater - Ran).

%% Nanoseconds that its threads ran, and that they waited for a processor.
times(#{os_pid := Pid}) ->
    Files = filelib:wildcard("/proc/" ++ Pid ++ "/task/*/schedstat"),
    Texts = [Text || File <- Files, {ok, Text} <- [file:read_file(File)]],
    Times = [[binary_to_integer(N) || N <- binary:split(Text, [<<" ">>, <<"\n">>], [global, trim])]
             || Text <- Texts],
    {lists:sum([Ran || [Ran, _, _] <- Times]), lists:sum([Waited || [_, Waited, _] <- Times])}.

slowest_ms(Module, Name) ->
    case erlang:function_exported(Module, slowest_ms, 1) of
        true -> Module:slowest_ms(Name);
        false -> ?SLOWEST_MS
    end.

%% ---- for cases ----------------------------------------------------------------------------------

%% Whether the log gets a line with all of these texts. A node writes ten such lines a second.
logged(Config, Texts) ->
    logged(Config, Texts, fun() -> ok end).

%% Again brings it about once more: the ten of a second may be others.
logged(#{log := Log}, Texts, Again) ->
    timer:sleep(130),
    Found = fun() ->
        ok = Again(),
        {ok, Bytes} = file:read_file(Log),
        lists:any(fun(Line) -> lists:all(fun(T) -> string:find(Line, T) =/= nomatch end, Texts) end,
                  binary:split(Bytes, <<"\n">>, [global]))
    end,
    case until(Found, 20000) of
        true -> ok;
        false -> {not_in_the_log, Texts}
    end.

until(Fun, Ms) -> until_at(Fun, erlang:monotonic_time(millisecond) + Ms).

until_at(Fun, End) ->
    case Fun() of
        true -> true;
        false ->
            timer:sleep(20),
            erlang:monotonic_time(millisecond) < End andalso until_at(Fun, End)
    end.

same(Expected, Expected) -> ok;
same(Expected, Got) -> {expected, Expected, got, Got}.
