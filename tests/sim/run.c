/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan's way through a world.
 *
 *  - Between steps the world runs; faults whose time is over end on the way.
 *  - A breach ends the run at once: what follows would be its consequences.
 *  - After the last step everything is healed. Then, within a bound that follows from the tick time
 *    and the longest pause between two attempts to connect, all nodes must be connected, every
 *    anchor must answer every other, and whatever was asked must have ended.
 *  - At last all nodes stop, and none may hold a byte.
 */
#include "tests/sim/run.h"

#include <stdlib.h>
#include <string.h>

#include "dist/peers.h"
#include "flitch/pg.h"
#include "tests/sim/actor.h"
#include "tests/sim/dump.h"
#include "tests/sim/invariant.h"
#include "tests/sim/peers.h"
#include "tests/sim/verbs.h"

/* Five servers a node, and each may take five seconds; epmd has ten to answer. */
enum {
	STOP_MS_MAX = 60000,
	START_MS_MAX = 20000,
	STARTS_MAX = 5,
	RESTS_MAX = 60,
	REST_MS = 739,
	JOIN_MS = 10000,
	DOUBT_MS = 34000 /* 30 s until they part, 3 s for the other to leave; global_doubt.c */
};

static run *current;

run *run_current(void)
{
	return current;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

run_host *run_host_named(run *r, const char *text, size_t size)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		if (strlen(r->hosts[i].name) == size && memcmp(r->hosts[i].name, text, size) == 0)
			return &r->hosts[i];
	}
	return NULL;
}

run_host *run_host_of(const fl_node *node)
{
	const char *name = fl_sim_name(fl_sim_node_of(node));

	return run_host_named(current, name, strlen(name));
}

bool run_is_running(const run_host *host)
{
	return fl_sim_state_of(host->node) == FL_SIM_UP;
}

fl_node *run_node(const run_host *host)
{
	fl_sim_state state = fl_sim_state_of(host->node);

	bool is_whole = state == FL_SIM_UP || state == FL_SIM_PAUSED || state == FL_SIM_LEAVING;

	return is_whole ? fl_sim_handle(host->node) : NULL;
}

fl_proc *run_proc(run *r, uint32_t actor)
{
	const book_actor *a = books_actor(&r->books, actor);
	const run_host *host = run_host_at(r, a->host);
	fl_node *node = run_node(host);
	fl_proc *proc;

	if (actor == NOBODY || node == NULL || fl_sim_starts(host->node) != a->life)
		return NULL;
	proc = fli_proc_of(node, &a->pid);
	return proc == NULL || proc->status == FLI_EXITING ? NULL : proc;
}

bool run_is_alive(run *r, uint32_t actor)
{
	return run_proc(r, actor) != NULL;
}

uint32_t run_conn(const run *r, unsigned from, unsigned to)
{
	if (from == to)
		return 1;
	return r->hosts[from].is_up[to] ? r->hosts[from].ups[to] : 0;
}

void run_start(run_host *host)
{
	if (fl_sim_state_of(host->node) == FL_SIM_DOWN)
		(void)fl_sim_start(host->node, NULL);
}

void run_order(run *r, const order *o, const run_host *host, unsigned slot)
{
	uint32_t actor = host->slots[slot];

	if (!run_is_alive(r, actor) || !run_is_running(host))
		return;
	r->orders[r->orders_count] = *o;
	r->orders[r->orders_count].number = (uint32_t)r->orders_count;
	r->orders[r->orders_count].actor = actor;
	(void)fl_sim_send(host->node, books_actor(&r->books, actor)->pid, "{order, ~}",
		(uint32_t)r->orders_count);
	r->orders_count++;
}

/* ---- what nodes tell ------------------------------------------------------------------------- */

static void on_up(fli_dist_watch *watch, fli_peer *peer)
{
	run_host *host = fli_container_of(watch, run_host, watch);
	const run_host *other = run_host_named(host->run, peer->name.text, peer->name.size);

	if (other == NULL)
		return;
	host->ups[other->index]++;
	host->is_up[other->index] = true;
	host->creations[other->index] = peer->creation;
}

static void on_down(fli_dist_watch *watch, fli_peer *peer, const char *reason)
{
	run_host *host = fli_container_of(watch, run_host, watch);
	const run_host *other = run_host_named(host->run, peer->name.text, peer->name.size);

	(void)reason;
	if (other != NULL)
		host->is_up[other->index] = false;
}

static const fl_export exports[] = {{"sim", "resolve", 3, verbs_resolve}};

