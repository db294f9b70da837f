/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_WAIT_H
#define FLI_WAIT_H

/*
 * A handler that waits for an answer, or for the first of several.
 *
 *     fli_wait --ref--> {Ref, Reply}, or the DOWN of its monitor --> done, and the sleeper wakes
 *
 * Threads: the owner of the node's context. Memory: both on the waiter's stack, or its own; a
 * message that came is the waiter's.
 */

#include <pthread.h>

#include "node/runtime.h"

typedef struct fli_sleep {
	bool woken;
	bool has_cond;
	pthread_cond_t cond;
} fli_sleep;

typedef struct fli_wait {
	struct fli_wait *outer; /* in fl_proc.waits */
	fl_node *node;
	fl_ref ref;
	fli_monitor *monitor; /* NULL when there is none */
	fli_msg *msg;         /* the answer, or the reason; its body */
	int status;
	bool done;
	fli_sleep *sleep; /* may be one for several */
} fli_wait;

/* FL_OK: woken, or the time is over (FL_INFINITY: never). Other codes: it cannot wait. */
int fli_sleep_until(fl_proc *self, fli_sleep *sleep, uint32_t timeout_ms);
/* Whether the handler may wait: the node can go on on another thread. FL_ELIMIT, FL_ENOTSUP. */
int fli_may_sleep(fl_proc *self);
void fli_wait_finish(fli_wait *wait, int status, fli_msg *msg);
void fli_wait_finish_with_reason(fl_node *node, fli_wait *wait, fl_term reason);
/* Its answer as a term that lives until the outermost handler returns; ret_reply may be NULL. */
void fli_wait_keep(fl_proc *self, fli_wait *wait, fl_term *ret_reply);
/*
 * Waits for the first of `count` answers to requests that were made earlier, from the mailbox or as
 * they come. FL_OK: one or more are `done`. FL_ETIMEOUT. A wait for which nothing is there or can
 * come is done with FL_ENOENT.
 */
int fli_await_any(fl_proc *self, fli_wait *waits, size_t count, uint32_t timeout_ms);

#endif
