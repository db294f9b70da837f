/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ets, for tables as a whole: made, found, described, given away, ended.
 *
 * As on a BEAM, a table that an rpc makes belongs to the process that ran it, and so ends with the
 * call, unless that gave it away.
 */
#include <string.h>

#include "node/natives.h"
#include "node/sched.h"
#include "node/table_ask.h"

enum { WORD_BYTES = 8 };

/* ---- tables and errors ----------------------------------------------------------------------- */

static bool is_id(fl_term term)
{
	fl_kind kind = fl_term_kind(term);

	return kind == FL_ATOM || kind == FL_REF;
}

int fli_tab_open(fl_proc *self, fl_term name, fl_tab *ret_tab)
{
	fl_node *node = fl_self_node(self);
	const fli_table *table;

	if (!is_id(name))
		return FL_EFORMAT;
	fli_enter(node);
	table = fli_tables_find(node, name);
	if (table != NULL)
		*ret_tab = fli_tab_of(table, self);
	fli_leave(node);
	return table == NULL ? FL_ECLOSED : FL_OK;
}

int fli_ets_blame(fl_buf *result, int blame)
{
	int rc = fli_badarg(result);

	return rc == FL_ERROR ? FLI_BLAME + blame : rc;
}

int fli_ets_raise(fl_buf *result, int rc)
{
	switch (rc) {
	case FL_EINVAL: return fli_ets_blame(result, FLI_BLAME_STDLIB);
	case FL_ECLOSED: return fli_ets_blame(result, FLI_BLAME_ID);
	case FL_EREFUSED: return fli_ets_blame(result, FLI_BLAME_ACCESS);
	case FL_EFORMAT: return fli_ets_blame(result, FLI_BLAME_TYPE);
	case FL_ENOENT: return fli_ets_blame(result, FLI_BLAME_BADKEY);
	case FLI_EPOSITION: return fli_ets_blame(result, FLI_BLAME_POSITION);
	case FLI_EKEYPOS: return fli_ets_blame(result, FLI_BLAME_KEYPOS);
	case FLI_ETYPE: return fli_ets_blame(result, FLI_BLAME_TABLE_TYPE);
	default: return fl_raise(result, FL_ERROR, "system_limit");
	}
}

int fli_ets_true(fl_buf *result, int rc)
{
	return rc == FL_OK ? fl_build(result, "true") : fli_ets_raise(result, rc);
}

/* Function(Table) */
static int open_only(fl_proc *self, fl_term args, fl_tab *ret_tab)
{
	fl_term table;

	return fl_match(args, "[~]", &table) ? fli_tab_open(self, table, ret_tab) : FL_EINVAL;
}

/* ---- making ---------------------------------------------------------------------------------- */

typedef struct wanted {
	fl_table_options options;
	bool has_heir;
	fl_pid heir;
	fl_term data;
} wanted;

static bool read_flag(fl_term option)
{
	fl_atom word;
	fl_term value;
	bool on;

	if (fl_match(option, "compressed"))
		return true;
	if (!fl_match(option, "{~, ~}", &word, &value))
		return false;
	if (fl_atom_is(word, "write_concurrency") && fl_match(value, "auto"))
		return true;
	return fl_match(value, "~", &on) &&
	       (fl_atom_is(word, "write_concurrency") || fl_atom_is(word, "read_concurrency") ||
		       fl_atom_is(word, "decentralized_counters"));
}

