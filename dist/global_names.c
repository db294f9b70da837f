/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of names: complete on every node, so that looking one up never leaves it.
 *
 *  - A name is any term, found by value however it was encoded.
 *  - What replaces a name drops the old one; what comes late, from a node that is gone, is not
 * kept.
 */
#include <string.h>

#include "dist/global_state.h"
#include "node/term/item.h"

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t hash_bits(uint64_t hash, const fli_bits *bits)
{
	return fli_hash(hash, bits->data, bits->size);
}

/* One item of a name; false: what follows does not count. */
static bool hash_item(uint64_t *hash, const fli_item *item)
{
	uint64_t x = item->kind;

	switch (item->kind) {
	case FL_LIST: /* [a | [b]] is [a, b]: elements alone count */
		for (size_t i = 0; item->is_string && i < item->as.bits.size; i++)
			*hash = fli_hash_mix(*hash ^ (item->as.bits.data[i] + 1U));
		return true;
	case FL_INTEGER:
		x = item->as.integer.is_big ? item->as.integer.size : item->as.integer.magnitude;
		x += item->as.integer.negative ? 2 : 1;
		break;
	case FL_ATOM: x = fli_hash(*hash, item->as.atom.text, item->as.atom.size); break;
	case FL_BINARY: x = hash_bits(*hash, &item->as.bits); break;
	case FL_PID: x = (uint64_t)item->as.pid.id << 32 | item->as.pid.serial; break;
	case FL_REF: x = item->as.ref.words[0]; break;
	case FL_TUPLE:
	case FL_MAP: x = item->children << 8 | (unsigned)item->kind; break;
	case FL_NIL: return true;
	default: break;
	}
	*hash = fli_hash_mix(*hash ^ x);
	return item->kind == FL_TUPLE || item->children == 0;
}

static uint64_t hash_of(const fli_global *g, fl_term name)
{
	uint64_t hash = g->config.seed, left = 0;
	fli_cursor c;
	fli_item item;

	fli_item_of_term(name, &c, &item);
	for (;;) {
		if (!hash_item(&hash, &item) || item.kind == FL_INVALID)
			return hash;
		left += item.children;
		if (left == 0)
			return hash;
		left--;
		fli_item_read(&c, &item);
	}
}

typedef struct name_key {
	uint64_t hash;
	fl_term name;
} name_key;

bool fli_global_name_has_key(const void *item, const void *key)
{
	const fli_global_name *entry = item;
	const name_key *k = key;

	return entry->hash == k->hash && fl_equal(entry->name, k->name);
}

fli_global_name *fli_global_name_find(const fli_global *g, fl_term name)
{
	name_key key = {hash_of(g, name), name};

	return fli_map_get(&g->names, key.hash, &key);
}

/* ---- entries --------------------------------------------------------------------------------- */

static fl_term place(const fli_global *g, uint8_t **at, const fli_buf *buf, size_t from)
{
	fl_term term = {.data = *at, .size = buf->size - from, .atoms = g->config.atoms};

	memcpy(*at, buf->data + from, term.size);
	*at += term.size;
	return term;
}

static fli_global_name *make(fli_global *g, fl_term name, fl_term method)
{
	fli_global_name *entry = NULL;
	size_t split;
	uint8_t *at;
	fli_buf buf;

	fli_buf_create(&buf, g->mem, 0);
	fli_write_term(&buf, name);
	split = buf.size;
	fli_write_term(&buf, method);
	if (!buf.failed)
		entry = fli_zalloc(g->mem, sizeof *entry + buf.size);
	if (entry != NULL) {
		at = entry->bytes;
		entry->method = place(g, &at, &buf, split);
		buf.size = split;
		entry->name = place(g, &at, &buf, 0);
		entry->hash = hash_of(g, entry->name);
	}
	fli_buf_destroy(&buf);
	return entry;
}

/* What cannot be kept must not be known of half. */
static bool is_too_much(fli_global *g, fl_term name, fl_term method)
{
	if (g->names.count < FLI_GLOBAL_NAMES_MAX &&
		name.size + method.size <= FLI_GLOBAL_NAME_BYTES_MAX)
		return false;
	g->counters.refused++;
	fli_global_log(g, FLI_WARNING, "global: a name is beyond the limits (%zu names, %zu bytes)",
		g->names.count, name.size + method.size);
	return true;
}

