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
#include "node/runtime.h"
#include "tests/support/sim_svc.h"
#include "tests/support/suite.h"

/* ---- standbys -------------------------------------------------------------------------------- */

static void standby_takes_over_without_an_init_of_its_own(void)
{
	svc_town w = svc_open(1, &svc_warm);
	svc_look first, second;

	CU_ASSERT_TRUE(svc_ask(&w, 0, &first));
	CU_ASSERT_TRUE(first.was_warm && first.epoch != 0 && first.age == -1);
	for (int i = 0; i < SVC_COUNT; i++)
		CU_ASSERT_TRUE(svc_says(&w, i, "standby", i == svc_holder(&w) ? "false" : "true"));
	second = svc_lose_holder(&w);
	CU_ASSERT_TRUE(second.was_warm && second.epoch > first.epoch);
	CU_ASSERT_TRUE(second.total == 0 && second.age == -1);
	fl_sim_delete(w.sim);
}

static void standby_is_found_by_nobody(void)
{
	svc_town w = svc_open(2, &svc_warm);
	int other = svc_other_than(&w, svc_holder(&w));
	svc_look l;

	/* the one with the name is on another node, for whoever asks from here */
	CU_ASSERT_TRUE(svc_ask(&w, other, &l));
	CU_ASSERT_EQUAL(
		fl_sim_call(w.nodes[other], fl_name_at("svc", svc_names[other]), 3000, NULL, "get"),
		FL_ENOPROC);
	fl_sim_delete(w.sim);
}

static void server_of_a_warm_candidate_that_ends_is_followed_by_a_standby(void)
{
	svc_town w = svc_open(3, &svc_warm);
	svc_look before, after;

	CU_ASSERT_TRUE(svc_ask(&w, 0, &before));
	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[0], fl_global("svc"), 3000, NULL, "die"), FL_OK);
	fl_sim_run(w.sim, 10000);
	CU_ASSERT_TRUE(svc_ask(&w, 0, &after));
	CU_ASSERT_TRUE(after.was_warm && after.epoch > before.epoch);
	for (int i = 0; i < SVC_COUNT; i++)
		CU_ASSERT_TRUE(svc_says(&w, i, "standby", i == svc_holder(&w) ? "false" : "true"));
	fl_sim_delete(w.sim);
}

static void moved_server_replaces_the_standby_of_its_new_node(void)
{
	svc_town w = svc_open(4, &svc_warm);
	int from = svc_holder(&w), to = svc_other_than(&w, from);
	svc_look l;

	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[from], fl_name_at("svc_guard", svc_names[from]), 70000,
				NULL, "{move, ~}", fl_atom_of(svc_names[to])),
		FL_OK);
	fl_sim_run(w.sim, 15000);
	CU_ASSERT_EQUAL(svc_holder(&w), to);
	CU_ASSERT_TRUE(svc_ask(&w, 0, &l) && !l.was_warm);
	for (int i = 0; i < SVC_COUNT; i++)
		CU_ASSERT_TRUE(svc_says(&w, i, "standby", i == to ? "false" : "true"));
	fl_sim_delete(w.sim);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void copied_state_survives_its_node(void)
{
	for (int is_warm = 0; is_warm < 2; is_warm++) {
		svc_town w = svc_open(5, is_warm ? &svc_warm : &svc_cold);
		svc_look l;

		svc_put(&w, 41);
		svc_put(&w, 42);
		for (int i = 0; i < SVC_COUNT; i++)
			CU_ASSERT_FALSE(svc_says(&w, i, "replica_ms", "-1"));
		l = svc_lose_holder(&w);
		CU_ASSERT_EQUAL(l.total, 42);
		CU_ASSERT_EQUAL(l.was_warm, is_warm == 1);
		CU_ASSERT(l.age >= 1000 && l.age < 12000);
		l = svc_lose_holder(
			&w); /* and the last one left, that had been told nothing since */
		CU_ASSERT_EQUAL(l.total, 42);
		fl_sim_delete(w.sim);
	}
}

