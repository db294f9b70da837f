/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scope says to others: in the words of OTP 23 to 28 (version 0), and in those of 29
 * (version 1) to whoever has spoken so.
 *
 *     0   {discover, P}      {sync, P, [{G, Xs}]}          {join, P, G, X}, {leave, P, X, Gs}
 *     1   {discover, P, 1}   {local_data, P, 1, #{G => Xs}}   {update, P, [{G, Add, Remove}]}
 *
 *  - A change goes to the peers that have had our sync, and to no other: a member that leaves a
 *    group which the peer does not know would end its scope process (up to OTP 28).
 *  - The first discover is the pair: 23 to 25 end at a triple, and who sends one is at least a 29.
 *
 * Failure: a peer that could not be told is sent a sync later, which replaces all that it knows. A
 * group whose name a peer cannot take (a native record, say) is missing there, and only that.
 */
#include "pg/scope.h"

#include "node/term/write.h"

#define BUFFER_KEEP (1 << 16)
#define VERSION 1 /* of the words that a 29 is told that we take */

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
	scope->owes_retry = !scope->ops->retry(scope->ctx, scope->retry_next);
	if (scope->owes_retry)
		return;
	scope->retry_ms = scope->retry_next;
	if (scope->retry_next < FLI_SCOPE_RETRY_MAX_MS)
		scope->retry_next *= 2;
}

void fli_scope_ask_all_later(fli_scope *scope)
{
	scope->asks_all = true;
	fli_scope_try_later(scope);
}

static void owe_sync(fli_scope *scope, fli_scope_peer *peer)
{
	peer->owes_sync = true;
	peer->is_synced = false; /* nothing but a sync until then */
	fli_scope_try_later(scope);
}

/* ---- discover, sync -------------------------------------------------------------------------- */

static void build_discover(fli_scope *scope, bool is_v1)
{
	fli_buf *buf = open_message(scope);

	fli_write_tuple(buf, is_v1 ? 3 : 2);
	fli_write_atom(buf, fl_atom_of("discover"));
	fli_write_pid(buf, &scope->own.pid);
	if (is_v1)
		fli_write_uint(buf, VERSION);
}

void fli_scope_node_up(fli_scope *scope, fl_atom node)
{
	int rc = FL_ENOMEM;

	build_discover(scope, false);
	if (!scope->out.failed)
		rc = scope->ops->send_named(scope->ctx, node, fli_scope_built(scope));
	if (rc != FL_OK && rc != FL_ENOCONN)
		fli_scope_ask_all_later(scope);
}

void fli_scope_send_discover(fli_scope *scope, const fli_scope_peer *peer)
{
	build_discover(scope, peer->is_v1);
	if (send_built(scope, &peer->owner.pid) != FL_OK)
		fli_scope_ask_all_later(scope);
}

static void write_pids(
	fli_buf *buf, const fli_pg_owner *owner, const uint64_t *ids, size_t count, bool as_list)
{
	if (as_list && count > 0)
		fli_write_list(buf, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		fl_pid pid = fli_pg_pid(owner, ids[i]);

		fli_write_pid(buf, &pid);
	}
	if (as_list)
		fli_write_nil(buf);
}

static void open_sync(fli_scope *scope, bool is_v1)
{
	fli_buf *buf = open_message(scope);

	fli_write_tuple(buf, 2);
	fli_write_atom(buf, fl_atom_of("$gen_cast"));
	fli_write_tuple(buf, is_v1 ? 4 : 3);
	fli_write_atom(buf, fl_atom_of(is_v1 ? "local_data" : "sync"));
	fli_write_pid(buf, &scope->own.pid);
	if (is_v1)
		fli_write_uint(buf, VERSION);
}

/* {'$gen_cast', {sync, Self, [{Group, [Pid]}]}} or {.., {local_data, Self, 1, #{Group => [Pid]}}}
 */
