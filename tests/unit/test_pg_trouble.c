/* SPDX-License-Identifier: Apache-2.0 */
/* A scope's core: who watches it, and what goes wrong. */
#include "tests/support/scope_lab.h"
#include "tests/support/suite.h"

/* A peer <b@h.9.0> that has had our sync; its monitor is number 1. */
static void meet_b(void)
{
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>}"));
}

/* ---- watching ---------------------------------------------------------------------------------
 */

static void watchers_are_told(void)
{
	const fl_pid watcher = {fl_atom_of("a@h"), 50, 0, CREATION};
	fl_buf buf = FL_BUF_INIT;
	fl_term key = scope_term_of(&buf, "g");
	fl_ref all, one;

	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(fli_scope_watch(&scope, &watcher, &key, &one), FL_OK);
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	NOTED(">a@h.50 {#Ref<a@h.0.0.2>,join,g,[<b@h.3.0>]};");
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, h, <b@h.3.0/7>}"));
	NOTED("");
	CU_ASSERT_EQUAL(fli_scope_watch(&scope, &watcher, NULL, &all), FL_OK);
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, [{g, [<b@h.3.0/7>, <b@h.4.0/7>]}]}"));
	NOTED(">a@h.50 {#Ref<a@h.0.0.2>,join,g,[<b@h.4.0>]};"
	      ">a@h.50 {#Ref<a@h.0.0.3>,join,g,[<b@h.4.0>]};"
	      ">a@h.50 {#Ref<a@h.0.0.3>,leave,h,[<b@h.3.0>]};");
	CU_ASSERT(fli_scope_unwatch(&scope, &all));
	CU_ASSERT_FALSE(fli_scope_unwatch(&scope, &all));
	scope_down(1, "b@h", 9);
	CU_ASSERT_EQUAL(scope.table.groups.count, 1); /* it is watched */
	scope_down(2, "a@h", 50);
	CU_ASSERT_EQUAL(scope.table.groups.count, 0);
	CU_ASSERT_EQUAL(scope.watches.count, 0);
	fl_buf_free(&buf);
	scope_teardown();
}

static int watch(const char *group, fl_ref *ret_ref)
{
	const fl_pid watcher = {fl_atom_of("a@h"), 50, 0, CREATION};
	fl_buf buf = FL_BUF_INIT;
	fl_term key;
	int rc;

	if (group != NULL)
		key = scope_term_of(&buf, group);
	rc = fli_scope_watch(&scope, &watcher, group == NULL ? NULL : &key, ret_ref);
	fl_buf_free(&buf);
	return rc;
}

static void watches_have_a_limit_of_each_kind(void)
{
	fl_ref ref;

	scope_setup(0);
	for (int i = 0; i < FLI_SCOPE_WATCHES_MAX; i++) {
		CU_ASSERT_EQUAL(watch("g", &ref), FL_OK);
		CU_ASSERT_EQUAL(watch(NULL, &ref), FL_OK);
	}
	CU_ASSERT_EQUAL(watch("g", &ref), FL_ELIMIT);
	CU_ASSERT_EQUAL(watch(NULL, &ref), FL_ELIMIT);
	CU_ASSERT_EQUAL(watch("h", &ref), FL_OK);
	scope.watches_max = (uint32_t)scope.watches.count;
	CU_ASSERT_EQUAL(watch("i", &ref), FL_ELIMIT);
	CU_ASSERT_EQUAL(scope.table.groups.count, 2);
	CU_ASSERT(fli_scope_unwatch(&scope, &ref));
	CU_ASSERT_EQUAL(watch("i", &ref), FL_OK);
	scope_teardown();
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static void what_could_not_be_sent_is_made_good_by_a_sync(void)
{
	scope_setup(0);
	meet_b();
	send_rc = FL_ENOMEM;
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	CU_ASSERT_EQUAL(retries, 1);
	send_rc = FL_OK;
	CU_ASSERT_EQUAL(scope_join("h", 5), FL_OK);
	NOTED("");
	fli_scope_retry(&scope);
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]},{h,[<a@h.5.0>]}]}};");
	CU_ASSERT_EQUAL(scope_leave("h", 5), FL_OK);
	NOTED(">b@h.9 {leave,<a@h.1.0>,<a@h.5.0>,[h]};");
	scope_teardown();
}

