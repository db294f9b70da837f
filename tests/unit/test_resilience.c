/* SPDX-License-Identifier: Apache-2.0 */
/* Breaker, bulkhead, rate and retry, in exact time. */
#include <flitch.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static void expect(fl_buf *buf, const char *text)
{
	char got[512];

	CU_ASSERT_STRING_EQUAL(fl_print_to(got, sizeof got, fl_buf_term(buf)), text);
	if (strcmp(got, text) != 0)
		printf("    is %s\n", got);
	fl_buf_free(buf);
}

/* ---- breaker ----------------------------------------------------------------------------------
 */

static void breaker_opens_by_one_failure_too_many_in_its_window(void)
{
	fl_breaker b = {.failures_max = 2, .window_ms = 100, .open_ms = 50};

	fl_breaker_tell(&b, 0, false);
	fl_breaker_tell(&b, 100, false);
	fl_breaker_tell(&b, 101, false); /* the first one is out of the window */
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 101));
	fl_breaker_tell(&b, 200, false); /* those of 100, 101 and 200 are within 100 ms */
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_OPEN);
	CU_ASSERT_FALSE(fl_breaker_ask(&b, 200));
	CU_ASSERT_FALSE(fl_breaker_ask(&b, 249));
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 250));
	CU_ASSERT_EQUAL(b.refused, 2);
}

static void half_open_breaker_lets_probes_pass_and_believes_them(void)
{
	fl_breaker b = {.window_ms = 100, .open_ms = 50, .probes = 2};

	fl_breaker_tell(&b, 0, false);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_OPEN);
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 50));
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 51));
	CU_ASSERT_FALSE(fl_breaker_ask(&b, 52));
	fl_breaker_tell(&b, 60, true);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_HALF_OPEN);
	fl_breaker_tell(&b, 61, true);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_CLOSED);
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 62));
}

static void failing_probe_opens_the_breaker_again(void)
{
	fl_breaker b = {.open_ms = 50};

	fl_breaker_tell(&b, 0, false);
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 50));
	fl_breaker_tell(&b, 55, false);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_OPEN);
	CU_ASSERT_FALSE(fl_breaker_ask(&b, 104));
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 105));
	CU_ASSERT_EQUAL(b.opened, 2);
}

static void probe_that_is_never_told_of_does_not_stay_half_open(void)
{
	fl_breaker b = {.open_ms = 50};

	fl_breaker_tell(&b, 0, false);
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 50));
	CU_ASSERT_FALSE(fl_breaker_ask(&b, 99));
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 100));
}

static void breaker_shows_its_state(void)
{
	fl_breaker b = {.failures_max = 1000, .window_ms = 100, .open_ms = 50};
	fl_buf buf = FL_BUF_INIT;

	CU_ASSERT_TRUE(fl_breaker_ask(&b, 5));
	fl_breaker_tell(&b, 5, false);
	CU_ASSERT_EQUAL(fl_breaker_build(&b, 7, &buf), FL_OK);
	expect(&buf,
		"#{failures => 1,failures_max => 63,for_ms => 7,opened => 0,passed => 1,refused => 0,"
		"state => closed}");
	for (int i = 0; i < 62; i++)
		fl_breaker_tell(&b, 6, false);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_CLOSED);
	fl_breaker_tell(&b, 6, false);
	CU_ASSERT_EQUAL(b.state, FL_BREAKER_OPEN);
	fl_breaker_reset(&b, 8);
	CU_ASSERT_TRUE(fl_breaker_ask(&b, 8));
}

/* ---- bulkhead ---------------------------------------------------------------------------------
 */

static void bulkhead_runs_some_lets_some_wait_and_refuses_the_rest(void)
{
	fl_bulkhead b = {.running_max = 2, .waiting_max = 1};
	fl_buf buf = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_bulkhead_enter(&b), FL_BULKHEAD_GO);
	CU_ASSERT_EQUAL(fl_bulkhead_enter(&b), FL_BULKHEAD_GO);
	CU_ASSERT_EQUAL(fl_bulkhead_enter(&b), FL_BULKHEAD_WAIT);
	CU_ASSERT_EQUAL(fl_bulkhead_enter(&b), FL_BULKHEAD_FULL);
	CU_ASSERT_TRUE(fl_bulkhead_leave(&b));
	CU_ASSERT_EQUAL(fl_bulkhead_enter(&b), FL_BULKHEAD_WAIT);
	fl_bulkhead_give_up(&b);
	CU_ASSERT_FALSE(fl_bulkhead_leave(&b));
	CU_ASSERT_EQUAL(fl_bulkhead_build(&b, &buf), FL_OK);
	expect(&buf, "#{entered => 3,refused => 1,running => 1,running_max => 2,running_peak => 2,"
		     "waiting => 0,waiting_max => 1}");
	CU_ASSERT_FALSE(fl_bulkhead_leave(&b));
	CU_ASSERT_FALSE(fl_bulkhead_leave(&b)); /* one too many does no harm */
	CU_ASSERT_EQUAL(b.running, 0);
}

