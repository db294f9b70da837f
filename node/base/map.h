/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_MAP_H
#define FLI_BASE_MAP_H

/*
 * A hash table of pointers to items that carry their own key: open addressing, linear probing,
 * deletion by backward shift, so that there are no tombstones.
 *
 * The caller computes the hash; `equal(item, key)` says whether an item has that key.
 *
 * Threads: one at a time. Memory: owns its slots, never the items. Errors: fli_map_put returns
 * FL_ENOMEM. Limits: none of its own; who fills it counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/base/mem.h"

typedef bool fli_map_equal(const void *item, const void *key);

typedef struct fli_map_slot {
	uint64_t hash;
	void *item; /* NULL: free */
} fli_map_slot;

typedef struct fli_map {
	fli_map_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
	fli_map_equal *equal;
	fli_mem *mem;
} fli_map;

void fli_map_create(fli_map *map, fli_mem *mem, fli_map_equal *equal);
void fli_map_destroy(fli_map *map);
void *fli_map_get(const fli_map *map, uint64_t hash, const void *key);
/* Adds an item whose key is not in the table yet. */
int fli_map_put(fli_map *map, uint64_t hash, void *item);
/* Takes the item with that key out and returns it, or NULL. */
void *fli_map_remove(fli_map *map, uint64_t hash, const void *key);
/* Visits all: start with *cursor = 0; NULL at the end. The table must not change meanwhile. */
void *fli_map_next(const fli_map *map, size_t *cursor);

/* A keyed hash of bytes; peers choose some keys, so each table of a node takes the node's seed. */
uint64_t fli_hash(uint64_t seed, const void *bytes, size_t size);

static inline uint64_t fli_hash_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

#endif
