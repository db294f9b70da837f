/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PROC_H
#define FLI_PROC_H

/*
 * A process and what hangs on it: messages, links, monitors, aliases, open calls, timers.
 *
 *     fl_proc --- first -> fli_msg -> fli_msg     the mailbox
 *        |------- links, monitors, watchers       rings of entries that hang elsewhere too
 *        |------- calls, aliases, name
 *        `------- extra                           what most never need
 *
 * Threads: the owner of the node's context, save where said.
 * Memory: a process is one block with its state at the end; entries go with the process.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "flitch/server.h"
#include "node/base/list.h"
#include "node/base/wheel.h"
#include "node/remote.h"

typedef struct fli_act fli_act;

/* ---- messages -------------------------------------------------------------------------------- */

typedef enum fli_msg_kind {
	FLI_MSG_CALL,   /* {'$gen_call', {Pid, Tag}, Request} */
	FLI_MSG_CAST,   /* {'$gen_cast', Message} */
	FLI_MSG_SYSTEM, /* {system, {Pid, Tag}, Request} */
	FLI_MSG_EXIT,   /* {'EXIT', Pid, Reason} */
	FLI_MSG_INFO,
	FLI_MSG_REPLY,     /* {Ref, Reply}: perhaps the answer to an fl_call or fl_request */
	FLI_MSG_NODE_UP,   /* a node name, for node_up */
	FLI_MSG_NODE_DOWN, /* {Node, Reason}, for node_down */
	FLI_MSG_PAUSE,     /* nothing more, for on_pause */
	FLI_MSG_RESUME,    /* likewise */
	FLI_MSG_DONE,      /* the end of a task: `data` is the task */
	FLI_MSG_START      /* arguments of a deferred init */
} fli_msg_kind;

/* One message: a chunk from the node's pool. Offsets are into data. */
typedef struct fli_msg {
	struct fli_msg *next;
	uint8_t *data;     /* in `room`, or in `block` */
	uint8_t *block;    /* not NULL: the memory that the message arrived in, now its own */
	uint32_t capacity; /* bytes of `room` */
	uint32_t block_capacity;
	uint32_t size;
	uint32_t body; /* the request or message proper */
	uint32_t pid;  /* of a call or system message: who asks */
	uint32_t tag;
	const char *sender; /* the node that it came from, interned; NULL: it was made here */
	uint16_t sender_size;
	uint8_t kind;
	_Atomic(uint8_t) held; /* how many keep it beside its owner: see large.h */
	uint8_t room[];
} fli_msg;

/* Work that has left, and comes back as FLI_MSG_DONE; see task.c. */
typedef struct fli_task_end {
	fl_task task;
	void *arg;
	fl_node *node;
	fl_pid owner;
	fli_link in_owner;       /* fli_extra.tasks */
	_Atomic(bool) cancelled; /* any */
} fli_task_end;

void fli_task_end_delete(fli_task_end *end, bool drop);

/* ---- what hangs on a process ----------------------------------------------------------------- */

/* A monitor in either direction; in the node's index by its reference. */
typedef struct fli_monitor {
	fl_ref ref;
	fli_link in_watcher; /* in fl_proc.monitors, or fli_peer.watchers */
	fli_link in_target;  /* in fl_proc.watchers, or fli_peer.watched */
	fl_proc *watcher;    /* NULL: a process of watcher_peer */
	fli_peer *watcher_peer;
	fl_pid watcher_pid;
	fl_proc *target; /* NULL: a process of target_peer */
	fli_peer *target_peer;
	fl_pid target_pid;
	fl_atom name;          /* not empty: the monitor was by name */
	bool by_name;          /* of a process here; the name may be the empty one */
	bool by_call;          /* of fl_call or fl_request: a reply ends it */
	struct fli_wait *wait; /* the fl_call that it belongs to */
	char text[];           /* of `name`, or of the node of `ref`, when it is its own */
} fli_monitor;

/* One end of a link. */
typedef struct fli_plink {
	fli_link in_proc; /* fl_proc.links */
	fli_link in_peer; /* fli_peer.links when the other end is remote */
	fl_proc *proc;
	fli_peer *peer; /* NULL: the other end is here */
	fl_pid other;
	uint64_t unlink_id; /* not 0: unlinked, the acknowledgement is outstanding */
} fli_plink;

/* A registered name. */
typedef struct fli_name {
	fl_atom text; /* interned */
	uint64_t hash;
	fl_proc *proc;
} fli_name;

/* An alias, or the reply address of an fl_call or fl_request. */
typedef struct fli_alias {
	fl_ref ref;
	fl_proc *proc;
	fli_link in_proc;
	bool once; /* the first message ends it */
} fli_alias;

typedef struct fli_send_timer {
	fli_timer timer;
	fl_ref ref;
	fl_node *node;
	fl_dest to; /* texts interned; as in Erlang it fires when its maker is gone, too */
	struct fli_kept *name; /* of FL_TO_VIA and FL_TO_GLOBAL; NULL: any other */
	fli_msg *msg;
} fli_send_timer;

