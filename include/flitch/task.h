/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TASK_H
#define FLITCH_TASK_H

/*
 * Elixir's Task and Task.Supervisor: work that runs beside the process which waits for its result.
 *
 *     fl_task_async(self, &job, arg, &task);            ... something else ...
 *     fl_task_await(self, &task, 5000, &result)         FL_OK, or why there is none
 *
 *     owner --starts--> a process of the task, linked     its work on a thread of the pool
 *       `---<-- {Ref, Result} --'                         which ends when either does
 *
 * A task is a process, so observer, links, monitors and exit(Pid, kill) know it; what it does runs
 * off the schedulers. Who ends it (a link, exit, fl_task_shutdown, the end of its owner) sets
 * `*cancelled` for the work, which looks at it now and then: a thread cannot be taken away from it.
 * A result that nobody awaits comes to `info` as {Ref, Result}, a failure as {'DOWN', Ref, ...}.
 *
 * A Task.Supervisor is a behaviour with FL_DYNAMIC and `tasks`, or fl_task_supervisor as it is.
 * Elixir's Task.Supervisor.start_child, async and async_nolink with module, function, arguments run
 * exported functions under it; of a function that is code (a fun) it says why it cannot.
 *
 * Threads: handlers of the owner; those that await let the node go on, as fl_call does.
 * Memory: `arg` is the task's from the call on, whatever it returns: `drop` frees it. Results live
 * until the handler returns. Errors: FL_E*, FL_EEXIT with the reason in place of the result;
 * Limits: `limits.offloads`, `limits.threads`, FL_STREAM_MAX.
 */

#include "flitch/server.h"

typedef struct fl_job {
	/*
	 * On a thread of the pool, without `self`. Builds one term into `ret_result` and returns
	 * FL_OK; or return fl_raise(ret_result, FL_EXIT, "reason").
	 */
	int (*run)(void *arg, const _Atomic(bool) *cancelled, fl_buf *ret_result);
	void (*drop)(void *arg); /* after it, or instead; may be NULL */
} fl_job;

typedef struct fl_async {
	fl_pid pid;
	fl_ref ref;
} fl_async;

/* Task.async: linked to the owner, which ends with a task that fails unless it traps exits. */
int fl_task_async(fl_proc *self, const fl_job *job, void *arg, fl_async *ret_task);
/*
 * Task.Supervisor.async_nolink; `supervisor` is of this node. It may outlive its owner. FL_ELIMIT:
 * max_children; FL_EINVAL: no Task.Supervisor.
 */
int fl_task_async_nolink_dest(
	fl_proc *self, fl_dest supervisor, const fl_job *job, void *arg, fl_async *ret_task);
#define fl_task_async_nolink(self, supervisor, job, arg, ret_task)                                 \
	fl_task_async_nolink_dest((self), fl_to(supervisor), (job), (arg), (ret_task))
/* Task.Supervisor.start_child: nobody awaits it; ret_pid may be NULL. */
int fl_task_start_child_dest(
	fl_proc *self, fl_dest supervisor, const fl_job *job, void *arg, fl_pid *ret_pid);
#define fl_task_start_child(self, supervisor, job, arg, ret_pid)                                   \
	fl_task_start_child_dest((self), fl_to(supervisor), (job), (arg), (ret_pid))

/*
 * Task.await. FL_ETIMEOUT: the task is ended, where Elixir ends the owner as well. FL_ENOENT: it is
 * not this process's, or has been awaited. ret_result may be NULL.
 */
int fl_task_await(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result);
/* Task.yield: FL_ETIMEOUT: it goes on, and may be awaited again. */
int fl_task_yield(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result);
/* Task.await_many: the first failure or the time's end ends all of them. ret_results: `count`. */
int fl_task_await_many(fl_proc *self, const fl_async *tasks, size_t count, uint32_t timeout_ms,
	fl_term *ret_results);
/*
 * Task.shutdown: asks it to end, and kills it when it has not within that time (FL_BRUTAL_KILL of
 * <flitch/supervisor.h>: at once). FL_OK: its result had come before.
 */
int fl_task_shutdown(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result);
/* For an exported function that a task runs: somebody has ended it. Any process may ask of itself.
 */
bool fl_task_is_cancelled(fl_proc *self);

#define FL_STREAM_MAX 4096 /* tasks of one stream that run at a time */

/* Task.async_stream: a task for each piece, some at a time. */
typedef struct fl_stream {
	const fl_job *job;
	/* The next piece's argument; false: that was the last one. */
	bool (*next)(void *ctx, void **ret_arg);
	/*
	 * rc FL_OK: the result; FL_EEXIT: the reason; FL_ETIMEOUT: it was killed. The term lives
	 * until it returns. FL_OK: go on; any other code ends the stream with it.
	 */
	int (*result)(fl_proc *self, void *ctx, int rc, fl_term result);
	void *ctx;
	uint32_t max_concurrency; /* 0: as many as the machine has processors */
	uint32_t timeout_ms;      /* of each task; 0: 5 s; FL_INFINITY */
	bool unordered;           /* results as they come, not in the order of the pieces */
	bool kill_late;           /* on_timeout: kill_task; else the stream ends with FL_ETIMEOUT */
} fl_stream;

/* Until all pieces are done. The tasks end with their owner, which does not end with them. */
int fl_task_async_stream(fl_proc *self, const fl_stream *stream);

/* A Task.Supervisor, registered by whoever starts it: {.behaviour = &fl_task_supervisor, .name =
 * "jobs"} */
extern const fl_behaviour fl_task_supervisor;

#endif
