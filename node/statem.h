/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_STATEM_H
#define FLI_STATEM_H

/*
 * What runs a behaviour with `statem`: the loop of machine.h in the handlers of a process, whose
 * state is fli_statem with the user's data behind it.
 *
 * Threads: the process's own handlers. Memory: goes with the process, however it ends.
 */

#include "node/machine.h"
#include "node/runtime.h"

/* The handlers of a process of that behaviour. */
fl_behaviour fli_statem_handlers(const fl_behaviour *behaviour);
bool fli_is_statem(const fl_proc *proc);
/* {Count, [{Type, Content}]} and [Event], as sys:get_status shows them. Context's owner. */
void fli_statem_timeouts_write(fl_proc *proc, fl_buf *buf);
void fli_statem_postponed_write(fl_proc *proc, fl_buf *buf);

#endif
