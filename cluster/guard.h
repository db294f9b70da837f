/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_GUARD_H
#define FLI_GUARD_H

/*
 * The process of a candidate: what the decisions of singleton.h want, done with servers, names,
 * monitors and a group of pg; what comes to it, told to them.
 *
 *     supervisor --- guard --- server          linked; the guard is the server's parent
 *
 * Between guards go casts {fl, 1, Kind, #{from => Guard, ...}}; unknown kinds and keys are ignored.
 *
 * Threads: the guard's handlers, but for `policy` and `epoch`.
 * Memory: a block that its process owns. Errors: what cannot be begun has ended.
 */

#include <stdatomic.h>

#include "cluster/core.h"
#include "cluster/handover.h"
#include "cluster/singleton.h"
#include "dist/names_watch.h"
#include "dist/partition.h"
#include "flitch/singleton.h"
#include "node/base/list.h"

enum {
	FLI_GUARD_NAME_MS = 1000, /* a name that was asked for in vain is asked for again */
	FLI_GUARD_KILL_MS = 1000, /* a server that was killed, likewise */
	FLI_GUARD_FORWARD_MAX_MS = 10000,
	FLI_GUARD_KEEP_MS = 1000,    /* between two writes of epochs that others have raised */
	FLI_GUARD_PROMISE_MS = 20,   /* and before one that a grant needs */
	FLI_GUARD_LEAVE_MS = 3000,   /* for a move when the node stops */
	FLI_GUARD_QUESTIONS_MAX = 16 /* to the store of leases, that wait for each other */
};

/* What becomes of the server that is here. */
typedef enum fli_server_step {
	FLI_SERVER_NONE,
	FLI_SERVER_INIT,   /* runs its init */
	FLI_SERVER_NAMING, /* waits for its name */
	FLI_SERVER_RUNNING,
	FLI_SERVER_ENDING
} fli_server_step;

typedef enum fli_move_step {
	FLI_MOVE_NONE,
	FLI_MOVE_SUSPENDING, /* giver: finishes what was in its mailbox before */
	FLI_MOVE_GIVING,     /* until it is ready there */
	FLI_MOVE_RELEASING,  /* and the store knows that the lease is free */
	FLI_MOVE_TAKING,
	FLI_MOVE_PREPARING, /* the new server's init */
	FLI_MOVE_READY,     /* for the commit */
	FLI_MOVE_LEASING    /* for the lease, after it */
} fli_move_step;

typedef struct fli_move {
	fli_move_step step;
	fl_ref id;
	fl_pid other; /* guard */
	fl_ref watch; /* of it */
	fl_ref asked; /* sys: suspend */
	uint64_t end_ms;
	uint64_t epoch;     /* of the new server */
	uint64_t leased_ms; /* taker: when the lease was asked for */
	uint32_t vsn;
	bool has_state;
	bool has_from;
	bool is_ready;  /* giver: but the store is being asked for more */
	fl_from from;   /* who wants it */
	uint8_t *state; /* giver: one term */
	size_t size;
	fli_giving giving;
	fli_taking taking;
	fl_pid server; /* the new one */
} fli_move;

/* A server that was handed over: alive while calls to it may be under way. */
typedef struct fli_moved {
	bool is_here;
	bool is_told; /* to end */
	fl_pid server, heir;
	uint64_t end_ms, last_ms;
} fli_moved;

/* A server that has run its init and waits for its turn. */
typedef struct fli_standby {
	bool is_here;
	bool is_told; /* to end */
	fl_pid pid;
	uint64_t started_ms, due_ms; /* due: when to start the next one */
	uint32_t fails;
} fli_standby;

/* The last copy of the holder's state. */
typedef struct fli_replica {
	uint8_t *bytes; /* one term; NULL: none */
	size_t size;
	uint64_t epoch, at_ms;
} fli_replica;

typedef struct fli_guard {
	fl_proc *self;
	fl_node *node;
	const fl_singleton *spec;
	fl_term name;             /* its bytes are the process's, too */
	fli_link in_core;         /* fli_core.guards */
	_Atomic(uint32_t) policy; /* any: FLI_MAY_* */
	_Atomic(uint64_t) epoch;  /* any: of the server that is here; release, acquire */
	fli_singleton core;
	fl_ref group, scope, tick, ping, naming, watch;
	fl_pid watched;
	uint64_t tick_ms; /* 0: none is set */
	fli_server_step step;
	fl_pid server;
	uint64_t kill_ms;
	uint64_t look_ms; /* when to see who has the name; FLI_SINGLETON_NEVER: when it changes */
	fli_names_watch *names;
	bool has_failed;   /* it could not be started */
	bool has_no_lease; /* it could not be asked for */
	bool is_ending;
	fli_move move;
	fli_moved moved;
	fli_standby standby;
	fli_replica replica;
	fli_link questions;       /* to the store of leases, that wait; see guard_lease.c */
	uint32_t questions_count; /* with the one that is being asked */
	uint64_t kept;            /* the epoch that is on the disk */
	uint64_t kept_ms;         /* when that was written, or tried, last */
} fli_guard;

