/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "node/term/order.h"
#include "node/term/write.h"
#include "tests/support/suite.h"
#include "tests/support/termgen.h"

static fl_term read(fl_buf *buf, const char *text)
{
	fl_error err = {.code = 0};

	if (fl_read(buf, text, strlen(text), &err) != FL_OK)
		CU_FAIL("a text of the test is no term");
	return fl_buf_term(buf);
}

static int order(const char *a, const char *b)
{
	fl_buf a_buf = FL_BUF_INIT, b_buf = FL_BUF_INIT;
	int result = fl_compare(read(&a_buf, a), read(&b_buf, b));

	fl_buf_free(&a_buf);
	fl_buf_free(&b_buf);
	return (result > 0) - (result < 0);
}

static bool equal(const char *a, const char *b)
{
	fl_buf a_buf = FL_BUF_INIT, b_buf = FL_BUF_INIT;
	bool result = fl_equal(read(&a_buf, a), read(&b_buf, b));

	fl_buf_free(&a_buf);
	fl_buf_free(&b_buf);
	return result;
}

/* Each text is less than all that follow it. */
static void check_ascending(const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(order(texts[i], texts[i]), 0);
		for (size_t j = i + 1; j < count; j++) {
			CU_ASSERT_EQUAL(order(texts[i], texts[j]), -1);
			CU_ASSERT_EQUAL(order(texts[j], texts[i]), 1);
		}
	}
}

#define CHECK_ASCENDING(...)                                                                       \
	do {                                                                                       \
		static const char *const texts[] = {__VA_ARGS__};                                  \
		check_ascending(texts, sizeof texts / sizeof texts[0]);                            \
	} while (0)

static fl_term bytes_term(const void *bytes, size_t size)
{
	return (fl_term){.data = bytes, .size = size};
}

static void kinds_are_ordered_as_in_erlang(void)
{
	CHECK_ASCENDING("1", "a", "#Ref<a@b.1.2.3>", "fun a:b/1", "#Port<a@b.1>", "<a@b.1.2>",
		"{z}", "#{a => 1}", "[]", "[a]", "<<>>");
}

static void integers_and_floats_compare_by_value_without_rounding(void)
{
	CHECK_ASCENDING("-1.0e30", "-18446744073709551616", "-9007199254740993",
		"-9007199254740992.0", "-1", "-0.5", "0", "1.0e-300", "1", "1.5", "2",
		"9007199254740992.0", "9007199254740993", "18446744073709551615",
		"18446744073709551616.0", "18446744073709551617", "1000000000000000000000000000000",
		"1.7976931348623157e308",
		"16#10000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000");
	CU_ASSERT_EQUAL(order("1", "1.0"), 0);
	CU_ASSERT_EQUAL(order("18446744073709551616", "18446744073709551616.0"), 0);
	CU_ASSERT_EQUAL(order("0.0", "-0.0"), 0);
}

static void identity_tells_numbers_apart_that_compare_equal(void)
{
	CU_ASSERT_FALSE(equal("1", "1.0"));
	CU_ASSERT_FALSE(equal("0.0", "-0.0"));
	CU_ASSERT_FALSE(equal("{a, [1]}", "{a, [1.0]}"));
	CU_ASSERT_TRUE(equal("{a, [1]}", "{a, [1]}"));
}

static void identity_does_not_see_the_encoding(void)
{
	static const uint8_t five_small[] = {97, 5}, five_long[] = {98, 0, 0, 0, 5};
	static const uint8_t five_big[] = {110, 3, 0, 5, 0, 0}, minus_zero[] = {110, 1, 1, 0};
	static const uint8_t zero[] = {97, 0}, string[] = {107, 0, 2, 1, 2};
	static const uint8_t list[] = {108, 0, 0, 0, 2, 97, 1, 97, 2, 106};
	static const uint8_t pieces[] = {108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2};

	CU_ASSERT_TRUE(fl_equal(bytes_term(five_small, 2), bytes_term(five_long, 5)));
	CU_ASSERT_TRUE(fl_equal(bytes_term(five_small, 2), bytes_term(five_big, 6)));
	CU_ASSERT_TRUE(fl_equal(bytes_term(zero, 2), bytes_term(minus_zero, 4)));
	CU_ASSERT_TRUE(fl_equal(bytes_term(string, 5), bytes_term(list, 10)));
	CU_ASSERT_TRUE(fl_equal(bytes_term(pieces, 11), bytes_term(list, 10)));
	CU_ASSERT_TRUE(fl_equal(bytes_term(pieces, 11), bytes_term(string, 5)));
	CU_ASSERT_TRUE(equal("#{a => 1, b => 2}", "#{b => 2, a => 1}"));
}

