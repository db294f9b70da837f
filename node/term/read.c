/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erlang notation into the external format.
 *
 * - read_value takes a literal, or opens a container: its head is written with a count of 0, and a
 *   frame remembers where.
 * - after_value looks at what follows: a comma, "|", "=>" or the closing bracket, which puts the
 *   count into the head.
 * - When all is read, maps are checked for keys that come twice: a BEAM refuses such a map.
 *
 * A text that is no term leaves the buffer as it was and says where it went wrong. What a value
 * cannot be (variables, operators, calls, closures) is refused by name. Where io_lib and erl_parse
 * know no notation, fl_print's is read: <name@host.Id.Serial>, #Ref<...>, #Port<...>.
 */
#include "node/term/read.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/term/order.h"
#include "node/term/step.h"
#include "node/term/write.h"

/* Head of LARGE_TUPLE_EXT, LIST_EXT and MAP_EXT: tag and 32 bits. */
#define HEAD_SIZE 5
/* A tuple gets its short head by moving its content, as long as that is not much. */
#define MOVE_MAX 1024

typedef enum opened_type { OPENED_TUPLE, OPENED_LIST, OPENED_MAP } opened_type;

typedef struct opened {
	opened_type type;
	bool is_value; /* a map's value, a list's tail */
	uint32_t count;
	size_t head;    /* in `out` */
	size_t text_at; /* of the bracket */
} opened;

typedef enum next_step { NEXT_VALUE, NEXT_AFTER, NEXT_FAILED } next_step;

/* ---- errors ---------------------------------------------------------------------------------- */

