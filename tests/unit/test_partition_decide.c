/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision against a model of another shape: sets of members in one word, sides that win by
 * definition, groups found by trying all sets. Every split of two to six members, every graph of
 * links of up to five, every graph of four whose links one end alone may report.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/partition_model.h"
#include "tests/support/suite.h"

static const fli_partition_rules majority = {
	.policy = FLI_POLICY_KEEP_MAJORITY, .has_tie = true, .tangled_percent = 100};
static const fli_partition_rules no_tie = {
	.policy = FLI_POLICY_KEEP_MAJORITY, .tangled_percent = 100};
static const fli_partition_rules oldest = {
	.policy = FLI_POLICY_KEEP_OLDEST, .down_if_alone = true, .tangled_percent = 100};
static const fli_partition_rules referee = {
	.policy = FLI_POLICY_KEEP_REFEREE, .tangled_percent = 100};
static const fli_partition_rules all_referees = {
	.policy = FLI_POLICY_KEEP_REFEREE, .all_referees = true, .tangled_percent = 100};
static const fli_partition_rules all = {.policy = FLI_POLICY_REQUIRE_ALL, .tangled_percent = 100};
static const fli_partition_rules ignore = {.policy = FLI_POLICY_IGNORE, .tangled_percent = 100};

/* A majority of that many, as the table of scenarios has it. */
static fli_partition_rules quorum_of(uint32_t count)
{
	return (fli_partition_rules){.policy = FLI_POLICY_STATIC_QUORUM,
		.quorum = count / 2 + 1,
		.tangled_percent = 100};
}

/* ---- what is tested -------------------------------------------------------------------------- */

/* Links as members tell them; `known` are those whose lists reach the one who asks. */
static fli_partition_reason ask(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	fli_partition_seat seats[MOST];
	uint64_t links[MOST] = {0};
	fli_partition_picture picture = {
		.count = w->count, .self = self, .seats = seats, .links = links};
	fli_partition_verdict verdict;

	for (uint32_t i = 0; i < w->count; i++) {
		seats[i] = (fli_partition_seat){.is_tie = i == w->tie,
			.is_referee = set_has(w->referees, i),
			.age = i == w->oldest ? 0 : i + 1};
		links[i] = set_has(known, i) ? w->sees[i] : 0;
	}
	fli_partition_decide(rules, &picture, &verdict);
	return verdict.reason;
}

static bool serves(
	const world *w, const fli_partition_rules *rules, uint32_t self, member_set known)
{
	return fli_partition_serves(ask(w, rules, self, known));
}

/* ---- clean splits ---------------------------------------------------------------------------- */

/* Members of one part see each other; false once every numbering of parts has been seen. */
static bool next_split(uint32_t part[MOST], uint32_t count)
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

static uint32_t parts_of(const uint32_t part[MOST], uint32_t count)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < count; i++)
		most = part[i] > most ? part[i] : most;
	return most + 1;
}

static world split_world(const uint32_t part[MOST], uint32_t count)
{
	world w = {.count = count, .referees = 1};

	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = 0; b < count; b++)
			if (a != b && part[a] == part[b])
				w.sees[a] |= 1u << b;
	return w;
}

typedef struct tally {
	unsigned pictures, several, nobody, mistakes;
} tally;

static void count_split(
	tally *t, const world *w, const fli_partition_rules *rules, const uint32_t part[MOST])
{
	member_set sides = 0;

	t->pictures++;
	for (uint32_t i = 0; i < w->count; i++) {
		bool does = serves(w, rules, i, set_of_all(w->count));

		t->mistakes += does != model_serves(w, rules, i, set_of_all(w->count)) ? 1 : 0;
		sides |= does ? 1u << part[i] : 0;
	}
	t->several += set_size(sides) > 1 ? 1 : 0;
	t->nobody += sides == 0 ? 1 : 0;
}

/* Every split of two to six members in two or three parts. */
static tally all_splits(const fli_partition_rules *given, fli_partition_views views)
{
	tally t = {0};

	for (uint32_t count = 2; count <= MOST; count++) {
		uint32_t part[MOST] = {0};
		fli_partition_rules rules = given == NULL ? quorum_of(count) : *given;

		rules.views = views;
		while (next_split(part, count)) {
			world w = split_world(part, count);

			if (parts_of(part, count) > 1)
				count_split(&t, &w, &rules, part);
		}
	}
	return t;
}

