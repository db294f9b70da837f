/* SPDX-License-Identifier: Apache-2.0 */
#include "node/term/write.h"

#include "node/term/step.h"
#include "node/term/tag.h"

#define STRING_SIZE_MAX 65535
#define SMALL_PORT_ID_MAX ((UINT64_C(1) << 28) - 1)

static uint8_t *put_head(fli_buf *buf, uint8_t tag, uint32_t n)
{
	uint8_t *p = fli_buf_extend(buf, 5);

	if (p == NULL)
		return NULL;
	p[0] = tag;
	fli_put32(p + 1, n);
	return p;
}

void fli_write_tuple(fli_buf *buf, uint32_t arity)
{
	uint8_t *p;

	if (arity > FLI_TUPLE_ARITY_MAX) {
		buf->failed = true;
		return;
	}
	if (arity > 255) {
		(void)put_head(buf, FLI_LARGE_TUPLE_EXT, arity); /* sticky */
		return;
	}
	p = fli_buf_extend(buf, 2);
	if (p == NULL)
		return;
	p[0] = FLI_SMALL_TUPLE_EXT;
	p[1] = (uint8_t)arity;
}

void fli_write_list(fli_buf *buf, uint32_t length)
{
	if (length != 0)
		(void)put_head(buf, FLI_LIST_EXT, length); /* sticky */
}

void fli_write_map(fli_buf *buf, uint32_t pairs)
{
	(void)put_head(buf, FLI_MAP_EXT, pairs); /* sticky */
}

void fli_write_nil(fli_buf *buf)
{
	fli_buf_add8(buf, FLI_NIL_EXT);
}

void fli_write_atom(fli_buf *buf, fl_atom atom)
{
	uint8_t *p;

	if (atom.size > FLI_ATOM_BYTES_MAX) {
		buf->failed = true;
		return;
	}
	p = fli_buf_extend(buf, fli_atom_encoded_size(atom.size));
	if (p == NULL)
		return;
	if (atom.size < 256) {
		*p++ = FLI_SMALL_ATOM_UTF8_EXT;
		*p++ = (uint8_t)atom.size;
	} else {
		*p++ = FLI_ATOM_UTF8_EXT;
		fli_put16(p, (uint16_t)atom.size);
		p += 2;
	}
	if (atom.size != 0)
		memcpy(p, atom.text, atom.size);
}

static void write_big(fli_buf *buf, bool is_negative, uint64_t magnitude)
{
	size_t size = (71 - (size_t)__builtin_clzll(magnitude)) / 8;
	uint8_t *p = fli_buf_extend(buf, 3 + size);

	if (p == NULL)
		return;
	p[0] = FLI_SMALL_BIG_EXT;
	p[1] = (uint8_t)size;
	p[2] = is_negative;
	for (size_t i = 0; i < size; i++)
		p[3 + i] = (uint8_t)(magnitude >> 8 * i);
}

