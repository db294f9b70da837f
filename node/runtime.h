/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_RUNTIME_H
#define FLI_RUNTIME_H

/*
 * The process world of one node: its structures, and the calls between the files of this folder and
 * the layers above. Users see <flitch/process.h> and <flitch/server.h> instead.
 *
 *     fl_node --- procs[] --- fl_proc --- mailbox: fli_msg -> fli_msg
 *        |                       |------- names, links, monitors, watchers, calls, aliases, timers
 *        |--- run queue, wheel, scratch buffers
 *
 * Threads: everything here belongs to the owner of the node's context (sched.h): one thread at a
 * time. A field that others may read says so.
 * Memory: a process is one block with its state at the end; it is freed when it has exited and no
 * handler of it is on any stack.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "flitch/node.h"
#include "node/base/buf.h"
#include "node/base/list.h"
#include "node/base/map.h"
#include "node/base/spares.h"
#include "node/base/wheel.h"
#include "node/log.h"
#include "node/port.h"
#include "node/proc.h"
#include "node/remote.h"
#include "node/term/atoms.h"
#include "node/term/write.h"

typedef struct fli_crew fli_crew;

typedef struct fli_proc_slot {
	fl_proc *proc;
	uint32_t serial;
	uint32_t next_free;
} fli_proc_slot;

/* ---- limits ---------------------------------------------------------------------------------- */

typedef struct fli_limits {
	uint32_t processes_max;
	uint32_t mailbox_max;
	uint32_t signals_per_peer_max; /* links and monitors of one peer */
	uint32_t atoms_max;
	uint32_t message_bytes_max;
	uint32_t threads_max;
	uint32_t offloads_max; /* works of fl_offload that wait or run */
	bool narrow_pids;      /* compat.otp23: 15 and 13 bits */
	bool poison;           /* freed messages are overwritten, to show who kept a term */
} fli_limits;

fli_limits fli_limits_default(void);

/* ---- the node -------------------------------------------------------------------------------- */

enum { FLI_POOL_CLASSES = 4 };

enum { FLI_RESOLVE_BYTES = 128 };

/* What a paused node refuses; calls and casts are FL_ALLOW_CALL and FL_ALLOW_CAST of a behaviour.
 */
typedef enum fli_gate_id {
	FLI_GATE_CALL,
	FLI_GATE_CAST,
	FLI_GATE_REGISTER, /* of global names */
	FLI_GATE_JOIN,     /* of groups */
	FLI_GATE_SPAWN,    /* and functions by rpc */
	FLI_GATES
} fli_gate_id;

struct fl_node {
	fli_mem *mem;
	const fli_port *port; /* clock, randomness */
	fl_atoms *atoms;
	fl_atom name; /* interned */
	uint32_t creation;
	uint64_t seed; /* of the hash tables */
	fli_limits limits;
	fli_log log;

	fli_proc_slot *procs;
	uint32_t procs_capacity;
	uint32_t procs_free_first, procs_free_last;
	uint32_t procs_count;
	uint32_t offloads_count;
	fli_map names;    /* fli_name */
	fli_map monitors; /* fli_monitor, by reference and watcher's node */
	fli_map plinks;   /* fli_plink */
	fli_map aliases;  /* fli_alias */
	fli_map timers;   /* fli_send_timer */
	fli_call **calls;
	uint32_t calls_count;
	fli_call *calls_free;
	uint64_t ref_next;
	uint64_t unlink_next;

	fl_proc *run_first, *run_last;
	uint32_t run_count;
	uint64_t handled;                /* messages, by all processes */
	fl_proc *current;                /* whose handler the driver runs */
	fli_link suspended;              /* fli_extra: wait for room at a busy peer */
	uint32_t ready_count;            /* how often some peer had room again */
	fli_link watchful;               /* fli_extra: have node_up or node_down */
	fl_proc *exit_first, *exit_last; /* waiting for fli_exits_drain */
	bool is_draining;
	fli_wheel wheel;
	fli_msg *pool[FLI_POOL_CLASSES];
	uint32_t pool_count[FLI_POOL_CLASSES];
	fli_buf scratch;   /* local messages are built here */
	fli_spares spares; /* of large messages, in and out */
	fl_pid system_pid; /* the sender of what nobody in particular sends */

