/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision against a model of another shape: sets of members in one word, sides that win by
 * definition, groups found by trying all sets. Every split of two to six members, every graph of
 * links of up to five, every graph of four whose links one end alone may report.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/partition_worlds.h"
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

/* ---- clean splits ---------------------------------------------------------------------------- */

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

/* Those who live and serve, as digits. */
static void who_serves(
	const world *w, const fli_partition_rules *rules, member_set alive, char *ret_text)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (set_has(alive, i) && world_serves(w, rules, i, world_near(w, i)))
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
		fli_partition_rules quorum = world_quorum_of(rows[i].count);
		const struct {
			const fli_partition_rules *rules;
			const char *serve;
		} columns[] = {{&quorum, rows[i].quorum}, {&majority, rows[i].majority},
			{&no_tie, rows[i].no_tie}, {&oldest, rows[i].by_age},
			{&referee, rows[i].by_referee}, {&all, ""}};
		world w = world_drawn(rows[i].split, rows[i].count);
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
		world w = world_drawn("12345", rows[i].count);
		fli_partition_rules rules = majority;
		char text[MOST + 1];

		for (const char *c = rows[i].cuts; *c != '\0'; c += 2)
			world_cut(&w, (uint32_t)(c[0] - '0'), (uint32_t)(c[1] - '0'));
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
	world two = world_drawn("1|2", 2), five = world_drawn("1|2345", 5),
	      whole = world_drawn("12345", 5);
	fli_partition_rules alone = oldest, small = {.policy = FLI_POLICY_STATIC_QUORUM,
						    .quorum = 2,
						    .tangled_percent = 100};

	alone.down_if_alone = false;
	CU_ASSERT_EQUAL(world_ask(&two, &oldest, 0, 3), FLI_REASON_OLDEST_HERE);
	CU_ASSERT_EQUAL(world_ask(&two, &oldest, 1, 3), FLI_REASON_OLDEST_GONE);
	CU_ASSERT_EQUAL(world_ask(&five, &oldest, 0, 31), FLI_REASON_OLDEST_ALONE);
	CU_ASSERT_EQUAL(world_ask(&five, &oldest, 1, 31), FLI_REASON_ONLY_OLDEST_GONE);
	CU_ASSERT_EQUAL(world_ask(&five, &alone, 0, 31), FLI_REASON_OLDEST_HERE);
	CU_ASSERT_EQUAL(world_ask(&five, &alone, 1, 31), FLI_REASON_OLDEST_GONE);
	CU_ASSERT_EQUAL(world_ask(&two, &majority, 0, 3), FLI_REASON_HALF_WITH_TIE);
	CU_ASSERT_EQUAL(world_ask(&two, &majority, 1, 3), FLI_REASON_HALF);
	CU_ASSERT_EQUAL(world_ask(&five, &majority, 0, 31), FLI_REASON_MINORITY);
	CU_ASSERT_EQUAL(world_ask(&five, &majority, 1, 31), FLI_REASON_MAJORITY);
	CU_ASSERT_EQUAL(world_ask(&five, &small, 1, 31), FLI_REASON_TOO_MANY);
	CU_ASSERT_EQUAL(world_ask(&whole, &small, 1, 31), FLI_REASON_TOO_MANY);
	CU_ASSERT_EQUAL(world_ask(&whole, &all, 1, 31), FLI_REASON_ALL_HERE);
	CU_ASSERT_EQUAL(world_ask(&five, &all, 1, 31), FLI_REASON_SOME_GONE);
	two.tie = 1;
	CU_ASSERT_EQUAL(world_ask(&two, &majority, 0, 3), FLI_REASON_HALF);
	CU_ASSERT_EQUAL(world_ask(&two, &majority, 1, 3), FLI_REASON_HALF_WITH_TIE);
	five.referees = 3; /* 1 and 2, apart: the one case in which two sides go on */
	CU_ASSERT_EQUAL(world_ask(&five, &referee, 0, 31), FLI_REASON_REFEREE_HERE);
	CU_ASSERT_EQUAL(world_ask(&five, &referee, 1, 31), FLI_REASON_REFEREE_HERE);
	CU_ASSERT_EQUAL(world_ask(&five, &all_referees, 0, 31), FLI_REASON_REFEREE_GONE);
	CU_ASSERT_EQUAL(world_ask(&five, &all_referees, 1, 31), FLI_REASON_REFEREE_GONE);
	CU_ASSERT_EQUAL(world_ask(&whole, &all_referees, 1, 31), FLI_REASON_REFEREE_HERE);
}

static void too_many_broken_links_pause_where_that_is_wanted(void)
{
	world three = world_drawn("123", 3);
	fli_partition_rules half = majority;

	world_cut(&three, 1, 2);
	half.tangled_percent = 50;
	CU_ASSERT_EQUAL(world_ask(&three, &half, 0, 7), FLI_REASON_TANGLED);
	half.tangled_percent = 67;
	CU_ASSERT_EQUAL(world_ask(&three, &half, 0, 7), FLI_REASON_MAJORITY);
	CU_ASSERT_EQUAL(world_ask(&three, &half, 1, 7), FLI_REASON_LEFT_OUT);
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
