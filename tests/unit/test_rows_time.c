/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the scenario table that are about time, with whole nodes: flapping, late and early heals,
 * suspension, clocks. The seed chooses the moments.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/partition_town.h"

static const char *const off[] = {"global.prevent_overlapping_partitions", "off", NULL};

static town *open_five(uint64_t seed)
{
	return town_open(
		&(town_plan){.seed = seed, .count = 5, .policy = TOWN_MAJORITY, .extra = off});
}

/* Of all that run. */
static void expect_count(town *t, const char *key, int64_t wanted)
{
	for (uint32_t i = 0; i < t->plan.count; i++) {
		int64_t found = town_count(t, i, key);

		if (found != wanted)
			printf("  seed %llu: %s of %s is %lld\n", (unsigned long long)t->plan.seed,
				key, town_names[i], (long long)found);
		CU_ASSERT_EQUAL(found, wanted);
	}
}

static void row_18_flapping_below_the_tick_time(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		for (int i = 0; i < 3; i++) {
			town_split(t, "12|345");
			town_run(t, 3000);
			town_split(t, "12345");
			town_run(t, 3000);
		}
		TOWN_SERVING(t, "12345");
		expect_count(t, "partitions", 0);
		town_heal_and_close(t);
	}
}

static void row_19_flapping_that_is_told(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);
		uint64_t stable = town_stable_ms(t);

		for (uint64_t ms = 0; ms < stable * 7 / 4 - 2500; ms += 2000) {
			town_break(t, ms / 2000 % 2 == 0 ? "12|345" : "13|245");
			town_run(t, 2000);
		}
		TOWN_SERVING(t, "12345"); /* not before the deadline */
		for (int i = 0; i < 4; i++) {
			town_break(t, i % 2 == 0 ? "12|345" : "13|245");
			town_run(t, 2000);
		}
		TOWN_SERVING(t, "");
		town_heal_and_close(t);
	}
}

static void row_20_heal_before_the_decision(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		town_break(t, "12|345");
		town_run_some(t, 1500); /* and what it takes to dial again */
		town_split(t, "12345");
		town_run(t, 30000);
		TOWN_SERVING(t, "12345");
		expect_count(t, "pauses", 0);
		expect_count(t, "false_suspicions", 1);
		town_heal_and_close(t);
	}
}

static void row_21_second_loss_before_the_decision(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);
		uint64_t stable = town_stable_ms(t);

		town_run_some(t, 8000);
		town_break(t, "1234|5");
		town_run(t, stable - 1000);
		town_break(t, "124|3|5");
		town_run(t, stable - 500);
		CU_ASSERT_TRUE(town_is_state(t, 0, "suspect"));
		CU_ASSERT_TRUE(town_is_state(t, 2, "suspect"));
		town_run(t, 3000);
		TOWN_SERVING(t, "124");
		town_heal_and_close(t);
	}
}

static bool has_resumed(void *ctx)
{
	return ((town *)ctx)->has_resumed;
}

static void row_22_second_loss_on_the_way_back(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		town_break(t, "12|345");
		town_run(t, 20000);
		TOWN_SERVING(t, "345");
		fl_sim_heal(t->sim);
		t->has_resumed = false;
		CU_ASSERT_TRUE(fl_sim_run_until(t->sim, 120000, has_resumed, t));
		if (seed % 2 == 0) /* in the very same moment, or a little later */
			town_run_some(t, 200);
		town_break(t, "12|345");
		town_run(t, 30000);
		TOWN_SERVING(t, "345");
		CU_ASSERT_EQUAL(town_ask(t, 0, 0, "members"), 0);
		CU_ASSERT_EQUAL(town_ask(t, 4, 4, "members"), 3);
		town_heal_and_close(t);
	}
}

/* ---- oneself --------------------------------------------------------------------------------- */

static void row_30_stopped_for_14_seconds(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		fl_sim_pause_node(t->nodes[0], FL_SIM_STOPPED);
		town_run(t, 14000);
		fl_sim_resume(t->nodes[0]);
		CU_ASSERT_EQUAL(town_count(t, 0, "suspend_gaps"), 1); /* its first answer */
		town_run(t, 60000);
		CU_ASSERT_EQUAL(town_count(t, 1, "pauses"), 0);
		town_heal_and_close(t);
	}
}

static void row_31_one_that_hardly_runs(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		for (int i = 0; i < 5; i++) {
			fl_sim_pause_node(t->nodes[2], FL_SIM_STOPPED);
			town_run(t, 3500 + fl_sim_random(t->sim, 1000));
			fl_sim_resume(t->nodes[2]);
			town_run(t, 50);
		}
		town_run(t, 30000);
		for (uint32_t i = 0; i < 5; i++)
			CU_ASSERT_TRUE(i == 2 || town_count(t, i, "pauses") == 0);
		town_heal_and_close(t);
	}
}

static void row_32_clock_set_back_an_hour(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);

		town_run_some(t, 8000);
		town_split(t, "12|345");
		town_run_some(t, 12000);
		for (uint32_t i = 0; i < 5; i++)
			if (fl_sim_random(t->sim, 2) == 0)
				fl_sim_jump_wall(t->nodes[i], -3600000);
		town_run(t, 30000);
		TOWN_SERVING(t, "345");
		town_heal_and_close(t);
	}
}

/* ---- others ---------------------------------------------------------------------------------- */

static void row_35_tick_times_differ(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = town_found(&(town_plan){
			.seed = seed, .count = 5, .policy = TOWN_MAJORITY, .extra = off});
		fl_sim_config slow = t->config;

		slow.tick_time_ms = 60000;
		fl_sim_reconfigure(t->nodes[0], &slow);
		fl_sim_reconfigure(t->nodes[3], &slow);
		for (uint32_t i = 0; i < 5; i++)
			town_start(t, i);
		town_run(t, 25000);
		TOWN_SERVING(t, "12345");
		town_run(t, 120000); /* nobody takes the slow ones for dead */
		expect_count(t, "partitions", 0);
		town_split(t, "12|345");
		town_run(t, 120000);
		TOWN_SERVING(t, "345");
		town_heal_and_close(t);
	}
}

static void row_37_flood_of_comings_and_goings(void)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = open_five(seed);
		size_t before = fl_sim_bytes(t->nodes[0]);
		uint64_t until = fl_sim_now_ms(t->sim) + 10000;
		unsigned losses = 0;

		while (fl_sim_now_ms(t->sim) < until) {
			losses += fl_sim_reset(t->sim, "h1.sim", "h2.sim");
			(void)fl_sim_send(t->nodes[1], fl_name_at("svc", town_names[0]), "dial");
			town_run(t, 10);
		}
		CU_ASSERT(losses > 100);
		for (uint32_t i = 2; i < 5; i++)
			CU_ASSERT_EQUAL(town_count(t, i, "pauses"), 0);
		town_run(t, 60000);
		CU_ASSERT(fl_sim_bytes(t->nodes[0]) < before + 262144);
		town_heal_and_close(t);
	}
}

FL_SUITE("rows_time", FL_TEST(row_18_flapping_below_the_tick_time),
	FL_TEST(row_19_flapping_that_is_told), FL_TEST(row_20_heal_before_the_decision),
	FL_TEST(row_21_second_loss_before_the_decision),
	FL_TEST(row_22_second_loss_on_the_way_back), FL_TEST(row_30_stopped_for_14_seconds),
	FL_TEST(row_31_one_that_hardly_runs), FL_TEST(row_32_clock_set_back_an_hour),
	FL_TEST(row_35_tick_times_differ), FL_TEST(row_37_flood_of_comings_and_goings));
