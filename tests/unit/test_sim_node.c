/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to nodes of the simulated world, and what their servers may do there. */
#include <string.h>

#include "node/runtime.h"
#include "tests/support/sim_servers.h"
#include "tests/support/suite.h"

#define A "a@one.sim"
#define B "b@two.sim"

typedef struct two {
	fl_sim *sim;
	fl_sim_node *a, *b;
} two;

static two two_open(void)
{
	two t = {.sim = fl_sim_new(&(fl_sim_options){.seed = 5})};

	t.a = sim_node(t.sim, A);
	t.b = sim_node(t.sim, B);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "{add, 7}"), 7);
	return t;
}

static void two_close(two *t)
{
	fl_sim_delete(t->sim);
}

/* ---- ends and beginnings --------------------------------------------------------------------- */

static void a_node_that_stops_is_missed_at_once_and_leaks_nothing(void)
{
	two t = two_open();

	fl_sim_stop(t.b);
	CU_ASSERT_TRUE(fl_sim_await(t.b, FL_SIM_DOWN, 100));
	CU_ASSERT_EQUAL(fl_sim_leaked(t.b), 0);
	CU_ASSERT_EQUAL(fl_sim_bytes(t.b), 0);
	fl_sim_run(t.sim, 1);
	CU_ASSERT_FALSE(fl_sim_is_connected(t.a, B));
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "get"), FL_ECLOSED);
	two_close(&t);
}

static void a_start_after_a_crash_has_another_creation(void)
{
	two t = two_open();
	fl_pid before, after;

	CU_ASSERT_EQUAL(
		fl_sim_spawn(t.b, &sim_counter, &(fl_sim_serve){.name = "x"}, &before, "[]"),
		FL_OK);
	fl_sim_crash_node(t.b, FL_SIM_KILLED);
	CU_ASSERT_PTR_NULL(fl_sim_handle(t.b));
	CU_ASSERT_EQUAL(fl_sim_bytes(t.b), 0);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_OK);
	fl_sim_run(t.sim, 10); /* until the other one has heard of the end */
	CU_ASSERT_EQUAL(fl_sim_spawn(t.b, &sim_counter, NULL, &after, "[]"), FL_OK);
	CU_ASSERT_NOT_EQUAL(before.creation, after.creation);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 0);
	CU_ASSERT_EQUAL(fl_sim_starts(t.b), 2);
	two_close(&t);
}

static void a_vanished_node_is_missed_by_its_ticks(void)
{
	two t = two_open();

	fl_sim_crash_node(t.b, FL_SIM_VANISHED);
	fl_sim_run(t.sim, 40000);
	CU_ASSERT_TRUE(fl_sim_is_connected(t.a, B));
	fl_sim_run(t.sim, 40000);
	CU_ASSERT_FALSE(fl_sim_is_connected(t.a, B));
	two_close(&t);
}

static void a_node_back_under_its_name_replaces_the_half_open_connection(void)
{
	two t = two_open();

	fl_sim_crash_node(t.b, FL_SIM_VANISHED);
	fl_sim_run(t.sim, 1000);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_OK);
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "{add, 1}"), 1);
	CU_ASSERT_TRUE(fl_sim_is_connected(t.a, B));
	CU_ASSERT_TRUE(fl_sim_now_ms(t.sim) < 10000);
	two_close(&t);
}

static void two_nodes_of_one_name_are_refused(void)
{
	two t = two_open();

	CU_ASSERT_PTR_NULL(fl_sim_add(t.sim, A, NULL, NULL));
	CU_ASSERT_PTR_NULL(fl_sim_add(t.sim, "no name", NULL, NULL));
	CU_ASSERT_EQUAL(fl_sim_start(t.a, NULL), FL_EALREADY);
	two_close(&t);
}

static void another_cookie_is_refused(void)
{
	two t = two_open();
	const fl_sim_config config = {.cookie = "another cookie of no use", .servers = sim_servers};

	fl_sim_crash_node(t.b, FL_SIM_KILLED);
	fl_sim_reconfigure(t.b, &config);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_OK);
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "get"), FL_ENOCONN);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), FL_ENOCONN);
	two_close(&t);
}

