/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_NATIVES_H
#define FLI_DIST_NATIVES_H

/*
 * The native functions that need the distribution: nodes, connections, rpc onwards, and those that
 * end the node (off unless rpc.allow names them).
 *
 * Threads: the owner of the node's context. Errors: as fli_exports_add_own.
 */

#include "node/runtime.h"

int fli_natives_nodes(fl_node *node);
int fli_natives_global(fl_node *node);
int fli_natives_heal(fl_node *node);
int fli_natives_stop(fl_node *node);

#endif
