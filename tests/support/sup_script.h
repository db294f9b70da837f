/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SUP_SCRIPT_H
#define FLITCH_TESTS_SUP_SCRIPT_H

/*
 * What a supervisor does, as a script and the transcript that must come of it.
 *
 *     sup_script(&tree, "tell b crash; ask count_children; pass 5000; parent shutdown",
 *             "+a +b -b:boom +b =[{specs,2},...]");
 *
 *     tell NAME TERM   to a child            ask TERM        a request to the supervisor
 *     refuse NAME      its init will fail    ignore NAME     ... will ask to be ignored
 *     allow NAME       neither any more      hold NAME       as if a handler of it ran; free NAME
 *     kill NAME        exit(Pid, kill)       parent REASON   exit(Sup, REASON) from its parent
 *     pass MS          the clock             unlink NAME     it cuts its link
 *     ended NAME       notes whether it runs system TERM     a system message to the supervisor
 *     report           notes the reports of the log since the last time
 *
 * In the transcript: +name a start, -name:reason a terminate, =reply, ^reason the supervisor's end,
 * <name> for a pid. The children are `kid` (traps exits) and `plain` (does not); their arguments
 * are their names, under which they are registered.
 *
 * Threads: the test's own. Memory: none.
 */

#include "flitch/supervisor.h"

extern const fl_behaviour kid, plain;

void sup_script(const fl_behaviour *tree, const char *script, const char *expected);

/* Fields of a child of that name; more may follow. */
#define KID(id_) .behaviour = &kid, .id = (id_), .args = (id_), .name = (id_)
#define PLAIN(id_) .behaviour = &plain, .id = (id_), .args = (id_), .name = (id_)

/* A supervisor of these children. */
#define TREE(name_, kids_, ...)                                                                    \
	static const fl_behaviour name_ = {.name = "tree",                                         \
		.supervisor = &(const fl_supervisor){.children = kids_, __VA_ARGS__}}

#endif
