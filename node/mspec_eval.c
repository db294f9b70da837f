/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A specification run on an object: clause by clause, head, guards, body.
 *
 * - Values on the stack are views: of the object, of the specification, or of buffers that were
 *   built on the way and live until the next object.
 * - What fails in a guard makes the guard false; what fails in a body is 'EXIT' in its place.
 */
#include "node/mspec.h"

#include <string.h>

int fli_mrun_create(fli_mrun *run, const fli_mspec *spec)
{
	uint32_t room = spec->nodes_count > spec->ops_count ? spec->nodes_count : spec->ops_count;

	run->spec = spec;
	run->values = NULL;
	run->built = 0;
	run->steps = FLI_MSPEC_STEPS_MAX;
	run->error = FL_OK;
	run->stack = fli_alloc(spec->mem, (room + 2) * sizeof *run->stack);
	return run->stack == NULL ? FL_ENOMEM : FL_OK;
}

static void forget_values(fli_mrun *run)
{
	while (run->values != NULL) {
		fli_mvalue *next = run->values->next;

		fl_buf_free(&run->values->buf);
		fli_free(run->spec->mem, run->values);
		run->values = next;
	}
}

void fli_mrun_destroy(fli_mrun *run)
{
	forget_values(run);
	fli_free(run->spec->mem, run->stack);
}

fl_buf *fli_mrun_buf(fli_mrun *run)
{
	fli_mvalue *value = fli_alloc(run->spec->mem, sizeof *value);

	if (value == NULL) {
		run->error = FL_ENOMEM;
		return NULL;
	}
	value->buf = (fl_buf)FL_BUF_INIT;
	value->next = run->values;
	run->values = value;
	return &value->buf;
}

/* ---- building -------------------------------------------------------------------------------- */

/* A body may name an object thousands of times. */
static bool may_build(fli_mrun *run, size_t bytes)
{
	run->built += bytes;
	if (run->built > FLI_MSPEC_BUILT_MAX)
		run->error = FL_ELIMIT;
	return run->error == FL_OK;
}

static bool may_build_all(fli_mrun *run, const fl_term *terms, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!may_build(run, terms[i].size))
			return false;
	return true;
}

/* Of the stack: what lies from `args` on, one term made of it. */
static bool build(fli_mrun *run, const fli_mop *op, const fl_term *args, fl_term *ret_value)
{
	uint32_t count = op->kind == FLI_OP_TUPLE ? op->count : 2 * op->count;
	fl_buf *buf = may_build_all(run, args, count) ? fli_mrun_buf(run) : NULL;

	if (buf == NULL)
		return false;
	if (op->kind == FLI_OP_TUPLE) {
		fl_tuple_open(buf);
		for (uint32_t i = 0; i < op->count; i++)
			(void)fl_build(buf, "~", args[i]);
		fl_tuple_close(buf);
	} else {
		fl_map_open(buf);
		for (uint32_t i = 0; i < 2 * op->count; i++)
			(void)fl_build(buf, "~", args[i]);
		fl_map_close(buf);
	}
	if (buf->error != FL_OK) {
		run->error = buf->error;
		return false;
	}
	*ret_value = fl_buf_term(buf);
	return true;
}

/* From the last element on, each in front of what there is. */
static bool build_list(fli_mrun *run, const fli_mop *op, const fl_term *args, fl_term *ret_value)
{
	fl_buf *buf = may_build_all(run, args, op->count) ? fli_mrun_buf(run) : NULL;
	fl_term tail = args[op->count];

	if (buf == NULL)
		return false;
	if (fl_term_kind(tail) == FL_NIL) {
		fl_list_open(buf);
		for (uint32_t i = 0; i < op->count; i++)
			(void)fl_build(buf, "~", args[i]);
		fl_list_close(buf);
		tail = fl_buf_term(buf);
	} else {
		for (uint32_t i = op->count; i-- > 0 && buf != NULL;) {
			buf = i == op->count - 1 ? buf : fli_mrun_buf(run);
			if (!may_build(run, tail.size))
				return false; /* each step copies what there is */
			if (buf != NULL && fl_build(buf, "[~ | ~]", args[i], tail) == FL_OK)
				tail = fl_buf_term(buf);
			else
				buf = NULL;
		}
	}
	*ret_value = tail; /* in the place of the first argument */
	if (buf == NULL || buf->error != FL_OK)
		run->error = buf == NULL ? FL_ENOMEM : buf->error;
	return run->error == FL_OK;
}

