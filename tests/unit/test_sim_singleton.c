/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A singleton on whole nodes in the simulated world, through splits, crashes, pauses and moves. All
 * the time no two servers have the same epoch, and epochs grow; with a partition policy no two
 * nodes serve at the same time.
 */
#include <stdio.h>
#include <string.h>

#include "flitch/global.h"
#include "flitch/pg.h"
#include "flitch/sim.h"
#include "flitch/singleton.h"
#include "node/sched.h"
#include "tests/support/suite.h"

#define MEMBERS "1@h1.sim,2@h2.sim,3@h3.sim,4@h4.sim,5@h5.sim"
enum { COUNT = 5, SEEDS = 10, LIVES_MAX = 4096 };

static const char *const names[COUNT] = {
	"1@h1.sim", "2@h2.sim", "3@h3.sim", "4@h4.sim", "5@h5.sim"};
static const char *const hosts[COUNT] = {"h1.sim", "h2.sim", "h3.sim", "h4.sim", "h5.sim"};

/* ---- the server ------------------------------------------------------------------------------ */

/* Every start of it that ever was. */
typedef struct life {
	uint64_t epoch, start_ms;
	int node;
} life;

static struct world {
	fl_sim *sim;
	fl_sim_node *nodes[COUNT];
	life lives[LIVES_MAX];
	int count;
} w;

typedef struct svc {
	int64_t total;
	int life;
} svc;

static int index_of(fl_atom name)
{
	int i = 0;

	while (i < COUNT && !fl_atom_eq(name, fl_atom_of(names[i])))
		i++;
	return i;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	svc *s = state;
	uint64_t epoch;

	if (!fl_match(args, "{handed, ~, 3, ~}", &epoch, &s->total) &&
		!fl_match(args, "{start, ~, {given, 1}}", &epoch))
		return fl_stop(self, "badarg");
	CU_ASSERT_EQUAL(fl_singleton_epoch(self), epoch);
	CU_ASSERT_FATAL(w.count < LIVES_MAX);
	s->life = w.count;
	w.lives[w.count++] = (life){.epoch = epoch,
		.start_ms = fl_sim_now_ms(w.sim),
		.node = index_of(fl_node_name(fl_self_node(self)))};
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	svc *s = state;
	int64_t by;

	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", s->total += by);
	if (fl_match(request, "epoch"))
		return fl_reply(from, "~", fl_singleton_epoch(self));
	if (fl_match(request, "crash"))
		return fl_stop(self, "crash");
	return fl_unhandled(self, request);
}

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)self;
	return fl_build(ret_state, "~", ((const svc *)state)->total);
}

static int give_nothing(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)self;
	(void)state;
	(void)ret_state;
	return FL_ENOMEM;
}

static const fl_behaviour server = {
	.name = "svc", .state_size = sizeof(svc), .init = on_init, .call = on_call, .vsn = 3};
static const fl_singleton singleton = {FL_SINGLETON_GUARD("svc_guard"), .server = &server,
	.name = "{svc, 1}", .args = "{given, 1}", .give = give};
static const fl_singleton mute = {FL_SINGLETON_GUARD("svc_guard"), .server = &server,
	.name = "{svc, 1}", .args = "{given, 1}", .give = give_nothing};

/* Asks it from a process of another node, and waits for it where nobody has it. */
static int asker_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	const fl_singleton_ask ask = {
		.name = "{svc, 1}", .timeout_ms = 5000, .ttl_ms = 3000, .buffer = 2};
	fl_term reply = {.data = NULL};
	int rc;

	(void)state;
	rc = fl_singleton_call(self, &ask, &reply, "~", request);
	if (reply.data == NULL)
		return fl_reply(from, "{~, none}", rc);
	return fl_reply(from, "{~, ~}", rc, reply);
}

static const fl_behaviour asker = {.name = "asker", .call = asker_call};

/* ---- a cluster ------------------------------------------------------------------------------- */

static int start_guard(fl_sim_node *node, void *ctx)
{
	fl_error err = {0};
	int rc = fl_pg_start(fl_sim_handle(node), FL_PG);

	if (rc == FL_OK)
		rc = fl_node_start(fl_sim_handle(node), &((const fl_singleton *)ctx)->guard, &err);
	if (rc == FL_OK)
		rc = fl_node_start(fl_sim_handle(node), &asker, &err);
	return rc;
}

