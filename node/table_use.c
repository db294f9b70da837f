/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on a table: in an epoch, with the right to it, and for writers with its lock.
 *
 * - A reader: epoch, slot, generation, access. No lock, no count, no wait.
 * - A writer takes the table's mutex as well, and looks again whether the table has been ended.
 *
 * Failure: a table that is ended meanwhile is FL_ECLOSED for who comes later; who is in finishes
 * on memory that its epoch keeps.
 */
#include "node/table.h"

#include "node/term/tag.h"

static bool may(const fli_table *table, uint64_t process, fli_table_right right)
{
	if (right == FLI_TABLE_LOOK || process == atomic_load(&table->owner))
		return true;
	return table->access == FL_TABLE_PUBLIC ||
	       (table->access == FL_TABLE_PROTECTED && right == FLI_TABLE_READ);
}

/* Under the lock: nobody ends it any more. */
static bool is_open(fli_table *table)
{
	pthread_mutex_lock(&table->lock);
	if (!atomic_load(&table->is_dead))
		return true;
	pthread_mutex_unlock(&table->lock);
	return false;
}

int fli_use_begin(fl_tab tab, fli_table_right right, fli_use *ret_use)
{
	fli_tables *tables = tab.node == NULL ? NULL : tab.node->tables;
	int rc = FL_ECLOSED;
	fli_table *table;

	if (tables == NULL || tab.slot >= FLI_TABLES_MAX)
		return FL_ECLOSED;
	*ret_use = (fli_use){.tables = tables, .guard = fli_epoch_enter(&tables->epochs)};
	table = atomic_load(&tables->slots[tab.slot]);
	if (table != NULL && table->generation == tab.generation) {
		ret_use->table = table;
		if (!may(table, tab.process, right))
			rc = FL_EREFUSED;
		else if (right != FLI_TABLE_WRITE || is_open(table))
			rc = FL_OK;
	}
	ret_use->is_locked = rc == FL_OK && right == FLI_TABLE_WRITE;
	if (rc != FL_OK)
		fli_epoch_leave(&tables->epochs, ret_use->guard);
	return rc;
}

void fli_use_table(fli_table *table, fli_table_right right, fli_use *ret_use)
{
	fli_tables *tables = table->tables;

	*ret_use = (fli_use){.table = table,
		.tables = tables,
		.guard = fli_epoch_enter(&tables->epochs),
		.is_locked = right == FLI_TABLE_WRITE};
	if (ret_use->is_locked)
		pthread_mutex_lock(&table->lock);
}

