/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a term for tables of this node.
 *
 *  - The items of the term are mixed in the order of the bytes; lists leave no trace but their
 *    elements and tail, since one list may be cut into pieces in more than one way.
 *  - A map's pairs have no order, so a term that has one is hashed as Erlang's phash2 does it, and
 *    then keyed.
 */
#include "node/term/hash.h"

#include "node/base/map.h"
#include "node/term/item.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return fli_hash_mix(hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
	return size == 0 ? mix(hash, 0) : fli_hash(hash, bytes, size);
}

static uint64_t mix_string(uint64_t hash, const fli_bits *bits)
{
	for (size_t i = 0; i < bits->size; i++)
		hash = mix(mix(hash, FL_INTEGER), bits->data[i]);
	return mix(hash, FL_NIL);
}

static uint64_t mix_integer(uint64_t hash, const fli_integer *integer)
{
	if (integer->is_big)
		return mix_bytes(hash + integer->negative, integer->digits, integer->size);
	return mix(hash + integer->negative, integer->magnitude);
}

static uint64_t mix_bits(uint64_t hash, const fli_bits *bits)
{
	if (bits->size == 0 || bits->last_bits == 8)
		return mix_bytes(hash, bits->data, bits->size);
	hash = mix_bytes(hash + bits->last_bits, bits->data, bits->size - 1);
	return mix(hash, bits->data[bits->size - 1] >> (8 - bits->last_bits));
}

static uint64_t mix_ref(uint64_t hash, const fl_ref *ref)
{
	for (uint32_t i = 0; i < ref->count && i < 5; i++)
		hash = mix(hash, ref->words[i]);
	return hash;
}

static uint64_t mix_fun(uint64_t hash, const fli_fun *fun)
{
	hash = mix_bytes(hash, fun->module.text, fun->module.size);
	if (fun->function.text != NULL)
		hash = mix_bytes(hash, fun->function.text, fun->function.size);
	return mix(hash, fun->arity);
}

/* What is left out here, as a pid's creation, is told apart by the comparison. */
static uint64_t mix_item(uint64_t hash, const fli_item *item)
{
	if (item->is_string)
		return mix_string(hash, &item->as.bits);
	if (item->kind == FL_LIST)
		return hash;
	hash = mix(hash, item->kind);
	switch (item->kind) {
	case FL_INTEGER: return mix_integer(hash, &item->as.integer);
	case FL_FLOAT: {
		double real = item->as.real + 0.0; /* 0.0 and -0.0 alike */

		return mix_bytes(hash, &real, sizeof real);
	}
	case FL_ATOM: return mix_bytes(hash, item->as.atom.text, item->as.atom.size);
	case FL_PID: return mix(mix(hash, item->as.pid.id), item->as.pid.serial);
	case FL_PORT: return mix(hash, item->as.port.id);
	case FL_REF: return mix_ref(hash, &item->as.ref);
	case FL_BINARY:
	case FL_BITSTRING: return mix_bits(hash, &item->as.bits);
	case FL_FUN: return mix_fun(hash, &item->as.fun);
	case FL_RECORD: return mix(hash, item->as.record.count);
	case FL_TUPLE: return mix(hash, item->children);
	default: return hash;
	}
}

static bool hash_map(uint64_t seed, fl_term term, uint64_t *ret_hash)
{
	uint32_t portable;

	if (!fli_phash2(term, &portable))
		return false;
	*ret_hash = fli_hash_mix(seed ^ portable);
	return true;
}

bool fli_term_hash(uint64_t seed, fl_term term, uint64_t *ret_hash)
{
	uint64_t left = 1, hash = seed;
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	for (;;) {
		if (item.kind == FL_INVALID)
			return false;
		if (item.kind == FL_MAP)
			return hash_map(seed, term, ret_hash);
		hash = mix_item(hash, &item);
		left += item.children;
		if (--left == 0)
			break;
		fli_item_read(&c, &item);
	}
	*ret_hash = hash;
	return true;
}
