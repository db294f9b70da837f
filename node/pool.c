/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of workers.
 *
 *  - checkout: an idle worker, or a new one while the overflow lasts, or a place in line.
 *  - A worker that comes back goes to the first in line; else it is idle, or ended when it is one
 *    too many.
 *  - Who has a worker, or waits, is monitored: its end is a checkin, or a place in line less. A
 *    worker that ends is replaced where poolboy replaces it.
 *
 * Failure: a worker that cannot be started ends the pool, and its supervisor's wisdom follows, as
 * with poolboy. Without memory a checkout is answered `full`.
 */
#include "node/pool.h"

#include "node/behaviours.h"
#include "node/owned.h"

enum { SIZE_DEFAULT = 5, WORKERS_MAX = 4096, WAITING_MAX = 65536, CREF_BYTES_MAX = 1024 };

typedef struct worker {
	fli_link link; /* in idle or lent */
	fl_pid pid;
	bool is_lent;
	fl_ref monitor; /* of the borrower */
	fl_term cref;   /* its own copy; no data while it is idle */
} worker;

typedef struct waiter {
	fli_link link;
	fl_from from;
	fl_ref monitor;
	fl_term cref;
} waiter;

typedef struct pool {
	const fl_pool *config;
	fli_link idle; /* the one that came back last is the last */
	fli_link lent;
	fli_link waiting;
	uint32_t idle_count, lent_count, waiting_count, overflow;
	uint32_t waiting_max;
} pool;

static worker *worker_at(fli_link *link)
{
	return fli_container_of(link, worker, link);
}

static waiter *waiter_at(fli_link *link)
{
	return fli_container_of(link, waiter, link);
}

static void drop_worker(void *block)
{
	fl_term_free(((worker *)block)->cref);
}

static void drop_waiter(void *block)
{
	fl_term_free(((waiter *)block)->cref);
}

/* ---- workers ----------------------------------------------------------------------------------
 */

static int start_worker(fl_proc *self, pool *p, worker **ret)
{
	const char *args = p->config->args == NULL ? "[]" : p->config->args;
	fl_start_options options = {.link = true};
	worker *w = fli_owned_alloc_with(self, sizeof *w, drop_worker);
	int rc = FL_ENOMEM;

	if (w == NULL)
		return rc;
	*w = (worker){.is_lent = false};
	fli_list_create(&w->link);
	rc = fl_start_spec(self, p->config->worker, &options, &w->pid, (fl_spec){.pattern = args});
	if (rc != FL_OK) {
		fli_owned_free(w);
		return rc;
	}
	*ret = w;
	return FL_OK;
}

static int stop_for(fl_proc *self, int rc)
{
	return fl_stop(self, "{worker, ~}", fl_atom_of(fl_error_atom(rc)));
}

static void make_idle(pool *p, worker *w)
{
	w->is_lent = false;
	fl_term_free(w->cref);
	w->cref = (fl_term){.data = NULL};
	fli_list_append(&p->idle, &w->link);
	p->idle_count++;
}

static worker *take_idle(pool *p)
{
	fli_link *link = p->config->strategy == FL_POOL_FIFO ? p->idle.next : p->idle.prev;

	if (link == &p->idle)
		return NULL;
	fli_list_remove(link);
	p->idle_count--;
	return worker_at(link);
}

static worker *find_in(fli_link *list, const fl_pid *pid)
{
	for (fli_link *at = list->next; at != list; at = at->next)
		if (fl_pid_eq(&worker_at(at)->pid, pid))
			return worker_at(at);
	return NULL;
}

/* `cref` becomes the worker's; the borrower is monitored already. */
static void lend(pool *p, worker *w, fl_ref monitor, fl_term cref)
{
	w->is_lent = true;
	w->monitor = monitor;
	w->cref = cref;
	fli_list_append(&p->lent, &w->link);
	p->lent_count++;
}

static void take_back(fl_proc *self, pool *p, worker *w)
{
	(void)fl_demonitor(self, w->monitor); /* one that has fired is flushed */
	fli_list_remove(&w->link);
	fl_term_free(w->cref);
	w->cref = (fl_term){.data = NULL};
	p->lent_count--;
}

/* ---- the line ---------------------------------------------------------------------------------
 */

static void leave_line(fl_proc *self, pool *p, waiter *wait)
{
	(void)fl_demonitor(self, wait->monitor);
	fli_list_remove(&wait->link);
	p->waiting_count--;
	fli_owned_free(wait);
}

