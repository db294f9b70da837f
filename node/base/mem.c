/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *libc_realloc(fli_mem *mem, void *block, size_t size)
{
	(void)mem; /* the C library's allocator has no state of ours */
	return realloc(block, size);
}

static void libc_free(fli_mem *mem, void *block)
{
	(void)mem;
	free(block);
}

fli_mem *fli_mem_libc(void)
{
	static fli_mem libc = {.realloc = libc_realloc, .free = libc_free};

	return &libc;
}

void *fli_alloc(fli_mem *mem, size_t size)
{
	return mem->realloc(mem, NULL, size);
}

void *fli_zalloc(fli_mem *mem, size_t size)
{
	void *block = mem->realloc(mem, NULL, size);

	if (block != NULL)
		memset(block, 0, size);
	return block;
}

void *fli_realloc(fli_mem *mem, void *block, size_t size)
{
	return mem->realloc(mem, block, size);
}

void fli_free(fli_mem *mem, void *block)
{
	mem->free(mem, block);
}

_Noreturn void fli_assert_failed(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "flitch: broken invariant: %s (%s:%d)\n", condition, file, line);
	abort();
}
