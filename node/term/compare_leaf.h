/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_COMPARE_LEAF_H
#define FLI_TERM_COMPARE_LEAF_H

/*
 * The order of two decoded heads: everything but the children.
 *
 * Threads: any. Memory: none. Errors: none; both items are valid.
 */

#include "node/term/item.h"
#include "node/term/order.h"

/* <0, 0, >0. When it is 0 the items have the same number of children, lists aside. */
int fli_compare_heads(const fli_item *a, const fli_item *b, fli_mode mode);

#endif
