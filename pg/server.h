/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PG_SERVER_H
#define FLI_PG_SERVER_H

/*
 * Scopes as processes of a node: registered under their names, started again when they end, asked
 * by whoever holds the context.
 *
 *     peers' messages --> mailbox --> scope process --.
 *     fl_pg_join, rpc, ... (context held) ------------+--> fli_scope
 *
 * What processes of this node ask for takes no message: the context is what puts it in order with
 * the scope's own work, which takes and leaves the context step by step.
 *
 * Threads: the owner of the node's context. Memory: a scope goes with its process.
 * Errors: FL_E*. Limits: pg.members.
 */

#include "node/runtime.h"
#include "pg/scope.h"

/*
 * Natives, the keeper, and the hook by which behaviours join their groups; no scope yet.
 * `members_max`: memberships in each scope; 0: a default.
 */
int fli_pg_open(fl_node *node);
void fli_pg_limit(fl_node *node, uint64_t members_max);
/* The members of this node leave all groups of all scopes: one message a scope and peer. */
void fli_pg_pause(fl_node *node);
void fli_pg_resume(fl_node *node);

/* The scope of that name; NULL when none runs here. The context is held. */
fli_scope *fli_pg_scope(const fl_node *node, fl_atom name);
/* The name of a group, built into a buffer of the scope's own; good until the next call. */
int fli_pg_key_of(fli_scope *scope, fl_spec group, fl_term *ret_key);
/* Processes of this node, a pid or a list of them: FL_EINVAL when one is not. */
int fli_pg_change(fl_node *node, fli_scope *scope, bool is_join, fl_term key, fl_term pids);
/* What may join on this node: its number in *ret_id. */
bool fli_pg_is_own(const fl_node *node, const fl_pid *pid, uint64_t *ret_id);
/* The caller waits at its end as long as a peer that was told is busy. */
void fli_pg_share_wait(fl_proc *self, const fli_scope *scope);

/* ---- between the files ----------------------------------------------------------------------- */

extern const fl_behaviour fli_pg_server;
/* What a scope needs of the process that it belongs to, which is its context. */
extern const fli_scope_ops fli_pg_ops;
uint64_t fli_pg_members_max(const fl_node *node);
/* gen_server calls to the scope: monitor, join_local, .. of OTP 23 to 28, and those of 29. */
int fli_pg_call(fl_proc *self, fli_scope *scope, fl_from from, fl_term request);
int fli_natives_pg(fl_node *node);
int fli_pg_start_scope(fl_node *node, const char *name, fl_proc **ret_proc);

#endif
