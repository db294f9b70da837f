/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises of global and pg, judged when all is quiet: every node has the same names and the same
 * groups, and nothing is left of who is gone.
 *
 * Where frames were forged a name may be anybody's, and what one node was told it has told to
 * others: global is not judged. Each node tells its own members alone, and tells them anew over the
 * next connection, so groups are.
 */
#include <stdio.h>
#include <string.h>

#include "dist/global_act.h"
#include "dist/global_state.h"
#include "pg/server.h"
#include "tests/sim/invariant.h"
#include "tests/sim/peers.h"
#include "tests/sim/verbs.h"

enum { TABLE_TEXT = 65536 };

static bool is_any_forged(const run *r)
{
	for (unsigned i = 0; i < r->hosts_count; i++)
		if (books_is_tampered(&r->books, i))
			return true;
	return false;
}

static bool is_global_judged(const run *r)
{
	return r->plan->settings.judges_global != 0 && !is_any_forged(r);
}

static const fli_global *core_of(run *r, unsigned host)
{
	const fl_node *node = run_node(&r->hosts[host]);
	const fli_global_service *s = node == NULL ? NULL : fli_global_service_of(node);

	return s == NULL ? NULL : s->core;
}

/*
 * The names are one table only where partitions do not overlap: without
 * prevent_overlapping_partitions, and with a version that does not know it, two nodes that lost
 * each other stay members of a third one, and what they registered meanwhile is not compared again.
 * So do two guests that are told of each other and were never connected: neither knows that the
 * other accuses nobody.
 */
static bool are_names_judged(run *r)
{
	const plan_settings *s = &r->plan->settings;
	bool is_old = s->otp != 0 && s->otp_vsn != 0 && s->otp_vsn < 7;

	for (unsigned i = 0; i < r->hosts_count && s->pop == 1; i++)
		if (core_of(r, i) != NULL && fli_global_count(core_of(r, i)).unreached > 0)
			return false;
	return is_global_judged(r) && s->pop != 0 && !is_old;
}

/* Of a host of the plan, and alive there; who is of another node is that one's to know. */
static bool is_alive(run *r, const fl_pid *pid)
{
	const run_host *host = run_host_named(r, pid->node.text, pid->node.size);
	const fl_node *node = host == NULL ? NULL : run_node(host);
	fl_pid own = *pid;

	if (host == NULL)
		return peers_has(r, pid->node);
	if (node == NULL)
		return false;
	own.node = node->name;
	return fli_proc_of(node, &own) != NULL;
}

/* ---- global ---------------------------------------------------------------------------------- */

/* Every node has synchronised its names with every other, and nobody holds the lock. */
bool global_is_whole(run *r, char *text)
{
	unsigned members = r->hosts_count + (r->peers != NULL);

	for (unsigned i = 0; i < r->hosts_count && is_global_judged(r); i++) {
		const fli_global *g = core_of(r, i);
		fli_global_counters is;

		if (g == NULL)
			return invariant_broken(text, "node %u has no global", i);
		is = fli_global_count(g);
		if (is.synced + 1 != members || is.known + 1 != members || g->lock_own != NULL)
			return invariant_broken(text,
				"node %u: %u of %u synchronised, %u known, the lock is %s", i,
				(unsigned)is.synced, members - 1, (unsigned)is.known,
				g->lock_own == NULL ? "free" : "held");
	}
	return true;
}

static void names_of(const fli_global *g, lines *ret)
{
	char name[32], pid[LEDGER_PID], line[LEDGER_LINE];
	const fli_global_name *entry;
	size_t cursor = 0;

	*ret = (lines){.items = NULL};
	while ((entry = fli_map_next(&g->names, &cursor)) != NULL) {
		ledger_pid(pid, &entry->pid->pid);
		(void)snprintf(line, sizeof line, "%s=%s",
			fl_print_to(name, sizeof name, entry->name), pid);
		lines_add(ret, line);
	}
}

