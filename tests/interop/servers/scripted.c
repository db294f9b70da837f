/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that does what a message says: {do, [Op]}. t_genserver_otp.erl has its twin in Erlang.
 * Its state is the list of what it was given, {Kind, Content}.
 */
#include <flitch.h>

struct scripted {
	fl_buf log; /* the list, still open */
	fl_from saved;
	bool is_old; /* code_change has converted it */
};

static void note(struct scripted *s, const char *kind, fl_term content)
{
	(void)fl_build(&s->log, "{~, ~}", fl_atom_of(kind), content);
}

static int act(fl_proc *self, struct scripted *s, const fl_from *from, fl_term op)
{
	fl_term arg;
	uint32_t ms;

	if (fl_match(op, "{reply, ~}", &arg) && from != NULL)
		return fl_reply(*from, "~", arg);
	if (fl_match(op, "{reply_saved, ~}", &arg))
		return fl_reply(s->saved, "~", arg) == FL_OK ? FL_OK : fl_stop(self, "no_caller");
	if (fl_match(op, "save") && from != NULL) {
		s->saved = *from;
		return fl_later(self, *from);
	}
	if (fl_match(op, "{stop, ~}", &arg))
		return fl_stop(self, "~", arg);
	if (fl_match(op, "{timeout, ~}", &ms)) {
		fl_next_timeout(self, ms);
		return FL_OK;
	}
	if (fl_match(op, "{continue, ~}", &arg))
		return fl_next_continue(self, "~", arg);
	if (fl_match(op, "hibernate")) {
		fl_next_hibernate(self);
		return FL_OK;
	}
	if (fl_match(op, "trap_exit"))
		fl_trap_exit(self, true);
	else if (fl_match(op, "{send_self, ~}", &arg))
		(void)fl_send(self, fl_self(self), "~", arg);
	else if (fl_match(op, "{label, ~}", &arg))
		(void)fl_set_label(self, "~", arg);
	else
		return fl_stop(self, "{unknown_op, ~}", op);
	return FL_OK;
}

static int act_all(fl_proc *self, struct scripted *s, const fl_from *from, fl_term content)
{
	fl_term ops, op;
	int rc = FL_OK;

	if (!fl_match(content, "{do, ~}", &ops))
		return FL_OK;
	while (rc == FL_OK && fl_list_next(&ops, &op))
		rc = act(self, s, from, op);
	return rc;
}

static int answer_log(struct scripted *s, fl_from from)
{
	fl_list_close(&s->log);
	(void)fl_reply(from, "~", fl_buf_term(&s->log));
	fl_buf_reset(&s->log);
	fl_list_open(&s->log);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct scripted *s = state;

	if (fl_match(request, "log"))
		return answer_log(s, from);
	note(s, "call", request);
	return act_all(self, s, &from, request);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	note(state, "cast", message);
	return act_all(self, state, NULL, message);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reason;
	fl_pid pid;

	if (fl_match(message, "{'EXIT', ~, ~}", &pid, &reason))
		note(state, "exit", reason);
	else
		note(state, "info", message);
	return act_all(self, state, NULL, message);
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	note(state, "continue", what);
	return act_all(self, state, NULL, what);
}

static int on_timeout(fl_proc *self, void *state)
{
	static const uint8_t timeout[] = {119, 7, 't', 'i', 'm', 'e', 'o', 'u', 't'};

	(void)self;
	note(state, "info", (fl_term){.data = timeout, .size = sizeof timeout});
	return FL_OK;
}

static int init(fl_proc *self, void *state, fl_term args)
{
	struct scripted *s = state;
	fl_term reason;

	fl_list_open(&s->log);
	if (fl_match(args, "ignore"))
		return FL_IGNORE;
	if (fl_match(args, "{fail, ~}", &reason))
		return fl_stop(self, "~", reason);
	return act_all(self, s, NULL, args);
}

static void terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)fl_send(self, "otp_witness", "{terminated, ~}", reason);
	(void)state;
}

static int show(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const struct scripted *s = state;

	(void)self;
	return fl_build(ret_status, "{shown, ~}", fl_bool(s->is_old));
}

static int code_change(fl_proc *self, void *state, fl_term old_vsn)
{
	struct scripted *s = state;

	if (fl_match(old_vsn, "bad"))
		return fl_stop(self, "cannot");
	s->is_old = true;
	return FL_OK;
}

static int replace_state(fl_proc *self, void *state, fl_term new_state)
{
	struct scripted *s = state;

	return fl_match(new_state, "{shown, ~}", &s->is_old) ? FL_OK : fl_stop(self, "no_state");
}

/* otp_fun:turn/1: of the state that is shown. */
static int turn(fl_proc *self, fl_term args, fl_buf *ret)
{
	bool is_old;

	(void)self;
	return fl_match(args, "[{shown, ~}]", &is_old)
		       ? fl_build(ret, "{shown, ~}", fl_bool(!is_old))
		       : fl_raise(ret, FL_ERROR, "badarg");
}

static int fail(fl_proc *self, fl_term args, fl_buf *ret)
{
	(void)self;
	(void)args;
	return fl_raise(ret, FL_ERROR, "oops");
}

static const fl_behaviour scripted = {.name = "scripted",
	.state_size = sizeof(struct scripted),
	.init = init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.continue_ = on_continue,
	.timeout = on_timeout,
	.terminate = terminate,
	.code_change = code_change,
	.replace_state = replace_state,
	.format_status = show};
static const fl_behaviour scripts = {.name = "scripts",
	.supervisor = &(const fl_supervisor){
		.strategy = FL_DYNAMIC, .offers = (const fl_behaviour *const[]){&scripted, NULL}}};

FL_MODULE(&scripts);
FL_EXPORTS({"otp_fun", "turn", 1, turn}, {"otp_fun", "fail", 1, fail});
