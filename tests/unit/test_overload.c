/* SPDX-License-Identifier: Apache-2.0 */
/* A full mailbox: the three policies, and what passes all the same. */
#include <string.h>

#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

enum { MAILBOX_MAX = 3 };

static world w;
static fl_ref ref;

static int on_info(fl_proc *self, void *state, fl_term message)
{
	char name[64], text[256];

	(void)state;
	actor_note("%s: %s;", fli_proc_text(self, name, sizeof name),
		fl_print_to(text, sizeof text, message));
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	return fl_reply(from, "~", request);
}

static int on_node_down(fl_proc *self, void *state, fl_atom node, fl_term reason)
{
	(void)self;
	(void)state;
	(void)node;
	(void)reason;
	actor_note("nodedown;");
	return FL_OK;
}

static const fl_behaviour dropper = {.name = "dropper",
	.info = on_info,
	.call = on_call,
	.node_down = on_node_down,
	.mailbox_max = MAILBOX_MAX,
	.mailbox_policy = FL_MAILBOX_DROP};
static const fl_behaviour refuser = {.name = "refuser",
	.info = on_info,
	.call = on_call,
	.mailbox_max = MAILBOX_MAX,
	.mailbox_policy = FL_MAILBOX_REFUSE};
static const fl_behaviour killed = {
	.name = "killed", .info = on_info, .call = on_call, .mailbox_max = MAILBOX_MAX};

static void setup(const fl_behaviour *behaviour)
{
	actor_open(&w);
	fake_remote_attach(&w);
	(void)world_start(&w, behaviour, "s", NULL);
	(void)world_start(&w, &actor, "a", NULL);
	fake_remote_up(&w, 77);
	actor_notes[0] = '\0';
}

static void teardown(void)
{
	fake_remote_detach(&w);
	world_close(&w);
}

static int flood(fl_proc *self)
{
	for (int i = 1; i <= MAILBOX_MAX + 2; i++)
		(void)fl_send(self, "s", "~", i);
	return FL_OK;
}

static int flood_and_ask(fl_proc *self)
{
	(void)flood(self);
	return fl_request(self, "s", &ref, "question");
}

static int flood_and_call(fl_proc *self)
{
	fl_term reply;

	(void)flood(self);
	CU_ASSERT_EQUAL(fl_call(self, "s", 1000, &reply, "question"), FL_EEXIT);
	CU_ASSERT_TRUE(fl_match(reply, "overload"));
	return FL_OK;
}

static void the_newest_are_dropped(void)
{
	setup(&dropper);
	actor_do(&w, "a", flood);
	CU_ASSERT_STRING_EQUAL(actor_notes, "s: 1;s: 2;s: 3;");
	teardown();
}

static int flood_and_lose(fl_proc *self)
{
	(void)flood(self);
	fli_enter(self->node);
	fli_remote_nodedown(self->node, &fake.peer, "connection_closed");
	fli_leave(self->node);
	return FL_OK;
}

static void node_events_pass_a_full_mailbox(void)
{
	setup(&dropper);
	actor_do(&w, "a", flood_and_lose);
	CU_ASSERT_STRING_EQUAL(actor_notes, "s: 1;s: 2;s: 3;nodedown;");
	teardown();
}

static void a_refused_call_is_a_down_with_overload(void)
{
	setup(&refuser);
	actor_do(&w, "a", flood_and_ask);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "a: DOWN {s,test@localhost} overload;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "s: 3;"));
	CU_ASSERT_PTR_NULL(strstr(actor_notes, "s: 4;"));
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void a_refused_fl_call_returns_at_once(void)
{
	setup(&refuser);
	actor_do(&w, "a", flood_and_call);
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void a_peers_refused_call_is_a_down_to_its_monitor(void)
{
	fli_target by_name = {.kind = FLI_TARGET_NAME, .name = fl_atom_of("s")};
	fl_buf buf = FL_BUF_INIT;
	fl_pid other;
	fli_walked walked;
	fli_payload call = {.walked = &walked};

	setup(&refuser);
	other = fake_pid(7);
	ref = fake_ref(1);
	(void)fl_build(&buf, "{'$gen_call', {~, ~}, question}", other, ref);
	CU_ASSERT_TRUE_FATAL(fli_walk(buf.data, buf.size, NULL, &walked));
	call.data = buf.data;
	fli_enter(w.node);
	fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &ref);
	for (int i = 0; i <= MAILBOX_MAX; i++)
		fli_remote_reg_send(w.node, &fake.peer, fl_atom_of("s"), &call);
	CU_ASSERT_STRING_EQUAL(actor_notes, "down <b.7.0> s overload;");
	fli_leave(w.node);
	world_settle(&w);
	fl_buf_free(&buf);
	teardown();
}

static void by_default_the_process_ends(void)
{
	setup(&killed);
	actor_do(&w, "a", flood);
	CU_ASSERT_PTR_NULL(fli_name_find(w.node, fl_atom_of("s")));
	CU_ASSERT_STRING_EQUAL(actor_notes, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "mailbox of killed is full"));
	teardown();
}

FL_SUITE("overload", FL_TEST(the_newest_are_dropped), FL_TEST(node_events_pass_a_full_mailbox),
	FL_TEST(a_refused_call_is_a_down_with_overload), FL_TEST(a_refused_fl_call_returns_at_once),
	FL_TEST(a_peers_refused_call_is_a_down_to_its_monitor),
	FL_TEST(by_default_the_process_ends));
