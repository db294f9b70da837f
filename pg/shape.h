/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PG_SHAPE_H
#define FLI_PG_SHAPE_H

/*
 * Readers of what stands in scopes' messages. Unlike fl_match they keep no node name, so that
 * garbage leaves nothing behind.
 *
 * Threads: any. Memory: none; texts borrow. Errors: false.
 */

#include "flitch/term.h"

bool fli_shape_pid(fl_term term, fl_pid *ret_pid);
bool fli_shape_ref(fl_term term, fl_ref *ret_ref);
bool fli_shape_is_atom(fl_term term, const char *text);
/* A list, empty or not, perhaps improper. */
bool fli_shape_is_list(fl_term term);
/* {Tag, ..} of that many elements; they go to `ret`, the tag first. `tag` NULL: any. */
bool fli_shape_tuple(fl_term term, const char *tag, size_t arity, fl_term *ret);

#endif
