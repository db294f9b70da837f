/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_LEDGER_H
#define FLITCH_TESTS_SIM_LEDGER_H

/*
 * Who holds which lock, who is in which group, and what watchers of groups were told: kept outside
 * of the nodes, as the books.
 *
 *     lock        resource, requester, holder, and the name server that it was taken from
 *     membership  group, member, and the scope that took it: with the scope it is over
 *     watch       the members as its owner has been told of them, one after the other
 *
 * Pids are kept as texts, <node.id.serial.creation>, since nodes end.
 *
 * Threads: one. Memory: ledger_destroy; out of memory ends the program. Errors: none.
 */

#include "flitch.h"

enum { LEDGER_PID = 72, LEDGER_LINE = 112, LEDGER_ANY = -1 };

/* ---- texts ----------------------------------------------------------------------------------- */

/* Lines, in any order, with repeats. */
typedef struct lines {
	char (*items)[LEDGER_LINE];
	size_t count, room;
} lines;

void lines_add(lines *l, const char *line);
/* One of that text; false: there is none. */
bool lines_take(lines *l, const char *line);
/* The same lines as often; both are sorted. *ret_odd: one that is not in both. */
bool lines_agree(lines *a, lines *b, const char **ret_odd);
/* Sorted, with a blank between two. */
void lines_print(lines *l, char *ret_text, size_t size);
void lines_free(lines *l);

void ledger_pid(char *ret_text, const fl_pid *pid);
/* "group=<pid>" for each of a list of pids. */
void ledger_members(lines *l, fl_term group, fl_term pids);

/* ---- what is held ---------------------------------------------------------------------------- */

typedef struct ledger_lock {
	unsigned resource;
	uint32_t requester, actor; /* actor 0: given back */
	char server[LEDGER_PID];
} ledger_lock;

typedef struct ledger_member {
	int group;
	uint32_t actor; /* 0: it has left */
	char scope[LEDGER_PID];
} ledger_member;

typedef struct ledger_watch {
	int group;      /* LEDGER_ANY: of the whole scope */
	uint32_t actor; /* 0: it is over */
	fl_ref ref;
	char scope[LEDGER_PID];
	lines view;
	bool is_odd; /* somebody left who was not in */
} ledger_watch;

typedef struct ledger {
	ledger_lock *locks;
	ledger_member *members;
	ledger_watch *watches;
	uint32_t locks_count, locks_room, members_count, members_room, watches_count, watches_room;
} ledger;

void ledger_destroy(ledger *l);
ledger_lock *ledger_lock_add(ledger *l, const ledger_lock *lock);
void ledger_join(ledger *l, const ledger_member *member);
/* One membership ends; false: there is none. */
bool ledger_leave(ledger *l, const ledger_member *member);
ledger_watch *ledger_watch_add(ledger *l, const ledger_watch *watch);
/* NULL: there is none any more. */
ledger_watch *ledger_watch_find(ledger *l, uint32_t actor, const fl_ref *ref);
void ledger_told(ledger_watch *w, bool is_join, fl_term group, fl_term pids);

#endif
