/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global:* as other nodes call it here.
 *
 *  - resolve_it is what the node that settles a conflict asks of the node whose process it is
 *    about: OTP's three methods, and functions that this node exports.
 *  - The rest is OTP's interface, for rpc and for programs written with erl_interface, which
 *    register their processes by rpc.
 *
 * Failure: a method that is not known here is undef, so that the other side's process stays.
 */
#include "dist/global_service.h"
#include "dist/natives.h"
#include "flitch/global.h"
#include "node/access.h"
#include "node/natives.h"
#include "node/sched.h"
#include "node/term/item.h"

/* ---- names ----------------------------------------------------------------------------------- */

static int change(fl_proc *self, const fli_global_wish *wish, fl_buf *result)
{
	fl_term answer = {.data = NULL};
	int rc = fli_global_change_name(self, wish, FL_INFINITY, &answer);

	if (rc != FL_OK)
		return fl_raise(
			result, FL_EXIT, "{~, {global, registrar}}", fl_atom_of(fl_error_atom(rc)));
	return fl_build(result, "~", answer);
}

/* [Name, Pid] or [Name, Pid, Method] */
static int change_to(fl_proc *self, fl_term args, fl_buf *result, fli_global_change what)
{
	fli_global_wish wish = {.change = what};
	fl_buf method = FL_BUF_INIT;
	int rc;

	if (fl_match(args, "[~, ~]", &wish.name, &wish.pid)) {
		(void)fli_global_method(&method, NULL); /* a buffer that failed says so below */
		wish.method = fl_buf_term(&method);
	} else if (!fl_match(args, "[~, ~, ~]", &wish.name, &wish.pid, &wish.method)) {
		return fli_badarg(result);
	}
	rc = method.error == FL_OK ? change(self, &wish, result) : method.error;
	fl_buf_free(&method);
	return rc;
}

static int register_name(fl_proc *self, fl_term args, fl_buf *result)
{
	return change_to(self, args, result, FLI_GLOBAL_REGISTER);
}

static int re_register_name(fl_proc *self, fl_term args, fl_buf *result)
{
	return change_to(self, args, result, FLI_GLOBAL_REREGISTER);
}

static int register_external(fl_proc *self, fl_term args, fl_buf *result)
{
	return change_to(self, args, result, FLI_GLOBAL_REGISTER_EXTERNAL);
}

static int unregister_name(fl_proc *self, fl_term args, fl_buf *result)
{
	static const uint8_t nil[] = {106};
	fli_global_wish wish = {.change = FLI_GLOBAL_UNREGISTER,
		.pid = fl_self(self),
		.method = {.data = nil, .size = sizeof nil}};

	if (!fl_match(args, "[~]", &wish.name))
		return fli_badarg(result);
	return change(self, &wish, result);
}

static bool find(fl_proc *self, fl_term name, fl_pid *ret_pid)
{
	fl_node *node = fl_self_node(self);
	bool found;

	fli_enter(node);
	found = fli_global_find(node, name, ret_pid);
	fli_leave(node);
	return found;
}

static int whereis_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name;
	fl_pid pid;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	return find(self, name, &pid) ? fl_build(result, "~", pid) : fl_build(result, "undefined");
}

static int registered_names(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	fli_global_list(fl_self_node(self), result);
	return result->error;
}

static int send_to(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, message;
	fl_pid pid;

	if (!fl_match(args, "[~, ~]", &name, &message))
		return fli_badarg(result);
	if (!find(self, name, &pid))
		return fl_raise(result, FL_EXIT, "{badarg, {~, ~}}", name, message);
	(void)fl_send(self, pid, "~", message); /* to the dead is as good as sent */
	return fl_build(result, "~", pid);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static bool read_retries(fl_term term, uint32_t *ret_retries)
{
	if (fl_match(term, "infinity"))
		*ret_retries = FL_INFINITY;
	else if (!fl_match(term, "~", ret_retries))
		return false;
	return true;
}

/* [Id], [Id, Nodes], [Id, Nodes, Retries] */
static int set_lock(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term id, nodes = {.data = NULL}, times;
	uint32_t retries = FL_INFINITY;
	int rc;

	if (fl_match(args, "[~, ~, ~]", &id, &nodes, &times)) {
		if (!read_retries(times, &retries))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~, ~]", &id, &nodes) && !fl_match(args, "[~]", &id)) {
		return fli_badarg(result);
	}
	if (!fl_match(id, "{_, _}"))
		return fli_badarg(result);
	rc = fli_global_lock_for(self, id, nodes.data == NULL ? NULL : &nodes, retries);
	if (rc != FL_OK && rc != FL_EBUSY)
		return fl_raise(result, FL_ERROR, "~", fl_atom_of(fl_error_atom(rc)));
	return fl_build(result, "~", fl_bool(rc == FL_OK));
}

