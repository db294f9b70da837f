/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From canonical terms to the wire, as a BEAM writes them: atoms by cache references where the
 * connection has a cache, lists of small integers as strings.
 *
 * A slot is chosen by the atom's text; a slot that this header uses already for another atom leaves
 * the second one inline, as it does in a BEAM.
 */
#include "tests/sim/otp_code.h"

#include <string.h>

enum { CACHED = 82, PID = 88, PORT32 = 89, REF = 90, INT8 = 97, TUPLE8 = 104, TUPLE32 = 105 };
enum { NIL = 106, STRING = 107, LIST = 108, FUN = 112, EXPORT = 113, MAP = 116, RECORD = 67 };
enum { ATOM16 = 118, ATOM8 = 119, PORT64 = 120 };

static bool is_atom(const uint8_t *p)
{
	return p[0] == ATOM8 || p[0] == ATOM16;
}

static size_t slot_of(otp_term atom)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < atom.size; i++)
		hash = (hash ^ atom.data[i]) * 16777619u;
	return hash % 2039;
}

static void collect_atom(otp_cache *cache, otp_refs *refs, otp_term atom)
{
	size_t slot = slot_of(atom);

	for (unsigned i = 0; i < refs->count; i++)
		if (refs->slots[i] == slot)
			return;
	if (refs->count == OTP_REFS_MAX)
		return;
	refs->slots[refs->count] = (uint16_t)slot;
	refs->is_new[refs->count] = !otp_equal(cache->atoms[slot], atom);
	if (refs->is_new[refs->count]) {
		otp_drop(&cache->atoms[slot]);
		cache->atoms[slot] = otp_keep(atom);
	}
	refs->atoms[refs->count++] = cache->atoms[slot];
}

/* Where the parts of a compound term begin; 0: it has none. Identifiers have their node. */
static size_t head_of(const uint8_t *p)
{
	switch (p[0]) {
	case TUPLE8: return 2;
	case TUPLE32:
	case LIST:
	case MAP: return 5;
	case EXPORT:
	case PID:
	case PORT32:
	case PORT64: return 1;
	case REF: return 3;
	case RECORD: return 6;
	case FUN: return 30;
	default: return 0;
	}
}

/* Fixed bytes behind the parts. */
static size_t tail_of(const uint8_t *p)
{
	switch (p[0]) {
	case PID:
	case PORT64: return 12;
	case PORT32: return 8;
	case REF: return 4 + 4 * (size_t)otp_get_int(p + 1, 2);
	default: return 0;
	}
}

void otp_refs_collect(otp_cache *cache, otp_refs *refs, otp_term term)
{
	const uint8_t *p = term.data, *end;
	size_t size;

	if (p == NULL)
		return;
	size = otp_span(p);
	if (is_atom(p)) {
		collect_atom(cache, refs, (otp_term){p, size});
	} else if (head_of(p) != 0) {
		end = p + size - tail_of(p);
		for (p += head_of(p); p < end; p += otp_span(p))
			otp_refs_collect(cache, refs, (otp_term){p, otp_span(p)});
	}
}

void otp_refs_write(const otp_refs *refs, otp_buf *out)
{
	uint8_t flags[OTP_REFS_MAX / 2 + 1] = {0};
	bool is_long = false;

	otp_buf_int(out, refs->count, 1);
	if (refs->count == 0)
		return;
	for (unsigned i = 0; i < refs->count; i++) {
		unsigned nibble = (unsigned)refs->slots[i] / 256 | (refs->is_new[i] ? 8u : 0u);

		flags[i / 2] |= (uint8_t)(nibble << (4 * (i % 2)));
		is_long |= refs->is_new[i] && refs->atoms[i].data[0] == ATOM16;
	}
	if (is_long)
		flags[refs->count / 2] |= (uint8_t)(1u << (4 * (refs->count % 2)));
	otp_buf_add(out, flags, refs->count / 2 + 1);
	for (unsigned i = 0; i < refs->count; i++) {
		size_t head = refs->atoms[i].data[0] == ATOM8 ? 2 : 3;

		otp_buf_int(out, refs->slots[i] % 256, 1);
		if (!refs->is_new[i])
			continue;
		otp_buf_int(out, refs->atoms[i].size - head, is_long ? 2 : 1);
		otp_buf_add(out, refs->atoms[i].data + head, refs->atoms[i].size - head);
	}
}

static void encode_atom(otp_term atom, const otp_refs *refs, otp_buf *out)
{
	for (unsigned i = 0; refs != NULL && i < refs->count; i++) {
		if (!otp_equal(refs->atoms[i], atom))
			continue;
		otp_buf_int(out, CACHED, 1);
		otp_buf_int(out, i, 1);
		return;
	}
	otp_buf_add(out, atom.data, atom.size);
}

/* True when it was a proper list of bytes, and is written. */
static bool encode_string(otp_term list, otp_buf *out)
{
	size_t count = otp_get_int(list.data + 1, 4);
	const uint8_t *p = list.data + 5;

	if (count > UINT16_MAX || list.size != 6 + 2 * count || list.data[list.size - 1] != NIL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (p[2 * i] != INT8)
			return false;
	otp_buf_int(out, STRING, 1);
	otp_buf_int(out, count, 2);
	for (size_t i = 0; i < count; i++)
		otp_buf_int(out, p[2 * i + 1], 1);
	return true;
}

static void patch_fun(otp_buf *out, size_t start)
{
	size_t size = out->size - start - 1;

	for (unsigned i = 0; i < 4; i++)
		out->data[start + 1 + i] = (uint8_t)(size >> (24 - 8 * i));
}

void otp_encode(otp_term term, const otp_refs *refs, otp_buf *out)
{
	const uint8_t *p = term.data, *end;
	size_t start = out->size, head = head_of(p), tail = tail_of(p);

	if (is_atom(p)) {
		encode_atom(term, refs, out);
		return;
	}
	if (p[0] == LIST && encode_string(term, out))
		return;
	if (head == 0) {
		otp_buf_add(out, p, term.size);
		return;
	}
	otp_buf_add(out, p, head);
	end = p + term.size - tail;
	for (p += head; p < end; p += otp_span(p))
		otp_encode((otp_term){p, otp_span(p)}, refs, out);
	otp_buf_add(out, end, tail);
	if (term.data[0] == FUN)
		patch_fun(out, start);
}
