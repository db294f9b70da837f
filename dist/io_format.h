/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_IO_FORMAT_H
#define FLI_DIST_IO_FORMAT_H

/*
 * Text out of Erlang terms: chardata flattened to UTF-8, and io_lib:format.
 *
 *     fli_io_chars(out, ["a", [252], <<"b">>])        aüb
 *     fli_io_format(out, "~p is ~5.2f~n", [x, 1.5])   x is  1.50
 *
 * Directives: ~ c f e g s w W p P b B x X + # n i, with width, precision and pad, numbers or `*`,
 * and the modifiers t l k K. ~p writes on one line, and, as ~w does, in the node's own notation.
 *
 * Threads: any. Memory: appends to the buffer. Errors: false for what is no chardata, no format, or
 * does not fit the arguments; `out` then holds what came before. Limits: lists nested
 * FLI_IO_DEPTH_MAX deep; the buffer's size_max; widths of FLI_IO_WIDTH_MAX.
 */

#include "flitch/term.h"
#include "node/base/buf.h"

enum { FLI_IO_DEPTH_MAX = 64, FLI_IO_WIDTH_MAX = 1024 };

/* Binaries are UTF-8, or Latin-1 where `is_latin1`. */
bool fli_io_chars(fli_buf *out, fl_term chars, bool is_latin1);
bool fli_io_format(fli_buf *out, fl_term format, fl_term args);
/* The characters of UTF-8 text. */
size_t fli_io_width(const uint8_t *text, size_t size);

#endif
