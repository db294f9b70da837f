/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sweep.h"

#include <pthread.h>
#include <stdio.h>

#include "tests/support/suite.h"

enum { FAILURES_MAX = 20000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static fli_fault plain, fault;
static long at;

static void create(void)
{
	fli_fault_create(&plain, 0);
	fli_fault_create(&fault, 0);
}

fli_mem *sweep_plain_mem(void)
{
	(void)pthread_once(&once, create);
	return &plain.mem;
}

fli_mem *__wrap_fli_mem_libc(void);

fli_mem *__wrap_fli_mem_libc(void)
{
	(void)pthread_once(&once, create);
	return &fault.mem;
}

void sweep_arm(void)
{
	atomic_store(&fault.countdown, at);
}

void sweep_disarm(void)
{
	atomic_store(&fault.countdown, 0);
}

void sweep(const char *name, void (*scene)(fli_fault *fault))
{
	(void)sweep_plain_mem();
	for (at = 1; at < FAILURES_MAX; at++) {
		atomic_store(&fault.was_hit, false);
		scene(&fault);
		CU_ASSERT_EQUAL(atomic_load(&fault.countdown), 0);
		CU_ASSERT_EQUAL_FATAL(atomic_load(&fault.live), 0);
		CU_ASSERT_EQUAL_FATAL(atomic_load(&plain.live), 0);
		if (!atomic_load(&fault.was_hit))
			break;
	}
	CU_ASSERT_TRUE(at > 1 && at < FAILURES_MAX);
	(void)printf("oom: %s: %ld allocations failed, one after the other\n", name, at - 1);
}
