/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of a node: one drives, one watches, the rest are spare.
 *
 *  - The driver runs the loop's steps. The watcher looks once a millisecond, while there is
 * activity, whether the same handler is still running; then it takes the context and drives itself,
 * and a spare thread becomes the watcher.
 *  - A handler that waits (fl_call) gives the context up of its own: a spare thread drives.
 *  - A behaviour that overstayed is run by spare threads the next time, so that the loop never
 * waits for it again.
 *  - Spare threads also do the work of fl_offload.
 *
 * Failure: at the limit of threads a job waits for one to become free. A thread that cannot be
 * created leaves the loop with the thread that has it: late, never stuck.
 */
#include <string.h>
#include <time.h>

#include "node/sched.h"

#define WATCH_NS 1000000 /* a handler that runs longer than one to two of these overstays */
#define SLOW_TURNS 8     /* quick ones that a process needs to be trusted again */
#define SLOW_MESSAGES 16 /* a turn on a spare thread, of one whose last turn there was slow */
#define TRIAL_MESSAGES 2 /* of another: each fl_* call on a spare thread costs it a wake-up */
/* Each handler that blocks for the first time costs the loop a thread, beyond limits.threads; with
 * that many at once it stands until one returns. */
#define LOOP_THREADS_MAX 1024
#define REST_AFTER_TICKS 100 /* quiet ones, then the watcher sleeps until the driver wakes it */

typedef enum job_kind { JOB_DRIVE, JOB_WATCH, JOB_SLOW, JOB_WORK } job_kind;

typedef struct crew_job {
	struct crew_job *next;
	job_kind kind;
	fl_proc *proc;
	void (*work)(void *arg);
	void *arg;
} crew_job;

struct fli_crew {
	fl_node *node;
	fli_drive drive;
	pthread_mutex_t mutex;  /* protects what follows; never held over a handler */
	pthread_cond_t changed; /* there is a job, or it is time to stop */
	pthread_cond_t settled; /* the loop was stopped, or a thread has ended */
	crew_job *first, *last;
	uint32_t threads;
	uint32_t idle;
	uint32_t queued;
	bool stopping;
	bool is_driven; /* in `drive`: by fli_crew_drive, or by a thread that the loop went to */
	bool ended;     /* the loop was stopped: nobody drives any more */
	_Atomic(bool) is_recalled; /* any: the driver is to leave the loop to who asks */
	pthread_cond_t watch_again;
	_Atomic(bool) watcher_rests; /* any */
	_Atomic(uint64_t) turns;     /* any: the driver counts, the watcher looks for activity */
	crew_job drive_job, watch_job;
};

static void *spare_thread(void *arg);

/* ---- jobs ------------------------------------------------------------------------------------ */

static void add_thread(fli_crew *crew)
{
	pthread_t thread;
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	crew->threads++;
	if (pthread_create(&thread, &attr, spare_thread, crew) != 0)
		crew->threads--; /* the job waits for a thread that becomes free */
	(void)pthread_attr_destroy(&attr);
}

/* Needs the mutex. Jobs of the loop come before all others, and have a limit of their own. */
static void push(fli_crew *crew, crew_job *job)
{
	uint32_t limit = crew->node->limits.threads_max;

	job->next = NULL;
	if (job->kind <= JOB_WATCH) {
		limit += LOOP_THREADS_MAX;
		job->next = crew->first;
		crew->first = job;
		if (crew->last == NULL)
			crew->last = job;
	} else {
		if (crew->last == NULL)
			crew->first = job;
		else
			crew->last->next = job;
		crew->last = job;
	}
	crew->queued++;
	if (crew->idle < crew->queued && crew->threads < limit)
		add_thread(crew);
	(void)pthread_cond_signal(&crew->changed);
}

static crew_job *pop(fli_crew *crew)
{
	crew_job *job = crew->first;

	if (job == NULL)
		return NULL;
	crew->first = job->next;
	if (crew->first == NULL)
		crew->last = NULL;
	crew->queued--;
	return job;
}

