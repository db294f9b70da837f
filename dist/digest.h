/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_DIGEST_H
#define FLI_DIST_DIGEST_H

/*
 * The proof that a node knows the cookie: MD5(cookie ++ decimal text of the challenge).
 *
 * Threads: any. Memory: the copy of the cookie on the stack is wiped. Errors: none.
 * Limits: a cookie beyond FLI_COOKIE_BYTES_MAX is a caller's mistake and asserted on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/md5.h"

/* `ei` takes 512 bytes; an Erlang atom has 255 characters. */
#define FLI_COOKIE_BYTES_MAX 512

void fli_digest(const void *cookie, size_t cookie_size, uint32_t challenge,
	uint8_t ret_digest[FLI_MD5_BYTES]);
/* Compares in a time that does not depend on where the two differ. */
bool fli_digest_equal(const uint8_t a[FLI_MD5_BYTES], const uint8_t b[FLI_MD5_BYTES]);

#endif
