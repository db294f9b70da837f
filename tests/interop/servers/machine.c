/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine that does what an event says: {do, [Op]}. t_statem.erl has its twin in Erlang.
 * States `a` and `b` have handlers of their own, any other term is a state, too.
 */
#include <flitch.h>
#include <string.h>

struct machine {
	fl_buf log; /* [{State, Type, Content}], the list still open */
	fl_from saved;
	fl_term on_enter;
};

static const char *const types[] = {[FL_EVENT_CALL] = "call",
	[FL_EVENT_CAST] = "cast",
	[FL_EVENT_INFO] = "info",
	[FL_EVENT_INTERNAL] = "internal",
	[FL_EVENT_TIMEOUT] = "timeout",
	[FL_EVENT_STATE_TIMEOUT] = "state_timeout",
	[FL_EVENT_ENTER] = "enter"};

static void note(fl_proc *self, struct machine *m, const fl_event *event)
{
	if (event->type == FL_EVENT_GENERIC_TIMEOUT)
		(void)fl_build(&m->log, "{~, {timeout, ~}, ~}", fl_current_state(self), event->name,
			event->content);
	else
		(void)fl_build(&m->log, "{~, ~, ~}", fl_current_state(self),
			fl_atom_of(types[event->type]), event->content);
}

static uint32_t ms_of(fl_term time)
{
	uint32_t ms = FL_INFINITY;

	if (fl_match(time, "update"))
		return FL_TIMEOUT_UPDATE;
	return fl_match(time, "~", &ms) ? ms : FL_INFINITY;
}

static fl_event_type type_of(fl_atom name)
{
	for (int i = FL_EVENT_CAST; i < FL_EVENT_ENTER; i++)
		if (types[i] != NULL && fl_atom_is(name, types[i]))
			return (fl_event_type)i;
	return FL_EVENT_INTERNAL;
}

/* {Type, {in, Ms}, Content, [{abs, true}]}: from now on, as erlang:monotonic_time has it there. */
static int timeout_at(fl_proc *self, fl_term op)
{
	fl_term name, content;
	int64_t ms;
	uint64_t at;

	if (!fl_match(op, "{_, {in, ~}, _, [{abs, true}]}", &ms))
		return fl_stop(self, "{unknown_op, ~}", op);
	at = (uint64_t)((int64_t)fl_now_ms(self) + ms);
	if (fl_match(op, "{state_timeout, _, ~, _}", &content))
		return fl_state_timeout_at(self, at, "~", content);
	if (fl_match(op, "{timeout, _, ~, _}", &content))
		return fl_event_timeout_at(self, at, "~", content);
	(void)fl_match(op, "{{timeout, ~}, _, ~, _}", &name, &content);
	return fl_timeout_at_spec(
		self, FL_EVENT_GENERIC_TIMEOUT, fl_spec("~", name), at, fl_spec("~", content));
}

static const fl_behaviour other;

/* The answer is whether it may be. */
static int change(fl_proc *self, fl_term op)
{
	if (fl_match(op, "{change_callback_module, other}"))
		return fl_change_statem(self, &other);
	if (fl_match(op, "{push_callback_module, other}"))
		return fl_push_statem(self, &other);
	return fl_pop_statem(self) == FL_OK ? FL_OK : fl_stop(self, "no_module");
}

static int timeout(fl_proc *self, fl_term op)
{
	fl_term name, time, content;

	if (fl_match(op, "{state_timeout, ~, ~}", &time, &content))
		return fl_state_timeout(self, ms_of(time), "~", content);
	if (fl_match(op, "{timeout, ~, ~}", &time, &content))
		return fl_event_timeout(self, ms_of(time), "~", content);
	if (fl_match(op, "{{timeout, ~}, ~, ~}", &name, &time, &content))
		return fl_timeout_spec(self, FL_EVENT_GENERIC_TIMEOUT, fl_spec("~", name),
			ms_of(time), fl_spec("~", content));
	return fl_stop(self, "{unknown_op, ~}", op);
}

static int reply(struct machine *m, const fl_event *event, fl_term op, fl_term answer)
{
	fl_term kind;

	(void)fl_tuple_get(op, 0, &kind);
	(void)fl_reply(fl_match(kind, "reply") ? event->from : m->saved, "~", answer);
	return FL_OK;
}

