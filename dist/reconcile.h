/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_RECONCILE_H
#define FLI_DIST_RECONCILE_H

/*
 * Peers that should be up: dialled until they are, and again after a loss.
 *
 *     1 s  1.6 s  2.6 s ... 30 s, each +-25 %      after a failure, or a link that broke
 *     30 s +-25 %                                  after the other side closed in order
 *     not at all                                   after we disconnected it ourselves
 *
 * A link that the other side closed in order may be its death, its stop, or a disconnect that
 * somebody meant. The three look alike, so epmd is asked after the first second: a name that is
 * gone is a node that died or stopped, and is tried as after a failure; one that is still there is
 * left in peace for FLI_RECONCILE_MAX_MS.
 *
 * Threads: the owner of the node's context. Memory: inside the peer. Errors: none.
 */

#include <stdbool.h>
#include <stdint.h>

#include "flitch/error.h"
#include "node/base/wheel.h"

typedef struct fli_dist_peer fli_dist_peer;
typedef struct fli_lookup fli_lookup;

#define FLI_RECONCILE_MIN_MS 1000
#define FLI_RECONCILE_MAX_MS 30000
/* A link that was up for so long has proven itself: the next loss begins with the short delay. */
#define FLI_RECONCILE_STABLE_MS 10000
/* The log says why it is not up once this often, and at the first failure. */
#define FLI_RECONCILE_TELL_MS 300000

typedef struct fli_want {
	bool is_wanted;
	bool is_held;      /* disconnected by us: not before somebody connects */
	bool is_suspended; /* closed in order: epmd is asked first */
	uint32_t delay_ms; /* next one, before the jitter; 0: the first */
	uint64_t up_ms;
	uint64_t closed_ms;
	uint64_t told_ms; /* when the log last said that it cannot be connected; 0: not yet */
	fli_timer timer;
	fli_lookup *probe;
} fli_want;

typedef enum fli_loss {
	FLI_LOSS_FAILED, /* an attempt, a reset, silence */
	FLI_LOSS_ORDERLY,
	FLI_LOSS_OURS
} fli_loss;

void fli_reconcile_create(fli_dist_peer *peer);
void fli_reconcile_destroy(fli_dist_peer *peer);
/* Begins to keep the peer up. */
void fli_reconcile_want(fli_dist_peer *peer);
void fli_reconcile_unwant(fli_dist_peer *peer);
void fli_reconcile_up(fli_dist_peer *peer);
void fli_reconcile_down(fli_dist_peer *peer, fli_loss loss);
/* An attempt failed: the log says what, why, what next. */
void fli_reconcile_failed(fli_dist_peer *peer, const fl_error *err);
/* A delay with up to a quarter more or less, so that nodes do not all dial in the same moment. */
uint64_t fli_reconcile_jitter(uint64_t delay_ms, uint32_t random);

#endif
