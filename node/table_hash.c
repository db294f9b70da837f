/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table whose readers take no lock.
 *
 * - A chain is sorted by hash. To insert is to store one pointer, to unlink as well; the unlinked
 *   node keeps its own pointer, so a reader that stands on it goes on.
 * - To double the buckets the writer makes the new array, publishes it, and then cuts each chain in
 *   two. A reader that still looks at the old array may find a chain cut short: so who finds
 *   nothing looks whether the array has changed, and then again. To halve them it joins chains
 *   before it publishes; a reader of the old array meets nodes beyond its bucket and stops there.
 * - A traversal that comes to the end of a chain goes on by the hash where it stands.
 *
 * Failure: without memory for an array chains grow longer. Two keys with one 64-bit hash, which is
 * keyed, are told apart by comparing them.
 */
#include "node/table_hash.h"

#include "node/base/map.h"
#include "node/term/hash.h"
#include "node/term/peek.h"

enum { BITS_MIN = 3, BITS_MAX = 40 };

static size_t index_of(const fli_buckets *b, uint64_t value)
{
	return (size_t)(value >> (64 - b->bits));
}

static size_t buckets_count(unsigned bits)
{
	return (size_t)1 << bits;
}

static fli_buckets *make_buckets(fli_mem *mem, unsigned bits)
{
	size_t count = buckets_count(bits);
	fli_buckets *b = fli_alloc(mem, sizeof *b + count * sizeof b->heads[0]);

	if (b == NULL)
		return NULL;
	b->bits = bits;
	for (size_t i = 0; i < count; i++)
		atomic_init(&b->heads[i], NULL);
	return b;
}

int fli_hash_create(fli_hindex *hash, fli_mem *mem, fli_limbo *limbo)
{
	fli_buckets *b = make_buckets(mem, BITS_MIN);

	if (b == NULL)
		return FL_ENOMEM;
	atomic_init(&hash->buckets, b);
	hash->count = 0;
	hash->limbo = limbo;
	hash->mem = mem;
	return FL_OK;
}

static void free_node(fli_mem *mem, fli_hnode *node)
{
	fli_row *row = node->has_row ? NULL : atomic_load(&node->rows);

	while (row != NULL) {
		const fli_row *older = row->older;

		fli_free(mem, row);
		row = (fli_row *)(uintptr_t)older;
	}
	fli_free(mem, node);
}

void fli_hash_destroy(fli_hindex *hash)
{
	fli_buckets *b = atomic_load(&hash->buckets);

	for (size_t i = 0; i < buckets_count(b->bits); i++) {
		fli_hnode *node = atomic_load(&b->heads[i]);

		while (node != NULL) {
			fli_hnode *next = atomic_load(&node->next);

			free_node(hash->mem, node);
			node = next;
		}
	}
	fli_free(hash->mem, b);
}

bool fli_hash_key(uint64_t seed, fl_term key, uint64_t *ret_hash)
{
	fli_cursor c = fli_cursor_make(key.data, key.size);
	int64_t number;

	/* The most common keys; an integer has the same hash however it is encoded. */
	if (key.rest == 0 && fli_peek_int(&c, &number)) {
		*ret_hash = fli_hash_mix(fli_hash_mix(seed ^ (uint64_t)number) + seed);
		return true;
	}
	return fli_term_hash(seed, key, ret_hash);
}

/* ---- readers --------------------------------------------------------------------------------- */

static bool has_key(const fli_hnode *node, fl_term key)
{
	return fli_same_term((fl_term){.data = node->key, .size = node->key_size}, key);
}

fli_hnode *fli_hash_find(const fli_hindex *hash, uint64_t value, fl_term key)
{
	const fli_buckets *b = atomic_load(&hash->buckets), *seen;

	do {
		fli_hnode *node = atomic_load(&b->heads[index_of(b, value)]);

		while (node != NULL && node->hash < value)
			node = atomic_load(&node->next);
		for (; node != NULL && node->hash == value; node = atomic_load(&node->next))
			if (has_key(node, key))
				return node;
		seen = b;
		b = atomic_load(&hash->buckets);
	} while (FLI_UNLIKELY(seen != b));
	return NULL;
}

