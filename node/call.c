/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that servers have not answered yet, and the answers.
 *
 *  - A call takes a slot when its handler starts; fl_from names slot and generation.
 *  - The answer goes back with the caller's own tag bytes: to the alias inside the tag where there
 *    is one (so that a late answer vanishes), else to the caller's pid.
 *  - fl_later leaves the message with the slot, so that tags of any size are kept.
 *
 * Failure: an answer to a call that is closed is FL_EALREADY. A caller that gave up is seen by its
 * monitor, which is gone. In place of an answer that the caller's node cannot take its monitor says
 * notsup.
 */
#include <string.h>

#include "node/debug.h"
#include "node/large.h"
#include "node/sched.h"
#include "node/term/peek.h"
#include "node/term/tag.h"

#define CALLS_PER_BLOCK 64

/* ---- slots ----------------------------------------------------------------------------------- */

static bool add_block(fl_node *node)
{
	uint32_t first = node->calls_count;
	size_t blocks = first / CALLS_PER_BLOCK;
	fli_call **table = fli_realloc(node->mem, node->calls, (blocks + 1) * sizeof(fli_call *));
	fli_call *block;

	if (table == NULL)
		return false;
	node->calls = table;
	block = fli_zalloc(node->mem, CALLS_PER_BLOCK * sizeof *block);
	if (block == NULL)
		return false;
	table[blocks] = block;
	for (uint32_t i = CALLS_PER_BLOCK; i-- > 0;) {
		block[i].slot = first + i;
		block[i].next_free = node->calls_free;
		node->calls_free = &block[i];
	}
	node->calls_count += CALLS_PER_BLOCK;
	return true;
}

fli_call *fli_call_open(fl_proc *proc, fli_msg *msg)
{
	fl_node *node = proc->node;
	fli_call *call;

	if (node->calls_free == NULL && !add_block(node))
		return NULL;
	call = node->calls_free;
	node->calls_free = call->next_free;
	call->proc = proc;
	call->msg = msg;
	call->wants_later = call->is_later = call->is_watched = false;
	fli_list_append(&proc->calls, &call->in_proc);
	return call;
}

void fli_call_close(fl_node *node, fli_call *call)
{
	fli_list_remove(&call->in_proc);
	if (call->is_later)
		fli_msg_free(node, call->msg);
	call->proc = NULL;
	call->msg = NULL;
	call->generation++;
	call->next_free = node->calls_free;
	node->calls_free = call;
}

fl_from fli_call_from(const fl_node *node, const fli_call *call)
{
	return (fl_from){(fl_node *)(uintptr_t)node, call->slot, call->generation};
}

fli_call *fli_call_find(fl_node *node, fl_from from)
{
	fli_call *call;

	if (from.slot >= node->calls_count)
		return NULL;
	call = &node->calls[from.slot / CALLS_PER_BLOCK][from.slot % CALLS_PER_BLOCK];
	return call->proc != NULL && call->generation == from.generation ? call : NULL;
}

void fli_calls_on_exit(fl_proc *proc)
{
	while (!fli_list_is_empty(&proc->calls))
		fli_call_close(proc->node, fli_container_of(proc->calls.next, fli_call, in_proc));
}

