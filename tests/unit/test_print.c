/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "node/term/print.h"
#include "node/term/write.h"
#include "tests/support/suite.h"
#include "tests/support/termgen.h"

static fl_term bytes_term(const void *bytes, size_t size)
{
	return (fl_term){.data = bytes, .size = size};
}

static void check_printed(fl_term term, const char *expected)
{
	fl_buf text = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_print(&text, term), FL_OK);
	CU_ASSERT_EQUAL(text.size, strlen(expected));
	CU_ASSERT_TRUE(text.size == strlen(expected) &&
		       (text.size == 0 || memcmp(text.data, expected, text.size) == 0));
	fl_buf_free(&text);
}

/* Reads the first text and expects the second printed. */
static void check(const char *text, const char *expected)
{
	fl_buf term = FL_BUF_INIT;
	fl_error err = {.code = 0};

	CU_ASSERT_EQUAL(fl_read(&term, text, strlen(text), &err), FL_OK);
	check_printed(fl_buf_term(&term), expected);
	fl_buf_free(&term);
}

static void check_same(const char *text)
{
	check(text, text);
}

static void atoms_are_quoted_when_they_must_be(void)
{
	check_same(
		"{a,aB9_,a@b,ok,\xc3\xa9t\xc3\xa9,'\xc4\x80','A','_a','a b','','9','Elixir.Foo'}");
	check_same("['after','maybe','else','end','fun','if','xor',true]");
	check_same("['\\'','\\\\','\\n','\\e','\\d','\\000','\\200','\"']");
}

static void floats_are_the_shortest_that_read_back(void)
{
	check_same("{0.0,-0.0,1.0,0.1,100.0,1.0e3,1.0e4,123456.0,1234567.0}");
	check_same("{0.01,0.001,0.0001,1.0e-5,1.2e-4,0.0012}");
	check_same("{9007199254740991.0,9.007199254740992e15,1.0e22,1.0e23,5.0e-324}");
	check_same("{2.2250738585072014e-308,1.7976931348623157e308,0.30000000000000004}");
	/* A power of two: the nearest 16 digits belong to the number below. */
	check_same("5.684341886080802e-14");
}

static void the_locale_does_not_change_floats(void)
{
	/* Where the locale is not installed this checks what the others do. */
	(void)setlocale(LC_NUMERIC, "de_DE.UTF-8");
	check_same("{1.5,1.0e22}");
	(void)setlocale(LC_NUMERIC, "C");
}

static void integers_of_any_size_are_decimal(void)
{
	check_same("{0,-1,18446744073709551615,18446744073709551616,-18446744073709551616}");
	check("16#1000000000000000000000000000000000000000000000000",
		"6277101735386680763835789423207666416102355444464034512896");
	check_same(
		"1000000000000000000000000000000000000000000000000000000000000000000000000000001");
}

static void huge_integers_are_hexadecimal(void)
{
	const uint32_t size = 70000;
	fl_buf text = FL_BUF_INIT, again = FL_BUF_INIT;
	fl_error err = {.code = 0};
	fli_buf term;

	fli_buf_create(&term, fli_mem_libc(), 0);
	fli_buf_add8(&term, 111);
	fli_buf_add32(&term, size);
	fli_buf_add8(&term, 1);
	for (uint32_t i = 0; i < size; i++)
		fli_buf_add8(&term, 0x1f);
	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(term.data, term.size)), FL_OK);
	CU_ASSERT_EQUAL(memcmp(text.data, "-16#1F1F", 8), 0);
	CU_ASSERT_EQUAL(text.size, 4 + 2 * size);
	CU_ASSERT_EQUAL(fl_read(&again, (const char *)text.data, text.size, &err), FL_OK);
	CU_ASSERT_TRUE(fl_equal(fl_buf_term(&again), bytes_term(term.data, term.size)));
	fl_buf_free(&text);
	fl_buf_free(&again);
	fli_buf_destroy(&term);
}

static void printable_lists_are_strings(void)
{
	check("[97,98]", "\"ab\"");
	check("[97|\"bc\"]", "\"abc\"");
	check_same("[97|b]");
	check("[]", "[]");
	check("\"a\\\"b\\\\\\n\\t\\e\\s\"", "\"a\\\"b\\\\\\n\\t\\e \"");
	check("[233,8364,65533]", "\"\xc3\xa9\xe2\x82\xac\xef\xbf\xbd\"");
	check_same("[127]");
	check_same("[65534]");
	check_same("[55296]");
	check_same("[97,1.0]");
	check_same("[0,1,97]");
	check_same("[[],{},\"a\",[\"b\"|c]]");
}

