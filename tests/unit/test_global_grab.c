/* SPDX-License-Identifier: Apache-2.0 */
/* One lock on many nodes, while some of them are lost. */
#include <string.h>

#include "dist/global_state.h"
#include "tests/support/global_net.h"
#include "tests/support/suite.h"

static fli_global *a;
static fli_global_grab grab;

static fl_atom name_of(const char *text)
{
	fli_global_node *node = fli_global_node_find(a, fl_atom_of(text));

	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	return node->name;
}

static void answer(const char *node, const char *text)
{
	const fli_global_ask asked = {.what = FLI_ASK_GRAB, .node = name_of(node)};
	fl_buf reply = FL_BUF_INIT;
	fl_error err;

	CU_ASSERT_EQUAL(fl_read(&reply, text, strlen(text), &err), FL_OK);
	fli_global_grab_answer(a, &grab, &asked, fl_buf_term(&reply));
	fl_buf_free(&reply);
	(void)fli_global_grab_run(a, &grab);
}

/* a@h has begun to take the lock, and c@h, the boss, is asked. */
static void begin(void)
{
	fli_global *b, *c;

	net_open();
	a = net_add("a@h");
	b = net_add("b@h");
	c = net_add("c@h");
	net_link(a, b);
	net_pass(5000);
	net_link(b, c);
	net_pass(10000);
	net_begin(a);
	grab = (fli_global_grab){
		.role = FLI_GLOBAL_REGISTRAR, .id = a->registrar.grab.id, .state = FLI_GRAB_NONE};
	fli_global_grab_begin(a, &grab, (fl_atom){.text = NULL});
	CU_ASSERT_FALSE(fli_global_grab_run(a, &grab));
}

static void held(void)
{
	begin();
	answer("c@h", "true");
	answer("b@h", "true");
	CU_ASSERT_EQUAL(grab.state, FLI_GRAB_HELD);
}

static void finish(void)
{
	fli_free(net_mem, grab.nodes); /* the name of the lock is the registrar's own */
	net_settle(a);
	net_close();
}

/* How many of the acts since `from` go to that node. */
static unsigned done_since(size_t from, fli_global_do what, const char *node)
{
	unsigned count = 0;
	size_t acts;
	const fli_global_act *all = fli_global_acts(a, &acts);

	for (size_t i = from; i < acts; i++)
		count += all[i].what == what && fl_atom_is(all[i].node, node);
	return count;
}

static unsigned asked_since(size_t from, const char *node)
{
	return done_since(from, FLI_GLOBAL_ASK, node);
}

static size_t acts_so_far(void)
{
	size_t acts;

	(void)fli_global_acts(a, &acts);
	return acts;
}

static void tell(void)
{
	fl_buf request = FL_BUF_INIT;

	CU_ASSERT_EQUAL(fl_build(&request, "{unregister, n}"), FL_OK);
	fli_global_grab_tell(a, &grab, fl_buf_term(&request));
	fl_buf_free(&request);
}

static void all_that_are_held_are_told(void)
{
	size_t before;

	held();
	before = acts_so_far();
	tell();
	CU_ASSERT_EQUAL(asked_since(before, "b@h"), 1);
	CU_ASSERT_EQUAL(asked_since(before, "c@h"), 1);
	finish();
}

/* The lock went with the connection: over the next one it would be changed unlocked. */
static void who_was_lost_is_told_nothing_but_to_give_back(void)
{
	size_t before;

	held();
	fli_global_grab_forget(&grab, name_of("b@h"));
	before = acts_so_far();
	tell();
	CU_ASSERT_EQUAL(asked_since(before, "b@h"), 0);
	answer("c@h", "ok");
	fli_global_grab_free(a, &grab);
	(void)fli_global_grab_run(a, &grab);
	CU_ASSERT_EQUAL(asked_since(before, "b@h"), 0); /* it is not waited for */
	CU_ASSERT_EQUAL(done_since(before, FLI_GLOBAL_SEND, "b@h"), 1);
	CU_ASSERT_EQUAL(asked_since(before, "c@h"), 2);
	finish();
}

/* A question that waited for the connection was taken along by the next one. */
static void what_the_lost_one_grants_late_is_given_back(void)
{
	size_t before;

	begin();
	fli_global_grab_forget(&grab, name_of("c@h"));
	answer("c@h", "true");
	answer("b@h", "false");
	before = acts_so_far();
	answer("c@h", "true"); /* it was asked again among the rest */
	CU_ASSERT_TRUE(grab.is_failed);
	CU_ASSERT_EQUAL(asked_since(before, "c@h"), 1);
	finish();
}

/* As where he had no memory for the answer. */
static void who_said_nothing_is_told_to_give_back_and_is_not_waited_for(void)
{
	size_t before;

	begin();
	answer("c@h", "true");
	answer("b@h", "none");
	CU_ASSERT_EQUAL(grab.state, FLI_GRAB_HELD);
	before = acts_so_far();
	tell();
	CU_ASSERT_EQUAL(asked_since(before, "b@h"), 0);
	answer("c@h", "ok");
	fli_global_grab_free(a, &grab);
	(void)fli_global_grab_run(a, &grab);
	CU_ASSERT_EQUAL(done_since(before, FLI_GLOBAL_SEND, "b@h"), 1);
	answer("c@h", "true");
	CU_ASSERT_EQUAL(grab.state, FLI_GRAB_NONE);
	finish();
}

static void who_is_a_member_again_is_asked_again(void)
{
	size_t before;

	begin();
	fli_global_grab_forget(&grab, name_of("c@h"));
	before = acts_so_far();
	answer("c@h", "none");
	CU_ASSERT_EQUAL(asked_since(before, "c@h"), 1);
	finish();
}

FL_SUITE("global_grab", FL_TEST(all_that_are_held_are_told),
	FL_TEST(who_was_lost_is_told_nothing_but_to_give_back),
	FL_TEST(what_the_lost_one_grants_late_is_given_back),
	FL_TEST(who_said_nothing_is_told_to_give_back_and_is_not_waited_for),
	FL_TEST(who_is_a_member_again_is_asked_again));
