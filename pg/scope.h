/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PG_SCOPE_H
#define FLI_PG_SCOPE_H

/*
 * One scope of process groups as this node sees it: a plain function over what happens.
 *
 *     node up, messages, 'DOWN's --> fli_scope --> messages, monitors   (fli_scope_ops)
 *     join, leave, watch         -->     |
 *                                        `--> table of groups
 *
 * Each node's scope process owns the memberships of its own processes and tells them to the others:
 * whole in a `sync`, then change by change. A peer is the scope process of another node that we
 * monitor; what is known of its members goes with it.
 *
 *     {discover, P}  -> our sync to P; P unknown: monitored, and discovered by us
 *     {sync, P, L}   -> P's members are L, whatever was known before
 *     {join, P, G, X}, {leave, P, X, Gs}, {update, P, L}   -> changes; P unknown: dropped
 *     {discover, P, 1}, {local_data, P, 1, Map}            -> as discover and sync, from OTP 29
 *     'DOWN' of P    -> all its members leave
 *
 * Long work is done in steps, so that who owns the context may change between them; see
 * fli_scope_begin.
 *
 * Threads: the owner of the node's context. Memory: fli_scope_destroy gives all back. Terms are
 * borrowed for the length of the call; those of a job until the job has ended.
 * Errors: what a peer sends is taken whole or refused and counted; FL_E* to who calls for itself.
 * Limits: FLI_SCOPE_*; members_max memberships in all.
 */

#include "pg/entries.h"
#include "pg/table.h"

#include "node/base/buf.h"

enum {
	FLI_SCOPE_PEERS_PER_NODE_MAX = 4, /* an old one may not be down yet; more are made up */
	FLI_SCOPE_KEY_MAX = 1 << 20,      /* bytes of a group's name from elsewhere */
	FLI_SCOPE_RESYNC_MAX = 1 << 16,  /* members; a peer that has more of us is not told twice */
	FLI_SCOPE_RESYNCS_MAX = 8,       /* a peer that asks more often a second has to wait */
	FLI_SCOPE_WATCHES_MAX = 1 << 14, /* of one group, or of all: each is told of each change */
	FLI_SCOPE_WATCHES_SUM_MAX = 1 << 20, /* of a scope, whatever they watch */
	FLI_SCOPE_LEAVE_MAX = 1 << 20,       /* pids times groups of one leave */
	FLI_SCOPE_RETRY_FIRST_MS = 1000,     /* after a failure for want of memory or room */
	FLI_SCOPE_RETRY_MAX_MS = 64000
};

/* What a scope asks of its surroundings. Pids and terms are borrowed. */
typedef struct fli_scope_ops {
	/*
	 * False unless the node is connected, visibly, in that incarnation. *ret_node is its name
	 * for keeping.
	 */
	bool (*is_near)(void *ctx, fl_atom node, uint32_t creation, fl_atom *ret_node);
	/* Never dials. FL_ENOTSUP: the node cannot take such a term. FL_ENOCONN is no failure. */
	int (*send)(void *ctx, const fl_pid *to, fl_term message);
	/* To the scope's name on that node; never dials. FL_ENOCONN is no failure. */
	int (*send_named)(void *ctx, fl_atom node, fl_term message);
	int (*monitor)(void *ctx, const fl_pid *pid, fl_ref *ret_ref);
	void (*demonitor)(void *ctx, const fl_ref *ref);
	/* fli_scope_retry is to be called after so many milliseconds; false: it will not be. */
	bool (*retry)(void *ctx, uint32_t ms);
} fli_scope_ops;

/* The scope process of another node. */
typedef struct fli_scope_peer {
	fli_pg_owner owner;
	fl_ref monitor;
	fli_link link;    /* in fli_scope.peers */
	uint32_t round;   /* of its syncs */
	bool is_synced;   /* it was sent our sync: it is told each change */
	bool owes_sync;   /* we owe it one, since something could not be sent */
	bool wants_sync;  /* we missed something of it: only a sync counts */
	uint32_t resyncs; /* lately, since it asked again */
	bool is_v1;       /* it has said that it takes local_data and update */
} fli_scope_peer;

