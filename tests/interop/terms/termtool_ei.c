/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes read by erl_interface and by fl_*: any difference is a mistake of one of them.
 *
 * ei cannot read integers of more than 64 bits without GMP, nor a closure's variables; those are
 * skipped by ei_skip_term, which at least must end at the same byte.
 */
#include <ei.h>
#include <stdlib.h>
#include <string.h>

#include "tests/interop/terms/termtool.h"

typedef struct ei_place {
	const char *buf;
	int index;
} ei_place;

static const char *compare(ei_place *at, fl_term term);

static const char *compare_integer(ei_place *at, fl_term term)
{
	long long ours;
	unsigned long long big;
	int64_t i;
	uint64_t u;

	if (fl_match(term, "~", &i))
		return ei_decode_longlong(at->buf, &at->index, &ours) == 0 && ours == i ? NULL
											: "integer";
	if (fl_match(term, "~", &u))
		return ei_decode_ulonglong(at->buf, &at->index, &big) == 0 && big == u ? NULL
										       : "unsigned";
	return ei_skip_term(at->buf, &at->index) == 0 ? NULL : "big integer";
}

static const char *compare_float(ei_place *at, fl_term term)
{
	double ours, theirs;

	if (!fl_match(term, "~", &ours) || ei_decode_double(at->buf, &at->index, &theirs) != 0)
		return "float";
	return memcmp(&ours, &theirs, sizeof ours) == 0 ? NULL : "float's value";
}

static const char *compare_atom(ei_place *at, fl_term term)
{
	char text[MAXATOMLEN_UTF8];
	fl_atom atom;

	if (!fl_match(term, "~", &atom) || ei_decode_atom_as(at->buf, &at->index, text, sizeof text,
						   ERLANG_UTF8, NULL, NULL) != 0)
		return "atom";
	/* ei terminates by NUL, which may also be a character of the atom. */
	return memcmp(atom.text, text, atom.size) == 0 && text[atom.size] == '\0' ? NULL
										  : "atom's text";
}

static const char *compare_pid(ei_place *at, fl_term term)
{
	erlang_pid theirs;
	fl_pid ours;

	if (!fl_match(term, "~", &ours) || ei_decode_pid(at->buf, &at->index, &theirs) != 0)
		return "pid";
	return fl_atom_is(ours.node, theirs.node) && ours.id == theirs.num &&
			       ours.serial == theirs.serial && ours.creation == theirs.creation
		       ? NULL
		       : "pid's value";
}

static const char *compare_port(ei_place *at, fl_term term)
{
	erlang_port theirs;
	fl_port ours;

	if (!fl_match(term, "~", &ours) || ei_decode_port(at->buf, &at->index, &theirs) != 0)
		return "port";
	return fl_atom_is(ours.node, theirs.node) && ours.id == theirs.id &&
			       ours.creation == theirs.creation
		       ? NULL
		       : "port's value";
}

static const char *compare_ref(ei_place *at, fl_term term)
{
	erlang_ref theirs;
	fl_ref ours;
	bool same;

	if (!fl_match(term, "~", &ours) || ei_decode_ref(at->buf, &at->index, &theirs) != 0)
		return "reference";
	same = fl_atom_is(ours.node, theirs.node) && ours.creation == theirs.creation &&
	       ours.count == (uint32_t)theirs.len;
	for (uint32_t i = 0; same && i < ours.count; i++)
		same = ours.words[i] == theirs.n[i];
	return same ? NULL : "reference's value";
}

static const char *compare_bits(ei_place *at, fl_term term)
{
	const char *data;
	unsigned offset;
	size_t bits;
	fl_bin bin;

	if (ei_decode_bitstring(at->buf, &at->index, &data, &offset, &bits) != 0 || offset != 0)
		return "bit string";
	if (fl_term_kind(term) == FL_BITSTRING)
		return bits % 8 != 0 ? NULL : "bit string's size";
	if (!fl_match(term, "~", &bin) || bits != bin.size * 8)
		return "binary's size";
	return bin.size == 0 || memcmp(bin.data, data, bin.size) == 0 ? NULL : "binary's bytes";
}

static const char *compare_tuple(ei_place *at, fl_term term)
{
	const char *why = NULL;
	fl_term element;
	int arity;

	if (ei_decode_tuple_header(at->buf, &at->index, &arity) != 0 ||
		(size_t)arity != fl_term_arity(term))
		return "arity";
	for (size_t i = 0; why == NULL && i < (size_t)arity; i++)
		why = fl_tuple_get(term, i, &element) ? compare(at, element) : "element";
	return why;
}

static const char *compare_string(ei_place *at, fl_term term, int size)
{
	char *text = malloc((size_t)size + 1);
	const char *why =
		text == NULL || ei_decode_string(at->buf, &at->index, text) != 0 ? "string" : NULL;
	fl_term element;
	uint8_t byte;

	for (int i = 0; why == NULL && i < size; i++)
		if (!fl_list_next(&term, &element) || !fl_match(element, "~", &byte) ||
			byte != (uint8_t)text[i])
			why = "string's bytes";
	free(text);
	return why == NULL && fl_term_kind(term) != FL_NIL ? "string's end" : why;
}

static const char *compare_list(ei_place *at, fl_term term)
{
	const char *why = NULL;
	int type, size, arity;
	fl_term element;

	if (ei_get_type(at->buf, &at->index, &type, &size) != 0)
		return "list";
	if (type == ERL_STRING_EXT)
		return compare_string(at, term, size);
	if (ei_decode_list_header(at->buf, &at->index, &arity) != 0)
		return "list's head";
	for (int i = 0; why == NULL && i < arity; i++)
		why = fl_list_next(&term, &element) ? compare(at, element) : "list's length";
	return why == NULL ? compare(at, term) : why;
}

static const char *compare_map(ei_place *at, fl_term term)
{
	const char *why = NULL;
	size_t cursor = 0;
	fl_term key, value;
	int arity;

	if (ei_decode_map_header(at->buf, &at->index, &arity) != 0 ||
		(size_t)arity != fl_term_arity(term))
		return "map's size";
	for (int i = 0; why == NULL && i < arity; i++) {
		if (!fl_map_next(term, &cursor, &key, &value))
			return "map's pairs";
		why = compare(at, key);
		if (why == NULL)
			why = compare(at, value);
	}
	return why;
}

static const char *compare(ei_place *at, fl_term term)
{
	int arity;

	switch (fl_term_kind(term)) {
	case FL_INTEGER: return compare_integer(at, term);
	case FL_FLOAT: return compare_float(at, term);
	case FL_ATOM: return compare_atom(at, term);
	case FL_PID: return compare_pid(at, term);
	case FL_PORT: return compare_port(at, term);
	case FL_REF: return compare_ref(at, term);
	case FL_BINARY:
	case FL_BITSTRING: return compare_bits(at, term);
	case FL_TUPLE: return compare_tuple(at, term);
	case FL_LIST: return compare_list(at, term);
	case FL_MAP: return compare_map(at, term);
	case FL_NIL:
		return ei_decode_list_header(at->buf, &at->index, &arity) == 0 && arity == 0
			       ? NULL
			       : "nil";
	case FL_FUN: return ei_skip_term(at->buf, &at->index) == 0 ? NULL : "fun";
	default: return "kind";
	}
}

const char *tool_compare_ei(fl_term term)
{
	ei_place at = {(const char *)term.data, 0};
	const char *why = compare(&at, term);

	return why == NULL && (size_t)at.index != term.size ? "where the term ends" : why;
}
