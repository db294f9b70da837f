/* SPDX-License-Identifier: Apache-2.0 */
#include "flitch/term.h"

#include "node/base/mem.h"
#include "node/term/peek.h"
#include "node/term/place.h"
#include "node/term/tag.h"

/* Behind empty lists, which are nothing but their tails. */
static fl_kind kind_of_list(fli_place place)
{
	if (fli_place_enter(&place))
		return FL_LIST;
	if (fli_place_nil(&place))
		return FL_NIL;
	return fli_left(&place.c) == 0 || *place.c.at == FLI_STRING_EXT ||
			       *place.c.at == FLI_LIST_EXT
		       ? FL_INVALID
		       : fl_term_kind(fli_place_rest(&place));
}

static fl_kind kind_of_bits(fl_term term)
{
	if (term.size < 6)
		return FL_INVALID;
	return term.data[5] == 8 ? FL_BINARY : FL_BITSTRING;
}

fl_kind fl_term_kind(fl_term term)
{
	if (term.rest != 0)
		return FL_LIST;
	if (term.size == 0)
		return FL_INVALID;
	switch (term.data[0]) {
	case FLI_SMALL_INTEGER_EXT:
	case FLI_INTEGER_EXT:
	case FLI_SMALL_BIG_EXT:
	case FLI_LARGE_BIG_EXT: return FL_INTEGER;
	case FLI_NEW_FLOAT_EXT: return FL_FLOAT;
	case FLI_SMALL_ATOM_UTF8_EXT:
	case FLI_ATOM_UTF8_EXT:
	case FLI_SMALL_ATOM_EXT:
	case FLI_ATOM_EXT: return FL_ATOM;
	case FLI_NEWER_REFERENCE_EXT:
	case FLI_NEW_REFERENCE_EXT:
	case FLI_REFERENCE_EXT: return FL_REF;
	case FLI_NEW_FUN_EXT:
	case FLI_EXPORT_EXT: return FL_FUN;
	case FLI_NEW_PORT_EXT:
	case FLI_V4_PORT_EXT:
	case FLI_PORT_EXT: return FL_PORT;
	case FLI_NEW_PID_EXT:
	case FLI_PID_EXT: return FL_PID;
	case FLI_SMALL_TUPLE_EXT:
	case FLI_LARGE_TUPLE_EXT: return FL_TUPLE;
	case FLI_MAP_EXT: return FL_MAP;
	case FLI_NIL_EXT:
	case FLI_STRING_EXT:
	case FLI_LIST_EXT: return kind_of_list(fli_place_of(term));
	case FLI_BINARY_EXT: return FL_BINARY;
	case FLI_BIT_BINARY_EXT: return kind_of_bits(term);
	case FLI_RECORD_EXT: return FL_RECORD;
	default: return FL_INVALID;
	}
}

static bool is_map(fl_term term)
{
	return term.rest == 0 && term.size >= 5 && term.data[0] == FLI_MAP_EXT;
}

size_t fl_term_arity(fl_term term)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	uint32_t arity;

	if (is_map(term))
		return fli_get32(term.data + 1);
	return term.rest == 0 && fli_peek_tuple(&c, &arity) ? arity : 0;
}

bool fl_tuple_get(fl_term tuple, size_t index, fl_term *ret_element)
{
	fli_cursor c = fli_cursor_make(tuple.data, tuple.size);
	uint32_t arity;
	size_t before, size;

	if (tuple.rest != 0 || !fli_peek_tuple(&c, &arity) || index >= arity)
		return false;
	if (!fli_terms_size(c.at, fli_left(&c), index, &before))
		return false;
	size = fli_term_size(c.at + before, fli_left(&c) - before);
	if (size == 0)
		return false;
	*ret_element = (fl_term){.data = c.at + before, .size = size, .atoms = tuple.atoms};
	return true;
}

bool fl_list_next(fl_term *list, fl_term *ret_element)
{
	fli_place place = fli_place_of(*list);
	fl_term element = {.atoms = list->atoms};

	if (!fli_place_enter(&place))
		return false;
	if (place.kind == FLI_IN_STRING) {
		element.data = fli_byte_term(*place.c.at++);
		element.size = 2;
	} else {
		element.data = place.c.at;
		element.size = fli_term_size(place.c.at, fli_left(&place.c));
		if (element.size == 0)
			return false;
		place.c.at += element.size;
	}
	fli_place_count(&place);
	*list = fli_place_rest(&place);
	*ret_element = element;
	return true;
}

bool fl_map_next(fl_term map, size_t *cursor, fl_term *ret_key, fl_term *ret_value)
{
	size_t at = *cursor == 0 ? 5 : *cursor, key_size, value_size;

	if (!is_map(map) || at >= map.size)
		return false;
	key_size = fli_term_size(map.data + at, map.size - at);
	if (key_size == 0)
		return false;
	value_size = fli_term_size(map.data + at + key_size, map.size - at - key_size);
	if (value_size == 0)
		return false;
	*ret_key = (fl_term){.data = map.data + at, .size = key_size, .atoms = map.atoms};
	*ret_value =
		(fl_term){.data = map.data + at + key_size, .size = value_size, .atoms = map.atoms};
	*cursor = at + key_size + value_size;
	return true;
}

static bool is_atom(fl_term term, fl_atom expected)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fl_atom atom;

	return term.rest == 0 && fli_peek_atom(&c, NULL, &atom) && fl_atom_eq(atom, expected);
}

static bool get_keyword(fl_term list, fl_atom key, fl_term *ret_value)
{
	fl_term pair, found;

	while (fl_list_next(&list, &pair))
		if (fl_term_arity(pair) == 2 && fl_tuple_get(pair, 0, &found) &&
			is_atom(found, key))
			return fl_tuple_get(pair, 1, ret_value);
	return false;
}

bool fl_get(fl_term map_or_keywords, const char *key, fl_term *ret_value)
{
	fl_atom expected = fl_atom_of(key);
	fl_term found, value;
	size_t cursor = 0;

	if (!is_map(map_or_keywords))
		return get_keyword(map_or_keywords, expected, ret_value);
	while (fl_map_next(map_or_keywords, &cursor, &found, &value))
		if (is_atom(found, expected)) {
			*ret_value = value;
			return true;
		}
	return false;
}

bool fl_is_nil(fl_term term)
{
	return is_atom(term, fl_atom_of("nil")) || is_atom(term, fl_atom_of("undefined"));
}
