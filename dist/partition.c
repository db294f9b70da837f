/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a partition policy.
 *
 *  - A loss is noted and the clock starts; the views of the others are asked for each second; after
 *    a calm time the decision is taken from what is known then.
 *  - A node that goes on without some members goes on asking: links between others may break later
 *    and make another side the better one.
 *  - A paused node asks, too, and goes on when it would have served for a while.
 *  - Before it goes on while others are missing it waits for as long as any of them may need to see
 *    that it has to pause.
 *
 * What goes wrong: a loss while it goes on after a pause begins the pause anew, with all its steps.
 * Having been suspended is seen by the clock before anything is answered, since a timer of this
 * engine runs each second and timers run before handlers.
 *
 * Why a node that has lost no link of its own need not decide: it is part of every largest group,
 * and so it sees everybody who may serve.
 */
#include "dist/partition.h"

#include <string.h>

#include "dist/partition_state.h"
#include "node/base/bug.h"

/* One loss is told by each of those who see it, up to two rounds of asking later. */
enum { UNSTABLE_MIN_MS = 4000, RESTARTS_LEAST = 2, BURST_MS = 2 * FLI_PARTITION_TICK_MS };

const char *fli_partition_state_atom(fli_partition_state state)
{
	static const char *const atoms[] = {
#define ATOM(id, atom) atom,
		FLI_PARTITION_STATES(ATOM)
#undef ATOM
	};

	return atoms[state];
}

/* ---- telling --------------------------------------------------------------------------------- */

static void go_to(fli_partition *p, fli_partition_state state, fli_partition_reason reason)
{
	fli_partition_picture picture;
	fli_partition_event event = {.from = p->state,
		.to = state,
		.reason = reason,
		.is_stale = p->is_stale,
		.now_ms = p->now_ms,
		.first_loss_ms = p->first_loss_ms,
		.last_loss_ms = p->last_loss_ms,
		.roster = &p->roster,
		.picture = &picture,
		.verdict = &p->verdict};

	p->state = state;
	p->well_ms = 0;
	fli_partition_picture_of(p, &picture);
	p->start.ops->tell(p->start.ctx, &event);
}

static void set_gate(fli_partition *p, bool is_closed, bool queued)
{
	if (p->is_closed == is_closed && !queued)
		return;
	p->is_closed = is_closed;
	p->start.ops->gate(p->start.ctx, is_closed, queued);
}

/* ---- times ----------------------------------------------------------------------------------- */

/* 10 s times log10(n), without a library for it: one digit, and then bits. */
static uint64_t time_of_size(uint32_t count)
{
	double rest = count, result = 0, step = 0.5;

	for (; rest >= 10; rest /= 10)
		result += 1;
	for (int i = 0; i < 20; i++, step /= 2) {
		rest *= rest;
		if (rest < 10)
			continue;
		rest /= 10;
		result += step;
	}
	return (uint64_t)(10000 * result);
}

uint64_t fli_partition_stable_ms(const fli_partition *p)
{
	uint64_t ms = p->start.times.stable_ms;

	if (ms == 0)
		ms = time_of_size(p->roster.count);
	return ms < FLI_PARTITION_STABLE_MIN_MS && p->start.times.stable_ms == 0
		       ? FLI_PARTITION_STABLE_MIN_MS
		       : ms;
}

static uint64_t calm_ms(const fli_partition *p)
{
	uint64_t stable = fli_partition_stable_ms(p);
	uint64_t more = stable * p->start.times.unstable_percent / 100;

	return stable + (more < UNSTABLE_MIN_MS ? UNSTABLE_MIN_MS : more);
}

/*
 * How long a node that serves may take at most from a loss to the end of its service: two losses of
 * which the second came just before the decision are not yet a picture that does not settle.
 */
static uint64_t patience_ms(const fli_partition *p)
{
	uint64_t calm = calm_ms(p), twice = 2 * fli_partition_stable_ms(p);

	return (calm > twice ? calm : twice) + fli_partition_lease_patience_ms(p) +
	       p->start.times.drain_ms;
}

uint64_t fli_partition_pause_ms(const fli_partition *p)
{
	return patience_ms(p);
}