static void splits_count_as_stated(void)
{
	static const struct {
		const char *name;
		const fli_partition_rules *rules;
		unsigned several, nobody;
	} rows[] = {{"ignore", &ignore, 179, 0}, {"keep_majority", &majority, 0, 64},
		{"tie none", &no_tie, 0, 111}, {"static_quorum", NULL, 0, 111},
		{"keep_oldest", &oldest, 0, 26}, {"keep_referee", &referee, 0, 0},
		{"all referees", &all_referees, 0, 0}, {"require_all", &all, 0, 179}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int views = FLI_VIEWS_CLIQUE; views <= FLI_VIEWS_OWN; views++) {
			tally t = all_splits(rows[i].rules, (fli_partition_views)views);

			if (t.several != rows[i].several || t.nobody != rows[i].nobody)
				printf("  %s, views %d: %u several, %u nobody\n", rows[i].name,
					views, t.several, t.nobody);
			CU_ASSERT_EQUAL(t.pictures, 179);
			CU_ASSERT_EQUAL(t.mistakes, 0);
			CU_ASSERT_EQUAL(t.several, rows[i].several);
			CU_ASSERT_EQUAL(t.nobody, rows[i].nobody);
		}
}

/* ---- links that are not transitive ----------------------------------------------------------- */

static world graph_world(uint32_t count, unsigned edges)
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
static member_set near(const world *w, uint32_t self)
{
	return model_grow(w, model_grow(w, 1u << self));
}

/* The rule of one node alone, or of all that are asked with it. */
static void count_graph(tally *t, const world *w, const fli_partition_rules *rules)
{
	member_set who = 0;

	t->pictures++;
	for (uint32_t i = 0; i < w->count; i++) {
		member_set known = near(w, i);
		bool does = serves(w, rules, i, known);

		t->mistakes += does != model_serves(w, rules, i, known) ? 1 : 0;
		who |= does ? 1u << i : 0;
	}
	t->nobody += who == 0 ? 1 : 0;
	t->several += model_is_whole(w, who) ? 0 : 1;
}

static tally all_graphs(uint32_t count, const fli_partition_rules *given, fli_partition_views views)
{
	fli_partition_rules rules = given == NULL ? quorum_of(count) : *given;
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

static void graphs_count_as_stated(void)
{
	static const struct {
		uint32_t count;
		unsigned graphs, own_unsafe, own_no_tie_unsafe, ends_nobody, clique_nobody;
	} rows[] = {{3, 3, 3, 3, 3, 0}, {4, 49, 31, 9, 49, 31}, {5, 972, 597, 597, 962, 362}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tally own = all_graphs(rows[i].count, &majority, FLI_VIEWS_OWN);
		tally bare = all_graphs(rows[i].count, &no_tie, FLI_VIEWS_OWN);
		tally ends = all_graphs(rows[i].count, &no_tie, FLI_VIEWS_BOTH_ENDS);
		tally clique = all_graphs(rows[i].count, &no_tie, FLI_VIEWS_CLIQUE);

		CU_ASSERT_EQUAL(own.pictures, rows[i].graphs);
		CU_ASSERT_EQUAL(own.several, rows[i].own_unsafe);
		CU_ASSERT_EQUAL(bare.several, rows[i].own_no_tie_unsafe);
		CU_ASSERT_EQUAL(ends.nobody, rows[i].ends_nobody);
		CU_ASSERT_EQUAL(clique.nobody, rows[i].clique_nobody);
		CU_ASSERT_EQUAL(ends.several + clique.several, 0);
	}
}

/* Whatever the policy: as the model says, and never two that serve and do not see each other. */
static void no_graph_lets_two_serve_that_do_not_see_each_other(void)
{
	static const fli_partition_rules *const policies[] = {
		&majority, &no_tie, NULL, &oldest, &referee, &all_referees, &all};

	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		for (uint32_t count = 3; count <= 5; count++)
			for (int views = FLI_VIEWS_CLIQUE; views <= FLI_VIEWS_BOTH_ENDS; views++) {
				tally t =
					all_graphs(count, policies[i], (fli_partition_views)views);

				CU_ASSERT_EQUAL(t.mistakes, 0);
				CU_ASSERT_EQUAL(t.several, 0);
			}
}

/* Links that one end alone reports are none: all 4,096 reports of four members. */
static void link_of_one_end_is_none(void)
{
	for (int views = FLI_VIEWS_CLIQUE; views <= FLI_VIEWS_BOTH_ENDS; views++) {
		fli_partition_rules rules = majority;
		tally t = {0};

		rules.views = (fli_partition_views)views;
		for (unsigned reports = 0; reports < 1u << 12; reports++) {
			world w = {.count = 4};

			for (uint32_t a = 0; a < 4; a++) {
				member_set others = reports >> 3 * a & 7;

				/* three bits for the three others */
				w.sees[a] = (others & ((1u << a) - 1)) | (others >> a << (a + 1));
			}
			count_graph(&t, &w, &rules);
		}
		CU_ASSERT_EQUAL(t.pictures, 4096);
		CU_ASSERT_EQUAL(t.mistakes, 0);
		CU_ASSERT_EQUAL(t.several, 0);
	}
}

/* ---- the named scenarios --------------------------------------------------------------------- */

/* "12|345": who is together; members of no part have crashed. */
static world drawn(const char *split, uint32_t count)
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

static void cut(world *w, uint32_t a, uint32_t b)
{
	w->sees[a - 1] &= ~(1u << (b - 1));
	w->sees[b - 1] &= ~(1u << (a - 1));
}

/* Those who live and serve, as digits. */
static void who_serves(
	const world *w, const fli_partition_rules *rules, member_set alive, char *ret_text)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (set_has(alive, i) && serves(w, rules, i, near(w, i)))
			*ret_text++ = (char)('1' + i);
	*ret_text = '\0';
}

