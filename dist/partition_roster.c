/* SPDX-License-Identifier: Apache-2.0 */
/* The members in the order of their names: an array of pointers, so that entries stay in place. */
#include "dist/partition_roster.h"

#include <string.h>

void fli_roster_create(fli_roster *roster, fli_mem *mem)
{
	*roster = (fli_roster){.mem = mem};
}

void fli_roster_destroy(fli_roster *roster)
{
	for (uint32_t i = 0; i < roster->count; i++)
		fli_free(roster->mem, roster->entries[i]);
	fli_free(roster->mem, roster->entries);
	fli_roster_create(roster, roster->mem);
}

/* As atoms compare; names are ASCII. */
static int compare(const fli_roster_entry *entry, fl_atom name)
{
	size_t shared = entry->size < name.size ? entry->size : name.size;
	int order = memcmp(entry->name, name.text, shared);

	if (order != 0 || entry->size == name.size)
		return order;
	return entry->size < name.size ? -1 : 1;
}

/* The first place whose name is not below `name`. */
static uint32_t place_of(const fli_roster *roster, fl_atom name)
{
	uint32_t low = 0, high = roster->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(roster->entries[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t fli_roster_find(const fli_roster *roster, fl_atom name)
{
	uint32_t place = place_of(roster, name);

	return place < roster->count && compare(roster->entries[place], name) == 0
		       ? place
		       : FLI_ROSTER_NONE;
}

static bool has_room(fli_roster *roster)
{
	uint32_t capacity = roster->capacity == 0 ? 16 : 2 * roster->capacity;
	fli_roster_entry **grown;

	if (roster->count < roster->capacity)
		return true;
	grown = fli_realloc(roster->mem, roster->entries, capacity * sizeof(fli_roster_entry *));
	if (grown == NULL)
		return false;
	roster->entries = grown;
	roster->capacity = capacity;
	return true;
}

int fli_roster_add(fli_roster *roster, fl_atom name, fli_roster_entry **ret_entry)
{
	uint32_t place = place_of(roster, name);
	fli_roster_entry *entry;

	if (place < roster->count && compare(roster->entries[place], name) == 0) {
		*ret_entry = roster->entries[place];
		return FL_OK;
	}
	if (roster->count == FLI_PARTITION_MEMBERS_MAX || name.size > FLI_NODE_NAME_BYTES_MAX)
		return FL_ELIMIT;
	entry = has_room(roster) ? fli_zalloc(roster->mem, sizeof *entry) : NULL;
	if (entry == NULL)
		return FL_ENOMEM;
	memcpy(entry->name, name.text, name.size);
	entry->size = name.size;
	entry->age = roster->age_next++;
	memmove(&roster->entries[place + 1], &roster->entries[place],
		(roster->count - place) * sizeof *roster->entries);
	roster->entries[place] = entry;
	roster->count++;
	*ret_entry = entry;
	return FL_OK;
}

void fli_roster_remove(fli_roster *roster, uint32_t place)
{
	fli_free(roster->mem, roster->entries[place]);
	roster->count--;
	memmove(&roster->entries[place], &roster->entries[place + 1],
		(roster->count - place) * sizeof *roster->entries);
}

int fli_roster_fill(fli_roster *roster, const fli_partition_config *config)
{
	fli_roster_entry *entry;
	int rc = FL_OK;

	for (size_t i = 0; i < config->members_count && rc == FL_OK; i++) {
		rc = fli_roster_add(roster, fl_atom_of(config->members[i]), &entry);
		if (rc == FL_OK)
			entry->is_listed = true;
	}
	for (size_t i = 0; i < config->referees_count && rc == FL_OK; i++) {
		rc = fli_roster_add(roster, fl_atom_of(config->referees[i]), &entry);
		if (rc == FL_OK)
			entry->is_listed = entry->is_referee = true;
	}
	if (rc == FL_OK && config->rules.has_tie && *config->tie != '\0') {
		rc = fli_roster_add(roster, fl_atom_of(config->tie), &entry);
		if (rc == FL_OK)
			entry->is_listed = entry->is_tie = true;
	}
	return rc;
}

static uint32_t age_of(uint32_t stamp)
{
	return stamp == 0 ? UINT32_MAX : stamp;
}

void fli_roster_seats(
	const fli_roster *roster, const fli_partition_config *config, fli_partition_seat *ret_seats)
{
	bool by_list = config->members_count > 0;
	bool lowest = config->rules.has_tie && *config->tie == '\0';

	for (uint32_t i = 0; i < roster->count; i++)
		ret_seats[i] = (fli_partition_seat){
			.is_tie = roster->entries[i]->is_tie || (lowest && i == 0),
			.is_referee = roster->entries[i]->is_referee,
			.age = by_list ? roster->entries[i]->age
				       : age_of(roster->entries[i]->stamp)};
}
