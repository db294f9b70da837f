/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another node's scope may say to ours, well formed, nearly so and not at all, with members of
 * this node that come and go in between. Whatever it is: the books agree afterwards, and what was
 * refused has changed nothing.
 *
 * The input: a byte for what happens, bytes for what grows in it, and so on.
 */
#include <string.h>

#include "node/term/write.h"
#include "pg/scope.h"
#include "tests/fuzz/fuzz.h"

enum { PEER_ID = 9, CREATION = 1, STEPS_MAX = 200 };

static fli_scope scope;
static uint32_t refs;

/* ---- surroundings -----------------------------------------------------------------------------
 */

static bool on_is_near(void *ctx, fl_atom node, uint32_t creation, fl_atom *ret_node)
{
	(void)ctx;
	*ret_node = fl_atom_of(FUZZ_PEER);
	return creation == CREATION && fl_atom_is(node, FUZZ_PEER);
}

/* What we say is a term, whole. */
static int on_send(void *ctx, const fl_pid *to, fl_term message)
{
	(void)ctx;
	(void)to;
	CHECK(fli_term_size(message.data, message.size) == message.size);
	return FL_OK;
}

static int on_send_named(void *ctx, fl_atom node, fl_term message)
{
	const fl_pid to = {.node = node};

	return on_send(ctx, &to, message);
}

static int on_monitor(void *ctx, const fl_pid *pid, fl_ref *ret_ref)
{
	(void)ctx;
	(void)pid;
	*ret_ref = (fl_ref){.node = fl_atom_of(FUZZ_OWN), .count = 1, .words = {++refs}};
	return FL_OK;
}

static void on_demonitor(void *ctx, const fl_ref *ref)
{
	(void)ctx;
	(void)ref;
}

static bool on_retry(void *ctx, uint32_t ms)
{
	(void)ctx;
	(void)ms;
	return true;
}

static const fli_scope_ops ops = {
	on_is_near, on_send, on_send_named, on_monitor, on_demonitor, on_retry};

/* ---- messages ---------------------------------------------------------------------------------
 */

/* One byte in eight is something else than what belongs there. */
static bool grows(fli_cursor *c, fli_buf *out)
{
	if (grow_byte(c) % 8 != 7)
		return false;
	grow_term(c, out);
	return true;
}

static void add_pid(fli_buf *out, uint32_t id)
{
	const fl_pid pid = {fl_atom_of(FUZZ_PEER), id, 0, CREATION};

	fli_write_pid(out, &pid);
}

static void add_peer(fli_cursor *c, fli_buf *out)
{
	if (!grows(c, out))
		add_pid(out, PEER_ID);
}

static void add_pids(fli_cursor *c, fli_buf *out)
{
	uint32_t count = grow_byte(c) % 12;

	if (grows(c, out))
		return;
	if (count > 0)
		fli_write_list(out, count);
	while (count-- > 0)
		if (!grows(c, out))
			add_pid(out, grow_byte(c) % 4);
	fli_write_nil(out);
}

static void add_key(fli_cursor *c, fli_buf *out)
{
	if (!grows(c, out))
		fli_write_uint(out, grow_byte(c) % 4);
}

static void add_entries(fli_cursor *c, fli_buf *out, bool is_map, bool is_update)
{
	uint32_t count = grow_byte(c) % 6;

	if (is_map)
		fli_write_map(out, count);
	else if (count > 0)
		fli_write_list(out, count);
	while (count-- > 0) {
		if (!is_map)
			fli_write_tuple(out, is_update ? 3 : 2);
		add_key(c, out);
		add_pids(c, out);
		if (is_update)
			add_pids(c, out);
	}
	if (!is_map)
		fli_write_nil(out);
}

static void open_message(fli_cursor *c, fli_buf *out, const char *word, uint32_t arity)
{
	fli_write_tuple(out, arity);
	fli_write_atom(out, fl_atom_of(word));
	add_peer(c, out);
}

static void add_keys(fli_cursor *c, fli_buf *out)
{
	uint32_t count = 1 + grow_byte(c) % 3;

	fli_write_list(out, count);
	while (count-- > 0)
		add_key(c, out);
	fli_write_nil(out);
}