static member_set alive_in(const char *split)
{
	member_set alive = 0;

	for (; *split != '\0'; split++)
		if (*split != '|')
			alive |= 1u << (*split - '1');
	return alive;
}

static void rows_1_to_11_are_decided_as_stated(void)
{
	static const struct {
		const char *name, *split;
		uint32_t count, oldest;
		const char *quorum, *majority, *no_tie, *by_age, *by_referee;
	} rows[] = {
		{"1: 2|3", "12|345", 5, 0, "345", "345", "345", "12", "12"},
		{"2: 3|2, oldest is 5", "123|45", 5, 4, "123", "123", "123", "45", "123"},
		{"3: 2|2 of four", "12|34", 4, 0, "", "12", "", "12", "12"},
		{"4: 1|1 of two", "1|2", 2, 0, "", "1", "", "1", "1"},
		{"5: 1 cut off", "1|2345", 5, 0, "2345", "2345", "2345", "2345", "1"},
		{"6: 5 cut off", "1234|5", 5, 0, "1234", "1234", "1234", "1234", "1234"},
		{"7: 2|2|1", "12|34|5", 5, 0, "", "", "", "12", "12"},
		{"8: 2|2|2 of six", "12|34|56", 6, 0, "", "", "", "12", "12"},
		{"9: 4, 5 crash, then 1|2", "1|23", 5, 0, "", "", "", "", "1"},
		{"10: 1 crashes", "2345", 5, 0, "2345", "2345", "2345", "2345", ""},
		{"11: 3, 4, 5 crash", "12", 5, 0, "", "", "", "12", "12"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fli_partition_rules quorum = quorum_of(rows[i].count);
		const struct {
			const fli_partition_rules *rules;
			const char *serve;
		} columns[] = {{&quorum, rows[i].quorum}, {&majority, rows[i].majority},
			{&no_tie, rows[i].no_tie}, {&oldest, rows[i].by_age},
			{&referee, rows[i].by_referee}, {&all, ""}};
		world w = drawn(rows[i].split, rows[i].count);
		char text[MOST + 1];

		w.oldest = rows[i].oldest;
		for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
			who_serves(&w, columns[c].rules, alive_in(rows[i].split), text);
			if (strcmp(text, columns[c].serve) != 0)
				printf("  %s, column %zu: {%s} serve, not {%s}\n", rows[i].name, c,
					text, columns[c].serve);
			CU_ASSERT_STRING_EQUAL(text, columns[c].serve);
		}
	}
}

