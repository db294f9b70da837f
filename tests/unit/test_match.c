/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/term.h"

#include <stdlib.h>
#include <string.h>

#include "node/base/mem.h"
#include "node/term/atoms.h"
#include "tests/support/samples.h"
#include "tests/support/suite.h"

#define TERM(...)                                                                                  \
	((fl_term){.data = (const uint8_t[]){__VA_ARGS__},                                         \
		.size = sizeof((const uint8_t[]){__VA_ARGS__})})
#define U4(x) 0, 0, 0, (x)
#define NODE 119, 3, 'a', '@', 'b'
#define ADD_41 TERM(104, 2, 119, 3, 'a', 'd', 'd', 97, 41)

static void atoms_match_by_text(void)
{
	fl_term t = TERM(119, 3, 'g', 'e', 't');

	CU_ASSERT_TRUE(fl_match(t, "get"));
	CU_ASSERT_TRUE(fl_match(t, " 'get' "));
	CU_ASSERT_TRUE(fl_match(t, "'g\\x65t'"));
	CU_ASSERT_FALSE(fl_match(t, "ge"));
	CU_ASSERT_FALSE(fl_match(t, "gets"));
	CU_ASSERT_FALSE(fl_match(t, "set"));
	CU_ASSERT_FALSE(fl_match(t, "'get"));
	CU_ASSERT_FALSE(fl_match(t, "\"get\""));
	CU_ASSERT_TRUE(fl_match(TERM(118, 0, 1, 'x'), "x"));
	CU_ASSERT_TRUE(fl_match(
		TERM(119, 10, 'E', 'l', 'i', 'x', 'i', 'r', '.', 'F', 'o', 'o'), "'Elixir.Foo'"));
	CU_ASSERT_TRUE(fl_match(TERM(119, 4, 'a', '_', '@', '1'), "a_@1"));
	CU_ASSERT_FALSE(fl_match(TERM(119, 3, 'a', ',', 'b'), "a,b"));
	CU_ASSERT_FALSE(fl_match(TERM(119, 2, 'a', 0), "a"));
	CU_ASSERT_TRUE(fl_match(TERM(119, 0), "''"));
}

static void integers_match_by_value(void)
{
	CU_ASSERT_TRUE(fl_match(TERM(97, 12), "12"));
	CU_ASSERT_TRUE(fl_match(TERM(98, U4(12)), "12"));
	CU_ASSERT_TRUE(fl_match(TERM(110, 2, 0, 12, 0), "12"));
	CU_ASSERT_TRUE(fl_match(TERM(97, 255), "16#fF"));
	CU_ASSERT_TRUE(fl_match(TERM(97, 'a'), "$a"));
	CU_ASSERT_TRUE(fl_match(TERM(97, '\n'), "$\\n"));
	CU_ASSERT_TRUE(fl_match(TERM(98, 0, 0, 3, 232), "1_000"));
	CU_ASSERT_TRUE(fl_match(TERM(98, 255, 255, 255, 249), "-7"));
	CU_ASSERT_TRUE(fl_match(TERM(97, 0), "-0"));
	CU_ASSERT_FALSE(fl_match(TERM(97, 7), "-7"));
	CU_ASSERT_FALSE(fl_match(TERM(98, 255, 255, 255, 249), "7"));
	CU_ASSERT_TRUE(fl_match(TERM(110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128), "-9223372036854775808"));
	CU_ASSERT_TRUE(fl_match(
		TERM(110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255), "18446744073709551615"));
	CU_ASSERT_FALSE(fl_match(TERM(97, 0), "18446744073709551616"));
	CU_ASSERT_FALSE(fl_match(TERM(70, 63, 240, 0, 0, 0, 0, 0, 0), "1"));
}

