/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PARTITION_SIDES_H
#define FLI_DIST_PARTITION_SIDES_H

/*
 * The sides of a split that is over, as those who were on them say, and which of them gives way:
 * all but the largest one, of equal ones that with the lowest name.
 *
 * Each member has one word in it, its last: whoever says more takes nobody's place.
 *
 * Threads: one at a time. Memory: by value. Errors: none. Limits: FLI_SIDES_TOLD_MAX sides by the
 * word of others; one more is not compared.
 */

#include "dist/partition_decide.h"

enum {
	FLI_SIDES_MAX = 64,
	FLI_SIDES_TOLD_MAX = FLI_SIDES_MAX - 2 /* this node's own and the rest always find room */
};

typedef struct fli_side {
	uint64_t set[FLI_PARTITION_WORDS_MAX];
} fli_side;

typedef struct fli_sides {
	fli_side sides[FLI_SIDES_MAX];
	uint32_t count;
	uint8_t told[FLI_PARTITION_MEMBERS_MAX]; /* by each member: 1 + index; 0: none */
} fli_sides;

/* What `teller`, another member, says of its side; in the place of what it said before. */
void fli_sides_tell(fli_sides *sides, uint32_t teller, const fli_side *side);
/* One that is known already is not added again. */
void fli_sides_add(fli_sides *sides, const fli_side *side);
/* A side on which `own` is gives way; who was on none has nothing to give. */
bool fli_sides_gives_way(const fli_sides *sides, uint32_t own);
/* Those of `all` that are on no side. */
fli_side fli_sides_rest(const fli_sides *sides, const fli_side *all);
uint32_t fli_side_size(const fli_side *side);

#endif
