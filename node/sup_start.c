/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children as processes: how one is started and asked to end.
 *
 * A start names a behaviour of this node, in one of the ways in which Erlang and Elixir do:
 *
 *     {counter, start_link, [Arg]}                            also []: the argument is [] then
 *     {gen_server, start_link, [counter, Arg, Options]}       {supervisor, start_link, [tree, Arg]}
 *     {gen_server, start_link, [{local, Name}, counter, Arg, Options]}
 *     {'Elixir.GenServer', start_link, [counter, Arg, [{name, Name}]]}
 *
 * Name is an atom, {global, Name}, or {via, 'Elixir.Registry', {Registry, Key}} of a registry here;
 * in gen_server's form these stand in the place of {local, Name}.
 *
 * Failure: another function is undef, as it would be on a node without that module.
 */
#include <stdio.h>
#include <string.h>

#include "node/behaviours.h"
#include "node/chore.h"
#include "node/sched.h"
#include "node/sup_process.h"
#include "node/via.h"

#define NESTING_MAX 16 /* of ends on one stack; deeper ones go by links */
#define DEPTH_MAX 64   /* of supervisors that are started inside each other's init */
#define NAME_MAX_BYTES 1024

fl_pid fli_kid_pid(const fl_proc *self, const fli_kid *kid)
{
	return (fl_pid){.node = self->node->name,
		.id = kid->id,
		.serial = kid->serial,
		.creation = self->node->creation};
}

/* ---- what to start --------------------------------------------------------------------------- */

/* A start, understood. */
typedef struct birth {
	const fl_behaviour *behaviour;
	fl_atom name; /* empty: none, or one of those below */
	fl_term global;
	fl_atom registry;
	fl_term key;
	fl_term arg;
} birth;

static bool is_starter(fl_term module)
{
	static const char *const starters[] = {"gen_server", "supervisor", "'Elixir.GenServer'",
		"'Elixir.Supervisor'", "'Elixir.DynamicSupervisor'"};

	for (size_t i = 0; i < sizeof starters / sizeof *starters; i++)
		if (fl_match(module, starters[i]))
			return true;
	return false;
}

static bool read_name(fl_term name, birth *b)
{
	return fl_match(name, "{global, ~}", &b->global) ||
	       fl_match(name, "{via, 'Elixir.Registry', {~, ~}}", &b->registry, &b->key);
}

/* gen_server:start_link and its like: *ret_module is whose it is. */
static bool read_starter(fl_term args, fl_atom *ret_module, birth *b)
{
	fl_term options, name;

	if (fl_match(args, "[{local, ~}, ~, ~ | _]", &b->name, ret_module, &b->arg))
		return true;
	if (fl_match(args, "[~, ~]", ret_module, &b->arg))
		return true;
	if (fl_match(args, "[~, ~, ~ | _]", &name, ret_module, &b->arg) && read_name(name, b))
		return true;
	if (!fl_match(args, "[~, ~, ~]", ret_module, &b->arg, &options))
		return false;
	return !fl_get(options, "name", &name) || fl_match(name, "~", &b->name) ||
	       read_name(name, b);
}

static bool read_plain(fl_term args, birth *b)
{
	static const uint8_t nil[] = {106};

	b->arg = (fl_term){.data = nil, .size = sizeof nil};
	return fl_term_kind(args) == FL_NIL || fl_match(args, "[~]", &b->arg);
}

static bool understand(
	const fli_supervisor *s, const fli_kid_spec *spec, fl_term args, birth *ret_birth)
{
	fl_node *node = s->self->node;
	fl_term module = fli_kid_spec_get(spec, FLI_SPEC_MODULE);
	fl_atom name;

	*ret_birth = (birth){.behaviour = spec->behaviour, .name = {.text = "", .size = 0}};
	if (!fl_match(fli_kid_spec_get(spec, FLI_SPEC_FUNCTION), "start_link") ||
		!fl_match(module, "~", &name))
		return false;
	if (spec->behaviour == &fli_task_supervised)
		ret_birth->arg = args; /* all of them are its own */
	else if (is_starter(module) ? !read_starter(args, &name, ret_birth)
				    : !read_plain(args, ret_birth))
		return false;
	if (ret_birth->behaviour == NULL) {
		fli_enter(node);
		ret_birth->behaviour = fli_behaviour_find(node, name);
		fli_leave(node);
	}
	return ret_birth->behaviour != NULL;
}

void fli_supervisor_undef(const fli_kid *kid, fl_term args, fl_buf *ret_reason)
{
	fl_term module = fli_kid_spec_get(kid->spec, FLI_SPEC_MODULE);
	fl_term function = fli_kid_spec_get(kid->spec, FLI_SPEC_FUNCTION);
	/* OTP's supervisor catches, Elixir's DynamicSupervisor takes the exception apart */
	const char *pattern = kid->spec->is_dynamic ? "{undef, [{~, ~, ~, []}]}"
						    : "{'EXIT', {undef, [{~, ~, ~, []}]}}";

	(void)fl_build(ret_reason, pattern, module, function, args);
}