static void floats_match_floats_alone(void)
{
	fl_term t = TERM(70, 63, 248, 0, 0, 0, 0, 0, 0);

	CU_ASSERT_TRUE(fl_match(t, "1.5"));
	CU_ASSERT_TRUE(fl_match(t, "15.0e-1"));
	CU_ASSERT_FALSE(fl_match(t, "-1.5"));
	CU_ASSERT_FALSE(fl_match(TERM(97, 1), "1.0"));
	CU_ASSERT_TRUE(fl_match(TERM(70, 128, 0, 0, 0, 0, 0, 0, 0), "-0.0"));
	CU_ASSERT_FALSE(fl_match(TERM(70, 128, 0, 0, 0, 0, 0, 0, 0), "0.0"));
}

static void tuples_match_element_by_element(void)
{
	fl_term t = ADD_41;

	CU_ASSERT_TRUE(fl_match(t, "{add, 41}"));
	CU_ASSERT_TRUE(fl_match(t, "{ add ,41 }"));
	CU_ASSERT_TRUE(fl_match(t, "{_, _}"));
	CU_ASSERT_FALSE(fl_match(t, "{add}"));
	CU_ASSERT_FALSE(fl_match(t, "{add, 41, _}"));
	CU_ASSERT_FALSE(fl_match(t, "{}"));
	CU_ASSERT_FALSE(fl_match(t, "[add, 41]"));
	CU_ASSERT_TRUE(fl_match(TERM(104, 0), "{}"));
	CU_ASSERT_TRUE(fl_match(TERM(105, U4(1), 97, 1), "{1}"));
}

static void captures_take_the_pointer_s_type(void)
{
	int64_t by = 0;
	fl_atom name;
	fl_term any;
	int small;

	CU_ASSERT(fl_match(ADD_41, "{add, ~}", &by) && by == 41);
	CU_ASSERT(fl_match(ADD_41, "{add, ~}", &small) && small == 41);
	CU_ASSERT(fl_match(ADD_41, "{~, ~}", &name, &by) && fl_atom_is(name, "add"));
	CU_ASSERT(fl_match(ADD_41, "{_, ~}", &any) && any.size == 2 && any.data[1] == 41);
	CU_ASSERT(fl_match(ADD_41, "~", &any) && any.size == 9);
	CU_ASSERT_FALSE(fl_match(ADD_41, "{~, _}", &by));
	CU_ASSERT_FALSE(fl_match(ADD_41, "{_, ~}", &name));
}

static void integers_are_never_cut(void)
{
	int8_t i8 = 5;
	uint8_t u8 = 5;
	int16_t i16;
	uint16_t u16;
	int32_t i32;
	uint32_t u32;
	int64_t i64;
	uint64_t u64;

	CU_ASSERT_FALSE(fl_match(TERM(97, 128), "~", &i8));
	CU_ASSERT(fl_match(TERM(98, 255, 255, 255, 128), "~", &i8) && i8 == -128);
	CU_ASSERT_FALSE(fl_match(TERM(98, 0, 0, 1, 0), "~", &u8));
	CU_ASSERT_FALSE(fl_match(TERM(98, 255, 255, 255, 255), "~", &u8));
	CU_ASSERT_FALSE(fl_match(TERM(98, 0, 0, 128, 0), "~", &i16));
	CU_ASSERT(fl_match(TERM(98, 0, 0, 128, 0), "~", &u16) && u16 == 32768);
	CU_ASSERT_FALSE(fl_match(TERM(110, 4, 0, 0, 0, 0, 128), "~", &i32));
	CU_ASSERT(fl_match(TERM(110, 4, 0, 0, 0, 0, 128), "~", &u32) && u32 == UINT32_C(1) << 31);
	CU_ASSERT_FALSE(fl_match(TERM(110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128), "~", &i64));
	CU_ASSERT(fl_match(TERM(110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128), "~", &u64) &&
		  u64 == UINT64_C(1) << 63);
	CU_ASSERT_FALSE(fl_match(TERM(110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), "~", &u64));
}

static void nothing_is_written_unless_all_matches(void)
{
	int64_t a = 1, b = 2;
	fl_term t = TERM(104, 3, 97, 7, 97, 8, 119, 1, 'x');

	CU_ASSERT_FALSE(fl_match(t, "{~, ~, y}", &a, &b));
	CU_ASSERT(a == 1 && b == 2);
	CU_ASSERT_TRUE(fl_match(t, "{~, ~, x}", &a, &b));
	CU_ASSERT(a == 7 && b == 8);
}

