/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a key replaced by others of the same key, under the table's lock.
 *
 * - Of a set or ordered_set that is an insert.
 * - The objects of a duplicate_bag's key are a chain of their own, which readers follow: a new
 *   chain of all of them, the changed ones among them, takes its place by one store.
 *
 * Failure: no memory, or more bytes than the table may have: the key is as it was.
 */
#include "node/table.h"

static bool changed(
	const fli_table *table, const fli_row *row, fli_replace *replace, fli_object *ret_object)
{
	fl_term object;

	if (!replace->change(replace->ctx, fli_row_term(row, NULL), &object) ||
		!fli_object_of(object, table->keypos, ret_object))
		return false; /* a body that failed gives no object */
	ret_object->hash = row->hash;
	return true;
}

static int replace_one(fli_table *table, const fli_row *row, fli_replace *replace)
{
	fli_object object;
	int rc;

	if (!changed(table, row, replace, &object))
		return FL_OK;
	rc = fli_table_put(table, &object, 1, false);
	if (rc == FL_OK)
		replace->count++;
	return rc;
}

/* ---- a chain --------------------------------------------------------------------------------- */

typedef struct chain {
	fli_row *head;
	size_t bytes;
	size_t count; /* that are others */
} chain;

static void drop_chain(fli_table *table, const fli_row *row)
{
	while (row != NULL) {
		const fli_row *older = row->older;

		fli_free(table->tables->node->mem, (void *)(uintptr_t)row);
		row = older;
	}
}

/* Another row in front of the chain: of what `row` becomes. */
static bool add(fli_table *table, chain *c, const fli_row *row, fli_replace *replace)
{
	fli_object object;
	fli_row *copy;

	if (changed(table, row, replace, &object)) {
		c->count++;
	} else {
		object.term = fli_row_term(row, NULL);
		object.key = fli_row_key(row, NULL);
		object.hash = row->hash;
	}
	copy = fli_alloc(table->tables->node->mem, fli_row_room(object.term.size));
	if (copy == NULL)
		return false;
	fli_row_write(copy, &object);
	copy->older = c->head;
	c->head = copy;
	c->bytes += fli_row_room(object.term.size);
	return true;
}

static size_t bytes_of(const fli_row *row)
{
	size_t bytes = 0;

	for (; row != NULL; row = row->older)
		bytes += fli_row_room(row->size);
	return bytes;
}

static void put_chain(fli_table *table, const fli_row *old, const chain *c)
{
	fli_hplace *place = fli_hash_place(&table->hash, old->hash, fli_row_key(old, NULL));

	(void)fli_hash_replace(place, c->head);
	(void)atomic_fetch_add(&table->bytes, c->bytes - bytes_of(old)); /* modulo 2^64 */
	while (old != NULL) {
		fli_row *gone = (fli_row *)(uintptr_t)old; /* nobody links to it any more */

		old = old->older;
		fli_limbo_put(&table->limbo, &gone->block);
	}
}

static int replace_chain(
	fli_table *table, const fli_use *use, const fli_row *head, fli_replace *replace)
{
	chain c = {.head = NULL};
	int rc = FL_OK;
	fl_rows rows;

	if (fli_rows_take(use, head, &rows) != FL_OK)
		return FL_ENOMEM;
	while (rc == FL_OK && rows.left > 0) /* the oldest first */
		rc = add(table, &c, rows.rows[--rows.left], replace) ? FL_OK : FL_ENOMEM;
	fli_rows_drop(&rows);
	if (rc == FL_OK && table->bytes_max != 0 &&
		atomic_load(&table->bytes) + c.bytes - bytes_of(head) > table->bytes_max)
		rc = FL_ELIMIT;
	if (rc == FL_OK && c.count > 0) {
		put_chain(table, head, &c);
		replace->count += c.count;
	} else {
		drop_chain(table, c.head);
	}
	return rc;
}

int fli_table_replace(fli_table *table, const fli_spot *spot, fli_replace *replace)
{
	fli_use use = {.table = table, .tables = table->tables};

	if (table->type == FL_TABLE_DUPLICATE_BAG)
		return replace_chain(table, &use, spot->row, replace);
	return replace_one(table, spot->row, replace);
}
