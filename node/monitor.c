/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitors, in all four pairings of here and there.
 *
 *  - One structure serves: it hangs in its watcher's list and in its target's, where either may be
 * a process of this node or a peer, and it is indexed by its reference and the watcher's side.
 *  - Who ends first takes it out of both: a target's end sends DOWN, a watcher's end DEMONITOR.
 *  - fl_call and fl_request ride on a monitor: see request.c.
 */
#include <string.h>

#include "node/base/bug.h"
#include "node/runtime.h"

/* The index's key: references are unique for the node that made them. */
typedef struct monitor_key {
	const fli_peer *peer; /* NULL: a watcher here */
	const fl_ref *ref;
} monitor_key;

static uint64_t hash_of(const fl_node *node, const fli_peer *peer, const fl_ref *ref)
{
	return fli_hash_mix(fli_ref_hash(node, ref) ^ (uintptr_t)peer);
}

bool fli_monitor_has_key(const void *item, const void *key)
{
	const fli_monitor *monitor = item;
	const monitor_key *k = key;

	return monitor->watcher_peer == k->peer && fl_ref_eq(&monitor->ref, k->ref);
}

fli_monitor *fli_monitor_find(const fl_node *node, const fli_peer *peer, const fl_ref *ref)
{
	monitor_key key = {peer, ref};

	return fli_map_get(&node->monitors, hash_of(node, peer, ref), &key);
}

/* `text` is copied: a peer may make up as many as it likes, so it is not interned. */
static fli_monitor *create(fl_node *node, fli_peer *watcher_peer, const fl_ref *ref, fl_atom text)
{
	fli_monitor *monitor = fli_zalloc(node->mem, sizeof *monitor + text.size);

	if (monitor == NULL)
		return NULL;
	if (text.size > 0)
		memcpy(monitor->text, text.text, text.size);
	monitor->ref = *ref;
	monitor->watcher_peer = watcher_peer;
	fli_list_create(&monitor->in_watcher);
	fli_list_create(&monitor->in_target);
	if (fli_map_put(&node->monitors, hash_of(node, watcher_peer, ref), monitor) != FL_OK) {
		fli_free(node->mem, monitor);
		return NULL;
	}
	return monitor;
}

void fli_monitor_delete(fl_node *node, fli_monitor *monitor)
{
	monitor_key key = {monitor->watcher_peer, &monitor->ref};

	(void)fli_map_remove(
		&node->monitors, hash_of(node, monitor->watcher_peer, &monitor->ref), &key);
	fli_list_remove(&monitor->in_watcher);
	fli_list_remove(&monitor->in_target);
	if (monitor->watcher_peer != NULL)
		monitor->watcher_peer->signals_count--;
	if (monitor->target_peer != NULL)
		monitor->target_peer->signals_count--;
	fli_free(node->mem, monitor);
}

/* ---- DOWN ------------------------------------------------------------------------------------ */

/* {'DOWN', Ref, process, Pid | {Name, Node}, Reason} to a watcher here. */
static void down_here(fli_monitor *monitor, fl_term reason)
{
	fl_proc *watcher = monitor->watcher;
	fl_node *node = watcher->node;
	fl_buf buf = FL_BUF_INIT;
	fl_atom at = monitor->target_peer != NULL ? monitor->target_peer->name
						  : monitor->target_pid.node;
	fli_msg *msg;

	if (monitor->by_name)
		(void)fl_build(&buf, "{'DOWN', ~, process, {~, ~}, ~}", monitor->ref, monitor->name,
			at, reason);
	else
		(void)fl_build(&buf, "{'DOWN', ~, process, ~, ~}", monitor->ref,
			monitor->target_pid, reason);
	msg = buf.error == FL_OK ? fli_msg_of_term(node, fl_buf_term(&buf)) : NULL;
	fl_buf_free(&buf);
	if (msg != NULL)
		fli_deliver(watcher, msg);
	else /* it would wait for ever */
		fli_proc_exit(watcher, (fl_term){.data = NULL});
}

static fli_target target_of(const fli_monitor *monitor)
{
	if (monitor->name.size > 0)
		return (fli_target){.kind = FLI_TARGET_NAME,
			.name = monitor->name,
			.pid = monitor->target_pid.node.size > 0 ? &monitor->target_pid : NULL};
	return (fli_target){.kind = FLI_TARGET_PID, .pid = &monitor->target_pid};
}