static int del_lock(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term id, nodes = {.data = NULL};

	if (!fl_match(args, "[~, ~]", &id, &nodes) && !fl_match(args, "[~]", &id))
		return fli_badarg(result);
	if (!fl_match(id, "{_, _}"))
		return fli_badarg(result);
	(void)fli_global_unlock_for(self, id, nodes.data == NULL ? NULL : &nodes);
	return fl_build(result, "true");
}

/* ---- membership ------------------------------------------------------------------------------ */

static int sync_0(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	return fl_global_sync(self, FL_INFINITY) == FL_OK ? fl_build(result, "ok")
							  : fl_build(result, "{error, noproc}");
}

static int disconnect(fl_proc *self, fl_term args, fl_buf *result)
{
	(void)args; /* none */
	fli_global_disconnect_all(fl_self_node(self), result);
	return result->error;
}

/* ---- methods --------------------------------------------------------------------------------- */

typedef struct conflict {
	fl_term name;
	fl_pid pids[2];
} conflict;

static bool read_conflict(fl_term args, conflict *ret)
{
	return fl_match(args, "[~, ~, ~]", &ret->name, &ret->pids[0], &ret->pids[1]);
}

bool fli_global_prefers(const fl_pid *pid, const fl_pid *other)
{
	fl_atom a = pid->node, b = other->node;
	size_t size = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.text, b.text, size);

	return order < 0 || (order == 0 && a.size < b.size);
}

/* The index of the process that stays. */
static int winner_of(const conflict *c)
{
	return fli_global_prefers(&c->pids[0], &c->pids[1]) ? 0 : 1;
}

/* Who may not end processes of this node ends those that have the name, and no others. */
static bool may_end(fl_proc *self, fl_term name, const fl_pid *loser)
{
	fl_node *node = fl_self_node(self);
	uint64_t held_ms;
	bool may;

	fli_enter(node);
	may = !fli_pid_is_local(node, loser) || fli_global_held_ms(node, name, loser, &held_ms) ||
	      fli_access_may(node, fl_sender_node(self), FLI_ACCESS_EXIT);
	fli_leave(node);
	return may;
}

static int random_exit(fl_proc *self, fl_term args, fl_buf *result)
{
	char text[128];
	conflict c;
	int winner;

	if (!read_conflict(args, &c))
		return fli_badarg(result);
	winner = winner_of(&c);
	if (!may_end(self, c.name, &c.pids[1 - winner]))
		return fl_raise(result, FL_ERROR, "{notsup, ~}",
			"exit is not open to this caller's node; sys.allow opens it");
	fli_log_limited(&fl_self_node(self)->log, fl_now_ms(self), FLI_INFO,
		"global: name conflict: %s: a process of %.*s is terminated",
		fl_print_to(text, sizeof text, c.name), (int)c.pids[1 - winner].node.size,
		c.pids[1 - winner].node.text);
	(void)fl_exit(self, c.pids[1 - winner], "kill");
	return fl_build(result, "~", c.pids[winner]);
}

static int random_notify(fl_proc *self, fl_term args, fl_buf *result)
{
	conflict c;
	int winner;

	if (!read_conflict(args, &c))
		return fli_badarg(result);
	winner = winner_of(&c);
	(void)fl_send(self, c.pids[1 - winner], "{global_name_conflict, ~}", c.name);
	return fl_build(result, "~", c.pids[winner]);
}

static int notify_all(fl_proc *self, fl_term args, fl_buf *result)
{
	conflict c;

	if (!read_conflict(args, &c))
		return fli_badarg(result);
	(void)fl_send(self, c.pids[0], "{global_name_conflict, ~, ~}", c.name, c.pids[1]);
	(void)fl_send(self, c.pids[1], "{global_name_conflict, ~, ~}", c.name, c.pids[0]);
	return fl_build(result, "none");
}

