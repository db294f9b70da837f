/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that meet, names and locks of a cluster of cores. */
#include "dist/global.h"

#include <string.h>

#include "tests/support/global_net.h"
#include "tests/support/suite.h"

static fli_global *a, *b, *c;

static void three(void)
{
	net_open();
	a = net_add("a@h");
	b = net_add("b@h");
	c = net_add("c@h");
}

static void meshed(void)
{
	three();
	net_link(a, b);
	net_pass(5000);
	net_link(b, c);
	net_pass(10000);
	net_notes[0] = '\0';
}

#define NOTED(text) CU_ASSERT_STRING_EQUAL(net_notes, text)

/* ---- who speaks ------------------------------------------------------------------------------ */

static bool may_say(const char *text, const char *sender)
{
	fl_buf buf = FL_BUF_INIT;
	bool may;

	CU_ASSERT_EQUAL_FATAL(fl_read(&buf, text, strlen(text), NULL), FL_OK);
	may = fli_global_speaks_for(fl_buf_term(&buf), fl_atom_of(sender));
	fl_buf_free(&buf);
	return may;
}

static void a_node_speaks_for_itself_alone(void)
{
	static const char *const own[] = {"{init_connect, {8, 1}, 'b@h', {locker, x, [], x}}",
		"{lock_set, <b@h.1.0>, true, []}", "{exchange, 'b@h', [], [], 1}",
		"{resolved, 'b@h', [], [], [], [], 1}", "{new_nodes, 'b@h', [], [], [], []}",
		"{in_sync, 'b@h', true}", "{init_connect_ack, 'b@h', 1, 2}",
		"{cancel_connect, 'b@h', 1}", "{remove_connection, 'b@h'}"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		CU_ASSERT_TRUE(may_say(own[i], "b@h"));
		CU_ASSERT_FALSE(may_say(own[i], "a@h"));
	}
	CU_ASSERT_FALSE(may_say("{in_sync}", "b@h"));
	CU_ASSERT_FALSE(may_say("{remove_connection, 7}", "b@h"));
	CU_ASSERT_TRUE(may_say("{lost_connection, 'a@h', 1, 2, 'c@h'}", "b@h")); /* is passed on */
	CU_ASSERT_TRUE(may_say("in_sync", "b@h"));
}

/* ---- meeting --------------------------------------------------------------------------------- */

static void two_nodes_that_meet_know_each_other_within_a_second(void)
{
	three();
	net_link(a, b);
	net_pass(1000);
	CU_ASSERT_TRUE(net_knows(a, b));
	CU_ASSERT_TRUE(net_knows(b, a));
	CU_ASSERT_TRUE(net_is_synced(a, b));
	CU_ASSERT_TRUE(net_is_synced(b, a));
	CU_ASSERT_EQUAL(fli_global_count(a).locks + fli_global_count(b).locks, 0);
	net_close();
}

static void one_join_makes_a_mesh(void)
{
	meshed();
	CU_ASSERT_TRUE(net_is_up(a, c));
	CU_ASSERT_TRUE(net_knows(a, c));
	CU_ASSERT_TRUE(net_knows(c, a));
	CU_ASSERT_TRUE(net_is_synced(a, c));
	CU_ASSERT_TRUE(net_is_synced(c, a));
	CU_ASSERT_EQUAL(fli_global_count(a).locks + fli_global_count(c).locks, 0);
	net_close();
}

static void sync_waits_for_those_that_are_up(void)
{
	three();
	net_link(a, b);
	net_run();
	net_call(a, net_pid(a, 50), "{sync, [b@h, elsewhere@h, a@h]}");
	NOTED("");
	net_pass(1000);
	NOTED("a@h: ok;");
	net_close();
}

static void sync_ends_with_the_node_that_it_waited_for(void)
{
	three();
	net_link(a, b);
	net_run();
	net_call(a, net_pid(a, 50), "{sync, [b@h]}");
	net_cut(a, b);
	net_run();
	NOTED("a@h: ok;");
	net_close();
}

