/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other nodes meet at a paused node, and at one that has not decided yet: each answer that
 * partition.pause_reply knows, each gate, servers that stay open.
 */
#include <string.h>

#include "flitch/global.h"
#include "flitch/pg.h"
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

/* ---- names, and functions -------------------------------------------------------------------- */

/* How often a gate refused. */
static int64_t refused(town *t, uint32_t number, const char *gate)
{
	fl_buf reply = FL_BUF_INIT;
	int64_t count = -1;
	fl_term value;

	CU_ASSERT_EQUAL(fl_sim_call(t->nodes[number], fl_name_at("rex", town_names[number]), 3000,
				&reply, "{call, flitch_partition, status, [], user}"),
		FL_OK);
	if (fl_get(fl_buf_term(&reply), "refused", &value) && fl_get(value, gate, &value))
		(void)fl_match(value, "~", &count);
	fl_buf_free(&reply);
	return count;
}

static int register_self(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term name;

	(void)state;
	if (fl_match(request, "{register, ~}", &name))
		return fl_reply(
			from, "~", fl_global_register(self, fl_self(self), NULL, "~", name));
	return fl_reply(from, "~", fl_pg_join(self, FL_PG, fl_self(self), "late"));
}

static const fl_behaviour taker = {.name = "taker", .call = register_self};
static const fl_behaviour named = {.name = "named", .global_name = "taken"};

static int number_of(town *t, uint32_t from, const char *what, fl_spec request)
{
	fl_buf reply = FL_BUF_INIT;
	int number = -1;
	int rc = fl_sim_call_spec(
		t->nodes[from], fl_name_at(what, town_names[0]), 3000, &reply, request);

	if (rc == FL_OK)
		(void)fl_match(fl_buf_term(&reply), "~", &number);
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}

static bool is_held(town *t, uint32_t number)
{
	fl_buf reply = FL_BUF_INIT;
	fl_pid pid;
	bool is = fl_sim_call(t->nodes[number], fl_name_at("rex", town_names[number]), 3000, &reply,
			  "{call, global, whereis_name, [taken], user}") == FL_OK &&
		  fl_match(fl_buf_term(&reply), "~", &pid);

	fl_buf_free(&reply);
	return is;
}

/* A name that is asked for while the gate is shut is taken afterwards, one with an open gate at
 * once. */
static void names_wait_for_the_end_of_the_pause(void)
{
	static const char *const shut[] = {OFF, NULL};
	static const char *const open[] = {
		OFF, "partition.allow_register_during_partition", "true", NULL};

	for (int is_open = 0; is_open < 2; is_open++) {
		town *t = open_paused(is_open ? open : shut);

		CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[0], &taker, &(fl_sim_serve){.name = "taker"},
					NULL, "[]"),
			FL_OK);
		CU_ASSERT_EQUAL(number_of(t, 0, "taker", fl_spec("{register, taken}")),
			is_open == 1 ? FL_OK : FL_EBUSY);
		if (is_open == 0) /* one that is its behaviour's waits */
			CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[0], &named, NULL, NULL, "[]"), FL_OK);
		town_run(t, 2000);
		CU_ASSERT_EQUAL(is_held(t, 1), is_open == 1);
		CU_ASSERT_EQUAL(refused(t, 0, "register"), is_open == 1 ? 0 : 2);
		town_heal(t);
		CU_ASSERT_TRUE(is_held(t, 3));
		heal(t);
	}
}

/* Groups that are joined while the gate is shut are joined for the others when it opens. */
static void groups_wait_for_the_end_of_the_pause(void)
{
	static const char *const shut[] = {OFF, NULL};
	town *t = open_paused(shut);

	CU_ASSERT_EQUAL(
		fl_sim_spawn(t->nodes[0], &taker, &(fl_sim_serve){.name = "taker"}, NULL, "[]"),
		FL_OK);
	CU_ASSERT_EQUAL(number_of(t, 0, "taker", fl_spec("join")), FL_OK);
	CU_ASSERT_EQUAL(town_ask(t, 1, 1, "members"), 0);
	CU_ASSERT_EQUAL(refused(t, 0, "join"), 1);
	heal(t);
}

static int rpc_answer(town *t, uint32_t from, fl_spec call, char *ret, size_t size)
{
	fl_buf reply = FL_BUF_INIT;
	int rc = fl_sim_call_spec(
		t->nodes[from], fl_name_at("rex", town_names[0]), 3000, &reply, call);

	if (rc == FL_OK)
		(void)fl_print_to(ret, size, fl_buf_term(&reply));
	fl_buf_free(&reply);
	return rc;
}

static int twice(fl_proc *self, fl_term args, fl_buf *result)
{
	int64_t n = 0;

	(void)self;
	(void)fl_match(args, "[~]", &n);
	return fl_build(result, "~", 2 * n);
}

static const fl_export exported[] = {{"sums", "twice", 1, twice}};