static void atoms_compare_by_code_points(void)
{
	CHECK_ASCENDING("''", "'A'", "a", "ab", "b", "z", "\xc3\xa9", "'\xc4\x80'",
		"'\xef\xbf\xbf'", "'\xf0\x90\x80\x80'");
}

static void lists_and_tuples_compare_as_in_erlang(void)
{
	CHECK_ASCENDING("{}", "{b}", "{a, a}", "{a, b}");
	CHECK_ASCENDING("[1 | 2]", "[1 | a]", "[1]", "[1, 1]", "[1, 2]", "[2]", "[a]");
	CHECK_ASCENDING("\"ab\"", "[97 | \"c\"]", "[97, c]", "\"b\"");
}

static void maps_compare_by_size_then_keys_then_values(void)
{
	CHECK_ASCENDING(
		"#{}", "#{z => 9}", "#{a => 9, b => 1}", "#{a => 9, b => 2}", "#{a => 1, c => 1}");
	/* Among keys, integers come before floats; among values, numbers are numbers. */
	CHECK_ASCENDING("#{2 => a}", "#{1.0 => a}", "#{a => 1}");
	CHECK_ASCENDING("#{-0.0 => a}", "#{0.0 => a}");
	CU_ASSERT_EQUAL(order("#{a => 1}", "#{a => 1.0}"), 0);
	CU_ASSERT_EQUAL(order("#{#{1 => 1.0} => a}", "#{#{1 => 1} => a}"), 1);
	CU_ASSERT_EQUAL(order("#{#{a=>1,b=>2} => 1, #{c=>1,d=>2} => 2}",
				"#{#{d=>2,c=>1} => 2, #{b=>2,a=>1} => 1}"),
		0);
	CU_ASSERT_EQUAL(order("{#{a => 1, b => 2}, x}", "{#{b => 2, a => 1}, y}"), -1);
}

static void identifiers_compare_as_in_27(void)
{
	CHECK_ASCENDING("<b@b.9.1/1>", "<a@b.1.2/1>", "<a@b.2.2/1>", "<a@b.2.2/2>", "<b@b.2.2/1>");
	CHECK_ASCENDING("#Port<a@b.9/1>", "#Port<a@b.1/2>", "#Port<a@b.2/2>", "#Port<b@b.1/1>");
	CHECK_ASCENDING("#Ref<a@b.1.9.9/1>", "#Ref<a@b.2.1.1/1>", "#Ref<a@b.1.0.0.0:4/1>",
		"#Ref<a@b.1.1.1/2>", "#Ref<b@b.1.1.1/1>");
	CU_ASSERT_TRUE(equal("#Ref<a@b.0.2.1>", "#Ref<a@b.2.1:2>"));
}

static void bit_strings_compare_bit_by_bit(void)
{
	CHECK_ASCENDING("<<>>", "<<0:1>>", "<<0>>", "<<1>>", "<<1, 0:3>>", "<<1, 0>>", "<<1:1>>",
		"<<128>>", "<<255>>", "<<255, 1:1>>");
}

static void the_rest_of_a_list_is_compared_as_the_list_it_is(void)
{
	static const char *const texts[] = {"\"xab\"", "[x, 97, 98]", "[x, 97, 98 | c]"};
	fl_buf whole = FL_BUF_INIT, lists[3] = {FL_BUF_INIT, FL_BUF_INIT, FL_BUF_INIT};
	fl_term ab = read(&whole, "[97, 98]"), rest[3], first;

	for (int i = 0; i < 3; i++) {
		rest[i] = read(&lists[i], texts[i]);
		CU_ASSERT_TRUE(fl_list_next(&rest[i], &first));
	}
	CU_ASSERT_TRUE(fl_equal(rest[0], ab));
	CU_ASSERT_TRUE(fl_equal(rest[1], rest[0]));
	CU_ASSERT_TRUE(fl_compare(rest[2], ab) < 0);
	for (int i = 0; i < 3; i++)
		fl_buf_free(&lists[i]);
	fl_buf_free(&whole);
}

#define RANDOM_TERMS 120

