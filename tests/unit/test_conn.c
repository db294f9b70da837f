/* SPDX-License-Identifier: Apache-2.0 */
/* Links that are up: ticks, silence, slow readers, bytes that make no sense. */

#include <string.h>

#include "tests/support/lab.h"
#include "tests/support/suite.h"

static lab net;

static void open_pair(lab_host **a, lab_host **b, void (*change)(fli_dist_config *config))
{
	lab_open(&net, fli_mem_libc());
	*a = lab_add(&net, "a@h.x", change);
	*b = lab_add(&net, "b@h.x", NULL);
	(void)lab_connect(*a, *b);
	lab_run(&net);
}

static void idle_link_stays_up_by_ticks(void)
{
	lab_host *a, *b;

	open_pair(&a, &b, NULL);
	lab_pass(&net, 3600 * 1000);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	CU_ASSERT_TRUE(lab_peer(a, b)->conn->in.stats.ticks >= 239);
	CU_ASSERT_TRUE(lab_peer(a, b)->conn->in.stats.ticks <= 240);
	lab_close(&net);
}

static void no_tick_goes_while_messages_go(void)
{
	lab_host *a, *b;

	open_pair(&a, &b, NULL);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(lab_send(a, b, "x"), FL_OK);
		lab_pass(&net, 10000);
	}
	CU_ASSERT_EQUAL(lab_peer(b, a)->conn->in.stats.ticks, 0);
	CU_ASSERT_EQUAL(b->received, 20);
	lab_close(&net);
}

static void silent_peer_is_lost_after_five_quarters(void)
{
	lab_host *a, *b;

	open_pair(&a, &b, NULL);
	net.is_cut = true;
	lab_pass(&net, 74990);
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_pass(&net, 20);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_FALSE(lab_is_up(b, a));
	CU_ASSERT_STRING_EQUAL(a->reason, "net_tick_timeout");
	CU_ASSERT_TRUE(lab_logged(a, "sent nothing"));
	lab_close(&net);
}

static void part_of_a_frame_is_a_sign_of_life(void)
{
	static const uint8_t head[] = {0, 0, 0x10, 0};
	static const uint8_t one[] = {131};
	lab_host *a, *b;
	fli_conn *conn;

	open_pair(&a, &b, NULL);
	conn = lab_peer(b, a)->conn;
	net.is_cut = true;
	fli_drive_begin(b->node);
	fli_conn_feed(conn, head, sizeof head);
	fli_drive_end(b->node);
	for (int i = 0; i < 5; i++) {
		lab_pass(&net, 60000);
		fli_drive_begin(b->node);
		if (lab_is_up(b, a))
			fli_conn_feed(conn, one, sizeof one);
		fli_drive_end(b->node);
	}
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, a));
	lab_close(&net);
}

/* A binary as text would be long to write: many small messages. */
static void send_many(lab_host *from, lab_host *to, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (lab_send(from, to, "<<\"0123456789012345678901234567890123456789\">>") != FL_OK)
			return;
	}
}

static void low_marks(fli_dist_config *config)
{
	config->limits.out_soft_bytes = 8000;
	config->limits.out_hard_bytes = 100000;
}

static void slow_reader_makes_its_peer_busy_and_then_ready(void)
{
	lab_host *a, *b;
	const fli_remote_ops *ops = fli_remote_ops_table();
	fli_peer *peer;

	open_pair(&a, &b, low_marks);
	peer = &lab_peer(a, b)->base;
	net.is_stopped = true;
	net.window = 1000;
	send_many(a, b, 50);
	CU_ASSERT_FALSE(ops->is_busy(peer));
	send_many(a, b, 200);
	CU_ASSERT_TRUE(ops->is_busy(peer));
	CU_ASSERT_TRUE(lab_peer(a, b)->conn->has_waiters);
	lab_run(&net);
	CU_ASSERT_TRUE(ops->is_busy(peer));
	net.is_stopped = false;
	lab_run(&net);
	CU_ASSERT_FALSE(ops->is_busy(peer));
	CU_ASSERT_FALSE(lab_peer(a, b)->conn->has_waiters);
	CU_ASSERT_EQUAL(b->received, 250);
	CU_ASSERT_EQUAL(fli_outbound_size(&lab_peer(a, b)->conn->out), 0);
	lab_close(&net);
}

