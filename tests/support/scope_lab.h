/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SCOPE_LAB_H
#define FLITCH_TESTS_SCOPE_LAB_H

/*
 * A scope's core of the node a@h, whose neighbours b@h and c@h are near. What it sends is noted:
 * ">b@h.9 {discover,<a@h.1.0>};". Pids of creation 7 are written <b@h.3.0/7>. The n-th monitor has
 * the reference n.
 *
 * Threads: the test's own. Memory: one for all; scope_teardown checks that nothing is left.
 */

#include "pg/scope.h"
#include "tests/support/fault.h"

#define CREATION 7

extern fli_scope scope;
extern fli_fault fault;
extern char notes[16384];
extern int send_rc; /* what sending gives */
extern unsigned retries;
extern bool has_timers; /* false: none can be started */

void scope_setup(long fail_at);
void scope_teardown(void);
/* A term from Erlang notation. */
fl_term scope_term_of(fl_buf *buf, const char *text);
/* A message arrives; false: it was refused. The notes begin anew with each of these. */
bool scope_info(const char *text);
bool scope_cast(const char *text);
int scope_change(bool is_join, const char *group, const uint64_t *ids, size_t count, bool as_list);
int scope_join(const char *group, uint64_t id);
int scope_leave(const char *group, uint64_t id);
void scope_down(uint32_t word, const char *node, uint32_t id);
/* "a.3 b.5": node letters and ids, sorted. */
const char *scope_members_of(const char *group, bool is_local);

#define NOTED(text) CU_ASSERT_STRING_EQUAL(notes, text)
#define MEMBERS(group, text) CU_ASSERT_STRING_EQUAL(scope_members_of(group, false), text)

#endif
