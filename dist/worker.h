/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_WORKER_H
#define FLI_DIST_WORKER_H

/*
 * A short-lived process that runs one native function for somebody else, and ends with what came of
 * it: the process behind spawn requests, erpc and rex.
 *
 *     fli_worker_start --> (its turn) --> fli_apply(M, F, Args) --> exit with the outcome
 *
 *     function                 exits with
 *     erpc:execute_call/4      {Ref, return | throw | exit, Term}, {Ref, error, Reason, Stack}
 *     erpc:execute_cast/3      normal
 *     any other                normal, Reason, {Reason, Stack}, {{nocatch, Term}, Stack}
 *
 * It takes no other message; exit signals end it as they end any process, while the C function
 * runs on to its end and its outcome is dropped.
 *
 * Threads: the owner of the node's context. Memory: everything in the start is copied. Errors:
 * FL_ELIMIT, FL_ENOMEM. Limits: those of processes and messages.
 */

#include "node/runtime.h"

typedef struct fli_worker {
	fl_atom module;
	fl_atom function;
	fl_term args;               /* a list */
	const fli_payload *payload; /* not NULL: it instead of `args`, as it came */
	fl_atom sender;             /* the node that wants it, interned; NULL: this one */
	const fl_pid *leader;       /* NULL: the node's own; its node's name need not be interned */
} fli_worker;

/* The process does not run before the caller gives the context back. */
int fli_worker_start(fl_node *node, const fli_worker *start, fl_proc **ret_proc);

#endif
