/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pace.h"

#include "tests/support/suite.h"

#define STEP_NS 100000

static fli_pace pace;
static uint64_t now_ns, handled;

/* Steps for so many milliseconds; counts those in which pauses were wanted, in percent. */
static unsigned run(unsigned ms, unsigned per_step_off, unsigned per_step_on)
{
	unsigned steps = ms * 1000000 / STEP_NS, on = 0;

	for (unsigned i = 0; i < steps; i++) {
		bool is_on = fli_pace_step(&pace, now_ns += STEP_NS, handled);

		on += is_on;
		handled += is_on ? per_step_on : per_step_off;
	}
	return on * 100 / steps;
}

static void start(void)
{
	pace = (fli_pace){0};
	now_ns = 1000000000;
	handled = 0;
}

static void pauses_that_bring_more_are_kept(void)
{
	start();
	(void)run(200, 10, 13);
	CU_ASSERT(run(1000, 10, 13) >= 90);
}

static void pauses_that_bring_less_are_only_probed(void)
{
	start();
	CU_ASSERT(run(1000, 13, 10) <= 10);
}

static void pauses_that_bring_nothing_are_left_out(void)
{
	start();
	CU_ASSERT(run(1000, 10, 10) <= 10);
}

static void change_of_the_peer_is_noticed(void)
{
	start();
	(void)run(500, 10, 13);
	(void)run(300, 40, 10);
	CU_ASSERT(run(1000, 40, 10) <= 10);
}

static void silence_in_a_probe_takes_it_back(void)
{
	start();
	while (!fli_pace_step(&pace, now_ns += STEP_NS, handled))
		handled += 10;
	CU_ASSERT_TRUE(pace.is_probe);
	now_ns += 1000000000;
	CU_ASSERT_FALSE(fli_pace_step(&pace, now_ns, handled));
	CU_ASSERT_FALSE(pace.is_probe);
}

FL_SUITE("pace", FL_TEST(pauses_that_bring_more_are_kept),
	FL_TEST(pauses_that_bring_less_are_only_probed),
	FL_TEST(pauses_that_bring_nothing_are_left_out), FL_TEST(change_of_the_peer_is_noticed),
	FL_TEST(silence_in_a_probe_takes_it_back));
