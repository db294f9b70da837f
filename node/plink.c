/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links between processes, and the exit signals that run along them.
 *
 *  - A link has one entry for each end that is here; a link within the node has two.
 *  - Remote links follow the table of erl_dist_protocol's "link protocol": active, or inactive with
 *    the id of an unlink whose acknowledgement is outstanding.
 *  - An exit signal to a process that does not trap queues its death; one that traps gets a
 * message.
 *
 * Failure: a link to the dead, to an old incarnation or to nowhere is answered by an exit signal
 * with noproc or noconnection, as in Erlang.
 */
#include "node/base/bug.h"
#include "node/conflict.h"
#include "node/runtime.h"
#include "node/term/peek.h"

typedef struct plink_key {
	const fl_proc *proc;
	const fl_pid *other;
} plink_key;

static uint64_t hash_of(const fl_proc *proc, const fl_pid *other)
{
	uint64_t h = proc->node->seed ^ (uintptr_t)proc;

	return fli_hash_mix(
		fli_hash_mix(h ^ ((uint64_t)other->id << 32 | other->serial)) ^ other->creation);
}

bool fli_plink_has_key(const void *item, const void *key)
{
	const fli_plink *plink = item;
	const plink_key *k = key;

	return plink->proc == k->proc && fl_pid_eq(&plink->other, k->other);
}

fli_plink *fli_plink_find(const fl_proc *proc, const fl_pid *other)
{
	plink_key key = {proc, other};

	return fli_map_get(&proc->node->plinks, hash_of(proc, other), &key);
}

static fli_plink *create(fl_proc *proc, fli_peer *peer, const fl_pid *other)
{
	fl_node *node = proc->node;
	fli_plink *plink = fli_zalloc(node->mem, sizeof *plink);

	if (plink == NULL)
		return NULL;
	plink->proc = proc;
	plink->peer = peer;
	plink->other = *other;
	plink->other.node = peer == NULL ? node->name : peer->name;
	if (fli_map_put(&node->plinks, hash_of(proc, other), plink) != FL_OK) {
		fli_free(node->mem, plink);
		return NULL;
	}
	fli_list_append(&proc->links, &plink->in_proc);
	fli_list_create(&plink->in_peer);
	if (peer != NULL) {
		fli_list_append(&peer->links, &plink->in_peer);
		peer->signals_count++;
	}
	return plink;
}

void fli_plink_delete(fl_node *node, fli_plink *plink)
{
	plink_key key = {plink->proc, &plink->other};

	(void)fli_map_remove(&node->plinks, hash_of(plink->proc, &plink->other), &key);
	fli_list_remove(&plink->in_proc);
	fli_list_remove(&plink->in_peer);
	if (plink->peer != NULL)
		plink->peer->signals_count--;
	fli_free(node->mem, plink);
}

/* ---- exit signals ---------------------------------------------------------------------------- */

/* A supervisor has as many as it has children: they are no flood. */
static bool has_room_for_links(const fl_proc *to)
{
	return to->status != FLI_EXITING && to->extra != NULL && to->extra->end != NULL;
}

static void deliver_exit(fl_proc *to, const fl_pid *from, fl_term reason, bool is_link)
{
	fl_buf buf = FL_BUF_INIT;
	fli_msg *msg;

	(void)fl_build(&buf, "{'EXIT', ~, ~}", *from, reason);
	msg = buf.error == FL_OK ? fli_msg_of_term(to->node, fl_buf_term(&buf)) : NULL;
	fl_buf_free(&buf);
	if (msg != NULL && is_link && has_room_for_links(to))
		fli_mailbox_push(to, msg);
	else if (msg != NULL)
		fli_deliver(to, msg);
	else /* it would take the other for alive */
		fli_proc_exit(to, (fl_term){.data = NULL});
}

static bool is_atom(fl_term term, const char *text)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fl_atom atom;

	return fli_peek_atom(&c, NULL, &atom) && fl_atom_is(atom, text);
}

static void exit_with_text(fl_proc *proc, const char *reason)
{
	fli_reason_atom atom;

	fli_proc_exit(proc, fli_reason_of(&atom, reason));
}

void fli_exit_signal(fl_proc *to, const fl_pid *from, fl_term reason, bool is_link)
{
	fl_pid self = fli_proc_pid(to);

	if (to->status == FLI_EXITING || (to->is_system && !(is_link && to->trap_exit)))
		return; /* the node's own processes are nobody's to end */
	if (!is_link && is_atom(reason, "kill")) {
		fli_conflict_note(to);
		exit_with_text(to, "killed");
	} else if (to->trap_exit)
		deliver_exit(to, from, reason, is_link);
	else if (!is_atom(reason, "normal") || (!is_link && fl_pid_eq(from, &self)))
		fli_proc_exit(to, reason);
}

