/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_WIDE_H
#define FLI_WIDE_H

/*
 * Integers that are computed with: more than any counter holds, less than a bignum.
 *
 * Threads: any. Memory: what fl_build takes. Errors: false, for what is no integer or one beyond
 * 127 bits. Limits: 127 bits and a sign.
 */

#include "flitch/term.h"

__extension__ typedef __int128 fli_wide;

bool fli_wide_read(fl_term term, fli_wide *ret_value);
/* FL_OK or buf->error. */
int fli_wide_write(fl_buf *buf, fli_wide value);
/* False: beyond 127 bits. */
static inline bool fli_wide_add(fli_wide a, fli_wide b, fli_wide *ret_sum)
{
	return !__builtin_add_overflow(a, b, ret_sum);
}

#endif