	const fli_remote_ops *remote;
	void *dist;
	const struct fli_via *via; /* names kept above, see via.h; NULL: none */
	void *via_ctx;
	fl_proc *supervisor;
	const struct fli_group_ops *groups; /* see groups.h; NULL: no groups */
	uint64_t groups_max;                /* memberships a scope; 0: a default */
	struct fli_access *access;          /* see access.h; NULL: everybody may everything */
	struct fli_exports *exports;        /* see export.h; NULL until something is exported */
	struct fli_docs *docs;              /* see docs.h; NULL until something is documented */
	struct fli_tables *tables;          /* see table.h; NULL until one is made */
	struct fli_durables *durables;      /* see durable.h; NULL until one is opened */
	struct fli_behaviours *behaviours;  /* see behaviours.h; NULL until one is known */
	struct fli_conflicts *conflicts;    /* see conflict.h; NULL: none is noted */
	struct fli_events *events;          /* see events.h; NULL until somebody is attached */
	_Atomic(uint32_t) events_wanted;    /* bits of fli_event; 0: nobody looks; any thread */
	void *owner;                        /* of the layer above: the daemon's own structure */
	/* A process of another node has set a monitor; in the midst of a read. NULL: nobody asks.
	 */
	void (*on_monitored)(fl_proc *target, const fl_ref *ref);

	fli_crew *crew;                      /* threads; NULL: everything on the caller's thread */
	const struct fli_stand_in *stand_in; /* see sched.h: instead of a crew; may be NULL */
	struct fli_gate *gate;               /* see sched.h */
	_Atomic(uint64_t) act_word;          /* sequence << 2 | fli_act_state; any thread */
	_Atomic(uintptr_t) context_owner;    /* which thread; any thread */
	char global_resolve[FLI_RESOLVE_BYTES]; /* of names without a method; "": OTP's default */
	bool is_fenced;      /* paused: other nodes reach no server, see dist/fence.h */
	uint32_t gates_open; /* bits by fli_gate_id: these stay open all the same */
	uint64_t fence_refused[FLI_GATES];
	struct fli_fence *fence; /* how it refuses; NULL: by noproc */
	bool is_closing;         /* the crew ends: nobody may wait any more */
	uint32_t nest;           /* fli_enter calls of the owner inside others */
};

/* Counts it when it is shut. */
static inline bool fli_gate_is_shut(fl_node *node, fli_gate_id gate)
{
	if (FLI_LIKELY(!node->is_fenced) || (node->gates_open >> gate & 1) != 0)
		return false;
	node->fence_refused[gate]++;
	return true;
}

/* Creates the process world alone: no sockets, no threads. `name` is a full node name. */
int fli_node_create(fl_node **ret_node, const char *name, const fli_limits *limits,
	const fli_port *port, fli_mem *mem);
/* The name and creation that the cluster gave; before any process exists. */
void fli_node_rename(fl_node *node, fl_atom interned_name, uint32_t creation);
/* Every process must have exited, or is made to exit with `shutdown`. */
void fli_node_delete(fl_node *node);

typedef enum fli_turn {
	FLI_TURN_IDLE, /* nothing is runnable */
	FLI_TURN_MORE, /* more to do at once */
	FLI_TURN_LOST  /* a handler overstayed: the caller holds the gate, must let it go and stop
			  driving */
} fli_turn;

/* One scheduling turn: due timers, then the run queue, for a bounded number of messages. */
fli_turn fli_node_turn(fl_node *node, uint64_t now_ms);
/* When the next timer is due; FLI_WHEEL_NEVER. */
uint64_t fli_node_next_ms(fl_node *node);

/* ---- processes (proc.c) ---------------------------------------------------------------------- */

typedef struct fli_start {
	const fl_behaviour *behaviour;
	fl_proc *parent; /* NULL: the node itself */
	const char *name;
	const char *global_name; /* instead of the behaviour's; NULL: that */
	const fl_dest *via;      /* FL_TO_VIA: a key to register; NULL: none */
	bool link;
	bool is_system;
	bool deferred; /* init runs in a later turn: for who must not run a handler, as in a read
			  callback */
	const fl_pid *group_leader; /* NULL: inherited */
} fli_start;

