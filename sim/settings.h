/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_SETTINGS_H
#define FLI_SIM_SETTINGS_H

/*
 * The configuration of a node of the world: options as any node has them, on which the world lays
 * what must be so there (addresses, ports, no cookie file).
 *
 * Threads: one. Memory: the caller's storage; fli_settings_free. Errors: FL_ECONFIG with a text.
 */

#include "cluster/node.h"
#include "flitch/sim.h"

typedef struct fli_settings {
	fl_options *options; /* NULL: none */
	fli_dist_told told;
} fli_settings;

/* For a node of that name. */
int fli_settings_make(
	fli_settings *settings, const char *name, const fl_sim_config *config, fl_error *err);
/* What the distribution is told; `has_epmd` as the world has one. */
fli_dist_config fli_settings_dist(
	const fli_settings *settings, const fl_sim_config *config, bool has_epmd);
void fli_settings_free(fli_settings *settings);

#endif
