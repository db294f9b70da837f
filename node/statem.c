/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine's process: messages become events, what the machine says is done.
 *
 *  - Calls are kept open until they are answered, by whichever event does it.
 *  - Timeouts are messages to itself, so that they take their turn among the others; one that was
 *    ended meanwhile is known by its reference, and dropped.
 *  - The first state begins after init has returned, as gen_statem's does after its starter went
 * on.
 *
 * Failure: a state without a handler ends the process with {undef_state, State}, where gen_statem
 * ends with undef; a machine that there is no memory for ends it with system_limit.
 */
#include "node/statem.h"

#include <string.h>

#include "node/behaviours.h"
#include "node/debug.h"
#include "node/owned.h"
#include "node/sched.h"

bool fli_is_statem(const fl_proc *proc)
{
	return proc->behaviour->statem != NULL;
}

/* ---- what the machine does --------------------------------------------------------------------
 */

/* Names of states are constant text without `~`: a pattern as it stands. */
static fl_state_handler *handler_of(const fli_statem *s, fl_term state)
{
	const fl_state *at = s->table->states;

	for (; at != NULL && at->name != NULL; at++)
		if (fl_match(state, at->name))
			return at->handle != NULL ? at->handle : s->table->handle_event;
	return s->table->handle_event;
}

static uint8_t kind_of(fl_event_type type)
{
	if (type == FL_EVENT_CALL)
		return FLI_MSG_CALL;
	return type == FL_EVENT_CAST ? FLI_MSG_CAST : FLI_MSG_INFO;
}

static int handle(void *ctx, const fl_event *event)
{
	fli_statem *s = ctx;
	fl_term state = fli_machine_state(s->machine);
	fl_state_handler *handler = handler_of(s, state);
	fl_event told = *event;

	s->self->current_kind = kind_of(event->type); /* for fl_unhandled */
	s->self->act->sender = event->sender;         /* of a kept one: not of what came just now */
	if (handler == NULL)
		return fl_stop(s->self, "{undef_state, ~}", state);
	told.sender = fl_sender_node(s->self);
	return fli_statem_changed(s, handler(s->self, s->data, &told));
}

static void write_type(fl_buf *buf, fl_event_type type, fl_term name)
{
	static const char *const types[] = {[FL_EVENT_CALL] = "call",
		[FL_EVENT_CAST] = "cast",
		[FL_EVENT_INFO] = "info",
		[FL_EVENT_INTERNAL] = "internal",
		[FL_EVENT_TIMEOUT] = "timeout",
		[FL_EVENT_STATE_TIMEOUT] = "state_timeout",
		[FL_EVENT_ENTER] = "enter"};

	if (type == FL_EVENT_GENERIC_TIMEOUT)
		(void)fl_build(buf, "{timeout, ~}", name); /* the reader sees its error */
	else
		(void)fl_build(buf, "~", fl_atom_of(types[type]));
}

static int start(void *ctx, fli_machine_timeout *timeout)
{
	fli_statem *s = ctx;
	fl_event event = fli_machine_event_of(s->machine, &timeout->event);
	fl_buf type = FL_BUF_INIT;
	int rc;

	timeout->tag = fl_make_ref(s->self);
	write_type(&type, event.type, event.name);
	rc = type.error;
	if (rc == FL_OK)
		rc = fl_send_after(s->self, timeout->ms, fl_self(s->self), &timeout->timer,
			"{timeout, ~, ~}", timeout->tag, fl_buf_term(&type));
	fl_buf_free(&type);
	return rc;
}

static void cancel(void *ctx, const fli_machine_timeout *timeout)
{
	const fli_statem *s = ctx;

	(void)fl_cancel_timer(
		s->self, timeout->timer); /* it may have fired: it is not known then */
}

/* ---- sys:log --------------------------------------------------------------------------------- */

/* {Pid, Tag}: also of a call that has been answered since, if it was the last one looked at. */
static void write_call(fli_statem *s, fl_from from, fl_buf *buf)
{
	fl_buf now = FL_BUF_INIT;
	bool is_open;

	fli_enter(s->self->node);
	is_open = fli_debug_from(s->self->node, from, &now);
	fli_leave(s->self->node);
	if (is_open) {
		fl_buf_free(&s->from);
		s->from = now;
		s->shown = from;
	} else {
		fl_buf_free(&now);
	}
	if (s->from.size > 0 && s->shown.slot == from.slot &&
		s->shown.generation == from.generation)
		(void)fl_build(buf, "{call, ~}", fl_buf_term(&s->from));
	else
		(void)fl_build(buf, "{call, undefined}"); /* the reader sees its error */
}

