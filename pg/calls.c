/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OTP's pg asks of its scope by gen_server calls: it is the same for a caller elsewhere.
 *
 *     23 to 28   {join_local, G, X}  {leave_local, G, X}  monitor  {monitor, G}  {demonitor, Ref}
 *     29         {update, [{G, Add, Remove}]}  {subscribe, scope}  {subscribe, {group, G}}
 *                {unsubscribe, Ref}
 *
 * Failure: whoever asks for anything else is told {error, notsup}, and it is counted; OTP's scope
 * would end.
 */
#include "node/sched.h"
#include "pg/server.h"
#include "pg/shape.h"

/* ---- members ----------------------------------------------------------------------------------
 */

static bool add_own(fl_node *node, fli_scope *scope, fl_term term, bool *ret_ok)
{
	uint64_t id;
	fl_pid pid;

	*ret_ok = fli_shape_pid(term, &pid) && fli_pg_is_own(node, &pid, &id);
	return *ret_ok && fli_scope_keep_id(scope, id);
}

int fli_pg_change(fl_node *node, fli_scope *scope, bool is_join, fl_term key, fl_term pids)
{
	fli_scope_pids all = {.as_list = fli_shape_is_list(pids)};
	fl_term element;
	bool ok = true;
	int rc;

	scope->ids_count = 0;
	if (!all.as_list)
		rc = add_own(node, scope, pids, &ok) ? FL_OK : FL_ENOMEM;
	else
		for (rc = FL_OK; rc == FL_OK && fl_list_next(&pids, &element);)
			rc = add_own(node, scope, element, &ok) ? FL_OK : FL_ENOMEM;
	if (!ok || (all.as_list && rc == FL_OK && fl_term_kind(pids) != FL_NIL))
		return FL_EINVAL;
	if (rc != FL_OK)
		return rc;
	all.ids = scope->ids;
	all.count = scope->ids_count;
	/* the array is the scope's own: the calls take it over and use another */
	scope->ids = NULL;
	scope->ids_count = scope->ids_capacity = 0;
	if (is_join)
		(void)fli_gate_is_shut(node, FLI_GATE_JOIN); /* counts; it waits */
	rc = is_join ? fli_scope_join(scope, key, &all) : fli_scope_leave(scope, key, &all);
	fli_free(node->mem, (void *)(uintptr_t)all.ids);
	return rc;
}

static int reply_code(fl_from from, int rc)
{
	switch (rc) {
	case FL_OK: return fl_reply(from, "ok");
	case FL_ENOENT: return fl_reply(from, "not_joined");
	default: return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
	}
}

static int update(fl_node *node, fli_scope *scope, fl_term list)
{
	fl_term entry, key, add, remove;
	int rc = FL_OK;

	while (rc == FL_OK && fl_list_next(&list, &entry)) {
		if (fl_term_arity(entry) != 3 || !fl_tuple_get(entry, 0, &key) ||
			!fl_tuple_get(entry, 1, &add) || !fl_tuple_get(entry, 2, &remove))
			return FL_EINVAL;
		rc = fli_pg_change(node, scope, false, key, remove);
		if (rc == FL_OK || rc == FL_ENOENT)
			rc = fli_pg_change(node, scope, true, key, add);
	}
	return rc == FL_OK && fl_term_kind(list) != FL_NIL ? FL_EINVAL : rc;
}

/* ---- watches ----------------------------------------------------------------------------------
 */

static int watch(fl_node *node, fli_scope *scope, fl_from from, const fl_term *key)
{
	fl_pid pid;
	fl_ref ref;
	fli_buf buf;
	int rc = fl_from_pid(from, &pid) ? fli_scope_watch(scope, &pid, key, &ref) : FL_EINVAL;

	if (rc != FL_OK)
		return reply_code(from, rc);
	fli_buf_create(&buf, node->mem, 0);
	if (key == NULL)
		fli_scope_write_all(scope, &buf);
	else
		fli_scope_write_members(scope, fli_pg_group_find(&scope->table, *key), false, &buf);
	if (buf.failed)
		rc = fl_reply(from, "{error, enomem}");
	else
		rc = fl_reply(from, "{~, ~}", ref, fli_term(node, buf.data, buf.size));
	fli_buf_destroy(&buf);
	return rc;
}

static int unwatch(fli_scope *scope, fl_from from, fl_term term, bool is_29)
{
	fl_ref ref;
	bool was_there = fli_shape_ref(term, &ref) && fli_scope_unwatch(scope, &ref);

	return was_there || is_29 ? fl_reply(from, "ok") : fl_reply(from, "false");
}

/* ---- which ------------------------------------------------------------------------------------
 */

/* False: not one of these. */
static bool answer_watch(
	fl_node *node, fli_scope *scope, fl_from from, fl_term request, int *ret_rc)
{
	fl_term part[3], inner[2];
	bool is_29;

	if (fli_shape_is_atom(request, "monitor"))
		*ret_rc = watch(node, scope, from, NULL);
	else if (fli_shape_tuple(request, "monitor", 2, part))
		*ret_rc = watch(node, scope, from, &part[1]);
	else if (fli_shape_tuple(request, "subscribe", 2, part) &&
		 fli_shape_is_atom(part[1], "scope"))
		*ret_rc = watch(node, scope, from, NULL);
	else if (fli_shape_tuple(request, "subscribe", 2, part) &&
		 fli_shape_tuple(part[1], "group", 2, inner))
		*ret_rc = watch(node, scope, from, &inner[1]);
	else if ((is_29 = fli_shape_tuple(request, "unsubscribe", 2, part)) ||
		 fli_shape_tuple(request, "demonitor", 2, part))
		*ret_rc = unwatch(scope, from, part[1], is_29);
	else
		return false;
	return true;
}

static int answer(fl_node *node, fli_scope *scope, fl_from from, fl_term request)
{
	fl_term part[3];
	int rc;

	if (answer_watch(node, scope, from, request, &rc))
		return rc;
	if (fli_shape_tuple(request, "join_local", 3, part))
		return reply_code(from, fli_pg_change(node, scope, true, part[1], part[2]));
	if (fli_shape_tuple(request, "leave_local", 3, part))
		return reply_code(from, fli_pg_change(node, scope, false, part[1], part[2]));
	if (fli_shape_tuple(request, "update", 2, part))
		return reply_code(from, update(node, scope, part[1]));
	fli_scope_refuse(scope);
	return fl_reply(from, "{error, notsup}");
}

int fli_pg_call(fl_proc *self, fli_scope *scope, fl_from from, fl_term request)
{
	fl_node *node = fl_self_node(self);
	int rc;

	fli_enter(node);
	rc = answer(node, scope, from, request);
	fli_leave(node);
	return rc;
}
