/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_NODE_H
#define FLI_SIM_NODE_H

/*
 * A real node as a program of the world: its core (cluster/core.h) with clock, randomness, memory,
 * network and threads of the world.
 *
 *     turn: sockets tell --> fli_node_turn --> flush --> the next turn at the next timer
 *
 * Threads: one. Memory: everything of the node lies in its purse, which a crash empties. Errors: of
 * a start, with a text.
 */

#include "cluster/core.h"
#include "cluster/options.h"
#include "node/sched.h"
#include "sim/host.h"
#include "sim/settings.h"

/* Work of fl_offload that is under way. */
typedef struct fli_work {
	fli_link link;
	fli_event event;
	fl_sim_node *node;
	void (*work)(void *arg);
	void *arg;
} fli_work;

struct fl_sim_node {
	fli_prog prog;
	fli_core core;
	fl_sim_config config;
	fli_node_name name;
	fli_settings settings; /* of this start */
	fli_port port;
	fli_purse purse;
	fli_dice dice;  /* the node draws from it */
	fli_dice fates; /* what happens to it: failed allocations, how long work takes */
	fli_stand_in stand_in;
	fli_dist_watch watch;
	fl_sim_state state;
	bool is_serving;    /* the start is past the registration */
	bool is_turning;    /* what it does is seen at the end of the turn */
	bool is_ending;     /* it has left the cluster and is being deleted */
	uint64_t clock_ns;  /* what the monotonic clock is ahead of the world's */
	int64_t wall_us;    /* the wall clock likewise */
	uint64_t paused_ns; /* since then; fl_sim_pause says which clocks stood */
	fl_sim_pause pause;
	unsigned starts;
	size_t leaked; /* bytes that the last stop did not give back */
	fli_link works;
	uint32_t work_ms; /* how long each takes; 0: one to two */
	fli_link calls;   /* fl_sim_call under way */
	fl_error error;   /* of the start */
};

/* ---- clocks.c: time, randomness, what stands in for threads ---------------------------------- */

void fli_node_equip(fl_sim_node *node);
/* When the node's clock shows that, by the world's. */
uint64_t fli_node_world_ns(const fl_sim_node *node, uint64_t clock_ms);
/* What fl_offload began is done now, as far as it goes, or dropped. */
void fli_works_finish(fl_sim_node *node);
void fli_works_drop(fl_sim_node *node);

/* ---- node.c ---------------------------------------------------------------------------------- */

/* There is something to do for it. */
void fli_node_wake(fl_sim_node *node);
/* Ends what runs without a word, and frees it. */
void fli_node_drop(fl_sim_node *node);

/* ---- node_start.c ---------------------------------------------------------------------------- */

/* The way on, once the name is registered; between turns. */
void fli_node_go_on(fl_sim_node *node);
/* A start that failed, or an end that nobody waits for. */
void fli_node_fall(fl_sim_node *node, const char *why);
void fli_node_forget(fl_sim_node *node);
/* It has left the cluster: what remains of it goes, in order. */
void fli_node_end(fl_sim_node *node);

/* ---- call.c ---------------------------------------------------------------------------------- */

/* The node is gone: no answer will come. */
void fli_calls_end(fl_sim_node *node);

#endif
