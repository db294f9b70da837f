/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic children of one supervisor, as lines "figure value": nursery COUNT
 *
 *     kids_start   started a second, by fl_start_child
 *     kids_linear  the time of the last tenth over that of the first
 *     kids_stop    ended a second, by the end of their supervisor
 *     kids_left_mb resident memory that is left of them, once they are gone
 *
 * They come twice: what the first million leaves behind as room for the next one (the table of
 * pids) is there at the beginning of the second, which is the one that is measured.
 */
#include <flitch.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STARTS_A_TURN 40
#define ROUNDS 2
#define MIB (1024.0 * 1024.0)

static long asked;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
		abort();
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static const fl_behaviour kid = {.name = "kid"};
static const fl_child temporary_kid = {.behaviour = &kid, .restart = FL_TEMPORARY};
static const fl_behaviour pool = {
	.name = "pool", .supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC}};

struct nurse {
	fl_pid pool;
	int round;
	long count;
	double bytes, start, first, tenth, stop; /* times of the round */
};

static int begin(fl_proc *self, struct nurse *n)
{
	const fl_start_options options = {.name = "pool", .link = true};

	n->count = 0;
	n->bytes = resident();
	if (fl_start(self, &pool, &options, &n->pool, "[]") != FL_OK)
		return fl_stop(self, "no_pool");
	n->start = n->tenth = now();
	return fl_next_continue(self, "go");
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)args;
	return begin(self, state);
}

static void show(const struct nurse *n)
{
	double end = now();

	(void)malloc_trim(0);
	printf("kids_start %.1f\n", (double)n->count / (n->stop - n->start));
	printf("kids_linear %.2f\n", (n->stop - n->tenth) / (n->first - n->start));
	printf("kids_stop %.1f\n", (double)n->count / (end - n->stop));
	printf("kids_left_mb %.2f\n", (resident() - n->bytes) / MIB);
	fflush(stdout);
	_exit(0);
}

/* A portion, and then the next one, as a handler should. */
static int on_continue(fl_proc *self, void *state, fl_term what)
{
	struct nurse *n = state;
	int rc = FL_OK;

	(void)what;
	for (int i = 0; i < STARTS_A_TURN && rc == FL_OK && n->count < asked; i++, n->count++)
		rc = fl_start_child(self, n->pool, &temporary_kid, NULL, "[]");
	if (rc != FL_OK)
		return fl_stop(self, "{failed, ~}", fl_atom_of(fl_error_atom(rc)));
	if (n->count == asked / 10)
		n->first = now();
	if (n->count == asked / 10 * 9)
		n->tenth = now();
	if (n->count < asked)
		return fl_next_continue(self, "go");
	n->stop = now();
	return fl_exit(self, n->pool, "shutdown");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct nurse *n = state;

	if (!fl_match(message, "{'EXIT', _, shutdown}"))
		return fl_stop(self, "~", message);
	if (++n->round == ROUNDS)
		show(n);
	(void)malloc_trim(0);
	return begin(self, n);
}

static const fl_behaviour nurse = {.name = "nurse",
	.state_size = sizeof(struct nurse),
	.init = on_init,
	.continue_ = on_continue,
	.info = on_info,
	.trap_exit = true};

int main(int argc, char **argv)
{
	fl_options *options = fl_options_new();
	fl_node *node = NULL;
	fl_error err;
	int rc = options == NULL ? FL_ENOMEM : FL_OK;

	asked = argc > 1 ? atol(argv[1]) / 10000 * 10000 : 1000000; /* whole turns to each mark */
	if (rc == FL_OK)
		rc = fl_options_set(options, "node.name", "nursery@127.0.0.1", "bench", &err);
	if (rc == FL_OK)
		rc = fl_options_set(options, "node.cookie", "kd83jVm4Pq0z71xT", "bench", &err);
	if (rc == FL_OK)
		rc = fl_node_open(options, &node, &err);
	if (rc == FL_OK)
		rc = fl_node_start(node, &nurse, &err);
	if (rc != FL_OK)
		fprintf(stderr, "nursery: %s\n", err.what);
	else
		rc = fl_node_run(node);
	return rc == 0 ? 0 : 70;
}
