/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is checked by the server, so that what is wrong with it costs nobody else a thing, and
 * read again where it is applied; its message is held until then. When a transaction fails, each of
 * its writes has one of its own: then it is known which of them does not fit.
 *
 * The server takes and answers, the pool commits; between them goes a batch, and there is one at a
 * time.
 */
#include "examples/accel/store/writer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FORGET_EVERY_S = 10 };

typedef struct entry {
	struct entry *next;
	fl_from from;
	fl_held request;
	size_t bytes;
	/* What came of it. */
	const char *error;
	uint64_t deleted;
	bool has_next;
	scan_key next_key;
} entry;

/* Owner: the thread that commits it; from `is_committed` on who takes the entries. */
typedef struct batch {
	_Atomic(int)
		refs; /* the writer's, and that of the task, which may be dropped at any time */
	store_env *env;
	uint64_t count, commits;
	size_t turned; /* the commit that make_room ended with */
	bool must_forget, is_broken;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t committed;
	bool is_committed;
	entry *entries; /* NULL: they are taken */
} batch;

struct writer {
	store_env *env;
	entry *first, *last;
	batch *batch; /* on its way; NULL: none */
	size_t turned;
	time_t forgot_at;
	writer_counts counts;
};

/* ---- what is asked for ----------------------------------------------------------------------- */

typedef enum op_kind { OP_PUT, OP_DELETE, OP_EXPECT } op_kind;

typedef struct op {
	op_kind kind;
	fl_bin key, value;
	bool is_absent; /* OP_EXPECT: no such key */
} op;

/* The operations of a request, one after the other. */
typedef struct ops {
	fl_term rest;
	bool are_pairs, is_one;
} ops;

static ops ops_of(fl_term request)
{
	ops all = {.rest = request};

	all.are_pairs = fl_match(request, "{put_many, ~}", &all.rest);
	all.is_one = !all.are_pairs && !fl_match(request, "{write, ~}", &all.rest);
	return all;
}

static bool op_read(fl_term term, op *ret_op)
{
	op o = {0};
	bool is_op = fl_match(term, "{put, ~, ~}", &o.key, &o.value);

	if (!is_op) {
		o.kind = OP_DELETE;
		is_op = fl_match(term, "{delete, ~}", &o.key);
	}
	if (!is_op) {
		o.kind = OP_EXPECT;
		o.is_absent = fl_match(term, "{expect, ~, nil}", &o.key);
		is_op = o.is_absent || fl_match(term, "{expect, ~, ~}", &o.key, &o.value);
	}
	*ret_op = o;
	return is_op;
}

/* False at the end, or where there is no operation: then something is left. */
static bool ops_next(ops *all, op *ret_op)
{
	ops before = *all;
	fl_term one;

	*ret_op = (op){0};
	if (all->is_one) {
		all->rest = (fl_term){0};
		return before.rest.data != NULL && op_read(before.rest, ret_op);
	}
	if (fl_list_next(&all->rest, &one) &&
		(all->are_pairs ? fl_match(one, "{~, ~}", &ret_op->key, &ret_op->value)
				: op_read(one, ret_op)))
		return true;
	*all = before;
	return false;
}

static bool ops_are_over(const ops *all)
{
	return all->is_one ? all->rest.data == NULL : fl_term_kind(all->rest) == FL_NIL;
}

static const char *check_range(fl_term request)
{
	fl_bin from, to;
	size_t limit;

	if (!fl_match(request, "{delete_range, ~, ~, ~}", &from, &to, &limit) || limit < 1 ||
		limit > WRITER_DELETES_MAX)
		return "badarg";
	return from.size > ENV_KEY_MAX || to.size > ENV_KEY_MAX ? "bad_key" : NULL;
}

/* Why it is refused; NULL: it is not. */
static const char *check(fl_term request)
{
	ops all = ops_of(request);
	size_t count = 0, bytes = 0;
	op o;

	if (fl_match(request, "{delete_range, _, _, _}"))
		return check_range(request);
	while (ops_next(&all, &o)) {
		bytes += o.key.size + o.value.size;
		if (o.key.size < 1 || o.key.size > ENV_KEY_MAX)
			return "bad_key";
		if (++count > WRITER_OPS_MAX || bytes > WRITER_BYTES_MAX)
			return "too_large";
	}
	return count > 0 && ops_are_over(&all) ? NULL : "badarg";
}