static void settings_are_those_of_any_node(void)
{
	static const char *const good[] = {"dist.ticktime", "8", "limits.mailbox", "100", NULL};
	static const char *const bad[] = {"dist.tiktime", "8", NULL};
	fl_sim_config config = {.settings = good, .servers = sim_servers};
	two t = two_open();

	fl_sim_crash_node(t.b, FL_SIM_KILLED);
	fl_sim_reconfigure(t.b, &config);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_OK);
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "get"), 0);
	fl_sim_cut(t.sim, "one.sim", "two.sim");
	fl_sim_run(t.sim, 11000);
	CU_ASSERT_FALSE(fl_sim_is_connected(t.b, A));
	CU_ASSERT_TRUE(fl_sim_is_connected(t.a, B));
	fl_sim_stop(t.b);
	CU_ASSERT_TRUE(fl_sim_await(t.b, FL_SIM_DOWN, 10000));
	config.settings = bad;
	fl_sim_reconfigure(t.b, &config);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_ECONFIG);
	CU_ASSERT_EQUAL(fl_sim_state_of(t.b), FL_SIM_DOWN);
	two_close(&t);
}

typedef struct visits {
	int starts, ends, lines;
} visits;

static int on_start(fl_sim_node *node, void *ctx)
{
	(void)node;
	((visits *)ctx)->starts++;
	return FL_OK;
}

static void on_end(fl_sim_node *node, void *ctx)
{
	CU_ASSERT_PTR_NOT_NULL(fl_sim_handle(node));
	((visits *)ctx)->ends++;
}

static void on_log(fl_sim_node *node, const char *line, size_t size, void *ctx)
{
	(void)node;
	((visits *)ctx)->lines += line != NULL && size > 0;
}

static int refuse(fl_sim_node *node, void *ctx)
{
	(void)node;
	(void)ctx;
	return FL_EINVAL;
}

static void the_hooks_of_a_node_see_its_starts_ends_and_log(void)
{
	visits v = {0};
	fl_sim_config config = {
		.on_start = on_start, .on_end = on_end, .on_log = on_log, .ctx = &v};
	fl_sim *sim = fl_sim_new(NULL);
	fl_sim_node *a = fl_sim_add(sim, A, &config, NULL);
	size_t cursor = 0;

	CU_ASSERT_PTR_EQUAL(fl_sim_find(sim, A), a);
	CU_ASSERT_PTR_EQUAL(fl_sim_next(sim, &cursor), a);
	CU_ASSERT_PTR_NULL(fl_sim_next(sim, &cursor));
	CU_ASSERT_EQUAL(fl_sim_start(a, NULL), FL_OK);
	fl_sim_crash_node(a, FL_SIM_KILLED);
	CU_ASSERT_EQUAL(fl_sim_start(a, NULL), FL_OK);
	fl_sim_stop(a);
	CU_ASSERT_TRUE(fl_sim_await(a, FL_SIM_DOWN, 1000));
	CU_ASSERT_EQUAL(v.starts, 2);
	CU_ASSERT_EQUAL(v.ends, 2);
	CU_ASSERT_TRUE(v.lines > 0);
	config.on_start = refuse;
	fl_sim_reconfigure(a, &config);
	CU_ASSERT_EQUAL(fl_sim_start(a, NULL), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_sim_state_of(a), FL_SIM_DOWN);
	CU_ASSERT_EQUAL(fl_sim_why(a)->code, FL_EINVAL);
	fl_sim_delete(sim);
}

/* ---- pauses, clocks -------------------------------------------------------------------------- */

static void a_paused_node_answers_when_it_goes_on(void)
{
	two t = two_open();

	fl_sim_pause_node(t.b, FL_SIM_STOPPED);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "{add, 1}"), FL_ETIMEOUT);
	CU_ASSERT_TRUE(fl_sim_is_connected(t.a, B));
	fl_sim_resume(t.b);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 8);
	two_close(&t);
}

static uint64_t clock_of(fl_sim_node *node)
{
	const fli_port *port = fl_sim_handle(node)->port;

	return port->now_ns(port) / 1000000;
}

static int64_t wall_of(fl_sim_node *node)
{
	const fli_port *port = fl_sim_handle(node)->port;

	return port->wall_us(port) / 1000;
}

static void a_suspended_node_s_clock_stands_and_its_wall_clock_does_not(void)
{
	two t = two_open();
	uint64_t clock = clock_of(t.b);
	int64_t wall = wall_of(t.b);

	fl_sim_pause_node(t.b, FL_SIM_SUSPENDED);
	fl_sim_run(t.sim, 30000);
	fl_sim_resume(t.b);
	CU_ASSERT_EQUAL(clock_of(t.b), clock);
	CU_ASSERT_EQUAL(wall_of(t.b) - wall, 30000);
	fl_sim_pause_node(t.b, FL_SIM_STOPPED);
	fl_sim_run(t.sim, 5000);
	fl_sim_resume(t.b);
	CU_ASSERT_EQUAL(clock_of(t.b) - clock, 5000);
	fl_sim_jump_wall(t.b, -3600000);
	CU_ASSERT_EQUAL(wall_of(t.b) - wall, 35000 - 3600000);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
	two_close(&t);
}

