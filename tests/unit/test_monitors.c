/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors, aliases, and calls that arrive: within the node and with a peer. */
#include <string.h>

#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static fl_pid a, b, other;
static fl_ref ref;

static void setup(void)
{
	actor_open(&w);
	fake_remote_attach(&w);
	a = world_start(&w, &actor, "a", NULL);
	b = world_start(&w, &actor, "b", NULL);
	fake_remote_up(&w, 77);
	other = fake_pid(7);
	actor_notes[0] = '\0';
}

static void teardown(void)
{
	fake_remote_detach(&w);
	CU_ASSERT_EQUAL(fake.peer.signals_count, 0);
	world_close(&w);
}

#define NOTES(expected) CU_ASSERT_STRING_EQUAL(actor_notes, expected)
#define WITH_NODE(call)                                                                            \
	do {                                                                                       \
		actor_notes[0] = '\0';                                                             \
		fli_enter(w.node);                                                                 \
		call;                                                                              \
		fli_leave(w.node);                                                                 \
		world_settle(&w);                                                                  \
	} while (0)

static int watch_b(fl_proc *self)
{
	return fl_monitor(self, b, &ref);
}

static int watch_name(fl_proc *self)
{
	return fl_monitor(self, "b", &ref);
}

static int watch_self(fl_proc *self)
{
	return fl_monitor(self, fl_self(self), &ref);
}

static int watch_other(fl_proc *self)
{
	return fl_monitor(self, other, &ref);
}

static int watch_name_there(fl_proc *self)
{
	return fl_monitor(self, fl_name_at("srv", "b@h"), &ref);
}

static int forget(fl_proc *self)
{
	return fl_demonitor(self, ref);
}

static int stop(fl_proc *self)
{
	return fl_stop(self, "{shutdown, ~}", 1);
}

static int unregister(fl_proc *self)
{
	return fl_unregister(self, "b");
}

static int watch_stop_and_forget(fl_proc *self)
{
	(void)fl_monitor(self, b, &ref);
	(void)fl_exit(self, b, "kill"); /* the 'DOWN' waits in the mailbox now */
	(void)fl_send(self, fl_self(self), "later");
	return fl_demonitor(self, ref);
}

/* ---- within the node ------------------------------------------------------------------------- */

