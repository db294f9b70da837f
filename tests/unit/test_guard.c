/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns and guards of match specifications, as erts takes them. */
#include <stdio.h>
#include <string.h>

#include "node/term/guard.h"
#include "tests/support/suite.h"

static fl_buf read_term(const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err;

	if (fl_read(&buf, text, strlen(text), &err) != FL_OK)
		printf("    %s: %s\n", text, err.what);
	return buf;
}

/* The pattern fits, and the guards hold. */
static bool fits(const char *pattern, const char *guards, const char *term)
{
	fl_buf p = read_term(pattern), g = read_term(guards), t = read_term(term);
	fli_bindings bindings = {.count = 0};
	bool yes = fli_bind(fl_buf_term(&p), fl_buf_term(&t), &bindings) &&
		   fli_guards_hold(fl_buf_term(&g), &bindings, fl_buf_term(&t));

	fl_buf_free(&p);
	fl_buf_free(&g);
	fl_buf_free(&t);
	return yes;
}

static bool is_good(const char *guards)
{
	fl_buf g = read_term(guards);
	bool yes = fli_guards_check(fl_buf_term(&g));

	fl_buf_free(&g);
	return yes;
}

static void pattern_binds_as_ets_does(void)
{
	CU_ASSERT_TRUE(fits("'_'", "[]", "{a, [1]}"));
	CU_ASSERT_TRUE(fits("'$1'", "[]", "{a, [1]}"));
	CU_ASSERT_TRUE(fits("{'$1', '_', '$1'}", "[]", "{a, b, a}"));
	CU_ASSERT_FALSE(fits("{'$1', '_', '$1'}", "[]", "{a, b, c}"));
	CU_ASSERT_FALSE(fits("{'$1', '$1'}", "[]", "{1, 1.0}"));
	CU_ASSERT_FALSE(fits("{a, b}", "[]", "{a, b, c}"));
	CU_ASSERT_FALSE(fits("{a, b}", "[]", "[a, b]"));
	CU_ASSERT_TRUE(fits("[1 | '_']", "[]", "[1, 2, 3]"));
	CU_ASSERT_TRUE(fits("[1 | '_']", "[]", "[1 | 2]"));
	CU_ASSERT_TRUE(fits("['_', {x, '$2'} | '$3']", "[{is_list, '$3'}]", "[a, {x, 1}, b]"));
	CU_ASSERT_FALSE(fits("['_', '_']", "[]", "[1]"));
	CU_ASSERT_FALSE(fits("['_']", "[]", "[1, 2]"));
	CU_ASSERT_TRUE(fits("[104, '_']", "[]", "\"hi\""));
	CU_ASSERT_TRUE(fits("#{a => '_'}", "[]", "#{a => 1, b => 2}"));
	CU_ASSERT_TRUE(fits("#{}", "[]", "#{a => 1}"));
	CU_ASSERT_FALSE(fits("#{c => '_'}", "[]", "#{a => 1, b => 2}"));
	CU_ASSERT_TRUE(fits("{#{a => '$1'}, ['$1']}", "[]", "{#{a => x}, [x]}"));
	CU_ASSERT_FALSE(fits("1", "[]", "1.0"));
	CU_ASSERT_TRUE(fits("'$x'", "[]", "'$x'"));
	CU_ASSERT_FALSE(fits("'$x'", "[]", "y"));
	CU_ASSERT_FALSE(fits("'$123456789'", "[]", "y"));
}

