/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_CODE_H
#define FLI_TESTS_OTP_CODE_H

/*
 * Between the wire and canonical terms, with the atom caches of one connection.
 *
 *     in:  header --> otp_cache_read --> references --> otp_decode --> canonical
 *     out: canonical, canonical --> otp_refs_collect --> header, otp_encode
 *
 * Memory: caches own their atoms. Errors: decoding says false on anything unsound; then the
 * connection must end, as it does with OTP.
 */

#include "tests/sim/otp_term.h"

#define OTP_CACHE_SLOTS 2048
#define OTP_REFS_MAX 255

typedef struct otp_cache {
	otp_term atoms[OTP_CACHE_SLOTS]; /* canonical; none: never set */
} otp_cache;

/* The atoms of one header, by the numbers that terms use. */
typedef struct otp_refs {
	otp_term atoms[OTP_REFS_MAX]; /* borrowed from the cache */
	uint16_t slots[OTP_REFS_MAX];
	bool is_new[OTP_REFS_MAX];
	unsigned count;
} otp_refs;

typedef struct otp_bytes {
	const uint8_t *at;
	size_t left;
} otp_bytes;

void otp_cache_free(otp_cache *cache);

/* Reads what follows `131 68`: the count, the flags, the atoms. */
bool otp_cache_read(otp_cache *cache, otp_bytes *in, otp_refs *ret_refs);
/* One term; what it takes is taken from `in`. */
bool otp_decode(otp_bytes *in, const otp_refs *refs, otp_buf *out);

/* Gives the atoms of `term` numbers, until the header is full. */
void otp_refs_collect(otp_cache *cache, otp_refs *refs, otp_term term);
void otp_refs_write(const otp_refs *refs, otp_buf *out);
void otp_encode(otp_term term, const otp_refs *refs, otp_buf *out);

#endif
