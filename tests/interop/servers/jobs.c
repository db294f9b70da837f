/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks of C on request, for t_task.erl, and functions for the tasks of Elixir, for t_task.exs.
 *
 * A job is {value, T} | {raise, exit | error | throw, T} | hang: until it is cancelled, which is
 * counted | {gate, N, T}: T, once the gate is open to N.
 */
#include <flitch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_int gate, stopped; /* of this program, which loads the file once */

struct jobs {
	fl_pid watcher;
	bool is_watched;
};

/* ---- jobs ------------------------------------------------------------------------------------ */

static void breathe(void)
{
	const struct timespec one_ms = {.tv_nsec = 1000000};

	(void)nanosleep(&one_ms, NULL);
}

static int raise_class(fl_term class)
{
	if (fl_match(class, "exit"))
		return FL_EXIT;
	return fl_match(class, "throw") ? FL_THROW : FL_ERROR;
}

static int run(void *arg, const _Atomic(bool) *cancelled, fl_buf *ret_result)
{
	fl_term job = *(fl_term *)arg, term, class;
	int number;

	if (fl_match(job, "{value, ~}", &term))
		return fl_build(ret_result, "~", term);
	if (fl_match(job, "{raise, ~, ~}", &class, &term))
		return fl_raise(ret_result, raise_class(class), "~", term);
	if (fl_match(job, "{gate, ~, ~}", &number, &term)) {
		while (atomic_load(&gate) < number && !atomic_load(cancelled))
			breathe();
		return fl_build(ret_result, "~", term);
	}
	while (!atomic_load(cancelled))
		breathe();
	atomic_fetch_add(&stopped, 1);
	return fl_raise(ret_result, FL_EXIT, "cancelled");
}

static void drop(void *arg)
{
	fl_term_free(*(fl_term *)arg);
	free(arg);
}

static const fl_job job = {.run = run, .drop = drop};

static void *arg_of(fl_term what)
{
	fl_term *own = malloc(sizeof *own);

	*own = fl_copy(what);
	return own;
}

/* ---- what is asked --------------------------------------------------------------------------- */

static uint32_t ms_of(fl_term time)
{
	uint32_t ms = FL_INFINITY;

	if (fl_match(time, "brutal_kill"))
		return FL_BRUTAL_KILL;
	return fl_match(time, "~", &ms) ? ms : FL_INFINITY;
}

