/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scope of pg, in the two protocols that there are: 0 up to release 28, 1 between nodes of 29.
 *
 * - nodeup, or the start of the scope: discover to the same name on that node.
 * - discover is always answered with everything; who was not known is monitored and asked back.
 * - Changes go to every scope that is known; a peer's DOWN takes its members.
 *
 * What would crash the real process is remembered as a finding: a message that it does not know,
 * the discover of 29 before 26, a leave of a group that the peer never joined. Then the scope is
 * gone, and with it the memberships of this node, as with OTP.
 */
#include "tests/sim/otp_pg.h"

#include "tests/sim/otp_global.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

otp_pg *otp_pg_find(otp_node *node, const char *scope)
{
	otp_pg *pg = node->pgs;

	while (pg != NULL && strcmp(pg->scope, scope) != 0)
		pg = pg->next;
	return pg;
}

/* ---- members --------------------------------------------------------------------------------- */

static void add_member(otp_member **list, otp_term group, otp_term pid)
{
	otp_member *m = otp_alloc(sizeof *m);

	m->group = otp_keep(group);
	m->pid = otp_keep(pid);
	m->next = *list;
	*list = m;
}

static void free_member(otp_member **at)
{
	otp_member *m = *at;

	*at = m->next;
	otp_drop(&m->group);
	otp_drop(&m->pid);
	otp_drop(&m->monitor);
	free(m);
}

/* Either may be none: any. */
static otp_member **find_member(otp_member **list, otp_term group, otp_term pid)
{
	while (*list != NULL && !((group.data == NULL || otp_equal((*list)->group, group)) &&
					(pid.data == NULL || otp_equal((*list)->pid, pid))))
		list = &(*list)->next;
	return list;
}

static void free_peer(otp_peer_scope **at)
{
	otp_peer_scope *peer = *at;

	*at = peer->next;
	while (peer->members != NULL)
		free_member(&peer->members);
	otp_drop(&peer->pid);
	otp_drop(&peer->monitor);
	free(peer);
}

static otp_peer_scope **find_peer(otp_pg *pg, otp_term pid)
{
	otp_peer_scope **at = &pg->peers;

	while (*at != NULL && !otp_equal((*at)->pid, pid))
		at = &(*at)->next;
	return at;
}

static void clear(otp_pg *pg)
{
	while (pg->members != NULL)
		free_member(&pg->members);
	while (pg->peers != NULL)
		free_peer(&pg->peers);
}

static void crash(otp_pg *pg, const char *why, otp_term message)
{
	char text[100];

	otp_print(message, text, sizeof text);
	(void)snprintf(pg->why, sizeof pg->why, "%s: %s", why, text);
	pg->has_crashed = true;
	otp_log(pg->node, "pg scope %s crashed: %s", pg->scope, pg->why);
	otp_exit(pg->node, pg->proc, otp_make(pg->node, "{badarg,[]}"));
}

/* ---- out ------------------------------------------------------------------------------------- */

/* [Pid] of one group. */
static otp_term pids_of(otp_pg *pg, otp_term group)
{
	otp_term list = otp_make(pg->node, "[]");

	for (otp_member *m = pg->members; m != NULL; m = m->next)
		if (otp_equal(m->group, group))
			list = otp_cons(pg->node, m->pid, list);
	return list;
}

static bool is_first_of_group(otp_pg *pg, const otp_member *m)
{
	return *find_member(&pg->members, m->group, OTP_NONE) == m;
}

static otp_term everything(otp_pg *pg)
{
	otp_term list = otp_make(pg->node, "[]");

	for (otp_member *m = pg->members; m != NULL; m = m->next)
		if (is_first_of_group(pg, m))
			list = otp_cons(pg->node,
				otp_make(pg->node, "{~t,~t}", m->group, pids_of(pg, m->group)),
				list);
	return list;
}

