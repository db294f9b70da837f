/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between scopes, looked through before anything is done: v0 of OTP 23 to 28, and what 29
 * says to its like.
 */
#include "pg/shape.h"

#include "node/term/peek.h"
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

bool fli_shape_tuple(fl_term term, const char *tag, size_t arity, fl_term *ret)
{
	if (fl_term_arity(term) != arity || fl_term_kind(term) != FL_TUPLE)
		return false;
	for (size_t i = 0; i < arity; i++)
		if (!fl_tuple_get(term, i, &ret[i]))
			return false;
	return fli_shape_is_atom(ret[0], tag);
}

bool fli_shape_is_list(fl_term term)
{
	fl_kind kind = fl_term_kind(term);

	return kind == FL_LIST || kind == FL_NIL;
}

static bool are_pids(fl_term list)
{
	fl_term element;
	fl_pid pid;

	if (!fli_shape_is_list(list))
		return false;
	while (fl_list_next(&list, &element))
		if (!fli_shape_pid(element, &pid))
			return false;
	return fl_term_kind(list) == FL_NIL;
}

static bool is_pid_or_pids(fl_term term)
{
	fl_pid pid;

	return fli_shape_pid(term, &pid) || are_pids(term);
}

static bool is_key(fl_term term)
{
	return term.size <= FLI_SCOPE_KEY_MAX;
}

static bool is_entry(fl_term entry, bool is_update)
{
	fl_term key, add, remove;

	if (fl_term_kind(entry) != FL_TUPLE || fl_term_arity(entry) != (is_update ? 3 : 2))
		return false;
	return fl_tuple_get(entry, 0, &key) && is_key(key) && fl_tuple_get(entry, 1, &add) &&
	       are_pids(add) &&
	       (!is_update || (fl_tuple_get(entry, 2, &remove) && are_pids(remove)));
}

static bool are_entries(fl_term list, bool is_update)
{
	fl_term entry;

	if (!fli_shape_is_list(list))
		return false;
	while (fl_list_next(&list, &entry))
		if (!is_entry(entry, is_update))
			return false;
	return fl_term_kind(list) == FL_NIL;
}

static bool is_map_of_pids(fl_term map)
{
	fl_term key, pids;
	size_t cursor = 0;

	if (fl_term_kind(map) != FL_MAP)
		return false;
	while (fl_map_next(map, &cursor, &key, &pids))
		if (!is_key(key) || !are_pids(pids))
			return false;
	return true;
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

static bool check_cast(fl_term message)
{
	fl_term part[4];
	fl_pid peer;

	if (fli_shape_tuple(message, "sync", 3, part))
		return fli_shape_pid(part[1], &peer) && are_entries(part[2], false);
	if (fli_shape_tuple(message, "local_data", 4, part))
		return fli_shape_pid(part[1], &peer) && is_map_of_pids(part[3]);
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
		       are_keys(part[3]);
	if (fli_shape_tuple(message, "update", 3, part))
		return fli_shape_pid(part[1], &peer) && are_entries(part[2], true);
	return false;
}
