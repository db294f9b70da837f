/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 against RFC 1321 and against OpenSSL's, and the handshake's digest made of it. */
#include <stdio.h>
#include <string.h>

#include "dist/digest.h"
#include "tests/support/suite.h"

static const struct {
	const char *text;
	const char *sum;
} vectors[] = {
	{"", "d41d8cd98f00b204e9800998ecf8427e"},
	{"a", "0cc175b9c0f1b6a831c399e269772661"},
	{"abc", "900150983cd24fb0d6963f7d28e17f72"},
	{"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
	{"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
	{"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		"57edf4a22be3c955ac49da2e2107b67a"},
};

static const char *hex(const uint8_t sum[FLI_MD5_BYTES])
{
	static char text[2 * FLI_MD5_BYTES + 1];

	for (size_t i = 0; i < FLI_MD5_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", sum[i]);
	return text;
}

static void rfc_vectors_hold_for_both_codes(void)
{
	uint8_t sum[FLI_MD5_BYTES];

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		fli_md5(vectors[i].text, strlen(vectors[i].text), sum);
		CU_ASSERT_STRING_EQUAL(hex(sum), vectors[i].sum);
		fli_md5_builtin(vectors[i].text, strlen(vectors[i].text), sum);
		CU_ASSERT_STRING_EQUAL(hex(sum), vectors[i].sum);
	}
}

static void built_in_agrees_at_every_size_around_the_blocks(void)
{
	uint8_t text[300], ours[FLI_MD5_BYTES], theirs[FLI_MD5_BYTES];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 7 + 3);
	for (size_t size = 0; size <= sizeof text; size++) {
		fli_md5(text, size, theirs);
		fli_md5_builtin(text, size, ours);
		CU_ASSERT(memcmp(ours, theirs, sizeof ours) == 0);
	}
}

static void digest_is_of_cookie_and_decimal_challenge(void)
{
	uint8_t digest[FLI_MD5_BYTES], plain[FLI_MD5_BYTES];

	fli_digest("secret", 6, 4294967295u, digest);
	fli_md5("secret4294967295", 16, plain);
	CU_ASSERT(memcmp(digest, plain, sizeof digest) == 0);
	fli_digest("secret", 6, 0, digest);
	fli_md5("secret0", 7, plain);
	CU_ASSERT(memcmp(digest, plain, sizeof digest) == 0);
}

static void longest_cookie_has_room(void)
{
	char cookie[FLI_COOKIE_BYTES_MAX + 10];
	uint8_t digest[FLI_MD5_BYTES], plain[FLI_MD5_BYTES];

	memset(cookie, 'c', sizeof cookie);
	fli_digest(cookie, FLI_COOKIE_BYTES_MAX, 4294967295u, digest);
	memcpy(cookie + FLI_COOKIE_BYTES_MAX, "4294967295", 10);
	fli_md5(cookie, sizeof cookie, plain);
	CU_ASSERT(memcmp(digest, plain, sizeof digest) == 0);
}

static void compare_sees_every_bit(void)
{
	uint8_t a[FLI_MD5_BYTES] = {0}, b[FLI_MD5_BYTES] = {0};

	CU_ASSERT(fli_digest_equal(a, b));
	for (unsigned bit = 0; bit < 8 * FLI_MD5_BYTES; bit++) {
		b[bit / 8] = (uint8_t)(1u << bit % 8);
		CU_ASSERT(!fli_digest_equal(a, b));
		b[bit / 8] = 0;
	}
}

FL_SUITE("md5", FL_TEST(rfc_vectors_hold_for_both_codes),
	FL_TEST(built_in_agrees_at_every_size_around_the_blocks),
	FL_TEST(digest_is_of_cookie_and_decimal_challenge), FL_TEST(longest_cookie_has_room),
	FL_TEST(compare_sees_every_bit));
