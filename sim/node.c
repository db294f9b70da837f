/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of the world: added, driven, paused, crashed.
 *
 *  - turn: what its sockets have to tell, then timers and handlers, then what is to be written; the
 *    next turn is at the next timer, or when a socket or the driver wakes it.
 *  - A handler that waits is put aside in the middle of its turn. Another turn goes on; when the
 *    handler has returned, its own turn ends at once.
 *  - crash: nothing of the node's code runs any more; the purse is emptied.
 */
#include "sim/node.h"

#include <string.h>

#include "dist/peers.h"

static fl_sim_node *node_of(fli_prog *prog)
{
	return fli_container_of(prog, fl_sim_node, prog);
}

void fli_node_wake(fl_sim_node *node)
{
	fli_prog_wake(&node->prog, node->prog.sim->now_ns);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void plan_next(fl_sim_node *node)
{
	fl_node *inner = node->core.node;
	uint64_t now = node->prog.sim->now_ns, due_ms = fli_node_next_ms(inner), at;

	if (inner->run_first != NULL) {
		fli_prog_wake(&node->prog, now + 1000);
		return;
	}
	if (due_ms == FLI_WHEEL_NEVER)
		return;
	at = fli_node_world_ns(node, due_ms);
	fli_prog_wake(&node->prog, at > now ? at : now + FLI_SIM_MS);
}

/* False: the node has left the cluster. */
static bool run_turn(fl_sim_node *node)
{
	fl_node *inner = node->core.node;
	bool goes_on = true;

	node->is_turning = true;
	fli_drive_begin(inner);
	fli_prog_deliver(&node->prog);
	if (fli_node_turn(inner, inner->port->now_ns(inner->port) / FLI_SIM_MS) == FLI_TURN_LOST) {
		fli_drive_end(inner); /* this stack was put aside; another one drives */
		return true;
	}
	fli_dist_flush(node->core.dist);
	if (node->state == FL_SIM_UP || node->state == FL_SIM_LEAVING)
		goes_on = fli_core_goes_on(&node->core);
	if (node->state == FL_SIM_UP && node->core.is_leaving)
		node->state = FL_SIM_LEAVING; /* a server asked for it, or too many failed */
	fli_drive_end(inner);
	node->is_turning = false;
	plan_next(node);
	return goes_on;
}

static void take_turn(fli_prog *prog)
{
	fl_sim_node *node = node_of(prog);

	if (node->core.node == NULL)
		return;
	if (run_turn(node)) {
		fli_node_go_on(node);
	} else if (!node->is_ending) {
		node->is_ending = true;
		fli_node_end(node);
	}
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void vanish(fli_prog *prog)
{
	fl_sim_node *node = node_of(prog);

	if (node->core.node != NULL)
		fli_node_forget(node);
}

static fl_sim_config config_of(const fl_sim_config *given)
{
	fl_sim_config config = given == NULL ? (fl_sim_config){.cookie = NULL} : *given;

	if (config.cookie == NULL)
		config.cookie = "of the simulated cluster";
	return config;
}

fl_sim_node *fl_sim_add(fl_sim *sim, const char *name, const fl_sim_config *config, fl_error *err)
{
	fl_sim_node *node;
	fli_node_name parsed;

	if (fli_node_name_parse(&parsed, name, strlen(name), err) != FL_OK)
		return NULL;
	if (fl_sim_find(sim, name) != NULL || sim->nodes_count == FL_SIM_NODES_MAX) {
		(void)fl_error_set(err, FL_ETAKEN, "%s is in the world, or there are %d nodes",
			name, FL_SIM_NODES_MAX);
		return NULL;
	}
	node = fli_store_zalloc(sizeof *node);
	node->name = parsed;
	fli_prog_create(
		&node->prog, fli_host_get(sim, fli_node_name_host(&node->name)), node->name.text);
	node->prog.take_turn = take_turn;
	node->prog.vanish = vanish;
	node->config = config_of(config);
	fli_node_equip(node);
	sim->nodes[sim->nodes_count++] = node;
	return node;
}

void fl_sim_reconfigure(fl_sim_node *node, const fl_sim_config *config)
{
	node->config = config_of(config);
}

void fli_node_drop(fl_sim_node *node)
{
	if (node->core.node != NULL)
		fl_sim_crash_node(node, FL_SIM_KILLED);
	fli_prog_end(&node->prog);
	fli_list_remove(&node->prog.in_host);
	fli_store_free(node);
}

/* ---- what happens to it ---------------------------------------------------------------------- */

void fl_sim_crash_node(fl_sim_node *node, fl_sim_crash how)
{
	fli_world_note(node->prog.sim, "crashes", node->name.text, NULL);
	if (how == FL_SIM_VANISHED) {
		fli_host_vanish(node->prog.host);
		return;
	}
	if (node->core.node == NULL)
		return;
	fli_prog_end(&node->prog);
	fli_node_forget(node);
}

void fl_sim_pause_node(fl_sim_node *node, fl_sim_pause how)
{
	if (node->state != FL_SIM_UP)
		return;
	fli_world_note(node->prog.sim, "pauses", node->name.text, NULL);
	node->state = FL_SIM_PAUSED;
	node->pause = how;
	node->paused_ns = node->prog.sim->now_ns;
	fli_prog_pause(&node->prog);
}

void fl_sim_resume(fl_sim_node *node)
{
	if (node->state != FL_SIM_PAUSED)
		return;
	fli_world_note(node->prog.sim, "resumes", node->name.text, NULL);
	node->state = FL_SIM_UP;
	if (node->pause == FL_SIM_SUSPENDED) {
		uint64_t stood_ns = node->prog.sim->now_ns - node->paused_ns;

		node->clock_ns -= stood_ns;
		fli_world_shift(&node->prog, stood_ns);
	}
	fli_prog_resume(&node->prog);
}

void fl_sim_jump_wall(fl_sim_node *node, int64_t ms)
{
	fli_world_note(node->prog.sim, "its wall clock jumps", node->name.text, NULL);
	node->wall_us += ms * 1000;
}

void fl_sim_set_lag(fl_sim_node *node, uint32_t us)
{
	fli_world_count(node->prog.sim, "lags, us", node->name.text, NULL, us);
	node->prog.lag_ns = (uint64_t)us * 1000;
}

void fl_sim_fail_alloc(fl_sim_node *node, uint64_t nth)
{
	fli_world_count(
		node->prog.sim, "will lack memory at allocation", node->name.text, NULL, nth);
	node->purse.fail_nth = nth;
}

void fl_sim_fail_allocs(fl_sim_node *node, uint32_t per_million)
{
	fli_world_count(
		node->prog.sim, "lacks memory, in a million", node->name.text, NULL, per_million);
	node->purse.fail_per_million = per_million;
}

void fl_sim_limit_sockets(fl_sim_node *node, unsigned max)
{
	fli_world_count(node->prog.sim, "may have sockets", node->name.text, NULL, max);
	node->prog.socks_max = max;
}

size_t fl_sim_bytes(const fl_sim_node *node)
{
	return node->purse.bytes;
}

uint64_t fl_sim_failures(const fl_sim_node *node)
{
	return node->purse.failures;
}

/* ---- questions ------------------------------------------------------------------------------- */

fl_sim_node *fl_sim_find(fl_sim *sim, const char *name)
{
	for (size_t i = 0; i < sim->nodes_count; i++) {
		if (strcmp(sim->nodes[i]->name.text, name) == 0)
			return sim->nodes[i];
	}
	return NULL;
}

fl_sim_node *fl_sim_next(fl_sim *sim, size_t *cursor)
{
	return *cursor < sim->nodes_count ? sim->nodes[(*cursor)++] : NULL;
}

fl_sim_node *fl_sim_node_of(const fl_node *node)
{
	return fli_container_of(fli_core_of(node), fl_sim_node, core);
}

fl_sim *fl_sim_of(const fl_sim_node *node)
{
	return node->prog.sim;
}

const char *fl_sim_name(const fl_sim_node *node)
{
	return node->name.text;
}

const char *fl_sim_host(const fl_sim_node *node)
{
	return node->prog.host->name;
}

fl_sim_state fl_sim_state_of(const fl_sim_node *node)
{
	return node->state;
}

fl_node *fl_sim_handle(const fl_sim_node *node)
{
	return node->core.node;
}

unsigned fl_sim_starts(const fl_sim_node *node)
{
	return node->starts;
}

typedef struct awaited {
	const fl_sim_node *node;
	fl_sim_state state;
} awaited;

static bool is_there(void *ctx)
{
	const awaited *a = ctx;

	return a->node->state == a->state;
}

bool fl_sim_await(fl_sim_node *node, fl_sim_state state, uint64_t ms)
{
	awaited a = {node, state};

	return fl_sim_run_until(node->prog.sim, ms, is_there, &a);
}

/* ---- connections ----------------------------------------------------------------------------- */

int fl_sim_connect(fl_sim_node *node, const char *peer)
{
	if (node->state != FL_SIM_UP)
		return FL_ECLOSED;
	return fl_node_connect(node->core.node, peer);
}

bool fl_sim_disconnect(fl_sim_node *node, const char *peer)
{
	bool done;

	if (node->state != FL_SIM_UP)
		return false;
	fli_enter(node->core.node);
	done = fli_dist_disconnect(node->core.dist, fl_atom_of(peer));
	fli_leave(node->core.node);
	return done;
}

bool fl_sim_is_connected(const fl_sim_node *node, const char *name)
{
	const fli_dist_peer *peer;

	if (node->core.dist == NULL)
		return false;
	peer = fli_peers_find(node->core.dist, name, strlen(name));
	return peer != NULL && peer->base.is_up;
}
