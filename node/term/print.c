/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms as text: one pass over the bytes with a stack of open containers.
 *
 * - print_value writes a leaf, or the opening of a container, and pushes what follows.
 * - step writes what stands between two parts of the innermost container and goes on with the next
 *   part, or closes it.
 * - A list is looked through first: if all of it is printable characters, it is a "string".
 * - Maps come in term order: their pairs are sorted by fli_orders, the innermost maps first.
 *
 * A container costs heap while it is open. Out of memory, or a text past the buffer's limit, stops
 * at once.
 */
#include "node/term/print.h"

#include "node/term/order.h"
#include "node/term/walk.h"
#include "node/term/write.h"

typedef struct open_term {
	fl_kind kind;
	bool is_value;          /* FL_MAP: the value is next; FL_LIST: the tail has been written */
	uint64_t at;            /* parts written */
	uint64_t count;         /* elements, pairs, fields */
	const fli_order *order; /* FL_MAP of two pairs and more */
	const uint8_t *name;    /* FL_RECORD: the next field's name */
} open_term;

typedef struct printer {
	fli_buf *out;
	unsigned flags;
	int error;
	fli_cursor c;
	fli_orders orders;
	fli_buf stack;
} printer;

static open_term *top_of(const printer *p)
{
	return (open_term *)(void *)(p->stack.data + p->stack.size) - 1;
}

static void push(printer *p, open_term top)
{
	fli_buf_add(&p->stack, &top, sizeof top);
	if (p->stack.failed)
		p->error = FL_ENOMEM;
}

