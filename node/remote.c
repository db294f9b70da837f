/* SPDX-License-Identifier: Apache-2.0 */
/* Peers as the process world sees them: coming, going, having room again. */
#include "node/remote.h"

#include "node/base/bug.h"
#include "node/events.h"
#include "node/runtime.h"

void fli_peer_create(fli_peer *peer, fl_atom interned_name)
{
	*peer = (fli_peer){.name = interned_name};
	fli_list_create(&peer->links);
	fli_list_create(&peer->watchers);
	fli_list_create(&peer->watched);
}

void fli_remote_attach(fl_node *node, const fli_remote_ops *ops, void *dist)
{
	node->remote = ops;
	node->dist = dist;
}

/* To each server that has node_up or node_down; one that cannot be told ends: it would count wrong.
 */
static void tell_watchful(fl_node *node, fli_msg_kind kind, fl_term term)
{
	for (fli_link *l = node->watchful.next; l != &node->watchful; l = l->next) {
		fl_proc *proc = fli_container_of(l, fli_extra, in_watchful)->proc;
		fli_msg *msg = fli_msg_of_term(node, term);

		if (msg == NULL) {
			fli_proc_exit(proc, (fl_term){.data = NULL});
			continue;
		}
		msg->kind = (uint8_t)kind;
		msg->body = 0;
		fli_deliver(proc, msg);
	}
}

void fli_remote_nodeup(fl_node *node, fli_peer *peer)
{
	fl_buf buf = FL_BUF_INIT;

	peer->is_up = true;
	if (FLI_UNLIKELY(fli_event_wanted(node, FLI_EVENT_CONNECTION_UP)))
		fli_event_tell(node, FLI_EVENT_CONNECTION_UP,
			fl_spec("#{node => ~, hidden => ~}", peer->name, fl_bool(peer->is_hidden)));
	if (!peer->is_invisible && !FLI_BUG(node_up_not_told) &&
		fl_build(&buf, "~", peer->name) == FL_OK)
		tell_watchful(node, FLI_MSG_NODE_UP, fl_buf_term(&buf));
	fl_buf_free(&buf);
	fli_exits_drain(node);
}

void fli_remote_nodedown(fl_node *node, fli_peer *peer, const char *reason)
{
	fl_buf buf = FL_BUF_INIT;
	bool was_up = peer->is_up;

	peer->is_up = false;
	if (was_up && FLI_UNLIKELY(fli_event_wanted(node, FLI_EVENT_CONNECTION_DOWN)))
		fli_event_tell(node, FLI_EVENT_CONNECTION_DOWN,
			fl_spec("#{node => ~, hidden => ~, reason => ~}", peer->name,
				fl_bool(peer->is_hidden), fl_atom_of(reason)));
	fli_plinks_on_nodedown(node, peer);
	fli_monitors_on_nodedown(node, peer);
	fli_exits_drain(node);
	if (was_up && !peer->is_invisible &&
		fl_build(&buf, "{~, ~}", peer->name, fl_atom_of(reason)) == FL_OK)
		tell_watchful(node, FLI_MSG_NODE_DOWN, fl_buf_term(&buf));
	fl_buf_free(&buf);
	fli_exits_drain(node);
	fli_remote_ready(node, peer);
}

void fli_remote_ready(fl_node *node, fli_peer *peer)
{
	fli_link *link;

	node->ready_count++;
	(void)peer; /* few ever wait: all are let go, and wait again where their peer is still busy
		     */
	while ((link = fli_list_pop(&node->suspended)) != NULL) {
		fl_proc *proc = fli_container_of(link, fli_extra, suspended)->proc;

		if (proc->status == FLI_SUSPENDED) {
			proc->status = FLI_WAITING;
			fli_run_queue_add(proc);
		}
	}
}

void fli_remote_group_leader(fl_node *node, fli_peer *peer, const fl_pid *leader, const fl_pid *to)
{
	fl_proc *proc = fli_proc_of(node, to);
	fli_extra *extra = proc == NULL ? NULL : fli_proc_extra(proc);
	fl_pid kept = *leader;

	(void)peer;
	if (extra == NULL ||
		!fli_atoms_find(node->atoms, kept.node.text, kept.node.size, &kept.node))
		return; /* a node that nothing is known of can lead nobody */
	extra->group_leader = kept;
	extra->has_group_leader = true;
}