int fli_supervisor_args(const fli_supervisor *s, const fli_kid *kid, fl_buf *ret_args)
{
	fl_atoms *atoms = s->self->node->atoms;
	fl_term own = fli_kept_term(kid->args, atoms), extra, element;

	if (s->extra == NULL)
		return fl_build(ret_args, "~", own);
	extra = fli_kept_term(s->extra, atoms);
	fl_list_open(ret_args);
	while (fl_list_next(&extra, &element))
		(void)fl_build(ret_args, "~", element);
	while (fl_list_next(&own, &element))
		(void)fl_build(ret_args, "~", element);
	fl_list_close(ret_args);
	return ret_args->error;
}

/* ---- birth ----------------------------------------------------------------------------------- */

static void note_seat(const fli_supervisor *s, const fli_kid *kid)
{
	uint32_t seat;

	if (s->seats != NULL && fl_match(fli_kid_spec_get(kid->spec, FLI_SPEC_ID), "~", &seat) &&
		seat < s->flags->partitions)
		s->seats[seat] = (fli_seat){kid->id, kid->serial};
}

static bool is_too_deep(const fl_proc *self)
{
	return self->act != NULL && self->act->depth >= DEPTH_MAX;
}

/* Texts of a name as starting wants them. */
typedef struct naming {
	char local[NAME_MAX_BYTES], global[NAME_MAX_BYTES], registry[NAME_MAX_BYTES];
	fl_value key;
	fl_dest via;
	fl_dest whose; /* where it is looked up; the kind is FL_TO_PID: nowhere */
} naming;

static bool copy_atom(fl_atom atom, char text[NAME_MAX_BYTES])
{
	if (atom.size >= NAME_MAX_BYTES)
		return false;
	(void)snprintf(text, NAME_MAX_BYTES, "%.*s", (int)atom.size, atom.text);
	return true;
}

/* False: one of them is too long. */
static bool find_names(const birth *b, naming *ret)
{
	fl_buf text = FL_BUF_INIT;
	bool fits = true;

	ret->whose.kind = FL_TO_PID;
	if (b->registry.size > 0) {
		fits = copy_atom(b->registry, ret->registry);
		ret->key = FLI_VALUE(b->key);
		ret->via = fl_to_via(ret->registry, fli_spec("~", &ret->key, 1));
		ret->whose = ret->via;
	} else if (b->global.data != NULL) {
		fits = fl_print(&text, b->global) == FL_OK && text.size < sizeof ret->global;
		if (fits)
			(void)snprintf(ret->global, sizeof ret->global, "%.*s", (int)text.size,
				(const char *)text.data);
		ret->whose = (fl_dest){.kind = FL_TO_GLOBAL, .as.global.term = b->global};
	} else if (b->name.size > 0) {
		fits = copy_atom(b->name, ret->local);
		ret->whose = fl_to_atom(b->name);
	}
	fl_buf_free(&text);
	return fits;
}

/* The context is owned. */
static int make_process(
	fli_supervisor *s, fli_kid *kid, const birth *b, const naming *n, fl_buf *ret_reason)
{
	fl_node *node = s->self->node;
	fli_start how = {.behaviour = b->behaviour,
		.name = b->name.size == 0 ? NULL : n->local,
		.global_name = b->global.data == NULL ? NULL : n->global,
		.via = b->registry.size == 0 ? NULL : &n->via,
		.parent = s->self,
		.link = true,
		.is_system = kid->spec->is_pinned};
	fl_term arg = b->arg;
	fl_proc *proc;
	int rc;

	if (s->self->status == FLI_EXITING)
		return FL_ECLOSED;
	if (is_too_deep(s->self))
		return FL_ELIMIT;
	arg.atoms = node->atoms;
	rc = fli_proc_start(node, &how, arg, &proc, ret_reason);
	if (rc != FL_OK)
		return rc;
	kid->id = proc->id;
	kid->serial = proc->serial;
	note_seat(s, kid);
	return FL_OK;
}

/* Who has the name, here or on another node. */
static bool is_taken(const fl_node *node, const naming *n, fl_pid *ret_pid)
{
	fl_dest at = fli_via_resolve(node, n->whose);
	const fl_proc *holder;

	if (n->whose.kind == FL_TO_PID)
		return false;
	if (at.kind == FL_TO_PID) {
		*ret_pid = at.as.pid;
		return true;
	}
	holder = fli_name_find(node, at.as.name.text);
	if (holder != NULL)
		*ret_pid = fli_proc_pid(holder);
	return holder != NULL;
}

static int try_to_make(fli_supervisor *s, fli_kid *kid, const birth *b, fl_buf *ret_reason)
{
	fl_node *node = s->self->node;
	naming n;
	fl_pid holder;
	int rc;

	if (!find_names(b, &n))
		return FL_ELIMIT;
	fli_enter(node);
	if (is_taken(node, &n, &holder)) {
		(void)fl_build(ret_reason, "{already_started, ~}", holder);
		rc = FL_ETAKEN;
	} else {
		rc = make_process(s, kid, b, &n, ret_reason);
	}
	if (rc == FL_ENOPROC && ret_reason->size == 0)
		(void)fl_build(ret_reason, "{unknown_registry, ~}", b->registry);
	fli_leave(node);
	return rc;
}