static void write_event(fli_statem *s, const fl_event *event, fl_buf *buf)
{
	fl_tuple_open(buf);
	if (event->type == FL_EVENT_CALL)
		write_call(s, event->from, buf);
	else
		write_type(buf, event->type, event->name);
	(void)fl_build(buf, "~", event->content);
	fl_tuple_close(buf);
}

/* Takes the buffer. */
static void tell(const fli_statem *s, fl_buf *event)
{
	fli_enter(s->self->node);
	fli_debug_event(s->self, event);
	fli_leave(s->self->node);
}

/* {in | consume | postpone, Event, State, NextState} and their like; see gen_statem's print_event.
 */
static void note(void *ctx, const char *how, const fl_event *event, fl_term state)
{
	fli_statem *s = ctx;
	fl_term after = fli_machine_state(s->machine);
	fl_buf whole = FL_BUF_INIT, what = FL_BUF_INIT;

	if (!fli_is_debugged(s->self))
		return;
	write_event(s, event, &what);
	if (strcmp(how, "consume") == 0 || strcmp(how, "postpone") == 0)
		(void)fl_build(
			&whole, "{~, ~, ~, ~}", fl_atom_of(how), fl_buf_term(&what), state, after);
	else
		(void)fl_build(&whole, "{~, ~, ~}", fl_atom_of(how), fl_buf_term(&what), state);
	fl_buf_free(&what);
	tell(s, &whole);
}

/* {start_timer, {Type, Ms, Content, []}, State} */
static void note_start(void *ctx, const fli_machine_timeout *timeout)
{
	fli_statem *s = ctx;
	fl_event event = fli_machine_event_of(s->machine, &timeout->event);
	fl_buf whole = FL_BUF_INIT, type = FL_BUF_INIT;

	if (!fli_is_debugged(s->self))
		return;
	write_type(&type, event.type, event.name);
	if (timeout->is_abs)
		(void)fl_build(&whole, "{start_timer, {~, ~, ~, [{abs, true}]}, ~}",
			fl_buf_term(&type), timeout->at_ms, event.content,
			fli_machine_state(s->machine));
	else
		(void)fl_build(&whole, "{start_timer, {~, ~, ~, []}, ~}", fl_buf_term(&type),
			timeout->ms, event.content, fli_machine_state(s->machine));
	fl_buf_free(&type);
	tell(s, &whole);
}

static const fli_machine_ops machine_ops = {handle, start, cancel, note, note_start};

/* ---- handlers -------------------------------------------------------------------------------- */

static int outcome(const fli_statem *s, int rc)
{
	switch (rc) {
	case FL_OK:
	case FL_STOP: return rc;
	case FL_EMISUSE:
		return fl_stop(s->self, "{bad_state_enter_action_from_state_function, ~}",
			fli_machine_state(s->machine));
	case FL_ENOMEM:
	case FL_ELIMIT: return fl_stop(s->self, "system_limit");
	default: return rc; /* {api_misuse, {handler_returned, _}} */
	}
}

static int feed(fli_statem *s, const fl_event *event)
{
	return outcome(s, fli_machine_feed(s->machine, event));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_event event = {.type = FL_EVENT_CALL,
		.from = from,
		.content = request,
		.sender = fl_sender_node(self)};
	int rc = feed(state, &event);

	(void)fl_later(self, from); /* answered already, or some event answers it */
	return rc;
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fl_event event = {
		.type = FL_EVENT_CAST, .content = message, .sender = fl_sender_node(self)};

	return feed(state, &event);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_event event = {
		.type = FL_EVENT_INFO, .content = message, .sender = fl_sender_node(self)};
	fli_statem *s = state;
	fl_ref tag;
	int rc;

	if (fl_match(message, "{timeout, ~, _}", &tag) &&
		fli_machine_timed_out(s->machine, &tag, &rc))
		return outcome(s, rc);
	return feed(s, &event);
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	fli_statem *s = state;

	(void)self; /* the machine knows it */
	(void)what; /* there is one thing to go on with */
	return outcome(s, fli_machine_begin(s->machine));
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	fli_statem *s = state;

	if (s->user->terminate != NULL && s->machine != NULL)
		s->user->terminate(self, s->data, reason);
}

/* Without a user its init was not begun: the data is zero. */
static void on_release(void *state)
{
	fli_statem *s = state;

	if (s->user != NULL && s->user->release != NULL)
		s->user->release(s->data);
}

static int on_code_change(fl_proc *self, void *state, fl_term old_vsn)
{
	fli_statem *s = state;

	return s->user->code_change == NULL ? FL_OK : s->user->code_change(self, s->data, old_vsn);
}

