/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a term for tables of this node.
 *
 *  - The items of the term are mixed in the order of the bytes; lists leave no trace but their
 *    elements and tail, since one list may be cut into pieces in more than one way.
 *  - A map's pairs have no order: each is hashed for itself, and their sum is mixed in.
 *  - Peers choose the terms. So whatever the comparison looks at is mixed in, a pid's creation as
 *    well as its number, and all of it is keyed: nobody can make many that fall on one place.
 *
 * Failure: maps nested deeper than there is memory for frames have no hash.
 */
#include "node/term/hash.h"

#include <string.h>

#include "node/base/map.h"
#include "node/term/item.h"

enum { FRAMES_INLINE = 8, REF_WORDS = 5, UNIQ_SIZE = 16 };

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

static uint64_t mix_atom(uint64_t hash, fl_atom atom)
{
	return mix_bytes(hash, atom.text, atom.size);
}

static uint64_t mix_node(uint64_t hash, fl_atom node, uint32_t creation)
{
	return mix(mix_atom(hash, node), creation);
}

/* Words that are not there count as 0, as in the comparison. */
static uint64_t mix_ref(uint64_t hash, const fl_ref *ref)
{
	hash = mix_node(hash, ref->node, ref->creation);
	for (uint32_t i = 0; i < REF_WORDS; i++)
		hash = mix(hash, i < ref->count ? ref->words[i] : 0);
	return hash;
}

static uint64_t mix_pid(uint64_t hash, const fl_pid *pid)
{
	hash = mix_node(hash, pid->node, pid->creation);
	return mix(hash, (uint64_t)pid->serial << 32 | pid->id);
}

static uint64_t mix_fun(uint64_t hash, const fli_fun *fun)
{
	hash = mix(mix_atom(hash, fun->module), fun->arity);
	if (fun->function.text != NULL)
		return mix_atom(hash, fun->function);
	hash = mix(mix(hash, fun->index), (uint64_t)fun->old_uniq);
	return mix_bytes(hash, fun->uniq, UNIQ_SIZE);
}

static uint64_t mix_record(uint64_t hash, const fli_record_head *record)
{
	hash = mix_atom(mix_atom(hash, record->module), record->name);
	return mix(hash, record->count);
}

/* What is left out here, as the creator of a fun, is no part of the comparison. */
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
	case FL_ATOM: return mix_atom(hash, item->as.atom);
	case FL_PID: return mix_pid(hash, &item->as.pid);
	case FL_PORT:
		return mix(mix_node(hash, item->as.port.node, item->as.port.creation),
			item->as.port.id);
	case FL_REF: return mix_ref(hash, &item->as.ref);
	case FL_BINARY:
	case FL_BITSTRING: return mix_bits(hash, &item->as.bits);
	case FL_FUN: return mix_fun(hash, &item->as.fun);
	case FL_RECORD: return mix_record(hash, &item->as.record);
	case FL_TUPLE:
	case FL_MAP: return mix(hash, item->children);
	default: return hash;
	}
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* A map that is being read: what is put aside meanwhile. */
typedef struct frame {
	uint64_t hash, left; /* around the map */
	uint64_t halves;     /* keys and values that have not begun */
	uint64_t sum;        /* of its pairs */
} frame;

typedef struct hashing {
	fli_cursor c;
	uint64_t seed, hash;
	uint64_t left; /* items of what is read now, up to the end of a key or a value */
	frame *frames;
	size_t count, capacity;
	frame first[FRAMES_INLINE];
} hashing;

static bool grow(hashing *h)
{
	bool is_first = h->frames == h->first;
	frame *frames;

	frames = fli_realloc(
		fli_mem_libc(), is_first ? NULL : h->frames, 2 * h->capacity * sizeof *frames);
	if (frames == NULL)
		return false;
	if (is_first)
		memcpy(frames, h->first, sizeof h->first);
	h->frames = frames;
	h->capacity *= 2;
	return true;
}

static bool open_map(hashing *h, uint64_t halves)
{
	if (halves == 0)
		return true;
	if (h->count == h->capacity && !grow(h))
		return false;
	h->frames[h->count++] = (frame){.hash = h->hash, .left = h->left, .halves = halves - 1};
	h->hash = h->seed;
	h->left = 1;
	return true;
}

/* A key or a value has ended. */
static void end_half(hashing *h)
{
	frame *map = &h->frames[h->count - 1];

	if (map->halves % 2 == 0) { /* a pair */
		map->sum += fli_hash_mix(h->hash);
		h->hash = h->seed;
	}
	h->left = 1;
	if (map->halves-- > 0)
		return;
	h->hash = mix(map->hash, map->sum);
	h->left = map->left;
	h->count--;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool take(hashing *h, const fli_item *item)
{
	if (item->kind == FL_INVALID)
		return false;
	h->hash = mix_item(h->hash, item);
	h->left--;
	if (item->kind == FL_MAP)
		return open_map(h, item->children);
	h->left += item->children;
	return true;
}

/* False when all has been read. */
static bool go_on(hashing *h)
{
	while (h->left == 0 && h->count > 0)
		end_half(h);
	return h->left > 0;
}

/* A term with parts, whose first item has been read. */
static bool hash_parts(uint64_t seed, fli_cursor c, fli_item item, uint64_t *ret_hash)
{
	hashing h = {.c = c, .seed = seed, .hash = seed, .left = 1, .capacity = FRAMES_INLINE};
	bool ok;

	h.frames = h.first;
	ok = take(&h, &item);
	while (ok && go_on(&h)) {
		fli_item_read(&h.c, &item);
		ok = take(&h, &item);
	}
	if (h.frames != h.first)
		fli_free(fli_mem_libc(), h.frames);
	*ret_hash = h.hash;
	return ok;
}

bool fli_term_hash(uint64_t seed, fl_term term, uint64_t *ret_hash)
{
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	if (item.children > 0 || item.kind == FL_MAP)
		return hash_parts(seed, c, item, ret_hash);
	*ret_hash = mix_item(seed, &item);
	return item.kind != FL_INVALID;
}
