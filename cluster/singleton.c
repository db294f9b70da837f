/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decisions of a candidate.
 *
 *  - Nobody holds it: each candidate waits for its turn, 50 ms times its rank, and asks all others.
 *    The first one has it before the second one's turn comes.
 *  - The holder's server ends, or its node leaves: its guard says so, nobody waits any longer.
 *  - The holder is lost without a word: it may run on, until its own node sees that it has to
 * pause. The margin is what that takes at most; each candidate counts it from the loss as it saw
 * it, and denies claims meanwhile.
 *
 * What goes wrong: a candidate that does not answer ends the claim, which is made again; one that
 * is gone leaves the group and is not asked. Two halves that meet with a holder each: the name
 * decides (fli_singleton_yield), and who stays takes a new epoch, above that of who went.
 */
#include "cluster/singleton.h"

#include <string.h>

const char *fli_singleton_state_atom(fli_singleton_state state)
{
	static const char *const atoms[] = {
#define STATE_ATOM(id, atom) atom,
		FLI_SINGLETON_STATES(STATE_ATOM)
#undef STATE_ATOM
	};

	return atoms[state];
}

/* ---- epochs ---------------------------------------------------------------------------------- */

static void note(fli_singleton *s, uint64_t epoch)
{
	if (epoch > s->seen && (epoch >> FLI_EPOCH_TAG_BITS) - (s->seen >> FLI_EPOCH_TAG_BITS) <=
				       FLI_EPOCH_LEAP_MAX)
		s->seen = epoch;
}

uint64_t fli_singleton_next_epoch(fli_singleton *s, uint64_t seen)
{
	uint64_t tag = s->config.hash & ((1u << FLI_EPOCH_TAG_BITS) - 1);

	note(s, seen);
	s->seen = (((s->seen >> FLI_EPOCH_TAG_BITS) + 1) << FLI_EPOCH_TAG_BITS) | tag;
	return s->seen;
}

/* ---- candidates ------------------------------------------------------------------------------ */

static fli_candidate *find(fli_singleton *s, const fl_pid *guard)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (fl_pid_eq(&s->candidates[i].guard, guard))
			return &s->candidates[i];
	return NULL;
}

bool fli_singleton_is_candidate(const fli_singleton *s, const fl_pid *guard)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (fl_pid_eq(&s->candidates[i].guard, guard))
			return true;
	return false;
}

static bool is_before(const fli_candidate *c, const fli_singleton *s)
{
	fl_atom theirs = c->guard.node, mine = s->config.guard.node;
	size_t size = theirs.size < mine.size ? theirs.size : mine.size;
	int order = memcmp(theirs.text, mine.text, size);

	if (c->hash != s->config.hash)
		return c->hash < s->config.hash;
	return order != 0 ? order < 0 : theirs.size < mine.size;
}

uint32_t fli_singleton_rank(const fli_singleton *s)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < s->count; i++)
		rank += is_before(&s->candidates[i], s) ? 1 : 0;
	return rank;
}

static void say(fli_singleton *s, const fl_pid *to, fli_word_kind kind, uint64_t epoch)
{
	const fli_word word = {.kind = kind,
		.epoch = epoch,
		.seen = s->seen,
		.has_holder = s->has_holder,
		.holder = s->holder,
		.held = s->held};

	s->config.ops->say(s->config.ctx, to, &word);
}

static void say_all(fli_singleton *s, fli_word_kind kind, uint64_t epoch)
{
	for (uint32_t i = 0; i < s->count; i++)
		say(s, &s->candidates[i].guard, kind, epoch);
}

