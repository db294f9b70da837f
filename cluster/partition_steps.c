/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a pause, and of the way back.
 *
 *  - pause: the fence is up already; handlers that run, and calls that came before, have their time
 *    (partition.drain); what is left of those is refused; groups are left in one message a scope
 *    and peer; global names are given back, on the nodes that are left; servers are told. Local
 *    names stay, so that the node can be looked into, and so do links and monitors.
 *  - resume: servers are told, before any call can reach them; the fence goes down, since other
 *    nodes watch who has a name; names are taken again; last come the groups, whose members are
 *    found at once.
 *
 * Names before links: a paused node that meets the others with its old names would have the
 * processes of the other side killed for them.
 *
 * What goes wrong: a name that somebody else has by now stays his, and our process is told as by
 * OTP, {global_name_conflict, Name}. A pause in the midst of the way back gives every name back
 * again, whether it was taken already or not.
 */
#include <string.h>

#include "cluster/partition.h"
#include "dist/fence.h"
#include "dist/global_service.h"
#include "node/sched.h"
#include "pg/server.h"

enum { DRAIN_LOOK_MS = 20 };

static fl_term term_of(const fli_partition_service *s, const fli_kept_name *name)
{
	return fli_term(s->node, name->data, name->size);
}

/* ---- servers --------------------------------------------------------------------------------- */

/* One that cannot be told ends: it would go on as if nothing had been. */
static void tell_servers(fl_node *node, fli_msg_kind kind)
{
	static const uint8_t nil[] = {106};
	uint32_t cursor = 0;
	fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL) {
		const fl_behaviour *b = proc->behaviour;
		fli_msg *msg;

		if ((kind == FLI_MSG_PAUSE ? b->on_pause : b->on_resume) == NULL)
			continue;
		msg = fli_msg_of_term(node, fli_term(node, nil, sizeof nil));
		if (msg == NULL) {
			fli_proc_exit(proc, (fl_term){.data = NULL});
			continue;
		}
		msg->kind = (uint8_t)kind;
		msg->body = 0;
		fli_deliver(proc, msg);
	}
	fli_exits_drain(node);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_kept(const fli_partition_service *s, fl_term name)
{
	for (uint32_t i = 0; i < s->names_count; i++) {
		fl_term other;

		if (fl_tuple_get(term_of(s, &s->names[i]), 0, &other) && fl_equal(name, other))
			return true;
	}
	return false;
}

static bool has_room(fli_partition_service *s)
{
	uint32_t capacity = s->names_capacity == 0 ? 16 : 2 * s->names_capacity;
	fli_kept_name *grown;

	if (s->names_count < s->names_capacity)
		return true;
	grown = fli_realloc(s->node->mem, s->names, capacity * sizeof *grown);
	if (grown == NULL)
		return false;
	s->names = grown;
	s->names_capacity = capacity;
	return true;
}

void fli_partition_keep_name(fli_partition_service *s, fl_term entry)
{
	fl_term name;
	uint8_t *data;

	if (!fl_tuple_get(entry, 0, &name) || is_kept(s, name) || !has_room(s))
		return;
	data = fli_alloc(s->node->mem, entry.size);
	if (data == NULL)
		return;
	memcpy(data, entry.data, entry.size);
	s->names[s->names_count++] = (fli_kept_name){.data = data, .size = entry.size};
}

static void keep_own_names(fli_partition_service *s)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term list, entry;

	fli_global_own_names(s->node, &buf);
	list = fl_buf_term(&buf);
	list.atoms = s->node->atoms;
	while (buf.error == FL_OK && fl_list_next(&list, &entry))
		fli_partition_keep_name(s, entry);
	fl_buf_free(&buf);
}

void fli_partition_names_free(fli_partition_service *s)
{
	for (uint32_t i = 0; i < s->names_count; i++)
		fli_free(s->node->mem, s->names[i].data);
	fli_free(s->node->mem, s->names);
	s->names = NULL;
	s->names_count = s->names_capacity = 0;
}

/* Asks for the change of each name; those that cannot be asked for are as good as answered. */
static void change_names(fli_partition_service *s, fli_global_change change)
{
	fl_proc *self = fli_partition_proc(s);

	for (uint32_t i = 0; i < s->names_count; i++) {
		fli_kept_name *kept = &s->names[i];
		fli_global_wish wish = {.change = change};

		kept->is_waiting = false;
		if (!fl_match(term_of(s, kept), "{~, ~, ~}", &wish.name, &wish.pid, &wish.method))
			continue;
		if (change == FLI_GLOBAL_REGISTER && fli_proc_of(s->node, &wish.pid) == NULL)
			continue; /* it has ended meanwhile */
		kept->is_waiting =
			self != NULL && fli_global_request_change(self, &wish, &kept->ref) == FL_OK;
	}
}

static void tell_loser(fli_partition_service *s, const fli_kept_name *kept)
{
	fl_term name, method;
	fl_pid pid;
	fl_dest to;

	if (!fl_match(term_of(s, kept), "{~, ~, ~}", &name, &pid, &method))
		return;
	to = fl_to_pid(pid);
	(void)fli_send_spec(s->node, NULL, &to, fl_spec("{global_name_conflict, ~}", name));
}

