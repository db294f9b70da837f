/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prevent_overlapping_partitions: who has lost a node says so to all others, and they drop the one
 * that was lost, so that no two partitions share a node.
 *
 *     lost_connection A,Creation,Operation,B    A reports that it lost B
 *     remove_connection Z                       drop your connection to me
 *
 * A report is passed on once. B is dropped, or A where B is the node itself: it is told to drop the
 * connection, and forgotten; the connection then ends from there.
 */
#include "tests/sim/otp_global.h"

#include <string.h>

static bool is_there(const otp_place *place)
{
	return place->is_known || place->is_pending;
}

static int vsn_of(const otp_place *place)
{
	return place->is_known ? place->vsn : place->his_vsn;
}

static void send_info(otp_node *node, const char *peer, otp_term message)
{
	otp_send_name(node, node->global->server, "global_name_server", peer, message);
}

static void tell_all(otp_node *node, const char *but, otp_term message)
{
	for (otp_place *p = node->global->places; p != NULL; p = p->next)
		if (is_there(p) && vsn_of(p) >= 7 && strcmp(p->name.text, but) != 0)
			send_info(node, p->name.text, message);
}

void otp_forget(otp_node *node, otp_place *place)
{
	otp_session_drop(node, place);
	otp_deliver(node, node->global->locker,
		otp_make(node, "{remove_from_known,~a}", place->name.text));
	place->is_known = place->is_synced = place->wants_sync = false;
	place->vsn = 0;
	otp_drop(&place->early);
	otp_wake_waiters(node);
}

void otp_partition_nodedown(otp_node *node, const char *peer)
{
	otp_global *g = node->global;
	otp_place *place = otp_place_of(g, peer);
	bool was_removing = place->is_removing;

	otp_forget(node, place);
	place->is_removing = false;
	if (was_removing || !node->config.has_pop || node->config.global_vsn < 7)
		return;
	tell_all(node, peer,
		otp_make(node, "{lost_connection,~a,~t,~i,~a}", node->config.name, g->creation,
			++g->operation, peer));
}

/* False: it was reported before. */
static bool note_loss(otp_global *g, otp_term a, otp_term b, otp_term creation, int64_t operation)
{
	otp_loss *l = g->losses;

	while (l != NULL && !(otp_equal(l->a, a) && otp_equal(l->b, b)))
		l = l->next;
	if (l != NULL && otp_equal(l->creation, creation) && operation <= l->operation)
		return false;
	if (l == NULL) {
		l = otp_alloc(sizeof *l);
		l->a = otp_keep(a);
		l->b = otp_keep(b);
		l->next = g->losses;
		g->losses = l;
	}
	otp_drop(&l->creation);
	l->creation = otp_keep(creation);
	l->operation = operation;
	return true;
}

static void remove_victim(otp_node *node, const char *victim)
{
	otp_place *place = otp_place_find(node->global, victim);

	if (place == NULL || !is_there(place))
		return;
	otp_log(node,
		"'global' at node %s requested disconnect from node %s in order to prevent "
		"overlapping partitions",
		node->config.name, victim);
	if (vsn_of(place) < 7) {
		place->is_removing = true;
		otp_cut(node, victim, "disconnect");
		return;
	}
	send_info(node, victim, otp_make(node, "{remove_connection,~a}", node->config.name));
	otp_forget(node, place);
	place->is_removing = otp_is_reached(node, victim);
}

static void take_loss(otp_node *node, otp_term message)
{
	otp_term a = otp_element(message, 1), creation = otp_element(message, 2);
	otp_term b = otp_element(message, 4);
	otp_atom reporter, lost;
	int64_t operation;

	if (!node->config.has_pop || !otp_get_int64(otp_element(message, 3), &operation) ||
		!otp_get_atom(a, &reporter) || !otp_get_atom(b, &lost) ||
		!note_loss(node->global, a, b, creation, operation))
		return;
	tell_all(node, reporter.text, message);
	remove_victim(node, strcmp(lost.text, node->config.name) == 0 ? reporter.text : lost.text);
}

bool otp_partition_info(otp_node *node, otp_term message)
{
	otp_atom peer;
	otp_place *place;

	if (otp_match(message, "{lost_connection,_,_,_,_}")) {
		take_loss(node, message);
		return true;
	}
	if (!otp_match(message, "{remove_connection,~a}", &peer))
		return false;
	place = otp_place_of(node->global, peer.text);
	if (is_there(place)) {
		otp_log(node,
			"'global' at node %s disconnected node %s in order to prevent "
			"overlapping partitions",
			node->config.name, peer.text);
		otp_forget(node, place);
		place->is_removing = otp_is_reached(node, peer.text);
		otp_cut(node, peer.text, "disconnect");
	}
	return true;
}
