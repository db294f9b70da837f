/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy that makes a term self-contained. It trusts what fli_walk found and so checks nothing.
 *
 * - Heads that fli_step knows are copied as they are; cache references become their atoms.
 * - Old tags become new ones, empty STRING_EXT `[]`, LIST_EXT of no elements its tail.
 * - The size of a NEW_FUN_EXT is only known at its end, and funs nest. The open ones form a stack
 *   that needs no memory: what has to be kept of each lies in its own head in the output, which is
 *   copied from the input once more when the fun is complete.
 */
#include "node/term/walk.h"

#include "node/base/bytes.h"
#include "node/base/mem.h"
#include "node/term/number.h"
#include "node/term/step.h"

struct expand {
	const uint8_t *in;
	const uint8_t *in_end;
	uint8_t *out;
	const fli_refs *refs;
	uint64_t remaining; /* terms still to come */
	uint8_t *fun;       /* the innermost open fun's head in the output, or NULL */
	uint64_t fun_ends;  /* it is complete when so many terms remain */
};

/* What waits in the head of an open fun, after the tag. */
struct open_fun {
	const uint8_t *in;
	uint8_t *outer;
	uint64_t outer_ends;
};
_Static_assert(sizeof(struct open_fun) < FLI_FUN_HEADER_SIZE, "kept in the head of a fun");

/* Most heads and atoms are short: two copies that overlap cost less than a call. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
	if (size > 16) {
		memcpy(to, from, size);
	} else if (size >= 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		memcpy(to, from, 4);
		memcpy(to + size - 4, from + size - 4, 4);
	} else if (size >= 2) {
		memcpy(to, from, 2);
		to[size - 1] = from[size - 1];
	} else if (size == 1) {
		*to = *from;
	}
}

static void copy(struct expand *e, size_t size)
{
	copy_bytes(e->out, e->in, size);
	e->out += size;
	e->in += size;
}

static inline uint8_t *put_atom(uint8_t *out, fl_atom atom)
{
	if (atom.size < 256) {
		*out++ = FLI_SMALL_ATOM_UTF8_EXT;
		*out++ = (uint8_t)atom.size;
	} else {
		*out++ = FLI_ATOM_UTF8_EXT;
		fli_put16(out, (uint16_t)atom.size);
		out += 2;
	}
	copy_bytes(out, (const uint8_t *)atom.text, atom.size);
	return out + atom.size;
}

static void put_latin1(struct expand *e, size_t head, size_t size)
{
	char text[FLI_ATOM_CHARS_MAX * 2];
	size_t used = 0;

	e->in += head;
	for (size_t i = 0; i < size; i++)
		used += fli_utf8_encode(e->in[i], (uint8_t *)text + used);
	e->in += size;
	e->out = put_atom(e->out, (fl_atom){text, used});
}

static void expand_atom(struct expand *e)
{
	switch (*e->in) {
	case FLI_ATOM_CACHE_REF:
		e->out = put_atom(e->out, e->refs->atoms[e->in[1]]);
		e->in += 2;
		break;
	case FLI_ATOM_EXT: put_latin1(e, 3, fli_get16(e->in + 1)); break;
	case FLI_SMALL_ATOM_EXT: put_latin1(e, 2, e->in[1]); break;
	case FLI_ATOM_UTF8_EXT: copy(e, 3 + (size_t)fli_get16(e->in + 1)); break;
	default: copy(e, 2 + (size_t)e->in[1]); break;
	}
}

/* `zeros` and then `size` bytes of the input: a big-endian number gets wider. */
static void widen(struct expand *e, size_t zeros, size_t size)
{
	memset(e->out, 0, zeros);
	e->out += zeros;
	copy(e, size);
}

static void expand_pid(struct expand *e)
{
	bool is_old = *e->in++ == FLI_PID_EXT;

	*e->out++ = FLI_NEW_PID_EXT;
	expand_atom(e);
	copy(e, 8);
	widen(e, is_old ? 3 : 0, is_old ? 1 : 4);
}

static void expand_port(struct expand *e)
{
	uint8_t tag = *e->in++;

	*e->out++ = tag == FLI_V4_PORT_EXT ? FLI_V4_PORT_EXT : FLI_NEW_PORT_EXT;
	expand_atom(e);
	copy(e, tag == FLI_V4_PORT_EXT ? 8 : 4);
	widen(e, tag == FLI_PORT_EXT ? 3 : 0, tag == FLI_PORT_EXT ? 1 : 4);
}

static void expand_ref(struct expand *e)
{
	bool is_old = *e->in++ == FLI_NEW_REFERENCE_EXT;
	uint16_t words = fli_get16(e->in);

	*e->out++ = FLI_NEWER_REFERENCE_EXT;
	copy(e, 2);
	expand_atom(e);
	widen(e, is_old ? 3 : 0, is_old ? 1 : 4);
	copy(e, 4 * (size_t)words);
}

/* REFERENCE_EXT: atom, one word, creation. */
static void expand_oldest_ref(struct expand *e)
{
	uint8_t word[4];

	e->in++;
	*e->out++ = FLI_NEWER_REFERENCE_EXT;
	fli_put16(e->out, 1);
	e->out += 2;
	expand_atom(e);
	memcpy(word, e->in, sizeof word);
	e->in += sizeof word;
	widen(e, 3, 1);
	memcpy(e->out, word, sizeof word);
	e->out += sizeof word;
}

