/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_FRAGMENTS_H
#define FLI_DIST_FRAGMENTS_H

/*
 * Reassembly of messages that arrive in pieces (erl_dist_protocol, "Distribution Header for
 * Fragmented Messages").
 *
 *     69 seq 3 | refs control pay..      opens `seq`, tells how many fragments it has
 *     70 seq 2 | ..lo..                  any other sequence or message may come in between
 *     70 seq 1 | ..ad                    the last one: the message is complete
 *
 * Threads: one at a time. Memory: owns the pieces; memory grows with the bytes that arrived, never
 * with what a header claims. Errors: FL_EFORMAT (unknown or repeated sequence, wrong order),
 * FL_ELIMIT, FL_ENOMEM; each costs the connection. Limits: open sequences, and bytes of all of
 * them.
 */

#include "flitch/error.h"
#include "node/base/buf.h"
#include "node/base/map.h"
#include "node/base/spares.h"
#include "node/term/walk.h"

typedef struct fli_fragments_limits {
	size_t open_max;
	size_t bytes_max; /* of all open sequences together, their atoms included */
} fli_fragments_limits;

/* One message under way. */
typedef struct fli_fragment_seq {
	uint64_t seq;
	uint64_t expected; /* the number that the next fragment must carry */
	fli_refs *refs;    /* own copies: the cache's slots may be overwritten meanwhile */
	size_t refs_size;  /* counted in: a byte of the header can stand for 1020 */
	fli_buf bytes;     /* FLI_FRAGMENT_ROOM bytes, then control term and payload so far */
} fli_fragment_seq;

/* Unused bytes in front, where the cached atoms of a message can grow to their full texts: then the
 * large rest of it need not be copied. */
#define FLI_FRAGMENT_ROOM 512

typedef struct fli_fragments {
	fli_mem *mem;
	fli_spares *spares; /* may be NULL */
	fli_fragments_limits limits;
	uint64_t seed;
	fli_map open;
	size_t bytes;
	fli_fragment_seq *last; /* the one that was added to last; senders come in runs */
} fli_fragments;

/* What a 69 or 70 frame says in front of its data; begin does not look at the data. */
typedef struct fli_fragment {
	uint64_t seq;
	uint64_t number; /* counts down to 1 */
	const uint8_t *data;
	size_t size;
} fli_fragment;

void fli_fragments_create(
	fli_fragments *fragments, fli_mem *mem, fli_fragments_limits limits, uint64_t seed);
void fli_fragments_destroy(fli_fragments *fragments);

/* Opens a sequence of at least two fragments. `refs` are copied. */
int fli_fragments_open(
	fli_fragments *fragments, const fli_fragment *first, const fli_refs *refs, fl_error *err);
/*
 * Each further one: begin looks the sequence up and checks the number, then come its bytes, in as
 * many parts as they arrive in, then end. Nothing else may be done with the table meanwhile.
 */
int fli_fragments_begin(fli_fragments *fragments, const fli_fragment *next,
	fli_fragment_seq **ret_sequence, fl_error *err);
int fli_fragments_append(fli_fragments *fragments, fli_fragment_seq *sequence, const uint8_t *data,
	size_t size, fl_error *err);
/*
 * True when that was the last one: the sequence is complete and no longer in the table; the caller
 * deletes it.
 */
bool fli_fragments_end(fli_fragments *fragments, fli_fragment_seq *sequence);
void fli_fragment_seq_delete(fli_fragments *fragments, fli_fragment_seq *sequence);

#endif
