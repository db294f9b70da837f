/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lists: the young are still being collected, the old wait for their stamp to pass. One stamp
 * for many blocks keeps the look at all readers' slots rare.
 */
#include "node/limbo.h"

enum { SWEEP_EVERY = 64 };

void fli_limbo_create(fli_limbo *limbo, fli_mem *mem, fli_epochs *epochs)
{
	*limbo = (fli_limbo){.mem = mem, .epochs = epochs};
}

static void free_all(fli_limbo *limbo, fli_block *first)
{
	while (first != NULL) {
		fli_block *next = first->next;

		fli_free(limbo->mem, first);
		first = next;
	}
}

void fli_limbo_destroy(fli_limbo *limbo)
{
	free_all(limbo, limbo->young);
	free_all(limbo, limbo->old);
	limbo->young = limbo->old = NULL;
}

void fli_limbo_put(fli_limbo *limbo, fli_block *block)
{
	if (block == NULL)
		return;
	block->next = limbo->young;
	limbo->young = block;
	if (++limbo->young_count % SWEEP_EVERY == 0)
		fli_limbo_sweep(limbo);
}

void fli_limbo_sweep(fli_limbo *limbo)
{
	if (limbo->old != NULL && fli_epoch_has_passed(limbo->epochs, limbo->stamp)) {
		free_all(limbo, limbo->old);
		limbo->old = NULL;
	}
	if (limbo->old != NULL || limbo->young == NULL)
		return;
	limbo->old = limbo->young;
	limbo->young = NULL;
	limbo->young_count = 0;
	limbo->stamp = fli_epoch_advance(limbo->epochs);
}
