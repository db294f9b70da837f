/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/utf8.h"

#define CHAR_MAX_UNICODE 0x10ffff

static bool is_char(uint32_t c)
{
	return c <= CHAR_MAX_UNICODE && (c < 0xd800 || c > 0xdfff);
}

/* How long a character with that first byte is, and the least that may be written so long. */
static size_t length_of(uint8_t first, uint32_t *ret_bits, uint32_t *ret_min)
{
	if (first >= 0xc2 && first <= 0xdf) {
		*ret_bits = first & 0x1f;
		*ret_min = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*ret_bits = first & 0x0f;
		*ret_min = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*ret_bits = first & 0x07;
		*ret_min = 0x10000;
		return 4;
	}
	return 0;
}

size_t fli_utf8_decode(const uint8_t *bytes, size_t size, uint32_t *ret_char)
{
	uint32_t c = 0, min = 0;
	size_t length;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_char = bytes[0];
		return 1;
	}
	length = length_of(bytes[0], &c, &min);
	if (length == 0 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if (c < min || !is_char(c))
		return 0;
	*ret_char = c;
	return length;
}

size_t fli_utf8_encode(uint32_t c, uint8_t *ret_bytes)
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (!is_char(c))
		return 0;
	if (c < 0x80) {
		ret_bytes[0] = (uint8_t)c;
		return 1;
	}
	for (size_t i = length; i-- > 1; c >>= 6)
		ret_bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
	ret_bytes[0] = (uint8_t)(lead[length] | c);
	return length;
}
