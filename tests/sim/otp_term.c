/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical terms: building, matching, looking.
 *
 * - Formats are read once, left to right. A tuple's arity and a list's length are patched in when
 *   its end is reached, so nothing has to be counted beforehand.
 * - A match walks term and format together; the captured terms borrow from the term.
 * - Every term in here was built here or went through otp_decode: no length is doubted.
 */
#include "tests/sim/otp_term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INT8 = 97, INT32 = 98, TUPLE8 = 104, TUPLE32 = 105, NIL = 106, LIST = 108, BIG8 = 110 };
enum { BIG32 = 111, FUN = 112, EXPORT = 113, MAP = 116, ATOM16 = 118, ATOM8 = 119 };
enum { PID = 88, PORT32 = 89, REF = 90, FLOAT = 70, BITS = 77, BINARY = 109, PORT64 = 120 };
enum { RECORD = 67 };

void *otp_alloc(size_t size)
{
	void *p = calloc(1, size == 0 ? 1 : size);

	if (p == NULL)
		abort();
	return p;
}

uint8_t *otp_buf_extend(otp_buf *buf, size_t size)
{
	if (buf->room - buf->size < size) {
		size_t room = (buf->size + size) * 2 + 64;
		uint8_t *data = realloc(buf->data, room);

		if (data == NULL)
			abort();
		buf->data = data;
		buf->room = room;
	}
	buf->size += size;
	return buf->data + buf->size - size;
}

void otp_buf_add(otp_buf *buf, const void *data, size_t size)
{
	if (size > 0)
		memcpy(otp_buf_extend(buf, size), data, size);
}

void otp_buf_int(otp_buf *buf, uint64_t value, unsigned bytes)
{
	uint8_t *p = otp_buf_extend(buf, bytes);

	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
}

void otp_buf_free(otp_buf *buf)
{
	free(buf->data);
	*buf = (otp_buf){NULL, 0, 0};
}

