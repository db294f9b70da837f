/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native functions: found by module, function and arity, run with an Erlang call's outcomes.
 *
 *  - fli_exports_add fills the table; every entry has a class, which the profile opens or not.
 *  - fli_apply unrolls erlang:apply and proc_lib:init_p, looks the function up, runs it, and checks
 *    what it built.
 *
 * Failure: a function that returns what is no outcome, or builds no term or two, is our user's
 * mistake and becomes the error {api_misuse, _} of that call alone. Out of memory is
 * `system_limit`.
 *
 * Departure from OTP: a fun carries code for another machine than this one. It ends with the error
 * {cannot_run_erlang_code, Text} rather than `undef` or `badfun`, since neither would tell the
 * caller that the node is at fault and not the fun. `fun M:F/A` has no code in it and is run.
 */
#include "node/export.h"

#include <ctype.h>
#include <stdio.h>

#include "node/access.h"
#include "node/sched.h"
#include "node/term/peek.h"
#include "node/term/tag.h"

#define ARGS_MAX 255 /* as the BEAM's */

typedef struct exported {
	const fl_export *export;
	fli_export_class class;
	bool is_own;
} exported;

typedef struct export_key {
	fl_atom module;
	fl_atom function;
	uint32_t arity;
} export_key;

static bool is_export(const void *item, const void *key)
{
	const exported *entry = item;
	const export_key *k = key;

	return entry->export->arity == k->arity &&
	       fl_atom_is(k->function, entry->export->function) &&
	       fl_atom_is(k->module, entry->export->module);
}

static uint64_t key_hash(const fl_node *node, const export_key *key)
{
	uint64_t hash = fli_hash(node->seed + key->arity, key->module.text, key->module.size);

	return fli_hash(hash, key->function.text, key->function.size);
}

static export_key key_of(const fl_export *export)
{
	return (export_key){
		fl_atom_of(export->module), fl_atom_of(export->function), export->arity};
}

/* ---- filling --------------------------------------------------------------------------------- */

static fli_exports *exports_of(fl_node *node)
{
	if (node->exports != NULL)
		return node->exports;
	node->exports = fli_zalloc(node->mem, sizeof *node->exports);
	if (node->exports == NULL)
		return NULL;
	fli_map_create(&node->exports->table, node->mem, is_export);
	node->exports->since.start_ms = node->port->now_ns(node->port) / 1000000;
	return node->exports;
}

static bool is_taken(const fl_node *node, const fli_exports *exports, const fl_export *export)
{
	export_key key = key_of(export);
	const exported *entry = fli_map_get(&exports->table, key_hash(node, &key), &key);

	return entry != NULL && entry->is_own;
}

static int add_one(fl_node *node, const exported *what)
{
	export_key key = key_of(what->export);
	uint64_t hash = key_hash(node, &key);
	exported *entry = fli_map_get(&node->exports->table, hash, &key);

	if (entry != NULL) {
		*entry = *what;
		return FL_OK;
	}
	entry = fli_alloc(node->mem, sizeof *entry);
	if (entry == NULL)
		return FL_ENOMEM;
	*entry = *what;
	if (fli_map_put(&node->exports->table, hash, entry) == FL_OK)
		return FL_OK;
	fli_free(node->mem, entry);
	return FL_ENOMEM;
}

static int add_all(fl_node *node, const fl_export *exports, size_t count, exported how)
{
	int rc = FL_OK;

	if (exports_of(node) == NULL)
		return FL_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (exports[i].module == NULL || exports[i].function == NULL ||
			exports[i].call == NULL || exports[i].arity > ARGS_MAX)
			return FL_EINVAL;
		if (is_taken(node, node->exports, &exports[i]))
			return FL_ETAKEN;
	}
	for (size_t i = 0; i < count && rc == FL_OK; i++) {
		how.export = &exports[i];
		rc = add_one(node, &how);
	}
	return rc;
}

int fli_exports_add(fl_node *node, const fl_export *exports, size_t count, fli_export_class class)
{
	return add_all(node, exports, count, (exported){.class = class});
}

