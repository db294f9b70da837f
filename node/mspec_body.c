/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guards and bodies, compiled into instructions for a stack.
 *
 * A list of things to do takes the place of recursion: an expression is taken off it and puts on
 * what must come after its parts, then its parts. `andalso` and `orelse` jump; the place to jump to
 * is known when their last part has been done.
 */
#include <string.h>

#include "node/mspec.h"
#include "node/term/walk.h"

typedef enum todo_kind { DO_TERM, DO_OP, DO_PATCH } todo_kind;

typedef struct todo {
	todo_kind kind;
	fl_term term;
	fli_mop op;     /* of DO_OP */
	uint32_t patch; /* DO_PATCH: jumps of this kind from that instruction on come here */
} todo;

typedef struct compiler {
	fli_mspec *spec;
	const fli_mclause *clause;
	todo *todos;
	uint32_t count;
	int error;
} compiler;

static void fail(compiler *c, int error)
{
	if (c->error == FL_OK)
		c->error = error;
}

static void push(compiler *c, todo t)
{
	if (c->count == c->spec->limit)
		fail(c, FL_ELIMIT);
	else
		c->todos[c->count++] = t;
}

static void push_term(compiler *c, fl_term term)
{
	push(c, (todo){.kind = DO_TERM, .term = term});
}

static void push_op(compiler *c, fli_mop_kind kind, uint32_t count)
{
	push(c, (todo){.kind = DO_OP, .op = {.kind = kind, .count = count}});
}

static void emit(compiler *c, fli_mop op)
{
	if (c->spec->ops_count == c->spec->limit)
		fail(c, FL_ELIMIT);
	else
		c->spec->ops[c->spec->ops_count++] = op;
}

/* What was pushed from there on is done in the order in which it was pushed. */
static void turn_round(compiler *c, uint32_t start)
{
	if (c->error != FL_OK)
		return;
	for (uint32_t i = start, j = c->count; i + 1 < j; i++) {
		todo swap = c->todos[i];

		c->todos[i] = c->todos[--j];
		c->todos[j] = swap;
	}
}

