/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_ERROR_H
#define FLITCH_ERROR_H

/*
 * Operating errors: one table of codes, and a text for people.
 *
 * Functions return FL_OK (0) or one of the negative codes below. What a person starts (a node, a
 * connection, a command) also fills an `fl_error`: what happened, most likely why, what to do next.
 *
 * Threads: any. Memory: `fl_error` is plain storage of the caller. Errors: none.
 */

#include <stddef.h>

#define FL_ERRORS(X)                                                                               \
	X(FL_ENOMEM, -1, "enomem", "out of memory")                                                \
	X(FL_EINVAL, -2, "einval", "invalid argument")                                             \
	X(FL_ELIMIT, -3, "limit", "a configured limit was reached")                                \
	X(FL_EFORMAT, -4, "format", "malformed data")                                              \
	X(FL_ENOPROC, -5, "noproc", "no such process")                                             \
	X(FL_ENOCONN, -6, "noconnection", "no connection to the node")                             \
	X(FL_ETIMEOUT, -7, "timeout", "timed out")                                                 \
	X(FL_EALREADY, -8, "already", "already done")                                              \
	X(FL_ETAKEN, -9, "taken", "the name is taken")                                             \
	X(FL_EAUTH, -10, "auth", "authentication failed")                                          \
	X(FL_EREFUSED, -11, "refused", "refused by the other side")                                \
	X(FL_ENOTSUP, -12, "notsup", "not supported")                                              \
	X(FL_ECLOSED, -13, "closed", "closed")                                                     \
	X(FL_EBUSY, -14, "busy", "busy")                                                           \
	X(FL_EIO, -15, "eio", "input/output error")                                                \
	X(FL_ECONFIG, -16, "config", "bad configuration")                                          \
	X(FL_ENOENT, -17, "enoent", "no such entry")                                               \
	X(FL_EEXIT, -18, "exit", "the process exited")                                             \
	X(FL_EMISUSE, -19, "api_misuse", "the interface was misused")

enum {
	FL_OK = 0,
#define FLI_ERROR_ENUM(name, value, atom, text) name = (value),
	FL_ERRORS(FLI_ERROR_ENUM)
#undef FLI_ERROR_ENUM
};

/* What went wrong, for a person. `what` is never empty when `code` is not FL_OK. */
typedef struct fl_error {
	int code;       /* one of FL_E*, or FL_OK */
	char what[384]; /* what happened */
	char why[256];  /* most likely why; may be empty */
	char next[256]; /* what to do next; may be empty */
} fl_error;

/* The atom that names `code` in Erlang terms, for example "noproc"; "unknown" for no code. */
const char *fl_error_atom(int code);
/* A short English text for `code`. */
const char *fl_error_text(int code);

/* Fills `err` (which may be NULL) and returns `code`. The text is cut to the field's size. */
int fl_error_set(fl_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before what is there, on the way up. */
void fl_error_wrap(fl_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets the second part (most likely why) or the third (what to do next). */
void fl_error_why(fl_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fl_error_next(fl_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
