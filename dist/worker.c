/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: one message, one function, one exit.
 *
 *  - fli_worker_start makes the process and puts {M, F, Args} into its mailbox.
 *  - The handler runs the function through the table and exits with the outcome as the reason. That
 *    exit goes past fl_stop, because a result that travels as an exit reason is no crash to report.
 *
 * Failure: no memory for the outcome is the reason system_limit. What a plain function or a cast
 * raised is one log line, limited, since a peer can cause it at will.
 */
#include "dist/worker.h"

#include "node/export.h"
#include "node/log_event.h"
#include "node/sched.h"
#include "node/term/tag.h"

static int end_with(fl_proc *self, const fl_buf *reason)
{
	static const uint8_t limit[] = {FLI_SMALL_ATOM_UTF8_EXT, 12, 's', 'y', 's', 't', 'e', 'm',
		'_', 'l', 'i', 'm', 'i', 't'};
	fl_node *node = fl_self_node(self);
	fl_term term = {.data = limit, .size = sizeof limit};

	if (reason->error == FL_OK && reason->size > 0)
		term = fl_buf_term(reason);
	fli_enter(node);
	fli_proc_exit(self, term);
	fli_leave(node);
	return FL_OK;
}

/* The group leader is the caller's: its node logs what became of the call, in a BEAM's words. */
static void tell_caller(fl_proc *self, fl_term reason)
{
	fl_node *node = fl_self_node(self);

	fli_enter(node);
	fli_logger_tell(self, FL_LOG_ERROR,
		fl_spec("{\"Error in process ~p on node ~p with exit value:~n~p~n\", [~, ~, ~]}",
			fl_self(self), node->name, reason),
		fl_spec("#{error_logger => #{tag => error, emulator => true}}"));
	fli_leave(node);
}

static void report(fl_proc *self, const fli_mfa *mfa, fl_term reason)
{
	fl_node *node = fl_self_node(self);
	char text[1024];

	fli_log_limited(&node->log, fl_now_ms(self), FLI_ERROR,
		"%.*s:%.*s, run for another node, failed: %s", (int)mfa->module.size,
		mfa->module.text, (int)mfa->function.size, mfa->function.text,
		fl_print_to(text, sizeof text, reason));
	tell_caller(self, reason);
}

/* ---- erpc ------------------------------------------------------------------------------------ */

static void build_outcome(
	fl_buf *reason, fl_term ref, int class, const fl_buf *result, const fli_mfa *mfa)
{
	fl_term value = fl_buf_term(result);

	fl_tuple_open(reason);
	(void)fl_build(reason, "~", ref);
	switch (class) {
	case FL_THROW: (void)fl_build(reason, "throw"); break;
	case FL_EXIT: (void)fl_build(reason, "exit"); break;
	case FL_ERROR: (void)fl_build(reason, "error"); break;
	default: (void)fl_build(reason, "return"); break;
	}
	(void)fl_build(reason, "~", value);
	if (class == FL_ERROR)
		(void)fli_mfa_stack(reason, mfa);
	fl_tuple_close(reason);
}

static int execute_call(fl_proc *self, fl_term args)
{
	fl_buf result = FL_BUF_INIT, reason = FL_BUF_INIT;
	fli_mfa mfa;
	fl_term ref, module, function;

	if (fl_match(args, "[~, ~, ~, ~]", &ref, &mfa.module, &mfa.function, &mfa.args))
		build_outcome(&reason, ref, fli_apply(self, &mfa, &result), &result, &mfa);
	else if (fl_match(args, "[~, ~, ~, ~]", &ref, &module, &function, &mfa.args))
		(void)fl_build(&reason, "{~, error, badarg, [{erlang, apply, [~, ~, ~], []}]}", ref,
			module, function, mfa.args);
	else
		(void)fl_build(&reason, "{badarg, [{erpc, execute_call, ~, []}]}", args);
	(void)end_with(self, &reason);
	fl_buf_free(&result);
	fl_buf_free(&reason);
	return FL_OK;
}

