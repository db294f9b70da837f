/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of tasks: as many at a time as there are seats.
 *
 *     next --> seat: running --> done --result, in order unless unordered--> seat is free
 *
 *  - An ordered stream keeps a result in its seat until those before it have been given, so that
 *    what it holds is bounded by the seats.
 *  - Each task has its own time limit; who is late is killed, and the stream goes on or ends.
 *
 * Failure: whatever ends the stream ends the tasks that run.
 */
#include <unistd.h>

#include "node/chore.h"
#include "node/sched.h"
#include "node/wait.h"

#define TIMEOUT_MS 5000 /* Elixir's */

typedef struct seat {
	fl_async task;
	fli_wait wait;
	uint64_t order;
	uint64_t until_ms; /* UINT64_MAX: no limit */
	enum { SEAT_FREE, SEAT_RUNNING, SEAT_DONE } state;
} seat;

typedef struct flow {
	fl_proc *self;
	const fl_stream *how;
	seat *seats;
	fli_wait *waits; /* of those that run */
	uint32_t size, running;
	uint64_t started, given;
	bool is_over; /* there is no further piece */
} flow;

static uint32_t seats_of(const fl_stream *how)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t size = how->max_concurrency;

	if (size == 0)
		size = processors > 0 ? (uint32_t)processors : 1;
	return size < FL_STREAM_MAX ? size : FL_STREAM_MAX;
}

static seat *free_seat(const flow *f)
{
	for (uint32_t i = 0; i < f->size; i++)
		if (f->seats[i].state == SEAT_FREE)
			return &f->seats[i];
	return NULL;
}

static int fill_seats(flow *f)
{
	uint32_t timeout_ms = f->how->timeout_ms == 0 ? TIMEOUT_MS : f->how->timeout_ms;
	seat *s;
	void *arg;
	int rc = FL_OK;

	while (rc == FL_OK && !f->is_over && (s = free_seat(f)) != NULL) {
		f->is_over = !f->how->next(f->how->ctx, &arg);
		if (f->is_over)
			break;
		rc = fli_task_start(f->self, false, f->how->job, arg, &s->task);
		if (rc != FL_OK)
			break;
		s->order = f->started++;
		s->until_ms =
			timeout_ms == FL_INFINITY ? UINT64_MAX : fl_now_ms(f->self) + timeout_ms;
		s->state = SEAT_RUNNING;
		f->running++;
	}
	return rc;
}

/* ---- ends -------------------------------------------------------------------------------------
 */

static void kill_seat(flow *f, seat *s)
{
	(void)fl_exit(f->self, s->task.pid, "kill"); /* it may be gone */
	(void)fl_demonitor(f->self, s->task.ref);
	f->running--;
	s->state = SEAT_FREE;
}

static int kill_late(flow *f)
{
	uint64_t now_ms = fl_now_ms(f->self);

	for (uint32_t i = 0; i < f->size; i++) {
		seat *s = &f->seats[i];

		if (s->state != SEAT_RUNNING || s->until_ms > now_ms)
			continue;
		kill_seat(f, s);
		if (!f->how->kill_late)
			return FL_ETIMEOUT;
		s->wait = (fli_wait){.status = FL_ETIMEOUT};
		s->state = SEAT_DONE;
	}
	return FL_OK;
}

static void drop_result(const flow *f, seat *s)
{
	fli_enter(f->self->node);
	if (s->wait.msg != NULL)
		fli_msg_free(f->self->node, s->wait.msg);
	fli_leave(f->self->node);
	s->wait.msg = NULL;
}

static int give(flow *f, seat *s)
{
	static const uint8_t timeout[] = {119, 7, 't', 'i', 'm', 'e', 'o', 'u', 't'};
	fl_node *node = f->self->node;
	fl_term term = fli_term(node, timeout, sizeof timeout);
	const fli_msg *msg = s->wait.msg;
	int rc;

	if (msg != NULL)
		term = fli_term(node, msg->data + msg->body, msg->size - msg->body);
	if (s->wait.status == FL_ECLOSED)
		return FL_ECLOSED; /* the owner has ended */
	rc = f->how->result(f->self, f->how->ctx, s->wait.status, term);
	drop_result(f, s);
	s->state = SEAT_FREE;
	f->given++;
	return rc;
}

/* Every result that may be given now. */
static int give_all(flow *f)
{
	bool again = true;
	int rc = FL_OK;

	while (rc == FL_OK && again) {
		again = false;
		for (uint32_t i = 0; rc == FL_OK && i < f->size; i++) {
			seat *s = &f->seats[i];

			if (s->state != SEAT_DONE || (!f->how->unordered && s->order != f->given))
				continue;
			rc = give(f, s);
			again = true;
		}
	}
	return rc;
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

static uint32_t time_left(const flow *f)
{
	uint64_t first_ms = UINT64_MAX, now_ms = fl_now_ms(f->self);

	for (uint32_t i = 0; i < f->size; i++)
		if (f->seats[i].state == SEAT_RUNNING && f->seats[i].until_ms < first_ms)
			first_ms = f->seats[i].until_ms;
	if (first_ms == UINT64_MAX)
		return FL_INFINITY;
	return first_ms > now_ms ? (uint32_t)(first_ms - now_ms) : 0;
}

/* Puts what came into the seats. */
static int wait_for_some(flow *f)
{
	uint32_t count = 0;
	int rc;

	for (uint32_t i = 0; i < f->size; i++)
		if (f->seats[i].state == SEAT_RUNNING)
			f->waits[count++] =
				(fli_wait){.ref = f->seats[i].task.ref, .status = FL_ETIMEOUT};
	rc = fli_await_any(f->self, f->waits, count, time_left(f));
	count = 0;
	for (uint32_t i = 0; i < f->size; i++) {
		seat *s = &f->seats[i];

		if (s->state != SEAT_RUNNING)
			continue;
		s->wait = f->waits[count++];
		if (!s->wait.done)
			continue;
		s->state = SEAT_DONE;
		f->running--;
	}
	return rc == FL_ETIMEOUT ? FL_OK : rc;
}

static int run(flow *f)
{
	int rc = fill_seats(f);

	while (rc == FL_OK && f->running > 0) {
		rc = wait_for_some(f);
		if (rc == FL_OK)
			rc = kill_late(f);
		if (rc == FL_OK)
			rc = give_all(f);
		if (rc == FL_OK)
			rc = fill_seats(f);
	}
	for (uint32_t i = 0; i < f->size; i++) {
		if (f->seats[i].state == SEAT_RUNNING)
			kill_seat(f, &f->seats[i]);
		if (f->seats[i].state == SEAT_DONE)
			drop_result(f, &f->seats[i]);
	}
	return rc;
}

int fl_task_async_stream(fl_proc *self, const fl_stream *stream)
{
	fli_mem *mem = self->node->mem;
	flow f = {.self = self, .how = stream, .size = seats_of(stream)};
	int rc = FL_ENOMEM;

	f.seats = fli_zalloc(mem, f.size * sizeof *f.seats);
	f.waits = fli_zalloc(mem, f.size * sizeof *f.waits);
	if (f.seats != NULL && f.waits != NULL)
		rc = run(&f);
	fli_free(mem, f.seats);
	fli_free(mem, f.waits);
	return rc;
}
