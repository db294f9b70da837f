/* SPDX-License-Identifier: Apache-2.0 */
/* Lost links: who accuses whom, who obeys, who is left together. */
#include <stdio.h>
#include <string.h>

#include "dist/global_doubt.h"
#include "tests/support/global_net.h"
#include "tests/support/suite.h"

static fli_global *n[5];

/* Nodes a to e, of a mode each: 'o'tp, 'g'uest, '-' off. */
static void mesh(const char *modes)
{
	static const char *const names[] = {"a@h", "b@h", "c@h", "d@h", "e@h"};
	size_t count = strlen(modes);

	net_open();
	for (size_t i = 0; i < count; i++) {
		net_mode = modes[i] == 'o'   ? FLI_GLOBAL_OTP
			   : modes[i] == 'g' ? FLI_GLOBAL_GUEST
					     : FLI_GLOBAL_OFF;
		n[i] = net_add(names[i]);
	}
	for (size_t i = 1; i < count; i++) {
		net_link(n[i], n[0]);
		net_pass(10000);
	}
	net_notes[0] = '\0';
}

static bool are_together(size_t i, size_t j)
{
	return net_is_up(n[i], n[j]) && net_knows(n[i], n[j]) && net_knows(n[j], n[i]);
}

/* "ab cd": who is together with whom, and with nobody else. */
static bool groups_are(const char *text)
{
	int group_of[5] = {-1, -1, -1, -1, -1}, group = 0;

	for (; *text != '\0'; text++)
		if (*text == ' ')
			group++;
		else
			group_of[*text - 'a'] = group;
	for (size_t i = 0; i < 5; i++)
		for (size_t j = i + 1; j < 5 && group_of[j] >= 0; j++)
			if (are_together(i, j) != (group_of[i] == group_of[j]))
				return false;
	return true;
}

static void a_lost_link_in_a_mesh_of_three_leaves_all_alone(void)
{
	mesh("ooo");
	CU_ASSERT_TRUE(groups_are("abc"));
	net_cut(n[1], n[2]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("a b c"));
	net_close();
}

static void a_lost_link_in_a_mesh_of_five_leaves_the_three_others_together(void)
{
	mesh("ooooo");
	CU_ASSERT_TRUE(groups_are("abcde"));
	net_cut(n[0], n[1]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("a b cde"));
	net_close();
}

static void a_clean_split_stays_one(void)
{
	mesh("ooooo");
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 2; j < 5; j++)
			net_cut(n[i], n[j]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("ab cde"));
	net_close();
}

static void a_guest_that_loses_a_link_is_the_only_one_expelled(void)
{
	mesh("ooog");
	CU_ASSERT_TRUE(groups_are("abcd"));
	net_cut(n[1], n[3]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("abc d"));
	CU_ASSERT_EQUAL(fli_global_count(n[3]).expelled, 2);
	net_close();
}

static void a_guest_obeys_and_forwards_what_others_report(void)
{
	mesh("ooog");
	net_cut(n[0], n[1]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("a b cd"));
	CU_ASSERT_EQUAL(fli_global_count(n[3]).accused, 2);
	net_close();
}

static void of_two_guests_the_greater_one_goes(void)
{
	mesh("ooggo");
	CU_ASSERT_TRUE(groups_are("abcde"));
	net_cut(n[2], n[3]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("abce d"));
	net_close();
}

/* His word and that of who tells of him come over two links, in any order. */
static void a_guest_that_says_in_sync_before_it_is_told_of_goes_like_any_other(void)
{
	fli_global_node *node;

	mesh("gog");
	node = fli_global_node_find(n[0], fl_atom_of("c@h"));
	CU_ASSERT_TRUE(node->is_guest);
	net_begin(n[0]);
	fli_global_forget(n[0], node);
	node->is_guest = false;
	net_settle(n[0]);
	net_cast(n[0], "{in_sync,'c@h',true}");
	net_run();
	CU_ASSERT_FALSE(net_knows(n[0], n[2]));
	net_cast(n[0], "{new_nodes,'b@h',[],[],[{'c@h',8}],[{vsn,8}]}");
	net_run();
	CU_ASSERT_TRUE(groups_are("abc"));
	net_cut(n[0], n[2]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("ab c"));
	net_close();
}

