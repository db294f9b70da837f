/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_PLACE_H
#define FLI_TERM_PLACE_H

/*
 * Where a reader stands in encoded terms: before a term, or inside a list, whose rest has no
 * header.
 *
 *     FLI_AT_TERM    the cursor is before a whole term
 *     FLI_IN_LIST    before `rest` (not 0) elements and a tail, of a LIST_EXT
 *     FLI_IN_STRING  before `rest` bytes of a STRING_EXT; with 0 it stands for `[]`
 *
 * Threads: any. Memory: borrows the bytes. Errors: false, and the place may then be anywhere.
 */

#include "node/base/bytes.h"
#include "node/term/walk.h"

typedef enum fli_place_kind { FLI_AT_TERM, FLI_IN_LIST, FLI_IN_STRING } fli_place_kind;

typedef struct fli_place {
	fli_cursor c;
	fli_place_kind kind;
	uint32_t rest;
	fl_atoms *atoms;
} fli_place;

static inline fli_place fli_place_of(fl_term term)
{
	fli_place_kind kind = term.rest == 0           ? FLI_AT_TERM
			      : term.rest == term.size ? FLI_IN_STRING
						       : FLI_IN_LIST;

	return (fli_place){fli_cursor_make(term.data, term.size), kind, term.rest, term.atoms};
}

/* What lies from the place to the cursor's end, as a term. */
fl_term fli_place_rest(const fli_place *place);
/* Moves past the term (or rest of a list) at the place. */
bool fli_place_skip(fli_place *place);
/* The same, and returns it. */
bool fli_place_take(fli_place *place, fl_term *ret_term);

/* Enters the list at the place; false when it is `[]` or no list. Then there is an element. */
bool fli_place_enter(fli_place *place);
/* `[]` at the place; moves past it. */
bool fli_place_nil(fli_place *place);
/* The small integer that stands for an element of a string: a term of 2 bytes. */
const uint8_t *fli_byte_term(uint8_t byte);

/* After an element of a list has been taken from the cursor. */
static inline void fli_place_count(fli_place *place)
{
	if (--place->rest == 0 && place->kind == FLI_IN_LIST)
		place->kind = FLI_AT_TERM;
}

#endif