/* The node's own functions stay, so that it can be looked into; those of the program do not. */
static void exported_functions_are_shut_unless_they_are_allowed(void)
{
	static const char *const shut[] = {OFF, NULL};
	static const char *const open[] = {
		OFF, "partition.allow_spawn_during_partition", "true", NULL};

	for (int is_open = 0; is_open < 2; is_open++) {
		town *t = open_paused(is_open ? open : shut);
		char text[128] = "";

		CU_ASSERT_EQUAL(fl_node_export(fl_sim_handle(t->nodes[0]), exported, 1), FL_OK);
		CU_ASSERT_EQUAL(rpc_answer(t, 1, fl_spec("{call, sums, twice, [21], user}"), text,
					sizeof text),
			FL_OK);
		CU_ASSERT_EQUAL(strcmp(text, "42") == 0, is_open == 1);
		CU_ASSERT_EQUAL(strstr(text, "badrpc") != NULL, is_open == 0);
		CU_ASSERT_EQUAL(refused(t, 0, "spawn"), is_open == 1 ? 0 : 1);
		CU_ASSERT_EQUAL(rpc_answer(t, 1, fl_spec("{call, erlang, node, [], user}"), text,
					sizeof text),
			FL_OK);
		CU_ASSERT_STRING_EQUAL(text, "'1@h1.sim'");
		town_heal(t);
		CU_ASSERT_EQUAL(rpc_answer(t, 1, fl_spec("{call, sums, twice, [21], user}"), text,
					sizeof text),
			FL_OK);
		CU_ASSERT_STRING_EQUAL(text, "42");
		heal(t);
	}
}

/* ---- handlers that run ----------------------------------------------------------------------- */

/* Takes four seconds for the first request, and half a second for each other. */
static int take_time(fl_proc *self, void *state, fl_from from, fl_term request)
{
	uint32_t ms = 0;

	(void)state;
	(void)fl_match(request, "~", &ms);
	fl_sim_sleep(self, ms);
	return fl_reply(from, "done");
}

static const fl_behaviour slow = {.name = "slow", .call = take_time};

static int call_slow(fl_proc *self, void *state, fl_term args)
{
	uint32_t first = 0;
	fl_term reply;
	fl_dest slow_one = fl_name_at("slow", town_names[0]);

	(void)state;
	(void)fl_match(args, "~", &first);
	return fl_call(self, slow_one, 20000, &reply, "~", first) == FL_OK
		       ? fl_stop(self, "normal")
		       : fl_stop(self, "refused");
}

static int begin_call(fl_proc *self, void *state, fl_term message)
{
	return call_slow(self, state, message);
}

static const fl_behaviour asker = {.name = "asker", .cast = begin_call};

/*
 * A handler runs and a call waits when the pause begins: with time to drain both are answered,
 * without the one that waits is refused.
 */
static void calls_that_came_before_have_their_time(void)
{
	static const char *const some[] = {OFF, "partition.drain", "5s", NULL};
	static const char *const none[] = {OFF, "partition.drain", "0", NULL};

	for (int has_time = 0; has_time < 2; has_time++) {
		town *t = town_open(&(town_plan){.seed = 4,
			.count = 5,
			.policy = TOWN_MAJORITY,
			.extra = has_time ? some : none});
		fl_pid first, second;

		CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[0], &slow, &(fl_sim_serve){.name = "slow"},
					NULL, "[]"),
			FL_OK);
		CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[1], &asker, NULL, &first, "[]"), FL_OK);
		CU_ASSERT_EQUAL(fl_sim_spawn(t->nodes[1], &asker, NULL, &second, "[]"), FL_OK);
		town_break(t, "12|345");
		while (!town_has_state(t, 0, "suspect"))
			town_run(t, 10);
		town_run(t, town_stable_ms(t) - 1000);
		CU_ASSERT_EQUAL(fl_sim_cast(t->nodes[1], fl_to_pid(first), "~", 3000), FL_OK);
		CU_ASSERT_EQUAL(fl_sim_cast(t->nodes[1], fl_to_pid(second), "~", 500), FL_OK);
		town_run(t, 1500);
		CU_ASSERT_TRUE(town_is_state(t, 0, has_time ? "pausing" : "paused"));
		CU_ASSERT_EQUAL(town_ask(t, 1, 0, "casts"), FL_ENOPROC); /* shut at once */
		town_run(t, 4000);
		CU_ASSERT_TRUE(town_is_state(t, 0, "paused"));
		/* the second one, which waited behind the first */
		CU_ASSERT_EQUAL(refused(t, 0, "call"), has_time ? 1 : 2);
		heal(t);
	}
}

FL_SUITE("sim_gates", FL_TEST(noproc_is_what_callers_know),
	FL_TEST(dropped_call_runs_out_of_its_time), FL_TEST(term_is_the_answer),
	FL_TEST(held_call_is_answered_after_the_heal_or_refused),
	FL_TEST(gates_that_are_open_let_through), FL_TEST(open_cast_gate_takes_casts_alone),
	FL_TEST(server_may_stay_open_by_itself), FL_TEST(calls_wait_for_the_decision),
	FL_TEST(names_wait_for_the_end_of_the_pause), FL_TEST(groups_wait_for_the_end_of_the_pause),
	FL_TEST(exported_functions_are_shut_unless_they_are_allowed),
	FL_TEST(calls_that_came_before_have_their_time));
