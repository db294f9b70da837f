/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and values on disk, in the order of the keys' bytes, shared by the whole cluster: LMDB
 * behind a server that any node finds by the pg group {store, Name}.
 *
 *  - Several nodes of a machine may open one directory. Each answers reads from the same mapped
 *    file, at once; writes go one transaction at a time, whoever they came to. All are members of
 *    the group, and any of them will do.
 *  - A read of few keys runs in the handler, straight from the mapping. A longer one goes to the
 *    pool of threads, and looks every 2 ms whether its caller still waits.
 *  - Writes are answered when they are on the disk; those that wait share one flush (writer.h).
 *  - More than JOBS_MAX scans, or more writes than wait well, are refused with {error, busy};
 *    `stats` says how many there are.
 *
 * Where: FLITCH_STORE_DIR, FLITCH_STORE_NAME (default), FLITCH_STORE_BYTES (64 GiB at most, of
 * addresses), FLITCH_STORE_SYNC (yes; no: commits are flushed by the system when it likes). Or a
 * child's args: "#{dir => <<"/srv/cards">>, name => cards, bytes => 1073741824, sync => yes}".
 *
 * What comes in is not trusted: keys have 1 to 511 bytes, requests at most 64 MiB and 10,000
 * operations, pages about 1 MiB.
 */
#include "examples/accel/store/group.h"
#include "examples/accel/store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	INLINE_KEYS = 128, /* about 0.05 ms */
	JOBS_MAX = 64,
	BYTES_MIN = 1 << 20,
	BYTES_STEP = 4096,
	PAGE = 4096,
	COPY_MAX = 64 << 10,
	FINISH_MS = 4000 /* of the 5 s that a server has at its end */
};
#define BYTES_DEFAULT ((uint64_t)64 << 30)

struct store {
	writer *writer; /* first: see writer.h */
	store_env *env;
	group group;
	uint32_t running;
	uint64_t gets, scans, refused, given_up;
};

/* ---- options --------------------------------------------------------------------------------- */

typedef struct setting {
	const char *key, *variable, *otherwise;
} setting;

/* From args, or the environment; *ret_text is cut to its size. */
static size_t text_of(fl_term args, const setting *s, char *ret_text, size_t size)
{
	const char *value = getenv(s->variable);
	fl_term given;
	fl_text text;
	fl_atom atom;
	int64_t number;

	if (value == NULL || *value == '\0')
		value = s->otherwise;
	if (!fl_get(args, s->key, &given))
		return (size_t)snprintf(ret_text, size, "%s", value);
	if (fl_match(given, "~", &number))
		return (size_t)snprintf(ret_text, size, "%lld", (long long)number);
	if (fl_match(given, "~", &atom))
		return (size_t)snprintf(ret_text, size, "%.*s", (int)atom.size, atom.text);
	return fl_match(given, "~", &text) ? fl_text_string(text, ret_text, size) : size;
}

/* What is wrong with it, or NULL. */
static const char *read_options(fl_term args, struct store *s, env_options *ret_options, char *dir)
{
	static const setting d = {"dir", "FLITCH_STORE_DIR", ""},
			     n = {"name", "FLITCH_STORE_NAME", "default"},
			     b = {"bytes", "FLITCH_STORE_BYTES", ""},
			     y = {"sync", "FLITCH_STORE_SYNC", "yes"};
	char text[32], name[GROUP_NAME_MAX + 1], *end;
	size_t size = text_of(args, &d, dir, PAGE);

	if (size == 0 || size >= PAGE)
		return "no directory is named: set FLITCH_STORE_DIR, or dir in the args";
	*ret_options = (env_options){.dir = dir, .bytes_max = BYTES_DEFAULT};
	size = text_of(args, &n, name, sizeof name);
	if (size >= sizeof name || !group_name_set(&s->group, (fl_bin){name, size}))
		return "the name has 1 to 63 bytes";
	size = text_of(args, &b, text, sizeof text);
	if (size > 0) {
		ret_options->bytes_max = strtoull(text, &end, 10) / BYTES_STEP * BYTES_STEP;
		if (size >= sizeof text || *end != '\0' || ret_options->bytes_max < BYTES_MIN ||
			ret_options->bytes_max > BYTES_DEFAULT)
			return "bytes is a number from 1048576 to 68719476736";
	}
	size = text_of(args, &y, text, sizeof text);
	ret_options->is_lazy = strcmp(text, "no") == 0;
	if (size >= sizeof text || (!ret_options->is_lazy && strcmp(text, "yes") != 0))
		return "sync is yes or no";
	return NULL;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct store *s = state;
	env_options options;
	char dir[PAGE];
	fl_error err = {0};
	const char *why = read_options(args, s, &options, dir);
	int rc;

	if (why != NULL)
		return fl_stop(self, "{config, ~}", why);
	rc = env_open(&options, &s->env, &err);
	if (rc != FL_OK)
		return fl_stop(self, "{~, ~}", fl_atom_of(fl_error_atom(rc)), err.what);
	s->writer = writer_new(s->env);
	rc = s->writer == NULL ? FL_ENOMEM : group_join(&s->group, self, s->env);
	return rc == FL_OK ? FL_OK : fl_stop(self, "{groups, ~}", fl_atom_of(fl_error_atom(rc)));
}

