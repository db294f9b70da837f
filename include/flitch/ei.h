/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_EI_H
#define FLITCH_EI_H

/*
 * The bridge for code that was written with erl_interface: terms out of messages for ei_decode_*,
 * and answers from an ei_x_buff. The one public header that includes <ei.h>; <flitch.h> does not.
 *
 *     int index;                                            fl_buf buf = FL_BUF_INIT;
 *     const char *bytes = fl_ei_bytes(request, &index);     fl_build_ei(&buf, &x);
 *     ei_decode_long(bytes, &index, &value);                fl_reply(from, "~", fl_buf_term(&buf));
 *
 * ei's decoders take no length. A term that came with a message has been checked as a whole, so
 * they stay inside it as long as the caller follows the term's own shape.
 *
 * Threads: any. Memory: fl_ei_bytes borrows from the term; fl_build_ei copies.
 * Errors: NULL and FL_E* as said. Limits: ei counts in int.
 */

#include <ei.h>
#include <limits.h>

#include "flitch/term.h"

/*
 * The term's bytes for ei_decode_*, without a version byte; *ret_index is where to start. NULL for
 * the rest of a list (fl_copy it first) and for what is too large for an int.
 */
static inline const char *fl_ei_bytes(fl_term term, int *ret_index)
{
	if (term.rest != 0 || term.size > INT_MAX)
		return NULL;
	*ret_index = 0;
	return (const char *)term.data;
}

/* Appends what an ei_x_buff holds, with or without the version byte; FL_EFORMAT when it is no term.
 */
static inline int fl_build_ei(fl_buf *buf, const ei_x_buff *x)
{
	return fl_build_encoded(buf, x->buff, (size_t)x->index);
}

#endif
