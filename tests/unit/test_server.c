/* SPDX-License-Identifier: Apache-2.0 */
#include <flitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/world.h"

/* A scribe notes, in one text, what it was given; tests read it. */
static char notes[4096];
static fl_pid target;
static fl_ref held_ref;

static void note(const char *what, fl_term term)
{
	char text[256];
	size_t used = strlen(notes);

	(void)fl_print_to(text, sizeof text, term);
	(void)snprintf(notes + used, sizeof notes - used, "%s %s;", what, text);
}

static void note_number(const char *what, int number)
{
	size_t used = strlen(notes);

	(void)snprintf(notes + used, sizeof notes - used, "%s %d;", what, number);
}

/* ---- a server with everything -----------------------------------------------------------------
 */

struct total {
	int64_t total;
	fl_from later;
};

static int full_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	note("init", args);
	return fl_next_continue(self, "go");
}

static int full_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct total *t = state;
	int64_t by;

	if (fl_match(request, "{add, ~}", &by))
		return fl_reply(from, "~", t->total += by);
	if (fl_match(request, "later")) {
		t->later = from;
		return fl_later(self, from);
	}
	if (fl_match(request, "twice")) {
		CU_ASSERT_EQUAL(fl_reply(from, "once"), FL_OK);
		CU_ASSERT_EQUAL(fl_reply(from, "again"), FL_EALREADY);
		return FL_OK;
	}
	if (fl_match(request, "forget"))
		return FL_OK;
	if (fl_match(request, "stop")) {
		(void)fl_reply(from, "bye");
		return fl_stop(self, "normal");
	}
	return fl_unhandled(self, request);
}

static int full_cast(fl_proc *self, void *state, fl_term message)
{
	struct total *t = state;

	note("cast", message);
	if (fl_match(message, "answer"))
		CU_ASSERT_EQUAL(fl_reply(t->later, "{late, ~}", t->total), FL_OK);
	if (fl_match(message, "wait"))
		fl_next_timeout(self, 50);
	if (fl_match(message, "crash"))
		return fl_stop(self, "{boom, ~}", 1);
	if (fl_match(message, "odd"))
		return 77;
	return FL_OK;
}

static int full_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	note("info", message);
	return FL_OK;
}

static int full_continue(fl_proc *self, void *state, fl_term what)
{
	(void)self;
	(void)state;
	note("continue", what);
	return FL_OK;
}

static int full_timeout(fl_proc *self, void *state)
{
	(void)self;
	(void)state;
	note_number("timeout", 0);
	return FL_OK;
}

static void full_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)self;
	(void)state;
	note("terminate", reason);
}

static const fl_behaviour full = {
	.name = "full",
	.state_size = sizeof(struct total),
	.init = full_init,
	.call = full_call,
	.cast = full_cast,
	.info = full_info,
	.continue_ = full_continue,
	.timeout = full_timeout,
	.terminate = full_terminate,
};

/* ---- an actor: runs what a test tells it
 * --------------------------------------------------------- */

typedef int act_fn(fl_proc *self);
static act_fn *next_act;

static int actor_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	if (fl_match(message, "act"))
		return next_act(self);
	note("got", message);
	return FL_OK;
}

static const fl_behaviour actor = {.name = "actor", .info = actor_info};
static const fl_behaviour trapper = {.name = "trapper", .info = actor_info, .trap_exit = true};
static const fl_behaviour bare = {.name = "bare"};

static world w;

static void setup(void)
{
	notes[0] = '\0';
	world_open(&w, fli_mem_libc());
}

static void act(const char *name, act_fn *fn)
{
	next_act = fn;
	world_send(&w, name, "act");
}

/* ---- the life of a server
 * ------------------------------------------------------------------------ */

static void continue_runs_before_messages(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	world_send(&w, "full", "hello");
	CU_ASSERT_STRING_EQUAL(notes, "init [];continue go;info hello;");
	world_close(&w);
}

static int call_add(fl_proc *self)
{
	fl_term reply;
	int64_t n = 0;

	CU_ASSERT_EQUAL(fl_call(self, "full", 1000, &reply, "{add, ~}", 5), FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "~", &n));
	CU_ASSERT_EQUAL(n, 5);
	return FL_OK;
}

