/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that have names or hold locks: each is watched once, however many it has.
 *
 *  - The first name or lock asks for a monitor, the last one gives it back.
 *  - A DOWN takes all of them. Every node has its own monitor, so nobody is told.
 *  - So does the loss of its node, at once: what came over the lost connection may be handled when
 *    it is gone, and its monitor goes over the next one, where the process still lives. It would
 *    hold for ever a lock that it knows nothing of.
 */
#include <string.h>

#include "dist/global_state.h"

uint64_t fli_global_pid_hash(const fli_global *g, const fl_pid *pid)
{
	uint64_t hash = fli_hash(g->config.seed, pid->node.text, pid->node.size);

	hash = fli_hash_mix(hash ^ ((uint64_t)pid->id << 32 | pid->serial));
	return fli_hash_mix(hash ^ pid->creation);
}

bool fli_global_pid_has_key(const void *item, const void *key)
{
	return fl_pid_eq(&((const fli_global_pid *)item)->pid, key);
}

fli_global_pid *fli_global_pid_find(const fli_global *g, const fl_pid *pid)
{
	return fli_map_get(&g->pids, fli_global_pid_hash(g, pid), pid);
}

fli_global_pid *fli_global_pid_get(fli_global *g, const fl_pid *pid)
{
	fli_global_pid *entry = fli_global_pid_find(g, pid);

	if (entry != NULL)
		return entry;
	entry = fli_zalloc(g->mem, sizeof *entry);
	if (entry == NULL || fli_map_put(&g->pids, fli_global_pid_hash(g, pid), entry) != FL_OK) {
		fli_free(g->mem, entry);
		g->failed = true;
		return NULL;
	}
	entry->pid = *pid;
	fli_list_create(&entry->names);
	fli_list_create(&entry->holds);
	fli_global_act_begin(g, FLI_GLOBAL_WATCH, FLI_GLOBAL_SERVER)->pid = *pid;
	return entry;
}

void fli_global_pid_free(fli_global *g, fli_global_pid *entry)
{
	(void)fli_map_remove(&g->pids, fli_global_pid_hash(g, &entry->pid), &entry->pid);
	fli_free(g->mem, entry);
}

void fli_global_pid_rest(fli_global *g, fli_global_pid *entry)
{
	if (!fli_list_is_empty(&entry->names) || !fli_list_is_empty(&entry->holds))
		return;
	/* one that is not watched yet stays until it is */
	if (entry->ref.count == 0)
		return;
	fli_global_act_begin(g, FLI_GLOBAL_UNWATCH, FLI_GLOBAL_SERVER)->ref = entry->ref;
	fli_global_pid_free(g, entry);
}

bool fli_global_watched(fli_global *g, const fl_pid *pid, const fl_ref *ref)
{
	fli_global_pid *entry = fli_global_pid_find(g, pid);

	if (entry == NULL || entry->ref.count != 0)
		return false;
	if (fli_list_is_empty(&entry->names) && fli_list_is_empty(&entry->holds)) {
		fli_global_pid_free(g, entry);
		return false;
	}
	entry->ref = *ref;
	return true;
}

static void take_all(fli_global *g, fli_global_pid *entry)
{
	while (!fli_list_is_empty(&entry->names))
		fli_global_name_delete(
			g, fli_container_of(entry->names.next, fli_global_name, in_pid));
	fli_global_locks_down(g, entry);
}

/* A member that we were told of and are connecting to: its names go before it is up. */
static void note_unreached(fli_global *g, fl_atom name)
{
	fli_global_node *node = fli_global_node_find(g, name);

	if (node != NULL && node->is_known && !node->is_up)
		node->has_lost_names = true;
}

bool fli_global_down(fli_global *g, const fl_ref *ref, const fl_pid *pid, bool is_unreached)
{
	fli_global_pid *entry = fli_global_pid_find(g, pid);

	if (entry == NULL || entry->ref.count == 0 || !fl_ref_eq(&entry->ref, ref))
		return false;
	entry->ref.count = 0; /* there is no monitor to end */
	if (is_unreached)
		note_unreached(g, pid->node);
	take_all(g, entry);
	fli_global_pid_free(g, entry);
	return true;
}

static void gone(fli_global *g, fli_global_pid *entry)
{
	fl_ref ref = entry->ref;

	entry->ref.count = 0; /* it stays while it loses what it has */
	take_all(g, entry);
	if (ref.count == 0)
		return; /* freed when its monitor is told */
	fli_global_act_begin(g, FLI_GLOBAL_UNWATCH, FLI_GLOBAL_SERVER)->ref = ref;
	fli_global_pid_free(g, entry);
}

void fli_global_pids_gone(fli_global *g, fl_atom node)
{
	fli_global_pid *entry;
	size_t cursor = 0;
	fli_buf found;

	fli_buf_create(&found, g->mem, 0);
	while ((entry = fli_map_next(&g->pids, &cursor)) != NULL)
		if (fl_atom_eq(entry->pid.node, node))
			fli_buf_add(&found, &entry, sizeof entry);
	g->failed |= found.failed;
	for (size_t at = 0; !found.failed && at < found.size; at += sizeof entry) {
		memcpy(&entry, found.data + at, sizeof entry);
		gone(g, entry);
	}
	fli_buf_destroy(&found);
}
