/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_LISTENER_H
#define FLI_DIST_LISTENER_H

/*
 * The node's listener and who it lets as far as a handshake: not too many at once, not too many of
 * one address, not too fast. Three buckets of tokens, which fill at their rate:
 *
 *     an address that has shown the cookie before ---> `known`, accepts_per_second
 *     any other one ---> its share, an eighth of that ---> `all`, accepts_per_second
 *
 * So neither one address nor many keep out a node that comes back. Addresses of this machine have
 * no share: they are many nodes.
 *
 * Threads: the owner of the node's context. Memory: the caller's storage, 9 KiB. Errors: FL_E*.
 * Limits: fli_dist_limits; FLI_LISTENER_SLOTS shares and known addresses. Those of one slot have
 * one share, and the last one to show the cookie is the known one.
 */

#include "dist/net.h"

typedef struct fli_dist fli_dist;

#define FLI_LISTENER_SLOTS 256u

/* Thousandths of a connection that may be accepted. */
typedef struct fli_listener_bucket {
	uint64_t filled_ms;
	uint32_t tokens_milli;
} fli_listener_bucket;

typedef struct fli_listener {
	fli_listen *listen; /* NULL: closed */
	fli_listen *beside; /* on 127.0.1.1 too; NULL: not */
	uint16_t port;
	fli_listener_bucket all, known;
	fli_listener_bucket shares[FLI_LISTENER_SLOTS]; /* by the hash of fli_address_origin */
	fli_listener_bucket known_shares[FLI_LISTENER_SLOTS]; /* as `proven` */
	uint8_t proven[FLI_LISTENER_SLOTS][16]; /* by the address's own; zeros: nobody's */
} fli_listener;

int fli_listener_open(fli_dist *dist, fl_error *err);
void fli_listener_close(fli_dist *dist);
/* A node there has shown the cookie. */
void fli_listener_proved(fli_dist *dist, const fli_address *from);

#endif
