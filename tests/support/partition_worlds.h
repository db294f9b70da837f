/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_PARTITION_WORLDS_H
#define FLITCH_TESTS_PARTITION_WORLDS_H

/*
 * Every split and every graph of a few members, drawn or counted through, with the decision of each
 * member held against the model's.
 *
 * Threads: one. Memory: by value. Errors: none. Limits: MOST members.
 */

#include "tests/support/partition_model.h"

typedef struct tally {
	unsigned pictures, several, nobody, mistakes;
} tally;

/* static_quorum with a majority of that many, as the table of scenarios has it. */
fli_partition_rules world_quorum_of(uint32_t count);
/* What the decision makes of it; `known` are those whose lists reach the one who asks. */
fli_partition_verdict world_verdict_of(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known);
fli_partition_reason world_ask(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known);
bool world_serves(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known);
/* Who is at most two links away: what a node learns of its neighbours and theirs. */
member_set world_near(const world *w, uint32_t self);

/* Members of one part see each other; false once every numbering of parts has been seen. */
bool next_split(uint32_t part[MOST], uint32_t count);
uint32_t parts_of(const uint32_t part[MOST], uint32_t count);
world split_world(const uint32_t part[MOST], uint32_t count);
void count_split(
	tally *t, const world *w, const fli_partition_rules *rules, const uint32_t part[MOST]);
/* Every split of two to six members in two or three parts; NULL: world_quorum_of. */
tally all_splits(const fli_partition_rules *given, fli_partition_views views);

world graph_world(uint32_t count, unsigned edges);
void count_graph(tally *t, const world *w, const fli_partition_rules *rules);
/* Every graph of that many that is not transitive. */
tally all_graphs(uint32_t count, const fli_partition_rules *given, fli_partition_views views);

/* "12|345": who is together; members of no part have crashed. */
world world_drawn(const char *split, uint32_t count);
void world_cut(world *w, uint32_t a, uint32_t b);

#endif