static void build_sync(fli_scope *scope, bool is_v1, bool is_empty)
{
	uint32_t count = is_empty ? 0 : scope->own.shares_count;
	fli_buf *buf = &scope->out;

	open_sync(scope, is_v1);
	if (is_v1)
		fli_write_map(buf, count);
	else if (count > 0)
		fli_write_list(buf, count);
	for (fli_link *at = scope->own.shares.next; count > 0 && at != &scope->own.shares;
		at = at->next) {
		fli_pg_share *share = fli_container_of(at, fli_pg_share, in_owner);

		if (!is_v1)
			fli_write_tuple(buf, 2);
		fli_buf_add(buf, share->group->key, share->group->size);
		write_pids(buf, share->owner, share->ids, share->count, true);
	}
	if (!is_v1)
		fli_write_nil(buf);
}

static fli_buf *open_change(fli_scope *scope, const char *word, uint32_t arity)
{
	fli_buf *buf = open_message(scope);

	fli_write_tuple(buf, arity);
	fli_write_atom(buf, fl_atom_of(word));
	fli_write_pid(buf, &scope->own.pid);
	return buf;
}

/* {join, Self, Group, Pid | [Pid]} */
static void build_join(fli_scope *scope, fl_term group, const fli_scope_pids *pids)
{
	fli_buf *buf = open_change(scope, "join", 4);

	fli_write_term(buf, group);
	write_pids(buf, &scope->own, pids->ids, pids->count, pids->as_list);
}

static void write_update(const fli_scope *scope, fli_buf *buf, fl_term group,
	const fli_scope_pids *pids, bool is_join)
{
	fli_write_tuple(buf, 3);
	fli_write_term(buf, group);
	write_pids(buf, &scope->own, pids->ids, is_join ? pids->count : 0, true);
	write_pids(buf, &scope->own, pids->ids, is_join ? 0 : pids->count, true);
}

/* {update, Self, [{Group, Add, Remove}]} */
static void build_update(fli_scope *scope, fl_term group, const fli_scope_pids *pids, bool is_join)
{
	fli_buf *buf = open_change(scope, "update", 3);

	fli_write_list(buf, 1);
	write_update(scope, buf, group, pids, is_join);
	fli_write_nil(buf);
}

/* The peer cannot take some group's name: the others, one by one. */
static int send_pieces(fli_scope *scope, fli_scope_peer *peer)
{
	int rc;

	build_sync(scope, peer->is_v1, true);
	rc = send_built(scope, &peer->owner.pid);
	for (fli_link *at = scope->own.shares.next; rc == FL_OK && at != &scope->own.shares;
		at = at->next) {
		fli_pg_share *share = fli_container_of(at, fli_pg_share, in_owner);
		const fli_scope_pids pids = {share->ids, share->count, true};

		if (peer->is_v1)
			build_update(scope, fli_pg_key(share->group), &pids, true);
		else
			build_join(scope, fli_pg_key(share->group), &pids);
		rc = send_built(scope, &peer->owner.pid);
		if (rc == FL_ENOTSUP)
			rc = FL_OK;
	}
	return rc;
}

void fli_scope_send_sync(fli_scope *scope, fli_scope_peer *peer)
{
	int rc;

	build_sync(scope, peer->is_v1, scope->is_paused);
	rc = send_built(scope, &peer->owner.pid);
	if (rc == FL_ENOTSUP)
		rc = send_pieces(scope, peer);
	peer->is_synced = true;
	peer->owes_sync = false;
	if (rc != FL_OK)
		owe_sync(scope, peer);
}

/* ---- changes --------------------------------------------------------------------------------- */

/*
 * To those of one version. A single group that the peer cannot take was never told to it, and needs
 * not be taken back.
 */
static void broadcast(fli_scope *scope, bool is_v1, bool is_single)
{
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);
		int rc = FL_OK;

		if (peer->is_synced && peer->is_v1 == is_v1)
			rc = send_built(scope, &peer->owner.pid);
		if (rc != FL_OK && !(rc == FL_ENOTSUP && is_single))
			owe_sync(scope, peer);
	}
}

