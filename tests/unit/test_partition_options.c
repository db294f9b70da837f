/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of partition.*: what is refused at the start, and what the policy is told. */
#include "cluster/partition_options.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

#define FIVE "a@h,b@h,c@h,d@h,e@h"

/* Keys and values in turn, then NULL. */
static fl_options *options_of(const char *const *pairs, fl_error *ret_err)
{
	fl_options *options = fl_options_new();

	*ret_err = (fl_error){.code = FL_OK};
	for (; *pairs != NULL && ret_err->code == FL_OK; pairs += 2)
		ret_err->code = fl_options_set(options, pairs[0], pairs[1], "test.conf:7", ret_err);
	if (ret_err->code == FL_OK)
		ret_err->code = fli_partition_check(options, ret_err);
	return options;
}

#define OPTIONS(err, ...) options_of((const char *const[]){__VA_ARGS__, NULL}, err)

static void expect_refused(fl_options *options, const fl_error *err, const char *part)
{
	CU_ASSERT_EQUAL(err->code, FL_ECONFIG);
	if (strstr(err->what, part) == NULL || strstr(err->what, "test.conf:7") == NULL)
		printf("  \"%s\" lacks \"%s\" or its line\n", err->what, part);
	CU_ASSERT(strstr(err->what, part) != NULL && strstr(err->what, "test.conf:7") != NULL);
	fl_options_delete(options);
}

#define REFUSED(part, ...)                                                                         \
	do {                                                                                       \
		fl_error error;                                                                    \
		fl_options *refused = OPTIONS(&error, __VA_ARGS__);                                \
		expect_refused(refused, &error, part);                                             \
	} while (0)

static void members_alone_mean_a_majority(void)
{
	fl_error err;
	fl_options *none = OPTIONS(&err, "log.level", "notice");
	fl_options *five = OPTIONS(&err, "partition.members", FIVE);
	fl_options *off = OPTIONS(&err, "partition.members", FIVE, "partition.policy", "ignore");

	CU_ASSERT_FALSE(fli_partition_is_on(none));
	CU_ASSERT_TRUE(fli_partition_is_on(five));
	CU_ASSERT_FALSE(fli_partition_is_on(off));
	CU_ASSERT_EQUAL(fli_partition_tell(five).rules.policy, FLI_POLICY_KEEP_MAJORITY);
	CU_ASSERT_TRUE(fli_partition_tell(five).rules.has_tie);
	CU_ASSERT_EQUAL(fli_partition_tell(five).rules.tangled_percent, 100);
	CU_ASSERT_EQUAL(fli_partition_tell(five).members_count, 5);
	fl_options_delete(none);
	fl_options_delete(five);
	fl_options_delete(off);
}

static void names_of_rabbitmq_are_understood(void)
{
	fl_error err;
	fl_options *minority = OPTIONS(&err, "partition.policy", "pause_minority");
	fl_options *down = OPTIONS(&err, "partition.policy", "pause_if_all_down",
		"partition.referees", "a@h,b@h", "partition.referee_mode", "all");
	fli_partition_config told = fli_partition_tell(minority);

	CU_ASSERT_EQUAL(err.code, FL_OK);
	CU_ASSERT_EQUAL(told.rules.policy, FLI_POLICY_KEEP_MAJORITY);
	CU_ASSERT_FALSE(told.rules.has_tie);
	told = fli_partition_tell(down);
	CU_ASSERT_EQUAL(told.rules.policy, FLI_POLICY_KEEP_REFEREE);
	CU_ASSERT_FALSE(told.rules.all_referees);
	CU_ASSERT_EQUAL(told.referees_count, 2);
	fl_options_delete(minority);
	fl_options_delete(down);
}

static void unknown_word_names_the_nearest(void)
{
	REFUSED("did you mean \"keep_majority\"?", "partition.policy", "keep_majorty");
	REFUSED("did you mean \"drop_both_ends\"?", "partition.nontransitive", "drop_both_end");
	REFUSED("which takes lowest, none, lease or name@host", "partition.tie", "highest");
}

static void quorum_that_cannot_work_is_refused(void)
{
	REFUSED("needs partition.quorum", "partition.policy", "static_quorum");
	REFUSED("does not go with 5 members", "partition.members", FIVE, "partition.policy",
		"static_quorum", "partition.quorum", "6");
	REFUSED("does not go with 5 members", "partition.members", FIVE, "partition.policy",
		"static_quorum", "partition.quorum", "2");
}

static void quorum_from_a_majority_to_all_is_taken(void)
{
	static const char *const good[] = {"3", "4", "5"};

	for (size_t i = 0; i < 3; i++) {
		fl_error err;
		fl_options *options = OPTIONS(&err, "partition.members", FIVE, "partition.policy",
			"static_quorum", "partition.quorum", good[i]);

		CU_ASSERT_EQUAL(err.code, FL_OK);
		CU_ASSERT_EQUAL(fli_partition_tell(options).rules.quorum, 3 + i);
		fl_options_delete(options);
	}
}

