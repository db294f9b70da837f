/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run.
 *
 *  - One event at a time, by (time, sequence). After each, handlers that waited for what it brought
 *    are resumed, and connections that nobody refers to are buried.
 *  - A handler that waits parks its stack; the run goes on with another one. When it is resumed and
 *    its turn is over, its stack finds that it is not the runner any more and goes back.
 *
 * A job is whatever may run handlers outside of an event: a start, a stop. One whose handler waits
 * for ever is left after an hour of virtual time, so that the caller gets an answer.
 */
#include "sim/world.h"

#include <stdarg.h>

#include "sim/host.h"
#include "sim/node.h"
#include "sim/wire.h"

#define JOB_MS_MAX 3600000
#define GIVE_UP_MS 900000

/* ---- waiting --------------------------------------------------------------------------------- */

static void unpark(fli_parked *p)
{
	fl_sim *sim = p->sim;

	fli_list_remove(&p->link);
	fli_heap_unset(&sim->heap, &p->deadline);
	fli_fibers_resume(&sim->fibers, p->fiber);
}

/* wake_one does the rest, at once unless its program is paused. */
static void on_deadline(fli_event *event)
{
	fli_container_of(event, fli_parked, deadline)->is_due = true;
}

void fli_world_wait(fli_prog *prog, const bool *done, uint64_t until_ns)
{
	fl_sim *sim = prog->sim;
	fli_parked p = {.deadline = {.fire = on_deadline},
		.sim = sim,
		.prog = prog,
		.fiber = sim->fibers.current,
		.done = done,
		.until_ns = until_ns};

	fli_list_append(&sim->parked, &p.link);
	if (until_ns != UINT64_MAX)
		fli_heap_set(&sim->heap, &p.deadline, until_ns);
	fli_fibers_park(&sim->fibers);
}

void fli_world_shift(const fli_prog *prog, uint64_t ns)
{
	fl_sim *sim = prog->sim;

	for (fli_link *at = sim->parked.next; at != &sim->parked; at = at->next) {
		fli_parked *p = fli_container_of(at, fli_parked, link);

		if (p->prog != prog || p->until_ns == UINT64_MAX)
			continue;
		p->until_ns += ns;
		p->is_due = false;
		fli_heap_set(&sim->heap, &p->deadline, p->until_ns);
	}
}

static bool wake_one(fl_sim *sim)
{
	for (fli_link *at = sim->parked.next; at != &sim->parked; at = at->next) {
		fli_parked *p = fli_container_of(at, fli_parked, link);

		if ((!*p->done && !p->is_due) || p->prog->is_paused)
			continue;
		unpark(p);
		return true;
	}
	return false;
}

void fli_world_drop(fli_prog *prog)
{
	fl_sim *sim = prog->sim;
	fli_link *next;

	for (fli_link *at = sim->parked.next; at != &sim->parked; at = next) {
		fli_parked *p = fli_container_of(at, fli_parked, link);

		next = at->next;
		if (p->prog != prog)
			continue;
		fli_list_remove(&p->link);
		fli_heap_unset(&sim->heap, &p->deadline);
		fli_fibers_drop(&sim->fibers, p->fiber); /* `p` lies on that stack */
	}
	for (fli_link *at = sim->jobs.next; at != &sim->jobs; at = at->next) {
		fli_job *job = fli_container_of(at, fli_job, link);

		if (job->prog == prog)
			job->is_done = true; /* as far as it will ever be */
	}
}

unsigned fli_world_waiting(const fli_prog *prog)
{
	const fl_sim *sim = prog->sim;
	unsigned count = 0;

	for (const fli_link *at = sim->parked.next; at != &sim->parked; at = at->next)
		count += fli_container_of(at, fli_parked, link)->prog == prog;
	return count;
}

/* ---- the run --------------------------------------------------------------------------------- */

static bool is_reached(fl_sim *sim)
{
	fli_goal *goal = &sim->goal;
	const fli_event *first = fli_heap_first(&sim->heap);

	if (goal->is_so != NULL && goal->is_so(goal->ctx)) {
		goal->was_so = true;
		return true;
	}
	if (first != NULL && first->at_ns <= goal->until_ns)
		return false;
	if (goal->is_so == NULL || goal->until_ns != UINT64_MAX)
		sim->now_ns = goal->until_ns;
	return true;
}

static void happen(fl_sim *sim)
{
	fli_event *event = fli_heap_pop(&sim->heap);

	sim->now_ns = event->at_ns;
	sim->happened++;
	event->fire(event);
	fli_pairs_bury(sim);
}

static void begin_job(fl_sim *sim)
{
	fli_job *job = sim->job;

	sim->job = NULL;
	job->run(job);
	job->is_done = true;
	if (job->is_left)
		fli_job_delete(job);
}

/* What runs on a loop stack. */
static void body(void *ctx)
{
	fl_sim *sim = ctx;

	while (fli_fibers_is_runner(&sim->fibers)) {
		if (sim->job != NULL)
			begin_job(sim);
		else if (wake_one(sim))
			fli_pairs_bury(sim);
		else if (is_reached(sim))
			fli_fibers_leave(&sim->fibers);
		else
			happen(sim);
	}
}

/* True: the goal was so; with none, the time has come. */
static bool run(fl_sim *sim, const fli_goal *goal)
{
	fl_assert(sim->fibers.current == NULL); /* the world does not run itself */
	sim->goal = *goal;
	fli_fibers_enter(&sim->fibers);
	return sim->goal.was_so;
}

