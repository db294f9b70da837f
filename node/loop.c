/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's step.
 *
 *  - libuv polls without waiting; its callbacks read, cut frames and fill mailboxes.
 *  - The run queue has its turn, then the flush hook writes what has gathered.
 *  - With nothing to do the step polls on for `spin_us` after the last activity, since an answer is
 *    often on its way, and a sleeping thread costs its caller tens of microseconds; then it sleeps
 * in poll(2) on libuv's descriptor, with the gate open.
 *  - After a middling read it pauses for a few microseconds a message, `spacing_us` at most, so
 *    that a busy peer gathers its writes, as long as that pays (pace.h). A
 * full buffer means that there is more already: no pause then.
 *
 * Failure: a lost context ends the step at once; the loop belongs to another thread by then.
 */
#include "node/loop.h"

#include <poll.h>
#include <time.h>
#include <uv.h>

#include "node/pace.h"
#include "node/sched.h"

#define SPACE_AFTER_MESSAGES 2 /* in one step: several callers are at work */
/* About what the callers on a VM need to take an answer and to ask again: a pause that is longer
 * than what they have to do leaves it idle, and few callers would lose by it. */
#define SPACE_US_A_MESSAGE 5
#define SPACE_MESSAGE_BYTES 1024 /* on average at most: larger ones gain nothing by waiting */
#define FULL_READ_BYTES 65536
#define SLEEP_MAX_MS 60000
/* Turns of busy handlers (2 ms each) between looks at the sockets: what is there is handled before
 * more is taken, so that a fast peer is held back by TCP and not by a mailbox limit. */
#define SKIP_MAX 8

struct fli_loop {
	fl_node *node;
	fli_loop_config config;
	uv_loop_t uv;
	uv_async_t wake;
	void (*flush)(void *ctx);
	void *flush_ctx;
	uint64_t active_ns; /* when there was something to do last */
	fli_pace pace;
	size_t read_bytes;        /* of this step */
	size_t read_max;          /* the largest read of this step */
	unsigned skipped;         /* steps in a row that did not look at sockets */
	bool is_behind;           /* the last turn left something runnable */
	_Atomic(bool) is_asleep;  /* any */
	_Atomic(bool) is_woken;   /* any: the next sleep does not happen */
	_Atomic(bool) is_stopped; /* any */
};

static void on_wake(uv_async_t *async)
{
	(void)async; /* to have been woken is all */
}

int fli_loop_new(fl_node *node, const fli_loop_config *config, fli_loop **ret_loop)
{
	fli_loop *loop = fli_zalloc(node->mem, sizeof *loop);

	if (loop == NULL)
		return FL_ENOMEM;
	loop->node = node;
	loop->config = *config;
	atomic_init(&loop->is_asleep, false);
	atomic_init(&loop->is_woken, false);
	atomic_init(&loop->is_stopped, false);
	if (uv_loop_init(&loop->uv) != 0) {
		fli_free(node->mem, loop);
		return FL_EIO;
	}
	if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0) {
		(void)uv_loop_close(&loop->uv);
		fli_free(node->mem, loop);
		return FL_EIO;
	}
	*ret_loop = loop;
	return FL_OK;
}

void fli_loop_delete(fli_loop *loop)
{
	uv_close((uv_handle_t *)&loop->wake, NULL);
	while (uv_run(&loop->uv, UV_RUN_NOWAIT) != 0)
		;
	(void)uv_loop_close(&loop->uv);
	fli_free(loop->node->mem, loop);
}

uv_loop_t *fli_loop_uv(fli_loop *loop)
{
	return &loop->uv;
}

void fli_loop_on_flush(fli_loop *loop, void (*flush)(void *ctx), void *ctx)
{
	loop->flush = flush;
	loop->flush_ctx = ctx;
}

void fli_loop_note_read(fli_loop *loop, size_t size)
{
	loop->read_bytes += size;
	if (size > loop->read_max)
		loop->read_max = size;
}

