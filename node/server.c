/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server loop of a process: takes messages, runs handlers, settles what they left.
 *
 *     pop --> job --> [handler, without the context] --> settle: replied? stopped? what next?
 *
 *  - `continue_` runs before any message, `timeout` when the mailbox stayed empty.
 *  - FL_STOP: terminate, a report unless the reason is ordinary, the exit.
 *
 * Failure: a handler that returns an odd value, or leaves a call unanswered, is {api_misuse, _}. A
 * process that was killed while its handler ran is settled by freeing it, nothing else.
 */
#include <string.h>

#include "node/conflict.h"
#include "node/debug.h"
#include "node/events.h"
#include "node/groups.h"
#include "node/sched.h"
#include "node/term/peek.h"
#include "node/via.h"

/* What one handler is run for. */
typedef struct server_job {
	enum {
		JOB_INIT,
		JOB_MESSAGE,
		JOB_CONTINUE,
		JOB_TIMEOUT,
		JOB_TERMINATE,
		JOB_DONE,
		JOB_CODE_CHANGE,
		JOB_REPLACE_STATE,
		JOB_END
	} what;
	fli_msg_kind kind;
	fl_term term;
	fl_atom sender; /* of the message; its text is NULL: this node */
	fli_msg *msg;   /* that `term` lies in; NULL: none of a mailbox */
	fl_from from;
	fli_task_end *task;
} server_job;

/* ---- the handlers, called without the context -------------------------------------------------
 */

static fl_atom node_name_of(fl_term term)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fl_atom atom = {.text = "", .size = 0};

	(void)fli_peek_atom(&c, NULL, &atom); /* written by us */
	return atom;
}

static int on_node_down(fl_proc *proc, fl_term term)
{
	fl_term node, reason;

	if (!fl_tuple_get(term, 0, &node) || !fl_tuple_get(term, 1, &reason))
		return FL_OK;
	return proc->behaviour->node_down(proc, proc->state, node_name_of(node), reason);
}

static int on_info(fl_proc *proc, fl_term message)
{
	const fl_behaviour *b = proc->behaviour;
	int rc;

	if (fli_conflict_message(proc, message, &rc))
		return rc;
	return b->info == NULL ? fl_unhandled(proc, message) : b->info(proc, proc->state, message);
}

/* A name in the cluster comes before init, as gen registers before it calls it. */
static int on_init(fl_proc *proc, fl_term args)
{
	const fl_behaviour *b = proc->behaviour;

	if (proc->global_name != NULL) {
		if (proc->node->via == NULL)
			return fl_stop(proc, "{noproc, global}");
		if (proc->node->via->claim(proc, proc->global_name) != FL_OK)
			return FL_STOP;
		proc->global_name = NULL;
	}
	return b->init == NULL ? FL_OK : b->init(proc, proc->state, args);
}

static int on_message(fl_proc *proc, const server_job *job)
{
	const fl_behaviour *b = proc->behaviour;

	switch (job->kind) {
	case FLI_MSG_CALL:
		return b->call == NULL ? fl_unhandled(proc, job->term)
				       : b->call(proc, proc->state, job->from, job->term);
	case FLI_MSG_CAST:
		return b->cast == NULL ? fl_unhandled(proc, job->term)
				       : b->cast(proc, proc->state, job->term);
	case FLI_MSG_NODE_UP:
		return b->node_up == NULL ? FL_OK
					  : b->node_up(proc, proc->state, node_name_of(job->term));
	case FLI_MSG_NODE_DOWN: return b->node_down == NULL ? FL_OK : on_node_down(proc, job->term);
	case FLI_MSG_PAUSE: return b->on_pause == NULL ? FL_OK : b->on_pause(proc, proc->state);
	case FLI_MSG_RESUME: return b->on_resume == NULL ? FL_OK : b->on_resume(proc, proc->state);
	default: return on_info(proc, job->term);
	}
}

