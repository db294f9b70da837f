%% SPDX-License-Identifier: Apache-2.0
%% What the suites share: probes, further nodes of either kind, waiting without sleeping. Keeps to
%% what OTP 23 understands.
%%
%% A further node is an operating system process that ends with the process that started it; the
%% runner waits for that end before the next test. Its handle is a map: node, os_pid, and keeper, the
%% process that reads its output.
%%
%% With FL_POP=off further nodes of either kind run, as does this VM, without
%% prevent_overlapping_partitions: who loses a node then has no other node expelled for it.
-module(fixture).
-export([probe/1, probe/2, do/2, told/2, down/1, no_message/0, exit_of/1]).
-export([blocked/2, unblock/1]).
-export([c_node/2, c_node/3, c_program/3, start/3, beam_node/2, beam_node/3, other_node/2]).
-export([peer_call/4, line/2, line/3, lines/1]).
-export([beam_apply/3, result/1, run/1]).
-export([signal/2, ended/1, unique/1, eventually/1, repeat/2, is_beam/1]).

%% Only a test that fails waits that long: machines may be busy.
-define(LIMIT_MS, 60000).
%% How much of a node's output is kept for a test that fails.
-define(TAIL_LINES, 30).

%% ---- probes -----------------------------------------------------------------------------------

%% A probe of this test's own, on the node Node, that tells this process what comes to it.
probe(Node) -> probe(Node, []).

probe(Node, Options) ->
    {ok, Pid} = gen_server:call({probe, Node}, {start, [{watch, self()} | Options]}),
    Pid.

do(Probe, Op) -> gen_server:call(Probe, {do, Op}, 2 * ?LIMIT_MS).

