/* SPDX-License-Identifier: Apache-2.0 */
/* The node's supervisor: restarts, intensity, its end. And OTP's sys messages. */
#include "node/supervisor.h"

#include <string.h>

#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static int starts;
static bool refuses;

static int child_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	starts++;
	return refuses ? fl_stop(self, "refused") : FL_OK;
}

static int child_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	if (fl_match(message, "crash"))
		return fl_stop(self, "boom");
	if (fl_match(message, "end"))
		return fl_stop(self, "normal");
	return FL_OK;
}

static int child_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	return fl_reply(from, "~", request);
}

static void child_terminate(fl_proc *self, void *state, fl_term reason)
{
	char name[64], text[64];

	(void)state;
	actor_note("%s ends: %s;", fli_proc_text(self, name, sizeof name),
		fl_print_to(text, sizeof text, reason));
}

static int child_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	(void)self;
	(void)state;
	return fl_build(ret_status, "#{count => ~}", 7);
}

static const fl_behaviour one = {.name = "one",
	.init = child_init,
	.info = child_info,
	.call = child_call,
	.terminate = child_terminate,
	.format_status = child_status,
	.trap_exit = true};
static const fl_behaviour two = {.name = "two",
	.init = child_init,
	.info = child_info,
	.terminate = child_terminate,
	.trap_exit = true};
static const fl_behaviour plain = {
	.name = "plain", .init = child_init, .info = child_info, .terminate = child_terminate};

static int add(const fl_behaviour *behaviour, fl_error *err)
{
	int rc;

	fli_enter(w.node);
	rc = fli_supervisor_start_child(w.node, behaviour, err);
	fli_leave(w.node);
	return rc;
}

static void setup(void)
{
	fl_error err;

	starts = 0;
	refuses = false;
	actor_open(&w);
	fli_enter(w.node);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start(w.node), FL_OK);
	fli_leave(w.node);
	CU_ASSERT_EQUAL(add(&one, &err), FL_OK);
	CU_ASSERT_EQUAL(add(&two, &err), FL_OK);
	(void)world_start(&w, &actor, "a", NULL);
	world_settle(&w);
	actor_notes[0] = '\0';
}

static bool is_registered(const char *name)
{
	return fli_name_find(w.node, fl_atom_of(name)) != NULL;
}

/* ---- supervision ----------------------------------------------------------------------------- */

static void child_that_ends_is_started_again(void)
{
	setup();
	CU_ASSERT_EQUAL(starts, 2);
	world_send(&w, "two", "crash");
	CU_ASSERT_EQUAL(starts, 3);
	world_send(&w, "two", "end"); /* permanent: a normal end is one, too */
	CU_ASSERT_EQUAL(starts, 4);
	CU_ASSERT_TRUE(is_registered("two"));
	world_close(&w);
}

static void fourth_restart_within_the_period_ends_all(void)
{
	setup();
	for (int i = 0; i < 3; i++)
		world_send(&w, "two", "crash");
	CU_ASSERT_EQUAL(starts, 5);
	CU_ASSERT_TRUE(is_registered("flitch_sup"));
	world_send(&w, "two", "crash");
	CU_ASSERT_EQUAL(starts, 5);
	CU_ASSERT_FALSE(is_registered("one"));
	CU_ASSERT_FALSE(is_registered("two"));
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "reached_max_restart_intensity"));
	world_close(&w);
}

static void restarts_that_are_far_apart_do_not_count(void)
{
	setup();
	for (int i = 0; i < 20; i++) { /* four within 6 s; OTP counts by whole seconds */
		world_send(&w, "two", "crash");
		world_pass(&w, 2000);
	}
	CU_ASSERT_EQUAL(starts, 22);
	CU_ASSERT_TRUE(is_registered("flitch_sup"));
	world_close(&w);
}

static void child_that_cannot_start_again_uses_the_intensity_up(void)
{
	setup();
	refuses = true;
	world_send(&w, "two", "crash");
	CU_ASSERT_EQUAL(starts, 5);
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	world_close(&w);
}

static void first_start_that_fails_says_why(void)
{
	static const fl_behaviour three = {.name = "three", .init = child_init};
	fl_error err;

	setup();
	refuses = true;
	CU_ASSERT_EQUAL(add(&three, &err), FL_EEXIT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "refused"));
	CU_ASSERT_EQUAL(add(&one, &err), FL_ETAKEN);
	world_close(&w);
}

static int call_one(fl_proc *self)
{
	fl_ref ref;

	return fl_request(self, "one", &ref, "hello");
}

/* ---- the end --------------------------------------------------------------------------------- */

static void stop_all(void)
{
	fli_enter(w.node);
	fli_supervisor_stop(w.node);
	fli_leave(w.node);
	world_settle(&w);
}

/* As if a handler of it ran on another thread. */
static fl_proc *hold(const char *name)
{
	fl_proc *proc = fli_name_find(w.node, fl_atom_of(name));

	proc->frames++;
	return proc;
}

static void let_go(fl_proc *proc)
{
	fli_enter(w.node);
	proc->frames--;
	fli_server_rest(proc);
	fli_proc_free(proc);
	fli_leave(w.node);
	world_settle(&w);
}

