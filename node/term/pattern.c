/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/pattern.h"

#include <string.h>

#include "node/term/number.h"
#include "node/term/step.h"

#define FLOAT_TEXT_MAX 100

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

/* Digits with single underscores between them. */
static bool take_digits(const char **p, uint64_t base, uint64_t *ret_value)
{
	const char *at = *p;
	uint64_t value = 0;

	if (digit_of(*at) >= (int)base)
		return false;
	for (;; at++) {
		if (*at == '_' && at > *p && digit_of(at[1]) < (int)base)
			continue;
		if (digit_of(*at) >= (int)base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit_of(*at), &value))
			return false;
	}
	*p = at;
	*ret_value = value;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A float that begins at `start` and whose point is at *p. */
static bool take_float(const char **p, const char *start, double *ret_value)
{
	char text[FLOAT_TEXT_MAX + 1];
	const char *end = *p + 1;
	size_t size = 0;

	while (is_digit(*end) || *end == '_')
		end++;
	if ((*end == 'e' || *end == 'E') &&
		(is_digit(end[1]) || ((end[1] == '-' || end[1] == '+') && is_digit(end[2])))) {
		end += 2;
		while (is_digit(*end))
			end++;
	}
	for (const char *at = start; at < end; at++) {
		if (*at == '_')
			continue;
		if (size == FLOAT_TEXT_MAX)
			return false;
		text[size++] = *at;
	}
	*p = end;
	return fli_double_of_text(text, size, ret_value);
}

static bool take_dollar(const char **p, fli_number *number)
{
	uint32_t c;

	++*p;
	if (**p == '\0' || !fli_pattern_char(p, &c))
		return false;
	number->magnitude = c;
	return true;
}

bool fli_pattern_number(const char **p, fli_number *ret_number)
{
	const char *start;
	uint64_t base;

	*ret_number = (fli_number){.is_negative = **p == '-'};
	if (ret_number->is_negative)
		++*p;
	if (**p == '$')
		return take_dollar(p, ret_number);
	start = *p;
	if (!take_digits(p, 10, &ret_number->magnitude))
		return false;
	if (**p == '.' && is_digit((*p)[1])) {
		ret_number->is_float = true;
		if (!take_float(p, start, &ret_number->real))
			return false;
		if (ret_number->is_negative)
			ret_number->real = -ret_number->real;
		return true;
	}
	if (**p != '#')
		return true;
	base = ret_number->magnitude;
	++*p;
	return base >= 2 && base <= 36 && take_digits(p, base, &ret_number->magnitude);
}

static bool take_octal(const char **p, uint32_t *ret_char)
{
	uint32_t c = 0;

	for (int i = 0; i < 3 && **p >= '0' && **p <= '7'; i++, ++*p)
		c = c * 8 + (uint32_t)(**p - '0');
	*ret_char = c;
	return true;
}

/* After `\x`: two digits, or any number of them in braces. */
static bool take_hex(const char **p, uint32_t *ret_char)
{
	bool is_braced = **p == '{';
	uint32_t c = 0;
	int count = 0;

	*p += is_braced;
	for (; digit_of(**p) < 16 && (is_braced || count < 2) && c <= 0x10ffff; count++, ++*p)
		c = c * 16 + (uint32_t)digit_of(**p);
	*ret_char = c;
	if (is_braced && *(*p)++ != '}')
		return false;
	return count == 2 || (is_braced && count > 0);
}

static bool take_escape(const char **p, uint32_t *ret_char)
{
	static const char names[] = "bdefnrstv";
	static const char values[] = "\b\177\033\f\n\r \t\v";
	const char *name;

	if (**p >= '0' && **p <= '7')
		return take_octal(p, ret_char);
	if (**p == 'x') {
		++*p;
		return take_hex(p, ret_char);
	}
	if (**p == '^') {
		*ret_char = (uint32_t)(*p)[1] & 0x1f;
		*p += 2;
		return (*p)[-1] >= '@' && (*p)[-1] <= '_';
	}
	name = **p == '\0' ? NULL : strchr(names, **p);
	if (name == NULL) {
		size_t used = fli_utf8_decode((const uint8_t *)*p, strnlen(*p, 4), ret_char);

		*p += used;
		return used != 0;
	}
	*ret_char = (uint8_t)values[name - names];
	++*p;
	return true;
}

bool fli_pattern_char(const char **p, uint32_t *ret_char)
{
	uint8_t utf8[FLI_UTF8_SIZE_MAX];
	size_t used;

	if (**p == '\\') {
		++*p;
		return take_escape(p, ret_char) && fli_utf8_encode(*ret_char, utf8) != 0;
	}
	used = fli_utf8_decode((const uint8_t *)*p, strnlen(*p, 4), ret_char);
	*p += used;
	return used != 0;
}

bool fli_pattern_byte(const char **p, uint8_t *ret_byte)
{
	uint32_t c = (uint8_t) * *p;

	if (c == 0)
		return false;
	if (c != '\\')
		++*p;
	else if (!fli_pattern_char(p, &c) || c > 255)
		return false;
	*ret_byte = (uint8_t)c;
	return true;
}

bool fli_pattern_quoted(const char **p, char *buffer, fl_atom *ret_atom)
{
	const char *start = ++*p;
	size_t size = strcspn(start, "\\'");
	uint32_t c;

	if (start[size] == '\'') {
		*ret_atom = (fl_atom){start, size};
		*p += size + 1;
		return true;
	}
	for (size = 0; **p != '\''; size += fli_utf8_encode(c, (uint8_t *)buffer + size))
		if (**p == '\0' || size > FLI_ATOM_BYTES_MAX - FLI_UTF8_SIZE_MAX ||
			!fli_pattern_char(p, &c))
			return false;
	++*p;
	*ret_atom = (fl_atom){buffer, size};
	return true;
}
