/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines that ask a store for the lease, on a virtual clock; and the store that is a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/lease_file.h"
#include "tests/support/partition_rivals.h"

#define ASSERT_SERVING(l, who)                                                                     \
	do {                                                                                       \
		const char *serving = rivals_serving(l);                                           \
		if (strcmp(serving, (who)) != 0)                                                   \
			printf("  {%s} serve, not {%s}\n", serving, (who));                        \
		CU_ASSERT_STRING_EQUAL(serving, (who));                                            \
	} while (0)

static rivals some;

static rivals *start_some(uint32_t count)
{
	rivals_create(&some, count);
	some.config.rules.policy = FLI_POLICY_LEASE;
	rivals_start_all(&some);
	return &some;
}

/* Healed, all serve, and nobody keeps the lease. */
static void end(rivals *l)
{
	rivals_split(l, "123456");
	l->store.is_down = l->store.is_silent = false;
	rivals_run(l, 90000);
	for (uint32_t i = 0; i < l->count; i++)
		if (l->nodes[i].engine != NULL)
			CU_ASSERT_EQUAL(rivals_state(l, i), FLI_PARTITION_SERVING);
	CU_ASSERT(l->store.until_ms <= l->now_ms);
	rivals_delete(l);
}

static void larger_side_asks_first_and_all_of_it_serve(void)
{
	rivals *l = start_some(5);

	CU_ASSERT_EQUAL(l->store.until_ms, 0); /* while all are here nobody needs it */
	rivals_split(l, "12|345");
	rivals_run(l, 5100);
	ASSERT_SERVING(l, "12345"); /* the smaller side waits for its turn to ask */
	rivals_run(l, 3000);
	ASSERT_SERVING(l, "345");
	CU_ASSERT_EQUAL(rivals_state(l, 3), FLI_PARTITION_DEGRADED);
	CU_ASSERT(l->store.holder >= 2);
	rivals_run(l, 600000);
	ASSERT_SERVING(l, "345");
	end(l);
}

static void half_with_the_lowest_name_is_first(void)
{
	rivals *l = start_some(4);

	rivals_split(l, "12|34");
	rivals_run(l, 10000);
	ASSERT_SERVING(l, "12");
	end(l);
	rivals_create(l, 4); /* the lease as a tie of the majority */
	l->config.rules.has_tie = false;
	l->config.rules.tie_by_lease = true;
	rivals_start_all(l);
	rivals_split(l, "12|34");
	rivals_run(l, 10000);
	ASSERT_SERVING(l, "12");
	rivals_split(l, "123|4");
	rivals_run(l, 130000);
	ASSERT_SERVING(l, "123");
	CU_ASSERT_EQUAL(l->store.until_ms < l->now_ms, true); /* a majority needs none */
	end(l);
}

/* The others have to wait until its time is over, however much larger their side is. */
static void holder_that_is_cut_off_alone_keeps_the_service(void)
{
	rivals *l = start_some(5);
	uint32_t holder;
	char who[8], split[16], rest[8] = "";

	rivals_split(l, "12|345");
	rivals_run(l, 12000);
	holder = l->store.holder;
	(void)snprintf(who, sizeof who, "%c", (char)('1' + holder));
	for (uint32_t i = 0; i < 5; i++)
		if (i != holder)
			rest[strlen(rest)] = (char)('1' + i);
	(void)snprintf(split, sizeof split, "%s|%s", who, rest);
	rivals_split(l, split);
	rivals_run(l, 15000);
	ASSERT_SERVING(l, who);
	rivals_run(l, 200000);
	ASSERT_SERVING(l, who);
	rivals_crash(l, holder);
	rivals_run(l, 20000);
	ASSERT_SERVING(l, "");
	rivals_run(l, 60000);
	ASSERT_SERVING(l, rest);
	rivals_start(l, holder);
	end(l);
}