/* The first that still waits gets the worker; false: nobody does. */
static bool serve_line(fl_proc *self, pool *p, worker *w)
{
	while (!fli_list_is_empty(&p->waiting)) {
		waiter *first = waiter_at(p->waiting.next);
		fl_term cref = first->cref;

		if (!fl_from_alive(first->from) || fl_reply(first->from, "~", w->pid) != FL_OK) {
			leave_line(self, p, first);
			continue;
		}
		lend(p, w, first->monitor, cref);
		first->cref = (fl_term){.data = NULL}; /* both are the worker's now */
		fli_list_remove(&first->link);
		p->waiting_count--;
		fli_owned_free(first);
		return true;
	}
	return false;
}

/* Somebody may have the worker, or it is idle, or one too many. */
static void return_worker(fl_proc *self, pool *p, worker *w)
{
	if (serve_line(self, p, w))
		return;
	if (p->overflow == 0) {
		make_idle(p, w);
		return;
	}
	p->overflow--;
	(void)fl_unlink(self, w->pid);
	(void)fl_exit(self, w->pid, "shutdown");
	fli_owned_free(w);
}

/* ---- checkout ---------------------------------------------------------------------------------
 */

/* Whose end is the end of a checkout. */
static int watch_caller(fl_proc *self, fl_from from, fl_ref *ret_monitor)
{
	fl_pid caller;

	return fl_from_pid(from, &caller) ? fl_monitor(self, caller, ret_monitor) : FL_ENOPROC;
}

static int join_line(fl_proc *self, pool *p, fl_from from, fl_term cref)
{
	waiter *wait = NULL;

	if (p->waiting_count < p->waiting_max)
		wait = fli_owned_alloc_with(self, sizeof *wait, drop_waiter);
	if (wait == NULL)
		return fl_reply(from, "full");
	*wait = (waiter){.from = from, .cref = fl_copy(cref)};
	if (wait->cref.data == NULL || watch_caller(self, from, &wait->monitor) != FL_OK) {
		fli_list_create(&wait->link);
		fli_owned_free(wait);
		return fl_reply(from, "full");
	}
	fli_list_append(&p->waiting, &wait->link);
	p->waiting_count++;
	return fl_later(self, from);
}

static int lend_now(fl_proc *self, pool *p, worker *w, fl_from from, fl_term cref)
{
	fl_term kept = fl_copy(cref);
	fl_ref monitor;

	if (kept.data == NULL || watch_caller(self, from, &monitor) != FL_OK) {
		fl_term_free(kept);
		return_worker(self, p, w);
		return fl_reply(from, "full");
	}
	lend(p, w, monitor, kept);
	return fl_reply(from, "~", w->pid);
}

static int checkout(fl_proc *self, pool *p, fl_from from, fl_term cref, bool block)
{
	worker *w;
	int rc;

	if (cref.size > CREF_BYTES_MAX)
		return fl_reply(from, "{error, invalid_message}");
	w = take_idle(p);
	if (w == NULL && p->overflow < p->config->max_overflow) {
		rc = start_worker(self, p, &w);
		if (rc != FL_OK)
			return stop_for(self, rc);
		p->overflow++;
	}
	if (w != NULL)
		return lend_now(self, p, w, from, cref);
	if (!block)
		return fl_reply(from, "full");
	return join_line(self, p, from, cref);
}

/* ---- how it is --------------------------------------------------------------------------------
 */

static const char *state_name(const pool *p)
{
	uint32_t max = p->config->max_overflow;

	if (p->overflow > 0)
		return p->overflow >= max ? "full" : "overflow";
	if (p->idle_count > 0)
		return "ready";
	return max == 0 ? "full" : "overflow";
}

static int reply_idle(const pool *p, fl_from from)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	fl_list_open(&list);
	for (fli_link *at = p->idle.next; at != &p->idle; at = at->next)
		(void)fl_build(&list, "~", worker_at(at)->pid);
	fl_list_close(&list);
	rc = fl_reply(from, "~", fl_buf_term(&list));
	fl_buf_free(&list);
	return rc;
}

static void write_children(fl_buf *list, const fl_pool *config, const fli_link *workers)
{
	fl_atom module = fl_atom_of(config->worker->name);

	for (fli_link *at = workers->next; at != workers; at = at->next)
		(void)fl_build(list, "{undefined, ~, worker, [~]}", worker_at(at)->pid, module);
}

static int reply_all(const pool *p, fl_from from)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	fl_list_open(&list);
	write_children(&list, p->config, &p->idle);
	write_children(&list, p->config, &p->lent);
	fl_list_close(&list);
	rc = fl_reply(from, "~", fl_buf_term(&list));
	fl_buf_free(&list);
	return rc;
}

