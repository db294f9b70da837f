/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that are put aside, resumed, dropped. */
#include <stdio.h>
#include <string.h>

#include "sim/fiber.h"
#include "tests/support/suite.h"

typedef struct stage {
	fli_fibers fibers;
	char log[64];
	fli_fiber *parked[4];
	size_t parked_count;
	char plan[16]; /* what the runner does next: P parks, R resumes the first, L leaves */
	size_t at;
} stage;

static void note(stage *s, char what)
{
	s->log[strlen(s->log)] = what;
}

static void park(stage *s)
{
	volatile char own[4096]; /* something on the stack that must still be there */

	memset((char *)own, (int)s->parked_count + 1, sizeof own);
	s->parked[s->parked_count++] = s->fibers.current;
	fli_fibers_park(&s->fibers);
	note(s, (char)('0' + own[0]));
	note(s, own[0] == own[sizeof own - 1] ? '+' : '-');
}

static void resume_first(stage *s)
{
	fli_fiber *first = s->parked[0];

	memmove(s->parked, s->parked + 1, --s->parked_count * sizeof *s->parked);
	fli_fibers_resume(&s->fibers, first);
}

static void body(void *ctx)
{
	stage *s = ctx;

	note(s, '(');
	while (fli_fibers_is_runner(&s->fibers)) {
		switch (s->plan[s->at++]) {
		case 'P': park(s); break;
		case 'R': resume_first(s); break;
		default: fli_fibers_leave(&s->fibers); break;
		}
	}
	note(s, ')');
}

static void play(stage *s, const char *plan)
{
	s->at = 0;
	(void)snprintf(s->plan, sizeof s->plan, "%sL", plan);
	fli_fibers_enter(&s->fibers);
	note(s, '.');
}

static void open_stage(stage *s)
{
	memset(s, 0, sizeof *s);
	fli_fibers_create(&s->fibers, body, s);
}

static void the_same_stack_goes_on_at_the_next_entry(void)
{
	stage s;

	open_stage(&s);
	play(&s, "");
	play(&s, "");
	CU_ASSERT_STRING_EQUAL(s.log, "(..");
	fli_fibers_destroy(&s.fibers);
}

static void a_parked_stack_is_resumed_where_it_was_and_goes(void)
{
	stage s;

	open_stage(&s);
	play(&s, "P");
	CU_ASSERT_STRING_EQUAL(s.log, "((.");
	play(&s, "R");
	CU_ASSERT_STRING_EQUAL(s.log, "((.1+).");
	fli_fibers_destroy(&s.fibers);
}

static void several_come_back_in_any_order_and_their_stacks_are_used_again(void)
{
	stage s;

	open_stage(&s);
	play(&s, "PPPRRR");
	CU_ASSERT_STRING_EQUAL(s.log, "((((1+)2+)3+).");
	memset(s.log, 0, sizeof s.log);
	play(&s, "PR");
	CU_ASSERT_STRING_EQUAL(s.log, "(1+).");
	fli_fibers_destroy(&s.fibers);
}

static void a_dropped_stack_never_comes_back(void)
{
	stage s;

	open_stage(&s);
	play(&s, "PP");
	fli_fibers_drop(&s.fibers, s.parked[0]);
	memmove(s.parked, s.parked + 1, sizeof *s.parked);
	s.parked_count = 1;
	memset(s.log, 0, sizeof s.log);
	play(&s, "RPR");
	CU_ASSERT_STRING_EQUAL(s.log, "2+)(1+).");
	fli_fibers_destroy(&s.fibers);
}

static void stacks_that_are_still_parked_go_with_the_pool(void)
{
	stage s;

	open_stage(&s);
	play(&s, "PPP");
	CU_ASSERT_STRING_EQUAL(s.log, "((((.");
	fli_fibers_destroy(&s.fibers);
}

FL_SUITE("sim_fiber", FL_TEST(the_same_stack_goes_on_at_the_next_entry),
	FL_TEST(a_parked_stack_is_resumed_where_it_was_and_goes),
	FL_TEST(several_come_back_in_any_order_and_their_stacks_are_used_again),
	FL_TEST(a_dropped_stack_never_comes_back),
	FL_TEST(stacks_that_are_still_parked_go_with_the_pool));
