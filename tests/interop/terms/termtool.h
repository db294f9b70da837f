/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_TERMTOOL_H
#define FLI_TESTS_TERMTOOL_H

/*
 * The parts of termtool: terms taken apart by the public interface.
 *
 * Threads: one. Memory: what is built belongs to the buffer. Limits: they recurse, so terms must
 * not be deeper than a few thousand levels; the oracle's are not.
 */

#include "flitch/term.h"

/* Takes the term apart by fl_term_kind, fl_tuple_get, fl_list_next, ... and builds it again. */
bool tool_rebuild(fl_buf *buf, fl_term term);
/* Builds [{Type, Value}] of what fl_match captures of the term by each C type. */
bool tool_capture(fl_buf *buf, fl_term term);
/* NULL when erl_interface reads the same values; otherwise what differs. */
const char *tool_compare_ei(fl_term term);

#endif
