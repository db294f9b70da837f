/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of the same kind, kind by kind; what OTP 27 does was read off a running 27:
 *
 * - Integers and floats compare as the numbers that they stand for, without rounding. Where 1 and
 *   1.0 must differ (keys of maps, =:=), integers come before floats and -0.0 before 0.0.
 * - Pids: serial, id, node name, creation. Ports: node name, creation, id. References: node name,
 *   creation, then the words as one number, the last word its highest digit.
 * - Closures: module, index, old uniq, how many free variables, then these; before external ones,
 *   which go by module, function, arity. =:= sees the 16 bytes of uniq and the arity as well.
 * - Bit strings compare as text of bits: a prefix is less.
 */
#include "node/term/compare_leaf.h"

#include <math.h>

#define UNIQ_SIZE 16
/* Up to here each integer has a double of its own. */
#define DOUBLE_INTEGER_MAX (UINT64_C(1) << 53)

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
	size_t size = a_size < b_size ? a_size : b_size;
	int order = size == 0 ? 0 : memcmp(a, b, size);

	return order != 0 ? order : ORDER(a_size, b_size);
}

/* UTF-8 sorts as the code points that it encodes. */
static int compare_atoms(fl_atom a, fl_atom b)
{
	return compare_bytes(a.text, a.size, b.text, b.size);
}

static int compare_magnitudes(const fli_integer *a, const fli_integer *b)
{
	if (!a->is_big && !b->is_big)
		return ORDER(a->magnitude, b->magnitude);
	if (!a->is_big || !b->is_big)
		return a->is_big ? 1 : -1;
	if (a->size != b->size)
		return ORDER(a->size, b->size);
	for (size_t i = a->size; i > 0; i--)
		if (a->digits[i - 1] != b->digits[i - 1])
			return ORDER(a->digits[i - 1], b->digits[i - 1]);
	return 0;
}