void fli_calls_destroy(fl_node *node)
{
	for (uint32_t i = 0; i < node->calls_count / CALLS_PER_BLOCK; i++)
		fli_free(node->mem, node->calls[i]);
	fli_free(node->mem, node->calls);
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* [alias|Ref] at the cursor. */
static bool take_alias(fli_cursor *c, fl_ref *ret_ref)
{
	static const uint8_t head[] = {FLI_LIST_EXT, 0, 0, 0, 1};
	fl_atom atom;

	if (fli_left(c) < sizeof head || memcmp(c->at, head, sizeof head) != 0)
		return false;
	c->at += sizeof head;
	return fli_peek_atom(c, NULL, &atom) && fl_atom_is(atom, "alias") &&
	       fli_peek_ref(c, NULL, ret_ref);
}

bool fli_tag_ref(fl_term tag, fl_ref *ret_ref, bool *ret_alias)
{
	fli_cursor c = fli_cursor_make(tag.data, tag.size), again = c;
	uint32_t arity;

	*ret_alias = false;
	if (fli_peek_ref(&c, NULL, ret_ref))
		return true;
	if (fli_peek_tuple(&c, &arity)) /* {Ref, Node}: multi_call of OTP 23 to 25 */
		return arity == 2 && fli_peek_ref(&c, NULL, ret_ref);
	*ret_alias = true;
	if (take_alias(&c, ret_ref))
		return true;
	if (fli_left(&again) < 5 || *again.at != FLI_LIST_EXT)
		return false;
	again.at += 5; /* [[alias|Ref]|MonitorRef] */
	return take_alias(&again, ret_ref);
}

static fl_term tag_of(const fl_node *node, const fli_msg *msg)
{
	return fli_term(node, msg->data + msg->tag, msg->body - msg->tag);
}

/* Only lists hold an alias; a plain reference need not be read to answer it. */
static bool has_alias(fl_term tag, fl_ref *ret_ref)
{
	bool is_alias;

	return tag.size > 0 && tag.data[0] == FLI_LIST_EXT &&
	       fli_tag_ref(tag, ret_ref, &is_alias) && is_alias;
}

static bool caller_of(const fli_msg *msg, fl_pid *ret_pid)
{
	fli_cursor c = fli_cursor_make(msg->data + msg->pid, msg->tag - msg->pid);

	return fli_peek_pid(&c, NULL, ret_pid);
}

static fli_peer *find_peer(const fl_node *node, fl_atom name)
{
	return node->remote == NULL ? NULL : node->remote->find(node->dist, name);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* In the name of the server, so that nothing of it overtakes its answer; yet a caller that reads
 * slowly does not hold the server up. */
static int begin_far(fl_node *node, fl_proc *from, const fli_target *to, fli_send *send)
{
	bool is_pid = to->kind == FLI_TARGET_PID;
	fl_pid self = from == NULL ? node->system_pid : fli_proc_pid(from);
	fli_peer *peer = NULL;

	if (node->remote != NULL && is_pid) /* dialled where it is not up, as for any message */
		peer = node->remote->peer(node->dist, to->pid->node);
	else if (!is_pid)
		peer = find_peer(node, to->pid->node);
	if (peer == NULL || (!is_pid && !peer->is_up))
		return FL_ENOCONN;
	if (is_pid && peer->is_up && peer->creation != to->pid->creation)
		return FL_ENOPROC;
	*send = (fli_send){.peer = peer, .buf = node->remote->send_begin(peer, &self, to)};
	return send->buf == NULL ? FL_ENOCONN : FL_OK;
}

static int begin_reply(fl_node *node, fl_proc *from, const fli_msg *asked, fli_send *send)
{
	fl_dest to = {.kind = FL_TO_PID};
	fli_target target = {.kind = FLI_TARGET_PID, .pid = &to.as.pid};
	fl_ref ref;

	if (!caller_of(asked, &to.as.pid))
		return FL_EFORMAT;
	if (fli_pid_is_local(node, &to.as.pid))
		return fli_send_begin(node, NULL, &to, send);
	if (has_alias(tag_of(node, asked), &ref)) {
		target.kind = FLI_TARGET_ALIAS;
		target.alias = &ref;
	}
	return begin_far(node, from, &target, send);
}

/* {Tag, .. is there; `blob` may be NULL. */
static int end_reply(fl_node *node, fl_proc *from, fli_send *send, fl_spec reply, fl_blob *blob)
{
	int rc;

	if (blob != NULL && send->peer != NULL && node->remote->send_end_with != NULL) {
		rc = fli_blob_send(node, send, reply, blob);
		if (blob->node == NULL)
			return rc;
	} else {
		rc = fli_build_values(send->buf, reply.pattern, reply.values, reply.count);
		if (rc == FL_OK)
			return fli_send_end(node, from, send);
	}
	fli_send_cancel(node, send);
	return rc;
}

static int reply_with(
	fl_node *node, fl_proc *from, const fli_msg *asked, fl_spec reply, fl_blob *blob)
{
	fli_send send;
	int rc = begin_reply(node, from, asked, &send);

	if (rc != FL_OK)
		return rc;
	fli_write_tuple(send.buf, 2);
	fli_write_term(send.buf, tag_of(node, asked));
	rc = end_reply(node, from, &send, reply, blob);
	/* whoever asks names the node that is dialled: what does not fit into its wait is lost with
	 * the caller, and no error of the server's */
	return rc == FL_ELIMIT && send.peer != NULL && !send.peer->is_up ? FL_ENOCONN : rc;
}

int fli_reply_spec(fl_node *node, fl_proc *from, const fli_msg *asked, fl_spec reply)
{
	return reply_with(node, from, asked, reply, NULL);
}

/* The caller chose its tag, so the server must not fall with what its node cannot take. */
static int refuse_answer(const fli_call *call)
{
	fl_node *node = call->proc->node;

	fli_log_limited(&node->log, node->port->now_ns(node->port) / 1000000, FLI_WARNING,
		"an answer was not sent: the caller's node cannot take what is in it");
	fli_call_refuse(call->proc, call->msg, "notsup");
	return FL_OK;
}

static int answer(fl_from from, fl_spec reply, fl_blob *blob)
{
	fl_node *node = from.node;
	fli_call *call;
	int rc = FL_EALREADY;

	fli_enter(node);
	call = fli_call_find(node, from);
	if (call != NULL && call->proc->status != FLI_EXITING) {
		if (fli_is_debugged(call->proc))
			blob = NULL; /* sys shall show what was sent */
		rc = reply_with(node, call->proc, call->msg, reply, blob);
		if (rc == FL_ENOPROC || rc == FL_ENOCONN)
			rc = FL_OK; /* nobody waits any more: as in Erlang, no error */
		else if (rc == FL_ENOTSUP)
			rc = refuse_answer(call);
		if (rc == FL_OK && call->proc->extra != NULL &&
			call->proc->extra->statistics != NULL)
			call->proc->extra->statistics->replies++;
		if (rc == FL_OK && fli_is_debugged(call->proc))
			fli_debug_replied(call->proc, call->msg, reply);
		if (rc == FL_OK)
			fli_call_close(node, call);
	}
	fli_leave(node);
	return rc;
}

int fl_reply_spec(fl_from from, fl_spec reply)
{
	return answer(from, reply, NULL);
}

int fl_reply_blob_spec(fl_from from, fl_blob *blob, fl_spec reply)
{
	int rc = FL_EMISUSE;

	if (blob->node == from.node && fli_blob_is_last(reply, blob))
		rc = answer(from, reply, blob);
	fl_blob_free(blob);
	return rc;
}

/* ---- the caller's side as the server sees it ---------------------------------------------------
 */

/* The monitor that gen's callers set up before they ask. */
static bool has_monitor(fl_node *node, const fli_call *call)
{
	fl_pid caller;
	fl_ref ref;
	bool is_alias;
	fli_peer *peer = NULL;

	if (!caller_of(call->msg, &caller) ||
		!fli_tag_ref(tag_of(node, call->msg), &ref, &is_alias))
		return false;
	if (!fli_pid_is_local(node, &caller)) {
		peer = find_peer(node, caller.node);
		if (peer == NULL)
			return false;
	}
	return fli_monitor_find(node, peer, &ref) != NULL;
}

/* A caller with an alias always monitors; of others it is known once fl_later has looked. */
static bool must_be_watched(const fl_node *node, const fli_call *call)
{
	fl_ref ref;

	return call->is_watched || has_alias(tag_of(node, call->msg), &ref);
}

static bool can_reach(fl_node *node, const fli_call *call)
{
	fl_pid caller;
	fli_peer *peer;

	if (!caller_of(call->msg, &caller))
		return false;
	if (fli_pid_is_local(node, &caller))
		return fli_proc_of(node, &caller) != NULL;
	peer = find_peer(node, caller.node);
	return peer != NULL && peer->is_up && peer->creation == caller.creation;
}

int fl_later(fl_proc *self, fl_from from)
{
	fl_node *node = from.node;
	fli_call *call;
	int rc = FL_EALREADY;

	fli_enter(node);
	call = fli_call_find(node, from);
	if (call != NULL && call->proc == self) {
		call->wants_later = true; /* the message stays with it when the handler returns */
		call->is_watched = has_monitor(node, call);
		rc = FL_OK;
	}
	fli_leave(node);
	return rc;
}

bool fl_from_alive(fl_from from)
{
	fl_node *node = from.node;
	fli_call *call;
	bool alive = false;

	fli_enter(node);
	call = fli_call_find(node, from);
	if (call != NULL && call->proc->status != FLI_EXITING)
		alive = can_reach(node, call) &&
			(!must_be_watched(node, call) || has_monitor(node, call));
	fli_leave(node);
	return alive;
}

bool fl_from_pid(fl_from from, fl_pid *ret_pid)
{
	fl_node *node = from.node;
	fli_call *call;
	fl_pid pid;
	bool found;

	fli_enter(node);
	call = fli_call_find(node, from);
	found = call != NULL && caller_of(call->msg, &pid) &&
		fli_atoms_intern(node->atoms, pid.node.text, pid.node.size, &pid.node);
	if (found)
		*ret_pid = pid;
	fli_leave(node);
	return found;
}

/* The monitor of a call that is refused fires alone, while the server lives on. */
void fli_call_refuse(fl_proc *proc, const fli_msg *asked, const char *reason)
{
	fl_node *node = proc->node;
	fl_pid caller;
	fl_ref ref;
	bool is_alias;
	fli_peer *peer = NULL;
	fl_proc *waiting = NULL;
	fli_monitor *monitor;

	if (!caller_of(asked, &caller) || !fli_tag_ref(tag_of(node, asked), &ref, &is_alias))
		return;
	if (!fli_pid_is_local(node, &caller))
		peer = find_peer(node, caller.node);
	else
		waiting = fli_proc_of(node, &caller);
	monitor = fli_monitor_find(node, peer, &ref);
	if (monitor != NULL && monitor->target == proc)
		fli_monitor_fire(node, monitor, reason);
	else if (monitor == NULL && waiting != NULL)
		fli_request_refused(waiting, &ref, reason);
}
