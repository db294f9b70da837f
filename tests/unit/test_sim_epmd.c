/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the simulated world that find each other by epmd. */
#include "tests/support/sim_servers.h"
#include "tests/support/suite.h"

#define A "a@one.sim"
#define B "b@two.sim"
#define B2 "b2@two.sim"

static fl_sim *world(void)
{
	return fl_sim_new(&(fl_sim_options){.seed = 9, .has_epmd = true});
}

static void nodes_register_and_find_each_other(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A);

	(void)sim_node(sim, B);
	(void)sim_node(sim, B2);
	CU_ASSERT_EQUAL(sim_ask(a, B, "{add, 1}"), 1);
	CU_ASSERT_EQUAL(sim_ask(a, B2, "{add, 2}"), 2);
	fl_sim_delete(sim);
}

static void a_start_without_epmd_fails_with_a_reason(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = fl_sim_add(sim, A, NULL, NULL);

	fl_sim_set_epmd(sim, "one.sim", FL_SIM_EPMD_DOWN);
	CU_ASSERT_EQUAL(fl_sim_start(a, NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_sim_state_of(a), FL_SIM_STARTING);
	CU_ASSERT_TRUE(fl_sim_await(a, FL_SIM_DOWN, 60000));
	CU_ASSERT_EQUAL(fl_sim_why(a)->code, FL_EREFUSED);
	fl_sim_set_epmd(sim, "one.sim", FL_SIM_EPMD_UP);
	CU_ASSERT_EQUAL(fl_sim_start(a, NULL), FL_OK);
	CU_ASSERT_TRUE(fl_sim_await(a, FL_SIM_UP, 1000));
	fl_sim_delete(sim);
}

static void a_node_registers_again_when_epmd_is_back(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A);

	(void)sim_node(sim, B);
	fl_sim_set_epmd(sim, "two.sim", FL_SIM_EPMD_DOWN);
	fl_sim_run(sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), FL_ENOCONN);
	fl_sim_set_epmd(sim, "two.sim", FL_SIM_EPMD_UP);
	fl_sim_run(sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), 0);
	fl_sim_delete(sim);
}

static void a_lie_of_epmd_costs_the_attempt_alone(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A);

	(void)sim_node(sim, B);
	fl_sim_set_epmd(sim, "two.sim", FL_SIM_EPMD_LYING);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), FL_ENOCONN);
	fl_sim_set_epmd(sim, "two.sim", FL_SIM_EPMD_UP);
	fl_sim_run(sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), 0);
	fl_sim_delete(sim);
}

static void a_slow_epmd_is_given_up(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A);
	uint64_t begin;

	(void)sim_node(sim, B);
	fl_sim_set_epmd(sim, "two.sim", FL_SIM_EPMD_SLOW);
	begin = fl_sim_now_ms(sim);
	CU_ASSERT_EQUAL(fl_sim_call(a, fl_name_at("counter", B), 60000, NULL, "get"), FL_ENOCONN);
	CU_ASSERT_TRUE(fl_sim_now_ms(sim) - begin >= 5000);
	CU_ASSERT_TRUE(fl_sim_now_ms(sim) - begin <= 10000);
	fl_sim_delete(sim);
}

static void a_name_is_free_again_after_a_crash(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B);

	for (int how = FL_SIM_KILLED; how <= FL_SIM_VANISHED; how++) {
		CU_ASSERT_EQUAL(sim_ask(a, B, "{add, 1}"), 1);
		fl_sim_crash_node(b, (fl_sim_crash)how);
		fl_sim_run(sim, 1000);
		CU_ASSERT_EQUAL(fl_sim_start(b, NULL), FL_OK);
		CU_ASSERT_TRUE(fl_sim_await(b, FL_SIM_UP, 1000));
	}
	CU_ASSERT_EQUAL(sim_ask(b, A, "get"), 0);
	fl_sim_delete(sim);
}

static void all_on_a_host_vanish_with_it(void)
{
	fl_sim *sim = world();
	fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B), *b2 = sim_node(sim, B2);

	CU_ASSERT_EQUAL(sim_ask(a, B2, "{add, 1}"), 1);
	fl_sim_crash_node(b, FL_SIM_VANISHED);
	CU_ASSERT_EQUAL(fl_sim_state_of(b2), FL_SIM_DOWN);
	CU_ASSERT_EQUAL(fl_sim_start(b, NULL), FL_OK);
	fl_sim_run(sim, 10000);
	CU_ASSERT_EQUAL(sim_ask(a, B, "get"), 0);
	CU_ASSERT_EQUAL(sim_ask(a, B2, "get"), FL_ENOCONN);
	fl_sim_delete(sim);
}

FL_SUITE("sim_epmd", FL_TEST(nodes_register_and_find_each_other),
	FL_TEST(a_start_without_epmd_fails_with_a_reason),
	FL_TEST(a_node_registers_again_when_epmd_is_back),
	FL_TEST(a_lie_of_epmd_costs_the_attempt_alone), FL_TEST(a_slow_epmd_is_given_up),
	FL_TEST(a_name_is_free_again_after_a_crash), FL_TEST(all_on_a_host_vanish_with_it));
