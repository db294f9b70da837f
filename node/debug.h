/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DEBUG_H
#define FLI_DEBUG_H

/*
 * What OTP's sys:log and sys:trace see of a server: events in gen_server's form.
 *
 *     message --> {in, Msg} --> handler --> {out, Reply, From, State} | {noreply, State}
 *     continue -> {continue, What}          an idle timeout comes as {in, timeout}
 *
 * A log keeps the last N events; a trace writes each to the node's log, worded as gen_server words
 * it. A server that nobody looks at has no fli_debug, and pays one comparison a message.
 *
 * Threads: the owner of the node's context. Memory: goes with the process's `extra`.
 * Errors: an event that there is no memory for is left out.
 * Limits: FLI_DEBUG_EVENT_MAX bytes of each term of an event, in place of which its size is kept;
 * FLI_DEBUG_LOG_MAX bytes of a log, whatever N is: the oldest go first.
 */

#include "node/runtime.h"

#define FLI_DEBUG_EVENT_MAX 65536
#define FLI_DEBUG_LOG_MAX (1024 * 1024)

static inline bool fli_is_debugged(const fl_proc *proc)
{
	return FLI_UNLIKELY(proc->extra != NULL) && proc->extra->debug != NULL;
}

/* sys:log(_, {true, N}): an N that is set already stays, as in OTP. Without memory: nothing. */
void fli_debug_log_on(fl_proc *proc, uint64_t max);
void fli_debug_log_off(fl_proc *proc);
void fli_debug_trace(fl_proc *proc, bool on);
/* Ends both. */
void fli_debug_end(fl_proc *proc);
/* Appends the list of events, the oldest first. */
int fli_debug_write(const fl_proc *proc, fl_buf *buf);
/* What sys:get_status shows of them: [{trace, true}], or []. */
void fli_debug_write_flags(const fl_proc *proc, fl_buf *buf);
bool fli_debug_has_events(const fl_proc *proc);
/* sys:log(_, print). */
void fli_debug_print(fl_proc *proc);

/* An event of another form, as a state machine has: those of gen_server are not kept then. Takes
 * the buffer. */
void fli_debug_event(fl_proc *proc, fl_buf *event);
/* {Pid, Tag} of a call that is open; false: it is not. */
bool fli_debug_from(fl_node *node, fl_from from, fl_buf *ret_from);
/* The events, for a server that is debugged. `msg` is what it was given; fl_reply may answer it. */
void fli_debug_in(fl_proc *proc, const fli_msg *msg);
void fli_debug_timeout(fl_proc *proc);
void fli_debug_continue(fl_proc *proc, fl_term what);
void fli_debug_replied(fl_proc *proc, const fli_msg *asked, fl_spec reply);
/* The handler has returned FL_OK. */
void fli_debug_out(fl_proc *proc);

#endif