static void what_waits_in_a_suspended_node_waits_on_by_its_clock(void)
{
	for (int how = FL_SIM_STOPPED; how <= FL_SIM_SUSPENDED; how++) {
		two t = two_open();
		uint64_t begin;

		CU_ASSERT_EQUAL(
			fl_sim_call(t.a, fl_name_at("counter", B), 10, NULL, "{sleep, ~}", 1000),
			FL_ETIMEOUT);
		fl_sim_pause_node(t.b, (fl_sim_pause)how);
		fl_sim_run(t.sim, 30000);
		fl_sim_resume(t.b);
		begin = fl_sim_now_ms(t.sim);
		CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
		CU_ASSERT_EQUAL(fl_sim_now_ms(t.sim) - begin > 900, how == FL_SIM_SUSPENDED);
		two_close(&t);
	}
}

static void a_node_s_own_interface_works_from_outside(void)
{
	two t = two_open();
	fl_node *b = fl_sim_handle(t.b);

	CU_ASSERT_TRUE(fl_atom_is(fl_node_name(b), B));
	CU_ASSERT_EQUAL(fl_node_port(b), FL_SIM_PORT);
	CU_ASSERT_PTR_EQUAL(fl_sim_node_of(b), t.b);
	fl_sim_disconnect(t.b, A);
	fl_sim_run(t.sim, 10);
	CU_ASSERT_EQUAL(fl_node_connect(b, A), FL_OK);
	fl_sim_run(t.sim, 10);
	CU_ASSERT_TRUE(fl_sim_is_connected(t.a, B));
	fl_node_stop(b);
	CU_ASSERT_TRUE(fl_sim_await(t.b, FL_SIM_DOWN, 100));
	two_close(&t);
}

static void a_node_that_lags_answers_later_and_the_same_again(void)
{
	uint64_t took[2], digest[2];

	for (int i = 0; i < 2; i++) {
		two t = two_open();
		uint64_t begin = fl_sim_now_ns(t.sim);

		fl_sim_set_lag(t.b, 50000);
		for (int k = 0; k < 20; k++)
			CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
		took[i] = fl_sim_now_ns(t.sim) - begin;
		digest[i] = fl_sim_digest(t.sim);
		two_close(&t);
	}
	CU_ASSERT_TRUE(took[0] > 20 * UINT64_C(5000000));
	CU_ASSERT_TRUE(took[0] < 20 * UINT64_C(60000000));
	CU_ASSERT_EQUAL(digest[0], digest[1]);
}

/* ---- scarcity -------------------------------------------------------------------------------- */

static void a_node_without_memory_for_something_goes_on(void)
{
	two t = two_open();

	for (uint64_t nth = 1; nth <= 3; nth++) {
		fl_sim_fail_alloc(t.b, nth);
		(void)sim_ask(t.a, B, "{via, '" A "'}");
	}
	CU_ASSERT_TRUE(fl_sim_failures(t.b) > 0);
	fl_sim_fail_alloc(t.b, 0);
	fl_sim_fail_allocs(t.b, 50000);
	for (int i = 0; i < 40; i++) {
		fl_sim_disconnect(t.a, B);
		(void)sim_ask(t.a, B, "get");
		(void)sim_ask(t.b, A, "{via, '" B "'}");
	}
	CU_ASSERT_TRUE(fl_sim_failures(t.b) > 10);
	fl_sim_fail_allocs(t.b, 0);
	fl_sim_run(t.sim, 10000);
	CU_ASSERT_EQUAL(fl_sim_state_of(t.b), FL_SIM_UP);
	CU_ASSERT_TRUE(sim_ask(t.a, B, "get") >= 0); /* its server may have been started anew */
	two_close(&t);
}

static void run_out(void *ctx)
{
	fl_sim_fail_allocs(ctx, 1000000);
}

static void a_call_ends_when_its_process_does(void)
{
	for (uint64_t ms = 0; ms < 4; ms++) {
		two t = two_open();

		fl_sim_at(t.sim, ms, run_out, t.a);
		CU_ASSERT_NOT_EQUAL(
			fl_sim_call(t.a, fl_name_at("counter", B), 90000, NULL, "{sleep, ~}", 5),
			FL_EBUSY);
		fl_sim_fail_allocs(t.a, 0);
		fl_sim_run(t.sim, 90000);
		if (fl_sim_state_of(t.a) == FL_SIM_DOWN)
			CU_ASSERT_EQUAL(fl_sim_start(t.a, NULL), FL_OK);
		CU_ASSERT_TRUE(sim_ask(t.b, A, "get") >= 0);
		two_close(&t);
	}
}