static void local_call_is_answered_on_the_callers_stack(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	world_settle(&w);
	act("actor", call_add);
	world_close(&w);
}

static int call_stop(fl_proc *self)
{
	fl_term reply;

	CU_ASSERT_EQUAL(fl_call(self, "full", 1000, &reply, "stop"), FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "bye"));
	CU_ASSERT_EQUAL(fl_call(self, "full", 1000, &reply, "stop"), FL_ENOPROC);
	CU_ASSERT_TRUE(fl_match(reply, "noproc"));
	return FL_OK;
}

static void reply_goes_out_before_a_stop(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	world_settle(&w);
	act("actor", call_stop);
	world_close(&w);
}

static int call_oneself(fl_proc *self)
{
	fl_term reason;

	CU_ASSERT_EQUAL(fl_call(self, "actor", 1000, &reason, "x"), FL_EEXIT);
	CU_ASSERT_TRUE(fl_match(reason, "calling_self"));
	return FL_OK;
}

static void calling_oneself_fails_at_once(void)
{
	setup();
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", call_oneself);
	world_close(&w);
}

static int call_odd(fl_proc *self)
{
	fl_term reason;

	CU_ASSERT_EQUAL(fl_call(self, "full", 1000, &reason, "{no, such}"), FL_EEXIT);
	CU_ASSERT_TRUE(fl_match(reason, "{bad_call, {no, such}}"));
	return FL_OK;
}

static void unhandled_call_ends_the_server_and_tells_the_caller(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	world_settle(&w);
	act("actor", call_odd);
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "terminate {bad_call,{no,such}}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Generic server full terminating"));
	world_close(&w);
}

static int call_forget(fl_proc *self)
{
	fl_term reason;

	CU_ASSERT_EQUAL(fl_call(self, "full", 1000, &reason, "forget"), FL_EEXIT);
	CU_ASSERT_TRUE(fl_match(reason, "{api_misuse, {no_reply, forget}}"));
	return FL_OK;
}

static void unanswered_call_is_a_misuse(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	world_settle(&w);
	act("actor", call_forget);
	world_close(&w);
}

static int request_later(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_request(self, "full", &held_ref, "later"), FL_OK);
	CU_ASSERT_EQUAL(fl_request(self, "full", NULL, "twice"), FL_OK);
	return FL_OK;
}

static void deferred_reply_arrives_as_info(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	world_settle(&w);
	act("actor", request_later);
	world_send(&w, "full", "{'$gen_cast', answer}");
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",{late,0}};"));
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",once};"));
	CU_ASSERT_PTR_NULL(strstr(notes, "again"));
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	world_close(&w);
}

static void timeout_runs_when_no_message_came(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	world_send(&w, "full", "{'$gen_cast', wait}");
	world_pass(&w, 49);
	CU_ASSERT_PTR_NULL(strstr(notes, "timeout"));
	world_pass(&w, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "timeout"));
	world_close(&w);
}

static void message_cancels_the_timeout(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	world_send(&w, "full", "{'$gen_cast', wait}");
	world_send(&w, "full", "x");
	world_pass(&w, 100);
	CU_ASSERT_PTR_NULL(strstr(notes, "timeout"));
	world_close(&w);
}