int fli_exports_add_own(
	fl_node *node, const fl_export *exports, size_t count, fli_export_class class)
{
	return add_all(node, exports, count, (exported){.class = class, .is_own = true});
}

int fl_node_export(fl_node *node, const fl_export *exports, size_t count)
{
	int rc;

	fli_enter(node);
	rc = fli_exports_add(node, exports, count, FLI_EXPORT_DEFAULT);
	fli_leave(node);
	return rc;
}

void fli_exports_delete(fl_node *node)
{
	size_t cursor = 0;
	exported *entry;

	if (node->exports == NULL)
		return;
	while ((entry = fli_map_next(&node->exports->table, &cursor)) != NULL)
		fli_free(node->mem, entry);
	fli_map_destroy(&node->exports->table);
	fli_free(node->mem, node->exports->allow);
	fli_free(node->mem, node->exports);
	node->exports = NULL;
}

const fl_export *fli_exports_next(const fl_node *node, size_t *cursor)
{
	const exported *entry;

	if (node->exports == NULL)
		return NULL;
	while ((entry = fli_map_next(&node->exports->table, cursor)) != NULL)
		if (!entry->is_own)
			return entry->export;
	return NULL;
}

/* ---- who may what ---------------------------------------------------------------------------- */

static bool is_separator(char c)
{
	return c == ',' || isspace((unsigned char)c);
}

/* The next entry of an allow-list, without blanks; false at its end. */
static bool next_entry(const char **at, fl_atom *ret_entry)
{
	const char *start;

	while (is_separator(**at))
		(*at)++;
	start = *at;
	while (**at != '\0' && !is_separator(**at))
		(*at)++;
	*ret_entry = (fl_atom){start, (size_t)(*at - start)};
	return ret_entry->size > 0;
}

/* module:function/arity in its parts; arity -1: any; function "*": any. */
typedef struct allowed {
	fl_atom module;
	fl_atom function;
	long arity;
} allowed;

static bool parse_entry(fl_atom entry, allowed *ret)
{
	const char *end = entry.text + entry.size;
	const char *colon = memchr(entry.text, ':', entry.size);
	const char *slash, *p;

	if (colon == NULL || colon == entry.text || colon + 1 == end)
		return false;
	slash = memchr(colon, '/', (size_t)(end - colon));
	ret->arity = -1;
	if (slash != NULL) {
		if (slash + 1 == end || end - slash > 4)
			return false;
		ret->arity = 0;
		for (p = slash + 1; p < end; p++) {
			if (!isdigit((unsigned char)*p))
				return false;
			ret->arity = ret->arity * 10 + (*p - '0');
		}
		end = slash;
	}
	ret->module = (fl_atom){entry.text, (size_t)(colon - entry.text)};
	ret->function = (fl_atom){colon + 1, (size_t)(end - colon - 1)};
	return ret->function.size > 0;
}

static bool is_allowed(const char *allow, const fli_mfa *mfa, uint32_t arity)
{
	const char *at = allow;
	fl_atom entry;
	allowed open;

	while (at != NULL && next_entry(&at, &entry)) {
		if (parse_entry(entry, &open) && fl_atom_eq(open.module, mfa->module) &&
			(fl_atom_is(open.function, "*") ||
				fl_atom_eq(open.function, mfa->function)) &&
			(open.arity < 0 || (uint32_t)open.arity == arity))
			return true;
	}
	return false;
}

int fli_exports_check_allow(const char *what, const char *allow, fl_error *err)
{
	fl_atom entry;
	allowed open;

	while (allow != NULL && next_entry(&allow, &entry)) {
		if (parse_entry(entry, &open))
			continue;
		(void)fl_error_set(err, FL_ECONFIG, "%s: \"%.*s\" names no function", what,
			(int)entry.size, entry.text);
		fl_error_next(err, "write module:function/arity, module:function or module:*");
		return FL_ECONFIG;
	}
	return FL_OK;
}