static void row_38_holder_serves_to_its_deadline_and_nobody_before_the_end(void)
{
	rivals *l = start_some(5);
	uint64_t until;

	rivals_split(l, "12|345");
	rivals_run(l, 12000);
	ASSERT_SERVING(l, "345");
	l->store.is_down = true;
	until = l->store.until_ms;
	rivals_run(l, until - 8000 - 11 - l->now_ms);
	CU_ASSERT(strlen(rivals_serving(l)) > 0);
	rivals_run(l, 11);
	ASSERT_SERVING(l, ""); /* a fifth of its time before the store gives it to others */
	CU_ASSERT_EQUAL(l->nodes[l->store.holder].reason, FLI_REASON_LEASE_OVER);
	rivals_run(l, 100000);
	ASSERT_SERVING(l, "");
	l->store.is_down = false;
	rivals_run(l, 60000);
	CU_ASSERT_FALSE(rivals_is_unsafe(l));
	CU_ASSERT(strlen(rivals_serving(l)) > 0);
	end(l);
}

static void store_that_says_nothing_pauses_all(void)
{
	rivals *l = start_some(3);

	l->store.is_silent = true;
	rivals_split(l, "1|23");
	rivals_run(l, 15000);
	ASSERT_SERVING(l, "");
	end(l);
}