static int push_new(fli_crew *crew, crew_job job)
{
	crew_job *copy = fli_alloc(crew->node->mem, sizeof *copy);

	if (copy == NULL)
		return FL_ENOMEM;
	*copy = job;
	(void)pthread_mutex_lock(&crew->mutex);
	push(crew, copy);
	(void)pthread_mutex_unlock(&crew->mutex);
	return FL_OK;
}

int fli_crew_work(fl_node *node, void (*work)(void *arg), void *arg)
{
	if (node->crew == NULL)
		return node->stand_in == NULL
			       ? FL_ENOTSUP
			       : node->stand_in->work(node->stand_in->ctx, work, arg);
	return push_new(node->crew, (crew_job){.kind = JOB_WORK, .work = work, .arg = arg});
}

bool fli_crew_run_slow(fl_proc *proc)
{
	if (proc->node->crew == NULL)
		return false;
	return push_new(proc->node->crew, (crew_job){.kind = JOB_SLOW, .proc = proc}) == FL_OK;
}

/* ---- driving --------------------------------------------------------------------------------- */

static void set_driven(fli_crew *crew)
{
	(void)pthread_mutex_lock(&crew->mutex);
	crew->is_driven = true;
	(void)pthread_mutex_unlock(&crew->mutex);
}

/* relaxed: who recalls wakes the loop and waits for the mutex */
static bool is_recalled(fli_crew *crew)
{
	return atomic_load_explicit(&crew->is_recalled, memory_order_relaxed);
}

/* Owns the context and drives until told to stop, or until the context is taken away. */
static void drive(fli_crew *crew)
{
	bool goes_on = true, lost;

	while (goes_on && !is_recalled(crew))
		goes_on = crew->drive.step(crew->drive.loop);
	lost = fli_drive_is_lost(crew->node);
	if (!lost && !goes_on)
		fli_requests_close(crew->node); /* also on threads that somebody waits for */
	fli_drive_end(crew->node);
	if (lost)
		return;
	(void)pthread_mutex_lock(&crew->mutex);
	crew->is_driven = false;
	if (!goes_on)
		crew->ended = true;
	(void)pthread_cond_broadcast(&crew->settled);
	(void)pthread_mutex_unlock(&crew->mutex);
}

/*
 * A thread that the machine put aside looks like a handler that overstays, so a process is not slow
 * for good: turns with nothing but quick handlers count it back among the others. One that makes
 * many fl_* calls is late in each, and so must not be judged by the clock alone.
 */
static void run_slow(fl_proc *proc)
{
	fl_node *node = proc->node;
	unsigned budget;

	(void)fli_handlers_longest_ns(); /* from here on */
	fli_gate_lock(node);
	budget = proc->slow == SLOW_TURNS ? SLOW_MESSAGES : TRIAL_MESSAGES;
	proc->in_queue = false;
	proc->frames++; /* it may end meanwhile */
	if (proc->status != FLI_EXITING && proc->frames == 1)
		(void)fli_server_run(proc, budget); /* nothing that this thread could lose */
	proc->frames--;
	if (fli_handlers_longest_ns() > WATCH_NS)
		proc->slow = SLOW_TURNS;
	else if (proc->slow > 0)
		proc->slow--;
	fli_proc_free(proc);
	fli_crew_wake(node);
	fli_gate_unlock(node);
}

/* ---- watching -------------------------------------------------------------------------------- */

/* Rests until there are turns other than the `turns` that the watcher has seen. */
static void pause_watching(fli_crew *crew, uint64_t turns)
{
	(void)pthread_mutex_lock(&crew->mutex);
	/* seq_cst, with fli_crew_active: either the driver sees that we rest, or we see its turn */
	atomic_store(&crew->watcher_rests, true);
	if (atomic_load(&crew->turns) != turns)
		atomic_store(&crew->watcher_rests, false);
	while (!crew->stopping && atomic_load_explicit(&crew->watcher_rests, memory_order_acquire))
		(void)pthread_cond_wait(&crew->watch_again, &crew->mutex);
	(void)pthread_mutex_unlock(&crew->mutex);
}

