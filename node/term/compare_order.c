/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting the pairs of maps.
 *
 * - One pass over the bytes with a stack of open containers; an open map notes where each key and
 *   each value begins.
 * - When a map closes, all maps inside it are in the table, so its keys can be compared without
 *   descending into unsorted ones; it is sorted (merge sort, n log n on any input) and joins them.
 *
 * Depth costs heap, one frame an open container; FL_ENOMEM when there is none. Whoever fails frees
 * what is still open; what is in the table stays until fli_orders_destroy.
 */
#include "node/base/buf.h"
#include "node/term/item.h"
#include "node/term/order.h"

typedef struct open_container {
	uint64_t left;
	fli_order *order; /* NULL for what is no map of two pairs */
} open_container;

static bool is_order_of(const void *item, const void *key)
{
	return ((const fli_order *)item)->map == key;
}

static uint64_t hash_of(const uint8_t *map)
{
	return fli_hash_mix((uint64_t)(uintptr_t)map);
}

void fli_orders_create(fli_orders *orders, fli_mem *mem)
{
	orders->mem = mem;
	orders->has_duplicate = false;
	fli_map_create(&orders->table, mem, is_order_of);
}

void fli_orders_destroy(fli_orders *orders)
{
	size_t cursor = 0;
	fli_order *order;

	while ((order = fli_map_next(&orders->table, &cursor)) != NULL)
		fli_free(orders->mem, order);
	fli_map_destroy(&orders->table);
}

typedef struct sorting {
	fli_orders *orders;
	const uint8_t *end;
	size_t count;
} sorting;

/* Merges the sorted runs [first, middle) and [middle, last) of `from` into the same places of `to`.
 */
static int merge(const sorting *s, const fli_pair *from, fli_pair *to, size_t first, size_t width)
{
	size_t middle = first + width < s->count ? first + width : s->count;
	size_t last = middle + width < s->count ? middle + width : s->count;
	size_t a = first, b = middle;

	for (size_t i = first; i < last; i++) {
		int order = a == middle ? 1 : -1, error;

		if (a < middle && b < last) {
			error = fli_compare(s->orders, FLI_COMPARE_EXACT,
				(fli_cursor){from[a].key, s->end},
				(fli_cursor){from[b].key, s->end}, &order);
			if (error != FL_OK)
				return error;
			if (order == 0)
				s->orders->has_duplicate = true;
		}
		to[i] = from[order <= 0 ? a++ : b++];
	}
	return FL_OK;
}

static int sort(fli_orders *orders, fli_order *order)
{
	const sorting s = {orders, order->end, order->count};
	size_t size = s.count * sizeof(fli_pair);
	fli_pair *spare = fli_alloc(orders->mem, size), *from = order->pairs, *to = spare;
	int error = spare == NULL ? FL_ENOMEM : FL_OK;

	for (size_t width = 1; error == FL_OK && width < s.count; width *= 2) {
		fli_pair *sorted = to;

		for (size_t first = 0; error == FL_OK && first < s.count; first += 2 * width)
			error = merge(&s, from, to, first, width);
		to = from;
		from = sorted;
	}
	if (error == FL_OK && from == spare)
		memcpy(order->pairs, spare, size);
	fli_free(orders->mem, spare);
	return error;
}

static open_container *top_of(const fli_buf *stack)
{
	return stack->size == 0 ? NULL : (open_container *)(void *)(stack->data + stack->size) - 1;
}

static int open_item(fli_orders *orders, fli_buf *stack, const fli_item *item)
{
	uint64_t pairs = item->kind == FL_MAP ? item->children / 2 : 0;
	open_container *top;
	fli_order *order = NULL;

	if (pairs >= 2) {
		order = fli_alloc(orders->mem, sizeof *order + (size_t)pairs * sizeof(fli_pair));
		if (order == NULL)
			return FL_ENOMEM;
		*order = (fli_order){.map = item->start, .count = (uint32_t)pairs};
	}
	top = (open_container *)(void *)fli_buf_extend(stack, sizeof *top);
	if (top == NULL) {
		fli_free(orders->mem, order);
		return FL_ENOMEM;
	}
	*top = (open_container){item->children, order};
	return FL_OK;
}

/* The innermost container is complete: if it is a map, it is sorted and joins the table. */
static int close_top(fli_orders *orders, fli_buf *stack, const fli_cursor *c)
{
	fli_order *order = top_of(stack)->order;
	int error = FL_OK;

	stack->size -= sizeof(open_container);
	if (order == NULL)
		return FL_OK;
	order->end = c->at;
	if (fli_map_get(&orders->table, hash_of(order->map), order->map) == NULL) {
		error = sort(orders, order);
		if (error == FL_OK)
			error = fli_map_put(&orders->table, hash_of(order->map), order);
		if (error == FL_OK)
			return FL_OK;
	}
	fli_free(orders->mem, order);
	return error;
}

static void note_child(open_container *top, const uint8_t *at)
{
	fli_order *order = top->order;

	if (order != NULL && top->left % 2 == 0)
		order->pairs[order->filled].key = at;
	else if (order != NULL)
		order->pairs[order->filled++].value = at;
	top->left--;
}

int fli_orders_add(fli_orders *orders, fli_cursor *c)
{
	fli_buf stack;
	fli_item item;
	int error = FL_OK;

	fli_buf_create(&stack, orders->mem, 0);
	do {
		if (top_of(&stack) != NULL)
			note_child(top_of(&stack), c->at);
		fli_item_read(c, &item);
		if (item.kind == FL_INVALID)
			error = FL_EFORMAT;
		if (item.children > 0)
			error = open_item(orders, &stack, &item);
		while (error == FL_OK && top_of(&stack) != NULL && top_of(&stack)->left == 0)
			error = close_top(orders, &stack, c);
	} while (error == FL_OK && top_of(&stack) != NULL);
	for (; top_of(&stack) != NULL; stack.size -= sizeof(open_container))
		fli_free(orders->mem, top_of(&stack)->order);
	fli_buf_destroy(&stack);
	return error;
}

int fli_orders_get(
	fli_orders *orders, const uint8_t *map, const uint8_t *end, const fli_order **ret_order)
{
	const fli_order *order = fli_map_get(&orders->table, hash_of(map), map);
	fli_cursor c = {map, end};
	int error;

	if (order == NULL) {
		error = fli_orders_add(orders, &c);
		if (error != FL_OK)
			return error;
		order = fli_map_get(&orders->table, hash_of(map), map);
	}
	*ret_order = order;
	return order == NULL ? FL_EFORMAT : FL_OK;
}
