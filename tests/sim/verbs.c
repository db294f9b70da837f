/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/verbs.h"

/* Beyond FRAGMENT_BYTES a message goes in fragments. */
enum { BURST_MAX = 40, CHURN = 90, FRAGMENT_BYTES = 65600 };

/* ---- messages -------------------------------------------------------------------------------- */

static fl_dest dest_of(const ask *a, unsigned slot)
{
	run *r = run_current();

	if (a->to == NOBODY)
		return fl_name_at(actor_name(slot), run_host_at(r, a->to_host)->name);
	return fl_to_pid(books_actor(&r->books, a->to)->pid);
}

/* Enters the ask; `to` NOBODY: by the name of a slot. */
uint32_t verb_enter(uint32_t me, const order *o, ask_kind kind, uint32_t to)
{
	run *r = run_current();
	ask a = {.kind = kind,
		.order = o->number,
		.bytes = o->bytes,
		.how = (ask_how)(o->x >> 20 & 15),
		.from = me,
		.to = to,
		.to_host = o->to_host,
		.is_sent = true,
		.made_ms = fl_sim_now_ms(r->sim)};
	const book_actor *from = books_actor(&r->books, me);
	uint32_t number;

	/* most are answered at once, and only workers are made to end */
	if (a.how >= HOW_COUNT)
		a.how = HOW_NOW;
	if (a.how >= HOW_STOP && (to == NOBODY || books_actor(&r->books, to)->slot == 0))
		a.how = HOW_NOW;
	if (to != NOBODY)
		a.to_host = books_actor(&r->books, to)->host;
	a.conn = run_conn(r, from->host, a.to_host);
	if (to != NOBODY && a.conn != 0 && a.to_host != from->host)
		a.is_elsewhere = r->hosts[from->host].creations[a.to_host] !=
				 books_actor(&r->books, to)->pid.creation;
	number = books_ask(&r->books, &a);
	fl_sim_note(r->sim, "actor %u: ask %u is %s, to %u at %u by %u", me, number,
		row_at(o->row)->name, to, a.to_host, a.conn);
	return number;
}

static unsigned slot_of(const order *o)
{
	return (unsigned)(o->x >> 8) % RUN_SLOTS;
}

static int build_body(fl_buf *body, uint32_t number)
{
	const payload what = actor_body(number);

	return payload_build(body, &what);
}

/* One message of `kind` in the form that every actor understands. */
static void say(fl_proc *self, uint32_t me, const order *o, ask_kind kind)
{
	books *b = &run_current()->books;
	uint32_t number = verb_enter(me, o, kind, o->to);
	fl_dest to = dest_of(books_at(b, number), slot_of(o));
	fl_buf body = FL_BUF_INIT;
	int rc = build_body(&body, number);
	fl_term term = fl_buf_term(&body);

	if (rc == FL_OK && kind == ASK_CAST)
		rc = fl_cast(self, to, "{m, ~, ~, now, ~}", number, fl_self(self), term);
	else if (rc == FL_OK)
		rc = fl_send(self, to, "{m, ~, ~, now, ~}", number, fl_self(self), term);
	books_at(b, number)->is_sent = rc == FL_OK;
	fl_buf_free(&body);
}

int verb_send(fl_proc *self, uint32_t me, const order *o)
{
	say(self, me, o, ASK_SEND);
	return FL_OK;
}

int verb_cast(fl_proc *self, uint32_t me, const order *o)
{
	say(self, me, o, ASK_CAST);
	return FL_OK;
}

int verb_send_name(fl_proc *self, uint32_t me, const order *o)
{
	order by_name = *o;

	by_name.to = NOBODY;
	say(self, me, &by_name, ASK_SEND);
	return FL_OK;
}

int verb_burst(fl_proc *self, uint32_t me, const order *o)
{
	uint64_t count = o->x % BURST_MAX;

	for (uint64_t i = 0; i < count; i++)
		say(self, me, o, o->x >> i & 1 ? ASK_CAST : ASK_SEND);
	return FL_OK;
}

