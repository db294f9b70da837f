/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines on a virtual clock: the scenarios of time and life cycle, and random histories of links
 * that break and heal.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/partition_rivals.h"

#define ASSERT_SERVING(l, who)                                                                     \
	do {                                                                                       \
		const char *serving = rivals_serving(l);                                           \
		if (strcmp(serving, (who)) != 0)                                                   \
			printf("  {%s} serve, not {%s}\n", serving, (who));                        \
		CU_ASSERT_STRING_EQUAL(serving, (who));                                            \
	} while (0)

static rivals five;

static rivals *start_five(void)
{
	rivals_create(&five, 5);
	rivals_start_all(&five);
	ASSERT_SERVING(&five, "12345");
	return &five;
}

static void end(rivals *l)
{
	rivals_split(l, "123456");
	rivals_run(l, 30000);
	for (uint32_t i = 0; i < l->count; i++)
		if (l->nodes[i].engine != NULL)
			CU_ASSERT_EQUAL(rivals_state(l, i), FLI_PARTITION_SERVING);
	rivals_delete(l);
}

/* ---- the way through a split ----------------------------------------------------------------- */

/* As the node's status says it, by its own clock. */
static uint64_t paused_ms(const rivals *l, uint32_t node)
{
	return fli_partition_paused_ms(l->nodes[node].engine, l->now_ms);
}

static void row_1_minority_pauses_and_goes_on_after_the_heal(void)
{
	rivals *l = start_five();

	rivals_split(l, "12|345");
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_SUSPECT);
	rivals_run(l, 4999);
	ASSERT_SERVING(l, "12345");
	rivals_run(l, 2);
	ASSERT_SERVING(l, "345");
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_PAUSED);
	CU_ASSERT_EQUAL(rivals_state(l, 4), FLI_PARTITION_DEGRADED);
	CU_ASSERT_EQUAL(l->nodes[0].reason, FLI_REASON_MINORITY);
	CU_ASSERT(paused_ms(l, 0) <= 2);
	rivals_run(l, 60000);
	ASSERT_SERVING(l, "345");
	CU_ASSERT(paused_ms(l, 0) >= 60000 && paused_ms(l, 0) <= 60002);
	CU_ASSERT_EQUAL(paused_ms(l, 4), 0);
	rivals_split(l, "12345");
	rivals_run(l, 4900);
	ASSERT_SERVING(l, "345");
	rivals_run(l, 2000);
	ASSERT_SERVING(l, "12345");
	CU_ASSERT(paused_ms(l, 0) > 64000 && paused_ms(l, 0) < 67000);
	CU_ASSERT_EQUAL(l->nodes[0].resumes, l->nodes[0].pauses);
	CU_ASSERT(fli_partition_count(l->nodes[0].engine)->paused_ms >= 60000);
	end(l);
}

static void row_5_each_policy_has_its_side(void)
{
	static const struct {
		fli_partition_policy policy;
		const char *split, *serve;
	} rows[] = {{FLI_POLICY_KEEP_MAJORITY, "1|2345", "2345"},
		{FLI_POLICY_STATIC_QUORUM, "1|2345", "2345"},
		{FLI_POLICY_KEEP_OLDEST, "1|2345", "2345"},
		{FLI_POLICY_KEEP_OLDEST, "12|345", "12"}, {FLI_POLICY_KEEP_REFEREE, "1|2345", "1"},
		{FLI_POLICY_REQUIRE_ALL, "1|2345", ""}, {FLI_POLICY_PAUSE_ALL, "1234|5", ""},
		{FLI_POLICY_IGNORE, "12|345", "12345"}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rivals l;

		rivals_create(&l, 5);
		l.config.rules.policy = rows[i].policy;
		rivals_start_all(&l);
		rivals_split(&l, rows[i].split);
		rivals_run(&l, 10000);
		ASSERT_SERVING(&l, rows[i].serve);
		end(&l);
	}
}

