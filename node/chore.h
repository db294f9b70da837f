/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CHORE_H
#define FLI_CHORE_H

/*
 * The processes of tasks: those that a process of C starts, and those of a Task.Supervisor, which
 * are told what to do by whoever asked for them, a process of C or of Elixir.
 *
 *     [Owner, monitor] --> waits, at most 5 s --{OwnerPid, Ref, ReplyTo, Callers, {M, F, A}}-->
 *     runs --> {Ref, Result} to ReplyTo, normal           [Owner, Callers, {M, F, A}] --> runs
 *
 * Threads: the owner of the node's context. Errors: FL_E*. Memory: a job is the task's in any case.
 */

#include "flitch/task.h"
#include "node/export.h"
#include "node/runtime.h"

/* What Elixir's supervisor starts: 'Elixir.Task.Supervised'. */
extern const fl_behaviour fli_task_supervised;

/* What a job of C is made of, before it has a process. NULL: no memory; `arg` has been dropped. */
typedef struct fli_chore fli_chore;
fli_chore *fli_chore_new(fl_node *node, const fl_job *job, void *arg);
void fli_chore_delete(fli_chore *job);

/* A process for it, whose result goes to `self` by `ref`. It has no init: nothing runs. */
int fli_chore_start(fl_proc *self, bool link, const fl_ref *ref, fl_proc **ret_proc);
/* One that waits for this owner under a supervisor; FL_ENOENT: it is none. `ref` may be NULL. */
int fli_chore_adopt(fl_proc *self, const fl_pid *pid, const fl_ref *ref, fl_proc **ret_proc);
/* Begins the work; takes the job. */
int fli_chore_begin(fl_proc *proc, fli_chore *job);
/* fl_task_async; not linked it ends with its owner, which does not end with it. */
int fli_task_start(fl_proc *self, bool link, const fl_job *job, void *arg, fl_async *ret_task);
/* What the arguments of a supervised task's start have it run. False: they are none. */
bool fli_task_runs(fl_term args, fli_mfa *ret_mfa);
/* A fun among the arguments of a request to a Task.Supervisor: {M, F, A} with code in it. */
bool fli_task_is_code(fl_term args);

#endif
