/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_OUTBOUND_ATOMS_H
#define FLI_DIST_OUTBOUND_ATOMS_H

/*
 * The sending half of a connection's atom cache. It holds two atoms for good, the names of both
 * nodes: nearly every control message has them, in its pids and references.
 *
 *     131 68 2 | flags idx len name idx len name | control term ...    the frame that brings them
 *     131 68 2 | flags idx idx | control term with 82 0 and 82 1       all that are begun later
 *
 * A frame may refer to them once the one that brings them is on its way out and nothing can
 * overtake it; until then the control terms spell them.
 *
 * Threads: one at a time. Memory: none; the names live as long as the connection. Errors: bringing
 * them needs memory, and is tried again with the next frame.
 */

#include "node/base/buf.h"
#include "node/term/tag.h"

#include "flitch/term.h"

/* Flags and two indices. */
#define FLI_OUTBOUND_REFS_BYTES 4
#define FLI_OUTBOUND_NAMES 2

typedef enum fli_outbound_atoms_state {
	FLI_ATOMS_OFF,    /* not agreed on, or a name is too long */
	FLI_ATOMS_NEW,    /* no frame has brought them */
	FLI_ATOMS_PLACED, /* one that waits does */
	FLI_ATOMS_KNOWN
} fli_outbound_atoms_state;

typedef struct fli_outbound_atoms {
	fl_atom names[FLI_OUTBOUND_NAMES];
	fli_outbound_atoms_state state;
} fli_outbound_atoms;

/* Names without a text turn it off. */
void fli_outbound_atoms_create(
	fli_outbound_atoms *atoms, const fl_atom names[FLI_OUTBOUND_NAMES], bool is_agreed);

/* Flags and indices of a frame that refers to both. */
static inline uint8_t *fli_outbound_atoms_put_refs(uint8_t *p)
{
	memset(p, 0, FLI_OUTBOUND_REFS_BYTES);
	p[3] = 1;
	return p + FLI_OUTBOUND_REFS_BYTES;
}

/* Which of the two it is, or -1. */
static inline int fli_outbound_atoms_find(const fli_outbound_atoms *atoms, fl_atom atom)
{
	for (int i = 0; i < FLI_OUTBOUND_NAMES; i++) {
		const fl_atom *name = &atoms->names[i];

		if (atom.size == name->size &&
			(atom.text == name->text || memcmp(atom.text, name->text, atom.size) == 0))
			return i;
	}
	return -1;
}

/*
 * Makes the last frame of `buf` bring both: its N, a zero, stands at `at`. Bytes that it grew by,
 * 0 without memory.
 */
size_t fli_outbound_atoms_place(fli_outbound_atoms *atoms, fli_buf *buf, size_t at);

/* What was placed goes out now. */
static inline void fli_outbound_atoms_sent(fli_outbound_atoms *atoms)
{
	if (atoms->state == FLI_ATOMS_PLACED)
		atoms->state = FLI_ATOMS_KNOWN;
}

#endif