/* The same as a map: tag, count, and the elements of the pairs. */
static otp_term everything_as_map(otp_pg *pg)
{
	otp_term list = everything(pg), map = otp_make(pg->node, "[]"), pair, item;
	otp_buf *buf = &pg->node->made[pg->node->made_count - 1];

	(void)map;
	buf->size = 0;
	otp_buf_int(buf, 116, 1);
	otp_buf_int(buf, otp_length(list), 4);
	while (otp_next(&list, &pair))
		for (unsigned i = 0; i < 2; i++) {
			item = otp_element(pair, i);
			otp_buf_add(buf, item.data, item.size);
		}
	return otp_term_of(buf);
}

static void send_everything(otp_pg *pg, otp_term to, int vsn)
{
	otp_node *node = pg->node;
	otp_term message;

	if (vsn >= 1)
		message = otp_make(node, "{local_data,~t,~i,~t}", pg->proc->pid, (int64_t)vsn,
			everything_as_map(pg));
	else
		message = otp_make(node, "{sync,~t,~t}", pg->proc->pid, everything(pg));
	otp_send(node, pg->proc, to, otp_make(node, "{$gen_cast,~t}", message));
}

static otp_term discover(otp_pg *pg)
{
	return otp_make(pg->node,
		pg->node->config.release >= 29 ? "{discover,~t,1}" : "{discover,~t}",
		pg->proc->pid);
}

static void discover_node(otp_pg *pg, const char *peer)
{
	otp_send_name(pg->node, pg->proc, pg->scope, peer, discover(pg));
}

static void tell_all(otp_pg *pg, otp_term v0, otp_term v1)
{
	for (otp_peer_scope *p = pg->peers; p != NULL; p = p->next)
		otp_send(pg->node, pg->proc, p->pid, p->vsn >= 1 ? v1 : v0);
}

bool otp_pg_join(otp_pg *pg, otp_term group, otp_term pid)
{
	otp_node *node = pg->node;
	bool is_new, is_list = node->config.release >= 29;

	if (pg->proc == NULL || otp_find(node, pid) == NULL)
		return false;
	is_new = *find_member(&pg->members, OTP_NONE, pid) == NULL;
	add_member(&pg->members, group, pid);
	if (is_new)
		pg->members->monitor = otp_keep(otp_monitor_pid(node, pg->proc, pid));
	tell_all(pg,
		otp_make(node, is_list ? "{join,~t,~t,[~t]}" : "{join,~t,~t,~t}", pg->proc->pid,
			group, pid),
		otp_make(node, "{update,~t,[{~t,[~t],[]}]}", pg->proc->pid, group, pid));
	return true;
}

bool otp_pg_leave(otp_pg *pg, otp_term group, otp_term pid)
{
	otp_node *node = pg->node;
	bool is_list = node->config.release >= 29;
	otp_member **at;
	otp_term monitor;

	if (pg->proc == NULL)
		return false;
	at = find_member(&pg->members, group, pid);
	if (*at == NULL)
		return false;
	tell_all(pg,
		otp_make(node, is_list ? "{leave,~t,[~t],[~t]}" : "{leave,~t,~t,[~t]}",
			pg->proc->pid, pid, group),
		otp_make(node, "{update,~t,[{~t,[],[~t]}]}", pg->proc->pid, group, pid));
	monitor = (*at)->monitor;
	(*at)->monitor = OTP_NONE;
	free_member(at);
	/* The monitor stays as long as there is one membership. */
	at = find_member(&pg->members, OTP_NONE, pid);
	if (monitor.data == NULL)
		return true;
	if (*at != NULL) {
		(*at)->monitor = monitor;
	} else {
		otp_demonitor(node, pg->proc, monitor);
		otp_drop(&monitor);
	}
	return true;
}

