/* SPDX-License-Identifier: Apache-2.0 */
/* Chardata: nested lists of characters and binaries, flattened with a stack of bounded depth. */
#include "dist/io_format.h"
#include "node/term/utf8.h"

static bool add_char(fli_buf *out, uint32_t c)
{
	uint8_t bytes[FLI_UTF8_SIZE_MAX];
	size_t size = fli_utf8_encode(c, bytes);

	fli_buf_add(out, bytes, size);
	return size > 0;
}

static bool add_utf8(fli_buf *out, const uint8_t *bytes, size_t size)
{
	uint32_t c;
	size_t step;

	for (size_t at = 0; at < size; at += step) {
		step = fli_utf8_decode(bytes + at, size - at, &c);
		if (step == 0)
			return false;
	}
	fli_buf_add(out, bytes, size);
	return true;
}

static bool add_latin1(fli_buf *out, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		(void)add_char(out, bytes[i]); /* all are characters */
	return true;
}

/* A character, a binary, or []; anything else is false. */
static bool add_leaf(fli_buf *out, fl_term leaf, bool is_latin1)
{
	uint32_t c;
	fl_bin bin;

	if (fl_match(leaf, "~", &c))
		return add_char(out, c);
	if (fl_match(leaf, "~", &bin))
		return is_latin1 ? add_latin1(out, bin.data, bin.size)
				 : add_utf8(out, bin.data, bin.size);
	return fl_term_kind(leaf) == FL_NIL;
}

bool fli_io_chars(fli_buf *out, fl_term chars, bool is_latin1)
{
	fl_term stack[FLI_IO_DEPTH_MAX], element;
	size_t depth = 0;

	if (fl_term_kind(chars) != FL_LIST)
		return add_leaf(out, chars, is_latin1) && !out->failed;
	stack[depth++] = chars;
	while (depth > 0) {
		if (!fl_list_next(&stack[depth - 1], &element)) {
			if (!add_leaf(out, stack[--depth], is_latin1)) /* [] or a last binary */
				return false;
		} else if (fl_term_kind(element) != FL_LIST) {
			if (!add_leaf(out, element, is_latin1))
				return false;
		} else {
			if (depth == FLI_IO_DEPTH_MAX)
				return false;
			stack[depth++] = element;
		}
	}
	return !out->failed;
}

size_t fli_io_width(const uint8_t *text, size_t size)
{
	size_t width = 0;

	for (size_t i = 0; i < size; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}
