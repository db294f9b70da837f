/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told of joins and leaves: of one group, or of all.
 *
 *  - A watch is a monitor of its process; the monitor's reference names it, as in OTP.
 *  - Each change is one message for each watch: {Ref, join | leave, Group, Pids}.
 *
 * Failure: a watcher that could not be told for want of memory learns nothing of that change; it
 * has what the members are at any time from the group itself.
 */
#include "pg/scope.h"

#include "node/term/write.h"

static uint64_t hash_of(const fli_scope *scope, const fl_ref *ref)
{
	return fli_hash(scope->table.seed, ref->words, ref->count * sizeof *ref->words);
}

static uint32_t *count_of(fli_scope *scope, const fli_pg_watch *watch)
{
	return watch->group == NULL ? &scope->of_all_count : &watch->group->watches_count;
}

static void unset_group(fli_scope *scope, fli_pg_watch *watch)
{
	if (fli_list_is_empty(&watch->link))
		return; /* there was no room */
	fli_list_remove(&watch->link);
	(*count_of(scope, watch))--;
	if (watch->group != NULL)
		fli_pg_group_tidy(&scope->table, watch->group);
}

static void forget(fli_scope *scope, fli_pg_watch *watch)
{
	(void)fli_map_remove(&scope->watches, hash_of(scope, &watch->ref), &watch->ref);
	unset_group(scope, watch);
	fli_free(scope->table.mem, watch);
}

static int set_group(fli_scope *scope, fli_pg_watch *watch, const fl_term *key)
{
	if (key != NULL && key->size > FLI_SCOPE_KEY_MAX)
		return FL_ELIMIT;
	if (key != NULL)
		watch->group = fli_pg_group_get(&scope->table, *key);
	if (key != NULL && watch->group == NULL)
		return FL_ENOMEM;
	if (*count_of(scope, watch) >= FLI_SCOPE_WATCHES_MAX)
		return FL_ELIMIT; /* so it has watches, and stays */
	(*count_of(scope, watch))++;
	fli_list_append(key == NULL ? &scope->of_all : &watch->group->watches, &watch->link);
	return FL_OK;
}

int fli_scope_watch(fli_scope *scope, const fl_pid *pid, const fl_term *key, fl_ref *ret_ref)
{
	fli_pg_watch *watch;
	int rc;

	if (scope->watches.count >= scope->watches_max)
		return FL_ELIMIT;
	watch = fli_zalloc(scope->table.mem, sizeof *watch);
	if (watch == NULL)
		return FL_ENOMEM;
	watch->pid = *pid;
	fli_list_create(&watch->link);
	rc = set_group(scope, watch, key);
	if (rc == FL_OK)
		rc = scope->ops->monitor(scope->ctx, pid, &watch->ref);
	if (rc != FL_OK) {
		unset_group(scope, watch);
		fli_free(scope->table.mem, watch);
		return rc;
	}
	rc = fli_map_put(&scope->watches, hash_of(scope, &watch->ref), watch);
	if (rc == FL_OK) {
		*ret_ref = watch->ref;
		return FL_OK;
	}
	scope->ops->demonitor(scope->ctx, &watch->ref);
	forget(scope, watch);
	return rc;
}

bool fli_scope_watcher_down(fli_scope *scope, const fl_ref *ref)
{
	fli_pg_watch *watch = fli_map_get(&scope->watches, hash_of(scope, ref), ref);

	if (watch == NULL)
		return false;
	forget(scope, watch);
	return true;
}

bool fli_scope_unwatch(fli_scope *scope, const fl_ref *ref)
{
	if (!fli_scope_watcher_down(scope, ref))
		return false;
	scope->ops->demonitor(scope->ctx, ref);
	return true;
}

void fli_scope_watches_destroy(fli_scope *scope)
{
	fli_pg_watch *watch;
	size_t cursor = 0;

	while ((watch = fli_map_next(&scope->watches, &cursor)) != NULL) {
		fli_list_remove(&watch->link);
		fli_free(scope->table.mem, watch);
	}
	fli_map_destroy(&scope->watches);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(fli_scope *scope, const fli_pg_watch *watch, const fli_scope_change *change)
{
	fli_buf *buf = &scope->out;

	fli_buf_clear(buf, 1 << 16);
	fli_write_tuple(buf, 4);
	fli_write_ref(buf, &watch->ref);
	fli_write_atom(buf, fl_atom_of(change->is_join ? "join" : "leave"));
	fli_buf_add(buf, change->group->key, change->group->size);
	fli_write_list(buf, (uint32_t)change->count);
	for (size_t i = 0; i < change->count; i++) {
		fl_pid pid = fli_pg_pid(change->owner, change->ids[i]);

		fli_write_pid(buf, &pid);
	}
	fli_write_nil(buf);
	if (!buf->failed)
		(void)scope->ops->send(scope->ctx, &watch->pid, fli_scope_built(scope));
}

static void tell_list(fli_scope *scope, const fli_link *head, const fli_scope_change *change)
{
	for (const fli_link *at = head->next; at != head; at = at->next)
		tell(scope, fli_container_of(at, const fli_pg_watch, link), change);
}

void fli_scope_notify(fli_scope *scope, const fli_scope_change *change)
{
	if (change->count == 0)
		return;
	tell_list(scope, &change->group->watches, change);
	tell_list(scope, &scope->of_all, change);
}