int fli_exports_policy(fl_node *node, fli_rpc_profile profile, const char *allow, fl_error *err)
{
	fli_exports *exports = exports_of(node);
	size_t size = allow == NULL ? 0 : strlen(allow) + 1;
	char *copy = NULL;

	if (fli_exports_check_allow("rpc.allow", allow, err) != FL_OK)
		return FL_ECONFIG;
	if (exports == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	if (size > 0) {
		copy = fli_alloc(node->mem, size);
		if (copy == NULL)
			return fl_error_set(err, FL_ENOMEM, "out of memory");
		memcpy(copy, allow, size);
	}
	fli_free(node->mem, exports->allow);
	exports->allow = copy;
	exports->profile = profile;
	return FL_OK;
}

static int judge(const fl_node *node, fl_atom sender, const exported *entry, const fli_mfa *mfa)
{
	const fli_access_rule *rule = fli_access_rule_of(node, sender);
	fli_rpc_profile profile = rule != NULL ? rule->profile : node->exports->profile;
	const char *allow = rule != NULL ? rule->allow : node->exports->allow;
	bool is_strict = profile == FLI_RPC_STRICT;

	if (entry->class == FLI_EXPORT_MEMBER || is_allowed(allow, mfa, entry->export->arity) ||
		(!is_strict && entry->class != FLI_EXPORT_OFF))
		return FL_OK;
	return is_strict ? FL_EREFUSED : FL_ENOTSUP;
}

static const exported *entry_of(const fl_node *node, const fli_mfa *mfa, uint32_t arity)
{
	export_key key = {mfa->module, mfa->function, arity};

	return node->exports == NULL
		       ? NULL
		       : fli_map_get(&node->exports->table, key_hash(node, &key), &key);
}

int fli_exports_find(
	const fl_proc *self, const fli_mfa *mfa, uint32_t arity, const fl_export **ret_export)
{
	fl_node *node = self->node;
	const exported *entry = entry_of(node, mfa, arity);
	int rc;

	if (entry == NULL)
		return FL_ENOENT;
	if (!entry->is_own && fli_gate_is_shut(node, FLI_GATE_SPAWN))
		return FL_EBUSY; /* as its servers, a paused node's functions are not there */
	rc = judge(node, fl_sender_node(self), entry, mfa);
	if (rc == FL_OK)
		*ret_export = entry->export;
	return rc;
}

/* ---- running --------------------------------------------------------------------------------- */

int fl_raise_spec(fl_buf *result, int class, fl_spec term)
{
	int rc;

	fl_buf_reset(result);
	rc = fl_build_values(result, term.pattern, term.values, term.count);
	return rc == FL_OK ? class : rc;
}

bool fli_args_count(fl_term args, uint32_t *ret_count)
{
	uint32_t count = 0;
	fl_term element;

	while (count <= ARGS_MAX && fl_list_next(&args, &element))
		count++;
	if (count > ARGS_MAX || fl_term_kind(args) != FL_NIL)
		return false;
	*ret_count = count;
	return true;
}

/* fun M:F/A is EXPORT_EXT: two atoms and a number, no code. */
bool fli_fun_names(fl_term fun, fli_mfa *mfa)
{
	fli_cursor c;

	if (fun.rest != 0 || fun.size < 2 || fun.data[0] != FLI_EXPORT_EXT)
		return false;
	c = fli_cursor_make(fun.data + 1, fun.size - 1);
	return fli_peek_atom(&c, NULL, &mfa->module) && fli_peek_atom(&c, NULL, &mfa->function);
}

int fli_refuse_fun(fl_proc *self, fl_buf *result)
{
	fl_atom name = fl_self_node(self)->name;
	char text[512];

	(void)snprintf(text, sizeof text,
		"%.*s is a C node (flitch): it cannot run Erlang or Elixir code, nor a fun that holds "
		"some. Call one of its functions by module, function and arguments.",
		(int)(name.size < 256 ? name.size : 256), name.text);
	return fl_raise(result, FL_ERROR, "{cannot_run_erlang_code, ~}", text);
}

static bool is_call_of(const fli_mfa *mfa, const char *module, const char *function)
{
	return fl_atom_is(mfa->module, module) && fl_atom_is(mfa->function, function);
}

/* What erlang:apply(..), or a process of proc_lib:spawn, is told to run. False: neither of them. */
static bool inner_of(const fli_mfa *mfa, fli_mfa *inner, fl_term *ret_fun)
{
	static const uint8_t none[] = {FLI_NIL_EXT};

	inner->args = (fl_term){.data = none, .size = sizeof none};
	ret_fun->data = NULL;
	if (is_call_of(mfa, "erlang", "apply"))
		return fl_match(mfa->args, "[~, ~, ~]", &inner->module, &inner->function,
			       &inner->args) ||
		       fl_match(mfa->args, "[~, ~]", ret_fun, &inner->args);
	if (is_call_of(mfa, "proc_lib", "init_p")) /* Parent, Ancestors, ... */
		return fl_match(mfa->args, "[_, _, ~, ~, ~]", &inner->module, &inner->function,
			       &inner->args) ||
		       fl_match(mfa->args, "[_, _, ~]", ret_fun);
	return false;
}

/* Turns it into what it runs, as deep as it is nested. False: `ret_fun` names no function. */
static bool unroll(fli_mfa *mfa, fl_term *ret_fun)
{
	fli_mfa inner;

	while (inner_of(mfa, &inner, ret_fun)) {
		if (ret_fun->data != NULL &&
			(fl_term_kind(*ret_fun) != FL_FUN || !fli_fun_names(*ret_fun, &inner)))
			return false;
		*mfa = inner;
	}
	return true;
}

/* One that names no function. */
static int refuse_odd_fun(fl_proc *self, fl_term fun, fl_buf *result)
{
	return fl_term_kind(fun) == FL_FUN ? fli_refuse_fun(self, result)
					   : fl_raise(result, FL_ERROR, "{badfun, ~}", fun);
}

bool fli_exports_are_shut(const fl_node *node, fl_atom sender, const fli_mfa *what)
{
	const exported *entry;
	fli_mfa mfa = *what;
	uint32_t arity;
	fl_term fun;

	if (!unroll(&mfa, &fun) || !fli_args_count(mfa.args, &arity))
		return false;
	entry = entry_of(node, &mfa, arity);
	return entry != NULL && judge(node, sender, entry, &mfa) != FL_OK;
}

/* The names of what is here are the node's, and short. */
static void tell_refusal(fl_proc *self, const fli_mfa *mfa, uint32_t arity)
{
	fl_node *node = self->node;
	char text[256];

	(void)snprintf(text, sizeof text, "%.*s:%.*s/%u", (int)mfa->module.size, mfa->module.text,
		(int)mfa->function.size, mfa->function.text, arity);
	fli_enter(node);
	fli_access_refused_function(node, fl_sender_node(self), text);
	fli_leave(node);
}

static int refuse(const fli_mfa *mfa, uint32_t arity, int why, fl_buf *result)
{
	char text[256];

	if (why != FL_ENOTSUP && why != FL_EBUSY)
		return fl_raise(result, FL_ERROR, "undef");
	(void)snprintf(text, sizeof text,
		why == FL_EBUSY
			? "%.*s:%.*s/%u is not there while its partition policy pauses this C node "
			  "(flitch)"
			: "%.*s:%.*s/%u is off on this C node (flitch); rpc.allow opens it",
		(int)mfa->module.size, mfa->module.text, (int)mfa->function.size,
		mfa->function.text, arity);
	return fl_raise(result, FL_ERROR, "{notsup, ~}", text);
}

/* The class of an error that says more about itself. */
static int take_blame(int class, fli_mfa *mfa)
{
	mfa->blamed = FLI_BLAME_NOTHING;
	if (class <= FLI_BLAME || class > FLI_BLAME + FLI_BLAME_ERTS)
		return class;
	mfa->blamed = (uint8_t)(class - FLI_BLAME);
	return FL_ERROR;
}

/* What a function returned and built, made into an outcome. */
static int check_outcome(int class, fl_buf *result)
{
	if (result->error == FL_ENOMEM || class == FL_ENOMEM)
		return fl_raise(result, FL_ERROR, "system_limit");
	if (class != FL_OK && class != FL_THROW && class != FL_ERROR && class != FL_EXIT)
		return fl_raise(result, FL_ERROR, "{api_misuse, {bad_return, ~}}", class);
	if (result->error != FL_OK || result->size == 0 ||
		fli_term_size(result->data, result->size) != result->size)
		return fl_raise(result, FL_ERROR, "{api_misuse, not_one_term}");
	return class;
}

/* Sends what its caller wants sent, and not what this node wants. What else is global's is not so.
 */
static bool is_messenger(const fl_export *export)
{
	static const char *const modules[] = {"erlang", "gen_server", "gen_statem", "sys",
		"supervisor", "Elixir.GenServer", "Elixir.Process", "Elixir.Registry",
		"Elixir.Supervisor", "Elixir.DynamicSupervisor", "Elixir.PartitionSupervisor"};

	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		if (strcmp(modules[i], export->module) == 0)
			return true;
	return strcmp(export->module, "global") == 0 && strcmp(export->function, "send") == 0;
}

/* What a messenger sends here says whose it is, so that nobody gets more by a detour over rpc. */
static int run(fl_proc *self, const fl_export *export, fl_term args, fl_buf *result)
{
	bool was_deputy = self->is_deputy;
	int rc;

	self->is_deputy = is_messenger(export);
	rc = export->call(self, args, result);
	self->is_deputy = was_deputy;
	return rc;
}

int fli_apply(fl_proc *self, fli_mfa *mfa, fl_buf *ret_result)
{
	fl_node *node = fl_self_node(self);
	const fl_export *export = NULL;
	uint32_t arity;
	fl_term fun;
	int rc;

	mfa->blamed = FLI_BLAME_NOTHING;
	if (!unroll(mfa, &fun))
		return check_outcome(refuse_odd_fun(self, fun, ret_result), ret_result);
	if (!fli_args_count(mfa->args, &arity))
		return check_outcome(fl_raise(ret_result, FL_ERROR, "badarg"), ret_result);
	fli_enter(node);
	rc = fli_exports_find(self, mfa, arity, &export);
	fli_leave(node);
	if (rc == FL_EREFUSED || rc == FL_ENOTSUP)
		tell_refusal(self, mfa, arity);
	if (rc != FL_OK)
		return check_outcome(refuse(mfa, arity, rc, ret_result), ret_result);
	rc = take_blame(run(self, export, mfa->args, ret_result), mfa);
	return check_outcome(rc, ret_result);
}

int fli_mfa_stack(fl_buf *buf, const fli_mfa *mfa)
{
	static const char *const causes[] = {[FLI_BLAME_ID] = "id",
		[FLI_BLAME_ACCESS] = "access",
		[FLI_BLAME_TYPE] = "type",
		[FLI_BLAME_BADKEY] = "badkey",
		[FLI_BLAME_POSITION] = "position",
		[FLI_BLAME_KEYPOS] = "keypos",
		[FLI_BLAME_TABLE_TYPE] = "table_type",
		[FLI_BLAME_OWNER] = "owner",
		[FLI_BLAME_EXISTS] = "already_exists",
		[FLI_BLAME_ERTS] = NULL};
	bool is_erts = mfa->blamed == FLI_BLAME_ERTS;
	fl_atom module = fl_atom_of(is_erts ? "erl_erts_errors" : "erl_stdlib_errors");

	if (mfa->blamed == FLI_BLAME_NOTHING)
		return fl_build(buf, "[{~, ~, ~, []}]", mfa->module, mfa->function, mfa->args);
	if (causes[mfa->blamed] == NULL)
		return fl_build(buf, "[{~, ~, ~, [{error_info, #{module => ~}}]}]", mfa->module,
			mfa->function, mfa->args, module);
	return fl_build(buf, "[{~, ~, ~, [{error_info, #{cause => ~, module => ~}}]}]", mfa->module,
		mfa->function, mfa->args, fl_atom_of(causes[mfa->blamed]), module);
}
