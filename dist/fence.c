/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused while the fence is up; see the header. */
#include "dist/fence.h"

#include "node/term/peek.h"

static fl_proc *target_of(const fl_node *node, const fli_signal *signal)
{
	if (signal->op == FLI_OP_REG_SEND || signal->target == FLI_TO_NAME)
		return fli_name_find(node, signal->name);
	return fli_pid_is_local(node, &signal->to) ? fli_proc_of(node, &signal->to) : NULL;
}

static bool is_fenced(const fl_proc *proc)
{
	return proc != NULL && !proc->is_system && !proc->is_unfenced &&
	       proc->status != FLI_EXITING;
}

static bool refuse_monitor(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const bool by_name = signal->target == FLI_TO_NAME;
	const fli_target what = {.kind = by_name ? FLI_TARGET_NAME : FLI_TARGET_PID,
		.pid = by_name ? NULL : &signal->to,
		.name = by_name ? signal->name : (fl_atom){0}};
	fli_reason_atom atom;

	if (!is_fenced(target_of(node, signal)))
		return false;
	node->fence_refused++;
	node->remote->down(
		peer, &what, &signal->from, &signal->ref, fli_reason_of(&atom, "noproc"));
	return true;
}

/* A call or cast goes no further; what else it is, is delivered. */
static bool take_message(fl_node *node, const fli_signal *signal)
{
	const fli_payload payload = {.data = signal->payload.data,
		.walked = &signal->payload.walked,
		.refs = signal->refs,
		.block = signal->block};
	fl_proc *proc = target_of(node, signal);
	fli_msg *msg;

	if (!is_fenced(proc))
		return false;
	msg = fli_msg_of_payload(node, &payload);
	if (msg == NULL) { /* as in any delivery: better no receiver than a hole */
		fli_proc_exit(proc, (fl_term){.data = NULL});
		return true;
	}
	if (msg->kind != FLI_MSG_CALL && msg->kind != FLI_MSG_CAST) {
		fli_deliver(proc, msg);
		return true;
	}
	node->fence_refused++;
	if (msg->kind == FLI_MSG_CALL)
		fli_call_refuse(proc, msg, "noproc");
	fli_msg_free(node, msg);
	return true;
}

bool fli_fence_takes(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	if (signal->op == FLI_OP_MONITOR)
		return refuse_monitor(node, peer, signal);
	if (signal->op == FLI_OP_SEND || signal->op == FLI_OP_REG_SEND)
		return take_message(node, signal);
	return false;
}

/* ---- what waits ------------------------------------------------------------------------------ */

static bool is_call_from_elsewhere(const fl_node *node, const fli_msg *msg)
{
	fli_cursor c = fli_cursor_make(msg->data, msg->size);
	fl_pid caller;

	if (msg->kind != FLI_MSG_CALL)
		return false;
	c.at += msg->pid;
	return fli_peek_pid(&c, NULL, &caller) && !fli_pid_is_local(node, &caller);
}

static void refuse_in(fl_proc *proc)
{
	fli_msg *kept = NULL, *last = NULL, *msg;
	uint32_t count = 0;

	while ((msg = fli_mailbox_pop(proc)) != NULL) {
		if (is_call_from_elsewhere(proc->node, msg)) {
			proc->node->fence_refused++;
			fli_call_refuse(proc, msg, "noproc");
			fli_msg_free(proc->node, msg);
			continue;
		}
		if (last == NULL)
			kept = msg;
		else
			last->next = msg;
		last = msg;
		count++;
	}
	proc->first = kept;
	proc->last = last;
	proc->mailbox_count = count;
	if (proc->extra != NULL)
		proc->extra->searched = NULL;
}

void fli_fence_refuse_queued(fl_node *node)
{
	uint32_t cursor = 0;
	fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		if (is_fenced(proc) && proc->first != NULL)
			refuse_in(proc);
}
