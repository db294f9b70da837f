/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schoolbook conversion in words of 32 bits.
 *
 * - To decimal: divide by 10^9 again and again; each remainder is nine digits, the last ones first.
 * - From digits: multiply by the largest power of the base that fits a word, and add.
 *
 * Both are quadratic, which is why the size has a limit. Hexadecimal, the way out for numbers
 * beyond it, is linear in both directions, and so is reading in any base that is a power of two.
 */
#include "node/term/bigint.h"

#include "flitch/error.h"

#define CHUNK 1000000000u
/* More than any decimal number that is printed; the time to read grows with the square. */
#define DIGITS_MAX 200000u

static uint32_t divide(uint32_t *words, size_t count, uint32_t divisor)
{
	uint64_t rest = 0;

	for (size_t i = count; i > 0; i--) {
		rest = rest << 32 | words[i - 1];
		words[i - 1] = (uint32_t)(rest / divisor);
		rest %= divisor;
	}
	return (uint32_t)rest;
}

static uint32_t *words_of(fli_mem *mem, const uint8_t *bytes, size_t size, size_t *ret_count)
{
	size_t count = (size + 3) / 4;
	uint32_t *words = fli_zalloc(mem, (count + 1) * sizeof *words);

	if (words != NULL)
		for (size_t i = 0; i < size; i++)
			words[i / 4] |= (uint32_t)bytes[i] << i % 4 * 8;
	*ret_count = count;
	return words;
}

static void add_decimal(fli_buf *out, const uint32_t *chunks, size_t count)
{
	fli_buf_printf(out, "%u", count == 0 ? 0 : chunks[count - 1]);
	for (size_t i = count; i > 1; i--)
		fli_buf_printf(out, "%09u", chunks[i - 2]);
}

int fli_bigint_decimal(fli_buf *out, const uint8_t *bytes, size_t size)
{
	size_t count, chunk_count = 0;
	uint32_t *words, *chunks;
	int error = FL_ENOMEM;

	if (size > FLI_DECIMAL_BYTES_MAX)
		return FL_ELIMIT;
	words = words_of(out->mem, bytes, size, &count);
	/* 32 bits are 9.63 digits, so a word makes at most 1.08 chunks. */
	chunks = fli_alloc(out->mem, (count + count / 8 + 2) * sizeof *chunks);
	if (words != NULL && chunks != NULL) {
		while (count > 0) {
			if (words[count - 1] == 0)
				count--;
			else
				chunks[chunk_count++] = divide(words, count, CHUNK);
		}
		add_decimal(out, chunks, chunk_count);
		error = FL_OK;
	}
	fli_free(out->mem, chunks);
	fli_free(out->mem, words);
	return error;
}

void fli_bigint_hex(fli_buf *out, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";

	while (size > 1 && bytes[size - 1] == 0)
		size--;
	for (size_t i = size; i > 0 && !out->failed; i--) {
		if (i != size || bytes[i - 1] > 0xf)
			fli_buf_add8(out, (uint8_t)digits[bytes[i - 1] >> 4]);
		fli_buf_add8(out, (uint8_t)digits[bytes[i - 1] & 0xf]);
	}
}

unsigned fli_digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return 36;
}

/* words = words * factor + add; returns how many are in use. */
static size_t multiply_add(uint32_t *words, size_t count, uint32_t factor, uint32_t add)
{
	uint64_t carry = add;

	for (size_t i = 0; i < count; i++) {
		carry += (uint64_t)words[i] * factor;
		words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0)
		words[count++] = (uint32_t)carry;
	return count;
}

/* Digits of one chunk are gathered in a word before the whole number is touched. */
static size_t read_digits(uint32_t *words, const char *digits, size_t count, unsigned base)
{
	uint32_t factor = 1, chunk = 0;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (digits[i] == '_')
			continue;
		chunk = chunk * base + fli_digit_value(digits[i]);
		factor *= base;
		if (factor > UINT32_MAX / 36) {
			used = multiply_add(words, used, factor, chunk);
			factor = 1;
			chunk = 0;
		}
	}
	return factor == 1 ? used : multiply_add(words, used, factor, chunk);
}

/* Bases that are powers of two: the digits are the bits, last digit first. */
static size_t pack_digits(uint32_t *words, const char *digits, size_t count, unsigned bits)
{
	size_t at = 0;

	for (size_t i = count; i > 0; i--) {
		uint64_t value;

		if (digits[i - 1] == '_')
			continue;
		value = (uint64_t)fli_digit_value(digits[i - 1]) << at % 32;
		words[at / 32] |= (uint32_t)value;
		words[at / 32 + 1] |= (uint32_t)(value >> 32);
		at += bits;
	}
	return at / 32 + 1;
}

int fli_bigint_read(fli_buf *out, const char *digits, size_t count, unsigned base)
{
	bool is_packed = (base & (base - 1)) == 0;
	size_t start = out->size, used;
	unsigned bits = 0;
	uint32_t *words;

	while ((1u << bits) < base)
		bits++;
	if (!is_packed && count > DIGITS_MAX)
		return FL_ELIMIT;
	words = fli_zalloc(out->mem, (count * bits / 32 + 2) * sizeof *words);
	if (words == NULL)
		return FL_ENOMEM;
	used = is_packed ? pack_digits(words, digits, count, bits)
			 : read_digits(words, digits, count, base);
	for (size_t i = 0; i < used * 4; i++)
		fli_buf_add8(out, (uint8_t)(words[i / 4] >> i % 4 * 8));
	fli_free(out->mem, words);
	while (out->size > start && out->data[out->size - 1] == 0)
		out->size--;
	return out->failed ? FL_ENOMEM : FL_OK;
}
