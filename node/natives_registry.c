/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elixir's Registry, run here for somebody elsewhere, as in
 * rpc:call(Node, 'Elixir.Registry', lookup, [rooms, {room, 7}]). What concerns "the process itself"
 * is then the one that runs the function, whose entries go with it.
 */
#include <stdio.h>
#include <string.h>

#include "node/natives.h"
#include "node/registry.h"
#include "node/sched.h"

/* %ArgumentError{message: Text}, printed before the name as Elixir does. */
static int raise_argument(fl_buf *result, const char *text, const fl_atom *name)
{
	bool is_module = name != NULL && name->size > 7 && strncmp(name->text, "Elixir.", 7) == 0;
	char message[400];

	if (name == NULL)
		(void)snprintf(message, sizeof message, "%s", text);
	else
		(void)snprintf(message, sizeof message, "%s%s%.*s", text, is_module ? "" : ":",
			(int)(is_module ? name->size - 7 : name->size),
			is_module ? name->text + 7 : name->text);
	return fl_raise(result, FL_ERROR,
		"#{'__struct__' => 'Elixir.ArgumentError', '__exception__' => true, message => ~}",
		message);
}

typedef struct asked {
	fl_node *node;
	fl_proc *self;
	fli_registry *registry;
} asked;

/* Takes the context if the registry runs; otherwise FL_ERROR is what to return. */
static int begin(asked *a, fl_proc *self, fl_term name_term, fl_buf *result)
{
	fl_atom name;

	*a = (asked){.node = fl_self_node(self), .self = self};
	if (!fl_match(name_term, "~", &name))
		return fl_raise(result, FL_ERROR, "function_clause");
	fli_enter(a->node);
	a->registry = fli_registry_find(a->node, name);
	if (a->registry != NULL)
		return FL_OK;
	fli_leave(a->node);
	return raise_argument(result, "unknown registry: ", &name);
}

static int end(asked *a, int rc, fl_buf *result)
{
	fli_leave(a->node);
	if (rc == FL_EINVAL)
		return fli_badarg(result);
	if (rc == FL_ENOMEM || rc == FL_ELIMIT)
		return fl_raise(result, FL_ERROR, "system_limit");
	return rc;
}

static int lookup(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &key))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	return rc == FL_OK ? end(&a, fli_registry_lookup(a.registry, key, result), result) : rc;
}

static int keys(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name;
	fl_pid pid;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &pid))
		return fl_raise(result, FL_ERROR, "function_clause");
	rc = begin(&a, self, name, result);
	return rc == FL_OK ? end(&a, fli_registry_keys_of(a.registry, &pid, result), result) : rc;
}

static int values(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key;
	fl_pid pid;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~, ~]", &name, &key, &pid))
		return fl_raise(result, FL_ERROR, "function_clause");
	rc = begin(&a, self, name, result);
	return rc == FL_OK ? end(&a, fli_registry_values(a.registry, key, &pid, result), result)
			   : rc;
}

static int count(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name;
	asked a;
	int rc;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	return rc == FL_OK ? end(&a, fl_build(result, "~", a.registry->count), result) : rc;
}

/* [Registry, Key, Pattern] and [Registry, Key, Pattern, Guards]. */
static int build_wish(fl_term args, fl_term *ret_name, fl_buf *ret_wish)
{
	fl_term key, pattern, guards;

	if (fl_match(args, "[~, ~, ~]", ret_name, &key, &pattern))
		return fl_build(ret_wish, "{~, ~}", key, pattern);
	if (fl_match(args, "[~, ~, ~, ~]", ret_name, &key, &pattern, &guards))
		return fl_build(ret_wish, "{~, ~, ~}", key, pattern, guards);
	return FL_EINVAL;
}

typedef int with_wish(asked *a, fl_term wish, fl_buf *result);

static int do_match(asked *a, fl_term wish, fl_buf *result)
{
	return fli_registry_match(a->registry, wish, result, NULL);
}

static int do_count_match(asked *a, fl_term wish, fl_buf *result)
{
	size_t found = 0;
	int rc = fli_registry_match(a->registry, wish, NULL, &found);

	return rc == FL_OK ? fl_build(result, "~", found) : rc;
}

static int do_unregister_match(asked *a, fl_term wish, fl_buf *result)
{
	int rc = fli_registry_unregister_match(a->registry, a->self, wish);

	return rc == FL_OK ? fl_build(result, "ok") : rc;
}

