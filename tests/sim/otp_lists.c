/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global:set_lock/3 and del_lock/2 as steps of a process that waits for answers, and the few
 * operations on lists of nodes that they need.
 *
 *     set_lock on all --> all true (or no answer): set
 *                     --> one false: del_lock where it was true, then: not set
 *
 * What a step needs afterwards rests in the process, in an otp_try: one at a time, as the process
 * waits.
 */
#include "tests/sim/otp_global.h"

#include <stdlib.h>
#include <string.h>

otp_term otp_list_max(otp_term list)
{
	otp_term item, max = OTP_NONE;
	otp_atom a, b;

	while (otp_next(&list, &item))
		if (max.data == NULL || (otp_get_atom(item, &a) && otp_get_atom(max, &b) &&
						strcmp(a.text, b.text) > 0))
			max = item;
	return max;
}

bool otp_list_has(otp_term list, otp_term item)
{
	otp_term other;

	while (otp_next(&list, &other))
		if (otp_equal(other, item))
			return true;
	return false;
}

otp_term otp_list_append(otp_node *node, otp_term a, otp_term b)
{
	otp_term list = b, item, items[256];
	unsigned count = 0;

	while (count < 256 && otp_next(&a, &item))
		items[count++] = item;
	while (count > 0)
		list = otp_cons(node, items[--count], list);
	return list;
}

otp_term otp_list_without(otp_node *node, otp_term list, otp_term items)
{
	otp_term result = otp_make(node, "[]"), item, kept[256];
	unsigned count = 0;

	while (count < 256 && otp_next(&list, &item))
		if (!otp_list_has(items, item))
			kept[count++] = item;
	while (count > 0)
		result = otp_cons(node, kept[--count], result);
	return result;
}

/* A list is one term with a count: the new one is written anew. */
otp_term otp_cons(otp_node *node, otp_term head, otp_term tail)
{
	otp_term term = otp_make(node, "[~t]", head), item;
	otp_buf *buf = &node->made[node->made_count - 1];
	unsigned count = 1;

	(void)term;
	buf->size--; /* the empty list at its end */
	while (otp_next(&tail, &item)) {
		otp_buf_add(buf, item.data, item.size);
		count++;
	}
	otp_buf_int(buf, 106, 1);
	for (unsigned i = 0; i < 4; i++)
		buf->data[1 + i] = (uint8_t)(count >> (24 - 8 * i));
	return otp_term_of(buf);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void set_waits(otp_proc *self, otp_term id, otp_term nodes, otp_locked *done)
{
	/* What is passed may rest in the step before. */
	otp_try next = {otp_keep(id), otp_keep(nodes), done};

	if (self->locking == NULL)
		self->locking = otp_alloc(sizeof next);
	otp_drop(&self->locking->id);
	otp_drop(&self->locking->nodes);
	*self->locking = next;
}

void otp_waits_free(otp_proc *proc)
{
	if (proc->locking == NULL)
		return;
	otp_drop(&proc->locking->id);
	otp_drop(&proc->locking->nodes);
	free(proc->locking);
	proc->locking = NULL;
}

static void not_set(otp_node *node, otp_proc *self, const otp_multicall *calls)
{
	(void)calls;
	self->locking->done(node, self, false);
}

static void check_replies(otp_node *node, otp_proc *self, const otp_multicall *calls)
{
	otp_term yes = otp_make(node, "[]");
	bool is_set = true;

	for (unsigned i = 0; i < calls->count; i++) {
		if (otp_is_atom(calls->calls[i].reply, "true"))
			yes = otp_cons(node, otp_make(node, "~a", calls->calls[i].node.text), yes);
		else if (calls->calls[i].reply.data != NULL)
			is_set = false;
	}
	if (is_set || calls->count == 1)
		self->locking->done(node, self, is_set);
	else
		otp_multicall_start(node, self, yes,
			otp_make(node, "{del_lock,~t}", self->locking->id), not_set);
}

void otp_try_lock(otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done)
{
	/* The local lock is looked at first: others need not be asked in vain. */
	if (otp_length(nodes) > 1 && otp_list_has(nodes, otp_my_node(node)) &&
		!otp_lock_is_free(node, otp_element(id, 0), otp_element(id, 1))) {
		done(node, self, false);
		return;
	}
	set_waits(self, id, nodes, done);
	otp_multicall_start(node, self, nodes, otp_make(node, "{set_lock,~t}", id), check_replies);
}

static void deleted(otp_node *node, otp_proc *self, const otp_multicall *calls)
{
	(void)calls;
	self->locking->done(node, self, true);
}

void otp_del_lock(otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done)
{
	set_waits(self, id, nodes, done);
	otp_multicall_start(node, self, nodes, otp_make(node, "{del_lock,~t}", id), deleted);
}

static void delete_boss(otp_node *node, otp_proc *self, const otp_multicall *calls)
{
	otp_term boss = otp_list_max(self->locking->nodes);

	(void)calls;
	otp_multicall_start(node, self, otp_make(node, "[~t]", boss),
		otp_make(node, "{del_lock,~t}", self->locking->id), deleted);
}

void otp_del_global_lock(
	otp_node *node, otp_proc *self, otp_term id, otp_term nodes, otp_locked *done)
{
	otp_term boss = otp_make(node, "[~t]", otp_list_max(nodes));

	set_waits(self, id, nodes, done);
	otp_multicall_start(node, self, otp_list_without(node, nodes, boss),
		otp_make(node, "{del_lock,~t}", id), delete_boss);
}

/* A quarter of a second at most for the first time, doubled up to 8 s. */
uint64_t otp_random_sleep(otp_node *node, unsigned times)
{
	uint64_t max = times > 5 ? 8000 : (1000ull << times) / 8;

	return node->host->random(node->ctx, OTP_DRAW_SLEEP) % max + 1;
}
