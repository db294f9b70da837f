/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_LIMBO_H
#define FLI_LIMBO_H

/*
 * Blocks that are unlinked and wait until no reader from before is left.
 *
 *     put --> young --sweep: epoch advanced--> old --next sweep, epoch passed--> freed
 *
 * Threads: one at a time, the writer of the table. Memory: owns the blocks that lie in it.
 * Errors: none. Limits: none but that a reader which stays holds all that comes after it.
 */

#include <stddef.h>

#include "node/base/mem.h"
#include "node/epoch.h"

/* The first member of whatever readers may meet. */
typedef struct fli_block {
	struct fli_block *next; /* in a limbo, or in a list of its owner's */
} fli_block;

typedef struct fli_limbo {
	fli_mem *mem;
	fli_epochs *epochs;
	fli_block *young, *old;
	uint64_t stamp; /* of the old ones */
	unsigned young_count;
} fli_limbo;

void fli_limbo_create(fli_limbo *limbo, fli_mem *mem, fli_epochs *epochs);
/* Frees all at once: nobody may be reading. */
void fli_limbo_destroy(fli_limbo *limbo);
/* `block` is unlinked; NULL is fine. */
void fli_limbo_put(fli_limbo *limbo, fli_block *block);
/* Frees what may be freed; fli_limbo_put does that now and then. */
void fli_limbo_sweep(fli_limbo *limbo);

#endif
