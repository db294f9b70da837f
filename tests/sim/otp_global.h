/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_GLOBAL_H
#define FLI_TESTS_OTP_GLOBAL_H

/*
 * global of the model: three processes and the tables of the first one.
 *
 *     GNS        global_name_server: sessions with other nodes, names, locks, who is known
 *     locker     takes the lock of its own partition while two partitions are being joined
 *     registrar  one registering after the other, under the lock of all known nodes
 *
 * A session with a node, as seen here:
 *
 *     nodeup --> init_connect both ways --> the lockers agree --> lock_is_set --> exchange both
 * ways
 *            --> resolver --> resolved both ways --> known, synced; new_nodes to the old partition
 *
 * Memory: the tables belong to the node. The locker and the registrar keep copies of what they
 * need.
 */

#include "tests/sim/otp_node.h"

/* Everything that is known of another node; the table forgets none. */
typedef struct otp_place {
	struct otp_place *next;
	otp_atom name;
	bool is_known;
	bool is_synced;
	bool is_removing; /* its connection ends because partitions must not overlap */
	bool wants_sync;  /* gets in_sync when it is up */
	int vsn;          /* of a known one; 0: not known */
	otp_term early;   /* init_connect that came before nodeup */
	/* the session */
	bool has_session;
	bool is_pending; /* his init_connect is here */
	int64_t my_tag;
	otp_term his_tag;
	int his_vsn;
	bool has_lock;     /* our locker has it */
	bool is_resolving; /* both sides have exchanged */
	otp_term lock_id;
	otp_term exchange;    /* came before our lock */
	otp_term my_ops;      /* the resolver is done; none: not yet */
	otp_term his_resolve; /* {Ops,Known,NamesExt} that came before */
	otp_term resolver;    /* pid */
} otp_place;

typedef struct otp_name {
	struct otp_name *next;
	otp_term name;
	otp_term pid;
	otp_term method;
	otp_term monitor;
	otp_term reg_node; /* of an external name; none otherwise */
} otp_name;

typedef struct otp_holder {
	struct otp_holder *next;
	otp_term pid;
	otp_term monitor;
} otp_holder;

typedef struct otp_lock {
	struct otp_lock *next;
	otp_term resource;
	otp_term requester;
	otp_holder *holders;
} otp_lock;

/* "a has lost b", as somebody reported. */
typedef struct otp_loss {
	struct otp_loss *next;
	otp_term a, b, creation;
	int64_t operation;
} otp_loss;

struct otp_locker;
struct otp_registrar;

typedef struct otp_global {
	otp_proc *server;
	otp_proc *locker;
	otp_proc *registrar;
	otp_place *places;
	otp_name *names;
	otp_lock *locks;
	otp_loss *losses;
	bool is_lock_down; /* the last global lock went with its holder */
	otp_term creation; /* names this life */
	int64_t operation;
	int64_t next_tag;
	struct otp_waiter *waiters; /* of sync/0 */
	unsigned unexpected;
	char last_unexpected[160];
} otp_global;

/* Who waits until those nodes are synced or gone. */
typedef struct otp_waiter {
	struct otp_waiter *next;
	otp_term to;
	otp_term tag;
	otp_term nodes;
} otp_waiter;

/* ---- otp_gns.c, otp_session.c ---------------------------------------------------------------- */

void otp_gns_cast(otp_node *node, const char *peer, otp_term message);
otp_place *otp_place_of(otp_global *g, const char *name);
otp_place *otp_place_find(otp_global *g, const char *name);
/* The names of those that are known, as a list of atoms; without `but` (may be NULL). */
otp_term otp_known_list(otp_node *node, const char *but);
/* [{Node,Vsn}], or [Node] for those before 7. */
otp_term otp_known_for(otp_node *node, int vsn, const char *but);
void otp_wake_waiters(otp_node *node);

void otp_session_nodeup(otp_node *node, const char *peer);
void otp_session_cast(otp_node *node, otp_term cast);
/* init_connect_ack, cancel_connect; false: it is neither. */
bool otp_session_info(otp_node *node, otp_term message);
/* Drops the session, if there is one; the locker and the resolver stop. */
void otp_session_drop(otp_node *node, otp_place *place);
void otp_session_free(otp_place *place);

/* ---- otp_names.c ----------------------------------------------------------------------------- */

otp_name *otp_name_find(otp_global *g, otp_term name);
/* `from`: the pid that registers, or the lock that new_nodes names. */
void otp_name_insert(otp_node *node, otp_term name, otp_term pid, otp_term method, otp_term from);
void otp_name_external(otp_node *node, otp_term name, otp_term pid, otp_term reg_node);
void otp_name_delete(otp_node *node, otp_term name);
/* [{Name,Pid,Method}], [{Name,Pid,RegNode}] */
otp_term otp_names_list(otp_node *node);
otp_term otp_names_ext(otp_node *node);
void otp_ops_run(otp_node *node, otp_term ops, otp_term names_ext, otp_term lock_id);

otp_lock *otp_lock_find(otp_global *g, otp_term resource);
/* Whether set_lock would be true. */
bool otp_lock_is_free(otp_node *node, otp_term resource, otp_term requester);
bool otp_lock_set(otp_node *node, otp_term resource, otp_term requester, otp_term pid);
void otp_lock_del(otp_node *node, otp_term resource, otp_term requester, otp_term pid);
/* DOWN of a holder or of a named process. */
void otp_names_down(otp_node *node, otp_term ref);
void otp_names_free(otp_global *g);

/* ---- otp_partition.c ------------------------------------------------------------------------- */

void otp_partition_nodedown(otp_node *node, const char *peer);
bool otp_partition_info(otp_node *node, otp_term message);
/* No longer known, synced or being connected. */
void otp_forget(otp_node *node, otp_place *place);

/* ---- otp_lists.c: global:set_lock and del_lock from a process that waits ------------------ */

/* One try on those nodes. What was locked is given back when one says no. */
void otp_try_lock(otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done);
void otp_del_lock(otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done);
/* All but the greatest, then that one. */
void otp_del_global_lock(
	otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done);
uint64_t otp_random_sleep(otp_node *node, unsigned times);

/* Lists of atoms. */
otp_term otp_list_max(otp_term list);
bool otp_list_has(otp_term list, otp_term item);
otp_term otp_list_without(otp_node *node, otp_term list, otp_term items);
otp_term otp_list_append(otp_node *node, otp_term a, otp_term b);
otp_term otp_cons(otp_node *node, otp_term head, otp_term tail);

/* ---- otp_locker.c, otp_registrar.c, otp_resolve.c -------------------------------------------- */

void otp_locker_start(otp_node *node);
void otp_registrar_start(otp_node *node);
otp_proc *otp_resolver_start(otp_node *node, const char *peer, int64_t tag);

#endif
