/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node without what drives it.
 *
 *  - serve: the supervisor first, then the node's own processes; servers come afterwards.
 *  - leave: nobody new is accepted; the servers end, the last started first, while the node is
 *    driven as ever, so that what they do is finished and answered, and who is left is served; what
 *    they said goes out; then all peers are told the end at once, or the nodes that stay would
 *    suspect each other; the links are closed when the peers have closed theirs, having read all.
 *
 * Failure: a supervisor that gave up ends the node, as it ends a BEAM; who started the node may
 * start it again.
 */
#include "cluster/core.h"

#include "cluster/heirs.h"
#include "cluster/news.h"
#include "dist/global_service.h"
#include "dist/services.h"
#include "node/sched.h"
#include "node/supervisor.h"
#include "pg/server.h"

#define OUTPUT_MS 5000 /* for peers to read what the servers said at last */
#define FINISH_MS 2000 /* for peers to see the end; one that is stopped cannot */

/* sysexits: the servers failed more often than their supervisor may bear. */
enum { EXIT_SERVERS_FAILED = 70 };

int fli_core_open(fli_core *core, const fli_dist_config *config, fl_error *err)
{
	int rc = fli_dist_open(config, &core->dist);

	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "the distribution could not be made");
}

int fli_core_serve(fli_core *core, fli_rpc_profile profile, const char *allow, fl_error *err)
{
	fl_node *node = core->node;
	int rc = fli_supervisor_start(node);

	core->has_services = rc == FL_OK;
	if (rc == FL_OK)
		rc = fli_services_start(node);
	if (rc == FL_OK)
		rc = fli_pg_open(node);
	if (rc == FL_OK)
		rc = fli_news_open(node);
	if (rc == FL_OK)
		rc = fli_heirs_open(node);
	if (rc != FL_OK)
		return fl_error_set(
			err, rc, "the node's own processes did not start: %s", fl_error_text(rc));
	return fli_exports_policy(node, profile, allow, err);
}

static bool has_servers(const fli_core *core)
{
	return core->has_services && core->node->supervisor != NULL;
}

static void begin_leaving(fli_core *core)
{
	fl_node *node = core->node;

	core->is_leaving = true;
	if (core->has_run) /* else it failed to start, which is told elsewhere */
		fli_log_write(&node->log, FLI_NOTICE, "%.*s is leaving", (int)node->name.size,
			node->name.text);
	if (core->dist != NULL)
		fli_dist_stop_listening(core->dist);
	fli_pg_pause(node); /* nobody picks a server that is about to end */
	if (core->has_services)
		fli_supervisor_stop(node);
}

static void on_output_end(fli_timer *timer)
{
	(void)timer; /* the turn that it makes is all that is wanted */
}

static void wait_until(fli_core *core, uint64_t end_ms)
{
	if (core->output_end_ms == 0)
		fli_timer_create(&core->output, on_output_end);
	else
		fli_wheel_stop(&core->output);
	core->output_end_ms = end_ms;
	fli_wheel_start(&core->node->wheel, &core->output, end_ms);
}

/* A large answer takes its time; a peer that does not read keeps nobody. */
static bool waits_for_output(fli_core *core, uint64_t now_ms)
{
	if (core->is_finishing || !fli_dist_has_output(core->dist))
		return false;
	if (core->output_end_ms == 0)
		wait_until(core, now_ms + OUTPUT_MS);
	return now_ms < core->output_end_ms;
}

/* What was written may still be lost on its way: by a close that finds something to be read. */
static bool waits_for_ends(fli_core *core, uint64_t now_ms)
{
	if (!core->is_finishing) {
		core->is_finishing = true;
		fli_news_tell_all(core->node, "leaving", fl_spec("#{node => ~}", core->node->name));
		fli_global_end(core->node);
		wait_until(core, now_ms + FINISH_MS);
	}
	return now_ms < core->output_end_ms && fli_dist_finish(core->dist);
}

/* The last words, which go out before any link is closed. */
static bool has_words(fli_core *core)
{
	if (core->has_told_end)
		return false;
	core->has_told_end = true;
	fli_news_tell_all(core->node, "leaving", fl_spec("#{node => ~}", core->node->name));
	core->wake(core); /* they are written at the end of this turn */
	return true;
}

static bool waits_for_peers(fli_core *core)
{
	uint64_t now_ms = core->node->port->now_ns(core->node->port) / 1000000;

	return core->dist != NULL &&
	       (has_words(core) || waits_for_output(core, now_ms) || waits_for_ends(core, now_ms));
}

static void close_links(fli_core *core)
{
	if (core->output_end_ms != 0)
		fli_wheel_stop(&core->output);
	fli_global_end(core->node);
	if (core->dist != NULL)
		fli_dist_leave(core->dist);
	core->has_left = true;
}

void fli_core_leave(fli_core *core)
{
	fli_reason_atom shutdown;

	if (!core->is_leaving)
		begin_leaving(core);
	if (has_servers(core) && core->node->supervisor->frames == 0)
		(void)fli_server_stop(/* nobody drives */
			core->node->supervisor, fli_reason_of(&shutdown, "shutdown"), NULL);
	close_links(core);
}

static bool has_lost_servers(fli_core *core)
{
	if (!core->has_services || core->is_leaving || has_servers(core))
		return false;
	core->exit_code = EXIT_SERVERS_FAILED;
	if (core->has_run)
		fli_log_write(&core->node->log, FLI_ERROR,
			"this node ends with code %d: its supervisor gave up; a server ended more "
			"often than it may be started again; the lines above say which, and why",
			EXIT_SERVERS_FAILED);
	return true;
}

bool fli_core_goes_on(fli_core *core)
{
	if (FLI_UNLIKELY(has_lost_servers(core)))
		atomic_store_explicit(&core->is_stopping, true, memory_order_relaxed);
	/* acquire: pairs with the release in fl_node_stop */
	if (!atomic_load_explicit(&core->is_stopping, memory_order_acquire)) {
		core->has_run = true;
		return true;
	}
	if (!core->is_leaving)
		begin_leaving(core);
	if (!core->has_left && !has_servers(core) && !waits_for_peers(core))
		close_links(core);
	return !core->has_left;
}

/* ---- requests from any thread ---------------------------------------------------------------- */

void fl_node_stop(fl_node *node)
{
	fli_core *core = fli_core_of(node);

	/* release: what the caller did before is seen by who ends the node */
	atomic_store_explicit(&core->is_stopping, true, memory_order_release);
	core->wake(core);
}

int fl_node_start(fl_node *node, const fl_behaviour *behaviour, fl_error *err)
{
	int rc;

	fli_enter(node);
	rc = fli_supervisor_start_child(node, behaviour, err);
	fli_leave(node);
	return rc;
}

int fl_node_connect(fl_node *node, const char *peer)
{
	fl_error err = {0};
	int rc;

	fli_enter(node);
	rc = fli_dist_want(fli_core_of(node)->dist, fl_atom_of(peer), &err);
	if (rc != FL_OK)
		fli_log_write(&node->log, FLI_WARNING, "cannot connect to %s: %s", peer, err.what);
	fli_leave(node);
	return rc;
}

uint16_t fl_node_port(const fl_node *node)
{
	return fli_dist_port(fli_core_of(node)->dist);
}
