/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of entries. A member's pid differs from the owner's in eight bytes, which are all that is
 * looked at when the rest is the same.
 *
 * A list may come in pieces, the tail of one being the next: its head is looked for whenever one
 * has ended.
 */
#include "pg/entries.h"

#include "node/term/peek.h"
#include "node/term/tag.h"
#include "pg/scope.h"

/* Tag and size of the atom; id, serial, creation. */
enum { PID_HEAD = 3, PID_NUMBERS = 12 };

/* *ret_count is 0 after the nil that ends a list. */
static inline bool take_list(fli_cursor *c, uint32_t *ret_count)
{
	uint8_t tag;

	*ret_count = 0;
	if (!fli_take8(c, &tag))
		return false;
	return tag == FLI_NIL_EXT || (tag == FLI_LIST_EXT && fli_take32(c, ret_count));
}

/* ---- pids -------------------------------------------------------------------------------------
 */

/* A pid whose node's name is that of `owner`, and its creation. */
static inline bool take_own(fli_cursor *c, const fl_pid *owner, uint64_t *ret_id)
{
	size_t size = owner->node.size;
	const uint8_t *at = c->at;

	if (fli_left(c) < PID_HEAD + size + PID_NUMBERS || at[0] != FLI_NEW_PID_EXT ||
		at[1] != FLI_SMALL_ATOM_UTF8_EXT || at[2] != size)
		return false;
	at += PID_HEAD + size;
	if (memcmp(c->at + PID_HEAD, owner->node.text, size) != 0 ||
		fli_get32(at + 8) != owner->creation)
		return false;
	*ret_id = (uint64_t)fli_get32(at + 4) << 32 | fli_get32(at);
	c->at = at + PID_NUMBERS;
	return true;
}

/* The common form, of whatever node. */
static inline bool skip_pid(fli_cursor *c)
{
	const uint8_t *bytes;
	fl_pid pid;

	if (fli_left(c) > PID_HEAD && c->at[0] == FLI_NEW_PID_EXT &&
		c->at[1] == FLI_SMALL_ATOM_UTF8_EXT)
		return fli_take(c, PID_HEAD + (size_t)c->at[2] + PID_NUMBERS, &bytes);
	return fli_peek_pid(c, NULL, &pid);
}

fli_pid_read fli_pids_next(fli_pids *pids, const fl_pid *owner, uint64_t *ret_id)
{
	fl_pid pid;

	if (pids->left == 0) {
		if (!take_list(pids->at, &pids->left))
			return FLI_PID_BAD;
		if (pids->left == 0)
			return FLI_PID_END;
	}
	pids->left--;
	if (take_own(pids->at, owner, ret_id))
		return FLI_PID_OWN;
	if (!fli_peek_pid(pids->at, NULL, &pid))
		return FLI_PID_BAD;
	*ret_id = fli_pg_id(&pid);
	return pid.creation == owner->creation && fl_atom_eq(pid.node, owner->node) ? FLI_PID_OWN
										    : FLI_PID_OTHER;
}

bool fli_pids_skip(fli_cursor *at)
{
	uint32_t left = 0;

	for (;;) {
		if (left == 0 && !take_list(at, &left))
			return false;
		if (left == 0)
			return true;
		if (!skip_pid(at))
			return false;
		left--;
	}
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static bool take_key(fli_cursor *c, fl_term *ret_key)
{
	size_t size = fli_left(c) == 0 ? 0 : fli_term_size(c->at, fli_left(c));

	if (size == 0 || size > FLI_SCOPE_KEY_MAX)
		return false;
	*ret_key = (fl_term){.data = c->at, .size = size};
	c->at += size;
	return true;
}

static bool take_head(fli_entries *e)
{
	uint32_t arity, wanted = e->kind == FLI_ENTRIES_UPDATES ? 3 : 2;

	return e->kind == FLI_ENTRIES_MAP || (fli_peek_tuple(&e->at, &arity) && arity == wanted);
}

/* False at the end, and at what is no such term: *ret_ok tells which. */
static bool next(fli_entries *e, fl_term *ret_key, bool *ret_ok)
{
	*ret_ok = e->kind == FLI_ENTRIES_MAP || e->left > 0 || take_list(&e->at, &e->left);
	if (!*ret_ok || e->left == 0)
		return false;
	e->left--;
	*ret_ok = take_head(e) && take_key(&e->at, ret_key);
	return *ret_ok;
}

/* False when the content is of another kind. */
static bool begin(fli_entries *e, fl_term content, fli_entries_kind kind)
{
	uint8_t tag;

	*e = (fli_entries){.at = fli_cursor_make(content.data, content.size), .kind = kind};
	if (content.rest != 0)
		return false;
	return kind != FLI_ENTRIES_MAP ||
	       (fli_take8(&e->at, &tag) && tag == FLI_MAP_EXT && fli_take32(&e->at, &e->left));
}

bool fli_entries_check(fl_term content, fli_entries_kind kind)
{
	fli_entries e;
	bool ok = begin(&e, content, kind);
	fl_term key;

	while (ok && next(&e, &key, &ok)) {
		ok = fli_pids_skip(&e.at);
		if (ok && kind == FLI_ENTRIES_UPDATES)
			ok = fli_pids_skip(&e.at);
	}
	return ok;
}

void fli_entries_begin(fli_entries *entries, fl_term content, fli_entries_kind kind)
{
	(void)begin(entries, content, kind); /* it was checked */
}

bool fli_entries_next(fli_entries *entries, fl_term *ret_key)
{
	bool ok;

	return next(entries, ret_key, &ok); /* likewise */
}
