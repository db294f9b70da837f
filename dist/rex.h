/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_REX_H
#define FLI_DIST_REX_H

/*
 * The server `rex`: rpc as OTP 23, rpc:block_call, sbcast, ei and erl_call ask for it.
 *
 *     {call, M, F, A, Leader}   to rex   -> worker -> its DOWN -> {Tag, Result | {badrpc, Reason}}
 *     {P, {call, M, F, A, GL}}  bare     -> worker -> its DOWN -> P ! {rex, Result | ..}
 *
 * Threads, memory: as any server. Limits: FLI_REX_PENDING_MAX calls at once; more get
 * {badrpc, system_limit}.
 */

#include "flitch/server.h"

enum { FLI_REX_PENDING_MAX = 65536 };

extern const fl_behaviour fli_rex;

#endif
