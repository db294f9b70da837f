/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_SINGLETON_H
#define FLITCH_SINGLETON_H

/*
 * A server that runs once in the cluster, under {global, Name}, on one of several candidate nodes.
 *
 *     static const fl_singleton svc = {FL_SINGLETON_GUARD("svc_guard"),
 *             .server = &counter, .name = "svc", .give = give};
 *     FL_MODULE(&svc.guard);                   on each candidate; or fl_node_start(node,
 * &svc.guard)
 *
 *     GenServer.call({:global, :svc}, :get)                       from wherever, as any global name
 *     GenServer.call({:svc_guard, :"c1@h"}, :status)              what that candidate knows
 *     GenServer.call({:svc_guard, :"c1@h"}, {:move, :"c2@h"})     hands it over, state and all
 *
 *     c1: svc_guard --- counter, {global, svc}, epoch 7
 *     c2: svc_guard     stands by          the guards are the group {flitch_singleton, svc} of pg
 *     c3: svc_guard     stands by
 *
 * Each candidate has a guard. When nobody runs the server, the guards ask each other, the one with
 * the least phash2({Name, Node}) first, the next one 50 ms later and so on; who is granted it by
 * all that are in the group starts it. It moves
 *
 *   - at once when the server ended, whatever the reason, or when its node stops in order;
 *   - after a margin when its node was lost without a word, if a partition policy (see
 *     docs/PARTITIONS.md) will pause it there: 1.25 times the tick time, the policy's stable time,
 *     and what the server may take to end. Without a policy nothing will, and there is no margin.
 *
 * A node starts one only while its policy says that it serves, and stops it when it pauses.
 *
 * Its **epoch** is 64 bits that grow with each take-over: the greatest that any candidate has seen
 * and one more, in the upper 48, and sixteen bits of the node, so that even two sides of a split
 * that both go on differ. Whoever writes to a store passes it on, and the store refuses a lesser
 * one than it has seen. Where all candidates were down at once the count begins again, unless
 * `epoch_dir` keeps it.
 *
 * The server's init gets {start, Epoch, Args}; after a move {handed, Epoch, Vsn, State}; after a
 * loss {resume, Epoch, State, AgeMs} where its state was copied (fl_singleton_replicate).
 *
 * Threads: tables are constant; functions with `self` as <flitch/process.h> says; those of a lease
 * on a thread of the pool, which they may block.
 * Memory: tables are borrowed and outlive the node. Errors: FL_E*.
 * Limits: 256 candidates, states of `state_max` bytes.
 */

#include "flitch/partition.h"
#include "flitch/server.h"

typedef struct fl_singleton {
	fl_behaviour guard; /* FL_SINGLETON_GUARD; the first member */
	const fl_behaviour *server;
	const char *name; /* in the cluster, in Erlang notation: "svc", "{shard, 3}" */
	const char *args; /* in Erlang notation; NULL: [] */
	/*
	 * Appends one term, which `init` takes as {handed, Epoch, Vsn, State} on another node. Runs
	 * while the server is suspended, inside of the node: it must not block. The behaviour's
	 * `vsn` goes with it. NULL: a move starts the server anew.
	 */
	int (*give)(fl_proc *self, const void *state, fl_buf *ret_state);
	/*
	 * Who may run it is also what somebody else says, who cannot be split: a row in a database,
	 * a Kubernetes Lease (see <flitch/partition.h>). Needed where two must never run, whatever
	 * becomes of the network. The holder renews each `renew_ms`, and stops a fifth of its time
	 * before the one that was granted last runs out, counted from when it was asked for. NULL:
	 * none is needed.
	 */
	const fl_lease *lease;
	/*
	 * Candidates that do not have it run the server already: its init gets {standby, Args}, it
	 * has no name and no epoch, and `info` gets {singleton_start, Epoch}, or, where a state was
	 * copied, {singleton_resume, Epoch, State, AgeMs}, before anybody can call it.
	 */
	bool is_warm;
	/*
	 * A directory in which each candidate keeps the greatest epoch that it knows of, written
	 * before a server gets it: epochs grow even when all candidates were down at once. An epoch
	 * that cannot be written is not given out. NULL: none.
	 */
	const char *epoch_dir;
	uint32_t lease_ttl_ms; /* 0: 40,000 */
	uint32_t renew_ms;     /* 0: a quarter of that */
	uint32_t margin_ms;    /* 0: as above */
	uint32_t settle_ms;    /* to meet the others before it is started; 0: 1,000 */
	uint32_t shutdown_ms;  /* for the server to end by itself; 0: 3,000 */
	uint32_t forward_ms;   /* late calls are passed on after a move; 0: 1,000 */
	uint32_t move_ms;      /* for a move in all; 0: 60,000 */
	uint64_t state_max;    /* bytes that are taken; 0: 64 MiB */
} fl_singleton;

/* Of the server's own handlers, in any of them: 0 where it is none, or no more. Ask it in each
 * call: it may grow while the server runs, when two halves of a cluster meet. */
uint64_t fl_singleton_epoch(fl_proc *self);
/*
 * Of the server's own handlers: copies what it has to the other candidates, without waiting. Who
 * takes over without a move goes on from the last copy that came, `AgeMs` after it came. What was
 * not copied is lost. FL_ENOTSUP: it is no singleton's server, or has not started.
 */
int fl_singleton_replicate_spec(fl_proc *self, fl_spec state);
#define fl_singleton_replicate(self, ...) fl_singleton_replicate_spec((self), fl_spec(__VA_ARGS__))
/* The number of take-overs that an epoch counts, for people. */
#define FL_EPOCH_COUNT(epoch) ((uint64_t)(epoch) >> 16)

/* ---- calling it from C ----------------------------------------------------------------------- */

typedef struct fl_singleton_ask {
	const char *name;    /* in Erlang notation */
	uint32_t timeout_ms; /* for the answer */
	uint32_t ttl_ms;     /* for somebody to have the name; 0: 5,000 */
	uint32_t buffer;     /* calls of this node that may wait for that; 0: 100 */
} fl_singleton_ask;

int fl_singleton_call_spec(
	fl_proc *self, const fl_singleton_ask *ask, fl_term *ret_reply, fl_spec request);
/*
 * As fl_call to {global, Name}, but where nobody has the name it waits until somebody does.
 * FL_EBUSY, and {error, no_singleton} as the reply: nobody came in time, or too many wait. A call
 * that may have reached a server is never made again.
 */
#define fl_singleton_call(self, ask, ret_reply, ...)                                               \
	fl_singleton_call_spec((self), (ask), (ret_reply), fl_spec(__VA_ARGS__))

/* ---- what a guard is made of ----------------------------------------------------------------- */

int fl_singleton_init(fl_proc *self, void *state, fl_term args);
int fl_singleton_on_call(fl_proc *self, void *state, fl_from from, fl_term request);
int fl_singleton_on_cast(fl_proc *self, void *state, fl_term message);
int fl_singleton_on_info(fl_proc *self, void *state, fl_term message);

#define FL_SINGLETON_GUARD(guard_name)                                                             \
	.guard = {.name = (guard_name),                                                            \
		.state_size = sizeof(void *),                                                      \
		.init = fl_singleton_init,                                                         \
		.call = fl_singleton_on_call,                                                      \
		.cast = fl_singleton_on_cast,                                                      \
		.info = fl_singleton_on_info,                                                      \
		.trap_exit = true}

#endif