static void a_node_that_cannot_be_reached_counts_as_lost(void)
{
	three();
	net_link(a, b);
	net_pass(1000);
	net_refuse_dials(true);
	net_link(b, c);
	net_pass(10000);
	CU_ASSERT_FALSE(net_knows(a, c) && net_is_up(a, c));
	net_close();
}

/* ---- names ----------------------------------------------------------------------------------- */

static void a_name_is_seen_on_all_nodes_when_the_call_returns(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "{any, <<\"term\">>, [1, 2]}", 100);
	net_run();
	NOTED("a@h: yes;");
	CU_ASSERT_EQUAL(net_whereis(a, "{any, <<\"term\">>, [1, 2]}"), 100);
	CU_ASSERT_EQUAL(net_whereis(b, "{any, <<\"term\">>, [1, 2]}"), 100);
	CU_ASSERT_EQUAL(net_whereis(c, "{any, <<\"term\">>, [1, 2]}"), 100);
	net_close();
}

static void a_name_that_is_taken_is_refused_and_re_register_takes_it(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_run();
	net_wish(c, FLI_GLOBAL_REGISTER, "n", 101);
	net_run();
	NOTED("a@h: yes;c@h: no;");
	net_wish(c, FLI_GLOBAL_REREGISTER, "n", 101);
	net_run();
	CU_ASSERT_STRING_EQUAL(net_holder(a, "n"), "c@h");
	CU_ASSERT_STRING_EQUAL(net_holder(b, "n"), "c@h");
	net_wish(b, FLI_GLOBAL_UNREGISTER, "n", 0);
	net_run();
	CU_ASSERT_EQUAL(net_whereis(a, "n") + net_whereis(b, "n") + net_whereis(c, "n"), 0);
	net_close();
}

static void a_process_has_one_name(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_wish(a, FLI_GLOBAL_REGISTER, "m", 100);
	net_run();
	NOTED("a@h: yes;a@h: no;");
	net_close();
}

static void of_two_at_once_one_gets_the_name(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_wish(b, FLI_GLOBAL_REGISTER, "n", 101);
	net_wish(c, FLI_GLOBAL_REGISTER, "n", 102);
	net_pass(20000);
	CU_ASSERT_EQUAL(strlen(net_notes), strlen("a@h: yes;b@h: no;c@h: no;"));
	CU_ASSERT_STRING_EQUAL(net_holder(a, "n"), net_holder(b, "n"));
	CU_ASSERT_STRING_EQUAL(net_holder(a, "n"), net_holder(c, "n"));
	CU_ASSERT_EQUAL(fli_global_count(a).locks, 0);
	net_close();
}

static void a_name_goes_with_its_process_and_with_its_node(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_wish(c, FLI_GLOBAL_REGISTER, "m", 101);
	net_pass(10000);
	net_kill(net_pid(a, 100));
	net_run();
	CU_ASSERT_EQUAL(net_whereis(a, "n") + net_whereis(b, "n") + net_whereis(c, "n"), 0);
	CU_ASSERT_EQUAL(net_whereis(a, "m"), 101);
	net_halt(c);
	net_run();
	CU_ASSERT_EQUAL(net_whereis(a, "m") + net_whereis(b, "m"), 0);
	net_close();
}

static void names_are_learnt_at_the_join(void)
{
	three();
	net_wish(a, FLI_GLOBAL_REGISTER, "of_a", 100);
	net_wish(c, FLI_GLOBAL_REGISTER, "of_c", 101);
	net_link(a, b);
	net_pass(2000);
	net_link(c, b);
	net_pass(10000);
	CU_ASSERT_EQUAL(net_whereis(c, "of_a"), 100);
	CU_ASSERT_EQUAL(net_whereis(b, "of_a"), 100);
	CU_ASSERT_EQUAL(net_whereis(a, "of_c"), 101);
	CU_ASSERT_EQUAL(net_whereis(b, "of_c"), 101);
	net_close();
}

