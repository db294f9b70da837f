/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "node/term/tag.h"
#include "node/term/utf8.h"
#include "tests/fuzz/fuzz.h"

enum { DEPTH_MAX = 5, COUNT_MAX = 7 };

/* Words that functions of the node look for. */
static const char *const words[] = {"ok", "error", "true", "false", "undefined", "infinity",
	"normal", "kill", "link", "monitor", "alias", "reply", "priority", "message_queue_len",
	"registered_name", "dictionary", "current_function", "links", "monitors", "visible",
	"hidden", "connected", "known", "this", "total", "processes", "memory", "reductions", "io",
	"wall_clock", "runtime", "second", "millisecond", "native", "version", "otp_release",
	"friendly", "plain", "user", "rex", "net_kernel", "flitch_sup", FUZZ_OWN, FUZZ_PEER,
	"unicode", "latin1", "io_lib", "format", "put_chars", "noconnect", "nosuspend",
	"registered", "erlang", "self", "$initial_call", "$ancestors", "$process_label",
	"message_queue_data", "monitored_by", "status", "group_leader", "process_count", "wordsize",
	"system_architecture"};

uint8_t grow_byte(fli_cursor *c)
{
	uint8_t byte = 0;

	(void)fli_take8(c, &byte);
	return byte;
}

fl_bin grow_bytes(fli_cursor *c, size_t max)
{
	size_t size = grow_byte(c);
	const uint8_t *bytes = c->at;

	if (size > max)
		size = max;
	if (size > fli_left(c))
		size = fli_left(c);
	(void)fli_take(c, size, &bytes);
	return (fl_bin){bytes, size};
}

static void add_atom(fli_buf *out, const void *text, size_t size)
{
	fli_buf_add8(out, FLI_SMALL_ATOM_UTF8_EXT);
	fli_buf_add8(out, (uint8_t)size);
	fli_buf_add(out, text, size);
}

static void add_word(fli_cursor *c, fli_buf *out)
{
	const char *word = words[grow_byte(c) % (sizeof words / sizeof *words)];

	add_atom(out, word, strlen(word));
}

static void add_node(fli_cursor *c, fli_buf *out)
{
	const char *node = (grow_byte(c) & 1) != 0 ? FUZZ_PEER : FUZZ_OWN;

	add_atom(out, node, strlen(node));
}

static void add_big(fli_cursor *c, fli_buf *out)
{
	fl_bin digits = grow_bytes(c, 255);

	fli_buf_add8(out, FLI_SMALL_BIG_EXT);
	fli_buf_add8(out, (uint8_t)digits.size);
	fli_buf_add8(out, grow_byte(c) & 1);
	fli_buf_add(out, digits.data, digits.size);
}

static void add_float(fli_cursor *c, fli_buf *out)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = grow_byte(c);
	if ((bytes[0] & 0x7f) == 0x7f)
		bytes[0] ^= 1; /* neither infinite nor no number */
	fli_buf_add8(out, FLI_NEW_FLOAT_EXT);
	fli_buf_add(out, bytes, sizeof bytes);
}

static void add_bytes(fli_cursor *c, fli_buf *out, uint8_t tag)
{
	fl_bin bytes = grow_bytes(c, 255);

	if (bytes.size == 0 && tag != FLI_BINARY_EXT) {
		fli_buf_add8(out, FLI_NIL_EXT);
		return;
	}
	fli_buf_add8(out, tag);
	if (tag == FLI_STRING_EXT)
		fli_buf_add16(out, (uint16_t)bytes.size);
	else
		fli_buf_add32(out, (uint32_t)bytes.size);
	if (tag == FLI_BIT_BINARY_EXT)
		fli_buf_add8(out, 1 + grow_byte(c) % 7);
	fli_buf_add(out, bytes.data, bytes.size);
}

static void add_pid(fli_cursor *c, fli_buf *out)
{
	fli_buf_add8(out, FLI_NEW_PID_EXT);
	add_node(c, out);
	fli_buf_add32(out, grow_byte(c));
	fli_buf_add32(out, 0);
	fli_buf_add32(out, grow_byte(c) & 1);
}

static void add_ref(fli_cursor *c, fli_buf *out)
{
	uint16_t count = 1 + grow_byte(c) % 5;

	fli_buf_add8(out, FLI_NEWER_REFERENCE_EXT);
	fli_buf_add16(out, count);
	add_node(c, out);
	fli_buf_add32(out, grow_byte(c) & 1);
	for (uint16_t i = 0; i < count; i++)
		fli_buf_add32(out, grow_byte(c));
}

