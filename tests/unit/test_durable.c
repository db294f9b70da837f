/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable tables: what they answer, and what is left of them when their process is killed.
 *
 * FL_KILL_ROUNDS says how often a writer is killed in the midst (`make kills`: 200).
 */
#include <flitch.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static char folder[256], path[320];
static char told[1024];
static fl_durable *table;

static void begin(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(folder, sizeof folder, "%.200s/durable.XXXXXX", tmp != NULL ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/t", folder);
	world_open(&w, fli_mem_libc());
}

static void end(void)
{
	char lock[340];

	world_close(&w);
	(void)snprintf(lock, sizeof lock, "%s-lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	(void)rmdir(folder);
}

static int reopen(const fl_durable_options *options)
{
	fl_error err = {0};

	return fl_durable_open(w.node, path, options, &table, &err);
}

static const char *found(const char *key)
{
	static char text[4096];
	fl_buf buf = FL_BUF_INIT, name = FL_BUF_INIT;

	(void)fl_read(&name, key, strlen(key), NULL);
	CU_ASSERT_EQUAL(fl_durable_lookup(table, fl_buf_term(&name), &buf), FL_OK);
	(void)fl_print_to(text, sizeof text, fl_buf_term(&buf));
	fl_buf_free(&name);
	fl_buf_free(&buf);
	return text;
}

static uint64_t size_of_table(void)
{
	fl_durable_info info = {0};

	CU_ASSERT_EQUAL(fl_durable_info_get(table, &info), FL_OK);
	return info.size;
}

static void set_is_there_after_it_was_closed(void)
{
	begin();
	CU_ASSERT_EQUAL(reopen(NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{1, a}"), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{1, [b, ~]}", "text"), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{1.0, c}"), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{#{k => {}}, d}"), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_insert_new_wait(table, "{1, no}"), FL_EALREADY);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{}"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_durable_delete_wait(table, 7), FL_OK);
	fl_durable_close(table);
	CU_ASSERT_EQUAL(reopen(NULL), FL_OK);
	CU_ASSERT_STRING_EQUAL(found("1"), "[{1,[b,<<\"text\">>]}]");
	CU_ASSERT_STRING_EQUAL(found("1.0"), "[{1.0,c}]");
	CU_ASSERT_STRING_EQUAL(found("#{k => {}}"), "[{#{k => {}},d}]");
	CU_ASSERT_STRING_EQUAL(found("7"), "[]");
	CU_ASSERT_EQUAL(size_of_table(), 3);
	CU_ASSERT_EQUAL(fl_durable_delete_wait(table, 1), FL_OK);
	CU_ASSERT_STRING_EQUAL(found("1"), "[]");
	CU_ASSERT_EQUAL(size_of_table(), 2);
	fl_durable_close(table);
	end();
}

static void bag_keeps_different_objects(void)
{
	fl_durable_options bag = {.type = FL_TABLE_BAG, .keypos = 2, .sync = FL_SYNC_EACH};
	fl_durable_options all = {.type = FL_TABLE_DUPLICATE_BAG, .sync = FL_SYNC_INTERVAL};

	begin();
	CU_ASSERT_EQUAL(reopen(&bag), FL_OK);
	for (int i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{~, k}", i % 3), FL_OK);
	CU_ASSERT_STRING_EQUAL(found("k"), "[{0,k},{1,k},{2,k}]");
	CU_ASSERT_EQUAL(fl_durable_do(table, FL_DURABLE_DELETE_OBJECT, fl_spec("{1, k}")), FL_OK);
	CU_ASSERT_STRING_EQUAL(found("k"), "[{0,k},{2,k}]");
	fl_durable_close(table);
	CU_ASSERT_EQUAL(reopen(&all), FL_ECONFIG);
	(void)unlink(path);
	CU_ASSERT_EQUAL(reopen(&all), FL_OK);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{k, x}"), FL_OK);
	CU_ASSERT_EQUAL(size_of_table(), 4);
	CU_ASSERT_EQUAL(fl_durable_sync(table), FL_OK);
	fl_durable_close(table);
	end();
}

static bool add_up(void *ctx, fl_term object)
{
	int64_t n;

	if (fl_match(object, "{~, _}", &n))
		*(int64_t *)ctx += n;
	return true;
}

static void every_key_is_visited_once(void)
{
	fl_buf key = FL_BUF_INIT, next = FL_BUF_INIT;
	int64_t sum = 0, walked = 0, n;
	int rc;

	begin();
	CU_ASSERT_EQUAL(reopen(NULL), FL_OK);
	for (int i = 1; i <= 100; i++)
		CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{~, x}", i), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_fold(table, add_up, &sum), FL_OK);
	CU_ASSERT_EQUAL(sum, 5050);
	rc = fl_durable_walk(table, FL_FIRST, (fl_term){0}, &key);
	while (rc == FL_OK) {
		CU_ASSERT_TRUE(fl_match(fl_buf_term(&key), "~", &n));
		walked += n;
		fl_buf_reset(&next);
		rc = fl_durable_walk(table, FL_NEXT, fl_buf_term(&key), &next);
		fl_buf_reset(&key);
		if (rc == FL_OK)
			(void)fl_build(&key, "~", fl_buf_term(&next));
	}
	CU_ASSERT_EQUAL(rc, FL_ENOENT);
	CU_ASSERT_EQUAL(walked, 5050);
	fl_buf_free(&key);
	fl_buf_free(&next);
	fl_durable_close(table);
	end();
}

/* ---- who may have it --------------------------------------------------------------------------
 */

static void file_of_something_else_is_refused(void)
{
	fl_error err = {0};
	FILE *file;

	begin();
	file = fopen(path, "w");
	for (int i = 0; i < 20000; i++)
		(void)fputs("garbage", file);
	(void)fclose(file);
	CU_ASSERT_EQUAL(fl_durable_open(w.node, path, NULL, &table, &err), FL_EFORMAT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, path));
	CU_ASSERT_TRUE(err.why[0] != '\0');
	(void)snprintf(path, sizeof path, "%s/none/t", folder);
	CU_ASSERT_EQUAL(fl_durable_open(w.node, path, NULL, &table, &err), FL_EIO);
	(void)snprintf(path, sizeof path, "%s/t", folder);
	end();
}

static void same_path_is_the_same_table_and_nobody_elses(void)
{
	fl_durable *again = NULL;
	fl_error err = {0};
	world other;

	begin();
	world_open(&other, fli_mem_libc());
	CU_ASSERT_EQUAL(reopen(NULL), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_open(w.node, path, NULL, &again, &err), FL_OK);
	CU_ASSERT_PTR_EQUAL(again, table);
	CU_ASSERT_EQUAL(fl_durable_open(other.node, path, NULL, &again, &err), FL_EBUSY);
	fl_durable_close(table);
	CU_ASSERT_EQUAL(fl_durable_insert_wait(table, "{1}"), FL_OK);
	world_close(&other);
	end(); /* the node closes what nobody has closed */
}

static void full_file_says_so_and_goes_on(void)
{
	fl_durable_options small = {.bytes_max = 128 * 1024, .sync = FL_SYNC_NONE};
	static uint8_t bytes[4000];
	fl_bin big = {bytes, sizeof bytes};
	int rc, n = 0;

	begin();
	CU_ASSERT_EQUAL(reopen(&small), FL_OK);
	while ((rc = fl_durable_insert_wait(table, "{~, ~}", n, big)) == FL_OK)
		n++;
	CU_ASSERT_EQUAL(rc, FL_ELIMIT);
	CU_ASSERT_TRUE(n > 3);
	CU_ASSERT_EQUAL(size_of_table(), (uint64_t)n);
	CU_ASSERT_EQUAL(fl_durable_delete_wait(table, 0), FL_OK);
	CU_ASSERT_EQUAL(size_of_table(), (uint64_t)n - 1);
	fl_durable_close(table);
	end();
}

/* ---- answers to a process ---------------------------------------------------------------------
 */

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_ref *refs = state;

	if (fl_match(message, "write")) {
		CU_ASSERT_EQUAL(fl_durable_insert(self, table, &refs[0], "{1, a}"), FL_OK);
		CU_ASSERT_EQUAL(fl_durable_insert_new(self, table, &refs[1], "{1, b}"), FL_OK);
		CU_ASSERT_EQUAL(fl_durable_insert(self, table, &refs[2], "none"), FL_OK);
		CU_ASSERT_EQUAL(fl_durable_insert(self, table, NULL, "{2, a}"), FL_OK);
	} else if (fl_match(message, "{^, ok}", &refs[0])) {
		(void)strcat(told, "ok ");
	} else if (fl_match(message, "{^, false}", &refs[1])) {
		(void)strcat(told, "false ");
	} else if (fl_match(message, "{^, {error, einval}}", &refs[2])) {
		(void)strcat(told, "einval ");
	}
	return FL_OK;
}

