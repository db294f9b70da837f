/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Singletons whose take-over is cheap: servers that stand by, states that are copied; and epochs
 * that outlive the end of all candidates.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/epoch_file.h"
#include "flitch/global.h"
#include "flitch/pg.h"
#include "flitch/sim.h"
#include "flitch/singleton.h"
#include "tests/support/suite.h"

enum { COUNT = 3, POISON = 13 };

static const char *const names[COUNT] = {"1@h1.sim", "2@h2.sim", "3@h3.sim"};

/* ---- the server ------------------------------------------------------------------------------ */

typedef struct svc {
	int64_t total;
	uint64_t epoch; /* as it was told */
	int64_t age;    /* of the copy; -1: none */
	bool was_warm;
} svc;

static int take_total(fl_proc *self, svc *s, int64_t total)
{
	s->total = total;
	return total == POISON ? fl_stop(self, "poisoned") : FL_OK;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	svc *s = state;
	int64_t total;

	s->age = -1;
	s->was_warm = fl_match(args, "{standby, given}");
	if (s->was_warm) {
		CU_ASSERT_EQUAL(fl_singleton_epoch(self), 0);
		CU_ASSERT_EQUAL(fl_singleton_replicate(self, "x"), FL_ENOTSUP);
		return FL_OK;
	}
	if (fl_match(args, "{resume, ~, ~, ~}", &s->epoch, &total, &s->age))
		return take_total(self, s, total);
	return fl_match(args, "{start, ~, given}", &s->epoch) ? FL_OK : fl_stop(self, "badarg");
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	svc *s = state;
	int64_t total;

	if (fl_match(message, "{singleton_resume, ~, ~, ~}", &s->epoch, &total, &s->age))
		return take_total(self, s, total);
	CU_ASSERT_TRUE(fl_match(message, "{singleton_start, ~}", &s->epoch));
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	svc *s = state;
	int64_t total;

	if (fl_match(request, "{put, ~}", &total)) {
		s->total = total;
		CU_ASSERT_EQUAL(fl_singleton_replicate(self, "~", total), FL_OK);
		return fl_reply(from, "ok");
	}
	if (fl_match(request, "die"))
		return fl_reply(from, "ok") == FL_OK ? fl_stop(self, "told_to") : FL_OK;
	CU_ASSERT_EQUAL(fl_singleton_epoch(self), s->epoch);
	return fl_reply(from, "{~, ~, ~, ~}", s->total, s->epoch, s->age, fl_bool(s->was_warm));
}

static const fl_behaviour server = {.name = "svc",
	.state_size = sizeof(svc),
	.init = on_init,
	.info = on_info,
	.call = on_call};
static const fl_singleton warm = {FL_SINGLETON_GUARD("svc_guard"), .server = &server, .name = "svc",
	.args = "given", .is_warm = true};
static const fl_singleton cold = {
	FL_SINGLETON_GUARD("svc_guard"), .server = &server, .name = "svc", .args = "given"};

/* ---- a cluster ------------------------------------------------------------------------------- */

typedef struct world_of {
	fl_sim *sim;
	fl_sim_node *nodes[COUNT];
} world_of;

static int start_guard(fl_sim_node *node, void *ctx)
{
	fl_error err = {0};
	int rc = fl_pg_start(fl_sim_handle(node), FL_PG);

	return rc == FL_OK ? fl_node_start(
				     fl_sim_handle(node), &((const fl_singleton *)ctx)->guard, &err)
			   : rc;
}

static void start(world_of *w, int i)
{
	CU_ASSERT_EQUAL_FATAL(fl_sim_start(w->nodes[i], NULL), FL_OK);
	for (int j = 0; j < COUNT; j++)
		if (j != i)
			(void)fl_sim_connect(w->nodes[i], names[j]);
}