static void the_count_of_arguments_must_be_right(void)
{
	int64_t a = 1, b = 2;

	CU_ASSERT_FALSE(fl_match(ADD_41, "{add, ~}"));
	CU_ASSERT_FALSE(fl_match(ADD_41, "{add, ~}", &a, &b));
	CU_ASSERT_FALSE(fl_match(ADD_41, "{add, 41}", &a));
	CU_ASSERT(a == 1 && b == 2);
}

static void pins_compare(void)
{
	int wanted = 41, other = 42;
	fl_atom add = fl_atom_of("add");
	fl_bin bin = {"ab", 2};
	double d = 1.5;
	bool yes = true;
	fl_term t = ADD_41, one = TERM(97, 41);
	const uint64_t u = 41;
	int64_t by;

	CU_ASSERT_TRUE(fl_match(t, "{add, ^}", &wanted));
	CU_ASSERT_FALSE(fl_match(t, "{add, ^}", &other));
	CU_ASSERT_TRUE(fl_match(t, "{^, ^}", &add, &u));
	CU_ASSERT_TRUE(fl_match(t, "{_, ^}", &one));
	CU_ASSERT_TRUE(fl_match(t, "^", &t));
	CU_ASSERT_FALSE(fl_match(t, "^", &one));
	CU_ASSERT_TRUE(fl_match(TERM(109, U4(2), 'a', 'b'), "^", &bin));
	CU_ASSERT_FALSE(fl_match(TERM(109, U4(2), 'a', 'c'), "^", &bin));
	CU_ASSERT_TRUE(fl_match(TERM(70, 63, 248, 0, 0, 0, 0, 0, 0), "^", &d));
	CU_ASSERT_TRUE(fl_match(TERM(119, 4, 't', 'r', 'u', 'e'), "^", &yes));
	CU_ASSERT(fl_match(t, "{^, ~}", &add, &by) && by == 41 && fl_atom_is(add, "add"));
}

static void binaries_match_bytes(void)
{
	fl_term t = TERM(109, U4(3), 'a', '"', 0xc3);
	fl_bin bin;

	CU_ASSERT_TRUE(fl_match(t, "<<\"a\\\"\\x{c3}\">>"));
	CU_ASSERT_TRUE(fl_match(t, "<< \"a\\\"\xc3\" >>"));
	CU_ASSERT_FALSE(fl_match(t, "<<\"a\">>"));
	CU_ASSERT_FALSE(fl_match(t, "<<>>"));
	CU_ASSERT(fl_match(t, "~", &bin) && bin.size == 3 && bin.data == t.data + 5);
	CU_ASSERT_TRUE(fl_match(TERM(109, U4(0)), "<<>>"));
	CU_ASSERT_TRUE(fl_match(TERM(109, U4(0)), "<<\"\">>"));
	CU_ASSERT(fl_match(TERM(77, U4(1), 8, 'x'), "~", &bin) && bin.size == 1);
	CU_ASSERT_FALSE(fl_match(TERM(77, U4(1), 7, 'x'), "~", &bin));
	CU_ASSERT_FALSE(fl_match(TERM(107, 0, 1, 'x'), "~", &bin));
}

#define LIST_123 TERM(108, U4(3), 97, 1, 97, 2, 97, 3, 106)
#define STRING_123 TERM(107, 0, 3, 1, 2, 3)