/* Returns whether it comes as a cast. */
static bool add_message(fli_cursor *c, fli_buf *out, uint8_t kind)
{
	switch (kind % 6) {
	case 0:
		open_message(c, out, "sync", 3);
		add_entries(c, out, false, false);
		return true;
	case 1:
		open_message(c, out, "local_data", 4);
		fli_write_uint(out, 1);
		add_entries(c, out, true, false);
		return true;
	case 2:
		open_message(c, out, "join", 4);
		add_key(c, out);
		add_pids(c, out);
		return false;
	case 3:
		open_message(c, out, "leave", 4);
		add_pids(c, out);
		add_keys(c, out);
		return false;
	case 4:
		open_message(c, out, "update", 3);
		add_entries(c, out, false, true);
		return false;
	default:
		open_message(c, out, "discover", 3);
		fli_write_uint(out, grow_byte(c) % 2);
		return false;
	}
}

/* ---- what happens -----------------------------------------------------------------------------
 */

static void check_books(void)
{
	const fli_pg_group *group;
	uint64_t members = 0;
	size_t cursor = 0;

	while ((group = fli_map_next(&scope.table.groups, &cursor)) != NULL) {
		CHECK(group->first != NULL);
		for (const fli_pg_share *s = group->first; s != NULL; s = s->next) {
			CHECK(s->count > 0 && s->count <= s->capacity);
			members += s->count;
		}
	}
	CHECK(members == scope.table.members);
}

static void finish(fli_scope_job *job)
{
	while (fli_scope_step(&scope, job))
		;
}

static void hear(fli_buf *bytes, bool is_cast)
{
	uint8_t *copy = fuzz_copy(bytes->data, bytes->size);
	fl_term message = {.data = copy, .size = bytes->size};
	uint64_t before = scope.table.members;
	fli_scope_job job;

	if (fli_scope_check(message, is_cast)) {
		fli_scope_begin(&scope, message, is_cast, &job);
		finish(&job);
	} else {
		CHECK(scope.table.members == before);
	}
	free(copy);
}

static void lose_peer(void)
{
	const fl_pid pid = {fl_atom_of(FUZZ_PEER), PEER_ID, 0, CREATION};
	const fli_scope_peer *peer = fli_scope_peer_find(&scope, &pid);
	fli_scope_job job;
	fl_ref ref;

	if (peer == NULL)
		return;
	ref = peer->monitor;
	fli_scope_down(&scope, &ref, &pid, &job);
	finish(&job);
	CHECK(fli_scope_peer_find(&scope, &pid) == NULL);
}

static void change_own(fli_cursor *c, bool is_join)
{
	const uint64_t ids[] = {grow_byte(c) % 4, grow_byte(c) % 4};
	const fli_scope_pids pids = {ids, 2, true};
	const uint8_t key[] = {97, grow_byte(c) % 4};
	const fl_term group = {.data = key, .size = sizeof key};

	(void)(is_join ? fli_scope_join(&scope, group, &pids)
		       : fli_scope_leave(&scope, group, &pids)); /* either is right */
}

static void act(fli_cursor *c)
{
	uint8_t what = grow_byte(c);
	fli_buf bytes;
	bool is_cast;

	switch (what % 16) {
	case 0: lose_peer(); return;
	case 1: fli_scope_pause(&scope); return;
	case 2: fli_scope_resume(&scope); return;
	case 3:
	case 4: change_own(c, what % 16 == 3); return;
	default: break;
	}
	fli_buf_create(&bytes, fli_mem_libc(), 0);
	if (what % 16 == 5) {
		is_cast = grow_byte(c) % 2 == 0;
		grow_term(c, &bytes);
	} else {
		is_cast = add_message(c, &bytes, grow_byte(c));
	}
	hear(&bytes, is_cast);
	fli_buf_destroy(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fli_cursor c = fli_cursor_make(data, size);
	const fli_scope_start start = {.self = {fl_atom_of(FUZZ_OWN), 1, 0, CREATION},
		.mem = fli_mem_libc(),
		.seed = 42,
		.members_max = 100,
		.ops = &ops};

	fli_scope_create(&scope, &start);
	for (int i = 0; i < STEPS_MAX && fli_left(&c) > 0; i++) {
		act(&c);
		check_books();
	}
	fli_scope_destroy(&scope);
	return 0;
}
