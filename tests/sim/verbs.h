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
	X(rename, 1)

#define VERB_DECLARE(name, weight) int verb_##name(fl_proc *self, uint32_t me, const order *o);
VERBS(VERB_DECLARE)
#undef VERB_DECLARE

#endif
