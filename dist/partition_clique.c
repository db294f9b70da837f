/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest group of members in which all see each other: Bron and Kerbosch's search with a
 * pivot, over bit sets, on a stack of its own.
 *
 *  - A frame is a group that has been found (in), who may join it (open), and who has had his turn
 *    (shut). A group that nobody of either kind can join is one that cannot grow.
 *  - Branches that cannot reach the size of the best group so far are not entered.
 *
 * Failure: links made up by a peer can have 3^(n/3) such groups, so the steps are counted.
 */
#include "dist/partition_decide.h"

#include "node/base/bug.h"

enum { STEPS_MAX = 200000 };

typedef struct frame {
	uint64_t in, open, shut;
	uint64_t todo; /* of open: those that are not linked with the pivot */
} frame;

static uint32_t count(uint64_t set)
{
	return (uint32_t)__builtin_popcountll(set);
}

/* Larger, or as large and with the lower names: the lowest in which they differ decides. */
static bool is_better(uint64_t set, uint64_t best)
{
	uint64_t differ = set ^ best;

	if (count(set) != count(best))
		return count(set) > count(best);
	if (FLI_BUG(clique_takes_the_last))
		return true;
	return differ != 0 && (set & differ & -differ) != 0;
}

/* Who is linked with most of those that are open: they need no branch of their own. */
static uint64_t todo_of(const uint64_t *links, uint64_t open, uint64_t shut)
{
	uint64_t best = open;

	for (uint64_t left = open | shut; left != 0; left &= left - 1) {
		uint64_t rest = open & ~links[__builtin_ctzll(left)];

		if (count(rest) < count(best))
			best = rest;
	}
	return best;
}

static frame child_of(const frame *parent, const uint64_t *links, uint32_t member)
{
	uint64_t bit = (uint64_t)1 << member;
	frame child = {.in = parent->in | bit,
		.open = parent->open & links[member] & ~bit,
		.shut = parent->shut & links[member] & ~bit};

	child.todo = todo_of(links, child.open, child.shut);
	return child;
}

bool fli_partition_clique(const uint64_t *links, uint64_t all, uint64_t *ret_clique)
{
	frame stack[FLI_PARTITION_CLIQUE_MAX + 1];
	uint32_t depth = 1;
	uint64_t best = 0;

	stack[0] = (frame){.open = all, .todo = todo_of(links, all, 0)};
	for (uint32_t steps = 0; depth > 0; steps++) {
		frame *top = &stack[depth - 1];
		uint32_t member;
		frame child;

		if (steps == STEPS_MAX)
			return false;
		if (top->todo == 0) {
			depth--;
			continue;
		}
		member = (uint32_t)__builtin_ctzll(top->todo);
		child = child_of(top, links, member);
		top->todo &= top->todo - 1;
		top->open &= ~((uint64_t)1 << member);
		top->shut |= (uint64_t)1 << member;
		if (child.open == 0 && child.shut == 0 && is_better(child.in, best))
			best = child.in;
		if (count(child.in) + count(child.open) >= count(best) && child.open != 0)
			stack[depth++] = child;
	}
	*ret_clique = best;
	return true;
}
