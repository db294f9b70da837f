/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator whose n-th call fails, and which counts what has not been given back.
 *
 *	fli_fault_create(&fault, 3);          the third allocation from now on fails, once
 *	... &fault.mem ...
 *	CU_ASSERT_EQUAL(fault.live, 0);
 *
 * Threads: any.
 */
#ifndef FLITCH_TESTS_FAULT_H
#define FLITCH_TESTS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "node/base/mem.h"

typedef struct fli_fault {
	fli_mem mem;
	atomic_long countdown; /* fails when it reaches 0; never when it starts there */
	atomic_long calls;
	atomic_long live;
	atomic_bool was_hit;
} fli_fault;

void fli_fault_create(fli_fault *fault, long fail_at);

#endif
