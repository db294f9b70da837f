/* SPDX-License-Identifier: Apache-2.0 */
/* What a node makes of itself: having slept, coming too late, who makes views agree; patterns. */
#include <stdio.h>
#include <string.h>

#include "dist/partition_sides.h"
#include "node/base/glob.h"
#include "tests/support/partition_rivals.h"

static rivals *start(rivals *l, uint32_t count)
{
	rivals_start_all(l);
	CU_ASSERT_EQUAL(strlen(rivals_serving(l)), count);
	return l;
}

/* ---- stale ----------------------------------------------------------------------------------- */

static rivals *asleep(rivals *l, uint64_t ms)
{
	rivals_create(l, 5);
	(void)start(l, 5);
	rivals_freeze(l, 0, true);
	rivals_run(l, ms);
	rivals_freeze(l, 0, false);
	fli_partition_time(l->nodes[0].engine, l->now_ms);
	return l;
}

static void who_slept_is_stale_for_a_second_and_then_suspects(void)
{
	rivals l;

	(void)asleep(&l, 14000);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_STALE);
	CU_ASSERT_EQUAL(fli_partition_next_ms(l.nodes[0].engine), l.now_ms + 1);
	for (uint32_t i = 1; i < 5; i++)
		rivals_link(&l, 0, i, false);
	rivals_run(&l, 999);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_STALE);
	rivals_run(&l, 1);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_SUSPECT);
	CU_ASSERT_TRUE(l.nodes[0].is_closed);
	rivals_run(&l, 3990); /* 5 s after it woke up it decides */
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_SUSPECT);
	rivals_run(&l, 20);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_PAUSED);
	CU_ASSERT_EQUAL(fli_partition_count(l.nodes[0].engine)->partitions, 1);
	rivals_delete(&l);
}

static void who_sleeps_again_is_stale_again(void)
{
	rivals l;

	(void)asleep(&l, 7000);
	rivals_run(&l, 500);
	rivals_freeze(&l, 0, true);
	rivals_run(&l, 7000);
	rivals_freeze(&l, 0, false);
	fli_partition_time(l.nodes[0].engine, l.now_ms);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_STALE);
	CU_ASSERT_EQUAL(fli_partition_count(l.nodes[0].engine)->gaps, 2);
	CU_ASSERT_EQUAL(fli_partition_count(l.nodes[0].engine)->partitions, 1);
	rivals_run(&l, 5000);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_SERVING);
	rivals_delete(&l);
}

/* ---- health ---------------------------------------------------------------------------------- */

/* Rounds that come so late, each. */
static void be_late(rivals *l, int rounds, uint64_t ms)
{
	for (int i = 0; i < rounds; i++) {
		rivals_freeze(l, 0, true);
		rivals_run(l, ms);
		rivals_freeze(l, 0, false);
		rivals_run(l, 1);
	}
}

static uint32_t ill(const rivals *l)
{
	return fli_partition_illness(l->nodes[0].engine);
}

static void who_comes_late_is_ill_and_gets_well(void)
{
	uint32_t before;
	rivals l;

	rivals_create(&l, 3);
	(void)start(&l, 3);
	CU_ASSERT_EQUAL(ill(&l), 0);
	be_late(&l, 1, 1400); /* the first one may be later than it looks: a round was due */
	before = ill(&l);
	be_late(&l, 3, 1400); /* less than half a second too late */
	CU_ASSERT_EQUAL(ill(&l), before);
	be_late(&l, 3, 1600);
	CU_ASSERT_EQUAL(ill(&l), before + 3);
	be_late(&l, 20, 1600);
	CU_ASSERT_EQUAL(ill(&l), FLI_PARTITION_ILL_MAX);
	rivals_run(&l, 10500);
	CU_ASSERT_EQUAL(ill(&l), FLI_PARTITION_ILL_MAX - 1);
	rivals_run(&l, 80000);
	CU_ASSERT_EQUAL(ill(&l), 0);
	CU_ASSERT_EQUAL(fli_partition_count(l.nodes[0].engine)->gaps, 0);
	rivals_delete(&l);
}

/* From the heal to going on, in seconds. */
static uint64_t time_to_heal(bool heeds_health, int late_rounds)
{
	uint64_t since;
	rivals l;

	rivals_create(&l, 3);
	l.times.heeds_health = heeds_health;
	(void)start(&l, 3);
	rivals_split(&l, "1|23");
	rivals_run(&l, 8000);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_PAUSED);
	be_late(&l, late_rounds, 1600);
	rivals_split(&l, "123");
	since = l.now_ms;
	while (rivals_state(&l, 0) == FLI_PARTITION_PAUSED && l.now_ms < since + 100000)
		rivals_run(&l, 100);
	since = l.now_ms - since;
	rivals_delete(&l);
	return since / 1000;
}

