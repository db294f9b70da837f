/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_HASH_H
#define FLI_TABLE_HASH_H

/*
 * The index of a set or bag: keys by their hash, read without a lock while one writer changes it.
 *
 *     hash   | bits of the bucket | rest ... | bits of the tag |
 *
 *     bucket: one cache line   [tag|row] [tag|row] ... seven of them, [how many keys went on]
 *     row: the newest of its key, with the key in it
 *
 * A slot is one word: the address of a row and 15 bits of its hash above it. So to find a key costs
 * one line of the index and the row itself; rows of other keys are not touched. A key whose bucket
 * is full lies in one of the next ones, and each bucket that it went past counts it.
 *
 * Buckets are in order of the hash, and a traversal goes on from a hash alone, whatever was
 * inserted, deleted or resized meanwhile. A bit for each bucket that is used lets it pass over
 * those that are not.
 *
 * Threads: readers any, inside an epoch; one writer. Memory: owns its rows; arrays that are
 * replaced go to the limbo, rows that are replaced or unlinked are the caller's. Errors: a resize
 * that finds no memory is put off as long as there is room.
 */

#include "node/table_row.h"

enum { FLI_BUCKET_SLOTS = 7, FLI_BUCKET_FILL = 5 /* keys a bucket, on average, at most */ };

typedef _Atomic(uint64_t) fli_hplace;

typedef struct fli_bucket {
	fli_hplace slots[FLI_BUCKET_SLOTS];
	_Atomic(uint64_t) passed; /* keys that belong here or before, and lie beyond */
} fli_bucket;

typedef struct fli_buckets {
	fli_block block;
	unsigned bits;
	fli_bucket *at;          /* behind this, on a line of its own */
	_Atomic(uint64_t) *used; /* behind them: a bit for each bucket to which keys may belong */
} fli_buckets;

typedef struct fli_hindex {
	_Atomic(fli_buckets *) buckets;
	size_t count;          /* keys, tombstones among them */
	_Atomic(size_t) bytes; /* of the array */
	size_t fit_below;      /* a smaller array is not tried with more keys than that */
	fli_limbo *limbo;
	fli_mem *mem;
} fli_hindex;

/* What a reader met. */
typedef struct fli_found {
	const fli_row *head; /* what lies at the place, may be a tombstone; NULL: there is none */
	const fli_row *row;  /* what it sees of the key there; NULL: nothing */
} fli_found;

/* FL_ENOMEM. */
int fli_hash_create(fli_hindex *hash, fli_mem *mem, fli_limbo *limbo);
/* Frees the rows at once: nobody may be reading, and no tombstone be left. */
void fli_hash_destroy(fli_hindex *hash);
/* The hash of a key; false when it has none for want of memory. */
bool fli_hash_key(uint64_t seed, fl_term key, uint64_t *ret_hash);
/* Of an integer that is a key. */
uint64_t fli_hash_int(uint64_t seed, int64_t number);

/* ---- readers: false when there is none ------------------------------------------------------- */

bool fli_hash_find(const fli_hindex *hash, uint64_t value, fl_term key, fli_found *ret_found);
/* In the order of the hashes: the first, the one after the place, the first beyond a hash. */
bool fli_hash_first(const fli_hindex *hash, fli_found *ret_found);
bool fli_hash_next(const fli_hindex *hash, const fli_row *head, fli_found *ret_found);
bool fli_hash_after(const fli_hindex *hash, uint64_t value, fli_found *ret_found);

/*
 * For who looks for many keys: the bucket to be fetched before it is asked for the row, and the row
 * that probably has the key, to be fetched before fli_hash_find is asked for it. NULL: ask.
 */
const fli_bucket *fli_hash_bucket(const fli_hindex *hash, uint64_t value);
const fli_row *fli_bucket_guess(const fli_bucket *bucket, uint64_t value);

/* ---- the writer ------------------------------------------------------------------------------ */

static inline fli_row *fli_place_row(uint64_t word)
{
	return (fli_row *)(uintptr_t)(word & ((UINT64_C(1) << 48) - 1));
}
static inline fli_row *fli_hplace_row(const fli_hplace *place)
{
	return fli_place_row(atomic_load(place));
}

/* Room for so many keys more; FL_ENOMEM. */
int fli_hash_reserve(fli_hindex *hash, size_t more);
/* Where the key's newest row lies; NULL: nowhere. */
fli_hplace *fli_hash_place(fli_hindex *hash, uint64_t value, fl_term key);
/* A key that is nowhere, in room that was reserved. */
void fli_hash_link(fli_hindex *hash, fli_row *row);
/* `row` has the same key. Returns the old one. */
fli_row *fli_hash_replace(fli_hplace *place, fli_row *row);
/* Returns the row that lay there. */
fli_row *fli_hash_unlink(fli_hindex *hash, fli_hplace *place);
/* Fewer buckets, when the number of keys asks for it. */
void fli_hash_fit(fli_hindex *hash);
/* All rows, none of them a tombstone, go to the limbo. FL_ENOMEM: nothing has changed. */
int fli_hash_clear(fli_hindex *hash);

#endif
