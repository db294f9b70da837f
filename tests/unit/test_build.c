/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/term.h"

#include <math.h>
#include <string.h>

#include "node/term/walk.h"
#include "node/term/write.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

#define U4(x) 0, 0, 0, (x)
#define NODE 119, 3, 'a', '@', 'b'
/* Builds one term and compares it byte by byte. */
#define GIVES(build, ...)                                                                          \
	gives(build, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static fl_buf b;

static bool gives(int rc, const uint8_t *bytes, size_t size)
{
	bool is_same = rc == FL_OK && b.size == size && memcmp(b.data, bytes, size) == 0;

	fl_buf_free(&b);
	return is_same;
}

/* A failure leaves what was there and stays. */
static bool fails(int rc, int expected)
{
	bool is_ok = rc == expected && b.error == expected && b.size == 0 &&
		     fl_build(&b, "ok") == expected;

	fl_buf_free(&b);
	return is_ok;
}

static void literals_are_built_as_they_are_matched(void)
{
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "ok"), 119, 2, 'o', 'k'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "'O k'"), 119, 3, 'O', ' ', 'k'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "'a\\n'"), 119, 2, 'a', '\n'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "12"), 97, 12));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "-1"), 98, 255, 255, 255, 255));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "16#100"), 98, 0, 0, 1, 0));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "$\\x41"), 97, 'A'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "1.5"), 70, 63, 248, 0, 0, 0, 0, 0, 0));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "\"ab\""), 107, 0, 2, 'a', 'b'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "\"\""), 106));
	CU_ASSERT_TRUE(
		GIVES(fl_build(&b, "\"\xe2\x82\xac\""), 108, U4(1), 98, 0, 0, 0x20, 0xac, 106));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "<<\"ab\">>"), 109, U4(2), 'a', 'b'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "<<>>"), 109, U4(0)));
}

static void containers_count_their_parts(void)
{
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "{}"), 104, 0));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "{1, {2}}"), 104, 2, 97, 1, 104, 1, 97, 2));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "[]"), 106));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "[1, 2]"), 108, U4(2), 97, 1, 97, 2, 106));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "[1 | 2]"), 108, U4(1), 97, 1, 97, 2));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "#{}"), 116, U4(0)));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, " #{ a => 1 , 2 => [] } "), 116, U4(2), 119, 1, 'a', 97,
		1, 97, 2, 106));
}

static void values_take_their_place(void)
{
	fl_pid pid = {{"a@b", 3}, 1, 2, 3};
	int64_t total = 7;
	char text[] = "hi";

	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", total), 97, 7));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "{ok, ~}", total), 104, 2, 119, 2, 'o', 'k', 97, 7));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "[~ | ~]", 1, 2), 108, U4(1), 97, 1, 97, 2));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "#{~ => ~}", fl_atom_of("k"), "v"), 116, U4(1), 119, 1,
		'k', 109, U4(1), 'v'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", text), 109, U4(2), 'h', 'i'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", fl_bool(2 > 1)), 119, 4, 't', 'r', 'u', 'e'));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", 2 > 1), 97, 1));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", 1.5f), 70, 63, 248, 0, 0, 0, 0, 0, 0));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", pid), 88, NODE, U4(1), U4(2), U4(3)));
	CU_ASSERT_TRUE(GIVES(
		fl_build(&b, "~", UINT64_MAX), 110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", (char)7), 97, 7));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "~", (fl_bin){0}), 109, U4(0)));
}

static void terms_are_copied_even_the_rest_of_a_list(void)
{
	static const uint8_t list[] = {108, U4(2), 97, 1, 97, 2, 106};
	fl_term t = {.data = list, .size = sizeof list}, first;

	CU_ASSERT_TRUE(GIVES(fl_build(&b, "{~}", t), 104, 1, 108, U4(2), 97, 1, 97, 2, 106));
	CU_ASSERT_TRUE(fl_list_next(&t, &first));
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "{~}", t), 104, 1, 108, U4(1), 97, 2, 106));
}

static void values_without_external_form_are_refused(void)
{
	fl_term none = {.size = 0};
	fl_ref ref = {.count = 6};

	CU_ASSERT_TRUE(fails(fl_build(&b, "{1, ~}", (double)NAN), FL_EINVAL));
	CU_ASSERT_TRUE(fails(fl_build(&b, "~", (double)INFINITY), FL_EINVAL));
	CU_ASSERT_TRUE(fails(fl_build(&b, "~", fl_atom_of("\xff")), FL_EINVAL));
	CU_ASSERT_TRUE(fails(fl_build(&b, "~", none), FL_EINVAL));
	CU_ASSERT_TRUE(fails(fl_build(&b, "~", ref), FL_EINVAL));
}

static void bad_patterns_are_misuse(void)
{
	static const char *const patterns[] = {"", "{", "{ok", "{ok,", "{ok,}", "{ok}}", "ok ok",
		"[", "[1", "[1|", "[1|2", "[1|2,3]", "[|1]", "#", "#{", "#{a}", "#{a=>}", "#{a=>1",
		"_", "^", "Ok", "'", "\"", "<<", "<<\"a\"", "<<\"a\">", "$", "-", "- 1",
		"99999999999999999999", "-9223372036854775809", "1.0e999", "'\xff'", "\"\xff\"",
		"\"\\x{110000}\""};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		CU_ASSERT_TRUE(fails(fl_build(&b, patterns[i]), FL_EMISUSE));
}

static void the_count_of_values_must_be_right(void)
{
	CU_ASSERT_TRUE(fails(fl_build(&b, "~"), FL_EMISUSE));
	CU_ASSERT_TRUE(fails(fl_build(&b, "{~, ~}", 1), FL_EMISUSE));
	CU_ASSERT_TRUE(fails(fl_build(&b, "~", 1, 2), FL_EMISUSE));
	CU_ASSERT_TRUE(fails(fl_build(&b, "ok", 1), FL_EMISUSE));
}

