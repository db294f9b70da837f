/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a scope: peers, and the members of this node.
 *
 *  - A member of this node is monitored once, however many groups it is in; its list of shares says
 *    what its end takes away.
 *  - A join reserves everything first, so that it happens whole or not at all.
 *
 * Failure: a change that a peer could not be told is made good by a sync, as soon as there is room.
 */
#include "pg/scope.h"

#include <string.h>

#include "node/base/bug.h"

static uint64_t hash_of_id(const fli_scope *scope, uint64_t id)
{
	return fli_hash_mix(scope->table.seed ^ id);
}

static bool local_has_id(const void *item, const void *key)
{
	const fli_scope_local *local = item;

	return local->id == *(const uint64_t *)key;
}

static bool watch_has_ref(const void *item, const void *key)
{
	const fli_pg_watch *watch = item;

	return fl_ref_eq(&watch->ref, key);
}

void fli_scope_create(fli_scope *scope, const fli_scope_start *start)
{
	*scope = (fli_scope){.ops = start->ops,
		.ctx = start->ctx,
		.watches_max = FLI_SCOPE_WATCHES_SUM_MAX,
		.retry_next = FLI_SCOPE_RETRY_FIRST_MS};
	fli_pg_table_create(&scope->table, start->mem, start->seed, start->members_max);
	fli_pg_owner_create(&scope->own, &start->self);
	fli_map_create(&scope->locals, start->mem, local_has_id);
	fli_map_create(&scope->watches, start->mem, watch_has_ref);
	fli_list_create(&scope->peers);
	fli_list_create(&scope->of_all);
	fli_buf_create(&scope->out, start->mem, 0);
	fli_buf_create(&scope->key, start->mem, 0);
}

static void local_free(fli_scope *scope, fli_scope_local *local)
{
	if (local->shares != &local->own)
		fli_free(scope->table.mem, local->shares);
	fli_free(scope->table.mem, local);
}

void fli_scope_destroy(fli_scope *scope)
{
	fli_scope_local *local;
	fli_link *link;
	size_t cursor = 0;

	while ((local = fli_map_next(&scope->locals, &cursor)) != NULL)
		local_free(scope, local);
	fli_map_destroy(&scope->locals);
	fli_scope_watches_destroy(scope);
	fli_pg_table_destroy(&scope->table);
	while ((link = fli_list_pop(&scope->peers)) != NULL)
		fli_free(scope->table.mem, fli_container_of(link, fli_scope_peer, link));
	fli_free(scope->table.mem, scope->ids);
	scope->ids = NULL;
	fli_buf_destroy(&scope->out);
	fli_buf_destroy(&scope->key);
}

/* ---- peers ----------------------------------------------------------------------------------- */

/* Without the node's name being interned: garbage must leave nothing behind. */
fli_scope_peer *fli_scope_peer_find(const fli_scope *scope, const fl_pid *pid)
{
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);

		if (fl_pid_eq(&peer->owner.pid, pid))
			return peer;
	}
	return NULL;
}

static size_t peers_of(const fli_scope *scope, fl_atom node)
{
	size_t count = 0;

	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);

		count += fl_atom_eq(peer->owner.pid.node, node);
	}
	return count;
}

fli_scope_peer *fli_scope_peer_add(fli_scope *scope, const fl_pid *pid)
{
	fl_pid kept = *pid;
	fli_scope_peer *peer;

	if (!scope->ops->is_near(scope->ctx, pid->node, pid->creation, &kept.node) ||
		peers_of(scope, kept.node) >= FLI_SCOPE_PEERS_PER_NODE_MAX)
		return NULL;
	peer = fli_zalloc(scope->table.mem, sizeof *peer);
	if (peer == NULL) {
		fli_scope_ask_all_later(scope);
		return NULL;
	}
	fli_pg_owner_create(&peer->owner, &kept);
	fli_list_append(&scope->peers, &peer->link);
	if (scope->ops->monitor(scope->ctx, &kept, &peer->monitor) == FL_OK)
		return peer;
	fli_scope_peer_remove(scope, peer);
	fli_scope_ask_all_later(scope);
	return NULL;
}

void fli_scope_peer_remove(fli_scope *scope, fli_scope_peer *peer)
{
	fli_list_remove(&peer->link);
	fli_free(scope->table.mem, peer);
}

void fli_scope_peer_gone(fli_scope *scope, fli_scope_peer *peer)
{
	fl_atom node = peer->owner.pid.node, kept;
	bool was_full = peers_of(scope, node) >= FLI_SCOPE_PEERS_PER_NODE_MAX;
	bool is_near = scope->ops->is_near(scope->ctx, node, peer->owner.pid.creation, &kept);

	fli_scope_peer_remove(scope, peer);
	if (was_full)
		fli_scope_node_up(scope, node);
	else if (is_near) /* a node without memory for a monitor says that nobody is there */
		fli_scope_ask_all_later(scope);
}

