/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_LOG_EVENT_H
#define FLI_LOG_EVENT_H

/*
 * Log events of processes, on their way to the logger of the node of their group leader.
 *
 * Threads: the owner of the context. Errors: none; best effort, as in OTP.
 */

#include "flitch/log.h"
#include "node/runtime.h"

/* Bytes of a term that goes there. */
enum { FLI_LOG_TERM_MAX = 65536 };

/* Whether there is one, on another node. */
bool fli_logger_is_remote(const fl_proc *proc);
/*
 * {log, Level, Event..., Metadata}: `event` is a tuple of one element, a report or a text, or of
 * two, a format and its arguments. `metadata` is a map, to which pid, gl and time are added.
 */
void fli_logger_tell(fl_proc *proc, fl_level level, fl_spec event, fl_spec metadata);
/* The term, or the size of one that is too large. */
void fli_log_write_limited(fl_buf *buf, fl_term term);

#endif
