%% SPDX-License-Identifier: Apache-2.0
%% A C node's certificate is replaced again and again while three nodes call it by TLS as fast as they
%% can: no call is lost or done twice, no connection ends, and who connects is shown the new one.
-module(t_rotation).
-export([calls_go_on_while_certificates_change_test/1, limit_ms/1]).
-export([calls/2]).
-import(fixture, [line/2, eventually/1]).

-define(NODES, 3).
-define(CALLERS, 50).
-define(ROTATIONS, 10).
-define(CALL_MS, 60000).

limit_ms(_) -> 300000.

calls_go_on_while_certificates_change_test(#{work := Work} = Config) ->
    Own = filename:join([Work, "certs", lists:concat(["rotated_", erlang:unique_integer([positive])])]),
    t_tls:install(Config, "good", Own),
    C = #{node := Node} = t_tls:c_node(Config, none, flags(Config, Own)),
    End = Own ++ ".end",
    Beams = [beam(Config, {?MODULE, calls, [Node, End]})
             || _ <- lists:seq(1, ?NODES)],
    _ = [line(B, "READY") || B <- Beams],
    rotate(Config, C, Own, ?ROTATIONS),
    not_a_pair(Config, C, Own),
    ok = file:write_file(End, ""),
    Results = [fixture:result(B) || B <- Beams],
    Total = lists:sum([Count || {Count, _, _} <- Results]),
    {[], Total} = {[Down || {_, _, Downs} <- Results, Down <- Downs], total(Config, Node)},
    io:format("    ~b calls, none lost, by ~b nodes, ~b a second, ~b rotations~n",
              [Total, ?NODES, lists:sum([Count * 1000 div Ms || {Count, Ms, _} <- Results]), ?ROTATIONS]).

flags(Config, Own) ->
    lists:append([["--set", "tls." ++ Key ++ "=" ++ File]
                  || {Key, File} <- [{"cert", Own ++ ".pem"}, {"key", Own ++ ".key"},
                                     {"ca", t_tls:cert(Config, "ca.pem")}]]).

%% Each time a new node uses it, by a connection that begins with what was read last.
rotate(_, _, _, 0) -> ok;
rotate(Config, #{node := Node} = C, Own, N) ->
    Next = lists:nth(N rem 2 + 1, ["good", "next"]),
    t_tls:install(Config, Next, Own),
    fixture:signal(C, "-HUP"),
    shows(Config, C, Next),
    true = total(Config, Node) > 0,
    rotate(Config, C, Own, N - 1).

shows(Config, C, Name) ->
    Serial = t_tls:serial(Config, Name),
    eventually(fun() -> t_tls:shown(Config, C) =:= {ok, Serial} end).

%% A certificate without its key is refused with a line, and the pair that was there stays.
not_a_pair(Config, C, Own) ->
    {ok, Before} = t_tls:shown(Config, C),
    [Other] = [N || N <- ["good", "next"], t_tls:serial(Config, N) =/= Before],
    {ok, _} = file:copy(t_tls:cert(Config, Other ++ ".pem"), Own ++ ".pem"),
    fixture:signal(C, "-HUP"),
    _ = line(C, "nothing changed: tls.key"),
    {ok, Before} = t_tls:shown(Config, C).

total(Config, Node) -> fixture:result(beam(Config, {gen_server, call, [{counter, Node}, get]})).

beam(Config, MFA) -> t_tls:beam_apply(Config, t_tls:unique(b), #{}, MFA).

%% ---- what BEAM nodes do -----------------------------------------------------------------------

%% Calls until File is there: {how many were answered, milliseconds, nodes that went down}.
calls(Node, File) ->
    pong = net_adm:ping(Node),
    ok = net_kernel:monitor_nodes(true),
    Self = self(),
    Start = erlang:monotonic_time(millisecond),
    Callers = [spawn_link(fun() -> Self ! {self(), call_until_stop(Node, 0)} end)
               || _ <- lists:seq(1, ?CALLERS)],
    io:format("READY~n"),
    eventually(fun() -> filelib:is_file(File) end),
    _ = [Pid ! stop || Pid <- Callers],
    Count = lists:sum([receive {Pid, N} -> N end || Pid <- Callers]),
    {Count, erlang:monotonic_time(millisecond) - Start, downs()}.

call_until_stop(Node, N) ->
    receive stop -> N
    after 0 ->
        Total = gen_server:call({counter, Node}, {add, 1}, ?CALL_MS),
        true = is_integer(Total),
        call_until_stop(Node, N + 1)
    end.

downs() -> receive {nodedown, Node} -> [Node | downs()] after 0 -> [] end.
