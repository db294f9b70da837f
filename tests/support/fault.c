/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fault.h"

#include <stddef.h>
#include <stdlib.h>

static void *fault_realloc(fli_mem *mem, void *block, size_t size)
{
	fli_fault *fault = fli_container_of(mem, fli_fault, mem);
	void *moved;

	fault->calls++;
	if (fault->countdown > 0 && --fault->countdown == 0) {
		fault->was_hit = true;
		return NULL;
	}
	moved = realloc(block, size == 0 ? 1 : size);
	if (block == NULL && moved != NULL)
		fault->live++;
	return moved;
}

static void fault_free(fli_mem *mem, void *block)
{
	fli_fault *fault = fli_container_of(mem, fli_fault, mem);

	if (block != NULL)
		fault->live--;
	free(block);
}

void fli_fault_create(fli_fault *fault, long fail_at)
{
	fault->mem = (fli_mem){.realloc = fault_realloc, .free = fault_free};
	atomic_init(&fault->countdown, fail_at);
	atomic_init(&fault->calls, 0);
	atomic_init(&fault->live, 0);
	atomic_init(&fault->was_hit, false);
}
