/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/samples.h"

#include <stdlib.h>
#include <string.h>

#define TERM(name, expanded, ...)                                                                  \
	{                                                                                          \
		name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),      \
			expanded                                                                   \
	}
#define ATOM_A 119, 1, 'a'
#define NODE 119, 3, 'a', '@', 'b'
#define PID 88, NODE, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3
#define U4(x) 0, 0, 0, (x)
#define UNIQ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define FUN(size, free) 112, U4(size), 1, UNIQ, U4(7), U4(free), 119, 1, 'm', 97, 1, 98, U4(9), PID

/* clang-format off */
const fl_sample fl_samples[] = {
	TERM("small integer", 2, 97, 200),
	TERM("integer", 5, 98, 255, 255, 255, 254),
	TERM("big", 12, 110, 9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9),
	TERM("large big", 10, 111, U4(4), 0, 1, 2, 3, 4),
	TERM("float", 9, 70, 63, 248, 0, 0, 0, 0, 0, 0),
	TERM("old float", 9, 99, '1', '.', '5', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0',
		'0', '0', '0', '0', '0', '0', 'e', '+', '0', '0', 0, 0, 0, 0, 0, 0, 0),
	TERM("atom", 5, 119, 3, 'a', 'd', 'd'),
	TERM("empty atom", 2, 119, 0),
	TERM("utf8 atom", 6, 119, 4, 0xc3, 0xa9, 0xe2 & 0x7f, 'x'),
	TERM("long form atom", 4, 118, 0, 1, 'x'),
	TERM("latin1 atom", 6, 100, 0, 2, 0xe9, 0xfc),
	TERM("small latin1 atom", 3, 115, 1, 'x'),
	TERM("cached atom", 3, 82, 0),
	TERM("cached utf8 atom", 8, 82, 1),
	TERM("cached long atom", 303, 82, 2),
	TERM("pid", 18, PID),
	TERM("old pid", 18, 103, NODE, U4(1), U4(2), 3),
	TERM("pid of a cached node", 16, 88, 82, 0, U4(1), U4(2), U4(3)),
	TERM("port", 14, 89, NODE, U4(1), U4(2)),
	TERM("old port", 14, 102, NODE, U4(1), 2),
	TERM("v4 port", 18, 120, NODE, U4(1), U4(2), U4(3)),
	TERM("reference", 24, 90, 0, 3, NODE, U4(1), U4(2), U4(3), U4(4)),
	TERM("wide reference", 32, 90, 0, 5, NODE, U4(1), U4(2), U4(3), U4(4), U4(5), U4(6)),
	TERM("reference of no words", 12, 90, 0, 0, NODE, U4(1)),
	TERM("new reference", 20, 114, 0, 2, NODE, 1, U4(2), U4(3)),
	TERM("old reference", 16, 101, NODE, U4(5), 1),
	TERM("nil", 1, 106),
	TERM("string", 6, 107, 0, 3, 'a', 'b', 'c'),
	TERM("empty string", 1, 107, 0, 0),
	TERM("list", 12, 108, U4(2), 97, 1, ATOM_A, 98 - 1, 7),
	TERM("proper list", 10, 108, U4(2), 97, 1, 97, 2, 106),
	TERM("list of no elements", 2, 108, U4(0), 97, 5),
	TERM("list with a list as tail", 14, 108, U4(1), 97, 1, 108, U4(0), 107, 0, 4, 1, 2, 3, 4),
	TERM("binary", 8, 109, U4(3), 1, 2, 3),
	TERM("empty binary", 5, 109, U4(0)),
	TERM("bit string", 8, 77, U4(2), 3, 255, 224),
	TERM("bit string of whole bytes", 7, 77, U4(2), 8, 1, 2),
	TERM("tuple", 7, 104, 2, 97, 1, ATOM_A),
	TERM("large tuple", 7, 105, U4(1), 97, 1),
	TERM("empty tuple", 2, 104, 0),
	TERM("map", 17, 116, U4(2), ATOM_A, 97, 1, 109 - 3, 107, 0, 3, 'x', 'y', 'z'),
	TERM("empty map", 5, 116, U4(0)),
	TERM("external fun", 9, 113, ATOM_A, 119, 1, 'f', 97, 2 ),
	TERM("fun", 60, FUN(0, 1), 97, 1),
	TERM("fun in a fun", 118, FUN(0, 2), 97, 1, FUN(0, 0)),
	TERM("fun of cached atoms", 61, 112, U4(1), 1, UNIQ, U4(7), U4(2), 82, 0, 97, 1, 97, 2,
		88, 82, 0, U4(1), U4(2), U4(3), 82, 0, 104, 1, 82, 0),
	TERM("record", 22, 67, U4(1), 1, 119, 1, 'm', 119, 1, 'r', ATOM_A, 109, U4(2), 1, 2),
	TERM("cast", 24, 104, 2, 119, 9, '$', 'g', 'e', 'n', '_', 'c', 'a', 's', 't',
		104, 3, 119, 3, 'a', 'd', 'd', 97, 41, 97, 1),
	TERM("cast with a cache", 19, 104, 2, 82, 0, 104, 3, 82, 1, 97, 41, 97, 1),
	TERM("iodata", 31, 108, U4(3), 97, 'a', 109, U4(2), 'b', 'c', 108, U4(1), 107, 0, 2, 'd', 'e',
		106, 109, U4(1), 'f'),
};
/* clang-format on */
const size_t fl_sample_count = sizeof fl_samples / sizeof *fl_samples;

