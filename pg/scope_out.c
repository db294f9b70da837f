/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scope says to others, in the words of OTP 23 to 28, which 29 understands.
 *
 *  - A change goes to the peers that have had our sync, and to no other: a member that leaves a
 *    group which the peer does not know would end its scope process (up to OTP 28).
 *  - The discover is the pair: 23 to 25 end at a triple.
 *
 * Failure: a peer that could not be told is sent a sync later, which replaces all that it knows. A
 * group whose name a peer cannot take (a native record, say) is missing there, and only that.
 */
#include "pg/scope.h"

#include "node/term/write.h"

#define BUFFER_KEEP (1 << 16)

fl_term fli_scope_built(const fli_scope *scope)
{
	return (fl_term){.data = scope->out.data, .size = scope->out.size};
}

static fli_buf *open_message(fli_scope *scope)
{
	fli_buf_clear(&scope->out, BUFFER_KEEP);
	return &scope->out;
}

static int send_built(fli_scope *scope, const fl_pid *to)
{
	int rc;

	if (scope->out.failed)
		return FL_ENOMEM;
	rc = scope->ops->send(scope->ctx, to, fli_scope_built(scope));
	return rc == FL_ENOCONN || rc == FL_ENOPROC ? FL_OK : rc; /* its 'DOWN' is on the way */
}

void fli_scope_try_later(fli_scope *scope)
{
	if (scope->retry_ms != 0)
		return;
	scope->retry_ms = scope->retry_next;
	if (scope->retry_next < FLI_SCOPE_RETRY_MAX_MS)
		scope->retry_next *= 2;
	scope->ops->retry(scope->ctx, scope->retry_ms);
}

static void owe_sync(fli_scope *scope, fli_scope_peer *peer)
{
	peer->owes_sync = true;
	peer->is_synced = false; /* nothing but a sync until then */
	fli_scope_try_later(scope);
}

/* ---- discover, sync -------------------------------------------------------------------------- */

/* {discover, Self}, to a pid, or by name to a node (a pid that is nothing but its node). */
void fli_scope_send_discover(fli_scope *scope, const fl_pid *to)
{
	fli_buf *buf = open_message(scope);

	fli_write_tuple(buf, 2);
	fli_write_atom(buf, fl_atom_of("discover"));
	fli_write_pid(buf, &scope->own.pid);
	if (buf->failed)
		return; /* the other one discovers us, or comes again */
	if (to->creation == 0)
		scope->ops->send_named(scope->ctx, to->node, fli_scope_built(scope));
	else
		(void)send_built(scope, to); /* as above */
}

static void write_share(fli_buf *buf, const fli_pg_share *share)
{
	fli_write_list(buf, share->count);
	for (uint32_t i = 0; i < share->count; i++) {
		fl_pid pid = fli_pg_pid(share->owner, share->ids[i]);

		fli_write_pid(buf, &pid);
	}
	fli_write_nil(buf);
}

/* {'$gen_cast', {sync, Self, [{Group, [Pid]}]}} */
static void build_sync(fli_scope *scope, bool is_empty)
{
	fli_buf *buf = open_message(scope);

	fli_write_tuple(buf, 2);
	fli_write_atom(buf, fl_atom_of("$gen_cast"));
	fli_write_tuple(buf, 3);
	fli_write_atom(buf, fl_atom_of("sync"));
	fli_write_pid(buf, &scope->own.pid);
	if (!is_empty && scope->own.shares_count > 0) {
		fli_write_list(buf, scope->own.shares_count);
		for (fli_link *at = scope->own.shares.next; at != &scope->own.shares;
			at = at->next) {
			fli_pg_share *share = fli_container_of(at, fli_pg_share, in_owner);

			fli_write_tuple(buf, 2);
			fli_buf_add(buf, share->group->key, share->group->size);
			write_share(buf, share);
		}
	}
	fli_write_nil(buf);
}

static void build_join(fli_scope *scope, const fli_pg_group *group, const fli_scope_pids *pids)
{
	fli_buf *buf = open_message(scope);
	fl_pid pid;

	fli_write_tuple(buf, 4);
	fli_write_atom(buf, fl_atom_of("join"));
	fli_write_pid(buf, &scope->own.pid);
	fli_buf_add(buf, group->key, group->size);
	if (pids->as_list)
		fli_write_list(buf, (uint32_t)pids->count);
	for (size_t i = 0; i < pids->count; i++) {
		pid = fli_pg_pid(&scope->own, pids->ids[i]);
		fli_write_pid(buf, &pid);
	}
	if (pids->as_list)
		fli_write_nil(buf);
}

/* The peer cannot take some group's name: the others, one by one. */
static int send_pieces(fli_scope *scope, fli_scope_peer *peer)
{
	int rc;

	build_sync(scope, true);
	rc = send_built(scope, &peer->owner.pid);
	for (fli_link *at = scope->own.shares.next; rc == FL_OK && at != &scope->own.shares;
		at = at->next) {
		fli_pg_share *share = fli_container_of(at, fli_pg_share, in_owner);
		const fli_scope_pids pids = {share->ids, share->count, true};

		build_join(scope, share->group, &pids);
		rc = send_built(scope, &peer->owner.pid);
		if (rc == FL_ENOTSUP)
			rc = FL_OK;
	}
	return rc;
}

