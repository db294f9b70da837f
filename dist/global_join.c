/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a session: names are exchanged, and two partitions are one.
 *
 *  - exchange: all his names. They are compared once our side holds the lock (global_resolver.c).
 *  - resolved: what he found for this side, and whom he knows. With our own findings they are put
 *    into the table, and told to the old partition by the locker, before it gives the lock back.
 *  - new_nodes: the same, told by somebody of the own partition.
 *  - in_sync: from a node that the session was not with; the two know each other already.
 */
#include "dist/global_doubt.h"
#include "dist/global_ext.h"
#include "dist/global_state.h"
#include "node/base/bug.h"

/* The session that a message with our tag is for; NULL: it is late. */
static fli_global_node *session_of(fli_global *g, fl_atom name, int64_t tag)
{
	fli_global_node *node = fli_global_node_find(g, name);

	if (node == NULL || node->session == NULL || !node->session->is_pending ||
		node->session->my_tag != tag)
		return NULL;
	return node;
}

static bool is_longer(fl_term list, size_t max)
{
	fl_term element;

	while (fl_list_next(&list, &element))
		if (max-- == 0)
			return true;
	return false;
}

/* No cluster has so many; reading them would cost the ones that there are. */
static bool is_too_long(fli_global *g, fl_atom from, fl_term names, fl_term nodes)
{
	if (!is_longer(names, FLI_GLOBAL_NAMES_MAX) && !is_longer(nodes, FLI_GLOBAL_NODES_MAX))
		return false;
	g->counters.refused++;
	fli_global_log(g, FLI_WARNING,
		"global: a message of " FLI_ATOM_FMT
		" has more than %d names or %d nodes and is dropped; it is broken or hostile",
		FLI_ATOM_ARG(from), (int)FLI_GLOBAL_NAMES_MAX, (int)FLI_GLOBAL_NODES_MAX);
	return true;
}

static bool on_exchange(fli_global *g, fl_term message)
{
	const fl_term none = {.data = NULL};
	fli_global_node *node;
	fl_term names;
	fl_atom name;
	int64_t tag;

	if (!fl_match(message, "{exchange, ~, ~, _, ~}", &name, &names, &tag))
		return false;
	node = session_of(g, name, tag);
	if (node == NULL || node->session->exchange.data != NULL ||
		is_too_long(g, name, names, none))
		return true;
	if (fli_blob_copy(g, &node->session->exchange, names) && node->session->is_lock_set)
		fli_global_resolve(g, node);
	return true;
}

/* ---- joining --------------------------------------------------------------------------------- */

static void write_ops(fli_buf *buf, const fli_buf *ops, uint32_t count)
{
	if (count > 0)
		fli_write_list(buf, count);
	fli_buf_add(buf, ops->data, ops->size);
	fli_write_nil(buf);
}

/* {resolved, Node, Resolved, Known, _, Ext, Tag}: our findings for his side. */
static void send_resolved(fli_global *g, const fli_global_node *node)
{
	const fli_global_session *s = node->session;
	fli_buf *buf = &g->terms;

	fli_global_act_begin(g, FLI_GLOBAL_CAST, FLI_GLOBAL_SERVER)->node = node->name;
	fli_write_tuple(buf, 7);
	fli_write_atom(buf, fl_atom_of("resolved"));
	fli_write_atom(buf, g->name);
	write_ops(buf, &s->his_ops, s->his_ops_count);
	fli_global_write_known(g, buf, s->his_vsn);
	if (s->his_vsn >= FLI_GLOBAL_VSN_POP)
		fli_write_atom(buf, fl_atom_of("unused"));
	else
		fli_global_write_known(g, buf, s->his_vsn);
	fli_global_ext_write(g, buf);
	fli_write_int(buf, s->his_tag);
	fli_global_act_end(g);
}

size_t fli_global_count_list(fl_term list)
{
	fl_term element;
	size_t count = 0;

	while (fl_list_next(&list, &element))
		count++;
	return count;
}

/* What the node that joins brings: its findings, its names from elsewhere, whom it knows. */
typedef struct joining {
	fli_global_node *node;
	fl_term his_ops;
	fl_term known;
	fl_term ext;
} joining;

/* Who is known here already is not new to this partition: what he has is not among the findings. */
static bool is_news(const fli_global *g, fl_atom name)
{
	const fli_global_node *node = fli_global_node_find(g, name);

	return node == NULL || !node->is_known;
}

/* He is told of by himself; a list of whom he knows that has him, too, is broken or hostile. */
static bool is_brought(const fli_global *g, const joining *join, fl_atom name)
{
	return !fl_atom_eq(name, join->node->name) && is_news(g, name);
}

static uint32_t count_brought(fli_global *g, const joining *join)
{
	fl_term list = join->known, element;
	uint32_t vsn, count = 0;
	fl_atom name;

	while (fl_list_next(&list, &element))
		count += fli_global_read_node(g, element, &name, &vsn) && is_brought(g, join, name);
	return count;
}

