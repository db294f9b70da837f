/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public functions that write: the terms are checked, then put or cut under the table's lock.
 */
#include "node/table.h"

/* ---- insert ---------------------------------------------------------------------------------- */

static int put_one(fl_tab tab, fl_spec spec, bool only_new)
{
	fl_buf buf = FL_BUF_INIT;
	fli_object object;
	fli_use use;
	int rc = fl_build_values(&buf, spec.pattern, spec.values, spec.count);

	if (rc == FL_OK)
		rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);
	if (rc == FL_OK) {
		rc = fli_object_of(fl_buf_term(&buf), use.table->keypos, &object)
			     ? fli_table_put(use.table, &object, 1, only_new)
			     : FL_EINVAL;
		fli_use_end(&use);
	}
	fl_buf_free(&buf);
	return rc;
}

int fl_table_insert_spec(fl_tab tab, fl_spec object)
{
	return put_one(tab, object, false);
}

int fl_table_insert_new_spec(fl_tab tab, fl_spec object)
{
	return put_one(tab, object, true);
}

/* The length of a proper list of objects. */
static bool count_objects(const fli_table *table, fl_term list, size_t *ret_count)
{
	fli_object object;
	fl_term element;
	size_t count = 0;

	for (; fl_list_next(&list, &element); count++)
		if (!fli_object_of(element, table->keypos, &object))
			return false;
	*ret_count = count;
	return count <= UINT32_MAX && fl_term_kind(list) == FL_NIL;
}

static int put_list(fli_table *table, fl_term list, bool only_new)
{
	fli_mem *mem = table->tables->node->mem;
	fli_object *objects;
	size_t count, i = 0;
	fl_term element;
	int rc;

	if (!count_objects(table, list, &count))
		return FL_EINVAL;
	if (count == 0)
		return FL_OK;
	objects = fli_alloc(mem, count * sizeof *objects);
	if (objects == NULL)
		return FL_ENOMEM;
	while (i < count && fl_list_next(&list, &element))
		(void)fli_object_of(element, table->keypos, &objects[i++]);
	rc = fli_table_put(table, objects, count, only_new);
	fli_free(mem, objects);
	return rc;
}

int fl_table_insert_list(fl_tab tab, fl_term objects, bool only_new)
{
	fli_object object;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	if (fl_term_kind(objects) != FL_TUPLE)
		rc = put_list(use.table, objects, only_new);
	else if (!fli_object_of(objects, use.table->keypos, &object))
		rc = FL_EINVAL;
	else
		rc = fli_table_put(use.table, &object, 1, only_new);
	fli_use_end(&use);
	return rc;
}

/* ---- delete ---------------------------------------------------------------------------------- */

int fl_table_erase_key(fl_tab tab, fl_value value)
{
	fli_cut cut = {0};
	fli_key key;
	fli_use use;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);
	if (rc == FL_OK) {
		rc = fli_table_cut(use.table, key.term, &cut);
		fli_use_end(&use);
	}
	fli_key_end(&key);
	return rc;
}

int fl_table_take_key(fl_tab tab, fl_value value, fl_buf *ret_objects)
{
	fli_cut cut = {0};
	fli_spot spot;
	fli_key key;
	fli_use use;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);
	if (rc == FL_OK) {
		if (!fli_spot_find(use.table, key.term, &spot))
			spot.row = NULL;
		rc = fli_rows_write(&use, spot.row, ret_objects);
		if (rc == FL_OK)
			rc = fli_table_cut(use.table, key.term, &cut);
		fli_use_end(&use);
	}
	fli_key_end(&key);
	return rc;
}

static bool is_object(void *ctx, const fli_row *row)
{
	return fli_same_term(fli_row_term(row, NULL), *(const fl_term *)ctx);
}

int fl_table_delete_object(fl_tab tab, fl_term term)
{
	fli_cut cut = {.goes = is_object, .ctx = &term};
	fli_object object;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	rc = fli_object_of(term, use.table->keypos, &object)
		     ? fli_table_cut(use.table, object.key, &cut)
		     : FL_EINVAL;
	fli_use_end(&use);
	return rc;
}

int fl_table_delete_all(fl_tab tab)
{
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_WRITE, &use);

	if (rc != FL_OK)
		return rc;
	rc = fli_table_clear(use.table);
	fli_use_end(&use);
	return rc;
}