void fli_write_int(fli_buf *buf, int64_t value)
{
	uint8_t *p;

	if (value >= 0 && value <= 255) {
		p = fli_buf_extend(buf, 2);
		if (p == NULL)
			return;
		p[0] = FLI_SMALL_INTEGER_EXT;
		p[1] = (uint8_t)value;
	} else if (value >= INT32_MIN && value <= INT32_MAX) {
		(void)put_head(buf, FLI_INTEGER_EXT, (uint32_t)value); /* sticky */
	} else {
		write_big(buf, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
	}
}

void fli_write_uint(fli_buf *buf, uint64_t value)
{
	if (value <= INT64_MAX)
		fli_write_int(buf, (int64_t)value);
	else
		write_big(buf, false, value);
}

void fli_write_double(fli_buf *buf, double value)
{
	uint64_t bits;
	uint8_t *p;

	memcpy(&bits, &value, sizeof bits);
	if (!fli_float_is_finite(bits)) {
		buf->failed = true;
		return;
	}
	p = fli_buf_extend(buf, 9);
	if (p == NULL)
		return;
	p[0] = FLI_NEW_FLOAT_EXT;
	fli_put64(p + 1, bits);
}

void fli_write_binary(fli_buf *buf, const void *bytes, size_t size)
{
	uint8_t *p;

	if (size > UINT32_MAX) {
		buf->failed = true;
		return;
	}
	p = fli_buf_extend(buf, 5 + size);
	if (p == NULL)
		return;
	p[0] = FLI_BINARY_EXT;
	fli_put32(p + 1, (uint32_t)size);
	if (size != 0)
		memcpy(p + 5, bytes, size);
}

/* Bytes that are no UTF-8 stand for themselves. */
static size_t next_char(const uint8_t *at, size_t size, uint32_t *ret_char)
{
	size_t used = fli_utf8_decode(at, size, ret_char);

	if (used != 0)
		return used;
	*ret_char = *at;
	return 1;
}

void fli_write_string(fli_buf *buf, const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t size = strlen(text), count = 0;
	uint32_t c, widest = 0;
	uint8_t *p;

	for (size_t i = 0; i < size; count++) {
		i += next_char(bytes + i, size - i, &c);
		if (c > widest)
			widest = c;
	}
	if (count > UINT32_MAX) {
		buf->failed = true;
	} else if (count == 0) {
		fli_write_nil(buf);
	} else if (widest <= 255 && count <= STRING_SIZE_MAX) {
		p = fli_buf_extend(buf, 3 + count);
		if (p == NULL)
			return;
		p[0] = FLI_STRING_EXT;
		fli_put16(p + 1, (uint16_t)count);
		p += 3;
		for (size_t i = 0; i < size; *p++ = (uint8_t)c)
			i += next_char(bytes + i, size - i, &c);
	} else {
		fli_write_list(buf, (uint32_t)count);
		for (size_t i = 0; i < size; fli_write_int(buf, c))
			i += next_char(bytes + i, size - i, &c);
		fli_write_nil(buf);
	}
}

void fli_write_rest_header(fli_buf *buf, fl_term term)
{
	uint8_t *p;

	if (term.size != term.rest) {
		fli_write_list(buf, term.rest);
		return;
	}
	p = fli_buf_extend(buf, 3);
	if (p == NULL)
		return;
	p[0] = FLI_STRING_EXT;
	fli_put16(p + 1, (uint16_t)term.rest);
}

void fli_write_pid(fli_buf *buf, const fl_pid *pid)
{
	uint8_t *p;

	fli_buf_add8(buf, FLI_NEW_PID_EXT);
	fli_write_atom(buf, pid->node);
	p = fli_buf_extend(buf, 12);
	if (p == NULL)
		return;
	fli_put32(p, pid->id);
	fli_put32(p + 4, pid->serial);
	fli_put32(p + 8, pid->creation);
}

void fli_write_ref(fli_buf *buf, const fl_ref *ref)
{
	uint8_t *p;

	if (ref->count > FLI_REF_WORDS_MAX) {
		buf->failed = true;
		return;
	}
	p = fli_buf_extend(buf, 3);
	if (p == NULL)
		return;
	p[0] = FLI_NEWER_REFERENCE_EXT;
	fli_put16(p + 1, (uint16_t)ref->count);
	fli_write_atom(buf, ref->node);
	p = fli_buf_extend(buf, 4 + 4 * (size_t)ref->count);
	if (p == NULL)
		return;
	fli_put32(p, ref->creation);
	for (size_t i = 0; i < ref->count; i++)
		fli_put32(p + 4 + 4 * i, ref->words[i]);
}

/* OTP 23 knows only the narrow form. */
void fli_write_port(fli_buf *buf, const fl_port *port)
{
	bool is_narrow = port->id <= SMALL_PORT_ID_MAX;

	fli_buf_add8(buf, is_narrow ? FLI_NEW_PORT_EXT : FLI_V4_PORT_EXT);
	fli_write_atom(buf, port->node);
	if (is_narrow)
		fli_buf_add32(buf, (uint32_t)port->id);
	else
		fli_buf_add64(buf, port->id);
	fli_buf_add32(buf, port->creation);
}