/* ---- applying -------------------------------------------------------------------------------- */

static bool is_as_expected(const op *o, int rc, MDB_val found)
{
	if (rc == MDB_NOTFOUND)
		return o->is_absent;
	return !o->is_absent && found.mv_size == o->value.size &&
	       memcmp(found.mv_data, o->value.data, found.mv_size) == 0;
}

/* Before anything of the request is written. */
static int check_expected(store_env *env, MDB_txn *txn, entry *e)
{
	ops all = ops_of(e->request.term);
	MDB_val key, found;
	op o;
	int rc;

	while (ops_next(&all, &o)) {
		if (o.kind != OP_EXPECT)
			continue;
		key = env_val(o.key);
		rc = mdb_get(txn, env->data, &key, &found);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return rc;
		if (!is_as_expected(&o, rc, found))
			e->error = "mismatch";
	}
	return 0;
}

static int apply_ops(store_env *env, MDB_txn *txn, const entry *e)
{
	ops all = ops_of(e->request.term);
	MDB_val key, value;
	op o;
	int rc = 0;

	while (rc == 0 && ops_next(&all, &o)) {
		key = env_val(o.key);
		value = env_val(o.value);
		if (o.kind == OP_PUT)
			rc = mdb_put(txn, env->data, &key, &value, 0);
		else if (o.kind == OP_DELETE)
			rc = mdb_del(txn, env->data, &key, NULL);
		rc = rc == MDB_NOTFOUND ? 0 : rc;
	}
	return rc;
}

static int delete_some(entry *e, MDB_cursor *cursor, const scan *range)
{
	MDB_val key, value;
	int rc = scan_first(range, cursor, &key, &value);

	while (rc == 0 && scan_has(range, key)) {
		if (e->deleted == range->limit) {
			e->has_next = true;
			(void)scan_key_set(&e->next_key, env_bin(key));
			return 0;
		}
		rc = mdb_cursor_del(cursor, 0);
		e->deleted++;
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT); /* the one behind it */
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply_range(store_env *env, MDB_txn *txn, entry *e)
{
	scan range = {.kind = SCAN_RANGE};
	fl_bin from, to;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, env->data, &cursor);

	if (rc != 0)
		return rc;
	(void)fl_match(e->request.term, "{delete_range, ~, ~, ~}", &from, &to, &range.limit);
	(void)scan_key_set(&range.from, from);
	(void)scan_key_set(&range.to, to);
	rc = delete_some(e, cursor, &range);
	mdb_cursor_close(cursor);
	return rc;
}

static int apply(store_env *env, MDB_txn *txn, entry *e)
{
	int rc = 0;

	e->error = NULL;
	e->deleted = 0;
	e->has_next = false;
	if (fl_match(e->request.term, "{delete_range, _, _, _}"))
		return apply_range(env, txn, e);
	if (fl_match(e->request.term, "{write, _}"))
		rc = check_expected(env, txn, e);
	return rc == 0 && e->error == NULL ? apply_ops(env, txn, e) : rc;
}

/* ---- committing ------------------------------------------------------------------------------ */

static int commit(batch *b, entry *first, bool is_alone)
{
	MDB_txn *txn;
	int rc = env_write(b->env, &txn);

	if (rc != 0)
		return rc;
	for (entry *e = first; e != NULL && rc == 0; e = is_alone ? NULL : e->next)
		rc = apply(b->env, txn, e);
	if (rc != 0) {
		env_abort(b->env, txn);
		return rc;
	}
	rc = env_commit(b->env, txn);
	b->commits += rc == 0;
	return rc;
}

/* Room that there is, but not for this transaction: see env_turn. False: there is none. */
static bool make_room(batch *b)
{
	if (env_forget_dead(b->env) == 0 && env_txnid(b->env) == b->turned)
		return false;
	if (env_turn(b->env) != 0)
		return false;
	b->turned = env_txnid(b->env);
	return true;
}

