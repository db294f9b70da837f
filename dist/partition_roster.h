/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PARTITION_ROSTER_H
#define FLI_DIST_PARTITION_ROSTER_H

/*
 * Who is a member: those of a list, or those that were seen, in the order of their names.
 *
 *     members = c, a, b  -->  a b c        places by name, which is how ties are broken
 *                             1 2 0        ages by the list, or by when they were first seen
 *
 * Threads: one at a time. Memory: names are copied; fli_roster_destroy. Errors: FL_ENOMEM,
 * FL_ELIMIT. Limits: FLI_PARTITION_MEMBERS_MAX.
 */

#include "dist/node_name.h"
#include "dist/partition_decide.h"
#include "flitch/term.h"
#include "node/base/mem.h"

/* What decides, as the configuration has it. Texts are borrowed. */
typedef struct fli_partition_config {
	fli_partition_rules rules;
	const char *const *members; /* the oldest first; none: those that are seen */
	size_t members_count;
	const char *tie; /* a node; "": the lowest name */
	const char *const *referees;
	size_t referees_count;
} fli_partition_config;

typedef struct fli_roster_entry {
	uint32_t age;
	uint32_t life;       /* which one was seen last: its creation; 0: none */
	uint32_t stamp;      /* told by the node itself; 0: nothing was told */
	uint64_t leaving_ms; /* when it said that it stops; 0: it did not */
	bool is_tie;
	bool is_referee;
	bool is_listed; /* by the configuration: never forgotten */
	bool is_up;     /* connected with us */
	uint64_t down_ms;
	size_t size;
	char name[FLI_NODE_NAME_BYTES_MAX + 1];
} fli_roster_entry;

typedef struct fli_roster {
	fli_mem *mem;
	fli_roster_entry **entries;
	uint32_t count, capacity;
	uint32_t age_next;
} fli_roster;

#define FLI_ROSTER_NONE UINT32_MAX

/* Empty. */
void fli_roster_create(fli_roster *roster, fli_mem *mem);
void fli_roster_destroy(fli_roster *roster);
/* Those whom the configuration names: members, tie, referees. */
int fli_roster_fill(fli_roster *roster, const fli_partition_config *config);
/* Its place, or FLI_ROSTER_NONE. */
uint32_t fli_roster_find(const fli_roster *roster, fl_atom name);
/* The entry of that name, made where there is none. Places of others may change. */
int fli_roster_add(fli_roster *roster, fl_atom name, fli_roster_entry **ret_entry);
void fli_roster_remove(fli_roster *roster, uint32_t place);
/* One for each member, for a picture. */
void fli_roster_seats(const fli_roster *roster, const fli_partition_config *config,
	fli_partition_seat *ret_seats);

#endif