static void process_is_told_when_it_is_safe(void)
{
	static const fl_behaviour writer = {
		.name = "writer", .state_size = 3 * sizeof(fl_ref), .info = on_info};

	begin();
	told[0] = '\0';
	CU_ASSERT_EQUAL(reopen(NULL), FL_OK);
	(void)world_start(&w, &writer, "writer", NULL);
	world_send(&w, "writer", "write");
	CU_ASSERT_EQUAL(fl_durable_sync(table), FL_OK); /* answered after what came before */
	world_settle(&w);
	CU_ASSERT_STRING_EQUAL(told, "ok false einval ");
	CU_ASSERT_STRING_EQUAL(found("2"), "[{2,a}]");
	fl_durable_close(table);
	end();
}

/* ---- killed -----------------------------------------------------------------------------------
 */

enum { KEYS = 64, KILL_WRITERS = 3, PAYLOAD = 700 };

typedef struct ack {
	int32_t key;
	int32_t version;
} ack;

static int to_parent;
static int32_t first_version;

/* Each byte of an object follows from its key and version: half of one would show. */
static void fill(uint8_t bytes[static PAYLOAD], int key, int version)
{
	for (int i = 0; i < PAYLOAD; i++)
		bytes[i] = (uint8_t)(key * 31 + version * 7 + i);
}

