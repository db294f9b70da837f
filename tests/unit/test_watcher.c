/* SPDX-License-Identifier: Apache-2.0 */
/* What happens between threads: the watcher's rest, work that is cancelled, a node that ends. */
#include <flitch.h>
#include <string.h>
#include <time.h>

#include "tests/support/driven.h"
#include "tests/support/suite.h"

#define LIMIT_S 5      /* what is to happen has happened by then */
#define REST_MS 250    /* longer than a watcher looks on when nothing happens */
#define OVERSTAY_MS 20 /* longer than a handler keeps the context */

static fl_node *node;
static driven world;
static sem_t entered, release, probed;
static _Atomic(int) overlaps, result, dropped, cancelled;
static _Atomic(bool) in_handler;

static bool wait_for(sem_t *sem)
{
	return driven_wait(sem, LIMIT_S);
}

static void stay(unsigned ms)
{
	struct timespec time = {.tv_nsec = (long)ms * 1000000};

	(void)nanosleep(&time, NULL);
}

/* In a handler of the driver: until the context has been taken away. */
static void stay_until_stolen(void)
{
	uint64_t word = atomic_load(&node->act_word);

	for (int i = 0; i < LIMIT_S * 1000 && atomic_load(&node->act_word) == word; i++)
		stay(1);
}

/* ---- servers --------------------------------------------------------------------------------- */

static int block_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	if (fl_match(message, "later"))
		return fl_send_after(self, REST_MS, fl_self(self), NULL, "block");
	(void)sem_post(&entered);
	result = wait_for(&release) ? 1 : -1; /* -1: everybody waited for this handler */
	return FL_OK;
}

static const fl_behaviour blocker = {.name = "block", .info = block_info};

static int probe_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	(void)sem_post(&probed);
	return FL_OK;
}

static const fl_behaviour prober = {.name = "probe", .info = probe_info};

/* Its handlers must not overlap, its terminate included. */
static void enter_alone(void)
{
	if (atomic_exchange(&in_handler, true))
		overlaps++;
}

static int lone_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	enter_alone();
	in_handler = false;
	return FL_OK;
}

static void lone_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)state;
	(void)reason;
	enter_alone();
	(void)sem_post(&entered);
	stay(OVERSTAY_MS);
	(void)fl_send(self, "probe", "x");
	in_handler = false;
}

static const fl_behaviour lone = {.name = "lone", .info = lone_info, .terminate = lone_terminate};

static int hold_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	(void)sem_post(&entered);
	return fl_later(self, from);
}

static const fl_behaviour holder = {.name = "hold", .call = hold_call};

static int once_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	(void)fl_reply(from, "bye");
	return fl_stop(self, "normal");
}

static const fl_behaviour once = {.name = "once", .call = once_call};

/* Calls whom the message names, and stays on its stack for a while. */
static int caller_info(fl_proc *self, void *state, fl_term message)
{
	fl_atom whom;
	char name[32] = "";

	(void)state;
	if (fl_match(message, "{call, ~}", &whom) && whom.size < sizeof name)
		memcpy(name, whom.text, whom.size);
	result = fl_call(self, name, FL_INFINITY, NULL, "x");
	if (result == FL_OK)
		stay_until_stolen();
	(void)sem_post(&probed);
	return FL_OK;
}

static const fl_behaviour caller = {.name = "caller", .info = caller_info};

static void work(void *arg, const _Atomic(bool) *is_cancelled)
{
	(void)arg;
	(void)sem_post(&entered);
	for (int i = 0; i < LIMIT_S * 1000 && !*is_cancelled; i++)
		stay(1);
	if (*is_cancelled)
		cancelled++;
}

static void short_work(void *arg, const _Atomic(bool) *is_cancelled)
{
	(void)arg;
	(void)is_cancelled;
}

static int work_done(fl_proc *self, void *state, void *arg)
{
	(void)self;
	(void)state;
	(void)arg;
	return FL_OK;
}