static void a_pattern_nests_32_deep(void)
{
	char pattern[80];

	for (size_t depth = 31; depth <= 33; depth++) {
		memset(pattern, '[', depth);
		memset(pattern + depth, ']', depth);
		pattern[2 * depth] = '\0';
		CU_ASSERT_EQUAL(fl_build(&b, pattern), depth <= 32 ? FL_OK : FL_EMISUSE);
		fl_buf_free(&b);
	}
}

static void a_failure_keeps_what_was_built_before(void)
{
	CU_ASSERT_EQUAL(fl_build(&b, "ok"), FL_OK);
	CU_ASSERT_EQUAL(fl_build(&b, "{1, 2, "), FL_EMISUSE);
	CU_ASSERT_EQUAL(b.size, 4);
	fl_buf_reset(&b);
	CU_ASSERT_TRUE(GIVES(fl_build(&b, "1"), 97, 1));
}

static void sequences_are_counted_at_their_end(void)
{
	fl_list_open(&b);
	fl_build(&b, "1");
	fl_map_open(&b);
	fl_build(&b, "a");
	fl_tuple_open(&b);
	fl_build(&b, "~", 5);
	fl_tuple_close(&b);
	fl_map_close(&b);
	fl_list_open(&b);
	fl_list_close(&b);
	CU_ASSERT_EQUAL(fl_buf_term(&b).size, 0);
	fl_list_close(&b);
	CU_ASSERT_EQUAL(fl_buf_term(&b).size, b.size);
	CU_ASSERT_TRUE(GIVES(
		b.error, 108, U4(3), 97, 1, 116, U4(1), 119, 1, 'a', 104, 1, 97, 5, 106, 106));
}

static void a_long_tuple_keeps_the_long_head(void)
{
	fl_term t;

	fl_tuple_open(&b);
	for (int i = 0; i < 256; i++)
		fl_build(&b, "~", i);
	fl_tuple_close(&b);
	t = fl_buf_term(&b);
	CU_ASSERT(b.error == FL_OK && t.size == b.size && fl_term_arity(t) == 256);
	fl_buf_free(&b);
}

static void misused_sequences_fail(void)
{
	fl_list_close(&b);
	CU_ASSERT_EQUAL(b.error, FL_EMISUSE);
	fl_buf_free(&b);
	fl_list_open(&b);
	fl_map_close(&b);
	CU_ASSERT_EQUAL(b.error, FL_EMISUSE);
	fl_buf_free(&b);
	fl_map_open(&b);
	fl_build(&b, "key");
	fl_map_close(&b);
	CU_ASSERT_EQUAL(b.error, FL_EMISUSE);
	fl_buf_free(&b);
	for (int i = 0; i < 33; i++)
		fl_list_open(&b);
	CU_ASSERT_EQUAL(b.error, FL_ELIMIT);
	fl_buf_free(&b);
}

static void a_copy_stands_alone(void)
{
	static const uint8_t string[] = {107, 0, 2, 'a', 'b'};
	fl_term t = {.data = string, .size = sizeof string}, byte, copy = fl_copy(t);

	CU_ASSERT(copy.size == 5 && copy.data != t.data && memcmp(copy.data, t.data, 5) == 0);
	fl_term_free(copy);
	CU_ASSERT_TRUE(fl_list_next(&t, &byte));
	copy = fl_copy(t);
	CU_ASSERT(copy.rest == 0 && fl_match(copy, "\"b\""));
	fl_term_free(copy);
}

static int build_some(fli_buf *buf)
{
	fl_value values[] = {
		{.type = FL_SLOT_BIN, .as.bin = {"0123456789012345678901234567890", 31}},
		{.type = FL_SLOT_PID, .as.pid = {{"a@b", 3}, 1, 2, 3}}};

	return fli_build_values(
		buf, "{ok, ~, [\"text\", ~, 1.5], #{<<\"bytes\">> => {}}, [-5 | x]}", values, 2);
}

static void lack_of_memory_leaves_no_half_term(void)
{
	bool was_hit = true;

	for (long n = 1; was_hit; n++) {
		fli_fault fault;
		fli_buf buf;
		size_t size = 0;
		int rc = FL_OK;

		fli_fault_create(&fault, n);
		fli_buf_create(&buf, &fault.mem, 0);
		for (int i = 0; i < 20 && rc == FL_OK; i++) {
			rc = build_some(&buf);
			if (rc == FL_OK)
				size = buf.size;
		}
		was_hit = fault.was_hit;
		CU_ASSERT_EQUAL(rc, was_hit ? FL_ENOMEM : FL_OK);
		CU_ASSERT_EQUAL(buf.size, size);
		CU_ASSERT(size == 0 || fli_term_size(buf.data, size) != 0);
		fli_buf_destroy(&buf);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
}

FL_SUITE("build", FL_TEST(literals_are_built_as_they_are_matched),
	FL_TEST(containers_count_their_parts), FL_TEST(values_take_their_place),
	FL_TEST(terms_are_copied_even_the_rest_of_a_list),
	FL_TEST(values_without_external_form_are_refused), FL_TEST(bad_patterns_are_misuse),
	FL_TEST(the_count_of_values_must_be_right), FL_TEST(a_pattern_nests_32_deep),
	FL_TEST(a_failure_keeps_what_was_built_before), FL_TEST(sequences_are_counted_at_their_end),
	FL_TEST(a_long_tuple_keeps_the_long_head), FL_TEST(misused_sequences_fail),
	FL_TEST(a_copy_stands_alone), FL_TEST(lack_of_memory_leaves_no_half_term));