static void guard_computes_as_match_specifications_do(void)
{
	CU_ASSERT_TRUE(fits("'$1'", "[{'>', '$1', 1}, {'<', '$1', 3}]", "2"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'>', '$1', 1}, {'<', '$1', 2}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', '$1', 2.0}]", "2"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'=:=', '$1', 2.0}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'=/=', '$1', 2.0}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {'+', '$1', 1}, 3}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {'*', '$1', 5000000000}, 10000000000}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {'-', '$1', 3}, -1}]", "2"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {'/', '$1', 4}, 0.5}]", "2"));
	CU_ASSERT_TRUE(
		fits("'$1'", "[{'==', {'div', '$1', 2}, 3}, {'==', {'rem', '$1', 2}, 1}]", "7"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'==', {'div', '$1', 0}, 3}]", "7"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {'band', '$1', 6}, 6}]", "7"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {abs, '$1'}, 7}, {'==', {round, 2.5}, 3}]", "-7"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {trunc, -2.7}, -2}, {'==', {round, -2.5}, -3}]", "1"));
	CU_ASSERT_TRUE(fits("'$1'", "[{is_tuple, '$1'}, {'==', {size, '$1'}, 2}]", "{a, b}"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {element, 2, '$1'}, b}]", "{a, b}"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'==', {element, 3, '$1'}, b}]", "{a, b}"));
	CU_ASSERT_TRUE(fits(
		"'$1'", "[{'==', {hd, {tl, '$1'}}, 2}, {'==', {length, '$1'}, 3}]", "[1, 2, 3]"));
	CU_ASSERT_TRUE(
		fits("'$1'", "[{'==', {map_size, '$1'}, 1}, {is_map_key, a, '$1'}]", "#{a => b}"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {map_get, a, '$1'}, b}]", "#{a => b}"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'==', {map_get, c, '$1'}, b}]", "#{a => b}"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', {byte_size, '$1'}, 3}]", "<<\"abc\">>"));
	CU_ASSERT_TRUE(fits("'_'", "[{'==', '$_', {const, {a, '$1'}}}]", "{a, '$1'}"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'==', '$1', {{a, b}}}]", "{a, b}"));
	CU_ASSERT_FALSE(fits("'_'", "['$7']", "true"));
	CU_ASSERT_TRUE(fits("'$1'", "['$1']", "true"));
	CU_ASSERT_FALSE(fits("'$1'", "['$1']", "1"));
}

static void connectives_stop_where_it_is_decided(void)
{
	CU_ASSERT_TRUE(fits("'$1'", "[{'orelse', {is_atom, '$1'}, {'+', a, 1}}]", "a"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'or', {is_atom, '$1'}, {'==', {'+', a, 1}, 1}}]", "a"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'andalso', {is_atom, '$1'}, {'+', a, 1}}]", "1"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'andalso', true, true, {is_atom, '$1'}}]", "a"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'orelse', false, false, {is_atom, '$1'}}]", "a"));
	CU_ASSERT_FALSE(fits("'$1'", "[{'andalso', x, true}]", "a"));
	CU_ASSERT_TRUE(fits("'$1'", "[{'xor', true, {'not', {is_atom, '$1'}}}]", "a"));
	CU_ASSERT_TRUE(fits("'$1'", "[{is_boolean, '$1'}, {'not', '$1'}]", "false"));
}

static void malformed_guards_are_refused(void)
{
	CU_ASSERT_TRUE(is_good("[]"));
	CU_ASSERT_TRUE(is_good("[{'andalso', {is_atom, '$1'}, true}, 'x', 1]"));
	CU_ASSERT_FALSE(is_good("'_'"));
	CU_ASSERT_FALSE(is_good("[a | b]"));
	CU_ASSERT_FALSE(is_good("[{bad, 1}]"));
	CU_ASSERT_FALSE(is_good("[{is_atom, 1, 2}]"));
	CU_ASSERT_FALSE(is_good("[{}]"));
	CU_ASSERT_FALSE(is_good("[{1, 2}]"));
	CU_ASSERT_FALSE(is_good("[{'not', {bad, 1}}]"));
	CU_ASSERT_TRUE(is_good("[{const, {bad, 1}}]"));
}

/* {not, {not, ... true}} and [[[..]]], far deeper than any limit. */
static void depth_has_limits_and_no_recursion(void)
{
	fl_buf guard = FL_BUF_INIT, pattern = FL_BUF_INIT;
	fl_term whole;
	fli_bindings bindings = {.count = 0};

	for (int i = 0; i < 20000; i++) {
		fl_buf next = FL_BUF_INIT;

		if (i == 0)
			(void)fl_build(&next, "[]");
		else
			(void)fl_build(&next, "{'not', ~}", fl_buf_term(&guard));
		fl_buf_free(&guard);
		guard = next;
		if (i > 200)
			break;
	}
	fl_list_open(&pattern);
	(void)fl_build(&pattern, "~", fl_buf_term(&guard));
	fl_list_close(&pattern);
	whole = fl_buf_term(&pattern);
	CU_ASSERT_TRUE(fli_guards_check(whole));
	CU_ASSERT_FALSE(fli_guards_hold(whole, &bindings, whole));
	CU_ASSERT_FALSE(fli_bind(whole, whole, &bindings));
	fl_buf_free(&guard);
	fl_buf_free(&pattern);
}

FL_SUITE("guard", FL_TEST(pattern_binds_as_ets_does),
	FL_TEST(guard_computes_as_match_specifications_do),
	FL_TEST(connectives_stop_where_it_is_decided), FL_TEST(malformed_guards_are_refused),
	FL_TEST(depth_has_limits_and_no_recursion));