static void a_node_out_of_sockets_connects_once_it_has_some(void)
{
	two t = two_open();

	fl_sim_disconnect(t.a, B);
	fl_sim_run(t.sim, 10);
	CU_ASSERT_FALSE(fl_sim_is_connected(t.a, B));
	(void)sim_node(t.sim, "c@three.sim");
	CU_ASSERT_EQUAL(sim_ask(t.a, "c@three.sim", "get"), 0);
	fl_sim_limit_sockets(t.a, 1);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), FL_ENOCONN);
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "get"), FL_ENOCONN);
	fl_sim_limit_sockets(t.a, 0);
	fl_sim_run(t.sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
	two_close(&t);
}

/* ---- what servers do ------------------------------------------------------------------------- */

static void a_handler_waits_for_another_node_while_its_own_goes_on(void)
{
	two t = two_open();

	CU_ASSERT_EQUAL(sim_ask(t.a, A, "{via, '" B "'}"), 7);
	fl_sim_cut(t.sim, "one.sim", "two.sim");
	CU_ASSERT_EQUAL(sim_ask(t.a, A, "{via, '" B "'}"), FL_ETIMEOUT);
	CU_ASSERT_EQUAL(sim_ask(t.a, A, "get"), 0);
	two_close(&t);
}

static void a_callee_that_is_busy_costs_its_caller_a_timeout(void)
{
	two t = two_open();

	CU_ASSERT_EQUAL(fl_sim_call(t.b, fl_name_at("counter", A), 10, NULL, "{sleep, ~}", 10000),
		FL_ETIMEOUT);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "{via, '" A "'}"), FL_ETIMEOUT);
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
	fl_sim_run(t.sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(t.b, A, "get"), 0);
	two_close(&t);
}

static void a_slow_handler_holds_up_nobody_but_its_callers(void)
{
	two t = two_open();
	fl_buf reply = FL_BUF_INIT;

	CU_ASSERT_EQUAL(
		fl_sim_spawn(t.b, &sim_counter, &(fl_sim_serve){.name = "other"}, NULL, "[]"),
		FL_OK);
	CU_ASSERT_EQUAL(fl_sim_call(t.a, fl_name_at("counter", B), 10, NULL, "{sleep, ~}", 2000),
		FL_ETIMEOUT);
	CU_ASSERT_EQUAL(fl_sim_call(t.a, fl_name_at("other", B), 10, &reply, "{add, ~}", 3), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "3"));
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 7);
	CU_ASSERT_TRUE(fl_sim_now_ms(t.sim) >= 2000);
	CU_ASSERT_TRUE(fl_sim_now_ms(t.sim) < 2100);
	fl_buf_free(&reply);
	two_close(&t);
}

static void as_many_handlers_wait_as_a_node_has_threads(void)
{
	static const char *const settings[] = {"limits.threads", "2", NULL};
	const fl_sim_config config = {.settings = settings};
	two t = two_open();
	char name[8];
	fl_buf reply = FL_BUF_INIT;

	fl_sim_crash_node(t.b, FL_SIM_KILLED);
	fl_sim_reconfigure(t.b, &config);
	CU_ASSERT_EQUAL(fl_sim_start(t.b, NULL), FL_OK);
	fl_sim_pause_node(t.a, FL_SIM_STOPPED);
	for (int i = 0; i < 3; i++) {
		const fl_sim_serve how = {.name = name};

		(void)snprintf(name, sizeof name, "s%d", i);
		CU_ASSERT_EQUAL(fl_sim_spawn(t.b, &sim_counter, &how, NULL, "[]"), FL_OK);
		CU_ASSERT_EQUAL(fl_sim_call(t.b, name, 10, &reply, "{via, ~}", fl_atom_of(A)),
			i < 2 ? FL_ETIMEOUT : FL_OK);
	}
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "{error, -3}")); /* FL_ELIMIT */
	fl_buf_free(&reply);
	two_close(&t);
}

static void offloaded_work_comes_back_as_an_event(void)
{
	two t = two_open();

	CU_ASSERT_EQUAL(sim_ask(t.a, B, "{work, 4}"), 15);
	two_close(&t);
}

static int count_forgotten;

static void on_forget(const fl_behaviour *behaviour, void *state, void *ctx)
{
	(void)state;
	(void)ctx;
	count_forgotten += strcmp(behaviour->name, "counter") == 0;
}