static int act(fl_proc *self, struct machine *m, const fl_event *event, fl_term op)
{
	fl_atom type;
	fl_term arg;

	if (fl_match(op, "{reply, ~}", &arg) || fl_match(op, "{reply_saved, ~}", &arg))
		return reply(m, event, op, arg);
	if (fl_match(op, "save")) {
		m->saved = event->from;
		return FL_OK;
	}
	if (fl_match(op, "{next_state, ~}", &arg))
		return fl_next_state(self, "~", arg);
	if (fl_match(op, "repeat_state"))
		return fl_repeat_state(self);
	if (fl_match(op, "postpone"))
		return fl_postpone(self) == FL_OK ? FL_OK : FL_EMISUSE;
	if (fl_match(op, "{next_event, ~, ~}", &type, &arg))
		return fl_next_event(self, type_of(type), "~", arg);
	if (fl_match(op, "{stop, ~}", &arg))
		return fl_stop(self, "~", arg);
	if (fl_match(op, "{on_enter, ~}", &arg)) {
		fl_term_free(m->on_enter);
		m->on_enter = fl_copy(arg);
		return FL_OK;
	}
	if (fl_match(op, "{change_callback_module, _}") ||
		fl_match(op, "{push_callback_module, _}") || fl_match(op, "pop_callback_module"))
		return change(self, op);
	return fl_match(op, "{_, _, _, _}") ? timeout_at(self, op) : timeout(self, op);
}

static bool is_for_others(fl_proc *self, fl_term op, fl_term *ret_ops)
{
	fl_term state;

	return fl_match(op, "{'when', ~, ~}", &state, ret_ops) &&
	       !fl_equal(state, fl_current_state(self));
}

static int act_all(fl_proc *self, struct machine *m, const fl_event *event, fl_term ops)
{
	fl_term op, inner, state;
	int rc = FL_OK;

	while (rc == FL_OK && fl_list_next(&ops, &op)) {
		if (is_for_others(self, op, &inner))
			continue;
		if (fl_match(op, "{'when', ~, ~}", &state, &inner))
			while (rc == FL_OK && fl_list_next(&inner, &op))
				rc = act(self, m, event, op);
		else
			rc = act(self, m, event, op);
	}
	return rc;
}

static int on_event(fl_proc *self, void *data, const fl_event *event);

/* As on_event, but that its notes say so, and it has enter calls. */
static int on_other_event(fl_proc *self, void *data, const fl_event *event)
{
	struct machine *m = data;

	if (event->type != FL_EVENT_CALL || !fl_match(event->content, "log"))
		(void)fl_build(&m->log, "other");
	return on_event(self, data, event);
}

static int answer_log(struct machine *m, fl_from from)
{
	fl_list_close(&m->log);
	(void)fl_reply(from, "~", fl_buf_term(&m->log));
	fl_buf_reset(&m->log);
	fl_list_open(&m->log);
	return FL_OK;
}

static int on_event(fl_proc *self, void *data, const fl_event *event)
{
	struct machine *m = data;
	fl_term ops;

	if (event->type == FL_EVENT_CALL && fl_match(event->content, "log"))
		return answer_log(m, event->from);
	if (fl_match(event->content, "{'EXIT', _, _}"))
		return FL_OK;
	note(self, m, event);
	if (event->type == FL_EVENT_ENTER)
		return m->on_enter.data == NULL ? FL_OK : act_all(self, m, event, m->on_enter);
	if (fl_match(event->content, "{do, ~}", &ops))
		return act_all(self, m, event, ops);
	return FL_OK;
}

/* The state machine's first state, and what is done then. */
static int init(fl_proc *self, void *data, fl_term args)
{
	static const fl_event none = {.type = FL_EVENT_INTERNAL};
	struct machine *m = data;
	fl_term ops, reason;

	fl_list_open(&m->log);
	if (fl_match(args, "ignore"))
		return FL_IGNORE;
	if (fl_match(args, "{fail, ~}", &reason))
		return fl_stop(self, "~", reason);
	return fl_match(args, "{do, ~}", &ops) ? act_all(self, m, &none, ops) : FL_OK;
}

static void end(fl_proc *self, void *data, fl_term reason)
{
	struct machine *m = data;

	(void)fl_send(self, "machine_ends", "{ended, ~, ~}", fl_current_state(self), reason);
	fl_term_free(m->on_enter);
	fl_buf_free(&m->log);
}

static int show(fl_proc *self, const void *data, fl_buf *ret_status)
{
	(void)self;
	(void)data;
	return fl_build(ret_status, "data");
}

static const fl_behaviour other = {.name = "other",
	.state_size = sizeof(struct machine),
	.terminate = end,
	.format_status = show,
	.statem = &(const fl_statem){.handle_event = on_other_event, .state_enter = true}};

static const fl_state states[] = {{"a", on_event}, {"b", on_event}, {NULL, NULL}};
static const fl_behaviour machine = {.name = "machine",
	.state_size = sizeof(struct machine),
	.init = init,
	.terminate = end,
	.format_status = show,
	.statem = &(const fl_statem){.states = states, .handle_event = on_event}};
static const fl_behaviour machine_enter = {.name = "machine_enter",
	.state_size = sizeof(struct machine),
	.init = init,
	.terminate = end,
	.format_status = show,
	.statem = &(const fl_statem){
		.states = states, .handle_event = on_event, .state_enter = true}};
static const fl_behaviour machines = {.name = "machines",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC,
		.offers = (const fl_behaviour *const[]){&machine, &machine_enter, NULL}}};

FL_MODULE(&machines);
