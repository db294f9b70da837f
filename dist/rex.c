/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rex: a worker for each call, its exit reason made into rpc's result.
 *
 *  - A call starts a worker that rex monitors; the asker's handle waits in a list.
 *  - The DOWN says {rex, return | throw | exit | error, ..}, or why the worker was ended.
 *
 * Failure: no worker is {badrpc, {'EXIT', system_limit}}; what is not understood is ignored, and a
 * call of that kind refused, so that nobody waits for ever.
 *
 * Departure from OTP: block_call does not block the others; functions here never share state that
 * would need it.
 */
#include "dist/rex.h"

#include "dist/worker.h"
#include "node/export.h"
#include "node/owned.h"
#include "node/sched.h"

typedef struct pending {
	fli_link link;
	fl_ref monitor;
	bool is_call;
	fl_from from; /* of a call */
	fl_pid asker; /* of a bare message */
} pending;

typedef struct rex_state {
	fli_link pending;
	uint32_t pending_count;
} rex_state;

static int on_init(fl_proc *self, void *state, fl_term args)
{
	rex_state *rex = state;

	self->is_deputy = true; /* sbcast and its like */
	(void)args;
	fli_list_create(&rex->pending);
	return FL_OK;
}

/* ---- results --------------------------------------------------------------------------------- */

/* As `catch apply(M, F, A)` in OTP's rex: an 'EXIT' tuple is bad whoever made it. */
static void build_value(fl_buf *b, fl_term value)
{
	if (fl_match(value, "{'EXIT', _}"))
		(void)fl_build(b, "{badrpc, ~}", value);
	else
		(void)fl_build(b, "~", value);
}

static void build_result(fl_buf *b, fl_term reason)
{
	fl_term value, stack;

	if (fl_match(reason, "{rex, return, ~}", &value) ||
		fl_match(reason, "{rex, throw, ~}", &value))
		build_value(b, value);
	else if (fl_match(reason, "{rex, exit, ~}", &value))
		(void)fl_build(b, "{badrpc, {'EXIT', ~}}", value);
	else if (fl_match(reason, "{rex, error, ~, ~}", &value, &stack))
		(void)fl_build(b, "{badrpc, {'EXIT', {~, ~}}}", value, stack);
	else
		(void)fl_build(b, "{badrpc, {'EXIT', ~}}", reason);
}

static int answer(fl_proc *self, const pending *p, fl_term result)
{
	/* Whoever is gone needs no answer. */
	if (p->is_call)
		(void)fl_reply(p->from, "~", result);
	else
		(void)fl_send(self, p->asker, "{rex, ~}", result);
	return FL_OK;
}

static int on_down(fl_proc *self, rex_state *rex, const fl_ref *ref, fl_term reason)
{
	fl_buf result = FL_BUF_INIT;
	fli_link *link = rex->pending.next;
	pending *p = NULL;

	for (; link != &rex->pending && p == NULL; link = link->next) {
		p = fli_container_of(link, pending, link);
		if (!fl_ref_eq(&p->monitor, ref))
			p = NULL;
	}
	if (p == NULL)
		return FL_OK;
	build_result(&result, reason);
	if (result.error == FL_OK)
		(void)answer(self, p, fl_buf_term(&result));
	fl_buf_free(&result);
	fli_list_remove(&p->link);
	rex->pending_count--;
	fli_owned_free(p);
	return FL_OK;
}

/* ---- starting -------------------------------------------------------------------------------- */

/* What a request asks for: {call | block_call | cast, M, F, A, Leader}. */
typedef struct request {
	fli_worker worker;
	fl_pid leader;
} request;

static bool read_request(const fl_proc *self, fl_term term, request *ret)
{
	fl_term leader;

	if (!fl_match(term, "{_, ~, ~, ~, ~}", &ret->worker.module, &ret->worker.function,
		    &ret->worker.args, &leader))
		return false;
	ret->worker.payload = NULL;
	ret->worker.sender = fl_sender_node(self);
	/* The other forms, `user` and send_stdout_to_caller, are the node's own leader. */
	ret->worker.leader = fl_match(leader, "~", &ret->leader) ? &ret->leader : NULL;
	return true;
}

