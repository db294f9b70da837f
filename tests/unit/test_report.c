/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a server's end: in the node's log, and at the logger of its group leader's node. */
#include <stdio.h>
#include <string.h>

#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;

struct total {
	int64_t total;
};

static int wiping_init(fl_proc *self, void *state, fl_term args)
{
	(void)args;
	((struct total *)state)->total = 5;
	return fl_set_label(self, "{worker, 1}");
}

static int wiping_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	(void)self;
	return fl_build(ret_status, "#{total => ~}", ((const struct total *)state)->total);
}

/* Takes the state apart, as one that frees it does. */
static void wiping_terminate(fl_proc *self, void *state, fl_term reason)
{
	char text[64];

	(void)self;
	((struct total *)state)->total = 0;
	actor_note("terminate %s;", fl_print_to(text, sizeof text, reason));
}

static int wiping_cast(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	return fl_stop(self, "~", message);
}

static const fl_behaviour wiping = {
	.name = "wiping",
	.state_size = sizeof(struct total),
	.init = wiping_init,
	.cast = wiping_cast,
	.terminate = wiping_terminate,
	.format_status = wiping_status,
};

static const fl_behaviour closed = {.name = "closed", .state_size = 40, .cast = wiping_cast};

static void state_is_that_from_before_terminate(void)
{
	actor_open(&w);
	(void)world_start(&w, &wiping, "wiping", NULL);
	world_send(&w, "wiping", "{'$gen_cast', what}");
	CU_ASSERT_STRING_EQUAL(actor_notes, "terminate what;");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log,
		"** Generic server wiping terminating ** Last message in was {'$gen_cast',what} ** When "
		"Server state == #{total => 5} ** Reason for termination == what"));
	world_close(&w);
}

static int waiting_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	fl_next_timeout(self, 10);
	return FL_OK;
}

static int continuing_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	return fl_next_continue(self, "{more, 1}");
}

static int continuing_continue(fl_proc *self, void *state, fl_term what)
{
	(void)state;
	return fl_stop(self, "{no, ~}", what);
}

static int waiting_timeout(fl_proc *self, void *state)
{
	(void)state;
	return fl_stop(self, "late");
}

static const fl_behaviour waiting = {
	.name = "waiting",
	.init = waiting_init,
	.timeout = waiting_timeout,
};

static const fl_behaviour continuing = {
	.name = "continuing",
	.init = continuing_init,
	.continue_ = continuing_continue,
};

static void continue_and_timeout_are_named_as_gen_server_does(void)
{
	actor_open(&w);
	(void)world_start(&w, &continuing, "continuing", NULL);
	world_settle(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Last message in was {continue,{more,1}} **"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Reason for termination == {no,{more,1}}"));
	(void)world_start(&w, &waiting, "waiting", NULL);
	world_pass(&w, 100);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Last message in was timeout **"));
	world_close(&w);
}

static void end_that_sys_asked_for_has_no_last_message(void)
{
	actor_open(&w);
	(void)world_start(&w, &closed, "closed", NULL);
	world_send(&w, "closed", "{system, {<a@h.1.0>, make}, {terminate, because}}");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Last message in was [] **"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "Reason for termination == because"));
	world_close(&w);
}

static void state_that_nobody_shows_is_a_size(void)
{
	actor_open(&w);
	(void)world_start(&w, &closed, "closed", NULL);
	world_send(&w, "closed", "{'$gen_cast', what}");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "When Server state == {opaque,40,bytes} **"));
	world_close(&w);
}

static void ordinary_ends_are_no_news(void)
{
	static const char *const all[] = {"normal", "shutdown", "{shutdown, why}"};
	char text[64];

	actor_open(&w);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		(void)world_start(&w, &wiping, "wiping", NULL);
		(void)snprintf(text, sizeof text, "{'$gen_cast', %s}", all[i]);
		world_send(&w, "wiping", text);
	}
	CU_ASSERT_STRING_EQUAL(w.log, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "terminate {shutdown,why};"));
	world_close(&w);
}

/* A server that is led from the peer. */
static void start_led(const char *name)
{
	fl_pid leader, pid;

	actor_open(&w);
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	leader = fake_pid(7);
	pid = world_start(&w, &wiping, name, NULL);
	fli_enter(w.node);
	fli_remote_group_leader(w.node, &fake.peer, &leader, &pid);
	fli_leave(w.node);
}

static bool has(const fli_buf *sent, const char *part)
{
	static char text[8192];
	fl_term term = {.data = sent->data, .size = sent->size};

	return sent->size > 0 && strstr(fl_print_to(text, sizeof text, term), part) != NULL;
}

/* What the peer was sent last but one: the server's own report, before that of its crash. */
static bool was_sent(const char *part)
{
	return has(&fake.before, part);
}

static void close_led(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

static void leaders_node_gets_the_report_of_gen_server(void)
{
	static const char *const parts[] = {"{log,error,#{", "label => {gen_server,terminate}",
		"name => led", "last_message => {'$gen_cast',what}", "state => #{total => 5}",
		"log => []", "reason => what", "client_info => undefined",
		"process_label => {worker,1}", "report_cb => fun gen_server:format_log/1",
		"domain => [otp]", "tag => error"};

	start_led("led");
	world_send(&w, "led", "{'$gen_cast', what}");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		CU_ASSERT_TRUE(was_sent(parts[i]));
	close_led();
}

static void leaders_node_gets_the_report_of_proc_lib(void)
{
	static const char *const parts[] = {"{log,error,#{", "label => {proc_lib,crash}",
		"{initial_call,{wiping,init,['Argument__1']}}", "{registered_name,led}",
		"{process_label,{worker,1}}", "{error_info,{exit,what,[]}}", "{ancestors,[",
		"{trap_exit,false}", "domain => [otp,sasl]",
		"report_cb => fun proc_lib:report_cb/2", "type => crash_report", "gl => <b@h.7.0>"};

	start_led("led");
	world_send(&w, "led", "{'$gen_cast', what}");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		CU_ASSERT_TRUE(has(&fake.buf, parts[i]));
	close_led();
}

/* 64 KiB and a little more. */
static void large_term_is_told_by_its_size(void)
{
	static uint8_t bytes[65600];
	fl_bin bin = {(const char *)bytes, sizeof bytes};
	fl_dest to = fl_to_name("led");

	start_led("led");
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_send_spec(w.node, NULL, &to, fl_spec("{'$gen_cast', ~}", bin)), FL_OK);
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_TRUE(was_sent("last_message => {too_large,65618,bytes}"));
	CU_ASSERT_TRUE(was_sent("state => #{total => 5}"));
	close_led();
}

FL_SUITE("report", FL_TEST(state_is_that_from_before_terminate),
	FL_TEST(continue_and_timeout_are_named_as_gen_server_does),
	FL_TEST(end_that_sys_asked_for_has_no_last_message),
	FL_TEST(state_that_nobody_shows_is_a_size), FL_TEST(ordinary_ends_are_no_news),
	FL_TEST(leaders_node_gets_the_report_of_gen_server),
	FL_TEST(leaders_node_gets_the_report_of_proc_lib), FL_TEST(large_term_is_told_by_its_size));
