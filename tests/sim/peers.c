/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/invariant.h"
#include "tests/sim/otp_guest.h"

#define NAME "otp@otp.sim"
#define MACHINE "otp.sim"

enum { CALL_MS = 30000 };

/* The answers that are awaited of each node in the end. */
struct peers {
	otp_guest *guest;
	unsigned calls[PLAN_HOSTS_MAX], erpcs[PLAN_HOSTS_MAX];
	unsigned watcher; /* its process that watches; 0: none yet */
};

static otp_node *node_of(const run *r)
{
	return r->peers == NULL ? NULL : otp_guest_node(r->peers->guest);
}

static const char *name_of(run *r, unsigned host)
{
	return run_host_at(r, host)->name;
}

static void on_log(otp_guest *guest, const char *line, void *ctx)
{
	fl_sim_note(ctx, "%s logs %s", otp_guest_name(guest), line);
}

void peers_open(run *r)
{
	const plan_settings *s = &r->plan->settings;
	const otp_guest_options options = {.node = {.name = NAME,
						   .release = (int)s->otp,
						   .tick_ms = s->tick_ms,
						   .global_vsn = (int)s->otp_vsn,
						   .has_pop = s->pop != 0,
						   .pg_scopes = "pg"},
		.has_epmd = s->epmd != 0,
		.on_log = on_log,
		.ctx = r->sim};

	if (s->otp == 0)
		return;
	r->peers = calloc(1, sizeof *r->peers);
	if (r->peers == NULL)
		abort();
	r->peers->guest = otp_guest_add(r->sim, &options);
	(void)otp_guest_start(r->peers->guest);
}

void peers_close(run *r)
{
	if (r->peers != NULL)
		otp_guest_delete(r->peers->guest);
	free(r->peers);
}

void peers_heal(run *r)
{
	if (r->peers == NULL)
		return;
	for (unsigned i = 0; i < r->hosts_count; i++)
		fl_sim_mend(r->sim, MACHINE, run_host_at(r, i)->machine);
	otp_guest_resume(r->peers->guest);
	if (node_of(r) == NULL)
		(void)otp_guest_start(r->peers->guest);
}

void peers_join(run *r)
{
	for (unsigned i = 0; i < r->hosts_count && r->peers != NULL; i++)
		(void)fl_sim_connect(run_host_at(r, i)->node, NAME);
}

/* ---- acts ------------------------------------------------------------------------------------ */

void peers_connect(run *r, const plan_step *s)
{
	if (node_of(r) == NULL)
		return;
	if (s->x & 1)
		otp_do_connect(node_of(r), name_of(r, s->a));
	if ((s->x & 2) != 0 && run_is_running(run_host_at(r, s->a)))
		(void)fl_sim_connect(run_host_at(r, s->a)->node, NAME);
}

void peers_disconnect(run *r, const plan_step *s)
{
	if (node_of(r) != NULL)
		otp_do_disconnect(node_of(r), name_of(r, s->a));
}

static unsigned call(run *r, unsigned host)
{
	otp_node *node = node_of(r);

	return otp_do_call(node, "anchor", name_of(r, host), otp_make(node, "who"), CALL_MS);
}

void peers_call(run *r, const plan_step *s)
{
	if (node_of(r) != NULL)
		(void)call(r, s->a);
}

static unsigned erpc(run *r, unsigned host)
{
	otp_node *node = node_of(r);

	return otp_do_erpc(node, name_of(r, host), "erlang", "node", otp_make(node, "[]"));
}

void peers_erpc(run *r, const plan_step *s)
{
	if (node_of(r) != NULL)
		(void)erpc(r, s->a);
}

