/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages out: by pid, by name, to an alias, as gen_server and gen:reply would send them.
 *
 * A signal to a node that is being connected waits, in the oldest form of its operation; a BEAM
 * does not know yet either what the other side understands.
 */
#include "tests/sim/otp_node.h"

#include <string.h>

uint64_t otp_flags_to(otp_node *node, const char *peer)
{
	otp_conn *conn = otp_up(node, peer);

	return conn == NULL ? 0 : conn->flags;
}

void otp_emit(otp_node *node, const char *peer, otp_term control, otp_term payload)
{
	otp_conn *conn = otp_up(node, peer);
	otp_waiting **at = &node->waiting;

	if (conn != NULL) {
		otp_write_signal(conn, control, payload, false);
		return;
	}
	if (!otp_is_reached(node, peer))
		return;
	while (*at != NULL)
		at = &(*at)->next;
	*at = otp_alloc(sizeof **at);
	otp_set_atom(&(*at)->node, peer);
	(*at)->control = otp_keep(control);
	(*at)->payload = payload.data != NULL ? otp_keep(payload) : OTP_NONE;
}

static void send_pid(
	otp_node *node, otp_proc *from, const char *peer, otp_term to, otp_term message)
{
	if ((otp_flags_to(node, peer) & OTP_SENDER) != 0)
		otp_emit(node, peer, otp_make(node, "{22,~t,~t}", from->pid, to), message);
	else
		otp_emit(node, peer, otp_make(node, "{2,~a,~t}", "", to), message);
}

static void send_alias(
	otp_node *node, otp_proc *from, const char *peer, otp_term to, otp_term message)
{
	uint64_t flags = otp_flags_to(node, peer);

	if ((flags & OTP_ALTACT) != 0)
		otp_emit(node, peer, otp_make(node, "{37,4,~t,~t}", from->pid, to), message);
	else if (flags == 0 || (flags & OTP_ALIAS) != 0)
		otp_emit(node, peer, otp_make(node, "{33,~t,~t}", from->pid, to), message);
}

void otp_send(otp_node *node, otp_proc *from, otp_term to, otp_term message)
{
	otp_proc *local = otp_is_ref(to) ? otp_find_alias(node, to) : otp_find(node, to);
	otp_atom peer;

	if (local != NULL)
		otp_deliver(node, local, message);
	else if (!otp_node_of(to, &peer) || otp_is_mine(node, to))
		return;
	else if (otp_is_ref(to))
		send_alias(node, from, peer.text, to, message);
	else
		send_pid(node, from, peer.text, to, message);
}

otp_proc *otp_find_alias(otp_node *node, otp_term ref)
{
	for (otp_proc *p = node->procs; p != NULL; p = p->next)
		if (!p->is_dead && otp_equal(p->alias, ref))
			return p;
	return NULL;
}

void otp_send_name(
	otp_node *node, otp_proc *from, const char *name, const char *peer, otp_term message)
{
	otp_proc *local;

	if (strcmp(peer, node->config.name) != 0) {
		otp_emit(node, peer, otp_make(node, "{6,~t,~a,~a}", from->pid, "", name), message);
		return;
	}
	local = otp_whereis(node, name);
	if (local != NULL)
		otp_deliver(node, local, message);
}

void otp_cast(otp_node *node, otp_proc *from, const char *name, const char *peer, otp_term message)
{
	otp_send_name(node, from, name, peer, otp_make(node, "{$gen_cast,~t}", message));
}

void otp_reply(otp_node *node, otp_proc *self, otp_term to, otp_term tag, otp_term reply)
{
	otp_term answer = otp_make(node, "{~t,~t}", tag, reply), alias;

	if (node->config.release >= 24 &&
		(otp_match(tag, "[alias|~t]", &alias) ||
			otp_match(tag, "[[alias|~t]|_]", &alias)) &&
		otp_is_ref(alias))
		otp_send(node, self, alias, answer);
	else if (otp_is_pid(to))
		otp_send(node, self, to, answer);
}
