/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_WORLD_H
#define FLI_SIM_WORLD_H

/*
 * The world: its clock, what will happen, and everything that hangs from it.
 *
 *     run: take the first event --> set the clock --> let it happen --> wake who waited for it
 *
 * The run goes on a stack of its own (fiber.h), so that a handler that waits can be put aside with
 * its stack while the run goes on.
 *
 * Threads: one. Memory: owns hosts, nodes, guests, connections. Errors: none.
 */

#include "flitch/sim.h"
#include "node/base/list.h"
#include "sim/dice.h"
#include "sim/fiber.h"
#include "sim/heap.h"
#include "sim/store.h"
#include "sim/trace.h"

typedef struct fli_host fli_host;
typedef struct fli_path fli_path;
typedef struct fli_prog fli_prog;

#define FLI_SIM_MS UINT64_C(1000000)

/* What a run is for. */
typedef struct fli_goal {
	uint64_t until_ns;
	bool (*is_so)(void *ctx); /* NULL: until then */
	void *ctx;
	bool was_so;
	bool is_over;
} fli_goal;

/* Something that may run handlers, and so must not be done on the caller's stack. */
typedef struct fli_job {
	fli_link link;
	void (*run)(struct fli_job *job);
	fli_prog *prog; /* with whom it ends */
	bool is_done;
	bool is_left; /* nobody waits for it any more */
} fli_job;

/* A handler that waits, on the stack that was put aside. */
typedef struct fli_parked {
	fli_link link;
	fli_event deadline;
	fl_sim *sim;
	fli_prog *prog;
	fli_fiber *fiber;
	const bool *done;
	uint64_t until_ns; /* UINT64_MAX: without a limit */
	bool is_due;       /* its time has come */
} fli_parked;

struct fl_sim {
	fl_sim_options options;
	uint64_t now_ns;
	uint64_t happened;
	fli_heap heap;
	fli_trace trace;
	fli_dice dice; /* fl_sim_random, and nothing else */
	fli_fibers fibers;
	fli_goal goal;
	fli_job *job; /* to be begun */
	fli_link jobs;
	fli_link parked;
	fli_link acts;
	fli_host *hosts[FL_SIM_HOSTS_MAX];
	size_t hosts_count;
	fl_sim_node *nodes[FL_SIM_NODES_MAX];
	size_t nodes_count;
	fli_link guests;
	fli_path *paths; /* from * FL_SIM_HOSTS_MAX + to */
	fli_link pairs;
	fli_link grave; /* pairs that nobody refers to after this event */
	uint64_t pairs_made;
	uint64_t give_up_ns;
};

/*
 * Runs it on a loop stack. False: it still waits after an hour of virtual time; the world frees it.
 * True: the caller does. From within the world, it runs at once.
 */
bool fli_world_do(fl_sim *sim, fli_job *job);
/* Frees a job that is done. */
void fli_job_delete(fli_job *job);
/* This stack waits until *done or that time; for `prog`, with whom it goes. */
void fli_world_wait(fli_prog *prog, const bool *done, uint64_t until_ns);
/* The clock of `prog` stood for so long: what waits in it waits so much longer. */
void fli_world_shift(const fli_prog *prog, uint64_t ns);
/* Drops every stack on which something of `prog` waits. */
void fli_world_drop(fli_prog *prog);
/* How many of its stacks are put aside. */
unsigned fli_world_waiting(const fli_prog *prog);

void fli_guests_delete(fl_sim *sim);

/* ---- the trace ------------------------------------------------------------------------------- */

/* `who` and `whom` may be NULL. */
void fli_world_note(fl_sim *sim, const char *verb, const char *who, const char *whom);
void fli_world_count(
	fl_sim *sim, const char *verb, const char *who, const char *whom, uint64_t number);

#endif