static int wish_for(fl_proc *self, fl_term args, with_wish *what, fl_buf *result)
{
	fl_buf wish = FL_BUF_INIT;
	fl_term name;
	asked a;
	int rc = build_wish(args, &name, &wish);

	if (rc == FL_OK) {
		rc = begin(&a, self, name, result);
		if (rc == FL_OK)
			rc = end(&a, what(&a, fl_buf_term(&wish), result), result);
	} else {
		rc = fli_badarg(result);
	}
	fl_buf_free(&wish);
	return rc;
}

static int match(fl_proc *self, fl_term args, fl_buf *result)
{
	return wish_for(self, args, do_match, result);
}

static int count_match(fl_proc *self, fl_term args, fl_buf *result)
{
	return wish_for(self, args, do_count_match, result);
}

static int unregister_match(fl_proc *self, fl_term args, fl_buf *result)
{
	return wish_for(self, args, do_unregister_match, result);
}

/* [Registry, Spec] */
static int with_spec(fl_proc *self, fl_term args, bool is_count, fl_buf *result)
{
	static const char *const texts[] = {"invalid match specification in Registry.select/2",
		"invalid match specification in Registry.count_select/2"};
	fl_term name, spec;
	size_t count = 0;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &spec))
		return fli_badarg(result);
	if (fl_term_kind(spec) != FL_LIST && fl_term_kind(spec) != FL_NIL)
		return fl_raise(result, FL_ERROR, "function_clause");
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_select(a.registry, spec, is_count ? NULL : result, &count);
	if (rc == FL_OK && is_count)
		rc = fl_build(result, "~", count);
	rc = end(&a, rc, result);
	return rc == FL_EFORMAT ? raise_argument(result, texts[is_count], NULL) : rc;
}

static int do_select(fl_proc *self, fl_term args, fl_buf *result)
{
	return with_spec(self, args, false, result);
}

static int count_select(fl_proc *self, fl_term args, fl_buf *result)
{
	return with_spec(self, args, true, result);
}

static int register_self(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key, value;
	fl_proc *owner;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~, ~]", &name, &key, &value))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_register(a.registry, self, key, value, &owner);
	if (rc == FL_OK)
		rc = fl_build(result, "{ok, ~}", fli_proc_pid(a.registry->proc));
	else if (rc == FL_ETAKEN)
		rc = fl_build(result, "{error, {already_registered, ~}}", fli_proc_pid(owner));
	return end(&a, rc, result);
}

static int unregister(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &key))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_unregister(a.registry, self, key);
	return end(&a, rc == FL_OK ? fl_build(result, "ok") : rc, result);
}

/* ---- as the module of a `via` -----------------------------------------------------------------
 */

#define NO_DUPLICATES ":via is not supported for duplicate registries"

/* Who has {Registry, Key}; FL_ENOENT: nobody. */
static int find_owner(fl_proc *self, fl_term whole, fl_pid *ret_pid, fl_buf *result)
{
	const fl_proc *owner = NULL;
	fli_reg_wanted wanted;
	fl_term name, key;
	asked a;
	bool is_unique;
	int rc;

	if (!fl_match(whole, "{~, ~}", &name, &key) && !fl_match(whole, "{~, ~, _}", &name, &key))
		return fl_raise(result, FL_ERROR, "function_clause");
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	is_unique = a.registry->config->keys == FL_UNIQUE;
	if (is_unique)
		rc = fli_registry_want(a.registry, key, &wanted);
	if (is_unique && rc == FL_OK)
		owner = fli_registry_owner(a.registry, &wanted);
	if (owner != NULL)
		*ret_pid = fli_proc_pid(owner);
	rc = end(&a, rc, result);
	if (!is_unique)
		return raise_argument(result, NO_DUPLICATES, NULL);
	return rc == FL_OK && owner == NULL ? FL_ENOENT : rc;
}

static int whereis_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term whole;
	fl_pid pid;
	int rc;

	if (!fl_match(args, "[~]", &whole))
		return fli_badarg(result);
	rc = find_owner(self, whole, &pid, result);
	if (rc == FL_ENOENT)
		return fl_build(result, "undefined");
	return rc == FL_OK ? fl_build(result, "~", pid) : rc;
}

static int send_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term whole, message;
	fl_pid pid;
	int rc;

	if (!fl_match(args, "[~, ~]", &whole, &message))
		return fli_badarg(result);
	rc = find_owner(self, whole, &pid, result);
	if (rc == FL_ENOENT)
		return fli_badarg(result);
	if (rc == FL_OK)
		rc = fl_send(self, pid, "~", message);
	return rc == FL_OK ? fl_build(result, "~", message) : rc;
}

