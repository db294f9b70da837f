/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unification of recorded and modelled terms. What was bound on the way of a try that fails is
 * unbound again, so that tries cost nothing.
 */
#include "tests/sim/otp_unify.h"

#include <stdlib.h>
#include <string.h>

#define LARGE (INT64_C(1) << 40)
#define LIST_MAX 64

struct
try {
	otp_bindings *b;
	bool is_free;
};

static bool bind(otp_bindings *b, otp_term recorded, otp_term model)
{
	for (unsigned i = 0; i < b->count; i++) {
		bool is_recorded = otp_equal(b->items[i].recorded, recorded);
		bool is_model = otp_equal(b->items[i].model, model);

		if (is_recorded || is_model)
			return is_recorded && is_model;
	}
	if (b->count == b->room) {
		b->room = 2 * b->room + 16;
		b->items = realloc(b->items, b->room * sizeof *b->items);
		if (b->items == NULL)
			abort();
	}
	b->items[b->count++] = (otp_binding){otp_keep(recorded), otp_keep(model)};
	return true;
}

void otp_unbind(otp_bindings *b, unsigned count)
{
	while (b->count > count) {
		b->count--;
		otp_drop(&b->items[b->count].recorded);
		otp_drop(&b->items[b->count].model);
	}
}

static bool is_players(const otp_bindings *b, otp_term identifier)
{
	otp_atom node;

	return otp_node_of(identifier, &node) && strcmp(node.text, b->player) == 0;
}

static bool is_identifier(otp_term term, bool is_free)
{
	int64_t number;

	if (term.data[0] == 110 || term.data[0] == 111)
		return true;
	return otp_get_int64(term, &number) && (is_free || number > LARGE || number < -LARGE);
}

/* The last word count: references of one kind have the same length everywhere. */
static bool has_same_shape(otp_term a, otp_term b)
{
	return a.data[0] == b.data[0] &&
	       (!otp_is_ref(a) || otp_get_int(a.data + 1, 2) == otp_get_int(b.data + 1, 2));
}

static bool unify(struct try *t, otp_term r, otp_term m);

static bool unify_tuple(struct try *t, otp_term r, otp_term m)
{
	for (unsigned i = 0; i < otp_arity(r); i++)
		if (!unify(t, otp_element(r, i), otp_element(m, i)))
			return false;
	return true;
}

/* Each item of the one finds one of the other that was not taken yet; and so do the tails. */
static bool unify_list(struct try *t, otp_term r, otp_term m)
{
	otp_term items[LIST_MAX], item;
	bool is_taken[LIST_MAX] = {false};
	unsigned count = 0, i;

	if (otp_length(r) != otp_length(m) || otp_length(r) > LIST_MAX)
		return false;
	while (otp_next(&m, &item))
		items[count++] = item;
	while (otp_next(&r, &item)) {
		for (i = 0; i < count; i++) {
			unsigned bound = t->b->count;

			if (!is_taken[i] && unify(t, item, items[i]))
				break;
			otp_unbind(t->b, bound);
		}
		if (i == count)
			return false;
		is_taken[i] = true;
	}
	return unify(t, r, m);
}

static bool unify(struct try *t, otp_term r, otp_term m)
{
	if (r.data == NULL || m.data == NULL)
		return r.data == m.data;
	if ((otp_is_pid(r) || otp_is_ref(r)) && is_players(t->b, r))
		return has_same_shape(r, m) && is_players(t->b, m) && bind(t->b, r, m);
	if (is_identifier(r, t->is_free))
		return is_identifier(m, t->is_free) && bind(t->b, r, m);
	if (otp_arity(r) > 0)
		return otp_arity(m) == otp_arity(r) && unify_tuple(t, r, m);
	if (r.data[0] == 108)
		return m.data[0] == 108 && unify_list(t, r, m);
	if (r.data[0] == 116)
		return m.data[0] == 116;
	if (r.data[0] == 112)
		return m.data[0] == 112 && (otp_equal(r, m) || bind(t->b, r, m));
	return otp_equal(r, m);
}

bool otp_unify(otp_bindings *b, otp_term recorded, otp_term model, bool is_free)
{
	struct try t = {b, is_free};
	unsigned count = b->count;

	if (unify(&t, recorded, model))
		return true;
	otp_unbind(b, count);
	return false;
}

static const otp_binding *find(const otp_bindings *b, otp_term recorded)
{
	for (unsigned i = 0; i < b->count; i++)
		if (otp_equal(b->items[i].recorded, recorded))
			return &b->items[i];
	return NULL;
}

void otp_translate(const otp_bindings *b, otp_term recorded, otp_buf *out)
{
	const otp_binding *bound = find(b, recorded);
	const uint8_t *p = recorded.data, *end = p + recorded.size;
	size_t head = p[0] == 104 ? 2 : p[0] == 105 || p[0] == 108 || p[0] == 116 ? 5 : 0;

	if (bound != NULL) {
		otp_buf_add(out, bound->model.data, bound->model.size);
	} else if (head == 0) {
		otp_buf_add(out, p, recorded.size);
	} else {
		otp_buf_add(out, p, head);
		for (p += head; p < end; p += otp_span(p))
			otp_translate(b, (otp_term){p, otp_span(p)}, out);
	}
}

void otp_bindings_free(otp_bindings *b)
{
	otp_unbind(b, 0);
	free(b->items);
	b->items = NULL;
	b->room = 0;
}
