/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows 1 to 17 of the scenario table with whole nodes: clean splits under each policy, and links
 * that some have and others have not. The seed chooses the column, the time of the loss and whether
 * it is silent.
 */
#include <string.h>

#include "tests/support/partition_town.h"

/* ---- clean splits ---------------------------------------------------------------------------- */

typedef struct split_row {
	uint32_t count;
	const char *oldest;
	const char *crash; /* first */
	const char *split; /* NULL: none */
	const char *serve[TOWN_POLICIES];
} split_row;

/* clang-format off */
static const split_row split_rows[] = {
	/*                            ignore   quorum  majority no tie  oldest  referee all  lease */
	[1] = {5, NULL, "", "12|345", {"12345", "345", "345", "345", "12", "12", "", "345"}},
	[2] = {5, "51234", "", "123|45", {"12345", "123", "123", "123", "45", "123", "", "123"}},
	[3] = {4, NULL, "", "12|34", {"1234", "", "12", "", "12", "12", "", "12"}},
	[4] = {2, NULL, "", "1|2", {"12", "", "1", "", "1", "1", "", "1"}},
	[5] = {5, NULL, "", "1|2345", {"12345", "2345", "2345", "2345", "2345", "1", "", "2345"}},
	[6] = {5, NULL, "", "1234|5", {"12345", "1234", "1234", "1234", "1234", "1234", "", "1234"}},
	[7] = {5, NULL, "", "12|34|5", {"12345", "", "", "", "12", "12", "", "12/34/5"}},
	[8] = {6, NULL, "", "12|34|56", {"123456", "", "", "", "12", "12", "", "12/34/56"}},
	[9] = {5, NULL, "45", "1|23", {"123", "", "", "", "", "1", "", "23/1"}},
	[10] = {5, NULL, "1", NULL, {"2345", "2345", "2345", "2345", "2345", "", "", "2345"}},
	[11] = {5, NULL, "345", NULL, {"12", "", "", "", "12", "12", "", "12"}},
};
/* clang-format on */

static void play_split(const split_row *row, uint64_t seed)
{
	town_policy policy = (town_policy)(seed % TOWN_POLICIES);
	town *t = town_open(&(town_plan){
		.seed = seed, .count = row->count, .policy = policy, .oldest = row->oldest});

	town_run_some(t, 8000);
	town_crash(t, row->crash);
	town_run_some(t, 20000);
	if (row->split != NULL && seed / TOWN_POLICIES % 2 == 0)
		town_split(t, row->split);
	else if (row->split != NULL)
		town_break(t, row->split);
	/* a lease whose holder is on no side runs out, and then the others wait for calm */
	town_run(t, policy == TOWN_LEASE ? 120000 : 40000);
	TOWN_SERVING(t, row->serve[policy]);
	town_run_some(t, 60000);
	TOWN_SERVING(t, row->serve[policy]);
	town_heal_and_close(t);
}

#define SPLIT_ROW(number, name)                                                                    \
	static void row_##number##_##name(void)                                                    \
	{                                                                                          \
		TOWN_EACH_SEED(seed)                                                               \
		{                                                                                  \
			play_split(&split_rows[number], seed);                                     \
		}                                                                                  \
	}

SPLIT_ROW(1, two_and_three)
SPLIT_ROW(2, three_and_two_with_the_oldest)
SPLIT_ROW(3, two_and_two)
SPLIT_ROW(4, one_and_one)
SPLIT_ROW(5, first_is_cut_off)
SPLIT_ROW(6, last_is_cut_off)
SPLIT_ROW(7, two_two_and_one)
SPLIT_ROW(8, two_two_and_two)
SPLIT_ROW(9, two_crash_and_then_one_is_cut_off)
SPLIT_ROW(10, first_crashes)
SPLIT_ROW(11, three_crash_at_once)

/* ---- links that are not transitive ----------------------------------------------------------- */

typedef enum link_loss {
	LOSS_ONE_WAY, /* packets from the first to the second vanish */
	LOSS_SILENT,
	LOSS_TOLD /* the connection is closed, and cannot be made again */
} link_loss;

