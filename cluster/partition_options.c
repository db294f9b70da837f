/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy needs is refused where it is missing: a cluster that cannot serve, or whose sides
 * could both serve, is found at the start and not in the first split.
 */
#include "cluster/partition_options.h"

#include <string.h>

#include "cluster/suggest.h"

static const char *const words[] = {"ignore", "keep_majority", "static_quorum", "keep_oldest",
	"keep_referee", "require_all", "pause_all", "lease", "custom"};

const char *fli_partition_policy_word(fli_partition_policy policy)
{
	return words[policy];
}

const char *fli_partition_views_word(fli_partition_views views)
{
	static const char *const views_words[] = {
		"max_clique", "drop_both_ends", "off", "auto", "pop"};

	return views_words[views];
}

static fli_partition_policy policy_of(const fl_options *options)
{
	int64_t word = fli_options_int(options, FLI_KEY_PARTITION_POLICY);

	if (!fli_options_is_set(options, FLI_KEY_PARTITION_POLICY) &&
		fli_options_count(options, FLI_KEY_PARTITION_MEMBERS) > 0)
		return FLI_POLICY_KEEP_MAJORITY;
	if (word == FLI_PARTITION_PAUSE_MINORITY)
		return FLI_POLICY_KEEP_MAJORITY;
	if (word == FLI_PARTITION_AUTOHEAL)
		return FLI_POLICY_IGNORE;
	if (word == FLI_PARTITION_PAUSE_IF_ALL_DOWN)
		return FLI_POLICY_KEEP_REFEREE;
	return (fli_partition_policy)word;
}

static const char *where(const fl_options *options, fli_key key)
{
	return fli_options_origin(options, key);
}

bool fli_partition_is_on(const fl_options *options)
{
	return policy_of(options) != FLI_POLICY_IGNORE || fli_heal_restarts(options);
}

bool fli_heal_restarts(const fl_options *options)
{
	return fli_options_int(options, FLI_KEY_PARTITION_POLICY) == FLI_PARTITION_AUTOHEAL ||
	       fli_options_int(options, FLI_KEY_HEAL_LOSER) == FLI_HEAL_RESTART_SMALLER;
}

/* Where one side pauses there is nothing to drop. */
static int check_loser(const fl_options *options, fl_error *err)
{
	if (!fli_heal_restarts(options) || policy_of(options) == FLI_POLICY_IGNORE)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "%s: heal.loser = restart_smaller does not go with %s",
		where(options, FLI_KEY_HEAL_LOSER), words[policy_of(options)]);
	fl_error_why(err, "under that policy the other sides pause, and do nothing to be dropped");
	fl_error_next(err, "partition.policy = \"ignore\", or leave heal.loser out");
	return FL_ECONFIG;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_item(const fl_options *options, fli_key key, const char *name)
{
	for (size_t i = 0; i < fli_options_count(options, key); i++)
		if (strcmp(fli_options_item(options, key, i), name) == 0)
			return true;
	return false;
}

static int refuse_stranger(const fl_options *options, fli_key key, const char *name, fl_error *err)
{
	fli_suggest suggest = fli_suggest_start(name);

	for (size_t i = 0; i < fli_options_count(options, FLI_KEY_PARTITION_MEMBERS); i++)
		fli_suggest_offer(
			&suggest, fli_options_item(options, FLI_KEY_PARTITION_MEMBERS, i));
	fl_error_set(err, FL_ECONFIG, "%s: %s of %s is not in partition.members%s%s%s",
		where(options, key), name, fli_option_of(key)->key,
		suggest.best != NULL ? " (did you mean \"" : "",
		suggest.best != NULL ? suggest.best : "", suggest.best != NULL ? "\"?)" : "");
	fl_error_next(err, "partition.members (%s) names all nodes of the cluster",
		where(options, FLI_KEY_PARTITION_MEMBERS));
	return FL_ECONFIG;
}

