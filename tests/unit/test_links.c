/* SPDX-License-Identifier: Apache-2.0 */
/* Links and exit signals: within the node, and the link protocol with a peer. */
#include "tests/support/fake_remote.h"
#include "tests/support/suite.h"

static world w;
static fl_pid a, b, other;
static const char *reason;

static void setup(void)
{
	actor_open(&w);
	fake_remote_attach(&w);
	a = world_start(&w, &actor, "a", NULL);
	b = world_start(&w, &trapper, "b", NULL);
	actor_notes[0] = '\0';
}

static void setup_up(void)
{
	setup();
	fake_remote_up(&w, 77);
	other = fake_pid(7);
}

static void teardown(void)
{
	CU_ASSERT_EQUAL(fake.peer.signals_count, w.node->plinks.count);
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

static int link_a(fl_proc *self)
{
	return fl_link(self, a);
}

static int link_b(fl_proc *self)
{
	return fl_link(self, b);
}

static int link_other(fl_proc *self)
{
	return fl_link(self, other);
}

static int unlink_a(fl_proc *self)
{
	return fl_unlink(self, a);
}

static int unlink_other(fl_proc *self)
{
	return fl_unlink(self, other);
}

static int stop(fl_proc *self)
{
	return fl_stop(self, "~", fl_atom_of(reason));
}

static int exit_a(fl_proc *self)
{
	return fl_exit(self, a, "~", fl_atom_of(reason));
}

static int exit_b(fl_proc *self)
{
	return fl_exit(self, b, "~", fl_atom_of(reason));
}

static int exit_self(fl_proc *self)
{
	return fl_exit(self, fl_self(self), "~", fl_atom_of(reason));
}

/* ---- within the node ------------------------------------------------------------------------- */

static void link_twice_is_one_link(void)
{
	setup();
	actor_do(&w, "a", link_b);
	actor_do(&w, "b", link_a);
	CU_ASSERT_EQUAL(w.node->plinks.count, 2);
	actor_do(&w, "b", unlink_a);
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	reason = "bad";
	actor_do(&w, "a", stop);
	NOTES("");
	teardown();
}

static void link_to_itself_is_nothing(void)
{
	setup();
	actor_do(&w, "a", link_a);
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	teardown();
}

static void normal_end_reaches_only_who_traps(void)
{
	fl_pid c;

	setup();
	c = world_start(&w, &actor, "c", NULL);
	actor_do(&w, "b", link_a);
	actor_do(&w, "c", link_a);
	reason = "normal";
	actor_do(&w, "a", stop);
	NOTES("b: EXIT <test@localhost.1.0> normal;");
	CU_ASSERT_TRUE(world_is_alive(&w, &c));
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	teardown();
}

static void odd_end_ends_who_does_not_trap(void)
{
	fl_pid c;

	setup();
	c = world_start(&w, &actor, "c", NULL);
	actor_do(&w, "c", link_a);
	actor_do(&w, "b", link_a);
	reason = "bad";
	actor_do(&w, "a", stop);
	NOTES("b: EXIT <test@localhost.1.0> bad;");
	CU_ASSERT_FALSE(world_is_alive(&w, &c));
	teardown();
}

static void link_to_the_dead_is_an_exit_noproc(void)
{
	setup();
	reason = "normal";
	actor_do(&w, "a", stop);
	actor_do(&w, "b", link_a);
	NOTES("b: EXIT <test@localhost.1.0> noproc;");
	teardown();
}

static void kill_cannot_be_trapped_and_is_told_as_killed(void)
{
	fl_pid c;

	setup();
	c = world_start(&w, &trapper, "c", NULL);
	actor_do(&w, "c", link_b);
	reason = "kill";
	actor_do(&w, "a", exit_b);
	CU_ASSERT_FALSE(world_is_alive(&w, &b));
	CU_ASSERT_TRUE(world_is_alive(&w, &c));
	NOTES("c: EXIT <test@localhost.2.0> killed;");
	teardown();
}

static void kill_by_a_link_is_trapped(void)
{
	setup();
	actor_do(&w, "b", link_a);
	reason = "kill";
	actor_do(&w, "a", stop);
	NOTES("b: EXIT <test@localhost.1.0> kill;");
	teardown();
}

static void exit_normal_ends_nobody_but_oneself(void)
{
	setup();
	reason = "normal";
	actor_do(&w, "b", exit_a);
	CU_ASSERT_TRUE(world_is_alive(&w, &a));
	actor_do(&w, "b", exit_self);
	NOTES("b: EXIT <test@localhost.2.0> normal;");
	actor_do(&w, "a", exit_self);
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	teardown();
}

static fl_pid chain_last;

static int start_linked(fl_proc *self)
{
	fl_start_options options = {.link = true};

	return fl_start(self, &actor, &options, &chain_last, "[]");
}

static void long_chain_of_links_ends_at_once(void)
{
	setup();
	actor_do(&w, "a", start_linked);
	for (int i = 0; i < 5000; i++) {
		fl_pid at = chain_last;

		CU_ASSERT_TRUE_FATAL(actor_do_at(&w, &at, start_linked));
	}
	reason = "bad";
	actor_do(&w, "b", exit_a);
	CU_ASSERT_FALSE(world_is_alive(&w, &chain_last));
	CU_ASSERT_EQUAL(w.node->procs_count, 1);
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	teardown();
}

/* ---- the link protocol, row by row ------------------------------------------------------------
 */

static void local_link_is_sent_once(void)
{
	setup_up();
	actor_do(&w, "a", link_other);
	NOTES("link <t.1.0> <b.7.0>;");
	actor_do(&w, "a", link_other);
	NOTES("");
	teardown();
}

static void local_unlink_waits_for_its_acknowledgement(void)
{
	setup_up();
	actor_do(&w, "a", link_other);
	actor_do(&w, "a", unlink_other);
	NOTES("unlink <t.1.0> <b.7.0>;");
	actor_do(&w, "a", unlink_other);
	NOTES("");
	CU_ASSERT_EQUAL(w.node->plinks.count, 1);
	WITH_NODE(fli_remote_unlink_ack(w.node, &fake.peer, fake.unlink_id + 1, &other, &a));
	CU_ASSERT_EQUAL(w.node->plinks.count, 1);
	WITH_NODE(fli_remote_unlink_ack(w.node, &fake.peer, fake.unlink_id, &other, &a));
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	teardown();
}

static void link_again_before_the_acknowledgement_is_active(void)
{
	uint64_t old;

	setup_up();
	actor_do(&w, "a", link_other);
	actor_do(&w, "a", unlink_other);
	old = fake.unlink_id;
	actor_do(&w, "a", link_other);
	NOTES("link <t.1.0> <b.7.0>;");
	WITH_NODE(fli_remote_unlink_ack(w.node, &fake.peer, old, &other, &a));
	CU_ASSERT_EQUAL(w.node->plinks.count, 1); /* that one was about the old link */
	actor_do(&w, "a", unlink_other);
	CU_ASSERT_NOT_EQUAL(fake.unlink_id, old);
	teardown();
}

static void crossed_links_are_one(void)
{
	setup_up();
	actor_do(&w, "a", link_other);
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &a));
	NOTES("");
	CU_ASSERT_EQUAL(w.node->plinks.count, 1);
	teardown();
}

