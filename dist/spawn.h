/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_SPAWN_H
#define FLI_DIST_SPAWN_H

/*
 * SPAWN_REQUEST from other nodes (erl_dist_protocol, 29 and 30): a worker for each, the answer
 * first, then its end by link and monitor.
 *
 *     {29, ReqId, From, Leader, {M,F,A}, Opts} + Args
 *       --> {31, ReqId, From, 1 link | 2 monitor, Pid}     the monitor's reference is ReqId
 *       --> (later) EXIT and DOWN of Pid
 *
 * Threads: the owner of the node's context. Memory: the signal borrows. Errors: every request is
 * answered: badopt for an unknown option, system_limit where no process can be made.
 */

#include "dist/control.h"
#include "node/runtime.h"

void fli_spawn_request(fl_node *node, fli_peer *peer, const fli_signal *signal);

#endif
