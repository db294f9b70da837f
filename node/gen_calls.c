/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_server, gen_statem, sys and their Elixir names, run here for somebody elsewhere:
 * rpc:call(Node, gen_server, call, [counter, get]) works against a C node as against any other, and
 * reaches servers of third nodes through it.
 *
 *  - Each waits in fl_call or fli_call_system on its worker's stack; the node goes on meanwhile.
 *
 * Failure: what ends a call is the exit that OTP's client raises, {Reason, {gen_server, call,
 * Args}}. A {global, Name} or {via, _, _} that has not been resolved by the caller is noproc.
 */
#include "node/natives.h"

#define TIMEOUT_DEFAULT_MS 5000

/* Who asks whom, and under which name the client's exit mentions it. */
typedef struct asking {
	fl_proc *self;
	const char *module;
	const char *function;
	fl_term args;
	fl_dest to;
	uint32_t timeout_ms;
} asking;

static bool read_timeout(fl_term term, uint32_t *ret_ms)
{
	uint32_t ms;

	if (fl_match(term, "infinity")) {
		*ret_ms = FL_INFINITY;
		return true;
	}
	if (!fl_match(term, "~", &ms) || ms == FL_INFINITY)
		return false;
	*ret_ms = ms;
	return true;
}

/* {Reason, {Module, Function, Args}} */
static int exit_with(const asking *a, fl_spec reason, fl_buf *result)
{
	fl_buf_reset(result);
	fl_tuple_open(result);
	(void)fl_build_values(result, reason.pattern, reason.values, reason.count);
	(void)fl_build(
		result, "{~, ~, ~}", fl_atom_of(a->module), fl_atom_of(a->function), a->args);
	fl_tuple_close(result);
	return FL_EXIT;
}

static bool is_unresolved(fl_term server)
{
	return fl_match(server, "{global, _}") || fl_match(server, "{via, _, _}");
}

/* No node has the empty name. */
static bool is_nowhere(fl_term server)
{
	return fl_match(server, "{_, ''}");
}

/* FL_OK: a->to is set; otherwise `result` has what is raised. */
static int aim(asking *a, fl_term server, fl_buf *result)
{
	if (is_unresolved(server))
		return exit_with(a, fl_spec("noproc"), result);
	if (is_nowhere(server))
		return exit_with(a, fl_spec("{nodedown, ''}"), result);
	return fli_dest_of(server, &a->to) ? FL_OK : fli_badarg(result);
}

static fl_atom node_of(const asking *a)
{
	switch (a->to.kind) {
	case FL_TO_PID: return a->to.as.pid.node;
	case FL_TO_ALIAS: return a->to.as.alias.node;
	default: return a->to.as.name.node;
	}
}

/* What a call came to; on FL_OK nothing has been built yet. */
static int outcome(const asking *a, int rc, fl_term reply, fl_buf *result)
{
	switch (rc) {
	case FL_OK: return FL_OK;
	case FL_ETIMEOUT: return exit_with(a, fl_spec("timeout"), result);
	case FL_ENOPROC: return exit_with(a, fl_spec("noproc"), result);
	case FL_ENOCONN: return exit_with(a, fl_spec("{nodedown, ~}", node_of(a)), result);
	case FL_EEXIT: return exit_with(a, fl_spec("~", reply), result);
	case FL_EINVAL: return fli_badarg(result); /* a reference is no server */
	default: return exit_with(a, fl_spec("~", fl_atom_of(fl_error_atom(rc))), result);
	}
}

static int call_server(const asking *a, fl_term request, fl_buf *result)
{
	fl_term reply = {.data = NULL};
	int rc = fl_call(a->self, a->to, a->timeout_ms, &reply, "~", request);

	rc = outcome(a, rc, reply, result);
	return rc == FL_OK ? fl_build(result, "~", reply) : rc;
}

/* ---- gen_server ------------------------------------------------------------------------------ */