static void pop(printer *p, const char *closing)
{
	fli_buf_add_text(p->out, closing);
	p->stack.size -= sizeof(open_term);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Calls for each character from `item` to the end of the list; false when it is no text. */
static bool each_char(fli_cursor *c, fli_item item, fli_buf *out)
{
	fli_item element;

	for (; item.kind == FL_LIST; fli_item_read(c, &item)) {
		for (size_t i = 0; item.is_string && i < item.as.bits.size; i++) {
			if (!fli_is_printable(item.as.bits.data[i]))
				return false;
			if (out != NULL)
				fli_print_char(out, item.as.bits.data[i], '"');
		}
		if (item.is_string)
			return true;
		for (uint64_t i = 1; i < item.children; i++) {
			const fli_integer *n = &element.as.integer;

			fli_item_read(c, &element);
			if (element.kind != FL_INTEGER || n->is_big || n->negative ||
				n->magnitude > 0x10ffff || n->magnitude >> 11 == 0x1b ||
				!fli_is_printable((uint32_t)n->magnitude))
				return false;
			if (out != NULL)
				fli_print_char(out, (uint32_t)n->magnitude, '"');
		}
	}
	return item.kind == FL_NIL;
}

static void print_bytes(printer *p, const fli_bits *bytes)
{
	for (size_t i = 0; i < bytes->size && !p->out->failed; i++)
		fli_buf_printf(p->out, i == 0 ? "%u" : ",%u", bytes->data[i]);
}

static void print_list(printer *p, const fli_item *item)
{
	fli_cursor look = p->c;

	if (each_char(&look, *item, NULL)) {
		fli_buf_add8(p->out, '"');
		(void)each_char(&p->c, *item, p->out); /* true a moment ago */
		fli_buf_add8(p->out, '"');
		return;
	}
	fli_buf_add8(p->out, '[');
	if (item->is_string) {
		print_bytes(p, &item->as.bits);
		fli_buf_add8(p->out, ']');
		return;
	}
	push(p, (open_term){.kind = FL_LIST, .count = item->children - 1});
}

static void print_value(printer *p);

/* Behind the elements of one piece: the end, the next piece, or a tail that is no list. */
static void step_tail(printer *p)
{
	fli_cursor before = p->c;
	fli_item tail;

	fli_item_read(&p->c, &tail);
	if (tail.kind == FL_NIL) {
		pop(p, "]");
	} else if (tail.kind == FL_LIST && tail.is_string) {
		fli_buf_add8(p->out, ',');
		print_bytes(p, &tail.as.bits);
		pop(p, "]");
	} else if (tail.kind == FL_LIST) {
		top_of(p)->count += tail.children - 1;
	} else {
		fli_buf_add8(p->out, '|');
		top_of(p)->is_value = true;
		p->c = before;
		print_value(p);
	}
}

static void step_list(printer *p)
{
	open_term *top = top_of(p);

	if (top->is_value) {
		pop(p, "]");
	} else if (top->at == top->count) {
		step_tail(p);
	} else {
		if (top->at++ > 0)
			fli_buf_add8(p->out, ',');
		print_value(p);
	}
}

/* ---- the other containers -------------------------------------------------------------------- */

static void step_tuple(printer *p)
{
	open_term *top = top_of(p);

	if (top->at == top->count) {
		pop(p, "}");
		return;
	}
	if (top->at++ > 0)
		fli_buf_add8(p->out, ',');
	print_value(p);
}

static void print_map(printer *p, const fli_item *item)
{
	open_term top = {.kind = FL_MAP, .count = item->children / 2};

	fli_buf_add_text(p->out, "#{");
	if (top.count > 1)
		p->error = fli_orders_get(&p->orders, item->start, p->c.end, &top.order);
	if (p->error == FL_OK)
		push(p, top);
}

static void step_map(printer *p)
{
	open_term *top = top_of(p);

	if (top->at == top->count) {
		if (top->order != NULL)
			p->c.at = top->order->end;
		pop(p, "}");
		return;
	}
	if (top->is_value) {
		fli_buf_add_text(p->out, " => ");
		if (top->order != NULL)
			p->c.at = top->order->pairs[top->at].value;
		top->at++;
	} else {
		if (top->at > 0)
			fli_buf_add8(p->out, ',');
		if (top->order != NULL)
			p->c.at = top->order->pairs[top->at].key;
	}
	top->is_value = !top->is_value;
	print_value(p);
}

static void print_record(printer *p, const fli_item *item)
{
	open_term top = {.kind = FL_RECORD, .count = item->as.record.count, .name = p->c.at};
	fli_item name = {.kind = FL_ATOM};

	fli_buf_add8(p->out, '#');
	fli_print_atom(p->out, item->as.record.module);
	fli_buf_add8(p->out, ':');
	fli_print_atom(p->out, item->as.record.name);
	fli_buf_add8(p->out, '{');
	for (uint32_t i = 0; i < top.count && name.kind == FL_ATOM; i++)
		fli_item_read(&p->c, &name);
	if (name.kind != FL_ATOM)
		p->error = FL_EFORMAT;
	else
		push(p, top);
}

static void step_record(printer *p)
{
	open_term *top = top_of(p);
	fli_cursor names = {top->name, p->c.end};
	fli_item name;

	if (top->at == top->count) {
		pop(p, "}");
		return;
	}
	if (top->at++ > 0)
		fli_buf_add8(p->out, ',');
	fli_item_read(&names, &name);
	top->name = names.at;
	fli_print_atom(p->out, name.as.atom);
	fli_buf_add_text(p->out, " = ");
	print_value(p);
}

/* What a closure holds is not shown. */
static void print_fun(printer *p, const fli_item *item)
{
	size_t size = fli_term_size(item->start, (size_t)(p->c.end - item->start));

	fli_print_fun(p->out, &item->as.fun);
	if (size == 0)
		p->error = FL_EFORMAT;
	p->c.at = item->start + size;
}

static void print_item(printer *p, const fli_item *item)
{
	switch (item->kind) {
	case FL_INTEGER: p->error = fli_print_integer(p->out, &item->as.integer); break;
	case FL_FLOAT: fli_print_float(p->out, item->as.real); break;
	case FL_ATOM: fli_print_atom(p->out, item->as.atom); break;
	case FL_REF: fli_print_ref(p->out, &item->as.ref, p->flags); break;
	case FL_FUN: print_fun(p, item); break;
	case FL_PORT: fli_print_port(p->out, &item->as.port, p->flags); break;
	case FL_PID: fli_print_pid(p->out, &item->as.pid, p->flags); break;
	case FL_TUPLE:
		fli_buf_add8(p->out, '{');
		push(p, (open_term){.kind = FL_TUPLE, .count = item->children});
		break;
	case FL_MAP: print_map(p, item); break;
	case FL_NIL: fli_buf_add_text(p->out, "[]"); break;
	case FL_LIST: print_list(p, item); break;
	case FL_BINARY:
	case FL_BITSTRING: fli_print_bits(p->out, &item->as.bits); break;
	case FL_RECORD: print_record(p, item); break;
	case FL_INVALID: p->error = FL_EFORMAT; break;
	}
}

static void print_value(printer *p)
{
	fli_item item;

	fli_item_read(&p->c, &item);
	print_item(p, &item);
}

static void step(printer *p)
{
	switch (top_of(p)->kind) {
	case FL_LIST: step_list(p); break;
	case FL_MAP: step_map(p); break;
	case FL_RECORD: step_record(p); break;
	default: step_tuple(p); break;
	}
}

/* The rest of a list has no head and so is printed from a copy, which has. */
static int print_rest(fli_buf *out, fl_term rest, unsigned flags)
{
	fli_buf whole;
	int error = FL_ENOMEM;

	fli_buf_create(&whole, out->mem, 0);
	fli_write_term(&whole, rest);
	if (!whole.failed)
		error = fli_print(out, (fl_term){.data = whole.data, .size = whole.size}, flags);
	fli_buf_destroy(&whole);
	return error;
}

int fli_print(fli_buf *out, fl_term term, unsigned flags)
{
	printer p = {.out = out, .flags = flags};
	fli_item item;

	if (term.rest != 0)
		return print_rest(out, term, flags);
	fli_orders_create(&p.orders, out->mem);
	fli_buf_create(&p.stack, out->mem, 0);
	fli_item_of_term(term, &p.c, &item);
	print_item(&p, &item);
	while (p.stack.size > 0 && p.error == FL_OK && !out->failed)
		step(&p);
	if (p.error == FL_OK && out->failed)
		p.error = FL_ENOMEM;
	fli_buf_destroy(&p.stack);
	fli_orders_destroy(&p.orders);
	return p.error;
}

/* ---- the public functions -------------------------------------------------------------------- */

int fl_print(fl_buf *buf, fl_term term)
{
	fli_buf out = {.data = buf->data,
		.size = buf->size,
		.capacity = buf->capacity,
		.mem = fli_mem_libc()};
	int error;

	if (buf->error != FL_OK)
		return buf->error;
	error = fli_print(&out, term, 0);
	buf->data = out.data;
	buf->capacity = out.capacity;
	if (error == FL_OK)
		buf->size = out.size;
	buf->error = error;
	return error;
}

/* The printer writes in pieces of at most an atom's size, so its buffer fails only past `size`. */
#define PIECE_MAX 4096

const char *fl_print_to(char *ret_text, size_t size, fl_term term)
{
	size_t kept, dots;
	fli_buf out;
	bool is_whole;

	if (size == 0)
		return "";
	fli_buf_create(&out, fli_mem_libc(), size + PIECE_MAX);
	is_whole = fli_print(&out, term, 0) == FL_OK && out.size < size;
	kept = out.size < size ? out.size : size - 1;
	if (!is_whole) {
		dots = size - 1 < 3 ? size - 1 : 3;
		kept = kept < size - 1 - dots ? kept : size - 1 - dots;
		while (kept > 0 && kept < out.size && (out.data[kept] & 0xc0) == 0x80)
			kept--; /* not in the middle of a character */
		memcpy(ret_text + kept, "...", dots);
		ret_text[kept + dots] = '\0';
	} else {
		ret_text[kept] = '\0';
	}
	if (kept > 0)
		memcpy(ret_text, out.data, kept);
	fli_buf_destroy(&out);
	return ret_text;
}
