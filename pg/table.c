/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups and their members.
 *
 *  - A group is found by the hash of its name; two names are the same when `=:=` says so, however
 *    they came encoded. Bytes that are equal save the comparison.
 *  - A group has few owners, the nodes of the cluster: they are searched one after the other.
 *  - A member leaves by changing places with the last one. It is searched from the end, since who
 *    joined last tends to leave first.
 */
#include "pg/table.h"

#include <stdlib.h>
#include <string.h>

#include "node/term/hash.h"

#define CAPACITY_FIRST 4
#define SHRINK_FROM 64

static bool has_key(const void *item, const void *key)
{
	const fli_pg_group *group = item;
	const fl_term *term = key;

	if (term->rest == 0 && group->size == term->size &&
		memcmp(group->key, term->data, group->size) == 0)
		return true;
	return fl_equal(fli_pg_key(group), *term);
}

void fli_pg_table_create(fli_pg_table *table, fli_mem *mem, uint64_t seed, uint64_t members_max)
{
	*table = (fli_pg_table){.mem = mem, .seed = seed, .members_max = members_max};
	fli_map_create(&table->groups, mem, has_key);
}

static void free_share(fli_pg_table *table, fli_pg_share *share)
{
	if (share->ids != &share->own)
		fli_free(table->mem, share->ids);
	fli_free(table->mem, share);
}

void fli_pg_table_destroy(fli_pg_table *table)
{
	fli_pg_group *group;
	size_t cursor = 0;

	while ((group = fli_map_next(&table->groups, &cursor)) != NULL) {
		while (group->first != NULL) {
			fli_pg_share *share = group->first;

			group->first = share->next;
			free_share(table, share);
		}
		fli_free(table->mem, group);
	}
	fli_map_destroy(&table->groups);
	table->members = table->key_bytes = 0;
}

void fli_pg_owner_create(fli_pg_owner *owner, const fl_pid *pid)
{
	*owner = (fli_pg_owner){.pid = *pid};
	fli_list_create(&owner->shares);
}

/* ---- groups ---------------------------------------------------------------------------------- */

fli_pg_group *fli_pg_group_find(const fli_pg_table *table, fl_term key)
{
	uint64_t hash;

	if (table->groups.count == 0 || !fli_term_hash(table->seed, key, &hash))
		return NULL;
	return fli_map_get(&table->groups, hash, &key);
}

fli_pg_group *fli_pg_group_get(fli_pg_table *table, fl_term key)
{
	fli_pg_group *group;
	uint64_t hash;

	if (!fli_term_hash(table->seed, key, &hash))
		return NULL;
	group = fli_map_get(&table->groups, hash, &key);
	if (group != NULL || key.rest != 0)
		return group;
	if (table->key_bytes + key.size <= FLI_PG_KEY_BYTES_MAX)
		group = fli_alloc(table->mem, sizeof *group + key.size);
	if (group == NULL)
		return NULL;
	*group = (fli_pg_group){.hash = hash, .size = (uint32_t)key.size};
	fli_list_create(&group->watches);
	memcpy(group->key, key.data, key.size);
	if (fli_map_put(&table->groups, hash, group) != FL_OK) {
		fli_free(table->mem, group);
		return NULL;
	}
	table->key_bytes += key.size;
	return group;
}

void fli_pg_group_tidy(fli_pg_table *table, fli_pg_group *group)
{
	fl_term key = fli_pg_key(group);

	if (group->first != NULL || !fli_list_is_empty(&group->watches))
		return;
	(void)fli_map_remove(&table->groups, group->hash, &key); /* it is there */
	table->key_bytes -= group->size;
	fli_free(table->mem, group);
}

/* ---- shares ---------------------------------------------------------------------------------- */

fli_pg_share *fli_pg_share_find(const fli_pg_group *group, const fli_pg_owner *owner)
{
	fli_pg_share *share = group->first;

	while (share != NULL && share->owner != owner)
		share = share->next;
	return share;
}

