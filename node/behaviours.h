/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BEHAVIOURS_H
#define FLI_BEHAVIOURS_H

/*
 * The behaviours that a node knows by name, so that a child specification from elsewhere can name
 * one: all of a loaded module, what was started, what is some supervisor's child.
 *
 * One with `supervisor` or `statem` is run by the node's own handlers; what the user wrote stays
 * what it is known as.
 *
 *     the user's table {name, supervisor} --> fli_behaviour_to_run --> {name, handlers, supervisor}
 *
 * Threads: the owner of the node's context. Memory: behaviours are borrowed and outlive the node.
 * Errors: FL_E*. Limits: none but memory; a peer cannot add one.
 */

#include "node/runtime.h"

typedef struct fli_behaviours fli_behaviours;

/* Again is fine. FL_ETAKEN: another one has that name, and keeps it. FL_ENOMEM. */
int fli_behaviour_know(fl_node *node, const fl_behaviour *behaviour);
/* NULL: unknown. */
const fl_behaviour *fli_behaviour_find(const fl_node *node, fl_atom name);
/* What a process of it runs: itself, or the node's handlers. NULL: out of memory. */
const fl_behaviour *fli_behaviour_to_run(fl_node *node, const fl_behaviour *behaviour);
/* Of a supervisor's or state machine's process: what the user wrote. */
const fl_behaviour *fli_behaviour_of_run(const fl_behaviour *runs);
void fli_behaviours_delete(fl_node *node);

#endif