static void *write_on(void *arg)
{
	int writer = (int)(long)arg;
	uint8_t bytes[PAYLOAD];
	fl_bin payload = {bytes, PAYLOAD};

	for (int32_t n = 0;; n++) {
		ack done = {writer * KEYS + n % KEYS, first_version + n / KEYS};

		fill(bytes, done.key, done.version);
		if (fl_durable_insert_wait(table, "{~, ~, ~}", done.key, done.version, payload) !=
				FL_OK ||
			write(to_parent, &done, sizeof done) != sizeof done)
			_exit(1);
	}
	return NULL;
}

static void be_killed(const fl_durable_options *options)
{
	pthread_t threads[KILL_WRITERS];

	world_open(&w, fli_mem_libc());
	if (reopen(options) != FL_OK)
		_exit(2);
	for (long i = 0; i < KILL_WRITERS; i++)
		(void)pthread_create(&threads[i], NULL, write_on, (void *)i);
	(void)pthread_join(threads[0], NULL);
	_exit(3);
}

static int32_t acked[KILL_WRITERS * KEYS];
static int torn, lost;

static bool check_object(void *ctx, fl_term object)
{
	uint8_t expected[PAYLOAD];
	int32_t key, version;
	int *seen = ctx;
	fl_bin bytes;

	if (!fl_match(object, "{~, ~, ~}", &key, &version, &bytes) || key < 0 ||
		key >= KILL_WRITERS * KEYS || bytes.size != PAYLOAD) {
		torn++;
		return true;
	}
	fill(expected, key, version);
	torn += memcmp(bytes.data, expected, PAYLOAD) != 0;
	lost += version < acked[key];
	seen[key] = 1;
	return true;
}

static void check_all(const fl_durable_options *options)
{
	int seen[KILL_WRITERS * KEYS] = {0};

	CU_ASSERT_EQUAL_FATAL(reopen(options), FL_OK);
	CU_ASSERT_EQUAL(fl_durable_fold(table, check_object, seen), FL_OK);
	for (int i = 0; i < KILL_WRITERS * KEYS; i++)
		lost += acked[i] > 0 && !seen[i];
	fl_durable_close(table);
}

static void kill_once(const fl_durable_options *options, unsigned acks)
{
	int ends[2], status = 0;
	pid_t child;
	ack one;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		(void)close(ends[0]);
		to_parent = ends[1];
		be_killed(options);
	}
	(void)close(ends[1]);
	for (unsigned n = 0; read(ends[0], &one, sizeof one) == sizeof one; n++) {
		if (n == acks)
			(void)kill(child, SIGKILL); /* what it has said until then, counts */
		acked[one.key] = one.version > acked[one.key] ? one.version : acked[one.key];
	}
	(void)close(ends[0]);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_was_acknowledged_survives_kill_9(void)
{
	static const fl_sync policies[] = {
		FL_SYNC_GROUP, FL_SYNC_EACH, FL_SYNC_INTERVAL, FL_SYNC_NONE};
	const char *text = getenv("FL_KILL_ROUNDS");
	int rounds = text != NULL ? atoi(text) : 6;
	unsigned dice = 12345;

	begin();
	world_close(&w); /* the child has a node of its own */
	for (int i = 0; i < rounds; i++) {
		fl_durable_options options = {.sync = policies[i % 4], .interval_ms = 5};

		dice = dice * 1103515245 + 12345;
		first_version = 1 + i * 100000;
		kill_once(&options, dice >> 16 & 255);
		world_open(&w, fli_mem_libc());
		check_all(&options);
		world_close(&w);
	}
	CU_ASSERT_EQUAL(torn, 0);
	CU_ASSERT_EQUAL(lost, 0);
	if (text != NULL)
		printf("%d rounds of kill -9: %d lost, %d torn\n", rounds, lost, torn);
	world_open(&w, fli_mem_libc());
	end();
}

FL_SUITE("durable", FL_TEST(set_is_there_after_it_was_closed), FL_TEST(bag_keeps_different_objects),
	FL_TEST(every_key_is_visited_once), FL_TEST(file_of_something_else_is_refused),
	FL_TEST(same_path_is_the_same_table_and_nobody_elses),
	FL_TEST(full_file_says_so_and_goes_on), FL_TEST(process_is_told_when_it_is_safe),
	FL_TEST(what_was_acknowledged_survives_kill_9));