static const char *const with_policy[] = {
	"partition.members", MEMBERS, "global.prevent_overlapping_partitions", "off", NULL};
static const char *const unlisted[] = {
	"partition.policy", "keep_majority", "global.prevent_overlapping_partitions", "off", NULL};
static const char *const without[] = {"global.prevent_overlapping_partitions", "off", NULL};

static void start(int i)
{
	fl_error err = {0};

	if (fl_sim_start(w.nodes[i], &err) != FL_OK)
		printf("  %s: %s\n", names[i], err.what);
	CU_ASSERT_EQUAL_FATAL(err.code, FL_OK);
	for (int j = 0; j < COUNT; j++)
		if (j != i)
			(void)fl_sim_connect(w.nodes[i], names[j]);
}

static void start_all(uint64_t seed, const char *const *settings, const fl_singleton *what)
{
	const fl_sim_config config = {.tick_time_ms = 8000,
		.settings = settings,
		.on_start = start_guard,
		.ctx = (void *)(uintptr_t)what};

	memset(&w, 0, sizeof w);
	w.sim = fl_sim_new(&(fl_sim_options){.seed = seed});
	for (int i = 0; i < COUNT; i++)
		w.nodes[i] = fl_sim_add(w.sim, names[i], &config, NULL);
	for (int i = 0; i < COUNT; i++)
		start(i);
	fl_sim_run(w.sim, 20000);
}

static void end_all(void)
{
	for (int i = 0; i < COUNT; i++)
		for (int j = 0; j < w.count; j++)
			for (int k = 0; i == 0 && k < j; k++) {
				CU_ASSERT_NOT_EQUAL(w.lives[j].epoch, w.lives[k].epoch);
				if (w.lives[j].start_ms > w.lives[k].start_ms + 60000)
					CU_ASSERT(w.lives[j].epoch > w.lives[k].epoch);
			}
	fl_sim_delete(w.sim);
}

/* The number that a name of one node gives, or an FL_E*. */
static int64_t ask(int from, fl_dest to, const char *what)
{
	fl_buf reply = FL_BUF_INIT;
	int64_t number = 0;
	int rc;

	if (fl_sim_state_of(w.nodes[from]) != FL_SIM_UP)
		return FL_ECLOSED;
	rc = fl_sim_call(w.nodes[from], to, 3000, &reply, what);
	if (rc == FL_OK)
		CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "~", &number));
	fl_buf_free(&reply);
	return rc == FL_OK ? number : rc;
}

static fl_dest svc_dest(void)
{
	static const uint8_t name[] = {104, 2, 119, 3, 's', 'v', 'c', 97, 1};

	return fl_global_term((fl_term){.data = name, .size = sizeof name});
}

static int64_t ask_svc(int from, const char *what)
{
	return ask(from, svc_dest(), what);
}

/* A word of what a guard says of itself. */
static bool guard_says(int i, const char *key, fl_buf *ret_value)
{
	fl_buf reply = FL_BUF_INIT;
	fl_term value;
	bool says =
		fl_sim_state_of(w.nodes[i]) == FL_SIM_UP &&
		fl_sim_call(w.nodes[i], fl_to_name("svc_guard"), 3000, &reply, "status") == FL_OK &&
		fl_get(fl_buf_term(&reply), key, &value);

	fl_buf_reset(ret_value);
	if (says)
		(void)fl_build(ret_value, "~", value);
	fl_buf_free(&reply);
	return says;
}

static bool holds(int i)
{
	fl_buf value = FL_BUF_INIT;
	fl_atom state;
	bool is = guard_says(i, "state", &value) && fl_match(fl_buf_term(&value), "~", &state) &&
		  fl_atom_is(state, "holding");

	fl_buf_free(&value);
	return is;
}

static bool serves(int i)
{
	fl_buf reply = FL_BUF_INIT;
	fl_term value;
	bool fenced = false;
	bool is = fl_sim_state_of(w.nodes[i]) == FL_SIM_UP &&
		  fl_sim_call(w.nodes[i], fl_name_at("rex", names[i]), 3000, &reply,
			  "{call, flitch_partition, status, [], user}") == FL_OK &&
		  fl_get(fl_buf_term(&reply), "fenced", &value) && fl_match(value, "~", &fenced) &&
		  !fenced;

	fl_buf_free(&reply);
	return is;
}

