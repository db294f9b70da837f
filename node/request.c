/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calling side: fl_call, which waits, and fl_request, which does not.
 *
 *  - Both ask with a plain reference as the tag, so that every server of every release answers with
 *    {Ref, Reply} to the pid; the reference is marked, so that a late answer is known and dropped.
 *  - An idle server of this node runs on the caller's stack: no queue, no switch.
 *  - Otherwise the caller hands the context to another thread and sleeps until the answer, the DOWN
 *    of its monitor, the time limit or its own death.
 *
 * Failure: FL_EEXIT and its kin carry the reason as the reply; a node without
 * threads has a stand-in for them (sched.h), or only calls that need not wait can be served and the
 * others are FL_ENOTSUP.
 */
#include <string.h>

#include "node/base/bug.h"
#include "node/runtime.h"
#include "node/sched.h"
#include "node/term/peek.h"
#include "node/term/tag.h"
#include "node/via.h"
#include "node/wait.h"

#define NESTING_MAX 16

void fli_wait_finish(fli_wait *wait, int status, fli_msg *msg)
{
	fli_sleep *sleep = wait->sleep;

	wait->status = status;
	wait->msg = msg;
	wait->done = true;
	if (sleep->has_cond)
		fli_gate_notify(wait->node, &sleep->cond, &sleep->woken);
	else
		sleep->woken = true;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool ref_of_reply(const fli_msg *msg, fl_ref *ret_ref, uint32_t *ret_body)
{
	fli_cursor c = fli_cursor_make(msg->data, msg->size);
	uint32_t arity;

	if (!fli_peek_tuple(&c, &arity) || !fli_peek_ref(&c, NULL, ret_ref))
		return false;
	*ret_body = (uint32_t)(c.at - msg->data);
	return true;
}

static void push_info(fl_proc *proc, fli_msg *msg)
{
	msg->kind = FLI_MSG_INFO;
	msg->body = 0;
	fli_mailbox_push(proc, msg);
}

void fli_request_reply(fl_proc *proc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_monitor *monitor;
	fl_ref ref;
	uint32_t body;

	if (!ref_of_reply(msg, &ref, &body) || !fli_ref_is_call(node, &ref)) {
		push_info(proc, msg);
		return;
	}
	for (fli_wait *wait = proc->waits; wait != NULL; wait = wait->outer)
		if (!wait->done && fl_ref_eq(&wait->ref, &ref)) {
			msg->body = body;
			fli_wait_finish(wait, FL_OK, msg);
			return;
		}
	monitor = fli_monitor_find(node, NULL, &ref);
	if (monitor != NULL && monitor->by_call && monitor->watcher == proc) {
		fli_monitor_cancel(node, monitor);
		push_info(proc, msg);
	} else if (FLI_BUG(late_reply_delivered)) {
		push_info(proc, msg);
	} else {
		fli_msg_free(node, msg); /* too late */
	}
}

static int status_of(fl_term reason)
{
	fli_cursor c = fli_cursor_make(reason.data, reason.size);
	fl_atom atom;

	if (!fli_peek_atom(&c, NULL, &atom))
		return FL_EEXIT;
	if (fl_atom_is(atom, "noproc"))
		return FL_ENOPROC;
	return fl_atom_is(atom, "noconnection") ? FL_ENOCONN : FL_EEXIT;
}

void fli_wait_finish_with_reason(fl_node *node, fli_wait *wait, fl_term reason)
{
	fli_msg *msg = fli_msg_of_term(node, reason);

	if (msg != NULL)
		msg->body = 0;
	fli_wait_finish(wait, status_of(reason), msg);
}

void fli_request_down(fli_monitor *monitor, fl_term reason)
{
	fli_wait *wait = monitor->wait;

	wait->monitor = NULL;
	if (!wait->done)
		fli_wait_finish_with_reason(monitor->watcher->node, wait, reason);
}

void fli_request_refused(fl_proc *proc, const fl_ref *ref, const char *reason)
{
	fli_reason_atom atom;

	for (fli_wait *wait = proc->waits; wait != NULL; wait = wait->outer)
		if (!wait->done && fl_ref_eq(&wait->ref, ref))
			fli_wait_finish_with_reason(proc->node, wait, fli_reason_of(&atom, reason));
}

void fli_requests_on_exit(fl_proc *proc)
{
	for (fli_wait *wait = proc->waits; wait != NULL; wait = wait->outer) {
		wait->monitor = NULL; /* went with the process */
		if (!wait->done)
			fli_wait_finish(wait, FL_ECLOSED, NULL);
	}
}

void fli_requests_close(fl_node *node)
{
	uint32_t cursor = 0;
	fl_proc *proc;

	node->is_closing = true;
	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		for (fli_wait *wait = proc->waits; wait != NULL; wait = wait->outer)
			if (!wait->done)
				fli_wait_finish(wait, FL_ECLOSED, NULL);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* What is asked, and in which envelope. */
typedef struct asking {
	const char *label; /* $gen_call, or system */
	fl_spec request;
	uint32_t timeout_ms;
} asking;

/* {Label, {Self, Ref}, Request} */
static int write_request(
	fli_buf *buf, const fl_proc *self, const fl_ref *ref, const asking *question)
{
	const fl_spec *request = &question->request;
	fl_pid pid = fli_proc_pid(self);

	fli_write_tuple(buf, 3);
	fli_write_atom(buf, fl_atom_of(question->label));
	fli_write_tuple(buf, 2);
	fli_write_pid(buf, &pid);
	fli_write_ref(buf, ref);
	return fli_build_values(buf, request->pattern, request->values, request->count);
}

static int ask(fl_proc *self, const fl_dest *to, const fl_ref *ref, const asking *question)
{
	fl_node *node = self->node;
	fli_send send;
	int rc = fli_send_begin(node, self, to, &send);

	if (rc != FL_OK)
		return FL_OK; /* the monitor tells */
	rc = write_request(send.buf, self, ref, question);
	if (rc == FL_OK)
		return fli_send_end(node, self, &send);
	fli_send_cancel(node, &send);
	return rc;
}

/* The receiver when it is a process of this node. */
static fl_proc *local_callee(const fl_proc *self, const fl_dest *to)
{
	fl_node *node = self->node;

	if (to->kind == FL_TO_PID)
		return fli_proc_of(node, &to->as.pid);
	if (to->kind == FL_TO_NAME &&
		(to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name)))
		return fli_name_find(node, to->as.name.text);
	return NULL;
}

static fl_proc *idle_callee(const fl_proc *self, const fl_dest *to)
{
	fl_proc *callee = NULL;

	if (self->act == NULL || self->act->depth >= NESTING_MAX)
		return NULL;
	callee = local_callee(self, to);
	if (callee == NULL || callee->status != FLI_WAITING || callee->first != NULL ||
		callee->slow > 0 || callee->in_queue)
		return NULL;
	return callee->extra != NULL && callee->extra->sys_suspended ? NULL : callee;
}

/* The callee's handler on this stack. FL_OK: look at the wait; it may still be open. */
static int call_nested(fl_proc *self, fl_proc *callee, fli_wait *wait, const asking *question)
{
	fl_node *node = self->node;
	fli_msg *msg;
	int rc;

	fli_buf_clear(&node->scratch, 1 << 16);
	rc = write_request(&node->scratch, self, &wait->ref, question);
	if (rc != FL_OK)
		return rc;
	msg = fli_msg_of_term(node, fli_term(node, node->scratch.data, node->scratch.size));
	if (msg == NULL)
		return FL_ENOMEM;
	fli_msg_speak_for(msg, self);
	callee->frames++;
	(void)fli_server_handle(callee, msg); /* whether late or not: the caller owns the context */
	callee->frames--;
	fli_server_rest(callee);
	if (callee->status == FLI_EXITING && !wait->done)
		fli_wait_finish_with_reason(node, wait, fli_reason(callee));
	fli_proc_free(callee);
	return FL_OK;
}

static bool watch(fl_proc *self, const fl_dest *to, fli_wait *wait)
{
	fli_monitor *monitor = fli_monitor_new(self, to, &wait->ref);

	if (monitor == NULL)
		return false;
	wait->monitor = monitor;
	monitor->wait = wait;
	fli_monitor_aim(monitor, to);
	return true;
}

int fli_may_sleep(fl_proc *self)
{
	fl_node *node = self->node;

	if ((node->crew == NULL && node->stand_in == NULL) || self->act == NULL)
		return FL_ENOTSUP;
	if (node->is_closing)
		return FL_ECLOSED; /* nobody will drive */
	return self->act->is_late || fli_crew_can_hand_off(node) ? FL_OK : FL_ELIMIT;
}

static void sleep_on_thread(fl_proc *self, fli_sleep *sleep, uint64_t deadline)
{
	fl_node *node = self->node;
	fli_act *act = self->act;
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr); /* cannot fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&sleep->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	sleep->has_cond = true;
	if (!act->is_late) {
		act->is_late = true;
		fli_crew_hand_off(node);
	} else {
		fli_crew_wake(node); /* it may sleep, and has the question to write or to run */
	}
	fli_exits_drain(node);
	(void)fli_gate_wait(node, &sleep->cond, &sleep->woken, deadline);
	sleep->has_cond = false;
	(void)pthread_cond_destroy(&sleep->cond);
}

