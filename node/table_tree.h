/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_TREE_H
#define FLI_TABLE_TREE_H

/*
 * The index of an ordered_set: a skip list in the order of terms, read without a lock while one
 * writer changes it. Keys that compare equal (1 and 1.0) are one key, that of the last object.
 *
 *     head  level 2 ------------------> node -----------> NULL
 *           level 1 ------> node -----> node -----------> NULL
 *           level 0 --> node --> node --> node --> node --> NULL      all of them
 *
 * Threads: readers any, inside an epoch; one writer. Memory: owns its nodes and rows; what is
 * unlinked goes to the limbo. Errors: NULL when out of memory. Limits: FLI_TREE_HEIGHT levels, in
 * which a search stays short up to some 2^24 keys and grows slowly beyond.
 */

#include "node/table_row.h"

enum { FLI_TREE_HEIGHT = 24 };

typedef struct fli_tnode {
	fli_block block;
	_Atomic(fli_row *) rows; /* never NULL once linked */
	int64_t number;          /* the key, when is_number; any equal key compares as it does */
	bool is_number;
	uint8_t height;
	_Atomic(struct fli_tnode *) next[];
} fli_tnode;

typedef struct fli_tree {
	fli_tnode *head; /* of full height, without a row */
	uint64_t dice;
	size_t count;
	fli_limbo *limbo;
	fli_mem *mem;
} fli_tree;

int fli_tree_create(fli_tree *tree, fli_mem *mem, fli_limbo *limbo, uint64_t seed);
void fli_tree_destroy(fli_tree *tree);

/* ---- readers: NULL where there is none ------------------------------------------------------- */

fli_tnode *fli_tree_find(const fli_tree *tree, fl_term key);
fli_tnode *fli_tree_first(const fli_tree *tree);
fli_tnode *fli_tree_last(const fli_tree *tree);
fli_tnode *fli_tree_after(const fli_tree *tree, fl_term key);
fli_tnode *fli_tree_before(const fli_tree *tree, fl_term key);
static inline fli_tnode *fli_tree_next(const fli_tnode *node)
{
	return atomic_load(&node->next[0]);
}

/* ---- the writer ------------------------------------------------------------------------------ */

/* A node of a random height, its row not yet set. */
fli_tnode *fli_tnode_make(fli_tree *tree, fl_term key);
/* The node's row is set; no equal key is in the tree. */
void fli_tree_link(fli_tree *tree, fli_tnode *node, fl_term key);
/* Node and row go to the limbo. False: its key could not be compared, for want of memory. */
bool fli_tree_unlink(fli_tree *tree, fli_tnode *node);
void fli_tree_clear(fli_tree *tree);

#endif