static void work_drop(void *arg)
{
	(void)arg;
	dropped++;
	(void)sem_post(&probed);
}

static int worker_info(fl_proc *self, void *state, fl_term message)
{
	static const fl_task slow = {.work = work, .done = work_done, .drop = work_drop};
	static const fl_task quick = {.work = short_work, .done = work_done, .drop = work_drop};

	(void)state;
	if (fl_match(message, "quick")) { /* it ends while this handler has not */
		(void)fl_offload(self, &quick, NULL);
		stay(OVERSTAY_MS);
		return fl_stop(self, "normal");
	}
	return fl_offload(self, &slow, NULL);
}

static const fl_behaviour worker = {.name = "worker", .info = worker_info};

/* ---- the world ------------------------------------------------------------------------------- */

static void setup(void)
{
	(void)sem_init(&entered, 0, 0);
	(void)sem_init(&release, 0, 0);
	(void)sem_init(&probed, 0, 0);
	overlaps = result = dropped = cancelled = 0;
	in_handler = false;
	node = driven_open(&world, "watch@localhost");
	(void)driven_start(node, &prober);
	(void)driven_start(node, &caller);
	driven_go(&world);
}

static void teardown(void)
{
	driven_close(&world);
}

static void kill_process(const fl_pid *pid)
{
	fl_proc *proc;

	fli_enter(node);
	proc = fli_proc_of(node, pid);
	if (proc != NULL)
		fli_proc_exit(proc, (fl_term){.data = NULL});
	fli_leave(node);
}

/* ---- tests ----------------------------------------------------------------------------------- */

enum { TALK_CALLS = 1000 }; /* of the runtime, which take longer together than a handler may */

/* Quick but for its fl_* calls; goes on until it is trusted. */
static int talker_info(fl_proc *self, void *state, fl_term message)
{
	uint8_t slow;

	(void)state;
	(void)message;
	for (int i = 0; i < TALK_CALLS; i++)
		(void)fl_send(self, "nobody", "x");
	fli_enter(node);
	slow = self->slow;
	fli_leave(node);
	if (slow == 0)
		(void)sem_post(&probed);
	return slow == 0 ? FL_OK : fl_send(self, fl_self(self), "x");
}

static const fl_behaviour talker = {.name = "talker", .info = talker_info};

