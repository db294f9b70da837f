/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_WRITE_H
#define FLI_TERM_WRITE_H

/*
 * Writers of single items into an fli_buf, in the smallest form that every OTP release takes.
 *
 * Threads: one buffer, one thread. Errors: sticky in the buffer; what has no external form (an
 * infinite float, an atom over 1020 bytes, a binary over 4 GiB) fails it too. Limits: those.
 */

#include "flitch/term.h"
#include "node/base/buf.h"

void fli_write_tuple(fli_buf *buf, uint32_t arity);
void fli_write_list(fli_buf *buf, uint32_t length); /* the tail still has to follow */
void fli_write_map(fli_buf *buf, uint32_t pairs);
void fli_write_nil(fli_buf *buf);
void fli_write_atom(fli_buf *buf, fl_atom atom);
void fli_write_int(fli_buf *buf, int64_t value);
void fli_write_uint(fli_buf *buf, uint64_t value);
void fli_write_double(fli_buf *buf, double value); /* finite; otherwise the buffer fails */
void fli_write_binary(fli_buf *buf, const void *bytes, size_t size);
void fli_write_string(fli_buf *buf, const char *text); /* a charlist */
void fli_write_pid(fli_buf *buf, const fl_pid *pid);
void fli_write_ref(fli_buf *buf, const fl_ref *ref);
void fli_write_port(fli_buf *buf, const fl_port *port);
/* The header that the rest of a list lacks; nothing for other terms. */
void fli_write_rest_header(fli_buf *buf, fl_term term);
static inline void fli_write_term(fli_buf *buf, fl_term term)
{
	if (FLI_UNLIKELY(term.rest != 0))
		fli_write_rest_header(buf, term);
	fli_buf_add(buf, term.data, term.size);
}

/* fl_build straight into `buf`: FL_OK, or the failure; then nothing has been appended. */
int fli_build_values(fli_buf *buf, const char *pattern, const fl_value *values, size_t count);

#endif