/* The first node from the bucket on whose hash is not below `least`; false: look again. */
static bool seek(const fli_hindex *hash, const fli_buckets *b, uint64_t least, fli_hnode **ret_node)
{
	for (size_t i = index_of(b, least); i < buckets_count(b->bits); i++) {
		fli_hnode *node = atomic_load(&b->heads[i]);

		while (node != NULL && node->hash < least)
			node = atomic_load(&node->next);
		if (node != NULL) {
			*ret_node = node;
			return true;
		}
		if (atomic_load(&hash->buckets) != b)
			return false;
	}
	*ret_node = NULL;
	return true;
}

static fli_hnode *from(const fli_hindex *hash, uint64_t least)
{
	fli_hnode *node = NULL;

	while (!seek(hash, atomic_load(&hash->buckets), least, &node))
		continue;
	return node;
}

fli_hnode *fli_hash_first(const fli_hindex *hash)
{
	return from(hash, 0);
}

fli_hnode *fli_hash_after(const fli_hindex *hash, uint64_t value)
{
	return value == UINT64_MAX ? NULL : from(hash, value + 1);
}

fli_hnode *fli_hash_next(const fli_hindex *hash, const fli_hnode *node)
{
	fli_hnode *next = atomic_load(&node->next);

	return next != NULL ? next : fli_hash_after(hash, node->hash);
}

/* ---- the writer ------------------------------------------------------------------------------ */

fli_hnode *fli_hash_spot(fli_hindex *hash, uint64_t value, fl_term key, fli_hplace **ret_place)
{
	fli_buckets *b = atomic_load(&hash->buckets);
	fli_hplace *place = &b->heads[index_of(b, value)];
	fli_hnode *node;

	while ((node = atomic_load(place)) != NULL && node->hash < value)
		place = &node->next;
	*ret_place = place;
	while ((node = atomic_load(place)) != NULL && node->hash == value) {
		if (has_key(node, key)) {
			*ret_place = place;
			return node;
		}
		place = &node->next;
	}
	return NULL;
}

static fli_hnode *make_node(fli_mem *mem, const fli_object *object, size_t extra)
{
	fli_hnode *node = fli_alloc(mem, sizeof *node + extra);

	if (node == NULL)
		return NULL;
	*node = (fli_hnode){.hash = object->hash, .key_size = (uint32_t)object->key.size};
	atomic_init(&node->next, NULL);
	atomic_init(&node->rows, NULL);
	return node;
}

fli_hnode *fli_hnode_of_object(fli_mem *mem, const fli_object *object)
{
	fli_hnode *node = make_node(mem, object, fli_row_bytes(object));
	fli_row *row;

	if (node == NULL)
		return NULL;
	row = (fli_row *)(void *)(node + 1);
	fli_row_write(row, object);
	node->has_row = true;
	node->key = row->bytes + row->key_at;
	atomic_init(&node->rows, row);
	return node;
}

fli_hnode *fli_hnode_of_key(fli_mem *mem, const fli_object *object)
{
	fli_hnode *node = make_node(mem, object, object->key.size);
	uint8_t *copy;

	if (node == NULL)
		return NULL;
	copy = (uint8_t *)(node + 1);
	memcpy(copy, object->key.data, object->key.size);
	node->key = copy;
	return node;
}

void fli_hash_link(fli_hindex *hash, fli_hplace *place, fli_hnode *node)
{
	atomic_store(&node->next, atomic_load(place));
	atomic_store(place, node);
	hash->count++;
}

fli_hnode *fli_hash_replace(fli_hplace *place, fli_hnode *node)
{
	fli_hnode *old = atomic_load(place);

	atomic_store(&node->next, atomic_load(&old->next));
	atomic_store(place, node);
	return old;
}

