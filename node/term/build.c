/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fl_build: the pattern is interpreted once, and each term is written where it belongs.
 *
 * - A tuple, list or map begins with a count of 0, which is put right at its end.
 * - A failure cuts the buffer back to where it was: half a term is never seen.
 *
 * Recursion follows the nesting of the pattern, at most 32.
 */
#include <math.h>

#include "node/term/atoms.h"
#include "node/term/pattern.h"
#include "node/term/step.h"
#include "node/term/tag.h"
#include "node/term/write.h"

struct build {
	fli_buf *buf;
	const char *p;
	const fl_value *values;
	size_t count;
	size_t used;
	unsigned depth;
	int error;
};

static bool build_term(struct build *b);

static bool fail(struct build *b, int error)
{
	b->error = error;
	return false;
}

static bool misuse(struct build *b)
{
	return fail(b, FL_EMISUSE);
}

static bool put_atom(fli_buf *buf, fl_atom atom)
{
	if (!fli_atom_text_ok(atom.text, atom.size))
		return false;
	fli_write_atom(buf, atom);
	return true;
}

static bool is_node(fl_atom node)
{
	return fli_atom_text_ok(node.text, node.size);
}

static bool put_term(fli_buf *buf, fl_term term)
{
	if (term.data == NULL || term.size == 0)
		return false;
	fli_write_term(buf, term);
	return true;
}

static bool put_ident(fli_buf *buf, const fl_value *value)
{
	switch (value->type) {
	case FL_SLOT_PID:
		if (!is_node(value->as.pid.node))
			return false;
		fli_write_pid(buf, &value->as.pid);
		return true;
	case FL_SLOT_REF:
		if (!is_node(value->as.ref.node) || value->as.ref.count > FLI_REF_WORDS_MAX)
			return false;
		fli_write_ref(buf, &value->as.ref);
		return true;
	default:
		if (!is_node(value->as.port.node))
			return false;
		fli_write_port(buf, &value->as.port);
		return true;
	}
}

/* False when the value has no external form. */
static bool put_value(fli_buf *buf, const fl_value *value)
{
	switch (value->type) {
	case FL_SLOT_I8:
	case FL_SLOT_I16:
	case FL_SLOT_I32:
	case FL_SLOT_I64: fli_write_int(buf, value->as.i); return true;
	case FL_SLOT_U8:
	case FL_SLOT_U16:
	case FL_SLOT_U32:
	case FL_SLOT_U64: fli_write_uint(buf, value->as.u); return true;
	case FL_SLOT_DOUBLE:
		if (!isfinite(value->as.d))
			return false;
		fli_write_double(buf, value->as.d);
		return true;
	case FL_SLOT_BOOL:
		fli_write_atom(buf, fl_atom_of(value->as.b ? "true" : "false"));
		return true;
	case FL_SLOT_BIN:
		if (value->as.bin.size > UINT32_MAX)
			return false;
		fli_write_binary(buf, value->as.bin.data, value->as.bin.size);
		return true;
	case FL_SLOT_ATOM: return put_atom(buf, value->as.atom);
	case FL_SLOT_TEXT:
	case FL_SLOT_TERM: return put_term(buf, value->as.term);
	default: return put_ident(buf, value);
	}
}

static bool build_argument(struct build *b)
{
	if (b->used == b->count)
		return misuse(b);
	return put_value(b->buf, &b->values[b->used++]) || fail(b, FL_EINVAL);
}

static bool build_number(struct build *b)
{
	fli_number number;

	if (!fli_pattern_number(&b->p, &number))
		return misuse(b);
	if (number.is_float)
		fli_write_double(b->buf, number.real);
	else if (!number.is_negative)
		fli_write_uint(b->buf, number.magnitude);
	else if (number.magnitude <= UINT64_C(1) << 63)
		fli_write_int(b->buf, (int64_t)(0 - number.magnitude));
	else
		return misuse(b);
	return true;
}

static bool build_quoted_atom(struct build *b)
{
	char buffer[FLI_ATOM_BYTES_MAX];
	fl_atom atom;

	return (fli_pattern_quoted(&b->p, buffer, &atom) && put_atom(b->buf, atom)) || misuse(b);
}

/* Counts the characters up to the quote. */
static bool measure(struct build *b, size_t *ret_count, bool *ret_wide)
{
	const char *p = b->p;
	uint32_t c;

	*ret_count = 0;
	for (*ret_wide = false; *p != '"'; ++*ret_count) {
		if (*p == '\0' || !fli_pattern_char(&p, &c))
			return misuse(b);
		*ret_wide |= c > 255;
	}
	return *ret_count < UINT32_MAX || misuse(b);
}

static bool build_string(struct build *b)
{
	bool is_wide = false;
	size_t count = 0;
	uint32_t c = 0;

	if (!measure(b, &count, &is_wide))
		return false;
	is_wide |= count > UINT16_MAX;
	if (is_wide) {
		fli_write_list(b->buf, (uint32_t)count);
	} else if (count != 0) {
		fli_buf_add8(b->buf, FLI_STRING_EXT);
		fli_buf_add16(b->buf, (uint16_t)count);
	}
	while (*b->p != '"') {
		(void)fli_pattern_char(&b->p, &c); /* measured */
		if (is_wide)
			fli_write_int(b->buf, c);
		else
			fli_buf_add8(b->buf, (uint8_t)c);
	}
	b->p++;
	if (is_wide || count == 0)
		fli_write_nil(b->buf);
	return true;
}

