/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_NUMBER_H
#define FLI_TERM_NUMBER_H

/*
 * Numbers written as text.
 *
 * Threads: any. Memory: none. Errors: false.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * A decimal float such as "-1.5e+03": digits on both sides of the point, an optional exponent,
 * finite. Text ends at the first NUL or at `size`; the locale does not matter.
 */
bool fli_double_of_text(const char *text, size_t size, double *ret_value);

#endif
