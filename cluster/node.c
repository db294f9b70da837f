/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node, from its options to its end.
 *
 *  - open: process world, loop, network, distribution; then it listens and registers, and waits for
 *    that, since the creation of every pid comes from epmd; then supervisor, services, modules.
 *  - run: the crew drives the loop until somebody stops the node.
 *  - stop: see cluster/core.c.
 *
 * Failure: what an open that failed had begun is taken down again by fl_node_close; texts for
 * people come from below and are passed on. A handler that overstays, be it an init while the node
 * opens or a terminate while it stops, moves the loop to another thread; whoever drives for a while
 * only (open, poll, meet) takes it back then, since there is one driver at a time.
 */

#include "cluster/node.h"
#include "cluster/access_options.h"
#include "cluster/partition.h"
#include "cluster/partition_options.h"
#include "cluster/sandbox.h"
#include "cluster/tls_options.h"

#include "dist/global_service.h"
#include "dist/socket.h"
#include "dist/tls_net.h"
#include "flitch/pg.h"
#include "node/sched.h"
#include "pg/server.h"

/* ---- driving --------------------------------------------------------------------------------- */

static bool step(void *ctx)
{
	fli_member *member = ctx;

	return fli_core_goes_on(&member->core) && fli_loop_step(member->loop);
}

/* The step of a thread that drives for a while only: it takes back what it lost by the way. */
static bool step_here(fli_member *member)
{
	fl_node *node = member->core.node;
	bool goes_on = step(member);

	if (!fli_drive_is_lost(node))
		return goes_on;
	fli_drive_end(node);
	fli_crew_recall(node);
	fli_drive_begin(node);
	return !member->core.has_left;
}

static void wake_core(fli_core *core)
{
	fli_loop_wake(fli_container_of(core, fli_member, core)->loop);
}

static void wake(void *ctx)
{
	fli_loop_wake(((fli_member *)ctx)->loop);
}

/* The network's and the distribution's hooks. */
static void note_bytes(void *ctx, size_t size)
{
	fli_loop_note_read(((fli_member *)ctx)->loop, size);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int create_node(
	fli_member *member, const fl_options *options, const fli_dist_told *told, fl_error *err)
{
	const fli_limits limits = fli_node_limits(options);
	int rc = fli_node_create(&member->core.node, told->config.name.text, &limits,
		fli_port_system(), member->mem);

	if (rc != FL_OK)
		return fl_error_set(err, rc, "the node could not be made: %s", fl_error_text(rc));
	member->core.node->owner = &member->core;
	fli_logger_create(&member->logger, options);
	fli_log_create(&member->core.node->log, fli_logger_write, &member->logger,
		(fli_level)fli_options_int(options, FLI_KEY_LOG_LEVEL));
	return FL_OK;
}

static int create_loop(fli_member *member, const fl_options *options, fl_error *err)
{
	const fli_loop_config loop = {
		.spin_us = (uint32_t)fli_options_int(options, FLI_KEY_SCHED_SPIN_US),
		.spacing_us = (uint32_t)fli_options_int(options, FLI_KEY_SCHED_SPACING_US)};
	fli_socket_config net = {.mem = member->mem,
		.family = fli_options_family(options),
		.on_bytes = note_bytes,
		.on_change = wake,
		.ctx = member};
	const fli_drive drive = {.step = step, .wake = wake, .loop = member};
	int rc = fli_loop_new(member->core.node, &loop, &member->loop);

	if (rc == FL_OK) {
		net.loop = fli_loop_uv(member->loop);
		rc = fli_socket_net_new(&net, &member->net);
	}
	if (rc == FL_OK)
		rc = fli_crew_start(member->core.node, &drive);
	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "the loop could not be made");
}

/* Connections between nodes go through TLS where there is a certificate; epmd's never do. */
static int create_links(fli_member *member, const fl_options *options, fl_error *err)
{
	const fli_tls_config config = fli_tls_told(options);
	int rc;

	if (!fli_tls_is_on(options))
		return FL_OK;
	rc = fli_tls_new(&config, member->mem, &member->tls, err);
	if (rc == FL_OK &&
		fli_tls_net_new(member->net, member->tls, member->mem, &member->links) != FL_OK)
		rc = fl_error_set(err, FL_ENOMEM, "out of memory");
	return rc;
}

static int create_dist(fli_member *member, fli_dist_config *config, fl_error *err)
{
	int rc;

	config->node = member->core.node;
	config->net = member->net;
	config->links = member->links;
	config->wake = wake;
	config->wake_ctx = member;
	rc = fli_core_open(&member->core, config, err);
	if (rc == FL_OK)
		fli_loop_on_flush(member->loop, fli_dist_flush, member->core.dist);
	return rc;
}

