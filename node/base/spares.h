/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_SPARES_H
#define FLI_BASE_SPARES_H

/*
 * A few large blocks, kept for the next buffer that grows large: an allocator gives them back to
 * the system, which then pages each in anew, and that costs more than filling it.
 *
 *     message of 1 MiB done --give--> [block] [block] [] [] --take--> buffer of the next one
 *
 * Threads: one at a time. Memory: owns the blocks that lie in it; all are of one allocator. Errors:
 * none. Limits: FLI_SPARES_COUNT blocks of FLI_SPARES_BYTES_MIN to FLI_SPARES_BYTES_MAX bytes.
 */

#include "node/base/buf.h"

enum { FLI_SPARES_COUNT = 4 };
#define FLI_SPARES_BYTES_MIN ((size_t)64 << 10)
#define FLI_SPARES_BYTES_MAX ((size_t)2 << 20)

typedef struct fli_spares {
	fli_mem *mem;
	uint8_t *blocks[FLI_SPARES_COUNT];
	size_t capacities[FLI_SPARES_COUNT];
	unsigned count;
} fli_spares;

void fli_spares_create(fli_spares *spares, fli_mem *mem);
void fli_spares_destroy(fli_spares *spares);

/* Lends an empty buffer without memory a block, if there is one. `spares` may be NULL. */
void fli_spares_take(fli_spares *spares, fli_buf *buf);
/* Keeps or frees the buffer's memory; the buffer is empty then. `spares` may be NULL. */
void fli_spares_give(fli_spares *spares, fli_buf *buf);

#endif