/* One who was asleep wakes up with a lease that is over: it must not answer by it. */
static void sleeper_does_not_go_on_with_a_lease_that_is_over(void)
{
	rivals *l = start_some(3);

	l->times.gap_ms = 1000000; /* it does not even notice */
	rivals_delete(l);
	rivals_create(l, 3);
	l->config.rules.policy = FLI_POLICY_LEASE;
	l->times.gap_ms = 1000000;
	rivals_start_all(l);
	rivals_split(l, "1|23");
	rivals_run(l, 12000);
	rivals_split(l, "1|2|3");
	for (uint32_t i = 1; i < 3; i++)
		rivals_freeze(l, i, true);
	rivals_run(l, 100000);
	ASSERT_SERVING(l, "123"); /* 1 has it by now, and the others do not know */
	for (uint32_t i = 1; i < 3; i++)
		rivals_freeze(l, i, false);
	for (uint32_t i = 1; i < 3; i++)
		fli_partition_time(l->nodes[i].engine, l->now_ms);
	CU_ASSERT_FALSE(rivals_is_unsafe(l));
	end(l);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

/* Links, store and holders come and go; whenever it was calm for long, one side serves at most. */
static void random_histories_have_one_side(void)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		uint32_t dice = seed;
		rivals *l = start_some(3 + draw(&dice, 4));

		for (int phase = 0; phase < 4; phase++) {
			for (int i = 0; i < 20; i++) {
				uint32_t a = draw(&dice, l->count), b = draw(&dice, l->count);

				if (a != b)
					rivals_link(l, a, b, draw(&dice, 3) > 0);
				l->store.is_down = draw(&dice, 8) == 0;
				rivals_run(l,
					draw(&dice, 4) == 0 ? draw(&dice, 9000) : draw(&dice, 300));
			}
			l->store.is_down = false;
			rivals_run(l, 40000);
			CU_ASSERT_FALSE(rivals_is_unsafe(l));
		}
		end(l);
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct shelf {
	char path[64];
	fli_lease_file *files[2]; /* of two nodes */
	fl_lease leases[2];
	char holder[FL_LEASE_OWNER_MAX + 1];
} shelf;

static void open_shelf(shelf *s)
{
	int fd;

	memset(s, 0, sizeof *s);
	(void)snprintf(s->path, sizeof s->path, "/tmp/flitch_lease_XXXXXX");
	fd = mkstemp(s->path);
	CU_ASSERT_FATAL(fd >= 0);
	(void)close(fd);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(
			fli_lease_file_new(fli_mem_libc(), s->path, &s->files[i], &s->leases[i]),
			FL_OK);
}

static void close_shelf(shelf *s)
{
	for (int i = 0; i < 2; i++)
		fli_lease_file_delete(s->files[i]);
	(void)unlink(s->path);
}

static const char *const owners[] = {"a@h", "b@h"};

static fl_lease_request request_of(shelf *s, int who, uint64_t now_ms)
{
	*s->holder = '\0';
	return (fl_lease_request){
		.owner = owners[who], .ttl_ms = 1000, .now_ms = now_ms, .ret_holder = s->holder};
}

static int acquire(shelf *s, int who, uint64_t now_ms)
{
	fl_lease_request request = request_of(s, who, now_ms);

	return s->leases[who].acquire(s->leases[who].ctx, &request);
}

/* Clocks of the two have nothing to do with each other. */
static void file_is_anothers_when_it_was_the_same_for_its_time(void)
{
	shelf s;

	open_shelf(&s);
	CU_ASSERT_EQUAL(acquire(&s, 0, 900000), FL_OK);
	CU_ASSERT_EQUAL(acquire(&s, 1, 5), FL_ETAKEN);
	CU_ASSERT_STRING_EQUAL(s.holder, "a@h");
	CU_ASSERT_EQUAL(acquire(&s, 1, 1004), FL_ETAKEN);
	CU_ASSERT_EQUAL(acquire(&s, 0, 900400), FL_OK); /* renewed: the time begins anew */
	CU_ASSERT_EQUAL(acquire(&s, 1, 1006), FL_ETAKEN);
	CU_ASSERT_EQUAL(acquire(&s, 1, 2005), FL_ETAKEN);
	CU_ASSERT_EQUAL(acquire(&s, 1, 2006), FL_OK);
	CU_ASSERT_EQUAL(acquire(&s, 0, 900500), FL_ETAKEN);
	CU_ASSERT_STRING_EQUAL(s.holder, "b@h");
	close_shelf(&s);
}

static void file_that_is_given_back_is_free_at_once(void)
{
	fl_lease_request request;
	shelf s;

	open_shelf(&s);
	CU_ASSERT_EQUAL(acquire(&s, 0, 1), FL_OK);
	request = request_of(&s, 1, 2);
	s.leases[1].release(s.leases[1].ctx, &request); /* not its own to give */
	CU_ASSERT_EQUAL(acquire(&s, 1, 3), FL_ETAKEN);
	request = request_of(&s, 0, 4);
	s.leases[0].release(s.leases[0].ctx, &request);
	CU_ASSERT_EQUAL(acquire(&s, 1, 5), FL_OK);
	close_shelf(&s);
}

static void record_that_makes_no_sense_is_waited_for(void)
{
	static const char *const records[] = {"flitch lea", "flitch lease 1 1000 a@h",
		"flitch lease x 1000 a@h\n", "flitch lease 1 99999999 a@h\n", "\n",
		"something else altogether\n"};

	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		shelf s;
		FILE *out;

		open_shelf(&s);
		out = fopen(s.path, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(out);
		(void)fputs(records[i], out);
		(void)fclose(out);
		CU_ASSERT_EQUAL(acquire(&s, 0, 10), FL_ETAKEN);
		CU_ASSERT_STRING_EQUAL(s.holder, "");
		CU_ASSERT_EQUAL(acquire(&s, 0, 1009), FL_ETAKEN);
		CU_ASSERT_EQUAL(acquire(&s, 0, 1010), FL_OK);
		CU_ASSERT_EQUAL(acquire(&s, 1, 1), FL_ETAKEN);
		CU_ASSERT_STRING_EQUAL(s.holder, "a@h");
		close_shelf(&s);
	}
}

static void file_that_is_not_there_cannot_tell(void)
{
	fli_lease_file *file = NULL;
	fl_lease lease;
	char holder[FL_LEASE_OWNER_MAX + 1];
	fl_lease_request request = {.owner = "a@h", .ttl_ms = 1000, .ret_holder = holder};

	CU_ASSERT_EQUAL_FATAL(
		fli_lease_file_new(fli_mem_libc(), "/nowhere/at/all", &file, &lease), FL_OK);
	CU_ASSERT_EQUAL(lease.acquire(lease.ctx, &request), FL_EIO);
	fli_lease_file_delete(file);
}

FL_SUITE("partition_lease", FL_TEST(larger_side_asks_first_and_all_of_it_serve),
	FL_TEST(half_with_the_lowest_name_is_first),
	FL_TEST(holder_that_is_cut_off_alone_keeps_the_service),
	FL_TEST(row_38_holder_serves_to_its_deadline_and_nobody_before_the_end),
	FL_TEST(store_that_says_nothing_pauses_all),
	FL_TEST(sleeper_does_not_go_on_with_a_lease_that_is_over),
	FL_TEST(random_histories_have_one_side),
	FL_TEST(file_is_anothers_when_it_was_the_same_for_its_time),
	FL_TEST(file_that_is_given_back_is_free_at_once),
	FL_TEST(record_that_makes_no_sense_is_waited_for),
	FL_TEST(file_that_is_not_there_cannot_tell));
