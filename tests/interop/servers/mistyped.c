/* SPDX-License-Identifier: Apache-2.0 */
/* Specifications that are none, each of a name of its own. */
#include <flitch.h>

FL_DOCS({"no_arrow", "call get", NULL}, {"no_result", "call get ->", NULL},
	{"no_word", "call {get, \"x\"} -> ok", NULL}, {"an_end", "call get -> ok. halt()", NULL},
	{"a_fun", "call {get, fun((A) -> B)} -> ok", NULL}, {"a_variable", "call get -> A", NULL},
	{"brackets", "call {get, [a()} -> ok", NULL}, {"open_end", "call {get, [a() -> ok", NULL},
	{"cast_result", "cast reset -> ok", NULL},
	{"own_name", "call {a, Where :: b()} -> c()", NULL},
	{"unquoting", "call get -> unquote('Elixir.System':halt())", NULL},
	{"two_words", "call get -> ok error", NULL}, {"nothing", "", NULL},
	{"newline", "call get -> ok\nhalt()", NULL}, {"No_Name", "call get -> ok", NULL},
	{"many",
		"f(a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a(), a()) "
		"-> ok",
		NULL},
	{"deep",
		"call {get, [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ -> ok",
		NULL},
	{"twice", "call {get, a()} -> b()", NULL}, {"twice", "call {get, a(), c()} -> b()", NULL});
