/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_GLOBAL_SERVICE_H
#define FLI_DIST_GLOBAL_SERVICE_H

/*
 * The three processes of `global` on a node, and the core that they share.
 *
 *     global_name_server --- locker
 *            |          `--- registrar        linked: one of them ends, all begin anew
 *            `-- core (global.h): each handler gives it one event and carries its acts out
 *
 * A name server that has to begin anew knows nothing, while others take it for a member; so it
 * first leaves all visible nodes in one stroke.
 *
 * Threads: the owner of the node's context, but for what has a `self`: that process's handler.
 * Memory: the core goes with the node. Errors: FL_E*. Limits: those of global.h.
 */

#include "dist/global.h"
#include "node/runtime.h"

extern const fl_behaviour fli_global_name_server;

/* Before the name server starts. */
int fli_global_prepare(fl_node *node);
/* Before the first connection; guest is what a node begins with. */
void fli_global_set_mode(fl_node *node, fli_global_mode mode);
fli_global_mode fli_global_mode_of(const fl_node *node);
/* "module:function" for names that are registered without a method; "": OTP's. */
void fli_global_set_method(fl_node *node, const char *text);
/* The node leaves: nothing is said to anybody any more. */
void fli_global_end(fl_node *node);
/* Of the core; all 0 where there is none. */
fli_global_counters fli_global_counters_of(const fl_node *node);
/* Changes a name; waits at most that long. *ret_answer: yes, no, ok. */
int fli_global_change_name(
	fl_proc *self, const fli_global_wish *wish, uint32_t timeout_ms, fl_term *ret_answer);
/* The same without waiting: the answer comes to `info`. */
int fli_global_request_change(fl_proc *self, const fli_global_wish *wish, fl_ref *ret_ref);
bool fli_global_find(const fl_node *node, fl_term name, fl_pid *ret_pid);
/* For how long a process of this node has had it; false: it has not. */
bool fli_global_held_ms(const fl_node *node, fl_term name, const fl_pid *pid, uint64_t *ret_ms);
/* Of two that had one name, OTP keeps that of the lesser node; of one node's, `other`. */
bool fli_global_prefers(const fl_pid *pid, const fl_pid *other);
/* That node is a member, and says that it has prevent_overlapping_partitions on. */
bool fli_global_runs_pop(const fl_node *node, fl_atom name);
/* The process has a name, and the lock under which names change is held. */
bool fli_global_contested(const fl_node *node, const fl_pid *pid);
/* Appends [{Name, Pid, Method}] of the processes of this node. The context is held. */
void fli_global_own_names(const fl_node *node, fl_buf *buf);
/* Appends the list of all names. */
void fli_global_list(fl_node *node, fl_buf *buf);
/* global:set_lock and del_lock as `self`; without `nodes` on this one and all visible ones. */
int fli_global_lock_for(fl_proc *self, fl_term id, const fl_term *nodes, uint32_t retries);
int fli_global_unlock_for(fl_proc *self, fl_term id, const fl_term *nodes);
/* global:disconnect/0 */
void fli_global_disconnect_all(fl_node *node, fl_buf *ret_nodes);
/* `fun global:random_exit_name/3`, and its like by the name of the function. */
int fli_global_method(fl_buf *buf, const char *function);

#endif