static void exit_signal_text(fl_proc *to, const fl_pid *from, const char *reason)
{
	fli_reason_atom atom;

	fli_exit_signal(to, from, fli_reason_of(&atom, reason), true);
}

/* ---- from here ------------------------------------------------------------------------------- */

static int add_here(fl_proc *proc, const fl_pid *other_pid)
{
	fl_node *node = proc->node;
	fl_proc *other = fli_proc_of(node, other_pid);
	fl_pid self = fli_proc_pid(proc);
	fli_plink *one, *two;

	if (other == proc)
		return FL_OK;
	if (other == NULL || other->status == FLI_EXITING) {
		exit_signal_text(proc, other_pid, "noproc");
		return FL_OK;
	}
	one = create(proc, NULL, other_pid);
	two = one == NULL ? NULL : create(other, NULL, &self);
	if (two != NULL)
		return FL_OK;
	if (one != NULL)
		fli_plink_delete(node, one);
	return FL_ENOMEM;
}

static int add_there(fl_proc *proc, const fl_pid *other)
{
	fl_node *node = proc->node;
	fli_peer *peer = node->remote == NULL ? NULL : node->remote->peer(node->dist, other->node);
	fl_pid self = fli_proc_pid(proc);

	if (peer == NULL || peer->signals_count >= node->limits.signals_per_peer_max)
		exit_signal_text(proc, other, "noconnection");
	else if (peer->is_up && peer->creation != other->creation)
		exit_signal_text(proc, other, "noproc");
	else if (create(proc, peer, other) == NULL)
		return FL_ENOMEM;
	else
		node->remote->link(peer, &self, other);
	return FL_OK;
}

int fli_plink_add(fl_proc *proc, const fl_pid *other)
{
	fli_plink *plink = fli_plink_find(proc, other);
	fl_pid self = fli_proc_pid(proc);

	if (plink == NULL)
		return fli_pid_is_local(proc->node, other) ? add_here(proc, other)
							   : add_there(proc, other);
	if (plink->unlink_id != 0) { /* on again before the old unlink was acknowledged */
		plink->unlink_id = 0;
		proc->node->remote->link(plink->peer, &self, other);
	}
	return FL_OK;
}

int fli_plink_remove(fl_proc *proc, const fl_pid *other_pid)
{
	fl_node *node = proc->node;
	fli_plink *plink = fli_plink_find(proc, other_pid), *back;
	fl_pid self = fli_proc_pid(proc);
	fl_proc *other;

	if (plink == NULL || plink->unlink_id != 0)
		return FL_OK;
	if (plink->peer != NULL) {
		plink->unlink_id = node->unlink_next++;
		node->remote->unlink(plink->peer, plink->unlink_id, &self, other_pid);
		return FL_OK;
	}
	other = fli_proc_of(node, other_pid);
	back = other == NULL ? NULL : fli_plink_find(other, &self);
	if (back != NULL)
		fli_plink_delete(node, back);
	fli_plink_delete(node, plink);
	return FL_OK;
}

/* One link of a process that ends; the other end hears of it. */
static void break_link(fl_node *node, fli_plink *plink, const fl_pid *self, fl_term reason)
{
	fl_proc *other;
	fli_plink *back;

	if (plink->peer != NULL) {
		if (plink->unlink_id == 0 && reason.data != NULL && !FLI_BUG(exit_not_sent))
			node->remote->exit(plink->peer, self, &plink->other, reason);
		return;
	}
	other = fli_proc_of(node, &plink->other);
	back = other == NULL ? NULL : fli_plink_find(other, self);
	if (back == NULL)
		return;
	fli_plink_delete(node, back);
	if (reason.data != NULL)
		fli_exit_signal(other, self, reason, true);
}

void fli_plinks_on_exit(fl_proc *proc, fl_term reason)
{
	fl_pid self = fli_proc_pid(proc);

	while (!fli_list_is_empty(&proc->links)) {
		fli_plink *plink = fli_container_of(proc->links.next, fli_plink, in_proc);

		break_link(proc->node, plink, &self, reason);
		fli_plink_delete(proc->node, plink);
	}
}

/* ---- from there ------------------------------------------------------------------------------ */

