/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_TEXT_H
#define FLI_TERM_TEXT_H

/*
 * Iodata, chunk by chunk in its own order: binaries, strings of bytes, lists of these and of bytes.
 *
 * Threads: any. Memory: none; no recursion, lists may nest as deep as they like. Errors: false
 * with `is_bad` for what is no iodata. Limits: beyond 64 levels an integer as the tail of a list is
 * taken for an element.
 */

#include "node/term/place.h"

#define FLI_TEXT_DEPTH_EXACT 64

typedef struct fli_text_reader {
	fli_cursor c;
	uint64_t terms; /* still to come */
	fl_bin string;  /* bytes of a string's rest, before anything else */
	bool is_bad;
	bool is_deep; /* `left` is not kept any more */
	unsigned depth;
	uint64_t
		left[FLI_TEXT_DEPTH_EXACT]; /* terms to come in each open list, its tail included */
} fli_text_reader;

void fli_text_begin(fli_text_reader *reader, fl_term term);
/* The next chunk, never empty; false at the end or when the term is no iodata. */
bool fli_text_next(fli_text_reader *reader, fl_bin *ret_chunk);

/* Measures: fills `ret_text` when the term is iodata. */
bool fli_text_of(fl_term term, fl_text *ret_text);
/* The same bytes, however they are cut. */
bool fli_text_eq(fl_text a, fl_text b);

#endif