static void fill_world(world_of *w, const fl_singleton *what)
{
	static const char *const settings[] = {
		"global.prevent_overlapping_partitions", "off", NULL};
	const fl_sim_config config = {.tick_time_ms = 8000,
		.settings = settings,
		.on_start = start_guard,
		.ctx = (void *)(uintptr_t)what};

	for (int i = 0; i < COUNT; i++)
		w->nodes[i] = fl_sim_add(w->sim, names[i], &config, NULL);
	for (int i = 0; i < COUNT; i++)
		start(w, i);
	fl_sim_run(w->sim, 20000);
}

static world_of open_world(uint64_t seed, const fl_singleton *what)
{
	world_of w = {.sim = fl_sim_new(&(fl_sim_options){.seed = seed})};

	fill_world(&w, what);
	return w;
}

typedef struct look {
	int64_t total, age;
	uint64_t epoch;
	bool was_warm;
} look;

static bool ask(world_of *w, int from, look *ret)
{
	fl_buf reply = FL_BUF_INIT;
	bool is = fl_sim_call(w->nodes[from], fl_global("svc"), 3000, &reply, "get") == FL_OK &&
		  fl_match(fl_buf_term(&reply), "{~, ~, ~, ~}", &ret->total, &ret->epoch, &ret->age,
			  &ret->was_warm);

	fl_buf_free(&reply);
	return is;
}

static bool says(world_of *w, int i, const char *key, const char *value)
{
	fl_buf reply = FL_BUF_INIT;
	char text[128] = "";
	fl_term found;

	if (fl_sim_call(w->nodes[i], fl_name_at("svc_guard", names[i]), 3000, &reply, "status") ==
			FL_OK &&
		fl_get(fl_buf_term(&reply), key, &found))
		(void)fl_print_to(text, sizeof text, found);
	fl_buf_free(&reply);
	return strcmp(text, value) == 0;
}

static int holder(world_of *w)
{
	for (int i = 0; i < COUNT; i++)
		if (fl_sim_state_of(w->nodes[i]) == FL_SIM_UP && says(w, i, "state", "holding"))
			return i;
	CU_FAIL("nobody holds it");
	return 0;
}

static void put(world_of *w, int64_t total)
{
	CU_ASSERT_EQUAL(
		fl_sim_call(w->nodes[holder(w)], fl_global("svc"), 3000, NULL, "{put, ~}", total),
		FL_OK);
	fl_sim_run(w->sim, 1000);
}

static int other_than(const world_of *w, int i)
{
	for (int j = 0; j < COUNT; j++)
		if (j != i && fl_sim_state_of(w->nodes[j]) == FL_SIM_UP)
			return j;
	return i;
}

/* Its node dies; who asks then, on another one. */
static look lose_holder(world_of *w)
{
	int old = holder(w), other = other_than(w, old);
	look l = {.total = -1};

	fl_sim_crash_node(w->nodes[old], FL_SIM_KILLED);
	fl_sim_run(w->sim, 10000);
	CU_ASSERT_TRUE(ask(w, other, &l));
	return l;
}

/* ---- standbys -------------------------------------------------------------------------------- */

static void standby_takes_over_without_an_init_of_its_own(void)
{
	world_of w = open_world(1, &warm);
	look first, second;

	CU_ASSERT_TRUE(ask(&w, 0, &first));
	CU_ASSERT_TRUE(first.was_warm && first.epoch != 0 && first.age == -1);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_TRUE(says(&w, i, "standby", i == holder(&w) ? "false" : "true"));
	second = lose_holder(&w);
	CU_ASSERT_TRUE(second.was_warm && second.epoch > first.epoch);
	CU_ASSERT_TRUE(second.total == 0 && second.age == -1);
	fl_sim_delete(w.sim);
}

static void standby_is_found_by_nobody(void)
{
	world_of w = open_world(2, &warm);
	int other = other_than(&w, holder(&w));
	look l;

	/* the one with the name is on another node, for whoever asks from here */
	CU_ASSERT_TRUE(ask(&w, other, &l));
	CU_ASSERT_EQUAL(
		fl_sim_call(w.nodes[other], fl_name_at("svc", names[other]), 3000, NULL, "get"),
		FL_ENOPROC);
	fl_sim_delete(w.sim);
}

