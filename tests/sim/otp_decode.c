/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the wire to canonical terms (erl_ext_dist). Every length is checked against what remains;
 * what a BEAM would close the connection for is refused, as far as a peer could do it by mistake:
 * unknown tags, compressed terms, atoms that are too long, cache references that were never set.
 */
#include "tests/sim/otp_code.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD = 67, FLOAT = 70, BITS = 77, CACHED = 82, PID = 88, PORT32 = 89, REF = 90 };
enum { INT8 = 97, INT32 = 98, TEXT_FLOAT = 99, LATIN16 = 100, OLD_REF = 101, OLD_PORT = 102 };
enum { OLD_PID = 103, TUPLE8 = 104, TUPLE32 = 105, NIL = 106, STRING = 107, LIST = 108 };
enum { BINARY = 109, BIG8 = 110, BIG32 = 111, FUN = 112, EXPORT = 113, SHORT_REF = 114 };
enum { LATIN8 = 115, MAP = 116, UTF16 = 118, UTF8 = 119, PORT64 = 120 };

struct decoder {
	otp_bytes *in;
	const otp_refs *refs;
	otp_buf *out;
	unsigned depth;
};

static bool take(otp_bytes *in, size_t size, const uint8_t **ret_at)
{
	if (in->left < size)
		return false;
	*ret_at = in->at;
	in->at += size;
	in->left -= size;
	return true;
}

static bool take_int(otp_bytes *in, unsigned bytes, uint64_t *ret_value)
{
	const uint8_t *p;

	if (!take(in, bytes, &p))
		return false;
	*ret_value = otp_get_int(p, bytes);
	return true;
}

/* Characters, not bytes; false when it is no UTF-8. */
static bool count_characters(const uint8_t *p, size_t size, size_t *ret_count)
{
	size_t count = 0, i = 0;

	while (i < size) {
		size_t more = p[i] < 0x80   ? 0
			      : p[i] < 0xc2 ? 9
			      : p[i] < 0xe0 ? 1
			      : p[i] < 0xf0 ? 2
					    : 3;

		if (p[i] > 0xf4 || more >= size - i)
			return false;
		for (size_t k = 1; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
		count++;
	}
	*ret_count = count;
	return true;
}

static bool copy_utf8(otp_bytes *in, unsigned length_bytes, otp_buf *out)
{
	const uint8_t *p;
	uint64_t size;
	size_t count;

	if (!take_int(in, length_bytes, &size) || !take(in, size, &p) ||
		!count_characters(p, size, &count) || count > 255)
		return false;
	otp_put_atom(out, (const char *)p, size);
	return true;
}

static bool copy_latin(otp_bytes *in, unsigned length_bytes, otp_buf *out)
{
	const uint8_t *p;
	uint64_t size;
	otp_buf text = {0};

	if (!take_int(in, length_bytes, &size) || size > 255 || !take(in, size, &p))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (p[i] >= 0x80)
			otp_buf_int(&text, 0xc0 | p[i] >> 6, 1);
		otp_buf_int(&text, p[i] < 0x80 ? p[i] : (0x80 | (p[i] & 0x3f)), 1);
	}
	otp_put_atom(out, (const char *)text.data, text.size);
	otp_buf_free(&text);
	return true;
}

static bool copy_atom(struct decoder *d, uint8_t tag)
{
	uint64_t index;

	if (tag == UTF8 || tag == UTF16)
		return copy_utf8(d->in, tag == UTF8 ? 1 : 2, d->out);
	if (tag == LATIN8 || tag == LATIN16)
		return copy_latin(d->in, tag == LATIN8 ? 1 : 2, d->out);
	if (tag != CACHED || !take_int(d->in, 1, &index) || d->refs == NULL ||
		index >= d->refs->count)
		return false;
	otp_buf_add(d->out, d->refs->atoms[index].data, d->refs->atoms[index].size);
	return true;
}

static bool copy_node(struct decoder *d)
{
	uint64_t tag;

	return take_int(d->in, 1, &tag) && copy_atom(d, (uint8_t)tag);
}

static bool copy_bytes(struct decoder *d, size_t size)
{
	const uint8_t *p;

	if (!take(d->in, size, &p))
		return false;
	otp_buf_add(d->out, p, size);
	return true;
}

/* A creation of one byte becomes one of four. */
static bool copy_creation(struct decoder *d, bool is_old)
{
	uint64_t creation;

	if (!take_int(d->in, is_old ? 1 : 4, &creation))
		return false;
	otp_buf_int(d->out, creation, 4);
	return true;
}

static bool copy_pid(struct decoder *d, bool is_old)
{
	otp_buf_int(d->out, PID, 1);
	return copy_node(d) && copy_bytes(d, 8) && copy_creation(d, is_old);
}

static bool copy_port(struct decoder *d, uint8_t tag)
{
	otp_buf_int(d->out, PORT64, 1);
	if (!copy_node(d))
		return false;
	if (tag != PORT64)
		otp_buf_int(d->out, 0, 4);
	return copy_bytes(d, tag == PORT64 ? 8 : 4) && copy_creation(d, tag == OLD_PORT);
}

