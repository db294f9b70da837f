/* SPDX-License-Identifier: Apache-2.0 */
/* fl_call on the caller's stack, and what may happen meanwhile. */
#include "tests/support/actor.h"
#include "tests/support/fake_remote.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

static world w;
static fl_pid a, b;
static fl_from held;

static void setup(void)
{
	actor_open(&w);
	a = world_start(&w, &actor, "a", NULL);
	b = world_start(&w, &actor, "b", NULL);
}

/* ---- the callee's own work ------------------------------------------------------------------- */

static int ask_self_send(fl_proc *self)
{
	fl_term reply;

	CU_ASSERT_EQUAL(fl_call(self, "b", 1000, &reply, "self_send"), FL_OK);
	return FL_OK;
}

static void what_a_nested_callee_sends_itself_is_handled(void)
{
	setup();
	actor_do(&w, "a", ask_self_send);
	CU_ASSERT_STRING_EQUAL(actor_notes, "b: from_myself;");
	world_close(&w);
}

static int planner_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)state;
	(void)request;
	(void)fl_next_continue(self, "later");
	return fl_reply(from, "ok");
}

static int planner_continue(fl_proc *self, void *state, fl_term what)
{
	(void)self;
	(void)state;
	(void)what;
	actor_note("continued;");
	return FL_OK;
}

static const fl_behaviour planner = {
	.name = "planner", .call = planner_call, .continue_ = planner_continue};

static int ask_planner(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_call(self, "planner", 1000, NULL, "x"), FL_OK);
	actor_note("asked;");
	return FL_OK;
}

static void a_nested_callee_continues_after_its_callers_turn(void)
{
	setup();
	(void)world_start(&w, &planner, "planner", NULL);
	actor_do(&w, "a", ask_planner);
	CU_ASSERT_STRING_EQUAL(actor_notes, "asked;continued;");
	world_close(&w);
}

static fli_fault fault;
static long nth;

/* One that could not be told of its end would wait for ever. */
static int ask_with_little_memory(fl_proc *self)
{
	int rc;

	fault.countdown = nth;
	rc = fl_call(self, "planner", FL_INFINITY, NULL, "x");
	fault.countdown = 0;
	CU_ASSERT_NOT_EQUAL(rc, FL_ENOTSUP);
	CU_ASSERT_TRUE(fault.was_hit || rc == FL_OK);
	return FL_OK;
}

static void a_nested_call_ends_wherever_memory_runs_out(void)
{
	bool was_hit = true;

	for (nth = 1; was_hit; nth++) {
		fli_fault_create(&fault, 0);
		world_open(&w, &fault.mem);
		(void)world_start(&w, &actor, "a", NULL);
		(void)world_start(&w, &planner, "planner", NULL);
		actor_do(&w, "a", ask_with_little_memory);
		was_hit = fault.was_hit;
		world_close(&w);
		CU_ASSERT_EQUAL(fault.live, 0);
	}
	CU_ASSERT_TRUE(nth > 2);
}

/* ---- death while nested ---------------------------------------------------------------------- */

static int killer_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_pid caller;

	(void)state;
	CU_ASSERT_TRUE_FATAL(fl_from_pid(from, &caller));
	CU_ASSERT_EQUAL(fl_exit(self, caller, "kill"), FL_OK);
	if (fl_match(request, "hold")) {
		held = from;
		return fl_later(self, from);
	}
	return fl_reply(from, "too_late");
}

static const fl_behaviour killer = {.name = "killer", .call = killer_call};

static int call_killer(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_call(self, "killer", 1000, NULL, "x"), FL_ECLOSED);
	CU_ASSERT_EQUAL(fl_send(self, "b", "never"), FL_ECLOSED);
	return FL_OK;
}

static int call_holding_killer(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_call(self, "killer", 1000, NULL, "hold"), FL_ECLOSED);
	return FL_OK;
}

static void a_caller_that_its_callee_kills_goes_on_with_eclosed(void)
{
	setup();
	(void)world_start(&w, &killer, "killer", NULL);
	actor_do(&w, "a", call_killer);
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	CU_ASSERT_STRING_EQUAL(actor_notes, "");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	world_close(&w);
}

static void a_dead_callers_open_call_is_not_alive(void)
{
	setup();
	(void)world_start(&w, &killer, "killer", NULL);
	actor_do(&w, "a", call_holding_killer);
	CU_ASSERT_FALSE(fl_from_alive(held));
	CU_ASSERT_EQUAL(fl_reply(held, "x"), FL_OK);
	CU_ASSERT_EQUAL(fl_reply(held, "x"), FL_EALREADY);
	world_close(&w);
}

static fl_pid parent_pid;

static int patricide_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_exit(self, parent_pid, "kill");
}

static const fl_behaviour patricide = {.name = "patricide", .init = patricide_init};
static fl_pid child;

static int start_patricide(fl_proc *self)
{
	fl_ref ref;
	fl_start_options options = {.monitor = true, .ret_monitor = &ref};

	parent_pid = fl_self(self);
	(void)fl_start(self, &patricide, &options, &child, "[]");
	return FL_OK;
}

static void a_parent_that_its_child_kills_in_init_watches_nobody(void)
{
	setup();
	actor_do(&w, "a", start_patricide);
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	world_close(&w); /* the child ends here, and tells nobody */
}

static int call_stop(fl_proc *self)
{
	fl_proc *me = self->node->current;

	CU_ASSERT_EQUAL(fl_call(self, "b", 1000, NULL, "stop"), FL_OK);
	CU_ASSERT_PTR_EQUAL(self->node->current, me); /* the watcher looks at it */
	CU_ASSERT_PTR_EQUAL(me, self);
	return FL_OK;
}

