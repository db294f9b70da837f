/* SPDX-License-Identifier: Apache-2.0 */
/* sys:log, sys:trace and sys:change_code of a server: what its clients in OTP do not reach. */
#include <stdlib.h>
#include <string.h>

#include "node/debug.h"
#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static char answer[4096];
static const char *question;

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	if (fl_match(request, "twice")) {
		(void)fl_reply(from, "first");
		CU_ASSERT_EQUAL(fl_reply(from, "second"), FL_EALREADY);
		return FL_OK;
	}
	if (fl_match(request, "stop"))
		return fl_stop(self, "on_demand");
	(void)state;
	return fl_reply(from, "~", request);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)self, (void)state, (void)message;
	return FL_OK;
}

static int on_code_change(fl_proc *self, void *state, fl_term old_vsn)
{
	(void)self;
	*(int64_t *)state += 1;
	return fl_match(old_vsn, "odd") ? 77 : FL_OK;
}

static int on_status(fl_proc *self, const void *state, fl_buf *status)
{
	(void)self;
	return fl_build(status, "{n, ~}", *(const int64_t *)state);
}

static const fl_behaviour seen = {.name = "seen",
	.state_size = sizeof(int64_t),
	.call = on_call,
	.info = on_info,
	.code_change = on_code_change,
	.format_status = on_status};

static int put_question(fl_proc *self)
{
	fl_buf request = FL_BUF_INIT;
	fl_term reply = {.data = NULL};

	CU_ASSERT_EQUAL(fl_read(&request, question, strlen(question), NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_call_system(self, fl_to_name("seen"), 1000, &reply,
				fl_spec("~", fl_buf_term(&request))),
		FL_OK);
	(void)fl_print_to(answer, sizeof answer, reply);
	fl_buf_free(&request);
	return FL_OK;
}

static const char *ask(const char *text)
{
	question = text;
	actor_do(&w, "a", put_question);
	return answer;
}

static void setup(void)
{
	actor_open(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &seen, "seen", NULL);
}

static int call_twice(fl_proc *self)
{
	fl_term reply;

	return fl_call(self, "seen", 1000, &reply, "twice");
}

static void first_answer_is_the_event(void)
{
	setup();
	CU_ASSERT_STRING_EQUAL(ask("{debug, {log, true}}"), "ok");
	actor_do(&w, "a", call_twice);
	(void)ask("{debug, {log, get}}");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "},twice}},{out,first,{<"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, ",{n,0}}]}"));
	world_close(&w);
}

static void send_zeros(size_t size)
{
	fl_buf buf = FL_BUF_INIT;
	fl_bin zeros = {.data = calloc(1, size), .size = size};
	fl_dest to = fl_to_name("seen");

	CU_ASSERT_PTR_NOT_NULL_FATAL(zeros.data);
	CU_ASSERT_EQUAL(fl_build(&buf, "~", zeros), FL_OK);
	CU_ASSERT_EQUAL(fli_send_term(w.node, NULL, &to, fl_buf_term(&buf)), FL_OK);
	world_settle(&w);
	fl_buf_free(&buf);
	free((void *)(uintptr_t)zeros.data);
}

static void large_terms_are_kept_as_their_size(void)
{
	setup();
	(void)ask("{debug, {log, {true, 1000000}}}");
	send_zeros(FLI_DEBUG_EVENT_MAX + 1);
	CU_ASSERT_STRING_EQUAL(
		ask("{debug, {log, get}}"), "{ok,[{in,{too_large,65542,bytes}},{noreply,{n,0}}]}");
	world_close(&w);
}

static void log_is_bounded_by_its_bytes(void)
{
	fl_buf events = FL_BUF_INIT;

	setup();
	(void)ask("{debug, {log, {true, 1000000}}}");
	for (int i = 0; i < 100; i++)
		send_zeros(FLI_DEBUG_EVENT_MAX / 2);
	CU_ASSERT_EQUAL(fli_debug_write(fli_name_find(w.node, fl_atom_of("seen")), &events), FL_OK);
	CU_ASSERT_TRUE(events.size <= FLI_DEBUG_LOG_MAX + 64);
	CU_ASSERT_TRUE(events.size >= FLI_DEBUG_LOG_MAX / 2);
	fl_buf_free(&events);
	world_close(&w);
}

static void server_that_nobody_looks_at_has_no_debug(void)
{
	fl_proc *proc;

	setup();
	proc = fli_name_find(w.node, fl_atom_of("seen"));
	CU_ASSERT_FALSE(fli_is_debugged(proc));
	(void)ask("{debug, {trace, true}}");
	(void)ask("{debug, {log, true}}");
	CU_ASSERT_TRUE(fli_is_debugged(proc));
	(void)ask("{debug, {log, false}}");
	CU_ASSERT_TRUE(fli_is_debugged(proc));
	(void)ask("{debug, {trace, false}}");
	CU_ASSERT_FALSE(fli_is_debugged(proc));
	(void)ask("{debug, {trace, false}}");
	(void)ask("{debug, {log, false}}");
	CU_ASSERT_FALSE(fli_is_debugged(proc));
	world_close(&w);
}

static void trace_is_in_the_nodes_log(void)
{
	setup();
	(void)ask("{debug, {trace, true}}");
	world_send(&w, "seen", "{some, message}");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "*DBG* seen got {some,message}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "*DBG* seen new state {n,0}"));
	world_close(&w); /* with its events */
}

/* A suspended server answers when the caller has returned, so it is asked by message. */
static int change_and_resume(fl_proc *self)
{
	(void)fl_send(self, "seen", "{system, {~, 1}, {change_code, seen, 1, []}}", fl_self(self));
	(void)fl_send(
		self, "seen", "{system, {~, 2}, {change_code, seen, odd, []}}", fl_self(self));
	return fl_send(self, "seen", "{system, {~, 3}, resume}", fl_self(self));
}

static void code_change_needs_a_suspended_server(void)
{
	setup();
	CU_ASSERT_STRING_EQUAL(ask("{change_code, seen, 1, []}"),
		"{error,{unknown_system_msg,{change_code,seen,1,[]}}}");
	(void)ask("suspend");
	actor_do(&w, "a", change_and_resume);
	CU_ASSERT_STRING_EQUAL(actor_notes, "a: {1,ok};a: {2,{error,77}};a: {3,ok};");
	CU_ASSERT_STRING_EQUAL(ask("get_state"), "{ok,{n,2}}");
	world_close(&w);
}

static int call_stop(fl_proc *self)
{
	fl_term reply;

	return fl_call(self, "seen", 1000, &reply, "stop") == FL_EEXIT ? FL_OK : FL_STOP;
}

static void report_says_who_called_and_what_was_logged(void)
{
	setup();
	(void)ask("{debug, {log, true}}");
	actor_do(&w, "a", call_stop);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, " ** Log == [{in,{'$gen_call',{<"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "> is alive"));
	world_close(&w);
}

FL_SUITE("debug", FL_TEST(first_answer_is_the_event), FL_TEST(large_terms_are_kept_as_their_size),
	FL_TEST(log_is_bounded_by_its_bytes), FL_TEST(server_that_nobody_looks_at_has_no_debug),
	FL_TEST(trace_is_in_the_nodes_log), FL_TEST(code_change_needs_a_suspended_server),
	FL_TEST(report_says_who_called_and_what_was_logged));
