/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and locks of the whole cluster. Few names and resources, so that processes meet over them.
 */
#include <string.h>

#include "dist/global_act.h"
#include "dist/global_state.h"
#include "flitch/global.h"
#include "tests/sim/verbs.h"

enum { NAMES = 6, RESOURCES = 3, SHARED = 1 << 30, SYNC_MS = 5000 };

static const char *const names[NAMES] = {"g0", "g1", "g2", "g3", "g4", "g5"};

/* ---- names ----------------------------------------------------------------------------------- */

int verbs_resolve(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name;
	fl_pid one, other;

	(void)self;
	if (!fl_match(args, "[~, ~, ~]", &name, &one, &other))
		return fl_raise(result, FL_ERROR, "badarg");
	if ((one.id + other.id) % 4 == 0)
		return fl_build(result, "none");
	return fl_build(result, "~", one.id > other.id ? one : other);
}

static const char *resolve_of(const order *o)
{
	static const char *const methods[] = {FL_GLOBAL_RANDOM_EXIT, FL_GLOBAL_RANDOM_NOTIFY,
		FL_GLOBAL_NOTIFY_ALL, "sim:resolve", "sim:nowhere"};

	return methods[o->x >> 12 & 7 ? (o->x >> 12 & 7) % 4 : (o->x >> 15) % 5];
}

static bool is_anchor(uint32_t actor)
{
	return books_actor(&run_current()->books, actor)->slot == 0;
}

static void change(fl_proc *self, uint32_t me, const order *o, fli_global_change what, fl_spec name)
{
	books *b = &run_current()->books;
	fli_global_wish wish = {.change = what, .pid = fl_self(self)};
	fl_buf term = FL_BUF_INIT, method = FL_BUF_INIT;
	order here = *o;
	uint32_t number;
	fl_ref ref = {.count = 0};
	int rc;

	here.to_host = books_actor(b, me)->host;
	number = verb_enter(me, &here, ASK_RPC, NOBODY);
	rc = fl_build_values(&term, name.pattern, name.values, name.count);
	if (rc == FL_OK)
		rc = fli_global_method(&method, resolve_of(o));
	wish.name = fl_buf_term(&term);
	wish.method = fl_buf_term(&method);
	if (rc == FL_OK)
		rc = fli_global_request_change(self, &wish, &ref);
	books_at(b, number)->ref = ref;
	if (rc != FL_OK)
		books_end(b, number, END_GIVEN_UP);
	fl_buf_free(&term);
	fl_buf_free(&method);
}

static void change_one(fl_proc *self, uint32_t me, const order *o, fli_global_change what)
{
	uint64_t n = o->x >> 8;

	if (is_anchor(me))
		return; /* nobody may take its name or its life */
	if (n % 8 == 7)
		change(self, me, o, what, fl_spec("{room, ~}", (int)(n >> 3 & 1)));
	else
		change(self, me, o, what, fl_spec("~", fl_atom_of(names[n % NAMES])));
}

int verb_name_register(fl_proc *self, uint32_t me, const order *o)
{
	change_one(self, me, o, FLI_GLOBAL_REGISTER);
	return FL_OK;
}

int verb_name_take(fl_proc *self, uint32_t me, const order *o)
{
	change_one(self, me, o, FLI_GLOBAL_REREGISTER);
	return FL_OK;
}

int verb_name_drop(fl_proc *self, uint32_t me, const order *o)
{
	change_one(self, me, o, FLI_GLOBAL_UNREGISTER);
	return FL_OK;
}

/* The functions that wait. */
int verb_name_wait(fl_proc *self, uint32_t me, const order *o)
{
	fl_atom name = fl_atom_of(names[(o->x >> 8) % NAMES]);
	fl_pid pid;

	if (is_anchor(me))
		return FL_OK;
	if ((o->x >> 20 & 3) == 0)
		(void)fl_global_unregister(self, "~", name);
	else if ((o->x >> 20 & 3) == 1)
		(void)fl_global_re_register(self, fl_self(self), NULL, "~", name);
	else if (fl_global_register(self, fl_self(self), resolve_of(o), "~", name) == FL_OK)
		(void)fl_global_whereis(self, &pid, "~", name);
	return FL_OK;
}

int verb_name_send(fl_proc *self, uint32_t me, const order *o)
{
	(void)me;
	(void)fl_send(self, fl_global(names[(o->x >> 8) % NAMES]), "hello");
	return FL_OK;
}

int verb_sync(fl_proc *self, uint32_t me, const order *o)
{
	(void)me;
	(void)o;
	(void)fl_global_sync(self, SYNC_MS);
	return FL_OK;
}

/* In the end each anchor registers a name that nobody else has. */
int verb_last_name(fl_proc *self, uint32_t me, const order *o)
{
	order by_exit = *o;

	by_exit.x = 4 << 12;
	change(self, me, &by_exit, FLI_GLOBAL_REREGISTER,
		fl_spec("{last, ~}", (int)books_actor(&run_current()->books, me)->host));
	return FL_OK;
}

/* ---- locks ----------------------------------------------------------------------------------- */

/* How this node stands to all others, while a lock is being taken. */
typedef struct standing {
	uint32_t to[PLAN_HOSTS_MAX], back[PLAN_HOSTS_MAX];
} standing;