static void a_node_with_the_mode_off_keeps_whom_it_has(void)
{
	mesh("---");
	net_cut(n[1], n[2]);
	net_pass(1000);
	CU_ASSERT_TRUE(are_together(0, 1));
	CU_ASSERT_TRUE(are_together(0, 2));
	net_close();
}

static void leaving_in_one_stroke_takes_nobody_along(void)
{
	fl_buf list = FL_BUF_INIT;

	mesh("oooo");
	fli_global_disconnect(n[3], &list);
	net_settle(n[3]);
	net_pass(1000);
	CU_ASSERT_TRUE(groups_are("abc d"));
	CU_ASSERT_EQUAL(fl_term_kind(fl_buf_term(&list)), FL_LIST);
	fl_buf_free(&list);
	net_close();
}

static void a_node_that_was_expelled_comes_back(void)
{
	mesh("ooog");
	net_cut(n[1], n[3]);
	net_pass(1000);
	net_link(n[3], n[0]);
	net_pass(10000);
	CU_ASSERT_TRUE(groups_are("abcd"));
	net_close();
}

static void a_report_is_handled_once(void)
{
	mesh("oo");
	net_listen(true);
	net_info(n[0], "{lost_connection, x@h, 17, 1, b@h}");
	net_run();
	CU_ASSERT_PTR_NOT_NULL(strstr(net_notes, "{remove_connection,a@h}"));
	net_notes[0] = '\0';
	net_info(n[0], "{lost_connection, x@h, 17, 1, b@h}");
	net_info(n[0], "{lost_connection, x@h, 17, 0, b@h}");
	CU_ASSERT_STRING_EQUAL(net_notes, "");
	net_close();
}

static void another_setting_is_told(void)
{
	mesh("o-");
	CU_ASSERT_PTR_NOT_NULL(strstr(net_log, "must be the same on all nodes"));
	net_close();
}

static void reports_of_two_lives_are_each_passed_on_once(void)
{
	const char *last = net_notes;
	unsigned count = 0;

	mesh("o");
	net_listen(true);
	net_begin(n[0]);
	fli_global_node_up(n[0], fl_atom_of("x@h"));
	net_settle(n[0]);
	net_cast(n[0], "{init_connect,{8,5},'x@h',{locker,no_longer_a_pid,[],<x@h.9.0/1>}}");
	net_notes[0] = '\0';
	for (int i = 0; i < 3; i++) {
		net_info(n[0], "{lost_connection,'y@h',1,1,'z@h'}");
		net_info(n[0], "{lost_connection,'y@h',2,1,'z@h'}");
	}
	while ((last = strstr(last, "lost_connection")) != NULL) {
		count++;
		last++;
	}
	CU_ASSERT_EQUAL(count, 2);
	net_listen(false);
	net_close();
}

/* ---- who does not agree ---------------------------------------------------------------------- */

/* As after a dial that failed just before the other side's came through. */
static void forget(fli_global *g, const char *name)
{
	fli_global_node *node = fli_global_node_find(g, fl_atom_of(name));

	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	net_begin(g);
	node->is_known = false;
	node->is_synced = false;
	net_settle(g);
}

static void who_says_in_sync_and_is_no_member_is_met_anew_and_nobody_else(void)
{
	mesh("ooo");
	forget(n[1], "a@h");
	net_cast(n[1], "{in_sync,'a@h',true}");
	net_pass(5000);
	CU_ASSERT_TRUE(net_is_up(n[0], n[1]));
	CU_ASSERT_FALSE(net_knows(n[1], n[0]));
	CU_ASSERT_TRUE(are_together(0, 2));
	CU_ASSERT_TRUE(are_together(1, 2));
	net_pass(20000);
	CU_ASSERT_TRUE(groups_are("abc"));
	net_close();
}

