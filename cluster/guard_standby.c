/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a take-over cheap: a server that has run its init already, and a copy of the last
 * holder's state.
 *
 *  - A warm candidate that does not have the singleton runs the server all the same, without the
 *    name. It is told by a message when it takes over.
 *  - The holder's server says now and then what it has; its guard keeps that and sends it to the
 *    others, also to who comes later.
 *
 * What goes wrong: a standby that ends is started again, after a second, doubled up to thirty. A
 * state that nobody can go on from would end each server in turn: after three failures it is
 * dropped, and the server starts without.
 */
#include "cluster/guard.h"

#include <string.h>

#include "node/sched.h"

#define STATE_MAX (64ULL << 20)

enum { RETRY_MS = 1000, RETRY_MAX_MS = 30000, FAILS_MAX = 3 };

/* ---- the standby ----------------------------------------------------------------------------- */

static bool is_wanted(const fli_guard *g)
{
	return g->spec->is_warm && !g->is_ending && g->step == FLI_SERVER_NONE &&
	       g->move.step == FLI_MOVE_NONE && !g->moved.is_here &&
	       g->core.state <= FLI_SINGLETON_CLAIMING;
}

static void start(fli_guard *g)
{
	fl_buf args = FL_BUF_INIT;

	(void)fl_build(&args, g->spec->args == NULL ? "[]" : g->spec->args);
	g->standby.is_here =
		args.error == FL_OK &&
		fli_guard_start(g, fl_spec("{standby, ~}", fl_buf_term(&args)), &g->standby.pid);
	fl_buf_free(&args);
	g->standby.started_ms = g->core.now_ms;
	if (!g->standby.is_here)
		g->standby.due_ms = g->core.now_ms + RETRY_MAX_MS;
}

void fli_standby_look(fli_guard *g)
{
	fli_standby *s = &g->standby;

	if (s->is_here && g->step == FLI_SERVER_RUNNING && !s->is_told) {
		s->is_told = true; /* the state came by a move, with a server of its own */
		(void)fl_exit(g->self, s->pid, "shutdown");
	} else if (!s->is_here && is_wanted(g) && g->core.now_ms >= s->due_ms) {
		start(g);
	}
}

uint64_t fli_standby_next(const fli_guard *g)
{
	return !g->standby.is_here && is_wanted(g) ? g->standby.due_ms : FLI_SINGLETON_NEVER;
}

bool fli_standby_exited(fli_guard *g, const fl_pid *pid)
{
	fli_standby *s = &g->standby;

	if (!s->is_here || !fl_pid_eq(pid, &s->pid))
		return false;
	if (s->is_told || g->core.now_ms >= s->started_ms + FLI_SINGLETON_CALM_MS)
		s->fails = 0;
	else
		s->fails++;
	s->due_ms = s->fails == 0 ? 0 : g->core.now_ms + RETRY_MAX_MS;
	if (s->fails > 0 && s->fails < 6)
		s->due_ms = g->core.now_ms + ((uint64_t)RETRY_MS << (s->fails - 1));
	s->is_here = s->is_told = false;
	return true;
}

/* ---- the copy -------------------------------------------------------------------------------- */

void fli_replica_drop(fli_guard *g)
{
	fli_free(g->node->mem, g->replica.bytes);
	g->replica = (fli_replica){.bytes = NULL};
}

static bool keep(fli_guard *g, uint64_t epoch, fl_term state)
{
	uint64_t max = g->spec->state_max == 0 ? STATE_MAX : g->spec->state_max;
	uint8_t *bytes = state.size > max ? NULL : fli_alloc(g->node->mem, state.size);

	if (bytes == NULL)
		return false;
	memcpy(bytes, state.data, state.size);
	fli_replica_drop(g);
	g->replica = (fli_replica){
		.bytes = bytes, .size = state.size, .epoch = epoch, .at_ms = g->core.now_ms};
	return true;
}