fli_pg_share *fli_pg_share_get(fli_pg_table *table, fli_pg_group *group, fli_pg_owner *owner)
{
	fli_pg_share *share = fli_pg_share_find(group, owner);

	if (share != NULL)
		return share;
	share = fli_alloc(table->mem, sizeof *share);
	if (share == NULL)
		return NULL;
	*share =
		(fli_pg_share){.next = group->first, .group = group, .owner = owner, .capacity = 1};
	share->ids = &share->own;
	group->first = share;
	fli_list_append(&owner->shares, &share->in_owner);
	owner->shares_count++;
	return share;
}

static int set_capacity(fli_pg_table *table, fli_pg_share *share, size_t capacity)
{
	bool was_own = share->ids == &share->own;
	uint64_t *ids =
		fli_realloc(table->mem, was_own ? NULL : share->ids, capacity * sizeof *share->ids);

	if (ids == NULL)
		return FL_ENOMEM;
	if (was_own)
		ids[0] = share->own;
	share->ids = ids;
	share->capacity = (uint32_t)capacity;
	return FL_OK;
}

int fli_pg_share_reserve(fli_pg_table *table, fli_pg_share *share, size_t more)
{
	size_t wanted = share->count + more, capacity = share->capacity;

	if (table->members + more > table->members_max || wanted > UINT32_MAX / 2)
		return FL_ELIMIT;
	if (wanted <= capacity)
		return FL_OK;
	if (capacity < CAPACITY_FIRST)
		capacity = CAPACITY_FIRST;
	else
		capacity += capacity / 2;
	return set_capacity(table, share, capacity < wanted ? wanted : capacity);
}

void fli_pg_share_add(fli_pg_table *table, fli_pg_share *share, uint64_t id)
{
	share->ids[share->count++] = id;
	share->owner->members++;
	table->members++;
}

static void count_down(fli_pg_table *table, fli_pg_share *share, uint32_t less)
{
	share->count -= less;
	share->owner->members -= less;
	table->members -= less;
}

static void shrink(fli_pg_table *table, fli_pg_share *share)
{
	uint32_t capacity = share->capacity;

	while (capacity >= SHRINK_FROM && share->count < capacity / 4)
		capacity /= 2;
	if (capacity < share->capacity)
		(void)set_capacity(table, share, capacity); /* or stays */
}

bool fli_pg_share_remove(fli_pg_table *table, fli_pg_share *share, uint64_t id)
{
	for (uint32_t i = share->count; i-- > 0;) {
		if (share->ids[i] != id)
			continue;
		share->ids[i] = share->ids[share->count - 1];
		count_down(table, share, 1);
		shrink(table, share);
		return true;
	}
	return false;
}

static int order_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void fli_pg_ids_sort(uint64_t *ids, size_t count)
{
	if (count > 1)
		qsort(ids, count, sizeof *ids, order_ids);
}

size_t fli_pg_share_take(fli_pg_table *table, fli_pg_share *share, uint64_t *ids, size_t count)
{
	size_t found = 0, kept = 0, j = 0;

	if (count <= FLI_PG_TAKE_FEW) {
		for (size_t i = 0; i < count; i++)
			if (fli_pg_share_remove(table, share, ids[i]))
				ids[found++] = ids[i];
		return found;
	}
	fli_pg_ids_sort(ids, count);
	fli_pg_ids_sort(share->ids, share->count);
	for (size_t i = 0; i < share->count; i++) {
		while (j < count && ids[j] < share->ids[i])
			j++;
		if (j < count && ids[j] == share->ids[i])
			ids[found++] = ids[j++];
		else
			share->ids[kept++] = share->ids[i];
	}
	count_down(table, share, (uint32_t)found);
	shrink(table, share);
	return found;
}

void fli_pg_share_clear(fli_pg_table *table, fli_pg_share *share)
{
	count_down(table, share, share->count);
}

void fli_pg_share_delete(fli_pg_table *table, fli_pg_share *share)
{
	fli_pg_group *group = share->group;
	fli_pg_share **at = &group->first;

	while (*at != share)
		at = &(*at)->next;
	*at = share->next;
	fli_pg_share_clear(table, share);
	share->owner->shares_count--;
	fli_list_remove(&share->in_owner);
	free_share(table, share);
	fli_pg_group_tidy(table, group);
}
