/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole nodes with a partition policy in the simulated world: what their callers, groups and names
 * see of a split, and of its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flitch/global.h"
#include "flitch/pg.h"
#include "flitch/sim.h"
#include "tests/support/suite.h"

#define MEMBERS "1@h1.sim,2@h2.sim,3@h3.sim,4@h4.sim,5@h5.sim"
enum { COUNT = 5, SEEDS = 20 };

static const char *const names[COUNT] = {
	"1@h1.sim", "2@h2.sim", "3@h3.sim", "4@h4.sim", "5@h5.sim"};

/* ---- servers --------------------------------------------------------------------------------- */

typedef struct svc {
	int casts, pauses, resumes;
} svc;

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	svc *s = state;
	fl_pid pids[16];
	fl_pid pid;

	if (fl_match(request, "casts"))
		return fl_reply(from, "~", s->casts);
	if (fl_match(request, "told"))
		return fl_reply(from, "~", 10 * s->pauses + s->resumes);
	if (fl_match(request, "join"))
		return fl_reply(from, "~", fl_pg_join(self, FL_PG, fl_self(self), "svc"));
	if (fl_match(request, "members"))
		return fl_reply(from, "~", (int)fl_pg_members(self, FL_PG, pids, 16, "svc"));
	if (fl_match(request, "held"))
		return fl_reply(from, "~", (int)fl_global_whereis(self, &pid, "held"));
	return fl_unhandled(self, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)message;
	((svc *)state)->casts++;
	return FL_OK;
}

static int on_pause(fl_proc *self, void *state)
{
	(void)self;
	((svc *)state)->pauses++;
	return FL_OK;
}

static int on_resume(fl_proc *self, void *state)
{
	(void)self;
	((svc *)state)->resumes++;
	return FL_OK;
}

static const fl_behaviour service = {.name = "svc",
	.state_size = sizeof(svc),
	.call = on_call,
	.cast = on_cast,
	.on_pause = on_pause,
	.on_resume = on_resume};
static const fl_behaviour holder = {.name = "holder", .global_name = "held"};
static const fl_behaviour *const servers[] = {&service, NULL};

/* ---- a cluster ------------------------------------------------------------------------------- */

typedef struct cluster {
	fl_sim *sim;
	fl_sim_node *nodes[COUNT];
} cluster;

static int start_scope(fl_sim_node *node, void *ctx)
{
	(void)ctx;
	return fl_pg_start(fl_sim_handle(node), FL_PG);
}

static const char *const plain[] = {
	"partition.members", MEMBERS, "global.prevent_overlapping_partitions", "off", NULL};

static cluster make(uint64_t seed, const char *const *settings)
{
	cluster c = {.sim = fl_sim_new(&(fl_sim_options){.seed = seed})};
	const fl_sim_config config = {.tick_time_ms = 8000,
		.settings = settings,
		.servers = servers,
		.on_start = start_scope};

	for (int i = 0; i < COUNT; i++)
		c.nodes[i] = fl_sim_add(c.sim, names[i], &config, NULL);
	return c;
}

static void start(cluster *c, int i)
{
	fl_error err = {0};

	if (fl_sim_start(c->nodes[i], &err) != FL_OK)
		printf("  %s: %s\n", names[i], err.what);
	CU_ASSERT_EQUAL_FATAL(err.code, FL_OK);
}

/* The number that a server answers, or an FL_E*. */
static int ask(cluster *c, int from, int to, const char *what)
{
	fl_buf reply = FL_BUF_INIT;
	int number = 0;
	int rc = fl_sim_call(
		c->nodes[from], fl_name_at("svc", names[to]), 3000, &reply, "~", fl_atom_of(what));

	if (rc == FL_OK)
		CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "~", &number));
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}

static cluster start_all(uint64_t seed, const char *const *settings)
{
	cluster c = make(seed, settings);

	for (int i = 0; i < COUNT; i++)
		start(&c, i);
	fl_sim_run(c.sim, 20000);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_EQUAL(ask(&c, i, i, "join"), FL_OK);
	fl_sim_run(c.sim, 1000);
	return c;
}

