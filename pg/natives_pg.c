/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTP's pg by rpc: the functions of the module pg, with its answers and its exceptions.
 *
 * Failure: a pid of another node is {nolocal, Pid}, what is neither a pid nor a list of them a
 * function_clause; a scope that does not run ends the caller with noproc as a gen_server call
 * would, but for the questions, which then know of nobody.
 *
 * Departure from OTP: start_link links to nobody, since whoever runs it here is gone at once.
 */
#include "flitch/pg.h"
#include "node/natives.h"
#include "node/sched.h"
#include "pg/server.h"
#include "pg/shape.h"

/* Arguments, with the scope in front of them where it is left out. */
typedef struct arguments {
	fl_atom scope;
	bool has_scope; /* what stands there is an atom */
	fl_term rest[2];
} arguments;

static bool read_args(fl_term args, size_t count, arguments *ret)
{
	uint32_t given;
	fl_term first;

	if (!fli_args_count(args, &given))
		return false;
	ret->scope = fl_atom_of(FL_PG);
	ret->has_scope = given == count;
	if (given > count && !fl_list_next(&args, &first))
		return false;
	if (given > count)
		ret->has_scope = fl_match(first, "~", &ret->scope);
	for (size_t i = 0; i < count; i++)
		if (!fl_list_next(&args, &ret->rest[i]))
			return false;
	return true;
}

/* As gen_server:call(Scope, Request, infinity) ends. */
static int noproc(fl_buf *result, fl_atom scope, fl_spec request)
{
	fl_buf built = FL_BUF_INIT;
	int rc = fl_build_values(&built, request.pattern, request.values, request.count);

	if (rc == FL_OK)
		rc = fl_raise(result, FL_EXIT, "{noproc, {gen_server, call, [~, ~, infinity]}}",
			scope, fl_buf_term(&built));
	else
		rc = fl_raise(result, FL_EXIT, "noproc");
	fl_buf_free(&built);
	return rc;
}

static int function_clause(fl_buf *result)
{
	return fl_raise(result, FL_ERROR, "function_clause");
}

/* ---- scopes -----------------------------------------------------------------------------------
 */

