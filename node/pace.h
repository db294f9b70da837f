/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_PACE_H
#define FLI_PACE_H

/*
 * Whether pauses between reads pay, found out by trying.
 *
 *     off off off ... off [on?] off off ...      a probe each PROBE_EVERY epochs; the other way is
 *                                                kept when it brought clearly more messages
 *
 * A VM that is woken for each answer does less than one that finds several: pauses let it gather.
 * A peer that does little for each message only waits longer. No figure tells them apart in
 * advance, but the rate does afterwards.
 *
 * Threads: one at a time. Memory: none. Errors: none.
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct fli_pace {
	uint64_t since_ns; /* the epoch's beginning */
	uint64_t handled;  /* messages until then */
	uint64_t rate;     /* messages a second, smoothed, the way it is now */
	unsigned epochs;   /* since the last probe */
	bool is_on;        /* what to do now */
	bool is_probe;     /* and only in this epoch */
} fli_pace;

/* At each step that had something to do; `handled` counts all messages. True: pauses are wanted. */
bool fli_pace_step(fli_pace *pace, uint64_t now_ns, uint64_t handled);

#endif
