/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main program of every unit suite: registers the tests with CUnit, runs them one by one and
 * prints what tests/run.sh reads. CUnit counts assertions; a test counts here as failed when any of
 * its assertions did.
 */
#include "tests/support/suite.h"

#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_selected(const char *name, char **filters)
{
	if (*filters == NULL)
		return true;
	for (; *filters != NULL; filters++)
		if (strstr(name, *filters) != NULL)
			return true;
	return false;
}

static void print_failures(const char *suite, const char *test)
{
	printf("FAIL - %s: %s\n", suite, test);
	for (CU_pFailureRecord f = CU_get_failure_list(); f != NULL; f = f->pNext)
		printf("    %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
}

static bool run_one(CU_pSuite suite, const struct fl_test *test)
{
	bool is_verbose = getenv("FL_VERBOSE") != NULL;
	CU_pTest t = CU_add_test(suite, test->name, test->run);
	bool is_ok;

	if (t == NULL) {
		printf("FAIL - %s: %s: %s\n", suite->pName, test->name, CU_get_error_msg());
		return false;
	}
	/* A crash ends the program: the name must already stand in the log by then. */
	if (is_verbose)
		printf("run  - %s: %s\n", suite->pName, test->name);
	(void)fflush(stdout);
	is_ok = CU_run_test(suite, t) == CUE_SUCCESS && CU_get_number_of_failures() == 0;
	if (!is_ok)
		print_failures(suite->pName, test->name);
	else if (is_verbose)
		printf("ok   - %s: %s\n", suite->pName, test->name);
	(void)fflush(stdout);
	return is_ok;
}

int fl_suite_main(const char *suite, const struct fl_test *tests, size_t count, char **filters)
{
	unsigned passed = 0, failed = 0;
	CU_pSuite s;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	s = CU_add_suite(suite, NULL, NULL);
	if (s == NULL)
		return EXIT_FAILURE;
	CU_set_fail_on_inactive(CU_FALSE);
	for (size_t i = 0; i < count; i++) {
		if (!is_selected(tests[i].name, filters))
			continue;
		if (run_one(s, &tests[i]))
			passed++;
		else
			failed++;
	}
	CU_cleanup_registry();
	printf("%s: %u passed, %u failed\n", suite, passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
