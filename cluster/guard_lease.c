/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases, asked for on a thread of the pool.
 *
 *  - One question at a time, in the order in which they came up: of two that are under way at once
 *    the store may see either first, and a release that comes after the acquire that followed it
 *    frees what this node believes it has.
 *  - An answer goes to who asked: a move by its id, the decisions by the time of the question. Both
 *    may have gone on meanwhile.
 *
 * What goes wrong: a store that does not answer holds up what comes behind, and the lease runs out.
 * Too many that wait, or no memory: as if it had been refused; what is not released runs out.
 */
#include <string.h>

#include "cluster/guard.h"

typedef struct question {
	fli_link link;
	const fl_singleton *spec;
	fl_node *node;
	fli_lease_verb verb;
	uint32_t ttl_ms;
	uint64_t asked_ms; /* when it came up */
	uint64_t now_ms;   /* when the store is asked */
	bool is_granted;
	bool is_for_move;
	fl_ref move;
	char owner[FL_LEASE_OWNER_MAX + 1];
} question;

static int ask(const fl_lease *lease, fli_lease_verb verb, const fl_lease_request *request)
{
	if (verb == FLI_LEASE_RENEW && lease->renew != NULL)
		return lease->renew(lease->ctx, request);
	if (verb != FLI_LEASE_RELEASE)
		return lease->acquire(lease->ctx, request);
	if (lease->release != NULL)
		lease->release(lease->ctx, request);
	return FL_OK;
}

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	question *q = arg;
	char holder[FL_LEASE_OWNER_MAX + 1] = "";
	const fl_lease_request request = {
		.owner = q->owner, .ttl_ms = q->ttl_ms, .now_ms = q->now_ms, .ret_holder = holder};

	(void)cancelled; /* the store has to know */
	q->is_granted = ask(q->spec->lease, q->verb, &request) == FL_OK;
}

static void drop(void *arg)
{
	question *q = arg;

	fli_free(q->node->mem, q);
}

static void take_answer(fli_guard *g, const question *q)
{
	if (q->is_for_move)
		fli_move_leased(g, &q->move, q->verb, q->is_granted);
	else if (q->verb != FLI_LEASE_RELEASE)
		fli_singleton_leased(&g->core, q->is_granted, q->asked_ms);
}

static void ask_next(fli_guard *g);

static int done(fl_proc *self, void *state, void *arg)
{
	question *q = arg;
	fli_guard *g = fli_guard_enter(self, state);

	g->questions_count--;
	take_answer(g, q);
	drop(q);
	ask_next(g);
	return fli_guard_leave(g);
}

static const fl_task task = {.work = work, .done = done, .drop = drop};

static bool offload(fli_guard *g, question *q)
{
	q->now_ms = g->core.now_ms;
	return fl_offload(g->self, &task, q) == FL_OK;
}

/* The one before has been answered. */
static void ask_next(fli_guard *g)
{
	fli_link *link;

	while ((link = fli_list_pop(&g->questions)) != NULL) {
		question *q = fli_container_of(link, question, link);

		if (offload(g, q))
			return;
		g->questions_count--;
		take_answer(g, q); /* not granted */
		drop(q);
	}
}

static question *make(fli_guard *g, fli_lease_verb verb)
{
	fl_atom name = g->node->name;
	question *q = NULL;

	if (g->questions_count < FLI_GUARD_QUESTIONS_MAX && name.size <= FL_LEASE_OWNER_MAX)
		q = fli_zalloc(g->node->mem, sizeof *q);
	if (q == NULL)
		return NULL;
	q->spec = g->spec;
	q->node = g->node;
	q->verb = verb;
	q->ttl_ms = (uint32_t)g->core.config.lease_ms;
	q->asked_ms = g->core.now_ms;
	memcpy(q->owner, name.text, name.size);
	return q;
}

static bool begin(fli_guard *g, fli_lease_verb verb, bool is_for_move)
{
	question *q = make(g, verb);

	if (q == NULL)
		return false;
	q->is_for_move = is_for_move;
	q->move = g->move.id;
	if (g->questions_count > 0) {
		fli_list_append(&g->questions, &q->link);
	} else if (!offload(g, q)) {
		drop(q);
		return false;
	}
	g->questions_count++;
	return true;
}

void fli_guard_lease_free(fli_guard *g)
{
	fli_link *link;

	while ((link = fli_list_pop(&g->questions)) != NULL)
		drop(fli_container_of(link, question, link));
}

void fli_guard_lease(void *ctx, fli_lease_verb verb, uint64_t epoch)
{
	fli_guard *g = ctx;

	(void)epoch; /* stores know owners */
	if (!begin(g, verb, false))
		g->has_no_lease = verb != FLI_LEASE_RELEASE; /* as if it had been refused */
}

bool fli_guard_lease_for_move(fli_guard *g, fli_lease_verb verb)
{
	return begin(g, verb, true);
}
