/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `global`, put together: its life, its events, its time.
 *
 *  - Two nodes that meet begin a session (global_session.c): their lockers take the lock on both
 *    partitions (global_locker.c, global_grab.c), they exchange and compare names
 *    (global_resolver.c), and tell the others (global_join.c).
 *  - Names change under the same lock (global_registrar.c); every node has them all
 *    (global_names.c).
 *  - Lost links become splits (global_pop.c).
 *
 * Failure: the core never waits. Where memory runs out it is `failed`; whoever drives it starts
 * anew with no connection, as a node that was started again.
 *
 * Departures from OTP: one structure instead of four kinds of process, so that nothing that they
 * would tell each other can be late; external processes of hidden nodes are watched, not linked.
 */
#include "dist/global.h"

#include "dist/global_doubt.h"
#include "dist/global_state.h"

/* ---- life ------------------------------------------------------------------------------------ */

static void create(fli_global *g, const fli_global_config *config)
{
	uint32_t random;

	g->config = *config;
	g->mem = config->mem;
	g->name = config->name;
	g->now_ms = config->now_ms;
	config->port->random(config->port, &random, sizeof random);
	g->creation = (int64_t)(random >> 2) << 32 | config->creation;
	fli_list_create(&g->nodes);
	fli_list_create(&g->asks);
	fli_list_create(&g->waits);
	fli_list_create(&g->lost);
	fli_map_create(&g->lost_by_key, g->mem, fli_global_lost_has_key);
	fli_list_create(&g->registrar.jobs);
	fli_map_create(&g->nodes_by_name, g->mem, fli_global_node_has_key);
	fli_map_create(&g->names, g->mem, fli_global_name_has_key);
	fli_map_create(&g->pids, g->mem, fli_global_pid_has_key);
	fli_map_create(&g->locks, g->mem, fli_global_lock_has_key);
	fli_map_create(&g->holds, g->mem, fli_global_hold_has_key);
	fli_buf_create(&g->terms, g->mem, 0);
	g->locker.grab.role = FLI_GLOBAL_LOCKER;
	g->locker.due_ms = UINT64_MAX;
	g->registrar.grab.role = FLI_GLOBAL_REGISTRAR;
}

int fli_global_new(const fli_global_config *config, fli_global **ret_global)
{
	fli_global *g = fli_zalloc(config->mem, sizeof *g);
	fl_buf id = FL_BUF_INIT;
	bool is_named;

	if (g == NULL)
		return FL_ENOMEM;
	create(g, config);
	is_named = fl_build(&id, "{global, ~}", config->pids[FLI_GLOBAL_REGISTRAR]) == FL_OK &&
		   fli_blob_copy(g, &g->registrar.grab.id, fl_buf_term(&id));
	fl_buf_free(&id);
	if (!is_named) {
		fli_global_delete(g);
		return FL_ENOMEM;
	}
	*ret_global = g;
	return FL_OK;
}

static void free_nodes(fli_global *g)
{
	fli_link *link;

	while (!fli_list_is_empty(&g->nodes)) {
		fli_global_node *node = fli_container_of(g->nodes.next, fli_global_node, link);

		fli_global_session_drop(g, node);
		fli_blob_free(g, &node->early);
		fli_list_remove(&node->link);
		fli_free(g->mem, node);
	}
	fli_map_destroy(&g->nodes_by_name);
	while ((link = fli_list_pop(&g->asks)) != NULL)
		fli_free(g->mem, fli_container_of(link, fli_global_ask, link));
	while ((link = fli_list_pop(&g->waits)) != NULL)
		fli_free(g->mem, fli_container_of(link, fli_global_wait, link));
}

static void free_tables(fli_global *g)
{
	fli_global_pid *pid;
	size_t cursor = 0;

	while ((pid = fli_map_next(&g->pids, &cursor)) != NULL) {
		fli_global_locks_down(g, pid);
		while (!fli_list_is_empty(&pid->names)) {
			fli_link *link = fli_list_pop(&pid->names);

			fli_free(g->mem, fli_container_of(link, fli_global_name, in_pid));
		}
		fli_free(g->mem, pid);
	}
	fli_map_destroy(&g->pids);
	fli_map_destroy(&g->locks);
	fli_map_destroy(&g->holds);
	fli_map_destroy(&g->names);
}