static standing standing_of(run *r, unsigned here)
{
	standing s = {.to = {0}};

	for (unsigned i = 0; i < r->hosts_count; i++) {
		s.to[i] = run_conn(r, here, i);
		s.back[i] = run_conn(r, i, here);
	}
	return s;
}

void verbs_server(run *r, unsigned host, char *ret_text)
{
	const fl_node *node = run_node(&r->hosts[host]);
	const fli_global_service *s = node == NULL ? NULL : fli_global_service_of(node);

	ret_text[0] = '\0';
	if (s != NULL && s->core != NULL && fli_proc_of(node, &s->pids[FLI_GLOBAL_SERVER]) != NULL)
		ledger_pid(ret_text, &s->pids[FLI_GLOBAL_SERVER]);
}

/* The other one's own node would have said no, had it been asked all along. */
static bool is_excluded(
	run *r, const ledger_lock *mine, const ledger_lock *his, const standing *was)
{
	unsigned here = books_actor(&r->books, mine->actor)->host;
	unsigned there = books_actor(&r->books, his->actor)->host;
	char server[LEDGER_PID];

	if (his->actor == NOBODY || his->resource != mine->resource ||
		his->requester == mine->requester || !run_is_alive(r, his->actor) ||
		books_is_tampered(&r->books, here) || books_is_tampered(&r->books, there))
		return false;
	verbs_server(r, there, server);
	if (strcmp(server, his->server) != 0)
		return false;
	if (here == there)
		return true;
	return was->to[there] != 0 && was->to[there] == run_conn(r, here, there) &&
	       was->back[there] != 0 && was->back[there] == run_conn(r, there, here) &&
	       run_is_joined(r, here, there);
}

static void judge(run *r, const ledger_lock *mine, const standing *was)
{
	char text[BOOKS_TEXT];

	for (uint32_t i = 0; i < r->ledger.locks_count; i++) {
		const ledger_lock *his = &r->ledger.locks[i];

		if (!is_excluded(r, mine, his, was))
			continue;
		(void)snprintf(text, sizeof text, "actor %u got lock %u, which actor %u has",
			mine->actor, mine->resource, his->actor);
		books_fail(&r->books, "I11 lock_is_exclusive", text);
	}
}

static ledger_lock lock_of(uint32_t me, const order *o)
{
	return (ledger_lock){.resource = (unsigned)(o->x >> 8) % RESOURCES,
		.requester = (o->x >> 16) % 4 == 0 ? SHARED : me,
		.actor = me};
}

/* All that it holds of that resource as that requester. */
static void strike_out(run *r, const ledger_lock *lock)
{
	for (uint32_t i = 0; i < r->ledger.locks_count; i++) {
		ledger_lock *held = &r->ledger.locks[i];

		if (held->actor == lock->actor && held->resource == lock->resource &&
			held->requester == lock->requester)
			held->actor = NOBODY;
	}
}

/* A server that has just ended counts for nothing, as in OTP: then nobody on this node knows of it.
 */
static bool is_held_here(fl_proc *self)
{
	const fli_global_service *s = fli_global_service_of(fl_self_node(self));
	const fl_pid me = fl_self(self);
	const fli_global_pid *holder =
		s == NULL || s->core == NULL ? NULL : fli_global_pid_find(s->core, &me);

	return holder != NULL && !fli_list_is_empty(&holder->holds);
}

/* Who takes again what it holds, and is refused by one node, gives it back on all, as in OTP. */
static bool take_lock(fl_proc *self, const order *o, const ledger_lock *lock)
{
	run *r = run_current();
	unsigned here = books_actor(&r->books, lock->actor)->host;
	standing was = standing_of(r, here);
	ledger_lock taken = *lock;

	verbs_server(r, here, taken.server);
	strike_out(r, lock);
	if (fl_global_set_lock(self, (uint32_t)(o->x >> 24 & 3), "{~, ~}",
		    fl_atom_of(names[lock->resource]), lock->requester) != FL_OK)
		return false;
	if (!is_held_here(self))
		return true;
	judge(r, &taken, &was);
	(void)ledger_lock_add(&r->ledger, &taken);
	return true;
}

static void give_back(fl_proc *self, const ledger_lock *lock)
{
	strike_out(run_current(), lock);
	(void)fl_global_del_lock(
		self, "{~, ~}", fl_atom_of(names[lock->resource]), lock->requester);
}

int verb_lock(fl_proc *self, uint32_t me, const order *o)
{
	ledger_lock lock = lock_of(me, o);

	(void)take_lock(self, o, &lock);
	return FL_OK;
}

int verb_unlock(fl_proc *self, uint32_t me, const order *o)
{
	const ledger *l = &run_current()->ledger;
	ledger_lock lock = lock_of(me, o);

	for (uint32_t i = 0; i < l->locks_count; i++)
		if (l->locks[i].actor == me)
			lock = l->locks[i];
	give_back(self, &lock);
	return FL_OK;
}

/* As fl_global_trans, so that what is held meanwhile can be entered. */
int verb_trans(fl_proc *self, uint32_t me, const order *o)
{
	ledger_lock lock = lock_of(me, o);

	if (!take_lock(self, o, &lock))
		return FL_OK;
	fl_sim_sleep(self, (uint32_t)(o->x >> 30) % 2000);
	give_back(self, &lock);
	return FL_OK;
}
