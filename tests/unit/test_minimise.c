/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/minimise.h"

#include <stdlib.h>

#include "tests/support/suite.h"

enum { STEPS = 97 };

typedef struct culprits {
	uint64_t wanted[3];
	size_t count;
	unsigned asked;
} culprits;

static plan plan_of(size_t count)
{
	plan p = {.settings = {.hosts = 2}, .count = count};

	p.steps = calloc(count + 1, sizeof *p.steps);
	for (size_t i = 0; i < count; i++)
		p.steps[i].x = i;
	return p;
}

static bool has_step(const plan *p, uint64_t x)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->steps[i].x == x)
			return true;
	}
	return false;
}

static bool needs_all(const plan *p, void *ctx)
{
	culprits *c = ctx;

	c->asked++;
	for (size_t i = 0; i < c->count; i++) {
		if (!has_step(p, c->wanted[i]))
			return false;
	}
	return true;
}

static void steps_that_are_needed_remain(void)
{
	culprits c = {{3, 50, 96}, 3, 0};
	plan p = plan_of(STEPS);

	CU_ASSERT(minimise(&p, needs_all, &c, 1000));
	CU_ASSERT_EQUAL(p.count, 3);
	CU_ASSERT(has_step(&p, 3) && has_step(&p, 50) && has_step(&p, 96));
	plan_free(&p);
}

static void a_plan_that_fails_by_itself_becomes_empty(void)
{
	culprits c = {{0}, 0, 0};
	plan p = plan_of(STEPS);

	CU_ASSERT(minimise(&p, needs_all, &c, 1000));
	CU_ASSERT_EQUAL(p.count, 0);
	plan_free(&p);
}

static void a_plan_that_does_not_fail_stays(void)
{
	culprits c = {{STEPS + 1}, 1, 0};
	plan p = plan_of(STEPS);

	CU_ASSERT_FALSE(minimise(&p, needs_all, &c, 1000));
	CU_ASSERT_EQUAL(p.count, STEPS);
	CU_ASSERT_EQUAL(c.asked, 1);
	plan_free(&p);
}

static void tries_are_limited(void)
{
	culprits c = {{3, 50, 96}, 3, 0};
	plan p = plan_of(STEPS);

	CU_ASSERT(minimise(&p, needs_all, &c, 5));
	CU_ASSERT(c.asked <= 6);
	CU_ASSERT(needs_all(&p, &c));
	plan_free(&p);
}

FL_SUITE("minimise", FL_TEST(steps_that_are_needed_remain),
	FL_TEST(a_plan_that_fails_by_itself_becomes_empty),
	FL_TEST(a_plan_that_does_not_fail_stays), FL_TEST(tries_are_limited));
