/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_STATEM_H
#define FLITCH_STATEM_H

/*
 * OTP's gen_statem: a process that is in one of several states, and handles each event by the
 * state that it is in.
 *
 *     static const fl_behaviour door = {.name = "door", .init = init,
 *             .statem = &(const fl_statem){.states = (const fl_state[]){
 *                     {"locked", locked}, {"open", opened}, {0}}}};
 *
 *     event --> handler of the state --> FL_OK: stay, or what fl_next_state said --> postponed
 *                                                                                    events again
 *
 * A behaviour with `statem` is one: of its other slots `init`, `terminate`, `release`,
 * `code_change`, `format_status`, `name`, `global_name`, `groups`, `trap_exit`, the mailbox's and
 * `state_size` (the Data of gen_statem) count. Other nodes use gen_statem:call, cast and stop, and
 * the bare message that is an info; sys:get_state shows {State, Data}.
 *
 * What gen_statem returns as a tuple with a list of actions is said here by functions, called in
 * the handler and carried out in gen_statem's order when it returns FL_OK: the postponed event, the
 * state change, its enter call, timeouts, postponed events, inserted events. In `init` all of them
 * but fl_postpone and fl_repeat_state may be used.
 *
 * Threads: handlers of one process never overlap; these functions are called from them.
 * Memory: an event and its terms live until the handler returns; terms given are copied.
 * Errors: FL_OK or FL_E*; FL_EMISUSE from a process that is no statem, or in a state enter call
 * for what gen_statem forbids there (it ends the process then). Limits: FL_STATEM_EVENTS_MAX events
 * that are postponed or inserted, and as many timeouts: one more ends the process with
 * `system_limit`.
 */

#include "flitch/server.h"

#define FL_STATEM_EVENTS_MAX 1000000
#define FL_STATEM_MODULES_MAX 16

typedef enum fl_event_type {
	FL_EVENT_CALL, /* `from` waits for fl_reply, now or later */
	FL_EVENT_CAST,
	FL_EVENT_INFO,
	FL_EVENT_INTERNAL,        /* only by fl_next_event */
	FL_EVENT_TIMEOUT,         /* no event came for that long */
	FL_EVENT_STATE_TIMEOUT,   /* the state has lasted that long */
	FL_EVENT_GENERIC_TIMEOUT, /* one with a `name` */
	FL_EVENT_ENTER            /* the state begins; `content` is the one before */
} fl_event_type;

typedef struct fl_event {
	fl_event_type type;
	fl_from from;    /* FL_EVENT_CALL */
	fl_term content; /* the request, message, or what was given with the timeout */
	fl_term name;    /* FL_EVENT_GENERIC_TIMEOUT */
	fl_atom sender;  /* the node that it came from, also of one that was postponed */
} fl_event;

/* FL_OK, or FL_STOP after fl_stop. `data` is the state of the process, as of any server. */
typedef int fl_state_handler(fl_proc *self, void *data, const fl_event *event);

typedef struct fl_state {
	const char *name; /* in Erlang notation; NULL ends a table */
	fl_state_handler *handle;
} fl_state;

typedef struct fl_statem {
	/* The first one is the initial state, unless `init` says another one. */
	const fl_state *states;
	/* Of states that are not in the table: handle_event_function; may be NULL. */
	fl_state_handler *handle_event;
	bool state_enter; /* FL_EVENT_ENTER at each begin of a state */
} fl_statem;

/* The state that the process is in, as a term; lives until the handler returns. */
fl_term fl_current_state(fl_proc *self);

int fl_next_state_spec(fl_proc *self, fl_spec state);
/* return fl_next_state(self, "open"); also any term: fl_next_state(self, "{open, ~}", who). */
#define fl_next_state(self, ...) fl_next_state_spec((self), fl_spec(__VA_ARGS__))
/* {repeat_state, _}: the enter call runs again. */
int fl_repeat_state(fl_proc *self);
/* The event comes again when the state has changed. */
int fl_postpone(fl_proc *self);

int fl_next_event_spec(fl_proc *self, fl_event_type type, fl_spec content);
/* Before anything that waits; in the order of the calls. Any type but FL_EVENT_CALL and ENTER. */
#define fl_next_event(self, type, ...) fl_next_event_spec((self), (type), fl_spec(__VA_ARGS__))

/* In place of a time: the content of a timeout that runs changes. FL_INFINITY ends one. */
#define FL_TIMEOUT_UPDATE (UINT32_MAX - 1)

int fl_timeout_spec(fl_proc *self, fl_event_type type, fl_spec name, uint32_t ms, fl_spec content);
/* Ended by any event. */
#define fl_event_timeout(self, ms, ...)                                                            \
	fl_timeout_spec((self), FL_EVENT_TIMEOUT, fl_spec("timeout"), (ms), fl_spec(__VA_ARGS__))
/* Ended by a change of state. */
#define fl_state_timeout(self, ms, ...)                                                            \
	fl_timeout_spec((self), FL_EVENT_STATE_TIMEOUT, fl_spec("state_timeout"), (ms),            \
		fl_spec(__VA_ARGS__))
/* {{timeout, Name}, Ms, Content}: ended by FL_INFINITY alone. `name` is in Erlang notation. */
#define fl_generic_timeout(self, name, ms, ...)                                                    \
	fl_timeout_spec((self), FL_EVENT_GENERIC_TIMEOUT, fl_spec(name), (ms), fl_spec(__VA_ARGS__))

int fl_timeout_at_spec(
	fl_proc *self, fl_event_type type, fl_spec name, uint64_t at_ms, fl_spec content);
/* {abs, true}: `at_ms` is a time of fl_now_ms; one that is over fires after what waits already. */
#define fl_event_timeout_at(self, at_ms, ...)                                                      \
	fl_timeout_at_spec(                                                                        \
		(self), FL_EVENT_TIMEOUT, fl_spec("timeout"), (at_ms), fl_spec(__VA_ARGS__))
#define fl_state_timeout_at(self, at_ms, ...)                                                      \
	fl_timeout_at_spec((self), FL_EVENT_STATE_TIMEOUT, fl_spec("state_timeout"), (at_ms),      \
		fl_spec(__VA_ARGS__))
#define fl_generic_timeout_at(self, name, at_ms, ...)                                              \
	fl_timeout_at_spec(                                                                        \
		(self), FL_EVENT_GENERIC_TIMEOUT, fl_spec(name), (at_ms), fl_spec(__VA_ARGS__))

/*
 * {change_callback_module, _}: when the handler has returned FL_OK the machine is that behaviour's,
 * with its states, handlers, state_enter and other slots; state, data and all that waits stay. Its
 * state_size may not be more than that of the behaviour that was started: FL_EINVAL. Not in a state
 * enter call.
 */
int fl_change_statem(fl_proc *self, const fl_behaviour *behaviour);
/* {push_callback_module, _}, pop_callback_module. FL_ELIMIT: FL_STATEM_MODULES_MAX wait below;
 * FL_ENOENT: none does. */
int fl_push_statem(fl_proc *self, const fl_behaviour *behaviour);
int fl_pop_statem(fl_proc *self);

#endif
