/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scenario asks of nodes: servers to start, calls, messages.
 *
 * A call is made by a process of its own on that node, which sends the request when it begins and
 * ends with the answer; the world runs meanwhile.
 */
#include <string.h>

#include "node/supervisor.h"
#include "sim/node.h"
#include "sim/wire.h"

/* ---- servers --------------------------------------------------------------------------------- */

typedef struct serve_job {
	fli_job job;
	fl_sim_node *node;
	const fl_behaviour *behaviour;
	const char *name;
	bool is_supervised;
	fl_buf args;
	fl_pid pid;
	fl_error err;
	int rc;
} serve_job;

static int start_supervised(serve_job *s)
{
	fl_node *inner = s->node->core.node;
	fl_atom name = fl_atom_of(s->behaviour->name);
	int rc = fli_supervisor_start_child(inner, s->behaviour, &s->err);
	fl_proc *proc = rc == FL_OK ? fli_name_find(inner, name) : NULL;

	if (proc != NULL)
		s->pid = fli_proc_pid(proc);
	return rc;
}

static int start_alone(serve_job *s)
{
	fl_node *inner = s->node->core.node;
	const fli_start how = {.behaviour = s->behaviour, .name = s->name};
	fl_term args = fl_buf_term(&s->args);
	fl_proc *proc;
	int rc = fli_proc_start(inner, &how, fli_term(inner, args.data, args.size), &proc, NULL);

	if (rc == FL_OK)
		s->pid = fli_proc_pid(proc);
	return rc;
}

static void run_serve(fli_job *job)
{
	serve_job *s = fli_container_of(job, serve_job, job);
	fl_node *inner = s->node->core.node;

	fli_drive_begin(inner);
	s->rc = s->is_supervised ? start_supervised(s) : start_alone(s);
	fli_drive_end(inner);
}

int fl_sim_serve_spec(fl_sim_node *node, const fl_behaviour *behaviour, const fl_sim_serve *how,
	fl_pid *ret_pid, fl_spec args)
{
	serve_job *s;
	int rc;

	if (node->state != FL_SIM_UP)
		return FL_ECLOSED;
	s = fli_store_zalloc(sizeof *s);
	s->job = (fli_job){.run = run_serve, .prog = &node->prog};
	s->node = node;
	s->behaviour = behaviour;
	s->name = how == NULL ? NULL : how->name;
	s->is_supervised = how != NULL && how->is_supervised;
	s->rc = fl_build_values(&s->args, args.pattern, args.values, args.count);
	if (s->rc != FL_OK) {
		rc = s->rc;
		fl_buf_free(&s->args);
		fli_store_free(s);
		return rc;
	}
	if (!fli_world_do(node->prog.sim, &s->job))
		return FL_ETIMEOUT;
	rc = s->rc;
	if (rc == FL_OK && ret_pid != NULL)
		*ret_pid = s->pid;
	fl_buf_free(&s->args);
	fli_job_delete(&s->job);
	return rc;
}

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct sim_call {
	fli_job job;
	fli_link link; /* in fl_sim_node.calls */
	fl_sim_node *node;
	fl_dest to;
	fl_spec request;
	fl_ref ref;
	fl_buf *reply;
	fl_pid pid;    /* of who asks */
	bool has_proc; /* the process began, in this life of the node */
	int rc;        /* FL_EBUSY: under way */
} sim_call;

typedef struct caller {
	sim_call *call;
} caller;

static int reason_code(fl_term reason)
{
	if (fl_match(reason, "noproc"))
		return FL_ENOPROC;
	return fl_match(reason, "noconnection") ? FL_ENOCONN : FL_EEXIT;
}

static void answer(sim_call *call, int rc, fl_term term)
{
	call->rc = rc;
	if (call->reply != NULL)
		(void)fl_build_encoded(call->reply, term.data, term.size);
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_sim_node *node = fl_sim_node_of(fl_self_node(self));
	sim_call *call = fli_container_of(node->calls.prev, sim_call, link);

	(void)args; /* what to ask is at the node */
	((caller *)state)->call = call;
	call->rc = fl_request_spec(self, call->to, &call->ref, call->request);
	if (call->rc != FL_OK)
		return FL_IGNORE;
	call->rc = FL_EBUSY;
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	sim_call *call = ((caller *)state)->call;
	fl_term body;
	fl_ref ref;

	if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &body))
		answer(call, reason_code(body), body);
	else if (fl_match(message, "{~, ~}", &ref, &body))
		answer(call, FL_OK, body);
	else
		return FL_OK;
	return fl_stop(self, "normal");
}

static const fl_behaviour caller_behaviour = {
	.name = "scenario", .state_size = sizeof(caller), .init = on_init, .info = on_info};

