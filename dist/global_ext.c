/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of processes whose node has no global: some other node registered them.
 *
 *  - Who did so is told beside the names, in a list of its own; each name is looked up in it.
 */
#include "dist/global_ext.h"
#include "node/term/hash.h"

/* ---- what others tell ------------------------------------------------------------------------ */

struct fli_global_ext_entry {
	fl_term name;
	fl_pid pid;
	fl_atom reg_node;
};

typedef struct ext_key {
	fl_term name;
	const fl_pid *pid;
} ext_key;

static bool has_key(const void *item, const void *key)
{
	const fli_global_ext_entry *entry = item;
	const ext_key *k = key;

	return fl_pid_eq(&entry->pid, k->pid) && fl_equal(entry->name, k->name);
}

static bool hash_of(const fli_global *g, const ext_key *key, uint64_t *ret_hash)
{
	return fli_term_hash(fli_global_pid_hash(g, key->pid), key->name, ret_hash);
}

static const fli_global_ext_entry *find(
	const fli_global *g, const fli_global_ext *ext, fl_term name, const fl_pid *pid)
{
	ext_key key = {name, pid};
	uint64_t hash;

	return hash_of(g, &key, &hash) ? fli_map_get(&ext->by_name, hash, &key) : NULL;
}

/* The first of those that are alike counts. */
static void add(fli_global *g, fli_global_ext *ext, fli_global_ext_entry *entry)
{
	ext_key key = {entry->name, &entry->pid};
	uint64_t hash;

	if (find(g, ext, entry->name, &entry->pid) != NULL)
		return;
	if (!hash_of(g, &key, &hash) || fli_map_put(&ext->by_name, hash, entry) != FL_OK)
		g->failed = true;
}

void fli_global_ext_read(fli_global *g, fl_term list, fli_global_ext *ret)
{
	size_t count = fli_global_count_list(list), at = 0;
	fl_term element;

	*ret = (fli_global_ext){.entries = NULL};
	fli_map_create(&ret->by_name, g->mem, has_key);
	if (count == 0)
		return;
	ret->entries = fli_alloc(g->mem, count * sizeof *ret->entries);
	g->failed |= ret->entries == NULL;
	while (!g->failed && at < count && fl_list_next(&list, &element)) {
		fli_global_ext_entry *entry = &ret->entries[at];

		if (!fl_match(element, "{~, ~, ~}", &entry->name, &entry->pid, &entry->reg_node))
			continue;
		add(g, ret, entry);
		at++;
	}
}

fl_atom fli_global_ext_node(
	fli_global *g, const fli_global_ext *ext, fl_term name, const fl_pid *pid)
{
	const fli_global_ext_entry *entry = NULL;
	fl_atom kept;

	if (ext->by_name.count > 0)
		entry = find(g, ext, name, pid);
	if (entry == NULL || !fli_global_intern(g, entry->reg_node, &kept))
		return (fl_atom){.text = NULL};
	return kept;
}

void fli_global_ext_destroy(fli_global *g, fli_global_ext *ext)
{
	fli_map_destroy(&ext->by_name);
	fli_free(g->mem, ext->entries);
}

/* ---- what others are told -------------------------------------------------------------------- */

static uint32_t count_ext(const fli_global *g)
{
	const fli_global_name *entry;
	uint32_t count = 0;
	size_t cursor = 0;

	while ((entry = fli_map_next(&g->names, &cursor)) != NULL)
		count += entry->reg_node.size > 0;
	return count;
}

void fli_global_ext_write(const fli_global *g, fli_buf *buf)
{
	const fli_global_name *entry;
	uint32_t count = count_ext(g);
	size_t cursor = 0;

	if (count > 0)
		fli_write_list(buf, count);
	while ((entry = fli_map_next(&g->names, &cursor)) != NULL) {
		if (entry->reg_node.size == 0)
			continue;
		fli_write_tuple(buf, 3);
		fli_write_term(buf, entry->name);
		fli_write_pid(buf, &entry->pid->pid);
		fli_write_atom(buf, entry->reg_node);
	}
	fli_write_nil(buf);
}
