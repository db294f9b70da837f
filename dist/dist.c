/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distribution of a node: put together, asked, taken apart.
 *
 *  - open: copies what it was told, attaches itself to the process world.
 *  - listen: a listener, then the registration in epmd. Until that is done nobody is accepted,
 * since the creation, which is part of every pid, comes from it.
 *  - flush: the end of each turn of the loop.
 *  - leave: all links at once. One after the other would have the nodes that are left suspect each
 *    other (partitions: leave in one stroke).
 */

#include "dist/dist.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "dist/flags.h"
#include "dist/peers.h"

fli_dist_limits fli_dist_limits_default(void)
{
	return (fli_dist_limits){.pending_max = 64,
		.pending_per_ip_max = 8,
		.accepts_per_second = 200,
		.peers_max = 4096,
		.waiting_bytes_max = (size_t)4 << 20,
		.waiting_sum_max = (size_t)64 << 20,
		.waiting_bytes_min = (size_t)16 << 10,
		.out_soft_bytes = FLI_OUTBOUND_SOFT_BYTES,
		.out_hard_bytes = FLI_OUTBOUND_HARD_BYTES,
		.preauth_bytes_max = FLI_HANDSHAKE_MESSAGE_BYTES_MAX,
		.frame_bytes_max = FLI_INBOUND_FRAME_BYTES_MAX,
		.fragments_open_max = FLI_INBOUND_FRAGMENTS_OPEN_MAX,
		.fragment_bytes_max = FLI_INBOUND_FRAGMENT_BYTES_MAX};
}

