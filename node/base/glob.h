/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_GLOB_H
#define FLI_GLOB_H

/*
 * Patterns of names: `*` is any number of bytes, `?` is one, anything else is itself.
 *
 * Threads: any. Memory: borrows. Errors: none.
 */

#include <stdbool.h>
#include <stddef.h>

/* The whole text fits the pattern. Takes at most their lengths' product in steps. */
bool fli_glob(const char *pattern, const char *text, size_t size);

#endif
