/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises that are judged as a handler sees something. An event whose way was tampered with
 * (forged frames) proves nothing and is not judged.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/invariant.h"

bool invariant_broken(char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, BOOKS_TEXT, format, args);
	va_end(args);
	return false;
}

static bool is_message(const book_event *e)
{
	return e->kind == SAW_MESSAGE && e->ask != 0;
}

/* The end of something that was asked. */
static bool is_end(const book_event *e)
{
	return e->kind == SAW_REPLY || e->kind == SAW_DOWN || e->kind == SAW_EXIT;
}

static unsigned host_of(const books *b, uint32_t actor)
{
	return books_actor(b, actor)->host;
}

static bool is_from_afar(const books *b, const book_event *e)
{
	return host_of(b, books_at(b, e->ask)->from) != host_of(b, e->actor);
}

/* ---- I1, I2 ---------------------------------------------------------------------------------- */

static bool reply_is_for_who_asked(const books *b, const book_event *e, char *text)
{
	if (e->kind != SAW_REPLY || (e->ask != 0 && books_at(b, e->ask)->from == e->actor))
		return true;
	return invariant_broken(
		text, "actor %u got the answer to %u, which it never asked", e->actor, e->ask);
}

static bool call_ends_once(const books *b, const book_event *e, char *text)
{
	if (!is_end(e) || e->ask == 0 || books_at(b, e->ask)->end == END_NONE)
		return true;
	return invariant_broken(text, "ask %u of actor %u ended a second time (%s after end %d)",
		e->ask, e->actor, e->kind == SAW_REPLY ? "reply" : "down",
		(int)books_at(b, e->ask)->end);
}

/* ---- I3 -------------------------------------------------------------------------------------- */

static bool order_of_a_pair(const books *b, const book_event *e, char *text)
{
	const book_pair *pair;

	if (!is_message(e))
		return true;
	pair = books_pair(b, books_at(b, e->ask)->from, e->actor);
	if (books_at(b, e->ask)->is_got)
		return invariant_broken(text, "message %u came twice", e->ask);
	if (pair == NULL || e->ask > pair->got_last)
		return true;
	return invariant_broken(text, "actor %u got message %u of actor %u after %u", e->actor,
		e->ask, pair->from, pair->got_last);
}

/* A message that went over the same connection and did not arrive. */
static bool has_gap(const books *b, uint32_t before, uint32_t conn)
{
	const ask *a = books_at(b, before);

	return before != 0 && a->is_sent && !a->is_got && a->conn == conn;
}

static bool nothing_is_lost_in_between(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);

	if (!is_message(e) || a->to == NOBODY || a->conn == 0 ||
		b->has_no_memory[host_of(b, e->actor)] || !has_gap(b, a->before, a->conn))
		return true;
	return invariant_broken(
		text, "actor %u got message %u, but not %u before it", e->actor, e->ask, a->before);
}

static bool end_comes_after_the_last_message(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);
	const book_pair *pair;

	if ((e->kind != SAW_DOWN && e->kind != SAW_EXIT) || e->ask == 0 || a->to == NOBODY ||
		a->to == e->actor || a->is_waited_for || e->reason != REASON_OTHER ||
		!e->is_same_conn || a->conn == 0 || b->has_no_memory[host_of(b, e->actor)] ||
		b->has_no_memory[a->to_host])
		return true;
	pair = books_pair(b, a->to, e->actor);
	if (pair == NULL || pair->sent_last == 0)
		return true;
	a = books_at(b, pair->sent_last);
	if (!a->is_sent || a->is_got || a->conn == 0 || a->conn != e->conn_back)
		return true;
	return invariant_broken(text,
		"actor %u learnt of the end of actor %u before its message %u", e->actor,
		pair->from, pair->sent_last);
}

/* ---- I4, I5, I7 ------------------------------------------------------------------------------ */

static bool nothing_after_noconnection(const books *b, const book_event *e, char *text)
{
	unsigned host = host_of(b, books_at(b, e->ask)->from);

	if (!is_message(e) || !books_actor(b, e->actor)->is_cut[host])
		return true;
	return invariant_broken(text,
		"actor %u got message %u of host %u after noconnection, before it was up again",
		e->actor, e->ask, host);
}

static bool nothing_from_an_old_life(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);
	const book_actor *from = books_actor(b, a->from);

	if (!is_message(e) || from->life >= books_actor(b, e->actor)->heard_life[from->host])
		return true;
	return invariant_broken(text,
		"actor %u got message %u of life %u of host %u, after life %u", e->actor, e->ask,
		from->life, from->host, books_actor(b, e->actor)->heard_life[from->host]);
}

static bool nothing_for_an_old_life(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);

	/* epmd may give a creation again when it was restarted within the same second */
	if (!is_message(e) || a->to == NOBODY || a->to == e->actor ||
		fl_pid_eq(&books_actor(b, a->to)->pid, &books_actor(b, e->actor)->pid))
		return true;
	return invariant_broken(
		text, "actor %u got message %u, which was for actor %u", e->actor, e->ask, a->to);
}

static bool node_is_up_while_it_speaks(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);
	unsigned host = host_of(b, a->from);

	if (!is_message(e) || !is_from_afar(b, e) || books_actor(b, e->actor)->sees[host])
		return true;
	return invariant_broken(text, "actor %u got message %u of host %u, which is not up for it",
		e->actor, e->ask, host);
}

