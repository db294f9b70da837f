/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver of a session: compares the names of the other side with those here, in a process of
 * its own, since a resolve function may take its time.
 *
 *     unknown here                    his entry is inserted here
 *     the same pid                    nothing
 *     another pid, he is smaller      nothing: he decides
 *     another pid, we are smaller     global:resolve_it on the node of our pid: his pid is inserted
 * here, ours there, or the name goes on both sides
 */
#include "tests/sim/otp_global.h"

#include <string.h>

typedef struct resolver {
	otp_atom peer;
	int64_t tag;
	otp_buf names; /* the rest of his list begins at `at` */
	otp_term rest;
	otp_buf ops; /* lists */
	otp_buf resolved;
	otp_term request; /* of the call under way, and what it is about */
	otp_term entry;
	otp_term mine; /* {Pid2,Method2} */
} resolver;

static void prepend(otp_node *node, otp_buf *list, otp_term op)
{
	otp_term longer = otp_cons(node, op, otp_term_of(list));

	otp_buf_free(list);
	otp_buf_add(list, longer.data, longer.size);
}

static void decide(otp_node *node, otp_proc *self, otp_term result)
{
	resolver *r = self->state;
	otp_term his_pid = otp_element(r->entry, 1), my_pid = otp_element(r->mine, 0);
	otp_term name = otp_element(r->entry, 0), op;

	if (otp_equal(result, his_pid) || otp_match(result, "{badrpc,_}")) {
		prepend(node, &r->ops, otp_make(node, "{insert,~t}", r->entry));
	} else if (otp_equal(result, my_pid)) {
		prepend(node, &r->resolved,
			otp_make(node, "{insert,{~t,~t,~t}}", name, my_pid,
				otp_element(r->mine, 1)));
	} else {
		op = otp_make(node, "{delete,~t}", name);
		prepend(node, &r->ops, op);
		prepend(node, &r->resolved, op);
	}
	otp_drop(&r->entry);
	otp_drop(&r->mine);
	otp_drop(&r->request);
}

/* True: the answer is there already. */
static bool call_resolve(otp_node *node, otp_proc *self, const otp_name *mine, otp_term entry)
{
	resolver *r = self->state;
	otp_term args, ref = otp_ref(node, 3), result;
	otp_atom where;

	r->entry = otp_keep(entry);
	r->mine = otp_keep(otp_make(node, "{~t,~t}", mine->pid, mine->method));
	args = otp_make(
		node, "[~t,~t,~t,~t]", mine->method, mine->name, otp_element(entry, 1), mine->pid);
	if (!otp_node_of(mine->pid, &where) || otp_is_mine(node, mine->pid)) {
		result = otp_apply(node, self, "global", "resolve_it", args);
		decide(node, self, result);
		return true;
	}
	otp_reach(node, where.text);
	r->request = otp_keep(
		otp_spawn_request(node, self, where.text, otp_make(node, "{erpc,execute_call,4}"),
			otp_make(node, "[~t,global,resolve_it,~t]", ref, args)));
	return false;
}

static void go_on(otp_node *node, otp_proc *self)
{
	resolver *r = self->state;
	otp_term entry, name, pid, method;

	while (otp_next(&r->rest, &entry)) {
		otp_name *mine;

		if (!otp_match(entry, "{~t,~t,~t}", &name, &pid, &method) || !otp_is_pid(pid))
			continue;
		mine = otp_name_find(node->global, name);
		if (mine == NULL)
			prepend(node, &r->ops, otp_make(node, "{insert,~t}", entry));
		else if (!otp_equal(mine->pid, pid) &&
			 strcmp(node->config.name, r->peer.text) < 0 &&
			 !call_resolve(node, self, mine, entry))
			return;
	}
	otp_deliver(node, node->global->server,
		otp_make(node, "{$gen_cast,{exchange_ops,~a,~i,~t,~t}}", r->peer.text, r->tag,
			otp_term_of(&r->ops), otp_term_of(&r->resolved)));
	otp_exit(node, self, otp_make(node, "normal"));
}

static void handle(otp_node *node, otp_proc *self, otp_term m)
{
	resolver *r = self->state;
	otp_term a, b, result;

	if (otp_match(m, "{resolve,~t}", &a)) {
		otp_buf_add(&r->names, a.data, a.size);
		r->rest = otp_term_of(&r->names);
	} else if (otp_match(m, "{spawn_reply,~t,error,~t}", &a, &b) && otp_equal(a, r->request)) {
		decide(node, self, otp_make(node, "{badrpc,~t}", b));
	} else if (otp_match(m, "{DOWN,~t,process,_,~t}", &a, &b) && otp_equal(a, r->request)) {
		if (!otp_match(b, "{_,return,~t}", &result))
			result = otp_make(node, "{badrpc,~t}", b);
		decide(node, self, result);
	} else {
		return;
	}
	go_on(node, self);
}

static void free_resolver(void *state)
{
	resolver *r = state;

	otp_buf_free(&r->names);
	otp_buf_free(&r->ops);
	otp_buf_free(&r->resolved);
	otp_drop(&r->request);
	otp_drop(&r->entry);
	otp_drop(&r->mine);
}

otp_proc *otp_resolver_start(otp_node *node, const char *peer, int64_t tag)
{
	resolver *r = otp_alloc(sizeof *r);
	otp_proc *self = otp_spawn(node, handle, r);

	otp_set_atom(&r->peer, peer);
	r->tag = tag;
	otp_build(&r->ops, "[]");
	otp_build(&r->resolved, "[]");
	self->on_free = free_resolver;
	return self;
}
