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

enum { TOMBS_AT_ONCE = 4096 };

static bool may(const fli_table *table, uint64_t process, fli_table_right right)
{
	if (right == FLI_TABLE_LOOK || process == atomic_load(&table->owner))
		return true;
	return table->access == FL_TABLE_PUBLIC ||
	       (table->access == FL_TABLE_PROTECTED && right == FLI_TABLE_READ);
}

/*
 * Who has to wait stands in a line, so that who pauses, and stands in it as well, does not come
 * first again.
 */
static void lock(fli_table *table, bool has_paused)
{
	if (!has_paused && FLI_LIKELY(pthread_mutex_trylock(&table->lock) == 0))
		return;
	pthread_mutex_lock(&table->line);
	pthread_mutex_lock(&table->lock);
	pthread_mutex_unlock(&table->line);
}

/* Under the lock: nobody ends it any more. */
static bool is_open(fli_table *table, bool has_paused)
{
	lock(table, has_paused);
	if (!atomic_load(&table->is_dead))
		return true;
	pthread_mutex_unlock(&table->lock);
	return false;
}

static int use(fl_tab tab, fli_table_right right, bool has_paused, fli_use *ret_use)
{
	fli_tables *tables = tab.node == NULL ? NULL : tab.node->tables;
	int rc = FL_ECLOSED;
	fli_table *table;

	if (tables == NULL || tab.slot >= FLI_TABLES_MAX)
		return FL_ECLOSED;
	*ret_use =
		(fli_use){.tables = tables, .tab = tab, .guard = fli_epoch_enter(&tables->epochs)};
	table = atomic_load(&tables->slots[tab.slot]);
	if (table != NULL && table->generation == tab.generation) {
		ret_use->table = table;
		if (!may(table, tab.process, right))
			rc = FL_EREFUSED;
		else if (right != FLI_TABLE_WRITE || is_open(table, has_paused))
			rc = FL_OK;
	}
	ret_use->is_locked = rc == FL_OK && right == FLI_TABLE_WRITE;
	if (rc != FL_OK)
		fli_epoch_leave(&tables->epochs, ret_use->guard);
	return rc;
}

int fli_use_begin(fl_tab tab, fli_table_right right, fli_use *ret_use)
{
	return use(tab, right, false, ret_use);
}

void fli_use_table(fli_table *table, fli_table_right right, fli_use *ret_use)
{
	fli_tables *tables = table->tables;

	*ret_use = (fli_use){.table = table,
		.tables = tables,
		.guard = fli_epoch_enter(&tables->epochs),
		.is_locked = right == FLI_TABLE_WRITE};
	if (ret_use->is_locked)
		lock(table, false);
}

/* Under the lock. */
static void tidy(fli_table *table)
{
	if (FLI_UNLIKELY(table->tombs != NULL) && atomic_load(&table->is_fixed) == 0)
		fli_table_sweep_tombs(table, TOMBS_AT_ONCE);
}

void fli_table_tidy(fli_table *table)
{
	if (pthread_mutex_trylock(&table->lock) != 0)
		return; /* who has it tidies when he is done */
	tidy(table);
	pthread_mutex_unlock(&table->lock);
}

void fli_use_end(fli_use *use)
{
	if (use->is_locked) {
		tidy(use->table);
		pthread_mutex_unlock(&use->table->lock);
	}
	fli_epoch_leave(&use->tables->epochs, use->guard);
}

/* ---- keys ------------------------------------------------------------------------------------ */

