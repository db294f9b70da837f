/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/number.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More digits than any double needs; longer literals are refused. */
#define TEXT_SIZE_MAX 128

static size_t digits(const char *text, size_t at)
{
	while (text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

/* Where the point stands in `[+-]digits.digits[e[+-]digits]`, or 0 when the text is not that. */
static size_t point_of(const char *text)
{
	size_t start = text[0] == '-' || text[0] == '+', point = digits(text, start), at, end;

	if (point == start || text[point] != '.')
		return 0;
	at = digits(text, point + 1);
	if (at == point + 1)
		return 0;
	if (text[at] == 'e' || text[at] == 'E') {
		at += text[at + 1] == '-' || text[at + 1] == '+' ? 2 : 1;
		end = digits(text, at);
		if (end == at)
			return 0;
		at = end;
	}
	return text[at] == '\0' ? point : 0;
}

bool fli_double_of_text(const char *text, size_t size, double *ret_value)
{
	const char *radix = nl_langinfo(RADIXCHAR);
	size_t radix_size = strlen(radix), point;
	char copy[TEXT_SIZE_MAX + 16];
	double value;

	size = strnlen(text, size);
	if (size > TEXT_SIZE_MAX || radix_size == 0 || radix_size > 8)
		return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	point = point_of(copy);
	if (point == 0)
		return false;
	/* strtod reads the point of the locale that the embedding program has set. */
	memmove(copy + point + radix_size, copy + point + 1, size - point);
	memcpy(copy + point, radix, radix_size);
	value = strtod(copy, NULL);
	if (!isfinite(value))
		return false;
	*ret_value = value;
	return true;
}
