/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

/*
 * Questions to one state of a store that look at more than one key.
 *
 *     from <= key < to         an empty bound is none; keys in the order of their bytes
 *     a page                   at most `limit` pairs and about SCAN_PAGE_BYTES, at least one pair,
 *                              and where the next page begins: the bound to ask it with
 *
 * Threads: any, one at a time. Memory: what is asked for is in the ask itself, or, the keys of
 * SCAN_MANY, in a term that outlives it; scan_end frees the answer. Errors: `error`, a word. A scan
 * looks every SCAN_LOOK_US whether somebody still waits. Limits: SCAN_*.
 */

#include "examples/accel/store/env.h"

enum {
	SCAN_STEP = 256,
	SCAN_LOOK_US = 2000,
	SCAN_LIMIT_MAX = 10000,
	SCAN_PAGE_BYTES = 1 << 20,
	SCAN_MANY_MAX = 10000,
	SCAN_MANY_BYTES = 64 << 20
};

typedef enum scan_kind { SCAN_RANGE, SCAN_COUNT, SCAN_MANY } scan_kind;

typedef struct scan_key {
	size_t size;
	uint8_t bytes[ENV_KEY_MAX];
} scan_key;

typedef struct scan {
	scan_kind kind;
	fl_from who;
	scan_key from, to;
	size_t limit;
	bool is_reverse;
	fl_term keys; /* SCAN_MANY: a list of binaries */

	fl_buf pairs; /* a list of {Key, Value} */
	uint64_t count, bytes;
	bool has_next;
	scan_key next;
	const char *error; /* NULL: it worked */
	uint64_t looked_us;
} scan;

/* False: longer than any key. */
bool scan_key_set(scan_key *key, fl_bin bytes);
static inline fl_bin scan_key_bin(const scan_key *key)
{
	return (fl_bin){key->bytes, key->size};
}

/* `cancelled` may be NULL. */
void scan_run(scan *s, store_env *env, MDB_txn *txn, const _Atomic(bool) *cancelled);
int scan_reply(const scan *s);
void scan_end(scan *s);

/* The way of a cursor through a range: its first key, and whether a key is still of it. */
int scan_first(const scan *s, MDB_cursor *cursor, MDB_val *ret_key, MDB_val *ret_value);
bool scan_has(const scan *s, MDB_val key);

#endif
