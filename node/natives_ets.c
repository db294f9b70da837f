/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ets, for objects: what rpc, erpc and the command line may do with the tables of this node, each
 * with the rights of the process that runs it, as on a BEAM. And persistent_term, to read.
 *
 * Errors are OTP's badarg with the cause in its stack. What takes memory or a limit is
 * system_limit. A continuation of select is this node's own term (table_select.c).
 */
#include "node/natives.h"
#include "node/persistent.h"
#include "node/sched.h"
#include "node/table_ask.h"

/* The greatest small integer of a BEAM. */
#define LIMIT_MAX ((UINT64_C(1) << 59) - 1)

static fl_value term_value(fl_term term)
{
	return (fl_value){.type = FL_SLOT_TERM, .as.term = term};
}

/* ---- one key --------------------------------------------------------------------------------- */

/* Function(Table, Key) */
typedef struct ask {
	fl_tab tab;
	fl_term key;
} ask;

static int begin(fl_proc *self, fl_term args, ask *ret, fl_buf *result)
{
	fl_term table;
	int rc = fl_match(args, "[~, ~]", &table, &ret->key) ? fli_tab_open(self, table, &ret->tab)
							     : FL_EINVAL;

	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_objects_key(a.tab, term_value(a.key), result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int member(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_member_key(a.tab, term_value(a.key));
	if (rc != FL_OK && rc != FL_ENOENT)
		return fli_ets_raise(result, rc);
	return fl_build(result, "~", fl_bool(rc == FL_OK));
}

static int take(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_take_key(a.tab, term_value(a.key), result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int delete_key(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	return fli_ets_true(result, fl_table_erase_key(a.tab, term_value(a.key)));
}

static int delete_object(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	return fli_ets_true(result, fl_table_delete_object(a.tab, a.key));
}

static int insert(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	return fli_ets_true(result, fl_table_insert_list(a.tab, a.key, false));
}

static int insert_new(fl_proc *self, fl_term args, fl_buf *result)
{
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_insert_list(a.tab, a.key, true);
	return rc == FL_EALREADY ? fl_build(result, "false") : fli_ets_true(result, rc);
}

/* lookup_element/3, and /4 with a default. */
static int lookup_element(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table, key, otherwise = {0};
	uint32_t pos;
	fl_tab tab;
	int rc;

	if ((!fl_match(args, "[~, ~, ~]", &table, &key, &pos) &&
		    !fl_match(args, "[~, ~, ~, ~]", &table, &key, &pos, &otherwise)) ||
		pos == 0)
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = fl_table_element_key(tab, term_value(key), pos, result);
	if (rc == FL_ENOENT && otherwise.data != NULL)
		return fl_build(result, "~", otherwise);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int update_counter(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table, key, update, otherwise;
	bool has_default = fl_match(args, "[~, ~, ~, ~]", &table, &key, &update, &otherwise);
	fl_tab tab;
	int rc;

	if (!has_default && !fl_match(args, "[~, ~, ~]", &table, &key, &update))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = fli_table_update_counter(
			tab, key, update, has_default ? &otherwise : NULL, result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int update_element(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term table, key, update, otherwise;
	bool has_default = fl_match(args, "[~, ~, ~, ~]", &table, &key, &update, &otherwise);
	fl_tab tab;
	int rc;

	if (!has_default && !fl_match(args, "[~, ~, ~]", &table, &key, &update))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = fli_table_update_element(tab, key, update, has_default ? &otherwise : NULL);
	return rc == FL_ENOENT ? fl_build(result, "false") : fli_ets_true(result, rc);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int step(fl_proc *self, fl_term args, fl_table_step which, bool objects, fl_buf *result)
{
	fl_term table, key = {0};
	fl_tab tab;
	int rc;

	if (!fl_match(args, "[~]", &table) && !fl_match(args, "[~, ~]", &table, &key))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = fl_table_walk(tab, which, key, objects, result);
	if (rc == FL_ENOENT)
		return fl_build(result, "'$end_of_table'");
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int first(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_FIRST, false, result);
}

static int last(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_LAST, false, result);
}

static int next(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_NEXT, false, result);
}

static int prev(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_PREV, false, result);
}

static int first_lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_FIRST, true, result);
}

static int last_lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_LAST, true, result);
}

static int next_lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_NEXT, true, result);
}

static int prev_lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	return step(self, args, FL_PREV, true, result);
}

/* ---- match specifications -------------------------------------------------------------------- */

