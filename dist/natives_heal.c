/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flitch_heal: who keeps a global name that two halves of a cluster had, where the node says more
 * than OTP does.
 *
 *     keep_oldest/3   a method of global: of two processes of C nodes the one that has had the name
 *                     for longer; the other one is told, as by global:random_notify_name/3
 *     held_ms/2       for how long this node's process has had that name, by its own clock; that is
 *                     how no two clocks are compared
 *
 * What goes wrong: a process of a BEAM node, whose time nobody knows, and a node that does not
 * answer: then the lesser node's process stays, as with random_notify_name.
 */
#include "dist/global_service.h"
#include "dist/natives.h"
#include "node/natives.h"
#include "node/sched.h"

enum { ASK_MS = 3000 };

typedef struct rival {
	fl_pid pid;
	uint64_t held_ms;
	bool is_known;
} rival;

static bool own_held_ms(fl_proc *self, fl_term name, const fl_pid *pid, uint64_t *ret_ms)
{
	fl_node *node = fl_self_node(self);
	bool is_known;

	fli_enter(node);
	is_known = fli_global_held_ms(node, name, pid, ret_ms);
	fli_leave(node);
	return is_known;
}

static int held_ms(fl_proc *self, fl_term args, fl_buf *result)
{
	uint64_t ms;
	fl_term name;
	fl_pid pid;

	if (!fl_match(args, "[~, ~]", &name, &pid))
		return fli_badarg(result);
	return own_held_ms(self, name, &pid, &ms) ? fl_build(result, "~", ms)
						  : fl_build(result, "undefined");
}

static void learn(fl_proc *self, fl_term name, rival *r)
{
	fl_term reply;

	if (fli_pid_is_local(fl_self_node(self), &r->pid))
		r->is_known = own_held_ms(self, name, &r->pid, &r->held_ms);
	else
		r->is_known = fl_call(self,
				      ((fl_dest){.kind = FL_TO_NAME,
					      .as.name = {.text = fl_atom_of("rex"),
						      .node = r->pid.node}}),
				      ASK_MS, &reply, "{call, flitch_heal, held_ms, [~, ~], ~}",
				      name, r->pid, fl_self(self)) == FL_OK &&
			      fl_match(reply, "~", &r->held_ms);
}

static int keep_oldest(fl_proc *self, fl_term args, fl_buf *result)
{
	rival theirs = {.is_known = false}, ours = {.is_known = false};
	fl_term name;
	bool ours_stays;

	if (!fl_match(args, "[~, ~, ~]", &name, &theirs.pid, &ours.pid))
		return fli_badarg(result);
	learn(self, name, &theirs);
	learn(self, name, &ours);
	if (theirs.is_known && ours.is_known && theirs.held_ms != ours.held_ms)
		ours_stays = ours.held_ms > theirs.held_ms;
	else
		ours_stays = fli_global_prefers(&ours.pid, &theirs.pid);
	(void)fl_send(self, ours_stays ? theirs.pid : ours.pid, "{global_name_conflict, ~}", name);
	return fl_build(result, "~", ours_stays ? ours.pid : theirs.pid);
}

static const fl_export exports[] = {
	{"flitch_heal", "held_ms", 2, held_ms},
	{"flitch_heal", "keep_oldest", 3, keep_oldest},
};

int fli_natives_heal(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_MEMBER);
}
