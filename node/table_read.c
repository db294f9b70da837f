/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: no lock, one load for the state of a key.
 *
 * - A lookup takes the chain of its key as it is at one moment. OTP gives the objects of a bag in
 *   the order of their insertion; the chain has the newest first, so it is noted and read
 * backwards.
 * - Steps (first, next) find their place by the key they are given, so nothing is kept between two.
 *
 * Departs from OTP: `next` of a key that is in a table is the next key in the order of a hash that
 * is keyed for each table; OTP's order is another. Neither is promised.
 */
#include "node/table.h"

enum { PIECE = 512 };

int fli_rows_take(const fli_use *use, const fli_row *row, fl_rows *ret_rows)
{
	uint32_t count = fli_row_count(row), i = 0;

	ret_rows->node = use->tables->node;
	ret_rows->guard = use->guard;
	ret_rows->left = count;
	ret_rows->rows = ret_rows->few;
	if (count > FLI_ROWS_FEW)
		ret_rows->rows = fli_alloc(use->tables->node->mem, count * sizeof(void *));
	if (ret_rows->rows == NULL)
		return FL_ENOMEM;
	for (; row != NULL && i < count; row = row->older)
		ret_rows->rows[i++] = row;
	return FL_OK;
}

void fli_rows_drop(fl_rows *rows)
{
	if (rows->rows != rows->few)
		fli_free(rows->node->mem, rows->rows);
}

bool fl_rows_next(fl_rows *rows, fl_term *ret_object)
{
	if (rows->left == 0)
		return false;
	rows->left--;
	*ret_object = fli_row_term(rows->rows[rows->left], rows->node->atoms);
	return true;
}

void fl_rows_end(fl_rows *rows)
{
	fli_rows_drop(rows);
	fli_epoch_leave(&rows->node->tables->epochs, rows->guard);
}

int fli_rows_write(const fli_use *use, const fli_row *row, fl_buf *buf)
{
	fl_rows rows;
	fl_term object;

	fl_list_open(buf);
	if (row != NULL) {
		if (fli_rows_take(use, row, &rows) != FL_OK)
			return FL_ENOMEM;
		while (fl_rows_next(&rows, &object))
			(void)fl_build(buf, "~", object);
		fli_rows_drop(&rows);
	}
	fl_list_close(buf);
	return buf->error;
}

/* ---- by key ---------------------------------------------------------------------------------- */

int fl_table_lookup_key(fl_tab tab, fl_rows *ret_rows, fl_value value)
{
	fli_spot spot;
	fli_key key;
	fli_use use;
	int rc = fli_key_begin(&key, value);

	if (rc != FL_OK)
		return rc;
	rc = fli_use_begin(tab, FLI_TABLE_READ, &use);
	if (rc == FL_OK) {
		rc = fli_spot_find(use.table, key.term, &spot) && spot.row != NULL
			     ? fli_rows_take(&use, spot.row, ret_rows)
			     : FL_ENOENT;
		if (rc != FL_OK)
			fli_use_end(&use); /* else the rows hold the guard */
	}
	fli_key_end(&key);
	return rc;
}

int fl_table_member_key(fl_tab tab, fl_value key)
{
	fl_rows rows;
	int rc = fl_table_lookup_key(tab, &rows, key);

	if (rc == FL_OK)
		fl_rows_end(&rows);
	return rc;
}

int fl_table_objects_key(fl_tab tab, fl_value key, fl_buf *ret_objects)
{
	fl_term object;
	fl_rows rows;
	int rc = fl_table_lookup_key(tab, &rows, key);

	if (rc == FL_ENOENT)
		return fl_build(ret_objects, "[]");
	if (rc != FL_OK)
		return rc;
	fl_list_open(ret_objects);
	while (fl_rows_next(&rows, &object))
		(void)fl_build(ret_objects, "~", object);
	fl_list_close(ret_objects);
	fl_rows_end(&rows);
	return ret_objects->error;
}

static int write_elements(fl_rows *rows, uint32_t pos, fl_buf *buf)
{
	fl_term object, element;

	while (fl_rows_next(rows, &object)) {
		if (pos == 0 || !fl_tuple_get(object, pos - 1, &element))
			return FL_EINVAL;
		(void)fl_build(buf, "~", element);
	}
	return buf->error;
}

