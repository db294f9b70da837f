/* SPDX-License-Identifier: Apache-2.0 */
/* The run of the simulated world: its clock, its order, its trace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/dice.h"
#include "sim/heap.h"
#include "tests/support/sim_servers.h"
#include "tests/support/suite.h"

#define A "a@one.sim"
#define B "b@two.sim"

/* ---- the heap -------------------------------------------------------------------------------- */

static void events_come_by_time_and_then_as_they_were_set(void)
{
	fli_heap heap = {0};
	fli_event events[200] = {{.fire = NULL}};
	fli_dice dice = {11};
	uint64_t at = 0, seq = 0;
	size_t count = 0;

	for (int i = 0; i < 200; i++)
		fli_heap_set(&heap, &events[i], fli_dice_below(&dice, 20));
	for (int i = 0; i < 200; i += 3)
		fli_heap_unset(&heap, &events[i]);
	for (int i = 1; i < 200; i += 6)
		fli_heap_set(&heap, &events[i], fli_dice_below(&dice, 20));
	for (fli_event *e; (e = fli_heap_pop(&heap)) != NULL; count++) {
		CU_ASSERT_TRUE(e->at_ns > at || (e->at_ns == at && e->seq > seq));
		CU_ASSERT_FALSE(fli_event_is_set(e));
		at = e->at_ns;
		seq = e->seq;
	}
	CU_ASSERT_EQUAL(count, 200 - 67);
	fli_heap_destroy(&heap);
}

static void an_event_is_moved_only_to_an_earlier_time(void)
{
	fli_heap heap = {0};
	fli_event event = {.fire = NULL};

	fli_heap_set_earlier(&heap, &event, 10);
	fli_heap_set_earlier(&heap, &event, 20);
	CU_ASSERT_EQUAL(event.at_ns, 10);
	fli_heap_set_earlier(&heap, &event, 5);
	CU_ASSERT_EQUAL(event.at_ns, 5);
	fli_heap_destroy(&heap);
}

/* ---- the clock ------------------------------------------------------------------------------- */

typedef struct diary {
	fl_sim *sim;
	uint64_t times[8];
	size_t count;
} diary;

static void on_time(void *ctx)
{
	diary *d = ctx;

	d->times[d->count++] = fl_sim_now_ms(d->sim);
	if (d->count < 3)
		fl_sim_at(d->sim, 100, on_time, d);
}

static bool has_two(void *ctx)
{
	return ((const diary *)ctx)->count == 2;
}

static void the_clock_jumps_to_what_is_due(void)
{
	diary d = {.sim = fl_sim_new(NULL)};

	fl_sim_at(d.sim, 50, on_time, &d);
	fl_sim_run(d.sim, 49);
	CU_ASSERT_EQUAL(d.count, 0);
	CU_ASSERT_EQUAL(fl_sim_now_ms(d.sim), 49);
	CU_ASSERT_TRUE(fl_sim_run_until(d.sim, 1000, has_two, &d));
	CU_ASSERT_EQUAL(fl_sim_now_ms(d.sim), 150);
	fl_sim_run(d.sim, 1000);
	CU_ASSERT_EQUAL(d.count, 3);
	CU_ASSERT_EQUAL(d.times[2], 250);
	CU_ASSERT_EQUAL(fl_sim_now_ms(d.sim), 1150);
	CU_ASSERT_FALSE(fl_sim_run_until(d.sim, 1000, has_two, &d));
	CU_ASSERT_EQUAL(fl_sim_now_ms(d.sim), 2150);
	fl_sim_at(d.sim, 10, on_time, &d);
	fl_sim_delete(d.sim);
}

/* ---- the same again -------------------------------------------------------------------------- */

static void crash(void *ctx)
{
	fl_sim_crash_node(ctx, FL_SIM_KILLED);
}