static int more(fl_proc *self, fl_term continuation, fl_buf *result)
{
	fl_tab tab = {0};
	fl_term table;
	int rc = FL_OK;

	if (fl_tuple_get(continuation, 0, &table))
		rc = fli_tab_open(self, table, &tab);
	else if (!fl_match(continuation, "'$end_of_table'"))
		rc = FL_EINVAL;
	if (rc == FL_OK)
		rc = fl_table_select_more(tab, continuation, result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

/* What a BEAM takes: a small integer above 0. No table has more objects than 32 bits count. */
static bool is_limit(fl_term limit, uint32_t *ret_count)
{
	uint64_t count;

	if (!fl_match(limit, "~", &count) || count == 0 || count > LIMIT_MAX)
		return false;
	*ret_count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	return true;
}

static int query(fl_proc *self, fl_term args, fl_table_query which, fl_buf *result)
{
	fl_term table, spec, limit = {0};
	uint32_t count = 0;
	fl_tab tab;
	int rc;

	if (fl_match(args, "[~]", &spec))
		return more(self, spec, result);
	if (!fl_match(args, "[~, ~]", &table, &spec) &&
		!(fl_match(args, "[~, ~, ~]", &table, &spec, &limit) && is_limit(limit, &count)))
		return fli_ets_raise(result, FL_EINVAL);
	rc = fli_tab_open(self, table, &tab);
	if (rc == FL_OK)
		rc = count == 0 ? fl_table_select(tab, which, spec, result)
				: fl_table_select_some(tab, which, spec, count, result);
	return rc == FL_OK ? FL_OK : fli_ets_raise(result, rc);
}

static int select_(fl_proc *self, fl_term args, fl_buf *result)
{
	return query(self, args, FL_SELECT, result);
}

static int select_reverse(fl_proc *self, fl_term args, fl_buf *result)
{
	return query(self, args, FL_SELECT_REVERSE, result);
}

static int match(fl_proc *self, fl_term args, fl_buf *result)
{
	return query(self, args, FL_MATCH, result);
}

static int match_object(fl_proc *self, fl_term args, fl_buf *result)
{
	return query(self, args, FL_MATCH_OBJECT, result);
}

static int select_count(fl_proc *self, fl_term args, fl_buf *result)
{
	size_t count;
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_select_count(a.tab, a.key, &count);
	return rc == FL_OK ? fl_build(result, "~", count) : fli_ets_raise(result, rc);
}

static int select_delete(fl_proc *self, fl_term args, fl_buf *result)
{
	size_t count;
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_select_delete(a.tab, FL_SELECT, a.key, &count);
	return rc == FL_OK ? fl_build(result, "~", count) : fli_ets_raise(result, rc);
}

static int select_replace(fl_proc *self, fl_term args, fl_buf *result)
{
	size_t count;
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	rc = fli_table_select_replace(a.tab, a.key, &count);
	return rc == FL_OK ? fl_build(result, "~", count) : fli_ets_raise(result, rc);
}

static int match_delete(fl_proc *self, fl_term args, fl_buf *result)
{
	size_t count;
	ask a;
	int rc = begin(self, args, &a, result);

	if (rc != FL_OK)
		return rc;
	return fli_ets_true(result, fl_table_select_delete(a.tab, FL_MATCH, a.key, &count));
}

/* ---- persistent_term ------------------------------------------------------------------------- */

static int term_get(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term key, otherwise = {0}, value;
	fl_rows rows;
	int rc;

	if (!fl_match(args, "[~]", &key) && !fl_match(args, "[~, ~]", &key, &otherwise))
		return fli_badarg(result);
	rc = fl_persistent_get_key(self, &rows, term_value(key), &value);
	if (rc == FL_OK) {
		rc = fl_build(result, "~", value);
		fl_rows_end(&rows);
		return rc;
	}
	if (rc == FL_ENOENT && otherwise.data != NULL)
		return fl_build(result, "~", otherwise);
	if (rc != FL_ENOENT)
		return fli_ets_raise(result, rc);
	(void)fli_badarg(result);
	return FLI_BLAME + FLI_BLAME_ERTS;
}

static int term_list(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	return fli_persistent_list(fl_self_node(self), result);
}

static int term_info(fl_proc *self, fl_term args, fl_buf *result)
{
	size_t count, bytes;

	(void)args; /* none */
	fli_persistent_size(fl_self_node(self), &count, &bytes);
	return fl_build(result, "#{count => ~, memory => ~}", count, bytes);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const fl_export exports[] = {
	{"ets", "delete", 2, delete_key},
	{"ets", "delete_object", 2, delete_object},
	{"ets", "first", 1, first},
	{"ets", "first_lookup", 1, first_lookup},
	{"ets", "insert", 2, insert},
	{"ets", "insert_new", 2, insert_new},
	{"ets", "last", 1, last},
	{"ets", "last_lookup", 1, last_lookup},
	{"ets", "lookup", 2, lookup},
	{"ets", "lookup_element", 3, lookup_element},
	{"ets", "lookup_element", 4, lookup_element},
	{"ets", "match", 1, match},
	{"ets", "match", 2, match},
	{"ets", "match", 3, match},
	{"ets", "match_delete", 2, match_delete},
	{"ets", "match_object", 1, match_object},
	{"ets", "match_object", 2, match_object},
	{"ets", "match_object", 3, match_object},
	{"ets", "member", 2, member},
	{"ets", "next", 2, next},
	{"ets", "next_lookup", 2, next_lookup},
	{"ets", "prev", 2, prev},
	{"ets", "prev_lookup", 2, prev_lookup},
	{"ets", "select", 1, select_},
	{"ets", "select", 2, select_},
	{"ets", "select", 3, select_},
	{"ets", "select_count", 2, select_count},
	{"ets", "select_delete", 2, select_delete},
	{"ets", "select_replace", 2, select_replace},
	{"ets", "select_reverse", 1, select_reverse},
	{"ets", "select_reverse", 2, select_reverse},
	{"ets", "select_reverse", 3, select_reverse},
	{"ets", "take", 2, take},
	{"ets", "update_counter", 3, update_counter},
	{"ets", "update_counter", 4, update_counter},
	{"ets", "update_element", 3, update_element},
	{"ets", "update_element", 4, update_element},
	{"persistent_term", "get", 0, term_list},
	{"persistent_term", "get", 1, term_get},
	{"persistent_term", "get", 2, term_get},
	{"persistent_term", "info", 0, term_info},
};

int fli_natives_ets(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
