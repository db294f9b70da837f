/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the whole cluster: joined, left and watched, once and several times over.
 */
#include "flitch/pg.h"
#include "pg/server.h"
#include "tests/sim/verbs.h"

static const char *const groups[] = {"w0", "w1", "w2", "w3"};

enum { GROUPS = sizeof groups / sizeof *groups, PIDS_MAX = 3 };

void verbs_scope(run *r, unsigned host, char *ret_text)
{
	fl_node *node = run_node(&r->hosts[host]);
	const fli_scope *scope = node == NULL ? NULL : fli_pg_scope(node, fl_atom_of(FL_PG));

	ret_text[0] = '\0';
	if (scope != NULL)
		ledger_pid(ret_text, &scope->own.pid);
}

const char *verbs_group(int group)
{
	return groups[group];
}

static int group_of(const order *o)
{
	return (int)((o->x >> 8) % GROUPS);
}

/* Some living process of the same node. */
static uint32_t neighbour(run *r, uint32_t me, const order *o)
{
	uint32_t other = r->hosts[books_actor(&r->books, me)->host].slots[(o->x >> 16) % RUN_SLOTS];

	return run_is_alive(r, other) ? other : me;
}

/* One, or itself, a neighbour, itself again. */
static size_t choose(run *r, uint32_t me, const order *o, uint32_t *ret_actors)
{
	ret_actors[0] = (o->x >> 20 & 1) ? neighbour(r, me, o) : me;
	ret_actors[1] = neighbour(r, me, o);
	ret_actors[2] = me;
	return (o->x >> 21 & 3) == 0 ? PIDS_MAX : 1;
}

static ledger_member member_of(run *r, uint32_t me, const order *o)
{
	ledger_member m = {.group = group_of(o)};

	verbs_scope(r, books_actor(&r->books, me)->host, m.scope);
	return m;
}

int verb_join(fl_proc *self, uint32_t me, const order *o)
{
	run *r = run_current();
	ledger_member m = member_of(r, me, o);
	uint32_t actors[PIDS_MAX];
	size_t count = choose(r, me, o, actors);
	fl_pid pids[PIDS_MAX];

	for (size_t i = 0; i < count; i++)
		pids[i] = books_actor(&r->books, actors[i])->pid;
	if (fl_pg_join_many(self, FL_PG, pids, count, "~", fl_atom_of(groups[m.group])) != FL_OK)
		return FL_OK;
	for (size_t i = 0; i < count; i++) {
		m.actor = actors[i];
		ledger_join(&r->ledger, &m);
	}
	return FL_OK;
}

int verb_part(fl_proc *self, uint32_t me, const order *o)
{
	run *r = run_current();
	ledger_member m = member_of(r, me, o);
	uint32_t actors[PIDS_MAX];
	size_t count = choose(r, me, o, actors);
	fl_pid pids[PIDS_MAX];
	bool was_in = false;
	int rc;

	for (size_t i = 0; i < count; i++)
		pids[i] = books_actor(&r->books, actors[i])->pid;
	rc = fl_pg_leave_many(self, FL_PG, pids, count, "~", fl_atom_of(groups[m.group]));
	for (size_t i = 0; (rc == FL_OK || rc == FL_ENOENT) && i < count; i++) {
		m.actor = actors[i];
		was_in |= ledger_leave(&r->ledger, &m);
	}
	if ((rc == FL_OK && !was_in) || (rc == FL_ENOENT && was_in))
		books_fail(&r->books, "I8 who_leaves_was_in",
			rc == FL_OK ? "somebody left who was in no such group"
				    : "a member could not leave");
	return FL_OK;
}

/* ---- watching -------------------------------------------------------------------------------- */

static void watch(fl_proc *self, uint32_t me, const order *o, int group)
{
	run *r = run_current();
	ledger_watch w = {.group = group, .actor = me};
	fl_buf now = FL_BUF_INIT, name = FL_BUF_INIT;
	fl_term key, value;
	size_t cursor = 0;
	int rc;

	(void)o;
	verbs_scope(r, books_actor(&r->books, me)->host, w.scope);
	if (group == LEDGER_ANY)
		rc = fl_pg_monitor_scope(self, FL_PG, &w.ref, &now);
	else
		rc = fl_pg_monitor(self, FL_PG, &w.ref, &now, "~", fl_atom_of(groups[group]));
	if (rc == FL_OK && group == LEDGER_ANY) {
		while (fl_map_next(fl_buf_term(&now), &cursor, &key, &value))
			ledger_members(&w.view, key, value);
	} else if (rc == FL_OK && fl_build(&name, "~", fl_atom_of(groups[group])) == FL_OK) {
		ledger_members(&w.view, fl_buf_term(&name), fl_buf_term(&now));
	}
	if (rc == FL_OK)
		(void)ledger_watch_add(&r->ledger, &w);
	fl_buf_free(&now);
	fl_buf_free(&name);
}

int verb_watch_group(fl_proc *self, uint32_t me, const order *o)
{
	watch(self, me, o, group_of(o));
	return FL_OK;
}

int verb_watch_scope(fl_proc *self, uint32_t me, const order *o)
{
	watch(self, me, o, LEDGER_ANY);
	return FL_OK;
}

int verb_unwatch(fl_proc *self, uint32_t me, const order *o)
{
	ledger *l = &run_current()->ledger;

	(void)o;
	for (uint32_t i = 0; i < l->watches_count; i++) {
		if (l->watches[i].actor != me)
			continue;
		(void)fl_pg_demonitor(self, FL_PG, l->watches[i].ref);
		l->watches[i].actor = NOBODY;
		return FL_OK;
	}
	return FL_OK;
}
