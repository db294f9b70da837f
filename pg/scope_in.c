/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other scopes say.
 *
 *  - A message is looked through once before anything is done: it is taken whole, or refused and
 *    counted. Pids that are not of the sender's node and incarnation are left out and counted.
 *  - A sync is compared group by group. The shares of a peer stand in the order of its last sync,
 *    so that one that says what is known already finds each group where it looks first.
 *  - What a sync does not name has left: such shares stay in front, since each named one goes to
 *    the end.
 *
 * Failure: without memory or room for a member the peer's members are as they are, until a sync
 * that is asked for later; changes in between count for nothing.
 *
 * Departures from OTP: a group that a sync names twice counts once; a member that leaves a group in
 * which it is not is no reason to end.
 */
#include "pg/scope.h"

#include <string.h>

#include "node/base/bug.h"
#include "pg/shape.h"

/* Members and groups a step; some hundred microseconds. */
#define STEP_UNITS 8192

/* ---- members -------------------------------------------------------------------------------- */

void fli_scope_refuse(fli_scope *scope)
{
	scope->counters.refused++;
}

/* A list of pids, as ids in scope->ids, to its end; false: no memory. */
static bool take_list(fli_scope *scope, const fl_pid *owner, fli_cursor *at)
{
	fli_pids pids = {.at = at};
	fli_pid_read what;
	uint64_t id;

	scope->ids_count = 0;
	while ((what = fli_pids_next(&pids, owner, &id)) != FLI_PID_END) {
		if (what == FLI_PID_OWN && !fli_scope_keep_id(scope, id))
			return false;
		if (what == FLI_PID_BAD)
			break; /* no: it was checked */
		scope->counters.foreign += what == FLI_PID_OTHER;
	}
	return true;
}

/* A pid or a list of them. */
static bool take_pids(fli_scope *scope, const fl_pid *owner, fl_term pids)
{
	fli_cursor c = fli_cursor_make(pids.data, pids.size);
	fl_pid pid;

	if (!fli_shape_pid(pids, &pid))
		return take_list(scope, owner, &c);
	scope->ids_count = 0;
	if (pid.creation == owner->creation && fl_atom_eq(pid.node, owner->node))
		return fli_scope_keep_id(scope, fli_pg_id(&pid));
	scope->counters.foreign++;
	return true;
}

/* Memory or room ran out: only a sync makes it good. */
static void lose_track(fli_scope *scope, fli_scope_peer *peer)
{
	peer->wants_sync = true;
	fli_scope_try_later(scope);
}

static void notify(fli_scope *scope, const fli_pg_share *share, const uint64_t *ids, size_t count,
	bool is_join)
{
	const fli_scope_change change = {.group = share->group,
		.owner = share->owner,
		.ids = ids,
		.count = count,
		.is_join = is_join};

	if (count > 0)
		fli_scope_notify(scope, &change);
}

static fli_pg_share *make_share(fli_scope *scope, fli_scope_peer *peer, fl_term key, size_t more)
{
	fli_pg_group *group = fli_pg_group_get(&scope->table, key);
	fli_pg_share *share;

	if (group == NULL)
		return NULL;
	share = fli_pg_share_get(&scope->table, group, &peer->owner);
	if (share == NULL) {
		fli_pg_group_tidy(&scope->table, group);
		return NULL;
	}
	if (fli_pg_share_reserve(&scope->table, share, more) == FL_OK)
		return share;
	if (share->count == 0)
		fli_pg_share_delete(&scope->table, share);
	return NULL;
}

/* scope->ids are they. */
static bool join(fli_scope *scope, fli_scope_peer *peer, fl_term key)
{
	fli_pg_share *share;

	if (scope->ids_count == 0)
		return true;
	share = make_share(scope, peer, key, scope->ids_count);
	if (share == NULL)
		return false;
	for (size_t i = 0; i < scope->ids_count; i++)
		fli_pg_share_add(&scope->table, share, scope->ids[i]);
	notify(scope, share, scope->ids, scope->ids_count, true);
	return true;
}

/* Members of one peer leave one group. scope->ids are they; afterwards those who were in. */
static void leave(fli_scope *scope, fli_scope_peer *peer, fl_term key)
{
	fli_pg_group *group = fli_pg_group_find(&scope->table, key);
	fli_pg_share *share = group == NULL ? NULL : fli_pg_share_find(group, &peer->owner);
	size_t asked = scope->ids_count;

	scope->ids_count =
		share == NULL ? 0 : fli_pg_share_take(&scope->table, share, scope->ids, asked);
	scope->counters.missing += asked - scope->ids_count;
	if (share == NULL)
		return;
	notify(scope, share, scope->ids, scope->ids_count, false);
	if (share->count == 0)
		fli_pg_share_delete(&scope->table, share);
}