/* ---- rate -------------------------------------------------------------------------------------
 */

static void rate_gives_its_burst_and_then_its_rate(void)
{
	fl_rate r = {.per_second = 10, .burst = 3};

	CU_ASSERT_EQUAL(fl_rate_left(&r, 1000), 3);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fl_rate_take(&r, 1000, 1), 0);
	CU_ASSERT_EQUAL(fl_rate_left(&r, 1000), 0);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 1000, 1), 100);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 1040, 1), 60);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 1099, 1), 1);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 1100, 1), 0);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 1100, 1), 100);
	CU_ASSERT_EQUAL(fl_rate_left(&r, 1350), 2);
	CU_ASSERT_EQUAL(fl_rate_left(&r, 9999), 3);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 9999, 4), UINT64_MAX);
	CU_ASSERT_EQUAL(fl_rate_take(&r, 9999, 3), 0);
	CU_ASSERT_EQUAL(r.taken, 7);
}

static void rate_is_kept_over_a_second_of_asking_each_ms(void)
{
	fl_rate r = {.per_second = 100, .burst = 1};
	fl_buf buf = FL_BUF_INIT;
	int taken = 0;

	for (uint64_t now = 0; now < 1000; now++)
		taken += fl_rate_take(&r, now, 1) == 0;
	CU_ASSERT_EQUAL(taken, 100);
	CU_ASSERT_EQUAL(fl_rate_build(&r, 1000, &buf), FL_OK);
	expect(&buf, "#{burst => 1,left => 1,per_second => 100,refused => 900,taken => 100}");
}

/* ---- retry ------------------------------------------------------------------------------------
 */

static void retry_doubles_up_to_its_limit_and_ends(void)
{
	fl_retry r = {.base_ms = 100, .max_ms = 500, .attempts_max = 5, .jitter = FL_JITTER_NONE};
	static const uint32_t delays[] = {100, 200, 400, 500};
	fl_buf buf = FL_BUF_INIT;
	uint32_t delay;

	for (int i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(fl_retry_next(&r, &delay));
		CU_ASSERT_EQUAL(delay, delays[i]);
	}
	CU_ASSERT_FALSE(fl_retry_next(&r, &delay));
	CU_ASSERT_EQUAL(fl_retry_build(&r, &buf), FL_OK);
	expect(&buf, "#{attempts => 4,attempts_max => 5,last_ms => 500}");
	fl_retry_reset(&r);
	CU_ASSERT_TRUE(fl_retry_next(&r, &delay));
	CU_ASSERT_EQUAL(delay, 100);
}

static void see_range(fl_jitter jitter, uint32_t low, uint32_t high)
{
	uint32_t least = UINT32_MAX, most = 0, delay;
	fl_retry r = {.base_ms = 100, .max_ms = 1000, .attempts_max = 100, .jitter = jitter};

	for (uint64_t seed = 1; seed <= 2000; seed++) {
		r.seed = seed;
		fl_retry_reset(&r);
		CU_ASSERT_TRUE(fl_retry_next(&r, &delay));
		if (delay < least)
			least = delay;
		if (delay > most)
			most = delay;
	}
	CU_ASSERT_EQUAL(least, low);
	CU_ASSERT_EQUAL(most, high);
}

static void jitter_fills_its_range_and_no_more(void)
{
	see_range(FL_JITTER_FULL, 0, 100);
	see_range(FL_JITTER_EQUAL, 50, 100);
	see_range(FL_JITTER_DECORRELATED, 100, 300);
	see_range(FL_JITTER_NONE, 100, 100);
}

static void same_seed_gives_the_same_delays(void)
{
	fl_retry a = {.attempts_max = 50, .seed = 7}, b = a, c = {.attempts_max = 50, .seed = 8};
	uint32_t x, y, z;
	bool differs = false;

	while (fl_retry_next(&a, &x)) {
		CU_ASSERT_TRUE(fl_retry_next(&b, &y));
		CU_ASSERT_TRUE(fl_retry_next(&c, &z));
		CU_ASSERT_EQUAL(x, y);
		CU_ASSERT_TRUE(x <= 30000);
		differs = differs || x != z;
	}
	CU_ASSERT_TRUE(differs);
}

FL_SUITE("resilience", FL_TEST(breaker_opens_by_one_failure_too_many_in_its_window),
	FL_TEST(half_open_breaker_lets_probes_pass_and_believes_them),
	FL_TEST(failing_probe_opens_the_breaker_again),
	FL_TEST(probe_that_is_never_told_of_does_not_stay_half_open),
	FL_TEST(breaker_shows_its_state),
	FL_TEST(bulkhead_runs_some_lets_some_wait_and_refuses_the_rest),
	FL_TEST(rate_gives_its_burst_and_then_its_rate),
	FL_TEST(rate_is_kept_over_a_second_of_asking_each_ms),
	FL_TEST(retry_doubles_up_to_its_limit_and_ends),
	FL_TEST(jitter_fills_its_range_and_no_more), FL_TEST(same_seed_gives_the_same_delays));
