/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/books.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/invariant.h"

static void *grown(void *items, uint32_t count, uint32_t *room, size_t size)
{
	if (count + 1 < *room)
		return items;
	*room = *room == 0 ? 256 : *room * 2;
	items = realloc(items, *room * size);
	if (items == NULL)
		abort();
	return items;
}

void books_create(books *b)
{
	*b = (books){.breach = NULL};
	b->actors = grown(NULL, 0, &b->actors_room, sizeof *b->actors);
	b->asks = grown(NULL, 0, &b->asks_room, sizeof *b->asks);
	b->actors[0] = (book_actor){.is_over = true};
	b->asks[0] = (ask){.end = END_GIVEN_UP};
}

void books_destroy(books *b)
{
	for (size_t i = 0; i < BOOKS_PAIRS; i++) {
		while (b->pairs[i] != NULL) {
			book_pair *next = b->pairs[i]->next;

			free(b->pairs[i]);
			b->pairs[i] = next;
		}
	}
	free(b->actors);
	free(b->asks);
}

void books_fail(books *b, const char *invariant, const char *text)
{
	if (b->breach != NULL)
		return;
	b->breach = invariant;
	(void)strncpy(b->text, text, sizeof b->text - 1);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static size_t bucket_of(uint32_t from, uint32_t to)
{
	return (from * 2654435761u ^ to * 40503u) % BOOKS_PAIRS;
}

const book_pair *books_pair(const books *b, uint32_t from, uint32_t to)
{
	const book_pair *pair = b->pairs[bucket_of(from, to)];

	while (pair != NULL && (pair->from != from || pair->to != to))
		pair = pair->next;
	return pair;
}

static book_pair *pair_of(books *b, uint32_t from, uint32_t to)
{
	book_pair **bucket = &b->pairs[bucket_of(from, to)], *pair = *bucket;

	while (pair != NULL && (pair->from != from || pair->to != to))
		pair = pair->next;
	if (pair != NULL)
		return pair;
	pair = calloc(1, sizeof *pair);
	if (pair == NULL)
		abort();
	*pair = (book_pair){.next = *bucket, .from = from, .to = to};
	*bucket = pair;
	return pair;
}

/* ---- actors and asks ------------------------------------------------------------------------- */

uint32_t books_born(books *b, const book_actor *actor)
{
	b->actors = grown(b->actors, b->actors_count + 1, &b->actors_room, sizeof *b->actors);
	b->actors[++b->actors_count] = *actor;
	return b->actors_count;
}

static bool is_message(ask_kind kind)
{
	return kind == ASK_SEND || kind == ASK_CAST || kind == ASK_CALL;
}

uint32_t books_ask(books *b, const ask *a)
{
	book_actor *from = books_actor(b, a->from);
	book_pair *pair;
	uint32_t id;

	b->asks = grown(b->asks, b->asks_count + 1, &b->asks_room, sizeof *b->asks);
	id = ++b->asks_count;
	b->asks[id] = *a;
	if (is_message(a->kind) && a->to != NOBODY) {
		pair = pair_of(b, a->from, a->to);
		b->asks[id].before = pair->sent_last;
		pair->sent_last = id;
	}
	if (a->kind != ASK_SEND && a->kind != ASK_CAST) {
		b->asks[id].next_open = from->open_first;
		from->open_first = id;
	}
	return id;
}

void books_end(books *b, uint32_t id, ask_end how)
{
	book_actor *from = books_actor(b, b->asks[id].from);
	uint32_t *at = &from->open_first;

	b->asks[id].end = how;
	while (*at != 0 && *at != id)
		at = &b->asks[*at].next_open;
	if (*at == id)
		*at = b->asks[id].next_open;
}

static bool has_ref(const ask *a, const fl_ref *ref)
{
	return a->ref.count > 0 && fl_ref_eq(&a->ref, ref);
}

uint32_t books_by_ref(const books *b, uint32_t actor, const fl_ref *ref)
{
	uint32_t id = b->actors[actor].open_first;

	while (id != 0 && !has_ref(&b->asks[id], ref))
		id = b->asks[id].next_open;
	if (id != 0)
		return id;
	/* it should be open: what comes for one that has ended is a breach, and rare */
	id = b->asks_count;
	while (id != 0 && (b->asks[id].from != actor || !has_ref(&b->asks[id], ref)))
		id--;
	return id;
}

uint32_t books_link(const books *b, uint32_t actor, uint32_t to)
{
	uint32_t id = b->actors[actor].open_first;

	while (id != 0 && (b->asks[id].kind != ASK_LINK || b->asks[id].to != to))
		id = b->asks[id].next_open;
	return id;
}

uint32_t books_by_pid(const books *b, const fl_pid *pid)
{
	uint32_t id = b->actors_count;

	while (id != NOBODY && !fl_pid_eq(&b->actors[id].pid, pid))
		id--;
	return id;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void enter_message(books *b, const book_event *e)
{
	ask *a = books_at(b, e->ask);
	book_actor *actor = books_actor(b, e->actor);
	const book_actor *from = books_actor(b, a->from);

	if (books_is_tampered(b, actor->host))
		return; /* who knows which message it was */
	a->is_got = true;
	pair_of(b, a->from, e->actor)->got_last = e->ask;
	if (from->life > actor->heard_life[from->host])
		actor->heard_life[from->host] = from->life;
}

static void enter_end(books *b, const book_event *e)
{
	const ask *a = books_at(b, e->ask);

	if (e->ask == 0 || a->from != e->actor || a->end != END_NONE)
		return;
	/* a process may also have ended with that reason */
	if (e->reason == REASON_NOCONNECTION && e->is_alive && !a->is_waited_for &&
		e->kind != SAW_REPLY)
		books_actor(b, e->actor)->is_cut[a->to_host] = true;
	books_end(b, e->ask, e->kind == SAW_REPLY ? END_REPLY : END_DOWN);
}

void books_saw(books *b, const book_event *e)
{
	book_actor *actor = books_actor(b, e->actor);

	invariants_judge(b, e);
	switch (e->kind) {
	case SAW_MESSAGE: enter_message(b, e); break;
	case SAW_REPLY:
	case SAW_DOWN:
	case SAW_EXIT: enter_end(b, e); break;
	case SAW_NODE_UP:
		actor->sees[e->host] = true;
		actor->is_cut[e->host] = false;
		break;
	case SAW_NODE_DOWN:
		actor->sees[e->host] = false;
		actor->is_cut[e->host] = false;
		break;
	}
}