/* A name of the whole cluster that somebody else has is no failure: one of them is enough. */
static bool is_elsewhere(const fli_supervisor *s, const fl_behaviour *behaviour, int rc)
{
	if (rc != FL_ETAKEN || behaviour->global_name == NULL)
		return false;
	fli_log_write(&s->self->node->log, FLI_NOTICE,
		"%s is not started: the global name %s is taken", behaviour->name,
		behaviour->global_name);
	return true;
}

static fli_born start(void *ctx, fli_kid *kid, fl_buf *ret_reason)
{
	fli_supervisor *s = ctx;
	fl_buf args = FL_BUF_INIT;
	birth b;

	s->last_rc = fli_supervisor_args(s, kid, &args);
	if (s->last_rc == FL_OK && !understand(s, kid->spec, fl_buf_term(&args), &b)) {
		fli_supervisor_undef(kid, fl_buf_term(&args), ret_reason);
		s->last_rc = FL_ENOENT;
	} else if (s->last_rc == FL_OK) {
		s->last_rc = try_to_make(s, kid, &b, ret_reason);
		if (s->last_rc == FL_ENOENT || is_elsewhere(s, b.behaviour, s->last_rc)) {
			fl_buf_free(&args);
			return FLI_BORN_IGNORED;
		}
	}
	fl_buf_free(&args);
	if (s->last_rc == FL_OK) {
		fli_supervisor_progress(s, kid);
		return FLI_BORN;
	}
	if (ret_reason->size == 0)
		(void)fl_build(ret_reason, "~",
			fl_atom_of(s->last_rc == FL_EEXIT ? "killed" : "system_limit"));
	return FLI_BORN_FAILED;
}

/* ---- death ----------------------------------------------------------------------------------- */

static bool is_linked(const fli_supervisor *s, const fl_pid *pid)
{
	return fli_plink_find(s->self, pid) != NULL;
}

static void stop(void *ctx, const fli_kid *kid, bool kill)
{
	fli_supervisor *s = ctx;
	fl_node *node = s->self->node;
	fl_pid pid = fli_kid_pid(s->self, kid), me;
	fli_reason_atom atom;
	fl_proc *proc;
	fl_ref ref;

	fli_enter(node);
	me = fli_proc_pid(s->self);
	proc = fli_proc_find(node, kid->id, kid->serial);
	/* one that has cut the link, or may before it ends, tells nothing else */
	if (proc == NULL || proc->status == FLI_EXITING || !is_linked(s, &pid) ||
		kid->spec->shutdown_ms == FL_INFINITY)
		(void)fl_monitor(s->self, pid, &ref); /* else its link tells, as it does mostly */
	if (proc != NULL)
		fli_exit_signal(proc, &me, fli_reason_of(&atom, kill ? "kill" : "shutdown"), false);
	fli_leave(node);
}

static void again(void *ctx, const fli_kid *kid)
{
	fli_supervisor *s = ctx;
	fl_pid me = fl_self(s->self);
	int rc;

	if (fli_sup_is_dynamic(s->sup))
		rc = fl_cast(s->self, me, "{try_again_restart, ~}", fli_kid_pid(s->self, kid));
	else
		rc = fl_cast(s->self, me, "{try_again_restart, ~}",
			fli_kid_spec_get(kid->spec, FLI_SPEC_ID));
	s->is_again = s->is_again || rc != FL_OK;
}

const fli_sup_ops fli_supervisor_ops = {start, stop, again, fli_supervisor_report};

/* ---- without turns --------------------------------------------------------------------------- */

/* As a turn would end it, on this stack; one that is busy hears of it by its link. */
static void end_kid(const fli_supervisor *s, const fli_kid *kid)
{
	fl_node *node = s->self->node;
	fl_proc *proc = fli_proc_find(node, kid->id, kid->serial);
	bool kill = kid->spec->shutdown_ms == FL_BRUTAL_KILL;
	fli_reason_atom atom;
	fl_term reason = fli_reason_of(&atom, kill ? "killed" : "shutdown");
	bool has_stack = s->self->act == NULL || s->self->act->depth < NESTING_MAX;

	if (proc == NULL || proc->status == FLI_EXITING || kid->spec->is_pinned)
		return;
	if (!kill && proc->trap_exit && proc->frames == 0 && has_stack)
		(void)fli_server_stop(proc, reason, NULL);
	else
		fli_proc_exit(proc, reason);
	fli_exits_drain(node);
}

void fli_supervisor_end_now(fli_supervisor *s)
{
	fl_node *node = s->self->node;
	fli_kid *kid;

	if (s->sup == NULL)
		return;
	fli_enter(node);
	for (kid = fli_sup_prev(s->sup, NULL); kid != NULL; kid = fli_sup_prev(s->sup, kid))
		if (kid->state == FLI_KID_ALIVE)
			end_kid(s, kid);
	fli_leave(node);
}
