/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal as a value becomes bytes of a connection.
 *
 * What the peer cannot take (FL_ENOTSUP) and what goes to an earlier incarnation of it (FL_ENOPROC)
 * is answered here, as the peer itself would have: a link by an exit with noproc, a monitor by a
 * DOWN. A reason that the peer cannot read is replaced, since the end itself must be told. A signal
 * that is lost for want of memory ends the connection: links and monitors must not have gaps.
 */

#include "dist/flags.h"
#include "dist/peers.h"

static fli_outbound_monitored monitored(const fli_target *to)
{
	fli_outbound_monitored who = {.pid = NULL};

	if (to->kind == FLI_TARGET_PID)
		who.pid = to->pid;
	else
		who.name = to->name;
	return who;
}

static int begin_send(fli_outbound *out, const fli_remote_op *op)
{
	switch (op->to.kind) {
	case FLI_TARGET_PID: return fli_outbound_begin_send(out, &op->from, op->to.pid);
	case FLI_TARGET_ALIAS:
		return fli_outbound_begin_alias_send(out, &op->from, op->to.alias, op->to.pid);
	default: return fli_outbound_begin_reg_send(out, &op->from, op->to.name);
	}
}

int fli_remote_begin(fli_outbound *out, const fli_remote_op *op)
{
	switch (op->kind) {
	case FLI_REMOTE_EXIT: return fli_outbound_begin_exit(out, &op->from, op->to.pid);
	case FLI_REMOTE_EXIT2: return fli_outbound_begin_exit2(out, &op->from, op->to.pid);
	case FLI_REMOTE_DOWN:
		return fli_outbound_begin_down(out, monitored(&op->to), &op->from, &op->ref);
	default: return begin_send(out, op);
	}
}

/* ---- signals with a payload ------------------------------------------------------------------ */

static int emit_payload(fli_outbound *out, const fli_remote_op *op, fl_term payload)
{
	int rc = fli_remote_begin(out, op);

	if (rc != FL_OK)
		return rc;
	return fli_outbound_finish_with(out, payload, FLI_OUTBOUND_UNKNOWN_FEATURES);
}

static int emit_with(fli_conn *conn, const fli_remote_op *op)
{
	static const uint8_t unreadable[] = {
		119, 10, 'u', 'n', 'r', 'e', 'a', 'd', 'a', 'b', 'l', 'e'};
	const fl_term substitute = {.data = unreadable, .size = sizeof unreadable};
	int rc = emit_payload(&conn->out, op, op->payload);

	if (rc == FL_ENOTSUP && op->kind != FLI_REMOTE_SEND)
		rc = emit_payload(&conn->out, op, substitute);
	return rc;
}

/* ---- signals without ------------------------------------------------------------------------- */

static void exit_noproc(fli_conn *conn, const fli_remote_op *op)
{
	static const uint8_t noproc[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
	fli_walked walked;
	const fli_payload reason = {.data = noproc, .walked = &walked};

	if (fli_walk(noproc, sizeof noproc, NULL, &walked))
		fli_remote_exit(
			conn->peer->dist->node, &conn->peer->base, op->to.pid, &op->from, &reason);
}

static int emit_link(fli_conn *conn, const fli_remote_op *op)
{
	int rc = fli_outbound_link(&conn->out, &op->from, op->to.pid);

	if (rc == FL_ENOPROC || rc == FL_ENOTSUP)
		exit_noproc(conn, op);
	return rc;
}

static void down_with(fli_conn *conn, const fli_remote_op *op, const char *text)
{
	fli_reason_atom atom;
	fl_term reason = fli_reason_of(&atom, text);
	fli_walked walked;
	const fli_payload payload = {.data = reason.data, .walked = &walked};

	if (fli_walk(reason.data, reason.size, NULL, &walked))
		fli_remote_down(conn->peer->dist->node, &conn->peer->base, &op->ref, &payload);
}

/* Without monitors in the agreement the end of the connection is all that its watcher learns. */
static int emit_monitor(fli_conn *conn, const fli_remote_op *op)
{
	int rc = fli_outbound_monitor(&conn->out, &op->from, monitored(&op->to), &op->ref);

	if (rc == FL_ENOPROC)
		down_with(conn, op, "noproc");
	else if (rc == FL_ENOTSUP && conn->peer->base.has_monitors)
		down_with(conn, op, "notsup");
	return rc;
}

static int emit_unlink(fli_conn *conn, const fli_remote_op *op)
{
	int rc = fli_outbound_unlink(&conn->out, &op->from, op->to.pid, op->id);

	/* nobody will acknowledge it: the dead, or a peer without that signal */
	if (rc == FL_ENOPROC || (conn->flags & FLI_DFLAG(UNLINK_ID)) == 0)
		fli_remote_unlink_ack(
			conn->peer->dist->node, &conn->peer->base, op->id, op->to.pid, &op->from);
	return rc;
}

static int emit_bare(fli_conn *conn, const fli_remote_op *op)
{
	fli_outbound *out = &conn->out;

	switch (op->kind) {
	case FLI_REMOTE_LINK: return emit_link(conn, op);
	case FLI_REMOTE_UNLINK: return emit_unlink(conn, op);
	case FLI_REMOTE_UNLINK_ACK:
		return fli_outbound_unlink_ack(out, &op->from, op->to.pid, op->id);
	case FLI_REMOTE_MONITOR: return emit_monitor(conn, op);
	case FLI_REMOTE_DEMONITOR:
		return fli_outbound_demonitor(out, &op->from, monitored(&op->to), &op->ref);
	case FLI_REMOTE_LEADER:
		return fli_outbound_group_leader(out, &op->from, &op->from, op->to.pid);
	default: return emit_with(conn, op);
	}
}

/* ---- towards the connection ------------------------------------------------------------------ */

void fli_remote_settle(fli_conn *conn, int rc)
{
	fli_dist *dist = conn->peer->dist;

	if (rc == FL_OK) {
		fli_conn_mark(conn);
		return;
	}
	if (rc == FL_ENOTSUP || rc == FL_ENOPROC || conn->reason != NULL)
		return;
	fli_log_limited(&dist->node->log, fli_dist_now(dist), FLI_ERROR,
		"disconnected from %s: a signal to it was lost: %s", conn->peer->name.text,
		fl_error_text(rc));
	fli_conn_doom(conn, "connection_closed");
}

void fli_remote_emit(fli_conn *conn, const fli_remote_op *op)
{
	fli_remote_settle(conn, emit_bare(conn, op));
}

void fli_remote_replay(fli_dist_peer *peer)
{
	fli_remote_queued *item;

	while ((item = fli_remote_queue_pop(&peer->queue)) != NULL) {
		if (peer->conn != NULL && peer->conn->reason == NULL)
			fli_remote_emit(peer->conn, &item->op);
		fli_free(peer->dist->mem, item);
	}
}
