/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused while the fence is up; see the header. */
#include "dist/fence.h"

#include <string.h>

#include "node/term/peek.h"

static fl_proc *target_of(const fl_node *node, const fli_signal *signal)
{
	if (signal->op == FLI_OP_REG_SEND || signal->target == FLI_TO_NAME)
		return fli_name_find(node, signal->name);
	return fli_pid_is_local(node, &signal->to) ? fli_proc_of(node, &signal->to) : NULL;
}

/* What is asked of it meets the fence; the gate is one of a call or a cast. */
static bool is_fenced(const fl_proc *proc, fli_gate_id gate)
{
	return proc != NULL && !proc->is_system && !proc->is_unfenced &&
	       proc->status != FLI_EXITING &&
	       ((proc->node->gates_open | proc->behaviour->while_paused) >> gate & 1) == 0;
}

static void count_refusal(fl_node *node, fli_gate_id gate)
{
	node->fence_refused[gate]++;
}

/* ---- what waits for the fence to go down ----------------------------------------------------- */

typedef struct held {
	fli_link link;
	fl_pid to;
	uint64_t due_ms; /* UINT64_MAX: until it is decided */
	fli_msg *msg;
} held;

struct fli_fence {
	fli_fence_reply reply;
	uint64_t hold_ms;
	bool is_holding; /* a decision is awaited */
	uint8_t *term;
	size_t term_size;
	fli_link waiting;
	uint32_t count;
};

int fli_fence_new(fl_node *node, fli_fence_reply reply, fl_term term, uint64_t hold_ms)
{
	fli_fence *fence = fli_zalloc(node->mem, sizeof *fence);

	if (fence == NULL)
		return FL_ENOMEM;
	fence->reply = reply;
	fence->hold_ms = hold_ms;
	fli_list_create(&fence->waiting);
	if (reply == FLI_FENCE_TERM) {
		fence->term = fli_alloc(node->mem, term.size);
		if (fence->term == NULL) {
			fli_free(node->mem, fence);
			return FL_ENOMEM;
		}
		memcpy(fence->term, term.data, term.size);
		fence->term_size = term.size;
	}
	node->fence = fence;
	return FL_OK;
}

static void refuse(fl_node *node, fl_proc *proc, fli_msg *msg)
{
	count_refusal(node, msg->kind == FLI_MSG_CALL ? FLI_GATE_CALL : FLI_GATE_CAST);
	if (msg->kind == FLI_MSG_CALL && proc != NULL)
		fli_call_refuse(proc, msg, "noproc");
	fli_msg_free(node, msg);
}

static void end_wait(fl_node *node, held *h, bool is_delivered)
{
	fl_proc *proc = fli_proc_of(node, &h->to);

	fli_list_remove(&h->link);
	node->fence->count--;
	if (is_delivered && proc != NULL && proc->status != FLI_EXITING)
		fli_deliver(proc, h->msg);
	else
		refuse(node, proc, h->msg);
	fli_free(node->mem, h);
}

/* Those that are due by then, in the order in which they came. */
static void end_waits(fl_node *node, uint64_t due_ms, bool is_delivered)
{
	fli_link *next;

	for (fli_link *l = node->fence->waiting.next; l != &node->fence->waiting; l = next) {
		held *h = fli_container_of(l, held, link);

		next = l->next;
		if (h->due_ms <= due_ms)
			end_wait(node, h, is_delivered);
	}
}

void fli_fence_delete(fl_node *node)
{
	fli_fence *fence = node->fence;

	if (fence == NULL)
		return;
	end_waits(node, UINT64_MAX, false);
	node->fence = NULL;
	fli_free(node->mem, fence->term);
	fli_free(node->mem, fence);
}

void fli_fence_hold(fl_node *node, bool is_holding)
{
	if (node->fence == NULL || node->fence->is_holding == is_holding)
		return;
	node->fence->is_holding = is_holding;
	if (!is_holding && node->is_fenced)
		end_waits(node, UINT64_MAX, false);
}

void fli_fence_release(fl_node *node)
{
	if (node->fence != NULL)
		end_waits(node, UINT64_MAX, true);
}

void fli_fence_time(fl_node *node, uint64_t now_ms)
{
	if (node->fence != NULL && node->fence->count > 0)
		end_waits(node, now_ms, false);
}