static void lease_needs_a_place_and_times_that_fit(void)
{
	fl_error err;
	fl_options *options = OPTIONS(&err, "partition.members", FIVE, "partition.tie", "lease",
		"partition.lease", "file:/shared/lease");

	CU_ASSERT_EQUAL(err.code, FL_OK);
	CU_ASSERT_TRUE(fli_partition_tell(options).rules.tie_by_lease);
	CU_ASSERT_FALSE(fli_partition_tell(options).rules.has_tie);
	CU_ASSERT_EQUAL(fli_partition_tell_times(options).lease_ttl_ms, 40000);
	fl_options_delete(options);
	REFUSED("the lease needs partition.lease", "partition.policy", "lease");
	REFUSED("the lease needs partition.lease", "partition.members", FIVE, "partition.tie",
		"lease");
	REFUSED("takes file:PATH or callbacks", "partition.policy", "lease", "partition.lease",
		"/shared/lease");
	REFUSED("more than half of partition.lease_ttl", "partition.policy", "lease",
		"partition.lease", "callbacks", "partition.lease_ttl", "15s");
	REFUSED("did you mean \"lease\"?", "partition.members", FIVE, "partition.tie", "leese");
	REFUSED("did you mean \"custom\"?", "partition.policy", "costum");
}

static void reply_of_a_paused_node_is_a_word_or_a_term(void)
{
	static const char *const good[] = {
		"noproc", "drop", "hold(5000)", "{error, paused}", "'paused'", "[]"};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		fl_error err;
		fl_options *options =
			OPTIONS(&err, "partition.members", FIVE, "partition.pause_reply", good[i]);

		CU_ASSERT_EQUAL(err.code, FL_OK);
		fl_options_delete(options);
	}
	REFUSED("needs heal.resolver", "heal.name_conflict", "callback");
	REFUSED("no module:function", "heal.resolver", "resolve");
	REFUSED("did you mean \"notify\"?", "heal.name_conflict", "notifi");
	REFUSED("did you mean \"noproc\"?", "partition.pause_reply", "noprog");
	REFUSED("did you mean \"drop\"?", "partition.pause_reply", "dropp");
	REFUSED("takes noproc, drop, hold(ms) or a term", "partition.pause_reply", "hold()");
	REFUSED("takes noproc, drop, hold(ms) or a term", "partition.pause_reply", "{error,");
}

static void node_that_is_no_member_is_refused(void)
{
	REFUSED("did you mean \"node1@h\"?", "partition.members", "node1@h,b@h", "partition.policy",
		"keep_referee", "partition.referees", "nod1@h");
	REFUSED("of partition.tie is not in partition.members", "partition.members", FIVE,
		"partition.tie", "x@h");
	REFUSED("needs partition.referees", "partition.policy", "keep_referee");
	REFUSED("a@h is twice", "partition.members", "a@h,b@h,a@h");
	REFUSED("partition.members", "partition.members", "a@h,b");
}

static int check_own(const char *const *pairs, const char *name)
{
	fl_error err;
	fl_options *options = options_of(pairs, &err);
	fli_node_name own;
	int rc;

	CU_ASSERT_EQUAL(fli_node_name_parse(&own, name, strlen(name), NULL), FL_OK);
	rc = fli_partition_check_own(options, &own, &err);
	fl_options_delete(options);
	return rc;
}

static void node_itself_must_count(void)
{
	static const char *const five[] = {"partition.members", FIVE, NULL};
	static const char *const hidden[] = {
		"partition.members", FIVE, "node.visible", "false", NULL};

	CU_ASSERT_EQUAL(check_own(five, "c@h"), FL_OK);
	CU_ASSERT_EQUAL(check_own(five, "f@h"), FL_ECONFIG);
	CU_ASSERT_EQUAL(check_own(hidden, "c@h"), FL_ECONFIG);
}

/* ---- the roster ------------------------------------------------------------------------------ */

static void roster_is_in_the_order_of_names_and_keeps_ages(void)
{
	fl_error err;
	fl_options *options = OPTIONS(&err, "partition.members", "c@h,a@h,b@h", "partition.tie",
		"b@h", "partition.referees", "c@h");
	fli_partition_config config = fli_partition_tell(options);
	fli_partition_seat seats[3];
	fli_roster roster;

	fli_roster_create(&roster, fli_mem_libc());
	CU_ASSERT_EQUAL(fli_roster_fill(&roster, &config), FL_OK);
	CU_ASSERT_EQUAL_FATAL(roster.count, 3);
	fli_roster_seats(&roster, &config, seats);
	CU_ASSERT_STRING_EQUAL(roster.entries[0]->name, "a@h");
	CU_ASSERT_EQUAL(seats[0].age, 1);
	CU_ASSERT_EQUAL(seats[2].age, 0);
	CU_ASSERT_TRUE(!seats[0].is_tie && seats[1].is_tie && !seats[2].is_tie);
	CU_ASSERT_TRUE(!seats[0].is_referee && !seats[1].is_referee && seats[2].is_referee);
	fli_roster_destroy(&roster);
	fl_options_delete(options);
}

