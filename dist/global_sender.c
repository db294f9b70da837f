/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether who speaks is who a message says that he is.
 *
 * What name servers and lockers tell each other names a node, by an atom or a pid, as the one that
 * speaks. In OTP that is so because nobody does otherwise; here the connection says who it was, and
 * a node speaks for itself alone: none takes or gives back another one's locks, ends another one's
 * session, has a third one expelled, or answers in its place. What is gossip by design
 * (lost_connection, and the nodes and names inside of new_nodes) stays so.
 */
#include "dist/global_state.h"

typedef struct claim {
	const char *label;
	size_t at; /* which element says who speaks */
} claim;

static const claim claims[] = {{"init_connect", 2}, {"init_connect_ack", 1}, {"cancel_connect", 1},
	{"lock_set", 1}, {"exchange", 1}, {"exchange_ops", 1}, {"resolved", 1}, {"new_nodes", 1},
	{"in_sync", 1}, {"remove_connection", 1}};

bool fli_global_speaks_for(fl_term message, fl_atom sender)
{
	fl_term label, who;
	fl_atom name;
	fl_pid pid;

	if (!fl_tuple_get(message, 0, &label))
		return true; /* nothing that claims anything */
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
		if (!fl_match(label, claims[i].label))
			continue;
		if (!fl_tuple_get(message, claims[i].at, &who))
			return false;
		if (fl_match(who, "~", &name))
			return fl_atom_eq(name, sender);
		return fl_match(who, "~", &pid) && fl_atom_eq(pid.node, sender);
	}
	return true;
}

bool fli_global_may_answer(const fli_global *g, const fl_ref *ref, fl_atom sender)
{
	for (const fli_link *l = g->asks.next; l != &g->asks; l = l->next) {
		const fli_global_ask *ask = fli_container_of(l, const fli_global_ask, link);

		if (ask->ref.count != 0 && fl_ref_eq(&ask->ref, ref))
			return fl_atom_eq(ask->node, sender);
	}
	return true; /* it answers nothing */
}
