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

typedef struct fli_statem {
	fli_machine *machine; /* owned; NULL until init */
	fl_proc *self;
	const fl_statem *table;
	const fl_behaviour *user; /* whose handlers run */
	const fl_behaviour *next; /* who is to be, from the handler's end on; NULL: no other */
	const fl_behaviour *below[FL_STATEM_MODULES_MAX]; /* that fl_pop_statem goes back to */
	uint8_t below_count, next_count;
	fl_from shown; /* while sys looks: the call of which `from` is {Pid, Tag} */
	fl_buf from;
	_Alignas(16) uint8_t data[];
} fli_statem;

static inline fli_statem *fli_statem_of(fl_proc *proc)
{
	return (fli_statem *)(void *)proc->state;
}

/* What the handler that has returned wanted of modules: done where it goes on. Gives `rc`. */
int fli_statem_changed(fli_statem *s, int rc);
/* Names of the modules, the one that runs first. Context's owner. */
void fli_statem_modules_write(fl_proc *proc, fl_buf *buf);
/* The handlers of a process of that behaviour. */
fl_behaviour fli_statem_handlers(const fl_behaviour *behaviour);
bool fli_is_statem(const fl_proc *proc);
/* {Count, [{Type, Content}]} and [Event], as sys:get_status shows them. Context's owner. */
void fli_statem_timeouts_write(fl_proc *proc, fl_buf *buf);
void fli_statem_postponed_write(fl_proc *proc, fl_buf *buf);

#endif
