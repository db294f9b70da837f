/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other processes of kernel that nodes talk to: net_kernel (is_auth), rex and its observer of
 * nodes, user, and what a spawned erpc:execute_call can run.
 *
 * Functions: global:resolve_it/4, whereis_name/1, registered_names/0; erlang:nodes/0, node/0,
 * is_process_alive/1. Everything else is undef, as a function is that a node does not have.
 */
#include "tests/sim/otp_global.h"

#include <string.h>

void otp_kernel_tell(otp_node *node, const char *word, const char *peer)
{
	for (otp_proc *p = node->procs; p != NULL; p = p->next)
		if (!p->is_dead && p->has_node_events)
			otp_deliver(node, p, otp_make(node, "{~a,~a}", word, peer));
}

/* ---- functions ------------------------------------------------------------------------------- */

/* external fun M:F/A: its three terms follow the tag. */
static bool is_export(otp_term fun, const char *module, const char *function)
{
	const uint8_t *p = fun.data + 1;
	size_t size;

	if (fun.data == NULL || fun.data[0] != 113)
		return false;
	size = otp_span(p);
	return otp_is_atom((otp_term){p, size}, module) &&
	       otp_is_atom((otp_term){p + size, otp_span(p + size)}, function);
}

/* A fun of the module global itself can only be the default of register_name/2. */
static bool is_default(otp_term fun)
{
	const uint8_t *p = fun.data + 30;

	return fun.data != NULL && fun.data[0] == 112 &&
	       otp_is_atom((otp_term){p, otp_span(p)}, "global");
}

static otp_term resolve_it(otp_node *node, otp_proc *self, otp_term args)
{
	otp_term method, name, pid1, pid2, min, max;
	otp_atom node1, node2;

	if (!otp_match(args, "[~t,~t,~t,~t]", &method, &name, &pid1, &pid2) ||
		!otp_node_of(pid1, &node1) || !otp_node_of(pid2, &node2))
		return otp_make(node, "{EXIT,badarg}");
	min = strcmp(node1.text, node2.text) < 0 ? pid1 : pid2;
	max = strcmp(node1.text, node2.text) < 0 ? pid2 : pid1;
	if (is_export(method, "global", "random_exit_name") || is_default(method)) {
		otp_exit2(node, self->pid, max, otp_make(node, "kill"));
		return min;
	}
	if (is_export(method, "global", "random_notify_name")) {
		otp_send(node, self, max, otp_make(node, "{global_name_conflict,~t}", name));
		return min;
	}
	if (is_export(method, "global", "notify_all_name")) {
		otp_send(node, self, pid1,
			otp_make(node, "{global_name_conflict,~t,~t}", name, pid2));
		otp_send(node, self, pid2,
			otp_make(node, "{global_name_conflict,~t,~t}", name, pid1));
		return otp_make(node, "none");
	}
	return otp_make(node, "{EXIT,{undef,[]}}");
}

static otp_term visible_nodes(otp_node *node)
{
	otp_term list = otp_make(node, "[]");

	for (otp_conn *c = node->conns; c != NULL; c = c->next)
		if (c->state == OTP_UP && otp_is_visible(c))
			list = otp_cons(node, otp_make(node, "~a", c->peer.text), list);
	return list;
}

static otp_term apply_global(otp_node *node, otp_proc *self, const char *function, otp_term args)
{
	otp_term list = otp_make(node, "[]"), name;
	otp_name *n;

	if (node->global == NULL)
		return OTP_NONE;
	if (strcmp(function, "resolve_it") == 0)
		return resolve_it(node, self, args);
	if (strcmp(function, "whereis_name") == 0 && otp_match(args, "[~t]", &name)) {
		n = otp_name_find(node->global, name);
		return n == NULL ? otp_make(node, "undefined") : otp_make(node, "~t", n->pid);
	}
	if (strcmp(function, "registered_names") != 0)
		return OTP_NONE;
	for (n = node->global->names; n != NULL; n = n->next)
		list = otp_cons(node, n->name, list);
	return list;
}

otp_term otp_apply(
	otp_node *node, otp_proc *self, const char *module, const char *function, otp_term args)
{
	otp_term pid;

	if (strcmp(module, "global") == 0)
		return apply_global(node, self, function, args);
	if (strcmp(module, "erlang") != 0)
		return OTP_NONE;
	if (strcmp(function, "nodes") == 0 && otp_match(args, "[]"))
		return visible_nodes(node);
	if (strcmp(function, "node") == 0 && otp_match(args, "[]"))
		return otp_my_node(node);
	if (strcmp(function, "is_process_alive") == 0 && otp_match(args, "[~t]", &pid))
		return otp_make(node, "~a", otp_find(node, pid) != NULL ? "true" : "false");
	return OTP_NONE;
}

/* ---- spawned --------------------------------------------------------------------------------- */

