/* SPDX-License-Identifier: Apache-2.0 */
/* Singletons under a lease: moves, stops, and a store that is slow. */
#include <stdio.h>
#include <string.h>

#include "flitch/global.h"
#include "flitch/partition.h"
#include "tests/support/sim_svc.h"
#include "tests/support/suite.h"

/* ---- moves under a lease --------------------------------------------------------------------- */

typedef struct store {
	fl_sim *sim;
	char holder[FL_LEASE_OWNER_MAX + 1];
	uint64_t until_ms;
	const char *refuses; /* this owner; NULL: nobody */
	unsigned grants;
} store;

static store shop;

static int acquire(void *ctx, const fl_lease_request *request)
{
	uint64_t now = fl_sim_now_ms(shop.sim);

	(void)ctx;
	if (shop.refuses != NULL && strcmp(shop.refuses, request->owner) == 0)
		return FL_EIO;
	if (now < shop.until_ms && strcmp(shop.holder, request->owner) != 0)
		return FL_ETAKEN;
	if (strcmp(shop.holder, request->owner) != 0)
		shop.grants++;
	(void)snprintf(shop.holder, sizeof shop.holder, "%s", request->owner);
	shop.until_ms = now + request->ttl_ms;
	return FL_OK;
}

static void release(void *ctx, const fl_lease_request *request)
{
	(void)ctx;
	if (strcmp(shop.holder, request->owner) == 0)
		shop.until_ms = 0;
}

static const fl_lease lease = {.acquire = acquire, .release = release};

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)self;
	return fl_build(ret_state, "~", ((const svc *)state)->total);
}

static int leased_init(fl_proc *self, void *state, fl_term args)
{
	svc *s = state;
	uint32_t vsn;

	s->age = -1;
	if (fl_match(args, "{handed, ~, ~, ~}", &s->epoch, &vsn, &s->total))
		return FL_OK;
	return svc_on_init(self, state, args);
}

static const fl_behaviour leased_server = {.name = "svc",
	.state_size = sizeof(svc),
	.init = leased_init,
	.info = svc_on_info,
	.call = svc_on_call};
static const fl_singleton leased = {FL_SINGLETON_GUARD("svc_guard"), .server = &leased_server,
	.name = "svc", .args = "given", .give = give, .lease = &lease, .lease_ttl_ms = 20000};

static svc_town open_leased(uint64_t seed)
{
	svc_town w;

	shop = (store){.sim = NULL};
	w = (svc_town){.sim = NULL};
	w.sim = fl_sim_new(&(fl_sim_options){.seed = seed});
	shop.sim = w.sim;
	svc_fill(&w, &leased);
	return w;
}

static int move(svc_town *w, int from, int to)
{
	fl_buf reply = FL_BUF_INIT;
	bool is_ok = fl_sim_call(w->nodes[from], fl_name_at("svc_guard", svc_names[from]), 70000,
			     &reply, "{move, ~}", fl_atom_of(svc_names[to])) == FL_OK &&
		     fl_match(fl_buf_term(&reply), "ok");

	fl_buf_free(&reply);
	return is_ok ? FL_OK : FL_EBUSY;
}

static void lease_goes_with_a_move(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		svc_town w = open_leased(seed);
		int from = svc_holder(&w), to = svc_other_than(&w, from);
		svc_look before, after;

		svc_put(&w, 77);
		CU_ASSERT_TRUE(svc_ask(&w, to, &before));
		CU_ASSERT_STRING_EQUAL(shop.holder, svc_names[from]);
		CU_ASSERT_EQUAL(move(&w, from, to), FL_OK);
		fl_sim_run(w.sim, 2000);
		CU_ASSERT_STRING_EQUAL(shop.holder, svc_names[to]);
		CU_ASSERT_EQUAL(shop.grants, 2);
		CU_ASSERT_TRUE(svc_ask(&w, from, &after));
		CU_ASSERT_TRUE(after.total == 77 && after.epoch > before.epoch);
		fl_sim_run(w.sim, 60000); /* it is renewed by the new one */
		CU_ASSERT_EQUAL(svc_holder(&w), to);
		CU_ASSERT_STRING_EQUAL(shop.holder, svc_names[to]);
		fl_sim_delete(w.sim);
	}
}

