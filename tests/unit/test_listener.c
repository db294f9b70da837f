/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let as far as a handshake, on a network of memory and a clock of the test's. */

#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab net;

static void open_two(lab_host **a, lab_host **b)
{
	lab_open(&net, fli_mem_libc());
	*a = lab_add(&net, "a@h.x", NULL);
	*b = lab_add(&net, "b@h.x", NULL);
}

static void silent_visitor_is_closed_after_seven_seconds(void)
{
	lab_host *a, *b;
	lab_sock *visitor;

	open_two(&a, &b);
	visitor = lab_visit(b);
	lab_pass(&net, 6990);
	CU_ASSERT_FALSE(lab_visit_is_over(visitor));
	lab_pass(&net, 20);
	CU_ASSERT_TRUE(lab_visit_is_over(visitor));
	CU_ASSERT_TRUE(fli_list_is_empty(&b->dist->pending));
	lab_close(&net);
}

static void visitors_of_one_address_are_limited(void)
{
	lab_host *a, *b;
	lab_sock *visitors[10];

	open_two(&a, &b);
	for (size_t i = 0; i < 10; i++)
		visitors[i] = lab_visit(b);
	lab_run(&net);
	for (size_t i = 0; i < 10; i++) /* the oldest made room */
		CU_ASSERT_EQUAL(lab_visit_is_over(visitors[i]), i < 2);
	CU_ASSERT_EQUAL(b->dist->counters.refused_limit, 2);
	CU_ASSERT_EQUAL(b->dist->counters.handshakes_failed, 2);
	lab_close(&net);
}

static void three_in_all(fli_dist_config *config)
{
	config->limits.pending_max = 3;
}

static void visitors_in_all_are_limited(void)
{
	lab_host *b;
	lab_sock *visitors[4];

	lab_open(&net, fli_mem_libc());
	b = lab_add(&net, "b@h.x", three_in_all);
	for (size_t i = 0; i < 4; i++)
		visitors[i] = lab_visit(b);
	lab_run(&net);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(lab_visit_is_over(visitors[i]), i < 1);
	lab_close(&net);
}

static void silent_visitors_keep_nobody_out(void)
{
	lab_host *a, *b;

	open_two(&a, &b);
	for (size_t i = 0; i < 20; i++)
		(void)lab_visit(b);
	lab_run(&net);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_close(&net);
}

static void few_a_second(fli_dist_config *config)
{
	config->limits.accepts_per_second = 2;
}

static void visitors_that_come_too_fast_are_closed(void)
{
	lab_host *b;
	lab_sock *visitors[3];

	lab_open(&net, fli_mem_libc());
	b = lab_add(&net, "a@h.x", few_a_second);
	for (size_t i = 0; i < 3; i++)
		visitors[i] = lab_visit(b);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_visit_is_over(visitors[1]));
	CU_ASSERT_TRUE(lab_visit_is_over(visitors[2]));
	lab_pass(&net, 600);
	visitors[2] = lab_visit(b);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_visit_is_over(visitors[2]));
	lab_close(&net);
}

static void sixteen_a_second(fli_dist_config *config)
{
	config->limits.accepts_per_second = 16;
}

static void one_address_takes_its_share_of_the_accepts(void)
{
	lab_host *b;
	lab_sock *visitors[4];

	lab_open(&net, fli_mem_libc());
	b = lab_add(&net, "a@h.x", sixteen_a_second);
	for (size_t i = 0; i < 3; i++)
		visitors[i] = lab_visit_from(b, 1);
	visitors[3] = lab_visit_from(b, 2);
	lab_run(&net);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(lab_visit_is_over(visitors[i]), i == 2);
	lab_close(&net);
}

static void one_network_of_64_bits_is_one_address(void)
{
	lab_host *b;
	lab_sock *visitors[4];

	lab_open(&net, fli_mem_libc());
	b = lab_add(&net, "a@h.x", sixteen_a_second);
	for (uint8_t i = 0; i < 4; i++) {
		visitors[i] = lab_visit(b);
		lab_visit_is_from(visitors[i],
			&(fli_address){.ip = {0xfd, [7] = i == 3, [15] = i}, .port = 1});
	}
	lab_run(&net);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(lab_visit_is_over(visitors[i]), i == 2);
	lab_close(&net);
}

static void who_was_here_before_comes_back_beside_a_flood(void)
{
	lab_host *a, *b;
	lab_sock *visitor = NULL;

	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "b@h.x", sixteen_a_second);
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_disconnect(a, b));
	lab_run(&net);
	for (uint8_t i = 1; i < 40; i++)
		visitor = lab_visit_from(b, i);
	lab_run(&net);
	CU_ASSERT_TRUE(lab_visit_is_over(visitor));
	CU_ASSERT_TRUE(lab_connect(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

/* A host that other nodes share with somebody, or one behind the same address. */
static void known_address_keeps_no_other_out(void)
{
	static const fli_address known[] = {{.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7}},
		{.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 8}}};
	lab_host *b;
	lab_sock *visitor = NULL, *other;

	lab_open(&net, fli_mem_libc());
	b = lab_add(&net, "b@h.x", sixteen_a_second);
	fli_listener_proved(b->dist, &known[0]);
	fli_listener_proved(b->dist, &known[1]);
	for (int i = 0; i < 40; i++)
		visitor = lab_visit_from(b, 7);
	other = lab_visit_from(b, 8);
	lab_run(&net);
	CU_ASSERT_TRUE(lab_visit_is_over(visitor));
	CU_ASSERT_FALSE(lab_visit_is_over(other));
	lab_close(&net);
}

FL_SUITE("listener", FL_TEST(known_address_keeps_no_other_out),
	FL_TEST(silent_visitor_is_closed_after_seven_seconds),
	FL_TEST(visitors_of_one_address_are_limited), FL_TEST(visitors_in_all_are_limited),
	FL_TEST(silent_visitors_keep_nobody_out), FL_TEST(visitors_that_come_too_fast_are_closed),
	FL_TEST(one_address_takes_its_share_of_the_accepts),
	FL_TEST(one_network_of_64_bits_is_one_address),
	FL_TEST(who_was_here_before_comes_back_beside_a_flood));