static void run_call(otp_node *node, otp_proc *self, otp_term args)
{
	otp_term ref, result, fargs;
	otp_atom module, function;

	if (!otp_match(args, "[~t,~a,~a,~t]", &ref, &module, &function, &fargs)) {
		otp_exit(node, self, otp_make(node, "badarg"));
		return;
	}
	result = otp_apply(node, self, module.text, function.text, fargs);
	if (result.data != NULL)
		otp_exit(node, self, otp_make(node, "{~t,return,~t}", ref, result));
	else
		otp_exit(node, self,
			otp_make(node, "{~t,error,undef,[{~a,~a,~t,[]}]}", ref, module.text,
				function.text, fargs));
}

void otp_run_message(otp_node *node, otp_proc *self, otp_term message)
{
	otp_term args, fargs;
	otp_atom module, function;

	if (otp_match(message, "{run,{erpc,execute_call,4},~t}", &args)) {
		run_call(node, self, args);
	} else if (otp_match(message, "{run,{erpc,execute_cast,3},~t}", &args)) {
		if (otp_match(args, "[~a,~a,~t]", &module, &function, &fargs))
			(void)otp_apply(node, self, module.text, function.text, fargs);
		otp_exit(node, self, otp_make(node, "normal"));
	} else if (otp_match(message, "{run,{~a,~a,_},~t}", &module, &function, &args)) {
		bool is_known =
			otp_apply(node, self, module.text, function.text, args).data != NULL;

		otp_exit(node, self,
			is_known ? otp_make(node, "normal")
				 : otp_make(node, "{undef,[{~a,~a,~t,[]}]}", module.text,
					   function.text, args));
	}
}

/* ---- services -------------------------------------------------------------------------------- */

static void net_kernel(otp_node *node, otp_proc *self, otp_term m)
{
	otp_term from, tag;

	if (!otp_match(m, "{$gen_call,{~t,~t},{is_auth,_}}", &from, &tag))
		return;
	/* Up to 25 it answers by hand, to the pid. */
	if (node->config.release <= 25)
		otp_send(node, self, from, otp_make(node, "{~t,yes}", tag));
	else
		otp_reply(node, self, from, tag, otp_make(node, "yes"));
}

static otp_term rex_apply(otp_node *node, otp_proc *self, otp_term m, otp_term f, otp_term a)
{
	otp_atom module, function;
	otp_term result = OTP_NONE;

	if (otp_get_atom(m, &module) && otp_get_atom(f, &function))
		result = otp_apply(node, self, module.text, function.text, a);
	return result.data != NULL
		       ? result
		       : otp_make(node, "{badrpc,{EXIT,{undef,[{~t,~t,~t,[]}]}}}", m, f, a);
}

static void rex(otp_node *node, otp_proc *self, otp_term msg)
{
	otp_term from, tag, m, f, a;
	otp_atom kind;

	if (otp_match(msg, "{~t,features_request}", &from))
		otp_send(node, self, from,
			otp_make(node, "{features_reply,~a,[erpc]}", node->config.name));
	else if (otp_match(msg, "{$gen_call,{~t,~t},{~a,~t,~t,~t,_}}", &from, &tag, &kind, &m, &f,
			 &a))
		otp_reply(node, self, from, tag, rex_apply(node, self, m, f, a));
	else if (otp_match(msg, "{$gen_cast,{cast,~t,~t,~t,_}}", &m, &f, &a))
		(void)rex_apply(node, self, m, f, a);
	else if (otp_match(msg, "{~t,{call,~t,~t,~t,_}}", &from, &m, &f, &a))
		otp_send(node, self, from,
			otp_make(node, "{rex,~t}", rex_apply(node, self, m, f, a)));
}

/* Asks who comes up what its rex understands. */
static void observer(otp_node *node, otp_proc *self, otp_term m)
{
	otp_atom peer;

	if (otp_match(m, "{nodeup,~a}", &peer))
		otp_send_name(node, self, "rex", peer.text,
			otp_make(node, "{~t,features_request}", self->pid));
}

static void user(otp_node *node, otp_proc *self, otp_term m)
{
	otp_term from, as;

	if (otp_match(m, "{io_request,~t,~t,_}", &from, &as))
		otp_send(node, self, from, otp_make(node, "{io_reply,~t,ok}", as));
}

void otp_kernel_start(otp_node *node)
{
	otp_proc *proc;

	node->user = otp_spawn(node, user, NULL);
	otp_register(node->user, "user");
	node->net_kernel = otp_spawn(node, net_kernel, NULL);
	otp_register(node->net_kernel, "net_kernel");
	proc = otp_spawn(node, rex, NULL);
	otp_register(proc, "rex");
	proc = otp_spawn(node, observer, NULL);
	otp_register(proc, "rex_nodes_observer");
	proc->has_node_events = true;
}
