/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_INVARIANT_H
#define FLITCH_TESTS_SIM_INVARIANT_H

/*
 * What must hold, whatever fails. Three tables, by when a promise can be judged:
 *
 *     of events    as a handler sees something: a pure function of the books and the event
 *     of steps     after each step: a look into every node
 *     of quiet     after the last fault, when everything was healed and had its time
 *
 * Threads: one. Memory: constant. Errors: false, with the reason in `text`.
 */

#include "tests/sim/books.h"

typedef struct run run;

typedef struct event_invariant {
	const char *name, *why;
	bool (*holds)(const books *b, const book_event *event, char *text);
} event_invariant;

typedef struct state_invariant {
	const char *name, *why;
	bool (*holds)(run *r, char *text);
} state_invariant;

extern const event_invariant event_invariants[];
extern const state_invariant step_invariants[], quiet_invariants[];
extern const size_t event_invariants_count, step_invariants_count, quiet_invariants_count;

/* Each invariant of events; the first that does not hold is the books' breach. */
void invariants_judge(books *b, const book_event *event);
/* Each of a table of states; false: there is a breach. */
bool invariants_hold(run *r, const state_invariant *table, size_t count);
/* The names and reasons of all, as lines. */
void invariants_print(void);

/* Of global and pg (invariants_services.c). */
bool global_is_whole(run *r, char *text);
bool names_agree(run *r, char *text);
bool last_names_are_there(run *r, char *text);
bool locks_are_whose_they_are(run *r, char *text);
bool groups_agree(run *r, char *text);
bool watchers_were_told(run *r, char *text);
bool services_are_at_rest(run *r, char *text);

/* Fills the reason; returns false. */
bool invariant_broken(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
