/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control tuples that arrive (erl_dist_protocol, "Protocol between Connected Nodes").
 *
 * What a BEAM closes the connection for is refused here as well: an operation that it does not
 * know, a tuple of the wrong shape, an old unlink from 26 on, an exit or an unlink to a pid of
 * another life of this node, links that are not of the peer. Everything else that comes too late is
 * ignored, or answered with noproc.
 */
#include "tests/sim/otp_node.h"

#include <string.h>

static void send_to(otp_node *node, otp_term to, otp_term message)
{
	otp_proc *proc = NULL;
	otp_atom name;

	if (otp_is_pid(to))
		proc = otp_find(node, to);
	else if (otp_is_ref(to))
		proc = otp_find_alias(node, to);
	else if (otp_get_atom(to, &name))
		proc = otp_whereis(node, name.text);
	if (proc != NULL)
		otp_deliver(node, proc, message);
}

/* A pid of this node, but of an earlier life. */
static bool is_stale(const otp_node *node, otp_term pid)
{
	otp_pid parts;

	return otp_is_mine(node, pid) && otp_pid_parts(pid, &parts) &&
	       parts.creation != node->config.creation;
}

static bool is_from_peer(const otp_conn *conn, otp_term pid)
{
	otp_atom name;

	return otp_is_pid(pid) && otp_node_of(pid, &name) &&
	       strcmp(name.text, conn->peer.text) == 0;
}

static bool take_link(otp_conn *conn, otp_term from, otp_term to)
{
	otp_node *node = conn->node;

	if (!is_from_peer(conn, from))
		return false;
	if (otp_find(node, to) != NULL) {
		if (!otp_bond_is_idle(node, to, from))
			(void)otp_bond_add(node, to, from);
	} else if ((conn->flags & OTP_EXIT_PAYLOAD) != 0) {
		otp_emit(node, conn->peer.text, otp_make(node, "{24,~t,~t}", to, from),
			otp_make(node, "noproc"));
	} else {
		otp_emit(node, conn->peer.text, otp_make(node, "{3,~t,~t,noproc}", to, from),
			OTP_NONE);
	}
	return true;
}

static bool take_exit(otp_conn *conn, otp_term from, otp_term to, otp_term reason)
{
	otp_proc *proc = otp_find(conn->node, to);

	if (reason.data == NULL || is_stale(conn->node, to) || !is_from_peer(conn, from))
		return false;
	if (proc != NULL && otp_bond_remove(conn->node, to, from, 0))
		otp_exit_signal(conn->node, proc, from, reason, false);
	return true;
}

static bool take_exit2(otp_conn *conn, otp_term from, otp_term to, otp_term reason)
{
	otp_proc *proc = otp_find(conn->node, to);

	if (reason.data == NULL || !otp_is_pid(from))
		return false;
	if (proc != NULL)
		otp_exit_signal(conn->node, proc, from, reason, true);
	return true;
}

static bool take_unlink(otp_conn *conn, otp_term from, otp_term to, otp_term id)
{
	otp_node *node = conn->node;

	if (is_stale(node, to) || !is_from_peer(conn, from) || otp_match(id, "0"))
		return false;
	(void)otp_bond_remove(node, to, from, 0);
	otp_emit(node, conn->peer.text, otp_make(node, "{36,~t,~t,~t}", id, to, from), OTP_NONE);
	return true;
}

static bool take_unlink_ack(otp_conn *conn, otp_term from, otp_term to, otp_term id)
{
	int64_t number;

	if (is_stale(conn->node, to) || !is_from_peer(conn, from))
		return false;
	if (otp_get_int64(id, &number))
		(void)otp_bond_remove(conn->node, to, from, (uint64_t)number);
	return true;
}

static bool take_old_unlink(otp_conn *conn, otp_term from, otp_term to)
{
	if (conn->node->config.release >= 26 || !is_from_peer(conn, from))
		return false;
	(void)otp_bond_remove(conn->node, to, from, 0);
	return true;
}

static void take_leader(otp_node *node, otp_term leader, otp_term to)
{
	otp_proc *proc = otp_find(node, to);

	if (proc == NULL)
		return;
	otp_drop(&proc->leader);
	proc->leader = otp_keep(leader);
}

/* Answers before anything that the new process says. */
static bool take_spawn(otp_conn *conn, otp_term control, otp_term args)
{
	otp_node *node = conn->node;
	otp_term id, from, leader, mfa, options, option;
	int64_t flags = 0;
	otp_proc *proc;

	if (args.data == NULL ||
		!otp_match(control, "{_,~t,~t,~t,~t,~t}", &id, &from, &leader, &mfa, &options))
		return false;
	proc = otp_spawn(node, otp_run_message, NULL);
	proc->leader = otp_keep(leader);
	for (otp_term rest = options; otp_next(&rest, &option);) {
		if (otp_is_atom(option, "link")) {
			(void)otp_bond_add(node, proc->pid, from);
			flags |= 1;
		} else if (otp_is_atom(option, "monitor")) {
			otp_monitor_here(node, id, from, proc->pid);
			flags |= 2;
		}
	}
	otp_emit(node, conn->peer.text,
		otp_make(node, "{31,~t,~t,~i,~t}", id, from, flags, proc->pid), OTP_NONE);
	otp_deliver(node, proc, otp_make(node, "{run,~t,~t}", mfa, args));
	return true;
}