static void rows_12_to_17_follow_from_what_members_tell_each_other(void)
{
	static const struct {
		uint32_t count;
		const char *cuts, *clique, *ends;
	} rows[] = {{5, "12", "1345", "345"}, {3, "12", "13", "3"}, {4, "12", "134", "34"},
		{5, "45", "1234", "123"}, {5, "131415242535", "", ""}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int views = FLI_VIEWS_CLIQUE; views <= FLI_VIEWS_BOTH_ENDS; views++) {
			rivals l;

			rivals_create(&l, rows[i].count);
			l.config.rules.views = (fli_partition_views)views;
			rivals_start_all(&l);
			for (const char *c = rows[i].cuts; *c != '\0'; c += 2)
				rivals_link(
					&l, (uint32_t)(c[0] - '1'), (uint32_t)(c[1] - '1'), false);
			rivals_run(&l, 12000);
			ASSERT_SERVING(
				&l, views == FLI_VIEWS_CLIQUE ? rows[i].clique : rows[i].ends);
			CU_ASSERT_FALSE(rivals_is_unsafe(&l));
			end(&l);
		}
}

/* ---- time ------------------------------------------------------------------------------------ */

static void row_19_flapping_pauses_both_sides_at_the_deadline(void)
{
	rivals *l = start_five();

	for (int i = 0; i < 4; i++) {
		rivals_split(l, i % 2 == 0 ? "12|345" : "13|245");
		rivals_run(l, 2000);
		CU_ASSERT_EQUAL(l->nodes[2].pauses, 1); /* of its start */
	}
	for (int i = 0; i < 4; i++) {
		rivals_split(l, i % 2 == 0 ? "12|345" : "13|245");
		rivals_run(l, 2000);
	}
	ASSERT_SERVING(l, "");
	CU_ASSERT_EQUAL(l->nodes[4].reason, FLI_REASON_UNSTABLE);
	rivals_split(l, "12|345");
	rivals_run(l, 15000);
	ASSERT_SERVING(l, ""); /* some of the others may serve for so long */
	rivals_run(l, 3000);
	ASSERT_SERVING(l, "345");
	end(l);
}

static void row_20_heal_before_the_decision_is_no_pause(void)
{
	rivals *l = start_five();

	rivals_split(l, "12|345");
	rivals_run(l, 4000);
	rivals_split(l, "12345");
	rivals_run(l, 10000);
	CU_ASSERT_EQUAL(l->nodes[0].pauses, 1);
	CU_ASSERT_EQUAL(fli_partition_count(l->nodes[0].engine)->false_suspicions, 1);
	CU_ASSERT_EQUAL(fli_partition_count(l->nodes[0].engine)->pauses, 0);
	end(l);
}

static void row_21_second_loss_starts_the_clock_again(void)
{
	rivals *l = start_five();
	unsigned events;

	rivals_split(l, "12345");
	rivals_split(l, "1234|5");
	rivals_run(l, 4000);
	rivals_split(l, "124|3|5");
	events = l->nodes[0].events;
	rivals_run(l, 4500);
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_SUSPECT);
	CU_ASSERT_EQUAL(l->nodes[0].events, events);
	rivals_run(l, 1000);
	ASSERT_SERVING(l, "124");
	CU_ASSERT_EQUAL(l->nodes[0].events, events + 1);
	end(l);
}

static void row_22_loss_while_going_on_pauses_anew(void)
{
	rivals *l = start_five();
	rivals_node *one = &l->nodes[0];
	uint64_t since;

	rivals_split(l, "12|345");
	rivals_run(l, 8000);
	since = l->now_ms - paused_ms(l, 0);
	one->keeps_steps = true;
	rivals_split(l, "12345");
	rivals_run(l, 8000);
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_RESUMING);
	CU_ASSERT_TRUE(one->is_closed);
	rivals_split(l, "12|345");
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_PAUSING);
	CU_ASSERT_EQUAL(one->pauses, 3);
	fli_partition_done(one->engine);
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_PAUSED);
	one->keeps_steps = false;
	rivals_run(l, 8000);
	ASSERT_SERVING(l, "345");
	CU_ASSERT_EQUAL(paused_ms(l, 0), l->now_ms - since); /* no part of it twice */
	end(l);
}

static void row_23_staged_shrink_of_a_list_ends_at_half(void)
{
	static const struct {
		fli_partition_policy policy;
		const char *after[4]; /* 5, 4, 3, 2 have crashed */
	} rows[] = {{FLI_POLICY_KEEP_MAJORITY, {"1234", "123", "", ""}},
		{FLI_POLICY_KEEP_OLDEST, {"1234", "123", "12", ""}},
		{FLI_POLICY_KEEP_REFEREE, {"1234", "123", "12", "1"}}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rivals l;

		rivals_create(&l, 5);
		l.config.rules.policy = rows[i].policy;
		rivals_start_all(&l);
		for (uint32_t stage = 0; stage < 4; stage++) {
			rivals_crash(&l, 4 - stage);
			rivals_run(&l, 15000);
			ASSERT_SERVING(&l, rows[i].after[stage]);
		}
		rivals_delete(&l);
	}
}

