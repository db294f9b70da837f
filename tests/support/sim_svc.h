/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_SVC_H
#define FLITCH_TESTS_SIM_SVC_H

/*
 * Three simulated nodes that are candidates for one singleton, "svc", with the guard svc_guard.
 *
 *     {put, N} copies N -> ok; die -> ok, and it ends; else -> {Total, Epoch, AgeMs, WasWarm}
 *
 * Threads: the world's. Memory: the world is deleted by fl_sim_delete. Errors: assertions.
 */

#include <stdint.h>

#include "flitch/sim.h"
#include "flitch/singleton.h"

enum {
	SVC_COUNT = 3,
	SVC_POISON = 13 /* a total that ends the server */
};

extern const char *const svc_names[SVC_COUNT];

typedef struct svc {
	int64_t total;
	uint64_t epoch; /* as it was told */
	int64_t age;    /* of the copy; -1: none */
	bool was_warm;
} svc;

typedef struct svc_town {
	fl_sim *sim;
	fl_sim_node *nodes[SVC_COUNT];
} svc_town;

/* What the server says. */
typedef struct svc_look {
	int64_t total, age;
	uint64_t epoch;
	bool was_warm;
} svc_look;

int svc_on_init(fl_proc *self, void *state, fl_term args);
int svc_on_info(fl_proc *self, void *state, fl_term message);
int svc_on_call(fl_proc *self, void *state, fl_from from, fl_term request);
extern const fl_singleton svc_warm, svc_cold; /* with standbys, and without */

/* All nodes are up and one has it. */
svc_town svc_open(uint64_t seed, const fl_singleton *what);
/* The same for a world that is there. */
void svc_fill(svc_town *w, const fl_singleton *what);
void svc_start(svc_town *w, int i);
/* Asks the server from that node; false: there is none. */
bool svc_ask(svc_town *w, int from, svc_look *ret);
/* The guard's status has that, as printed. */
bool svc_says(svc_town *w, int i, const char *key, const char *value);
/* The node that holds it. */
int svc_holder(svc_town *w);
void svc_put(svc_town *w, int64_t total);
int svc_other_than(const svc_town *w, int i);
/* Its node dies; who asks then, on another one. */
svc_look svc_lose_holder(svc_town *w);

#endif
