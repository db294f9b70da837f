/* SPDX-License-Identifier: Apache-2.0 */
/* What connections of the simulated world make of each fault. */
#include <string.h>

#include "tests/support/sim_guest.h"
#include "tests/support/suite.h"

typedef struct pair {
	fl_sim *sim;
	observer *a, *b;
} pair;

static pair pair_open(uint64_t seed)
{
	pair p = {.sim = fl_sim_new(&(fl_sim_options){.seed = seed})};

	p.a = observer_new(p.sim, "one");
	p.b = observer_new(p.sim, "two");
	return p;
}

static void pair_close(pair *p)
{
	fl_sim_delete(p->sim);
	observer_delete(p->a);
	observer_delete(p->b);
}

static void set(pair *p, fl_sim_link link)
{
	fl_sim_set_link(p->sim, "one", "two", &link);
}

static void bytes_arrive_in_order_and_the_end_after_them(void)
{
	pair p = pair_open(1);

	set(&p, (fl_sim_link){.delay_us = 100, .jitter_us = 50000});
	observers_connect(p.a, p.b);
	fl_sim_run(p.sim, 100);
	for (int i = 0; i < 3; i++)
		observer_write(p.a, 251);
	fli_guest_close(p.a->guest, p.a->conn);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 753);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	CU_ASSERT_EQUAL(p.b->log[p.b->log_size - 1], 'e');
	CU_ASSERT_EQUAL(p.b->code, FL_ECLOSED);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	pair_close(&p);
}

static void nobody_listening_is_refused(void)
{
	pair p = pair_open(1);

	(void)fli_guest_dial(p.a->guest, "two", 5001);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_STRING_EQUAL(p.a->log, "e");
	CU_ASSERT_EQUAL(p.a->code, FL_EREFUSED);
	set(&p, (fl_sim_link){.is_refused = true});
	observers_connect(p.a, p.b);
	CU_ASSERT_STRING_EQUAL(p.a->log, "ee");
	pair_close(&p);
}

static void a_name_that_cannot_be_looked_up_is_no_entry(void)
{
	pair p = pair_open(1);

	(void)fli_guest_dial(p.a->guest, "three", 5000);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_EQUAL(p.a->code, FL_ENOENT);
	p.a->code = 0;
	set(&p, (fl_sim_link){.is_unknown = true});
	observers_connect(p.a, p.b);
	CU_ASSERT_EQUAL(p.a->code, FL_ENOENT);
	pair_close(&p);
}

static void a_lost_path_holds_bytes_until_it_heals(void)
{
	pair p = pair_open(1);

	observers_connect(p.a, p.b);
	fl_sim_cut(p.sim, "one", "two");
	observer_write(p.a, 1000);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_EQUAL(p.b->in_size, 0);
	CU_ASSERT_STRING_EQUAL(p.b->log, "A");
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 8001);
	CU_ASSERT_EQUAL(p.b->in_size, 1000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	pair_close(&p);
}

static void loss_one_way_lets_the_other_way_pass(void)
{
	pair p = pair_open(1);

	observers_connect(p.a, p.b);
	set(&p, (fl_sim_link){.is_lost = true});
	observer_write(p.a, 100);
	observer_write(p.b, 100);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 0);
	CU_ASSERT_EQUAL(p.a->in_size, 100);
	pair_close(&p);
}

static void what_is_read_but_not_acknowledged_keeps_the_window_full(void)
{
	pair p = pair_open(1);

	set(&p, (fl_sim_link){.window_bytes = 1000});
	observers_connect(p.a, p.b);
	fl_sim_set_link(p.sim, "two", "one", &(fl_sim_link){.is_lost = true});
	observer_write(p.a, 5000);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 1000);
	fl_sim_mend(p.sim, "two", "one");
	fl_sim_run(p.sim, 10000);
	CU_ASSERT_EQUAL(p.b->in_size, 5000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	pair_close(&p);
}

