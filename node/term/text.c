/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of iodata's bytes is the order of its leaves in the encoding, so a reader needs no
 * stack, only the count of terms to come. The one thing a count cannot tell is whether an integer
 * is an element (a byte) or a tail (no iodata, as in `[1 | 2]`). For that the reader keeps the
 * lists that are open, as long as they are few.
 */
#include "node/term/text.h"

#include "node/base/mem.h"
#include "node/term/tag.h"

void fli_text_begin(fli_text_reader *reader, fl_term term)
{
	fli_place place = fli_place_of(term);

	reader->c = place.c;
	reader->string = (fl_bin){NULL, 0};
	reader->terms = 1;
	reader->is_bad = reader->is_deep = false;
	reader->depth = 0;
	if (place.kind == FLI_IN_STRING) {
		reader->string = (fl_bin){place.c.at, place.rest};
		reader->terms = 0;
	} else if (place.kind == FLI_IN_LIST) {
		reader->terms = reader->left[0] = (uint64_t)place.rest + 1;
		reader->depth = 1;
	}
}

/*
 * One term has come. A list that it ends is closed; it was counted in the enclosing list when it
 * began, so what is still open always has terms to come.
 */
static void count_one(fli_text_reader *reader)
{
	reader->terms--;
	if (!reader->is_deep && reader->depth != 0 && --reader->left[reader->depth - 1] == 0)
		reader->depth--;
}

static void open_list(fli_text_reader *reader, uint64_t terms)
{
	reader->terms += terms;
	if (reader->is_deep)
		return;
	if (reader->depth == FLI_TEXT_DEPTH_EXACT)
		reader->is_deep = true;
	else
		reader->left[reader->depth++] = terms;
}

static bool is_tail(const fli_text_reader *reader)
{
	if (reader->is_deep)
		return false;
	return reader->depth == 0 || reader->left[reader->depth - 1] == 1;
}

static bool bad(fli_text_reader *reader)
{
	reader->is_bad = true;
	return false;
}

/* A byte: 0 to 255, where a list's element may stand. */
static bool take_byte(fli_text_reader *reader, fl_bin *ret_chunk)
{
	const uint8_t *bytes;

	if (is_tail(reader) || !fli_take(&reader->c, 1, &bytes))
		return bad(reader);
	*ret_chunk = (fl_bin){bytes, 1};
	count_one(reader);
	return true;
}

static bool take_bytes(fli_text_reader *reader, size_t size, fl_bin *ret_chunk)
{
	const uint8_t *bytes;

	if (!fli_take(&reader->c, size, &bytes))
		return bad(reader);
	*ret_chunk = (fl_bin){bytes, size};
	count_one(reader);
	return true;
}

/* One term; an empty chunk when it gives no bytes. */
static bool take_one(fli_text_reader *reader, fl_bin *ret_chunk)
{
	uint8_t tag, bits = 8;
	uint16_t size16;
	uint32_t size32;

	*ret_chunk = (fl_bin){NULL, 0};
	if (!fli_take8(&reader->c, &tag))
		return bad(reader);
	switch (tag) {
	case FLI_SMALL_INTEGER_EXT: return take_byte(reader, ret_chunk);
	case FLI_INTEGER_EXT:
		if (!fli_take32(&reader->c, &size32) || size32 > 255)
			return bad(reader);
		reader->c.at--;
		return take_byte(reader, ret_chunk);
	case FLI_NIL_EXT: return take_bytes(reader, 0, ret_chunk);
	case FLI_STRING_EXT:
		if (!fli_take16(&reader->c, &size16))
			return bad(reader);
		return take_bytes(reader, size16, ret_chunk);
	case FLI_BIT_BINARY_EXT:
	case FLI_BINARY_EXT:
		if (!fli_take32(&reader->c, &size32))
			return bad(reader);
		if (tag == FLI_BIT_BINARY_EXT && (!fli_take8(&reader->c, &bits) || bits != 8))
			return bad(reader);
		return take_bytes(reader, size32, ret_chunk);
	case FLI_LIST_EXT:
		if (!fli_take32(&reader->c, &size32))
			return bad(reader);
		/* The list takes the place of one term of the enclosing one, which it may end. */
		count_one(reader);
		open_list(reader, (uint64_t)size32 + 1);
		return true;
	default: return bad(reader);
	}
}

bool fli_text_next(fli_text_reader *reader, fl_bin *ret_chunk)
{
	if (reader->string.size != 0) {
		*ret_chunk = reader->string;
		reader->string.size = 0;
		return true;
	}
	while (reader->terms != 0) {
		/* Each term takes a byte at least. */
		if (reader->terms > fli_left(&reader->c))
			return bad(reader);
		if (!take_one(reader, ret_chunk))
			return false;
		if (ret_chunk->size != 0)
			return true;
	}
	return false;
}

bool fli_text_of(fl_term term, fl_text *ret_text)
{
	fli_text_reader reader;
	fl_bin chunk;
	size_t size = 0;

	fli_text_begin(&reader, term);
	while (fli_text_next(&reader, &chunk))
		size += chunk.size;
	if (reader.is_bad)
		return false;
	*ret_text = (fl_text){term, size};
	return true;
}

size_t fl_text_copy(fl_text text, void *ret_bytes, size_t size)
{
	fli_text_reader reader;
	fl_bin chunk;
	size_t used = 0;

	fli_text_begin(&reader, text.term);
	while (used < size && fli_text_next(&reader, &chunk)) {
		size_t part = chunk.size < size - used ? chunk.size : size - used;

		memcpy((uint8_t *)ret_bytes + used, chunk.data, part);
		used += part;
	}
	return used;
}

size_t fl_text_string(fl_text text, char *ret_text, size_t size)
{
	if (size != 0)
		ret_text[fl_text_copy(text, ret_text, size - 1)] = '\0';
	return text.size;
}

/* Fills an empty chunk with the next one. */
static bool refill(fli_text_reader *reader, fl_bin *chunk)
{
	return chunk->size != 0 || fli_text_next(reader, chunk);
}

static void cut(fl_bin *chunk, size_t size)
{
	chunk->data = (const uint8_t *)chunk->data + size;
	chunk->size -= size;
}

bool fli_text_eq(fl_text a, fl_text b)
{
	fli_text_reader in_a, in_b;
	fl_bin chunk_a = {NULL, 0}, chunk_b = {NULL, 0};

	if (a.size != b.size)
		return false;
	fli_text_begin(&in_a, a.term);
	fli_text_begin(&in_b, b.term);
	while (refill(&in_a, &chunk_a) && refill(&in_b, &chunk_b)) {
		size_t size = chunk_a.size < chunk_b.size ? chunk_a.size : chunk_b.size;

		if (memcmp(chunk_a.data, chunk_b.data, size) != 0)
			return false;
		cut(&chunk_a, size);
		cut(&chunk_b, size);
	}
	return !in_a.is_bad && !in_b.is_bad;
}
