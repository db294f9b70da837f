/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_EVENTS_H
#define FLI_EVENTS_H

/*
 * Who is attached to which event, and the node's own events.
 *
 *     if (FLI_UNLIKELY(fli_event_wanted(node, FLI_EVENT_PROCESS_START)))
 *             fli_event_emit(node, FLI_EVENT_PROCESS_START, fl_spec("{#{}, #{pid => ~}}", pid));
 *
 * Threads: the owner of the node's context, but for fli_event_wanted. Memory: hangs from the node.
 * Errors: FL_E*. Limits: those below.
 */

#include "flitch/events.h"
#include "node/runtime.h"

#define FLI_EVENT_HANDLERS_MAX 1024
#define FLI_EVENT_NAMES_MAX 64 /* of one handler */
#define FLI_EVENT_NAME_BYTES_MAX 4096
#define FLI_EVENT_NAMES_BYTES_MAX (1u << 20) /* of all that somebody is attached to */
#define FLI_EVENT_DEPTH_MAX 8                /* events of handlers of events */

#define FLI_EVENTS(X)                                                                              \
	X(PROCESS_START, "[flitch, process, start]")                                               \
	X(PROCESS_EXIT, "[flitch, process, exit]")                                                 \
	X(CALL_STOP, "[flitch, call, stop]")                                                       \
	X(CALL_EXCEPTION, "[flitch, call, exception]")                                             \
	X(CHILD_START, "[flitch, supervisor, child, start]")                                       \
	X(CHILD_REPORT, "[flitch, supervisor, child, report]")                                     \
	X(CONNECTION_UP, "[flitch, connection, up]")                                               \
	X(CONNECTION_DOWN, "[flitch, connection, down]")                                           \
	X(REGISTER, "[flitch, registry, register]")                                                \
	X(UNREGISTER, "[flitch, registry, unregister]")                                            \
	X(TABLE_NEW, "[flitch, table, new]")                                                       \
	X(TABLE_DELETE, "[flitch, table, delete]")                                                 \
	X(TABLE_GIVE_AWAY, "[flitch, table, give_away]")                                           \
	X(PARTITION, "[flitch, partition, state]")                                                 \
	X(TICK_TIME, "[flitch, partition, tick_time]")

typedef enum fli_event_kind {
#define FLI_EVENT_ENUM(name, text) FLI_EVENT_##name,
	FLI_EVENTS(FLI_EVENT_ENUM)
#undef FLI_EVENT_ENUM
		FLI_EVENT_COUNT
} fli_event_kind;

static inline bool fli_event_wanted(const fl_node *node, fli_event_kind kind)
{
	/* relaxed: who attaches hears what happens afterwards, soon */
	return (atomic_load_explicit(&node->events_wanted, memory_order_relaxed) & (1U << kind)) !=
	       0;
}

/* An event of the node: {Measurements, Metadata}. The caller has looked whether it is wanted. */
void fli_event_emit(fl_node *node, fli_event_kind kind, fl_spec measurements_and_metadata);
/* Its most usual form: metadata alone, system_time being measured. */
void fli_event_tell(fl_node *node, fli_event_kind kind, fl_spec metadata);
void fli_event_process(fl_proc *proc, fli_event_kind kind, fl_term reason);

typedef bool fli_call_handler(fl_proc *proc, fli_msg *msg);
/* The same while somebody wants to know of calls. */
bool fli_event_call_seen(fl_proc *proc, fli_msg *msg, fli_call_handler *handle);
/* Handles a call, and tells of it. One branch where nobody is attached. */
static inline bool fli_event_call(fl_proc *proc, fli_msg *msg, fli_call_handler *handle)
{
	if (FLI_LIKELY(!fli_event_wanted(proc->node, FLI_EVENT_CALL_STOP) &&
		       !fli_event_wanted(proc->node, FLI_EVENT_CALL_EXCEPTION)))
		return handle(proc, msg);
	return fli_event_call_seen(proc, msg, handle);
}

/* One event. `self` may be NULL: then the context is held, and stays so. */
void fli_event_execute(fl_node *node, fl_proc *self, const fl_telemetry *event);
/* `names` is a list of names. */
int fli_event_attach_call(
	fl_node *node, fl_telemetry_handler *call, void *config, fl_term id, fl_term names);
int fli_event_read_name(const char *text, fl_buf *buf);
/* Who monitors subscribers on other nodes; without it they stay until they detach. */
extern const fl_behaviour fli_event_watcher;
void fli_event_watch_all(fl_node *node);
void fli_event_watch_ended(fl_node *node, const fl_ref *monitor);
/* Whoever sends to `pid` here or on another node; the id is `ref`. `names` is a list of names. */
int fli_event_attach_pid(fl_node *node, const fl_pid *pid, fl_term names, const fl_ref *ref);
/* By its id, a term. */
int fli_event_detach_term(fl_node *node, fl_term id);
int fli_event_list(const fl_node *node, fl_term prefix, fl_buf *ret_list);
bool fli_event_is_name(fl_term name);
void fli_events_delete(fl_node *node);

#endif
