/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_CONN_H
#define FLI_DIST_CONN_H

/*
 * A link that is up: frames in, signals out, ticks.
 *
 *     socket -> fli_inbound -> signals -> runtime        runtime -> fli_outbound -> socket
 *                              timer: ticks, silence, a peer that does not read
 *
 * A connection that must end is doomed first, wherever that is noticed; it is reaped where nothing
 * of it is on the stack: after a read, after a timer, at the end of a turn.
 *
 * Threads: the owner of the node's context. Memory: owned by its peer. Errors: FL_E*.
 */

#include "dist/frame_in.h"
#include "dist/net.h"
#include "dist/outbound.h"
#include "node/base/wheel.h"

typedef struct fli_dist_peer fli_dist_peer;

/* Written for one connection before others have their turn. */
#define FLI_CONN_FLUSH_BYTES ((size_t)1 << 20)
/* Output that is written at once, in the midst of a turn: a batch large enough for one write. */
#define FLI_CONN_EARLY_BYTES ((size_t)64 << 10)

typedef struct fli_conn {
	fli_dist_peer *peer;
	fli_sock *sock;
	fli_inbound in;
	fli_outbound out;
	uint64_t flags;
	fli_link dirty;  /* in the list of those with output */
	fli_link doomed; /* in the list of those that end */
	fli_timer timer;
	uint64_t up_ms;
	uint64_t read_ms;     /* bytes came */
	uint64_t written_ms;  /* bytes went */
	uint64_t ticked_ms;   /* the last tick of the peer */
	uint64_t progress_ms; /* the same, as the timer sees it, or output began to wait */
	size_t queued_left;   /* of the piece that the network has, when the timer looked last */
	bool is_queued;       /* the network has a piece and will tell */
	bool has_waiters;     /* senders were told that it is busy */
	bool is_orderly;      /* the other side closed, and not in the midst of a failure */
	bool is_finishing;    /* all is said, and nothing listened to but the other side's end */
	const char *reason;   /* of its end; NULL: it lives */
} fli_conn;

typedef struct fli_conn_start {
	fli_dist_peer *peer;
	fli_sock *sock;
	uint64_t flags;
	uint32_t peer_creation;
} fli_conn_start;

/* Takes the socket over. NULL: out of memory, the socket is still the caller's. */
fli_conn *fli_conn_new(const fli_conn_start *start);
/* Closes the socket at once. Nobody is told. */
void fli_conn_delete(fli_conn *conn);
/* Bytes that came with the end of the handshake. */
void fli_conn_feed(fli_conn *conn, const uint8_t *data, size_t size);
/* There is output: it goes at the end of the turn, or now when it is much. */
void fli_conn_mark(fli_conn *conn);
void fli_conn_flush(fli_conn *conn);
/* Says nothing more and waits for the other side's end; false: this network needs no such thing. */
bool fli_conn_finish(fli_conn *conn);
/* Ends it soon. `reason` is a constant, as monitor_nodes shows it. */
void fli_conn_doom(fli_conn *conn, const char *reason);

/* fli_on_signal; ctx is the connection. */
bool fli_conn_on_signal(void *ctx, const fli_signal *signal);

#endif