static void who_is_ill_waits_longer_before_it_goes_on(void)
{
	CU_ASSERT(time_to_heal(true, 0) >= 4 && time_to_heal(true, 0) <= 6);
	CU_ASSERT(time_to_heal(false, 7) >= 4 && time_to_heal(false, 7) <= 6);
	/* it gets well meanwhile, one degree in ten seconds */
	CU_ASSERT(time_to_heal(true, 7) >= 20 && time_to_heal(true, 7) <= 40);
	CU_ASSERT(time_to_heal(true, 1) >= 9 && time_to_heal(true, 1) <= 11);
}

/* ---- who makes the views agree --------------------------------------------------------------- */

static void views_are_asked_unless_all_run_pop(void)
{
	for (int runs_pop = 0; runs_pop < 2; runs_pop++) {
		rivals l;

		rivals_create(&l, 3);
		l.config.rules.views = FLI_VIEWS_AUTO;
		l.runs_pop = runs_pop == 1;
		(void)start(&l, 3);
		CU_ASSERT_EQUAL(fli_partition_views_of(l.nodes[0].engine),
			runs_pop ? FLI_VIEWS_POP : FLI_VIEWS_CLIQUE);
		l.nodes[0].asked = 0;
		l.runs_pop = false; /* what was so when all were here counts */
		rivals_split(&l, "12|3");
		rivals_run(&l, 10000);
		CU_ASSERT_STRING_EQUAL(rivals_serving(&l), "12");
		CU_ASSERT_EQUAL(l.nodes[0].asked == 0, runs_pop == 1);
		rivals_delete(&l);
	}
}

/* With one link broken, each counts what it sees: what POP is relied on to prevent. */
static void pop_counts_what_is_seen(void)
{
	rivals l;

	rivals_create(&l, 3);
	l.config.rules.views = FLI_VIEWS_POP;
	(void)start(&l, 3);
	rivals_link(&l, 0, 1, false);
	rivals_run(&l, 10000);
	CU_ASSERT_STRING_EQUAL(rivals_serving(&l), "123");
	rivals_delete(&l);
}

static void drain_is_a_part_of_the_time_to_pause(void)
{
	uint64_t without, with;
	rivals l;

	rivals_create(&l, 3);
	(void)start(&l, 3);
	without = fli_partition_pause_ms(l.nodes[0].engine);
	rivals_delete(&l);
	rivals_create(&l, 3);
	l.times.drain_ms = 1500;
	(void)start(&l, 3);
	with = fli_partition_pause_ms(l.nodes[0].engine);
	rivals_delete(&l);
	CU_ASSERT_EQUAL(with, without + 1500);
}

/* ---- sides of a split that is over ----------------------------------------------------------- */

/* "12|345": whether the one of that number gives way. */
static bool gives_way(const char *groups, char own)
{
	fli_sides sides = {.count = 0};
	fli_side side = {.set = {0}};

	for (; *groups != '\0'; groups++)
		if (*groups != '|') {
			fli_partition_add(side.set, (uint32_t)(*groups - '1'));
		} else {
			fli_sides_add(&sides, &side);
			side = (fli_side){.set = {0}};
		}
	fli_sides_add(&sides, &side);
	fli_sides_add(&sides, &side); /* told twice */
	return fli_sides_gives_way(&sides, (uint32_t)(own - '1'));
}

static void all_but_the_largest_side_give_way(void)
{
	CU_ASSERT_TRUE(gives_way("12|345", '1') && !gives_way("12|345", '5'));
	CU_ASSERT_TRUE(gives_way("13|24", '4') && !gives_way("13|24", '1'));
	CU_ASSERT_TRUE(gives_way("24|13", '4') && !gives_way("24|13", '1'));
	CU_ASSERT_TRUE(gives_way("1|23|45", '1') && gives_way("1|23|45", '5'));
	CU_ASSERT_FALSE(gives_way("1|23|45", '2') || gives_way("12", '1') || gives_way("12", '3'));
}