static void member_died(otp_pg *pg, otp_term pid)
{
	otp_node *node = pg->node;
	otp_term groups = otp_make(node, "[]"), updates = groups;
	otp_member **at;

	while (*(at = find_member(&pg->members, OTP_NONE, pid)) != NULL) {
		groups = otp_cons(node, (*at)->group, groups);
		updates =
			otp_cons(node, otp_make(node, "{~t,[],[~t]}", (*at)->group, pid), updates);
		free_member(at);
	}
	tell_all(pg,
		otp_make(node,
			node->config.release >= 29 ? "{leave,~t,[~t],~t}" : "{leave,~t,~t,~t}",
			pg->proc->pid, pid, groups),
		otp_make(node, "{update,~t,~t}", pg->proc->pid, updates));
}

/* ---- in -------------------------------------------------------------------------------------- */

static otp_peer_scope *know(otp_pg *pg, otp_term pid, int vsn)
{
	otp_peer_scope *peer = *find_peer(pg, pid);

	if (peer != NULL)
		return peer;
	peer = otp_alloc(sizeof *peer);
	peer->pid = otp_keep(pid);
	peer->vsn = vsn;
	peer->monitor = otp_keep(otp_monitor_pid(pg->node, pg->proc, pid));
	peer->next = pg->peers;
	pg->peers = peer;
	return peer;
}

static void take_discover(otp_pg *pg, otp_term pid, int vsn)
{
	bool was_known = *find_peer(pg, pid) != NULL;

	vsn = pg->node->config.release >= 29 ? vsn : 0;
	send_everything(pg, pid, vsn);
	know(pg, pid, vsn)->vsn = vsn;
	if (!was_known)
		otp_send(pg->node, pg->proc, pid, discover(pg));
}

static void add_pids(otp_peer_scope *peer, otp_term group, otp_term pids)
{
	otp_term pid;

	if (otp_is_pid(pids))
		add_member(&peer->members, group, pids);
	else
		while (otp_next(&pids, &pid))
			add_member(&peer->members, group, pid);
}

static void take_sync(otp_pg *pg, otp_term pid, otp_term groups)
{
	otp_peer_scope *peer = know(pg, pid, 0);
	otp_term item, group, pids;

	while (peer->members != NULL)
		free_member(&peer->members);
	while (otp_next(&groups, &item))
		if (otp_match(item, "{~t,~t}", &group, &pids))
			add_pids(peer, group, pids);
}

static void take_map(otp_pg *pg, otp_term pid, otp_term map)
{
	otp_peer_scope *peer = know(pg, pid, 1);
	const uint8_t *p = map.data + 5;
	uint64_t count;

	if (map.data[0] != 116) {
		crash(pg, "local_data without a map", map);
		return;
	}
	count = otp_get_int(map.data + 1, 4);
	while (peer->members != NULL)
		free_member(&peer->members);
	for (; count > 0; count--) {
		otp_term group = {p, otp_span(p)};
		otp_term pids = {p + group.size, otp_span(p + group.size)};

		add_pids(peer, group, pids);
		p += group.size + pids.size;
	}
}

static void take_leave(otp_pg *pg, otp_term message, otp_term pids, otp_term groups)
{
	otp_peer_scope *peer = *find_peer(pg, otp_element(message, 1));
	otp_term group, pid, list;
	otp_member **at;

	if (peer == NULL)
		return;
	list = otp_is_pid(pids) ? otp_make(pg->node, "[~t]", pids) : pids;
	while (otp_next(&groups, &group)) {
		if (*find_member(&peer->members, group, OTP_NONE) == NULL &&
			pg->node->config.release < 29) {
			crash(pg, "leave of a group that nobody joined", message);
			return;
		}
		for (otp_term rest = list; otp_next(&rest, &pid);)
			if (*(at = find_member(&peer->members, group, pid)) != NULL)
				free_member(at);
	}
}