void fli_global_name_delete(fli_global *g, fli_global_name *entry)
{
	name_key key = {entry->hash, entry->name};
	fli_global_pid *pid = entry->pid;

	(void)fli_map_remove(&g->names, entry->hash, &key);
	fli_list_remove(&entry->in_pid);
	fli_free(g->mem, entry);
	fli_global_pid_rest(g, pid);
}

void fli_global_name_put(
	fli_global *g, fl_term name, const fl_pid *pid, fl_term method, fl_atom reg_node)
{
	fli_global_name *old = fli_global_name_find(g, name), *entry;

	if (is_too_much(g, name, method))
		return;
	entry = make(g, name, method);
	if (entry != NULL)
		entry->pid = fli_global_pid_get(g, pid);
	if (entry == NULL || entry->pid == NULL) {
		fli_free(g->mem, entry);
		g->failed = true;
		return;
	}
	entry->reg_node = reg_node;
	fli_list_append(&entry->pid->names, &entry->in_pid);
	if (old != NULL)
		fli_global_name_delete(g, old);
	if (fli_map_put(&g->names, entry->hash, entry) != FL_OK) {
		fli_list_remove(&entry->in_pid);
		fli_free(g->mem, entry);
		g->failed = true;
	}
}

bool fli_global_whereis(const fli_global *g, fl_term name, fl_pid *ret_pid)
{
	const fli_global_name *entry = fli_global_name_find(g, name);

	if (entry == NULL)
		return false;
	*ret_pid = entry->pid->pid;
	return true;
}

void fli_global_names(const fli_global *g, fl_buf *buf)
{
	const fli_global_name *entry;
	size_t cursor = 0;

	fl_list_open(buf);
	while ((entry = fli_map_next(&g->names, &cursor)) != NULL)
		(void)fl_build(buf, "~", entry->name);
	fl_list_close(buf);
}

/* ---- what other nodes know ------------------------------------------------------------------- */

/* Who registered a process of a node without global. */
static fl_atom reg_node_of(fli_global *g, fl_term ext, fl_term name, const fl_pid *pid)
{
	fl_atom reg_node, kept;
	fl_term element, other;
	fl_pid its;

	while (fl_list_next(&ext, &element))
		if (fl_match(element, "{~, ~, ~}", &other, &its, &reg_node) &&
			fl_pid_eq(&its, pid) && fl_equal(other, name) &&
			fli_global_intern(g, reg_node, &kept))
			return kept;
	return (fl_atom){.text = NULL};
}

static void apply_one(fli_global *g, fl_term op, fl_term ext, bool is_late)
{
	fl_term name, method;
	fli_global_name *entry;
	fl_pid pid;

	if (fl_match(op, "{insert, {~, ~, ~}}", &name, &pid, &method)) {
		if (!is_late) {
			fli_global_name_put(g, name, &pid, method, reg_node_of(g, ext, name, &pid));
			return;
		}
		entry = fli_global_name_find(g, name); /* inserted and deleted at once */
	} else if (fl_match(op, "{delete, ~}", &name)) {
		entry = fli_global_name_find(g, name);
	} else {
		g->counters.refused++;
		return;
	}
	if (entry != NULL)
		fli_global_name_delete(g, entry);
}

void fli_global_names_apply(fli_global *g, fl_term ops, fl_term ext, bool is_late)
{
	fl_term op;

	while (fl_list_next(&ops, &op))
		apply_one(g, op, ext, is_late);
}

void fli_global_names_write(fli_global *g, fli_buf *buf)
{
	const fli_global_name *entry;
	size_t cursor = 0;

	if (g->names.count > 0)
		fli_write_list(buf, (uint32_t)g->names.count);
	while ((entry = fli_map_next(&g->names, &cursor)) != NULL) {
		fli_write_tuple(buf, 3);
		fli_write_term(buf, entry->name);
		fli_write_pid(buf, &entry->pid->pid);
		fli_write_term(buf, entry->method);
	}
	fli_write_nil(buf);
}

static uint32_t count_ext(const fli_global *g)
{
	const fli_global_name *entry;
	uint32_t count = 0;
	size_t cursor = 0;

	while ((entry = fli_map_next(&g->names, &cursor)) != NULL)
		count += entry->reg_node.size > 0;
	return count;
}

void fli_global_names_write_ext(fli_global *g, fli_buf *buf)
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
