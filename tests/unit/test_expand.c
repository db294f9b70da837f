/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/walk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define U4(x) 0, 0, 0, (x)
#define UNIQ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define NODE 119, 3, 'a', '@', 'b'
#define PID 88, NODE, U4(1), U4(2), U4(3)

static bool becomes(const uint8_t *in, size_t in_size, const uint8_t *out, size_t out_size)
{
	fli_walked walked;
	uint8_t *made;
	bool is_same;

	if (!fli_walk(in, in_size, &fl_sample_refs, &walked) || walked.expanded_size != out_size)
		return false;
	made = malloc(out_size);
	fli_expand(in, &walked, &fl_sample_refs, made);
	is_same = memcmp(made, out, out_size) == 0;
	free(made);
	return is_same;
}

static void a_plain_term_is_copied(void)
{
	CU_ASSERT_TRUE(
		becomes(BYTES(104, 2, 97, 1, 119, 1, 'a'), BYTES(104, 2, 97, 1, 119, 1, 'a')));
	CU_ASSERT_TRUE(becomes(BYTES(PID), BYTES(PID)));
}

static void cached_atoms_become_text(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(82, 0), BYTES(119, 1, 'a')));
	CU_ASSERT_TRUE(becomes(BYTES(108, U4(1), 82, 1, 106),
		BYTES(108, U4(1), 119, 6, 'h', 0xc3, 0xa9, 'l', 'l', 'o', 106)));
	CU_ASSERT_TRUE(becomes(BYTES(88, 82, 0, U4(1), U4(2), U4(3)),
		BYTES(88, 119, 1, 'a', U4(1), U4(2), U4(3))));
	CU_ASSERT_TRUE(becomes(
		BYTES(113, 82, 0, 82, 0, 97, 3), BYTES(113, 119, 1, 'a', 119, 1, 'a', 97, 3)));
	CU_ASSERT_TRUE(becomes(BYTES(67, U4(1), 1, 82, 0, 82, 0, 82, 0, 82, 0),
		BYTES(67, U4(1), 1, 119, 1, 'a', 119, 1, 'a', 119, 1, 'a', 119, 1, 'a')));
}

static void a_cached_atom_of_many_bytes_takes_the_long_form(void)
{
	uint8_t expected[303] = {118, 1, 44};

	memcpy(expected + 3, fl_sample_refs.atoms[2].text, 300);
	CU_ASSERT_TRUE(becomes(BYTES(82, 2), expected, sizeof expected));
}

static void latin1_atoms_become_utf8(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(115, 1, 'x'), BYTES(119, 1, 'x')));
	CU_ASSERT_TRUE(becomes(BYTES(100, 0, 2, 'x', 0xe9), BYTES(119, 3, 'x', 0xc3, 0xa9)));
}

static void a_latin1_atom_that_grows_past_255_bytes_takes_the_long_form(void)
{
	uint8_t in[3 + 255] = {100, 0, 255}, out[3 + 510] = {118, 1, 254};

	memset(in + 3, 0xe9, 255);
	for (size_t i = 3; i < sizeof out; i += 2)
		memcpy(out + i, "\xc3\xa9", 2);
	CU_ASSERT_TRUE(becomes(in, sizeof in, out, sizeof out));
}

static void old_identifiers_become_wide(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(103, NODE, U4(1), U4(2), 3), BYTES(PID)));
	CU_ASSERT_TRUE(becomes(BYTES(102, NODE, U4(1), 2), BYTES(89, NODE, U4(1), U4(2))));
	CU_ASSERT_TRUE(becomes(BYTES(101, NODE, U4(7), 2), BYTES(90, 0, 1, NODE, U4(2), U4(7))));
	CU_ASSERT_TRUE(becomes(BYTES(114, 0, 2, NODE, 2, U4(7), U4(8)),
		BYTES(90, 0, 2, NODE, U4(2), U4(7), U4(8))));
}

static void ports_keep_their_width(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(89, NODE, U4(1), U4(2)), BYTES(89, NODE, U4(1), U4(2))));
	CU_ASSERT_TRUE(becomes(BYTES(120, 82, 0, U4(0), U4(1), U4(2)),
		BYTES(120, 119, 1, 'a', U4(0), U4(1), U4(2))));
}

static void a_float_in_text_becomes_binary(void)
{
	uint8_t in[32] = {99};

	memcpy(in + 1, "-1.50000000000000000000e+00", 27);
	CU_ASSERT_TRUE(becomes(in, sizeof in, BYTES(70, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0)));
}

static void empty_lists_have_one_form(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(107, 0, 0), BYTES(106)));
	CU_ASSERT_TRUE(becomes(BYTES(108, U4(0), 106), BYTES(106)));
	CU_ASSERT_TRUE(becomes(BYTES(108, U4(0), 108, U4(0), 97, 1), BYTES(97, 1)));
	CU_ASSERT_TRUE(
		becomes(BYTES(104, 2, 108, U4(0), 97, 1, 107, 0, 0), BYTES(104, 2, 97, 1, 106)));
}