static int call_as(fl_proc *self, fl_term args, fl_buf *result, const char *module)
{
	asking a = {.self = self, .module = module, .function = "call", .args = args};
	fl_term server, request, timeout;
	int rc;

	a.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (fl_match(args, "[~, ~, ~]", &server, &request, &timeout)) {
		if (!read_timeout(timeout, &a.timeout_ms))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~, ~]", &server, &request)) {
		return fli_badarg(result);
	}
	rc = aim(&a, server, result);
	return rc == FL_OK ? call_server(&a, request, result) : rc;
}

static int gen_server_call(fl_proc *self, fl_term args, fl_buf *result)
{
	return call_as(self, args, result, "gen_server");
}

static int gen_statem_call(fl_proc *self, fl_term args, fl_buf *result)
{
	return call_as(self, args, result, "gen_statem");
}

static int elixir_call(fl_proc *self, fl_term args, fl_buf *result)
{
	return call_as(self, args, result, "Elixir.GenServer");
}

static int cast(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term server, message;
	fl_dest to;

	if (!fl_match(args, "[~, ~]", &server, &message))
		return fli_badarg(result);
	if (!is_unresolved(server) && !is_nowhere(server)) {
		if (!fli_dest_of(server, &to))
			return fli_badarg(result);
		(void)fl_cast(self, to, "~", message); /* a cast never fails */
	}
	return fl_build(result, "ok");
}

int fli_ask_supervisor(fl_proc *self, fl_term args, fl_term server, fl_spec request, fl_buf *result)
{
	asking a = {.self = self,
		.module = "gen_server",
		.function = "call",
		.args = args,
		.timeout_ms = FL_INFINITY};
	fl_buf built = FL_BUF_INIT;
	int rc = aim(&a, server, result);

	if (rc == FL_OK)
		rc = fl_build_values(&built, request.pattern, request.values, request.count);
	if (rc == FL_OK)
		rc = call_server(&a, fl_buf_term(&built), result);
	fl_buf_free(&built);
	return rc;
}

/* ---- sys ------------------------------------------------------------------------------------- */

static int ask_system(const asking *a, fl_spec request, fl_term *ret_reply, fl_buf *result)
{
	int rc = fli_call_system(a->self, a->to, a->timeout_ms, ret_reply, request);

	return outcome(a, rc, *ret_reply, result);
}

/* sys:Function(Server), sys:Function(Server, Timeout) */
static int sys_plain(
	const char *function, fl_proc *self, fl_term args, fl_term *ret_reply, fl_buf *result)
{
	asking a = {.self = self, .module = "sys", .function = function, .args = args};
	fl_term server, timeout;
	int rc;

	a.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (fl_match(args, "[~, ~]", &server, &timeout)) {
		if (!read_timeout(timeout, &a.timeout_ms))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~]", &server)) {
		return fli_badarg(result);
	}
	rc = aim(&a, server, result);
	if (rc != FL_OK)
		return rc;
	return ask_system(&a, fl_spec("~", fl_atom_of(function)), ret_reply, result);
}

/* Since OTP 26.1 the answer is {ok, State}, before it was the bare state. */
static int get_state(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term reply = {.data = NULL}, state;
	int rc = sys_plain("get_state", self, args, &reply, result);

	if (rc != FL_OK)
		return rc;
	if (fl_match(reply, "{error, ~}", &state))
		return fl_raise(result, FL_ERROR, "~", state);
	if (fl_match(reply, "{ok, ~}", &state))
		return fl_build(result, "~", state);
	return fl_build(result, "~", reply);
}

static int sys_simple(const char *function, fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term reply = {.data = NULL};
	int rc = sys_plain(function, self, args, &reply, result);

	return rc == FL_OK ? fl_build(result, "~", reply) : rc;
}

static int get_status(fl_proc *self, fl_term args, fl_buf *result)
{
	return sys_simple("get_status", self, args, result);
}

