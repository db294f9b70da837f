/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes that `global` knows of, and who waits to be in sync with them.
 *
 *  - A node is known once a session with it, or with somebody who knew it, is done; the two are
 *    synced when both say so.
 *  - Nodes that one is told of are dialled; whoever gets through says in_sync.
 *
 * Lists of peers are read up to FLI_GLOBAL_NODES_MAX: more nodes are not kept.
 *
 * Failure: a node that cannot be reached counts as lost, since the others take it for a member.
 */
#include <string.h>

#include "dist/global_doubt.h"
#include "dist/global_state.h"
#include "node/base/bug.h"

int fli_global_order(fl_atom a, fl_atom b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.text, b.text, size);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool fli_global_node_has_key(const void *item, const void *key)
{
	return fl_atom_eq(((const fli_global_node *)item)->name, *(const fl_atom *)key);
}

static uint64_t hash_of(const fli_global *g, fl_atom name)
{
	return fli_hash(g->config.seed, name.text, name.size);
}

fli_global_node *fli_global_node_find(const fli_global *g, fl_atom name)
{
	return fli_map_get(&g->nodes_by_name, hash_of(g, name), &name);
}

static fli_global_node *make(fli_global *g, fl_atom name)
{
	fli_global_node *node = fli_zalloc(g->mem, sizeof *node);

	if (node != NULL)
		node->name = name;
	if (node == NULL || fli_map_put(&g->nodes_by_name, hash_of(g, name), node) != FL_OK) {
		fli_free(g->mem, node);
		g->failed = true;
		return NULL;
	}
	fli_list_append(&g->nodes, &node->link);
	return node;
}

fli_global_node *fli_global_node_get(fli_global *g, fl_atom name)
{
	fli_global_node *node = fli_global_node_find(g, name);
	fl_atom kept;

	if (node != NULL)
		return node;
	if (g->nodes_by_name.count >= FLI_GLOBAL_NODES_MAX) {
		g->counters.refused++;
		return NULL;
	}
	return fli_global_intern(g, name, &kept) ? make(g, kept) : NULL;
}

void fli_global_node_rest(fli_global *g, fli_global_node *node)
{
	if (node->is_up || node->is_known || node->is_synced || node->is_removing ||
		node->is_dialled || node->session != NULL || node->early.data != NULL ||
		node->missed_ms != 0)
		return;
	fli_list_remove(&node->link);
	(void)fli_map_remove(&g->nodes_by_name, hash_of(g, node->name), &node->name);
	fli_free(g->mem, node);
}

/* ---- what came too early --------------------------------------------------------------------- */

void fli_global_node_drop_early(fli_global *g, fli_global_node *node)
{
	g->early_count -= node->early.data != NULL;
	fli_blob_free(g, &node->early);
}

static void forget_oldest_early(fli_global *g)
{
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (node->early.data == NULL)
			continue;
		fli_global_node_drop_early(g, node);
		fli_global_node_rest(g, node);
		return;
	}
}

void fli_global_node_keep_early(fli_global *g, fli_global_node *node, fl_term message)
{
	if (message.size > FLI_GLOBAL_NAME_BYTES_MAX)
		return;
	fli_global_node_drop_early(g, node);
	/* who really comes is up within a moment; anybody may announce who never will */
	if (g->early_count >= FLI_GLOBAL_EARLY_MAX)
		forget_oldest_early(g);
	g->early_count += fli_blob_copy(g, &node->early, message); /* failed is remembered */
}

/* ---- who is known ---------------------------------------------------------------------------- */

fl_atom fli_global_boss(const fli_global *g)
{
	fl_atom boss = g->name;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (node->is_known && fli_global_order(node->name, boss) > 0)
			boss = node->name;
	}
	return boss;
}

size_t fli_global_known_count(const fli_global *g)
{
	size_t count = 0;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next)
		count += fli_container_of(l, fli_global_node, link)->is_known;
	return count;
}

void fli_global_write_known(fli_global *g, fli_buf *buf, uint32_t vsn)
{
	size_t count = fli_global_known_count(g);

	if (count > 0)
		fli_write_list(buf, (uint32_t)count);
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (!node->is_known)
			continue;
		if (vsn >= FLI_GLOBAL_VSN_POP)
			fli_write_tuple(buf, 2);
		fli_write_atom(buf, node->name);
		if (vsn >= FLI_GLOBAL_VSN_POP)
			fli_write_uint(buf, node->vsn);
	}
	fli_write_nil(buf);
}

bool fli_global_read_node(fli_global *g, fl_term element, fl_atom *ret_name, uint32_t *ret_vsn)
{
	fl_atom name;

	*ret_vsn = 0;
	if (!fl_match(element, "{~, ~}", &name, ret_vsn) && !fl_match(element, "~", &name))
		return false;
	return fli_global_intern(g, name, ret_name);
}

void fli_global_make_known(fli_global *g, fl_atom name, uint32_t vsn)
{
	fli_global_node *node;

	if (fl_atom_eq(name, g->name))
		return;
	node = fli_global_node_get(g, name);
	if (node == NULL)
		return;
	node->is_known = true;
	fli_global_found(g, node);
	if (node->vsn == 0)
		node->vsn = vsn;
	if (node->is_synced) /* he said so before we were told of him */
		fli_global_pop_ask_mode(g, node);
	fli_global_doubt(g, node);
}

void fli_global_make_synced(fli_global *g, fli_global_node *node)
{
	node->is_synced = true;
	fli_global_pop_ask_mode(g, node);
	fli_global_synced(g, node->name);
}

/* ---- meeting --------------------------------------------------------------------------------- */

