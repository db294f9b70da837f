/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/term/hash.h"
#include "node/term/write.h"
#include "tests/support/suite.h"
#include "tests/support/termgen.h"

static uint64_t hash_of(fl_term term)
{
	uint64_t hash = 0;

	CU_ASSERT_TRUE(fli_term_hash(0x1234, term, &hash));
	return hash;
}

static uint64_t hash_text(const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err;
	uint64_t hash;

	CU_ASSERT_EQUAL(fl_read(&buf, text, strlen(text), &err), FL_OK);
	hash = hash_of(fl_buf_term(&buf));
	fl_buf_free(&buf);
	return hash;
}

static void equal_terms_hash_alike(void)
{
	static const char *const pairs[][2] = {
		{"#{a => 1, b => 2, c => #{d => 3, e => 4}}",
			"#{c => #{e => 4, d => 3}, b => 2, a => 1}"},
		{"[1, 2 | [3]]", "[1, 2, 3]"},
		{"{#{[97] => x}, y}", "{#{\"a\" => x}, y}"},
		{"[#{1 => #{}} | []]", "[#{1 => #{}}]"},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		CU_ASSERT_EQUAL(hash_text(pairs[i][0]), hash_text(pairs[i][1]));
}

static void what_stands_elsewhere_counts(void)
{
	static const char *const texts[] = {"#{}", "{#{}, 1}", "{#{}, 2}", "#{1 => 2, 3 => 4}",
		"#{1 => 4, 3 => 2}", "#{2 => 1, 4 => 3}", "#{a => #{b => c}}", "#{a => #{c => b}}",
		"{#{a => b}, c}", "{#{a => c}, b}", "#{a => a}", "#{b => b}", "1.5", "2.5",
		"18446744073709551617", "18446744073709551618", "[1, 2]", "[2, 1]", "[[1], 2]",
		"[#{1 => 1}, #{2 => 2}]", "[#{2 => 2}, #{1 => 1}]"};
	enum { COUNT = sizeof texts / sizeof texts[0] };

	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = i + 1; j < COUNT; j++)
			CU_ASSERT_NOT_EQUAL(hash_text(texts[i]), hash_text(texts[j]));
}

static uint64_t hash_built(fli_buf *buf)
{
	uint64_t hash = hash_of((fl_term){.data = buf->data, .size = buf->size});

	fli_buf_clear(buf, 0);
	return hash;
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What a peer forges: the same number, of another node or life. */
static void identifiers_of_other_nodes_and_lives_differ(void)
{
	uint64_t hashes[4 * 64];
	size_t count = 0;
	char name[16];
	fli_buf buf;

	fli_buf_create(&buf, fli_mem_libc(), 0);
	for (uint32_t i = 0; i < 64; i++) {
		fl_pid pid = {.node = fl_atom_of("a@h"), .id = 1, .creation = i};
		fl_ref ref = {.node = fl_atom_of("a@h"), .count = 3, .words = {1}, .creation = i};

		fli_write_pid(&buf, &pid);
		hashes[count++] = hash_built(&buf);
		fli_write_ref(&buf, &ref);
		hashes[count++] = hash_built(&buf);
		(void)snprintf(name, sizeof name, "b%u@h", i);
		pid.node = ref.node = fl_atom_of(name);
		fli_write_pid(&buf, &pid);
		hashes[count++] = hash_built(&buf);
		fli_write_ref(&buf, &ref);
		hashes[count++] = hash_built(&buf);
	}
	qsort(hashes, count, sizeof *hashes, order);
	for (size_t i = 1; i < count; i++)
		CU_ASSERT_NOT_EQUAL(hashes[i - 1], hashes[i]);
	fli_buf_destroy(&buf);
}

static void references_may_have_zeros_at_the_end(void)
{
	fl_ref ref = {.node = fl_atom_of("a@h"), .count = 3, .words = {7, 8}};
	uint64_t of_three;
	fli_buf buf;

	fli_buf_create(&buf, fli_mem_libc(), 0);
	fli_write_ref(&buf, &ref);
	of_three = hash_built(&buf);
	ref.count = 5;
	fli_write_ref(&buf, &ref);
	CU_ASSERT_EQUAL(hash_built(&buf), of_three);
	fli_buf_destroy(&buf);
}

static void maps_nest_as_deep_as_they_like(void)
{
	uint64_t hash = 0;
	fli_buf buf;

	fli_buf_create(&buf, fli_mem_libc(), 0);
	for (size_t i = 0; i < 20000; i++) {
		fli_write_map(&buf, 1);
		fli_write_uint(&buf, i);
	}
	fli_write_nil(&buf);
	CU_ASSERT_TRUE(fli_term_hash(1, (fl_term){.data = buf.data, .size = buf.size}, &hash));
	CU_ASSERT_FALSE(fli_term_hash(1, (fl_term){.data = buf.data, .size = buf.size - 1}, &hash));
	fli_buf_destroy(&buf);
}

FL_SUITE("hash", FL_TEST(equal_terms_hash_alike), FL_TEST(what_stands_elsewhere_counts),
	FL_TEST(identifiers_of_other_nodes_and_lives_differ),
	FL_TEST(references_may_have_zeros_at_the_end), FL_TEST(maps_nest_as_deep_as_they_like));
