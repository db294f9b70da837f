/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/partition_worlds.h"

#include <string.h>

/* A majority of that many, as the table of scenarios has it. */
fli_partition_rules world_quorum_of(uint32_t count)
{
	return (fli_partition_rules){.policy = FLI_POLICY_STATIC_QUORUM,
		.quorum = count / 2 + 1,
		.tangled_percent = 100};
}

/* ---- what is tested -------------------------------------------------------------------------- */

/* Links as members tell them; `known` are those whose lists reach the one who asks. */
fli_partition_verdict world_verdict_of(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	fli_partition_seat seats[MOST];
	uint64_t links[MOST] = {0};
	fli_partition_picture picture = {
		.count = w->count, .self = self, .seats = seats, .links = links};
	fli_partition_verdict verdict;

	for (uint32_t i = 0; i < w->count; i++)
		if (set_has(w->leaseholder, i)) {
			picture.is_leased = true;
			picture.leaseholder = i;
		}

	for (uint32_t i = 0; i < w->count; i++) {
		seats[i] = (fli_partition_seat){.is_tie = i == w->tie,
			.is_referee = set_has(w->referees, i),
			.age = i == w->oldest ? 0 : i + 1};
		links[i] = set_has(known, i) ? w->sees[i] : 0;
	}
	fli_partition_decide(rules, &picture, &verdict);
	return verdict;
}

fli_partition_reason world_ask(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	return world_verdict_of(w, rules, self, known).reason;
}

bool world_serves(const world *w, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	return fli_partition_serves(world_ask(w, rules, self, known));
}

/* Members of one part see each other; false once every numbering of parts has been seen. */
bool next_split(uint32_t part[MOST], uint32_t count)
{
	for (uint32_t i = count; i-- > 1;) {
		uint32_t most = 0;

		for (uint32_t j = 0; j < i; j++)
			if (part[j] > most)
				most = part[j];
		if (part[i] <= most && part[i] < 2) {
			part[i]++;
			memset(&part[i + 1], 0, (count - i - 1) * sizeof *part);
			return true;
		}
	}
	return false;
}

uint32_t parts_of(const uint32_t part[MOST], uint32_t count)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < count; i++)
		most = part[i] > most ? part[i] : most;
	return most + 1;
}

world split_world(const uint32_t part[MOST], uint32_t count)
{
	world w = {.count = count, .referees = 1};

	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = 0; b < count; b++)
			if (a != b && part[a] == part[b])
				w.sees[a] |= 1u << b;
	return w;
}

void count_split(
	tally *t, const world *w, const fli_partition_rules *rules, const uint32_t part[MOST])
{
	member_set sides = 0;

	t->pictures++;
	for (uint32_t i = 0; i < w->count; i++) {
		bool does = world_serves(w, rules, i, set_of_all(w->count));

		t->mistakes += does != model_serves(w, rules, i, set_of_all(w->count)) ? 1 : 0;
		sides |= does ? 1u << part[i] : 0;
	}
	t->several += set_size(sides) > 1 ? 1 : 0;
	t->nobody += sides == 0 ? 1 : 0;
}

/* Every split of two to six members in two or three parts. */
tally all_splits(const fli_partition_rules *given, fli_partition_views views)
{
	tally t = {0};

	for (uint32_t count = 2; count <= MOST; count++) {
		uint32_t part[MOST] = {0};
		fli_partition_rules rules = given == NULL ? world_quorum_of(count) : *given;

		rules.views = views;
		while (next_split(part, count)) {
			world w = split_world(part, count);

			if (parts_of(part, count) > 1)
				count_split(&t, &w, &rules, part);
		}
	}
	return t;
}

world graph_world(uint32_t count, unsigned edges)
{
	world w = {.count = count, .referees = 1};

	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = a + 1; b < count; b++, edges >>= 1)
			if ((edges & 1) != 0) {
				w.sees[a] |= 1u << b;
				w.sees[b] |= 1u << a;
			}
	return w;
}

static bool is_transitive(const world *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (!model_is_whole(w, model_component(w, i)))
			return false;
	return true;
}

/* Who is at most two links away: what a node learns of its neighbours and theirs. */
member_set world_near(const world *w, uint32_t self)
{
	return model_grow(w, model_grow(w, 1u << self));
}

/* The rule of one node alone, or of all that are asked with it. */
void count_graph(tally *t, const world *w, const fli_partition_rules *rules)
{
	member_set who = 0;

	t->pictures++;
	for (uint32_t i = 0; i < w->count; i++) {
		member_set known = world_near(w, i);
		bool does = world_serves(w, rules, i, known);

		t->mistakes += does != model_serves(w, rules, i, known) ? 1 : 0;
		who |= does ? 1u << i : 0;
	}
	t->nobody += who == 0 ? 1 : 0;
	t->several += model_is_whole(w, who) ? 0 : 1;
}

tally all_graphs(uint32_t count, const fli_partition_rules *given, fli_partition_views views)
{
	fli_partition_rules rules = given == NULL ? world_quorum_of(count) : *given;
	unsigned graphs = 1u << count * (count - 1) / 2;
	tally t = {0};

	rules.views = views;
	for (unsigned edges = 0; edges < graphs; edges++) {
		world w = graph_world(count, edges);

		if (!is_transitive(&w))
			count_graph(&t, &w, &rules);
	}
	return t;
}

/* "12|345": who is together; members of no part have crashed. */
world world_drawn(const char *split, uint32_t count)
{
	world w = {.count = count, .referees = 1};
	member_set part = 0;

	for (const char *p = split;; p++) {
		if (*p >= '1' && *p <= '9') {
			part |= 1u << (*p - '1');
			continue;
		}
		for (uint32_t i = 0; i < count; i++)
			if (set_has(part, i))
				w.sees[i] = part & ~(1u << i);
		part = 0;
		if (*p == '\0')
			return w;
	}
}

void world_cut(world *w, uint32_t a, uint32_t b)
{
	w->sees[a - 1] &= ~(1u << (b - 1));
	w->sees[b - 1] &= ~(1u << (a - 1));
}
