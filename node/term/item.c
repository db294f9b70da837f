/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding heads, one tag at a time (erl_ext_dist).
 *
 * - Each reader takes the cursor behind the tag and fills its part of the item.
 * - Counts are checked against the bytes that remain: each child takes at least one.
 * - LIST_EXT with no elements is nothing but its tail, so the loop goes on to read that.
 *
 * Anything truncated, unknown or out of bounds is FL_INVALID; terms that passed fli_walk never are.
 */
#include "node/term/item.h"

#include <math.h>

#include "node/term/peek.h"
#include "node/term/tag.h"

#define UNIQ_SIZE 16

static void set_integer(fli_item *item, bool negative, uint64_t magnitude)
{
	item->kind = FL_INTEGER;
	item->as.integer = (fli_integer){.negative = negative, .magnitude = magnitude};
}

static void read_small(fli_cursor *c, uint8_t tag, fli_item *item)
{
	uint8_t byte;
	uint32_t word;

	if (tag == FLI_SMALL_INTEGER_EXT) {
		if (fli_take8(c, &byte))
			set_integer(item, false, byte);
	} else if (fli_take32(c, &word)) {
		bool negative = word >> 31 != 0;

		set_integer(item, negative, negative ? (UINT64_C(1) << 32) - word : word);
	}
}

static void read_big(fli_cursor *c, uint8_t tag, fli_item *item)
{
	uint8_t sign, small_size;
	uint32_t size;
	uint64_t magnitude = 0;
	const uint8_t *digits;

	if (tag == FLI_SMALL_BIG_EXT) {
		if (!fli_take8(c, &small_size))
			return;
		size = small_size;
	} else if (!fli_take32(c, &size)) {
		return;
	}
	if (!fli_take8(c, &sign) || !fli_take(c, size, &digits))
		return;
	while (size > 0 && digits[size - 1] == 0)
		size--;
	if (size > sizeof magnitude) {
		item->kind = FL_INTEGER;
		item->as.integer = (fli_integer){
			.negative = sign != 0, .is_big = true, .digits = digits, .size = size};
		return;
	}
	for (uint32_t i = size; i > 0; i--)
		magnitude = magnitude << 8 | digits[i - 1];
	set_integer(item, sign != 0 && magnitude != 0, magnitude);
}

static void read_float(fli_cursor *c, fli_item *item)
{
	uint64_t bits;

	if (!fli_take64(c, &bits))
		return;
	memcpy(&item->as.real, &bits, sizeof bits);
	if (isfinite(item->as.real))
		item->kind = FL_FLOAT;
}

/* Strings of bytes, binaries, bit strings: all are a length and that many bytes. */
static void read_bytes(fli_cursor *c, uint8_t tag, fli_item *item)
{
	uint32_t size;
	uint16_t short_size;
	uint8_t last_bits = 8;
	fli_bits *bits = &item->as.bits;

	if (tag == FLI_STRING_EXT) {
		if (!fli_take16(c, &short_size))
			return;
		size = short_size;
	} else if (!fli_take32(c, &size)) {
		return;
	}
	if (tag == FLI_BIT_BINARY_EXT &&
		(!fli_take8(c, &last_bits) || last_bits == 0 || last_bits > 8 || size == 0))
		return;
	if (!fli_take(c, size, &bits->data))
		return;
	bits->size = size;
	bits->last_bits = last_bits;
	item->kind = last_bits == 8 ? FL_BINARY : FL_BITSTRING;
	if (tag == FLI_STRING_EXT) {
		item->kind = size == 0 ? FL_NIL : FL_LIST;
		item->is_string = size != 0;
	}
}

static void set_children(const fli_cursor *c, fl_kind kind, uint64_t children, fli_item *item)
{
	if (children > fli_left(c))
		return;
	item->kind = kind;
	item->children = children;
}

static void read_container(fli_cursor *c, uint8_t tag, fli_item *item)
{
	uint32_t count;
	uint8_t small_count;

	if (tag == FLI_SMALL_TUPLE_EXT) {
		if (fli_take8(c, &small_count))
			set_children(c, FL_TUPLE, small_count, item);
		return;
	}
	if (!fli_take32(c, &count))
		return;
	if (tag == FLI_LARGE_TUPLE_EXT)
		set_children(c, FL_TUPLE, count, item);
	if (tag == FLI_MAP_EXT)
		set_children(c, FL_MAP, 2 * (uint64_t)count, item);
	if (tag == FLI_LIST_EXT)
		set_children(c, FL_LIST, (uint64_t)count + 1, item);
}

