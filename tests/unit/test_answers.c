/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to callers of another node bear the server's pid, which keeps its signals in order. */
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	return fl_reply(from, "~", request);
}

static int stop_with_answer(fl_proc *self, void *state, fl_from from, fl_term request)
{
	CU_ASSERT_EQUAL(on_call(self, state, from, request), FL_OK);
	return fl_stop(self, "done");
}

static const fl_behaviour answering = {.name = "answering", .call = on_call};
static const fl_behaviour ending = {.name = "ending", .call = stop_with_answer};

static bool has_ended; /* s, of its own, after it was asked */

/* A process of the peer monitors s and asks it, with the pattern's tag. `lost`: what the answer
 * then comes to, at a peer that is being dialled; FL_OK: it is up. */
static void ask_one(const fl_behaviour *behaviour, const char *pattern, int lost)
{
	fli_target by_name = {.kind = FLI_TARGET_NAME, .name = fl_atom_of("s")};
	fl_pid other;
	fl_ref ref;
	fl_buf buf = FL_BUF_INIT;
	fli_walked walked;
	fli_payload call = {.walked = &walked};

	actor_open(&w);
	fake_remote_attach(&w);
	(void)world_start(&w, behaviour, "s", NULL);
	fake_remote_up(&w, 77);
	actor_notes[0] = '\0';
	other = fake_pid(7);
	ref = fake_ref(1);
	(void)fl_build(&buf, pattern, other, ref);
	CU_ASSERT_TRUE_FATAL(fli_walk(buf.data, buf.size, NULL, &walked));
	call.data = buf.data;
	fli_enter(w.node);
	fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &ref);
	fli_remote_reg_send(w.node, &fake.peer, fl_atom_of("s"), &call);
	fake.peer.is_up = lost == FL_OK;
	fake.end_code = lost;
	fli_leave(w.node);
	world_settle(&w);
	fake.peer.is_up = true;
	fli_enter(w.node);
	has_ended = fli_name_find(w.node, fl_atom_of("s")) == NULL;
	fli_leave(w.node);
	fl_buf_free(&buf);
	fake_remote_detach(&w);
	world_close(&w);
}

static void ask(const fl_behaviour *behaviour, const char *pattern)
{
	ask_one(behaviour, pattern, FL_OK);
}

static void an_answer_by_pid_is_the_servers_own(void)
{
	ask(&answering, "{'$gen_call', {~, ~}, question}");
	CU_ASSERT_STRING_EQUAL(actor_notes, "send <t.1.0> <b.7.0> {#Ref<b@h.3.2.1>,question};");
}

static void an_answer_by_alias_is_the_servers_own(void)
{
	ask(&answering, "{'$gen_call', {~, [alias | ~]}, question}");
	CU_ASSERT_STRING_EQUAL(
		actor_notes, "send <t.1.0> alias {[alias|#Ref<b@h.3.2.1>],question};");
}

static void the_end_of_a_server_follows_its_answer(void)
{
	ask(&ending, "{'$gen_call', {~, ~}, question}");
	CU_ASSERT_STRING_EQUAL(actor_notes,
		"send <t.1.0> <b.7.0> {#Ref<b@h.3.2.1>,question};down <b.7.0> s done;");
}

/* Whoever fills the wait of a node that it made up does no harm to the servers that it asks. */
static void an_answer_that_does_not_fit_into_the_wait_is_lost(void)
{
	ask_one(&answering, "{'$gen_call', {~, ~}, question}", FL_ELIMIT);
	CU_ASSERT_STRING_EQUAL(actor_notes, "send <t.1.0> <b.7.0> {#Ref<b@h.3.2.1>,question};");
	CU_ASSERT_FALSE(has_ended);
}

FL_SUITE("answers", FL_TEST(an_answer_by_pid_is_the_servers_own),
	FL_TEST(an_answer_by_alias_is_the_servers_own),
	FL_TEST(the_end_of_a_server_follows_its_answer),
	FL_TEST(an_answer_that_does_not_fit_into_the_wait_is_lost));
