/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's handlers.
 *
 *  - Each begins with the time and with what the policy allows, and ends with a timer for what is
 *    due next.
 *  - Guards of one name are a group of pg: who joins is told the state, who leaves is asked no
 * more.
 *  - The node stops: the server is handed to another candidate if it can be, else it ends; then the
 *    others are told, and the guard ends.
 *
 * A word counts as that of the candidate that it names only if that one's node sent it.
 *
 * What goes wrong: a scope that ends takes the groups with it, so the guard ends, too, and is
 * started again. When a guard ends its server does.
 */
#include "cluster/guard.h"

#include <string.h>

#include "cluster/epoch_file.h"
#include "cluster/partition.h"
#include "flitch/pick.h"
#include "node/owned.h"
#include "node/sched.h"

#define GROUP "{flitch_singleton, ~}"
#define SETTLE_MS 1000
#define SHUTDOWN_MS 3000
#define LEASE_MS 40000

/* ---- the policy ------------------------------------------------------------------------------ */

static uint32_t allowed(fli_partition_state state, bool is_stale)
{
	switch (state) {
	case FLI_PARTITION_SERVING: return FLI_MAY_RUN | FLI_MAY_START;
	case FLI_PARTITION_DEGRADED: return FLI_MAY_RUN | FLI_MAY_START | FLI_IS_DEGRADED;
	case FLI_PARTITION_SUSPECT: return is_stale ? 0 : FLI_MAY_RUN; /* who slept may be late */
	default: return 0;
	}
}

void fli_guards_tell(fli_core *core, fli_partition_state state, bool is_stale)
{
	uint32_t may = allowed(state, is_stale);

	if (core->guards.next == NULL)
		return;
	for (fli_link *l = core->guards.next; l != &core->guards; l = l->next) {
		fli_guard *g = fli_container_of(l, fli_guard, in_core);
		fl_dest to = fl_to_pid(g->core.config.guard);

		/* release: pairs with the acquire in its handlers */
		atomic_store_explicit(&g->policy, may, memory_order_release);
		(void)fli_send_spec(core->node, NULL, &to, fl_spec("fl_policy")); /* a hint */
	}
}

static void learn_policy(fli_guard *g)
{
	/* acquire: see above */
	uint32_t may = atomic_load_explicit(&g->policy, memory_order_acquire);

	if (g->is_ending)
		may = g->move.step == FLI_MOVE_NONE ? 0 : may & ~(uint32_t)FLI_MAY_START;
	fli_singleton_allow(&g->core, (may & FLI_MAY_RUN) != 0, (may & FLI_MAY_START) != 0,
		(may & FLI_IS_DEGRADED) != 0);
}

/* One that stops somebody. */
static bool has_policy(const fli_core *core)
{
	return core->partition != NULL &&
	       fli_partition_rules_of(core->partition->engine)->policy != FLI_POLICY_IGNORE;
}

static uint64_t margin_of(const fli_guard *g)
{
	const fli_core *core = fli_core_of(g->node);
	uint64_t shutdown = g->spec->shutdown_ms == 0 ? SHUTDOWN_MS : g->spec->shutdown_ms;

	if (g->spec->margin_ms != 0 || !has_policy(core))
		return g->spec->margin_ms;
	return fli_dist_tick_ms(core->dist) * 5ULL / 4 +
	       fli_partition_pause_ms(core->partition->engine) + shutdown;
}

/* Members that are seen grow in number, and with them the time that the policy takes. */
static void learn_margin(fli_guard *g)
{
	if (g->spec->margin_ms != 0)
		return;
	fli_enter(g->node);
	g->core.config.margin_ms = margin_of(g);
	fli_leave(g->node);
}

/* ---- epochs on the disk ---------------------------------------------------------------------- */

static bool must_keep(const fli_guard *g)
{
	return g->spec->epoch_dir != NULL && g->kept != g->core.seen;
}

bool fli_guard_keep_epoch(fli_guard *g)
{
	int rc;

	if (!must_keep(g))
		return true;
	g->kept_ms = g->core.now_ms;
	rc = fli_epoch_write(g->spec->epoch_dir, g->spec->guard.name, g->node->name, g->core.seen);
	if (rc == FL_OK)
		g->kept = g->core.seen;
	else
		fli_log_limited(&g->node->log, g->core.now_ms, FLI_ERROR,
			"singleton %s: its epoch cannot be kept in %s: %s; it is not started here "
			"until that can be written",
			g->spec->name, g->spec->epoch_dir, fl_error_text(rc));
	return rc == FL_OK;
}

