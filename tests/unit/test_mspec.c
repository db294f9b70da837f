/* SPDX-License-Identifier: Apache-2.0 */
/* Match specifications alone; what they select is in test_table.c. */
#include "node/mspec.h"

#include <flitch.h>

#include "tests/support/suite.h"

/* How many steps a specification takes for that object; the limit is said, not passed over. */
static uint64_t steps_of(
	const char *spec_text, const char *object_text, uint64_t limit, int *ret_rc)
{
	fl_buf spec = FL_BUF_INIT, object = FL_BUF_INIT;
	fli_mspec *compiled;
	fli_mrun run;
	fl_term result;

	CU_ASSERT_EQUAL_FATAL(fl_build(&spec, spec_text), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fl_build(&object, object_text), FL_OK);
	CU_ASSERT_EQUAL_FATAL(
		fli_mspec_compile(fli_mem_libc(), FL_SELECT, fl_buf_term(&spec), &compiled), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_mrun_create(&run, compiled), FL_OK);
	CU_ASSERT_EQUAL(run.steps, FLI_MSPEC_STEPS_MAX);
	run.steps = limit;
	(void)fli_mspec_run(&run, fl_buf_term(&object), &result);
	*ret_rc = run.error;
	limit -= run.steps;
	fli_mrun_destroy(&run);
	fli_mspec_delete(compiled);
	fl_buf_free(&spec);
	fl_buf_free(&object);
	return limit;
}

static void steps_of_a_specification_have_a_limit(void)
{
	const char *spec = "[{{'$1', '$2'}, [{'<', '$1', {length, '$2'}}], ['$_']}]";
	const char *object = "{1, [1000, 2000, 3000]}";
	uint64_t steps;
	int rc;

	steps = steps_of(spec, object, 1000, &rc);
	CU_ASSERT_EQUAL(rc, FL_OK);
	CU_ASSERT_TRUE(steps > 5 && steps < 20);
	CU_ASSERT_EQUAL(steps_of(spec, object, steps, &rc), steps);
	CU_ASSERT_EQUAL(rc, FL_OK);
	for (uint64_t limit = 0; limit < steps; limit++) {
		(void)steps_of(spec, object, limit, &rc);
		CU_ASSERT_EQUAL(rc, FL_ELIMIT);
	}
}

FL_SUITE("mspec", FL_TEST(steps_of_a_specification_have_a_limit));
