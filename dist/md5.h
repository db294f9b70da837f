/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_MD5_H
#define FLI_DIST_MD5_H

/*
 * MD5 of a byte string. The handshake of Erlang nodes is made of it; it protects nothing else here.
 *
 * Threads: any. Memory: none of ours. Errors: none: where OpenSSL refuses MD5 (a FIPS provider) or
 * runs out of memory, the built-in code answers.
 */

#include <stddef.h>
#include <stdint.h>

#define FLI_MD5_BYTES 16

void fli_md5(const void *bytes, size_t size, uint8_t ret_sum[FLI_MD5_BYTES]);
/* The built-in code alone (RFC 1321). */
void fli_md5_builtin(const void *bytes, size_t size, uint8_t ret_sum[FLI_MD5_BYTES]);

#endif