/* ---- standing by ----------------------------------------------------------------------------- */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t backoff(const fli_singleton *s)
{
	uint64_t ms = FLI_SINGLETON_BACKOFF_MS;

	if (s->fails == 0)
		return 0;
	for (uint32_t i = 1; i < s->fails && ms < FLI_SINGLETON_BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < FLI_SINGLETON_BACKOFF_MAX_MS ? ms : FLI_SINGLETON_BACKOFF_MAX_MS;
}

/* When it is this candidate's turn. */
static void plan(fli_singleton *s)
{
	if (s->state != FLI_SINGLETON_STANDBY)
		return;
	s->due_ms = FLI_SINGLETON_NEVER;
	if (!s->has_holder && s->may_start)
		s->due_ms =
			later(later(s->free_ms + backoff(s), s->not_before_ms), s->margin_end_ms) +
			(uint64_t)fli_singleton_rank(s) * FLI_SINGLETON_RANK_MS;
}

static void stand_by(fli_singleton *s)
{
	s->state = FLI_SINGLETON_STANDBY;
	s->epoch = 0;
	plan(s);
}

static void adopt(fli_singleton *s, const fl_pid *holder, uint64_t epoch)
{
	if (s->has_holder && s->held >= epoch)
		return;
	s->has_holder = true;
	s->holder = *holder;
	s->held = epoch;
	s->has_grantee = false;
	s->config.ops->watch(s->config.ctx, holder);
	plan(s);
}

static void be_free(fli_singleton *s, fli_loss loss)
{
	s->lost = s->held;
	s->has_holder = false;
	s->held = 0;
	s->free_ms = s->now_ms;
	s->margin_end_ms = s->now_ms;
	if (loss == FLI_LOSS_SILENT)
		s->margin_end_ms += s->config.margin_ms;
	else
		s->lost = 0;
	plan(s);
}

/* ---- a claim --------------------------------------------------------------------------------- */

static void start(fli_singleton *s)
{
	s->state = FLI_SINGLETON_STARTING;
	s->due_ms = FLI_SINGLETON_NEVER;
	s->started_ms = s->now_ms;
	s->config.ops->start(s->config.ctx, s->epoch);
}

static void ask_lease(fli_singleton *s, fli_lease_verb verb)
{
	s->lease_asked_ms = s->now_ms;
	s->config.ops->lease(s->config.ctx, verb, s->epoch);
}

static void look_at_grants(fli_singleton *s)
{
	if (s->state != FLI_SINGLETON_CLAIMING)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->candidates[i].has_granted)
			return;
	if (s->config.lease_ms == 0) {
		start(s);
		return;
	}
	s->state = FLI_SINGLETON_LEASING;
	s->due_ms = FLI_SINGLETON_NEVER;
	ask_lease(s, FLI_LEASE_ACQUIRE);
}

static void claim(fli_singleton *s)
{
	s->state = FLI_SINGLETON_CLAIMING;
	s->due_ms = s->now_ms + FLI_SINGLETON_CLAIM_MS;
	s->epoch = fli_singleton_next_epoch(s, s->seen);
	for (uint32_t i = 0; i < s->count; i++)
		s->candidates[i].has_granted = false;
	say_all(s, FLI_WORD_CLAIM, s->epoch);
	look_at_grants(s);
}

static void give_up_claim(fli_singleton *s, uint64_t wait_ms)
{
	say_all(s, FLI_WORD_RELEASED, s->epoch); /* who granted it need not wait */
	s->not_before_ms = later(s->not_before_ms, s->now_ms + wait_ms);
	stand_by(s);
}

/* Something of it runs here, or may. */
static bool is_here(const fli_singleton *s)
{
	return s->state >= FLI_SINGLETON_LEASING;
}

static bool is_granted_to_another(const fli_singleton *s, const fl_pid *from)
{
	return s->has_grantee && s->now_ms < s->grant_end_ms && !fl_pid_eq(&s->grantee, from);
}

/* The loss may be known to this candidate alone. */
static bool waits_for_margin(const fli_singleton *s)
{
	return s->now_ms < s->margin_end_ms;
}

