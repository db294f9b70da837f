/* SPDX-License-Identifier: Apache-2.0 */
/* <flitch/pg.h> and <flitch/pick.h> as a server uses them, on a node without peers. */
#include <flitch.h>

#include "node/supervisor.h"
#include "pg/server.h"
#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static fl_picker picker;

static void begin(void)
{
	actor_open(&w);
	picker = (fl_picker){.how = FL_PICK_ROUND};
	fli_enter(w.node);
	CU_ASSERT_EQUAL(fli_pg_open(w.node), FL_OK);
	fli_leave(w.node);
	CU_ASSERT_EQUAL(fl_pg_start(w.node, FL_PG), FL_OK);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &actor, "b", NULL);
}

static size_t members(fl_proc *self, const char *group)
{
	fl_pid pids[8];

	return fl_pg_members(self, FL_PG, pids, 8, group);
}

static fl_pid pid_of(fl_proc *self, const char *name)
{
	fl_pid pid = {.id = 0};

	CU_ASSERT_TRUE(fl_whereis(self, name, &pid));
	return pid;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static int join_and_leave(fl_proc *self)
{
	const fl_pid both[] = {fl_self(self), pid_of(self, "b")};
	fl_pid pids[2];

	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, fl_self(self), "g"), FL_OK);
	CU_ASSERT_EQUAL(fl_pg_join_many(self, FL_PG, both, 2, "{g, ~}", 1), FL_OK);
	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, both[1], "{g, 1}"), FL_OK);
	CU_ASSERT_EQUAL(members(self, "g"), 1);
	CU_ASSERT_EQUAL(fl_pg_members(self, FL_PG, pids, 2, "{g, 1}"), 3);
	CU_ASSERT_TRUE(fl_pid_eq(&pids[0], &both[0]));
	CU_ASSERT_EQUAL(fl_pg_local_members(self, FL_PG, pids, 2, "{g, 1}"), 3);
	CU_ASSERT_EQUAL(fl_pg_leave_many(self, FL_PG, both, 2, "{g, 1}"), FL_OK);
	CU_ASSERT_EQUAL(fl_pg_leave(self, FL_PG, both[1], "{g, 1}"), FL_OK);
	CU_ASSERT_EQUAL(fl_pg_leave(self, FL_PG, both[1], "{g, 1}"), FL_ENOENT);
	CU_ASSERT_EQUAL(members(self, "{g, 1}"), 0);
	return FL_OK;
}

static void join_leave_members(void)
{
	begin();
	actor_do(&w, "a", join_and_leave);
	world_close(&w);
}

static int refused(fl_proc *self)
{
	fl_pid other = {fl_atom_of("x@h"), 1, 0, 1};
	fl_buf list = FL_BUF_INIT;
	fl_ref ref;

	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, other, "g"), FL_EINVAL);
	CU_ASSERT_EQUAL(fl_pg_join(self, "nowhere", fl_self(self), "g"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_pg_join(self, "a", fl_self(self), "g"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, fl_self(self), "{g"), FL_EMISUSE);
	CU_ASSERT_EQUAL(fl_pg_groups(self, "nowhere", false, &list), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_pg_monitor(self, "nowhere", &ref, NULL, "g"), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_pg_demonitor(self, FL_PG, fl_make_ref(self)), FL_ENOENT);
	CU_ASSERT_EQUAL(members(self, "g"), 0);
	fl_buf_free(&list);
	return FL_OK;
}

static void mistakes_are_told(void)
{
	begin();
	actor_do(&w, "a", refused);
	CU_ASSERT_EQUAL(fl_pg_start(w.node, FL_PG), FL_ETAKEN);
	CU_ASSERT_EQUAL(fl_pg_stop(w.node, "nowhere"), FL_ENOPROC);
	world_close(&w);
}

static int watch(fl_proc *self)
{
	fl_buf now = FL_BUF_INIT;
	fl_ref ref;

	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, pid_of(self, "b"), "g"), FL_OK);
	CU_ASSERT_EQUAL(fl_pg_monitor_scope(self, FL_PG, &ref, &now), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&now), "#{g => [_]}"));
	fl_buf_free(&now);
	return FL_OK;
}

static int join_twice(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_pg_join(self, FL_PG, fl_self(self), "g"), FL_OK);
	return fl_pg_join(self, FL_PG, fl_self(self), "h");
}

static int end(fl_proc *self)
{
	return fl_stop(self, "normal");
}

static int nobody_is_left(fl_proc *self)
{
	fl_buf list = FL_BUF_INIT;

	CU_ASSERT_EQUAL(members(self, "g"), 0);
	CU_ASSERT_EQUAL(fl_pg_groups(self, FL_PG, false, &list), FL_OK);
	CU_ASSERT_TRUE(fl_match(fl_buf_term(&list), "[]"));
	fl_buf_free(&list);
	return FL_OK;
}

static void the_end_of_a_member_is_told(void)
{
	begin();
	actor_do(&w, "a", watch);
	actor_do(&w, "b", join_twice);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ",join,g,["));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ",join,h,["));
	actor_do(&w, "b", end);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ",leave,g,["));
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, ",leave,h,["));
	actor_do(&w, "a", nobody_is_left);
	world_close(&w);
}

/* ---- scopes -----------------------------------------------------------------------------------
 */

static void a_scope_that_was_stopped_stays_away(void)
{
	begin();
	CU_ASSERT_EQUAL(fl_pg_stop(w.node, FL_PG), FL_OK);
	world_settle(&w);
	CU_ASSERT_EQUAL(fl_pg_stop(w.node, FL_PG), FL_ENOPROC);
	CU_ASSERT_EQUAL(fl_pg_start(w.node, FL_PG), FL_OK);
	world_close(&w);
}