/* A node name, and a member where those are listed. */
static int check_member(const fl_options *options, fli_key key, const char *name, fl_error *err)
{
	fli_node_name parsed;

	if (fli_node_name_parse(&parsed, name, strlen(name), err) != FL_OK) {
		fl_error_wrap(err, "%s: %s", where(options, key), fli_option_of(key)->key);
		fl_error_next(err, "write nodes as name@host");
		return FL_ECONFIG;
	}
	if (fli_options_count(options, FLI_KEY_PARTITION_MEMBERS) == 0 ||
		is_item(options, FLI_KEY_PARTITION_MEMBERS, name))
		return FL_OK;
	return refuse_stranger(options, key, name, err);
}

static int check_list(const fl_options *options, fli_key key, fl_error *err)
{
	int rc = FL_OK;

	for (size_t i = 0; i < fli_options_count(options, key) && rc == FL_OK; i++) {
		const char *name = fli_options_item(options, key, i);

		rc = check_member(options, key, name, err);
		for (size_t j = 0; j < i && rc == FL_OK; j++)
			if (strcmp(name, fli_options_item(options, key, j)) == 0)
				rc = fl_error_set(err, FL_ECONFIG, "%s: %s is twice in %s",
					where(options, key), name, fli_option_of(key)->key);
	}
	return rc;
}

static int check_names(const fl_options *options, fl_error *err)
{
	return check_list(options, FLI_KEY_PARTITION_MEMBERS, err);
}

/* ---- what a policy needs --------------------------------------------------------------------- */

static int refuse_tie(const fl_options *options, const char *tie, fl_error *err)
{
	static const char *const ties[] = {"lowest", "none", "lease"};
	fli_suggest suggest = fli_suggest_start(tie);

	for (size_t i = 0; i < sizeof ties / sizeof *ties; i++)
		fli_suggest_offer(&suggest, ties[i]);
	fl_error_set(err, FL_ECONFIG,
		"%s: \"%s\" is no value for partition.tie%s%s%s, which takes lowest, none, lease "
		"or name@host",
		where(options, FLI_KEY_PARTITION_TIE), tie,
		suggest.best != NULL ? " (did you mean \"" : "",
		suggest.best != NULL ? suggest.best : "", suggest.best != NULL ? "\"?)" : "");
	return FL_ECONFIG;
}

static int check_tie(const fl_options *options, fl_error *err)
{
	const char *tie = fli_options_text(options, FLI_KEY_PARTITION_TIE);

	if (strcmp(tie, "lowest") == 0 || strcmp(tie, "none") == 0 || strcmp(tie, "lease") == 0)
		return FL_OK;
	if (strchr(tie, '@') != NULL)
		return check_member(options, FLI_KEY_PARTITION_TIE, tie, err);
	return refuse_tie(options, tie, err);
}

static int refuse_quorum(const fl_options *options, const char *why, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_PARTITION_MEMBERS);
	long long quorum = fli_options_int(options, FLI_KEY_PARTITION_QUORUM);

	fl_error_set(err, FL_ECONFIG,
		"%s: partition.quorum = %lld does not go with %zu members (%s)",
		where(options, FLI_KEY_PARTITION_QUORUM), quorum, count,
		where(options, FLI_KEY_PARTITION_MEMBERS));
	fl_error_why(err, "%s", why);
	fl_error_next(err, "a majority of them is partition.quorum = %zu", count / 2 + 1);
	return FL_ECONFIG;
}

static bool needs_lease(const fl_options *options)
{
	return policy_of(options) == FLI_POLICY_LEASE ||
	       (policy_of(options) == FLI_POLICY_KEEP_MAJORITY &&
		       strcmp(fli_options_text(options, FLI_KEY_PARTITION_TIE), "lease") == 0);
}

static int refuse_lease(const fl_options *options, const char *text, fl_error *err)
{
	if (*text == '\0')
		fl_error_set(err, FL_ECONFIG, "%s: the lease needs partition.lease",
			where(options, policy_of(options) == FLI_POLICY_LEASE
					       ? FLI_KEY_PARTITION_POLICY
					       : FLI_KEY_PARTITION_TIE));
	else
		fl_error_set(err, FL_ECONFIG,
			"%s: \"%s\" is no value for partition.lease, which takes file:PATH or "
			"callbacks",
			where(options, FLI_KEY_PARTITION_LEASE), text);
	fl_error_next(
		err, "name a file on storage that all nodes share: file:/shared/flitch.lease");
	return FL_ECONFIG;
}

