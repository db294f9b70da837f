/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: prime numbers are counted beside the server that answers.
 *     gen_server:call({primes, node}, {1000, 2000})                 {168, 303}
 *     Task.await(Task.Supervisor.async({:jobs, node}, :primes, :count, [1000]))   168
 */
#include <flitch.h>

static int64_t count_below(int64_t limit, const _Atomic(bool) *cancelled)
{
	int64_t count = 0, divisor;

	for (int64_t n = 2; n < limit && (cancelled == NULL || !*cancelled); n++) {
		for (divisor = 2; divisor * divisor <= n && n % divisor != 0; divisor++)
			;
		count += divisor * divisor > n;
	}
	return count;
}

/* On a thread of its own. Whoever ends the task, or the server, sets `cancelled`. */
static int work(void *limit, const _Atomic(bool) *cancelled, fl_buf *ret_result)
{
	return fl_build(ret_result, "~", count_below((intptr_t)limit, cancelled));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	static const fl_job job = {.run = work};
	intptr_t limits[2]; /* in place of a pointer: nothing to free */
	fl_async tasks[2];
	fl_term counts[2];
	int rc = FL_OK;

	(void)state;
	if (!fl_match(request, "{~, ~}", &limits[0], &limits[1]))
		return fl_unhandled(self, request);
	for (int i = 0; i < 2 && rc == FL_OK; i++)
		rc = fl_task_async(self, &job, (void *)limits[i], &tasks[i]);
	if (rc == FL_OK)
		rc = fl_task_await_many(self, tasks, 2, 60000, counts);
	return rc == FL_OK ? fl_reply(from, "{~, ~}", counts[0], counts[1])
			   : fl_stop(self, "no_result");
}

/* primes:count/1, for the tasks of others. */
static int count(fl_proc *self, fl_term args, fl_buf *ret_result)
{
	int64_t limit;

	(void)self;
	return fl_match(args, "[~]", &limit) ? fl_build(ret_result, "~", count_below(limit, NULL))
					     : fl_raise(ret_result, FL_ERROR, "badarg");
}

static const fl_behaviour primes = {.name = "primes", .call = on_call};
static const fl_behaviour jobs = {.name = "jobs",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC, .tasks = true}};

FL_MODULE(&primes, &jobs);
FL_EXPORTS({"primes", "count", 1, count});
