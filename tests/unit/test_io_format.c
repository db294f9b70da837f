/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/io_format.h"

#include <flitch.h>
#include <string.h>

#include "tests/support/suite.h"

static char text[4096];

static void keep_text(const fli_buf *out)
{
	size_t size = out->size < sizeof text ? out->size : sizeof text - 1;

	if (size > 0)
		memcpy(text, out->data, size);
	text[size] = '\0';
}

/* The text, or NULL where format and arguments do not fit. */
static const char *format(const char *format_term, const char *args_term)
{
	fl_buf f = FL_BUF_INIT, a = FL_BUF_INIT;
	fli_buf out;
	bool ok;

	fli_buf_create(&out, fli_mem_libc(), 1 << 16);
	CU_ASSERT_EQUAL(fl_read(&f, format_term, strlen(format_term), NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_read(&a, args_term, strlen(args_term), NULL), FL_OK);
	ok = fli_io_format(&out, fl_buf_term(&f), fl_buf_term(&a));
	keep_text(&out);
	fli_buf_destroy(&out);
	fl_buf_free(&f);
	fl_buf_free(&a);
	return ok ? text : NULL;
}

static const char *chars(const char *term, bool is_latin1)
{
	fl_buf t = FL_BUF_INIT;
	fli_buf out;
	bool ok;

	fli_buf_create(&out, fli_mem_libc(), 1 << 16);
	CU_ASSERT_EQUAL(fl_read(&t, term, strlen(term), NULL), FL_OK);
	ok = fli_io_chars(&out, fl_buf_term(&t), is_latin1);
	keep_text(&out);
	fli_buf_destroy(&out);
	fl_buf_free(&t);
	return ok ? text : NULL;
}

#define GIVES(f, a, expected)                                                                      \
	do {                                                                                       \
		const char *got_ = format(f, a);                                                   \
		CU_ASSERT_PTR_NOT_NULL(got_);                                                      \
		CU_ASSERT_STRING_EQUAL(text, expected);                                            \
	} while (0)
#define FAILS(f, a) CU_ASSERT_PTR_NULL(format(f, a))

static void text_and_breaks_are_copied(void)
{
	GIVES("\"plain\"", "[]", "plain");
	GIVES("\"\"", "[]", "");
	GIVES("<<\"a~nb~~\">>", "[]", "a\nb~");
	GIVES("atom", "[]", "atom");
}

static void terms_are_written(void)
{
	GIVES("\"~p and ~w\"", "[{a, [1, 2]}, 'B c']", "{a,[1,2]} and 'B c'");
	GIVES("\"~P|~W\"", "[a, 5, b, 5]", "a|b");
	GIVES("\"~tp ~0p ~ltp\"", "[a, b, c]", "a b c");
}

static void strings_are_padded_and_cut(void)
{
	GIVES("\"|~s|\"", "[<<\"abc\">>]", "|abc|");
	GIVES("\"|~10s|\"", "[\"abc\"]", "|       abc|");
	GIVES("\"|~-10s|\"", "[abc]", "|abc       |");
	GIVES("\"|~5.2s|\"", "[\"abc\"]", "|   ab|");
	GIVES("\"|~2s|\"", "[\"abc\"]", "|ab|");
	GIVES("\"|~*s|\"", "[5, \"abc\"]", "|  abc|");
	GIVES("\"|~8..*s|\"", "[$-, \"abc\"]", "|-----abc|");
	GIVES("\"|~8..0s|\"", "[\"abc\"]", "|00000abc|");
	GIVES("\"|~4ts|\"", "[[8364]]", "|   \xe2\x82\xac|");
}

static void numbers_have_bases_and_precisions(void)
{
	GIVES("\"~b ~B\"", "[-12, 12]", "-12 12");
	GIVES("\"~.16b ~.16B ~.16#\"", "[255, 255, 255]", "ff FF 16#FF");
	GIVES("\"~4..0B\"", "[7]", "0007");
	GIVES("\"~2B\"", "[1234]", "**");
	GIVES("\"~.16x\"", "[31, \"0x\"]", "0x1f");
	GIVES("\"~.2f ~f\"", "[1.005, 2]", "1.00 2.000000");
	GIVES("\"~8.3f|\"", "[3.14159]", "   3.142|");
	GIVES("\"~e\"", "[1.5]", "1.50000e+0");
	GIVES("\"~c~3c\"", "[$a, $b]", "abbb");
}

static void what_does_not_fit_is_told(void)
{
	FAILS("\"~p\"", "[]");
	FAILS("\"~p\"", "[1, 2]");
	FAILS("\"~z\"", "[1]");
	FAILS("\"~\"", "[]");
	FAILS("\"~s\"", "[1.5]");
	FAILS("\"~B\"", "[a]");
	FAILS("\"~99999B\"", "[1]");
	FAILS("\"~-p\"", "[1]");
	FAILS("\"~.99B\"", "[1]");
	FAILS("1.5", "[]");
	FAILS("\"x\"", "[a | b]");
}

static void ignored_arguments_are_taken(void)
{
	GIVES("\"~i~p\"", "[a, b]", "b");
}

static void chardata_is_flattened(void)
{
	CU_ASSERT_STRING_EQUAL(chars("[\"ab\", [<<\"c\">>, [$d]] | <<\"e\">>]", false), "abcde");
	CU_ASSERT_STRING_EQUAL(chars("[]", false), "");
	CU_ASSERT_STRING_EQUAL(chars("[228, 8364]", false), "\xc3\xa4\xe2\x82\xac");
	CU_ASSERT_STRING_EQUAL(chars("<<228>>", true), "\xc3\xa4");
	CU_ASSERT_PTR_NULL(chars("<<228>>", false));
	CU_ASSERT_PTR_NULL(chars("[a]", false));
	CU_ASSERT_PTR_NULL(chars("[55296]", false));
	CU_ASSERT_PTR_NULL(chars("[1.0]", false));
}

static void lists_nest_to_a_limit(void)
{
	char nested[2 * FLI_IO_DEPTH_MAX + 8];

	for (int depth = FLI_IO_DEPTH_MAX - 1; depth <= FLI_IO_DEPTH_MAX + 1; depth++) {
		memset(nested, '[', (size_t)depth);
		memcpy(nested + depth, "$x", 2);
		memset(nested + depth + 2, ']', (size_t)depth);
		nested[2 * depth + 2] = '\0';
		CU_ASSERT_EQUAL(chars(nested, false) != NULL, depth <= FLI_IO_DEPTH_MAX);
	}
}

FL_SUITE("io_format", FL_TEST(text_and_breaks_are_copied), FL_TEST(terms_are_written),
	FL_TEST(strings_are_padded_and_cut), FL_TEST(numbers_have_bases_and_precisions),
	FL_TEST(what_does_not_fit_is_told), FL_TEST(ignored_arguments_are_taken),
	FL_TEST(chardata_is_flattened), FL_TEST(lists_nest_to_a_limit));
