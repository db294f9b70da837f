/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms without parts, as `~0ktp` of OTP 27 writes them under `+pc unicode`.
 *
 * - An atom is bare when it begins with a lower-case letter of Latin-1, goes on with letters of
 *   Latin-1, digits, _ and @, and is no reserved word; otherwise quoted (io_lib).
 * - A binary is text when all of it is printable: as UTF-8 if it is valid UTF-8, marked /utf8 if it
 *   is not ASCII; else as Latin-1. A valid UTF-8 binary with an unprintable character is numbers.
 * - `fun m:f/a` comes from the VM, not from io_lib: @ is quoted there and reserved words are not.
 *   Where the VM writes the bytes of names beyond ASCII as if they were Latin-1, this writes UTF-8.
 *
 * Identifiers name their node, which no VM does: <name@host.Id.Serial>.
 */
#include "node/term/print.h"

#include <inttypes.h>

#include "node/term/bigint.h"
#include "node/term/float_text.h"
#include "node/term/utf8.h"

#define NBSP 0xa0u
#define DEL 0x7fu
#define ESC 0x1bu

static bool is_lower(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

static bool is_upper(uint32_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static bool is_reserved(fl_atom atom)
{
	static const char words[][8] = {"after", "begin", "case", "try", "cond", "catch", "andalso",
		"orelse", "end", "fun", "if", "let", "of", "receive", "when", "bnot", "not", "div",
		"rem", "band", "and", "bor", "bxor", "bsl", "bsr", "or", "xor", "maybe", "else"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (fl_atom_is(atom, words[i]))
			return true;
	return false;
}

/* True when each character may stand in a bare atom; `with_at` is io_lib's opinion of '@'. */
static bool is_bare(fl_atom atom, bool with_at)
{
	const uint8_t *at = (const uint8_t *)atom.text, *end = at + atom.size;
	uint32_t c;
	size_t size;

	for (bool first = true; at < end; at += size, first = false) {
		size = fli_utf8_decode(at, (size_t)(end - at), &c);
		if (size == 0)
			return false;
		if (is_lower(c))
			continue;
		if (first || !(is_upper(c) || (c >= '0' && c <= '9') || c == '_' ||
				     (with_at && c == '@')))
			return false;
	}
	return atom.size > 0;
}

static void add_char(fli_buf *out, uint32_t c)
{
	uint8_t bytes[FLI_UTF8_SIZE_MAX];

	fli_buf_add(out, bytes, fli_utf8_encode(c, bytes));
}

/* The letter after the backslash; 0 when the character has none. */
static uint8_t escape_of(uint32_t c)
{
	switch (c) {
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	case '\v': return 'v';
	case '\b': return 'b';
	case '\f': return 'f';
	case ESC: return 'e';
	case DEL: return 'd';
	default: return 0;
	}
}

static void add_octal(fli_buf *out, uint32_t c)
{
	fli_buf_printf(out, "\\%03o", c);
}

void fli_print_char(fli_buf *out, uint32_t c, uint8_t quote)
{
	uint8_t letter = c == quote || c == '\\' ? (uint8_t)c : escape_of(c);

	if (letter != 0) {
		fli_buf_add8(out, '\\');
		fli_buf_add8(out, letter);
	} else if (c < ' ' || (c > '~' && c < NBSP)) {
		add_octal(out, c);
	} else {
		add_char(out, c);
	}
}

/* As the VM does it within the text of a fun. */
static void print_char_vm(fli_buf *out, uint32_t c, uint8_t quote)
{
	if (c == ESC || (c >= 0x80 && c < NBSP))
		add_octal(out, c);
	else if (c == DEL)
		fli_buf_add8(out, DEL);
	else
		fli_print_char(out, c, quote);
}

static void print_quoted(
	fli_buf *out, fl_atom atom, void (*print_char)(fli_buf *, uint32_t, uint8_t))
{
	const uint8_t *at = (const uint8_t *)atom.text, *end = at + atom.size;
	uint32_t c;
	size_t size;

	fli_buf_add8(out, '\'');
	for (; at < end; at += size) {
		size = fli_utf8_decode(at, (size_t)(end - at), &c);
		if (size == 0)
			break;
		print_char(out, c, '\'');
	}
	fli_buf_add8(out, '\'');
}

void fli_print_atom(fli_buf *out, fl_atom atom)
{
	if (is_bare(atom, true) && !is_reserved(atom))
		fli_buf_add(out, atom.text, atom.size);
	else
		print_quoted(out, atom, fli_print_char);
}

static void print_atom_vm(fli_buf *out, fl_atom atom)
{
	if (is_bare(atom, false))
		fli_buf_add(out, atom.text, atom.size);
	else
		print_quoted(out, atom, print_char_vm);
}

void fli_print_fun(fli_buf *out, const fli_fun *fun)
{
	if (fun->function.text == NULL) {
		fli_buf_add_text(out, "#Fun<");
		fli_buf_add(out, fun->module.text, fun->module.size);
		fli_buf_printf(out, ".%" PRId64 ".%" PRId64 ">", fun->old_index, fun->old_uniq);
		return;
	}
	fli_buf_add_text(out, "fun ");
	print_atom_vm(out, fun->module);
	fli_buf_add8(out, ':');
	print_atom_vm(out, fun->function);
	fli_buf_printf(out, "/%u", fun->arity);
}

int fli_print_integer(fli_buf *out, const fli_integer *integer)
{
	if (integer->negative)
		fli_buf_add8(out, '-');
	if (!integer->is_big) {
		fli_buf_printf(out, "%" PRIu64, integer->magnitude);
		return FL_OK;
	}
	if (integer->size <= FLI_DECIMAL_BYTES_MAX)
		return fli_bigint_decimal(out, integer->digits, integer->size);
	fli_buf_add_text(out, "16#");
	fli_bigint_hex(out, integer->digits, integer->size);
	return FL_OK;
}

void fli_print_float(fli_buf *out, double value)
{
	char text[FLI_FLOAT_PRINT_MAX];

	fli_buf_add(out, text, fli_float_print(value, text));
}

bool fli_is_printable(uint32_t c)
{
	if (c < ' ')
		return escape_of(c) != 0;
	return c <= '~' || (c >= NBSP && c != 0xfffe && c != 0xffff);
}

static bool is_latin1_text(const fli_bits *bits)
{
	for (size_t i = 0; i < bits->size; i++)
		if (!fli_is_printable(bits->data[i]))
			return false;
	return true;
}

typedef enum text_type { NO_TEXT, TEXT_ASCII, TEXT_UTF8, TEXT_LATIN1 } text_type;

static text_type text_type_of(const fli_bits *bits)
{
	bool is_printable = true, is_ascii = true;
	uint32_t c;
	size_t size;

	if (bits->last_bits != 8 || bits->size == 0)
		return NO_TEXT;
	for (size_t at = 0; at < bits->size; at += size) {
		size = fli_utf8_decode(bits->data + at, bits->size - at, &c);
		if (size == 0)
			return is_latin1_text(bits) ? TEXT_LATIN1 : NO_TEXT;
		is_printable = is_printable && fli_is_printable(c);
		is_ascii = is_ascii && size == 1;
	}
	return !is_printable ? NO_TEXT : is_ascii ? TEXT_ASCII : TEXT_UTF8;
}

static void print_text(fli_buf *out, const fli_bits *bits, text_type type)
{
	size_t size = 1;
	uint32_t c;

	fli_buf_add8(out, '"');
	for (size_t at = 0; at < bits->size && size > 0 && !out->failed; at += size) {
		c = bits->data[at];
		if (type == TEXT_UTF8)
			size = fli_utf8_decode(bits->data + at, bits->size - at, &c);
		fli_print_char(out, c, '"');
	}
	fli_buf_add_text(out, type == TEXT_UTF8 ? "\"/utf8" : "\"");
}

static void print_numbers(fli_buf *out, const fli_bits *bits)
{
	for (size_t i = 0; i < bits->size && !out->failed; i++) {
		bool is_part = i + 1 == bits->size && bits->last_bits != 8;
		unsigned value = bits->data[i];
		if (is_part)
			value >>= 8 - bits->last_bits;
		fli_buf_printf(out, i == 0 ? "%u" : ",%u", value);
		if (is_part)
			fli_buf_printf(out, ":%u", bits->last_bits);
	}
}

void fli_print_bits(fli_buf *out, const fli_bits *bits)
{
	text_type type = text_type_of(bits);

	fli_buf_add_text(out, "<<");
	if (type == NO_TEXT)
		print_numbers(out, bits);
	else
		print_text(out, bits, type);
	fli_buf_add_text(out, ">>");
}

/* Bare as far as the reader can tell where it ends; a name beyond that is quoted as an atom is. */
static void print_node(fli_buf *out, fl_atom node)
{
	bool is_plain = node.size > 0 && memchr(node.text, '@', node.size) != NULL;

	for (size_t i = 0; i < node.size; i++) {
		uint8_t c = (uint8_t)node.text[i];

		is_plain = is_plain && c > ' ' && c != DEL && strchr("'<>/\\\"", c) == NULL;
	}
	if (is_plain)
		fli_buf_add(out, node.text, node.size);
	else
		print_quoted(out, node, fli_print_char);
}

static void print_end(fli_buf *out, uint32_t creation, unsigned flags)
{
	if ((flags & FLI_PRINT_CREATION) != 0)
		fli_buf_printf(out, "/%" PRIu32, creation);
	fli_buf_add8(out, '>');
}

void fli_print_pid(fli_buf *out, const fl_pid *pid, unsigned flags)
{
	fli_buf_add8(out, '<');
	print_node(out, pid->node);
	fli_buf_printf(out, ".%" PRIu32 ".%" PRIu32, pid->id, pid->serial);
	print_end(out, pid->creation, flags);
}

/* Three words are the rule; any other number of them is said, since host names end in digits too.
 */
void fli_print_ref(fli_buf *out, const fl_ref *ref, unsigned flags)
{
	fli_buf_add_text(out, "#Ref<");
	print_node(out, ref->node);
	for (uint32_t i = ref->count; i > 0; i--)
		fli_buf_printf(out, ".%" PRIu32, ref->words[i - 1]);
	if (ref->count != 3)
		fli_buf_printf(out, ":%" PRIu32, ref->count);
	print_end(out, ref->creation, flags);
}

void fli_print_port(fli_buf *out, const fl_port *port, unsigned flags)
{
	fli_buf_add_text(out, "#Port<");
	print_node(out, port->node);
	fli_buf_printf(out, ".%" PRIu64, port->id);
	print_end(out, port->creation, flags);
}