/* Crashed, stopped, deleted: each with a handler that waits and work that is under way. */
static void what_waits_goes_with_its_node(void)
{
	for (int how = 0; how < 3; how++) {
		two t = two_open();
		const fl_sim_config config = {.servers = sim_servers, .on_forget = on_forget};

		fl_sim_reconfigure(t.b, &config);
		count_forgotten = 0;
		CU_ASSERT_EQUAL(
			fl_sim_call(t.a, fl_name_at("counter", B), 10, NULL, "{sleep, ~}", 600000),
			FL_ETIMEOUT);
		CU_ASSERT_EQUAL(fl_sim_spawn(t.b, &sim_counter, &(fl_sim_serve){.name = "other"},
					NULL, "[]"),
			FL_OK);
		CU_ASSERT_EQUAL(fl_sim_call(t.a, fl_name_at("other", B), 1, NULL, "{work, ~}", 1),
			FL_ETIMEOUT);
		if (how == 0)
			fl_sim_crash_node(t.b, FL_SIM_KILLED);
		else if (how == 1)
			fl_sim_stop(t.b);
		if (how < 2) {
			CU_ASSERT_TRUE(fl_sim_await(t.b, FL_SIM_DOWN, 6000));
			CU_ASSERT_EQUAL(count_forgotten, how == 0 ? 2 : 0);
			CU_ASSERT_EQUAL(fl_sim_leaked(t.b), 0);
			CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), FL_ENOCONN);
		}
		two_close(&t);
	}
}

static void what_ends_a_call_is_told(void)
{
	two t = two_open();
	fl_buf reply = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_sim_call(t.a, fl_name_at("nobody", B), 1000, &reply, "x"), FL_ENOPROC);
	CU_ASSERT_EQUAL(
		fl_sim_call(t.a, fl_name_at("x", "c@three.sim"), 9000, &reply, "x"), FL_ENOCONN);
	CU_ASSERT_EQUAL(fl_sim_call(t.a, fl_name_at("counter", B), 1000, &reply, "what"), FL_EEXIT);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&reply), "{bad_call, what}"));
	CU_ASSERT_EQUAL(sim_ask(t.a, B, "get"), 0);
	fl_buf_free(&reply);
	two_close(&t);
}

static void nodes_that_dial_each_other_at_once_have_one_connection(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = seed});
		fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B);

		(void)fl_sim_connect(a, B);
		(void)fl_sim_connect(b, A);
		fl_sim_run(sim, 5000);
		CU_ASSERT_TRUE(fl_sim_is_connected(a, B));
		CU_ASSERT_TRUE(fl_sim_is_connected(b, A));
		CU_ASSERT_EQUAL(fl_sim_reset(sim, "one.sim", "two.sim"), 1);
		fl_sim_delete(sim);
	}
}

FL_SUITE("sim_node", FL_TEST(a_node_that_stops_is_missed_at_once_and_leaks_nothing),
	FL_TEST(a_start_after_a_crash_has_another_creation),
	FL_TEST(a_vanished_node_is_missed_by_its_ticks),
	FL_TEST(a_node_back_under_its_name_replaces_the_half_open_connection),
	FL_TEST(two_nodes_of_one_name_are_refused), FL_TEST(another_cookie_is_refused),
	FL_TEST(settings_are_those_of_any_node),
	FL_TEST(the_hooks_of_a_node_see_its_starts_ends_and_log),
	FL_TEST(a_paused_node_answers_when_it_goes_on),
	FL_TEST(a_suspended_node_s_clock_stands_and_its_wall_clock_does_not),
	FL_TEST(what_waits_in_a_suspended_node_waits_on_by_its_clock),
	FL_TEST(a_node_s_own_interface_works_from_outside),
	FL_TEST(a_node_that_lags_answers_later_and_the_same_again),
	FL_TEST(a_node_without_memory_for_something_goes_on),
	FL_TEST(a_call_ends_when_its_process_does),
	FL_TEST(a_node_out_of_sockets_connects_once_it_has_some),
	FL_TEST(a_handler_waits_for_another_node_while_its_own_goes_on),
	FL_TEST(a_callee_that_is_busy_costs_its_caller_a_timeout),
	FL_TEST(a_slow_handler_holds_up_nobody_but_its_callers),
	FL_TEST(as_many_handlers_wait_as_a_node_has_threads),
	FL_TEST(offloaded_work_comes_back_as_an_event), FL_TEST(what_waits_goes_with_its_node),
	FL_TEST(what_ends_a_call_is_told),
	FL_TEST(nodes_that_dial_each_other_at_once_have_one_connection));
