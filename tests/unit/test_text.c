/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define TERM(...)                                                                                  \
	((fl_term){.data = (const uint8_t[]){__VA_ARGS__},                                         \
		.size = sizeof((const uint8_t[]){__VA_ARGS__})})
#define U4(x) 0, 0, 0, (x)

static bool is_text(fl_term term, const char *expected)
{
	char bytes[64];
	fl_text text;

	return fli_text_of(term, &text) && text.size == strlen(expected) &&
	       fl_text_string(text, bytes, sizeof bytes) == text.size &&
	       strcmp(bytes, expected) == 0;
}

static bool is_no_text(fl_term term)
{
	fl_text text;

	return !fli_text_of(term, &text);
}

static void iodata_of_every_shape_is_read_in_order(void)
{
	CU_ASSERT_TRUE(is_text(TERM(109, U4(2), 'a', 'b'), "ab"));
	CU_ASSERT_TRUE(is_text(TERM(107, 0, 2, 'a', 'b'), "ab"));
	CU_ASSERT_TRUE(is_text(TERM(106), ""));
	CU_ASSERT_TRUE(is_text(TERM(108, U4(2), 97, 'a', 98, U4('b'), 106), "ab"));
	CU_ASSERT_TRUE(is_text(TERM(108, U4(1), 97, 'a', 109, U4(1), 'b'), "ab"));
	CU_ASSERT_TRUE(is_text(TERM(108, U4(1), 97, 'a', 107, 0, 1, 'b'), "ab"));
	CU_ASSERT_TRUE(is_text(TERM(108, U4(2), 108, U4(1), 108, U4(2), 106, 97, 'a', 106, 106, 97,
				       'b', 108, U4(1), 97, 'c', 106),
		"abc"));
	CU_ASSERT_TRUE(is_text(TERM(77, U4(1), 8, 'a'), "a"));
}

static void other_terms_are_no_text(void)
{
	CU_ASSERT_TRUE(is_no_text(TERM(97, 'a')));
	CU_ASSERT_TRUE(is_no_text(TERM(119, 1, 'a')));
	CU_ASSERT_TRUE(is_no_text(TERM(77, U4(1), 7, 'a')));
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(1), 98, 0, 0, 1, 0, 106)));
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(1), 119, 1, 'a', 106)));
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(1), 97, 1, 97, 2))); /* [1 | 2] */
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(1), 97, 1, 119, 1, 'a')));
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(1), 108, U4(1), 97, 1, 97, 2, 106)));
	CU_ASSERT_TRUE(is_no_text(TERM(108, U4(0), 97, 2)));
	CU_ASSERT_TRUE(is_no_text((fl_term){.size = 0}));
}

static void cut_iodata_is_no_text(void)
{
	static const uint8_t data[] = {
		108, U4(3), 97, 'a', 109, U4(2), 'b', 'c', 107, 0, 1, 'd', 106};

	for (size_t size = 0; size < sizeof data; size++) {
		uint8_t *copy = fl_exact(data, size);

		CU_ASSERT_TRUE(is_no_text((fl_term){.data = copy, .size = size}));
		free(copy);
	}
}

static void what_remains_of_a_list_is_text_too(void)
{
	fl_term lists[] = {
		TERM(107, 0, 3, 'a', 'b', 'c'), TERM(108, U4(3), 97, 'a', 97, 'b', 97, 'c', 106)};
	fl_term first;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(fl_list_next(&lists[i], &first));
		CU_ASSERT_TRUE(is_text(lists[i], "bc"));
	}
}

static void nesting_has_no_limit(void)
{
	enum { DEPTH = 200000 };
	size_t size = 0;
	uint8_t *data = malloc(DEPTH * 8 + 1);
	fl_text text;

	for (size_t i = 0; i < DEPTH; i++) { /* [[[...], $x], $x] */
		memcpy(data + size, (const uint8_t[]){108, U4(2)}, 5);
		size += 5;
	}
	data[size++] = 106;
	for (size_t i = 0; i < DEPTH; i++) {
		memcpy(data + size, (const uint8_t[]){97, 'x', 106}, 3);
		size += 3;
	}
	CU_ASSERT_TRUE(fli_text_of((fl_term){.data = data, .size = size}, &text));
	CU_ASSERT_EQUAL(text.size, DEPTH);
	free(data);
}

static void copies_are_cut_to_their_room(void)
{
	fl_term t = TERM(108, U4(2), 109, U4(3), 'a', 'b', 'c', 107, 0, 2, 'd', 'e', 106);
	char small[5] = "....";
	fl_text text;

	CU_ASSERT_TRUE_FATAL(fli_text_of(t, &text));
	CU_ASSERT_EQUAL(fl_text_copy(text, small, 4), 4);
	CU_ASSERT_STRING_EQUAL(small, "abcd");
	CU_ASSERT_EQUAL(fl_text_string(text, small, sizeof small), 5);
	CU_ASSERT_STRING_EQUAL(small, "abcd");
	CU_ASSERT_EQUAL(fl_text_string(text, small, 1), 5);
	CU_ASSERT_STRING_EQUAL(small, "");
	CU_ASSERT_EQUAL(fl_text_string(text, NULL, 0), 5);
}

static void equal_text_may_be_cut_differently(void)
{
	fl_term binary = TERM(109, U4(3), 'a', 'b', 'c'), other = TERM(107, 0, 3, 'a', 'b', 'd');
	fl_term nested = TERM(108, U4(2), 97, 'a', 109, U4(1), 'b', 107, 0, 1, 'c');
	fl_text a, b, c;

	CU_ASSERT_TRUE_FATAL(fli_text_of(binary, &a));
	CU_ASSERT_TRUE_FATAL(fli_text_of(nested, &b));
	CU_ASSERT_TRUE_FATAL(fli_text_of(other, &c));
	CU_ASSERT_TRUE(fli_text_eq(a, b));
	CU_ASSERT_TRUE(fli_text_eq(b, a));
	CU_ASSERT_FALSE(fli_text_eq(a, c));
	CU_ASSERT_FALSE(fli_text_eq(c, b));
}

FL_SUITE("text", FL_TEST(iodata_of_every_shape_is_read_in_order), FL_TEST(other_terms_are_no_text),
	FL_TEST(cut_iodata_is_no_text), FL_TEST(what_remains_of_a_list_is_text_too),
	FL_TEST(nesting_has_no_limit), FL_TEST(copies_are_cut_to_their_room),
	FL_TEST(equal_text_may_be_cut_differently));
