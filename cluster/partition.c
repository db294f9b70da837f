/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around the partition engine.
 *
 *  - Nodes that come and go are told by the process of news.h, so that a word of a node is heard
 *    before its end is; answers come as to any request; the
 *    timer calls the engine itself, before any handler runs, so that a node that was suspended
 *    refuses before it answers anything.
 *  - A member is asked for its nodes through rex, which every release serves; one that is two links
 *    away, through the rex of a neighbour.
 *
 * What goes wrong: a member that does not answer is not asked again before it has, or is lost. If
 * the process itself ends, for want of memory, the fence goes up and the node ends.
 */
#include "cluster/partition.h"

#include <stdio.h>
#include <string.h>

#include "cluster/guard.h"
#include "cluster/news.h"
#include "cluster/partition_options.h"
#include "dist/fence.h"
#include "dist/global_service.h"
#include "node/sched.h"
#include "node/silent.h"

#define NAME "flitch_partition"

/* sysexits: who started the node may start it again. */
enum { EXIT_TEMPORARY = 75 };

static uint64_t now_of(const fl_node *node)
{
	return node->port->now_ns(node->port) / 1000000;
}

static void wind(fli_partition_service *s)
{
	fli_wheel_start(&s->node->wheel, &s->timer, fli_partition_next_ms(s->engine));
}

/* ---- what the engine wants ------------------------------------------------------------------- */

static bool is_asked(const fli_partition_service *s, fl_atom node)
{
	for (uint32_t i = 0; i < s->asked_count; i++)
		if (!s->asked[i].is_tick &&
			fl_atom_eq((fl_atom){s->asked[i].name, s->asked[i].size}, node))
			return true;
	return false;
}

static bool has_room(fli_partition_service *s)
{
	uint32_t capacity = s->asked_capacity == 0 ? 16 : 2 * s->asked_capacity;
	fli_partition_asked *grown;

	if (s->asked_count < s->asked_capacity)
		return true;
	grown = s->asked_count >= FLI_PARTITION_MEMBERS_MAX
			? NULL
			: fli_realloc(s->node->mem, s->asked, capacity * sizeof *grown);
	if (grown == NULL)
		return false;
	s->asked = grown;
	s->asked_capacity = capacity;
	return true;
}

static bool is_up(const fl_node *node, fl_atom name)
{
	const fli_peer *peer = fli_dist_find(fli_dist_of(node), name);

	return peer != NULL && peer->is_up;
}

static fli_partition_asked *next_asked(fli_partition_service *s, fl_atom node, fl_atom at)
{
	fli_partition_asked *asked = &s->asked[s->asked_count];

	asked->is_tick = false;
	asked->size = node.size;
	memcpy(asked->name, node.text, node.size);
	(void)snprintf(asked->at, sizeof asked->at, "%.*s", (int)at.size, at.text);
	return asked;
}

/* Once in the life of a connection. */
static void ask_tick(fli_partition_service *s, fl_atom node)
{
	fl_dest rex = {.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of("rex"), .node = node}};
	fl_proc *self = fli_partition_proc(s);
	fli_partition_asked *asked;

	if (self == NULL || !has_room(s))
		return;
	asked = next_asked(s, node, node);
	asked->is_tick = true;
	if (fl_request(self, rex, &asked->ref, "{call, net_kernel, get_net_ticktime, [], ~}",
		    s->pid) == FL_OK)
		s->asked_count++;
}

static bool on_runs_pop(void *ctx)
{
	const fli_partition_service *s = ctx;
	const fli_roster *roster = fli_partition_roster(s->engine);

	for (uint32_t i = 0; i < roster->count; i++)
		if (!fli_global_runs_pop(
			    s->node, (fl_atom){roster->entries[i]->name, roster->entries[i]->size}))
			return false;
	return roster->count > 1;
}

