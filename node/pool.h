/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_POOL_H
#define FLI_POOL_H

/*
 * The handlers of a process pool: a server as any other, on the interface that users have.
 *
 * Threads: its own handlers. Memory: its blocks are owned by the process (owned.h). Errors: a
 * worker that cannot be started ends the pool with {worker, Reason}. Limits: see the public header.
 */

#include "flitch/pool.h"
#include "node/runtime.h"

fl_behaviour fli_pool_handlers(const fl_behaviour *behaviour);

#endif
