/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_RUN_H
#define FLITCH_TESTS_SIM_RUN_H

/*
 * One plan played in one world.
 *
 *     open:   hosts m0, m1, ... with a node n0@m0.sim, n1@m1.sim, ... and a few processes each
 *     steps:  at its time each begins; then every invariant of steps is asked
 *     quiet:  all faults end, hosts that are down start; within a bound everything must agree
 *     close:  all nodes stop; nothing may be left
 *
 * Threads: one run at a time in a process, since handlers find it by run_current.
 * Memory: run_play owns everything while it plays. Errors: the verdict.
 */

#include "flitch/sim.h"

#include "dist/dist.h"
#include "tests/sim/books.h"
#include "tests/sim/ledger.h"
#include "tests/sim/rows.h"

enum { RUN_SLOTS = 5, RUN_SERVICES = 1, RUN_ENDS_MAX = 512, RUN_TEXT = 32 };

/* What a process is told to do. */
struct order {
	uint32_t number; /* run_order counts them */
	uint32_t actor;  /* who is told */
	bool is_begun;   /* it has seen the order */
	unsigned row;
	unsigned to_host;
	uint32_t to; /* NOBODY: there is none */
	uint64_t x;
	uint64_t bytes;       /* of the body; 0: as it comes */
	uint32_t patience_ms; /* of a call; 0: as it comes */
};

typedef struct run_host {
	run *run;
	unsigned index;
	fl_sim_node *node;
	char name[RUN_TEXT];    /* n0@m0.sim */
	char machine[RUN_TEXT]; /* m0.sim */
	fli_dist_watch watch;
	uint32_t ups[PLAN_HOSTS_MAX];       /* connections so far */
	bool is_up[PLAN_HOSTS_MAX];         /* one stands */
	uint32_t creations[PLAN_HOSTS_MAX]; /* of the other side of the latest */
	bool has_left[PLAN_HOSTS_MAX];      /* it was told to disconnect from that one */
	uint64_t vanished_ms;               /* when its machine went last */
	uint32_t slots[RUN_SLOTS];          /* the latest actor of each; 0: none yet */
} run_host;

/* A fault whose time is not over. */
typedef struct run_end {
	uint64_t at_us;
	const plan_step *step; /* NULL: free */
} run_end;

struct run {
	const plan *plan;
	fl_sim *sim;
	unsigned hosts_count;
	run_host hosts[PLAN_HOSTS_MAX];
	struct peers *peers;   /* NULL: no OTP node */
	fl_sim_node *stranger; /* a node with another cookie; NULL: none yet */
	books books;
	ledger ledger;
	order *orders;
	size_t orders_count;
	run_end ends[RUN_ENDS_MAX];
	size_t step;          /* that is being played */
	size_t orders_before; /* those of the time of faults */
};

typedef struct verdict {
	const char *invariant; /* NULL: all held */
	char text[BOOKS_TEXT];
	size_t step;
	uint64_t digest; /* of the trace */
	uint64_t virtual_ms;
	uint64_t asks;
} verdict;

/* Plays it; `trace` gets every event (NULL: none), and `report` the last ones of a failure. */
verdict run_play(const plan *p, FILE *trace, FILE *report);

/* The run of this process, for handlers. */
run *run_current(void);

/* ---- what rows, actors and invariants ask ---------------------------------------------------- */

static inline run_host *run_host_at(run *r, unsigned index)
{
	return &r->hosts[index];
}

/* NULL: not one of the plan's. */
run_host *run_host_of(const fl_node *node);
run_host *run_host_named(run *r, const char *text, size_t size);
/* It serves: neither down, starting nor paused. */
bool run_is_running(const run_host *host);
/* The node's process world while the node runs or is paused; NULL. */
fl_node *run_node(const run_host *host);
fl_proc *run_proc(run *r, uint32_t actor);
bool run_is_alive(run *r, uint32_t actor);
/* The number of the connection of one host to another; 0: there is none. */
uint32_t run_conn(const run *r, unsigned from, unsigned to);
void run_start(run_host *host);
/* Tells the latest process of that slot to do something. */
void run_order(run *r, const order *o, const run_host *host, unsigned slot);

/* Both know each other's incarnation, and `from` has a connection. */
bool run_is_joined(run *r, unsigned from, unsigned to);
/* `from` has disconnected the other, and waits until somebody connects. */
bool run_is_held(run *r, unsigned from, unsigned to);
/* Frames between the two, or at their nodes, were forged. */
bool run_is_forged(const run *r, unsigned one, unsigned other);
/* A call that has not ended, though its asker lives; 0: none. */
uint32_t quiet_open_call(run *r);
/* The tables of links and monitors agree, and global is done. */
bool quiet_is_at_rest(run *r, char *text);
/* global is done, where it is judged. */
bool quiet_is_synced(run *r, char *text);
/* Some node has not written all it has to. */
bool quiet_has_output(run *r);
/* Every link as the plan has it. */
void run_links(run *r);
/* The fault ends so long after now. */
void run_end_after(run *r, const plan_step *step, uint64_t us);

/* All faults end at once (faults_host.c). */
void faults_heal(run *r);

#endif