/* False: there is no room for it. */
static bool keep(fl_proc *proc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_fence *fence = node->fence;
	held *h = fence->count < FLI_FENCE_HELD_MAX ? fli_zalloc(node->mem, sizeof *h) : NULL;

	if (h == NULL)
		return false;
	h->to = fli_proc_pid(proc);
	h->msg = msg;
	h->due_ms = fence->is_holding ? UINT64_MAX
				      : node->port->now_ns(node->port) / 1000000 + fence->hold_ms;
	fli_list_append(&fence->waiting, &h->link);
	fence->count++;
	return true;
}

/* ---- what comes while it is up --------------------------------------------------------------- */

/* Calls go on to the server, where they are kept or answered otherwise than by noproc. */
static fli_fence_reply reply_of(const fl_node *node)
{
	if (node->fence == NULL)
		return FLI_FENCE_NOPROC;
	return node->fence->is_holding ? FLI_FENCE_HOLD : node->fence->reply;
}

static bool refuse_monitor(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const bool by_name = signal->target == FLI_TO_NAME;
	const fli_target what = {.kind = by_name ? FLI_TARGET_NAME : FLI_TARGET_PID,
		.pid = by_name ? NULL : &signal->to,
		.name = by_name ? signal->name : (fl_atom){0}};
	fli_reason_atom atom;

	/* who keeps its global name has to be seen by those that watch who has it */
	if (reply_of(node) != FLI_FENCE_NOPROC ||
		!is_fenced(target_of(node, signal), FLI_GATE_CALL) ||
		(!by_name && (node->gates_open >> FLI_GATE_REGISTER & 1) != 0))
		return false;
	node->remote->down(
		peer, &what, &signal->from, &signal->ref, fli_reason_of(&atom, "noproc"));
	return true;
}

static void answer_call(fl_proc *proc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_fence_reply reply = reply_of(node);

	if (reply == FLI_FENCE_HOLD && keep(proc, msg))
		return;
	if (reply == FLI_FENCE_NOPROC || reply == FLI_FENCE_HOLD) {
		refuse(node, proc, msg);
		return;
	}
	count_refusal(node, FLI_GATE_CALL);
	if (reply == FLI_FENCE_TERM)
		(void)fli_reply_spec(node, proc, msg,
			fl_spec("~", fli_term(node, node->fence->term, node->fence->term_size)));
	fli_msg_free(node, msg);
}

/* A call or cast goes no further; what else it is, is delivered. */
static bool take_message(fl_node *node, const fli_peer *peer, const fli_signal *signal)
{
	const fli_payload payload = {.data = signal->payload.data,
		.walked = &signal->payload.walked,
		.refs = signal->refs,
		.block = signal->block};
	fl_proc *proc = target_of(node, signal);
	fli_msg *msg;

	if (!is_fenced(proc, FLI_GATE_CALL) && !is_fenced(proc, FLI_GATE_CAST))
		return false;
	msg = fli_msg_of_payload(node, &payload);
	if (msg != NULL)
		fli_msg_set_sender(msg, peer->name);
	if (msg == NULL) /* as in any delivery: better no receiver than a hole */
		fli_proc_exit(proc, (fl_term){.data = NULL});
	else if (msg->kind == FLI_MSG_CALL && is_fenced(proc, FLI_GATE_CALL))
		answer_call(proc, msg);
	else if (msg->kind != FLI_MSG_CAST || !is_fenced(proc, FLI_GATE_CAST))
		fli_deliver(proc, msg);
	else if (node->fence == NULL || !node->fence->is_holding || !keep(proc, msg))
		refuse(node, proc, msg);
	return true;
}

bool fli_fence_takes(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	if (signal->op == FLI_OP_MONITOR)
		return refuse_monitor(node, peer, signal);
	if (signal->op == FLI_OP_SEND || signal->op == FLI_OP_REG_SEND)
		return take_message(node, peer, signal);
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

bool fli_fence_is_busy(const fl_node *node)
{
	uint32_t cursor = 0;
	const fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL) {
		if (!is_fenced(proc, FLI_GATE_CALL))
			continue;
		if (proc->frames > 0)
			return true;
		for (const fli_msg *msg = proc->first; msg != NULL; msg = msg->next)
			if (is_call_from_elsewhere(node, msg))
				return true;
	}
	return false;
}

static void refuse_in(fl_proc *proc)
{
	fli_msg *kept = NULL, *last = NULL, *msg;
	uint32_t count = 0;

	while ((msg = fli_mailbox_pop(proc)) != NULL) {
		if (is_call_from_elsewhere(proc->node, msg)) {
			count_refusal(proc->node, FLI_GATE_CALL);
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
		if (is_fenced(proc, FLI_GATE_CALL) && proc->first != NULL)
			refuse_in(proc);
}
