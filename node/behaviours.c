/* SPDX-License-Identifier: Apache-2.0 */
#include "node/behaviours.h"

#include "node/pool.h"
#include "node/registry.h"
#include "node/statem.h"
#include "node/supervisor.h"

/* A behaviour and, where it is a supervisor or a state machine, what runs it. */
typedef struct known {
	const fl_behaviour *behaviour;
	bool has_name; /* in `by_name`: others of that name came later */
	fl_behaviour runs;
} known;

struct fli_behaviours {
	fli_map by_name;
	fli_map by_address;
};

static bool has_name(const void *item, const void *key)
{
	return fl_atom_eq(
		fl_atom_of(((const known *)item)->behaviour->name), *(const fl_atom *)key);
}

static bool has_address(const void *item, const void *key)
{
	return ((const known *)item)->behaviour == key;
}

static uint64_t name_hash(const fl_node *node, fl_atom name)
{
	return fli_hash(node->seed, name.text, name.size);
}

static uint64_t address_hash(const fl_behaviour *behaviour)
{
	return fli_hash_mix((uint64_t)(uintptr_t)behaviour);
}

static fli_behaviours *table_of(fl_node *node)
{
	if (node->behaviours == NULL) {
		node->behaviours = fli_zalloc(node->mem, sizeof *node->behaviours);
		if (node->behaviours != NULL) {
			fli_map_create(&node->behaviours->by_name, node->mem, has_name);
			fli_map_create(&node->behaviours->by_address, node->mem, has_address);
		}
	}
	return node->behaviours;
}

static known *add(fl_node *node, fli_behaviours *table, const fl_behaviour *behaviour)
{
	fl_atom name = fl_atom_of(behaviour->name);
	known *entry = fli_zalloc(node->mem, sizeof *entry);

	if (entry == NULL)
		return NULL;
	entry->behaviour = behaviour;
	if (behaviour->supervisor != NULL)
		entry->runs = fli_supervisor_handlers(behaviour);
	else if (behaviour->statem != NULL)
		entry->runs = fli_statem_handlers(behaviour);
	else if (behaviour->registry != NULL)
		entry->runs = fli_registry_handlers(behaviour);
	else if (behaviour->pool != NULL)
		entry->runs = fli_pool_handlers(behaviour);
	if (fli_map_put(&table->by_address, address_hash(behaviour), entry) != FL_OK) {
		fli_free(node->mem, entry);
		return NULL;
	}
	if (fli_map_get(&table->by_name, name_hash(node, name), &name) == NULL)
		entry->has_name =
			fli_map_put(&table->by_name, name_hash(node, name), entry) == FL_OK;
	return entry;
}

static known *find_or_add(fl_node *node, const fl_behaviour *behaviour)
{
	fli_behaviours *table = table_of(node);
	known *entry =
		table == NULL ? NULL
			      : fli_map_get(&table->by_address, address_hash(behaviour), behaviour);

	return entry != NULL || table == NULL ? entry : add(node, table, behaviour);
}

int fli_behaviour_know(fl_node *node, const fl_behaviour *behaviour)
{
	fl_atom name = fl_atom_of(behaviour->name);
	known *entry = find_or_add(node, behaviour);

	if (entry == NULL)
		return FL_ENOMEM;
	if (entry->has_name)
		return FL_OK;
	return fli_behaviour_find(node, name) == NULL ? FL_ENOMEM : FL_ETAKEN;
}

const fl_behaviour *fli_behaviour_find(const fl_node *node, fl_atom name)
{
	const known *entry = node->behaviours == NULL ? NULL
						      : fli_map_get(&node->behaviours->by_name,
								name_hash(node, name), &name);

	return entry == NULL ? NULL : entry->behaviour;
}

const fl_behaviour *fli_behaviour_to_run(fl_node *node, const fl_behaviour *behaviour)
{
	const known *entry;

	if (FLI_LIKELY(behaviour->supervisor == NULL && behaviour->statem == NULL &&
		       behaviour->registry == NULL && behaviour->pool == NULL))
		return behaviour;
	entry = find_or_add(node, behaviour);
	return entry == NULL ? NULL : &entry->runs;
}

const fl_behaviour *fli_behaviour_of_run(const fl_behaviour *runs)
{
	return fli_container_of(runs, const known, runs)->behaviour;
}

void fli_behaviours_delete(fl_node *node)
{
	fli_behaviours *table = node->behaviours;
	size_t cursor = 0;
	known *entry;

	if (table == NULL)
		return;
	while ((entry = fli_map_next(&table->by_address, &cursor)) != NULL)
		fli_free(node->mem, entry);
	fli_map_destroy(&table->by_name);
	fli_map_destroy(&table->by_address);
	fli_free(node->mem, table);
	node->behaviours = NULL;
}
