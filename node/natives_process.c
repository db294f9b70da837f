/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erlang: what other nodes ask about processes and names, and do to them.
 *
 *  - Questions take the context, read the node's tables, and build their answer there.
 *  - exit/2 and send/2 act as the short-lived process that runs them, as on a BEAM.
 *
 * Failure: an argument of the wrong kind, or a pid of another node where OTP wants one of this, is
 * badarg. A dead process is `undefined` or `false`.
 */
#include "node/access.h"
#include "node/natives.h"
#include "node/sched.h"

bool fli_dest_of(fl_term term, fl_dest *ret_dest)
{
	fl_dest dest = {.kind = FL_TO_NAME};

	bool has_node = fl_match(term, "{~, ~}", &dest.as.name.text, &dest.as.name.node);

	if (has_node || fl_match(term, "~", &dest.as.name.text)) {
		*ret_dest = dest;
		return !has_node || dest.as.name.node.size > 0;
	}
	dest.kind = FL_TO_PID;
	if (!fl_match(term, "~", &dest.as.pid)) {
		dest.kind = FL_TO_ALIAS;
		if (!fl_match(term, "~", &dest.as.alias))
			return false;
	}
	*ret_dest = dest;
	return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int whereis_or(fl_proc *self, fl_term args, fl_buf *result, const char *none)
{
	fl_node *node = fl_self_node(self);
	fl_atom name;
	fl_proc *proc;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	fli_enter(node);
	proc = fli_name_find(node, name);
	if (proc != NULL)
		(void)fl_build(result, "~", fli_proc_pid(proc));
	fli_leave(node);
	return proc != NULL ? result->error : fl_build(result, "~", fl_atom_of(none));
}

static int whereis(fl_proc *self, fl_term args, fl_buf *result)
{
	return whereis_or(self, args, result, "undefined");
}

static int elixir_whereis(fl_proc *self, fl_term args, fl_buf *result)
{
	return whereis_or(self, args, result, "nil");
}

static int registered(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fli_name *name;
	size_t cursor = 0;

	(void)args; /* none */
	fli_enter(node);
	fl_list_open(result);
	while ((name = fli_map_next(&node->names, &cursor)) != NULL)
		(void)fl_build(result, "~", name->text);
	fl_list_close(result);
	fli_leave(node);
	return result->error;
}

/* ---- processes ------------------------------------------------------------------------------- */

static int processes(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	uint32_t cursor = 0;
	const fl_proc *proc;

	(void)args; /* none */
	fli_enter(node);
	fl_list_open(result);
	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		(void)fl_build(result, "~", fli_proc_pid(proc));
	fl_list_close(result);
	fli_leave(node);
	return result->error;
}

static int is_process_alive(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_pid pid;
	bool is_ours, alive;

	if (!fl_match(args, "[~]", &pid))
		return fli_badarg(result);
	fli_enter(node);
	is_ours = fli_pid_is_local(node, &pid);
	alive = is_ours && fli_proc_of(node, &pid) != NULL;
	fli_leave(node);
	return is_ours ? fl_build(result, "~", fl_bool(alive)) : fli_badarg(result);
}

/* Leaves the context held: *ret_proc is NULL when the process is dead. */
static bool enter_with(fl_node *node, const fl_pid *pid, fl_proc **ret_proc)
{
	fli_enter(node);
	if (!fli_pid_is_local(node, pid)) {
		fli_leave(node);
		return false;
	}
	*ret_proc = fli_proc_of(node, pid);
	return true;
}

static int info_or(fl_proc *self, fl_term args, fl_buf *result, const char *none)
{
	fl_node *node = fl_self_node(self);
	fl_proc *proc;
	fl_pid pid;

	if (!fl_match(args, "[~]", &pid) || !enter_with(node, &pid, &proc))
		return fli_badarg(result);
	if (proc != NULL)
		(void)fli_process_info(proc, result);
	fli_leave(node);
	return proc != NULL ? result->error : fl_build(result, "~", fl_atom_of(none));
}

static int info_items_or(fl_proc *self, fl_term args, fl_buf *result, const char *none)
{
	fl_node *node = fl_self_node(self);
	fl_proc *proc;
	fl_term items;
	fl_pid pid;
	bool known = true;

	if (!fl_match(args, "[~, ~]", &pid, &items) || !enter_with(node, &pid, &proc))
		return fli_badarg(result);
	if (proc != NULL)
		known = fli_process_info_items(proc, items, result);
	fli_leave(node);
	if (!known)
		return fli_badarg(result);
	return proc != NULL ? result->error : fl_build(result, "~", fl_atom_of(none));
}

static int process_info_1(fl_proc *self, fl_term args, fl_buf *result)
{
	return info_or(self, args, result, "undefined");
}

static int process_info_2(fl_proc *self, fl_term args, fl_buf *result)
{
	return info_items_or(self, args, result, "undefined");
}

static int elixir_info_1(fl_proc *self, fl_term args, fl_buf *result)
{
	return info_or(self, args, result, "nil");
}

/* Elixir's Process.info(Pid, :registered_name) is {registered_name, []} where Erlang's is []. */
static int elixir_info_2(fl_proc *self, fl_term args, fl_buf *result)
{
	int rc = info_items_or(self, args, result, "nil");

	if (rc == FL_OK && fl_match(args, "[_, registered_name]") &&
		fl_match(fl_buf_term(result), "[]")) {
		fl_buf_reset(result);
		return fl_build(result, "{registered_name, []}");
	}
	return rc;
}

static int group_leader(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fl_pid leader;

	(void)args; /* none */
	fli_enter(node);
	leader = fli_proc_group_leader(self);
	fli_leave(node);
	return fl_build(result, "~", leader);
}

static int self_pid(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	return fl_build(result, "~", fl_self(self));
}

/* ---- signals --------------------------------------------------------------------------------- */

static bool may_exit(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	bool may;

	fli_enter(node);
	may = fli_access_may(node, fl_sender_node(self), FLI_ACCESS_EXIT);
	fli_leave(node);
	return may;
}

static int exit_2(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term reason;
	fl_pid pid;

	if (!fl_match(args, "[~, ~]", &pid, &reason))
		return fli_badarg(result);
	if (!may_exit(self))
		return fl_raise(result, FL_ERROR, "{notsup, ~}",
			"exit is not open to this caller's node; sys.allow opens it");
	(void)fl_exit(self, pid, "~", reason); /* to the dead it is true as well */
	return fl_build(result, "true");
}

/* To a name that nobody has on this node, a send is badarg; to anything else it never fails. */
static bool is_nobody(fl_proc *self, const fl_dest *to)
{
	fl_node *node = fl_self_node(self);
	bool nobody;

	if (to->kind != FL_TO_NAME || to->as.name.node.size != 0)
		return false;
	fli_enter(node);
	nobody = fli_name_find(node, to->as.name.text) == NULL;
	fli_leave(node);
	return nobody;
}

static int send_2(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term to, message;
	fl_dest dest;

	if (!fl_match(args, "[~, ~]", &to, &message) || !fli_dest_of(to, &dest) ||
		is_nobody(self, &dest))
		return fli_badarg(result);
	(void)fl_send(self, dest, "~", message); /* a send to nobody is no error */
	return fl_build(result, "~", message);
}

static int send_3(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term to, message, options;
	fl_dest dest;

	if (!fl_match(args, "[~, ~, ~]", &to, &message, &options) || !fli_dest_of(to, &dest) ||
		is_nobody(self, &dest))
		return fli_badarg(result);
	(void)fl_send(self, dest, "~", message); /* a send to nobody is no error */
	return fl_build(result, "ok");
}

/* A C process has no heap to collect. */
static int garbage_collect_1(fl_proc *self, fl_term args, fl_buf *result)
{
	return is_process_alive(self, args, result);
}

static int garbage_collect_0(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* there is nothing to collect */
	(void)args;
	return fl_build(result, "true");
}

/* ---- raising, for whoever tests what comes back ------------------------------------------------
 */

static int raise_1(fl_term args, fl_buf *result, int class)
{
	fl_term what;

	if (!fl_match(args, "[~]", &what) && !fl_match(args, "[~, _]", &what))
		return fli_badarg(result);
	return fl_raise(result, class, "~", what);
}

static int throw_1(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* whoever called gets it */
	return raise_1(args, result, FL_THROW);
}

static int exit_1(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* whoever called gets it */
	return raise_1(args, result, FL_EXIT);
}

static int error_1(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* whoever called gets it */
	return raise_1(args, result, FL_ERROR);
}

static const fl_export exports[] = {
	{"erlang", "whereis", 1, whereis},
	{"erlang", "registered", 0, registered},
	{"erlang", "processes", 0, processes},
	{"erlang", "is_process_alive", 1, is_process_alive},
	{"erlang", "process_info", 1, process_info_1},
	{"erlang", "process_info", 2, process_info_2},
	{"erlang", "group_leader", 0, group_leader},
	{"erlang", "self", 0, self_pid},
	{"erlang", "error", 1, error_1},
	{"erlang", "error", 2, error_1},
	{"erlang", "exit", 1, exit_1},
	{"erlang", "exit", 2, exit_2},
	{"erlang", "throw", 1, throw_1},
	{"erlang", "send", 2, send_2},
	{"erlang", "send", 3, send_3},
	{"erlang", "!", 2, send_2},
	{"erlang", "garbage_collect", 0, garbage_collect_0},
	{"erlang", "garbage_collect", 1, garbage_collect_1},
	{"Elixir.Process", "alive?", 1, is_process_alive},
	{"Elixir.Process", "exit", 2, exit_2},
	{"Elixir.Process", "info", 1, elixir_info_1},
	{"Elixir.Process", "info", 2, elixir_info_2},
	{"Elixir.Process", "list", 0, processes},
	{"Elixir.Process", "registered", 0, registered},
	{"Elixir.Process", "send", 3, send_3},
	{"Elixir.Process", "whereis", 1, elixir_whereis},
};

int fli_natives_process(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
