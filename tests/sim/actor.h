/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_ACTOR_H
#define FLITCH_TESTS_SIM_ACTOR_H

/*
 * The servers that a run watches. Each does what orders say (verbs.h), answers what others ask, and
 * enters in the books what it sees.
 *
 *     anchor    one a node, supervised, never told to end
 *     worker    traps exits; may be told to end
 *     mortal    does not trap exits
 *
 * A message is {m, Number, Sender, How, Body}, an answer {r, Number, Body}.
 *
 * Threads: the world's. Memory: the process's. Errors: entered in the books.
 */

#include "tests/sim/payload.h"
#include "tests/sim/run.h"

enum { ACTOR_LATER_MAX = 8 };

typedef struct actor_state {
	uint32_t id; /* in the books */
	fl_from later[ACTOR_LATER_MAX];
	uint32_t later_asks[ACTOR_LATER_MAX]; /* 0: free */
} actor_state;

extern const fl_behaviour actor_anchor, actor_worker, actor_mortal;

/* The registered name of a slot. */
const char *actor_name(unsigned slot);
/* Starts the process of a slot if there is none. */
void actor_start(run_host *host, unsigned slot, bool is_mortal);
/* What the body of that ask is. */
payload actor_body(uint32_t number);
/* Enters an event of `id` that ended `ask`, or not. */
void actor_saw_end(book_kind kind, uint32_t id, uint32_t ask, fl_term reason);
/* An answer to `ask` came. */
void actor_saw_reply(uint32_t id, uint32_t ask, fl_term reply);

#endif
