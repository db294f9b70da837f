/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitors and spawn requests of the model, and what a lost node does to them.
 *
 * One table holds both directions: the watcher may be here, the target may be here, or both. A
 * monitor by name keeps the name, which the answer has to carry.
 */
#include "tests/sim/otp_node.h"

#include <stdlib.h>
#include <string.h>

static void free_monitor(otp_monitor **at)
{
	otp_monitor *m = *at;

	*at = m->next;
	otp_drop(&m->ref);
	otp_drop(&m->watcher);
	otp_drop(&m->target);
	free(m);
}

static otp_monitor *add(
	otp_node *node, otp_term ref, otp_term watcher, otp_term target, const char *target_node)
{
	otp_monitor *m = otp_alloc(sizeof *m);

	m->ref = otp_keep(ref);
	m->watcher = otp_keep(watcher);
	m->target = otp_keep(target);
	otp_set_atom(&m->target_node, target_node);
	m->next = node->monitors;
	node->monitors = m;
	return m;
}

/* Tells the watcher, wherever it is. */
static void tell_down(otp_node *node, const otp_monitor *m, otp_term reason)
{
	otp_proc *local = otp_find(node, m->watcher);
	otp_term target = m->target;
	otp_atom peer;

	if (local != NULL) {
		if (!otp_is_pid(target))
			target = otp_make(node, "{~t,~a}", target, m->target_node.text);
		otp_deliver(node, local,
			otp_make(node, "{DOWN,~t,process,~t,~t}", m->ref, target, reason));
	} else if (otp_node_of(m->watcher, &peer) && !otp_is_mine(node, m->watcher)) {
		if ((otp_flags_to(node, peer.text) & OTP_EXIT_PAYLOAD) != 0)
			otp_emit(node, peer.text,
				otp_make(node, "{28,~t,~t,~t}", target, m->watcher, m->ref),
				reason);
		else
			otp_emit(node, peer.text,
				otp_make(node, "{21,~t,~t,~t,~t}", target, m->watcher, m->ref,
					reason),
				OTP_NONE);
	}
}

static otp_proc *find_target(otp_node *node, otp_term target)
{
	otp_atom name;

	if (otp_is_pid(target))
		return otp_find(node, target);
	return otp_get_atom(target, &name) ? otp_whereis(node, name.text) : NULL;
}

/* MONITOR_P from outside, or one within the node. */
void otp_monitor_here(otp_node *node, otp_term ref, otp_term watcher, otp_term target)
{
	otp_monitor *m = add(node, ref, watcher, target, node->config.name);

	if (find_target(node, target) == NULL) {
		tell_down(node, m, otp_make(node, "noproc"));
		free_monitor(&node->monitors);
	}
}

static void monitor_there(
	otp_node *node, otp_proc *self, otp_term ref, otp_term target, const char *peer)
{
	uint64_t flags = otp_flags_to(node, peer);
	otp_monitor *m = add(node, ref, self->pid, target, peer);

	if (!otp_is_reached(node, peer)) {
		tell_down(node, m, otp_make(node, "noconnection"));
		free_monitor(&node->monitors);
	} else if (flags == 0 || (flags & OTP_MONITORS) == OTP_MONITORS) {
		otp_emit(node, peer, otp_make(node, "{19,~t,~t,~t}", self->pid, target, ref),
			OTP_NONE);
	}
}

otp_term otp_monitor_pid(otp_node *node, otp_proc *self, otp_term pid)
{
	otp_term ref = otp_ref(node, 3);
	otp_atom peer;

	if (otp_is_mine(node, pid))
		otp_monitor_here(node, ref, self->pid, pid);
	else if (otp_node_of(pid, &peer))
		monitor_there(node, self, ref, pid, peer.text);
	return ref;
}

otp_term otp_monitor_name(
	otp_node *node, otp_proc *self, const char *name, const char *peer, otp_term ref)
{
	otp_term target = otp_make(node, "~a", name);

	if (strcmp(peer, node->config.name) == 0)
		otp_monitor_here(node, ref, self->pid, target);
	else
		monitor_there(node, self, ref, target, peer);
	return ref;
}

/* The monitor that comes with a spawned process. */
void otp_monitor_spawned(otp_node *node, otp_proc *self, otp_term ref, otp_term pid)
{
	otp_atom peer;

	if (otp_node_of(pid, &peer))
		(void)add(node, ref, self->pid, pid, peer.text);
}

static otp_monitor **find_ref(otp_node *node, otp_term ref, otp_term watcher)
{
	otp_monitor **at = &node->monitors;

	while (*at != NULL && !(otp_equal((*at)->ref, ref) && otp_equal((*at)->watcher, watcher)))
		at = &(*at)->next;
	return at;
}

void otp_demonitor(otp_node *node, otp_proc *self, otp_term ref)
{
	otp_monitor **at = find_ref(node, ref, self->pid);

	if (*at == NULL)
		return;
	if (strcmp((*at)->target_node.text, node->config.name) != 0)
		otp_emit(node, (*at)->target_node.text,
			otp_make(node, "{20,~t,~t,~t}", self->pid, (*at)->target, ref), OTP_NONE);
	free_monitor(at);
}

