/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TERM_ITEM_H
#define FLI_TERM_ITEM_H

/*
 * The head of one encoded term, decoded: what comparing and printing look at.
 *
 *     bytes   | head | child 0 | child 1 | ... |          a list's last child is its tail
 *                    ^ where fli_item_read leaves the cursor
 *
 * A list that was sent as a string of bytes has no children; its bytes are in `bits`. Encodings
 * that mean the same give the same item: an empty list of either kind is FL_NIL, a big integer that
 * fits 64 bits is a small one.
 *
 * Threads: any. Memory: none; texts and bytes borrow. Errors: kind FL_INVALID, and the cursor
 * stays. Limits: never more children than bytes that remain.
 */

#include "flitch/term.h"
#include "node/base/bytes.h"

/* |value| is `magnitude`, or `size` little-endian bytes at `digits` (the last not 0, size > 8). */
typedef struct fli_integer {
	bool negative;
	bool is_big;
	uint64_t magnitude;
	const uint8_t *digits;
	size_t size;
} fli_integer;

typedef struct fli_bits {
	const uint8_t *data;
	size_t size;        /* bytes, the last of which may count in part */
	unsigned last_bits; /* 1 to 8; 8 when empty */
} fli_bits;

typedef struct fli_fun {
	fl_atom module;
	fl_atom function; /* of an external one; its text is NULL in a closure */
	uint32_t arity;
	uint32_t index;
	int64_t old_index;
	int64_t old_uniq;
	const uint8_t *uniq; /* 16 bytes */
} fli_fun;

typedef struct fli_record_head {
	fl_atom module;
	fl_atom name;
	uint32_t count; /* fields: as many names, then as many values follow */
} fli_record_head;

typedef struct fli_item {
	fl_kind kind;
	bool is_string; /* a list of bytes, in `bits` */
	uint64_t children;
	const uint8_t *start;
	union {
		fli_integer integer;
		double real;
		fl_atom atom;
		fl_pid pid;
		fl_ref ref;
		fl_port port;
		fli_bits bits;
		fli_fun fun;
		fli_record_head record;
	} as;
} fli_item;

void fli_item_read(fli_cursor *c, fli_item *ret_item);
/* The head of a term, which may be the rest of a list; the cursor is left before its children. */
void fli_item_of_term(fl_term term, fli_cursor *ret_cursor, fli_item *ret_item);

#endif
