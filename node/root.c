/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own supervisor. Its children come from whoever opens the node, by the context and not
 * by a message, so that a failed start has its text.
 *
 * Failure: while a handler of it runs, or it is stopping, nothing is started: FL_EBUSY.
 */
#include <stdio.h>

#include "node/sched.h"
#include "node/sup_process.h"
#include "node/supervisor.h"

static const fl_behaviour root = {
	.name = "flitch_sup",
	.supervisor = &(const fl_supervisor){.intensity = 3, .period_s = 5},
};

static fli_supervisor *state_of(fl_proc *proc)
{
	return (fli_supervisor *)(void *)proc->state;
}

int fli_supervisor_start(fl_node *node)
{
	static const uint8_t no_args[] = {106};
	fli_start how = {.behaviour = &root, .name = root.name, .is_system = true};
	fl_term args = {.data = no_args, .size = sizeof no_args};
	int rc = fli_proc_start(node, &how, args, &node->supervisor, NULL);

	if (rc != FL_OK) {
		node->supervisor = NULL;
		return rc == FL_EEXIT ? FL_ENOMEM : rc;
	}
	node->system_pid = fli_proc_pid(node->supervisor);
	return FL_OK;
}

/* {Word, Text} of an init that knows why, as server.h says; FL_OK: it is another reason. */
static int code_in(fl_term reason, fl_bin *ret_text)
{
	fl_atom word;

	if (!fl_match(reason, "{~, ~}", &word, ret_text))
		return FL_OK;
	for (int code = FL_ENOMEM; code >= FL_EMISUSE; code--)
		if (fl_atom_is(word, fl_error_atom(code)))
			return code;
	return FL_OK;
}

static int explain(int rc, const char *name, fl_buf *reason, fl_error *err)
{
	char text[200];
	fl_bin said;
	int code = rc == FL_EEXIT && reason->size > 0 ? code_in(fl_buf_term(reason), &said) : FL_OK;

	if (code != FL_OK) {
		rc = fl_error_set(err, code, "cannot start %s: %.*s", name, (int)said.size,
			(const char *)said.data);
	} else if (rc == FL_ETAKEN) {
		(void)fl_error_set(
			err, rc, "cannot start %s: the name is registered already", name);
		fl_error_why(err, "two modules have a behaviour of that name");
		fl_error_next(err, "load only one of them");
	} else if (rc == FL_EEXIT && reason->size > 0) {
		(void)fl_error_set(err, rc, "cannot start %s: its init stopped with %s", name,
			fl_print_to(text, sizeof text, fl_buf_term(reason)));
	} else {
		(void)fl_error_set(err, rc, "cannot start %s: %s", name, fl_error_text(rc));
	}
	return rc;
}

static const char *why_not(const fl_node *node)
{
	fl_proc *proc = node->supervisor;

	if (proc == NULL || proc->status == FLI_EXITING)
		return "has ended";
	/* relaxed: the context is owned */
	if (atomic_load_explicit(&state_of(proc)->is_stopping, memory_order_relaxed) ||
		state_of(proc)->sup->then == FLI_THEN_END)
		return "is stopping";
	return proc->frames > 0 ? "is busy" : NULL;
}

/* It was held over an init, as if it were in a handler; what came meanwhile is its turn now. */
static void let_go(fl_proc *proc)
{
	proc->frames--;
	fli_server_rest(proc);
	fli_proc_free(proc);
}

static int add(fli_supervisor *s, const fl_child *child, fl_term args, fl_error *err)
{
	fl_buf why = FL_BUF_INIT;
	fli_kid *kid = NULL;
	int rc = fli_supervisor_add(s, child, args, &kid, &why);

	if (rc == FL_EALREADY)
		rc = FL_ETAKEN;
	if (rc != FL_OK) {
		(void)explain(rc, child->behaviour->name, &why, err);
	} else if (fli_sup_start_kid(s->sup, kid, &why) == FLI_BORN_FAILED) {
		rc = explain(s->last_rc, child->behaviour->name, &why, err);
		fli_sup_remove(s->sup, kid);
	}
	fl_buf_free(&why);
	return rc;
}

int fli_supervisor_start_spec(fl_node *node, const fl_child *child, fl_term args, fl_error *err)
{
	const char *obstacle = why_not(node);
	fl_proc *parent = node->supervisor;
	int rc;

	if (obstacle != NULL)
		return fl_error_set(err, FL_EBUSY, "cannot start %s: the supervisor %s",
			child->behaviour->name, obstacle);
	parent->frames++; /* the init may take long: neither run nor freed meanwhile */
	rc = add(state_of(parent), child, args, err);
	let_go(parent);
	return rc;
}

int fli_supervisor_start_child(fl_node *node, const fl_behaviour *behaviour, fl_error *err)
{
	static const uint8_t nil[] = {106};
	const fl_child child = {.behaviour = behaviour, .name = behaviour->name};

	return fli_supervisor_start_spec(
		node, &child, (fl_term){.data = nil, .size = sizeof nil}, err);
}

int fli_supervisor_show(fl_node *node, fl_proc *proc)
{
	static const uint8_t nil[] = {106};
	const fl_child child = {.behaviour = proc->behaviour, .name = proc->behaviour->name};
	fli_supervisor *s = node->supervisor == NULL ? NULL : state_of(node->supervisor);
	fl_buf why = FL_BUF_INIT;
	fli_kid *kid;
	int rc = FL_ENOPROC;

	if (s != NULL)
		rc = fli_supervisor_add(
			s, &child, (fl_term){.data = nil, .size = sizeof nil}, &kid, &why);
	fl_buf_free(&why);
	if (rc != FL_OK)
		return rc;
	kid->spec->is_pinned = kid->spec->is_supervisor = true;
	return fli_sup_adopt(s->sup, kid, proc->id, proc->serial);
}

/* It finds out in its next turn. */
static void wake(fl_proc *proc)
{
	proc->extra->idle_due = true;
	if (proc->status == FLI_WAITING)
		fli_run_queue_add(proc);
}

void fli_supervisor_restart(fl_node *node)
{
	fl_proc *proc = node->supervisor;

	if (proc == NULL || proc->status == FLI_EXITING)
		return;
	/* relaxed: whoever runs it has the context after us */
	atomic_store_explicit(&state_of(proc)->wants_restart, true, memory_order_relaxed);
	wake(proc);
}

void fli_supervisor_stop(fl_node *node)
{
	fl_proc *proc = node->supervisor;

	if (proc == NULL || proc->status == FLI_EXITING)
		return;
	/* relaxed: whoever runs it has the context after us */
	atomic_store_explicit(&state_of(proc)->is_stopping, true, memory_order_relaxed);
	wake(proc);
}
