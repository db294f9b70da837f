/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_STATE_H
#define FLI_DIST_GLOBAL_STATE_H

/*
 * What the parts of `global` share: one structure, one file a noun.
 *
 *     fli_global --- nodes: fli_global_node --- session     while two nodes join
 *        |---------- names, pids, locks                     the tables
 *        |---------- locker, registrar                      who take the lock `global`
 *        |---------- asks                                   calls that wait for an answer
 *        `---------- acts, terms                            what is to be done
 *
 * Threads, memory, errors: as global.h.
 */

#include "dist/global.h"
#include "node/base/buf.h"
#include "node/base/list.h"
#include "node/base/map.h"
#include "node/term/atoms.h"
#include "node/term/write.h"

typedef struct fli_global_node fli_global_node;

/* A copy of a term; data is NULL where there is none. */
typedef struct fli_blob {
	uint8_t *data;
	size_t size;
} fli_blob;

/* ---- pids, names, locks ---------------------------------------------------------------------- */

/* A process that has names or holds locks; watched as long. */
typedef struct fli_global_pid {
	fl_pid pid;
	fl_ref ref; /* of the monitor; count 0: not yet told */
	fli_link names;
	fli_link holds;
} fli_global_pid;

typedef struct fli_global_name {
	uint64_t hash;
	fl_term name;
	fl_term method;
	fli_global_pid *pid;
	fli_link in_pid;
	uint64_t since_ms; /* when it got it, as seen here */
	fl_atom reg_node;  /* who registered it for a node without global; empty: not so */
	uint8_t bytes[];
} fli_global_name;

typedef struct fli_global_lock {
	uint64_t hash;
	fl_term resource;
	fl_term requester;
	fli_link holds;
	uint8_t bytes[];
} fli_global_lock;

typedef struct fli_global_hold {
	fli_link in_lock, in_pid;
	fli_global_lock *lock;
	fli_global_pid *pid;
} fli_global_hold;

/* ---- nodes and sessions ---------------------------------------------------------------------- */

typedef struct fli_global_session {
	int64_t my_tag, his_tag;
	uint32_t his_vsn;
	fl_pid his_locker;
	bool is_pending;  /* his init_connect came */
	bool has_asked;   /* his lock_set true came, and nobody has looked at it */
	bool is_lock_set; /* our side holds the lock */
	bool is_resolving;
	bool is_asking;    /* for a name's resolution */
	fli_blob exchange; /* his names */
	fli_blob resolved; /* his {HisResolved, HisKnown, Ext} */
	fl_term rest;      /* of exchange: what is not compared yet */
	fli_buf ops;       /* for this side, terms one after the other */
	fli_buf his_ops;   /* for his */
	uint32_t ops_count, his_ops_count;
	bool has_ops; /* all are compared */
} fli_global_session;

struct fli_global_node {
	fli_link link;
	fl_atom name;
	uint32_t vsn; /* 0: not told */
	bool is_up, is_known, is_synced;
	bool is_removing; /* asked to leave, or left: its end is no loss */
	bool is_dialled;
	bool is_guest, runs_pop; /* a node of our kind that accuses nobody; one that does */
	bool was_asked;          /* for its mode */
	bool is_late;            /* a session with it was begun anew for taking too long */
	bool has_lost_names;     /* not yet up, and monitors of its processes have ended */
	bool meets_again;        /* it is dialled when the two have parted */
	uint64_t doubt_ms;       /* when what is odd about it must have passed; 0: nothing is */
	uint64_t missed_ms;      /* until when it is remembered as missed; 0: it is not */
	uint64_t round;          /* of the sync that named it last */
	fli_global_session *session;
	fli_blob early; /* an init_connect that came before the node was up */
};

/* ---- asking ---------------------------------------------------------------------------------- */

typedef enum fli_global_ask_for { FLI_ASK_GRAB, FLI_ASK_RESOLVE, FLI_ASK_MODE } fli_global_ask_for;

typedef struct fli_global_ask {
	fli_link link;
	uint64_t id;
	fl_ref ref; /* count 0: not yet told */
	fli_global_ask_for what;
	fli_global_role role; /* of a grab */
	fl_atom node;         /* who is asked */
	fl_atom session;      /* with whom; and its tag */
	int64_t tag;
} fli_global_ask;

