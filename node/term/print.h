/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_PRINT_H
#define FLI_TERM_PRINT_H

/*
 * Terms as text, into a buffer of the runtime.
 *
 * Threads: one buffer, one thread. Memory: the buffer's allocator; what fails leaves a part of the
 * text there. Errors: FL_ENOMEM (also past the buffer's size_max), FL_EFORMAT. Limits: integers of
 * more than FLI_DECIMAL_BYTES_MAX bytes are written in base 16.
 */

#include "node/base/buf.h"
#include "node/term/item.h"

/* Pids, ports and references get "/Creation", so that reading them gives the very same term. */
#define FLI_PRINT_CREATION 1u

int fli_print(fli_buf *out, fl_term term, unsigned flags);

/* The parts, in print_leaf.c: none of them looks at children. */
void fli_print_atom(fli_buf *out, fl_atom atom);
int fli_print_integer(fli_buf *out, const fli_integer *integer);
void fli_print_float(fli_buf *out, double value);
void fli_print_bits(fli_buf *out, const fli_bits *bits);
void fli_print_fun(fli_buf *out, const fli_fun *fun);
void fli_print_pid(fli_buf *out, const fl_pid *pid, unsigned flags);
void fli_print_ref(fli_buf *out, const fl_ref *ref, unsigned flags);
void fli_print_port(fli_buf *out, const fl_port *port, unsigned flags);
/* What may stand in a "string": what io:printable_range() calls unicode. */
bool fli_is_printable(uint32_t c);
/* A character of "..." or '...', escaped as io_lib does. */
void fli_print_char(fli_buf *out, uint32_t c, uint8_t quote);

#endif