/* ---- members that are seen ------------------------------------------------------------------- */

static void create_seen(rivals *l, uint64_t forget_ms)
{
	rivals_create(l, 5);
	l->config.members_count = l->config.referees_count = 0;
	l->min_members = 0;
	l->times.forget_ms = forget_ms;
	rivals_start_all(l);
	CU_ASSERT_EQUAL(fli_partition_roster(l->nodes[0].engine)->count, 5);
}

static void row_24_members_that_are_forgotten_let_the_last_one_serve(void)
{
	rivals l;

	create_seen(&l, 30000);
	for (uint32_t i = 4; i > 0; i--) {
		rivals_crash(&l, i);
		rivals_run(&l, 60000);
		CU_ASSERT_TRUE(!l.nodes[0].is_closed);
	}
	ASSERT_SERVING(&l, "1");
	rivals_delete(&l);
	create_seen(&l, 0); /* by default nobody is forgotten */
	for (uint32_t i = 4; i > 0; i--) {
		rivals_crash(&l, i);
		rivals_run(&l, 60000);
	}
	ASSERT_SERVING(&l, "");
	for (uint32_t i = 4; i > 1; i--) /* but by command */
		CU_ASSERT_EQUAL(fli_partition_forget(l.nodes[0].engine,
					(fl_atom){&"2@h\0003@h\0004@h\0005@h"[4 * (i - 1)], 3}),
			FL_OK);
	rivals_run(&l, 20000);
	ASSERT_SERVING(&l, "1");
	CU_ASSERT_EQUAL(fli_partition_forget(l.nodes[0].engine, fl_atom_of("1@h")), FL_EINVAL);
	CU_ASSERT_EQUAL(fli_partition_forget(l.nodes[0].engine, fl_atom_of("9@h")), FL_ENOENT);
	rivals_delete(&l);
}

static void rows_25_and_26_start_in_a_split(void)
{
	rivals l;

	rivals_create(&l, 5);
	rivals_split(&l, "12|345");
	rivals_start_all(&l);
	ASSERT_SERVING(&l, "345");
	CU_ASSERT_EQUAL(rivals_state(&l, 0), FLI_PARTITION_JOINING);
	end(&l);
	rivals_create(&l, 5);
	l.config.members_count = l.config.referees_count = 0;
	l.min_members = 3;
	rivals_split(&l, "12|345");
	rivals_start_all(&l);
	ASSERT_SERVING(&l, "");
	rivals_delete(&l);
}

static void row_28_newcomer_wins_no_side(void)
{
	rivals l;

	rivals_create(&l, 6);
	l.config.members_count = l.config.referees_count = 0;
	l.min_members = 0;
	for (uint32_t i = 0; i < 5; i++)
		rivals_start(&l, i);
	rivals_run(&l, 20000);
	rivals_split(&l, "126|345");
	rivals_start(&l, 5);
	rivals_run(&l, 30000);
	CU_ASSERT_TRUE(l.nodes[0].is_closed && l.nodes[1].is_closed);
	CU_ASSERT_TRUE(!l.nodes[2].is_closed && !l.nodes[3].is_closed && !l.nodes[4].is_closed);
	CU_ASSERT_EQUAL(fli_partition_roster(l.nodes[0].engine)->count, 5);
	end(&l);
}

/* ---- oneself --------------------------------------------------------------------------------- */

static void row_30_who_was_suspended_refuses_before_anything_else(void)
{
	rivals *l = start_five();
	rivals_node *one = &l->nodes[0];

	rivals_freeze(l, 0, true);
	rivals_run(l, 14000);
	rivals_freeze(l, 0, false);
	CU_ASSERT_FALSE(one->is_closed);
	fli_partition_time(one->engine, l->now_ms); /* the first thing that happens */
	CU_ASSERT_TRUE(one->is_closed && one->drops_queued);
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_STALE);
	CU_ASSERT_EQUAL(fli_partition_count(one->engine)->gaps, 1);
	for (uint32_t i = 1; i < 5; i++) /* the others have given it up meanwhile */
		rivals_link(l, 0, i, false);
	rivals_run(l, 8000);
	ASSERT_SERVING(l, "2345");
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_PAUSED);
	end(l);
}