/* A word of status/0 of one node, asked by another. */
static void status(cluster *c, int from, int to, const char *key, fl_buf *ret_value)
{
	fl_buf reply = FL_BUF_INIT;
	fl_term value;

	CU_ASSERT_EQUAL(fl_sim_call(c->nodes[from], fl_name_at("rex", names[to]), 3000, &reply,
				"{call, flitch_partition, status, [], user}"),
		FL_OK);
	CU_ASSERT_TRUE_FATAL(fl_get(fl_buf_term(&reply), key, &value));
	fl_buf_reset(ret_value);
	(void)fl_build(ret_value, "~", value);
	fl_buf_free(&reply);
}

static bool is_state(cluster *c, int i, const char *state)
{
	fl_buf value = FL_BUF_INIT;
	fl_atom atom;
	bool is;

	status(c, i, i, "state", &value);
	is = fl_match(fl_buf_term(&value), "~", &atom) && fl_atom_is(atom, state);
	if (!is)
		printf("  %s is %.*s, not %s\n", names[i], (int)atom.size, atom.text, state);
	fl_buf_free(&value);
	return is;
}

static int counter(cluster *c, int i, const char *key)
{
	fl_buf value = FL_BUF_INIT;
	int number = -1;

	status(c, i, i, key, &value);
	(void)fl_match(fl_buf_term(&value), "~", &number);
	fl_buf_free(&value);
	return number;
}

static void expect_all_well(cluster *c)
{
	for (int i = 0; i < COUNT; i++) {
		CU_ASSERT_TRUE(is_state(c, i, "serving"));
		CU_ASSERT_EQUAL(ask(c, i, i, "members"), COUNT);
		for (int j = 0; j < COUNT; j++)
			CU_ASSERT(ask(c, i, j, "casts") >= 0);
	}
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static void split_and_heal(uint64_t seed)
{
	cluster c = start_all(seed, plain);

	CU_ASSERT_EQUAL(fl_sim_spawn(c.nodes[0], &holder, &(fl_sim_serve){.is_supervised = true},
				NULL, "[]"),
		FL_OK);
	expect_all_well(&c);
	CU_ASSERT_EQUAL(ask(&c, 4, 4, "held"), 1);
	fl_sim_split(c.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(c.sim, 30000);
	CU_ASSERT_TRUE(is_state(&c, 0, "paused") && is_state(&c, 1, "paused"));
	CU_ASSERT_TRUE(is_state(&c, 2, "degraded"));
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(ask(&c, 0, 1, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(ask(&c, 3, 4, "casts"), 0);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "members"), 0);
	CU_ASSERT_EQUAL(ask(&c, 4, 4, "members"), 3);
	CU_ASSERT_EQUAL(ask(&c, 1, 1, "held"), 0);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "told"), 10);
	CU_ASSERT_EQUAL(fl_sim_cast(c.nodes[1], fl_name_at("svc", names[0]), "x"), FL_OK);
	fl_sim_run(c.sim, 1000);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "casts"), 0);
	fl_sim_heal(c.sim);
	fl_sim_run(c.sim, 90000);
	expect_all_well(&c);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "told"), 11);
	CU_ASSERT_EQUAL(ask(&c, 2, 2, "told"), 0);
	CU_ASSERT_EQUAL(ask(&c, 4, 4, "held"), 1);
	fl_sim_delete(c.sim);
}

static void row_1_minority_is_not_there_until_the_heal(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		split_and_heal(seed);
}

static void row_13_one_broken_link_costs_one_node(void)
{
	cluster c = start_all(7, plain);

	fl_sim_cut(c.sim, "h1.sim", "h2.sim");
	fl_sim_run(c.sim, 40000);
	CU_ASSERT_TRUE(is_state(&c, 0, "degraded") && is_state(&c, 1, "paused"));
	CU_ASSERT_EQUAL(ask(&c, 2, 1, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(ask(&c, 2, 0, "casts"), 0);
	fl_sim_heal(c.sim);
	fl_sim_run(c.sim, 90000);
	expect_all_well(&c);
	fl_sim_delete(c.sim);
}

static void row_25_node_does_not_serve_before_a_majority_is_there(void)
{
	cluster c = make(3, plain);

	start(&c, 0);
	start(&c, 1);
	fl_sim_run(c.sim, 60000);
	CU_ASSERT_TRUE(is_state(&c, 0, "joining"));
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_sim_spawn(c.nodes[0], &holder, &(fl_sim_serve){.is_supervised = true},
				NULL, "[]"),
		FL_OK); /* its name waits */
	CU_ASSERT_EQUAL(ask(&c, 1, 1, "held"), 0);
	start(&c, 2);
	fl_sim_run(c.sim, 60000);
	CU_ASSERT_TRUE(is_state(&c, 0, "degraded"));
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "casts"), 0);
	CU_ASSERT_EQUAL(ask(&c, 2, 2, "held"), 1);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "told"), 0);
	fl_sim_delete(c.sim);
}