static void on_claim(fli_singleton *s, const fl_pid *from, const fli_word *word)
{
	const fli_candidate *c = find(s, from);
	bool is_old = word->epoch <= s->seen;

	note(s, word->epoch);
	if (c == NULL)
		return; /* it is no candidate yet: it asks again */
	if (is_old || is_here(s) || s->has_holder || waits_for_margin(s) ||
		is_granted_to_another(s, from) ||
		(s->state == FLI_SINGLETON_CLAIMING && !is_before(c, s))) {
		say(s, from, FLI_WORD_DENY, word->epoch);
		return;
	}
	if (s->state == FLI_SINGLETON_CLAIMING)
		give_up_claim(s, FLI_SINGLETON_RETRY_MS);
	s->has_grantee = true;
	s->grantee = *from;
	s->granted = word->epoch;
	s->grant_end_ms = s->now_ms + FLI_SINGLETON_GRANT_MS;
	say(s, from, FLI_WORD_GRANT, word->epoch);
}

static void on_grant(fli_singleton *s, const fl_pid *from, const fli_word *word)
{
	fli_candidate *c = find(s, from);

	if (s->state != FLI_SINGLETON_CLAIMING || word->epoch != s->epoch || c == NULL)
		return;
	c->has_granted = true;
	look_at_grants(s);
}

static void on_deny(fli_singleton *s, const fli_word *word)
{
	bool is_for_epoch = word->seen > word->epoch && !word->has_holder;

	if (s->state != FLI_SINGLETON_CLAIMING || word->epoch != s->epoch)
		return;
	give_up_claim(s, is_for_epoch ? 0 : FLI_SINGLETON_RETRY_MS);
	if (word->has_holder)
		adopt(s, &word->holder, word->held);
}

/* ---- holding --------------------------------------------------------------------------------- */

static void stop(fli_singleton *s)
{
	s->state = FLI_SINGLETON_STOPPING;
	s->due_ms = FLI_SINGLETON_NEVER;
	s->config.ops->stop(s->config.ctx);
}

static void hold(fli_singleton *s, const fl_pid *server, uint64_t epoch)
{
	s->state = FLI_SINGLETON_HOLDING;
	s->due_ms = FLI_SINGLETON_NEVER;
	s->epoch = s->held = epoch;
	s->has_holder = true;
	s->holder = *server;
	s->started_ms = s->now_ms;
	s->takeovers++;
	s->lost = 0;
	s->config.ops->watch(s->config.ctx, NULL); /* the guard has a link to its own */
	say_all(s, FLI_WORD_STATE, epoch);
}

void fli_singleton_started(fli_singleton *s, const fl_pid *server)
{
	if (s->state == FLI_SINGLETON_STARTING)
		hold(s, server, s->epoch);
}

static void release(fli_singleton *s)
{
	uint64_t epoch = s->epoch;

	if (s->config.lease_ms != 0)
		s->config.ops->lease(s->config.ctx, FLI_LEASE_RELEASE, epoch);
	say_all(s, FLI_WORD_RELEASED, epoch);
}

void fli_singleton_ended(fli_singleton *s)
{
	bool was_told = s->state == FLI_SINGLETON_STOPPING;

	if (s->state < FLI_SINGLETON_STARTING)
		return;
	if (was_told || s->now_ms - s->started_ms >= FLI_SINGLETON_CALM_MS)
		s->fails = 0;
	else
		s->fails++;
	s->state = FLI_SINGLETON_STANDBY;
	if (!s->has_holder || s->held == s->epoch) {
		be_free(s, FLI_LOSS_ENDED);
	}
	release(s);
	stand_by(s);
}

/* Who went had a greater epoch than who stays: those who were told it would refuse this one. */
static void outgrow(fli_singleton *s)
{
	s->epoch = s->held = fli_singleton_next_epoch(s, s->seen);
	say_all(s, FLI_WORD_STATE, s->epoch);
}

static void end_margin(fli_singleton *s)
{
	s->lost = 0;
	s->margin_end_ms = s->now_ms;
	plan(s);
}

static void on_released(fli_singleton *s, const fli_word *word)
{
	note(s, word->epoch);
	if (s->has_grantee && s->granted == word->epoch)
		s->has_grantee = false;
	if (s->state == FLI_SINGLETON_HOLDING && word->epoch > s->epoch) {
		outgrow(s);
		return;
	}
	if (s->has_holder && s->held == word->epoch && !is_here(s)) {
		s->config.ops->watch(s->config.ctx, NULL);
		be_free(s, FLI_LOSS_ENDED);
	} else if (s->lost != 0 && s->lost == word->epoch) {
		end_margin(s);
	}
}

