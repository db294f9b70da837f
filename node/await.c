/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for answers to requests that were made earlier: a receive for {Ref, Reply}, or its
 * 'DOWN'.
 *
 *  - What has come already is taken out of the mailbox, wherever it lies there.
 *  - Else the request's monitor is told that a handler waits, as that of an fl_call.
 */
#include <string.h>

#include "node/sched.h"
#include "node/wait.h"

/* {Ref, Reply} or {'DOWN', Ref, process, Object, Reason}; *ret_body: where the last part begins. */
static bool is_answer(const fl_node *node, fli_msg *msg, const fl_ref *ref, bool *ret_down)
{
	fl_term whole = fli_msg_term(node, msg), last;
	fl_ref its;

	if (msg->kind != FLI_MSG_INFO)
		return false;
	*ret_down = fl_match(whole, "{'DOWN', ~, process, _, ~}", &its, &last);
	if (!*ret_down && !fl_match(whole, "{~, ~}", &its, &last))
		return false;
	if (!fl_ref_eq(&its, ref))
		return false;
	msg->body = (uint32_t)(last.data - msg->data);
	return true;
}

static void take_out(fl_proc *self, fli_msg *before, fli_msg *msg)
{
	if (before == NULL)
		self->first = msg->next;
	else
		before->next = msg->next;
	if (self->last == msg)
		self->last = before;
	self->mailbox_count--;
	msg->next = NULL;
}

static bool find_in_mailbox(fl_proc *self, fli_wait *wait)
{
	fli_msg *before = NULL;
	bool is_down;

	for (fli_msg *msg = self->first; msg != NULL; before = msg, msg = msg->next) {
		if (!is_answer(self->node, msg, &wait->ref, &is_down))
			continue;
		take_out(self, before, msg);
		fli_wait_finish(wait, is_down ? FL_EEXIT : FL_OK, msg);
		return true;
	}
	return false;
}

static void begin(fl_proc *self, fli_wait *wait)
{
	fli_monitor *monitor;

	wait->node = self->node;
	wait->outer = self->waits;
	self->waits = wait;
	if (wait->done || find_in_mailbox(self, wait))
		return;
	monitor = fli_monitor_find(self->node, NULL, &wait->ref);
	if (monitor == NULL || !monitor->by_call || monitor->watcher != self ||
		monitor->wait != NULL) {
		fli_wait_finish(wait, FL_ENOENT, NULL);
		return;
	}
	wait->monitor = monitor;
	monitor->wait = wait;
}

/* The monitor stays for one that still waits. */
static void end(fl_proc *self, fli_wait *wait)
{
	fli_monitor *monitor = wait->monitor;

	self->waits = wait->outer;
	wait->monitor = NULL;
	if (monitor == NULL)
		return;
	monitor->wait = NULL;
	if (wait->done)
		fli_monitor_cancel(self->node, monitor);
}

static bool is_any_done(const fli_wait *waits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (waits[i].done)
			return true;
	return false;
}

int fli_await_any(fl_proc *self, fli_wait *waits, size_t count, uint32_t timeout_ms)
{
	fl_node *node = self->node;
	fli_sleep sleep = {.woken = false};
	int rc = FL_ECLOSED;

	fli_enter(node);
	if (self->status != FLI_EXITING && self->act != NULL) {
		for (size_t i = 0; i < count; i++) {
			waits[i].sleep = &sleep;
			begin(self, &waits[i]);
		}
		rc = FL_OK;
		if (!is_any_done(waits, count))
			rc = timeout_ms == 0 ? FL_OK : fli_sleep_until(self, &sleep, timeout_ms);
		for (size_t i = count; i-- > 0;)
			end(self, &waits[i]);
		if (rc == FL_OK && !is_any_done(waits, count))
			rc = FL_ETIMEOUT;
	}
	fli_leave(node);
	return rc;
}
