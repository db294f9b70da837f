/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/term.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define TERM(...)                                                                                  \
	((fl_term){.data = (const uint8_t[]){__VA_ARGS__},                                         \
		.size = sizeof((const uint8_t[]){__VA_ARGS__})})
#define U4(x) 0, 0, 0, (x)

static void kinds_follow_the_meaning_not_the_tag(void)
{
	CU_ASSERT_EQUAL(fl_term_kind(TERM(97, 1)), FL_INTEGER);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(110, 1, 0, 1)), FL_INTEGER);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(106)), FL_NIL);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(107, 0, 0)), FL_NIL);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(107, 0, 1, 9)), FL_LIST);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(108, U4(0), 106)), FL_NIL);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(108, U4(0), 97, 1)), FL_INTEGER);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(108, U4(1), 97, 1, 106)), FL_LIST);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(77, U4(1), 8, 1)), FL_BINARY);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(77, U4(1), 7, 1)), FL_BITSTRING);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(67, U4(0), 0, 119, 0, 119, 0)), FL_RECORD);
	CU_ASSERT_EQUAL(fl_term_kind(TERM(131, 97, 1)), FL_INVALID);
	CU_ASSERT_EQUAL(fl_term_kind((fl_term){.size = 0}), FL_INVALID);
}

static void tuples_are_indexed(void)
{
	fl_term t = TERM(104, 2, 104, 1, 97, 1, 119, 1, 'x'), element;

	CU_ASSERT_EQUAL(fl_term_arity(t), 2);
	CU_ASSERT(fl_tuple_get(t, 0, &element) && element.size == 4);
	CU_ASSERT(fl_tuple_get(t, 1, &element) && fl_match(element, "x"));
	CU_ASSERT_FALSE(fl_tuple_get(t, 2, &element));
	CU_ASSERT_FALSE(fl_tuple_get(t, SIZE_MAX, &element));
	CU_ASSERT_FALSE(fl_tuple_get(TERM(106), 0, &element));
	CU_ASSERT_EQUAL(fl_term_arity(TERM(97, 1)), 0);
}

static unsigned sum_of(fl_term *list)
{
	unsigned sum = 0;
	fl_term element;
	int n = 0;

	while (fl_list_next(list, &element)) {
		CU_ASSERT_TRUE(fl_match(element, "~", &n));
		sum = sum * 10 + (unsigned)n;
	}
	return sum;
}

static void lists_are_walked_to_their_tail(void)
{
	fl_term proper = TERM(108, U4(2), 97, 1, 97, 2, 106), string = TERM(107, 0, 3, 1, 2, 3);
	fl_term improper = TERM(108, U4(1), 97, 1, 97, 9),
		pieces = TERM(108, U4(1), 97, 1, 107, 0, 1, 2);
	fl_term none = TERM(106), element;

	CU_ASSERT(sum_of(&proper) == 12 && fl_term_kind(proper) == FL_NIL);
	CU_ASSERT(sum_of(&string) == 123 && fl_term_kind(string) == FL_NIL);
	CU_ASSERT(sum_of(&improper) == 1 && fl_match(improper, "9"));
	CU_ASSERT(sum_of(&pieces) == 12 && fl_match(pieces, "[]"));
	CU_ASSERT_FALSE(fl_list_next(&none, &element));
	CU_ASSERT_EQUAL(fl_term_kind(none), FL_NIL);
}

static void what_remains_of_a_list_is_a_term(void)
{
	fl_term lists[] = {TERM(108, U4(3), 97, 1, 97, 2, 97, 3, 106), TERM(107, 0, 3, 1, 2, 3)};

	for (int i = 0; i < 2; i++) {
		fl_term rest = lists[i], element, copy;
		fl_buf b = FL_BUF_INIT;

		CU_ASSERT_TRUE(fl_list_next(&rest, &element));
		CU_ASSERT_EQUAL(fl_term_kind(rest), FL_LIST);
		CU_ASSERT_TRUE(fl_match(rest, "[2, 3]"));
		CU_ASSERT_EQUAL(fl_build(&b, "[1 | ~]", rest), FL_OK);
		CU_ASSERT_TRUE(fl_equal(fl_buf_term(&b), lists[i]));
		copy = fl_copy(rest);
		CU_ASSERT_TRUE(fl_equal(copy, rest));
		CU_ASSERT_TRUE(fl_equal(rest, copy));
		CU_ASSERT_FALSE(fl_equal(rest, lists[i]));
		CU_ASSERT(fl_compare(rest, lists[i]) > 0);
		fl_buf_reset(&b);
		CU_ASSERT_EQUAL(fl_print(&b, rest), FL_OK);
		CU_ASSERT(b.size == 5 && memcmp(b.data, "[2,3]", 5) == 0);
		fl_term_free(copy);
		fl_buf_free(&b);
	}
}