/* A call that a server has not answered yet; fl_from names it by slot and generation. */
typedef struct fli_call {
	uint32_t generation;
	uint32_t slot;
	fl_proc *proc; /* NULL: free */
	fli_msg *msg;  /* whose bytes the tag lies in; owned after fl_later */
	fli_link in_proc;
	struct fli_call *next_free;
	bool wants_later; /* fl_later was called; the handler has not returned yet */
	bool is_later;
	bool is_watched; /* the caller's monitor was there at fl_later */
} fli_call;

typedef enum fli_status {
	FLI_STARTING,
	FLI_WAITING,
	FLI_RUNNABLE,
	FLI_RUNNING,
	FLI_SUSPENDED, /* its last send met a busy peer */
	FLI_EXITING    /* gone for everybody; a handler's frame may still be on a stack */
} fli_status;

/* sys:statistics(_, true): since then. */
typedef struct fli_statistics {
	int64_t since_us;              /* by the wall clock */
	uint64_t handled;              /* fl_proc.handled at that time */
	uint64_t messages_in, replies; /* since that time; sys's own aside */
} fli_statistics;

/* What most processes never need. */
typedef struct fli_extra {
	fli_timer idle; /* fl_next_timeout */
	fl_proc *proc;
	fli_msg *continue_; /* fl_next_continue */
	fli_msg *reason;    /* of fl_stop or of the end; earlier ones follow, they may be in use */
	fli_msg *kept;      /* of fli_proc_keep; `kind` says which */
	fl_pid group_leader;
	fl_pid parent;
	bool has_group_leader;
	bool has_parent;
	bool idle_due;
	bool sys_suspended;         /* sys:suspend */
	fli_statistics *statistics; /* NULL: nobody asked for them */
	fli_msg *searched;       /* meanwhile: neither this message nor one before it is for sys */
	fli_link tasks;          /* fli_task_end: under way */
	fli_link suspended;      /* in fl_node.suspended */
	fli_link in_watchful;    /* in fl_node.watchful */
	fli_link owned;          /* blocks that go with the process: see owned.h */
	fli_link registered;     /* fli_reg_entry: see registry.h */
	struct fli_debug *debug; /* sys:log, sys:trace: see debug.h; NULL: nobody looks */
	/* NULL: as any server. Else its end takes turns: an exit of its parent and sys's terminate
	 * come here, and it stops when it has done what it must. A handler. */
	int (*end)(fl_proc *self, void *state, fl_term reason);
} fli_extra;

struct fl_proc {
	fl_node *node;
	const fl_behaviour *behaviour;
	uint32_t id;
	uint32_t serial;
	fli_msg *first, *last;
	uint32_t mailbox_count;
	uint8_t status;
	bool trap_exit;
	bool is_system;   /* the node's own: not shown as a user's, not counted */
	bool is_unfenced; /* other nodes reach it while the node pauses */
	uint8_t slow; /* not 0: its handlers overstayed, they run on the crew's threads for so many
			 turns */
	uint8_t frames;       /* handlers of it on some stack */
	bool has_busy;        /* a send of this handler met a busy peer */
	bool has_tables;      /* owned, or fixed, a table: see table.h */
	bool is_deputy;       /* what it sends here is its handler's sender's, see fl_sender_node */
	uint32_t busy_since;  /* fl_node.ready_count at that time */
	bool in_queue;        /* in the run queue, or with the crew */
	bool reason_is_lost;  /* for want of memory: it ends as `killed` */
	bool lost_in_init;    /* its init overstayed */
	uint8_t current_kind; /* fli_msg_kind of what its handler was given */
	fl_proc *run_next;
	fl_proc *exit_next;
	fli_act *act; /* the activation whose handler runs */
	fli_name *name;
	const char *global_name; /* to claim before init; NULL: none, or done */
	fli_link links;
	fli_link monitors;
	fli_link watchers;
	fli_link calls;
	fli_link aliases;
	fli_extra *extra;       /* NULL until needed */
	struct fli_wait *waits; /* fl_calls on the stacks of its handlers, innermost first */
	uint64_t handled;       /* messages; tools show it as reductions */
	_Alignas(16) uint8_t state[];
};

/* Keeps a term for the process, in the place of the one before; from a handler. */
typedef enum fli_keep_what {
	FLI_KEEP_LABEL,    /* of fl_set_label */
	FLI_KEEP_METADATA, /* of fl_log_metadata */
	FLI_KEEP_HEIR      /* of fli_sys_hand_over: a pid */
} fli_keep_what;
int fli_proc_keep(fl_proc *self, fli_keep_what what, fl_term term);
/* The same for who owns the context. */
int fli_proc_keep_owned(fl_proc *proc, fli_keep_what what, fl_term term);
/* False: nothing is kept. Borrowed until it is replaced. The owner of the context. */
bool fli_proc_kept(const fl_proc *proc, fli_keep_what what, fl_term *ret_term);

#endif
