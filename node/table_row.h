/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_ROW_H
#define FLI_TABLE_ROW_H

/*
 * A row: one object of a table as its encoded tuple, immutable once it is linked.
 *
 *     key's place --> row (newest) --older--> row --older--> NULL      bags; others have one
 *
 * One load of the place is the state of a key: a reader follows `older` from there and never sees
 * half of a change. Rows that were inserted together belong to a batch until all of them are in:
 * until then whoever meets one of them takes what was there before, from then on what the batch
 * says, so the whole list appears at once.
 *
 *     row.batch --> batch: is_committed, entries[row.batch_at] = {row, before, instead}
 *
 * Threads: readers any, inside an epoch; batches are made and ended by the table's writer.
 * Memory: blocks of the node's allocator, freed as one when their epoch has passed.
 * Errors: NULL when out of memory. Limits: an object below 4 GiB.
 */

#include <stdatomic.h>
#include <string.h>

#include "flitch/term.h"
#include "node/limbo.h"

typedef struct fli_batch fli_batch;

typedef struct fli_row {
	fli_block block;
	_Atomic(fli_batch *) batch; /* NULL: seen by all */
	const struct fli_row *older;
	uint32_t batch_at;
	uint32_t count; /* rows from here to the oldest */
	uint32_t size;
	uint32_t key_at, key_size;
	uint8_t bytes[];
} fli_row;

typedef struct fli_batch_entry {
	fli_row *row;
	const fli_row *before;  /* what the key had; NULL: nothing */
	const fli_row *instead; /* of a set: the same key came again in the batch, in this */
} fli_batch_entry;

struct fli_batch {
	fli_block block;
	_Atomic(bool) is_committed;
	size_t count;
	fli_batch_entry entries[];
};

/* An object whose key is known: what is inserted. Borrows. */
typedef struct fli_object {
	fl_term term;
	fl_term key;
	uint64_t hash; /* of the key; unused in ordered tables */
} fli_object;

/* The key at `keypos` (1 based); false when the term is no tuple that has one. */
bool fli_object_of(fl_term term, uint32_t keypos, fli_object *ret_object);
/* Bytes that fli_row_write needs for it. */
static inline size_t fli_row_bytes(const fli_object *object)
{
	return sizeof(fli_row) + object->term.size;
}
/* Fills `row`, of fli_row_bytes, unlinked and outside of any batch. */
void fli_row_write(fli_row *row, const fli_object *object);

const fli_row *fli_row_in_batch(const fli_row *row, const fli_batch *batch);
/*
 * What a reader takes at a place; NULL: nothing. The place is looked at again, since what it held
 * may have been half of a batch that was committed before the row was asked for its batch.
 */
static inline const fli_row *fli_row_at(const _Atomic(fli_row *) *place)
{
	fli_row *row, *again = atomic_load(place);
	const fli_row *seen;

	do {
		const fli_batch *batch;

		row = again;
		batch = row == NULL ? NULL : atomic_load(&row->batch);
		seen = FLI_LIKELY(batch == NULL) ? row : fli_row_in_batch(row, batch);
		again = atomic_load(place);
	} while (FLI_UNLIKELY(row != again));
	return seen;
}

/* Views; `atoms` is the node's. */
static inline fl_term fli_row_term(const fli_row *row, fl_atoms *atoms)
{
	return (fl_term){.data = row->bytes, .size = row->size, .atoms = atoms};
}
static inline fl_term fli_row_key(const fli_row *row, fl_atoms *atoms)
{
	return (fl_term){.data = row->bytes + row->key_at, .size = row->key_size, .atoms = atoms};
}

/* The same bytes, or the same term otherwise encoded (=:=). */
static inline bool fli_same_term(fl_term a, fl_term b)
{
	if (a.size == b.size && (a.rest | b.rest) == 0 && memcmp(a.data, b.data, a.size) == 0)
		return true;
	return fl_equal(a, b);
}

#endif