static int reply_monitors(const pool *p, fl_from from)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	fl_list_open(&list);
	for (fli_link *at = p->lent.next; at != &p->lent; at = at->next)
		(void)fl_build(&list, "{~, ~}", worker_at(at)->pid, worker_at(at)->monitor);
	fl_list_close(&list);
	rc = fl_reply(from, "~", fl_buf_term(&list));
	fl_buf_free(&list);
	return rc;
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	pool *p = state;
	uint32_t size;
	int rc = FL_OK;

	(void)args; /* what it is stands in its behaviour */
	p->config = self->behaviour->pool;
	fli_list_create(&p->idle);
	fli_list_create(&p->lent);
	fli_list_create(&p->waiting);
	size = p->config->size == 0 ? SIZE_DEFAULT : p->config->size;
	p->waiting_max = p->config->waiting_max == 0 || p->config->waiting_max > WAITING_MAX
				 ? WAITING_MAX
				 : p->config->waiting_max;
	if (size > WORKERS_MAX || p->config->max_overflow > WORKERS_MAX - size)
		return fl_stop(self, "{limit, workers}");
	for (uint32_t i = 0; i < size && rc == FL_OK; i++) {
		worker *w;

		rc = start_worker(self, p, &w);
		if (rc == FL_OK)
			make_idle(p, w);
	}
	return rc == FL_OK ? FL_OK : stop_for(self, rc);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	pool *p = state;
	fl_term cref;
	bool block;

	if (fl_match(request, "{checkout, ~, ~}", &cref, &block))
		return checkout(self, p, from, cref, block);
	if (fl_match(request, "status"))
		return fl_reply(from, "{~, ~, ~, ~}", fl_atom_of(state_name(p)), p->idle_count,
			p->overflow, p->lent_count);
	if (fl_match(request, "waiting"))
		return fl_reply(from, "~", p->waiting_count);
	if (fl_match(request, "get_avail_workers"))
		return reply_idle(p, from);
	if (fl_match(request, "get_all_workers"))
		return reply_all(p, from);
	if (fl_match(request, "get_all_monitors"))
		return reply_monitors(p, from);
	if (fl_match(request, "stop")) {
		(void)fl_reply(from, "ok"); /* whether it is heard or not */
		return fl_stop(self, "normal");
	}
	return fl_reply(from, "{error, invalid_message}");
}

/* A checkout that its caller has given up: of a worker, or of a place in line. */
static void cancel(fl_proc *self, pool *p, fl_term cref)
{
	for (fli_link *at = p->lent.next; at != &p->lent; at = at->next)
		if (fl_equal(worker_at(at)->cref, cref)) {
			worker *w = worker_at(at);

			take_back(self, p, w);
			return_worker(self, p, w);
			return;
		}
	for (fli_link *at = p->waiting.next; at != &p->waiting; at = at->next)
		if (fl_equal(waiter_at(at)->cref, cref)) {
			leave_line(self, p, waiter_at(at));
			return;
		}
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	pool *p = state;
	fl_term cref;
	fl_pid pid;
	worker *w;

	if (fl_match(message, "{cancel_waiting, ~}", &cref)) {
		cancel(self, p, cref);
		return FL_OK;
	}
	w = fl_match(message, "{checkin, ~}", &pid) ? find_in(&p->lent, &pid) : NULL;
	if (w != NULL) {
		take_back(self, p, w);
		return_worker(self, p, w);
	}
	return FL_OK;
}

/* Who had a worker, or waited, has ended. */
static void on_down(fl_proc *self, pool *p, const fl_ref *ref)
{
	for (fli_link *at = p->lent.next; at != &p->lent; at = at->next)
		if (fl_ref_eq(&worker_at(at)->monitor, ref)) {
			worker *w = worker_at(at);

			take_back(self, p, w);
			return_worker(self, p, w);
			return;
		}
	for (fli_link *at = p->waiting.next; at != &p->waiting; at = at->next)
		if (fl_ref_eq(&waiter_at(at)->monitor, ref)) {
			leave_line(self, p, waiter_at(at));
			return;
		}
}

/* Replaced where poolboy does: not one that was overflow while nobody waits. */
static int replace(fl_proc *self, pool *p, bool was_lent)
{
	worker *w;
	int rc;

	if (was_lent && p->overflow > 0 && fli_list_is_empty(&p->waiting)) {
		p->overflow--;
		return FL_OK;
	}
	rc = start_worker(self, p, &w);
	if (rc != FL_OK)
		return stop_for(self, rc);
	if (!was_lent || !serve_line(self, p, w))
		make_idle(p, w);
	return FL_OK;
}

