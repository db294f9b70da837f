/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/accel/store/scan.h"

#include <string.h>
#include <time.h>

bool scan_key_set(scan_key *key, fl_bin bytes)
{
	if (bytes.size > ENV_KEY_MAX)
		return false;
	key->size = bytes.size;
	memcpy(key->bytes, bytes.data, bytes.size);
	return true;
}

/* As LMDB orders them, and Erlang its binaries. */
static int compare(MDB_val a, const scan_key *b)
{
	size_t common = a.mv_size < b->size ? a.mv_size : b->size;
	int c = memcmp(a.mv_data, b->bytes, common);

	return c != 0 ? c : (a.mv_size > b->size) - (a.mv_size < b->size);
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Asking after the caller holds the node up, a little, so it is by time. */
static bool goes_on(scan *s, const _Atomic(bool) *cancelled)
{
	uint64_t now = now_us();

	if (cancelled != NULL && *cancelled)
		s->error = "given_up";
	else if (now - s->looked_us >= SCAN_LOOK_US) {
		s->looked_us = now;
		if (!fl_from_alive(s->who))
			s->error = "given_up";
	}
	return s->error == NULL;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

int scan_first(const scan *s, MDB_cursor *cursor, MDB_val *ret_key, MDB_val *ret_value)
{
	const scan_key *bound = s->is_reverse ? &s->to : &s->from;
	int rc;

	*ret_key = env_val(scan_key_bin(bound));
	if (bound->size == 0)
		return mdb_cursor_get(
			cursor, ret_key, ret_value, s->is_reverse ? MDB_LAST : MDB_FIRST);
	rc = mdb_cursor_get(cursor, ret_key, ret_value, MDB_SET_RANGE);
	if (!s->is_reverse)
		return rc;
	return mdb_cursor_get(cursor, ret_key, ret_value, rc == 0 ? MDB_PREV : MDB_LAST);
}

bool scan_has(const scan *s, MDB_val key)
{
	if (s->is_reverse)
		return s->from.size == 0 || compare(key, &s->from) >= 0;
	return s->to.size == 0 || compare(key, &s->to) < 0;
}

/* False when the page is full; `next` is then where the one after it begins. */
static bool add_pair(scan *s, MDB_val key, MDB_val value)
{
	size_t bytes = key.mv_size + value.mv_size;

	if (s->count > 0 && (s->count >= s->limit || s->bytes + bytes > SCAN_PAGE_BYTES)) {
		s->has_next = true;
		if (!s->is_reverse) /* else it is the last one that is in */
			(void)scan_key_set(&s->next, env_bin(key));
		return false;
	}
	(void)fl_build(&s->pairs, "{~, ~}", env_bin(key), env_bin(value));
	s->bytes += bytes;
	if (s->is_reverse)
		(void)scan_key_set(&s->next, env_bin(key));
	return true;
}

static int walk(scan *s, MDB_cursor *cursor, const _Atomic(bool) *cancelled)
{
	MDB_cursor_op step = s->is_reverse ? MDB_PREV : MDB_NEXT;
	MDB_val key, value;
	int rc = scan_first(s, cursor, &key, &value);

	while (rc == 0 && scan_has(s, key)) {
		if (s->count % SCAN_STEP == SCAN_STEP - 1 && !goes_on(s, cancelled))
			return 0;
		if (s->kind == SCAN_RANGE && !add_pair(s, key, value))
			return 0;
		s->count++;
		rc = mdb_cursor_get(cursor, &key, &value, step);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int run_range(scan *s, store_env *env, MDB_txn *txn, const _Atomic(bool) *cancelled)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, env->data, &cursor);

	if (rc != 0)
		return rc;
	rc = walk(s, cursor, cancelled);
	mdb_cursor_close(cursor);
	return rc;
}

/* ---- many keys ------------------------------------------------------------------------------- */

static int run_many(scan *s, store_env *env, MDB_txn *txn, const _Atomic(bool) *cancelled)
{
	fl_term list = s->keys, one;
	fl_bin bytes;
	MDB_val key, value;
	int rc = 0;

	while (rc == 0 && fl_list_next(&list, &one) && fl_match(one, "~", &bytes)) {
		if (++s->count % SCAN_STEP == 0 && !goes_on(s, cancelled))
			return 0;
		key = env_val(bytes);
		rc = mdb_get(txn, env->data, &key, &value);
		if (rc == 0 && (s->bytes += value.mv_size) > SCAN_MANY_BYTES)
			s->error = "too_large";
		if (s->error != NULL)
			return 0;
		if (rc == 0)
			(void)fl_build(&s->pairs, "{~, ~}", bytes, env_bin(value));
		rc = rc == MDB_NOTFOUND ? 0 : rc;
	}
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

void scan_run(scan *s, store_env *env, MDB_txn *txn, const _Atomic(bool) *cancelled)
{
	int rc = 0;

	if (cancelled != NULL && !goes_on(s, cancelled))
		return;
	fl_list_open(&s->pairs);
	rc = s->kind == SCAN_MANY ? run_many(s, env, txn, cancelled)
				  : run_range(s, env, txn, cancelled);
	fl_list_close(&s->pairs);
	if (rc != 0)
		s->error = env_error(rc);
	else if (s->pairs.error != FL_OK)
		s->error = "enomem";
}

int scan_reply(const scan *s)
{
	fl_term pairs = fl_buf_term(&s->pairs);

	if (s->error != NULL)
		return fl_reply(s->who, "{error, ~}", fl_atom_of(s->error));
	if (s->kind == SCAN_COUNT)
		return fl_reply(s->who, "{ok, ~}", s->count);
	if (s->kind == SCAN_MANY)
		return fl_reply(s->who, "{ok, ~}", pairs);
	if (!s->has_next)
		return fl_reply(s->who, "{ok, ~, done}", pairs);
	return fl_reply(s->who, "{ok, ~, ~}", pairs, scan_key_bin(&s->next));
}

void scan_end(scan *s)
{
	fl_buf_free(&s->pairs);
}
