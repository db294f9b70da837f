/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node of the world begins and ends.
 *
 *  - start: process world, distribution, listener; with epmd it then waits for its registration;
 *    supervisor, services, the configured servers, on_start.
 *  - stop: as fl_node_stop on a real node, over as many turns as its servers take; then handlers
 *    that wait are told, and when the last one is back the node is deleted.
 *  - crash (fli_node_forget): nothing of it runs; stacks that were put aside are dropped.
 *
 * Failure: a start that fails leaves a line in the trace and the node down; fl_sim_why says why.
 */
#include <string.h>

#include "cluster/partition.h"
#include "cluster/partition_options.h"
#include "dist/global_service.h"
#include "dist/peers.h"
#include "node/supervisor.h"
#include "sim/node.h"

typedef struct life_job {
	fli_job job;
	fl_sim_node *node;
	int rc;
} life_job;

static void trace_line(fl_sim_node *node, const char *verb, const char *text, size_t size)
{
	fl_sim *sim = node->prog.sim;
	fli_trace_line *line = fli_trace_begin(&sim->trace, sim->now_ns, verb);

	line->who = node->name.text;
	(void)snprintf(line->text, sizeof line->text, "%.*s", (int)size, text);
	fli_trace_end(&sim->trace, line);
}

static void on_log(void *ctx, fli_level level, const char *line, size_t size)
{
	fl_sim_node *node = ctx;

	if (level <= FLI_NOTICE)
		trace_line(node, "logs", line, size);
	if (node->config.on_log != NULL)
		node->config.on_log(node, line, size, node->config.ctx);
}

static void on_up(fli_dist_watch *watch, fli_peer *peer)
{
	fl_sim_node *node = fli_container_of(watch, fl_sim_node, watch);

	trace_line(node, "up:", peer->name.text, peer->name.size);
}

static void on_down(fli_dist_watch *watch, fli_peer *peer, const char *reason)
{
	fl_sim_node *node = fli_container_of(watch, fl_sim_node, watch);
	char text[FLI_TRACE_TEXT];
	int size = snprintf(
		text, sizeof text, "%.*s (%s)", (int)peer->name.size, peer->name.text, reason);

	trace_line(node, "down:", text, (size_t)size);
}

/* ---- starting -------------------------------------------------------------------------------- */

static void wake_core(fli_core *core)
{
	fli_node_wake(fli_container_of(core, fl_sim_node, core));
}

static void wake_dist(void *ctx)
{
	fl_sim_node *node = ctx;

	fli_prog_wake(&node->prog, node->prog.sim->now_ns + 1000);
}

static int create(fl_sim_node *node, fl_error *err)
{
	fli_limits limits;
	int rc = fli_settings_make(&node->settings, node->name.text, &node->config, err);

	if (rc != FL_OK)
		return rc;
	limits = fli_node_limits(node->settings.options);
	limits.poison = true;
	node->core = (fli_core){.wake = wake_core};
	atomic_init(&node->core.is_stopping, false);
	rc = fli_node_create(
		&node->core.node, node->name.text, &limits, &node->port, &node->purse.mem);
	if (rc != FL_OK)
		return fl_error_set(err, rc, "the node could not be made: %s", fl_error_text(rc));
	node->core.node->owner = &node->core;
	node->core.node->stand_in = &node->stand_in;
	fli_log_create(&node->core.node->log, on_log, node,
		node->config.on_log == NULL ? FLI_NOTICE : FLI_DEBUG);
	return FL_OK;
}

static int listen(fl_sim_node *node, fl_error *err)
{
	fli_dist_config config =
		fli_settings_dist(&node->settings, &node->config, node->prog.sim->options.has_epmd);
	int rc;

	config.node = node->core.node;
	config.net = &node->prog.net;
	config.wake = wake_dist;
	config.wake_ctx = node;
	rc = fli_core_open(&node->core, &config, err);
	if (rc != FL_OK)
		return rc;
	node->watch = (fli_dist_watch){.up = on_up, .down = on_down};
	fli_dist_watch_add(node->core.dist, &node->watch);
	rc = fli_dist_listen(node->core.dist, err);
	if (rc == FL_OK)
		return FL_OK;
	return fl_error_set(err, rc, "%s cannot listen: %s", node->name.text, fl_error_text(rc));
}

static int start_servers(fl_sim_node *node, fl_error *err)
{
	const fl_behaviour *const *servers = node->config.servers;
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && servers != NULL && servers[i] != NULL; i++)
		rc = fli_supervisor_start_child(node->core.node, servers[i], err);
	return rc;
}

/* The name is registered: everything else. */
static int serve(fl_sim_node *node, fl_error *err)
{
	const fl_options *options = node->settings.options;
	int rc;

	node->is_serving = true;
	fli_drive_begin(node->core.node);
	rc = fli_core_serve(&node->core,
		(fli_rpc_profile)fli_options_int(options, FLI_KEY_RPC_PROFILE),
		fl_options_get(options, "rpc.allow"), err);
	if (rc == FL_OK) {
		fli_global_set_mode(node->core.node,
			(fli_global_mode)fli_options_int(options, FLI_KEY_GLOBAL_POP));
		rc = fli_heal_apply(node->core.node, options);
	}
	if (rc == FL_OK)
		rc = fli_partition_serve(&node->core, options, err);
	if (rc == FL_OK)
		rc = start_servers(node, err);
	fli_drive_end(node->core.node);
	if (rc != FL_OK)
		return rc;
	node->state = FL_SIM_UP;
	node->core.has_run = true;
	trace_line(node, "is up", "", 0);
	if (node->config.on_start != NULL)
		rc = node->config.on_start(node, node->config.ctx);
	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "on_start: %s", fl_error_text(rc));
}

