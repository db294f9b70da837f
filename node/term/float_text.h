/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_FLOAT_TEXT_H
#define FLI_TERM_FLOAT_TEXT_H

/*
 * A float as OTP writes it: the shortest digits that read back as the same number.
 *
 * Threads: any; the locale does not matter. Memory: none. Errors: none; the number is finite.
 */

#include <stddef.h>

#define FLI_FLOAT_PRINT_MAX 32

/* Writes the text, terminated, and returns its length. */
size_t fli_float_print(double value, char ret_text[static FLI_FLOAT_PRINT_MAX]);

#endif