/* ---- members of this node -------------------------------------------------------------------- */

fli_scope_local *fli_scope_local_find(const fli_scope *scope, uint64_t id)
{
	return fli_map_get(&scope->locals, hash_of_id(scope, id), &id);
}

static void local_delete(fli_scope *scope, fli_scope_local *local)
{
	(void)fli_map_remove(&scope->locals, hash_of_id(scope, local->id), &local->id);
	local_free(scope, local);
}

static fli_scope_local *local_add(fli_scope *scope, uint64_t id)
{
	fli_scope_local *local = fli_alloc(scope->table.mem, sizeof *local);
	fl_pid pid = fli_pg_pid(&scope->own, id);

	if (local == NULL)
		return NULL;
	*local = (fli_scope_local){.id = id, .capacity = 1};
	local->shares = &local->own;
	if (fli_map_put(&scope->locals, hash_of_id(scope, id), local) != FL_OK) {
		local_free(scope, local);
		return NULL;
	}
	if (scope->ops->monitor(scope->ctx, &pid, &local->monitor) == FL_OK)
		return local;
	local_delete(scope, local);
	return NULL;
}

static void local_tidy(fli_scope *scope, fli_scope_local *local)
{
	if (local->count > 0)
		return;
	scope->ops->demonitor(scope->ctx, &local->monitor);
	local_delete(scope, local);
}

static int local_push(fli_scope *scope, fli_scope_local *local, fli_pg_share *share)
{
	bool is_own = local->shares == &local->own;
	fli_pg_share **shares;

	if (local->count == local->capacity) {
		uint32_t capacity = local->capacity < 4 ? 4 : local->capacity * 2;

		shares = fli_realloc(scope->table.mem, is_own ? NULL : local->shares,
			capacity * sizeof(fli_pg_share *));
		if (shares == NULL)
			return FL_ENOMEM;
		if (is_own)
			shares[0] = local->own;
		local->shares = shares;
		local->capacity = capacity;
	}
	local->shares[local->count++] = share;
	return FL_OK;
}

/* Takes so many memberships of that share out of the process's list, in one pass; how many. */
static size_t local_pop(fli_scope_local *local, const fli_pg_share *share, size_t times)
{
	size_t popped = 0;

	for (uint32_t i = local->count; popped < times && i-- > 0;) {
		if (local->shares[i] != share)
			continue;
		local->shares[i] = local->shares[--local->count];
		popped++;
	}
	return popped;
}

static bool leave_one(fli_scope *scope, fli_pg_share *share, uint64_t id)
{
	fli_scope_local *local = fli_scope_local_find(scope, id);

	if (local == NULL || local_pop(local, share, 1) == 0)
		return false;
	(void)fli_pg_share_remove(&scope->table, share, id); /* it is there */
	local_tidy(scope, local);
	return true;
}

static int join_one(fli_scope *scope, fli_pg_share *share, uint64_t id)
{
	fli_scope_local *local = fli_scope_local_find(scope, id);

	if (local == NULL)
		local = local_add(scope, id);
	if (local == NULL)
		return FL_ENOMEM;
	if (local_push(scope, local, share) != FL_OK) {
		local_tidy(scope, local);
		return FL_ENOMEM;
	}
	fli_pg_share_add(&scope->table, share, id);
	return FL_OK;
}

static int join_all(fli_scope *scope, fli_pg_share *share, const fli_scope_pids *pids)
{
	int rc = fli_pg_share_reserve(&scope->table, share, pids->count);
	size_t joined = 0;

	while (rc == FL_OK && joined < pids->count) {
		rc = join_one(scope, share, pids->ids[joined]);
		joined += rc == FL_OK;
	}
	while (rc != FL_OK && joined > 0)
		(void)leave_one(scope, share, pids->ids[--joined]); /* it has just come */
	return rc;
}

static void notify_own(
	fli_scope *scope, fli_pg_group *group, const fli_scope_pids *pids, bool is_join)
{
	const fli_scope_change change = {.group = group,
		.owner = &scope->own,
		.ids = pids->ids,
		.count = pids->count,
		.is_join = is_join};

	if (!scope->is_paused)
		fli_scope_notify(scope, &change);
}

int fli_scope_join(fli_scope *scope, fl_term key, const fli_scope_pids *pids)
{
	fli_pg_group *group;
	fli_pg_share *share;
	int rc;

	if (pids->count == 0)
		return FL_OK;
	group = key.size > FLI_SCOPE_KEY_MAX ? NULL : fli_pg_group_get(&scope->table, key);
	if (group == NULL)
		return key.size > FLI_SCOPE_KEY_MAX ? FL_ELIMIT : FL_ENOMEM;
	share = fli_pg_share_get(&scope->table, group, &scope->own);
	if (share == NULL) {
		fli_pg_group_tidy(&scope->table, group);
		return FL_ENOMEM;
	}
	rc = join_all(scope, share, pids);
	if (rc == FL_OK) {
		notify_own(scope, group, pids, true);
		fli_scope_tell_join(scope, group, pids);
	} else if (share->count == 0) {
		fli_pg_share_delete(&scope->table, share);
	}
	return rc;
}