static void some_trouble(fl_sim *sim, fl_sim_node *a, fl_sim_node *b)
{
	(void)sim_ask(a, B, "{work, 1}");
	(void)sim_ask(b, A, "{via, '" B "'}");
	(void)fl_sim_forge(a, B, FL_SIM_FORGE_FLIP, NULL, 0);
	fl_sim_fail_alloc(b, fl_sim_random(sim, 50));
	(void)sim_ask(a, B, "{add, 3}");
	fl_sim_set_link(sim, "one.sim", "two.sim",
		&(fl_sim_link){.delay_us = 10, .jitter_us = 900, .read_max = 9, .write_max = 9});
	(void)sim_ask(b, A, "{sleep, 7}");
	fl_sim_cut(sim, "one.sim", "two.sim");
	fl_sim_run(sim, 90000);
	fl_sim_heal(sim);
	fl_sim_at(sim, 5, crash, b);
	(void)sim_ask(a, B, "get");
	(void)fl_sim_start(b, NULL);
	(void)sim_ask(a, B, "get");
	fl_sim_stop(a);
	fl_sim_run(sim, 10000);
}

typedef struct tale {
	char *text;
	size_t size;
	uint64_t digest;
} tale;

static tale tell(uint64_t seed, bool has_epmd)
{
	tale t = {0};
	FILE *out = open_memstream(&t.text, &t.size);
	fl_sim *sim =
		fl_sim_new(&(fl_sim_options){.seed = seed, .has_epmd = has_epmd, .trace = out});
	fl_sim_node *a = sim_node(sim, A), *b = sim_node(sim, B);

	some_trouble(sim, a, b);
	t.digest = fl_sim_digest(sim);
	fl_sim_delete(sim);
	(void)fclose(out);
	return t;
}

static void the_same_seed_gives_the_same_trace_byte_for_byte(void)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		tale one = tell(seed, seed % 2 == 0), two = tell(seed, seed % 2 == 0);

		CU_ASSERT_TRUE(one.size > 1000);
		CU_ASSERT_EQUAL(one.size, two.size);
		CU_ASSERT_TRUE(one.size == two.size && memcmp(one.text, two.text, one.size) == 0);
		CU_ASSERT_EQUAL(one.digest, two.digest);
		free(one.text);
		free(two.text);
	}
}

static void another_seed_gives_another_trace(void)
{
	tale one = tell(1, false), two = tell(2, false);

	CU_ASSERT_NOT_EQUAL(one.digest, two.digest);
	free(one.text);
	free(two.text);
}

static void the_last_lines_are_kept_in_memory(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	fl_sim *sim = fl_sim_new(NULL);

	for (int i = 0; i < 1000; i++)
		fl_sim_note(sim, "line %d of the user", i);
	fl_sim_trace(sim, out);
	(void)fclose(out);
	CU_ASSERT_PTR_NULL(strstr(text, "line 599 of"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "line 600 of the user\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "line 999 of"));
	free(text);
	fl_sim_delete(sim);
}

static void a_user_s_draws_do_not_change_what_nodes_draw(void)
{
	uint64_t creations[2];

	for (int i = 0; i < 2; i++) {
		fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = 4});
		fl_sim_node *a = sim_node(sim, A);
		fl_pid pid = {.id = 0};

		if (i == 1)
			(void)fl_sim_random(sim, 100);
		(void)fl_sim_spawn(a, &sim_counter, NULL, &pid, "[]");
		creations[i] = pid.creation;
		fl_sim_delete(sim);
	}
	CU_ASSERT_EQUAL(creations[0], creations[1]);
}

static void a_full_world_of_nodes_meets(void)
{
	fl_sim *sim = fl_sim_new(&(fl_sim_options){.seed = 64});
	fl_sim_node *nodes[FL_SIM_NODES_MAX];
	char name[32];

	for (int i = 0; i < FL_SIM_NODES_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%d@h%d.sim", i, i);
		nodes[i] = sim_node(sim, name);
	}
	CU_ASSERT_PTR_NULL(fl_sim_add(sim, "more@h1.sim", NULL, NULL));
	for (int i = 1; i < FL_SIM_NODES_MAX; i++)
		CU_ASSERT_EQUAL(sim_ask(nodes[i], "n0@h0.sim", "{add, 1}"), i);
	fl_sim_delete(sim);
}

FL_SUITE("sim_world", FL_TEST(events_come_by_time_and_then_as_they_were_set),
	FL_TEST(an_event_is_moved_only_to_an_earlier_time), FL_TEST(the_clock_jumps_to_what_is_due),
	FL_TEST(the_same_seed_gives_the_same_trace_byte_for_byte),
	FL_TEST(another_seed_gives_another_trace), FL_TEST(the_last_lines_are_kept_in_memory),
	FL_TEST(a_user_s_draws_do_not_change_what_nodes_draw),
	FL_TEST(a_full_world_of_nodes_meets));
