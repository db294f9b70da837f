/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the tables of a registry, for C's functions and for Elixir's names. */
#include "node/mspec.h"
#include "node/registry.h"

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

/* ---- matching -------------------------------------------------------------------------------- */

#define STEPS_MAX (UINT64_C(1) << 26) /* about a second: the node does nothing else meanwhile */

/* What a value must be: a pattern of ets and guards. */
typedef struct wish {
	fl_term key;
	bool has_guards;
	fl_buf text; /* the specification, if it has */
	fli_mspec *spec;
	fli_mrun run;
	fl_buf object;
} wish;

static void end_wish(wish *w)
{
	if (w->run.spec != NULL)
		fli_mrun_destroy(&w->run);
	fli_mspec_delete(w->spec);
	fl_buf_free(&w->text);
	fl_buf_free(&w->object);
}

/*
 * Guards see `$_` as Elixir's registry keeps an entry: {Key, {Pid, Value}}. Most matches have none,
 * and then the value alone is looked at.
 */
static int compile(fli_mem *mem, fl_term pattern, fl_term guards, wish *w)
{
	int rc;

	w->has_guards = fl_term_kind(guards) != FL_NIL;
	if (!w->has_guards)
		return fli_mspec_compile(mem, FL_MATCH_OBJECT, pattern, &w->spec);
	rc = fl_build(&w->text, "[{{'_', {'_', ~}}, ~, [true]}]", pattern, guards);
	return rc == FL_OK ? fli_mspec_compile(mem, FL_SELECT, fl_buf_term(&w->text), &w->spec)
			   : rc;
}

/* end_wish in any case. */
static int read_wish(const fli_registry *registry, fl_term what, wish *ret, fli_reg_wanted *ret_key)
{
	static const uint8_t nil[] = {106};
	fl_term pattern, guards = {.data = nil, .size = sizeof nil};
	int rc;

	*ret = (wish){.text = FL_BUF_INIT, .object = FL_BUF_INIT};
	if (!fl_match(what, "{~, ~}", &ret->key, &pattern) &&
		!fl_match(what, "{~, ~, ~}", &ret->key, &pattern, &guards))
		return FL_EINVAL;
	rc = compile(registry->proc->node->mem, pattern, guards, ret);
	if (rc == FL_OK)
		rc = fli_mrun_create(&ret->run, ret->spec);
	ret->run.steps = STEPS_MAX;
	return rc == FL_OK ? fli_registry_want(registry, ret->key, ret_key) : rc;
}

static bool fits(const fli_reg_entry *entry, wish *w)
{
	fl_term result;

	if (!w->has_guards)
		return fli_mspec_run(&w->run, fli_reg_value(entry), &result);
	fl_buf_reset(&w->object);
	return fl_build(&w->object, "{~, {~, ~}}", fli_reg_key_term(entry->registry, entry->key),
		       fli_proc_pid(entry->proc), fli_reg_value(entry)) == FL_OK &&
	       fli_mspec_run(&w->run, fl_buf_term(&w->object), &result);
}

int fli_registry_match(
	const fli_registry *registry, fl_term what, fl_buf *ret_list, size_t *ret_count)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry = NULL;
	size_t count = 0;
	wish w;
	int rc = read_wish(registry, what, &w, &wanted);
	bool is_list = rc == FL_OK && ret_list != NULL;

	if (is_list)
		fl_list_open(ret_list);
	while (rc == FL_OK && (entry = fli_registry_next(registry, &wanted, entry)) != NULL) {
		if (fits(entry, &w)) {
			count++;
			if (is_list)
				write_entry(ret_list, entry);
		}
		rc = w.run.error;
	}
	if (is_list)
		fl_list_close(ret_list);
	if (rc == FL_OK && is_list)
		rc = ret_list->error;
	if (ret_count != NULL)
		*ret_count = count;
	end_wish(&w);
	return rc;
}

static bool remove_those(
	fl_proc *proc, fli_registry *registry, const fli_reg_wanted *wanted, wish *w)
{
	fli_link *at = proc->extra->registered.next;
	fli_reg_entry *entry;
	bool is_gone = false;

	while (w->run.error == FL_OK && (entry = next_of(registry, proc, &at)) != NULL)
		if (is_of_key(entry, wanted) && fits(entry, w)) {
			fli_registry_remove(entry);
			is_gone = true;
		}
	return is_gone;
}

int fli_registry_unregister_match(fli_registry *registry, fl_proc *proc, fl_term what)
{
	fli_reg_wanted wanted;
	wish w;
	int rc = read_wish(registry, what, &w, &wanted);

	if (rc == FL_OK && proc->extra != NULL) {
		if (remove_those(proc, registry, &wanted, &w))
			fli_registry_tell_end(registry, proc, w.key, true);
		rc = w.run.error;
	}
	end_wish(&w);
	return rc;
}
