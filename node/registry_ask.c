/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the tables of a registry, for C's functions and for Elixir's names. */
#include "node/registry.h"
#include "node/term/bind.h"
#include "node/term/guard.h"

/* ---- one process ------------------------------------------------------------------------------
 */

int fli_registry_register(
	fli_registry *registry, fl_proc *proc, fl_term key, fl_term value, fl_proc **ret_owner)
{
	fli_reg_wanted wanted;
	int rc = fli_registry_want(registry, key, &wanted);

	return rc == FL_OK ? fli_registry_add(registry, proc, &wanted, value, ret_owner) : rc;
}

/* The next entry that the process has in the registry; start with its list. */
static fli_reg_entry *next_of(const fli_registry *registry, const fl_proc *proc, fli_link **at)
{
	while (*at != &proc->extra->registered) {
		fli_reg_entry *entry = fli_container_of(*at, fli_reg_entry, in_proc);

		*at = (*at)->next;
		if (entry->registry == registry)
			return entry;
	}
	return NULL;
}

static bool is_of_key(const fli_reg_entry *entry, const fli_reg_wanted *wanted)
{
	return entry->key->hash == wanted->hash &&
	       fl_equal(fli_reg_key_term(entry->registry, entry->key), wanted->key);
}

int fli_registry_unregister(fli_registry *registry, fl_proc *proc, fl_term key)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry;
	fli_link *at;
	int rc = fli_registry_want(registry, key, &wanted);

	if (rc != FL_OK)
		return rc;
	if (registry->config->keys == FL_UNIQUE) {
		entry = fli_registry_next(registry, &wanted, NULL);
		if (entry != NULL && entry->proc == proc)
			fli_registry_remove(entry);
	} else if (proc->extra != NULL) {
		at = proc->extra->registered.next;
		while ((entry = next_of(registry, proc, &at)) != NULL)
			if (is_of_key(entry, &wanted))
				fli_registry_remove(entry);
	}
	fli_registry_tell_end(registry, proc, key, true); /* as Elixir's does, whatever there was */
	return FL_OK;
}

int fli_registry_values(
	const fli_registry *registry, fl_term key, const fl_pid *pid, fl_buf *ret_list)
{
	const fl_proc *proc = fli_proc_of(registry->proc->node, pid);
	fli_reg_wanted wanted;
	fli_reg_entry *entry;
	int rc = fli_registry_want(registry, key, &wanted);

	if (rc != FL_OK)
		return rc;
	fl_list_open(ret_list);
	if (proc != NULL && proc->extra != NULL) {
		fli_link *at = proc->extra->registered.next;

		while ((entry = next_of(registry, proc, &at)) != NULL)
			if (is_of_key(entry, &wanted))
				(void)fl_build(ret_list, "~", fli_reg_value(entry));
	}
	fl_list_close(ret_list);
	return ret_list->error;
}

int fli_registry_keys_of(const fli_registry *registry, const fl_pid *pid, fl_buf *ret_list)
{
	const fl_proc *proc = fli_proc_of(registry->proc->node, pid);
	fli_reg_entry *entry;

	fl_list_open(ret_list);
	if (proc != NULL && proc->extra != NULL) {
		fli_link *at = proc->extra->registered.next;

		while ((entry = next_of(registry, proc, &at)) != NULL)
			(void)fl_build(ret_list, "~", fli_reg_key_term(registry, entry->key));
	}
	fl_list_close(ret_list);
	return ret_list->error;
}

/* ---- one key ----------------------------------------------------------------------------------
 */

static void write_entry(fl_buf *list, const fli_reg_entry *entry)
{
	(void)fl_build(list, "{~, ~}", fli_proc_pid(entry->proc), fli_reg_value(entry));
}

int fli_registry_lookup(const fli_registry *registry, fl_term key, fl_buf *ret_list)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry = NULL;
	int rc = fli_registry_want(registry, key, &wanted);

	if (rc != FL_OK)
		return rc;
	fl_list_open(ret_list);
	while ((entry = fli_registry_next(registry, &wanted, entry)) != NULL)
		write_entry(ret_list, entry);
	fl_list_close(ret_list);
	return ret_list->error;
}

/* What a value must be: a pattern of ets and guards. */
typedef struct wish {
	fl_term key, pattern, guards;
} wish;

static int read_wish(fl_term what, wish *ret)
{
	static const uint8_t nil[] = {106};

	ret->guards = (fl_term){.data = nil, .size = sizeof nil};
	if (!fl_match(what, "{~, ~}", &ret->key, &ret->pattern) &&
		!fl_match(what, "{~, ~, ~}", &ret->key, &ret->pattern, &ret->guards))
		return FL_EINVAL;
	return fli_guards_check(ret->guards) ? FL_OK : FL_EINVAL;
}

/*
 * Guards see `$_` as Elixir's registry keeps an entry: {Key, {Pid, Value}}. It is built only for
 * guards, since most matches have none.
 */
static bool fits(const fli_reg_entry *entry, const wish *w)
{
	fli_bindings bindings = {.count = 0};
	fl_buf whole = FL_BUF_INIT;
	bool holds;

	if (!fli_bind(w->pattern, fli_reg_value(entry), &bindings))
		return false;
	if (fl_term_kind(w->guards) == FL_NIL)
		return true;
	holds = fl_build(&whole, "{~, {~, ~}}", fli_reg_key_term(entry->registry, entry->key),
			fli_proc_pid(entry->proc), fli_reg_value(entry)) == FL_OK &&
		fli_guards_hold(w->guards, &bindings, fl_buf_term(&whole));
	fl_buf_free(&whole);
	return holds;
}

int fli_registry_match(
	const fli_registry *registry, fl_term what, fl_buf *ret_list, size_t *ret_count)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry = NULL;
	size_t count = 0;
	wish w;
	int rc = read_wish(what, &w);

	if (rc == FL_OK)
		rc = fli_registry_want(registry, w.key, &wanted);
	if (rc != FL_OK)
		return rc;
	if (ret_list != NULL)
		fl_list_open(ret_list);
	while ((entry = fli_registry_next(registry, &wanted, entry)) != NULL) {
		if (!fits(entry, &w))
			continue;
		count++;
		if (ret_list != NULL)
			write_entry(ret_list, entry);
	}
	if (ret_list != NULL)
		fl_list_close(ret_list);
	if (ret_count != NULL)
		*ret_count = count;
	return ret_list == NULL ? FL_OK : ret_list->error;
}

int fli_registry_unregister_match(fli_registry *registry, fl_proc *proc, fl_term what)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry;
	bool is_gone = false;
	fli_link *at;
	wish w;
	int rc = read_wish(what, &w);

	if (rc == FL_OK)
		rc = fli_registry_want(registry, w.key, &wanted);
	if (rc != FL_OK || proc->extra == NULL)
		return rc;
	at = proc->extra->registered.next;
	while ((entry = next_of(registry, proc, &at)) != NULL)
		if (is_of_key(entry, &wanted) && fits(entry, &w)) {
			fli_registry_remove(entry);
			is_gone = true;
		}
	if (is_gone)
		fli_registry_tell_end(registry, proc, w.key, true);
	return FL_OK;
}
