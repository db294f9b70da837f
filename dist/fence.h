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
 * The node's own processes, and those that are unfenced, answer as ever, so that it can be looked
 * into; so do calls within the node. Monitors that were set before stay.
 *
 * Threads: the owner of the node's context. Memory: none. Errors: none.
 */

#include "dist/control.h"
#include "node/runtime.h"

/* True: the signal was refused, or has been passed on. Only while the fence is up. */
bool fli_fence_takes(fl_node *node, fli_peer *peer, const fli_signal *signal);
/* Calls of other nodes that wait in mailboxes are refused, too. */
void fli_fence_refuse_queued(fl_node *node);

#endif
