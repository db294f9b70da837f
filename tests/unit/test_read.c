/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "flitch/term.h"
#include "tests/support/suite.h"

/* True when both texts stand for the same term. */
static bool same(const char *a, const char *b)
{
	fl_buf a_buf = FL_BUF_INIT, b_buf = FL_BUF_INIT;
	fl_error err = {.code = 0};
	bool result = fl_read(&a_buf, a, strlen(a), &err) == FL_OK &&
		      fl_read(&b_buf, b, strlen(b), &err) == FL_OK &&
		      fl_equal(fl_buf_term(&a_buf), fl_buf_term(&b_buf));

	fl_buf_free(&a_buf);
	fl_buf_free(&b_buf);
	return result;
}

static bool has_bytes(const char *text, const void *bytes, size_t size)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};
	bool result = fl_read(&buf, text, strlen(text), &err) == FL_OK && buf.size == size &&
		      memcmp(buf.data, bytes, size) == 0;

	fl_buf_free(&buf);
	return result;
}

/* The text is refused, with that beginning of what is said, and nothing stays in the buffer. */
static void check_refused(const char *text, const char *what)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};

	CU_ASSERT_EQUAL(fl_build(&buf, "before"), FL_OK);
	CU_ASSERT_EQUAL(fl_read(&buf, text, strlen(text), &err), FL_EFORMAT);
	CU_ASSERT_EQUAL(err.code, FL_EFORMAT);
	CU_ASSERT_TRUE(strncmp(err.what, what, strlen(what)) == 0);
	CU_ASSERT_TRUE(err.why[0] != '\0' && err.next[0] != '\0');
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&buf), "before"));
	CU_ASSERT_EQUAL(buf.error, FL_OK);
	fl_buf_free(&buf);
}

static void literals_have_the_smallest_encoding(void)
{
	CU_ASSERT_TRUE(has_bytes("7", "\x61\x07", 2));
	CU_ASSERT_TRUE(has_bytes("-1", "\x62\xff\xff\xff\xff", 5));
	CU_ASSERT_TRUE(has_bytes("{a,b}",
		"\x68\x02w\x01"
		"aw\x01"
		"b",
		8));
	CU_ASSERT_TRUE(has_bytes("[]", "\x6a", 1));
	CU_ASSERT_TRUE(has_bytes("\"\"", "\x6a", 1));
	CU_ASSERT_TRUE(has_bytes("\"ab\"",
		"\x6b\0\x02"
		"ab",
		5));
	CU_ASSERT_TRUE(has_bytes("<<\"ab\">>",
		"\x6d\0\0\0\x02"
		"ab",
		7));
}

static void integers_have_bases_underscores_and_characters(void)
{
	CU_ASSERT_TRUE(same("16#ff", "255"));
	CU_ASSERT_TRUE(same("-16#FF", "-255"));
	CU_ASSERT_TRUE(same("36#zz", "1295"));
	CU_ASSERT_TRUE(same("1_000_000", "1000000"));
	CU_ASSERT_TRUE(same("$a", "97"));
	CU_ASSERT_TRUE(same("$\\n", "10"));
	CU_ASSERT_TRUE(same("$\xe2\x82\xac", "8364"));
	CU_ASSERT_TRUE(same("16#1_0000_0000_0000_0000", "18446744073709551616"));
	CU_ASSERT_TRUE(same("2#11111111111111111111111111111111111", "34359738367"));
	CU_ASSERT_TRUE(same("+5", "5"));
}

static void floats_are_read(void)
{
	CU_ASSERT_TRUE(same("1.5e3", "1500.0"));
	CU_ASSERT_TRUE(same("1_0.5E+0", "10.5"));
	CU_ASSERT_FALSE(same("1.0", "1"));
	CU_ASSERT_FALSE(same("-0.0", "0.0"));
}

static void strings_and_atoms_have_escapes(void)
{
	CU_ASSERT_TRUE(same("\"a\\x62\\x{63}\\144\\s\"", "\"abcd \""));
	CU_ASSERT_TRUE(same("\"ab\" % comment\n \"cd\"", "\"abcd\""));
	CU_ASSERT_TRUE(same("'a\\'b'", "'a\\x27b'"));
	CU_ASSERT_TRUE(same("\"\\^A\\e\\d\"", "[1, 27, 127]"));
	CU_ASSERT_TRUE(same("'ok'", "ok"));
	CU_ASSERT_TRUE(same("\"\\\\\"", "[92]"));
}

static void binaries_have_sizes_and_types(void)
{
	CU_ASSERT_TRUE(same("<<1, 2, \"abc\", 3:4>>", "<<1,2,97,98,99,3:4>>"));
	CU_ASSERT_TRUE(same("<<\"\xc3\xa9\"/utf8>>", "<<195, 169>>"));
	CU_ASSERT_TRUE(same("<<\"\xc3\xa9\">>", "<<233>>"));
	CU_ASSERT_TRUE(same("<<16#1234:16>>", "<<18, 52>>"));
	CU_ASSERT_TRUE(same("<<-1:12>>", "<<255, 15:4>>"));
	CU_ASSERT_TRUE(same("<<300>>", "<<44>>"));
	CU_ASSERT_TRUE(same("<<1:4, 2:4>>", "<<18>>"));
}

static void space_and_comments_are_skipped(void)
{
	CU_ASSERT_TRUE(same(" \t{ a , % one\n b }\r\n.  % end", "{a,b}"));
	CU_ASSERT_TRUE(same("[ ]", "[]"));
	CU_ASSERT_TRUE(same("#{ }", "#{}"));
	CU_ASSERT_TRUE(same("{ }", "{}"));
}

