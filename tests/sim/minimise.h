/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_MINIMISE_H
#define FLITCH_TESTS_SIM_MINIMISE_H

/*
 * Delta debugging over the steps of a plan that fails: which of them are needed for the same
 * invariant to break.
 *
 *     half left out --> still fails? keep the rest, go on : try quarters, eighths, ... single steps
 *
 * Threads: one. Memory: *p is replaced by the smaller one. Errors: false when the plan does not
 * fail at all.
 */

#include "tests/sim/plan.h"

/* Whether the plan breaks what the first one broke. */
typedef bool minimise_fails(const plan *p, void *ctx);

/* Asks `fails` at most `tries` times. */
bool minimise(plan *p, minimise_fails *fails, void *ctx, unsigned tries);

#endif
