/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_HEIRS_H
#define FLI_CLUSTER_HEIRS_H

/*
 * What losers of a global name give, on its way to who has the name now.
 *
 *     loser --{lost, Name, Loser, State}--> flitch_heirs --{global_name_merge, ...}--> the holder
 *
 * A loser is told before the tables of names change, so that a look at them says who has the name
 * only a while later, on this node as on the others.
 *
 * Threads: the process's handler. Memory: what waits goes with the process. Errors: FL_E*; what
 * cannot be kept, or finds no heir, is told by the log. Limits: FLI_HEIRS_MAX wait, of
 * FLI_HEIRS_BYTES_MAX in all, for FLI_HEIRS_MS.
 */

#include "cluster/core.h"

enum {
	FLI_HEIRS_MAX = 65536,
	FLI_HEIRS_BYTES_MAX = 256 << 20,
	FLI_HEIRS_MS = 60000,
	FLI_HEIRS_LOOK_MS = 100 /* at least between two looks at all that wait */
};

/* Registers flitch_heirs. */
int fli_heirs_open(fl_node *node);

#endif
