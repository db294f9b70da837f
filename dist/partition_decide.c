/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision. See the header for why it is safe.
 *
 *  - A link is there when both ends say so.
 *  - The side: from the links that can be seen from here, by the rule for links that some have and
 *    others have not. Where all see each other, every rule gives the same side.
 *  - The verdict: the policy, over the side and all members.
 *
 * Departure from other resolvers, which count what one node sees: where a sees b and b sees c but a
 * does not see c, that lets both ends serve. Leaving out both ends (Akka, Pekko) stops a cluster of
 * three at its first broken link; the largest group goes on with two of the three.
 */
#include "dist/partition_decide.h"

#include <string.h>

#include "node/base/bug.h"

typedef struct reason_row {
	const char *atom;
	const char *text;
	bool serves;
} reason_row;

static const reason_row reasons[FLI_REASONS_COUNT] = {
#define ROW(id, word, does, meaning) [FLI_REASON_##id] = {word, meaning, does},
	FLI_PARTITION_REASONS(ROW)
#undef ROW
};

const char *fli_partition_reason_atom(fli_partition_reason reason)
{
	return reasons[reason].atom;
}

const char *fli_partition_reason_text(fli_partition_reason reason)
{
	return reasons[reason].text;
}

bool fli_partition_serves(fli_partition_reason reason)
{
	return reasons[reason].serves;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static uint32_t count_of(const uint64_t *set, uint32_t words)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < words; i++)
		count += (uint32_t)__builtin_popcountll(set[i]);
	return count;
}

static const uint64_t *row_of(const fli_partition_picture *p, uint32_t member)
{
	uint32_t stride = p->stride != 0 ? p->stride : fli_partition_words(p->count);

	return p->links + (size_t)member * stride;
}

static bool are_linked(const fli_partition_picture *p, uint32_t a, uint32_t b)
{
	if (FLI_BUG(one_end_makes_a_link))
		return fli_partition_has(row_of(p, a), b) || fli_partition_has(row_of(p, b), a);
	return fli_partition_has(row_of(p, a), b) && fli_partition_has(row_of(p, b), a);
}

/* ---- the side -------------------------------------------------------------------------------- */

/* All that can be reached over links, in any number of steps. */
static void reach(const fli_partition_picture *p, uint64_t *ret_set)
{
	uint32_t queue[FLI_PARTITION_MEMBERS_MAX];
	uint32_t first = 0, last = 0;

	memset(ret_set, 0, fli_partition_words(p->count) * sizeof *ret_set);
	fli_partition_add(ret_set, p->self);
	queue[last++] = p->self;
	while (first < last) {
		uint32_t from = queue[first++];

		for (uint32_t to = 0; to < p->count; to++) {
			if (fli_partition_has(ret_set, to) || !are_linked(p, from, to))
				continue;
			fli_partition_add(ret_set, to);
			queue[last++] = to;
		}
	}
}

/* Those within reach that miss a link to another within reach. */
static void find_ends(const fli_partition_picture *p, const uint64_t *within, uint64_t *ret_ends)
{
	memset(ret_ends, 0, fli_partition_words(p->count) * sizeof *ret_ends);
	for (uint32_t a = 0; a < p->count; a++) {
		if (!fli_partition_has(within, a))
			continue;
		for (uint32_t b = 0; b < a; b++) {
			if (!fli_partition_has(within, b) || are_linked(p, a, b))
				continue;
			fli_partition_add(ret_ends, a);
			fli_partition_add(ret_ends, b);
		}
	}
}

static bool find_clique(const fli_partition_picture *p, uint64_t within, uint64_t *ret_side)
{
	uint64_t links[FLI_PARTITION_CLIQUE_MAX] = {0};

	if (p->count > FLI_PARTITION_CLIQUE_MAX)
		return false;
	for (uint32_t a = 0; a < p->count; a++)
		for (uint32_t b = 0; b < p->count; b++)
			if (a != b && are_linked(p, a, b))
				fli_partition_add(&links[a], b);
	return fli_partition_clique(links, within, ret_side);
}