static void binaries_are_text_when_all_of_it_is_printable(void)
{
	check_same("{<<>>,<<\"abc\">>,<<\"a\\\"\\\\\\n\">>,<<0,1>>,<<97,0>>}");
	check_same("<<\"\xc3\xa9\"/utf8>>");
	check("<<233>>", "<<\"\xc3\xa9\">>");
	check_same("<<194,128>>");
	check_same("<<128>>");
	check_same("{<<1:1>>,<<1,2,3:4>>,<<97,1:2>>}");
}

static void maps_are_printed_in_term_order(void)
{
	check("#{b => 1, a => 2, 1.0 => 3, 2 => 4, \"x\" => 5, #{} => 6}",
		"#{2 => 4,1.0 => 3,a => 2,b => 1,#{} => 6,\"x\" => 5}");
	check("#{b => #{d => 1, c => 2}, #{f => 1, e => 2} => a}",
		"#{b => #{c => 2,d => 1},#{e => 2,f => 1} => a}");
	check_same("{#{},#{a => {}},[#{b => []}]}");
}

static void identifiers_name_their_node(void)
{
	check_same("<c1@127.0.0.1.5.0>");
	check("<c1@127.0.0.1.5.0/77>", "<c1@127.0.0.1.5.0>");
	check_same("#Port<a@b.18446744073709551615>");
	check_same("#Ref<a@127.0.0.1.3.2.1>");
	check_same("#Ref<a@127.0.0.1.5.4.3.2.1:5>");
	check_same("<'a b@c'.1.2>");
	check_same("<'0'.1.2>");
}

static void functions_are_printed_as_the_vm_does(void)
{
	static const uint8_t closure[] = {112, 0, 0, 0, 51, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 119, 1, 'm', 97, 4, 98, 255, 255, 255, 255, 88,
		119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 97, 9};

	check_same("fun lists:map/2");
	check_same("fun 'A':'b c'/0");
	check_same("fun if:'a@b'/1");
	check_printed(bytes_term(closure, sizeof closure), "#Fun<m.4.-1>");
}

static void native_records_are_printed_as_29_does(void)
{
	static const uint8_t record[] = {67, 0, 0, 0, 2, 1, 119, 1, 'm', 119, 1, 'R', 119, 1, 'b',
		119, 1, 'a', 97, 1, 97, 2};

	check_printed(bytes_term(record, sizeof record), "#m:'R'{b = 1,a = 2}");
}

static const char *cut(char *to, size_t size, const char *text)
{
	fl_buf term = FL_BUF_INIT;
	fl_error err = {.code = 0};

	CU_ASSERT_EQUAL(fl_read(&term, text, strlen(text), &err), FL_OK);
	CU_ASSERT_PTR_EQUAL(fl_print_to(to, size, fl_buf_term(&term)), to);
	fl_buf_free(&term);
	return to;
}

static void a_text_that_does_not_fit_ends_in_dots(void)
{
	char to[16];

	CU_ASSERT_STRING_EQUAL(cut(to, 7, "abcdef"), "abcdef");
	CU_ASSERT_STRING_EQUAL(cut(to, 6, "abcdef"), "ab...");
	CU_ASSERT_STRING_EQUAL(cut(to, 3, "abcdef"), "..");
	CU_ASSERT_STRING_EQUAL(cut(to, 1, "abcdef"), "");
	CU_ASSERT_STRING_EQUAL(cut(to, 16, "{a,b,\"a long text\"}"), "{a,b,\"a long...");
	/* Never half a character. */
	CU_ASSERT_STRING_EQUAL(cut(to, 8, "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\""), "\"\xc3\xa9...");
}

static void bytes_that_are_no_term_are_refused(void)
{
	static const uint8_t cut_short[] = {104, 2, 97, 1}, odd[] = {1};
	char to[16];
	fl_buf text = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(cut_short, 4)), FL_EFORMAT);
	CU_ASSERT_EQUAL(text.size, 0);
	fl_buf_free(&text);
	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(odd, 1)), FL_EFORMAT);
	CU_ASSERT_STRING_EQUAL(fl_print_to(to, sizeof to, bytes_term(cut_short, 4)), "{1,...");
	fl_buf_free(&text);
}

