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
	end->owner = fli_proc_pid(self);
	fli_enter(node);
	rc = fli_crew_work(node, run, end);
	fli_leave(node);
	if (rc != FL_OK)
		fli_task_end_delete(end, false);
	return rc;
}
