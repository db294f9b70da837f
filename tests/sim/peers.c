/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/invariant.h"
#include "tests/sim/otp_guest.h"
#include "tests/sim/otp_pg.h"

#define MACHINE "otp.sim"

enum { CALL_MS = 30000, PROCS = 3, NAMES = 6, LOCKS = 3, GROUPS = 4 };

/* The answers that are awaited of each node in the end. */
struct peers {
	otp_guest *guest;
	unsigned calls[PLAN_HOSTS_MAX], erpcs[PLAN_HOSTS_MAX];
	unsigned watcher;      /* its process that watches; 0: none yet */
	unsigned procs[PROCS]; /* that have names, hold locks, are in groups; 0: none yet */
	unsigned last;         /* the ticket of its last name; 0: not yet asked for */
};

/* Less and greater than the others by turns: who is less decides about names. */
static const char *otp_name_of(const run *r)
{
	return r->plan->settings.seed % 2 == 0 ? "a@otp.sim" : "otp@otp.sim";
}

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
	const otp_guest_options options = {.node = {.name = otp_name_of(r),
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
		(void)fl_sim_connect(run_host_at(r, i)->node, otp_name_of(r));
}

/* ---- acts ------------------------------------------------------------------------------------ */

void peers_connect(run *r, const plan_step *s)
{
	if (node_of(r) == NULL)
		return;
	if (s->x & 1)
		otp_do_connect(node_of(r), name_of(r, s->a));
	if ((s->x & 2) != 0 && run_is_running(run_host_at(r, s->a)))
		(void)fl_sim_connect(run_host_at(r, s->a)->node, otp_name_of(r));
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

/* ---- names, locks, groups -------------------------------------------------------------------- */

static unsigned proc_of(run *r, uint64_t x)
{
	unsigned *proc = &r->peers->procs[x % PROCS];

	if (*proc == 0 || !otp_ask_is_alive(node_of(r), *proc))
		*proc = otp_do_spawn(node_of(r), NULL);
	return *proc;
}

void peers_name(run *r, const plan_step *s)
{
	otp_node *node = node_of(r);
	char name[8];

	if (node == NULL)
		return;
	(void)snprintf(name, sizeof name, "g%u", (unsigned)(s->x >> 8) % NAMES);
	switch (s->x >> 16 & 7) {
	case 0: (void)otp_do_unregister(node, name); break;
	case 1: (void)otp_do_reregister(node, name, proc_of(r, s->x), OTP_RANDOM_EXIT); break;
	case 2: (void)otp_do_kill(node, proc_of(r, s->x), "kill"); break;
	default: (void)otp_do_register(node, name, proc_of(r, s->x), (otp_method)(s->x >> 20 & 3));
	}
}

void peers_lock(run *r, const plan_step *s)
{
	otp_node *node = node_of(r);
	char name[8];

	if (node == NULL)
		return;
	(void)snprintf(name, sizeof name, "g%u", (unsigned)(s->x >> 8) % LOCKS);
	if (s->x >> 16 & 1)
		(void)otp_do_lock(node, name, "otp", proc_of(r, s->x), 1);
	else
		(void)otp_do_unlock(node, name, "otp", proc_of(r, s->x));
}

void peers_group(run *r, const plan_step *s)
{
	otp_node *node = node_of(r);
	char name[8];

	if (node == NULL)
		return;
	(void)snprintf(name, sizeof name, "w%u", (unsigned)(s->x >> 8) % GROUPS);
	if ((s->x >> 16 & 3) != 0)
		(void)otp_do_join(node, "pg", name, proc_of(r, s->x));
	else
		(void)otp_do_leave(node, "pg", name, proc_of(r, s->x));
}

static void add_members(lines *l, const otp_member *list)
{
	char group[32], pid[LEDGER_PID], line[LEDGER_LINE];

	for (; list != NULL; list = list->next) {
		otp_print(list->group, group, sizeof group);
		otp_print(list->pid, pid, sizeof pid);
		(void)snprintf(line, sizeof line, "%s=%s", group, pid);
		lines_add(l, line);
	}
}

void peers_members(run *r, lines *ret)
{
	const otp_pg *pg = node_of(r) == NULL ? NULL : otp_pg_find(node_of(r), "pg");

	if (pg != NULL)
		add_members(ret, pg->members);
}

bool peers_groups_are(run *r, lines *all)
{
	const otp_pg *pg = node_of(r) == NULL ? NULL : otp_pg_find(node_of(r), "pg");
	lines is = {.items = NULL};
	const char *odd;
	bool is_fine;

	if (pg == NULL)
		return true;
	peers_members(r, &is);
	for (const otp_peer_scope *p = pg->peers; p != NULL; p = p->next)
		add_members(&is, p->members);
	is_fine = lines_agree(all, &is, &odd);
	if (!is_fine)
		fl_sim_note(r->sim, "the OTP node differs by %s", odd);
	lines_free(&is);
	return is_fine;
}

bool peers_has(run *r, fl_atom node)
{
	return node_of(r) != NULL && fl_atom_is(node, otp_name_of(r));
}

bool peers_names(run *r, char *ret_text, size_t size)
{
	if (node_of(r) == NULL)
		return false;
	otp_ask_names(node_of(r), ret_text, size);
	return true;
}

static void register_last(run *r)
{
	unsigned proc = otp_do_spawn(node_of(r), NULL);

	r->peers->last = otp_do_reregister(node_of(r), "last", proc, OTP_RANDOM_EXIT);
}

bool peers_have_registered(run *r, char *text)
{
	if (node_of(r) == NULL || otp_result(node_of(r), r->peers->last) == OTP_YES)
		return true;
	return invariant_broken(text, "the OTP node cannot register a name");
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
	memset(r->peers->procs, 0, sizeof r->peers->procs);
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
	fl_sim_note(
		r->sim, "%s: known %s, synced %s, locks %s", otp_name_of(r), known, synced, locks);
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
			!fl_sim_is_connected(run_host_at(r, i)->node, otp_name_of(r)))
			return false;
	}
	return r->peers == NULL || node_of(r) != NULL;
}

void peers_ask_around(run *r)
{
	if (node_of(r) != NULL)
		register_last(r);
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