/* What this node sees itself, whether the other end agrees or not. */
static void own_view(const fli_partition_picture *p, uint64_t *ret_side)
{
	memcpy(ret_side, row_of(p, p->self), fli_partition_words(p->count) * sizeof *ret_side);
	fli_partition_add(ret_side, p->self);
}

/* FLI_REASONS_COUNT: the side is found, and the policy decides. */
static fli_partition_reason find_side(
	const fli_partition_rules *rules, const fli_partition_picture *p, uint64_t *ret_side)
{
	uint32_t words = fli_partition_words(p->count);
	uint64_t ends[FLI_PARTITION_WORDS_MAX];

	if (rules->views == FLI_VIEWS_OWN || rules->views == FLI_VIEWS_POP) {
		own_view(p, ret_side);
		return FLI_REASONS_COUNT;
	}
	reach(p, ret_side);
	find_ends(p, ret_side, ends);
	if (count_of(ends, words) * 100 > rules->tangled_percent * p->count &&
		!FLI_BUG(tangled_goes_on))
		return FLI_REASON_TANGLED;
	if (rules->views != FLI_VIEWS_BOTH_ENDS && find_clique(p, ret_side[0], &ret_side[0]))
		return fli_partition_has(ret_side, p->self) || FLI_BUG(left_out_goes_on)
			       ? FLI_REASONS_COUNT
			       : FLI_REASON_LEFT_OUT;
	for (uint32_t i = 0; i < words && !FLI_BUG(ends_stay_in); i++)
		ret_side[i] &= ~ends[i];
	return fli_partition_has(ret_side, p->self) ? FLI_REASONS_COUNT : FLI_REASON_LEFT_OUT;
}

/* ---- the policies ---------------------------------------------------------------------------- */

/* The larger side asks for the lease first; of two halves the one with the lowest name. */
static fli_partition_reason by_lease(const fli_partition_picture *p, fli_partition_verdict *verdict)
{
	bool is_half = 2 * verdict->here == p->count;

	if (verdict->here == p->count)
		return FLI_REASON_ALL_HERE;
	verdict->by_lease = true;
	verdict->is_later =
		2 * verdict->here < p->count || (is_half && !fli_partition_has(verdict->side, 0));
	if (FLI_BUG(minority_asks_at_once))
		verdict->is_later = false;
	return p->is_leased && (fli_partition_has(verdict->side, p->leaseholder) ||
				       FLI_BUG(lease_of_anybody_will_do))
		       ? FLI_REASON_LEASE_HERE
		       : FLI_REASON_LEASE_ELSEWHERE;
}

static fli_partition_reason by_majority(const fli_partition_rules *rules,
	const fli_partition_picture *p, fli_partition_verdict *verdict)
{
	if (2 * verdict->here > p->count)
		return FLI_REASON_MAJORITY;
	if (2 * verdict->here < p->count && !FLI_BUG(minority_has_the_tie))
		return FLI_REASON_MINORITY;
	if (rules->tie_by_lease && !FLI_BUG(half_needs_no_lease))
		return by_lease(p, verdict);
	for (uint32_t i = 0; i < p->count && (rules->has_tie || FLI_BUG(tie_without_leave)); i++)
		if (p->seats[i].is_tie && fli_partition_has(verdict->side, i))
			return FLI_REASON_HALF_WITH_TIE;
	return FLI_BUG(half_is_enough) ? FLI_REASON_MAJORITY : FLI_REASON_HALF;
}

static fli_partition_reason by_quorum(const fli_partition_rules *rules,
	const fli_partition_picture *p, const fli_partition_verdict *verdict)
{
	if (p->count >= 2 * rules->quorum && !FLI_BUG(members_outgrow_the_quorum))
		return FLI_REASON_TOO_MANY;
	if (FLI_BUG(quorum_less_one))
		return verdict->here + 1 >= rules->quorum ? FLI_REASON_QUORUM
							  : FLI_REASON_BELOW_QUORUM;
	return verdict->here >= rules->quorum ? FLI_REASON_QUORUM : FLI_REASON_BELOW_QUORUM;
}