static void lists_match_in_either_encoding(void)
{
	const fl_term lists[] = {LIST_123, STRING_123,
		TERM(108, U4(1), 97, 1, 107, 0, 2, 2, 3), /* a string as tail */
		TERM(108, U4(1), 97, 1, 108, U4(0), 108, U4(2), 98, U4(2), 97, 3, 106)};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		int a = 0, b = 0, c = 0;
		fl_term tail;

		CU_ASSERT_TRUE(fl_match(lists[i], "[1, 2, 3]"));
		CU_ASSERT_TRUE(fl_match(lists[i], "[1,2,3|[]]"));
		CU_ASSERT_TRUE(fl_match(lists[i], "[1 | [2 | [3]]]"));
		CU_ASSERT_TRUE(fl_match(lists[i], "\"\\1\\2\\3\""));
		CU_ASSERT_TRUE(fl_match(lists[i], "[1 | \"\\2\\3\"]"));
		CU_ASSERT_FALSE(fl_match(lists[i], "[1, 2]"));
		CU_ASSERT_FALSE(fl_match(lists[i], "[1, 2, 3, _]"));
		CU_ASSERT_FALSE(fl_match(lists[i], "[]"));
		CU_ASSERT_FALSE(fl_match(lists[i], "\"\\1\\2\""));
		CU_ASSERT_TRUE(fl_match(lists[i], "[_ | _]"));
		CU_ASSERT_TRUE(fl_match(lists[i], "[_, _, _ | _]"));
		CU_ASSERT_TRUE(fl_match(lists[i], "[~, ~, ~]", &a, &b, &c));
		CU_ASSERT(a == 1 && b == 2 && c == 3);
		CU_ASSERT_TRUE(fl_match(lists[i], "[_ | ~]", &tail));
		CU_ASSERT_TRUE(fl_match(tail, "[2, 3]"));
		CU_ASSERT_TRUE(fl_match(tail, "[2 | ~]", &tail));
		CU_ASSERT_TRUE(fl_match(tail, "[3 | ~]", &tail));
		CU_ASSERT_TRUE(fl_match(tail, "[]"));
	}
}

static void improper_tails_match_what_they_are(void)
{
	fl_term t = TERM(108, U4(1), 119, 5, 'a', 'l', 'i', 'a', 's', 97, 9), tail;
	int n = 0;

	CU_ASSERT(fl_match(t, "[alias | ~]", &n) && n == 9);
	CU_ASSERT(fl_match(t, "[alias | ~]", &tail) && tail.size == 2 && tail.rest == 0);
	CU_ASSERT_TRUE(fl_match(t, "[alias | 9]"));
	CU_ASSERT_FALSE(fl_match(t, "[alias]"));
	CU_ASSERT_FALSE(fl_match(t, "[alias, 9]"));
	CU_ASSERT_FALSE(fl_match(t, "[alias, _ | _]"));
}

static void an_element_of_a_string_outlives_the_match(void)
{
	fl_term byte;
	int n = 0;

	CU_ASSERT_TRUE(fl_match(STRING_123, "[_, ~, _]", &byte));
	CU_ASSERT(fl_match(byte, "~", &n) && n == 2);
}

static void strings_match_charlists(void)
{
	CU_ASSERT_TRUE(fl_match(TERM(107, 0, 2, 'a', 0xe9), "\"a\xc3\xa9\""));
	CU_ASSERT_TRUE(fl_match(TERM(108, U4(1), 98, 0, 0, 0x20, 0xac, 106), "\"\xe2\x82\xac\""));
	CU_ASSERT_TRUE(fl_match(TERM(106), "\"\""));
	CU_ASSERT_FALSE(fl_match(TERM(107, 0, 1, 'a'), "\"\""));
	CU_ASSERT_FALSE(fl_match(TERM(108, U4(1), 97, 'a', 97, 'b'), "\"a\""));
	CU_ASSERT_FALSE(fl_match(TERM(109, U4(1), 'a'), "\"a\""));
}

#define MAP TERM(116, U4(3), 119, 1, 'a', 97, 1, 97, 5, 119, 1, 'x', 109, U4(1), 'k', 107, 0, 1, 9)

