/* SPDX-License-Identifier: Apache-2.0 */
#include "node/owned.h"

#include <stdalign.h>

#include "node/sched.h"

typedef struct owned {
	fli_link link;
	fl_node *node;
	void (*drop)(void *block); /* may be NULL */
	alignas(max_align_t) uint8_t bytes[];
} owned;

static void destroy(owned *block)
{
	if (block->drop != NULL)
		block->drop(block->bytes);
	fli_free(block->node->mem, block);
}

void *fli_owned_alloc(fl_proc *proc, size_t size)
{
	return fli_owned_alloc_with(proc, size, NULL);
}

void *fli_owned_alloc_with(fl_proc *proc, size_t size, void (*drop)(void *block))
{
	fl_node *node = proc->node;
	owned *block = NULL;
	fli_extra *extra;

	fli_enter(node);
	extra = fli_proc_extra(proc);
	if (extra != NULL)
		block = fli_alloc(node->mem, sizeof *block + size);
	if (block != NULL) {
		block->node = node;
		block->drop = drop;
		fli_list_append(&extra->owned, &block->link);
	}
	fli_leave(node);
	return block == NULL ? NULL : block->bytes;
}

void fli_owned_free(void *bytes)
{
	owned *block = bytes == NULL ? NULL : fli_container_of(bytes, owned, bytes);

	if (block == NULL)
		return;
	fli_list_remove(&block->link);
	destroy(block);
}

void fli_owned_destroy(fl_node *node, fli_link *list)
{
	fli_link *link;

	(void)node; /* each block knows it */
	while ((link = fli_list_pop(list)) != NULL)
		destroy(fli_container_of(link, owned, link));
}
