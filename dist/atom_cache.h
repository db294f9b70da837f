/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_ATOM_CACHE_H
#define FLI_DIST_ATOM_CACHE_H

/*
 * The receiving half of a connection's atom cache: 2048 slots of text that distribution headers
 * fill and refer to (erl_ext_dist, "Distribution Header").
 *
 *     131 68 | N | flags | ref ref ref ... | control term ...
 *              ^----- fli_atom_cache_read ---^ moves the cursor here, fills refs 0..N-1
 *
 * Headers must be read strictly in order of arrival. No atom is interned: a peer can fill these
 * slots, and nothing else.
 *
 * Threads: one at a time. Memory: owns the texts; what fli_atom_cache_read returns borrows from the
 * cache and lives until the next call of it. Errors: FL_EFORMAT, FL_ENOMEM. Limits: 2048 slots of
 * at most 255 characters (1020 bytes); 255 references a header.
 */

#include "flitch/error.h"
#include "node/base/bytes.h"
#include "node/base/mem.h"
#include "node/term/walk.h"

#define FLI_ATOM_CACHE_SLOTS 2048
#define FLI_ATOM_CACHE_REFS_MAX 255

struct fli_atom_cache_text;

typedef struct fli_atom_cache {
	fli_mem *mem;
	fl_atom *slots; /* allocated with the first entry; text NULL: never set */
	struct fli_atom_cache_text *retired; /* replaced while a header may still refer to them */
	fli_refs refs;
	fl_atom atoms[FLI_ATOM_CACHE_REFS_MAX]; /* of the header read last */
} fli_atom_cache;

void fli_atom_cache_create(fli_atom_cache *cache, fli_mem *mem);
void fli_atom_cache_destroy(fli_atom_cache *cache);

/* Reads N, flags and references at the cursor; the refs are then in cache->refs. */
int fli_atom_cache_read(fli_atom_cache *cache, fli_cursor *c, fl_error *err);

/* The bytes of the copy that fli_atom_cache_keep makes. */
size_t fli_atom_cache_kept_size(const fli_refs *refs);
/*
 * Copies refs and their texts into one block, for a message that outlives the header that brought
 * them. The block begins with the fli_refs; fli_free releases it. NULL: out of memory.
 */
fli_refs *fli_atom_cache_keep(const fli_refs *refs, fli_mem *mem);

#endif