static void of_two_holders_the_one_on_the_lesser_node_stays(void)
{
	three();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_wish(c, FLI_GLOBAL_REGISTER, "n", 101);
	net_link(c, a);
	net_pass(5000);
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 100);
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 100);
	net_link(b, c);
	net_pass(10000);
	CU_ASSERT_EQUAL(net_whereis(b, "n"), 100);
	CU_ASSERT_EQUAL(fli_global_count(a).conflicts + fli_global_count(c).conflicts, 1);
	net_close();
}

static void a_method_that_keeps_nobody_frees_the_name_everywhere(void)
{
	three();
	net_link(a, b);
	net_pass(2000);
	net_wish_method(b, "n", 100, "none");
	net_wish_method(c, "n", 101, "none");
	net_pass(1000);
	net_link(c, a);
	net_pass(10000);
	CU_ASSERT_TRUE(net_knows(a, c) && net_knows(b, c));
	CU_ASSERT_EQUAL(net_whereis(a, "n") + net_whereis(b, "n") + net_whereis(c, "n"), 0);
	net_close();
}

static void a_method_that_cannot_be_run_loses(void)
{
	three();
	net_wish_method(a, "n", 100, "unknown");
	net_wish_method(c, "n", 101, "unknown");
	net_link(c, a);
	net_pass(5000);
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 101);
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 101);
	net_close();
}

static void a_split_heals_and_every_name_is_everywhere(void)
{
	meshed();
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_pass(3000);
	net_cut(c, a);
	net_cut(c, b);
	net_pass(1000);
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 0);
	net_wish(c, FLI_GLOBAL_REGISTER, "m", 101);
	net_run();
	net_link(c, b);
	net_pass(10000);
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 100);
	CU_ASSERT_EQUAL(net_whereis(a, "m"), 101);
	CU_ASSERT_TRUE(net_is_up(a, c));
	net_close();
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void a_lock_has_one_requester_and_many_holders(void)
{
	three();
	net_call(a, net_pid(a, 50), "{set_lock, {r, me}}");
	net_call(a, net_pid(a, 51), "{set_lock, {r, me}}");
	net_call(a, net_pid(a, 52), "{set_lock, {r, you}}");
	NOTED("a@h: true;a@h: true;a@h: false;");
	net_call(a, net_pid(a, 50), "{del_lock, {r, me}}");
	net_call(a, net_pid(a, 52), "{set_lock, {r, you}}");
	net_call(a, net_pid(a, 51), "{del_lock, {r, me}}");
	net_call(a, net_pid(a, 52), "{set_lock, {r, you}}");
	NOTED("a@h: true;a@h: true;a@h: false;a@h: true;a@h: false;a@h: true;a@h: true;");
	net_close();
}

static void a_lock_goes_with_its_holder(void)
{
	three();
	net_call(a, net_pid(a, 50), "{set_lock, {r, me}}");
	net_kill(net_pid(a, 50));
	net_run();
	net_call(a, net_pid(a, 51), "{set_lock, {r, you}}");
	NOTED("a@h: true;a@h: true;");
	net_close();
}

static void a_lock_goes_with_the_node_of_its_holder(void)
{
	meshed();
	net_call(a, net_pid(c, 50), "{set_lock, {r, me}}");
	net_halt(c);
	net_run();
	CU_ASSERT_EQUAL(fli_global_count(a).locks, 0);
	net_close();
}

/* What came over the lost connection is handled late; the next one carries its monitor. */
static void a_lock_goes_with_its_node_even_while_its_monitor_finds_the_holder_alive(void)
{
	meshed();
	net_call(a, net_pid(b, 7), "{set_lock,{r,q}}");
	net_wish(b, FLI_GLOBAL_REGISTER, "n", 8);
	net_run();
	CU_ASSERT_EQUAL(fli_global_count(a).locks, 1);
	net_begin(a);
	fli_global_node_down(a, fl_atom_of("b@h"));
	CU_ASSERT_EQUAL(fli_global_count(a).locks, 0);
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 0);
	net_settle(a);
	net_close();
}