static void after_a_nested_end_the_caller_is_the_current_process_again(void)
{
	setup();
	actor_do(&w, "a", call_stop);
	CU_ASSERT_FALSE(world_is_alive(&w, &b));
	CU_ASSERT_PTR_NULL(w.node->current);
	world_close(&w);
}

static int greeter_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_send(self, "a", "hello");
}

static const fl_behaviour greeter = {.name = "greeter", .init = greeter_init};

static int start_greeter_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	fl_pid pid;

	(void)state;
	CU_ASSERT_EQUAL(fl_start(self, &greeter, NULL, &pid, "[]"), FL_OK);
	return fl_build(ret_status, "started");
}

static const fl_behaviour shower = {.name = "shower", .format_status = start_greeter_status};

static int ask_state(fl_proc *self)
{
	fl_dest to = fl_to_name("shower");
	fl_term reply;

	CU_ASSERT_EQUAL(fli_call_system(self, to, 1000, &reply, fl_spec("get_state")), FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "{ok, started}"));
	return FL_OK;
}

static void a_state_that_is_shown_may_start_a_process(void)
{
	setup();
	(void)world_start(&w, &shower, "shower", NULL);
	actor_do(&w, "b", ask_state);
	CU_ASSERT_STRING_EQUAL(actor_notes, "a: hello;");
	CU_ASSERT_EQUAL(w.node->nest, 0);
	world_close(&w);
}

/* ---- busy peers ------------------------------------------------------------------------------ */

static int send_away(fl_proc *self)
{
	fl_pid to = fake_pid(7);

	return fl_send(self, to, "x");
}

static void a_sender_to_a_busy_peer_waits_until_it_is_ready(void)
{
	setup();
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	fake.is_busy = true;
	actor_do(&w, "a", send_away);
	world_send(&w, "a", "waits");
	CU_ASSERT_STRING_EQUAL(actor_notes, "send <t.1.0> <b.7.0> x;");
	fake.is_busy = false;
	fli_enter(w.node);
	fli_remote_ready(w.node, &fake.peer);
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_STRING_EQUAL(actor_notes, "send <t.1.0> <b.7.0> x;a: waits;");
	fake_remote_detach(&w);
	world_close(&w);
}

static int send_away_and_see_it_ready(fl_proc *self)
{
	(void)send_away(self);
	fake.is_busy = false;
	fli_enter(self->node);
	fli_remote_ready(self->node, &fake.peer); /* while this handler is late, or waits */
	fli_leave(self->node);
	return FL_OK;
}

static void a_peer_that_is_ready_before_the_handler_ends_suspends_nobody(void)
{
	setup();
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	fake.is_busy = true;
	actor_do(&w, "a", send_away_and_see_it_ready);
	world_send(&w, "a", "goes_on");
	CU_ASSERT_STRING_EQUAL(actor_notes, "send <t.1.0> <b.7.0> x;a: goes_on;");
	fake_remote_detach(&w);
	world_close(&w);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int bad_request(fl_proc *self)
{
	fl_ref ref;

	CU_ASSERT_NOT_EQUAL(fl_request(self, "b", &ref, "{unclosed"), FL_OK);
	CU_ASSERT_EQUAL(self->node->monitors.count, 0);
	return FL_OK;
}

static void a_request_that_cannot_be_built_leaves_no_monitor(void)
{
	setup();
	actor_do(&w, "a", bad_request);
	world_close(&w);
}

static int request_stop(fl_proc *self)
{
	fl_ref ref;

	CU_ASSERT_EQUAL(fl_request(self, "b", &ref, "stop"), FL_OK);
	return fl_request(self, "b", &ref, "later");
}

static int is_reply(fl_proc *self, void *state, fl_term message)
{
	fl_term reply;

	(void)self;
	(void)state;
	if (fl_match(message, "{_, bye}"))
		actor_note("bye;");
	else if (fl_match(message, "{'DOWN', _, process, _, ~}", &reply))
		actor_note("down;");
	else if (fl_match(message, "start"))
		return request_stop(self);
	return FL_OK;
}

static const fl_behaviour asker = {.name = "asker", .info = is_reply};

static void a_request_ends_once_by_its_answer_or_by_its_servers_end(void)
{
	setup();
	(void)world_start(&w, &asker, "asker", NULL);
	actor_notes[0] = '\0';
	world_send(&w, "asker", "start");
	CU_ASSERT_STRING_EQUAL(actor_notes, "bye;down;");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	world_close(&w);
}

FL_SUITE("nested", FL_TEST(what_a_nested_callee_sends_itself_is_handled),
	FL_TEST(a_nested_callee_continues_after_its_callers_turn),
	FL_TEST(a_nested_call_ends_wherever_memory_runs_out),
	FL_TEST(a_caller_that_its_callee_kills_goes_on_with_eclosed),
	FL_TEST(a_dead_callers_open_call_is_not_alive),
	FL_TEST(a_parent_that_its_child_kills_in_init_watches_nobody),
	FL_TEST(after_a_nested_end_the_caller_is_the_current_process_again),
	FL_TEST(a_state_that_is_shown_may_start_a_process),
	FL_TEST(a_sender_to_a_busy_peer_waits_until_it_is_ready),
	FL_TEST(a_peer_that_is_ready_before_the_handler_ends_suspends_nobody),
	FL_TEST(a_request_that_cannot_be_built_leaves_no_monitor),
	FL_TEST(a_request_ends_once_by_its_answer_or_by_its_servers_end));
