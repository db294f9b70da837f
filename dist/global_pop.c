/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prevent_overlapping_partitions: a lost link becomes a split of the whole cluster.
 *
 *  - Who loses a node that was known tells all others (lost_connection); these pass it on and ask
 *    the lost one to leave them (remove_connection), which then closes the connection.
 *  - A node that was asked, or that asked us, goes without another report.
 *
 * Departure from OTP, in mode `guest`: this node passes reports on and obeys, but makes none about
 * a node of OTP, since that would have a healthy member expelled for this node's bad link; the
 * other end reports this node anyway. Of two guests the one with the smaller name reports.
 */
#include "dist/global_doubt.h"
#include "dist/global_state.h"
#include "node/term/hash.h"

/* ---- reports that were seen ------------------------------------------------------------------ */

typedef struct report {
	fl_atom a, b;
	fl_term creation;
	int64_t op;
} report;

typedef struct lost_key {
	fl_atom a, b;
	fl_term creation;
} lost_key;

bool fli_global_lost_has_key(const void *item, const void *key)
{
	const fli_global_lost *lost = item;
	const lost_key *k = key;
	const fl_term creation = {.data = lost->creation.data, .size = lost->creation.size};

	return fl_atom_eq(lost->a, k->a) && fl_atom_eq(lost->b, k->b) &&
	       fl_equal(creation, k->creation);
}

static bool hash_of(const fli_global *g, const report *r, uint64_t *ret_hash)
{
	uint64_t hash = fli_hash(g->config.seed, r->a.text, r->a.size);

	return fli_term_hash(fli_hash(hash, r->b.text, r->b.size), r->creation, ret_hash);
}

static void forget(fli_global *g, fli_global_lost *lost)
{
	lost_key key = {lost->a, lost->b, fli_blob_term(g, &lost->creation)};

	fli_list_remove(&lost->link);
	(void)fli_map_remove(&g->lost_by_key, lost->hash, &key); /* it is there */
	fli_blob_free(g, &lost->creation);
	fli_free(g->mem, lost);
}

static void forget_old(fli_global *g)
{
	while (!fli_list_is_empty(&g->lost)) {
		fli_global_lost *oldest = fli_container_of(g->lost.next, fli_global_lost, link);

		if (g->lost_by_key.count < FLI_GLOBAL_LOST_MAX &&
			g->now_ms - oldest->at_ms < FLI_GLOBAL_LOST_MS)
			return;
		forget(g, oldest);
	}
}

void fli_global_pop_destroy(fli_global *g)
{
	while (!fli_list_is_empty(&g->lost))
		forget(g, fli_container_of(g->lost.next, fli_global_lost, link));
	fli_map_destroy(&g->lost_by_key);
}

static void remember(fli_global *g, const report *r, uint64_t hash)
{
	fli_global_lost *lost = fli_zalloc(g->mem, sizeof *lost);

	if (lost == NULL || !fli_blob_copy(g, &lost->creation, r->creation)) {
		fli_free(g->mem, lost);
		g->failed = true;
		return;
	}
	lost->hash = hash;
	lost->a = r->a;
	lost->b = r->b;
	lost->op = r->op;
	lost->at_ms = g->now_ms;
	if (fli_map_put(&g->lost_by_key, hash, lost) != FL_OK) {
		fli_blob_free(g, &lost->creation);
		fli_free(g->mem, lost);
		g->failed = true;
		return;
	}
	fli_list_append(&g->lost, &lost->link);
}

/*
 * Remembers it; false: it has been seen. Each life of `a` has its own: were only the latest kept,
 * reports of two lives that are still passed around would each be new again, for ever.
 */
static bool is_new(fli_global *g, const report *r)
{
	lost_key key = {r->a, r->b, r->creation};
	fli_global_lost *lost;
	uint64_t hash;

	forget_old(g);
	if (!hash_of(g, r, &hash))
		return false;
	lost = fli_map_get(&g->lost_by_key, hash, &key);
	if (lost != NULL && lost->op >= r->op)
		return false;
	if (lost != NULL)
		forget(g, lost);
	remember(g, r, hash);
	return !g->failed;
}

/* ---- telling --------------------------------------------------------------------------------- */

static bool is_member(const fli_global_node *node)
{
	return node->is_known || (node->session != NULL && node->session->is_pending);
}

static uint32_t vsn_of(const fli_global_node *node)
{
	return node->vsn == 0 && node->session != NULL ? node->session->his_vsn : node->vsn;
}

static void tell_all(fli_global *g, fl_atom but, fl_spec message)
{
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (is_member(node) && vsn_of(node) >= FLI_GLOBAL_VSN_POP && node->is_up &&
			!fl_atom_eq(node->name, but))
			fli_global_send(g, node->name, message);
	}
}

void fli_global_pop_lost(fli_global *g, const fli_global_node *node)
{
	bool is_ours = node->is_guest && fli_global_order(g->name, node->name) < 0;

	if (!is_member(node) || g->config.mode == FLI_GLOBAL_OFF)
		return;
	if (g->config.mode == FLI_GLOBAL_GUEST && !is_ours)
		return;
	tell_all(g, node->name,
		fl_spec("{lost_connection, ~, ~, ~, ~}", g->name, g->creation, ++g->op_next,
			node->name));
}