static void row_30_node_that_was_stopped_comes_back(void)
{
	cluster c = start_all(5, plain);

	fl_sim_pause_node(c.nodes[0], FL_SIM_STOPPED);
	fl_sim_run(c.sim, 14000);
	fl_sim_resume(c.nodes[0]);
	fl_sim_run(c.sim, 120000);
	expect_all_well(&c);
	CU_ASSERT_EQUAL(counter(&c, 0, "suspend_gaps"), 1);
	CU_ASSERT_EQUAL(counter(&c, 1, "suspend_gaps"), 0);
	CU_ASSERT_EQUAL(counter(&c, 1, "pauses"), 0);
	fl_sim_delete(c.sim);
}

static void row_36_rolling_restart_pauses_nobody(void)
{
	cluster c = start_all(11, plain);

	for (int i = 0; i < COUNT; i++) {
		fl_sim_stop(c.nodes[i]);
		CU_ASSERT_TRUE(fl_sim_await(c.nodes[i], FL_SIM_DOWN, 30000));
		fl_sim_run(c.sim, 5000);
		start(&c, i);
		fl_sim_run(c.sim, 60000);
		CU_ASSERT_EQUAL(ask(&c, i, i, "join"), FL_OK);
	}
	fl_sim_run(c.sim, 5000);
	expect_all_well(&c);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_EQUAL(counter(&c, i, "pauses"), 0);
	fl_sim_delete(c.sim);
}

static void node_without_a_policy_serves_on_both_sides(void)
{
	static const char *const off[] = {"global.prevent_overlapping_partitions", "off", NULL};
	cluster c = start_all(2, off);

	for (int i = 1; i < COUNT; i++)
		CU_ASSERT_EQUAL(fl_sim_connect(c.nodes[i], names[0]), FL_OK);
	fl_sim_run(c.sim, 5000);
	fl_sim_split(c.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(c.sim, 30000);
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "casts"), 0);
	CU_ASSERT_EQUAL(ask(&c, 3, 4, "casts"), 0);
	CU_ASSERT_TRUE(is_state(&c, 0, "serving"));
	fl_sim_delete(c.sim);
}

/* Refused from the first loss on, and no pause after all: what was asked for meanwhile is done. */
static void name_of_a_server_that_started_behind_the_fence_is_taken(void)
{
	static const char *const settings[] = {"partition.members", MEMBERS, "partition.on_suspect",
		"reject", "partition.stable_after", "60s", "global.prevent_overlapping_partitions",
		"off", NULL};
	cluster c = start_all(9, settings);

	fl_sim_split(c.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(c.sim, 15000);
	CU_ASSERT_TRUE(is_state(&c, 0, "suspect"));
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "casts"), FL_ENOPROC);
	CU_ASSERT_EQUAL(ask(&c, 3, 4, "casts"), 0);
	CU_ASSERT_EQUAL(fl_sim_spawn(c.nodes[0], &holder, &(fl_sim_serve){.is_supervised = true},
				NULL, "[]"),
		FL_OK);
	CU_ASSERT_EQUAL(ask(&c, 0, 0, "held"), 0);
	fl_sim_heal(c.sim);
	fl_sim_run(c.sim, 50000);
	expect_all_well(&c);
	CU_ASSERT_EQUAL(counter(&c, 0, "pauses"), 0);
	CU_ASSERT_EQUAL(ask(&c, 4, 4, "held"), 1);
	fl_sim_delete(c.sim);
}

