/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/peek.h"

#include <stdlib.h>

#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define CURSOR(...) fli_cursor_make(BYTES(__VA_ARGS__))
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define U4(x) 0, 0, 0, (x)
#define NODE 119, 3, 'a', '@', 'b'

static void tuples_of_both_sizes_are_entered(void)
{
	fli_cursor small = CURSOR(104, 2, 97, 1, 97, 2), large = CURSOR(105, 0, 0, 1, 0, 106);
	fli_cursor too_large = CURSOR(105, 1, 0, 0, 0), list = CURSOR(106);
	uint32_t arity;

	CU_ASSERT_TRUE(fli_peek_tuple(&small, &arity));
	CU_ASSERT_EQUAL(arity, 2);
	CU_ASSERT_EQUAL(fli_left(&small), 4);
	CU_ASSERT_TRUE(fli_peek_tuple(&large, &arity));
	CU_ASSERT_EQUAL(arity, 256);
	CU_ASSERT_FALSE(fli_peek_tuple(&too_large, &arity));
	CU_ASSERT_FALSE(fli_peek_tuple(&list, &arity));
	CU_ASSERT_EQUAL(fli_left(&list), 1);
}

static bool is_atom(fli_cursor c, const fli_refs *refs, const char *text)
{
	fl_atom atom;

	return fli_peek_atom(&c, refs, &atom) && fl_atom_is(atom, text) && fli_left(&c) == 0;
}

static void atoms_of_every_form_are_read(void)
{
	CU_ASSERT_TRUE(is_atom(CURSOR(119, 1, 'a'), NULL, "a"));
	CU_ASSERT_TRUE(is_atom(CURSOR(118, 0, 1, 'a'), NULL, "a"));
	CU_ASSERT_TRUE(is_atom(CURSOR(115, 1, 'a'), NULL, "a"));
	CU_ASSERT_TRUE(is_atom(CURSOR(100, 0, 1, 'a'), NULL, "a"));
	CU_ASSERT_TRUE(is_atom(CURSOR(82, 0), &fl_sample_refs, "a"));
	CU_ASSERT_FALSE(is_atom(CURSOR(82, 3), &fl_sample_refs, "a"));
	CU_ASSERT_FALSE(is_atom(CURSOR(82, 0), NULL, "a"));
	CU_ASSERT_FALSE(is_atom(CURSOR(100, 0, 1, 0xe9), NULL, "\xc3\xa9"));
	CU_ASSERT_FALSE(is_atom(CURSOR(119, 1, 0xe9), NULL, "\xe9"));
}

static bool int_is(fli_cursor c, int64_t expected)
{
	int64_t value;

	return fli_peek_int(&c, &value) && value == expected && fli_left(&c) == 0;
}

static bool uint_is(fli_cursor c, uint64_t expected)
{
	uint64_t value;

	return fli_peek_uint(&c, &value) && value == expected && fli_left(&c) == 0;
}

static void integers_are_read_by_value_whatever_their_form(void)
{
	CU_ASSERT_TRUE(int_is(CURSOR(97, 255), 255));
	CU_ASSERT_TRUE(int_is(CURSOR(98, 255, 255, 255, 255), -1));
	CU_ASSERT_TRUE(int_is(CURSOR(98, 128, 0, 0, 0), INT32_MIN));
	CU_ASSERT_TRUE(int_is(CURSOR(98, U4(5)), 5));
	CU_ASSERT_TRUE(int_is(CURSOR(110, 1, 1, 5), -5));
	CU_ASSERT_TRUE(int_is(CURSOR(110, 0, 1), 0));
	CU_ASSERT_TRUE(int_is(CURSOR(110, 10, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0), 7));
	CU_ASSERT_TRUE(int_is(CURSOR(111, U4(2), 9, 0, 1), -256));
	CU_ASSERT_TRUE(uint_is(CURSOR(110, 1, 1, 0), 0));
}

