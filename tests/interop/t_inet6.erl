%% SPDX-License-Identifier: Apache-2.0
%% Clusters of IPv6, as -proto_dist inet6_tcp and inet6_tls have them: both directions, epmd of either
%% kind at ::1, addresses that are known beforehand. On a machine without ::1 nothing of this can be.
-module(t_inet6).
-compile([export_all, nowarn_export_all]).
-import(fixture, [line/2]).

-define(LOOPBACK, {0, 0, 0, 0, 0, 0, 0, 1}).

unique(Prefix) ->
    list_to_atom(lists:concat([Prefix, "_", os:getpid(), "_", erlang:unique_integer([positive]), "@::1"])).

%% False, and a word about it, where the machine has no IPv6.
has_inet6() ->
    case gen_tcp:listen(0, [inet6, {ip, ?LOOPBACK}]) of
        {ok, Socket} -> gen_tcp:close(Socket), true;
        {error, Why} -> io:format("left out: this machine has no ::1 (~p)~n", [Why]), false
    end.

%% ---- nodes ------------------------------------------------------------------------------------

c_program(#{flitch := Flitch, build := Build, cookie_file := File}, Name, Flags) ->
    fixture:start(Name, Flitch,
        ["run", "--parent-stdin", "--name", atom_to_list(Name), "--listen", "::1", "--cookie-file",
         File, "--load", Build ++ "/examples/counter.so", "--load", Build ++ "/examples/echo.so",
         "--set", "log.level=info"] ++ Flags).

c_node(Config, Flags) -> c_node(Config, unique(c), Flags).
c_node(Config, Name, Flags) ->
    Handle = c_program(Config, Name, Flags),
    Ready = line(Handle, "READY node="),
    [_, Tail] = binary:split(Ready, <<"port=">>),
    [Port | _] = binary:split(Tail, <<" ">>),
    Handle#{port => binary_to_list(Port)}.

%% A BEAM node that applies {t_tls, F, A} and ends; fixture:result/1 waits for the value.
beam(Config, F, A) -> beam(Config, unique(b), ["-proto_dist", "inet6_tcp"], F, A).
beam(#{cookie := Cookie}, Name, Flags, F, A) ->
    Text = binary_to_list(base64:encode(term_to_binary({t_tls, F, A}))),
    fixture:start(Name, os:find_executable("erl"),
        ["-noinput", "-name", atom_to_list(Name), "-pa", filename:dirname(code:which(?MODULE)),
         "-setcookie", atom_to_list(Cookie), "-kernel", "inet_dist_use_interface",
         "{0,0,0,0,0,0,0,1}"] ++ Flags ++ ["-eval", "fixture:run(\"" ++ Text ++ "\")."]).

is_found(B = #{node := Name}, StartC) ->
    _ = line(B, "READY"),
    _ = StartC(["--join", atom_to_list(Name)]),
    ok = fixture:result(B).

%% ---- tests ------------------------------------------------------------------------------------

beam_finds_c_test(Config) -> has_inet6() andalso beam_finds_c(Config, []), ok.

beam_finds_c(Config, Flags) ->
    #{node := Node} = c_node(Config, Flags),
    ok = fixture:result(beam(Config, use, [Node])).

c_finds_beam_test(Config) ->
    has_inet6() andalso is_found(beam(Config, is_found, []), fun(F) -> c_node(Config, F) end),
    ok.

%% A node of a cluster of IPv6 may listen for both kinds: BEAM nodes of either find it by epmd.
node_at_any_address_is_found_by_both_kinds_test(Config) ->
    has_inet6() andalso begin
        Flags = ["--listen", "::", "--set", "dist.insecure_listen=true"],
        Six = c_program(Config, unique(c), Flags),
        _ = line(Six, "READY node="),
        ok = fixture:result(beam(Config, use, [maps:get(node, Six)])),
        Four = c_program(Config, fixture:unique(c), Flags),
        _ = line(Four, "READY node="),
        ok = fixture:result(fixture:beam_apply(Config, [], {t_tls, use, [maps:get(node, Four)]}))
    end,
    ok.

c_finds_c_at_an_address_that_is_known_test(#{work := Work} = Config) ->
    has_inet6() andalso begin
        Free = free_port(),
        A = c_node(Config, ["--epmd", "off", "--port", Free]),
        #{node := Node} = A,
        File = filename:join(Work, "inet6.conf"),
        ok = file:write_file(File, ["peers = ({ name = \"", atom_to_list(Node), "\"; address = \"[::1]:",
                                    Free, "\"; });\n"]),
        B = c_node(Config, ["--config", File, "--join", atom_to_list(Node)]),
        _ = line(B, "nodeup " ++ atom_to_list(Node)),
        _ = line(A, "nodeup")
    end,
    ok.

%% The C node's own epmd, at a port where nobody else's is.
beam_registers_in_the_epmd_of_a_c_node_test(Config) ->
    has_inet6() andalso begin
        Before = os:getenv("ERL_EPMD_PORT"),
        os:putenv("ERL_EPMD_PORT", free_port()),
        try
            #{node := Node} = c_node(Config, ["--epmd", "embedded"]),
            ok = fixture:result(beam(Config, use, [Node])),
            is_found(beam(Config, is_found, []), fun(F) -> c_node(Config, F) end)
        after
            os:putenv("ERL_EPMD_PORT", Before)
        end
    end,
    ok.

command_line_visits_test(#{flitch := Flitch, cookie_file := File} = Config) ->
    has_inet6() andalso begin
        #{node := Node} = c_node(Config, []),
        Call = fixture:start(call, Flitch, ["call", "--cookie-file", File, atom_to_list(Node), "counter",
                                            "{add, 3}"]),
        0 = fixture:ended(Call),
        [<<"3">>] = fixture:lines(Call)
    end,
    ok.

%% A BEAM before 27 accepts no address in a certificate.
tls_both_ways_test(#{work := Work} = Config) ->
    has_inet6() andalso list_to_integer(erlang:system_info(otp_release)) >= 27 andalso begin
        Tls = t_tls:c_flags(Config, "good"),
        #{node := Node} = c_node(Config, Tls),
        [_, Plain, "-ssl_dist_optfile", File] = t_tls:beam_flags(Config, #{}),
        "inet_tls" = Plain,
        true = lists:prefix(Work, File),
        Flags = ["-proto_dist", "inet6_tls", "-ssl_dist_optfile", File],
        ok = fixture:result(beam(Config, unique(b), Flags, use, [Node])),
        is_found(beam(Config, unique(b), Flags, is_found, []), fun(F) -> c_node(Config, Tls ++ F) end)
    end,
    ok.

free_port() ->
    {ok, Socket} = gen_tcp:listen(0, [inet6, {ip, ?LOOPBACK}]),
    {ok, Port} = inet:port(Socket),
    gen_tcp:close(Socket),
    integer_to_list(Port).