/* One node's part in taking a lock. */
typedef struct fli_global_asked_node {
	fl_atom node;
	bool is_held, is_unsure; /* it said so; it said nothing and may be */
	bool is_lost;            /* no member any more: it is told nothing */
} fli_global_asked_node;

typedef enum fli_global_grabbing {
	FLI_GRAB_NONE,
	FLI_GRAB_BOSS, /* the greatest name first, so that two who want it meet there */
	FLI_GRAB_PAIR, /* this node, and the one that joins */
	FLI_GRAB_REST,
	FLI_GRAB_HELD,
	FLI_GRAB_APPLY, /* something is told to all that are held */
	FLI_GRAB_TOLD,
	FLI_GRAB_FREE_REST,
	FLI_GRAB_FREE_BOSS
} fli_global_grabbing;

/* Takes one lock on many nodes and gives it back: all, or none. */
typedef struct fli_global_grab {
	fli_global_role role;
	fli_global_grabbing state;
	fli_blob id; /* {global, Requester} */
	fl_atom extra;
	fl_atom boss;
	fli_global_asked_node *nodes;
	size_t count, capacity;
	uint32_t waiting;
	bool said_no, is_failed; /* one refused; it was given up */
} fli_global_grab;

typedef enum fli_global_locking {
	FLI_LOCKER_IDLE,
	FLI_LOCKER_GRABS,
	FLI_LOCKER_AWAITS, /* ours is set, his is not */
	FLI_LOCKER_HOLDS,
	FLI_LOCKER_FREES
} fli_global_locking;

typedef struct fli_global_locker {
	fli_global_locking state;
	fli_global_grab grab;
	fli_global_node *him; /* NULL: idle, or gone meanwhile */
	bool is_initiator;
	bool he_is_set; /* his lock_set true came while we were at it */
	bool just_synced;
	bool has_news; /* a word has come since it began the last time */
	uint64_t due_ms;
	uint64_t patience_ms; /* until when the partner is waited for */
} fli_global_locker;

typedef struct fli_global_job {
	fli_link link;
	fli_global_change change;
	fl_pid pid;
	fl_from from;
	fl_term name, method;
	uint8_t bytes[];
} fli_global_job;

typedef struct fli_global_registrar {
	fli_global_grab grab;
	fli_link jobs;
	size_t jobs_count;
	bool is_freeing;
	bool is_asleep;
	uint64_t due_ms;
	uint32_t tries;
} fli_global_registrar;

/* ---- the rest -------------------------------------------------------------------------------- */

typedef struct fli_global_wait {
	fli_link link;
	fl_from from;
	size_t left;
	fl_atom nodes[]; /* not yet synced; empty ones are done */
} fli_global_wait;

/* "a reports that it lost b". */
typedef struct fli_global_lost {
	fli_link link;
	uint64_t hash;
	fl_atom a, b;
	fli_blob creation;
	int64_t op;
	uint64_t at_ms;
} fli_global_lost;

struct fli_global {
	fli_global_config config;
	fli_mem *mem;
	fl_atom name;
	uint64_t now_ms;
	bool failed;
	bool is_leaving;

	fli_link nodes;
	fli_map nodes_by_name;
	size_t early_count;  /* of nodes whose init_connect came before they were up */
	size_t missed_count; /* of nodes that were told of and not reached */
	fli_map names;
	size_t names_bytes;
	fli_map pids;
	fli_map locks;
	fli_map holds;
	fli_global_lock *lock_own; /* the lock `global` itself; NULL: nobody holds it */
	size_t locks_bytes;
	fli_link asks;
	uint64_t ask_next;
	fli_global_locker locker;
	fli_global_registrar registrar;
	fli_link waits;
	size_t waits_count;
	uint64_t sync_round;
	fli_link lost; /* the oldest first */
	fli_map lost_by_key;
	int64_t tag_next;
	int64_t op_next;
	int64_t creation; /* of this instance, for lost_connection */

	fli_global_act *acts;
	size_t acts_count, acts_capacity;
	fli_buf terms;
	fli_global_counters counters;
};

/* ---- global_out.c: saying what is to be done ------------------------------------------------- */

