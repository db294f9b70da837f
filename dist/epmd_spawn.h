/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_SPAWN_H
#define FLI_DIST_EPMD_SPAWN_H

/*
 * Starts an epmd as a process of its own, as `erl` starts one.
 *
 * Threads: any. Memory: none. Errors: false: nothing could be started.
 */

#include <stdbool.h>
#include <stdint.h>

/* What the daemon waits after its last name went; long enough for a node's restart. */
#define FLI_EPMD_SPAWN_IDLE_S 60

typedef struct fli_epmd_spawn_how {
	const char *program; /* NULL: this binary when it is `flitch`, else `flitch` of PATH */
	uint16_t port;
	bool is_open; /* for other machines, too, where ERL_EPMD_ADDRESS does not say otherwise */
} fli_epmd_spawn_how;

/*
 * Runs `program epmd`. It gets ERL_EPMD_PORT, ERL_EPMD_ADDRESS and FLITCH_EPMD_IDLE (seconds
 * without names after which it ends), no cookie, and no terminal.
 */
bool fli_epmd_spawn(const fli_epmd_spawn_how *how);

#endif
