/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers of any size and base, characters as $c, floats.
 *
 * A number is digits with single underscores between them. A '#' behind 2 to 36 makes them the base
 * of what follows; a point with a digit behind it makes a float. Letters or digits that touch the
 * number are an error, so that 12ab is not read as 12.
 */
#include "node/term/read.h"

#include "node/term/bigint.h"
#include "node/term/number.h"
#include "node/term/tag.h"
#include "node/term/write.h"

#define FLOAT_TEXT_MAX 128

/* Takes digits of that base and underscores between them; false when there are none. */
static bool skip_digits(fli_reader *r, unsigned base)
{
	size_t start = r->at;

	while (fli_digit_value(fli_read_peek(r, 0)) < base ||
		(r->at > start && fli_read_peek(r, 0) == '_' && r->text[r->at - 1] != '_' &&
			fli_digit_value(fli_read_peek(r, 1)) < base))
		r->at++;
	return r->at > start;
}

static bool fail_number(fli_reader *r, size_t at)
{
	(void)fli_read_fail(r, at, "not a number");
	fl_error_next(r->err, "write 12, -7, 1_000, 16#ff, $a or 1.5e3");
	return false;
}

static bool check_end(fli_reader *r, size_t start)
{
	char c = fli_read_peek(r, 0);

	return (fli_digit_value(c) == 36 && c != '_' && c != '@' && c != '#') ||
	       fail_number(r, start);
}

static bool read_base(fli_reader *r, size_t start, unsigned *ret_base)
{
	unsigned base = 0;

	for (size_t i = start; i < r->at && base <= 36; i++)
		if (r->text[i] != '_')
			base = base * 10 + fli_digit_value(r->text[i]);
	if (base < 2 || base > 36) {
		(void)fli_read_fail(r, start, "a base must be from 2 to 36");
		return false;
	}
	r->at++;
	*ret_base = base;
	return true;
}

static bool read_char_value(fli_reader *r)
{
	uint32_t c;

	if (!fli_read_char(r, &c))
		return false;
	for (; c != 0; c >>= 8)
		fli_buf_add8(&r->chars, (uint8_t)c);
	return true;
}

bool fli_read_magnitude(fli_reader *r, bool *ret_negative)
{
	size_t start = r->at, digits;
	unsigned base = 10;
	int error;

	*ret_negative = fli_read_peek(r, 0) == '-';
	if (*ret_negative || fli_read_peek(r, 0) == '+')
		r->at++;
	r->chars.size = 0;
	if (fli_read_skip(r, "$"))
		return read_char_value(r);
	digits = r->at;
	if (!skip_digits(r, base))
		return fail_number(r, start);
	if (fli_read_peek(r, 0) == '#') {
		if (!read_base(r, digits, &base))
			return false;
		digits = r->at;
		if (!skip_digits(r, base))
			return fail_number(r, start);
	}
	error = fli_bigint_read(&r->chars, r->text + digits, r->at - digits, base);
	if (error != FL_OK)
		return fli_read_fail_code(r, error);
	return check_end(r, start);
}

static void write_integer(fli_buf *out, const fli_buf *bytes, bool negative)
{
	uint64_t magnitude = 0;

	for (size_t i = bytes->size; i > 0 && bytes->size <= 8; i--)
		magnitude = magnitude << 8 | bytes->data[i - 1];
	if (bytes->size <= 8 && !negative) {
		fli_write_uint(out, magnitude);
	} else if (bytes->size <= 8 && magnitude <= INT64_MAX) {
		fli_write_int(out, -(int64_t)magnitude);
	} else if (bytes->size <= UINT8_MAX) {
		fli_buf_add8(out, FLI_SMALL_BIG_EXT);
		fli_buf_add8(out, (uint8_t)bytes->size);
		fli_buf_add8(out, negative);
		fli_buf_add(out, bytes->data, bytes->size);
	} else {
		fli_buf_add8(out, FLI_LARGE_BIG_EXT);
		fli_buf_add32(out, (uint32_t)bytes->size);
		fli_buf_add8(out, negative);
		fli_buf_add(out, bytes->data, bytes->size);
	}
}

/* Behind the point of "[-+]digits.digit", whose sign is at `start`. */
static bool read_float(fli_reader *r, size_t start)
{
	char text[FLOAT_TEXT_MAX];
	size_t size = 0;
	double value;

	(void)skip_digits(r, 10); /* one is known to be there */
	if (fli_read_peek(r, 0) == 'e' || fli_read_peek(r, 0) == 'E') {
		char sign = fli_read_peek(r, 1);

		r->at += sign == '-' || sign == '+' ? 2 : 1;
		if (!skip_digits(r, 10))
			return fail_number(r, start);
	}
	for (size_t i = start; i < r->at && size < sizeof text; i++)
		if (r->text[i] != '_')
			text[size++] = r->text[i];
	if (size == sizeof text || !fli_double_of_text(text, size, &value)) {
		(void)fli_read_fail(r, start, "a float that cannot be represented");
		fl_error_why(r->err, "its exponent is too large, or it has too many digits");
		return false;
	}
	fli_write_double(&r->out, value);
	return check_end(r, start);
}

/* True when a float starts here; the place is then behind its point. */
static bool skip_point(fli_reader *r)
{
	size_t start = r->at;
	char c = fli_read_peek(r, 0);

	if (c == '-' || c == '+')
		r->at++;
	if (skip_digits(r, 10) && fli_read_peek(r, 0) == '.' &&
		fli_digit_value(fli_read_peek(r, 1)) < 10) {
		r->at++;
		return true;
	}
	r->at = start;
	return false;
}

bool fli_read_number(fli_reader *r)
{
	size_t start = r->at;
	bool negative;

	if (skip_point(r))
		return read_float(r, start);
	if (!fli_read_magnitude(r, &negative))
		return false;
	if (r->chars.failed || r->chars.size > UINT32_MAX)
		return fli_read_fail_code(r, FL_ENOMEM);
	write_integer(&r->out, &r->chars, negative);
	return true;
}
