/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shortest digits, then the notation.
 *
 * - 1, 2, ... 17 significant digits are tried; the first that reads back as the same number wins.
 *   snprintf gives the decimal nearest to the number. At a power of two the numbers below are twice
 *   as dense, so the nearest decimal may belong to one of them while the next decimal up is ours:
 *   there, that one is tried too.
 * - float_to_list(F, [short]): from 2^53 on always with an exponent; below, whichever notation is
 *   shorter, plain decimals in a draw.
 */
#include "node/term/float_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "node/term/number.h"

#define DIGITS_MAX 17
#define EXPONENT_ONLY 9007199254740992.0 /* 2^53 */
/* Of a number without its sign. */
#define UNSIGNED_MAX (FLI_FLOAT_PRINT_MAX - 1)

/* value = 0.d1d2d3... * 10^point */
typedef struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int point;
} decimal;

/* The digits of "d.ddde-XX"; what stands between the first two is the locale's business. */
static void parse(const char *text, decimal *d)
{
	const char *at = text;

	d->count = 0;
	for (; *at != 'e' && *at != '\0'; at++)
		if (*at >= '0' && *at <= '9' && d->count < DIGITS_MAX)
			d->digits[d->count++] = *at;
	d->point = 1;
	if (*at == 'e') {
		int exponent = 0;

		for (const char *e = at + 2; *e >= '0' && *e <= '9'; e++)
			exponent = exponent * 10 + (*e - '0');
		d->point += at[1] == '-' ? -exponent : exponent;
	}
}

static bool is_value(const decimal *d, double value)
{
	char text[48];
	double read;
	int size = snprintf(text, sizeof text, "%c.%.*se%d", d->digits[0],
		d->count > 1 ? d->count - 1 : 1, d->count > 1 ? d->digits + 1 : "0", d->point - 1);

	return size > 0 && fli_double_of_text(text, (size_t)size, &read) && read == value;
}

/* Adds one to the last digit. */
static void next_up(decimal *d)
{
	int i = d->count - 1;

	while (i >= 0 && d->digits[i] == '9')
		d->digits[i--] = '0';
	if (i >= 0) {
		d->digits[i]++;
		return;
	}
	d->digits[0] = '1';
	d->point++;
}

static void find_shortest(double value, decimal *d)
{
	int exponent;
	bool is_power_of_two = frexp(value, &exponent) == 0.5;
	char text[48];

	for (int precision = 0; precision < DIGITS_MAX; precision++) {
		(void)snprintf(text, sizeof text, "%.*e", precision, value); /* always fits */
		parse(text, d);
		if (is_value(d, value))
			break;
		if (!is_power_of_two)
			continue;
		next_up(d);
		if (is_value(d, value))
			break;
	}
	while (d->count > 1 && d->digits[d->count - 1] == '0')
		d->count--;
}

static int exponent_notation(const decimal *d, char *text)
{
	return snprintf(text, UNSIGNED_MAX, "%c.%.*se%d", d->digits[0],
		d->count > 1 ? d->count - 1 : 1, d->count > 1 ? d->digits + 1 : "0", d->point - 1);
}

/* `d` has its point within 22 places, so that the text fits. */
static int plain_notation(const decimal *d, char *text)
{
	static const char zeros[] = "0000000000000000000000";

	if (d->point <= 0)
		return snprintf(
			text, UNSIGNED_MAX, "0.%.*s%.*s", -d->point, zeros, d->count, d->digits);
	if (d->point >= d->count)
		return snprintf(text, UNSIGNED_MAX, "%.*s%.*s.0", d->count, d->digits,
			d->point - d->count, zeros);
	return snprintf(text, UNSIGNED_MAX, "%.*s.%.*s", d->point, d->digits, d->count - d->point,
		d->digits + d->point);
}

size_t fli_float_print(double value, char ret_text[static FLI_FLOAT_PRINT_MAX])
{
	char plain[UNSIGNED_MAX], *text = ret_text;
	decimal d;
	int size, plain_size;

	if (signbit(value))
		*text++ = '-';
	value = fabs(value);
	if (value == 0) {
		memcpy(text, "0.0", sizeof "0.0");
		return (size_t)(text - ret_text) + 3;
	}
	find_shortest(value, &d);
	size = exponent_notation(&d, text);
	if (value < EXPONENT_ONLY && d.point > -6) {
		plain_size = plain_notation(&d, plain);
		if (plain_size <= size) {
			memcpy(text, plain, (size_t)plain_size + 1);
			size = plain_size;
		}
	}
	return (size_t)(text - ret_text) + (size_t)size;
}
