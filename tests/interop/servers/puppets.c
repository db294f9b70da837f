/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that use registries as t_registry tells them, as its Elixir puppets do with Elixir's:
 * the two must not differ in what they get.
 *
 *     {start, Reg}: a puppet, registered by `via` under {puppet, Reg} in puppet_names
 *     {do, {Function, Args..}}: what Registry.function(args..) gives
 *     told: what has come to info since, the first first
 */
#include <flitch.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

static const fl_behaviour puppet_names = {.name = "puppet_names",
	.registry = &(const fl_registry){.keys = FL_UNIQUE,
		.partitions = 2,
		.listeners = (const char *const[]){"puppet_listener", NULL},
		.meta = "[{color, red}]"}};
static const fl_behaviour puppet_topics = {.name = "puppet_topics",
	.registry = &(const fl_registry){.keys = FL_DUPLICATE, .partitions = 3}};

struct puppet {
	fl_buf told; /* a list that is open */
};

typedef struct asked {
	fl_proc *self;
	char registry[NAME_MAX_BYTES];
	fl_term key, arg, more;
	fl_buf *reply;
	size_t calls;
} asked;

static int error(fl_buf *reply, int rc)
{
	fl_buf_reset(reply);
	return fl_build(reply, "{failed, ~}", fl_atom_of(fl_error_atom(rc)));
}

static int register_key(asked *a)
{
	fl_pid owner;
	int rc = fl_registry_register(a->self, a->registry, &owner, "{~, ~}", a->key, a->arg);

	if (rc == FL_ETAKEN)
		return fl_build(a->reply, "{error, {already_registered, ~}}", owner);
	return rc == FL_OK ? fl_build(a->reply, "ok") : rc;
}

static int add(void *arg, fl_term old, fl_buf *ret_new)
{
	asked *a = arg;
	int64_t n, by;

	if (!fl_match(old, "~", &n) || !fl_match(a->arg, "~", &by))
		return FL_EINVAL;
	(void)fl_build(a->reply, "{~, ~}", n + by, n);
	return fl_build(ret_new, "~", n + by);
}

static int update_value(asked *a)
{
	int rc = fl_registry_update_value(a->self, a->registry, add, a, "~", a->key);

	return rc == FL_ENOENT ? fl_build(a->reply, "error") : rc;
}

static void send_each(fl_proc *self, void *arg, fl_term entries)
{
	asked *a = arg;
	fl_term entry;
	fl_pid pid;

	a->calls++;
	while (fl_list_next(&entries, &entry))
		if (fl_match(entry, "{~, _}", &pid))
			(void)fl_send(self, pid, "~", a->arg);
}

static int dispatch(asked *a)
{
	int rc = fl_registry_dispatch(a->self, a->registry, send_each, a, "~", a->key);

	return rc == FL_OK ? fl_build(a->reply, "{ok, ~}", fl_bool(a->calls > 0)) : rc;
}

static int keys(asked *a)
{
	fl_pid pid;

	if (!fl_match(a->key, "~", &pid))
		return FL_EINVAL;
	return fl_registry_keys_of(a->self, a->registry, pid, a->reply);
}

static int values(asked *a)
{
	fl_pid pid;

	if (!fl_match(a->arg, "~", &pid))
		return FL_EINVAL;
	return fl_registry_values(a->self, a->registry, pid, a->reply, "~", a->key);
}

static int count(asked *a)
{
	size_t found = 0;
	int rc = fl_registry_count(a->self, a->registry, &found);

	return rc == FL_OK ? fl_build(a->reply, "~", found) : rc;
}

static int count_match(asked *a)
{
	size_t found = 0;
	int rc = fl_registry_count_match(
		a->self, a->registry, &found, "{~, ~, ~}", a->key, a->arg, a->more);

	return rc == FL_OK ? fl_build(a->reply, "~", found) : rc;
}

static int whereis_name(asked *a)
{
	fl_pid pid;
	int rc = fl_registry_whereis(a->self, a->registry, &pid, "~", a->key);

	if (rc == FL_ENOENT)
		return fl_build(a->reply, "undefined");
	return rc == FL_OK ? fl_build(a->reply, "~", pid) : rc;
}

/* GenServer.call({:via, Registry, {registry, key}}, arg) */
static int via_call(asked *a)
{
	fl_term reply;
	int rc = fl_call(a->self, fl_via(a->registry, "~", a->key), 5000, &reply, "~", a->arg);

	if (rc == FL_ENOPROC)
		return fl_build(a->reply, "noproc");
	return rc == FL_OK ? fl_build(a->reply, "{reply, ~}", reply) : rc;
}

static int via_send(asked *a)
{
	int rc = fl_send(a->self, fl_via(a->registry, "~", a->key), "~", a->arg);

	return rc == FL_OK ? fl_build(a->reply, "ok") : rc;
}

static int meta(asked *a)
{
	fl_buf value = FL_BUF_INIT;
	int rc = fl_registry_meta(a->self, a->registry, &value, "~", a->key);

	if (rc == FL_OK)
		rc = fl_build(a->reply, "{ok, ~}", fl_buf_term(&value));
	else if (rc == FL_ENOENT)
		rc = fl_build(a->reply, "error");
	fl_buf_free(&value);
	return rc;
}

