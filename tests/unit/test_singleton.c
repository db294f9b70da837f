/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs the one server of a name: candidates that speak through queues, on a clock that the test
 * moves.
 */
#include "cluster/singleton.h"

#include <string.h>

#include "tests/support/suite.h"

enum { NODES = 4, WORDS_MAX = 4096, MARGIN_MS = 20000, SETTLE_MS = 1000 };

static const char *const names[NODES] = {"a@h", "b@h", "c@h", "d@h"};

typedef struct letter {
	int from, to;
	fli_word word;
} letter;

typedef struct node {
	struct cluster *cluster;
	int index;
	fli_singleton s;
	bool runs, has_watch;
	fl_pid watched;
	uint64_t epoch, started_epoch_last;
	uint32_t serial, stops, leases, releases, starts;
	bool holds_start; /* ops->start is answered by the test */
} node;

typedef struct cluster {
	node nodes[NODES];
	bool cut[NODES][NODES];
	letter letters[WORDS_MAX];
	int first, last;
	uint64_t now_ms;
	bool lease_is_free;
} cluster;

static fl_pid guard_of(int i)
{
	return (fl_pid){.node = fl_atom_of(names[i]), .id = 1};
}

static fl_pid server_of(const node *n)
{
	return (fl_pid){.node = fl_atom_of(names[n->index]), .id = 2, .serial = n->serial};
}

static int index_of(const fl_pid *pid)
{
	int i = 0;

	while (i < NODES && !fl_atom_eq(pid->node, fl_atom_of(names[i])))
		i++;
	return i;
}

/* ---- what candidates want -------------------------------------------------------------------- */

static void on_say(void *ctx, const fl_pid *to, const fli_word *word)
{
	node *n = ctx;
	cluster *c = n->cluster;

	CU_ASSERT_FATAL(c->last < WORDS_MAX);
	c->letters[c->last++] = (letter){.from = n->index, .to = index_of(to), .word = *word};
}

static void on_watch(void *ctx, const fl_pid *holder)
{
	node *n = ctx;

	n->has_watch = holder != NULL;
	if (holder != NULL)
		n->watched = *holder;
}

static void on_start(void *ctx, uint64_t epoch)
{
	node *n = ctx;

	CU_ASSERT_FALSE(n->runs);
	CU_ASSERT(epoch > n->started_epoch_last);
	n->runs = true;
	n->serial++;
	n->starts++;
	n->epoch = n->started_epoch_last = epoch;
}

static void on_stop(void *ctx)
{
	((node *)ctx)->stops++;
}

static void on_lease(void *ctx, fli_lease_verb verb, uint64_t epoch)
{
	node *n = ctx;

	(void)epoch;
	n->leases += verb != FLI_LEASE_RELEASE;
	n->releases += verb == FLI_LEASE_RELEASE;
}

static const fli_singleton_ops ops = {on_say, on_watch, on_start, on_stop, on_lease};

/* ---- the cluster ----------------------------------------------------------------------------- */

static void create(cluster *c, uint64_t lease_ms)
{
	memset(c, 0, sizeof *c);
	for (int i = 0; i < NODES; i++) {
		const fli_singleton_config config = {.guard = guard_of(i),
			.hash = (uint32_t)(1000 + i),
			.margin_ms = MARGIN_MS,
			.settle_ms = SETTLE_MS,
			.lease_ms = lease_ms,
			.renew_ms = lease_ms / 4,
			.ops = &ops,
			.ctx = &c->nodes[i],
			.now_ms = 0};

		c->nodes[i].cluster = c;
		c->nodes[i].index = i;
		fli_singleton_create(&c->nodes[i].s, &config);
	}
}

static void deliver(cluster *c)
{
	while (c->first < c->last) {
		letter l = c->letters[c->first++];
		fl_pid from = guard_of(l.from);

		if (c->cut[l.from][l.to])
			continue;
		fli_singleton_time(&c->nodes[l.to].s, c->now_ms);
		fli_singleton_heard(&c->nodes[l.to].s, &from, &l.word);
	}
	c->first = c->last = 0;
}

