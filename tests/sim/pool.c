/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct child {
	pid_t pid; /* 0: free */
	uint64_t seed;
	FILE *file; /* the verdict, then the report */
} child;

/* ---- in the child ---------------------------------------------------------------------------- */

void pool_limit(unsigned ms)
{
	struct itimerval limit = {
		.it_value = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000}};

	/* fails for times only that are none */
	(void)setitimer(ITIMER_PROF, &limit, NULL);
}

static _Noreturn void play_and_exit(const plan *p, FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	FILE *report = open_memstream(&text, &size);
	char invariant[64] = "";
	verdict v;

	pool_limit(POOL_SECONDS_MAX * 1000);
	v = run_play(p, NULL, report);
	(void)fclose(report);
	if (v.invariant != NULL)
		(void)strncpy(invariant, v.invariant, sizeof invariant - 1);
	(void)fwrite(&v, sizeof v, 1, file);
	(void)fwrite(invariant, sizeof invariant, 1, file);
	if (size >= POOL_REPORT)
		(void)fwrite(text + size - (POOL_REPORT - 1), POOL_REPORT - 1, 1, file);
	else
		(void)fwrite(text, size, 1, file);
	(void)fflush(file);
	free(text);
	/* the sanitizers' last word, leaks among it, is an exit code */
	exit(0);
}

static bool spawn(child *c, const plan *p)
{
	c->file = tmpfile();
	if (c->file == NULL)
		return false;
	(void)fflush(NULL);
	c->pid = fork();
	if (c->pid == 0)
		play_and_exit(p, c->file);
	if (c->pid > 0)
		return true;
	(void)fclose(c->file);
	c->pid = 0;
	return false;
}

/* ---- in the parent --------------------------------------------------------------------------- */

static void collect(child *c, int status, outcome *o)
{
	size_t size = 0;
	bool is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	*o = (outcome){.invariant = ""};
	rewind(c->file);
	if (fread(&o->verdict, sizeof o->verdict, 1, c->file) == 1 &&
		fread(o->invariant, sizeof o->invariant, 1, c->file) == 1)
		size = fread(o->report, 1, sizeof o->report - 1, c->file);
	else
		is_fine = false;
	o->report[size] = '\0';
	(void)fclose(c->file);
	c->pid = 0;
	if (is_fine)
		return;
	(void)strcpy(o->invariant, "the process ended");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		(void)snprintf(o->verdict.text, sizeof o->verdict.text,
			"after %d s of processor time", POOL_SECONDS_MAX);
	else
		(void)snprintf(o->verdict.text, sizeof o->verdict.text, "by %s %d",
			WIFSIGNALED(status) ? "signal" : "exit code",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

bool pool_play(const plan *p, outcome *ret_outcome)
{
	child c = {.pid = 0};
	int status = 0;

	if (!spawn(&c, p))
		return false;
	while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
		;
	collect(&c, status, ret_outcome);
	return true;
}

static child *find(child *children, unsigned jobs, pid_t pid)
{
	for (unsigned i = 0; i < jobs; i++) {
		if (children[i].pid == pid)
			return &children[i];
	}
	return NULL;
}

/* Waits for one child; true: it failed. */
static bool wait_for_one(const batch *b, child *children, outcome *o)
{
	int status = 0;
	pid_t pid = waitpid(-1, &status, 0);
	child *c = pid > 0 ? find(children, b->jobs, pid) : NULL;

	if (c == NULL)
		return false;
	collect(c, status, o);
	b->on_outcome(b->ctx, c->seed, o);
	return o->invariant[0] != '\0';
}

static bool start_one(const batch *b, child *c, uint64_t seed)
{
	plan p;
	bool is_started;

	if (!plan_draw(&p, seed, b->steps, b->hosts))
		return false;
	c->seed = seed;
	is_started = spawn(c, &p);
	plan_free(&p);
	return is_started;
}

uint64_t pool_batch(const batch *b)
{
	child children[POOL_JOBS_MAX] = {{.pid = 0}};
	outcome *o = malloc(sizeof *o);
	uint64_t next = 0;
	unsigned busy = 0;
	bool is_over = o == NULL;

	while (busy > 0 || (!is_over && next < b->count)) {
		child *c = find(children, b->jobs, 0);

		if (!is_over && next < b->count && c != NULL) {
			is_over = !start_one(b, c, b->first + next);
			busy += !is_over;
			next += !is_over;
		} else {
			busy--;
			is_over |= wait_for_one(b, children, o) && b->stops_early;
		}
		is_over |= b->until_s != 0 && (uint64_t)time(NULL) >= b->until_s;
	}
	free(o);
	return next;
}
