/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elixir's Agent.Server: {get, F}, {update, F}, {get_and_update, F} as calls, {cast, F} as a cast,
 * where F is {Module, Function, Args}, called with the state before Args.
 *
 * Failure: what the function raises ends the agent, as in Elixir. A fun holds code for a BEAM: it
 * ends that call alone, by a DOWN with cannot_run_erlang_code; a cast of one is logged.
 */
#include "flitch/agent.h"

#include "node/export.h"
#include "node/kept.h"
#include "node/owned.h"
#include "node/sched.h"

struct agent {
	fl_term state; /* in `holder` */
	struct holder *holder;
};

/* Goes with the process, however it ends. */
typedef struct holder {
	fli_kept *kept;
	fli_mem *mem;
} holder;

static void drop(void *block)
{
	holder *h = block;

	fli_free(h->mem, h->kept);
}

static int set_state(fl_proc *self, struct agent *a, fl_term state)
{
	fli_kept *kept = fli_keep(self->node->mem, state);

	if (kept == NULL)
		return fl_stop(self, "system_limit");
	fli_free(self->node->mem, a->holder->kept);
	a->holder->kept = kept;
	a->state = fli_kept_term(kept, self->node->atoms);
	return FL_OK;
}

static int init(fl_proc *self, void *state, fl_term args)
{
	struct agent *a = state;

	a->holder = fli_owned_alloc_with(self, sizeof *a->holder, drop);
	if (a->holder == NULL)
		return fl_stop(self, "system_limit");
	*a->holder = (holder){.mem = self->node->mem};
	return set_state(self, a, args);
}

/* ---- functions --------------------------------------------------------------------------------
 */

static int write_args(const struct agent *a, fl_term more, fl_buf *buf)
{
	fl_term element;

	fl_list_open(buf);
	(void)fl_build(buf, "~", a->state); /* see the error below */
	while (fl_list_next(&more, &element))
		(void)fl_build(buf, "~", element);
	fl_list_close(buf);
	return fl_term_kind(more) == FL_NIL ? buf->error : FL_EINVAL;
}

/* What gen_server makes of what a callback raised. */
static int end_with(fl_proc *self, int class, const fli_mfa *mfa, fl_term raised)
{
	fl_buf stack = FL_BUF_INIT;
	int rc;

	if (class == FL_THROW)
		return fl_stop(self, "{bad_return_value, ~}", raised);
	if (class == FL_EXIT)
		return fl_stop(self, "~", raised);
	if (fli_mfa_stack(&stack, mfa) != FL_OK || stack.size == 0) {
		fl_buf_reset(&stack);
		(void)fl_build(&stack, "[]");
	}
	rc = fl_stop(self, "{~, ~}", raised, fl_buf_term(&stack));
	fl_buf_free(&stack);
	return rc;
}

