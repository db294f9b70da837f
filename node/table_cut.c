/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking rows out, under the table's lock.
 *
 * - What is left of a bag's key is a chain of its own: rows older than all that go are shared, the
 *   newer ones copied, and one store puts the new chain in place. Readers see the old or the new.
 * - In a table that somebody has fixed, a key of a hash stays as a tombstone, so that a traversal
 *   which stands on it goes on. They are swept, some with each write, when nobody fixes the table
 *   any more.
 *
 * Failure: no memory for the copies; that key is as it was.
 */
#include "node/table.h"

static void drop_row(fli_table *table, const fli_row *row)
{
	fli_row *gone = (fli_row *)(uintptr_t)row; /* nobody links to it any more: ours again */

	fli_limbo_put(&table->limbo, &gone->block);
}

static void count_gone(fli_table *table, const fli_row *row, fli_cut *cut)
{
	(void)atomic_fetch_sub(&table->size, 1);
	(void)atomic_fetch_sub(&table->bytes, fli_row_room(row->size));
	cut->count++;
}

/* ---- a chain --------------------------------------------------------------------------------- */

/* The rows of a key, and which of them go: asked once each. */
typedef struct chain {
	fli_mem *mem;
	const fli_row *head;
	bool *goes; /* by place in the chain, from the head on; NULL: all do */
	bool one;
	uint32_t count, going;
	const fli_row *last; /* the oldest that goes; what is older is shared */
	fli_row *first;      /* of the new chain; NULL: nothing is left, or only what is shared */
	fli_row *end;
} chain;

static int judge(chain *c, fli_cut *cut)
{
	uint32_t i = 0;

	c->count = fli_row_count(c->head);
	c->going = c->count;
	if (cut->goes == NULL)
		return FL_OK;
	c->goes = c->going == 1 ? &c->one : fli_alloc(c->mem, c->going * sizeof *c->goes);
	if (c->goes == NULL)
		return FL_ENOMEM;
	c->going = 0;
	for (const fli_row *row = c->head; row != NULL; row = row->older, i++) {
		c->goes[i] = cut->goes(cut->ctx, row);
		if (c->goes[i]) {
			c->going++;
			c->last = row;
		}
	}
	return FL_OK;
}

static void forget(chain *c)
{
	if (c->goes != &c->one)
		fli_free(c->mem, c->goes);
}

static bool add_copy(chain *c, const fli_row *row)
{
	fli_row *copy = fli_alloc(c->mem, fli_row_room(row->size));

	if (copy == NULL)
		return false;
	memcpy(copy->bytes, row->bytes, row->size);
	copy->block.next = NULL;
	atomic_init(&copy->entry, NULL);
	copy->hash = row->hash;
	copy->older = c->last->older;
	copy->size = row->size;
	copy->key_at = row->key_at;
	copy->key_size = row->key_size;
	if (c->end == NULL)
		c->first = copy;
	else
		c->end->older = copy;
	c->end = copy;
	return true;
}

static void drop_copies(chain *c)
{
	const fli_row *row = c->first, *shared = c->last->older;

	while (row != NULL && row != shared) {
		const fli_row *older = row->older;

		fli_free(c->mem, (void *)(uintptr_t)row);
		row = older;
	}
}

/* The new chain, of which at least one row stays; NULL: out of memory. */
static const fli_row *make_chain(chain *c)
{
	uint32_t i = 0;

	for (const fli_row *row = c->head; row != c->last; row = row->older, i++)
		if (!c->goes[i] && !add_copy(c, row)) {
			drop_copies(c);
			return NULL;
		}
	return c->first != NULL ? c->first : c->last->older;
}

/* The rows down to the last that goes; `but` stays where it is. */
static void end_rows(fli_table *table, const chain *c, const fli_row *but, fli_cut *cut)
{
	const fli_row *end = c->last == NULL ? NULL : c->last->older, *row = c->head;

	for (uint32_t i = 0; row != end; i++) {
		const fli_row *older = row->older;

		if (c->goes == NULL || c->goes[i])
			count_gone(table, row, cut);
		if (row != but)
			drop_row(table, row); /* or its copy has taken its place */
		row = older;
	}
}

/* ---- a place --------------------------------------------------------------------------------- */

/*
 * A key without rows. Returns the row that stays as a tombstone. It is marked before the fixations
 * are looked at: who fixes the table and then still meets the key is seen here (seq_cst, both).
 */
