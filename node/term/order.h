/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_ORDER_H
#define FLI_TERM_ORDER_H

/*
 * The term order of OTP 27 with its failures visible, and maps in the order of their keys.
 *
 * A map arrives in whatever order its sender keeps; comparing and printing want its keys sorted.
 * fli_orders_add sorts a map and all maps inside it, the innermost first, so that sorting the keys
 * of an outer map finds those of its inner maps sorted already: nothing recurses.
 *
 * Threads: one at a time. Memory: owns the sorted pairs, which point into the term's bytes.
 * Errors: FL_ENOMEM, or FL_EFORMAT for bytes that are no term.
 */

#include <stdbool.h>
#include <stdint.h>

#include "flitch/term.h"
#include "node/base/bytes.h"
#include "node/base/map.h"

typedef struct fli_pair {
	const uint8_t *key;
	const uint8_t *value;
} fli_pair;

typedef struct fli_order {
	const uint8_t *map; /* its tag */
	const uint8_t *end; /* behind its last value */
	uint32_t count;
	uint32_t filled;
	fli_pair pairs[];
} fli_order;

typedef struct fli_orders {
	fli_mem *mem;
	fli_map table; /* of fli_order, by the address of the map; those of two pairs and more */
	bool has_duplicate; /* some map has the same key twice */
} fli_orders;

void fli_orders_create(fli_orders *orders, fli_mem *mem);
void fli_orders_destroy(fli_orders *orders);
/* Sorts every map within the term at the cursor that is not in the table; the cursor moves past. */
int fli_orders_add(fli_orders *orders, fli_cursor *c);
/* The order of the map whose tag is at `map`, sorting on first use; `end` bounds its bytes. */
int fli_orders_get(
	fli_orders *orders, const uint8_t *map, const uint8_t *end, const fli_order **ret_order);

/* EXACT tells 1 from 1.0 and sorts integers first, as keys of a map are compared; EQUAL also tells
 * apart two versions of a function, as =:= does. */
typedef enum fli_compare_mode { FLI_COMPARE_VALUE, FLI_COMPARE_EXACT, FLI_COMPARE_EQUAL } fli_mode;

/* Compares the two terms at the cursors. */
int fli_compare(fli_orders *orders, fli_mode mode, fli_cursor a, fli_cursor b, int *ret_order);

#endif
