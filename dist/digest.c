/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake's digest (erl_dist_protocol, "Distribution Handshake", gen_digest):
 * MD5 of the cookie's bytes and the challenge in decimal, unsigned and without padding.
 */
#include "dist/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/base/mem.h"

/* "4294967295" and a NUL */
#define DECIMAL_SIZE 11

void fli_digest(const void *cookie, size_t cookie_size, uint32_t challenge,
	uint8_t ret_digest[FLI_MD5_BYTES])
{
	char text[FLI_COOKIE_BYTES_MAX + DECIMAL_SIZE];
	int digits;

	fl_assert(cookie_size <= FLI_COOKIE_BYTES_MAX);
	if (cookie_size != 0)
		memcpy(text, cookie, cookie_size);
	digits = snprintf(text + cookie_size, DECIMAL_SIZE, "%" PRIu32, challenge);
	fl_assert(digits > 0 && digits < DECIMAL_SIZE);
	fli_md5(text, cookie_size + (size_t)digits, ret_digest);
	explicit_bzero(text, sizeof text);
}

bool fli_digest_equal(const uint8_t a[FLI_MD5_BYTES], const uint8_t b[FLI_MD5_BYTES])
{
	volatile uint8_t differs = 0; /* volatile: the compiler must not leave the loop early */

	for (size_t i = 0; i < FLI_MD5_BYTES; i++)
		differs = (uint8_t)(differs | (a[i] ^ b[i]));
	return differs == 0;
}
