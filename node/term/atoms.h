/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_ATOMS_H
#define FLI_TERM_ATOMS_H

/*
 * A node's table of interned texts: what the node itself keeps (its own names, node names of pids
 * that C code captured). A peer's atoms do not come in here by themselves.
 *
 * Threads: any; look-up takes no lock, adding takes one. Memory: entries live as long as the table,
 * so that an fl_atom from it may be kept and compared by pointer. Errors: false at the quota or out
 * of memory. Limits: the quota given at the start, and as much again for fli_atoms_intern_own, so
 * that what peers can make up never takes the room of what the node needs; 255 characters an atom.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/term.h"
#include "node/base/mem.h"

fl_atoms *fli_atoms_new(fli_mem *mem, uint64_t seed, size_t count_max);
void fli_atoms_delete(fl_atoms *atoms);
size_t fli_atoms_count(const fl_atoms *atoms);

/* The interned form of `text` (valid UTF-8, at most 255 characters, else false). */
bool fli_atoms_intern(fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom);
/* The same for what no stranger can make up: own names, and those of nodes that proved theirs. */
bool fli_atoms_intern_own(fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom);
/* The same, but never adds. */
bool fli_atoms_find(const fl_atoms *atoms, const char *text, size_t size, fl_atom *ret_atom);

/* True for valid UTF-8 (no surrogates, no overlong forms) of at most 255 characters. */
bool fli_atom_text_ok(const char *text, size_t size);

#endif