static void on_registered(void *ctx)
{
	fli_dist *dist = ctx;

	dist->is_ready = true;
	fli_node_rename(dist->node, dist->node->name, dist->epmd.reg.creation);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_loopback(const char *address)
{
	struct in6_addr six;

	if (address == NULL || strncmp(address, "127.", 4) == 0)
		return true;
	return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static void describe_epmd(fli_dist *dist)
{
	const fli_dist_config *config = &dist->config;

	dist->epmd_config = (fli_epmd_config){.node = dist->node,
		.net = dist->net,
		.port = config->epmd_port,
		.may_spawn = config->epmd == FLI_DIST_EPMD_AUTO,
		.program = config->epmd_program,
		.is_embedded = config->epmd == FLI_DIST_EPMD_EMBEDDED,
		.is_open = !is_loopback(config->listen_address),
		.is_v6 = config->is_v6,
		.step_ms = config->step_ms,
		.on_registered = on_registered,
		.ctx = dist};
}

int fli_dist_open(const fli_dist_config *config, fli_dist **ret_dist)
{
	fli_mem *mem = config->node->mem;
	fli_dist *dist = fli_zalloc(mem, sizeof *dist);

	if (dist == NULL)
		return FL_ENOMEM;
	dist->mem = mem;
	dist->node = config->node;
	dist->net = config->net;
	dist->links = config->links == NULL ? config->net : config->links;
	dist->name = config->name;
	dist->is_dynamic = config->name.alive_size == 0;
	fli_list_create(&dist->pending);
	fli_list_create(&dist->dirty);
	fli_list_create(&dist->doomed);
	fli_list_create(&dist->watches);
	fli_buf_create(&dist->open.buf, mem, 0);
	fli_peers_create(dist);
	if (!fli_dist_config_copy(&dist->config, config, mem)) {
		fli_dist_close(dist);
		return FL_ENOMEM;
	}
	describe_epmd(dist);
	fli_remote_attach(dist->node, fli_remote_ops_table(), dist);
	*ret_dist = dist;
	return FL_OK;
}

int fli_dist_listen(fli_dist *dist, fl_error *err)
{
	int rc;

	if (dist->config.listen_address == NULL) {
		dist->is_ready = true;
		return FL_OK;
	}
	rc = fli_listener_open(dist, err);
	if (rc != FL_OK)
		return rc;
	if (dist->config.epmd == FLI_DIST_EPMD_OFF) {
		dist->is_ready = true;
		return FL_OK;
	}
	return fli_epmd_driver_start(&dist->epmd, &dist->epmd_config, &dist->name,
		dist->listener.port, dist->config.is_visible);
}

int fli_dist_ready(const fli_dist *dist, fl_error *err)
{
	if (dist->is_ready)
		return FL_OK;
	if (dist->epmd.outcome != FLI_EPMD_FAILED)
		return FL_EBUSY;
	if (err != NULL)
		*err = dist->epmd.error;
	return dist->epmd.error.code;
}

void fli_dist_flush(void *ctx)
{
	fli_dist *dist = ctx;
	fli_link mine;
	fli_link *link;

	fli_peers_reap(dist);
	/* who is over its share puts itself back into the list, for the next turn */
	fli_list_create(&mine);
	while ((link = fli_list_pop(&dist->dirty)) != NULL)
		fli_list_append(&mine, link);
	while ((link = fli_list_pop(&mine)) != NULL)
		fli_conn_flush(fli_container_of(link, fli_conn, dirty));
	fli_peers_reap(dist);
}

void fli_dist_stop_listening(fli_dist *dist)
{
	dist->is_leaving = true;
	fli_listener_close(dist);
}

static void drop_pending(fli_dist *dist)
{
	while (!fli_list_is_empty(&dist->pending))
		fli_pending_delete(fli_container_of(dist->pending.next, fli_pending, link));
}

void fli_dist_leave(fli_dist *dist)
{
	const fl_error err = {.code = FL_ECLOSED, .what = "this node is leaving"};
	fli_dist_peer *peer;
	size_t cursor = 0;

	fli_dist_stop_listening(dist);
	fli_dist_flush(dist);
	fli_epmd_driver_stop(&dist->epmd);
	drop_pending(dist);
	while ((peer = fli_map_next(&dist->peers, &cursor)) != NULL) {
		fli_reconcile_unwant(peer);
		if (peer->conn != NULL)
			fli_conn_doom(peer->conn, "disconnect");
	}
	fli_peers_reap(dist);
	cursor = 0;
	while ((peer = fli_map_next(&dist->peers, &cursor)) != NULL) {
		if (peer->state != FLI_PEER_IDLE)
			fli_peers_failed(peer, &err);
	}
}

bool fli_dist_has_output(fli_dist *dist)
{
	fli_dist_peer *peer;
	size_t cursor = 0;

	while ((peer = fli_map_next(&dist->peers, &cursor)) != NULL)
		if (peer->conn != NULL && peer->conn->reason == NULL && !peer->conn->is_finishing &&
			fli_outbound_size(&peer->conn->out) > 0)
			return true;
	return false;
}

bool fli_dist_finish(fli_dist *dist)
{
	fli_dist_peer *peer;
	size_t cursor = 0;
	bool waits = false;

	while ((peer = fli_map_next(&dist->peers, &cursor)) != NULL) {
		fli_reconcile_unwant(peer);
		if (peer->conn != NULL && peer->conn->reason == NULL)
			waits |= fli_conn_finish(peer->conn);
	}
	return waits;
}

void fli_dist_close(fli_dist *dist)
{
	fli_dist_stop_listening(dist);
	fli_epmd_driver_stop(&dist->epmd);
	drop_pending(dist);
	fli_peers_close(dist);
	if (dist->node->dist == dist)
		fli_remote_attach(dist->node, NULL, NULL);
	fli_buf_destroy(&dist->open.buf);
	fli_dist_config_free(&dist->config, dist->mem);
	fli_free(dist->mem, dist);
}

/* ---- questions ------------------------------------------------------------------------------- */

uint16_t fli_dist_port(const fli_dist *dist)
{
	return dist->listener.port;
}

const fli_node_name *fli_dist_name(const fli_dist *dist)
{
	return &dist->name;
}

bool fli_dist_is_visible(const fli_dist *dist)
{
	return dist->config.is_visible;
}

uint32_t fli_dist_tick_ms(const fli_dist *dist)
{
	return dist->config.tick_time_ms;
}

fli_peer *fli_dist_next(fli_dist *dist, size_t *cursor)
{
	fli_dist_peer *peer;

	while ((peer = fli_map_next(&dist->peers, cursor)) != NULL) {
		if (peer->base.is_up)
			return &peer->base;
	}
	return NULL;
}

fli_peer *fli_dist_find(fli_dist *dist, fl_atom name)
{
	fli_dist_peer *peer = fli_peers_find(dist, name.text, name.size);

	return peer == NULL ? NULL : &peer->base;
}

const fli_dist_counters *fli_dist_counters_of(const fli_dist *dist)
{
	return &dist->counters;
}

bool fli_dist_info_next(fli_dist *dist, size_t *cursor, fli_dist_peer_info *ret_info)
{
	static const char *const states[] = {"idle", "looking", "dialling", "waiting", "up"};
	const fli_dist_peer *peer = fli_map_next(&dist->peers, cursor);
	const fli_conn *conn = peer == NULL ? NULL : peer->conn;

	if (peer == NULL)
		return false;
	*ret_info = (fli_dist_peer_info){.name = peer->base.name,
		.state = states[peer->state],
		.is_wanted = peer->want.is_wanted,
		.address = peer->address,
		.error = &peer->error};
	if (conn == NULL)
		return true;
	ret_info->flags = conn->flags;
	ret_info->up_since_ms = conn->up_ms;
	ret_info->bytes_in = conn->in.stats.bytes;
	ret_info->bytes_out = conn->out.bytes_done;
	ret_info->out_bytes = fli_outbound_size(&conn->out);
	return true;
}

/* ---- requests -------------------------------------------------------------------------------- */

int fli_dist_connect(fli_dist *dist, fl_atom name, fli_dist_wait *wait, fl_error *err)
{
	fli_dist_peer *peer = fli_peers_get(dist, name.text, name.size, err);
	int rc;

	if (peer == NULL)
		return FL_EINVAL;
	if (peer->base.is_up)
		return FL_OK;
	rc = fli_peers_connect(peer, err);
	if (rc != FL_OK)
		return rc;
	fli_list_append(&peer->waits, &wait->link);
	return FL_EBUSY;
}

int fli_dist_want(fli_dist *dist, fl_atom name, fl_error *err)
{
	fli_dist_peer *peer = fli_peers_get(dist, name.text, name.size, err);
	int rc;

	if (peer == NULL)
		return FL_EINVAL;
	rc = fli_node_name_check_dial(&dist->name, &peer->name, err);
	if (rc == FL_OK)
		fli_reconcile_want(peer);
	return rc;
}

void fli_dist_unwant(fli_dist *dist, fl_atom name)
{
	fli_dist_peer *peer = fli_peers_find(dist, name.text, name.size);

	if (peer != NULL)
		fli_reconcile_unwant(peer);
}

bool fli_dist_disconnect(fli_dist *dist, fl_atom name)
{
	fli_dist_peer *peer = fli_peers_find(dist, name.text, name.size);

	if (peer == NULL || peer->conn == NULL || peer->conn->reason != NULL)
		return false;
	fli_conn_doom(peer->conn, "disconnect");
	return true;
}

void fli_dist_watch_add(fli_dist *dist, fli_dist_watch *watch)
{
	fli_list_append(&dist->watches, &watch->link);
}

fli_outbound *fli_dist_out(fli_peer *base)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);

	return peer->conn == NULL || peer->conn->reason != NULL ? NULL : &peer->conn->out;
}

void fli_dist_wrote(fli_peer *base, int result)
{
	fli_dist_peer *peer = fli_dist_peer_of(base);

	if (peer->conn != NULL)
		fli_remote_settle(peer->conn, result);
}

void fli_dist_on_spawn(fli_dist *dist, const fli_dist_spawns *spawns)
{
	dist->spawns = spawns;
}
