/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_UTF8_H
#define FLI_TERM_UTF8_H

/*
 * UTF-8 as Erlang has it: no surrogates, no overlong forms, nothing above 10FFFF.
 *
 * Threads: any. Memory: none. Errors: 0.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FLI_UTF8_SIZE_MAX 4

/* The bytes that the first character takes, or 0 when it is none. */
size_t fli_utf8_decode(const uint8_t *bytes, size_t size, uint32_t *ret_char);
/* Writes up to 4 bytes and returns how many; 0 when `c` is no character. */
size_t fli_utf8_encode(uint32_t c, uint8_t *ret_bytes);

/* In words; the last one overlaps the one before, so that few bytes are left to look at singly. */
static inline bool fli_is_ascii(const uint8_t *bytes, size_t size)
{
	const uint8_t *end;
	uint64_t seen = 0, eight;
	uint32_t four, last;

	if (size == 0)
		return true; /* and `bytes` may be NULL */
	end = bytes + size;

	if (size >= sizeof eight) {
		for (; end - bytes > 8; bytes += 8) {
			memcpy(&eight, bytes, sizeof eight);
			seen |= eight;
		}
		memcpy(&eight, end - 8, sizeof eight);
		seen |= eight;
	} else if (size >= sizeof four) {
		memcpy(&four, bytes, sizeof four);
		memcpy(&last, end - 4, sizeof last);
		seen = four | last;
	} else {
		while (bytes < end)
			seen |= *bytes++;
	}
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

#endif
