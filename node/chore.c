/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task as a process.
 *
 *  - A job of C runs on a thread of the pool; its end is a handler here, which sends the result and
 *    ends the process.
 *  - {M, F, A} from Elixir names an exported function, which runs in a handler of the process: one
 *    that takes long runs beside the scheduler like any handler that does.
 *  - One that waits to be told what to do watches its owner, and gives up after 5 s, as Elixir's.
 *
 * Failure: what a function raises is the reason of the task's end, as in Elixir: {Reason, Stack},
 * {{nocatch, Thrown}, Stack}, or what it exited with.
 */
#include "node/chore.h"

#include <string.h>

#include "flitch/supervisor.h"
#include "node/export.h"
#include "node/kept.h"
#include "node/owned.h"
#include "node/sched.h"

#define HANDSHAKE_MS 5000 /* Elixir's */

struct fli_chore {
	fl_job job;
	void *arg;
	fl_node *node;
	fl_buf result;
	int class;
};

typedef struct task {
	fl_pid owner;
	fl_ref ref;
	bool has_owner; /* somebody waits for the result */
	bool is_waiting;
	bool is_bound; /* it ends with its owner, without a link */
	uint64_t until_ms;
	fli_kept *mfa; /* Elixir 1.10 tells it at the start; owned */
} task;

/* ---- jobs ------------------------------------------------------------------------------------ */

fli_chore *fli_chore_new(fl_node *node, const fl_job *job, void *arg)
{
	fli_chore *own = fli_zalloc(node->mem, sizeof *own);

	if (own == NULL) {
		if (job->drop != NULL)
			job->drop(arg);
		return NULL;
	}
	own->job = *job;
	own->arg = arg;
	own->node = node;
	return own;
}

void fli_chore_delete(fli_chore *job)
{
	if (job->job.drop != NULL)
		job->job.drop(job->arg);
	fl_buf_free(&job->result);
	fli_free(job->node->mem, job);
}

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	fli_chore *job = arg;

	job->class = job->job.run(job->arg, cancelled, &job->result);
}

static void drop(void *arg)
{
	fli_chore_delete(arg);
}

static int exit_with(fl_proc *self, int class, fl_buf *result)
{
	fl_term reason = fl_buf_term(result);

	if (result->error != FL_OK || result->size == 0)
		return fl_stop(self, "{api_misuse, {no_result, ~}}", class);
	if (class == FL_THROW)
		return fl_stop(self, "{{nocatch, ~}, []}", reason);
	if (class == FL_ERROR)
		return fl_stop(self, "{~, []}", reason);
	return class == FL_EXIT ? fl_stop(self, "~", reason)
				: fl_stop(self, "{api_misuse, {job_returned, ~}}", class);
}

static int done(fl_proc *self, void *state, void *arg)
{
	const task *t = state;
	fli_chore *job = arg;
	int rc;

	if (job->class != FL_OK || job->result.error != FL_OK || job->result.size == 0)
		rc = exit_with(self, job->class, &job->result);
	else if (t->has_owner &&
		 fl_send(self, t->owner, "{~, ~}", t->ref, fl_buf_term(&job->result)) == FL_ENOMEM)
		rc = fl_stop(self, "system_limit");
	else
		rc = fl_stop(self, "normal");
	fli_chore_delete(job);
	return rc;
}

int fli_chore_begin(fl_proc *proc, fli_chore *job)
{
	static const fl_task how = {.work = work, .done = done, .drop = drop};
	int rc = fl_offload(proc, &how, job);

	if (rc != FL_OK)
		fli_chore_delete(job);
	return rc;
}

/* ---- functions ------------------------------------------------------------------------------- */

static int exit_with_stack(fl_proc *self, int class, const fli_mfa *mfa, fl_term term)
{
	fl_buf stack = FL_BUF_INIT;
	int rc;

	if (class == FL_EXIT)
		return fl_stop(self, "~", term);
	(void)fli_mfa_stack(&stack, mfa); /* an empty one without memory */
	if (stack.error != FL_OK || stack.size == 0) {
		fl_buf_reset(&stack);
		(void)fl_build(&stack, "[]");
	}
	rc = class == FL_THROW ? fl_stop(self, "{{nocatch, ~}, ~}", term, fl_buf_term(&stack))
			       : fl_stop(self, "{~, ~}", term, fl_buf_term(&stack));
	fl_buf_free(&stack);
	return rc;
}

