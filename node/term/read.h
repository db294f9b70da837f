/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_READ_H
#define FLI_TERM_READ_H

/*
 * The parts of the reader of Erlang notation: each takes one kind of literal off the text and
 * appends its encoding.
 *
 *     text ------------ at ------------------ size
 *     |    read         |    to come          |
 *
 * Threads: one at a time. Memory: `out` is the caller's buffer, `chars` scratch of the reader.
 * Errors: false, with `error` and the person's text set, `at` wherever it was. Limits: those of the
 * format (atoms 255 characters, arity 2^24 - 1) and of fli_bigint_read.
 */

#include "flitch/term.h"
#include "node/base/buf.h"

typedef struct fli_reader {
	const char *text;
	size_t size;
	size_t at;
	fli_buf out;
	fli_buf chars; /* UTF-8, of the last quoted text or atom */
	fli_buf stack;
	fl_error *err;
	int error;
} fli_reader;

/* Says "line:column: ..." of the place `at`, and returns false. */
bool fli_read_fail(fli_reader *r, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Out of memory, or a limit: no place in the text is to blame. */
bool fli_read_fail_code(fli_reader *r, int code);

/* The byte `ahead` of the place, or 0 at the end. */
char fli_read_peek(const fli_reader *r, size_t ahead);
void fli_read_space(fli_reader *r);
/* Moves past `text` when it is next. */
bool fli_read_skip(fli_reader *r, const char *text);

/* '...' or "..." with its escapes, appended to `chars`. */
bool fli_read_quoted(fli_reader *r);
/* One character, or an escape behind its backslash, decoded. */
bool fli_read_char(fli_reader *r, uint32_t *ret_char);
/* A bare or quoted atom; it stays valid until `chars` changes. */
bool fli_read_atom(fli_reader *r, fl_atom *ret_atom);
bool fli_read_string(fli_reader *r);

/* Digits of any size, $c, base#digits; the magnitude goes to `chars`, little-endian. */
bool fli_read_magnitude(fli_reader *r, bool *ret_negative);
bool fli_read_number(fli_reader *r);

bool fli_read_binary(fli_reader *r);
bool fli_read_pid(fli_reader *r);
bool fli_read_ref(fli_reader *r);
bool fli_read_port(fli_reader *r);
bool fli_read_fun(fli_reader *r);

#endif
