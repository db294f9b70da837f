/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_SERVER_H
#define FLI_DIST_EPMD_SERVER_H

/*
 * An epmd: names and ports of the Erlang nodes on this machine, byte for byte as OTP's answers.
 *
 *     driver: accept -> fli_epmd_conn_open -> read -> fli_epmd_conn_feed -> write `out`, obey
 *             each deadline -> fli_epmd_conn_is_late; at the end of a socket fli_epmd_conn_close
 *
 * A connection asks one question. ALIVE2 alone keeps it open afterwards, since a name is registered
 * as long as its connection lives.
 *
 * Threads: one at a time. Memory: connections are the caller's storage and keep their address while
 * open; the server owns its tables. Errors: FL_ENOMEM, FL_ELIMIT; a request that cannot be answered
 * for want of memory closes its connection alone. Limits: those of fli_epmd_limits; a full request
 * must be there 60 s after the connection was made, however often parts of it come
 * (CVE-2026-42792).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/epmd_codec.h"
#include "node/base/list.h"
#include "node/base/map.h"

#define FLI_EPMD_REQUEST_MS 60000
/* As in epmd: a name that comes back within the last thousand gets its next creation. */
#define FLI_EPMD_REMEMBERED_MAX 1000

typedef struct fli_epmd_limits {
	size_t names_max;      /* registered names */
	size_t pending_max;    /* connections that hold no name; a quarter is kept for local ones */
	size_t per_source_max; /* the same, from one address that is not local */
} fli_epmd_limits;

#define FLI_EPMD_LIMITS_DEFAULT ((fli_epmd_limits){1024, 256, 16})

typedef struct fli_epmd_server_config {
	fli_mem *mem;
	uint64_t seed;   /* of the tables: unpredictable */
	uint64_t now_ms; /* the driver's clock, monotonic, at the start */
	uint64_t unix_s; /* the time of day at that moment: creations begin there */
	uint16_t port;   /* what NAMES and DUMP say */
	/*
	 * KILL without live names ends it, as in OTP; else the answer is NO. With live names it is
	 * NO in any case, and STOP, which frees the name of a live node, is never obeyed.
	 */
	bool allows_kill;
	fli_epmd_limits limits;
} fli_epmd_server_config;

typedef struct fli_epmd_server {
	fli_epmd_server_config config;
	size_t pending_count;
	uint64_t idle_since_ms; /* meaningful while no name is registered */
	/* private */
	uint32_t creation_last;
	fli_map names; /* registered, by name */
	fli_link names_order;
	fli_map remembered;        /* unregistered, by name */
	fli_link remembered_order; /* oldest first */
	fli_map sources;           /* pending connections by address */
} fli_epmd_server;

/* Who connected. */
typedef struct fli_epmd_source {
	uint8_t address[16]; /* IPv6, or IPv4 mapped */
	bool is_local;       /* loopback, or the peer's address is the socket's own */
	int fd;              /* shown by DUMP */
} fli_epmd_source;

typedef enum fli_epmd_verdict {
	FLI_EPMD_READ,  /* write `out`, which may be empty, and read on */
	FLI_EPMD_CLOSE, /* write `out`, then close */
	FLI_EPMD_END    /* write `out`, then end the server (KILL) */
} fli_epmd_verdict;

struct fli_epmd_name;
struct fli_epmd_origin;

typedef struct fli_epmd_conn {
	fli_epmd_server *server;
	fli_epmd_source source;
	uint64_t deadline_ms; /* UINT64_MAX once a name is held */
	/* private */
	struct fli_epmd_name *name; /* what it registered */
	struct fli_epmd_origin *origin;
	bool is_answered; /* whatever comes now ends it */
	fli_buf in;
} fli_epmd_conn;

void fli_epmd_server_create(fli_epmd_server *server, const fli_epmd_server_config *config);
/* All connections are closed by now. */
void fli_epmd_server_destroy(fli_epmd_server *server);
size_t fli_epmd_server_names(const fli_epmd_server *server);
/* Since when no name is registered; UINT64_MAX while there is one. */
uint64_t fli_epmd_server_idle_since(const fli_epmd_server *server);

/* FL_OK; FL_ELIMIT or FL_ENOMEM: close the socket, `conn` is not in use. */
int fli_epmd_conn_open(fli_epmd_conn *conn, fli_epmd_server *server, const fli_epmd_source *source,
	uint64_t now_ms);
fli_epmd_verdict fli_epmd_conn_feed(
	fli_epmd_conn *conn, const uint8_t *bytes, size_t size, uint64_t now_ms, fli_buf *out);
bool fli_epmd_conn_is_late(const fli_epmd_conn *conn, uint64_t now_ms);
/* The socket ended or is about to: its name, if any, becomes free. */
void fli_epmd_conn_close(fli_epmd_conn *conn, uint64_t now_ms);

#endif