static void on_ask(void *ctx, fl_atom node, fl_atom via)
{
	fli_partition_service *s = ctx;
	fl_atom at = via.size > 0 ? via : node;
	fl_proc *self = fli_partition_proc(s);
	fl_dest rex = {.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of("rex"), .node = at}};
	fli_partition_asked *asked;
	int rc;

	if (self == NULL || !is_up(s->node, at) || is_asked(s, node) || !has_room(s))
		return; /* who is not asked sees nobody */
	asked = next_asked(s, node, at);
	if (via.size == 0)
		rc = fl_request(self, rex, &asked->ref, "{call, erlang, nodes, [], ~}", s->pid);
	else
		rc = fl_request(self, rex, &asked->ref,
			"{call, rpc, call, [~, erlang, nodes, [], 1000], ~}", node, s->pid);
	if (rc == FL_OK)
		s->asked_count++;
}

static void on_pause(void *ctx, fli_partition_reason reason)
{
	fli_partition_service *s = ctx;

	fli_fence_hold(s->node, false); /* it is decided */
	if (s->action != FLI_ACTION_EXIT || reason == FLI_REASON_JOINING) {
		fli_partition_pause(s, reason);
		return;
	}
	s->core->exit_code = EXIT_TEMPORARY;
	fl_node_stop(s->node);
}

static void on_resume(void *ctx, uint64_t paused_ms)
{
	(void)paused_ms; /* the record says it */
	fli_partition_resume(ctx);
}

static void on_tell(void *ctx, const fli_partition_event *event)
{
	fli_partition_service *s = ctx;
	bool is_grave = event->to == FLI_PARTITION_SUSPECT || event->to == FLI_PARTITION_PAUSING ||
			event->to == FLI_PARTITION_STALE;

	fli_log_limited(&s->node->log, event->now_ms, is_grave ? FLI_WARNING : FLI_NOTICE,
		"partition: %s -> %s: %s (%u of %u)", fli_partition_state_atom(event->from),
		fli_partition_state_atom(event->to), fli_partition_reason_text(event->reason),
		event->verdict->here, event->picture->count);
	fli_partition_record_event(s, event);
	fli_partition_heal_state(s, event);
	if (fli_partition_rules_of(s->engine)->policy != FLI_POLICY_IGNORE)
		fli_guards_tell(s->core, event->to, event->is_stale);
}

static void on_tell_stamp(void *ctx, uint32_t stamp)
{
	fli_partition_service *s = ctx;

	fli_news_tell_all(
		s->node, "ages", fl_spec("#{node => ~, stamp => ~}", s->node->name, stamp));
}

static const fli_partition_ops ops = {on_ask, fli_partition_gate, on_pause, on_resume, on_tell,
	fli_partition_lease, fli_partition_ask_lease, on_runs_pop, on_tell_stamp};

/* ---- time ------------------------------------------------------------------------------------ */

static void give_up(fli_partition_service *s)
{
	fli_log_write(&s->node->log, FLI_CRITICAL,
		"the partition policy's process has ended: the node ends, too");
	s->node->is_fenced = true;
	s->core->exit_code = EXIT_TEMPORARY;
	fl_node_stop(s->node);
}

/* After having left its peers the node meets them again, when they have had time to see it go. */
static void come_back(fli_partition_service *s)
{
	if (s->left_ms == 0 || now_of(s->node) < s->left_ms + fli_partition_stable_ms(s->engine))
		return;
	s->left_ms = 0;
	s->wanted = 0;
	fli_partition_want_members(s);
}

static void on_timer(fli_timer *timer)
{
	fli_partition_service *s = fli_container_of(timer, fli_partition_service, timer);

	if (s->core->is_leaving)
		return;
	if (fli_partition_proc(s) == NULL || !fli_news_is_open(s->node)) {
		give_up(s);
		return;
	}
	fli_partition_time(s->engine, now_of(s->node));
	fli_fence_time(s->node, now_of(s->node));
	come_back(s);
	fli_partition_heal_time(s);
	if (s->reconnect == FLI_RECONNECT_SEEN && s->left_ms == 0)
		fli_partition_want_members(s);
	wind(s);
}

/* ---- the process ----------------------------------------------------------------------------- */

fli_partition_service *fli_partition_enter(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	fli_partition_service *s;

	fli_enter(node);
	s = fli_core_of(node)->partition;
	if (s != NULL && !s->core->is_leaving) {
		fli_partition_time(s->engine, now_of(node));
		return s;
	}
	fli_leave(node);
	return NULL;
}