/* The target is gone: tells the watcher, and the monitor is no more. */
static void fire(fl_node *node, fli_monitor *monitor, fl_term reason)
{
	fli_target target = target_of(monitor);

	if (monitor->wait != NULL)
		fli_request_down(monitor, reason);
	else if (monitor->watcher != NULL)
		down_here(monitor, reason);
	else
		node->remote->down(monitor->watcher_peer, &target, &monitor->watcher_pid,
			&monitor->ref, reason);
	fli_monitor_delete(node, monitor);
}

void fli_monitor_fire(fl_node *node, fli_monitor *monitor, const char *reason)
{
	fli_reason_atom atom;

	fire(node, monitor, fli_reason_of(&atom, reason));
}

/* ---- from here ------------------------------------------------------------------------------- */

static bool is_here(const fl_node *node, const fl_dest *to)
{
	if (to->kind == FL_TO_PID)
		return fli_pid_is_local(node, &to->as.pid);
	return to->as.name.node.size == 0 || fl_atom_eq(to->as.name.node, node->name);
}

static void aim_here(fl_node *node, fli_monitor *monitor, const fl_dest *to)
{
	fl_proc *target = to->kind == FL_TO_PID ? fli_proc_of(node, &to->as.pid)
						: fli_name_find(node, monitor->name);

	if (target == NULL || target->status == FLI_EXITING) {
		monitor->target_pid.node = node->name;
		fli_monitor_fire(node, monitor, "noproc");
		return;
	}
	monitor->target = target;
	monitor->target_pid = fli_proc_pid(target);
	fli_list_append(&target->watchers, &monitor->in_target);
}

static void aim_there(fl_node *node, fli_monitor *monitor, const fl_dest *to)
{
	fl_atom name = to->kind == FL_TO_PID ? to->as.pid.node : to->as.name.node;
	fli_peer *peer = node->remote == NULL ? NULL : node->remote->peer(node->dist, name);
	fl_pid watcher = fli_proc_pid(monitor->watcher);
	fli_target target;

	if (peer == NULL || peer->signals_count >= node->limits.signals_per_peer_max) {
		monitor->target_pid.node = name; /* by name, it says where that is */
		fli_monitor_fire(node, monitor, "noconnection");
		return;
	}
	if (to->kind == FL_TO_PID) {
		monitor->target_pid.node = peer->name;
		if (peer->is_up && peer->creation != to->as.pid.creation) {
			fli_monitor_fire(node, monitor, "noproc");
			return;
		}
	}
	monitor->target_peer = peer;
	peer->signals_count++;
	fli_list_append(&peer->watched, &monitor->in_target);
	target = target_of(monitor);
	node->remote->monitor(peer, &watcher, &target, &monitor->ref);
}

fli_monitor *fli_monitor_new(fl_proc *watcher, const fl_dest *to, const fl_ref *ref)
{
	fl_atom name = to->kind == FL_TO_PID ? (fl_atom){0} : to->as.name.text;
	fli_monitor *monitor = create(watcher->node, NULL, ref, name);

	if (monitor == NULL)
		return NULL;
	monitor->watcher = watcher;
	fli_list_append(&watcher->monitors, &monitor->in_watcher);
	if (to->kind == FL_TO_PID)
		monitor->target_pid = to->as.pid;
	else
		monitor->name = (fl_atom){monitor->text, name.size};
	monitor->by_name = to->kind != FL_TO_PID;
	return monitor;
}

void fli_monitor_aim(fli_monitor *monitor, const fl_dest *to)
{
	fl_node *node = monitor->watcher->node;

	if (to->kind == FL_TO_NAME && to->as.name.text.size == 0)
		fli_monitor_fire(node, monitor, "noproc"); /* nobody has the empty name */
	else if (is_here(node, to))
		aim_here(node, monitor, to);
	else
		aim_there(node, monitor, to);
}

/* The watcher here gave up. */
void fli_monitor_cancel(fl_node *node, fli_monitor *monitor)
{
	fl_pid watcher = fli_proc_pid(monitor->watcher);
	fli_target target = target_of(monitor);

	if (monitor->target_peer != NULL && !FLI_BUG(demonitor_not_sent))
		node->remote->demonitor(monitor->target_peer, &watcher, &target, &monitor->ref);
	fli_monitor_delete(node, monitor);
}

