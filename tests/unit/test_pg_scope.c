/* SPDX-License-Identifier: Apache-2.0 */
/* A scope's core: what each event makes it say, and who is in which group afterwards. */
#include <stdio.h>

#include "tests/support/scope_lab.h"
#include "tests/support/suite.h"

/* A peer <b@h.9.0> that has had our sync; its monitor is number 1. */
static void meet_b(void)
{
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>}"));
}

/* ---- meeting ----------------------------------------------------------------------------------
 */

static void node_up_is_answered_by_a_discover_by_name(void)
{
	scope_setup(0);
	fli_scope_node_up(&scope, fl_atom_of("b@h"));
	NOTED(">b@h.0 {discover,<a@h.1.0>};");
	scope_teardown();
}

static void unknown_discoverer_gets_sync_then_discover(void)
{
	scope_setup(0);
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	NOTED("");
	meet_b();
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]}]}};"
	      ">b@h.9 {discover,<a@h.1.0>};");
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, []}"));
	meet_b();
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]}]}};");
	CU_ASSERT(scope_info("{discover, <c@h.9.0/7>, 0}"));
	NOTED(">c@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]}]}};"
	      ">c@h.9 {discover,<a@h.1.0>};");
	scope_teardown();
}

static void strangers_are_no_peers(void)
{
	scope_setup(0);
	CU_ASSERT(scope_info("{discover, <x@h.9.0/7>}"));
	CU_ASSERT(scope_info("{discover, <b@h.9.0/6>}"));
	CU_ASSERT(scope_info("{discover, <a@h.1.0/7>}"));
	CU_ASSERT(scope_cast("{sync, <x@h.9.0/7>, [{g, [<x@h.1.0/7>]}]}"));
	NOTED("");
	MEMBERS("g", "");
	CU_ASSERT_EQUAL(scope.counters.unknown, 4);
	scope_teardown();
}

static void one_node_has_few_peers(void)
{
	char text[64];

	scope_setup(0);
	for (int i = 1; i <= FLI_SCOPE_PEERS_PER_NODE_MAX + 1; i++) {
		(void)snprintf(text, sizeof text, "{discover, <b@h.%d.0/7>}", i);
		CU_ASSERT(scope_info(text));
	}
	NOTED("");
	CU_ASSERT_EQUAL(scope.counters.unknown, 1);
	scope_down(1, "b@h", 1);
	NOTED(">b@h.0 {discover,<a@h.1.0>};"); /* the one without room is the one that is left */
	scope_down(2, "b@h", 2);
	NOTED("");
	scope_teardown();
}

/* It had no room for us, and has some now: what it was told, and asked, is said again. */
static void who_has_not_told_us_is_asked_again(void)
{
	scope_setup(0);
	meet_b();
	meet_b();
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[]}};>b@h.9 {discover,<a@h.1.0>};");
	for (int i = 0; i < FLI_SCOPE_RESYNCS_MAX; i++)
		meet_b();
	NOTED(""); /* not more often than it is told */
	scope_teardown();
}

/* Such a peer would end at a member that leaves a group that it does not know. */
static void changes_are_told_only_after_our_sync(void)
{
	scope_setup(0);
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, []}"));
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	NOTED("");
	meet_b();
	CU_ASSERT_EQUAL(scope_join("h", 5), FL_OK);
	NOTED(">b@h.9 {join,<a@h.1.0>,h,<a@h.5.0>};");
	scope_teardown();
}

/* ---- members of this node ---------------------------------------------------------------------
 */

static void join_and_leave_are_told(void)
{
	const uint64_t two[] = {5, 6};

	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(scope_change(true, "{g, 1}", two, 2, true), FL_OK);
	NOTED(">b@h.9 {join,<a@h.1.0>,{g,1},[<a@h.5.0>,<a@h.6.0>]};");
	CU_ASSERT_EQUAL(scope_change(true, "{g, 1}", two, 1, true), FL_OK);
	NOTED(">b@h.9 {join,<a@h.1.0>,{g,1},[<a@h.5.0>]};");
	MEMBERS("{g, 1}", "a.5 a.5 a.6");
	CU_ASSERT_EQUAL(scope_leave("{g, 1}", 5), FL_OK);
	NOTED(">b@h.9 {leave,<a@h.1.0>,<a@h.5.0>,[{g,1}]};");
	CU_ASSERT_EQUAL(scope_leave("{g, 1}", 7), FL_ENOENT);
	CU_ASSERT_EQUAL(scope_leave("nobodys", 5), FL_ENOENT);
	NOTED("");
	MEMBERS("{g, 1}", "a.5 a.6");
	scope_teardown();
}