static bool copy_ref(struct decoder *d, uint8_t tag)
{
	uint64_t count = 1;

	if (tag != OLD_REF && (!take_int(d->in, 2, &count) || count > 5))
		return false;
	otp_buf_int(d->out, REF, 1);
	otp_buf_int(d->out, count, 2);
	if (!copy_node(d))
		return false;
	if (tag != OLD_REF)
		return copy_creation(d, tag == SHORT_REF) && copy_bytes(d, 4 * count);
	/* The oldest form has its word first. */
	return d->in->left >= 5 && (otp_buf_int(d->out, d->in->at[4], 4), copy_bytes(d, 4)) &&
	       (d->in->at++, d->in->left--, true);
}

static bool copy_big(struct decoder *d, unsigned length_bytes)
{
	const uint8_t *p;
	uint64_t size, magnitude = 0;

	if (!take_int(d->in, length_bytes, &size) || !take(d->in, size + 1, &p))
		return false;
	while (size > 0 && p[size] == 0)
		size--;
	for (uint64_t i = size; i > 0 && size <= 8; i--)
		magnitude = magnitude << 8 | p[i];
	if (size <= 8 && magnitude <= INT64_MAX) {
		otp_put_int(d->out, p[0] != 0 ? -(int64_t)magnitude : (int64_t)magnitude);
		return true;
	}
	otp_buf_int(d->out, size < 256 ? BIG8 : BIG32, 1);
	otp_buf_int(d->out, size, size < 256 ? 1 : 4);
	otp_buf_int(d->out, p[0] != 0, 1);
	otp_buf_add(d->out, p + 1, size);
	return true;
}

static bool copy_string(struct decoder *d)
{
	const uint8_t *p;
	uint64_t size;

	if (!take_int(d->in, 2, &size) || !take(d->in, size, &p))
		return false;
	if (size > 0) {
		otp_buf_int(d->out, LIST, 1);
		otp_buf_int(d->out, size, 4);
	}
	for (size_t i = 0; i < size; i++)
		otp_put_int(d->out, p[i]);
	otp_buf_int(d->out, NIL, 1);
	return true;
}

static bool copy_text_float(struct decoder *d)
{
	const uint8_t *p;
	char text[32];
	double value;
	uint64_t bits;

	if (!take(d->in, 31, &p))
		return false;
	memcpy(text, p, 31);
	text[31] = '\0';
	value = strtod(text, NULL);
	memcpy(&bits, &value, sizeof bits);
	otp_buf_int(d->out, FLOAT, 1);
	otp_buf_int(d->out, bits, 8);
	return true;
}

static bool copy_float(struct decoder *d)
{
	/* An exponent of all ones: infinite, or no number. */
	if (d->in->left < 8 || (otp_get_int(d->in->at, 2) & 0x7ff0) == 0x7ff0)
		return false;
	otp_buf_int(d->out, FLOAT, 1);
	return copy_bytes(d, 8);
}

static bool copy_sized(struct decoder *d, uint8_t tag, size_t more)
{
	uint64_t size;

	if (!take_int(d->in, 4, &size))
		return false;
	otp_buf_int(d->out, tag, 1);
	otp_buf_int(d->out, size, 4);
	return copy_bytes(d, size + more);
}

static bool copy_term(struct decoder *d);

static bool copy_terms(struct decoder *d, uint64_t count)
{
	bool is_sound = count <= d->in->left && ++d->depth < OTP_DEPTH_MAX;

	for (uint64_t i = 0; is_sound && i < count; i++)
		is_sound = copy_term(d);
	d->depth--;
	return is_sound;
}

static bool copy_tuple(struct decoder *d, unsigned length_bytes)
{
	uint64_t count;

	if (!take_int(d->in, length_bytes, &count))
		return false;
	otp_buf_int(d->out, count < 256 ? TUPLE8 : TUPLE32, 1);
	otp_buf_int(d->out, count, count < 256 ? 1 : 4);
	return copy_terms(d, count);
}

static bool copy_list(struct decoder *d)
{
	uint64_t count;

	if (!take_int(d->in, 4, &count))
		return false;
	if (count == 0)
		return copy_term(d);
	otp_buf_int(d->out, LIST, 1);
	otp_buf_int(d->out, count, 4);
	return copy_terms(d, count + 1);
}

static bool copy_map(struct decoder *d)
{
	uint64_t count;

	if (!take_int(d->in, 4, &count))
		return false;
	otp_buf_int(d->out, MAP, 1);
	otp_buf_int(d->out, count, 4);
	return copy_terms(d, 2 * count);
}

