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

/*
 * Runs `program epmd`, or, with NULL, this binary when it is `flitch`, else `flitch` of PATH. It
 * gets ERL_EPMD_PORT and FLITCH_EPMD_IDLE (seconds without names after which it ends), and no
 * terminal.
 */
bool fli_epmd_spawn(const char *program, uint16_t port);

/* What the daemon waits after its last name went; long enough for a node's restart. */
#define FLI_EPMD_SPAWN_IDLE_S 60

#endif