static void order_of_random_terms_is_total_and_transitive(void)
{
	static size_t starts[RANDOM_TERMS + 1];
	fl_termgen gen;
	fli_buf buf;
	int wrong = 0;

	fl_termgen_create(&gen, 1);
	fli_buf_create(&buf, fli_mem_libc(), 0);
	for (int i = 0; i < RANDOM_TERMS; i++) {
		fl_termgen_term(&gen, &buf);
		starts[i + 1] = buf.size;
	}
#define TERM(i) bytes_term(buf.data + starts[i], starts[(i) + 1] - starts[i])
	for (int i = 0; i < RANDOM_TERMS; i++)
		for (int j = 0; j < RANDOM_TERMS; j++) {
			int k = (i * 7 + j) % RANDOM_TERMS, a = fl_compare(TERM(i), TERM(j));
			int b = fl_compare(TERM(j), TERM(k)), c = fl_compare(TERM(i), TERM(k));

			wrong += (a > 0) != (fl_compare(TERM(j), TERM(i)) < 0);
			wrong += a <= 0 && b <= 0 && c > 0;
			wrong += fl_equal(TERM(i), TERM(j)) && a != 0;
			wrong += i == j && !fl_equal(TERM(i), TERM(j));
		}
#undef TERM
	CU_ASSERT_EQUAL(wrong, 0);
	fli_buf_destroy(&buf);
}

static void depth_costs_heap_and_not_the_stack(void)
{
	const size_t depth = 300000;
	fli_buf a, b;
	fl_term x, y;

	fli_buf_create(&a, fli_mem_libc(), 0);
	fli_buf_create(&b, fli_mem_libc(), 0);
	for (size_t i = 0; i < depth; i++) {
		fli_write_tuple(&a, 2);
		fli_write_uint(&a, 1);
		fli_write_tuple(&b, 2);
		fli_write_uint(&b, 1);
	}
	fli_write_uint(&a, 1);
	fli_write_uint(&b, 2);
	x = bytes_term(a.data, a.size);
	y = bytes_term(b.data, b.size);
	CU_ASSERT_TRUE(fl_compare(x, y) < 0);
	CU_ASSERT_FALSE(fl_equal(x, y));
	fli_buf_destroy(&a);
	fli_buf_destroy(&b);
}

/* Maps as keys of maps: each level has two keys, so that it must be sorted. */
static void nested_maps_as_keys_are_sorted_without_recursion(void)
{
	const size_t depth = 50000;
	fli_buf bufs[2];

	for (int side = 0; side < 2; side++) {
		fli_buf_create(&bufs[side], fli_mem_libc(), 0);
		for (size_t i = 0; i < depth; i++) {
			fli_write_map(&bufs[side], 2);
			fli_write_uint(&bufs[side], 0);
			fli_write_nil(&bufs[side]);
		}
		fli_write_uint(&bufs[side], side == 0 ? 1 : 2);
		for (size_t i = 0; i < depth; i++)
			fli_write_nil(&bufs[side]);
	}
	CU_ASSERT_TRUE(fl_compare(bytes_term(bufs[0].data, bufs[0].size),
			       bytes_term(bufs[1].data, bufs[1].size)) < 0);
	fli_buf_destroy(&bufs[0]);
	fli_buf_destroy(&bufs[1]);
}

static void bytes_that_are_no_term_have_an_order_too(void)
{
	static const uint8_t cut[] = {108, 0, 0, 0, 9, 97, 1}, odd[] = {1, 2, 3};

	CU_ASSERT_EQUAL(fl_compare(bytes_term(cut, 7), bytes_term(cut, 7)), 0);
	CU_ASSERT_NOT_EQUAL(fl_compare(bytes_term(cut, 7), bytes_term(odd, 3)), 0);
	CU_ASSERT_FALSE(fl_equal(bytes_term(cut, 7), bytes_term(odd, 3)));
	CU_ASSERT_FALSE(fl_equal(bytes_term(cut, 0), bytes_term(odd, 3)));
}

FL_SUITE("compare", FL_TEST(kinds_are_ordered_as_in_erlang),
	FL_TEST(integers_and_floats_compare_by_value_without_rounding),
	FL_TEST(identity_tells_numbers_apart_that_compare_equal),
	FL_TEST(identity_does_not_see_the_encoding), FL_TEST(atoms_compare_by_code_points),
	FL_TEST(lists_and_tuples_compare_as_in_erlang),
	FL_TEST(maps_compare_by_size_then_keys_then_values), FL_TEST(identifiers_compare_as_in_27),
	FL_TEST(bit_strings_compare_bit_by_bit),
	FL_TEST(the_rest_of_a_list_is_compared_as_the_list_it_is),
	FL_TEST(order_of_random_terms_is_total_and_transitive),
	FL_TEST(depth_costs_heap_and_not_the_stack),
	FL_TEST(nested_maps_as_keys_are_sorted_without_recursion),
	FL_TEST(bytes_that_are_no_term_have_an_order_too));