static void maps_match_by_the_keys_that_are_asked_for(void)
{
	int n = 0, key = 5, missing = 6;
	fl_atom x;

	CU_ASSERT_TRUE(fl_match(MAP, "#{}"));
	CU_ASSERT(fl_match(MAP, "#{a => ~}", &n) && n == 1);
	CU_ASSERT(fl_match(MAP, "#{<<\"k\">> => [~], a => 1}", &n) && n == 9);
	CU_ASSERT(fl_match(MAP, "#{^ => ~}", &key, &x) && fl_atom_is(x, "x"));
	CU_ASSERT_FALSE(fl_match(MAP, "#{^ => _}", &missing));
	CU_ASSERT_FALSE(fl_match(MAP, "#{b => _}"));
	CU_ASSERT_FALSE(fl_match(MAP, "#{a => 2}"));
	CU_ASSERT_FALSE(fl_match(MAP, "#{~ => _}", &n));
	CU_ASSERT_FALSE(fl_match(ADD_41, "#{}"));
	CU_ASSERT_TRUE(fl_match(TERM(116, U4(0)), "#{}"));
	CU_ASSERT_TRUE(fl_match(TERM(104, 2, 116, U4(1), 97, 1, 97, 2, 97, 3), "{#{1 => 2}, 3}"));
}

static void text_is_captured_from_any_iodata(void)
{
	fl_term nested = TERM(108, U4(2), 109, U4(1), 'x', 107, 0, 1, 'y', 109, U4(1), 'z');
	fl_text text = {.size = 99};
	char bytes[8];

	CU_ASSERT(fl_match(TERM(109, U4(2), 'a', 'b'), "~", &text) && text.size == 2);
	CU_ASSERT(fl_match(TERM(107, 0, 2, 'a', 'b'), "~", &text) && text.size == 2);
	CU_ASSERT(fl_match(TERM(106), "~", &text) && text.size == 0);
	CU_ASSERT(fl_match(nested, "~", &text) && text.size == 3);
	CU_ASSERT(fl_text_string(text, bytes, sizeof bytes) == 3 && strcmp(bytes, "xyz") == 0);
	CU_ASSERT_FALSE(fl_match(TERM(119, 1, 'a'), "~", &text));
	CU_ASSERT_TRUE(fl_match(TERM(107, 0, 3, 'x', 'y', 'z'), "^", &text));
	CU_ASSERT_FALSE(fl_match(TERM(107, 0, 3, 'x', 'y', 'y'), "^", &text));
}

static void other_types_are_captured(void)
{
	fl_term a_pid = TERM(88, NODE, U4(1), U4(2), U4(3)), a_port = TERM(89, NODE, U4(1), U4(2));
	fl_port port;
	fl_ref ref;
	fl_pid pid;
	double d;
	bool b;

	CU_ASSERT(fl_match(TERM(70, 63, 248, 0, 0, 0, 0, 0, 0), "~", &d) && d == 1.5);
	CU_ASSERT_FALSE(fl_match(TERM(97, 1), "~", &d));
	CU_ASSERT(fl_match(TERM(119, 5, 'f', 'a', 'l', 's', 'e'), "~", &b) && !b);
	CU_ASSERT_FALSE(fl_match(TERM(119, 1, 'f'), "~", &b));
	CU_ASSERT(fl_match(a_pid, "~", &pid) && pid.serial == 2);
	CU_ASSERT(fl_match(TERM(90, 0, 1, NODE, U4(1), U4(2)), "~", &ref) && ref.words[0] == 2);
	CU_ASSERT(fl_match(a_port, "~", &port) && port.id == 1);
	CU_ASSERT_TRUE(fl_match(a_pid, "^", &pid));
	CU_ASSERT_FALSE(fl_match(TERM(88, NODE, U4(1), U4(2), U4(4)), "^", &pid));
	CU_ASSERT_TRUE(fl_match(TERM(120, NODE, U4(0), U4(1), U4(2)), "^", &port));
}

