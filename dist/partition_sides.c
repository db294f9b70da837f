/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/partition_sides.h"

#include <string.h>

uint32_t fli_side_size(const fli_side *side)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < FLI_PARTITION_WORDS_MAX; i++)
		size += (uint32_t)__builtin_popcountll(side->set[i]);
	return size;
}

/* 1 + its index; 0: it is not there. */
static uint32_t find(const fli_sides *sides, const fli_side *side)
{
	for (uint32_t i = 0; i < sides->count; i++)
		if (memcmp(&sides->sides[i], side, sizeof *side) == 0)
			return i + 1;
	return 0;
}

void fli_sides_add(fli_sides *sides, const fli_side *side)
{
	if (find(sides, side) == 0 && sides->count < FLI_SIDES_MAX && fli_side_size(side) > 0)
		sides->sides[sides->count++] = *side;
}

static bool is_told(const fli_sides *sides, uint32_t index)
{
	return memchr(sides->told, (int)index, sizeof sides->told) != NULL;
}

/* The last one takes its place. */
static void drop(fli_sides *sides, uint32_t index)
{
	for (uint32_t i = 0; i < FLI_PARTITION_MEMBERS_MAX; i++)
		if (sides->told[i] == sides->count)
			sides->told[i] = (uint8_t)index;
	sides->sides[index - 1] = sides->sides[--sides->count];
}

void fli_sides_tell(fli_sides *sides, uint32_t teller, const fli_side *side)
{
	uint32_t before = sides->told[teller], index;

	sides->told[teller] = 0;
	if (before != 0 && !is_told(sides, before))
		drop(sides, before);
	index = find(sides, side);
	if (index == 0 && sides->count < FLI_SIDES_TOLD_MAX && fli_side_size(side) > 0) {
		sides->sides[sides->count++] = *side;
		index = sides->count;
	}
	sides->told[teller] = (uint8_t)index;
}

fli_side fli_sides_rest(const fli_sides *sides, const fli_side *all)
{
	fli_side rest = *all;

	for (uint32_t i = 0; i < sides->count; i++)
		for (uint32_t w = 0; w < FLI_PARTITION_WORDS_MAX; w++)
			rest.set[w] &= ~sides->sides[i].set[w];
	return rest;
}

/* The lowest member that is on one of the two alone is on `a`. */
static bool has_lower(const fli_side *a, const fli_side *b)
{
	for (uint32_t w = 0; w < FLI_PARTITION_WORDS_MAX; w++) {
		uint64_t differ = a->set[w] ^ b->set[w];

		if (differ != 0)
			return (a->set[w] & differ & -differ) != 0;
	}
	return false;
}

static bool is_better(const fli_side *a, const fli_side *b)
{
	uint32_t size_a = fli_side_size(a), size_b = fli_side_size(b);

	return size_a != size_b ? size_a > size_b : has_lower(a, b);
}

bool fli_sides_gives_way(const fli_sides *sides, uint32_t own)
{
	const fli_side *best = NULL;
	bool is_on_one = false;

	for (uint32_t i = 0; i < sides->count; i++) {
		const fli_side *side = &sides->sides[i];

		is_on_one = is_on_one || fli_partition_has(side->set, own);
		if (best == NULL || is_better(side, best))
			best = side;
	}
	return is_on_one && !fli_partition_has(best->set, own);
}
