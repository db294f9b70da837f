/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_ROWS_H
#define FLITCH_TESTS_SIM_ROWS_H

/*
 * The table of what may happen in one step: first the faults, then the acts of processes.
 *
 *     {name, weight, begin, end, act}
 *
 * `begin` is run by the step, `end` undoes a fault when its time is over (NULL: nothing to undo),
 * `act` is what a process does when it is told to (NULL: the step does all).
 *
 * The seed switches about half of the faults off and gives the others weights of its own, so that
 * some worlds have many crashes, others many cuts, and few have a little of all.
 *
 * Threads: none. Memory: constant. Errors: a row that does not fit the state of the world does
 * nothing.
 */

#include "flitch/server.h"
#include "tests/sim/plan.h"

typedef struct run run;
typedef struct order order;

typedef struct row {
	const char *name;
	unsigned weight; /* 0: never by itself */
	void (*begin)(run *r, const plan_step *step);
	void (*end)(run *r, const plan_step *step);
	int (*act)(fl_proc *self, uint32_t me, const order *o); /* FL_OK or FL_STOP */
} row;

extern const row fault_rows[], act_rows[];
extern const size_t fault_rows_count, act_rows_count;

static inline size_t rows_count(void)
{
	return fault_rows_count + act_rows_count;
}

static inline const row *row_at(size_t index)
{
	return index < fault_rows_count ? &fault_rows[index] : &act_rows[index - fault_rows_count];
}

/* rows_count(): no row has that name. */
size_t row_find(const char *name);

#endif