static void newcomer_is_given_the_last_copy(void)
{
	svc_town w = svc_open(6, &svc_cold);
	int old, kept;
	svc_look l;

	svc_put(&w, 7);
	(void)svc_lose_holder(&w);
	svc_put(&w, 8);
	for (old = 0; fl_sim_state_of(w.nodes[old]) == FL_SIM_UP;)
		old++;
	svc_start(&w, old);
	fl_sim_run(w.sim, 20000);
	CU_ASSERT_FALSE(svc_says(&w, old, "replica_ms", "-1"));
	kept = old;
	for (int i = 0; i < SVC_COUNT; i++)
		if (i != kept)
			fl_sim_crash_node(w.nodes[i], FL_SIM_KILLED);
	fl_sim_run(w.sim, 10000);
	CU_ASSERT_TRUE(svc_ask(&w, kept, &l));
	CU_ASSERT_EQUAL(l.total, 8);
	fl_sim_delete(w.sim);
}

static void state_that_ends_each_server_is_dropped(void)
{
	svc_town w = svc_open(7, &svc_cold);
	svc_look l;

	svc_put(&w, SVC_POISON);
	CU_ASSERT_EQUAL(fl_sim_call(w.nodes[0], fl_global("svc"), 3000, NULL, "die"), FL_OK);
	fl_sim_run(w.sim, 60000);
	CU_ASSERT_TRUE(svc_ask(&w, 0, &l));
	CU_ASSERT_TRUE(l.total == 0 && l.age == -1);
	fl_sim_delete(w.sim);
}

static void copies_of_others_are_not_believed(void)
{
	svc_town w = svc_open(8, &svc_cold);
	int old = svc_holder(&w);
	svc_look l;

	svc_put(&w, 5);
	for (int i = 0; i < SVC_COUNT; i++) {
		(void)fl_sim_cast(w.nodes[old], fl_name_at("svc_guard", svc_names[i]),
			"{fl, 1, replica, #{from => 'x', epoch => 99999999999, state => 666}}");
		(void)fl_sim_send(w.nodes[old], fl_name_at("svc_guard", svc_names[i]),
			"{fl_replica, x, 666}");
	}
	fl_sim_run(w.sim, 1000);
	l = svc_lose_holder(&w);
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
	fl_singleton kept = svc_cold;
	uint64_t last = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	kept.epoch_dir = dir;
	for (int life = 0; life < 3; life++) {
		svc_town w = svc_open(9, &kept);
		svc_look l = {.epoch = 0};

		CU_ASSERT_TRUE(svc_ask(&w, 0, &l) && l.epoch > last);
		CU_ASSERT(FL_EPOCH_COUNT(l.epoch) > FL_EPOCH_COUNT(last));
		last = svc_lose_holder(&w).epoch;
		CU_ASSERT(last > l.epoch);
		fl_sim_delete(w.sim);
	}
	remove_all(dir);
}

static void epoch_that_cannot_be_kept_is_not_given_out(void)
{
	fl_singleton kept = svc_cold;
	svc_town w;
	svc_look l;

	kept.epoch_dir = "/nonexistent/epochs";
	w = svc_open(10, &kept);
	CU_ASSERT_FALSE(svc_ask(&w, 0, &l));
	fl_sim_delete(w.sim);
}

/* How often the number in the file of a node changes while another node's guard raises it. */
static int writes_of(svc_town *w, const char *dir, int node, int raiser)
{
	uint64_t last = 0, epoch = 0;
	fl_buf reply = FL_BUF_INIT;
	int writes = 0;
	fl_term from; /* any process of that node */

	CU_ASSERT_EQUAL_FATAL(
		fl_sim_call(w->nodes[raiser], fl_name_at("svc_guard", svc_names[raiser]), 3000,
			&reply, "status"),
		FL_OK);
	CU_ASSERT_TRUE_FATAL(fl_get(fl_buf_term(&reply), "holder", &from));
	for (uint64_t i = 1; i <= 200; i++) {
		(void)fl_sim_cast(w->nodes[raiser], fl_name_at("svc_guard", svc_names[node]),
			"{fl, 1, released, #{from => ~, epoch => ~, seen => 0}}", from,
			(1000 + i) << 16);
		fl_sim_run(w->sim, 10);
		CU_ASSERT_EQUAL(
			fli_epoch_read(dir, "svc_guard", fl_atom_of(svc_names[node]), &epoch),
			FL_OK);
		writes += epoch != last ? 1 : 0;
		last = epoch;
	}
	fl_sim_run(w->sim, 1000);
	CU_ASSERT_EQUAL(
		fli_epoch_read(dir, "svc_guard", fl_atom_of(svc_names[node]), &epoch), FL_OK);
	CU_ASSERT_TRUE(epoch >= 1200ULL << 16);
	fl_buf_free(&reply);
	return writes;
}