static int compare_integers(const fli_integer *a, const fli_integer *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* A double of 2^53 or more as an integer: its 53 bits and how far they are shifted, as bytes. */
static fli_integer integer_of(double real, uint8_t digits[static 136])
{
	int exponent;
	uint64_t bits = (uint64_t)ldexp(frexp(fabs(real), &exponent), 53);
	size_t shift = (size_t)exponent - 53, size = ((size_t)exponent + 7) / 8;

	if (exponent <= 64)
		return (fli_integer){.negative = real < 0, .magnitude = bits << shift};
	memset(digits, 0, size);
	for (size_t i = 0; i < 53; i++)
		if ((bits >> i & 1) != 0)
			digits[(i + shift) / 8] |= (uint8_t)(1u << (i + shift) % 8);
	return (fli_integer){.negative = real < 0, .is_big = true, .digits = digits, .size = size};
}

static int compare_integer_float(const fli_integer *a, double b)
{
	uint8_t digits[136]; /* 1024 bits, the greatest exponent, and some */
	fli_integer whole;

	if (!a->is_big && a->magnitude <= DOUBLE_INTEGER_MAX) {
		double real = a->negative ? -(double)a->magnitude : (double)a->magnitude;

		return ORDER(real, b);
	}
	if (fabs(b) < (double)DOUBLE_INTEGER_MAX)
		return a->negative ? -1 : 1;
	whole = integer_of(b, digits);
	return compare_integers(a, &whole);
}

static int compare_floats(double a, double b, fli_mode mode)
{
	if (a == b && mode != FLI_COMPARE_VALUE)
		return (signbit(b) != 0) - (signbit(a) != 0);
	return ORDER(a, b);
}

static int compare_numbers(const fli_item *a, const fli_item *b, fli_mode mode)
{
	if (a->kind == FL_INTEGER && b->kind == FL_INTEGER)
		return compare_integers(&a->as.integer, &b->as.integer);
	if (a->kind == b->kind)
		return compare_floats(a->as.real, b->as.real, mode);
	if (mode != FLI_COMPARE_VALUE)
		return a->kind == FL_INTEGER ? -1 : 1;
	if (a->kind == FL_INTEGER)
		return compare_integer_float(&a->as.integer, b->as.real);
	return -compare_integer_float(&b->as.integer, a->as.real);
}

static int compare_nodes(fl_atom a, uint32_t a_creation, fl_atom b, uint32_t b_creation)
{
	int order = compare_atoms(a, b);

	return order != 0 ? order : ORDER(a_creation, b_creation);
}

static int compare_pids(const fl_pid *a, const fl_pid *b)
{
	if (a->serial != b->serial)
		return ORDER(a->serial, b->serial);
	if (a->id != b->id)
		return ORDER(a->id, b->id);
	return compare_nodes(a->node, a->creation, b->node, b->creation);
}

static int compare_ports(const fl_port *a, const fl_port *b)
{
	int order = compare_nodes(a->node, a->creation, b->node, b->creation);

	return order != 0 ? order : ORDER(a->id, b->id);
}

static int compare_refs(const fl_ref *a, const fl_ref *b)
{
	int order = compare_nodes(a->node, a->creation, b->node, b->creation);

	for (uint32_t i = 5; order == 0 && i > 0; i--) {
		uint32_t a_word = i <= a->count ? a->words[i - 1] : 0;
		uint32_t b_word = i <= b->count ? b->words[i - 1] : 0;

		order = ORDER(a_word, b_word);
	}
	return order;
}

static int compare_externals(const fli_fun *a, const fli_fun *b)
{
	int order = compare_atoms(a->module, b->module);

	if (order == 0)
		order = compare_atoms(a->function, b->function);
	return order != 0 ? order : ORDER(a->arity, b->arity);
}

static int compare_funs(const fli_item *a, const fli_item *b, fli_mode mode)
{
	const fli_fun *f = &a->as.fun, *g = &b->as.fun;
	int order;

	if ((f->function.text == NULL) != (g->function.text == NULL))
		return f->function.text == NULL ? -1 : 1;
	if (f->function.text != NULL)
		return compare_externals(f, g);
	order = compare_atoms(f->module, g->module);
	if (order == 0)
		order = ORDER((int32_t)f->index, (int32_t)g->index);
	if (order == 0)
		order = ORDER(f->old_uniq, g->old_uniq);
	if (order == 0)
		order = ORDER(a->children, b->children);
	if (order == 0 && mode == FLI_COMPARE_EQUAL)
		order = f->arity != g->arity ? 1 : memcmp(f->uniq, g->uniq, UNIQ_SIZE);
	return order;
}

static int compare_bits(const fli_bits *a, const fli_bits *b)
{
	size_t a_whole = a->last_bits == 8 ? a->size : a->size - 1;
	size_t b_whole = b->last_bits == 8 ? b->size : b->size - 1;
	size_t whole = a_whole < b_whole ? a_whole : b_whole;
	int order = whole == 0 ? 0 : memcmp(a->data, b->data, whole);
	unsigned bits, a_bits, b_bits;

	if (order != 0)
		return order;
	a_bits = a->size == whole ? 0 : a_whole > whole ? 8 : a->last_bits;
	b_bits = b->size == whole ? 0 : b_whole > whole ? 8 : b->last_bits;
	bits = a_bits < b_bits ? a_bits : b_bits;
	if (bits > 0)
		order = (a->data[whole] >> (8 - bits)) - (b->data[whole] >> (8 - bits));
	if (order == 0)
		order = ORDER(a->size, b->size);
	return order != 0 ? order : ORDER(a_bits, b_bits);
}

static int compare_records(const fli_item *a, const fli_item *b)
{
	int order = compare_atoms(a->as.record.module, b->as.record.module);

	if (order == 0)
		order = compare_atoms(a->as.record.name, b->as.record.name);
	return order != 0 ? order : ORDER(a->children, b->children);
}

static int rank_of(fl_kind kind)
{
	static const int ranks[] = {
		[FL_INTEGER] = 0,
		[FL_FLOAT] = 0,
		[FL_ATOM] = 1,
		[FL_REF] = 2,
		[FL_FUN] = 3,
		[FL_PORT] = 4,
		[FL_PID] = 5,
		[FL_TUPLE] = 6,
		[FL_RECORD] = 7,
		[FL_MAP] = 8,
		[FL_NIL] = 9,
		[FL_LIST] = 10,
		[FL_BINARY] = 11,
		[FL_BITSTRING] = 11,
		[FL_INVALID] = 12,
	};

	return ranks[kind];
}

int fli_compare_heads(const fli_item *a, const fli_item *b, fli_mode mode)
{
	if (rank_of(a->kind) != rank_of(b->kind))
		return ORDER(rank_of(a->kind), rank_of(b->kind));
	switch (a->kind) {
	case FL_INTEGER:
	case FL_FLOAT: return compare_numbers(a, b, mode);
	case FL_ATOM: return compare_atoms(a->as.atom, b->as.atom);
	case FL_REF: return compare_refs(&a->as.ref, &b->as.ref);
	case FL_FUN: return compare_funs(a, b, mode);
	case FL_PORT: return compare_ports(&a->as.port, &b->as.port);
	case FL_PID: return compare_pids(&a->as.pid, &b->as.pid);
	case FL_TUPLE:
	case FL_MAP: return ORDER(a->children, b->children);
	case FL_RECORD: return compare_records(a, b);
	case FL_BINARY:
	case FL_BITSTRING: return compare_bits(&a->as.bits, &b->as.bits);
	case FL_NIL:
	case FL_LIST:
	case FL_INVALID: break;
	}
	return 0;
}