static int start_named(fl_proc *self, fl_atom name, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	char text[256 * 4];
	fl_proc *proc;
	int rc;

	if (name.size >= sizeof text)
		return fli_badarg(result);
	memcpy(text, name.text, name.size);
	text[name.size] = '\0';
	fli_enter(node);
	rc = fli_pg_start_scope(node, text, &proc);
	if (rc == FL_ETAKEN)
		proc = fli_name_find(node, name);
	if (rc == FL_OK)
		(void)fl_build(result, "{ok, ~}", fli_proc_pid(proc));
	else if (rc == FL_ETAKEN && proc != NULL)
		(void)fl_build(result, "{error, {already_started, ~}}", fli_proc_pid(proc));
	else
		(void)fl_build(result, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
	fli_leave(node);
	return result->error;
}

static int start(fl_proc *self, fl_term args, fl_buf *result)
{
	arguments a;

	if (!read_args(args, 0, &a))
		return fli_badarg(result);
	if (!a.has_scope)
		return function_clause(result);
	return start_named(self, a.scope, result);
}

/* ---- members ----------------------------------------------------------------------------------
 */

static bool is_own(fl_node *node, fl_term term)
{
	uint64_t id;
	fl_pid pid;

	return fli_shape_pid(term, &pid) && fli_pg_is_own(node, &pid, &id);
}

/* What OTP raises for members that are none of this node's; false: they are. */
static bool raise_nolocal(fl_node *node, fl_term pids, fl_buf *result, int *ret_rc)
{
	bool is_list = fli_shape_is_list(pids);
	fl_term element = pids;
	fl_pid pid;

	while (is_list && fl_list_next(&pids, &element)) {
		if (is_own(node, element))
			continue;
		*ret_rc = fl_raise(result, FL_ERROR, "{nolocal, ~}", element);
		return true;
	}
	if (is_list ? fl_term_kind(pids) == FL_NIL : is_own(node, pids))
		return false;
	*ret_rc = !is_list && fli_shape_pid(pids, &pid)
			  ? fl_raise(result, FL_ERROR, "{nolocal, ~}", pids)
			  : function_clause(result);
	return true;
}

static int change(fl_proc *self, fl_term args, fl_buf *result, bool is_join)
{
	fl_node *node = fl_self_node(self);
	fli_scope *scope;
	arguments a;
	int rc = FL_ENOPROC;

	if (!read_args(args, 2, &a))
		return fli_badarg(result);
	fli_enter(node);
	scope = a.has_scope ? fli_pg_scope(node, a.scope) : NULL;
	if (scope != NULL)
		rc = fli_pg_change(node, scope, is_join, a.rest[0], a.rest[1]);
	fli_leave(node);
	/* OTP looks at the pids first */
	if ((rc == FL_EINVAL || rc == FL_ENOPROC) && raise_nolocal(node, a.rest[1], result, &rc))
		return rc;
	if (!a.has_scope)
		return fli_badarg(result);
	switch (rc) {
	case FL_OK: return fl_build(result, "ok");
	case FL_ENOENT: return fl_build(result, "not_joined");
	case FL_ENOPROC:
		return noproc(result, a.scope,
			fl_spec("{~, ~, ~}", fl_atom_of(is_join ? "join_local" : "leave_local"),
				a.rest[0], a.rest[1]));
	default: return fl_raise(result, FL_ERROR, "~", fl_atom_of(fl_error_atom(rc)));
	}
}

static int join(fl_proc *self, fl_term args, fl_buf *result)
{
	return change(self, args, result, true);
}

static int leave(fl_proc *self, fl_term args, fl_buf *result)
{
	return change(self, args, result, false);
}

/* ---- questions --------------------------------------------------------------------------------
 */

static int give(const fl_node *node, fli_buf *buf, fl_buf *result)
{
	int rc = buf->failed ? FL_ENOMEM
			     : fl_build(result, "~", fli_term(node, buf->data, buf->size));

	fli_buf_destroy(buf);
	return rc == FL_OK ? FL_OK : fl_raise(result, FL_ERROR, "system_limit");
}

static int members(fl_proc *self, fl_term args, fl_buf *result, bool is_local)
{
	fl_node *node = fl_self_node(self);
	const fli_scope *scope;
	arguments a;
	fli_buf buf;

	if (!read_args(args, 1, &a))
		return fli_badarg(result);
	fli_enter(node);
	scope = a.has_scope ? fli_pg_scope(node, a.scope) : NULL;
	fli_buf_create(&buf, node->mem, 0);
	if (scope == NULL)
		fli_write_nil(&buf);
	else
		fli_scope_write_members(
			scope, fli_pg_group_find(&scope->table, a.rest[0]), is_local, &buf);
	fli_leave(node);
	return give(node, &buf, result);
}

static int get_members(fl_proc *self, fl_term args, fl_buf *result)
{
	return members(self, args, result, false);
}

static int get_local_members(fl_proc *self, fl_term args, fl_buf *result)
{
	return members(self, args, result, true);
}

static int groups(fl_proc *self, fl_term args, fl_buf *result, bool is_local)
{
	fl_node *node = fl_self_node(self);
	const fli_scope *scope;
	arguments a;
	fli_buf buf;

	if (!read_args(args, 0, &a))
		return fli_badarg(result);
	if (!a.has_scope)
		return function_clause(result);
	fli_enter(node);
	scope = fli_pg_scope(node, a.scope);
	fli_buf_create(&buf, node->mem, 0);
	if (scope != NULL)
		fli_scope_write_groups(scope, is_local, &buf);
	fli_leave(node);
	if (scope == NULL) /* as OTP, whose table is not there then */
		return fli_badarg(result);
	return give(node, &buf, result);
}

static int which_groups(fl_proc *self, fl_term args, fl_buf *result)
{
	return groups(self, args, result, false);
}

static int which_local_groups(fl_proc *self, fl_term args, fl_buf *result)
{
	return groups(self, args, result, true);
}

/* ---- monitors ---------------------------------------------------------------------------------
 */

/* By a call of the scope, as in OTP: it is the caller that is told. */
static int ask(fl_proc *self, fl_buf *result, const arguments *a, fl_spec request)
{
	fl_term reply;

	if (!a->has_scope)
		return fli_badarg(result);
	if (fl_call_spec(self, fl_to_atom(a->scope), FL_INFINITY, &reply, request) != FL_OK)
		return noproc(result, a->scope, request);
	return fl_build(result, "~", reply);
}

static int monitor(fl_proc *self, fl_term args, fl_buf *result)
{
	arguments a;

	if (!read_args(args, 1, &a))
		return fli_badarg(result);
	return ask(self, result, &a, fl_spec("{monitor, ~}", a.rest[0]));
}

static int monitor_scope(fl_proc *self, fl_term args, fl_buf *result)
{
	arguments a;

	if (!read_args(args, 0, &a))
		return fli_badarg(result);
	return ask(self, result, &a, fl_spec("monitor"));
}

static int demonitor(fl_proc *self, fl_term args, fl_buf *result)
{
	arguments a;

	if (!read_args(args, 1, &a))
		return fli_badarg(result);
	return ask(self, result, &a, fl_spec("{demonitor, ~}", a.rest[0]));
}

static const fl_export exports[] = {
	{"pg", "start", 1, start},
	{"pg", "start_link", 0, start},
	{"pg", "start_link", 1, start},
	{"pg", "join", 2, join},
	{"pg", "join", 3, join},
	{"pg", "leave", 2, leave},
	{"pg", "leave", 3, leave},
	{"pg", "get_members", 1, get_members},
	{"pg", "get_members", 2, get_members},
	{"pg", "get_local_members", 1, get_local_members},
	{"pg", "get_local_members", 2, get_local_members},
	{"pg", "which_groups", 0, which_groups},
	{"pg", "which_groups", 1, which_groups},
	{"pg", "which_local_groups", 0, which_local_groups},
	{"pg", "which_local_groups", 1, which_local_groups},
	{"pg", "monitor", 1, monitor},
	{"pg", "monitor", 2, monitor},
	{"pg", "monitor_scope", 0, monitor_scope},
	{"pg", "monitor_scope", 1, monitor_scope},
	{"pg", "demonitor", 1, demonitor},
	{"pg", "demonitor", 2, demonitor},
};

int fli_natives_pg(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
