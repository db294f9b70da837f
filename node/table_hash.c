/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table whose readers take no lock.
 *
 * - A key lies in the first bucket from its own on that had room. To insert is to store one word;
 *   to replace or unlink as well. A key never moves inside an array, so a reader that goes through
 *   its buckets once and does not meet it has found a moment at which it was not there.
 * - Each bucket counts the keys that went past it. A reader goes on as long as there are any; the
 *   writer counts before it links, and after it unlinks.
 * - To resize, the writer makes a new array from the old one, publishes it, and never touches the
 *   old one again: who still reads that reads the moment of the change.
 * - Whoever takes out keys in the order of a traversal leaves the others close together. A smaller
 *   array, in which that would be too close, is given up and tried again with half the keys.
 * - A traversal takes, of the keys of one bucket, the one with the least hash beyond where it
 *   stands.
 *
 * Large arrays lie on huge pages where the kernel has some: a lookup in one of many megabytes would
 * wait as long for its address as for its content.
 *
 * Failure: without memory for an array its buckets are filled up to the last slot but one, then an
 * insert is FL_ENOMEM. Two keys with one 64-bit hash, which is keyed, are told apart by comparing.
 */
#include "node/table_hash.h"

#include <sys/mman.h>

#include "node/base/map.h"
#include "node/term/hash.h"
#include "node/term/peek.h"

enum { BITS_MIN = 1, BITS_MAX = 40, LINE = 64, AHEAD = 8, FEW = 16 };

#define HUGE_PAGE ((size_t)2 << 20)

static size_t index_of(const fli_buckets *b, uint64_t value)
{
	return (size_t)(value >> (64 - b->bits));
}

static size_t buckets_count(unsigned bits)
{
	return (size_t)1 << bits;
}

static size_t words_count(unsigned bits)
{
	return (buckets_count(bits) + 63) / 64;
}

static size_t bytes_of(unsigned bits)
{
	return buckets_count(bits) * sizeof(fli_bucket) + words_count(bits) * sizeof(uint64_t);
}

static uint64_t tag_of(uint64_t value)
{
	return (value << 1 & 0xffff) | 1; /* never that of an empty slot */
}

static uint64_t word_of(const fli_row *row)
{
	uint64_t address = (uint64_t)(uintptr_t)row;

	fl_assert(address >> 48 == 0);
	return tag_of(row->hash) << 48 | address;
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static fli_buckets *make_buckets(fli_mem *mem, unsigned bits)
{
	size_t size = bytes_of(bits);
	size_t align = size >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE;
	fli_buckets *b = fli_alloc(mem, sizeof *b + align + size);
	uintptr_t at;

	if (b == NULL)
		return NULL;
	at = ((uintptr_t)(b + 1) + align - 1) / align * align;
	b->bits = bits;
	b->at = (fli_bucket *)at;
	b->used = (_Atomic(uint64_t) *)(b->at + buckets_count(bits));
	if (align == HUGE_PAGE)
		(void)madvise(b->at, size, MADV_HUGEPAGE); /* else it goes without */
	memset(b->at, 0, size);
	return b;
}

int fli_hash_create(fli_hindex *hash, fli_mem *mem, fli_limbo *limbo)
{
	fli_buckets *b = make_buckets(mem, BITS_MIN);

	if (b == NULL)
		return FL_ENOMEM;
	atomic_init(&hash->buckets, b);
	atomic_init(&hash->bytes, bytes_of(b->bits));
	hash->count = 0;
	hash->fit_below = SIZE_MAX;
	hash->limbo = limbo;
	hash->mem = mem;
	return FL_OK;
}

/* All rows of the array, each with those that are older; there are no tombstones. */
static void end_rows(fli_hindex *hash, fli_buckets *b, void (*end)(fli_hindex *, fli_row *))
{
	for (size_t i = 0; i < buckets_count(b->bits); i++)
		for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++) {
			fli_row *row = fli_hplace_row(&b->at[i].slots[s]);

			while (row != NULL) {
				fli_row *older = (fli_row *)(uintptr_t)row->older;

				end(hash, row);
				row = older;
			}
		}
}

static void free_row(fli_hindex *hash, fli_row *row)
{
	fli_free(hash->mem, row);
}

void fli_hash_destroy(fli_hindex *hash)
{
	fli_buckets *b = atomic_load(&hash->buckets);

	end_rows(hash, b, free_row);
	fli_free(hash->mem, b);
}

