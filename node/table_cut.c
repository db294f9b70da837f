/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking rows out, under the table's lock.
 *
 * - What is left of a bag's key is a chain of its own: rows older than all that go are shared, the
 *   newer ones copied, and one store puts the new chain in place. Readers see the old or the new.
 * - In a table that somebody has fixed, a key of a hash stays as a tombstone, so that a traversal
 *   which stands on it goes on. They are swept when nobody fixes the table any more.
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
	(void)atomic_fetch_sub(&table->bytes, sizeof *row + row->size);
	cut->count++;
}

/* ---- a chain --------------------------------------------------------------------------------- */

typedef struct chain {
	fli_mem *mem;
	const fli_row *last; /* the oldest that goes; what is older is shared */
	uint32_t kept;       /* rows of the new chain */
	fli_row *first;      /* of it; NULL: nothing is left, or only what is shared */
	fli_row *end;
} chain;

static bool add_copy(chain *c, const fli_row *row)
{
	fli_row *copy = fli_alloc(c->mem, sizeof *copy + row->size);

	if (copy == NULL)
		return false;
	memcpy(copy->bytes, row->bytes, row->size);
	copy->block.next = NULL;
	atomic_init(&copy->batch, NULL);
	copy->older = c->last->older;
	copy->batch_at = 0;
	copy->count = c->kept--;
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

/* How many rows go, and the oldest of them. */
static uint32_t judge(const fli_row *head, fli_cut *cut, const fli_row **ret_last)
{
	uint32_t going = 0;

	for (const fli_row *row = head; row != NULL; row = row->older)
		if (cut->goes(cut->ctx, row)) {
			going++;
			*ret_last = row;
		}
	return going;
}

/* The new chain, of which at least one row stays; NULL: out of memory. */
static const fli_row *make_chain(chain *c, const fli_row *head, fli_cut *cut)
{
	const fli_row *row = head;

	for (; row != c->last; row = row->older)
		if (!cut->goes(cut->ctx, row) && !add_copy(c, row)) {
			drop_copies(c);
			return NULL;
		}
	return c->first != NULL ? c->first : c->last->older;
}

static void end_rows(fli_table *table, const fli_row *head, const chain *c, fli_cut *cut)
{
	const fli_row *end = c->last->older;

	while (head != end) {
		const fli_row *older = head->older;

		if (cut->goes(cut->ctx, head))
			count_gone(table, head, cut);
		drop_row(table, head); /* or its copy has taken its place */
		head = older;
	}
}

/* ---- a place --------------------------------------------------------------------------------- */

static void end_hnode(fli_table *table, fli_hplace *place)
{
	fli_hnode *node = atomic_load(place);

	if (atomic_load(&table->is_fixed) != 0) {
		atomic_store(&node->rows, NULL);
		table->tombs++;
		return;
	}
	(void)atomic_fetch_sub(&table->bytes, sizeof *node + (node->has_row ? 0 : node->key_size));
	fli_hash_unlink(&table->hash, place);
}

static int cut_hnode(fli_table *table, fli_hplace *place, fli_cut *cut)
{
	fli_hnode *node = atomic_load(place);
	fli_row *head = atomic_load(&node->rows);
	chain c = {.mem = table->tables->node->mem};
	uint32_t going = judge(head, cut, &c.last);
	const fli_row *rest;

	if (going == 0)
		return FL_OK;
	if (node->has_row) {
		count_gone(table, head, cut);
		end_hnode(table, place);
		return FL_OK;
	}
	if (going == head->count) {
		c.last = NULL;
		for (const fli_row *row = head; row != NULL; row = row->older)
			c.last = row;
		end_hnode(table, place);
		end_rows(table, head, &c, cut);
		return FL_OK;
	}
	c.kept = head->count - going;
	rest = make_chain(&c, head, cut);
	if (rest == NULL)
		return FL_ENOMEM;
	atomic_store(&node->rows, (fli_row *)(uintptr_t)rest);
	end_rows(table, head, &c, cut);
	return FL_OK;
}

static int cut_tnode(fli_table *table, fli_tnode *node, fli_cut *cut)
{
	fli_row *row = atomic_load(&node->rows);
	size_t bytes = sizeof *node + sizeof(void *) * node->height;

	if (!cut->goes(cut->ctx, row))
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
	fli_hnode *hnode;
	uint64_t hash;
	int rc = fli_key_hash(table, key, &hash);

	if (rc != FL_OK)
		return rc;
	if (fli_table_is_ordered(table)) {
		tnode = fli_tree_find(&table->tree, key);
		return tnode == NULL ? FL_OK : cut_tnode(table, tnode, cut);
	}
	hnode = fli_hash_spot(&table->hash, hash, key, &place);
	if (hnode == NULL || atomic_load(&hnode->rows) == NULL)
		return FL_OK;
	rc = cut_hnode(table, place, cut);
	fli_hash_fit(&table->hash);
	return rc;
}

int fli_table_cut_everywhere(fli_table *table, fli_cut *cut)
{
	fli_spot spot;
	bool is_there = fli_spot_first(table, &spot);
	int rc = FL_OK;

	while (is_there && rc == FL_OK) {
		fli_spot here = spot;
		fli_hplace *place;

		is_there = fli_spot_next(table, &spot);
		if (here.tnode != NULL) {
			rc = cut_tnode(table, here.tnode, cut);
		} else {
			fl_term key = {.data = here.hnode->key, .size = here.hnode->key_size};

			(void)fli_hash_spot(&table->hash, here.hnode->hash, key, &place);
			rc = cut_hnode(table, place, cut);
		}
	}
	if (!fli_table_is_ordered(table))
		fli_hash_fit(&table->hash);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool every(void *ctx, const fli_row *row)
{
	(void)ctx; /* every row */
	return row != NULL;
}

void fli_table_clear(fli_table *table)
{
	fli_cut cut = {.goes = every};

	if (fli_table_is_ordered(table)) {
		fli_tree_clear(&table->tree);
	} else if (atomic_load(&table->is_fixed) != 0) {
		(void)fli_table_cut_everywhere(table, &cut); /* all of a key: needs no memory */
		return;
	} else {
		fli_hash_clear(&table->hash);
		table->tombs = 0;
	}
	atomic_store(&table->size, 0);
	atomic_store(&table->bytes, 0);
}

void fli_table_sweep_tombs(fli_table *table)
{
	fli_hnode *node, *next;
	fli_hplace *place;

	if (table->tombs == 0 || atomic_load(&table->is_fixed) != 0)
		return;
	for (node = fli_hash_first(&table->hash); node != NULL; node = next) {
		next = fli_hash_next(&table->hash, node);
		if (atomic_load(&node->rows) != NULL)
			continue;
		(void)fli_hash_spot(&table->hash, node->hash,
			(fl_term){.data = node->key, .size = node->key_size}, &place);
		(void)atomic_fetch_sub(
			&table->bytes, sizeof *node + (node->has_row ? 0 : node->key_size));
		fli_hash_unlink(&table->hash, place);
		table->tombs--;
	}
	fli_hash_fit(&table->hash);
}