static int run_job(fl_proc *proc, const server_job *job)
{
	const fl_behaviour *b = proc->behaviour;

	switch (job->what) {
	case JOB_INIT: return on_init(proc, job->term);
	case JOB_CONTINUE:
		return b->continue_ == NULL ? FL_OK : b->continue_(proc, proc->state, job->term);
	case JOB_TIMEOUT: return b->timeout == NULL ? FL_OK : b->timeout(proc, proc->state);
	case JOB_TERMINATE:
		if (b->terminate != NULL)
			b->terminate(proc, proc->state, job->term);
		return FL_OK;
	case JOB_DONE:
		return job->task->task.done == NULL
			       ? FL_OK
			       : job->task->task.done(proc, proc->state, job->task->arg);
	case JOB_END: return proc->extra->end(proc, proc->state, job->term);
	case JOB_CODE_CHANGE:
		return b->code_change == NULL ? FL_OK
					      : b->code_change(proc, proc->state, job->term);
	case JOB_REPLACE_STATE: return fli_sys_replace_state(proc, job->term);
	case JOB_MESSAGE: return on_message(proc, job);
	}
	return FL_EMISUSE;
}

/* What gen_server's loop shows to sys:log and sys:trace. */
static bool is_event(const server_job *job)
{
	return job->what == JOB_MESSAGE || job->what == JOB_CONTINUE || job->what == JOB_TIMEOUT ||
	       job->what == JOB_DONE;
}

/* Runs a handler; false: the context was lost on the way, and is held by the gate now. */
static bool invoke(fl_proc *proc, const server_job *job, int *ret_rc)
{
	fli_frame frame;
	bool kept;

	fli_handler_begin(&frame, proc, job->sender, job->msg);
	*ret_rc = run_job(proc, job);
	kept = fli_handler_end(&frame, proc);
	fli_frame_release(&frame, proc->node);
	if (FLI_UNLIKELY(fli_is_debugged(proc)) && *ret_rc == FL_OK &&
		proc->status != FLI_EXITING && is_event(job))
		fli_debug_out(proc);
	return kept;
}

/* ---- settling -------------------------------------------------------------------------------- */

static void set_reason(fl_proc *proc, fl_spec reason)
{
	if (fli_reason_set(proc, reason) != FL_OK)
		proc->reason_is_lost = true; /* it ends as `killed`, and not as what it is not */
}

static fl_term reason_of(fl_proc *proc)
{
	if (!fli_reason_is_set(proc) && !proc->reason_is_lost)
		set_reason(proc, fl_spec("normal"));
	return fli_reason(proc);
}

bool fli_server_stop(fl_proc *proc, fl_term reason, const fli_msg *last)
{
	server_job job = {.what = JOB_TERMINATE, .term = reason};
	fl_buf state = FL_BUF_INIT;
	bool kept = true;
	int rc;

	job.term.atoms = proc->node->atoms; /* what the handler captures is its to keep */
	if (proc->status == FLI_EXITING)
		return true;
	proc->status = FLI_RUNNING; /* nothing that comes meanwhile is for another thread to run */
	proc->frames++;             /* it may be killed meanwhile */
	if (fli_report_is_due(reason))
		fli_state_write(proc, &state); /* `terminate` may take it apart */
	if (reason.data != NULL && proc->behaviour->terminate != NULL)
		kept = invoke(proc, &job, &rc);
	if (reason.data != NULL && proc->status != FLI_EXITING)
		fli_report_stop(proc, reason, last, fl_buf_term(&state));
	fl_buf_free(&state);
	fli_proc_exit(proc, reason);
	proc->frames--;
	fli_proc_free(proc);
	return kept;
}

static bool stop_for_misuse(fl_proc *proc, const char *what, fl_term about, const fli_msg *last)
{
	set_reason(proc, fl_spec("{api_misuse, {~, ~}}", fl_atom_of(what), about));
	return fli_server_stop(proc, reason_of(proc), last);
}

/* What any handler may have asked for. */
static bool settle(fl_proc *proc, int rc, const fli_msg *last)
{
	if (proc->status == FLI_EXITING || FLI_LIKELY(rc == FL_OK))
		return true;
	if (rc != FL_STOP)
		set_reason(proc, fl_spec("{api_misuse, {handler_returned, ~}}", rc));
	return fli_server_stop(proc, reason_of(proc), last);
}

static bool settle_call(fl_proc *proc, fl_from from, int rc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_call *call = fli_call_find(node, from);
	bool kept = true;

	if (call != NULL && rc == FL_OK && call->wants_later) {
		call->is_later = true; /* the message is the slot's from here on */
		return true;
	}
	if (call != NULL && rc == FL_OK && proc->status != FLI_EXITING)
		kept = stop_for_misuse(proc, "no_reply",
			fli_term(node, msg->data + msg->body, msg->size - msg->body), msg);
	else
		kept = settle(proc, rc, msg);
	call = fli_call_find(node, from);
	if (call != NULL)
		fli_call_close(node, call);
	fli_msg_free(node, msg);
	return kept;
}