/* DEMONITOR_P from outside. */
void otp_demonitor_here(otp_node *node, otp_term ref, otp_term watcher)
{
	otp_monitor **at = find_ref(node, ref, watcher);

	if (*at != NULL)
		free_monitor(at);
}

/* MONITOR_P_EXIT from outside. */
void otp_monitor_fired(otp_node *node, otp_term ref, otp_term watcher, otp_term reason)
{
	otp_monitor **at = find_ref(node, ref, watcher);

	if (*at == NULL)
		return;
	tell_down(node, *at, reason);
	free_monitor(find_ref(node, ref, watcher));
}

static bool is_target(const otp_node *node, const otp_monitor *m, const otp_proc *target)
{
	if (otp_is_pid(m->target))
		return otp_equal(m->target, target->pid);
	return target->name[0] != '\0' && otp_is_atom(m->target, target->name) &&
	       strcmp(m->target_node.text, node->config.name) == 0;
}

/* Its monitors fire, and those that it had go. */
void otp_fire(otp_node *node, otp_proc *target, otp_term reason)
{
	otp_monitor **at = &node->monitors;

	while (*at != NULL) {
		otp_monitor *m = *at;

		if (is_target(node, m, target)) {
			tell_down(node, m, reason);
			free_monitor(at);
		} else if (otp_equal(m->watcher, target->pid)) {
			if (strcmp(m->target_node.text, node->config.name) != 0)
				otp_emit(node, m->target_node.text,
					otp_make(node, "{20,~t,~t,~t}", m->watcher, m->target,
						m->ref),
					OTP_NONE);
			free_monitor(at);
		} else {
			at = &m->next;
		}
	}
}

static void monitors_gone(otp_node *node, const char *peer)
{
	otp_monitor **at = &node->monitors;
	otp_atom watcher;

	while (*at != NULL) {
		otp_monitor *m = *at;

		if (strcmp(m->target_node.text, peer) == 0)
			tell_down(node, m, otp_make(node, "noconnection"));
		else if (!otp_node_of(m->watcher, &watcher) || strcmp(watcher.text, peer) != 0) {
			at = &m->next;
			continue;
		}
		free_monitor(at);
	}
}

/* ---- spawn requests -------------------------------------------------------------------------- */

static void free_request(otp_request **at)
{
	otp_request *r = *at;

	*at = r->next;
	otp_drop(&r->ref);
	otp_drop(&r->from);
	free(r);
}

otp_term otp_spawn_request(
	otp_node *node, otp_proc *self, const char *peer, otp_term mfa, otp_term args)
{
	otp_term ref = otp_ref(node, 3);
	otp_request *r = otp_alloc(sizeof *r);
	uint64_t flags = otp_flags_to(node, peer);

	if (!otp_is_reached(node, peer) || (flags != 0 && (flags & OTP_SPAWN) == 0)) {
		free(r);
		otp_deliver(node, self,
			otp_make(node, "{spawn_reply,~t,error,~a}", ref,
				otp_is_reached(node, peer) ? "notsup" : "noconnection"));
		return ref;
	}
	r->ref = otp_keep(ref);
	r->from = otp_keep(self->pid);
	otp_set_atom(&r->node, peer);
	r->next = node->requests;
	node->requests = r;
	otp_emit(node, peer,
		otp_make(node, "{29,~t,~t,~t,~t,[monitor]}", ref, self->pid, node->user->pid, mfa),
		args);
	return ref;
}

void otp_spawn_replied(otp_node *node, otp_term ref, otp_term to, int64_t flags, otp_term result)
{
	otp_request **at = &node->requests;
	otp_proc *self = otp_find(node, to);
	otp_atom peer;

	while (*at != NULL && !otp_equal((*at)->ref, ref))
		at = &(*at)->next;
	if (*at == NULL)
		return;
	free_request(at);
	if (self != NULL && otp_is_pid(result)) {
		otp_monitor_spawned(node, self, ref, result);
		otp_deliver(node, self, otp_make(node, "{spawn_reply,~t,ok,~t}", ref, result));
	} else if (self != NULL) {
		otp_deliver(node, self, otp_make(node, "{spawn_reply,~t,error,~t}", ref, result));
	} else if ((flags & 2) != 0 && otp_node_of(result, &peer)) {
		otp_emit(node, peer.text, otp_make(node, "{20,~t,~t,~t}", to, result, ref),
			OTP_NONE);
	}
}

static void requests_gone(otp_node *node, const char *peer)
{
	otp_request **at = &node->requests;

	while (*at != NULL) {
		otp_request *r = *at;
		otp_proc *self = otp_find(node, r->from);

		if (strcmp(r->node.text, peer) != 0) {
			at = &r->next;
			continue;
		}
		if (self != NULL)
			otp_deliver(node, self,
				otp_make(node, "{spawn_reply,~t,error,noconnection}", r->ref));
		free_request(at);
	}
}

void otp_node_gone(otp_node *node, const char *peer)
{
	otp_bonds_gone(node, peer);
	monitors_gone(node, peer);
	requests_gone(node, peer);
}

void otp_free_monitors(otp_node *node)
{
	while (node->monitors != NULL)
		free_monitor(&node->monitors);
	while (node->requests != NULL)
		free_request(&node->requests);
}