static void expand_bits(struct expand *e)
{
	uint32_t size = fli_get32(e->in + 1);

	if (e->in[5] != 8) {
		copy(e, 6 + (size_t)size);
		return;
	}
	*e->out++ = FLI_BINARY_EXT;
	e->in++;
	copy(e, 4);
	e->in++;
	copy(e, size);
}

static void expand_float_text(struct expand *e)
{
	double value = 0;
	uint64_t bits;

	(void)fli_double_of_text((const char *)e->in + 1, FLI_FLOAT_TEXT_SIZE, &value); /* walked */
	memcpy(&bits, &value, sizeof bits);
	*e->out = FLI_NEW_FLOAT_EXT;
	fli_put64(e->out + 1, bits);
	e->out += 9;
	e->in += 1 + FLI_FLOAT_TEXT_SIZE;
}

static void expand_fun(struct expand *e)
{
	struct open_fun open = {e->in, e->fun, e->fun_ends};

	e->fun = e->out;
	e->fun_ends = e->remaining;
	e->remaining += fli_get32(e->in + FLI_FUN_HEADER_SIZE - 4);
	e->out += FLI_FUN_HEADER_SIZE;
	e->in += FLI_FUN_HEADER_SIZE;
	memcpy(e->fun + 1, &open, sizeof open);
	e->remaining += 4; /* module, old index, old uniq, pid */
}

static void close_funs(struct expand *e)
{
	struct open_fun open;

	while (e->fun != NULL && e->remaining == e->fun_ends) {
		memcpy(&open, e->fun + 1, sizeof open);
		memcpy(e->fun, open.in, FLI_FUN_HEADER_SIZE);
		fli_put32(e->fun + 1, (uint32_t)(e->out - e->fun - 1));
		e->fun = open.outer;
		e->fun_ends = open.outer_ends;
	}
}

static void expand_rare(struct expand *e)
{
	switch (*e->in) {
	case FLI_NEW_PID_EXT:
	case FLI_PID_EXT: expand_pid(e); break;
	case FLI_NEW_PORT_EXT:
	case FLI_V4_PORT_EXT:
	case FLI_PORT_EXT: expand_port(e); break;
	case FLI_NEWER_REFERENCE_EXT:
	case FLI_NEW_REFERENCE_EXT: expand_ref(e); break;
	case FLI_REFERENCE_EXT: expand_oldest_ref(e); break;
	case FLI_BIT_BINARY_EXT: expand_bits(e); break;
	case FLI_FLOAT_EXT: expand_float_text(e); break;
	case FLI_LARGE_TUPLE_EXT:
		e->remaining += fli_get32(e->in + 1);
		copy(e, 5);
		break;
	case FLI_LARGE_BIG_EXT: copy(e, 6 + (size_t)fli_get32(e->in + 1)); break;
	case FLI_NEW_FUN_EXT: expand_fun(e); break;
	case FLI_EXPORT_EXT:
		e->remaining += 3;
		copy(e, 1);
		break;
	case FLI_RECORD_EXT:
		e->remaining += 2 + 2 * (uint64_t)fli_get32(e->in + 1);
		copy(e, 6);
		break;
	case FLI_STRING_EXT:
		*e->out++ = FLI_NIL_EXT;
		e->in += 3;
		break;
	case FLI_LIST_EXT:
		e->remaining++;
		e->in += 5;
		break;
	default: expand_atom(e); break;
	}
}

/* The common items, in registers, up to one that is not, the end of `stop` terms or of the input.
 */
static void expand_common(struct expand *e, uint64_t stop)
{
	const uint8_t *in = e->in, *in_end = e->in_end;
	uint64_t remaining = e->remaining, terms;
	uint8_t *out = e->out;

	while (remaining != stop && in != in_end) {
		if (*in == FLI_ATOM_CACHE_REF) {
			out = put_atom(out, e->refs->atoms[in[1]]);
			in += 2;
			remaining--;
		} else {
			size_t size = fli_step(in, (size_t)(in_end - in), &terms);

			if (size == 0)
				break;
			copy_bytes(out, in, size);
			out += size;
			in += size;
			remaining += terms - 1;
		}
	}
	e->in = in;
	e->out = out;
	e->remaining = remaining;
}

/* All items that begin before the end of the input. */
static void expand_items(struct expand *e)
{
	while (e->in != e->in_end) {
		expand_common(e, e->fun == NULL ? 0 : e->fun_ends);
		if (e->fun != NULL && e->remaining == e->fun_ends) {
			close_funs(e);
		} else if (e->in != e->in_end) {
			e->remaining--;
			expand_rare(e);
		}
	}
}

void fli_expand_head(
	const uint8_t *data, const fli_walked *walked, const fli_refs *refs, uint8_t *out)
{
	size_t size = walked->size - walked->tail;
	struct expand e = {
		.in = data, .in_end = data + size, .out = out, .refs = refs, .remaining = 1};

	if (walked->is_plain) {
		memcpy(out, data, size);
		return;
	}
	expand_items(&e);
	close_funs(&e);        /* those that end before the tail */
	e.out += walked->tail; /* it belongs to the funs that are still open */
	e.remaining = 0;
	close_funs(&e);
	fl_assert((size_t)(e.out - out) == walked->expanded_size);
}

void fli_expand(const uint8_t *data, const fli_walked *walked, const fli_refs *refs, uint8_t *out)
{
	size_t head = walked->size - walked->tail;

	fli_expand_head(data, walked, refs, out);
	memcpy(out + walked->expanded_size - walked->tail, data + head, walked->tail);
}