static int answer(fl_from from, int rc, fl_term result)
{
	if (rc == FL_OK)
		return fl_reply(from, "{ok, ~}", result);
	if (rc == FL_EEXIT)
		return fl_reply(from, "{exit, ~}", result);
	return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

static int await(fl_proc *self, fl_from from, fl_term what, fl_term time)
{
	fl_term result = what;
	fl_async task;
	int rc = fl_task_async(self, &job, arg_of(what), &task);

	return answer(
		from, rc == FL_OK ? fl_task_await(self, &task, ms_of(time), &result) : rc, result);
}

/* Started, not over yet; then the gate opens, and it is. */
static int yield(fl_proc *self, fl_from from)
{
	fl_buf what = FL_BUF_INIT;
	fl_term result;
	fl_async task;
	int first, last, after;

	atomic_store(&gate, 0);
	(void)fl_build(&what, "{gate, 1, through}");
	(void)fl_task_async(self, &job, arg_of(fl_buf_term(&what)), &task);
	fl_buf_free(&what);
	first = fl_task_yield(self, &task, 1, NULL);
	atomic_store(&gate, 1);
	last = fl_task_yield(self, &task, FL_INFINITY, &result);
	after = fl_task_await(self, &task, 0, NULL);
	return fl_reply(from, "{~, ~, ~, ~}", fl_atom_of(fl_error_atom(first)),
		fl_atom_of(fl_error_atom(last)), result, fl_atom_of(fl_error_atom(after)));
}

static int await_many(fl_proc *self, fl_from from, fl_term list, fl_term time)
{
	fl_async tasks[64];
	fl_term results[64], what;
	fl_buf all = FL_BUF_INIT;
	size_t count = 0;
	int rc = FL_OK;

	while (rc == FL_OK && count < 64 && fl_list_next(&list, &what))
		rc = fl_task_async(self, &job, arg_of(what), &tasks[count++]);
	if (rc == FL_OK)
		rc = fl_task_await_many(self, tasks, count, ms_of(time), results);
	if (rc != FL_OK)
		return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
	fl_list_open(&all);
	for (size_t i = 0; i < count; i++)
		(void)fl_build(&all, "~", results[i]);
	fl_list_close(&all);
	rc = answer(from, FL_OK, fl_buf_term(&all));
	fl_buf_free(&all);
	return rc;
}

static int nolink(fl_proc *self, fl_from from, fl_atom supervisor, fl_term what)
{
	fl_term result = what;
	fl_async task;
	int rc = fl_task_async_nolink(self, supervisor, &job, arg_of(what), &task);

	return answer(from, rc == FL_OK ? fl_task_await(self, &task, 60000, &result) : rc, result);
}

static int start_child(fl_proc *self, fl_from from, fl_atom supervisor, fl_term what)
{
	fl_pid pid;
	int rc = fl_task_start_child(self, supervisor, &job, arg_of(what), &pid);

	return rc == FL_OK ? fl_reply(from, "{ok, ~}", pid) : answer(from, rc, what);
}

static int end_task(fl_proc *self, fl_from from, fl_term what, fl_term time)
{
	fl_term result = what;
	fl_async task;
	int rc = fl_task_async(self, &job, arg_of(what), &task);

	return answer(from, rc == FL_OK ? fl_task_shutdown(self, &task, ms_of(time), &result) : rc,
		result);
}

/* ---- streams --------------------------------------------------------------------------------- */

struct stream {
	fl_term pieces;
	fl_buf results;
	uint64_t left; /* results until it ends itself */
};

static bool next(void *ctx, void **ret_arg)
{
	struct stream *s = ctx;
	fl_term what;

	if (!fl_list_next(&s->pieces, &what))
		return false;
	*ret_arg = arg_of(what);
	return true;
}

static int result(fl_proc *self, void *ctx, int rc, fl_term term)
{
	struct stream *s = ctx;

	(void)self;
	(void)fl_build(&s->results, rc == FL_OK ? "{ok, ~}" : "{exit, ~}", term);
	return --s->left == 0 ? FL_EBUSY : FL_OK;
}

static int stream(fl_proc *self, fl_from from, fl_term pieces, fl_term options)
{
	struct stream s = {.pieces = pieces, .results = FL_BUF_INIT, .left = UINT64_MAX};
	fl_stream how = {.job = &job, .next = next, .result = result, .ctx = &s};
	fl_term value;
	int rc;

	if (fl_get(options, "max", &value))
		(void)fl_match(value, "~", &how.max_concurrency);
	if (fl_get(options, "timeout", &value))
		how.timeout_ms = ms_of(value);
	if (fl_get(options, "stop_after", &value))
		(void)fl_match(value, "~", &s.left);
	how.unordered = fl_get(options, "unordered", &value);
	how.kill_late = fl_get(options, "kill", &value);
	fl_list_open(&s.results);
	rc = fl_task_async_stream(self, &how);
	fl_list_close(&s.results);
	(void)fl_reply(from, "{~, ~}", fl_atom_of(fl_error_atom(rc)), fl_buf_term(&s.results));
	fl_buf_free(&s.results);
	return FL_OK;
}

/* ---- the server ------------------------------------------------------------------------------ */

static int leave_running(fl_proc *self, struct jobs *j, fl_from from, fl_term what)
{
	fl_async task;

	j->is_watched = fl_from_pid(from, &j->watcher);
	(void)fl_task_async(self, &job, arg_of(what), &task);
	return fl_reply(from, "~", task.pid);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term a, b;
	fl_atom name;
	int number;

	if (fl_match(request, "{await, ~, ~}", &a, &b))
		return await(self, from, a, b);
	if (fl_match(request, "{await_many, ~, ~}", &a, &b))
		return await_many(self, from, a, b);
	if (fl_match(request, "{nolink, ~, ~}", &name, &a))
		return nolink(self, from, name, a);
	if (fl_match(request, "{start_child, ~, ~}", &name, &a))
		return start_child(self, from, name, a);
	if (fl_match(request, "{shutdown, ~, ~}", &a, &b))
		return end_task(self, from, a, b);
	if (fl_match(request, "{stream, ~, ~}", &a, &b))
		return stream(self, from, a, b);
	if (fl_match(request, "{leave, ~}", &a))
		return leave_running(self, state, from, a);
	if (fl_match(request, "{open, ~}", &number))
		return fl_reply(from, "~", atomic_exchange(&gate, number));
	if (fl_match(request, "yield"))
		return yield(self, from);
	if (fl_match(request, "trap")) {
		fl_trap_exit(self, true);
		return fl_reply(from, "ok");
	}
	return fl_match(request, "stopped") ? fl_reply(from, "~", atomic_load(&stopped))
					    : fl_unhandled(self, request);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct jobs *j = state;

	if (j->is_watched)
		(void)fl_send(self, j->watcher, "{seen, ~}", message);
	return FL_OK;
}

/* ---- functions ------------------------------------------------------------------------------- */

static int echo(fl_proc *self, fl_term args, fl_buf *ret)
{
	fl_term value;

	(void)self;
	return fl_match(args, "[~]", &value) ? fl_build(ret, "~", value)
					     : fl_raise(ret, FL_ERROR, "badarg");
}

static int fail(fl_proc *self, fl_term args, fl_buf *ret)
{
	fl_term class, value;

	(void)self;
	return fl_match(args, "[~, ~]", &class, &value)
		       ? fl_raise(ret, raise_class(class), "~", value)
		       : fl_raise(ret, FL_ERROR, "badarg");
}

static int tell(fl_proc *self, fl_term args, fl_buf *ret)
{
	fl_term value;
	fl_pid pid;

	if (!fl_match(args, "[~, ~]", &pid, &value))
		return fl_raise(ret, FL_ERROR, "badarg");
	(void)fl_send(self, pid, "{told, ~, ~}", fl_self(self), value);
	return fl_build(ret, "ok");
}

/* Tells that it runs, then waits for its end. */
static int hang(fl_proc *self, fl_term args, fl_buf *ret)
{
	int rc = tell(self, args, ret);

	while (rc == FL_OK && !fl_task_is_cancelled(self))
		breathe();
	return rc;
}

static const fl_behaviour jobs = {
	.name = "jobs", .state_size = sizeof(struct jobs), .call = on_call, .info = on_info};
static const fl_behaviour servers = {.name = "job_servers",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC,
		.offers = (const fl_behaviour *const[]){&jobs, &fl_agent, NULL}}};
static const fl_behaviour tasks = {.name = "tasks",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC, .tasks = true}};
static const fl_behaviour few_tasks = {.name = "few_tasks",
	.supervisor =
		&(const fl_supervisor){.strategy = FL_DYNAMIC, .tasks = true, .max_children = 1}};

FL_MODULE(&servers, &tasks, &few_tasks);
FL_EXPORTS({"job_fun", "echo", 1, echo}, {"job_fun", "fail", 2, fail}, {"job_fun", "tell", 2, tell},
	{"job_fun", "hang", 2, hang});