static void a_member_that_begins_a_session_does_not_know_us(void)
{
	mesh("oo");
	net_listen(true);
	net_cast(n[0], "{init_connect,{8,5},'b@h',{locker,no_longer_a_pid,[],<b@h.2.0/1>}}");
	CU_ASSERT_FALSE(net_is_synced(n[0], n[1]));
	net_pass(31000);
	CU_ASSERT_PTR_NOT_NULL(strstr(net_notes, "{remove_connection,a@h}"));
	net_listen(false);
	net_close();
}

static void a_member_that_never_says_in_sync_is_met_anew(void)
{
	fli_global_node *node;

	mesh("oo");
	node = fli_global_node_find(n[0], fl_atom_of("b@h"));
	forget(n[1], "a@h");
	node->is_synced = false;
	net_begin(n[0]);
	fli_global_doubt(n[0], node);
	net_settle(n[0]);
	CU_ASSERT_FALSE(net_knows(n[1], n[0]));
	net_pass(40000);
	CU_ASSERT_TRUE(groups_are("ab"));
	net_close();
}

static void who_was_asked_to_leave_and_does_not_is_disconnected(void)
{
	mesh("ooo");
	forget(n[1], "a@h");
	net_info(n[0], "{lost_connection,'c@h',1,1,'b@h'}");
	net_run();
	CU_ASSERT_TRUE(net_is_up(n[0], n[1]));
	net_pass(5000);
	CU_ASSERT_FALSE(net_is_up(n[0], n[1]));
	net_close();
}

static void who_said_in_sync_and_asks_to_leave_is_left_though_nobody_told_of_him(void)
{
	mesh("oo");
	net_begin(n[1]);
	fli_global_node_find(n[1], fl_atom_of("a@h"))->is_known = false;
	net_settle(n[1]);
	net_info(n[1], "{remove_connection,'a@h'}");
	net_run();
	CU_ASSERT_FALSE(net_is_up(n[0], n[1]));
	net_close();
}

/* Who joins before the connection ends would be told names that the partition is about to lose. */
static void who_was_asked_to_leave_has_no_names_while_it_is_still_connected(void)
{
	mesh("ooo");
	net_wish(n[1], FLI_GLOBAL_REGISTER, "n", 8);
	net_run();
	CU_ASSERT_EQUAL(net_whereis(n[0], "n"), 8);
	net_call(n[0], net_pid(n[1], 9), "{set_lock,{r,q}}");
	forget(n[1], "a@h");
	net_info(n[0], "{lost_connection,'c@h',1,1,'b@h'}");
	CU_ASSERT_TRUE(net_is_up(n[0], n[1]));
	CU_ASSERT_EQUAL(net_whereis(n[0], "n"), 0);
	CU_ASSERT_EQUAL(fli_global_count(n[0]).locks, 0);
	net_close();
}

