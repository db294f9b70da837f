/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease that decides which side serves, where the rules leave that to it.
 *
 *  - It belongs to one member; the side that member is on serves. A node that wants its side to
 *    serve asks the store for it, the smaller side after a delay.
 *  - Who gets it counts from when it asked, and holds it for four fifths of its time only: clocks
 *    may run a little apart. Renewing counts from when that was asked for.
 *  - Who is told that a member of its side has it asks that member for how long yet, and counts
 * from when it asked that. So no clock of one node is ever compared with that of another.
 *  - What runs out ends the service at once.
 *
 * What goes wrong: a store that does not answer is one that refuses, after a while, and no more is
 * asked of it until it has. A holder that has not had its own answer yet says that it does not have
 * it; it is asked again. The lease is given back only when everybody who was told of it relies on
 * it no more.
 */
#include <string.h>

#include "dist/partition_state.h"
#include "node/base/bug.h"

enum { AGAIN_MS = 250 };

static bool may_be_needed(const fli_partition *p)
{
	return p->config.rules.policy == FLI_POLICY_LEASE || p->config.rules.tie_by_lease;
}

uint64_t fli_partition_lease_patience_ms(const fli_partition *p)
{
	return may_be_needed(p) ? p->start.times.lease_delay_ms + FLI_PARTITION_LEASE_WAIT_MS : 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void wait_until(fli_partition *p, uint64_t due_ms)
{
	p->lease.step = FLI_LEASE_WAITING;
	p->lease.due_ms = due_ms;
}

bool fli_partition_seek_lease(fli_partition *p, uint64_t since_ms)
{
	fli_lease_state *lease = &p->lease;

	if (!p->verdict.by_lease)
		return false;
	if (lease->step != FLI_LEASE_IDLE)
		return p->now_ms < lease->round_ms + fli_partition_lease_patience_ms(p);
	if (lease->over_ms >= since_ms && lease->over_ms > 0)
		return false;
	lease->round_ms = p->now_ms;
	wait_until(p, p->now_ms + (p->verdict.is_later ? p->start.times.lease_delay_ms : 0));
	return true;
}

static void ask_store(fli_partition *p, fli_lease_verb verb)
{
	p->lease.step = FLI_LEASE_AT_STORE;
	p->lease.asked_ms = p->now_ms;
	p->start.ops->lease(p->start.ctx, verb);
}

static void ask_holder(fli_partition *p, fl_atom holder)
{
	p->lease.step = FLI_LEASE_AT_HOLDER;
	p->lease.asked_ms = p->now_ms;
	p->lease.asked_size = holder.size;
	memcpy(p->lease.asked, holder.text, holder.size);
	p->start.ops->ask_lease(p->start.ctx, (fl_atom){p->lease.asked, p->lease.asked_size});
}

static void end_round(fli_partition *p)
{
	p->lease.step = FLI_LEASE_IDLE;
	p->lease.over_ms = p->now_ms;
	p->lease.renew_ms = p->now_ms + FLI_PARTITION_TICK_MS;
	fli_partition_look(p);
}

/* ---- having ---------------------------------------------------------------------------------- */

static void take(fli_partition *p, fl_atom holder, uint64_t until_ms, uint64_t renew_ms)
{
	fli_lease_state *lease = &p->lease;

	lease->step = FLI_LEASE_IDLE;
	lease->is_ours = fl_atom_eq(holder, p->start.self);
	lease->size = holder.size;
	memcpy(lease->holder, holder.text, holder.size);
	lease->until_ms = until_ms;
	lease->renew_ms = renew_ms;
	fli_partition_look(p);
}

static bool is_on_hand(const fli_partition *p, fl_atom holder)
{
	uint32_t place = fli_roster_find(&p->roster, holder);

	return place != FLI_ROSTER_NONE && p->roster.entries[place]->is_up &&
	       !fl_atom_eq(holder, p->start.self);
}

void fli_partition_leased(fli_partition *p, int result, fl_atom holder)
{
	uint64_t ttl = p->start.times.lease_ttl_ms;

	if (p->lease.step != FLI_LEASE_AT_STORE)
		return;
	if (result == FL_OK) {
		take(p, p->start.self,
			p->lease.asked_ms + (FLI_BUG(lease_has_no_margin) ? ttl : ttl - ttl / 5),
			p->lease.asked_ms + p->start.times.lease_renew_ms);
		return;
	}
	if (result == FL_ETAKEN && p->lease.is_ours) {
		p->lease.is_ours = false;
		p->lease.until_ms = 0;
	}
	if (result == FL_ETAKEN && is_on_hand(p, holder))
		ask_holder(p, holder);
	else
		end_round(p);
}

void fli_partition_lease_told(fli_partition *p, uint64_t left_ms)
{
	fli_lease_state *lease = &p->lease;

	if (lease->step != FLI_LEASE_AT_HOLDER)
		return;
	if (left_ms > p->start.times.lease_ttl_ms)
		left_ms = 0; /* nobody can have it for so long */
	if (left_ms > 0)
		take(p, (fl_atom){lease->asked, lease->asked_size}, lease->asked_ms + left_ms,
			p->now_ms + (left_ms < 2 * p->start.times.lease_renew_ms
						    ? left_ms / 4
						    : p->start.times.lease_renew_ms));
	else if (lease->is_relied_on || p->now_ms < lease->round_ms + FLI_PARTITION_LEASE_WAIT_MS)
		wait_until(p, p->now_ms + AGAIN_MS);
	else
		end_round(p);
}

uint64_t fli_partition_lease_left(fli_partition *p)
{
	fli_lease_state *lease = &p->lease;

	if (!lease->is_ours || lease->until_ms <= p->now_ms)
		return 0;
	lease->promised_ms = lease->until_ms;
	return lease->until_ms - p->now_ms;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Nobody needs it: everybody is here, or the rules decide without it. */
static void let_go(fli_partition *p)
{
	fli_lease_state *lease = &p->lease;

	if (!lease->is_ours || p->now_ms < lease->promised_ms)
		return;
	lease->is_ours = false;
	lease->until_ms = 0;
	p->start.ops->lease(p->start.ctx, FLI_LEASE_RELEASE);
}

static void ask_for_more(fli_partition *p)
{
	if (p->lease.is_ours)
		ask_store(p, FLI_LEASE_RENEW);
	else
		ask_holder(p, (fl_atom){p->lease.holder, p->lease.size});
}

static bool is_wanted(const fli_partition *p)
{
	return p->lease.is_relied_on || (p->verdict.by_lease && p->lease.until_ms > p->now_ms);
}

void fli_partition_lease_time(fli_partition *p)
{
	fli_lease_state *lease = &p->lease;

	if (!may_be_needed(p))
		return;
	if (lease->is_relied_on && p->now_ms >= lease->until_ms && !FLI_BUG(lease_is_for_ever)) {
		lease->is_relied_on = false;
		fli_partition_lease_is_over(p);
	}
	if (lease->step == FLI_LEASE_WAITING && p->now_ms >= lease->due_ms)
		ask_store(p, FLI_LEASE_ACQUIRE);
	else if (lease->step == FLI_LEASE_IDLE && !is_wanted(p))
		let_go(p);
	else if (lease->step == FLI_LEASE_IDLE && p->now_ms >= lease->renew_ms)
		ask_for_more(p);
}

uint64_t fli_partition_lease_next_ms(const fli_partition *p)
{
	const fli_lease_state *lease = &p->lease;
	uint64_t next = UINT64_MAX;

	if (!may_be_needed(p))
		return next;
	if (lease->step == FLI_LEASE_WAITING)
		next = lease->due_ms;
	else if (lease->step == FLI_LEASE_IDLE && is_wanted(p))
		next = lease->renew_ms;
	return lease->is_relied_on && lease->until_ms < next ? lease->until_ms : next;
}
