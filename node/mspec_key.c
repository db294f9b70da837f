/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a specification says of keys: the one that objects must have, and whether the body gives an
 * object of the same key.
 */
#include "node/mspec.h"
#include "node/table_row.h"

/* ---- the key of all that matches ------------------------------------------------------------- */

/* Only constants from this node on, as far as the term there goes. */
static bool is_constant(const fli_mspec *spec, uint32_t node)
{
	uint64_t left = 1;

	for (; left > 0; left--, node++) {
		const fli_mnode *n = &spec->nodes[node];

		if (n->kind == FLI_M_CONS)
			left += 2;
		else if (n->kind == FLI_M_TUPLE ||
			 n->kind == FLI_M_MAP) /* keys of a map are constants */
			left += n->count;
		else if (n->kind != FLI_M_CONST)
			return false;
	}
	return true;
}

/* How many nodes the term at this node takes. */
static uint32_t node_span(const fli_mspec *spec, uint32_t node)
{
	uint32_t start = node;

	for (uint64_t left = 1; left > 0; left--, node++) {
		const fli_mnode *n = &spec->nodes[node];

		if (n->kind == FLI_M_CONS)
			left += 2;
		else if (n->kind == FLI_M_TUPLE || n->kind == FLI_M_MAP)
			left += n->count;
	}
	return node - start;
}

bool fli_mspec_key(const fli_mspec *spec, uint32_t keypos, fl_term *ret_key)
{
	const fli_mclause *clause = &spec->clauses[0];
	uint32_t node = clause->node + 1;

	if (spec->clauses_count != 1 || spec->nodes[clause->node].kind != FLI_M_TUPLE ||
		!fl_tuple_get(clause->head, keypos - 1, ret_key))
		return false;
	for (uint32_t i = 1; i < keypos; i++)
		node += node_span(spec, node);
	return is_constant(spec, node);
}

/* ---- a key that stays ------------------------------------------------------------------------ */

enum { PAIRS_MAX = 64 };

/* A part of the head's key, and what the body has there. */
typedef struct pair {
	fl_term head, body;
	bool is_const; /* inside {const, ...} */
} pair;

typedef struct pairs {
	pair at[PAIRS_MAX];
	uint32_t count;
} pairs;

static bool push(pairs *p, fl_term head, fl_term body, bool is_const)
{
	if (p->count == PAIRS_MAX)
		return false;
	p->at[p->count++] = (pair){head, body, is_const};
	return true;
}

static bool same_atom(const pair *at)
{
	uint32_t number;

	return fli_same_term(at->head, at->body) && !fl_match(at->body, "'_'") &&
	       !fl_match(at->body, "'$_'") && !fl_match(at->body, "'$$'") &&
	       !(at->is_const && fli_mspec_var(at->body, &number));
}

static bool push_elements(pairs *p, fl_term head, fl_term body, bool is_const)
{
	size_t arity = fl_term_arity(body);
	fl_term a, b;

	if (fl_term_kind(head) != FL_TUPLE || fl_term_kind(body) != FL_TUPLE ||
		fl_term_arity(head) != arity || arity > PAIRS_MAX)
		return false;
	for (uint32_t i = 0; i < arity; i++)
		if (!fl_tuple_get(head, i, &a) || !fl_tuple_get(body, i, &b) ||
			!push(p, a, b, is_const))
			return false;
	return true;
}

/* In a body a tuple is {{...}}, and {const, X} is X. */
static bool same_tuple(pairs *p, const pair *at)
{
	fl_term inner;

	if (at->is_const)
		return push_elements(p, at->head, at->body, true);
	if (fl_match(at->body, "{const, ~}", &inner))
		return push(p, at->head, inner, true);
	return fl_match(at->body, "{~}", &inner) && push_elements(p, at->head, inner, false);
}

static bool same_list(pairs *p, const pair *at)
{
	fl_term head = at->head, body = at->body, a, b;

	return fl_list_next(&head, &a) && fl_list_next(&body, &b) &&
	       push(p, head, body, at->is_const) && push(p, a, b, at->is_const);
}

/* The body's term is what the head's matched, whatever that was. */
static bool is_same(fl_term head, fl_term body, bool is_const)
{
	pairs p = {.count = 0};
	bool is = push(&p, head, body, is_const);

	while (is && p.count > 0) {
		pair at = p.at[--p.count];

		switch (fl_term_kind(at.body)) {
		case FL_ATOM: is = same_atom(&at); break;
		case FL_TUPLE: is = same_tuple(&p, &at); break;
		case FL_LIST: is = same_list(&p, &at); break;
		case FL_MAP: is = false; break; /* one in a head matches larger ones */
		default: is = fli_same_term(at.head, at.body);
		}
	}
	return is;
}

static bool clause_keeps(fl_term clause, uint32_t keypos)
{
	fl_term head, guards, body, object, head_key, key;
	uint32_t pos;
	bool is_const;

	if (!fl_match(clause, "{~, ~, [~]}", &head, &guards, &body))
		return false;
	if (fl_match(body, "'$_'"))
		return true;
	is_const = fl_match(body, "{const, ~}", &object);
	if ((!is_const && !fl_match(body, "{~}", &object)) || fl_term_kind(head) != FL_TUPLE ||
		fl_term_kind(object) != FL_TUPLE || !fl_tuple_get(head, keypos - 1, &head_key) ||
		!fl_tuple_get(object, keypos - 1, &key))
		return false;
	if (!is_const && fl_match(key, "{element, ~, '$_'}", &pos) && pos == keypos)
		return true;
	return is_same(head_key, key, is_const);
}

bool fli_mspec_keeps_key(fl_term spec, uint32_t keypos)
{
	fl_term clause;

	while (fl_list_next(&spec, &clause))
		if (!clause_keeps(clause, keypos))
			return false;
	return true;
}