void fli_hash_unlink(fli_hindex *hash, fli_hplace *place)
{
	fli_hnode *old = atomic_load(place);

	atomic_store(place, atomic_load(&old->next));
	hash->count--;
	fli_limbo_put(hash->limbo, &old->block);
}

/* ---- more and fewer buckets ------------------------------------------------------------------ */

/* The place where the chain at `head` goes beyond `last`. */
static fli_hplace *beyond(fli_hplace *head, uint64_t last)
{
	fli_hnode *node;

	while ((node = atomic_load(head)) != NULL && node->hash <= last)
		head = &node->next;
	return head;
}

/* The last hash of the lower half of a bucket. */
static uint64_t middle(const fli_buckets *b, size_t bucket)
{
	uint64_t width = UINT64_C(1) << (64 - b->bits);

	return (uint64_t)bucket * width + (width / 2 - 1);
}

static void publish(fli_hindex *hash, fli_buckets *old, fli_buckets *fresh)
{
	atomic_store(&hash->buckets, fresh);
	fli_limbo_put(hash->limbo, &old->block);
}

static void split(fli_hindex *hash, fli_buckets *old, fli_buckets *fresh)
{
	size_t count = buckets_count(old->bits);

	for (size_t i = 0; i < count; i++) {
		fli_hnode *first = atomic_load(&old->heads[i]);
		fli_hnode *half = atomic_load(beyond(&old->heads[i], middle(old, i)));

		atomic_init(&fresh->heads[2 * i], first == half ? NULL : first);
		atomic_init(&fresh->heads[2 * i + 1], half);
	}
	atomic_store(&hash->buckets, fresh);
	for (size_t i = 0; i < count; i++)
		atomic_store(beyond(&fresh->heads[2 * i], middle(old, i)), NULL);
	fli_limbo_put(hash->limbo, &old->block);
}

static void join(fli_hindex *hash, fli_buckets *old, fli_buckets *fresh)
{
	for (size_t i = 0; i < buckets_count(fresh->bits); i++) {
		fli_hnode *low = atomic_load(&old->heads[2 * i]);
		fli_hnode *high = atomic_load(&old->heads[2 * i + 1]);

		if (low != NULL && high != NULL)
			atomic_store(beyond(&old->heads[2 * i], UINT64_MAX), high);
		atomic_init(&fresh->heads[i], low != NULL ? low : high);
	}
	publish(hash, old, fresh);
}

void fli_hash_fit(fli_hindex *hash)
{
	fli_buckets *old = atomic_load(&hash->buckets), *fresh;
	size_t buckets = buckets_count(old->bits);
	bool grows = hash->count > buckets && old->bits < BITS_MAX;

	if (!grows && (hash->count >= buckets / 8 || old->bits == BITS_MIN))
		return;
	fresh = make_buckets(hash->mem, grows ? old->bits + 1 : old->bits - 1);
	if (fresh == NULL)
		return;
	if (grows)
		split(hash, old, fresh);
	else
		join(hash, old, fresh);
}

static void drop_node(fli_hindex *hash, fli_hnode *node)
{
	fli_row *row = node->has_row ? NULL : atomic_load(&node->rows);

	while (row != NULL) {
		fli_row *older = (fli_row *)(uintptr_t)row->older;

		fli_limbo_put(hash->limbo, &row->block);
		row = older;
	}
	fli_limbo_put(hash->limbo, &node->block);
}

void fli_hash_clear(fli_hindex *hash)
{
	fli_buckets *b = atomic_load(&hash->buckets);
	fli_buckets *fresh = make_buckets(hash->mem, BITS_MIN);

	if (fresh != NULL)
		publish(hash, b, fresh);
	for (size_t i = 0; i < buckets_count(b->bits); i++) {
		fli_hnode *node = atomic_load(&b->heads[i]);

		if (fresh == NULL)
			atomic_store(&b->heads[i], NULL);
		while (node != NULL) {
			fli_hnode *next = atomic_load(&node->next);

			drop_node(hash, node);
			node = next;
		}
	}
	hash->count = 0;
}
