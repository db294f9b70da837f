/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inserting, under the table's lock.
 *
 * - All memory is taken first, one step for each object; then the steps are linked one by one and
 *   nothing can fail any more.
 * - One object is linked by one store. Several belong to a batch until the last is in, so readers
 *   see all of them or none (table_row.h). What they replace goes to the limbo only then, since
 *   until then readers of the batch are sent to it.
 *
 * Failure: no memory, or more bytes than the table may have: nothing has changed.
 */
#include "node/table.h"

typedef struct step {
	fli_object *object;
	fli_row *row;     /* NULL: it is in, or not needed */
	fli_tnode *tnode; /* in case the key of an ordered_set is new */
} step;

typedef struct put {
	fli_table *table;
	fli_batch *batch; /* NULL: one object */
	step *steps;
	size_t count;
	size_t bytes;
	fli_block *olds; /* replaced */
	step one;
} put;

static void keep(fli_block **list, fli_block *block)
{
	block->next = *list;
	*list = block;
}

/* ---- taking memory --------------------------------------------------------------------------- */

static void drop_steps(put *p)
{
	fli_mem *mem = p->table->tables->node->mem;

	for (size_t i = 0; i < p->count; i++) {
		fli_free(mem, p->steps[i].row);
		fli_free(mem, p->steps[i].tnode);
	}
	fli_free(mem, p->batch);
}

static bool fill_step(put *p, step *s)
{
	fli_table *table = p->table;
	size_t room = fli_row_room(s->object->term.size);

	s->row = fli_alloc(table->tables->node->mem, room);
	if (s->row == NULL)
		return false;
	fli_row_write(s->row, s->object);
	if (fli_table_is_ordered(table)) {
		s->tnode = fli_tnode_make(&table->tree, s->object->key);
		if (s->tnode == NULL)
			return false;
	}
	p->bytes += room;
	return true;
}

static bool may_grow(const put *p)
{
	const fli_table *table = p->table;

	return table->bytes_max == 0 || atomic_load(&table->bytes) + p->bytes <= table->bytes_max;
}

static int fill(put *p, fli_object *objects)
{
	fli_table *table = p->table;
	fli_mem *mem = table->tables->node->mem;
	size_t count = p->count;

	if (count > 1) {
		p->batch = fli_alloc(mem, sizeof *p->batch + count * sizeof p->batch->entries[0]);
		if (p->batch == NULL) {
			p->count = 0;
			return FL_ENOMEM;
		}
		atomic_init(&p->batch->is_committed, false);
		p->batch->count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		p->steps[i] = (step){.object = &objects[i]};
		if (fli_key_hash(table, objects[i].key, &objects[i].hash) != FL_OK ||
			!fill_step(p, &p->steps[i])) {
			p->count = i + 1;
			return FL_ENOMEM;
		}
	}
	if (!may_grow(p))
		return FL_ELIMIT;
	return fli_table_is_ordered(table) ? FL_OK : fli_hash_reserve(&table->hash, count);
}

/* ---- linking --------------------------------------------------------------------------------- */

/* The row that `row` takes the place of; what readers see until the batch is in. */
static void join_batch(put *p, fli_row *row, fli_row *had)
{
	fli_batch *batch = p->batch;
	fli_batch_entry *entry, *earlier;

	if (batch == NULL)
		return;
	entry = &batch->entries[batch->count];
	*entry = (fli_batch_entry){.batch = batch, .row = row, .before = had};
	earlier = had == NULL ? NULL : atomic_load(&had->entry);
	if (earlier != NULL && earlier->batch == batch) {
		entry->before = earlier->before;
		if (p->table->type == FL_TABLE_SET) /* others keep one place for a key */
			earlier->instead = row;
	}
	batch->count++;
	atomic_store(&row->entry, entry);
}

/* What came twice in a batch is told where the last of them is. */
static void forget_row(put *p, fli_row *old)
{
	(void)atomic_fetch_sub(&p->table->bytes, fli_row_room(old->size));
	(void)atomic_fetch_sub(&p->table->size, 1);
	keep(&p->olds, &old->block);
}

