/* SPDX-License-Identifier: Apache-2.0 */
/*
 * persistent_term on a table that has no owner, no slot and no end.
 *
 * Departs from OTP: a value that is replaced or erased is freed when its last reader has left, not
 * after a garbage collection of all processes, since C code holds it between get and fl_rows_end.
 */
#include "node/persistent.h"

#include "node/sched.h"
#include "node/table.h"

/* NULL: none yet, or out of memory for one. */
static fli_table *terms_of(fl_node *node, bool make)
{
	static const fl_table_options options = {.access = FL_TABLE_PUBLIC};
	fli_table *table = NULL;
	fli_tables *tables;

	fli_enter(node);
	tables = make ? fli_tables_of(node) : node->tables;
	if (tables != NULL) {
		if (tables->terms == NULL && make)
			tables->terms = fli_table_make(tables, &options);
		table = tables->terms;
	}
	fli_leave(node);
	return table;
}

int fl_persistent_put_spec(fl_proc *self, fl_value key, fl_spec value)
{
	fli_table *table = terms_of(fl_self_node(self), true);
	fl_buf buf = FL_BUF_INIT;
	fli_object object;
	fli_use use;
	int rc;

	if (table == NULL)
		return FL_ENOMEM;
	fl_tuple_open(&buf);
	(void)fl_build_values(&buf, "~", &key, 1);
	(void)fl_build_values(&buf, value.pattern, value.values, value.count);
	fl_tuple_close(&buf);
	rc = buf.error;
	if (rc == FL_OK && !fli_object_of(fl_buf_term(&buf), 1, &object))
		rc = FL_EINVAL;
	if (rc == FL_OK) {
		fli_use_table(table, FLI_TABLE_WRITE, &use);
		rc = fli_table_put(table, &object, 1, false);
		fli_use_end(&use);
	}
	fl_buf_free(&buf);
	return rc;
}

int fl_persistent_get_key(fl_proc *self, fl_rows *ret_rows, fl_value value, fl_term *ret_value)
{
	fli_table *table = terms_of(fl_self_node(self), false);
	fl_term object;
	fli_spot spot;
	fli_key key;
	fli_use use;
	int rc = table == NULL ? FL_ENOENT : fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	fli_use_table(table, FLI_TABLE_READ, &use);
	rc = fli_spot_find(table, key.term, &spot) && spot.row != NULL
		     ? fli_rows_take(&use, spot.row, ret_rows)
		     : FL_ENOENT;
	if (rc != FL_OK)
		fli_use_end(&use);
	else if (fl_rows_next(ret_rows, &object))
		(void)fl_tuple_get(object, 1, ret_value);
	fli_key_end(&key);
	return rc;
}

int fl_persistent_erase_key(fl_proc *self, fl_value value)
{
	fli_table *table = terms_of(fl_self_node(self), false);
	fli_cut cut = {0};
	fli_key key;
	fli_use use;
	int rc = table == NULL ? FL_ENOENT : fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	fli_use_table(table, FLI_TABLE_WRITE, &use);
	rc = fli_table_cut(table, key.term, &cut);
	fli_use_end(&use);
	fli_key_end(&key);
	return rc == FL_OK && cut.count == 0 ? FL_ENOENT : rc;
}

int fli_persistent_list(fl_node *node, fl_buf *ret_list)
{
	fli_table *table = terms_of(node, false);
	fli_spot spot;
	fli_use use;
	bool more;

	fl_list_open(ret_list);
	if (table != NULL) {
		fli_use_table(table, FLI_TABLE_READ, &use);
		for (more = fli_spot_first(table, &spot); more; more = fli_spot_next(table, &spot))
			(void)fl_build(ret_list, "~", fli_row_term(spot.row, node->atoms));
		fli_use_end(&use);
	}
	fl_list_close(ret_list);
	return ret_list->error;
}

void fli_persistent_size(fl_node *node, size_t *ret_count, size_t *ret_bytes)
{
	fli_table *table = terms_of(node, false);

	*ret_count = table == NULL ? 0 : atomic_load(&table->size);
	*ret_bytes = table == NULL ? 0 : atomic_load(&table->bytes);
}