/* A core that x@h, which is words alone, has begun to meet. */
static fli_global_node *pending(void)
{
	fli_global_node *node;

	mesh("o");
	net_listen(true);
	net_begin(n[0]);
	fli_global_node_up(n[0], fl_atom_of("x@h"));
	net_settle(n[0]);
	net_cast(n[0], "{init_connect,{8,5},'x@h',{locker,no_longer_a_pid,[],<x@h.9.0/1>}}");
	node = fli_global_node_find(n[0], fl_atom_of("x@h"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	return node;
}

static void who_asked_while_our_own_lock_was_refused_is_served_next(void)
{
	fli_global_locker *locker;
	fli_global_node *node = pending();

	locker = &n[0]->locker;
	net_begin(n[0]);
	locker->him = node;
	locker->state = FLI_LOCKER_GRABS;
	locker->is_initiator = locker->he_is_set = true;
	locker->grab.state = FLI_GRAB_NONE; /* it came to nothing */
	fli_global_locker_run(n[0]);
	CU_ASSERT_PTR_EQUAL(locker->him, node);
	CU_ASSERT_FALSE(locker->is_initiator);
	net_settle(n[0]);
	net_listen(false);
	net_close();
}

static void a_partner_that_never_answers_does_not_hold_the_lock_for_ever(void)
{
	fli_global_node *node = pending();

	net_begin(n[0]);
	n[0]->locker.him = node;
	n[0]->locker.state = FLI_LOCKER_AWAITS;
	n[0]->locker.patience_ms = n[0]->now_ms + 90000;
	net_settle(n[0]);
	net_notes[0] = '\0';
	net_pass(89000);
	CU_ASSERT_PTR_NULL(strstr(net_notes, "cancel_connect"));
	net_pass(2000);
	CU_ASSERT_PTR_NOT_NULL(strstr(net_notes, "{cancel_connect,a@h,5}"));
	CU_ASSERT_NOT_EQUAL(n[0]->locker.state, FLI_LOCKER_AWAITS);
	net_listen(false);
	net_close();
}

/* Its session would end in the middle of itself. */
static void who_has_itself_among_those_it_knows_is_met_all_the_same(void)
{
	fli_global_node *node = pending();
	char word[128];

	net_begin(n[0]);
	node->session->is_lock_set = node->session->has_ops = true;
	net_settle(n[0]);
	(void)snprintf(word, sizeof word,
		"{resolved,'x@h',[],[{'x@h',8},{'a@h',8},{'x@h',8}],unused,[],%lld}",
		(long long)node->session->my_tag);
	net_cast(n[0], word);
	CU_ASSERT_PTR_NULL(node->session);
	CU_ASSERT_TRUE(node->is_known && node->is_synced);
	CU_ASSERT_EQUAL(node->vsn, 8);
	CU_ASSERT_EQUAL(fli_global_known_count(n[0]), 1);
	CU_ASSERT_PTR_NULL(strstr(net_notes, "{in_sync"));
	net_listen(false);
	net_close();
}

FL_SUITE("global_pop", FL_TEST(a_lost_link_in_a_mesh_of_three_leaves_all_alone),
	FL_TEST(a_lost_link_in_a_mesh_of_five_leaves_the_three_others_together),
	FL_TEST(a_clean_split_stays_one),
	FL_TEST(a_guest_that_loses_a_link_is_the_only_one_expelled),
	FL_TEST(a_guest_obeys_and_forwards_what_others_report),
	FL_TEST(of_two_guests_the_greater_one_goes),
	FL_TEST(a_guest_that_says_in_sync_before_it_is_told_of_goes_like_any_other),
	FL_TEST(a_node_with_the_mode_off_keeps_whom_it_has),
	FL_TEST(leaving_in_one_stroke_takes_nobody_along),
	FL_TEST(a_node_that_was_expelled_comes_back), FL_TEST(a_report_is_handled_once),
	FL_TEST(another_setting_is_told),
	FL_TEST(who_says_in_sync_and_is_no_member_is_met_anew_and_nobody_else),
	FL_TEST(a_member_that_begins_a_session_does_not_know_us),
	FL_TEST(a_member_that_never_says_in_sync_is_met_anew),
	FL_TEST(who_was_asked_to_leave_and_does_not_is_disconnected),
	FL_TEST(who_said_in_sync_and_asks_to_leave_is_left_though_nobody_told_of_him),
	FL_TEST(who_was_asked_to_leave_has_no_names_while_it_is_still_connected),
	FL_TEST(who_asked_while_our_own_lock_was_refused_is_served_next),
	FL_TEST(reports_of_two_lives_are_each_passed_on_once),
	FL_TEST(a_partner_that_never_answers_does_not_hold_the_lock_for_ever),
	FL_TEST(who_has_itself_among_those_it_knows_is_met_all_the_same));
