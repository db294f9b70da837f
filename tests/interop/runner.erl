%% SPDX-License-Identifier: Apache-2.0
%% Runs the exported *_test/1 functions of a suite, each in a process of its own under a time limit,
%% and prints one line per test and the counts. Keeps to what OTP 23 understands.
%%
%% A test gets a map: node, cookie, cookie_file, epmd_port, release, c1_pid (of the operating
%% system), work (a folder of its own to write in), build, and flitch (path of a program that runs
%% the binary, in the tree of any release). A suite may export limit_ms/1 (the test's name -> its
%% limit).
-module(runner).
-export([main/1, main_exs/1]).

-define(LIMIT_MS, 60000).

main([Module | _]) ->
    finish([list_to_atom(Module)]).

%% Elixir: compiles the file and runs every module of it that has tests.
main_exs(File) ->
    finish([M || {M, _} <- 'Elixir.Code':require_file(File)]).

finish(Modules) ->
    Config = config(),
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
    Start = erlang:monotonic_time(millisecond),
    Result = guarded(fun() -> Module:Test(Config) end, limit_ms(Module, Test)),
    Ms = erlang:monotonic_time(millisecond) - Start,
    case Result of
        ok -> io:format("ok - ~s:~s (~b ms)~n", [name(Module), Test, Ms]);
        Reason -> io:format("FAIL - ~s:~s: ~tP~n", [name(Module), Test, Reason, 100])
    end,
    Result.

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