/*
 * Makes a process and runs its init on this stack (unless deferred). FL_EEXIT: init ended, and
 * ret_reason (may be NULL) holds its reason; FL_ENOENT: it wanted to be ignored.
 */
int fli_proc_start(fl_node *node, const fli_start *start, fl_term args, fl_proc **ret_proc,
	fl_buf *ret_reason);
fl_proc *fli_proc_find(const fl_node *node, uint32_t id, uint32_t serial);
/* A pid of this node and incarnation that lives; NULL otherwise. */
fl_proc *fli_proc_of(const fl_node *node, const fl_pid *pid);
bool fli_pid_is_local(const fl_node *node, const fl_pid *pid); /* the name only */
fl_pid fli_proc_pid(const fl_proc *proc);
/* Visits the living: start with *cursor = 0. */
fl_proc *fli_proc_next(const fl_node *node, uint32_t *cursor);
fli_extra *fli_proc_extra(fl_proc *proc); /* NULL: out of memory */
fl_pid fli_proc_group_leader(const fl_proc *proc);
/* Sets the reason with which the process will end; what was set before stays readable. */
int fli_reason_set(fl_proc *proc, fl_spec reason);
bool fli_reason_is_set(const fl_proc *proc);
/* After a handler whose reason was not one to end with; no other frame may use it. */
void fli_reason_forget(fl_proc *proc);
/* The reason set last, or `killed`. */
fl_term fli_reason(const fl_proc *proc);
/* Ends the process with `reason`: everybody learns it in the next fli_exits_drain. */
void fli_proc_exit(fl_proc *proc, fl_term reason);
void fli_exits_drain(fl_node *node);
/* Frees an exited process whose last frame has left. */
void fli_proc_free(fl_proc *proc);

/* ---- messages (mailbox.c) -------------------------------------------------------------------- */

fli_msg *fli_msg_new(fl_node *node, size_t size); /* data is `size` bytes, not yet written */
void fli_msg_free(fl_node *node, fli_msg *msg);
fli_msg *fli_msg_of_payload(fl_node *node, const fli_payload *payload);
fli_msg *fli_msg_of_term(fl_node *node, fl_term term);
fli_msg *fli_msg_of_spec(fl_node *node, fl_spec spec);
/* The node whose connection brought it; one that was made here has this node's own name. */
void fli_msg_set_sender(fli_msg *msg, fl_atom interned_node);
/* From a deputy (may be NULL) it is from who made it one; else nothing changes. */
void fli_msg_speak_for(fli_msg *msg, const fl_proc *from);
fl_atom fli_msg_sender(const fl_node *node, const fli_msg *msg);
/* Sets kind and offsets from the bytes. */
void fli_msg_classify(fli_msg *msg);
/* Hands the message to the process; takes it in any case. */
void fli_deliver(fl_proc *proc, fli_msg *msg);
/* Appends without a look at what it is or at limits. */
void fli_mailbox_push(fl_proc *proc, fli_msg *msg);
/* Drops all that waits. */
void fli_mailbox_clear(fl_proc *proc);
fli_msg *fli_mailbox_pop(fl_proc *proc);

/* ---- sending (send.c) ------------------------------------------------------------------------ */

/* Where a message under construction goes. */
typedef struct fli_send {
	fli_buf *buf; /* append exactly one term */
	fl_proc *proc;
	fli_alias *alias;
	fli_peer *peer;
} fli_send;

/*
 * FL_OK: append a term to send->buf and call fli_send_end. FL_ENOPROC, FL_ENOCONN: nobody is there;
 * nothing was opened.
 */