int fl_table_element_key(fl_tab tab, fl_value key, uint32_t pos, fl_buf *ret_element)
{
	fl_table_info info;
	fl_rows rows;
	bool is_bag;
	int rc = fl_table_lookup_key(tab, &rows, key);

	if (rc != FL_OK)
		return rc;
	rc = fl_table_info_get(tab, &info);
	if (rc == FL_OK) {
		is_bag = info.type == FL_TABLE_BAG || info.type == FL_TABLE_DUPLICATE_BAG;
		if (is_bag)
			fl_list_open(ret_element);
		rc = write_elements(&rows, pos, ret_element);
		if (is_bag)
			fl_list_close(ret_element);
	}
	fl_rows_end(&rows);
	return rc;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A tombstone counts as long as the table is fixed. */
static bool counts_tombs(const fli_table *table)
{
	return atomic_load(&table->is_fixed) != 0;
}

/* The place that the step leads to; FL_ENOENT: the end. */
static int take_step(const fli_table *table, fl_table_step step, fl_term key, fli_spot *ret_spot)
{
	fli_spot here;
	bool found;

	if (step == FL_FIRST || step == FL_LAST) {
		found = step == FL_FIRST ? fli_spot_first(table, ret_spot)
					 : fli_spot_last(table, ret_spot);
		return found ? FL_OK : FL_ENOENT;
	}
	if (!fli_table_is_ordered(table) &&
		!(fli_spot_find(table, key, &here) && (here.row != NULL || counts_tombs(table))))
		return FL_EINVAL;
	found = step == FL_NEXT ? fli_spot_after(table, key, ret_spot)
				: fli_spot_before(table, key, ret_spot);
	return found ? FL_OK : FL_ENOENT;
}

int fl_table_walk(fl_tab tab, fl_table_step step, fl_term key, bool objects, fl_buf *ret_key)
{
	fli_spot spot;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	rc = take_step(use.table, step, key, &spot);
	if (rc == FL_OK) {
		if (objects)
			fl_tuple_open(ret_key);
		rc = fl_build(ret_key, "~", fli_row_key(spot.row, tab.node->atoms));
		if (objects) {
			rc = fli_rows_write(&use, spot.row, ret_key);
			fl_tuple_close(ret_key);
		}
	}
	fli_use_end(&use);
	return rc;
}

static bool visit_rows(fl_rows *rows, fl_table_visit *visit, void *ctx)
{
	fl_term object;

	while (fl_rows_next(rows, &object))
		if (!visit(ctx, object))
			return false;
	return true;
}

static int visit_spot(const fli_use *use, const fli_spot *spot, fl_table_visit *visit, void *ctx,
	bool *ret_goes_on)
{
	fl_rows rows;
	int rc = fli_rows_take(use, spot->row, &rows);

	if (rc == FL_OK) {
		*ret_goes_on = visit_rows(&rows, visit, ctx);
		fli_rows_drop(&rows);
	}
	return rc;
}

/* By pieces, as select does (table_select.c). */
int fl_table_fold(fl_tab tab, fl_table_visit *visit, void *ctx)
{
	uint32_t left = PIECE;
	bool goes_on;
	fli_spot spot;
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_READ, &use);

	if (rc != FL_OK)
		return rc;
	goes_on = fli_spot_first(use.table, &spot);
	while (goes_on) {
		rc = visit_spot(&use, &spot, visit, ctx, &goes_on);
		goes_on = goes_on && rc == FL_OK && fli_spot_next(use.table, &spot);
		if (!goes_on || --left > 0)
			continue;
		left = PIECE;
		rc = fli_use_pause(&use, &spot, false, &goes_on);
		if (rc != FL_OK)
			return rc;
	}
	fli_use_end(&use);
	return rc;
}

typedef struct listing {
	fl_buf *buf;
	int rc;
} listing;

static bool add_object(void *ctx, fl_term object)
{
	listing *l = ctx;

	l->rc = fl_build(l->buf, "~", object);
	if (l->buf->size > FLI_TABLE_RESULT_MAX)
		l->rc = FL_ELIMIT;
	return l->rc == FL_OK;
}

int fl_table_list(fl_tab tab, fl_buf *ret_list)
{
	listing l = {.buf = ret_list};
	int rc;

	fl_list_open(ret_list);
	rc = fl_table_fold(tab, add_object, &l);
	fl_list_close(ret_list);
	rc = rc == FL_OK ? l.rc : rc;
	return rc == FL_OK ? ret_list->error : rc;
}

size_t fli_table_memory(const fli_table *table)
{
	return sizeof *table + atomic_load(&table->bytes) +
	       (fli_table_is_ordered(table) ? 0 : atomic_load(&table->hash.bytes));
}

int fl_table_info_get(fl_tab tab, fl_table_info *ret_info)
{
	fli_use use;
	int rc = fli_use_begin(tab, FLI_TABLE_LOOK, &use);

	if (rc != FL_OK)
		return rc;
	*ret_info = (fl_table_info){.type = use.table->type,
		.access = use.table->access,
		.keypos = use.table->keypos,
		.size = atomic_load(&use.table->size),
		.memory = fli_table_memory(use.table),
		.is_fixed = atomic_load(&use.table->is_fixed) != 0};
	fli_use_end(&use);
	return FL_OK;
}
