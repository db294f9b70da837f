/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One element of a row changed: a row that differs there takes the place of the old one.
 *
 * Readers hold rows as they are, so nothing is written into a row; but nothing is built, either:
 * what lies before and behind the element is copied, and one store makes it visible.
 */
#include "node/table.h"

int fli_splice_find(fli_table *table, fl_term key, uint32_t pos, fli_splice *ret_splice)
{
	fli_splice s = {.table = table};
	uint64_t hash;
	int rc = fli_key_hash(table, key, &hash);

	if (rc != FL_OK)
		return rc;
	if (fli_table_is_ordered(table)) {
		s.tnode = fli_tree_find(&table->tree, key);
		s.row = s.tnode == NULL ? NULL : atomic_load(&s.tnode->rows);
	} else {
		s.place = fli_hash_place(&table->hash, hash, key);
		s.row = s.place == NULL ? NULL : fli_hplace_row(s.place);
	}
	if (s.row == NULL || fli_row_is_gone(s.row))
		return FL_ENOENT;
	if (pos == table->keypos)
		return FLI_EKEYPOS;
	if (pos == 0 || !fl_tuple_get(fli_row_term(s.row, NULL), pos - 1, &s.element))
		return FLI_EPOSITION;
	*ret_splice = s;
	return FL_OK;
}

static fli_row *make_row(const fli_splice *s, size_t size, const uint8_t *value, size_t value_size)
{
	fli_row *row = fli_alloc(s->table->tables->node->mem, fli_row_room(size));
	size_t before = (size_t)(s->element.data - s->row->bytes);
	size_t behind = before + s->element.size;

	if (row == NULL)
		return NULL;
	row->block.next = NULL;
	row->hash = s->row->hash;
	row->older = NULL;
	atomic_init(&row->entry, NULL);
	row->size = (uint32_t)size;
	row->key_at = s->row->key_at;
	row->key_size = s->row->key_size;
	if (row->key_at >= behind)
		row->key_at += (uint32_t)(value_size - s->element.size);
	memcpy(row->bytes, s->row->bytes, before);
	memcpy(row->bytes + before, value, value_size);
	memcpy(row->bytes + before + value_size, s->row->bytes + behind, s->row->size - behind);
	return row;
}

int fli_splice_put(const fli_splice *s, const uint8_t *value, size_t value_size)
{
	fli_table *table = s->table;
	size_t size = s->row->size - s->element.size + value_size;
	size_t room = fli_row_room(size), had = fli_row_room(s->row->size);
	fli_row *row;

	if (size > UINT32_MAX ||
		(room > had && table->bytes_max != 0 &&
			atomic_load(&table->bytes) + room - had > table->bytes_max))
		return FL_ELIMIT;
	row = make_row(s, size, value, value_size);
	if (row == NULL)
		return FL_ENOMEM;
	if (s->tnode != NULL)
		atomic_store(&s->tnode->rows, row);
	else
		(void)fli_hash_replace(s->place, row);
	if (room != had)
		(void)atomic_fetch_add(&table->bytes, room - had); /* modulo 2^64 */
	fli_limbo_put(&table->limbo, &s->row->block);
	return FL_OK;
}
