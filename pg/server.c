/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope process.
 *
 *  - A message is looked through without the context, then done with it, step by step: while a
 *    large sync is under way others run, and may join.
 *  - What it sends never dials: who is not connected is not spoken to.
 *  - A message counts for the scope of the node whose connection brought it, and no other one.
 *  - Its state is a block of the process that is taken down with it, however it ends.
 *
 * Failure: what is not understood changes nothing and is counted; sys:get_state shows the count.
 *
 * Departure from OTP: a message that OTP's scope would end at is refused.
 */
#include "pg/server.h"

#include "node/groups.h"
#include "node/owned.h"
#include "node/sched.h"
#include "pg/shape.h"

#define RETRY "flitch_pg_retry"
#define MAILBOX_MAX (16U << 20) /* each member of this node may end at once */
#define MEMBERS_MAX UINT64_C(16000000)
#define KEY_KEEP 4096

typedef struct server_state {
	fli_scope *scope;
} server_state;

/* ---- what a scope asks of its surroundings ----------------------------------------------------
 */

/* A peer that scopes may speak to: up, and neither of the two sides hidden. */
static fli_peer *near_peer(const fl_node *node, fl_atom name)
{
	fli_peer *peer = node->remote == NULL ? NULL : node->remote->find(node->dist, name);

	return peer != NULL && peer->is_up && !peer->is_hidden ? peer : NULL;
}

static bool on_is_near(void *ctx, fl_atom name, uint32_t creation, fl_atom *ret_node)
{
	const fl_proc *proc = ctx;
	const fli_peer *peer = near_peer(proc->node, name);

	if (peer == NULL || peer->creation != creation)
		return false;
	*ret_node = peer->name;
	return true;
}

static int on_send(void *ctx, const fl_pid *to, fl_term message)
{
	fl_proc *proc = ctx;
	fl_node *node = proc->node;
	fl_dest dest = fl_to_pid(*to);
	const fli_peer *peer;

	if (!fli_pid_is_local(node, to)) {
		peer = node->remote == NULL ? NULL : node->remote->find(node->dist, to->node);
		if (peer == NULL || !peer->is_up || peer->creation != to->creation)
			return FL_ENOCONN;
	}
	return fli_send_term(node, proc, &dest, message);
}

static int on_send_named(void *ctx, fl_atom name, fl_term message)
{
	fl_proc *proc = ctx;
	fl_dest dest = {.kind = FL_TO_NAME};

	if (proc->name == NULL || near_peer(proc->node, name) == NULL)
		return FL_ENOCONN;
	dest.as.name.text = proc->name->text;
	dest.as.name.node = name;
	return fli_send_term(proc->node, proc, &dest, message);
}

static int on_monitor(void *ctx, const fl_pid *pid, fl_ref *ret_ref)
{
	return fl_monitor((fl_proc *)ctx, *pid, ret_ref);
}

/* A 'DOWN' that is in the mailbox already names a monitor that nobody knows any more. */
static void on_demonitor(void *ctx, const fl_ref *ref)
{
	fl_node *node = ((fl_proc *)ctx)->node;
	fli_monitor *monitor = fli_monitor_find(node, NULL, ref);

	if (monitor != NULL)
		fli_monitor_cancel(node, monitor);
}

static bool on_retry(void *ctx, uint32_t ms)
{
	fl_proc *proc = ctx;

	return fl_send_after(proc, ms, fl_self(proc), NULL, RETRY) == FL_OK;
}

const fli_scope_ops fli_pg_ops = {
	on_is_near, on_send, on_send_named, on_monitor, on_demonitor, on_retry};

/* A node without a name gets one from its first peer: its pids are others then. */
static fli_scope *scope_of(fl_proc *proc)
{
	fli_scope *scope = ((server_state *)(void *)proc->state)->scope;

	if (scope != NULL)
		scope->own.pid = fli_proc_pid(proc);
	return scope;
}

