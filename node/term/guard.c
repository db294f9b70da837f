/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guards of a match specification, evaluated with two stacks: what is still to do, and values.
 *
 *     {'>', '$1', 3}   to do: apply '>' | 3 | '$1'    values:        then     values: 3, 7 --> true
 *
 *  - Values are terms that borrow; computed numbers stand in a store of the evaluation.
 *  - andalso and orelse look at each argument before they ask for the next one.
 *
 * Failure: what cannot be computed makes the guard false; so does a guard beyond the limits.
 */
#include "node/term/guard.h"

#include <math.h>

#include "node/base/bytes.h"
#include "node/term/tag.h"

enum { TO_DO_MAX = 128, VALUES_MAX = 128, NUMBERS_MAX = 128, NUMBER_BYTES = 12, ARGS_MAX = 255 };

typedef struct evaluation evaluation;
/* `args` are as many as the function takes. False: badarg. */
typedef bool apply_fn(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value);

typedef struct guard_function {
	const char *name;
	uint8_t arity;
	apply_fn *apply;
	uint32_t what;
} guard_function;

/* What is still to do: a term to evaluate, or a function whose arguments are values by then. */
typedef struct to_do {
	fl_term term;
	const guard_function *function; /* not NULL: apply it */
	uint32_t next;                  /* not 0: andalso, orelse: the argument after this one */
} to_do;

struct evaluation {
	const fli_bindings *bindings;
	fl_term whole;
	to_do to_do[TO_DO_MAX];
	size_t to_do_count;
	fl_term values[VALUES_MAX];
	size_t values_count;
	uint8_t numbers[NUMBERS_MAX][NUMBER_BYTES];
	size_t numbers_count;
};

/* ---- values -----------------------------------------------------------------------------------
 */

static fl_term boolean(bool value)
{
	static const uint8_t yes[] = {FLI_SMALL_ATOM_UTF8_EXT, 4, 't', 'r', 'u', 'e'};
	static const uint8_t no[] = {FLI_SMALL_ATOM_UTF8_EXT, 5, 'f', 'a', 'l', 's', 'e'};

	return value ? (fl_term){.data = yes, .size = sizeof yes}
		     : (fl_term){.data = no, .size = sizeof no};
}

static uint8_t *number_room(evaluation *e)
{
	return e->numbers_count == NUMBERS_MAX ? NULL : e->numbers[e->numbers_count++];
}

static bool give_int(evaluation *e, int64_t value, fl_term *ret_value)
{
	uint8_t *out = number_room(e);
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	if (out == NULL)
		return false;
	if (value >= INT32_MIN && value <= INT32_MAX) {
		out[0] = FLI_INTEGER_EXT;
		fli_put32(out + 1, (uint32_t)value);
		*ret_value = (fl_term){.data = out, .size = 5};
		return true;
	}
	out[0] = FLI_SMALL_BIG_EXT;
	out[2] = value < 0;
	for (out[1] = 0; size != 0; size >>= 8)
		out[3 + out[1]++] = (uint8_t)size;
	*ret_value = (fl_term){.data = out, .size = 3U + out[1]};
	return true;
}

static bool give_float(evaluation *e, double value, fl_term *ret_value)
{
	uint8_t *out = isfinite(value) ? number_room(e) : NULL;
	uint64_t bits;

	if (out == NULL)
		return false;
	memcpy(&bits, &value, sizeof bits);
	out[0] = FLI_NEW_FLOAT_EXT;
	fli_put64(out + 1, bits);
	*ret_value = (fl_term){.data = out, .size = 9};
	return true;
}

/* ---- functions --------------------------------------------------------------------------------
 */

static bool is_boolean(fl_term term, bool *ret)
{
	return fl_term_kind(term) == FL_ATOM && fl_match(term, "~", ret);
}

/* is_*: `what` is a set of kinds. */
static bool is_kind(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	(void)e; /* computes no number */
	*ret_value = boolean((what & 1U << fl_term_kind(args[0])) != 0);
	return true;
}

static bool is_bool(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	bool value;

	(void)e;
	(void)what;
	*ret_value = boolean(is_boolean(args[0], &value));
	return true;
}

enum { LESS = 1, SAME = 2, MORE = 4, EXACTLY = 8 };

/* `what` is the set of outcomes that are true; with EXACTLY by `=:=`. */
static bool compare(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	int order;

	(void)e;
	if ((what & EXACTLY) != 0)
		order = fl_equal(args[0], args[1]) ? 0 : 1;
	else
		order = fl_compare(args[0], args[1]);
	*ret_value = boolean((what & (order < 0 ? LESS : order == 0 ? SAME : MORE)) != 0);
	return true;
}

enum { NOT, AND, OR, XOR };

