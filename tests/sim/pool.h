/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_POOL_H
#define FLITCH_TESTS_SIM_POOL_H

/*
 * Runs in processes of their own, so that one that crashes or hangs is one failure and no more.
 *
 *     pool_play(plan) --fork--> run_play --> a record and a report, by a file that both have open
 *
 * Threads: one. Memory: the caller's. Errors: a run whose process ended otherwise has the invariant
 * "the process ended", with the signal as its text.
 */

#include "tests/sim/run.h"

/*
 * A run that takes so many seconds turns in a circle. They are of processor time: on a machine that
 * others use as well, a run of 64 nodes may last many times as long.
 */
enum { POOL_REPORT = 65536, POOL_JOBS_MAX = 64, POOL_SECONDS_MAX = 120 };

typedef struct outcome {
	verdict verdict;
	char invariant[64]; /* empty: all held */
	char report[POOL_REPORT];
} outcome;

/* SIGPROF ends this process when it has used so much processor time from now on. */
void pool_limit(unsigned ms);
/* Plays one plan in a child; false: no child could be made. */
bool pool_play(const plan *p, outcome *ret_outcome);

typedef struct batch {
	uint64_t first, count; /* seeds */
	size_t steps;
	unsigned hosts; /* 0: drawn */
	unsigned jobs;
	uint64_t until_s; /* of the machine's clock; 0: no limit */
	bool stops_early; /* at the first failure */
	void (*on_outcome)(void *ctx, uint64_t seed, const outcome *o);
	void *ctx;
} batch;

/* Plays a plan for each seed. Returns how many were played. */
uint64_t pool_batch(const batch *b);

#endif
