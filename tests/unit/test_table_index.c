/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a hashed table against an array: keys that come and go, buckets that overflow,
 * arrays that grow and shrink; walks in order of the hashes.
 */
#include "node/table_hash.h"

#include "node/table.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

enum { KEYS = 5000, STEPS = 60000 };

static fli_epochs epochs;
static fli_limbo limbo;
static fli_hindex hash;
static bool is_in[KEYS];

/* `spread` false: hashes that differ in their last bits only, so one bucket is everybody's. */
static fli_row *make_row(fli_mem *mem, int64_t key, bool spread)
{
	uint8_t text[2 + FLI_INTEGER_ROOM] = {104, 1};
	size_t size = fli_integer_write(text + 2, key);
	fli_object object = {
		.term = {.data = text, .size = 2 + size}, .key = {.data = text + 2, .size = size}};
	fli_row *row = fli_alloc(mem, fli_row_room(2 + size));

	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_TRUE_FATAL(fli_hash_key(42, object.key, &object.hash));
	if (!spread)
		object.hash = (uint64_t)key / 4; /* and some keys have one hash */
	fli_row_write(row, &object);
	return row;
}

static void open_index(fli_mem *mem)
{
	memset(is_in, 0, sizeof is_in);
	fli_epochs_create(&epochs);
	fli_limbo_create(&limbo, mem, &epochs);
	CU_ASSERT_EQUAL_FATAL(fli_hash_create(&hash, mem, &limbo), FL_OK);
}

static void close_index(void)
{
	fli_hash_destroy(&hash);
	fli_limbo_destroy(&limbo);
}

static bool find(const fli_row *row)
{
	fli_found found;

	return fli_hash_find(&hash, row->hash, fli_row_key(row, NULL), &found) &&
	       found.row == found.head;
}

static void turn(fli_mem *mem, int64_t key, bool spread)
{
	fli_row *row = make_row(mem, key, spread);
	fli_hplace *place = fli_hash_place(&hash, row->hash, fli_row_key(row, NULL));

	CU_ASSERT_EQUAL(place != NULL, is_in[key]);
	CU_ASSERT_EQUAL(find(row), is_in[key]);
	if (place != NULL) {
		fli_limbo_put(&limbo, &fli_hash_unlink(&hash, place)->block);
		fli_hash_fit(&hash);
		fli_free(mem, row);
	} else {
		CU_ASSERT_EQUAL(fli_hash_reserve(&hash, 1), FL_OK);
		fli_hash_link(&hash, row);
	}
	is_in[key] = place == NULL;
}

static int64_t key_of(const fli_row *row)
{
	int64_t key = -1;

	CU_ASSERT_TRUE(fl_match(fli_row_key(row, NULL), "~", &key));
	return key;
}

/* Each key that is in once, by hash. */
static void walk(void)
{
	static bool seen[KEYS];
	size_t count = 0, expected = 0;
	uint64_t last = 0;
	fli_found found;

	memset(seen, 0, sizeof seen);
	for (bool more = fli_hash_first(&hash, &found); more;
		more = fli_hash_next(&hash, found.head, &found)) {
		int64_t key = key_of(found.row);

		CU_ASSERT_TRUE(found.row->hash >= last);
		CU_ASSERT_FALSE(seen[key]);
		CU_ASSERT_TRUE(is_in[key]);
		last = found.row->hash;
		seen[key] = true;
		count++;
	}
	for (int i = 0; i < KEYS; i++)
		expected += is_in[i];
	CU_ASSERT_EQUAL(count, expected);
	CU_ASSERT_EQUAL(count, hash.count);
}

static void play(bool spread, int64_t keys, int steps)
{
	uint64_t dice = 7;

	open_index(fli_mem_libc());
	for (int i = 0; i < steps; i++) {
		dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
		turn(fli_mem_libc(), (int64_t)(dice >> 33) % keys, spread);
		if (i % (steps / 8) == 0)
			walk();
	}
	for (int64_t key = 0; key < keys; key++)
		if (is_in[key] && key % 50 != 0)
			turn(fli_mem_libc(), key, spread);
	walk();
	CU_ASSERT_TRUE(atomic_load(&hash.bytes) <= 2 * 64 * hash.count);
	close_index();
}

static void keys_come_and_go(void)
{
	play(true, KEYS, STEPS);
}

/* Keys are taken out in the order of a walk, so those that are left lie close together. */
static void keys_go_in_order(void)
{
	fli_found found;
	size_t largest;

	open_index(fli_mem_libc());
	for (int64_t key = 0; key < KEYS; key++)
		turn(fli_mem_libc(), key, true);
	largest = atomic_load(&hash.bytes);
	for (size_t left = KEYS; fli_hash_first(&hash, &found); left--) {
		uint64_t passed = 0;
		fli_buckets *b = atomic_load(&hash.buckets);

		CU_ASSERT_EQUAL(hash.count, left);
		for (size_t i = 0; i < (size_t)1 << b->bits && left % 100 == 0; i++)
			passed += b->at[i].passed;
		CU_ASSERT_TRUE(passed <= left / 2 + 32);
		turn(fli_mem_libc(), key_of(found.row), true);
	}
	CU_ASSERT_TRUE(atomic_load(&hash.bytes) < largest / 100);
	close_index();
}

static void keys_of_one_bucket_overflow_into_the_next(void)
{
	play(false, 200, 4000);
}

static void index_that_cannot_grow_takes_what_it_has_room_for(void)
{
	fli_fault fault;
	int64_t key = 0;

	fli_fault_create(&fault, 0);
	open_index(&fault.mem);
	for (; key < 10; key++)
		turn(&fault.mem, key, true);
	for (; key < 100; key++) {
		fault.countdown = 1;
		if (fli_hash_reserve(&hash, 1) != FL_OK)
			break;
		fault.countdown = 0;
		fli_hash_link(&hash, make_row(&fault.mem, key, true));
		is_in[key] = true;
	}
	CU_ASSERT_TRUE(key > 10 && key < 20);
	fault.countdown = 0;
	CU_ASSERT_EQUAL(fli_hash_reserve(&hash, 1), FL_OK);
	walk();
	close_index();
	CU_ASSERT_EQUAL(fault.live, 0);
}

FL_SUITE("table_index", FL_TEST(keys_come_and_go), FL_TEST(keys_go_in_order),
	FL_TEST(keys_of_one_bucket_overflow_into_the_next),
	FL_TEST(index_that_cannot_grow_takes_what_it_has_room_for));