bool fli_blob_copy(fli_global *g, fli_blob *blob, fl_term term);
void fli_blob_free(fli_global *g, fli_blob *blob);
static inline fl_term fli_blob_term(const fli_global *g, const fli_blob *blob)
{
	return (fl_term){.data = blob->data, .size = blob->size, .atoms = g->config.atoms};
}
/* A node's name as it may be kept; false: beyond a limit. */
bool fli_global_intern(fli_global *g, fl_atom text, fl_atom *ret_atom);

/* Opens an act: append exactly one term to g->terms, then fli_global_act_end. */
fli_global_act *fli_global_act_begin(fli_global *g, fli_global_do what, fli_global_role role);
void fli_global_act_end(fli_global *g);
void fli_global_put(fli_global *g, fl_spec term);
void fli_global_send(fli_global *g, fl_atom node, fl_spec message);
void fli_global_send_pid(fli_global *g, fli_global_role role, fl_pid pid, fl_spec message);
void fli_global_cast_to(fli_global *g, fli_global_role role, fl_atom node, fl_spec message);
void fli_global_reply(fli_global *g, fl_from from, fl_spec reply);
void fli_global_simple(fli_global *g, fli_global_do what, fl_atom node);
void fli_global_log(fli_global *g, fli_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A call; ->role, ->tag may be set on what is returned. NULL: failed. */
fli_global_ask *fli_global_ask_at(
	fli_global *g, fli_global_ask_for what, fl_atom node, const char *server, fl_spec request);

#define FLI_ATOM_FMT "%.*s"
#define FLI_ATOM_ARG(atom) (int)(atom).size, (atom).text

/* What its maps compare by. */
fli_map_equal fli_global_node_has_key, fli_global_pid_has_key, fli_global_name_has_key,
	fli_global_lock_has_key, fli_global_hold_has_key, fli_global_lost_has_key;

/* ---- global_nodes.c -------------------------------------------------------------------------- */

/* By text that need not be interned. */
fli_global_node *fli_global_node_find(const fli_global *g, fl_atom name);
/* Keeps an init_connect until the node is up; there is room for so many such nodes. */
void fli_global_node_keep_early(fli_global *g, fli_global_node *node, fl_term message);
void fli_global_node_drop_early(fli_global *g, fli_global_node *node);
/* Finds or makes; NULL: beyond the limit, or failed. */
fli_global_node *fli_global_node_get(fli_global *g, fl_atom name);
/* Frees what nothing is known of any more. */
void fli_global_node_rest(fli_global *g, fli_global_node *node);
int fli_global_order(fl_atom a, fl_atom b);
/* Greatest of this node and those that are known. */
fl_atom fli_global_boss(const fli_global *g);
size_t fli_global_known_count(const fli_global *g);
/* {Node, Vsn} or Node, as the version wants it. */
void fli_global_write_known(fli_global *g, fli_buf *buf, uint32_t vsn);
/* Reads Node or {Node, Vsn}; interned. */
bool fli_global_read_node(fli_global *g, fl_term element, fl_atom *ret_name, uint32_t *ret_vsn);
void fli_global_make_known(fli_global *g, fl_atom name, uint32_t vsn);
void fli_global_make_synced(fli_global *g, fli_global_node *node);
/* Connects to a node that was told of, and tells it that we are in sync. */
void fli_global_meet(fli_global *g, fl_atom name);
/* As if the connection had been lost. */
void fli_global_forget(fli_global *g, fli_global_node *node);
void fli_global_sync(fli_global *g, fl_from from, fl_term nodes);
void fli_global_synced(fli_global *g, fl_atom name);

/* ---- global_names.c, global_locks.c, global_pids.c ------------------------------------------- */

fli_global_name *fli_global_name_find(const fli_global *g, fl_term name);
/* Inserts or replaces. */
void fli_global_name_put(
	fli_global *g, fl_term name, const fl_pid *pid, fl_term method, fl_atom reg_node);
void fli_global_name_delete(fli_global *g, fli_global_name *entry);
/* {insert, {Name, Pid, Method}} and {delete, Name}; `ext` is [{Name, Pid, RegNode}]. */
void fli_global_names_apply(fli_global *g, fl_term ops, fl_term ext, bool is_late);
void fli_global_names_write(fli_global *g, fli_buf *buf);
size_t fli_global_count_list(fl_term list);

bool fli_global_lock_set(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester);
void fli_global_lock_del(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester);
void fli_global_locks_down(fli_global *g, fli_global_pid *pid);
bool fli_global_lock_has(const fli_global *g, const fli_global_lock *lock, const fl_pid *pid);
/* Nobody of that node holds the lock `global` any more. */
void fli_global_lock_leave(fli_global *g, fl_atom node);

uint64_t fli_global_pid_hash(const fli_global *g, const fl_pid *pid);
fli_global_pid *fli_global_pid_find(const fli_global *g, const fl_pid *pid);
fli_global_pid *fli_global_pid_get(fli_global *g, const fl_pid *pid);
/* Ends the monitor of who has neither name nor lock. */
void fli_global_pid_rest(fli_global *g, fli_global_pid *pid);
/* The end of every process of a node that is gone. */
void fli_global_pids_gone(fli_global *g, fl_atom node);
void fli_global_pid_free(fli_global *g, fli_global_pid *pid);

/* ---- global_serve.c: what any node may ask of the server ------------------------------------- */

typedef enum fli_global_answer_kind {
	FLI_ANSWER_NONE, /* not one of these */
	FLI_ANSWER_TRUE,
	FLI_ANSWER_FALSE,
	FLI_ANSWER_YES,
	FLI_ANSWER_NO,
	FLI_ANSWER_OK
} fli_global_answer_kind;

fli_global_answer_kind fli_global_serve(fli_global *g, const fl_pid *caller, fl_term request);

/* ---- global_grab.c --------------------------------------------------------------------------- */

void fli_global_grab_begin(fli_global *g, fli_global_grab *grab, fl_atom extra);
/* Goes on as far as it can; true when the state is HELD, TOLD, or NONE (freed, or failed). */
bool fli_global_grab_run(fli_global *g, fli_global_grab *grab);
/* Tells all that are held. */
void fli_global_grab_tell(fli_global *g, fli_global_grab *grab, fl_term request);
void fli_global_grab_free(fli_global *g, fli_global_grab *grab);
void fli_global_grab_answer(
	fli_global *g, fli_global_grab *grab, const fli_global_ask *ask, fl_term reply);
/* It is no member any more, though it may be up; once it is one again it is asked again. */
void fli_global_grab_forget(fli_global_grab *grab, fl_atom node);
void fli_global_grab_destroy(fli_global *g, fli_global_grab *grab);

/* ---- global_locker.c, global_registrar.c ----------------------------------------------------- */

void fli_global_locker_run(fli_global *g);
/* A partner was added or has asked. */
void fli_global_locker_poke(fli_global *g);
void fli_global_locker_lock_set(fli_global *g, fli_global_node *him, bool is_set);
/* A partner that lets us wait for too long. */
void fli_global_locker_time(fli_global *g);
/* The session is over: whatever is held for it is given back. */
void fli_global_locker_drop(fli_global *g, fli_global_node *him);
void fli_global_registrar_run(fli_global *g);
void fli_global_registrar_destroy(fli_global *g);

/* ---- global_session.c, global_join.c, global_resolver.c -------------------------------------- */

void fli_global_session_open(fli_global *g, fli_global_node *node);
void fli_global_session_drop(fli_global *g, fli_global_node *node);
void fli_global_session_restart(fli_global *g, fli_global_node *node);
bool fli_global_session_cast(fli_global *g, fl_term message);
bool fli_global_session_info(fli_global *g, fl_term message);
/* The locker holds the lock for that session. */
void fli_global_lock_is_set(fli_global *g, fli_global_node *node);
bool fli_global_join_cast(fli_global *g, fl_term message);
void fli_global_join_resolved(fli_global *g, fli_global_node *node);
void fli_global_resolve(fli_global *g, fli_global_node *node);
void fli_global_resolve_answer(fli_global *g, const fli_global_ask *ask, fl_term reply);

/* ---- global_pop.c ---------------------------------------------------------------------------- */

void fli_global_pop_lost(fli_global *g, const fli_global_node *node);
bool fli_global_pop_info(fli_global *g, fl_term message);
void fli_global_pop_ask_mode(fli_global *g, fli_global_node *node);
void fli_global_pop_mode(fli_global *g, const fli_global_ask *ask, fl_term reply);
void fli_global_pop_destroy(fli_global *g);

#endif
