/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's term, from the gate to text and back (libFuzzer).
 *
 * What fli_walk accepts must expand to the size that it said, be accepted again as it is, be equal
 * to itself, print, and, closures, native records and maps with a key twice aside, read back as the
 * same term. What it refuses is still given to the readers, which must stay within the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "node/term/order.h"
#include "node/term/print.h"
#include "node/term/walk.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Closures and native records have no notation; a map with a key twice is none. */
static bool has_notation(fl_term term)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fli_orders orders;
	fli_item item;
	bool result;

	fli_orders_create(&orders, fli_mem_libc());
	CHECK(fli_orders_add(&orders, &c) == FL_OK);
	CHECK(c.at == c.end);
	result = !orders.has_duplicate;
	fli_orders_destroy(&orders);
	c = fli_cursor_make(term.data, term.size);
	while (result && c.at < c.end) {
		fli_item_read(&c, &item);
		result = item.kind != FL_RECORD &&
			 (item.kind != FL_FUN || item.as.fun.function.text != NULL);
	}
	return result;
}

static void check_text(fl_term term)
{
	fl_buf again = FL_BUF_INIT;
	fl_error err;
	fli_buf text;

	fli_buf_create(&text, fli_mem_libc(), 0);
	CHECK(fli_print(&text, term, FLI_PRINT_CREATION) == FL_OK);
	if (has_notation(term)) {
		CHECK(fl_read(&again, (const char *)text.data, text.size, &err) == FL_OK);
		CHECK(fl_equal(term, fl_buf_term(&again)));
	}
	fl_buf_free(&again);
	fli_buf_destroy(&text);
}

/* What has been expanded stays as it is. */
static void check_expanded(fl_term term, const fli_walked *walked)
{
	uint8_t *again = malloc(term.size);

	if (again == NULL)
		return;
	fli_expand(term.data, walked, NULL, again);
	CHECK(memcmp(again, term.data, term.size) == 0);
	free(again);
}

static void check_term(fl_term term)
{
	size_t half = term.size / 2;
	fli_walked walked;
	fl_term part = term;
	char cut[40];

	CHECK(fli_walk(term.data, term.size, NULL, &walked));
	CHECK(walked.size == term.size && walked.expanded_size == term.size);
	check_expanded(term, &walked);
	CHECK(fli_term_size(term.data, term.size) == term.size);
	CHECK(fl_term_kind(term) != FL_INVALID);
	CHECK(fl_equal(term, term) && fl_compare(term, term) == 0);
	CHECK(strlen(fl_print_to(cut, sizeof cut, term)) < sizeof cut);
	part.size = half;
	CHECK((fl_compare(term, part) > 0) == (fl_compare(part, term) < 0));
	check_text(term);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const fl_term raw = {.data = data, .size = size};
	fl_buf text = FL_BUF_INIT;
	fli_walked walked;
	uint8_t *out;

	(void)fl_print(&text, raw); /* any answer will do, within the bytes */
	fl_buf_free(&text);
	if (!fli_walk(data, size, NULL, &walked))
		return 0;
	CHECK(walked.size <= size);
	out = malloc(walked.expanded_size);
	if (out == NULL)
		return 0;
	fli_expand(data, &walked, NULL, out);
	check_term((fl_term){.data = out, .size = walked.expanded_size});
	free(out);
	return 0;
}
