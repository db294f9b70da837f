%% SPDX-License-Identifier: Apache-2.0
%% Processes whose numbers have outgrown OTP 23's pids: 15 bits of id, 13 of serial. A node with
%% compat.otp23 = true begins again instead.
-module(t_narrow).
-compile([export_all, nowarn_export_all]).

%% Each slot of the table of processes is taken in turn. A node this young has 64 of them, and keeps
%% to those while few processes are alive at once.
-define(AT_ONCE, 30).
-define(ROUNDS, 64 * 16#2000 div ?AT_ONCE).

worn(Config, Flags) ->
    C = #{node := Node} = fixture:c_node(Config, Flags),
    fixture:repeat(?ROUNDS, fun() ->
        [rpc:cast(Node, erlang, node, []) || _ <- lists:seq(1, ?AT_ONCE)],
        0 = gen_server:call({counter, Node}, get)
    end),
    C.

serial_of(Pid) ->
    Bytes = term_to_binary(Pid),
    <<Serial:32, _Creation:32>> = binary:part(Bytes, byte_size(Bytes), -8),
    Serial.

compat_keeps_pids_narrow_test(Config) ->
    #{node := Node} = worn(Config, ["--set", "compat.otp23=true"]),
    Pids = [erpc:call(Node, erlang, self, []) || _ <- lists:seq(1, 200)],
    [] = [P || P <- Pids, serial_of(P) > 16#1fff],
    Node = rpc:call(Node, erlang, node, []),
    true = lists:member(Node, nodes(connected)).

%% To 23 nothing that names such a process is sent, and the connection stays.
without_it_wide_pids_are_refused_to_old_peers_test(#{release := Release} = Config) ->
    #{node := Node} = worn(Config, []),
    Answers = [catch erpc:call(Node, erlang, self, [], 5000) || _ <- lists:seq(1, 70)],
    Wide = [A || A <- Answers, not is_pid(A) orelse serial_of(A) > 16#1fff],
    true = length(Wide) > 0,
    Release =/= 23 orelse (true = lists:all(fun(A) -> not is_pid(A) end, Wide)),
    Node = rpc:call(Node, erlang, node, []),
    5 = gen_server:call({counter, Node}, {add, 5}),
    true = lists:member(Node, nodes(connected)).