static void crash_runs_terminate_and_is_reported(void)
{
	fl_pid pid;

	setup();
	pid = world_start(&w, &full, "full", NULL);
	world_send(&w, "full", "{'$gen_cast', crash}");
	CU_ASSERT_FALSE(world_is_alive(&w, &pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "terminate {boom,1}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Reason for termination == {boom,1}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "When Server state == {opaque,"));
	world_close(&w);
}

static void odd_return_value_is_a_misuse(void)
{
	setup();
	(void)world_start(&w, &full, "full", NULL);
	world_send(&w, "full", "{'$gen_cast', odd}");
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "terminate {api_misuse,{handler_returned,77}}"));
	world_close(&w);
}

static void absent_slots_have_otps_defaults(void)
{
	fl_pid pid;

	setup();
	pid = world_start(&w, &bare, "bare", NULL);
	world_send(&w, "bare", "whatever");
	CU_ASSERT_TRUE(world_is_alive(&w, &pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "bare received unexpected message: whatever"));
	world_send(&w, "bare", "{'$gen_cast', x}");
	CU_ASSERT_FALSE(world_is_alive(&w, &pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "{bad_cast,x}"));
	world_close(&w);
}

static void name_can_be_had_once(void)
{
	int rc;

	setup();
	(void)world_start(&w, &bare, "bare", NULL);
	(void)world_start(&w, &bare, "bare", &rc);
	CU_ASSERT_EQUAL(rc, FL_ETAKEN);
	CU_ASSERT_EQUAL(w.node->procs_count, 1);
	world_close(&w);
}

/* ---- links, monitors, exits
 * ---------------------------------------------------------------------- */

static int watch_target(fl_proc *self)
{
	return fl_monitor(self, target, &held_ref);
}

static int kill_target(fl_proc *self)
{
	return fl_exit(self, target, "kill");
}

static void monitor_tells_the_reason_once(void)
{
	setup();
	target = world_start(&w, &bare, "bare", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", watch_target);
	act("actor", kill_target);
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",killed};"));
	CU_ASSERT_FALSE(world_is_alive(&w, &target));
	notes[0] = '\0';
	act("actor", watch_target);
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",noproc};"));
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	world_close(&w);
}

static int watch_and_leave(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_monitor(self, target, &held_ref), FL_OK);
	CU_ASSERT_EQUAL(fl_exit(self, target, "kill"), FL_OK);
	return fl_demonitor(self, held_ref);
}

static void demonitor_flushes(void)
{
	setup();
	target = world_start(&w, &bare, "bare", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", watch_and_leave);
	CU_ASSERT_STRING_EQUAL(notes, "");
	world_close(&w);
}

static int link_target(fl_proc *self)
{
	return fl_link(self, target);
}

static int unlink_target(fl_proc *self)
{
	return fl_unlink(self, target);
}

static void link_takes_both_down(void)
{
	fl_pid pid;

	setup();
	target = world_start(&w, &bare, "bare", NULL);
	pid = world_start(&w, &actor, "actor", NULL);
	act("actor", link_target);
	world_send(&w, "bare", "{'$gen_cast', x}");
	CU_ASSERT_FALSE(world_is_alive(&w, &pid));
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	world_close(&w);
}

static void trapped_exit_is_a_message(void)
{
	fl_pid pid;

	setup();
	target = world_start(&w, &bare, "bare", NULL);
	pid = world_start(&w, &trapper, "trapper", NULL);
	act("trapper", link_target);
	world_send(&w, "bare", "{'$gen_cast', x}");
	CU_ASSERT_TRUE(world_is_alive(&w, &pid));
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",{bad_cast,x}};"));
	act("trapper", link_target); /* to the dead */
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, ",noproc};"));
	world_close(&w);
}

static void unlink_ends_the_link(void)
{
	fl_pid pid;

	setup();
	target = world_start(&w, &bare, "bare", NULL);
	pid = world_start(&w, &actor, "actor", NULL);
	act("actor", link_target);
	act("actor", unlink_target);
	world_send(&w, "bare", "{'$gen_cast', x}");
	CU_ASSERT_TRUE(world_is_alive(&w, &pid));
	world_close(&w);
}

static int exit_normal(fl_proc *self)
{
	return fl_exit(self, target, "normal");
}

static void normal_exit_signal_is_ignored(void)
{
	setup();
	target = world_start(&w, &bare, "bare", NULL);
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", exit_normal);
	CU_ASSERT_TRUE(world_is_alive(&w, &target));
	world_close(&w);
}

static int send_later(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_send_after(self, 30, "actor", &held_ref, "{tick, ~}", 1), FL_OK);
	CU_ASSERT_EQUAL(fl_send_after(self, 40, "actor", NULL, "tock"), FL_OK);
	return FL_OK;
}

