/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer's signal means for the processes here: one call of the runtime for each.
 *
 * A pid that is not of this node by name is nobody's; a signal for it is dropped. A pid of an
 * earlier incarnation is passed on, since the runtime answers for the dead. Spawn requests go to
 * the services.
 */

#include "dist/fence.h"
#include "dist/peers.h"
#include "node/access.h"

static fli_payload payload_of(const fli_signal *signal)
{
	return (fli_payload){.data = signal->payload.data,
		.walked = &signal->payload.walked,
		.refs = signal->refs,
		.block = signal->block};
}

static fli_target target_of(const fli_signal *signal)
{
	if (signal->target == FLI_TO_PID)
		return (fli_target){.kind = FLI_TARGET_PID, .pid = &signal->to};
	return (fli_target){.kind = FLI_TARGET_NAME, .name = signal->name};
}

static void on_exit2(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const fli_payload reason = payload_of(signal);
	fl_proc *proc;
	fl_pid pid;

	if (!fli_access_may(node, peer->name, FLI_ACCESS_EXIT))
		return;
	if (signal->target == FLI_TO_ALIAS) {
		fli_remote_exit_alias(node, peer, &signal->from, &signal->ref, &reason);
		return;
	}
	if (signal->target == FLI_TO_PID) {
		if (fli_pid_is_local(node, &signal->to))
			fli_remote_exit2(node, peer, &signal->from, &signal->to, &reason);
		return;
	}
	proc = fli_name_find(node, signal->name);
	if (proc == NULL)
		return;
	pid = fli_proc_pid(proc);
	fli_remote_exit2(node, peer, &signal->from, &pid, &reason);
}

/* Messages. */
static bool message(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const fli_payload payload = payload_of(signal);

	if (signal->op == FLI_OP_SEND) {
		if (fli_pid_is_local(node, &signal->to))
			fli_remote_send(node, peer, &signal->to, &payload);
	} else if (signal->op == FLI_OP_REG_SEND) {
		fli_remote_reg_send(node, peer, signal->name, &payload);
	} else if (signal->op == FLI_OP_ALIAS_SEND) {
		fli_remote_alias_send(node, peer, &signal->ref, &payload);
	} else {
		return false;
	}
	return true;
}

/* Monitors: both ways. */
static bool monitors(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const fli_target target = target_of(signal);
	const fli_payload payload = payload_of(signal);

	if (signal->op == FLI_OP_MONITOR) {
		/* a foreign pid is passed on too: the runtime's answer is `noproc` */
		fli_remote_monitor(node, peer, &signal->from, &target, &signal->ref);
	} else if (signal->op == FLI_OP_DEMONITOR) {
		fli_remote_demonitor(node, peer, &signal->from, &signal->ref);
	} else if (signal->op == FLI_OP_DOWN) {
		fli_remote_down(node, peer, &signal->ref, &payload);
	} else {
		return false;
	}
	return true;
}

/* Signals between two pids, of which `to` is one of ours. */
static void between_pids(fl_node *node, fli_peer *peer, const fli_signal *signal)
{
	const fli_payload payload = payload_of(signal);

	if (!fli_pid_is_local(node, &signal->to))
		return;
	switch (signal->op) {
	case FLI_OP_LINK: fli_remote_link(node, peer, &signal->from, &signal->to); break;
	case FLI_OP_UNLINK: fli_remote_unlink(node, peer, 0, &signal->from, &signal->to); break;
	case FLI_OP_UNLINK_ID:
		fli_remote_unlink(node, peer, signal->id, &signal->from, &signal->to);
		break;
	case FLI_OP_UNLINK_ID_ACK:
		fli_remote_unlink_ack(node, peer, signal->id, &signal->from, &signal->to);
		break;
	case FLI_OP_EXIT: fli_remote_exit(node, peer, &signal->from, &signal->to, &payload); break;
	case FLI_OP_GROUP_LEADER:
		if (!fli_access_may(node, peer->name, FLI_ACCESS_GROUP_LEADER))
			break;
		fli_remote_group_leader(node, peer, &signal->from, &signal->to);
		break;
	default: break;
	}
}

static void refuse_spawn(fli_dist *dist, fli_peer *peer, const fli_signal *signal)
{
	const fli_outbound_spawned reply = {
		.id = &signal->ref, .to = &signal->from, .error = fl_atom_of("notsup")};
	fli_outbound *out = fli_dist_out(peer);

	(void)dist;
	if (out != NULL)
		fli_dist_wrote(peer, fli_outbound_spawn_reply(out, &reply));
}

static void spawns(fli_dist *dist, fli_peer *peer, const fli_signal *signal)
{
	if (signal->op == FLI_OP_SPAWN_REQUEST) {
		if (dist->spawns == NULL)
			refuse_spawn(dist, peer, signal);
		else
			dist->spawns->request(dist->node, peer, signal);
	} else if (dist->spawns != NULL) {
		dist->spawns->reply(dist->node, peer, signal);
	}
}

bool fli_conn_on_signal(void *ctx, const fli_signal *signal)
{
	fli_conn *conn = ctx;
	fli_dist *dist = conn->peer->dist;
	fli_peer *peer = &conn->peer->base;

	if (FLI_UNLIKELY(dist->node->is_fenced) && fli_fence_takes(dist->node, peer, signal))
		return conn->reason == NULL;
	if (FLI_LIKELY(message(dist->node, peer, signal)))
		return conn->reason == NULL;
	if (signal->op == FLI_OP_EXIT2)
		on_exit2(dist->node, peer, signal);
	else if (signal->op == FLI_OP_SPAWN_REQUEST || signal->op == FLI_OP_SPAWN_REPLY)
		spawns(dist, peer, signal);
	else if (!monitors(dist->node, peer, signal))
		between_pids(dist->node, peer, signal);
	return conn->reason == NULL;
}