int fli_sleep_until(fl_proc *self, fli_sleep *sleep, uint32_t timeout_ms)
{
	fl_node *node = self->node;
	uint64_t deadline = UINT64_MAX;
	int rc;

	if (sleep->woken)
		return FL_OK;
	rc = fli_may_sleep(self);
	if (rc != FL_OK)
		return rc;
	if (timeout_ms != FL_INFINITY)
		deadline = node->port->now_ns(node->port) + (uint64_t)timeout_ms * 1000000;
	if (node->crew == NULL)
		fli_stand_in_wait(node, self->act, &sleep->woken, deadline);
	else
		sleep_on_thread(self, sleep, deadline);
	return FL_OK;
}

static int call_and_wait(fl_proc *self, const fl_dest *to, fli_wait *wait, const asking *question)
{
	static const uint8_t calling_self[] = {FLI_SMALL_ATOM_UTF8_EXT, 12, 'c', 'a', 'l', 'l', 'i',
		'n', 'g', '_', 's', 'e', 'l', 'f'};
	fl_node *node = self->node;
	fl_proc *callee = idle_callee(self, to);
	int rc = FL_OK;

	if (local_callee(self, to) == self) {
		fli_wait_finish_with_reason(
			node, wait, fli_term(node, calling_self, sizeof calling_self));
		return FL_OK;
	}
	if (callee != NULL)
		rc = call_nested(self, callee, wait, question);
	if (rc != FL_OK || wait->done)
		return rc;
	if (!self->act->is_late && !fli_crew_can_hand_off(node))
		return FL_ELIMIT;
	if (!watch(self, to, wait))
		return FL_ENOMEM;
	if (callee == NULL && !wait->done)
		rc = ask(self, to, &wait->ref, question);
	return rc == FL_OK ? fli_sleep_until(self, wait->sleep, question->timeout_ms) : rc;
}

