/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base/map.h"

#include <stdio.h>
#include <string.h>

#include "flitch/error.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

enum { KEYS = 500 };

struct item {
	unsigned key;
};

static struct item items[KEYS];

static bool has_key(const void *item, const void *key)
{
	return ((const struct item *)item)->key == *(const unsigned *)key;
}

/* Few different values, so that runs get long and wrap around. */
static uint64_t poor_hash(unsigned key)
{
	return key % 7 == 0 ? UINT64_MAX - key % 3 : key % 50;
}

static void an_empty_map_holds_nothing(void)
{
	unsigned key = 1;
	size_t cursor = 0;
	fli_map map;

	fli_map_create(&map, fli_mem_libc(), has_key);
	CU_ASSERT_PTR_NULL(fli_map_get(&map, 1, &key));
	CU_ASSERT_PTR_NULL(fli_map_remove(&map, 1, &key));
	CU_ASSERT_PTR_NULL(fli_map_next(&map, &cursor));
	fli_map_destroy(&map);
}

static void check_against(const fli_map *map, const bool *is_in)
{
	size_t cursor = 0, count = 0, expected = 0;

	while (fli_map_next(map, &cursor) != NULL)
		count++;
	for (unsigned key = 0; key < KEYS; key++) {
		struct item *found = fli_map_get(map, poor_hash(key), &key);

		CU_ASSERT_EQUAL(found, is_in[key] ? &items[key] : NULL);
		expected += is_in[key];
	}
	CU_ASSERT(count == expected && map->count == expected);
}

static void it_agrees_with_a_plain_array_through_random_changes(void)
{
	bool is_in[KEYS] = {false};
	uint64_t seed = 3;
	fli_map map;

	fli_map_create(&map, fli_mem_libc(), has_key);
	for (int i = 0; i < 20000; i++) {
		unsigned key;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		key = (unsigned)(seed >> 33) % KEYS;
		items[key].key = key;
		if (is_in[key]) {
			CU_ASSERT_EQUAL(fli_map_remove(&map, poor_hash(key), &key), &items[key]);
		} else {
			CU_ASSERT_EQUAL(fli_map_put(&map, poor_hash(key), &items[key]), FL_OK);
		}
		is_in[key] = !is_in[key];
		if (i % 1000 == 0)
			check_against(&map, is_in);
	}
	check_against(&map, is_in);
	fli_map_destroy(&map);
}

static void lack_of_memory_leaves_the_map_as_it_was(void)
{
	bool was_hit = true;

	for (long n = 1; was_hit; n++) {
		fli_fault fault;
		size_t added = 0;
		fli_map map;

		fli_fault_create(&fault, n);
		fli_map_create(&map, &fault.mem, has_key);
		for (unsigned key = 0; key < 100; key++) {
			int rc;

			items[key].key = key;
			rc = fli_map_put(&map, key, &items[key]);
			CU_ASSERT(rc == FL_OK || rc == FL_ENOMEM);
			added += rc == FL_OK;
			CU_ASSERT_EQUAL(fli_map_get(&map, key, &key) != NULL, rc == FL_OK);
		}
		was_hit = fault.was_hit;
		CU_ASSERT_EQUAL(added, was_hit ? 99 : 100);
		CU_ASSERT_EQUAL(map.count, added);
		fli_map_destroy(&map);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

static void the_hash_depends_on_seed_length_and_every_byte(void)
{
	char text[64] = {0};
	uint64_t plain = fli_hash(1, text, sizeof text);

	CU_ASSERT_EQUAL(fli_hash(1, text, sizeof text), plain);
	CU_ASSERT_NOT_EQUAL(fli_hash(2, text, sizeof text), plain);
	for (size_t size = 0; size < sizeof text; size++)
		CU_ASSERT_NOT_EQUAL(fli_hash(1, text, size), plain);
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = 1;
		CU_ASSERT_NOT_EQUAL(fli_hash(1, text, sizeof text), plain);
		text[i] = 0;
	}
}

FL_SUITE("map", FL_TEST(an_empty_map_holds_nothing),
	FL_TEST(it_agrees_with_a_plain_array_through_random_changes),
	FL_TEST(lack_of_memory_leaves_the_map_as_it_was),
	FL_TEST(the_hash_depends_on_seed_length_and_every_byte));
