/* SPDX-License-Identifier: Apache-2.0 */
/* Each invariant of events, by an event that breaks it and one beside it that does not. */
#include "tests/sim/books.h"

#include <string.h>

#include "tests/support/suite.h"

/* w1 on host 0 asks, w2 on host 1 answers; both nodes see each other. */
typedef struct pair {
	books b;
	uint32_t one, two;
} pair;

static uint32_t born(books *b, unsigned host, unsigned life, uint32_t id)
{
	book_actor a = {.host = host,
		.life = life,
		.slot = 1,
		.pid = {.node = fl_atom_of("n@m"), .id = id, .creation = life}};

	a.sees[1 - host] = true;
	return books_born(b, &a);
}

static void open(pair *p)
{
	books_create(&p->b);
	p->one = born(&p->b, 0, 1, 10);
	p->two = born(&p->b, 1, 1, 20);
}

static uint32_t ask_of(pair *p, ask_kind kind)
{
	const ask a = {.kind = kind,
		.from = p->one,
		.to = p->two,
		.to_host = 1,
		.conn = 1,
		.is_sent = true,
		.ref = {.node = fl_atom_of("n@m"),
			.count = 3,
			.words = {p->b.asks_count + 1, 2, 3}}};

	return books_ask(&p->b, &a);
}

static void see(pair *p, book_kind kind, uint32_t actor, uint32_t number)
{
	const book_event e = {.kind = kind, .actor = actor, .ask = number};

	books_saw(&p->b, &e);
}

static void see_end(pair *p, uint32_t number, book_reason reason)
{
	const book_event e = {.kind = SAW_DOWN, .actor = p->one, .ask = number, .reason = reason};

	books_saw(&p->b, &e);
}

/* Ends the books; true when that invariant was the first to break (NULL: none did). */
static bool broke(pair *p, const char *name)
{
	const char *breach = p->b.breach;

	books_destroy(&p->b);
	return name == NULL || breach == NULL ? name == breach : strstr(breach, name) != NULL;
}

static void what_goes_well_breaks_nothing(void)
{
	pair p;
	uint32_t call;

	open(&p);
	see(&p, SAW_MESSAGE, p.two, ask_of(&p, ASK_SEND));
	call = ask_of(&p, ASK_CALL);
	see(&p, SAW_MESSAGE, p.two, call);
	see(&p, SAW_REPLY, p.one, call);
	see_end(&p, ask_of(&p, ASK_MONITOR), REASON_NOCONNECTION);
	CU_ASSERT(broke(&p, NULL));
}

static void reply_to_another_is_seen(void)
{
	pair p;
	uint32_t call;

	open(&p);
	call = ask_of(&p, ASK_CALL);
	see(&p, SAW_REPLY, p.two, call);
	CU_ASSERT(broke(&p, "reply_is_for_who_asked"));
}

static void second_end_is_seen(void)
{
	pair p;
	uint32_t call;

	open(&p);
	call = ask_of(&p, ASK_CALL);
	see(&p, SAW_REPLY, p.one, call);
	see_end(&p, call, REASON_NOCONNECTION);
	CU_ASSERT(broke(&p, "call_ends_once"));
}

static void message_that_overtakes_is_seen(void)
{
	pair p;
	uint32_t first, second;

	open(&p);
	first = ask_of(&p, ASK_SEND);
	second = ask_of(&p, ASK_SEND);
	books_at(&p.b, first)->conn = 2; /* so that it may be lost */
	see(&p, SAW_MESSAGE, p.two, second);
	see(&p, SAW_MESSAGE, p.two, first);
	CU_ASSERT(broke(&p, "order_of_a_pair"));
}

static void message_that_comes_twice_is_seen(void)
{
	pair p;
	uint32_t first;

	open(&p);
	first = ask_of(&p, ASK_SEND);
	see(&p, SAW_MESSAGE, p.two, first);
	see(&p, SAW_MESSAGE, p.two, first);
	CU_ASSERT(broke(&p, "order_of_a_pair"));
}

static void gap_in_a_connection_is_seen(void)
{
	pair p;

	open(&p);
	(void)ask_of(&p, ASK_SEND);
	see(&p, SAW_MESSAGE, p.two, ask_of(&p, ASK_SEND));
	CU_ASSERT(broke(&p, "nothing_is_lost_in_between"));
}

static void end_before_the_last_message_is_seen(void)
{
	const ask last = {.kind = ASK_SEND, .conn = 7, .is_sent = true};
	book_event e = {.kind = SAW_DOWN, .is_same_conn = true, .conn_back = 7};
	ask said = last;
	pair p;

	open(&p);
	said.from = p.two;
	said.to = p.one;
	(void)books_ask(&p.b, &said);
	e.actor = p.one;
	e.ask = ask_of(&p, ASK_MONITOR);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, "end_comes_after_the_last_message"));
}

