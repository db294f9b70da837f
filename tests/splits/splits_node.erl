%% SPDX-License-Identifier: Apache-2.0
%% One operating system process in a namespace, and the process that reads what it prints.
%%
%% Agents (agent.erl) also answer calls by their standard input. All end when the keeper ends: their
%% input is closed then.
-module(splits_node).
-export([agent/4, c/3, call/5, log/1, os_pid/1, close/1, ended/1]).

-define(READY_MS, 30000).

%% An OTP node of a release. Flags are erl's.
agent(N, Release, Name, Flags) ->
    Top = os:getenv("FL_TOP"),
    Cookie = string:trim(read(os:getenv("FL_WORK") ++ "/cookie")),
    Args = ["run", integer_to_list(Release), "erl", "-noshell", "-name", Name, "-setcookie", Cookie,
            "-pa", os:getenv("FL_WORK") ++ "/ebin"] ++ Flags ++ ["-run", "agent", "main"],
    open(N, Top ++ "/scripts/peers.sh", Args).

c(N, Name, Flags) ->
    Args = ["run", "--parent-stdin", "--name", Name, "--listen", splits_net:address(N),
            "--cookie-file", os:getenv("FL_WORK") ++ "/cookie", "--set",
            "dist.insecure_listen=true"] ++ Flags,
    open(N, os:getenv("FL_BUILD") ++ "/flitch", Args).

read(File) ->
    {ok, Bytes} = file:read_file(File),
    binary_to_list(Bytes).

open(N, Program, Args) ->
    Self = self(),
    Ref = make_ref(),
    Keeper = spawn(fun() ->
        Port = open_port({spawn_executable, os:find_executable("ip")},
                         [{args, ["netns", "exec", splits_net:space(N), Program | Args]},
                          {cd, os:getenv("FL_TOP")}, {line, 1000000}, exit_status,
                          stderr_to_stdout, binary]),
        {os_pid, Pid} = erlang:port_info(Port, os_pid),
        keep(#{port => Port, os_pid => Pid, ready => {Self, Ref}, calls => #{}, log => [],
               partial => <<>>, code => running, waits => []})
    end),
    Watch = monitor(process, Keeper),
    receive
        {Ref, ready} -> demonitor(Watch, [flush]), Keeper;
        {Ref, {ended, Log}} -> exit({node_ended_at_its_start, N, lists:reverse(Log)})
    after ?READY_MS -> exit({node_not_ready, N, log(Keeper)})
    end.

call(Keeper, M, F, A, LimitMs) ->
    Ref = monitor(process, Keeper),
    Keeper ! {call, self(), Ref, {M, F, A}},
    receive
        {Ref, {ok, Value}} -> demonitor(Ref, [flush]), Value;
        {Ref, Failure} -> exit({call_failed, {M, F, A}, Failure});
        {'DOWN', Ref, process, _, Reason} -> exit({node_ended, Reason})
    after LimitMs -> exit({no_answer_within_ms, LimitMs, {M, F, A}})
    end.

log(Keeper) -> ask(Keeper, log).
os_pid(Keeper) -> ask(Keeper, os_pid).
%% Waits for the end of the program; its exit code.
ended(Keeper) -> ask(Keeper, ended).

ask(Keeper, What) ->
    Ref = monitor(process, Keeper),
    Keeper ! {What, self(), Ref},
    receive
        {Ref, Answer} -> demonitor(Ref, [flush]), Answer;
        {'DOWN', Ref, process, _, _} -> []
    after ?READY_MS -> exit({no_answer, What})
    end.

close(Keeper) ->
    exit(Keeper, kill),
    ok.

%% ---- the keeper -------------------------------------------------------------------------------

keep(#{port := Port} = State) ->
    receive
        {Port, {data, {noeol, Part}}} ->
            keep(State#{partial := <<(maps:get(partial, State))/binary, Part/binary>>});
        {Port, {data, {eol, Part}}} ->
            Line = <<(maps:get(partial, State))/binary, Part/binary>>,
            keep(line(Line, State#{partial := <<>>}));
        {Port, {exit_status, Code}} -> keep(ended(Code, State));
        {call, From, Ref, MFA} -> keep(send(From, Ref, MFA, State));
        {log, From, Ref} ->
            From ! {Ref, lists:reverse(maps:get(log, State))},
            keep(State);
        {os_pid, From, Ref} ->
            From ! {Ref, maps:get(os_pid, State)},
            keep(State);
        {ended, From, Ref} -> keep(wait({From, Ref}, State))
    end.

line(<<"ANSWER ", Text/binary>>, #{calls := Calls} = State) ->
    {Ref, Result} = binary_to_term(base64:decode(Text)),
    case maps:take(Ref, Calls) of
        {From, Left} ->
            From ! {Ref, Result},
            State#{calls := Left};
        error -> State
    end;
line(<<"READY", _/binary>>, #{ready := {From, Ref}} = State) ->
    From ! {Ref, ready},
    State#{ready := done};
%% --parent-stdin: "<5>READY ..." is a log line like others, READY comes bare.
line(Line, #{log := Log} = State) -> State#{log := [Line | Log]}.

send(From, Ref, {M, F, A}, #{port := Port, calls := Calls} = State) ->
    _ = catch port_command(Port, [base64:encode(term_to_binary({Ref, M, F, A})), $\n]),
    State#{calls := Calls#{Ref => From}}.

wait({From, Ref}, #{code := running, waits := Waits} = State) -> State#{waits := [{From, Ref} | Waits]};
wait({From, Ref}, #{code := Code} = State) ->
    From ! {Ref, Code},
    State.

ended(Code, #{ready := Ready, log := Log, waits := Waits} = State) ->
    case Ready of
        {From, Ref} -> From ! {Ref, {ended, Log}};
        done -> ok
    end,
    [F ! {R, Code} || {F, R} <- Waits],
    State#{code := Code, waits := []}.