static void add_port(fli_cursor *c, fli_buf *out)
{
	fli_buf_add8(out, FLI_V4_PORT_EXT);
	add_node(c, out);
	fli_buf_add64(out, grow_byte(c));
	fli_buf_add32(out, grow_byte(c) & 1);
}

static void add_export(fli_cursor *c, fli_buf *out)
{
	fli_buf_add8(out, FLI_EXPORT_EXT);
	add_word(c, out);
	add_word(c, out);
	fli_buf_add8(out, FLI_SMALL_INTEGER_EXT);
	fli_buf_add8(out, grow_byte(c));
}

static void add_leaf(fli_cursor *c, fli_buf *out, uint8_t kind)
{
	switch (kind % 13) {
	case 0:
		fli_buf_add8(out, FLI_SMALL_INTEGER_EXT);
		fli_buf_add8(out, grow_byte(c));
		break;
	case 1:
		fli_buf_add8(out, FLI_INTEGER_EXT);
		for (int i = 0; i < 4; i++)
			fli_buf_add8(out, grow_byte(c));
		break;
	case 2: add_word(c, out); break;
	case 3: add_big(c, out); break;
	case 4: add_float(c, out); break;
	case 5: add_bytes(c, out, FLI_STRING_EXT); break;
	case 6: add_bytes(c, out, FLI_BINARY_EXT); break;
	case 7: add_bytes(c, out, FLI_BIT_BINARY_EXT); break;
	case 8: add_pid(c, out); break;
	case 9: add_ref(c, out); break;
	case 10: add_port(c, out); break;
	case 11: add_export(c, out); break;
	default: fli_buf_add8(out, FLI_NIL_EXT); break;
	}
}

static void add_any(fli_cursor *c, fli_buf *out, unsigned depth);

static void add_many(fli_cursor *c, fli_buf *out, uint32_t count, unsigned depth)
{
	for (uint32_t i = 0; i < count; i++)
		add_any(c, out, depth + 1);
}

static void add_tree(fli_cursor *c, fli_buf *out, uint8_t kind, unsigned depth)
{
	uint32_t count = grow_byte(c) % (COUNT_MAX + 1);

	if (kind % 4 == 0) {
		fli_buf_add8(out, FLI_SMALL_TUPLE_EXT);
		fli_buf_add8(out, (uint8_t)count);
		add_many(c, out, count, depth);
	} else if (kind % 4 == 1) {
		fli_buf_add8(out, FLI_MAP_EXT);
		fli_buf_add32(out, count);
		add_many(c, out, 2 * count, depth);
	} else if (count == 0) {
		fli_buf_add8(out, FLI_NIL_EXT);
	} else {
		fli_buf_add8(out, FLI_LIST_EXT);
		fli_buf_add32(out, count);
		add_many(c, out, count, depth);
		if (kind % 4 == 2)
			fli_buf_add8(out, FLI_NIL_EXT);
		else
			add_any(c, out, depth + 1);
	}
}

static void add_any(fli_cursor *c, fli_buf *out, unsigned depth)
{
	uint8_t kind = grow_byte(c);

	if ((kind & 0xc0) == 0xc0 && depth < DEPTH_MAX)
		add_tree(c, out, kind, depth);
	else
		add_leaf(c, out, kind);
}

void grow_term(fli_cursor *c, fli_buf *out)
{
	add_any(c, out, 0);
}

void grow_list(fli_cursor *c, fli_buf *out, uint32_t count)
{
	if (count > 0) {
		fli_buf_add8(out, FLI_LIST_EXT);
		fli_buf_add32(out, count);
		add_many(c, out, count, 0);
	}
	fli_buf_add8(out, FLI_NIL_EXT);
}

uint8_t *fuzz_copy(const void *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static bool is_utf8(fl_bin text)
{
	const uint8_t *bytes = text.data;
	size_t step;
	uint32_t c;

	for (size_t at = 0; at < text.size; at += step) {
		step = fli_utf8_decode(bytes + at, text.size - at, &c);
		if (step == 0)
			return false;
	}
	return true;
}

fli_refs fuzz_refs(fli_cursor *c, fl_atom atoms[FUZZ_REFS_MAX])
{
	uint8_t count = grow_byte(c);

	for (size_t i = 0; i < count; i++) {
		fl_bin text = grow_bytes(c, 255);

		if (!is_utf8(text))
			text.size = 0;
		atoms[i] = (fl_atom){text.data, text.size};
	}
	return (fli_refs){atoms, count};
}
