/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One CUnit suite as one program.
 *
 *	static void empty_buffer_has_no_bytes(void) { CU_ASSERT_EQUAL(...); }
 *
 *	FL_SUITE("buf",
 *		FL_TEST(empty_buffer_has_no_bytes),
 *		{"a name of its own", some_function});
 *
 * The program prints one line per failed test (with FL_VERBOSE=1 set, one per test) and ends
 * with "buf: N passed, N failed", which tests/run.sh adds up. Arguments select tests by a part
 * of their name. The exit code is 0 when nothing failed.
 *
 * Memory: the table is borrowed for the length of the run.
 */
#ifndef FLITCH_TESTS_SUITE_H
#define FLITCH_TESTS_SUITE_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct fl_test {
	const char *name; /* states the behaviour */
	void (*run)(void);
};

/* Runs the tests whose name contains one of the arguments (all without arguments). */
int fl_suite_main(const char *suite, const struct fl_test *tests, size_t count, char **filters);

#define FL_TEST(function)                                                                          \
	{                                                                                          \
#function, function                                                                \
	}

#define FL_SUITE(suite, ...)                                                                       \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct fl_test fl_tests[] = {__VA_ARGS__};                            \
		(void)argc;                                                                        \
		return fl_suite_main(                                                              \
			suite, fl_tests, sizeof fl_tests / sizeof fl_tests[0], argv + 1);          \
	}                                                                                          \
	extern int fl_suite_main(const char *, const struct fl_test *, size_t, char **)

#endif