bool fli_guard_keep_promise(fli_guard *g)
{
	if (!must_keep(g))
		return true;
	if (g->core.now_ms < g->kept_ms + FLI_GUARD_PROMISE_MS)
		return false;
	(void)fli_guard_keep_epoch(g); /* one broken disk is not to hold up all; the log says it */
	return true;
}

static uint64_t next_keep_ms(const fli_guard *g)
{
	return must_keep(g) ? g->kept_ms + FLI_GUARD_KEEP_MS : FLI_SINGLETON_NEVER;
}

/* Others may raise it with each word: that costs a write now and then. Tried again, too. */
static void keep_what_was_heard(fli_guard *g)
{
	if (g->core.now_ms >= next_keep_ms(g))
		(void)fli_guard_keep_epoch(g);
}

static bool read_epoch(fli_guard *g)
{
	return g->spec->epoch_dir == NULL || fli_epoch_read(g->spec->epoch_dir, g->spec->guard.name,
						     g->node->name, &g->kept) == FL_OK;
}

/* ---- begin and end of a handler -------------------------------------------------------------- */

fli_guard *fli_guard_enter(fl_proc *self, void *state)
{
	fli_guard *g = *(fli_guard **)state;

	g->self = self;
	learn_margin(g);
	fli_singleton_time(&g->core, fl_now_ms(self));
	learn_policy(g);
	return g;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_timer(fli_guard *g)
{
	uint64_t due = lesser(lesser(fli_singleton_next_ms(&g->core), fli_guard_server_next(g)),
		lesser(lesser(fli_move_next(g), fli_standby_next(g)), next_keep_ms(g)));
	uint64_t now = g->core.now_ms;

	if (due == g->tick_ms)
		return;
	if (g->tick.count != 0)
		(void)fl_cancel_timer(g->self, g->tick); /* it may be on its way */
	g->tick = (fl_ref){.count = 0};
	g->tick_ms = due;
	if (due == FLI_SINGLETON_NEVER)
		return;
	due = due > now ? due - now : 1;
	if (fl_send_after(g->self, (uint32_t)lesser(due, INT32_MAX), fl_self(g->self), &g->tick,
		    "fl_tick") != FL_OK)
		g->tick_ms = 0;
}

static void publish(fli_guard *g)
{
	uint64_t epoch = 0;

	if (g->move.step >= FLI_MOVE_PREPARING)
		epoch = g->move.epoch;
	else if (g->step != FLI_SERVER_NONE)
		epoch = g->core.epoch;
	if (g->spec->epoch_dir != NULL && epoch > g->kept)
		return; /* one that was raised above another's: not before it is written */
	/* release: pairs with the acquire in fl_singleton_epoch */
	atomic_store_explicit(&g->epoch, epoch, memory_order_release);
}

static void settle_failures(fli_guard *g)
{
	while (g->has_failed || g->has_no_lease) {
		bool is_lease = g->has_no_lease;

		g->has_failed = g->has_no_lease = false;
		if (is_lease)
			fli_singleton_leased(&g->core, false, g->core.lease_asked_ms);
		else
			fli_singleton_ended(&g->core);
	}
}

int fli_guard_leave(fli_guard *g)
{
	fli_guard_server_look(g);
	fli_move_look(g);
	settle_failures(g);
	if (g->is_ending && g->move.step == FLI_MOVE_NONE) {
		learn_policy(g);
		settle_failures(g);
	}
	fli_standby_look(g);
	keep_what_was_heard(g);
	publish(g);
	set_timer(g);
	if (g->is_ending && g->move.step == FLI_MOVE_NONE && g->step == FLI_SERVER_NONE &&
		!g->moved.is_here) {
		(void)fli_guard_keep_epoch(g); /* the log says so, if not */
		return fl_stop(g->self, "shutdown");
	}
	return FL_OK;
}

/* ---- the others ------------------------------------------------------------------------------ */

static bool rank_hash(fl_term name, fl_atom node, uint32_t *ret_hash)
{
	fl_buf buf = FL_BUF_INIT;
	bool is_known = fl_build(&buf, "{~, ~}", name, node) == FL_OK &&
			fl_phash2(fl_buf_term(&buf), ret_hash);

	fl_buf_free(&buf);
	return is_known;
}

static void joined(fli_guard *g, fl_term pids)
{
	fl_pid me = fl_self(g->self), pid;
	fl_term item;
	uint32_t hash;

	while (fl_list_next(&pids, &item)) {
		if (!fl_match(item, "~", &pid) || fl_pid_eq(&pid, &me) ||
			!rank_hash(fli_guard_name(g), pid.node, &hash))
			continue;
		if (fli_singleton_joined(&g->core, &pid, hash) != FL_OK)
			fli_log_write(&g->node->log, FLI_ERROR,
				"singleton %s has too many candidates: %.*s is none", g->spec->name,
				(int)pid.node.size, pid.node.text);
		fli_replica_send(g, &pid);
	}
}

static void left(fli_guard *g, fl_term pids)
{
	fl_term item;
	fl_pid pid;

	while (fl_list_next(&pids, &item))
		if (fl_match(item, "~", &pid))
			fli_singleton_left(&g->core, &pid);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void configure(fli_guard *g, fl_pid me, uint32_t hash)
{
	const fl_singleton *spec = g->spec;
	fli_singleton_config config = {.guard = me,
		.hash = hash,
		.settle_ms = g->spec->settle_ms == 0 ? SETTLE_MS : g->spec->settle_ms,
		.ops = &fli_guard_ops,
		.ctx = g,
		.now_ms = fl_now_ms(g->self)};

	if (spec->lease != NULL) {
		config.lease_ms = spec->lease_ttl_ms == 0 ? LEASE_MS : spec->lease_ttl_ms;
		config.renew_ms = spec->renew_ms == 0 ? config.lease_ms / 4 : spec->renew_ms;
	}
	config.margin_ms = margin_of(g);
	fli_singleton_create(&g->core, &config);
	g->core.seen = g->kept;
}

static void on_drop(void *block)
{
	fli_guard *g = block;

	fli_list_remove(&g->in_core);
	fli_move_free(g);
	fli_replica_drop(g);
	fli_guard_lease_free(g);
}

static int on_end(fl_proc *self, void *state, fl_term reason);

/* With the context. */
static fli_guard *make(fl_proc *self)
{
	fli_core *core = fli_core_of(self->node);
	fli_extra *extra = fli_proc_extra(self);
	fli_guard *g = extra == NULL ? NULL : fli_owned_alloc_with(self, sizeof *g, on_drop);

	if (g == NULL)
		return NULL;
	memset(g, 0, sizeof *g);
	g->self = self;
	g->node = self->node;
	g->spec = fli_container_of(self->behaviour, fl_singleton, guard);
	extra->end = on_end;
	self->is_unfenced = true; /* epochs are told to who pauses, too */
	if (core->guards.next == NULL)
		fli_list_create(&core->guards);
	fli_list_append(&core->guards, &g->in_core);
	fli_list_create(&g->questions);
	atomic_init(&g->epoch, 0);
	atomic_init(&g->policy, FLI_MAY_RUN | FLI_MAY_START);
	return g;
}

static bool read_name(fli_guard *g)
{
	fl_buf buf = FL_BUF_INIT;
	uint8_t *bytes = NULL;

	if (fl_build(&buf, g->spec->name) == FL_OK) {
		fli_enter(g->node);
		bytes = fli_owned_alloc(g->self, buf.size);
		fli_leave(g->node);
	}
	if (bytes != NULL) {
		memcpy(bytes, buf.data, buf.size);
		g->name = fli_term(g->node, bytes, buf.size);
	}
	fl_buf_free(&buf);
	return bytes != NULL;
}

static bool read_policy(fli_guard *g, uint32_t *ret_hash)
{
	const fli_partition_service *s;

	if (!read_epoch(g) || !rank_hash(fli_guard_name(g), g->node->name, ret_hash))
		return false;
	fli_enter(g->node);
	configure(g, fl_self(g->self), *ret_hash);
	s = fli_core_of(g->node)->partition;
	if (has_policy(fli_core_of(g->node)))
		atomic_store_explicit(&g->policy, allowed(fli_partition_state_of(s->engine), true),
			memory_order_release); /* as fli_guards_tell */
	fli_leave(g->node);
	return true;
}

static int meet_others(fli_guard *g)
{
	fl_buf members = FL_BUF_INIT;
	fl_term name = fli_guard_name(g), list;
	int rc = fl_pg_join(g->self, FL_PG, fl_self(g->self), GROUP, name);

	if (rc == FL_OK)
		rc = fl_pg_monitor(g->self, FL_PG, &g->group, &members, GROUP, name);
	if (rc == FL_OK)
		rc = fl_monitor(g->self, FL_PG, &g->scope);
	list = fl_buf_term(&members);
	list.atoms = g->node->atoms;
	if (rc == FL_OK)
		joined(g, list);
	fl_buf_free(&members);
	return rc;
}

int fl_singleton_init(fl_proc *self, void *state, fl_term args)
{
	fli_guard *g;
	uint32_t hash;
	int rc;

	(void)args; /* the table says it all */
	fli_enter(self->node);
	g = make(self);
	fli_leave(self->node);
	*(fli_guard **)state = g;
	if (g == NULL)
		return fl_stop(self, "enomem");
	if (!read_name(g))
		return fl_stop(self, "{bad_singleton, name}");
	g->names = fli_names_watch_new(self, g->name);
	if (g->names == NULL)
		return fl_stop(self, "enomem");
	if (!read_policy(g, &hash))
		return fl_stop(self, "{bad_singleton, epoch_dir}");
	learn_policy(g);
	rc = meet_others(g);
	if (rc != FL_OK)
		return fl_stop(self, "{group, ~}", fl_atom_of(fl_error_atom(rc)));
	return fli_guard_leave(g);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The candidate whose turn would come first. */
static const fli_candidate *heir_of(const fli_guard *g)
{
	const fli_candidate *best = NULL;

	for (uint32_t i = 0; i < g->core.count; i++)
		if (best == NULL || g->core.candidates[i].hash < best->hash)
			best = &g->core.candidates[i];
	return best;
}

static int on_end(fl_proc *self, void *state, fl_term reason)
{
	fli_guard *g = fli_guard_enter(self, state);
	const fli_candidate *heir = heir_of(g);

	(void)reason; /* it ends with shutdown */
	g->is_ending = true;
	if (heir != NULL && g->spec->give != NULL && fli_move_begin(g, &heir->guard, NULL) == FL_OK)
		g->move.end_ms = g->core.now_ms + FLI_GUARD_LEAVE_MS;
	if (g->move.step >= FLI_MOVE_TAKING)
		fli_move_abort(g, "stopped");
	return fli_guard_leave(g);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static int reply_status(fli_guard *g, fl_from from)
{
	const fli_singleton *s = &g->core;
	fl_buf nodes = FL_BUF_INIT, holder = FL_BUF_INIT;
	int rc;

	fl_list_open(&nodes);
	(void)fl_build(&nodes, "~", g->node->name);
	for (uint32_t i = 0; i < s->count; i++)
		(void)fl_build(&nodes, "~", s->candidates[i].guard.node);
	fl_list_close(&nodes);
	if (s->has_holder)
		(void)fl_build(&holder, "~", s->holder);
	else
		(void)fl_build(&holder, "undefined");
	rc = fl_reply(from,
		"#{state => ~, holder => ~, epoch => ~, seen => ~, takeovers => ~, rank => ~, "
		"candidates => ~, may_start => ~, margin_ms => ~, standby => ~, replica_ms => ~}",
		fl_atom_of(fli_singleton_state_atom(s->state)), fl_buf_term(&holder), s->held,
		s->seen, s->takeovers, fli_singleton_rank(s), fl_buf_term(&nodes),
		fl_bool(s->may_start), s->config.margin_ms, fl_bool(g->standby.is_here),
		g->replica.bytes == NULL ? -1 : (int64_t)(s->now_ms - g->replica.at_ms));
	fl_buf_free(&nodes);
	fl_buf_free(&holder);
	return rc;
}

static int begin_move(fli_guard *g, fl_from from, fl_atom node)
{
	const fl_pid *to = NULL;

	for (uint32_t i = 0; i < g->core.count && to == NULL; i++)
		if (fl_atom_eq(g->core.candidates[i].guard.node, node))
			to = &g->core.candidates[i].guard;
	if (g->core.state != FLI_SINGLETON_HOLDING)
		return fl_reply(from, "{error, not_here}");
	if (to == NULL)
		return fl_reply(from, "{error, no_candidate}");
	if (fli_move_begin(g, to, &from) != FL_OK)
		return fl_reply(from, "{error, busy}");
	return fl_later(g->self, from);
}

int fl_singleton_on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fli_guard *g = fli_guard_enter(self, state);
	fl_atom node;

	if (fl_match(request, "status"))
		(void)reply_status(g, from);
	else if (fl_match(request, "{move, ~}", &node))
		(void)begin_move(g, from, node);
	else
		(void)fl_reply(from, "{error, bad_request}");
	return fli_guard_leave(g);
}

int fl_singleton_on_cast(fl_proc *self, void *state, fl_term message)
{
	fli_guard *g = fli_guard_enter(self, state);
	fl_term kind, map, value;
	fli_word word;
	fl_pid from;

	if (fl_match(message, "{fl, _, ~, ~}", &kind, &map) && fl_get(map, "from", &value) &&
		fl_match(value, "~", &from) && fl_atom_eq(from.node, fl_sender_node(self))) {
		if (fli_word_read(kind, map, &word))
			fli_singleton_heard(&g->core, &from, &word);
		else if (fl_match(kind, "replica"))
			fli_replica_heard(g, &from, map);
		else
			fli_move_heard(g, kind, &from, map);
	}
	return fli_guard_leave(g);
}

/* ---- what is told ---------------------------------------------------------------------------- */

/* False: the scope has ended. */
static bool on_down(fli_guard *g, const fl_ref *ref, fl_term reason)
{
	bool is_silent = fl_match(reason, "noconnection");

	if (fl_ref_eq(ref, &g->scope))
		return false;
	if (fl_ref_eq(ref, &g->watch)) {
		g->watch = (fl_ref){.count = 0};
		fli_singleton_lost(
			&g->core, &g->watched, is_silent ? FLI_LOSS_SILENT : FLI_LOSS_ENDED);
	} else if (!fli_move_down(g, ref)) {
		(void)fli_guard_answered(g, ref, (fl_term){.data = NULL});
	}
	return true;
}

static bool take_info(fli_guard *g, fl_term message)
{
	fl_term term;
	fl_pid pid;
	fl_ref ref;

	if (fl_match(message, "fl_tick")) {
		g->tick_ms = 0; /* anybody can send one: a timer that still runs is stopped */
	} else if (fl_match(message, FLI_NAMES_CHANGED)) {
		fli_names_watch_take(g->names);
		fli_guard_name_changed(g);
	} else if (fl_match(message, "{'DOWN', ~, process, _, ~}", &ref, &term)) {
		return on_down(g, &ref, term);
	} else if (fl_match(message, "{'EXIT', ~, ~}", &pid, &term)) {
		if (!fli_guard_exited(g, &pid, term) && !fli_standby_exited(g, &pid))
			(void)fli_move_exited(g, &pid);
	} else if (fl_match(message, "{fl_replica, ~, ~}", &pid, &term)) {
		fli_replica_made(g, &pid, term);
	} else if (fl_match(message, "{~, join, _, ~}", &ref, &term) &&
		   fl_ref_eq(&ref, &g->group)) {
		joined(g, term);
	} else if (fl_match(message, "{~, leave, _, ~}", &ref, &term) &&
		   fl_ref_eq(&ref, &g->group)) {
		left(g, term);
	} else if (fl_match(message, "{~, ~}", &ref, &term) && !fli_guard_answered(g, &ref, term)) {
		(void)fli_move_answered(g, &ref);
	}
	return true;
}

int fl_singleton_on_info(fl_proc *self, void *state, fl_term message)
{
	fli_guard *g = fli_guard_enter(self, state);

	/* all of it is made on this node: who sends it from another one makes it up */
	if (fl_atom_eq(fl_sender_node(self), g->node->name) && !take_info(g, message))
		return fl_stop(self, "{group, noproc}");
	return fli_guard_leave(g);
}

/* ---- for the server -------------------------------------------------------------------------- */

uint64_t fl_singleton_epoch(fl_proc *self)
{
	const fl_proc *guard = NULL;
	uint64_t epoch = 0;

	fli_enter(self->node);
	if (self->status != FLI_EXITING && self->extra != NULL && self->extra->has_parent)
		guard = fli_proc_of(self->node, &self->extra->parent);
	if (guard != NULL && guard->behaviour->init == fl_singleton_init)
		/* acquire: pairs with the release where it changes */
		epoch = atomic_load_explicit(
			&(*(fli_guard *const *)(const void *)guard->state)->epoch,
			memory_order_acquire);
	fli_leave(self->node);
	return epoch;
}
