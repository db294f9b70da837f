/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks as their owners use them: started, awaited, shut down.
 *
 *  - The owner's monitor is there before the work begins, so that no result finds nobody.
 *  - Under a supervisor a task is started as Elixir starts one, waiting, and then given its job.
 */
#include "flitch/supervisor.h"
#include "node/chore.h"
#include "node/sched.h"
#include "node/wait.h"

/* ---- starting ---------------------------------------------------------------------------------
 */

static int watch(fl_proc *self, const fl_pid *pid, const fl_ref *ref)
{
	fl_dest to = fl_to_pid(*pid);
	fli_monitor *monitor = fli_monitor_new(self, &to, ref);

	if (monitor == NULL)
		return FL_ENOMEM;
	monitor->by_call = true;
	fli_monitor_aim(monitor, &to);
	return FL_OK;
}

static void end_quietly(fl_proc *self, const fl_async *task)
{
	fl_proc *proc = fli_proc_of(self->node, &task->pid);
	fli_reason_atom atom;

	(void)fl_demonitor(self, task->ref); /* it may be gone with the process */
	(void)fli_plink_remove(self, &task->pid);
	if (proc != NULL)
		fli_proc_exit(proc, fli_reason_of(&atom, "killed"));
}

/* The context is owned. Takes the job. */
static int start(fl_proc *self, bool link, fli_chore *job, fl_async *ret_task)
{
	fl_async task = {.ref = fli_ref_make_call(self->node)};
	fl_proc *proc = NULL;
	int rc = self->status == FLI_EXITING ? FL_ECLOSED
					     : fli_chore_start(self, link, &task.ref, &proc);

	if (proc == NULL) {
		fli_chore_delete(job);
		return rc;
	}
	task.pid = fli_proc_pid(proc);
	if (rc == FL_OK)
		rc = watch(self, &task.pid, &task.ref);
	if (rc == FL_OK)
		rc = fli_chore_begin(proc, job);
	else
		fli_chore_delete(job);
	if (rc == FL_OK)
		*ret_task = task;
	else
		end_quietly(self, &task);
	return rc;
}

int fli_task_start(fl_proc *self, bool link, const fl_job *how, void *arg, fl_async *ret_task)
{
	fli_chore *job = fli_chore_new(self->node, how, arg);
	int rc;

	if (job == NULL)
		return FL_ENOMEM;
	fli_enter(self->node);
	rc = start(self, link, job, ret_task);
	fli_leave(self->node);
	return rc;
}

int fl_task_async(fl_proc *self, const fl_job *job, void *arg, fl_async *ret_task)
{
	return fli_task_start(self, true, job, arg, ret_task);
}

/* The pid of a child that waits to be told its job. */
static int ask_supervisor(fl_proc *self, fl_dest supervisor, fl_pid *ret_pid)
{
	fl_pid me = fl_self(self);
	fl_term reply;
	int rc = fl_call_spec(self, supervisor, FL_INFINITY, &reply,
		fl_spec("{start_task, [{~, ~, ~}, monitor], temporary, nil}", me.node, me, me));

	if (rc != FL_OK)
		return rc;
	if (fl_match(reply, "{ok, ~}", ret_pid))
		return FL_OK;
	return fl_match(reply, "{error, max_children}") || fl_match(reply, "{error, system_limit}")
		       ? FL_ELIMIT
		       : FL_EINVAL;
}

/* Takes the job. `ret_task` NULL: nobody awaits it. */
static int give(fl_proc *self, const fl_pid *pid, fli_chore *job, fl_async *ret_task)
{
	fl_ref ref = fli_ref_make_call(self->node);
	fl_proc *proc = NULL;
	int rc = fli_chore_adopt(self, pid, ret_task == NULL ? NULL : &ref, &proc);

	if (rc == FL_OK && ret_task != NULL)
		rc = watch(self, pid, &ref);
	if (rc != FL_OK) {
		fli_chore_delete(job);
		return rc == FL_ENOENT ? FL_EINVAL : rc;
	}
	rc = fli_chore_begin(proc, job);
	if (ret_task != NULL)
		*ret_task = (fl_async){*pid, ref};
	if (rc != FL_OK)
		end_quietly(self, &(fl_async){*pid, ref});
	return rc;
}