static void server_of_a_warm_candidate_that_ends_is_followed_by_a_standby(void)
{
	world_of w = open_world(3, &warm);
	look before, after;

	CU_ASSERT_TRUE(ask(&w, 0, &before));
	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[0], fl_global("svc"), 3000, NULL, "die"), FL_OK);
	fl_sim_run(w.sim, 10000);
	CU_ASSERT_TRUE(ask(&w, 0, &after));
	CU_ASSERT_TRUE(after.was_warm && after.epoch > before.epoch);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_TRUE(says(&w, i, "standby", i == holder(&w) ? "false" : "true"));
	fl_sim_delete(w.sim);
}

static void moved_server_replaces_the_standby_of_its_new_node(void)
{
	world_of w = open_world(4, &warm);
	int from = holder(&w), to = other_than(&w, from);
	look l;

	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[from], fl_name_at("svc_guard", names[from]), 70000,
				NULL, "{move, ~}", fl_atom_of(names[to])),
		FL_OK);
	fl_sim_run(w.sim, 15000);
	CU_ASSERT_EQUAL(holder(&w), to);
	CU_ASSERT_TRUE(ask(&w, 0, &l) && !l.was_warm);
	for (int i = 0; i < COUNT; i++)
		CU_ASSERT_TRUE(says(&w, i, "standby", i == to ? "false" : "true"));
	fl_sim_delete(w.sim);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void copied_state_survives_its_node(void)
{
	for (int is_warm = 0; is_warm < 2; is_warm++) {
		world_of w = open_world(5, is_warm ? &warm : &cold);
		look l;

		put(&w, 41);
		put(&w, 42);
		for (int i = 0; i < COUNT; i++)
			CU_ASSERT_FALSE(says(&w, i, "replica_ms", "-1"));
		l = lose_holder(&w);
		CU_ASSERT_EQUAL(l.total, 42);
		CU_ASSERT_EQUAL(l.was_warm, is_warm == 1);
		CU_ASSERT(l.age >= 1000 && l.age < 12000);
		l = lose_holder(&w); /* and the last one left, that had been told nothing since */
		CU_ASSERT_EQUAL(l.total, 42);
		fl_sim_delete(w.sim);
	}
}

static void newcomer_is_given_the_last_copy(void)
{
	world_of w = open_world(6, &cold);
	int old, kept;
	look l;

	put(&w, 7);
	(void)lose_holder(&w);
	put(&w, 8);
	for (old = 0; fl_sim_state_of(w.nodes[old]) == FL_SIM_UP;)
		old++;
	start(&w, old);
	fl_sim_run(w.sim, 20000);
	CU_ASSERT_FALSE(says(&w, old, "replica_ms", "-1"));
	kept = old;
	for (int i = 0; i < COUNT; i++)
		if (i != kept)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	fl_sim_run(w.sim, 10000);
	CU_ASSERT_TRUE(ask(&w, kept, &l));
	CU_ASSERT_EQUAL(l.total, 8);
	fl_sim_delete(w.sim);
}

static void state_that_ends_each_server_is_dropped(void)
{
	world_of w = open_world(7, &cold);
	look l;

	put(&w, POISON);
	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[0], fl_global("svc"), 3000, NULL, "die"), FL_OK);
	fl_sim_run(w.sim, 60000);
	CU_ASSERT_TRUE(ask(&w, 0, &l));
	CU_ASSERT_TRUE(l.total == 0 && l.age == -1);
	fl_sim_delete(w.sim);
}

static void copies_of_others_are_not_believed(void)
{
	world_of w = open_world(8, &cold);
	int old = holder(&w);
	look l;

	put(&w, 5);
	for (int i = 0; i < COUNT; i++) {
		(void)fl_sim_cast(w.nodes[old], fl_name_at("svc_guard", names[i]),
			"{fl, 1, replica, #{from => 'x', epoch => 99999999999, state => 666}}");
		(void)fl_sim_send(
			w.nodes[old], fl_name_at("svc_guard", names[i]), "{fl_replica, x, 666}");
	}
	fl_sim_run(w.sim, 1000);
	l = lose_holder(&w);
	CU_ASSERT_EQUAL(l.total, 5);
	fl_sim_delete(w.sim);
}

