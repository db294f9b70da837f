/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_HASH_H
#define FLI_TERM_HASH_H

/*
 * Two hashes of a term: one for tables of a node, one that every Erlang node computes alike.
 *
 *     fli_term_hash    keyed with the node's seed; equal terms (`=:=`) have equal hashes, however
 *                      they are encoded, and no peer can choose many that have one
 *     fli_phash2       erlang:phash2(Term, 1 bsl 32), bit for bit
 *
 * Threads: any. Memory: fli_term_hash of a term without maps takes none; the other, and a term with
 * maps, a stack on the heap. Errors: false when out of memory, or when the bytes are no term; and
 * fli_phash2 for a native record, whose hash is its release's own affair.
 * Limits: no recursion, so none on depth.
 */

#include "flitch/term.h"
#include "node/base/mem.h"

bool fli_term_hash(uint64_t seed, fl_term term, uint64_t *ret_hash);
bool fli_phash2(fl_term term, uint32_t *ret_hash);

#endif
