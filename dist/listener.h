/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_LISTENER_H
#define FLI_DIST_LISTENER_H

/*
 * The node's listener and who it lets as far as a handshake: not too many at once, not too many of
 * one address, not too fast.
 *
 * Threads: the owner of the node's context. Memory: the caller's storage. Errors: FL_E*.
 * Limits: fli_dist_limits; a bucket of `accepts_per_second` tokens that fills at that rate.
 */

#include "dist/net.h"

typedef struct fli_dist fli_dist;

typedef struct fli_listener {
	fli_listen *listen; /* NULL: closed */
	fli_listen *beside; /* on 127.0.1.1 too; NULL: not */
	uint16_t port;
	uint64_t tokens_milli;
	uint64_t filled_ms;
} fli_listener;

int fli_listener_open(fli_dist *dist, fl_error *err);
void fli_listener_close(fli_dist *dist);

#endif