/* All that this node has is alive. */
static bool names_live(run *r, unsigned host, char *text)
{
	const fli_global *g = core_of(r, host);
	const fli_global_name *entry;
	char name[32];
	size_t cursor = 0;

	while ((entry = fli_map_next(&g->names, &cursor)) != NULL)
		if (!is_alive(r, &entry->pid->pid))
			return invariant_broken(text,
				"node %u has the name %s of process %u, which "
				"is dead",
				host, fl_print_to(name, sizeof name, entry->name),
				entry->pid->pid.id);
	return true;
}

bool names_agree(run *r, char *text)
{
	static char theirs[TABLE_TEXT], ours[TABLE_TEXT];
	bool is_fine = true;
	lines first, other;
	const char *odd = "";

	if (!are_names_judged(r) || core_of(r, 0) == NULL)
		return true;
	names_of(core_of(r, 0), &first);
	for (unsigned i = 0; i < r->hosts_count && is_fine && core_of(r, i) != NULL; i++) {
		names_of(core_of(r, i), &other);
		is_fine = names_live(r, i, text) &&
			  (lines_agree(&first, &other, &odd) ||
				  invariant_broken(
					  text, "%s is not the same on nodes 0 and %u", odd, i));
		lines_free(&other);
	}
	lines_print(&first, ours, sizeof ours);
	if (is_fine && peers_names(r, theirs, sizeof theirs) && strcmp(ours, theirs) != 0)
		is_fine = invariant_broken(
			text, "node 0 has %.150s; the OTP node %.150s", ours, theirs);
	lines_free(&first);
	return is_fine;
}

/* What was registered after the last fault is there. */
bool last_names_are_there(run *r, char *text)
{
	fl_buf name = FL_BUF_INIT;
	bool is_fine = true;
	fl_pid pid;

	for (unsigned i = 0; i < r->hosts_count && is_global_judged(r) && is_fine; i++) {
		(void)fl_build(&name, "{last, ~}", (int)i);
		is_fine = core_of(r, i) != NULL &&
			  fli_global_whereis(core_of(r, i), fl_buf_term(&name), &pid);
		if (!is_fine)
			(void)invariant_broken(text, "the name of node %u is not registered", i);
		fl_buf_free(&name);
	}
	return is_fine && (!is_global_judged(r) || peers_have_registered(r, text));
}

static const ledger_lock *entered(run *r, uint32_t actor, fl_term resource)
{
	for (uint32_t i = 0; i < r->ledger.locks_count; i++) {
		const ledger_lock *lock = &r->ledger.locks[i];
		char text[16], name[16];

		(void)snprintf(name, sizeof name, "g%u", lock->resource);
		if (lock->actor == actor &&
			strcmp(fl_print_to(text, sizeof text, resource), name) == 0)
			return lock;
	}
	return NULL;
}

static bool hold_is_right(run *r, const fli_global_hold *hold, char *text)
{
	const fl_pid *pid = &hold->pid->pid;
	uint32_t actor = books_by_pid(&r->books, pid);
	char name[32];

	if (!is_alive(r, pid))
		return invariant_broken(text, "process %u of %.*s holds %s and is dead", pid->id,
			FLI_ATOM_ARG(pid->node),
			fl_print_to(name, sizeof name, hold->lock->resource));
	if (actor == NOBODY || r->books.has_no_memory[books_actor(&r->books, actor)->host])
		return true;
	if (entered(r, actor, hold->lock->resource) == NULL)
		return invariant_broken(text, "actor %u holds %s and has given it back", actor,
			fl_print_to(name, sizeof name, hold->lock->resource));
	return true;
}

bool locks_are_whose_they_are(run *r, char *text)
{
	const fli_global_lock *lock;

	for (unsigned i = 0; i < r->hosts_count && is_global_judged(r); i++) {
		const fli_global *g = core_of(r, i);

		if (g == NULL)
			continue;
		for (size_t cursor = 0; (lock = fli_map_next(&g->locks, &cursor)) != NULL;) {
			for (const fli_link *h = lock->holds.next; h != &lock->holds; h = h->next)
				if (!hold_is_right(
					    r, fli_container_of(h, fli_global_hold, in_lock), text))
					return false;
		}
	}
	return true;
}

/* ---- pg -------------------------------------------------------------------------------------- */