static void a_dial_that_ends_late_says_nothing_to_who_is_no_member_any_more(void)
{
	fli_global_node *node;

	net_open();
	a = net_add("a@h");
	net_listen(true);
	net_begin(a);
	node = fli_global_node_get(a, fl_atom_of("x@h"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	node->is_dialled = node->is_up = true;
	fli_global_dialled(a, node->name, true);
	net_settle(a);
	CU_ASSERT_PTR_NULL(strstr(net_notes, "in_sync"));
	net_begin(a);
	node->is_dialled = node->is_known = true;
	fli_global_dialled(a, node->name, true);
	net_settle(a);
	CU_ASSERT_PTR_NOT_NULL(strstr(net_notes, "in_sync"));
	net_listen(false);
	net_close();
}

static void only_who_holds_the_lock_registers(void)
{
	meshed();
	net_call(a, net_pid(b, 60), "{set_lock, {global, me}}");
	net_call(a, net_pid(b, 61), "{register, n, <b@h.61.0/1>, m}");
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 0);
	net_call(a, net_pid(b, 60), "{register, n, <b@h.60.0/1>, m}");
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 60);
	NOTED("a@h: true;a@h: yes;a@h: yes;");
	net_close();
}

/* He set the lock over an earlier connection; whom this node meets is not told of the name. */
static void who_has_no_lock_here_registers_nothing(void)
{
	meshed();
	net_call(a, net_pid(b, 60), "{register, n, <b@h.62.0/1>, m}");
	NOTED("a@h: yes;");
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 0);
	net_close();
}

static void who_is_no_member_and_does_not_meet_us_gets_no_lock(void)
{
	three();
	net_call(a, net_pid(b, 60), "{set_lock, {global, me}}");
	net_call(a, net_pid(b, 60), "{set_lock, {r, me}}");
	net_call(a, net_pid(b, 60), "{set_lock, {global, [<a@h.2.0/1>, <b@h.2.0/1>]}}");
	NOTED("a@h: false;a@h: true;a@h: true;");
	net_close();
}

static void who_is_no_member_tells_of_no_members(void)
{
	meshed();
	net_cast(a, "{new_nodes,'x@h',[{insert,{n,<x@h.62.0/1>,m}}],[],[{'y@h',8}],[{vsn,8}]}");
	net_run();
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 0);
	CU_ASSERT_PTR_NULL(fli_global_node_find(a, fl_atom_of("y@h")));
	net_close();
}

/* a and b have lost each other; c, who knows both, meets d, who knows b. */
static void members_of_both_partitions_are_no_news(void)
{
	const char *said;
	fli_global_node *node;
	char words[120];
	int tag;

	three();
	net_link(a, c);
	net_pass(5000);
	net_listen(true);
	net_begin(c);
	fli_global_make_known(c, fl_atom_of("b@h"), 8);
	fli_global_node_up(c, fl_atom_of("d@h"));
	net_settle(c);
	net_notes[0] = '\0';
	net_cast(c, "{init_connect,{8,5},'d@h',{locker,no_longer_a_pid,[],<d@h.9.0/1>}}");
	net_begin(c);
	node = fli_global_node_find(c, fl_atom_of("d@h"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	node->session->is_lock_set = true;
	tag = (int)node->session->my_tag;
	net_settle(c);
	(void)snprintf(words, sizeof words, "{exchange,'d@h',[],[],%d}", tag);
	net_cast(c, words);
	(void)snprintf(
		words, sizeof words, "{resolved,'d@h',[],[{'b@h',8},{'e@h',8}],unused,[],%d}", tag);
	net_cast(c, words);
	said = strstr(net_notes, "{new_nodes,c@h");
	CU_ASSERT_PTR_NOT_NULL_FATAL(said);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "[{d@h,8},{e@h,8}]"));
	net_listen(false);
	net_close();
}

