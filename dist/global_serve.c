/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lockers, registrars and users of any node ask of this one's server.
 *
 *  - set_lock and del_lock are answered at once: a server that is slow here slows the cluster.
 *  - register, unregister and register_ext always say yes or ok; who asks holds the lock and has
 *    looked. Where the lock is not his any more the name is inserted and deleted at once.
 *  - The rest is for tools.
 */
#include "dist/global_ext.h"
#include "dist/global_state.h"
#include "node/base/bug.h"

/*
 * The caller does not hold the lock `global` here. OTP also takes a name while nobody holds it; but
 * then the caller has it from an earlier connection, or from an earlier life of this node, and
 * those that this node meets are not told.
 */
static bool is_late(const fli_global *g, const fl_pid *caller)
{
	const fli_global_lock *lock = g->lock_own;

	if (FLI_BUG(global_late_names_are_kept))
		return false;
	return lock == NULL || !fli_global_lock_has(g, lock, caller);
}

/*
 * The lock `global` is for this node, for who takes it for a member, and for who meets it just now:
 * such a one has the lock in the name of both lockers. Whoever else asks speaks from an earlier
 * connection, over which he will not give it back.
 */
static bool may_lock(const fli_global *g, const fl_pid *caller, fl_term resource, fl_term requester)
{
	const fli_global_node *node;
	fl_term element;
	fl_pid pid;

	if (!fl_match(resource, "global") || fl_atom_eq(caller->node, g->name))
		return true;
	node = fli_global_node_find(g, caller->node);
	if (node != NULL && node->is_known)
		return true;
	while (fl_list_next(&requester, &element))
		if (fl_match(element, "~", &pid) &&
			fl_pid_eq(&pid, &g->config.pids[FLI_GLOBAL_LOCKER]))
			return true;
	return false;
}

static fli_global_answer_kind insert(
	fli_global *g, const fl_pid *caller, fl_term name, fl_term request)
{
	fl_atom reg_node = {.text = NULL}, kept;
	fl_term method;
	fl_pid pid;
	fli_global_name *entry;

	if (fl_match(request, "{register_ext, _, ~, ~, ~}", &pid, &method, &reg_node)) {
		if (!fli_global_intern(g, reg_node, &kept))
			return FLI_ANSWER_NO;
		reg_node = kept;
	} else if (!fl_match(request, "{register, _, ~, ~}", &pid, &method)) {
		return FLI_ANSWER_NONE;
	}
	if (!is_late(g, caller)) {
		fli_global_name_put(g, name, &pid, method, reg_node);
		return FLI_ANSWER_YES;
	}
	entry = fli_global_name_find(g, name);
	if (entry != NULL)
		fli_global_name_delete(g, entry);
	return FLI_ANSWER_YES;
}

fli_global_answer_kind fli_global_serve(fli_global *g, const fl_pid *caller, fl_term request)
{
	fl_term resource, requester, name;
	fli_global_name *entry;

	request.atoms = g->config.atoms; /* pids in it are kept */
	if (fl_match(request, "{set_lock, {~, ~}}", &resource, &requester))
		return may_lock(g, caller, resource, requester) &&
				       fli_global_lock_set(g, caller, resource, requester)
			       ? FLI_ANSWER_TRUE
			       : FLI_ANSWER_FALSE;
	if (fl_match(request, "{del_lock, {~, ~}}", &resource, &requester)) {
		if (!FLI_BUG(global_lock_not_freed))
			fli_global_lock_del(g, caller, resource, requester);
		return FLI_ANSWER_TRUE;
	}
	if (fl_match(request, "{unregister, ~}", &name)) {
		entry = fli_global_name_find(g, name);
		if (entry != NULL && !FLI_BUG(global_name_not_dropped))
			fli_global_name_delete(g, entry);
		return FLI_ANSWER_OK;
	}
	if (fl_match(request, "{register, ~, _, _}", &name) ||
		fl_match(request, "{register_ext, ~, _, _, _}", &name))
		return insert(g, caller, name, request);
	return FLI_ANSWER_NONE;
}

/* ---- for tools ------------------------------------------------------------------------------- */

static void reply_nodes(fli_global *g, fl_from from, bool is_synced)
{
	uint32_t count = 0;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		count += is_synced ? node->is_synced : node->is_known;
	}
	fli_global_act_begin(g, FLI_GLOBAL_REPLY, FLI_GLOBAL_SERVER)->from = from;
	if (count > 0)
		fli_write_list(&g->terms, count);
	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (is_synced ? node->is_synced : node->is_known)
			fli_write_atom(&g->terms, node->name);
	}
	fli_write_nil(&g->terms);
	fli_global_act_end(g);
}

static void reply_ext(fli_global *g, fl_from from)
{
	fli_global_act_begin(g, FLI_GLOBAL_REPLY, FLI_GLOBAL_SERVER)->from = from;
	fli_global_ext_write(g, &g->terms);
	fli_global_act_end(g);
}

static bool call_of_tools(fli_global *g, fl_from from, fl_term request)
{
	fl_term nodes;

	if (fl_match(request, "{sync, ~}", &nodes))
		fli_global_sync(g, from, nodes);
	else if (fl_match(request, "get_known"))
		reply_nodes(g, from, false);
	else if (fl_match(request, "get_synced"))
		reply_nodes(g, from, true);
	else if (fl_match(request, "get_names_ext"))
		reply_ext(g, from);
	else if (fl_match(request, "get_protocol_version"))
		fli_global_reply(g, from, fl_spec("~", (int)FLI_GLOBAL_VSN));
	else if (fl_match(request, "info"))
		fli_global_reply(g, from,
			fl_spec("{state, ~, ~, ~}", g->name, g->names.count, g->holds.count));
	else if (fl_match(request, "high_level_trace_start"))
		fli_global_reply(g, from, fl_spec("ok"));
	else if (fl_match(request, "high_level_trace_stop") ||
		 fl_match(request, "high_level_trace_get"))
		fli_global_reply(g, from, fl_spec("[]"));
	else
		return false;
	return true;
}

bool fli_global_call(fli_global *g, const fl_pid *caller, fl_from from, fl_term request)
{
	static const char *const answers[] = {"", "true", "false", "yes", "no", "ok"};
	fli_global_answer_kind answer = fli_global_serve(g, caller, request);

	if (answer == FLI_ANSWER_NONE)
		return call_of_tools(g, from, request);
	fli_global_reply(g, from, fl_spec("~", fl_atom_of(answers[answer])));
	return true;
}
