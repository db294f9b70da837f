/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_GLOBAL_NET_H
#define FLITCH_TESTS_GLOBAL_NET_H

/*
 * Several cores of `global` that speak to each other: no nodes, no sockets, a clock that the test
 * moves, one queue for all so that every link keeps its order.
 *
 *     net_open();  a = net_add("a@h");  b = net_add("b@h");
 *     net_link(a, b);  net_pass(5000);  CU_ASSERT_TRUE(net_knows(a, b));
 *
 * Answers to calls of the test itself, and words to pids of nobody, are noted in net_notes as
 * "a@h: Term;".
 *
 * Threads: the test's own. Memory: one net, emptied by net_close.
 */

#include "dist/global.h"
#include "dist/global_state.h"

enum { NET_NODES_MAX = 8 };

extern char net_notes[16384];
extern char net_log[1024]; /* the last line of any core */
extern fli_mem *net_mem;   /* of the cores; the C library's unless a test says otherwise */
extern fli_global_mode net_mode;

void net_open(void);
void net_close(void);
/* NULL where memory ran out. */
fli_global *net_add(const char *name);
/* The two see each other, or lose each other, at once. */
void net_link(fli_global *a, fli_global *b);
void net_cut(fli_global *a, fli_global *b);
/* Whoever dials from now on finds nobody. */
void net_refuse_dials(bool refuse);
bool net_is_up(fli_global *a, fli_global *b);
/* The node is gone for all others. */
void net_halt(fli_global *g);
/* Everything that is under way arrives. */
void net_run(void);
/* The same, and time passes. */
void net_pass(uint64_t ms);

bool net_knows(fli_global *a, fli_global *b);
bool net_is_synced(fli_global *a, fli_global *b);
/* A process of that node, made up. */
fl_pid net_pid(fli_global *g, uint32_t id);
void net_kill(fl_pid pid);
/* The process that has the name there; id 0: nobody. */
uint32_t net_whereis(fli_global *g, const char *name);
/* The node of the process that has it. */
const char *net_holder(fli_global *g, const char *name);
/* Asks for a change of a name; the answer is noted. */
void net_wish(fli_global *g, fli_global_change change, const char *name, uint32_t pid);
void net_wish_method(fli_global *g, const char *name, uint32_t pid, const char *method);
/* A call to the server by a process of that node, a word to it: in Erlang notation. */
void net_call(fli_global *g, fl_pid caller, const char *request);
void net_cast(fli_global *g, const char *message);
void net_info(fli_global *g, const char *message);
/* Notes what the core wants said instead of delivering it, for cores whose peers are words. */
void net_listen(bool on);

/* ---- between global_net.c and global_ask.c --------------------------------------------------- */

void net_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Tells the core the time; carries out what it then wants done. */
void net_begin(fli_global *g);
void net_settle(fli_global *g);

#endif
