/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/store.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* ---- the world's own ------------------------------------------------------------------------- */

void *fli_store_zalloc(size_t size)
{
	void *block = calloc(1, size);

	if (block == NULL)
		abort();
	return block;
}

void *fli_store_resize(void *block, size_t size)
{
	void *moved = realloc(block, size == 0 ? 1 : size);

	if (moved == NULL)
		abort();
	return moved;
}

char *fli_store_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(fli_store_zalloc(size), text, size);
}

void fli_store_free(void *block)
{
	free(block);
}

static void *store_realloc(fli_mem *mem, void *block, size_t size)
{
	(void)mem; /* it has no state */
	return fli_store_resize(block, size);
}

static void store_free(fli_mem *mem, void *block)
{
	(void)mem;
	free(block);
}

fli_mem *fli_store_mem(void)
{
	static fli_mem mem = {.realloc = store_realloc, .free = store_free};

	return &mem;
}

/* ---- a node's -------------------------------------------------------------------------------- */

typedef struct head {
	fli_link link;
	size_t size;
	alignas(max_align_t) uint8_t bytes[];
} head;

static bool is_refused(fli_purse *purse)
{
	if (purse->fail_nth > 0 && --purse->fail_nth == 0)
		return true;
	return purse->fail_per_million > 0 &&
	       fli_dice_below(purse->dice, 1000000) < purse->fail_per_million;
}

static void *purse_realloc(fli_mem *mem, void *block, size_t size)
{
	fli_purse *purse = fli_container_of(mem, fli_purse, mem);
	head *old = block == NULL ? NULL : fli_container_of(block, head, bytes), *moved;

	if (FLI_UNLIKELY(is_refused(purse))) {
		purse->failures++;
		return NULL;
	}
	if (old != NULL) {
		purse->bytes -= old->size;
		fli_list_remove(&old->link);
	}
	moved = fli_store_resize(old, sizeof *moved + size);
	moved->size = size;
	purse->bytes += size;
	fli_list_append(&purse->blocks, &moved->link);
	return moved->bytes;
}

static void purse_free(fli_mem *mem, void *block)
{
	fli_purse *purse = fli_container_of(mem, fli_purse, mem);
	head *old;

	if (block == NULL)
		return;
	old = fli_container_of(block, head, bytes);
	purse->bytes -= old->size;
	fli_list_remove(&old->link);
	free(old);
}

void fli_purse_create(fli_purse *purse, fli_dice *dice)
{
	*purse = (fli_purse){.mem = {.realloc = purse_realloc, .free = purse_free}, .dice = dice};
	fli_list_create(&purse->blocks);
}

void fli_purse_empty(fli_purse *purse)
{
	fli_link *link;

	while ((link = fli_list_pop(&purse->blocks)) != NULL)
		free(fli_container_of(link, head, link));
	purse->bytes = 0;
}