void fli_monitors_on_exit(fl_proc *proc, fl_term reason)
{
	fl_node *node = proc->node;

	while (!fli_list_is_empty(&proc->watchers))
		fire(node, fli_container_of(proc->watchers.next, fli_monitor, in_target), reason);
	while (!fli_list_is_empty(&proc->monitors)) {
		fli_monitor *own = fli_container_of(proc->monitors.next, fli_monitor, in_watcher);

		fli_monitor_cancel(node, own);
	}
}

/* ---- from there ------------------------------------------------------------------------------ */

static void answer_noproc(fl_node *node, fli_peer *peer, const fl_pid *watcher,
	const fli_target *to, const fl_ref *ref)
{
	fli_reason_atom atom;

	if (FLI_BUG(noproc_not_sent))
		return;
	node->remote->down(peer, to, watcher, ref, fli_reason_of(&atom, "noproc"));
}

/* Borrowed texts become ones that live as long as the monitor. */
static fli_monitor *create_watched(
	fl_node *node, fli_peer *peer, const fl_pid *watcher, const fl_ref *ref)
{
	bool is_own = fl_atom_eq(ref->node, peer->name);
	fli_monitor *monitor = create(node, peer, ref, is_own ? (fl_atom){0} : ref->node);

	if (monitor == NULL)
		return NULL;
	monitor->ref.node = is_own ? peer->name : (fl_atom){monitor->text, ref->node.size};
	monitor->watcher_pid = *watcher;
	monitor->watcher_pid.node = peer->name;
	peer->signals_count++;
	fli_list_append(&peer->watchers, &monitor->in_watcher);
	return monitor;
}

void fli_remote_monitor(fl_node *node, fli_peer *peer, const fl_pid *watcher, const fli_target *to,
	const fl_ref *ref)
{
	fl_proc *target = to->kind == FLI_TARGET_PID ? fli_proc_of(node, to->pid)
						     : fli_name_find(node, to->name);
	fli_monitor *monitor;

	if (target == NULL || target->status == FLI_EXITING ||
		peer->signals_count >= node->limits.signals_per_peer_max) {
		answer_noproc(node, peer, watcher, to, ref);
		return;
	}
	if (fli_monitor_find(node, peer, ref) != NULL)
		return; /* the same one twice: the first stands */
	monitor = create_watched(node, peer, watcher, ref);
	if (monitor == NULL) {
		answer_noproc(node, peer, watcher, to, ref);
		return;
	}
	monitor->target = target;
	monitor->target_pid = fli_proc_pid(target);
	fli_list_append(&target->watchers, &monitor->in_target);
	if (to->kind == FLI_TARGET_NAME)
		monitor->name = target->name->text;
	if (FLI_UNLIKELY(node->on_monitored != NULL))
		node->on_monitored(target, ref);
}

void fli_remote_demonitor(fl_node *node, fli_peer *peer, const fl_pid *watcher, const fl_ref *ref)
{
	fli_monitor *monitor = fli_monitor_find(node, peer, ref);

	(void)watcher; /* the reference says it all */
	if (monitor != NULL)
		fli_monitor_delete(node, monitor);
}

void fli_remote_down(fl_node *node, fli_peer *peer, const fl_ref *ref, const fli_payload *reason)
{
	fli_monitor *monitor = fli_monitor_find(node, NULL, ref);
	fli_msg *msg;

	if (monitor == NULL || monitor->target_peer != peer)
		return;
	msg = fli_msg_of_payload(node, reason);
	if (msg == NULL)
		fli_monitor_fire(node, monitor, "noproc");
	else
		fire(node, monitor, fli_msg_term(node, msg));
	fli_msg_free(node, msg);
}

/* The connection is gone: ours learn it, theirs are forgotten. */
void fli_monitors_on_nodedown(fl_node *node, fli_peer *peer)
{
	while (!fli_list_is_empty(&peer->watched))
		fli_monitor_fire(node, fli_container_of(peer->watched.next, fli_monitor, in_target),
			"noconnection");
	while (!fli_list_is_empty(&peer->watchers) && !FLI_BUG(monitor_leaked_at_nodedown))
		fli_monitor_delete(
			node, fli_container_of(peer->watchers.next, fli_monitor, in_watcher));
}