static int holders(void)
{
	int count = 0;

	for (int i = 0; i < COUNT; i++)
		count += holds(i) ? 1 : 0;
	return count;
}

static int holder(void)
{
	for (int i = 0; i < COUNT; i++)
		if (holds(i))
			return i;
	return -1;
}

static int move(int from, int to)
{
	fl_buf reply = FL_BUF_INIT;
	fl_atom why = {0};
	int rc = fl_sim_call(w.nodes[from], fl_to_name("svc_guard"), 70000, &reply, "{move, ~}",
		fl_atom_of(names[to]));

	if (rc == FL_OK && !fl_match(fl_buf_term(&reply), "ok")) {
		(void)fl_match(fl_buf_term(&reply), "{error, ~}", &why);
		rc = FL_EREFUSED;
	}
	fl_buf_free(&reply);
	return rc;
}

/* ---- what is ordinary ------------------------------------------------------------------------ */

static void one_of_five_runs_it_and_all_reach_it(void)
{
	start_all(1, with_policy, &singleton);
	CU_ASSERT_EQUAL(holders(), 1);
	CU_ASSERT_EQUAL(w.count, 1);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_EQUAL(ask_svc(i, "{add, 1}"), i + 1);
	end_all();
}

/* Of the node that has the server: others have nothing to look for. */
static void ticks_of_strangers_make_no_timers(void)
{
	fl_node *node;
	size_t timers;
	int i;

	start_all(1, with_policy, &singleton);
	i = holder();
	CU_ASSERT_FATAL(i >= 0);
	node = fl_sim_handle(w.nodes[i]);
	timers = node->timers.count;
	for (int k = 0; k < 500; k++)
		(void)fl_sim_send(w.nodes[i], fl_to_name("svc_guard"), "fl_tick");
	fl_sim_run(w.sim, 10000);
	CU_ASSERT(node->timers.count <= timers + 10);
	end_all();
}

static void crash_of_the_server_moves_it_at_once(void)
{
	start_all(2, with_policy, &singleton);
	for (int k = 1; k <= 3; k++) {
		CU_ASSERT(ask_svc(0, "crash") < 0);
		fl_sim_run(w.sim, 1000);
		CU_ASSERT_EQUAL(holders(), 1);
		CU_ASSERT_EQUAL(w.count, k + 1);
		CU_ASSERT_EQUAL(ask_svc(4, "{add, 1}"), 1);
	}
	end_all();
}

static void state_goes_with_a_move_and_stays_when_it_fails(void)
{
	int from, to;

	start_all(3, with_policy, &singleton);
	from = holder();
	to = (from + 1) % COUNT;
	CU_ASSERT_EQUAL(ask_svc(0, "{add, 42}"), 42);
	CU_ASSERT_EQUAL(move(from, to), FL_OK);
	fl_sim_run(w.sim, 2000);
	CU_ASSERT_EQUAL(holder(), to);
	CU_ASSERT_EQUAL(ask_svc(0, "{add, 1}"), 43);
	/* the taker is gone before it has begun */
	fl_sim_cut(w.sim, hosts[from], hosts[to]);
	CU_ASSERT_EQUAL(move(to, from), FL_EREFUSED);
	fl_sim_heal(w.sim);
	CU_ASSERT_EQUAL(holder(), to);
	CU_ASSERT_EQUAL(ask_svc(to, "{add, 1}"), 44);
	end_all();
}

static void server_that_gives_nothing_goes_on(void)
{
	int from;

	start_all(4, with_policy, &mute);
	from = holder();
	CU_ASSERT_EQUAL(ask_svc(0, "{add, 5}"), 5);
	CU_ASSERT_EQUAL(move(from, (from + 1) % COUNT), FL_EREFUSED);
	CU_ASSERT_EQUAL(holder(), from);
	CU_ASSERT_EQUAL(ask_svc(0, "{add, 1}"), 6);
	end_all();
}

