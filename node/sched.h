/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SCHED_H
#define FLI_SCHED_H

/*
 * Who owns a node's context, and how it changes hands.
 *
 * The context is everything in fl_node. One thread owns it at a time: the driver, which runs the
 * loop and the run queue. While a handler runs the driver still owns it, but a watcher may take it
 * away when the handler overstays; the handler's thread is then "late" and comes back through the
 * gate like any other thread.
 *
 *     driver:  RUNTIME --handler starts--> HANDLER --returns--> RUNTIME
 *                                            |  ^
 *                       fl_* call from inside v  | its end
 *                                          RUNTIME
 *     watcher:                             HANDLER --> STOLEN     (the thread is late from here on)
 *
 * The state is one atomic word with a sequence number, so the common way costs one compare-and-swap
 * for each fl_* call and one for each return of a handler: no lock, no wake-up.
 *
 * Threads: fli_enter and fli_leave from any. Errors: none.
 */

#include <stdatomic.h>

#include "node/runtime.h"

typedef enum fli_act_state { FLI_ACT_RUNTIME, FLI_ACT_HANDLER, FLI_ACT_STOLEN } fli_act_state;

/* A thread's activation: which handler it runs, and whether it still owns the context. */
struct fli_act {
	_Atomic(uint64_t) word; /* sequence << 2 | fli_act_state; read by the watcher */
	fl_node *node;
	fl_proc *proc;  /* the innermost */
	unsigned depth; /* nested handlers */
	bool is_late;   /* owns the context through the gate, between fli_enter and fli_leave */
	fli_msg *kept;  /* replies that handlers of this activation were given, freed at its end */
};

/*
 * Takes the context for an fl_* call from wherever the thread is: inside a handler of this node, or
 * anywhere else. Never fails.
 */
void fli_enter(fl_node *node);
void fli_leave(fl_node *node);

/* Around a handler, called by who owns the context: `begin` lets go, `end` owns it again. */
fli_act *fli_handler_begin(fl_node *node, fl_proc *proc);
void fli_handler_end(fli_act *act, fl_proc *outer);

/* The activation of this thread for this node, or NULL. */
fli_act *fli_act_current(const fl_node *node);

/* ---- the gate: plain ownership, for threads that are not in a handler ------------------------ */

void fli_gate_lock(fl_node *node);
void fli_gate_unlock(fl_node *node);

/* ---- the crew: drivers, watcher, spare threads (crew.c) --------------------------------------- */

/* What a driver runs: one iteration of the loop. False: stop driving. */
typedef struct fli_drive {
	bool (*step)(void *loop);
	void (*wake)(void *loop); /* any thread */
	void *loop;
} fli_drive;

int fli_crew_start(fl_node *node, const fli_drive *drive);
/* Drives on this thread until the step says stop or the context was taken away and the node ended. */
void fli_crew_drive(fl_node *node);
void fli_crew_stop(fl_node *node);
/* The caller, in the middle of an fl_* call, is going to wait: somebody else drives meanwhile. */
void fli_crew_hand_off(fl_node *node);
/* Wakes the driver if it sleeps. Owner of the context. */
void fli_crew_wake(fl_node *node);
/* Queues a slow process for a spare thread; false when there is no crew. */
bool fli_crew_run_slow(fl_proc *proc);
/* Queues work for the pool. */
int fli_crew_work(fl_node *node, void (*work)(void *arg), void *arg);

#endif
