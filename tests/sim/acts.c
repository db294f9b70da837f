/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens besides faults: processes are started and told to do something, nodes connect.
 */
#include "tests/sim/peers.h"
#include "tests/sim/verbs.h"

/* Whom it is about: mostly the latest of some slot there, at times one here, or one long gone. */
static uint32_t target_of(const run *r, const plan_step *s)
{
	unsigned slot = (unsigned)(s->x >> 8) % RUN_SLOTS;
	uint64_t how = s->x >> 16 & 15;

	if (how <= 1 && r->books.actors_count > 0)
		return (uint32_t)(1 + (s->x >> 32) % r->books.actors_count);
	return r->hosts[how == 2 ? s->a : s->b].slots[slot];
}

/* That slot, or the next one whose process lives; the anchor's nearly always does. */
static unsigned living_slot(run *r, unsigned host, unsigned slot)
{
	unsigned tries = 0;

	while (tries++ < RUN_SLOTS && !run_is_alive(r, r->hosts[host].slots[slot % RUN_SLOTS]))
		slot++;
	return slot % RUN_SLOTS;
}

static void give_order(run *r, const plan_step *s)
{
	order o = {.row = s->row, .to_host = s->b, .to = target_of(r, s), .x = s->x};

	if (o.to != NOBODY)
		run_order(r, &o, run_host_at(r, s->a), living_slot(r, s->a, (unsigned)s->x));
}

/* Every process of a speaks to one of b at once. */
static void crossfire(run *r, const plan_step *s)
{
	order o = {.row = (unsigned)row_find("large"),
		.to_host = s->b,
		.to = target_of(r, s),
		.x = s->x};

	for (unsigned slot = 0; slot < RUN_SLOTS && o.to != NOBODY; slot++)
		run_order(r, &o, run_host_at(r, s->a), slot);
}

static void start(run *r, const plan_step *s)
{
	bool is_mortal = (s->x >> 8) % 8 < r->plan->settings.mortals;

	actor_start(run_host_at(r, s->a), (unsigned)s->x % RUN_SLOTS, is_mortal);
}

static void connect_to(run *r, const plan_step *s)
{
	run_host_at(r, s->a)->has_left[s->b] = false;
	if (run_is_running(run_host_at(r, s->a)))
		(void)fl_sim_connect(run_host_at(r, s->a)->node, run_host_at(r, s->b)->name);
}

static void disconnect(run *r, const plan_step *s)
{
	run_host_at(r, s->a)->has_left[s->b] = true;
	if (run_is_running(run_host_at(r, s->a)))
		(void)fl_sim_disconnect(run_host_at(r, s->a)->node, run_host_at(r, s->b)->name);
}

#define VERB_ROW(verb, often)                                                                      \
	{.name = #verb, .weight = (often), .begin = give_order, .act = verb_##verb},

const row act_rows[] = {{.name = "start", .weight = 8, .begin = start},
	{.name = "crossfire", .weight = 2, .begin = crossfire},
	{.name = "connect", .weight = 3, .begin = connect_to},
	{.name = "otp_connect", .weight = 3, .begin = peers_connect},
	{.name = "otp_disconnect", .weight = 1, .begin = peers_disconnect},
	{.name = "otp_call", .weight = 3, .begin = peers_call},
	{.name = "otp_erpc", .weight = 3, .begin = peers_erpc},
	{.name = "otp_name", .weight = 3, .begin = peers_name},
	{.name = "otp_lock", .weight = 1, .begin = peers_lock},
	{.name = "otp_group", .weight = 3, .begin = peers_group},
	{.name = "otp_watch", .weight = 3, .begin = peers_watch},
	{.name = "disconnect", .weight = 2, .begin = disconnect}, VERBS(VERB_ROW)};
const size_t act_rows_count = sizeof act_rows / sizeof *act_rows;
