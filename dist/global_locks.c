/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks, as one node serves them to all: a resource has one requester, and who holds it in that
 * name. The cluster's part is its callers', who ask every node.
 *
 *  - The same requester may hold through several processes; the last one frees the resource.
 *  - A holder's end frees what it held.
 */
#include <string.h>

#include "dist/global_state.h"
#include "node/base/bug.h"
#include "node/term/hash.h"

/* ---- keys ------------------------------------------------------------------------------------ */

bool fli_global_lock_has_key(const void *item, const void *key)
{
	return fl_equal(((const fli_global_lock *)item)->resource, *(const fl_term *)key);
}

static fli_global_lock *find(const fli_global *g, fl_term resource, uint64_t hash)
{
	return fli_map_get(&g->locks, hash, &resource);
}

typedef struct hold_key {
	const fli_global_lock *lock;
	const fl_pid *pid;
} hold_key;

bool fli_global_hold_has_key(const void *item, const void *key)
{
	const fli_global_hold *entry = item;
	const hold_key *k = key;

	return entry->lock == k->lock && fl_pid_eq(&entry->pid->pid, k->pid);
}

static uint64_t hash_of_hold(const fli_global *g, const hold_key *key)
{
	return fli_hash_mix(key->lock->hash ^ fli_global_pid_hash(g, key->pid));
}

static fli_global_hold *find_hold(
	const fli_global *g, const fli_global_lock *lock, const fl_pid *pid)
{
	hold_key key = {lock, pid};

	return fli_map_get(&g->holds, hash_of_hold(g, &key), &key);
}

bool fli_global_lock_has(const fli_global *g, const fli_global_lock *lock, const fl_pid *pid)
{
	return find_hold(g, lock, pid) != NULL;
}

static bool is_own(fl_term resource)
{
	return fl_match(resource, "global");
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void place(fli_global *g, fli_global_lock *lock, const fli_buf *buf, size_t split)
{
	fl_term term = {.data = lock->bytes, .size = split, .atoms = g->config.atoms};

	memcpy(lock->bytes, buf->data, buf->size);
	lock->resource = term;
	term.data += split;
	term.size = buf->size - split;
	lock->requester = term;
}

static fli_global_lock *make(fli_global *g, fl_term resource, fl_term requester, uint64_t hash)
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
		lock->hash = hash;
		fli_list_create(&lock->holds);
		place(g, lock, &buf, split);
	}
	fli_buf_destroy(&buf);
	if (lock == NULL || fli_map_put(&g->locks, hash, lock) != FL_OK) {
		fli_free(g->mem, lock);
		return NULL;
	}
	g->locks_bytes += lock->resource.size + lock->requester.size;
	if (is_own(lock->resource))
		g->lock_own = lock;
	return lock;
}

static bool hold(fli_global *g, fli_global_lock *lock, const fl_pid *pid)
{
	fli_global_hold *entry = fli_zalloc(g->mem, sizeof *entry);
	fli_global_pid *holder = entry == NULL ? NULL : fli_global_pid_get(g, pid);
	hold_key key = {lock, pid};

	if (holder == NULL || fli_map_put(&g->holds, hash_of_hold(g, &key), entry) != FL_OK) {
		fli_free(g->mem, entry);
		return false;
	}
	entry->lock = lock;
	entry->pid = holder;
	fli_list_append(&lock->holds, &entry->in_lock);
	fli_list_append(&holder->holds, &entry->in_pid);
	return true;
}

static void free_if_unheld(fli_global *g, fli_global_lock *lock)
{
	if (!fli_list_is_empty(&lock->holds))
		return;
	if (g->lock_own == lock)
		g->lock_own = NULL;
	g->locks_bytes -= lock->resource.size + lock->requester.size;
	(void)fli_map_remove(&g->locks, lock->hash, &lock->resource); /* it is there */
	fli_free(g->mem, lock);
}

static bool is_too_much(fli_global *g, const fl_pid *pid, size_t bytes)
{
	if (g->holds.count < FLI_GLOBAL_LOCKS_MAX && bytes <= FLI_GLOBAL_NAME_BYTES_MAX &&
		g->locks_bytes + bytes <= FLI_GLOBAL_LOCK_BYTES_MAX)
		return false;
	g->counters.refused++;
	fli_global_log(g, FLI_WARNING,
		"global: a lock for a process of " FLI_ATOM_FMT
		" is beyond the limits (%zu are held, of %zu bytes; it has %zu) and refused as if "
		"it were taken; see what that node does with so many",
		FLI_ATOM_ARG(pid->node), g->holds.count, g->locks_bytes, bytes);
	return true;
}

bool fli_global_lock_set(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester)
{
	fli_global_lock *lock;
	uint64_t hash;

	if (!fli_term_hash(g->config.seed, resource, &hash))
		return false;
	lock = find(g, resource, hash);
	if (lock != NULL && !fl_equal(lock->requester, requester) &&
		!FLI_BUG(global_lock_is_everybodys))
		return false;
	if (lock != NULL && find_hold(g, lock, pid) != NULL)
		return true;
	if (is_too_much(g, pid, resource.size + requester.size))
		return false;
	if (lock == NULL)
		lock = make(g, resource, requester, hash);
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

static void let_go(fli_global *g, fli_global_hold *entry)
{
	fli_global_lock *lock = entry->lock;
	hold_key key = {lock, &entry->pid->pid};

	(void)fli_map_remove(&g->holds, hash_of_hold(g, &key), &key); /* it is there */
	fli_list_remove(&entry->in_lock);
	fli_list_remove(&entry->in_pid);
	fli_free(g->mem, entry);
	free_if_unheld(g, lock);
}

void fli_global_lock_del(fli_global *g, const fl_pid *pid, fl_term resource, fl_term requester)
{
	fli_global_hold *entry;
	fli_global_lock *lock;
	fli_global_pid *holder;
	uint64_t hash;

	if (!fli_term_hash(g->config.seed, resource, &hash))
		return;
	lock = find(g, resource, hash);
	if (lock == NULL || !fl_equal(lock->requester, requester))
		return;
	entry = find_hold(g, lock, pid);
	if (entry == NULL)
		return;
	holder = entry->pid;
	let_go(g, entry);
	fli_global_pid_rest(g, holder);
}

void fli_global_locks_down(fli_global *g, fli_global_pid *pid)
{
	while (!fli_list_is_empty(&pid->holds))
		let_go(g, fli_container_of(pid->holds.next, fli_global_hold, in_pid));
}

void fli_global_lock_leave(fli_global *g, fl_atom node)
{
	fli_global_lock *lock = g->lock_own;
	fli_global_hold *entry = NULL;

	if (lock == NULL)
		return;
	for (fli_link *l = lock->holds.next; l != &lock->holds; l = l->next) {
		entry = fli_container_of(l, fli_global_hold, in_lock);
		if (fl_atom_eq(entry->pid->pid.node, node))
			break;
		entry = NULL;
	}
	if (entry != NULL) {
		fl_pid pid = entry->pid->pid;

		fli_global_lock_del(g, &pid, lock->resource, lock->requester);
	}
}
