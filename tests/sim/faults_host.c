/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/draw.h"
#include "tests/sim/faults.h"

#include "flitch/pg.h"
#include "pg/server.h"

enum { FORGED_MAX = 96, BACK_MS_MIN = 1100 };

static run_host *host_a(run *r, const plan_step *s)
{
	return run_host_at(r, s->a);
}

/* ---- ends of programs and machines ----------------------------------------------------------- */

static bool is_there(const run_host *host)
{
	return fl_sim_state_of(host->node) != FL_SIM_DOWN;
}

static void crash(run_host *host, fl_sim_crash how)
{
	if (!is_there(host))
		return;
	fl_sim_crash_node(host->node, how);
	if (how == FL_SIM_VANISHED)
		host->vanished_ms = fl_sim_now_ms(host->run->sim);
}

void fault_crash(run *r, const plan_step *s)
{
	crash(host_a(r, s), FL_SIM_KILLED);
}

void fault_crash_end(run *r, const plan_step *s)
{
	run_start(host_a(r, s));
}

void fault_vanish(run *r, const plan_step *s)
{
	crash(host_a(r, s), FL_SIM_VANISHED);
}

/*
 * epmd, when it begins anew, counts creations from the second: a machine that is back within the
 * same one would get the creation that it had, which no real one does.
 */
void fault_vanish_end(run *r, const plan_step *s)
{
	uint64_t back_ms = host_a(r, s)->vanished_ms + BACK_MS_MIN;
	uint64_t now_ms = fl_sim_now_ms(r->sim);

	if (now_ms < back_ms)
		run_end_after(r, s, (back_ms - now_ms) * 1000);
	else
		run_start(host_a(r, s));
}

void fault_restart(run *r, const plan_step *s)
{
	crash(host_a(r, s), FL_SIM_KILLED);
	run_start(host_a(r, s));
}

/* The machine was away for so short a time that the others still hold their ends. */
void fault_half_open(run *r, const plan_step *s)
{
	crash(host_a(r, s), FL_SIM_VANISHED);
	run_end_after(r, s, BACK_MS_MIN * 1000);
}

void fault_half_open_end(run *r, const plan_step *s)
{
	fault_vanish_end(r, s);
}

void fault_leave(run *r, const plan_step *s)
{
	if (run_is_running(host_a(r, s)))
		fl_sim_stop(host_a(r, s)->node);
}

void fault_leave_end(run *r, const plan_step *s)
{
	run_start(host_a(r, s));
}

/* It is stopped for a while, or it fails and is started again at once. */
void fault_scope_restart(run *r, const plan_step *s)
{
	fl_node *node = run_is_running(host_a(r, s)) ? run_node(host_a(r, s)) : NULL;
	fli_reason_atom atom;
	const fli_scope *scope;

	if (node == NULL)
		return;
	scope = fli_pg_scope(node, fl_atom_of(FL_PG));
	if (s->x & 1)
		(void)fl_pg_stop(node, FL_PG);
	else if (scope != NULL)
		fli_proc_exit(scope->ctx, fli_reason_of(&atom, "fault"));
}

