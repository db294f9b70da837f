/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers and writers of one table on threads of their own: what each reader sees must be what some
 * order of the writes allows.
 */
#include <flitch.h>
#include <pthread.h>
#include <stdatomic.h>

#include "node/table.h"
#include "tests/support/suite.h"
#include "tests/support/world.h"

enum { READERS = 3, WRITERS = 2, ROUNDS = 4000, STABLE = 64 };

static world w;
static fl_tab tab;
static _Atomic(bool) is_over;
static _Atomic(long) wrong, seen;
static fl_table_type type;

/* CUnit is not for several threads. */
static void check(bool holds)
{
	if (!holds)
		wrong++;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_table_options options = {.access = FL_TABLE_PUBLIC, .type = type};

	(void)state;
	(void)message;
	CU_ASSERT_EQUAL(fl_table_new(self, "t", &options, &tab), FL_OK);
	return FL_OK;
}

static const fl_behaviour owner = {.name = "owner", .info = on_info};

/* `read` runs on its threads until all of `write` have done ROUNDS rounds. */
static void race(fl_table_type of, void *(*read)(void *), void *(*write)(void *), int writers)
{
	pthread_t readers[READERS], others[WRITERS];

	type = of;
	is_over = false;
	wrong = seen = 0;
	world_open(&w, fli_mem_libc());
	(void)world_start(&w, &owner, "owner", NULL);
	world_send(&w, "owner", "make");
	world_settle(&w);
	for (int i = 0; i < STABLE; i++) {
		(void)fl_table_insert(tab, "{{stable, ~}, ~}", i, i);
		(void)fl_table_insert(tab, "{~, ~}", -1 - i, -1 - i);
	}
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read, NULL);
	for (long i = 0; i < writers; i++)
		pthread_create(&others[i], NULL, write, (void *)i);
	for (int i = 0; i < writers; i++)
		pthread_join(others[i], NULL);
	is_over = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(seen > 0);
	world_close(&w);
}

static bool value_of(const char *key, int64_t *ret_value)
{
	fl_term object;
	fl_rows rows;
	bool is_there = fl_table_lookup(tab, &rows, fl_atom_of(key)) == FL_OK;

	if (is_there) {
		check(fl_rows_next(&rows, &object));
		check(fl_match(object, "{_, ~}", ret_value));
		fl_rows_end(&rows);
	}
	return is_there;
}

/* ---- lists of objects appear at once, and never go back ----------------------------------------
 */

static void *write_pairs(void *arg)
{
	fl_buf list = FL_BUF_INIT;

	(void)arg;
	for (int i = 1; i <= ROUNDS; i++) {
		fl_buf_reset(&list);
		(void)fl_build(&list, "[{a, ~}, {b, 0}, {b, ~}, {c, ~}]", i, i, i);
		check(fl_table_insert_list(tab, fl_buf_term(&list), false) == FL_OK);
	}
	fl_buf_free(&list);
	return NULL;
}

/* What is read later is not older: a, then b, then c, then a again. */
static void *read_pairs(void *arg)
{
	int64_t last = 0, a, b, c;

	(void)arg;
	while (!is_over) {
		if (!value_of("a", &a))
			continue;
		check(a >= last);
		check(value_of("b", &b) && b >= a);
		check(value_of("c", &c) && c >= b);
		last = c;
		seen++;
	}
	return NULL;
}

static void inserted_list_is_seen_at_once(void)
{
	race(FL_TABLE_SET, read_pairs, write_pairs, 1);
	race(FL_TABLE_ORDERED_SET, read_pairs, write_pairs, 1);
}

/* ---- no update is lost, no total goes back -----------------------------------------------------
 */

static void *count_up(void *arg)
{
	int64_t total, last = 0;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		check(fl_table_add(tab, fl_atom_of("n"), 1, &total) == FL_OK && total > last);
		last = total;
	}
	return NULL;
}

static void *watch_count(void *arg)
{
	int64_t last = 0, now;

	(void)arg;
	while (!is_over)
		if (value_of("n", &now)) {
			check(now >= last);
			last = now;
			seen++;
		}
	return NULL;
}

static void no_count_is_lost(void)
{
	fl_table_type types[] = {FL_TABLE_SET, FL_TABLE_ORDERED_SET};

	for (int i = 0; i < 2; i++)
		race(types[i], watch_count, count_up, WRITERS);
}

/* ---- what stays is found, whatever comes and goes around it ------------------------------------
 */

static void *churn(void *arg)
{
	long writer = (long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t key = writer * ROUNDS * 2 + i;

		check(fl_table_insert(tab, "{~, ~}", key, key) == FL_OK);
		if (i % 3 == 0)
			check(fl_table_insert(tab, "{~, ~}", key, key) == FL_OK);
		if (i >= 1000)
			check(fl_table_erase(tab, key - 1000) == FL_OK);
	}
	for (int i = 0; i < ROUNDS; i++)
		check(fl_table_erase(tab, writer * ROUNDS * 2 + i) == FL_OK);
	return NULL;
}