static void bytes_held_for_too_long_end_the_connection_for_their_sender(void)
{
	pair p = pair_open(1);

	fl_sim_give_up_after(p.sim, 30000);
	observers_connect(p.a, p.b);
	fl_sim_cut(p.sim, "one", "two");
	observer_write(p.a, 10);
	fl_sim_run(p.sim, 29000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	fl_sim_run(p.sim, 10000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "oe");
	CU_ASSERT_EQUAL(p.a->code, FL_ETIMEOUT);
	CU_ASSERT_STRING_EQUAL(p.b->log, "A");
	pair_close(&p);
}

static void dialling_over_a_lost_path_is_tried_again(void)
{
	pair p = pair_open(1);

	fl_sim_cut(p.sim, "one", "two");
	observers_connect(p.a, p.b);
	fl_sim_run(p.sim, 2000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "");
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 2000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	CU_ASSERT_STRING_EQUAL(p.b->log, "A");
	pair_close(&p);
}

static void dialling_into_nothing_times_out(void)
{
	pair p = pair_open(1);

	fl_sim_set_link(p.sim, "two", "one", &(fl_sim_link){.is_lost = true});
	observers_connect(p.a, p.b);
	fl_sim_run(p.sim, 126000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "");
	fl_sim_run(p.sim, 10000);
	CU_ASSERT_EQUAL(p.a->code, FL_ETIMEOUT);
	CU_ASSERT_STRING_EQUAL(p.b->log, "");
	pair_close(&p);
}

static void a_reset_reaches_both_sides(void)
{
	pair p = pair_open(1);

	observers_connect(p.a, p.b);
	CU_ASSERT_EQUAL(fl_sim_reset(p.sim, "two", "one"), 1);
	fl_sim_run(p.sim, 1);
	CU_ASSERT_EQUAL(p.a->code, FL_EIO);
	CU_ASSERT_EQUAL(p.b->code, FL_EIO);
	CU_ASSERT_EQUAL(fli_guest_write(p.a->guest, p.a->conn, "x", 1), FL_ECLOSED);
	pair_close(&p);
}

static void a_slow_path_takes_its_time(void)
{
	pair p = pair_open(1);

	set(&p, (fl_sim_link){.bytes_per_s = 10000});
	observers_connect(p.a, p.b);
	observer_write(p.a, 20000);
	fl_sim_run(p.sim, 1900);
	CU_ASSERT_STRING_EQUAL(p.b->log, "A");
	fl_sim_run(p.sim, 200);
	CU_ASSERT_EQUAL(p.b->in_size, 20000);
	pair_close(&p);
}

static void reads_may_be_short_at_any_byte(void)
{
	pair p = pair_open(3);

	set(&p, (fl_sim_link){.read_max = 7});
	observers_connect(p.a, p.b);
	observer_write(p.a, 3000);
	fl_sim_run(p.sim, 100);
	CU_ASSERT_EQUAL(p.b->in_size, 3000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	CU_ASSERT_EQUAL(p.b->read_max, 7);
	CU_ASSERT_TRUE(p.b->reads > 500);
	pair_close(&p);
}

static void writes_may_be_short_at_any_byte(void)
{
	pair p = pair_open(3);

	set(&p, (fl_sim_link){.write_max = 5});
	observers_connect(p.a, p.b);
	observer_write(p.a, 1000);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 1000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	CU_ASSERT_TRUE(p.b->reads > 100);
	pair_close(&p);
}

static void what_is_gathered_arrives_in_one_read(void)
{
	pair p = pair_open(3);

	set(&p, (fl_sim_link){.gather_us = 5000});
	observers_connect(p.a, p.b);
	fl_sim_run(p.sim, 100);
	for (int i = 0; i < 3; i++) {
		observer_write(p.a, 251);
		fl_sim_run(p.sim, 1);
	}
	fl_sim_run(p.sim, 100);
	CU_ASSERT_EQUAL(p.b->in_size, 753);
	CU_ASSERT_EQUAL(p.b->reads, 1);
	pair_close(&p);
}

static void a_paused_reader_fills_the_window(void)
{
	pair p = pair_open(3);

	set(&p, (fl_sim_link){.window_bytes = 4096});
	observers_connect(p.a, p.b);
	fli_guest_pause(p.b->guest);
	observer_write(p.a, 100000);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_EQUAL(p.b->in_size, 0);
	fli_guest_resume(p.b->guest);
	fl_sim_run(p.sim, 0);
	CU_ASSERT_EQUAL(p.b->in_size, 4096);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 100000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	pair_close(&p);
}

static void a_killed_program_s_machine_closes_its_connections(void)
{
	pair p = pair_open(3);

	observers_connect(p.a, p.b);
	fli_guest_crash(p.b->guest, FL_SIM_KILLED);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_EQUAL(p.a->code, FL_ECLOSED);
	CU_ASSERT_STRING_EQUAL(p.b->log, "A");
	pair_close(&p);
}

static void a_program_killed_with_unread_bytes_resets(void)
{
	pair p = pair_open(3);

	observers_connect(p.a, p.b);
	fli_guest_pause(p.b->guest);
	observer_write(p.a, 10);
	fl_sim_run(p.sim, 10);
	fli_guest_crash(p.b->guest, FL_SIM_KILLED);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_EQUAL(p.a->code, FL_EIO);
	pair_close(&p);
}

static void a_vanished_machine_leaves_half_open_connections(void)
{
	pair p = pair_open(3);

	observers_connect(p.a, p.b);
	fli_guest_crash(p.b->guest, FL_SIM_VANISHED);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	observer_write(p.a, 10);
	fl_sim_run(p.sim, 60000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	fli_guest_revive(p.b->guest);
	fl_sim_run(p.sim, 10000);
	CU_ASSERT_STRING_EQUAL(p.a->log, "oe");
	CU_ASSERT_EQUAL(p.a->code, FL_EIO);
	pair_close(&p);
}

static void a_split_cuts_between_groups_only(void)
{
	pair p = pair_open(3);
	observer *c = observer_new(p.sim, "three");

	observers_connect(p.a, p.b);
	observers_connect(c, p.b);
	fl_sim_split(p.sim, "one two | three");
	observer_write(p.a, 10);
	observer_write(c, 10);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 10);
	fl_sim_heal(p.sim);
	fl_sim_run(p.sim, 9000);
	CU_ASSERT_EQUAL(p.b->in_size, 20);
	pair_close(&p);
	observer_delete(c);
}

static void timers_fire_once_and_move(void)
{
	pair p = pair_open(3);

	fli_guest_timer(p.a->guest, 10, 1);
	fli_guest_timer(p.a->guest, 20, 1);
	fli_guest_timer(p.a->guest, 15, 2);
	fli_guest_timer(p.a->guest, 16, 3);
	fli_guest_untimer(p.a->guest, 3);
	fl_sim_run(p.sim, 15);
	CU_ASSERT_STRING_EQUAL(p.a->log, "t");
	fl_sim_run(p.sim, 100);
	CU_ASSERT_STRING_EQUAL(p.a->log, "tt");
	pair_close(&p);
}

static void what_was_written_before_a_close_arrives(void)
{
	pair p = pair_open(3);

	set(&p, (fl_sim_link){.window_bytes = 100});
	observers_connect(p.a, p.b);
	observer_write(p.a, 5000);
	fli_guest_close(p.a->guest, p.a->conn);
	CU_ASSERT_EQUAL(fli_guest_write(p.a->guest, p.a->conn, "x", 1), FL_ECLOSED);
	fl_sim_run(p.sim, 1000);
	CU_ASSERT_EQUAL(p.b->in_size, 5000);
	CU_ASSERT_TRUE(observer_is_whole(p.b));
	CU_ASSERT_EQUAL(p.b->code, FL_ECLOSED);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	pair_close(&p);
}

static void who_waits_to_be_accepted_ends_with_the_listener(void)
{
	pair p = pair_open(3);

	CU_ASSERT_EQUAL(fli_guest_listen(p.b->guest, 5000, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_guest_listen(p.b->guest, 5000, NULL), FL_ETAKEN);
	fli_guest_pause(p.b->guest);
	observers_connect(p.a, p.b);
	CU_ASSERT_STRING_EQUAL(p.a->log, "o");
	fli_guest_unlisten(p.b->guest, 5000);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_STRING_EQUAL(p.a->log, "oe");
	fli_guest_resume(p.b->guest);
	fl_sim_run(p.sim, 10);
	CU_ASSERT_STRING_EQUAL(p.b->log, "");
	pair_close(&p);
}

static void a_dial_that_is_closed_early_leaves_nothing_behind(void)
{
	pair p = pair_open(3);

	CU_ASSERT_EQUAL(fli_guest_listen(p.b->guest, 5000, NULL), FL_OK);
	for (int us = 0; us < 12; us++) {
		fli_guest_conn conn = fli_guest_dial(p.a->guest, "two", 5000);

		set(&p, (fl_sim_link){.delay_us = 1000});
		fl_sim_run(p.sim, (uint64_t)us / 3);
		fli_guest_close(p.a->guest, conn);
		fl_sim_run(p.sim, 100);
	}
	CU_ASSERT_EQUAL(fl_sim_reset(p.sim, "one", "two"), 0);
	pair_close(&p);
}

static void timers_of_a_paused_guest_fire_when_it_goes_on(void)
{
	pair p = pair_open(3);

	fli_guest_timer(p.a->guest, 10, 1);
	fli_guest_pause(p.a->guest);
	fl_sim_run(p.sim, 100);
	CU_ASSERT_STRING_EQUAL(p.a->log, "");
	fli_guest_resume(p.a->guest);
	fl_sim_run(p.sim, 0);
	CU_ASSERT_STRING_EQUAL(p.a->log, "t");
	CU_ASSERT_EQUAL(fli_guest_now_ms(p.a->guest), 100);
	pair_close(&p);
}

static void guests_draw_the_same_again(void)
{
	uint64_t drawn[2];

	for (int i = 0; i < 2; i++) {
		pair p = pair_open(3);

		fli_guest_random(p.a->guest, &drawn[i], sizeof drawn[i]);
		pair_close(&p);
	}
	CU_ASSERT_EQUAL(drawn[0], drawn[1]);
}

FL_SUITE("sim_net", FL_TEST(bytes_arrive_in_order_and_the_end_after_them),
	FL_TEST(nobody_listening_is_refused), FL_TEST(a_name_that_cannot_be_looked_up_is_no_entry),
	FL_TEST(a_lost_path_holds_bytes_until_it_heals),
	FL_TEST(loss_one_way_lets_the_other_way_pass),
	FL_TEST(what_is_read_but_not_acknowledged_keeps_the_window_full),
	FL_TEST(bytes_held_for_too_long_end_the_connection_for_their_sender),
	FL_TEST(dialling_over_a_lost_path_is_tried_again), FL_TEST(dialling_into_nothing_times_out),
	FL_TEST(a_reset_reaches_both_sides), FL_TEST(a_slow_path_takes_its_time),
	FL_TEST(reads_may_be_short_at_any_byte), FL_TEST(writes_may_be_short_at_any_byte),
	FL_TEST(what_is_gathered_arrives_in_one_read), FL_TEST(a_paused_reader_fills_the_window),
	FL_TEST(a_killed_program_s_machine_closes_its_connections),
	FL_TEST(a_program_killed_with_unread_bytes_resets),
	FL_TEST(a_vanished_machine_leaves_half_open_connections),
	FL_TEST(a_split_cuts_between_groups_only), FL_TEST(timers_fire_once_and_move),
	FL_TEST(what_was_written_before_a_close_arrives),
	FL_TEST(who_waits_to_be_accepted_ends_with_the_listener),
	FL_TEST(a_dial_that_is_closed_early_leaves_nothing_behind),
	FL_TEST(timers_of_a_paused_guest_fire_when_it_goes_on),
	FL_TEST(guests_draw_the_same_again));
