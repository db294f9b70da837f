/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each scenario again and again, while its first, second, third ... allocation fails: no crash, no
 * leak, nothing that hangs on a process or a peer that is gone, and the node works afterwards.
 */
#include <string.h>

#include "tests/support/fake_remote.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

enum { STEPS_MAX = 400 };

static world w;
static fli_fault fault;
static fl_pid other;

typedef void scenario(void);

static int nothing(fl_proc *self)
{
	(void)self;
	return FL_OK;
}

static void settle_quietly(const char *name, actor_fn *fn)
{
	actor_do(&w, name, fn);
	world_pass(&w, 20);
}

static bool run_once(scenario *run, long n)
{
	fli_fault_create(&fault, 0);
	actor_notes[0] = '\0';
	world_open(&w, &fault.mem);
	fake_remote_attach(&w);
	(void)world_start(&w, &actor, "a", NULL);
	(void)world_start(&w, &trapper, "b", NULL);
	fake_remote_up(&w, 77);
	other = fake_pid(7);
	fault.countdown = n;
	run();
	fault.countdown = 0;
	(void)world_start(&w, &actor, "after", NULL);
	actor_do(&w, "after", nothing);
	fake_remote_detach(&w);
	CU_ASSERT_EQUAL(fake.peer.signals_count, 0);
	CU_ASSERT_TRUE(fli_list_is_empty(&fake.peer.watched));
	world_close(&w);
	CU_ASSERT_EQUAL(fault.live, 0);
	return fault.was_hit;
}

static void run_all(scenario *run)
{
	long n = 1;

	while (n < STEPS_MAX && run_once(run, n))
		n++;
	CU_ASSERT_TRUE(n > 1);
	CU_ASSERT_TRUE(n < STEPS_MAX);
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static int start_some(fl_proc *self)
{
	fl_ref ref;
	fl_start_options options = {
		.name = "c", .link = true, .monitor = true, .ret_monitor = &ref};
	fl_pid pid;

	for (int i = 0; i < 70; i++) /* past the first table of slots */
		(void)fl_start(self, &actor, NULL, &pid, "{some, ~}", "args");
	if (fl_start(self, &trapper, &options, &pid, "[]") != FL_OK)
		CU_ASSERT_FALSE(fl_whereis(self, "c", &pid)); /* nobody would know of it */
	(void)fl_register(self, "another");
	(void)fl_set_label(self, "label");
	return fl_next_continue(self, "x");
}

static void start_scenario(void)
{
	settle_quietly("a", start_some);
}

static int call_some(fl_proc *self)
{
	fl_term reply;
	fl_ref ref;

	(void)fl_call(self, "b", 10, &reply, "{what, ~}", 1);
	(void)fl_call(self, "b", 10, &reply, "later");
	(void)fl_request(self, "b", &ref, "{what, ~}", 2);
	(void)fl_request(self, "b", &ref, "later");
	(void)fl_request(self, other, &ref, "{what, ~}", 2);
	(void)fl_call(self, other, 10, &reply, "x");
	(void)fl_cast(self, "b", "x");
	(void)fl_call(self, "b", 10, &reply, "stop");
	return FL_OK;
}

static void call_scenario(void)
{
	settle_quietly("a", call_some);
}

static int monitor_some(fl_proc *self)
{
	fl_ref ref = {.count = UINT32_MAX}; /* as it may be when nothing has set it */

	(void)fl_monitor(self, "b", &ref);
	(void)fl_demonitor(self, ref);
	(void)fl_monitor(self, "b", &ref);
	(void)fl_monitor(self, "nobody", &ref);
	(void)fl_monitor(self, other, &ref);
	(void)fl_monitor(self, fl_name_at("x", "b@h"), &ref);
	return FL_OK;
}

static int stop_odd(fl_proc *self)
{
	return fl_stop(self, "{odd, ~}", 1);
}

static void monitor_scenario(void)
{
	fl_ref ref = fake_ref(1);
	fli_target by_name = {.kind = FLI_TARGET_NAME, .name = fl_atom_of("b")};

	settle_quietly("a", monitor_some);
	fli_enter(w.node);
	fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &ref);
	fli_leave(w.node);
	settle_quietly("b", stop_odd);
	fake_remote_down(&w);
}

