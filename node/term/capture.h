/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_CAPTURE_H
#define FLI_TERM_CAPTURE_H

/*
 * What `~` and `^` do in fl_match: convert the term at a place to the C type of a slot.
 *
 * Threads: any. Memory: borrows, but node names are interned where the place knows a table.
 * Errors: false when the term is of another kind or the type cannot hold it.
 */

#include "node/term/place.h"

typedef union fli_captured {
	int64_t i;
	uint64_t u;
	double d;
	bool b;
	fl_bin bin;
	fl_atom atom;
	fl_pid pid;
	fl_ref ref;
	fl_port port;
	fl_text text;
	fl_term term;
} fli_captured;

/* Converts and moves past the term. */
bool fli_capture(fli_place *place, fl_slot_type type, fli_captured *ret_captured);
/* Writes to the slot's pointer. */
void fli_captured_store(const fli_captured *captured, fl_slot slot);
/* Compares with what the slot points at, and moves past the term. */
bool fli_pin(fli_place *place, fl_slot slot);

#endif