void fli_crew_active(fl_node *node)
{
	fli_crew *crew = node->crew;

	if (crew == NULL)
		return;
	/* seq_cst: see pause_watching */
	(void)atomic_fetch_add(&crew->turns, 1);
	if (FLI_LIKELY(!atomic_load(&crew->watcher_rests)))
		return;
	(void)pthread_mutex_lock(&crew->mutex);
	atomic_store_explicit(&crew->watcher_rests, false, memory_order_release);
	(void)pthread_cond_signal(&crew->watch_again);
	(void)pthread_mutex_unlock(&crew->mutex);
}

static bool is_stopping(fli_crew *crew)
{
	bool stopping;

	(void)pthread_mutex_lock(&crew->mutex);
	stopping = crew->stopping;
	(void)pthread_mutex_unlock(&crew->mutex);
	return stopping;
}

/* Returns true when it has taken the context. */
static bool watch(fli_crew *crew)
{
	const struct timespec tick = {.tv_nsec = WATCH_NS};
	uint64_t word, last = 0, turns, last_turns = 0;
	unsigned quiet = 0;

	while (!is_stopping(crew)) {
		(void)nanosleep(&tick, NULL);
		word = atomic_load_explicit(&crew->node->act_word, memory_order_relaxed);
		turns = atomic_load_explicit(&crew->turns, memory_order_relaxed);
		if (word == last && fli_gate_steal(crew->node, word))
			return true;
		quiet = word == last && turns == last_turns ? quiet + 1 : 0;
		last = word;
		last_turns = turns;
		if (quiet >= REST_AFTER_TICKS) {
			pause_watching(crew, turns);
			quiet = 0;
		}
	}
	return false;
}

static void push_watch(fli_crew *crew)
{
	(void)pthread_mutex_lock(&crew->mutex);
	crew->watch_job.kind = JOB_WATCH;
	push(crew, &crew->watch_job);
	(void)pthread_mutex_unlock(&crew->mutex);
}

static void watch_and_drive(fli_crew *crew)
{
	if (!watch(crew))
		return;
	fli_drive_adopt(crew->node);
	if (crew->node->current != NULL)
		crew->node->current->slow = SLOW_TURNS - 1; /* as its first turn will show */
	set_driven(crew);
	push_watch(crew);
	drive(crew);
}

bool fli_crew_can_hand_off(fl_node *node)
{
	fli_crew *crew = node->crew;
	bool can;

	if (crew == NULL)
		return node->stand_in == NULL || node->stand_in->may_wait(node->stand_in->ctx);
	(void)pthread_mutex_lock(&crew->mutex);
	can = crew->idle > crew->queued || crew->threads < node->limits.threads_max;
	(void)pthread_mutex_unlock(&crew->mutex);
	return can;
}

