/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_WALK_H
#define FLI_TERM_WALK_H

/*
 * The one gate between a peer's bytes and everything else: a walk that checks a whole encoded term,
 * iteratively, and measures it; and the copy that makes it self-contained.
 *
 *     wire bytes --fli_walk--> size, expanded size, features --fli_expand--> mailbox bytes
 *
 * On a connection with distribution headers an atom may be ATOM_CACHE_REF k; `refs` says which text
 * that is. After fli_expand no such reference is left, old atom, pid, port and reference tags
 * included: Latin-1 atoms have become UTF-8 ones, PID_EXT NEW_PID_EXT, and so on, so that readers
 * of mailbox terms meet only: 67 70 77 88 89 90 97 98 104-113 116 118 119 120. STRING_EXT and
 * LIST_EXT are never empty there, BIT_BINARY_EXT has 1 to 7 bits in its last byte, and the size of
 * a NEW_FUN_EXT is right. A port keeps the tag it came with, 89 or 120.
 *
 * Threads: any. Memory: none; no recursion. Errors: 0 is "malformed, truncated or over a limit".
 * Limits: every count is checked against the bytes that remain; atoms 255 characters; references 5
 * words; tuples 2^24-1 elements; compressed, local and pre-R9 fun terms are refused; a float must
 * be finite. A cache reference of 2 bytes can stand for 1023: check `expanded_size` before
 * allocating.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/term.h"

/* The atoms of one distribution header, in its order. Texts are UTF-8 and already checked. */
typedef struct fli_refs {
	const fl_atom *atoms;
	size_t count;
} fli_refs;

/* What a term needs from its destination (DESIGN: what a peer's flags cannot take is refused). */
enum fli_feature {
	FLI_NEEDS_RECORDS = 1,   /* tag 67 */
	FLI_NEEDS_WIDE_REFS = 2, /* a reference of more than 3 words */
	FLI_NEEDS_V4_PORTS = 4,  /* tag 120, from OTP 24 on, or an id of more than 28 bits */
	FLI_NEEDS_WIDE_PIDS = 8, /* more than 15 bits of id or 13 of serial */
	FLI_IS_IMPOSSIBLE = 16   /* an identifier of the destination's own that it never made */
};

/* Pids that every release takes, and the ids that no release goes beyond. */
#define FLI_NARROW_ID_MAX 0x7fffu
#define FLI_NARROW_SERIAL_MAX 0x1fffu
#define FLI_BEAM_PID_MAX ((1u << 28) - 1)
#define FLI_BEAM_PORT_MAX ((UINT64_C(1) << 60) - 1)
#define FLI_BEAM_REF_MAX ((1u << 18) - 1) /* first word */

/* An incarnation of a node. */
typedef struct fli_whose {
	fl_atom node;
	uint32_t creation;
} fli_whose;

typedef struct fli_walked {
	size_t size;          /* bytes that the term takes as it stands */
	size_t expanded_size; /* bytes after fli_expand */
	unsigned features;    /* fli_feature, or-ed */
	bool is_plain;        /* fli_expand would be a memcpy */
	size_t tail;          /* bytes of the item that ends the term if that is a binary; else 0 */
} fli_walked;

/* Checks the term at `data`; more bytes may follow it. `refs` may be NULL. */
bool fli_walk(const uint8_t *data, size_t size, const fli_refs *refs, fli_walked *ret_walked);
/*
 * The same for a term that is to be sent to `whose`: a BEAM that finds an identifier of its own in
 * it which it cannot have made closes the connection, so FLI_IS_IMPOSSIBLE is among the features.
 */
bool fli_walk_for(const uint8_t *data, size_t size, const fli_whose *whose, fli_walked *ret_walked);

/* Copies a term that fli_walk accepted (same data, same refs) into expanded_size bytes. */
void fli_expand(const uint8_t *data, const fli_walked *walked, const fli_refs *refs, uint8_t *out);
/* The same without the tail, which expands to itself: expanded_size - tail bytes. */
void fli_expand_head(
	const uint8_t *data, const fli_walked *walked, const fli_refs *refs, uint8_t *out);

/*
 * The bytes that the complete term at `data` takes, for a term that has been through fli_expand or
 * fl_build; 0 when it does not end before `size` (it never reads past that).
 */
size_t fli_term_size(const uint8_t *data, size_t size);
/* The same for `count` terms in a row. */
bool fli_terms_size(const uint8_t *data, size_t size, uint64_t count, size_t *ret_size);

/*
 * All elements of such a tuple in one walk (fl_tuple_get walks to each). False: it is no tuple of
 * that arity; what was written then means nothing.
 */
bool fli_tuple_split(fl_term tuple, uint32_t arity, fl_term *ret_elements);
/* One after the other: first what follows the header of a tuple, each time what is left of it. */
fl_term fli_tuple_elements(fl_term tuple);
bool fli_tuple_next(fl_term *left, fl_term *ret_element);

#endif
