/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command behind `make sim`, `make soak` and `make sim-min`.
 *
 *     sim [--seed N | --seeds FIRST COUNT] [--steps K] [--nodes M] [--jobs J] [--minutes T]
 *         [--trace FILE] [--minimise FILE] [--scenario FILE]... [--twice] [--list]
 *
 * Its last line is "N passed, N failed".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/invariant.h"
#include "tests/sim/minimise.h"
#include "tests/sim/pool.h"

enum { STEPS = 400, SCENARIOS_MAX = 256, TRIES = 400, REPORTS_MAX = 10 };

typedef struct args {
	uint64_t seed, count;
	size_t steps;
	unsigned nodes, jobs;
	double minutes;
	const char *trace, *minimise;
	const char *scenarios[SCENARIOS_MAX];
	size_t scenarios_count;
	bool has_seed, is_twice, stops_early;
} args;

typedef struct sums {
	const args *args;
	uint64_t passed, failed, virtual_ms, asks;
	struct timespec since;
} sums;

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_failure(const args *a, uint64_t seed, const outcome *o)
{
	printf("%s", o->report);
	printf("FAIL - seed %" PRIu64 " step %zu: %s\n", seed, o->verdict.step, o->invariant);
	printf("  %s\n", o->verdict.text);
	printf("  make sim SEED=%" PRIu64 " STEPS=%zu", seed, a->steps);
	if (a->nodes != 0)
		printf(" NODES=%u", a->nodes);
	printf("\n");
	(void)fflush(stdout);
}

static void on_outcome(void *ctx, uint64_t seed, const outcome *o)
{
	sums *s = ctx;

	s->virtual_ms += o->verdict.virtual_ms;
	s->asks += o->verdict.asks;
	if (o->invariant[0] == '\0') {
		s->passed++;
		return;
	}
	if (s->failed++ < REPORTS_MAX)
		tell_failure(s->args, seed, o);
}

static double seconds_since(const struct timespec *since)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

static int finish(const sums *s)
{
	double seconds = seconds_since(&s->since);
	double minutes = seconds / 60;

	if (s->passed + s->failed > 1)
		printf("%.1f s: %.0f seeds a minute, %.1f simulated hours a minute, %" PRIu64
		       " messages, calls, monitors and links\n",
			seconds, (double)(s->passed + s->failed) / minutes,
			(double)s->virtual_ms / 3.6e6 / minutes, s->asks);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", s->passed, s->failed);
	return s->failed > 0;
}

/* ---- one plan -------------------------------------------------------------------------------- */

/* In this process, so that a debugger sees it. */
static int play_one(const args *a, const plan *p, const char *name)
{
	FILE *trace = a->trace == NULL ? NULL : fopen(a->trace, "w");
	verdict v = run_play(p, trace, stdout);

	if (trace != NULL)
		(void)fclose(trace);
	if (v.invariant == NULL) {
		printf("%s: %" PRIu64 " virtual s, %" PRIu64 " asks, trace %016" PRIx64 "\n", name,
			v.virtual_ms / 1000, v.asks, v.digest);
		return 0;
	}
	printf("FAIL - %s step %zu: %s\n  %s\n", name, v.step, v.invariant, v.text);
	return 1;
}

/* The same plan a second time must give the same trace, byte for byte. */
static int play_twice(const plan *p)
{
	char *text[2] = {NULL, NULL};
	size_t size[2] = {0, 0};
	bool is_same;

	for (int i = 0; i < 2; i++) {
		FILE *trace = open_memstream(&text[i], &size[i]);

		(void)run_play(p, trace, NULL);
		(void)fclose(trace);
	}
	is_same = size[0] > 0 && size[0] == size[1] && memcmp(text[0], text[1], size[0]) == 0;
	if (!is_same)
		printf("FAIL - two runs of seed %" PRIu64 " differ\n", p->settings.seed);
	free(text[0]);
	free(text[1]);
	return !is_same;
}

typedef struct aim {
	char invariant[64];
	outcome *last;
} aim;

static bool fails_alike(const plan *p, void *ctx)
{
	aim *target = ctx;

	if (!pool_play(p, target->last) || target->last->invariant[0] == '\0')
		return false;
	if (target->invariant[0] == '\0')
		memcpy(target->invariant, target->last->invariant, sizeof target->invariant);
	return strcmp(target->invariant, target->last->invariant) == 0;
}

static int shrink(const args *a, plan *p)
{
	aim target = {.last = malloc(sizeof(outcome))};
	size_t before = p->count;
	FILE *file;

	if (target.last == NULL || !minimise(p, fails_alike, &target, TRIES)) {
		printf("nothing fails, so there is nothing to minimise\n");
		free(target.last);
		return 1;
	}
	free(target.last);
	file = fopen(a->minimise, "w");
	if (file == NULL)
		return 1;
	fprintf(file, "# Breaks: %s\n", target.invariant);
	plan_write(p, file);
	printf("%zu steps of %zu break %s: %s\n", p->count, before, target.invariant, a->minimise);
	return fclose(file) != 0;
}

