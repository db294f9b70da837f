/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_server:multi_call/3 with no time limit: a request to one name on many nodes at once, and the
 * process waits for nothing else until each has answered or is known not to.
 *
 *     each node:  monitor {Name,Node}, then {'$gen_call',{Self,Tag},Request}
 *     Tag         {Ref,Node} up to 25; [[alias|Alias]|Monitor] from 26 on
 *     over for one by {Tag,Reply}, or by DOWN: that node then has no reply
 */
#include "tests/sim/otp_node.h"

#include <stdlib.h>
#include <string.h>

otp_term otp_my_node(otp_node *node)
{
	return otp_make(node, "~a", node->config.name);
}

void otp_multicall_free(otp_proc *self)
{
	otp_multicall *m = self->waits;

	otp_drop(&self->alias);
	self->waits = NULL;
	for (unsigned i = 0; m != NULL && i < m->count; i++) {
		otp_drop(&m->calls[i].key);
		otp_drop(&m->calls[i].monitor);
		otp_drop(&m->calls[i].reply);
	}
	if (m != NULL)
		free(m->calls);
	free(m);
}

static void ask_one(
	otp_node *node, otp_proc *self, otp_call *call, otp_term shared, otp_term request)
{
	bool has_alias = node->config.release >= 26;
	otp_term monitor = otp_ref(node, 3), tag;

	otp_reach(node, call->node.text);
	if (has_alias)
		tag = otp_make(node, "[[alias|~t]|~t]", shared, monitor);
	else
		tag = otp_make(node, "{~t,~a}", shared, call->node.text);
	call->key = otp_keep(tag);
	call->monitor = otp_keep(monitor);
	otp_monitor_name(node, self, "global_name_server", call->node.text, monitor);
	otp_send_name(node, self, "global_name_server", call->node.text,
		otp_make(node, "{$gen_call,{~t,~t},~t}", self->pid, tag, request));
}

static void finish(otp_node *node, otp_proc *self)
{
	otp_multicall *m = self->waits;

	for (unsigned i = 0; i < m->count; i++)
		if (!m->calls[i].is_done)
			return;
	/* `done` may start the next one. */
	self->waits = NULL;
	otp_drop(&self->alias);
	m->done(node, self, m);
	if (self->waits == NULL)
		otp_resume(node, self);
	for (unsigned i = 0; i < m->count; i++) {
		otp_drop(&m->calls[i].key);
		otp_drop(&m->calls[i].monitor);
		otp_drop(&m->calls[i].reply);
	}
	free(m->calls);
	free(m);
}

void otp_multicall_start(otp_node *node, otp_proc *self, otp_term nodes, otp_term request,
	void (*done)(otp_node *node, otp_proc *self, const otp_multicall *calls))
{
	otp_multicall *m = otp_alloc(sizeof *m);
	otp_term shared = otp_ref(node, node->config.release >= 26 ? 5 : 3), item;

	m->count = otp_length(nodes);
	m->calls = otp_alloc(m->count * sizeof *m->calls);
	m->done = done;
	self->waits = m;
	if (node->config.release >= 26)
		self->alias = otp_keep(shared);
	for (unsigned i = 0; otp_next(&nodes, &item); i++)
		if (otp_get_atom(item, &m->calls[i].node))
			ask_one(node, self, &m->calls[i], shared, request);
	finish(node, self);
}

bool otp_multicall_take(otp_node *node, otp_proc *self, otp_term message)
{
	otp_term key = otp_element(message, 0), value = otp_element(message, 1);

	for (unsigned i = 0; i < self->waits->count; i++) {
		otp_call *call = &self->waits->calls[i];
		bool is_down = otp_match(message, "{DOWN,_,_,_,_}");

		if (call->is_done ||
			!(is_down ? otp_equal(call->monitor, value) : otp_equal(call->key, key)))
			continue;
		call->is_done = true;
		if (!is_down) {
			call->reply = otp_keep(value);
			otp_demonitor(node, self, call->monitor);
		}
		finish(node, self);
		return true;
	}
	return false;
}