static void link_tree(put *p, step *s)
{
	fli_tree *tree = &p->table->tree;
	fli_tnode *node = fli_tree_find(tree, s->object->key);
	fli_row *old = node == NULL ? NULL : atomic_load(&node->rows);

	join_batch(p, s->row, old);
	if (node == NULL) {
		atomic_store(&s->tnode->rows, s->row);
		fli_tree_link(tree, s->tnode, s->object->key);
		(void)atomic_fetch_add(
			&p->table->bytes, sizeof *node + sizeof(void *) * s->tnode->height);
		s->tnode = NULL;
	} else {
		atomic_store(&node->rows, s->row);
		forget_row(p, old);
	}
	s->row = NULL;
}

static bool has_object(const fli_row *row, fl_term object)
{
	for (; row != NULL; row = row->older)
		if (fli_same_term(fli_row_term(row, NULL), object))
			return true;
	return false;
}

static void link_hash(put *p, step *s)
{
	fli_table *table = p->table;
	fli_hplace *place = fli_hash_place(&table->hash, s->object->hash, s->object->key);
	fli_row *had = place == NULL ? NULL : fli_hplace_row(place);
	bool is_set = table->type == FL_TABLE_SET;

	if (had != NULL && fli_row_is_gone(had))
		had = NULL; /* it waits among the tombstones */
	if (table->type == FL_TABLE_BAG && has_object(had, s->object->term)) {
		p->bytes -= fli_row_room(s->object->term.size);
		table->size--; /* link_all counts every step */
		return;
	}
	s->row->older = is_set ? NULL : had;
	join_batch(p, s->row, had);
	if (place == NULL)
		fli_hash_link(&table->hash, s->row);
	else
		(void)fli_hash_replace(place, s->row);
	if (is_set && had != NULL)
		forget_row(p, had);
	s->row = NULL;
}

static void commit(put *p)
{
	fli_batch *batch = p->batch;
	fli_limbo *limbo = &p->table->limbo;

	if (batch != NULL) {
		atomic_store(&batch->is_committed, true);
		/* A row that was replaced at once goes away with the batch. */
		for (size_t i = 0; i < batch->count; i++)
			if (batch->entries[i].instead == NULL)
				atomic_store(&batch->entries[i].row->entry, NULL);
		fli_limbo_put(limbo, &batch->block);
		p->batch = NULL;
	}
	while (p->olds != NULL) {
		fli_block *next = p->olds->next;

		fli_limbo_put(limbo, p->olds);
		p->olds = next;
	}
}

static void link_all(put *p)
{
	fli_table *table = p->table;

	for (size_t i = 0; i < p->count; i++) {
		(void)atomic_fetch_add(&table->size, 1);
		if (fli_table_is_ordered(table))
			link_tree(p, &p->steps[i]);
		else
			link_hash(p, &p->steps[i]);
	}
	(void)atomic_fetch_add(&table->bytes, p->bytes);
	commit(p);
}

/* ---- as one ---------------------------------------------------------------------------------- */

static bool is_any_there(fli_table *table, const fli_object *objects, size_t count)
{
	fli_spot spot;

	for (size_t i = 0; i < count; i++)
		if (fli_spot_find(table, objects[i].key, &spot) && spot.row != NULL)
			return true;
	return false;
}

int fli_table_put(fli_table *table, fli_object *objects, size_t count, bool only_new)
{
	put p = {.table = table, .count = count};
	fli_mem *mem = table->tables->node->mem;
	int rc;

	if (only_new && is_any_there(table, objects, count))
		return FL_EALREADY;
	if (count == 0)
		return FL_OK;
	p.steps = count == 1 ? &p.one : fli_alloc(mem, count * sizeof *p.steps);
	if (p.steps == NULL)
		return FL_ENOMEM;
	rc = fill(&p, objects);
	if (rc == FL_OK)
		link_all(&p);
	drop_steps(&p); /* what was not needed, or all */
	if (count > 1)
		fli_free(mem, p.steps);
	return rc;
}
