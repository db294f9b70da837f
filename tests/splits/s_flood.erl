%% SPDX-License-Identifier: Apache-2.0
%% 2,000 connections a second for 30 s from 997 addresses of nobody who belongs to the cluster, each
%% hostile in one of eleven ways (flood.c), while two real nodes call a server all the time.
-module(s_flood).
-export([flood_of_plain_ports_and_epmd_test/0, flood_of_a_tls_port_test/0]).

-define(PORT, 9100).
-define(A_SECOND, 2000).
-define(FLOOD_S, 30).
-define(QUIET_MS, 10000).
-define(CALLERS, 10).
-define(CROWD, 9). % the namespace of the hostile ones
-define(LATER_TIMES, 3).
%% 64 handshakes at a time are allowed, of some 50 KiB each where they are TLS.
-define(PEAK_BYTES, (8 bsl 20)).
%% From the first third of the flood to after its end: 27 bytes a connection.
-define(GROWN_BYTES, (1 bsl 20)).

flood_of_plain_ports_and_epmd_test() ->
    Flags = ["--epmd", "embedded", "--set", "dist.insecure_listen=true"],
    flooded(Flags, [], [{dist, ?PORT}, {epmd, 4369}]).

flood_of_a_tls_port_test() ->
    Certs = filename:join(os:getenv("FL_WORK"), "certs"),
    ok = filelib:ensure_dir(Certs ++ "/x"),
    [] = os:cmd(os:getenv("FL_BUILD") ++ "/tests/make_certs " ++ Certs),
    File = fun(Name) -> filename:join(Certs, Name) end,
    Flags = lists:append([["--set", "tls." ++ Key ++ "=" ++ File(Name)]
                          || {Key, Name} <- [{"cert", "good.pem"}, {"key", "good.key"},
                                             {"ca", "ca.pem"}]]),
    %% Addresses are no names of the certificates.
    flooded(["--set", "tls.check_client_name=false" | Flags], beam_flags(File), [{tls, ?PORT}]).

beam_flags(File) ->
    Own = [{certfile, File("good.pem")}, {keyfile, File("good.key")}, {verify, verify_none}],
    Options = filename:join(os:getenv("FL_WORK"), "tls_options"),
    ok = file:write_file(Options, io_lib:format("~p.~n", [[{server, Own}, {client, Own}]])),
    ["-proto_dist", "inet_tls", "-ssl_dist_optfile", Options].

%% ---- the course of it -------------------------------------------------------------------------

flooded(CFlags, BeamFlags, Targets) ->
    Release = list_to_integer(os:getenv("FL_HOST_RELEASE")),
    Beam = {otp, Release, [{flags, BeamFlags}]},
    Counter = filename:join(os:getenv("FL_BUILD"), "examples/counter.so"),
    C = {c, [{load, [Counter]}, {flags, ["--port", integer_to_list(?PORT) | CFlags]}]},
    splits:cluster([C, Beam, Beam]),
    splits_net:crowd(?CROWD, [1]),
    [pong = splits:call(N, net_adm, ping, [splits:name(1)]) || N <- [2, 3]],
    _ = steady(2000), % tables and pools have the size that the calls need
    Before = resources(),
    {First, QuietCpu} = with_cpu(fun() -> steady(?QUIET_MS) end),
    Flood = flood(Targets),
    Peak = watch_memory(),
    {During, FloodCpu} = with_cpu(fun() -> steady((?FLOOD_S - 4) * 1000) end),
    Newcomer = newcomer(Beam),
    Report = port_result(Flood),
    {Early, Top} = peak(Peak),
    Last = steady(?QUIET_MS),
    After = splits:eventually(fun() -> settled(Before) end),
    judge(#{quiet => merge(First, Last), during => During, report => Report, newcomer => Newcomer,
            cpu => {QuietCpu * 1000 div ?QUIET_MS, FloodCpu div (?FLOOD_S - 4)},
            before => Before, early => Early, top => Top, 'after' => After}).

with_cpu(Fun) ->
    Start = cpu_ms(),
    Result = Fun(),
    {Result, cpu_ms() - Start}.

%% Both nodes at once.
steady(Ms) ->
    Self = self(),
    Pids = [spawn_link(fun() ->
                Self ! {self(), splits:call(N, steady, calls, [splits:name(1), ?CALLERS, Ms], Ms + 60000)}
            end) || N <- [2, 3]],
    lists:foldl(fun merge/2, none, [receive {Pid, Result} -> Result end || Pid <- Pids]).

merge(A, none) -> A;
merge(#{times := T1, failed := F1, downs := D1}, #{times := T2, failed := F2, downs := D2}) ->
    #{times => maps:fold(fun(K, N, T) -> T#{K => N + maps:get(K, T, 0)} end, T1, T2),
      failed => F1 + F2, downs => D1 + D2}.

%% A node of an address that was never seen gets in while they come; milliseconds.
newcomer(Beam) ->
    Start = splits:now_ms(),
    splits:add(4, Beam),
    pong = splits:eventually(fun() -> is_in(splits:call(4, net_adm, ping, [splits:name(1)])) end),
    splits:now_ms() - Start.

is_in(pong) -> pong;
is_in(pang) -> false.