uint64_t fli_hash_int(uint64_t seed, int64_t number)
{
	return fli_hash_mix(fli_hash_mix(seed ^ (uint64_t)number) + seed);
}

bool fli_hash_key(uint64_t seed, fl_term key, uint64_t *ret_hash)
{
	fli_cursor c = fli_cursor_make(key.data, key.size);
	int64_t number;

	/* The most common keys; an integer has the same hash however it is encoded. */
	if (key.rest == 0 && fli_peek_int(&c, &number)) {
		*ret_hash = fli_hash_int(seed, number);
		return true;
	}
	return fli_term_hash(seed, key, ret_hash);
}

/* ---- readers --------------------------------------------------------------------------------- */

static bool has_key(const fli_row *row, fl_term key)
{
	return fli_same_term(fli_row_key(row, NULL), key);
}

static bool has_tag(uint64_t word, uint64_t value)
{
	return word >> 48 == tag_of(value);
}

/* The place of the key, and the word that was met there; NULL: none. */
static fli_hplace *search(const fli_buckets *b, uint64_t value, fl_term key, uint64_t *ret_word)
{
	size_t mask = buckets_count(b->bits) - 1;
	size_t first = index_of(b, value);

	for (size_t i = 0; i <= mask; i++) {
		fli_bucket *bucket = &b->at[(first + i) & mask];

		for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++) {
			*ret_word = atomic_load(&bucket->slots[s]);
			if (!has_tag(*ret_word, value))
				continue;
			if (has_key(fli_place_row(*ret_word), key))
				return &bucket->slots[s];
		}
		if (FLI_LIKELY(atomic_load(&bucket->passed) == 0))
			break;
	}
	return NULL;
}

bool fli_hash_find(const fli_hindex *hash, uint64_t value, fl_term key, fli_found *ret_found)
{
	const fli_hplace *place;
	uint64_t word;

	do {
		place = search(atomic_load(&hash->buckets), value, key, &word);
		if (place == NULL)
			return false;
		ret_found->head = fli_place_row(word);
		ret_found->row = fli_row_seen(ret_found->head);
	} while (FLI_UNLIKELY(atomic_load(place) != word));
	return true;
}

const fli_bucket *fli_hash_bucket(const fli_hindex *hash, uint64_t value)
{
	const fli_buckets *b = atomic_load(&hash->buckets);

	return &b->at[index_of(b, value)];
}

const fli_row *fli_bucket_guess(const fli_bucket *bucket, uint64_t value)
{
	for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++) {
		uint64_t word = atomic_load(&bucket->slots[s]);

		if (has_tag(word, value))
			return fli_place_row(word);
	}
	return NULL;
}

/* ---- in order -------------------------------------------------------------------------------- */

/* Where a traversal stands: behind a hash, and of the keys with that hash behind one. */
typedef struct stand {
	uint64_t hash;
	const fli_row *row; /* NULL: before all keys of the hash */
} stand;

/* Any order will do that is the same each time: hashes of two keys hardly ever agree. */
static int compare(const fli_row *a, const fli_row *b)
{
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = fl_compare(fli_row_key(a, NULL), fli_row_key(b, NULL));
	if (order != 0 || has_key(a, fli_row_key(b, NULL)))
		return order;
	if (a->key_size != b->key_size) /* 1 and 1.0 */
		return a->key_size < b->key_size ? -1 : 1;
	return memcmp(a->bytes + a->key_at, b->bytes + b->key_at, a->key_size);
}

static bool is_beyond(const fli_row *row, const stand *from)
{
	if (row->hash != from->hash)
		return row->hash > from->hash;
	return from->row == NULL || (row != from->row && compare(row, from->row) > 0);
}

/* Of the keys that belong to the bucket, the least beyond. */
static const fli_hplace *least_of(
	const fli_buckets *b, size_t bucket, const stand *from, uint64_t *ret_word)
{
	size_t mask = buckets_count(b->bits) - 1;
	const fli_row *best = NULL;
	const fli_hplace *place = NULL;

	for (size_t i = 0; i <= mask; i++) {
		const fli_bucket *at = &b->at[(bucket + i) & mask];

		for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++) {
			uint64_t word = atomic_load(&at->slots[s]);
			const fli_row *row = fli_place_row(word);

			if (row == NULL || index_of(b, row->hash) != bucket ||
				!is_beyond(row, from) || (best != NULL && compare(row, best) > 0))
				continue;
			best = row;
			place = &at->slots[s];
			*ret_word = word;
		}
		if (atomic_load(&at->passed) == 0)
			break;
	}
	return place;
}

