/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases, asked for on a thread of the pool.
 */
#include <string.h>

#include "cluster/guard.h"

typedef struct question {
	const fl_singleton *spec;
	fl_node *node;
	fli_lease_verb verb;
	uint32_t ttl_ms;
	uint64_t now_ms;
	bool is_granted;
	bool is_for_move;
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

static int done(fl_proc *self, void *state, void *arg)
{
	question *q = arg;
	fli_guard *g = fli_guard_enter(self, state);

	if (q->is_for_move)
		fli_move_leased(g, q->verb, q->is_granted);
	else if (q->verb != FLI_LEASE_RELEASE)
		fli_singleton_leased(&g->core, q->is_granted);
	drop(q);
	return fli_guard_leave(g);
}

static const fl_task task = {.work = work, .done = done, .drop = drop};

static bool begin(fli_guard *g, fli_lease_verb verb, bool is_for_move)
{
	fl_atom name = g->node->name;
	question *q = name.size > FL_LEASE_OWNER_MAX ? NULL : fli_zalloc(g->node->mem, sizeof *q);

	if (q == NULL)
		return false;
	q->spec = g->spec;
	q->node = g->node;
	q->verb = verb;
	q->is_for_move = is_for_move;
	q->ttl_ms = (uint32_t)g->core.config.lease_ms;
	q->now_ms = g->core.now_ms;
	memcpy(q->owner, name.text, name.size);
	if (fl_offload(g->self, &task, q) == FL_OK)
		return true;
	drop(q);
	return false;
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