static void pairs_of_a_map_are_visited_once(void)
{
	fl_term map = TERM(116, U4(2), 119, 1, 'a', 97, 1, 97, 5, 104, 1, 106), key, value;
	size_t cursor = 0;

	CU_ASSERT_EQUAL(fl_term_arity(map), 2);
	CU_ASSERT(fl_map_next(map, &cursor, &key, &value) && fl_match(key, "a") &&
		  fl_match(value, "1"));
	CU_ASSERT(fl_map_next(map, &cursor, &key, &value) && fl_match(key, "5") &&
		  fl_match(value, "{[]}"));
	CU_ASSERT_FALSE(fl_map_next(map, &cursor, &key, &value));
	cursor = 0;
	CU_ASSERT_FALSE(fl_map_next(TERM(116, U4(0)), &cursor, &key, &value));
	CU_ASSERT_FALSE(fl_map_next(TERM(97, 1), &cursor, &key, &value));
}

static void keys_are_found_in_maps_and_keyword_lists(void)
{
	fl_term map = TERM(116, U4(2), 97, 5, 97, 6, 119, 1, 'k', 97, 1), value;
	fl_term words = TERM(108, U4(3), 119, 1, 'k', 104, 2, 119, 1, 'j', 97, 7, 104, 2, 119, 1,
		'k', 97, 8, 106);

	CU_ASSERT(fl_get(map, "k", &value) && fl_match(value, "1"));
	CU_ASSERT_FALSE(fl_get(map, "j", &value));
	CU_ASSERT(fl_get(words, "k", &value) && fl_match(value, "8"));
	CU_ASSERT_FALSE(fl_get(words, "x", &value));
	CU_ASSERT_FALSE(fl_get(TERM(97, 1), "k", &value));
}

static void both_languages_have_a_nil(void)
{
	CU_ASSERT_TRUE(fl_is_nil(TERM(119, 3, 'n', 'i', 'l')));
	CU_ASSERT_TRUE(fl_is_nil(TERM(119, 9, 'u', 'n', 'd', 'e', 'f', 'i', 'n', 'e', 'd')));
	CU_ASSERT_FALSE(fl_is_nil(TERM(106)));
	CU_ASSERT_FALSE(fl_is_nil(TERM(119, 1, 'n')));
}

static void identifiers_compare_in_all_their_parts(void)
{
	fl_pid a = {fl_atom_of("a@b"), 1, 2, 3}, b = a;
	fl_ref r = {fl_atom_of("a@b"), 1, 2, {3, 4}}, s = r;
	char copy[] = "a@b";

	b.node.text = copy;
	CU_ASSERT_TRUE(fl_pid_eq(&a, &b));
	b.creation = 4;
	CU_ASSERT_FALSE(fl_pid_eq(&a, &b));
	b = a;
	b.node = fl_atom_of("a@c");
	CU_ASSERT_FALSE(fl_pid_eq(&a, &b));
	s.words[4] = 99; /* beyond its count */
	CU_ASSERT_TRUE(fl_ref_eq(&r, &s));
	s.words[1] = 5;
	CU_ASSERT_FALSE(fl_ref_eq(&r, &s));
	s = r;
	s.count = 1;
	CU_ASSERT_FALSE(fl_ref_eq(&r, &s));
}

static void readers_agree_with_the_walk_on_expanded_samples(void)
{
	for (size_t i = 0; i < fl_sample_count; i++) {
		const fl_sample *s = &fl_samples[i];
		fli_walked walked;
		uint8_t *out;

		CU_ASSERT_TRUE_FATAL(fli_walk(s->data, s->size, &fl_sample_refs, &walked));
		out = malloc(walked.expanded_size);
		fli_expand(s->data, &walked, &fl_sample_refs, out);
		CU_ASSERT_NOT_EQUAL(
			fl_term_kind((fl_term){.data = out, .size = walked.expanded_size}),
			FL_INVALID);
		(void)fl_visit((fl_term){.data = out, .size = walked.expanded_size});
		free(out);
	}
}

FL_SUITE("look", FL_TEST(kinds_follow_the_meaning_not_the_tag), FL_TEST(tuples_are_indexed),
	FL_TEST(lists_are_walked_to_their_tail), FL_TEST(what_remains_of_a_list_is_a_term),
	FL_TEST(pairs_of_a_map_are_visited_once), FL_TEST(keys_are_found_in_maps_and_keyword_lists),
	FL_TEST(both_languages_have_a_nil), FL_TEST(identifiers_compare_in_all_their_parts),
	FL_TEST(readers_agree_with_the_walk_on_expanded_samples));