static void link_that_crosses_our_unlink_is_ignored(void)
{
	setup_up();
	actor_do(&w, "a", link_other);
	actor_do(&w, "a", unlink_other);
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &a));
	WITH_NODE(fli_remote_exit(w.node, &fake.peer, &other, &a, fake_payload("bad")));
	CU_ASSERT_TRUE(world_is_alive(&w, &a));
	teardown();
}

static void unlink_is_always_acknowledged(void)
{
	fl_pid nobody;

	setup_up();
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &a));
	WITH_NODE(fli_remote_unlink(w.node, &fake.peer, 5, &other, &a));
	NOTES("ack <t.1.0> <b.7.0> 5;");
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	nobody = a;
	nobody.id = 999;
	WITH_NODE(fli_remote_unlink(w.node, &fake.peer, 6, &other, &nobody));
	NOTES("ack <t.999.0> <b.7.0> 6;");
	WITH_NODE(fli_remote_unlink(w.node, &fake.peer, 0, &other, &a)); /* a peer without ids */
	NOTES("");
	teardown();
}

static void unlink_that_crosses_ours_leaves_ours_open(void)
{
	setup_up();
	actor_do(&w, "a", link_other);
	actor_do(&w, "a", unlink_other);
	WITH_NODE(fli_remote_unlink(w.node, &fake.peer, 5, &other, &a));
	NOTES("ack <t.1.0> <b.7.0> 5;");
	CU_ASSERT_EQUAL(w.node->plinks.count, 1);
	teardown();
}

static void exit_of_an_active_link_is_delivered_once(void)
{
	setup_up();
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &b));
	WITH_NODE(fli_remote_exit(w.node, &fake.peer, &other, &b, fake_payload("bad")));
	NOTES("b: EXIT <b@h.7.0> bad;");
	WITH_NODE(fli_remote_exit(w.node, &fake.peer, &other, &b, fake_payload("bad")));
	NOTES("");
	teardown();
}

static void our_end_is_told_over_active_links_only(void)
{
	setup_up();
	reason = "bad";
	actor_do(&w, "a", link_other);
	actor_do(&w, "a", stop);
	NOTES("exit <t.1.0> <b.7.0> bad;");
	actor_do(&w, "b", link_other);
	actor_do(&w, "b", unlink_other);
	actor_do(&w, "b", stop);
	NOTES("");
	teardown();
}

static void remote_link_to_the_dead_is_answered_by_exit(void)
{
	fl_pid nobody;

	setup_up();
	nobody = a;
	nobody.creation++;
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &nobody));
	NOTES("exit <t.1.0> <b.7.0> noproc;");
	teardown();
}

