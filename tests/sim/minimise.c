/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/minimise.h"

#include <stdlib.h>
#include <string.h>

typedef struct search {
	plan *best;
	bool *marks;
	minimise_fails *fails;
	void *ctx;
	unsigned tries;
} search;

/* Leaves steps [from, from + size) out; true when it still fails, and is the best from now on. */
static bool without(search *s, size_t from, size_t size)
{
	plan smaller;

	if (s->tries == 0)
		return false;
	s->tries--;
	for (size_t i = 0; i < s->best->count; i++)
		s->marks[i] = i < from || i >= from + size;
	if (!plan_copy(&smaller, s->best, s->marks))
		return false;
	if (!s->fails(&smaller, s->ctx)) {
		plan_free(&smaller);
		return false;
	}
	plan_free(s->best);
	*s->best = smaller;
	return true;
}

/* One pass with pieces of that size, from the end: what came last is least likely to matter. */
static bool pass(search *s, size_t size)
{
	bool any = false;
	size_t at = s->best->count;

	while (at > 0) {
		size_t from = at > size ? at - size : 0;

		any = without(s, from, at - from) || any;
		at = from;
	}
	return any;
}

bool minimise(plan *p, minimise_fails *fails, void *ctx, unsigned tries)
{
	search s = {p, calloc(p->count + 1, sizeof(bool)), fails, ctx, tries};
	size_t size = p->count / 2;
	bool is_failing = s.marks != NULL && fails(p, ctx);

	while (is_failing && size > 0 && s.tries > 0) {
		bool any = pass(&s, size);

		if (!any || size > 1)
			size = size > p->count ? p->count / 2 : size / 2;
	}
	free(s.marks);
	return is_failing;
}
