/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_OWNED_H
#define FLI_OWNED_H

/*
 * Blocks that a process holds beside its state. A process that is killed, or that there is no
 * memory for, ends without its `terminate`: what it owns goes with it all the same.
 *
 * Threads: the process's own handlers. Memory: freed by fli_owned_free, or when the process and its
 * last handler are gone. Errors: NULL when out of memory.
 */

#include "node/runtime.h"

void *fli_owned_alloc(fl_proc *proc, size_t size);
/* The same; `drop` is called with the block before it is freed. */
void *fli_owned_alloc_with(fl_proc *proc, size_t size, void (*drop)(void *block));
void fli_owned_free(void *block); /* NULL is fine */
/* All that is left (fli_proc_free). */
void fli_owned_destroy(fl_node *node, fli_link *owned);

#endif