static void place_of(const fli_reader *r, size_t at, size_t *ret_line, size_t *ret_column)
{
	*ret_line = *ret_column = 1;
	for (size_t i = 0; i < at && i < r->size; i++) {
		if (r->text[i] == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else if (((uint8_t)r->text[i] & 0xc0) != 0x80) {
			++*ret_column;
		}
	}
}

bool fli_read_fail(fli_reader *r, size_t at, const char *format, ...)
{
	char text[256];
	size_t line, column;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cut is fine */
	va_end(args);
	place_of(r, at, &line, &column);
	r->error = fl_error_set(r->err, FL_EFORMAT, "%zu:%zu: %s", line, column, text);
	fl_error_why(r->err, "the text is no term in Erlang notation");
	fl_error_next(r->err,
		"terms look like {ok, [1, -2.5, \"text\", <<\"bytes\">>, #{key => value}]}");
	return false;
}

bool fli_read_fail_code(fli_reader *r, int code)
{
	r->error = fl_error_set(r->err, code, "reading a term: %s", fl_error_text(code));
	return false;
}

static bool fail_unclosed(fli_reader *r, const opened *top)
{
	static const char *const names[] = {"tuple", "list", "map"};
	static const char closing[] = {'}', ']', '}'};
	size_t line, column;

	(void)fli_read_fail(r, r->at,
		r->at == r->size ? "the text ends inside a %s" : "unexpected character inside a %s",
		names[top->type]);
	place_of(r, top->text_at, &line, &column);
	fl_error_why(r->err, "the %s opened at %zu:%zu is not closed here, and no comma follows",
		names[top->type], line, column);
	fl_error_next(r->err, "write ',' and another element, or '%c'", closing[top->type]);
	return false;
}

/* ---- looking at the text --------------------------------------------------------------------- */

char fli_read_peek(const fli_reader *r, size_t ahead)
{
	return ahead < r->size - r->at ? r->text[r->at + ahead] : '\0';
}

void fli_read_space(fli_reader *r)
{
	for (; r->at < r->size; r->at++) {
		char c = r->text[r->at];

		if (c == '%')
			while (r->at + 1 < r->size && r->text[r->at + 1] != '\n')
				r->at++;
		else if (strchr(" \t\r\n\v\f", c) == NULL || c == '\0')
			return;
	}
}

bool fli_read_skip(fli_reader *r, const char *text)
{
	size_t size = strlen(text);

	if (r->size - r->at < size || memcmp(r->text + r->at, text, size) != 0)
		return false;
	r->at += size;
	return true;
}

/* ---- containers ------------------------------------------------------------------------------ */

static opened *top_of(const fli_reader *r)
{
	return r->stack.size == 0 ? NULL : (opened *)(void *)(r->stack.data + r->stack.size) - 1;
}

static next_step open_container(fli_reader *r, opened_type type, size_t text_at)
{
	static const uint8_t tags[] = {FLI_LARGE_TUPLE_EXT, FLI_LIST_EXT, FLI_MAP_EXT};
	const opened top = {.type = type, .head = r->out.size, .text_at = text_at};
	char closing = type == OPENED_LIST ? ']' : '}';

	fli_buf_add8(&r->out, tags[type]);
	fli_buf_add32(&r->out, 0);
	fli_buf_add(&r->stack, &top, sizeof top);
	if (r->out.failed || r->stack.failed)
		return fli_read_fail_code(r, FL_ENOMEM), NEXT_FAILED;
	fli_read_space(r);
	return fli_read_peek(r, 0) == closing ? NEXT_AFTER : NEXT_VALUE;
}

static void close_tuple(fli_reader *r, const opened *top)
{
	uint8_t *head = r->out.data + top->head;
	size_t size = r->out.size - top->head - HEAD_SIZE;

	if (top->count > UINT8_MAX || size > MOVE_MAX) {
		fli_put32(head + 1, top->count);
		return;
	}
	head[0] = FLI_SMALL_TUPLE_EXT;
	head[1] = (uint8_t)top->count;
	memmove(head + 2, head + HEAD_SIZE, size);
	r->out.size -= HEAD_SIZE - 2;
}

static void close_container(fli_reader *r)
{
	opened top = *top_of(r);

	r->stack.size -= sizeof top;
	r->at++;
	if (r->out.failed)
		return;
	if (top.type == OPENED_TUPLE) {
		close_tuple(r, &top);
	} else if (top.type == OPENED_LIST && top.count == 0) {
		r->out.size = top.head;
		fli_write_nil(&r->out);
	} else {
		fli_put32(r->out.data + top.head + 1, top.count);
		if (top.type == OPENED_LIST && !top.is_value)
			fli_write_nil(&r->out);
	}
}

/* ---- values ---------------------------------------------------------------------------------- */

static next_step result_of(bool ok)
{
	return ok ? NEXT_AFTER : NEXT_FAILED;
}

static next_step read_hash(fli_reader *r)
{
	size_t at = r->at;

	if (fli_read_skip(r, "#{"))
		return open_container(r, OPENED_MAP, at);
	if (fli_read_skip(r, "#Ref<"))
		return result_of(fli_read_ref(r));
	if (fli_read_skip(r, "#Port<"))
		return result_of(fli_read_port(r));
	(void)fli_read_fail(r, at, "unexpected '#'");
	fl_error_why(r->err, "closures (#Fun<...>) and records have no notation that can be read");
	fl_error_next(r->err, "write a map as #{key => value}, a record as a tuple");
	return NEXT_FAILED;
}

static next_step read_word(fli_reader *r)
{
	size_t at = r->at;
	fl_atom atom;

	if (!fli_read_atom(r, &atom))
		return NEXT_FAILED;
	if (r->text[at] != '\'' && fl_atom_is(atom, "fun"))
		return result_of(fli_read_fun(r));
	fli_write_atom(&r->out, atom);
	return NEXT_AFTER;
}

static next_step read_value(fli_reader *r)
{
	size_t at;
	char c;

	fli_read_space(r);
	at = r->at;
	c = fli_read_peek(r, 0);
	if (fli_read_skip(r, "{"))
		return open_container(r, OPENED_TUPLE, at);
	if (fli_read_skip(r, "["))
		return open_container(r, OPENED_LIST, at);
	if (fli_read_skip(r, "<<"))
		return result_of(fli_read_binary(r));
	if (fli_read_skip(r, "<"))
		return result_of(fli_read_pid(r));
	if (c == '#')
		return read_hash(r);
	if (c == '"')
		return result_of(fli_read_string(r));
	if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '$')
		return result_of(fli_read_number(r));
	return read_word(r);
}

/* The count stands for elements or pairs; it is raised when one is complete. */
static bool count_value(fli_reader *r, opened *top)
{
	uint32_t max = top->type == OPENED_TUPLE ? FLI_TUPLE_ARITY_MAX : UINT32_MAX - 1;

	if (top->type == OPENED_LIST && top->is_value)
		return true;
	if (top->type == OPENED_MAP && !top->is_value)
		return true;
	return ++top->count <= max || fli_read_fail_code(r, FL_ELIMIT);
}