static void only_those_who_were_in_leave(void)
{
	const uint64_t some[] = {5, 8, 5, 6};

	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	CU_ASSERT_EQUAL(scope_join("g", 6), FL_OK);
	CU_ASSERT_EQUAL(scope_change(false, "g", some, 4, true), FL_OK);
	NOTED("-mon 2;-mon 3;>b@h.9 {leave,<a@h.1.0>,[<a@h.5.0>,<a@h.6.0>],[g]};");
	CU_ASSERT_EQUAL(scope.table.groups.count, 0);
	scope_teardown();
}

/* One by one they would cost the product of the lists: minutes. */
static void long_lists_leave_at_once(void)
{
	enum { COUNT = 300000 };
	static uint64_t five[COUNT], six[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		five[i] = 5;
		six[i] = 6;
	}
	scope_setup(0);
	scope.table.members_max = 3 * COUNT;
	CU_ASSERT_EQUAL(scope_change(true, "g", five, COUNT, true), FL_OK);
	CU_ASSERT_EQUAL(scope_change(true, "g", six, COUNT, true), FL_OK);
	CU_ASSERT_EQUAL(scope_change(true, "h", five, COUNT, true), FL_OK);
	CU_ASSERT_EQUAL(scope_change(false, "g", five, COUNT, true), FL_OK);
	CU_ASSERT_EQUAL(scope.own.members, 2 * COUNT);
	CU_ASSERT_EQUAL(scope_change(false, "g", five, 1, true), FL_ENOENT);
	CU_ASSERT_EQUAL(scope_change(false, "g", six, COUNT - 1, true), FL_OK);
	MEMBERS("g", "a.6");
	CU_ASSERT_EQUAL(scope_change(false, "h", five, COUNT, true), FL_OK);
	CU_ASSERT_EQUAL(scope.locals.count, 1);
	scope_teardown();
}

/* Whoever is in twice leaves twice, and no more; who was not in is not told of. */
static void many_leave_as_often_as_they_are_in(void)
{
	static const uint64_t in[] = {5, 6, 5, 7, 8, 9, 10, 11},
			      out[] = {5, 11, 4, 5, 6, 5, 8, 9, 10};

	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(scope_change(true, "g", in, 8, true), FL_OK);
	CU_ASSERT_EQUAL(scope_join("h", 5), FL_OK);
	notes[0] = '\0';
	CU_ASSERT_EQUAL(scope_change(false, "g", out, 9, true), FL_OK);
	NOTED("-mon 3;-mon 5;-mon 6;-mon 7;-mon 8;"
	      ">b@h.9 {leave,<a@h.1.0>,[<a@h.5.0>,<a@h.5.0>,<a@h.6.0>,<a@h.8.0>,<a@h.9.0>,"
	      "<a@h.10.0>,<a@h.11.0>],[g]};");
	MEMBERS("g", "a.7");
	MEMBERS("h", "a.5");
	CU_ASSERT_EQUAL(scope.locals.count, 2);
	scope_teardown();
}

static void death_is_one_leave_of_all_groups(void)
{
	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(scope_join("x", 5), FL_OK);
	CU_ASSERT_EQUAL(scope_join("y", 5), FL_OK);
	CU_ASSERT_EQUAL(scope_join("x", 5), FL_OK);
	CU_ASSERT_EQUAL(scope_join("y", 6), FL_OK);
	scope_down(3, "a@h", 5); /* another monitor's */
	MEMBERS("x", "a.5 a.5");
	scope_down(2, "a@h", 5);
	NOTED(">b@h.9 {leave,<a@h.1.0>,<a@h.5.0>,[x,y,x]};");
	MEMBERS("x", "");
	MEMBERS("y", "a.6");
	scope_teardown();
}

static void paused_members_are_in_no_group(void)
{
	scope_setup(0);
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	meet_b();
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	notes[0] = '\0';
	fli_scope_pause(&scope);
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[]}};");
	MEMBERS("g", "b.3");
	CU_ASSERT_EQUAL(scope_join("h", 5), FL_OK);
	NOTED("");
	CU_ASSERT(scope_info("{discover, <c@h.9.0/7>}"));
	NOTED(">c@h.9 {'$gen_cast',{sync,<a@h.1.0>,[]}};>c@h.9 {discover,<a@h.1.0>};");
	notes[0] = '\0';
	fli_scope_resume(&scope);
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]},{h,[<a@h.5.0>]}]}};"
	      ">c@h.9 {'$gen_cast',{sync,<a@h.1.0>,[{g,[<a@h.5.0>]},{h,[<a@h.5.0>]}]}};");
	MEMBERS("g", "a.5 b.3");
	scope_teardown();
}

