/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/wheel.h"

#include <stdlib.h>

#include "node/base/mem.h"
#include "tests/support/suite.h"

struct probe {
	fli_timer timer;
	unsigned fired;
	uint64_t fired_ms;
	unsigned order;
	uint64_t again_ms; /* restarted that much later, unless 0 */
	fli_timer *stops;
};

static fli_wheel wheel;
static unsigned fired_total;
static uint64_t last_due_ms;

static void on_fire(fli_timer *timer)
{
	struct probe *p = fli_container_of(timer, struct probe, timer);

	p->fired++;
	p->fired_ms = wheel.now_ms;
	p->order = fired_total++;
	CU_ASSERT(timer->due_ms >= last_due_ms || timer->due_ms < wheel.now_ms);
	last_due_ms = timer->due_ms;
	if (p->stops != NULL)
		fli_wheel_stop(p->stops);
	if (p->again_ms != 0)
		fli_wheel_start(&wheel, timer, wheel.now_ms + p->again_ms);
}

static void begin(uint64_t now_ms)
{
	fli_wheel_create(&wheel, now_ms);
	fired_total = 0;
	last_due_ms = 0;
}

static void a_timer_fires_at_its_millisecond_and_once(void)
{
	static const uint64_t delays[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262144, 86400000};

	for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
		struct probe p = {.timer.fire = on_fire};

		begin(1000003);
		fli_wheel_start(&wheel, &p.timer, wheel.now_ms + delays[i]);
		fli_wheel_advance(&wheel, 1000003 + delays[i] - 1);
		CU_ASSERT_EQUAL(p.fired, 0);
		fli_wheel_advance(&wheel, 1000003 + delays[i]);
		CU_ASSERT_EQUAL(p.fired, 1);
		fli_wheel_advance(&wheel, 1000003 + delays[i] * 3);
		CU_ASSERT_EQUAL(p.fired, 1);
		CU_ASSERT_FALSE(fli_timer_is_running(&p.timer));
	}
}

static void a_far_jump_fires_each_at_its_own_time(void)
{
	enum { COUNT = 2000 };
	static struct probe probes[COUNT];
	uint64_t seed = 7;

	begin(12345);
	for (size_t i = 0; i < COUNT; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		probes[i] = (struct probe){.timer.fire = on_fire};
		fli_wheel_start(&wheel, &probes[i].timer, 12346 + (seed >> 40));
	}
	fli_wheel_advance(&wheel, UINT64_C(1) << 40);
	for (size_t i = 0; i < COUNT; i++) {
		CU_ASSERT_EQUAL(probes[i].fired, 1);
		CU_ASSERT_EQUAL(probes[i].fired_ms, probes[i].timer.due_ms);
	}
	CU_ASSERT_EQUAL(fli_wheel_next(&wheel), FLI_WHEEL_NEVER);
}

static void equal_due_times_fire_in_starting_order(void)
{
	struct probe a = {.timer.fire = on_fire}, b = a, c = a;

	begin(0);
	fli_wheel_start(&wheel, &a.timer, 5000);
	fli_wheel_advance(&wheel, 4900);
	fli_wheel_start(&wheel, &b.timer, 5000);
	fli_wheel_advance(&wheel, 4999);
	fli_wheel_start(&wheel, &c.timer, 5000);
	fli_wheel_advance(&wheel, 6000);
	CU_ASSERT_EQUAL(a.order, 0);
	CU_ASSERT_EQUAL(b.order, 1);
	CU_ASSERT_EQUAL(c.order, 2);
}

static void stop_is_idempotent_and_safe_on_zeroed_timers(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(0);
	fli_wheel_stop(&p.timer);
	fli_wheel_start(&wheel, &p.timer, 10);
	CU_ASSERT_TRUE(fli_timer_is_running(&p.timer));
	fli_wheel_stop(&p.timer);
	fli_wheel_stop(&p.timer);
	CU_ASSERT_FALSE(fli_timer_is_running(&p.timer));
	fli_wheel_advance(&wheel, 100);
	CU_ASSERT_EQUAL(p.fired, 0);
}

static void restart_moves_a_running_timer(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(0);
	fli_wheel_start(&wheel, &p.timer, 10);
	fli_wheel_start(&wheel, &p.timer, 1000);
	fli_wheel_advance(&wheel, 999);
	CU_ASSERT_EQUAL(p.fired, 0);
	fli_wheel_advance(&wheel, 1000);
	CU_ASSERT_EQUAL(p.fired, 1);
}

static void what_is_due_already_fires_at_the_next_advance(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(50);
	fli_wheel_start(&wheel, &p.timer, 50);
	CU_ASSERT_EQUAL(p.fired, 0);
	CU_ASSERT_EQUAL(fli_wheel_next(&wheel), 50);
	fli_wheel_advance(&wheel, 50);
	CU_ASSERT_EQUAL(p.fired, 1);
	fli_wheel_start(&wheel, &p.timer, 3);
	fli_wheel_advance(&wheel, 50);
	CU_ASSERT_EQUAL(p.fired, 2);
}

