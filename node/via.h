/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_VIA_H
#define FLI_VIA_H

/*
 * Names that are kept above the node, `{global, Name}`: a table that the layer above fills in, and
 * their way into destinations.
 *
 * Threads: the owner of the node's context; `claim` is called from a handler of `self` instead.
 * Memory: terms borrow. Errors: a name that nobody has is nobody, as a local one.
 */

#include "node/runtime.h"

typedef struct fli_via {
	bool (*whereis)(const fl_node *node, fl_term name, fl_pid *ret_pid);
	/*
	 * Registers `self` under a name in Erlang notation; may wait. FL_ETAKEN: fl_stop's reason
	 * is set.
	 */
	int (*claim)(fl_proc *self, const char *name);
	/* It has a name, and names are being changed. */
	bool (*is_contested)(const fl_node *node, const fl_pid *pid);
	/* The node ends: node->via_ctx is freed. No process is left. */
	void (*destroy)(fl_node *node);
} fli_via;

/*
 * The destination with its name looked up, in the cluster or in a registry; one that nobody has
 * becomes the empty name.
 */
fl_dest fli_via_resolve(const fl_node *node, fl_dest to);
/* Registers a newborn under a key. FL_ETAKEN; FL_ENOPROC: there is no such registry. */
int fli_via_register(fl_proc *proc, const fl_dest *via);

#endif