static next_step after_key(fli_reader *r, opened *top)
{
	if (!fli_read_skip(r, "=>")) {
		(void)fli_read_fail(r, r->at, "expected \"=>\" behind a key");
		fl_error_next(r->err, "write a map as #{key => value}");
		return NEXT_FAILED;
	}
	top->is_value = true;
	return NEXT_VALUE;
}

/* A value is complete, or a container has been opened and closes at once. */
static next_step after_value(fli_reader *r, bool is_empty)
{
	opened *top = top_of(r);
	bool is_tail = top->type == OPENED_LIST && top->is_value;

	fli_read_space(r);
	if (!is_empty && !count_value(r, top))
		return NEXT_FAILED;
	if (fli_read_peek(r, 0) == (top->type == OPENED_LIST ? ']' : '}') &&
		(is_empty || top->type != OPENED_MAP || top->is_value)) {
		close_container(r);
		return NEXT_AFTER;
	}
	if (top->type == OPENED_MAP && !top->is_value)
		return after_key(r, top);
	if (!is_tail && fli_read_skip(r, ",")) {
		top->is_value = false;
		return NEXT_VALUE;
	}
	if (!is_tail && top->type == OPENED_LIST && fli_read_skip(r, "|")) {
		top->is_value = true;
		return NEXT_VALUE;
	}
	return fail_unclosed(r, top), NEXT_FAILED;
}

static bool read_term(fli_reader *r)
{
	next_step step;
	size_t depth;

	do {
		depth = r->stack.size;
		step = read_value(r);
		/* Only a container that was just opened can be empty. */
		for (bool is_empty = r->stack.size > depth; step == NEXT_AFTER && r->stack.size > 0;
			is_empty = false)
			step = after_value(r, is_empty);
	} while (step == NEXT_VALUE);
	return step == NEXT_AFTER;
}

/* Erlang files end a term with a full stop; one is taken. */
static bool read_end(fli_reader *r)
{
	fli_read_space(r);
	if (fli_read_skip(r, "."))
		fli_read_space(r);
	if (r->at == r->size)
		return true;
	(void)fli_read_fail(r, r->at, "unexpected text behind the term");
	fl_error_why(r->err, "one term was expected, and it is complete");
	fl_error_next(r->err, "for several values write a tuple {...} or a list [...]");
	return false;
}

static bool check_maps(fli_reader *r, size_t start)
{
	fli_cursor c = fli_cursor_make(r->out.data + start, r->out.size - start);
	fli_orders orders;
	bool has_duplicate;
	int error;

	if (memchr(r->text, '#', r->size) == NULL)
		return true;
	fli_orders_create(&orders, r->out.mem);
	error = fli_orders_add(&orders, &c);
	has_duplicate = orders.has_duplicate;
	fli_orders_destroy(&orders);
	if (error != FL_OK)
		return fli_read_fail_code(r, error);
	if (!has_duplicate)
		return true;
	(void)fli_read_fail(r, 0, "a map has the same key twice");
	fl_error_next(r->err, "keep one of the two pairs");
	return false;
}

static int finish(fli_reader *r, fl_buf *buf, size_t start, bool ok)
{
	if (ok && r->out.failed)
		ok = fli_read_fail_code(r, FL_ENOMEM);
	ok = ok && check_maps(r, start);
	fli_buf_destroy(&r->chars);
	fli_buf_destroy(&r->stack);
	buf->data = r->out.data;
	buf->capacity = r->out.capacity;
	if (!ok) {
		if (r->error == FL_ENOMEM)
			buf->error = FL_ENOMEM;
		return r->error;
	}
	buf->size = r->out.size;
	if (buf->depth > 0)
		buf->counts[buf->depth - 1]++;
	return FL_OK;
}

int fl_read(fl_buf *buf, const char *text, size_t size, fl_error *err)
{
	fli_mem *mem = fli_mem_libc();
	fli_reader r = {.text = text, .size = size, .err = err};

	if (buf->error != FL_OK)
		return fl_error_set(
			err, buf->error, "reading a term: %s", fl_error_text(buf->error));
	r.out = (fli_buf){
		.data = buf->data, .size = buf->size, .capacity = buf->capacity, .mem = mem};
	fli_buf_create(&r.chars, mem, 0);
	fli_buf_create(&r.stack, mem, 0);
	return finish(&r, buf, buf->size, read_term(&r) && read_end(&r));
}