/* ---- one message ------------------------------------------------------------------------------
 */

static bool handle_call(fl_proc *proc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_call *call = fli_call_open(proc, msg);
	server_job job = {.what = JOB_MESSAGE,
		.kind = FLI_MSG_CALL,
		.sender = fli_msg_sender(node, msg),
		.msg = msg};
	bool kept;
	int rc;

	if (call == NULL) {
		fli_call_refuse(proc, msg, "system_limit");
		fli_msg_free(node, msg);
		return true;
	}
	job.from = fli_call_from(node, call);
	job.term = fli_term(node, msg->data + msg->body, msg->size - msg->body);
	kept = invoke(proc, &job, &rc);
	return settle_call(proc, job.from, rc, msg) && kept;
}

static bool is_from_parent(const fl_proc *proc, const fli_msg *msg, fl_term *ret_reason)
{
	fl_term whole = fli_msg_term(proc->node, msg);
	fl_pid pid;

	return !proc->is_system && proc->extra != NULL && proc->extra->has_parent &&
	       fl_match(whole, "{'EXIT', ~, ~}", &pid, ret_reason) &&
	       fl_pid_eq(&pid, &proc->extra->parent);
}

static bool handle_start(fl_proc *proc, fli_msg *msg)
{
	int rc;

	proc->status = FLI_STARTING;
	proc->frames++;
	rc = fli_server_init(proc, fli_msg_term(proc->node, msg));
	proc->frames--;
	if (proc->status != FLI_EXITING)
		proc->status = FLI_RUNNING;
	fli_msg_free(proc->node, msg);
	(void)rc; /* whoever watches it knows by its exit */
	return !proc->lost_in_init;
}

static bool handle_done(fl_proc *proc, fli_msg *msg)
{
	server_job job = {.what = JOB_DONE};
	bool kept;
	int rc;

	memcpy(&job.task, msg->data, sizeof job.task);
	fli_msg_free(proc->node, msg);
	kept = invoke(proc, &job, &rc);
	fli_task_end_delete(job.task, false);
	return settle(proc, rc, NULL) && kept;
}

static bool handle_plain(fl_proc *proc, fli_msg *msg)
{
	server_job job = {.what = JOB_MESSAGE,
		.kind = (fli_msg_kind)msg->kind,
		.term = fli_term(proc->node, msg->data + msg->body, msg->size - msg->body),
		.sender = fli_msg_sender(proc->node, msg),
		.msg = msg};
	bool kept;
	int rc;

	kept = invoke(proc, &job, &rc);
	kept = settle(proc, rc, msg) && kept;
	fli_msg_free(proc->node, msg);
	return kept;
}

/* Somebody who may ends it, with `reason`. */
static bool handle_end(fl_proc *proc, fl_term reason, const fli_msg *msg)
{
	server_job job = {.what = JOB_END, .term = reason};
	bool kept;
	int rc;

	if (proc->extra == NULL || proc->extra->end == NULL)
		return fli_server_stop(proc, reason, msg);
	proc->current_kind = FLI_MSG_INFO;
	kept = invoke(proc, &job, &rc);
	return settle(proc, rc, msg) && kept;
}

static bool handle_exit(fl_proc *proc, fli_msg *msg)
{
	fl_term reason;
	bool kept;

	msg->body = 0;
	if (!is_from_parent(proc, msg, &reason))
		return handle_plain(proc, msg);
	set_reason(proc, fl_spec("~", reason));
	kept = handle_end(proc, reason_of(proc), msg);
	fli_msg_free(proc->node, msg);
	return kept;
}

/*
 * sys:change_code: the state is converted where it lies, by a server that is suspended. A handler
 * that refuses has left it as it was; the answer is then that of an Erlang server which returned
 * {error, Reason}.
 */
static bool handle_code_change(fl_proc *proc, const fli_msg *msg, fl_term old_vsn)
{
	server_job job = {.what = JOB_CODE_CHANGE,
		.term = old_vsn,
		.sender = fli_msg_sender(proc->node, msg)};
	bool kept;
	int rc;

	kept = invoke(proc, &job, &rc);
	if (proc->status == FLI_EXITING)
		return kept;
	/* an answer that finds nobody is no error of the server's */
	if (rc == FL_OK)
		(void)fli_reply_spec(proc->node, proc, msg, fl_spec("ok"));
	else if (rc == FL_STOP)
		(void)fli_reply_spec(
			proc->node, proc, msg, fl_spec("{error, {error, ~}}", reason_of(proc)));
	else
		(void)fli_reply_spec(proc->node, proc, msg, fl_spec("{error, ~}", rc));
	fli_reason_forget(proc);
	return kept;
}