static void a_peer_that_raises_epochs_does_not_set_the_pace_of_writes(void)
{
	char dir[] = "/tmp/flitch_epochs_XXXXXX";
	fl_singleton kept = svc_cold;
	svc_town w;
	int raiser;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	kept.epoch_dir = dir;
	w = svc_open(15, &kept);
	raiser = svc_holder(&w);
	CU_ASSERT(writes_of(&w, dir, svc_other_than(&w, raiser), raiser) <= 4);
	fl_sim_delete(w.sim);
	remove_all(dir);
}

static const char *kept_dir;
static uint64_t kept_starts, kept_by_all;

/* Those that live have granted the claim of whoever starts. */
static int init_that_looks(fl_proc *self, void *state, fl_term args)
{
	int rc = svc_on_init(self, state, args), count = 0;
	uint64_t epoch;

	for (int i = 0; i < SVC_COUNT; i++)
		count += fli_epoch_read(kept_dir, "svc_guard", fl_atom_of(svc_names[i]), &epoch) ==
				 FL_OK &&
			 epoch >= ((svc *)state)->epoch;
	kept_by_all += count >= SVC_COUNT - (kept_starts++ > 0);
	return rc;
}

static const fl_behaviour looking = {.name = "svc",
	.state_size = sizeof(svc),
	.init = init_that_looks,
	.info = svc_on_info,
	.call = svc_on_call};

/* The second word comes soon after the first was written, and so is not for a while. */
static void raise_epochs(svc_town *w, int a, int b)
{
	const int both[] = {a, b};

	for (uint64_t i = 0; i < 4; i++) {
		(void)fl_sim_cast(w->nodes[both[i % 2]],
			fl_name_at("svc_guard", svc_names[both[1 - i % 2]]),
			"{fl, 1, released, #{from => ~, epoch => ~, seen => 0}}",
			fl_sim_handle(w->nodes[both[i % 2]])->system_pid, (1000 + i) << 16);
		fl_sim_run(w->sim, 50);
	}
}

static void epoch_of_a_server_is_kept_by_all_who_granted_it(void)
{
	char dir[] = "/tmp/flitch_epochs_XXXXXX";
	fl_singleton kept = svc_cold;
	int old, other;
	svc_town w;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	kept_dir = kept.epoch_dir = dir;
	kept.server = &looking;
	kept_starts = kept_by_all = 0;
	w = svc_open(16, &kept);
	CU_ASSERT(kept_starts == 1 && kept_by_all == 1);
	old = svc_holder(&w);
	other = svc_other_than(&w, old);
	raise_epochs(&w, other, SVC_COUNT - old - other);
	fl_sim_crash_node(w.nodes[old], FL_SIM_KILLED);
	fl_sim_run(w.sim, 10000);
	CU_ASSERT(kept_starts == 2 && kept_by_all == 2);
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

FL_SUITE("sim_standby", FL_TEST(standby_takes_over_without_an_init_of_its_own),
	FL_TEST(standby_is_found_by_nobody),
	FL_TEST(server_of_a_warm_candidate_that_ends_is_followed_by_a_standby),
	FL_TEST(moved_server_replaces_the_standby_of_its_new_node),
	FL_TEST(copied_state_survives_its_node), FL_TEST(newcomer_is_given_the_last_copy),
	FL_TEST(state_that_ends_each_server_is_dropped), FL_TEST(copies_of_others_are_not_believed),
	FL_TEST(epochs_grow_after_all_were_down),
	FL_TEST(epoch_that_cannot_be_kept_is_not_given_out),
	FL_TEST(a_peer_that_raises_epochs_does_not_set_the_pace_of_writes),
	FL_TEST(epoch_of_a_server_is_kept_by_all_who_granted_it), FL_TEST(file_holds_one_number));
