/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_FENCE_H
#define FLI_DIST_FENCE_H

/*
 * A paused node's servers as other nodes meet them: not there.
 *
 *     MONITOR of a server     DOWN, noproc, at once      what a gen_server:call begins with
 *     {'$gen_call', ..}       the same for its monitor, if it was set before
 *     {'$gen_cast', ..}       dropped
 *     anything else           passes: answers, exits, links, plain messages
 *
 * Where a paused node keeps its global names, monitors by pid pass, too: global sets them.
 *
 * That is what callers know best. Instead a call may get an answer of the configuration's, no
 * answer at all, or wait for a while; then monitors pass, as of a server that is busy. Gates that
 * stay open (fl_node.gates_open, fl_behaviour.while_paused) let calls or casts through.
 *
 * The node's own processes, and those that are unfenced, answer as ever, so that it can be looked
 * into; so do calls within the node. Monitors that were set before stay.
 *
 * Threads: the owner of the node's context. Memory: calls that wait are kept here until the fence
 * goes down, their time is over or fli_fence_delete. Errors: FL_ENOMEM. Limits: FLI_FENCE_HELD_MAX
 * calls and casts wait; one more is refused.
 */

#include "dist/control.h"
#include "node/runtime.h"

enum { FLI_FENCE_HELD_MAX = 10000 };

typedef enum fli_fence_reply {
	FLI_FENCE_NOPROC,
	FLI_FENCE_DROP, /* no answer: the caller's own time runs out */
	FLI_FENCE_TERM, /* that answer */
	FLI_FENCE_HOLD  /* waits so long for the fence to go down, then noproc */
} fli_fence_reply;

typedef struct fli_fence fli_fence;

/* `term` is for FLI_FENCE_TERM and copied, `hold_ms` for FLI_FENCE_HOLD. */
int fli_fence_new(fl_node *node, fli_fence_reply reply, fl_term term, uint64_t hold_ms);
void fli_fence_delete(fl_node *node);
/*
 * From now on calls and casts wait, whatever the reply is, as it is not yet decided; and no more:
 * those that wait are refused unless the fence is down.
 */
void fli_fence_hold(fl_node *node, bool is_holding);
/* The fence is down: what waits is delivered. */
void fli_fence_release(fl_node *node);
/* Those whose time is over are refused; in each second that passes. */
void fli_fence_time(fl_node *node, uint64_t now_ms);

/* True: the signal was refused, kept, or has been passed on. Only while the fence is up. */
bool fli_fence_takes(fl_node *node, fli_peer *peer, const fli_signal *signal);
/* A handler of a server that is fenced runs, or a call of another node waits for one. */
bool fli_fence_is_busy(const fl_node *node);
/* Calls of other nodes that wait in mailboxes are refused, too. */
void fli_fence_refuse_queued(fl_node *node);

#endif
