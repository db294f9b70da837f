/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of match specifications: one table, each with its arity.
 *
 * Departs from OTP: integers beyond 127 bits are an error of the whole selection (system_limit),
 * not a bignum.
 */
#include <math.h>
#include <string.h>

#include "node/mspec.h"
#include "node/term/item.h"
#include "node/term/tag.h"
#include "node/wide.h"

fl_term fli_mspec_bool(bool value)
{
	static const uint8_t yes[] = {FLI_SMALL_ATOM_UTF8_EXT, 4, 't', 'r', 'u', 'e'};
	static const uint8_t no[] = {FLI_SMALL_ATOM_UTF8_EXT, 5, 'f', 'a', 'l', 's', 'e'};

	return value ? (fl_term){.data = yes, .size = sizeof yes}
		     : (fl_term){.data = no, .size = sizeof no};
}

fl_term fli_mspec_exit(void)
{
	static const uint8_t text[] = {FLI_SMALL_ATOM_UTF8_EXT, 4, 'E', 'X', 'I', 'T'};

	return (fl_term){.data = text, .size = sizeof text};
}

/* ---- type tests ------------------------------------------------------------------------------ */

enum { IS_LIST = 100, IS_NUMBER, IS_BOOLEAN, IS_BITS };

static bool test_type(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_kind kind = fl_term_kind(args[0]);
	bool value;

	(void)run; /* nothing is built */
	if (call->which == IS_LIST)
		*ret = fli_mspec_bool(kind == FL_LIST || kind == FL_NIL);
	else if (call->which == IS_NUMBER)
		*ret = fli_mspec_bool(kind == FL_INTEGER || kind == FL_FLOAT);
	else if (call->which == IS_BITS)
		*ret = fli_mspec_bool(kind == FL_BINARY || kind == FL_BITSTRING);
	else if (call->which == IS_BOOLEAN)
		*ret = fli_mspec_bool(fl_match(args[0], "~", &value));
	else
		*ret = fli_mspec_bool((int)kind == call->which);
	return true;
}

/* is_function(Term, Arity) */
static bool test_function(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	uint32_t arity;
	fli_cursor c;
	fli_item item;

	(void)run;
	(void)call;
	if (!fl_match(args[1], "~", &arity))
		return false;
	fli_item_of_term(args[0], &c, &item);
	*ret = fli_mspec_bool(item.kind == FL_FUN && item.as.fun.arity == arity);
	return true;
}

/* is_record(Term, Tag, Size) */
static bool test_record(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_term tag;
	uint32_t size;

	(void)run;
	(void)call;
	if (fl_term_kind(args[1]) != FL_ATOM || !fl_match(args[2], "~", &size))
		return false;
	*ret = fli_mspec_bool(fl_term_kind(args[0]) == FL_TUPLE && fl_term_arity(args[0]) == size &&
			      fl_tuple_get(args[0], 0, &tag) && fl_equal(tag, args[1]));
	return true;
}

/* ---- comparisons and booleans ---------------------------------------------------------------- */

enum { LESS, MORE, LESS_EQUAL, MORE_EQUAL, EQUAL, UNEQUAL, SAME, OTHER };

static bool compare(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	int order = call->which < SAME ? fl_compare(args[0], args[1]) : !fl_equal(args[0], args[1]);
	bool is = false;

	(void)run;
	switch (call->which) {
	case LESS: is = order < 0; break;
	case MORE: is = order > 0; break;
	case LESS_EQUAL: is = order <= 0; break;
	case MORE_EQUAL: is = order >= 0; break;
	case EQUAL:
	case SAME: is = order == 0; break;
	default: is = order != 0; break;
	}
	*ret = fli_mspec_bool(is);
	return true;
}

static bool boolean(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	bool a, b;

	(void)run;
	if (!fl_match(args[0], "~", &a))
		return false;
	if (call->which == '!') {
		*ret = fli_mspec_bool(!a);
		return true;
	}
	if (!fl_match(args[1], "~", &b))
		return false;
	*ret = fli_mspec_bool(call->which == '&' ? a && b : call->which == '|' ? a || b : a != b);
	return true;
}