static int cancel_it(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_cancel_timer(self, held_ref), FL_OK);
	CU_ASSERT_EQUAL(fl_cancel_timer(self, held_ref), FL_ENOENT);
	return FL_OK;
}

static void timers_fire_in_their_millisecond(void)
{
	setup();
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", send_later);
	world_pass(&w, 29);
	CU_ASSERT_STRING_EQUAL(notes, "");
	world_pass(&w, 1);
	CU_ASSERT_STRING_EQUAL(notes, "got {tick,1};");
	act("actor", send_later);
	act("actor", cancel_it);
	world_pass(&w, 100);
	CU_ASSERT_STRING_EQUAL(notes, "got {tick,1};got tock;got tock;");
	world_close(&w);
}

static int start_child(fl_proc *self)
{
	fl_start_options options = {.name = "child", .link = true};

	return fl_start(self, &bare, &options, &target, "[]");
}

static void child_ends_with_its_parent(void)
{
	setup();
	(void)world_start(&w, &actor, "actor", NULL);
	act("actor", start_child);
	CU_ASSERT_TRUE(world_is_alive(&w, &target));
	world_send(&w, "actor", "{'$gen_cast', end}");
	CU_ASSERT_FALSE(world_is_alive(&w, &target));
	world_close(&w);
}

static int self_kill(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_exit(self, fl_self(self), "kill"), FL_OK);
	CU_ASSERT_EQUAL(fl_send(self, "bare", "ghost"), FL_ECLOSED);
	return FL_OK;
}

static void killed_process_has_no_effect_any_more(void)
{
	setup();
	(void)world_start(&w, &bare, "bare", NULL);
	target = world_start(&w, &actor, "actor", NULL);
	act("actor", self_kill);
	CU_ASSERT_FALSE(world_is_alive(&w, &target));
	CU_ASSERT_PTR_NULL(strstr(w.log, "ghost"));
	world_close(&w);
}

/* ---- many ---- */

static void chain_of_links_needs_no_stack(void)
{
	enum { LENGTH = 200000 };

	setup();
	target = world_start(&w, &actor, "actor", NULL);
	for (int i = 0; i < LENGTH; i++) {
		static const uint8_t nil[] = {106};
		fli_start how = {.behaviour = &bare, .link = true};
		fl_proc *proc;

		fli_enter(w.node);
		how.parent = fli_proc_of(w.node, &target);
		CU_ASSERT_EQUAL_FATAL(
			fli_proc_start(w.node, &how, (fl_term){.data = nil, .size = sizeof nil},
				&proc, NULL),
			FL_OK);
		target = fli_proc_pid(proc);
		fli_leave(w.node);
	}
	world_send(&w, "actor", "{'$gen_cast', end}");
	CU_ASSERT_EQUAL(w.node->procs_count, 0);
	world_close(&w);
}

FL_SUITE("server", FL_TEST(continue_runs_before_messages),
	FL_TEST(local_call_is_answered_on_the_callers_stack),
	FL_TEST(calling_oneself_fails_at_once), FL_TEST(reply_goes_out_before_a_stop),
	FL_TEST(unhandled_call_ends_the_server_and_tells_the_caller),
	FL_TEST(unanswered_call_is_a_misuse), FL_TEST(deferred_reply_arrives_as_info),
	FL_TEST(timeout_runs_when_no_message_came), FL_TEST(message_cancels_the_timeout),
	FL_TEST(crash_runs_terminate_and_is_reported), FL_TEST(odd_return_value_is_a_misuse),
	FL_TEST(absent_slots_have_otps_defaults), FL_TEST(name_can_be_had_once),
	FL_TEST(monitor_tells_the_reason_once), FL_TEST(demonitor_flushes),
	FL_TEST(link_takes_both_down), FL_TEST(trapped_exit_is_a_message),
	FL_TEST(unlink_ends_the_link), FL_TEST(normal_exit_signal_is_ignored),
	FL_TEST(timers_fire_in_their_millisecond), FL_TEST(child_ends_with_its_parent),
	FL_TEST(killed_process_has_no_effect_any_more), FL_TEST(chain_of_links_needs_no_stack));
