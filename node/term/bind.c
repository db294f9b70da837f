/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching a term against a pattern that is a term.
 *
 *  - A stack of open tuples, lists and maps of the pattern, each beside its part of the term; what
 *    is no container is compared at once.
 *
 * Failure: the first part that does not fit ends it, as does a pattern beyond the limits.
 */
#include "node/term/bind.h"

#include "node/term/tag.h"
#include "node/term/walk.h"

#define NUMBER_MAX 99999999
#define MAP_KEYS_MAX 64 /* of a pattern: each is looked for among all of the term's */

/* One open container. */
typedef struct frame {
	enum { OPEN_TUPLE, OPEN_LIST, OPEN_MAP } kind;
	fl_term pattern, term; /* of a tuple: the elements that are left */
	uint32_t left;         /* of a tuple */
	size_t cursor;         /* of a map */
} frame;

typedef struct bind_state {
	fli_bindings *bindings;
	frame frames[FLI_BIND_DEPTH_MAX];
	size_t depth;
} bind_state;

bool fli_bind_variable(fl_term term, uint32_t *ret_number)
{
	uint32_t number = 0;
	fl_atom atom;

	if (!fl_match(term, "~", &atom) || atom.size < 2 || atom.size > 9 || atom.text[0] != '$')
		return false;
	for (size_t i = 1; i < atom.size; i++) {
		if (atom.text[i] < '0' || atom.text[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(atom.text[i] - '0');
	}
	*ret_number = number;
	return number <= NUMBER_MAX;
}

const fl_term *fli_binding_of(const fli_bindings *bindings, uint32_t number)
{
	for (size_t i = 0; i < bindings->count; i++)
		if (bindings->items[i].number == number)
			return &bindings->items[i].value;
	return NULL;
}

static bool bind_variable(fli_bindings *bindings, uint32_t number, fl_term term)
{
	const fl_term *have = fli_binding_of(bindings, number);

	if (have != NULL)
		return fl_equal(*have, term);
	if (bindings->count == FLI_BIND_VARIABLES_MAX)
		return false;
	bindings->items[bindings->count++] = (fli_binding){number, term};
	return true;
}

static bool open(bind_state *s, frame what)
{
	if (s->depth == FLI_BIND_DEPTH_MAX)
		return false;
	s->frames[s->depth++] = what;
	return true;
}

/* A pattern beside its term. */
static bool bind_one(bind_state *s, fl_term pattern, fl_term term)
{
	fl_kind kind = fl_term_kind(pattern);
	uint32_t number;

	if (kind == FL_ATOM && fl_match(pattern, "'_'"))
		return true;
	if (kind == FL_ATOM && fli_bind_variable(pattern, &number))
		return bind_variable(s->bindings, number, term);
	if (kind != FL_TUPLE && kind != FL_LIST && kind != FL_MAP)
		return fl_equal(pattern, term);
	if (fl_term_kind(term) != kind)
		return false;
	if (kind == FL_LIST)
		return open(s, (frame){.kind = OPEN_LIST, .pattern = pattern, .term = term});
	if (kind == FL_MAP)
		return fl_term_arity(pattern) <= MAP_KEYS_MAX &&
		       open(s, (frame){.kind = OPEN_MAP, .pattern = pattern, .term = term});
	if (fl_term_arity(pattern) != fl_term_arity(term))
		return false;
	return open(s, (frame){.kind = OPEN_TUPLE,
			       .pattern = fli_tuple_elements(pattern),
			       .term = fli_tuple_elements(term),
			       .left = (uint32_t)fl_term_arity(pattern)});
}

static bool step_tuple(bind_state *s, frame *at)
{
	fl_term pattern, term;

	if (at->left == 0) {
		s->depth--;
		return true;
	}
	at->left--;
	return fli_tuple_next(&at->pattern, &pattern) && fli_tuple_next(&at->term, &term) &&
	       bind_one(s, pattern, term);
}

/* The pattern's tail meets the rest of the term, whatever that is. */
static bool step_list(bind_state *s, frame *at)
{
	fl_term pattern, term;

	if (fl_term_kind(at->pattern) != FL_LIST) {
		pattern = at->pattern;
		term = at->term;
		s->depth--;
		return bind_one(s, pattern, term);
	}
	return fl_list_next(&at->pattern, &pattern) && fl_list_next(&at->term, &term) &&
	       bind_one(s, pattern, term);
}

static bool step_map(bind_state *s, frame *at)
{
	fl_term want, pattern, key, value;
	size_t cursor = 0;

	if (!fl_map_next(at->pattern, &at->cursor, &want, &pattern)) {
		s->depth--;
		return true;
	}
	while (fl_map_next(at->term, &cursor, &key, &value))
		if (fl_equal(key, want))
			return bind_one(s, pattern, value);
	return false;
}

bool fli_bind(fl_term pattern, fl_term term, fli_bindings *bindings)
{
	bind_state s;
	bool fits;

	s.bindings = bindings;
	s.depth = 0;
	fits = bind_one(&s, pattern, term);
	while (fits && s.depth > 0) {
		frame *at = &s.frames[s.depth - 1];

		switch (at->kind) {
		case OPEN_TUPLE: fits = step_tuple(&s, at); break;
		case OPEN_LIST: fits = step_list(&s, at); break;
		case OPEN_MAP: fits = step_map(&s, at); break;
		}
	}
	return fits;
}
