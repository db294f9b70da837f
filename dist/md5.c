/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD5: OpenSSL's where it has one, and RFC 1321 in our own words where a FIPS provider leaves it
 * out.
 *
 * The built-in code walks the message in blocks of 64 bytes straight from the caller's memory; the
 * last block or two, with the padding and the length in bits, are made in a buffer of their own.
 */
#include "dist/md5.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK_BYTES 64
/* Bytes of a block that are left for the message when the length must fit behind it. */
#define BLOCK_TEXT 56

/* floor(2^32 * abs(sin(i + 1))), RFC 1321 section 3.4 */
static const uint32_t sines[64] = {0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf,
	0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51,
	0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6,
	0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
	0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8,
	0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82,
	0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

static const uint8_t shifts[4][4] = {
	{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The round's function of b, c, d, and which word of the block step i reads. */
static uint32_t mix(unsigned i, const uint32_t v[4], unsigned *ret_word)
{
	uint32_t b = v[1], c = v[2], d = v[3];

	switch (i / 16) {
	case 0: *ret_word = i; return (b & c) | (~b & d);
	case 1: *ret_word = (5 * i + 1) % 16; return (d & b) | (~d & c);
	case 2: *ret_word = (3 * i + 5) % 16; return b ^ c ^ d;
	default: *ret_word = 7 * i % 16; return c ^ (b | ~d);
	}
}

static void take_block(uint32_t state[4], const uint8_t *block)
{
	uint32_t v[4] = {state[0], state[1], state[2], state[3]};

	for (unsigned i = 0; i < 64; i++) {
		unsigned word, shift = shifts[i / 16][i % 4];
		uint32_t sum = mix(i, v, &word) + v[0] + sines[i];

		sum += word_at(block + 4 * word);
		v[0] = v[3];
		v[3] = v[2];
		v[2] = v[1];
		v[1] += sum << shift | sum >> (32 - shift);
	}
	for (unsigned i = 0; i < 4; i++)
		state[i] += v[i];
}

void fli_md5_builtin(const void *bytes, size_t size, uint8_t ret_sum[FLI_MD5_BYTES])
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	uint8_t last[2 * BLOCK_BYTES] = {0};
	const uint8_t *p = bytes;
	size_t rest = size % BLOCK_BYTES;
	size_t last_size = rest < BLOCK_TEXT ? BLOCK_BYTES : 2 * BLOCK_BYTES;

	for (size_t at = 0; at + BLOCK_BYTES <= size; at += BLOCK_BYTES)
		take_block(state, p + at);
	if (rest != 0)
		memcpy(last, p + size - rest, rest);
	last[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		last[last_size - 8 + i] = (uint8_t)((uint64_t)size << 3 >> 8 * i);
	for (size_t at = 0; at < last_size; at += BLOCK_BYTES)
		take_block(state, last + at);
	for (unsigned i = 0; i < FLI_MD5_BYTES; i++)
		ret_sum[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
	explicit_bzero(last, sizeof last);
}

static bool md5_of_openssl(const void *bytes, size_t size, uint8_t ret_sum[FLI_MD5_BYTES])
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned sum_size = 0;
	bool is_ok;

	/* A refusal must not lie in the thread's error queue when TLS code looks there next. */
	(void)ERR_set_mark(); /* without room for a mark, pop_to_mark clears the queue */
	is_ok = EVP_Digest(bytes, size, sum, &sum_size, EVP_md5(), NULL) == 1;
	(void)ERR_pop_to_mark();
	if (!is_ok || sum_size != FLI_MD5_BYTES)
		return false;
	memcpy(ret_sum, sum, FLI_MD5_BYTES);
	return true;
}

void fli_md5(const void *bytes, size_t size, uint8_t ret_sum[FLI_MD5_BYTES])
{
	if (!md5_of_openssl(bytes, size, ret_sum))
		fli_md5_builtin(bytes, size, ret_sum);
}
