/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers as fl_print writes them, and fun m:f/a.
 *
 *     <name@host.Id.Serial>   #Port<name@host.N>   #Ref<name@host.W3.W2.W1>
 *
 * Host names have dots and digits of their own, so the numbers are taken off the right end, and a
 * reference of other than three words says how many it has: #Ref<name@host.W2.W1:2>. "/Creation"
 * may end each. Without one the creation is 0, which the node of that name takes for its own.
 */
#include "node/term/read.h"

#include "node/term/step.h"
#include "node/term/write.h"

/* The text between the brackets; what is taken off its end shortens `size`. */
typedef struct body {
	const char *text;
	size_t size;
	size_t at; /* in the reader's text, for errors */
	fl_atom node;
} body;

/* Takes "<mark>digits" off the end. */
static bool take_number(body *b, char mark, uint64_t max, uint64_t *ret_value)
{
	size_t at = b->size;
	uint64_t value = 0;

	while (at > 0 && b->text[at - 1] >= '0' && b->text[at - 1] <= '9')
		at--;
	if (at == b->size || at == 0 || b->text[at - 1] != mark)
		return false;
	for (size_t i = at; i < b->size; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(b->text[i] - '0'), &value) ||
			value > max)
			return false;
	b->size = at - 1;
	*ret_value = value;
	return true;
}

static bool take32(body *b, char mark, uint32_t *ret_value)
{
	uint64_t value;

	if (!take_number(b, mark, UINT32_MAX, &value))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool fail_ident(fli_reader *r, const body *b, const char *form)
{
	(void)fli_read_fail(r, b->at, "expected %s", form);
	fl_error_why(r->err, "an identifier without its node's name means something only there");
	fl_error_next(r->err, "write it as flitch prints it");
	return false;
}

/* Finds the closing bracket; a quoted node name in front is read into `chars`. */
static bool open_body(fli_reader *r, body *b, const char *form)
{
	size_t end;

	*b = (body){.at = r->at};
	if (fli_read_peek(r, 0) == '\'' && !fli_read_atom(r, &b->node))
		return false;
	for (end = r->at; end < r->size && r->text[end] != '>'; end++)
		if (r->text[end] == '\n' || end - r->at > FLI_ATOM_BYTES_MAX + 128)
			return fail_ident(r, b, form);
	if (end == r->size)
		return fail_ident(r, b, form);
	b->text = r->text + r->at;
	b->size = end - r->at;
	r->at = end + 1;
	return true;
}

/* What is left when all numbers are off must be the node's name. */
static bool close_body(fli_reader *r, body *b, const char *form)
{
	size_t chars = 0;

	if (b->node.text != NULL)
		return b->size == 0 || fail_ident(r, b, form);
	for (size_t i = 0; i < b->size; i++)
		chars += ((uint8_t)b->text[i] & 0xc0) != 0x80;
	if (b->size == 0 || memchr(b->text, '@', b->size) == NULL || chars > FLI_ATOM_CHARS_MAX)
		return fail_ident(r, b, form);
	for (size_t at = 0, size; at < b->size; at += size) {
		uint32_t c;

		size = fli_utf8_decode((const uint8_t *)b->text + at, b->size - at, &c);
		if (size == 0)
			return fail_ident(r, b, form);
	}
	b->node = (fl_atom){b->text, b->size};
	return true;
}

bool fli_read_pid(fli_reader *r)
{
	static const char form[] = "a pid, <name@host.Id.Serial>";
	fl_pid pid = {.id = 0};
	body b;

	if (!open_body(r, &b, form))
		return false;
	(void)take32(&b, '/', &pid.creation);
	if (!take32(&b, '.', &pid.serial) || !take32(&b, '.', &pid.id))
		return fail_ident(r, &b, form);
	if (!close_body(r, &b, form))
		return false;
	pid.node = b.node;
	fli_write_pid(&r->out, &pid);
	return true;
}

bool fli_read_port(fli_reader *r)
{
	static const char form[] = "a port, #Port<name@host.N>";
	fl_port port = {.id = 0};
	body b;

	if (!open_body(r, &b, form))
		return false;
	(void)take32(&b, '/', &port.creation);
	if (!take_number(&b, '.', UINT64_MAX, &port.id))
		return fail_ident(r, &b, form);
	if (!close_body(r, &b, form))
		return false;
	port.node = b.node;
	fli_write_port(&r->out, &port);
	return true;
}

bool fli_read_ref(fli_reader *r)
{
	static const char form[] = "a reference, #Ref<name@host.W3.W2.W1>";
	fl_ref ref = {.count = 3};
	body b;

	if (!open_body(r, &b, form))
		return false;
	(void)take32(&b, '/', &ref.creation);
	(void)take32(&b, ':', &ref.count);
	if (ref.count > FLI_REF_WORDS_MAX)
		return fail_ident(r, &b, form);
	for (uint32_t i = 0; i < ref.count; i++)
		if (!take32(&b, '.', &ref.words[i]))
			return fail_ident(r, &b, form);
	if (!close_body(r, &b, form))
		return false;
	ref.node = b.node;
	fli_write_ref(&r->out, &ref);
	return true;
}

/* Behind the word `fun`. The head of the term is an atom, so both are written as they are read. */
bool fli_read_fun(fli_reader *r)
{
	static const char marks[] = {':', '/'};
	size_t start = r->at;
	uint64_t arity = 0;
	fl_atom atom;

	fli_buf_add8(&r->out, FLI_EXPORT_EXT);
	for (size_t i = 0; i < sizeof marks; i++) {
		fli_read_space(r);
		if (!fli_read_atom(r, &atom))
			return false;
		fli_write_atom(&r->out, atom);
		fli_read_space(r);
		if (fli_read_peek(r, 0) != marks[i])
			return fli_read_fail(r, start, "expected fun module:function/arity");
		r->at++;
	}
	fli_read_space(r);
	for (start = r->at;
		fli_read_peek(r, 0) >= '0' && fli_read_peek(r, 0) <= '9' && arity < 256;)
		arity = arity * 10 + (uint64_t)(r->text[r->at++] - '0');
	if (r->at == start || arity > UINT8_MAX)
		return fli_read_fail(r, start, "expected an arity, 0 to 255");
	fli_write_uint(&r->out, arity);
	return true;
}
