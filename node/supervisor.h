/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUPERVISOR_H
#define FLI_SUPERVISOR_H

/*
 * What runs a supervisor, and the node's own one: the root of the tree that `flitch run` starts,
 * one for one, with permanent children, 3 restarts in 5 s.
 *
 *     flitch_sup --- flitch_services, pg's keeper     the node's own, pinned
 *         |------- counter, echo, ...                 of --load and the configuration, in order
 *         `------- a supervisor --- ...
 *
 * Threads: the owner of the node's context. Errors: FL_E* with a text for people.
 */

#include "flitch/supervisor.h"
#include "node/runtime.h"

/* The handlers of a process of that behaviour, which has `supervisor`. */
fl_behaviour fli_supervisor_handlers(const fl_behaviour *behaviour);

int fli_supervisor_start(fl_node *node);
/* Starts a permanent child, registered as behaviour->name. */
int fli_supervisor_start_child(fl_node *node, const fl_behaviour *behaviour, fl_error *err);
/* Any child, with these arguments for its init (`[]` where there are no bytes). */
int fli_supervisor_start_spec(fl_node *node, const fl_child *child, fl_term args, fl_error *err);
/* A process of the node's own becomes a child, pinned; it is started again under its behaviour's
 * name, and may take over what it finds. */
int fli_supervisor_show(fl_node *node, fl_proc *proc);
/* Its children end, the last one first, and are started again, the pinned ones aside. */
void fli_supervisor_restart(fl_node *node);
/*
 * Begins the end of all children, the last started first, and of the supervisor after them:
 * `node->supervisor` is NULL then. A child that traps exits finishes what it does, and its
 * `terminate` runs; one that has not ended within its time (5 s) is killed. The node must be driven
 * meanwhile.
 */
void fli_supervisor_stop(fl_node *node);

#endif