/* FL_OK: ret_value has what it returned. FL_STOP: it raised. */
static int run(fl_proc *self, const struct agent *a, fl_term what, fl_buf *ret_value)
{
	fl_buf args = FL_BUF_INIT;
	fli_mfa mfa;
	fl_term more;
	int class;

	if (!fl_match(what, "{~, ~, ~}", &mfa.module, &mfa.function, &more))
		return fl_stop(
			self, "{function_clause, [{'Elixir.Agent.Server', run, [~], []}]}", what);
	if (write_args(a, more, &args) != FL_OK) {
		fl_buf_free(&args);
		return fl_stop(self, "badarg");
	}
	mfa.args = fl_buf_term(&args);
	class = fli_apply(self, &mfa, ret_value);
	if (class != FL_OK)
		class = end_with(self, class, &mfa, fl_buf_term(ret_value));
	fl_buf_free(&args);
	return class;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

/* The call ends, the agent does not. A caller of this node is told by an answer. */
static int refuse_code(fl_proc *self, fl_from from)
{
	fl_node *node = self->node;
	fli_call *call;
	fl_pid caller;

	if (fl_from_pid(from, &caller) && fli_pid_is_local(node, &caller))
		return fl_reply(from, "{error, cannot_run_erlang_code}");
	fli_enter(node);
	call = fli_call_find(node, from);
	if (call != NULL) {
		fli_call_refuse(self, call->msg, "cannot_run_erlang_code");
		fli_call_close(node, call);
	}
	fli_leave(node);
	return FL_OK;
}

static int update(fl_proc *self, struct agent *a, fl_from from, fl_term value)
{
	int rc = set_state(self, a, value);

	return rc == FL_OK ? fl_reply(from, "ok") : rc;
}

static int get_and_update(fl_proc *self, struct agent *a, fl_from from, fl_term value)
{
	fl_term reply, state;
	int rc;

	if (!fl_match(value, "{~, ~}", &reply, &state))
		return fl_stop(self, "{bad_return_value, ~}", value);
	rc = set_state(self, a, state);
	return rc == FL_OK ? fl_reply(from, "~", reply) : rc;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_buf value = FL_BUF_INIT;
	struct agent *a = state;
	fl_atom what;
	fl_term how;
	int rc;

	if (!fl_match(request, "{~, ~}", &what, &how) ||
		!(fl_atom_is(what, "get") || fl_atom_is(what, "update") ||
			fl_atom_is(what, "get_and_update")))
		return fl_unhandled(self, request);
	if (fl_term_kind(how) == FL_FUN)
		return refuse_code(self, from);
	rc = run(self, a, how, &value);
	if (rc == FL_OK && fl_atom_is(what, "get"))
		rc = fl_reply(from, "~", fl_buf_term(&value));
	else if (rc == FL_OK && fl_atom_is(what, "update"))
		rc = update(self, a, from, fl_buf_term(&value));
	else if (rc == FL_OK)
		rc = get_and_update(self, a, from, fl_buf_term(&value));
	fl_buf_free(&value);
	return rc;
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fl_buf value = FL_BUF_INIT;
	struct agent *a = state;
	fl_term how;
	int rc;

	if (!fl_match(message, "{cast, ~}", &how))
		return fl_unhandled(self, message);
	if (fl_term_kind(how) == FL_FUN) {
		fli_log_limited(&self->node->log, fl_now_ms(self), FLI_WARNING,
			"an agent was cast a fun, which is Erlang code: it cannot run here");
		return FL_OK;
	}
	rc = run(self, a, how, &value);
	if (rc == FL_OK)
		rc = set_state(self, a, fl_buf_term(&value));
	fl_buf_free(&value);
	return rc;
}

/* As Elixir's: what nobody asked for is dropped. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

static int format_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const struct agent *a = state;

	(void)self; /* its state is all of it */
	return a->holder == NULL ? FL_ENOENT : fl_build(ret_status, "~", a->state);
}

static int replace_state(fl_proc *self, void *state, fl_term new_state)
{
	return set_state(self, state, new_state);
}

const fl_behaviour fl_agent = {.name = "Elixir.Agent.Server",
	.state_size = sizeof(struct agent),
	.init = init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.replace_state = replace_state,
	.format_status = format_status};

/* ---- for who uses one -------------------------------------------------------------------------
 */

int fl_agent_ask_spec(fl_proc *self, fl_dest agent, fl_agent_ask how, fl_spec mfa)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term reply = {.data = NULL};
	int rc = fl_build_values(&buf, mfa.pattern, mfa.values, mfa.count);

	if (rc == FL_OK)
		rc = fl_call_spec(self, agent, how.timeout_ms, &reply,
			fl_spec("{~, ~}", fl_atom_of(how.what), fl_buf_term(&buf)));
	if (how.ret_value != NULL && reply.data != NULL)
		*how.ret_value = reply;
	fl_buf_free(&buf);
	return rc;
}

int fl_agent_cast_spec(fl_proc *self, fl_dest agent, fl_spec mfa)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, mfa.pattern, mfa.values, mfa.count);

	if (rc == FL_OK)
		rc = fl_cast_spec(self, agent, fl_spec("{cast, ~}", fl_buf_term(&buf)));
	fl_buf_free(&buf);
	return rc;
}
