/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers that block: the context changes threads, and nobody else waits. */
#include <flitch.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/support/driven.h"
#include "tests/support/suite.h"

#define LIMIT_S 20 /* a test that waits longer has failed */

static fl_node *node;
static driven world;
static sem_t entered, release, probed;
static _Atomic(int) answers;
static fl_from kept;

static bool wait_for(sem_t *sem)
{
	return driven_wait(sem, LIMIT_S);
}

/* ---- servers --------------------------------------------------------------------------------- */

static int block_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	(void)message;
	(void)sem_post(&entered);
	(void)driven_wait(&release, 3 * LIMIT_S); /* tests give up before it does */
	return fl_send(self, "probe", "after_block");
}

static int block_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	(void)sem_post(&entered);
	(void)driven_wait(&release, 3 * LIMIT_S); /* tests give up before it does */
	return fl_reply(from, "{done, ~}", request);
}

static const fl_behaviour blocker = {.name = "block", .info = block_info, .call = block_call};

static int probe_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	(void)sem_post(&probed);
	return FL_OK;
}

static const fl_behaviour prober = {.name = "probe", .info = probe_info};

static int hold_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	kept = from;
	(void)fl_later(self, from);
	(void)sem_post(&entered);
	return FL_OK;
}

static const fl_behaviour holder = {.name = "hold", .call = hold_call};

/* Calls whom the message names, and counts the answer. */
static int caller_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reply;
	fl_atom whom;
	char name[32];
	int rc;

	(void)state;
	if (!fl_match(message, "{call, ~}", &whom) || whom.size >= sizeof name)
		return FL_OK;
	memcpy(name, whom.text, whom.size);
	name[whom.size] = '\0';
	rc = fl_call(self, name, 30000, &reply, "{question, ~}", 1);
	if (rc == FL_OK && (fl_match(reply, "answer") || fl_match(reply, "{done, {question, 1}}")))
		answers++;
	(void)sem_post(&probed);
	return FL_OK;
}

static const fl_behaviour caller = {.name = "caller", .info = caller_info};

/* ---- a second question, while the driver sleeps ---- */

static _Atomic(unsigned) flushes; /* turns of the loop, as what writes to sockets sees them */
static _Atomic(bool) is_armed;
static sem_t flushed;

static void on_flush(void *ctx)
{
	(void)ctx;
	flushes++;
	if (atomic_exchange(&is_armed, false))
		(void)sem_post(&flushed);
}

/* Until the loop has had no turn for some time. */
static void wait_for_the_driver_to_sleep(void)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	unsigned seen = flushes, quiet = 0;

	while (quiet < 25) {
		(void)nanosleep(&pause, NULL);
		quiet = flushes == seen ? quiet + 1 : 0;
		seen = flushes;
	}
}

/* The first answer comes when this thread has given the loop away; "block" is busy by then. */
static int twice_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reply;

	(void)state;
	(void)message;
	if (fl_call(self, "hold", 30000, &reply, "first") != FL_OK)
		return FL_OK;
	wait_for_the_driver_to_sleep();
	is_armed = true;
	if (fl_call(self, "block", 30000, &reply, "{question, 1}") == FL_OK)
		answers++;
	(void)sem_post(&probed);
	return FL_OK;
}

static const fl_behaviour twice = {.name = "twice", .info = twice_info};

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	(void)cancelled;
	*(int *)arg += 1;
}

static int work_done(fl_proc *self, void *state, void *arg)
{
	(void)self;
	(void)state;
	if (*(int *)arg == 42)
		answers++;
	(void)sem_post(&probed);
	return FL_OK;
}

static int worker_info(fl_proc *self, void *state, fl_term message)
{
	static const fl_task task = {.work = work, .done = work_done};
	static int number;

	(void)state;
	(void)message;
	number = 41;
	return fl_offload(self, &task, &number);
}

static const fl_behaviour worker = {.name = "worker", .info = worker_info};

static sem_t second_was_tried;
static int second_rc;

static void patient_work(void *arg, const _Atomic(bool) *cancelled)
{
	(void)arg;
	(void)cancelled;
	(void)sem_wait(&second_was_tried);
}

static int patient_done(fl_proc *self, void *state, void *arg)
{
	static const fl_task task = {.work = work, .done = work_done};

	(void)state;
	return fl_offload(self, &task, arg);
}

static int greedy_info(fl_proc *self, void *state, fl_term message)
{
	static const fl_task task = {.work = patient_work, .done = patient_done};
	static int number;
	int rc;

	(void)state;
	(void)message;
	number = 41;
	rc = fl_offload(self, &task, &number);
	second_rc = fl_offload(self, &task, &number);
	(void)sem_post(&second_was_tried);
	return rc;
}

static const fl_behaviour greedy = {.name = "greedy", .info = greedy_info};

/* ---- the world ------------------------------------------------------------------------------- */

static void setup(void)
{
	(void)sem_init(&entered, 0, 0);
	(void)sem_init(&release, 0, 0);
	(void)sem_init(&probed, 0, 0);
	answers = 0;
	node = driven_open(&world, "crew@localhost");
	(void)driven_start(node, &prober);
	(void)driven_start(node, &blocker);
	(void)driven_start(node, &caller);
	(void)driven_start(node, &holder);
	(void)driven_start(node, &worker);
	(void)driven_start(node, &greedy);
	driven_go(&world);
}

