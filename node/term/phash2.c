/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erlang:phash2, computed on encoded terms.
 *
 *  - The hash of what came before is mixed into each item, in the order of the bytes: 96 bits by
 *    Bob Jenkins' mixing step, of which the last 32 are carried on.
 *  - A run of bytes in a list is mixed four at a time. A run ends where the list, not its encoding,
 *    ends: so pieces of one list are one run.
 *  - A map's pairs are hashed from nothing, each for itself, and put together by exclusive or.
 *
 * Atoms are hashed by the PJW hash of their text, in Latin-1 where that can hold it.
 *
 * Failure: a term nested deeper than there is memory for frames has no hash; nor has a record.
 */
#include <string.h>

#include "node/term/hash.h"
#include "node/term/item.h"

#define FRAMES_INLINE 16

/* Each kind of term has a constant of its own: a multiple of the golden ratio. */
#define SALT(n) ((uint32_t)(UINT64_C(0x9e3779b9) * (n)))

enum {
	OF_SMALL = 1,
	OF_NIL = 2,
	OF_ATOM = 3,
	OF_BYTES = 4,
	OF_PID = 5,
	OF_PORT = 6,
	OF_REF = 7,
	OF_TUPLE = 9,
	OF_NEGATIVE = 10,
	OF_POSITIVE = 11,
	OF_FLOAT = 12,
	OF_BINARY = 13,
	OF_FUNCTION = 14,
	OF_LAST_BITS = 15,
	OF_MAP = 16,
	OF_MAP_END = 19
};

#define NIL_ALONE UINT32_C(3468870702)

typedef enum frame_type { FRAME_TERMS, FRAME_LIST, FRAME_MAP } frame_type;

typedef struct frame {
	frame_type type;
	uint64_t left; /* terms, elements of this piece, or halves of pairs */
	uint32_t hash; /* FRAME_MAP: what it was before the map */
	uint32_t pairs;
} frame;

typedef struct hashing {
	fli_cursor c;
	uint32_t hash;
	uint32_t pairs; /* of the innermost map */
	frame *frames;
	size_t count, capacity;
	frame first[FRAMES_INLINE];
} hashing;

/* ---- mixing ---------------------------------------------------------------------------------- */

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
	a = (a - b - c) ^ c >> 13;
	b = (b - c - a) ^ a << 8;
	c = (c - a - b) ^ b >> 13;
	a = (a - b - c) ^ c >> 12;
	b = (b - c - a) ^ a << 16;
	c = (c - a - b) ^ b >> 5;
	a = (a - b - c) ^ c >> 3;
	b = (b - c - a) ^ a << 10;
	c = (c - a - b) ^ b >> 15;
	return c;
}

static void mix_two(hashing *h, uint32_t x, uint32_t y, uint32_t salt)
{
	h->hash = mix(SALT(salt) + x, SALT(salt) + y, h->hash);
}

static void mix_one(hashing *h, uint32_t x, uint32_t salt)
{
	mix_two(h, x, 0, salt);
}

static uint32_t little32(const uint8_t *p, size_t size)
{
	uint32_t value = 0;

	for (size_t i = 0; i < size && i < 4; i++)
		value |= (uint32_t)p[i] << (8 * i);
	return value;
}

