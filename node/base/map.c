/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/map.h"

#include <string.h>

#include "flitch/error.h"
#include "node/base/bytes.h"

#define CAPACITY_FIRST 16

void fli_map_create(fli_map *map, fli_mem *mem, fli_map_equal *equal)
{
	*map = (fli_map){.mem = mem, .equal = equal};
}

void fli_map_destroy(fli_map *map)
{
	fli_free(map->mem, map->slots);
	map->slots = NULL;
	map->capacity = map->count = 0;
}

static size_t find(const fli_map *map, uint64_t hash, const void *key)
{
	size_t mask = map->capacity - 1;

	for (size_t i = hash & mask; map->slots[i].item != NULL; i = (i + 1) & mask)
		if (map->slots[i].hash == hash && map->equal(map->slots[i].item, key))
			return i;
	return SIZE_MAX;
}

void *fli_map_get(const fli_map *map, uint64_t hash, const void *key)
{
	size_t i = map->count == 0 ? SIZE_MAX : find(map, hash, key);

	return i == SIZE_MAX ? NULL : map->slots[i].item;
}

static void insert(fli_map_slot *slots, size_t mask, uint64_t hash, void *item)
{
	size_t i = hash & mask;

	while (slots[i].item != NULL)
		i = (i + 1) & mask;
	slots[i] = (fli_map_slot){hash, item};
}

static bool grow(fli_map *map)
{
	size_t capacity = map->capacity == 0 ? CAPACITY_FIRST : map->capacity * 2;
	fli_map_slot *slots = fli_zalloc(map->mem, capacity * sizeof *slots);

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].item != NULL)
			insert(slots, capacity - 1, map->slots[i].hash, map->slots[i].item);
	fli_free(map->mem, map->slots);
	map->slots = slots;
	map->capacity = capacity;
	return true;
}

int fli_map_put(fli_map *map, uint64_t hash, void *item)
{
	if (map->count + 1 > map->capacity / 4 * 3 && !grow(map))
		return FL_ENOMEM;
	insert(map->slots, map->capacity - 1, hash, item);
	map->count++;
	return FL_OK;
}

/* Knuth, 6.4 algorithm R: pull later entries of the run into the hole. */
static void close_hole(fli_map *map, size_t hole)
{
	size_t mask = map->capacity - 1;

	for (size_t i = (hole + 1) & mask; map->slots[i].item != NULL; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].item = NULL;
}

void *fli_map_remove(fli_map *map, uint64_t hash, const void *key)
{
	size_t i = map->count == 0 ? SIZE_MAX : find(map, hash, key);
	void *item;

	if (i == SIZE_MAX)
		return NULL;
	item = map->slots[i].item;
	close_hole(map, i);
	map->count--;
	return item;
}

void *fli_map_next(const fli_map *map, size_t *cursor)
{
	while (*cursor < map->capacity) {
		void *item = map->slots[(*cursor)++].item;

		if (item != NULL)
			return item;
	}
	return NULL;
}

static uint64_t tail(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t fli_hash(uint64_t seed, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	uint64_t h = seed ^ size * UINT64_C(0x9e3779b97f4a7c15);

	for (; size >= 8; p += 8, size -= 8)
		h = fli_hash_mix(h ^ fli_get64(p));
	return fli_hash_mix(h ^ tail(p, size));
}
