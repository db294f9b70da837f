/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_EPOCH_H
#define FLI_EPOCH_H

/*
 * Who reads what others may unlink: memory is given back when no reader from before can be left.
 *
 *     reader   enter --- loads, follows pointers --- leave        a slot holds when it entered
 *     writer   unlink, stamp = advance, ... passed(stamp)? free   no slot is as old as the stamp
 *
 * A reader takes any free slot by one compare-and-swap, the one that its stack suggests first, so
 * threads need no registration and a reader may be in several times. When all slots are taken it is
 * counted instead, and nothing is given back until it has left: it never waits.
 *
 * What readers load and writers unlink must be atomic objects used with sequential consistency (the
 * default of C11): a reader's slot is then seen by the writer, or the unlinking by the reader.
 *
 * Threads: any. Memory: none of its own. Errors: none. Limits: FLI_EPOCH_SLOTS readers that do not
 * hold anything up.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FLI_EPOCH_SLOTS = 128, FLI_EPOCH_LINE = 64 };

/*
 * Words that different threads write stand a cache line apart, so that no two share one. Room does
 * that, not alignment: the node's allocator gives no block that is aligned to a line.
 */
typedef struct fli_epoch_slot {
	_Atomic(uint64_t) since; /* 0: free */
	uint8_t room[FLI_EPOCH_LINE - sizeof(uint64_t)];
} fli_epoch_slot;

typedef struct fli_epochs {
	_Atomic(uint64_t) now;
	uint8_t room[FLI_EPOCH_LINE - sizeof(uint64_t)];
	_Atomic(uint64_t) crowd; /* readers without a slot */
	uint8_t more_room[FLI_EPOCH_LINE - sizeof(uint64_t)];
	fli_epoch_slot slots[FLI_EPOCH_SLOTS];
} fli_epochs;

void fli_epochs_create(fli_epochs *epochs);
/* Where the search for a slot goes on when the first is taken; FLI_EPOCH_SLOTS: in the crowd. */
unsigned fli_epoch_enter_crowded(fli_epochs *epochs, unsigned first);

/* Returns what fli_epoch_leave takes. */
static inline unsigned fli_epoch_enter(fli_epochs *epochs)
{
	char here;
	/* Stacks of threads lie far apart, the frames of one close together. */
	uint64_t stack = (uint64_t)(uintptr_t)&here >> 16;
	unsigned slot = (unsigned)(stack * UINT64_C(0x9e3779b97f4a7c15) >> 57);
	uint64_t is_free = 0;

	if (atomic_compare_exchange_strong(
		    &epochs->slots[slot].since, &is_free, atomic_load(&epochs->now)))
		return slot;
	return fli_epoch_enter_crowded(epochs, slot);
}

static inline void fli_epoch_leave(fli_epochs *epochs, unsigned slot)
{
	if (slot < FLI_EPOCH_SLOTS)
		atomic_store_explicit(&epochs->slots[slot].since, 0, memory_order_release);
	else
		(void)atomic_fetch_sub(&epochs->crowd, 1);
}

/* Everything unlinked before this call may be given back once the result has passed. */
uint64_t fli_epoch_advance(fli_epochs *epochs);
bool fli_epoch_has_passed(const fli_epochs *epochs, uint64_t stamp);

#endif