static void output_past_the_hard_mark_ends_the_connection(void)
{
	lab_host *a, *b;

	open_pair(&a, &b, low_marks);
	net.is_stopped = true;
	net.window = 1000;
	send_many(a, b, 5000);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(a, "reads too slowly"));
	net.is_stopped = false;
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(b, a));
	lab_close(&net);
}

static void peer_that_never_reads_is_lost_although_it_ticks(void)
{
	static const uint8_t tick[4] = {0};
	lab_host *a, *b;
	fli_conn *conn;

	open_pair(&a, &b, NULL);
	conn = lab_peer(a, b)->conn;
	net.is_stopped = true;
	net.window = 1000;
	send_many(a, b, 100);
	for (int i = 0; i < 7; i++) {
		lab_pass(&net, 10000);
		fli_drive_begin(a->node);
		fli_conn_feed(conn, tick, sizeof tick);
		fli_drive_end(a->node);
	}
	CU_ASSERT_TRUE(lab_is_up(a, b));
	lab_pass(&net, 10000);
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_logged(a, "read nothing"));
	lab_close(&net);
}

static void bytes_that_make_no_sense_end_that_link_alone(void)
{
	static const uint8_t junk[] = {0, 0, 0, 5, 131, 68, 0, 1, 2};
	lab_host *a, *b, *c;

	open_pair(&a, &b, NULL);
	c = lab_add(&net, "c@h.x", NULL);
	CU_ASSERT_TRUE(lab_connect(c, b));
	lab_run(&net);
	fli_drive_begin(b->node);
	fli_conn_feed(lab_peer(b, a)->conn, junk, sizeof junk);
	fli_peers_reap(b->dist);
	fli_drive_end(b->node);
	lab_run(&net);
	CU_ASSERT_FALSE(lab_is_up(b, a));
	CU_ASSERT_FALSE(lab_is_up(a, b));
	CU_ASSERT_TRUE(lab_is_up(b, c));
	CU_ASSERT_EQUAL(b->dist->counters.protocol_errors, 1);
	CU_ASSERT_TRUE(lab_logged(b, "disconnected from a@h.x"));
	lab_close(&net);
}

static void disconnect_is_told_by_that_reason_here(void)
{
	lab_host *a, *b;

	open_pair(&a, &b, NULL);
	CU_ASSERT_TRUE(lab_disconnect(a, b));
	CU_ASSERT_FALSE(lab_disconnect(a, b));
	lab_run(&net);
	CU_ASSERT_STRING_EQUAL(a->reason, "disconnect");
	CU_ASSERT_STRING_EQUAL(b->reason, "connection_closed");
	CU_ASSERT_FALSE(lab_is_up(b, a));
	lab_close(&net);
}

static void leaving_closes_all_links_at_once(void)
{
	lab_host *a, *b, *c;

	open_pair(&a, &b, NULL);
	c = lab_add(&net, "c@h.x", NULL);
	CU_ASSERT_TRUE(lab_connect(a, c));
	lab_run(&net);
	fli_drive_begin(a->node);
	fli_dist_leave(a->dist);
	fli_drive_end(a->node);
	lab_run(&net);
	CU_ASSERT_EQUAL(a->downs, 2);
	CU_ASSERT_EQUAL(b->downs, 1);
	CU_ASSERT_EQUAL(c->downs, 1);
	CU_ASSERT_FALSE(lab_connect(b, a) && (lab_run(&net), lab_is_up(b, a)));
	lab_close(&net);
}

FL_SUITE("conn", FL_TEST(idle_link_stays_up_by_ticks), FL_TEST(no_tick_goes_while_messages_go),
	FL_TEST(silent_peer_is_lost_after_five_quarters),
	FL_TEST(part_of_a_frame_is_a_sign_of_life),
	FL_TEST(slow_reader_makes_its_peer_busy_and_then_ready),
	FL_TEST(output_past_the_hard_mark_ends_the_connection),
	FL_TEST(peer_that_never_reads_is_lost_although_it_ticks),
	FL_TEST(bytes_that_make_no_sense_end_that_link_alone),
	FL_TEST(disconnect_is_told_by_that_reason_here), FL_TEST(leaving_closes_all_links_at_once));
