/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_PARTITION_MODEL_H
#define FLITCH_TESTS_PARTITION_MODEL_H

/*
 * A model of the partition decision, written from the rules and not from the code: sets of members
 * are bits of one word, sides win by definition, groups are found by trying all sets.
 *
 * Threads: any. Memory: values. Errors: none. Limits: MOST members.
 */

#include "dist/partition_decide.h"

enum { MOST = 6 };

typedef unsigned int member_set; /* of members: bit i */

/* Members and whom each says it sees. */
typedef struct world {
	uint32_t count;
	member_set sees[MOST];
	uint32_t oldest, tie;
	member_set referees;
	member_set leaseholder; /* one member, or nobody */
} world;

member_set set_of_all(uint32_t count);
bool set_has(member_set s, uint32_t member);
uint32_t set_size(member_set s);

/* Both ends say so. */
bool model_is_link(const world *w, uint32_t a, uint32_t b);
/* Each two of the set are linked. */
bool model_is_whole(const world *w, member_set s);
/* The set and all who are linked with one of it. */
member_set model_grow(const world *w, member_set from);
/* All within reach. */
member_set model_component(const world *w, uint32_t self);
/* Whether `self` serves that has the lists of `known`. */
bool model_serves(
	const world *whole, const fli_partition_rules *rules, uint32_t self, member_set known);

#endif