static bool count_stable(void *ctx, fl_term object)
{
	int64_t key, value;

	if (fl_match(object, "{{stable, ~}, ~}", &key, &value))
		++*(int *)ctx;
	else
		check(fl_match(object, "{~, ~}", &key, &value));
	check(key == value);
	return true;
}

static void *find_stable(void *arg)
{
	fl_buf key = FL_BUF_INIT;

	(void)arg;
	while (!is_over) {
		int count = 0;

		for (int i = 0; i < STABLE; i++) {
			fl_buf_reset(&key);
			(void)fl_build(&key, "{stable, ~}", i);
			check(fl_table_member(tab, fl_buf_term(&key)) == FL_OK);
		}
		check(fl_table_fold(tab, count_stable, &count) == FL_OK);
		check(count == STABLE);
		seen++;
	}
	fl_buf_free(&key);
	return NULL;
}

/* The same by sections, between keys that come and go. */
static void *find_many(void *arg)
{
	int64_t keys[3 * STABLE], value;
	fl_term objects[3 * STABLE];
	fl_view view;

	(void)arg;
	for (int i = 0; i < 3 * STABLE; i++)
		keys[i] = i % 3 == 0 ? -1 - i / 3 : i;
	while (!is_over) {
		size_t there = 0, found;

		check(fl_view_begin(tab, &view) == FL_OK);
		found = fl_view_get_ints(&view, keys, 3 * STABLE, objects);
		for (int i = 0; i < 3 * STABLE; i++) {
			check(objects[i].data != NULL || i % 3 != 0);
			if (objects[i].data == NULL)
				continue;
			there++;
			check(fl_match(objects[i], "{_, ~}", &value) && value == keys[i]);
		}
		check(there == found);
		fl_view_end(&view);
		seen++;
	}
	return NULL;
}

/* A later key of a window is not older than an earlier one, nor than what a window before had. */
static void *read_pairs_at_once(void *arg)
{
	const char *const names[] = {"a", "b", "c"};
	fl_buf bufs[3] = {FL_BUF_INIT, FL_BUF_INIT, FL_BUF_INIT};
	fl_term keys[3], objects[3];
	int64_t last = 0, values[3];
	fl_view view;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		(void)fl_build(&bufs[i], "~", fl_atom_of(names[i]));
		keys[i] = fl_buf_term(&bufs[i]);
	}
	while (!is_over) {
		check(fl_view_begin(tab, &view) == FL_OK);
		if (fl_view_get_many(&view, keys, 3, objects) == 3) {
			for (int i = 0; i < 3; i++)
				check(fl_match(objects[i], "{_, ~}", &values[i]) &&
					values[i] >= last);
			for (int i = 0; i < 3; i++)
				last = values[i] > last ? values[i] : last;
			seen++;
		}
		fl_view_end(&view);
	}
	for (int i = 0; i < 3; i++)
		fl_buf_free(&bufs[i]);
	return NULL;
}

static void sections_see_what_lookups_see(void)
{
	race(FL_TABLE_SET, find_many, churn, WRITERS);
	race(FL_TABLE_ORDERED_SET, find_many, churn, WRITERS);
	race(FL_TABLE_SET, read_pairs_at_once, write_pairs, 1);
	race(FL_TABLE_ORDERED_SET, read_pairs_at_once, write_pairs, 1);
}

static void what_stays_is_always_found(void)
{
	race(FL_TABLE_SET, find_stable, churn, WRITERS);
	race(FL_TABLE_ORDERED_SET, find_stable, churn, WRITERS);
	race(FL_TABLE_BAG, find_stable, churn, WRITERS);
}

/* ---- a bag's key is one state ------------------------------------------------------------------
 */

static void *turn_bag(void *arg)
{
	fl_buf one = FL_BUF_INIT;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		fl_buf_reset(&one);
		(void)fl_build(&one, "[{k, ~, 1}, {k, ~, 2}, {k, ~, 3}]", i, i, i);
		check(fl_table_insert_list(tab, fl_buf_term(&one), false) == FL_OK);
		check(fl_table_erase(tab, fl_atom_of("k")) == FL_OK);
	}
	fl_buf_free(&one);
	return NULL;
}

static void *read_bag(void *arg)
{
	fl_rows rows;

	(void)arg;
	while (!is_over) {
		int64_t first = -1, round, part, expected = 1;
		fl_term object;

		if (fl_table_lookup(tab, &rows, fl_atom_of("k")) != FL_OK)
			continue;
		while (fl_rows_next(&rows, &object)) {
			check(fl_match(object, "{k, ~, ~}", &round, &part));
			first = first < 0 ? round : first;
			check(round == first && part == expected++);
		}
		check(expected == 4);
		fl_rows_end(&rows);
		seen++;
	}
	seen++; /* it may never have met one */
	return NULL;
}

