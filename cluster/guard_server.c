/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of a singleton as its guard sees it.
 *
 *  - It is started without waiting for its init; that sys answers tells that the init is over. Then
 *    it takes the name, and only then the others are told.
 *  - It is told to end by `shutdown`, and killed when it takes too long.
 *
 * What goes wrong: an init that fails is an end like others. A name that somebody else has: the
 * claim was granted by all candidates, so it is taken from him. When later somebody else has it,
 * two halves of a cluster have met, and `global` has chosen: the server ends. A name that nobody
 * has is taken again. Who has it is looked at whenever that changes.
 */
#include "cluster/guard.h"
#include "dist/global_service.h"
#include "flitch/global.h"
#include "node/sched.h"

#define SHUTDOWN_MS 3000

static uint64_t now_of(const fli_guard *g)
{
	return g->core.now_ms;
}

/* ---- starting -------------------------------------------------------------------------------- */

bool fli_guard_start(fli_guard *g, fl_spec args, fl_pid *ret_server)
{
	const fli_start how = {
		.behaviour = g->spec->server, .parent = g->self, .link = true, .deferred = true};
	fl_buf buf = FL_BUF_INIT;
	fl_proc *proc;
	int rc = fl_build_values(&buf, args.pattern, args.values, args.count);

	if (rc == FL_OK) {
		fli_enter(g->node);
		rc = fli_proc_start(g->node, &how, fl_buf_term(&buf), &proc, NULL);
		if (rc == FL_OK) {
			*ret_server = fli_proc_pid(proc);
			fli_run_queue_add(proc);
		}
		fli_leave(g->node);
	}
	fl_buf_free(&buf);
	if (rc != FL_OK)
		fli_log_write(&g->node->log, FLI_ERROR, "singleton %s cannot be started: %s",
			g->spec->name, fl_error_text(rc));
	return rc == FL_OK;
}

void fli_guard_ask_sys(fli_guard *g, const fl_pid *server, const char *what, fl_ref *ret_ref)
{
	*ret_ref = fl_make_ref(g->self);
	(void)fl_send(g->self, *server, "{system, {~, ~}, ~}", fl_self(g->self), *ret_ref,
		fl_atom_of(what)); /* its end is told by the link */
}

static void on_start(void *ctx, uint64_t epoch)
{
	fli_guard *g = ctx;

	/* its init may ask for it */
	atomic_store_explicit(&g->epoch, epoch, memory_order_release);
	g->has_failed = !fli_guard_keep_epoch(g) || !fli_standby_take(g, epoch);
	if (g->has_failed)
		return;
	g->step = FLI_SERVER_INIT;
	fli_guard_ask_sys(g, &g->server, "resume", &g->ping);
}

/* ---- its name -------------------------------------------------------------------------------- */

void fli_guard_take_name(fli_guard *g)
{
	fl_buf method = FL_BUF_INIT;
	fli_global_wish wish = {
		.change = FLI_GLOBAL_REREGISTER, .name = fli_guard_name(g), .pid = g->server};

	g->naming = (fl_ref){.count = 0};
	g->look_ms = now_of(g) + FLI_GUARD_NAME_MS;
	if (fli_global_method(&method, FL_GLOBAL_RANDOM_EXIT) == FL_OK) {
		wish.method = fl_buf_term(&method);
		(void)fli_global_request_change(g->self, &wish, &g->naming); /* asked again */
	}
	fl_buf_free(&method);
}

static void named(fli_guard *g, fl_term answer)
{
	g->naming = (fl_ref){.count = 0};
	if (g->step != FLI_SERVER_NAMING || answer.data == NULL || !fl_match(answer, "yes"))
		return; /* it is looked at, and asked for again */
	g->step = FLI_SERVER_RUNNING;
	fli_singleton_started(&g->core, &g->server);
	fli_replica_send_all(g); /* what its init had copied */
	fli_log_write(&g->node->log, FLI_NOTICE, "singleton %s runs here, take-over %llu",
		g->spec->name, (unsigned long long)FL_EPOCH_COUNT(g->core.epoch));
}