static void node_names_are_interned_up_to_the_quota(void)
{
	fl_atoms *atoms = fli_atoms_new(fli_mem_libc(), 1, 1);
	fl_term t = TERM(88, NODE, U4(1), U4(2), U4(3)),
		u = TERM(88, 119, 1, 'c', U4(1), U4(2), U4(3));
	fl_pid pid = {.id = 77};
	fl_atom node;

	t.atoms = u.atoms = atoms;
	CU_ASSERT_TRUE(fl_match(t, "~", &pid));
	CU_ASSERT_TRUE(fli_atoms_find(atoms, "a@b", 3, &node));
	CU_ASSERT_EQUAL(pid.node.text, node.text);
	pid.id = 77;
	CU_ASSERT_FALSE(fl_match(u, "~", &pid));
	CU_ASSERT_EQUAL(pid.id, 77);
	CU_ASSERT_FALSE(fl_match(u, "^", &pid));
	CU_ASSERT_EQUAL(fli_atoms_count(atoms), 1);
	fli_atoms_delete(atoms);
}

static void a_pattern_nests_32_deep(void)
{
	char pattern[80];
	uint8_t data[80];
	fl_term t;

	for (size_t depth = 31; depth <= 33; depth++) {
		memset(pattern, 0, sizeof pattern);
		for (size_t i = 0; i < depth; i++) {
			data[2 * i] = 104;
			data[2 * i + 1] = 1;
			pattern[i] = '{';
			pattern[depth + 1 + i] = '}';
		}
		data[2 * depth] = 97;
		data[2 * depth + 1] = 7;
		pattern[depth] = '7';
		t = (fl_term){.data = data, .size = 2 * depth + 2};
		CU_ASSERT_EQUAL(fl_match(t, pattern), depth <= 32);
	}
}

static void bytes_that_are_no_term_never_match(void)
{
	fl_term any, none = {.size = 0};

	CU_ASSERT_FALSE(fl_match(none, "~", &any));
	CU_ASSERT_FALSE(fl_match(none, "_"));
	CU_ASSERT_FALSE(fl_match(TERM(104, 2, 97, 1), "_"));
	CU_ASSERT_FALSE(fl_match(TERM(82, 0), "~", &any));
	CU_ASSERT_FALSE(fl_match(TERM(107, 0, 9, 1), "[_ | _]"));
}

static void malformed_patterns_never_match(void)
{
	static const char *const patterns[] = {"", " ", "{", "{add", "{add,", "{add, }", "{add, 41",
		"{add, 41}}", "{add, 41} x", "{add; 41}", "Add", "_x", "#", "#{", "<", "<<", "<<\"",
		"\"", "'", "$", "-", "16#", "37#1", "1#1", "1.", "?", "{add, 4_}", "{add, 41}\x01"};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		CU_ASSERT_FALSE(fl_match(ADD_41, patterns[i]));
}

static void every_sample_is_matched_without_harm_cut_anywhere(void)
{
	for (size_t i = 0; i < fl_sample_count; i++)
		for (size_t size = 0; size <= fl_samples[i].size; size++) {
			uint8_t *copy = fl_exact(fl_samples[i].data, size);

			(void)fl_visit((fl_term){.data = copy, .size = size});
			free(copy);
		}
}

FL_SUITE("match", FL_TEST(atoms_match_by_text), FL_TEST(integers_match_by_value),
	FL_TEST(floats_match_floats_alone), FL_TEST(tuples_match_element_by_element),
	FL_TEST(captures_take_the_pointer_s_type), FL_TEST(integers_are_never_cut),
	FL_TEST(nothing_is_written_unless_all_matches),
	FL_TEST(the_count_of_arguments_must_be_right), FL_TEST(pins_compare),
	FL_TEST(binaries_match_bytes), FL_TEST(lists_match_in_either_encoding),
	FL_TEST(improper_tails_match_what_they_are),
	FL_TEST(an_element_of_a_string_outlives_the_match), FL_TEST(strings_match_charlists),
	FL_TEST(maps_match_by_the_keys_that_are_asked_for),
	FL_TEST(text_is_captured_from_any_iodata), FL_TEST(other_types_are_captured),
	FL_TEST(node_names_are_interned_up_to_the_quota), FL_TEST(a_pattern_nests_32_deep),
	FL_TEST(bytes_that_are_no_term_never_match), FL_TEST(malformed_patterns_never_match),
	FL_TEST(every_sample_is_matched_without_harm_cut_anywhere));