/* When waiting for calm has lasted long enough. */
static uint64_t unstable_at(const fli_partition *p)
{
	return p->config.rules.policy == FLI_POLICY_IGNORE ||
			       p->start.times.unstable_percent == 0 || p->restarts < RESTARTS_LEAST
		       ? UINT64_MAX
		       : p->first_loss_ms + calm_ms(p);
}

/*
 * How long it has to have been well. While members are missing, one of them may have served on
 * another side and takes that long to see that ours is the better one now.
 */
static uint64_t heal_ms(const fli_partition *p)
{
	uint64_t ms = p->start.times.heal_ms * (p->start.times.heeds_health ? 1 + p->ill : 1);

	if (fli_partition_all_up(p))
		return ms;
	return ms + patience_ms(p) + 2 * FLI_PARTITION_TICK_MS;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t fli_partition_next_ms(const fli_partition *p)
{
	uint64_t next = p->tick_ms;

	if (p->changed_ms != 0)
		next = earlier(next, p->changed_ms + FLI_PARTITION_SETTLE_MS);
	if (p->state == FLI_PARTITION_STALE)
		next = earlier(next, p->first_loss_ms + FLI_PARTITION_TICK_MS);
	if (p->state == FLI_PARTITION_SUSPECT)
		next = earlier(next,
			earlier(p->last_loss_ms + fli_partition_stable_ms(p), unstable_at(p)));
	if (p->well_ms != 0)
		next = earlier(next, p->well_ms + heal_ms(p));
	return earlier(next, fli_partition_lease_next_ms(p));
}

/* ---- losses ---------------------------------------------------------------------------------- */

static bool is_serving(const fli_partition *p)
{
	return p->state == FLI_PARTITION_SERVING || p->state == FLI_PARTITION_DEGRADED;
}

static void decide(fli_partition *p)
{
	fli_partition_rules rules = p->config.rules;
	fli_partition_picture picture;

	rules.views = fli_partition_views_of(p);
	fli_partition_picture_of(p, &picture);
	fli_partition_decide(&rules, &picture, &p->verdict);
}

/* By what it sees itself, as long as nobody has answered. */
static void decide_alone(fli_partition *p, fli_partition_verdict *ret_verdict)
{
	fli_partition_rules rules = p->config.rules;
	fli_partition_picture picture;

	rules.views = FLI_VIEWS_OWN;
	fli_partition_picture_of(p, &picture);
	fli_partition_decide(&rules, &picture, ret_verdict);
}

static void doubt(fli_partition *p, fli_partition_state state)
{
	p->first_loss_ms = p->last_loss_ms = p->burst_ms = p->now_ms;
	p->restarts = 0;
	p->counters.partitions += p->state == FLI_PARTITION_SERVING ? 1 : 0;
	decide_alone(p, &p->verdict);
	go_to(p, state, p->verdict.reason);
	p->tick_ms = p->now_ms + 1; /* the first round of questions */
}

static void suspect(fli_partition *p)
{
	doubt(p, FLI_PARTITION_SUSPECT);
}

static bool is_in_doubt(const fli_partition *p)
{
	return p->state == FLI_PARTITION_SUSPECT || p->state == FLI_PARTITION_STALE;
}

static void begin_pause(fli_partition *p, fli_partition_reason reason)
{
	p->lease.is_relied_on = false;
	if (p->state != FLI_PARTITION_RESUMING) {
		p->paused_ms = p->counted_ms = p->now_ms;
		p->counters.pauses += p->has_served ? 1 : 0;
	}
	set_gate(p, true, false);
	go_to(p, FLI_PARTITION_PAUSING, reason);
	p->start.ops->pause(p->start.ctx, reason);
}

void fli_partition_lost(fli_partition *p)
{
	p->well_ms = 0;
	if (is_in_doubt(p)) {
		if (p->now_ms >= p->burst_ms + BURST_MS) {
			p->restarts++;
			p->burst_ms = p->now_ms;
		}
		p->last_loss_ms = p->now_ms;
	} else if (is_serving(p)) {
		suspect(p);
	} else if (p->state == FLI_PARTITION_RESUMING) {
		decide(p);
		if (!fli_partition_serves(p->verdict.reason))
			begin_pause(p, p->verdict.reason);
	}
}

/* ---- what is due ----------------------------------------------------------------------------- */

static void begin_resume(fli_partition *p)
{
	uint64_t paused = p->has_served ? p->now_ms - p->paused_ms : 0;

	p->counters.paused_ms += p->has_served ? p->now_ms - p->counted_ms : 0;
	p->counted_ms = p->now_ms; /* another pause may come on the way */
	p->is_stale = false;
	p->lease.is_relied_on = p->verdict.by_lease;
	go_to(p, FLI_PARTITION_RESUMING, p->verdict.reason);
	p->start.ops->resume(p->start.ctx, paused);
}

/* All steps of going on are taken, or none was needed. */
static void serve(fli_partition *p)
{
	bool all = fli_partition_all_up(p);

	decide(p);
	if (all) /* some may not have said yet that they see each other */
		p->verdict.by_lease = false;
	p->has_served = true;
	p->is_stale = false;
	p->lease.is_relied_on = p->verdict.by_lease;
	set_gate(p, false, false);
	go_to(p, all ? FLI_PARTITION_SERVING : FLI_PARTITION_DEGRADED, p->verdict.reason);
}

static bool is_settled(const fli_partition *p)
{
	return p->now_ms >= p->changed_ms + FLI_PARTITION_SETTLE_MS &&
	       (!p->is_stale || fli_partition_all_answered(p));
}

static void look_suspect(fli_partition *p)
{
	uint64_t calm = p->last_loss_ms + fli_partition_stable_ms(p);

	if (fli_partition_all_up(p) && is_settled(p)) {
		p->counters.false_suspicions++;
		serve(p);
		return;
	}
	if (p->now_ms >= calm) {
		decide(p);
		if (fli_partition_serves(p->verdict.reason))
			serve(p);
		else if (!fli_partition_seek_lease(p, calm))
			begin_pause(p, p->verdict.reason);
	} else if (p->now_ms >= unstable_at(p)) {
		begin_pause(p, FLI_REASON_UNSTABLE);
	} else if (p->start.rejects_early && is_settled(p)) {
		decide_alone(p, &p->verdict);
		set_gate(p, p->is_stale || !fli_partition_serves(p->verdict.reason), false);
	}
}

/* The clock of the loss goes on: it began when this node woke up. */
static void look_stale(fli_partition *p)
{
	if (p->now_ms < p->first_loss_ms + FLI_PARTITION_TICK_MS)
		return;
	decide_alone(p, &p->verdict);
	go_to(p, FLI_PARTITION_SUSPECT, p->verdict.reason);
}

/* Links of others have healed or broken since, and another side may be the better one. */
static void look_degraded(fli_partition *p)
{
	if (fli_partition_all_up(p)) {
		if (is_settled(p))
			serve(p);
		return;
	}
	decide(p);
	if (!fli_partition_serves(p->verdict.reason))
		suspect(p);
	else
		p->lease.is_relied_on = p->verdict.by_lease;
}

static void look_paused(fli_partition *p)
{
	bool all = fli_partition_all_up(p);

	decide(p);
	if (p->state == FLI_PARTITION_JOINING && fli_partition_up_count(p) < p->start.min_members)
		p->verdict.reason = FLI_REASON_JOINING;
	else if (!fli_partition_serves(p->verdict.reason))
		(void)fli_partition_seek_lease(p, p->now_ms - FLI_PARTITION_TICK_MS);
	if (!fli_partition_serves(p->verdict.reason)) {
		p->well_ms = 0;
		return;
	}
	if (p->well_ms == 0)
		p->well_ms = p->now_ms;
	if (p->now_ms >= p->well_ms + heal_ms(p) || (all && p->state == FLI_PARTITION_JOINING))
		begin_resume(p);
}

void fli_partition_lease_is_over(fli_partition *p)
{
	if (is_serving(p) || is_in_doubt(p) || p->state == FLI_PARTITION_RESUMING)
		begin_pause(p, FLI_REASON_LEASE_OVER);
}

void fli_partition_look(fli_partition *p)
{
	switch (p->state) {
	case FLI_PARTITION_STALE: look_stale(p); break;
	case FLI_PARTITION_SUSPECT: look_suspect(p); break;
	case FLI_PARTITION_DEGRADED: look_degraded(p); break;
	case FLI_PARTITION_JOINING:
	case FLI_PARTITION_PAUSED: look_paused(p); break;
	default: break;
	}
	if (p->changed_ms != 0 && p->now_ms >= p->changed_ms + FLI_PARTITION_SETTLE_MS)
		p->changed_ms = 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Whatever we knew of the others is old, and they may have decided without us. */
static void wake_up(fli_partition *p)
{
	p->counters.gaps++;
	p->is_stale = true;
	fli_partition_reset_views(p);
	set_gate(p, true, true);
	if (is_serving(p) || is_in_doubt(p))
		doubt(p, FLI_PARTITION_STALE);
	else if (p->state == FLI_PARTITION_RESUMING)
		begin_pause(p, p->verdict.reason);
}

/*
 * A node whose rounds come late is one that the others may soon take for lost, and that sees late
 * what becomes of them. It decides as ever, since others count on when it pauses.
 */
static void look_at_health(fli_partition *p, uint64_t late_ms)
{
	if (late_ms >= FLI_PARTITION_LATE_MS) {
		p->calm_rounds = 0;
		p->ill += p->ill < FLI_PARTITION_ILL_MAX ? 1 : 0;
	} else if (p->ill > 0 && ++p->calm_rounds == FLI_PARTITION_CALM_ROUNDS) {
		p->calm_rounds = 0;
		p->ill--;
	}
}

static void tick(fli_partition *p)
{
	p->tick_ms = p->now_ms + FLI_PARTITION_TICK_MS;
	if (p->state == FLI_PARTITION_SERVING) {
		fli_partition_promote(p);
		p->all_run_pop =
			p->start.ops->runs_pop != NULL && p->start.ops->runs_pop(p->start.ctx);
	}
	fli_partition_forget_old(p);
	if (p->state != FLI_PARTITION_SERVING)
		fli_partition_ask(p);
}

void fli_partition_time(fli_partition *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
	if (now_ms >= p->tick_ms)
		look_at_health(p, now_ms - p->tick_ms);
	if (now_ms > p->tick_ms + p->start.times.gap_ms && !FLI_BUG(suspension_is_not_seen))
		wake_up(p);
	fli_partition_lease_time(p);
	fli_partition_look(p);
	if (now_ms >= p->tick_ms)
		tick(p);
}

void fli_partition_up(fli_partition *p, fl_atom node)
{
	uint32_t place = fli_roster_find(&p->roster, node);

	if (place == FLI_ROSTER_NONE) {
		if (!p->is_listed)
			fli_partition_newcomer(p, node);
		return;
	}
	p->roster.entries[place]->is_up = true;
	p->roster.entries[place]->leaving_ms = 0;
	p->changed_ms = p->now_ms;
}

static bool has_announced(const fli_partition *p, uint32_t place)
{
	uint64_t said_ms = p->roster.entries[place]->leaving_ms;

	return said_ms != 0 && p->now_ms < said_ms + FLI_PARTITION_LEAVE_MS &&
	       !FLI_BUG(leave_is_a_loss);
}

/* A node that stopped in order: nothing is wrong with those that are left. */
static void go_on_without(fli_partition *p, uint32_t place)
{
	fli_partition_has_left(p, place);
	if (p->state != FLI_PARTITION_SERVING || fli_partition_all_up(p))
		return;
	fli_partition_assume_views(p);
	decide(p);
	if (fli_partition_serves(p->verdict.reason))
		serve(p);
	else
		suspect(p);
}

void fli_partition_down(fli_partition *p, fl_atom node)
{
	uint32_t place = fli_roster_find(&p->roster, node);

	if (place == FLI_ROSTER_NONE) {
		fli_partition_newcomer_left(p, node);
		return;
	}
	if (!p->roster.entries[place]->is_up)
		return;
	p->roster.entries[place]->is_up = false;
	p->roster.entries[place]->down_ms = p->now_ms;
	fli_partition_forget_view(p, place);
	p->changed_ms = p->now_ms;
	if (has_announced(p, place))
		go_on_without(p, place);
	else
		fli_partition_lost(p);
}

void fli_partition_leaving(fli_partition *p, fl_atom node)
{
	uint32_t place = fli_roster_find(&p->roster, node);

	if (place != FLI_ROSTER_NONE && p->roster.entries[place]->is_up)
		p->roster.entries[place]->leaving_ms = p->now_ms;
}

void fli_partition_open(fli_partition *p)
{
	if (p->state == FLI_PARTITION_RESUMING)
		set_gate(p, false, false);
}

void fli_partition_done(fli_partition *p)
{
	if (p->state == FLI_PARTITION_PAUSING)
		go_to(p, p->has_served ? FLI_PARTITION_PAUSED : FLI_PARTITION_JOINING,
			p->verdict.reason);
	else if (p->state == FLI_PARTITION_RESUMING)
		serve(p);
}

/* ---- life ------------------------------------------------------------------------------------ */

int fli_partition_new(const fli_partition_start *start, fli_partition **ret_partition)
{
	fli_partition *p = fli_zalloc(start->mem, sizeof *p);
	fli_roster_entry *self;
	int rc;

	if (p == NULL)
		return FL_ENOMEM;
	p->start = *start;
	p->config = *start->config;
	p->now_ms = p->begun_ms = start->now_ms;
	p->tick_ms = start->now_ms + 1;
	p->is_listed = start->config->members_count > 0;
	fli_roster_create(&p->roster, start->mem);
	rc = fli_roster_fill(&p->roster, start->config);
	if (rc == FL_OK)
		rc = fli_roster_add(&p->roster, start->self, &self);
	if (rc == FL_OK)
		self->is_up = self->is_listed = true;
	if (rc == FL_OK && !fli_partition_make_room(p, p->roster.count))
		rc = FL_ENOMEM;
	if (rc == FL_OK)
		fli_partition_reset_views(p);
	/* the texts were needed for the roster alone */
	p->config.members = p->config.referees = NULL;
	p->config.tie = *start->config->tie == '\0' ? "" : "listed";
	if (rc == FL_OK)
		*ret_partition = p;
	else
		fli_partition_delete(p);
	return rc;
}

void fli_partition_delete(fli_partition *p)
{
	if (p == NULL)
		return;
	fli_roster_destroy(&p->roster);
	fli_free(p->start.mem, p->newcomers);
	fli_partition_free_views(p);
	fli_free(p->start.mem, p);
}

void fli_partition_begin(fli_partition *p)
{
	decide(p);
	if ((fli_partition_all_up(p) && fli_partition_up_count(p) >= p->start.min_members) ||
		p->config.rules.policy == FLI_POLICY_IGNORE) {
		serve(p);
		return;
	}
	p->verdict.reason = FLI_REASON_JOINING;
	begin_pause(p, FLI_REASON_JOINING);
}

/* ---- what tools show ------------------------------------------------------------------------- */

fli_partition_state fli_partition_state_of(const fli_partition *p)
{
	return p->state;
}

const fli_partition_counters *fli_partition_count(const fli_partition *p)
{
	return &p->counters;
}

uint64_t fli_partition_paused_ms(const fli_partition *p, uint64_t now_ms)
{
	bool is_paused = p->has_served &&
			 (p->state == FLI_PARTITION_PAUSING || p->state == FLI_PARTITION_PAUSED);

	return p->counters.paused_ms + (is_paused ? now_ms - p->counted_ms : 0);
}

const fli_roster *fli_partition_roster(const fli_partition *p)
{
	return &p->roster;
}

uint32_t fli_partition_illness(const fli_partition *p)
{
	return p->ill;
}

fli_partition_views fli_partition_views_of(const fli_partition *p)
{
	if (p->config.rules.views != FLI_VIEWS_AUTO)
		return p->config.rules.views;
	return p->all_run_pop ? FLI_VIEWS_POP : FLI_VIEWS_CLIQUE;
}

const fli_partition_rules *fli_partition_rules_of(const fli_partition *p)
{
	return &p->config.rules;
}