/* ---- anything else --------------------------------------------------------------------------- */

static void build_reason(fl_buf *reason, int class, const fl_buf *result, const fli_mfa *mfa)
{
	fl_term value = fl_buf_term(result);

	if (class == FL_OK) {
		(void)fl_build(reason, "normal");
		return;
	}
	if (class == FL_EXIT) {
		(void)fl_build(reason, "~", value);
		return;
	}
	fl_tuple_open(reason);
	if (class == FL_THROW)
		(void)fl_build(reason, "{nocatch, ~}", value);
	else
		(void)fl_build(reason, "~", value);
	(void)fli_mfa_stack(reason, mfa);
	fl_tuple_close(reason);
}

static int run_plain(fl_proc *self, fli_mfa *mfa)
{
	fl_buf result = FL_BUF_INIT, reason = FL_BUF_INIT;
	int class = fli_apply(self, mfa, &result);

	build_reason(&reason, class, &result, mfa);
	if (class == FL_THROW || class == FL_ERROR)
		report(self, mfa, fl_buf_term(&reason));
	(void)end_with(self, &reason);
	fl_buf_free(&result);
	fl_buf_free(&reason);
	return FL_OK;
}

static int run(fl_proc *self, fli_mfa *mfa)
{
	fli_mfa inner;

	if (!fl_atom_is(mfa->module, "erpc"))
		return run_plain(self, mfa);
	if (fl_atom_is(mfa->function, "execute_call"))
		return execute_call(self, mfa->args);
	if (fl_atom_is(mfa->function, "execute_cast") &&
		fl_match(mfa->args, "[~, ~, ~]", &inner.module, &inner.function, &inner.args))
		return run_plain(self, &inner);
	return run_plain(self, mfa);
}

/* The first message is the job; no other is taken, since its end is the process's. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	fli_mfa mfa;

	(void)state; /* it has none */
	if (!fl_match(message, "{~, ~, ~}", &mfa.module, &mfa.function, &mfa.args))
		return FL_OK;
	return run(self, &mfa);
}

static const fl_behaviour worker = {.name = "flitch_worker", .info = on_info};

/* ---- starting -------------------------------------------------------------------------------- */

static fli_msg *make_job(fl_node *node, const fli_worker *start)
{
	const fli_payload *payload = start->payload;
	fli_buf *buf = &node->scratch;
	fli_msg *msg;
	uint8_t *place;

	fli_buf_clear(buf, 1 << 16);
	fli_write_tuple(buf, 3);
	fli_write_atom(buf, start->module);
	fli_write_atom(buf, start->function);
	if (payload == NULL) {
		fli_write_term(buf, start->args);
	} else {
		place = fli_buf_extend(buf, payload->walked->expanded_size);
		if (place != NULL)
			fli_expand(payload->data, payload->walked, payload->refs, place);
	}
	if (buf->failed)
		return NULL;
	msg = fli_msg_of_term(node, fli_term(node, buf->data, buf->size));
	if (msg == NULL)
		return NULL;
	msg->kind = FLI_MSG_INFO; /* whatever its atoms look like */
	msg->body = 0;
	return msg;
}

int fli_worker_start(fl_node *node, const fli_worker *start, fl_proc **ret_proc)
{
	static const uint8_t nil[] = {FLI_NIL_EXT};
	fli_start how = {.behaviour = &worker};
	fl_pid leader;
	fli_msg *msg = make_job(node, start);
	int rc;

	if (msg == NULL)
		return FL_ENOMEM;
	if (start->leader != NULL) {
		leader = *start->leader;
		if (fli_atoms_find(node->atoms, leader.node.text, leader.node.size, &leader.node))
			how.group_leader = &leader;
	}
	rc = fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), ret_proc, NULL);
	if (rc != FL_OK) {
		fli_msg_free(node, msg);
		return rc;
	}
	if (start->sender.text != NULL)
		fli_msg_set_sender(msg, start->sender);
	fli_mailbox_push(*ret_proc, msg);
	return FL_OK;
}
