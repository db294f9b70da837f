/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_HANDSHAKE_PAIR_H
#define FLITCH_TESTS_HANDSHAKE_PAIR_H

/*
 * Two sides of a handshake joined by two byte queues, with everything that a node decides settable.
 *
 * Memory: hs_side_create / hs_side_destroy; the out buffer belongs to the side.
 */

#include "dist/handshake.h"

struct hs_side {
	fli_handshake hs;
	fli_handshake_config config;
	const char *cookie; /* NULL: none */
	fli_handshake_verdict verdict;
	const char *given_name; /* for NAMED */
	uint32_t given_creation;
	uint32_t next_challenge;
	bool has_random;
	bool owns_all_challenges;
	unsigned decided;         /* how often `decide` was called */
	fli_handshake_side asked; /* what it saw */
	fli_buf out;
	size_t sent; /* bytes of `out` that the other side has taken */
};

/* A side named `name`, with full flags, cookie "secret", verdict OK. */
void hs_side_create(struct hs_side *side, const char *name, uint32_t creation);
void hs_side_destroy(struct hs_side *side);
void hs_dial(struct hs_side *side, const char *peer);
void hs_accept(struct hs_side *side);

/* Feeds bytes in portions of `step`; stops when the state is no longer MORE. Returns bytes taken.
 */
size_t hs_feed(struct hs_side *side, const void *bytes, size_t size, size_t step);
/* Moves bytes both ways, `step` at a time, until nothing moves. */
void hs_run(struct hs_side *a, struct hs_side *b, size_t step);
/* hs_dial, hs_accept and hs_run. */
void hs_meet(struct hs_side *dialler, struct hs_side *acceptor, size_t step);

/* Appends a message with its 2-byte length to `out`. */
void hs_message(fli_buf *out, const void *bytes, size_t size);

#endif