void fault_scope_restart_end(run *r, const plan_step *s)
{
	fl_node *node = run_is_running(host_a(r, s)) ? run_node(host_a(r, s)) : NULL;

	if (node != NULL)
		(void)fl_pg_start(node, FL_PG); /* it may run already */
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static void resume(run_host *host)
{
	if (fl_sim_state_of(host->node) == FL_SIM_PAUSED)
		fl_sim_resume(host->node);
}

void fault_pause(run *r, const plan_step *s)
{
	if (run_is_running(host_a(r, s)))
		fl_sim_pause_node(host_a(r, s)->node, FL_SIM_STOPPED);
}

void fault_pause_end(run *r, const plan_step *s)
{
	resume(host_a(r, s));
}

void fault_suspend(run *r, const plan_step *s)
{
	if (run_is_running(host_a(r, s)))
		fl_sim_pause_node(host_a(r, s)->node, FL_SIM_SUSPENDED);
}

void fault_suspend_end(run *r, const plan_step *s)
{
	resume(host_a(r, s));
}

/* A week at most, either way. */
void fault_wall_jump(run *r, const plan_step *s)
{
	const uint64_t week_ms = 604800000;

	fl_sim_jump_wall(host_a(r, s)->node, (int64_t)(s->x % (2 * week_ms)) - (int64_t)week_ms);
}

/* ---- names and access ------------------------------------------------------------------------ */

void fault_epmd_down(run *r, const plan_step *s)
{
	fl_sim_set_epmd(r->sim, host_a(r, s)->machine, FL_SIM_EPMD_DOWN);
}

void fault_epmd_down_end(run *r, const plan_step *s)
{
	fl_sim_set_epmd(r->sim, host_a(r, s)->machine, FL_SIM_EPMD_UP);
}

void fault_epmd_lying(run *r, const plan_step *s)
{
	fl_sim_set_epmd(r->sim, host_a(r, s)->machine, FL_SIM_EPMD_LYING);
}

void fault_epmd_lying_end(run *r, const plan_step *s)
{
	fault_epmd_down_end(r, s);
}

void fault_epmd_slow(run *r, const plan_step *s)
{
	fl_sim_set_epmd(r->sim, host_a(r, s)->machine, FL_SIM_EPMD_SLOW);
}

void fault_epmd_slow_end(run *r, const plan_step *s)
{
	fault_epmd_down_end(r, s);
}

/* Somebody without the cookie tries to get in. */
void fault_wrong_cookie(run *r, const plan_step *s)
{
	if (fl_sim_state_of(r->stranger) == FL_SIM_DOWN)
		(void)fl_sim_start(r->stranger, NULL);
	if (fl_sim_state_of(r->stranger) == FL_SIM_UP)
		(void)fl_sim_connect(r->stranger, host_a(r, s)->name);
}

void fault_wrong_cookie_end(run *r, const plan_step *s)
{
	(void)s;
	if (fl_sim_state_of(r->stranger) != FL_SIM_DOWN)
		fl_sim_crash_node(r->stranger, FL_SIM_KILLED);
}

/* ---- what runs out --------------------------------------------------------------------------- */

void fault_alloc_nth(run *r, const plan_step *s)
{
	r->books.has_no_memory[s->a] = true;
	fl_sim_fail_alloc(host_a(r, s)->node, 1 + s->x % 300);
}

void fault_alloc_nth_end(run *r, const plan_step *s)
{
	fl_sim_fail_alloc(host_a(r, s)->node, 0);
}

void fault_alloc_some(run *r, const plan_step *s)
{
	r->books.has_no_memory[s->a] = true;
	fl_sim_fail_allocs(host_a(r, s)->node, (uint32_t)(1 + s->x % 20000));
}

void fault_alloc_some_end(run *r, const plan_step *s)
{
	fl_sim_fail_allocs(host_a(r, s)->node, 0);
}

void fault_sockets(run *r, const plan_step *s)
{
	fl_sim_limit_sockets(host_a(r, s)->node, 1 + (unsigned)(s->x % 8));
}

void fault_sockets_end(run *r, const plan_step *s)
{
	fl_sim_limit_sockets(host_a(r, s)->node, 0);
}

/* ---- a man in the middle --------------------------------------------------------------------- */

static void forge(run *r, const plan_step *s, fl_sim_forgery how)
{
	draw d = {s->x};
	uint8_t bytes[FORGED_MAX] = {0};
	size_t size = draw_between(&d, 4, FORGED_MAX);

	for (size_t i = 4; i < size; i++)
		bytes[i] = (uint8_t)draw_u64(&d);
	/* the length is right, mostly, and what follows often begins as a frame does */
	bytes[3] = (uint8_t)(draw_one_in(&d, 6) ? draw_u64(&d) : size - 4);
	if (size > 6 && draw_one_in(&d, 2))
		bytes[4] = draw_one_in(&d, 2) ? 112 : 131;
	if (size > 6 && bytes[4] == 131)
		bytes[5] = (uint8_t)(68 + draw_below(&d, 3));
	if (run_is_running(host_a(r, s)) &&
		fl_sim_forge(host_a(r, s)->node, run_host_at(r, s->b)->name, how, bytes, size) ==
			FL_OK)
		r->books.is_forged[s->a][s->b] = true;
}

void fault_forged_frame(run *r, const plan_step *s)
{
	forge(r, s, FL_SIM_FORGE_ADD);
}

void fault_forged_instead(run *r, const plan_step *s)
{
	forge(r, s, FL_SIM_FORGE_REPLACE);
}

void fault_flipped_bit(run *r, const plan_step *s)
{
	forge(r, s, FL_SIM_FORGE_FLIP);
}

/* What is still to be forged would come after the end of all faults. */
static void end_forgeries(run *r)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++)
			if (r->books.is_forged[i][k])
				(void)fl_sim_reset(r->sim, run_host_at(r, i)->machine,
					run_host_at(r, k)->machine);
	}
}

/* ---- healing --------------------------------------------------------------------------------- */

void faults_heal(run *r)
{
	for (size_t i = 0; i < RUN_ENDS_MAX; i++)
		r->ends[i].step = NULL;
	run_links(r);
	fault_wrong_cookie_end(r, NULL);
	end_forgeries(r);
	for (unsigned i = 0; i < r->hosts_count; i++) {
		run_host *host = run_host_at(r, i);

		if (r->plan->settings.epmd)
			fl_sim_set_epmd(r->sim, host->machine, FL_SIM_EPMD_UP);
		fl_sim_fail_alloc(host->node, 0);
		fl_sim_fail_allocs(host->node, 0);
		fl_sim_limit_sockets(host->node, 0);
		resume(host);
		run_start(host);
		fault_scope_restart_end(r, &(plan_step){.a = i});
	}
}