void fli_global_delete(fli_global *g)
{
	if (g == NULL)
		return;
	g->is_leaving = true;
	free_nodes(g);
	free_tables(g);
	fli_global_pop_destroy(g);
	fli_global_grab_destroy(g, &g->locker.grab);
	fli_global_registrar_destroy(g);
	fli_buf_destroy(&g->terms);
	fli_free(g->mem, g->acts);
	fli_free(g->mem, g);
}

bool fli_global_has_failed(const fli_global *g)
{
	return g->failed || g->terms.failed;
}

fli_global_counters fli_global_count(const fli_global *g)
{
	fli_global_counters counters = g->counters;

	counters.names = g->names.count;
	counters.locks = g->holds.count;
	counters.known = fli_global_known_count(g);
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next)
		counters.synced += fli_container_of(l, fli_global_node, link)->is_synced;
	return counters;
}

/* ---- time ------------------------------------------------------------------------------------ */

void fli_global_time(fli_global *g, uint64_t now_ms)
{
	g->now_ms = now_ms;
	fli_global_doubts_run(g);
	fli_global_locker_time(g);
	if (g->registrar.is_asleep && g->registrar.due_ms <= now_ms)
		fli_global_registrar_run(g);
}

static bool is_waiting(const fli_global_locker *locker)
{
	return locker->state == FLI_LOCKER_AWAITS || locker->state == FLI_LOCKER_HOLDS;
}

uint64_t fli_global_next_ms(const fli_global *g)
{
	uint64_t next = UINT64_MAX;

	if (g->is_leaving)
		return next;
	next = fli_global_doubts_next(g);
	if (g->locker.state == FLI_LOCKER_IDLE && g->locker.due_ms < next)
		next = g->locker.due_ms;
	if (is_waiting(&g->locker) && g->locker.patience_ms < next)
		next = g->locker.patience_ms;
	if (g->registrar.is_asleep && g->registrar.due_ms < next)
		next = g->registrar.due_ms;
	return next;
}

/* ---- messages -------------------------------------------------------------------------------- */

bool fli_global_cast(fli_global *g, fl_term message)
{
	fl_atom label;

	message.atoms = g->config.atoms;
	if (g->is_leaving || fli_global_session_cast(g, message))
		return true;
	g->counters.refused++;
	return fl_match(message, "{~, _, _}", &label) &&
	       (fl_atom_is(label, "async_del_name") || fl_atom_is(label, "async_del_lock"));
}

static bool on_whereis(fli_global *g, fl_term message)
{
	fl_term name, tag;
	fl_pid asker, pid;

	if (!fl_match(message, "{whereis, ~, {~, ~}}", &name, &asker, &tag))
		return false;
	if (fli_global_whereis(g, name, &pid))
		fli_global_send_pid(g, FLI_GLOBAL_SERVER, asker, fl_spec("{~, ~}", tag, pid));
	else
		fli_global_send_pid(g, FLI_GLOBAL_SERVER, asker, fl_spec("{~, undefined}", tag));
	return true;
}

bool fli_global_info(fli_global *g, fl_term message)
{
	message.atoms = g->config.atoms;
	/* lockers of version 5 speak to the locker itself */
	if (g->is_leaving || fli_global_session_info(g, message) ||
		fli_global_pop_info(g, message) || on_whereis(g, message) ||
		(fl_match(message, "{lock_set, _, _, _}") && fli_global_session_cast(g, message)))
		return true;
	g->counters.refused++;
	return false;
}

/* ---- leaving --------------------------------------------------------------------------------- */

void fli_global_disconnect(fli_global *g, fl_buf *ret_nodes)
{
	fli_link *next;

	fl_list_open(ret_nodes);
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = next) {
		fli_global_node *node = fli_container_of(l, fli_global_node, link);

		next = l->next;
		if (!node->is_up)
			continue;
		(void)fl_build(ret_nodes, "~", node->name);
		fli_global_simple(g, FLI_GLOBAL_DISCONNECT, node->name);
		node->is_removing = true; /* before the first one is lost */
		fli_global_doubt(g, node);
	}
	fl_list_close(ret_nodes);
}

void fli_global_use_mode(fli_global *g, fli_global_mode mode)
{
	g->config.mode = mode;
}

void fli_global_leave(fli_global *g)
{
	g->is_leaving = true;
}
