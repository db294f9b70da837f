/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fl_match: the pattern is interpreted against the bytes, left to right, once.
 *
 * - Each function matches one kind of pattern with the term at the place and moves both on.
 * - Captures are converted into an array on the stack and written when all has matched.
 * - A list of bytes on the wire has no terms in it: its elements are matched with small integers
 *   that stand for them, and its rest is a place of its own kind.
 * - The key of a map's pair is matched with each key in turn; keys hold no captures.
 *
 * Failure: anything odd in the bytes or the pattern is "no match"; fli_pattern_check tells a bad
 * pattern apart. Recursion follows the nesting of the pattern alone, at most 32.
 */
#include "node/base/mem.h"
#include "node/term/capture.h"
#include "node/term/pattern.h"
#include "node/term/peek.h"
#include "node/term/step.h"
#include "node/term/tag.h"

struct match {
	const char *p;
	fli_place place;
	const fl_slot *slots;
	size_t count;
	size_t used;
	uint32_t captures; /* a bit for each slot that is one */
	unsigned depth;
	fli_captured captured[FLI_PATTERN_SLOTS_MAX];
};

static bool match_term(struct match *m);

static bool match_capture(struct match *m)
{
	size_t i = m->used++;

	if (i >= m->count)
		return false;
	m->captures |= 1u << i;
	return fli_capture(&m->place, m->slots[i].type, &m->captured[i]);
}

static bool match_pin(struct match *m)
{
	size_t i = m->used++;

	return i < m->count && fli_pin(&m->place, m->slots[i]);
}

/* The common form: text and pattern are compared as the pattern is read. */
static bool match_small_atom(struct match *m)
{
	const uint8_t *text = m->place.c.at + 2;
	size_t size = text[-1];
	const char *p = m->p;

	if (fli_left(&m->place.c) - 2 < size)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((uint8_t)p[i] != text[i] || !fli_pattern_is_atom_part(p[i]))
			return false;
	if (fli_pattern_is_atom_part(p[size]))
		return false;
	m->p = p + size;
	m->place.c.at = text + size;
	return true;
}

static bool match_text(struct match *m, fl_atom expected)
{
	fl_atom atom;

	return fli_peek_atom(&m->place.c, NULL, &atom) && fl_atom_eq(atom, expected);
}

static bool match_bare_atom(struct match *m)
{
	if (fli_left(&m->place.c) >= 2 && *m->place.c.at == FLI_SMALL_ATOM_UTF8_EXT)
		return match_small_atom(m);
	return match_text(m, fli_pattern_bare(&m->p));
}

static bool match_quoted_atom(struct match *m)
{
	char buffer[FLI_ATOM_BYTES_MAX];
	fl_atom expected;

	return fli_pattern_quoted(&m->p, buffer, &expected) && match_text(m, expected);
}

static bool match_number(struct match *m)
{
	fli_number expected;
	uint64_t magnitude;
	int64_t value;

	if (!fli_pattern_number(&m->p, &expected))
		return false;
	if (expected.is_float)
		return fli_pin(&m->place, (fl_slot){FL_SLOT_DOUBLE, &expected.real});
	if (!expected.is_negative)
		return fli_peek_uint(&m->place.c, &magnitude) && magnitude == expected.magnitude;
	return fli_peek_int(&m->place.c, &value) && value <= 0 &&
	       0 - (uint64_t)value == expected.magnitude;
}

static inline bool take_tuple(fli_cursor *c, uint32_t *ret_arity)
{
	if (fli_left(c) < 2 || *c->at != FLI_SMALL_TUPLE_EXT)
		return fli_peek_tuple(c, ret_arity);
	*ret_arity = c->at[1];
	c->at += 2;
	return true;
}

static bool match_tuple(struct match *m)
{
	uint32_t arity, count = 0;

	if (!take_tuple(&m->place.c, &arity))
		return false;
	if (fli_pattern_take(&m->p, '}'))
		return arity == 0;
	do {
		if (count++ == arity || !match_term(m))
			return false;
	} while (fli_pattern_take(&m->p, ','));
	return count == arity && fli_pattern_take(&m->p, '}');
}

/* An element of a list of bytes: the integer that stands for it is matched in its stead. */
static bool match_byte(struct match *m)
{
	fli_place string = m->place;
	bool is_ok;

	m->place.c = fli_cursor_make(fli_byte_term(*string.c.at), 2);
	m->place.kind = FLI_AT_TERM;
	m->place.rest = 0;
	is_ok = match_term(m);
	m->place = string;
	m->place.c.at++;
	return is_ok;
}

static bool match_element(struct match *m)
{
	fli_place *place = &m->place;
	uint32_t rest;
	bool is_ok;

	if (!fli_place_enter(place))
		return false;
	rest = place->rest;
	if (place->kind == FLI_IN_STRING) {
		is_ok = match_byte(m);
	} else {
		place->kind = FLI_AT_TERM;
		place->rest = 0;
		is_ok = match_term(m);
		place->kind = FLI_IN_LIST;
	}
	place->rest = rest;
	fli_place_count(place);
	return is_ok;
}

