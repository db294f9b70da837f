/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/place.h"

#include "node/term/tag.h"

static const uint8_t nil_term[] = {FLI_NIL_EXT};

#define BYTE1(n) FLI_SMALL_INTEGER_EXT, (n)
#define BYTE4(n) BYTE1(n), BYTE1((n) + 1), BYTE1((n) + 2), BYTE1((n) + 3)
#define BYTE16(n) BYTE4(n), BYTE4((n) + 4), BYTE4((n) + 8), BYTE4((n) + 12)
#define BYTE64(n) BYTE16(n), BYTE16((n) + 16), BYTE16((n) + 32), BYTE16((n) + 48)

const uint8_t *fli_byte_term(uint8_t byte)
{
	static const uint8_t terms[] = {BYTE64(0), BYTE64(64), BYTE64(128), BYTE64(192)};

	return terms + 2 * (size_t)byte;
}

fl_term fli_place_rest(const fli_place *place)
{
	if (place->kind == FLI_IN_STRING && place->rest == 0)
		return (fl_term){.data = nil_term, .size = sizeof nil_term, .atoms = place->atoms};
	return (fl_term){place->c.at,
		place->kind == FLI_IN_STRING ? place->rest : fli_left(&place->c), place->atoms,
		place->rest};
}

bool fli_place_skip(fli_place *place)
{
	uint64_t count = place->kind == FLI_IN_LIST ? (uint64_t)place->rest + 1 : 1;
	size_t size = place->rest;

	if (place->kind == FLI_IN_STRING) {
		if (size > fli_left(&place->c))
			return false;
	} else if (!fli_terms_size(place->c.at, fli_left(&place->c), count, &size)) {
		return false;
	}
	place->c.at += size;
	place->kind = FLI_AT_TERM;
	place->rest = 0;
	return true;
}

bool fli_place_take(fli_place *place, fl_term *ret_term)
{
	fl_term term = fli_place_rest(place);
	const uint8_t *start = place->c.at;

	if (!fli_place_skip(place))
		return false;
	if (term.data == start)
		term.size = (size_t)(place->c.at - start);
	*ret_term = term;
	return true;
}

/* A LIST_EXT of no elements is its tail. */
static void skip_empty_lists(fli_cursor *c)
{
	while (fli_left(c) >= 5 && *c->at == FLI_LIST_EXT && fli_get32(c->at + 1) == 0)
		c->at += 5;
}

bool fli_place_enter(fli_place *place)
{
	fli_cursor *c = &place->c;

	if (place->kind != FLI_AT_TERM)
		return place->rest != 0;
	skip_empty_lists(c);
	if (fli_left(c) >= 5 && *c->at == FLI_LIST_EXT) {
		place->kind = FLI_IN_LIST;
		place->rest = fli_get32(c->at + 1);
		c->at += 5;
		return true;
	}
	if (fli_left(c) < 3 || *c->at != FLI_STRING_EXT)
		return false;
	place->rest = fli_get16(c->at + 1);
	if (place->rest == 0 || fli_left(c) - 3 < place->rest) {
		place->rest = 0;
		return false;
	}
	place->kind = FLI_IN_STRING;
	c->at += 3;
	return true;
}

bool fli_place_nil(fli_place *place)
{
	fli_cursor *c = &place->c;

	if (place->kind == FLI_IN_STRING && place->rest == 0) {
		place->kind = FLI_AT_TERM;
		return true;
	}
	if (place->kind != FLI_AT_TERM)
		return false;
	skip_empty_lists(c);
	if (fli_left(c) >= 3 && *c->at == FLI_STRING_EXT && fli_get16(c->at + 1) == 0) {
		c->at += 3;
		return true;
	}
	if (fli_left(c) == 0 || *c->at != FLI_NIL_EXT)
		return false;
	c->at++;
	return true;
}