void fli_loop_wake(void *arg)
{
	fli_loop *loop = arg;

	/*
	 * libuv learns of a new socket or write in its next round only: one that was begun in this
	 * turn must not be slept over.
	 */
	atomic_store(&loop->is_woken, true);
	/* seq_cst: the sleeper sets it before it opens the gate, which the waker has taken since */
	if (atomic_load(&loop->is_asleep))
		(void)uv_async_send(&loop->wake);
}

void fli_loop_stop(fli_loop *loop)
{
	atomic_store(&loop->is_stopped, true);
	(void)uv_async_send(&loop->wake);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

/* How long nothing of the node's own will happen, in nanoseconds. */
static uint64_t quiet_ns(fli_loop *loop, uint64_t now_ns)
{
	uint64_t next_ms = fli_node_next_ms(loop->node), now_ms = now_ns / 1000000;
	uint64_t wait_ms = next_ms <= now_ms ? 0 : next_ms - now_ms;
	int uv_ms = uv_backend_timeout(&loop->uv);

	if (wait_ms > SLEEP_MAX_MS)
		wait_ms = SLEEP_MAX_MS;
	if (uv_ms >= 0 && (uint64_t)uv_ms < wait_ms)
		wait_ms = (uint64_t)uv_ms;
	return wait_ms * 1000000;
}

static void sleep_until_needed(fli_loop *loop, uint64_t now_ns)
{
	struct pollfd fd = {.fd = uv_backend_fd(&loop->uv), .events = POLLIN};
	struct timespec timeout = timespec_of(quiet_ns(loop, now_ns));

	if (timeout.tv_sec == 0 && timeout.tv_nsec == 0)
		return;
	atomic_store(&loop->is_asleep, true);
	if (atomic_exchange(&loop->is_woken, false)) {
		atomic_store(&loop->is_asleep, false);
		return;
	}
	fli_gate_unlock(loop->node);
	if (!atomic_load(&loop->is_stopped))
		(void)ppoll(&fd, 1, &timeout, NULL); /* an interrupted sleep is a short one */
	fli_gate_lock(loop->node);
	atomic_store(&loop->is_asleep, false);
}

/* Gives a peer that sends in pieces the time to gather them. */
static void space_reads(fli_loop *loop, uint64_t messages)
{
	uint64_t us = messages * SPACE_US_A_MESSAGE;
	struct timespec pause;

	if (loop->config.spacing_us == 0 || messages < SPACE_AFTER_MESSAGES ||
		loop->read_bytes > messages * SPACE_MESSAGE_BYTES ||
		loop->read_max >= FULL_READ_BYTES)
		return;
	if (us > loop->config.spacing_us)
		us = loop->config.spacing_us;
	pause = timespec_of(us * 1000);
	fli_gate_unlock(loop->node);
	(void)nanosleep(&pause, NULL);
	fli_gate_lock(loop->node);
}

bool fli_loop_step(void *arg)
{
	fli_loop *loop = arg;
	fl_node *node = loop->node;
	uint64_t now_ns, handled = node->handled;
	fli_turn turn;

	if (atomic_load_explicit(&loop->is_stopped, memory_order_relaxed))
		return false;
	fli_gate_yield(node); /* first, so that what others leave is run and flushed in this step */
	loop->read_bytes = loop->read_max = 0;
	if (loop->is_behind && loop->skipped < SKIP_MAX) {
		loop->skipped++;
	} else {
		loop->skipped = 0;
		(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	}
	now_ns = node->port->now_ns(node->port);
	turn = fli_node_turn(node, now_ns / 1000000);
	if (turn == FLI_TURN_LOST)
		return false;
	loop->is_behind = turn == FLI_TURN_MORE;
	if (loop->flush != NULL)
		loop->flush(loop->flush_ctx);
	if (turn == FLI_TURN_MORE || loop->read_bytes > 0) {
		loop->active_ns = now_ns;
		if (fli_pace_step(&loop->pace, now_ns, node->handled) && turn == FLI_TURN_IDLE)
			space_reads(loop, node->handled - handled);
	} else if (now_ns - loop->active_ns >= (uint64_t)loop->config.spin_us * 1000) {
		sleep_until_needed(loop, now_ns);
	}
	return true;
}
