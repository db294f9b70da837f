/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_ACTOR_H
#define FLITCH_TESTS_ACTOR_H

/*
 * Processes that do what a test tells them, and note what they are given.
 *
 *     actor_open(&w);  pid = world_start(&w, &actor, "a", NULL);
 *     actor_do(&w, "a", some_function);                      runs it as a's handler
 *     CU_ASSERT_STRING_EQUAL(actor_notes, "a: hello;");      after a message
 *
 * 'DOWN' and 'EXIT' are noted without references: "a: DOWN Object Reason;".
 *
 * Threads: the test's own. Memory: one text for all, emptied by actor_open.
 */

#include <flitch.h>

#include "tests/support/world.h"

typedef int actor_fn(fl_proc *self);

extern char actor_notes[8192];
extern const fl_behaviour actor, trapper;

void actor_open(world *w);
void actor_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Forgets the notes and runs `fn` as the next handler of the process of that name. */
void actor_do(world *w, const char *name, actor_fn *fn);
/* The same without a name; false when there is no such process. */
bool actor_do_at(world *w, const fl_pid *pid, actor_fn *fn);
/*
 * Runs `scene` in a world of its own, with the actors "a" and "b", while its first, second, third
 * ... allocation fails, until none is hit; nothing may be left. Fewer than 400 of them.
 */
void actor_scarce(world *w, void (*scene)(void));

#endif