static void node_that_stops_in_order_hands_it_over(void)
{
	int from;

	start_all(5, with_policy, &singleton);
	from = holder();
	CU_ASSERT_EQUAL(ask_svc(0, "{add, 7}"), 7);
	fl_sim_stop(w.nodes[from]);
	CU_ASSERT_TRUE(fl_sim_await(w.nodes[from], FL_SIM_DOWN, 20000));
	CU_ASSERT_EQUAL(fl_sim_leaked(w.nodes[from]), 0);
	fl_sim_run(w.sim, 1000);
	CU_ASSERT_EQUAL(holders(), 1);
	CU_ASSERT_EQUAL(ask_svc((from + 1) % COUNT, "{add, 1}"), 8);
	end_all();
}

static void calls_from_c_wait_for_a_server(void)
{
	int other;
	fl_buf reply = FL_BUF_INIT;
	int64_t rc = 0;
	fl_term answer;

	start_all(6, with_policy, &singleton);
	other = (holder() + 1) % COUNT;
	(void)ask_svc(other, "crash");
	/* nobody has it now */
	CU_ASSERT_EQUAL(
		fl_sim_call(w.nodes[other], fl_to_name("asker"), 10000, &reply, "{add, 3}"), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "{0, 3}"));
	other = (holder() + 1) % COUNT;
	for (int i = 0; i < COUNT; i++)
		if (i != other)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	fl_sim_run(w.sim, 1000);
	CU_ASSERT_EQUAL(
		fl_sim_call(w.nodes[other], fl_to_name("asker"), 20000, &reply, "{add, 3}"), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "{~, ~}", &rc, &answer));
	CU_ASSERT_EQUAL(rc, FL_EBUSY);
	CU_ASSERT_TRUE(fl_match(answer, "{error, no_singleton}"));
	fl_buf_free(&reply);
	end_all();
}

/* ---- splits ---------------------------------------------------------------------------------- */

static int serving_holders(void)
{
	int count = 0;

	for (int i = 0; i < COUNT; i++)
		count += holds(i) && serves(i) ? 1 : 0;
	return count;
}

/* Looks ten times a second. */
static void watch(uint64_t ms)
{
	for (uint64_t end = fl_sim_now_ms(w.sim) + ms; fl_sim_now_ms(w.sim) < end;) {
		CU_ASSERT(serving_holders() <= 1);
		fl_sim_run(w.sim, 100);
	}
}

/* The holder is on the side that pauses: {holder, next} | the others. */
static void split_takes_it_to_the_side_that_serves(void)
{
	char groups[80];
	int from, count;

	start_all(7, with_policy, &singleton);
	from = holder();
	(void)snprintf(groups, sizeof groups, "%s %s | %s %s %s", hosts[from],
		hosts[(from + 1) % COUNT], hosts[(from + 2) % COUNT], hosts[(from + 3) % COUNT],
		hosts[(from + 4) % COUNT]);
	fl_sim_split(w.sim, groups);
	watch(60000);
	CU_ASSERT_FALSE(holds(from));
	CU_ASSERT_EQUAL(holders(), 1);
	count = w.count;
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(ask_svc((from + 3) % COUNT, "{add, 1}"), 1);
	fl_sim_heal(w.sim);
	watch(90000);
	CU_ASSERT_EQUAL(w.count, count);
	CU_ASSERT_EQUAL(ask_svc(from, "{add, 1}"), 2);
	end_all();
}

static uint64_t margin(int i)
{
	fl_buf value = FL_BUF_INIT;
	uint64_t ms = 0;

	CU_ASSERT_TRUE(guard_says(i, "margin_ms", &value));
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&value), "~", &ms));
	fl_buf_free(&value);
	return ms;
}

/* Five nodes take longer to pause than the one that each of them knew of when it began. */
static void margin_grows_with_the_members_that_are_seen(void)
{
	uint64_t listed;

	start_all(9, with_policy, &singleton);
	listed = margin(0);
	end_all();
	start_all(9, unlisted, &singleton);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_EQUAL(margin(i), listed);
	end_all();
}

