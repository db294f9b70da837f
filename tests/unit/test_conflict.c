/* SPDX-License-Identifier: Apache-2.0 */
/* Ends for the sake of a name: who notes them, for how long, and who does not count them. */
#include "node/conflict.h"

#include <string.h>

#include "node/supervisor.h"
#include "node/via.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

static world w;
static bool is_contested;
static int starts;

static bool whereis(const fl_node *node, fl_term name, fl_pid *ret_pid)
{
	(void)node;
	(void)name;
	(void)ret_pid;
	return false;
}

static bool contested(const fl_node *node, const fl_pid *pid)
{
	(void)node;
	(void)pid;
	return is_contested;
}

static void destroy(fl_node *node)
{
	node->via = NULL;
}

static const fli_via via = {.whereis = whereis, .is_contested = contested, .destroy = destroy};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	(void)self;
	(void)state;
	(void)args;
	starts++;
	return FL_OK;
}

static const fl_behaviour holder = {.name = "holder", .init = on_init};

static void open_world(bool is_noted)
{
	world_open(&w, fli_mem_libc());
	w.node->via = &via;
	starts = 0;
	is_contested = true;
	fli_enter(w.node);
	CU_ASSERT_EQUAL_FATAL(fli_supervisor_start(w.node), FL_OK);
	if (is_noted)
		CU_ASSERT_EQUAL(fli_conflicts_new(w.node), FL_OK);
	CU_ASSERT_EQUAL(fli_supervisor_start_child(w.node, &holder, NULL), FL_OK);
	fli_leave(w.node);
	world_settle(&w);
}

static fl_proc *running(void)
{
	return fli_name_find(w.node, fl_atom_of("holder"));
}

static void kill_it(void)
{
	static const uint8_t reason[] = {119, 4, 'k', 'i', 'l', 'l'};
	fl_pid from = {.node = w.node->name};

	CU_ASSERT_PTR_NOT_NULL_FATAL(running());
	fli_enter(w.node);
	fli_exit_signal(running(), &from, fli_term(w.node, reason, sizeof reason), false);
	fli_leave(w.node);
	world_settle(&w);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* The root allows three restarts in five seconds. */
static void ends_for_a_name_are_not_counted(void)
{
	open_world(true);
	for (int i = 0; i < 100; i++)
		kill_it();
	CU_ASSERT_EQUAL(starts, 101);
	is_contested = false;
	for (int i = 0; i < 3; i++)
		kill_it();
	CU_ASSERT_EQUAL(starts, 104);
	kill_it();
	CU_ASSERT_PTR_NULL(running());
	CU_ASSERT_PTR_NULL(w.node->supervisor);
	world_close(&w);
}

static void ends_are_counted_where_that_is_wanted(void)
{
	open_world(false);
	for (int i = 0; i < 4; i++)
		kill_it();
	CU_ASSERT_EQUAL(starts, 4);
	CU_ASSERT_PTR_NULL(w.node->supervisor);
	world_close(&w);
}

/* ---- the noted ------------------------------------------------------------------------------- */

static void note(fl_proc *proc, uint32_t serial)
{
	uint32_t own = proc->serial;

	proc->serial = serial;
	fli_conflict_note(proc);
	proc->serial = own;
}

static bool take(const fl_proc *proc, uint32_t serial)
{
	fl_pid pid = fli_proc_pid(proc);

	pid.serial = serial;
	return fli_conflict_take(w.node, &pid);
}

static void each_end_is_taken_once_in_any_order(void)
{
	fl_proc *proc;

	open_world(true);
	proc = running();
	for (uint32_t i = 0; i < 200; i++)
		note(proc, i);
	for (uint32_t i = 200; i-- > 100;)
		CU_ASSERT_TRUE(take(proc, i) && !take(proc, i));
	for (uint32_t i = 200; i < 400; i++)
		note(proc, i);
	for (uint32_t i = 0; i < 100; i++)
		CU_ASSERT_TRUE(take(proc, i) && take(proc, 200 + i) && !take(proc, i));
	CU_ASSERT_FALSE(take(proc, 401));
	world_close(&w);
}

static void ends_are_kept_for_a_while_and_up_to_a_number(void)
{
	fl_proc *proc;

	open_world(true);
	proc = running();
	for (uint32_t i = 0; i <= FLI_CONFLICTS_MAX; i++)
		note(proc, i);
	CU_ASSERT_FALSE(take(proc, FLI_CONFLICTS_MAX));
	CU_ASSERT_TRUE(take(proc, 1) && take(proc, FLI_CONFLICTS_MAX - 1));
	w.now_ms += FLI_CONFLICTS_MS + 1;
	note(proc, FLI_CONFLICTS_MAX + 1); /* those before are forgotten */
	CU_ASSERT_FALSE(take(proc, 2));
	CU_ASSERT_TRUE(take(proc, FLI_CONFLICTS_MAX + 1));
	world_close(&w);
}

/* A full table costs an end no more than an empty one: this takes seconds, if each looks at all. */
static void many_ends_are_taken_the_last_first(void)
{
	uint32_t taken = 0;
	fl_proc *proc;

	open_world(true);
	proc = running();
	for (uint32_t i = 0; i < FLI_CONFLICTS_MAX; i++)
		note(proc, i);
	for (uint32_t i = FLI_CONFLICTS_MAX; i-- > 0;)
		taken += take(proc, i) && !take(proc, FLI_CONFLICTS_MAX + i);
	CU_ASSERT_EQUAL(taken, FLI_CONFLICTS_MAX);
	world_close(&w);
}

FL_SUITE("conflict", FL_TEST(ends_for_a_name_are_not_counted),
	FL_TEST(ends_are_counted_where_that_is_wanted),
	FL_TEST(each_end_is_taken_once_in_any_order),
	FL_TEST(ends_are_kept_for_a_while_and_up_to_a_number),
	FL_TEST(many_ends_are_taken_the_last_first));
