/* SPDX-License-Identifier: Apache-2.0 */
/* fl_log: a line in the node's log, and an event at the logger of the group leader's node. */
#include <flitch/log.h>
#include <stdio.h>
#include <string.h>

#include "node/log.h"
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static int rc;

static int talk(fl_proc *self, fl_term what)
{
	fl_term term;
	fl_text text;
	char bytes[64];

	if (fl_match(what, "{text, ~}", &text)) {
		(void)fl_text_string(text, bytes, sizeof bytes);
		return fl_log(self, FL_LOG_WARNING, "it says %s", bytes);
	}
	if (fl_match(what, "{debug, ~}", &term))
		return fl_log_report(self, FL_LOG_DEBUG, "{~, #{}}", term);
	if (fl_match(what, "{report, ~}", &term))
		return fl_log_report(self, FL_LOG_ALERT, "~", term);
	return fl_match(what, "{metadata, ~}", &term) ? fl_log_metadata(self, "~", term) : FL_OK;
}

static int talker_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	rc = talk(self, message);
	return FL_OK;
}

static const fl_behaviour talker = {.name = "talker", .info = talker_info};

static void begin(bool is_led)
{
	fl_pid leader, pid;

	actor_open(&w);
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	leader = fake_pid(7);
	pid = world_start(&w, &talker, "talker", NULL);
	if (!is_led)
		return;
	fli_enter(w.node);
	fli_remote_group_leader(w.node, &fake.peer, &leader, &pid);
	fli_leave(w.node);
}

static void end(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

static bool was_sent(const char *part)
{
	static char text[8192];
	fl_term term = {.data = fake.buf.data, .size = fake.buf.size};

	return fake.buf.size > 0 && strstr(fl_print_to(text, sizeof text, term), part) != NULL;
}

static void text_is_a_line_here(void)
{
	begin(false);
	world_send(&w, "talker", "{text, \"hello\"}");
	CU_ASSERT_EQUAL(rc, FL_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "talker: it says hello"));
	CU_ASSERT_EQUAL(fake.buf.size, 0);
	end();
}

static void text_is_an_event_at_the_leaders_node(void)
{
	static const char *const parts[] = {"{log,warning,<<\"it says hello\">>,#{",
		"mfa => {talker,talk,0}", "line => ", "test_log.c\"", "gl => <b@h.7.0>", "time => ",
		"pid => <test@localhost."};

	begin(true);
	world_send(&w, "talker", "{text, \"hello\"}");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		CU_ASSERT_TRUE(was_sent(parts[i]));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "talker: it says hello"));
	end();
}

static void metadata_of_the_event_is_the_strongest(void)
{
	begin(true);
	world_send(&w, "talker", "{metadata, #{a => process, line => 7, b => process}}");
	world_send(&w, "talker", "{report, {#{what => 1}, #{a => event, gl => mine}}}");
	CU_ASSERT_EQUAL(rc, FL_OK);
	CU_ASSERT_TRUE(was_sent("{log,alert,#{what => 1},#{"));
	CU_ASSERT_TRUE(was_sent("a => event"));
	CU_ASSERT_TRUE(was_sent("b => process"));
	CU_ASSERT_TRUE(was_sent("line => 7"));
	CU_ASSERT_TRUE(was_sent("gl => mine"));
	CU_ASSERT_FALSE(was_sent("a => process"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "talker: #{what => 1} #{"));
	world_send(&w, "talker", "{metadata, #{}}");
	world_send(&w, "talker", "{report, {[{what, 2}], #{}}}");
	CU_ASSERT_TRUE(was_sent("{log,alert,[{what,2}],#{"));
	CU_ASSERT_FALSE(was_sent("b => process"));
	end();
}

static void level_that_is_not_allowed_costs_nothing(void)
{
	begin(true);
	atomic_store(&w.node->log.level, FLI_NOTICE);
	world_send(&w, "talker", "{debug, 1}"); /* no report, but nobody looks */
	CU_ASSERT_EQUAL(rc, FL_OK);
	CU_ASSERT_EQUAL(fake.buf.size, 0);
	atomic_store(&w.node->log.level, FLI_DEBUG);
	world_send(&w, "talker", "{debug, 1}");
	CU_ASSERT_EQUAL(rc, FL_EFORMAT);
	world_send(&w, "talker", "{debug, #{x => 1}}");
	CU_ASSERT_TRUE(was_sent("{log,debug,#{x => 1},#{"));
	end();
}

static void what_is_no_event_is_refused(void)
{
	static const char *const wrong[] = {"{report, {1, #{}}}", "{report, {[a], #{}}}",
		"{report, {#{}, []}}", "{report, #{}}", "{metadata, []}"};

	begin(true);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		world_send(&w, "talker", wrong[i]);
		CU_ASSERT_EQUAL(rc, FL_EFORMAT);
	}
	CU_ASSERT_EQUAL(fake.buf.size, 0);
	end();
}

static void large_terms_go_as_their_sizes(void)
{
	static char bytes[65600];
	fl_bin bin = {bytes, sizeof bytes};
	fl_dest to = fl_to_name("talker");

	begin(true);
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_send_spec(w.node, NULL, &to,
				fl_spec("{report, {#{a => ~}, #{b => ~, c => 1}}}", bin, bin)),
		FL_OK);
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_TRUE(was_sent("{log,alert,{too_large,"));
	CU_ASSERT_TRUE(was_sent("b => {too_large,65605,bytes}"));
	CU_ASSERT_TRUE(was_sent("c => 1"));
	end();
}

FL_SUITE("log", FL_TEST(text_is_a_line_here), FL_TEST(text_is_an_event_at_the_leaders_node),
	FL_TEST(metadata_of_the_event_is_the_strongest),
	FL_TEST(level_that_is_not_allowed_costs_nothing), FL_TEST(what_is_no_event_is_refused),
	FL_TEST(large_terms_go_as_their_sizes));
