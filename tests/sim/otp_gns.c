/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global_name_server: what arrives at it, and who is known.
 *
 * Requests are answered at once; nothing in here waits. What it knows nothing of is counted, where
 * OTP would log a warning and go on.
 */
#include "tests/sim/otp_global.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void otp_gns_cast(otp_node *node, const char *peer, otp_term message)
{
	otp_cast(node, node->global->server, "global_name_server", peer, message);
}

/* ---- who is known ---------------------------------------------------------------------------- */

otp_place *otp_place_find(otp_global *g, const char *name)
{
	otp_place *place = g->places;

	while (place != NULL && strcmp(place->name.text, name) != 0)
		place = place->next;
	return place;
}

otp_place *otp_place_of(otp_global *g, const char *name)
{
	otp_place *place = otp_place_find(g, name);

	if (place != NULL)
		return place;
	place = otp_alloc(sizeof *place);
	otp_set_atom(&place->name, name);
	place->next = g->places;
	g->places = place;
	return place;
}

otp_term otp_known_for(otp_node *node, int vsn, const char *but)
{
	otp_term list = otp_make(node, "[]"), item;

	for (otp_place *p = node->global->places; p != NULL; p = p->next) {
		if (!p->is_known || (but != NULL && strcmp(p->name.text, but) == 0))
			continue;
		if (vsn >= 7)
			item = otp_make(node, "{~a,~i}", p->name.text, (int64_t)p->vsn);
		else
			item = otp_make(node, "~a", p->name.text);
		list = otp_cons(node, item, list);
	}
	return list;
}

otp_term otp_known_list(otp_node *node, const char *but)
{
	return otp_known_for(node, 0, but);
}

/* ---- sync/0 ---------------------------------------------------------------------------------- */

static bool is_waited_for(otp_node *node, otp_term item)
{
	otp_atom name;
	otp_place *place;

	if (!otp_get_atom(item, &name) || otp_up(node, name.text) == NULL)
		return false;
	place = otp_place_find(node->global, name.text);
	return place == NULL || !place->is_synced;
}

void otp_wake_waiters(otp_node *node)
{
	otp_waiter **at = &node->global->waiters;

	while (*at != NULL) {
		otp_waiter *w = *at;
		otp_term rest = w->nodes, item;
		bool is_over = true;

		while (is_over && otp_next(&rest, &item))
			is_over = !is_waited_for(node, item);
		if (!is_over) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		otp_reply(node, node->global->server, w->to, w->tag, otp_make(node, "ok"));
		otp_drop(&w->to);
		otp_drop(&w->tag);
		otp_drop(&w->nodes);
		free(w);
	}
}

