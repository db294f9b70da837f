/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_BIGINT_H
#define FLI_TERM_BIGINT_H

/*
 * Big integers between their little-endian bytes and digits of a text.
 *
 * Threads: any. Memory: what is appended belongs to the buffer; working space comes from its
 * allocator. Errors: FL_ENOMEM, FL_ELIMIT. Limits: decimal conversion takes time that grows with
 * the square of the size, so it ends at FLI_DECIMAL_BYTES_MAX; bases that are powers of two have no
 * limit.
 */

#include "node/base/buf.h"

/* 157,826 decimal digits: a fraction of a second. */
#define FLI_DECIMAL_BYTES_MAX (64u * 1024)

/* Appends the decimal digits of `size` little-endian bytes; at most FLI_DECIMAL_BYTES_MAX. */
int fli_bigint_decimal(fli_buf *out, const uint8_t *bytes, size_t size);
/* Appends them as hexadecimal digits, of any number. */
void fli_bigint_hex(fli_buf *out, const uint8_t *bytes, size_t size);

/*
 * Appends the little-endian bytes, without leading zeros, of `count` digits in that base, 2 to 36.
 * Underscores between digits are skipped; each character is a digit of the base or one of these.
 */
int fli_bigint_read(fli_buf *out, const char *digits, size_t count, unsigned base);

/* 0 to 35, or 36 for what is no digit. */
unsigned fli_digit_value(char c);

#endif
