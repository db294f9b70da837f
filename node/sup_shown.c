/* SPDX-License-Identifier: Apache-2.0 */
#include "node/sup_shown.h"

#include "node/sched.h"

static const fl_proc *find(const fl_proc *self, const char *name)
{
	return fli_name_find(self->node, fl_atom_of(name));
}

/* The context is owned. */
static void write_child(const fl_proc *self, const char *name, fl_buf *buf)
{
	const fl_proc *proc = find(self, name);
	fl_atom id = fl_atom_of(name);

	if (proc == NULL)
		(void)fl_build(buf, "{~, undefined, worker, [~]}", id, id);
	else
		(void)fl_build(buf, "{~, ~, worker, [~]}", id, fli_proc_pid(proc),
			fl_atom_of(proc->behaviour->name));
}

static int which_children(fl_proc *self, fl_from from, const char *const *names, size_t count)
{
	fl_buf list = FL_BUF_INIT;
	int rc;

	fl_list_open(&list);
	fli_enter(self->node);
	for (size_t i = count; i-- > 0;)
		write_child(self, names[i], &list);
	fli_leave(self->node);
	fl_list_close(&list);
	rc = list.error == FL_OK ? fl_reply(from, "~", fl_buf_term(&list)) : list.error;
	fl_buf_free(&list);
	return rc;
}

static int count_children(fl_proc *self, fl_from from, const char *const *names, size_t count)
{
	size_t active = 0;

	fli_enter(self->node);
	for (size_t i = 0; i < count; i++)
		active += find(self, names[i]) == NULL ? 0 : 1;
	fli_leave(self->node);
	return fl_reply(from, "[{specs, ~}, {active, ~}, {supervisors, 0}, {workers, ~}]", count,
		active, count);
}

static int get_childspec(fl_from from, fl_atom id, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fl_atom_is(id, names[i]))
			return fl_reply(from,
				"{ok, #{id => ~, start => {~, start_link, []}, restart => permanent, "
				"significant => false, shutdown => infinity, type => worker, "
				"modules => [~]}}",
				id, id, id);
	return fl_reply(from, "{error, not_found}");
}

int fli_shown_call(
	fl_proc *self, fl_from from, fl_term request, const char *const *names, size_t count)
{
	fl_atom id;
	int rc;

	if (fl_match(request, "which_children"))
		rc = which_children(self, from, names, count);
	else if (fl_match(request, "count_children"))
		rc = count_children(self, from, names, count);
	else if (fl_match(request, "{get_childspec, ~}", &id))
		rc = get_childspec(from, id, names, count);
	else
		rc = fl_reply(from, "{error, not_allowed}");
	(void)rc; /* the caller may be gone, and nothing of this is worth an end */
	return FL_OK;
}