static void answer_noproc(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to)
{
	fli_reason_atom atom;

	node->remote->exit(peer, from, to, fli_reason_of(&atom, "noproc"));
}

/*
 * The link's end at the peer. A peer speaks for its own processes only, whatever node it writes:
 * links are kept under its name, and two that differ in nothing else would be one key twice.
 */
static fl_pid end_there(const fli_peer *peer, const fl_pid *from)
{
	fl_pid pid = *from;

	pid.node = peer->name;
	return pid;
}

void fli_remote_link(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to)
{
	fl_proc *proc = fli_proc_of(node, to);
	fl_pid other = end_there(peer, from);

	if (proc == NULL || proc->status == FLI_EXITING ||
		peer->signals_count >= node->limits.signals_per_peer_max)
		answer_noproc(node, peer, to, from);
	else if (fli_plink_find(proc, &other) == NULL && create(proc, peer, &other) == NULL)
		answer_noproc(node, peer, to, from);
}

void fli_remote_unlink(
	fl_node *node, fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	fl_proc *proc = fli_proc_of(node, to);
	fl_pid other = end_there(peer, from);
	fli_plink *plink = proc == NULL ? NULL : fli_plink_find(proc, &other);

	if (plink != NULL && plink->peer == peer && plink->unlink_id == 0)
		fli_plink_delete(node, plink);
	if (id != 0)
		node->remote->unlink_ack(peer, id, to, from);
}

void fli_remote_unlink_ack(
	fl_node *node, fli_peer *peer, uint64_t id, const fl_pid *from, const fl_pid *to)
{
	fl_proc *proc = fli_proc_of(node, to);
	fl_pid other = end_there(peer, from);
	fli_plink *plink = proc == NULL ? NULL : fli_plink_find(proc, &other);

	if (FLI_BUG(unlink_ack_of_any_id) && plink != NULL)
		plink->unlink_id = id;
	if (plink != NULL && plink->peer == peer && plink->unlink_id == id && id != 0 &&
		!FLI_BUG(unlink_ack_ignored))
		fli_plink_delete(node, plink);
}

/* The sender's pid with a node text that may be kept. */
static fl_pid kept_pid(const fl_node *node, const fli_peer *peer, const fl_pid *pid)
{
	fl_pid kept = *pid;

	if (fl_atom_eq(pid->node, peer->name))
		kept.node = peer->name;
	else if (fli_pid_is_local(node, pid))
		kept.node = node->name;
	return kept;
}

static void signal_payload(fl_proc *to, const fl_pid *from, const fli_payload *reason, bool is_link)
{
	fli_msg *msg = fli_msg_of_payload(to->node, reason);

	if (msg == NULL)
		exit_with_text(to, "killed");
	else
		fli_exit_signal(to, from, fli_msg_term(to->node, msg), is_link);
	fli_msg_free(to->node, msg);
}

void fli_remote_exit(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to,
	const fli_payload *reason)
{
	fl_proc *proc = fli_proc_of(node, to);
	fl_pid other = end_there(peer, from);
	fli_plink *plink = proc == NULL ? NULL : fli_plink_find(proc, &other);

	if (plink == NULL || plink->peer != peer || plink->unlink_id != 0)
		return; /* an unlinked one stays until the acknowledgement */
	fli_plink_delete(node, plink);
	signal_payload(proc, &other, reason, true);
}

void fli_remote_exit2(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_pid *to,
	const fli_payload *reason)
{
	fl_proc *proc = fli_proc_of(node, to);
	fl_pid kept = kept_pid(node, peer, from);

	if (proc != NULL && !proc->is_system)
		signal_payload(proc, &kept, reason, false);
}

void fli_remote_exit_alias(fl_node *node, fli_peer *peer, const fl_pid *from, const fl_ref *ref,
	const fli_payload *reason)
{
	fli_alias *alias = fli_alias_find(node, ref);
	fl_pid kept = kept_pid(node, peer, from);

	if (alias != NULL)
		signal_payload(alias->proc, &kept, reason, false);
}

void fli_plinks_on_nodedown(fl_node *node, fli_peer *peer)
{
	while (!fli_list_is_empty(&peer->links)) {
		fli_plink *plink = fli_container_of(peer->links.next, fli_plink, in_peer);
		fl_proc *proc = plink->proc;
		fl_pid other = plink->other;
		bool was_active = plink->unlink_id == 0;

		fli_plink_delete(node, plink);
		if (was_active)
			exit_signal_text(proc, &other, "noconnection");
	}
}
