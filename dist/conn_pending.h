/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_CONN_PENDING_H
#define FLI_DIST_CONN_PENDING_H

/*
 * A connection that has not shown the cookie yet: a socket, a handshake, a timer. It is a type of
 * its own, so that no signal can reach a process from here.
 *
 *     accepted --------------> handshake --> fli_peers_established --> fli_conn
 *     dialled  --> on_open --> handshake --> (the same), or fli_peers_failed
 *
 * Threads: the owner of the node's context. Memory: in the list of the distribution; frees itself
 * when it ends. Errors: told to the peer that it dials for; one log line each.
 * Limits: those of the listener; FLI_HANDSHAKE_TOTAL_MS in all.
 */

#include "dist/handshake.h"
#include "dist/net.h"
#include "node/base/list.h"
#include "node/base/wheel.h"

typedef struct fli_dist fli_dist;
typedef struct fli_dist_peer fli_dist_peer;

typedef struct fli_pending {
	fli_dist *dist;
	fli_dist_peer *peer; /* who is dialled; NULL: accepted */
	fli_sock *sock;
	fli_link link; /* in fli_dist.pending */
	fli_timer timer;
	uint64_t ends_ms; /* whatever progress it makes */
	unsigned progress;
	bool is_open;       /* connected: its first message is on the way */
	bool is_accepted;   /* a name was told and found in order */
	bool is_disproved;  /* its certificate is for other names */
	fli_node_name name; /* of who was accepted; not proven */
	fli_handshake_config config;
	fli_handshake handshake;
	fli_buf out;
} fli_pending;

/* Takes the socket over, whatever happens. */
void fli_pending_accept(fli_dist *dist, fli_sock *sock);
/* Dials; FL_OK, or it could not even begin. */
int fli_pending_dial(fli_dist_peer *peer, const char *host, uint16_t port);
/* Ends it without a word. */
void fli_pending_delete(fli_pending *pending);
/* Whether somebody is being accepted who says that this is his name. */
bool fli_pending_has(const fli_dist *dist, const fli_node_name *name);
/*
 * Ends the oldest of those that were accepted: from that address, by that name; NULL: any. An
 * honest peer needs a few milliseconds, so it is not the oldest one where others say nothing.
 */
void fli_pending_make_room(fli_dist *dist, const fli_address *from, const fli_node_name *name);
/* How many of those that were accepted come from that address; all with NULL. */
size_t fli_pending_count(const fli_dist *dist, const fli_address *from);

#endif