static void last_started_ends_first(void)
{
	setup();
	stop_all();
	CU_ASSERT_STRING_EQUAL(actor_notes, "two ends: shutdown;one ends: shutdown;");
	CU_ASSERT_EQUAL(starts, 2);
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	CU_ASSERT_PTR_NULL(strstr(w.log, "Context"));
	world_close(&w);
}

static void child_that_does_not_trap_ends_without_terminate(void)
{
	fl_error err;

	setup();
	CU_ASSERT_EQUAL(add(&plain, &err), FL_OK);
	stop_all();
	CU_ASSERT_FALSE(is_registered("plain"));
	CU_ASSERT_STRING_EQUAL(actor_notes, "two ends: shutdown;one ends: shutdown;");
	world_close(&w);
}

static void child_in_a_handler_is_waited_for(void)
{
	fl_proc *busy;

	setup();
	busy = hold("two");
	stop_all();
	world_pass(&w, 4999);
	CU_ASSERT_STRING_EQUAL(actor_notes, "");
	CU_ASSERT_TRUE(is_registered("two"));
	actor_do(&w, "a", call_one); /* who is not asked yet serves as ever */
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "hello}"));
	let_go(busy);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "two ends: shutdown;one ends: shutdown;"));
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	world_close(&w);
}

static int look_at_supervisor(fl_proc *self)
{
	return fl_send(self, "flitch_sup", "{system, {~, tag}, get_state}", fl_self(self));
}

static void child_that_does_not_end_is_killed(void)
{
	fl_proc *busy;

	setup();
	busy = hold("two");
	stop_all();
	world_pass(&w, 4999);
	actor_do(&w, "a", look_at_supervisor); /* nobody puts the end off so */
	actor_notes[0] = '\0';
	world_pass(&w, 1);
	CU_ASSERT_STRING_EQUAL(actor_notes, "one ends: shutdown;");
	CU_ASSERT_FALSE(is_registered("two"));
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log,
		"Supervisor: {local,flitch_sup}. Context: shutdown_error. Reason: killed. "
		"Offender: id=two,pid=<test@localhost."));
	let_go(busy);
	CU_ASSERT_STRING_EQUAL(actor_notes, "one ends: shutdown;");
	world_close(&w);
}

static void nothing_is_started_while_all_ends(void)
{
	fl_proc *busy;
	fl_error err = {0};

	setup();
	busy = hold("two");
	stop_all();
	CU_ASSERT_EQUAL(add(&plain, &err), FL_EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "is stopping"));
	world_send(&w, "one", "crash");
	CU_ASSERT_EQUAL(starts, 2);
	let_go(busy);
	CU_ASSERT_EQUAL(add(&plain, &err), FL_EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "has ended"));
	world_close(&w);
}

static void supervisor_gives_up_child_after_child(void)
{
	fl_proc *busy;

	setup();
	busy = hold("one");
	for (int i = 0; i < 4; i++)
		world_send(&w, "two", "crash");
	CU_ASSERT_TRUE(is_registered("flitch_sup"));
	CU_ASSERT_FALSE(is_registered("two"));
	let_go(busy);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "one ends: shutdown;"));
	CU_ASSERT_FALSE(is_registered("flitch_sup"));
	world_close(&w);
}

static void reports_are_worded_as_otps(void)
{
	setup();
	refuses = true;
	world_send(&w, "two", "crash");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log,
		"Supervisor: {local,flitch_sup}. Context: child_terminated. Reason: boom. "
		"Offender: id=two,pid=<test@localhost."));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Context: start_error. Reason: refused. Offender: "
					     "id=two,pid="));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Context: shutdown. Reason: "
					     "reached_max_restart_intensity. Offender: id=two"));
	world_close(&w);
}

static int forge_exit(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_TRUE(fl_whereis(self, "two", &pid));
	return fl_send(self, "flitch_sup", "{'EXIT', ~, boom}", pid);
}

static int attack(fl_proc *self)
{
	fl_pid pid;

	CU_ASSERT_TRUE(fl_whereis(self, "flitch_sup", &pid));
	(void)fl_exit(self, pid, "kill");
	return fl_exit(self, pid, "bad");
}

static void forged_exit_starts_nothing(void)
{
	setup();
	actor_do(&w, "a", forge_exit);
	CU_ASSERT_EQUAL(starts, 2);
	actor_do(&w, "a", attack);
	CU_ASSERT_TRUE(is_registered("flitch_sup"));
	world_close(&w);
}

/* ---- sys ------------------------------------------------------------------------------------- */

static void ask_sys(fl_proc *self, const char *request, const char *expected)
{
	fl_term reply = {.data = NULL};
	char text[1024];

	CU_ASSERT_EQUAL(
		fli_call_system(self, fl_to_name("one"), 1000, &reply, fl_spec(request)), FL_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(fl_print_to(text, sizeof text, reply), expected));
}