static void read_closure(fli_cursor *c, fli_item *item)
{
	fli_fun *fun = &item->as.fun;
	uint32_t size, free_count;
	uint8_t arity;
	fl_pid creator;

	if (!fli_take32(c, &size) || !fli_take8(c, &arity) || !fli_take(c, UNIQ_SIZE, &fun->uniq) ||
		!fli_take32(c, &fun->index) || !fli_take32(c, &free_count) ||
		!fli_peek_atom(c, NULL, &fun->module) || !fli_peek_int(c, &fun->old_index) ||
		!fli_peek_int(c, &fun->old_uniq) || !fli_peek_pid(c, NULL, &creator))
		return;
	fun->arity = arity;
	fun->function = (fl_atom){NULL, 0};
	set_children(c, FL_FUN, free_count, item);
}

static void read_external_fun(fli_cursor *c, fli_item *item)
{
	fli_fun *fun = &item->as.fun;
	uint64_t arity;

	if (!fli_peek_atom(c, NULL, &fun->module) || !fli_peek_atom(c, NULL, &fun->function) ||
		!fli_peek_uint(c, &arity) || arity > UINT8_MAX)
		return;
	fun->arity = (uint32_t)arity;
	item->kind = FL_FUN;
}

/* n:4 exported:1 module name, then n field names and n values, as OTP 29 sends them. */
static void read_record(fli_cursor *c, fli_item *item)
{
	fli_record_head *record = &item->as.record;
	uint8_t exported;

	if (!fli_take32(c, &record->count) || !fli_take8(c, &exported) ||
		!fli_peek_atom(c, NULL, &record->module) || !fli_peek_atom(c, NULL, &record->name))
		return;
	set_children(c, FL_RECORD, 2 * (uint64_t)record->count, item);
}

/* Identifiers and atoms have readers of their own, which want to see the tag. */
static void read_name(fli_cursor *c, uint8_t tag, fli_item *item)
{
	c->at--;
	switch (tag) {
	case FLI_PID_EXT:
	case FLI_NEW_PID_EXT:
		if (fli_peek_pid(c, NULL, &item->as.pid))
			item->kind = FL_PID;
		break;
	case FLI_NEW_REFERENCE_EXT:
	case FLI_NEWER_REFERENCE_EXT:
		if (fli_peek_ref(c, NULL, &item->as.ref))
			item->kind = FL_REF;
		break;
	case FLI_PORT_EXT:
	case FLI_NEW_PORT_EXT:
	case FLI_V4_PORT_EXT:
		if (fli_peek_port(c, NULL, &item->as.port))
			item->kind = FL_PORT;
		break;
	default:
		if (fli_peek_atom(c, NULL, &item->as.atom))
			item->kind = FL_ATOM;
		break;
	}
}

static void read_body(fli_cursor *c, uint8_t tag, fli_item *item)
{
	switch (tag) {
	case FLI_SMALL_INTEGER_EXT:
	case FLI_INTEGER_EXT: read_small(c, tag, item); break;
	case FLI_SMALL_BIG_EXT:
	case FLI_LARGE_BIG_EXT: read_big(c, tag, item); break;
	case FLI_NEW_FLOAT_EXT: read_float(c, item); break;
	case FLI_STRING_EXT:
	case FLI_BINARY_EXT:
	case FLI_BIT_BINARY_EXT: read_bytes(c, tag, item); break;
	case FLI_SMALL_TUPLE_EXT:
	case FLI_LARGE_TUPLE_EXT:
	case FLI_MAP_EXT:
	case FLI_LIST_EXT: read_container(c, tag, item); break;
	case FLI_NIL_EXT: item->kind = FL_NIL; break;
	case FLI_NEW_FUN_EXT: read_closure(c, item); break;
	case FLI_EXPORT_EXT: read_external_fun(c, item); break;
	case FLI_RECORD_EXT: read_record(c, item); break;
	default: read_name(c, tag, item); break;
	}
}

void fli_item_read(fli_cursor *c, fli_item *ret_item)
{
	const uint8_t *start = c->at;
	uint8_t tag;

	do {
		*ret_item = (fli_item){.kind = FL_INVALID, .start = c->at};
		if (fli_take8(c, &tag))
			read_body(c, tag, ret_item);
	} while (ret_item->kind == FL_LIST && ret_item->children == 1);
	if (ret_item->kind == FL_INVALID)
		c->at = start;
}

void fli_item_of_term(fl_term term, fli_cursor *ret_cursor, fli_item *ret_item)
{
	*ret_cursor = fli_cursor_make(term.data, term.size);
	if (term.rest == 0) {
		fli_item_read(ret_cursor, ret_item);
		return;
	}
	*ret_item = (fli_item){.kind = FL_LIST, .start = term.data};
	if (term.rest == term.size) {
		ret_item->is_string = true;
		ret_item->as.bits = (fli_bits){term.data, term.size, 8};
		ret_cursor->at = ret_cursor->end;
	} else {
		ret_item->children = (uint64_t)term.rest + 1;
	}
}