static int check_lease(const fl_options *options, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_PARTITION_LEASE);
	long long ttl = fli_options_int(options, FLI_KEY_PARTITION_LEASE_TTL);

	if (!needs_lease(options) && *text == '\0')
		return FL_OK;
	if (strcmp(text, "callbacks") != 0 && (strncmp(text, "file:", 5) != 0 || text[5] == '\0'))
		return refuse_lease(options, text, err);
	if (fli_options_int(options, FLI_KEY_PARTITION_LEASE_RENEW) * 2 <= ttl)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG,
		"%s: partition.lease_renew is more than half of "
		"partition.lease_ttl (%lld ms)",
		where(options, fli_options_is_set(options, FLI_KEY_PARTITION_LEASE_RENEW)
				       ? FLI_KEY_PARTITION_LEASE_RENEW
				       : FLI_KEY_PARTITION_LEASE_TTL),
		ttl);
	fl_error_why(err, "one answer that comes late would end the service");
	fl_error_next(err, "a quarter of it is a good time");
	return FL_ECONFIG;
}

static int check_quorum(const fl_options *options, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_PARTITION_MEMBERS);
	size_t quorum = (size_t)fli_options_int(options, FLI_KEY_PARTITION_QUORUM);

	if (policy_of(options) != FLI_POLICY_STATIC_QUORUM)
		return FL_OK;
	if (quorum == 0) {
		fl_error_set(err, FL_ECONFIG, "%s: static_quorum needs partition.quorum",
			where(options, FLI_KEY_PARTITION_POLICY));
		fl_error_next(err, "the majority of the members is a good number");
		return FL_ECONFIG;
	}
	if (count > 0 && quorum > count)
		return refuse_quorum(options, "no side could ever have it", err);
	if (count > 2 * quorum - 1)
		return refuse_quorum(options, "two sides could have it at once", err);
	return FL_OK;
}

static int check_minimum(const fl_options *options, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_PARTITION_MEMBERS);
	long long least = fli_options_int(options, FLI_KEY_PARTITION_MIN_MEMBERS);

	if (count == 0 || least <= (long long)count)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "%s: partition.min_members = %lld of %zu members (%s)",
		where(options, FLI_KEY_PARTITION_MIN_MEMBERS), least, count,
		where(options, FLI_KEY_PARTITION_MEMBERS));
	fl_error_why(err, "the node would never serve");
	fl_error_next(err, "leave it out: a majority is waited for");
	return FL_ECONFIG;
}

static int check_referees(const fl_options *options, fl_error *err)
{
	if (policy_of(options) == FLI_POLICY_KEEP_REFEREE &&
		fli_options_count(options, FLI_KEY_PARTITION_REFEREES) == 0) {
		fl_error_set(err, FL_ECONFIG, "%s: keep_referee needs partition.referees",
			where(options, FLI_KEY_PARTITION_POLICY));
		fl_error_next(err, "name the node, or nodes that cannot be separated");
		return FL_ECONFIG;
	}
	return check_list(options, FLI_KEY_PARTITION_REFEREES, err);
}

int fli_partition_check(const fl_options *options, fl_error *err)
{
	int (*const checks[])(const fl_options *, fl_error *) = {check_names, check_tie,
		check_lease, check_quorum, check_minimum, check_referees, fli_partition_check_reply,
		fli_heal_check, check_loser};
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && i < sizeof checks / sizeof *checks; i++)
		rc = checks[i](options, err);
	return rc;
}

int fli_partition_check_own(const fl_options *options, const fli_node_name *own, fl_error *err)
{
	if (fli_options_count(options, FLI_KEY_PARTITION_MEMBERS) > 0 &&
		!is_item(options, FLI_KEY_PARTITION_MEMBERS, own->text)) {
		fl_error_set(err, FL_ECONFIG, "%s: this node, %s, is not in partition.members",
			where(options, FLI_KEY_PARTITION_MEMBERS), own->text);
		fl_error_why(err, "a node that nobody counts cannot tell which side it is on");
		fl_error_next(err, "add it there, on all nodes alike");
		return FL_ECONFIG;
	}
	if (fli_options_bool(options, FLI_KEY_NODE_VISIBLE) && own->alive_size > 0)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "a hidden node has no partition.policy");
	fl_error_why(err, "hidden nodes are never counted as members");
	fl_error_next(err, "make it visible, or leave partition.policy and partition.members out");
	return FL_ECONFIG;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* A cluster of three has two of its members at one broken link, and the largest group goes on. */