static void integers_that_do_not_fit_are_refused(void)
{
	CU_ASSERT_TRUE(int_is(CURSOR(110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128), INT64_MIN));
	CU_ASSERT_FALSE(int_is(CURSOR(110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128), INT64_MIN));
	CU_ASSERT_TRUE(uint_is(CURSOR(110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128), UINT64_C(1) << 63));
	CU_ASSERT_FALSE(int_is(CURSOR(110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128), INT64_MAX));
	CU_ASSERT_FALSE(uint_is(CURSOR(110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0));
	CU_ASSERT_FALSE(uint_is(CURSOR(98, 255, 255, 255, 255), UINT32_MAX));
	CU_ASSERT_FALSE(int_is(CURSOR(70, 0, 0, 0, 0, 0, 0, 0, 0), 0));
}

static void identifiers_of_every_form_are_read(void)
{
	fli_cursor pid = CURSOR(88, NODE, U4(1), U4(2), U4(3)),
		   old = CURSOR(103, NODE, U4(1), U4(2), 3);
	fli_cursor ref = CURSOR(90, 0, 2, 82, 0, U4(1), U4(2), U4(3));
	fli_cursor old_ref = CURSOR(101, 82, 0, U4(9), 1), wide = CURSOR(90, 0, 6, NODE, U4(1));
	fli_cursor port = CURSOR(120, NODE, U4(1), U4(2), U4(3)),
		   narrow = CURSOR(89, NODE, U4(2), U4(3));
	fl_pid a, b;
	fl_ref r;
	fl_port p;

	CU_ASSERT_TRUE_FATAL(fli_peek_pid(&pid, NULL, &a) && fli_peek_pid(&old, NULL, &b));
	CU_ASSERT_TRUE(fl_pid_eq(&a, &b));
	CU_ASSERT(a.id == 1 && a.serial == 2 && a.creation == 3 && fl_atom_is(a.node, "a@b"));
	CU_ASSERT_TRUE_FATAL(fli_peek_ref(&ref, &fl_sample_refs, &r));
	CU_ASSERT(r.count == 2 && r.creation == 1 && r.words[1] == 3 && fl_atom_is(r.node, "a"));
	CU_ASSERT_TRUE_FATAL(fli_peek_ref(&old_ref, &fl_sample_refs, &r));
	CU_ASSERT(r.count == 1 && r.creation == 1 && r.words[0] == 9);
	CU_ASSERT_FALSE(fli_peek_ref(&wide, NULL, &r));
	CU_ASSERT_TRUE_FATAL(fli_peek_port(&port, NULL, &p));
	CU_ASSERT(p.id == (UINT64_C(1) << 32 | 2) && p.creation == 3);
	CU_ASSERT_TRUE_FATAL(fli_peek_port(&narrow, NULL, &p));
	CU_ASSERT(p.id == 2 && p.creation == 3);
}

static void a_reader_that_fails_leaves_the_cursor(void)
{
	for (size_t i = 0; i < fl_sample_count; i++)
		for (size_t size = 0; size <= fl_samples[i].size; size++) {
			uint8_t *copy = fl_exact(fl_samples[i].data, size);
			fli_cursor c = fli_cursor_make(copy, size);
			const uint8_t *data;
			fli_walked walked;
			uint32_t arity;
			fl_atom atom;
			fl_pid pid;
			fl_ref ref;
			fl_port port;
			int64_t value;
			uint64_t count;

			if (!fli_peek_tuple(&c, &arity) && !fli_peek_nil(&c) &&
				!fli_peek_atom(&c, &fl_sample_refs, &atom) &&
				!fli_peek_int(&c, &value) && !fli_peek_uint(&c, &count) &&
				!fli_peek_pid(&c, &fl_sample_refs, &pid) &&
				!fli_peek_ref(&c, &fl_sample_refs, &ref) &&
				!fli_peek_port(&c, &fl_sample_refs, &port) &&
				!fli_peek_any(&c, &fl_sample_refs, &walked, &data))
				CU_ASSERT(c.at == copy && size < fl_samples[i].size);
			free(copy);
		}
}

static void any_term_is_taken_whole(void)
{
	fli_cursor c = CURSOR(104, 1, 97, 1, 106);
	const uint8_t *start = c.at, *data;
	fli_walked walked;

	CU_ASSERT_TRUE(fli_peek_any(&c, NULL, &walked, &data));
	CU_ASSERT(data == start && walked.size == 4);
	CU_ASSERT_TRUE(fli_peek_nil(&c));
	CU_ASSERT_FALSE(fli_peek_nil(&c));
}

FL_SUITE("peek", FL_TEST(tuples_of_both_sizes_are_entered), FL_TEST(atoms_of_every_form_are_read),
	FL_TEST(integers_are_read_by_value_whatever_their_form),
	FL_TEST(integers_that_do_not_fit_are_refused), FL_TEST(identifiers_of_every_form_are_read),
	FL_TEST(a_reader_that_fails_leaves_the_cursor), FL_TEST(any_term_is_taken_whole));