/* The elements from `first` on, so that they are done in order. */
static void push_elements(compiler *c, fl_term tuple, size_t first)
{
	fl_term left = fli_tuple_elements(tuple), element;
	uint32_t start = c->count;

	for (size_t i = 0; c->error == FL_OK && fli_tuple_next(&left, &element); i++)
		if (i >= first)
			push_term(c, element);
	turn_round(c, start);
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void compile_atom(compiler *c, fl_term term)
{
	uint32_t number, place;
	fl_atom atom;

	if (fli_mspec_var(term, &number)) {
		if (fli_mclause_place(c->clause, number, &place))
			emit(c, (fli_mop){.kind = FLI_OP_VAR, .count = place});
		else
			fail(c, FL_EINVAL);
		return;
	}
	(void)fl_match(term, "~", &atom);
	if (fl_atom_is(atom, "$_"))
		emit(c, (fli_mop){.kind = FLI_OP_OBJECT});
	else if (fl_atom_is(atom, "$$"))
		emit(c, (fli_mop){.kind = FLI_OP_ALL});
	else
		emit(c, (fli_mop){.kind = FLI_OP_CONST, .term = term});
}

static void compile_list(compiler *c, fl_term list)
{
	uint32_t start, count = 0;
	fl_term element;

	start = c->count + 1;
	push_op(c, FLI_OP_LIST, 0);
	while (c->error == FL_OK && fl_list_next(&list, &element)) {
		push_term(c, element);
		count++;
	}
	push_term(c, list);
	if (c->error != FL_OK)
		return;
	c->todos[start - 1].op.count = count;
	turn_round(c, start);
}

static void compile_map(compiler *c, fl_term map)
{
	fl_term key, value;
	size_t cursor = 0;

	push_op(c, FLI_OP_MAP, (uint32_t)fl_term_arity(map));
	while (c->error == FL_OK && fl_map_next(map, &cursor, &key, &value)) {
		push_term(c, value);
		push_term(c, key);
	}
}

/* {andalso, A, B, ...}: A, jump, B, jump, ..., must be boolean; all jumps go behind that. */
static void compile_short(compiler *c, fl_term tuple, fli_mop_kind kind)
{
	fl_term left = fli_tuple_elements(tuple), element;
	size_t arity = fl_term_arity(tuple);
	uint32_t start;

	if (arity < 2) {
		fail(c, FL_EINVAL);
		return;
	}
	push(c, (todo){.kind = DO_PATCH, .patch = c->spec->ops_count, .op = {.kind = kind}});
	push_op(c, FLI_OP_BOOLEAN, 0);
	start = c->count;
	(void)fli_tuple_next(&left, &element); /* its name */
	while (c->error == FL_OK && fli_tuple_next(&left, &element)) {
		if (c->count > start)
			push_op(c, kind, 0);
		push_term(c, element);
	}
	turn_round(c, start);
}

/* {'and', A, B, C}: all are done, then taken together two by two. */
static void compile_all(compiler *c, fl_term tuple, fl_atom name)
{
	const fli_mcall *call = fli_mcall_find(name, 2);
	size_t arity = fl_term_arity(tuple);

	if (arity < 2 || call == NULL) {
		fail(c, FL_EINVAL);
		return;
	}
	push_op(c, FLI_OP_BOOLEAN, 0);
	for (size_t i = 2; i < arity && c->error == FL_OK; i++)
		push(c, (todo){.kind = DO_OP,
				.op = {.kind = FLI_OP_CALL, .count = 2, .call = call}});
	push_elements(c, tuple, 1);
}

static void compile_call(compiler *c, fl_term tuple, fl_atom name)
{
	uint32_t arity = (uint32_t)fl_term_arity(tuple) - 1;
	const fli_mcall *call;
	fl_term constant;

	if (fl_match(tuple, "{const, ~}", &constant)) {
		emit(c, (fli_mop){.kind = FLI_OP_CONST, .term = constant});
	} else if (fl_atom_is(name, "andalso")) {
		compile_short(c, tuple, FLI_OP_AND);
	} else if (fl_atom_is(name, "orelse")) {
		compile_short(c, tuple, FLI_OP_OR);
	} else if (fl_atom_is(name, "and") || fl_atom_is(name, "or")) {
		compile_all(c, tuple, name);
	} else if ((call = fli_mcall_find(name, arity)) != NULL) {
		push(c, (todo){.kind = DO_OP,
				.op = {.kind = FLI_OP_CALL, .count = arity, .call = call}});
		push_elements(c, tuple, 1);
	} else {
		fail(c, FL_EINVAL);
	}
}

static void compile_tuple(compiler *c, fl_term tuple)
{
	size_t arity = fl_term_arity(tuple);
	fl_term first;
	fl_atom name;

	if (arity == 0 || !fl_tuple_get(tuple, 0, &first)) {
		fail(c, FL_EINVAL);
		return;
	}
	if (arity == 1 && fl_term_kind(first) == FL_TUPLE) {
		push_op(c, FLI_OP_TUPLE, (uint32_t)fl_term_arity(first));
		push_elements(c, first, 0);
	} else if (fl_match(first, "~", &name)) {
		compile_call(c, tuple, name);
	} else {
		fail(c, FL_EINVAL);
	}
}

static void compile_term(compiler *c, fl_term term)
{
	switch (fl_term_kind(term)) {
	case FL_ATOM: compile_atom(c, term); break;
	case FL_TUPLE: compile_tuple(c, term); break;
	case FL_LIST: compile_list(c, term); break;
	case FL_MAP: compile_map(c, term); break;
	default: emit(c, (fli_mop){.kind = FLI_OP_CONST, .term = term}); break;
	}
}

static void patch(compiler *c, const todo *t)
{
	for (uint32_t i = t->patch; i < c->spec->ops_count; i++) {
		fli_mop *op = &c->spec->ops[i];

		if (op->kind == t->op.kind && op->count == 0)
			op->count = c->spec->ops_count;
	}
}

static void compile_expression(compiler *c, fl_term term)
{
	push_term(c, term);
	while (c->count > 0 && c->error == FL_OK) {
		todo t = c->todos[--c->count];

		if (t.kind == DO_TERM)
			compile_term(c, t.term);
		else if (t.kind == DO_OP)
			emit(c, t.op);
		else
			patch(c, &t);
	}
}

/* ---- a clause -------------------------------------------------------------------------------- */

static void compile_guards(compiler *c, fl_term guards)
{
	fl_term guard;

	while (c->error == FL_OK && fl_list_next(&guards, &guard)) {
		compile_expression(c, guard);
		emit(c, (fli_mop){.kind = FLI_OP_GUARD});
	}
	if (fl_term_kind(guards) != FL_NIL)
		fail(c, FL_EINVAL);
}

static void compile_actions(compiler *c, fl_term body)
{
	uint32_t count = 0;
	fl_term action;

	for (; c->error == FL_OK && fl_list_next(&body, &action); count++) {
		if (count > 0)
			emit(c, (fli_mop){.kind = FLI_OP_DROP});
		compile_expression(c, action);
	}
	if (fl_term_kind(body) != FL_NIL || count == 0)
		fail(c, FL_EINVAL);
	emit(c, (fli_mop){.kind = FLI_OP_RESULT});
}

int fli_mspec_body(fli_mspec *spec, fli_mclause *clause, fl_term guards, fl_term body)
{
	compiler c = {.spec = spec, .clause = clause};

	c.todos = fli_alloc(spec->mem, spec->limit * sizeof *c.todos);
	if (c.todos == NULL)
		return FL_ENOMEM;
	clause->op = spec->ops_count;
	compile_guards(&c, guards);
	compile_actions(&c, body);
	clause->ops = spec->ops_count - clause->op;
	fli_free(spec->mem, c.todos);
	return c.error;
}
