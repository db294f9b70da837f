/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_KEPT_H
#define FLI_KEPT_H

/*
 * A term with memory of its own, from the node's allocator.
 *
 * Threads: any. Memory: fli_free. Errors: NULL when out of memory, or for 4 GiB and more.
 */

#include "flitch/term.h"
#include "node/base/mem.h"

typedef struct fli_kept {
	uint32_t size;
	uint8_t bytes[];
} fli_kept;

fli_kept *fli_keep(fli_mem *mem, fl_term term);
/* `undefined` for NULL. */
fl_term fli_kept_term(const fli_kept *kept, fl_atoms *atoms);

#endif
