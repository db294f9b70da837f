/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry.select and count_select: a match specification over {Key, Pid, Value}.
 *
 *  - Elixir keeps an entry as {Key, {Pid, Value}} and runs the specification, its heads grouped so,
 *    over that; `$_` shows it. Here the same object is built for each entry in turn.
 *  - A head that says the key is a look-up, as in ets.
 *
 * Failure: FL_EFORMAT for a clause of another form, FL_EINVAL for what ets would not take. The node
 * does nothing else meanwhile, so a specification that takes STEPS_MAX, or a list beyond
 * RESULT_MAX, is FL_ELIMIT.
 */
#include "node/mspec.h"
#include "node/registry.h"

#define STEPS_MAX (UINT64_C(1) << 26) /* about a second */
#define RESULT_MAX ((size_t)64 << 20) /* bytes */

/* {{K, P, V}, Guards, Body} as {{K, {P, V}}, Guards, Body}. */
static int group_heads(fl_term spec, fl_buf *out)
{
	fl_term clause, key, pid, value, guards, body;

	fl_list_open(out);
	while (fl_list_next(&spec, &clause)) {
		if (!fl_match(clause, "{{~, ~, ~}, ~, ~}", &key, &pid, &value, &guards, &body)) {
			fl_list_close(out);
			return FL_EFORMAT;
		}
		(void)fl_build(out, "{{~, {~, ~}}, ~, ~}", key, pid, value, guards, body);
	}
	fl_list_close(out);
	return fl_term_kind(spec) == FL_NIL ? out->error : FL_EFORMAT;
}

typedef struct selection {
	const fli_registry *registry;
	fli_mspec *spec;
	fli_mrun run;
	fl_buf object;
	fl_buf *list; /* NULL: they are counted */
	size_t count;
} selection;

static int select_entry(selection *s, const fli_reg_entry *entry)
{
	fl_term result;
	int rc;

	fl_buf_reset(&s->object);
	rc = fl_build(&s->object, "{~, {~, ~}}", fli_reg_key_term(s->registry, entry->key),
		fli_proc_pid(entry->proc), fli_reg_value(entry));
	if (rc != FL_OK)
		return rc;
	if (!fli_mspec_run(&s->run, fl_buf_term(&s->object), &result))
		return s->run.error;
	if (s->list != NULL) {
		rc = fl_build(s->list, "~", result);
		return s->list->size > RESULT_MAX ? FL_ELIMIT : rc;
	}
	s->count += fl_match(result, "true") ? 1 : 0;
	return FL_OK;
}

static int select_key(selection *s, fl_term key)
{
	fli_reg_entry *entry = NULL;
	fli_reg_wanted wanted;
	int rc = fli_registry_want(s->registry, key, &wanted);

	while (rc == FL_OK && (entry = fli_registry_next(s->registry, &wanted, entry)) != NULL)
		rc = select_entry(s, entry);
	return rc;
}

static int select_all(selection *s)
{
	const fli_link *entries = &s->registry->entries;
	int rc = FL_OK;

	for (fli_link *at = entries->next; rc == FL_OK && at != entries; at = at->next)
		rc = select_entry(s, fli_container_of(at, fli_reg_entry, in_registry));
	return rc;
}

static int run(selection *s)
{
	fl_term key;
	int rc = fli_mrun_create(&s->run, s->spec);

	if (rc != FL_OK)
		return rc;
	s->run.steps = STEPS_MAX;
	rc = fli_mspec_key(s->spec, 1, &key) ? select_key(s, key) : select_all(s);
	fli_mrun_destroy(&s->run);
	fl_buf_free(&s->object);
	return rc;
}

int fli_registry_select(
	const fli_registry *registry, fl_term spec, fl_buf *ret_list, size_t *ret_count)
{
	selection s = {.registry = registry, .object = FL_BUF_INIT, .list = ret_list};
	fl_buf grouped = FL_BUF_INIT;
	int rc = group_heads(spec, &grouped);

	if (rc == FL_OK)
		rc = fli_mspec_compile(
			registry->proc->node->mem, FL_SELECT, fl_buf_term(&grouped), &s.spec);
	if (rc == FL_OK && ret_list != NULL)
		fl_list_open(ret_list);
	if (rc == FL_OK) {
		rc = run(&s);
		if (ret_list != NULL)
			fl_list_close(ret_list);
		if (ret_count != NULL)
			*ret_count = s.count;
	}
	fli_mspec_delete(s.spec);
	fl_buf_free(&grouped);
	return rc == FL_OK && ret_list != NULL ? ret_list->error : rc;
}