/* [{Node, Vsn}] or [Node]: him and whom he knows, but for those that are known here. */
static void write_new_nodes(fli_global *g, const joining *join, uint32_t vsn)
{
	fl_term list = join->known, element;
	fli_buf *buf = &g->terms;
	uint32_t its_vsn;
	fl_atom name;

	fli_write_list(buf, count_brought(g, join) + 1);
	if (vsn >= FLI_GLOBAL_VSN_POP)
		fli_write_tuple(buf, 2);
	fli_write_atom(buf, join->node->name);
	if (vsn >= FLI_GLOBAL_VSN_POP)
		fli_write_uint(buf, join->node->session->his_vsn);
	while (fl_list_next(&list, &element)) {
		if (!fli_global_read_node(g, element, &name, &its_vsn) ||
			!is_brought(g, join, name))
			continue;
		if (vsn >= FLI_GLOBAL_VSN_POP)
			fli_write_tuple(buf, 2);
		fli_write_atom(buf, name);
		if (vsn >= FLI_GLOBAL_VSN_POP)
			fli_write_uint(buf, its_vsn);
	}
	fli_write_nil(buf);
}

/* {new_nodes, Node, Ops, Ext, NewNodes, [{vsn, V}, {lock, LockId}]} */
static void send_new_nodes(fli_global *g, const joining *join, const fli_global_node *to)
{
	const fli_global_session *s = join->node->session;
	uint32_t ops = s->ops_count + (uint32_t)fli_global_count_list(join->his_ops);
	fl_term list = join->his_ops, element;
	fli_buf *buf = &g->terms;
	fli_global_act *act;

	act = fli_global_act_begin(g, FLI_GLOBAL_CAST, FLI_GLOBAL_LOCKER);
	act->node = to->name;
	act->may_dial = true;
	fli_write_tuple(buf, 6);
	fli_write_atom(buf, fl_atom_of("new_nodes"));
	fli_write_atom(buf, g->name);
	if (ops > 0)
		fli_write_list(buf, ops);
	fli_buf_add(buf, s->ops.data, s->ops.size);
	while (fl_list_next(&list, &element))
		fli_write_term(buf, element);
	fli_write_nil(buf);
	fli_write_term(buf, join->ext);
	write_new_nodes(g, join, to->vsn);
	fli_global_put(g, fl_spec("[{vsn, ~}, {lock, ~}]", (int)FLI_GLOBAL_VSN,
				  fli_blob_term(g, &g->locker.grab.id)));
	fli_global_act_end(g);
}

/* What was said to another node of the same version is said again. */
static void send_again(fli_global *g, const fli_global_node *to, size_t said)
{
	fli_global_act *act = fli_global_act_begin(g, FLI_GLOBAL_CAST, FLI_GLOBAL_LOCKER);

	if (g->failed)
		return;
	act->node = to->name;
	act->may_dial = true;
	act->at = g->acts[said].at;
	act->size = g->acts[said].size;
}

static void tell_partition(fli_global *g, const joining *join)
{
	size_t said[2] = {SIZE_MAX, SIZE_MAX}; /* in either form */

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);
		size_t *form = &said[node->vsn >= FLI_GLOBAL_VSN_POP];

		if (!node->is_known || g->failed)
			continue;
		if (*form != SIZE_MAX) {
			send_again(g, node, *form);
			continue;
		}
		*form = g->acts_count;
		send_new_nodes(g, join, node);
	}
}

/*
 * Connects to those that are new, and ends what we have begun with them. With `he`, whose session
 * it is, that ends afterwards; and the others of his that we know already are met, too.
 */
static void meet_all(fli_global *g, fl_term list, const fli_global_node *he)
{
	fli_global_node *node;
	fl_term element;
	uint32_t vsn;
	fl_atom name;

	while (fl_list_next(&list, &element)) {
		if (!fli_global_read_node(g, element, &name, &vsn))
			continue;
		node = fli_global_node_find(g, name);
		if (node != NULL && (node == he || (he == NULL && node->is_known)))
			continue;
		if (he == NULL && node != NULL && node->missed_ms != 0) {
			if (!node->is_up)
				fli_global_meet(g, name); /* as a stranger */
			continue;
		}
		if (node != NULL)
			fli_global_session_drop(g, node);
		fli_global_meet(g, name);
	}
}

/* Of those that were missed the names are there only when the partner of a session knows them. */
static void know_all(fli_global *g, fl_term list, bool with_missed)
{
	const fli_global_node *node;
	fl_term element;
	uint32_t vsn;
	fl_atom name;

	while (fl_list_next(&list, &element)) {
		if (!fli_global_read_node(g, element, &name, &vsn))
			continue;
		node = fli_global_node_find(g, name);
		if (with_missed || node == NULL || node->missed_ms == 0)
			fli_global_make_known(g, name, vsn);
	}
}

static fl_term list_of(const fli_global *g, const fli_buf *buf)
{
	return (fl_term){.data = buf->data, .size = buf->size, .atoms = g->config.atoms};
}

