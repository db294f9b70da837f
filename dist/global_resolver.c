/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of two partitions that become one, compared.
 *
 *  - A name that is new here goes into this side's table; one that both have for the same process
 *    needs nothing.
 *  - A name that two processes have is decided by the node with the smaller name alone: it asks the
 *    node of this side's process to run the method that the name was registered with there.
 *
 * Failure: a method that cannot be run loses to the other side's process, and nobody is told but
 * the log; a method that answers neither process frees the name on both sides. As in OTP.
 */
#include "dist/global_state.h"
#include "node/base/bug.h"

/* What one name of the other side comes to. */
typedef struct clash {
	fl_term name;
	fl_pid pid; /* his */
	fl_term method;
} clash;

static void add(fli_global *g, fli_buf *ops, uint32_t *count, fl_spec op)
{
	if (fli_build_values(ops, op.pattern, op.values, op.count) == FL_OK)
		(*count)++;
	else
		g->failed = true;
}

static void insert_here(fli_global *g, fli_global_session *s, const clash *c)
{
	add(g, &s->ops, &s->ops_count, fl_spec("{insert, {~, ~, ~}}", c->name, c->pid, c->method));
}

static void delete_on_both(fli_global *g, fli_global_session *s, const clash *c)
{
	add(g, &s->ops, &s->ops_count, fl_spec("{delete, ~}", c->name));
	add(g, &s->his_ops, &s->his_ops_count, fl_spec("{delete, ~}", c->name));
}

static void ask(fli_global *g, fli_global_node *node, const clash *c, const fli_global_name *mine)
{
	fl_pid pid = mine->pid->pid;
	fli_global_ask *entry;

	g->counters.conflicts++;
	entry = fli_global_ask_at(g, FLI_ASK_RESOLVE, pid.node, "rex",
		fl_spec("{call, global, resolve_it, [~, ~, ~, ~], ~}", mine->method, c->name,
			c->pid, pid, g->config.pids[FLI_GLOBAL_SERVER]));
	if (entry == NULL)
		return;
	entry->tag = node->session->my_tag;
	entry->session = node->name;
	node->session->is_asking = true;
}

/* One name; true when an answer has to be waited for. */
static bool compare(fli_global *g, fli_global_node *node, const clash *c)
{
	const fli_global_name *mine = fli_global_name_find(g, c->name);

	if (mine == NULL) {
		insert_here(g, node->session, c);
		return false;
	}
	if (fl_pid_eq(&mine->pid->pid, &c->pid) ||
		(fli_global_order(g->name, node->name) > 0 && !FLI_BUG(global_both_decide)))
		return false;
	ask(g, node, c, mine);
	return true;
}

static bool read_clash(fl_term element, clash *ret)
{
	return fl_match(element, "{~, ~, ~}", &ret->name, &ret->pid, &ret->method);
}

static void go_on(fli_global *g, fli_global_node *node)
{
	fli_global_session *s = node->session;
	fl_term element;
	clash c;

	for (;;) {
		fl_term before = s->rest;

		if (g->failed || !fl_list_next(&s->rest, &element))
			break;
		if (read_clash(element, &c) && compare(g, node, &c)) {
			s->rest = before; /* looked at again when the answer is there */
			return;
		}
	}
	fli_global_join_resolved(g, node);
}

void fli_global_resolve(fli_global *g, fli_global_node *node)
{
	fli_global_session *s = node->session;

	if (s->is_resolving)
		return;
	s->is_resolving = true;
	s->rest = fli_blob_term(g, &s->exchange);
	go_on(g, node);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void complain(fli_global *g, const clash *c, fl_term reply)
{
	char name[128], text[256];

	fli_global_log(g, FLI_INFO, "global: name %s: the resolve method answered %s",
		fl_print_to(name, sizeof name, c->name), fl_print_to(text, sizeof text, reply));
}

static void decide(fli_global *g, fli_global_session *s, const clash *c, fl_term reply)
{
	const fli_global_name *mine = fli_global_name_find(g, c->name);
	fl_pid winner;

	if (fl_match(reply, "~", &winner) && fl_pid_eq(&winner, &c->pid)) {
		insert_here(g, s, c);
	} else if (reply.data == NULL || fl_match(reply, "{badrpc, _}")) {
		if (reply.data != NULL)
			complain(g, c, reply);
		insert_here(g, s, c);
	} else if (mine != NULL && fl_match(reply, "~", &winner) &&
		   fl_pid_eq(&winner, &mine->pid->pid)) {
		add(g, &s->his_ops, &s->his_ops_count,
			fl_spec("{insert, {~, ~, ~}}", c->name, winner, mine->method));
	} else if (mine == NULL && fl_match(reply, "~", &winner)) {
		insert_here(g, s, c); /* ours has died meanwhile */
	} else {
		if (!fl_match(reply, "none"))
			complain(g, c, reply);
		delete_on_both(g, s, c);
	}
}

void fli_global_resolve_answer(fli_global *g, const fli_global_ask *asked, fl_term reply)
{
	fli_global_node *node = fli_global_node_find(g, asked->session);
	fli_global_session *s = node == NULL ? NULL : node->session;
	fl_term element;
	clash c;

	if (s == NULL || s->my_tag != asked->tag || !s->is_asking)
		return;
	s->is_asking = false;
	if (fl_list_next(&s->rest, &element) && read_clash(element, &c))
		decide(g, s, &c, reply);
	go_on(g, node);
}