static bool read_option(fl_term option, wanted *w)
{
	fl_atom word = {0};

	if (fl_match(option, "{keypos, ~}", &w->options.keypos))
		return w->options.keypos > 0;
	if (fl_match(option, "{heir, none}")) {
		w->has_heir = false;
		return true;
	}
	if (fl_match(option, "{heir, ~, ~}", &w->heir, &w->data)) {
		w->has_heir = true;
		return true;
	}
	(void)fl_match(option, "~", &word);
	for (int i = FL_TABLE_SET; i <= FL_TABLE_DUPLICATE_BAG; i++)
		if (fl_atom_is(word, fli_table_type_text((fl_table_type)i))) {
			w->options.type = (fl_table_type)i;
			return true;
		}
	for (int i = FL_TABLE_PROTECTED; i <= FL_TABLE_PRIVATE; i++)
		if (fl_atom_is(word, fli_table_access_text((fl_table_access)i))) {
			w->options.access = (fl_table_access)i;
			return true;
		}
	if (fl_atom_is(word, "named_table"))
		w->options.is_anonymous = false;
	return fl_atom_is(word, "named_table") || read_flag(option);
}

static void set_heir(fl_proc *self, fl_tab tab, const wanted *w)
{
	if (w->has_heir)
		(void)fl_table_heir(self, tab, &w->heir, "~", w->data); /* without one it ends */
}

static int write_id(fl_proc *self, fl_tab tab, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fli_table *table;

	fli_enter(node);
	table = atomic_load(&node->tables->slots[tab.slot]);
	if (table != NULL && table->generation == tab.generation)
		fli_table_id_write(table, result);
	fli_leave(node);
	return result->size > 0 || result->error != FL_OK ? result->error
							  : fli_ets_raise(result, FL_ECLOSED);
}

static int new_table(fl_proc *self, fl_term args, fl_buf *result)
{
	wanted w = {.options = {.is_anonymous = true}};
	fl_term options, option;
	char text[1024];
	fl_atom name;
	fl_tab tab;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &options) || name.size >= sizeof text)
		return fli_ets_raise(result, FL_EINVAL);
	while (fl_list_next(&options, &option))
		if (!read_option(option, &w))
			return fli_ets_raise(result, FL_EINVAL);
	if (fl_term_kind(options) != FL_NIL)
		return fli_ets_raise(result, FL_EINVAL);
	memcpy(text, name.text, name.size);
	text[name.size] = '\0';
	rc = fl_table_new(self, text, &w.options, &tab);
	if (rc == FL_ETAKEN)
		return fli_ets_blame(result, FLI_BLAME_EXISTS);
	if (rc != FL_OK)
		return fli_ets_raise(result, rc);
	set_heir(self, tab, &w);
	return write_id(self, tab, result);
}

/* ---- info ------------------------------------------------------------------------------------ */

typedef void item_value(const fli_table *table, fl_buf *buf);

static void i_id(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", table->ref);
}

static void i_false(const fli_table *table, fl_buf *buf)
{
	(void)table; /* of none */
	(void)fl_build(buf, "false");
}

static void i_empty(const fli_table *table, fl_buf *buf)
{
	(void)table; /* what a binary holds is in the row */
	(void)fl_build(buf, "[]");
}

static void i_memory(const fli_table *table, fl_buf *buf)
{
	size_t bytes = fli_table_memory(table);

	(void)fl_build(buf, "~", (bytes + WORD_BYTES - 1) / WORD_BYTES);
}

static void i_owner(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", table->owner_pid);
}

static void i_heir(const fli_table *table, fl_buf *buf)
{
	if (table->has_heir)
		(void)fl_build(buf, "~", table->heir);
	else
		(void)fl_build(buf, "none");
}

static void i_name(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", table->name);
}

static void i_size(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", atomic_load(&table->size));
}

static void i_node(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", table->tables->node->name);
}

static void i_named(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", fl_bool(table->is_named));
}

static void i_type(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", fl_atom_of(fli_table_type_text(table->type)));
}

static void i_keypos(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", table->keypos);
}

static void i_protection(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", fl_atom_of(fli_table_access_text(table->access)));
}

static void i_fixed(const fli_table *table, fl_buf *buf)
{
	(void)fl_build(buf, "~", fl_bool(atomic_load(&table->is_fixed) != 0));
}