/* A process of it watches or links to one of ours, or ends. */
void peers_watch(run *r, const plan_step *s)
{
	otp_node *node = node_of(r);
	uint32_t actor = run_host_at(r, s->a)->slots[s->x % RUN_SLOTS];
	const fl_pid *pid = &books_actor(&r->books, actor)->pid;
	otp_buf to = {NULL, 0, 0};

	if (node == NULL || actor == NOBODY)
		return;
	otp_put_pid(&to, pid->node.text, (otp_pid){pid->id, pid->serial, pid->creation});
	if (r->peers->watcher == 0 || !otp_ask_is_alive(node, r->peers->watcher))
		r->peers->watcher = otp_do_spawn(node, NULL);
	switch (s->x >> 8 & 3) {
	case 0: (void)otp_do_link(node, r->peers->watcher, otp_term_of(&to)); break;
	case 1: (void)otp_do_kill(node, r->peers->watcher, "kill"); break;
	default: (void)otp_do_monitor(node, r->peers->watcher, otp_term_of(&to)); break;
	}
	otp_buf_free(&to);
}

/* ---- faults ---------------------------------------------------------------------------------- */

void peers_cut(run *r, const plan_step *s)
{
	if (r->peers != NULL)
		fl_sim_cut(r->sim, MACHINE, run_host_at(r, s->a)->machine);
}

void peers_cut_end(run *r, const plan_step *s)
{
	if (r->peers != NULL)
		fl_sim_mend(r->sim, MACHINE, run_host_at(r, s->a)->machine);
}

void peers_crash(run *r, const plan_step *s)
{
	if (node_of(r) == NULL)
		return;
	if (s->x & 1)
		otp_guest_crash(r->peers->guest, FL_SIM_KILLED);
	else
		otp_guest_stop(r->peers->guest);
	r->peers->watcher = 0;
}

void peers_crash_end(run *r, const plan_step *s)
{
	(void)s;
	if (r->peers != NULL && node_of(r) == NULL)
		(void)otp_guest_start(r->peers->guest);
}

void peers_pause(run *r, const plan_step *s)
{
	(void)s;
	if (r->peers != NULL)
		otp_guest_pause(r->peers->guest);
}

void peers_pause_end(run *r, const plan_step *s)
{
	(void)s;
	if (r->peers != NULL)
		otp_guest_resume(r->peers->guest);
}

void peers_dump(run *r)
{
	char known[400], synced[400], locks[400];

	if (node_of(r) == NULL)
		return;
	otp_ask_known(node_of(r), known, sizeof known);
	otp_ask_synced(node_of(r), synced, sizeof synced);
	otp_ask_locks(node_of(r), locks, sizeof locks);
	fl_sim_note(r->sim, "%s: known %s, synced %s, locks %s", NAME, known, synced, locks);
}

/* ---- invariants ------------------------------------------------------------------------------ */

bool peers_understand(run *r, char *text)
{
	otp_findings found;

	if (node_of(r) == NULL)
		return true;
	found = otp_ask_findings(node_of(r));
	if (found.scopes_crashed + found.protocol_errors + found.unexpected == 0)
		return true;
	return invariant_broken(text, "the OTP node cannot take what came: %s", found.last);
}

bool peers_agree(run *r)
{
	for (unsigned i = 0; i < r->hosts_count && node_of(r) != NULL; i++) {
		if (!otp_ask_is_connected(node_of(r), name_of(r, i)) ||
			!fl_sim_is_connected(run_host_at(r, i)->node, NAME))
			return false;
	}
	return r->peers == NULL || node_of(r) != NULL;
}

void peers_ask_around(run *r)
{
	for (unsigned i = 0; i < r->hosts_count && node_of(r) != NULL; i++) {
		r->peers->calls[i] = call(r, i);
		r->peers->erpcs[i] = erpc(r, i);
	}
}

bool peers_are_served(run *r, char *text)
{
	char reply[128];

	for (unsigned i = 0; i < r->hosts_count && r->peers != NULL; i++) {
		if (node_of(r) == NULL)
			return invariant_broken(text, "the OTP node is not up");
		if (otp_result_text(node_of(r), r->peers->calls[i], reply, sizeof reply) !=
				OTP_YES ||
			strcmp(reply, "what") != 0)
			return invariant_broken(text, "node %u answers its call by %s", i, reply);
		if (otp_result_text(node_of(r), r->peers->erpcs[i], reply, sizeof reply) !=
				OTP_YES ||
			strstr(reply, name_of(r, i)) == NULL)
			return invariant_broken(text, "node %u answers its erpc by %s", i, reply);
	}
	return true;
}