/* Servers that were asked for have begun or ended. */
static void answer(cluster *c)
{
	for (int i = 0; i < NODES; i++) {
		node *n = &c->nodes[i];
		fl_pid server = server_of(n);

		if (n->s.state == FLI_SINGLETON_STARTING && n->runs && !n->holds_start)
			fli_singleton_started(&n->s, &server);
		if (n->s.state == FLI_SINGLETON_STOPPING && n->runs) {
			n->runs = false;
			fli_singleton_ended(&n->s);
		}
	}
}

static void tell_losses(cluster *c)
{
	for (int i = 0; i < NODES; i++) {
		node *n = &c->nodes[i];
		node *at = n->has_watch ? &c->nodes[index_of(&n->watched)] : NULL;
		fl_pid server = n->watched;

		if (at == NULL)
			continue;
		if (c->cut[i][at->index] && c->cut[at->index][i])
			fli_singleton_lost(&n->s, &server, FLI_LOSS_SILENT);
		else if (!at->runs || at->serial != server.serial)
			fli_singleton_lost(&n->s, &server, FLI_LOSS_ENDED);
	}
}

static int running(const cluster *c)
{
	int count = 0;

	for (int i = 0; i < NODES; i++)
		count += c->nodes[i].runs ? 1 : 0;
	return count;
}

static void run(cluster *c, uint64_t ms)
{
	for (uint64_t end = c->now_ms + ms; c->now_ms < end; c->now_ms += 10) {
		for (int i = 0; i < NODES; i++)
			fli_singleton_time(&c->nodes[i].s, c->now_ms);
		deliver(c);
		answer(c);
		deliver(c);
		tell_losses(c);
	}
}

static void join(cluster *c, int i, int j)
{
	fl_pid guard = guard_of(j);

	CU_ASSERT_EQUAL(fli_singleton_joined(&c->nodes[i].s, &guard, (uint32_t)(1000 + j)), FL_OK);
}

static void leave(cluster *c, int i, int j)
{
	fl_pid guard = guard_of(j);

	fli_singleton_left(&c->nodes[i].s, &guard);
}

/* Links between the two are lost without a word, and that is noticed; or are there again. */
static void set_cut(cluster *c, int i, int j, bool is_cut)
{
	c->cut[i][j] = c->cut[j][i] = is_cut;
	if (is_cut) {
		leave(c, i, j);
		leave(c, j, i);
		tell_losses(c);
	} else {
		join(c, i, j);
		join(c, j, i);
	}
}

static void allow(cluster *c, int i, bool may)
{
	fli_singleton_time(&c->nodes[i].s, c->now_ms);
	fli_singleton_allow(&c->nodes[i].s, may, may, false);
}

static void start_all(cluster *c, uint64_t lease_ms)
{
	create(c, lease_ms);
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++)
			if (i != j)
				join(c, i, j);
	for (int i = 0; i < NODES; i++)
		allow(c, i, true);
}

static void end_server(cluster *c, int i)
{
	c->nodes[i].runs = false;
	fli_singleton_time(&c->nodes[i].s, c->now_ms);
	fli_singleton_ended(&c->nodes[i].s);
}

static cluster c; /* 600 kB: not for a stack */

/* ---- taking over ----------------------------------------------------------------------------- */

static void first_in_rank_starts_it_when_all_have_granted(void)
{
	start_all(&c, 0);
	run(&c, SETTLE_MS);
	CU_ASSERT_EQUAL(running(&c), 0);
	run(&c, 50);
	CU_ASSERT_EQUAL(running(&c), 1);
	CU_ASSERT_TRUE(c.nodes[0].runs);
	run(&c, 60000);
	CU_ASSERT_EQUAL(running(&c), 1);
	for (int i = 0; i < NODES; i++) {
		CU_ASSERT_EQUAL(c.nodes[i].s.held, c.nodes[0].epoch);
		CU_ASSERT_EQUAL(fli_singleton_rank(&c.nodes[i].s), (uint32_t)i);
	}
}