/* size arity uniq index free-count, then module, two integers, pid and the free variables. */
static bool copy_fun(struct decoder *d)
{
	size_t start = d->out->size;
	uint64_t size, count;

	otp_buf_int(d->out, FUN, 1);
	if (!take_int(d->in, 4, &size))
		return false;
	otp_buf_int(d->out, 0, 4);
	if (d->in->left < 25)
		return false;
	count = otp_get_int(d->in->at + 21, 4);
	if (!copy_bytes(d, 25) || !copy_terms(d, 4 + count))
		return false;
	size = d->out->size - start - 1;
	for (unsigned i = 0; i < 4; i++)
		d->out->data[start + 1 + i] = (uint8_t)(size >> (24 - 8 * i));
	return true;
}

static bool copy_record(struct decoder *d)
{
	uint64_t count;

	if (d->in->left < 5)
		return false;
	count = otp_get_int(d->in->at, 4);
	otp_buf_int(d->out, RECORD, 1);
	return copy_bytes(d, 5) && copy_terms(d, 2 + 2 * count);
}

static bool copy_number(struct decoder *d, uint8_t tag)
{
	uint64_t value;

	switch (tag) {
	case INT8:
	case INT32:
		if (!take_int(d->in, tag == INT8 ? 1 : 4, &value))
			return false;
		otp_put_int(d->out, tag == INT8 ? (int64_t)value : (int32_t)(uint32_t)value);
		return true;
	case BIG8: return copy_big(d, 1);
	case BIG32: return copy_big(d, 4);
	case FLOAT: return copy_float(d);
	default: return copy_text_float(d);
	}
}

static bool copy_identifier(struct decoder *d, uint8_t tag)
{
	switch (tag) {
	case PID:
	case OLD_PID: return copy_pid(d, tag == OLD_PID);
	case PORT32:
	case PORT64:
	case OLD_PORT: return copy_port(d, tag);
	default: return copy_ref(d, tag);
	}
}

static bool copy_compound(struct decoder *d, uint8_t tag)
{
	switch (tag) {
	case TUPLE8: return copy_tuple(d, 1);
	case TUPLE32: return copy_tuple(d, 4);
	case NIL: otp_buf_int(d->out, NIL, 1); return true;
	case STRING: return copy_string(d);
	case LIST: return copy_list(d);
	case BINARY: return copy_sized(d, BINARY, 0);
	case BITS: return copy_sized(d, BITS, 1);
	case MAP: return copy_map(d);
	case FUN: return copy_fun(d);
	case EXPORT: otp_buf_int(d->out, EXPORT, 1); return copy_terms(d, 3);
	case RECORD: return copy_record(d);
	default: return copy_atom(d, tag);
	}
}

static bool copy_term(struct decoder *d)
{
	uint64_t tag;

	if (!take_int(d->in, 1, &tag))
		return false;
	switch (tag) {
	case INT8:
	case INT32:
	case BIG8:
	case BIG32:
	case FLOAT:
	case TEXT_FLOAT: return copy_number(d, (uint8_t)tag);
	case PID:
	case OLD_PID:
	case PORT32:
	case PORT64:
	case OLD_PORT:
	case REF:
	case OLD_REF:
	case SHORT_REF: return copy_identifier(d, (uint8_t)tag);
	default: return copy_compound(d, (uint8_t)tag);
	}
}

bool otp_decode(otp_bytes *in, const otp_refs *refs, otp_buf *out)
{
	struct decoder d = {in, refs, out, 0};

	return copy_term(&d);
}

/* ---- the cache ------------------------------------------------------------------------------- */

void otp_cache_free(otp_cache *cache)
{
	for (size_t i = 0; i < OTP_CACHE_SLOTS; i++)
		otp_drop(&cache->atoms[i]);
}

static bool read_ref(otp_cache *cache, otp_bytes *in, unsigned flags, bool is_long, otp_refs *refs)
{
	uint64_t index;
	otp_buf atom = {0};
	otp_term *slot;

	if (!take_int(in, 1, &index))
		return false;
	slot = &cache->atoms[(flags & 7) * 256 + index];
	if ((flags & 8) != 0) {
		if (!copy_utf8(in, is_long ? 2 : 1, &atom)) {
			otp_buf_free(&atom);
			return false;
		}
		/* An earlier entry of this very header cannot name the same slot: nobody sends it.
		 */
		otp_drop(slot);
		*slot = otp_term_of(&atom);
	}
	refs->atoms[refs->count++] = *slot;
	return slot->data != NULL;
}

bool otp_cache_read(otp_cache *cache, otp_bytes *in, otp_refs *ret_refs)
{
	uint64_t count;
	const uint8_t *flags = NULL;
	bool is_long;

	ret_refs->count = 0;
	if (!take_int(in, 1, &count))
		return false;
	if (count == 0)
		return true;
	if (!take(in, count / 2 + 1, &flags))
		return false;
	is_long = (flags[count / 2] >> (count % 2 == 0 ? 0 : 4) & 1) != 0;
	for (unsigned i = 0; i < count; i++)
		if (!read_ref(cache, in, flags[i / 2] >> (4 * (i % 2)) & 15, is_long, ret_refs))
			return false;
	return true;
}
