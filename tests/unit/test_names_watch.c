/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told that names of `global` have changed, and how often. */
#include "dist/names_watch.h"

#include <stdio.h>
#include <string.h>

#include "cluster/heirs.h"
#include "flitch/global.h"
#include "node/conflict.h"
#include "tests/support/actor.h"
#include "tests/support/suite.h"

static world w;
static fli_names_watch *watch;

/* Watches the name that it is started for; takes what it is told when it is told to. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	if (fl_match(message, FLI_NAMES_CHANGED))
		actor_note("changed;");
	else if (fl_match(message, "take"))
		fli_names_watch_take(watch);
	return FL_OK;
}

static int watch_all(fl_proc *self, void *state, fl_term args)
{
	(void)state;
	(void)args;
	watch = fli_names_watch_new(self, (fl_term){.data = NULL});
	return watch == NULL ? fl_stop(self, "enomem") : FL_OK;
}

static int watch_one(fl_proc *self, void *state, fl_term args)
{
	static const uint8_t name[] = {119, 1, 'n'};

	(void)state;
	(void)args;
	watch = fli_names_watch_new(self, fli_term(fl_self_node(self), name, sizeof name));
	return watch == NULL ? fl_stop(self, "enomem") : FL_OK;
}

static const fl_behaviour all = {.name = "all", .init = watch_all, .info = on_info};
static const fl_behaviour one = {.name = "one", .init = watch_one, .info = on_info};

static void open_world(const fl_behaviour *watcher)
{
	actor_open(&w);
	fli_enter(w.node);
	CU_ASSERT_EQUAL_FATAL(fli_global_prepare(w.node), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_heirs_open(w.node), FL_OK);
	fli_leave(w.node);
	(void)world_start(&w, &fli_global_name_server, "global_name_server", NULL);
	(void)world_start(&w, watcher, "watcher", NULL);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &actor, "b", NULL);
	world_settle(&w);
	actor_notes[0] = '\0';
}

static int take_n(fl_proc *self)
{
	fl_ref ref;

	return fl_global_register_request(self, fl_self(self), &ref, "n");
}

static int take_m(fl_proc *self)
{
	fl_ref ref;

	return fl_global_register_request(self, fl_self(self), &ref, "m");
}

static int crash(fl_proc *self)
{
	return fl_stop(self, "normal");
}

static uint32_t times_told(void)
{
	uint32_t count = 0;

	for (const char *at = actor_notes; (at = strstr(at, "changed;")) != NULL; at++)
		count++;
	actor_notes[0] = '\0';
	return count;
}

static void each_change_is_told_once(void)
{
	open_world(&all);
	actor_do(&w, "a", take_n);
	CU_ASSERT_EQUAL(times_told(), 1);
	actor_do(&w, "b", take_m); /* the first has not been taken */
	CU_ASSERT_EQUAL(times_told(), 0);
	world_send(&w, "watcher", "take");
	world_settle(&w);
	CU_ASSERT_EQUAL(times_told(), 0);
	actor_do(&w, "a", crash);
	CU_ASSERT_EQUAL(times_told(), 1);
	world_close(&w);
}

static void who_watches_one_name_hears_of_no_other(void)
{
	open_world(&one);
	actor_do(&w, "a", take_m);
	CU_ASSERT_EQUAL(times_told(), 0);
	actor_do(&w, "b", take_n);
	CU_ASSERT_EQUAL(times_told(), 1);
	world_close(&w);
}

static void watcher_that_ended_is_forgotten(void)
{
	fl_proc *proc;

	open_world(&one);
	fli_enter(w.node);
	proc = fli_name_find(w.node, fl_atom_of("watcher"));
	fli_proc_exit(proc, (fl_term){.data = NULL});
	fli_leave(w.node);
	world_settle(&w);
	actor_do(&w, "a", take_n);
	CU_ASSERT_EQUAL(times_told(), 0);
	world_close(&w);
}

/* What is left to an heir goes there when the name has been taken, and costs nothing until then. */
static void heir_is_found_when_the_name_is_taken(void)
{
	char lost[64];
	fl_pid loser;
	uint64_t handled;

	open_world(&all);
	fli_enter(w.node);
	loser = fli_proc_pid(fli_name_find(w.node, fl_atom_of("a")));
	fli_leave(w.node);
	(void)snprintf(lost, sizeof lost, "{'$gen_cast', {lost, n, <test@localhost.%u.%u>, 7}}",
		loser.id, loser.serial);
	world_send(&w, FLI_HEIRS, lost);
	world_settle(&w);
	handled = w.node->handled;
	for (int i = 0; i < 100; i++)
		world_pass(&w, FLI_HEIRS_LOOK_MS);
	CU_ASSERT_EQUAL(w.node->handled, handled);
	actor_do(&w, "b", take_n);
	CU_ASSERT_PTR_NOT_NULL(strstr(actor_notes, "b: {global_name_merge,n,<"));
	world_close(&w);
}

FL_SUITE("names_watch", FL_TEST(each_change_is_told_once),
	FL_TEST(who_watches_one_name_hears_of_no_other), FL_TEST(watcher_that_ended_is_forgotten),
	FL_TEST(heir_is_found_when_the_name_is_taken));
