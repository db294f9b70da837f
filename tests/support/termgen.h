/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_TERMGEN_H
#define FLITCH_TESTS_TERMGEN_H

/*
 * Random encoded terms from a seed: the same seed gives the same terms, on any machine.
 *
 * They are as fli_expand leaves them (no cache references, no old tags), of every kind, with the
 * odd encodings that a peer may choose: padded integers, lists in pieces, strings of bytes. The
 * keys of a map differ.
 *
 * Threads: one a generator. Memory: what is appended belongs to the buffer.
 */

#include "flitch/term.h"
#include "node/base/buf.h"

typedef struct fl_termgen {
	uint64_t state;
	unsigned depth;
	bool no_funs; /* leave closures out: they have no notation */
} fl_termgen;

void fl_termgen_create(fl_termgen *gen, uint64_t seed);
/* A number below `bound`, which is not 0. */
uint64_t fl_termgen_below(fl_termgen *gen, uint64_t bound);
/* Appends one term, at most four levels deep. */
void fl_termgen_term(fl_termgen *gen, fli_buf *out);

#endif
