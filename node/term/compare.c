/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The term order of OTP 27, on encoded terms.
 *
 * number < atom < reference < fun < port < pid < tuple < map < [] < list < bit string
 *
 * - Two cursors advance together. Heads that differ decide; equal heads with children push a frame
 *   that says which pairs of terms come next. Equal children leave both cursors behind them.
 * - Lists may be cut into pieces differently on the two sides ("ab" as bytes, [97|[98]] as two
 *   lists), so a list frame counts each side for itself.
 * - Maps of the same size compare all keys in order, exactly, then all values in that order. One
 *   pair needs no sorting; for more the pairs come from fli_orders.
 *
 * Native records, which 27 does not know, stand between tuples and maps, where 29 has them.
 *
 * A deep term takes heap, one frame an open container. Where that fails, or the bytes are no term,
 * fl_compare falls back on the order of the bytes: wrong as Erlang, but still an order.
 */
#include "node/term/compare_leaf.h"

/* Most terms are not deeper; they are compared without the heap, maps of several pairs aside. */
#define FRAMES_INLINE 8

typedef enum frame_type { FRAME_TERMS, FRAME_LIST, FRAME_MAP } frame_type;

/* What is left of the current piece of a list. */
typedef struct piece {
	uint64_t left;
	bool is_string;
} piece;

typedef struct frame {
	frame_type type;
	fli_mode mode; /* FRAME_MAP: that of its values and of what follows it */
	uint64_t at;   /* FRAME_MAP: keys, then values, seen */
	uint64_t left; /* FRAME_TERMS: pairs of terms to come; FRAME_MAP: its pairs */
	union {
		piece list[2];
		const fli_order *map[2]; /* NULL: a single pair, where the cursors are */
	} as;
} frame;

typedef struct comparison {
	fli_orders *orders;
	fli_mode mode;
	fli_cursor sides[2];
	fli_item items[2];
	int error;
	frame *frames;
	size_t count;
	size_t capacity;
	frame inline_frames[FRAMES_INLINE];
} comparison;

static bool grow(comparison *c)
{
	size_t capacity = c->capacity * 2;
	bool is_inline = c->frames == c->inline_frames;
	frame *frames = fli_realloc(
		c->orders->mem, is_inline ? NULL : c->frames, capacity * sizeof *frames);

	if (frames == NULL) {
		c->error = FL_ENOMEM;
		return false;
	}
	if (is_inline)
		memcpy(frames, c->inline_frames, sizeof c->inline_frames);
	c->frames = frames;
	c->capacity = capacity;
	return true;
}

static void push(comparison *c, frame top)
{
	if (c->count < c->capacity || grow(c))
		c->frames[c->count++] = top;
}

static void push_map(comparison *c)
{
	frame top = {.type = FRAME_MAP, .mode = c->mode, .left = c->items[0].children / 2};

	for (int i = 0; i < 2 && top.left > 1 && c->error == FL_OK; i++)
		c->error = fli_orders_get(
			c->orders, c->items[i].start, c->sides[i].end, &top.as.map[i]);
	if (c->error == FL_OK && top.left > 0)
		push(c, top);
	if (c->mode == FLI_COMPARE_VALUE && top.left > 0)
		c->mode = FLI_COMPARE_EXACT;
}

static piece piece_of(const fli_item *list)
{
	if (list->is_string)
		return (piece){list->as.bits.size, true};
	return (piece){list->children - 1, false};
}

static void push_list(comparison *c)
{
	frame top = {.type = FRAME_LIST};

	for (int i = 0; i < 2; i++) {
		top.as.list[i] = piece_of(&c->items[i]);
		if (c->items[i].is_string) /* its bytes are read one by one, as elements */
			c->sides[i].at -= c->items[i].as.bits.size;
	}
	push(c, top);
}

static void push_children(comparison *c)
{
	if (c->items[0].kind == FL_LIST)
		push_list(c);
	else if (c->items[0].kind == FL_MAP)
		push_map(c);
	else if (c->items[0].children > 0)
		push(c, (frame){.type = FRAME_TERMS, .left = c->items[0].children});
}