#define CHARS10 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define CHARS50 CHARS10 CHARS10 CHARS10 CHARS10 CHARS10

static const fl_atom atoms[] = {
	{"a", 1},
	{"h\xc3\xa9llo", 6},
	{CHARS50 CHARS50 CHARS50, 300},
};
const fli_refs fl_sample_refs = {atoms, sizeof atoms / sizeof *atoms};

uint8_t *fl_exact(const void *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		abort();
	if (size == 0) {
		free(copy);
		return malloc(0);
	}
	memcpy(copy, data, size);
	return copy;
}

static size_t visit_captures(fl_term term)
{
	size_t count = 0;
	int64_t i;
	uint8_t u;
	double d;
	bool b;
	fl_bin bin;
	fl_atom atom;
	fl_pid pid;
	fl_ref ref;
	fl_port port;
	fl_text text;
	fl_term part;
	uint8_t bytes[16];

	count += fl_match(term, "~", &i);
	count += fl_match(term, "~", &u);
	count += fl_match(term, "~", &d);
	count += fl_match(term, "~", &b);
	count += fl_match(term, "~", &bin);
	count += fl_match(term, "~", &atom);
	count += fl_match(term, "~", &pid);
	count += fl_match(term, "~", &ref);
	count += fl_match(term, "~", &port);
	count += fl_match(term, "{~, _}", &part);
	count += fl_match(term, "{_, {add, ~, _}}", &part);
	count += fl_match(term, "[~ | ~]", &part, &part);
	count += fl_match(term, "[_, _ | ~]", &part);
	count += fl_match(term, "#{a => ~}", &part);
	count += fl_match(term, "abc");
	count += fl_match(term, "\"abc\"");
	count += fl_match(term, "-2");
	if (fl_match(term, "~", &text))
		count += fl_text_copy(text, bytes, sizeof bytes);
	return count;
}

size_t fl_visit(fl_term term)
{
	size_t count = visit_captures(term), cursor = 0, arity = fl_term_arity(term);
	fl_term key, value, list = term;

	count += (size_t)fl_term_kind(term);
	count += fl_is_nil(term);
	count += fl_get(term, "a", &value);
	for (size_t i = 0; i < arity && i < 4; i++)
		if (fl_tuple_get(term, i, &value))
			count += visit_captures(value);
	while (fl_map_next(term, &cursor, &key, &value))
		count += visit_captures(key) + visit_captures(value);
	while (fl_list_next(&list, &value))
		count += visit_captures(value) + (size_t)fl_term_kind(list);
	return count;
}
