/* SPDX-License-Identifier: Apache-2.0 */
/* Which node a handler's message came from. */
#include <flitch/statem.h>
#include <string.h>

#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;

static void note(fl_proc *self, const char *what)
{
	fl_atom node = fl_sender_node(self);

	actor_note("%s %.*s;", what, (int)node.size, node.text);
}

/* ---- a server -------------------------------------------------------------------------------- */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	note(self, "init");
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term reply;

	(void)state;
	note(self, "call");
	if (fl_match(request, "ask")) {
		CU_ASSERT_EQUAL(fl_call(self, "inner", 1000, &reply, "answer"), FL_OK);
		note(self, "still");
	}
	return fl_reply(from, "ok");
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fl_ref ref;

	(void)state;
	note(self, "cast");
	if (fl_match(message, "watch"))
		CU_ASSERT_EQUAL(fl_monitor(self, fake_pid(7), &ref), FL_OK);
	if (fl_match(message, "go_on"))
		return fl_next_continue(self, "on");
	if (fl_match(message, "wait"))
		fl_next_timeout(self, 10);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	note(self, fl_match(message, "{'DOWN', _, _, _, _}") ? "down" : "info");
	return FL_OK;
}

static int on_continue(fl_proc *self, void *state, fl_term what)
{
	(void)state;
	(void)what;
	note(self, "continue");
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	(void)state;
	note(self, "timeout");
	return FL_OK;
}

static const fl_behaviour noting = {.name = "noting",
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.continue_ = on_continue,
	.timeout = on_timeout};

static void open_world(const fl_behaviour *behaviour)
{
	actor_open(&w);
	fake_remote_attach(&w);
	fake_remote_up(&w, 77);
	(void)world_start(&w, behaviour, "s", NULL);
	actor_notes[0] = '\0';
}

static void close_world(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

static void come(const char *message)
{
	fli_enter(w.node);
	fli_remote_reg_send(w.node, &fake.peer, fl_atom_of("s"), fake_payload(message));
	fli_leave(w.node);
	world_settle(&w);
}

#define NOTED(text) CU_ASSERT_STRING_EQUAL(actor_notes, text)

static void what_comes_over_a_connection_is_of_its_node(void)
{
	open_world(&noting);
	come("hello");
	come("{'$gen_cast', hello}");
	come("{'$gen_call', {<b@h.1.0>, tag}, hello}");
	NOTED("info b@h;cast b@h;call b@h;");
	close_world();
}

static void what_a_message_says_of_itself_does_not_matter(void)
{
	open_world(&noting);
	come("{'DOWN', #Ref<b@h.3.2.1>, process, <b@h.1.0>, normal}");
	come("{'EXIT', <b@h.1.0>, normal}");
	NOTED("down b@h;info b@h;");
	close_world();
}

static void what_is_made_here_is_of_this_node(void)
{
	open_world(&noting);
	world_send(&w, "s", "{'$gen_cast', go_on}");
	world_send(&w, "s", "hello");
	world_settle(&w);
	NOTED("cast test@localhost;continue test@localhost;info test@localhost;");
	close_world();
}

static void what_follows_from_a_message_is_of_this_node(void)
{
	open_world(&noting);
	come("{'$gen_cast', wait}");
	world_pass(&w, 20);
	come("{'$gen_cast', go_on}");
	NOTED("cast b@h;timeout test@localhost;cast b@h;continue test@localhost;");
	close_world();
}

static void signals_become_messages_here(void)
{
	open_world(&noting);
	world_send(&w, "s", "{'$gen_cast', watch}");
	world_settle(&w);
	fli_enter(w.node);
	fli_remote_down(w.node, &fake.peer, &fake.ref, fake_payload("normal"));
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "down test@localhost;"));
	close_world();
}

static void a_call_on_the_callers_stack_has_a_sender_of_its_own(void)
{
	open_world(&noting);
	(void)world_start(&w, &noting, "inner", NULL);
	actor_notes[0] = '\0';
	come("{'$gen_call', {<b@h.1.0>, tag}, ask}");
	NOTED("call b@h;call test@localhost;still b@h;");
	close_world();
}

/* ---- a state machine ------------------------------------------------------------------------- */

static int while_shut(fl_proc *self, void *data, const fl_event *event)
{
	(void)data;
	if (fl_match(event->content, "open"))
		return fl_next_state(self, "open");
	return fl_postpone(self);
}

static int while_open(fl_proc *self, void *data, const fl_event *event)
{
	(void)data;
	CU_ASSERT_TRUE(fl_atom_eq(event->sender, fl_sender_node(self)));
	note(self, "event");
	return FL_OK;
}

static const fl_statem gate = {.states = (const fl_state[]){{.name = "shut", .handle = while_shut},
				       {.name = "open", .handle = while_open}, {0}}};
static const fl_behaviour machine = {.name = "machine", .statem = &gate};

static void an_event_that_was_postponed_keeps_its_sender(void)
{
	open_world(&machine);
	come("early");
	world_send(&w, "s", "own");
	world_settle(&w);
	world_send(&w, "s", "open");
	world_settle(&w);
	come("late");
	NOTED("event b@h;event test@localhost;event b@h;");
	close_world();
}

FL_SUITE("sender", FL_TEST(what_comes_over_a_connection_is_of_its_node),
	FL_TEST(what_a_message_says_of_itself_does_not_matter),
	FL_TEST(what_is_made_here_is_of_this_node),
	FL_TEST(what_follows_from_a_message_is_of_this_node), FL_TEST(signals_become_messages_here),
	FL_TEST(a_call_on_the_callers_stack_has_a_sender_of_its_own),
	FL_TEST(an_event_that_was_postponed_keeps_its_sender));
