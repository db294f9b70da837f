/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar: changes names, one after the other, under the lock `global`.
 *
 *  - Lock on all known nodes; look whether the name is free; tell all; give the lock back.
 *  - With no other node known all of that is done before the call returns.
 *
 * Failure: a lock that somebody else has is tried again after a random while that doubles, 250 ms
 * to 8 s, as in OTP. A node that comes meanwhile is asked as well before anything is changed.
 */
#include "dist/global_state.h"

enum { SLEEP_MS_FIRST = 250, SLEEP_MS_MAX = 8000, PID_ROOM = 2048 };

static fli_global_job *first(const fli_global *g)
{
	const fli_link *jobs = &g->registrar.jobs;

	return fli_list_is_empty(jobs) ? NULL : fli_container_of(jobs->next, fli_global_job, link);
}

static void finish(fli_global *g, fli_global_job *job, const char *answer)
{
	fli_global_reply(g, job->from, fl_spec("~", fl_atom_of(answer)));
	fli_list_remove(&job->link);
	g->registrar.jobs_count--;
	fli_free(g->mem, job);
}

/* ---- the change itself ----------------------------------------------------------------------- */

static bool has_other_name(const fli_global *g, const fl_pid *pid)
{
	const fli_global_pid *entry = fli_global_pid_find(g, pid);

	return entry != NULL && !fli_list_is_empty(&entry->names);
}

static bool may(const fli_global *g, const fli_global_job *job)
{
	if (job->change == FLI_GLOBAL_UNREGISTER || job->change == FLI_GLOBAL_REREGISTER)
		return true;
	return fli_global_name_find(g, job->name) == NULL && !has_other_name(g, &job->pid);
}

static void build(const fli_global *g, const fli_global_job *job, fl_buf *buf)
{
	switch (job->change) {
	case FLI_GLOBAL_REGISTER:
	case FLI_GLOBAL_REREGISTER:
		(void)fl_build(buf, "{register, ~, ~, ~}", job->name, job->pid, job->method);
		break;
	case FLI_GLOBAL_REGISTER_EXTERNAL:
		(void)fl_build(buf, "{register_ext, ~, ~, ~, ~}", job->name, job->pid, job->method,
			g->name);
		break;
	case FLI_GLOBAL_UNREGISTER: (void)fl_build(buf, "{unregister, ~}", job->name); break;
	}
}

static void change(fli_global *g, fli_global_job *job)
{
	fli_global_grab *grab = &g->registrar.grab;
	fl_buf buf = FL_BUF_INIT;

	if (!may(g, job)) {
		finish(g, job, "no");
		fli_global_grab_free(g, grab);
		return;
	}
	build(g, job, &buf);
	if (buf.error != FL_OK)
		g->failed = true;
	else
		fli_global_grab_tell(g, grab, fl_buf_term(&buf));
	fl_buf_free(&buf);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void sleep_a_while(fli_global *g)
{
	fli_global_registrar *registrar = &g->registrar;
	uint64_t ms_max = (uint64_t)SLEEP_MS_FIRST << (registrar->tries > 5 ? 5 : registrar->tries);
	uint32_t random;

	if (ms_max > SLEEP_MS_MAX)
		ms_max = SLEEP_MS_MAX;
	g->config.port->random(g->config.port, &random, sizeof random);
	registrar->is_asleep = true;
	registrar->due_ms = g->now_ms + 1 + random % ms_max;
	registrar->tries++;
}

/* True when there is nothing to do now. */
static bool step(fli_global *g)
{
	fli_global_registrar *registrar = &g->registrar;
	fli_global_grab *grab = &registrar->grab;
	fli_global_job *job = first(g);

	if (registrar->is_asleep && registrar->due_ms > g->now_ms)
		return true;
	registrar->is_asleep = false;
	if (grab->state == FLI_GRAB_NONE) {
		if (job == NULL)
			return true;
		fli_global_grab_begin(g, grab, (fl_atom){.text = NULL});
	}
	if (!fli_global_grab_run(g, grab))
		return true;
	if (grab->state == FLI_GRAB_HELD) {
		registrar->tries = 0;
		change(g, job);
	} else if (grab->state == FLI_GRAB_TOLD) {
		finish(g, job, job->change == FLI_GLOBAL_UNREGISTER ? "ok" : "yes");
		fli_global_grab_free(g, grab);
	} else if (grab->is_failed) {
		sleep_a_while(g);
	}
	return false;
}

void fli_global_registrar_run(fli_global *g)
{
	while (!g->failed && !g->is_leaving && !step(g))
		;
}

/* ---- wishes ---------------------------------------------------------------------------------- */

static fl_term place(const fli_global *g, uint8_t *at, fl_term term)
{
	memcpy(at, term.data, term.size);
	return (fl_term){.data = at, .size = term.size, .atoms = g->config.atoms};
}

static fli_global_job *make(fli_global *g, const fli_global_wish *wish)
{
	fl_buf buf = FL_BUF_INIT;
	fli_global_job *job = NULL;
	fl_term name, method;

	if (g->registrar.jobs_count < FLI_GLOBAL_JOBS_MAX &&
		wish->name.size + wish->method.size <= FLI_GLOBAL_NAME_BYTES_MAX - PID_ROOM &&
		fl_build(&buf, "{~, ~}", wish->name, wish->method) == FL_OK &&
		fl_match(fl_buf_term(&buf), "{~, ~}", &name, &method))
		job = fli_zalloc(g->mem, sizeof *job + name.size + method.size);
	if (job != NULL) {
		job->change = wish->change;
		job->pid = wish->pid;
		job->from = wish->from;
		job->name = place(g, job->bytes, name);
		job->method = place(g, job->bytes + name.size, method);
	}
	fl_buf_free(&buf);
	return job;
}

void fli_global_wish_for(fli_global *g, const fli_global_wish *wish)
{
	fli_global_job *job = g->is_leaving ? NULL : make(g, wish);

	if (job == NULL) {
		fli_global_reply(g, wish->from, fl_spec("{error, system_limit}"));
		return;
	}
	fli_list_append(&g->registrar.jobs, &job->link);
	g->registrar.jobs_count++;
	fli_global_registrar_run(g);
}

void fli_global_registrar_destroy(fli_global *g)
{
	fli_global_job *job;

	while ((job = first(g)) != NULL) {
		fli_list_remove(&job->link);
		fli_free(g->mem, job);
	}
	fli_global_grab_destroy(g, &g->registrar.grab);
}