static void short_suspension_that_nobody_noticed_is_over_when_all_have_answered(void)
{
	rivals *l = start_five();

	rivals_freeze(l, 0, true);
	rivals_run(l, 7000);
	rivals_freeze(l, 0, false);
	fli_partition_time(l->nodes[0].engine, l->now_ms);
	CU_ASSERT_TRUE(l->nodes[0].is_closed);
	rivals_run(l, 3000);
	ASSERT_SERVING(l, "12345");
	CU_ASSERT_EQUAL(rivals_state(l, 0), FLI_PARTITION_SERVING);
	end(l);
}

static void early_rejection_spares_the_side_that_goes_on(void)
{
	rivals l;

	rivals_create(&l, 5);
	l.rejects_early = true;
	rivals_start_all(&l);
	rivals_split(&l, "12|345");
	rivals_run(&l, 200);
	ASSERT_SERVING(&l, "345");
	rivals_split(&l, "12345");
	rivals_run(&l, 1000);
	ASSERT_SERVING(&l, "12345");
	end(&l);
}

static void row_37_flood_of_changes_is_looked_at_ten_times_a_second(void)
{
	rivals *l = start_five();
	rivals_node *one = &l->nodes[0];
	unsigned events = one->events;

	for (int i = 0; i < 2000; i++) {
		rivals_link(l, 0, 1, i % 2 == 1);
		rivals_run(l, 5);
	}
	CU_ASSERT(one->events - events < 30);
	CU_ASSERT(one->asked < 200);
	end(l);
}

static void stable_time_grows_with_the_members(void)
{
	static const struct {
		uint32_t count;
		uint64_t least, most;
	} rows[] = {{1, 3000, 3000}, {2, 3005, 3015}, {3, 4765, 4775}, {5, 6980, 6995}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rivals l;
		uint64_t ms;

		rivals_create(&l, rows[i].count);
		l.times.stable_ms = 0;
		rivals_start(&l, 0);
		ms = fli_partition_stable_ms(l.nodes[0].engine);
		CU_ASSERT(ms >= rows[i].least && ms <= rows[i].most);
		rivals_delete(&l);
	}
}

static void foreseen_is_what_is_decided_then(void)
{
	rivals *l = start_five();
	fli_partition_verdict now, then;
	uint64_t gone[FLI_PARTITION_WORDS_MAX] = {1 << 1 | 1 << 2 | 1 << 3};

	CU_ASSERT_EQUAL(fli_partition_foresee(l->nodes[0].engine, NULL, &now), FL_OK);
	CU_ASSERT_EQUAL(now.here, 5);
	CU_ASSERT_EQUAL(fli_partition_foresee(l->nodes[0].engine, gone, &then), FL_OK);
	CU_ASSERT_EQUAL(then.here, 2);
	CU_ASSERT_EQUAL(then.reason, FLI_REASON_MINORITY);
	rivals_split(l, "1234|5");
	rivals_run(l, 10000);
	CU_ASSERT_EQUAL(fli_partition_foresee(l->nodes[0].engine, NULL, &now), FL_OK);
	CU_ASSERT_EQUAL(fli_partition_foresee(l->nodes[0].engine, gone, &then), FL_OK);
	CU_ASSERT_EQUAL(now.reason, FLI_REASON_MAJORITY);
	CU_ASSERT_EQUAL(then.reason, FLI_REASON_MINORITY);
	CU_ASSERT_EQUAL(then.here, 1);
	end(l);
}

/* ---- want of memory -------------------------------------------------------------------------- */

static void ask_nobody(void *ctx, fl_atom node, fl_atom via)
{
	(void)ctx;
	(void)node;
	(void)via;
}

static void note_gate(void *ctx, bool is_closed, bool queued)
{
	(void)queued;
	*(bool *)ctx = is_closed;
}

static void pause_at_once(void *ctx, fli_partition_reason reason)
{
	(void)ctx;
	(void)reason;
}

static void resume_at_once(void *ctx, uint64_t paused_ms)
{
	(void)ctx;
	(void)paused_ms;
}

static void tell_nobody(void *ctx, const fli_partition_event *event)
{
	(void)ctx;
	(void)event;
}