static int on_start(fl_sim_node *node, void *ctx)
{
	run_host *host = ctx;
	fli_dist *dist = fl_sim_handle(node)->dist;
	size_t cursor = 0;
	fli_peer *peer;

	if (host->run->plan->settings.out_soft > 0)
		dist->config.limits.out_soft_bytes = (size_t)host->run->plan->settings.out_soft;
	memset(host->has_left, 0, sizeof host->has_left);
	if (fl_node_export(fl_sim_handle(node), exports, 1) != FL_OK ||
		fl_pg_start(fl_sim_handle(node), FL_PG) != FL_OK)
		return FL_ENOMEM;
	host->watch = (fli_dist_watch){.up = on_up, .down = on_down};
	fli_dist_watch_add(dist, &host->watch);
	while ((peer = fli_dist_next(dist, &cursor)) != NULL)
		on_up(&host->watch, peer);
	for (unsigned i = 0; host->run->plan->settings.is_joined && i < host->run->hosts_count; i++)
		if (i != host->index)
			(void)fl_sim_connect(node, host->run->hosts[i].name);
	return FL_OK;
}

static void on_end(fl_sim_node *node, void *ctx)
{
	run_host *host = ctx;

	(void)node;
	memset(host->is_up, 0, sizeof host->is_up);
}

/* ---- opening --------------------------------------------------------------------------------- */

void run_links(run *r)
{
	const plan_settings *s = &r->plan->settings;

	fl_sim_heal(r->sim);
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++) {
			fl_sim_link link =
				fl_sim_link_of(r->sim, r->hosts[i].machine, r->hosts[k].machine);

			link.delay_us = (uint32_t)s->delay_us;
			link.jitter_us = (uint32_t)s->jitter_us;
			link.window_bytes = (uint32_t)s->window;
			if (i != k)
				fl_sim_set_link(
					r->sim, r->hosts[i].machine, r->hosts[k].machine, &link);
		}
	}
}

static void add_host(run *r, unsigned index)
{
	static const fl_behaviour *const servers[] = {&actor_anchor, NULL};
	run_host *host = &r->hosts[index];
	static const char *const pops[][3] = {
		{"global.prevent_overlapping_partitions", "off", NULL},
		{"global.prevent_overlapping_partitions", "guest", NULL},
		{"global.prevent_overlapping_partitions", "otp", NULL}};
	fl_sim_config config = {.tick_time_ms = (uint32_t)r->plan->settings.tick_ms,
		.settings = pops[r->plan->settings.pop % 3],
		.servers = servers,
		.on_start = on_start,
		.on_end = on_end,
		.ctx = host};

	host->run = r;
	host->index = index;
	(void)snprintf(host->name, sizeof host->name, "n%u@m%u.sim", index, index);
	(void)snprintf(host->machine, sizeof host->machine, "m%u.sim", index);
	host->node = fl_sim_add(r->sim, host->name, &config, NULL);
}

static void add_stranger(run *r)
{
	fl_sim_config config = {.cookie = "anothercookie"};

	r->stranger = fl_sim_add(r->sim, "stranger@s.sim", &config, NULL);
}

static bool all_run(void *ctx)
{
	run *r = ctx;

	for (unsigned i = 0; i < r->hosts_count; i++)
		if (!run_is_running(&r->hosts[i]))
			return false;
	return true;
}

/* A step may tell all processes of a node; in the end all are told, of each node. */
static size_t orders_max(const run *r)
{
	return (r->plan->count + PLAN_HOSTS_MAX * PLAN_HOSTS_MAX) * RUN_SLOTS;
}

static bool open_world(run *r, FILE *trace)
{
	const fl_sim_options options = {.seed = r->plan->settings.seed,
		.has_epmd = r->plan->settings.epmd != 0,
		.trace = trace};

	r->sim = fl_sim_new(&options);
	books_create(&r->books);
	r->hosts_count = (unsigned)r->plan->settings.hosts;
	r->orders = calloc(orders_max(r), sizeof *r->orders);
	if (r->sim == NULL || r->orders == NULL)
		return false;
	for (unsigned i = 0; i < r->hosts_count; i++)
		add_host(r, i);
	add_stranger(r);
	peers_open(r);
	run_links(r);
	for (unsigned i = 0; i < r->hosts_count; i++)
		run_start(&r->hosts[i]);
	if (!fl_sim_run_until(r->sim, START_MS_MAX, all_run, r))
		books_fail(&r->books, "I19 all_nodes_start", "a node did not start");
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned slot = 1; slot < RUN_SLOTS; slot++)
			actor_start(&r->hosts[i], slot, slot < r->plan->settings.mortals);
	}
	return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

typedef struct until {
	const fl_sim *sim;
	uint64_t ns;
} until;

static bool is_past(void *ctx)
{
	const until *u = ctx;

	return fl_sim_now_ns(u->sim) >= u->ns;
}

static void run_to(run *r, uint64_t us)
{
	until u = {r->sim, us * 1000};
	uint64_t now = fl_sim_now_ns(r->sim);

	if (now < u.ns)
		(void)fl_sim_run_until(r->sim, (u.ns - now + 999999) / 1000000, is_past, &u);
}