static void run_call(fli_job *job)
{
	static const uint8_t nil[] = {106};
	const fli_start how = {.behaviour = &caller_behaviour, .is_system = true};
	sim_call *call = fli_container_of(job, sim_call, job);
	fl_node *inner = call->node->core.node;
	fl_proc *proc;
	int rc;

	fli_drive_begin(inner);
	rc = fli_proc_start(inner, &how, fli_term(inner, nil, sizeof nil), &proc, NULL);
	if (rc == FL_OK)
		call->pid = fli_proc_pid(proc);
	fli_drive_end(inner);
	call->has_proc = rc == FL_OK;
	if (rc != FL_OK && (call->rc == FL_OK || call->rc == FL_EBUSY))
		call->rc = rc;
}

/* The process of the call; NULL: it has ended. */
static fl_proc *proc_of(const sim_call *call)
{
	return call->has_proc ? fli_proc_of(call->node->core.node, &call->pid) : NULL;
}

static bool is_answered(void *ctx)
{
	sim_call *call = ctx;

	if (call->rc == FL_EBUSY && proc_of(call) == NULL)
		call->rc = FL_ENOMEM; /* nothing else ends it before its answer */
	return call->rc != FL_EBUSY;
}

/* Nobody waits any more. */
static void give_up(sim_call *call)
{
	static const uint8_t killed[] = {119, 6, 'k', 'i', 'l', 'l', 'e', 'd'};
	fl_node *inner = call->node->core.node;
	fl_proc *proc = proc_of(call);

	if (proc == NULL)
		return;
	fli_enter(inner);
	fli_proc_exit(proc, fli_term(inner, killed, sizeof killed));
	fli_leave(inner);
}

void fli_calls_end(fl_sim_node *node)
{
	for (fli_link *at = node->calls.next; at != &node->calls; at = at->next) {
		sim_call *call = fli_container_of(at, sim_call, link);

		call->has_proc = false;
		if (call->rc == FL_EBUSY)
			call->rc = FL_ECLOSED;
	}
}

int fl_sim_call_spec(
	fl_sim_node *node, fl_dest to, uint32_t timeout_ms, fl_buf *reply, fl_spec request)
{
	sim_call *call;
	int rc;

	if (reply != NULL)
		fl_buf_reset(reply);
	if (node->state != FL_SIM_UP && node->state != FL_SIM_PAUSED)
		return FL_ECLOSED;
	call = fli_store_zalloc(sizeof *call);
	*call = (sim_call){.job = {.run = run_call, .prog = &node->prog},
		.node = node,
		.to = to,
		.request = request,
		.reply = reply,
		.rc = FL_EBUSY};
	fli_list_append(&node->calls, &call->link);
	(void)fli_world_do(node->prog.sim, &call->job); /* its init does not wait */
	if (call->rc == FL_EBUSY &&
		!fl_sim_run_until(node->prog.sim, timeout_ms, is_answered, call))
		call->rc = FL_ETIMEOUT;
	give_up(call);
	rc = call->rc;
	fli_list_remove(&call->link);
	fli_job_delete(&call->job);
	return rc;
}

/* ---- messages -------------------------------------------------------------------------------- */

int fl_sim_send_spec(fl_sim_node *node, fl_dest to, bool is_cast, fl_spec message)
{
	static const char prefix[] = "{'$gen_cast', ~}";
	fl_node *inner = node->core.node;
	fl_buf body = FL_BUF_INIT, cast = FL_BUF_INIT;
	int rc;

	if (node->state != FL_SIM_UP && node->state != FL_SIM_PAUSED)
		return FL_ECLOSED;
	rc = fl_build_values(&body, message.pattern, message.values, message.count);
	if (rc == FL_OK && is_cast)
		rc = fl_build(&cast, prefix, fl_buf_term(&body));
	if (rc == FL_OK) {
		fli_enter(inner);
		rc = fli_send_term(inner, NULL, &to, fl_buf_term(is_cast ? &cast : &body));
		fli_leave(inner);
	}
	fl_buf_free(&body);
	fl_buf_free(&cast);
	return rc;
}

/* ---- a man in the middle --------------------------------------------------------------------- */

int fl_sim_forge(
	fl_sim_node *from, const char *to, fl_sim_forgery how, const void *bytes, size_t size)
{
	static const char *const texts[] = {"a forged frame", "the next frame is replaced by one",
		"a bit of the next frame is turned"};
	const char *at = strchr(to, '@');
	fli_host *host = fli_host_get(from->prog.sim, at == NULL ? to : at + 1);
	fli_end *end = fli_end_find_proven(&from->prog, host);

	if (end == NULL)
		return FL_ENOENT;
	fli_world_count(from->prog.sim, texts[how], from->name.text, host->name, size);
	fli_end_forge(end, how, bytes, size);
	return FL_OK;
}