/* register_name({Registry, Key}, Pid): a process registers itself, nobody else. */
static int register_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_pid pid, me = fl_self(self);
	fl_buf list = FL_BUF_INIT, reply = FL_BUF_INIT;
	fl_term name, key, value;
	int rc;

	if (fl_match(args, "[{~, ~}, ~]", &name, &key, &pid))
		(void)fl_build(&list, "[~, ~, nil]", name, key);
	else if (fl_match(args, "[{~, ~, ~}, ~]", &name, &key, &value, &pid))
		(void)fl_build(&list, "[~, ~, ~]", name, key, value);
	else
		return fl_raise(result, FL_ERROR, "function_clause");
	if (!fl_pid_eq(&pid, &me))
		rc = fl_raise(result, FL_ERROR, "function_clause");
	else
		rc = register_self(self, fl_buf_term(&list), &reply);
	if (rc == FL_OK)
		rc = fl_build(result, "~",
			fl_atom_of(fl_match(fl_buf_term(&reply), "{ok, _}") ? "yes" : "no"));
	else if (reply.size > 0)
		(void)fl_build(result, "~", fl_buf_term(&reply)); /* what it raised */
	fl_buf_free(&list);
	fl_buf_free(&reply);
	return rc;
}

static int unregister_name(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_buf list = FL_BUF_INIT;
	fl_term name, key;
	int rc;

	if (!fl_match(args, "[{~, ~}]", &name, &key))
		return fl_raise(result, FL_ERROR, "function_clause");
	rc = fl_build(&list, "[~, ~]", name, key);
	if (rc == FL_OK)
		rc = unregister(self, fl_buf_term(&list), result);
	fl_buf_free(&list);
	return rc;
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

/* An unknown registry has no metadata: Elixir's guards and :ets say that in other words. */
static int meta(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key, value;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &key))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_meta_get(a.registry, key, &value);
	if (rc == FL_OK)
		rc = fl_build(result, "{ok, ~}", value);
	else if (rc == FL_ENOENT)
		rc = fl_build(result, "error");
	if (rc == FL_EINVAL)
		rc = fl_raise(result, FL_ERROR, "function_clause");
	return end(&a, rc, result);
}

static int put_meta(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key, value;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~, ~]", &name, &key, &value))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_meta_put(a.registry, key, value);
	if (rc == FL_EINVAL)
		rc = fl_raise(result, FL_ERROR, "function_clause");
	return end(&a, rc == FL_OK ? fl_build(result, "ok") : rc, result);
}

static int delete_meta(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_term name, key;
	asked a;
	int rc;

	if (!fl_match(args, "[~, ~]", &name, &key))
		return fli_badarg(result);
	rc = begin(&a, self, name, result);
	if (rc != FL_OK)
		return rc;
	rc = fli_registry_meta_delete(a.registry, key);
	if (rc == FL_EINVAL)
		rc = fl_raise(result, FL_ERROR, "function_clause");
	return end(&a, rc == FL_OK ? fl_build(result, "ok") : rc, result);
}

#define REGISTRY "Elixir.Registry"

static const fl_export exports[] = {
	{REGISTRY, "count", 1, count},
	{REGISTRY, "count_match", 3, count_match},
	{REGISTRY, "count_match", 4, count_match},
	{REGISTRY, "count_select", 2, count_select},
	{REGISTRY, "delete_meta", 2, delete_meta},
	{REGISTRY, "keys", 2, keys},
	{REGISTRY, "lookup", 2, lookup},
	{REGISTRY, "match", 3, match},
	{REGISTRY, "match", 4, match},
	{REGISTRY, "meta", 2, meta},
	{REGISTRY, "put_meta", 3, put_meta},
	{REGISTRY, "register", 3, register_self},
	{REGISTRY, "register_name", 2, register_name},
	{REGISTRY, "select", 2, do_select},
	{REGISTRY, "send", 2, send_name},
	{REGISTRY, "unregister", 2, unregister},
	{REGISTRY, "unregister_match", 3, unregister_match},
	{REGISTRY, "unregister_match", 4, unregister_match},
	{REGISTRY, "unregister_name", 1, unregister_name},
	{REGISTRY, "values", 3, values},
	{REGISTRY, "whereis_name", 1, whereis_name},
};

int fli_natives_registry(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
