/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_DRIVER_H
#define FLI_DIST_EPMD_DRIVER_H

/*
 * The talk with epmd over a network: this node's registration, and look-ups of others.
 *
 *     registration: dial 127.0.0.1 -> ask -> held for life; lost: again each 2 s
 *     look-up:      dial the peer's host -> ask -> port
 *
 * Threads: the owner of the node's context. Memory: the caller's storage, which keeps its address
 * while something is under way. Errors: texts for people. Limits: `step_ms` each.
 */

#include "dist/epmd_client.h"
#include "dist/epmd_embedded.h"
#include "dist/net.h"
#include "node/base/wheel.h"
#include "node/runtime.h"

typedef struct fli_epmd_config {
	fl_node *node;
	fli_net *net;
	uint16_t port;       /* of epmd */
	bool may_spawn;      /* start one where none answers */
	const char *program; /* that one; NULL: see dist/epmd_spawn.h */
	bool is_embedded;    /* serve one here where none is */
	bool is_open;        /* one that is started or served is for other machines, too */
	bool is_v6;          /* that of this machine is asked at ::1 */
	uint32_t step_ms;
	void (*on_registered)(void *ctx); /* for the first time; may be NULL */
	void *ctx;
} fli_epmd_config;

/* Where the epmd of this machine is asked. */
static inline const char *fli_epmd_near(const fli_epmd_config *config)
{
	return config->is_v6 ? "::1" : "127.0.0.1";
}

/* ---- registration ---------------------------------------------------------------------------- */

typedef enum fli_epmd_outcome { FLI_EPMD_PENDING, FLI_EPMD_DONE, FLI_EPMD_FAILED } fli_epmd_outcome;

typedef struct fli_epmd_driver {
	fli_epmd_config config;
	fli_epmd_registration reg;
	fli_sock *sock;
	fli_timer timer;
	fli_timer limit; /* of the first registration */
	fli_buf out;
	fli_epmd_outcome outcome; /* of the first registration */
	fl_error error;
	fli_timer sweep; /* of the one served here */
	bool was_refused;
	bool has_spawned;
	unsigned quick_tries;    /* after a daemon was started */
	fli_epmd_embedded *here; /* NULL: another serves */
} fli_epmd_driver;

/*
 * Registers the name with the port of our listener. The config's texts are borrowed. After DONE
 * `reg.creation` holds.
 */
int fli_epmd_driver_start(fli_epmd_driver *driver, const fli_epmd_config *config,
	const fli_node_name *name, uint16_t port, bool is_visible);
/* Gives the name back. Safe on one that is zeroed. */
void fli_epmd_driver_stop(fli_epmd_driver *driver);

/* ---- look-up --------------------------------------------------------------------------------- */

typedef struct fli_lookup fli_lookup;
/* port 0: not found, `err` says why. The look-up is over. */
typedef void fli_lookup_done(void *owner, uint16_t port, const fl_error *err);

typedef struct fli_lookup_start {
	const fli_epmd_config *config;
	const fli_node_name *name;
	fli_lookup_done *done;
	void *owner;
} fli_lookup_start;

/* `done` is never called from within. */
int fli_lookup_new(const fli_lookup_start *start, fli_lookup **ret_lookup);
/* Before `done` was called. */
void fli_lookup_cancel(fli_lookup *lookup);

#endif