void fli_use_end(fli_use *use)
{
	if (use->is_locked) {
		fli_table_sweep_tombs(use->table);
		pthread_mutex_unlock(&use->table->lock);
	}
	fli_epoch_leave(&use->tables->epochs, use->guard);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The forms that need no memory; 0: another. */
static size_t write_small(uint8_t *room, size_t size, const fl_value *value)
{
	int64_t number = value->as.i;
	uint64_t magnitude;

	if (value->type == FL_SLOT_U64 && value->as.u > INT64_MAX)
		return 0;
	if (value->type == FL_SLOT_ATOM) {
		if (value->as.atom.size > size - 2)
			return 0;
		room[0] = FLI_SMALL_ATOM_UTF8_EXT;
		room[1] = (uint8_t)value->as.atom.size;
		memcpy(room + 2, value->as.atom.text, value->as.atom.size);
		return 2 + value->as.atom.size;
	}
	if (value->type != FL_SLOT_I64 && value->type != FL_SLOT_U64)
		return 0;
	if (number >= 0 && number <= UINT8_MAX) {
		room[0] = FLI_SMALL_INTEGER_EXT;
		room[1] = (uint8_t)number;
		return 2;
	}
	if (number >= INT32_MIN && number <= INT32_MAX) {
		room[0] = FLI_INTEGER_EXT;
		fli_put32(room + 1, (uint32_t)(int32_t)number);
		return 5;
	}
	magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	room[0] = FLI_SMALL_BIG_EXT;
	room[1] = 0;
	room[2] = number < 0;
	for (; magnitude != 0; magnitude >>= 8)
		room[3 + room[1]++] = (uint8_t)magnitude;
	return 3 + (size_t)room[1];
}

int fli_key_begin(fli_key *key, fl_value value)
{
	size_t size;

	key->buf = (fl_buf)FL_BUF_INIT;
	if (value.type == FL_SLOT_TERM) {
		key->term = value.as.term;
		return key->term.size == 0 ? FL_EINVAL : FL_OK;
	}
	size = write_small(key->room, sizeof key->room, &value);
	if (size > 0) {
		key->term = (fl_term){.data = key->room, .size = size};
		return FL_OK;
	}
	if (fl_build_values(&key->buf, "~", &value, 1) != FL_OK) {
		bool is_full = key->buf.error == FL_ENOMEM;

		fl_buf_free(&key->buf);
		return is_full ? FL_ENOMEM : FL_EINVAL;
	}
	key->term = fl_buf_term(&key->buf);
	return FL_OK;
}

void fli_key_end(fli_key *key)
{
	fl_buf_free(&key->buf);
}

int fli_key_hash(const fli_table *table, fl_term key, uint64_t *ret_hash)
{
	*ret_hash = 0;
	if (fli_table_is_ordered(table) || fli_hash_key(table->seed, key, ret_hash))
		return FL_OK;
	return FL_ENOMEM;
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool at_hnode(fli_spot *spot, fli_hnode *node)
{
	*spot = (fli_spot){.hnode = node};
	if (node != NULL)
		spot->row = fli_row_at(&node->rows);
	return node != NULL;
}

static bool at_tnode(fli_spot *spot, fli_tnode *node)
{
	*spot = (fli_spot){.tnode = node};
	if (node != NULL)
		spot->row = fli_row_at(&node->rows);
	return node != NULL;
}

/* On to the first place that has a row. */
static bool settle(const fli_table *table, fli_spot *spot, bool is_there)
{
	while (is_there && spot->row == NULL)
		is_there = spot->tnode != NULL
				   ? at_tnode(spot, fli_tree_next(spot->tnode))
				   : at_hnode(spot, fli_hash_next(&table->hash, spot->hnode));
	return is_there;
}

bool fli_spot_find(const fli_table *table, fl_term key, fli_spot *ret_spot)
{
	uint64_t hash;

	*ret_spot = (fli_spot){0};
	if (fli_table_is_ordered(table))
		return at_tnode(ret_spot, fli_tree_find(&table->tree, key));
	if (fli_key_hash(table, key, &hash) != FL_OK)
		return false;
	return at_hnode(ret_spot, fli_hash_find(&table->hash, hash, key));
}

bool fli_spot_first(const fli_table *table, fli_spot *ret_spot)
{
	return settle(table, ret_spot,
		fli_table_is_ordered(table) ? at_tnode(ret_spot, fli_tree_first(&table->tree))
					    : at_hnode(ret_spot, fli_hash_first(&table->hash)));
}

bool fli_spot_last(const fli_table *table, fli_spot *ret_spot)
{
	if (!fli_table_is_ordered(table))
		return fli_spot_first(table, ret_spot);
	if (!at_tnode(ret_spot, fli_tree_last(&table->tree)))
		return false;
	return ret_spot->row != NULL ||
	       fli_spot_before(
		       table, fli_row_key(atomic_load(&ret_spot->tnode->rows), NULL), ret_spot);
}

bool fli_spot_next(const fli_table *table, fli_spot *spot)
{
	spot->row = NULL;
	return settle(table, spot, true);
}

bool fli_spot_after(const fli_table *table, fl_term key, fli_spot *ret_spot)
{
	uint64_t hash;
	fli_hnode *node;

	if (fli_table_is_ordered(table))
		return settle(
			table, ret_spot, at_tnode(ret_spot, fli_tree_after(&table->tree, key)));
	if (fli_key_hash(table, key, &hash) != FL_OK)
		return false;
	node = fli_hash_find(&table->hash, hash, key);
	node = node != NULL ? fli_hash_next(&table->hash, node)
			    : fli_hash_after(&table->hash, hash);
	return settle(table, ret_spot, at_hnode(ret_spot, node));
}

bool fli_spot_before(const fli_table *table, fl_term key, fli_spot *ret_spot)
{
	fli_tnode *node;

	if (!fli_table_is_ordered(table))
		return fli_spot_after(table, key, ret_spot);
	node = fli_tree_before(&table->tree, key);
	while (at_tnode(ret_spot, node)) {
		if (ret_spot->row != NULL)
			return true;
		node = fli_tree_before(&table->tree, fli_row_key(atomic_load(&node->rows), NULL));
	}
	return false;
}