int fli_partition_leave(fli_partition_service *s)
{
	fl_node *node = s->node;

	wind(s);
	fli_leave(node);
	return FL_OK;
}

static void tell_own_stamp(fli_partition_service *s, fl_atom to)
{
	uint32_t stamp = fli_partition_stamp(s->engine);

	if (stamp != 0)
		fli_news_tell(s->node, to, "ages",
			fl_spec("#{node => ~, stamp => ~}", s->node->name, stamp));
}

int fli_partition_node_up(fl_proc *self, fl_atom name)
{
	fli_partition_service *s = fli_partition_enter(self);

	if (s == NULL)
		return FL_OK;
	if (fli_partition_is_member(s, name)) {
		fli_partition_up(s->engine, name);
		fli_partition_heal_up(s, name);
		tell_own_stamp(s, name);
		ask_tick(s, name);
	}
	return fli_partition_leave(s);
}

int fli_partition_node_down(fl_proc *self, fl_atom name)
{
	fli_partition_service *s = fli_partition_enter(self);

	if (s == NULL)
		return FL_OK;
	fli_partition_down(s->engine, name);
	return fli_partition_leave(s);
}

/* Who was asked, or this node, which tells that there will be no answer. */
bool fli_partition_may_answer(const fli_partition_service *s, const char *at)
{
	const fl_proc *self = fli_partition_proc(s);
	fl_atom sender = self == NULL ? s->node->name : fl_sender_node(self);

	return fl_atom_is(sender, at) || fl_atom_eq(sender, s->node->name);
}

static void take_answer(fli_partition_service *s, const fl_ref *ref, fl_term answer)
{
	for (uint32_t i = 0; i < s->asked_count; i++) {
		fli_partition_asked asked = s->asked[i];

		if (!fl_ref_eq(&asked.ref, ref) || !fli_partition_may_answer(s, asked.at))
			continue;
		s->asked[i] = s->asked[--s->asked_count];
		if (asked.is_tick)
			fli_partition_told_tick(s, (fl_atom){asked.name, asked.size}, answer);
		else
			fli_partition_seen(s->engine, (fl_atom){asked.name, asked.size}, answer);
		return;
	}
	if (!fli_partition_lease_answered(s, ref, answer))
		(void)fli_partition_name_answered(s, ref, answer);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fli_partition_service *s = fli_partition_enter(self);
	fl_term answer = {.data = NULL};
	fl_ref ref;

	(void)state;
	if (s == NULL)
		return FL_OK;
	if (fl_match(message, "{'DOWN', ~, process, _, _}", &ref) ||
		fl_match(message, "{~, ~}", &ref, &answer))
		take_answer(s, &ref, answer);
	return fli_partition_leave(s);
}

/*
 * Of a server of this node that starts while the node pauses: its name; of another node on this
 * side: for how many milliseconds this one has the lease yet.
 */
static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fli_partition_service *s = fli_partition_enter(self);
	fl_term entry;
	fl_pid caller;

	(void)state;
	if (s == NULL)
		return fl_reply(from, "{error, noproc}");
	if (fl_match(request, "{keep_name, ~}", &entry) && fl_from_pid(from, &caller) &&
		fli_pid_is_local(s->node, &caller) &&
		fl_atom_eq(fl_sender_node(self), s->node->name)) {
		fli_partition_keep_name(s, entry);
		(void)fl_reply(from, "yes");
	} else if (fl_match(request, "lease_left")) {
		(void)fl_reply(from, "~", fli_partition_lease_left(s->engine));
	} else {
		(void)fl_reply(from, "{error, notsup}");
	}
	return fli_partition_leave(s);
}

static const fl_behaviour behaviour = {
	.name = NAME,
	.call = on_call,
	.cast = fli_silent_cast,
	.info = on_info,
};

/* ---- news of other nodes --------------------------------------------------------------------- */

void fli_partition_hear_leaving(fli_partition_service *s, fl_atom node)
{
	if (s->core->is_leaving)
		return;
	fli_partition_time(s->engine, now_of(s->node));
	fli_partition_leaving(s->engine, node);
	wind(s);
}