/* {State, Data}, as gen_statem's. */
static int on_replace_state(fl_proc *self, void *state, fl_term new_state)
{
	fli_statem *s = state;
	fl_term name, data;
	fli_kept *kept;
	int rc = FL_OK;

	if (s->user->replace_state == NULL)
		return fl_stop(self, "{notsup, replace_state}");
	if (!fl_match(new_state, "{~, ~}", &name, &data))
		return fl_stop(self, "{bad_return_value, ~}", new_state);
	kept = fli_keep(self->node->mem, name);
	if (kept == NULL)
		return fl_stop(self, "system_limit");
	rc = s->user->replace_state(self, s->data, data);
	if (rc == FL_OK) {
		fli_free(self->node->mem, s->machine->state);
		s->machine->state = kept;
	} else {
		fli_free(self->node->mem, kept);
	}
	return rc;
}

/* {State, Data} */
static int on_format_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const fli_statem *s = state;
	fl_buf data = FL_BUF_INIT;

	if (s->machine == NULL)
		return FL_ENOENT;
	if (s->user->format_status == NULL ||
		s->user->format_status(self, s->data, &data) != FL_OK || data.size == 0) {
		fl_buf_reset(&data);
		(void)fl_build(&data, "{opaque, ~, bytes}", s->user->state_size);
	}
	(void)fl_build(ret_status, "{~, ~}", fli_machine_state(s->machine), fl_buf_term(&data));
	fl_buf_free(&data);
	return ret_status->error;
}

/* ---- init ------------------------------------------------------------------------------------ */

static void drop_machine(void *block)
{
	fli_machine *machine = block;
	fli_statem *s = machine->ctx;

	fli_machine_destroy(machine);
	fl_buf_free(&s->from);
}

static bool make_machine(fl_proc *self, fli_statem *s)
{
	fli_machine *machine = fli_owned_alloc_with(self, sizeof *machine, drop_machine);
	const fl_state *first = s->table->states;
	fl_buf name = FL_BUF_INIT;
	int rc = FL_OK;

	if (machine == NULL)
		return false;
	fli_machine_create(machine, self->node->mem, self->node->atoms);
	machine->ops = &machine_ops;
	machine->ctx = s;
	machine->state_enter = s->table->state_enter;
	if (first != NULL && first->name != NULL) {
		rc = fl_build(&name, first->name);
		if (rc == FL_OK)
			machine->state = fli_keep(machine->mem, fl_buf_term(&name));
		fl_buf_free(&name);
	}
	s->machine = machine;
	return rc == FL_OK && (first == NULL || machine->state != NULL);
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fli_statem *s = state;
	int rc = FL_OK;

	s->self = self;
	s->table = self->behaviour->statem;
	s->user = fli_behaviour_of_run(self->behaviour);
	if (!make_machine(self, s))
		return fl_stop(self, "system_limit");
	if (s->user->init != NULL)
		rc = fli_statem_changed(s, s->user->init(self, s->data, args));
	if (rc != FL_OK)
		return rc;
	return fl_next_continue(self, "enter") == FL_OK ? FL_OK : fl_stop(self, "system_limit");
}

fl_behaviour fli_statem_handlers(const fl_behaviour *behaviour)
{
	fl_behaviour runs = *behaviour;

	runs.state_size = sizeof(fli_statem) + behaviour->state_size;
	runs.init = on_init;
	runs.call = on_call;
	runs.cast = on_cast;
	runs.info = on_info;
	runs.continue_ = on_continue;
	runs.timeout = NULL;
	runs.terminate = on_terminate;
	runs.release = on_release;
	runs.code_change = on_code_change;
	runs.format_status = on_format_status;
	runs.replace_state = behaviour->replace_state == NULL ? NULL : on_replace_state;
	runs.node_up = NULL;
	runs.node_down = NULL;
	runs.on_pause = NULL;
	runs.on_resume = NULL;
	runs.on_name_conflict = NULL;
	runs.give = NULL;
	runs.merge = NULL;
	return runs;
}

/* ---- what handlers ask for ------------------------------------------------------------------- */

static fli_machine *machine_of(fl_proc *self)
{
	return fli_is_statem(self) ? fli_statem_of(self)->machine : NULL;
}

fl_term fl_current_state(fl_proc *self)
{
	const fli_machine *machine = machine_of(self);

	return machine == NULL ? fli_kept_term(NULL, NULL) : fli_machine_state(machine);
}

