/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work off the scheduler: runs on a thread of the crew, ends as a message of its own kind in the
 * owner's mailbox.
 *
 * Failure: an owner that is gone when the work ends never sees it; `drop` frees the argument. The
 * work of an owner that dies is told by `cancelled` when it looks.
 */
#include <string.h>

#include "node/runtime.h"
#include "node/sched.h"

void fli_task_end_delete(fli_task_end *end, bool drop)
{
	if (drop && end->task.drop != NULL)
		end->task.drop(end->arg);
	fli_free(end->node->mem, end);
}

static void come_back(fli_task_end *end)
{
	fl_node *node = end->node;
	fl_proc *proc;
	fli_msg *msg;

	fli_enter(node);
	node->offloads_count--;
	fli_list_remove(&end->in_owner);
	proc = fli_proc_of(node, &end->owner);
	msg = proc == NULL || proc->status == FLI_EXITING ? NULL : fli_msg_new(node, sizeof end);
	if (msg != NULL) {
		memcpy(msg->data, &end, sizeof end);
		msg->size = sizeof end;
		msg->kind = FLI_MSG_DONE;
		fli_mailbox_push(proc, msg);
	}
	fli_leave(node);
	if (msg == NULL)
		fli_task_end_delete(end, true);
}

static void run(void *arg)
{
	fli_task_end *end = arg;

	end->task.work(end->arg, &end->cancelled);
	come_back(end);
}

/* With the context. */
static int begin(fl_proc *self, fli_task_end *end)
{
	fli_extra *extra = self->status == FLI_EXITING ? NULL : fli_proc_extra(self);
	int rc;

	if (extra == NULL)
		return self->status == FLI_EXITING ? FL_ECLOSED : FL_ENOMEM;
	if (self->node->offloads_count >= self->node->limits.offloads_max)
		return FL_ELIMIT;
	end->owner = fli_proc_pid(self);
	rc = fli_crew_work(self->node, run, end);
	if (rc == FL_OK) {
		self->node->offloads_count++;
		fli_list_append(&extra->tasks, &end->in_owner);
	}
	return rc;
}

int fl_offload(fl_proc *self, const fl_task *task, void *arg)
{
	fl_node *node = self->node;
	fli_task_end *end = fli_zalloc(node->mem, sizeof *end);
	int rc;

	if (end == NULL)
		return FL_ENOMEM;
	end->task = *task;
	end->arg = arg;
	end->node = node;
	fli_list_create(&end->in_owner);
	atomic_init(&end->cancelled, false);
	fli_enter(node);
	rc = begin(self, end); /* it cannot come back before we leave */
	fli_leave(node);
	if (rc != FL_OK)
		fli_task_end_delete(end, false);
	return rc;
}

static void cancel_all(fli_link *tasks)
{
	for (fli_link *l = tasks->next; l != tasks; l = l->next)
		/* relaxed: the work looks now and then, and nothing else depends on it */
		atomic_store_explicit(&fli_container_of(l, fli_task_end, in_owner)->cancelled, true,
			memory_order_relaxed);
}

void fli_tasks_on_exit(fl_proc *proc)
{
	if (proc->extra == NULL)
		return;
	cancel_all(&proc->extra->tasks);
	while (fli_list_pop(&proc->extra->tasks) != NULL)
		; /* they end by themselves, after the process */
}

void fli_tasks_cancel(fl_node *node)
{
	uint32_t cursor = 0;
	fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		if (proc->extra != NULL)
			cancel_all(&proc->extra->tasks);
}