void run_end_after(run *r, const plan_step *step, uint64_t us)
{
	for (size_t i = 0; i < RUN_ENDS_MAX; i++) {
		if (r->ends[i].step != NULL)
			continue;
		r->ends[i] = (run_end){fl_sim_now_ns(r->sim) / 1000 + us, step};
		return;
	}
}

static run_end *next_end(run *r)
{
	run_end *first = NULL;

	for (size_t i = 0; i < RUN_ENDS_MAX; i++) {
		if (r->ends[i].step != NULL && (first == NULL || r->ends[i].at_us < first->at_us))
			first = &r->ends[i];
	}
	return first;
}

/* The world runs to that time, and faults end on the way. */
static void pass(run *r, uint64_t at_us)
{
	run_end *end;

	while ((end = next_end(r)) != NULL && end->at_us <= at_us && r->books.breach == NULL) {
		const plan_step *step = end->step;

		run_to(r, end->at_us);
		end->step = NULL;
		fl_sim_note(r->sim, "end of %s %u %u", row_at(step->row)->name, step->a, step->b);
		row_at(step->row)->end(r, step);
	}
	run_to(r, at_us);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static bool play_step(run *r, const plan_step *step)
{
	const row *what = row_at(step->row);

	fl_sim_note(r->sim, "step %zu %s %u %u", r->step, what->name, step->a, step->b);
	what->begin(r, step);
	if (what->end != NULL)
		run_end_after(r, step, step->lasts_us);
	return invariants_hold(r, step_invariants, step_invariants_count);
}

static void play_steps(run *r)
{
	uint64_t base = fl_sim_now_ns(r->sim) / 1000;

	for (r->step = 0; r->step < r->plan->count && r->books.breach == NULL; r->step++) {
		pass(r, base + r->plan->steps[r->step].at_us);
		if (r->books.breach == NULL && !play_step(r, &r->plan->steps[r->step]))
			break;
	}
}

/* ---- quiet ----------------------------------------------------------------------------------- */

static bool all_agree(void *ctx)
{
	run *r = ctx;
	char text[BOOKS_TEXT];

	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++)
			if (i != k && !run_is_joined(r, i, k))
				return false;
	}
	return peers_agree(r) && quiet_is_synced(r, text);
}

static bool all_is_written(void *ctx)
{
	run *r = ctx;

	return !quiet_has_output(r);
}

/* Who has not seen its order yet has asked nobody, and will. */
static bool all_have_begun(run *r)
{
	for (size_t i = r->orders_before; i < r->orders_count; i++) {
		const order *o = &r->orders[i];

		if (!o->is_begun && run_is_alive(r, o->actor))
			return false;
	}
	return true;
}

static bool all_ended(void *ctx)
{
	run *r = ctx;

	return quiet_open_call(r) == 0 && all_have_begun(r);
}

/*
 * Who wants all others finds them by itself, but for those that it was told to leave: they are left
 * to the other side, which was not. Two that expelled each other, as global wants it, wait for a
 * word as well.
 */
static bool must_be_told(run *r, unsigned from, unsigned to)
{
	if (!r->plan->settings.is_joined)
		return true;
	if (run_is_held(r, from, to) && run_is_held(r, to, from))
		return true;
	return r->hosts[from].has_left[to] && r->hosts[to].has_left[from];
}

static void join_all(run *r)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++)
			if (i != k && run_is_running(&r->hosts[i]) && must_be_told(r, i, k))
				(void)fl_sim_connect(r->hosts[i].node, r->hosts[k].name);
	}
}

/*
 * A half-open link is noticed after 1.25 T, an attempt to connect may be just behind a pause of
 * 30 s and a quarter, and take its 7 s more than once. Five calls of 20 kB each way over a window
 * of 300 bytes take less.
 */
static uint64_t bound_ms(const run *r)
{
	return r->plan->settings.tick_ms * 3 + 180000;
}

/* Every process asks the anchor of every other node. */
static void ask_around(run *r)
{
	/* to be answered at once */
	const uint64_t x = 15 << 20;

	for (unsigned i = 0; i < r->hosts_count * r->hosts_count; i++) {
		unsigned from = i / r->hosts_count, to = i % r->hosts_count;
		order o = {.row = (unsigned)row_find("call"),
			.to_host = to,
			.to = r->hosts[to].slots[0],
			.x = x,
			.patience_ms = (uint32_t)bound_ms(r) - REST_MS};

		for (unsigned slot = 0; slot < RUN_SLOTS && from != to; slot++)
			run_order(r, &o, &r->hosts[from], slot);
	}
	for (unsigned i = 0; i < r->hosts_count && r->plan->settings.judges_global; i++) {
		order o = {.row = (unsigned)row_find("last_name"), .to_host = i};

		run_order(r, &o, &r->hosts[i], 0);
	}
}