/* Goes in fragments, between which others may speak. */
int verb_large(fl_proc *self, uint32_t me, const order *o)
{
	const plan_settings *s = &run_current()->plan->settings;
	order large = *o;

	large.bytes = FRAGMENT_BYTES + (o->x >> 30) % (s->window < 4096 ? 10000 : 300000);
	say(self, me, &large, o->x >> 29 & 1 ? ASK_CAST : ASK_SEND);
	return FL_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static uint32_t patience_ms(const order *o)
{
	if (o->patience_ms > 0)
		return o->patience_ms;
	return (uint32_t)(100 + (o->x >> 24) % (run_current()->plan->settings.tick_ms * 2));
}

/* An ask without an answer was not made after all. */
static void settle(fl_proc *self, uint32_t number, int rc, const order *o)
{
	books *b = &run_current()->books;

	books_at(b, number)->is_sent = rc == FL_OK;
	if (rc != FL_OK)
		books_end(b, number, END_GIVEN_UP);
	else if (fl_send_after(self, patience_ms(o), fl_self(self), NULL, "{give_up, ~}", number) !=
		 FL_OK)
		books_at(b, number)->is_timeless = true;
}

static void ask_one(fl_proc *self, uint32_t me, const order *o, uint32_t to)
{
	books *b = &run_current()->books;
	uint32_t number = verb_enter(me, o, ASK_CALL, to);
	fl_dest dest = dest_of(books_at(b, number), slot_of(o));
	fl_buf body = FL_BUF_INIT;
	fl_ref ref = {.count = 0};
	int rc = build_body(&body, number);

	if (rc == FL_OK)
		rc = fl_request(self, dest, &ref, "{m, ~, ~, ~, ~}", number, fl_self(self),
			(int)books_at(b, number)->how, fl_buf_term(&body));
	fl_buf_free(&body);
	books_at(b, number)->ref = ref;
	settle(self, number, rc, o);
}

int verb_call(fl_proc *self, uint32_t me, const order *o)
{
	ask_one(self, me, o, o->to);
	return FL_OK;
}

int verb_call_name(fl_proc *self, uint32_t me, const order *o)
{
	ask_one(self, me, o, NOBODY);
	return FL_OK;
}

static void end_of_wait(uint32_t me, uint32_t number, int rc, fl_term reply)
{
	books *b = &run_current()->books;
	fl_buf reason = FL_BUF_INIT;

	if (rc == FL_OK) {
		actor_saw_reply(me, number, reply);
	} else if (rc == FL_EEXIT) {
		actor_saw_end(SAW_DOWN, me, number, reply);
	} else if (rc == FL_ENOPROC || rc == FL_ENOCONN) {
		(void)fl_build(&reason, "~", fl_atom_of(fl_error_atom(rc)));
		actor_saw_end(SAW_DOWN, me, number, fl_buf_term(&reason));
	} else {
		books_end(b, number, END_GIVEN_UP);
	}
	fl_buf_free(&reason);
}

/* fl_call: the handler waits, the node does not. */
int verb_wait(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	fl_buf body = FL_BUF_INIT;
	fl_term reply = {.data = NULL};
	uint32_t number;
	fl_dest dest;
	int rc;

	if (o->to == me)
		return FL_OK;
	number = verb_enter(me, o, ASK_CALL, o->to);
	books_at(b, number)->is_waited_for = true;
	dest = dest_of(books_at(b, number), slot_of(o));
	rc = build_body(&body, number);

	if (rc == FL_OK)
		rc = fl_call(self, dest, patience_ms(o), &reply, "{m, ~, ~, ~, ~}", number,
			fl_self(self), (int)books_at(b, number)->how, fl_buf_term(&body));
	fl_buf_free(&body);
	end_of_wait(me, number, rc, reply);
	return FL_OK;
}

int verb_rpc(fl_proc *self, uint32_t me, const order *o)
{
	run *r = run_current();
	uint32_t number = verb_enter(me, o, ASK_RPC, NOBODY);
	fl_ref ref = {.count = 0};
	int rc = fl_request(self, fl_name_at("rex", run_host_at(r, o->to_host)->name), &ref,
		"{call, erlang, node, [], ~}", fl_self(self));

	books_at(&r->books, number)->ref = ref;
	settle(self, number, rc, o);
	return FL_OK;
}

/* ---- monitors and links ---------------------------------------------------------------------- */

static int watch(fl_proc *self, uint32_t me, const order *o, uint32_t to)
{
	books *b = &run_current()->books;
	uint32_t number = verb_enter(me, o, ASK_MONITOR, to);
	fl_ref ref = {.count = 0};
	fl_dest dest = dest_of(books_at(b, number), slot_of(o));

	if (fl_monitor(self, dest, &ref) != FL_OK)
		books_end(b, number, END_GIVEN_UP);
	books_at(b, number)->ref = ref;
	return FL_OK;
}

int verb_monitor(fl_proc *self, uint32_t me, const order *o)
{
	return watch(self, me, o, o->to);
}

int verb_monitor_name(fl_proc *self, uint32_t me, const order *o)
{
	return watch(self, me, o, NOBODY);
}

/* The newest open ask of that kind. */
static uint32_t open_ask(uint32_t me, ask_kind kind)
{
	const books *b = &run_current()->books;
	uint32_t id = books_actor(b, me)->open_first;

	while (id != 0 && books_at(b, id)->kind != kind)
		id = books_at(b, id)->next_open;
	return id;
}

int verb_demonitor(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	uint32_t id = open_ask(me, ASK_MONITOR);

	(void)o;
	if (id == 0)
		return FL_OK;
	(void)fl_demonitor(self, books_at(b, id)->ref);
	books_end(b, id, END_GIVEN_UP);
	return FL_OK;
}

/* `other` has taken a link to `self` away, and is not acknowledged: it ignores LINK until then. */
static bool is_met_by_unlink(fl_proc *self, uint32_t other)
{
	const fl_proc *there = run_proc(run_current(), other);
	const fl_pid here = fl_self(self);
	const fli_plink *plink = there == NULL ? NULL : fli_plink_find(there, &here);

	return plink != NULL && plink->unlink_id != 0;
}

int verb_link(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	uint32_t number;

	if (o->to == me || books_link(b, me, o->to) != 0)
		return FL_OK;
	number = verb_enter(me, o, ASK_LINK, o->to);
	books_at(b, number)->is_crossed = is_met_by_unlink(self, o->to);
	if (fl_link(self, books_actor(b, o->to)->pid) != FL_OK)
		books_end(b, number, END_GIVEN_UP);
	return FL_OK;
}

int verb_unlink(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	uint32_t id = open_ask(me, ASK_LINK), back;

	(void)o;
	if (id == 0)
		return FL_OK;
	(void)fl_unlink(self, books_actor(b, books_at(b, id)->to)->pid);
	books_end(b, id, END_GIVEN_UP);
	/* two processes have one link, whoever made it */
	back = books_link(b, books_at(b, id)->to, me);
	if (back != 0)
		books_at(b, back)->is_crossed = true;
	return FL_OK;
}

/* Off and on again at once: the acknowledgement of the first is still under way. */
int verb_relink(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	uint32_t id = open_ask(me, ASK_LINK);
	order again = *o;

	if (id == 0)
		return FL_OK;
	again.to = books_at(b, id)->to;
	(void)verb_unlink(self, me, o);
	return verb_link(self, me, &again);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static bool is_anchor(uint32_t actor)
{
	return books_actor(&run_current()->books, actor)->slot == 0;
}

/* A message of its own for who traps exits. */
int verb_exit(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;
	uint32_t number = verb_enter(me, o, ASK_SEND, o->to);
	int rc = fl_exit(self, books_actor(b, o->to)->pid, "{asked, ~, ~}", number, me);

	books_at(b, number)->is_sent = rc == FL_OK;
	return FL_OK;
}

int verb_kill(fl_proc *self, uint32_t me, const order *o)
{
	books *b = &run_current()->books;

	(void)me;
	if (!is_anchor(o->to))
		(void)fl_exit(self, books_actor(b, o->to)->pid, "kill");
	return FL_OK;
}

/* Says something first, so that the end has a message to overtake. */
int verb_stop(fl_proc *self, uint32_t me, const order *o)
{
	if (is_anchor(me))
		return FL_OK;
	(void)verb_burst(self, me, o);
	return fl_stop(self, "{bye, ~}", me);
}

/* Somebody who has a link to it or watches it. */
static uint32_t watcher_of(uint32_t me)
{
	const books *b = &run_current()->books;
	uint32_t id = b->asks_count;

	while (id != 0) {
		const ask *a = books_at(b, id);

		if (a->to == me && a->end == END_NONE &&
			(a->kind == ASK_MONITOR || a->kind == ASK_LINK))
			return a->from;
		id--;
	}
	return NOBODY;
}

/* Its end must come behind all that it still has to say, large or small. */
int verb_last_words(fl_proc *self, uint32_t me, const order *o)
{
	order last = *o;

	last.to = watcher_of(me);
	if (is_anchor(me) || last.to == NOBODY)
		return FL_OK;
	(void)verb_large(self, me, &last);
	say(self, me, &last, ASK_SEND);
	return fl_stop(self, "{bye, ~}", me);
}

/* ---- the rest -------------------------------------------------------------------------------- */

int verb_sleep(fl_proc *self, uint32_t me, const order *o)
{
	(void)me;
	fl_sim_sleep(self, patience_ms(o) / 2);
	return FL_OK;
}

static int ignore(fl_proc *self, void *state, fl_term args)
{
	(void)self;
	(void)state;
	(void)args;
	return FL_IGNORE;
}

/* Many short lives, so that the places of processes are used again. */
int verb_churn(fl_proc *self, uint32_t me, const order *o)
{
	static const fl_behaviour brief = {.name = "brief", .init = ignore};
	fl_pid pid;

	(void)me;
	(void)o;
	for (int i = 0; i < CHURN; i++)
		(void)fl_start(self, &brief, NULL, &pid, "[]");
	return FL_OK;
}

int verb_rename(fl_proc *self, uint32_t me, const order *o)
{
	const char *name = actor_name(books_actor(&run_current()->books, me)->slot);

	(void)o;
	if (is_anchor(me) || fl_unregister(self, name) != FL_OK)
		return FL_OK;
	(void)fl_register(self, name);
	return FL_OK;
}
