/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_SIM_PLAN_H
#define FLITCH_TESTS_SIM_PLAN_H

/*
 * What a seed stands for: the settings of a world, and a list of steps, each drawn in full before
 * the world begins.
 *
 *     settings   hosts 4, tick_ms 8000, ...
 *     step       at 12.5 s   silent_loss   between 0 and 2   for 30 s
 *
 * A step stands at a time of its own and depends on no other, so that one can be left out and the
 * rest happens as before: that is what the minimiser does. A plan is written as a scenario file.
 *
 * Threads: one at a time. Memory: plan_free. Errors: false, with a text on stderr.
 * Limits: PLAN_STEPS_MAX steps, PLAN_HOSTS_MAX hosts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { PLAN_STEPS_MAX = 100000, PLAN_HOSTS_MAX = 64 };

/* Each is a line `set NAME VALUE` of a scenario file; 0 is what the product does by itself. */
#define PLAN_SETTINGS(X)                                                                           \
	X(seed) /* of the world: jitter, challenges, delays */                                     \
	X(hosts)                                                                                   \
	X(tick_ms)                                                                                 \
	X(epmd)      /* 1: the world's epmd is asked; 0: addresses are known */                    \
	X(is_joined) /* 1: every host wants every other; 0: whoever sends connects */              \
	X(delay_us)                                                                                \
	X(jitter_us)                                                                               \
	X(window)      /* bytes that a socket takes before its reader has them */                  \
	X(out_soft)    /* bytes of output after which senders are suspended */                     \
	X(payload_max) /* bytes of the largest message */                                          \
	X(pop)         /* global's way to prevent overlapping partitions: 0 off, 1 guest, 2 otp */ \
	X(otp)         /* release of the OTP node beside the C nodes; 0: none */                   \
	X(otp_vsn)     /* version of global that it speaks; 0: its release's own */                \
	X(judges_global) /* 1: global must come to rest, too */                                    \
	X(mortals)       /* of 8 processes, so many do not trap exits */

typedef struct plan_settings {
#define PLAN_FIELD(name) uint64_t name;
	PLAN_SETTINGS(PLAN_FIELD)
#undef PLAN_FIELD
} plan_settings;

typedef struct plan_step {
	uint64_t at_us;
	unsigned row;  /* of rows.h: what happens */
	unsigned a, b; /* two hosts that differ */
	uint64_t x;    /* what else the row wants to know */
	uint64_t lasts_us;
} plan_step;

typedef struct plan {
	plan_settings settings;
	plan_step *steps;
	size_t count;
} plan;

/* Draws everything from a seed; `hosts` 0: drawn, too. */
bool plan_draw(plan *p, uint64_t seed, size_t steps, unsigned hosts);
/* The steps whose mark is set; NULL: all. */
bool plan_copy(plan *to, const plan *from, const bool *marks);
void plan_free(plan *p);

/* ---- scenario files -------------------------------------------------------------------------- */

void plan_write(const plan *p, FILE *file);
bool plan_read(plan *p, const char *path);

#endif
