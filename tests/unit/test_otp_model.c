/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of an OTP node against itself: connecting, global, pg, over memory.
 */
#include "tests/sim/otp_lab.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static otp_lab *lab;
static otp_node *a, *b, *c, *d;
static char text[4096], other[4096];

static otp_node *add(const char *name, int release, int vsn)
{
	otp_config config = {.name = name,
		.creation = 17,
		.release = release,
		.global_vsn = vsn,
		.has_pop = release >= 25,
		.pg_scopes = "pg"};

	return otp_lab_add(lab, &config);
}

static void start(int release, int vsn)
{
	lab = otp_lab_new((uint64_t)release * 10 + (uint64_t)vsn);
	a = add("a@lab", release, vsn);
	b = add("b@lab", release, vsn);
	c = add("c@lab", release, vsn);
}

static void join_all(void)
{
	otp_do_connect(a, "b@lab");
	otp_lab_run(lab, 5000);
	otp_do_connect(c, "b@lab");
	otp_lab_run(lab, 20000);
}

static void end(void)
{
	otp_lab_delete(lab);
}

#define EXPECT_TEXT(what, expected)                                                                \
	do {                                                                                       \
		what;                                                                              \
		CU_ASSERT_STRING_EQUAL(text, expected);                                            \
		if (strcmp(text, expected) != 0)                                                   \
			printf("    %s: \"%s\"\n", #what, text);                                   \
	} while (0)
#define ASK(question, node) otp_ask_##question(node, text, sizeof text)

static bool has_finding(otp_node *node)
{
	otp_findings f = otp_ask_findings(node);

	if (f.last[0] != '\0')
		printf("    finding: %s\n", f.last);
	return f.last[0] != '\0';
}

static void check_mesh(void)
{
	EXPECT_TEXT(ASK(nodes, a), "b@lab c@lab");
	EXPECT_TEXT(ASK(known, a), "b@lab c@lab");
	EXPECT_TEXT(ASK(synced, a), "b@lab c@lab");
	EXPECT_TEXT(ASK(known, b), "a@lab c@lab");
	EXPECT_TEXT(ASK(synced, c), "a@lab b@lab");
	EXPECT_TEXT(ASK(locks, a), "");
	EXPECT_TEXT(ASK(locks, b), "");
	EXPECT_TEXT(ASK(locks, c), "");
}

static void three_nodes_form_a_mesh_with_any_version(void)
{
	static const struct {
		int release, vsn;
	} cases[] = {{23, 5}, {25, 7}, {25, 8}, {27, 8}, {29, 8}, {29, 6}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(cases[i].release, cases[i].vsn);
		join_all();
		check_mesh();
		CU_ASSERT_FALSE(has_finding(a) || has_finding(b) || has_finding(c));
		end();
	}
}

static void a_name_is_known_on_all_until_its_process_dies(void)
{
	unsigned p, ticket;

	start(27, 8);
	join_all();
	p = otp_do_spawn(a, NULL);
	ticket = otp_do_register(a, "n", p, OTP_RANDOM_EXIT);
	otp_lab_run(lab, 1000);
	CU_ASSERT_EQUAL(otp_result(a, ticket), OTP_YES);
	CU_ASSERT(otp_equal(otp_ask_where(c, "n"), otp_pid_of(a, p)));
	otp_do_kill(a, p, "kill");
	otp_lab_run(lab, 1000);
	CU_ASSERT_PTR_NULL(otp_ask_where(b, "n").data);
	EXPECT_TEXT(ASK(names, c), "");
	end();
}

static void clash(otp_method method, bool is_a_alive, bool is_b_alive, bool is_known)
{
	unsigned pa, pb;

	start(29, 8);
	pa = otp_do_spawn(a, NULL);
	pb = otp_do_spawn(b, NULL);
	(void)otp_do_register(a, "n", pa, method);
	(void)otp_do_register(b, "n", pb, method);
	otp_lab_run(lab, 1000);
	join_all();
	CU_ASSERT_EQUAL(otp_ask_is_alive(a, pa), is_a_alive);
	CU_ASSERT_EQUAL(otp_ask_is_alive(b, pb), is_b_alive);
	CU_ASSERT_EQUAL(otp_ask_where(a, "n").data != NULL, is_known);
	CU_ASSERT_EQUAL(otp_ask_where(b, "n").data != NULL, is_known);
	CU_ASSERT_EQUAL(otp_ask_where(c, "n").data != NULL, is_known);
	ASK(names, a);
	otp_ask_names(c, other, sizeof other);
	CU_ASSERT_STRING_EQUAL(text, other);
	end();
}

static void clashing_names_are_resolved_by_their_method(void)
{
	clash(OTP_RANDOM_EXIT, true, false, true);
	clash(OTP_LOCAL_FUN, true, false, true);
	clash(OTP_RANDOM_NOTIFY, true, true, true);
	clash(OTP_NOTIFY_ALL, true, true, false);
}

static void one_requester_has_the_lock(void)
{
	unsigned pa, pb, first, second;

	start(25, 8);
	join_all();
	pa = otp_do_spawn(a, NULL);
	pb = otp_do_spawn(b, NULL);
	first = otp_do_lock(a, "r", "one", pa, 0);
	otp_lab_run(lab, 100);
	second = otp_do_lock(b, "r", "two", pb, 0);
	otp_lab_run(lab, 100);
	CU_ASSERT_EQUAL(otp_result(a, first), OTP_YES);
	CU_ASSERT_EQUAL(otp_result(b, second), OTP_NO);
	second = otp_do_lock(b, "r", "two", pb, -1);
	otp_lab_run(lab, 5000);
	CU_ASSERT_EQUAL(otp_result(b, second), OTP_PENDING);
	otp_do_kill(a, pa, "normal");
	otp_lab_run(lab, 20000);
	CU_ASSERT_EQUAL(otp_result(b, second), OTP_YES);
	(void)otp_do_unlock(b, "r", "two", pb);
	otp_lab_run(lab, 1000);
	EXPECT_TEXT(ASK(locks, c), "");
	end();
}

static void a_lost_link_removes_both_of_its_ends(void)
{
	start(27, 8);
	d = add("d@lab", 29, 8);
	join_all();
	otp_do_connect(d, "a@lab");
	otp_lab_run(lab, 20000);
	EXPECT_TEXT(ASK(known, d), "a@lab b@lab c@lab");
	otp_lab_refuse(lab, b, c, true);
	otp_lab_reset(lab, b, c);
	otp_lab_run(lab, 1000);
	EXPECT_TEXT(ASK(nodes, a), "d@lab");
	EXPECT_TEXT(ASK(nodes, b), "");
	EXPECT_TEXT(ASK(nodes, c), "");
	EXPECT_TEXT(ASK(known, c), "");
	end();
}

static void without_pop_a_lost_link_is_lost_alone(void)
{
	start(25, 8);
	a->config.has_pop = b->config.has_pop = c->config.has_pop = false;
	join_all();
	otp_lab_refuse(lab, b, c, true);
	otp_lab_reset(lab, b, c);
	otp_lab_run(lab, 1000);
	EXPECT_TEXT(ASK(nodes, a), "b@lab c@lab");
	EXPECT_TEXT(ASK(nodes, b), "a@lab");
	end();
}

static void groups_are_the_same_everywhere(int release)
{
	unsigned pa, pb;

	start(release, 0);
	pa = otp_do_spawn(a, NULL);
	CU_ASSERT(otp_do_join(a, "pg", "g", pa));
	join_all();
	pb = otp_do_spawn(b, NULL);
	CU_ASSERT(otp_do_join(b, "pg", "g", pb) && otp_do_join(b, "pg", "g", pb) &&
		  otp_do_join(b, "pg", "h", pb));
	otp_lab_run(lab, 1000);
	otp_ask_groups(a, "pg", text, sizeof text);
	otp_ask_groups(c, "pg", other, sizeof other);
	CU_ASSERT_STRING_EQUAL(text, other);
	CU_ASSERT(strstr(text, "g: ") != NULL && strstr(text, "h: ") != NULL);
	CU_ASSERT(otp_do_leave(b, "pg", "g", pb));
	CU_ASSERT_FALSE(otp_do_leave(b, "pg", "x", pb));
	otp_do_kill(b, pb, "kill");
	otp_lab_run(lab, 1000);
	otp_ask_groups(c, "pg", other, sizeof other);
	CU_ASSERT(strncmp(other, "g: <a@lab", 9) == 0 && strstr(other, "b@lab") == NULL);
	otp_do_disconnect(a, "c@lab");
	otp_lab_run(lab, 1000);
	otp_ask_groups(c, "pg", other, sizeof other);
	CU_ASSERT_STRING_EQUAL(other, "");
	CU_ASSERT_FALSE(has_finding(a) || has_finding(b) || has_finding(c));
	end();
}

static void groups_are_the_same_everywhere_in_both_protocols(void)
{
	groups_are_the_same_everywhere(27);
	groups_are_the_same_everywhere(29);
}

static void a_scope_before_26_crashes_on_the_discover_of_29(void)
{
	start(25, 8);
	d = add("d@lab", 29, 8);
	otp_do_connect(a, "d@lab");
	otp_lab_run(lab, 1000);
	CU_ASSERT_EQUAL(otp_ask_findings(a).scopes_crashed, 1);
	CU_ASSERT_EQUAL(otp_ask_findings(d).scopes_crashed, 0);
	end();
}

static void both_dial_and_one_connection_stays(void)
{
	start(29, 8);
	otp_do_connect(a, "b@lab");
	otp_do_connect(b, "a@lab");
	otp_lab_run(lab, 5000);
	EXPECT_TEXT(ASK(nodes, a), "b@lab");
	EXPECT_TEXT(ASK(synced, b), "a@lab");
	end();
}

static void a_silent_node_is_down_after_its_ticks(void)
{
	start(27, 8);
	otp_do_connect(a, "b@lab");
	otp_lab_run(lab, 300000);
	EXPECT_TEXT(ASK(nodes, a), "b@lab");
	otp_lab_silence(lab, a, b, true);
	otp_lab_run(lab, 44000);
	EXPECT_TEXT(ASK(nodes, a), "b@lab");
	otp_lab_run(lab, 32000);
	EXPECT_TEXT(ASK(nodes, a), "");
	EXPECT_TEXT(ASK(nodes, b), "");
	end();
}

static void a_wrong_cookie_is_refused(void)
{
	otp_config config = {.name = "x@lab", .cookie = "another", .creation = 5};
	otp_node *x;

	start(29, 8);
	x = otp_lab_add(lab, &config);
	otp_do_connect(x, "a@lab");
	otp_lab_run(lab, 10000);
	EXPECT_TEXT(ASK(nodes, a), "");
	EXPECT_TEXT(ASK(nodes, x), "");
	end();
}

static void calls_and_spawned_calls_come_back(void)
{
	unsigned ticket;

	start(29, 8);
	ticket = otp_do_call(a, "net_kernel", "b@lab", otp_make(a, "{is_auth,~a}", "a@lab"), 5000);
	otp_lab_run(lab, 1000);
	CU_ASSERT_EQUAL(otp_result_text(a, ticket, text, sizeof text), OTP_YES);
	CU_ASSERT_STRING_EQUAL(text, "yes");
	ticket = otp_do_call(a, "nobody", "b@lab", otp_make(a, "x"), 5000);
	otp_lab_run(lab, 1000);
	CU_ASSERT_EQUAL(otp_result_text(a, ticket, text, sizeof text), OTP_NO);
	CU_ASSERT_STRING_EQUAL(text, "noproc");
	ticket = otp_do_erpc(a, "b@lab", "erlang", "nodes", otp_make(a, "[]"));
	otp_lab_run(lab, 1000);
	CU_ASSERT_EQUAL(otp_result_text(a, ticket, text, sizeof text), OTP_YES);
	CU_ASSERT_STRING_EQUAL(text, "[a@lab]");
	ticket = otp_do_sync(a);
	otp_lab_run(lab, 5000);
	CU_ASSERT_EQUAL(otp_result(a, ticket), OTP_YES);
	end();
}

static void links_and_monitors_see_a_lost_node(void)
{
	unsigned pa, pb, pb2;

	start(27, 8);
	otp_do_connect(a, "b@lab");
	otp_lab_run(lab, 3000);
	pa = otp_do_spawn(a, NULL);
	pb = otp_do_spawn(b, NULL);
	pb2 = otp_do_spawn(b, NULL);
	otp_do_monitor(a, pa, otp_pid_of(b, pb));
	otp_do_link(a, pa, otp_pid_of(b, pb2));
	otp_lab_run(lab, 10);
	otp_do_kill(b, pb, "gone");
	otp_lab_run(lab, 10);
	otp_ask_mail(a, pa, text, sizeof text);
	CU_ASSERT(strstr(text, "{DOWN,") != NULL && strstr(text, "gone") != NULL);
	otp_lab_crash(lab, b);
	otp_lab_run(lab, 10);
	otp_ask_mail(a, pa, text, sizeof text);
	CU_ASSERT(strstr(text, "{EXIT,") != NULL && strstr(text, "noconnection") != NULL);
	end();
}

static void long_messages_arrive_whole_in_short_reads(void)
{
	static char group[256];
	unsigned pa;

	start(29, 8);
	a->config.fragment_bytes = b->config.fragment_bytes = 64;
	otp_lab_read_max(lab, 7);
	pa = otp_do_spawn(a, NULL);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(group, sizeof group, "group_with_a_long_name_%u", i);
		CU_ASSERT(otp_do_join(a, "pg", group, pa));
	}
	join_all();
	otp_ask_groups(a, "pg", text, sizeof text);
	otp_ask_groups(b, "pg", other, sizeof other);
	CU_ASSERT(strstr(text, "_39: <a@lab") != NULL);
	CU_ASSERT_STRING_EQUAL(text, other);
	CU_ASSERT_FALSE(has_finding(a) || has_finding(b));
	end();
}

FL_SUITE("otp_model", FL_TEST(three_nodes_form_a_mesh_with_any_version),
	FL_TEST(a_name_is_known_on_all_until_its_process_dies),
	FL_TEST(clashing_names_are_resolved_by_their_method), FL_TEST(one_requester_has_the_lock),
	FL_TEST(a_lost_link_removes_both_of_its_ends),
	FL_TEST(without_pop_a_lost_link_is_lost_alone),
	FL_TEST(groups_are_the_same_everywhere_in_both_protocols),
	FL_TEST(a_scope_before_26_crashes_on_the_discover_of_29),
	FL_TEST(both_dial_and_one_connection_stays), FL_TEST(a_silent_node_is_down_after_its_ticks),
	FL_TEST(a_wrong_cookie_is_refused), FL_TEST(calls_and_spawned_calls_come_back),
	FL_TEST(links_and_monitors_see_a_lost_node),
	FL_TEST(long_messages_arrive_whole_in_short_reads));
