/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes about which something is odd, and does not pass.
 *
 *  - It says that it is in sync with us, and nobody has told us of it: it takes us for a member,
 *    while we could not reach it when we were told, and what it holds was dropped.
 *  - We were told of it, and it does not say that it is in sync with us: the same, seen from the
 *    other side.
 *  - It was asked to leave, and stays: it did not take us for a member.
 *  - A session that took too long was begun anew, and it does not meet us: it takes us for one.
 *  - It was missed: we were told of it and could not reach it, so that its names were dropped here
 *    while others of this partition keep it. Lists of theirs may have it again without its names
 *    (OTP's have all that a newcomer knows); being on one makes it no member. When it says that it
 *    is in sync with us, the two part at once, and it is dialled.
 *
 * Each of them passes by itself within a moment where words have only crossed. Otherwise neither
 * side begins anew while the connection stands, and names and locks of the two are not the same;
 * so they part. The other side is asked to (remove_connection), since then it tells nobody of a
 * loss.
 *
 * Failure: who parted is dialled; when that fails they meet again when somebody connects, as after
 * any loss. OTP does not do this: there such a pair stays as it is.
 */
#include "dist/global_doubt.h"
#include "node/base/bug.h"

enum { DOUBT_MS = 10000, UNSAID_MS = 30000, LEAVE_MS = 3000 };
/* Joins that others have begun before it was missed are over by then. */
enum { MISSED_MS = 60000 };

static bool is_odd(const fli_global_node *node)
{
	if (!node->is_up)
		return false;
	if (node->is_removing || node->is_synced != node->is_known)
		return true;
	return node->is_late && node->session != NULL && !node->session->is_pending;
}

static uint64_t patience_ms(const fli_global_node *node)
{
	if (node->is_removing)
		return LEAVE_MS;
	return node->is_known ? UNSAID_MS : DOUBT_MS;
}

void fli_global_doubt(fli_global *g, fli_global_node *node)
{
	uint64_t due_ms = g->now_ms + patience_ms(node);

	if (is_odd(node) && (node->doubt_ms == 0 || node->doubt_ms > due_ms))
		node->doubt_ms = due_ms;
}

static void part(fli_global *g, fli_global_node *node)
{
	if (node->is_removing) {
		fli_global_simple(g, FLI_GLOBAL_DISCONNECT, node->name);
		return;
	}
	fli_global_log(g, FLI_WARNING,
		"global: " FLI_ATOM_FMT " and this node do not agree about who is a member;"
		" probably a connection was lost while the two were told of each other."
		" They part, and connect again",
		FLI_ATOM_ARG(node->name));
	fli_global_send(g, node->name, fl_spec("{remove_connection, ~}", g->name));
	fli_global_forget(g, node);
	node->is_removing = node->meets_again = true;
	fli_global_doubt(g, node);
}

/* ---- who was missed ---------------------------------------------------------------------------
 */

void fli_global_miss(fli_global *g, fli_global_node *node)
{
	if (!node->is_known || (node->missed_ms == 0 && g->missed_count >= FLI_GLOBAL_MISSED_MAX))
		return;
	g->missed_count += node->missed_ms == 0;
	node->missed_ms = g->now_ms + MISSED_MS;
}

void fli_global_found(fli_global *g, fli_global_node *node)
{
	g->missed_count -= node->missed_ms != 0;
	node->missed_ms = 0;
}

void fli_global_meet_anew(fli_global *g, fli_global_node *node)
{
	if (node->is_removing)
		return;
	part(g, node);
	fli_global_locker_run(g);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void run_one(fli_global *g, fli_global_node *node)
{
	if (node->doubt_ms != 0 && node->doubt_ms <= g->now_ms) {
		node->doubt_ms = 0;
		if (is_odd(node) && !FLI_BUG(global_doubt_is_for_ever))
			part(g, node);
	}
	if (node->missed_ms != 0 && node->missed_ms <= g->now_ms) {
		fli_global_found(g, node);
		fli_global_node_rest(g, node);
	}
}

void fli_global_doubts_run(fli_global *g)
{
	fli_link *next;

	for (fli_link *l = g->nodes.next; l != &g->nodes; l = next) {
		next = l->next;
		run_one(g, fli_container_of(l, fli_global_node, link));
	}
}

uint64_t fli_global_doubts_next(const fli_global *g)
{
	uint64_t next = UINT64_MAX;

	for (const fli_link *l = g->nodes.next; l != &g->nodes; l = l->next) {
		const fli_global_node *node = fli_container_of(l, fli_global_node, link);

		if (node->doubt_ms != 0 && node->doubt_ms < next)
			next = node->doubt_ms;
		if (node->missed_ms != 0 && node->missed_ms < next)
			next = node->missed_ms;
	}
	return next;
}
