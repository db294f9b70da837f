/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of global: how two nodes, and with them two partitions, come to one table of names.
 *
 * - nodeup opens a session with a tag of ours and says init_connect. His init_connect brings his
 * tag, version and locker; from version 8 on it is acknowledged at once, and a second one while the
 * first is pending has both sides begin anew.
 * - Our locker reports the lock: our names go out. With his names here as well the resolver
 * compares them; what it decides goes out as resolved.
 * - With his decisions and ours the session is over: names are changed, he and whom he knows are
 * known, whom he knows is connected and told in_sync, and the old partition gets new_nodes.
 *
 * Anything with a tag that is not the session's is late: dropped, and the locker is told to forget
 * it.
 */
#include "tests/sim/otp_global.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t empty_map[] = {116, 0, 0, 0, 0};

void otp_session_free(otp_place *place)
{
	otp_drop(&place->his_tag);
	otp_drop(&place->lock_id);
	otp_drop(&place->exchange);
	otp_drop(&place->my_ops);
	otp_drop(&place->his_resolve);
	otp_drop(&place->resolver);
	place->has_session = place->is_pending = place->has_lock = place->is_resolving = false;
	place->his_vsn = 0;
}

static void cancel_at_locker(otp_node *node, const char *peer, int64_t tag, otp_term fun)
{
	otp_deliver(
		node, node->global->locker, otp_make(node, "{cancel,~a,~i,~t}", peer, tag, fun));
}

static void end_session(otp_node *node, otp_place *place, otp_term fun)
{
	otp_proc *resolver = otp_find(node, place->resolver);

	cancel_at_locker(node, place->name.text, place->my_tag, fun);
	if (resolver != NULL)
		otp_exit(node, resolver, otp_make(node, "killed"));
	otp_session_free(place);
}