static void past_the_limit_a_peer_is_asked_again_later(void)
{
	scope_setup(0);
	scope.table.members_max = 2;
	meet_b();
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, [<b@h.3.0/7>, <b@h.4.0/7>]}"));
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, h, <b@h.3.0/7>}"));
	MEMBERS("h", "");
	CU_ASSERT_EQUAL(retries, 1);
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_ELIMIT);
	CU_ASSERT(scope_info("{leave, <b@h.9.0/7>, <b@h.3.0/7>, [g]}")); /* we have lost track */
	MEMBERS("g", "b.3 b.4");
	notes[0] = '\0';
	fli_scope_retry(&scope);
	NOTED(">b@h.9 {discover,<a@h.1.0>};");
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, [{g, [<b@h.3.0/7>]}, {h, [<b@h.3.0/7>]}]}"));
	CU_ASSERT(scope_info("{leave, <b@h.9.0/7>, <b@h.3.0/7>, [g]}"));
	MEMBERS("g", "");
	MEMBERS("h", "b.3");
	scope_teardown();
}

/* There is no memory to keep who asks: nobody would ask again. */
static void who_could_not_be_met_is_asked_for_later(void)
{
	scope_setup(0);
	atomic_store(&fault.countdown, 1);
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>}"));
	CU_ASSERT_TRUE(fli_list_is_empty(&scope.peers));
	CU_ASSERT_EQUAL(retries, 1);
	CU_ASSERT_TRUE(fli_scope_retry(&scope)); /* all near nodes are to be asked */
	CU_ASSERT_FALSE(fli_scope_retry(&scope));
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>}"));
	CU_ASSERT_FALSE(fli_list_is_empty(&scope.peers));
	CU_ASSERT_EQUAL(retries, 1);
	scope_teardown();
}

/* That node had no memory for our monitor: its scope, which knows us, would not come by itself. */
static void scope_that_is_gone_from_a_near_node_is_asked_for_later(void)
{
	scope_setup(0);
	meet_b();
	scope_down(1, "b@h", 9);
	CU_ASSERT_TRUE(fli_list_is_empty(&scope.peers));
	CU_ASSERT_EQUAL(retries, 1);
	CU_ASSERT_TRUE(fli_scope_retry(&scope));
	scope_teardown();
}

static void question_that_could_not_be_sent_is_sent_later(void)
{
	scope_setup(0);
	send_rc = FL_ENOMEM;
	fli_scope_node_up(&scope, fl_atom_of("b@h"));
	send_rc = FL_OK;
	CU_ASSERT_EQUAL(retries, 1);
	CU_ASSERT_TRUE(fli_scope_retry(&scope));
	scope_teardown();
}

static void timer_that_could_not_be_started_is_made_good_by_the_next_message(void)
{
	scope_setup(0);
	meet_b();
	send_rc = FL_ENOMEM;
	has_timers = false;
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	CU_ASSERT_EQUAL(retries, 0);
	has_timers = true;
	send_rc = FL_OK;
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	CU_ASSERT_EQUAL(retries, 1);
	notes[0] = '\0';
	CU_ASSERT_FALSE(fli_scope_retry(&scope));
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]}]}};");
	scope_teardown();
}

/* A whole life, with each allocation failing once: nothing leaks, nothing breaks. */
static void any_allocation_may_fail(void)
{
	const fl_pid watcher = {fl_atom_of("a@h"), 50, 0, CREATION};
	bool hit = true;
	fl_ref ref;

	for (long at = 1; hit; at++) {
		scope_setup(at);
		(void)scope_join("g", 5);
		meet_b();
		(void)fli_scope_watch(&scope, &watcher, NULL, &ref);
		for (uint64_t i = 0; i < 12; i++)
			(void)scope_join(i % 2 == 0 ? "g" : "{h, 1}", 5 + i % 3);
		(void)scope_info("{join, <b@h.9.0/7>, g, [<b@h.3.0/7>, <b@h.4.0/7>]}");
		(void)scope_cast("{sync, <b@h.9.0/7>, [{h, [<b@h.3.0/7>]}, {g, [<b@h.5.0/7>]}]}");
		(void)scope_leave("g", 5);
		fli_scope_retry(&scope);
		scope_down(1, "b@h", 9);
		hit = fault.was_hit;
		scope_teardown();
	}
}

FL_SUITE("pg_trouble", FL_TEST(who_could_not_be_met_is_asked_for_later),
	FL_TEST(scope_that_is_gone_from_a_near_node_is_asked_for_later),
	FL_TEST(question_that_could_not_be_sent_is_sent_later),
	FL_TEST(timer_that_could_not_be_started_is_made_good_by_the_next_message),
	FL_TEST(watchers_are_told), FL_TEST(watches_have_a_limit_of_each_kind),
	FL_TEST(what_could_not_be_sent_is_made_good_by_a_sync),
	FL_TEST(past_the_limit_a_peer_is_asked_again_later), FL_TEST(any_allocation_may_fail));