static bool build_binary(struct build *b)
{
	size_t start = b->buf->size;
	uint8_t byte;

	if (*++b->p != '<')
		return misuse(b);
	fli_write_binary(b->buf, NULL, 0);
	b->p = fli_pattern_space(b->p + 1);
	if (*b->p == '"') {
		for (b->p++; *b->p != '"'; fli_buf_add8(b->buf, byte))
			if (!fli_pattern_byte(&b->p, &byte))
				return misuse(b);
		b->p++;
	}
	if (!fli_pattern_take(&b->p, '>') || *b->p++ != '>')
		return misuse(b);
	if (!b->buf->failed)
		fli_put32(b->buf->data + start + 1, (uint32_t)(b->buf->size - start - 5));
	return true;
}

/* Terms with commas between them. */
static bool build_terms(struct build *b, uint32_t *ret_count)
{
	*ret_count = 0;
	do {
		if (!build_term(b))
			return false;
		++*ret_count;
	} while (fli_pattern_take(&b->p, ','));
	return true;
}

static bool build_tuple(struct build *b)
{
	size_t start = b->buf->size;
	uint32_t count = 0;

	fli_write_tuple(b->buf, 0);
	if (!fli_pattern_take(&b->p, '}')) {
		if (!build_terms(b, &count))
			return false;
		if (!fli_pattern_take(&b->p, '}') || count > UINT8_MAX)
			return misuse(b);
	}
	if (!b->buf->failed)
		b->buf->data[start + 1] = (uint8_t)count;
	return true;
}

static bool build_list(struct build *b)
{
	size_t start = b->buf->size;
	uint32_t count = 0;

	if (fli_pattern_take(&b->p, ']')) {
		fli_write_nil(b->buf);
		return true;
	}
	fli_write_list(b->buf, 1);
	if (!build_terms(b, &count))
		return false;
	if (!fli_pattern_take(&b->p, '|'))
		fli_write_nil(b->buf);
	else if (!build_term(b))
		return false;
	if (!fli_pattern_take(&b->p, ']'))
		return misuse(b);
	if (!b->buf->failed)
		fli_put32(b->buf->data + start + 1, count);
	return true;
}

static bool build_map(struct build *b)
{
	size_t start = b->buf->size;
	uint32_t count = 0;

	if (*b->p++ != '{')
		return misuse(b);
	fli_write_map(b->buf, 0);
	if (fli_pattern_take(&b->p, '}'))
		return true;
	do {
		if (!build_term(b))
			return false;
		if (!fli_pattern_take(&b->p, '=') || *b->p++ != '>')
			return misuse(b);
		if (!build_term(b))
			return false;
		count++;
	} while (fli_pattern_take(&b->p, ','));
	if (!fli_pattern_take(&b->p, '}'))
		return misuse(b);
	if (!b->buf->failed)
		fli_put32(b->buf->data + start + 1, count);
	return true;
}

static bool build_nested(struct build *b)
{
	char open = *b->p++;
	bool is_ok;

	if (b->depth++ == FLI_PATTERN_DEPTH_MAX)
		return misuse(b);
	is_ok = open == '{' ? build_tuple(b) : open == '[' ? build_list(b) : build_map(b);
	b->depth--;
	return is_ok;
}

static bool build_term(struct build *b)
{
	b->p = fli_pattern_space(b->p);
	switch (*b->p) {
	case '~': b->p++; return build_argument(b);
	case '{':
	case '[':
	case '#': return build_nested(b);
	case '"': b->p++; return build_string(b);
	case '<': return build_binary(b);
	case '\'': return build_quoted_atom(b);
	default: break;
	}
	if (fli_pattern_is_number_start(*b->p))
		return build_number(b);
	if (!fli_pattern_is_atom_start(*b->p))
		return misuse(b);
	return put_atom(b->buf, fli_pattern_bare(&b->p)) || misuse(b);
}

static int build_pattern(fli_buf *buf, const char *pattern, const fl_value *values, size_t count)
{
	struct build b = {.buf = buf, .p = pattern, .values = values, .count = count};

	if (!build_term(&b))
		return b.error;
	if (b.used != count || *fli_pattern_space(b.p) != '\0')
		return FL_EMISUSE;
	return FL_OK;
}

int fli_build_values(fli_buf *buf, const char *pattern, const fl_value *values, size_t count)
{
	size_t start = buf->size;
	int rc;

	if (buf->failed)
		return FL_ENOMEM;
	if (pattern[0] == '~' && pattern[1] == '\0' && count == 1)
		rc = put_value(buf, values) ? FL_OK : FL_EINVAL;
	else
		rc = build_pattern(buf, pattern, values, count);
	if (rc == FL_OK && buf->failed)
		rc = FL_ENOMEM;
	if (rc != FL_OK)
		buf->size = start;
	return rc;
}
