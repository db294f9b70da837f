/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flitch_partition: what other nodes and the command line may ask about the policy.
 *
 *     status/0     a map          explain/0   the last decisions, the newest first
 *     simulate/1   what would be decided if these nodes were gone
 *     forget/1     a node that was seen and is gone for good is no member any more
 */
#include "cluster/partition.h"
#include "cluster/partition_options.h"
#include "node/natives.h"
#include "node/sched.h"

static fli_partition_service *service_of(const fl_node *node)
{
	return fli_core_of(node)->partition;
}

static int build_status(const fli_partition_service *s, fl_buf *result)
{
	const fli_partition_counters *c = fli_partition_count(s->engine);
	fli_partition_policy policy = fli_partition_rules_of(s->engine)->policy;
	fli_partition_state state = fli_partition_state_of(s->engine);
	const fli_roster *roster = fli_partition_roster(s->engine);
	const uint64_t *n = s->node->fence_refused;
	fl_buf missing = FL_BUF_INIT, refused = FL_BUF_INIT;

	(void)fl_build(&refused, "#{call => ~, cast => ~, register => ~, join => ~, spawn => ~}",
		n[FLI_GATE_CALL], n[FLI_GATE_CAST], n[FLI_GATE_REGISTER], n[FLI_GATE_JOIN],
		n[FLI_GATE_SPAWN]);
	fl_list_open(&missing);
	for (uint32_t i = 0; i < roster->count; i++)
		if (!roster->entries[i]->is_up)
			(void)fl_build(&missing, "~", fl_atom_of(roster->entries[i]->name));
	fl_list_close(&missing);
	(void)fl_build(result,
		"#{state => ~, policy => ~, members => ~, missing => ~, fenced => ~, stable_ms => ~, "
		"partitions => ~, pauses => ~, paused_ms => ~, false_suspicions => ~, "
		"suspend_gaps => ~, illness => ~, nontransitive => ~, restarts => ~, "
		"refused => ~}",
		fl_atom_of(fli_partition_state_atom(state)),
		fl_atom_of(fli_partition_policy_word(policy)), roster->count, fl_buf_term(&missing),
		fl_bool(s->node->is_fenced), fli_partition_stable_ms(s->engine), c->partitions,
		c->pauses,
		fli_partition_paused_ms(s->engine, s->node->port->now_ns(s->node->port) / 1000000),
		c->false_suspicions, c->gaps, fli_partition_illness(s->engine),
		fl_atom_of(fli_partition_views_word(fli_partition_views_of(s->engine))),
		s->restarts, fl_buf_term(&refused));
	fl_buf_free(&refused);
	fl_buf_free(&missing);
	return result->error;
}

static int status(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fli_partition_service *s;

	(void)args; /* none */
	fli_enter(node);
	s = service_of(node);
	if (s == NULL)
		(void)fl_build(result, "#{state => serving, policy => ignore}");
	else
		(void)build_status(s, result);
	fli_leave(node);
	return result->error;
}

static int explain(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	const fli_partition_service *s;

	(void)args; /* none */
	fli_enter(node);
	s = service_of(node);
	if (s == NULL)
		(void)fl_build(result, "[]");
	else
		fli_partition_history(s, result);
	fli_leave(node);
	return result->error;
}

/* False: not a list of members. */
static bool read_set(const fli_roster *roster, fl_term names, uint64_t *ret_set)
{
	fl_term item;
	fl_atom name;

	while (fl_list_next(&names, &item)) {
		uint32_t place = fl_match(item, "~", &name) ? fli_roster_find(roster, name)
							    : FLI_ROSTER_NONE;

		if (place == FLI_ROSTER_NONE)
			return false;
		fli_partition_add(ret_set, place);
	}
	return fl_term_kind(names) == FL_NIL;
}

static int foresee(fli_partition_service *s, fl_term names, fl_buf *result)
{
	uint64_t gone[FLI_PARTITION_WORDS_MAX] = {0};
	fli_partition_verdict verdict;
	const fli_roster *roster = fli_partition_roster(s->engine);

	if (!read_set(roster, names, gone))
		return fli_badarg(result);
	if (fli_partition_foresee(s->engine, gone, &verdict) != FL_OK)
		return fl_raise(result, FL_ERROR, "system_limit");
	return fl_build(result, "#{verdict => ~, reason => ~, here => ~, members => ~}",
		fl_atom_of(fli_partition_serves(verdict.reason) ? "serve" : "pause"),
		fl_atom_of(fli_partition_reason_atom(verdict.reason)), verdict.here, roster->count);
}

static int simulate(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fli_partition_service *s;
	fl_term names;
	int rc;

	if (!fl_match(args, "[~]", &names))
		return fli_badarg(result);
	fli_enter(node);
	s = service_of(node);
	rc = s == NULL ? fl_build(result, "#{verdict => serve, reason => ignored}")
		       : foresee(s, names, result);
	fli_leave(node);
	return rc;
}

static int forget(fl_proc *self, fl_term args, fl_buf *result)
{
	fl_node *node = fl_self_node(self);
	fli_partition_service *s;
	fl_atom name;
	int rc;

	if (!fl_match(args, "[~]", &name))
		return fli_badarg(result);
	fli_enter(node);
	s = service_of(node);
	rc = s == NULL ? FL_ENOENT : fli_partition_forget(s->engine, name);
	fli_leave(node);
	return rc == FL_OK ? fl_build(result, "ok")
			   : fl_build(result, "{error, ~}", fl_atom_of(fl_error_atom(rc)));
}

static const fl_export exports[] = {
	{"flitch_partition", "status", 0, status},
	{"flitch_partition", "explain", 0, explain},
	{"flitch_partition", "simulate", 1, simulate},
	{"flitch_partition", "forget", 1, forget},
};

int fli_natives_partition(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
