/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUPERVISOR_H
#define FLI_SUPERVISOR_H

/*
 * The node's supervisor: one_for_one over what the configuration and --load start, permanent
 * children, with OTP's restart intensity (3 in 5 s by default).
 *
 * Threads: the owner of the node's context. Errors: FL_E* with a text for people.
 */

#include "node/runtime.h"

int fli_supervisor_start(fl_node *node);
/* Starts a permanent child, registered as behaviour->name. */
int fli_supervisor_start_child(fl_node *node, const fl_behaviour *behaviour, fl_error *err);
/*
 * Begins the end of all children, the last started first, and of the supervisor after them:
 * `node->supervisor` is NULL then. A child that traps exits finishes what it does, and its
 * `terminate` runs; one that has not ended after 5 s is killed. The node must be driven meanwhile.
 */
void fli_supervisor_stop(fl_node *node);

#endif
