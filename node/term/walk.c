/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded walk. Happy path:
 *
 * - fli_step knows the tags that messages are made of; atoms of a connection's cache come next;
 * - everything else (identifiers, funs, records, old tags) goes through `rare`, which also notes
 *   what fli_expand will rewrite and by how much that grows or shrinks the term.
 *
 * Failure: any length beyond the end, any count of terms beyond the bytes that are left (a term has
 * at least one), and what the VM itself refuses. There is no depth and so no limit on it.
 *
 * Departures from OTP: duplicate keys of a map are not looked for (readers take the first), and
 * ATOM_INTERNAL_REF2/3, which the VM accepts and nobody sends, are refused.
 */
#include "node/term/walk.h"

#include "node/base/mem.h"
#include "node/term/atoms.h"
#include "node/term/number.h"
#include "node/term/peek.h"
#include "node/term/step.h"

struct walk {
	fli_cursor c;
	const fli_refs *refs;
	const fli_whose *whose; /* may be NULL */
	uint64_t terms;         /* that the step just made adds */
	size_t grown;           /* by fli_expand; modulo 2^64, since it may be negative */
	unsigned features;
	bool is_plain;
	size_t last; /* bytes of the last step, if it was a plain one */
};

static void rewrite(struct walk *w, size_t in, size_t out)
{
	w->grown += out - in;
	w->is_plain = false;
}

static bool skip(struct walk *w, size_t size)
{
	const uint8_t *bytes;

	return fli_take(&w->c, size, &bytes);
}

static bool take_cached(struct walk *w)
{
	uint8_t k;

	if (!fli_take8(&w->c, &k) || w->refs == NULL || k >= w->refs->count)
		return false;
	rewrite(w, 2, fli_atom_encoded_size(w->refs->atoms[k].size));
	return true;
}

static bool take_latin1(struct walk *w, size_t head, size_t size)
{
	const uint8_t *text;
	size_t utf8_size = size;

	if (size > FLI_ATOM_CHARS_MAX || !fli_take(&w->c, size, &text))
		return false;
	for (size_t i = 0; i < size; i++)
		utf8_size += text[i] >> 7;
	rewrite(w, head + size, fli_atom_encoded_size(utf8_size));
	return true;
}

static bool take_utf8(struct walk *w, size_t size)
{
	const uint8_t *text;

	return fli_take(&w->c, size, &text) && fli_atom_text_ok((const char *)text, size);
}

static bool take_atom(struct walk *w)
{
	uint8_t tag, size8;
	uint16_t size16;

	if (!fli_take8(&w->c, &tag))
		return false;
	switch (tag) {
	case FLI_ATOM_CACHE_REF: return take_cached(w);
	case FLI_SMALL_ATOM_UTF8_EXT: return fli_take8(&w->c, &size8) && take_utf8(w, size8);
	case FLI_ATOM_UTF8_EXT: return fli_take16(&w->c, &size16) && take_utf8(w, size16);
	case FLI_SMALL_ATOM_EXT: return fli_take8(&w->c, &size8) && take_latin1(w, 2, size8);
	case FLI_ATOM_EXT: return fli_take16(&w->c, &size16) && take_latin1(w, 3, size16);
	default: return false;
	}
}

/* Tag, atom, and numbers that take `size` bytes, or `out` once they are expanded. */
static bool take_ident(struct walk *w, size_t size, size_t out)
{
	if (size != out)
		rewrite(w, size, out);
	return skip(w, 1) && take_atom(w) && skip(w, size);
}

/* NEWER_REFERENCE_EXT and NEW_REFERENCE_EXT: n, atom, creation, words. */
static bool take_ref(struct walk *w, size_t creation_size)
{
	uint16_t words;

	if (!skip(w, 1) || !fli_take16(&w->c, &words) || words > FLI_REF_WORDS_MAX)
		return false;
	if (words > 3)
		w->features |= FLI_NEEDS_WIDE_REFS;
	if (creation_size != 4)
		rewrite(w, creation_size, 4);
	return take_atom(w) && skip(w, creation_size + 4 * (size_t)words);
}

