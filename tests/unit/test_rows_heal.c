/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of global names that both halves have when they meet, with whole nodes: states that
 * are merged, the oldest that stays, supervisors that outlive ten thousand of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flitch/global.h"
#include "flitch/supervisor.h"
#include "tests/support/partition_town.h"

enum { MANY = 10000 };

/* ---- a server that counts, and adds up ------------------------------------------------------- */

typedef struct sum {
	int64_t total;
	int told, merged;
} sum;

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	sum *s = state;
	int64_t by;

	(void)self;
	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", s->total += by);
	if (fl_match(request, "told"))
		return fl_reply(from, "~", 10 * s->told + s->merged);
	return fl_reply(from, "~", s->total);
}

static int on_name_conflict(fl_proc *self, void *state, fl_term name)
{
	(void)self;
	CU_ASSERT_TRUE(fl_match(name, "held"));
	((sum *)state)->told++;
	return FL_OK;
}

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)self;
	return fl_build(ret_state, "{sum, ~}", ((const sum *)state)->total);
}

static int merge(fl_proc *self, void *state, fl_term name, fl_pid loser, fl_term theirs)
{
	int64_t total = 0;

	(void)self;
	CU_ASSERT_TRUE(fl_match(name, "held") && loser.node.size > 0);
	CU_ASSERT_TRUE(fl_match(theirs, "{sum, ~}", &total));
	((sum *)state)->total += total;
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	if (fl_match(message, "{global_name_merged, held, _}"))
		((sum *)state)->merged++;
	return FL_OK;
}

static const fl_behaviour summer = {.name = "summer",
	.state_size = sizeof(sum),
	.global_name = "held",
	.call = on_call,
	.info = on_info,
	.on_name_conflict = on_name_conflict,
	.give = give,
	.merge = merge};

static int64_t ask(town *t, uint32_t from, fl_pid pid, fl_spec request)
{
	fl_buf reply = FL_BUF_INIT;
	int64_t number = -1;
	int rc = fl_sim_call_spec(t->nodes[from], fl_to_pid(pid), 3000, &reply, request);

	if (rc == FL_OK)
		(void)fl_match(fl_buf_term(&reply), "~", &number);
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}

static fl_pid holder_of(town *t, uint32_t from)
{
	fl_buf reply = FL_BUF_INIT;
	fl_pid pid = {.id = 0};

	CU_ASSERT_EQUAL(fl_sim_call(t->nodes[from], fl_name_at("rex", town_names[from]), 3000,
				&reply, "{call, global, whereis_name, [held], user}"),
		FL_OK);
	(void)fl_match(fl_buf_term(&reply), "~", &pid);
	pid.node = (fl_atom){.text = NULL}; /* it lies in the reply */
	fl_buf_free(&reply);
	return pid;
}

typedef struct pair {
	town *t;
	fl_pid first, second; /* on 1 and on 3, in this order of time unless it is turned round */
} pair;

/* 1 and 3 both have the name `held`: on the two sides of a split. */
static pair two_holders(uint64_t seed, const char *mode, bool is_turned)
{
	const char *const settings[] = {
		"global.prevent_overlapping_partitions", "off", "heal.name_conflict", mode, NULL};
	pair p = {.t = town_open(&(town_plan){
			  .seed = seed, .count = 3, .policy = TOWN_IGNORE, .extra = settings})};
	uint32_t early = is_turned ? 2 : 0;

	CU_ASSERT_EQUAL(fl_sim_spawn(p.t->nodes[early], &summer, NULL,
				is_turned ? &p.second : &p.first, "[]"),
		FL_OK);
	town_split(p.t, "1|23");
	town_run(p.t, 40000);
	CU_ASSERT_EQUAL(fl_sim_spawn(p.t->nodes[2 - early], &summer, NULL,
				is_turned ? &p.first : &p.second, "[]"),
		FL_OK);
	CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("{add, ~}", 3)), 3);
	CU_ASSERT_EQUAL(ask(p.t, 2, p.second, fl_spec("{add, ~}", 40)), 40);
	town_heal(p.t);
	return p;
}

/* ---- merging --------------------------------------------------------------------------------- */

static void loser_s_state_is_merged_into_the_winner_s(void)
{
	TOWN_EACH_SEED(seed)
	{
		pair p = two_holders(seed, "notify", seed % 2 == 0);

		CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("get")), 43);
		CU_ASSERT_EQUAL(ask(p.t, 2, p.second, fl_spec("get")), 40);
		CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("told")), 0);
		CU_ASSERT_EQUAL(ask(p.t, 2, p.second, fl_spec("told")), 11);
		for (uint32_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(holder_of(p.t, i).id, p.first.id);
		town_close(p.t);
	}
}