static void apply(fli_global *g, const joining *join)
{
	const fli_global_session *s = join->node->session;
	fli_buf mine;

	fli_buf_create(&mine, g->mem, 0);
	write_ops(&mine, &s->ops, s->ops_count);
	if (mine.failed)
		g->failed = true;
	else
		fli_global_names_apply(g, list_of(g, &mine), join->ext, false);
	fli_buf_destroy(&mine);
	fli_global_names_apply(g, join->his_ops, join->ext, false);
}

static void finish(fli_global *g, fli_global_node *node)
{
	fli_blob resolved = node->session->resolved; /* the session goes before its words */
	joining join = {.node = node};

	node->session->resolved = (fli_blob){.data = NULL};
	if (!fl_match(fli_blob_term(g, &resolved), "{~, ~, ~}", &join.his_ops, &join.known,
		    &join.ext)) {
		fli_blob_free(g, &resolved);
		return;
	}
	apply(g, &join);
	if (!FLI_BUG(global_partition_not_told))
		tell_partition(g, &join);
	meet_all(g, join.known, node);
	fli_global_make_known(g, node->name, node->session->his_vsn);
	know_all(g, join.known, true);
	g->locker.just_synced = true;
	fli_global_session_drop(g, node);
	fli_global_make_synced(g, node);
	fli_blob_free(g, &resolved);
	fli_global_locker_run(g);
	fli_global_registrar_run(g);
}

void fli_global_join_resolved(fli_global *g, fli_global_node *node)
{
	send_resolved(g, node);
	node->session->has_ops = true;
	if (node->session->resolved.data != NULL)
		finish(g, node);
}

static bool on_resolved(fli_global *g, fl_term message)
{
	fl_term ops, known, ext;
	fl_buf kept = FL_BUF_INIT;
	fli_global_node *node;
	fl_atom name;
	int64_t tag;

	if (!fl_match(message, "{resolved, ~, ~, ~, _, ~, ~}", &name, &ops, &known, &ext, &tag))
		return false;
	node = session_of(g, name, tag);
	if (node == NULL || node->session->resolved.data != NULL || !node->session->is_lock_set ||
		is_too_long(g, name, ops, known) || is_too_long(g, name, ext, known))
		return true;
	if (fl_build(&kept, "{~, ~, ~}", ops, known, ext) != FL_OK)
		g->failed = true;
	else if (fli_blob_copy(g, &node->session->resolved, fl_buf_term(&kept)) &&
		 node->session->has_ops)
		finish(g, node);
	fl_buf_free(&kept);
	return true;
}

/* ---- told by others -------------------------------------------------------------------------- */

/* The lock under which this was found out is not held here (any more). */
static bool is_late(const fli_global *g, fl_term extra)
{
	const fli_global_lock *lock = g->lock_own;
	fl_term id;

	return lock == NULL || !fl_get(extra, "lock", &id) || !fl_match(id, "{global, ~}", &id) ||
	       !fl_equal(id, lock->requester);
}

/* The first of the list has joined just now, and all its names are told. */
static void find_newcomer(fli_global *g, fl_term nodes)
{
	fli_global_node *node = NULL;
	fl_term element;
	uint32_t vsn;
	fl_atom name;

	if (fl_list_next(&nodes, &element) && fli_global_read_node(g, element, &name, &vsn))
		node = fli_global_node_find(g, name);
	if (node != NULL)
		fli_global_found(g, node);
}

static bool on_new_nodes(fli_global *g, fl_term message)
{
	fl_term ops, ext, nodes, extra;
	fl_atom from;

	if (!fl_match(message, "{new_nodes, ~, ~, ~, ~, ~}", &from, &ops, &ext, &nodes, &extra))
		return false;
	if (is_too_long(g, from, ops, nodes) || is_too_long(g, from, ext, nodes))
		return true;
	/* who takes us for a member of a partition that we are not in (any more) will meet us */
	if (is_news(g, from))
		return true;
	find_newcomer(g, nodes);
	meet_all(g, nodes, NULL);
	fli_global_names_apply(g, ops, ext, is_late(g, extra));
	know_all(g, nodes, false);
	fli_global_locker_run(g);
	fli_global_registrar_run(g);
	return true;
}

static bool on_in_sync(fli_global *g, fl_term message)
{
	fli_global_node *node;
	fl_atom name;

	if (!fl_match(message, "{in_sync, ~, _}", &name))
		return false;
	node = fli_global_node_find(g, name);
	if (node == NULL || !node->is_up)
		return true;
	if (node->missed_ms != 0) {
		fli_global_meet_anew(g, node); /* we have none of his names */
		return true;
	}
	fli_global_session_drop(g, node);
	fli_global_make_synced(g, node);
	fli_global_doubt(g, node); /* who told him of us tells us of him in a moment */
	fli_global_locker_run(g);
	return true;
}

bool fli_global_join_cast(fli_global *g, fl_term message)
{
	return on_exchange(g, message) || on_resolved(g, message) || on_new_nodes(g, message) ||
	       on_in_sync(g, message);
}