static bool logic(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	bool a, b = false;

	(void)e;
	if (!is_boolean(args[0], &a) || (what != NOT && !is_boolean(args[1], &b)))
		return false;
	switch (what) {
	case NOT: *ret_value = boolean(!a); break;
	case AND: *ret_value = boolean(a && b); break;
	case OR: *ret_value = boolean(a || b); break;
	default: *ret_value = boolean(a != b); break;
	}
	return true;
}

enum { HEAD, TAIL, LENGTH, SIZE, BYTE_SIZE, MAP_SIZE, ABS, TRUNC, ROUND };

static bool list_length(evaluation *e, fl_term list, fl_term *ret_value)
{
	int64_t length = 0;
	fl_term element;

	while (fl_list_next(&list, &element))
		length++;
	return fl_term_kind(list) == FL_NIL && give_int(e, length, ret_value);
}

static bool size_of(evaluation *e, fl_term term, uint32_t what, fl_term *ret_value)
{
	fl_kind kind = fl_term_kind(term);
	fl_bin bin;

	if (kind == FL_BINARY && what != MAP_SIZE && fl_match(term, "~", &bin))
		return give_int(e, (int64_t)bin.size, ret_value);
	if ((kind == FL_TUPLE && what == SIZE) || (kind == FL_MAP && what == MAP_SIZE))
		return give_int(e, (int64_t)fl_term_arity(term), ret_value);
	return false;
}

static bool absolute(evaluation *e, fl_term term, fl_term *ret_value)
{
	int64_t i;
	double d;

	if (fl_match(term, "~", &i))
		return i != INT64_MIN && give_int(e, i < 0 ? -i : i, ret_value);
	return fl_term_kind(term) == FL_FLOAT && fl_match(term, "~", &d) &&
	       give_float(e, fabs(d), ret_value);
}

static bool to_integer(evaluation *e, fl_term term, uint32_t what, fl_term *ret_value)
{
	int64_t i;
	double d;

	if (fl_match(term, "~", &i)) {
		*ret_value = term;
		return true;
	}
	if (fl_term_kind(term) != FL_FLOAT || !fl_match(term, "~", &d))
		return false;
	if (d < -9.2e18 || d > 9.2e18)
		return false;
	i = (int64_t)d;
	if (what == ROUND && fabs(d - (double)i) >= 0.5)
		i += d < 0 ? -1 : 1;
	return give_int(e, i, ret_value);
}

static bool part(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	fl_term list = args[0], head;

	switch (what) {
	case HEAD: return fl_list_next(&list, ret_value);
	case TAIL:
		if (!fl_list_next(&list, &head))
			return false;
		*ret_value = list;
		return true;
	case LENGTH: return list_length(e, list, ret_value);
	case ABS: return absolute(e, args[0], ret_value);
	case TRUNC:
	case ROUND: return to_integer(e, args[0], what, ret_value);
	default: return size_of(e, args[0], what, ret_value);
	}
}

static bool element(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	uint32_t index;

	(void)e;
	(void)what;
	return fl_match(args[0], "~", &index) && index > 0 &&
	       fl_tuple_get(args[1], index - 1, ret_value);
}

enum { MAP_GET, IS_MAP_KEY };

static bool map_key(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	size_t cursor = 0;
	fl_term key;

	(void)e;
	if (fl_term_kind(args[1]) != FL_MAP)
		return false;
	while (fl_map_next(args[1], &cursor, &key, ret_value))
		if (fl_equal(key, args[0])) {
			if (what == IS_MAP_KEY)
				*ret_value = boolean(true);
			return true;
		}
	*ret_value = boolean(false);
	return what == IS_MAP_KEY;
}

enum { PLUS, MINUS, TIMES, DIVIDE, DIV, REM, BAND, BOR, BXOR };

static bool integers(int64_t a, int64_t b, uint32_t what, int64_t *ret)
{
	switch (what) {
	case PLUS: return !__builtin_add_overflow(a, b, ret);
	case MINUS: return !__builtin_sub_overflow(a, b, ret);
	case TIMES: return !__builtin_mul_overflow(a, b, ret);
	case BAND: *ret = a & b; return true;
	case BOR: *ret = a | b; return true;
	case BXOR: *ret = a ^ b; return true;
	default: break;
	}
	if (b == 0 || (a == INT64_MIN && b == -1))
		return false;
	*ret = what == DIV ? a / b : a % b;
	return true;
}

static bool number_of(fl_term term, double *ret)
{
	int64_t i;

	if (fl_match(term, "~", &i))
		*ret = (double)i;
	else if (fl_term_kind(term) != FL_FLOAT || !fl_match(term, "~", ret))
		return false;
	return true;
}