static void process_that_only_calls_much_is_trusted_again(void)
{
	setup();
	(void)driven_start(node, &talker);
	fli_enter(node);
	fli_name_find(node, fl_atom_of("talker"))->slow =
		8; /* as if its thread had been put aside */
	fli_leave(node);
	driven_post(node, "talker", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	teardown();
}

static void handler_that_a_timer_starts_is_watched_too(void)
{
	setup();
	(void)driven_start(node, &blocker);
	driven_post(node, "block", "later");
	CU_ASSERT_TRUE(wait_for(&entered)); /* the watcher rests by then */
	driven_post(node, "probe", "x");
	CU_ASSERT_TRUE(wait_for(&probed));
	(void)sem_post(&release);
	teardown();
	CU_ASSERT_EQUAL(result, 1);
}

static void caller_that_overstays_after_a_nested_end_is_the_slow_one(void)
{
	setup();
	(void)driven_start(node, &once);
	driven_post(node, "caller", "{call, once}");
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(result, FL_OK);
	fli_enter(node);
	CU_ASSERT_PTR_NULL(fli_name_find(node, fl_atom_of("once")));
	CU_ASSERT_TRUE(fli_name_find(node, fl_atom_of("caller"))->slow > 0);
	fli_leave(node);
	teardown();
}

static void stop_lone(void)
{
	static const uint8_t why[] = {119, 8, 's', 'h', 'u', 't', 'd', 'o', 'w', 'n'};
	fl_dest to = fl_to_name("lone");
	fl_proc *proc;

	fli_enter(node);
	(void)fli_send_spec(node, NULL, &to, fl_spec("x")); /* it is in the run queue now */
	proc = fli_name_find(node, fl_atom_of("lone"));
	(void)fli_server_stop(proc, (fl_term){.data = why, .size = sizeof why}, NULL);
	fli_leave(node);
}

static void terminate_does_not_overlap_what_was_queued(void)
{
	setup();
	for (int i = 0; i < 5; i++) {
		(void)driven_start(node, &lone);
		stop_lone();
		CU_ASSERT_TRUE(wait_for(&entered));
		CU_ASSERT_TRUE(wait_for(&probed));
	}
	CU_ASSERT_EQUAL(overlaps, 0);
	teardown();
}

static void caller_that_waits_when_the_node_ends_is_let_go(void)
{
	setup();
	(void)driven_start(node, &holder);
	driven_post(node, "caller", "{call, hold}");
	CU_ASSERT_TRUE(wait_for(&entered));
	teardown();
	CU_ASSERT_EQUAL(result, FL_ECLOSED);
}

static void work_of_a_process_that_ends_is_cancelled(void)
{
	fl_pid pid;

	setup();
	pid = driven_start(node, &worker);
	driven_post(node, "worker", "slow");
	CU_ASSERT_TRUE(wait_for(&entered));
	kill_process(&pid);
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(cancelled, 1);
	CU_ASSERT_EQUAL(dropped, 1);
	teardown();
}

static void work_is_cancelled_when_the_node_ends(void)
{
	setup();
	(void)driven_start(node, &worker);
	driven_post(node, "worker", "slow");
	CU_ASSERT_TRUE(wait_for(&entered));
	teardown();
	CU_ASSERT_EQUAL(cancelled, 1);
}

static void work_that_ended_before_its_owner_is_dropped_with_the_mailbox(void)
{
	setup();
	(void)driven_start(node, &worker);
	driven_post(node, "worker", "quick");
	CU_ASSERT_TRUE(wait_for(&probed));
	CU_ASSERT_EQUAL(dropped, 1);
	teardown();
}

/* ---- many threads ---------------------------------------------------------------------------- */

enum { STRESS_ROUNDS = 300, STRESS_THREADS = 4 };

static int mixed_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	(void)message;
	enter_alone();
	stay(2); /* now and then just long enough to lose the context */
	(void)fl_send(self, "probe", "x");
	in_handler = false;
	return FL_OK;
}

static const fl_behaviour mixed = {.name = "mixed", .info = mixed_info};

static void *poster(void *arg)
{
	(void)arg;
	for (int i = 0; i < STRESS_ROUNDS / STRESS_THREADS; i++)
		driven_post(node, "mixed", "x");
	return NULL;
}

static void messages_from_many_threads_are_handled_one_by_one(void)
{
	pthread_t threads[STRESS_THREADS];

	setup();
	(void)driven_start(node, &mixed);
	for (int i = 0; i < STRESS_THREADS; i++)
		(void)pthread_create(&threads[i], NULL, poster, NULL);
	for (int i = 0; i < STRESS_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i < STRESS_ROUNDS; i++)
		CU_ASSERT_TRUE_FATAL(wait_for(&probed));
	CU_ASSERT_EQUAL(overlaps, 0);
	teardown();
}

FL_SUITE("watcher", FL_TEST(handler_that_a_timer_starts_is_watched_too),
	FL_TEST(caller_that_overstays_after_a_nested_end_is_the_slow_one),
	FL_TEST(process_that_only_calls_much_is_trusted_again),
	FL_TEST(terminate_does_not_overlap_what_was_queued),
	FL_TEST(caller_that_waits_when_the_node_ends_is_let_go),
	FL_TEST(work_of_a_process_that_ends_is_cancelled),
	FL_TEST(work_is_cancelled_when_the_node_ends),
	FL_TEST(work_that_ended_before_its_owner_is_dropped_with_the_mailbox),
	FL_TEST(messages_from_many_threads_are_handled_one_by_one));