static void whole_bytes_become_a_binary(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(77, U4(2), 8, 1, 2), BYTES(109, U4(2), 1, 2)));
	CU_ASSERT_TRUE(becomes(BYTES(77, U4(1), 7, 2), BYTES(77, U4(1), 7, 2)));
}

#define FUN(size, free, ...) 112, U4(size), 1, UNIQ, U4(7), U4(free), __VA_ARGS__, 97, 1, 97, 2

static void the_size_of_a_fun_is_put_right(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(FUN(99, 1, 119, 1, 'a'), PID, 97, 5),
		BYTES(FUN(56, 1, 119, 1, 'a'), PID, 97, 5)));
}

static void sizes_of_nested_funs_are_put_right(void)
{
	/* The inner one is the last thing in the outer one, and both end with the tuple. */
	CU_ASSERT_TRUE(becomes(BYTES(104, 2, 97, 1, FUN(0, 2, 82, 0), PID, 82, 0, FUN(0, 1, 82, 0),
				       PID, 104, 1, 82, 0),
		BYTES(104, 2, 97, 1, FUN(117, 2, 119, 1, 'a'), PID, 119, 1, 'a',
			FUN(59, 1, 119, 1, 'a'), PID, 104, 1, 119, 1, 'a')));
	CU_ASSERT_TRUE(becomes(BYTES(104, 2, FUN(0, 1, 82, 0), PID, FUN(0, 0, 82, 0), PID, 82, 0),
		BYTES(104, 2, FUN(109, 1, 119, 1, 'a'), PID, FUN(54, 0, 119, 1, 'a'), PID, 119, 1,
			'a')));
}

static void fun_that_ends_before_the_last_binary_keeps_its_size(void)
{
	/* The outer one holds a fun and then a binary, with which the whole term ends. */
	CU_ASSERT_TRUE(becomes(
		BYTES(FUN(0, 2, 82, 0), PID, FUN(0, 1, 82, 0), PID, 82, 0, 109, 0, 0, 0, 1, 'x'),
		BYTES(FUN(118, 2, 119, 1, 'a'), PID, FUN(57, 1, 119, 1, 'a'), PID, 119, 1, 'a', 109,
			0, 0, 0, 1, 'x')));
}

static void what_follows_a_fun_is_not_taken_for_a_part_of_it(void)
{
	CU_ASSERT_TRUE(becomes(BYTES(104, 3, FUN(0, 0, 82, 0), PID, 97, 5, 107, 0, 1, 9),
		BYTES(104, 3, FUN(54, 0, 119, 1, 'a'), PID, 97, 5, 107, 0, 1, 9)));
	CU_ASSERT_TRUE(
		becomes(BYTES(104, 2, FUN(0, 1, 82, 0), PID, 104, 1, FUN(0, 0, 82, 0), PID, 106),
			BYTES(104, 2, FUN(111, 1, 119, 1, 'a'), PID, 104, 1,
				FUN(54, 0, 119, 1, 'a'), PID, 106)));
}

static void expanding_twice_changes_nothing(void)
{
	for (size_t i = 0; i < fl_sample_count; i++) {
		const fl_sample *s = &fl_samples[i];
		fli_walked walked, again;
		uint8_t *once, *twice;

		CU_ASSERT_TRUE_FATAL(fli_walk(s->data, s->size, &fl_sample_refs, &walked));
		once = malloc(walked.expanded_size);
		twice = malloc(walked.expanded_size);
		fli_expand(s->data, &walked, &fl_sample_refs, once);
		CU_ASSERT_TRUE_FATAL(fli_walk(once, walked.expanded_size, NULL, &again));
		CU_ASSERT_EQUAL(again.expanded_size, walked.expanded_size);
		CU_ASSERT_EQUAL(again.features, walked.features);
		fli_expand(once, &again, NULL, twice);
		CU_ASSERT_EQUAL(memcmp(once, twice, walked.expanded_size), 0);
		free(once);
		free(twice);
	}
}

FL_SUITE("expand", FL_TEST(a_plain_term_is_copied), FL_TEST(cached_atoms_become_text),
	FL_TEST(a_cached_atom_of_many_bytes_takes_the_long_form), FL_TEST(latin1_atoms_become_utf8),
	FL_TEST(a_latin1_atom_that_grows_past_255_bytes_takes_the_long_form),
	FL_TEST(old_identifiers_become_wide), FL_TEST(ports_keep_their_width),
	FL_TEST(a_float_in_text_becomes_binary), FL_TEST(empty_lists_have_one_form),
	FL_TEST(whole_bytes_become_a_binary), FL_TEST(the_size_of_a_fun_is_put_right),
	FL_TEST(what_follows_a_fun_is_not_taken_for_a_part_of_it),
	FL_TEST(sizes_of_nested_funs_are_put_right),
	FL_TEST(fun_that_ends_before_the_last_binary_keeps_its_size),
	FL_TEST(expanding_twice_changes_nothing));