/* The first used bucket from there on, or how many there are. */
static size_t next_used(const fli_buckets *b, size_t bucket)
{
	size_t count = buckets_count(b->bits);
	uint64_t word;

	if (bucket >= count)
		return count;
	word = atomic_load(&b->used[bucket / 64]) >> bucket % 64;
	if (word != 0)
		return bucket + (size_t)__builtin_ctzll(word);
	for (size_t i = bucket / 64 + 1; i < words_count(b->bits); i++) {
		word = atomic_load(&b->used[i]);
		if (word != 0)
			return i * 64 + (size_t)__builtin_ctzll(word);
	}
	return count;
}

static bool seek(const fli_hindex *hash, const stand *from, fli_found *ret_found)
{
	const fli_buckets *b = atomic_load(&hash->buckets);
	size_t bucket = next_used(b, index_of(b, from->hash));

	while (bucket < buckets_count(b->bits)) {
		uint64_t word = 0;
		const fli_hplace *place = least_of(b, bucket, from, &word);

		if (place == NULL) {
			bucket = next_used(b, bucket + 1);
			continue;
		}
		ret_found->head = fli_place_row(word);
		ret_found->row = fli_row_seen(ret_found->head);
		if (atomic_load(place) == word)
			return true;
	}
	return false;
}

bool fli_hash_first(const fli_hindex *hash, fli_found *ret_found)
{
	return seek(hash, &(stand){0}, ret_found);
}

bool fli_hash_after(const fli_hindex *hash, uint64_t value, fli_found *ret_found)
{
	return value != UINT64_MAX && seek(hash, &(stand){.hash = value + 1}, ret_found);
}

bool fli_hash_next(const fli_hindex *hash, const fli_row *head, fli_found *ret_found)
{
	return seek(hash, &(stand){.hash = head->hash, .row = head}, ret_found);
}

/* ---- the writer ------------------------------------------------------------------------------ */

fli_hplace *fli_hash_place(fli_hindex *hash, uint64_t value, fl_term key)
{
	uint64_t word;

	return search(atomic_load(&hash->buckets), value, key, &word);
}

static void set_used(fli_buckets *b, size_t bucket)
{
	_Atomic(uint64_t) *word = &b->used[bucket / 64];
	uint64_t bit = UINT64_C(1) << bucket % 64;

	if ((atomic_load_explicit(word, memory_order_relaxed) & bit) == 0)
		(void)atomic_fetch_or(word, bit);
}

/* There is room. Returns how many buckets were full. */
static size_t link_row(fli_buckets *b, uint64_t value, uint64_t word)
{
	size_t mask = buckets_count(b->bits) - 1, i = index_of(b, value);

	set_used(b, i);
	for (size_t full = 0;; full++, i = (i + 1) & mask) {
		fli_bucket *bucket = &b->at[i];

		for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++)
			if (atomic_load_explicit(&bucket->slots[s], memory_order_relaxed) == 0) {
				atomic_store(&bucket->slots[s], word);
				return full;
			}
		(void)atomic_fetch_add(&bucket->passed, 1);
	}
}

void fli_hash_link(fli_hindex *hash, fli_row *row)
{
	(void)link_row(atomic_load(&hash->buckets), row->hash, word_of(row));
	hash->count++;
}

fli_row *fli_hash_replace(fli_hplace *place, fli_row *row)
{
	fli_row *old = fli_hplace_row(place);

	atomic_store(place, word_of(row));
	return old;
}

/* Nothing lies in the bucket, and nothing that belongs to it elsewhere. */
static void clear_used(fli_buckets *b, size_t at)
{
	const fli_bucket *bucket = &b->at[at];
	uint64_t any = atomic_load_explicit(&bucket->passed, memory_order_relaxed);

	for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++)
		any |= atomic_load_explicit(&bucket->slots[s], memory_order_relaxed);
	if (any == 0)
		(void)atomic_fetch_and(&b->used[at / 64], ~(UINT64_C(1) << at % 64));
}

