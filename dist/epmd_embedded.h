/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_EMBEDDED_H
#define FLI_DIST_EPMD_EMBEDDED_H

/*
 * An epmd on a network: dist/epmd_server.h with sockets. Inside a node, or as a daemon.
 *
 * Threads: one at a time. Memory: owns its connections. Errors: FL_ETAKEN when the port is taken,
 * most likely by the epmd that is there. Limits: FLI_EPMD_LIMITS_DEFAULT.
 */

#include "dist/epmd_server.h"
#include "dist/net.h"

typedef struct fli_epmd_embedded fli_epmd_embedded;

typedef struct fli_epmd_embedded_config {
	fli_net *net;
	fli_mem *mem;
	const char *const *addresses; /* the first must be free */
	size_t addresses_count;
	uint16_t port;
	bool allows_kill;
	uint64_t seed;
	uint64_t (*now_ms)(void *ctx);
	uint64_t (*unix_s)(void *ctx);
	void *ctx;
} fli_epmd_embedded_config;

int fli_epmd_embedded_open(
	const fli_epmd_embedded_config *config, fli_epmd_embedded **ret_embedded, fl_error *err);
void fli_epmd_embedded_close(fli_epmd_embedded *embedded);
/* Closes who is late; call it each second or so. */
void fli_epmd_embedded_sweep(fli_epmd_embedded *embedded);
/* Since when no name is registered; UINT64_MAX while there is one. */
uint64_t fli_epmd_embedded_idle_since(const fli_epmd_embedded *embedded);
/* Somebody asked it to end. */
bool fli_epmd_embedded_is_killed(const fli_epmd_embedded *embedded);

#endif