/* sys:replace_state: a function of this node makes a new state of the one that is shown. */
static bool handle_replace_state(fl_proc *proc, const fli_msg *msg, fl_term fun)
{
	server_job job = {
		.what = JOB_REPLACE_STATE, .term = fun, .sender = fli_msg_sender(proc->node, msg)};
	bool kept;
	int rc;

	kept = invoke(proc, &job, &rc);
	if (proc->status == FLI_EXITING)
		return kept;
	fli_sys_state_replaced(proc, msg, rc);
	fli_reason_forget(proc);
	return kept;
}

static bool handle_system(fl_proc *proc, fli_msg *msg)
{
	fl_term arg;
	bool kept;
	int rc;

	if (fli_sys_refuses(proc, msg)) {
		kept = true;
	} else if (fli_sys_is_code_change(proc, msg, &arg)) {
		kept = handle_code_change(proc, msg, arg);
	} else if (fli_sys_is_replace_state(proc, msg, &arg)) {
		kept = handle_replace_state(proc, msg, arg);
	} else {
		rc = fli_sys_handle(proc, msg);
		kept = rc == FL_STOP && proc->status != FLI_EXITING
			       ? handle_end(proc, reason_of(proc), msg)
			       : settle(proc, rc, msg);
	}
	fli_msg_free(proc->node, msg);
	return kept;
}

bool fli_server_handle(fl_proc *proc, fli_msg *msg)
{
	bool kept = true;

	proc->handled++;
	proc->node->handled++;
	proc->current_kind = msg->kind;
	proc->status = FLI_RUNNING;
	if (proc->extra != NULL && msg->kind != FLI_MSG_SYSTEM) {
		fli_wheel_stop(&proc->extra->idle);
		proc->extra->idle_due = false;
		if (FLI_UNLIKELY(proc->extra->statistics != NULL))
			proc->extra->statistics->messages_in++;
	}
	if (FLI_UNLIKELY(fli_is_debugged(proc)))
		fli_debug_in(proc, msg);
	switch ((fli_msg_kind)msg->kind) {
	case FLI_MSG_CALL: kept = fli_event_call(proc, msg, handle_call); break;
	case FLI_MSG_SYSTEM: kept = handle_system(proc, msg); break;
	case FLI_MSG_EXIT: kept = handle_exit(proc, msg); break;
	case FLI_MSG_START: kept = handle_start(proc, msg); break;
	case FLI_MSG_DONE: kept = handle_done(proc, msg); break;
	default: kept = handle_plain(proc, msg); break;
	}
	if (proc->status == FLI_RUNNING)
		proc->status = FLI_WAITING;
	return kept;
}

static int join_groups(fl_proc *proc)
{
	const fli_group_ops *ops = proc->node->groups;
	int rc = FL_OK;

	if (FLI_LIKELY(proc->behaviour->groups == NULL) || proc->status == FLI_EXITING)
		return FL_OK;
	rc = ops == NULL ? FL_ENOPROC : ops->join(proc);
	if (rc == FL_OK)
		return FL_OK;
	set_reason(proc, fl_spec("{groups, ~}", fl_atom_of(fl_error_atom(rc))));
	fli_report_stop(proc, reason_of(proc), NULL, (fl_term){.data = NULL});
	fli_proc_exit(proc, reason_of(proc));
	return FL_STOP;
}