static void take_update(otp_pg *pg, otp_term pid, otp_term updates)
{
	otp_peer_scope *peer = *find_peer(pg, pid);
	otp_term update, group, added, removed, gone;
	otp_member **at;

	if (peer == NULL)
		return;
	while (otp_next(&updates, &update)) {
		if (!otp_match(update, "{~t,~t,~t}", &group, &added, &removed))
			continue;
		while (otp_next(&removed, &gone))
			if (*(at = find_member(&peer->members, group, gone)) != NULL)
				free_member(at);
		add_pids(peer, group, added);
	}
}

static void take_down(otp_pg *pg, otp_term ref, otp_term pid)
{
	for (otp_peer_scope **at = &pg->peers; *at != NULL; at = &(*at)->next)
		if (otp_equal((*at)->monitor, ref)) {
			free_peer(at);
			return;
		}
	member_died(pg, pid);
}

static bool take_cast(otp_pg *pg, otp_term cast)
{
	otp_term a, b;

	if (otp_match(cast, "{sync,~t,~t}", &a, &b))
		take_sync(pg, a, b);
	else if (pg->node->config.release >= 29 && otp_match(cast, "{local_data,~t,_,~t}", &a, &b))
		take_map(pg, a, b);
	else
		return false;
	return true;
}

static bool take_info(otp_pg *pg, otp_term m)
{
	int release = pg->node->config.release;
	otp_term a, b, c;
	otp_atom peer;

	if (otp_match(m, "{discover,~t}", &a)) {
		take_discover(pg, a, 0);
	} else if (release >= 26 && otp_match(m, "{discover,~t,_}", &a)) {
		take_discover(pg, a, 1);
	} else if (otp_match(m, "{join,~t,~t,~t}", &a, &b, &c)) {
		if (*find_peer(pg, a) != NULL)
			add_pids(*find_peer(pg, a), b, c);
	} else if (otp_match(m, "{leave,_,~t,~t}", &a, &b)) {
		take_leave(pg, m, a, b);
	} else if (release >= 29 && otp_match(m, "{update,~t,~t}", &a, &b)) {
		take_update(pg, a, b);
	} else if (otp_match(m, "{DOWN,~t,process,~t,_}", &a, &b)) {
		take_down(pg, a, b);
	} else if (otp_match(m, "{nodeup,~a}", &peer)) {
		discover_node(pg, peer.text);
	} else {
		return otp_match(m, "{nodedown,_}") || otp_match(m, "{nodefail,_}");
	}
	return true;
}

static void handle(otp_node *node, otp_proc *self, otp_term m)
{
	otp_pg *pg = otp_pg_find(node, self->name);
	otp_term cast;

	if (pg == NULL || pg->proc != self)
		return;
	if (otp_match(m, "{$gen_cast,~t}", &cast) ? !take_cast(pg, cast) : !take_info(pg, m))
		crash(pg, "a message that it does not know", m);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void forget(otp_node *node, otp_proc *self, otp_term reason)
{
	otp_pg *pg = otp_pg_find(node, self->name);

	(void)reason;
	if (pg != NULL && pg->proc == self) {
		pg->proc = NULL;
		clear(pg);
	}
}

void otp_pg_start(otp_node *node, const char *scope)
{
	otp_pg *pg = otp_pg_find(node, scope);

	if (pg == NULL) {
		pg = otp_alloc(sizeof *pg);
		pg->node = node;
		(void)snprintf(pg->scope, sizeof pg->scope, "%s", scope);
		pg->next = node->pgs;
		node->pgs = pg;
	}
	if (pg->proc != NULL)
		return;
	pg->proc = otp_spawn(node, handle, NULL);
	pg->proc->on_exit = forget;
	pg->proc->has_node_events = true;
	otp_register(pg->proc, scope);
	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP && otp_is_visible(c))
			discover_node(pg, c->peer.text);
}

void otp_pg_free(otp_node *node)
{
	while (node->pgs != NULL) {
		otp_pg *pg = node->pgs;

		node->pgs = pg->next;
		clear(pg);
		free(pg);
	}
}