static void printing_appends_to_what_is_there(void)
{
	fl_buf text = FL_BUF_INIT;
	static const uint8_t one[] = {97, 1}, two[] = {97, 2};

	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(one, 2)), FL_OK);
	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(two, 2)), FL_OK);
	CU_ASSERT_EQUAL(text.size, 2);
	CU_ASSERT_EQUAL(memcmp(text.data, "12", 2), 0);
	fl_buf_free(&text);
}

static void the_rest_of_a_list_is_printed_as_the_list_it_is(void)
{
	static const char *const texts[] = {"\"xab\"", "[x,97,98]", "[x,y|z]"};
	static const char *const expected[] = {"\"ab\"", "\"ab\"", "[y|z]"};

	for (int i = 0; i < 3; i++) {
		fl_buf buf = FL_BUF_INIT;
		fl_error err = {.code = 0};
		fl_term rest, first;

		CU_ASSERT_EQUAL(fl_read(&buf, texts[i], strlen(texts[i]), &err), FL_OK);
		rest = fl_buf_term(&buf);
		CU_ASSERT_TRUE(fl_list_next(&rest, &first));
		check_printed(rest, expected[i]);
		fl_buf_free(&buf);
	}
}

static void depth_costs_heap_and_not_the_stack(void)
{
	const size_t depth = 300000;
	fl_buf text = FL_BUF_INIT, again = FL_BUF_INIT;
	fl_error err = {.code = 0};
	fli_buf term;

	fli_buf_create(&term, fli_mem_libc(), 0);
	for (size_t i = 0; i < depth; i++) {
		fli_write_list(&term, 1);
		if (i % 2 == 0)
			fli_write_tuple(&term, 1);
	}
	for (size_t i = 0; i <= depth; i++)
		fli_write_nil(&term);
	CU_ASSERT_EQUAL(fl_print(&text, bytes_term(term.data, term.size)), FL_OK);
	CU_ASSERT_EQUAL(fl_read(&again, (const char *)text.data, text.size, &err), FL_OK);
	CU_ASSERT_TRUE(fl_equal(bytes_term(term.data, term.size), fl_buf_term(&again)));
	fl_buf_free(&text);
	fl_buf_free(&again);
	fli_buf_destroy(&term);
}

static void random_terms_read_back_as_they_were(void)
{
	fl_termgen gen;
	fli_buf term, text;
	fl_error err = {.code = 0};
	int wrong = 0;

	fl_termgen_create(&gen, 7);
	gen.no_funs = true;
	fli_buf_create(&term, fli_mem_libc(), 0);
	fli_buf_create(&text, fli_mem_libc(), 0);
	for (int i = 0; i < 3000; i++) {
		fl_buf again = FL_BUF_INIT;
		fl_term t;

		term.size = text.size = 0;
		fl_termgen_term(&gen, &term);
		t = bytes_term(term.data, term.size);
		wrong += fli_print(&text, t, FLI_PRINT_CREATION) != FL_OK ||
			 fl_read(&again, (const char *)text.data, text.size, &err) != FL_OK ||
			 !fl_equal(t, fl_buf_term(&again));
		fl_buf_free(&again);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	fli_buf_destroy(&term);
	fli_buf_destroy(&text);
}

FL_SUITE("print", FL_TEST(atoms_are_quoted_when_they_must_be),
	FL_TEST(floats_are_the_shortest_that_read_back), FL_TEST(the_locale_does_not_change_floats),
	FL_TEST(integers_of_any_size_are_decimal), FL_TEST(huge_integers_are_hexadecimal),
	FL_TEST(printable_lists_are_strings),
	FL_TEST(binaries_are_text_when_all_of_it_is_printable),
	FL_TEST(maps_are_printed_in_term_order), FL_TEST(identifiers_name_their_node),
	FL_TEST(functions_are_printed_as_the_vm_does),
	FL_TEST(native_records_are_printed_as_29_does),
	FL_TEST(a_text_that_does_not_fit_ends_in_dots), FL_TEST(bytes_that_are_no_term_are_refused),
	FL_TEST(printing_appends_to_what_is_there),
	FL_TEST(the_rest_of_a_list_is_printed_as_the_list_it_is),
	FL_TEST(depth_costs_heap_and_not_the_stack), FL_TEST(random_terms_read_back_as_they_were));