int fli_server_init(fl_proc *proc, fl_term args)
{
	server_job job = {.what = JOB_INIT, .term = args};
	bool kept;
	int rc;

	/* a spawn request starts its worker in the midst of a read, where no handler may run: the
	 * context could be taken from under the loop */
	if (proc->behaviour->init == NULL && proc->global_name == NULL)
		return proc->status == FLI_EXITING ? FL_STOP : join_groups(proc);
	job.term.atoms = proc->node->atoms; /* what the handler captures is its to keep */
	proc->current_kind = FLI_MSG_START;
	kept = invoke(proc, &job, &rc);
	if (proc->status == FLI_EXITING)
		rc = FL_STOP;
	else if (rc == FL_STOP || rc == FL_IGNORE) {
		fl_term reason = reason_of(proc);

		if (rc == FL_STOP &&
			proc->global_name == NULL) /* there is no state before init has returned */
			fli_report_stop(proc, reason, NULL, (fl_term){.data = NULL});
		fli_proc_exit(proc, reason);
	} else if (rc != FL_OK) {
		set_reason(proc, fl_spec("{api_misuse, {init_returned, ~}}", rc));
		fli_proc_exit(proc, reason_of(proc));
		rc = FL_STOP;
	}
	proc->lost_in_init = !kept;
	return rc == FL_OK ? join_groups(proc) : rc;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool settle_event(fl_proc *proc, int rc, fl_spec event)
{
	fli_msg *last = rc == FL_OK ? NULL : fli_msg_of_spec(proc->node, event);
	bool kept = settle(proc, rc, last);

	fli_msg_free(proc->node, last);
	return kept;
}

static bool run_continue(fl_proc *proc)
{
	fli_msg *msg = proc->extra->continue_;
	server_job job = {.what = JOB_CONTINUE, .term = fli_msg_term(proc->node, msg)};
	bool kept;
	int rc;

	proc->extra->continue_ = NULL;
	if (fli_is_debugged(proc))
		fli_debug_continue(proc, job.term);
	proc->current_kind = FLI_MSG_INFO;
	kept = invoke(proc, &job, &rc);
	kept = settle_event(proc, rc, fl_spec("{continue, ~}", job.term)) && kept;
	fli_msg_free(proc->node, msg);
	return kept;
}

static bool run_timeout(fl_proc *proc)
{
	server_job job = {.what = JOB_TIMEOUT};
	bool kept;
	int rc;

	proc->extra->idle_due = false;
	if (fli_is_debugged(proc))
		fli_debug_timeout(proc);
	proc->current_kind = FLI_MSG_INFO;
	kept = invoke(proc, &job, &rc);
	return settle_event(proc, rc, fl_spec("timeout")) && kept;
}

/* One step; *ret_more: there was something to do. */
static bool step(fl_proc *proc, bool *ret_more)
{
	fli_msg *msg;

	*ret_more = true;
	if (FLI_UNLIKELY(fli_sys_is_suspended(proc)))
		fli_sys_pass_on(proc);
	if (FLI_UNLIKELY(proc->extra != NULL) && proc->extra->continue_ != NULL &&
		!proc->extra->sys_suspended)
		return run_continue(proc);
	msg = FLI_UNLIKELY(fli_sys_is_suspended(proc)) ? fli_sys_pop(proc) : fli_mailbox_pop(proc);
	if (FLI_LIKELY(msg != NULL))
		return fli_server_handle(proc, msg);
	if (proc->extra != NULL && proc->extra->idle_due && !proc->extra->sys_suspended)
		return run_timeout(proc);
	*ret_more = false;
	return true;
}

static bool has_work(fl_proc *proc)
{
	if (fli_sys_is_suspended(proc))
		return fli_sys_find(proc) != NULL;
	return proc->first != NULL ||
	       (proc->extra != NULL && (proc->extra->continue_ != NULL || proc->extra->idle_due));
}

/* Its last send met a busy peer that has had no room since. */
static bool must_wait_for_peer(fl_proc *proc)
{
	bool must = proc->has_busy && proc->busy_since == proc->node->ready_count;

	proc->has_busy = false;
	return must && fli_proc_extra(proc) != NULL;
}

void fli_server_rest(fl_proc *proc)
{
	if (proc->status == FLI_EXITING)
		return;
	proc->status = FLI_WAITING;
	if (must_wait_for_peer(proc)) {
		proc->status = FLI_SUSPENDED;
		fli_list_append(&proc->node->suspended, &proc->extra->suspended);
	} else if (has_work(proc)) {
		fli_run_queue_add(proc);
	}
}

bool fli_server_run(fl_proc *proc, unsigned budget)
{
	fl_node *node = proc->node;
	bool kept = true, more = true;

	proc->frames++;
	while (kept && more && budget-- > 0 && proc->status != FLI_EXITING && !proc->has_busy) {
		proc->status = FLI_RUNNING;
		kept = step(proc, &more);
		if (node->exit_first != NULL)
			fli_exits_drain(node);
	}
	proc->frames--;
	fli_server_rest(proc);
	if (node->exit_first != NULL)
		fli_exits_drain(node);
	fli_proc_free(proc);
	return kept;
}
