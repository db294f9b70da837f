/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of the handshake: MD5 over the cookie and the challenge in decimal.
 */
#include "tests/sim/otp_digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void otp_digest(const char *cookie, uint32_t challenge, uint8_t *ret_digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char number[16];
	int size = snprintf(number, sizeof number, "%u", challenge);

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_md5(), NULL) != 1 ||
		EVP_DigestUpdate(ctx, cookie, strlen(cookie)) != 1 ||
		EVP_DigestUpdate(ctx, number, (size_t)size) != 1 ||
		EVP_DigestFinal_ex(ctx, ret_digest, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}
