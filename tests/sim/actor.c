/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/actor.h"

#include <stdlib.h>

const char *actor_name(unsigned slot)
{
	static const char *const names[RUN_SLOTS] = {"anchor", "w1", "w2", "w3", "w4"};

	return names[slot];
}

static actor_state *me(void *state)
{
	return state;
}

static const char *const kind_names[] = {
	"message", "reply", "down", "exit", "node up", "node down"};

static void see(const book_event *e)
{
	run *r = run_current();

	fl_sim_note(r->sim, "actor %u sees %s %u", e->actor, kind_names[e->kind],
		e->ask != 0 ? e->ask : e->host);
	books_saw(&r->books, e);
}

/* ---- what it sees ---------------------------------------------------------------------------- */

payload actor_body(uint32_t number)
{
	run *r = run_current();

	return (payload){number, r->plan->settings.payload_max, books_at(&r->books, number)->bytes};
}

static bool is_body(fl_term term, uint32_t number)
{
	const payload what = actor_body(number);

	return payload_is(term, &what);
}

/* The message of that number arrived; false when nobody sent it. */
static bool saw_message(uint32_t id, uint32_t number, const fl_pid *sender, fl_term body)
{
	books *b = &run_current()->books;
	book_event e = {.kind = SAW_MESSAGE, .actor = id, .ask = number};

	if (number == 0 || number > b->asks_count)
		return false;
	e.is_damaged = !fl_pid_eq(sender, &books_actor(b, books_at(b, number)->from)->pid) ||
		       (body.data != NULL && !is_body(body, number));
	see(&e);
	return true;
}

void actor_saw_reply(uint32_t id, uint32_t ask_id, fl_term reply)
{
	books *b = &run_current()->books;
	book_event e = {.kind = SAW_REPLY, .actor = id, .ask = ask_id};
	bool is_call = ask_id != 0 && books_at(b, ask_id)->kind == ASK_CALL;
	uint32_t number;
	fl_term body;

	if (!fl_match(reply, "{r, ~, ~}", &number, &body))
		e.is_damaged = is_call;
	else if (is_call)
		e.is_damaged = number != ask_id || !is_body(body, number);
	see(&e);
}

static book_reason reason_of(fl_term reason)
{
	if (fl_match(reason, "noproc"))
		return REASON_NOPROC;
	return fl_match(reason, "noconnection") ? REASON_NOCONNECTION : REASON_OTHER;
}

void actor_saw_end(book_kind kind, uint32_t id, uint32_t ask_id, fl_term reason)
{
	run *r = run_current();
	const ask *a = books_at(&r->books, ask_id);
	unsigned here = books_actor(&r->books, id)->host;
	char text[80];
	book_event e = {.kind = kind, .actor = id, .ask = ask_id, .reason = reason_of(reason)};

	fl_sim_note(r->sim, "because of %s", fl_print_to(text, sizeof text, reason));
	(void)fl_match(reason, "{bye, ~}", &e.by);
	e.is_alive = a->to != NOBODY && run_is_alive(r, a->to);
	e.is_same_conn = a->conn != 0 && run_conn(r, here, a->to_host) == a->conn;
	e.conn_back = run_conn(r, a->to_host, here);
	see(&e);
}

static void saw_node(uint32_t id, book_kind kind, fl_atom name)
{
	run *r = run_current();
	const run_host *host = run_host_named(r, name.text, name.size);
	book_event e = {.kind = kind, .actor = id};

	if (host == NULL)
		return; /* the stranger, or a model */
	e.host = host->index;
	see(&e);
}

/* ---- answering ------------------------------------------------------------------------------- */

static void answer(fl_from from, uint32_t number)
{
	const payload what = actor_body(number);
	fl_buf body = FL_BUF_INIT;

	if (payload_build(&body, &what) == FL_OK)
		(void)fl_reply(from, "{r, ~, ~}", number, fl_buf_term(&body));
	fl_buf_free(&body);
}