/* Runs it and sends {Tag, Result}; `to` is a pid, an alias, or nobody. The tag is its owner's. */
static int run(fl_proc *self, fl_term what, const fl_dest *to, fl_term tag)
{
	fl_buf result = FL_BUF_INIT;
	fli_mfa mfa;
	int class, rc;

	if (!fl_match(what, "{~, ~, ~}", &mfa.module, &mfa.function, &mfa.args))
		return fl_stop(self, "{badarg, ~}", what);
	class = fli_apply(self, &mfa, &result);
	if (class != FL_OK) {
		rc = exit_with_stack(self, class, &mfa, fl_buf_term(&result));
	} else {
		if (to != NULL) /* an owner that is gone does not wait */
			(void)fl_send(self, *to, "{~, ~}", tag, fl_buf_term(&result));
		rc = fl_stop(self, "normal");
	}
	fl_buf_free(&result);
	return rc;
}

bool fli_task_runs(fl_term args, fli_mfa *ret_mfa)
{
	fl_term mfa;

	if (!fl_match(args, "[_, _, ~]", &mfa) && !fl_match(args, "[_, _, monitor, ~]", &mfa))
		return false;
	return fl_match(mfa, "{~, ~, ~}", &ret_mfa->module, &ret_mfa->function, &ret_mfa->args);
}

bool fli_task_is_code(fl_term args)
{
	fl_term fun;
	fli_mfa mfa, named;

	return fli_task_runs(args, &mfa) && fl_atom_is(mfa.module, "erlang") &&
	       fl_atom_is(mfa.function, "apply") && fl_match(mfa.args, "[~, _]", &fun) &&
	       fl_term_kind(fun) == FL_FUN && !fli_fun_names(fun, &named);
}

/* ---- the process ----------------------------------------------------------------------------- */

static int wait_for_owner(fl_proc *self, task *t)
{
	fl_ref monitor;

	t->is_waiting = true;
	t->until_ms = fl_now_ms(self) + HANDSHAKE_MS;
	fl_next_timeout(self, HANDSHAKE_MS);
	return fl_monitor(self, t->owner, &monitor) == FL_OK ? FL_OK
							     : fl_stop(self, "system_limit");
}

static bool keep_mfa(fl_proc *self, task *t, fl_term mfa)
{
	fl_buf buf = FL_BUF_INIT;

	if (fl_build(&buf, "~", mfa) == FL_OK)
		t->mfa = fli_owned_alloc(self, sizeof *t->mfa + buf.size);
	if (t->mfa != NULL) {
		t->mfa->size = (uint32_t)buf.size;
		memcpy(t->mfa->bytes, buf.data, buf.size);
	}
	fl_buf_free(&buf);
	return t->mfa != NULL;
}

static int init(fl_proc *self, void *state, fl_term args)
{
	task *t = state;
	fl_term mfa;

	if (fl_match(args, "[{_, _, ~}, monitor]", &t->owner))
		return wait_for_owner(self, t);
	if (fl_match(args, "[{_, _, ~}, _, monitor, ~]", &t->owner, &mfa))
		return keep_mfa(self, t, mfa) ? wait_for_owner(self, t)
					      : fl_stop(self, "system_limit");
	if (!fl_match(args, "[_, _, ~]", &mfa) || fl_term_kind(mfa) != FL_TUPLE)
		return fl_stop(self, "{badarg, ~}", args);
	return fl_next_continue(self, "~", mfa) == FL_OK ? FL_OK : fl_stop(self, "system_limit");
}

static int go_on(fl_proc *self, void *state, fl_term mfa)
{
	(void)state; /* nobody waits */
	return run(self, mfa, NULL, mfa);
}

