/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_EPMD_H
#define FLI_SIM_EPMD_H

/*
 * A host's epmd: the real one (dist/epmd_server.h), as a program of the world.
 *
 * Threads: one. Memory: the host's. Errors: none.
 */

#include "sim/host.h"

typedef struct fli_epmd fli_epmd;

/* Starts it on that host. */
void fli_epmd_new(fli_host *host);
void fli_epmd_delete(fli_epmd *epmd);
/* With an empty table, when it was down. */
void fli_epmd_set(fli_epmd *epmd, fl_sim_epmd how);
/* What it was before the host vanished. */
void fli_epmd_revive(fli_epmd *epmd);

#endif