/* '$$': the variables in the order of their numbers. */
static bool build_all(fli_mrun *run, const fli_mclause *clause, fl_term *ret_value)
{
	fl_buf *buf = may_build_all(run, run->vars, clause->vars) ? fli_mrun_buf(run) : NULL;
	uint32_t least = 0, place = 0;

	if (buf == NULL)
		return false;
	fl_list_open(buf);
	for (uint32_t i = 0; i < clause->vars; i++) {
		uint32_t best = UINT32_MAX;

		for (uint32_t j = 0; j < clause->vars; j++)
			if (clause->numbers[j] >= least && clause->numbers[j] < best) {
				best = clause->numbers[j];
				place = j;
			}
		(void)fl_build(buf, "~", run->vars[place]);
		least = best + 1;
	}
	fl_list_close(buf);
	run->error = buf->error;
	*ret_value = fl_buf_term(buf);
	return run->error == FL_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static bool is_bool(fl_term value, bool *ret_value)
{
	return fl_match(value, "~", ret_value);
}

/* How many values the instruction takes, all of which it replaces by one. */
static uint32_t takes(const fli_mop *op)
{
	switch (op->kind) {
	case FLI_OP_TUPLE:
	case FLI_OP_CALL: return op->count;
	case FLI_OP_LIST: return op->count + 1;
	case FLI_OP_MAP: return 2 * op->count;
	default: return 0;
	}
}

static bool may_call(fli_mrun *run, const fli_mop *op, const fl_term *args)
{
	for (uint32_t i = 0; i < op->count; i++)
		if (!fli_mrun_step(run, args[i].size))
			return false;
	return true;
}

static bool produce(fli_mrun *run, const fli_mclause *clause, const fli_mop *op,
	const fl_term *args, fl_term *ret)
{
	switch (op->kind) {
	case FLI_OP_CONST: *ret = op->term; return true;
	case FLI_OP_VAR: *ret = run->vars[op->count]; return true;
	case FLI_OP_OBJECT: *ret = run->object; return true;
	case FLI_OP_ALL: return build_all(run, clause, ret);
	case FLI_OP_CALL: return may_call(run, op, args) && op->call->run(run, op->call, args, ret);
	case FLI_OP_LIST: return build_list(run, op, args, ret);
	default: return build(run, op, args, ret);
	}
}

typedef enum verdict { GOES_ON, NO_MATCH, FAILED, DONE } verdict;

/* Instructions that only look at the top of the stack. */
static verdict control(const fli_mop *op, fl_term *stack, uint32_t *count, uint32_t *ret_next)
{
	fl_term top = stack[*count - 1];
	bool value = false;
	bool is = is_bool(top, &value);

	switch (op->kind) {
	case FLI_OP_GUARD: (*count)--; return is && value ? GOES_ON : NO_MATCH;
	case FLI_OP_DROP: (*count)--; return GOES_ON;
	case FLI_OP_BOOLEAN: return is ? GOES_ON : FAILED;
	case FLI_OP_RESULT: return DONE;
	default: break;
	}
	if (!is)
		return FAILED;
	if (value == (op->kind == FLI_OP_OR))
		*ret_next = op->count;
	else
		(*count)--;
	return GOES_ON;
}

static bool is_control(const fli_mop *op)
{
	return op->kind >= FLI_OP_AND;
}

/* Guards end with GUARD; behind the last one is the body. */
static bool is_in_body(const fli_mop *op, const fli_mop *end)
{
	for (; op < end; op++)
		if (op->kind == FLI_OP_GUARD)
			return false;
	return true;
}

/* The instructions of a clause whose head fits. */
static verdict execute(fli_mrun *run, const fli_mclause *clause)
{
	const fli_mop *ops = run->spec->ops;
	uint32_t count = 0, next = clause->op, end = clause->op + clause->ops;
	verdict said = GOES_ON;

	while (said == GOES_ON && next < end) {
		const fli_mop *op = &ops[next++];

		if (!fli_mrun_step(run, 0))
			return FAILED;
		if (is_control(op)) {
			said = control(op, run->stack, &count, &next);
		} else {
			count -= takes(op);
			said = produce(run, clause, op, run->stack + count, &run->stack[count])
				       ? GOES_ON
				       : FAILED;
			count++;
		}
		if (FLI_LIKELY(said != FAILED))
			continue;
		if (run->error != FL_OK || !is_in_body(ops + next, ops + end))
			return FAILED;
		run->stack[count - 1] = fli_mspec_exit(); /* in its place, and on */
		if (op->kind == FLI_OP_AND || op->kind == FLI_OP_OR)
			next = op->count;
		said = GOES_ON;
	}
	return said;
}

bool fli_mspec_run(fli_mrun *run, fl_term object, fl_term *ret_result)
{
	forget_values(run);
	run->built = 0;
	run->object = object;
	for (uint32_t i = 0; i < run->spec->clauses_count; i++) {
		const fli_mclause *clause = &run->spec->clauses[i];
		verdict said;

		if (!fli_mspec_match(run, clause)) {
			if (run->error != FL_OK)
				return false;
			continue;
		}
		said = execute(run, clause);
		if (run->error != FL_OK)
			return false;
		if (said != DONE)
			continue;
		*ret_result = run->stack[0];
		return true;
	}
	return false;
}
