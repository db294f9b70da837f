/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines on a virtual clock: members that leave in order, and ages that members tell each other.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/partition_rivals.h"

#define ASSERT_SERVING(l, who)                                                                     \
	do {                                                                                       \
		const char *serving = rivals_serving(l);                                           \
		if (strcmp(serving, (who)) != 0)                                                   \
			printf("  {%s} serve, not {%s}\n", serving, (who));                        \
		CU_ASSERT_STRING_EQUAL(serving, (who));                                            \
	} while (0)

static void create_seen(rivals *l, uint32_t count, fli_partition_policy policy)
{
	rivals_create(l, count);
	l->config.rules.policy = policy;
	l->config.members_count = l->config.referees_count = 0;
	l->min_members = 0;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void row_27_who_left_counts_no_more_unless_it_is_listed(void)
{
	rivals l;

	create_seen(&l, 5, FLI_POLICY_KEEP_MAJORITY);
	rivals_start_all(&l);
	rivals_leave(&l, 0);
	rivals_run(&l, 100);
	CU_ASSERT_EQUAL(rivals_state(&l, 1), FLI_PARTITION_SERVING);
	CU_ASSERT_EQUAL(fli_partition_roster(l.nodes[1].engine)->count, 4);
	rivals_split(&l, "23|45");
	rivals_run(&l, 15000);
	ASSERT_SERVING(&l, "23");
	rivals_delete(&l);
	rivals_create(&l, 5);
	rivals_start_all(&l);
	rivals_leave(&l, 0);
	rivals_split(&l, "23|45");
	rivals_run(&l, 15000);
	ASSERT_SERVING(&l, "");
	rivals_delete(&l);
}

static void row_36_rolling_restart_is_no_suspicion(void)
{
	rivals l;

	rivals_create(&l, 5);
	rivals_start_all(&l);
	for (uint32_t i = 0; i < 5; i++) {
		rivals_leave(&l, i);
		for (uint32_t other = 0; other < 5; other++)
			if (other != i)
				CU_ASSERT_EQUAL(rivals_state(&l, other), FLI_PARTITION_DEGRADED);
		rivals_run(&l, 4000);
		rivals_start(&l, i);
		rivals_run(&l, 10000);
		ASSERT_SERVING(&l, "12345");
	}
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(fli_partition_count(l.nodes[i].engine)->partitions, 0);
	rivals_delete(&l);
}

static void leave_that_costs_the_majority_is_suspected_as_a_loss(void)
{
	rivals l;

	rivals_create(&l, 2);
	l.config.rules.has_tie = false;
	rivals_start_all(&l);
	rivals_leave(&l, 1);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_SUSPECT);
	rivals_run(&l, 6000);
	ASSERT_SERVING(&l, "");
	rivals_delete(&l);
}

static void loss_long_after_the_word_is_a_loss(void)
{
	rivals l;

	rivals_create(&l, 3);
	rivals_start_all(&l);
	fli_partition_leaving(l.nodes[0].engine, fl_atom_of("3@h"));
	fli_partition_leaving(l.nodes[0].engine, fl_atom_of("nobody@h"));
	rivals_run(&l, FLI_PARTITION_LEAVE_MS);
	rivals_crash(&l, 2);
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_SUSPECT);
	rivals_delete(&l);
}

/* ---- ages ------------------------------------------------------------------------------------ */

static void oldest_is_who_was_first_to_be_a_member(void)
{
	rivals l;

	create_seen(&l, 5, FLI_POLICY_KEEP_OLDEST);
	for (uint32_t i = 5; i-- > 0;) { /* 5 first, 1 last */
		rivals_start(&l, i);
		rivals_run(&l, 40000);
	}
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(fli_partition_stamp(l.nodes[i].engine), 5 - i);
	rivals_split(&l, "123|45");
	rivals_run(&l, 15000);
	ASSERT_SERVING(&l, "45");
	rivals_split(&l, "12345");
	rivals_run(&l, 30000);
	ASSERT_SERVING(&l, "12345");
	rivals_leave(&l, 4); /* the oldest leaves and comes back as the youngest */
	rivals_run(&l, 10000);
	rivals_start(&l, 4);
	rivals_run(&l, 30000);
	rivals_split(&l, "1235|4");
	rivals_run(&l, 15000);
	ASSERT_SERVING(&l, "1235"); /* 4 is the oldest now, and alone */
	rivals_split(&l, "125|34");
	rivals_run(&l, 40000);
	ASSERT_SERVING(&l, "34");
	rivals_delete(&l);
}

static void members_that_start_at_once_agree_by_name(void)
{
	rivals l;

	create_seen(&l, 4, FLI_POLICY_KEEP_OLDEST);
	rivals_start_all(&l);
	rivals_split(&l, "12|34");
	rivals_run(&l, 15000);
	CU_ASSERT_EQUAL(strlen(rivals_serving(&l)), 2);
	CU_ASSERT_FALSE(rivals_is_unsafe(&l));
	rivals_delete(&l);
}

/* One that was alone for long does not become the oldest of those it meets. */
static void who_was_alone_is_younger_than_whom_it_meets(void)
{
	rivals l;

	create_seen(&l, 3, FLI_POLICY_KEEP_OLDEST);
	rivals_split(&l, "1|23");
	rivals_start_all(&l);
	rivals_run(&l, 40000);
	CU_ASSERT_EQUAL(fli_partition_stamp(l.nodes[0].engine), 1);
	rivals_split(&l, "123");
	rivals_run(&l, 20000);
	CU_ASSERT(fli_partition_stamp(l.nodes[0].engine) > fli_partition_stamp(l.nodes[1].engine));
	CU_ASSERT(fli_partition_stamp(l.nodes[0].engine) > fli_partition_stamp(l.nodes[2].engine));
	rivals_delete(&l);
}

static void stamp_that_nobody_can_have_is_not_believed(void)
{
	rivals l;

	create_seen(&l, 2, FLI_POLICY_KEEP_OLDEST);
	rivals_start_all(&l);
	fli_partition_told_stamp(
		l.nodes[0].engine, fl_atom_of("2@h"), (uint32_t)FLI_PARTITION_STAMP_MAX + 1);
	fli_partition_told_stamp(l.nodes[0].engine, fl_atom_of("1@h"), 7);
	fli_partition_told_stamp(l.nodes[0].engine, fl_atom_of("9@h"), 7);
	CU_ASSERT(fli_partition_roster(l.nodes[0].engine)->entries[1]->stamp < 3);
	CU_ASSERT(fli_partition_stamp(l.nodes[0].engine) < 3);
	rivals_delete(&l);
}

FL_SUITE("partition_members", FL_TEST(row_27_who_left_counts_no_more_unless_it_is_listed),
	FL_TEST(row_36_rolling_restart_is_no_suspicion),
	FL_TEST(leave_that_costs_the_majority_is_suspected_as_a_loss),
	FL_TEST(loss_long_after_the_word_is_a_loss),
	FL_TEST(oldest_is_who_was_first_to_be_a_member),
	FL_TEST(members_that_start_at_once_agree_by_name),
	FL_TEST(who_was_alone_is_younger_than_whom_it_meets),
	FL_TEST(stamp_that_nobody_can_have_is_not_believed));
