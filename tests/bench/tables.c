/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of 1,000,000 rows with integer keys, as lines "figure value": tables MS
 *
 * Seconds are those of the processor that the thread had, but for table_scale and what follows.
 *
 *     table_insert   rows a second, by one thread, into an empty table
 *     table_lookup   objects looked up and matched a second, random keys, by one thread
 *     table_many     the same by sections of 1,024 keys, each looked up by fl_view_get_ints
 *     table_written  table_lookup while another thread writes
 *     table_scale    lookups of two readers over those of one, a third thread writing in both
 *     table_counter  fl_table_add a second, one key
 *
 * And for a durable table, each write awaited: durable_1 by one thread, durable_32 by 32.
 */
#include <flitch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 1000000, WRITERS = 32, CHUNK = 1024 };

static double seconds;
static fl_tab tab;
static fl_durable *file;
static _Atomic(bool) is_over;
static _Atomic(long) done;
static _Atomic(long) cpu_ns; /* of the readers */

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Of this thread: what others take of the machine is left out. */
static double cpu(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void show(const char *figure, double value)
{
	printf("%s %.2f\n", figure, value);
	fflush(stdout);
}

static int64_t next_key(uint64_t *dice)
{
	*dice = *dice * 1103515245 + 12345;
	return (int64_t)(*dice >> 8) % ROWS;
}

static void *read_on(void *arg)
{
	uint64_t dice = (uint64_t)(uintptr_t)arg * 7919 + 1;
	int64_t value;
	fl_term object;
	fl_rows rows;

	while (!is_over) {
		double start = cpu();

		for (int i = 0; i < CHUNK; i++) {
			if (fl_table_lookup(tab, &rows, next_key(&dice)) != FL_OK ||
				!fl_rows_next(&rows, &object) ||
				!fl_match(object, "{_, ~}", &value))
				abort();
			fl_rows_end(&rows);
		}
		done += CHUNK;
		cpu_ns += (long)((cpu() - start) * 1e9);
	}
	return NULL;
}

/* As read_on, by windows of keys in one section. */
static void *read_many(void *arg)
{
	uint64_t dice = (uint64_t)(uintptr_t)arg * 7919 + 1;
	int64_t keys[CHUNK], value;
	fl_term objects[CHUNK];
	fl_view view;

	while (!is_over) {
		double start = cpu();

		for (int i = 0; i < CHUNK; i++)
			keys[i] = next_key(&dice);
		if (fl_view_begin(tab, &view) != FL_OK ||
			fl_view_get_ints(&view, keys, CHUNK, objects) != CHUNK)
			abort();
		for (int i = 0; i < CHUNK; i++)
			if (!fl_match(objects[i], "{_, ~}", &value))
				abort();
		fl_view_end(&view);
		done += CHUNK;
		cpu_ns += (long)((cpu() - start) * 1e9);
	}
	return NULL;
}

static void *write_on(void *arg)
{
	uint64_t dice = 99;

	(void)arg;
	while (!is_over)
		if (fl_table_insert(tab, "{~, 1}", next_key(&dice)) != FL_OK)
			abort();
	return NULL;
}

static void *store_on(void *arg)
{
	int64_t key = (int64_t)(intptr_t)arg;

	for (; !is_over; key += WRITERS, done++)
		if (fl_durable_insert_wait(file, "{~, 1}", key % 10000) != FL_OK)
			abort();
	return NULL;
}

/* What `count` threads of `work`, and one of `beside` (may be NULL), get done in a second. */
static double rate(void *(*work)(void *), int count, void *(*beside)(void *))
{
	pthread_t threads[WRITERS + 1];
	struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(long)seconds) * 1e9)};
	double start = now();
	long all;

	is_over = false;
	done = 0;
	cpu_ns = 0;
	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	if (beside != NULL)
		pthread_create(&threads[count], NULL, beside, NULL);
	nanosleep(&pause, NULL);
	all = done;
	start = now() - start;
	is_over = true;
	for (int i = 0; i < count + (beside != NULL); i++)
		pthread_join(threads[i], NULL);
	return (double)all / start;
}

static void measure_table(void)
{
	double start = cpu(), one;
	int64_t total = 0;

	for (int64_t i = 0; i < ROWS; i++)
		(void)fl_table_insert(tab, "{~, ~}", i, i);
	show("table_insert", ROWS / (cpu() - start));
	(void)rate(read_on, 1, NULL);
	show("table_lookup", (double)done * 1e9 / (double)cpu_ns);
	(void)rate(read_many, 1, NULL);
	show("table_many", (double)done * 1e9 / (double)cpu_ns);
	one = rate(read_on, 1, write_on);
	show("table_written", (double)done * 1e9 / (double)cpu_ns);
	show("table_scale", rate(read_on, 2, write_on) / one);
	start = cpu();
	for (int i = 0; i < ROWS; i++)
		(void)fl_table_add(tab, fl_atom_of("n"), 1, &total);
	show("table_counter", ROWS / (cpu() - start));
}

static void measure_durable(fl_proc *self)
{
	char path[128], lock[140];
	fl_error err;

	(void)snprintf(path, sizeof path, "bench.%d.fl", (int)getpid());
	(void)snprintf(lock, sizeof lock, "%s-lock", path);
	if (fl_durable_open(fl_self_node(self), path, NULL, &file, &err) != FL_OK) {
		(void)fprintf(stderr, "tables: %s\n", err.what);
		return;
	}
	show("durable_1", rate(store_on, 1, NULL));
	show("durable_32", rate(store_on, WRITERS, NULL));
	fl_durable_close(file);
	(void)unlink(path);
	(void)unlink(lock);
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	fl_table_options options = {.access = FL_TABLE_PUBLIC};

	(void)state;
	(void)what;
	if (fl_table_new(self, "bench", &options, &tab) != FL_OK)
		return fl_stop(self, "no_table");
	measure_table();
	measure_durable(self);
	fl_node_stop(fl_self_node(self));
	return FL_OK;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "go");
}

static const fl_behaviour bench = {.name = "bench", .init = on_init, .continue_ = on_continue};

int main(int argc, char **argv)
{
	fl_options *options = fl_options_new();
	fl_node *node = NULL;
	fl_error err;
	int rc = options == NULL ? FL_ENOMEM : FL_OK;

	seconds = argc > 1 ? atof(argv[1]) / 1000 : 0.6;
	if (rc == FL_OK)
		rc = fl_options_set(options, "node.name", "tables@127.0.0.1", "bench", &err);
	if (rc == FL_OK)
		rc = fl_options_set(options, "node.cookie", "kd83jVm4Pq0z71xT", "bench", &err);
	if (rc == FL_OK)
		rc = fl_node_open(options, &node, &err);
	if (rc == FL_OK)
		rc = fl_node_start(node, &bench, &err);
	if (rc != FL_OK)
		(void)fprintf(stderr, "tables: %s\n", err.what);
	else
		rc = fl_node_run(node);
	return rc == 0 ? 0 : 70;
}