%% Asks the probe for a call that blocks its thread until unblock/1, and waits until it does. The
%% reason of the 'DOWN' is {answer, ok}, or the exit of the call.
blocked(#{work := Work}, Probe) ->
    File = filename:join(Work, atom_to_list(unique(unblock))),
    {_, Ref} = spawn_monitor(fun() ->
        exit({answer, gen_server:call(Probe, {do, {block_until, File}}, infinity)})
    end),
    eventually(fun() ->
        {status, running} =:= rpc:call(node(Probe), erlang, process_info, [Probe, status])
    end),
    {Ref, File}.

unblock({_, File}) -> ok = file:write_file(File, "").

%% The next thing that came to the probe's slot.
told(Probe, Slot) ->
    receive {Slot, Probe, What} -> What
    after ?LIMIT_MS -> exit({nothing_told, Slot, messages()})
    end.

down(Ref) ->
    receive {'DOWN', Ref, process, _, Reason} -> Reason
    after ?LIMIT_MS -> exit({no_down, messages()})
    end.

%% True for whoever has taken a message of everybody's by a call after it: nothing else is waiting.
no_message() ->
    [] = messages(),
    ok.

messages() ->
    {messages, Messages} = process_info(self(), messages),
    Messages.

exit_of(Fun) ->
    try Fun() of
        Value -> exit({no_exit, Value})
    catch
        exit:Reason -> Reason
    end.

%% Whether an Erlang node plays the C node.
is_beam(Node) -> is_list(rpc:call(Node, code, which, [gen_server])).

%% ---- nodes ------------------------------------------------------------------------------------

unique(Prefix) ->
    Number = erlang:unique_integer([positive]),
    list_to_atom(lists:concat([Prefix, "_", os:getpid(), "_", Number, "@127.0.0.1"])).

c_node(Config, Flags) -> c_node(Config, unique(c), Flags).

c_node(#{build := Build} = Config, Name, Flags) ->
    Servers = [["--load", Build ++ Path] || Path <- ["/examples/counter.so", "/examples/echo.so",
                                                     "/tests/servers/probe.so",
                                                     "/tests/servers/namer.so"]],
    Handle = c_program(Config, Name, lists:append(Servers) ++ Flags),
    _ = line(Handle, "READY node="),
    Handle.

%% Without waiting for READY: for nodes that are to fail. A --cookie-file of Flags counts instead.
c_program(#{flitch := Flitch, cookie_file := File}, Name, Flags) ->
    Cookie = case lists:member("--cookie-file", Flags) of
        true -> [];
        false -> ["--cookie-file", File]
    end,
    Pop = case is_pop_off() of
        true -> ["--set", "global.prevent_overlapping_partitions=off"];
        false -> []
    end,
    start(Name, Flitch,
          ["run", "--parent-stdin", "--name", atom_to_list(Name)] ++ Cookie ++ Pop ++ Flags).

beam_node(Config, Flags) -> beam_node(Config, unique(b), Flags).

beam_node(Config, Name, Flags) ->
    Handle = beam(Config, Name, Flags, "io:put_chars(\"READY node=\\n\")."),
    _ = line(Handle, "READY node="),
    Handle.

%% Of the second release where the suite runs with two, else of this one.
other_node(#{cookie := Cookie} = Config, Name) ->
    case os:getenv("FL_OTHER_TREE") of
        Tree when Tree =:= false; Tree =:= "" -> beam_node(Config, Name, []);
        Tree ->
            Handle = start(Name, os:find_executable("chroot"),
                [Tree, "/usr/bin/env", "PATH=/usr/bin:/bin", "HOME=/root", "erl", "-noinput", "-name",
                 atom_to_list(Name), "-setcookie", atom_to_list(Cookie)] ++ pop_flags() ++
                 ["-eval", "io:put_chars(\"READY node=\\n\")."]),
            _ = line(Handle, "READY node="),
            Handle
    end.

%% A BEAM node with the tick time of one test applies {M, F, A}. It is not connected with this node,
%% whose ticks are too rare for it; result/1 waits for what it printed.
beam_apply(Config, Flags, MFA) ->
    Text = binary_to_list(base64:encode(term_to_binary(MFA))),
    beam(Config, unique(b), Flags, "fixture:run(\"" ++ Text ++ "\").").

run(Text) ->
    {M, F, A} = binary_to_term(base64:decode(Text)),
    Result = try {ok, apply(M, F, A)} catch Class:Reason:Stack -> {Class, Reason, Stack} end,
    io:format("RESULT ~s~n", [base64:encode(term_to_binary(Result))]).

result(Handle) ->
    [_, Text] = binary:split(line(Handle, "RESULT ", 2 * ?LIMIT_MS), <<" ">>),
    case binary_to_term(base64:decode(Text)) of
        {ok, Value} -> Value;
        Failure -> exit({beam_failed, Failure})
    end.

beam(#{cookie := Cookie}, Name, Flags, Eval) ->
    Path = filename:dirname(code:which(?MODULE)),
    start(Name, os:find_executable("erl"),
          ["-noinput", "-name", atom_to_list(Name), "-pa", Path, "-setcookie",
           atom_to_list(Cookie)] ++ pop_flags() ++ Flags ++ ["-eval", Eval]).

pop_flags() ->
    case is_pop_off() of
        true -> ["-kernel", "prevent_overlapping_partitions", "false"];
        false -> []
    end.

is_pop_off() -> os:getenv("FL_POP") =:= "off".

%% apply(M, F, A) on a BEAM node, whatever it takes.
peer_call(#{node := Node}, M, F, A) ->
    case rpc:call(Node, M, F, A) of
        {badrpc, Reason} -> exit({peer_call, Reason});
        Value -> Value
    end.

%% Waits for the next line of the node's output that has Text in it.
line(Handle, Text) -> line(Handle, Text, ?LIMIT_MS).

line(#{keeper := Keeper}, Text, LimitMs) ->
    Ref = monitor(process, Keeper),
    Keeper ! {line, self(), Ref, Text},
    receive
        {Ref, Line} -> demonitor(Ref, [flush]), Line;
        {'DOWN', Ref, process, Keeper, Reason} -> exit({node_ended, Reason})
    after LimitMs ->
        Keeper ! {lines, self(), Ref},
        receive {Ref, Lines} -> exit({no_line_with, Text, Lines}) end
    end.

%% All lines that nobody has waited for.
lines(#{keeper := Keeper}) ->
    Ref = make_ref(),
    Keeper ! {lines, self(), Ref},
    receive {Ref, Lines} -> Lines
    after ?LIMIT_MS -> exit(no_lines)
    end.

%% "-KILL", "-STOP", "-CONT", "-TERM"
signal(#{os_pid := Pid}, Signal) ->
    [] = os:cmd(lists:concat(["kill ", Signal, " ", Pid])),
    ok.

%% Waits for the end of the program; its exit code.
ended(#{keeper := Keeper}) ->
    Ref = make_ref(),
    Keeper ! {ended, self(), Ref},
    receive {Ref, Code} -> Code
    after ?LIMIT_MS -> exit(program_did_not_end)
    end.

start(Name, Program, Args) ->
    Self = self(),
    Ref = make_ref(),
    Keeper = spawn(fun() ->
        Watch = monitor(process, Self),
        Port = open_port({spawn_executable, Program},
                         [{args, Args}, {line, 8192}, exit_status, stderr_to_stdout, binary]),
        {os_pid, Pid} = erlang:port_info(Port, os_pid),
        Self ! {Ref, Pid},
        keep(#{name => Name, port => Port, watch => Watch, os_pid => Pid, lines => [], wanted => [],
               tail => []})
    end),
    _ = [Runner ! {started, Keeper} || Runner <- [whereis(runner)], is_pid(Runner)],
    receive {Ref, Pid} -> #{node => Name, os_pid => Pid, keeper => Keeper}
    after ?LIMIT_MS -> exit({cannot_start, Program})
    end.

keep(#{port := Port, watch := Watch, os_pid := Pid} = State) ->
    #{lines := Lines, wanted := Wanted} = State,
    receive
        {Port, {data, {_, Line}}} -> keep(serve(said(Line, State#{lines := Lines ++ [Line]})));
        {Port, {exit_status, Code}} -> after_end(State, Code);
        {line, From, Ref, Text} -> keep(serve(State#{wanted := Wanted ++ [{From, Ref, Text}]}));
        {lines, From, Ref} -> From ! {Ref, Lines}, keep(State);
        {'DOWN', Watch, process, _, _} ->
            os:cmd(lists:concat(["kill -KILL ", Pid])),
            killed(State)
    end.

%% What it said last is kept however much of it a test has taken.
said(Line, #{tail := Tail} = State) -> State#{tail := lists:sublist([Line | Tail], ?TAIL_LINES)}.

%% Its sockets are closed when its exit code is there.
killed(#{port := Port} = State) ->
    receive
        {Port, {data, {_, Line}}} -> killed(said(Line, State));
        {Port, {exit_status, _}} -> over(State)
    end.

over(#{name := Name, tail := Tail}) ->
    [Runner ! {ended, self(), Name, lists:reverse(Tail)}
     || Runner <- [whereis(runner)], is_pid(Runner)].

%% The program has ended; its last lines and its exit code can still be asked for.
after_end(#{watch := Watch, lines := Lines} = State, Code) ->
    receive
        {line, From, Ref, Text} ->
            after_end(serve(State#{wanted := [{From, Ref, Text}]}), Code);
        {lines, From, Ref} -> From ! {Ref, Lines}, after_end(State, Code);
        {ended, From, Ref} -> From ! {Ref, Code}, after_end(State, Code);
        {'DOWN', Watch, process, _, _} -> over(State)
    end.

%% Lines that were waited for are taken, with all before them.
serve(#{wanted := []} = State) -> State;
serve(#{wanted := [{From, Ref, Text} | Wanted], lines := Lines} = State) ->
    Others = fun(Line) -> binary:match(Line, list_to_binary(Text)) =:= nomatch end,
    case lists:dropwhile(Others, Lines) of
        [] -> State;
        [Line | Rest] ->
            From ! {Ref, Line},
            serve(State#{wanted := Wanted, lines := Rest})
    end.

%% ---- other ------------------------------------------------------------------------------------

%% For what nobody can be told of: asks again until it is so.
eventually(Fun) -> eventually(Fun, erlang:monotonic_time(millisecond) + ?LIMIT_MS).

eventually(Fun, End) ->
    case Fun() of
        true -> ok;
        Other ->
            erlang:monotonic_time(millisecond) < End orelse exit({never_true, Other}),
            receive after 5 -> eventually(Fun, End) end
    end.

repeat(0, _) -> ok;
repeat(N, Fun) -> Fun(), repeat(N - 1, Fun).