int fli_send_begin(fl_node *node, fl_proc *from, const fl_dest *to, fli_send *send);
int fli_send_end(fl_node *node, fl_proc *from, fli_send *send);
void fli_send_cancel(fl_node *node, fli_send *send);
/* Sends one term. `from` may be NULL: the node itself. */
int fli_send_term(fl_node *node, fl_proc *from, const fl_dest *to, fl_term message);
int fli_send_spec(fl_node *node, fl_proc *from, const fl_dest *to, fl_spec message);
/* {Tag, Reply} to who sent a call or system message: its pid and tag go back as they came. */
int fli_reply_spec(fl_node *node, fl_proc *from, const fli_msg *asked, fl_spec reply);
/* Ends a call that nobody will serve by a DOWN with `reason`. */
void fli_call_refuse(fl_proc *proc, const fli_msg *asked, const char *reason);
/* The open call of a handle; NULL when it is none any more. */
fli_call *fli_call_open(fl_proc *proc, fli_msg *msg);
fli_call *fli_call_find(fl_node *node, fl_from from);
void fli_call_close(fl_node *node, fli_call *call);
fl_from fli_call_from(const fl_node *node, const fli_call *call);
/* The reference in a gen tag: Ref, [alias|Ref], [[alias|Ref]|Ref], {Ref, _}; *ret_alias: an alias.
 */
bool fli_tag_ref(fl_term tag, fl_ref *ret_ref, bool *ret_alias);
/* {Ref, Reply} came: ends the request it answers, or drops it. Takes the message. */
void fli_request_reply(fl_proc *proc, fli_msg *msg);
/* The monitor of a waiting fl_call fired. */
void fli_request_down(fli_monitor *monitor, fl_term reason);
/* A call on the caller's stack has no monitor yet. */
void fli_request_refused(fl_proc *proc, const fl_ref *ref, const char *reason);
/* The process ended: its frames that wait in fl_call go on with FL_ECLOSED. */
void fli_requests_on_exit(fl_proc *proc);
/* The node ends: every frame that waits in fl_call goes on with FL_ECLOSED, now and later. */
void fli_requests_close(fl_node *node);
/* Work under way for the process is told by its `cancelled`. */
void fli_tasks_on_exit(fl_proc *proc);
void fli_tasks_cancel(fl_node *node);

/* ---- names, links, monitors, aliases --------------------------------------------------------- */

int fli_name_register(fl_proc *proc, fl_atom name);
int fli_name_unregister(fl_node *node, fl_atom name);
fl_proc *fli_name_find(const fl_node *node, fl_atom name);
fl_ref fli_ref_make(fl_node *node);
/* fl_call for the messages of OTP's sys: {system, From, Request}. */
int fli_call_system(
	fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_term *ret_reply, fl_spec request);
/* A reference that only an fl_call or fl_request uses: late replies to it can be told apart. */
fl_ref fli_ref_make_call(fl_node *node);
bool fli_ref_is_call(const fl_node *node, const fl_ref *ref);
uint64_t fli_ref_hash(const fl_node *node, const fl_ref *ref);
fli_alias *fli_alias_new(fl_proc *proc, bool once);
fli_alias *fli_alias_find(const fl_node *node, const fl_ref *ref);
void fli_alias_delete(fl_node *node, fli_alias *alias);
/* Makes a monitor of `watcher`; fli_monitor_aim sets it, and may fire and delete it at once. */
fli_monitor *fli_monitor_new(fl_proc *watcher, const fl_dest *to, const fl_ref *ref);
void fli_monitor_aim(fli_monitor *monitor, const fl_dest *to);
/* The watcher gave up: tells the other side and deletes it. */
void fli_monitor_cancel(fl_node *node, fli_monitor *monitor);
/* The target is gone for this watcher: tells it, with an atom as the reason, and deletes it. */
void fli_monitor_fire(fl_node *node, fli_monitor *monitor, const char *reason);
void fli_monitors_on_nodedown(fl_node *node, fli_peer *peer);
bool fli_monitor_has_key(const void *item, const void *key);
void fli_monitor_delete(fl_node *node, fli_monitor *monitor); /* sends nothing */
fli_monitor *fli_monitor_find(const fl_node *node, const fli_peer *watcher_peer, const fl_ref *ref);
int fli_plink_add(fl_proc *proc, const fl_pid *other);
void fli_plink_delete(fl_node *node, fli_plink *plink);
fli_plink *fli_plink_find(const fl_proc *proc, const fl_pid *other);
bool fli_plink_has_key(const void *item, const void *key);
void fli_plinks_on_nodedown(fl_node *node, fli_peer *peer);
int fli_plink_remove(fl_proc *proc, const fl_pid *other); /* unlink/1 */
/* An exit signal by exit/2 (is_link false) or from a broken link. `from` is who it comes from. */
void fli_exit_signal(fl_proc *to, const fl_pid *from, fl_term reason, bool is_link);
/* exit(Pid, Reason) by a process of this node. */
int fli_exit_send(fl_proc *self, const fl_pid *pid, fl_term reason);
/* The parts of a process's end, in order. */
void fli_tables_on_exit(fl_proc *proc);
void fli_tables_delete(fl_node *node);
void fli_names_on_exit(fl_proc *proc);
void fli_plinks_on_exit(fl_proc *proc, fl_term reason);
void fli_monitors_on_exit(fl_proc *proc, fl_term reason);
void fli_aliases_on_exit(fl_proc *proc);
void fli_calls_on_exit(fl_proc *proc);
void fli_calls_destroy(fl_node *node);
void fli_timers_destroy(fl_node *node);