/* ---- starting -------------------------------------------------------------------------------- */

uint64_t fli_pg_members_max(const fl_node *node)
{
	return node->groups_max == 0 ? MEMBERS_MAX : node->groups_max;
}

static void drop_scope(void *block)
{
	fli_scope_destroy(block);
}

static void discover_all(fl_proc *self, fli_scope *scope)
{
	fl_node *node = self->node;
	size_t cursor = 0;
	fli_peer *peer;

	if (node->remote == NULL || node->remote->next == NULL)
		return;
	while ((peer = node->remote->next(node->dist, &cursor)) != NULL)
		if (!peer->is_hidden)
			fli_scope_node_up(scope, peer->name);
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_node *node = fl_self_node(self);
	server_state *server = state;
	fli_scope_start start = {.mem = node->mem,
		.seed = node->seed,
		.members_max = fli_pg_members_max(node),
		.ops = &fli_pg_ops,
		.ctx = self};

	(void)args; /* none */
	fli_enter(node);
	start.self = fli_proc_pid(self);
	server->scope = fli_owned_alloc_with(self, sizeof *server->scope, drop_scope);
	if (server->scope != NULL) {
		fli_scope_create(server->scope, &start);
		discover_all(self, server->scope);
	}
	fli_leave(node);
	return server->scope == NULL ? fl_stop(self, "enomem") : FL_OK;
}

/* ---- messages -------------------------------------------------------------------------------- */

/*
 * With the context, at the end of whatever was sent. A peer that takes no more makes those wait who
 * join, and is disconnected past its mark; but the scope has to hear the others meanwhile.
 */
static void stay_awake(fl_proc *self)
{
	self->has_busy = false;
}

/* The process may end meanwhile: others run between the steps. */
static int do_job(fl_proc *self, fli_scope *scope, fli_scope_job *job)
{
	fl_node *node = self->node;
	bool more = job->kind != FLI_JOB_DONE;

	while (more) {
		fli_enter(node);
		more = self->status != FLI_EXITING && fli_scope_step(scope, job);
		stay_awake(self);
		fli_leave(node);
	}
	return FL_OK;
}

/* Each begins {What, Scope, ..}. */
static bool is_of_sender(const fl_proc *self, fl_term message)
{
	fl_term scope;
	fl_pid pid;

	return fl_tuple_get(message, 1, &scope) && fli_shape_pid(scope, &pid) &&
	       fl_atom_eq(pid.node, fl_sender_node(self));
}

static int hear(fl_proc *self, fli_scope *scope, fl_term message, bool is_cast)
{
	fl_node *node = fl_self_node(self);
	fli_scope_job job = {.kind = FLI_JOB_DONE};
	bool is_good = fli_scope_check(message, is_cast) && is_of_sender(self, message);

	fli_enter(node);
	(void)scope_of(self);
	if (is_good)
		fli_scope_begin(scope, message, is_cast, &job);
	else
		fli_scope_refuse(scope);
	stay_awake(self);
	fli_leave(node);
	return do_job(self, scope, &job);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	return hear(self, ((server_state *)state)->scope, message, true);
}

static int on_down(fl_proc *self, fli_scope *scope, const fl_term *part)
{
	fl_node *node = fl_self_node(self);
	fli_scope_job job = {.kind = FLI_JOB_DONE};
	fl_ref ref;
	fl_pid pid;

	fli_enter(node);
	if (fli_shape_ref(part[1], &ref) && fli_shape_pid(part[3], &pid) &&
		fl_atom_eq(fl_sender_node(self), node->name))
		fli_scope_down(scope, &ref, &pid, &job);
	else
		fli_scope_refuse(scope);
	stay_awake(self);
	fli_leave(node);
	return do_job(self, scope, &job);
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	fli_scope *scope = ((server_state *)state)->scope;
	fl_node *node = fl_self_node(self);
	fl_term part[5];

	if (fli_shape_tuple(message, "DOWN", 5, part))
		return on_down(self, scope, part);
	if (!fli_shape_is_atom(message, RETRY))
		return hear(self, scope, message, false);
	fli_enter(node);
	if (fli_scope_retry(scope))
		discover_all(self, scope);
	stay_awake(self);
	fli_leave(node);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	int rc = fli_pg_call(self, ((server_state *)state)->scope, from, request);

	fli_enter(self->node);
	stay_awake(self);
	fli_leave(self->node);
	return rc;
}