static int answer_later(fl_proc *self, actor_state *s, fl_from from, uint32_t number)
{
	const ask *a = books_at(&run_current()->books, number);
	size_t i = 0;

	while (i < ACTOR_LATER_MAX && s->later_asks[i] != 0)
		i++;
	if (i == ACTOR_LATER_MAX || fl_later(self, from) != FL_OK) {
		answer(from, number);
		return FL_OK;
	}
	s->later[i] = from;
	s->later_asks[i] = number;
	if (a->how == HOW_LATER)
		(void)fl_send_after(
			self, number * 37 % 3000, fl_self(self), NULL, "{answer, ~}", number);
	return FL_OK;
}

static void answer_now(actor_state *s, uint32_t number)
{
	for (size_t i = 0; i < ACTOR_LATER_MAX; i++) {
		if (s->later_asks[i] != number)
			continue;
		s->later_asks[i] = 0;
		answer(s->later[i], number);
	}
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	actor_state *s = me(state);
	uint32_t number;
	fl_pid sender;
	int how;
	fl_term body;

	if (!fl_match(request, "{m, ~, ~, ~, ~}", &number, &sender, &how, &body) ||
		!saw_message(s->id, number, &sender, body))
		return fl_reply(from, "what");
	if (how == HOW_LATER || how == HOW_NEVER)
		return answer_later(self, s, from, number);
	if (how != HOW_STOP)
		answer(from, number);
	return how == HOW_NOW ? FL_OK : fl_stop(self, "{bye, ~}", s->id);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	uint32_t number;
	fl_pid sender;
	fl_term body;

	(void)self;
	if (fl_match(message, "{m, ~, ~, _, ~}", &number, &sender, &body))
		(void)saw_message(me(state)->id, number, &sender, body);
	return FL_OK;
}

/* ---- infos ----------------------------------------------------------------------------------- */

static void give_up(fl_proc *self, uint32_t number)
{
	books *b = &run_current()->books;

	if (number > b->asks_count || books_at(b, number)->end != END_NONE)
		return;
	/* without its monitor the end is in the mailbox already */
	if (fli_monitor_find(fl_self_node(self), NULL, &books_at(b, number)->ref) == NULL)
		return;
	(void)fl_demonitor(self, books_at(b, number)->ref);
	books_end(b, number, END_GIVEN_UP);
}

/*
 * For this actor, or for one whose pid it could have inherited. An end that an exit signal has
 * caused goes on along the links with the signal's reason, and may come round to who sent it: his
 * links are told of an end then.
 */
static bool is_sent_to(const books *b, uint32_t number, uint32_t id)
{
	uint32_t to = number > b->asks_count ? NOBODY : books_at(b, number)->to;
	const fl_pid *mine = &books_actor(b, id)->pid, *his;

	if (to == NOBODY)
		return false;
	his = &books_actor(b, to)->pid;
	return his->id == mine->id && his->serial == mine->serial &&
	       fl_atom_eq(his->node, mine->node);
}

/* 'EXIT' of a link, or of somebody's exit/2, which is a message of its own. */
static void on_exit_message(uint32_t id, const fl_pid *from, fl_term reason)
{
	books *b = &run_current()->books;
	uint32_t sender = books_by_pid(b, from), number, by;
	uint32_t link = sender == NOBODY ? 0 : books_link(b, id, sender);

	if (fl_match(reason, "{asked, ~, ~}", &number, &by) && by == sender &&
		is_sent_to(b, number, id)) {
		(void)saw_message(id, number, from, (fl_term){.data = NULL});
		return;
	}
	if (link != 0)
		actor_saw_end(SAW_EXIT, id, link, reason);
}

/* {Ref, join | leave, Group, Pids} of a watch. */
static void saw_members(uint32_t id, const fl_ref *ref, fl_atom what, fl_term group, fl_term pids)
{
	ledger_watch *w = ledger_watch_find(&run_current()->ledger, id, ref);

	if (w != NULL)
		ledger_told(w, fl_atom_is(what, "join"), group, pids);
}

