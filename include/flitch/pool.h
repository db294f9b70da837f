/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_POOL_H
#define FLITCH_POOL_H

/*
 * A pool of equal workers that are lent one at a time: poolboy's job, and its messages.
 *
 *     static const fl_behaviour pool = {.name = "printers", .pool = &(const fl_pool){
 *             .worker = &printer, .size = 4, .max_overflow = 2, .waiting_max = 100}};
 *     FL_MODULE(&pool);                            or a child of a supervisor, or fl_start
 *
 *     rc = fl_pool_checkout(self, "printers", 5000, &worker);
 *     ...  fl_call(self, worker, ..)  ...
 *     fl_pool_checkin(self, "printers", worker);
 *
 *     checkout --> an idle worker | one more (overflow) | wait in line | full
 *     checkin  --> the first in line | idle again | ended (overflow)
 *
 * A worker comes back by itself when who has it ends; one that ends is replaced. Workers are linked
 * to the pool and end with it. A caller that gave up is passed over.
 *
 * Other nodes use poolboy's own client: poolboy:checkout({printers, Node}, true, 5000) and the
 * rest, or the calls that it makes: {checkout, CRef, Block} (a pid, or full), status ({ready |
 * full | overflow, Idle, Overflow, Lent}), get_avail_workers, get_all_workers, get_all_monitors,
 * stop; the casts {checkin, Pid} and {cancel_waiting, CRef}.
 *
 * Departure from poolboy: `waiting_max` bounds the line; who would be one too many is told `full`.
 *
 * Threads: a handler of `self`. Memory: none of the caller's. Errors: FL_E* as fl_call, and below.
 * Limits: 4,096 workers, 65,536 in line; a CRef has at most 1 KiB.
 */

#include "flitch/process.h"

typedef enum fl_pool_strategy {
	FL_POOL_LIFO, /* the one that came back last is lent first */
	FL_POOL_FIFO
} fl_pool_strategy;

typedef struct fl_pool {
	const fl_behaviour *worker;
	const char *args;      /* what its init gets, in Erlang notation; NULL: [] */
	uint32_t size;         /* 0: five, as poolboy's */
	uint32_t max_overflow; /* more of them while there is nothing idle */
	uint32_t waiting_max;  /* 0: 65,536 */
	fl_pool_strategy strategy;
} fl_pool;

/*
 * Borrows a worker. With a timeout of 0 it does not wait in line. FL_EBUSY: full. FL_ETIMEOUT: it
 * was not this one's turn in time. Waits, as fl_call. `pool` is whatever fl_call takes.
 */
int fl_pool_checkout_dest(fl_proc *self, fl_dest pool, uint32_t timeout_ms, fl_pid *ret_worker);
#define fl_pool_checkout(self, pool, timeout_ms, ret_worker)                                       \
	fl_pool_checkout_dest((self), fl_to(pool), (timeout_ms), (ret_worker))
/* Gives it back; one that is not lent is no error. Does not wait. */
int fl_pool_checkin_dest(fl_proc *self, fl_dest pool, fl_pid worker);
#define fl_pool_checkin(self, pool, worker) fl_pool_checkin_dest((self), fl_to(pool), (worker))

typedef int fl_pool_work(fl_proc *self, fl_pid worker, void *arg);
int fl_pool_transaction_dest(
	fl_proc *self, fl_dest pool, uint32_t timeout_ms, fl_pool_work *work, void *arg);
/* Borrows one, runs `work` with it, gives it back; what `work` returned, or as fl_pool_checkout. */
#define fl_pool_transaction(self, pool, timeout_ms, work, arg)                                     \
	fl_pool_transaction_dest((self), fl_to(pool), (timeout_ms), (work), (arg))

typedef struct fl_pool_status {
	uint32_t idle, overflow, lent, waiting;
	bool is_full;
} fl_pool_status;

int fl_pool_status_dest(fl_proc *self, fl_dest pool, fl_pool_status *ret_status);
#define fl_pool_status(self, pool, ret_status)                                                     \
	fl_pool_status_dest((self), fl_to(pool), (ret_status))

#endif