static bool read_fun(fl_term term, fli_fun *ret_fun)
{
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	if (item.kind != FL_FUN)
		return false;
	*ret_fun = item.as.fun;
	return true;
}

/* A method that this node exports: Module:Function(Name, Theirs, Ours). */
static int resolve_by_export(fl_proc *self, fli_mfa *mfa, fl_buf *result)
{
	fl_buf value = FL_BUF_INIT;
	int class = fli_apply(self, mfa, &value);

	/* as `catch`: what it threw is its answer, what went wrong is {'EXIT', Reason} */
	if (class == FL_OK || class == FL_THROW)
		(void)fl_build(result, "~", fl_buf_term(&value));
	else
		(void)fl_build(result, "{'EXIT', ~}", fl_buf_term(&value));
	fl_buf_free(&value);
	return result->error;
}

/* global:resolve_it(Method, Name, Theirs, Ours) */
static int resolve_it(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term method, name, theirs, ours;
	fl_buf list = FL_BUF_INIT;
	const fl_export *found;
	fli_fun fun;
	fli_mfa mfa;
	int rc;

	if (!fl_match(args, "[~, ~, ~, ~]", &method, &name, &theirs, &ours))
		return fli_badarg(result);
	if (!read_fun(method, &fun))
		return fl_build(result, "{'EXIT', {badfun, ~}}", method);
	(void)fl_build(&list, "[~, ~, ~]", name, theirs, ours);
	mfa = (fli_mfa){.module = fun.module, .function = fun.function, .args = fl_buf_term(&list)};
	mfa.args.atoms = args.atoms;
	if (list.error != FL_OK)
		rc = list.error;
	else if (fun.function.text == NULL && fl_atom_is(fun.module, "global"))
		rc = random_exit(self, mfa.args, result); /* there is only one default */
	else if (fun.function.text == NULL || fli_exports_find(self, &mfa, 3, &found) != FL_OK)
		rc = fl_raise(result, FL_ERROR, "undef");
	else
		rc = resolve_by_export(self, &mfa, result);
	fl_buf_free(&list);
	return rc;
}

/* ---- what is set ------------------------------------------------------------------------------
 */

/* application:get_env(App, Key): nodes of a cluster compare this one, and it alone is set here. */
static int get_env(fl_proc *self, fl_term args, fl_buf *result)
{
	static const char *const values[] = {"{ok, guest}", "{ok, true}", "{ok, false}"};
	fl_node *node = fl_self_node(self);
	fli_global_mode mode;

	if (!fl_match(args, "[kernel, prevent_overlapping_partitions]"))
		return fl_match(args, "[_, _]") ? fl_build(result, "undefined")
						: fli_badarg(result);
	fli_enter(node);
	mode = fli_global_mode_of(node);
	fli_leave(node);
	return fl_build(result, values[mode]);
}

/* What the others of a cluster ask for by themselves. */
static const fl_export members[] = {
	{"application", "get_env", 2, get_env},
	{"global", "notify_all_name", 3, notify_all},
	{"global", "random_exit_name", 3, random_exit},
	{"global", "random_notify_name", 3, random_notify},
	{"global", "resolve_it", 4, resolve_it},
};

static const fl_export exports[] = {
	{"global", "del_lock", 1, del_lock},
	{"global", "del_lock", 2, del_lock},
	{"global", "disconnect", 0, disconnect},
	{"global", "re_register_name", 2, re_register_name},
	{"global", "re_register_name", 3, re_register_name},
	{"global", "register_name", 2, register_name},
	{"global", "register_name", 3, register_name},
	{"global", "register_name_external", 2, register_external},
	{"global", "register_name_external", 3, register_external},
	{"global", "registered_names", 0, registered_names},
	{"global", "send", 2, send_to},
	{"global", "set_lock", 1, set_lock},
	{"global", "set_lock", 2, set_lock},
	{"global", "set_lock", 3, set_lock},
	{"global", "sync", 0, sync_0},
	{"global", "unregister_name", 1, unregister_name},
	{"global", "unregister_name_external", 1, unregister_name},
	{"global", "whereis_name", 1, whereis_name},
};

int fli_natives_global(fl_node *node)
{
	int rc = fli_exports_add_own(node, members, FLI_EXPORT_COUNT(members), FLI_EXPORT_MEMBER);

	if (rc != FL_OK)
		return rc;
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