%% ---- the hostile ones -------------------------------------------------------------------------

flood(Targets) ->
    %% They would have machines of their own: here they get what the nodes leave of this one.
    Args = ["netns", "exec", splits_net:space(?CROWD), "nice", os:getenv("FL_BUILD") ++ "/tests/flood",
            splits_net:address(1), "10.78.0.1", "997", integer_to_list(?A_SECOND),
            integer_to_list(?FLOOD_S), atom_to_list(splits:name(2))] ++
           [lists:concat([Kind, ":", Port]) || {Kind, Port} <- Targets],
    open_port({spawn_executable, os:find_executable("ip")}, [{args, Args}, {line, 1000}, exit_status]).

%% What it counted.
port_result(Port) -> port_result(Port, none).

port_result(Port, Report) ->
    receive
        {Port, {data, {eol, "FLOOD " ++ Text}}} ->
            Pairs = [string:split(P, "=") || P <- string:lexemes(Text, " ")],
            port_result(Port, maps:from_list([{list_to_atom(K), V} || [K, V] <- Pairs]));
        {Port, {exit_status, 0}} -> Report;
        {Port, Other} -> exit({flood, Other})
    after 60000 -> exit(flood_does_not_end)
    end.

%% ---- what the node holds ----------------------------------------------------------------------

resources() ->
    Proc = lists:concat(["/proc/", splits:os_pid(1)]),
    {ok, Status} = file:read_file(Proc ++ "/status"),
    {match, [KiB]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    {ok, Files} = file:list_dir(Proc ++ "/fd"),
    {list_to_integer(KiB) * 1024, length(Files)}.

%% User and system time; clock ticks are 10 ms.
cpu_ms() ->
    {ok, Stat} = file:read_file(lists:concat(["/proc/", splits:os_pid(1), "/stat"])),
    [_, Rest] = string:split(Stat, ") "),
    Fields = string:lexemes(Rest, " "),
    lists:sum([binary_to_integer(lists:nth(K, Fields)) || K <- [12, 13]]) * 10.

%% Those of the newcomer aside.
settled({_, Files}) ->
    {_, Now} = Resources = resources(),
    Now =< Files + 1 andalso Resources.

watch_memory() ->
    Early = splits:now_ms() + ?FLOOD_S * 1000 div 3,
    spawn_link(fun() -> watch_memory(Early, 0, 0) end).

%% The most of the first third, and of all the time.
watch_memory(End, Early, Most) ->
    receive
        {peak, From} -> From ! {self(), {Early, Most}}
    after 50 ->
        {Bytes, _} = resources(),
        case splits:now_ms() < End of
            true -> watch_memory(End, max(Early, Bytes), max(Most, Bytes));
            false -> watch_memory(End, Early, max(Most, Bytes))
        end
    end.

peak(Watcher) ->
    Watcher ! {peak, self()},
    receive {Watcher, Most} -> Most end.

%% ---- what must hold ---------------------------------------------------------------------------

judge(#{quiet := Quiet, during := During, report := Report, before := {Before, _}, early := Early,
        top := Top, 'after' := {After, _}} = All) ->
    tell(All),
    Attempts = list_to_integer(maps:get(attempts, Report)),
    true = Attempts >= ?A_SECOND * ?FLOOD_S * 95 div 100,
    [{0, 0} = {Failed, Downs} || #{failed := Failed, downs := Downs} <- [Quiet, During]],
    [Q99, D99] = [percentile(99, Of) || Of <- [Quiet, During]],
    {true, _} = {D99 =< ?LATER_TIMES * Q99, {p99, D99, quiet, Q99}},
    {true, _} = {After =< Early + ?GROWN_BYTES, {grown, After - Early}},
    {true, _} = {Top =< Before + ?PEAK_BYTES, {peak, Top - Before}},
    ok.

tell(#{quiet := Quiet, during := During, report := Report, newcomer := Newcomer, cpu := {QuietCpu, FloodCpu},
       before := {Before, Files}, early := Early, top := Top, 'after' := {After, FilesAfter}}) ->
    io:format("    attempts ~s, connected ~s, ended by the node ~s~n",
              [maps:get(K, Report) || K <- [attempts, connected, ended]]),
    [io:format("    ~s: ~b calls, p50 ~b us, p99 ~b us; the node takes ~b ms of processor time a second~n",
               [When, count(Of), percentile(50, Of), percentile(99, Of), Cpu])
     || {When, Of, Cpu} <- [{"quiet", Quiet, QuietCpu}, {"under the flood", During, FloodCpu}]],
    io:format("    resident: ~.1f MiB before, ~.1f in its first third, ~.1f at most, ~.1f after; descriptors: ~b, then ~b;"
              " a newcomer starts and is in after ~b ms~n",
              [mib(Before), mib(Early), mib(Top), mib(After), Files, FilesAfter, Newcomer]).

mib(Bytes) -> Bytes / (1 bsl 20).

count(#{times := Times}) -> lists:sum(maps:values(Times)).

percentile(P, #{times := Times} = Of) ->
    at(lists:sort(maps:to_list(Times)), count(Of) * P div 100).

at([{Us, N} | _], Rank) when Rank =< N -> Us;
at([{_, N} | Rest], Rank) -> at(Rest, Rank - N).
