/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_WORLD_H
#define FLITCH_TESTS_WORLD_H

/*
 * A node without sockets or threads, on a clock that the test moves.
 *
 * Threads: the test's own. Memory: world_open and world_close.
 */

#include "node/runtime.h"
#include "node/sched.h"

typedef struct world {
	fli_port port;
	uint64_t now_ms;
	fl_node *node;
	char log[8192]; /* lines, each ended by a newline */
} world;

void world_open(world *w, fli_mem *mem);
void world_close(world *w);
/* Lets all processes run until nothing is left to do. */
void world_settle(world *w);
/* Moves the clock and settles. */
void world_pass(world *w, uint64_t ms);
/* Starts a server; *ret_rc may be NULL. */
fl_pid world_start(world *w, const fl_behaviour *behaviour, const char *name, int *ret_rc);
/* Sends a term given in Erlang notation to a name. */
void world_send(world *w, const char *name, const char *text);
bool world_is_alive(world *w, const fl_pid *pid);

#endif
