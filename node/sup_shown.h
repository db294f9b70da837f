/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUP_SHOWN_H
#define FLI_SUP_SHOWN_H

/*
 * The node's own processes, kept by rules of their own, shown as a supervisor shows its children:
 * so that one tree of the node has them all.
 *
 * Threads: the handler of whoever keeps them. Memory: none. Errors: FL_E* of the answer.
 */

#include "node/runtime.h"

/*
 * Answers which_children, count_children and get_childspec about the processes of these registered
 * names; anything else is {error, not_allowed}.
 */
int fli_shown_call(
	fl_proc *self, fl_from from, fl_term request, const char *const *names, size_t count);

#endif
