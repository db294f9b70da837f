/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

/*
 * The pg group by which a cluster finds a store: {store, Name}. Its members are servers over one
 * directory, on as many nodes of that machine as one likes; any of them answers for all.
 *
 * A member that has another directory under the same name, by mistake, would answer from other
 * data. So members tell each other whose data they have, and the one with the younger directory
 * leaves the group, and says so in the log.
 *
 * Threads: the server's. Memory: in the server's state. Errors: FL_E*. Limits: GROUP_*.
 */

#include "examples/accel/store/env.h"

enum { GROUP_NAME_MAX = 64, GROUP_ASKED_MAX = 16, GROUP_MEMBERS_MAX = 64 };

typedef struct group {
	char name[GROUP_NAME_MAX];
	const uint8_t *id; /* of the directory */
	fl_ref watch;
	fl_ref asked[GROUP_ASKED_MAX]; /* a ring */
	size_t asked_next;
	bool is_member;
} group;

/* False: no name for a group. */
bool group_name_set(group *g, fl_bin name);
int group_join(group *g, fl_proc *self, const store_env *env);
/* False: the message is none of the group's. */
bool group_info(group *g, fl_proc *self, fl_term message);

#endif