static int begin(fl_sim_node *node, fl_error *err)
{
	int rc = create(node, err);

	node->state = FL_SIM_STARTING;
	node->is_serving = false;
	if (rc != FL_OK)
		return rc;
	fli_drive_begin(node->core.node);
	rc = listen(node, err);
	if (rc == FL_OK)
		rc = fli_dist_ready(node->core.dist, err);
	fli_drive_end(node->core.node);
	return rc == FL_OK ? serve(node, err) : rc;
}

static void run_start(fli_job *job)
{
	life_job *mine = fli_container_of(job, life_job, job);
	fl_sim_node *node = mine->node;

	node->error = (fl_error){.code = FL_OK};
	mine->rc = begin(node, &node->error);
	if (mine->rc != FL_OK && mine->rc != FL_EBUSY)
		fli_node_fall(node, node->error.what);
}

static int do_job(fl_sim_node *node, void (*run)(fli_job *job))
{
	life_job *job = fli_store_zalloc(sizeof *job);
	int rc;

	job->job.run = run;
	job->job.prog = &node->prog;
	job->node = node;
	job->rc = FL_ECLOSED; /* when it crashes meanwhile */
	if (!fli_world_do(node->prog.sim, &job->job))
		return FL_ETIMEOUT;
	rc = job->rc;
	fli_job_delete(&job->job);
	return rc;
}

int fl_sim_start(fl_sim_node *node, fl_error *err)
{
	int rc;

	if (node->core.node != NULL)
		return fl_error_set(err, FL_EALREADY, "%s runs", node->name.text);
	node->starts++;
	fli_host_revive(node->prog.host);
	fli_world_count(node->prog.sim, "starts", node->name.text, NULL, node->starts);
	rc = do_job(node, run_start);
	if (rc == FL_EBUSY)
		return FL_OK;
	if (rc != FL_OK && err != NULL)
		*err = node->error;
	return rc;
}

const fl_error *fl_sim_why(const fl_sim_node *node)
{
	return &node->error;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void forget_states(fl_sim_node *node)
{
	fl_node *inner = node->core.node;
	uint32_t cursor = 0;
	fl_proc *proc;

	if (node->config.on_forget == NULL)
		return;
	while ((proc = fli_proc_next(inner, &cursor)) != NULL) {
		if (!proc->is_system)
			node->config.on_forget(proc->behaviour, proc->state, node->config.ctx);
	}
}

static void leave_world(fl_sim_node *node)
{
	fli_calls_end(node);
	if (node->config.on_end != NULL)
		node->config.on_end(node, node->config.ctx);
}

/* Nothing of it is left. */
static void be_down(fl_sim_node *node)
{
	fli_purse_empty(&node->purse);
	fli_settings_free(&node->settings);
	node->core.node = NULL;
	node->core.dist = NULL;
	node->state = FL_SIM_DOWN;
	node->is_serving = node->is_ending = node->is_turning = false;
	node->prog.is_paused = false;
	node->purse.fail_nth = 0;
	node->purse.fail_per_million = 0;
}

void fli_node_forget(fl_sim_node *node)
{
	leave_world(node);
	fli_world_drop(&node->prog);
	fli_works_drop(node);
	forget_states(node);
	be_down(node);
}

void fli_node_fall(fl_sim_node *node, const char *why)
{
	trace_line(node, "fails:", why, strlen(why));
	fli_prog_end(&node->prog);
	if (node->core.node != NULL)
		fli_node_forget(node);
	else
		be_down(node);
}

/* Everything that still waits is told so; returns when the last one is back. */
static void wait_for_handlers(fl_sim_node *node)
{
	static const bool at_once = true;
	fl_node *inner = node->core.node;

	fli_enter(inner);
	fli_requests_close(inner);
	fli_tasks_cancel(inner);
	fli_leave(inner);
	fli_works_finish(node);
	while (fli_world_waiting(&node->prog) > 0)
		fli_world_wait(&node->prog, &at_once, UINT64_MAX);
}

void fli_node_end(fl_sim_node *node)
{
	fl_node *inner = node->core.node;

	wait_for_handlers(node);
	leave_world(node);
	fli_enter(inner);
	fli_dist_close(node->core.dist);
	fli_partition_close(&node->core);
	fli_node_delete(inner);
	node->leaked = node->purse.bytes;
	trace_line(node, "has left", "", 0);
	if (node->leaked > 0)
		fli_world_count(node->prog.sim, "leaks bytes", node->name.text, NULL, node->leaked);
	be_down(node);
	fli_prog_end(&node->prog);
}

void fl_sim_stop(fl_sim_node *node)
{
	if (node->state == FL_SIM_PAUSED)
		fl_sim_resume(node);
	if (node->state == FL_SIM_STARTING)
		fl_sim_crash_node(node, FL_SIM_KILLED);
	if (node->state != FL_SIM_UP)
		return;
	fli_world_note(node->prog.sim, "stops", node->name.text, NULL);
	node->state = FL_SIM_LEAVING;
	fl_node_stop(node->core.node);
}

size_t fl_sim_leaked(const fl_sim_node *node)
{
	return node->leaked;
}

/* ---- between turns --------------------------------------------------------------------------- */

void fli_node_go_on(fl_sim_node *node)
{
	int rc;

	if (node->state != FL_SIM_STARTING || node->is_serving)
		return;
	rc = fli_dist_ready(node->core.dist, &node->error);
	if (rc == FL_OK)
		rc = serve(node, &node->error);
	if (rc != FL_OK && rc != FL_EBUSY)
		fli_node_fall(node, node->error.what);
}
