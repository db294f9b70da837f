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

/* A thread's activation: which handlers it runs, and whether it still owns the context. */
struct fli_act {
	fl_node *node;
	fli_act *below;  /* of another node, on the same stack */
	fl_proc *proc;   /* the innermost */
	uint64_t seq;    /* of the node's act_word */
	unsigned depth;  /* nested handlers */
	bool in_handler; /* not inside an fl_* call */
	bool is_late;  /* the context was taken away: owns it only inside fl_* calls, by the gate */
	fli_msg *kept; /* replies that handlers were given, freed at the end */
	uint64_t since_ns; /* late: in its own code since then */
	uint64_t own_ns;   /* late: in its own code so far */
	fl_atom sender; /* of what the innermost handler was given; its text is NULL: this node */
	fli_msg *msg;   /* that it was given; NULL: none */
};

/* One handler's frame, on its stack. */
typedef struct fli_frame {
	fli_act own;  /* used by the outermost handler */
	fli_act *act; /* the thread's */
	fl_proc *outer;
	fl_atom outer_sender;
	fli_msg *outer_msg;
	uint32_t nest; /* of the node, when it began */
	bool drove;    /* the thread was the driver when it began */
} fli_frame;

/*
 * Takes the context for an fl_* call from wherever the thread is: inside a handler of this node,
 * inside another fl_* call, or anywhere else. Never fails.
 */
void fli_enter(fl_node *node);
/* Ends what fli_enter began; exits that it caused are told first. */
void fli_leave(fl_node *node);

/*
 * Around a handler, called by who owns the context: `begin` lets go, `end` owns it again. `sender`
 * is what fl_sender_node says meanwhile, `msg` (may be NULL) what fl_hold keeps.
 */
void fli_handler_begin(fli_frame *frame, fl_proc *proc, fl_atom sender, fli_msg *msg);
/*
 * Owns the context again. False: it was taken away from the driver meanwhile; the thread holds it
 * by the gate, settles what the handler left, calls fli_drive_end, and drives no more.
 */
bool fli_handler_end(fli_frame *frame, fl_proc *proc);
/* Frees what the outermost handler was given; the context is owned. */
void fli_frame_release(fli_frame *frame, fl_node *node);

/*
 * The longest that a late handler of this thread was in its own code, since it was asked last: not
 * in fl_* calls, whose time is that of others.
 */
uint64_t fli_handlers_longest_ns(void);

/* The activation of this thread for this node, or NULL. */
fli_act *fli_act_current(const fl_node *node);
/*
 * Becomes the node's driver: handlers that this thread begins keep the context unless it is stolen.
 * Any other thread lets the gate go for each handler that it runs.
 */
void fli_drive_begin(fl_node *node);
/* The same for a thread that owns the context already, by fli_gate_steal. */
void fli_drive_adopt(fl_node *node);
/* The context was taken away from this thread while it drove. */
bool fli_drive_is_lost(const fl_node *node);
/* Lets the context go, kept or lost. */
void fli_drive_end(fl_node *node);
/* This thread does not own the context. */
bool fli_context_is_lost(const fl_node *node);

int fli_sched_create(fl_node *node);
void fli_sched_destroy(fl_node *node);

/* ---- the gate: plain ownership, for threads that are not in a handler ------------------------ */

void fli_gate_lock(fl_node *node);
void fli_gate_unlock(fl_node *node);
/* Lets waiting threads have their turn; the owner calls it between handlers. */
void fli_gate_yield(fl_node *node);
/* The watcher's: takes the context if the handler that began as `word` still runs. */
bool fli_gate_steal(fl_node *node, uint64_t word);
/* Waits for *done to be set under the gate, at most until deadline_ns; the gate is held around it.
 */
bool fli_gate_wait(fl_node *node, pthread_cond_t *cond, const bool *done, uint64_t deadline_ns);

/* Sets *done and wakes who waits so for it. The owner of the context. */
void fli_gate_notify(fl_node *node, pthread_cond_t *cond, bool *done);

/* ---- the crew: drivers, watcher, spare threads (crew.c) ---------------------------------------
 */

/* What a driver runs: one iteration of the loop. False: stop driving. */
typedef struct fli_drive {
	bool (*step)(void *loop);
	void (*wake)(void *loop); /* any thread */
	void *loop;
} fli_drive;

int fli_crew_start(fl_node *node, const fli_drive *drive);
/*
 * Takes the loop back from the thread of the crew that it went to when a handler overstayed or
 * waited, at the end of that thread's step: two drivers would sleep over each other's wake-ups. Not
 * from a handler, and not while owning the context.
 */
void fli_crew_recall(fl_node *node);
/* Drives on this thread until the step says stop or the context was taken away and the node ended.
 */
void fli_crew_drive(fl_node *node);
void fli_crew_stop(fl_node *node);
/* Whether there is, or may be, a thread for fli_crew_hand_off: without one the node would stand. */
bool fli_crew_can_hand_off(fl_node *node);
/* The caller, in the middle of an fl_* call, is going to wait: somebody else drives meanwhile. */
void fli_crew_hand_off(fl_node *node);
/* Handlers are about to run: the watcher wakes if it rests. The driver. */
void fli_crew_active(fl_node *node);
/* Wakes the driver if it sleeps. Owner of the context. */
void fli_crew_wake(fl_node *node);
/* Queues a slow process for a spare thread; false when there is no crew. */
bool fli_crew_run_slow(fl_proc *proc);
/* Queues work for the pool; the stand-in's where there is no crew. */
int fli_crew_work(fl_node *node, void (*work)(void *arg), void *arg);

/* ---- without threads --------------------------------------------------------------------------
 */

/*
 * What a simulated cluster does where a crew would use threads. It runs handlers on stacks of its
 * own: one that waits is put aside with its stack, and another drives the node.
 */
typedef struct fli_stand_in {
	/* The caller's stack is put aside until *done or deadline_ns of the node's clock. The gate
	 * is open meanwhile, the thread's marks are off. */
	void (*wait)(void *ctx, const bool *done, uint64_t deadline_ns);
	/* An fl_* call from outside of a turn has left something to do. */
	void (*wake)(void *ctx);
	/* Another handler may wait: as long as a real node would have a thread for it. */
	bool (*may_wait)(void *ctx);
	/* Runs it later, outside of any handler. FL_E*. */
	int (*work)(void *ctx, void (*work)(void *arg), void *arg);
	void *ctx;
} fli_stand_in;

/* Inside an fl_* call of a handler: it waits. The context is owned again afterwards. */
void fli_stand_in_wait(fl_node *node, fli_act *act, const bool *done, uint64_t deadline_ns);

#endif