/* ---- epochs on a disk ------------------------------------------------------------------------ */

static void remove_all(const char *dir)
{
	char path[512];
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d != NULL && (entry = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

static void epochs_grow_after_all_were_down(void)
{
	char dir[] = "/tmp/flitch_epochs_XXXXXX";
	fl_singleton kept = cold;
	uint64_t last = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	kept.epoch_dir = dir;
	for (int life = 0; life < 3; life++) {
		world_of w = open_world(9, &kept);
		look l = {.epoch = 0};

		CU_ASSERT_TRUE(ask(&w, 0, &l) && l.epoch > last);
		CU_ASSERT(FL_EPOCH_COUNT(l.epoch) > FL_EPOCH_COUNT(last));
		last = lose_holder(&w).epoch;
		CU_ASSERT(last > l.epoch);
		fl_sim_delete(w.sim);
	}
	remove_all(dir);
}

static void epoch_that_cannot_be_kept_is_not_given_out(void)
{
	fl_singleton kept = cold;
	world_of w;
	look l;

	kept.epoch_dir = "/nonexistent/epochs";
	w = open_world(10, &kept);
	CU_ASSERT_FALSE(ask(&w, 0, &l));
	fl_sim_delete(w.sim);
}

/* How often the number in the file of a node changes while another node's guard raises it. */
static int writes_of(world_of *w, const char *dir, int node, int raiser)
{
	uint64_t last = 0, epoch = 0;
	fl_buf reply = FL_BUF_INIT;
	int writes = 0;
	fl_term from; /* any process of that node */

	CU_ASSERT_EQUAL_FATAL(fl_sim_call(w->nodes[raiser], fl_name_at("svc_guard", names[raiser]),
				      3000, &reply, "status"),
		FL_OK);
	CU_ASSERT_TRUE_FATAL(fl_get(fl_buf_term(&reply), "holder", &from));
	for (uint64_t i = 1; i <= 200; i++) {
		(void)fl_sim_cast(w->nodes[raiser], fl_name_at("svc_guard", names[node]),
			"{fl, 1, released, #{from => ~, epoch => ~, seen => 0}}", from,
			(1000 + i) << 16);
		fl_sim_run(w->sim, 10);
		CU_ASSERT_EQUAL(
			fli_epoch_read(dir, "svc_guard", fl_atom_of(names[node]), &epoch), FL_OK);
		writes += epoch != last ? 1 : 0;
		last = epoch;
	}
	fl_sim_run(w->sim, 1000);
	CU_ASSERT_EQUAL(fli_epoch_read(dir, "svc_guard", fl_atom_of(names[node]), &epoch), FL_OK);
	CU_ASSERT_TRUE(epoch >= 1200ULL << 16);
	fl_buf_free(&reply);
	return writes;
}

static void a_peer_that_raises_epochs_does_not_set_the_pace_of_writes(void)
{
	char dir[] = "/tmp/flitch_epochs_XXXXXX";
	fl_singleton kept = cold;
	world_of w;
	int raiser;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	kept.epoch_dir = dir;
	w = open_world(15, &kept);
	raiser = holder(&w);
	CU_ASSERT(writes_of(&w, dir, other_than(&w, raiser), raiser) <= 4);
	fl_sim_delete(w.sim);
	remove_all(dir);
}

static void file_holds_one_number(void)
{
	char dir[] = "/tmp/flitch_epochs_XXXXXX", path[128];
	fl_atom node = fl_atom_of("a@h");
	uint64_t epoch = 1;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL(fli_epoch_read(dir, "g", node, &epoch), FL_OK);
	CU_ASSERT_EQUAL(epoch, 0);
	CU_ASSERT_EQUAL(fli_epoch_write(dir, "g", node, UINT64_MAX), FL_OK);
	CU_ASSERT_EQUAL(fli_epoch_read(dir, "g", node, &epoch), FL_OK);
	CU_ASSERT_EQUAL(epoch, UINT64_MAX);
	CU_ASSERT_EQUAL(fli_epoch_write(dir, "../g", node, 1), FL_ELIMIT);
	(void)snprintf(path, sizeof path, "%s/g.a@h.epoch", dir);
	fd = open(path, O_WRONLY | O_TRUNC);
	CU_ASSERT(fd >= 0 && write(fd, "12x\n", 4) == 4);
	(void)close(fd);
	CU_ASSERT_EQUAL(fli_epoch_read(dir, "g", node, &epoch), FL_EFORMAT);
	remove_all(dir);
}

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
	return on_init(self, state, args);
}

static const fl_behaviour leased_server = {.name = "svc",
	.state_size = sizeof(svc),
	.init = leased_init,
	.info = on_info,
	.call = on_call};
static const fl_singleton leased = {FL_SINGLETON_GUARD("svc_guard"), .server = &leased_server,
	.name = "svc", .args = "given", .give = give, .lease = &lease, .lease_ttl_ms = 20000};

static world_of open_leased(uint64_t seed)
{
	world_of w;

	shop = (store){.sim = NULL};
	w = (world_of){.sim = NULL};
	w.sim = fl_sim_new(&(fl_sim_options){.seed = seed});
	shop.sim = w.sim;
	fill_world(&w, &leased);
	return w;
}

static int move(world_of *w, int from, int to)
{
	fl_buf reply = FL_BUF_INIT;
	bool is_ok = fl_sim_call(w->nodes[from], fl_name_at("svc_guard", names[from]), 70000,
			     &reply, "{move, ~}", fl_atom_of(names[to])) == FL_OK &&
		     fl_match(fl_buf_term(&reply), "ok");

	fl_buf_free(&reply);
	return is_ok ? FL_OK : FL_EBUSY;
}

static void lease_goes_with_a_move(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		world_of w = open_leased(seed);
		int from = holder(&w), to = other_than(&w, from);
		look before, after;

		put(&w, 77);
		CU_ASSERT_TRUE(ask(&w, to, &before));
		CU_ASSERT_STRING_EQUAL(shop.holder, names[from]);
		CU_ASSERT_EQUAL(move(&w, from, to), FL_OK);
		fl_sim_run(w.sim, 2000);
		CU_ASSERT_STRING_EQUAL(shop.holder, names[to]);
		CU_ASSERT_EQUAL(shop.grants, 2);
		CU_ASSERT_TRUE(ask(&w, from, &after));
		CU_ASSERT_TRUE(after.total == 77 && after.epoch > before.epoch);
		fl_sim_run(w.sim, 60000); /* it is renewed by the new one */
		CU_ASSERT_EQUAL(holder(&w), to);
		CU_ASSERT_STRING_EQUAL(shop.holder, names[to]);
		fl_sim_delete(w.sim);
	}
}