/* ---- members of others ------------------------------------------------------------------------
 */

static void peers_members_come_and_go(void)
{
	scope_setup(0);
	meet_b();
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, [<b@h.3.0/7>, <b@h.4.0/7>]}"));
	MEMBERS("g", "b.3 b.3 b.4");
	CU_ASSERT(scope_info("{leave, <b@h.9.0/7>, <b@h.3.0/7>, [g, nobodys, g]}"));
	MEMBERS("g", "b.4");
	CU_ASSERT(scope_info("{leave, <b@h.9.0/7>, [<b@h.4.0/7>, <b@h.4.0/7>], [g]}"));
	MEMBERS("g", "");
	CU_ASSERT_EQUAL(scope.counters.missing, 2);
	CU_ASSERT_EQUAL(scope.table.groups.count, 0);
	scope_teardown();
}

static void unknown_peers_change_nothing(void)
{
	scope_setup(0);
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	CU_ASSERT(scope_info("{leave, <b@h.9.0/7>, <b@h.3.0/7>, [g]}"));
	CU_ASSERT(scope_info("{update, <b@h.9.0/7>, [{g, [<b@h.3.0/7>], []}]}"));
	NOTED("");
	MEMBERS("g", "");
	CU_ASSERT_EQUAL(scope.counters.unknown, 3);
	scope_teardown();
}

static void sync_replaces_what_was_known(void)
{
	scope_setup(0);
	CU_ASSERT(scope_cast(
		"{sync, <b@h.9.0/7>, [{g, [<b@h.3.0/7>, <b@h.4.0/7>]}, {h, [<b@h.3.0/7>]}]}"));
	MEMBERS("g", "b.3 b.4");
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, k, <b@h.3.0/7>}"));
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, [{i, [<b@h.8.0/7>]}, "
			     "{g, [<b@h.4.0/7>, <b@h.5.0/7>, <b@h.4.0/7>]}]}"));
	MEMBERS("g", "b.4 b.4 b.5");
	MEMBERS("h", "");
	MEMBERS("i", "b.8");
	MEMBERS("k", "");
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, []}"));
	CU_ASSERT_EQUAL(scope.table.members, 0);
	CU_ASSERT_EQUAL(scope.table.groups.count, 0);
	scope_teardown();
}

/* "{sync, B, [{0, [M]}, {1, [M]}, ...]}" */
static const char *sync_of(size_t count)
{
	static char text[1 << 19];
	int at = snprintf(text, sizeof text, "{sync, <b@h.9.0/7>, [");

	for (size_t i = 0; i < count; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%s{%zu, [<b@h.3.0/7>]}",
			i == 0 ? "" : ", ", i);
	(void)snprintf(text + at, sizeof text - (size_t)at, "]}");
	return text;
}

/* However much it is: others have their turn in between. */
static void what_a_sync_does_not_name_leaves_in_steps(void)
{
	enum { COUNT = 10000 };
	fl_buf buf = FL_BUF_INIT;
	fli_scope_job job;
	size_t steps = 1;

	scope_setup(0);
	scope.table.members_max = COUNT;
	CU_ASSERT(scope_cast(sync_of(COUNT)));
	CU_ASSERT_EQUAL(scope.table.members, COUNT);
	fli_scope_begin(&scope, scope_term_of(&buf, sync_of(1)), true, &job);
	while (fli_scope_step(&scope, &job))
		steps++;
	CU_ASSERT(steps > 3);
	CU_ASSERT_EQUAL(scope.table.members, 1);
	MEMBERS("0", "b.3");
	fl_buf_free(&buf);
	scope_teardown();
}

static void group_named_twice_counts_once(void)
{
	scope_setup(0);
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, [{g, [<b@h.3.0/7>]}, {g, [<b@h.4.0/7>]}]}"));
	MEMBERS("g", "b.3");
	CU_ASSERT_EQUAL(scope.counters.refused, 1);
	scope_teardown();
}

static void words_of_29_are_understood(void)
{
	scope_setup(0);
	CU_ASSERT(scope_cast(
		"{local_data, <b@h.9.0/7>, 1, #{g => [<b@h.3.0/7>], h => [<b@h.3.0/7>]}}"));
	MEMBERS("g", "b.3");
	CU_ASSERT(scope_info("{update, <b@h.9.0/7>, [{g, [<b@h.4.0/7>], [<b@h.3.0/7>]}, "
			     "{h, [], [<b@h.3.0/7>]}]}"));
	MEMBERS("g", "b.4");
	MEMBERS("h", "");
	CU_ASSERT(scope_cast("{local_data, <b@h.9.0/7>, 1, #{}}"));
	MEMBERS("g", "");
	scope_teardown();
}