uint64_t otp_get_int(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

/* ---- building -------------------------------------------------------------------------------- */

void otp_put_atom(otp_buf *buf, const char *text, size_t size)
{
	otp_buf_int(buf, size < 256 ? ATOM8 : ATOM16, 1);
	otp_buf_int(buf, size, size < 256 ? 1 : 2);
	otp_buf_add(buf, text, size);
}

static void put_big(otp_buf *buf, uint64_t magnitude, bool is_negative)
{
	unsigned count = 0;

	for (uint64_t m = magnitude; m != 0; m >>= 8)
		count++;
	otp_buf_int(buf, BIG8, 1);
	otp_buf_int(buf, count, 1);
	otp_buf_int(buf, is_negative, 1);
	for (; count > 0; count--, magnitude >>= 8)
		otp_buf_int(buf, magnitude & 0xff, 1);
}

void otp_put_int(otp_buf *buf, int64_t value)
{
	if (value >= 0 && value < 256) {
		otp_buf_int(buf, INT8, 1);
		otp_buf_int(buf, (uint64_t)value, 1);
	} else if (value >= INT32_MIN && value <= INT32_MAX) {
		otp_buf_int(buf, INT32, 1);
		otp_buf_int(buf, (uint64_t)value, 4);
	} else {
		put_big(buf, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
	}
}

void otp_put_pid(otp_buf *buf, const char *node, otp_pid pid)
{
	otp_buf_int(buf, PID, 1);
	otp_put_atom(buf, node, strlen(node));
	otp_buf_int(buf, pid.id, 4);
	otp_buf_int(buf, pid.serial, 4);
	otp_buf_int(buf, pid.creation, 4);
}

void otp_put_ref(
	otp_buf *buf, const char *node, uint32_t creation, const uint32_t *words, unsigned count)
{
	otp_buf_int(buf, REF, 1);
	otp_buf_int(buf, count, 2);
	otp_put_atom(buf, node, strlen(node));
	otp_buf_int(buf, creation, 4);
	for (unsigned i = 0; i < count; i++)
		otp_buf_int(buf, words[i], 4);
}

/* A format under way: where it stands, and the holes' values. */
struct reader {
	const char *at;
	va_list args;
};

static bool is_end_of_word(char c)
{
	return c == '\0' || strchr(",{}[]|", c) != NULL;
}

static size_t word_length(const char *at)
{
	size_t length = 0;

	while (!is_end_of_word(at[length]))
		length++;
	return length;
}

static bool is_number(const char *at)
{
	return (*at >= '0' && *at <= '9') || (*at == '-' && at[1] >= '0' && at[1] <= '9');
}

static void build_hole(otp_buf *buf, struct reader *r)
{
	const char *text;
	otp_term term;
	char kind = r->at[1];

	r->at += 2;
	if (kind == 'a') {
		text = va_arg(r->args, const char *);
		otp_put_atom(buf, text, strlen(text));
	} else if (kind == 'i') {
		otp_put_int(buf, va_arg(r->args, int64_t));
	} else {
		term = va_arg(r->args, otp_term);
		otp_buf_add(buf, term.data, term.size);
	}
}

static void build_one(otp_buf *buf, struct reader *r);

static unsigned build_items(otp_buf *buf, struct reader *r)
{
	unsigned count = 0;

	while (*r->at != '}' && *r->at != ']' && *r->at != '|' && *r->at != '\0') {
		build_one(buf, r);
		count++;
		if (*r->at == ',')
			r->at++;
	}
	return count;
}

static void build_tuple(otp_buf *buf, struct reader *r)
{
	size_t at = buf->size;

	r->at++;
	otp_buf_int(buf, TUPLE8, 1);
	otp_buf_int(buf, 0, 1);
	buf->data[at + 1] = (uint8_t)build_items(buf, r);
	if (*r->at == '}')
		r->at++;
}

static void build_list(otp_buf *buf, struct reader *r)
{
	size_t at = buf->size;
	unsigned count;

	r->at++;
	otp_buf_int(buf, LIST, 1);
	otp_buf_int(buf, 0, 4);
	count = build_items(buf, r);
	for (unsigned i = 0; i < 4; i++)
		buf->data[at + 1 + i] = (uint8_t)(count >> (24 - 8 * i));
	if (count == 0)
		buf->size = at;
	if (*r->at == '|') {
		r->at++;
		build_one(buf, r);
	} else {
		otp_buf_int(buf, NIL, 1);
	}
	if (*r->at == ']')
		r->at++;
}

static void build_one(otp_buf *buf, struct reader *r)
{
	size_t length;

	if (*r->at == '{') {
		build_tuple(buf, r);
	} else if (*r->at == '[') {
		build_list(buf, r);
	} else if (*r->at == '~') {
		build_hole(buf, r);
	} else if (is_number(r->at)) {
		otp_put_int(buf, strtoll(r->at, NULL, 10));
		r->at += word_length(r->at);
	} else {
		length = word_length(r->at);
		otp_put_atom(buf, r->at, length);
		r->at += length;
	}
}

void otp_vbuild(otp_buf *buf, const char *format, va_list args)
{
	struct reader r = {.at = format};

	va_copy(r.args, args);
	build_one(buf, &r);
	va_end(r.args);
}

void otp_build(otp_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	otp_vbuild(buf, format, args);
	va_end(args);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* The length of what needs no look at its elements; 0: it has some, `*ret_count` of them. */
static size_t flat_span(const uint8_t *p, size_t *ret_head, size_t *ret_count)
{
	*ret_head = 1;
	*ret_count = 0;
	switch (p[0]) {
	case INT8: return 2;
	case INT32: return 5;
	case FLOAT: return 9;
	case NIL: return 1;
	case BIG8: return 3 + (size_t)p[1];
	case BIG32: return 6 + (size_t)otp_get_int(p + 1, 4);
	case ATOM8: return 2 + (size_t)p[1];
	case ATOM16: return 3 + (size_t)otp_get_int(p + 1, 2);
	case BINARY: return 5 + (size_t)otp_get_int(p + 1, 4);
	case BITS: return 6 + (size_t)otp_get_int(p + 1, 4);
	case FUN: return 1 + (size_t)otp_get_int(p + 1, 4);
	case PID: return 13 + otp_span(p + 1);
	case PORT32: return 9 + otp_span(p + 1);
	case PORT64: return 13 + otp_span(p + 1);
	case REF: return 7 + otp_span(p + 3) + 4 * (size_t)otp_get_int(p + 1, 2);
	case TUPLE8: *ret_head = 2, *ret_count = p[1]; return 0;
	case TUPLE32: *ret_head = 5, *ret_count = otp_get_int(p + 1, 4); return 0;
	case LIST: *ret_head = 5, *ret_count = otp_get_int(p + 1, 4) + 1; return 0;
	case MAP: *ret_head = 5, *ret_count = otp_get_int(p + 1, 4) * 2; return 0;
	case EXPORT: *ret_count = 3; return 0;
	case RECORD: *ret_head = 6, *ret_count = 2 + otp_get_int(p + 1, 4) * 2; return 0;
	default: abort(); /* not canonical: a defect of the model */
	}
}

size_t otp_span(const uint8_t *p)
{
	size_t head, count, total = 0;

	for (size_t left = 1; left > 0; left--) {
		size_t size = flat_span(p + total, &head, &count);

		total += size > 0 ? size : head;
		left += count;
	}
	return total;
}

otp_term otp_keep(otp_term term)
{
	uint8_t *data = otp_alloc(term.size);

	if (term.size > 0)
		memcpy(data, term.data, term.size);
	return (otp_term){data, term.size};
}

void otp_drop(otp_term *term)
{
	free((void *)(uintptr_t)term->data);
	*term = OTP_NONE;
}

bool otp_equal(otp_term a, otp_term b)
{
	return a.data != NULL && b.data != NULL && a.size == b.size &&
	       memcmp(a.data, b.data, a.size) == 0;
}

bool otp_is_atom(otp_term term, const char *text)
{
	size_t size = strlen(text);

	return term.data != NULL && term.data[0] == ATOM8 && term.data[1] == size &&
	       memcmp(term.data + 2, text, size) == 0;
}

bool otp_is_pid(otp_term term)
{
	return term.data != NULL && term.data[0] == PID;
}

bool otp_is_ref(otp_term term)
{
	return term.data != NULL && term.data[0] == REF;
}

void otp_set_atom(otp_atom *atom, const char *text)
{
	size_t size = strnlen(text, sizeof atom->text - 1);

	memcpy(atom->text, text, size);
	atom->text[size] = '\0';
}

bool otp_get_atom(otp_term term, otp_atom *ret_atom)
{
	size_t head, size;

	if (term.data == NULL || (term.data[0] != ATOM8 && term.data[0] != ATOM16))
		return false;
	head = term.data[0] == ATOM8 ? 2 : 3;
	size = otp_get_int(term.data + 1, (unsigned)head - 1);
	if (size >= sizeof ret_atom->text)
		return false;
	memcpy(ret_atom->text, term.data + head, size);
	ret_atom->text[size] = '\0';
	return true;
}

static bool get_big(otp_term term, int64_t *ret_value)
{
	uint64_t magnitude = 0;
	bool is_negative = term.data[2] != 0;

	if (term.data[1] > 8)
		return false;
	for (unsigned i = term.data[1]; i > 0; i--)
		magnitude = magnitude << 8 | term.data[2 + i];
	if (magnitude > (uint64_t)INT64_MAX)
		return false;
	*ret_value = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

bool otp_get_int64(otp_term term, int64_t *ret_value)
{
	if (term.data == NULL)
		return false;
	if (term.data[0] == BIG8)
		return get_big(term, ret_value);
	if (term.data[0] == INT8)
		*ret_value = term.data[1];
	else if (term.data[0] == INT32)
		*ret_value = (int32_t)otp_get_int(term.data + 1, 4);
	else
		return false;
	return true;
}

bool otp_node_of(otp_term term, otp_atom *ret_node)
{
	const uint8_t *p = term.data;

	if (p == NULL || (p[0] != PID && p[0] != REF && p[0] != PORT32 && p[0] != PORT64))
		return false;
	p += p[0] == REF ? 3 : 1;
	return otp_get_atom((otp_term){p, otp_span(p)}, ret_node);
}

bool otp_pid_parts(otp_term term, otp_pid *ret_pid)
{
	const uint8_t *p;

	if (!otp_is_pid(term))
		return false;
	p = term.data + term.size - 12;
	ret_pid->id = (uint32_t)otp_get_int(p, 4);
	ret_pid->serial = (uint32_t)otp_get_int(p + 4, 4);
	ret_pid->creation = (uint32_t)otp_get_int(p + 8, 4);
	return true;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

int otp_pid_compare(otp_term a, otp_term b)
{
	otp_pid pa = {0, 0, 0}, pb = {0, 0, 0};
	otp_atom na, nb;
	int order;

	if (!otp_pid_parts(a, &pa) || !otp_pid_parts(b, &pb) || !otp_node_of(a, &na) ||
		!otp_node_of(b, &nb))
		return 0;
	if ((order = compare_u32(pa.serial, pb.serial)) != 0)
		return order;
	if ((order = compare_u32(pa.id, pb.id)) != 0)
		return order;
	if ((order = strcmp(na.text, nb.text)) != 0)
		return order;
	return compare_u32(pa.creation, pb.creation);
}

unsigned otp_arity(otp_term tuple)
{
	if (tuple.data == NULL)
		return 0;
	if (tuple.data[0] == TUPLE8)
		return tuple.data[1];
	return tuple.data[0] == TUPLE32 ? (unsigned)otp_get_int(tuple.data + 1, 4) : 0;
}

otp_term otp_element(otp_term tuple, unsigned index)
{
	const uint8_t *p;

	if (index >= otp_arity(tuple))
		return OTP_NONE;
	p = tuple.data + (tuple.data[0] == TUPLE8 ? 2 : 5);
	for (; index > 0; index--)
		p += otp_span(p);
	return (otp_term){p, otp_span(p)};
}

/*
 * The rest of a list is the same bytes without their head: `data` then points at the next item and
 * `size` counts to the end. A first byte LIST means a list from its start.
 */
bool otp_next(otp_term *list, otp_term *ret_item)
{
	const uint8_t *p = list->data;
	size_t size;

	if (p == NULL || list->size == 0)
		return false;
	if (p[0] == NIL && list->size == 1)
		return false;
	if (p[0] == LIST && list->size == otp_span(p))
		p += 5, list->size -= 5;
	size = otp_span(p);
	if (size >= list->size)
		return false; /* the tail */
	*ret_item = (otp_term){p, size};
	list->data = p + size;
	list->size -= size;
	return true;
}

unsigned otp_length(otp_term list)
{
	return list.data != NULL && list.data[0] == LIST ? (unsigned)otp_get_int(list.data + 1, 4)
							 : 0;
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool match_hole(const uint8_t *p, size_t size, struct reader *r)
{
	otp_term term = {p, size};
	char kind = r->at[1];

	r->at += 2;
	if (kind == 'a')
		return otp_get_atom(term, va_arg(r->args, otp_atom *));
	if (kind == 'i')
		return otp_get_int64(term, va_arg(r->args, int64_t *));
	*va_arg(r->args, otp_term *) = term;
	return true;
}

static bool match_word(const uint8_t *p, struct reader *r)
{
	size_t length = word_length(r->at);
	const char *word = r->at;
	otp_term term = {p, otp_span(p)};
	int64_t value;

	r->at += length;
	if (length == 1 && *word == '_')
		return true;
	if (is_number(word))
		return otp_get_int64(term, &value) && value == strtoll(word, NULL, 10);
	return p[0] == ATOM8 && p[1] == length && memcmp(p + 2, word, length) == 0;
}

static bool match_one(const uint8_t **p, struct reader *r);

static bool match_items(const uint8_t **p, size_t count, struct reader *r)
{
	for (size_t i = 0; i < count; i++) {
		if (*r->at == '}' || *r->at == ']' || *r->at == '|' || !match_one(p, r))
			return false;
		if (*r->at == ',')
			r->at++;
	}
	return true;
}

static bool match_tuple(const uint8_t **p, struct reader *r)
{
	size_t count = (*p)[1];

	if ((*p)[0] != TUPLE8)
		return false;
	r->at++;
	*p += 2;
	return match_items(p, count, r) && *r->at++ == '}';
}

static bool match_list(const uint8_t **p, struct reader *r)
{
	size_t count = (*p)[0] == LIST ? otp_get_int(*p + 1, 4) : 0;

	if ((*p)[0] != LIST && (*p)[0] != NIL)
		return false;
	r->at++;
	*p += (*p)[0] == LIST ? 5 : 0;
	if (!match_items(p, count, r))
		return false;
	if (*r->at == '|') {
		r->at++;
		return match_one(p, r) && *r->at++ == ']';
	}
	return *(*p)++ == NIL && *r->at++ == ']';
}

static bool match_one(const uint8_t **p, struct reader *r)
{
	const uint8_t *start = *p;

	if (*r->at == '{')
		return match_tuple(p, r);
	if (*r->at == '[')
		return match_list(p, r);
	*p += otp_span(start);
	if (*r->at == '~')
		return match_hole(start, (size_t)(*p - start), r);
	return match_word(start, r);
}

bool otp_match(otp_term term, const char *format, ...)
{
	struct reader r = {.at = format};
	const uint8_t *p = term.data;
	bool is_match;

	if (p == NULL)
		return false;
	va_start(r.args, format);
	is_match = match_one(&p, &r);
	va_end(r.args);
	return is_match;
}
