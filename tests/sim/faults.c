/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of faults. A fault takes one field of a link or one switch of a host, and gives it back
 * when its time is over; two of a kind at one place end together.
 */
#include "tests/sim/faults.h"
#include "tests/sim/peers.h"

/* `x` is 0 at the end: the link gets back what the plan says. */
typedef void change(fl_sim_link *link, const plan_settings *base, uint64_t x);

static const char *machine(run *r, unsigned index)
{
	return run_host_at(r, index)->machine;
}

static void change_link(run *r, const plan_step *s, change *how, uint64_t x)
{
	fl_sim_link link = fl_sim_link_of(r->sim, machine(r, s->a), machine(r, s->b));

	how(&link, &r->plan->settings, x);
	fl_sim_set_link(r->sim, machine(r, s->a), machine(r, s->b), &link);
}

/* A fault of the link from a to b. */
#define LINK_FAULT(fault, field)                                                                   \
	static void fault##_change(fl_sim_link *link, const plan_settings *base, uint64_t x)       \
	{                                                                                          \
		(void)base;                                                                        \
		link->field;                                                                       \
	}                                                                                          \
	static void fault##_begin(run *r, const plan_step *s)                                      \
	{                                                                                          \
		change_link(r, s, fault##_change, s->x | 1);                                       \
	}                                                                                          \
	static void fault##_end(run *r, const plan_step *s)                                        \
	{                                                                                          \
		change_link(r, s, fault##_change, 0);                                              \
	}

LINK_FAULT(one_way, is_lost = x != 0)
LINK_FAULT(slow, bytes_per_s = x == 0 ? 0 : 500 + x % 50000)
LINK_FAULT(coalesce, gather_us = x == 0 ? 0 : (uint32_t)(x % 100000))
LINK_FAULT(refuse, is_refused = x != 0)
LINK_FAULT(dns, is_unknown = x != 0)
LINK_FAULT(delay, delay_us = (uint32_t)(x == 0 ? base->delay_us : x % 3000000))
LINK_FAULT(reorder, jitter_us = (uint32_t)(x == 0 ? base->jitter_us : x % 500000))
LINK_FAULT(window, window_bytes = (uint32_t)(x == 0 ? base->window : 64 + x % 2000))

static void short_change(fl_sim_link *link, const plan_settings *base, uint64_t x)
{
	(void)base;
	link->write_max = x == 0 ? 0 : 1 + (uint32_t)(x % 40);
	link->read_max = x == 0 ? 0 : 1 + (uint32_t)(x >> 8 & 63);
}

static void short_begin(run *r, const plan_step *s)
{
	change_link(r, s, short_change, s->x | 1);
}

static void short_end(run *r, const plan_step *s)
{
	change_link(r, s, short_change, 0);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void reset_begin(run *r, const plan_step *s)
{
	(void)fl_sim_reset(r->sim, machine(r, s->a), machine(r, s->b));
}

static void silent_begin(run *r, const plan_step *s)
{
	fl_sim_cut(r->sim, machine(r, s->a), machine(r, s->b));
}

static void silent_end(run *r, const plan_step *s)
{
	fl_sim_mend(r->sim, machine(r, s->a), machine(r, s->b));
}

/* Both dial at the same moment, after the connection between them was lost. */
static void simultaneous_begin(run *r, const plan_step *s)
{
	run_host *a = run_host_at(r, s->a), *b = run_host_at(r, s->b);

	(void)fl_sim_reset(r->sim, a->machine, b->machine);
	if (!run_is_running(a) || !run_is_running(b))
		return;
	(void)fl_sim_connect(a->node, b->name);
	(void)fl_sim_connect(b->node, a->name);
}

/* Cut and mended by turns; the last turn mends. */
static void flap_begin(run *r, const plan_step *s)
{
	unsigned turns = 2 * (unsigned)(s->x % 4);

	silent_begin(r, s);
	for (unsigned i = 1; i <= turns; i++)
		run_end_after(r, s, s->lasts_us * i / (turns + 1));
}

static void flap_end(run *r, const plan_step *s)
{
	fl_sim_link link = fl_sim_link_of(r->sim, machine(r, s->a), machine(r, s->b));

	(link.is_lost ? silent_end : silent_begin)(r, s);
}

/* ---- splits ---------------------------------------------------------------------------------- */

/* Hosts sixteen apart are in the same one. */
static unsigned group_of(const plan_step *s, unsigned host, unsigned groups)
{
	return (unsigned)(s->x >> host % 16 * 4 & 15) % groups;
}

static void split(run *r, const plan_step *s, unsigned groups, bool is_cut)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = i + 1; k < r->hosts_count; k++) {
			if (group_of(s, i, groups) != group_of(s, k, groups))
				(is_cut ? fl_sim_cut : fl_sim_mend)(
					r->sim, machine(r, i), machine(r, k));
		}
	}
}