/* What handlers are given lives until the outermost one returns. */
void fli_wait_keep(fl_proc *self, fli_wait *wait, fl_term *ret_reply)
{
	fli_msg *msg = wait->msg;
	fl_node *node = self->node;

	if (msg == NULL)
		return;
	if (ret_reply != NULL)
		*ret_reply = fli_term(node, msg->data + msg->body, msg->size - msg->body);
	msg->next = self->act->kept;
	self->act->kept = msg;
}

static int call(fl_proc *self, const fl_dest *named, const asking *question, fl_term *ret_reply)
{
	fl_node *node = self->node;
	fli_sleep sleep = {.woken = false};
	fli_wait wait = {.status = FL_ETIMEOUT, .sleep = &sleep};
	fl_dest at, *to = &at;
	int rc = FL_ECLOSED;

	if (named->kind == FL_TO_ALIAS)
		return FL_EINVAL; /* what cannot be monitored cannot be asked */
	fli_enter(node);
	at = fli_via_resolve(node, *named);
	if (self->status != FLI_EXITING && self->act != NULL) {
		wait.node = node;
		wait.ref = fli_ref_make_call(node);
		wait.outer = self->waits;
		self->waits = &wait;
		rc = call_and_wait(self, to, &wait, question);
		self->waits = wait.outer;
		if (wait.monitor != NULL)
			fli_monitor_cancel(node, wait.monitor);
		if (rc == FL_OK)
			rc = wait.status;
		fli_wait_keep(self, &wait, ret_reply);
	}
	fli_leave(node);
	return rc;
}

int fl_call_spec(
	fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_term *ret_reply, fl_spec request)
{
	asking question = {"$gen_call", request, timeout_ms};

	return call(self, &to, &question, ret_reply);
}

int fli_call_system(
	fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_term *ret_reply, fl_spec request)
{
	asking question = {"system", request, timeout_ms};

	return call(self, &to, &question, ret_reply);
}

int fl_request_spec(fl_proc *self, fl_dest to, fl_ref *ret_ref, fl_spec request)
{
	fl_node *node = self->node;
	asking question = {"$gen_call", request, 0};
	fl_ref ref;
	fli_monitor *monitor;
	int rc = FL_ECLOSED;

	if (to.kind == FL_TO_ALIAS)
		return FL_EINVAL;
	fli_enter(node);
	to = fli_via_resolve(node, to);
	if (self->status != FLI_EXITING) {
		ref = fli_ref_make_call(node);
		monitor = fli_monitor_new(self, &to, &ref);
		rc = monitor == NULL ? FL_ENOMEM : FL_OK;
		if (monitor != NULL) {
			monitor->by_call = true;
			fli_monitor_aim(monitor, &to);
			rc = ask(self, &to, &ref, &question);
			monitor = fli_monitor_find(node, NULL, &ref);
			if (rc == FL_OK && ret_ref != NULL)
				*ret_ref = ref;
			else if (rc != FL_OK && monitor != NULL)
				fli_monitor_cancel(node, monitor);
		}
	}
	fli_leave(node);
	return rc;
}