static int play_seed(const args *a)
{
	char name[32];
	plan p;
	int failed;

	if (!plan_draw(&p, a->seed, a->steps, a->nodes))
		return 1;
	(void)snprintf(name, sizeof name, "seed %" PRIu64, a->seed);
	if (a->minimise != NULL)
		failed = shrink(a, &p);
	else
		failed = a->is_twice ? play_twice(&p) : play_one(a, &p, name);
	plan_free(&p);
	return failed;
}

static int play_scenario(const args *a, const char *path)
{
	plan p;
	int failed;

	if (!plan_read(&p, path))
		return 1;
	failed = a->minimise != NULL ? shrink(a, &p) : play_one(a, &p, path);
	plan_free(&p);
	return failed;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool has(const char *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

/* One option and its value; false: unknown. */
static bool take(args *a, const char *name, const char *value)
{
	if (has(name, "--seed")) {
		a->seed = strtoull(value, NULL, 10);
		a->has_seed = true;
	} else if (has(name, "--first"))
		a->seed = strtoull(value, NULL, 10);
	else if (has(name, "--count"))
		a->count = strtoull(value, NULL, 10);
	else if (has(name, "--steps"))
		a->steps = strtoull(value, NULL, 10);
	else if (has(name, "--nodes"))
		a->nodes = (unsigned)strtoul(value, NULL, 10);
	else if (has(name, "--jobs"))
		a->jobs = (unsigned)strtoul(value, NULL, 10);
	else if (has(name, "--minutes"))
		a->minutes = strtod(value, NULL);
	else if (has(name, "--trace"))
		a->trace = value;
	else if (has(name, "--minimise"))
		a->minimise = value;
	else if (has(name, "--scenario") && a->scenarios_count < SCENARIOS_MAX)
		a->scenarios[a->scenarios_count++] = value;
	else
		return false;
	return true;
}

static bool parse(args *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (has(argv[i], "--twice"))
			a->is_twice = true;
		else if (has(argv[i], "--until-failure"))
			a->stops_early = true;
		else if (i + 1 == argc || !take(a, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	return a->jobs >= 1 && a->jobs <= POOL_JOBS_MAX && a->nodes != 1 &&
	       a->nodes <= PLAN_HOSTS_MAX && a->steps <= PLAN_STEPS_MAX;
}

static void add(sums *s, bool is_fine)
{
	s->passed += is_fine;
	s->failed += !is_fine;
}

static void add_scenario(sums *s, const char *path)
{
	outcome *o = malloc(sizeof *o);
	bool is_fine = false;
	plan p;

	if (o != NULL && plan_read(&p, path)) {
		is_fine = pool_play(&p, o) && o->invariant[0] == '\0';
		if (!is_fine)
			printf("%sFAIL - %s step %zu: %s\n  %s\n", o->report, path, o->verdict.step,
				o->invariant, o->verdict.text);
		plan_free(&p);
	}
	free(o);
	add(s, is_fine);
}

static void add_twice(sums *s, const args *a)
{
	plan p;
	bool is_fine = plan_draw(&p, a->seed, a->steps, a->nodes) && play_twice(&p) == 0;

	plan_free(&p);
	add(s, is_fine);
}

static int play_batch(const args *a)
{
	sums s = {.args = a};
	batch b = {.first = a->seed,
		.count = a->count,
		.steps = a->steps,
		.hosts = a->nodes,
		.jobs = a->jobs,
		.stops_early = a->stops_early,
		.on_outcome = on_outcome,
		.ctx = &s};

	if (a->minutes > 0) {
		b.until_s = (uint64_t)time(NULL) + (uint64_t)(a->minutes * 60);
		b.count = UINT64_MAX;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &s.since);
	for (size_t i = 0; i < a->scenarios_count; i++)
		add_scenario(&s, a->scenarios[i]);
	(void)pool_batch(&b);
	if (a->minutes == 0 && !a->stops_early)
		add_twice(&s, a);
	return finish(&s);
}

int main(int argc, char **argv)
{
	args a = {.seed = 1, .steps = STEPS, .jobs = 1};
	int failed;

	if (argc == 2 && has(argv[1], "--list")) {
		invariants_print();
		return 0;
	}
	if (!parse(&a, argc, argv)) {
		fprintf(stderr, "sim: the story on top of tests/sim/sim_main.c has the options\n");
		return 64;
	}
	if (!a.has_seed && a.minimise == NULL)
		return play_batch(&a);
	failed = a.scenarios_count > 0 ? play_scenario(&a, a.scenarios[0]) : play_seed(&a);
	printf("%d passed, %d failed\n", failed == 0, failed != 0);
	return failed;
}