/* ---- the steps ------------------------------------------------------------------------------- */

static void leave_peers(fli_partition_service *s)
{
	fl_buf nodes = FL_BUF_INIT;

	fli_global_disconnect_all(s->node, &nodes);
	fl_buf_free(&nodes);
	s->left_ms = s->node->port->now_ns(s->node->port) / 1000000;
}

static void end_pause(fli_partition_service *s)
{
	s->step = FLI_STEP_NONE;
	if (!s->is_joining && !s->has_told_pause) {
		tell_servers(s->node, FLI_MSG_PAUSE);
		s->has_told_pause = true;
	}
	if (!s->is_joining && s->action == FLI_ACTION_LEAVE)
		leave_peers(s);
	fli_partition_done(s->engine);
}

static void end_resume(fli_partition_service *s)
{
	s->step = FLI_STEP_NONE;
	fli_partition_names_free(s);
	fli_partition_done(s->engine);
	fli_pg_resume(s->node);
}

static void look(fli_partition_service *s)
{
	for (uint32_t i = 0; i < s->names_count; i++)
		if (s->names[i].is_waiting)
			return;
	if (s->step == FLI_STEP_PAUSE)
		end_pause(s);
	else if (s->step == FLI_STEP_RESUME)
		end_resume(s);
}

bool fli_partition_name_answered(fli_partition_service *s, const fl_ref *ref, fl_term answer)
{
	for (uint32_t i = 0; i < s->names_count; i++) {
		fli_kept_name *kept = &s->names[i];

		if (!kept->is_waiting || !fl_ref_eq(&kept->ref, ref))
			continue;
		kept->is_waiting = false;
		if (s->step == FLI_STEP_RESUME && answer.data != NULL && fl_match(answer, "no"))
			tell_loser(s, kept);
		look(s);
		return true;
	}
	return false;
}

static bool is_open(const fli_partition_service *s, fli_gate_id gate)
{
	return (s->node->gates_open >> gate & 1) != 0;
}

static void leave_all(fli_partition_service *s)
{
	s->step = FLI_STEP_PAUSE;
	if (s->action != FLI_ACTION_NOTIFY) {
		if (!is_open(s, FLI_GATE_JOIN))
			fli_pg_pause(s->node);
		if (!is_open(s, FLI_GATE_REGISTER))
			keep_own_names(s);
		change_names(s, FLI_GLOBAL_UNREGISTER);
	}
	look(s);
}

static uint64_t now_of(const fl_node *node)
{
	return node->port->now_ns(node->port) / 1000000;
}

/* What has not been answered by the end of its time is refused. */
static void drain(fli_partition_service *s)
{
	uint64_t now = now_of(s->node);

	if (now < s->drain_end_ms && fli_fence_is_busy(s->node)) {
		fli_wheel_start(&s->node->wheel, &s->drain, now + DRAIN_LOOK_MS);
		return;
	}
	fli_fence_refuse_queued(s->node);
	leave_all(s);
}

static void on_drain(fli_timer *timer)
{
	fli_partition_service *s = fli_container_of(timer, fli_partition_service, drain);

	if (s->step == FLI_STEP_DRAIN && !s->core->is_leaving)
		drain(s);
}

void fli_partition_steps_open(fli_partition_service *s)
{
	fli_timer_create(&s->drain, on_drain);
}

void fli_partition_pause(fli_partition_service *s, fli_partition_reason reason)
{
	s->is_joining = reason == FLI_REASON_JOINING;
	if (s->is_joining || s->action == FLI_ACTION_NOTIFY) {
		leave_all(s);
		return;
	}
	s->step = FLI_STEP_DRAIN;
	s->drain_end_ms = now_of(s->node) + s->drain_ms;
	drain(s);
}

void fli_partition_resume(fli_partition_service *s)
{
	if (s->has_told_pause)
		tell_servers(s->node, FLI_MSG_RESUME);
	s->has_told_pause = false;
	s->step = FLI_STEP_RESUME;
	fli_partition_open(s->engine);
	change_names(s, FLI_GLOBAL_REGISTER);
	look(s);
}

/* The fence went down without a pause: names that were asked for meanwhile are taken now. */
void fli_partition_take_names(fli_partition_service *s)
{
	if (s->step != FLI_STEP_NONE || s->names_count == 0)
		return;
	s->step = FLI_STEP_RESUME;
	change_names(s, FLI_GLOBAL_REGISTER);
	look(s);
}

/* ---- connections ----------------------------------------------------------------------------- */

void fli_partition_want_members(fli_partition_service *s)
{
	const fli_roster *roster = fli_partition_roster(s->engine);
	fl_error err;

	if (s->wanted == roster->count)
		return; /* those that are forgotten meanwhile are still wanted, and do no harm */
	s->wanted = roster->count;
	for (uint32_t i = 0; i < roster->count; i++) {
		fl_atom name = {roster->entries[i]->name, roster->entries[i]->size};

		if (fl_atom_eq(name, s->node->name))
			continue;
		if (fli_dist_want(fli_dist_of(s->node), name, &err) != FL_OK)
			fli_log_write(&s->node->log, FLI_WARNING,
				"cannot stay connected with %s: %s", roster->entries[i]->name,
				err.what);
	}
}
