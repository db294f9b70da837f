/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_EPMD_CLIENT_H
#define FLI_DIST_EPMD_CLIENT_H

/*
 * A node's talk with epmd: registration, look-up and the list of names, without sockets or clocks.
 *
 *     registration   IDLE -> CONNECTING -> ASKED -> REGISTERED
 *                              ^             |          |  connection lost
 *                              +-- 2 s --  WAITING  <---+
 *
 * A registration lives as long as its connection, so the driver keeps the socket, reads it to see
 * the end, and writes nothing more. Every call returns what the driver does next. The creation is
 * fixed by the first reply (or drawn when there is none) and kept for life: a restarted epmd hands
 * out another one, which is thrown away, as OTP 25 does.
 *
 * Threads: one at a time. Memory: the caller's storage; `out` and the list of names allocate.
 * Errors: FL_E* in `error`, for people. Limits: those of the codec; names FLI_EPMD_NAMES_BYTES_MAX.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/epmd_codec.h"
#include "dist/node_name.h"
#include "flitch/error.h"

/* As in OTP: a lost registration is tried again each 2 s, each step has 10 s. */
#define FLI_EPMD_RETRY_MS 2000
#define FLI_EPMD_STEP_MS 10000
/* A full epmd has about a thousand names of 40 bytes a line. */
#define FLI_EPMD_NAMES_BYTES_MAX (1024 * 1024)

/* Unpredictable bytes; false when there are none. */
typedef bool fli_epmd_random(void *context, void *ret_bytes, size_t size);

typedef enum fli_epmd_todo {
	FLI_EPMD_NOTHING,    /* read on */
	FLI_EPMD_CONNECT,    /* open a connection, then call _connected or _lost */
	FLI_EPMD_SEND,       /* write `out`, in one write, then read */
	FLI_EPMD_REGISTERED, /* done: `creation` holds; keep the connection */
	FLI_EPMD_RETRY,      /* close; call _timer at `deadline_ms`; `error` says why */
	FLI_EPMD_TAKEN       /* close; at the first registration another node has the name: ended */
} fli_epmd_todo;

typedef enum fli_epmd_phase {
	FLI_EPMD_IDLE,
	FLI_EPMD_CONNECTING,
	FLI_EPMD_ASKED,
	FLI_EPMD_HELD,
	FLI_EPMD_WAITING
} fli_epmd_phase;

typedef struct fli_epmd_registration {
	fli_epmd_phase phase;
	uint32_t creation;    /* 0 until known */
	uint64_t deadline_ms; /* when to call _timer; UINT64_MAX: not at all */
	unsigned retries;     /* failures since it was last registered */
	fl_error error;       /* the last failure */

	/* private */
	fli_node_name name;
	uint16_t port;
	bool is_visible;
	bool was_registered;
	fli_epmd_random *random;
	void *context;
	size_t in_size;
	uint8_t in[6];
} fli_epmd_registration;

/* What is registered: the part of `name` before the '@', with the port that the node listens on. */
void fli_epmd_registration_create(
	fli_epmd_registration *reg, const fli_node_name *name, uint16_t port, bool is_visible);
/* Where a creation comes from when epmd gives none that is usable; required. */
void fli_epmd_registration_set_random(
	fli_epmd_registration *reg, fli_epmd_random *random, void *context);
/* A creation that was fixed before (drawn while no epmd answered): what epmd says is ignored. */
void fli_epmd_registration_set_creation(fli_epmd_registration *reg, uint32_t creation);
fli_epmd_todo fli_epmd_registration_start(fli_epmd_registration *reg, uint64_t now_ms);
fli_epmd_todo fli_epmd_registration_connected(
	fli_epmd_registration *reg, uint64_t now_ms, fli_buf *out);
fli_epmd_todo fli_epmd_registration_feed(
	fli_epmd_registration *reg, const uint8_t *bytes, size_t size, uint64_t now_ms);
/* The connection failed or ended; `reason` is a text such as "connection refused". */
fli_epmd_todo fli_epmd_registration_lost(
	fli_epmd_registration *reg, const char *reason, uint64_t now_ms);
fli_epmd_todo fli_epmd_registration_timer(fli_epmd_registration *reg, uint64_t now_ms);
/* A creation for a node that runs without epmd: at least 4; 0 when `random` failed. */
uint32_t fli_epmd_creation_draw(fli_epmd_random *random, void *context);

/* ---- look-up --------------------------------------------------------------------------------- */

typedef enum fli_epmd_lookup_state {
	FLI_LOOKUP_MORE,
	FLI_LOOKUP_FOUND,  /* `port` holds */
	FLI_LOOKUP_ABSENT, /* epmd answers, the name is not there: `error` */
	FLI_LOOKUP_FAILED  /* `error` */
} fli_epmd_lookup_state;

/* Close the connection as soon as the state is no longer MORE. */
typedef struct fli_epmd_lookup {
	fli_epmd_lookup_state state;
	uint16_t port;
	bool is_visible; /* by what it registered as */
	fl_error error;

	/* private */
	fli_node_name name;
	size_t in_size;
	uint8_t in[FLI_EPMD_PORT2_REPLY_BYTES_MAX];
} fli_epmd_lookup;

/* Asks the epmd of the name's host for its port: writes the request. */
fli_epmd_lookup_state fli_epmd_lookup_start(
	fli_epmd_lookup *lookup, const fli_node_name *name, fli_buf *out);
fli_epmd_lookup_state fli_epmd_lookup_feed(
	fli_epmd_lookup *lookup, const uint8_t *bytes, size_t size);
/* The connection failed, ended or took too long; `reason` says which. */
fli_epmd_lookup_state fli_epmd_lookup_lost(fli_epmd_lookup *lookup, const char *reason);

/* ---- names ----------------------------------------------------------------------------------- */

/* The reply to NAMES, collected until epmd closes. */
typedef struct fli_epmd_names {
	fli_buf reply;
	uint16_t epmd_port; /* 0 until four bytes came */
} fli_epmd_names;

void fli_epmd_names_create(fli_epmd_names *names, fli_mem *mem);
void fli_epmd_names_destroy(fli_epmd_names *names);
/* FL_OK; FL_ELIMIT or FL_ENOMEM: close. */
int fli_epmd_names_feed(fli_epmd_names *names, const uint8_t *bytes, size_t size);
/* After the end: *cursor starts at 0; what is found borrows from `names`. */
bool fli_epmd_names_next(const fli_epmd_names *names, size_t *cursor, fli_epmd_node *ret_node);

#endif