static void server_that_ended_is_started_at_once_with_a_greater_epoch(void)
{
	uint64_t epoch;

	start_all(&c, 0);
	run(&c, 2000);
	epoch = c.nodes[0].epoch;
	end_server(&c, 0);
	run(&c, 300);
	CU_ASSERT_EQUAL(running(&c), 1);
	CU_ASSERT_TRUE(c.nodes[1].runs); /* the first one's has failed: it waits a little longer */
	CU_ASSERT((c.nodes[1].epoch >> FLI_EPOCH_TAG_BITS) > (epoch >> FLI_EPOCH_TAG_BITS));
}

static void failing_server_is_started_ever_more_rarely(void)
{
	uint32_t early, late;

	start_all(&c, 0);
	for (int i = 0; i < NODES; i++)
		c.nodes[i].holds_start = true;
	for (int k = 0; k < 6000; k++) {
		run(&c, 10);
		for (int i = 0; i < NODES; i++)
			if (c.nodes[i].runs)
				end_server(&c, i);
		if (k == 1000)
			early = c.nodes[0].starts + c.nodes[1].starts;
	}
	late = c.nodes[0].starts + c.nodes[1].starts;
	CU_ASSERT(early > 4);
	CU_ASSERT(late - early < early);
	CU_ASSERT(late < 40);
}

static void silent_loss_waits_for_the_margin(void)
{
	start_all(&c, 0);
	run(&c, 2000);
	for (int i = 1; i < NODES; i++)
		set_cut(&c, 0, i, true);
	run(&c, MARGIN_MS - 100);
	CU_ASSERT_EQUAL(running(&c), 1);
	allow(&c, 0, false); /* its own policy has seen that it must */
	run(&c, 500);
	CU_ASSERT_FALSE(c.nodes[0].runs);
	CU_ASSERT_TRUE(c.nodes[1].runs);
}

static void lost_one_that_is_back_and_runs_nothing_ends_the_margin(void)
{
	start_all(&c, 0);
	run(&c, 2000);
	for (int i = 1; i < NODES; i++)
		set_cut(&c, 0, i, true);
	run(&c, 1000);
	allow(&c, 0, false);
	run(&c, 1000);
	CU_ASSERT_EQUAL(running(&c), 0);
	for (int i = 1; i < NODES; i++)
		set_cut(&c, 0, i, false);
	run(&c, 500);
	CU_ASSERT_TRUE(c.nodes[1].runs);
}

static void claim_is_denied_by_who_sees_a_holder(void)
{
	start_all(&c, 0);
	run(&c, 2000);
	set_cut(&c, 0, 3, true);
	run(&c, 3 * MARGIN_MS);
	CU_ASSERT_EQUAL(running(&c), 1);
	CU_ASSERT_TRUE(c.nodes[0].runs);
}

static void candidate_that_says_nothing_holds_it_up(void)
{
	start_all(&c, 0);
	for (int i = 0; i < NODES - 1; i++)
		c.cut[i][3] = true; /* it does not hear, and is still in the group */
	run(&c, 20000);
	CU_ASSERT_EQUAL(running(&c), 0);
	for (int i = 0; i < NODES - 1; i++)
		leave(&c, i, 3);
	run(&c, 5000);
	CU_ASSERT_EQUAL(running(&c), 1);
}

static void one_that_was_granted_and_is_lost_may_run(void)
{
	start_all(&c, 0);
	c.nodes[0].holds_start = true;
	run(&c, SETTLE_MS + 50);
	CU_ASSERT_TRUE(c.nodes[0].runs);
	CU_ASSERT_FALSE(c.nodes[1].s.has_holder); /* nobody was told yet */
	for (int i = 1; i < NODES; i++)
		set_cut(&c, 0, i, true);
	run(&c, MARGIN_MS - 100);
	CU_ASSERT_EQUAL(running(&c), 1);
	run(&c, 1000);
	CU_ASSERT_EQUAL(running(&c), 2); /* without a policy: its own side goes on */
}

