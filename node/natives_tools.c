/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code, application, init, proc_lib and what else shells and dashboards ask before they act.
 *
 *  - There is no Erlang code here, and every question about it says so: ensure_loaded is
 *    {error, nofile}, is_loaded false, load_binary {error, notsup}. A remote shell reads that and
 *    stops with an error instead of waiting.
 *  - shell:start is a function that raises with a text, for callers that do not ask first. The
 *    terminal of `erl -remsh` does not show why, so the text goes to that node's `user`, too.
 */
#include "node/natives.h"
#include "node/sched.h"

static int no_file(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "{error, nofile}");
}

static int not_supported(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "{error, notsup}");
}

static int answer_false(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "false");
}

static int answer_error(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "error");
}

static int answer_empty(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "[]");
}

static int non_existing(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "non_existing");
}

static int interactive(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result, "interactive");
}

/* Whoever asks has its own node's group leader. */
static void tell_terminal(fl_proc *self, const char *text)
{
	fl_node *node = fl_self_node(self);
	fl_pid leader;
	fl_dest user = {.kind = FL_TO_NAME, .as.name.text = fl_atom_of("user")};

	fli_enter(node);
	leader = fli_proc_group_leader(self);
	if (!fli_pid_is_local(node, &leader))
		fli_log_limited(&node->log, fl_now_ms(self), FLI_WARNING,
			"%.*s asks for a shell here, and gets none: this node runs C, no Erlang; use "
			"rpc or erpc from there, or `flitch call`",
			(int)leader.node.size, leader.node.text);
	fli_leave(node);
	user.as.name.node = leader.node;
	if (!fli_pid_is_local(node, &leader)) /* best effort; nobody waits for the answer */
		(void)fl_send(self, user, "{io_request, ~, ~, {put_chars, unicode, ~}}",
			fl_self(self), fl_make_ref(self), text);
}

static int no_shell(fl_proc *self, fl_term args, fl_buf *result)
{
	static const char text[] =
		"this is a C node (flitch): it has no Erlang or Elixir shell. Use rpc or erpc from "
		"your own node, or `flitch call` from a terminal.";
	static const char line[] = "\n*** this is a C node (flitch): it has no Erlang or Elixir "
				   "shell. Use rpc or erpc from your own node.\n";

	(void)args; /* whatever was to be run */
	tell_terminal(self, line);
	return fl_raise(result, FL_ERROR, "{cannot_run_erlang_code, ~}", (const char *)text);
}

/* ---- application and init -------------------------------------------------------------------- */

static int applications(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	(void)args;
	return fl_build(result,
		"[{flitch, \"C servers as members of an Erlang cluster\", \"" FLITCH_VERSION
		"\"}]");
}

/* get_env(App, Key, Default) */
static int get_env_3(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term fallback;

	(void)self; /* nothing is configured by application here */
	if (!fl_match(args, "[_, _, ~]", &fallback))
		return fli_badarg(result);
	return fl_build(result, "~", fallback);
}

static int get_key(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* the same for all */
	if (fl_match(args, "[flitch, vsn]"))
		return fl_build(result, "{ok, \"" FLITCH_VERSION "\"}");
	return fl_build(result, "undefined");
}

static int get_status(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)self; /* who can answer has been started */
	(void)args;
	return fl_build(result, "{started, started}");
}

/* For Agent.get(Agent, Function, :identity, []): the whole state. */
static int identity(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term value;

	(void)self; /* the same for all */
	return fl_match(args, "[~]", &value) ? fl_build(result, "~", value) : fli_badarg(result);
}

/* ---- erlang and proc_lib --------------------------------------------------------------------- */

static int function_exported(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fl_export *export;
	fli_mfa mfa;
	uint32_t arity;
	int rc;

	if (!fl_match(args, "[~, ~, ~]", &mfa.module, &mfa.function, &arity))
		return fli_badarg(result);
	fli_enter(node);
	rc = fli_exports_find(self, &mfa, arity, &export);
	fli_leave(node);
	return fl_build(result, "~", fl_bool(rc == FL_OK));
}

/* A pid of this node and alive; the behaviour lives as long as the module. */
static bool behaviour_of(fl_proc *self, fl_term args, const fl_behaviour **ret_behaviour)
{
	fl_node *node = fl_self_node(self);
	const fl_proc *proc;
	fl_pid pid;

	if (!fl_match(args, "[~]", &pid))
		return false;
	fli_enter(node);
	proc = fli_proc_of(node, &pid);
	if (proc != NULL)
		*ret_behaviour = proc->behaviour;
	fli_leave(node);
	return proc != NULL;
}

static int initial_call(fl_proc *self, fl_term args, fl_buf *result)
{
	const fl_behaviour *behaviour;

	if (!behaviour_of(self, args, &behaviour))
		return fl_build(result, "{proc_lib, init_p, 5}");
	if (behaviour->supervisor != NULL)
		return fl_build(result, "{supervisor, ~, 1}", fl_atom_of(behaviour->name));
	return fl_build(result, "{~, init, 1}", fl_atom_of(behaviour->name));
}

static int get_label(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fl_proc *proc;
	fl_term label;
	fl_pid pid;

	if (!fl_match(args, "[~]", &pid))
		return fli_badarg(result);
	fli_enter(node);
	proc = fli_proc_of(node, &pid);
	if (proc != NULL && fli_proc_kept(proc, FLI_KEEP_LABEL, &label))
		(void)fl_build(result, "~", label);
	else
		(void)fl_build(result, "undefined");
	fli_leave(node);
	return result->error;
}

static const fl_export exports[] = {
	{"application", "get_all_env", 1, answer_empty},
	{"application", "get_env", 3, get_env_3},
	{"application", "get_key", 2, get_key},
	{"application", "loaded_applications", 0, applications},
	{"application", "which_applications", 0, applications},
	{"application", "which_applications", 1, applications},
	{"code", "all_loaded", 0, answer_empty},
	{"code", "ensure_loaded", 1, no_file},
	{"code", "get_mode", 0, interactive},
	{"code", "get_object_code", 1, answer_error},
	{"code", "get_path", 0, answer_empty},
	{"code", "is_loaded", 1, answer_false},
	{"code", "load_binary", 3, not_supported},
	{"code", "load_file", 1, no_file},
	{"code", "which", 1, non_existing},
	{"erlang", "function_exported", 3, function_exported},
	{"erlang", "module_loaded", 1, answer_false},
	{"init", "get_argument", 1, answer_error},
	{"init", "get_arguments", 0, answer_empty},
	{"init", "get_plain_arguments", 0, answer_empty},
	{"init", "get_status", 0, get_status},
	{"proc_lib", "get_label", 1, get_label},
	{"proc_lib", "translate_initial_call", 1, initial_call},
	{"shell", "start", 0, no_shell},
	{"shell", "start", 1, no_shell},
	{"shell", "start", 2, no_shell},
	{"Elixir.IEx", "start", 0, no_shell},
	{"Elixir.IEx", "start", 1, no_shell},
	{"Elixir.IEx", "start", 2, no_shell},
	{"Elixir.IEx.Server", "run", 1, no_shell},
	{"Elixir.Function", "identity", 1, identity},
	{"Elixir.Code", "ensure_loaded", 1, no_file},
	{"Elixir.Code", "ensure_loaded?", 1, answer_false},
};

int fli_natives_tools(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