static int link_some(fl_proc *self)
{
	fl_pid b;

	if (fl_whereis(self, "b", &b))
		(void)fl_link(self, b);
	(void)fl_link(self, other);
	(void)fl_unlink(self, other);
	(void)fl_link(self, other);
	other.creation = 3;
	(void)fl_link(self, other);
	other = fake_pid(8);
	return FL_OK;
}

static void link_scenario(void)
{
	fl_proc *a = fli_name_find(w.node, fl_atom_of("a"));
	fl_pid pid = fli_proc_pid(a);

	settle_quietly("a", link_some);
	fli_enter(w.node);
	fli_remote_link(w.node, &fake.peer, &other, &pid);
	fli_remote_exit(w.node, &fake.peer, &other, &pid, fake_payload("{some, reason}"));
	fli_leave(w.node);
	world_settle(&w);
}

static int exit_some(fl_proc *self)
{
	fl_pid pid;

	if (fl_whereis(self, "b", &pid)) {
		(void)fl_exit(self, pid, "{trapped, ~}", 1);
		(void)fl_exit(self, pid, "kill");
	}
	return fl_exit(self, fl_self(self), "{myself, ~}", 1);
}

static void exit_scenario(void)
{
	fl_pid pid = fli_proc_pid(fli_name_find(w.node, fl_atom_of("b")));

	fli_enter(w.node);
	fli_remote_exit2(w.node, &fake.peer, &other, &pid, fake_payload("{some, reason}"));
	fli_remote_send(w.node, &fake.peer, &pid, fake_payload("{some, message}"));
	fli_leave(w.node);
	settle_quietly("a", exit_some);
}

static int time_some(fl_proc *self)
{
	fl_ref ref = {.count = 0}, alias = fl_alias(self);

	(void)fl_send_after(self, 5, "b", &ref, "{tick, ~}", 1);
	(void)fl_send_after(self, 5, alias, &ref, "tick");
	(void)fl_send(self, alias, "by_alias");
	(void)fl_unalias(self, alias);
	fl_next_timeout(self, 7);
	(void)fl_cancel_timer(self, ref);
	return FL_OK;
}

static void timer_scenario(void)
{
	settle_quietly("a", time_some);
}

static int ups, downs;

static int on_node_up(fl_proc *self, void *state, fl_atom node)
{
	(void)self;
	(void)state;
	(void)node;
	ups++;
	return FL_OK;
}

static int on_node_down(fl_proc *self, void *state, fl_atom node, fl_term reason)
{
	(void)self;
	(void)state;
	(void)node;
	(void)reason;
	downs++;
	return FL_OK;
}

/* A server that was not told of a node would count wrong for ever: it ends instead. */
static void watchful_scenario(void)
{
	static const fl_behaviour counter = {
		.name = "counter", .node_up = on_node_up, .node_down = on_node_down};
	fl_pid pid;
	int rc = FL_OK;

	fake_remote_down(&w);
	ups = downs = 0;
	pid = world_start(&w, &counter, "counter", &rc);
	fake_remote_up(&w, 77);
	world_settle(&w);
	fake_remote_down(&w);
	world_settle(&w);
	if (rc == FL_OK && world_is_alive(&w, &pid))
		CU_ASSERT_TRUE(ups == 1 && downs == 1);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void starting_survives(void)
{
	run_all(start_scenario);
}

static void calling_survives(void)
{
	run_all(call_scenario);
}

static void monitoring_survives(void)
{
	run_all(monitor_scenario);
}

static void linking_survives(void)
{
	run_all(link_scenario);
}

static void exiting_survives(void)
{
	run_all(exit_scenario);
}

static void who_counts_nodes_is_told_or_ends(void)
{
	run_all(watchful_scenario);
}

static void timing_survives(void)
{
	run_all(timer_scenario);
}

FL_SUITE("scarce", FL_TEST(starting_survives), FL_TEST(calling_survives),
	FL_TEST(monitoring_survives), FL_TEST(linking_survives), FL_TEST(exiting_survives),
	FL_TEST(who_counts_nodes_is_told_or_ends), FL_TEST(timing_survives));