static bool take_altact(otp_conn *conn, otp_term control, otp_term payload)
{
	otp_term from, to;
	int64_t flags;

	if (otp_arity(control) < 4 || !otp_get_int64(otp_element(control, 1), &flags) ||
		payload.data == NULL || (flags & 12) == 12)
		return false;
	from = otp_element(control, 2);
	to = otp_element(control, 3);
	if ((flags & 16) == 0)
		send_to(conn->node, to, payload);
	else if (otp_is_pid(to))
		return take_exit2(conn, from, to, payload);
	return true;
}

static bool take_message(otp_conn *conn, int64_t op, otp_term c, otp_term payload)
{
	bool is_shaped = op == 2    ? otp_arity(c) == 3
			 : op == 12 ? otp_arity(c) == 4
			 : op == 6  ? otp_arity(c) == 4
			 : op == 16 ? otp_arity(c) == 5
				    : otp_arity(c) == (op == 22 || op == 33 ? 3u : 4u);

	if (!is_shaped || payload.data == NULL)
		return false;
	send_to(conn->node, otp_element(c, op == 6 || op == 16 ? 3 : 2), payload);
	return true;
}

static bool take_monitors(otp_conn *conn, int64_t op, otp_term c, otp_term payload)
{
	otp_node *node = conn->node;
	otp_term a, b, ref, reason = payload;

	if (op == 21 && otp_arity(c) == 5)
		reason = otp_element(c, 4);
	else if (otp_arity(c) != 4)
		return false;
	a = otp_element(c, 1);
	b = otp_element(c, 2);
	ref = otp_element(c, 3);
	if (!otp_is_ref(ref) || (op == 28 && reason.data == NULL))
		return false;
	if (op == 19)
		otp_monitor_here(node, ref, a, b);
	else if (op == 20)
		otp_demonitor_here(node, ref, a);
	else
		otp_monitor_fired(node, ref, b, reason);
	return true;
}

/* Exits: the reason is the last element, or the payload. */
static bool take_exits(otp_conn *conn, int64_t op, otp_term c, otp_term payload)
{
	bool is_old = op < 24, has_token = op == 13 || op == 18 || op == 25 || op == 27;
	unsigned arity = 3u + is_old + has_token;
	otp_term reason = is_old ? otp_element(c, arity - 1) : payload;

	if (otp_arity(c) != arity)
		return false;
	if (op == 3 || op == 13 || op == 24 || op == 25)
		return take_exit(conn, otp_element(c, 1), otp_element(c, 2), reason);
	return take_exit2(conn, otp_element(c, 1), otp_element(c, 2), reason);
}

static bool take_other(otp_conn *conn, int64_t op, otp_term c, otp_term payload)
{
	otp_term a, b, id;
	int64_t flags;

	switch (op) {
	case 1: return otp_match(c, "{1,~t,~t}", &a, &b) && take_link(conn, a, b);
	case 4: return otp_match(c, "{4,~t,~t}", &a, &b) && take_old_unlink(conn, a, b);
	case 7:
		if (!otp_match(c, "{7,~t,~t}", &a, &b))
			return false;
		take_leader(conn->node, a, b);
		return true;
	case 29: return take_spawn(conn, c, payload);
	case 31:
		if (!otp_match(c, "{31,~t,~t,~i,~t}", &id, &a, &flags, &b))
			return false;
		otp_spawn_replied(conn->node, id, a, flags, b);
		return true;
	case 35: return otp_match(c, "{35,~t,~t,~t}", &id, &a, &b) && take_unlink(conn, a, b, id);
	case 36:
		return otp_match(c, "{36,~t,~t,~t}", &id, &a, &b) &&
		       take_unlink_ack(conn, a, b, id);
	case 37: return conn->node->config.release >= 28 && take_altact(conn, c, payload);
	default: return false;
	}
}

bool otp_signal(otp_conn *conn, otp_term control, otp_term payload)
{
	int64_t op;

	if (conn->sink != NULL)
		return conn->sink(conn, control, payload);
	if (!otp_get_int64(otp_element(control, 0), &op))
		return false;
	switch (op) {
	case 2:
	case 6:
	case 12:
	case 16:
	case 22:
	case 23: return take_message(conn, op, control, payload);
	case 33:
	case 34: return take_message(conn, op, control, payload);
	case 3:
	case 8:
	case 13:
	case 18:
	case 24:
	case 25:
	case 26:
	case 27: return take_exits(conn, op, control, payload);
	case 19:
	case 20:
	case 21:
	case 28: return take_monitors(conn, op, control, payload);
	default: return take_other(conn, op, control, payload);
	}
}
