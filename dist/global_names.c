/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of names: complete on every node, so that looking one up never leaves it.
 *
 *  - A name is any term, found by value however it was encoded.
 *  - What replaces a name drops the old one; what comes late, from a node that is gone, is not
 * kept.
 */
#include <string.h>

#include "dist/global_ext.h"
#include "dist/global_state.h"
#include "node/term/hash.h"

enum { PID_AND_TUPLE_BYTES = 20 };

/* ---- keys ------------------------------------------------------------------------------------ */

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
	name_key key = {.name = name};

	if (g->names.count == 0 || !fli_term_hash(g->config.seed, name, &key.hash))
		return NULL;
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
		if (!fli_term_hash(g->config.seed, entry->name, &entry->hash)) {
			fli_free(g->mem, entry);
			entry = NULL;
		}
	}
	fli_buf_destroy(&buf);
	return entry;
}

/* As it is told to a node that joins: nothing may be kept that could not be. */
static size_t bytes_of(fl_term name, const fl_pid *pid, fl_term method)
{
	return name.size + method.size + pid->node.size + PID_AND_TUPLE_BYTES;
}

/* What cannot be kept must not be known of half. */
static bool is_too_much(fli_global *g, const fl_pid *pid, size_t bytes)
{
	if (g->names.count < FLI_GLOBAL_NAMES_MAX && bytes <= FLI_GLOBAL_NAME_BYTES_MAX &&
		g->names_bytes + bytes <= FLI_GLOBAL_NAMES_BYTES_MAX)
		return false;
	g->counters.refused++;
	fli_global_log(g, FLI_WARNING,
		"global: a name for a process of " FLI_ATOM_FMT
		" is beyond the limits (%zu are there, of %zu bytes; it has %zu) and not known "
		"here; see what that node does with so many",
		FLI_ATOM_ARG(pid->node), g->names.count, g->names_bytes, bytes);
	return true;
}

static void tell_change(const fli_global *g, fl_term name)
{
	if (g->config.changed != NULL)
		g->config.changed(g->config.changed_ctx, name);
}

void fli_global_name_delete(fli_global *g, fli_global_name *entry)
{
	name_key key = {entry->hash, entry->name};
	fli_global_pid *pid = entry->pid;

	tell_change(g, entry->name);
	(void)fli_map_remove(&g->names, entry->hash, &key);
	g->names_bytes -= bytes_of(entry->name, &pid->pid, entry->method);
	fli_list_remove(&entry->in_pid);
	fli_free(g->mem, entry);
	fli_global_pid_rest(g, pid);
}

void fli_global_name_put(
	fli_global *g, fl_term name, const fl_pid *pid, fl_term method, fl_atom reg_node)
{
	fli_global_name *old = fli_global_name_find(g, name), *entry;

	if (is_too_much(g, pid, bytes_of(name, pid, method)))
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
	entry->since_ms = old != NULL && old->pid == entry->pid ? old->since_ms : g->now_ms;
	fli_list_append(&entry->pid->names, &entry->in_pid);
	if (old != NULL)
		fli_global_name_delete(g, old);
	if (fli_map_put(&g->names, entry->hash, entry) != FL_OK) {
		fli_list_remove(&entry->in_pid);
		fli_free(g->mem, entry);
		g->failed = true;
		return;
	}
	g->names_bytes += bytes_of(entry->name, pid, entry->method);
	tell_change(g, entry->name);
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

static void apply_one(fli_global *g, fl_term op, const fli_global_ext *ext, bool is_late)
{
	fl_term name, method;
	fli_global_name *entry;
	fl_pid pid;

	if (fl_match(op, "{insert, {~, ~, ~}}", &name, &pid, &method)) {
		if (!is_late) {
			fli_global_name_put(
				g, name, &pid, method, fli_global_ext_node(g, ext, name, &pid));
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
	fli_global_ext index;
	fl_term op;

	fli_global_ext_read(g, ext, &index);
	while (!g->failed && fl_list_next(&ops, &op))
		apply_one(g, op, &index, is_late);
	fli_global_ext_destroy(g, &index);
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