static int suspend(fl_proc *self, fl_term args, fl_buf *result)
{
	return sys_simple("suspend", self, args, result);
}

static int resume(fl_proc *self, fl_term args, fl_buf *result)
{
	return sys_simple("resume", self, args, result);
}

static int end_server(asking *a, fl_term server, fl_spec reason, fl_buf *result)
{
	fl_buf built = FL_BUF_INIT;
	fl_term reply = {.data = NULL}, why;
	int rc = aim(a, server, result);

	if (rc == FL_OK) {
		(void)fl_build_values(&built, reason.pattern, reason.values, reason.count);
		rc = ask_system(a, fl_spec("{terminate, ~}", fl_buf_term(&built)), &reply, result);
	}
	fl_buf_free(&built);
	if (rc == FL_OK && fl_match(reply, "{error, ~}", &why))
		return fl_raise(result, FL_ERROR, "~", why);
	return rc == FL_OK ? fl_build(result, "ok") : rc;
}

/* sys:terminate(Server, Reason), sys:terminate(Server, Reason, Timeout) */
static int terminate(fl_proc *self, fl_term args, fl_buf *result)
{
	asking a = {.self = self, .module = "sys", .function = "terminate", .args = args};
	fl_term server, reason, timeout;

	a.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (fl_match(args, "[~, ~, ~]", &server, &reason, &timeout)) {
		if (!read_timeout(timeout, &a.timeout_ms))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~, ~]", &server, &reason)) {
		return fli_badarg(result);
	}
	return end_server(&a, server, fl_spec("~", reason), result);
}

/* gen_server:stop(Server), (Server, Reason, Timeout); Elixir's also (Server, Reason) */
static int stop(fl_proc *self, fl_term args, fl_buf *result)
{
	asking a = {.self = self, .module = "gen_server", .function = "stop", .args = args};
	fl_term server, reason, timeout;

	a.timeout_ms = FL_INFINITY;
	if (fl_match(args, "[~]", &server))
		return end_server(&a, server, fl_spec("normal"), result);
	if (fl_match(args, "[~, ~, ~]", &server, &reason, &timeout)) {
		if (!read_timeout(timeout, &a.timeout_ms))
			return fli_badarg(result);
	} else if (!fl_match(args, "[~, ~]", &server, &reason)) {
		return fli_badarg(result);
	}
	return end_server(&a, server, fl_spec("~", reason), result);
}

static const fl_export exports[] = {
	{"gen_server", "call", 2, gen_server_call},
	{"gen_server", "call", 3, gen_server_call},
	{"gen_server", "cast", 2, cast},
	{"gen_server", "stop", 1, stop},
	{"gen_server", "stop", 3, stop},
	{"gen_statem", "call", 2, gen_statem_call},
	{"gen_statem", "call", 3, gen_statem_call},
	{"gen_statem", "cast", 2, cast},
	{"gen_statem", "stop", 1, stop},
	{"gen_statem", "stop", 3, stop},
	{"sys", "get_state", 1, get_state},
	{"sys", "get_state", 2, get_state},
	{"sys", "get_status", 1, get_status},
	{"sys", "get_status", 2, get_status},
	{"sys", "suspend", 1, suspend},
	{"sys", "suspend", 2, suspend},
	{"sys", "resume", 1, resume},
	{"sys", "resume", 2, resume},
	{"sys", "terminate", 2, terminate},
	{"sys", "terminate", 3, terminate},
	{"Elixir.GenServer", "call", 2, elixir_call},
	{"Elixir.GenServer", "call", 3, elixir_call},
	{"Elixir.GenServer", "cast", 2, cast},
	{"Elixir.GenServer", "stop", 1, stop},
	{"Elixir.GenServer", "stop", 2, stop},
	{"Elixir.GenServer", "stop", 3, stop},
};

int fli_gen_calls(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