static void on_state(fli_singleton *s, const fl_pid *from, const fli_word *word)
{
	note(s, word->held);
	if (!word->has_holder && s->lost != 0 && fl_atom_eq(from->node, s->holder.node))
		end_margin(s); /* it is back, and runs nothing */
	if (!word->has_holder || s->state == FLI_SINGLETON_HOLDING ||
		s->state == FLI_SINGLETON_STOPPING)
		return; /* of two that hold it the name decides */
	if (s->state == FLI_SINGLETON_STARTING)
		stop(s);
	else if (s->state == FLI_SINGLETON_CLAIMING || s->state == FLI_SINGLETON_LEASING)
		give_up_claim(s, 0);
	adopt(s, &word->holder, word->held);
}

void fli_singleton_heard(fli_singleton *s, const fl_pid *from, const fli_word *word)
{
	if (word->kind != FLI_WORD_CLAIM)
		note(s, word->seen);
	switch (word->kind) {
	case FLI_WORD_STATE: on_state(s, from, word); break;
	case FLI_WORD_CLAIM: on_claim(s, from, word); break;
	case FLI_WORD_GRANT: on_grant(s, from, word); break;
	case FLI_WORD_DENY: on_deny(s, word); break;
	case FLI_WORD_RELEASED: on_released(s, word); break;
	}
}

void fli_singleton_lost(fli_singleton *s, const fl_pid *holder, fli_loss loss)
{
	if (!s->has_holder || !fl_pid_eq(&s->holder, holder) || is_here(s))
		return;
	be_free(s, loss);
}

void fli_singleton_yield(fli_singleton *s)
{
	if (s->state == FLI_SINGLETON_HOLDING || s->state == FLI_SINGLETON_STARTING)
		stop(s);
}

/* A fifth of its time is the margin for clocks that run at different speeds. */
static uint64_t lease_end(const fli_singleton *s)
{
	return s->lease_asked_ms + s->config.lease_ms - s->config.lease_ms / 5;
}

void fli_singleton_take(fli_singleton *s, const fl_pid *server, uint64_t epoch)
{
	note(s, epoch);
	hold(s, server, epoch);
	if (!s->may_run)
		stop(s);
}

void fli_singleton_take_leased(
	fli_singleton *s, const fl_pid *server, uint64_t epoch, uint64_t asked_ms)
{
	s->is_renewing = false;
	s->lease_asked_ms = asked_ms;
	s->lease_end_ms = lease_end(s);
	fli_singleton_take(s, server, epoch);
}

bool fli_singleton_keep_lease(fli_singleton *s)
{
	if (s->is_renewing)
		return false;
	s->is_renewing = true;
	return true;
}

void fli_singleton_lose_lease(fli_singleton *s)
{
	s->is_renewing = false;
	s->lease_end_ms = s->now_ms;
}

void fli_singleton_give(fli_singleton *s, const fl_pid *server, uint64_t epoch)
{
	s->is_renewing = false;
	note(s, epoch);
	s->has_holder = false;
	stand_by(s);
	adopt(s, server, epoch);
}

/* ---- the lease ------------------------------------------------------------------------------- */

void fli_singleton_leased(fli_singleton *s, bool is_granted, uint64_t asked_ms)
{
	if (asked_ms == s->lease_asked_ms)
		s->is_renewing = false;
	else if (s->state >= FLI_SINGLETON_LEASING)
		return; /* it was asked for again since: that answer counts */
	if (is_granted)
		s->lease_end_ms = lease_end(s);
	if (is_granted && s->state <= FLI_SINGLETON_CLAIMING)
		s->config.ops->lease(s->config.ctx, FLI_LEASE_RELEASE, s->epoch);
	if (s->state != FLI_SINGLETON_LEASING)
		return;
	if (is_granted && s->may_run && s->now_ms < s->lease_end_ms) {
		start(s);
		return;
	}
	if (is_granted)
		s->config.ops->lease(s->config.ctx, FLI_LEASE_RELEASE, s->epoch);
	give_up_claim(s, later(s->config.renew_ms, FLI_SINGLETON_RETRY_MS));
}