static bool find_name(fli_guard *g, fl_pid *ret_pid)
{
	bool found;

	fli_enter(g->node);
	found = fli_global_find(g->node, fli_guard_name(g), ret_pid);
	fli_leave(g->node);
	return found;
}

static void look(fli_guard *g)
{
	fl_pid holder;
	bool found = find_name(g, &holder);

	g->look_ms = FLI_SINGLETON_NEVER;
	if (g->step == FLI_SERVER_NAMING || !found) {
		fli_guard_take_name(g);
	} else if (!fl_pid_eq(&holder, &g->server)) {
		fli_log_write(&g->node->log, FLI_WARNING,
			"singleton %s runs on another node, too: the one here ends", g->spec->name);
		fli_singleton_yield(&g->core);
	}
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void on_stop(void *ctx)
{
	fli_guard *g = ctx;

	if (g->step == FLI_SERVER_NONE) {
		g->has_failed = true;
		return;
	}
	if (g->step == FLI_SERVER_ENDING)
		return;
	if (g->move.step != FLI_MOVE_NONE)
		fli_move_abort(g, "stopped");
	g->step = FLI_SERVER_ENDING;
	g->kill_ms = now_of(g) +
		     (g->spec->shutdown_ms == 0 ? SHUTDOWN_MS : (uint64_t)g->spec->shutdown_ms);
	(void)fl_exit(g->self, g->server, "shutdown");
}

bool fli_guard_exited(fli_guard *g, const fl_pid *pid, fl_term reason)
{
	char text[200];

	if (g->step == FLI_SERVER_NONE || !fl_pid_eq(pid, &g->server))
		return false;
	if (g->step != FLI_SERVER_ENDING)
		fli_log_write(&g->node->log, FLI_WARNING, "singleton %s has ended: %s",
			g->spec->name, fl_print_to(text, sizeof text, reason));
	g->step = FLI_SERVER_NONE;
	g->ping = g->naming = (fl_ref){.count = 0};
	if (g->move.step != FLI_MOVE_NONE)
		fli_move_abort(g, "ended");
	fli_singleton_ended(&g->core);
	return true;
}

bool fli_guard_answered(fli_guard *g, const fl_ref *ref, fl_term answer)
{
	if (fl_ref_eq(ref, &g->naming)) {
		named(g, answer);
		return true;
	}
	if (!fl_ref_eq(ref, &g->ping))
		return false;
	g->ping = (fl_ref){.count = 0};
	if (g->step == FLI_SERVER_INIT) {
		g->step = FLI_SERVER_NAMING;
		fli_guard_take_name(g);
	}
	return true;
}

void fli_guard_name_changed(fli_guard *g)
{
	g->look_ms = now_of(g);
}

/* While the name is asked for, or the server moves, whose it is says nothing. */
static bool is_named(const fli_guard *g)
{
	return (g->step == FLI_SERVER_NAMING || g->step == FLI_SERVER_RUNNING) &&
	       g->naming.count == 0 && g->move.step == FLI_MOVE_NONE;
}

void fli_guard_server_look(fli_guard *g)
{
	if (g->step == FLI_SERVER_ENDING && now_of(g) >= g->kill_ms) {
		g->kill_ms = now_of(g) + FLI_GUARD_KILL_MS;
		(void)fl_exit(g->self, g->server, "kill");
	} else if (is_named(g) && now_of(g) >= g->look_ms) {
		look(g);
	}
}

uint64_t fli_guard_server_next(const fli_guard *g)
{
	if (g->step == FLI_SERVER_ENDING)
		return g->kill_ms;
	return is_named(g) ? g->look_ms : FLI_SINGLETON_NEVER;
}

/* ---- the holder elsewhere -------------------------------------------------------------------- */

static void on_watch(void *ctx, const fl_pid *holder)
{
	fli_guard *g = ctx;

	if (g->watch.count != 0)
		(void)fl_demonitor(g->self, g->watch);
	g->watch = (fl_ref){.count = 0};
	if (holder == NULL)
		return;
	g->watched = *holder;
	(void)fl_monitor(
		g->self, *holder, &g->watch); /* without memory the claims of others say it */
}

const fli_singleton_ops fli_guard_ops = {
	fli_guard_say, on_watch, on_start, on_stop, fli_guard_lease};
