/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks on real threads: what is awaited, streamed, cancelled, and what is left of it. */
#include <flitch.h>
#include <string.h>
#include <time.h>

#include "tests/support/driven.h"
#include "tests/support/suite.h"

#define LIMIT_S 20 /* a test that waits longer has failed */

static fl_node *node;
static driven world;
static sem_t done, begun, cancelled;
static _Atomic(int) dropped;
static int (*to_do)(fl_proc *self); /* set before the message that runs it */
static char notes[512];

static bool wait_for(sem_t *sem)
{
	return driven_wait(sem, LIMIT_S);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

/* Numbers are their own argument: below 100 it answers, 100 hangs, 101 fails. */
static int work(void *arg, const _Atomic(bool) *is_cancelled, fl_buf *ret_result)
{
	const struct timespec one_ms = {.tv_nsec = 1000000};
	intptr_t number = (intptr_t)arg;

	(void)sem_post(&begun);
	if (number < 100)
		return fl_build(ret_result, "{number, ~}", number);
	if (number == 101)
		return fl_raise(ret_result, FL_EXIT, "failed");
	while (!atomic_load(is_cancelled))
		(void)nanosleep(&one_ms, NULL);
	(void)sem_post(&cancelled);
	return fl_build(ret_result, "late");
}

static void drop(void *arg)
{
	(void)arg;
	dropped++;
}

static const fl_job job = {.run = work, .drop = drop};

static void *number(intptr_t value)
{
	return (void *)value;
}

/* ---- the owner ------------------------------------------------------------------------------- */

static int owner_info(fl_proc *self, void *state, fl_term message)
{
	int rc;

	(void)state;
	if (!fl_match(message, "do"))
		return FL_OK;
	rc = to_do(self);
	(void)sem_post(&done);
	return rc;
}

static const fl_behaviour owner = {.name = "owner", .info = owner_info};

static void let_owner(int (*fn)(fl_proc *self))
{
	to_do = fn;
	driven_post(node, "owner", "do");
	CU_ASSERT_TRUE(wait_for(&done));
}

static void kill_owner(void)
{
	fli_reason_atom atom;
	fl_proc *proc;

	fli_enter(node);
	proc = fli_name_find(node, fl_atom_of("owner"));
	if (proc != NULL)
		fli_proc_exit(proc, fli_reason_of(&atom, "killed"));
	fli_leave(node);
}

static void setup(void)
{
	(void)sem_init(&done, 0, 0);
	(void)sem_init(&begun, 0, 0);
	(void)sem_init(&cancelled, 0, 0);
	dropped = 0;
	notes[0] = '\0';
	node = driven_open(&world, "task@localhost");
	(void)driven_start(node, &owner);
	(void)driven_start(node, &fl_task_supervisor);
	driven_go(&world);
}

static void teardown(void)
{
	driven_close(&world);
}

static void note(int rc, fl_term result)
{
	char text[64];
	size_t used = strlen(notes);

	(void)snprintf(notes + used, sizeof notes - used, "%d:%s ", rc,
		rc == FL_OK || rc == FL_EEXIT ? fl_print_to(text, sizeof text, result) : "-");
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int await_one(fl_proc *self)
{
	fl_async task;
	fl_term result = {.data = NULL};
	int rc = fl_task_async(self, &job, number(7), &task);

	note(rc == FL_OK ? fl_task_await(self, &task, FL_INFINITY, &result) : rc, result);
	note(fl_task_await(self, &task, 0, &result), result);
	return FL_OK;
}

static void awaited_task_gives_its_result_once(void)
{
	setup();
	let_owner(await_one);
	CU_ASSERT_STRING_EQUAL(notes, "0:{number,7} -17:- ");
	teardown();
	CU_ASSERT_EQUAL(dropped, 1);
}

static int await_twenty(fl_proc *self)
{
	fl_async tasks[20];
	fl_term results[20];
	intptr_t value;
	int rc = FL_OK;

	for (intptr_t i = 0; i < 20 && rc == FL_OK; i++)
		rc = fl_task_async(self, &job, number(i), &tasks[i]);
	CU_ASSERT_EQUAL(rc, FL_OK);
	CU_ASSERT_EQUAL(fl_task_await_many(self, tasks, 20, FL_INFINITY, results), FL_OK);
	for (intptr_t i = 0; i < 20; i++)
		CU_ASSERT_TRUE(fl_match(results[i], "{number, ~}", &value) && value == i);
	return FL_OK;
}

static void many_tasks_are_awaited_in_order(void)
{
	setup();
	let_owner(await_twenty);
	teardown();
	CU_ASSERT_EQUAL(dropped, 20);
}

static int await_what_hangs(fl_proc *self)
{
	fl_async task;

	CU_ASSERT_EQUAL(fl_task_async(self, &job, number(100), &task), FL_OK);
	note(fl_task_yield(self, &task, 1, NULL), (fl_term){.data = NULL});
	note(fl_task_await(self, &task, 1, NULL), (fl_term){.data = NULL});
	return FL_OK;
}

static void task_that_is_too_late_is_cancelled(void)
{
	setup();
	let_owner(await_what_hangs);
	CU_ASSERT_STRING_EQUAL(notes, "-7:- -7:- ");
	CU_ASSERT_TRUE(wait_for(&cancelled));
	teardown();
	CU_ASSERT_EQUAL(dropped, 1);
}

static int fail_with_trap(fl_proc *self)
{
	fl_async task;
	fl_term reason = {.data = NULL};

	fl_trap_exit(self, true);
	CU_ASSERT_EQUAL(fl_task_async(self, &job, number(101), &task), FL_OK);
	note(fl_task_await(self, &task, FL_INFINITY, &reason), reason);
	return FL_OK;
}

static void failed_task_gives_its_reason(void)
{
	setup();
	let_owner(fail_with_trap);
	CU_ASSERT_STRING_EQUAL(notes, "-18:failed ");
	teardown();
}

static int leave_one(fl_proc *self)
{
	fl_async task;

	CU_ASSERT_EQUAL(fl_task_async(self, &job, number(100), &task), FL_OK);
	return FL_OK;
}

static void work_is_cancelled_when_its_owner_ends(void)
{
	setup();
	let_owner(leave_one);
	CU_ASSERT_TRUE(wait_for(&begun));
	kill_owner();
	CU_ASSERT_TRUE(wait_for(&cancelled));
	teardown();
	CU_ASSERT_EQUAL(dropped, 1);
}

static int wait_for_ever(fl_proc *self)
{
	fl_async task;
	int rc = fl_task_async(self, &job, number(100), &task);

	note(rc == FL_OK ? fl_task_await(self, &task, FL_INFINITY, NULL) : rc,
		(fl_term){.data = NULL});
	return FL_OK;
}

static void *kill_when_begun(void *arg)
{
	(void)arg;
	if (wait_for(&begun))
		kill_owner();
	return NULL;
}

static void owner_that_ends_while_it_awaits_goes_on_as_closed(void)
{
	pthread_t killer;

	setup();
	(void)pthread_create(&killer, NULL, kill_when_begun, NULL);
	let_owner(wait_for_ever);
	(void)pthread_join(killer, NULL);
	CU_ASSERT_STRING_EQUAL(notes, "-13:- ");
	CU_ASSERT_TRUE(wait_for(&cancelled));
	teardown();
}

struct numbers {
	intptr_t next, last;
};

static bool next(void *ctx, void **ret_arg)
{
	struct numbers *n = ctx;

	*ret_arg = number(n->next);
	return n->next++ < n->last;
}

static int each(fl_proc *self, void *ctx, int rc, fl_term result)
{
	(void)self;
	(void)ctx;
	note(rc, result);
	return FL_OK;
}

static int stream_of_five(fl_proc *self)
{
	struct numbers n = {.next = 1, .last = 6};
	fl_stream how = {.job = &job, .next = next, .result = each, .ctx = &n};

	how.max_concurrency = 3;
	how.timeout_ms = FL_INFINITY;
	CU_ASSERT_EQUAL(fl_task_async_stream(self, &how), FL_OK);
	return FL_OK;
}

static void stream_gives_results_in_order(void)
{
	setup();
	let_owner(stream_of_five);
	CU_ASSERT_STRING_EQUAL(
		notes, "0:{number,1} 0:{number,2} 0:{number,3} 0:{number,4} 0:{number,5} ");
	teardown();
	CU_ASSERT_EQUAL(dropped, 5);
}

static int stream_with_one_that_hangs(fl_proc *self)
{
	struct numbers n = {.next = 99, .last = 102}; /* a result, one that hangs, one that fails */
	fl_stream how = {.job = &job, .next = next, .result = each, .ctx = &n};

	how.max_concurrency = 1;
	how.timeout_ms = 200;
	how.kill_late = true;
	CU_ASSERT_EQUAL(fl_task_async_stream(self, &how), FL_OK);
	return FL_OK;
}

static void stream_kills_who_is_late_and_tells_who_fails(void)
{
	setup();
	let_owner(stream_with_one_that_hangs);
	CU_ASSERT_STRING_EQUAL(notes, "0:{number,99} -7:- -18:failed ");
	CU_ASSERT_TRUE(wait_for(&cancelled));
	teardown();
	CU_ASSERT_EQUAL(dropped, 3);
}

static int under_a_supervisor(fl_proc *self)
{
	fl_term result = {.data = NULL};
	fl_async task;
	fl_pid pid;
	int rc = fl_task_async_nolink(self, "task_supervisor", &job, number(5), &task);

	note(rc == FL_OK ? fl_task_await(self, &task, FL_INFINITY, &result) : rc, result);
	CU_ASSERT_EQUAL(
		fl_task_start_child(self, "task_supervisor", &job, number(100), &pid), FL_OK);
	CU_ASSERT_EQUAL(fl_terminate_child(self, "task_supervisor", "~", pid), FL_OK);
	CU_ASSERT_EQUAL(
		fl_task_async_nolink(self, "owner_of_none", &job, number(1), &task), FL_ENOPROC);
	return FL_OK;
}

static void supervised_tasks_run_and_are_ended_by_their_supervisor(void)
{
	setup();
	let_owner(under_a_supervisor);
	CU_ASSERT_STRING_EQUAL(notes, "0:{number,5} ");
	CU_ASSERT_TRUE(wait_for(&cancelled));
	teardown();
	CU_ASSERT_EQUAL(dropped, 3);
}

FL_SUITE("task", FL_TEST(awaited_task_gives_its_result_once),
	FL_TEST(many_tasks_are_awaited_in_order), FL_TEST(task_that_is_too_late_is_cancelled),
	FL_TEST(failed_task_gives_its_reason), FL_TEST(work_is_cancelled_when_its_owner_ends),
	FL_TEST(owner_that_ends_while_it_awaits_goes_on_as_closed),
	FL_TEST(stream_gives_results_in_order),
	FL_TEST(stream_kills_who_is_late_and_tells_who_fails),
	FL_TEST(supervised_tasks_run_and_are_ended_by_their_supervisor));
