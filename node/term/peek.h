/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_PEEK_H
#define FLI_TERM_PEEK_H

/*
 * Readers of single items for the layers above: each takes a cursor, reads one term of the expected
 * kind and moves past it, or returns false and leaves the cursor alone. Safe on any bytes.
 *
 * Atoms may be ATOM_CACHE_REFs when `refs` is given. Texts borrow from the bytes or the refs.
 *
 * Threads: any. Memory: none. Errors: false.
 */

#include "node/base/bytes.h"
#include "node/term/walk.h"

bool fli_peek_tuple(fli_cursor *c, uint32_t *ret_arity);
/* UTF-8 or cache-reference atoms. Latin-1 tags count only when their text is ASCII. */
bool fli_peek_atom(fli_cursor *c, const fli_refs *refs, fl_atom *ret_atom);
/* Any of the integer tags whose value fits. */
bool fli_peek_int(fli_cursor *c, int64_t *ret_value);
bool fli_peek_uint(fli_cursor *c, uint64_t *ret_value);
/* `node` borrows: intern it before keeping the value. */
bool fli_peek_pid(fli_cursor *c, const fli_refs *refs, fl_pid *ret_pid);
bool fli_peek_ref(fli_cursor *c, const fli_refs *refs, fl_ref *ret_ref);
bool fli_peek_port(fli_cursor *c, const fli_refs *refs, fl_port *ret_port);
bool fli_peek_nil(fli_cursor *c);
/* One whole term, checked by fli_walk with the same refs; `ret_term` borrows the raw bytes. */
bool fli_peek_any(
	fli_cursor *c, const fli_refs *refs, fli_walked *ret_walked, const uint8_t **ret_data);

#endif