static void message_after_noconnection_is_seen(void)
{
	pair p;
	uint32_t monitor;

	open(&p);
	monitor = ask_of(&p, ASK_MONITOR);
	see_end(&p, monitor, REASON_NOCONNECTION);
	books_at(&p.b, monitor)->from = p.two;
	see(&p, SAW_NODE_UP, p.two, 0);
	CU_ASSERT_PTR_NOT_NULL(p.b.breach); /* host 0 was up already for actor 2 */
	p.b.breach = NULL;
	books_actor(&p.b, p.two)->is_cut[0] = true;
	see(&p, SAW_MESSAGE, p.two, ask_of(&p, ASK_SEND));
	CU_ASSERT(broke(&p, "nothing_after_noconnection"));
}

static void message_of_an_old_life_is_seen(void)
{
	pair p;
	uint32_t old;

	open(&p);
	old = ask_of(&p, ASK_SEND);
	p.one = born(&p.b, 0, 2, 10);
	see(&p, SAW_MESSAGE, p.two, ask_of(&p, ASK_SEND));
	see(&p, SAW_MESSAGE, p.two, old);
	CU_ASSERT(broke(&p, "nothing_from_an_old_life"));
}

static void message_for_an_old_life_is_seen(void)
{
	pair p;
	uint32_t old;

	open(&p);
	old = ask_of(&p, ASK_SEND);
	p.two = born(&p.b, 1, 2, 20);
	see(&p, SAW_MESSAGE, p.two, old);
	CU_ASSERT(broke(&p, "nothing_for_an_old_life"));
}

static void message_of_a_node_that_is_not_up_is_seen(void)
{
	const book_event down = {.kind = SAW_NODE_DOWN, .actor = 2, .host = 0};
	pair p;

	open(&p);
	books_saw(&p.b, &down);
	see(&p, SAW_MESSAGE, p.two, ask_of(&p, ASK_SEND));
	CU_ASSERT(broke(&p, "node_is_up_while_it_speaks"));
}

static void false_death_is_seen(void)
{
	book_event e = {.kind = SAW_DOWN, .reason = REASON_NOPROC, .is_alive = true};
	pair p;

	open(&p);
	e.actor = p.one;
	e.ask = ask_of(&p, ASK_MONITOR);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, "nobody_is_dead_who_lives"));
}

static void reason_of_another_is_seen(void)
{
	book_event e = {.kind = SAW_DOWN};
	pair p;

	open(&p);
	e.actor = p.one;
	e.by = p.one;
	e.ask = ask_of(&p, ASK_MONITOR);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, "reason_is_who_ended"));
}

static void noconnection_without_a_loss_is_seen(void)
{
	book_event e = {.kind = SAW_DOWN,
		.reason = REASON_NOCONNECTION,
		.is_alive = true,
		.is_same_conn = true};
	pair p;

	open(&p);
	e.actor = p.one;
	e.ask = ask_of(&p, ASK_MONITOR);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, "connection_is_not_lost_for_nothing"));
}

static void damaged_body_is_seen(void)
{
	book_event e = {.kind = SAW_MESSAGE, .is_damaged = true};
	pair p;

	open(&p);
	e.actor = p.two;
	e.ask = ask_of(&p, ASK_SEND);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, "body_is_what_was_sent"));
}

static void forged_frames_are_not_judged(void)
{
	book_event e = {.kind = SAW_MESSAGE, .is_damaged = true};
	pair p;

	open(&p);
	p.b.is_forged[0][1] = true;
	e.actor = p.two;
	e.ask = ask_of(&p, ASK_SEND);
	books_saw(&p.b, &e);
	CU_ASSERT(broke(&p, NULL));
}

static void open_asks_are_found_by_reference(void)
{
	pair p;
	uint32_t call, monitor;

	open(&p);
	call = ask_of(&p, ASK_CALL);
	monitor = ask_of(&p, ASK_MONITOR);
	CU_ASSERT_EQUAL(books_by_ref(&p.b, p.one, &books_at(&p.b, call)->ref), call);
	books_end(&p.b, call, END_GIVEN_UP);
	CU_ASSERT_EQUAL(books_by_ref(&p.b, p.one, &books_at(&p.b, call)->ref), call);
	CU_ASSERT_EQUAL(books_actor(&p.b, p.one)->open_first, monitor);
	CU_ASSERT_EQUAL(books_by_ref(&p.b, p.two, &books_at(&p.b, call)->ref), 0);
	books_destroy(&p.b);
}

FL_SUITE("books", FL_TEST(what_goes_well_breaks_nothing), FL_TEST(reply_to_another_is_seen),
	FL_TEST(second_end_is_seen), FL_TEST(message_that_overtakes_is_seen),
	FL_TEST(message_that_comes_twice_is_seen), FL_TEST(gap_in_a_connection_is_seen),
	FL_TEST(end_before_the_last_message_is_seen), FL_TEST(message_after_noconnection_is_seen),
	FL_TEST(message_of_an_old_life_is_seen), FL_TEST(message_for_an_old_life_is_seen),
	FL_TEST(message_of_a_node_that_is_not_up_is_seen), FL_TEST(false_death_is_seen),
	FL_TEST(reason_of_another_is_seen), FL_TEST(noconnection_without_a_loss_is_seen),
	FL_TEST(damaged_body_is_seen), FL_TEST(forged_frames_are_not_judged),
	FL_TEST(open_asks_are_found_by_reference));