/* The next element of one side; or, at the end of the list, its tail, and then it returns false. */
static bool next_element(piece *now, fli_cursor *side, fli_item *item)
{
	while (now->left == 0) {
		*item = (fli_item){.kind = FL_NIL};
		if (!now->is_string)
			fli_item_read(side, item);
		if (item->kind != FL_LIST)
			return false;
		*now = piece_of(item);
		if (item->is_string)
			side->at -= item->as.bits.size;
	}
	now->left--;
	if (now->is_string)
		*item = (fli_item){.kind = FL_INTEGER, .as.integer.magnitude = *side->at++};
	else
		fli_item_read(side, item);
	return true;
}

/* When only one list has ended, its tail stands against a list, which is never equal to it. */
static void next_of_list(comparison *c)
{
	frame *top = &c->frames[c->count - 1];
	bool more[2];

	for (int i = 0; i < 2; i++)
		more[i] = next_element(&top->as.list[i], &c->sides[i], &c->items[i]);
	if (!more[0] && !more[1])
		c->count--;
	else if (!more[0] || !more[1])
		c->items[more[0] ? 0 : 1].kind = FL_LIST;
}

/* False when the map is done: the cursors are then behind it. */
static bool next_of_map(comparison *c)
{
	frame *top = &c->frames[c->count - 1];
	uint64_t pairs = top->left, at = top->at++;
	bool is_value = at >= pairs, is_end = at == 2 * pairs;

	for (int i = 0; i < 2 && pairs > 1; i++) {
		const fli_order *order = top->as.map[i];
		const fli_pair *pair = &order->pairs[is_end ? 0 : at % pairs];

		c->sides[i].at = is_end ? order->end : is_value ? pair->value : pair->key;
	}
	if (is_value)
		c->mode = top->mode;
	if (is_end) {
		c->count--;
		return false;
	}
	for (int i = 0; i < 2; i++)
		fli_item_read(&c->sides[i], &c->items[i]);
	return true;
}

/* Reads the next two heads that stand against each other; false when nothing is left. */
static bool next(comparison *c)
{
	while (c->count > 0) {
		frame *top = &c->frames[c->count - 1];

		if (top->type == FRAME_LIST) {
			next_of_list(c);
			return true;
		}
		if (top->type == FRAME_MAP) {
			if (next_of_map(c))
				return true;
			continue;
		}
		if (--top->left == 0)
			c->count--;
		for (int i = 0; i < 2; i++)
			fli_item_read(&c->sides[i], &c->items[i]);
		return true;
	}
	return false;
}

/* Both first items have been read. */
static int run(comparison *c, int *ret_order)
{
	int order;

	c->frames = c->inline_frames;
	c->capacity = FRAMES_INLINE;
	do {
		if (c->items[0].kind == FL_INVALID || c->items[1].kind == FL_INVALID)
			c->error = FL_EFORMAT;
		order = fli_compare_heads(&c->items[0], &c->items[1], c->mode);
		if (order == 0 && c->error == FL_OK)
			push_children(c);
	} while (order == 0 && c->error == FL_OK && next(c));
	if (c->frames != c->inline_frames)
		fli_free(c->orders->mem, c->frames);
	if (c->error == FL_OK)
		*ret_order = order;
	return c->error;
}

int fli_compare(fli_orders *orders, fli_mode mode, fli_cursor a, fli_cursor b, int *ret_order)
{
	comparison c = {.orders = orders, .mode = mode, .sides = {a, b}};

	fli_item_read(&c.sides[0], &c.items[0]);
	fli_item_read(&c.sides[1], &c.items[1]);
	return run(&c, ret_order);
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_bytes(fl_term a, fl_term b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

	if (order == 0)
		order = ORDER(a.size, b.size);
	return order != 0 ? order : ORDER(a.rest, b.rest);
}

static int compare(fl_term a, fl_term b, fli_mode mode)
{
	int bytes = compare_bytes(a, b), order = 0;
	fli_orders orders;
	comparison c = {.orders = &orders, .mode = mode};

	if (bytes == 0)
		return 0;
	fli_orders_create(&orders, fli_mem_libc());
	fli_item_of_term(a, &c.sides[0], &c.items[0]);
	fli_item_of_term(b, &c.sides[1], &c.items[1]);
	if (run(&c, &order) != FL_OK)
		order = bytes;
	fli_orders_destroy(&orders);
	return order;
}

int fl_compare(fl_term a, fl_term b)
{
	return compare(a, b, FLI_COMPARE_VALUE);
}

bool fl_equal(fl_term a, fl_term b)
{
	return compare(a, b, FLI_COMPARE_EQUAL) == 0;
}
