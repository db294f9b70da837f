/* SPDX-License-Identifier: Apache-2.0 */
/* <flitch/pg.h>: what processes ask of scopes, and the same by gen_server calls. */
#include "flitch/pg.h"

#include "node/sched.h"
#include "pg/server.h"
#include "pg/shape.h"

#define IDS_ON_STACK 32

/* ---- what a call needs ------------------------------------------------------------------------
 */

typedef struct asked {
	fl_node *node;
	fli_scope *scope; /* NULL: no such scope */
	fl_term key;
	fli_buf buf;
} asked;

/* Takes the context; what asked_end gives back. */
static int asked_begin(asked *a, fl_proc *self, const char *name, const fl_spec *group)
{
	a->node = fl_self_node(self);
	fli_enter(a->node);
	fli_buf_create(&a->buf, a->node->mem, 0);
	a->scope = fli_pg_scope(a->node, fl_atom_of(name));
	if (a->scope == NULL)
		return FL_ENOPROC;
	if (group == NULL)
		return FL_OK;
	return fli_pg_key_of(a->scope, *group, &a->key);
}

static int asked_end(asked *a, int rc)
{
	fli_buf_destroy(&a->buf);
	fli_leave(a->node);
	return rc;
}

/* ---- members ----------------------------------------------------------------------------------
 */

typedef int change(fli_scope *scope, fl_term group, const fli_scope_pids *pids);

static int change_ids(fl_proc *self, asked *a, const fl_pid *pids, size_t count, change *what)
{
	uint64_t few[IDS_ON_STACK], *ids = few;
	fli_scope_pids all = {.count = count, .as_list = count != 1};
	int rc = FL_OK;

	if (count > IDS_ON_STACK)
		ids = count > SIZE_MAX / sizeof *ids ? NULL
						     : fli_alloc(a->node->mem, count * sizeof *ids);
	if (ids == NULL)
		return FL_ENOMEM;
	for (size_t i = 0; i < count && rc == FL_OK; i++)
		if (!fli_pg_is_own(a->node, &pids[i], &ids[i]))
			rc = FL_EINVAL;
	all.ids = ids;
	if (rc == FL_OK)
		rc = what(a->scope, a->key, &all);
	fli_pg_share_wait(self, a->scope);
	if (ids != few)
		fli_free(a->node->mem, ids);
	return rc;
}

int fl_pg_join_spec(
	fl_proc *self, const char *scope, const fl_pid *pids, size_t count, fl_spec group)
{
	asked a;
	int rc = asked_begin(&a, self, scope, &group);

	(void)fli_gate_is_shut(fl_self_node(self), FLI_GATE_JOIN); /* counts; it waits */
	if (rc == FL_OK)
		rc = change_ids(self, &a, pids, count, fli_scope_join);
	return asked_end(&a, rc);
}

int fl_pg_leave_spec(
	fl_proc *self, const char *scope, const fl_pid *pids, size_t count, fl_spec group)
{
	asked a;
	int rc = asked_begin(&a, self, scope, &group);

	if (rc == FL_OK)
		rc = change_ids(self, &a, pids, count, fli_scope_leave);
	return asked_end(&a, rc);
}

size_t fl_pg_members_spec(fl_proc *self, const char *scope, fl_pg_room room, fl_spec group)
{
	const fli_pg_share *share = NULL;
	const fli_pg_group *found = NULL;
	size_t count = 0;
	asked a;

	if (asked_begin(&a, self, scope, &group) == FL_OK)
		found = fli_pg_group_find(&a.scope->table, a.key);
	while (found != NULL && fli_scope_next(a.scope, found, room.is_local, &share)) {
		for (uint32_t i = 0; i < share->count && count + i < room.size; i++)
			room.pids[count + i] = fli_pg_pid(share->owner, share->ids[i]);
		count += share->count;
	}
	(void)asked_end(&a, FL_OK);
	return count;
}

/* ---- lists ------------------------------------------------------------------------------------
 */

/* What was written goes to the caller's buffer. */
static int give(asked *a, fl_buf *ret)
{
	if (a->buf.failed)
		return FL_ENOMEM;
	return fl_build(ret, "~", fli_term(a->node, a->buf.data, a->buf.size));
}

int fl_pg_groups(fl_proc *self, const char *scope, bool is_local, fl_buf *ret_list)
{
	asked a;
	int rc = asked_begin(&a, self, scope, NULL);

	if (rc == FL_OK) {
		fli_scope_write_groups(a.scope, is_local, &a.buf);
		rc = give(&a, ret_list);
	}
	return asked_end(&a, rc);
}

static int monitor(fl_proc *self, asked *a, const fl_term *key, fl_ref *ret_ref, fl_buf *ret)
{
	fl_pid me = fl_self(self);
	fl_ref ref;
	int rc = fli_scope_watch(a->scope, &me, key, &ref);

	if (rc == FL_OK && ret != NULL) {
		if (key == NULL)
			fli_scope_write_all(a->scope, &a->buf);
		else
			fli_scope_write_members(a->scope, fli_pg_group_find(&a->scope->table, *key),
				false, &a->buf);
		rc = give(a, ret);
		if (rc != FL_OK)
			(void)fli_scope_unwatch(a->scope, &ref); /* it is there */
	}
	if (rc == FL_OK)
		*ret_ref = ref;
	return rc;
}

int fl_pg_monitor_spec(
	fl_proc *self, const char *scope, fl_ref *ret_ref, fl_buf *ret_members, fl_spec group)
{
	asked a;
	int rc = asked_begin(&a, self, scope, &group);

	if (rc == FL_OK)
		rc = monitor(self, &a, &a.key, ret_ref, ret_members);
	return asked_end(&a, rc);
}

int fl_pg_monitor_scope(fl_proc *self, const char *scope, fl_ref *ret_ref, fl_buf *ret_groups)
{
	asked a;
	int rc = asked_begin(&a, self, scope, NULL);

	if (rc == FL_OK)
		rc = monitor(self, &a, NULL, ret_ref, ret_groups);
	return asked_end(&a, rc);
}

int fl_pg_demonitor(fl_proc *self, const char *scope, fl_ref ref)
{
	asked a;
	int rc = asked_begin(&a, self, scope, NULL);

	if (rc == FL_OK && !fli_scope_unwatch(a.scope, &ref))
		rc = FL_ENOENT;
	return asked_end(&a, rc);
}