static void split_two_begin(run *r, const plan_step *s)
{
	split(r, s, 2, true);
}

static void split_two_end(run *r, const plan_step *s)
{
	split(r, s, 2, false);
}

static void split_three_begin(run *r, const plan_step *s)
{
	split(r, s, 3, true);
}

static void split_three_end(run *r, const plan_step *s)
{
	split(r, s, 3, false);
}

/* a and b lose each other; both keep everybody else. */
static void not_transitive_begin(run *r, const plan_step *s)
{
	reset_begin(r, s);
	silent_begin(r, s);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define FAULT_BEGIN(fault, often)                                                                  \
	{                                                                                          \
		.name = #fault, .weight = (often), .begin = fault_##fault                          \
	}
#define FAULT_BOTH(fault, often)                                                                   \
	{                                                                                          \
		.name = #fault, .weight = (often), .begin = fault_##fault,                         \
		.end = fault_##fault##_end                                                         \
	}

const row fault_rows[] = {
	{.name = "delay", .weight = 3, .begin = delay_begin, .end = delay_end},
	{.name = "reorder", .weight = 3, .begin = reorder_begin, .end = reorder_end},
	{.name = "reset", .weight = 4, .begin = reset_begin},
	{.name = "silent_loss", .weight = 4, .begin = silent_begin, .end = silent_end},
	{.name = "one_way_loss", .weight = 4, .begin = one_way_begin, .end = one_way_end},
	{.name = "slow_link", .weight = 3, .begin = slow_begin, .end = slow_end},
	{.name = "short_io", .weight = 3, .begin = short_begin, .end = short_end},
	{.name = "coalesced", .weight = 2, .begin = coalesce_begin, .end = coalesce_end},
	{.name = "small_window", .weight = 3, .begin = window_begin, .end = window_end},
	{.name = "simultaneous", .weight = 4, .begin = simultaneous_begin},
	{.name = "refused", .weight = 2, .begin = refuse_begin, .end = refuse_end},
	{.name = "dns_failure", .weight = 2, .begin = dns_begin, .end = dns_end},
	{.name = "flap", .weight = 3, .begin = flap_begin, .end = flap_end},
	{.name = "split_two", .weight = 2, .begin = split_two_begin, .end = split_two_end},
	{.name = "split_three", .weight = 1, .begin = split_three_begin, .end = split_three_end},
	{.name = "not_transitive", .weight = 2, .begin = not_transitive_begin, .end = silent_end},
	FAULT_BOTH(half_open, 3),
	FAULT_BOTH(crash, 3),
	FAULT_BOTH(vanish, 3),
	FAULT_BEGIN(restart, 3),
	{.name = "otp_cut", .weight = 2, .begin = peers_cut, .end = peers_cut_end},
	{.name = "otp_crash", .weight = 2, .begin = peers_crash, .end = peers_crash_end},
	{.name = "otp_pause", .weight = 1, .begin = peers_pause, .end = peers_pause_end},
	FAULT_BOTH(scope_restart, 2),
	FAULT_BOTH(leave, 2),
	FAULT_BOTH(pause, 3),
	FAULT_BOTH(suspend, 3),
	FAULT_BEGIN(wall_jump, 2),
	FAULT_BOTH(epmd_down, 2),
	FAULT_BOTH(epmd_lying, 2),
	FAULT_BOTH(epmd_slow, 2),
	FAULT_BOTH(wrong_cookie, 1),
	FAULT_BOTH(alloc_nth, 2),
	FAULT_BOTH(alloc_some, 1),
	FAULT_BOTH(sockets, 2),
	FAULT_BEGIN(forged_frame, 2),
	FAULT_BEGIN(forged_instead, 1),
	FAULT_BEGIN(flipped_bit, 1),
};
const size_t fault_rows_count = sizeof fault_rows / sizeof *fault_rows;