static void write_fixers(const fli_table *table, fl_buf *buf)
{
	fl_list_open(buf);
	for (uint32_t i = 0; i < table->fixers_count; i++) {
		const fli_fixer *fixer = &table->fixers[i];
		fl_pid pid = table->owner_pid; /* of this node and incarnation */

		pid.id = (uint32_t)fixer->process;
		pid.serial = (uint32_t)(fixer->process >> 32);
		(void)fl_build(buf, "{~, ~}", pid, fixer->count);
	}
	fl_list_close(buf);
}

static void i_safe_fixed(const fli_table *table, fl_buf *buf)
{
	int64_t us;

	if (table->fixers_count == 0) {
		(void)fl_build(buf, "false");
		return;
	}
	us = table->fixed_us;
	fl_tuple_open(buf);
	(void)fl_build(buf, "{~, ~, ~}", us / 1000000000000, us / 1000000 % 1000000, us % 1000000);
	write_fixers(table, buf);
	fl_tuple_close(buf);
}

static void i_safe_fixed_monotonic(const fli_table *table, fl_buf *buf)
{
	if (table->fixers_count == 0) {
		(void)fl_build(buf, "false");
		return;
	}
	fl_tuple_open(buf);
	(void)fl_build(buf, "~", table->fixed_us * 1000);
	write_fixers(table, buf);
	fl_tuple_close(buf);
}

typedef struct item {
	const char *name;
	item_value *value;
	bool by_default;
} item;

static const item items[] = {
	{"id", i_id, true},
	{"decentralized_counters", i_false, true},
	{"read_concurrency", i_false, true},
	{"write_concurrency", i_false, true},
	{"compressed", i_false, true},
	{"memory", i_memory, true},
	{"owner", i_owner, true},
	{"heir", i_heir, true},
	{"name", i_name, true},
	{"size", i_size, true},
	{"node", i_node, true},
	{"named_table", i_named, true},
	{"type", i_type, true},
	{"keypos", i_keypos, true},
	{"protection", i_protection, true},
	{"fixed", i_fixed, false},
	{"safe_fixed", i_safe_fixed, false},
	{"safe_fixed_monotonic_time", i_safe_fixed_monotonic, false},
	{"binary", i_empty, false},
};

static void write_items(const fli_table *table, fl_buf *buf)
{
	fl_list_open(buf);
	for (size_t i = 0; i < FLI_EXPORT_COUNT(items); i++) {
		if (!items[i].by_default)
			continue;
		fl_tuple_open(buf);
		(void)fl_build(buf, "~", fl_atom_of(items[i].name));
		items[i].value(table, buf);
		fl_tuple_close(buf);
	}
	fl_list_close(buf);
}

static const item *find_item(fl_term name)
{
	fl_atom atom;

	if (!fl_match(name, "~", &atom))
		return NULL;
	for (size_t i = 0; i < FLI_EXPORT_COUNT(items); i++)
		if (fl_atom_is(atom, items[i].name))
			return &items[i];
	return NULL;
}

/* info/1, info/2 */
static int info(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_term name, what = {0};
	const item *only = NULL;
	fli_table *table;

	if (!fl_match(args, "[~]", &name) && !fl_match(args, "[~, ~]", &name, &what))
		return fli_ets_raise(result, FL_EINVAL);
	if (!is_id(name))
		return fli_ets_raise(result, FL_EFORMAT);
	if (what.data != NULL && (only = find_item(what)) == NULL)
		return fli_ets_raise(result, FL_EINVAL);
	fli_enter(node);
	table = fli_tables_find(node, name);
	if (table == NULL) {
		(void)fl_build(result, "undefined");
	} else {
		pthread_mutex_lock(&table->fixers_lock);
		if (only != NULL)
			only->value(table, result);
		else
			write_items(table, result);
		pthread_mutex_unlock(&table->fixers_lock);
	}
	fli_leave(node);
	return result->error;
}

static int all(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	uint32_t cursor = 0;
	fli_table *table;

	(void)args; /* none */
	fl_list_open(result);
	fli_enter(node);
	while ((table = fli_tables_next(node, &cursor)) != NULL)
		fli_table_id_write(table, result);
	fli_leave(node);
	fl_list_close(result);
	return result->error;
}

