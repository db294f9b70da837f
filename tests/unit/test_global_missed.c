/* SPDX-License-Identifier: Apache-2.0 */
/* Members that a core was told of and could not reach, while others of its partition know them. */
#include <string.h>

#include "tests/support/global_net.h"
#include "tests/support/suite.h"

static fli_global *a, *b, *c;

/* b knows both and each of them has dropped the other, as it could not be reached. */
static void missed(void)
{
	net_open();
	net_mode = FLI_GLOBAL_OFF; /* otherwise b would leave one of them */
	a = net_add("a@h");
	b = net_add("b@h");
	c = net_add("c@h");
	net_link(a, b);
	net_pass(5000);
	net_wish(a, FLI_GLOBAL_REGISTER, "n", 100);
	net_refuse_dials(true);
	net_link(b, c);
	net_pass(10000);
	net_refuse_dials(false);
	CU_ASSERT_TRUE(net_knows(b, a) && net_knows(b, c));
	CU_ASSERT_FALSE(net_knows(a, c) || net_knows(c, a));
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 0);
}

static void whole(void)
{
	CU_ASSERT_TRUE(net_knows(a, c) && net_knows(c, a));
	CU_ASSERT_TRUE(net_is_synced(a, c) && net_is_synced(c, a));
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 100);
	net_close();
}

/* As OTP's lists are: who has joined, and all whom that one knows. */
#define LIST(first, others) "{new_nodes, b@h, [], [], [{" first ", 8}" others "], [{vsn, 8}]}"

static void a_list_without_names_makes_nobody_a_member_who_was_missed(void)
{
	missed();
	net_cast(a, LIST("d@h", ", {a@h, 8}, {b@h, 8}, {c@h, 8}"));
	net_cast(c, LIST("d@h", ", {a@h, 8}, {b@h, 8}, {c@h, 8}"));
	net_pass(5000);
	whole();
}

static void who_was_missed_and_takes_us_for_a_member_is_met_anew(void)
{
	missed();
	net_cast(a, LIST("c@h", "")); /* it dials c, and is in sync with it */
	net_pass(5000);
	whole();
}

static void who_was_missed_and_joins_is_a_member(void)
{
	missed();
	net_call(c, net_pid(b, 60), "{set_lock, {global, me}}");
	net_cast(c, "{new_nodes, b@h, [{insert, {n, <a@h.100.0/1>, m}}], [], [{a@h, 8}],"
		    " [{vsn, 8}, {lock, {global, me}}]}");
	net_call(c, net_pid(b, 60), "{del_lock, {global, me}}");
	CU_ASSERT_TRUE(net_knows(c, a));
	CU_ASSERT_EQUAL(net_whereis(c, "n"), 100);
	net_pass(5000); /* a has missed c, too */
	whole();
}

static void who_was_missed_is_forgotten_after_a_while(void)
{
	missed();
	net_pass(70000);
	net_cast(c, LIST("d@h", ", {a@h, 8}"));
	net_run();
	CU_ASSERT_TRUE(net_knows(c, a));
	net_close();
}

/* Tells c of a and n, and takes none of what it then wants done but the monitor. */
static void told_of_a(fl_ref *ret_ref, fl_pid *ret_pid)
{
	const char *text = "{new_nodes, b@h, [{insert, {n, <a@h.100.0/1>, m}}], [], [{a@h, 8}],"
			   " [{vsn, 8}, {lock, {global, me}}]}";
	fl_buf buf = FL_BUF_INIT;

	net_call(c, net_pid(b, 60), "{set_lock, {global, me}}");
	CU_ASSERT_EQUAL_FATAL(fl_read(&buf, text, strlen(text), NULL), FL_OK);
	CU_ASSERT_TRUE(fli_global_cast(c, fl_buf_term(&buf)));
	fli_global_acts_done(c);
	fl_buf_free(&buf);
	*ret_pid = net_pid(a, 100);
	*ret_ref = (fl_ref){.node = fl_atom_of("c@h"), .creation = 1, .count = 3, .words = {9}};
	CU_ASSERT_TRUE(fli_global_watched(c, ret_pid, ret_ref));
	net_call(c, net_pid(b, 60), "{del_lock, {global, me}}");
}

/* Our attempt fails, and the node's own gets through before that is looked at. */
static void who_comes_when_its_names_are_gone_is_met_anew(void)
{
	fl_atom name = fl_atom_of("a@h");
	fl_ref ref;
	fl_pid pid;

	missed();
	told_of_a(&ref, &pid);
	CU_ASSERT_TRUE(fli_global_down(c, &ref, &pid, true));
	fli_global_dialled(c, name, true);
	CU_ASSERT_FALSE(net_knows(c, a));
	net_link(a, c);
	net_pass(5000);
	whole();
}

static void who_is_up_when_its_names_are_gone_is_met_anew(void)
{
	fl_ref ref;
	fl_pid pid;

	missed();
	told_of_a(&ref, &pid);
	CU_ASSERT_TRUE(fli_global_down(c, &ref, &pid, true));
	net_link(a, c);
	net_run();
	fli_global_dialled(c, fl_atom_of("a@h"), true);
	net_pass(5000);
	whole();
}

FL_SUITE("global_missed", FL_TEST(a_list_without_names_makes_nobody_a_member_who_was_missed),
	FL_TEST(who_was_missed_and_takes_us_for_a_member_is_met_anew),
	FL_TEST(who_was_missed_and_joins_is_a_member),
	FL_TEST(who_was_missed_is_forgotten_after_a_while),
	FL_TEST(who_comes_when_its_names_are_gone_is_met_anew),
	FL_TEST(who_is_up_when_its_names_are_gone_is_met_anew));