/* Whether anybody is to be told in the words of that version. */
static bool has_listeners(const fli_scope *scope, bool is_v1)
{
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		const fli_scope_peer *peer = fli_container_of(at, const fli_scope_peer, link);

		if (peer->is_synced && peer->is_v1 == is_v1)
			return !scope->is_paused;
	}
	return false;
}

void fli_scope_tell_join(fli_scope *scope, const fli_pg_group *group, const fli_scope_pids *pids)
{
	scope->counters.joins += pids->count;
	if (has_listeners(scope, false)) {
		build_join(scope, fli_pg_key(group), pids);
		broadcast(scope, false, true);
	}
	if (has_listeners(scope, true)) {
		build_update(scope, fli_pg_key(group), pids, true);
		broadcast(scope, true, true);
	}
}

/* {leave, Self, Pid | [Pid], [Group]} */
static void build_leave(fli_scope *scope, fl_term group, const fli_scope_pids *pids)
{
	fli_buf *buf = open_change(scope, "leave", 4);

	write_pids(buf, &scope->own, pids->ids, pids->count, pids->as_list);
	fli_write_list(buf, 1);
	fli_write_term(buf, group);
	fli_write_nil(buf);
}

void fli_scope_tell_leave(fli_scope *scope, fl_term group, const fli_scope_pids *pids)
{
	scope->counters.leaves += pids->count;
	if (has_listeners(scope, false)) {
		build_leave(scope, group, pids);
		broadcast(scope, false, true);
	}
	if (has_listeners(scope, true)) {
		build_update(scope, group, pids, false);
		broadcast(scope, true, true);
	}
}

/* {leave, Self, Pid, Groups}: a group stands there once for each membership. */
static void build_end(fli_scope *scope, const fli_scope_local *local)
{
	fli_buf *buf = open_change(scope, "leave", 4);

	write_pids(buf, &scope->own, &local->id, 1, false);
	fli_write_list(buf, local->count);
	for (uint32_t i = 0; i < local->count; i++)
		fli_write_term(buf, fli_pg_key(local->shares[i]->group));
	fli_write_nil(buf);
}

static void build_end_update(fli_scope *scope, const fli_scope_local *local)
{
	const fli_scope_pids one = {.ids = &local->id, .count = 1};
	fli_buf *buf = open_change(scope, "update", 3);

	fli_write_list(buf, local->count);
	for (uint32_t i = 0; i < local->count; i++)
		write_update(scope, buf, fli_pg_key(local->shares[i]->group), &one, false);
	fli_write_nil(buf);
}

void fli_scope_tell_end(fli_scope *scope, const fli_scope_local *local)
{
	scope->counters.leaves += local->count;
	if (local->count == 0)
		return;
	if (has_listeners(scope, false)) {
		build_end(scope, local);
		broadcast(scope, false, local->count == 1);
	}
	if (has_listeners(scope, true)) {
		build_end_update(scope, local);
		broadcast(scope, true, local->count == 1);
	}
}

/* ---- trying again ---------------------------------------------------------------------------- */

bool fli_scope_retry(fli_scope *scope)
{
	bool asks_all = scope->asks_all;

	if (scope->retry_ms == 0)
		return false; /* anybody may send a message that looks like our timer */
	scope->retry_ms = 0;
	scope->asks_all = false;
	for (fli_link *at = scope->peers.next; at != &scope->peers; at = at->next) {
		fli_scope_peer *peer = fli_container_of(at, fli_scope_peer, link);

		peer->resyncs = 0;
		if (peer->owes_sync)
			fli_scope_send_sync(scope, peer);
		if (peer->wants_sync)
			fli_scope_send_discover(scope, peer);
	}
	if (scope->retry_ms == 0)
		scope->retry_next = FLI_SCOPE_RETRY_FIRST_MS;
	return asks_all;
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
