/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides from outside of the members: who has the lease, and a rule of the program's own.
 */
#include <string.h>

#include "tests/support/partition_worlds.h"
#include "tests/support/suite.h"

static const fli_partition_rules lease = {.policy = FLI_POLICY_LEASE, .tangled_percent = 100};
static const fli_partition_rules tie_by_lease = {
	.policy = FLI_POLICY_KEEP_MAJORITY, .tie_by_lease = true, .tangled_percent = 100};
/* Whoever has it: as the model says, and one side at most, which is that of the holder. */
static void side_of_the_holder_alone_serves_in_every_split(void)
{
	tally t = {0};

	for (uint32_t count = 2; count <= MOST; count++) {
		uint32_t part[MOST] = {0};

		while (next_split(part, count))
			for (uint32_t holder = 0; holder <= count; holder++) {
				world w = split_world(part, count);

				if (parts_of(part, count) == 1)
					continue;
				w.leaseholder = holder == count ? 0 : 1u << holder;
				count_split(&t, &w, &lease, part);
			}
	}
	CU_ASSERT_EQUAL(t.pictures - 179, 992); /* so many with a holder */
	CU_ASSERT_EQUAL(t.mistakes, 0);
	CU_ASSERT_EQUAL(t.several, 0);
	CU_ASSERT_EQUAL(t.nobody, 179); /* those without one */
}

static void no_graph_and_holder_let_two_serve_that_do_not_see_each_other(void)
{
	static const fli_partition_rules *const policies[] = {&lease, &tie_by_lease};

	for (size_t i = 0; i < 2; i++)
		for (uint32_t count = 3; count <= 5; count++)
			for (unsigned edges = 0; edges < 1u << count * (count - 1) / 2; edges++)
				for (uint32_t holder = 0; holder < count; holder++) {
					world w = graph_world(count, edges);
					tally t = {0};

					w.leaseholder = 1u << holder;
					count_graph(&t, &w, policies[i]);
					CU_ASSERT_EQUAL(t.mistakes + t.several, 0);
				}
}

static void smaller_side_asks_for_the_lease_later(void)
{
	static const struct {
		const char *split;
		uint32_t count, self;
		const fli_partition_rules *rules;
		bool by_lease, is_later;
	} rows[] = {{"12|345", 5, 0, &lease, true, true}, {"12|345", 5, 2, &lease, true, false},
		{"12|34", 4, 0, &lease, true, false}, {"12|34", 4, 3, &lease, true, true},
		{"12|34", 4, 0, &tie_by_lease, true, false},
		{"12|34", 4, 3, &tie_by_lease, true, true},
		{"12|345", 5, 0, &tie_by_lease, false, false},
		{"12|345", 5, 2, &tie_by_lease, false, false},
		{"12345", 5, 2, &lease, false, false}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world w = world_drawn(rows[i].split, rows[i].count);
		fli_partition_verdict verdict = world_verdict_of(
			&w, rows[i].rules, rows[i].self, set_of_all(rows[i].count));

		CU_ASSERT_EQUAL(verdict.by_lease, rows[i].by_lease);
		CU_ASSERT_EQUAL(verdict.is_later, rows[i].is_later);
	}
}

static bool two_thirds(
	void *ctx, const fli_partition_picture *picture, const fli_partition_verdict *verdict)
{
	++*(unsigned *)ctx;
	return 3 * verdict->here >= 2 * picture->count;
}

static void rule_of_the_program_decides_about_the_side(void)
{
	unsigned asked = 0;
	fli_partition_rules rules = {.policy = FLI_POLICY_CUSTOM,
		.tangled_percent = 100,
		.custom = two_thirds,
		.custom_ctx = &asked};
	world five = world_drawn("1|2345", 5);
	tally t = all_splits(&rules, FLI_VIEWS_CLIQUE);

	CU_ASSERT_EQUAL(t.mistakes + t.several, 0);
	CU_ASSERT(asked > 179);
	for (uint32_t count = 3; count <= 5; count++) {
		t = all_graphs(count, &rules, FLI_VIEWS_CLIQUE);
		CU_ASSERT_EQUAL(t.mistakes + t.several, 0);
	}
	CU_ASSERT_EQUAL(world_ask(&five, &rules, 0, 31), FLI_REASON_CUSTOM_PAUSES);
	CU_ASSERT_EQUAL(world_ask(&five, &rules, 1, 31), FLI_REASON_CUSTOM_SERVES);
	rules.custom = NULL;
	CU_ASSERT_EQUAL(world_ask(&five, &rules, 1, 31), FLI_REASON_CUSTOM_PAUSES);
}

FL_SUITE("partition_rules", FL_TEST(side_of_the_holder_alone_serves_in_every_split),
	FL_TEST(no_graph_and_holder_let_two_serve_that_do_not_see_each_other),
	FL_TEST(smaller_side_asks_for_the_lease_later),
	FL_TEST(rule_of_the_program_decides_about_the_side));
