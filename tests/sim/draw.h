/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_DRAW_H
#define FLITCH_TESTS_SIM_DRAW_H

/*
 * Numbers from a seed: what a plan is drawn from. The same seed gives the same numbers anywhere.
 *
 * Threads: one a source. Memory: plain values. Errors: none.
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct draw {
	uint64_t state;
} draw;

/* splitmix64 */
static inline uint64_t draw_u64(draw *d)
{
	uint64_t x = d->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* `bound` is not 0. */
static inline uint64_t draw_below(draw *d, uint64_t bound)
{
	return draw_u64(d) % bound;
}

static inline uint64_t draw_between(draw *d, uint64_t low, uint64_t high)
{
	return low + draw_below(d, high - low + 1);
}

static inline bool draw_one_in(draw *d, uint64_t n)
{
	return draw_below(d, n) == 0;
}

/* From 1 to `max`, each power of two as likely as the next: short times and long ones. */
static inline uint64_t draw_scaled(draw *d, uint64_t max)
{
	unsigned bits = 0;
	uint64_t value;

	while (bits < 63 && max >> bits > 1)
		bits++;
	value = UINT64_C(1) << draw_below(d, bits + 1);
	value += draw_below(d, value);
	return value > max ? max : value;
}

/* A source of its own for part `part` of a seed, so that one more number there moves no other. */
static inline draw draw_part(uint64_t seed, uint64_t part)
{
	draw d = {seed * UINT64_C(0x2545f4914f6cdd1d) + part};

	(void)draw_u64(&d);
	return d;
}

#endif