typedef struct link_row {
	uint32_t count;
	const char *pairs; /* of digits */
	link_loss loss;
	const char *clique, *both_ends, *pop;
} link_row;

/*
 * With prevent_overlapping_partitions one end is expelled, or both where both notice at once, and
 * comes back only when it reaches all. A node that lost no link of its own goes on without a
 * decision, which is why 3 serves alone in row 14 where both ends are left out. There the end that
 * came back is expelled again whenever the other one tries, and then serves alone until it decides.
 */
static const link_row link_rows[] = {
	[12] = {5, "12", LOSS_ONE_WAY, "1345", "345", "1345/2345/345"},
	[13] = {5, "12", LOSS_SILENT, "1345", "345", "1345/2345/345"},
	[14] = {3, "12", LOSS_SILENT, "13", "3", "13/23/3/1/2/"},
	[15] = {5, "12", LOSS_TOLD, "1345", "345", "1345/2345/345"},
	[16] = {5, "45", LOSS_SILENT, "1234", "123", "1234/1235/123"},
	[17] = {5, "131415242535", LOSS_SILENT, "", "", ""},
};

static void lose_link(town *t, char a, char b, link_loss loss)
{
	char from[] = "h0.sim", to[] = "h0.sim";
	fl_sim_link link;

	from[1] = a;
	to[1] = b;
	link = fl_sim_link_of(t->sim, from, to);
	link.is_lost = true;
	if (loss == LOSS_ONE_WAY)
		fl_sim_set_link(t->sim, from, to, &link);
	else
		fl_sim_cut(t->sim, from, to);
	if (loss == LOSS_TOLD)
		(void)fl_sim_reset(t->sim, from, to);
}

static void play_links(const link_row *row, uint64_t seed)
{
	static const char *const ways[][5] = {
		{"global.prevent_overlapping_partitions", "off", NULL},
		{"global.prevent_overlapping_partitions", "off", "partition.nontransitive",
			"drop_both_ends", NULL},
		{"global.prevent_overlapping_partitions", "otp", NULL}};
	const char *const expected[] = {row->clique, row->both_ends, row->pop};
	town *t = town_open(&(town_plan){.seed = seed,
		.count = row->count,
		.policy = TOWN_MAJORITY,
		.extra = ways[seed % 3]});

	town_run_some(t, 8000);
	for (const char *p = row->pairs; *p != '\0'; p += 2)
		lose_link(t, p[0], p[1], row->loss);
	town_run(t, 90000);
	TOWN_SERVING(t, expected[seed % 3]);
	town_heal_and_close(t);
}

#define LINK_ROW(number, name)                                                                     \
	static void row_##number##_##name(void)                                                    \
	{                                                                                          \
		TOWN_EACH_SEED(seed)                                                               \
		{                                                                                  \
			play_links(&link_rows[number], seed);                                      \
		}                                                                                  \
	}

LINK_ROW(12, one_way)
LINK_ROW(13, one_link_of_five)
LINK_ROW(14, one_link_of_three)
LINK_ROW(15, link_that_is_closed)
LINK_ROW(16, guest_loses_a_link)
LINK_ROW(17, chain)

FL_SUITE("rows_splits", FL_TEST(row_1_two_and_three), FL_TEST(row_2_three_and_two_with_the_oldest),
	FL_TEST(row_3_two_and_two), FL_TEST(row_4_one_and_one), FL_TEST(row_5_first_is_cut_off),
	FL_TEST(row_6_last_is_cut_off), FL_TEST(row_7_two_two_and_one),
	FL_TEST(row_8_two_two_and_two), FL_TEST(row_9_two_crash_and_then_one_is_cut_off),
	FL_TEST(row_10_first_crashes), FL_TEST(row_11_three_crash_at_once), FL_TEST(row_12_one_way),
	FL_TEST(row_13_one_link_of_five), FL_TEST(row_14_one_link_of_three),
	FL_TEST(row_15_link_that_is_closed), FL_TEST(row_16_guest_loses_a_link),
	FL_TEST(row_17_chain));