/* ---- running handlers (server.c, sched.c) ---------------------------------------------------- */

void fli_run_queue_add(fl_proc *proc);
/* Handles up to `budget` messages of the process; false: the context was lost, see fli_turn. */
bool fli_server_run(fl_proc *proc, unsigned budget);
/* After a message or init outside of that: the process waits, or is queued for what came. */
void fli_server_rest(fl_proc *proc);
/* Runs init; FL_OK, FL_STOP, FL_IGNORE. */
int fli_server_init(fl_proc *proc, fl_term args);
/* Handles one message that is not in the mailbox, on this stack; takes it. False: lost. */
bool fli_server_handle(fl_proc *proc, fli_msg *msg);
/* Ends the server as gen_server does: terminate, the report, the exit. False: lost. */
bool fli_server_stop(fl_proc *proc, fl_term reason, const fli_msg *last);
/* A system message: sys:get_state and its like. FL_OK, or FL_STOP with the reason set. */
int fli_sys_handle(fl_proc *proc, const fli_msg *msg);
/* Suspended by sys: what is served all the same, looked at and taken out of the mailbox. */
bool fli_sys_is_suspended(const fl_proc *proc);
fli_msg *fli_sys_find(fl_proc *proc);
fli_msg *fli_sys_pop(fl_proc *proc);
/* What waits for a suspended server, and comes later, goes to `heir`, but for what is its own. */
void fli_sys_hand_over(fl_proc *proc, const fl_pid *heir);
void fli_sys_pass_on(fl_proc *proc);
/* True: who asks may not (access.h), and has been told so. */
bool fli_sys_refuses(fl_proc *proc, const fli_msg *msg);
/* {change_code, Module, OldVsn, Extra} to one that sys has suspended: a handler serves that. */
bool fli_sys_is_code_change(const fl_proc *proc, const fli_msg *msg, fl_term *ret_old_vsn);
/* {replace_state, fun M:F/1} to one that has the slot: a handler serves that, and then its answer.
 */
bool fli_sys_is_replace_state(const fl_proc *proc, const fli_msg *msg, fl_term *ret_fun);
int fli_sys_replace_state(fl_proc *self, fl_term fun);
void fli_sys_state_replaced(fl_proc *proc, const fli_msg *msg, int rc);
/* The state as the behaviour shows it; without a format_status only its size is known. */
void fli_state_write(fl_proc *proc, fl_buf *buf);
/* An end with this reason is no ordinary one. */
bool fli_report_is_due(fl_term reason);
/*
 * The report of such an end: to the log, and to a remote group leader's logger. `state` is what
 * fli_state_write gave before `terminate`; without data there is none.
 */
void fli_report_stop(fl_proc *proc, fl_term reason, const fli_msg *last, fl_term state);
/* "name" or "<node.1.0>", for messages to people. */
const char *fli_proc_text(const fl_proc *proc, char *ret_text, size_t size);

static inline fl_term fli_term(const fl_node *node, const uint8_t *data, size_t size)
{
	return (fl_term){.data = data, .size = size, .atoms = node->atoms};
}

/* One short ASCII atom as a term, for reasons that must be told without memory. */
typedef struct fli_reason_atom {
	uint8_t bytes[2 + 64];
} fli_reason_atom;
fl_term fli_reason_of(fli_reason_atom *store, const char *text);

static inline fl_term fli_msg_term(const fl_node *node, const fli_msg *msg)
{
	return fli_term(node, msg->data, msg->size);
}

#endif