static int on_node_up(fl_proc *self, void *state, fl_atom name)
{
	fl_node *node = fl_self_node(self);
	const fli_peer *peer;

	(void)state; /* by way of the process */
	fli_enter(node);
	peer = near_peer(node, name);
	if (peer != NULL)
		fli_scope_node_up(scope_of(self), peer->name);
	stay_awake(self);
	fli_leave(node);
	return FL_OK;
}

static size_t count_peers(const fli_scope *scope)
{
	size_t count = 0;

	for (const fli_link *at = scope->peers.next; at != &scope->peers; at = at->next)
		count++;
	return count;
}

static int on_format_status(fl_proc *self, const void *state, fl_buf *ret_status)
{
	const fli_scope *scope = ((const server_state *)state)->scope;
	const fli_scope_counters *c = &scope->counters;

	(void)self; /* called with the context */
	return fl_build(ret_status,
		"#{groups => ~, members => ~, local => ~, peers => ~, watches => ~, syncs => ~, "
		"refused => ~, unknown => ~, foreign => ~, missing => ~, is_paused => ~}",
		scope->table.groups.count, scope->table.members, scope->own.members,
		count_peers(scope), scope->watches.count, c->syncs, c->refused, c->unknown,
		c->foreign, c->missing, fl_bool(scope->is_paused));
}

const fl_behaviour fli_pg_server = {
	.name = "pg",
	.state_size = sizeof(server_state),
	.init = on_init,
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.node_up = on_node_up,
	.format_status = on_format_status,
	.mailbox_max = MAILBOX_MAX,
};

/* ---- for who holds the context ----------------------------------------------------------------
 */

fli_scope *fli_pg_scope(const fl_node *node, fl_atom name)
{
	fl_proc *proc = fli_name_find(node, name);

	if (proc == NULL || proc->behaviour != &fli_pg_server || proc->status == FLI_EXITING)
		return NULL;
	return scope_of(proc);
}

int fli_pg_key_of(fli_scope *scope, fl_spec group, fl_term *ret_key)
{
	int rc;

	fli_buf_clear(&scope->key, KEY_KEEP);
	rc = fli_build_values(&scope->key, group.pattern, group.values, group.count);
	*ret_key = (fl_term){.data = scope->key.data, .size = scope->key.size};
	return rc;
}

bool fli_pg_is_own(const fl_node *node, const fl_pid *pid, uint64_t *ret_id)
{
	*ret_id = fli_pg_id(pid);
	return pid->creation == node->creation && fli_pid_is_local(node, pid);
}

void fli_pg_share_wait(fl_proc *self, const fli_scope *scope)
{
	const fl_proc *proc = scope->ctx;

	if (proc->has_busy && self->status != FLI_EXITING) {
		self->has_busy = true;
		self->busy_since = proc->busy_since;
	}
}

static void for_all(fl_node *node, void (*what)(fli_scope *scope))
{
	uint32_t cursor = 0;
	fl_proc *proc;

	while ((proc = fli_proc_next(node, &cursor)) != NULL)
		if (proc->behaviour == &fli_pg_server && proc->status != FLI_EXITING &&
			scope_of(proc) != NULL)
			what(scope_of(proc));
}

void fli_pg_pause(fl_node *node)
{
	for_all(node, fli_scope_pause);
}

void fli_pg_resume(fl_node *node)
{
	for_all(node, fli_scope_resume);
}
