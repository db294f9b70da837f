/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epochs: a counter, and for each reader the count at which it came.
 *
 *  - A reader writes the count into a slot, then loads pointers. A writer unlinks, then raises the
 *    count, then looks at the slots. All of it is sequentially consistent, so one of the two sees
 *    the other: a reader whose slot the writer did not see cannot have found what was unlinked.
 *  - A slot with an older count than the stamp belongs to a reader that may hold what was unlinked.
 *
 * Failure: a reader that never leaves holds all memory that is unlinked from then on. That is the
 * price of reading without a lock; <flitch/table.h> tells users to be brief.
 *
 * Why not liburcu: its readers register their thread with a library that is global to the process,
 * its memory comes from malloc alone, and its barriers are invisible to ThreadSanitizer.
 */
#include "node/epoch.h"

void fli_epochs_create(fli_epochs *epochs)
{
	atomic_init(&epochs->now, 1);
	atomic_init(&epochs->crowd, 0);
	for (unsigned i = 0; i < FLI_EPOCH_SLOTS; i++)
		atomic_init(&epochs->slots[i].since, 0);
}

unsigned fli_epoch_enter_crowded(fli_epochs *epochs, unsigned first)
{
	for (unsigned i = 1; i < FLI_EPOCH_SLOTS; i++) {
		fli_epoch_slot *slot = &epochs->slots[(first + i) % FLI_EPOCH_SLOTS];
		uint64_t is_free = 0;

		if (atomic_compare_exchange_strong(
			    &slot->since, &is_free, atomic_load(&epochs->now)))
			return (first + i) % FLI_EPOCH_SLOTS;
	}
	(void)atomic_fetch_add(&epochs->crowd, 1);
	return FLI_EPOCH_SLOTS;
}

uint64_t fli_epoch_advance(fli_epochs *epochs)
{
	return atomic_fetch_add(&epochs->now, 1);
}

bool fli_epoch_has_passed(const fli_epochs *epochs, uint64_t stamp)
{
	if (atomic_load(&epochs->crowd) != 0)
		return false;
	for (unsigned i = 0; i < FLI_EPOCH_SLOTS; i++) {
		uint64_t since = atomic_load(&epochs->slots[i].since);

		if (since != 0 && since <= stamp)
			return false;
	}
	return true;
}
