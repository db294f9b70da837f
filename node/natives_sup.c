/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor and Elixir's names for it, run here for somebody elsewhere, as in
 * rpc:call(Node, supervisor, which_children, [shop]).
 *
 *  - Elixir's modules do some work on the caller's side: DynamicSupervisor sends a tuple where it
 * was given a map, counts come back as a map. That is done here then.
 *  - PartitionSupervisor finds the child of a key on its own node only: so this is the way to ask
 * from afar, PartitionSupervisor.whereis_name({name, key}).
 *
 * Failure: as in gen_calls.c.
 */
#include "node/natives.h"
#include "node/sched.h"
#include "node/sup_process.h"

/* Function(Server) */
static int ask(fl_proc *self, fl_term args, fl_buf *result, const char *request)
{
	fl_term server;

	if (!fl_match(args, "[~]", &server))
		return fli_badarg(result);
	return fli_ask_supervisor(self, args, server, fl_spec("~", fl_atom_of(request)), result);
}

/* Function(Server, Child) */
static int ask_about(fl_proc *self, fl_term args, fl_buf *result, const char *request)
{
	fl_term server, child;

	if (!fl_match(args, "[~, ~]", &server, &child))
		return fli_badarg(result);
	return fli_ask_supervisor(
		self, args, server, fl_spec("{~, ~}", fl_atom_of(request), child), result);
}

static int which_children(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask(self, args, result, "which_children");
}

static int count_children(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask(self, args, result, "count_children");
}

static int start_child(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "start_child");
}

static int terminate_child(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "terminate_child");
}

static int restart_child(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "restart_child");
}

static int delete_child(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "delete_child");
}

static int get_childspec(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "get_childspec");
}

static int which_child(fl_proc *self, fl_term args, fl_buf *result)
{
	return ask_about(self, args, result, "which_child");
}

/* ---- Elixir's -------------------------------------------------------------------------------- */

static int count_as_map(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_buf list = FL_BUF_INIT;
	fl_term specs, active, supervisors, workers;
	int rc = ask(self, args, &list, "count_children");

	if (rc != FL_OK)
		(void)fl_build(result, "~", fl_buf_term(&list)); /* what is raised */
	else if (fl_match(fl_buf_term(&list),
			 "[{specs, ~}, {active, ~}, {supervisors, ~}, {workers, ~}]", &specs,
			 &active, &supervisors, &workers))
		rc = fl_build(result, "#{specs => ~, active => ~, supervisors => ~, workers => ~}",
			specs, active, supervisors, workers);
	else
		rc = fl_build(result, "~", fl_buf_term(&list)); /* it is no supervisor */
	fl_buf_free(&list);
	return rc;
}

/* {Start, Restart, Shutdown, Type, Modules} */
static int start_dynamic(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term server, spec, s, r, d, t, m;
	fl_buf tuple = FL_BUF_INIT;
	int rc = FL_OK;

	if (!fl_match(args, "[~, ~]", &server, &spec))
		return fli_badarg(result);
	if (fl_match(spec, "{_, ~, ~, ~, ~, ~}", &s, &r, &d, &t, &m))
		(void)fl_build(&tuple, "{~, ~, ~, ~, ~}", s, r, d, t, m);
	else if (fl_term_kind(spec) == FL_MAP)
		rc = fli_dynamic_build(&tuple, spec);
	else
		rc = FL_EINVAL;
	if (rc == FL_EINVAL)
		rc = fl_build(result, "{error, {invalid_child_spec, ~}}", spec);
	else if (rc == FL_OK)
		rc = fli_ask_supervisor(self, args, server,
			fl_spec("{start_child, ~}", fl_buf_term(&tuple)), result);
	fl_buf_free(&tuple);
	return rc;
}

static int partitions(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fl_proc *proc;
	uint32_t count = 0;
	fl_atom name;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	fli_enter(node);
	proc = fli_name_find(node, name);
	if (proc != NULL && proc->behaviour->supervisor != NULL)
		count = proc->behaviour->supervisor->partitions;
	fli_leave(node);
	if (count > 0)
		return fl_build(result, "~", count);
	return fl_raise(
		result, FL_EXIT, "{noproc, {'Elixir.PartitionSupervisor', partitions, [~]}}", name);
}

/* whereis_name({Name, Key}) */
static int whereis_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term key;
	fl_atom name;
	fl_pid pid;

	if (!fl_match(args, "[{~, ~}]", &name, &key))
		return fli_badarg(result);
	if (fli_partition_of(self, name, key, &pid) != FL_OK)
		return fl_build(result, "undefined");
	return fl_build(result, "~", pid);
}

#define SUPERVISOR "supervisor"
#define ELIXIRS "Elixir.Supervisor"
#define DYNAMIC "Elixir.DynamicSupervisor"
#define PARTITION "Elixir.PartitionSupervisor"

static const fl_export exports[] = {
	{SUPERVISOR, "which_children", 1, which_children},
	{SUPERVISOR, "count_children", 1, count_children},
	{SUPERVISOR, "start_child", 2, start_child},
	{SUPERVISOR, "terminate_child", 2, terminate_child},
	{SUPERVISOR, "restart_child", 2, restart_child},
	{SUPERVISOR, "delete_child", 2, delete_child},
	{SUPERVISOR, "get_childspec", 2, get_childspec},
	{SUPERVISOR, "which_child", 2, which_child},
	{ELIXIRS, "which_children", 1, which_children},
	{ELIXIRS, "count_children", 1, count_as_map},
	{ELIXIRS, "start_child", 2, start_child},
	{ELIXIRS, "terminate_child", 2, terminate_child},
	{ELIXIRS, "restart_child", 2, restart_child},
	{ELIXIRS, "delete_child", 2, delete_child},
	{DYNAMIC, "which_children", 1, which_children},
	{DYNAMIC, "count_children", 1, count_as_map},
	{DYNAMIC, "start_child", 2, start_dynamic},
	{DYNAMIC, "terminate_child", 2, terminate_child},
	{PARTITION, "which_children", 1, which_children},
	{PARTITION, "count_children", 1, count_as_map},
	{PARTITION, "partitions", 1, partitions},
	{PARTITION, "whereis_name", 1, whereis_name},
};

int fli_natives_sup(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