static int on_exit(fl_proc *self, pool *p, const fl_pid *pid)
{
	worker *w = find_in(&p->lent, pid);
	bool was_lent = w != NULL;

	if (was_lent) {
		take_back(self, p, w);
	} else {
		w = find_in(&p->idle, pid);
		if (w == NULL)
			return FL_OK;
		fli_list_remove(&w->link);
		p->idle_count--;
	}
	fli_owned_free(w);
	return replace(self, p, was_lent);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_pid pid;
	fl_ref ref;

	if (fl_match(message, "{'DOWN', ~, process, _, _}", &ref))
		on_down(self, state, &ref);
	else if (fl_match(message, "{'EXIT', ~, _}", &pid))
		return on_exit(self, state, &pid);
	return FL_OK;
}

static void end_all(fl_proc *self, fli_link *workers)
{
	for (fli_link *at = workers->next; at != workers; at = at->next)
		(void)fl_exit(self, worker_at(at)->pid, "shutdown");
}

/* Those that are in line are told by the end of the pool. */
static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	pool *p = state;

	(void)reason; /* a normal end takes no linked process with it */
	end_all(self, &p->idle);
	end_all(self, &p->lent);
}

static int on_format_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const pool *p = state;

	(void)self; /* called with the context */
	if (p->config == NULL)
		return fl_build(ret_status, "starting");
	return fl_build(ret_status,
		"#{state => ~, size => ~, idle => ~, lent => ~, overflow => ~, max_overflow => ~, "
		"waiting => ~, waiting_max => ~}",
		fl_atom_of(state_name(p)), p->config->size == 0 ? SIZE_DEFAULT : p->config->size,
		p->idle_count, p->lent_count, p->overflow, p->config->max_overflow,
		p->waiting_count, p->waiting_max);
}

fl_behaviour fli_pool_handlers(const fl_behaviour *behaviour)
{
	return (fl_behaviour){
		.name = behaviour->name,
		.state_size = sizeof(pool),
		.init = on_init,
		.call = on_call,
		.cast = on_cast,
		.info = on_info,
		.terminate = on_terminate,
		.format_status = on_format_status,
		.trap_exit = true,
		.global_name = behaviour->global_name,
		.groups = behaviour->groups,
		.pool = behaviour->pool,
	};
}

/* ---- for who borrows --------------------------------------------------------------------------
 */

int fl_pool_checkout_dest(fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_pid *ret_worker)
{
	fl_ref cref = fl_make_ref(self);
	bool block = timeout_ms > 0;
	fl_term reply;
	int rc = fl_call(self, to, block ? timeout_ms : FL_INFINITY, &reply, "{checkout, ~, ~}",
		cref, fl_bool(block));

	if (rc == FL_ETIMEOUT)
		(void)fl_cast(self, to, "{cancel_waiting, ~}", cref); /* or its end is heard of */
	if (rc != FL_OK)
		return rc;
	if (fl_match(reply, "~", ret_worker))
		return FL_OK;
	return fl_match(reply, "full") ? FL_EBUSY : FL_EFORMAT;
}

int fl_pool_checkin_dest(fl_proc *self, fl_dest to, fl_pid pid)
{
	return fl_cast(self, to, "{checkin, ~}", pid);
}

int fl_pool_transaction_dest(
	fl_proc *self, fl_dest to, uint32_t timeout_ms, fl_pool_work *work, void *arg)
{
	fl_pid pid;
	int rc = fl_pool_checkout_dest(self, to, timeout_ms, &pid), back;

	if (rc != FL_OK)
		return rc;
	rc = work(self, pid, arg);
	back = fl_pool_checkin_dest(self, to, pid);
	return rc == FL_OK ? back : rc;
}

int fl_pool_status_dest(fl_proc *self, fl_dest to, fl_pool_status *ret_status)
{
	fl_term reply;
	fl_atom name;
	fl_pool_status status;
	int rc = fl_call(self, to, FL_INFINITY, &reply, "status");

	if (rc == FL_OK && !fl_match(reply, "{~, ~, ~, ~}", &name, &status.idle, &status.overflow,
				   &status.lent))
		rc = FL_EFORMAT;
	if (rc != FL_OK)
		return rc;
	status.is_full = fl_atom_is(name, "full");
	rc = fl_call(self, to, FL_INFINITY, &reply, "waiting");
	if (rc == FL_OK && fl_match(reply, "~", &status.waiting))
		*ret_status = status;
	return rc;
}