/* ---- sync ------------------------------------------------------------------------------------ */

/* What stood first is what such a sync names next, mostly. */
static fli_pg_share *expected(const fli_scope_peer *peer, fl_term key)
{
	fli_pg_share *share;

	if (fli_list_is_empty(&peer->owner.shares))
		return NULL;
	share = fli_container_of(peer->owner.shares.next, fli_pg_share, in_owner);
	return share->group->size == key.size && memcmp(share->group->key, key.data, key.size) == 0
		       ? share
		       : NULL;
}

static fli_pg_share *known(const fli_scope *scope, const fli_scope_peer *peer, fl_term key)
{
	fli_pg_share *share = expected(peer, key);
	fli_pg_group *group;

	if (share != NULL)
		return share;
	group = fli_pg_group_find(&scope->table, key);
	return group == NULL ? NULL : fli_pg_share_find(group, &peer->owner);
}

/* Splits what differs: `was` keeps who left, `is` who joined. Both sorted. */
static void differ(uint64_t *was, size_t *was_count, uint64_t *is, size_t *is_count)
{
	size_t i = 0, j = 0, left = 0, joined = 0;

	while (i < *was_count || j < *is_count) {
		if (j == *is_count || (i < *was_count && was[i] < is[j])) {
			was[left++] = was[i++];
		} else if (i == *was_count || is[j] < was[i]) {
			is[joined++] = is[j++];
		} else {
			i++;
			j++;
		}
	}
	*was_count = left;
	*is_count = joined;
}

/* The share becomes what scope->ids says. */
static bool replace(fli_scope *scope, fli_pg_share *share)
{
	size_t was = share->count, is = scope->ids_count;
	uint64_t *both;

	if (was == is && memcmp(share->ids, scope->ids, is * sizeof *share->ids) == 0)
		return true;
	both = fli_alloc(scope->table.mem, (was + is) * sizeof *both);
	if (both == NULL)
		return false;
	memcpy(both, share->ids, was * sizeof *both);
	memcpy(both + was, scope->ids, is * sizeof *both);
	fli_pg_share_clear(&scope->table, share);
	if (fli_pg_share_reserve(&scope->table, share, is) != FL_OK) {
		for (size_t i = 0; i < was; i++)
			fli_pg_share_add(&scope->table, share, both[i]);
		fli_free(scope->table.mem, both);
		return false;
	}
	for (size_t i = 0; i < is; i++)
		fli_pg_share_add(&scope->table, share, scope->ids[i]);
	fli_pg_ids_sort(both, was);
	fli_pg_ids_sort(both + was, is);
	scope->ids_count = was;
	differ(both, &scope->ids_count, both + was, &is);
	if (!FLI_BUG(pg_watchers_miss_syncs)) {
		notify(scope, share, both, scope->ids_count, false);
		notify(scope, share, both + was, is, true);
	}
	fli_free(scope->table.mem, both);
	return true;
}

static bool sync_group(fli_scope *scope, fli_scope_peer *peer, fl_term key, fli_cursor *pids)
{
	fli_pg_share *share = known(scope, peer, key);

	if (share != NULL && share->round == peer->round) {
		scope->counters.refused++; /* named twice */
		return fli_pids_skip(pids);
	}
	if (!take_list(scope, &peer->owner.pid, pids))
		return false;
	if (scope->ids_count == 0)
		return true; /* as if it were not named */
	if (share == NULL) {
		share = make_share(scope, peer, key, scope->ids_count);
		if (share == NULL)
			return false;
		for (size_t i = 0; i < scope->ids_count; i++)
			fli_pg_share_add(&scope->table, share, scope->ids[i]);
		notify(scope, share, scope->ids, scope->ids_count, true);
	} else if (!replace(scope, share)) {
		return false;
	}
	share->round = peer->round;
	fli_list_remove(&share->in_owner);
	fli_list_append(&peer->owner.shares, &share->in_owner);
	return true;
}