/* Eighty members that are seen, one after the other; a loss; what it decides then. */
static void live_scarcely(fli_partition *p)
{
	char name[16];

	fli_partition_begin(p);
	for (int i = 0; i < 80; i++) {
		(void)snprintf(name, sizeof name, "n%d@h", i);
		fli_partition_up(p, fl_atom_of(name));
	}
	for (uint64_t now = 1000; now < 60000; now += 500)
		fli_partition_time(p, now);
	fli_partition_down(p, fl_atom_of("n5@h"));
	for (uint64_t now = 60000; now < 120000; now += 500)
		fli_partition_time(p, now);
}

static void want_of_memory_leaves_nothing_behind(void)
{
	static const fli_partition_ops quiet = {.ask = ask_nobody,
		.gate = note_gate,
		.pause = pause_at_once,
		.resume = resume_at_once,
		.tell = tell_nobody};
	const fli_partition_config config = {
		.rules = {.policy = FLI_POLICY_KEEP_MAJORITY, .tangled_percent = 100}, .tie = ""};
	bool is_closed = false;
	fli_fault fault;
	long nth = 0;

	do {
		fli_partition_start start = {.mem = &fault.mem,
			.self = fl_atom_of("me@h"),
			.config = &config,
			.times = {.heal_ms = 5000, .gap_ms = 5000},
			.ops = &quiet,
			.ctx = &is_closed};
		fli_partition *p = NULL;

		fli_fault_create(&fault, ++nth);
		if (fli_partition_new(&start, &p) == FL_OK)
			live_scarcely(p);
		fli_partition_delete(p);
		CU_ASSERT_EQUAL(fault.live, 0);
	} while (fault.was_hit);
	CU_ASSERT(nth > 80);
}

/* ---- random histories ------------------------------------------------------------------------ */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static void shake(rivals *l, uint32_t *seed)
{
	uint32_t a = draw(seed, l->count), b = draw(seed, l->count);

	if (a != b)
		rivals_link(l, a, b, draw(seed, 3) > 0);
	rivals_run(l, draw(seed, 4) == 0 ? draw(seed, 9000) : draw(seed, 300));
}

/* After a calm time no two serve that do not see each other; healed, all serve. */
static void random_history(uint32_t seed, fli_partition_policy policy)
{
	rivals l;

	rivals_create(&l, 3 + draw(&seed, 4));
	l.config.rules.policy = policy;
	l.config.rules.views = (fli_partition_views)draw(&seed, 2);
	rivals_start_all(&l);
	for (int phase = 0; phase < 4; phase++) {
		for (uint32_t i = 0; i < 30; i++)
			shake(&l, &seed);
		rivals_run(&l, 40000);
		CU_ASSERT_FALSE(rivals_is_unsafe(&l));
	}
	end(&l);
}

static void random_histories_end_safe_and_healed(void)
{
	static const fli_partition_policy policies[] = {FLI_POLICY_KEEP_MAJORITY,
		FLI_POLICY_STATIC_QUORUM, FLI_POLICY_KEEP_OLDEST, FLI_POLICY_KEEP_REFEREE,
		FLI_POLICY_REQUIRE_ALL};

	for (uint32_t seed = 1; seed <= 40; seed++)
		for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
			random_history(seed, policies[i]);
}

FL_SUITE("partition", FL_TEST(row_1_minority_pauses_and_goes_on_after_the_heal),
	FL_TEST(row_5_each_policy_has_its_side),
	FL_TEST(rows_12_to_17_follow_from_what_members_tell_each_other),
	FL_TEST(row_19_flapping_pauses_both_sides_at_the_deadline),
	FL_TEST(row_20_heal_before_the_decision_is_no_pause),
	FL_TEST(row_21_second_loss_starts_the_clock_again),
	FL_TEST(row_22_loss_while_going_on_pauses_anew),
	FL_TEST(row_23_staged_shrink_of_a_list_ends_at_half),
	FL_TEST(row_24_members_that_are_forgotten_let_the_last_one_serve),
	FL_TEST(rows_25_and_26_start_in_a_split), FL_TEST(row_28_newcomer_wins_no_side),
	FL_TEST(row_30_who_was_suspended_refuses_before_anything_else),
	FL_TEST(short_suspension_that_nobody_noticed_is_over_when_all_have_answered),
	FL_TEST(early_rejection_spares_the_side_that_goes_on),
	FL_TEST(row_37_flood_of_changes_is_looked_at_ten_times_a_second),
	FL_TEST(stable_time_grows_with_the_members), FL_TEST(foreseen_is_what_is_decided_then),
	FL_TEST(want_of_memory_leaves_nothing_behind),
	FL_TEST(random_histories_end_safe_and_healed));