static void a_callback_may_restart_its_timer(void)
{
	struct probe p = {.timer.fire = on_fire, .again_ms = 10};

	begin(0);
	fli_wheel_start(&wheel, &p.timer, 10);
	fli_wheel_advance(&wheel, 1000);
	CU_ASSERT_EQUAL(p.fired, 100);
	fli_wheel_stop(&p.timer);
}

static void start_at_once(fli_timer *timer)
{
	struct probe *p = fli_container_of(timer, struct probe, timer);

	p->fired++;
	fli_wheel_start(&wheel, timer, 0);
}

static void a_callback_that_is_always_due_cannot_hold_the_clock(void)
{
	struct probe p = {.timer.fire = start_at_once};

	begin(0);
	fli_wheel_start(&wheel, &p.timer, 0);
	fli_wheel_advance(&wheel, 10);
	CU_ASSERT_EQUAL(p.fired, 11);
	fli_wheel_stop(&p.timer);
}

static void a_callback_may_stop_one_due_at_the_same_time(void)
{
	struct probe b = {.timer.fire = on_fire}, a = {.timer.fire = on_fire, .stops = &b.timer};

	begin(0);
	fli_wheel_start(&wheel, &a.timer, 70);
	fli_wheel_start(&wheel, &b.timer, 70);
	fli_wheel_advance(&wheel, 100);
	CU_ASSERT_EQUAL(a.fired, 1);
	CU_ASSERT_EQUAL(b.fired, 0);
}

static void next_is_never_late_and_leads_to_the_timer(void)
{
	uint64_t seed = 99;

	begin(777);
	for (int i = 0; i < 2000; i++) {
		struct probe p = {.timer.fire = on_fire};
		uint64_t next;
		int steps = 0;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		fli_wheel_start(&wheel, &p.timer, wheel.now_ms + 1 + (seed >> (24 + i % 40)));
		last_due_ms = 0;
		while (p.fired == 0 && steps++ < FLI_WHEEL_LEVELS) {
			next = fli_wheel_next(&wheel);
			CU_ASSERT(next <= p.timer.due_ms);
			fli_wheel_advance(&wheel, next);
		}
		CU_ASSERT_EQUAL(p.fired, 1);
		CU_ASSERT_EQUAL(p.fired_ms, p.timer.due_ms);
		fli_wheel_stop(&p.timer);
	}
}

static void a_stopped_timer_leaves_no_wake_up_behind(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(0);
	fli_wheel_start(&wheel, &p.timer, 5000);
	fli_wheel_stop(&p.timer);
	CU_ASSERT_EQUAL(fli_wheel_next(&wheel), FLI_WHEEL_NEVER);
}

static void a_clock_that_steps_back_is_ignored(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(100);
	fli_wheel_start(&wheel, &p.timer, 110);
	fli_wheel_advance(&wheel, 20);
	CU_ASSERT_EQUAL(wheel.now_ms, 100);
	fli_wheel_advance(&wheel, 110);
	CU_ASSERT_EQUAL(p.fired, 1);
}

static void the_last_millisecond_of_time_can_be_waited_for(void)
{
	struct probe p = {.timer.fire = on_fire};

	begin(1);
	fli_wheel_start(&wheel, &p.timer, UINT64_MAX - 1);
	fli_wheel_advance(&wheel, UINT64_MAX - 2);
	CU_ASSERT_EQUAL(p.fired, 0);
	fli_wheel_advance(&wheel, UINT64_MAX);
	CU_ASSERT_EQUAL(p.fired, 1);
}

FL_SUITE("wheel", FL_TEST(a_timer_fires_at_its_millisecond_and_once),
	FL_TEST(a_far_jump_fires_each_at_its_own_time),
	FL_TEST(equal_due_times_fire_in_starting_order),
	FL_TEST(stop_is_idempotent_and_safe_on_zeroed_timers),
	FL_TEST(restart_moves_a_running_timer),
	FL_TEST(what_is_due_already_fires_at_the_next_advance),
	FL_TEST(a_callback_may_restart_its_timer),
	FL_TEST(a_callback_that_is_always_due_cannot_hold_the_clock),
	FL_TEST(a_callback_may_stop_one_due_at_the_same_time),
	FL_TEST(next_is_never_late_and_leads_to_the_timer),
	FL_TEST(a_stopped_timer_leaves_no_wake_up_behind),
	FL_TEST(a_clock_that_steps_back_is_ignored),
	FL_TEST(the_last_millisecond_of_time_can_be_waited_for));
