/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <<1,2,"abc",3:4,"x"/utf8>>: integers of 8 or of a given number of bits, and strings.
 *
 *     whole bytes in `bits` | the last one, filled from its top |
 *
 * An integer keeps its low bits, as in Erlang. Other types and units are refused.
 */
#include "node/term/read.h"

#include "node/term/bigint.h"
#include "node/term/tag.h"
#include "node/term/utf8.h"

/* A bound on what a few characters of text may ask for. */
#define SEGMENT_BITS_MAX (1u << 20)

typedef struct bit_writer {
	fli_buf bytes;
	unsigned last_bits; /* in use in the last byte; 0 when it is full */
} bit_writer;

static void add_bit(bit_writer *w, bool bit)
{
	if (w->last_bits == 0)
		fli_buf_add8(&w->bytes, 0);
	if (w->bytes.failed)
		return;
	if (bit)
		w->bytes.data[w->bytes.size - 1] |= (uint8_t)(0x80u >> w->last_bits);
	w->last_bits = (w->last_bits + 1) % 8;
}

static void add_byte(bit_writer *w, uint8_t byte)
{
	if (w->last_bits == 0) {
		fli_buf_add8(&w->bytes, byte);
		return;
	}
	for (int i = 7; i >= 0; i--)
		add_bit(w, (byte >> i & 1) != 0);
}

/* magnitude - 1, whose complement is the negative number's bits. */
static void decrement(fli_buf *magnitude)
{
	for (size_t i = 0; i < magnitude->size; i++)
		if (magnitude->data[i]-- != 0)
			return;
}

static void add_integer(bit_writer *w, fli_buf *magnitude, bool negative, uint32_t bits)
{
	negative = negative && magnitude->size > 0;
	if (negative)
		decrement(magnitude);
	for (uint32_t i = bits; i > 0; i--) {
		size_t byte = (i - 1) / 8;
		bool bit =
			byte < magnitude->size && (magnitude->data[byte] >> (i - 1) % 8 & 1) != 0;

		add_bit(w, bit != negative);
	}
}

static bool read_size(fli_reader *r, uint32_t *ret_bits)
{
	size_t start = r->at;
	uint32_t bits = 0;

	while (fli_digit_value(fli_read_peek(r, 0)) < 10 && bits <= SEGMENT_BITS_MAX)
		bits = bits * 10 + fli_digit_value(r->text[r->at++]);
	if (r->at == start || bits > SEGMENT_BITS_MAX)
		return fli_read_fail(
			r, start, "not a size in bits, or more than %u", SEGMENT_BITS_MAX);
	*ret_bits = bits;
	return true;
}

/* An integer, with an optional size; its type can only be the default. */
static bool read_integer(fli_reader *r, bit_writer *w)
{
	uint32_t bits = 8;
	bool negative;

	if (!fli_read_magnitude(r, &negative))
		return false;
	fli_read_space(r);
	if (fli_read_skip(r, ":") && !read_size(r, &bits))
		return false;
	if (fli_read_skip(r, "/utf8"))
		return fli_read_fail(r, r->at, "/utf8 belongs behind a string");
	(void)fli_read_skip(r, "/integer");
	add_integer(w, &r->chars, negative, bits);
	return true;
}

static bool read_string(fli_reader *r, bit_writer *w)
{
	size_t start = r->at, size;
	bool is_utf8;
	uint32_t c = 0;

	r->chars.size = 0;
	do {
		if (!fli_read_quoted(r))
			return false;
		fli_read_space(r);
	} while (fli_read_peek(r, 0) == '"');
	is_utf8 = fli_read_skip(r, "/utf8");
	for (size_t at = 0; at < r->chars.size; at += size) {
		size = fli_utf8_decode(r->chars.data + at, r->chars.size - at, &c);
		for (size_t i = 0; is_utf8 && i < size; i++)
			add_byte(w, r->chars.data[at + i]);
		if (!is_utf8 && c > UINT8_MAX) {
			(void)fli_read_fail(r, start, "a character that does not fit a byte");
			fl_error_next(r->err, "write <<\"...\"/utf8>>");
			return false;
		}
		if (!is_utf8)
			add_byte(w, (uint8_t)c);
	}
	return true;
}

static void write_bits(fli_buf *out, const bit_writer *w)
{
	fli_buf_add8(out, w->last_bits == 0 ? FLI_BINARY_EXT : FLI_BIT_BINARY_EXT);
	fli_buf_add32(out, (uint32_t)w->bytes.size);
	if (w->last_bits != 0)
		fli_buf_add8(out, (uint8_t)w->last_bits);
	fli_buf_add(out, w->bytes.data, w->bytes.size);
}

static bool read_segments(fli_reader *r, bit_writer *w)
{
	size_t start = r->at;

	fli_read_space(r);
	if (fli_read_skip(r, ">>"))
		return true;
	do {
		fli_read_space(r);
		if (fli_read_peek(r, 0) == '"' ? !read_string(r, w) : !read_integer(r, w))
			return false;
		fli_read_space(r);
	} while (fli_read_skip(r, ","));
	if (fli_read_skip(r, ">>"))
		return true;
	(void)fli_read_fail(r, r->at, "expected ',' or \">>\" inside a binary");
	fl_error_why(r->err, "the binary that starts at byte %zu is not closed here", start);
	fl_error_next(r->err, "segments are integers, integer:bits, \"string\", \"string\"/utf8");
	return false;
}

bool fli_read_binary(fli_reader *r)
{
	bit_writer w = {.last_bits = 0};
	bool ok;

	fli_buf_create(&w.bytes, r->out.mem, UINT32_MAX);
	ok = read_segments(r, &w);
	if (ok && w.bytes.failed)
		ok = fli_read_fail_code(r, FL_ENOMEM);
	if (ok)
		write_bits(&r->out, &w);
	fli_buf_destroy(&w.bytes);
	return ok;
}