static uint32_t tangled_percent(const fl_options *options, fli_partition_views views)
{
	if (views != FLI_VIEWS_BOTH_ENDS &&
		!fli_options_is_set(options, FLI_KEY_PARTITION_NONTRANSITIVE_LIMIT))
		return 100;
	return (uint32_t)fli_options_int(options, FLI_KEY_PARTITION_NONTRANSITIVE_LIMIT);
}

static fli_partition_rules rules_of(const fl_options *options)
{
	const char *tie = fli_options_text(options, FLI_KEY_PARTITION_TIE);
	int64_t word = fli_options_int(options, FLI_KEY_PARTITION_POLICY);
	fli_partition_rules rules = {.policy = policy_of(options),
		.views = (fli_partition_views)fli_options_int(
			options, FLI_KEY_PARTITION_NONTRANSITIVE)};

	rules.tie_by_lease = needs_lease(options) && rules.policy == FLI_POLICY_KEEP_MAJORITY &&
			     word != FLI_PARTITION_PAUSE_MINORITY;
	rules.has_tie = strcmp(tie, "none") != 0 && !rules.tie_by_lease &&
			word != FLI_PARTITION_PAUSE_MINORITY;
	rules.down_if_alone = fli_options_bool(options, FLI_KEY_PARTITION_DOWN_IF_ALONE);
	rules.all_referees = fli_options_int(options, FLI_KEY_PARTITION_REFEREE_MODE) != 0 &&
			     word != FLI_PARTITION_PAUSE_IF_ALL_DOWN;
	rules.quorum = (uint32_t)fli_options_int(options, FLI_KEY_PARTITION_QUORUM);
	rules.tangled_percent = tangled_percent(options, rules.views);
	return rules;
}

fli_partition_config fli_partition_tell(const fl_options *options)
{
	const char *tie = fli_options_text(options, FLI_KEY_PARTITION_TIE);

	return (fli_partition_config){.rules = rules_of(options),
		.members = fli_options_items(options, FLI_KEY_PARTITION_MEMBERS),
		.members_count = fli_options_count(options, FLI_KEY_PARTITION_MEMBERS),
		.tie = strchr(tie, '@') != NULL ? tie : "",
		.referees = fli_options_items(options, FLI_KEY_PARTITION_REFEREES),
		.referees_count = fli_options_count(options, FLI_KEY_PARTITION_REFEREES)};
}

fli_partition_times fli_partition_tell_times(const fl_options *options)
{
	uint64_t tick_ms = (uint64_t)fli_options_int(options, FLI_KEY_DIST_TICKTIME) * 1000;
	fli_partition_times times = {
		.stable_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_STABLE_AFTER),
		.unstable_percent = (uint32_t)fli_options_int(options, FLI_KEY_PARTITION_UNSTABLE),
		.heal_ms = (uint64_t)fli_options_int(options, FLI_KEY_HEAL_STABLE_AFTER),
		.forget_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_FORGET_AFTER),
		.drain_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_DRAIN),
		.heeds_health = fli_options_bool(options, FLI_KEY_SELF_HEALTH),
		.gap_ms = (uint64_t)fli_options_int(options, FLI_KEY_SELF_SUSPEND_GAP),
		.notice_ms = tick_ms * 5 / 4,
		.lease_ttl_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_LEASE_TTL),
		.lease_renew_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_LEASE_RENEW),
		.lease_delay_ms =
			(uint64_t)fli_options_int(options, FLI_KEY_PARTITION_MINORITY_DELAY)};

	if (times.gap_ms == 0)
		times.gap_ms = tick_ms / 4 < 5000 ? tick_ms / 4 : 5000;
	return times;
}

uint32_t fli_partition_tell_minimum(const fl_options *options)
{
	uint32_t least = (uint32_t)fli_options_int(options, FLI_KEY_PARTITION_MIN_MEMBERS);
	size_t count = fli_options_count(options, FLI_KEY_PARTITION_MEMBERS);

	return least == 0 && count > 0 ? (uint32_t)count / 2 + 1 : least;
}