static void commit_alone(batch *b, entry *e)
{
	int rc = commit(b, e, true);

	if (rc == MDB_MAP_FULL && make_room(b))
		rc = commit(b, e, true);
	if (rc == MDB_PANIC)
		b->is_broken = true;
	if (rc != 0)
		e->error = env_error(rc);
}

/* On a thread of the pool. */
static void work(void *arg, const _Atomic(bool) *cancelled)
{
	batch *b = arg;

	(void)cancelled; /* some of them may be answered yet; see writer_finish */
	if (b->must_forget)
		(void)env_forget_dead(b->env);
	if (b->count == 1 || commit(b, b->entries, false) != 0)
		for (entry *e = b->entries; e != NULL; e = e->next)
			commit_alone(b, e);
	(void)pthread_mutex_lock(&b->lock);
	b->is_committed = true;
	(void)pthread_cond_signal(&b->committed);
	(void)pthread_mutex_unlock(&b->lock);
}

/* Who gets them answers them, or nobody does. */
static entry *take_entries(batch *b)
{
	entry *all;

	(void)pthread_mutex_lock(&b->lock);
	all = b->entries;
	b->entries = NULL;
	(void)pthread_mutex_unlock(&b->lock);
	return all;
}

/* ---- entries and batches --------------------------------------------------------------------- */

static void entry_free(entry *e)
{
	fl_release(&e->request);
	free(e);
}

static void answer(const entry *e)
{
	if (e->error != NULL)
		(void)fl_reply(e->from, "{error, ~}", fl_atom_of(e->error));
	else if (!fl_match(e->request.term, "{delete_range, _, _, _}"))
		(void)fl_reply(e->from, "ok");
	else if (e->has_next)
		(void)fl_reply(e->from, "{ok, ~, ~}", e->deleted, scan_key_bin(&e->next_key));
	else
		(void)fl_reply(e->from, "{ok, ~, done}", e->deleted);
}

static void settle(writer *w, entry *all)
{
	for (entry *e = all, *next; e != NULL; e = next) {
		next = e->next;
		w->counts.waiting--;
		w->counts.waiting_bytes -= e->bytes;
		answer(e);
		entry_free(e);
	}
}

static void batch_unref(void *arg)
{
	batch *b = arg;

	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (entry *e = take_entries(b), *next; e != NULL; e = next) {
		next = e->next;
		entry_free(e);
	}
	(void)pthread_cond_destroy(&b->committed);
	(void)pthread_mutex_destroy(&b->lock);
	env_unref(b->env);
	free(b);
}

/* Those that wait, without the ones whose callers have gone. */
static entry *take_waiting(writer *w, uint64_t *ret_count)
{
	entry *all = NULL, **at = &all;

	*ret_count = 0;
	for (entry *e = w->first, *next; e != NULL; e = next) {
		next = e->next;
		e->next = NULL;
		if (fl_from_alive(e->from)) {
			*at = e;
			at = &e->next;
			++*ret_count;
			continue;
		}
		w->counts.given_up++;
		e->error = "given_up"; /* nobody gets it */
		settle(w, e);
	}
	w->first = w->last = NULL;
	return all;
}

static batch *batch_new(writer *w)
{
	batch *b = calloc(1, sizeof *b);
	time_t now = time(NULL);

	if (b == NULL)
		return NULL;
	atomic_init(&b->refs, 1);
	b->env = env_ref(w->env);
	b->turned = w->turned;
	b->must_forget = now - w->forgot_at >= FORGET_EVERY_S || now < w->forgot_at;
	if (b->must_forget)
		w->forgot_at = now;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->committed, NULL);
	b->entries = take_waiting(w, &b->count);
	return b;
}

static void refuse_waiting(writer *w, const char *why)
{
	entry *all = w->first;

	for (entry *e = all; e != NULL; e = e->next)
		e->error = why;
	w->first = w->last = NULL;
	settle(w, all);
}

/* ---- the server's side ----------------------------------------------------------------------- */

