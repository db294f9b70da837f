%% SPDX-License-Identifier: Apache-2.0
%% RabbitMQ, which calls global:sync/0 at boot, and runs without prevent_overlapping_partitions.
-module(a_rabbitmq).
-export([name/0, prepare/0, start/1, stop/0, restart/0, works/0, logs/0, pop/0]).

-define(CTL, "/usr/sbin/rabbitmqctl ").

name() -> 'rabbit@127.0.0.1'.

pop() -> false.

prepare() ->
    apps:cookie_for("rabbitmq", "/var/lib/rabbitmq"),
    ok.

%% Its distribution starts long after the kernel, which cannot wait for nodes then.
start(_WaitFor) ->
    ok = file:write_file(apps:root() ++ "/etc/rabbitmq/rabbitmq-env.conf",
                         ["USE_LONGNAME=true\nNODENAME=", atom_to_list(name()), "\n"]),
    apps:in_tree("/usr/sbin/rabbitmq-server -detached"),
    apps:eventually(fun() -> net_adm:ping(name()) =:= pong end),
    apps:in_tree(?CTL "await_startup --timeout 100"),
    %% counted from here on
    1 = rpc:call(name(), erlang, trace_pattern, [{global, sync, 0}, true, [call_count]]).

stop() ->
    apps:in_tree(?CTL "stop /var/lib/rabbitmq/mnesia/" ++ atom_to_list(name()) ++ ".pid").

restart() ->
    Before = syncs(),
    apps:in_tree(?CTL "stop_app"),
    apps:in_tree(?CTL "start_app"),
    apps:in_tree(?CTL "await_startup --timeout 100"),
    true = syncs() > Before.

syncs() ->
    {call_count, N} = rpc:call(name(), erlang, trace_info, [{global, sync, 0}, call_count]),
    N.

works() ->
    true = rpc:call(name(), rabbit, is_running, []),
    apps:in_tree(?CTL "add_vhost tried"),
    apps:in_tree(?CTL "delete_vhost tried").

logs() -> "/var/log/rabbitmq/*".