static bool pick(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	int order = fl_compare(args[0], args[1]);

	(void)run;
	*ret = (call->which == '<' ? order <= 0 : order >= 0) ? args[0] : args[1];
	return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

typedef struct number {
	bool is_float;
	fli_wide whole;
	double real;
} number;

static bool read_number(fli_mrun *run, fl_term term, number *ret)
{
	*ret = (number){0};
	if (fli_wide_read(term, &ret->whole)) {
		ret->real = (double)ret->whole;
		return true;
	}
	if (fl_term_kind(term) == FL_INTEGER)
		run->error = FL_ELIMIT;
	else
		ret->is_float = fl_match(term, "~", &ret->real);
	return ret->is_float;
}

static bool give_whole(fli_mrun *run, fli_wide value, fl_term *ret)
{
	fl_buf *buf = fli_mrun_buf(run);

	if (buf == NULL)
		return false;
	run->error = fli_wide_write(buf, value);
	*ret = fl_buf_term(buf);
	return run->error == FL_OK;
}

static bool give_real(fli_mrun *run, double value, fl_term *ret)
{
	fl_buf *buf;

	if (!isfinite(value) || (buf = fli_mrun_buf(run)) == NULL)
		return false;
	run->error = fl_build(buf, "~", value);
	*ret = fl_buf_term(buf);
	return run->error == FL_OK;
}

static bool too_wide(fli_mrun *run)
{
	run->error = FL_ELIMIT;
	return false;
}

static bool whole_sum(fli_mrun *run, int which, fli_wide a, fli_wide b, fl_term *ret)
{
	bool is_over = which == '+'   ? __builtin_add_overflow(a, b, &a)
		       : which == '-' ? __builtin_sub_overflow(a, b, &a)
				      : __builtin_mul_overflow(a, b, &a);

	return is_over ? too_wide(run) : give_whole(run, a, ret);
}

static bool arithmetic(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	number a, b;

	if (!read_number(run, args[0], &a) || !read_number(run, args[1], &b))
		return false;
	if (call->which == '/')
		return b.real != 0 && give_real(run, a.real / b.real, ret);
	if (!a.is_float && !b.is_float)
		return whole_sum(run, call->which, a.whole, b.whole, ret);
	return give_real(run,
		call->which == '+'   ? a.real + b.real
		: call->which == '-' ? a.real - b.real
				     : a.real * b.real,
		ret);
}

static bool shift(fli_mrun *run, fli_wide value, fli_wide by, fl_term *ret)
{
	fli_wide shifted;

	if (by <= -127)
		return give_whole(run, value < 0 ? -1 : 0, ret);
	if (by <= 0)
		return give_whole(run, value >> -by, ret);
	if (value == 0)
		return give_whole(run, 0, ret);
	if (by > 120 || __builtin_mul_overflow(value, (fli_wide)1 << by, &shifted))
		return too_wide(run);
	return give_whole(run, shifted, ret);
}

static bool whole_arithmetic(
	fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	number a, b;

	if (!read_number(run, args[0], &a) || !read_number(run, args[1], &b) || a.is_float ||
		b.is_float)
		return false;
	switch (call->which) {
	case 'd': return b.whole != 0 && give_whole(run, a.whole / b.whole, ret);
	case 'r': return b.whole != 0 && give_whole(run, a.whole % b.whole, ret);
	case '&': return give_whole(run, a.whole & b.whole, ret);
	case '|': return give_whole(run, a.whole | b.whole, ret);
	case '^': return give_whole(run, a.whole ^ b.whole, ret);
	case '<': return shift(run, a.whole, b.whole, ret);
	default: return shift(run, a.whole, -b.whole, ret);
	}
}

static bool round_real(fli_mrun *run, double value, fl_term *ret)
{
	return fabs(value) < 0x1p126 ? give_whole(run, (fli_wide)value, ret) : too_wide(run);
}

static bool one_number(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	number a;

	if (!read_number(run, args[0], &a))
		return false;
	switch (call->which) {
	case '+': *ret = args[0]; return true;
	case '-': return a.is_float ? give_real(run, -a.real, ret) : give_whole(run, -a.whole, ret);
	case 'a':
		if (a.is_float)
			return give_real(run, fabs(a.real), ret);
		return give_whole(run, a.whole < 0 ? -a.whole : a.whole, ret);
	case '~': return !a.is_float && give_whole(run, ~a.whole, ret);
	case 'f': return give_real(run, a.real, ret);
	default: break;
	}
	if (!a.is_float) {
		*ret = args[0];
		return true;
	}
	switch (call->which) {
	case 'r': return round_real(run, round(a.real), ret);
	case 't': return round_real(run, trunc(a.real), ret);
	case 'c': return round_real(run, ceil(a.real), ret);
	default: return round_real(run, floor(a.real), ret);
	}
}

/* ---- parts and sizes ------------------------------------------------------------------------- */

static bool element(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	uint32_t pos;

	(void)run;
	(void)call;
	return fl_match(args[0], "~", &pos) && pos > 0 && fl_tuple_get(args[1], pos - 1, ret);
}

static bool list_part(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_term list = args[0], head;

	(void)run;
	if (!fl_list_next(&list, &head))
		return false;
	*ret = call->which == 'h' ? head : list;
	return true;
}

static bool list_length(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_term list = args[0], head;
	fli_wide count = 0;

	(void)call;
	while (fl_list_next(&list, &head))
		count++;
	return fl_term_kind(list) == FL_NIL && give_whole(run, count, ret);
}

static bool bits_size(fl_term term, int which, fli_wide *ret_size)
{
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	if (item.kind != FL_BINARY && item.kind != FL_BITSTRING)
		return false;
	*ret_size = (fli_wide)item.as.bits.size;
	if (which == 'b')
		*ret_size =
			*ret_size * 8 - (item.as.bits.size == 0 ? 0 : 8 - item.as.bits.last_bits);
	else if (which == 's' && item.kind == FL_BITSTRING)
		*ret_size -= 1; /* size/1 rounds down, byte_size/1 up */
	return true;
}

static bool size_of(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_kind kind = fl_term_kind(args[0]);
	fli_wide size = (fli_wide)fl_term_arity(args[0]);
	bool fits;

	if (call->which == 'm')
		fits = kind == FL_MAP;
	else if (call->which == 't' || (call->which == 's' && kind == FL_TUPLE))
		fits = kind == FL_TUPLE;
	else
		fits = bits_size(args[0], call->which, &size);
	return fits && give_whole(run, size, ret);
}

static bool map_part(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_term key, value;
	size_t cursor = 0;
	bool is_there = false;

	(void)run;
	if (fl_term_kind(args[1]) != FL_MAP)
		return false;
	while (!is_there && fl_map_next(args[1], &cursor, &key, &value))
		is_there = fl_equal(key, args[0]);
	*ret = call->which == 'g' ? value : fli_mspec_bool(is_there);
	return is_there || call->which != 'g';
}

/* node(Pid | Ref | Port) */
static bool node_of(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret)
{
	fl_buf *buf;
	fli_cursor c;
	fli_item item;
	fl_atom node;

	(void)call;
	fli_item_of_term(args[0], &c, &item);
	switch (item.kind) {
	case FL_PID: node = item.as.pid.node; break;
	case FL_REF: node = item.as.ref.node; break;
	case FL_PORT: node = item.as.port.node; break;
	default: return false;
	}
	buf = fli_mrun_buf(run);
	if (buf == NULL)
		return false;
	run->error = fl_build(buf, "~", node);
	*ret = fl_buf_term(buf);
	return run->error == FL_OK;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const fli_mcall calls[] = {
	{"is_atom", 1, test_type, FL_ATOM},
	{"is_float", 1, test_type, FL_FLOAT},
	{"is_integer", 1, test_type, FL_INTEGER},
	{"is_list", 1, test_type, IS_LIST},
	{"is_number", 1, test_type, IS_NUMBER},
	{"is_pid", 1, test_type, FL_PID},
	{"is_port", 1, test_type, FL_PORT},
	{"is_reference", 1, test_type, FL_REF},
	{"is_tuple", 1, test_type, FL_TUPLE},
	{"is_map", 1, test_type, FL_MAP},
	{"is_binary", 1, test_type, FL_BINARY},
	{"is_function", 1, test_type, FL_FUN},
	{"is_function", 2, test_function, 0},
	{"is_bitstring", 1, test_type, IS_BITS},
	{"is_boolean", 1, test_type, IS_BOOLEAN},
	{"is_record", 3, test_record, 0},
	{"<", 2, compare, LESS},
	{">", 2, compare, MORE},
	{"=<", 2, compare, LESS_EQUAL},
	{">=", 2, compare, MORE_EQUAL},
	{"==", 2, compare, EQUAL},
	{"/=", 2, compare, UNEQUAL},
	{"=:=", 2, compare, SAME},
	{"=/=", 2, compare, OTHER},
	{"and", 2, boolean, '&'},
	{"or", 2, boolean, '|'},
	{"xor", 2, boolean, '^'},
	{"not", 1, boolean, '!'},
	{"min", 2, pick, '<'},
	{"max", 2, pick, '>'},
	{"+", 2, arithmetic, '+'},
	{"-", 2, arithmetic, '-'},
	{"*", 2, arithmetic, '*'},
	{"/", 2, arithmetic, '/'},
	{"div", 2, whole_arithmetic, 'd'},
	{"rem", 2, whole_arithmetic, 'r'},
	{"band", 2, whole_arithmetic, '&'},
	{"bor", 2, whole_arithmetic, '|'},
	{"bxor", 2, whole_arithmetic, '^'},
	{"bsl", 2, whole_arithmetic, '<'},
	{"bsr", 2, whole_arithmetic, '>'},
	{"+", 1, one_number, '+'},
	{"-", 1, one_number, '-'},
	{"bnot", 1, one_number, '~'},
	{"abs", 1, one_number, 'a'},
	{"float", 1, one_number, 'f'},
	{"round", 1, one_number, 'r'},
	{"trunc", 1, one_number, 't'},
	{"ceil", 1, one_number, 'c'},
	{"floor", 1, one_number, 'o'},
	{"element", 2, element, 0},
	{"hd", 1, list_part, 'h'},
	{"tl", 1, list_part, 't'},
	{"length", 1, list_length, 0},
	{"size", 1, size_of, 's'},
	{"tuple_size", 1, size_of, 't'},
	{"map_size", 1, size_of, 'm'},
	{"byte_size", 1, size_of, 'y'},
	{"bit_size", 1, size_of, 'b'},
	{"map_get", 2, map_part, 'g'},
	{"is_map_key", 2, map_part, 'k'},
	{"node", 1, node_of, 0},
};

const fli_mcall *fli_mcall_find(fl_atom name, uint32_t arity)
{
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (calls[i].arity == arity && fl_atom_is(name, calls[i].name))
			return &calls[i];
	return NULL;
}
