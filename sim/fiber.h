/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_FIBER_H
#define FLI_SIM_FIBER_H

/*
 * Stacks, on one thread: what a handler that waits is put aside with.
 *
 *     caller --enter--> loop stack ............ --leave--> caller
 *                          | a handler on it waits: --park-->
 *                          v
 *                       another loop stack goes on ... --resume--> the first, to its end
 *
 * A body runs the world until its goal is reached, and then leaves; it is entered again for the
 * next goal. One that was parked and resumed finds out that another has become the runner, and
 * returns: its stack goes back to the pool.
 *
 * Threads: one, always the same: code on a parked stack knows its thread's variables. Memory:
 * stacks are kept for reuse; fli_fibers_destroy frees them, parked ones too, with what lies on
 * them. Errors: the program ends when there is no memory. Limits: FLI_FIBER_STACK bytes a stack,
 * with a guard page below.
 */

#include <stdbool.h>
#include <stddef.h>

#define FLI_FIBER_STACK ((size_t)512 << 10)

typedef struct fli_fiber fli_fiber;

typedef struct fli_fibers {
	void (*body)(void *ctx); /* runs the world; returns when it is not the runner any more */
	void *ctx;
	fli_fiber *caller;  /* who entered */
	fli_fiber *runner;  /* the loop stack that goes on, or left; NULL: none yet */
	fli_fiber *current; /* whose stack this is; NULL: the caller's */
	fli_fiber *idle;
	fli_fiber *all;
} fli_fibers;

void fli_fibers_create(fli_fibers *fibers, void (*body)(void *ctx), void *ctx);
void fli_fibers_destroy(fli_fibers *fibers);

/* From the caller: runs the body until it leaves. */
void fli_fibers_enter(fli_fibers *fibers);
/* From the runner: back to the caller, until the next fli_fibers_enter. */
void fli_fibers_leave(fli_fibers *fibers);
/* Puts this stack aside; another runner goes on. Returns when it is resumed. */
void fli_fibers_park(fli_fibers *fibers);
/* From the runner: the parked one runs until it parks or retires. */
void fli_fibers_resume(fli_fibers *fibers, fli_fiber *fiber);
/* Drops a parked one with all that lies on it. */
void fli_fibers_drop(fli_fibers *fibers, fli_fiber *fiber);

static inline bool fli_fibers_is_runner(const fli_fibers *fibers)
{
	return fibers->current == fibers->runner;
}

#endif
