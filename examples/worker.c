/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of the process group `workers`: whoever has work picks one, here or on another node.
 *     {work, Id}: {done, Id, Node}
 *
 *     GenServer.call(Enum.random(:pg.get_members(:workers)), {:work, 7})
 */
#include <flitch.h>

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term id;

	(void)state; /* it has none */
	if (!fl_match(request, "{work, ~}", &id))
		return fl_unhandled(self, request);
	return fl_reply(from, "{done, ~, ~}", id, fl_node_name(fl_self_node(self)));
}

static const fl_behaviour worker = {
	.name = "worker", .call = on_call, .groups = (const fl_group[]){{.name = "workers"}, {0}}};

FL_MODULE(&worker);
