/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_DRIVEN_H
#define FLITCH_TESTS_DRIVEN_H

/*
 * A node that real threads drive: a loop, a crew, and a thread of the test's that begins to drive.
 *
 *     driven d;
 *     fl_node *node = driven_open(&d, "crew@localhost");
 *     (void)driven_start(node, &server);         known before anything runs
 *     driven_go(&d);
 *     driven_post(node, "server", "hello");
 *     CU_ASSERT_TRUE(driven_wait(&answered, 20));
 *     driven_close(&d);
 *
 * Threads: start and post from any. Memory: chunks are poisoned. Errors: fail the test.
 */

#include <semaphore.h>

#include "node/loop.h"
#include "node/sched.h"

typedef struct driven {
	fl_node *node;
	fli_loop *loop;
	pthread_t driver;
} driven;

fl_node *driven_open(driven *d, const char *name);
void driven_go(driven *d);
void driven_close(driven *d);
/* Under its own name, with []. */
fl_pid driven_start(fl_node *node, const fl_behaviour *behaviour);
/* `text` is a message in Erlang notation. */
void driven_post(fl_node *node, const char *name, const char *text);
/* False: the limit is over. */
bool driven_wait(sem_t *sem, int limit_s);

#endif
