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
 *     row.entry --> {batch, row, before, instead} in batch: is_committed, entries[]
 *
 * Threads: readers any, inside an epoch; batches are made and ended by the table's writer.
 * Memory: blocks of the node's allocator, freed as one when their epoch has passed.
 * Errors: NULL when out of memory. Limits: an object below 4 GiB.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "flitch/term.h"
#include "node/limbo.h"

typedef struct fli_batch fli_batch;
typedef struct fli_batch_entry fli_batch_entry;

/* What a lookup looks at stands together with the first bytes. */
typedef struct fli_row {
	fli_block block;
	uint64_t hash; /* of its key; unused in ordered tables */

	_Atomic(fli_batch_entry *) entry; /* NULL: seen by all; FLI_ROW_GONE: a tombstone */
	const struct fli_row *older;
	uint32_t size;
	uint32_t key_at, key_size;
	uint8_t bytes[];
} fli_row;

struct fli_batch_entry {
	fli_batch *batch;
	fli_row *row;
	const fli_row *before;  /* what the key had; NULL: nothing */
	const fli_row *instead; /* of a set: the same key came again in the batch, in this */
};

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
enum { FLI_ROW_NEAR = 12 }; /* a byte of the key and the first elements, of a small object */

/* What a row of so many bytes takes. */
static inline size_t fli_row_room(size_t size)
{
	size_t room = offsetof(fli_row, bytes) + size;

	return room > sizeof(fli_row) ? room : sizeof(fli_row);
}
/* Fills `row`, of fli_row_room, unlinked and outside of any batch. */
void fli_row_write(fli_row *row, const fli_object *object);

/*
 * The entry of a row whose key is gone. The row stays at its place as long as somebody fixes the
 * table, so that a traversal which stands on it goes on.
 */
extern fli_batch_entry fli_row_gone;
#define FLI_ROW_GONE (&fli_row_gone)
static inline bool fli_row_is_gone(const fli_row *row)
{
	return atomic_load(&row->entry) == FLI_ROW_GONE;
}

const fli_row *fli_row_in_batch(const fli_row *row, const fli_batch_entry *entry);
/*
 * What a reader takes for the row that it met; NULL: nothing. It must look at the place again, and
 * begin anew when that has changed: what it met may have been half of a batch that was committed
 * before the row was asked for its batch.
 */
static inline const fli_row *fli_row_seen(const fli_row *row)
{
	const fli_batch_entry *entry = atomic_load(&row->entry);

	return FLI_LIKELY(entry == NULL) ? row : fli_row_in_batch(row, entry);
}
/* Rows from here to the oldest. */
static inline uint32_t fli_row_count(const fli_row *row)
{
	uint32_t count = 0;

	for (; row != NULL; row = row->older)
		count++;
	return count;
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

/* memcmp's business, but of keys, most of which are a few bytes. */
static inline bool fli_same_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
	uint64_t x, y, u, v;

	if (size > 16 || size < 8) {
		if (size == 5) {
			uint32_t p, q;

			memcpy(&p, a, 4);
			memcpy(&q, b, 4);
			return p == q && a[4] == b[4];
		}
		return size == 2 ? a[0] == b[0] && a[1] == b[1] : memcmp(a, b, size) == 0;
	}
	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	memcpy(&u, a + size - 8, 8);
	memcpy(&v, b + size - 8, 8);
	return ((x ^ y) | (u ^ v)) == 0;
}

/* The same bytes, or the same term otherwise encoded (=:=). */
static inline bool fli_same_term(fl_term a, fl_term b)
{
	if (a.size == b.size && (a.rest | b.rest) == 0 && fli_same_bytes(a.data, b.data, a.size))
		return true;
	return fl_equal(a, b);
}

#endif
