/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_PARTITION_TOWN_H
#define FLITCH_TESTS_PARTITION_TOWN_H

/*
 * Whole nodes with a partition policy in the simulated world, "1@h1.sim", "2@h2.sim" ..., for the
 * rows of the scenario table. Each has a server `svc` that others call, joins the group `svc`, and
 * counts what it is told.
 *
 *     town *t = town_open(&(town_plan){.seed = seed, .count = 5, .policy = TOWN_MAJORITY});
 *     town_split(t, "12|345");
 *     town_run(t, 30000);
 *     TOWN_SERVING(t, "345");
 *     town_heal_and_close(t);                      all serve again
 *
 * Threads: one. Memory: town_close. Errors: assertions of CUnit, with seed and policy. Limits:
 * TOWN_MOST nodes.
 */

#include "flitch/partition.h"
#include "flitch/sim.h"
#include "tests/support/suite.h"

enum { TOWN_MOST = 6, TOWN_SETTINGS = 40 };

/* The columns of the table. */
typedef enum town_policy {
	TOWN_IGNORE,
	TOWN_QUORUM,
	TOWN_MAJORITY,
	TOWN_NO_TIE,
	TOWN_OLDEST,
	TOWN_REFEREE,
	TOWN_ALL,
	TOWN_LEASE,
	TOWN_POLICIES
} town_policy;

typedef struct town_plan {
	uint64_t seed;
	uint32_t count;
	town_policy policy;
	bool is_seen;             /* members are those that are seen */
	const char *oldest;       /* "5...": the order of the list; NULL: 1, 2, 3 ... */
	const char *const *extra; /* further settings, as of fl_sim_config; may be NULL */
	uint32_t down;            /* nodes that are added and not started: the last ones */
} town_plan;

typedef struct town_store {
	fl_sim *sim;
	char holder[FL_LEASE_OWNER_MAX + 1];
	uint64_t until_ms;
	bool is_down;
} town_store;

typedef struct town {
	town_plan plan;
	fl_sim *sim;
	fl_sim_node *nodes[TOWN_MOST];
	fl_sim_config config;
	const char *settings[TOWN_SETTINGS];
	char members[256];
	char quorum[12];
	town_store store;
	bool has_resumed; /* some node was told so since it was cleared */
} town;

extern const char *const town_names[TOWN_MOST];

/* Seeds of a row: FL_SEEDS of the environment, or 20. */
uint64_t town_seeds(void);
#define TOWN_EACH_SEED(seed) for (uint64_t seed = 1; seed <= town_seeds(); seed++)

/* All but the last `down` are started, connected, and at rest. */
town *town_open(const town_plan *plan);
/* Nobody is started yet. */
town *town_found(const town_plan *plan);
void town_start(town *t, uint32_t number);
void town_run(town *t, uint64_t ms);
/* A random time up to that. */
void town_run_some(town *t, uint64_t ms);
void town_close(town *t);
/* Heals, waits, and all that run serve and see each other. */
void town_heal_and_close(town *t);
void town_heal(town *t);

/* "12|345": links between groups lose all; who is in none has crashed before. */
void town_split(town *t, const char *groups);
/* The same, and both ends are told at once. */
void town_break(town *t, const char *groups);
void town_crash(town *t, const char *numbers);

/* Those that run and whose server answers a neighbour's call, as digits from 1. */
const char *town_serving(town *t);
void town_expect(town *t, const char *who, int line);
/* `who` may have alternatives: "12/34". */
#define TOWN_SERVING(t, who) town_expect((t), (who), __LINE__)

/* A number of status/0, or -1; the state as an atom's text. */
int64_t town_count(town *t, uint32_t number, const char *key);
bool town_has_state(town *t, uint32_t number, const char *state);
/* The same, and says so when it is not. */
bool town_is_state(town *t, uint32_t number, const char *state);
/* What `svc` of `to` answers `from`: casts, told (10 x pauses + resumes), join, members, held. */
int town_ask(town *t, uint32_t from, uint32_t to, const char *what);
/* Stable time of that many members, as the engine has it. */
uint64_t town_stable_ms(const town *t);

#endif