static bool ups_and_downs_alternate(const books *b, const book_event *e, char *text)
{
	bool is_up = e->kind == SAW_NODE_UP;

	if ((!is_up && e->kind != SAW_NODE_DOWN) ||
		books_actor(b, e->actor)->sees[e->host] != is_up)
		return true;
	return invariant_broken(
		text, "actor %u saw host %u go %s twice", e->actor, e->host, is_up ? "up" : "down");
}

/* ---- what ends say --------------------------------------------------------------------------- */

static bool nobody_is_dead_who_lives(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);

	if ((e->kind != SAW_DOWN && e->kind != SAW_EXIT) || e->ask == 0 || a->to == NOBODY ||
		e->reason == REASON_NOCONNECTION || !e->is_alive ||
		(e->reason == REASON_NOPROC && a->is_elsewhere) || b->has_no_memory[a->to_host])
		return true;
	return invariant_broken(
		text, "actor %u was told that actor %u has ended, which lives", e->actor, a->to);
}

static bool reason_is_who_ended(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);

	/* a process that does not trap exits ends with the reason of another */
	if (e->kind != SAW_DOWN || e->ask == 0 || a->to == NOBODY || e->by == NOBODY ||
		books_actor(b, a->to)->is_mortal || e->by == a->to)
		return true;
	return invariant_broken(text, "actor %u was told of the end of %u with the reason of %u",
		e->actor, a->to, e->by);
}

/* The 'EXIT' of an earlier link between the two may have waited while the new one was made. */
static bool may_be_of_an_earlier_link(const books *b, const book_event *e, const ask *a)
{
	if (e->kind != SAW_EXIT)
		return false;
	for (uint32_t id = 1; id < e->ask; id++) {
		const ask *x = books_at(b, id);

		if (x->kind == ASK_LINK && ((x->from == a->to && x->to == a->from) ||
						   (x->from == a->from && x->to == a->to)))
			return true;
	}
	return false;
}

static bool connection_is_not_lost_for_nothing(const books *b, const book_event *e, char *text)
{
	const ask *a = books_at(b, e->ask);

	if ((e->kind != SAW_DOWN && e->kind != SAW_EXIT) || e->ask == 0 ||
		e->reason != REASON_NOCONNECTION || !e->is_alive || a->conn == 0 ||
		!e->is_same_conn || b->has_no_memory[host_of(b, e->actor)] ||
		may_be_of_an_earlier_link(b, e, a))
		return true;
	return invariant_broken(text,
		"ask %u of actor %u ended as noconnection on a connection "
		"that stands",
		e->ask, e->actor);
}

static bool body_is_what_was_sent(const books *b, const book_event *e, char *text)
{
	(void)b;
	if (!e->is_damaged)
		return true;
	return invariant_broken(text, "the body of %u is not what was sent", e->ask);
}

/* ---- the table ------------------------------------------------------------------------------- */

const event_invariant event_invariants[] = {
	{"I1 reply_is_for_who_asked", "a successor of a dead caller must not get its answer",
		reply_is_for_who_asked},
	{"I2 call_ends_once", "reply, DOWN or time-out: the caller has moved on after the first",
		call_ends_once},
	{"I3 order_of_a_pair", "signals of one process to another arrive as they were sent, once",
		order_of_a_pair},
	{"I3 nothing_is_lost_in_between", "a connection that stands has delivered what went before",
		nothing_is_lost_in_between},
	{"I3 end_comes_after_the_last_message", "DOWN and EXIT are signals, too",
		end_comes_after_the_last_message},
	{"I4 nothing_after_noconnection", "who was told of the loss has cleaned up",
		nothing_after_noconnection},
	{"I5 nothing_from_an_old_life", "a restarted node begins anew", nothing_from_an_old_life},
	{"I5 nothing_for_an_old_life", "a pid of another creation is nobody here",
		nothing_for_an_old_life},
	{"I7 node_is_up_while_it_speaks",
		"node_up before the first message, node_down after the last",
		node_is_up_while_it_speaks},
	{"I7 ups_and_downs_alternate", "who counts nodes must not count one twice",
		ups_and_downs_alternate},
	{"I6 nobody_is_dead_who_lives", "a false end restarts what still runs",
		nobody_is_dead_who_lives},
	{"I6 reason_is_who_ended", "the reason belongs to the process that is watched",
		reason_is_who_ended},
	{"I6 connection_is_not_lost_for_nothing", "noconnection says that a connection was lost",
		connection_is_not_lost_for_nothing},
	{"I20 body_is_what_was_sent", "terms survive encoding, cache, fragments and decoding",
		body_is_what_was_sent},
};
const size_t event_invariants_count = sizeof event_invariants / sizeof *event_invariants;

bool books_is_tampered(const books *b, unsigned host)
{
	for (unsigned i = 0; i < PLAN_HOSTS_MAX; i++) {
		if (b->is_forged[i][host] || b->is_forged[host][i])
			return true;
	}
	return false;
}

/* Of two lives with one creation: what was asked of the one is answered by the other. */
static bool is_of_two_lives(const books *b, const book_event *e)
{
	unsigned host = e->ask == 0 ? 0 : books_at(b, e->ask)->to_host;

	return e->ask != 0 && host < PLAN_HOSTS_MAX && b->is_forged[host][host];
}

void invariants_judge(books *b, const book_event *e)
{
	char text[BOOKS_TEXT] = "";

	if (books_is_tampered(b, host_of(b, e->actor)) || is_of_two_lives(b, e))
		return;
	for (size_t i = 0; i < event_invariants_count; i++) {
		if (!event_invariants[i].holds(b, e, text))
			books_fail(b, event_invariants[i].name, text);
	}
}
