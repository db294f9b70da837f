/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable tables: a queue, a thread that writes, and who gets told.
 *
 * - A write is copied into a request and queued. The table's thread takes all that waits (one at a
 *   time with FL_SYNC_EACH), runs it in one transaction, commits, and then answers: {Ref, ok} to a
 *   process, a condition to a thread that waits. One flush of the disk is so shared by many writes.
 * - Whatever cannot be written fails alone, if it can be told apart; when the transaction fails,
 * all of it does, and the file is as before.
 * - With FL_SYNC_INTERVAL the thread wakes up to flush, when there is something to flush.
 *
 * Tables hang from the node: the same path is the same table, and those that nobody closed are
 * closed when the node ends.
 *
 * Failure: a full queue refuses (FL_ELIMIT). Answers to processes that have ended are dropped.
 */
#include "node/durable.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/durable_store.h"
#include "node/sched.h"

enum { WAITING_MAX = 65536, INTERVAL_MS = 1000, BATCH_MAX = 4096 };
#define WAITING_BYTES_MAX ((size_t)256 << 20)

typedef struct request {
	struct request *next;
	fl_durable_op op;
	bool wants_answer; /* {Ref, _} to `to` */
	fl_pid to;
	fl_ref ref;
	bool *done; /* of a thread that waits; NULL: none */
	int *ret_rc;
	bool is_sync;
	int rc;
	fl_term what; /* a copy; empty for a sync */
} request;

struct fl_durable {
	fli_link in_node; /* the registry's mutex */
	uint32_t users;   /* likewise */
	fl_node *node;
	fli_store *store;
	fl_sync sync;
	uint32_t interval_ms;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;  /* the thread waits for requests */
	pthread_cond_t done;  /* others for answers */
	request *first, *last;
	uint32_t waiting;
	size_t waiting_bytes;
	bool is_ending;
	_Atomic(uint64_t) commits; /* any */
	char path[];
};

struct fli_durables {
	pthread_mutex_t lock;
	fli_link tables;
};

/* ---- the thread ------------------------------------------------------------------------------ */

static void free_request(request *r)
{
	fl_term_free(r->what);
	free(r);
}

