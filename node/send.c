/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a message goes, and building it in place.
 *
 *  - Here: built in the node's scratch buffer, copied once into a chunk, delivered.
 *  - There: built straight into the connection's output.
 *
 * Failure: nobody there is FL_ENOPROC or FL_ENOCONN, which fl_send turns into silence.
 */
#include "node/runtime.h"
#include "node/term/peek.h"

static int open_here(fl_node *node, fl_proc *proc, fli_alias *alias, fli_send *send)
{
	if (proc == NULL || proc->status == FLI_EXITING)
		return FL_ENOPROC;
	fli_buf_clear(&node->scratch, 1 << 16);
	send->buf = &node->scratch;
	send->proc = proc;
	send->alias = alias;
	return FL_OK;
}

static int open_there(
	fl_node *node, fl_proc *from, fl_atom name, const fli_target *to, fli_send *send)
{
	fl_pid self = from == NULL ? node->system_pid : fli_proc_pid(from);
	fli_peer *peer = node->remote == NULL ? NULL : node->remote->peer(node->dist, name);

	if (peer == NULL)
		return FL_ENOCONN;
	if (to->kind == FLI_TARGET_PID && peer->is_up && peer->creation != to->pid->creation)
		return FL_ENOPROC;
	send->buf = node->remote->send_begin(peer, &self, to);
	send->peer = peer;
	if (send->buf == NULL)
		return FL_ENOCONN;
	if (from != NULL && node->remote->is_busy(peer)) {
		from->has_busy = true;
		from->busy_since = node->ready_count;
	}
	return FL_OK;
}

static int begin_alias(fl_node *node, fl_proc *from, const fl_ref *ref, fli_send *send)
{
	fli_target target = {.kind = FLI_TARGET_ALIAS, .alias = ref};
	fli_alias *alias;

	if (!fl_atom_eq(ref->node, node->name))
		return open_there(node, from, ref->node, &target, send);
	alias = fli_alias_find(node, ref);
	return open_here(node, alias == NULL ? NULL : alias->proc, alias, send);
}

int fli_send_begin(fl_node *node, fl_proc *from, const fl_dest *to, fli_send *send)
{
	fli_target target;

	*send = (fli_send){.buf = NULL};
	if (to->kind == FL_TO_ALIAS)
		return begin_alias(node, from, &to->as.alias, send);
	if (to->kind == FL_TO_PID) {
		if (fli_pid_is_local(node, &to->as.pid))
			return open_here(node, fli_proc_of(node, &to->as.pid), NULL, send);
		target = (fli_target){.kind = FLI_TARGET_PID, .pid = &to->as.pid};
		return open_there(node, from, to->as.pid.node, &target, send);
	}
	if (to->as.name.text.size == 0)
		return FL_ENOPROC; /* nobody has the empty name */
	if (to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name))
		return open_here(node, fli_name_find(node, to->as.name.text), NULL, send);
	target = (fli_target){.kind = FLI_TARGET_NAME, .name = to->as.name.text};
	return open_there(node, from, to->as.name.node, &target, send);
}

static int end_here(fl_node *node, const fl_proc *from, fli_send *send)
{
	fli_msg *msg;

	if (send->buf->failed)
		return FL_ENOMEM;
	msg = fli_msg_of_term(node, fli_term(node, send->buf->data, send->buf->size));
	if (msg == NULL)
		return FL_ENOMEM;
	fli_msg_speak_for(msg, from);
	if (send->alias != NULL && send->alias->once)
		fli_alias_delete(node, send->alias);
	fli_deliver(send->proc, msg);
	return FL_OK;
}

int fli_send_end(fl_node *node, fl_proc *from, fli_send *send)
{
	if (send->peer == NULL)
		return end_here(node, from, send);
	return node->remote->send_end(send->peer);
}

void fli_send_cancel(fl_node *node, fli_send *send)
{
	if (send->peer != NULL)
		node->remote->send_cancel(send->peer);
}

int fli_send_term(fl_node *node, fl_proc *from, const fl_dest *to, fl_term message)
{
	fli_send send;
	int rc = fli_send_begin(node, from, to, &send);

	if (rc != FL_OK)
		return rc;
	fli_write_term(send.buf, message);
	return fli_send_end(node, from, &send);
}

int fli_send_spec(fl_node *node, fl_proc *from, const fl_dest *to, fl_spec message)
{
	fli_send send;
	int rc = fli_send_begin(node, from, to, &send);

	if (rc != FL_OK)
		return rc;
	rc = fli_build_values(send.buf, message.pattern, message.values, message.count);
	if (rc == FL_OK)
		return fli_send_end(node, from, &send);
	fli_send_cancel(node, &send);
	return rc;
}

/* ---- what arrives from other nodes ----------------------------------------------------------- */

static void arrive(const fli_peer *peer, fl_proc *proc, const fli_payload *message)
{
	fli_msg *msg;

	if (FLI_UNLIKELY(proc == NULL || proc->status == FLI_EXITING))
		return;
	msg = fli_msg_of_payload(proc->node, message);
	if (FLI_LIKELY(msg != NULL)) {
		fli_msg_set_sender(msg, peer->name);
		fli_deliver(proc, msg);
		return;
	}
	/* order without gaps is promised: better no receiver than a hole */
	fli_proc_exit(proc, (fl_term){.data = NULL});
}

void fli_remote_send(fl_node *node, fli_peer *peer, const fl_pid *to, const fli_payload *message)
{
	arrive(peer, fli_proc_of(node, to), message);
}

void fli_remote_reg_send(fl_node *node, fli_peer *peer, fl_atom name, const fli_payload *message)
{
	arrive(peer, fli_name_find(node, name), message);
}

void fli_remote_alias_send(
	fl_node *node, fli_peer *peer, const fl_ref *ref, const fli_payload *message)
{
	fli_alias *alias = fli_alias_find(node, ref);
	fl_proc *proc = alias == NULL ? NULL : alias->proc;

	if (alias != NULL && alias->once)
		fli_alias_delete(node, alias);
	arrive(peer, proc, message);
}
