/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, by poolboy's rules. */
#include <flitch.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/actor.h"
#include "tests/support/suite.h"

static const fl_behaviour two = {.name = "two",
	.pool = &(const fl_pool){.worker = &actor, .size = 2, .max_overflow = 1, .waiting_max = 2}};
static const fl_behaviour fifo = {.name = "fifo",
	.pool = &(const fl_pool){.worker = &actor, .size = 2, .strategy = FL_POOL_FIFO}};

static world w;
static fl_pid got[4];
static int got_count;

static void begin(void)
{
	actor_open(&w);
	got_count = 0;
	(void)world_start(&w, &two, "two", NULL);
	(void)world_start(&w, &fifo, "fifo", NULL);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &actor, "b", NULL);
}

static void see(fl_proc *self, const char *pool, const char *expected)
{
	fl_pool_status s = {.idle = 99};
	char text[64];

	CU_ASSERT_EQUAL(fl_pool_status(self, pool, &s), FL_OK);
	(void)snprintf(text, sizeof text, "%u %u %u %u%s", s.idle, s.overflow, s.lent, s.waiting,
		s.is_full ? " full" : "");
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected) != 0)
		printf("    is %s, not %s\n", text, expected);
}

static int take(fl_proc *self, const char *pool)
{
	return fl_pool_checkout(self, pool, 0, &got[got_count++ % 4]);
}

static int take_three(fl_proc *self)
{
	see(self, "two", "2 0 0 0");
	CU_ASSERT_EQUAL(take(self, "two"), FL_OK);
	see(self, "two", "1 0 1 0");
	CU_ASSERT_EQUAL(take(self, "two"), FL_OK);
	see(self, "two", "0 0 2 0");
	CU_ASSERT_EQUAL(take(self, "two"), FL_OK);
	see(self, "two", "0 1 3 0 full");
	CU_ASSERT_EQUAL(take(self, "two"), FL_EBUSY);
	return FL_OK;
}

static int give_three(fl_proc *self)
{
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fl_pool_checkin(self, "two", got[i]), FL_OK);
	return fl_pool_checkin(self, "two", fl_self(self)); /* nobody's */
}

static int see_ready(fl_proc *self)
{
	see(self, "two", "2 0 0 0");
	return FL_OK;
}

static void overflow_comes_when_all_are_lent_and_goes_when_they_return(void)
{
	uint32_t processes;

	begin();
	processes = w.node->procs_count;
	actor_do(&w, "a", take_three);
	CU_ASSERT_EQUAL(w.node->procs_count, processes + 1);
	actor_do(&w, "a", give_three);
	actor_do(&w, "a", see_ready);
	CU_ASSERT_EQUAL(w.node->procs_count, processes);
	world_close(&w);
}

static int stop_now(fl_proc *self)
{
	return fl_stop(self, "normal");
}

static void workers_of_a_borrower_that_ends_come_back(void)
{
	begin();
	actor_do(&w, "a", take_three);
	actor_do(&w, "a", stop_now);
	actor_do(&w, "b", see_ready);
	world_close(&w);
}

/* ---- the line ---------------------------------------------------------------------------------
 */

static int ask_in_line(fl_proc *self)
{
	fl_ref ref;

	return fl_request(self, "two", &ref, "{checkout, ~, true}", fl_make_ref(self));
}

static int see_line_of_two(fl_proc *self)
{
	see(self, "two", "0 1 3 2 full");
	return FL_OK;
}

static int give_one(fl_proc *self)
{
	return fl_pool_checkin(self, "two", got[0]);
}

static void line_is_served_in_order_and_bounded(void)
{
	begin();
	(void)world_start(&w, &actor, "c", NULL);
	actor_do(&w, "a", take_three);
	actor_do(&w, "b", ask_in_line);
	actor_do(&w, "c", ask_in_line);
	actor_do(&w, "b", see_line_of_two);
	actor_do(&w, "b", ask_in_line);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ",full};")); /* one too many */
	actor_do(&w, "a", give_one);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "b: {#Ref"));
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "c: "));
	world_close(&w);
}

static void one_that_ended_in_line_is_passed_over(void)
{
	begin();
	(void)world_start(&w, &actor, "c", NULL);
	actor_do(&w, "a", take_three);
	actor_do(&w, "b", ask_in_line);
	actor_do(&w, "c", ask_in_line);
	actor_do(&w, "b", stop_now);
	actor_do(&w, "a", give_one);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "c: {#Ref"));
	world_close(&w);
}

static int ask_and_cancel(fl_proc *self)
{
	fl_ref ref, cref = fl_make_ref(self);

	(void)fl_request(self, "two", &ref, "{checkout, ~, true}", cref);
	return fl_cast(self, "two", "{cancel_waiting, ~}", cref);
}

static int see_no_line(fl_proc *self)
{
	see(self, "two", "0 1 3 0 full");
	return FL_OK;
}

static int cancel_lent(fl_proc *self)
{
	fl_ref ref, cref = fl_make_ref(self);

	(void)fl_request(self, "two", &ref, "{checkout, ~, true}", cref);
	return fl_cast(self, "two", "{cancel_waiting, ~}", cref);
}

