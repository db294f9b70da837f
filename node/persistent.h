/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PERSISTENT_H
#define FLI_PERSISTENT_H

/*
 * persistent_term: a set of {Key, Value} that belongs to the node.
 *
 * Threads: any, but the context for the first put. Memory: the node's. Errors: FL_ENOMEM.
 */

#include "flitch/table.h"

/* [{Key, Value}] */
int fli_persistent_list(fl_node *node, fl_buf *ret_list);
void fli_persistent_size(fl_node *node, size_t *ret_count, size_t *ret_bytes);

#endif
