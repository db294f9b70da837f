%% SPDX-License-Identifier: Apache-2.0
%% ejabberd, with Mnesia and prevent_overlapping_partitions as OTP has it.
-module(a_ejabberd).
-export([name/0, prepare/0, start/1, stop/0, restart/0, works/0, logs/0, pop/0]).

-define(CTL, "/usr/sbin/ejabberdctl ").
-define(SETTINGS, "/etc/default/ejabberd").

name() -> 'ejabberd@127.0.0.1'.

pop() -> true.

%% Its folder in /run is systemd's to make.
prepare() ->
    apps:cookie_for("ejabberd", "/var/lib/ejabberd"),
    apps:in_tree("install -d -o ejabberd /run/ejabberd"),
    apps:sh(["cp ", apps:root(), ?SETTINGS " ", apps:root(), ?SETTINGS ".first"]),
    ok.

start(WaitFor) ->
    apps:sh(["cp ", apps:root(), ?SETTINGS ".first ", apps:root(), ?SETTINGS]),
    ok = file:write_file(apps:root() ++ ?SETTINGS,
                         ["\nERLANG_NODE=", atom_to_list(name()), "\nERL_OPTIONS=\"",
                          flags(WaitFor), "\"\n"], [append]),
    apps:in_tree(?CTL "start"),
    apps:in_tree(?CTL "started").

%% Its kernel waits for these nodes, and for global to be in sync with them.
flags([]) -> "";
flags(Nodes) ->
    io_lib:format("-kernel sync_nodes_mandatory ~0p -kernel sync_nodes_timeout 60000", [Nodes]).

stop() ->
    apps:in_tree(?CTL "stop"),
    apps:in_tree(?CTL "stopped").

%% init:restart/0: the same operating system process, all else new.
restart() ->
    Before = rpc:call(name(), erlang, whereis, [ejabberd_sup]),
    apps:in_tree(?CTL "restart"),
    apps:eventually(fun() ->
        After = rpc:call(name(), erlang, whereis, [ejabberd_sup]),
        is_pid(After) andalso After =/= Before
    end),
    apps:in_tree(?CTL "started").

works() ->
    apps:in_tree(?CTL "status"),
    apps:in_tree(?CTL "register tried localhost secret"),
    apps:in_tree(?CTL "unregister tried localhost").

logs() -> "/var/log/ejabberd/*".