static void cancelled_checkout_leaves_the_line_or_gives_the_worker_back(void)
{
	begin();
	actor_do(&w, "b", cancel_lent);
	actor_do(&w, "b", see_ready);
	actor_do(&w, "a", take_three);
	actor_do(&w, "b", ask_and_cancel);
	actor_do(&w, "b", see_no_line);
	world_close(&w);
}

/* ---- workers that end -------------------------------------------------------------------------
 */

static int kill_lent(fl_proc *self)
{
	CU_ASSERT_EQUAL(take(self, "fifo"), FL_OK);
	return fl_exit(self, got[0], "kill");
}

static int see_fifo(fl_proc *self)
{
	see(self, "fifo", "2 0 0 0");
	return FL_OK;
}

static int kill_idle(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_EQUAL(take(self, "fifo"), FL_OK);
	pid = got[(got_count - 1) % 4];
	(void)fl_pool_checkin(self, "fifo", pid);
	return fl_exit(self, pid, "kill");
}

static void ended_worker_is_replaced(void)
{
	uint32_t processes;

	begin();
	processes = w.node->procs_count;
	actor_do(&w, "a", kill_lent);
	actor_do(&w, "a", see_fifo);
	actor_do(&w, "a", kill_idle);
	actor_do(&w, "a", see_fifo);
	CU_ASSERT_EQUAL(w.node->procs_count, processes);
	world_close(&w);
}

/* A pool that has a message waiting cannot be called on this stack: one handler each. */
static int take_and_give_two(fl_proc *self)
{
	CU_ASSERT_EQUAL(take(self, "two"), FL_OK);
	return fl_pool_checkin(self, "two", got[(got_count - 1) % 4]);
}

static int take_and_give_fifo(fl_proc *self)
{
	CU_ASSERT_EQUAL(take(self, "fifo"), FL_OK);
	return fl_pool_checkin(self, "fifo", got[(got_count - 1) % 4]);
}

static void strategy_says_who_is_lent_first(void)
{
	begin();
	actor_do(&w, "a", take_and_give_two);
	actor_do(&w, "a", take_and_give_two);
	actor_do(&w, "a", take_and_give_fifo);
	actor_do(&w, "a", take_and_give_fifo);
	CU_ASSERT_TRUE(fl_pid_eq(&got[0], &got[1]));
	CU_ASSERT_FALSE(fl_pid_eq(&got[2], &got[3]));
	world_close(&w);
}

static int use(fl_proc *self, fl_pid worker, void *arg)
{
	fl_term reply;

	++*(int *)arg;
	return fl_call(self, worker, 10, &reply, "{work, ~}", 1);
}

static int transact(fl_proc *self)
{
	int count = 0;

	CU_ASSERT_EQUAL(fl_pool_transaction(self, "two", 0, use, &count), FL_OK);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(fl_pool_transaction(self, "nobody", 0, use, &count), FL_ENOPROC);
	return FL_OK;
}

static void transaction_gives_back_what_it_took(void)
{
	begin();
	for (int i = 0; i < 5; i++)
		actor_do(&w, "a", transact);
	actor_do(&w, "a", see_ready);
	world_close(&w);
}

static int end_pools(fl_proc *self)
{
	fl_term reply;
	fl_pid pid;

	CU_ASSERT_EQUAL(fl_call(self, "two", 10, &reply, "stop"), FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "ok"));
	CU_ASSERT_TRUE(fl_whereis(self, "fifo", &pid));
	return fl_exit(self, pid, "kill");
}

static void workers_end_with_their_pool(void)
{
	uint32_t processes;

	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &actor, "b", NULL);
	processes = w.node->procs_count;
	(void)world_start(&w, &two, "two", NULL);
	(void)world_start(&w, &fifo, "fifo", NULL);
	CU_ASSERT_EQUAL(w.node->procs_count, processes + 6);
	actor_do(&w, "a", end_pools);
	CU_ASSERT_EQUAL(w.node->procs_count, processes);
	world_close(&w);
}

/* ---- scarce memory ----------------------------------------------------------------------------
 */

static void scene(void)
{
	got_count = 0;
	(void)world_start(&w, &two, "two", NULL);
	actor_do(&w, "b", cancel_lent);
	actor_do(&w, "a", ask_in_line);
	actor_do(&w, "b", ask_in_line);
	actor_do(&w, "b", ask_in_line);
	actor_do(&w, "b", ask_in_line);
	actor_do(&w, "a", stop_now);
}

static void each_allocation_may_fail(void)
{
	actor_scarce(&w, scene);
}

FL_SUITE("pool", FL_TEST(overflow_comes_when_all_are_lent_and_goes_when_they_return),
	FL_TEST(workers_of_a_borrower_that_ends_come_back),
	FL_TEST(line_is_served_in_order_and_bounded),
	FL_TEST(one_that_ended_in_line_is_passed_over),
	FL_TEST(cancelled_checkout_leaves_the_line_or_gives_the_worker_back),
	FL_TEST(ended_worker_is_replaced), FL_TEST(strategy_says_who_is_lent_first),
	FL_TEST(transaction_gives_back_what_it_took), FL_TEST(workers_end_with_their_pool),
	FL_TEST(each_allocation_may_fail));
