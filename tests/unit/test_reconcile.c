/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are kept up: delays, growth, and the respect for a link that was closed on purpose. */

#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab net;
static lab_host *a, *b;

static void open_two(void)
{
	lab_open(&net, fli_mem_libc());
	a = lab_add(&net, "a@h.x", NULL);
	b = lab_add(&net, "b@h.x", NULL);
}

static void delays_spread_by_a_quarter(void)
{
	CU_ASSERT_EQUAL(fli_reconcile_jitter(1000, 0), 750);
	CU_ASSERT_TRUE(fli_reconcile_jitter(1000, UINT32_MAX) <= 1250);
	CU_ASSERT_TRUE(fli_reconcile_jitter(1000, UINT32_MAX) >= 1240);
}

static void wanted_peer_is_dialled_at_once(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

static void absent_peer_is_tried_until_it_is_there(void)
{
	uint16_t port;

	open_two();
	port = b->ports[0];
	b->ports[0] = 0;
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_pass(&net, 120000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	b->ports[0] = port;
	lab_pass(&net, 38000); /* the longest delay and its quarter */
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

static unsigned attempts_in(uint64_t ms)
{
	unsigned count = 0;
	uint64_t seen = lab_peer(a, b)->failed_ms;

	for (uint64_t i = 0; i < ms; i += 100) {
		lab_pass(&net, 100);
		if (lab_peer(a, b)->failed_ms != seen)
			count++;
		seen = lab_peer(a, b)->failed_ms;
	}
	return count;
}

static void delays_grow_to_half_a_minute(void)
{
	unsigned first, later;

	open_two();
	b->ports[0] = 0;
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_run(&net);
	first = attempts_in(20000);
	(void)attempts_in(100000);
	later = attempts_in(300000);
	CU_ASSERT_TRUE(first >= 4 && first <= 7);
	CU_ASSERT_TRUE(later >= 8 && later <= 13);
	lab_close(&net);
}

static void broken_link_comes_back_soon(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_pass(&net, 20000);
	net.is_cut = true;
	lab_pass(&net, 76000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	net.is_cut = false;
	lab_pass(&net, 20000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_close(&net);
}

static void link_closed_by_the_other_side_is_left_for_half_a_minute(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_pass(&net, 20000);
	CU_ASSERT_TRUE(lab_disconnect(b, a));
	lab_pass(&net, 22000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	lab_pass(&net, 18000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_close(&net);
}

static void peer_that_we_disconnected_stays_away(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_disconnect(a, b));
	lab_pass(&net, 300000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_connect(b, a));
	lab_run(&net);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_FALSE(lab_peer(a, b)->want.is_held);
	lab_close(&net);
}

static void unwanted_peer_is_not_dialled_again(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	lab_run(&net);
	fli_dist_unwant(a->dist, b->node->name);
	net.is_cut = true;
	lab_pass(&net, 76000);
	net.is_cut = false;
	lab_pass(&net, 300000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	lab_close(&net);
}

static void two_that_want_each_other_do_not_flap(void)
{
	open_two();
	CU_ASSERT_TRUE(lab_want(a, b));
	CU_ASSERT_TRUE(lab_want(b, a));
	lab_pass(&net, 600000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_EQUAL(a->ups, 1);
	CU_ASSERT_EQUAL(b->ups, 1);
	lab_close(&net);
}

FL_SUITE("reconcile", FL_TEST(delays_spread_by_a_quarter), FL_TEST(wanted_peer_is_dialled_at_once),
	FL_TEST(absent_peer_is_tried_until_it_is_there), FL_TEST(delays_grow_to_half_a_minute),
	FL_TEST(broken_link_comes_back_soon),
	FL_TEST(link_closed_by_the_other_side_is_left_for_half_a_minute),
	FL_TEST(peer_that_we_disconnected_stays_away), FL_TEST(unwanted_peer_is_not_dialled_again),
	FL_TEST(two_that_want_each_other_do_not_flap));
