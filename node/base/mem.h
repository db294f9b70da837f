/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_MEM_H
#define FLI_BASE_MEM_H

/*
 * The allocator: a table that hangs from each node, so that a test can make the n-th call fail.
 *
 * Threads: the functions of a table must be callable from any thread.
 * Errors: NULL where memory ran out; every caller handles it.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct fli_mem {
	void *(*realloc)(struct fli_mem *mem, void *block, size_t size); /* block may be NULL */
	void (*free)(struct fli_mem *mem, void *block);                  /* block may be NULL */
} fli_mem;

/* The C library's allocator. */
fli_mem *fli_mem_libc(void);

void *fli_alloc(fli_mem *mem, size_t size);
void *fli_zalloc(fli_mem *mem, size_t size); /* zeroed */
void *fli_realloc(fli_mem *mem, void *block, size_t size);
void fli_free(fli_mem *mem, void *block);

/*
 * A broken promise of our own code: prints where, and aborts. On in release builds too; never used
 * on what a peer or a user sent.
 */
#define fl_assert(condition)                                                                       \
	((condition) ? (void)0 : fli_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void fli_assert_failed(const char *condition, const char *file, int line);

#define fli_container_of(pointer, type, member)                                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define FLI_LIKELY(x) __builtin_expect(!!(x), 1)
#define FLI_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* For what runs for each term of each message: compilers find it too large by themselves. */
#define FLI_INLINE inline __attribute__((always_inline))

#endif