static uint64_t after_ms(const fl_sim *sim, uint64_t ms)
{
	return sim->now_ns + ms * FLI_SIM_MS;
}

void fl_sim_run(fl_sim *sim, uint64_t ms)
{
	const fli_goal goal = {.until_ns = after_ms(sim, ms)};

	(void)run(sim, &goal);
}

bool fl_sim_run_until(fl_sim *sim, uint64_t ms, bool (*is_so)(void *ctx), void *ctx)
{
	const fli_goal goal = {.until_ns = after_ms(sim, ms), .is_so = is_so, .ctx = ctx};

	return run(sim, &goal);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static bool is_done(void *ctx)
{
	return ((const fli_job *)ctx)->is_done;
}

void fli_job_delete(fli_job *job)
{
	fli_list_remove(&job->link);
	fli_store_free(job);
}

bool fli_world_do(fl_sim *sim, fli_job *job)
{
	const fli_goal goal = {.until_ns = after_ms(sim, JOB_MS_MAX), .is_so = is_done, .ctx = job};

	fli_list_append(&sim->jobs, &job->link);
	if (sim->fibers.current != NULL) {
		job->run(job);
		job->is_done = true;
		return true;
	}
	sim->job = job;
	job->is_left = !run(sim, &goal);
	return !job->is_left;
}

typedef struct act {
	fli_link link;
	fli_event event;
	fl_sim *sim;
	void (*act)(void *ctx);
	void *ctx;
} act;

static void on_act(fli_event *event)
{
	act *a = fli_container_of(event, act, event);
	const act copy = *a;

	fli_list_remove(&a->link);
	fli_store_free(a);
	copy.act(copy.ctx);
}

void fl_sim_at(fl_sim *sim, uint64_t ms, void (*what)(void *ctx), void *ctx)
{
	act *a = fli_store_zalloc(sizeof *a);

	*a = (act){.event = {.fire = on_act}, .sim = sim, .act = what, .ctx = ctx};
	fli_list_append(&sim->acts, &a->link);
	fli_heap_set(&sim->heap, &a->event, after_ms(sim, ms));
}

/* ---- life ------------------------------------------------------------------------------------ */

fl_sim *fl_sim_new(const fl_sim_options *options)
{
	fl_sim *sim = fli_store_zalloc(sizeof *sim);

	if (options != NULL)
		sim->options = *options;
	sim->dice = fli_dice_of(sim->options.seed, 'w', 0);
	sim->trace.out = sim->options.trace;
	sim->give_up_ns = GIVE_UP_MS * FLI_SIM_MS;
	sim->paths = fli_paths_new();
	fli_list_create(&sim->jobs);
	fli_list_create(&sim->parked);
	fli_list_create(&sim->acts);
	fli_list_create(&sim->guests);
	fli_list_create(&sim->pairs);
	fli_list_create(&sim->grave);
	fli_fibers_create(&sim->fibers, body, sim);
	return sim;
}

void fl_sim_delete(fl_sim *sim)
{
	fli_link *link;

	if (sim == NULL)
		return;
	for (size_t i = 0; i < sim->nodes_count; i++)
		fli_node_drop(sim->nodes[i]);
	fli_guests_delete(sim);
	fli_hosts_delete(sim);
	fli_pairs_bury(sim);
	while ((link = fli_list_pop(&sim->acts)) != NULL)
		fli_store_free(fli_container_of(link, act, link));
	while ((link = fli_list_pop(&sim->jobs)) != NULL)
		fli_store_free(fli_container_of(link, fli_job, link));
	fli_fibers_destroy(&sim->fibers);
	fli_heap_destroy(&sim->heap);
	fli_store_free(sim->paths);
	fli_store_free(sim);
}

/* ---- questions ------------------------------------------------------------------------------- */

uint64_t fl_sim_now_ns(const fl_sim *sim)
{
	return sim->now_ns;
}

uint64_t fl_sim_now_ms(const fl_sim *sim)
{
	return sim->now_ns / FLI_SIM_MS;
}

uint64_t fl_sim_random(fl_sim *sim, uint64_t below)
{
	return fli_dice_below(&sim->dice, below);
}

uint64_t fl_sim_events(const fl_sim *sim)
{
	return sim->happened;
}

/* ---- the trace ------------------------------------------------------------------------------- */

void fli_world_count(
	fl_sim *sim, const char *verb, const char *who, const char *whom, uint64_t number)
{
	fli_trace_line *line = fli_trace_begin(&sim->trace, sim->now_ns, verb);

	line->who = who;
	line->whom = whom;
	line->number = number;
	fli_trace_end(&sim->trace, line);
}

void fli_world_note(fl_sim *sim, const char *verb, const char *who, const char *whom)
{
	fli_world_count(sim, verb, who, whom, 0);
}

void fl_sim_note(fl_sim *sim, const char *format, ...)
{
	fli_trace_line *line = fli_trace_begin(&sim->trace, sim->now_ns, "note");
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line->text, sizeof line->text, format, args);
	va_end(args);
	fli_trace_end(&sim->trace, line);
}

void fl_sim_trace(const fl_sim *sim, FILE *out)
{
	fli_trace_print(&sim->trace, out);
}

uint64_t fl_sim_digest(const fl_sim *sim)
{
	return sim->trace.digest;
}