static void wait_for(otp_node *node, otp_term to, otp_term tag, otp_term nodes)
{
	otp_waiter *w = otp_alloc(sizeof *w);

	w->to = otp_keep(to);
	w->tag = otp_keep(tag);
	w->nodes = otp_keep(nodes);
	w->next = node->global->waiters;
	node->global->waiters = w;
	otp_wake_waiters(node);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void note_unexpected(otp_node *node, otp_term message)
{
	node->global->unexpected++;
	otp_print(message, node->global->last_unexpected, sizeof node->global->last_unexpected);
	otp_log(node, "The global_name_server received an unexpected message: %s",
		node->global->last_unexpected);
}

/* Names and locks; none: no such request. */
static otp_term do_request(otp_node *node, otp_term from, otp_term request)
{
	otp_term a, b, c, d;

	if (otp_match(request, "{set_lock,{~t,~t}}", &a, &b))
		return otp_make(node, "~a", otp_lock_set(node, a, b, from) ? "true" : "false");
	if (otp_match(request, "{del_lock,{~t,~t}}", &a, &b)) {
		otp_lock_del(node, a, b, from);
		return otp_make(node, "true");
	}
	if (otp_match(request, "{register,~t,~t,~t}", &a, &b, &c) && otp_is_pid(b)) {
		otp_name_insert(node, a, b, c, from);
		return otp_make(node, "yes");
	}
	if (otp_match(request, "{unregister,~t}", &a)) {
		otp_name_delete(node, a);
		return otp_make(node, "ok");
	}
	if (otp_match(request, "{register_ext,~t,~t,~t,~t}", &a, &b, &c, &d) && otp_is_pid(b)) {
		otp_name_insert(node, a, b, c, from);
		otp_name_external(node, a, b, d);
		return otp_make(node, "yes");
	}
	return OTP_NONE;
}

static otp_term synced_list(otp_node *node)
{
	otp_term list = otp_make(node, "[]");

	for (otp_place *p = node->global->places; p != NULL; p = p->next)
		if (p->is_synced)
			list = otp_cons(node, otp_make(node, "~a", p->name.text), list);
	return list;
}

static otp_term do_question(otp_node *node, otp_term request)
{
	if (otp_is_atom(request, "get_known"))
		return otp_known_list(node, NULL);
	if (otp_is_atom(request, "get_synced"))
		return synced_list(node);
	if (otp_is_atom(request, "get_names_ext"))
		return otp_names_ext(node);
	if (otp_is_atom(request, "get_protocol_version"))
		return otp_make(node, "~i", (int64_t)node->config.global_vsn);
	return OTP_NONE;
}

static void take_call(otp_node *node, otp_term from, otp_term tag, otp_term request)
{
	otp_term reply = do_request(node, from, request), nodes;

	if (reply.data == NULL)
		reply = do_question(node, request);
	if (reply.data != NULL)
		otp_reply(node, node->global->server, from, tag, reply);
	else if (otp_match(request, "{sync,~t}", &nodes))
		wait_for(node, from, tag, nodes);
	else
		note_unexpected(node, request);
}

/* Who cannot be reached, though others know it, counts as lost. */
static void take_nodefail(otp_node *node, const char *peer)
{
	otp_place *place = otp_place_find(node->global, peer);

	if (place != NULL && place->wants_sync) {
		otp_log(node, "'global' at %s failed to connect to %s", node->config.name, peer);
		otp_partition_nodedown(node, peer);
	}
}

static void take_info(otp_node *node, otp_term m)
{
	otp_term ref;
	otp_atom peer;

	if (otp_match(m, "{nodeup,~a}", &peer))
		otp_session_nodeup(node, peer.text);
	else if (otp_match(m, "{nodedown,~a}", &peer))
		otp_partition_nodedown(node, peer.text);
	else if (otp_match(m, "{nodefail,~a}", &peer))
		take_nodefail(node, peer.text);
	else if (otp_match(m, "{DOWN,~t,_,_,_}", &ref))
		otp_names_down(node, ref);
	else if (!otp_match(m, "{EXIT,_,_}") && !otp_session_info(node, m) &&
		 !otp_partition_info(node, m))
		note_unexpected(node, m);
}

static bool is_cast_known(otp_term cast)
{
	static const char *const words[] = {"init_connect", "lock_set", "lock_is_set", "exchange",
		"exchange_ops", "resolved", "new_nodes", "in_sync", "async_del_name",
		"async_del_lock"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (otp_is_atom(otp_element(cast, 0), words[i]))
			return true;
	return false;
}

static void handle(otp_node *node, otp_proc *self, otp_term m)
{
	otp_term a, b, c;

	(void)self;
	if (otp_match(m, "{$gen_call,{~t,~t},~t}", &a, &b, &c))
		take_call(node, a, b, c);
	else if (!otp_match(m, "{$gen_cast,~t}", &a))
		take_info(node, m);
	else if (is_cast_known(a))
		otp_session_cast(node, a);
	else
		note_unexpected(node, a);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* An integer with the creation in its low 32 bits: nobody else has it, nor this node after a
 * restart. */
static otp_term make_creation(otp_node *node)
{
	uint64_t high = node->host->random(node->ctx, OTP_DRAW_CREATION) & 0x3fffffff;

	return otp_make(node, "~i", (int64_t)(high << 32 | node->config.creation));
}

void otp_global_start(otp_node *node)
{
	otp_global *g = node->global = otp_alloc(sizeof *g);

	g->server = otp_spawn(node, handle, NULL);
	g->server->has_trap = true;
	g->server->has_node_events = true;
	otp_register(g->server, "global_name_server");
	g->next_tag = -576460752303423488 +
		      (int64_t)(node->host->random(node->ctx, OTP_DRAW_TAG) & 0xffff);
	g->creation = otp_keep(make_creation(node));
	otp_locker_start(node);
	otp_registrar_start(node);
}

void otp_global_free(otp_node *node)
{
	otp_global *g = node->global;

	if (g == NULL)
		return;
	otp_names_free(g);
	while (g->places != NULL) {
		otp_place *p = g->places;

		g->places = p->next;
		otp_session_free(p);
		otp_drop(&p->early);
		free(p);
	}
	while (g->losses != NULL) {
		otp_loss *l = g->losses;

		g->losses = l->next;
		otp_drop(&l->a);
		otp_drop(&l->b);
		otp_drop(&l->creation);
		free(l);
	}
	while (g->waiters != NULL) {
		otp_waiter *w = g->waiters;

		g->waiters = w->next;
		otp_drop(&w->to);
		otp_drop(&w->tag);
		otp_drop(&w->nodes);
		free(w);
	}
	otp_drop(&g->creation);
	free(g);
}