static int look(fl_proc *self)
{
	ask_sys(self, "get_state", "{ok,#{count => 7}}");
	ask_sys(self, "get_status", "{module,gen_server}");
	ask_sys(self, "get_status", "{'$ancestors',[flitch_sup]}");
	ask_sys(self, "nonsense", "{error,{unknown_system_msg,nonsense}}");
	return FL_OK;
}

static int debug_one(fl_proc *self)
{
	ask_sys(self, "{debug, {trace, true}}", "ok");
	ask_sys(self, "{debug, {log, true}}", "ok");
	ask_sys(self, "{debug, {log, get}}", "{ok,[]}");
	ask_sys(self, "{debug, {log_to_file, false}}", "ok");
	ask_sys(self, "{debug, {log_to_file, \"f\"}}", "{error,open_file}");
	ask_sys(self, "{debug, {install, {f, s}}}", "{error,notsup}");
	ask_sys(self, "{debug, nonsense}", "unknown_debug");
	ask_sys(self, "{replace_state, f}",
		"{error,{callback_failed,{gen_server,system_replace_state},{error,{notsup,");
	ask_sys(self, "{debug, {statistics, get}}", "{ok,no_statistics}");
	return FL_OK;
}

static int count_one(fl_proc *self)
{
	ask_sys(self, "{debug, {statistics, true}}", "ok");
	return call_one(self);
}

static int counts_of_one(fl_proc *self)
{
	ask_sys(self, "{debug, {statistics, get}}", "{ok,[{start_time,{{1970,");
	ask_sys(self, "{debug, {statistics, get}}", "{messages_in,1},{messages_out,1}]}");
	ask_sys(self, "{debug, no_debug}", "ok");
	ask_sys(self, "{debug, {statistics, get}}", "{ok,no_statistics}");
	return FL_OK;
}

static int suspend_one(fl_proc *self)
{
	ask_sys(self, "suspend", "ok");
	return FL_OK;
}

static int status_and_resume(fl_proc *self)
{
	(void)fl_send(self, "one", "{system, {~, tag}, get_state}", fl_self(self));
	return fl_send(self, "one", "{system, {~, tag}, resume}", fl_self(self));
}

static int end_one(fl_proc *self)
{
	fl_term reply;

	CU_ASSERT_EQUAL(fli_call_system(self, fl_to_name("one"), 1000, &reply,
				fl_spec("{terminate, enough}")),
		FL_OK);
	return FL_OK;
}

static int end_supervisor(fl_proc *self)
{
	fl_term reply = {.data = NULL};

	CU_ASSERT_EQUAL(fli_call_system(self, fl_to_name("flitch_sup"), 1000, &reply,
				fl_spec("{terminate, enough}")),
		FL_OK);
	CU_ASSERT_TRUE(fl_match(reply, "{error, not_allowed}"));
	return FL_OK;
}

static void sys_shows_state_and_status(void)
{
	setup();
	actor_do(&w, "a", look);
	world_close(&w);
}

static void sys_debug_requests_are_answered(void)
{
	setup();
	actor_do(&w, "a", debug_one);
	world_close(&w);
}

static void statistics_count_from_when_they_were_asked_for(void)
{
	setup();
	actor_do(&w, "a", call_one);
	actor_do(&w, "a", count_one);
	actor_do(&w, "a", counts_of_one);
	world_close(&w);
}

static void suspended_server_serves_system_messages_alone(void)
{
	setup();
	actor_do(&w, "a", suspend_one);
	actor_do(&w, "a", call_one);
	CU_ASSERT_STRING_EQUAL(actor_notes, "");
	actor_do(&w, "a", status_and_resume);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "a: {tag,{ok,#{count => 7}}};a: {tag,ok};"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "hello}"));
	world_close(&w);
}

static void sys_terminate_ends_with_its_reason(void)
{
	setup();
	actor_do(&w, "a", end_one);
	CU_ASSERT_STRING_EQUAL(actor_notes, "one ends: enough;");
	CU_ASSERT_EQUAL(starts, 3);
	actor_do(&w, "a", end_supervisor);
	CU_ASSERT_TRUE(is_registered("flitch_sup"));
	world_close(&w);
}

FL_SUITE("supervisor", FL_TEST(child_that_ends_is_started_again),
	FL_TEST(fourth_restart_within_the_period_ends_all),
	FL_TEST(restarts_that_are_far_apart_do_not_count),
	FL_TEST(child_that_cannot_start_again_uses_the_intensity_up),
	FL_TEST(first_start_that_fails_says_why), FL_TEST(last_started_ends_first),
	FL_TEST(child_that_does_not_trap_ends_without_terminate),
	FL_TEST(child_in_a_handler_is_waited_for), FL_TEST(child_that_does_not_end_is_killed),
	FL_TEST(nothing_is_started_while_all_ends), FL_TEST(supervisor_gives_up_child_after_child),
	FL_TEST(reports_are_worded_as_otps), FL_TEST(sys_debug_requests_are_answered),
	FL_TEST(statistics_count_from_when_they_were_asked_for),
	FL_TEST(forged_exit_starts_nothing), FL_TEST(sys_shows_state_and_status),
	FL_TEST(suspended_server_serves_system_messages_alone),
	FL_TEST(sys_terminate_ends_with_its_reason));