/* A process of this node that is in some group. */
typedef struct fli_scope_local {
	uint64_t id;
	fl_ref monitor;
	fli_pg_share **shares; /* one entry a membership; `own`, or on the heap */
	fli_pg_share *own;
	uint32_t count, capacity;
} fli_scope_local;

typedef struct fli_scope_counters {
	uint64_t refused; /* messages that nobody of the protocol sends */
	uint64_t unknown; /* of scope processes that are no peers (any more) */
	uint64_t foreign; /* pids that are not of the node which they were told by */
	uint64_t missing; /* members that left without being in */
	uint64_t syncs, joins, leaves;
} fli_scope_counters;

typedef struct fli_scope {
	fli_pg_table table;
	fli_pg_owner own;
	fli_map locals; /* fli_scope_local, by id */
	fli_link peers;
	fli_map watches; /* fli_pg_watch, by its reference */
	fli_link of_all; /* fli_pg_watch of the whole scope */
	uint32_t of_all_count;
	uint32_t watches_max; /* of all kinds */
	bool is_paused;       /* our members are in no group, for us and for others */
	uint32_t retry_ms;    /* 0: nothing is due */
	uint32_t retry_next;  /* how long to wait the next time */
	bool owes_retry;      /* there was no timer for it: the next message makes one */
	bool asks_all;        /* somebody's scope could not be met: all are asked again */
	fli_buf out;          /* messages are built here */
	fli_buf key;          /* and the name that is asked for, here */
	uint64_t *ids;        /* of the message at hand */
	size_t ids_count, ids_capacity;
	fli_scope_counters counters;
	const fli_scope_ops *ops;
	void *ctx;
} fli_scope;

typedef struct fli_scope_start {
	fl_pid self;
	fli_mem *mem;
	uint64_t seed;
	uint64_t members_max;
	const fli_scope_ops *ops;
	void *ctx;
} fli_scope_start;

void fli_scope_create(fli_scope *scope, const fli_scope_start *start);
/* Tells nobody: monitors go with the process. */
void fli_scope_destroy(fli_scope *scope);

/* ---- events ---------------------------------------------------------------------------------- */

/* A visible node is connected. */
void fli_scope_node_up(fli_scope *scope, fl_atom node);

/* What is left of a message; it borrows from the message. */
typedef struct fli_scope_job {
	enum {
		FLI_JOB_DONE,
		FLI_JOB_SYNC,
		FLI_JOB_UNNAMED, /* what a sync did not name leaves */
		FLI_JOB_UPDATE,
		FLI_JOB_LEAVE,
		FLI_JOB_GONE
	} kind;
	fli_scope_peer *peer;
	fli_entries entries; /* still to come; of a leave: */
	fl_term groups, pids;
} fli_scope_job;

/*
 * Looks a message through without touching anything: shapes, lengths, kinds. False: no peer sends
 * such a message. May be called without the context.
 */
bool fli_scope_check(fl_term message, bool is_cast);
/* Begins what a message that was checked asks for. */
void fli_scope_begin(fli_scope *scope, fl_term message, bool is_cast, fli_scope_job *ret_job);
/* A bounded part of the job; true while there is more. Joins of others may happen in between. */
bool fli_scope_step(fli_scope *scope, fli_scope_job *job);
/* A message that fli_scope_check refused. */
void fli_scope_refuse(fli_scope *scope);
/* A monitor fired. `pid` borrows. The job is what is left to do. */
void fli_scope_down(fli_scope *scope, const fl_ref *ref, const fl_pid *pid, fli_scope_job *ret_job);
/* True: fli_scope_node_up is to be called for each node that is near, as at the start. */
bool fli_scope_retry(fli_scope *scope);
/* Our members leave all groups in one message a peer, and come back. */
void fli_scope_pause(fli_scope *scope);
void fli_scope_resume(fli_scope *scope);

/* ---- what processes of this node ask for ----------------------------------------------------- */

