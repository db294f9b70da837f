/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A skip list.
 *
 * - A node is linked from the bottom up and unlinked from the top down: whoever finds it on any
 *   level finds it on the lowest, which is the one that counts.
 * - An unlinked node keeps its pointers, so a reader that stands on it goes on.
 * - Keys that are small integers are compared without a look at the row.
 *
 * Failure: comparing two keys that are deep or hold large maps needs memory; without it their order
 * is that of their bytes, as fl_compare says, and such a key may then not be found.
 */
#include "node/table_tree.h"

#include "node/base/map.h"
#include "node/term/peek.h"

/* A key that is looked for. */
typedef struct target {
	fl_term key;
	int64_t number;
	bool is_number;
} target;

static target target_of(fl_term key)
{
	fli_cursor c = fli_cursor_make(key.data, key.size);
	target t = {.key = key};

	t.is_number = key.rest == 0 && fli_peek_int(&c, &t.number);
	return t;
}

/* The node's key against the target. */
static int compare(const fli_tnode *node, const target *t)
{
	if (node->is_number && t->is_number)
		return (node->number > t->number) - (node->number < t->number);
	return fl_compare(fli_row_key(atomic_load(&node->rows), NULL), t->key);
}

/* ---- making ---------------------------------------------------------------------------------- */

static fli_tnode *make_node(fli_mem *mem, unsigned height)
{
	fli_tnode *node = fli_alloc(mem, sizeof *node + height * sizeof node->next[0]);

	if (node == NULL)
		return NULL;
	*node = (fli_tnode){.height = (uint8_t)height};
	atomic_init(&node->rows, NULL);
	for (unsigned i = 0; i < height; i++)
		atomic_init(&node->next[i], NULL);
	return node;
}

int fli_tree_create(fli_tree *tree, fli_mem *mem, fli_limbo *limbo, uint64_t seed)
{
	*tree = (fli_tree){.mem = mem, .limbo = limbo, .dice = seed | 1};
	tree->head = make_node(mem, FLI_TREE_HEIGHT);
	return tree->head == NULL ? FL_ENOMEM : FL_OK;
}

void fli_tree_destroy(fli_tree *tree)
{
	fli_tnode *node = tree->head;

	while (node != NULL) {
		fli_tnode *next = fli_tree_next(node);

		fli_free(tree->mem, atomic_load(&node->rows));
		fli_free(tree->mem, node);
		node = next;
	}
	tree->head = NULL;
}

fli_tnode *fli_tnode_make(fli_tree *tree, fl_term key)
{
	target t = target_of(key);
	unsigned height = 1;
	fli_tnode *node;
	uint64_t roll;

	tree->dice += UINT64_C(0x9e3779b97f4a7c15);
	for (roll = fli_hash_mix(tree->dice); (roll & 3) == 0 && height < FLI_TREE_HEIGHT;
		roll >>= 2)
		height++;
	node = make_node(tree->mem, height);
	if (node == NULL)
		return NULL;
	node->is_number = t.is_number;
	node->number = t.is_number ? t.number : 0;
	return node;
}

/* ---- readers --------------------------------------------------------------------------------- */

/* The last node below the target on the lowest level; *ret_found: the first that is not. */
static fli_tnode *search(const fli_tree *tree, const target *t, fli_tnode **ret_found)
{
	fli_tnode *at = tree->head, *next = NULL;

	for (unsigned level = FLI_TREE_HEIGHT; level-- > 0;)
		while ((next = atomic_load(&at->next[level])) != NULL && compare(next, t) < 0)
			at = next;
	*ret_found = next;
	return at;
}

fli_tnode *fli_tree_find(const fli_tree *tree, fl_term key)
{
	target t = target_of(key);
	fli_tnode *found;

	(void)search(tree, &t, &found);
	return found != NULL && compare(found, &t) == 0 ? found : NULL;
}

fli_tnode *fli_tree_first(const fli_tree *tree)
{
	return fli_tree_next(tree->head);
}

fli_tnode *fli_tree_last(const fli_tree *tree)
{
	fli_tnode *at = tree->head, *next;

	for (unsigned level = FLI_TREE_HEIGHT; level-- > 0;)
		while ((next = atomic_load(&at->next[level])) != NULL)
			at = next;
	return at == tree->head ? NULL : at;
}

fli_tnode *fli_tree_after(const fli_tree *tree, fl_term key)
{
	target t = target_of(key);
	fli_tnode *found;

	(void)search(tree, &t, &found);
	while (found != NULL && compare(found, &t) == 0)
		found = fli_tree_next(found);
	return found;
}

fli_tnode *fli_tree_before(const fli_tree *tree, fl_term key)
{
	target t = target_of(key);
	fli_tnode *found, *below = search(tree, &t, &found);

	return below == tree->head ? NULL : below;
}

/* ---- the writer ------------------------------------------------------------------------------ */

/* On each level the last node below the target. */
static void predecessors(fli_tree *tree, const target *t, fli_tnode *ret[static FLI_TREE_HEIGHT])
{
	fli_tnode *at = tree->head, *next;

	for (unsigned level = FLI_TREE_HEIGHT; level-- > 0;) {
		while ((next = atomic_load(&at->next[level])) != NULL && compare(next, t) < 0)
			at = next;
		ret[level] = at;
	}
}

void fli_tree_link(fli_tree *tree, fli_tnode *node, fl_term key)
{
	target t = target_of(key);
	fli_tnode *before[FLI_TREE_HEIGHT];

	predecessors(tree, &t, before);
	for (unsigned level = 0; level < node->height; level++) {
		atomic_store(&node->next[level], atomic_load(&before[level]->next[level]));
		atomic_store(&before[level]->next[level], node);
	}
	tree->count++;
}

bool fli_tree_unlink(fli_tree *tree, fli_tnode *node)
{
	target t = target_of(fli_row_key(atomic_load(&node->rows), NULL));
	fli_tnode *before[FLI_TREE_HEIGHT];

	predecessors(tree, &t, before);
	for (unsigned level = 0; level < node->height; level++)
		if (atomic_load(&before[level]->next[level]) != node)
			return false;
	for (unsigned level = node->height; level-- > 0;)
		atomic_store(&before[level]->next[level], atomic_load(&node->next[level]));
	tree->count--;
	fli_limbo_put(tree->limbo, &atomic_load(&node->rows)->block);
	fli_limbo_put(tree->limbo, &node->block);
	return true;
}

void fli_tree_clear(fli_tree *tree)
{
	fli_tnode *node = fli_tree_first(tree);

	for (unsigned level = FLI_TREE_HEIGHT; level-- > 0;)
		atomic_store(&tree->head->next[level], NULL);
	while (node != NULL) {
		fli_tnode *next = fli_tree_next(node);

		fli_limbo_put(tree->limbo, &atomic_load(&node->rows)->block);
		fli_limbo_put(tree->limbo, &node->block);
		node = next;
	}
	tree->count = 0;
}