static void name_that_nobody_takes_leaves_the_state_where_it_is(void)
{
	pair p = two_holders(3, "notify_all", false);

	town_run(p.t, 70000);
	CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("get")), 3);
	CU_ASSERT_EQUAL(ask(p.t, 2, p.second, fl_spec("get")), 40);
	CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("told")), 10);
	town_close(p.t);
}

/* ---- the oldest ------------------------------------------------------------------------------ */

static void oldest_keeps_the_name_wherever_it_is(void)
{
	TOWN_EACH_SEED(seed)
	{
		bool is_turned = seed % 2 == 0;
		pair p = two_holders(seed, "keep_oldest", is_turned);
		fl_pid winner = is_turned ? p.second : p.first;

		for (uint32_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(holder_of(p.t, i).id, winner.id);
		CU_ASSERT_EQUAL(ask(p.t, 0, p.first, fl_spec("told")), is_turned ? 11 : 0);
		CU_ASSERT_EQUAL(ask(p.t, 2, p.second, fl_spec("told")), is_turned ? 0 : 11);
		CU_ASSERT_EQUAL(ask(p.t, 0, winner, fl_spec("get")), 43);
		town_close(p.t);
	}
}

/* ---- supervisors ----------------------------------------------------------------------------- */

typedef struct crowd {
	fl_behaviour kinds[MANY];
	char names[MANY][16];
	fl_child children[MANY + 1];
	fl_supervisor flags;
	fl_behaviour top;
} crowd;

static crowd *gather(uint32_t count)
{
	crowd *c = calloc(1, sizeof *c);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (uint32_t i = 0; i < count; i++) {
		(void)snprintf(c->names[i], sizeof c->names[i], "room%u", i);
		c->kinds[i] = (fl_behaviour){.name = c->names[i], .global_name = c->names[i]};
		c->children[i] = (fl_child){.id = c->names[i], .behaviour = &c->kinds[i]};
	}
	c->flags = (fl_supervisor){.children = c->children};
	c->top = (fl_behaviour){.name = "rooms", .supervisor = &c->flags};
	return c;
}

static int64_t active(town *t, uint32_t number)
{
	fl_buf reply = FL_BUF_INIT;
	int64_t count = -1;
	int rc = fl_sim_call(t->nodes[number], fl_name_at("rooms", town_names[number]), 60000,
		&reply, "count_children");

	if (rc == FL_OK)
		(void)fl_match(fl_buf_term(&reply), "[{specs, _}, {active, ~} | _]", &count);
	fl_buf_free(&reply);
	return rc == FL_OK ? count : rc;
}

static uint32_t supervisor_of(town *t, uint32_t number)
{
	fl_buf reply = FL_BUF_INIT;
	fl_pid pid = {.id = 0};

	(void)fl_sim_call(t->nodes[number], fl_name_at("rex", town_names[number]), 3000, &reply,
		"{call, erlang, whereis, [rooms], user}");
	(void)fl_match(fl_buf_term(&reply), "~", &pid);
	fl_buf_free(&reply);
	return pid.id;
}

/*
 * Both halves have all the names; those of the greater node are killed, as by OTP. *ret_same: its
 * supervisor is still the same one.
 */
static town *conflict(crowd *c, uint32_t count, const char *intensity, bool *ret_same)
{
	uint32_t before;
	const char *const settings[] = {"global.prevent_overlapping_partitions", "off",
		"heal.restart_intensity", intensity, NULL};
	town *t = town_open(
		&(town_plan){.seed = 33, .count = 2, .policy = TOWN_IGNORE, .extra = settings});

	town_split(t, "1|2");
	town_run(t, 40000);
	for (uint32_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[i], &c->top,
					&(fl_sim_serve){.is_supervised = true}, NULL, "[]"),
			FL_OK);
	town_run(t, 60000);
	for (uint32_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(active(t, i), count);
	before = supervisor_of(t, 1);
	town_heal(t);
	for (int i = 0; i < 60 && active(t, 1) != 0; i++)
		town_run(t, 10000);
	*ret_same = before != 0 && before == supervisor_of(t, 1);
	return t;
}

static void row_33_supervisor_outlives_ten_thousand_conflicts(void)
{
	crowd *c = gather(MANY);
	bool is_same;
	town *t = conflict(c, MANY, "ignore_conflicts", &is_same);

	CU_ASSERT_TRUE(is_same);
	CU_ASSERT_EQUAL(active(t, 0), MANY);
	CU_ASSERT_EQUAL(active(t, 1), 0); /* each was started again, and found its name taken */
	town_close(t);
	free(c);
}

static void conflicts_that_are_counted_end_the_supervisor(void)
{
	crowd *c = gather(20);
	bool is_same;
	town *t = conflict(c, 20, "count", &is_same);

	CU_ASSERT_FALSE(is_same);
	CU_ASSERT_EQUAL(active(t, 0), 20);
	CU_ASSERT_EQUAL(active(t, 1), 0);
	town_close(t);
	free(c);
}

/* ---- the smaller side ------------------------------------------------------------------------ */

/* Each server remembers a cast until it is started anew. Then the split, and its end. */
static town *diverge(uint64_t seed, uint32_t count, const char *groups, const char *crash)
{
	static const char *const settings[] = {"global.prevent_overlapping_partitions", "off",
		"heal.loser", "restart_smaller", NULL};
	town *t = town_open(&(town_plan){
		.seed = seed, .count = count, .policy = TOWN_IGNORE, .extra = settings});

	for (uint32_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(
			fl_sim_cast(t->nodes[i], fl_name_at("svc", town_names[i]), "x"), FL_OK);
	town_run_some(t, 8000);
	if (seed % 2 == 0)
		town_break(t, groups);
	else
		town_split(t, groups);
	town_crash(t, crash);
	town_run(t, 40000);
	for (uint32_t i = 0; i < count; i++)
		if (fl_sim_state_of(t->nodes[i]) != FL_SIM_UP)
			town_start(t, i);
		else
			CU_ASSERT_EQUAL(town_ask(t, i, i, "casts"), 1); /* all serve */
	town_heal(t);
	return t;
}

static void expect_kept(uint32_t count, const char *groups, const char *crash, const char *kept)
{
	TOWN_EACH_SEED(seed)
	{
		town *t = diverge(seed, count, groups, crash);

		for (uint32_t i = 0; i < count; i++) {
			bool is_kept = strchr(kept, (int)('1' + i)) != NULL;
			bool is_new = strchr(crash, (int)('1' + i)) != NULL;

			if (town_ask(t, i, i, "casts") != (is_kept ? 1 : 0))
				printf("  seed %llu, %s: %s\n", (unsigned long long)seed, groups,
					town_names[i]);
			CU_ASSERT_EQUAL(town_ask(t, i, i, "casts"), is_kept ? 1 : 0);
			CU_ASSERT_EQUAL(town_count(t, i, "restarts"), is_kept || is_new ? 0 : 1);
			CU_ASSERT_EQUAL(town_count(t, i, "pauses"), 0);
		}
		town_heal_and_close(t);
	}
}

static void smaller_side_starts_its_servers_anew(void)
{
	expect_kept(5, "12|345", "", "345");
}

static void of_two_halves_the_one_without_the_lowest_name_gives_way(void)
{
	expect_kept(4, "13|24", "", "13");
}

static void of_three_sides_one_is_left_as_it_is(void)
{
	expect_kept(5, "1|23|45", "", "23");
}

/* Those that come back have nothing that could be kept. */
static void crash_of_most_is_no_split(void)
{
	expect_kept(5, "12345", "345", "12");
}

static void names_of_rabbitmq_is_understood(void)
{
	static const char *const settings[] = {"global.prevent_overlapping_partitions", "off",
		"partition.policy", "autoheal", NULL};
	town *t = town_open(
		&(town_plan){.seed = 1, .count = 3, .policy = TOWN_IGNORE, .extra = settings});

	CU_ASSERT_EQUAL(fl_sim_cast(t->nodes[0], fl_name_at("svc", town_names[0]), "x"), FL_OK);
	town_split(t, "1|23");
	town_run(t, 40000);
	CU_ASSERT_EQUAL(town_ask(t, 0, 0, "casts"), 1);
	town_heal(t);
	CU_ASSERT_EQUAL(town_ask(t, 0, 0, "casts"), 0);
	town_close(t);
}

FL_SUITE("rows_heal", FL_TEST(loser_s_state_is_merged_into_the_winner_s),
	FL_TEST(name_that_nobody_takes_leaves_the_state_where_it_is),
	FL_TEST(oldest_keeps_the_name_wherever_it_is),
	FL_TEST(row_33_supervisor_outlives_ten_thousand_conflicts),
	FL_TEST(conflicts_that_are_counted_end_the_supervisor),
	FL_TEST(smaller_side_starts_its_servers_anew),
	FL_TEST(of_two_halves_the_one_without_the_lowest_name_gives_way),
	FL_TEST(of_three_sides_one_is_left_as_it_is), FL_TEST(crash_of_most_is_no_split),
	FL_TEST(names_of_rabbitmq_is_understood));
