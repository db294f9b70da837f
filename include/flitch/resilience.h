/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_RESILIENCE_H
#define FLITCH_RESILIENCE_H

/*
 * Four small parts for a server that depends on others: a circuit breaker, a bulkhead, a rate
 * limiter, and retries with a back-off that is jittered.
 *
 *     struct shop { fl_breaker breaker; fl_rate rate; ... };          in a server's state, zeroed
 *
 *     if (fl_rate_take(&s->rate, now_ms, 1) > 0)     return fl_reply(from, "too_many");
 *     if (!fl_breaker_ask(&s->breaker, now_ms))      return fl_reply(from, "unavailable");
 *     rc = fl_call(self, bank, 1000, &reply, "pay");
 *     fl_breaker_tell(&s->breaker, now_ms, rc == FL_OK);
 *
 * Each is a plain structure: the fields above the line are set by its user, before or in use; those
 * below are its state, for looking. They know no process, no clock and no thread: time is what
 * fl_now_ms gives, or any other that does not go back. fl_*_build appends a map for format_status.
 *
 * Sources: Nygard, "Release It!"; the library `fuse` for the breaker's window; ITU I.371 for the
 * rate (GCRA); Brooker, "Exponential Backoff And Jitter".
 *
 * Threads: one at a time for each structure. Memory: none. Errors: none but of fl_*_build.
 * Limits: a breaker counts at most 64 failures.
 */

#include "flitch/process.h"

/* ---- circuit breaker --------------------------------------------------------------------------
 */

#define FL_BREAKER_FAILURES_MAX 64

typedef enum fl_breaker_state {
	FL_BREAKER_CLOSED,   /* all may pass */
	FL_BREAKER_OPEN,     /* none, for open_ms */
	FL_BREAKER_HALF_OPEN /* `probes` of them, to see */
} fl_breaker_state;

/*
 *     closed --(more than failures_max within window_ms)--> open --(open_ms)--> half open
 *        ^----------------(all probes succeed)----------------------------------------'|
 *                                open <--------------------(one fails)-----------------'
 */
typedef struct fl_breaker {
	uint32_t failures_max; /* that many within window_ms are tolerated; at most 64 */
	uint32_t window_ms;    /* 0: 10 s */
	uint32_t open_ms;      /* 0: 30 s */
	uint32_t probes;       /* 0: 1 */
	/* ---- */
	fl_breaker_state state;
	uint64_t since_ms;  /* of the state */
	uint32_t asked;     /* half open: probes under way or done */
	uint32_t succeeded; /* half open */
	uint32_t failures_count, failures_first;
	uint64_t failures_ms[FL_BREAKER_FAILURES_MAX]; /* a ring */
	uint64_t passed, refused, opened;              /* since ever */
} fl_breaker;

/* May one pass now? Whoever may tells how it went, by fl_breaker_tell. */
bool fl_breaker_ask(fl_breaker *breaker, uint64_t now_ms);
/*
 * How it went with one that was let pass. A probe that is never told of is given up after open_ms,
 * so that a breaker does not stay half open.
 */
void fl_breaker_tell(fl_breaker *breaker, uint64_t now_ms, bool is_good);
/* Closed again, as new. */
void fl_breaker_reset(fl_breaker *breaker, uint64_t now_ms);
int fl_breaker_build(const fl_breaker *breaker, uint64_t now_ms, fl_buf *ret_map);

/* ---- bulkhead ---------------------------------------------------------------------------------
 */

typedef enum fl_bulkhead_answer {
	FL_BULKHEAD_GO,   /* it runs; fl_bulkhead_leave at its end */
	FL_BULKHEAD_WAIT, /* it waits; its user keeps it, first come, first served */
	FL_BULKHEAD_FULL
} fl_bulkhead_answer;

/* At most so many at a time, so that one slow dependency does not take everything. */
typedef struct fl_bulkhead {
	uint32_t running_max; /* 0: 1 */
	uint32_t waiting_max; /* 0: none waits */
	/* ---- */
	uint32_t running, waiting, running_peak;
	uint64_t entered, refused;
} fl_bulkhead;

fl_bulkhead_answer fl_bulkhead_enter(fl_bulkhead *bulkhead);
/* One has ended. True: the first that waits runs now, and counts as running. */
bool fl_bulkhead_leave(fl_bulkhead *bulkhead);
/* One that waited does so no more. */
void fl_bulkhead_give_up(fl_bulkhead *bulkhead);
int fl_bulkhead_build(const fl_bulkhead *bulkhead, fl_buf *ret_map);

/* ---- rate limiter -----------------------------------------------------------------------------
 */

/* `per_second` on average, and up to `burst` at once. */
typedef struct fl_rate {
	uint32_t per_second; /* 0: 1 */
	uint32_t burst;      /* 0: as per_second */
	/* ---- */
	uint64_t full_at_ns; /* when all of the burst is there again */
	uint64_t taken, refused;
} fl_rate;

/* 0: they are taken. Else none is, and after so many ms they could be; UINT64_MAX: never. */
uint64_t fl_rate_take(fl_rate *rate, uint64_t now_ms, uint32_t count);
/* How many could be taken now. */
uint32_t fl_rate_left(const fl_rate *rate, uint64_t now_ms);
int fl_rate_build(const fl_rate *rate, uint64_t now_ms, fl_buf *ret_map);

/* ---- retry ------------------------------------------------------------------------------------
 */

typedef enum fl_jitter {
	FL_JITTER_FULL,         /* anything from 0 to the delay */
	FL_JITTER_EQUAL,        /* from its half */
	FL_JITTER_DECORRELATED, /* from base_ms to three times the last one */
	FL_JITTER_NONE
} fl_jitter;

typedef struct fl_retry {
	uint32_t base_ms;      /* 0: 100 ms */
	uint32_t max_ms;       /* of a delay; 0: 30 s */
	uint32_t attempts_max; /* 0: 3; the first one counts */
	fl_jitter jitter;
	uint64_t seed; /* the same one gives the same delays; fl_retry_seed */
	/* ---- */
	uint32_t attempts; /* that have failed */
	uint32_t last_ms;
} fl_retry;

/*
 * An attempt has failed. True: try again after *ret_delay_ms, base_ms * 2^n at most. False: that
 * was the last one.
 */
bool fl_retry_next(fl_retry *retry, uint32_t *ret_delay_ms);
/* It has succeeded, or there is something else to try. */
void fl_retry_reset(fl_retry *retry);
/* A random number of the node, so that no two servers wait alike. */
uint64_t fl_retry_seed(fl_proc *self);
int fl_retry_build(const fl_retry *retry, fl_buf *ret_map);

#endif
