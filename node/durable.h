/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DURABLE_H
#define FLI_DURABLE_H

/*
 * The durable tables of a node, for the node: <flitch/durable.h> is for everybody else.
 *
 * Threads: the one that ends the node, outside of its context. Memory: frees them. Errors: none.
 */

#include "flitch/durable.h"
#include "node/runtime.h"

/* Closes what nobody has closed; waits for the writes under way. */
void fli_durables_delete(fl_node *node);

#endif