static void key_of_a_bag_is_one_state(void)
{
	race(FL_TABLE_DUPLICATE_BAG, read_bag, turn_bag, 1);
	race(FL_TABLE_BAG, read_bag, turn_bag, 1);
}

/* ---- a long select_delete lets others in -------------------------------------------------------
 */

enum { MANY = 5000, PIECE_MAX = 1024 };

static void *delete_all(void *arg)
{
	fl_buf spec = FL_BUF_INIT;
	size_t count = 0;

	(void)fl_build(&spec, "{'_', old}");
	check(fl_table_select_delete(tab, FL_MATCH, fl_buf_term(&spec), &count) == FL_OK);
	check(count == MANY);
	fl_buf_free(&spec);
	*(_Atomic(bool) *)arg = true;
	return NULL;
}

static void fill(fl_table_type of)
{
	type = of;
	wrong = 0;
	world_open(&w, fli_mem_libc());
	(void)world_start(&w, &owner, "owner", NULL);
	world_send(&w, "owner", "make");
	world_settle(&w);
	for (int i = 0; i < MANY; i++)
		(void)fl_table_insert(tab, "{~, old}", i);
}

/* Whoever goes on after a piece stands in the line; here the test is before it. */
static void writer_need_not_wait_for_a_long_delete(void)
{
	fl_table_type types[] = {FL_TABLE_SET, FL_TABLE_ORDERED_SET, FL_TABLE_DUPLICATE_BAG};

	for (int i = 0; i < 3; i++) {
		_Atomic(bool) is_done = false;
		pthread_t deleter;
		fli_table *table;

		fill(types[i]);
		table = atomic_load(&w.node->tables->slots[tab.slot]);
		pthread_mutex_lock(&table->line);
		pthread_create(&deleter, NULL, delete_all, &is_done);
		pthread_mutex_lock(&table->lock); /* it has not begun, or paused */
		pthread_mutex_unlock(&table->lock);
		CU_ASSERT_EQUAL(fl_table_insert(tab, "{~, new}", MANY), FL_OK);
		CU_ASSERT_FALSE(is_done);
		CU_ASSERT_TRUE(atomic_load(&table->size) > MANY - PIECE_MAX);
		pthread_mutex_unlock(&table->line);
		pthread_join(deleter, NULL);
		CU_ASSERT_TRUE(is_done);
		CU_ASSERT_EQUAL(atomic_load(&table->size), 1);
		CU_ASSERT_EQUAL(wrong, 0);
		world_close(&w);
	}
}

/* ---- a table that ends under its readers -------------------------------------------------------
 */

static int on_turn(fl_proc *self, void *state, fl_term message)
{
	fl_table_options options = {.access = FL_TABLE_PUBLIC};
	fl_tab mine;

	(void)state;
	(void)message;
	(void)fl_table_delete(self, tab);
	CU_ASSERT_EQUAL(fl_table_new(self, "t", &options, &mine), FL_OK);
	(void)fl_table_insert(mine, "{k, ~}", 1);
	return FL_OK;
}

static void *poke(void *arg)
{
	int64_t value;

	(void)arg;
	while (!is_over) {
		(void)value_of("k", &value);
		(void)fl_table_insert(tab, "{k, 2}");
	}
	return NULL;
}

static void table_may_end_under_its_readers(void)
{
	static const fl_behaviour turner = {.name = "turner", .info = on_turn};
	pthread_t readers[READERS];

	is_over = false;
	wrong = 0;
	type = FL_TABLE_SET;
	world_open(&w, fli_mem_libc());
	(void)world_start(&w, &owner, "owner", NULL);
	world_send(&w, "owner", "make");
	world_settle(&w);
	(void)fl_table_insert(tab, "{k, 0}");
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, poke, NULL);
	(void)world_start(&w, &turner, "turner", NULL);
	for (int i = 0; i < 20000 && seen >= 0; i++)
		(void)fl_table_insert(tab, "{k, ~}", i);
	world_send(&w, "turner", "turn");
	world_settle(&w);
	is_over = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	world_close(&w);
}

FL_SUITE("table_threads", FL_TEST(inserted_list_is_seen_at_once), FL_TEST(no_count_is_lost),
	FL_TEST(what_stays_is_always_found), FL_TEST(sections_see_what_lookups_see),
	FL_TEST(key_of_a_bag_is_one_state), FL_TEST(writer_need_not_wait_for_a_long_delete),
	FL_TEST(table_may_end_under_its_readers));
