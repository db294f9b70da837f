/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_STORE_H
#define FLI_SIM_STORE_H

/*
 * Memory: the world's own, which does not fail, and a node's, which fails when it is told to.
 *
 *     fli_purse: a fli_mem that knows all of its blocks, so that a crash takes them in one go
 *
 * Threads: one. Memory: fli_purse_empty frees what is left. Errors: the world's own ends the
 * program when there is none; a purse returns NULL.
 */

#include <stddef.h>
#include <stdint.h>

#include "node/base/list.h"
#include "node/base/mem.h"
#include "sim/dice.h"

void *fli_store_zalloc(size_t size);
void *fli_store_resize(void *block, size_t size);
char *fli_store_text(const char *text);
void fli_store_free(void *block);
/* The same as a table, for buffers of the world's own. */
fli_mem *fli_store_mem(void);

typedef struct fli_purse {
	fli_mem mem;
	fli_link blocks;
	size_t bytes;
	uint64_t fail_nth; /* counts down; 0: none */
	uint32_t fail_per_million;
	fli_dice *dice;    /* decides by chance */
	uint64_t failures; /* so far */
} fli_purse;

void fli_purse_create(fli_purse *purse, fli_dice *dice);
/* Frees every block. */
void fli_purse_empty(fli_purse *purse);

#endif