static void roster_finds_adds_and_removes(void)
{
	fli_roster_entry *entry;
	fli_roster roster;
	char name[32];

	fli_roster_create(&roster, fli_mem_libc());
	for (int i = 0; i < FLI_PARTITION_MEMBERS_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%d@h", i * 7919 % 10007);
		CU_ASSERT_EQUAL(fli_roster_add(&roster, fl_atom_of(name), &entry), FL_OK);
	}
	CU_ASSERT_EQUAL(fli_roster_add(&roster, fl_atom_of("x@h"), &entry), FL_ELIMIT);
	CU_ASSERT_EQUAL(fli_roster_add(&roster, fl_atom_of("n0@h"), &entry), FL_OK);
	CU_ASSERT_EQUAL(roster.count, FLI_PARTITION_MEMBERS_MAX);
	for (uint32_t i = 1; i < roster.count; i++)
		CU_ASSERT(strcmp(roster.entries[i - 1]->name, roster.entries[i]->name) < 0);
	CU_ASSERT_EQUAL(fli_roster_find(&roster, fl_atom_of("n0@")), FLI_ROSTER_NONE);
	fli_roster_remove(&roster, fli_roster_find(&roster, fl_atom_of("n0@h")));
	CU_ASSERT_EQUAL(fli_roster_find(&roster, fl_atom_of("n0@h")), FLI_ROSTER_NONE);
	CU_ASSERT_EQUAL(fli_roster_add(&roster, fl_atom_of("x@h"), &entry), FL_OK);
	CU_ASSERT_EQUAL(roster.entries[fli_roster_find(&roster, fl_atom_of("x@h"))], entry);
	fli_roster_destroy(&roster);
}

static void autoheal_is_ignore_with_a_loser(void)
{
	fl_error err;
	fl_options *word = OPTIONS(&err, "partition.policy", "autoheal");
	fl_options *key = OPTIONS(&err, "heal.loser", "restart_smaller");
	fl_options *neither = OPTIONS(&err, "partition.policy", "ignore");

	CU_ASSERT_TRUE(fli_partition_is_on(word) && fli_heal_restarts(word));
	CU_ASSERT_TRUE(fli_partition_is_on(key) && fli_heal_restarts(key));
	CU_ASSERT_FALSE(fli_partition_is_on(neither) || fli_heal_restarts(neither));
	CU_ASSERT_EQUAL(fli_partition_tell(word).rules.policy, FLI_POLICY_IGNORE);
	fl_options_delete(word);
	fl_options_delete(key);
	fl_options_delete(neither);
	REFUSED("heal.loser = restart_smaller does not go with require_all", "partition.policy",
		"require_all", "heal.loser", "restart_smaller");
}

static void limit_is_that_of_both_ends(void)
{
	fl_error err;
	fl_options *ends = OPTIONS(&err, "partition.nontransitive", "drop_both_ends");
	fl_options *clique = OPTIONS(&err, "partition.nontransitive", "max_clique");
	fl_options *set = OPTIONS(&err, "partition.nontransitive_limit", "70");

	CU_ASSERT_EQUAL(fli_partition_tell(ends).rules.tangled_percent, 50);
	CU_ASSERT_EQUAL(fli_partition_tell(clique).rules.tangled_percent, 100);
	CU_ASSERT_EQUAL(fli_partition_tell(set).rules.tangled_percent, 70);
	CU_ASSERT_EQUAL(fli_partition_tell(set).rules.views, FLI_VIEWS_AUTO);
	fl_options_delete(ends);
	fl_options_delete(clique);
	fl_options_delete(set);
}

FL_SUITE("partition_options", FL_TEST(members_alone_mean_a_majority),
	FL_TEST(names_of_rabbitmq_are_understood), FL_TEST(unknown_word_names_the_nearest),
	FL_TEST(quorum_that_cannot_work_is_refused),
	FL_TEST(quorum_from_a_majority_to_all_is_taken), FL_TEST(node_that_is_no_member_is_refused),
	FL_TEST(lease_needs_a_place_and_times_that_fit),
	FL_TEST(reply_of_a_paused_node_is_a_word_or_a_term), FL_TEST(node_itself_must_count),
	FL_TEST(roster_is_in_the_order_of_names_and_keeps_ages),
	FL_TEST(roster_finds_adds_and_removes), FL_TEST(autoheal_is_ignore_with_a_loser),
	FL_TEST(limit_is_that_of_both_ends));