static struct timespec deadline(uint32_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* Under the lock: what waits, up to `max`; NULL when the table ends and nothing is left. */
static request *take(fl_durable *table, uint32_t max)
{
	request *first = table->first, *last = first;

	if (first == NULL)
		return NULL;
	for (uint32_t n = 1; n < max && last->next != NULL; n++)
		last = last->next;
	table->first = last->next;
	if (table->first == NULL)
		table->last = NULL;
	last->next = NULL;
	return first;
}

/* Waits for requests; *ret_flush: the interval is over, and something is not flushed. */
static request *next_batch(fl_durable *table, bool is_dirty, bool *ret_flush)
{
	uint32_t max = table->sync == FL_SYNC_EACH ? 1 : BATCH_MAX;
	struct timespec until = deadline(table->interval_ms);
	request *batch;
	int rc = 0;

	*ret_flush = false;
	pthread_mutex_lock(&table->lock);
	while (table->first == NULL && !table->is_ending && rc == 0) {
		if (is_dirty && table->sync == FL_SYNC_INTERVAL)
			rc = pthread_cond_timedwait(&table->more, &table->lock, &until);
		else
			pthread_cond_wait(&table->more, &table->lock);
	}
	*ret_flush = rc != 0;
	batch = take(table, max);
	pthread_mutex_unlock(&table->lock);
	return batch;
}

static void fail_all(request *batch, int rc)
{
	for (request *r = batch; r != NULL; r = r->next)
		r->rc = rc;
}

static void run_batch(fl_durable *table, request *batch)
{
	bool wants_sync = false;
	int rc = fli_store_begin(table->store);

	for (request *r = batch; r != NULL && rc == FL_OK; r = r->next) {
		wants_sync = wants_sync || r->is_sync;
		if (r->is_sync)
			continue;
		r->rc = fli_store_write(table->store, r->op, r->what);
		if (r->rc != FL_OK && r->rc != FL_EALREADY && r->rc != FL_EINVAL) {
			rc = r->rc;
			fli_store_abort(table->store);
		}
	}
	if (rc == FL_OK)
		rc = fli_store_commit(table->store);
	if (rc == FL_OK && wants_sync)
		rc = fli_store_sync(table->store);
	if (rc != FL_OK)
		fail_all(batch, rc);
	else
		(void)atomic_fetch_add(&table->commits, 1);
}

static void tell(fl_durable *table, const request *r)
{
	fl_dest to = fl_to_pid(r->to);
	fl_node *node = table->node;

	if (r->op == FL_DURABLE_INSERT_NEW && (r->rc == FL_OK || r->rc == FL_EALREADY))
		(void)fli_send_spec(
			node, NULL, &to, fl_spec("{~, ~}", r->ref, fl_bool(r->rc == FL_OK)));
	else if (r->rc == FL_OK)
		(void)fli_send_spec(node, NULL, &to, fl_spec("{~, ok}", r->ref));
	else
		(void)fli_send_spec(node, NULL, &to,
			fl_spec("{~, {error, ~}}", r->ref, fl_atom_of(fl_error_atom(r->rc))));
}

/* To those who are processes, in one stay in the context; to those who wait; then they are gone. */
static void answer(fl_durable *table, request *batch)
{
	bool is_in = false;
	uint32_t count = 0;
	size_t bytes = 0;

	for (request *r = batch; r != NULL; r = r->next) {
		if (!r->wants_answer)
			continue;
		if (!is_in)
			fli_enter(table->node);
		is_in = true;
		tell(table, r);
	}
	if (is_in)
		fli_leave(table->node);
	pthread_mutex_lock(&table->lock);
	while (batch != NULL) {
		request *next = batch->next;

		if (batch->done != NULL) {
			*batch->ret_rc = batch->rc;
			*batch->done = true;
		}
		count++;
		bytes += batch->what.size;
		free_request(batch);
		batch = next;
	}
	table->waiting -= count;
	table->waiting_bytes -= bytes;
	pthread_cond_broadcast(&table->done);
	pthread_mutex_unlock(&table->lock);
}

static void *run(void *arg)
{
	fl_durable *table = arg;
	bool is_dirty = false, flush;
	request *batch;

	while ((batch = next_batch(table, is_dirty, &flush)) != NULL || flush) {
		if (flush)
			is_dirty = fli_store_sync(table->store) != FL_OK;
		if (batch == NULL)
			continue;
		run_batch(table, batch);
		answer(table, batch);
		is_dirty = true;
	}
	return NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Takes the request in any case. */
static int enqueue(fl_durable *table, request *r)
{
	int rc = FL_OK;

	pthread_mutex_lock(&table->lock);
	if (table->is_ending)
		rc = FL_ECLOSED;
	else if (table->waiting >= WAITING_MAX ||
		 table->waiting_bytes + r->what.size > WAITING_BYTES_MAX)
		rc = FL_ELIMIT;
	if (rc == FL_OK) {
		if (table->last == NULL)
			table->first = r;
		else
			table->last->next = r;
		table->last = r;
		table->waiting++;
		table->waiting_bytes += r->what.size;
		pthread_cond_signal(&table->more);
	}
	pthread_mutex_unlock(&table->lock);
	if (rc != FL_OK)
		free_request(r);
	return rc;
}

static int make_request(fl_durable_op op, fl_spec what, request **ret_request)
{
	fl_buf buf = FL_BUF_INIT;
	request *r = calloc(1, sizeof *r);
	int rc = r == NULL ? FL_ENOMEM
			   : fl_build_values(&buf, what.pattern, what.values, what.count);

	if (rc == FL_OK) {
		r->op = op;
		r->what = fl_copy(fl_buf_term(&buf));
		rc = r->what.data == NULL ? FL_ENOMEM : FL_OK;
	}
	fl_buf_free(&buf);
	if (rc == FL_OK)
		*ret_request = r;
	else
		free(r);
	return rc;
}

int fl_durable_ask(
	fl_proc *self, fl_durable *table, fl_durable_op op, fl_ref *ret_ref, fl_spec what)
{
	request *r;
	int rc = make_request(op, what, &r);

	if (rc != FL_OK)
		return rc;
	if (ret_ref != NULL) {
		*ret_ref = r->ref = fl_make_ref(self);
		r->to = fl_self(self);
		r->wants_answer = true;
	}
	return enqueue(table, r);
}

static int wait_for(fl_durable *table, request *r)
{
	bool done = false;
	int rc, result = FL_OK;

	r->done = &done;
	r->ret_rc = &result;
	rc = enqueue(table, r);
	if (rc != FL_OK)
		return rc;
	pthread_mutex_lock(&table->lock);
	while (!done)
		pthread_cond_wait(&table->done, &table->lock);
	pthread_mutex_unlock(&table->lock);
	return result;
}

int fl_durable_do(fl_durable *table, fl_durable_op op, fl_spec what)
{
	request *r;
	int rc = make_request(op, what, &r);

	return rc == FL_OK ? wait_for(table, r) : rc;
}

int fl_durable_sync(fl_durable *table)
{
	request *r = calloc(1, sizeof *r);

	if (r == NULL)
		return FL_ENOMEM;
	r->is_sync = true;
	return wait_for(table, r);
}

/* ---- reading --------------------------------------------------------------------------------- */

int fl_durable_lookup_key(fl_durable *table, fl_value key, fl_buf *ret_objects)
{
	fl_buf buf = FL_BUF_INIT;
	int rc = fl_build_values(&buf, "~", &key, 1);

	if (rc == FL_OK)
		rc = fli_store_lookup(table->store, fl_buf_term(&buf), ret_objects);
	fl_buf_free(&buf);
	return rc;
}

int fl_durable_walk(fl_durable *table, fl_table_step step, fl_term key, fl_buf *ret_key)
{
	if (step != FL_FIRST && step != FL_NEXT)
		return FL_ENOTSUP;
	return fli_store_walk(table->store, step, key, ret_key);
}

int fl_durable_fold(fl_durable *table, fl_table_visit *visit, void *ctx)
{
	return fli_store_fold(table->store, visit, ctx);
}

int fl_durable_info_get(fl_durable *table, fl_durable_info *ret_info)
{
	fl_durable_info info = {.commits = atomic_load(&table->commits)};
	int rc = fli_store_info(table->store, &info);

	if (rc != FL_OK)
		return rc;
	pthread_mutex_lock(&table->lock);
	info.waiting = table->waiting;
	pthread_mutex_unlock(&table->lock);
	*ret_info = info;
	return FL_OK;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int make_locks(fl_durable *table)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	if (rc == 0)
		rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_mutex_init(&table->lock, NULL);
	if (rc == 0)
		rc = pthread_cond_init(&table->more, &attr);
	if (rc == 0)
		rc = pthread_cond_init(&table->done, NULL);
	return rc == 0 ? FL_OK : FL_ENOMEM;
}

static fl_durable *make_table(
	fl_node *node, const char *path, const fl_durable_options *options, fl_error *err)
{
	size_t size = strlen(path) + 1;
	fl_durable *table = fli_zalloc(node->mem, sizeof *table + size);

	if (table == NULL) {
		(void)fl_error_set(err, FL_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(table->path, path, size);
	table->node = node;
	table->users = 1;
	table->sync = options->sync;
	table->interval_ms = options->interval_ms == 0 ? INTERVAL_MS : options->interval_ms;
	fli_list_create(&table->in_node);
	if (fli_store_open(&table->store, node->mem, path, options, err) != FL_OK) {
		fli_free(node->mem, table);
		return NULL;
	}
	if (make_locks(table) == FL_OK && pthread_create(&table->thread, NULL, run, table) == 0)
		return table;
	(void)fl_error_set(err, FL_ELIMIT, "%s: no thread to write it", path);
	fli_store_close(table->store);
	fli_free(node->mem, table);
	return NULL;
}

/* Nobody finds it any more. */
static void end_table(fl_durable *table)
{
	pthread_mutex_lock(&table->lock);
	table->is_ending = true;
	pthread_cond_signal(&table->more);
	pthread_mutex_unlock(&table->lock);
	(void)pthread_join(table->thread, NULL); /* it is ours, and joined once */
	fli_store_close(table->store);
	pthread_cond_destroy(&table->more);
	pthread_cond_destroy(&table->done);
	pthread_mutex_destroy(&table->lock);
	fli_free(table->node->mem, table);
}

static struct fli_durables *durables_of(fl_node *node)
{
	struct fli_durables *all;

	fli_enter(node);
	all = node->durables;
	if (all == NULL && (all = fli_zalloc(node->mem, sizeof *all)) != NULL) {
		fli_list_create(&all->tables);
		if (pthread_mutex_init(&all->lock, NULL) != 0) {
			fli_free(node->mem, all);
			all = NULL;
		}
		node->durables = all;
	}
	fli_leave(node);
	return all;
}

static fl_durable *find_table(struct fli_durables *all, const char *path)
{
	for (fli_link *link = all->tables.next; link != &all->tables; link = link->next) {
		fl_durable *table = fli_container_of(link, fl_durable, in_node);

		if (strcmp(table->path, path) == 0)
			return table;
	}
	return NULL;
}

static bool is_allowed(fl_node *node, const fl_durable_options *options, fl_error *err)
{
	if (node->stand_in != NULL) {
		(void)fl_error_set(err, FL_ENOTSUP, "durable tables need threads and a disk");
		fl_error_why(err, "a simulated node has neither");
		return false;
	}
	if (options->type != FL_TABLE_ORDERED_SET && options->type <= FL_TABLE_DUPLICATE_BAG)
		return true;
	(void)fl_error_set(err, FL_EINVAL, "a durable table is a set, bag or duplicate_bag");
	return false;
}

int fl_durable_open(fl_node *node, const char *path, const fl_durable_options *options,
	fl_durable **ret_table, fl_error *err)
{
	static const fl_durable_options none = {0};
	struct fli_durables *all;
	fl_error own = {0};
	fl_durable *table;

	err = err == NULL ? &own : err;
	options = options == NULL ? &none : options;
	if (!is_allowed(node, options, err))
		return err->code;
	all = durables_of(node);
	if (all == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	pthread_mutex_lock(&all->lock);
	table = find_table(all, path);
	if (table != NULL) {
		table->users++;
	} else {
		table = make_table(node, path, options, err);
		if (table != NULL)
			fli_list_append(&all->tables, &table->in_node);
	}
	pthread_mutex_unlock(&all->lock);
	if (table == NULL)
		return err->code;
	*ret_table = table;
	return FL_OK;
}

void fl_durable_close(fl_durable *table)
{
	struct fli_durables *all = table->node->durables;
	bool is_last;

	pthread_mutex_lock(&all->lock);
	is_last = --table->users == 0;
	if (is_last)
		fli_list_remove(&table->in_node);
	pthread_mutex_unlock(&all->lock);
	if (is_last)
		end_table(table);
}

void fli_durables_delete(fl_node *node)
{
	struct fli_durables *all = node->durables;
	bool is_owner = !fli_context_is_lost(node);
	fli_link *link;

	if (all == NULL)
		return;
	if (is_owner)
		fli_leave(node); /* the tables' threads may be waiting for it, to answer */
	while ((link = fli_list_pop(&all->tables)) != NULL)
		end_table(fli_container_of(link, fl_durable, in_node));
	if (is_owner)
		fli_enter(node);
	pthread_mutex_destroy(&all->lock);
	fli_free(node->mem, all);
	node->durables = NULL;
}