/* Its version is known by the triple alone; to 23 to 25 a triple would be the end. */
static void who_speaks_as_29_is_answered_as_29(void)
{
	const uint64_t two[] = {5, 6};

	scope_setup(0);
	meet_b();
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	CU_ASSERT(scope_info("{discover, <c@h.9.0/7>, 1}"));
	NOTED(">c@h.9 {'$gen_cast',{local_data,<a@h.1.0>,1,#{g => [<a@h.5.0>]}}};"
	      ">c@h.9 {discover,<a@h.1.0>,1};");
	CU_ASSERT_EQUAL(scope_change(true, "{g, 1}", two, 2, true), FL_OK);
	NOTED(">b@h.9 {join,<a@h.1.0>,{g,1},[<a@h.5.0>,<a@h.6.0>]};"
	      ">c@h.9 {update,<a@h.1.0>,[{{g,1},[<a@h.5.0>,<a@h.6.0>],[]}]};");
	CU_ASSERT_EQUAL(scope_leave("{g, 1}", 6), FL_OK);
	NOTED("-mon 4;>b@h.9 {leave,<a@h.1.0>,<a@h.6.0>,[{g,1}]};"
	      ">c@h.9 {update,<a@h.1.0>,[{{g,1},[],[<a@h.6.0>]}]};");
	scope_down(2, "a@h", 5);
	NOTED(">b@h.9 {leave,<a@h.1.0>,<a@h.5.0>,[g,{g,1}]};"
	      ">c@h.9 {update,<a@h.1.0>,[{g,[],[<a@h.5.0>]},{{g,1},[],[<a@h.5.0>]}]};");
	scope_teardown();
}

/* The pair came first: it is told everything again, in the words that it has asked for. */
static void version_may_become_known_later(void)
{
	scope_setup(0);
	meet_b();
	CU_ASSERT(scope_cast("{sync, <b@h.9.0/7>, []}"));
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>, 2}"));
	NOTED(">b@h.9 {'$gen_cast',{local_data,<a@h.1.0>,1,#{}}};");
	CU_ASSERT(scope_info("{discover, <b@h.9.0/7>, old}"));
	NOTED(">b@h.9 {'$gen_cast',{sync,<a@h.1.0>,[]}};");
	scope_teardown();
}

static void peer_takes_its_members_along(void)
{
	scope_setup(0);
	CU_ASSERT_EQUAL(scope_join("g", 5), FL_OK);
	meet_b();
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, [<b@h.3.0/7>, <b@h.3.0/7>]}"));
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, h, <b@h.3.0/7>}"));
	scope_down(1, "b@h", 9); /* our member's monitor */
	MEMBERS("g", "a.5 b.3 b.3");
	scope_down(2, "b@h", 9);
	MEMBERS("g", "a.5");
	MEMBERS("h", "");
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, h, <b@h.3.0/7>}"));
	MEMBERS("h", "");
	CU_ASSERT_EQUAL(scope_join("h", 5), FL_OK);
	NOTED("");
	scope_teardown();
}

static void foreign_members_are_left_out(void)
{
	scope_setup(0);
	meet_b();
	CU_ASSERT(scope_info(
		"{join, <b@h.9.0/7>, g, [<c@h.3.0/7>, <b@h.4.0/7>, <b@h.5.0/6>, <a@h.5.0/7>]}"));
	MEMBERS("g", "b.4");
	CU_ASSERT(scope_cast(
		"{sync, <b@h.9.0/7>, [{h, [<c@h.3.0/7>]}, {g, [<c@h.3.0/7>, <b@h.4.0/7>]}]}"));
	MEMBERS("g", "b.4");
	MEMBERS("h", "");
	CU_ASSERT_EQUAL(scope.counters.foreign, 5);
	scope_teardown();
}

