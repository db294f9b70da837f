%% SPDX-License-Identifier: Apache-2.0
%% Runs the exported *_test/1 functions of a suite, each in a process of its own under a time limit,
%% and prints one line per test and the counts. Keeps to what OTP 23 understands.
%%
%% Nodes that a test started are over before the next one begins. Of a test that fails the last lines
%% of each of them are shown, and what c1 wrote meanwhile (its log is FL_C1_LOG).
%%
%% A test gets a map: node, cookie, cookie_file, epmd_port, release, c1_pid (of the operating
%% system), work (a folder of its own to write in), build, and flitch (path of a program that runs
%% the binary, in the tree of any release). A suite may export limit_ms/1 (the test's name -> its
%% limit).
-module(runner).
-export([main/1, main_exs/1]).

-define(LIMIT_MS, 180000).
%% How long the nodes of a test may take to be gone.
-define(ENDED_MS, 60000).
-define(C1_LINES, 30).

main([Module | _]) ->
    finish([list_to_atom(Module)]).

%% Elixir: compiles the file and runs every module of it that has tests.
main_exs(File) ->
    finish([M || {M, _} <- 'Elixir.Code':require_file(File)]).

finish(Modules) ->
    Config = config(),
    true = register(runner, self()),
    Results = [run(M, F, Config) || M <- Modules, F <- tests(M)],
    Failed = length([R || R <- Results, R =/= ok]),
    io:format("COUNTS ~b ~b~n", [length(Results) - Failed, Failed]),
    erlang:halt(min(Failed, 1)).

tests(Module) ->
    {module, Module} = code:ensure_loaded(Module),
    [F || {F, 1} <- lists:sort(Module:module_info(exports)),
          lists:suffix("_test", atom_to_list(F))].

config() ->
    Text = [{cookie_file, "FL_COOKIE_FILE"}, {work, "FL_WORK"}, {build, "FL_BUILD"},
            {flitch, "FL_FLITCH"}],
    Texts = [{K, os:getenv(V)} || {K, V} <- Text, os:getenv(V) =/= false],
    Numbers = [{K, list_to_integer(os:getenv(V))}
               || {K, V} <- [{epmd_port, "ERL_EPMD_PORT"}, {release, "FL_RELEASE"},
                             {c1_pid, "FL_C1_PID"}]],
    Atoms = [{node, list_to_atom(os:getenv("FL_NODE"))},
             {cookie, list_to_atom(os:getenv("FL_COOKIE"))}],
    maps:from_list(Texts ++ Numbers ++ Atoms).

run(Module, Test, Config) ->
    C1Said = filelib:file_size(os:getenv("FL_C1_LOG", "")),
    Start = erlang:monotonic_time(millisecond),
    Outcome = guarded(fun() -> Module:Test(Config) end, limit_ms(Module, Test)),
    Ms = erlang:monotonic_time(millisecond) - Start,
    {Result, Nodes} = settled(Outcome),
    case Result of
        ok -> io:format("ok - ~s:~s (~b ms)~n", [name(Module), Test, Ms]);
        Reason ->
            io:format("FAIL - ~s:~s (~b ms): ~tP~n", [name(Module), Test, Ms, Reason, 100]),
            _ = [said(Name, Tail) || {Name, Tail} <- Nodes],
            said(c1, c1_lines(C1Said))
    end,
    Result.

said(Name, Lines) -> _ = [io:format("    ~s: ~ts~n", [Name, Line]) || Line <- Lines].

%% What c1 wrote since its log had this size, or the end of it.
c1_lines(Size) ->
    case file:read_file(os:getenv("FL_C1_LOG", "")) of
        {ok, <<_:Size/binary, New/binary>>} ->
            Lines = binary:split(New, <<"\n">>, [global, trim_all]),
            lists:nthtail(max(0, length(Lines) - ?C1_LINES), Lines);
        _ -> []
    end.

%% The outcome, once no node of the test is there any more, and what these said at last.
settled(Outcome) ->
    End = erlang:monotonic_time(millisecond) + ?ENDED_MS,
    Nodes = [ended(Keeper, End) || Keeper <- started()],
    Left = [Name || {Name, _} <- Nodes, not is_gone(Name, End)],
    case {Outcome, Left} of
        {ok, [_ | _]} -> {{nodes_do_not_end, Left}, Nodes};
        _ -> {Outcome, Nodes}
    end.

started() -> receive {started, Keeper} -> [Keeper | started()] after 0 -> [] end.

ended(Keeper, End) ->
    receive {ended, Keeper, Name, Tail} -> {Name, Tail}
    after max(0, End - erlang:monotonic_time(millisecond)) -> {unknown, [<<"did not end">>]}
    end.

is_gone(unknown, _) -> false;
is_gone(Name, End) ->
    case lists:member(Name, nodes(connected)) of
        false -> true;
        true ->
            receive after 5 -> ok end,
            erlang:monotonic_time(millisecond) < End andalso is_gone(Name, End)
    end.

name(Module) ->
    case atom_to_list(Module) of
        "Elixir." ++ Name -> Name;
        Name -> Name
    end.

limit_ms(Module, Test) ->
    case erlang:function_exported(Module, limit_ms, 1) of
        true -> Module:limit_ms(Test);
        false -> ?LIMIT_MS
    end.

guarded(Fun, LimitMs) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({runner, caught(Fun)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {runner, Result}} -> Result;
        {'DOWN', Monitor, process, Pid, Reason} -> {exited, Reason}
    after LimitMs ->
        Where = erlang:process_info(Pid, current_stacktrace),
        exit(Pid, kill),
        receive {'DOWN', Monitor, process, Pid, _} -> ok end,
        {no_end_within_ms, LimitMs, Where}
    end.

caught(Fun) ->
    try Fun() of
        _ -> ok
    catch
        Class:Reason:Stack -> {Class, Reason, Stack}
    end.