/* Listens, and drives until the name is registered; epmd's own limit ends it. */
static int get_ready(fli_member *member, fl_error *err)
{
	int rc = fli_dist_listen(member->core.dist, err);

	if (rc != FL_OK)
		return rc;
	while ((rc = fli_dist_ready(member->core.dist, err)) == FL_EBUSY) {
		if (!fli_loop_step(member->loop))
			return fl_error_set(err, FL_ECLOSED, "the node was stopped");
	}
	return rc;
}

static int start_services(fli_member *member, const fl_options *options, fl_error *err)
{
	int rc = fli_core_serve(&member->core,
		(fli_rpc_profile)fli_options_int(options, FLI_KEY_RPC_PROFILE),
		fl_options_get(options, "rpc.allow"), err);

	if (rc != FL_OK)
		return rc;
	rc = fli_access_apply(member->core.node, options, err);
	if (rc != FL_OK || fli_natives_reload(member->core.node) != FL_OK)
		return rc != FL_OK ? rc : fl_error_set(err, FL_ENOMEM, "out of memory");
	fli_global_set_mode(
		member->core.node, (fli_global_mode)fli_options_int(options, FLI_KEY_GLOBAL_POP));
	rc = fli_heal_apply(member->core.node, options);
	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "out of memory");
}

static int start_scope(fl_node *node, const char *name, fl_error *err)
{
	int rc = fl_pg_start(node, name);

	return rc == FL_OK ? FL_OK
			   : fl_error_set(err, rc, "scope %s cannot be started: %s", name,
				     fl_error_text(rc));
}

static int start_scopes(fl_node *node, const fl_options *options, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_PG_SCOPES);
	int rc = FL_OK;

	fli_pg_limit(node, (uint64_t)fli_options_int(options, FLI_KEY_PG_MEMBERS));
	if (!fli_options_is_set(options, FLI_KEY_PG_SCOPES)) /* lists have no defaults of theirs */
		return start_scope(node, FL_PG, err);
	for (size_t i = 0; rc == FL_OK && i < count; i++)
		rc = start_scope(node, fli_options_item(options, FLI_KEY_PG_SCOPES, i), err);
	return rc;
}

static int load_and_join(fli_member *member, const fl_options *options, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_NODE_LOAD);
	int rc = FL_OK;

	member->children = fli_children_ref(fli_options_children(options));
	for (size_t i = 0; rc == FL_OK && i < count; i++)
		rc = fli_module_load(member, fli_options_item(options, FLI_KEY_NODE_LOAD, i), err);
	if (rc == FL_OK)
		rc = fli_application_start(member, err);
	count = fli_options_count(options, FLI_KEY_NODE_JOIN);
	for (size_t i = 0; rc == FL_OK && i < count; i++) {
		const char *peer = fli_options_item(options, FLI_KEY_NODE_JOIN, i);

		rc = fli_dist_want(member->core.dist, fl_atom_of(peer), err);
		if (rc != FL_OK)
			fl_error_wrap(err, "join %s", peer);
	}
	return rc;
}

static int build(fli_member *member, const fl_options *options, fli_dist_told *told, fl_error *err)
{
	int rc = create_loop(member, options, err);

	if (rc != FL_OK)
		return rc;
	rc = create_links(member, options, err);
	if (rc != FL_OK)
		return rc;
	fli_drive_begin(member->core.node);
	rc = create_dist(member, &told->config, err);
	if (rc == FL_OK)
		rc = get_ready(member, err);
	if (rc == FL_OK)
		rc = fli_sandbox_enter(options, err); /* before any server's own code */
	if (rc == FL_OK)
		rc = start_services(member, options, err);
	if (rc == FL_OK)
		rc = start_scopes(member->core.node, options, err);
	if (rc == FL_OK)
		rc = fli_partition_serve(&member->core, options, err);
	if (rc == FL_OK)
		rc = load_and_join(member, options, err);
	fli_drive_end(member->core.node);
	fli_crew_recall(member->core.node); /* an init that overstayed has made a driver */
	return rc;
}

