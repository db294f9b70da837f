/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns tables for t_ets: {new, Name, Type, Access, KeyPos} with a name as a binary; {give, Name,
 * Pid}, {heir, Name, Pid}; {drop, Name} ends one, `die` ends the server with all it has. {put, K,
 * V} and {erase, K} are persistent_term's.
 */
#include <flitch.h>
#include <string.h>

static fl_table_type type_of(fl_atom word)
{
	return fl_atom_is(word, "set")           ? FL_TABLE_SET
	       : fl_atom_is(word, "ordered_set") ? FL_TABLE_ORDERED_SET
	       : fl_atom_is(word, "bag")         ? FL_TABLE_BAG
						 : FL_TABLE_DUPLICATE_BAG;
}

static fl_table_access access_of(fl_atom word)
{
	return fl_atom_is(word, "public")    ? FL_TABLE_PUBLIC
	       : fl_atom_is(word, "private") ? FL_TABLE_PRIVATE
					     : FL_TABLE_PROTECTED;
}

static int answer(fl_from from, int rc)
{
	return rc == FL_OK ? fl_reply(from, "ok")
			   : fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_table_options options = {0};
	fl_atom type, access, what;
	fl_term key, value;
	char name[64];
	fl_text text;
	fl_tab tab;
	fl_pid pid;

	(void)state;
	if (fl_match(request, "die"))
		return fl_stop(self, "shutdown");
	if (fl_match(request, "{put, ~, ~}", &key, &value))
		return answer(from, fl_persistent_put(self, key, "~", value));
	if (fl_match(request, "{erase, ~}", &key))
		return answer(from, fl_persistent_erase(self, key));
	if (fl_match(request, "{new, ~, ~, ~, ~}", &text, &type, &access, &options.keypos)) {
		(void)fl_text_string(text, name, sizeof name);
		options.type = type_of(type);
		options.access = access_of(access);
		return answer(from, fl_table_new(self, name, &options, &tab));
	}
	if (!fl_match(request, "{~, ~, ~}", &what, &text, &pid) &&
		!fl_match(request, "{~, ~}", &what, &text))
		return fl_unhandled(self, request);
	(void)fl_text_string(text, name, sizeof name);
	if (!fl_table_whereis(self, name, &tab))
		return answer(from, FL_ENOENT);
	if (fl_atom_is(what, "drop"))
		return answer(from, fl_table_delete(self, tab));
	if (fl_atom_is(what, "give"))
		return answer(from, fl_table_give_away(self, tab, pid, "given"));
	return answer(from, fl_table_heir(self, tab, &pid, "left"));
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fl_pid pid;

	(void)state;
	if (fl_match(message, "{'ETS-TRANSFER', _, ~, _}", &pid))
		return FL_OK;
	return fl_unhandled(self, message);
}

static const fl_behaviour tables = {.name = "tables", .call = on_call, .info = on_info};
static const fl_behaviour heir = {.name = "tables_heir", .call = on_call, .info = on_info};

FL_MODULE(&tables, &heir);
