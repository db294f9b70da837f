/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks, as one node serves them to all: a resource has one requester, and who holds it in that
 * name. The cluster's part is its callers', who ask every node.
 *
 *  - The same requester may hold through several processes; the last one frees the resource.
 *  - A holder's end frees what it held. Where that was the lock `global` this is remembered until
 *    the lock is given back in order: names that come later under it are from a dead node.
 */
#include <string.h>

#include "dist/global_state.h"

fli_global_lock *fli_global_lock_find(const fli_global *g, fl_term resource)
{
	for (fli_link *l = g->locks.next; l != &g->locks; l = l->next) {
		fli_global_lock *lock = fli_container_of(l, fli_global_lock, link);

		if (fl_equal(lock->resource, resource))
			return lock;
	}
	return NULL;
}

static bool is_own(fl_term resource)
{
	return fl_match(resource, "global");
}

fli_global_lock *fli_global_lock_own(const fli_global *g)
{
	for (fli_link *l = g->locks.next; l != &g->locks; l = l->next) {
		fli_global_lock *lock = fli_container_of(l, fli_global_lock, link);

		if (is_own(lock->resource))
			return lock;
	}
	return NULL;
}

static fli_global_hold *find_hold(const fli_global_lock *lock, const fl_pid *pid)
{
	for (fli_link *l = lock->holds.next; l != &lock->holds; l = l->next) {
		fli_global_hold *hold = fli_container_of(l, fli_global_hold, in_lock);

		if (fl_pid_eq(&hold->pid->pid, pid))
			return hold;
	}
	return NULL;
}

bool fli_global_lock_has(const fli_global_lock *lock, const fl_pid *pid)
{
	return find_hold(lock, pid) != NULL;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static fli_global_lock *make(fli_global *g, fl_term resource, fl_term requester)
{
	fli_global_lock *lock = NULL;
	size_t split;
	fli_buf buf;

	fli_buf_create(&buf, g->mem, 0);
	fli_write_term(&buf, resource);
	split = buf.size;
	fli_write_term(&buf, requester);
	if (!buf.failed)
		lock = fli_zalloc(g->mem, sizeof *lock + buf.size);
	if (lock != NULL) {
		memcpy(lock->bytes, buf.data, buf.size);
		lock->resource =
			(fl_term){.data = lock->bytes, .size = split, .atoms = g->config.atoms};
		lock->requester = (fl_term){.data = lock->bytes + split,
			.size = buf.size - split,
			.atoms = g->config.atoms};
		fli_list_create(&lock->holds);
		fli_list_append(&g->locks, &lock->link);
	}
	fli_buf_destroy(&buf);
	return lock;
}

static bool hold(fli_global *g, fli_global_lock *lock, const fl_pid *pid)
{
	fli_global_hold *entry = fli_zalloc(g->mem, sizeof *entry);
	fli_global_pid *holder = entry == NULL ? NULL : fli_global_pid_get(g, pid);

	if (holder == NULL) {
		fli_free(g->mem, entry);
		return false;
	}
	entry->lock = lock;
	entry->pid = holder;
	fli_list_append(&lock->holds, &entry->in_lock);
	fli_list_append(&holder->holds, &entry->in_pid);
	g->locks_count++;
	return true;
}

static void free_if_unheld(fli_global *g, fli_global_lock *lock)
{
	if (!fli_list_is_empty(&lock->holds))
		return;
	fli_list_remove(&lock->link);
	fli_free(g->mem, lock);
}

bool fli_global_lock_set(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester)
{
	fli_global_lock *lock = fli_global_lock_find(g, resource);

	if (lock != NULL && !fl_equal(lock->requester, requester))
		return false;
	if (lock != NULL && find_hold(lock, pid) != NULL)
		return true;
	if (g->locks_count >= FLI_GLOBAL_LOCKS_MAX ||
		resource.size + requester.size > FLI_GLOBAL_NAME_BYTES_MAX) {
		g->counters.refused++;
		return false;
	}
	if (lock == NULL)
		lock = make(g, resource, requester);
	if (lock == NULL) {
		g->failed = true;
		return false;
	}
	if (hold(g, lock, pid))
		return true;
	g->failed = true;
	free_if_unheld(g, lock);
	return false;
}

/* ---- giving back ----------------------------------------------------------------------------- */

static void let_go(fli_global *g, fli_global_hold *entry, bool is_down)
{
	fli_global_lock *lock = entry->lock;

	fli_list_remove(&entry->in_lock);
	fli_list_remove(&entry->in_pid);
	if (fli_list_is_empty(&lock->holds) && is_own(lock->resource))
		g->is_lock_down = is_down;
	fli_free(g->mem, entry);
	g->locks_count--;
	free_if_unheld(g, lock);
}

void fli_global_lock_del(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester)
{
	fli_global_lock *lock = fli_global_lock_find(g, resource);
	fli_global_hold *entry;
	fli_global_pid *holder;

	if (lock == NULL || !fl_equal(lock->requester, requester))
		return;
	entry = find_hold(lock, pid);
	if (entry == NULL)
		return;
	holder = entry->pid;
	let_go(g, entry, false);
	fli_global_pid_rest(g, holder);
}

void fli_global_locks_down(fli_global *g, fli_global_pid *pid)
{
	while (!fli_list_is_empty(&pid->holds))
		let_go(g, fli_container_of(pid->holds.next, fli_global_hold, in_pid), true);
}
