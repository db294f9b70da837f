/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a clause: compiled into nodes in the order of reading, matched with a stack of the
 * terms that are still to be looked at. Neither takes more steps than there are nodes.
 *
 * A map fits one that has these keys, if their values match; keys hold no variables.
 */
#include <stdlib.h>
#include <string.h>

#include "node/mspec.h"
#include "node/table_row.h"
#include "node/term/item.h"
#include "node/term/walk.h"

bool fli_mspec_var(fl_term term, uint32_t *ret_number)
{
	uint32_t number = 0;
	fl_atom atom;

	if (!fl_match(term, "~", &atom) || atom.size < 2 || atom.size > 9 || atom.text[0] != '$')
		return false;
	for (size_t i = 1; i < atom.size; i++) {
		if (atom.text[i] < '0' || atom.text[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(atom.text[i] - '0');
	}
	*ret_number = number;
	return true;
}

bool fli_mclause_place(const fli_mclause *clause, uint32_t number, uint32_t *ret_place)
{
	for (uint32_t i = 0; i < clause->vars; i++)
		if (clause->numbers[i] == number) {
			*ret_place = i;
			return true;
		}
	return false;
}

/* ---- compiling ------------------------------------------------------------------------------- */

static bool has_variable(fl_term term)
{
	uint64_t left = 1;
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	for (;;) {
		uint32_t number;
		fl_term atom = {.data = item.start, .size = (size_t)(c.at - item.start)};

		if (item.kind == FL_INVALID)
			return false;
		if (item.kind == FL_ATOM &&
			(fl_atom_is(item.as.atom, "_") || fli_mspec_var(atom, &number)))
			return true;
		left += item.children - 1;
		if (left == 0)
			return false;
		fli_item_read(&c, &item);
	}
}

typedef struct todo {
	fl_term *terms;
	uint32_t count, limit;
} todo;

static bool push(todo *t, fl_term term)
{
	if (t->count == t->limit)
		return false;
	t->terms[t->count++] = term;
	return true;
}

/* Stacks hold the elements of a tuple so that the first one is on top. */
static void turn_round(fl_term *terms, uint32_t count)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		fl_term swap = terms[i];

		terms[i] = terms[count - 1 - i];
		terms[count - 1 - i] = swap;
	}
}

static bool push_tuple(todo *t, fl_term tuple, uint32_t arity)
{
	if (arity > t->limit - t->count || !fli_tuple_split(tuple, arity, t->terms + t->count))
		return false;
	turn_round(t->terms + t->count, arity);
	t->count += arity;
	return true;
}

/* The values of a map, the last first, so that they come off the stack in their order. */
static int push_map(todo *t, fl_term map, uint32_t pairs)
{
	fl_term key, value;
	size_t cursor = 0;
	uint32_t at = t->count + pairs;

	if (at > t->limit)
		return FL_ELIMIT;
	t->count = at;
	while (fl_map_next(map, &cursor, &key, &value)) {
		if (has_variable(key))
			return FL_EINVAL;
		t->terms[--at] = value;
	}
	return FL_OK;
}

static int compile_var(fli_mclause *clause, uint32_t number, fli_mnode *node)
{
	node->kind = FLI_M_AGAIN;
	if (fli_mclause_place(clause, number, &node->count))
		return FL_OK;
	if (clause->vars == FLI_MSPEC_VARS_MAX)
		return FL_ELIMIT;
	node->kind = FLI_M_VAR;
	node->count = clause->vars;
	clause->numbers[clause->vars++] = number;
	return FL_OK;
}