static void lost_connection_ends_active_links_once(void)
{
	setup_up();
	actor_do(&w, "b", link_other);
	actor_notes[0] = '\0';
	fake_remote_down(&w);
	NOTES("b: EXIT <b@h.7.0> noconnection;");
	actor_notes[0] = '\0';
	fake_remote_down(&w);
	NOTES("");
	teardown();
}

static void lost_connection_forgets_unlinked_ones(void)
{
	setup_up();
	actor_do(&w, "b", link_other);
	actor_do(&w, "b", unlink_other);
	actor_notes[0] = '\0';
	fake_remote_down(&w);
	NOTES("");
	teardown();
}

static void link_to_an_unknown_node_is_noconnection(void)
{
	setup_up();
	fake.is_refused = true;
	actor_do(&w, "b", link_other);
	NOTES("b: EXIT <b@h.7.0> noconnection;");
	teardown();
}

static void signals_to_an_old_incarnation_are_not_sent(void)
{
	setup_up();
	other.creation = 4;
	actor_do(&w, "b", link_other);
	NOTES("b: EXIT <b@h.7.0> noproc;");
	b = other;
	reason = "bad";
	actor_do(&w, "a", exit_b);
	NOTES("");
	teardown();
}

static void exit2_is_sent_and_heard(void)
{
	fl_pid was_b;

	setup_up();
	was_b = b;
	b = other;
	reason = "bad";
	actor_do(&w, "a", exit_b);
	NOTES("exit2 <t.1.0> <b.7.0> bad;");
	WITH_NODE(fli_remote_exit2(w.node, &fake.peer, &other, &was_b, fake_payload("{odd, 1}")));
	NOTES("b: EXIT <b@h.7.0> {odd,1};");
	WITH_NODE(fli_remote_exit2(w.node, &fake.peer, &other, &was_b, fake_payload("kill")));
	CU_ASSERT_FALSE(world_is_alive(&w, &was_b));
	teardown();
}

/* Keys that a peer makes up must not be two of the same. */
static void peer_that_links_for_other_nodes_breaks_nothing(void)
{
	fl_pid forged;

	setup_up();
	forged = other;
	forged.node = fl_atom_of("someone@else");
	for (int i = 0; i < 3; i++)
		WITH_NODE(fli_remote_link(w.node, &fake.peer, &forged, &a));
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &a));
	CU_ASSERT_EQUAL(w.node->plinks.count, 1);
	WITH_NODE(fli_remote_exit(w.node, &fake.peer, &forged, &a, fake_payload("bad")));
	CU_ASSERT_FALSE(world_is_alive(&w, &a));
	CU_ASSERT_EQUAL(w.node->plinks.count, 0);
	teardown();
}

static void links_of_one_peer_are_limited(void)
{
	setup_up();
	w.node->limits.signals_per_peer_max = 2;
	for (uint32_t i = 10; i < 12; i++) {
		fl_pid from = fake_pid(i);

		WITH_NODE(fli_remote_link(w.node, &fake.peer, &from, &a));
		NOTES("");
	}
	WITH_NODE(fli_remote_link(w.node, &fake.peer, &other, &a));
	NOTES("exit <t.1.0> <b.7.0> noproc;");
	teardown();
}

FL_SUITE("links", FL_TEST(link_twice_is_one_link), FL_TEST(link_to_itself_is_nothing),
	FL_TEST(normal_end_reaches_only_who_traps), FL_TEST(odd_end_ends_who_does_not_trap),
	FL_TEST(link_to_the_dead_is_an_exit_noproc),
	FL_TEST(kill_cannot_be_trapped_and_is_told_as_killed), FL_TEST(kill_by_a_link_is_trapped),
	FL_TEST(exit_normal_ends_nobody_but_oneself), FL_TEST(long_chain_of_links_ends_at_once),
	FL_TEST(local_link_is_sent_once), FL_TEST(local_unlink_waits_for_its_acknowledgement),
	FL_TEST(link_again_before_the_acknowledgement_is_active), FL_TEST(crossed_links_are_one),
	FL_TEST(link_that_crosses_our_unlink_is_ignored), FL_TEST(unlink_is_always_acknowledged),
	FL_TEST(unlink_that_crosses_ours_leaves_ours_open),
	FL_TEST(exit_of_an_active_link_is_delivered_once),
	FL_TEST(our_end_is_told_over_active_links_only),
	FL_TEST(remote_link_to_the_dead_is_answered_by_exit),
	FL_TEST(lost_connection_ends_active_links_once),
	FL_TEST(lost_connection_forgets_unlinked_ones),
	FL_TEST(link_to_an_unknown_node_is_noconnection),
	FL_TEST(signals_to_an_old_incarnation_are_not_sent), FL_TEST(exit2_is_sent_and_heard),
	FL_TEST(peer_that_links_for_other_nodes_breaks_nothing),
	FL_TEST(links_of_one_peer_are_limited));