static void look_at_lease(fli_singleton *s)
{
	if (s->now_ms >= s->lease_end_ms) {
		stop(s);
		return;
	}
	if (s->is_renewing || s->now_ms < s->lease_asked_ms + s->config.renew_ms)
		return;
	s->is_renewing = true;
	ask_lease(s, FLI_LEASE_RENEW);
}

static bool has_lease(const fli_singleton *s)
{
	return s->config.lease_ms != 0 &&
	       (s->state == FLI_SINGLETON_HOLDING || s->state == FLI_SINGLETON_STARTING);
}

/* ---- what happens ---------------------------------------------------------------------------- */

void fli_singleton_create(fli_singleton *s, const fli_singleton_config *config)
{
	memset(s, 0, sizeof *s);
	s->config = *config;
	s->now_ms = config->now_ms;
	s->due_ms = FLI_SINGLETON_NEVER;
	s->free_ms = config->now_ms + config->settle_ms;
}

void fli_singleton_time(fli_singleton *s, uint64_t now_ms)
{
	s->now_ms = later(s->now_ms, now_ms);
	if (has_lease(s))
		look_at_lease(s);
	if (s->now_ms < s->due_ms)
		return;
	if (s->state == FLI_SINGLETON_STANDBY)
		claim(s);
	else if (s->state == FLI_SINGLETON_CLAIMING)
		give_up_claim(s, FLI_SINGLETON_RETRY_MS);
}

uint64_t fli_singleton_next_ms(const fli_singleton *s)
{
	uint64_t renew = s->lease_asked_ms + s->config.renew_ms;

	if (!has_lease(s))
		return s->due_ms;
	return s->is_renewing || s->lease_end_ms < renew ? s->lease_end_ms : renew;
}

void fli_singleton_allow(fli_singleton *s, bool may_run, bool may_start, bool is_degraded)
{
	if (may_start && !s->has_begun) {
		/* a node that starts among others that are missing does not know what they run */
		s->has_begun = true;
		s->margin_end_ms = is_degraded ? s->now_ms + s->config.margin_ms : s->now_ms;
	}
	if (may_start && !s->may_start)
		s->free_ms = later(s->free_ms, s->now_ms + s->config.settle_ms);
	s->may_run = may_run;
	s->may_start = may_start;
	if (!may_run && (s->state == FLI_SINGLETON_STARTING || s->state == FLI_SINGLETON_HOLDING))
		stop(s);
	if (!may_start && s->state == FLI_SINGLETON_CLAIMING)
		give_up_claim(s, 0);
	plan(s);
}

int fli_singleton_joined(fli_singleton *s, const fl_pid *guard, uint32_t hash)
{
	fli_candidate *c = find(s, guard);

	if (c != NULL)
		return FL_OK;
	if (s->count == FLI_SINGLETON_CANDIDATES_MAX)
		return FL_ELIMIT;
	c = &s->candidates[s->count++];
	*c = (fli_candidate){.guard = *guard, .hash = hash};
	say(s, guard, FLI_WORD_STATE, s->held);
	if (s->state == FLI_SINGLETON_CLAIMING)
		say(s, guard, FLI_WORD_CLAIM, s->epoch);
	plan(s);
	return FL_OK;
}

/* It may have begun, and this is all that will be known of it. */
static void lose_grantee(fli_singleton *s, const fl_pid *guard)
{
	if (!s->has_grantee || !fl_pid_eq(&s->grantee, guard))
		return;
	s->has_grantee = false;
	s->lost = s->granted;
	s->holder = *guard;
	s->margin_end_ms = later(s->margin_end_ms, s->now_ms + s->config.margin_ms);
}

void fli_singleton_left(fli_singleton *s, const fl_pid *guard)
{
	fli_candidate *c = find(s, guard);

	if (c == NULL)
		return;
	*c = s->candidates[--s->count];
	lose_grantee(s, guard);
	look_at_grants(s);
	plan(s);
}
