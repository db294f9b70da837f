/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/partition_model.h"

#include <string.h>

member_set set_of_all(uint32_t count)
{
	return (1u << count) - 1;
}

bool set_has(member_set s, uint32_t member)
{
	return (s >> member & 1) != 0;
}

uint32_t set_size(member_set s)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < MOST; i++)
		size += set_has(s, i) ? 1 : 0;
	return size;
}

/* ---- the model ------------------------------------------------------------------------------- */

/* A side wins when what is not on it could not. */
static bool outweighs(
	const world *w, const fli_partition_rules *rules, member_set side, member_set rest)
{
	if (set_size(side) != set_size(rest))
		return set_size(side) > set_size(rest);
	if (rules->tie_by_lease)
		return (side & w->leaseholder) != 0;
	return rules->has_tie && set_has(side, w->tie);
}

static bool wins_by_age(const world *w, const fli_partition_rules *rules, member_set side)
{
	member_set first = 1u << w->oldest, others = set_of_all(w->count) & ~first;
	bool can_be_left = rules->down_if_alone && w->count > 2;

	if (side == first)
		return !can_be_left;
	return set_has(side, w->oldest) || (can_be_left && side == others);
}

static bool rest_is_empty(member_set whole, member_set side)
{
	return (whole & ~side) == 0;
}

static bool wins(const world *w, const fli_partition_rules *rules, member_set side)
{
	member_set whole = set_of_all(w->count);

	switch (rules->policy) {
	case FLI_POLICY_KEEP_MAJORITY: return outweighs(w, rules, side, whole & ~side);
	case FLI_POLICY_STATIC_QUORUM:
		/* two disjoint sets of that size would fit in */
		return set_size(side) >= rules->quorum &&
		       rules->quorum + rules->quorum > set_size(whole);
	case FLI_POLICY_KEEP_OLDEST: return wins_by_age(w, rules, side);
	case FLI_POLICY_KEEP_REFEREE:
		if (rules->all_referees)
			return w->referees != 0 && (w->referees & ~side) == 0;
		return (side & w->referees) != 0;
	case FLI_POLICY_REQUIRE_ALL:
	case FLI_POLICY_PAUSE_ALL: return side == whole;
	case FLI_POLICY_LEASE: return rest_is_empty(whole, side) || (w->leaseholder & side) != 0;
	case FLI_POLICY_CUSTOM: /* of its tests: two thirds */
		return 3 * set_size(side) >= 2 * set_size(whole);
	case FLI_POLICY_IGNORE: break;
	}
	return true;
}

bool model_is_link(const world *w, uint32_t a, uint32_t b)
{
	return set_has(w->sees[a], b) && set_has(w->sees[b], a);
}

bool model_is_whole(const world *w, member_set s)
{
	for (uint32_t a = 0; a < w->count; a++)
		for (uint32_t b = 0; b < a; b++)
			if (set_has(s, a) && set_has(s, b) && !model_is_link(w, a, b))
				return false;
	return true;
}

/* The names of a member_set in their order, as one text: what is compared where sizes are equal. */
static void spell(member_set s, char text[MOST + 1])
{
	size_t size = 0;

	for (uint32_t i = 0; i < MOST; i++)
		if (set_has(s, i))
			text[size++] = (char)('a' + i);
	text[size] = '\0';
}

static bool goes_before(member_set a, member_set b)
{
	char left[MOST + 1], right[MOST + 1];

	if (set_size(a) != set_size(b))
		return set_size(a) > set_size(b);
	spell(a, left);
	spell(b, right);
	return strcmp(left, right) < 0;
}

/* Of what one node knows: everything within its reach, whose lists are `known`. */
static world known_to(const world *w, member_set known)
{
	world seen = *w;

	for (uint32_t i = 0; i < w->count; i++)
		seen.sees[i] = set_has(known, i) ? w->sees[i] : 0;
	return seen;
}

member_set model_grow(const world *w, member_set from)
{
	member_set to = from;

	for (uint32_t a = 0; a < w->count; a++)
		for (uint32_t b = 0; b < w->count; b++)
			if (set_has(from, a) && a != b && model_is_link(w, a, b))
				to |= 1u << b;
	return to;
}

member_set model_component(const world *w, uint32_t self)
{
	member_set s = 1u << self;

	for (uint32_t i = 0; i < MOST; i++)
		s = model_grow(w, s);
	return s;
}

static member_set best_group(const world *w, member_set within)
{
	member_set best = 0;

	for (member_set s = 1; s <= set_of_all(w->count); s++)
		if ((s & ~within) == 0 && model_is_whole(w, s) &&
			(best == 0 || goes_before(s, best)))
			best = s;
	return best;
}

static member_set without_ends(const world *w, member_set within)
{
	member_set left = within;

	for (uint32_t a = 0; a < w->count; a++)
		for (uint32_t b = 0; b < w->count; b++)
			if (a != b && set_has(within, a) && set_has(within, b) &&
				!model_is_link(w, a, b))
				left &= ~(1u << a);
	return left;
}

bool model_serves(
	const world *whole, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	world w = known_to(whole, known);
	member_set within = model_component(&w, self);
	member_set side = 0;

	if (rules->policy == FLI_POLICY_IGNORE)
		return true;
	switch (rules->views) {
	case FLI_VIEWS_POP:
	case FLI_VIEWS_OWN: return wins(&w, rules, w.sees[self] | 1u << self);
	case FLI_VIEWS_AUTO:
	case FLI_VIEWS_CLIQUE: side = best_group(&w, within); break;
	case FLI_VIEWS_BOTH_ENDS: side = without_ends(&w, within); break;
	}
	return set_has(side, self) && wins(&w, rules, side);
}
