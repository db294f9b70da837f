/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_VERBS_H
#define FLITCH_TESTS_SIM_VERBS_H

/*
 * What a process does when it is told to: one function a verb, run as its handler.
 *
 * Threads: the world's. Memory: none. Errors: what cannot be done is not done.
 */

#include "tests/sim/actor.h"

/* Names as in scenario files, and how often against each other. */
#define VERBS(X)                                                                                   \
	X(send, 6)                                                                                 \
	X(cast, 6)                                                                                 \
	X(send_name, 3)                                                                            \
	X(burst, 4)                                                                                \
	X(large, 3)                                                                                \
	X(call, 8)                                                                                 \
	X(call_name, 4)                                                                            \
	X(wait, 4)                                                                                 \
	X(rpc, 2)                                                                                  \
	X(monitor, 6)                                                                              \
	X(monitor_name, 2)                                                                         \
	X(demonitor, 3)                                                                            \
	X(link, 6)                                                                                 \
	X(unlink, 3)                                                                               \
	X(relink, 3)                                                                               \
	X(exit, 3)                                                                                 \
	X(kill, 2)                                                                                 \
	X(stop, 4)                                                                                 \
	X(last_words, 3)                                                                           \
	X(churn, 2)                                                                                \
	X(sleep, 1)                                                                                \
	X(rename, 1)                                                                               \
	X(name_register, 5)                                                                        \
	X(name_take, 2)                                                                            \
	X(name_drop, 2)                                                                            \
	X(name_wait, 2)                                                                            \
	X(name_send, 2)                                                                            \
	X(sync, 1)                                                                                 \
	X(last_name, 0)                                                                            \
	X(lock, 2)                                                                                 \
	X(unlock, 2)                                                                               \
	X(trans, 2)                                                                                \
	X(join, 6)                                                                                 \
	X(part, 4)                                                                                 \
	X(watch_group, 2)                                                                          \
	X(watch_scope, 1)                                                                          \
	X(unwatch, 1)

#define VERB_DECLARE(name, weight) int verb_##name(fl_proc *self, uint32_t me, const order *o);
VERBS(VERB_DECLARE)
#undef VERB_DECLARE

/* Enters what is about to be asked; `to` NOBODY: not a process that is known. */
uint32_t verb_enter(uint32_t me, const order *o, ask_kind kind, uint32_t to);
/* The name server of a host, the scope of a host, as texts; empty: there is none. */
void verbs_server(run *r, unsigned host, char *ret_text);
void verbs_scope(run *r, unsigned host, char *ret_text);
const char *verbs_group(int group);
/* A resolve method of one's own: sim:resolve/3. */
int verbs_resolve(fl_proc *self, fl_term args, fl_buf *result);

#endif