static int done(asked *a, int rc)
{
	return rc == FL_OK ? fl_build(a->reply, "ok") : rc;
}

static int do_more(asked *a, const char *what)
{
	if (strcmp(what, "keys") == 0)
		return keys(a);
	if (strcmp(what, "values") == 0)
		return values(a);
	if (strcmp(what, "count") == 0)
		return count(a);
	if (strcmp(what, "count_match") == 0)
		return count_match(a);
	if (strcmp(what, "whereis_name") == 0)
		return whereis_name(a);
	if (strcmp(what, "via_call") == 0)
		return via_call(a);
	if (strcmp(what, "via_send") == 0)
		return via_send(a);
	if (strcmp(what, "meta") == 0)
		return meta(a);
	if (strcmp(what, "put_meta") == 0)
		return done(
			a, fl_registry_put_meta(a->self, a->registry, "{~, ~}", a->key, a->arg));
	if (strcmp(what, "delete_meta") == 0)
		return done(a, fl_registry_delete_meta(a->self, a->registry, "~", a->key));
	return FL_ENOTSUP;
}

static int do_one(asked *a, const char *what)
{
	if (strcmp(what, "register") == 0)
		return register_key(a);
	if (strcmp(what, "unregister") == 0)
		return done(a, fl_registry_unregister(a->self, a->registry, "~", a->key));
	if (strcmp(what, "unregister_match") == 0)
		return done(a, fl_registry_unregister_match(
				       a->self, a->registry, "{~, ~, ~}", a->key, a->arg, a->more));
	if (strcmp(what, "update_value") == 0)
		return update_value(a);
	if (strcmp(what, "dispatch") == 0)
		return dispatch(a);
	if (strcmp(what, "lookup") == 0)
		return fl_registry_lookup(a->self, a->registry, a->reply, "~", a->key);
	if (strcmp(what, "match") == 0)
		return fl_registry_match(
			a->self, a->registry, a->reply, "{~, ~, ~}", a->key, a->arg, a->more);
	return do_more(a, what);
}

/* {Function, Registry, Key, Arg, More}, each there, some of no account. */
static int do_op(fl_proc *self, fl_from from, fl_term op)
{
	fl_buf reply = FL_BUF_INIT;
	asked a = {.self = self, .reply = &reply};
	char what[NAME_MAX_BYTES];
	fl_atom function, registry;
	int rc = FL_EINVAL;

	if (fl_match(op, "{~, ~, ~, ~, ~}", &function, &registry, &a.key, &a.arg, &a.more) &&
		function.size < sizeof what && registry.size < sizeof a.registry) {
		memcpy(what, function.text, function.size);
		what[function.size] = '\0';
		memcpy(a.registry, registry.text, registry.size);
		rc = do_one(&a, what);
	}
	if (rc != FL_OK)
		(void)error(&reply, rc);
	rc = fl_reply(from, "~", fl_buf_term(&reply));
	fl_buf_free(&reply);
	return rc;
}

static int on_told(struct puppet *p, fl_from from)
{
	int rc;

	fl_list_close(&p->told);
	rc = fl_reply(from, "~", fl_buf_term(&p->told));
	fl_buf_reset(&p->told);
	fl_list_open(&p->told);
	return rc;
}

static int puppet_init(fl_proc *self, void *state, fl_term args)
{
	(void)self;
	(void)args;
	fl_list_open(&((struct puppet *)state)->told);
	return FL_OK;
}

static int puppet_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term op;

	if (fl_match(request, "{do, ~}", &op))
		return do_op(self, from, op);
	if (fl_match(request, "told"))
		return on_told(state, from);
	if (fl_match(request, "listen"))
		return fl_register(self, "puppet_listener") == FL_OK ? fl_reply(from, "ok")
								     : FL_STOP;
	return fl_reply(from, "~", request);
}

static int puppet_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	return fl_build(&((struct puppet *)state)->told, "~", message);
}

static void puppet_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)self;
	(void)reason;
	fl_buf_free(&((struct puppet *)state)->told);
}

static const fl_behaviour puppet = {.name = "puppet",
	.state_size = sizeof(struct puppet),
	.init = puppet_init,
	.call = puppet_call,
	.info = puppet_info,
	.terminate = puppet_terminate};

static int starter_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term key = request;
	fl_start_options options = {.name = NULL};
	bool by_key = fl_match(request, "{start_via, ~}", &key);
	fl_pid pid;
	int rc;

	(void)state;
	options.via = fl_via("puppet_names", "~", key);
	if (!by_key && !fl_match(request, "start"))
		return fl_unhandled(self, request);
	rc = fl_start(self, &puppet, by_key ? &options : NULL, &pid, "[]");
	if (rc == FL_OK)
		return fl_reply(from, "{ok, ~}", pid);
	return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

static const fl_behaviour puppets = {.name = "puppets", .call = starter_call};

FL_MODULE(&puppet_names, &puppet_topics, &puppets);