static void count_batch(writer *w, const batch *b)
{
	w->turned = b->turned;
	w->counts.commits += b->commits;
	w->counts.writes += b->count;
	if (w->counts.largest < b->count)
		w->counts.largest = b->count;
}

static void start(writer *w, fl_proc *self);

/* `arg` is the batch; its server has the writer. */
static int done(fl_proc *self, void *state, void *arg)
{
	writer *w = *(writer **)state;
	batch *b = arg;
	bool is_broken = b->is_broken;

	w->batch = NULL;
	count_batch(w, b);
	settle(w, take_entries(b));
	batch_unref(b); /* the writer's */
	batch_unref(b);
	if (is_broken)
		return fl_stop(self, "{eio, ~}", "the disk failed in mid-write");
	start(w, self);
	return FL_OK;
}

/* What waits is on its way, unless something is. */
static void start(writer *w, fl_proc *self)
{
	static const fl_task task = {.work = work, .done = done, .drop = batch_unref};
	batch *b;

	if (w->batch != NULL || w->first == NULL)
		return;
	b = batch_new(w);
	if (b == NULL) {
		refuse_waiting(w, "enomem");
		return;
	}
	atomic_store_explicit(
		&b->refs, 2, memory_order_relaxed); /* before there is another thread */
	if (b->count > 0 && fl_offload(self, &task, b) == FL_OK) {
		w->batch = b;
		return;
	}
	atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
	w->first = take_entries(b);
	batch_unref(b);
	refuse_waiting(w, "busy");
}

writer *writer_new(store_env *env)
{
	writer *w = calloc(1, sizeof *w);

	if (w != NULL)
		w->env = env;
	return w;
}

void writer_delete(writer *w)
{
	for (entry *next; w != NULL && w->first != NULL; w->first = next) {
		next = w->first->next;
		entry_free(w->first);
	}
	if (w != NULL && w->batch != NULL)
		batch_unref(w->batch);
	free(w);
}

writer_counts writer_count(const writer *w)
{
	return w->counts;
}

static bool has_room(const writer *w, size_t bytes)
{
	return w->counts.waiting < WRITER_WAITING_MAX &&
	       (w->counts.waiting == 0 || w->counts.waiting_bytes + bytes <= WRITER_BYTES_MAX);
}

static entry *entry_new(fl_proc *self, fl_from from, fl_term request)
{
	entry *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	e->from = from;
	e->bytes = sizeof *e + request.size;
	if (fl_hold(self, request, &e->request) == FL_OK && fl_later(self, from) == FL_OK)
		return e;
	entry_free(e);
	return NULL;
}

int writer_take(writer *w, fl_proc *self, fl_from from, fl_term request)
{
	const char *why = check(request);
	entry *e;

	if (why == NULL && !has_room(w, sizeof *e + request.size)) {
		w->counts.refused++;
		why = "busy";
	}
	if (why != NULL)
		return fl_reply(from, "{error, ~}", fl_atom_of(why));
	e = entry_new(self, from, request);
	if (e == NULL)
		return fl_reply(from, "{error, enomem}");
	*(w->first == NULL ? &w->first : &w->last->next) = e;
	w->last = e;
	w->counts.waiting++;
	w->counts.waiting_bytes += e->bytes;
	start(w, self);
	return FL_OK;
}

/* False: it is not committed within that time. */
static bool await(batch *b, const struct timespec *until)
{
	bool is_over = false;

	(void)pthread_mutex_lock(&b->lock);
	while (!b->is_committed && !is_over)
		is_over = pthread_cond_timedwait(&b->committed, &b->lock, until) != 0;
	is_over = !b->is_committed;
	(void)pthread_mutex_unlock(&b->lock);
	return !is_over;
}

void writer_finish(writer *w, uint32_t ms)
{
	struct timespec until;
	batch *b = w->batch;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	if (b != NULL && !await(b, &until))
		return; /* what is on its way may still get to the disk, but nobody will know */
	if (b != NULL)
		settle(w, take_entries(b));
	if (w->first == NULL || (b = batch_new(w)) == NULL)
		return;
	work(b, NULL);
	settle(w, take_entries(b));
	batch_unref(b);
}