static fli_scope *scope_of(run *r, unsigned host)
{
	const fl_node *node = run_node(&r->hosts[host]);

	return node == NULL ? NULL : fli_pg_scope(node, fl_atom_of("pg"));
}

/* Of one group, or of all. */
static bool members_of(run *r, unsigned host, int group, lines *ret)
{
	const fli_scope *scope = scope_of(r, host);
	fli_buf buf;
	fl_term key, pids, all;
	size_t cursor = 0;
	char text[32];

	*ret = (lines){.items = NULL};
	if (scope == NULL)
		return false;
	fli_buf_create(&buf, fli_mem_libc(), 0);
	fli_scope_write_all(scope, &buf);
	all = (fl_term){.data = buf.data, .size = buf.size};
	while (fl_map_next(all, &cursor, &key, &pids))
		if (group == LEDGER_ANY ||
			strcmp(fl_print_to(text, sizeof text, key), verbs_group(group)) == 0)
			ledger_members(ret, key, pids);
	fli_buf_destroy(&buf);
	return true;
}

/* What the processes of C nodes have joined and not left, by their own word. */
static void expected(run *r, lines *ret)
{
	char scope[LEDGER_PID], pid[LEDGER_PID], line[LEDGER_LINE];

	for (uint32_t i = 0; i < r->ledger.members_count; i++) {
		const ledger_member *m = &r->ledger.members[i];
		const book_actor *a = books_actor(&r->books, m->actor);

		if (!run_is_alive(r, m->actor))
			continue;
		verbs_scope(r, a->host, scope);
		if (strcmp(scope, m->scope) != 0)
			continue;
		ledger_pid(pid, &a->pid);
		(void)snprintf(line, sizeof line, "%s=%s", verbs_group(m->group), pid);
		lines_add(ret, line);
	}
	peers_members(r, ret);
}

bool groups_agree(run *r, char *text)
{
	lines right = {.items = NULL}, is;
	const char *odd = "";
	bool is_fine = true;

	expected(r, &right);
	for (unsigned i = 0; i < r->hosts_count && is_fine; i++) {
		is_fine = members_of(r, i, LEDGER_ANY, &is) ||
			  invariant_broken(text, "node %u has no scope", i);
		if (is_fine && !lines_agree(&right, &is, &odd))
			is_fine = invariant_broken(text,
				"node %u has %zu members of all groups, not %zu: %s is too many or "
				"too few",
				i, is.count, right.count, odd);
		lines_free(&is);
	}
	if (is_fine && !peers_groups_are(r, &right))
		is_fine = invariant_broken(text, "the OTP node has other groups than all");
	lines_free(&right);
	return is_fine;
}

static bool watch_is_right(run *r, ledger_watch *w, char *text)
{
	unsigned host = books_actor(&r->books, w->actor)->host;
	char scope[LEDGER_PID];
	const char *odd = "";
	bool is_fine;
	lines is;

	verbs_scope(r, host, scope);
	if (strcmp(scope, w->scope) != 0 || r->books.has_no_memory[host])
		return true; /* a scope that ended tells nobody */
	if (w->is_odd)
		return invariant_broken(
			text, "actor %u was told that somebody left who was not in", w->actor);
	(void)members_of(r, host, w->group, &is);
	is_fine =
		lines_agree(&is, &w->view, &odd) ||
		invariant_broken(text, "actor %u, who watches, was not told of %s", w->actor, odd);
	lines_free(&is);
	return is_fine;
}

bool watchers_were_told(run *r, char *text)
{
	for (uint32_t i = 0; i < r->ledger.watches_count; i++) {
		ledger_watch *w = &r->ledger.watches[i];

		if (w->actor != NOBODY && run_is_alive(r, w->actor) && !watch_is_right(r, w, text))
			return false;
	}
	return true;
}

bool quiet_is_synced(run *r, char *text)
{
	return global_is_whole(r, text);
}

bool services_are_at_rest(run *r, char *text)
{
	return global_is_whole(r, text) && names_agree(r, text) &&
	       locks_are_whose_they_are(r, text) && groups_agree(r, text) &&
	       watchers_were_told(r, text);
}
