/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_GROUPS_H
#define FLI_GROUPS_H

/*
 * The border between servers and process groups, which lie above: a table that the layer above
 * fills in.
 *
 * Threads: the owner of the node's context. Memory: the table goes with the node, by its destroy.
 * Errors: FL_E*.
 */

#include "flitch/server.h"

typedef struct fli_group_ops {
	/* The process joins the groups that its behaviour names; it leaves them by its end. */
	int (*join)(fl_proc *proc);
	/* The node has no process any more. */
	void (*destroy)(fl_node *node);
} fli_group_ops;

#endif
