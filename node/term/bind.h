/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_BIND_H
#define FLI_TERM_BIND_H

/*
 * Patterns that are terms, as those of ets:match_object: '_' fits anything, '$1' anything the first
 * time and the same afterwards; a map in a pattern needs its keys to be there and no others absent.
 *
 *     fli_bind({'$1', '_', '$1'}, {a, b, a})     true; '$1' is a
 *
 * Threads: any. Memory: none of its own; bindings borrow from the term. Errors: false.
 * Limits: a pattern nests at most 64 deep and has at most 64 variables; one that goes beyond fits
 * nothing; a map in a pattern has at most 64 keys.
 */

#include "flitch/term.h"

#define FLI_BIND_VARIABLES_MAX 64
#define FLI_BIND_DEPTH_MAX 64

typedef struct fli_binding {
	uint32_t number; /* of $N */
	fl_term value;
} fli_binding;

typedef struct fli_bindings {
	fli_binding items[FLI_BIND_VARIABLES_MAX];
	size_t count;
} fli_bindings;

/* The N of an atom '$N', 0 to 99,999,999. */
bool fli_bind_variable(fl_term term, uint32_t *ret_number);
/* NULL: not bound. */
const fl_term *fli_binding_of(const fli_bindings *bindings, uint32_t number);
/* Adds to what is bound already; after false that is of no use. */
bool fli_bind(fl_term pattern, fl_term term, fli_bindings *bindings);

#endif
