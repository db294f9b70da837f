%% SPDX-License-Identifier: Apache-2.0
%% Connections by TLS, as -proto_dist inet_tls has them: both directions, both versions, and each
%% certificate that is not good enough, with the line that a C node says about it. The nodes are of
%% localhost, since a BEAM before 27 accepts no address in a certificate.
-module(t_tls).
-compile([export_all, nowarn_export_all]).
-import(fixture, [line/2, eventually/1]).

-define(PLAIN, none).

%% ---- nodes ------------------------------------------------------------------------------------

unique(Prefix) ->
    list_to_atom(lists:concat([Prefix, "_", os:getpid(), "_", erlang:unique_integer([positive]),
                               "@localhost"])).

cert(#{work := Work}, Name) -> filename:join([Work, "certs", Name]).

c_flags(_, ?PLAIN) -> [];
c_flags(Config, Cert) ->
    lists:append([["--set", lists:concat(["tls.", Key, "=", File])]
                  || {Key, File} <- [{cert, cert(Config, Cert ++ ".pem")},
                                     {key, cert(Config, Cert ++ ".key")},
                                     {ca, cert(Config, "ca.pem")}]]).

c_node(Config, Cert, Flags) ->
    Handle = c_program(Config, Cert, Flags),
    _ = line(Handle, "READY node="),
    Handle.

c_program(#{flitch := Flitch, build := Build, cookie_file := File} = Config, Cert, Flags) ->
    Name = unique(c),
    fixture:start(Name, Flitch,
        ["run", "--parent-stdin", "--sname", atom_to_list(Name), "--cookie-file", File, "--load",
         Build ++ "/examples/counter.so", "--load", Build ++ "/examples/echo.so", "--set",
         "log.level=info"] ++ c_flags(Config, Cert) ++ Flags).

%% A BEAM node that applies {?MODULE, F, A} and ends; fixture:result/1 waits for the value.
beam(Config, Options, F, A) -> beam(Config, unique(b), Options, F, A).

beam(Config, Name, Options, F, A) -> beam_apply(Config, Name, Options, {?MODULE, F, A}).

beam_apply(#{cookie := Cookie} = Config, Name, Options, MFA) ->
    Text = binary_to_list(base64:encode(term_to_binary(MFA))),
    fixture:start(Name, os:find_executable("erl"),
        ["-noinput", "-sname", atom_to_list(Name), "-pa", filename:dirname(code:which(?MODULE)),
         "-setcookie", atom_to_list(Cookie), "-kernel", "inet_dist_use_interface",
         "{127,0,0,1}"] ++ beam_flags(Config, Options) ++
        ["-eval", "fixture:run(\"" ++ Text ++ "\")."]).

beam_flags(_, ?PLAIN) -> [];
beam_flags(#{work := Work} = Config, Options) ->
    File = filename:join(Work, lists:concat(["opt_", erlang:unique_integer([positive])])),
    Trust = [{cacertfile, cert(Config, "ca.pem")}, {verify, verify_peer}],
    Common = own(Config, maps:get(cert, Options, "good")) ++ versions(Options),
    Roles = [{server, Trust ++ [{fail_if_no_peer_cert, true} | Common]},
             {client, Trust ++ maps:get(client, Options, Common)}],
    ok = file:write_file(File, io_lib:format("~p.~n", [Roles])),
    ["-proto_dist", "inet_tls", "-ssl_dist_optfile", File].

own(Config, Name) ->
    [{certfile, cert(Config, Name ++ ".pem")}, {keyfile, cert(Config, Name ++ ".key")}].

versions(#{versions := Versions}) -> [{versions, Versions}];
versions(_) -> [].

%% ---- what BEAM nodes do -----------------------------------------------------------------------

use(Node) ->
    pong = net_adm:ping(Node),
    5 = gen_server:call({counter, Node}, {add, 5}),
    Bin = binary:copy(<<"0123456789abcdef">>, 65536),
    Bin = gen_server:call({echo, Node}, Bin),
    Ref = monitor(process, {nobody, Node}),
    receive {'DOWN', Ref, process, _, noproc} -> ok end,
    [Node] = nodes(),
    true = erlang:disconnect_node(Node),
    pong = net_adm:ping(Node),
    ok.

pings(Node) -> net_adm:ping(Node).

%% Waits to be found, then uses who found it.
is_found() ->
    ok = net_kernel:monitor_nodes(true),
    io:format("READY~n"),
    receive {nodeup, Node} -> use(Node)
    after 60000 -> not_found
    end.

stays() ->
    io:format("READY~n"),
    receive stop -> ok after 60000 -> ok end.

%% ---- both directions, both versions -----------------------------------------------------------

both(Config, Options) ->
    #{node := Node} = c_node(Config, "good", []),
    ok = fixture:result(beam(Config, Options, use, [Node])),
    B = beam(Config, Options, is_found, []),
    _ = line(B, "READY"),
    #{node := BeamNode} = B,
    _ = c_node(Config, "good", ["--join", atom_to_list(BeamNode)]),
    ok = fixture:result(B).

beam_and_c_talk_by_the_beam_s_own_version_test(Config) -> both(Config, #{}).

beam_and_c_talk_by_12_test(Config) -> both(Config, #{versions => ['tlsv1.2']}).

beam_and_c_talk_by_13_test(Config) -> both(Config, #{versions => ['tlsv1.3']}).

c_and_c_talk_test(Config) ->
    A = c_node(Config, "good", []),
    #{node := Node} = A,
    B = c_node(Config, "next", ["--join", atom_to_list(Node)]),
    _ = line(B, "nodeup " ++ atom_to_list(Node)),
    _ = line(A, "nodeup"),
    ok.

command_line_visits_by_tls_test(#{flitch := Flitch, cookie_file := File} = Config) ->
    #{node := Node} = c_node(Config, "good", []),
    Call = fixture:start(call, Flitch, ["call", "--cookie-file", File] ++ c_flags(Config, "good") ++
                                       [atom_to_list(Node), "counter", "{add, 3}"]),
    _ = line(Call, "3"),
    0 = fixture:ended(Call).

%% ---- certificates that are not good enough ----------------------------------------------------

%% The BEAM dials with Cert; nothing comes of it, and the C node says Text.
beam_is_refused(Config, Options, Flags, Text) ->
    C = #{node := Node} = c_node(Config, "good", Flags),
    pang = fixture:result(beam(Config, Options, pings, [Node])),
    _ = line(C, Text),
    ok = fixture:result(beam(Config, #{}, use, [Node])).

%% The C node dials a BEAM that shows Cert, and says Text.
beam_is_refused_as_server(Config, Cert, Flags, Text) ->
    B = beam(Config, #{cert => Cert}, stays, []),
    _ = line(B, "READY"),
    C = c_node(Config, "good", ["--join", atom_to_list(maps:get(node, B))] ++ Flags),
    _ = line(C, Text),
    ok.

expired_client_is_refused_test(Config) ->
    beam_is_refused(Config, #{cert => "expired"}, [], "certificate has expired; renew it").

expired_server_is_refused_test(Config) ->
    beam_is_refused_as_server(Config, "expired", [], "certificate has expired; renew it").

self_signed_client_is_refused_test(Config) ->
    beam_is_refused(Config, #{cert => "own"}, [], "have it signed by an authority in tls.ca").

self_signed_server_is_refused_test(Config) ->
    beam_is_refused_as_server(Config, "own", [], "have it signed by an authority in tls.ca").

client_of_another_host_is_refused_test(Config) ->
    beam_is_refused(Config, #{cert => "other"}, [], "TLS certificate is for other names").

client_of_another_host_is_taken_where_names_do_not_count_test(Config) ->
    #{node := Node} = c_node(Config, "good", ["--set", "tls.check_client_name=false"]),
    ok = fixture:result(beam(Config, #{cert => "other"}, use, [Node])).

server_of_another_host_is_refused_test(Config) ->
    beam_is_refused_as_server(Config, "other", [], "subjectAltName has DNS:HOST").

certificate_for_servers_is_refused_of_a_client_test(Config) ->
    beam_is_refused(Config, #{cert => "server"}, [], "extendedKeyUsage = serverAuth, clientAuth").

certificate_for_clients_is_refused_of_a_server_test(Config) ->
    beam_is_refused_as_server(Config, "client", [], "extendedKeyUsage = serverAuth, clientAuth").

client_without_certificate_is_refused_test(Config) ->
    beam_is_refused(Config, #{client => []}, [], "showed no certificate").

revoked_client_is_refused_test(Config) ->
    beam_is_refused(Config, #{cert => "revoked"},
                    ["--set", "tls.crl=" ++ cert(Config, "revoked.crl")], "certificate revoked").

revoked_server_is_refused_test(Config) ->
    beam_is_refused_as_server(Config, "revoked",
                              ["--set", "tls.crl=" ++ cert(Config, "revoked.crl")],
                              "certificate revoked").

%% A BEAM that is the client looks at the certificate of the C node, too.
c_node_of_another_host_is_refused_by_the_beam_test(Config) ->
    C = #{node := Node} = c_node(Config, "other", []),
    pang = fixture:result(beam(Config, #{}, pings, [Node])),
    _ = line(C, "the other side refused TLS with this node"),
    ok.

%% ---- plain against TLS ------------------------------------------------------------------------

plain_beam_at_a_tls_port_is_told_test(Config) ->
    C = #{node := Node} = c_node(Config, "good", []),
    pang = fixture:result(beam(Config, ?PLAIN, pings, [Node])),
    _ = line(C, "what came is no TLS; the other side speaks plain distribution"),
    ok.

tls_beam_at_a_plain_port_is_told_test(Config) ->
    C = #{node := Node} = c_node(Config, ?PLAIN, []),
    pang = fixture:result(beam(Config, #{}, pings, [Node])),
    _ = line(C, "TLS"),
    ok.

c_dials_a_plain_beam_by_tls_test(Config) ->
    B = beam(Config, ?PLAIN, stays, []),
    _ = line(B, "READY"),
    C = c_node(Config, "good", ["--join", atom_to_list(maps:get(node, B)), "--set",
                                "dist.setup_time=500ms"]),
    _ = line(C, "TLS handshake"),
    ok.

c_dials_a_tls_beam_plainly_test(Config) ->
    B = beam(Config, #{}, stays, []),
    _ = line(B, "READY"),
    C = c_node(Config, ?PLAIN, ["--join", atom_to_list(maps:get(node, B)), "--set",
                                "dist.setup_time=500ms"]),
    _ = line(C, "TLS"),
    ok.

%% ---- what a node shows, for t_rotation -----------------------------------------------------------

install(Config, From, To) ->
    _ = [{ok, _} = file:copy(cert(Config, From ++ End), To ++ End) || End <- [".pem", ".key"]],
    ok = file:change_mode(To ++ ".key", 8#600).

%% The serial number of what the node shows, and of what lies in a file.
shown(#{work := Work} = Config, #{node := Node}) ->
    {ok, _} = application:ensure_all_started(ssl),
    [Alive, _] = string:split(atom_to_list(Node), "@"),
    {port, Port, _} = erl_epmd:port_please(Alive, {127, 0, 0, 1}),
    {ok, Socket} = ssl:connect({127, 0, 0, 1}, Port,
                               own(Config#{work := Work}, "good") ++ [{verify, verify_none}], 60000),
    {ok, Der} = ssl:peercert(Socket),
    ok = ssl:close(Socket),
    {ok, serial_of(Der)}.

serial(Config, Name) ->
    {ok, Pem} = file:read_file(cert(Config, Name ++ ".pem")),
    [{'Certificate', Der, not_encrypted} | _] = public_key:pem_decode(Pem),
    serial_of(Der).

%% Certificate = {TBS, _, _}, TBS = {Version, Serial, ...}, whatever a release names the records.
serial_of(Der) -> element(3, element(2, public_key:pkix_decode_cert(Der, plain))).
