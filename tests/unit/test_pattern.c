/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/pattern.h"

#include "tests/support/suite.h"

static void good_patterns_have_no_fault(void)
{
	static const struct {
		const char *pattern;
		bool is_match;
		size_t count;
	} good[] = {
		{"get", true, 0},
		{"{add, ~}", true, 1},
		{"{add, ~}", false, 1},
		{"[~ | ~]", true, 2},
		{" { _ , ^ } ", true, 1},
		{"#{a => ~, <<\"b\">> => [~], ^ => _}", true, 3},
		{"#{~ => ~}", false, 2},
		{"\"text\\n\"", true, 0},
		{"<< >>", true, 0},
		{"[-1, 16#ff, $a, 1.5e3, 1_000]", true, 0},
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CU_ASSERT_PTR_NULL(
			fli_pattern_check(good[i].pattern, good[i].is_match, good[i].count));
	CU_ASSERT_PTR_NOT_NULL(fli_pattern_check("'it''", true, 0));
}

static void wrong_counts_are_told(void)
{
	CU_ASSERT_STRING_EQUAL(
		fli_pattern_check("{~, ~}", true, 1), "fewer arguments than `~` and `^`");
	CU_ASSERT_STRING_EQUAL(
		fli_pattern_check("{~, ^}", true, 3), "more arguments than `~` and `^`");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("x", true, 25), "too many arguments");
}

static void faults_are_named(void)
{
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("", true, 0), "it ends too early");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("{a", true, 0), "an unclosed list or tuple");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("{a, }", true, 0), "an unexpected character");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("a b", true, 0), "more than one term");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("#{a}", true, 0), "a key without `=>`");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("#{~ => 1}", true, 1), "`~` in the key of a map");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("_", false, 0), "`^` or `_` in a value");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("_Name", true, 0), "a variable's name");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("'\xff'", true, 0), "a bad atom");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("'a", true, 0), "a bad quoted atom");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("<<\"a\">", true, 0), "an unclosed binary");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("37#1", true, 0), "a bad number");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("99999999999999999999", true, 0), "a bad number");
	CU_ASSERT_STRING_EQUAL(fli_pattern_check("-9223372036854775809", true, 0),
		"an integer of more than 64 bits");
}

static void nesting_has_a_limit(void)
{
	char pattern[80];

	for (size_t depth = 32; depth <= 33; depth++) {
		const char *reason;

		for (size_t i = 0; i < depth; i++) {
			pattern[i] = '[';
			pattern[depth + i] = ']';
		}
		pattern[2 * depth] = '\0';
		reason = fli_pattern_check(pattern, true, 0);
		CU_ASSERT_EQUAL(reason == NULL, depth == 32);
	}
}

static uint32_t char_of(const char *text)
{
	uint32_t c = UINT32_MAX;

	return fli_pattern_char(&text, &c) && *text == '\0' ? c : UINT32_MAX;
}

static void escapes_are_those_of_erlang(void)
{
	CU_ASSERT_EQUAL(char_of("a"), 'a');
	CU_ASSERT_EQUAL(char_of("\xc3\xa9"), 0xe9);
	CU_ASSERT_EQUAL(char_of("\\n"), 10);
	CU_ASSERT_EQUAL(char_of("\\s"), 32);
	CU_ASSERT_EQUAL(char_of("\\e"), 27);
	CU_ASSERT_EQUAL(char_of("\\d"), 127);
	CU_ASSERT_EQUAL(char_of("\\0"), 0);
	CU_ASSERT_EQUAL(char_of("\\101"), 65);
	CU_ASSERT_EQUAL(char_of("\\x41"), 65);
	CU_ASSERT_EQUAL(char_of("\\x{20ac}"), 0x20ac);
	CU_ASSERT_EQUAL(char_of("\\^A"), 1);
	CU_ASSERT_EQUAL(char_of("\\\\"), '\\');
	CU_ASSERT_EQUAL(char_of("\\\""), '"');
	CU_ASSERT_EQUAL(char_of("\\q"), 'q');
	CU_ASSERT_EQUAL(char_of("\\"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\\^"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\\x4"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\\x{}"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\\x{d800}"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\\x{110000}"), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of(""), UINT32_MAX);
	CU_ASSERT_EQUAL(char_of("\xff"), UINT32_MAX);
}

FL_SUITE("pattern", FL_TEST(good_patterns_have_no_fault), FL_TEST(wrong_counts_are_told),
	FL_TEST(faults_are_named), FL_TEST(nesting_has_a_limit),
	FL_TEST(escapes_are_those_of_erlang));