static void say_in_sync(fli_global *g, fl_atom node)
{
	fli_global_cast_to(g, FLI_GLOBAL_SERVER, node, fl_spec("{in_sync, ~, true}", g->name));
}

void fli_global_meet(fli_global *g, fl_atom name)
{
	fli_global_node *node;

	if (fl_atom_eq(name, g->name))
		return;
	node = fli_global_node_get(g, name);
	if (node == NULL || node->is_dialled)
		return;
	if (node->is_up) {
		say_in_sync(g, node->name);
		return;
	}
	node->is_dialled = true;
	fli_global_simple(g, FLI_GLOBAL_DIAL, node->name);
}

/* What we were told of it was dropped, or is now. */
static void unreached(fli_global *g, fli_global_node *node)
{
	fli_global_miss(g, node);
	fli_global_node_down(g, node->name);
}

void fli_global_dialled(fli_global *g, fl_atom name, bool is_up)
{
	fli_global_node *node = fli_global_node_find(g, name);

	if (node == NULL || !node->is_dialled || g->is_leaving)
		return;
	node->is_dialled = false;
	if (is_up && !node->has_lost_names) {
		/* who was lost or expelled meanwhile would take it for the end of a new session */
		if (node->is_known)
			say_in_sync(g, node->name);
		fli_global_node_rest(g, node);
		return;
	}
	g->counters.unreached++;
	fli_global_log(g, FLI_WARNING,
		"'global' at " FLI_ATOM_FMT " failed to connect to " FLI_ATOM_FMT,
		FLI_ATOM_ARG(g->name), FLI_ATOM_ARG(node->name));
	if (!node->is_up)
		unreached(g, node);
}

/* ---- up and down ----------------------------------------------------------------------------- */

void fli_global_node_up(fli_global *g, fl_atom name)
{
	fli_global_node *node = g->is_leaving ? NULL : fli_global_node_find(g, name);

	if (node != NULL && node->has_lost_names)
		unreached(g, node);
	node = g->is_leaving ? NULL : fli_global_node_get(g, name);
	if (node == NULL)
		return;
	node->is_up = true;
	if (!node->is_known && node->session == NULL)
		fli_global_session_open(g, node);
	fli_global_doubt(g, node);
}

void fli_global_forget(fli_global *g, fli_global_node *node)
{
	fli_global_session_drop(g, node);
	fli_global_node_drop_early(g, node);
	node->is_known = node->is_synced = false;
	node->was_asked = node->is_late = node->has_lost_names = false;
	node->vsn = 0;
	fli_global_grab_forget(&g->locker.grab, node->name);
	fli_global_grab_forget(&g->registrar.grab, node->name);
	/* who joins before the connection ends must not be told its names */
	if (!FLI_BUG(global_lock_outlives_its_node))
		fli_global_pids_gone(g, node->name);
	fli_global_synced(g, node->name);
}

void fli_global_node_down(fli_global *g, fl_atom name)
{
	fli_global_node *node = fli_global_node_find(g, name);

	if (node == NULL || g->is_leaving)
		return;
	node->is_up = false;
	if (!node->is_removing)
		fli_global_pop_lost(g, node);
	node->is_removing = false;
	fli_global_forget(g, node);
	node->is_guest = false;
	node->doubt_ms = 0;
	if (node->meets_again)
		fli_global_meet(g, node->name);
	node->meets_again = false;
	fli_global_node_rest(g, node);
	fli_global_locker_run(g);
}

/* ---- sync ------------------------------------------------------------------------------------ */

static void finish_if_synced(fli_global *g, fli_global_wait *wait)
{
	if (wait->left > 0)
		return;
	fli_list_remove(&wait->link);
	g->waits_count--;
	fli_global_reply(g, wait->from, fl_spec("ok"));
	fli_free(g->mem, wait);
}

void fli_global_synced(fli_global *g, fl_atom name)
{
	fli_link *next;

	for (fli_link *l = g->waits.next; l != &g->waits; l = next) {
		fli_global_wait *wait = fli_container_of(l, fli_global_wait, link);
		size_t kept = 0;

		next = l->next;
		for (size_t i = 0; i < wait->left; i++)
			if (!fl_atom_eq(wait->nodes[i], name))
				wait->nodes[kept++] = wait->nodes[i];
		wait->left = kept;
		finish_if_synced(g, wait);
	}
}

/* Each node once, however often the list has it. `ret` may be NULL. */
static size_t read_awaited(fli_global *g, fl_term nodes, fl_atom *ret)
{
	size_t count = 0;
	fl_term element;
	fl_atom name;

	g->sync_round++;
	for (size_t i = 0; i < FLI_GLOBAL_NODES_MAX && fl_list_next(&nodes, &element); i++) {
		fli_global_node *node;

		if (!fl_match(element, "~", &name) || fl_atom_eq(name, g->name))
			continue;
		node = fli_global_node_find(g, name);
		if (node == NULL || !node->is_up || node->is_synced || node->round == g->sync_round)
			continue;
		node->round = g->sync_round;
		if (ret != NULL)
			ret[count] = node->name;
		count++;
	}
	return count;
}

void fli_global_sync(fli_global *g, fl_from from, fl_term nodes)
{
	size_t count = read_awaited(g, nodes, NULL);
	fli_global_wait *wait = NULL;

	if (g->waits_count < FLI_GLOBAL_WAITS_MAX)
		wait = fli_zalloc(g->mem, sizeof *wait + count * sizeof(fl_atom));
	if (wait == NULL) {
		fli_global_reply(g, from, fl_spec("{error, system_limit}"));
		return;
	}
	wait->from = from;
	wait->left = read_awaited(g, nodes, wait->nodes);
	fli_list_append(&g->waits, &wait->link);
	g->waits_count++;
	finish_if_synced(g, wait);
}