static int whereis(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fli_table *table;
	fl_atom name;

	if (!fl_match(args, "[~]", &name))
		return fli_ets_raise(result, FL_EINVAL);
	fli_enter(node);
	table = fli_tables_named(node, name);
	if (table != NULL)
		i_id(table, result);
	else
		(void)fl_build(result, "undefined");
	fli_leave(node);
	return result->error;
}

/* ---- what changes a table -------------------------------------------------------------------- */

static int delete_table(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_tab tab;
	int rc = open_only(self, args, &tab);

	return fli_ets_true(result, rc == FL_OK ? fl_table_delete(self, tab) : rc);
}

static int delete_all_objects(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_tab tab;
	int rc = open_only(self, args, &tab);

	return fli_ets_true(result, rc == FL_OK ? fl_table_delete_all(tab) : rc);
}

static int tab2list(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_tab tab;
	int rc = open_only(self, args, &tab);

	if (rc == FL_OK)
		rc = fl_table_list(tab, result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int rename_table(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table;
	char text[1024];
	fl_atom name;
	fl_tab tab;
	int rc;

	if (!fl_match(args, "[~, ~]", &table, &name) || name.size >= sizeof text)
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc != FL_OK)
		return fli_ets_raise(result, rc);
	memcpy(text, name.text, name.size);
	text[name.size] = '\0';
	rc = fl_table_rename(self, tab, text);
	if (rc != FL_OK)
		return fli_ets_raise(result, rc == FL_ETAKEN ? FL_EINVAL : rc);
	return write_id(self, tab, result);
}

static int give_away(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table, data;
	fl_pid to;
	fl_tab tab;
	int rc;

	if (!fl_match(args, "[~, ~, ~]", &table, &to, &data))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = fl_table_give_away(self, tab, to, "~", data);
	if (rc == FL_EINVAL)
		return fli_ets_blame(result, FLI_BLAME_OWNER);
	return fli_ets_true(result, rc == FL_ENOPROC ? FL_EINVAL : rc);
}

static int safe_fixtable(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table;
	fl_tab tab;
	bool on;
	int rc;

	if (!fl_match(args, "[~, ~]", &table, &on))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	return fli_ets_true(result, rc == FL_OK ? fl_table_fix(self, tab, on) : rc);
}

static int set_option(fl_proc *self, fl_tab tab, fl_term option)
{
	fl_term data;
	fl_pid heir;

	if (fl_match(option, "{heir, none}"))
		return fl_table_heir(self, tab, NULL, "none");
	if (fl_match(option, "{heir, ~, ~}", &heir, &data))
		return fl_table_heir(self, tab, &heir, "~", data);
	return FL_EINVAL;
}

static int setopts(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table, options, option;
	fl_tab tab;
	int rc;

	if (!fl_match(args, "[~, ~]", &table, &options))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK && fl_term_kind(options) == FL_TUPLE)
		return fli_ets_true(result, set_option(self, tab, options));
	while (rc == FL_OK && fl_list_next(&options, &option))
		rc = set_option(self, tab, option);
	if (rc == FL_OK && fl_term_kind(options) != FL_NIL)
		rc = FL_EINVAL;
	return fli_ets_true(result, rc);
}

static const fl_export exports[] = {
	{"ets", "all", 0, all},
	{"ets", "delete", 1, delete_table},
	{"ets", "delete_all_objects", 1, delete_all_objects},
	{"ets", "give_away", 3, give_away},
	{"ets", "info", 1, info},
	{"ets", "info", 2, info},
	{"ets", "new", 2, new_table},
	{"ets", "rename", 2, rename_table},
	{"ets", "safe_fixtable", 2, safe_fixtable},
	{"ets", "setopts", 2, setopts},
	{"ets", "tab2list", 1, tab2list},
	{"ets", "whereis", 1, whereis},
};

int fli_natives_ets_table(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