fli_row *fli_hash_unlink(fli_hindex *hash, fli_hplace *place)
{
	fli_buckets *b = atomic_load(&hash->buckets);
	size_t mask = buckets_count(b->bits) - 1;
	size_t end = (size_t)((uintptr_t)place - (uintptr_t)b->at) / sizeof(fli_bucket);
	fli_row *old = fli_hplace_row(place);
	size_t home = index_of(b, old->hash);

	atomic_store(place, 0);
	for (size_t i = home; i != end; i = (i + 1) & mask)
		(void)atomic_fetch_sub(&b->at[i].passed, 1);
	clear_used(b, home);
	if (end != home)
		clear_used(b, end);
	hash->count--;
	return old;
}

/* ---- more and fewer buckets ------------------------------------------------------------------ */

static void fetch_rows(const fli_bucket *bucket)
{
	for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++)
		__builtin_prefetch(fli_hplace_row(&bucket->slots[s]));
}

/* False: keys went past full buckets more often than `passes`. */
static bool copy_rows(const fli_buckets *from, fli_buckets *to, size_t passes)
{
	size_t count = buckets_count(from->bits), full = 0;

	for (size_t i = 0; i < count && full <= passes; i++) {
		if (i + AHEAD < count)
			fetch_rows(&from->at[i + AHEAD]);
		for (unsigned s = 0; s < FLI_BUCKET_SLOTS; s++) {
			uint64_t word = atomic_load(&from->at[i].slots[s]);

			if (word != 0)
				full += link_row(to, fli_place_row(word)->hash, word);
		}
	}
	return full <= passes;
}

/* Returns the old one, which is for the limbo. */
static fli_buckets *publish(fli_hindex *hash, fli_buckets *fresh)
{
	fli_buckets *old = atomic_load(&hash->buckets);

	atomic_store(&hash->buckets, fresh);
	atomic_store(&hash->bytes, bytes_of(fresh->bits));
	return old;
}

static int resize(fli_hindex *hash, unsigned bits, size_t passes)
{
	fli_buckets *fresh = make_buckets(hash->mem, bits);

	if (fresh == NULL)
		return FL_ENOMEM;
	if (!copy_rows(atomic_load(&hash->buckets), fresh, passes)) {
		fli_free(hash->mem, fresh);
		return FL_ELIMIT;
	}
	fli_limbo_put(hash->limbo, &publish(hash, fresh)->block);
	hash->fit_below = SIZE_MAX;
	return FL_OK;
}

int fli_hash_reserve(fli_hindex *hash, size_t more)
{
	unsigned had = atomic_load(&hash->buckets)->bits, bits = had;
	size_t count = hash->count + more;

	while (count > buckets_count(bits) * FLI_BUCKET_FILL && bits < BITS_MAX)
		bits++;
	if (bits == had || resize(hash, bits, SIZE_MAX) == FL_OK)
		return FL_OK;
	return count < buckets_count(had) * FLI_BUCKET_SLOTS ? FL_OK : FL_ENOMEM;
}

/* Half full of the keys that there are. */
static unsigned bits_for(size_t count)
{
	unsigned bits = BITS_MIN;

	while (count > buckets_count(bits) * FLI_BUCKET_FILL / 2)
		bits++;
	return bits;
}

void fli_hash_fit(fli_hindex *hash)
{
	unsigned bits = atomic_load(&hash->buckets)->bits, fewer;

	if (FLI_LIKELY(hash->count >= buckets_count(bits) * FLI_BUCKET_FILL / 8) ||
		hash->count > hash->fit_below)
		return;
	for (fewer = bits_for(hash->count); fewer < bits; fewer++)
		if (resize(hash, fewer, hash->count / 4 + FEW) == FL_OK)
			return;
	hash->fit_below = hash->count / 2;
}

static void drop_row(fli_hindex *hash, fli_row *row)
{
	fli_limbo_put(hash->limbo, &row->block);
}

int fli_hash_clear(fli_hindex *hash)
{
	fli_buckets *fresh = make_buckets(hash->mem, BITS_MIN), *old;

	if (fresh == NULL)
		return FL_ENOMEM;
	old = publish(hash, fresh);
	end_rows(hash, old, drop_row);
	fli_limbo_put(hash->limbo, &old->block);
	hash->count = 0;
	hash->fit_below = SIZE_MAX;
	return FL_OK;
}