int fl_node_open(const fl_options *options, fl_node **ret_node, fl_error *err)
{
	fli_mem *mem = fli_options_mem(options);
	fli_member *member = fli_zalloc(mem, sizeof *member);
	fli_dist_told told = {.mem = mem};
	int rc;

	if (member == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	member->mem = mem;
	member->core.wake = wake_core;
	atomic_init(&member->core.is_stopping, false);
	rc = fli_options_check(options, err);
	if (rc == FL_OK)
		rc = fli_dist_tell(options, &told, mem, err);
	if (rc == FL_OK)
		rc = create_node(member, options, &told, err);
	if (rc == FL_OK)
		rc = build(member, options, &told, err);
	fli_dist_untell(&told);
	if (rc == FL_OK)
		*ret_node = member->core.node;
	else if (member->core.node != NULL)
		fl_node_close(member->core.node);
	else
		fli_free(mem, member);
	return rc;
}

/* ---- serving --------------------------------------------------------------------------------- */

int fl_node_run(fl_node *node)
{
	fli_crew_drive(node);
	return fli_core_of(node)->exit_code;
}

typedef struct alarm {
	fli_timer timer;
	bool has_fired;
} alarm;

static void on_alarm(fli_timer *timer)
{
	fli_container_of(timer, alarm, timer)->has_fired = true;
}

static void start_alarm(fl_node *node, alarm *a, uint32_t ms)
{
	a->has_fired = false;
	fli_timer_create(&a->timer, on_alarm);
	fli_wheel_start(&node->wheel, &a->timer, node->port->now_ns(node->port) / 1000000 + ms);
}

int fl_node_poll(fl_node *node, uint32_t timeout_ms)
{
	fli_member *member = fli_member_of(node);
	bool goes_on;
	alarm a;

	fli_crew_recall(node);
	fli_drive_begin(node);
	start_alarm(node, &a, timeout_ms);
	do {
		if (timeout_ms == 0)
			fli_loop_wake(member->loop);
		goes_on = step_here(member);
	} while (goes_on && timeout_ms > 0 && !a.has_fired);
	fli_wheel_stop(&a.timer);
	fli_drive_end(node);
	return goes_on ? FL_OK : FL_ECLOSED;
}

void fl_node_close(fl_node *node)
{
	fli_member *member = fli_member_of(node);
	fli_mem *mem = member->mem;

	if (!member->core.has_left && node->crew != NULL) {
		fl_node_stop(node);
		fli_crew_drive(node);
	} else if (!member->core.has_left && member->loop != NULL) {
		fli_drive_begin(node);
		fli_core_leave(&member->core);
		fli_drive_end(node);
	}
	fli_crew_stop(node);
	fli_enter(node); /* the servers' last handlers run in fli_node_delete */
	if (member->core.dist != NULL)
		fli_dist_close(member->core.dist);
	fli_tls_net_delete(member->links);
	fli_tls_delete(member->tls);
	if (member->net != NULL)
		fli_socket_net_delete(member->net);
	if (member->loop != NULL)
		fli_loop_delete(member->loop);
	fli_partition_close(&member->core);
	fli_node_delete(node);
	fli_application_delete(member);
	fli_modules_unload(member);
	fli_free(mem, member);
}

/* ---- meeting --------------------------------------------------------------------------------- */

typedef struct meeting {
	fli_dist_wait wait;
	bool is_over;
	int result;
	fl_error *err;
} meeting;

static void on_met(fli_dist_wait *wait, int result, const fl_error *err)
{
	meeting *m = fli_container_of(wait, meeting, wait);

	m->is_over = true;
	m->result = result;
	if (result != FL_OK && m->err != NULL)
		*m->err = *err;
}

static int meet(fli_member *member, const char *peer, uint32_t timeout_ms, fl_error *err)
{
	meeting m = {.wait = {.done = on_met}, .err = err};
	alarm a;
	int rc;

	fli_list_create(&m.wait.link);
	rc = fli_dist_connect(member->core.dist, fl_atom_of(peer), &m.wait, err);
	if (rc != FL_EBUSY)
		return rc;
	start_alarm(member->core.node, &a, timeout_ms);
	while (!m.is_over && !a.has_fired && step_here(member))
		;
	fli_wheel_stop(&a.timer);
	if (m.is_over)
		return m.result;
	fli_dist_wait_cancel(&m.wait);
	return fl_error_set(err, FL_ETIMEOUT, "no connection to %s within %u ms", peer, timeout_ms);
}

int fli_node_meet(fl_node *node, const char *peer, uint32_t timeout_ms, fl_error *err)
{
	int rc;

	fli_crew_recall(node);
	fli_drive_begin(node);
	rc = meet(fli_member_of(node), peer, timeout_ms, err);
	fli_drive_end(node);
	return rc;
}

int fl_node_load(fl_node *node, const char *path, fl_error *err)
{
	int rc;

	fli_enter(node);
	rc = fli_module_load(fli_member_of(node), path, err);
	fli_leave(node);
	return rc;
}
