/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures inside one C node, as lines "figure value":
 *
 *     inside rates MS          local calls, sends, and spawns with exits, a second
 *     inside memory FIRST MORE resident bytes of an idle counter, from FIRST of them to FIRST +
 * MORE
 *
 * A handler does a small portion and asks to be continued, as a handler should: one that stayed for
 * the whole measurement would be moved to a thread of its own, and that is another figure.
 */
#include <flitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALLS_A_TURN 256
#define SENDS_A_TURN 256
#define STARTS_A_TURN 1000
#define SPAWNS_UNTIL_LOOK 64 /* at the clock */

enum { CALL, SEND, SPAWN, PARTS };
static const char *const part_names[] = {"local_call", "local_send", "spawn_exit"};

/* The command line, for the one server that reads it. */
static struct {
	double seconds;
	long first, more;
} asked;

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

static void show(const char *figure, double value)
{
	printf("%s %.1f\n", figure, value);
	fflush(stdout);
}

/* ---- the servers that are measured ----------------------------------------------------------- */

struct counter {
	int64_t total;
};

static int counter_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct counter *c = state;

	(void)self;
	(void)request;
	return fl_reply(from, "~", ++c->total);
}

/* {tick, I}; the last one is answered, so that its sender learns the time. */
static int counter_info(fl_proc *self, void *state, fl_term message)
{
	struct counter *c = state;
	int64_t i;
	fl_pid sender;

	if (fl_match(message, "{tick, ~}", &i))
		c->total += i;
	else if (fl_match(message, "{sync, ~}", &sender))
		return fl_send(self, sender, "synced");
	return FL_OK;
}

static const fl_behaviour counter = {
	.name = "counter",
	.state_size = sizeof(struct counter),
	.call = counter_call,
	.info = counter_info,
};

static int mayfly_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "over");
}

static int mayfly_continue(fl_proc *self, void *state, fl_term what)
{
	(void)self;
	(void)state;
	(void)what;
	return FL_STOP;
}

static const fl_behaviour mayfly = {
	.name = "mayfly", .init = mayfly_init, .continue_ = mayfly_continue};

/* ---- rates ----------------------------------------------------------------------------------- */

struct meter {
	int part;
	fl_pid counter;
	double start;
	long count;
};

static int begin_part(fl_proc *self, struct meter *m)
{
	m->count = 0;
	m->start = now();
	return fl_next_continue(self, "go");
}

static int end_part(fl_proc *self, struct meter *m)
{
	show(part_names[m->part], (double)m->count / (now() - m->start));
	m->part++;
	return begin_part(self, m);
}

static bool is_over(const struct meter *m)
{
	return now() - m->start >= asked.seconds;
}

static int meter_init(fl_proc *self, void *state, fl_term args)
{
	struct meter *m = state;
	int rc = fl_start(self, &counter, NULL, &m->counter, "[]");

	(void)args;
	return rc == FL_OK ? begin_part(self, m) : fl_stop(self, "no_counter");
}

static int some_calls(fl_proc *self, struct meter *m)
{
	fl_term reply;

	for (int i = 0; i < CALLS_A_TURN; i++)
		if (fl_call(self, m->counter, 1000, &reply, "x") != FL_OK)
			return fl_stop(self, "call");
	m->count += CALLS_A_TURN;
	return is_over(m) ? end_part(self, m) : fl_next_continue(self, "go");
}

static int some_sends(fl_proc *self, struct meter *m)
{
	for (int i = 0; i < SENDS_A_TURN; i++)
		(void)fl_send(self, m->counter, "{tick, ~}", i);
	m->count += SENDS_A_TURN;
	/* The answer is in the time, and so are the messages before it. */
	return fl_send(self, m->counter, "{sync, ~}", fl_self(self));
}

static int spawn_one(fl_proc *self, struct meter *m)
{
	fl_ref ref;
	fl_pid pid;
	fl_start_options options = {.monitor = true, .ret_monitor = &ref};
	int rc = fl_start(self, &mayfly, &options, &pid, "[]");

	(void)m;
	return rc == FL_OK ? FL_OK : fl_stop(self, "spawn");
}

static int meter_continue(fl_proc *self, void *state, fl_term what)
{
	struct meter *m = state;

	(void)what;
	switch (m->part) {
	case CALL: return some_calls(self, m);
	case SEND: return some_sends(self, m);
	case SPAWN: return spawn_one(self, m);
	default: fl_node_stop(fl_self_node(self)); return FL_OK;
	}
}

/* `synced`, or the 'DOWN' of a mayfly. */
static int meter_info(fl_proc *self, void *state, fl_term message)
{
	struct meter *m = state;

	if (fl_match(message, "synced"))
		return is_over(m) ? end_part(self, m) : fl_next_continue(self, "go");
	if (!fl_match(message, "{'DOWN', _, process, _, normal}"))
		return fl_unhandled(self, message);
	m->count++;
	if (m->count % SPAWNS_UNTIL_LOOK == 0 && is_over(m))
		return end_part(self, m);
	return spawn_one(self, m);
}

static const fl_behaviour meter = {
	.name = "meter",
	.state_size = sizeof(struct meter),
	.init = meter_init,
	.continue_ = meter_continue,
	.info = meter_info,
};

/* ---- memory ---------------------------------------------------------------------------------- */

struct breeder {
	long count;
	double before;
};

static int breeder_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "more");
}

static int breeder_continue(fl_proc *self, void *state, fl_term what)
{
	struct breeder *b = state;
	fl_pid pid;

	(void)what;
	for (int i = 0; i < STARTS_A_TURN; i++, b->count++) {
		if (b->count == asked.first)
			b->before = resident();
		if (b->count == asked.first + asked.more) {
			show("idle_server", (resident() - b->before) / (double)asked.more);
			fl_node_stop(fl_self_node(self));
			return FL_OK;
		}
		if (fl_start(self, &counter, NULL, &pid, "[]") != FL_OK)
			return fl_stop(self, "no_more");
	}
	return fl_next_continue(self, "more");
}

static const fl_behaviour breeder = {
	.name = "breeder",
	.state_size = sizeof(struct breeder),
	.init = breeder_init,
	.continue_ = breeder_continue,
};

/* ---- a node for them ------------------------------------------------------------------------- */

static int run(const fl_behaviour *behaviour)
{
	fl_error err;
	fl_options *options = fl_options_new();
	fl_node *node = NULL;
	int rc;

	if (options == NULL)
		return 70;
	rc = fl_options_set(options, "node.name", "inside@127.0.0.1", "bench", &err);
	if (rc == FL_OK)
		rc = fl_options_set(options, "node.cookie", "kd83jVm4Pq0z71xT", "bench", &err);
	if (rc == FL_OK)
		rc = fl_node_open(options, &node, &err);
	if (rc == FL_OK)
		rc = fl_node_start(node, behaviour, &err);
	if (rc != FL_OK)
		fprintf(stderr, "inside: %s\n", err.what);
	else
		rc = fl_node_run(node);
	if (node != NULL)
		fflush(stdout);
	_exit(rc == 0 ? 0 : 70); /* a million servers need no goodbye */
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "rates") == 0) {
		asked.seconds = atof(argv[2]) / 1000;
		return run(&meter);
	}
	if (argc == 4 && strcmp(argv[1], "memory") == 0) {
		asked.first = atol(argv[2]);
		asked.more = atol(argv[3]);
		return run(&breeder);
	}
	fprintf(stderr, "usage: inside rates MS | inside memory FIRST MORE\n");
	return 64;
}
