/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_MACHINE_H
#define FLI_MACHINE_H

/*
 * The order in which a state machine handles its events: gen_statem's loop without a process. It
 * is given events, runs the handler of the state by a table of functions, and carries out what the
 * handler asked for.
 *
 *     postponed events <--postpone-- [handler] --next_event--> inserted
 *           `--state has changed--> queue: inserted, postponed, what waited --> handler
 *                                   due: timeouts of 0 ms, when the queue is empty
 *
 * Threads: one at a time. Memory: owns events, timeouts and the state's term; content is copied
 * only for an event that is kept. Errors: what the handler returned; FL_ENOMEM and FL_ELIMIT, after
 * which the machine cannot go on. Limits: FL_STATEM_EVENTS_MAX.
 */

#include "flitch/statem.h"
#include "node/base/list.h"
#include "node/kept.h"

/* An event that is kept: postponed, inserted, or what a timeout brings. */
typedef struct fli_machine_event {
	fli_link link;
	uint8_t type; /* fl_event_type */
	fl_from from;
	fli_kept *content;
	fli_kept *name; /* of FL_EVENT_GENERIC_TIMEOUT, else NULL */
	fl_atom sender; /* its text is NULL: it was made here */
} fli_machine_event;

typedef struct fli_machine_timeout {
	fli_link link;
	fli_machine_event event; /* its link is not used */
	uint32_t ms;
	uint64_t at_ms; /* of an absolute one */
	bool is_abs;
	bool is_due; /* in fli_machine.due: it was 0 ms */
	fl_ref tag;  /* of the message that tells its end; ops->start sets both */
	fl_ref timer;
} fli_machine_timeout;

typedef struct fli_machine_ops {
	/* Runs the handler of fli_machine.state. FL_OK: go on. */
	int (*handle)(void *ctx, const fl_event *event);
	int (*start)(void *ctx, fli_machine_timeout *timeout);
	void (*cancel)(void *ctx, const fli_machine_timeout *timeout);
	/* For sys:log; may be NULL. `how`: in, consume, postpone. `state` is the one before,
	 * fli_machine.state the one after. */
	void (*note)(void *ctx, const char *how, const fl_event *event, fl_term state);
	void (*note_start)(void *ctx, const fli_machine_timeout *timeout);
} fli_machine_ops;

typedef struct fli_machine {
	fli_mem *mem;
	fl_atoms *atoms;
	const fli_machine_ops *ops;
	void *ctx;
	bool state_enter;
	fli_kept *state;
	fli_link queue;     /* fli_machine_event: to be handled, the first first */
	fli_link postponed; /* fli_machine_event: in the order in which they came */
	fli_link timeouts;  /* fli_machine_timeout: they run */
	fli_link due;       /* fli_machine_timeout: of 0 ms, in order */
	uint32_t events_count, timeouts_count;

	/* What the handler that runs has asked for. */
	fli_kept *next_state; /* NULL: stay */
	fli_link inserted;    /* fli_machine_event */
	fli_link asked;       /* fli_machine_timeout */
	bool repeats, postpones;
	bool is_entering; /* it is an enter call */
	bool misused;     /* what an enter call may not */
} fli_machine;

void fli_machine_create(fli_machine *machine, fli_mem *mem, fl_atoms *atoms);
void fli_machine_destroy(fli_machine *machine);

/* ---- what a handler asks for --------------------------------------------------------------------
 */

int fli_machine_next_state(fli_machine *machine, fl_term state);
int fli_machine_repeat(fli_machine *machine);
int fli_machine_postpone(fli_machine *machine);
int fli_machine_insert(fli_machine *machine, fl_event_type type, fl_term content);

/* Relative, or absolute: then `ms` is what is left of it. */
typedef struct fli_machine_when {
	uint32_t ms;
	bool is_abs;
	uint64_t at_ms;
} fli_machine_when;

int fli_machine_timeout_set(fli_machine *machine, fl_event_type type, fl_term name,
	const fli_machine_when *when, fl_term content);

/* ---- what happens ------------------------------------------------------------------------------
 */

/* What `init` asked for: its state begins. */
int fli_machine_begin(fli_machine *machine);
/* One event, and all that follows from it. */
int fli_machine_feed(fli_machine *machine, const fl_event *event);
/* A timeout's message; false: it is none of them, or was ended meanwhile. */
bool fli_machine_timed_out(fli_machine *machine, const fl_ref *tag, int *ret_rc);

fl_term fli_machine_state(const fli_machine *machine);
fl_event fli_machine_event_of(const fli_machine *machine, const fli_machine_event *event);

#endif