/* The atom of an identifier of `whose` is plain: what is sent has been expanded. */
static void note_impossible(struct walk *w, const uint8_t *atom, uint32_t creation)
{
	fli_cursor c = fli_cursor_make(atom, (size_t)(w->c.end - atom));
	fl_atom node;

	if (w->whose != NULL && w->whose->creation == creation && fli_peek_atom(&c, NULL, &node) &&
		fl_atom_eq(node, w->whose->node))
		w->features |= FLI_IS_IMPOSSIBLE;
}

static bool take_new_pid(struct walk *w)
{
	const uint8_t *start = w->c.at, *numbers;
	size_t size = fli_ident_step(start, fli_left(&w->c));
	uint32_t id;

	if (size != 0)
		w->c.at += size;
	else if (!take_ident(w, 12, 12))
		return false;
	numbers = w->c.at - 12;
	id = fli_get32(numbers);
	if (id > FLI_NARROW_ID_MAX || fli_get32(numbers + 4) > FLI_NARROW_SERIAL_MAX)
		w->features |= FLI_NEEDS_WIDE_PIDS;
	if (id > FLI_BEAM_PID_MAX)
		note_impossible(w, start + 1, fli_get32(numbers + 8));
	return true;
}

/* With a creation of 4 bytes or, as PORT_EXT has it, one; what it becomes needs the same. */
static bool take_new_port(struct walk *w, size_t creation_size)
{
	size_t size = 4 + creation_size;

	if (!take_ident(w, size, 8))
		return false;
	if (fli_get32(w->c.at - size) >= 1u << 28)
		w->features |= FLI_NEEDS_V4_PORTS;
	return true;
}

static bool take_old_pid(struct walk *w)
{
	if (!take_ident(w, 9, 12))
		return false;
	if (fli_get32(w->c.at - 9) > FLI_NARROW_ID_MAX ||
		fli_get32(w->c.at - 5) > FLI_NARROW_SERIAL_MAX)
		w->features |= FLI_NEEDS_WIDE_PIDS;
	return true;
}

static bool take_v4_port(struct walk *w)
{
	const uint8_t *start = w->c.at;

	w->features |= FLI_NEEDS_V4_PORTS;
	if (!take_ident(w, 12, 12))
		return false;
	if (fli_get64(w->c.at - 12) > FLI_BEAM_PORT_MAX)
		note_impossible(w, start + 1, fli_get32(w->c.at - 4));
	return true;
}

static bool take_newer_ref(struct walk *w)
{
	const uint8_t *start = w->c.at, *numbers;
	size_t size = fli_ident_step(start, fli_left(&w->c)), words;

	if (size != 0)
		w->c.at += size;
	else if (!take_ref(w, 4))
		return false;
	words = fli_get16(start + 1);
	if (words > 3)
		w->features |= FLI_NEEDS_WIDE_REFS;
	numbers = w->c.at - 4 * words;
	if (words == 0 || fli_get32(numbers) > FLI_BEAM_REF_MAX)
		note_impossible(w, start + 3, fli_get32(numbers - 4));
	return true;
}

static bool take_bits(struct walk *w)
{
	uint32_t size;
	uint8_t bits;

	if (!skip(w, 1) || !fli_take32(&w->c, &size) || !fli_take8(&w->c, &bits))
		return false;
	if (size == 0 || bits == 0 || bits > 8)
		return false;
	if (bits == 8)
		rewrite(w, 6, 5);
	return skip(w, size);
}

static bool take_float_text(struct walk *w)
{
	const uint8_t *text;
	double value;

	if (!skip(w, 1) || !fli_take(&w->c, FLI_FLOAT_TEXT_SIZE, &text))
		return false;
	rewrite(w, 1 + FLI_FLOAT_TEXT_SIZE, 9);
	return fli_double_of_text((const char *)text, FLI_FLOAT_TEXT_SIZE, &value);
}

static bool take_large_tuple(struct walk *w)
{
	uint32_t arity;

	if (!skip(w, 1) || !fli_take32(&w->c, &arity))
		return false;
	w->terms = arity;
	return arity <= FLI_TUPLE_ARITY_MAX;
}

