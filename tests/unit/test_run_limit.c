/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

enum { LIMIT_MS = 20 };

static _Noreturn void turn_in_a_circle(void)
{
	pool_limit(LIMIT_MS);
	for (volatile unsigned i = 0;; i++)
		;
}

static void who_turns_in_a_circle_is_ended(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		turn_in_a_circle();
	CU_ASSERT_FATAL(pid > 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	CU_ASSERT(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(WTERMSIG(status), SIGPROF);
}

static void who_waits_for_the_processor_is_not(void)
{
	struct itimerval of_the_clock = {.it_value = {.tv_sec = 1}}, of_the_processor;

	pool_limit(POOL_SECONDS_MAX * 1000);
	CU_ASSERT_EQUAL(getitimer(ITIMER_REAL, &of_the_clock), 0);
	CU_ASSERT_EQUAL(getitimer(ITIMER_PROF, &of_the_processor), 0);
	pool_limit(0);
	CU_ASSERT(of_the_clock.it_value.tv_sec == 0 && of_the_clock.it_value.tv_usec == 0);
	CU_ASSERT(of_the_processor.it_value.tv_sec > 0);
}

FL_SUITE("run_limit", FL_TEST(who_turns_in_a_circle_is_ended),
	FL_TEST(who_waits_for_the_processor_is_not));