/* The store does not give it to the heir: nobody runs without, another one takes over. */
static void heir_without_the_lease_does_not_run(void)
{
	world_of w = open_leased(3);
	int from = holder(&w), to = other_than(&w, from);
	look l = {.total = -1};

	put(&w, 5);
	shop.refuses = names[to];
	(void)move(&w, from, to);
	fl_sim_run(w.sim, 60000);
	CU_ASSERT(holder(&w) != to);
	CU_ASSERT_STRING_EQUAL(shop.holder, names[holder(&w)]);
	CU_ASSERT_TRUE(ask(&w, from, &l));
	CU_ASSERT_EQUAL(l.total, 5); /* by the copy */
	fl_sim_delete(w.sim);
}

/* A node that stops hands it over, lease and all. */
static void lease_goes_with_a_stop(void)
{
	world_of w = open_leased(4);
	int from = holder(&w);
	look l = {.total = -1};

	put(&w, 9);
	fl_sim_stop(w.nodes[from]);
	CU_ASSERT_TRUE(fl_sim_await(w.nodes[from], FL_SIM_DOWN, 30000));
	fl_sim_run(w.sim, 3000);
	CU_ASSERT_TRUE(ask(&w, other_than(&w, from), &l));
	CU_ASSERT_TRUE(l.total == 9 && l.age == -1);
	CU_ASSERT_STRING_EQUAL(shop.holder, names[holder(&w)]);
	fl_sim_delete(w.sim);
}