static void end_is_told_by_pid_or_by_name_as_it_was_asked(void)
{
	setup();
	actor_do(&w, "a", watch_b);
	actor_do(&w, "a", watch_name);
	actor_do(&w, "b", stop);
	NOTES("a: DOWN <test@localhost.2.0> {shutdown,1};a: DOWN {b,test@localhost} {shutdown,1};");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void monitor_of_the_dead_is_noproc(void)
{
	setup();
	actor_do(&w, "b", stop);
	actor_do(&w, "a", watch_b);
	NOTES("a: DOWN <test@localhost.2.0> noproc;");
	actor_do(&w, "a", watch_name);
	NOTES("a: DOWN {b,test@localhost} noproc;");
	teardown();
}

static int watch_nowhere(fl_proc *self)
{
	fl_pid nowhere = {.node = fl_atom_of(""), .id = 5, .serial = 3, .creation = 7};

	return fl_monitor(self, nowhere, &ref);
}

static void monitor_of_a_pid_of_no_node_is_told_by_pid(void)
{
	setup();
	fake_remote_detach(&w);
	actor_do(&w, "a", watch_nowhere);
	NOTES("a: DOWN <''.5.3> noconnection;");
	fake_remote_attach(&w);
	teardown();
}

static void demonitored_end_is_not_told(void)
{
	setup();
	actor_do(&w, "a", watch_b);
	actor_do(&w, "a", forget);
	actor_do(&w, "b", stop);
	NOTES("");
	teardown();
}

static void demonitor_takes_a_down_out_of_the_mailbox(void)
{
	setup();
	actor_do(&w, "a", watch_stop_and_forget);
	NOTES("a: later;");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void demonitor_is_for_who_monitors(void)
{
	setup();
	actor_do(&w, "a", watch_b);
	actor_do(&w, "b", forget);
	actor_do(&w, "b", stop);
	NOTES("a: DOWN <test@localhost.2.0> {shutdown,1};");
	teardown();
}

static void monitor_of_oneself_never_fires(void)
{
	setup();
	actor_do(&w, "a", watch_self);
	actor_do(&w, "a", stop);
	NOTES("");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void monitor_by_name_outlives_the_name(void)
{
	setup();
	actor_do(&w, "a", watch_name);
	actor_do(&w, "b", unregister);
	CU_ASSERT_TRUE(actor_do_at(&w, &b, stop));
	NOTES("a: DOWN {b,test@localhost} {shutdown,1};");
	teardown();
}

/* ---- with a peer ----------------------------------------------------------------------------- */

static void remote_end_is_told_once(void)
{
	setup();
	actor_do(&w, "a", watch_other);
	NOTES("monitor <t.1.0> <b.7.0>;");
	CU_ASSERT_TRUE(fl_ref_eq(&ref, &fake.ref));
	WITH_NODE(fli_remote_down(w.node, &fake.peer, &ref, fake_payload("{bad, 1}")));
	NOTES("a: DOWN <b@h.7.0> {bad,1};");
	WITH_NODE(fli_remote_down(w.node, &fake.peer, &ref, fake_payload("{bad, 1}")));
	NOTES("");
	teardown();
}

static void remote_demonitor_is_sent_and_a_late_down_dropped(void)
{
	setup();
	actor_do(&w, "a", watch_name_there);
	NOTES("monitor <t.1.0> srv;");
	actor_do(&w, "a", forget);
	NOTES("demonitor <t.1.0> srv;");
	WITH_NODE(fli_remote_down(w.node, &fake.peer, &ref, fake_payload("bad")));
	NOTES("");
	teardown();
}

static void lost_connection_fires_each_once(void)
{
	setup();
	actor_do(&w, "a", watch_other);
	actor_do(&w, "a", watch_name_there);
	actor_notes[0] = '\0';
	fake_remote_down(&w);
	NOTES("a: DOWN <b@h.7.0> noconnection;a: DOWN {srv,b@h} noconnection;");
	actor_notes[0] = '\0';
	fake_remote_down(&w);
	NOTES("");
	teardown();
}

static void unreachable_name_is_told_with_its_node(void)
{
	setup();
	fake.is_refused = true;
	actor_do(&w, "a", watch_name_there);
	NOTES("a: DOWN {srv,b@h} noconnection;");
	actor_do(&w, "a", watch_other);
	NOTES("a: DOWN <b@h.7.0> noconnection;");
	teardown();
}

static void old_incarnation_is_noproc(void)
{
	setup();
	other.creation = 4;
	actor_do(&w, "a", watch_other);
	NOTES("a: DOWN <b@h.7.0> noproc;");
	teardown();
}

static void watchers_end_demonitors(void)
{
	setup();
	actor_do(&w, "a", watch_other);
	actor_do(&w, "a", stop);
	NOTES("demonitor <t.1.0> <b.7.0>;");
	teardown();
}

static void their_monitors_are_answered_by_pid_and_by_name(void)
{
	fli_target by_pid = {.kind = FLI_TARGET_PID, .pid = &b};
	fli_target by_name = {.kind = FLI_TARGET_NAME, .name = fl_atom_of("b")};
	fl_ref one, two;

	setup();
	one = fake_ref(1);
	two = fake_ref(2);
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_pid, &one));
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &two));
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &two)); /* again */
	CU_ASSERT_EQUAL(w.node->monitors.count, 2);
	actor_do(&w, "b", stop);
	NOTES("down <b.7.0> <t.2.0> {shutdown,1};down <b.7.0> b {shutdown,1};");
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_name, &two));
	NOTES("down <b.7.0> b noproc;");
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_pid, &one));
	NOTES("down <b.7.0> <t.2.0> noproc;");
	teardown();
}