void fli_crew_hand_off(fl_node *node)
{
	fli_crew *crew = node->crew;

	(void)pthread_mutex_lock(&crew->mutex);
	crew->is_driven = true;
	crew->drive_job.kind = JOB_DRIVE;
	push(crew, &crew->drive_job);
	(void)pthread_mutex_unlock(&crew->mutex);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void do_job(fli_crew *crew, crew_job *job)
{
	crew_job copy = *job;

	if (job != &crew->drive_job && job != &crew->watch_job)
		fli_free(crew->node->mem, job);
	switch (copy.kind) {
	case JOB_DRIVE:
		fli_drive_begin(crew->node);
		drive(crew);
		break;
	case JOB_WATCH: watch_and_drive(crew); break;
	case JOB_SLOW: run_slow(copy.proc); break;
	case JOB_WORK: copy.work(copy.arg); break;
	}
}

/* Does jobs until the crew stops. Needs the mutex. */
static void serve(fli_crew *crew)
{
	crew_job *job;

	while (!crew->stopping || crew->first != NULL) {
		job = pop(crew);
		if (job == NULL) {
			crew->idle++;
			(void)pthread_cond_wait(&crew->changed, &crew->mutex);
			crew->idle--;
			continue;
		}
		(void)pthread_mutex_unlock(&crew->mutex);
		do_job(crew, job);
		(void)pthread_mutex_lock(&crew->mutex);
	}
}

static void *spare_thread(void *arg)
{
	fli_crew *crew = arg;

	(void)pthread_mutex_lock(&crew->mutex);
	serve(crew);
	crew->threads--;
	(void)pthread_cond_broadcast(&crew->settled);
	(void)pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

int fli_crew_start(fl_node *node, const fli_drive *how)
{
	fli_crew *crew = fli_zalloc(node->mem, sizeof *crew);

	if (crew == NULL)
		return FL_ENOMEM;
	crew->node = node;
	crew->drive = *how;
	(void)pthread_mutex_init(&crew->mutex, NULL);
	(void)pthread_cond_init(&crew->changed, NULL);
	(void)pthread_cond_init(&crew->settled, NULL);
	(void)pthread_cond_init(&crew->watch_again, NULL);
	atomic_init(&crew->is_recalled, false);
	atomic_init(&crew->watcher_rests, false);
	atomic_init(&crew->turns, 0);
	node->crew = crew;
	push_watch(crew);
	return FL_OK;
}

void fli_crew_recall(fl_node *node)
{
	fli_crew *crew = node->crew;

	if (crew == NULL)
		return;
	(void)pthread_mutex_lock(&crew->mutex);
	while (crew->is_driven && !crew->ended) {
		atomic_store_explicit(&crew->is_recalled, true, memory_order_relaxed);
		crew->drive.wake(crew->drive.loop);
		(void)pthread_cond_wait(&crew->settled, &crew->mutex);
	}
	atomic_store_explicit(&crew->is_recalled, false, memory_order_relaxed);
	(void)pthread_mutex_unlock(&crew->mutex);
}

void fli_crew_drive(fl_node *node)
{
	fli_crew *crew = node->crew;

	fli_crew_recall(node);
	set_driven(crew);
	fli_drive_begin(node);
	drive(crew);
	(void)pthread_mutex_lock(&crew->mutex);
	while (!crew->ended) /* the context went to another thread: it drives until the end */
		(void)pthread_cond_wait(&crew->settled, &crew->mutex);
	(void)pthread_mutex_unlock(&crew->mutex);
}

void fli_crew_wake(fl_node *node)
{
	if (node->crew != NULL)
		node->crew->drive.wake(node->crew->drive.loop);
	else if (node->stand_in != NULL)
		node->stand_in->wake(node->stand_in->ctx);
}

void fli_crew_stop(fl_node *node)
{
	fli_crew *crew = node->crew;

	if (crew == NULL)
		return;
	fli_enter(node); /* what its threads wait for will not come */
	fli_requests_close(node);
	fli_tasks_cancel(node);
	fli_leave(node);
	(void)pthread_mutex_lock(&crew->mutex);
	crew->stopping = true;
	(void)pthread_cond_broadcast(&crew->changed);
	(void)pthread_cond_broadcast(&crew->watch_again);
	while (crew->threads > 0)
		(void)pthread_cond_wait(&crew->settled, &crew->mutex);
	(void)pthread_mutex_unlock(&crew->mutex);
	(void)pthread_cond_destroy(&crew->watch_again);
	(void)pthread_cond_destroy(&crew->settled);
	(void)pthread_cond_destroy(&crew->changed);
	(void)pthread_mutex_destroy(&crew->mutex);
	node->crew = NULL;
	fli_free(node->mem, crew);
}
