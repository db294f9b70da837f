/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_EVENTS_H
#define FLITCH_EVENTS_H

/*
 * Events: what happens, told to whoever is attached. The library `telemetry` of Erlang and Elixir,
 * in C.
 *
 *     fl_telemetry_attach(node, "my_log", "[shop, order, done]", on_done, &log);
 *     fl_telemetry_execute(self, "[shop, order, done]", "{#{count => ~}, #{id => ~}}", n, id);
 *
 *     execute --> handlers of that name, in the order of their attachment, on the same stack
 *             `-> {Name, Ref, Measurements, Metadata} to processes that have subscribed
 *
 * A name is a list of atoms, in Erlang notation. While nobody is attached an execute costs one
 * branch: nothing is built. A handler that fails is detached from all of its events, the log says
 * so, and [telemetry, handler, failure] is executed.
 *
 * The node itself executes, each with system_time (us) among its measurements:
 *
 *     [flitch, process, start]       #{pid, behaviour, name}
 *     [flitch, process, exit]        the same and reason
 *     [flitch, call, stop]           a call was handled: duration (ns); #{pid, behaviour, caller}
 *     [flitch, call, exception]      the server ended in it: the same and reason
 *     [flitch, supervisor, child, start]    #{supervisor => {local, Name}, id, pid}
 *     [flitch, supervisor, child, report]   the same, context and reason, as in OTP's reports
 *     [flitch, connection, up]       #{node, hidden}
 *     [flitch, connection, down]     #{node, hidden, reason}
 *     [flitch, partition, state]     #{from, to, reason, ...}: what flitch_partition:explain() has
 *     [flitch, partition, tick_time] #{node, here, there}: a member's differs (s)
 *     [flitch, registry, register], [flitch, registry, unregister]      #{registry, key, pid}
 *     [flitch, table, new]           size and memory (bytes) as well; #{table, name, type, owner}
 *     [flitch, table, delete]        by its owner, or with it: the same, of the moment before
 *     [flitch, table, give_away]     or inherited: the same, and who had it, from
 *
 * Other nodes: telemetry_test:attach_event_handlers(Pid, Names) by rpc gives a reference, and Pid
 * gets the messages above until telemetry:detach(Ref); telemetry:execute/2,3 and list_handlers/1
 * are there as well.
 *
 * Source: hexdocs.pm/telemetry.
 *
 * Threads: attach and detach from any; a handler runs on the thread that executes. Memory: names
 * are copied, `config` is the caller's: a handler may still run for it when detach has returned on
 * another thread. Errors: FL_E*. Limits: 1,024 handlers, of 64 events each.
 */

#include "flitch/node.h"

typedef struct fl_telemetry {
	fl_node *node;
	fl_proc *self; /* who executes; NULL: the node itself */
	fl_term name, measurements, metadata;
} fl_telemetry;

/*
 * FL_OK; anything else has failed. For events of the node (`self` is NULL) it runs in the midst of
 * the runtime: it counts, or logs, but neither waits nor calls anything that takes `self`.
 */
typedef int fl_telemetry_handler(const fl_telemetry *event, void *config);

/* FL_EALREADY: that id is attached. FL_EFORMAT: the name is no list of atoms. FL_ELIMIT. */
int fl_telemetry_attach(fl_node *node, const char *id, const char *event,
	fl_telemetry_handler *handler, void *config);
/* The same for several; NULL ends the list. */
int fl_telemetry_attach_many(fl_node *node, const char *id, const char *const *events,
	fl_telemetry_handler *handler, void *config);
/* FL_ENOENT: no such id. */
int fl_telemetry_detach(fl_node *node, const char *id);
/*
 * `info` of this process gets {Name, Ref, Measurements, Metadata} for each of the events, until it
 * ends or fl_telemetry_unsubscribe. ret_ref may be NULL.
 */
int fl_telemetry_subscribe(fl_proc *self, const char *const *events, fl_ref *ret_ref);
int fl_telemetry_unsubscribe(fl_proc *self, fl_ref ref);
/*
 * Appends [#{id, event_name, function, config}] of the handlers whose events begin with `prefix`,
 * as telemetry:list_handlers does.
 */
int fl_telemetry_handlers(fl_node *node, const char *prefix, fl_buf *ret_list);

int fl_telemetry_execute_spec(fl_proc *self, const char *event, fl_spec measurements_and_metadata);
/* The pattern is {Measurements, Metadata}, two maps. A failing handler is no error here. */
#define fl_telemetry_execute(self, event, ...)                                                     \
	fl_telemetry_execute_spec((self), (event), fl_spec(__VA_ARGS__))

/* What is measured; it may append one map, which is added to the metadata of `stop`. */
typedef int fl_telemetry_work(fl_proc *self, void *arg, fl_buf *ret_metadata);
int fl_telemetry_span_spec(
	fl_proc *self, const char *prefix, fl_telemetry_work *work, void *arg, fl_spec metadata);
/*
 * telemetry:span: executes prefix ++ [start], runs `work`, executes prefix ++ [stop], or, where it
 * returned an FL_E*, prefix ++ [exception] with kind, reason and stacktrace. Gives what `work` did.
 */
#define fl_telemetry_span(self, prefix, work, arg, ...)                                            \
	fl_telemetry_span_spec((self), (prefix), (work), (arg), fl_spec(__VA_ARGS__))

#endif