static void on_end(fl_proc *self, void *state, fl_term reason)
{
	struct store *s = state;

	(void)self;
	(void)reason;
	writer_finish(s->writer, FINISH_MS);
}

static void on_release(void *state)
{
	struct store *s = state;

	writer_delete(s->writer);
	env_unref(s->env);
}

/* ---- reads ----------------------------------------------------------------------------------- */

/*
 * An answer is put together while the whole node waits; so whatever of the value is not in memory
 * is fetched before, and a large one copied.
 */
static int reply_value(fl_from from, MDB_val value)
{
	fl_blob blob = {.node = NULL};
	const volatile uint8_t *bytes = value.mv_data;

	if (value.mv_size <= COPY_MAX) {
		for (size_t at = PAGE; at < value.mv_size; at += PAGE)
			(void)bytes[at];
		return fl_reply(from, "{ok, ~}", env_bin(value));
	}
	if (fl_blob_make(from.node, value.mv_size, &blob) != FL_OK)
		return fl_reply(from, "{error, enomem}");
	memcpy(blob.data, value.mv_data, value.mv_size);
	return fl_reply_blob(from, &blob, "{ok, ~}", fl_blob_bin(&blob));
}

static int get(struct store *s, fl_from from, fl_bin name)
{
	MDB_val key = env_val(name), value;
	MDB_txn *txn;
	int rc;

	if (name.size < 1 || name.size > ENV_KEY_MAX)
		return fl_reply(from, "{error, bad_key}");
	s->gets++;
	rc = env_read(s->env, &txn);
	if (rc != 0)
		return fl_reply(from, "{error, ~}", fl_atom_of(env_error(rc)));
	rc = mdb_get(txn, s->env->data, &key, &value);
	rc = rc == 0 ? reply_value(from, value)
		     : fl_reply(from, "{error, ~}", fl_atom_of(env_error(rc)));
	env_read_end(s->env, txn);
	return rc;
}

/* Owner: the thread that works, then the server. */
typedef struct job {
	store_env *env;
	fl_held keys; /* of SCAN_MANY */
	scan scan;
} job;

static void job_free(void *arg)
{
	job *j = arg;

	scan_end(&j->scan);
	fl_release(&j->keys);
	env_unref(j->env);
	free(j);
}

static void run(scan *wanted, store_env *env, const _Atomic(bool) *cancelled)
{
	MDB_txn *txn;
	int rc = env_read(env, &txn);

	if (rc != 0) {
		wanted->error = env_error(rc);
		return;
	}
	scan_run(wanted, env, txn, cancelled);
	env_read_end(env, txn);
}

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	job *j = arg;

	run(&j->scan, j->env, cancelled);
}

static int answer(struct store *s, const scan *asked)
{
	int rc;

	s->scans++;
	if (asked->error != NULL && strcmp(asked->error, "given_up") == 0)
		s->given_up++; /* nobody waits: an answer would go nowhere */
	rc = scan_reply(asked);
	return rc == FL_EALREADY ? FL_OK : rc;
}

