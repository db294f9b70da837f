/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_SERVERS_H
#define FLITCH_TESTS_SIM_SERVERS_H

/*
 * Servers for nodes of the simulated world.
 *
 *     counter: {add, N} | get -> Total; {via, Node} asks the counter there -> {via, Total} or
 *              {error, Code}; {sleep, Ms} -> Total; {work, N} adds N by fl_offload -> Total
 *
 * Threads: the world's. Memory: none. Errors: none.
 */

#include "flitch/sim.h"

extern const fl_behaviour sim_counter;
/* For fl_sim_config.servers. */
extern const fl_behaviour *const sim_servers[];

/* Adds and starts a node with a counter; the program ends when it does not start. */
fl_sim_node *sim_node(fl_sim *sim, const char *name);
/* The number that the counter of `peer` answers to `what`, or an FL_E*. */
int sim_ask(fl_sim_node *from, const char *peer, const char *what);

#endif