static int on_order(fl_proc *self, uint32_t id, uint32_t number)
{
	const run *r = run_current();
	order *o = &r->orders[number];

	if (number >= r->orders_count)
		return FL_OK;
	o->is_begun = true;
	return row_at(o->row)->act(self, id, o);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	actor_state *s = me(state);
	books *b = &run_current()->books;
	uint32_t number;
	fl_pid pid;
	fl_ref ref;
	fl_atom what;
	fl_term body, group;

	if (fl_match(message, "{order, ~}", &number))
		return on_order(self, s->id, number);
	if (fl_match(message, "{m, ~, ~, _, ~}", &number, &pid, &body))
		(void)saw_message(s->id, number, &pid, body);
	else if (fl_match(message, "{answer, ~}", &number))
		answer_now(s, number);
	else if (fl_match(message, "{give_up, ~}", &number))
		give_up(self, number);
	else if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &body))
		actor_saw_end(SAW_DOWN, s->id, books_by_ref(b, s->id, &ref), body);
	else if (fl_match(message, "{'EXIT', ~, ~}", &pid, &body))
		on_exit_message(s->id, &pid, body);
	else if (fl_match(message, "{~, ~, ~, ~}", &ref, &what, &group, &body))
		saw_members(s->id, &ref, what, group, body);
	else if (fl_match(message, "{~, ~}", &ref, &body))
		actor_saw_reply(s->id, books_by_ref(b, s->id, &ref), body);
	return FL_OK;
}

static int on_node_up(fl_proc *self, void *state, fl_atom node)
{
	(void)self;
	saw_node(me(state)->id, SAW_NODE_UP, node);
	return FL_OK;
}

static int on_node_down(fl_proc *self, void *state, fl_atom node, fl_term reason)
{
	(void)self;
	(void)reason;
	saw_node(me(state)->id, SAW_NODE_DOWN, node);
	return FL_OK;
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void be_born(fl_proc *self, actor_state *s, unsigned slot, bool is_mortal)
{
	run_host *host = run_host_of(fl_self_node(self));
	book_actor a = {.host = host->index,
		.life = fl_sim_starts(host->node),
		.slot = slot,
		.pid = fl_self(self),
		.is_mortal = is_mortal};

	a.pid.node = fl_atom_of(host->name); /* outlives the node */
	for (unsigned i = 0; i < PLAN_HOSTS_MAX; i++)
		a.sees[i] = host->is_up[i];
	/* epmd forgot what it had given: two lives with one creation cannot be told apart */
	if (books_by_pid(&host->run->books, &a.pid) != NOBODY)
		host->run->books.is_forged[host->index][host->index] = true;
	s->id = books_born(&host->run->books, &a);
	fl_sim_note(host->run->sim, "actor %u is %s at %u, process %u of %u", s->id,
		actor_name(slot), host->index, a.pid.id, a.pid.creation);
	host->slots[slot] = s->id;
}

static int on_init_anchor(fl_proc *self, void *state, fl_term args)
{
	(void)args;
	be_born(self, state, 0, false);
	return FL_OK;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	unsigned slot;
	bool is_mortal;

	if (!fl_match(args, "{~, ~}", &slot, &is_mortal) || slot >= RUN_SLOTS)
		return fl_stop(self, "badarg");
	be_born(self, state, slot, is_mortal);
	return FL_OK;
}

#define ACTOR_HANDLERS                                                                             \
	.state_size = sizeof(actor_state), .call = on_call, .cast = on_cast, .info = on_info,      \
	.node_up = on_node_up, .node_down = on_node_down

const fl_behaviour actor_anchor = {
	.name = "anchor", .init = on_init_anchor, .trap_exit = true, ACTOR_HANDLERS};
const fl_behaviour actor_worker = {
	.name = "worker", .init = on_init, .trap_exit = true, ACTOR_HANDLERS};
const fl_behaviour actor_mortal = {.name = "mortal", .init = on_init, ACTOR_HANDLERS};

void actor_start(run_host *host, unsigned slot, bool is_mortal)
{
	const fl_sim_serve how = {.name = actor_name(slot)};

	if (slot == 0 || !run_is_running(host) || run_is_alive(host->run, host->slots[slot]))
		return;
	(void)fl_sim_spawn(host->node, is_mortal ? &actor_mortal : &actor_worker, &how, NULL,
		"{~, ~}", slot, fl_bool(is_mortal));
}