static bool match_list(struct match *m)
{
	if (fli_pattern_take(&m->p, ']'))
		return fli_place_nil(&m->place);
	do {
		if (!match_element(m))
			return false;
	} while (fli_pattern_take(&m->p, ','));
	if (fli_pattern_take(&m->p, '|'))
		return match_term(m) && fli_pattern_take(&m->p, ']');
	return fli_pattern_take(&m->p, ']') && fli_place_nil(&m->place);
}

/* Both follow the place; the term of an element is an integer. */
static bool match_char(struct match *m, uint32_t c)
{
	fli_place *place = &m->place;
	uint64_t value = 0;

	if (!fli_place_enter(place))
		return false;
	if (place->kind == FLI_IN_STRING)
		value = *place->c.at++;
	else if (!fli_peek_uint(&place->c, &value))
		return false;
	fli_place_count(place);
	return value == c;
}

static bool match_string(struct match *m)
{
	uint32_t c;

	while (*m->p != '"')
		if (*m->p == '\0' || !fli_pattern_char(&m->p, &c) || !match_char(m, c))
			return false;
	m->p++;
	return fli_place_nil(&m->place);
}

static bool match_bytes(struct match *m, fl_bin bin)
{
	const uint8_t *bytes = bin.data;
	size_t count = 0;
	uint8_t byte;

	for (m->p++; *m->p != '"'; count++)
		if (count == bin.size || !fli_pattern_byte(&m->p, &byte) || bytes[count] != byte)
			return false;
	m->p++;
	return count == bin.size;
}

static bool match_binary(struct match *m)
{
	fli_captured found;

	if (*++m->p != '<' || !fli_capture(&m->place, FL_SLOT_BIN, &found))
		return false;
	m->p = fli_pattern_space(m->p + 1);
	if (*m->p == '"') {
		if (!match_bytes(m, found.bin))
			return false;
	} else if (found.bin.size != 0) {
		return false;
	}
	return fli_pattern_take(&m->p, '>') && *m->p++ == '>';
}

/* Finds a pair of the map, whose first of `count` is at the place, by the key in the pattern. */
static bool match_pair(struct match *m, uint32_t count)
{
	const char *key = m->p;
	size_t used = m->used;
	uint32_t captures = m->captures;

	for (uint32_t i = 0; i < count; i++) {
		fli_place pair = m->place;

		m->p = key;
		m->used = used;
		if (match_term(m) && m->captures == captures)
			return fli_pattern_take(&m->p, '=') && *m->p++ == '>' && match_term(m);
		m->captures = captures;
		m->place = pair;
		if (!fli_place_skip(&m->place) || !fli_place_skip(&m->place))
			return false;
	}
	return false;
}

static bool match_pairs(struct match *m, uint32_t count)
{
	fli_place first = m->place;

	do {
		m->place = first;
		if (!match_pair(m, count))
			return false;
	} while (fli_pattern_take(&m->p, ','));
	return fli_pattern_take(&m->p, '}');
}

static bool match_map(struct match *m)
{
	fli_cursor *c = &m->place.c;
	const uint8_t *start;
	uint32_t count;
	size_t size;

	if (*m->p++ != '{' || fli_left(c) < 5 || *c->at != FLI_MAP_EXT)
		return false;
	count = fli_get32(c->at + 1);
	c->at += 5;
	start = c->at;
	if (!fli_terms_size(start, fli_left(c), 2 * (uint64_t)count, &size))
		return false;
	if (!fli_pattern_take(&m->p, '}') && !match_pairs(m, count))
		return false;
	c->at = start + size;
	return true;
}

static bool match_nested(struct match *m)
{
	char open = *m->p++;
	bool is_ok;

	if (m->depth++ == FLI_PATTERN_DEPTH_MAX)
		return false;
	if (open == '[')
		is_ok = match_list(m);
	else
		is_ok = m->place.kind == FLI_AT_TERM &&
			(open == '{' ? match_tuple(m) : match_map(m));
	m->depth--;
	return is_ok;
}

/* Patterns of terms that a list cannot be. */
static bool match_leaf(struct match *m)
{
	if (m->place.kind != FLI_AT_TERM)
		return false;
	if (fli_pattern_is_atom_start(*m->p))
		return match_bare_atom(m);
	if (fli_pattern_is_number_start(*m->p))
		return match_number(m);
	if (*m->p == '\'')
		return match_quoted_atom(m);
	return *m->p == '<' && match_binary(m);
}

static bool match_term(struct match *m)
{
	m->p = fli_pattern_space(m->p);
	switch (*m->p) {
	case '~': m->p++; return match_capture(m);
	case '_': m->p++; return fli_place_skip(&m->place);
	case '^': m->p++; return match_pin(m);
	case '"': m->p++; return match_string(m);
	case '{':
	case '[':
	case '#': return match_nested(m);
	default: return match_leaf(m);
	}
}

bool fl_match_slots(fl_term term, const char *pattern, const fl_slot *slots, size_t count)
{
	struct match m;

	if (count > FLI_PATTERN_SLOTS_MAX)
		return false;
	m.p = pattern;
	m.place = fli_place_of(term);
	m.slots = slots;
	m.count = count;
	m.used = 0;
	m.captures = 0;
	m.depth = 0;
	if (!match_term(&m) || m.used != count || *fli_pattern_space(m.p) != '\0')
		return false;
	for (size_t i = 0; i < count; i++)
		if (m.captures >> i & 1)
			fli_captured_store(&m.captured[i], slots[i]);
	return true;
}
