/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between scopes, looked through before anything is done: v0 of OTP 23 to 28, and what 29
 * says to its like.
 */
#include "pg/shape.h"

#include "node/term/peek.h"
#include "pg/entries.h"
#include "pg/scope.h"

bool fli_shape_pid(fl_term term, fl_pid *ret_pid)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);

	return term.rest == 0 && fli_peek_pid(&c, NULL, ret_pid);
}

bool fli_shape_ref(fl_term term, fl_ref *ret_ref)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);

	return term.rest == 0 && fli_peek_ref(&c, NULL, ret_ref);
}

bool fli_shape_is_atom(fl_term term, const char *text)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fl_atom atom;

	return term.rest == 0 && fli_peek_atom(&c, NULL, &atom) && fl_atom_is(atom, text);
}

/* One after the other; the last one is what is left. */
bool fli_shape_tuple(fl_term term, const char *tag, size_t arity, fl_term *ret)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	uint32_t found;

	if (term.rest != 0 || !fli_peek_tuple(&c, &found) || found != arity)
		return false;
	for (size_t i = 0; i < arity; i++) {
		size_t size = i + 1 == arity ? fli_left(&c) : fli_term_size(c.at, fli_left(&c));

		if (size == 0)
			return false;
		ret[i] = (fl_term){.data = c.at, .size = size, .atoms = term.atoms};
		c.at += size;
		if (i == 0 && tag != NULL && !fli_shape_is_atom(ret[0], tag))
			return false;
	}
	return true;
}

bool fli_shape_is_list(fl_term term)
{
	fl_kind kind = fl_term_kind(term);

	return kind == FL_LIST || kind == FL_NIL;
}

static bool is_pid_or_pids(fl_term term)
{
	fli_cursor c = fli_cursor_make(term.data, term.size);
	fl_pid pid;

	return fli_shape_pid(term, &pid) || (term.rest == 0 && fli_pids_skip(&c));
}

static bool is_key(fl_term term)
{
	return term.size <= FLI_SCOPE_KEY_MAX;
}

static bool are_keys(fl_term list)
{
	fl_term key;

	if (!fli_shape_is_list(list))
		return false;
	while (fl_list_next(&list, &key))
		if (!is_key(key))
			return false;
	return fl_term_kind(list) == FL_NIL;
}

/* One process leaves its groups, or many leave one; who sends many of both wants to keep us busy.
 */
static bool is_leave_of_one(fl_term pids, fl_term groups)
{
	uint64_t pids_count = 0, groups_count = 0;
	fl_term element;

	while (fl_list_next(&pids, &element))
		pids_count++;
	while (fl_list_next(&groups, &element))
		groups_count++;
	return pids_count <= 1 || groups_count <= 1 ||
	       pids_count * groups_count <= FLI_SCOPE_LEAVE_MAX;
}

static bool check_cast(fl_term message)
{
	fl_term part[4];
	fl_pid peer;

	if (fli_shape_tuple(message, "sync", 3, part))
		return fli_shape_pid(part[1], &peer) &&
		       fli_entries_check(part[2], FLI_ENTRIES_PAIRS);
	if (fli_shape_tuple(message, "local_data", 4, part))
		return fli_shape_pid(part[1], &peer) && fli_entries_check(part[3], FLI_ENTRIES_MAP);
	return false;
}

bool fli_scope_check(fl_term message, bool is_cast)
{
	fl_term part[4];
	fl_pid peer;

	if (is_cast)
		return check_cast(message);
	if (fli_shape_tuple(message, "discover", 2, part) ||
		fli_shape_tuple(message, "discover", 3, part))
		return fli_shape_pid(part[1], &peer);
	if (fli_shape_tuple(message, "join", 4, part))
		return fli_shape_pid(part[1], &peer) && is_key(part[2]) && is_pid_or_pids(part[3]);
	if (fli_shape_tuple(message, "leave", 4, part))
		return fli_shape_pid(part[1], &peer) && is_pid_or_pids(part[2]) &&
		       are_keys(part[3]) && is_leave_of_one(part[2], part[3]);
	if (fli_shape_tuple(message, "update", 3, part))
		return fli_shape_pid(part[1], &peer) &&
		       fli_entries_check(part[2], FLI_ENTRIES_UPDATES);
	return false;
}