size_t fli_integer_write(uint8_t room[static FLI_INTEGER_ROOM], int64_t number)
{
	uint64_t magnitude;

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

/* The forms that need no memory; 0: another. */
static size_t write_small(uint8_t *room, size_t size, const fl_value *value)
{
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
	return fli_integer_write(room, value->as.i);
}

static int build_key(fli_key *key, const fl_value *value)
{
	int rc;

	key->buf = (fl_buf)FL_BUF_INIT;
	if (fl_build_values(&key->buf, "~", value, 1) != FL_OK) {
		rc = key->buf.error == FL_ENOMEM ? FL_ENOMEM : FL_EINVAL;
		fl_buf_free(&key->buf);
		return rc;
	}
	key->is_built = true;
	key->term = fl_buf_term(&key->buf);
	return FL_OK;
}

int fli_key_begin(fli_key *key, fl_value value)
{
	size_t size;

	key->is_built = false;
	if (value.type == FL_SLOT_TERM) {
		key->term = value.as.term;
		return key->term.size == 0 ? FL_EINVAL : FL_OK;
	}
	size = write_small(key->room, sizeof key->room, &value);
	if (size == 0)
		return build_key(key, &value);
	key->term = (fl_term){.data = key->room, .size = size};
	return FL_OK;
}

void fli_key_end(fli_key *key)
{
	if (FLI_UNLIKELY(key->is_built))
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

static bool at_head(fli_spot *spot, bool is_there, const fli_found *found)
{
	*spot = (fli_spot){0};
	if (is_there) {
		spot->head = found->head;
		spot->row = found->row;
	}
	return is_there;
}

/* What a reader takes at a node of the tree. */
static const fli_row *row_at(const fli_tnode *node)
{
	fli_row *row, *again = atomic_load(&node->rows);
	const fli_row *seen;

	do {
		row = again;
		seen = row == NULL ? NULL : fli_row_seen(row);
		again = atomic_load(&node->rows);
	} while (FLI_UNLIKELY(row != again));
	return seen;
}

static bool at_tnode(fli_spot *spot, fli_tnode *node)
{
	*spot = (fli_spot){.tnode = node};
	if (node != NULL)
		spot->row = row_at(node);
	return node != NULL;
}

static bool step_on(const fli_table *table, fli_spot *spot)
{
	fli_found found;
	bool is_there;

	if (spot->tnode != NULL)
		return at_tnode(spot, fli_tree_next(spot->tnode));
	is_there = fli_hash_next(&table->hash, spot->head, &found);
	return at_head(spot, is_there, &found);
}

/* On to the first place that has a row. */
static bool settle(const fli_table *table, fli_spot *spot, bool is_there)
{
	while (is_there && spot->row == NULL)
		is_there = step_on(table, spot);
	return is_there;
}

bool fli_spot_find(const fli_table *table, fl_term key, fli_spot *ret_spot)
{
	fli_found found;
	uint64_t hash;

	*ret_spot = (fli_spot){0};
	if (fli_table_is_ordered(table))
		return at_tnode(ret_spot, fli_tree_find(&table->tree, key));
	if (fli_key_hash(table, key, &hash) != FL_OK)
		return false;
	return at_head(ret_spot, fli_hash_find(&table->hash, hash, key, &found), &found);
}

bool fli_spot_first(const fli_table *table, fli_spot *ret_spot)
{
	fli_found found;

	if (fli_table_is_ordered(table))
		return settle(table, ret_spot, at_tnode(ret_spot, fli_tree_first(&table->tree)));
	return settle(
		table, ret_spot, at_head(ret_spot, fli_hash_first(&table->hash, &found), &found));
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
	fli_found found;
	uint64_t hash;
	bool is_there;

	if (fli_table_is_ordered(table))
		return settle(
			table, ret_spot, at_tnode(ret_spot, fli_tree_after(&table->tree, key)));
	if (fli_key_hash(table, key, &hash) != FL_OK)
		return false;
	if (fli_hash_find(&table->hash, hash, key, &found))
		is_there = fli_hash_next(&table->hash, found.head, &found);
	else
		is_there = fli_hash_after(&table->hash, hash, &found);
	return settle(table, ret_spot, at_head(ret_spot, is_there, &found));
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

int fli_use_pause(fli_use *of, fli_spot *spot, bool back, bool *ret_there)
{
	fli_table_right right = of->is_locked ? FLI_TABLE_WRITE : FLI_TABLE_READ;
	fl_buf key = FL_BUF_INIT;
	fl_term term;
	int rc;

	(void)fl_build(&key, "~", fli_row_key(spot->row, NULL));
	fli_use_end(of);
	rc = key.error == FL_OK ? use(of->tab, right, true, of) : key.error;
	if (rc == FL_OK) {
		term = fl_buf_term(&key);
		*ret_there = (fli_spot_find(of->table, term, spot) && spot->row != NULL) ||
			     (back ? fli_spot_before(of->table, term, spot)
				   : fli_spot_after(of->table, term, spot));
	}
	fl_buf_free(&key);
	return rc;
}