/* What Elixir's owner sends; its forms are told apart by the owner's own pid in front. */
static int told(fl_proc *self, task *t, fl_term message)
{
	fl_term mfa, reply_to, tag;
	fl_dest to = fl_to_pid(t->owner);
	uint64_t now_ms = fl_now_ms(self);
	fl_ref alias;
	fl_pid pid;

	if (fl_match(message, "{^, ~, ~, _, ~}", &t->owner, &tag, &reply_to, &mfa)) {
		if (fl_match(reply_to, "~", &alias))
			to = fl_to_alias(alias);
		else if (fl_match(reply_to, "~", &pid))
			to = fl_to_pid(pid);
		t->is_waiting = false;
		return run(self, mfa, &to, tag);
	}
	if (t->mfa != NULL && fl_match(message, "{^, ~}", &t->owner, &tag)) {
		t->is_waiting = false;
		return run(self, fli_kept_term(t->mfa, self->node->atoms), &to, tag);
	}
	/* any other message is nothing to it */
	fl_next_timeout(self, now_ms < t->until_ms ? (uint32_t)(t->until_ms - now_ms) : 0);
	return FL_OK;
}

static int info(fl_proc *self, void *state, fl_term message)
{
	task *t = state;
	fl_term reason;

	if ((t->is_waiting || t->is_bound) &&
		fl_match(message, "{'DOWN', _, process, ^, ~}", &t->owner, &reason))
		return fl_stop(self, "{shutdown, ~}", reason);
	return t->is_waiting ? told(self, t, message) : FL_OK;
}

static int timeout(fl_proc *self, void *state)
{
	const task *t = state;

	return t->is_waiting ? fl_stop(self, "timeout") : FL_OK;
}

/* As a task of Elixir: it does not look at its mailbox. */
static int call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	return fl_later(self, from);
}

static int cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

#define TASK "Elixir.Task.Supervised"

const fl_behaviour fli_task_supervised = {.name = TASK,
	.state_size = sizeof(task),
	.init = init,
	.call = call,
	.cast = cast,
	.info = info,
	.continue_ = go_on,
	.timeout = timeout};

static const fl_behaviour unsupervised = {
	.name = TASK, .state_size = sizeof(task), .call = call, .cast = cast, .info = info};

const fl_behaviour fl_task_supervisor = {.name = "task_supervisor",
	.supervisor = &(const fl_supervisor){.strategy = FL_DYNAMIC, .tasks = true}};

/* ---- for their owners ------------------------------------------------------------------------ */

static task *task_of(fl_proc *proc)
{
	return (task *)(void *)proc->state;
}

static void be_owned(fl_proc *proc, const fl_proc *owner, const fl_ref *ref)
{
	task *t = task_of(proc);

	t->owner = fli_proc_pid(owner);
	t->is_waiting = false;
	t->has_owner = ref != NULL;
	if (ref != NULL)
		t->ref = *ref;
}

int fli_chore_start(fl_proc *self, bool link, const fl_ref *ref, fl_proc **ret_proc)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &unsupervised, .parent = self, .link = link};
	fl_term args = {.data = nil, .size = sizeof nil};
	fl_ref monitor;
	int rc = fli_proc_start(self->node, &how, args, ret_proc, NULL);

	if (rc != FL_OK)
		return rc;
	be_owned(*ret_proc, self, ref);
	task_of(*ret_proc)->is_bound = !link;
	return link ? FL_OK : fl_monitor(*ret_proc, fli_proc_pid(self), &monitor);
}

int fli_chore_adopt(fl_proc *self, const fl_pid *pid, const fl_ref *ref, fl_proc **ret_proc)
{
	fl_proc *proc = fli_proc_of(self->node, pid);
	fl_pid me = fli_proc_pid(self);

	if (proc == NULL || proc->status == FLI_EXITING)
		return FL_ENOENT;
	if (proc->behaviour != &fli_task_supervised || !task_of(proc)->is_waiting ||
		!fl_pid_eq(&task_of(proc)->owner, &me))
		return FL_ENOENT;
	be_owned(proc, self, ref);
	fli_wheel_stop(&proc->extra->idle);
	proc->extra->idle_due = false;
	*ret_proc = proc;
	return FL_OK;
}