static void rows_12_to_17_are_decided_as_stated(void)
{
	static const struct {
		const char *name;
		uint32_t count;
		const char *cuts; /* pairs of digits */
		const char *clique, *ends;
	} rows[] = {
		{"12, 13: link 1-2 dead, n = 5", 5, "12", "1345", "345"},
		{"14: link 1-2 dead, n = 3", 3, "12", "13", ""},
		{"15: link 1-2 closed", 5, "12", "1345", "345"},
		{"16: guest 5 loses the link to 4", 5, "45", "1234", "123"},
		{"17: chain 1-2-3-4-5", 5, "131415242535", "", ""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world w = drawn("12345", rows[i].count);
		fli_partition_rules rules = majority;
		char text[MOST + 1];

		for (const char *c = rows[i].cuts; *c != '\0'; c += 2)
			cut(&w, (uint32_t)(c[0] - '0'), (uint32_t)(c[1] - '0'));
		for (uint32_t m = 0; m < w.count; m++)
			w.sees[m] &= set_of_all(w.count);
		who_serves(&w, &rules, set_of_all(w.count), text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].clique);
		rules.views = FLI_VIEWS_BOTH_ENDS;
		who_serves(&w, &rules, set_of_all(w.count), text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].ends);
	}
}

/* ---- keys that the rows do not turn ---------------------------------------------------------- */

static void reason_says_why(void)
{
	world two = drawn("1|2", 2), five = drawn("1|2345", 5), whole = drawn("12345", 5);
	fli_partition_rules alone = oldest, small = {.policy = FLI_POLICY_STATIC_QUORUM,
						    .quorum = 2,
						    .tangled_percent = 100};

	alone.down_if_alone = false;
	CU_ASSERT_EQUAL(ask(&two, &oldest, 0, 3), FLI_REASON_OLDEST_HERE);
	CU_ASSERT_EQUAL(ask(&two, &oldest, 1, 3), FLI_REASON_OLDEST_GONE);
	CU_ASSERT_EQUAL(ask(&five, &oldest, 0, 31), FLI_REASON_OLDEST_ALONE);
	CU_ASSERT_EQUAL(ask(&five, &oldest, 1, 31), FLI_REASON_ONLY_OLDEST_GONE);
	CU_ASSERT_EQUAL(ask(&five, &alone, 0, 31), FLI_REASON_OLDEST_HERE);
	CU_ASSERT_EQUAL(ask(&five, &alone, 1, 31), FLI_REASON_OLDEST_GONE);
	CU_ASSERT_EQUAL(ask(&two, &majority, 0, 3), FLI_REASON_HALF_WITH_TIE);
	CU_ASSERT_EQUAL(ask(&two, &majority, 1, 3), FLI_REASON_HALF);
	CU_ASSERT_EQUAL(ask(&five, &majority, 0, 31), FLI_REASON_MINORITY);
	CU_ASSERT_EQUAL(ask(&five, &majority, 1, 31), FLI_REASON_MAJORITY);
	CU_ASSERT_EQUAL(ask(&five, &small, 1, 31), FLI_REASON_TOO_MANY);
	CU_ASSERT_EQUAL(ask(&whole, &small, 1, 31), FLI_REASON_TOO_MANY);
	CU_ASSERT_EQUAL(ask(&whole, &all, 1, 31), FLI_REASON_ALL_HERE);
	CU_ASSERT_EQUAL(ask(&five, &all, 1, 31), FLI_REASON_SOME_GONE);
	two.tie = 1;
	CU_ASSERT_EQUAL(ask(&two, &majority, 0, 3), FLI_REASON_HALF);
	CU_ASSERT_EQUAL(ask(&two, &majority, 1, 3), FLI_REASON_HALF_WITH_TIE);
	five.referees = 3; /* 1 and 2, apart: the one case in which two sides go on */
	CU_ASSERT_EQUAL(ask(&five, &referee, 0, 31), FLI_REASON_REFEREE_HERE);
	CU_ASSERT_EQUAL(ask(&five, &referee, 1, 31), FLI_REASON_REFEREE_HERE);
	CU_ASSERT_EQUAL(ask(&five, &all_referees, 0, 31), FLI_REASON_REFEREE_GONE);
	CU_ASSERT_EQUAL(ask(&five, &all_referees, 1, 31), FLI_REASON_REFEREE_GONE);
	CU_ASSERT_EQUAL(ask(&whole, &all_referees, 1, 31), FLI_REASON_REFEREE_HERE);
}

