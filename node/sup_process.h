/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUP_PROCESS_H
#define FLI_SUP_PROCESS_H

/*
 * The state of a supervisor's process, and what its files share: supervisor.c takes what comes,
 * sup_start.c starts and stops, sup_calls.c answers, sup_view.c says how it looks, root.c is the
 * node's own.
 *
 * Threads: the process's own handlers, without the context, but for `seats`, and for the node's
 * own, which is also used by who owns the context while none of its handlers runs. Memory: goes
 * with the process, however it ends.
 */

#include <stdatomic.h>

#include "node/runtime.h"
#include "node/sup.h"

/* Of a PartitionSupervisor: what fl_partition reads. The owner of the node's context. */
typedef struct fli_seat {
	uint32_t id, serial; /* of the last pid; 0: none yet */
} fli_seat;

typedef struct fli_supervisor {
	fli_sup *sup; /* NULL until init */
	fl_proc *self;
	const fl_supervisor *flags;
	fli_kept *extra;           /* FL_DYNAMIC: arguments before those of a start; may be NULL */
	fli_kid_spec *last_spec;   /* FL_DYNAMIC: the next child is probably like the last one */
	fli_seat *seats;           /* owned; NULL: no partitions */
	fli_link deferred;         /* what came while it waited for an end */
	fli_kept *reason;          /* with which it ends; NULL: shutdown */
	fl_from asker;             /* of terminate_child, which is answered when that is over */
	int last_rc;               /* of the last start */
	_Atomic(bool) is_stopping; /* the node's own: owner of the context, too */
	_Atomic(bool) wants_restart; /* likewise: of all children */
	bool has_asker;
	bool is_starting; /* in its init: children are added */
	bool wants_end;   /* with `reason`, when it is idle */
	bool is_again;    /* there was no memory for a message: the timeout tries again */
} fli_supervisor;

extern const fli_sup_ops fli_supervisor_ops;

fl_pid fli_kid_pid(const fl_proc *self, const fli_kid *kid);
/* As far as it goes without waiting; what a handler of a supervisor returns. */
int fli_supervisor_drive(fl_proc *self, fli_supervisor *s);
/* Answers a request, or defers it. `sender`: the node that asks. */
int fli_supervisor_call(
	fl_proc *self, fli_supervisor *s, fl_from from, fl_atom sender, fl_term request);
/* Adds a child of C's own form. FL_EINVAL: ret_why has OTP's term. */
int fli_supervisor_add(
	fli_supervisor *s, const fl_child *child, fl_term args, fli_kid **ret_kid, fl_buf *ret_why);
/* Ends all children without a turn: for one that ends itself at once. */
void fli_supervisor_end_now(fli_supervisor *s);
/* The list of arguments that a start gets: those of the supervisor, then the child's. */
int fli_supervisor_args(const fli_supervisor *s, const fli_kid *kid, fl_buf *ret_args);
/* {error, _} of a behaviour that is unknown; OTP's undef. */
void fli_supervisor_undef(const fli_kid *kid, fl_term args, fl_buf *ret_reason);

/* ---- for who asks (sup_ask.c) ------------------------------------------------------------------
 */

/* DynamicSupervisor's tuple of a map; FL_EINVAL when it has no start. */
int fli_dynamic_build(fl_buf *buf, fl_term map);
/* fl_partition. */
int fli_partition_of(fl_proc *self, fl_atom supervisor, fl_term key, fl_pid *ret_pid);

/* ---- how it looks (sup_view.c) --------------------------------------------------------------- */

int fli_supervisor_children(const fli_supervisor *s, fl_buf *ret_list);
void fli_supervisor_child(const fli_supervisor *s, const fli_kid *kid, fl_buf *ret_tuple);
int fli_supervisor_counts(const fli_supervisor *s, fl_buf *ret_list);
int fli_supervisor_status(fl_proc *self, const void *state, fl_buf *ret_status);
void fli_supervisor_report(void *ctx, const fli_kid *kid, const char *context, fl_term reason);
void fli_supervisor_progress(const fli_supervisor *s, const fli_kid *kid);

#endif
