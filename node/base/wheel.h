/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_BASE_WHEEL_H
#define FLI_BASE_WHEEL_H

/*
 * A hierarchical timer wheel of intrusive timers, driven by whoever owns the clock.
 *
 *     level 0: 64 slots of 1 ms    level 1: 64 slots of 64 ms    ...    level 10: the rest
 *
 * A timer lies in the level of the highest digit (base 64) in which its due time differs from the
 * wheel's; when the clock reaches that slot, its timers move down. So start and stop are O(1), a
 * timer moves at most once a level, and empty stretches of time are skipped by a bitmap.
 *
 * Threads: one at a time. Memory: none of its own; a timer belongs to its embedder and must be
 * stopped before that goes away. Errors: none. Limits: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/base/list.h"

typedef struct fli_timer fli_timer;

/* Zeroed, or after fli_timer_create, a timer is stopped. */
struct fli_timer {
	fli_link link; /* in a slot of the wheel; NULL or to itself when stopped */
	uint64_t due_ms;
	void (*fire)(fli_timer *timer); /* called stopped: it may be started or freed in there */
};

enum { FLI_WHEEL_BITS = 6, FLI_WHEEL_SLOTS = 1 << FLI_WHEEL_BITS, FLI_WHEEL_LEVELS = 11 };

typedef struct fli_wheel {
	uint64_t now_ms;
	fli_link due; /* whose time had come when they were started; fire at the next step */
	uint64_t used[FLI_WHEEL_LEVELS]; /* a bit a slot; may be stale (set, but nobody in it) */
	fli_link slots[FLI_WHEEL_LEVELS][FLI_WHEEL_SLOTS];
} fli_wheel;

/* What fli_wheel_next returns when no timer runs. */
#define FLI_WHEEL_NEVER UINT64_MAX

void fli_wheel_create(fli_wheel *wheel, uint64_t now_ms);

/* (Re)starts `timer`. One that is due already fires at the next advance, never in here. */
void fli_wheel_start(fli_wheel *wheel, fli_timer *timer, uint64_t due_ms);
/* Safe on a timer that does not run. */
void fli_wheel_stop(fli_timer *timer);

/*
 * Moves the clock to `now_ms` and fires what is due: by due time, then in the order of starting. A
 * callback may start and stop any timer; one that it starts at or before the time then current
 * fires a millisecond of the wheel later, so that no callback can keep an advance from ending.
 */
void fli_wheel_advance(fli_wheel *wheel, uint64_t now_ms);

/* When to advance next: never later than the earliest due time, exact when that is near. */
uint64_t fli_wheel_next(fli_wheel *wheel);

static inline void fli_timer_create(fli_timer *timer, void (*fire)(fli_timer *timer))
{
	fli_list_create(&timer->link);
	timer->due_ms = 0;
	timer->fire = fire;
}

static inline bool fli_timer_is_running(const fli_timer *timer)
{
	return timer->link.next != NULL && timer->link.next != &timer->link;
}

#endif