static void teardown(void)
{
	driven_close(&world);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void blocked_handler_delays_nobody(void)
{
	setup();
	driven_post(node, "block", "x");
	CU_ASSERT_TRUE(wait_for(&entered));
	for (int i = 0; i < 100; i++) {
		driven_post(node, "probe", "x");
		CU_ASSERT_TRUE(wait_for(&probed));
	}
	(void)sem_post(&release);
	CU_ASSERT_TRUE(wait_for(&probed)); /* what it sent when it came back late */
	teardown();
}

static void behaviour_that_overstayed_starts_on_a_spare_thread(void)
{
	setup();
	for (int i = 0; i < 5; i++) {
		driven_post(node, "block", "x");
		CU_ASSERT_TRUE(wait_for(&entered));
		driven_post(node, "probe", "x");
		CU_ASSERT_TRUE(wait_for(&probed));
		(void)sem_post(&release);
		CU_ASSERT_TRUE(wait_for(&probed));
	}
	teardown();
}

static void waiting_call_lets_the_others_go_on(void)
{
	setup();
	driven_post(node, "caller", "{call, hold}");
	CU_ASSERT_TRUE(wait_for(&entered));
	driven_post(node, "probe", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_TRUE(fl_from_alive(kept));
	CU_ASSERT_EQUAL(fl_reply(kept, "answer"), FL_OK);
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(answers, 1);
	CU_ASSERT_EQUAL(fl_reply(kept, "answer"), FL_EALREADY);
	teardown();
}

static void nested_callee_that_blocks_gives_the_context_away(void)
{
	setup();
	driven_post(node, "caller", "{call, block}");
	CU_ASSERT_TRUE(wait_for(&entered));
	driven_post(node, "probe", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	(void)sem_post(&release);
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(answers, 1);
	teardown();
}

static void process_killed_in_its_handler_dies_at_once(void)
{
	fl_proc *proc;
	uint32_t before;

	setup();
	driven_post(node, "block", "x");
	CU_ASSERT_TRUE(wait_for(&entered));
	fli_enter(node);
	before = node->procs_count;
	proc = fli_name_find(node, fl_atom_of("block"));
	fli_proc_exit(proc, (fl_term){.data = NULL});
	fli_exits_drain(node);
	CU_ASSERT_EQUAL(node->procs_count, before - 1);
	CU_ASSERT_PTR_NULL(fli_name_find(node, fl_atom_of("block")));
	fli_leave(node);
	(void)sem_post(&release);
	driven_post(node, "probe", "x");
	CU_ASSERT_TRUE(wait_for(&probed)); /* and the zombie's own message never comes */
	teardown();
	CU_ASSERT_NOT_EQUAL(sem_trywait(&probed), 0);
}

static void offloaded_work_comes_back_as_a_handler(void)
{
	setup();
	driven_post(node, "worker", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(answers, 1);
	teardown();
}

static void offloads_are_limited(void)
{
	setup();
	(void)sem_init(&second_was_tried, 0, 0);
	fli_enter(node);
	node->limits.offloads_max = 1;
	fli_leave(node);
	driven_post(node, "greedy", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(second_rc, FL_ELIMIT);
	CU_ASSERT_EQUAL(answers, 1); /* there was room again when the first had ended */
	teardown();
	(void)sem_destroy(&second_was_tried);
}

/* What it wrote for another node would lie there until something else happens. */
static void second_call_of_a_handler_wakes_the_driver(void)
{
	setup();
	(void)sem_init(&flushed, 0, 0);
	fli_enter(node);
	fli_loop_on_flush(world.loop, on_flush, NULL);
	fli_leave(node);
	(void)driven_start(node, &twice);
	driven_post(node, "block", "x");
	CU_ASSERT_TRUE(wait_for(&entered));
	driven_post(node, "twice", "x");
	CU_ASSERT_TRUE(wait_for(&entered));
	CU_ASSERT_EQUAL(fl_reply(kept, "answer"), FL_OK);
	CU_ASSERT_TRUE(wait_for(&flushed));
	(void)sem_post(&release);
	CU_ASSERT_TRUE(wait_for(&probed)); /* of the blocker */
	CU_ASSERT_TRUE(wait_for(&entered));
	(void)sem_post(&release);
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(answers, 1);
	teardown();
	(void)sem_destroy(&flushed);
}

enum { ASKERS = 32, ASKED = 100 };

static void *ask_again(void *arg)
{
	(void)arg;
	for (int i = 0; i < ASKED; i++) {
		fli_enter(node);
		fli_leave(node);
	}
	return NULL;
}

/* As the threads of many works do. To wake all of them for each turn takes 16 switches a turn. */
static void each_turn_wakes_the_thread_whose_turn_it_is(void)
{
	pthread_t threads[ASKERS];
	struct rusage before, after;

	setup();
	(void)getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < ASKERS; i++)
		(void)pthread_create(&threads[i], NULL, ask_again, NULL);
	for (int i = 0; i < ASKERS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)getrusage(RUSAGE_SELF, &after);
	CU_ASSERT_TRUE(after.ru_nvcsw - before.ru_nvcsw < (long)6 * ASKERS * ASKED);
	teardown();
}

FL_SUITE("crew", FL_TEST(blocked_handler_delays_nobody),
	FL_TEST(behaviour_that_overstayed_starts_on_a_spare_thread),
	FL_TEST(waiting_call_lets_the_others_go_on),
	FL_TEST(nested_callee_that_blocks_gives_the_context_away),
	FL_TEST(process_killed_in_its_handler_dies_at_once),
	FL_TEST(offloaded_work_comes_back_as_a_handler), FL_TEST(offloads_are_limited),
	FL_TEST(second_call_of_a_handler_wakes_the_driver),
	FL_TEST(each_turn_wakes_the_thread_whose_turn_it_is));
