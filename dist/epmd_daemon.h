/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_DAEMON_H
#define FLI_DIST_EPMD_DAEMON_H

/*
 * `flitch epmd`: an epmd as a program, on a loop of its own.
 *
 * Threads: the caller's, until it ends. Memory: none is left. Errors: FL_ETAKEN: the port is taken,
 * most likely by an epmd. Limits: those of dist/epmd_server.h.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flitch/error.h"

typedef struct fli_epmd_daemon_options {
	uint16_t port;         /* 0: ERL_EPMD_PORT, else 4369 */
	const char *addresses; /* separated by commas or blanks; NULL: ERL_EPMD_ADDRESS, else
				  loopback */
	uint32_t
		idle_s; /* ends so long after its last name went; 0: FLITCH_EPMD_IDLE, else never */
	bool allows_kill;                           /* KILL ends it while there are no names */
	const _Atomic(bool) *is_stopped;            /* looked at each second; may be NULL */
	void (*on_ready)(void *ctx, uint16_t port); /* it listens; may be NULL */
	void *ctx;
} fli_epmd_daemon_options;

/* Serves until it is idle for long enough, killed, or stopped: FL_OK. */
int fli_epmd_daemon_run(const fli_epmd_daemon_options *options, fl_error *err);

#endif