static bool arithmetic(evaluation *e, const fl_term *args, uint32_t what, fl_term *ret_value)
{
	int64_t a, b, c;
	double x, y;

	if (what != DIVIDE && fl_match(args[0], "~", &a) && fl_match(args[1], "~", &b))
		return integers(a, b, what, &c) && give_int(e, c, ret_value);
	if (what > DIVIDE || !number_of(args[0], &x) || !number_of(args[1], &y))
		return false;
	switch (what) {
	case PLUS: return give_float(e, x + y, ret_value);
	case MINUS: return give_float(e, x - y, ret_value);
	case TIMES: return give_float(e, x * y, ret_value);
	default: return y != 0 && give_float(e, x / y, ret_value);
	}
}

#define KIND(kind) (1U << (kind))
#define NUMBER (KIND(FL_INTEGER) | KIND(FL_FLOAT))
#define LIST (KIND(FL_LIST) | KIND(FL_NIL))

static const guard_function functions[] = {
	{"is_atom", 1, is_kind, KIND(FL_ATOM)},
	{"is_float", 1, is_kind, KIND(FL_FLOAT)},
	{"is_integer", 1, is_kind, KIND(FL_INTEGER)},
	{"is_list", 1, is_kind, LIST},
	{"is_number", 1, is_kind, NUMBER},
	{"is_pid", 1, is_kind, KIND(FL_PID)},
	{"is_port", 1, is_kind, KIND(FL_PORT)},
	{"is_reference", 1, is_kind, KIND(FL_REF)},
	{"is_tuple", 1, is_kind, KIND(FL_TUPLE)},
	{"is_map", 1, is_kind, KIND(FL_MAP)},
	{"is_binary", 1, is_kind, KIND(FL_BINARY)},
	{"is_function", 1, is_kind, KIND(FL_FUN)},
	{"is_boolean", 1, is_bool, 0},
	{"is_map_key", 2, map_key, IS_MAP_KEY},
	{"map_get", 2, map_key, MAP_GET},
	{"not", 1, logic, NOT},
	{"and", 2, logic, AND},
	{"or", 2, logic, OR},
	{"xor", 2, logic, XOR},
	{"<", 2, compare, LESS},
	{"=<", 2, compare, LESS | SAME},
	{">", 2, compare, MORE},
	{">=", 2, compare, MORE | SAME},
	{"==", 2, compare, SAME},
	{"/=", 2, compare, LESS | MORE},
	{"=:=", 2, compare, SAME | EXACTLY},
	{"=/=", 2, compare, MORE | EXACTLY},
	{"element", 2, element, 0},
	{"hd", 1, part, HEAD},
	{"tl", 1, part, TAIL},
	{"length", 1, part, LENGTH},
	{"size", 1, part, SIZE},
	{"byte_size", 1, part, BYTE_SIZE},
	{"map_size", 1, part, MAP_SIZE},
	{"abs", 1, part, ABS},
	{"trunc", 1, part, TRUNC},
	{"round", 1, part, ROUND},
	{"+", 2, arithmetic, PLUS},
	{"-", 2, arithmetic, MINUS},
	{"*", 2, arithmetic, TIMES},
	{"/", 2, arithmetic, DIVIDE},
	{"div", 2, arithmetic, DIV},
	{"rem", 2, arithmetic, REM},
	{"band", 2, arithmetic, BAND},
	{"bor", 2, arithmetic, BOR},
	{"bxor", 2, arithmetic, BXOR},
};

