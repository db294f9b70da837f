/* SPDX-License-Identifier: Apache-2.0 */
/* fl_send_after and the idle timeout, in exact virtual time. */
#include <string.h>

#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static fl_pid a, b;
static fl_ref timer;
static int rc;

static void setup(void)
{
	actor_open(&w);
	a = world_start(&w, &actor, "a", NULL);
	b = world_start(&w, &actor, "b", NULL);
}

#define NOTES(expected) CU_ASSERT_STRING_EQUAL(actor_notes, expected)

static int to_b(fl_proc *self)
{
	return fl_send_after(self, 100, b, &timer, "tick");
}

static int to_name(fl_proc *self)
{
	return fl_send_after(self, 100, "b", &timer, "tick");
}

static int to_borrowed_pid(fl_proc *self)
{
	char name[] = "test@localhost";
	fl_pid pid = b;

	pid.node = fl_atom_of(name);
	rc = fl_send_after(self, 100, pid, &timer, "tick");
	memset(name, 'x', sizeof name - 1);
	return rc;
}

static int to_nowhere(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_send_after(self, 1, fl_name_at("b", "c@d"), NULL, "tick"), FL_EINVAL);
	CU_ASSERT_NOT_EQUAL(fl_send_after(self, 1, "b", NULL, "{unclosed"), FL_OK);
	CU_ASSERT_EQUAL(self->node->timers.count, 0);
	return FL_OK;
}

static int to_alias(fl_proc *self)
{
	return fl_send_after(self, 100, fl_alias(self), &timer, "tick");
}

static int cancel(fl_proc *self)
{
	rc = fl_cancel_timer(self, timer);
	return FL_OK;
}

static int stop(fl_proc *self)
{
	return fl_stop(self, "normal");
}

static void message_comes_when_it_is_due_and_not_before(void)
{
	setup();
	actor_do(&w, "a", to_b);
	world_pass(&w, 99);
	NOTES("");
	world_pass(&w, 1);
	NOTES("b: tick;");
	world_pass(&w, 1000);
	NOTES("b: tick;");
	actor_do(&w, "a", cancel);
	CU_ASSERT_EQUAL(rc, FL_ENOENT);
	world_close(&w);
}

static void cancelled_message_never_comes(void)
{
	setup();
	actor_do(&w, "a", to_b);
	actor_do(&w, "b", cancel); /* whoever knows the reference may */
	CU_ASSERT_EQUAL(rc, FL_OK);
	world_pass(&w, 1000);
	NOTES("");
	CU_ASSERT_EQUAL(w.node->timers.count, 0);
	world_close(&w);
}

static void timer_outlives_who_started_it(void)
{
	setup();
	actor_do(&w, "a", to_b);
	actor_do(&w, "a", stop);
	world_pass(&w, 100);
	NOTES("b: tick;");
	world_close(&w);
}

static void name_is_looked_up_when_the_timer_fires(void)
{
	setup();
	actor_do(&w, "a", to_name);
	actor_do(&w, "b", stop);
	b = world_start(&w, &actor, "b", NULL);
	world_pass(&w, 100);
	NOTES("b: tick;");
	world_close(&w);
}

static void timer_for_the_dead_is_no_error(void)
{
	setup();
	actor_do(&w, "b", stop);
	actor_do(&w, "a", to_b);
	CU_ASSERT_TRUE(world_is_alive(&w, &a));
	CU_ASSERT_EQUAL(w.node->timers.count, 1);
	world_pass(&w, 100);
	CU_ASSERT_EQUAL(w.node->timers.count, 0);
	NOTES("");
	world_close(&w);
}

static void receivers_node_may_be_a_borrowed_text(void)
{
	setup();
	actor_do(&w, "a", to_borrowed_pid);
	CU_ASSERT_EQUAL(rc, FL_OK);
	world_pass(&w, 100);
	NOTES("b: tick;");
	world_close(&w);
}

static void other_nodes_and_bad_patterns_are_refused(void)
{
	setup();
	actor_do(&w, "a", to_nowhere);
	world_close(&w);
}

static void alias_takes_a_timers_message(void)
{
	setup();
	actor_do(&w, "a", to_alias);
	world_pass(&w, 100);
	NOTES("a: tick;");
	world_close(&w);
}

static void timers_that_still_run_end_with_the_node(void)
{
	setup();
	actor_do(&w, "a", to_b);
	actor_do(&w, "a", to_name);
	CU_ASSERT_EQUAL(w.node->timers.count, 2);
	world_close(&w); /* a leak would be reported */
}

/* ---- the idle timeout ------------------------------------------------------------------------ */

static int idle_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	(void)message;
	fl_next_timeout(self, 50);
	return FL_OK;
}

static int idle_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

static int idle_timeout(fl_proc *self, void *state)
{
	(void)self;
	(void)state;
	actor_note("idle;");
	return FL_OK;
}

static const fl_behaviour idler = {
	.name = "idler", .info = idle_info, .cast = idle_cast, .timeout = idle_timeout};

static void idle_timeout_comes_once(void)
{
	setup();
	(void)world_start(&w, &idler, "idler", NULL);
	world_send(&w, "idler", "x");
	world_pass(&w, 49);
	NOTES("");
	world_pass(&w, 1);
	NOTES("idle;");
	world_pass(&w, 500);
	NOTES("idle;");
	world_close(&w);
}

static void any_message_ends_the_idle_timeout(void)
{
	setup();
	(void)world_start(&w, &idler, "idler", NULL);
	world_send(&w, "idler", "x");
	world_send(&w, "idler", "{'$gen_cast', x}");
	world_pass(&w, 500);
	NOTES("");
	world_close(&w);
}

static int ask_idler(fl_proc *self, const char *request)
{
	return fl_send(self, "i", "{system, {~, tag}, ~}", fl_self(self), fl_atom_of(request));
}

static int suspend_idler(fl_proc *self)
{
	return ask_idler(self, "suspend");
}

static int resume_idler(fl_proc *self)
{
	return ask_idler(self, "resume");
}

/* Else whoever looks at a server often enough would keep it from ever being idle. */
static void idle_time_runs_on_over_system_messages(void)
{
	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &idler, "i", NULL);
	world_send(&w, "i", "x");
	world_pass(&w, 49);
	actor_do(&w, "a", suspend_idler);
	world_pass(&w, 1);
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "idle;"));
	actor_do(&w, "a", resume_idler);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "idle;"));
	world_close(&w);
}

FL_SUITE("timers", FL_TEST(message_comes_when_it_is_due_and_not_before),
	FL_TEST(cancelled_message_never_comes), FL_TEST(timer_outlives_who_started_it),
	FL_TEST(name_is_looked_up_when_the_timer_fires), FL_TEST(timer_for_the_dead_is_no_error),
	FL_TEST(receivers_node_may_be_a_borrowed_text),
	FL_TEST(other_nodes_and_bad_patterns_are_refused), FL_TEST(alias_takes_a_timers_message),
	FL_TEST(timers_that_still_run_end_with_the_node), FL_TEST(idle_timeout_comes_once),
	FL_TEST(any_message_ends_the_idle_timeout),
	FL_TEST(idle_time_runs_on_over_system_messages));
