/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that has names and locks in the cluster, as a test asks: everything of <flitch/global.h>
 * from inside a handler.
 *
 *  - call {do, Op}: does it and answers with its result.
 *  - {start, Watcher}: another one, unsupervised; {start, Watcher, Text}: under that global name.
 *  - What comes to info and on_name_conflict is told to the watcher: {told, Namer, What},
 *    {conflict, Namer, Name}.
 *  - What it gives when it loses a name is {state_of, Namer}; what it is given to merge is told as
 *    {merged, Namer, {Name, Loser, State}}.
 *
 * namer:keep_theirs/3 is a resolve method of its own: the other side's process stays.
 */
#include <flitch.h>
#include <string.h>

struct namer {
	fl_pid watcher;
	bool has_watcher;
};

static const fl_behaviour namer;

static int result(fl_buf *out, int rc)
{
	return rc == FL_OK ? fl_build(out, "ok")
			   : fl_build(out, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char *method_of(fl_atom atom)
{
	if (fl_atom_is(atom, "random_notify"))
		return FL_GLOBAL_RANDOM_NOTIFY;
	if (fl_atom_is(atom, "notify_all"))
		return FL_GLOBAL_NOTIFY_ALL;
	if (fl_atom_is(atom, "keep_oldest"))
		return "flitch_heal:keep_oldest";
	return fl_atom_is(atom, "keep_theirs") ? "namer:keep_theirs" : FL_GLOBAL_RANDOM_EXIT;
}

static bool do_names(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term name;
	fl_atom method;
	fl_pid pid;
	fl_ref ref;

	if (fl_match(op, "{register, ~}", &name))
		return result(out, fl_global_register(self, fl_self(self), NULL, "~", name)), true;
	if (fl_match(op, "{register, ~, ~}", &name, &method))
		return result(out, fl_global_register(
					   self, fl_self(self), method_of(method), "~", name)),
		       true;
	if (fl_match(op, "{re_register, ~}", &name))
		return result(out, fl_global_re_register(self, fl_self(self), NULL, "~", name)),
		       true;
	if (fl_match(op, "{unregister, ~}", &name))
		return result(out, fl_global_unregister(self, "~", name)), true;
	if (fl_match(op, "{register_request, ~}", &name)) {
		(void)fl_global_register_request(self, fl_self(self), &ref, "~", name);
		return fl_build(out, "~", ref), true;
	}
	if (fl_match(op, "{whereis, ~}", &name)) {
		if (fl_global_whereis(self, &pid, "~", name))
			return fl_build(out, "~", pid), true;
		return fl_build(out, "undefined"), true;
	}
	if (!fl_match(op, "names"))
		return false;
	return fl_global_registered_names(self, out), true;
}

static bool do_messages(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term name, what, reply = {.data = NULL};
	fl_ref ref;
	int rc;

	if (fl_match(op, "{send, ~, ~}", &name, &what))
		return result(out, fl_send(self, fl_global(name), "~", what)), true;
	if (fl_match(op, "{cast, ~, ~}", &name, &what))
		return result(out, fl_cast(self, fl_global(name), "~", what)), true;
	if (fl_match(op, "{call, ~, ~}", &name, &what)) {
		rc = fl_call(self, fl_global(name), 5000, &reply, "~", what);
		return rc == FL_OK ? fl_build(out, "{ok, ~}", reply) : result(out, rc), true;
	}
	if (fl_match(op, "{request, ~, ~}", &name, &what)) {
		(void)fl_request(self, fl_global(name), &ref, "~", what);
		return fl_build(out, "~", ref), true;
	}
	if (!fl_match(op, "{monitor, ~}", &name))
		return false;
	(void)fl_monitor(self, fl_global(name), &ref);
	return fl_build(out, "~", ref), true;
}

/* ---- locks ----------------------------------------------------------------------------------- */

static int ask_who_holds(fl_proc *self, void *arg)
{
	fl_term reply;
	fl_pid *watcher = arg;

	return fl_call(self, *watcher, 5000, &reply, "inside");
}

static bool do_locks(fl_proc *self, fl_term op, fl_buf *out)
{
	fl_term id;
	uint32_t retries;
	fl_pid pid;

	if (fl_match(op, "{lock, ~, ~}", &id, &retries))
		return result(out, fl_global_set_lock(self, retries, "~", id)), true;
	if (fl_match(op, "{unlock, ~}", &id))
		return result(out, fl_global_del_lock(self, "~", id)), true;
	if (fl_match(op, "{trans, ~, ~}", &id, &pid))
		return result(out, fl_global_trans(self, 0, ask_who_holds, &pid, "~", id)), true;
	if (fl_match(op, "disconnect"))
		return fl_global_disconnect(self, out), true;
	if (!fl_match(op, "sync"))
		return false;
	return result(out, fl_global_sync(self, 60000)), true;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static int keep_theirs(fl_proc *self, fl_term args, fl_buf *ret_value)
{
	fl_pid theirs;

	(void)self;
	if (!fl_match(args, "[_, ~, _]", &theirs))
		return fl_raise(ret_value, FL_ERROR, "badarg");
	return fl_build(ret_value, "~", theirs);
}

static const fl_export exports[] = {{"namer", "keep_theirs", 3, keep_theirs}};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct namer *n = state;

	n->has_watcher = fl_match(args, "[~]", &n->watcher);
	if (!n->has_watcher)
		(void)fl_node_export(fl_self_node(self), exports, 1); /* again: the same one */
	return FL_OK;
}

static int start(fl_proc *self, fl_from from, fl_pid watcher, const char *name)
{
	fl_start_options how = {.global_name = name};
	fl_pid pid;
	int rc = fl_start(self, &namer, &how, &pid, "[~]", watcher);

	if (rc != FL_OK)
		return fl_reply(from, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
	return fl_reply(from, "{ok, ~}", pid);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_buf out = FL_BUF_INIT;
	char text[256];
	fl_text name;
	fl_term op;
	fl_pid pid;
	int rc;

	(void)state;
	if (fl_match(request, "{start, ~}", &pid))
		return start(self, from, pid, NULL);
	if (fl_match(request, "{start, ~, ~}", &pid, &name)) {
		(void)fl_text_string(name, text, sizeof text);
		return start(self, from, pid, text);
	}
	if (!fl_match(request, "{do, ~}", &op))
		return fl_reply(from, "{echo, ~}", request);
	if (!do_names(self, op, &out) && !do_messages(self, op, &out) && !do_locks(self, op, &out))
		(void)fl_build(&out, "bad_op");
	rc = out.error == FL_OK ? fl_reply(from, "~", fl_buf_term(&out)) : out.error;
	fl_buf_free(&out);
	return rc;
}

static int tell(fl_proc *self, const struct namer *n, const char *slot, fl_term what)
{
	if (n->has_watcher)
		(void)fl_send(self, n->watcher, "{~, ~, ~}", fl_atom_of(slot), fl_self(self), what);
	return FL_OK;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	return tell(self, state, "told", message);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	return tell(self, state, "told", message);
}

static int on_name_conflict(fl_proc *self, void *state, fl_term name)
{
	return tell(self, state, "conflict", name);
}

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	(void)state;
	return fl_build(ret_state, "{state_of, ~}", fl_self(self));
}

static int merge(fl_proc *self, void *state, fl_term name, fl_pid loser, fl_term theirs)
{
	const struct namer *n = state;

	if (n->has_watcher)
		(void)fl_send(self, n->watcher, "{merged, ~, {~, ~, ~}}", fl_self(self), name,
			loser, theirs);
	return FL_OK;
}

static const fl_behaviour namer = {
	.name = "namer",
	.state_size = sizeof(struct namer),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.on_name_conflict = on_name_conflict,
	.give = give,
	.merge = merge,
};

FL_MODULE(&namer);