static bool take_large_big(struct walk *w)
{
	uint32_t size;

	return skip(w, 1) && fli_take32(&w->c, &size) && skip(w, 1 + (size_t)size);
}

/* The old index and uniq of a fun: small integers, of whatever tag. */
static bool take_small(struct walk *w)
{
	uint64_t terms;
	size_t left = fli_left(&w->c), size;
	uint8_t tag = left == 0 ? 0 : *w->c.at;

	if (tag != FLI_SMALL_INTEGER_EXT && tag != FLI_INTEGER_EXT && tag != FLI_SMALL_BIG_EXT)
		return false;
	size = fli_step(w->c.at, left, &terms);
	return size != 0 && skip(w, size);
}

static bool take_pid(struct walk *w)
{
	if (fli_left(&w->c) == 0)
		return false;
	if (*w->c.at == FLI_NEW_PID_EXT)
		return take_new_pid(w);
	return *w->c.at == FLI_PID_EXT && take_old_pid(w);
}

/* NEW_FUN_EXT. Its size field is not trusted: some releases count cached atoms wrongly. */
static bool take_fun(struct walk *w)
{
	const uint8_t *head;

	if (!fli_take(&w->c, FLI_FUN_HEADER_SIZE, &head))
		return false;
	rewrite(w, 0, 0);
	w->terms = fli_get32(head + FLI_FUN_HEADER_SIZE - 4);
	return take_atom(w) && take_small(w) && take_small(w) && take_pid(w);
}

static bool take_export(struct walk *w)
{
	return skip(w, 1) && take_atom(w) && take_atom(w) && fli_left(&w->c) != 0 &&
	       *w->c.at == FLI_SMALL_INTEGER_EXT && skip(w, 2);
}

/* RECORD_EXT of OTP 29: n, exported, module, name, n field names, n values. */
static bool take_record(struct walk *w)
{
	uint32_t count;
	uint8_t exported;

	if (!skip(w, 1) || !fli_take32(&w->c, &count) || !fli_take8(&w->c, &exported) ||
		exported > 1 || !take_atom(w) || !take_atom(w))
		return false;
	w->features |= FLI_NEEDS_RECORDS;
	w->terms = count;
	for (uint32_t i = 0; i < count; i++)
		if (!take_atom(w))
			return false;
	return true;
}

/* A STRING_EXT or LIST_EXT that fli_step did not take: empty, or cut off. */
static bool take_empty(struct walk *w, size_t head, size_t out)
{
	const uint8_t *bytes;

	if (!fli_take(&w->c, head, &bytes))
		return false;
	for (size_t i = 1; i < head; i++)
		if (bytes[i] != 0)
			return false;
	rewrite(w, head, out);
	w->terms = out == 0;
	return true;
}

static bool rare(struct walk *w)
{
	w->terms = 0;
	switch (*w->c.at) {
	case FLI_SMALL_ATOM_UTF8_EXT:
	case FLI_ATOM_UTF8_EXT:
	case FLI_SMALL_ATOM_EXT:
	case FLI_ATOM_EXT:
	case FLI_ATOM_CACHE_REF: return take_atom(w);
	case FLI_NEW_PID_EXT:
	case FLI_PID_EXT: return take_pid(w);
	case FLI_NEW_PORT_EXT: return take_new_port(w, 4);
	case FLI_V4_PORT_EXT: return take_v4_port(w);
	case FLI_PORT_EXT: return take_new_port(w, 1);
	case FLI_NEWER_REFERENCE_EXT: return take_newer_ref(w);
	case FLI_NEW_REFERENCE_EXT: return take_ref(w, 1);
	case FLI_REFERENCE_EXT: return take_ident(w, 5, 10); /* and the count of words */
	case FLI_BIT_BINARY_EXT: return take_bits(w);
	case FLI_FLOAT_EXT: return take_float_text(w);
	case FLI_LARGE_TUPLE_EXT: return take_large_tuple(w);
	case FLI_LARGE_BIG_EXT: return take_large_big(w);
	case FLI_NEW_FUN_EXT: return take_fun(w);
	case FLI_EXPORT_EXT: return take_export(w);
	case FLI_RECORD_EXT: return take_record(w);
	case FLI_STRING_EXT: return take_empty(w, 3, 1);
	case FLI_LIST_EXT: return take_empty(w, 5, 0);
	default: return false;
	}
}