static void rest_is_who_is_on_no_side(void)
{
	fli_sides sides = {.count = 0};
	fli_side one = {.set = {1, 2}}, all = {.set = {7, 3}}, rest;

	fli_sides_add(&sides, &one);
	rest = fli_sides_rest(&sides, &all);
	CU_ASSERT_TRUE(rest.set[0] == 6 && rest.set[1] == 1);
	CU_ASSERT_EQUAL(fli_side_size(&rest), 3);
	for (uint32_t i = 0; i < 2 * FLI_SIDES_MAX; i++)
		fli_sides_add(&sides, &(fli_side){.set = {i + 100}});
	CU_ASSERT_EQUAL(sides.count, FLI_SIDES_MAX);
}

static void a_member_has_one_word_about_its_side(void)
{
	fli_sides sides = {.count = 0};
	const fli_side own = {.set = {1}}, other = {.set = {6}}, last = {.set = {2}};

	for (uint32_t i = 0; i < 10000; i++) /* one that says ever others */
		fli_sides_tell(&sides, 1, &(fli_side){.set = {2 | (uint64_t)i << 8}});
	CU_ASSERT_EQUAL(sides.count, 1);
	fli_sides_tell(&sides, 2, &other);
	fli_sides_tell(&sides, 1, &other);
	CU_ASSERT_EQUAL(sides.count, 1);
	fli_sides_tell(&sides, 1, &last); /* the side stays: another one says it, too */
	CU_ASSERT_EQUAL(sides.count, 2);
	fli_sides_tell(&sides, 2, &last);
	CU_ASSERT_EQUAL(sides.count, 1);
	CU_ASSERT_EQUAL(sides.sides[0].set[0], 2);
	fli_sides_add(&sides, &own);
	CU_ASSERT_TRUE(fli_sides_gives_way(&sides, 1) && !fli_sides_gives_way(&sides, 0));
}

/* Whoever speaks, and however many do, this node's own side is compared. */
static void own_side_finds_room(void)
{
	fli_sides sides = {.count = 0};
	const fli_side own = {.set = {1}}, all = {.set = {0, 0, 1}};
	fli_side rest;

	for (uint32_t i = 0; i < 2 * FLI_SIDES_MAX; i++)
		fli_sides_tell(&sides, i, &(fli_side){.set = {(uint64_t)(i + 1) << 1}});
	CU_ASSERT_EQUAL(sides.count, FLI_SIDES_TOLD_MAX);
	fli_sides_add(&sides, &own);
	rest = fli_sides_rest(&sides, &all);
	fli_sides_add(&sides, &rest);
	CU_ASSERT_EQUAL(sides.count, FLI_SIDES_MAX);
	CU_ASSERT_EQUAL(sides.sides[FLI_SIDES_TOLD_MAX].set[0], 1);
}

/* ---- patterns -------------------------------------------------------------------------------- */

static bool fits(const char *pattern, const char *text)
{
	return fli_glob(pattern, text, strlen(text));
}

static void patterns_fit_whole_names(void)
{
	CU_ASSERT_TRUE(fits("*", "") && fits("*", "a@h") && fits("", "") && fits("***", "x"));
	CU_ASSERT_TRUE(fits("db*@*", "db1@10.0.0.1") && fits("db*@*", "db@h"));
	CU_ASSERT_FALSE(fits("db*@*", "web1@h") || fits("db*@*", "db1") || fits("", "a"));
	CU_ASSERT_TRUE(fits("c?@h", "c1@h") && fits("*@h*.x", "a@h1.x.x"));
	CU_ASSERT_FALSE(fits("c?@h", "c@h") || fits("c?@h", "c12@h") || fits("c1@h", "c1@hh"));
	CU_ASSERT_FALSE(fits("a*b*c", "a1b2d") || fits("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa"));
	CU_ASSERT_TRUE(fits("a*b*c", "abbbcbc"));
}

FL_SUITE("partition_self", FL_TEST(who_slept_is_stale_for_a_second_and_then_suspects),
	FL_TEST(who_sleeps_again_is_stale_again), FL_TEST(who_comes_late_is_ill_and_gets_well),
	FL_TEST(who_is_ill_waits_longer_before_it_goes_on),
	FL_TEST(views_are_asked_unless_all_run_pop), FL_TEST(pop_counts_what_is_seen),
	FL_TEST(drain_is_a_part_of_the_time_to_pause), FL_TEST(patterns_fit_whole_names),
	FL_TEST(all_but_the_largest_side_give_way), FL_TEST(rest_is_who_is_on_no_side),
	FL_TEST(a_member_has_one_word_about_its_side), FL_TEST(own_side_finds_room));