void fli_partition_hear_stamp(fli_partition_service *s, fl_atom node, uint32_t stamp)
{
	if (!s->core->is_leaving)
		fli_partition_told_stamp(s->engine, node, stamp);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int start_process(fli_partition_service *s)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &behaviour, .name = NAME, .is_system = true};
	fl_proc *proc;
	int rc = fli_proc_start(s->node, &how, fli_term(s->node, nil, sizeof nil), &proc, NULL);

	if (rc == FL_OK)
		s->pid = fli_proc_pid(proc);
	return rc;
}

static int start_engine(fli_partition_service *s, const fl_options *options)
{
	fli_partition_config config = fli_partition_tell(options);
	const fli_partition_start start = {.mem = s->node->mem,
		.self = s->node->name,
		.config = &config,
		.times = fli_partition_tell_times(options),
		.min_members = fli_partition_tell_minimum(options),
		.rejects_early = fli_options_int(options, FLI_KEY_PARTITION_ON_SUSPECT) != 0,
		.ops = &ops,
		.ctx = s,
		.now_ms = now_of(s->node)};

	config.rules.custom = fli_partition_custom_rule;
	config.rules.custom_ctx = s;
	return fli_partition_new(&start, &s->engine);
}

/* Who is connected already, and the first look. */
static void begin(fli_partition_service *s)
{
	fli_dist *dist = fli_dist_of(s->node);
	const fli_peer *peer;
	size_t cursor = 0;

	while ((peer = fli_dist_next(dist, &cursor)) != NULL)
		if (fli_partition_is_member(s, peer->name)) {
			fli_partition_up(s->engine, peer->name);
			fli_partition_heal_up(s, peer->name);
		}
	fli_partition_begin(s->engine);
	if (s->reconnect != FLI_RECONNECT_NONE)
		fli_partition_want_members(s);
	wind(s);
}

int fli_partition_serve(fli_core *core, const fl_options *options, fl_error *err)
{
	fli_partition_service *s;
	int rc = fli_natives_partition(core->node);

	if (rc != FL_OK || !fli_partition_is_on(options))
		return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "out of memory");
	s = fli_zalloc(core->node->mem, sizeof *s);
	if (s == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	core->partition = s;
	s->node = core->node;
	s->core = core;
	s->start_ms = now_of(s->node);
	s->action = (fli_partition_action)fli_options_int(options, FLI_KEY_PARTITION_ACTION);
	s->reconnect = (fli_partition_reconnect)fli_options_int(options, FLI_KEY_CLUSTER_RECONNECT);
	s->healing.is_on = fli_heal_restarts(options);
	s->healing.wait_ms = (uint64_t)fli_options_int(options, FLI_KEY_HEAL_STABLE_AFTER);
	s->drain_ms = (uint64_t)fli_options_int(options, FLI_KEY_PARTITION_DRAIN);
	fli_timer_create(&s->timer, on_timer);
	fli_partition_steps_open(s);
	rc = fli_partition_count_open(s, options);
	if (rc == FL_OK)
		rc = start_process(s);
	if (rc == FL_OK)
		rc = start_engine(s, options);
	if (rc == FL_OK)
		rc = fli_partition_gates_open(s, options, err);
	if (rc == FL_OK)
		rc = fli_partition_hooks_open(s, options, err);
	if (rc != FL_OK)
		return fl_error_set(
			err, rc, "the partition policy did not start: %s", fl_error_text(rc));
	begin(s);
	return FL_OK;
}

void fli_partition_close(fli_core *core)
{
	fli_partition_service *s = core->partition;

	if (s == NULL)
		return;
	core->partition = NULL;
	fli_wheel_stop(&s->timer);
	fli_wheel_stop(&s->drain);
	fli_partition_count_close(s);
	fli_fence_delete(s->node);
	fli_partition_delete(s->engine);
	fli_partition_names_free(s);
	fli_partition_history_free(s);
	fli_partition_hooks_close(s);
	fli_free(s->node->mem, s->asked);
	fli_free(s->node->mem, s);
}