void fli_replica_send(fli_guard *g, const fl_pid *to)
{
	if (g->replica.bytes == NULL || g->core.state != FLI_SINGLETON_HOLDING)
		return;
	(void)fl_cast(g->self, *to, "{fl, 1, replica, #{from => ~, epoch => ~, state => ~}}",
		fl_self(g->self), g->replica.epoch,
		fli_term(g->node, g->replica.bytes, g->replica.size));
}

void fli_replica_send_all(fli_guard *g)
{
	for (uint32_t i = 0; i < g->core.count; i++)
		fli_replica_send(g, &g->core.candidates[i].guard);
}

void fli_replica_made(fli_guard *g, const fl_pid *server, fl_term state)
{
	if (g->step == FLI_SERVER_NONE || !fl_pid_eq(server, &g->server))
		return;
	if (!keep(g, g->core.epoch, state)) {
		fli_log_write(&g->node->log, FLI_ERROR,
			"singleton %s: a state of %zu bytes is not copied: it is larger than state_max, "
			"or there is no memory",
			g->spec->name, state.size);
		return;
	}
	fli_replica_send_all(g);
}

void fli_replica_heard(fli_guard *g, const fl_pid *from, fl_term map)
{
	uint64_t epoch;
	fl_term value, state;

	if (g->step == FLI_SERVER_NONE && fli_singleton_is_candidate(&g->core, from) &&
		fl_get(map, "epoch", &value) && fl_match(value, "~", &epoch) &&
		fl_get(map, "state", &state) && epoch >= g->replica.epoch && epoch <= g->core.seen)
		(void)keep(g, epoch, state); /* else the last one stays */
}

/* ---- taking over ----------------------------------------------------------------------------- */

bool fli_standby_take(fli_guard *g, uint64_t epoch)
{
	fli_standby *s = &g->standby;
	fl_term state = fli_term(g->node, g->replica.bytes, g->replica.size);
	uint64_t age_ms = g->core.now_ms - g->replica.at_ms;
	fl_buf args = FL_BUF_INIT;
	bool is_started;

	if (g->replica.bytes != NULL && g->core.fails >= FAILS_MAX)
		fli_replica_drop(g);
	if (s->is_here && !s->is_told) {
		g->server = s->pid;
		*s = (fli_standby){.is_here = false};
		if (g->replica.bytes != NULL)
			(void)fl_send(g->self, g->server, "{singleton_resume, ~, ~, ~}", epoch,
				state, age_ms);
		else
			(void)fl_send(g->self, g->server, "{singleton_start, ~}", epoch);
		return true; /* its end is told by the link */
	}
	if (g->replica.bytes != NULL)
		return fli_guard_start(
			g, fl_spec("{resume, ~, ~, ~}", epoch, state, age_ms), &g->server);
	(void)fl_build(&args, g->spec->args == NULL ? "[]" : g->spec->args);
	is_started =
		args.error == FL_OK &&
		fli_guard_start(g, fl_spec("{start, ~, ~}", epoch, fl_buf_term(&args)), &g->server);
	fl_buf_free(&args);
	return is_started;
}

/* ---- for the server -------------------------------------------------------------------------- */

int fl_singleton_replicate_spec(fl_proc *self, fl_spec state)
{
	fl_buf buf = FL_BUF_INIT;
	fl_pid guard;
	bool has_guard;
	int rc;

	fli_enter(self->node);
	has_guard = self->extra != NULL && self->extra->has_parent;
	if (has_guard)
		guard = self->extra->parent;
	fli_leave(self->node);
	if (!has_guard || fl_singleton_epoch(self) == 0)
		return FL_ENOTSUP;
	rc = fl_build_values(&buf, state.pattern, state.values, state.count);
	if (rc == FL_OK)
		rc = fl_send(self, guard, "{fl_replica, ~, ~}", fl_self(self), fl_buf_term(&buf));
	fl_buf_free(&buf);
	return rc;
}