static void what_a_dead_holder_said_late_is_not_kept(void)
{
	meshed();
	net_call(a, net_pid(b, 60), "{set_lock, {global, me}}");
	net_kill(net_pid(b, 60));
	net_run();
	net_call(a, net_pid(b, 60), "{register, n, <b@h.62.0/1>, m}");
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 0);
	net_close();
}

static void nobody_joins_or_registers_under_a_lock_that_others_hold(void)
{
	meshed();
	net_call(a, net_pid(b, 60), "{set_lock, {global, me}}");
	net_wish(c, FLI_GLOBAL_REGISTER, "n", 100);
	net_pass(5000);
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 0);
	net_call(a, net_pid(b, 60), "{del_lock, {global, me}}");
	net_pass(10000);
	CU_ASSERT_EQUAL(net_whereis(a, "n"), 100);
	net_close();
}

static void meet_stranger(const char *name, const char *known)
{
	char words[120];

	net_begin(a);
	fli_global_node_up(a, fl_atom_of(name));
	net_settle(a);
	net_notes[0] = '\0';
	(void)snprintf(words, sizeof words,
		"{init_connect,{8,5},'%s',{locker,no_longer_a_pid,%s,<%s.9.0/1>}}", name, known,
		name);
	net_cast(a, words);
}

static void init_connect_is_acknowledged_to_our_kind_alone(void)
{
	three();
	net_listen(true);
	meet_stranger("x@h", "#{}");
	CU_ASSERT_PTR_NULL(strstr(net_notes, "init_connect_ack"));
	meet_stranger("y@h", "#{'b@h' => 8}");
	CU_ASSERT_PTR_NULL(strstr(net_notes, "init_connect_ack"));
	meet_stranger("z@h", "[]");
	CU_ASSERT_PTR_NOT_NULL(strstr(net_notes, "{init_connect_ack,a@h,5,"));
	net_listen(false);
	net_close();
}

FL_SUITE("global", FL_TEST(a_node_speaks_for_itself_alone),
	FL_TEST(two_nodes_that_meet_know_each_other_within_a_second),
	FL_TEST(one_join_makes_a_mesh), FL_TEST(sync_waits_for_those_that_are_up),
	FL_TEST(sync_ends_with_the_node_that_it_waited_for),
	FL_TEST(a_node_that_cannot_be_reached_counts_as_lost),
	FL_TEST(a_name_is_seen_on_all_nodes_when_the_call_returns),
	FL_TEST(a_name_that_is_taken_is_refused_and_re_register_takes_it),
	FL_TEST(a_process_has_one_name), FL_TEST(of_two_at_once_one_gets_the_name),
	FL_TEST(a_name_goes_with_its_process_and_with_its_node),
	FL_TEST(names_are_learnt_at_the_join),
	FL_TEST(of_two_holders_the_one_on_the_lesser_node_stays),
	FL_TEST(a_method_that_keeps_nobody_frees_the_name_everywhere),
	FL_TEST(a_method_that_cannot_be_run_loses),
	FL_TEST(a_split_heals_and_every_name_is_everywhere),
	FL_TEST(a_lock_has_one_requester_and_many_holders), FL_TEST(a_lock_goes_with_its_holder),
	FL_TEST(a_lock_goes_with_the_node_of_its_holder),
	FL_TEST(a_lock_goes_with_its_node_even_while_its_monitor_finds_the_holder_alive),
	FL_TEST(a_dial_that_ends_late_says_nothing_to_who_is_no_member_any_more),
	FL_TEST(only_who_holds_the_lock_registers), FL_TEST(who_has_no_lock_here_registers_nothing),
	FL_TEST(who_is_no_member_and_does_not_meet_us_gets_no_lock),
	FL_TEST(who_is_no_member_tells_of_no_members),
	FL_TEST(init_connect_is_acknowledged_to_our_kind_alone),
	FL_TEST(members_of_both_partitions_are_no_news),
	FL_TEST(what_a_dead_holder_said_late_is_not_kept),
	FL_TEST(nobody_joins_or_registers_under_a_lock_that_others_hold));