static int start_under(
	fl_proc *self, fl_dest supervisor, fli_chore *job, fl_pid *ret_pid, fl_async *ret_task)
{
	int rc = ask_supervisor(self, supervisor, ret_pid);

	if (rc != FL_OK) {
		fli_chore_delete(job);
		return rc;
	}
	fli_enter(self->node);
	rc = give(self, ret_pid, job, ret_task);
	fli_leave(self->node);
	return rc;
}

int fl_task_async_nolink_dest(
	fl_proc *self, fl_dest supervisor, const fl_job *how, void *arg, fl_async *ret_task)
{
	fli_chore *job = fli_chore_new(self->node, how, arg);
	fl_async task;
	fl_pid pid;
	int rc = job == NULL ? FL_ENOMEM : start_under(self, supervisor, job, &pid, &task);

	if (rc == FL_OK)
		*ret_task = task;
	return rc;
}

int fl_task_start_child_dest(
	fl_proc *self, fl_dest supervisor, const fl_job *how, void *arg, fl_pid *ret_pid)
{
	fli_chore *job = fli_chore_new(self->node, how, arg);
	fl_pid pid;
	int rc = job == NULL ? FL_ENOMEM : start_under(self, supervisor, job, &pid, NULL);

	if (rc == FL_OK && ret_pid != NULL)
		*ret_pid = pid;
	return rc;
}

/* ---- awaiting -------------------------------------------------------------------------------- */

int fl_task_yield(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result)
{
	fli_wait wait = {.ref = task->ref, .status = FL_ETIMEOUT};
	int rc = fli_await_any(self, &wait, 1, timeout_ms);

	if (rc != FL_OK)
		return rc;
	fli_enter(self->node);
	fli_wait_keep(self, &wait, ret_result);
	fli_leave(self->node);
	return wait.status;
}

static void kill_task(fl_proc *self, const fl_async *task)
{
	(void)fl_unlink(self, task->pid); /* one that is gone has none */
	(void)fl_exit(self, task->pid, "kill");
	(void)fl_demonitor(self, task->ref);
	(void)fl_task_yield(self, task, 0, NULL); /* a result that came just now is nobody's */
}

int fl_task_await(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result)
{
	int rc = fl_task_yield(self, task, timeout_ms, ret_result);

	if (rc == FL_ETIMEOUT)
		kill_task(self, task);
	return rc;
}

int fl_task_await_many(fl_proc *self, const fl_async *tasks, size_t count, uint32_t timeout_ms,
	fl_term *ret_results)
{
	uint64_t now_ms = fl_now_ms(self), until_ms = now_ms + timeout_ms;
	uint32_t left_ms = timeout_ms;
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && i < count; i++) {
		if (timeout_ms != FL_INFINITY) {
			now_ms = fl_now_ms(self);
			left_ms = now_ms < until_ms ? (uint32_t)(until_ms - now_ms) : 0;
		}
		rc = fl_task_yield(self, &tasks[i], left_ms, &ret_results[i]);
	}
	for (size_t i = 0; rc != FL_OK && i < count; i++)
		kill_task(self, &tasks[i]);
	return rc;
}

int fl_task_shutdown(fl_proc *self, const fl_async *task, uint32_t timeout_ms, fl_term *ret_result)
{
	bool at_once = timeout_ms == FL_BRUTAL_KILL;
	int rc;

	(void)fl_unlink(self, task->pid); /* one that is gone has none */
	if (at_once)
		(void)fl_exit(self, task->pid, "kill");
	else
		(void)fl_exit(self, task->pid, "shutdown");
	rc = fl_task_yield(self, task, at_once ? FL_INFINITY : timeout_ms, ret_result);
	if (rc == FL_ETIMEOUT) {
		(void)fl_exit(self, task->pid, "kill");
		rc = fl_task_yield(self, task, FL_INFINITY, ret_result);
	}
	return rc;
}

bool fl_task_is_cancelled(fl_proc *self)
{
	bool is_gone;

	fli_enter(self->node);
	is_gone = self->status == FLI_EXITING;
	fli_leave(self->node);
	return is_gone;
}