/* One that is leaving comes back when it has left; a start that a fault spoilt is tried again. */
static void start_all(run *r)
{
	for (unsigned tries = 0; tries < STARTS_MAX; tries++) {
		for (unsigned i = 0; i < r->hosts_count; i++)
			run_start(&r->hosts[i]);
		if (fl_sim_run_until(r->sim, START_MS_MAX, all_run, r))
			return;
	}
	books_fail(&r->books, "I19 all_nodes_start", "a node did not start again");
}

/*
 * The services of a node speak among themselves, too: what is under way just now is no
 * disagreement, what stays is.
 */
static void wait_for_rest(run *r)
{
	char text[BOOKS_TEXT];

	fl_sim_run(r->sim, bound_ms(r) / 4);
	for (unsigned i = 0; i < RESTS_MAX && !quiet_is_at_rest(r, text); i++)
		fl_sim_run(r->sim, REST_MS);
}

/*
 * Whom prevent_overlapping_partitions has expelled comes back only when it is told to, and the
 * report of a loss may arrive when others are together again.
 */
static void come_together(run *r)
{
	uint64_t end_ms = fl_sim_now_ms(r->sim) + bound_ms(r);

	while (!fl_sim_run_until(r->sim, JOIN_MS, all_agree, r) && fl_sim_now_ms(r->sim) < end_ms) {
		join_all(r);
		peers_join(r);
	}
}

static void play_quiet(run *r)
{
	fl_sim_note(r->sim, "all faults end");
	fl_sim_run(r->sim, 1100); /* a machine that vanished may come back, see faults_host.c */
	faults_heal(r);
	peers_heal(r);
	start_all(r);
	join_all(r);
	peers_join(r);
	/* what is silent since a fault is given up before anybody is asked */
	fl_sim_run(r->sim, r->plan->settings.tick_ms * 3 / 2);
	come_together(r);
	/* who does not agree with another about who is a member parts from him after a while */
	fl_sim_run(r->sim, DOUBT_MS);
	come_together(r);
	/* now, since who is asked in a moment is connected for that */
	(void)invariants_hold(r, quiet_invariants, 1);
	(void)fl_sim_run_until(r->sim, bound_ms(r), all_is_written, r);
	r->orders_before = r->orders_count;
	ask_around(r);
	peers_ask_around(r);
	(void)fl_sim_run_until(r->sim, bound_ms(r), all_ended, r);
	wait_for_rest(r);
	(void)invariants_hold(r, step_invariants, step_invariants_count);
	(void)invariants_hold(r, quiet_invariants, quiet_invariants_count);
}

static void stop_all(run *r)
{
	char text[BOOKS_TEXT];

	for (unsigned i = 0; i < r->hosts_count; i++)
		if (run_is_running(&r->hosts[i]))
			fl_sim_stop(r->hosts[i].node);
	for (unsigned i = 0; i < r->hosts_count; i++) {
		fl_sim_node *node = r->hosts[i].node;

		if (!fl_sim_await(node, FL_SIM_DOWN, STOP_MS_MAX))
			books_fail(&r->books, "I19 nodes_stop", "a node does not stop");
		(void)snprintf(text, sizeof text, "node %u has stopped and held %zu bytes", i,
			fl_sim_leaked(node));
		if (fl_sim_leaked(node) > 0)
			books_fail(&r->books, "I17 nothing_is_left", text);
	}
}

/* ---- the whole ------------------------------------------------------------------------------- */

static verdict verdict_of(const run *r)
{
	verdict v = {.invariant = r->books.breach,
		.step = r->step,
		.digest = fl_sim_digest(r->sim),
		.virtual_ms = fl_sim_now_ms(r->sim),
		.asks = r->books.asks_count};

	memcpy(v.text, r->books.text, sizeof v.text);
	return v;
}

verdict run_play(const plan *p, FILE *trace, FILE *report)
{
	verdict v = {.invariant = "out of memory"};
	run *r = calloc(1, sizeof *r);

	if (r == NULL)
		return v;
	r->plan = p;
	current = r;
	if (open_world(r, trace)) {
		play_steps(r);
		if (r->books.breach == NULL)
			play_quiet(r);
		if (r->books.breach == NULL)
			stop_all(r);
		v = verdict_of(r);
		if (v.invariant != NULL && report != NULL) {
			dump_services(r);
			fl_sim_trace(r->sim, report);
		}
	}
	peers_close(r);
	fl_sim_delete(r->sim);
	books_destroy(&r->books);
	ledger_destroy(&r->ledger);
	free(r->orders);
	free(r);
	current = NULL;
	return v;
}