static void too_many_broken_links_pause_where_that_is_wanted(void)
{
	world three = drawn("123", 3);
	fli_partition_rules half = majority;

	cut(&three, 1, 2);
	half.tangled_percent = 50;
	CU_ASSERT_EQUAL(ask(&three, &half, 0, 7), FLI_REASON_TANGLED);
	half.tangled_percent = 67;
	CU_ASSERT_EQUAL(ask(&three, &half, 0, 7), FLI_REASON_MAJORITY);
	CU_ASSERT_EQUAL(ask(&three, &half, 1, 7), FLI_REASON_LEFT_OUT);
}

/* ---- many members ---------------------------------------------------------------------------- */

static uint64_t many_links[FLI_PARTITION_MEMBERS_MAX * FLI_PARTITION_WORDS_MAX];
static fli_partition_seat many_seats[FLI_PARTITION_MEMBERS_MAX];

/* All linked but those of one group of so many neighbours. */
static fli_partition_picture many(uint32_t count, uint32_t group)
{
	uint32_t words = fli_partition_words(count);

	memset(many_links, 0, sizeof many_links);
	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = 0; b < count; b++)
			if (a != b && (group == 0 || a / group != b / group))
				fli_partition_add(many_links + (size_t)a * words, b);
	return (fli_partition_picture){.count = count, .seats = many_seats, .links = many_links};
}

static void unlink_two(fli_partition_picture *p, uint32_t a, uint32_t b)
{
	uint32_t words = fli_partition_words(p->count);

	many_links[(size_t)a * words + b / 64] &= ~((uint64_t)1 << b % 64);
	many_links[(size_t)b * words + a / 64] &= ~((uint64_t)1 << a % 64);
}

static void members_beyond_64_leave_out_both_ends(void)
{
	static const uint32_t counts[] = {64, 65, FLI_PARTITION_MEMBERS_MAX};

	for (size_t i = 0; i < 3; i++) {
		uint32_t count = counts[i];
		fli_partition_picture p = many(count, 0);
		fli_partition_verdict v;

		unlink_two(&p, 3, count - 1);
		p.self = 3;
		fli_partition_decide(&majority, &p, &v);
		CU_ASSERT_EQUAL(v.reason, count == 64 ? FLI_REASON_MAJORITY : FLI_REASON_LEFT_OUT);
		CU_ASSERT_EQUAL(v.here, count == 64 ? 63 : count - 2);
		p.self = 5;
		fli_partition_decide(&majority, &p, &v);
		CU_ASSERT_EQUAL(v.reason, FLI_REASON_MAJORITY);
		CU_ASSERT_EQUAL(v.here, count == 64 ? 63 : count - 2);
		p.self = count - 1;
		fli_partition_decide(&majority, &p, &v);
		CU_ASSERT_EQUAL(v.reason, FLI_REASON_LEFT_OUT);
	}
}

/* 3^20 largest groups: not all of them are looked at. */
static void links_made_up_to_take_long_do_not(void)
{
	fli_partition_picture p = many(60, 3);
	fli_partition_verdict v;

	fli_partition_decide(&majority, &p, &v);
	CU_ASSERT_EQUAL(v.reason, FLI_REASON_LEFT_OUT);
	CU_ASSERT_EQUAL(v.here, 0);
}

FL_SUITE("partition_decide", FL_TEST(splits_count_as_stated), FL_TEST(graphs_count_as_stated),
	FL_TEST(no_graph_lets_two_serve_that_do_not_see_each_other),
	FL_TEST(link_of_one_end_is_none), FL_TEST(rows_1_to_11_are_decided_as_stated),
	FL_TEST(rows_12_to_17_are_decided_as_stated), FL_TEST(reason_says_why),
	FL_TEST(too_many_broken_links_pause_where_that_is_wanted),
	FL_TEST(members_beyond_64_leave_out_both_ends), FL_TEST(links_made_up_to_take_long_do_not));
