/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms and strings: characters, escapes, quotes (the reference manual's "Escape Sequences").
 *
 * The text is UTF-8. An escape that stands for no character, a control character by \^, an octal or
 * a hexadecimal number out of Unicode's range are refused where they stand.
 */
#include "node/term/read.h"

#include "node/term/bigint.h"
#include "node/term/step.h"
#include "node/term/write.h"

#define STRING_EXT_MAX 65535u

static bool add_char(fli_reader *r, uint32_t c)
{
	uint8_t bytes[FLI_UTF8_SIZE_MAX];

	fli_buf_add(&r->chars, bytes, fli_utf8_encode(c, bytes));
	return !r->chars.failed || fli_read_fail_code(r, FL_ENOMEM);
}

static bool read_octal(fli_reader *r, uint32_t *ret_char)
{
	*ret_char = 0;
	for (int i = 0; i < 3 && fli_digit_value(fli_read_peek(r, 0)) < 8; i++)
		*ret_char = *ret_char * 8 + fli_digit_value(r->text[r->at++]);
	return true;
}

/* \xHH or \x{H...}, behind the x. */
static bool read_hex(fli_reader *r, uint32_t *ret_char)
{
	size_t start = r->at, digits = 0;
	bool is_long = fli_read_skip(r, "{");
	uint8_t bytes[FLI_UTF8_SIZE_MAX];
	uint32_t c = 0;

	while (fli_digit_value(fli_read_peek(r, 0)) < 16 && digits < (is_long ? 8 : 2)) {
		c = c * 16 + fli_digit_value(r->text[r->at++]);
		digits++;
	}
	if (digits == 0 || (is_long && !fli_read_skip(r, "}")) || (!is_long && digits != 2) ||
		fli_utf8_encode(c, bytes) == 0) {
		(void)fli_read_fail(r, start, "\\x stands for no character");
		fl_error_next(r->err, "write \\xHH or \\x{H...}, at most 10FFFF and no surrogate");
		return false;
	}
	*ret_char = c;
	return true;
}

static bool decode_char(fli_reader *r, uint32_t *ret_char)
{
	size_t size;

	if (r->at == r->size)
		return fli_read_fail(r, r->at, "the text ends where a character should follow");
	size = fli_utf8_decode((const uint8_t *)r->text + r->at, r->size - r->at, ret_char);
	if (size == 0) {
		(void)fli_read_fail(r, r->at, "a byte that is no UTF-8");
		fl_error_why(r->err, "the text is in another encoding, or was cut");
		return false;
	}
	r->at += size;
	return true;
}

static bool read_escape(fli_reader *r, uint32_t *ret_char)
{
	static const char letters[] = "nrtvbfesd";
	static const char meanings[] = "\n\r\t\v\b\f\x1b \x7f";
	char c = fli_read_peek(r, 0);
	const char *letter = c == '\0' ? NULL : strchr(letters, c);

	if (c >= '0' && c <= '7')
		return read_octal(r, ret_char);
	if (fli_read_skip(r, "x"))
		return read_hex(r, ret_char);
	if (c == '^' && fli_read_peek(r, 1) >= '@' && fli_read_peek(r, 1) <= '_') {
		*ret_char = (uint32_t)fli_read_peek(r, 1) & 31;
		r->at += 2;
		return true;
	}
	if (letter != NULL) {
		*ret_char = (uint8_t)meanings[letter - letters];
		r->at++;
		return true;
	}
	return decode_char(r, ret_char);
}

bool fli_read_char(fli_reader *r, uint32_t *ret_char)
{
	if (fli_read_skip(r, "\\"))
		return read_escape(r, ret_char);
	return decode_char(r, ret_char);
}

bool fli_read_quoted(fli_reader *r)
{
	size_t start = r->at;
	char quote = r->text[r->at++];
	uint32_t c;

	while (fli_read_peek(r, 0) != quote) {
		if (r->at == r->size) {
			(void)fli_read_fail(r, start, "%c is not closed", quote);
			fl_error_next(
				r->err, "add %c, or write \\%c inside the text", quote, quote);
			return false;
		}
		if (!fli_read_char(r, &c) || !add_char(r, c))
			return false;
	}
	r->at++;
	return true;
}

static size_t count_chars(const uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += (bytes[i] & 0xc0) != 0x80;
	return count;
}

static bool is_lower(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

static bool is_name_char(uint32_t c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '@' || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static bool fail_value(fli_reader *r)
{
	char c = fli_read_peek(r, 0);

	if (r->at == r->size)
		return fli_read_fail(r, r->at, "the text ends where a term should follow");
	if (c == '_' || (c >= 'A' && c <= 'Z')) {
		(void)fli_read_fail(r, r->at, "a variable where a term should stand");
		fl_error_why(r->err, "names that begin with a capital or _ are variables");
		fl_error_next(r->err, "write an atom with a capital in quotes, as 'Elixir.Foo'");
		return false;
	}
	(void)fli_read_fail(r, r->at, "unexpected character where a term should stand");
	fl_error_next(r->err, "quote it: 'an atom', \"a string\", <<\"a binary\">>");
	return false;
}

static bool read_bare(fli_reader *r)
{
	const uint8_t *at = (const uint8_t *)r->text + r->at, *end = at + (r->size - r->at);
	size_t start = r->at, size;
	uint32_t c;

	size = fli_utf8_decode(at, (size_t)(end - at), &c);
	if (size == 0 || !is_lower(c))
		return fail_value(r);
	do {
		at += size;
		size = fli_utf8_decode(at, (size_t)(end - at), &c);
	} while (size > 0 && is_name_char(c));
	r->at = (size_t)(at - (const uint8_t *)r->text);
	fli_buf_add(&r->chars, r->text + start, r->at - start);
	return !r->chars.failed || fli_read_fail_code(r, FL_ENOMEM);
}

bool fli_read_atom(fli_reader *r, fl_atom *ret_atom)
{
	size_t start = r->at;

	r->chars.size = 0;
	if (fli_read_peek(r, 0) == '\'' ? !fli_read_quoted(r) : !read_bare(r))
		return false;
	if (count_chars(r->chars.data, r->chars.size) > FLI_ATOM_CHARS_MAX)
		return fli_read_fail(
			r, start, "an atom of more than %d characters", FLI_ATOM_CHARS_MAX);
	/* An empty text still needs a pointer, for callers that compare. */
	*ret_atom = (fl_atom){r->chars.size == 0 ? "" : (const char *)r->chars.data, r->chars.size};
	return true;
}

static void write_charlist(fli_reader *r, size_t count, bool is_bytes)
{
	const uint8_t *chars = r->chars.data;
	uint32_t c = 0;
	size_t size;

	if (is_bytes) {
		fli_buf_add8(&r->out, FLI_STRING_EXT);
		fli_buf_add16(&r->out, (uint16_t)count);
	} else {
		fli_write_list(&r->out, (uint32_t)count);
	}
	for (size_t at = 0; at < r->chars.size; at += size) {
		size = fli_utf8_decode(chars + at, r->chars.size - at, &c);
		if (is_bytes)
			fli_buf_add8(&r->out, (uint8_t)c);
		else
			fli_write_int(&r->out, c);
	}
	if (!is_bytes)
		fli_write_nil(&r->out);
}

bool fli_read_string(fli_reader *r)
{
	bool is_latin1 = true;
	size_t count;

	r->chars.size = 0;
	do {
		if (!fli_read_quoted(r))
			return false;
		fli_read_space(r);
	} while (fli_read_peek(r, 0) == '"');
	/* In UTF-8, bytes from C4 on begin characters beyond Latin-1. */
	for (size_t i = 0; i < r->chars.size; i++)
		is_latin1 = is_latin1 && r->chars.data[i] < 0xc4;
	count = count_chars(r->chars.data, r->chars.size);
	if (count > UINT32_MAX)
		return fli_read_fail_code(r, FL_ELIMIT);
	if (count == 0)
		fli_write_nil(&r->out);
	else
		write_charlist(r, count, is_latin1 && count <= STRING_EXT_MAX);
	return true;
}