static void a_scope_that_ended_is_started_again(void)
{
	fl_proc *proc;

	begin();
	actor_do(&w, "a", join_twice);
	fli_enter(w.node);
	proc = fli_name_find(w.node, fl_atom_of(FL_PG));
	fli_proc_exit(proc, (fl_term){.data = NULL});
	fli_leave(w.node);
	world_settle(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "scope pg ended: killed"));
	actor_do(&w, "a", nobody_is_left);
	actor_do(&w, "a", join_twice);
	world_close(&w);
}

/* ---- groups of a behaviour ---------------------------------------------------------------------
 */

static const fl_group groups[] = {
	{.name = "g"}, {.name = "{h, 1}", .scope = FL_PG}, {.name = NULL}};
static const fl_behaviour grouped = {.name = "grouped", .groups = groups};
static const fl_group elsewhere[] = {{.name = "g", .scope = "nowhere"}, {.name = NULL}};
static const fl_behaviour lost = {.name = "lost", .groups = elsewhere};

static int grouped_is_in(fl_proc *self)
{
	CU_ASSERT_EQUAL(members(self, "g"), 1);
	CU_ASSERT_EQUAL(members(self, "{h, 1}"), 1);
	return fl_exit(self, pid_of(self, "grouped"), "kill");
}

static void a_behaviour_is_in_its_groups_while_it_lives(void)
{
	int rc = FL_OK;

	begin();
	(void)world_start(&w, &grouped, "grouped", &rc);
	CU_ASSERT_EQUAL(rc, FL_OK);
	actor_do(&w, "a", grouped_is_in);
	actor_do(&w, "a", nobody_is_left);
	(void)world_start(&w, &lost, "lost", &rc);
	CU_ASSERT_EQUAL(rc, FL_EEXIT);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.log, "{groups,noproc}"));
	world_close(&w);
}

/* ---- picks ------------------------------------------------------------------------------------
 */

static int pick_round(fl_proc *self)
{
	const fl_pid both[] = {fl_self(self), pid_of(self, "b")};
	fl_pid pid[4];

	CU_ASSERT_EQUAL(fl_picker_next(self, &picker, &pid[0], "g"), FL_ENOENT);
	CU_ASSERT_EQUAL(fl_pg_join_many(self, FL_PG, both, 2, "g"), FL_OK);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(fl_picker_next(self, &picker, &pid[i], "g"), FL_OK);
	CU_ASSERT_FALSE(fl_pid_eq(&pid[0], &pid[1]));
	CU_ASSERT_TRUE(fl_pid_eq(&pid[0], &pid[2]));
	CU_ASSERT_TRUE(fl_pid_eq(&pid[1], &pid[3]));
	return FL_OK;
}

static int pick_least(fl_proc *self)
{
	const fl_pid both[] = {fl_self(self), pid_of(self, "b")};
	fl_pid pid[3];

	picker = (fl_picker){.how = FL_PICK_LEAST};
	CU_ASSERT_EQUAL(fl_pg_join_many(self, FL_PG, both, 2, "g"), FL_OK);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fl_picker_next(self, &picker, &pid[i], "g"), FL_OK);
	CU_ASSERT_FALSE(fl_pid_eq(&pid[0], &pid[1]));
	fl_picker_done(&picker, pid[2]);
	fl_picker_done(&picker, pid[2]);
	for (int i = 0; i < 2; i++) {
		fl_pid next;

		CU_ASSERT_EQUAL(fl_picker_next(self, &picker, &next, "g"), FL_OK);
		CU_ASSERT_TRUE(i > 0 || fl_pid_eq(&next, &pid[2]));
	}
	return FL_OK;
}

static int pick_by_key(fl_proc *self)
{
	const fl_pid both[] = {fl_self(self), pid_of(self, "b")};
	unsigned mine = 0;
	fl_buf key = FL_BUF_INIT;
	fl_pid pid, again;

	CU_ASSERT_EQUAL(fl_pg_join_many(self, FL_PG, both, 2, "g"), FL_OK);
	for (int i = 0; i < 200; i++) {
		fl_buf_reset(&key);
		(void)fl_build(&key, "{key, ~}", i);
		CU_ASSERT_EQUAL(fl_pick_by_key(self, FL_PG, fl_buf_term(&key), &pid, "g"), FL_OK);
		CU_ASSERT_EQUAL(fl_pick_by_key(self, FL_PG, fl_buf_term(&key), &again, "g"), FL_OK);
		CU_ASSERT_TRUE(fl_pid_eq(&pid, &again));
		mine += fl_pid_eq(&pid, &both[0]);
	}
	CU_ASSERT_TRUE(mine > 60 && mine < 140);
	fl_buf_free(&key);
	return FL_OK;
}

static void picks(void)
{
	actor_fn *const ways[] = {pick_round, pick_least, pick_by_key};

	for (size_t i = 0; i < 3; i++) {
		begin();
		actor_do(&w, "a", ways[i]);
		CU_ASSERT_PTR_NULL(strstr(w.log, "error"));
		world_close(&w);
	}
}

FL_SUITE("pg_api", FL_TEST(join_leave_members), FL_TEST(mistakes_are_told),
	FL_TEST(the_end_of_a_member_is_told), FL_TEST(a_scope_that_was_stopped_stays_away),
	FL_TEST(a_scope_that_ended_is_started_again),
	FL_TEST(a_behaviour_is_in_its_groups_while_it_lives), FL_TEST(picks));