/* Starts erpc:execute_call(rex, M, F, A) and watches it, before it can run. */
static int start_watched(fl_proc *self, const request *req, fl_ref *ret_monitor)
{
	fl_node *node = fl_self_node(self);
	fl_buf args = FL_BUF_INIT;
	fli_worker call = {.module = fl_atom_of("erpc"),
		.function = fl_atom_of("execute_call"),
		.leader = req->worker.leader,
		.sender = req->worker.sender};
	fl_proc *proc;
	int rc = fl_build(&args, "[rex, ~, ~, ~]", req->worker.module, req->worker.function,
		req->worker.args);

	if (rc == FL_OK) {
		call.args = fl_buf_term(&args);
		fli_enter(node);
		rc = fli_worker_start(node, &call, &proc);
		if (rc == FL_OK)
			rc = fl_monitor(self, fli_proc_pid(proc), ret_monitor);
		fli_leave(node);
	}
	fl_buf_free(&args);
	return rc;
}

static int refuse(fl_proc *self, const pending *p)
{
	fl_buf result = FL_BUF_INIT;

	if (fl_build(&result, "{badrpc, {'EXIT', system_limit}}") == FL_OK)
		(void)answer(self, p, fl_buf_term(&result));
	fl_buf_free(&result);
	return FL_OK;
}

static int start_call(fl_proc *self, rex_state *rex, const request *req, const pending *asked)
{
	pending *p = NULL;

	if (rex->pending_count < FLI_REX_PENDING_MAX)
		p = fli_owned_alloc(self, sizeof *p);
	if (p == NULL)
		return refuse(self, asked);
	*p = *asked;
	if (start_watched(self, req, &p->monitor) != FL_OK) {
		fli_owned_free(p);
		return refuse(self, asked);
	}
	fli_list_append(&rex->pending, &p->link);
	rex->pending_count++;
	return p->is_call ? fl_later(self, p->from) : FL_OK;
}

static void start_cast(fl_proc *self, const request *req)
{
	fl_node *node = fl_self_node(self);
	fl_proc *proc;

	fli_enter(node);
	if (fli_worker_start(node, &req->worker, &proc) != FL_OK)
		fli_log_limited(&node->log, fl_now_ms(self), FLI_WARNING,
			"rex: no process could be made for a cast");
	fli_leave(node);
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static int on_call(fl_proc *self, void *state, fl_from from, fl_term term)
{
	pending asked = {.is_call = true, .from = from};
	request req;

	if ((fl_match(term, "{call, _, _, _, _}") || fl_match(term, "{block_call, _, _, _, _}")) &&
		read_request(self, term, &req))
		return start_call(self, state, &req, &asked);
	return fl_reply(from, "{badrpc, {'EXIT', badarg}}");
}

static int on_cast(fl_proc *self, void *state, fl_term term)
{
	request req;

	(void)state; /* nobody waits */
	if (fl_match(term, "{cast, _, _, _, _}") && read_request(self, term, &req))
		start_cast(self, &req);
	return FL_OK;
}

static bool is_registered(fl_proc *self, fl_atom name)
{
	fl_node *node = fl_self_node(self);
	bool found;

	fli_enter(node);
	found = fli_name_find(node, name) != NULL;
	fli_leave(node);
	return found;
}

/* sbcast confirms, send only complains. */
static int on_named(fl_proc *self, fl_pid asker, fl_term what)
{
	fl_atom self_node = fl_self_node(self)->name, name;
	fl_term message;
	bool is_sbcast = fl_match(what, "{sbcast, ~, ~}", &name, &message);

	if (!is_sbcast && !fl_match(what, "{send, ~, ~}", &name, &message))
		return FL_OK;
	if (!is_registered(self, name))
		return fl_send(self, asker, "{rex, ~, {nonexisting_name, ~}}", self_node, name);
	if (!is_sbcast)
		return fl_send(self, name, "{~, ~}", asker, message);
	(void)fl_send(self, name, "~", message); /* gone meanwhile is as good as delivered */
	return fl_send(self, asker, "{rex, ~, ~}", self_node, self_node);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	pending asked = {.is_call = false};
	fl_term what, reason;
	request req;
	fl_ref ref;

	if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &reason))
		return on_down(self, state, &ref, reason);
	if (!fl_match(message, "{~, ~}", &asked.asker, &what))
		return FL_OK;
	if (fl_match(what, "features_request"))
		(void)fl_send(
			self, asked.asker, "{features_reply, ~, [erpc]}", fl_self_node(self)->name);
	else if (fl_match(what, "{call, _, _, _, _}") && read_request(self, what, &req))
		return start_call(self, state, &req, &asked);
	else
		(void)on_named(self, asked.asker, what);
	return FL_OK;
}

const fl_behaviour fli_rex = {
	.name = "rex",
	.state_size = sizeof(rex_state),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
};