static void exit_ends_the_node(void)
{
	static const char *const settings[] = {"partition.members", MEMBERS, "partition.action",
		"exit", "global.prevent_overlapping_partitions", "off", NULL};
	cluster c = start_all(4, settings);

	fl_sim_split(c.sim, "h1.sim | h2.sim h3.sim h4.sim h5.sim");
	CU_ASSERT_TRUE(fl_sim_await(c.nodes[0], FL_SIM_DOWN, 60000));
	fl_sim_run(c.sim, 20000);
	CU_ASSERT_EQUAL(ask(&c, 3, 4, "casts"), 0);
	CU_ASSERT_EQUAL(fl_sim_leaked(c.nodes[0]), 0);
	fl_sim_delete(c.sim);
}

static void notify_tells_and_refuses_nothing(void)
{
	static const char *const settings[] = {"partition.members", MEMBERS, "partition.action",
		"notify", "global.prevent_overlapping_partitions", "off", NULL};
	cluster c = start_all(4, settings);

	fl_sim_split(c.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(c.sim, 30000);
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "told"), 10);
	fl_sim_heal(c.sim);
	fl_sim_run(c.sim, 90000);
	CU_ASSERT_EQUAL(ask(&c, 1, 0, "told"), 11);
	fl_sim_delete(c.sim);
}

static void leave_closes_all_links_and_comes_back(void)
{
	static const char *const settings[] = {"partition.members", MEMBERS, "partition.action",
		"leave", "global.prevent_overlapping_partitions", "off", NULL};
	cluster c = start_all(6, settings);

	fl_sim_cut(c.sim, "h1.sim", "h2.sim");
	for (int s = 0; s < 60 && fl_sim_is_connected(c.nodes[1], names[3]); s++)
		fl_sim_run(c.sim, 1000);
	CU_ASSERT_FALSE(fl_sim_is_connected(c.nodes[1], names[3]));
	CU_ASSERT_TRUE(fl_sim_is_connected(c.nodes[2], names[3]));
	fl_sim_heal(c.sim);
	fl_sim_run(c.sim, 180000);
	expect_all_well(&c);
	fl_sim_delete(c.sim);
}

static void decisions_are_kept_with_what_they_came_from(void)
{
	cluster c = start_all(8, plain);
	fl_buf reply = FL_BUF_INIT;
	fl_term list, first, reason, sees;
	fl_atom atom;

	fl_sim_split(c.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(c.sim, 30000);
	CU_ASSERT_EQUAL(fl_sim_call(c.nodes[1], fl_name_at("rex", names[0]), 3000, &reply,
				"{call, flitch_partition, explain, [], user}"),
		FL_OK);
	list = fl_buf_term(&reply);
	CU_ASSERT_TRUE_FATAL(fl_list_next(&list, &first));
	CU_ASSERT_TRUE_FATAL(fl_get(first, "reason", &reason));
	CU_ASSERT_TRUE_FATAL(fl_get(first, "sees", &sees));
	CU_ASSERT_TRUE(fl_match(reason, "~", &atom) && fl_atom_is(atom, "minority"));
	CU_ASSERT_EQUAL(fl_term_kind(sees), FL_LIST);
	CU_ASSERT_EQUAL(fl_sim_call(c.nodes[2], fl_name_at("rex", names[2]), 3000, &reply,
				"{call, flitch_partition, simulate, [['4@h4.sim']], user}"),
		FL_OK);
	CU_ASSERT_TRUE_FATAL(fl_get(fl_buf_term(&reply), "verdict", &reason));
	CU_ASSERT_TRUE(fl_match(reason, "pause"));
	fl_buf_free(&reply);
	fl_sim_delete(c.sim);
}

FL_SUITE("sim_partition", FL_TEST(row_1_minority_is_not_there_until_the_heal),
	FL_TEST(row_13_one_broken_link_costs_one_node),
	FL_TEST(row_25_node_does_not_serve_before_a_majority_is_there),
	FL_TEST(row_30_node_that_was_stopped_comes_back),
	FL_TEST(row_36_rolling_restart_pauses_nobody),
	FL_TEST(node_without_a_policy_serves_on_both_sides),
	FL_TEST(name_of_a_server_that_started_behind_the_fence_is_taken),
	FL_TEST(exit_ends_the_node), FL_TEST(notify_tells_and_refuses_nothing),
	FL_TEST(leave_closes_all_links_and_comes_back),
	FL_TEST(decisions_are_kept_with_what_they_came_from));