static void garbage_changes_nothing_and_is_counted(void)
{
	static const char *const infos[] = {"x", "{}", "[]", "{discover}", "{discover, x}",
		"{discover, <b@h.9.0/7>, 1, 2}", "{join, <b@h.9.0/7>, g}",
		"{join, x, g, <b@h.3.0/7>}", "{join, <b@h.9.0/7>, g, x}",
		"{join, <b@h.9.0/7>, g, [<b@h.3.0/7>, x]}",
		"{join, <b@h.9.0/7>, g, [<b@h.3.0/7> | <b@h.3.0/7>]}",
		"{join, <b@h.9.0/7>, g, \"abc\"}", "{leave, <b@h.9.0/7>, g, <b@h.3.0/7>}",
		"{leave, <b@h.9.0/7>, <b@h.3.0/7>, g}",
		"{leave, <b@h.9.0/7>, <b@h.3.0/7>, [g | h]}", "{update, <b@h.9.0/7>, [{g, []}]}",
		"{update, <b@h.9.0/7>, #{}}", "{sync, <b@h.9.0/7>, []}", "[join | x]", "#{}",
		"<<1>>"};
	static const char *const casts[] = {"x", "{sync}", "{sync, x, []}",
		"{sync, <b@h.9.0/7>, x}", "{sync, <b@h.9.0/7>, [x]}",
		"{sync, <b@h.9.0/7>, [{g, [<b@h.5.0/7>]} | x]}",
		"{sync, <b@h.9.0/7>, [{h, [<b@h.5.0/7>]}, {g, [x]}]}",
		"{sync, <b@h.9.0/7>, \"abc\"}",
		"{sync, <b@h.9.0/7>, [{h, [<b@h.5.0/7>]}, {g, [<b@h.5.0/7> | x]}]}",
		"{local_data, <b@h.9.0/7>, 1, [{g, []}]}",
		"{local_data, <b@h.9.0/7>, 1, #{g => x}}", "{discover, <b@h.9.0/7>}"};
	size_t n = sizeof infos / sizeof *infos, m = sizeof casts / sizeof *casts;

	scope_setup(0);
	meet_b();
	CU_ASSERT(scope_info("{join, <b@h.9.0/7>, g, <b@h.3.0/7>}"));
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_FALSE(scope_info(infos[i]));
	for (size_t i = 0; i < m; i++)
		CU_ASSERT_FALSE(scope_cast(casts[i]));
	CU_ASSERT_EQUAL(scope.counters.refused, n + m);
	MEMBERS("g", "b.3");
	CU_ASSERT_EQUAL(scope.table.members, 1);
	CU_ASSERT_EQUAL(scope.table.groups.count, 1);
	scope_teardown();
}

/* One term, however it is written: STRING_EXT and lists, maps in any order. */
static void names_are_equal_by_value(void)
{
	static const uint8_t in_pieces[] = {
		108, 0, 0, 0, 1, 97, 'a', 108, 0, 0, 0, 1, 98, 0, 0, 0, 'b', 106};
	const fli_scope_pids one = {(const uint64_t[]){6}, 1, false};

	scope_setup(0);
	CU_ASSERT_EQUAL(scope_join("\"ab\"", 5), FL_OK);
	CU_ASSERT_EQUAL(fli_scope_join(&scope,
				(fl_term){.data = in_pieces, .size = sizeof in_pieces}, &one),
		FL_OK);
	MEMBERS("[97, 98]", "a.5 a.6");
	CU_ASSERT_EQUAL(scope_join("#{x => 1, y => \"ab\"}", 5), FL_OK);
	CU_ASSERT_EQUAL(scope_join("#{y => [97, 98], x => 1}", 6), FL_OK);
	MEMBERS("#{x => 1, y => \"ab\"}", "a.5 a.6");
	CU_ASSERT_EQUAL(scope_join("1", 5), FL_OK);
	MEMBERS("1.0", "");
	CU_ASSERT_EQUAL(scope.table.groups.count, 3);
	scope_teardown();
}

FL_SUITE("pg_scope", FL_TEST(node_up_is_answered_by_a_discover_by_name),
	FL_TEST(unknown_discoverer_gets_sync_then_discover), FL_TEST(strangers_are_no_peers),
	FL_TEST(one_node_has_few_peers), FL_TEST(who_has_not_told_us_is_asked_again),
	FL_TEST(changes_are_told_only_after_our_sync), FL_TEST(join_and_leave_are_told),
	FL_TEST(only_those_who_were_in_leave), FL_TEST(long_lists_leave_at_once),
	FL_TEST(many_leave_as_often_as_they_are_in), FL_TEST(death_is_one_leave_of_all_groups),
	FL_TEST(paused_members_are_in_no_group), FL_TEST(peers_members_come_and_go),
	FL_TEST(unknown_peers_change_nothing), FL_TEST(sync_replaces_what_was_known),
	FL_TEST(what_a_sync_does_not_name_leaves_in_steps), FL_TEST(group_named_twice_counts_once),
	FL_TEST(words_of_29_are_understood), FL_TEST(who_speaks_as_29_is_answered_as_29),
	FL_TEST(version_may_become_known_later), FL_TEST(peer_takes_its_members_along),
	FL_TEST(foreign_members_are_left_out), FL_TEST(garbage_changes_nothing_and_is_counted),
	FL_TEST(names_are_equal_by_value));