/* Walks `remaining` terms, at least one. */
static inline bool walk(struct walk *w, uint64_t remaining)
{
	const uint8_t *at = w->c.at, *end = w->c.end;

	while (remaining <= (size_t)(end - at)) {
		size_t left = (size_t)(end - at), step = 0;
		uint64_t terms;

		if (*at == FLI_ATOM_CACHE_REF && left >= 2 && w->refs != NULL &&
			at[1] < w->refs->count) {
			rewrite(w, 2, fli_atom_encoded_size(w->refs->atoms[at[1]].size));
			at += 2;
			terms = 0;
		} else if ((step = fli_step(at, left, &terms)) != 0 && step <= left) {
			at += step;
		} else {
			w->c.at = at;
			if (!rare(w))
				return false;
			at = w->c.at;
			terms = w->terms;
			step = 0;
		}
		remaining += terms - 1;
		if (remaining == 0) {
			w->c.at = at;
			w->last = step;
			return true;
		}
	}
	return false;
}

static size_t tail_of(const struct walk *w)
{
	return w->last != 0 && w->c.at[-(ptrdiff_t)w->last] == FLI_BINARY_EXT ? w->last : 0;
}

static bool walk_whole(struct walk *w, const uint8_t *data, fli_walked *ret_walked)
{
	size_t used;

	if (!walk(w, 1))
		return false;
	used = (size_t)(w->c.at - data);
	*ret_walked = (fli_walked){used, used + w->grown, w->features, w->is_plain, tail_of(w)};
	return true;
}

bool fli_walk(const uint8_t *data, size_t size, const fli_refs *refs, fli_walked *ret_walked)
{
	struct walk w = {.c = fli_cursor_make(data, size), .refs = refs, .is_plain = true};

	return walk_whole(&w, data, ret_walked);
}

bool fli_walk_for(const uint8_t *data, size_t size, const fli_whose *whose, fli_walked *ret_walked)
{
	struct walk w = {.c = fli_cursor_make(data, size), .whose = whose, .is_plain = true};

	return walk_whole(&w, data, ret_walked);
}

bool fli_terms_size(const uint8_t *data, size_t size, uint64_t count, size_t *ret_size)
{
	struct walk w = {.c = fli_cursor_make(data, size)};

	if (count != 0 && !walk(&w, count))
		return false;
	*ret_size = (size_t)(w.c.at - data);
	return true;
}

size_t fli_term_size(const uint8_t *data, size_t size)
{
	size_t used;

	return fli_terms_size(data, size, 1, &used) ? used : 0;
}

/* ---- the elements of a tuple ----------------------------------------------------------------- */

fl_term fli_tuple_elements(fl_term tuple)
{
	size_t header = tuple.data[0] == FLI_SMALL_TUPLE_EXT ? 2 : 5;

	tuple.data += header;
	tuple.size -= header;
	return tuple;
}

bool fli_tuple_next(fl_term *left, fl_term *ret_element)
{
	size_t size = fli_term_size(left->data, left->size);

	if (size == 0)
		return false;
	*ret_element = (fl_term){.data = left->data, .size = size, .atoms = left->atoms};
	left->data += size;
	left->size -= size;
	return true;
}

bool fli_tuple_split(fl_term tuple, uint32_t arity, fl_term *ret_elements)
{
	fl_term left;

	if (fl_term_kind(tuple) != FL_TUPLE || fl_term_arity(tuple) != arity)
		return false;
	left = fli_tuple_elements(tuple);
	for (uint32_t i = 0; i < arity; i++)
		if (!fli_tuple_next(&left, &ret_elements[i]))
			return false;
	return true;
}
