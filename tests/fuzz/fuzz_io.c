/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text out of terms that a peer chose: chardata of any shape, and formats with any arguments.
 *
 * The input: a byte that chooses the form of the format (string, binary, or a grown term); the
 * format's bytes; then the arguments grow. What comes out is UTF-8 and within the buffer's limit.
 */
#include <string.h>

#include "dist/io_format.h"
#include "node/term/tag.h"
#include "node/term/utf8.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX = 1 << 16 };

static void check_utf8(const fli_buf *out)
{
	size_t step;
	uint32_t c;

	for (size_t at = 0; at < out->size; at += step) {
		step = fli_utf8_decode(out->data + at, out->size - at, &c);
		CHECK(step > 0);
	}
	CHECK(out->size <= OUT_MAX);
	CHECK(fli_io_width(out->data, out->size) <= out->size);
}

/* What a mailbox could not hold is not given: a term that does not walk. */
static bool take(fli_buf *encoded, fl_term *ret_term)
{
	fli_walked walked;

	if (!fli_walk(encoded->data, encoded->size, NULL, &walked) || !walked.is_plain)
		return false;
	*ret_term = (fl_term){.data = encoded->data, .size = walked.size};
	return true;
}

static void add_format(fli_cursor *c, fli_buf *out, uint8_t choice)
{
	fl_bin text;

	if ((choice & 3) == 0) {
		grow_term(c, out);
		return;
	}
	text = grow_bytes(c, 200);
	if (text.size == 0) {
		fli_buf_add8(out, FLI_NIL_EXT);
	} else if ((choice & 3) == 1) {
		fli_buf_add8(out, FLI_BINARY_EXT);
		fli_buf_add32(out, (uint32_t)text.size);
	} else {
		fli_buf_add8(out, FLI_STRING_EXT);
		fli_buf_add16(out, (uint16_t)text.size);
	}
	fli_buf_add(out, text.data, text.size);
}

static void run(fl_term format, fl_term args, uint8_t choice)
{
	fli_buf out;

	fli_buf_create(&out, fli_mem_libc(), OUT_MAX);
	(void)fli_io_format(&out, format, args);
	check_utf8(&out);
	out.size = 0;
	(void)fli_io_chars(&out, args, (choice & 4) != 0);
	check_utf8(&out);
	fli_buf_destroy(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_cursor c = fli_cursor_make(data, size);
	uint8_t choice = grow_byte(&c);
	fl_term format_term, args_term;
	fli_buf format, args;

	fli_buf_create(&format, fli_mem_libc(), 0);
	fli_buf_create(&args, fli_mem_libc(), 0);
	add_format(&c, &format, choice);
	grow_list(&c, &args, choice >> 4);
	if (take(&format, &format_term) && take(&args, &args_term))
		run(format_term, args_term, choice);
	fli_buf_destroy(&format);
	fli_buf_destroy(&args);
	return 0;
}