/* Whoever says that it holds it has the lease by the store's word. */
static void holder_has_the_lease_for(world_of *w, uint32_t ms)
{
	for (uint32_t at = 0; at < ms; at += 100) {
		fl_sim_run(w->sim, 100);
		for (int i = 0; i < COUNT; i++)
			if (fl_sim_state_of(w->nodes[i]) == FL_SIM_UP &&
				says(w, i, "state", "holding"))
				CU_ASSERT_TRUE(strcmp(shop.holder, names[i]) == 0 &&
					       fl_sim_now_ms(shop.sim) < shop.until_ms);
	}
}

static void await_renewal(const world_of *w)
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
	world_of w = {.sim = fl_sim_new(&(fl_sim_options){.seed = 5})};
	int from, to;

	hasty.move_ms = 5000;
	shop = (store){.sim = w.sim};
	fill_world(&w, &hasty);
	from = holder(&w);
	to = other_than(&w, from);
	for (int i = 0; i < COUNT; i++)
		if (i != from && i != to)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	await_renewal(&w);
	fl_sim_work_takes(w.nodes[from], 40000);
	(void)fl_sim_call(w.nodes[from], fl_name_at("svc_guard", names[from]), 1000, NULL,
		"{move, ~}", fl_atom_of(names[to]));
	fl_sim_work_takes(w.nodes[from], 0);
	fl_sim_crash_node(w.nodes[to], FL_SIM_KILLED); /* nobody else may take it */
	holder_has_the_lease_for(&w, 60000);
	CU_ASSERT_EQUAL(holder(&w), from);
	fl_sim_delete(w.sim);
}

/* A release and the acquire after it are one after the other at the store, too. */
static void one_that_is_alone_keeps_the_lease_of_its_next_server(void)
{
	world_of w = open_leased(6);
	int from = holder(&w);

	for (int i = 0; i < COUNT; i++)
		if (i != from)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	for (int round = 0; round < 10; round++) {
		fl_sim_run(w.sim, 61000); /* so long that its end is no failure */
		(void)fl_sim_call(w.nodes[from], fl_global("svc"), 1000, NULL, "die");
		holder_has_the_lease_for(&w, 1000);
		CU_ASSERT_EQUAL(holder(&w), from);
	}
	fl_sim_delete(w.sim);
}

FL_SUITE("sim_standby", FL_TEST(standby_takes_over_without_an_init_of_its_own),
	FL_TEST(standby_is_found_by_nobody),
	FL_TEST(server_of_a_warm_candidate_that_ends_is_followed_by_a_standby),
	FL_TEST(moved_server_replaces_the_standby_of_its_new_node),
	FL_TEST(copied_state_survives_its_node), FL_TEST(newcomer_is_given_the_last_copy),
	FL_TEST(state_that_ends_each_server_is_dropped), FL_TEST(copies_of_others_are_not_believed),
	FL_TEST(epochs_grow_after_all_were_down),
	FL_TEST(epoch_that_cannot_be_kept_is_not_given_out),
	FL_TEST(a_peer_that_raises_epochs_does_not_set_the_pace_of_writes),
	FL_TEST(file_holds_one_number), FL_TEST(lease_goes_with_a_move),
	FL_TEST(heir_without_the_lease_does_not_run), FL_TEST(lease_goes_with_a_stop),
	FL_TEST(release_of_a_move_that_was_given_up_frees_nothing_later),
	FL_TEST(one_that_is_alone_keeps_the_lease_of_its_next_server));