/* The oldest share of the peer goes, if the sync did not name it; how many members. */
static size_t drop_first(fli_scope *scope, fli_scope_peer *peer, bool is_all)
{
	fli_pg_share *share;
	size_t count;

	if (fli_list_is_empty(&peer->owner.shares))
		return 0;
	share = fli_container_of(peer->owner.shares.next, fli_pg_share, in_owner);
	if (!is_all && (share->round == peer->round || FLI_BUG(pg_sync_only_adds)))
		return 0;
	count = share->count;
	notify(scope, share, share->ids, count, false);
	fli_pg_share_delete(&scope->table, share);
	return count;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

/* {Group, Add, Remove}: OTP takes out first. */
static bool do_update(fli_scope *scope, fli_scope_job *job, fl_term key)
{
	const fl_pid *owner = &job->peer->owner.pid;
	fli_cursor *at = &job->entries.at, added = *at;

	if (!fli_pids_skip(at) || !take_list(scope, owner, at))
		return false;
	if (scope->ids_count > 0)
		leave(scope, job->peer, key);
	return take_list(scope, owner, &added) && join(scope, job->peer, key);
}

static bool do_leave(fli_scope *scope, fli_scope_job *job, fl_term key)
{
	if (!take_pids(scope, &job->peer->owner.pid, job->pids))
		return false;
	leave(scope, job->peer, key);
	return true;
}

/* One entry; false: it could not be done. *ret_units: how much it was. */
static bool do_entry(fli_scope *scope, fli_scope_job *job, size_t *ret_units, bool *ret_end)
{
	bool is_leave = job->kind == FLI_JOB_LEAVE, ok;
	fl_term key;

	*ret_end = is_leave ? !fl_list_next(&job->groups, &key)
			    : !fli_entries_next(&job->entries, &key);
	if (*ret_end)
		return true;
	if (is_leave)
		ok = do_leave(scope, job, key);
	else if (job->kind == FLI_JOB_UPDATE)
		ok = do_update(scope, job, key);
	else
		ok = sync_group(scope, job->peer, key, &job->entries.at);
	*ret_units = scope->ids_count + 1 + job->pids.size / 32;
	return ok;
}

/* Whether something is left when the last entry has been done. */
static bool end_of_entries(fli_scope_job *job)
{
	job->kind = job->kind == FLI_JOB_SYNC ? FLI_JOB_UNNAMED : FLI_JOB_DONE;
	return job->kind != FLI_JOB_DONE;
}

static void end_of_drops(fli_scope *scope, fli_scope_job *job)
{
	if (job->kind == FLI_JOB_GONE)
		fli_scope_peer_gone(scope, job->peer);
	else
		job->peer->wants_sync = false;
	job->kind = FLI_JOB_DONE;
}

/* All shares of a peer that is gone, or those that its sync did not name. */
static bool step_drops(fli_scope *scope, fli_scope_job *job)
{
	size_t units = 0, count;

	while (units < STEP_UNITS) {
		count = drop_first(scope, job->peer, job->kind == FLI_JOB_GONE);
		units += count + 1;
		if (count == 0) {
			end_of_drops(scope, job);
			return false;
		}
	}
	return true;
}

bool fli_scope_step(fli_scope *scope, fli_scope_job *job)
{
	size_t units = 0, more = 0;
	bool is_end = false;

	if (job->kind == FLI_JOB_DONE)
		return false;
	if (job->kind == FLI_JOB_GONE || job->kind == FLI_JOB_UNNAMED)
		return step_drops(scope, job);
	while (units < STEP_UNITS) {
		if (!do_entry(scope, job, &more, &is_end)) {
			lose_track(scope, job->peer);
			job->kind = FLI_JOB_DONE;
			return false;
		}
		if (is_end)
			return end_of_entries(job);
		units += more;
	}
	return true;
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* A short question has a long answer, and anybody can ask in the peer's name. */
static void resync(fli_scope *scope, fli_scope_peer *peer)
{
	fli_scope_try_later(scope); /* counts anew then */
	if (peer->resyncs < FLI_SCOPE_RESYNCS_MAX) {
		peer->resyncs++;
		fli_scope_send_sync(scope, peer);
	} else {
		peer->owes_sync = true; /* as soon as the second is over */
	}
}

/* `version` is what a triple ends with: whoever has a greater one than ours takes ours, too. */
static void discover(fli_scope *scope, const fl_pid *pid, fl_term version)
{
	fli_scope_peer *peer = fli_scope_peer_find(scope, pid);
	bool is_new = peer == NULL;
	uint64_t number = 0;

	if (is_new)
		peer = fli_scope_peer_add(scope, pid);
	if (peer == NULL) {
		scope->counters.unknown++;
		return;
	}
	peer->is_v1 = version.data != NULL && fl_match(version, "~", &number) && number > 0;
	/* Nothing is lost between us and a peer that has had our sync: long ones are said once. */
	if (!peer->is_synced)
		fli_scope_send_sync(scope, peer);
	else if (scope->own.members <= FLI_SCOPE_RESYNC_MAX)
		resync(scope, peer);
	/* one that has not told us may have met no room when we asked: it has some again */
	if (is_new || (peer->round == 0 && peer->resyncs < FLI_SCOPE_RESYNCS_MAX))
		fli_scope_send_discover(scope, peer);
}

static void begin_sync(fli_scope *scope, const fl_pid *pid, fl_term content, fli_scope_job *ret_job)
{
	fli_scope_peer *peer = fli_scope_peer_find(scope, pid);

	if (peer == NULL)
		peer = fli_scope_peer_add(scope, pid);
	if (peer == NULL) {
		scope->counters.unknown++;
		return;
	}
	scope->counters.syncs++;
	peer->round++;
	ret_job->kind = FLI_JOB_SYNC;
	ret_job->peer = peer;
	fli_entries_begin(&ret_job->entries, content,
		fl_term_kind(content) == FL_MAP ? FLI_ENTRIES_MAP : FLI_ENTRIES_PAIRS);
}

/* A peer that tells of changes; NULL: it is none, or we have lost track of it. */
static fli_scope_peer *teller(fli_scope *scope, const fl_pid *pid)
{
	fli_scope_peer *peer = fli_scope_peer_find(scope, pid);

	if (peer == NULL)
		scope->counters.unknown++;
	return peer == NULL || peer->wants_sync ? NULL : peer;
}

static void begin_change(fli_scope *scope, fl_term *part, fli_scope_job *ret_job)
{
	fl_pid pid = {.id = 0};
	fli_scope_peer *peer;

	(void)fli_shape_pid(part[1], &pid); /* it was checked */
	peer = teller(scope, &pid);
	if (peer == NULL)
		return;
	ret_job->peer = peer;
	if (fli_shape_is_atom(part[0], "join")) {
		if (!take_pids(scope, &peer->owner.pid, part[3]) || !join(scope, peer, part[2]))
			lose_track(scope, peer);
	} else if (fli_shape_is_atom(part[0], "leave")) {
		ret_job->kind = FLI_JOB_LEAVE;
		ret_job->groups = part[3];
		ret_job->pids = part[2];
	} else {
		ret_job->kind = FLI_JOB_UPDATE;
		fli_entries_begin(&ret_job->entries, part[2], FLI_ENTRIES_UPDATES);
	}
}

void fli_scope_begin(fli_scope *scope, fl_term message, bool is_cast, fli_scope_job *ret_job)
{
	size_t arity = fl_term_arity(message);
	fl_term part[4] = {{.data = NULL}};
	fl_pid pid = {.id = 0};

	if (scope->owes_retry)
		fli_scope_try_later(scope);
	*ret_job = (fli_scope_job){.kind = FLI_JOB_DONE};
	if (arity > 4 || !fli_shape_tuple(message, NULL, arity, part))
		return;                     /* no: it was checked */
	(void)fli_shape_pid(part[1], &pid); /* likewise */
	if (is_cast)
		begin_sync(scope, &pid, part[arity - 1], ret_job);
	else if (fli_shape_is_atom(part[0], "discover"))
		discover(scope, &pid, part[2]);
	else
		begin_change(scope, part, ret_job);
}

void fli_scope_down(fli_scope *scope, const fl_ref *ref, const fl_pid *pid, fli_scope_job *ret_job)
{
	fli_scope_local *local;
	fli_scope_peer *peer;

	*ret_job = (fli_scope_job){.kind = FLI_JOB_DONE};
	if (fli_scope_watcher_down(scope, ref))
		return;
	peer = fli_scope_peer_find(scope, pid);
	if (peer != NULL && fl_ref_eq(&peer->monitor, ref)) {
		*ret_job = (fli_scope_job){.kind = FLI_JOB_GONE, .peer = peer};
		return;
	}
	if (!fl_atom_eq(pid->node, scope->own.pid.node) || pid->creation != scope->own.pid.creation)
		return;
	local = fli_scope_local_find(scope, fli_pg_id(pid));
	if (local != NULL && fl_ref_eq(&local->monitor, ref))
		fli_scope_local_gone(scope, local);
}