/* Members of this node, by fli_pg_id. All or none. `as_list`: told as a list even when it is one.
 */
typedef struct fli_scope_pids {
	const uint64_t *ids;
	size_t count;
	bool as_list;
} fli_scope_pids;

int fli_scope_join(fli_scope *scope, fl_term group, const fli_scope_pids *pids);
/* FL_ENOENT: none of them was in. */
int fli_scope_leave(fli_scope *scope, fl_term group, const fli_scope_pids *pids);

/* Shares of a group that are to be seen: *share is the last one, NULL at first. */
bool fli_scope_next(const fli_scope *scope, const fli_pg_group *group, bool is_local,
	const fli_pg_share **share);
/* Appends a list of pids. `group` may be NULL. */
void fli_scope_write_members(
	const fli_scope *scope, const fli_pg_group *group, bool is_local, fli_buf *buf);
/* Appends a list of names. */
void fli_scope_write_groups(const fli_scope *scope, bool is_local, fli_buf *buf);
/* Appends #{Group => [Pid]}. */
void fli_scope_write_all(const fli_scope *scope, fli_buf *buf);

/* ---- watches (watch.c) ----------------------------------------------------------------------- */

/* A process that is told of joins and leaves: {Ref, join | leave, Group, Pids}. */
typedef struct fli_pg_watch {
	fl_ref ref;          /* the monitor of it, too */
	fl_pid pid;          /* its node's name is interned */
	fli_pg_group *group; /* NULL: the whole scope */
	fli_link link;
} fli_pg_watch;

/* `group` NULL: the whole scope. */
int fli_scope_watch(fli_scope *scope, const fl_pid *pid, const fl_term *group, fl_ref *ret_ref);
/* False when there is no such watch. */
bool fli_scope_unwatch(fli_scope *scope, const fl_ref *ref);
/* The same when its process is gone. */
bool fli_scope_watcher_down(fli_scope *scope, const fl_ref *ref);
void fli_scope_watches_destroy(fli_scope *scope);

/* ---- between the files ----------------------------------------------------------------------- */

typedef struct fli_scope_change {
	fli_pg_group *group;
	const fli_pg_owner *owner;
	const uint64_t *ids;
	size_t count;
	bool is_join;
} fli_scope_change;

/* Tells who watches. */
void fli_scope_notify(fli_scope *scope, const fli_scope_change *change);

/* scope_out.c */
fl_term fli_scope_built(const fli_scope *scope);
void fli_scope_send_discover(fli_scope *scope, const fli_scope_peer *peer);
void fli_scope_send_sync(fli_scope *scope, fli_scope_peer *peer);
void fli_scope_tell_join(fli_scope *scope, const fli_pg_group *group, const fli_scope_pids *pids);
void fli_scope_tell_leave(fli_scope *scope, fl_term group, const fli_scope_pids *pids);
/* A process ended: all its groups in one message. */
void fli_scope_tell_end(fli_scope *scope, const fli_scope_local *local);
/* Something could not be done for want of memory or room: it is tried again later. */
void fli_scope_try_later(fli_scope *scope);
/* A scope of some node is not known to us, or we to it, for the same reason. */
void fli_scope_ask_all_later(fli_scope *scope);

/* scope.c */
fli_scope_peer *fli_scope_peer_find(const fli_scope *scope, const fl_pid *pid);
/* NULL: it is not near, there are too many of its node, or no memory. */
fli_scope_peer *fli_scope_peer_add(fli_scope *scope, const fl_pid *pid);
/* Its members must have left. */
void fli_scope_peer_remove(fli_scope *scope, fli_scope_peer *peer);
/* The same when it has ended: one that there was no room for may be its successor, and is asked. */
void fli_scope_peer_gone(fli_scope *scope, fli_scope_peer *peer);
/* Appends to scope->ids; false: out of memory. */
bool fli_scope_keep_id(fli_scope *scope, uint64_t id);
void fli_scope_local_gone(fli_scope *scope, fli_scope_local *local);
fli_scope_local *fli_scope_local_find(const fli_scope *scope, uint64_t id);

#endif
