%% SPDX-License-Identifier: Apache-2.0
%% The operating system's side of a C node: the port that its program runs behind.
%%
%%  - Nothing secret is in argv: the cookie goes by FLITCH_COOKIE, or as the name of a file.
%%  - stdout has log lines "<N>text", and one line for the machine: READY or FAILED.
%%  - stdin is never written to. Its end tells the program that this VM is gone, so that not even a
%%    `kill -9` of the VM leaves a program behind.
%%
%% All functions are called by the process that started the program, which gets the port's messages.
-module(flitch_program).
-export([start/2, stop/3, kill/2, clear/1, await_exit/3, ended/2, log/3, text/1, path/1]).

-export_type([program/0]).

-type program() :: #{port := port(), os_pid := non_neg_integer(), dist_port => inet:port_number(),
                     vsn => binary()}.

-define(LINE_BYTES, 16384).
%% A program that was killed is gone at once, unless the kernel itself holds it.
-define(KILLED_MS, 5000).
%% How often the end of a program that is nobody's child is looked for.
-define(LOOK_MS, 20).
%% How much sooner than its supervisor's patience ends a program is killed.
-define(KILL_AHEAD_MS, 500).

%% Starts the program and waits until it serves.
-spec start(map(), node()) -> {ok, program()} | {error, term()}.
start(#{start_timeout := Ms} = Options, Node) ->
    Deadline = erlang:monotonic_time(millisecond) + Ms,
    case open(Options, Node) of
        {ok, Program} -> await_ready(Program, Options, Node, Deadline, none);
        Error -> Error
    end.

open(Options, Node) ->
    try
        {Exe, First} = executable(Options),
        Args = [text(A) || A <- First ++ name_args(Node) ++ listen_args(Node) ++ ["--parent-stdin"]
                    ++ cookie_args(Options) ++ maps:get(args, Options)],
        Port = open_port({spawn_executable, Exe},
                         [{args, Args}, {env, environment(Options, Node)}, {line, ?LINE_BYTES},
                          exit_status, use_stdio, binary, hide]),
        OsPid = case erlang:port_info(Port, os_pid) of
            {os_pid, Pid} -> Pid;
            undefined -> 0 % it has ended already
        end,
        started(Options, OsPid),
        {ok, #{port => Port, os_pid => OsPid}}
    catch
        throw:Reason -> {error, Reason};
        error:Reason when is_atom(Reason) -> {error, {cannot_execute, Reason}}
    end.

%% ---- how it is called --------------------------------------------------------------------------

%% With something to load it is `flitch run`, else a program of the user's own.
executable(#{exe := undefined, load := Files}) ->
    case os:find_executable("flitch") of
        false -> throw({cannot_execute, <<"flitch is not in the PATH: make install, or say by exe where it is">>});
        Exe -> {Exe, run_args(Files)}
    end;
executable(#{exe := Exe, load := Files}) ->
    Path = path(Exe),
    filelib:is_regular(Path) orelse throw({cannot_execute, {Path, enoent}}),
    {Path, if Files =:= [] -> []; true -> run_args(Files) end}.

run_args(Files) -> ["run" | lists:append([["--load", path(F)] || F <- Files])].

name_args(Node) ->
    Flag = case net_kernel:longnames() of
        true -> "--name";
        _ -> "--sname"
    end,
    [Flag, atom_to_list(Node)].

%% A host's name may mean another loopback address than the one that is listened on by default.
listen_args(Node) ->
    [_, Host] = string:split(atom_to_list(Node), "@"),
    case inet:getaddr(Host, inet) of
        {ok, {127, 0, 0, 1}} -> [];
        {ok, {127, _, _, _} = Address} -> ["--listen", inet:ntoa(Address)];
        _ -> []
    end.

cookie_args(#{cookie_file := undefined}) -> [];
cookie_args(#{cookie_file := File}) -> ["--cookie-file", path(File)].

%% What the options say comes last, since the last of two counts.
environment(#{env := Own, shutdown := Shutdown} = Options, _Node) ->
    Limit = integer_to_list(Shutdown - ?KILL_AHEAD_MS) ++ "ms",
    cookie_variable(Options) ++
        [{"FLITCH_DIST_TICKTIME", integer_to_list(ticktime())}, {"FLITCH_NODE_SHUTDOWN_TIME", Limit}
         | [{text(K), value(V)} || {K, V} <- Own]].

cookie_variable(#{cookie_file := File}) when File =/= undefined -> [];
cookie_variable(#{cookie := undefined}) ->
    [{"FLITCH_COOKIE", atom_to_list(erlang:get_cookie())}];
cookie_variable(#{cookie := Cookie}) when is_atom(Cookie) ->
    [{"FLITCH_COOKIE", atom_to_list(Cookie)}];
cookie_variable(#{cookie := Cookie}) -> [{"FLITCH_COOKIE", text(Cookie)}].

%% Both ends of a connection must agree on it.
ticktime() ->
    case net_kernel:get_net_ticktime() of
        {_, Seconds} -> Seconds;
        Seconds when is_integer(Seconds) -> Seconds;
        ignored -> 60
    end.

value(false) -> false;
value(Text) -> text(Text).

-spec path(flitch_options:file()) -> string().
path({priv, App, File}) ->
    case code:priv_dir(App) of
        {error, bad_name} -> throw({no_priv_dir, App});
        Dir -> filename:join(Dir, text(File))
    end;
path(File) -> text(File).

-spec text(flitch_options:text()) -> string().
text(Text) -> unicode:characters_to_list(Text).

%% ---- until it serves ---------------------------------------------------------------------------

await_ready(#{port := Port} = Program, Options, Node, Deadline, Failed) ->
    receive
        {Port, {data, {_, <<"READY ", Line/binary>>}}} -> ready(Program, Options, Node, Line);
        {Port, {data, {_, <<"FAILED ", Line/binary>>}}} ->
            await_ready(Program, Options, Node, Deadline, Line);
        {Port, {data, {_, Line}}} ->
            log(Options, Node, Line),
            await_ready(Program, Options, Node, Deadline, Failed);
        {Port, {exit_status, Status}} -> {error, not_started(ended(Options, Status), Failed)}
    after max(0, Deadline - erlang:monotonic_time(millisecond)) ->
        Reason = kill(Program, Options),
        {error, case Failed of
                    none -> {not_ready_within, maps:get(start_timeout, Options)};
                    _ -> not_started(Reason, Failed)
                end}
    end.

not_started(Reason, none) -> {ended, Reason};
not_started(Reason, Failed) -> {failed, Reason, why(Failed)}.

ready(Program, Options, Node, Line) ->
    Pairs = [list_to_tuple(binary:split(Word, <<"=">>)) || Word <- binary:split(Line, <<" ">>, [global])],
    Name = atom_to_binary(Node, utf8),
    case maps:from_list([P || {_, _} = P <- Pairs]) of
        #{<<"node">> := Name, <<"port">> := Port, <<"vsn">> := Vsn} ->
            {ok, Program#{dist_port => binary_to_integer(Port), vsn => Vsn}};
        Other ->
            _ = kill(Program, Options),
            {error, {ready_line_of_another, Other}}
    end.

%% FAILED code=78 reason="..."
why(Line) ->
    case re:run(Line, "reason=\"(.*)\"", [{capture, all_but_first, binary}]) of
        {match, [Reason]} -> Reason;
        nomatch -> Line
    end.

%% ---- its end -----------------------------------------------------------------------------------

%% Asks it to end, and kills it before the time is over. Its lines are logged meanwhile.
-spec stop(program(), map(), pos_integer()) -> term().
stop(Program, Options, Ms) ->
    signal(Program, "TERM"),
    case await_exit(Program, Options, Ms - ?KILL_AHEAD_MS) of
        running -> kill(Program, Options);
        Reason -> Reason
    end.

-spec kill(program(), map()) -> term().
kill(Program, Options) ->
    signal(Program, "KILL"),
    await_exit(Program, Options, ?KILLED_MS).

%% The reason of its end, or running.
-spec await_exit(program(), map(), integer()) -> term().
await_exit(Program, Options, Ms) ->
    await_exit_until(Program, Options, erlang:monotonic_time(millisecond) + Ms).

await_exit_until(#{port := Port} = Program, #{node := Node} = Options, Deadline) ->
    receive
        {Port, {data, {_, Line}}} ->
            log(Options, Node, Line),
            await_exit_until(Program, Options, Deadline);
        {Port, {exit_status, Status}} -> ended(Options, Status)
    after max(0, Deadline - erlang:monotonic_time(millisecond)) -> running
    end.

%% ---- what a killed process leaves ----------------------------------------------------------------

started(#{name := Name, index := Index}, OsPid) -> flitch_nodes:program(Name, Index, OsPid).

%% Its exit status came: why it ended.
-spec ended(map(), non_neg_integer()) -> term().
ended(#{name := Name, index := Index}, Status) ->
    flitch_nodes:program(Name, Index, 0),
    reason(Status).

%% A program whose process was killed ends because its stdin has closed, in its own time, and has the
%% node's name until then.
-spec clear(map()) -> ok.
clear(#{name := Name, index := Index, shutdown := Shutdown} = Options) ->
    case flitch_nodes:program(Name, Index) of
        0 -> ok;
        OsPid ->
            Left = #{os_pid => OsPid},
            _ = is_gone(Left, Options, Shutdown - ?KILL_AHEAD_MS) orelse
                begin
                    signal(Left, "KILL"),
                    is_gone(Left, Options, ?KILLED_MS)
                end,
            flitch_nodes:program(Name, Index, 0)
    end.

is_gone(Left, Options, Ms) ->
    is_gone_until(Left, Options, erlang:monotonic_time(millisecond) + Ms).

%% It is nobody's child that could be waited for: the nodedown tells, or a look.
is_gone_until(#{os_pid := OsPid} = Left, #{node := Node} = Options, Deadline) ->
    case is_of(OsPid, Node) of
        false -> true;
        true ->
            case Deadline - erlang:monotonic_time(millisecond) of
                Ms when Ms =< 0 -> false;
                Ms ->
                    receive {nodedown, Node, _} -> ok after min(Ms, ?LOOK_MS) -> ok end,
                    is_gone_until(Left, Options, Deadline)
            end
    end.

%% The pid may be another program's by now; one that runs says its node's name in its arguments.
is_of(OsPid, Node) ->
    case file:read_file(lists:concat(["/proc/", OsPid, "/cmdline"])) of
        {ok, Line} -> lists:member(atom_to_binary(Node, utf8), binary:split(Line, <<0>>, [global]));
        {error, _} -> false
    end.

%% As long as nobody has received its exit status the pid can be no other program's.
signal(#{os_pid := 0}, _) -> ok;
signal(#{os_pid := Pid}, Signal) ->
    _ = os:cmd(lists:concat(["kill -", Signal, " ", Pid])),
    ok.

%% An exit status in words: those of sysexits, and 128 + N for a signal.
-spec reason(non_neg_integer()) -> normal | {exit, atom() | pos_integer()} | {signal, atom() | pos_integer()}.
reason(0) -> normal;
reason(64) -> {exit, usage};
reason(69) -> {exit, unavailable};
reason(70) -> {exit, software};
reason(75) -> {exit, temporary};
reason(78) -> {exit, config};
reason(Status) when Status > 128 -> {signal, signal_name(Status - 128)};
reason(Status) -> {exit, Status}.

signal_name(1) -> sighup;
signal_name(2) -> sigint;
signal_name(3) -> sigquit;
signal_name(4) -> sigill;
signal_name(5) -> sigtrap;
signal_name(6) -> sigabrt;
signal_name(7) -> sigbus;
signal_name(8) -> sigfpe;
signal_name(9) -> sigkill;
signal_name(10) -> sigusr1;
signal_name(11) -> sigsegv;
signal_name(12) -> sigusr2;
signal_name(13) -> sigpipe;
signal_name(14) -> sigalrm;
signal_name(15) -> sigterm;
signal_name(24) -> sigxcpu;
signal_name(25) -> sigxfsz;
signal_name(31) -> sigsys;
signal_name(N) -> N.

%% ---- its log -----------------------------------------------------------------------------------

%% "<N>text" has the level of syslog; what has none is what a program prints by itself.
-spec log(map(), node(), binary()) -> ok.
log(#{log := none}, _, _) -> ok;
log(#{log := How, name := Name}, Node, Line) ->
    {Level, Text} = level(Line),
    log(How, Level, printable(Text), #{domain => [flitch], flitch => Name, flitch_node => Node}).

log(logger, Level, Text, Meta) -> logger:log(Level, "~ts", [Text], Meta);
log(Fun, Level, Text, _) ->
    _ = Fun(Level, Text),
    ok.

level(<<"<", N, ">", Text/binary>>) when N >= $0, N =< $7 ->
    {element(N - $0 + 1, {emergency, alert, critical, error, warning, notice, info, debug}), Text};
level(Text) -> {info, Text}.

printable(Text) ->
    case unicode:characters_to_binary(Text) of
        Utf8 when is_binary(Utf8) -> Utf8;
        _ -> unicode:characters_to_binary(Text, latin1)
    end.
