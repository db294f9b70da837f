/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_LOG_H
#define FLITCH_LOG_H

/*
 * What a process has to say to people: OTP's logger, in C.
 *
 *     fl_log(self, FL_LOG_WARNING, "%d orders wait", waiting);
 *     fl_log_report(self, FL_LOG_NOTICE, "{#{order => ~, state => sent}, #{domain => [shop]}}",
 * id);
 *
 *     event --> level allowed by log.level? --> a line in this node's log
 *                                          `-> group leader on another node: that node's logger,
 * too
 *
 * A process that a shell or a server of another node has started has its group leader there, so its
 * events reach the handlers of that node's logger, as those of an Erlang process do: a text as a
 * binary string, a report as the map or the list of pairs that it is. With it go, as metadata, pid,
 * gl, time (us), mfa ({Name of the behaviour, C function, 0}), file and line, and what the process
 * and the event add; the event's keys win over the process's, these over the others.
 *
 * The line in this node's log begins with the name or the pid of the process; metadata that the
 * process or the event added follows the text.
 *
 * Source: the logger module of OTP's kernel; logger_proxy is who the other node's logger listens
 * by.
 *
 * Threads: as all that takes `self`. Memory: nothing is kept but the process's metadata. Errors:
 * FL_E* when a pattern does not fit or memory is short; that nobody listens is none. Limits: a line
 * has 4,096 bytes, the rest is cut off, there and in a text for another node; a report or metadata
 * over 64 KiB is {too_large, Bytes, bytes} there.
 */

#include "flitch/process.h"

/* OTP's, in its order: what is as severe as log.level says, or more so, is logged. */
typedef enum fl_level {
	FL_LOG_EMERGENCY,
	FL_LOG_ALERT,
	FL_LOG_CRITICAL,
	FL_LOG_ERROR,
	FL_LOG_WARNING,
	FL_LOG_NOTICE,
	FL_LOG_INFO,
	FL_LOG_DEBUG
} fl_level;

/* Where in the source an event is; the macros below fill it in. */
typedef struct fl_log_place {
	const char *file, *function;
	uint32_t line;
} fl_log_place;

#define FL_LOG_HERE (&(const fl_log_place){__FILE__, __func__, __LINE__})

/* Whether an event of that level is logged: for those that are costly to make. */
bool fl_log_allowed(const fl_proc *self, fl_level level);

int fl_log_at(fl_proc *self, fl_level level, const fl_log_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A text, by printf's format. Costs a comparison where the level is not allowed. */
#define fl_log(self, level, ...) fl_log_at((self), (level), FL_LOG_HERE, __VA_ARGS__)

int fl_log_report_at(
	fl_proc *self, fl_level level, const fl_log_place *place, fl_spec report_and_metadata);
/* The pattern is {Report, Metadata}: a map or a list of pairs, and a map. Else FL_EFORMAT. */
#define fl_log_report(self, level, ...)                                                            \
	fl_log_report_at((self), (level), FL_LOG_HERE, fl_spec(__VA_ARGS__))

int fl_log_metadata_spec(fl_proc *self, fl_spec metadata);
/* logger:set_process_metadata: a map, in the place of the one before; `#{}` takes it away. */
#define fl_log_metadata(self, ...) fl_log_metadata_spec((self), fl_spec(__VA_ARGS__))

#endif