static uint32_t oldest_of(const fli_partition_picture *p)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < p->count; i++)
		if (FLI_BUG(youngest_is_oldest) ? p->seats[i].age > p->seats[oldest].age
						: p->seats[i].age < p->seats[oldest].age)
			oldest = i;
	return oldest;
}

/* An oldest member that is cut off alone must not stop all the others. */
static fli_partition_reason by_age(const fli_partition_rules *rules, const fli_partition_picture *p,
	const fli_partition_verdict *verdict)
{
	bool may_be_alone = !rules->down_if_alone || p->count <= 2;

	if (fli_partition_has(verdict->side, oldest_of(p)))
		return verdict->here == 1 && !may_be_alone && !FLI_BUG(oldest_stays_alone)
			       ? FLI_REASON_OLDEST_ALONE
			       : FLI_REASON_OLDEST_HERE;
	if (may_be_alone && !FLI_BUG(younger_of_two_goes_on))
		return FLI_REASON_OLDEST_GONE;
	return verdict->here + 1 == p->count || FLI_BUG(others_go_on_apart)
		       ? FLI_REASON_ONLY_OLDEST_GONE
		       : FLI_REASON_OLDEST_GONE;
}

static fli_partition_reason by_referee(const fli_partition_rules *rules,
	const fli_partition_picture *p, const fli_partition_verdict *verdict)
{
	uint32_t all = 0, here = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		if (!p->seats[i].is_referee)
			continue;
		all++;
		here += fli_partition_has(verdict->side, i) ? 1 : 0;
	}
	if (rules->all_referees && !FLI_BUG(any_referee_will_do))
		return here == all && all > 0 ? FLI_REASON_REFEREE_HERE : FLI_REASON_REFEREE_GONE;
	return here > 0 ? FLI_REASON_REFEREE_HERE : FLI_REASON_REFEREE_GONE;
}

static fli_partition_reason by_custom(const fli_partition_rules *rules,
	const fli_partition_picture *p, const fli_partition_verdict *verdict)
{
	return rules->custom != NULL && rules->custom(rules->custom_ctx, p, verdict)
		       ? FLI_REASON_CUSTOM_SERVES
		       : FLI_REASON_CUSTOM_PAUSES;
}

static fli_partition_reason by_policy(const fli_partition_rules *rules,
	const fli_partition_picture *p, fli_partition_verdict *verdict)
{
	bool all_here = verdict->here == p->count || FLI_BUG(all_are_always_here);

	switch (rules->policy) {
	case FLI_POLICY_KEEP_MAJORITY: return by_majority(rules, p, verdict);
	case FLI_POLICY_STATIC_QUORUM: return by_quorum(rules, p, verdict);
	case FLI_POLICY_KEEP_OLDEST: return by_age(rules, p, verdict);
	case FLI_POLICY_KEEP_REFEREE: return by_referee(rules, p, verdict);
	case FLI_POLICY_REQUIRE_ALL:
	case FLI_POLICY_PAUSE_ALL: return all_here ? FLI_REASON_ALL_HERE : FLI_REASON_SOME_GONE;
	case FLI_POLICY_LEASE: return by_lease(p, verdict);
	case FLI_POLICY_CUSTOM: return by_custom(rules, p, verdict);
	case FLI_POLICY_IGNORE: break;
	}
	return FLI_REASON_IGNORED;
}

void fli_partition_decide(const fli_partition_rules *rules, const fli_partition_picture *picture,
	fli_partition_verdict *ret_verdict)
{
	uint32_t words = fli_partition_words(picture->count);
	fli_partition_reason reason;

	memset(ret_verdict, 0, sizeof *ret_verdict);
	reason = find_side(rules, picture, ret_verdict->side);
	ret_verdict->here = count_of(ret_verdict->side, words);
	if (reason == FLI_REASONS_COUNT || rules->policy == FLI_POLICY_IGNORE)
		reason = by_policy(rules, picture, ret_verdict);
	ret_verdict->reason = reason;
}
