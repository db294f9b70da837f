/* SPDX-License-Identifier: Apache-2.0 */
/* Shows that the suite helper itself counts a passing test as one. */
#include "tests/support/suite.h"

static void a_passing_test_counts_once(void)
{
	CU_ASSERT(1 + 1 == 2);
	CU_ASSERT(1 + 1 != 3);
}

FL_SUITE("harness", FL_TEST(a_passing_test_counts_once));
