/* SPDX-License-Identifier: Apache-2.0 */
/* Lost links: who accuses whom, who obeys, who is left together. */
#include <string.h>

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

FL_SUITE("global_pop", FL_TEST(a_lost_link_in_a_mesh_of_three_leaves_all_alone),
	FL_TEST(a_lost_link_in_a_mesh_of_five_leaves_the_three_others_together),
	FL_TEST(a_clean_split_stays_one),
	FL_TEST(a_guest_that_loses_a_link_is_the_only_one_expelled),
	FL_TEST(a_guest_obeys_and_forwards_what_others_report),
	FL_TEST(of_two_guests_the_greater_one_goes),
	FL_TEST(a_node_with_the_mode_off_keeps_whom_it_has),
	FL_TEST(leaving_in_one_stroke_takes_nobody_along),
	FL_TEST(a_node_that_was_expelled_comes_back), FL_TEST(a_report_is_handled_once),
	FL_TEST(another_setting_is_told));
