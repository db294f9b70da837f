/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_PG_H
#define FLITCH_PG_H

/*
 * Process groups, shared with every node of the cluster that runs the scope: OTP's pg.
 *
 *     fl_pg_join(self, FL_PG, fl_self(self), "workers");         a member, here and everywhere
 *     fl_pg_join(self, FL_PG, pid, "{room, ~}", number);         a group is any term
 *     n = fl_pg_members(self, FL_PG, pids, 16, "workers");       of all nodes
 *
 * A scope is a process, registered as its name, on each node; scopes of one name find each other
 * over visible connections and tell each other their members. A process may be in a group several
 * times; only its own node puts it in or takes it out, and its end takes it out of all.
 *
 * Threads: functions with `self` as <flitch/process.h> says; none waits.
 * Memory: terms and pids are copied. Errors: FL_ENOPROC where no such scope runs here.
 * Limits: key pg.members for each scope; a group's name has at most 1 MiB.
 */

#include "flitch/process.h"

/* The scope that OTP calls the default one. */
#define FL_PG "pg"

/* ---- scopes ---------------------------------------------------------------------------------- */

/* Starts a scope, which stays; FL_ETAKEN when somebody has the name. Any thread. */
int fl_pg_start(fl_node *node, const char *scope);
/* Ends it: its members are in no group any more, here and elsewhere. FL_ENOPROC. Any thread. */
int fl_pg_stop(fl_node *node, const char *scope);

/* ---- members --------------------------------------------------------------------------------- */

int fl_pg_join_spec(
	fl_proc *self, const char *scope, const fl_pid *pids, size_t count, fl_spec group);
int fl_pg_leave_spec(
	fl_proc *self, const char *scope, const fl_pid *pids, size_t count, fl_spec group);
/* Joins a process of this node; FL_EINVAL for one of another. All of several, or none. */
#define fl_pg_join(self, scope, pid, ...)                                                          \
	fl_pg_join_spec((self), (scope), (const fl_pid[]){(pid)}, 1, fl_spec(__VA_ARGS__))
#define fl_pg_join_many(self, scope, pids, count, ...)                                             \
	fl_pg_join_spec((self), (scope), (pids), (count), fl_spec(__VA_ARGS__))
/* Leaves once; FL_ENOENT when none of them was in. */
#define fl_pg_leave(self, scope, pid, ...)                                                         \
	fl_pg_leave_spec((self), (scope), (const fl_pid[]){(pid)}, 1, fl_spec(__VA_ARGS__))
#define fl_pg_leave_many(self, scope, pids, count, ...)                                            \
	fl_pg_leave_spec((self), (scope), (pids), (count), fl_spec(__VA_ARGS__))

/* Where members go. */
typedef struct fl_pg_room {
	fl_pid *pids;
	size_t size;
	bool is_local; /* those of this node alone */
} fl_pg_room;

size_t fl_pg_members_spec(fl_proc *self, const char *scope, fl_pg_room room, fl_spec group);
/* Writes at most `size` members, in no order; returns how many there are. No scope, no members. */
#define fl_pg_members(self, scope, ret_pids, size, ...)                                            \
	fl_pg_members_spec(                                                                        \
		(self), (scope), (fl_pg_room){(ret_pids), (size), false}, fl_spec(__VA_ARGS__))
/* Those of this node. */
#define fl_pg_local_members(self, scope, ret_pids, size, ...)                                      \
	fl_pg_members_spec(                                                                        \
		(self), (scope), (fl_pg_room){(ret_pids), (size), true}, fl_spec(__VA_ARGS__))
/* Appends the list of all groups that have members (here, when `is_local`). */
int fl_pg_groups(fl_proc *self, const char *scope, bool is_local, fl_buf *ret_list);

/* ---- being told ------------------------------------------------------------------------------ */

int fl_pg_monitor_spec(
	fl_proc *self, const char *scope, fl_ref *ret_ref, fl_buf *ret_members, fl_spec group);
/*
 * From now on `info` gets {Ref, join, Group, Pids} and {Ref, leave, Group, Pids}. Appends the list
 * of members as it is now to `ret_members`, which may be NULL.
 */
#define fl_pg_monitor(self, scope, ret_ref, ret_members, ...)                                      \
	fl_pg_monitor_spec((self), (scope), (ret_ref), (ret_members), fl_spec(__VA_ARGS__))
/* The same for all groups; appends #{Group => Pids}. */
int fl_pg_monitor_scope(fl_proc *self, const char *scope, fl_ref *ret_ref, fl_buf *ret_groups);
/* FL_ENOENT when there is no such monitor. A message of it may be in the mailbox already. */
int fl_pg_demonitor(fl_proc *self, const char *scope, fl_ref ref);

#endif