int fl_next_state_spec(fl_proc *self, fl_spec state)
{
	fli_machine *machine = machine_of(self);
	fl_buf buf = FL_BUF_INIT;
	int rc;

	if (machine == NULL)
		return FL_EMISUSE;
	rc = fl_build_values(&buf, state.pattern, state.values, state.count);
	if (rc == FL_OK)
		rc = fli_machine_next_state(machine, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}

int fl_repeat_state(fl_proc *self)
{
	fli_machine *machine = machine_of(self);

	return machine == NULL ? FL_EMISUSE : fli_machine_repeat(machine);
}

int fl_postpone(fl_proc *self)
{
	fli_machine *machine = machine_of(self);

	return machine == NULL ? FL_EMISUSE : fli_machine_postpone(machine);
}

int fl_next_event_spec(fl_proc *self, fl_event_type type, fl_spec content)
{
	fli_machine *machine = machine_of(self);
	fl_buf buf = FL_BUF_INIT;
	int rc;

	if (machine == NULL)
		return FL_EMISUSE;
	rc = fl_build_values(&buf, content.pattern, content.values, content.count);
	if (rc == FL_OK)
		rc = fli_machine_insert(machine, type, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}

static bool is_timeout(fl_event_type type)
{
	return type == FL_EVENT_TIMEOUT || type == FL_EVENT_STATE_TIMEOUT ||
	       type == FL_EVENT_GENERIC_TIMEOUT;
}

static int set_timeout(fl_proc *self, fl_event_type type, fl_spec name,
	const fli_machine_when *when, fl_spec content)
{
	fli_machine *machine = machine_of(self);
	fl_buf of = FL_BUF_INIT, what = FL_BUF_INIT;
	int rc;

	if (machine == NULL || !is_timeout(type))
		return FL_EMISUSE;
	rc = fl_build_values(&of, name.pattern, name.values, name.count);
	if (rc == FL_OK)
		rc = fl_build_values(&what, content.pattern, content.values, content.count);
	if (rc == FL_OK)
		rc = fli_machine_timeout_set(
			machine, type, fl_buf_term(&of), when, fl_buf_term(&what));
	fl_buf_free(&of);
	fl_buf_free(&what);
	return rc;
}

int fl_timeout_spec(fl_proc *self, fl_event_type type, fl_spec name, uint32_t ms, fl_spec content)
{
	return set_timeout(self, type, name, &(const fli_machine_when){.ms = ms}, content);
}

int fl_timeout_at_spec(
	fl_proc *self, fl_event_type type, fl_spec name, uint64_t at_ms, fl_spec content)
{
	uint64_t now_ms = fl_now_ms(self), left_ms = at_ms > now_ms ? at_ms - now_ms : 0;
	fli_machine_when when = {.ms = (uint32_t)left_ms, .is_abs = true, .at_ms = at_ms};

	if (left_ms >= FL_TIMEOUT_UPDATE)
		return FL_EINVAL;
	return set_timeout(self, type, name, &when, content);
}

/* ---- how it looks ---------------------------------------------------------------------------- */

static void write_timeouts(fli_statem *s, const fli_link *list, fl_buf *buf)
{
	const fli_machine_timeout *t;
	fl_event event;

	for (fli_link *l = list->next; l != list; l = l->next) {
		t = fli_container_of(l, fli_machine_timeout, link);
		event = fli_machine_event_of(s->machine, &t->event);
		write_event(s, &event, buf);
	}
}

static uint32_t length(const fli_link *list)
{
	uint32_t count = 0;

	for (const fli_link *l = list->next; l != list; l = l->next)
		count++;
	return count;
}

void fli_statem_timeouts_write(fl_proc *proc, fl_buf *buf)
{
	fli_statem *s = fli_statem_of(proc);
	const fli_machine *m = s->machine;

	fl_tuple_open(buf);
	(void)fl_build(buf, "~", m == NULL ? 0 : length(&m->timeouts) + length(&m->due));
	fl_list_open(buf);
	if (m != NULL) {
		write_timeouts(s, &m->timeouts, buf);
		write_timeouts(s, &m->due, buf);
	}
	fl_list_close(buf);
	fl_tuple_close(buf);
}

/* The last one first, as gen_statem has them. */
void fli_statem_postponed_write(fl_proc *proc, fl_buf *buf)
{
	fli_statem *s = fli_statem_of(proc);
	const fli_link *head = s->machine == NULL ? NULL : &s->machine->postponed;
	fl_event event;

	fl_list_open(buf);
	for (fli_link *l = head == NULL ? NULL : head->prev; l != head; l = l->prev) {
		event = fli_machine_event_of(
			s->machine, fli_container_of(l, fli_machine_event, link));
		write_event(s, &event, buf);
	}
	fl_list_close(buf);
}