static void lists_have_tails(void)
{
	CU_ASSERT_TRUE(same("[a | [b | [c]]]", "[a, b, c]"));
	CU_ASSERT_FALSE(same("[a | b]", "[a, b]"));
}

static void identifiers_are_read_as_they_are_printed(void)
{
	static const char text[] = "{<a@1.2.3.4.5.6/7>,#Ref<a@b.3.2.1/7>,#Port<a@b.9/7>}";
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};
	fl_port port;
	fl_pid pid;
	fl_ref ref;

	CU_ASSERT_EQUAL(fl_read(&buf, text, strlen(text), &err), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&buf), "{~, ~, ~}", &pid, &ref, &port));
	CU_ASSERT_TRUE(fl_atom_is(pid.node, "a@1.2.3.4"));
	CU_ASSERT_TRUE(pid.id == 5 && pid.serial == 6 && pid.creation == 7);
	CU_ASSERT_TRUE(ref.count == 3 && ref.words[0] == 1 && ref.words[2] == 3);
	CU_ASSERT_TRUE(port.id == 9 && port.creation == 7);
	CU_ASSERT_FALSE(same("<a@b.1.2>", "<a@b.1.2/1>"));
	fl_buf_free(&buf);
}

static void errors_say_line_and_column(void)
{
	check_refused("", "1:1: ");
	check_refused("{a,\n  b,\n  }", "3:3: ");
	check_refused("[\"\xc3\xa9\", Foo]", "1:7: a variable");
	check_refused("{a b}", "1:4: ");
	check_refused("{a", "1:3: the text ends inside a tuple");
	check_refused("#{a b}", "1:5: expected \"=>\"");
	check_refused("\"abc", "1:1: \" is not closed");
	check_refused("a b", "1:3: unexpected text behind the term");
	check_refused("#Fun<a.1.2>", "1:1: unexpected '#'");
	check_refused("<0.5.0>", "1:2: expected a pid");
	check_refused("12ab", "1:1: not a number");
	check_refused("37#1", "1:1: a base");
	check_refused("1.0e999", "1:1: a float");
	check_refused("'\xff'", "1:2: a byte that is no UTF-8");
	check_refused("<<\"\xe2\x82\xac\">>", "1:3: a character that does not fit a byte");
	check_refused("fun a:b", "1:4: expected fun");
	check_refused("~", "1:1: ");
}

static void keys_must_differ(void)
{
	check_refused("#{a => 1, a => 2}", "1:1: a map has the same key twice");
	check_refused("[#{1 => a, 2 => b, 1 => c}]", "1:1: a map");
	CU_ASSERT_TRUE(same("#{1 => a, 1.0 => b}", "#{1.0 => b, 1 => a}"));
}

static void atoms_have_at_most_255_characters(void)
{
	char text[600];
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};

	for (int i = 0; i < 256; i++)
		memcpy(text + (size_t)i * 2, "\xc3\xa9", 2);
	CU_ASSERT_EQUAL(fl_read(&buf, text, 510, &err), FL_OK);
	CU_ASSERT_EQUAL(fl_read(&buf, text, 512, &err), FL_EFORMAT);
	fl_buf_free(&buf);
}

static void a_term_read_into_an_open_list_is_counted(void)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};
	int64_t last;

	fl_list_open(&buf);
	CU_ASSERT_EQUAL(fl_read(&buf, "1", 1, &err), FL_OK);
	CU_ASSERT_EQUAL(fl_read(&buf, "2", 1, &err), FL_OK);
	CU_ASSERT_EQUAL(fl_build(&buf, "3"), FL_OK);
	fl_list_close(&buf);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&buf), "[1, 2, ~]", &last) && last == 3);
	fl_buf_free(&buf);
}

static void large_tuples_and_long_strings_are_read(void)
{
	static char text[140003];
	fl_buf buf = FL_BUF_INIT;
	fl_error err = {.code = 0};
	fl_term element;
	size_t count = 0;

	text[0] = '{';
	for (size_t i = 0; i < 70000; i++)
		memcpy(text + 1 + 2 * i, "1,", 2);
	text[140000] = '}';
	CU_ASSERT_EQUAL(fl_read(&buf, text, 140001, &err), FL_OK);
	CU_ASSERT_EQUAL(fl_term_arity(fl_buf_term(&buf)), 70000);
	fl_buf_reset(&buf);
	memset(text, 'a', sizeof text);
	text[0] = text[140002] = '"';
	CU_ASSERT_EQUAL(fl_read(&buf, text, sizeof text, &err), FL_OK);
	for (fl_term list = fl_buf_term(&buf); fl_list_next(&list, &element);)
		count++;
	CU_ASSERT_EQUAL(count, 140001);
	fl_buf_free(&buf);
}

FL_SUITE("read", FL_TEST(literals_have_the_smallest_encoding),
	FL_TEST(integers_have_bases_underscores_and_characters), FL_TEST(floats_are_read),
	FL_TEST(strings_and_atoms_have_escapes), FL_TEST(binaries_have_sizes_and_types),
	FL_TEST(space_and_comments_are_skipped), FL_TEST(lists_have_tails),
	FL_TEST(identifiers_are_read_as_they_are_printed), FL_TEST(errors_say_line_and_column),
	FL_TEST(keys_must_differ), FL_TEST(atoms_have_at_most_255_characters),
	FL_TEST(a_term_read_into_an_open_list_is_counted),
	FL_TEST(large_tuples_and_long_strings_are_read));
