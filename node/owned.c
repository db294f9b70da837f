/* SPDX-License-Identifier: Apache-2.0 */
#include "node/owned.h"

#include <stdalign.h>

#include "node/sched.h"

typedef struct owned {
	fli_link link;
	fl_node *node;
	alignas(max_align_t) uint8_t bytes[];
} owned;

void *fli_owned_alloc(fl_proc *proc, size_t size)
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
	fli_free(block->node->mem, block);
}

void fli_owned_destroy(fl_node *node, fli_link *list)
{
	fli_link *link;

	while ((link = fli_list_pop(list)) != NULL)
		fli_free(node->mem, fli_container_of(link, owned, link));
}
