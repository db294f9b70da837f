/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_COOKIE_H
#define FLI_CLUSTER_COOKIE_H

/*
 * The cluster's shared secret: where it comes from, and which ones are refused.
 *
 *     node.cookie --> node.cookie_file --> ~/.erlang.cookie -->
 * $XDG_CONFIG_HOME/erlang/.erlang.cookie
 *
 * A start invents none: one that nobody else has can match nobody. Who wants a new one asks for it.
 *
 * Threads: one at a time (reads the environment). Memory: the caller's storage; wipe it with
 * fli_cookie_wipe. Errors: FL_ECONFIG with all three parts. Limits: FLI_COOKIE_BYTES_MAX.
 */

#include "cluster/options.h"
#include "dist/digest.h"

typedef struct fli_cookie {
	char text[FLI_COOKIE_BYTES_MAX + 1]; /* terminated; holds no NUL itself */
	size_t size;
	char origin[512]; /* for people: "--cookie", or the file's name */
} fli_cookie;

/* The node's cookie; refuses a weak one when dist.listen is off loopback. */
int fli_cookie_find(const fl_options *options, fli_cookie *ret_cookie, fl_error *err);
/*
 * The cookie for one peer: that of its entry in `peers`, else a copy of `own`; a weak one is
 * refused where the node's would be.
 */
int fli_cookie_for_peer(const fl_options *options, const char *node, const fli_cookie *own,
	fli_cookie *ret_cookie, fl_error *err);
/* Reads a cookie file: a regular file of this user, with no rights for group and others. */
int fli_cookie_read(const char *path, fli_cookie *ret_cookie, fl_error *err);
/* Shorter than 16 bytes, or one that everybody knows. */
bool fli_cookie_is_weak(const char *text, size_t size);
/*
 * Writes a new cookie of 256 random bits into a file that is not there yet, for this user to read.
 * FL_ETAKEN where the file is there, FL_EIO.
 */
int fli_cookie_make(const char *path, fl_error *err);
void fli_cookie_wipe(fli_cookie *cookie);

#endif
