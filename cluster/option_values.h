/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_OPTION_VALUES_H
#define FLI_CLUSTER_OPTION_VALUES_H

/*
 * The text of a value, and the number that it means.
 *
 *     "256MiB" -> 268435456     "7s" -> 7000     "strict" -> 1     "true" -> 1
 *
 * Threads: any. Memory: none. Errors: FL_ECONFIG; the text says what would do.
 */

#include <stdint.h>

#include "cluster/option_keys.h"
#include "flitch/error.h"

/* Checks `text` against the row; *ret_number is 0 for TEXT, SECRET and LIST. */
int fli_option_parse(
	const fli_option *option, const char *text, int64_t *ret_number, fl_error *err);

#endif