/* ---- policies -------------------------------------------------------------------------------- */

static void pause_stops_it_and_others_take_it(void)
{
	start_all(&c, 0);
	run(&c, 2000);
	allow(&c, 0, false);
	run(&c, 500);
	CU_ASSERT_FALSE(c.nodes[0].runs);
	CU_ASSERT_EQUAL(c.nodes[0].stops, 1);
	CU_ASSERT_TRUE(c.nodes[1].runs);
	allow(&c, 0, true);
	run(&c, 60000);
	CU_ASSERT_EQUAL(running(&c), 1);
}

static void nothing_starts_where_nobody_may(void)
{
	start_all(&c, 0);
	for (int i = 0; i < NODES; i++)
		allow(&c, i, false);
	run(&c, 60000);
	CU_ASSERT_EQUAL(running(&c), 0);
	allow(&c, 2, true);
	run(&c, SETTLE_MS - 50);
	CU_ASSERT_EQUAL(running(&c), 0);
	run(&c, 1000);
	CU_ASSERT_TRUE(c.nodes[2].runs);
}

/* ---- two halves ------------------------------------------------------------------------------ */

static void two_sides_without_a_policy_have_different_epochs(void)
{
	uint64_t other;

	start_all(&c, 0);
	run(&c, 2000);
	for (int i = 0; i < 2; i++)
		for (int j = 2; j < NODES; j++)
			set_cut(&c, i, j, true);
	run(&c, MARGIN_MS + 1000);
	CU_ASSERT_TRUE(c.nodes[0].runs && c.nodes[2].runs);
	end_server(&c, 0);
	run(&c, 1000);
	CU_ASSERT_TRUE(c.nodes[1].runs); /* the same count as on the other side */
	CU_ASSERT_NOT_EQUAL(c.nodes[1].epoch, c.nodes[2].epoch);
	other = c.nodes[2].epoch > c.nodes[1].epoch ? c.nodes[2].epoch : c.nodes[1].epoch;
	for (int i = 0; i < 2; i++)
		for (int j = 2; j < NODES; j++)
			set_cut(&c, i, j, false);
	run(&c, 100);
	CU_ASSERT_EQUAL(running(&c), 2);
	fli_singleton_yield(&c.nodes[2].s); /* the name is another one's */
	run(&c, 100);
	CU_ASSERT_EQUAL(running(&c), 1);
	CU_ASSERT(c.nodes[1].s.epoch > other);
	CU_ASSERT_EQUAL(c.nodes[3].s.held, c.nodes[1].s.epoch);
}

static void epoch_from_nowhere_is_not_believed(void)
{
	const fli_word word = {.kind = FLI_WORD_STATE, .epoch = 1, .seen = UINT64_MAX};
	fl_pid from = guard_of(1);

	start_all(&c, 0);
	fli_singleton_heard(&c.nodes[0].s, &from, &word);
	run(&c, 2000);
	CU_ASSERT_TRUE(c.nodes[0].runs);
	CU_ASSERT_EQUAL(c.nodes[0].epoch >> FLI_EPOCH_TAG_BITS, 1);
}

static void more_candidates_than_there_is_room_for_are_refused(void)
{
	fl_pid guard = {.node = fl_atom_of("x@h"), .id = 9};

	create(&c, 0);
	for (uint32_t i = 0; i < FLI_SINGLETON_CANDIDATES_MAX; i++) {
		guard.serial = i;
		CU_ASSERT_EQUAL(fli_singleton_joined(&c.nodes[0].s, &guard, i), FL_OK);
	}
	guard.serial = FLI_SINGLETON_CANDIDATES_MAX;
	CU_ASSERT_EQUAL(fli_singleton_joined(&c.nodes[0].s, &guard, 1), FL_ELIMIT);
	c.first = c.last = 0;
}

/* ---- leases ---------------------------------------------------------------------------------- */

enum { LEASE_MS = 10000 };