static int compile_one(fli_mclause *clause, fl_term term, todo *t, fli_mnode *node)
{
	size_t arity = fl_term_arity(term);
	fl_term head;
	fl_atom atom;
	uint32_t number;

	*node = (fli_mnode){.kind = FLI_M_CONST, .term = term};
	switch (fl_term_kind(term)) {
	case FL_ATOM:
		if (fl_match(term, "~", &atom) && fl_atom_is(atom, "_"))
			node->kind = FLI_M_ANY;
		else if (fli_mspec_var(term, &number))
			return compile_var(clause, number, node);
		return FL_OK;
	case FL_TUPLE:
		if (arity > FLI_MSPEC_NODES_MAX)
			return FL_ELIMIT;
		node->kind = FLI_M_TUPLE;
		node->count = (uint32_t)arity;
		return push_tuple(t, term, node->count) ? FL_OK : FL_ELIMIT;
	case FL_LIST:
		node->kind = FLI_M_CONS;
		(void)fl_list_next(&term, &head);
		return push(t, term) && push(t, head) ? FL_OK : FL_ELIMIT;
	case FL_MAP:
		if (arity > FLI_MSPEC_NODES_MAX)
			return FL_ELIMIT;
		node->kind = FLI_M_MAP;
		node->count = (uint32_t)arity;
		return push_map(t, term, node->count);
	default: return FL_OK;
	}
}

int fli_mspec_head(fli_mspec *spec, fli_mclause *clause)
{
	todo t = {
		.terms = fli_alloc(spec->mem, spec->limit * sizeof(fl_term)), .limit = spec->limit};
	int rc = FL_OK;

	if (t.terms == NULL)
		return FL_ENOMEM;
	clause->node = spec->nodes_count;
	(void)push(&t, clause->head);
	while (t.count > 0 && rc == FL_OK) {
		if (spec->nodes_count == spec->limit) {
			rc = FL_ELIMIT;
			break;
		}
		rc = compile_one(clause, t.terms[--t.count], &t, &spec->nodes[spec->nodes_count++]);
	}
	clause->nodes = spec->nodes_count - clause->node;
	fli_free(spec->mem, t.terms);
	return rc;
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool find_value(fl_term map, fl_term key, fl_term *ret_value)
{
	size_t cursor = 0;
	fl_term found;

	while (fl_map_next(map, &cursor, &found, ret_value))
		if (fli_same_term(found, key))
			return true;
	return false;
}

static bool match_map(const fli_mnode *node, fl_term subject, fl_term *stack, uint32_t *count)
{
	fl_term key, value;
	size_t cursor = 0;
	uint32_t at = *count + node->count;

	if (fl_term_kind(subject) != FL_MAP)
		return false;
	*count = at;
	while (fl_map_next(node->term, &cursor, &key, &value))
		if (!find_value(subject, key, &stack[--at]))
			return false;
	return true;
}

static bool match_tuple(const fli_mnode *node, fl_term subject, fl_term *stack, uint32_t *count)
{
	if (!fli_tuple_split(subject, node->count, stack + *count))
		return false;
	turn_round(stack + *count, node->count);
	*count += node->count;
	return true;
}

static bool match_node(fli_mrun *run, const fli_mnode *node, fl_term subject, uint32_t *count)
{
	fl_term head;

	switch (node->kind) {
	case FLI_M_ANY: return true;
	case FLI_M_VAR: run->vars[node->count] = subject; return true;
	case FLI_M_AGAIN: return fli_same_term(run->vars[node->count], subject);
	case FLI_M_CONST: return fli_same_term(node->term, subject);
	case FLI_M_TUPLE: return match_tuple(node, subject, run->stack, count);
	case FLI_M_CONS:
		if (!fl_list_next(&subject, &head))
			return false;
		run->stack[(*count)++] = subject;
		run->stack[(*count)++] = head;
		return true;
	default: return match_map(node, subject, run->stack, count);
	}
}

static bool may_match(fli_mrun *run, const fli_mnode *node, fl_term subject)
{
	switch (node->kind) {
	case FLI_M_ANY:
	case FLI_M_VAR: return fli_mrun_step(run, 0);
	case FLI_M_MAP:
		return fli_mrun_step(run, (node->count + 1) * subject.size); /* for each key */
	case FLI_M_CONST: return fli_mrun_step(run, node->term.size);
	default: return fli_mrun_step(run, subject.size);
	}
}

bool fli_mspec_match(fli_mrun *run, const fli_mclause *clause)
{
	const fli_mnode *node = &run->spec->nodes[clause->node];
	uint32_t count = 1;

	run->stack[0] = run->object;
	for (uint32_t i = 0; i < clause->nodes; i++, node++) {
		fl_term subject = run->stack[--count];

		if (!may_match(run, node, subject) || !match_node(run, node, subject, &count))
			return false;
	}
	return true;
}