static int done(fl_proc *self, void *state, void *arg)
{
	struct store *s = state;
	job *j = arg;
	int rc;

	(void)self;
	s->running--;
	rc = answer(s, &j->scan);
	job_free(j);
	return rc;
}

static job *job_new(fl_proc *self, struct store *s, const scan *wanted)
{
	job *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	j->env = env_ref(s->env);
	j->scan = *wanted;
	if ((wanted->kind != SCAN_MANY || fl_hold(self, wanted->keys, &j->keys) == FL_OK) &&
		fl_later(self, wanted->who) == FL_OK) {
		j->scan.keys = j->keys.term;
		return j;
	}
	job_free(j);
	return NULL;
}

static int offload(fl_proc *self, struct store *s, const scan *wanted)
{
	static const fl_task task = {.work = work, .done = done, .drop = job_free};
	job *j;

	if (s->running >= JOBS_MAX) {
		s->refused++;
		return fl_reply(wanted->who, "{error, busy}");
	}
	j = job_new(self, s, wanted);
	if (j == NULL)
		return fl_reply(wanted->who, "{error, enomem}");
	if (fl_offload(self, &task, j) != FL_OK) {
		job_free(j);
		return fl_reply(wanted->who, "{error, busy}");
	}
	s->running++;
	return FL_OK;
}

static int start(fl_proc *self, struct store *s, scan *wanted)
{
	int rc;

	if (wanted->limit > INLINE_KEYS)
		return offload(self, s, wanted);
	run(wanted, s->env, NULL);
	rc = answer(s, wanted);
	scan_end(wanted);
	return rc;
}

/* ---- requests -------------------------------------------------------------------------------- */

static int range(fl_proc *self, struct store *s, scan *wanted, fl_atom order)
{
	bool is_reverse = fl_atom_is(order, "reverse");

	if (wanted->limit < 1 || wanted->limit > SCAN_LIMIT_MAX ||
		(!is_reverse && !fl_atom_is(order, "forward")))
		return fl_reply(wanted->who, "{error, badarg}");
	wanted->is_reverse = is_reverse;
	return start(self, s, wanted);
}

static int count(fl_proc *self, struct store *s, scan *wanted)
{
	wanted->kind = SCAN_COUNT;
	wanted->limit = SIZE_MAX;
	return start(self, s, wanted);
}

static int get_many(fl_proc *self, struct store *s, fl_from from, fl_term request)
{
	scan wanted = {.kind = SCAN_MANY, .who = from};
	fl_term list, one;
	fl_bin key;

	(void)fl_match(request, "{get_many, ~}", &wanted.keys);
	list = wanted.keys;
	while (fl_list_next(&list, &one)) {
		if (!fl_match(one, "~", &key))
			return fl_reply(from, "{error, badarg}");
		if (key.size < 1 || key.size > ENV_KEY_MAX)
			return fl_reply(from, "{error, bad_key}");
		if (++wanted.limit > SCAN_MANY_MAX)
			return fl_reply(from, "{error, too_large}");
	}
	if (fl_term_kind(list) != FL_NIL)
		return fl_reply(from, "{error, badarg}");
	return start(self, s, &wanted);
}

static int stats(struct store *s, fl_from from)
{
	writer_counts w = writer_count(s->writer);
	MDB_envinfo info;
	MDB_stat data;
	MDB_txn *txn;
	int rc = env_read(s->env, &txn);

	if (rc != 0)
		return fl_reply(from, "{error, ~}", fl_atom_of(env_error(rc)));
	(void)mdb_stat(txn, s->env->data, &data);
	env_read_end(s->env, txn);
	(void)mdb_env_info(s->env->mdb, &info);
	return fl_reply(from,
		"{ok, #{keys => ~, file_bytes => ~, bytes_max => ~, gets => ~, scans => ~, running => ~, "
		"waiting => ~, waiting_bytes => ~, writes => ~, commits => ~, largest_commit => ~, "
		"refused => ~, given_up => ~, is_member => ~}}",
		data.ms_entries, (info.me_last_pgno + 1) * data.ms_psize, info.me_mapsize, s->gets,
		s->scans, s->running, w.waiting, w.waiting_bytes, w.writes, w.commits, w.largest,
		s->refused + w.refused, s->given_up + w.given_up, fl_bool(s->group.is_member));
}