enum { FLI_MAY_RUN = 1, FLI_MAY_START = 2, FLI_IS_DEGRADED = 4 };

/* The policy's state is another one: all guards of the node are told. The context is held. */
void fli_guards_tell(fli_core *core, fli_partition_state state, bool is_stale);

/* ---- between the files ----------------------------------------------------------------------- */

static inline fl_term fli_guard_name(const fli_guard *g)
{
	return g->name;
}

/* guard_server.c */
extern const fli_singleton_ops fli_guard_ops;
/* Starts it with these arguments; its init runs later. False: it could not be. */
bool fli_guard_start(fli_guard *g, fl_spec args, fl_pid *ret_server);
/* sys: suspend or resume; `ret_ref` is answered when what came before has been done. */
void fli_guard_ask_sys(fli_guard *g, const fl_pid *server, const char *what, fl_ref *ret_ref);
void fli_guard_take_name(fli_guard *g);
/* Answers to what the above asked for; false: it is none. */
bool fli_guard_answered(fli_guard *g, const fl_ref *ref, fl_term answer);
/* A process that is linked has ended; false: none of ours. */
bool fli_guard_exited(fli_guard *g, const fl_pid *pid, fl_term reason);
/* Somebody else has its name, or nobody. */
void fli_guard_name_changed(fli_guard *g);
/* What is due about it; at the end of each handler. */
void fli_guard_server_look(fli_guard *g);
uint64_t fli_guard_server_next(const fli_guard *g);

/* guard_words.c */
void fli_guard_say(void *ctx, const fl_pid *to, const fli_word *word);
bool fli_word_read(fl_term kind, fl_term map, fli_word *ret_word);

/* guard_move.c */
/* FL_OK: it has begun. FL_ENOENT: no such candidate; FL_EBUSY; FL_ENOTSUP: it is not here. */
int fli_move_begin(fli_guard *g, const fl_pid *to, const fl_from *from);
/* Anything of handoff_*. */
void fli_move_heard(fli_guard *g, fl_term kind, const fl_pid *from, fl_term map);
bool fli_move_answered(fli_guard *g, const fl_ref *ref);
/* The one that was being made ready, or was handed over, has ended. False: none of these. */
bool fli_move_exited(fli_guard *g, const fl_pid *pid);
void fli_move_abort(fli_guard *g, const char *why);
bool fli_move_down(fli_guard *g, const fl_ref *ref);
/* `id`: the move that asked, which may be over by then. */
void fli_move_leased(fli_guard *g, const fl_ref *id, fli_lease_verb verb, bool is_granted);
/* What is due about a move; at the end of each handler. */
void fli_move_look(fli_guard *g);
uint64_t fli_move_next(const fli_guard *g);
void fli_move_free(fli_guard *g);

/* guard_standby.c */
/* What is due about the standby; at the end of each handler. */
void fli_standby_look(fli_guard *g);
uint64_t fli_standby_next(const fli_guard *g);
bool fli_standby_exited(fli_guard *g, const fl_pid *pid);
/* The server of this epoch: the standby, or a new one; g->server. False: it could not be started.
 */
bool fli_standby_take(fli_guard *g, uint64_t epoch);
void fli_replica_made(fli_guard *g, const fl_pid *server, fl_term state);
void fli_replica_heard(fli_guard *g, const fl_pid *from, fl_term map);
void fli_replica_send(fli_guard *g, const fl_pid *to);
void fli_replica_send_all(fli_guard *g);
void fli_replica_drop(fli_guard *g);

/* guard_lease.c */
void fli_guard_lease(void *ctx, fli_lease_verb verb, uint64_t epoch);
/* The same for a move; then fli_move_leased, also of RELEASE. False: it cannot be asked. */
bool fli_guard_lease_for_move(fli_guard *g, fli_lease_verb verb);
/* What has not been asked yet. */
void fli_guard_lease_free(fli_guard *g);

/* guard.c: the greatest epoch is on the disk, where it has to be; at once. */
bool fli_guard_keep_epoch(fli_guard *g);
/* guard.c: the same before a claim is granted, so that whoever comes back knows its epoch. False:
 * there was a write just now, and it is not to be granted. */
bool fli_guard_keep_promise(fli_guard *g);
/* guard.c: what a handler of the guard begins and ends with. */
fli_guard *fli_guard_enter(fl_proc *self, void *state);
int fli_guard_leave(fli_guard *g);

#endif