/* All three words are carried from block to block. */
static uint32_t mix_block(const uint8_t *p, size_t size, uint32_t c)
{
	uint32_t a = SALT(1), b = SALT(1), full = (uint32_t)size;
	bool is_last = false;

	for (;; p += 12, size -= 12) {
		is_last = size < 12;
		a += little32(p, size);
		b += size > 4 ? little32(p + 4, size - 4) : 0;
		if (is_last) /* the low byte of the third word is the length's */
			c += (size > 8 ? little32(p + 8, size - 8) << 8 : 0) + full;
		else
			c += little32(p + 8, 4);
		a = (a - b - c) ^ c >> 13;
		b = (b - c - a) ^ a << 8;
		c = (c - a - b) ^ b >> 13;
		a = (a - b - c) ^ c >> 12;
		b = (b - c - a) ^ a << 16;
		c = (c - a - b) ^ b >> 5;
		a = (a - b - c) ^ c >> 3;
		b = (b - c - a) ^ a << 10;
		c = (c - a - b) ^ b >> 15;
		if (is_last)
			return c;
	}
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static uint32_t hash_of_atom(fl_atom atom)
{
	uint32_t h = 0;

	for (size_t i = 0; i < atom.size; i++) {
		uint8_t byte = (uint8_t)atom.text[i];
		uint32_t high;

		if ((byte & 0xfe) == 0xc2 && i + 1 < atom.size)
			byte = (uint8_t)(byte << 6 | ((uint8_t)atom.text[++i] & 0x3f));
		h = (h << 4) + byte;
		high = h & 0xf0000000;
		h ^= high >> 24 ^ high;
	}
	return h;
}

static void mix_atom(hashing *h, fl_atom atom)
{
	if (h->hash == 0)
		h->hash = hash_of_atom(atom);
	else
		mix_one(h, hash_of_atom(atom), OF_ATOM);
}

static void mix_nil(hashing *h)
{
	if (h->hash == 0)
		h->hash = NIL_ALONE;
	else
		mix_one(h, OF_NIL, OF_NIL);
}

static void mix_big(hashing *h, const fli_integer *i)
{
	for (size_t at = 0; at < i->size; at += 8) {
		size_t left = i->size - at;

		mix_two(h, little32(i->digits + at, left),
			left > 4 ? little32(i->digits + at + 4, left - 4) : 0,
			i->negative ? OF_NEGATIVE : OF_POSITIVE);
	}
}

static void mix_integer(hashing *h, const fli_integer *i)
{
	const uint64_t small = UINT64_C(1) << 27;
	uint32_t low = (uint32_t)i->magnitude;

	if (i->is_big) {
		mix_big(h, i);
	} else if (i->magnitude < small || (i->negative && i->magnitude == small)) {
		mix_one(h, low, OF_SMALL);
		if (i->negative) /* a second time, as it was made once */
			mix_one(h, 0 - low, OF_SMALL);
	} else {
		mix_two(h, low, (uint32_t)(i->magnitude >> 32),
			i->negative ? OF_NEGATIVE : OF_POSITIVE);
	}
}

static void mix_float(hashing *h, double real)
{
	uint64_t bits = 0;

	if (real != 0.0) /* -0.0 hashes as 0.0 */
		memcpy(&bits, &real, sizeof bits);
	mix_two(h, (uint32_t)(bits >> 32), (uint32_t)bits, OF_FLOAT);
}

static void mix_bits(hashing *h, const fli_bits *bits)
{
	bool is_whole = bits->last_bits == 8;
	size_t bytes = is_whole ? bits->size : bits->size - 1;
	uint32_t start = SALT(OF_BINARY) + h->hash;

	h->hash = bits->size == 0 ? start : mix_block(bits->data, bytes, start);
	if (!is_whole)
		mix_two(h, bits->last_bits, (uint32_t)bits->data[bytes] >> (8 - bits->last_bits),
			OF_LAST_BITS);
}

static void mix_fun(hashing *h, const fli_item *item)
{
	const fli_fun *fun = &item->as.fun;

	if (fun->function.text != NULL) {
		mix_two(h, fun->arity, hash_of_atom(fun->module), OF_SMALL);
		mix_one(h, hash_of_atom(fun->function), OF_FUNCTION);
		return;
	}
	mix_two(h, (uint32_t)item->children, hash_of_atom(fun->module), OF_SMALL);
	mix_two(h, fun->index, (uint32_t)fun->old_uniq, OF_SMALL);
}

/* ---- containers ------------------------------------------------------------------------------ */

static bool push(hashing *h, frame top)
{
	bool is_first = h->frames == h->first;
	frame *frames;

	if (h->count == h->capacity) {
		frames = fli_realloc(fli_mem_libc(), is_first ? NULL : h->frames,
			2 * h->capacity * sizeof *frames);
		if (frames == NULL)
			return false;
		if (is_first)
			memcpy(frames, h->first, sizeof h->first);
		h->frames = frames;
		h->capacity *= 2;
	}
	h->frames[h->count++] = top;
	return true;
}

static bool open_map(hashing *h, uint64_t halves)
{
	frame map = {.type = FRAME_MAP, .left = halves, .pairs = h->pairs};

	mix_one(h, (uint32_t)(halves / 2), OF_MAP);
	if (halves == 0)
		return true;
	map.hash = h->hash;
	h->hash = h->pairs = 0;
	return push(h, map);
}

/* Four bytes of a list at a time. */
typedef struct run {
	uint32_t bytes;
	unsigned count;
} run;

static void run_end(hashing *h, run *r)
{
	if (r->count > 0)
		mix_one(h, r->bytes, OF_BYTES);
	*r = (run){0, 0};
}

static void run_add(hashing *h, run *r, uint8_t byte)
{
	r->bytes = r->bytes << 8 | byte;
	if (++r->count == 4)
		run_end(h, r);
}

static bool is_byte(const fli_item *item)
{
	return item->kind == FL_INTEGER && !item->as.integer.is_big && !item->as.integer.negative &&
	       item->as.integer.magnitude <= UINT8_MAX;
}

/*
 * Goes on in the list of the top frame, up to an element that is no byte, or to its tail; the frame
 * is gone then. *ret_item is what comes next.
 */
static bool walk_list(hashing *h, fli_item *ret_item)
{
	frame *list = &h->frames[h->count - 1];
	run r = {0, 0};

	for (;;) {
		fli_item_read(&h->c, ret_item);
		if (list->left > 0) {
			list->left--;
			if (!is_byte(ret_item))
				break;
			run_add(h, &r, (uint8_t)ret_item->as.integer.magnitude);
		} else if (ret_item->kind == FL_LIST && !ret_item->is_string) {
			list->left = ret_item->children - 1; /* its next piece */
		} else {
			h->count--;
			for (size_t i = 0; ret_item->is_string && i < ret_item->as.bits.size; i++)
				run_add(h, &r, ret_item->as.bits.data[i]);
			if (ret_item->is_string)
				*ret_item = (fli_item){.kind = FL_NIL};
			break;
		}
	}
	run_end(h, &r);
	return ret_item->kind != FL_INVALID;
}

static void mix_string(hashing *h, const fli_bits *bits)
{
	run r = {0, 0};

	for (size_t i = 0; i < bits->size; i++)
		run_add(h, &r, bits->data[i]);
	run_end(h, &r);
	mix_nil(h);
}

static bool open_list(hashing *h, const fli_item *item)
{
	if (!item->is_string)
		return push(h, (frame){.type = FRAME_LIST, .left = item->children - 1});
	mix_string(h, &item->as.bits);
	return true;
}

static bool open_terms(hashing *h, uint64_t count)
{
	return count == 0 || push(h, (frame){.type = FRAME_TERMS, .left = count});
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool mix_item(hashing *h, const fli_item *item)
{
	switch (item->kind) {
	case FL_INTEGER: mix_integer(h, &item->as.integer); return true;
	case FL_FLOAT: mix_float(h, item->as.real); return true;
	case FL_ATOM: mix_atom(h, item->as.atom); return true;
	case FL_NIL: mix_nil(h); return true;
	case FL_BINARY:
	case FL_BITSTRING: mix_bits(h, &item->as.bits); return true;
	case FL_PID: mix_one(h, item->as.pid.id, OF_PID); return true;
	case FL_REF: mix_one(h, item->as.ref.words[0], OF_REF); return true;
	case FL_PORT:
		mix_two(h, (uint32_t)item->as.port.id, (uint32_t)(item->as.port.id >> 32), OF_PORT);
		return true;
	case FL_FUN: mix_fun(h, item); return open_terms(h, item->children);
	case FL_TUPLE:
		mix_one(h, (uint32_t)item->children, OF_TUPLE);
		return open_terms(h, item->children);
	case FL_MAP: return open_map(h, item->children);
	case FL_LIST: return open_list(h, item);
	default: return false;
	}
}

/* Frames that are done are closed; false when none is left. */
static bool go_on(hashing *h)
{
	while (h->count > 0) {
		frame *top = &h->frames[h->count - 1];

		if (top->type == FRAME_MAP && top->left % 2 == 0 && h->hash != 0) {
			h->pairs ^= h->hash;
			h->hash = 0;
		}
		if (top->left > 0 || top->type == FRAME_LIST)
			return true;
		if (top->type == FRAME_MAP) {
			uint32_t pairs = h->pairs;

			h->hash = top->hash;
			h->pairs = top->pairs;
			mix_one(h, pairs, OF_MAP_END);
		}
		h->count--;
	}
	return false;
}

static bool next_item(hashing *h, fli_item *ret_item)
{
	frame *top = &h->frames[h->count - 1];

	if (top->type == FRAME_LIST)
		return walk_list(h, ret_item);
	top->left--;
	fli_item_read(&h->c, ret_item);
	return ret_item->kind != FL_INVALID;
}

bool fli_phash2(fl_term term, uint32_t *ret_hash)
{
	hashing h = {.capacity = FRAMES_INLINE};
	fli_item item;
	bool ok;

	h.frames = h.first;
	fli_item_of_term(term, &h.c, &item);
	ok = mix_item(&h, &item);
	while (ok && go_on(&h))
		ok = next_item(&h, &item) && mix_item(&h, &item);
	if (h.frames != h.first)
		fli_free(fli_mem_libc(), h.frames);
	if (ok)
		*ret_hash = h.hash;
	return ok;
}
