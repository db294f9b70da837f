/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TABLE_HASH_H
#define FLI_TABLE_HASH_H

/*
 * The index of a set or bag: keys by their hash, read without a lock while one writer changes it.
 *
 *     hash   | bits of the bucket | rest ...                       all keys are in order of the
 * hash: buckets[0] --> node < node     [1] --> node     [2] --> ...  a bucket that is split gives
 * its chain away in two halves
 *
 * Because the order of keys does not depend on the number of buckets, a traversal goes on from a
 * hash alone, whatever was inserted, deleted or resized meanwhile.
 *
 * A node is a key. In a set it holds its row behind itself, in one block: an object with the same
 * key replaces the node. In a bag the row is a block of its own and the node has a copy of the key.
 * A node without rows is a tombstone: its key is gone, but a traversal may stand on it.
 *
 * Threads: readers any, inside an epoch; one writer. Memory: owns its nodes and rows; what is
 * unlinked goes to the limbo. Errors: a resize that finds no memory is put off.
 */

#include "node/table_row.h"

typedef struct fli_hnode {
	fli_block block;
	_Atomic(struct fli_hnode *) next;
	uint64_t hash;
	_Atomic(fli_row *) rows;
	const uint8_t *key;
	uint32_t key_size;
	bool has_row; /* the row lies behind the node, in its block */
} fli_hnode;

typedef _Atomic(fli_hnode *) fli_hplace;

typedef struct fli_buckets {
	fli_block block;
	unsigned bits;
	fli_hplace heads[];
} fli_buckets;

typedef struct fli_hindex {
	_Atomic(fli_buckets *) buckets;
	size_t count; /* nodes */
	fli_limbo *limbo;
	fli_mem *mem;
} fli_hindex;

/* FL_ENOMEM. */
int fli_hash_create(fli_hindex *hash, fli_mem *mem, fli_limbo *limbo);
/* Frees nodes and rows at once: nobody may be reading. */
void fli_hash_destroy(fli_hindex *hash);
/* The hash of a key; false when it has none for want of memory. */
bool fli_hash_key(uint64_t seed, fl_term key, uint64_t *ret_hash);

/* ---- readers --------------------------------------------------------------------------------- */

/* NULL, or the node of the key, which may be a tombstone. */
fli_hnode *fli_hash_find(const fli_hindex *hash, uint64_t value, fl_term key);
/* In the order of the hashes: the first one, the one after `node`, the first with more than that.
 */
fli_hnode *fli_hash_first(const fli_hindex *hash);
fli_hnode *fli_hash_next(const fli_hindex *hash, const fli_hnode *node);
fli_hnode *fli_hash_after(const fli_hindex *hash, uint64_t value);

/* ---- the writer ------------------------------------------------------------------------------ */

/* The node and the place that points to it; or NULL, and the place where it belongs. */
fli_hnode *fli_hash_spot(fli_hindex *hash, uint64_t value, fl_term key, fli_hplace **ret_place);
/* A node for a set's object; NULL when out of memory. */
fli_hnode *fli_hnode_of_object(fli_mem *mem, const fli_object *object);
/* A node without rows for the key of a bag. */
fli_hnode *fli_hnode_of_key(fli_mem *mem, const fli_object *object);
void fli_hash_link(fli_hindex *hash, fli_hplace *place, fli_hnode *node);
/* Returns the old node, which is to go to the limbo. */
fli_hnode *fli_hash_replace(fli_hplace *place, fli_hnode *node);
/* The node, but not rows of their own, goes to the limbo. */
void fli_hash_unlink(fli_hindex *hash, fli_hplace *place);
/* More or fewer buckets, when the number of keys asks for it. */
void fli_hash_fit(fli_hindex *hash);
/* All nodes and their rows go to the limbo. */
void fli_hash_clear(fli_hindex *hash);

#endif