static const guard_function *find_function(fl_atom name, size_t arity)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (functions[i].arity == arity && fl_atom_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

typedef enum shape { SHAPE_VALUE, SHAPE_CALL, SHAPE_CHAIN, SHAPE_NONE } shape;

/* What a guard's term is; *ret_value is what a value stands for. */
static shape shape_of(fl_term term, fl_atom *ret_name, fl_term *ret_value)
{
	size_t arity = fl_term_arity(term);
	fl_term head;

	*ret_value = term;
	if (fl_term_kind(term) != FL_TUPLE)
		return SHAPE_VALUE;
	if (arity == 0 || !fl_tuple_get(term, 0, &head))
		return SHAPE_NONE;
	if (arity == 1 && fl_term_kind(head) == FL_TUPLE) {
		*ret_value = head;
		return SHAPE_VALUE;
	}
	if (!fl_match(head, "~", ret_name))
		return SHAPE_NONE;
	if (arity == 2 && fl_atom_is(*ret_name, "const"))
		return fl_tuple_get(term, 1, ret_value) ? SHAPE_VALUE : SHAPE_NONE;
	if (arity >= 2 && (fl_atom_is(*ret_name, "andalso") || fl_atom_is(*ret_name, "orelse")))
		return SHAPE_CHAIN;
	return find_function(*ret_name, arity - 1) != NULL ? SHAPE_CALL : SHAPE_NONE;
}

/* One guard and all that is in it. */
static bool check_one(fl_term guard)
{
	fl_term stack[TO_DO_MAX], at, value;
	size_t depth = 1;
	fl_atom name;

	stack[0] = guard;
	while (depth > 0) {
		shape is = shape_of(stack[--depth], &name, &value);
		size_t arity;

		at = stack[depth];
		if (is == SHAPE_NONE)
			return false;
		arity = is == SHAPE_VALUE ? 0 : fl_term_arity(at);
		if (depth + arity > TO_DO_MAX)
			return false;
		for (size_t i = 1; i < arity; i++)
			if (!fl_tuple_get(at, i, &stack[depth++]))
				return false;
	}
	return true;
}

bool fli_guards_check(fl_term guards)
{
	fl_term guard;

	while (fl_list_next(&guards, &guard))
		if (!check_one(guard))
			return false;
	return fl_term_kind(guards) == FL_NIL;
}

/* ---- evaluating -------------------------------------------------------------------------------
 */

static bool push_to_do(evaluation *e, to_do what)
{
	if (e->to_do_count == TO_DO_MAX)
		return false;
	e->to_do[e->to_do_count++] = what;
	return true;
}

static bool push_value(evaluation *e, fl_term value)
{
	if (e->values_count == VALUES_MAX)
		return false;
	e->values[e->values_count++] = value;
	return true;
}

static bool take_value(evaluation *e, fl_term term)
{
	const fl_term *bound;
	uint32_t number;

	if (fl_term_kind(term) != FL_ATOM)
		return push_value(e, term);
	if (fl_match(term, "'$_'"))
		return push_value(e, e->whole);
	if (!fli_bind_variable(term, &number))
		return push_value(e, term);
	bound = fli_binding_of(e->bindings, number);
	return bound != NULL && push_value(e, *bound);
}

/* The arguments are to do before the function; the last one pushed is the first one done. */
static bool begin_call(evaluation *e, fl_term term, fl_atom name)
{
	size_t arity = fl_term_arity(term);
	fl_term argument;

	if (!push_to_do(e, (to_do){.function = find_function(name, arity - 1)}))
		return false;
	for (size_t i = arity - 1; i > 0; i--)
		if (!fl_tuple_get(term, i, &argument) || !push_to_do(e, (to_do){.term = argument}))
			return false;
	return true;
}

static bool ask_next(evaluation *e, fl_term chain, uint32_t index)
{
	fl_term argument;

	return push_to_do(e, (to_do){.term = chain, .next = index + 1}) &&
	       fl_tuple_get(chain, index, &argument) && push_to_do(e, (to_do){.term = argument});
}

/* An argument of andalso or orelse has come: it decides, or the next one is asked. */
static bool go_on(evaluation *e, const to_do *at)
{
	fl_term value = e->values[--e->values_count], head;
	fl_atom name;
	bool is_true;

	if (at->next == fl_term_arity(at->term))
		return push_value(e, value);
	if (!fl_tuple_get(at->term, 0, &head) || !fl_match(head, "~", &name) ||
		!is_boolean(value, &is_true))
		return false;
	if (is_true == fl_atom_is(name, "orelse"))
		return push_value(e, value);
	return ask_next(e, at->term, at->next);
}

static bool step(evaluation *e)
{
	to_do at = e->to_do[--e->to_do_count];
	fl_term value;
	fl_atom name;

	if (at.next != 0)
		return go_on(e, &at);
	if (at.function != NULL) {
		e->values_count -= at.function->arity;
		return at.function->apply(
			       e, &e->values[e->values_count], at.function->what, &value) &&
		       push_value(e, value);
	}
	switch (shape_of(at.term, &name, &value)) {
	case SHAPE_VALUE:
		return value.data == at.term.data ? take_value(e, value) : push_value(e, value);
	case SHAPE_CALL: return begin_call(e, at.term, name);
	case SHAPE_CHAIN: return ask_next(e, at.term, 1);
	case SHAPE_NONE: break;
	}
	return false;
}

static bool holds(evaluation *e, fl_term guard)
{
	bool value;

	e->to_do_count = e->values_count = e->numbers_count = 0;
	if (!push_to_do(e, (to_do){.term = guard}))
		return false;
	while (e->to_do_count > 0)
		if (!step(e))
			return false;
	return e->values_count == 1 && is_boolean(e->values[0], &value) && value;
}

bool fli_guards_hold(fl_term guards, const fli_bindings *bindings, fl_term whole)
{
	evaluation e;
	fl_term guard;

	e.bindings = bindings;
	e.whole = whole;
	while (fl_list_next(&guards, &guard))
		if (!holds(&e, guard))
			return false;
	return true;
}