static void lease_that_is_denied_starts_nothing(void)
{
	start_all(&c, LEASE_MS);
	run(&c, SETTLE_MS + 100);
	CU_ASSERT_EQUAL(c.nodes[0].s.state, FLI_SINGLETON_LEASING);
	fli_singleton_leased(&c.nodes[0].s, false, c.nodes[0].s.lease_asked_ms);
	CU_ASSERT_EQUAL(c.nodes[0].s.state, FLI_SINGLETON_STANDBY);
	CU_ASSERT_EQUAL(running(&c), 0);
}

static void holder_stops_before_its_lease_runs_out(void)
{
	fli_singleton *s = &c.nodes[0].s;

	start_all(&c, LEASE_MS);
	run(&c, SETTLE_MS + 100);
	fli_singleton_leased(s, true, s->lease_asked_ms);
	run(&c, LEASE_MS / 4 + 100);
	CU_ASSERT_EQUAL(c.nodes[0].leases, 2); /* asked to renew */
	CU_ASSERT_TRUE(c.nodes[0].runs);
	fli_singleton_leased(s, true, s->lease_asked_ms);
	run(&c, LEASE_MS - LEASE_MS / 5 - 200);
	CU_ASSERT_TRUE(c.nodes[0].runs);
	run(&c, 300);
	CU_ASSERT_FALSE(c.nodes[0].runs);
	CU_ASSERT_EQUAL(c.nodes[0].releases, 1);
}

static void lease_that_comes_too_late_is_given_back(void)
{
	fli_singleton *s = &c.nodes[0].s;

	start_all(&c, LEASE_MS);
	run(&c, SETTLE_MS + 100);
	allow(&c, 0, false);
	fli_singleton_leased(s, true, s->lease_asked_ms);
	CU_ASSERT_EQUAL(c.nodes[0].releases, 1);
	CU_ASSERT_FALSE(c.nodes[0].runs);
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void move_takes_a_greater_epoch_and_nobody_claims(void)
{
	uint64_t epoch;
	fl_pid server;

	start_all(&c, 0);
	run(&c, 2000);
	epoch = fli_singleton_next_epoch(&c.nodes[1].s, c.nodes[0].epoch);
	CU_ASSERT(epoch > c.nodes[0].epoch);
	c.nodes[1].runs = true;
	c.nodes[1].serial++;
	server = server_of(&c.nodes[1]);
	c.nodes[0].runs = false;
	fli_singleton_give(&c.nodes[0].s, &server, epoch);
	fli_singleton_take(&c.nodes[1].s, &server, epoch);
	run(&c, 60000);
	CU_ASSERT_EQUAL(running(&c), 1);
	for (int i = 0; i < NODES; i++)
		CU_ASSERT_EQUAL(c.nodes[i].s.held, epoch);
}

FL_SUITE("singleton", FL_TEST(first_in_rank_starts_it_when_all_have_granted),
	FL_TEST(server_that_ended_is_started_at_once_with_a_greater_epoch),
	FL_TEST(failing_server_is_started_ever_more_rarely),
	FL_TEST(silent_loss_waits_for_the_margin),
	FL_TEST(lost_one_that_is_back_and_runs_nothing_ends_the_margin),
	FL_TEST(claim_is_denied_by_who_sees_a_holder),
	FL_TEST(candidate_that_says_nothing_holds_it_up),
	FL_TEST(one_that_was_granted_and_is_lost_may_run),
	FL_TEST(pause_stops_it_and_others_take_it), FL_TEST(nothing_starts_where_nobody_may),
	FL_TEST(two_sides_without_a_policy_have_different_epochs),
	FL_TEST(epoch_from_nowhere_is_not_believed),
	FL_TEST(more_candidates_than_there_is_room_for_are_refused),
	FL_TEST(lease_that_is_denied_starts_nothing),
	FL_TEST(holder_stops_before_its_lease_runs_out),
	FL_TEST(lease_that_comes_too_late_is_given_back),
	FL_TEST(move_takes_a_greater_epoch_and_nobody_claims));