/* ---- obeying --------------------------------------------------------------------------------- */

/* It is no member any more; the socket stays until the other side closes it. */
static void expel(fli_global *g, fli_global_node *node)
{
	if (vsn_of(node) < FLI_GLOBAL_VSN_POP) {
		fli_global_simple(g, FLI_GLOBAL_DISCONNECT, node->name);
		fli_global_log(g, FLI_WARNING,
			"'global' at node " FLI_ATOM_FMT " disconnected old node " FLI_ATOM_FMT
			" in order to prevent overlapping partitions",
			FLI_ATOM_ARG(g->name), FLI_ATOM_ARG(node->name));
	} else {
		fli_global_send(g, node->name, fl_spec("{remove_connection, ~}", g->name));
		fli_global_log(g, FLI_WARNING,
			"'global' at node " FLI_ATOM_FMT
			" requested disconnect from node " FLI_ATOM_FMT
			" in order to prevent overlapping partitions",
			FLI_ATOM_ARG(g->name), FLI_ATOM_ARG(node->name));
	}
	fli_global_forget(g, node);
	node->is_removing = node->is_up;
	fli_global_doubt(g, node);
	fli_global_node_rest(g, node);
	fli_global_locker_run(g);
}

static void on_lost(fli_global *g, const report *r)
{
	fli_global_node *victim;

	if (g->config.mode == FLI_GLOBAL_OFF || fl_atom_eq(r->a, g->name) || !is_new(g, r))
		return;
	g->counters.accused++;
	tell_all(g, r->a, fl_spec("{lost_connection, ~, ~, ~, ~}", r->a, r->creation, r->op, r->b));
	victim = fli_global_node_find(g, fl_atom_eq(r->b, g->name) ? r->a : r->b);
	if (victim != NULL && is_member(victim))
		expel(g, victim);
}

static void on_remove(fli_global *g, fl_atom name)
{
	fli_global_node *node = fli_global_node_find(g, name);

	/* who has said in_sync took us for a member, though nobody has told us of him yet: he does
	 * not any more, and what we are told of him now would make him one here alone */
	if (node == NULL || (!is_member(node) && !node->is_synced))
		return;
	g->counters.expelled++;
	fli_global_log(g, FLI_WARNING,
		"'global' at node " FLI_ATOM_FMT " disconnected node " FLI_ATOM_FMT
		" in order to prevent overlapping partitions",
		FLI_ATOM_ARG(g->name), FLI_ATOM_ARG(node->name));
	fli_global_simple(g, FLI_GLOBAL_DISCONNECT, node->name);
	fli_global_forget(g, node);
	node->is_removing = node->is_up;
	fli_global_doubt(g, node);
	fli_global_node_rest(g, node);
	fli_global_locker_run(g);
}

bool fli_global_pop_info(fli_global *g, fl_term message)
{
	fl_atom name;
	report r, kept;

	if (fl_match(message, "{remove_connection, ~}", &name)) {
		on_remove(g, name);
		return true;
	}
	if (!fl_match(message, "{lost_connection, ~, ~, ~, ~}", &r.a, &r.creation, &r.op, &r.b))
		return false;
	kept = r;
	if (r.creation.size <= 64 && fli_global_intern(g, r.a, &kept.a) &&
		fli_global_intern(g, r.b, &kept.b))
		on_lost(g, &kept);
	return true;
}

/* ---- the setting of others ------------------------------------------------------------------- */

void fli_global_pop_ask_mode(fli_global *g, fli_global_node *node)
{
	if (node->was_asked || vsn_of(node) < FLI_GLOBAL_VSN_POP)
		return; /* older ones know nothing of it, or nobody has told yet which it is */
	node->was_asked = true;
	(void)fli_global_ask_at(g, FLI_ASK_MODE, node->name, "rex",
		fl_spec("{call, application, get_env, [kernel, prevent_overlapping_partitions], ~}",
			g->config.pids[FLI_GLOBAL_SERVER]));
}

void fli_global_pop_mode(fli_global *g, const fli_global_ask *asked, fl_term reply)
{
	fli_global_node *node = fli_global_node_find(g, asked->node);
	bool is_on = fl_match(reply, "undefined") || fl_match(reply, "{ok, true}");

	if (node == NULL || !node->was_asked)
		return;
	node->is_guest = fl_match(reply, "{ok, guest}");
	node->runs_pop = is_on;
	is_on |= node->is_guest;
	if (!is_on && !fl_match(reply, "{ok, false}"))
		return; /* no answer that says anything */
	if (is_on == (g->config.mode != FLI_GLOBAL_OFF))
		return;
	fli_global_log(g, FLI_WARNING,
		"prevent_overlapping_partitions is %s at " FLI_ATOM_FMT
		" and %s here: it must be the same on all nodes"
		" (global.prevent_overlapping_partitions)",
		is_on ? "on" : "off", FLI_ATOM_ARG(node->name), is_on ? "off" : "on");
}