static const fli_row *end_place(fli_table *table, fli_hplace *place)
{
	fli_row *head = fli_hplace_row(place);

	atomic_store(&head->entry, FLI_ROW_GONE);
	if (atomic_load(&table->is_fixed) == 0) {
		(void)fli_hash_unlink(&table->hash, place);
		return NULL;
	}
	head->block.next = table->tombs;
	table->tombs = &head->block;
	return head;
}

static int cut_place(fli_table *table, fli_hplace *place, fli_cut *cut)
{
	chain c = {.mem = table->tables->node->mem, .head = fli_hplace_row(place)};
	const fli_row *rest;
	int rc = judge(&c, cut);

	if (rc == FL_OK && c.going == c.count) {
		end_rows(table, &c, end_place(table, place), cut);
	} else if (rc == FL_OK && c.going > 0) {
		rest = make_chain(&c);
		rc = rest == NULL ? FL_ENOMEM : FL_OK;
		if (rest != NULL) {
			(void)fli_hash_replace(place, (fli_row *)(uintptr_t)rest);
			end_rows(table, &c, NULL, cut);
		}
	}
	forget(&c);
	return rc;
}

static int cut_tnode(fli_table *table, fli_tnode *node, fli_cut *cut)
{
	fli_row *row = atomic_load(&node->rows);
	size_t bytes = sizeof *node + sizeof(void *) * node->height;

	if (cut->goes != NULL && !cut->goes(cut->ctx, row))
		return FL_OK;
	if (!fli_tree_unlink(&table->tree, node))
		return FL_ENOMEM;
	count_gone(table, row, cut);
	(void)atomic_fetch_sub(&table->bytes, bytes);
	return FL_OK;
}

int fli_table_cut(fli_table *table, fl_term key, fli_cut *cut)
{
	fli_hplace *place;
	fli_tnode *tnode;
	uint64_t hash;
	int rc = fli_key_hash(table, key, &hash);

	if (rc != FL_OK)
		return rc;
	if (fli_table_is_ordered(table)) {
		tnode = fli_tree_find(&table->tree, key);
		return tnode == NULL ? FL_OK : cut_tnode(table, tnode, cut);
	}
	place = fli_hash_place(&table->hash, hash, key);
	if (place == NULL || fli_row_is_gone(fli_hplace_row(place)))
		return FL_OK;
	rc = cut_place(table, place, cut);
	fli_hash_fit(&table->hash);
	return rc;
}

/* The key where the spot stands. */
static int cut_spot(fli_table *table, const fli_spot *spot, fli_cut *cut)
{
	if (spot->tnode != NULL)
		return cut_tnode(table, spot->tnode, cut);
	return cut_place(table,
		fli_hash_place(&table->hash, spot->head->hash, fli_row_key(spot->head, NULL)), cut);
}

int fli_table_cut_on(fli_table *table, fli_cut *cut, uint32_t keys, fli_spot *spot, bool *is_there)
{
	int rc = FL_OK;

	for (; *is_there && rc == FL_OK && keys > 0; keys--) {
		fli_spot here = *spot;

		*is_there = fli_spot_next(table, spot);
		rc = cut_spot(table, &here, cut);
	}
	if (!fli_table_is_ordered(table))
		fli_hash_fit(&table->hash);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int fli_table_clear(fli_table *table)
{
	fli_cut cut = {0};
	fli_spot spot;
	bool is_there;
	int rc = FL_OK;

	if (!fli_table_is_ordered(table) && atomic_load(&table->is_fixed) != 0) {
		is_there = fli_spot_first(table, &spot);
		return fli_table_cut_on(table, &cut, UINT32_MAX, &spot, &is_there);
	}
	fli_table_sweep_tombs(table, SIZE_MAX);
	if (fli_table_is_ordered(table))
		fli_tree_clear(&table->tree);
	else
		rc = fli_hash_clear(&table->hash);
	if (rc == FL_OK) {
		atomic_store(&table->size, 0);
		atomic_store(&table->bytes, 0);
	}
	return rc;
}

void fli_table_sweep_tombs(fli_table *table, size_t count)
{
	for (; table->tombs != NULL && count > 0; count--) {
		fli_row *row = fli_container_of(table->tombs, fli_row, block);
		fli_hplace *place = fli_hash_place(&table->hash, row->hash, fli_row_key(row, NULL));

		table->tombs = row->block.next;
		if (place != NULL && fli_hplace_row(place) == row) /* the key has not come back */
			(void)fli_hash_unlink(&table->hash, place);
		drop_row(table, row);
	}
}