static void their_demonitor_ends_it(void)
{
	fli_target by_pid = {.kind = FLI_TARGET_PID, .pid = &b};
	fl_ref one;

	setup();
	one = fake_ref(1);
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_pid, &one));
	WITH_NODE(fli_remote_demonitor(w.node, &fake.peer, &other, &one));
	actor_do(&w, "b", stop);
	NOTES("");
	teardown();
}

static void reference_of_a_third_node_is_kept_whole(void)
{
	fli_target by_pid = {.kind = FLI_TARGET_PID, .pid = &b};
	char name[] = "third@node";
	fl_ref third;

	setup();
	third = fake_ref(1);
	third.node = fl_atom_of(name);
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_pid, &third));
	memset(name, 'x', sizeof name - 1); /* what it borrowed from is gone */
	actor_do(&w, "b", stop);
	NOTES("down <b.7.0> <t.2.0> {shutdown,1};");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	teardown();
}

static void lost_connection_forgets_their_monitors(void)
{
	fli_target by_pid = {.kind = FLI_TARGET_PID, .pid = &b};
	fl_ref one;

	setup();
	one = fake_ref(1);
	WITH_NODE(fli_remote_monitor(w.node, &fake.peer, &other, &by_pid, &one));
	fake_remote_down(&w);
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	actor_do(&w, "b", stop);
	NOTES("");
	teardown();
}

/* ---- calls and requests ---------------------------------------------------------------------- */

static void answer(const char *reply)
{
	fl_dest to = fl_to_pid(a);

	(void)fli_send_spec(w.node, NULL, &to, fl_spec("{~, ~}", fake.ref, fl_atom_of(reply)));
}

static int request_other(fl_proc *self)
{
	return fl_request(self, other, &ref, "{what, 1}");
}

static int got_reply;

static int catcher_info(fl_proc *self, void *state, fl_term message)
{
	fl_term reply;

	(void)state;
	if (fl_match(message, "go"))
		return request_other(self);
	if (fl_match(message, "{^, ~}", &ref, &reply))
		got_reply++;
	if (fl_match(message, "{'DOWN', ^, process, _, _}", &ref))
		got_reply += 100;
	return FL_OK;
}

static const fl_behaviour catcher = {.name = "catcher", .info = catcher_info};

static void request_to_a_peer_is_answered_once(void)
{
	setup();
	got_reply = 0;
	a = world_start(&w, &catcher, "catcher", NULL);
	world_send(&w, "catcher", "go");
	NOTES("monitor <t.3.0> <b.7.0>;send <t.3.0> <b.7.0> {what,1};");
	CU_ASSERT_TRUE(fl_ref_eq(&ref, &fake.ref));
	WITH_NODE(answer("yes"));
	NOTES("demonitor <t.3.0> <b.7.0>;");
	WITH_NODE(answer("yes"));
	CU_ASSERT_EQUAL(got_reply, 1);
	fake_remote_down(&w);
	CU_ASSERT_EQUAL(got_reply, 1);
	teardown();
}

static void request_whose_peer_is_lost_is_told(void)
{
	setup();
	got_reply = 0;
	a = world_start(&w, &catcher, "catcher", NULL);
	world_send(&w, "catcher", "go");
	fake_remote_down(&w);
	WITH_NODE(answer("yes")); /* much too late */
	CU_ASSERT_EQUAL(got_reply, 100);
	teardown();
}

static int call_other(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_call(self, other, 1000, NULL, "x"), FL_ENOTSUP);
	return FL_OK;
}

static void call_that_cannot_wait_leaves_nothing(void)
{
	setup();
	actor_do(&w, "a", call_other);
	NOTES("monitor <t.1.0> <b.7.0>;send <t.1.0> <b.7.0> x;demonitor <t.1.0> <b.7.0>;");
	CU_ASSERT_EQUAL(w.node->monitors.count, 0);
	WITH_NODE(answer("late"));
	NOTES("");
	teardown();
}