static bool is_write(fl_term request)
{
	return fl_match(request, "{put, _, _}") || fl_match(request, "{delete, _}") ||
	       fl_match(request, "{put_many, _}") || fl_match(request, "{write, _}") ||
	       fl_match(request, "{delete_range, _, _, _}");
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct store *s = state;
	scan wanted = {.who = from};
	fl_bin key, to;
	fl_atom order;

	if (fl_match(request, "{get, ~}", &key))
		return get(s, from, key);
	if (is_write(request))
		return writer_take(s->writer, self, from, request);
	if (fl_match(request, "{get_many, _}"))
		return get_many(self, s, from, request);
	if (fl_match(request, "{range, ~, ~, ~, ~}", &key, &to, &wanted.limit, &order) ||
		fl_match(request, "{count, ~, ~}", &key, &to)) {
		if (!scan_key_set(&wanted.from, key) || !scan_key_set(&wanted.to, to))
			return fl_reply(from, "{error, bad_key}");
		return fl_match(request, "{count, _, _}") ? count(self, s, &wanted)
							  : range(self, s, &wanted, order);
	}
	if (fl_match(request, "stats"))
		return stats(s, from);
	if (fl_match(request, "id"))
		return fl_reply(from, "{ok, ~}", env_id(s->env));
	return fl_reply(from, "{error, badarg}");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct store *s = state;

	return group_info(&s->group, self, message) ? FL_OK : fl_unhandled(self, message);
}

static const fl_behaviour server = {
	.name = "store",
	.state_size = sizeof(struct store),
	.init = on_init,
	.call = on_call,
	.info = on_info,
	.terminate = on_end,
	.release = on_release,
	.trap_exit = true,
};

FL_MODULE(&server);
FL_DOCS({"store", NULL,
		"Keys and values on disk, in the order of the keys' bytes. Keys have 1 to 511 bytes; an "
		"empty bound of a range is none."},
	{"store", "call {get, Key :: binary()} -> {ok, binary()} | {error, atom()}",
		"not_found where there is none."},
	{"store",
		"call {get_many, Keys :: [binary()]} -> {ok, [{binary(), binary()}]} | {error, atom()}",
		"Those that there are, of at most 10,000, as they were at one moment."},
	{"store", "call {put, Key :: binary(), Value :: binary()} -> ok | {error, atom()}",
		"Answered when it is on the disk, as all writes."},
	{"store", "call {put_many, Pairs :: [{binary(), binary()}]} -> ok | {error, atom()}",
		"All or none, at most 10,000 and 64 MiB."},
	{"store", "call {delete, Key :: binary()} -> ok | {error, atom()}",
		"ok where there is none, too."},
	{"store",
		"call {write, Ops :: [{put, binary(), binary()} | {delete, binary()} | {expect, binary(), "
		"binary() | nil}]} -> ok | {error, atom()}",
		"All or none; mismatch where a key has another value than expected before it, nil for "
		"none."},
	{"store",
		"call {delete_range, From :: binary(), To :: binary(), Limit :: 1..10000} -> {ok, "
		"non_neg_integer(), binary() | done} | {error, atom()}",
		"From the first key that is not below From to the last below To. Where it stopped, if not "
		"done."},
	{"store",
		"call {range, From :: binary(), To :: binary(), Limit :: 1..10000, Order :: forward | "
		"reverse} -> {ok, [{binary(), binary()}], binary() | done} | {error, atom()}",
		"A page of about 1 MiB at most, and the bound that the next one begins with: its From, in "
		"reverse its To."},
	{"store",
		"call {count, From :: binary(), To :: binary()} -> {ok, non_neg_integer()} | {error, "
		"atom()}",
		"How many keys a range has."},
	{"store", "call id -> {ok, binary()}",
		"The same of all that have the same directory; the smaller of two is the older one's."},
	{"store",
		"call stats -> {ok, #{atom() => non_neg_integer() | boolean()}} | {error, atom()}",
		"Keys and bytes; what runs and waits; what was done, refused, given up."});