/* The store does not give it to the heir: nobody runs without, another one takes over. */
static void heir_without_the_lease_does_not_run(void)
{
	svc_town w = open_leased(3);
	int from = svc_holder(&w), to = svc_other_than(&w, from);
	svc_look l = {.total = -1};

	svc_put(&w, 5);
	shop.refuses = svc_names[to];
	(void)move(&w, from, to);
	fl_sim_run(w.sim, 60000);
	CU_ASSERT(svc_holder(&w) != to);
	CU_ASSERT_STRING_EQUAL(shop.holder, svc_names[svc_holder(&w)]);
	CU_ASSERT_TRUE(svc_ask(&w, from, &l));
	CU_ASSERT_EQUAL(l.total, 5); /* by the copy */
	fl_sim_delete(w.sim);
}

/* A node that stops hands it over, lease and all. */
static void lease_goes_with_a_stop(void)
{
	svc_town w = open_leased(4);
	int from = svc_holder(&w);
	svc_look l = {.total = -1};

	svc_put(&w, 9);
	fl_sim_stop(w.nodes[from]);
	CU_ASSERT_TRUE(fl_sim_await(w.nodes[from], FL_SIM_DOWN, 30000));
	fl_sim_run(w.sim, 3000);
	CU_ASSERT_TRUE(svc_ask(&w, svc_other_than(&w, from), &l));
	CU_ASSERT_TRUE(l.total == 9 && l.age == -1);
	CU_ASSERT_STRING_EQUAL(shop.holder, svc_names[svc_holder(&w)]);
	fl_sim_delete(w.sim);
}

/* Whoever says that it holds it has the lease by the store's word. */
static void holder_has_the_lease_for(svc_town *w, uint32_t ms)
{
	for (uint32_t at = 0; at < ms; at += 100) {
		fl_sim_run(w->sim, 100);
		for (int i = 0; i < SVC_COUNT; i++)
			if (fl_sim_state_of(w->nodes[i]) == FL_SIM_UP &&
				svc_says(w, i, "state", "holding"))
				CU_ASSERT_TRUE(strcmp(shop.holder, svc_names[i]) == 0 &&
					       fl_sim_now_ms(shop.sim) < shop.until_ms);
	}
}

static void await_renewal(const svc_town *w)
{
	uint64_t before = shop.until_ms;

	while (shop.until_ms == before)
		fl_sim_run(w->sim, 10);
	fl_sim_run(w->sim, 10); /* the answer is on its way */
}

/* The move is over when the store gets to its release: it must not free what was taken since. */
static void release_of_a_move_that_was_given_up_frees_nothing_later(void)
{
	fl_singleton hasty = leased;
	svc_town w = {.sim = fl_sim_new(&(fl_sim_options){.seed = 5})};
	int from, to;

	hasty.move_ms = 5000;
	shop = (store){.sim = w.sim};
	svc_fill(&w, &hasty);
	from = svc_holder(&w);
	to = svc_other_than(&w, from);
	for (int i = 0; i < SVC_COUNT; i++)
		if (i != from && i != to)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	await_renewal(&w);
	fl_sim_work_takes(w.nodes[from], 40000);
	(void)fl_sim_call(w.nodes[from], fl_name_at("svc_guard", svc_names[from]), 1000, NULL,
		"{move, ~}", fl_atom_of(svc_names[to]));
	fl_sim_work_takes(w.nodes[from], 0);
	fl_sim_crash_node(w.nodes[to], FL_SIM_KILLED); /* nobody else may take it */
	holder_has_the_lease_for(&w, 60000);
	CU_ASSERT_EQUAL(svc_holder(&w), from);
	fl_sim_delete(w.sim);
}

/* A release and the acquire after it are one after the other at the store, too. */
static void one_that_is_alone_keeps_the_lease_of_its_next_server(void)
{
	svc_town w = open_leased(6);
	int from = svc_holder(&w);

	for (int i = 0; i < SVC_COUNT; i++)
		if (i != from)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	for (int round = 0; round < 10; round++) {
		fl_sim_run(w.sim, 61000); /* so long that its end is no failure */
		(void)fl_sim_call(w.nodes[from], fl_global("svc"), 1000, NULL, "die");
		holder_has_the_lease_for(&w, 1000);
		CU_ASSERT_EQUAL(svc_holder(&w), from);
	}
	fl_sim_delete(w.sim);
}

FL_SUITE("sim_lease", FL_TEST(lease_goes_with_a_move), FL_TEST(heir_without_the_lease_does_not_run),
	FL_TEST(lease_goes_with_a_stop),
	FL_TEST(release_of_a_move_that_was_given_up_frees_nothing_later),
	FL_TEST(one_that_is_alone_keeps_the_lease_of_its_next_server));