static void two_sides_that_both_go_on_become_one(void)
{
	start_all(8, without, &singleton);
	CU_ASSERT_EQUAL(holders(), 1);
	fl_sim_split(w.sim, "h1.sim h2.sim | h3.sim h4.sim h5.sim");
	fl_sim_run(w.sim, 60000);
	CU_ASSERT_EQUAL(holders(), 2);
	fl_sim_heal(w.sim);
	fl_sim_run(w.sim, 90000);
	CU_ASSERT_EQUAL(holders(), 1);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT(ask_svc(i, "epoch") > (int64_t)w.lives[0].epoch);
	end_all();
}

/* One thing that goes wrong. */
static void disturb(void)
{
	int i = (int)fl_sim_random(w.sim, COUNT),
	    j = (i + 1 + (int)fl_sim_random(w.sim, COUNT - 1)) % COUNT;
	static const char *const splits[] = {"h1.sim h2.sim | h3.sim h4.sim h5.sim",
		"h1.sim | h2.sim h3.sim h4.sim h5.sim", "h1.sim h3.sim h5.sim | h2.sim h4.sim",
		"h1.sim h2.sim | h3.sim h4.sim | h5.sim"};

	switch (fl_sim_random(w.sim, 8)) {
	case 0:
	case 1: fl_sim_split(w.sim, splits[fl_sim_random(w.sim, 4)]); break;
	case 2: fl_sim_cut(w.sim, hosts[i], hosts[j]); break;
	case 3:
		fl_sim_crash_node(
			w.nodes[i], fl_sim_random(w.sim, 2) ? FL_SIM_KILLED : FL_SIM_VANISHED);
		break;
	case 4:
		if (fl_sim_state_of(w.nodes[i]) == FL_SIM_UP)
			fl_sim_pause_node(w.nodes[i], FL_SIM_STOPPED);
		break;
	case 5:
		if (holds(i))
			(void)fl_sim_cast(w.nodes[i], fl_to_name("svc_guard"), "x");
		(void)ask_svc(i, "crash");
		break;
	case 6:
		if (holds(i))
			(void)move(i, j);
		break;
	default: fl_sim_stop(w.nodes[i]); break;
	}
}

static void mend(void)
{
	fl_sim_heal(w.sim);
	for (int i = 0; i < COUNT; i++) {
		if (fl_sim_state_of(w.nodes[i]) == FL_SIM_PAUSED)
			fl_sim_resume(w.nodes[i]);
		if (fl_sim_state_of(w.nodes[i]) == FL_SIM_LEAVING)
			(void)fl_sim_await(w.nodes[i], FL_SIM_DOWN, 30000);
		if (fl_sim_state_of(w.nodes[i]) == FL_SIM_DOWN)
			start(i);
	}
}

static void disturbed(uint64_t seed)
{
	start_all(seed, with_policy, &singleton);
	for (int k = 0; k < 6; k++) {
		disturb();
		watch(1000 + fl_sim_random(w.sim, 40000));
		if (fl_sim_random(w.sim, 2) == 0)
			disturb();
		watch(fl_sim_random(w.sim, 40000));
		mend();
		watch(fl_sim_random(w.sim, 30000));
	}
	mend();
	watch(120000);
	CU_ASSERT_EQUAL(holders(), 1);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT(ask_svc(i, "epoch") > 0);
	if (CU_get_number_of_failures() > 0)
		printf("  with seed %llu\n", (unsigned long long)seed);
	end_all();
}

static void whatever_happens_never_two_serve(void)
{
	for (uint64_t seed = 100; seed < 100 + SEEDS; seed++)
		disturbed(seed);
}

FL_SUITE("sim_singleton", FL_TEST(one_of_five_runs_it_and_all_reach_it),
	FL_TEST(ticks_of_strangers_make_no_timers), FL_TEST(crash_of_the_server_moves_it_at_once),
	FL_TEST(state_goes_with_a_move_and_stays_when_it_fails),
	FL_TEST(server_that_gives_nothing_goes_on), FL_TEST(node_that_stops_in_order_hands_it_over),
	FL_TEST(calls_from_c_wait_for_a_server), FL_TEST(split_takes_it_to_the_side_that_serves),
	FL_TEST(margin_grows_with_the_members_that_are_seen),
	FL_TEST(two_sides_that_both_go_on_become_one), FL_TEST(whatever_happens_never_two_serve));