void otp_session_drop(otp_node *node, otp_place *place)
{
	if (place->has_session)
		end_session(node, place, otp_make(node, "no_fun"));
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void open_session(otp_node *node, otp_place *place)
{
	otp_global *g = node->global;
	const otp_config *config = &node->config;
	otp_term known = {empty_map, sizeof empty_map};

	if (config->global_vsn < 7)
		known = otp_known_list(node, NULL);
	place->has_session = true;
	place->my_tag = ++g->next_tag;
	otp_deliver(
		node, g->locker, otp_make(node, "{nodeup,~a,~i}", place->name.text, place->my_tag));
	otp_gns_cast(node, place->name.text,
		otp_make(node, "{init_connect,{~i,~i},~a,{locker,no_longer_a_pid,~t,~t}}",
			(int64_t)config->global_vsn, place->my_tag, config->name, known,
			g->locker->pid));
	if (place->early.data != NULL) {
		otp_deliver(node, g->server, otp_make(node, "{$gen_cast,~t}", place->early));
		otp_drop(&place->early);
	}
}

/* A process of its own, as with OTP: the message is from nobody in particular. */
static void send_in_sync(otp_node *node, const char *peer)
{
	otp_proc *proc = otp_spawn(node, node->global->server->handler, NULL);

	otp_cast(node, proc, "global_name_server", peer,
		otp_make(node, "{in_sync,~a,true}", node->config.name));
	otp_exit(node, proc, otp_make(node, "normal"));
}

void otp_session_nodeup(otp_node *node, const char *peer)
{
	otp_place *place = otp_place_of(node->global, peer);

	if (place->wants_sync) {
		place->wants_sync = false;
		send_in_sync(node, peer);
	}
	if (!place->is_known && !place->has_session)
		open_session(node, place);
}

static void restart(otp_node *node, otp_place *place)
{
	otp_session_drop(node, place);
	if (otp_up(node, place->name.text) != NULL)
		open_session(node, place);
}

static void send_cancel(otp_node *node, otp_place *place, otp_term his_tag)
{
	otp_send_name(node, node->global->server, "global_name_server", place->name.text,
		otp_make(node, "{cancel_connect,~a,~t}", node->config.name, his_tag));
}

/* His init_connect in a session where nothing of him was known yet. */
static void begin(otp_node *node, otp_place *place, int64_t vsn, otp_term tag, otp_term locker)
{
	int own = node->config.global_vsn;

	place->is_pending = true;
	place->his_vsn = vsn < own ? (int)vsn : own;
	otp_drop(&place->his_tag);
	place->his_tag = otp_keep(tag);
	otp_deliver(node, node->global->locker,
		otp_make(node, "{his_the_locker,~t,~i,~t}", locker, (int64_t)place->his_vsn, tag));
	if (place->his_vsn >= 8)
		otp_send_name(node, node->global->server, "global_name_server", place->name.text,
			otp_make(node, "{init_connect_ack,~a,~t,~i}", node->config.name, tag,
				place->my_tag));
}

static void take_init_connect(otp_node *node, otp_term cast)
{
	otp_term tag, locker;
	otp_atom peer;
	otp_place *place;
	int64_t vsn;

	if (!otp_match(cast, "{init_connect,{~i,~t},~a,{locker,_,_,~t}}", &vsn, &tag, &peer,
		    &locker) ||
		!otp_is_pid(locker))
		return;
	place = otp_place_of(node->global, peer.text);
	if (!place->has_session) {
		otp_drop(&place->early);
		place->early = otp_keep(cast);
	} else if (!place->is_pending) {
		begin(node, place, vsn, tag, locker);
	} else if (vsn >= 8 && node->config.global_vsn >= 8) {
		send_cancel(node, place, tag);
		restart(node, place);
	} else {
		otp_cut(node, peer.text, "disconnect");
	}
}

bool otp_session_info(otp_node *node, otp_term message)
{
	otp_term his_tag;
	otp_atom peer;
	otp_place *place;
	int64_t tag;

	if (otp_match(message, "{init_connect_ack,~a,~i,~t}", &peer, &tag, &his_tag)) {
		place = otp_place_of(node->global, peer.text);
		if (place->has_session &&
			!(place->my_tag == tag && otp_equal(place->his_tag, his_tag))) {
			send_cancel(node, place, his_tag);
			restart(node, place);
		}
		return true;
	}
	if (otp_match(message, "{cancel_connect,~a,~i}", &peer, &tag)) {
		place = otp_place_of(node->global, peer.text);
		if (place->has_session && place->my_tag == tag)
			restart(node, place);
		return true;
	}
	return false;
}

/* ---- names both ways ------------------------------------------------------------------------- */

/* The session that a tag belongs to; NULL: it is late. */
static otp_place *session_of(otp_node *node, const char *peer, int64_t tag)
{
	otp_place *place = otp_place_find(node->global, peer);

	if (place != NULL && place->has_session && place->my_tag == tag)
		return place;
	cancel_at_locker(node, peer, tag, otp_make(node, "no_fun"));
	return NULL;
}

static void resolve(otp_node *node, otp_place *place, otp_term names)
{
	otp_proc *resolver = otp_resolver_start(node, place->name.text, place->my_tag);

	place->is_resolving = true;
	otp_drop(&place->resolver);
	place->resolver = otp_keep(resolver->pid);
	otp_deliver(node, resolver, otp_make(node, "{resolve,~t}", names));
}

static void take_lock_is_set(otp_node *node, otp_place *place, otp_term lock_id)
{
	otp_drop(&place->lock_id);
	place->lock_id = otp_keep(lock_id);
	place->has_lock = true;
	otp_gns_cast(node, place->name.text,
		otp_make(node, "{exchange,~a,~t,[],~t}", node->config.name, otp_names_list(node),
			place->his_tag));
	if (place->exchange.data != NULL)
		resolve(node, place, place->exchange);
}

static void take_exchange(otp_node *node, otp_place *place, otp_term names)
{
	if (place->has_lock && !place->is_resolving) {
		resolve(node, place, names);
		return;
	}
	otp_drop(&place->exchange);
	place->exchange = otp_keep(names);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* An entry of a list of known nodes: Node, or {Node,Vsn}. */
static bool read_known(otp_term item, otp_atom *ret_name, int64_t *ret_vsn)
{
	*ret_vsn = 0;
	return otp_match(item, "{~a,~i}", ret_name, ret_vsn) || otp_get_atom(item, ret_name);
}

/* Connects and says in_sync; who cannot be reached counts as lost. */
static void sync_other(otp_node *node, const char *peer)
{
	if (otp_up(node, peer) != NULL) {
		send_in_sync(node, peer);
		return;
	}
	otp_place_of(node->global, peer)->wants_sync = true;
	otp_reach(node, peer);
}

static otp_term add_known(otp_node *node, const char *peer, int64_t vsn, otp_term added)
{
	otp_place *place = otp_place_of(node->global, peer);

	if (strcmp(peer, node->config.name) == 0)
		return added;
	if (place->vsn == 0)
		place->vsn = (int)vsn;
	if (place->is_known)
		return added;
	place->is_known = true;
	place->vsn = (int)vsn;
	return otp_cons(node, otp_make(node, "~a", peer), added);
}

/* [{Node,Message}]: new_nodes for each of the old partition, in its version's form. */
static otp_term new_nodes_for_all(
	otp_node *node, otp_place *place, otp_term ops, otp_term ext, otp_term his_known)
{
	otp_term list = otp_make(node, "[]"), all7 = list, all5 = list, item, extra;
	otp_atom name;
	int64_t vsn;

	while (otp_next(&his_known, &item)) {
		if (!read_known(item, &name, &vsn))
			continue;
		all7 = otp_cons(node, otp_make(node, "{~a,~i}", name.text, vsn), all7);
		all5 = otp_cons(node, otp_make(node, "~a", name.text), all5);
	}
	vsn = place->his_vsn;
	all7 = otp_cons(node, otp_make(node, "{~a,~i}", place->name.text, vsn), all7);
	all5 = otp_cons(node, otp_make(node, "~a", place->name.text), all5);
	extra = otp_make(node, "[{vsn,~i},{lock,~t}]", vsn, place->lock_id);
	for (otp_place *p = node->global->places; p != NULL; p = p->next) {
		bool is_new = p->vsn >= 7 && node->config.global_vsn >= 7;

		if (p->is_known)
			list = otp_cons(node,
				otp_make(node, "{~a,{new_nodes,~a,~t,~t,~t,~t}}", p->name.text,
					node->config.name, ops, ext, is_new ? all7 : all5, extra),
				list);
	}
	return list;
}

static void finish(otp_node *node, otp_place *place)
{
	otp_term his_ops = otp_element(place->his_resolve, 0), item, added = otp_make(node, "[]");
	otp_term his_known = otp_make(node, "~t", otp_element(place->his_resolve, 1));
	otp_term ext = otp_element(place->his_resolve, 2);
	otp_term ops = otp_list_append(node, place->my_ops, his_ops), fun;
	otp_term lock_id = otp_make(node, "~t", place->lock_id);
	otp_atom name;
	int64_t vsn, vsn_agreed = place->his_vsn;

	fun = new_nodes_for_all(node, place, ops, otp_make(node, "~t", ext), his_known);
	for (otp_term rest = his_known; otp_next(&rest, &item);)
		if (read_known(item, &name, &vsn) && strcmp(name.text, node->config.name) != 0)
			sync_other(node, name.text);
	otp_ops_run(node, ops, ext, lock_id);
	for (otp_term rest = his_known; otp_next(&rest, &item);)
		if (read_known(item, &name, &vsn))
			otp_session_drop(node, otp_place_of(node->global, name.text));
	end_session(node, place, fun);
	added = add_known(node, place->name.text, vsn_agreed, added);
	for (otp_term rest = his_known; otp_next(&rest, &item);)
		if (read_known(item, &name, &vsn))
			added = add_known(node, name.text, vsn, added);
	place->is_synced = true;
	otp_deliver(node, node->global->locker, otp_make(node, "{add_to_known,~t}", added));
	otp_wake_waiters(node);
}

static void take_exchange_ops(otp_node *node, otp_place *place, otp_term ops, otp_term resolved)
{
	otp_term known = otp_known_for(node, place->his_vsn, NULL);
	otp_term fifth = place->his_vsn >= 7 ? otp_make(node, "unused") : known;

	otp_gns_cast(node, place->name.text,
		otp_make(node, "{resolved,~a,~t,~t,~t,~t,~t}", node->config.name, resolved, known,
			fifth, otp_names_ext(node), place->his_tag));
	otp_drop(&place->my_ops);
	place->my_ops = otp_keep(ops);
	if (place->his_resolve.data != NULL)
		finish(node, place);
}

static void take_resolved(otp_node *node, otp_place *place, otp_term ops_known_ext)
{
	otp_drop(&place->his_resolve);
	place->his_resolve = otp_keep(ops_known_ext);
	if (place->my_ops.data != NULL)
		finish(node, place);
}

static void take_new_nodes(otp_node *node, otp_term cast)
{
	otp_term ops, ext, nodes, extra, item, lock_id = OTP_NONE, added = otp_make(node, "[]");
	otp_atom name;
	int64_t vsn;

	if (!otp_match(cast, "{new_nodes,_,~t,~t,~t,~t}", &ops, &ext, &nodes, &extra))
		return;
	while (otp_next(&extra, &item))
		(void)otp_match(item, "{lock,~t}", &lock_id);
	for (otp_term rest = nodes; otp_next(&rest, &item);)
		if (read_known(item, &name, &vsn) && strcmp(name.text, node->config.name) != 0 &&
			!otp_place_of(node->global, name.text)->is_known)
			sync_other(node, name.text);
	otp_ops_run(node, ops, ext, lock_id);
	for (otp_term rest = nodes; otp_next(&rest, &item);)
		if (read_known(item, &name, &vsn))
			added = add_known(node, name.text, vsn, added);
	otp_deliver(node, node->global->locker, otp_make(node, "{add_to_known,~t}", added));
}

static void take_in_sync(otp_node *node, const char *peer)
{
	otp_place *place = otp_place_of(node->global, peer);

	otp_session_drop(node, place);
	place->is_synced = true;
	otp_wake_waiters(node);
}

static void take_lock_set(otp_node *node, otp_term cast)
{
	otp_term pid, word, known;
	otp_atom peer;
	int64_t tag;

	if (otp_match(cast, "{lock_set,~t,~t,~t,~i}", &pid, &word, &known, &tag)) {
		if (!otp_node_of(pid, &peer) || session_of(node, peer.text, tag) == NULL)
			return;
	} else if (!otp_match(cast, "{lock_set,~t,~t,~t}", &pid, &word, &known)) {
		return;
	}
	otp_deliver(node, node->global->locker,
		otp_make(node, "{lock_set,~t,~t,~t}", pid, word, known));
}

/* Casts that carry a tag of ours. */
static bool take_tagged(otp_node *node, otp_term cast)
{
	otp_term a, b, c;
	otp_atom peer;
	otp_place *place;
	int64_t tag;

	if (otp_match(cast, "{exchange,~a,~t,_,~i}", &peer, &a, &tag)) {
		if ((place = session_of(node, peer.text, tag)) != NULL)
			take_exchange(node, place, a);
	} else if (otp_match(cast, "{resolved,~a,~t,~t,_,~t,~i}", &peer, &a, &b, &c, &tag)) {
		if ((place = session_of(node, peer.text, tag)) != NULL)
			take_resolved(node, place, otp_make(node, "{~t,~t,~t}", a, b, c));
	} else if (otp_match(cast, "{lock_is_set,~a,~i,~t}", &peer, &tag, &a)) {
		if ((place = session_of(node, peer.text, tag)) != NULL)
			take_lock_is_set(node, place, a);
	} else if (otp_match(cast, "{exchange_ops,~a,~i,~t,~t}", &peer, &tag, &a, &b)) {
		if ((place = session_of(node, peer.text, tag)) != NULL)
			take_exchange_ops(node, place, a, b);
	} else {
		return false;
	}
	return true;
}

void otp_session_cast(otp_node *node, otp_term cast)
{
	otp_term word = otp_element(cast, 0);
	otp_atom peer;

	if (otp_is_atom(word, "init_connect"))
		take_init_connect(node, cast);
	else if (otp_is_atom(word, "lock_set"))
		take_lock_set(node, cast);
	else if (otp_is_atom(word, "new_nodes"))
		take_new_nodes(node, cast);
	else if (otp_match(cast, "{in_sync,~a,_}", &peer))
		take_in_sync(node, peer.text);
	else
		(void)take_tagged(node, cast);
}