/* ---- aliases --------------------------------------------------------------------------------- */

static int make_alias(fl_proc *self)
{
	ref = fl_alias(self);
	return FL_OK;
}

static int end_alias(fl_proc *self)
{
	CU_ASSERT_EQUAL(fl_unalias(self, ref), FL_OK);
	CU_ASSERT_EQUAL(fl_unalias(self, ref), FL_ENOENT);
	return FL_OK;
}

static int send_alias(fl_proc *self)
{
	return fl_send(self, ref, "by_alias");
}

static void alias_takes_messages_until_it_ends(void)
{
	setup();
	actor_do(&w, "a", make_alias);
	actor_do(&w, "b", send_alias);
	NOTES("a: by_alias;");
	WITH_NODE(fli_remote_alias_send(w.node, &fake.peer, &ref, fake_payload("from_there")));
	NOTES("a: from_there;");
	actor_do(&w, "a", end_alias);
	actor_do(&w, "b", send_alias);
	WITH_NODE(fli_remote_alias_send(w.node, &fake.peer, &ref, fake_payload("from_there")));
	NOTES("");
	teardown();
}

static void alias_ends_with_its_process(void)
{
	setup();
	actor_do(&w, "a", make_alias);
	actor_do(&w, "a", stop);
	CU_ASSERT_EQUAL(w.node->aliases.count, 0);
	actor_do(&w, "b", send_alias);
	NOTES("");
	teardown();
}

static void exit_to_an_alias_reaches_its_process(void)
{
	setup();
	actor_do(&w, "a", make_alias);
	WITH_NODE(fli_remote_exit_alias(w.node, &fake.peer, &other, &ref, fake_payload("bad")));
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	teardown();
}

/* ---- what arrives for the dead --------------------------------------------------------------- */

static void messages_to_an_old_creation_or_nobody_vanish(void)
{
	setup();
	b.creation ^= 8;
	WITH_NODE(fli_remote_send(w.node, &fake.peer, &b, fake_payload("x")));
	WITH_NODE(fli_remote_reg_send(w.node, &fake.peer, fl_atom_of("c"), fake_payload("x")));
	NOTES("");
	WITH_NODE(fli_remote_reg_send(w.node, &fake.peer, fl_atom_of("b"), fake_payload("x")));
	NOTES("b: x;");
	teardown();
}

FL_SUITE("monitors", FL_TEST(end_is_told_by_pid_or_by_name_as_it_was_asked),
	FL_TEST(monitor_of_the_dead_is_noproc), FL_TEST(monitor_of_a_pid_of_no_node_is_told_by_pid),
	FL_TEST(demonitored_end_is_not_told), FL_TEST(demonitor_takes_a_down_out_of_the_mailbox),
	FL_TEST(demonitor_is_for_who_monitors), FL_TEST(monitor_of_oneself_never_fires),
	FL_TEST(monitor_by_name_outlives_the_name), FL_TEST(remote_end_is_told_once),
	FL_TEST(remote_demonitor_is_sent_and_a_late_down_dropped),
	FL_TEST(lost_connection_fires_each_once), FL_TEST(unreachable_name_is_told_with_its_node),
	FL_TEST(old_incarnation_is_noproc), FL_TEST(watchers_end_demonitors),
	FL_TEST(their_monitors_are_answered_by_pid_and_by_name), FL_TEST(their_demonitor_ends_it),
	FL_TEST(reference_of_a_third_node_is_kept_whole),
	FL_TEST(lost_connection_forgets_their_monitors),
	FL_TEST(request_to_a_peer_is_answered_once), FL_TEST(request_whose_peer_is_lost_is_told),
	FL_TEST(call_that_cannot_wait_leaves_nothing), FL_TEST(alias_takes_messages_until_it_ends),
	FL_TEST(alias_ends_with_its_process), FL_TEST(exit_to_an_alias_reaches_its_process),
	FL_TEST(messages_to_an_old_creation_or_nobody_vanish));
