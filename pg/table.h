/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PG_TABLE_H
#define FLI_PG_TABLE_H

/*
 * Who is in which group, and who said so.
 *
 *                 group "a"        group "b"          a share: the members of one owner in one
 *     owner x    [3.0 7.0 7.0] -- [3.0]               group, with repeats, in no order
 *     owner y    [9.0] ---------- [4.0 5.0]           an owner: the scope process of a node
 *
 * A pid is kept as its two numbers: node and creation are its owner's.
 *
 * Threads: the owner of the node's context. Memory: the table owns groups and shares; owners are
 * the caller's. A share without members and a group without shares and watches are freed at once.
 * Errors: FL_ENOMEM, with nothing changed. Limits: fli_pg_table.members_max, FLI_PG_KEY_BYTES_MAX.
 */

#include "flitch/term.h"
#include "node/base/list.h"
#include "node/base/map.h"

/* What the names of all groups of a table may take. */
#define FLI_PG_KEY_BYTES_MAX (UINT64_C(1) << 28)

typedef struct fli_pg_share fli_pg_share;

typedef struct fli_pg_group {
	uint64_t hash;
	fli_pg_share *first;
	fli_link watches; /* fli_pg_watch */
	uint32_t watches_count;
	uint32_t size;
	uint8_t key[]; /* the term that names it */
} fli_pg_group;

typedef struct fli_pg_owner {
	fl_pid pid;      /* of the scope process */
	fli_link shares; /* in the order of the last sync */
	uint64_t members;
	uint32_t shares_count;
} fli_pg_owner;

struct fli_pg_share {
	fli_link in_owner;
	fli_pg_share *next; /* in the group */
	fli_pg_group *group;
	fli_pg_owner *owner;
	uint64_t *ids; /* `own`, or on the heap */
	uint64_t own;
	uint32_t count, capacity;
	uint32_t round; /* of the owner's sync that named it last */
};

typedef struct fli_pg_table {
	fli_map groups;
	fli_mem *mem;
	uint64_t seed;
	uint64_t members, members_max;
	uint64_t key_bytes; /* of all groups */
} fli_pg_table;

static inline uint64_t fli_pg_id(const fl_pid *pid)
{
	return (uint64_t)pid->serial << 32 | pid->id;
}

static inline fl_pid fli_pg_pid(const fli_pg_owner *owner, uint64_t id)
{
	return (fl_pid){.node = owner->pid.node,
		.id = (uint32_t)id,
		.serial = (uint32_t)(id >> 32),
		.creation = owner->pid.creation};
}

static inline fl_term fli_pg_key(const fli_pg_group *group)
{
	return (fl_term){.data = group->key, .size = group->size};
}

void fli_pg_table_create(fli_pg_table *table, fli_mem *mem, uint64_t seed, uint64_t members_max);
/* Groups and shares; the owners are forgotten by their shares. */
void fli_pg_table_destroy(fli_pg_table *table);
void fli_pg_owner_create(fli_pg_owner *owner, const fl_pid *pid);

enum { FLI_PG_TAKE_FEW = 8 }; /* so many are searched one by one */

/* NULL: nobody is in it and nobody watches it. */
fli_pg_group *fli_pg_group_find(const fli_pg_table *table, fl_term key);
/* The same, made where there is none; NULL: out of memory, or of room for names. */
fli_pg_group *fli_pg_group_get(fli_pg_table *table, fl_term key);
/* Frees the group when nothing is left of it. */
void fli_pg_group_tidy(fli_pg_table *table, fli_pg_group *group);

fli_pg_share *fli_pg_share_find(const fli_pg_group *group, const fli_pg_owner *owner);
/* Made where there is none, as the owner's last; it must get a member or be deleted. */
fli_pg_share *fli_pg_share_get(fli_pg_table *table, fli_pg_group *group, fli_pg_owner *owner);
/* Room for `more` members: the next fli_pg_share_add calls cannot fail. */
int fli_pg_share_reserve(fli_pg_table *table, fli_pg_share *share, size_t more);
void fli_pg_share_add(fli_pg_table *table, fli_pg_share *share, uint64_t id);
/* Takes one occurrence out; false when there is none. The share may be empty then. */
bool fli_pg_share_remove(fli_pg_table *table, fli_pg_share *share, uint64_t id);
void fli_pg_ids_sort(uint64_t *ids, size_t count);
/*
 * Takes each of `ids` out once. Those that were in stay in `ids`; how many. More than a few are
 * sorted first, so that long lists cannot cost their product.
 */
size_t fli_pg_share_take(fli_pg_table *table, fli_pg_share *share, uint64_t *ids, size_t count);
void fli_pg_share_clear(fli_pg_table *table, fli_pg_share *share);
/* With all its members; the group is tidied. */
void fli_pg_share_delete(fli_pg_table *table, fli_pg_share *share);

#endif