void fli_scope_send_sync(fli_scope *scope, fli_scope_peer *peer)
{
	int rc;

	build_sync(scope, scope->is_paused);
	rc = send_built(scope, &peer->owner.pid);
	if (rc == FL_ENOTSUP)
		rc = send_pieces(scope, peer);
	peer->is_synced = true;
	peer->owes_sync = false;
	if (rc != FL_OK)
		owe_sync(scope, peer);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* A single group that the peer cannot take was never told to it, and needs not be taken back. */
static void broadcast(fli_scope *scope, bool is_single)
{
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);
		int rc = peer->is_synced ? send_built(scope, &peer->owner.pid) : FL_OK;

		if (rc != FL_OK && !(rc == FL_ENOTSUP && is_single))
			owe_sync(scope, peer);
	}
}

static bool has_listeners(const fli_scope *scope)
{
	return !scope->is_paused && !fli_list_is_empty(&scope->peers);
}

/* {join, Self, Group, Pid | [Pid]} */
void fli_scope_tell_join(fli_scope *scope, const fli_pg_group *group, const fli_scope_pids *pids)
{
	scope->counters.joins += pids->count;
	if (!has_listeners(scope))
		return;
	build_join(scope, group, pids);
	broadcast(scope, true);
}

/* {leave, Self, Pid | [Pid], [Group]} */
void fli_scope_tell_leave(fli_scope *scope, fl_term group, const fli_scope_pids *pids)
{
	fli_buf *buf;
	fl_pid pid;

	scope->counters.leaves += pids->count;
	if (!has_listeners(scope))
		return;
	buf = open_message(scope);
	fli_write_tuple(buf, 4);
	fli_write_atom(buf, fl_atom_of("leave"));
	fli_write_pid(buf, &scope->own.pid);
	if (pids->as_list)
		fli_write_list(buf, (uint32_t)pids->count);
	for (size_t i = 0; i < pids->count; i++) {
		pid = fli_pg_pid(&scope->own, pids->ids[i]);
		fli_write_pid(buf, &pid);
	}
	if (pids->as_list)
		fli_write_nil(buf);
	fli_write_list(buf, 1);
	fli_write_term(buf, group);
	fli_write_nil(buf);
	broadcast(scope, true);
}

/* {leave, Self, Pid, Groups}: a group stands there once for each membership. */
void fli_scope_tell_end(fli_scope *scope, const fli_scope_local *local)
{
	fl_pid pid = fli_pg_pid(&scope->own, local->id);
	fli_buf *buf;

	scope->counters.leaves += local->count;
	if (!has_listeners(scope) || local->count == 0)
		return;
	buf = open_message(scope);
	fli_write_tuple(buf, 4);
	fli_write_atom(buf, fl_atom_of("leave"));
	fli_write_pid(buf, &scope->own.pid);
	fli_write_pid(buf, &pid);
	fli_write_list(buf, local->count);
	for (uint32_t i = 0; i < local->count; i++)
		fli_buf_add(buf, local->shares[i]->group->key, local->shares[i]->group->size);
	fli_write_nil(buf);
	broadcast(scope, local->count == 1);
}

/* ---- trying again ---------------------------------------------------------------------------- */

void fli_scope_retry(fli_scope *scope)
{
	if (scope->retry_ms == 0)
		return; /* anybody may send a message that looks like our timer */
	scope->retry_ms = 0;
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);

		if (peer->owes_sync)
			fli_scope_send_sync(scope, peer);
		if (peer->wants_sync)
			fli_scope_send_discover(scope, &peer->owner.pid);
	}
	if (scope->retry_ms == 0)
		scope->retry_next = FLI_SCOPE_RETRY_FIRST_MS;
}

/* ---- for who asks ---------------------------------------------------------------------------- */

static uint32_t count_members(const fli_scope *scope, const fli_pg_group *group, bool is_local)
{
	const fli_pg_share *share = NULL;
	uint32_t count = 0;

	while (group != NULL && fli_scope_next(scope, group, is_local, &share))
		count += share->count;
	return count;
}

void fli_scope_write_members(
	const fli_scope *scope, const fli_pg_group *group, bool is_local, fli_buf *buf)
{
	uint32_t count = count_members(scope, group, is_local);
	const fli_pg_share *share = NULL;

	if (count > 0)
		fli_write_list(buf, count);
	while (count > 0 && fli_scope_next(scope, group, is_local, &share)) {
		for (uint32_t i = 0; i < share->count; i++) {
			fl_pid pid = fli_pg_pid(share->owner, share->ids[i]);

			fli_write_pid(buf, &pid);
		}
	}
	fli_write_nil(buf);
}

/* The next group that has members to be seen. */
static const fli_pg_group *next_group(const fli_scope *scope, bool is_local, size_t *cursor)
{
	const fli_pg_group *group;

	while ((group = fli_map_next(&scope->table.groups, cursor)) != NULL)
		if (count_members(scope, group, is_local) > 0)
			break;
	return group;
}

static uint32_t count_groups(const fli_scope *scope, bool is_local)
{
	uint32_t count = 0;
	size_t cursor = 0;

	while (next_group(scope, is_local, &cursor) != NULL)
		count++;
	return count;
}

void fli_scope_write_groups(const fli_scope *scope, bool is_local, fli_buf *buf)
{
	uint32_t count = count_groups(scope, is_local);
	const fli_pg_group *group;
	size_t cursor = 0;

	if (count > 0)
		fli_write_list(buf, count);
	while ((group = next_group(scope, is_local, &cursor)) != NULL)
		fli_buf_add(buf, group->key, group->size);
	fli_write_nil(buf);
}

void fli_scope_write_all(const fli_scope *scope, fli_buf *buf)
{
	const fli_pg_group *group;
	size_t cursor = 0;

	fli_write_map(buf, count_groups(scope, false));
	while ((group = next_group(scope, false, &cursor)) != NULL) {
		fli_buf_add(buf, group->key, group->size);
		fli_scope_write_members(scope, group, false, buf);
	}
}
