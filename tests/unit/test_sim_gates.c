/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other nodes meet at a paused node, and at one that has not decided yet: each answer that
 * partition.pause_reply knows, each gate, servers that stay open.
 */
#include <string.h>

#include "tests/support/partition_town.h"

#define OFF "global.prevent_overlapping_partitions", "off"

/* Two of five, paused. */
static town *open_paused(const char *const *extra)
{
	town *t = town_open(
		&(town_plan){.seed = 3, .count = 5, .policy = TOWN_MAJORITY, .extra = extra});

	town_break(t, "12|345");
	town_run(t, 20000);
	CU_ASSERT_TRUE(town_is_state(t, 0, "paused"));
	return t;
}

static void heal(town *t)
{
	town_heal_and_close(t);
}

static void noproc_is_what_callers_know(void)
{
	static const char *const extra[] = {OFF, NULL};
	town *t = open_paused(extra);

	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(town_ask(t, 0, 0, "casts"), 0); /* within the node nothing is refused */
	heal(t);
}

static void dropped_call_runs_out_of_its_time(void)
{
	static const char *const extra[] = {OFF, "partition.pause_reply", "drop", NULL};
	town *t = open_paused(extra);

	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), FL_ETIMEOUT);
	heal(t);
}

static void term_is_the_answer(void)
{
	static const char *const extra[] = {
		OFF, "partition.pause_reply", "{error, partitioned}", NULL};
	town *t = open_paused(extra);
	fl_buf reply = FL_BUF_INIT;

	CU_ASSERT_EQUAL(
		fl_sim_call(t->nodes[1], fl_name_at("svc", town_names[0]), 3000, &reply, "casts"),
		FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "{error, partitioned}"));
	fl_buf_free(&reply);
	town_heal(t);
	TOWN_SERVING(t, "12345");
	town_close(t);
}

static void held_call_is_answered_after_the_heal_or_refused(void)
{
	static const char *const extra[] = {OFF, "partition.pause_reply", "hold(40000)", NULL};
	town *t = open_paused(extra);
	fl_buf reply = FL_BUF_INIT;
	int casts = -1;

	CU_ASSERT_EQUAL(
		fl_sim_call(t->nodes[1], fl_name_at("svc", town_names[0]), 90000, &reply, "casts"),
		FL_ENOPROC);
	fl_sim_heal(t->sim);
	CU_ASSERT_EQUAL(
		fl_sim_call(t->nodes[1], fl_name_at("svc", town_names[0]), 90000, &reply, "casts"),
		FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "~", &casts));
	CU_ASSERT_EQUAL(casts, 0);
	fl_buf_free(&reply);
	heal(t);
}

static void gates_that_are_open_let_through(void)
{
	static const char *const extra[] = {OFF, "partition.allow_call_during_partition", "true",
		"partition.allow_join_during_partition", "true", NULL};
	town *t = open_paused(extra);

	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), 0);
	CU_ASSERT_EQUAL(town_ask(t, 1, 1, "members"), 2); /* it has not left its groups */
	CU_ASSERT_EQUAL(fl_sim_cast(t->nodes[1], fl_name_at("svc", town_names[0]), "x"), FL_OK);
	town_run(t, 1000);
	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), 0); /* casts are refused */
	town_heal(t);
	TOWN_SERVING(t, "12345");
	town_close(t);
}

static void open_cast_gate_takes_casts_alone(void)
{
	static const char *const extra[] = {
		OFF, "partition.allow_cast_during_partition", "true", NULL};
	town *t = open_paused(extra);

	CU_ASSERT_EQUAL(fl_sim_cast(t->nodes[1], fl_name_at("svc", town_names[0]), "x"), FL_OK);
	town_run(t, 1000);
	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(town_ask(t, 0, 0, "casts"), 1);
	heal(t);
}

static int answer(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	(void)request;
	return fl_reply(from, "here");
}

static const fl_behaviour reader = {
	.name = "reader", .call = answer, .while_paused = FL_ALLOW_CALL};

static void server_may_stay_open_by_itself(void)
{
	static const char *const extra[] = {OFF, NULL};
	town *t = open_paused(extra);

	CU_ASSERT_EQUAL(
		fl_sim_spawn(t->nodes[0], &reader, &(fl_sim_serve){.name = "reader"}, NULL, "[]"),
		FL_OK);
	CU_ASSERT_EQUAL(
		fl_sim_call(t->nodes[1], fl_name_at("reader", town_names[0]), 3000, NULL, "who"),
		FL_OK);
	CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), FL_ENOPROC);
	heal(t);
}

/* A side that would pause has calls wait for what becomes of it; the other side serves. */
static void calls_wait_for_the_decision(void)
{
	static const char *const extra[] = {OFF, "partition.on_suspect", "hold", NULL};

	for (int is_healed = 0; is_healed < 2; is_healed++) {
		town *t = town_open(&(town_plan){
			.seed = 3, .count = 5, .policy = TOWN_MAJORITY, .extra = extra});
		uint64_t before;
		int rc;

		town_break(t, "12|345");
		town_run(t, 500);
		CU_ASSERT_EQUAL(town_ask(t, 3, 4, "casts"), 0);
		if (is_healed)
			town_split(t, "12345");
		before = fl_sim_now_ms(t->sim);
		rc = fl_sim_call(
			t->nodes[1], fl_name_at("svc", town_names[0]), 30000, NULL, "casts");
		CU_ASSERT_EQUAL(rc, is_healed ? FL_OK : FL_ENOPROC);
		CU_ASSERT(fl_sim_now_ms(t->sim) > before + (is_healed ? 10 : 3000));
		heal(t);
	}
}

FL_SUITE("sim_gates", FL_TEST(noproc_is_what_callers_know),
	FL_TEST(dropped_call_runs_out_of_its_time), FL_TEST(term_is_the_answer),
	FL_TEST(held_call_is_answered_after_the_heal_or_refused),
	FL_TEST(gates_that_are_open_let_through), FL_TEST(open_cast_gate_takes_casts_alone),
	FL_TEST(server_may_stay_open_by_itself), FL_TEST(calls_wait_for_the_decision));