bool fli_scope_keep_id(fli_scope *scope, uint64_t id)
{
	if (scope->ids_count == scope->ids_capacity) {
		size_t capacity = scope->ids_capacity < 64 ? 64 : scope->ids_capacity * 2;
		uint64_t *ids = fli_realloc(scope->table.mem, scope->ids, capacity * sizeof *ids);

		if (ids == NULL)
			return false;
		scope->ids = ids;
		scope->ids_capacity = capacity;
	}
	scope->ids[scope->ids_count++] = id;
	return true;
}

/* Those who were in leave; `scope->ids` are they. Equal ones of many stand together. */
static int leave_all(fli_scope *scope, fli_pg_share *share, const fli_scope_pids *pids)
{
	size_t end;

	scope->ids_count = 0;
	for (size_t i = 0; i < pids->count; i++)
		if (!fli_scope_keep_id(scope, pids->ids[i]))
			return FL_ENOMEM;
	scope->ids_count = fli_pg_share_take(&scope->table, share, scope->ids, pids->count);
	for (size_t i = 0; i < scope->ids_count; i = end) {
		fli_scope_local *local = fli_scope_local_find(scope, scope->ids[i]);

		for (end = i + 1; end < scope->ids_count && scope->ids[end] == scope->ids[i];)
			end++;
		if (local == NULL)
			continue; /* no: who is in a share of ours is in the list of locals */
		(void)local_pop(local, share, end - i); /* they are there */
		local_tidy(scope, local);
	}
	return scope->ids_count == 0 ? FL_ENOENT : FL_OK;
}

int fli_scope_leave(fli_scope *scope, fl_term key, const fli_scope_pids *pids)
{
	fli_pg_group *group = fli_pg_group_find(&scope->table, key);
	fli_pg_share *share = group == NULL ? NULL : fli_pg_share_find(group, &scope->own);
	fli_scope_pids left = {.as_list = pids->as_list};
	int rc;

	if (share == NULL)
		return FL_ENOENT;
	rc = leave_all(scope, share, pids);
	left.ids = scope->ids;
	left.count = scope->ids_count;
	if (left.count > 0) {
		notify_own(scope, group, &left, false);
		if (!FLI_BUG(pg_leave_not_told))
			fli_scope_tell_leave(scope, key, &left);
	}
	if (share->count == 0 || FLI_BUG(pg_one_leaves_for_all))
		fli_pg_share_delete(&scope->table, share);
	return rc;
}

/* Its memberships are one message; then they are taken out. */
void fli_scope_local_gone(fli_scope *scope, fli_scope_local *local)
{
	const fli_scope_pids one = {.ids = &local->id, .count = 1};

	if (!FLI_BUG(pg_end_not_told))
		fli_scope_tell_end(scope, local);
	for (uint32_t i = 0; i < local->count; i++) {
		fli_pg_share *share = local->shares[i];

		notify_own(scope, share->group, &one, false);
		(void)fli_pg_share_remove(&scope->table, share, local->id); /* it is there */
		if (share->count == 0)
			fli_pg_share_delete(&scope->table, share);
	}
	local_delete(scope, local);
}

/* ---- pause ----------------------------------------------------------------------------------- */

static void tell_all(fli_scope *scope, bool is_join)
{
	for (fli_link *at = scope->own.shares.next; at != &scope->own.shares; at = at->next) {
		fli_pg_share *share = fli_container_of(at, fli_pg_share, in_owner);
		const fli_scope_change change = {.group = share->group,
			.owner = &scope->own,
			.ids = share->ids,
			.count = share->count,
			.is_join = is_join};

		fli_scope_notify(scope, &change);
	}
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);

		if (peer->is_synced)
			fli_scope_send_sync(scope, peer);
	}
}

void fli_scope_pause(fli_scope *scope)
{
	if (scope->is_paused)
		return;
	scope->is_paused = true;
	tell_all(scope, false);
}

void fli_scope_resume(fli_scope *scope)
{
	if (!scope->is_paused)
		return;
	scope->is_paused = false;
	tell_all(scope, true);
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool fli_scope_next(const fli_scope *scope, const fli_pg_group *group, bool is_local,
	const fli_pg_share **share)
{
	const fli_pg_share *at = *share == NULL ? group->first : (*share)->next;

	for (; at != NULL; at = at->next) {
		bool is_own = at->owner == &scope->own;

		if (is_own ? !scope->is_paused : !is_local)
			break;
	}
	*share = at;
	return at != NULL;
}
